/* SPDX-License-Identifier: GPL-2.0 */
/* Capture devices */
#ifndef _IPSI_ENC_H
#define _IPSI_ENC_H

#include <linux/jump_label_ratelimit.h>

#include "ipsi.h"

extern struct static_key_false_deferred ipsi_enc_key;

void ipsi_enc_capture_tx(const struct ipsi_dev *idev,
			 const struct xfrm_state *x, const struct sk_buff *skb);
void ipsi_enc_capture_rx(const struct ipsi_dev *idev,
			 const struct xfrm_state *x, const struct sk_buff *skb,
			 const xfrm_address_t *saddr, u8 dsfield, u8 ttl);
void ipsi_enc_leaves(struct net_device *dev);
int ipsi_enc_register(void);
void ipsi_enc_unregister(void);

/* Is a capture device of any namespace up? */
static inline bool ipsi_enc_active(void)
{
	return static_branch_unlikely(&ipsi_enc_key.key);
}

#endif /* _IPSI_ENC_H */
