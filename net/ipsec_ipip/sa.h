/* SPDX-License-Identifier: GPL-2.0 */
/* The SAs of a device, and the outbound SA in use */
#ifndef _IPSI_SA_H
#define _IPSI_SA_H

#include <linux/rhashtable-types.h>

#include "ipsi.h"

struct ipsi_acq_key;

/**
 * struct ipsi_sa - an SA of a device
 * @list: entry in ipsi_sad.list, owned by that list
 * @by_state: entry in the table of SAs by their state
 * @idev: the device
 * @x: the state, the key of @by_state; one reference is owned
 * @policy: private policy of an outbound SA, or NULL; owned; written
 *   under ipsi_sad.lock
 * @joined: time at which the SA joined the device, in jiffies
 * @seq: position in the list, which is sorted by descending @seq
 * @out: outbound; else inbound
 * @exhausted: the SA has no sequence number left, or has expired, and is not used
 *   any more
 * @rcu: frees the entry when no look-up by its state can use it any more
 */
struct ipsi_sa {
	struct list_head list;
	struct rhash_head by_state;
	struct ipsi_dev *idev;
	struct xfrm_state *x;
	struct ipsi_policy *policy;
	unsigned long joined;
	u64 seq;
	bool out;
	bool exhausted;
	struct rcu_head rcu;
};

/**
 * struct ipsi_sa_id - identifies an SA of a device
 * @spi: SPI, network byte order
 * @proto: IPPROTO_ESP or IPPROTO_AH
 * @out: outbound; else inbound
 */
struct ipsi_sa_id {
	__be32 spi;
	u8 proto;
	bool out;
};

/**
 * struct ipsi_sa_summary - summary of the SAs of a device
 * @in: number of valid inbound SAs
 * @out: number of valid outbound SAs
 * @active_spi: SPI of the outbound SA in use, 0 for none
 * @active_proto: protocol of the SA in use
 * @pinned: the SA in use was chosen by sa-activate
 */
struct ipsi_sa_summary {
	u32 in;
	u32 out;
	__be32 active_spi;
	u8 active_proto;
	bool pinned;
};

/**
 * struct ipsi_sa_ref - a reference to an SA of a device
 * @x: the state; one reference is owned
 * @seq: ipsi_sa.seq
 * @out: outbound; else inbound
 */
struct ipsi_sa_ref {
	struct xfrm_state *x;
	u64 seq;
	bool out;
};

int ipsi_sa_init(void);
void ipsi_sa_exit(void);

void ipsi_sad_init(struct ipsi_sad *sad);
void ipsi_sad_load(struct ipsi_dev *idev);
void ipsi_sad_load_new(struct ipsi_dev *idev);
void ipsi_sa_note_unlisted(struct xfrm_state *x);
void ipsi_sad_close(struct ipsi_dev *idev);
void ipsi_sad_fini(struct ipsi_dev *idev);

void ipsi_sa_attach(struct ipsi_dev *idev, struct xfrm_state *x);
void ipsi_sa_detach(struct ipsi_dev *idev, struct xfrm_state *x);
int ipsi_sa_refusal(struct ipsi_dev *idev, const struct xfrm_state *x,
		    bool *listed);
bool ipsi_sa_is_any(const struct xfrm_state *x);
void ipsi_sa_detach_others(struct xfrm_state *x, const struct ipsi_dev *idev);
int ipsi_sa_swap(struct ipsi_dev *idev, struct xfrm_state *old,
		 struct xfrm_state *new);
void ipsi_sa_expired(struct ipsi_dev *idev, struct xfrm_state *x, bool hard);
void ipsi_sa_exhausted(struct ipsi_dev *idev, const struct xfrm_state *x);
void ipsi_sa_rx_confirm(struct ipsi_dev *idev, const struct xfrm_state *x);
void ipsi_sa_refresh(struct ipsi_dev *idev);
void ipsi_sad_net_flushed(const struct net *net, u8 proto);
void ipsi_sad_net_moved(const struct net *net, u16 family,
			const xfrm_address_t *a, const xfrm_address_t *b);

int ipsi_sa_activate(struct ipsi_dev *idev, const struct ipsi_sa_id *id);
bool ipsi_sa_is_tx(struct ipsi_dev *idev, const struct xfrm_state *x);
struct xfrm_policy *ipsi_sa_policy_get(struct ipsi_dev *idev,
				       const struct ipsi_conf *conf,
				       const struct ipsi_acq_key *key,
				       struct xfrm_state **x);

struct xfrm_state *ipsi_sa_get(struct ipsi_dev *idev,
			       const struct ipsi_sa_id *id);
unsigned int ipsi_sa_get_batch(struct ipsi_dev *idev, u64 before,
			       struct ipsi_sa_ref *refs, unsigned int max,
			       u32 *generation);
struct xfrm_state *ipsi_sa_get_active(struct ipsi_dev *idev, bool *pinned);
void ipsi_sa_summarize(struct ipsi_dev *idev, struct ipsi_sa_summary *sum);

/**
 * ipsi_sad_full - check the limit of SAs
 * @idev: the device
 *
 * Context: any.
 * Return: true if the device has reached the limit.
 */
static inline bool ipsi_sad_full(const struct ipsi_dev *idev)
{
	return READ_ONCE(idev->sad.n) >= IPSI_SAD_MAX;
}

bool ipsi_sad_has_room(struct ipsi_dev *idev);

/**
 * ipsi_sad_has_proto - check if a device has SAs of a protocol
 * @idev: the device
 * @proto: IPPROTO_ESP or another, or 0 for any
 *
 * Context: any.
 * Return: true if there is such an SA, valid or not.
 */
static inline bool ipsi_sad_has_proto(const struct ipsi_dev *idev, u8 proto)
{
	const struct ipsi_sad *sad = &idev->sad;

	return (xfrm_id_proto_match(IPPROTO_ESP, proto) &&
		READ_ONCE(sad->n_proto[0])) ||
	       (xfrm_id_proto_match(IPPROTO_AH, proto) &&
		READ_ONCE(sad->n_proto[1]));
}

/**
 * ipsi_sad_has_out - check if a device has an outbound SA to send with
 * @idev: the device
 *
 * Context: any.
 * Return: true if there is one, which may have died without a notification.
 */
static inline bool ipsi_sad_has_out(const struct ipsi_dev *idev)
{
	return READ_ONCE(idev->sad.active) || READ_ONCE(idev->sad.n_pcpu);
}

static inline bool ipsi_sa_valid(const struct xfrm_state *x)
{
	return READ_ONCE(x->km.state) == XFRM_STATE_VALID;
}

/* Does x provide integrity? Otherwise it is never an SA of a device, in either
 * direction.
 */
static inline bool ipsi_sa_authenticates(const struct xfrm_state *x)
{
	return x->aead || (x->aalg && x->aalg->alg_trunc_len);
}

#endif /* _IPSI_SA_H */
