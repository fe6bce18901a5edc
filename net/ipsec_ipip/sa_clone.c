// SPDX-License-Identifier: GPL-2.0
/*
 * Clones a state with some changes, and replaces the original by the clone. So
 * properties change that are fixed while a state is in the SAD, such as mode
 * and addresses. The key manager finds the clone by the same SPI and address,
 * with its counters.
 *
 * Two states with the same key that count packets independently would use a
 * nonce twice, which breaks a counter-mode cipher (RFC 4106 section 2). So the
 * original is dead before the clone becomes valid; packets in between find no
 * SA and are dropped.
 *
 * Also wipes and deletes single states.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <net/xfrm.h>

#include "sa_clone.h"

/* Attempts to delete a larval state in the clone's place, before the clone is
 * inserted beside it
 */
#define IPSI_CLONE_TRIES	8

/**
 * ipsi_sa_change_init - start without changes
 * @change: filled in
 * @x: the original
 */
void ipsi_sa_change_init(struct ipsi_sa_change *change,
			 const struct xfrm_state *x)
{
	memset(change, 0, sizeof(*change));
	change->sel = x->sel;
	change->daddr = x->id.daddr;
	change->saddr = x->props.saddr;
	change->reqid = x->props.reqid;
	change->if_id = x->if_id;
	change->xflags = x->xflags & IPSI_XFLAGS & ~IPSI_XFLAG_REFUSED;
	change->mode = x->props.mode;
	if (x->encap) {
		change->encap_sport = x->encap->encap_sport;
		change->encap_dport = x->encap->encap_dport;
	}
}

/**
 * ipsi_sa_can_clone - check if a state can be cloned
 * @x: the state
 *
 * An offload (xso) is bound to its state and cannot be cloned.
 *
 * Context: any.
 * Return: true if ipsi_sa_clone() does not refuse the state.
 */
bool ipsi_sa_can_clone(const struct xfrm_state *x)
{
	return !x->coaddr && !x->security && !x->calg && !x->xso.dev &&
	       (x->id.proto == IPPROTO_ESP || x->id.proto == IPPROTO_AH);
}

static int ipsi_clone_algs(struct xfrm_state *x, const struct xfrm_state *old)
{
	if (old->aead) {
		x->aead = xfrm_algo_aead_clone(old->aead);
		if (!x->aead)
			return -ENOMEM;
	}
	if (old->aalg) {
		x->aalg = xfrm_algo_auth_clone(old->aalg);
		if (!x->aalg)
			return -ENOMEM;
	}
	if (old->ealg) {
		x->ealg = xfrm_algo_clone(old->ealg);
		if (!x->ealg)
			return -ENOMEM;
	}
	x->geniv = old->geniv;
	x->props.aalgo = old->props.aalgo;
	x->props.ealgo = old->props.ealgo;
	x->props.calgo = old->props.calgo;

	return 0;
}

static int ipsi_clone_encap(struct xfrm_state *x, const struct xfrm_state *old,
			    const struct ipsi_sa_change *change)
{
	if (!old->encap)
		return 0;

	x->encap = kmemdup(old->encap, sizeof(*x->encap), GFP_KERNEL);
	if (!x->encap)
		return -ENOMEM;
	x->encap->encap_sport = change->encap_sport;
	x->encap->encap_dport = change->encap_dport;
	x->mapping_maxage = old->mapping_maxage;

	return 0;
}

static void ipsi_clone_props(struct xfrm_state *x, const struct xfrm_state *old,
			     const struct ipsi_sa_change *change)
{
	x->id = old->id;
	x->id.daddr = change->daddr;
	x->sel = change->sel;
	x->mark = old->mark;
	x->if_id = change->if_id;
	x->tfcpad = old->tfcpad;
	x->km.seq = old->km.seq;
	x->props.reqid = change->reqid;
	x->props.mode = change->mode;
	x->props.replay_window = old->props.replay_window;
	x->props.flags = old->props.flags;
	x->props.family = old->props.family;
	x->props.saddr = change->saddr;
	x->props.extra_flags = old->props.extra_flags;
	x->props.smark = old->props.smark;
	x->replay_maxage = old->replay_maxage;
	x->replay_maxdiff = old->replay_maxdiff;
	ipsi_xfrm_copy_dir(x, old);
	ipsi_xfrm_copy_pcpu(x, old);
	ipsi_xfrm_copy_nat_keepalive(x, old);
}

