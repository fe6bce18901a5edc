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
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <crypto/aead.h>
#include <net/dsfield.h>
#include <net/dst.h>
#include <net/esp.h>
#include <net/gro_cells.h>
#include <net/inet_dscp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "decap.h"
#include "icmp.h"
#include "inner.h"
#include "main.h"
#include "outer.h"
#include "peer.h"
#include "sa.h"
#include "sa_clone.h"
#include "stats.h"
#include "ts.h"

/* Parent of the NAPI contexts of all devices, and the device of a packet while it
 * is in their queue; owned by the module. Nobody can name it, so its properties
 * never change: it is up, with GRO, without XDP and without NAPI threads.
 */
static struct net_device *ipsi_decap_napi_dev;

/* Protects the list of NAPI contexts of @ipsi_decap_napi_dev. */
static DEFINE_MUTEX(ipsi_decap_napi_mutex);

/* What is left of the outer header, for both modes. @port is set, in network byte
 * order, where the packet has come from elsewhere than its SA says, and @newest
 * where the device roams.
 */
struct ipsi_decap_outer {
	xfrm_address_t saddr;
	__be16 port;
	u8 dsfield;
	bool newest;
};

/* Bytes of the outer header up to the end of its source address */
static unsigned int ipsi_decap_source_end(u16 family)
{
	return family == AF_INET ? offsetofend(struct iphdr, saddr) :
				   offsetofend(struct ipv6hdr, saddr);
}

/* Read the source out of an outer header, if that is one. */
static bool ipsi_decap_source(const void *hdr, u16 family, xfrm_address_t *src)
{
	const struct ipv6hdr *ip6h = hdr;
	const struct iphdr *iph = hdr;

	if (family == AF_INET) {
		src->a4 = iph->saddr;
		return true;
	}

	src->in6 = ip6h->saddr;
	return ip6h->version == 6;
}

/* Length of the IPv6 extension headers before ESP (RFC 4303 section 3.1.1), which
 * end at @end. The core keeps the offset of the last one, but not its length,
 * which it says itself. Return a negative number if there is no such header.
 */
static int ipsi_decap_exthdrs_len(const struct sk_buff *skb,
				  const struct xfrm_state *x, const u8 *end)
{
	u8 nexthdr = x->encap ? IPPROTO_UDP : x->id.proto;
	int last = IP6CB(skb)->nhoff, len;

	if (likely(last == offsetof(struct ipv6hdr, nexthdr)))
		return 0;

	for (len = 8; len <= 8 * 256 && len <= end - skb->head; len += 8)
		if (end[-len] == nexthdr &&
		    ipv6_optlen((struct ipv6_opt_hdr *)(end - len)) == len)
			return last - (int)sizeof(struct ipv6hdr) + len;

	return -EINVAL;
}

/* Tunnel mode: the core has already removed the outer header, but all that is in
 * front of the inner one is still there, except for the bytes over which it has
 * moved the link header. (ESP without an IV over IPv4 leaves too little room for
 * that: such packets are refused, and belong in transport mode.)
 */
static bool ipsi_decap_outer_tunnel(const struct sk_buff *skb,
				    const struct xfrm_state *x,
				    struct ipsi_decap_outer *outer)
{
	int back = x->props.header_len + XFRM_MODE_SKB_CB(skb)->optlen;
	int exthdrs = 0;

	if (x->props.family == AF_INET6)
		exthdrs = ipsi_decap_exthdrs_len(skb, x, skb->data - back +
						 sizeof(struct ipv6hdr));
	if (exthdrs < 0)
		return false;

	back += exthdrs;
	if (back > skb_headroom(skb) ||
	    back < ipsi_decap_source_end(x->props.family) + skb->mac_len)
		return false;

	outer->dsfield = XFRM_MODE_SKB_CB(skb)->tos;
	return ipsi_decap_source(skb->data - back, x->props.family,
				 &outer->saddr);
}

static bool ipsi_decap_outer(const struct sk_buff *skb,
			     const struct xfrm_state *x,
			     struct ipsi_decap_outer *outer)
{
	if (x->props.mode == XFRM_MODE_TUNNEL)
		return ipsi_decap_outer_tunnel(skb, x, outer);

