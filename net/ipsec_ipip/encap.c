// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit: checks the inner packet, builds the outer header as tunnel mode
 * would (RFC 3884 section 3.1), and hands both to the bundle of the active
 * SA, which policy.c finds. What has no bundle is dropped and counted.
 */
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "encap.h"
#include "ipsi.h"
#include "policy.h"
#include "stats.h"

/**
 * struct ipsi_tx - one transmission, the same for all segments of a packet
 * @idev: the device
 * @conf: its configuration
 * @dst: the bundle; one reference is owned by the transmission
 * @mtu: largest inner packet that the bundle takes unfragmented
 */
struct ipsi_tx {
	struct ipsi_dev *idev;
	const struct ipsi_conf *conf;
	struct dst_entry *dst;
	unsigned int mtu;
};

/* Is there a sane IPv4 header in front? AF_PACKET sends anything. */
static bool ipsi_xmit_header_ok(struct sk_buff *skb)
{
	const struct iphdr *iph;

	skb_reset_network_header(skb);
	if (!pskb_network_may_pull(skb, sizeof(*iph)))
		return false;

	iph = ip_hdr(skb);
	if (iph->version != 4 || iph->ihl < 5)
		return false;

	if (!pskb_network_may_pull(skb, iph->ihl * 4))
		return false;

	return skb_is_gso(skb) || ntohs(ip_hdr(skb)->tot_len) <= skb->len;
}

static bool ipsi_xmit_fits(const struct sk_buff *skb, unsigned int mtu)
{
	if (skb_is_gso(skb))
		return skb_gso_validate_network_len(skb, mtu);

	return skb->len <= mtu;
}

/* Tell the sender of a packet with DF that it is too big; what has DF clear
 * is fragmented after encryption (RFC 4301 section 8.2.1).
 */
static bool ipsi_xmit_mtu_ok(struct sk_buff *skb, unsigned int mtu)
{
	if (ipsi_xmit_fits(skb, mtu))
		return true;

	skb_dst_update_pmtu_no_confirm(skb, mtu);
	if (!(ip_hdr(skb)->frag_off & htons(IP_DF)))
		return true;

	icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
	return false;
}

/* RFC 2003 section 3.1, RFC 4301 section 5.1.2.1 */
static __be16 ipsi_xmit_frag_off(const struct ipsi_tx *tx,
				 const struct sk_buff *skb)
{
	__be16 inner = ip_hdr(skb)->frag_off & htons(IP_DF);

	switch (tx->conf->df) {
	case IPSEC_IPIP_DF_UNSET:
		return 0;
	case IPSEC_IPIP_DF_SET:
		/* A packet that must be fragmented still can be. */
		return inner || ipsi_xmit_fits(skb, tx->mtu) ? htons(IP_DF) : 0;
	default:
		return inner;
	}
}

/* RFC 4301 section 5.1.2.1 for the DSCP; the ECN field as Linux tunnel mode
 * has it, so that the two cannot be told apart on the wire.
 */
static u8 ipsi_xmit_tos(const struct ipsi_conf *conf, u8 inner)
{
	u8 tos = conf->tos == IPSI_TOS_INHERIT ? inner : conf->tos;

	return INET_ECN_encapsulate(tos, inner);
}

static void ipsi_xmit_push_header(const struct ipsi_tx *tx,
				  struct sk_buff *skb)
{
	__be16 frag_off = ipsi_xmit_frag_off(tx, skb);
	u8 tos = ipsi_xmit_tos(tx->conf, ip_hdr(skb)->tos);
	struct iphdr *iph;

	skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(*iph));

	iph = ip_hdr(skb);
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = tos;
	iph->tot_len = htons(skb->len);
	iph->frag_off = frag_off;
	iph->ttl = tx->conf->ttl ?: ip4_dst_hoplimit(xfrm_dst_child(tx->dst));
	iph->protocol = IPPROTO_IPIP;
	iph->saddr = tx->conf->local.a4;
	iph->daddr = tx->conf->remote.a4;
	ip_select_ident_segs(tx->idev->net, skb, NULL,
			     skb_shinfo(skb)->gso_segs ?: 1);
	ip_send_check(iph);
}

