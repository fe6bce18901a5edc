// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: takes packets of the device's SAs from XFRM after authentication and
 * decryption, checks them, and passes the inner packet up as received by the
 * device.
 *
 * xfrm_input() calls the registered callbacks of ESP and AH when it is done
 * with a packet, before transport mode passes it to the IP stack again. The
 * state determines the device. There is no IP-in-IP handler, so no packet comes
 * in without an SA. The callback of IPComp only refuses: without it, a state
 * with the if_id of a device would let in packets that no one has authenticated.
 */
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <crypto/aead.h>
#include <net/ah.h>
#include <net/dsfield.h>
#include <net/dst.h>
#include <net/esp.h>
#include <net/gro_cells.h>
#include <net/inet_dscp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip_fib.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "decap.h"
#include "enc.h"
#include "icmp.h"
#include "inner.h"
#include "net.h"
#include "outer.h"
#include "peer.h"
#include "sa.h"
#include "sa_clone.h"
#include "sad_flush.h"
#include "stats.h"
#include "ts.h"

/* Parent of the NAPI contexts of all devices, and skb->dev of packets in their
 * queues; owned by the module. It is not registered, so no one can change it:
 * it is up, with GRO, without XDP and without NAPI threads.
 */
static struct net_device *ipsi_decap_napi_dev;

/* Protects the list of NAPI contexts of @ipsi_decap_napi_dev. */
static DEFINE_MUTEX(ipsi_decap_napi_mutex);

/* Fields of the outer header, for both modes. @port is the UDP source port in
 * network byte order, if it or the address differs from the SA, or 0. @newest
 * is valid only if the device roams.
 */
struct ipsi_decap_outer {
	xfrm_address_t saddr;
	__be16 port;
	u8 dsfield;
	u8 ttl;
	bool newest;
};

/* Bytes of the outer header up to the end of its source address */
static unsigned int ipsi_decap_source_end(u16 family)
{
	return family == AF_INET ? offsetofend(struct iphdr, saddr) :
				   offsetofend(struct ipv6hdr, saddr);
}

/* Read the source address of an outer header, if it is valid. */
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

/* Return the length of the IPv6 extension headers before ESP (RFC 4303 section
 * 3.1.1), which end at @end. The core keeps the offset of the last one but not
 * its length, so look for a header that says how long it is. Return a negative
 * number if there is none.
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

/* Does an outer header that is @back bytes before the inner packet tell so by its
 * length?
 */
static bool ipsi_decap_ends_here(const struct sk_buff *skb, u16 family,
				 int back)
{
	const void *hdr = skb->data - back;
	const struct ipv6hdr *ip6h = hdr;
	const struct iphdr *iph = hdr;
	unsigned int len;

	if (back > skb_headroom(skb))
		return false;

	len = family == AF_INET ? ntohs(iph->tot_len) :
				  ntohs(ip6h->payload_len) + sizeof(*ip6h);
	return len == skb->len + back;
}

/* Return by how much AH is longer than what this host would send, if the outer
 * header is not @back bytes before the inner packet. ah_input() accepts room for
 * the whole hash, of which only a part is the ICV, and overwrites the length of
 * AH.
 */
static int ipsi_decap_ah_extra(const struct sk_buff *skb,
			       const struct xfrm_state *x, int back)
{
	const struct ah_data *ahp = x->data;
	u16 family = x->props.family;
	int align = 8, extra;

	if (family == AF_INET && x->props.flags & XFRM_STATE_ALIGN4)
		align = 4;
	extra = ALIGN(sizeof(struct ip_auth_hdr) + ahp->icv_full_len, align) -
		ALIGN(sizeof(struct ip_auth_hdr) + ahp->icv_trunc_len, align);

	return !ipsi_decap_ends_here(skb, family, back) &&
	       ipsi_decap_ends_here(skb, family, back + extra) ? extra : 0;
}

/* In tunnel mode the core has already removed the outer header. It is still in
 * the headroom, except for the bytes that the core has overwritten with the
 * link header. ESP without an IV over IPv4 leaves too little room for that;
 * such packets are refused, and their SAs must be in transport mode.
 */
