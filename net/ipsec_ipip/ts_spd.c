// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic selectors of policies. Key managers put the negotiated selectors into
 * policies of the SPD and not into the SA; spd.c collects those for adopted
 * SAs.
 */
#include <linux/rculist.h>
#include <net/xfrm.h>

#include "spd.h"
#include "ts.h"

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
