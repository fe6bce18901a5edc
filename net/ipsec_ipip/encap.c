// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit: checks the inner packet, adds the outer header as tunnel mode would
 * (RFC 3884 section 3.1, outer.c), and sends both by the bundle of the SA in
 * use (bundle.c). A packet without a bundle is dropped and counted.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

#include "bundle.h"
#include "enc.h"
#include "encap.h"
#include "icmp.h"
#include "inner.h"
#include "ipsi.h"
#include "mtu.h"
#include "outer.h"
#include "route.h"
#include "sa.h"
#include "stats.h"
#include "ts.h"
#include "txq.h"

/**
 * struct ipsi_tx - one transmission, the same for all segments of a packet
 * @idev: the device
 * @conf: its configuration
 * @dst: the bundle; one reference is owned by the transmission
 * @inner: header of the inner packet
 * @mtu: largest inner packet that the bundle takes unfragmented
 */
struct ipsi_tx {
	struct ipsi_dev *idev;
	const struct ipsi_conf *conf;
	struct dst_entry *dst;
	struct ipsi_inner inner;
	unsigned int mtu;
};

/* Maximum recursion level of a packet that reaches a device. A device without a
 * queue counts twice, here and in the core.
 */
#define IPSI_RECURSION_MAX	(2 * IPSI_NEST_MAX - 1)

static u16 ipsi_xmit_family(const struct sk_buff *skb)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return AF_INET;
	case htons(ETH_P_IPV6):
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

static bool ipsi_xmit_fits(const struct sk_buff *skb, unsigned int mtu)
{
	if (skb_is_gso(skb))
		return skb_gso_validate_network_len(skb, mtu);

	return skb->len <= mtu;
}

/* Does the length field of the outer header suffice? Else it cannot be
 * fragmented.
 */
static bool ipsi_xmit_length_ok(const struct ipsi_tx *tx,
				const struct sk_buff *skb)
{
	return skb_is_gso(skb) ||
	       skb->len + ipsi_outer_len(tx->conf->family) +
	       tx->dst->header_len + tx->dst->trailer_len <= IP_MAX_MTU;
}

/* A packet that does not fit and must not be fragmented is too big; its sender
 * gets an ICMP error. A packet with DF clear is fragmented after encryption
 * (RFC 4301 section 8.2.1), and so is IPv6 up to the minimum MTU of all links
 * (RFC 2473 section 7.1).
 */
static bool ipsi_xmit_mtu_ok(const struct ipsi_tx *tx, struct sk_buff *skb)
{
	bool ipv6 = tx->inner.family == AF_INET6;
	unsigned int mtu = tx->mtu;

	if (likely(ipsi_xmit_fits(skb, mtu)))
		return true;

	if (ipv6 && mtu < IPV6_MIN_MTU) {
		mtu = IPV6_MIN_MTU;
		if (ipsi_xmit_fits(skb, mtu))
			return ipsi_xmit_length_ok(tx, skb);
	}

	skb_dst_update_pmtu_no_confirm(skb, mtu);
	if (!tx->inner.df)
		return ipsi_xmit_length_ok(tx, skb);

	ipsi_route_reply(skb);
	if (ipv6)
		ipsi_icmp6_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
	else
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
			      htonl(mtu));
	return false;
}

/* The DF bit of the outer header (RFC 2003 section 3.1, RFC 4301 section
 * 5.1.2.1). It is clear if the packet must be fragmented, or if the key manager
 * requests that by a flag of the SA.
 */
static bool ipsi_xmit_df(const struct ipsi_tx *tx, const struct sk_buff *skb)
{
	if (ipsi_outer_sa_flags(tx->dst->xfrm) & XFRM_STATE_NOPMTUDISC)
		return false;

	switch (tx->conf->df) {
	case IPSEC_IPIP_DF_UNSET:
		return false;
	case IPSEC_IPIP_DF_SET:
		return ipsi_xmit_fits(skb, tx->mtu);
	default:
		return tx->inner.df && ipsi_xmit_fits(skb, tx->mtu);
	}
}

/* Hardware that encrypts does not know about the IP-in-IP header, so it would
 * compute a wrong checksum.
 */
static int ipsi_xmit_checksum(const struct ipsi_tx *tx, struct sk_buff *skb)
{
	if (likely(!tx->dst->xfrm->xso.dev) || skb_is_gso(skb) ||
	    skb->ip_summed != CHECKSUM_PARTIAL)
		return 0;

	return skb_checksum_help(skb);
}

/* Clear the control block, which segmentation may have used. Netfilter sees the
 * inner packet and the encrypted one; the packet between the two would make it
 * track a third connection.
 */
static void ipsi_xmit_reset_cb(struct sk_buff *skb, bool ipv4)
{
	memset(skb->cb, 0, max(sizeof(struct inet_skb_parm),
			       sizeof(struct inet6_skb_parm)));
	if (ipv4)
		IPCB(skb)->flags = IPSKB_REROUTED;
	else
		IP6CB(skb)->flags = IP6SKB_REROUTED;
}

