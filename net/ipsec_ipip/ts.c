// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic selectors: those of states, and those of policies. Key managers put
 * the negotiated selectors into policies of the SPD and not into the SA; spd.c
 * collects those for adopted SAs.
 *
 * In tunnel mode the selector of a state is about inner packets. In transport
 * mode the core applies it to outer packets, unless its family is AF_UNSPEC. So
 * an adopted state in transport mode keeps the addresses of its selector, and
 * has its family in a private flag.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rculist.h>
#include <net/icmp.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

#include "spd.h"
#include "ts.h"

/**
 * struct ipsi_ts_addrs - addresses of an inner packet
 * @family: AF_INET or AF_INET6
 * @saddr: source
 * @daddr: destination
 */
struct ipsi_ts_addrs {
	u16 family;
	xfrm_address_t saddr;
	xfrm_address_t daddr;
};

/* Return the family of a selector that is about inner packets, or AF_UNSPEC if
 * it is about outer ones.
 */
static u16 ipsi_ts_family(const struct xfrm_state *x)
{
	u16 family = x->props.family;

	if (x->props.mode == XFRM_MODE_TUNNEL)
		return x->sel.family ?: family;
	if (x->sel.family)
		return AF_UNSPEC;
	if (x->xflags & IPSI_XFLAG_TS_OTHER)
		return family == AF_INET ? AF_INET6 : AF_INET;

	return family;
}

/**
 * ipsi_ts_keep - keep the selector in a clone in transport mode
 * @change: properties of the clone
 * @x: the original, in tunnel mode
 */
void ipsi_ts_keep(struct ipsi_sa_change *change, const struct xfrm_state *x)
{
	if (ipsi_ts_family(x) != x->props.family)
		change->xflags |= IPSI_XFLAG_TS_OTHER;
	change->sel.family = AF_UNSPEC;
}

static bool ipsi_ts_addrs_match(const struct xfrm_selector *sel,
				const struct ipsi_ts_addrs *addrs)
{
	if (addrs->family == AF_INET)
		return addr4_match(addrs->saddr.a4, sel->saddr.a4,
				   sel->prefixlen_s) &&
		       addr4_match(addrs->daddr.a4, sel->daddr.a4,
				   sel->prefixlen_d);

	return addr_match(&addrs->saddr, &sel->saddr, sel->prefixlen_s) &&
	       addr_match(&addrs->daddr, &sel->daddr, sel->prefixlen_d);
}

/* Return the offset of the packet that an ICMP error quotes, or a negative
 * number if @skb is not such an error.
 */
static int ipsi_ts_quoted4(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	int offset = skb_network_offset(skb) + iph->ihl * 4;
	const struct icmphdr *icmph;
	struct icmphdr buffer;

	if (iph->protocol != IPPROTO_ICMP ||
	    iph->frag_off & htons(IP_OFFSET))
		return -1;

	icmph = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);
	if (!icmph || !icmp_is_err(icmph->type))
		return -1;

	return offset + sizeof(*icmph);
}

static int ipsi_ts_quoted6(const struct sk_buff *skb)
{
	int offset = skb_network_offset(skb) + sizeof(struct ipv6hdr);
	u8 nexthdr = ipv6_hdr(skb)->nexthdr;
	const struct icmp6hdr *icmph;
	struct icmp6hdr buffer;
	__be16 frag_off;

	offset = ipv6_skip_exthdr(skb, offset, &nexthdr, &frag_off);
	if (offset < 0 || nexthdr != IPPROTO_ICMPV6 ||
	    frag_off & htons(IP6_OFFSET))
		return -1;

	icmph = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);
	if (!icmph || !icmpv6_is_err(icmph->icmp6_type))
		return -1;

	return offset + sizeof(*icmph);
}

/* Fill in the addresses of the quoted packet, exchanged, since an error has the
 * opposite direction.
 */
static bool ipsi_ts_reversed4(const struct sk_buff *skb,
			      struct ipsi_ts_addrs *addrs)
{
	int offset = ipsi_ts_quoted4(skb);
	const struct iphdr *iph;
	struct iphdr buffer;

	if (offset < 0)
		return false;
	iph = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);
	if (!iph || iph->version != 4)
		return false;

	addrs->saddr.a4 = iph->daddr;
	addrs->daddr.a4 = iph->saddr;
	return true;
}

static bool ipsi_ts_reversed6(const struct sk_buff *skb,
			      struct ipsi_ts_addrs *addrs)
{
	int offset = ipsi_ts_quoted6(skb);
	const struct ipv6hdr *ip6h;
	struct ipv6hdr buffer;

