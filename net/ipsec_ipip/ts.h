/* SPDX-License-Identifier: GPL-2.0 */
/* Traffic selectors: which inner packets an SA may carry. */
#ifndef _IPSI_TS_H
#define _IPSI_TS_H

#include <linux/skbuff.h>
#include <net/xfrm.h>

#include "ipsi.h"
#include "sa_clone.h"

bool ipsi_ts_match_state(const struct xfrm_state *x,
			 const struct sk_buff *skb);
void ipsi_ts_keep(struct ipsi_sa_change *change, const struct xfrm_state *x);
bool ipsi_ts_match_policies(const struct ipsi_dev *idev,
			    const struct ipsi_conf *conf,
			    const struct xfrm_state *x,
			    const struct sk_buff *skb, bool out);
bool ipsi_ts_policy(const struct ipsi_dev *idev, const struct sk_buff *skb,
		    u32 *reqid);
bool ipsi_ts_core_takes(const struct ipsi_dev *idev,
			const struct xfrm_state *x, const struct sk_buff *skb);

/* Does the selector name a protocol or ports? */
static inline bool ipsi_ts_has_ports(const struct xfrm_selector *sel)
{
	return sel->proto || sel->sport_mask || sel->dport_mask;
}

/**
 * ipsi_ts_usable - check that a device can enforce the selector of a state
 * @x: the state
 *
 * A device cannot enforce a protocol or ports (RFC 3884 section 4.2.4).
 *
 * Context: any.
 * Return: true if it can.
 */
static inline bool ipsi_ts_usable(const struct xfrm_state *x)
{
	return x->props.mode != XFRM_MODE_TUNNEL ||
	       !ipsi_ts_has_ports(&x->sel);
}

/**
 * ipsi_ts_match - check if an SA of a device may carry a packet
 * @idev: the device
 * @conf: its configuration
 * @x: the state
 * @skb: the inner packet: protocol and network header are set, and the header
 *   is in the linear part
 * @out: the packet is outbound
 *
 * See RFC 4301 section 5.2.
 *
 * Context: RCU read side.
 * Return: true if it may.
 */
static inline bool ipsi_ts_match(const struct ipsi_dev *idev,
				 const struct ipsi_conf *conf,
				 const struct xfrm_state *x,
				 const struct sk_buff *skb, bool out)
{
	const struct xfrm_selector *sel = &x->sel;

	if (unlikely(sel->prefixlen_s || sel->prefixlen_d ||
		     ipsi_ts_has_ports(sel)) && !ipsi_ts_match_state(x, skb))
		return false;

	return conf->keying == IPSEC_IPIP_KEYING_MANUAL ||
	       ipsi_ts_match_policies(idev, conf, x, skb, out);
}

#endif /* _IPSI_TS_H */
