/* SPDX-License-Identifier: GPL-2.0 */
/* Peers that move */
#ifndef _IPSI_PEER_H
#define _IPSI_PEER_H

#include "ipsi.h"

void ipsi_peer_init(struct ipsi_dev *idev);
bool ipsi_peer_may_move(const struct ipsi_conf *conf,
			const struct xfrm_state *x);
void ipsi_peer_stop(struct ipsi_dev *idev);
void ipsi_peer_mapping(const struct xfrm_state *x, __be16 port);
__be16 ipsi_peer_take_mapping(const struct xfrm_state *x);
void ipsi_peer_update(struct ipsi_dev *idev, const struct ipsi_conf *conf,
		      const struct xfrm_state *x, const xfrm_address_t *addr,
		      __be16 port);
void ipsi_peer_sa_updated(struct ipsi_dev *idev, const struct xfrm_state *x);

#endif /* _IPSI_PEER_H */
