/* SPDX-License-Identifier: GPL-2.0 */
/* Traffic selectors: which inner packets an SA may carry. */
#ifndef _IPSI_TS_H
#define _IPSI_TS_H

#include <linux/skbuff.h>
#include <net/xfrm.h>

#include "sa_clone.h"

bool ipsi_ts_match_narrow(const struct xfrm_state *x,
			  const struct sk_buff *skb);
void ipsi_ts_keep(struct ipsi_sa_change *change, const struct xfrm_state *x);

/* Does the selector name a protocol or ports? */
static inline bool ipsi_ts_has_ports(const struct xfrm_selector *sel)
{
	return sel->proto || sel->sport_mask || sel->dport_mask;
}

/**
 * ipsi_ts_usable - can a device keep to the selectors of an SA?
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
 * ipsi_ts_match - may an SA carry a packet?
 * @x: the state
 * @skb: the inner packet: protocol and network header are set, and the header
 *   is in the linear part
 *
 * RFC 4301 section 5.2; the same in both directions.
 *
 * Context: any.
 */
static inline bool ipsi_ts_match(const struct xfrm_state *x,
				 const struct sk_buff *skb)
{
	const struct xfrm_selector *sel = &x->sel;

	if (likely(!sel->prefixlen_s && !sel->prefixlen_d &&
		   !ipsi_ts_has_ports(sel)))
		return true;

	return ipsi_ts_match_narrow(x, skb);
}

#endif /* _IPSI_TS_H */