	outer->dsfield = x->props.family == AF_INET ?
			 ipv4_get_dsfield(ip_hdr(skb)) :
			 ipv6_get_dsfield(ipv6_hdr(skb));
	return ipsi_decap_source(skb_network_header(skb), x->props.family,
				 &outer->saddr);
}

/* Are the outer addresses the endpoints (RFC 4213 section 3.6)? */
static bool ipsi_decap_endpoints_ok(const struct ipsi_conf *conf,
				    const struct xfrm_state *x,
				    const struct ipsi_decap_outer *outer)
{
	u16 family = conf->family;

	return x->props.family == family &&
	       xfrm_addr_equal(&x->id.daddr, &conf->local, family) &&
	       (xfrm_addr_equal(&outer->saddr, &conf->remote, family) ||
		ipsi_peer_may_move(conf, x));
}

/* Read the sequence number of a packet, which the core keeps in transport mode.
 * In tunnel mode it is still in front of the inner header, unless the link
 * header is in its place: then return false.
 */
static bool ipsi_decap_seq(const struct sk_buff *skb,
			   const struct xfrm_state *x, u32 *seq)
{
	int esp;

	if (x->props.mode != XFRM_MODE_TUNNEL) {
		*seq = ntohl(XFRM_SKB_CB(skb)->seq.input.low);
		return true;
	}
	if (x->id.proto != IPPROTO_ESP)
		return false;

	esp = x->props.header_len - ipsi_outer_len(x->props.family);
	if (x->encap)
		esp -= sizeof(struct udphdr);
	if (esp < (int)sizeof(struct ip_esp_hdr) + skb->mac_len)
		return false;

	*seq = ntohl(((struct ip_esp_hdr *)(skb->data - esp))->seq_no);
	return true;
}

/* Is this packet the newest of its SA? One that was sent earlier may have been
 * late, or held up on purpose.
 */
static bool ipsi_decap_is_newest(const struct sk_buff *skb,
				 const struct xfrm_state *x)
{
	u32 seq;

	if (!ipsi_decap_seq(skb, x, &seq))
		return true;

	return seq == (x->replay_esn ? READ_ONCE(x->replay_esn->seq) :
				       READ_ONCE(x->replay.seq));
}

/* Has the peer moved? With UDP the core says so: see km.c. */
static void ipsi_decap_follow(struct ipsi_dev *idev,
			      const struct ipsi_conf *conf,
			      const struct xfrm_state *x,
			      const struct ipsi_decap_outer *outer)
{
	bool here = xfrm_addr_equal(&outer->saddr, &conf->remote, conf->family);

	if (!outer->newest || !ipsi_peer_may_move(conf, x))
		return;

	if (x->encap ? !!outer->port : !here)
		ipsi_peer_update(idev, &outer->saddr, outer->port);
	else if (here)
		ipsi_peer_stays(idev);
}

/* Does the core take the packet with this SA in its secpath? It takes none that
 * the selector does not match: which in transport mode is about outer
 * addresses, and mostly of their family. Of tunnel mode it takes none that no
 * policy asks for.
 */
static bool ipsi_decap_core_takes(const struct ipsi_dev *idev,
				  const struct xfrm_state *x,
				  const struct sk_buff *skb)
{
	const struct xfrm_selector *sel = &x->sel;

	if ((sel->family && sel->family != AF_INET6) || ipsi_ts_has_ports(sel))
		return false;
	if (x->props.mode == XFRM_MODE_TUNNEL)
		return ipsi_ts_core_takes(idev, x, skb);

	return !sel->prefixlen_s && !sel->prefixlen_d;
}

/* The SA stays in the secpath, so that filters can ask for it (RFC 3884
 * section 4.2.3), with those of the layers below. But the core compares the
 * secpath with the policies for inner IPv6: where no policy asks for the SA,
 * the packet goes up without it.
 */
static void ipsi_decap_secpath6(const struct ipsi_dev *idev,
				struct sk_buff *skb)
{
	struct sec_path *sp = skb_sec_path(skb);
	int i;

	for (i = 0; sp && i < sp->len; i++) {
		if (!ipsi_decap_core_takes(idev, sp->xvec[i], skb)) {
			secpath_reset(skb);
			return;
		}
	}
}

/* The reverse path filter of IPv4 lets pass all that has a secpath, for which a
 * policy would say where it may come from; but there is none. So ask for a
 * route as if there were no SA: what would be refused goes up without, and is.
 */