	if (offset < 0)
		return false;
	ip6h = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);
	if (!ip6h || ip6h->version != 6)
		return false;

	addrs->saddr.in6 = ip6h->daddr;
	addrs->daddr.in6 = ip6h->saddr;
	return true;
}

/* Any router on the path can send an ICMP error, so match the packet that it
 * quotes (RFC 4301 section 6.2).
 */
static bool ipsi_ts_error_match(const struct xfrm_selector *sel, u16 family,
				const struct sk_buff *skb)
{
	struct ipsi_ts_addrs addrs = { .family = family };

	if (family == AF_INET ? !ipsi_ts_reversed4(skb, &addrs) :
				!ipsi_ts_reversed6(skb, &addrs))
		return false;

	return ipsi_ts_addrs_match(sel, &addrs);
}

static u16 ipsi_ts_packet_addrs(const struct sk_buff *skb,
				struct ipsi_ts_addrs *addrs)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		addrs->family = AF_INET;
		addrs->saddr.a4 = ip_hdr(skb)->saddr;
		addrs->daddr.a4 = ip_hdr(skb)->daddr;
		break;
	case htons(ETH_P_IPV6):
		addrs->family = AF_INET6;
		addrs->saddr.in6 = ipv6_hdr(skb)->saddr;
		addrs->daddr.in6 = ipv6_hdr(skb)->daddr;
		break;
	default:
		addrs->family = AF_UNSPEC;
	}

	return addrs->family;
}

/* Match the addresses of a packet against a selector of a family. A selector
 * with a protocol or ports matches no packet.
 */
static bool ipsi_ts_match_addrs(const struct xfrm_selector *sel, u16 family,
				const struct sk_buff *skb)
{
	struct ipsi_ts_addrs addrs;

	return !ipsi_ts_has_ports(sel) &&
	       ipsi_ts_packet_addrs(skb, &addrs) == family &&
	       ipsi_ts_addrs_match(sel, &addrs);
}

/* Match a packet, or the packet that an ICMP error quotes, against a selector of
 * a family. No packet matches a selector with a protocol or ports, since some
 * fragments do not have them.
 */
static bool ipsi_ts_match_selector(const struct xfrm_selector *sel, u16 family,
				   const struct sk_buff *skb)
{
	struct ipsi_ts_addrs addrs;

	if (ipsi_ts_has_ports(sel) ||
	    ipsi_ts_packet_addrs(skb, &addrs) != family)
		return false;

	return ipsi_ts_addrs_match(sel, &addrs) ||
	       ipsi_ts_error_match(sel, family, skb);
}

/**
 * ipsi_ts_match_state - match a packet against the selector of a state
 * @x: the state
 * @skb: the inner packet
 *
 * Context: any.
 * Return: true if the packet matches, or the selector is not about inner
 *   packets.
 */
bool ipsi_ts_match_state(const struct xfrm_state *x, const struct sk_buff *skb)
{
	u16 family = ipsi_ts_family(x);

	return family == AF_UNSPEC ||
	       ipsi_ts_match_selector(&x->sel, family, skb);
}

static const struct ipsi_spd_set *ipsi_ts_set(const struct ipsi_dev *idev,
					      enum ipsi_spd_which which)
{
	return rcu_dereference(idev->policies[which]);
}

/* Match a packet against the policies of a set for SAs with a reqid. Set @bound
 * if there are such policies and none matches.
 */
static bool ipsi_ts_match_set(const struct ipsi_spd_set *set, u32 reqid,
			      const struct sk_buff *skb, bool out, bool *bound)
{
	unsigned int bucket = ipsi_spd_bucket(reqid, out);
	const struct ipsi_spd_entry *entry;

	hlist_for_each_entry_rcu(entry, &set->buckets[bucket], node) {
		if (entry->trap || entry->out != out || entry->reqid != reqid)
			continue;
		if (ipsi_ts_match_selector(&entry->sel, entry->sel.family, skb))
			return true;
		*bound = true;
	}

	return false;
}

/**
 * ipsi_ts_match_policies - match a packet against the policies for an SA
 * @idev: the device, which adopts SAs
 * @conf: its configuration
 * @x: the state
 * @skb: the inner packet
 * @out: the packet is outbound
 *
 * Policies also apply to SAs without IPSI_XFLAG_ADOPTED: a key manager that
 * moves an adopted SA reads the state and adds it again in transport mode.
 *
 * No packet matches until all policies are known.
 *
 * Context: RCU read side.
 * Return: true if the packet may pass.
 */
