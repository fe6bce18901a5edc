/* SPDX-License-Identifier: GPL-2.0 */
/* A state like another, with changes, and in its place. */
#ifndef _IPSI_SA_CLONE_H
#define _IPSI_SA_CLONE_H

#include <linux/netlink.h>
#include <net/xfrm.h>

/**
 * struct ipsi_sa_change - what a clone has otherwise than its original
 * @sel: selector
 * @daddr: destination address; of the same family
 * @saddr: source address
 * @reqid: request id
 * @if_id: interface id
 * @xflags: internal flags (IPSI_XFLAG_*); those of the core are copied
 * @encap_sport: UDP source port, where the original is encapsulated
 * @encap_dport: UDP destination port
 * @mode: XFRM_MODE_*
 *
 * Filled in by ipsi_sa_change_init(); then set what is to differ.
 */
struct ipsi_sa_change {
	struct xfrm_selector sel;
	xfrm_address_t daddr;
	xfrm_address_t saddr;
	u32 reqid;
	u32 if_id;
	u32 xflags;
	__be16 encap_sport;
	__be16 encap_dport;
	u8 mode;
};

/* Bits of xfrm_state.xflags that the core does not use, and that no one else
 * sees: what we must know of a state for as long as it lives.
 */
#define IPSI_XFLAG_ADOPTED	BIT(31)	/* taken over, see adopt.c */
#define IPSI_XFLAG_TS_OTHER	BIT(30)	/* sel is not of props.family, see ts.c */
#define IPSI_XFLAG_OWN		BIT(29)	/* made by sa-add, see sad_flush.c */
#define IPSI_XFLAG_REFUSED	BIT(28)	/* not taken over, see adopt.c */
#define IPSI_XFLAGS		(IPSI_XFLAG_ADOPTED | IPSI_XFLAG_TS_OTHER | \
				 IPSI_XFLAG_OWN | IPSI_XFLAG_REFUSED)

void ipsi_sa_change_init(struct ipsi_sa_change *change,
			 const struct xfrm_state *x);
bool ipsi_sa_can_clone(const struct xfrm_state *x);
struct xfrm_state *ipsi_sa_clone(struct xfrm_state *old,
				 const struct ipsi_sa_change *change,
				 struct netlink_ext_ack *extack);
int ipsi_sa_replace(struct xfrm_state *old, struct xfrm_state *new);
void ipsi_sa_discard(struct xfrm_state *x);
void ipsi_sa_wipe(struct xfrm_state *x);

#endif /* _IPSI_SA_CLONE_H */
