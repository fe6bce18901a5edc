/* SPDX-License-Identifier: GPL-2.0 */
/* Clones, replaces, wipes and deletes single states */
#ifndef _IPSI_SA_CLONE_H
#define _IPSI_SA_CLONE_H

#include <linux/netlink.h>
#include <net/xfrm.h>

/**
 * struct ipsi_sa_change - properties of a clone
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
 * ipsi_sa_change_init() fills in the properties of the original; then the
 * caller changes some of them.
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

/* Private properties of a state, in bits of xfrm_state.xflags that the core
 * does not use and that user space does not see
 */
#define IPSI_XFLAG_ADOPTED	BIT(31)	/* adopted, see adopt.c */
#define IPSI_XFLAG_TS_OTHER	BIT(30)	/* sel is not of props.family, see ts.c */
#define IPSI_XFLAG_OWN		BIT(29)	/* made by sa-add, see sad_flush.c */
#define IPSI_XFLAG_REFUSED	BIT(28)	/* not adopted, see adopt.c */
#define IPSI_XFLAG_REPORTED	BIT(27)	/* no leftover, see sad_flush.c */
#define IPSI_XFLAGS		(IPSI_XFLAG_ADOPTED | IPSI_XFLAG_TS_OTHER | \
				 IPSI_XFLAG_OWN | IPSI_XFLAG_REFUSED | \
				 IPSI_XFLAG_REPORTED)

void ipsi_sa_change_init(struct ipsi_sa_change *change,
			 const struct xfrm_state *x);
bool ipsi_sa_can_clone(const struct xfrm_state *x);
struct xfrm_state *ipsi_sa_clone(struct xfrm_state *old,
				 const struct ipsi_sa_change *change,
				 struct netlink_ext_ack *extack);
int ipsi_sa_replace(struct xfrm_state *old, struct xfrm_state *new);
void ipsi_sa_unset_type_offload(struct xfrm_state *x);
void ipsi_sa_discard(struct xfrm_state *x);
void ipsi_sa_wipe(struct xfrm_state *x);
void ipsi_sad_end(struct xfrm_state *x);

#endif /* _IPSI_SA_CLONE_H */