static bool ipsi_decap_outer_tunnel(const struct sk_buff *skb,
				    const struct xfrm_state *x,
				    struct ipsi_decap_outer *outer)
{
	int back = x->props.header_len + XFRM_MODE_SKB_CB(skb)->optlen;
	int exthdrs = 0;

	if (x->id.proto == IPPROTO_AH)
		back += ipsi_decap_ah_extra(skb, x, back);
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
	outer->ttl = XFRM_MODE_SKB_CB(skb)->ttl;
	return ipsi_decap_source(skb->data - back, x->props.family,
				 &outer->saddr);
}

static bool ipsi_decap_outer(const struct sk_buff *skb,
			     const struct xfrm_state *x,
			     struct ipsi_decap_outer *outer)
{
	if (x->props.mode == XFRM_MODE_TUNNEL)
		return ipsi_decap_outer_tunnel(skb, x, outer);

	if (x->props.family == AF_INET) {
		outer->dsfield = ipv4_get_dsfield(ip_hdr(skb));
		outer->ttl = ip_hdr(skb)->ttl;
	} else {
		outer->dsfield = ipv6_get_dsfield(ipv6_hdr(skb));
		outer->ttl = ipv6_hdr(skb)->hop_limit;
	}
	return ipsi_decap_source(skb_network_header(skb), x->props.family,
				 &outer->saddr);
}

/* Check the outer addresses against the endpoints (RFC 4213 section 3.6). */
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

/* Read the sequence number of a packet. The core keeps it in transport mode. In
 * tunnel mode it is still in front of the inner header, unless the link header
 * has overwritten it; return false then.
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

/* Is this the newest packet of its SA? An older one may be late, or an attacker
 * may have delayed it.
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

/* Does the core accept the inner packet with this SA in its secpath? Its policy
 * check matches the packet against the selector of the SA, which in transport
 * mode is about outer addresses and usually has their family. An SA in tunnel
 * mode must also be required by a policy.
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

/* The secpath keeps the SA, and those of the layers below, so that filters can
 * match on it (RFC 3884 section 4.2.3). But for inner IPv6 the core checks the
 * secpath against the policies, so drop the secpath if that check would fail.
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

/* Does the route to the source of a packet lead back through its device, so
 * that it passes the strict filter and the loose one? False if routing rules or
 * the DSCP may select other routes than those looked up here.
 */
static bool ipsi_decap_route_back(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct net *net = dev_net(skb->dev);
	struct flowi4 fl4 = {
		.flowi4_iif	= LOOPBACK_IFINDEX,
		.flowi4_scope	= RT_SCOPE_UNIVERSE,
		.daddr		= iph->saddr,
		.saddr		= iph->daddr,
	};
	struct fib_result res;

	return !fib4_has_custom_rules(net) && !netif_is_l3_slave(skb->dev) &&
	       !(iph->tos & ~INET_ECN_MASK) &&
	       !fib_lookup(net, &fl4, &res, 0) && res.type == RTN_UNICAST &&
	       fib_info_nh_uses_dev(res.fi, skb->dev);
}

/* fib_validate_source() skips rp_filter for packets with a secpath, relying on
 * a policy check that does not exist here. In the common case the route back
 * suffices. Otherwise look up the route without the secpath; if that fails, drop
 * the secpath so that the stack rejects the packet.
 */
static void ipsi_decap_rp_filter(struct sk_buff *skb)
{
	struct in_device *in_dev = __in_dev_get_rcu(skb->dev);
	const struct iphdr *iph = ip_hdr(skb);
	u8 extensions = skb->active_extensions;
	bool refused;

	if (!skb_sec_path(skb) || !in_dev || !IN_DEV_RPFILTER(in_dev) ||
	    ipsi_decap_route_back(skb))
		return;

	skb->active_extensions &= ~(1 << SKB_EXT_SEC_PATH);
	refused = ip_route_input(skb, iph->daddr, iph->saddr,
				 inet_dsfield_to_dscp(iph->tos), skb->dev);
	skb->active_extensions = extensions;
	skb_dst_drop(skb);
	if (refused)
		secpath_reset(skb);
}

