/* SPDX-License-Identifier: GPL-2.0 */
/* Deletes the SAs of a device with the device */
#ifndef _IPSI_SAD_FLUSH_H
#define _IPSI_SAD_FLUSH_H

#include "ipsi.h"

int ipsi_sad_flush_reserve(const struct net *net, u32 if_id);
void ipsi_sad_flush_release(const struct net *net, u32 if_id);
void ipsi_sad_flush(struct ipsi_dev *idev);
bool ipsi_sad_is_leftover(const struct net *net, const struct xfrm_state *x);
void ipsi_sad_reported(struct xfrm_state *x);
void ipsi_sad_flush_net_init(struct net *net);
void ipsi_sad_flush_net_exit(struct net *net);

#endif /* _IPSI_SAD_FLUSH_H */
