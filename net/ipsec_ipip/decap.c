// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: takes the packets of the device's SAs from XFRM once they are
 * authenticated and decrypted, checks them, and passes the inner packet up
 * as received by the device.
 *
 * xfrm_input() calls back all that registered for ESP and AH when it is done
 * with a packet, before transport mode would send it once more through the
 * IP stack and its work queue. The state says whose packet it is; nothing
 * else can bring a packet in: there is no IP-in-IP handler here.
 */
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <net/gro_cells.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/xfrm.h>

#include "decap.h"
#include "main.h"
#include "sa.h"
#include "stats.h"

/* The callback can refuse a packet, which xfrm_input() then frees, after a
 * second call with an error. To keep one, it takes a reference and refuses.
 * This marks the packet between the two calls, in which it is no longer ours
 * to look at. Written with BH off, read on the same CPU by the second call.
 */
static DEFINE_PER_CPU(const struct sk_buff *, ipsi_decap_kept);

/* What the core keeps of the outer header, for both modes. */
struct ipsi_outer {
	__be32 saddr;
	u8 tos;
};

/* Tunnel mode: the core has already removed the outer header, but what is in
 * front of the inner one is still there, but for the link header that it has
 * moved up. (ESP without an IV leaves too little room for that: such packets
 * are refused, and belong in transport mode.)
 */
static bool ipsi_decap_outer_tunnel(const struct sk_buff *skb,
				    const struct xfrm_state *x,
				    struct ipsi_outer *outer)
{
	unsigned int back = x->props.header_len + XFRM_MODE_SKB_CB(skb)->optlen;
	const struct iphdr *iph;

	if (back > skb_headroom(skb) ||
	    back < offsetofend(struct iphdr, saddr) + skb->mac_len)
		return false;

	iph = (const struct iphdr *)(skb->data - back);
	outer->saddr = iph->saddr;
	outer->tos = XFRM_MODE_SKB_CB(skb)->tos;

	return true;
}

static bool ipsi_decap_outer(const struct sk_buff *skb,
			     const struct xfrm_state *x,
			     struct ipsi_outer *outer)
{
	if (x->props.mode == XFRM_MODE_TUNNEL)
		return ipsi_decap_outer_tunnel(skb, x, outer);

	outer->saddr = ip_hdr(skb)->saddr;
	outer->tos = ip_hdr(skb)->tos;

	return true;
}

/* The inner header, which skb->data points at. */
static bool ipsi_decap_inner_ok(struct sk_buff *skb)
{
	const struct iphdr *iph;

	if (!pskb_may_pull(skb, sizeof(*iph)))
		return false;

	iph = (const struct iphdr *)skb->data;
	if (iph->version != 4 || iph->ihl < 5 ||
	    ntohs(iph->tot_len) < iph->ihl * 4 ||
	    ntohs(iph->tot_len) > skb->len)
		return false;

	return pskb_may_pull(skb, iph->ihl * 4);
}

/* Make the decrypted packet an inner packet that has come in by the device.
 * The SA stays in the secpath, so that filters can ask for it (RFC 3884
 * section 4.2.3), unless the packet goes to another namespace.
 */
static void ipsi_decap_claim(struct ipsi_dev *idev, struct sk_buff *skb)
{
	struct net_device *dev = idev->dev;
	bool xnet = !net_eq(idev->net, dev_net(dev));
	struct sec_path *sp;

	skb_reset_network_header(skb);
	skb_reset_transport_header(skb);
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	skb->protocol = htons(ETH_P_IP);
	skb->encapsulation = 0;
	/* After UDP encapsulation ESP claims checksums it did not look at. */
	skb->ip_summed = CHECKSUM_NONE;
	skb_clear_hash(skb);

	skb_clear_tstamp(skb);
	skb->pkt_type = PACKET_HOST;
	skb->skb_iif = 0;
	skb->ignore_df = 0;
	skb_dst_drop(skb);
	nf_reset_ct(skb);
	nf_reset_trace(skb);
	skb->dev = dev;

	if (xnet) {
		ipvs_reset(skb);
		secpath_reset(skb);
		skb_orphan(skb);
		skb->mark = 0;
		return;
	}

	/* No offload is pending on it any more. */
	sp = skb_sec_path(skb);
	if (sp)
		sp->olen = 0;
}

/* Check an authenticated packet of the device. Return the reason to refuse
 * it, or IPSI_REASONS if it is now an inner packet to pass up.
 */