/* Remove the state of the outer packet and of the underlay device. The core's
 * helper also drops the secpath, which must survive if the device is in the
 * namespace of its SAs.
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

	/* With GRO of ESP (esp4_offload), no VLAN device has taken it off yet. */
	__vlan_hwaccel_clear_tag(skb);
	/* A hash over UDP ports identifies the SA and not the inner flow. */
	skb_clear_hash(skb);
	/* Generic XDP skips packets that tc has redirected. */
	skb_reset_redirect(skb);
	skb->encapsulation = 0;
	/* After UDP encapsulation, ESP marks checksums as valid unchecked. */
	skb->ip_summed = CHECKSUM_NONE;
	skb->csum_valid = 0;
	skb->csum_complete_sw = 0;
	skb->csum_level = 0;
}

/* Turn the decrypted packet into an inner packet received by the device. */
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
	/* The secpath has no offload to complete any more. */
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

	/* Harmless, but no encapsulator should send these two. */
	odd |= out == INET_ECN_ECT_1 && in == INET_ECN_CE;
	odd |= out == INET_ECN_ECT_0 && in == INET_ECN_ECT_1;
	if (odd)
		ipsi_stats_count(idev, IPSI_RX_ECN_ODD);

	return true;
}

/* Copy the outer DSCP inwards if the key manager has requested it. The core
 * does so in tunnel mode; an adopted SA without an IV is in transport mode.
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

/* Check an authenticated packet of the device and turn it into an inner packet.
 * Return IPSI_ACCEPT if it can be passed up, or the reason to drop it.
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

	/* In other modes the core makes up an inner header. */
	if (x->props.mode != XFRM_MODE_TRANSPORT &&
	    x->props.mode != XFRM_MODE_TUNNEL)
		return IPSI_RX_PROTOCOL;

	/* RFC 4301 section 5.2; others would reach the host's stack. */
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
	if (unlikely(conf->roam) && outer.newest)
		ipsi_peer_update(idev, conf, x, &outer.saddr, outer.port);
	ipsi_sa_rx_confirm(idev, x);
	if (ipsi_enc_active())
		ipsi_enc_capture_rx(idev, x, skb, &outer.saddr, outer.dsfield,
				    outer.ttl);
	return IPSI_ACCEPT;
}

/* Return the next header of a packet that XFRM has refused, or a negative
 * number if it is not known. ESP removes its header and trailer after it has
 * verified the packet; the trailer of a linear packet is still behind its end.
 */
