/* SPDX-License-Identifier: GPL-2.0 */
/* Traffic selectors: which inner packets an SA may carry. */
#ifndef _IPSI_TS_H
#define _IPSI_TS_H

#include <linux/skbuff.h>
#include <net/xfrm.h>

#include "ipsi.h"
#include "sa_clone.h"

/* ts.c */
bool ipsi_ts_match_state(const struct xfrm_state *x,
			 const struct sk_buff *skb);
bool ipsi_ts_match_selector(const struct xfrm_selector *sel, u16 family,
			    const struct sk_buff *skb);
void ipsi_ts_keep(struct ipsi_sa_change *change, const struct xfrm_state *x);

/* ts_spd.c */
bool ipsi_ts_match_table(const struct ipsi_ts_table *table,
			 const struct xfrm_state *x,
			 const struct sk_buff *skb, bool out, bool unnamed);
bool ipsi_ts_policy(const struct ipsi_dev *idev, const struct sk_buff *skb,
		    u32 *reqid);
void ipsi_ts_told(const struct net *net, const struct xfrm_policy *xp, int dir);
void ipsi_ts_refresh(struct ipsi_dev *idev);
void ipsi_ts_work(struct work_struct *work);

/* Does the selector name a protocol or ports? */
static inline bool ipsi_ts_has_ports(const struct xfrm_selector *sel)
{
	return sel->proto || sel->sport_mask || sel->dport_mask;
}

/**
 * ipsi_ts_usable - can a device keep to the selector of a state?
 * @x: the state
 *
 * Those with a protocol or ports it cannot (RFC 3884 section 4.2.4).
 *
 * Context: any.
 */
static inline bool ipsi_ts_usable(const struct xfrm_state *x)
{
	return x->props.mode != XFRM_MODE_TUNNEL ||
	       !ipsi_ts_has_ports(&x->sel);
}

/**
 * ipsi_ts_match - may an SA of a device carry a packet?
 * @idev: the device
 * @conf: its configuration
 * @x: the state
 * @skb: the inner packet: protocol and network header are set, and the header
 *   is in the linear part
 * @out: it goes out
 *
 * RFC 4301 section 5.2.
 *
 * Context: RCU read side.
 */
static inline bool ipsi_ts_match(const struct ipsi_dev *idev,
				 const struct ipsi_conf *conf,
				 const struct xfrm_state *x,
				 const struct sk_buff *skb, bool out)
{
	const struct ipsi_ts_table *table = rcu_dereference(idev->ts);
	bool unnamed = conf->policies == IPSEC_IPIP_POLICIES_OPTIONAL;
	const struct xfrm_selector *sel = &x->sel;

	if (unlikely(sel->prefixlen_s || sel->prefixlen_d ||
		     ipsi_ts_has_ports(sel)) && !ipsi_ts_match_state(x, skb))
		return false;

	if (!table)
		return unnamed;

	return ipsi_ts_match_table(table, x, skb, out, unnamed);
}

#endif /* _IPSI_TS_H */
