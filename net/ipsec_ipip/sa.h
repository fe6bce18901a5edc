/* SPDX-License-Identifier: GPL-2.0 */
/* The SAs of a device: which they are, and which outbound one is in use. */
#ifndef _IPSI_SA_H
#define _IPSI_SA_H

#include <linux/rhashtable-types.h>

#include "ipsi.h"

/**
 * struct ipsi_sa - an SA of a device
 * @list: entry in ipsi_sad.list, owned by that list
 * @by_state: entry in the table of SAs by their state
 * @idev: the device
 * @x: the state, the key there; one reference is owned by this entry
 * @policy: private policy that lets packets leave by it (bundle.c), or NULL;
 *   owned; written under ipsi_sad.lock
 * @joined: in jiffies, when it became the device's
 * @seq: its place in the list, where each has less than the one before it
 * @out: outbound; else inbound
 * @exhausted: it has no sequence number left, so it is as good as dead
 * @rcu: frees the entry when nobody can have found it by its state
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
 * struct ipsi_sa_id - what tells the SAs of one device apart
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
 * struct ipsi_sa_summary - the SAs of a device at a glance
 * @in: valid inbound SAs
 * @out: valid outbound SAs
 * @active_spi: SPI of the outbound SA in use, 0 for none
 * @active_proto: its protocol
 * @pinned: it was chosen by sa-activate
 */
struct ipsi_sa_summary {
	u32 in;
	u32 out;
	__be32 active_spi;
	u8 active_proto;
	bool pinned;
};

/**
 * struct ipsi_sa_ref - an SA out of the list of a device
 * @x: the state; the holder owns one reference
 * @seq: its place in that list
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
void ipsi_sad_purge(struct ipsi_dev *idev);
void ipsi_sad_close(struct ipsi_dev *idev);
void ipsi_sad_stop(struct ipsi_dev *idev);
void ipsi_sad_fini(struct ipsi_dev *idev);

void ipsi_sa_attach(struct ipsi_dev *idev, struct xfrm_state *x);
void ipsi_sa_detach(struct ipsi_dev *idev, struct xfrm_state *x);
bool ipsi_sa_is_any(const struct xfrm_state *x);
void ipsi_sa_detach_others(struct xfrm_state *x, const struct ipsi_dev *idev);
void ipsi_sa_swap(struct ipsi_dev *idev, struct xfrm_state *old,
		  struct xfrm_state *new);
void ipsi_sa_expired(struct ipsi_dev *idev, struct xfrm_state *x, bool hard);
void ipsi_sa_exhausted(struct ipsi_dev *idev, const struct xfrm_state *x);
void ipsi_sa_rx_confirm(struct ipsi_dev *idev, const struct xfrm_state *x);
void ipsi_sa_refresh(struct ipsi_dev *idev);

int ipsi_sa_activate(struct ipsi_dev *idev, const struct ipsi_sa_id *id);
struct ipsi_sa *ipsi_sa_tx_find(struct ipsi_dev *idev);
bool ipsi_sa_is_tx(struct ipsi_dev *idev, const struct xfrm_state *x);

struct xfrm_state *ipsi_sa_get(struct ipsi_dev *idev,
			       const struct ipsi_sa_id *id);
unsigned int ipsi_sa_get_batch(struct ipsi_dev *idev, u64 before,
			       struct ipsi_sa_ref *refs, unsigned int max,
			       u32 *generation);
struct xfrm_state *ipsi_sa_get_active(struct ipsi_dev *idev, bool *pinned);
void ipsi_sa_summarize(struct ipsi_dev *idev, struct ipsi_sa_summary *sum);

/**
 * ipsi_sad_full - has a device as many SAs as it may have?
 * @idev: the device
 *
 * Context: any.
 */
static inline bool ipsi_sad_full(const struct ipsi_dev *idev)
{
	return READ_ONCE(idev->sad.n) >= IPSI_SAD_MAX;
}

/**
 * ipsi_sad_has_proto - may a device have SAs of a protocol?
 * @idev: the device
 * @proto: IPPROTO_ESP or another, or 0 for any
 *
 * Context: any.
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
 * ipsi_sad_has_out - may a device have an outbound SA to send with?
 * @idev: the device
 *
 * Context: any.
 */
static inline bool ipsi_sad_has_out(const struct ipsi_dev *idev)
{
	return READ_ONCE(idev->sad.active) || READ_ONCE(idev->sad.n_pcpu);
}

static inline bool ipsi_sa_valid(const struct xfrm_state *x)
{
	return READ_ONCE(x->km.state) == XFRM_STATE_VALID;
}

/* Does x protect what it carries against change? What does not is never an
 * SA of a device, in either direction.
 */
static inline bool ipsi_sa_authenticates(const struct xfrm_state *x)
{
	return x->aead || (x->aalg && x->aalg->alg_trunc_len);
}

#endif /* _IPSI_SA_H */