static int ipsi_decap_refused_proto(const struct sk_buff *skb,
				    const struct xfrm_state *x)
{
	int outer, len, trailer, icv;

	/* A larval state with an SPI is found too, and has no cipher. */
	if (x->id.proto != IPPROTO_ESP || !x->data || skb_is_nonlinear(skb))
		return -EINVAL;

	if (x->props.family == AF_INET) {
		outer = sizeof(struct iphdr);
		len = ntohs(ip_hdr(skb)->tot_len);
	} else {
		outer = sizeof(struct ipv6hdr);
		len = outer + ntohs(ipv6_hdr(skb)->payload_len);
	}
	/* The core subtracts the UDP header from the length but keeps it. */
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

/* Return the reason for a packet of the device that XFRM has refused. */
static enum ipsi_reason ipsi_decap_refused(const struct sk_buff *skb,
					   const struct xfrm_state *x)
{
	int proto = ipsi_decap_refused_proto(skb, x);

	/* A dummy packet (RFC 4303 section 2.6) is an error only for ESP. */
	if (proto == IPPROTO_NONE)
		return IPSI_RX_DUMMY;

	/* Tunnel mode accepts only IPv4 and IPv6. */
	if (proto >= 0 && ipsi_inner_family(proto) == AF_UNSPEC)
		return IPSI_RX_PROTOCOL;

	return IPSI_RX_CRYPTO;
}

/* xfrm_input() calls the callback a second time, with an error, before it frees
 * a packet that the first call has refused. The packet must not change before
 * the second call: with asynchronous crypto, 6.1 puts a reference to skb->dev
 * between the two. As skb->destructor, this function marks a packet between the
 * calls; no other packet can have it. skb->sk then stands for the device.
 */
static void ipsi_decap_mark(struct sk_buff *skb)
{
}

/* Refuse a packet that XFRM has accepted, so that the second call takes it. BH
 * stays off until then, so the device remains valid.
 */
static int ipsi_decap_accepted(struct ipsi_dev *idev, struct sk_buff *skb)
{
	skb_orphan(skb);
	skb->destructor = ipsi_decap_mark;
	skb->sk = (struct sock *)idev;
	return -EINPROGRESS;
}

/* Return the device of a packet that the first call has accepted, or NULL. */
static struct ipsi_dev *ipsi_decap_unmark(struct sk_buff *skb)
{
	struct ipsi_dev *idev;

	if (skb->destructor != ipsi_decap_mark)
		return NULL;

	idev = (struct ipsi_dev *)skb->sk;
	skb->destructor = NULL;
	skb->sk = NULL;
	return idev;
}

/* Decide about a packet whose SA has an if_id that no device has. If the state
 * is valid and neither an SA of any device nor left by one, it never was one,
 * and the packet is left to the core. Otherwise the device or the SA has just
 * gone: a device deletes its states before it leaves the hash, and an update
 * that takes a state from its device deletes it before its entry. A packet that
 * comes out of asynchronous crypto after that must be dropped: in transport
 * mode the host would answer it in clear.
 */
static int ipsi_decap_no_device(const struct net *net,
				const struct xfrm_state *x)
{
	bool ours = ipsi_sa_is_any(x) || ipsi_sad_is_leftover(net, x);

	/* Pairs with the spin_unlock() after the state was deleted. */
	smp_rmb();
	return ipsi_sa_valid(x) && !ours ? 1 : -ENODEV;
}

/* Pass a packet up. xfrm_input() drops its reference to the packet later, with
 * BH still off, and gro_cells_receive() queues the packet for a softirq of this
 * CPU; of skb->dev it reads only flags. If softirqs can run in between, or the
 * packet is cloned already, pass up a clone.
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

static void ipsi_decap_note_time(struct ipsi_dev *idev)
{
	u32 now = ktime_get_seconds() + 1;

	if (READ_ONCE(idev->rx_time) != now)
		WRITE_ONCE(idev->rx_time, now);
}

/* Deliver a packet of the device, or count it as refused. */
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
	ipsi_decap_note_time(idev);
	ipsi_decap_deliver(idev, skb);
}

/* Return as ipsi_decap_cb(). */
static int ipsi_decap_call(struct sk_buff *skb, int err)
{
	struct ipsi_dev *idev = ipsi_decap_unmark(skb);
	struct xfrm_state *x;

	if (idev) {
		ipsi_decap_take(idev, xfrm_input_state(skb), skb);
		return 0;
	}

	/* Without a secpath, no SA was found. */
	if (!skb_sec_path(skb))
		return 1;
	x = xfrm_input_state(skb);
	if (!x || !x->if_id)
		return 1;

	idev = ipsi_net_find(xs_net(x), x->if_id);
	if (!idev)
		return ipsi_decap_no_device(xs_net(x), x);

	if (!err)
		return ipsi_decap_accepted(idev, skb);

	/* A refused packet does not tell where the peer is. */
	ipsi_peer_take_mapping(x);
	ipsi_stats_refused(idev, ipsi_decap_refused(skb, x), skb, x);

	return 0;
}

/* The callback of both families. Return 1 to leave the packet to others. An
 * error makes xfrm_input() call again with that error and drop the packet.
 */