/* Return the length of the headers of an encapsulated super-packet, which each
 * of its segments gets.
 */
static unsigned int ipsi_xmit_headers_len(const struct sk_buff *skb)
{
	return skb_inner_transport_offset(skb) +
	       (skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4 ?
		sizeof(struct udphdr) : inner_tcp_hdrlen(skb));
}

/* Return the room behind an encapsulated packet that ESP can write to, or the
 * room behind each segment of a super-packet, which skb_segment() allocates
 * with the headroom of the super-packet.
 */
static int ipsi_xmit_tailroom(const struct sk_buff *skb)
{
	unsigned int shinfo = SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	unsigned int len;

	if (!skb_is_gso(skb))
		return skb_tailroom(skb);

	len = skb_headroom(skb) + ipsi_xmit_headers_len(skb) +
	      skb_shinfo(skb)->gso_size;

	return kmalloc_size_roundup(SKB_DATA_ALIGN(len) + shinfo) - shinfo - len;
}

/* May the linear part of a packet be moved into its headroom? Only headers are
 * not shared with a clone. For a single packet with fragments it is no use.
 */
static bool ipsi_xmit_can_move(const struct sk_buff *skb)
{
	if (skb_is_gso(skb))
		return !skb_cloned(skb) ||
		       skb_headlen(skb) == ipsi_xmit_headers_len(skb);

	return !skb_cloned(skb) && !skb_is_nonlinear(skb);
}

/* ESP encrypts a packet in place if there is room for the trailer behind it, and
 * copies it to another page otherwise. TCP leaves more room in front of a packet
 * than needed, with which segments for an MTU of 1500 just fill their memory. So
 * move the packet, or the headers of a super-packet, to the front.
 */
static void ipsi_xmit_make_tailroom(const struct ipsi_tx *tx,
				    struct sk_buff *skb)
{
	int need = ipsi_outer_headroom(tx->conf, tx->dst) -
		   ipsi_outer_len(tx->conf->family);
	int missing = tx->dst->trailer_len - ipsi_xmit_tailroom(skb);

	if (likely(missing <= 0))
		return;

	/* Headers stay aligned. */
	missing = ALIGN(missing, sizeof(u64));
	if (skb_headroom(skb) < need + missing || !ipsi_xmit_can_move(skb))
		return;

	memmove(skb->data - missing, skb->data, skb_headlen(skb));
	skb->data -= missing;
	skb->tail -= missing;
	skb_headers_offset_update(skb, -missing);
}

/* Encapsulate a packet, and let it own the reference to the bundle. Consumes
 * skb if it returns false.
 */
static bool ipsi_xmit_encap(const struct ipsi_tx *tx, struct sk_buff *skb)
{
	bool ipv4 = tx->conf->family == AF_INET;
	struct ipsi_inner inner = tx->inner;
	struct ipsi_dev *idev = tx->idev;

	inner.df = ipsi_xmit_df(tx, skb);
	if (skb_cow_head(skb, ipsi_outer_headroom(tx->conf, tx->dst)) ||
	    ipsi_xmit_checksum(tx, skb) ||
	    iptunnel_handle_offloads(skb, ipv4 ? SKB_GSO_IPXIP4 :
						 SKB_GSO_IPXIP6)) {
		ipsi_drop(idev, IPSI_TX_ERROR, skb, tx->dst->xfrm);
		dst_release(tx->dst);
		return false;
	}
	skb_set_inner_ipproto(skb, ipsi_inner_proto(inner.family));

	/* Local senders ignore DF, for which the outer header would need an ID. */
	skb_scrub_packet(skb, !net_eq(idev->net, dev_net(idev->dev)));
	ipsi_outer_push(idev, tx->conf, tx->dst, skb, &inner);
	ipsi_xmit_make_tailroom(tx, skb);
	skb_clear_hash_if_not_l4(skb);
	skb->mark = tx->conf->fwmark;
	/* The size is checked already; IPv6 has no DF bit to tell that. */
	skb->ignore_df = !ipv4;
	ipsi_xmit_reset_cb(skb, ipv4);
	skb_dst_set(skb, tx->dst);
	skb->dev = tx->dst->dev;

	return true;
}

/* Pass an encapsulated packet to XFRM. It consumes skb and with it, maybe, the
 * last reference to the bundle, which is valid until the end of the RCU read
 * side.
 */
static int ipsi_xmit_one(const struct ipsi_tx *tx, struct sk_buff *skb)
{
	struct ipsi_dev *idev = tx->idev;
	int err;

	if (ipsi_enc_active())
		ipsi_enc_capture_tx(idev, tx->dst->xfrm, skb);

	/* The core does not count links with a queue. */
	dev_xmit_recursion_inc();
	err = dst_output(idev->net, skb->sk, skb);
	dev_xmit_recursion_dec();
	err = net_xmit_eval(err);
	if (likely(!err))
		return 0;

	ipsi_stats_refused(idev, IPSI_TX_ERROR, NULL, tx->dst->xfrm);
	/* Sequence numbers never wrap (RFC 4303 section 3.3.3). */
	if (err == -EOVERFLOW)
		ipsi_sa_exhausted(idev, tx->dst->xfrm);

	return err;
}

