/* SPDX-License-Identifier: GPL-2.0 */
/* What the generic netlink family says: replies and events. */
#ifndef _IPSI_NLMSG_H
#define _IPSI_NLMSG_H

#include <linux/skbuff.h>
#include <net/genetlink.h>

#include "ipsi.h"

/**
 * struct ipsi_nl_to - whom a message is for
 * @portid: netlink port
 * @seq: sequence number of the request
 * @flags: NLM_F_* of the message
 * @cb: the dump it is part of, if any; tells if what it shows has changed
 */
struct ipsi_nl_to {
	u32 portid;
	u32 seq;
	int flags;
	struct netlink_callback *cb;
};

/**
 * enum ipsi_nl_view - how much of a device is shown
 * @IPSI_NL_VIEW_DEVICE: nothing of the namespace of the underlay
 * @IPSI_NL_VIEW_UNDERLAY: besides, the underlay, and how SAs are found there
 * @IPSI_NL_VIEW_ALL: besides, which SA is in use
 */
enum ipsi_nl_view {
	IPSI_NL_VIEW_DEVICE,
	IPSI_NL_VIEW_UNDERLAY,
	IPSI_NL_VIEW_ALL,
};

int ipsi_nl_fill_dev(struct sk_buff *msg, const struct ipsi_nl_to *to,
		     struct ipsi_dev *idev, enum ipsi_nl_view view);
int ipsi_nl_fill_sa(struct sk_buff *msg, const struct ipsi_nl_to *to,
		    struct ipsi_dev *idev, struct xfrm_state *x, bool out,
		    bool keys);

void ipsi_nl_event_sa(struct ipsi_dev *idev, u8 cmd,
		      const struct xfrm_state *x, bool out, bool hard);
void ipsi_nl_event_refuse(struct ipsi_dev *idev, const struct xfrm_state *x,
			  bool out, u32 refusal);
void ipsi_nl_event_activate(struct ipsi_dev *idev, const struct xfrm_state *x,
			    bool pinned);
void ipsi_nl_event_carrier(struct ipsi_dev *idev, bool on);
void ipsi_nl_event_peer(struct ipsi_dev *idev, const struct ipsi_peer *to);

#endif /* _IPSI_NLMSG_H */
