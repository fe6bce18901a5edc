/* SPDX-License-Identifier: GPL-2.0 */
/* Receive. */
#ifndef _IPSI_DECAP_H
#define _IPSI_DECAP_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <net/xfrm.h>

#include "ipsi.h"

int ipsi_decap_init(struct ipsi_dev *idev);
void ipsi_decap_fini(struct ipsi_dev *idev);
int ipsi_decap_register(void);
void ipsi_decap_unregister(void);

/* Can packets of a tunnel-mode SA be received? See ipsi_decap_outer_tunnel();
 * over IPv6 there is always room.
 */
static inline bool ipsi_decap_tunnel_ok(const struct xfrm_state *x)
{
	return x->props.family != AF_INET ||
	       x->props.header_len >=
	       offsetofend(struct iphdr, saddr) + ETH_HLEN;
}

#endif /* _IPSI_DECAP_H */