/* Segment an encapsulated packet, and pass the segments to XFRM. Consumes skb.
 * Return the number of bytes of inner packets that were sent, and set @sent to
 * the number of packets.
 */
static unsigned int ipsi_xmit_segments(const struct ipsi_tx *tx,
				       struct sk_buff *skb, unsigned int *sent)
{
	unsigned int outer = ipsi_outer_len(tx->conf->family);
	bool ipv4 = tx->conf->family == AF_INET;
	struct sk_buff *segs, *seg, *next;
	unsigned int len, bytes = 0;

	*sent = 0;
	segs = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(segs)) {
		ipsi_drop(tx->idev, IPSI_TX_ERROR, skb, tx->dst->xfrm);
		return 0;
	}
	consume_skb(skb);

	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		ipsi_xmit_reset_cb(seg, ipv4);
		len = seg->len - outer;
		if (ipsi_xmit_one(tx, seg))
			continue;
		bytes += len;
		++*sent;
	}

	return bytes;
}

/* Encapsulate and send a packet. Consumes skb and the reference to the bundle.
 *
 * esp4_offload segments after XFRM. It miscounts the headers of an IP-in-IP
 * super-packet and sends a wrong ICV, so segment before XFRM then. Without a
 * type_offload, xfrm_output() segments.
 */
static void ipsi_xmit_send(const struct ipsi_tx *tx, struct sk_buff *skb)
{
	unsigned int len = skb->len, segs = skb_shinfo(skb)->gso_segs ?: 1;

	if (!ipsi_xmit_encap(tx, skb))
		return;

	if (skb_is_gso(skb) && tx->dst->xfrm->type_offload)
		len = ipsi_xmit_segments(tx, skb, &segs);
	else if (ipsi_xmit_one(tx, skb))
		return;

	dev_sw_netstats_tx_add(tx->idev->dev, segs, len);
}

static void ipsi_xmit_packet(struct ipsi_dev *idev, struct sk_buff *skb)
{
	enum ipsi_reason reason;
	struct ipsi_tx tx = {
		.idev = idev,
		.conf = rcu_dereference(idev->conf),
	};
	u16 family;

	reason = IPSI_TX_PROTOCOL;
	family = ipsi_xmit_family(skb);
	if (family == AF_UNSPEC)
		goto drop;

	reason = IPSI_TX_MALFORMED;
	skb_reset_network_header(skb);
	if (!ipsi_inner_read(skb, family, &tx.inner))
		goto drop;
	tx.inner.hops = ipsi_inner_hops(skb, family, idev->net);

	/* Qdiscs have used the control block, which ICMP errors read. */
	memset(skb->cb, 0, max(sizeof(struct inet_skb_parm),
			       sizeof(struct inet6_skb_parm)));

	reason = IPSI_TX_LOOP;
	if (unlikely(dev_recursion_level() > IPSI_RECURSION_MAX) ||
	    (tx.inner.hops && tx.inner.hops <= 1) ||
	    (family == tx.conf->family &&
	     ipsi_inner_is_outer(skb, family, &tx.conf->local,
				 &tx.conf->remote)))
		goto drop;

	tx.dst = ipsi_bundle_get(idev, tx.conf, skb, &reason);
	if (unlikely(!tx.dst)) {
		if (ipsi_txq_add(idev, skb))
			return;
		goto drop_link;
	}

	reason = IPSI_TX_SELECTOR;
	if (!ipsi_ts_match(idev, tx.conf, tx.dst->xfrm, skb, true))
		goto drop_dst;

	reason = IPSI_TX_TOO_BIG;
	tx.mtu = ipsi_mtu_of_bundle(tx.dst, tx.conf->family);
	if (!ipsi_xmit_mtu_ok(&tx, skb))
		goto drop_dst;

	ipsi_icmp_relay(idev, skb, family);
	ipsi_xmit_send(&tx, skb);
	return;

drop_dst:
	ipsi_drop(idev, reason, skb, tx.dst->xfrm);
	dst_release(tx.dst);
	return;
drop_link:
	/* Local senders get an error at once and need not time out. */
	dst_link_failure(skb);
drop:
	ipsi_drop(idev, reason, skb, NULL);
}

/**
 * ipsi_xmit - ndo_start_xmit of the device
 * @skb: inner packet; consumed
 * @dev: the device
 *
 * Callers such as packet sockets only hold rcu_read_lock_bh(), so this takes
 * the RCU read lock.
 *
 * Context: BH off.
 * Return: NETDEV_TX_OK, always.
 */
netdev_tx_t ipsi_xmit(struct sk_buff *skb, struct net_device *dev)
{
	rcu_read_lock();
	ipsi_xmit_packet(netdev_priv(dev), skb);
	rcu_read_unlock();

	return NETDEV_TX_OK;
}