static void ipsi_decap_rp_filter(struct sk_buff *skb)
{
	struct in_device *in_dev = __in_dev_get_rcu(skb->dev);
	const struct iphdr *iph = ip_hdr(skb);
	u8 extensions = skb->active_extensions;
	bool refused;

	if (!skb_sec_path(skb) || !in_dev || !IN_DEV_RPFILTER(in_dev))
		return;

	skb->active_extensions &= ~(1 << SKB_EXT_SEC_PATH);
	refused = ip_route_input(skb, iph->daddr, iph->saddr,
				 inet_dsfield_to_dscp(iph->tos), skb->dev);
	skb->active_extensions = extensions;
	skb_dst_drop(skb);
	if (refused)
		secpath_reset(skb);
}

/* Take from a packet what belongs to its outer header and to the device that it
 * came by. The core's helper takes the secpath as well, which stays where the
 * device is in the namespace of its SAs.
 */
static void ipsi_decap_scrub(struct ipsi_dev *idev, struct sk_buff *skb)
{
	u8 extensions = skb->active_extensions;

	if (net_eq(idev->net, dev_net(idev->dev)))
		skb->active_extensions = 0;
	else
		extensions = 0;
	__skb_tunnel_rx(skb, idev->dev, idev->net);
	skb->active_extensions = extensions & 1 << SKB_EXT_SEC_PATH;

	/* A hash over UDP ports is that of the SA, not of the inner flow. */
	skb_clear_hash(skb);
	/* Generic XDP would ignore an outer packet that tc has redirected. */
	skb_reset_redirect(skb);
	skb->encapsulation = 0;
	/* After UDP encapsulation ESP claims checksums it did not look at. */
	skb->ip_summed = CHECKSUM_NONE;
	skb->csum_valid = 0;
	skb->csum_complete_sw = 0;
	skb->csum_level = 0;
}

/* Make the decrypted packet an inner packet that has come in by the device. */
static void ipsi_decap_claim(struct ipsi_dev *idev, struct sk_buff *skb,
			     u16 family)
{
	struct sec_path *sp;

	skb_reset_network_header(skb);
	skb_reset_transport_header(skb);
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	skb->protocol = family == AF_INET ? htons(ETH_P_IP) :
					    htons(ETH_P_IPV6);
	ipsi_decap_scrub(idev, skb);
	/* No offload is pending on it any more. */
	sp = skb_sec_path(skb);
	if (sp)
		sp->olen = 0;
}

/* Combine the ECN fields of both headers (RFC 6040 section 4.2). */
static bool ipsi_decap_ecn_ok(struct ipsi_dev *idev, struct sk_buff *skb,
			      u8 outer, u8 inner)
{
	u8 out = outer & INET_ECN_MASK, in = inner & INET_ECN_MASK;
	int odd;

	odd = INET_ECN_decapsulate(skb, outer, inner);
	if (odd > 1)
		return false;

	/* Nobody should send these two, harmless as they are. */
	odd |= out == INET_ECN_ECT_1 && in == INET_ECN_CE;
	odd |= out == INET_ECN_ECT_0 && in == INET_ECN_ECT_1;
	if (odd)
		ipsi_stats_count(idev, IPSI_RX_ECN_ODD);

	return true;
}

/* What a key manager wants to have copied inwards. Tunnel mode does that itself,
 * but an SA without an IV was taken over into transport mode.
 */
static void ipsi_decap_dscp(const struct xfrm_state *x, struct sk_buff *skb,
			    u16 family, u8 outer)
{
	if (!(x->xflags & IPSI_XFLAG_ADOPTED) ||
	    x->props.mode != XFRM_MODE_TRANSPORT ||
	    !(x->props.flags & XFRM_STATE_DECAP_DSCP))
		return;

	if (family == AF_INET)
		ipv4_change_dsfield(ip_hdr(skb), INET_ECN_MASK,
				    outer & ~INET_ECN_MASK);
	else
		ipv6_change_dsfield(ipv6_hdr(skb), INET_ECN_MASK,
				    outer & ~INET_ECN_MASK);
}

/* Check an authenticated packet of the device. Return the reason to refuse
 * it, or IPSI_ACCEPT if it is now an inner packet to pass up.
 */
