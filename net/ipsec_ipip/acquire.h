/* SPDX-License-Identifier: GPL-2.0 */
/* What a key manager whose SAs are adopted is asked for. */
#ifndef _IPSI_ACQUIRE_H
#define _IPSI_ACQUIRE_H

#include <linux/skbuff.h>
#include <net/flow.h>

#include "ipsi.h"

bool ipsi_acquire_prepare(struct net *net, const struct ipsi_conf *conf,
			  struct sk_buff *skb, struct dst_entry **dst,
			  struct flowi *fl);
void ipsi_acquire_done(struct net *net, const struct ipsi_conf *conf);

#endif /* _IPSI_ACQUIRE_H */
