// SPDX-License-Identifier: GPL-2.0
/*
 * What a key manager whose SAs are adopted is asked for: an SA in tunnel mode
 * for the inner packet that has found none. By its addresses a key manager finds
 * the connection, where it does not go by reqid.
 *
 * The core asks once, leaves a larval state, and is silent until that has
 * expired (net.core.xfrm_acq_expires). A packet that no connection is for must
 * not keep the next one from asking as long as that.
 */
#include <linux/icmpv6.h>
#include <linux/igmp.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/timekeeping.h>
#include <net/dst.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/xfrm.h>

#include "acquire.h"

/* In seconds: so long what was asked for first may be under way. */
#define IPSI_ACQUIRE_PATIENCE	2

/* A host joins groups and looks for routers wherever it has an address. That is
 * no reason to connect.
 */
static bool ipsi_acquire_is_chatter6(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	u8 buf, proto = ip6h->nexthdr;
	__be16 frag_off;
	const u8 *type;
	int offset;

	offset = ipv6_skip_exthdr(skb, skb_network_offset(skb) + sizeof(*ip6h),
				  &proto, &frag_off);
	if (offset < 0 || proto != IPPROTO_ICMPV6)
		return false;

	type = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!type)
		return false;

	return (*type >= ICMPV6_MGM_QUERY && *type <= NDISC_REDIRECT) ||
	       *type == ICMPV6_MLD2_REPORT;
}

static bool ipsi_acquire_is_chatter(const struct sk_buff *skb, u16 family)
{
	return family == AF_INET ? ip_hdr(skb)->protocol == IPPROTO_IGMP :
				   ipsi_acquire_is_chatter6(skb);
}

/* The larval state that the core has left after asking, with a reference */
static struct xfrm_state *ipsi_acquire_larval(struct net *net,
					      const struct ipsi_conf *conf)
{
	const struct xfrm_mark mark = {};

	return ipsi_xfrm_find_acq(net, &mark, XFRM_MODE_TUNNEL, conf->reqid,
				  conf->if_id, IPPROTO_ESP, &conf->remote,
				  &conf->local, conf->family);
}

/* Was it asked for packets between these addresses? */
static bool ipsi_acquire_is_for(const struct xfrm_state *x,
				const struct flowi *fl, u16 family)
{
	return x->sel.family == family &&
	       xfrm_addr_equal(&x->sel.daddr, xfrm_flowi_daddr(fl, family),
			       family) &&
	       xfrm_addr_equal(&x->sel.saddr, xfrm_flowi_saddr(fl, family),
			       family);
}

/* It was asked for others, and to no avail. */
static bool ipsi_acquire_in_vain(const struct xfrm_state *x,
				 const struct flowi *fl, u16 family)
{
	return !ipsi_acquire_is_for(x, fl, family) &&
	       x->curlft.add_time + IPSI_ACQUIRE_PATIENCE <=
			ktime_get_real_seconds();
}

static void ipsi_acquire_make_way(struct net *net, const struct ipsi_conf *conf,
				  const struct flowi *fl, u16 family)
{
	struct xfrm_state *x;

	x = ipsi_acquire_larval(net, conf);
	if (!x)
		return;

	if (x->if_id == conf->if_id && ipsi_acquire_in_vain(x, fl, family))
		xfrm_state_delete(x);
	xfrm_state_put(x);
}

/**
 * ipsi_acquire_prepare - what to ask for a packet
 * @net: underlay namespace of the device
 * @conf: its configuration
 * @skb: the inner packet, which has found no SA; its control block is clear
 * @dst: the route of the outer packet; set to that of the inner one, if it has
 *   one: what was sent by its link header has none, and asks as the outer packet
 * @fl: likewise the flow
 *
 * Context: BH off.
 * Return: true if the core is to be asked.
 */
bool ipsi_acquire_prepare(struct net *net, const struct ipsi_conf *conf,
			  struct sk_buff *skb, struct dst_entry **dst,
			  struct flowi *fl)
{
	struct dst_entry *inner = skb_dst(skb);
	u16 family;

	if (!inner)
		return true;
	family = inner->ops->family;
	if (family != AF_INET && family != AF_INET6)
		return true;
	if (ipsi_acquire_is_chatter(skb, family))
		return false;

	if (ipsi_xfrm_decode_session(net, skb, fl, family))
		return false;

	ipsi_acquire_make_way(net, conf, fl, family);
	*dst = inner;

	return true;
}

/**
 * ipsi_acquire_done - there is an SA: what has asked for it serves no more
 * @net: underlay namespace of the device
 * @conf: its configuration
 *
 * The core does not see that, if the key manager has a reqid of its own.
 *
 * Context: any; no lock of a state or the SAD is held.
 */
void ipsi_acquire_done(struct net *net, const struct ipsi_conf *conf)
{
	struct xfrm_state *x;

	x = ipsi_acquire_larval(net, conf);
	if (!x)
		return;

	if (x->if_id == conf->if_id)
		xfrm_state_delete(x);
	xfrm_state_put(x);
}