/* Copy the fields that change during use. The lock of @old is held. */
static void ipsi_clone_progress(struct xfrm_state *x,
				const struct xfrm_state *old, u32 xflags)
{
	size_t len;

	x->lft = old->lft;
	x->curlft = old->curlft;
	x->lastused = old->lastused;
	x->stats = old->stats;
	x->km.dying = old->km.dying;
	x->saved_tmo = old->saved_tmo;
	x->xflags = (old->xflags & ~IPSI_XFLAGS) | xflags;

	x->replay = old->replay;
	x->preplay = old->preplay;
	if (!old->replay_esn)
		return;
	/* The clone was allocated with the same size, which never changes. */
	len = xfrm_replay_state_esn_len(old->replay_esn);
	memcpy(x->replay_esn, old->replay_esn, len);
	memcpy(x->preplay_esn, old->preplay_esn, len);
}

/**
 * ipsi_sa_unset_type_offload - let an outbound SA be encrypted by ESP itself
 * @x: the state, which is not in the SAD yet
 *
 * While esp4_offload is loaded, the core prepares each packet for an offload
 * even if the SA has no device for that, and it cannot segment IP-in-IP that
 * late. Without a type_offload the device passes super-packets on.
 *
 * Context: process.
 */
void ipsi_sa_unset_type_offload(struct xfrm_state *x)
{
	if (!x->type_offload || x->xso.dev)
		return;

	module_put(x->type_offload->owner);
	x->type_offload = NULL;
}

static int ipsi_clone_into(struct xfrm_state *x, struct xfrm_state *old,
			   const struct ipsi_sa_change *change,
			   struct netlink_ext_ack *extack)
{
	int err;

	ipsi_clone_props(x, old, change);

	err = ipsi_clone_algs(x, old);
	if (err)
		return err;
	err = ipsi_clone_encap(x, old, change);
	if (err)
		return err;
	if (old->replay_esn && xfrm_replay_clone(x, old))
		return -ENOMEM;

	spin_lock_bh(&old->lock);
	ipsi_clone_progress(x, old, change->xflags);
	spin_unlock_bh(&old->lock);

	err = ipsi_xfrm_init_state(x, false, extack);
	if (!old->type_offload)
		ipsi_sa_unset_type_offload(x);
	return err ?: xfrm_init_replay(x, extack);
}

/**
 * ipsi_sa_wipe - wipe the keys of a state
 * @x: the state. Either it was never in the SAD, or it is dead and
 *   xfrm_cfg_mutex is held, so that nothing copies its keys; see wipe.c.
 *
 * The core frees keys without wiping them. Ciphers wipe their own copies.
 *
 * Context: any.
 */
void ipsi_sa_wipe(struct xfrm_state *x)
{
	if (x->aead)
		memzero_explicit(x->aead->alg_key,
				 DIV_ROUND_UP(x->aead->alg_key_len, 8));
	if (x->aalg)
		memzero_explicit(x->aalg->alg_key,
				 DIV_ROUND_UP(x->aalg->alg_key_len, 8));
	if (x->ealg)
		memzero_explicit(x->ealg->alg_key,
				 DIV_ROUND_UP(x->ealg->alg_key_len, 8));
}

/**
 * ipsi_sa_discard - free a state that is not in the SAD
 * @x: the state; the caller's reference is consumed
 *
 * Context: any.
 */
void ipsi_sa_discard(struct xfrm_state *x)
{
	x->km.state = XFRM_STATE_DEAD;
	ipsi_sa_wipe(x);
	xfrm_state_put(x);
}

/**
 * ipsi_sa_clone - clone a state
 * @old: the original; not necessarily of a device
 * @change: properties of the clone
 * @extack: gets the message of the core if it refuses the clone; may be NULL
 *
 * Context: process, the namespace's xfrm_cfg_mutex held.
 * Return: a state that is not in the SAD, for ipsi_sa_replace(), with one
 *   reference for the caller. Or an ERR_PTR(): -EOPNOTSUPP if the state cannot
 *   be cloned.
 */
struct xfrm_state *ipsi_sa_clone(struct xfrm_state *old,
				 const struct ipsi_sa_change *change,
				 struct netlink_ext_ack *extack)
{
	struct net *net = xs_net(old);
	struct xfrm_state *x;
	int err;

	lockdep_assert_held(&net->xfrm.xfrm_cfg_mutex);

	if (!ipsi_sa_can_clone(old)) {
		NL_SET_ERR_MSG(extack,
			       "SA: expected neither offload, security context nor care-of address");
		return ERR_PTR(-EOPNOTSUPP);
	}

	x = xfrm_state_alloc(net);
	if (!x)
		return ERR_PTR(-ENOMEM);

	err = ipsi_clone_into(x, old, change, extack);
	if (err) {
		ipsi_sa_discard(x);
		return ERR_PTR(err);
	}

	return x;
}

/* Close the replay window of the dead original. Packets that are being
 * decrypted are checked against it once more before they are accepted. The
 * clone does not know them, so it would accept their replays too.
 */