static enum ipsi_reason ipsi_decap_check(struct ipsi_dev *idev,
					 const struct xfrm_state *x,
					 struct sk_buff *skb)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);
	struct ipsi_outer outer;

	if (!(idev->dev->flags & IFF_UP))
		return IPSI_RX_DOWN;

	if (!ipsi_sa_authenticates(x))
		return IPSI_RX_CRYPTO;

	/* RFC 4301 section 5.2: anything else would reach the host's stack. */
	if (XFRM_MODE_SKB_CB(skb)->protocol != IPPROTO_IPIP)
		return IPSI_RX_PROTOCOL;

	if (x->id.daddr.a4 != conf->local.a4 ||
	    !ipsi_decap_outer(skb, x, &outer) ||
	    outer.saddr != conf->remote.a4)
		return IPSI_RX_OUTER_ADDRESS;

	if (!ipsi_decap_inner_ok(skb))
		return IPSI_RX_MALFORMED;

	ipsi_decap_claim(idev, skb);

	/* RFC 6040 section 4.2; more than 1 is to be dropped. */
	if (INET_ECN_decapsulate(skb, outer.tos, ip_hdr(skb)->tos) > 1)
		return IPSI_RX_ECN;

	return IPSI_REASONS;
}

/* xfrm4_protocol.cb_handler: 1 leaves the packet to others, an error makes
 * xfrm_input() drop it, after another call with that error.
 */
static int ipsi_decap_cb(struct sk_buff *skb, int err)
{
	const struct sk_buff **kept = this_cpu_ptr(&ipsi_decap_kept);
	enum ipsi_reason reason;
	struct ipsi_dev *idev;
	struct xfrm_state *x;

	if (err && *kept == skb) {
		*kept = NULL;
		return 0;
	}

	/* Without a secpath there was no SA yet that could name a device. */
	if (!skb_sec_path(skb))
		return 1;
	x = xfrm_input_state(skb);
	if (!x || !x->if_id || x->props.family != AF_INET)
		return 1;

	idev = ipsi_net_find(xs_net(x), x->if_id);
	if (!idev)
		return 1;

	if (err) {
		ipsi_stats_refused(idev, IPSI_RX_CRYPTO);
		return 0;
	}

	reason = ipsi_decap_check(idev, x, skb);
	*kept = skb;
	if (reason != IPSI_REASONS) {
		ipsi_stats_refused(idev, reason);
		return -EPERM;
	}

	dev_sw_netstats_rx_add(idev->dev, skb->len);
	skb_get(skb);
	gro_cells_receive(&idev->gro_cells, skb);

	return -EINPROGRESS;
}

/* xfrm4_protocol.handler and .input_handler: input is the core's business. */
static int ipsi_decap_rcv(struct sk_buff *skb)
{
	return -EINVAL;
}

static int ipsi_decap_input(struct sk_buff *skb, int nexthdr, __be32 spi,
			    int encap_type)
{
	return -EINVAL;
}

/* ICMP errors about ESP or AH: the core notes the path MTU in the route,
 * where dst_mtu() of the bundle finds it.
 */
static int ipsi_decap_err(struct sk_buff *skb, u32 info)
{
	return -ENOENT;
}

/* First in the row: what we keep, nobody after us may touch. */
#define IPSI_DECAP_PRIORITY	200

static struct xfrm4_protocol ipsi_decap_esp4 __read_mostly = {
	.handler	= ipsi_decap_rcv,
	.input_handler	= ipsi_decap_input,
	.cb_handler	= ipsi_decap_cb,
	.err_handler	= ipsi_decap_err,
	.priority	= IPSI_DECAP_PRIORITY,
};

static struct xfrm4_protocol ipsi_decap_ah4 __read_mostly = {
	.handler	= ipsi_decap_rcv,
	.input_handler	= ipsi_decap_input,
	.cb_handler	= ipsi_decap_cb,
	.err_handler	= ipsi_decap_err,
	.priority	= IPSI_DECAP_PRIORITY,
};

/**
 * ipsi_decap_register - start to receive
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_decap_register(void)
{
	int err;

	err = xfrm4_protocol_register(&ipsi_decap_esp4, IPPROTO_ESP);
	if (err)
		return err;

	err = xfrm4_protocol_register(&ipsi_decap_ah4, IPPROTO_AH);
	if (err)
		goto err_esp4;

	return 0;

err_esp4:
	xfrm4_protocol_deregister(&ipsi_decap_esp4, IPPROTO_ESP);
	return err;
}

/**
 * ipsi_decap_unregister - undo ipsi_decap_register()
 *
 * Context: process. No callback runs any more when this returns.
 */
void ipsi_decap_unregister(void)
{
	xfrm4_protocol_deregister(&ipsi_decap_ah4, IPPROTO_AH);
	xfrm4_protocol_deregister(&ipsi_decap_esp4, IPPROTO_ESP);
}