/* Room for all that the bundle adds, so that nothing is copied twice. */
static int ipsi_xmit_make_room(const struct ipsi_tx *tx, struct sk_buff *skb)
{
	unsigned int headroom = sizeof(struct iphdr) + tx->dst->header_len +
				LL_RESERVED_SPACE(tx->dst->dev);
	struct net_device *dev = tx->idev->dev;

	if (headroom > READ_ONCE(dev->needed_headroom))
		WRITE_ONCE(dev->needed_headroom, headroom);

	return skb_cow_head(skb, headroom);
}

/* Encapsulate one packet and pass it to XFRM. Consumes skb. */
static void ipsi_xmit_one(const struct ipsi_tx *tx, struct sk_buff *skb)
{
	struct ipsi_dev *idev = tx->idev;
	unsigned int len = skb->len, segs = skb_shinfo(skb)->gso_segs ?: 1;
	struct net *net = idev->net;
	int err;

	if (ipsi_xmit_make_room(tx, skb) ||
	    iptunnel_handle_offloads(skb, SKB_GSO_IPXIP4)) {
		ipsi_stats_refused(idev, IPSI_TX_ERROR);
		kfree_skb(skb);
		return;
	}
	skb_set_inner_ipproto(skb, IPPROTO_IPIP);

	ipsi_xmit_push_header(tx, skb);

	skb_scrub_packet(skb, !net_eq(net, dev_net(idev->dev)));
	skb_clear_hash_if_not_l4(skb);
	skb->mark = tx->conf->fwmark;
	skb->protocol = htons(ETH_P_IP);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	dst_hold(tx->dst);
	skb_dst_set(skb, tx->dst);
	skb->dev = tx->dst->dev;

	err = dst_output(net, skb->sk, skb);
	if (net_xmit_eval(err))
		ipsi_stats_refused(idev, IPSI_TX_ERROR);
	else
		dev_sw_netstats_tx_add(idev->dev, segs, len);
}

/* ESP's late segmentation (esp4_offload) miscounts the headers of an
 * IP-in-IP super-packet and sends a wrong ICV: it must not see one. Segment
 * the inner packet here then. Without that module xfrm_output() segments.
 * Consumes skb.
 */
static void ipsi_xmit_segments(const struct ipsi_tx *tx, struct sk_buff *skb)
{
	struct sk_buff *segs, *seg, *next;

	if (!skb_is_gso(skb) || !tx->dst->xfrm->type_offload) {
		ipsi_xmit_one(tx, skb);
		return;
	}

	segs = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(segs)) {
		ipsi_stats_refused(tx->idev, IPSI_TX_ERROR);
		kfree_skb(skb);
		return;
	}
	consume_skb(skb);

	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		ipsi_xmit_one(tx, seg);
	}
}

/**
 * ipsi_xmit - ndo_start_xmit of the device
 * @skb: inner packet; consumed
 * @dev: the device
 *
 * Context: BH off, RCU read side.
 * Return: NETDEV_TX_OK, always.
 */
netdev_tx_t ipsi_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	enum ipsi_reason reason;
	struct ipsi_tx tx = {
		.idev = idev,
		.conf = rcu_dereference(idev->conf),
	};

	reason = IPSI_TX_PROTOCOL;
	if (skb->protocol != htons(ETH_P_IP))
		goto drop;

	reason = IPSI_TX_MALFORMED;
	if (!ipsi_xmit_header_ok(skb))
		goto drop;

	tx.dst = ipsi_policy_dst(idev, tx.conf, &reason);
	if (!tx.dst)
		goto drop_link;

	reason = IPSI_TX_TOO_BIG;
	tx.mtu = max_t(int, dst_mtu(tx.dst) - sizeof(struct iphdr), 0);
	if (!ipsi_xmit_mtu_ok(skb, tx.mtu))
		goto drop_dst;

	ipsi_xmit_segments(&tx, skb);
	dst_release(tx.dst);
	return NETDEV_TX_OK;

drop_dst:
	dst_release(tx.dst);
	goto drop;
drop_link:
	/* Local senders hear of it at once instead of waiting for an answer. */
	dst_link_failure(skb);
drop:
	ipsi_stats_refused(idev, reason);
	kfree_skb(skb);
	return NETDEV_TX_OK;
}
