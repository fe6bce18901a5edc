/* SPDX-License-Identifier: GPL-2.0 */
/* Replies of the generic netlink family */
#ifndef _IPSI_NLMSG_H
#define _IPSI_NLMSG_H

#include <linux/skbuff.h>
#include <net/genetlink.h>

#include "ipsi.h"

/**
 * struct ipsi_nl_to - receiver of a message
 * @portid: netlink port
 * @seq: sequence number of the request
 * @flags: NLM_F_* of the message
 * @cb: the dump that the message is part of, for its consistency check; or NULL
 */
struct ipsi_nl_to {
	u32 portid;
	u32 seq;
	int flags;
	struct netlink_callback *cb;
};

/**
 * enum ipsi_nl_view - how much of a device is shown
 * @IPSI_NL_VIEW_DEVICE: nothing that belongs to the namespace of the underlay
 * @IPSI_NL_VIEW_UNDERLAY: also the underlay and the identifiers of SAs there
 * @IPSI_NL_VIEW_ALL: also the SA in use
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

#endif /* _IPSI_NLMSG_H */