static void ipsi_clone_close_window(struct xfrm_state *x)
{
	struct xfrm_replay_state_esn *esn = x->replay_esn;

	x->replay.seq = U32_MAX;
	x->replay.bitmap = U32_MAX;
	if (!esn)
		return;

	esn->seq = U32_MAX;
	esn->seq_hi = U32_MAX;
	memset(esn->bmp, 0xff, esn->bmp_len * sizeof(esn->bmp[0]));
}

/* Delete a larval state in the clone's place, which a packet without an SA has
 * created through a policy that names the SPI. Return the XFRM_STATE_* of the
 * state that was there.
 */
static u8 ipsi_clone_clear_larval(struct xfrm_state *new)
{
	struct xfrm_state *x;
	u8 state;

	x = xfrm_state_lookup(xs_net(new), new->mark.v & new->mark.m,
			      &new->id.daddr, new->id.spi, new->id.proto,
			      new->props.family);
	if (!x)
		return XFRM_STATE_VOID;

	state = x->km.state;
	if (state == XFRM_STATE_ACQ)
		xfrm_state_delete(x);
	xfrm_state_put(x);

	return state;
}

/* Add the clone to the SAD. While xfrm_cfg_mutex is held, only packets create
 * states, and these are larval. Packets can create them faster than they are
 * deleted, so insert the clone beside one in the end: the core finds the last
 * inserted state.
 */
static int ipsi_clone_add(struct xfrm_state *new)
{
	int tries = IPSI_CLONE_TRIES;
	u8 other;
	int err;

	do {
		err = xfrm_state_add(new);
		if (err != -EEXIST)
			return err;
		other = ipsi_clone_clear_larval(new);
	} while (other != XFRM_STATE_VALID && --tries);

	if (other == XFRM_STATE_ACQ) {
		xfrm_state_insert(new);
		err = 0;
	}

	return err;
}

static int ipsi_clone_insert(struct xfrm_state *new)
{
	int err;

	new->km.state = XFRM_STATE_VALID;
	/* The SAD gets its own reference. */
	xfrm_state_hold(new);
	err = ipsi_clone_add(new);
	xfrm_audit_state_add(new, err ? 0 : 1, false);
	if (!err)
		return 0;

	new->km.state = XFRM_STATE_DEAD;
	xfrm_state_put(new);

	return err;
}

/**
 * ipsi_sa_replace - replace a state by its clone
 * @old: the original; the caller has a reference
 * @new: the clone; the caller keeps its reference on success, else @new is
 *   discarded
 *
 * Key managers are not notified, since it is the same SA for them. They get a
 * hard expiry only if the original is deleted and the clone cannot be inserted.
 *
 * Context: process, the namespace's xfrm_cfg_mutex held, so that only timers
 *   and packets change either state.
 * Return: 0 if @new is in the SAD instead of @old; -ESRCH if @old was not valid
 *   any more, and is unchanged; another errno if @old is deleted without a
 *   successor.
 */
int ipsi_sa_replace(struct xfrm_state *old, struct xfrm_state *new)
{
	int err = -ESRCH;

	lockdep_assert_held(&xs_net(old)->xfrm.xfrm_cfg_mutex);

	spin_lock_bh(&old->lock);
	if (old->km.state == XFRM_STATE_VALID)
		err = __xfrm_state_delete(old);
	if (!err) {
		/* Only valid states assign sequence numbers, under the lock, so
		 * these are final.
		 */
		ipsi_clone_progress(new, old, new->xflags & IPSI_XFLAGS);
		ipsi_clone_close_window(old);
	}
	spin_unlock_bh(&old->lock);
	if (err)
		goto err_new;

	xfrm_audit_state_delete(old, 1, false);
	ipsi_sa_wipe(old);

	err = ipsi_clone_insert(new);
	if (!err)
		return 0;

	km_state_expired(old, 1, 0);
err_new:
	ipsi_sa_discard(new);
	return err;
}

/**
 * ipsi_sad_end - delete a state of a device that goes, and notify its owner
 * @x: the state
 *
 * The key manager of the state gets a hard expiry, so that it negotiates a new
 * SA. A state of sa-add is reported as deleted.
 *
 * Context: any; @x's lock is not held.
 */
void ipsi_sad_end(struct xfrm_state *x)
{
	const struct km_event c = { .event = XFRM_MSG_DELSA };

	if (xfrm_state_delete(x))
		return;

	xfrm_audit_state_delete(x, 1, true);
	/* No key manager is left in a namespace that is going. */
	if (!check_net(xs_net(x)))
		return;

	if (x->xflags & IPSI_XFLAG_OWN)
		km_state_notify(x, &c);
	else
		km_state_expired(x, 1, 0);
}