bool ipsi_ts_match_policies(const struct ipsi_dev *idev,
			    const struct ipsi_conf *conf,
			    const struct xfrm_state *x,
			    const struct sk_buff *skb, bool out)
{
	const struct ipsi_spd_set *named = ipsi_ts_set(idev, IPSI_SPD_NAMED);
	const struct ipsi_spd_set *ends = NULL;
	u32 reqid = x->props.reqid;
	bool bound = false;

	if (!ipsi_spd_known(named))
		return false;
	if (conf->keying == IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS) {
		ends = ipsi_ts_set(idev, IPSI_SPD_ENDS);
		if (!ipsi_spd_known(ends))
			return false;
	}

	if (ipsi_ts_match_set(named, reqid, skb, out, &bound) ||
	    (ends && ipsi_ts_match_set(ends, reqid, skb, out, &bound)))
		return true;

	return !bound && conf->policies == IPSEC_IPIP_POLICIES_OPTIONAL;
}

/* Find an outbound policy of a set that matches a packet and takes precedence
 * over @best.
 */
static const struct ipsi_spd_entry *
ipsi_ts_better(const struct ipsi_spd_set *set, const struct sk_buff *skb,
	       const struct ipsi_spd_entry *best)
{
	const struct ipsi_spd_entry *entry;
	unsigned int i;

	/* A stale set may have a policy that is deleted. */
	if (!set || READ_ONCE(set->stale))
		return best;

	for (i = 0; i < ARRAY_SIZE(set->buckets); i++)
		hlist_for_each_entry_rcu(entry, &set->buckets[i], node)
			if (entry->out &&
			    (!best || entry->priority < best->priority) &&
			    ipsi_ts_match_selector(&entry->sel,
						   entry->sel.family, skb))
				best = entry;

	return best;
}

/**
 * ipsi_ts_policy - find the policy of a key manager for a packet
 * @idev: the device
 * @skb: the outbound inner packet
 * @reqid: set to the reqid of the policy's template
 *
 * Context: RCU read side.
 * Return: true if there is a policy.
 */
bool ipsi_ts_policy(const struct ipsi_dev *idev, const struct sk_buff *skb,
		    u32 *reqid)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);
	const struct ipsi_spd_entry *best = NULL;

	if (conf->keying == IPSEC_IPIP_KEYING_MANUAL)
		return false;

	best = ipsi_ts_better(ipsi_ts_set(idev, IPSI_SPD_NAMED), skb, best);
	if (conf->keying == IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS) {
		best = ipsi_ts_better(ipsi_ts_set(idev, IPSI_SPD_ENDS), skb,
				      best);
		best = ipsi_ts_better(ipsi_ts_set(idev, IPSI_SPD_TRAPS), skb,
				      best);
	}
	if (best)
		*reqid = best->reqid;

	return best;
}

static bool ipsi_ts_requires(const struct ipsi_spd_set *set, u32 reqid,
			     const struct sk_buff *skb)
{
	unsigned int bucket = ipsi_spd_bucket(reqid, false);
	const struct ipsi_spd_entry *entry;

	hlist_for_each_entry_rcu(entry, &set->buckets[bucket], node)
		if (!entry->out && entry->reqid == reqid &&
		    ipsi_ts_match_addrs(&entry->sel, entry->sel.family, skb))
			return true;

	return false;
}

/**
 * ipsi_ts_core_takes - check if the core accepts a packet with its SA
 * @idev: the device
 * @x: inbound SA in tunnel mode
 * @skb: the inner packet, which was received with the SA
 *
 * The policy check of the core accepts a packet of a tunnel-mode SA only if a
 * policy requires the SA. Such a policy has no if_id, and the core then drops
 * packets without the SA.
 *
 * Context: RCU read side.
 * Return: true if there is such a policy.
 */
bool ipsi_ts_core_takes(const struct ipsi_dev *idev,
			const struct xfrm_state *x, const struct sk_buff *skb)
{
	const struct ipsi_spd_set *set = ipsi_ts_set(idev, IPSI_SPD_ENDS);
	const struct xfrm_selector *sel = &x->sel;

	if (!set || ((sel->prefixlen_s || sel->prefixlen_d) &&
		     !ipsi_ts_match_addrs(sel, sel->family, skb)))
		return false;

	return ipsi_ts_requires(set, x->props.reqid, skb) ||
	       ipsi_ts_requires(set, 0, skb);
}