static enum ipsi_reason ipsi_decap_process(struct ipsi_dev *idev,
					   const struct xfrm_state *x,
					   struct sk_buff *skb)
{
	struct ipsi_decap_outer outer = { .port = ipsi_peer_take_mapping(x) };
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);
	struct ipsi_inner inner;
	u16 family;

	if (!(idev->dev->flags & IFF_UP))
		return IPSI_RX_DOWN;

	if (!ipsi_sa_authenticates(x))
		return IPSI_RX_CRYPTO;

	/* RFC 4301 section 5.2: anything else would reach the host's stack. */
	family = ipsi_inner_family(XFRM_MODE_SKB_CB(skb)->protocol);
	if (family == AF_UNSPEC)
		return IPSI_RX_PROTOCOL;

	if (!ipsi_decap_outer(skb, x, &outer) ||
	    !ipsi_decap_endpoints_ok(conf, x, &outer))
		return IPSI_RX_OUTER_ADDRESS;

	if (unlikely(conf->roam))
		outer.newest = ipsi_decap_is_newest(skb, x);
	ipsi_decap_claim(idev, skb, family);
	if (!ipsi_inner_read(skb, family, &inner) ||
	    !ipsi_inner_source_ok(skb, family))
		return IPSI_RX_MALFORMED;

	if (!ipsi_ts_match(idev, conf, x, skb, false))
		return IPSI_RX_SELECTOR;

	if (!ipsi_decap_ecn_ok(idev, skb, outer.dsfield, inner.dsfield))
		return IPSI_RX_ECN;
	ipsi_decap_dscp(x, skb, family, outer.dsfield);

	if (family == AF_INET)
		ipsi_decap_rp_filter(skb);
	else
		ipsi_decap_secpath6(idev, skb);
	if (unlikely(conf->roam))
		ipsi_decap_follow(idev, conf, x, &outer);
	ipsi_sa_rx_confirm(idev, x);
	return IPSI_ACCEPT;
}

/* What next header did a packet have that was refused? Once ESP has found it
 * authentic, it takes off its header and trailer, but a linear packet still
 * has the trailer behind its end. Return a negative number for all others.
 */
static int ipsi_decap_refused_proto(const struct sk_buff *skb,
				    const struct xfrm_state *x)
{
	int outer, len, trailer, icv;

	if (x->id.proto != IPPROTO_ESP || skb_is_nonlinear(skb))
		return -EINVAL;

	if (x->props.family == AF_INET) {
		outer = sizeof(struct iphdr);
		len = ntohs(ip_hdr(skb)->tot_len);
	} else {
		outer = sizeof(struct ipv6hdr);
		len = outer + ntohs(ipv6_hdr(skb)->payload_len);
	}
	/* The core takes the UDP header out of the length, but leaves it. */
	if (x->encap)
		len += sizeof(struct udphdr);

	if (-skb_network_offset(skb) < outer + (int)sizeof(struct ip_esp_hdr))
		return -EINVAL;

	icv = crypto_aead_authsize(x->data);
	trailer = len + skb_network_offset(skb) - (int)skb->len;
	if (trailer < icv + 2 || trailer > skb_tailroom(skb))
		return -EINVAL;

	return skb_tail_pointer(skb)[trailer - icv - 1];
}

/* XFRM has refused a packet of the device. */
static enum ipsi_reason ipsi_decap_refused(const struct sk_buff *skb,
					   const struct xfrm_state *x)
{
	int proto = ipsi_decap_refused_proto(skb, x);

	/* RFC 4303 section 2.6: no error, though ESP says so. */
	if (proto == IPPROTO_NONE)
		return IPSI_RX_DUMMY;

	/* Tunnel mode does not take it. */
	if (proto >= 0 && ipsi_inner_family(proto) == AF_UNSPEC)
		return IPSI_RX_PROTOCOL;

	return IPSI_RX_CRYPTO;
}

/* xfrm_input() frees a packet that the callback refuses, after a second call with
 * an error. Only then is the packet ours: up to the second call 6.1 gives up a
 * reference to skb->dev where crypto is asynchronous. This function marks a
 * packet between the two calls, since no other packet can have it.
 */
static void ipsi_decap_mark(struct sk_buff *skb)
{
}

