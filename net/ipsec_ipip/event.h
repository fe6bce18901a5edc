/* SPDX-License-Identifier: GPL-2.0 */
/* Events of the generic netlink family */
#ifndef _IPSI_EVENT_H
#define _IPSI_EVENT_H

#include <linux/skbuff.h>
#include <net/genetlink.h>

#include "ipsi.h"

extern struct genl_family *ipsi_nl_family;

int ipsi_nl_register(struct genl_family *family);
void ipsi_nl_unregister(void);
int ipsi_nl_fill_header(struct sk_buff *msg, struct ipsi_dev *idev,
			const struct xfrm_state *x, bool out);

void ipsi_nl_event_sa(struct ipsi_dev *idev, u8 cmd,
		      const struct xfrm_state *x, bool out, bool hard);
void ipsi_nl_event_refuse(struct ipsi_dev *idev, const struct xfrm_state *x,
			  bool out, u32 refusal);
void ipsi_nl_event_activate(struct ipsi_dev *idev, const struct xfrm_state *x,
			    bool pinned);
void ipsi_nl_event_carrier(struct ipsi_dev *idev, bool on);
void ipsi_nl_event_peer(struct ipsi_dev *idev, const struct ipsi_peer *to);

void ipsi_nl_event_net_init(struct net *net);
void ipsi_nl_event_net_exit(struct net *net);

#endif /* _IPSI_EVENT_H */