static int ipsi_decap_cb(struct sk_buff *skb, int err)
{
	int ret = ipsi_decap_call(skb, err);

	/* The last call discards a note that the packet has left: its SA may
	 * be another one than that of the note.
	 */
	if (ret != -EINPROGRESS)
		ipsi_peer_take_mapping(NULL);

	return ret;
}

/* .handler and .input_handler: leave input to the core. */
static int ipsi_decap_rcv(struct sk_buff *skb)
{
	return -EINVAL;
}

static int ipsi_decap_input(struct sk_buff *skb, int nexthdr, __be32 spi,
			    int encap_type)
{
	return -EINVAL;
}

/* Called before all others, which must not touch a packet of a device. */
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

static int ipsi_decap_comp_err4(struct sk_buff *skb, u32 info)
{
	return -ENOENT;
}

static struct xfrm4_protocol ipsi_decap_comp4 __read_mostly = {
	.handler	= ipsi_decap_rcv,
	.input_handler	= ipsi_decap_input,
	.cb_handler	= ipsi_decap_cb,
	.err_handler	= ipsi_decap_comp_err4,
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

static int ipsi_decap_comp_err6(struct sk_buff *skb, struct inet6_skb_parm *opt,
				u8 type, u8 code, int offset, __be32 info)
{
	return -ENOENT;
}

static struct xfrm6_protocol ipsi_decap_comp6 __read_mostly = {
	.handler	= ipsi_decap_rcv,
	.input_handler	= ipsi_decap_input,
	.cb_handler	= ipsi_decap_cb,
	.err_handler	= ipsi_decap_comp_err6,
	.priority	= IPSI_DECAP_PRIORITY,
};

/**
 * ipsi_decap_init - create the queues of received packets
 * @idev: a device that is being created
 *
 * The NAPI contexts belong to another netdevice, since gro_cells do not work
 * with the NAPI threads that "threaded" in sysfs would start.
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
 * @idev: a device without users
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

	err = xfrm4_protocol_register(&ipsi_decap_comp4, IPPROTO_COMP);
	if (err)
		goto err_ah4;

	err = xfrm6_protocol_register(&ipsi_decap_esp6, IPPROTO_ESP);
	if (err)
		goto err_comp4;

	err = xfrm6_protocol_register(&ipsi_decap_ah6, IPPROTO_AH);
	if (err)
		goto err_esp6;

	err = xfrm6_protocol_register(&ipsi_decap_comp6, IPPROTO_COMP);
	if (err)
		goto err_ah6;

	return 0;

err_ah6:
	xfrm6_protocol_deregister(&ipsi_decap_ah6, IPPROTO_AH);
err_esp6:
	xfrm6_protocol_deregister(&ipsi_decap_esp6, IPPROTO_ESP);
err_comp4:
	xfrm4_protocol_deregister(&ipsi_decap_comp4, IPPROTO_COMP);
err_ah4:
	xfrm4_protocol_deregister(&ipsi_decap_ah4, IPPROTO_AH);
err_esp4:
	xfrm4_protocol_deregister(&ipsi_decap_esp4, IPPROTO_ESP);
err_napi_dev:
	ipsi_free_netdev_dummy(ipsi_decap_napi_dev);
	return err;
}

/**
 * ipsi_decap_unregister - undo ipsi_decap_register()
 *
 * All devices are gone by then.
 *
 * Context: process. No callback runs any more when this returns.
 */
void ipsi_decap_unregister(void)
{
	xfrm6_protocol_deregister(&ipsi_decap_comp6, IPPROTO_COMP);
	xfrm6_protocol_deregister(&ipsi_decap_ah6, IPPROTO_AH);
	xfrm6_protocol_deregister(&ipsi_decap_esp6, IPPROTO_ESP);
	xfrm4_protocol_deregister(&ipsi_decap_comp4, IPPROTO_COMP);
	xfrm4_protocol_deregister(&ipsi_decap_ah4, IPPROTO_AH);
	xfrm4_protocol_deregister(&ipsi_decap_esp4, IPPROTO_ESP);
	ipsi_free_netdev_dummy(ipsi_decap_napi_dev);
}