/* XFRM has accepted a packet: refuse it, so that the second call gets it. */
static int ipsi_decap_accepted(struct sk_buff *skb)
{
	skb_orphan(skb);
	skb->destructor = ipsi_decap_mark;
	return -EINPROGRESS;
}

/* No device has the if_id of a state. If the state is no SA of any device and is
 * valid, it never was one, and is left to the core. All others are refused: a
 * device makes its states dead before it leaves the hash, and an update that takes
 * a state from its device makes it dead before its entry goes. A packet that comes
 * out of asynchronous crypto after that must not go on to the core: in transport
 * mode it would be answered in clear.
 */
static int ipsi_decap_no_device(const struct xfrm_state *x)
{
	bool is_any = ipsi_sa_is_any(x);

	/* Pairs with the spin_unlock() after the state was made dead. */
	smp_rmb();
	return ipsi_sa_valid(x) && !is_any ? 1 : -ENODEV;
}

/* xfrm_input() still has a reference to the packet until it has freed it. It
 * returns with BH off, and the packet stays on this CPU, in whose queue
 * gro_cells_receive() puts it: it reads only flags of skb->dev to decide that.
 * Where softirqs may run in between, or the packet is cloned already, a clone
 * goes up instead.
 */
static void ipsi_decap_deliver(struct ipsi_dev *idev, struct sk_buff *skb)
{
	struct net_device *dev = idev->dev;

	if (IS_ENABLED(CONFIG_PREEMPT_RT) || skb_cloned(skb)) {
		skb = skb_clone(skb, GFP_ATOMIC);
		if (skb)
			netif_rx(skb);
		else
			dev_core_stats_rx_dropped_inc(dev);
		return;
	}

	skb_get(skb);
	skb->dev = ipsi_decap_napi_dev;
	if (gro_cells_receive(&idev->gro_cells, skb) == NET_RX_DROP)
		dev_core_stats_rx_dropped_inc(dev);
	skb->dev = dev;
}

/* Deliver a packet of the device, or count why not. */
static void ipsi_decap_take(struct ipsi_dev *idev, const struct xfrm_state *x,
			    struct sk_buff *skb)
{
	enum ipsi_reason reason;

	reason = ipsi_decap_process(idev, x, skb);
	if (reason != IPSI_ACCEPT) {
		ipsi_stats_refused(idev, reason, skb, x);
		return;
	}

	dev_sw_netstats_rx_add(idev->dev, skb->len);
	ipsi_decap_deliver(idev, skb);
}

/* The callback of both families: 1 leaves the packet to others, an error makes
 * xfrm_input() drop it, after another call with that error.
 */
static int ipsi_decap_cb(struct sk_buff *skb, int err)
{
	bool accepted = skb->destructor == ipsi_decap_mark;
	struct ipsi_dev *idev;
	struct xfrm_state *x;

	if (accepted)
		skb->destructor = NULL;

	/* Without a secpath there was no SA yet that could name a device. */
	if (!skb_sec_path(skb))
		return 1;
	x = xfrm_input_state(skb);
	if (!x || !x->if_id)
		return 1;

	idev = ipsi_net_find(xs_net(x), x->if_id);
	if (!idev)
		return ipsi_decap_no_device(x);

	if (!err)
		return ipsi_decap_accepted(skb);

	if (accepted) {
		ipsi_decap_take(idev, x, skb);
	} else {
		/* It says nothing of where the peer is. */
		ipsi_peer_take_mapping(x);
		ipsi_stats_refused(idev, ipsi_decap_refused(skb, x), skb, x);
	}

	return 0;
}

/* .handler and .input_handler: input is the core's business. */
static int ipsi_decap_rcv(struct sk_buff *skb)
{
	return -EINVAL;
}

static int ipsi_decap_input(struct sk_buff *skb, int nexthdr, __be32 spi,
			    int encap_type)
{
	return -EINVAL;
}

/* First in the row: what we keep, nobody after us may touch. */
#define IPSI_DECAP_PRIORITY	200

static struct xfrm4_protocol ipsi_decap_esp4 __read_mostly = {
	.handler	= ipsi_decap_rcv,
	.input_handler	= ipsi_decap_input,
	.cb_handler	= ipsi_decap_cb,
	.err_handler	= ipsi_icmp_err4,
	.priority	= IPSI_DECAP_PRIORITY,
};

static struct xfrm4_protocol ipsi_decap_ah4 __read_mostly = {
	.handler	= ipsi_decap_rcv,
	.input_handler	= ipsi_decap_input,
	.cb_handler	= ipsi_decap_cb,
	.err_handler	= ipsi_icmp_err4,
	.priority	= IPSI_DECAP_PRIORITY,
};

static struct xfrm6_protocol ipsi_decap_esp6 __read_mostly = {
	.handler	= ipsi_decap_rcv,
	.input_handler	= ipsi_decap_input,
	.cb_handler	= ipsi_decap_cb,
	.err_handler	= ipsi_icmp_err6,
	.priority	= IPSI_DECAP_PRIORITY,
};

static struct xfrm6_protocol ipsi_decap_ah6 __read_mostly = {
	.handler	= ipsi_decap_rcv,
	.input_handler	= ipsi_decap_input,
	.cb_handler	= ipsi_decap_cb,
	.err_handler	= ipsi_icmp_err6,
	.priority	= IPSI_DECAP_PRIORITY,
};

/**
 * ipsi_decap_init - make the queues of received packets
 * @idev: a device that is being made
 *
 * The NAPI contexts are not the device's own: gro_cells are not made for the
 * threads that "threaded" in sysfs would give them.
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int ipsi_decap_init(struct ipsi_dev *idev)
{
	int err;

	mutex_lock(&ipsi_decap_napi_mutex);
	err = gro_cells_init(&idev->gro_cells, ipsi_decap_napi_dev);
	mutex_unlock(&ipsi_decap_napi_mutex);

	return err;
}

/**
 * ipsi_decap_fini - undo ipsi_decap_init()
 * @idev: a device that nobody can see any more
 *
 * Context: process.
 */
void ipsi_decap_fini(struct ipsi_dev *idev)
{
	mutex_lock(&ipsi_decap_napi_mutex);
	gro_cells_destroy(&idev->gro_cells);
	mutex_unlock(&ipsi_decap_napi_mutex);
}

static int ipsi_decap_make_napi_dev(void)
{
	struct net_device *dev = alloc_netdev_dummy(0);

	if (!dev)
		return -ENOMEM;

	/* See gro_cells_receive(). */
	dev->flags = IFF_UP;
	dev->features = NETIF_F_GRO;
	ipsi_decap_napi_dev = dev;

	return 0;
}

/**
 * ipsi_decap_register - start to receive
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_decap_register(void)
{
	int err;

	err = ipsi_decap_make_napi_dev();
	if (err)
		return err;

	err = xfrm4_protocol_register(&ipsi_decap_esp4, IPPROTO_ESP);
	if (err)
		goto err_napi_dev;

	err = xfrm4_protocol_register(&ipsi_decap_ah4, IPPROTO_AH);
	if (err)
		goto err_esp4;

	err = xfrm6_protocol_register(&ipsi_decap_esp6, IPPROTO_ESP);
	if (err)
		goto err_ah4;

	err = xfrm6_protocol_register(&ipsi_decap_ah6, IPPROTO_AH);
	if (err)
		goto err_esp6;

	return 0;

err_esp6:
	xfrm6_protocol_deregister(&ipsi_decap_esp6, IPPROTO_ESP);
err_ah4:
	xfrm4_protocol_deregister(&ipsi_decap_ah4, IPPROTO_AH);
err_esp4:
	xfrm4_protocol_deregister(&ipsi_decap_esp4, IPPROTO_ESP);
err_napi_dev:
	ipsi_free_netdev_dummy(ipsi_decap_napi_dev);
	return err;
}

/**
 * ipsi_decap_unregister - undo ipsi_decap_register(), when all devices are gone
 *
 * Context: process. No callback runs any more when this returns.
 */
void ipsi_decap_unregister(void)
{
	xfrm6_protocol_deregister(&ipsi_decap_ah6, IPPROTO_AH);
	xfrm6_protocol_deregister(&ipsi_decap_esp6, IPPROTO_ESP);
	xfrm4_protocol_deregister(&ipsi_decap_ah4, IPPROTO_AH);
	xfrm4_protocol_deregister(&ipsi_decap_esp4, IPPROTO_ESP);
	ipsi_free_netdev_dummy(ipsi_decap_napi_dev);
}
