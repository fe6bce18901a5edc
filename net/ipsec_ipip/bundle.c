// SPDX-License-Identifier: GPL-2.0
/*
 * Bundles: what the core makes of a route and the SA to leave by, kept per CPU.
 * Which SA that is, sa.c says; the private policy of that SA (policy.c) is all
 * that the look-up gets to see.
 */
#include <linux/net.h>
#include <linux/skbuff.h>
#include <net/dst_cache.h>
#include <net/sock.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "bundle.h"
#include "hold.h"
#include "mtu.h"
#include "policy.h"
#include "route.h"
#include "sa.h"

/* Is this a bundle that encrypts once, with an SA of the device, and leaves
 * elsewhere than here? A look-up may also come back with no transform at all,
 * or with one that somebody else's policy asked for.
 */
static bool ipsi_bundle_ok(const struct ipsi_dev *idev,
			   const struct ipsi_conf *conf, struct dst_entry *dst,
			   enum ipsi_reason *reason)
{
	const struct xfrm_state *x = dst->xfrm;
	struct dst_entry *child;

	*reason = IPSI_TX_NO_SA;
	if (!x || x->if_id != conf->if_id ||
	    x->props.family != conf->family ||
	    x->props.mode != XFRM_MODE_TRANSPORT ||
	    !ipsi_sa_authenticates(x))
		return false;

	child = xfrm_dst_child(dst);
	if (!child || child->xfrm)
		return false;

	*reason = IPSI_TX_LOOP;
	return dst->dev != idev->dev && child->dev != idev->dev;
}

/* The policy of the SA to leave by from this CPU; of none, one that asks for an
 * SA for the inner packet @skb, and NULL in @x. Return a reference for the
 * caller, as is the one to the SA in @x, or NULL without memory: then there is no
 * packet either.
 */
static struct xfrm_policy *ipsi_bundle_policy(struct ipsi_dev *idev,
					      const struct ipsi_conf *conf,
					      const struct sk_buff *skb,
					      struct xfrm_state **x)
{
	struct xfrm_policy *xp = NULL;
	struct ipsi_policy_ask ask;
	struct ipsi_policy **pol;
	struct ipsi_sa *sa;

	ipsi_acquire_what(idev, conf, skb, &ask);

	spin_lock(&idev->sad.lock);
	sa = ipsi_sa_here(idev);
	*x = sa ? sa->x : NULL;
	pol = sa ? &sa->policy : &idev->sad.policy;
	if (*pol && !ipsi_policy_is_for(*pol, conf, *x, &ask))
		ipsi_policy_kill(pol);
	if (!*pol)
		*pol = ipsi_policy_make(idev->net, conf, *x, &ask);
	if (*pol) {
		xp = ipsi_policy_get(*pol);
		if (*x)
			xfrm_state_hold(*x);
	}
	spin_unlock(&idev->sad.lock);

	return xp;
}

/* The core takes a policy that is not in the SPD from a socket only. Consumes the
 * reference to the route @dst, which is of the policy's family, as is @fl.
 */
static struct dst_entry *ipsi_bundle_lookup(struct ipsi_dev *idev,
					    struct dst_entry *dst,
					    const struct flowi *fl,
					    struct xfrm_policy *xp)
{
	struct sock *sk = idev->sock->sk;

	spin_lock(&idev->sock_lock);
	/* It is found only if the socket's mark fits its own. */
	WRITE_ONCE(sk->sk_mark, xp->mark.v);
	rcu_assign_pointer(sk->sk_policy[XFRM_POLICY_OUT], xp);
	dst = xfrm_lookup_with_ifid(idev->net, dst, fl, sk, 0, xp->if_id);
	RCU_INIT_POINTER(sk->sk_policy[XFRM_POLICY_OUT], NULL);
	spin_unlock(&idev->sock_lock);

	return dst;
}

/* Ask for an SA for a packet, if a key manager listens: the policy names none, so
 * what it may find is not to be sent by. @dst and @fl are the outer packet's.
 */
static void ipsi_bundle_ask(struct ipsi_dev *idev, const struct ipsi_conf *conf,
			    struct sk_buff *skb, struct dst_entry *dst,
			    struct flowi *fl, struct xfrm_policy *xp)
{
	const struct xfrm_tmpl *tmpl = &xp->xfrm_vec[0];
	bool asked;

	if (tmpl->mode == XFRM_MODE_TUNNEL) {
		if (ipsi_xfrm_decode_session(idev->net, skb, fl, xp->family))
			return;
		dst = skb_dst(skb);
	}

	dst = ipsi_bundle_lookup(idev, dst_clone(dst), fl, xp);
	if (!IS_ERR(dst))
		dst_release(dst);

	asked = conf->keying != IPSEC_IPIP_KEYING_MANUAL &&
		ipsi_acquire_waits(idev->net, conf, tmpl);
	ipsi_hold_asked(idev, asked);
}

/* Make a bundle of the route @dst, whose reference is consumed. */
static struct dst_entry *ipsi_bundle_make(struct ipsi_dev *idev,
					  const struct ipsi_conf *conf,
					  struct dst_entry *dst,
					  const struct flowi *fl,
					  struct xfrm_policy *xp,
					  enum ipsi_reason *reason)
{
	dst = ipsi_bundle_lookup(idev, dst, fl, xp);
	if (IS_ERR(dst)) {
		*reason = IPSI_TX_NO_SA;
		return NULL;
	}
	if (!ipsi_bundle_ok(idev, conf, dst, reason)) {
		dst_release(dst);
		return NULL;
	}
	/* An SA whose policy was killed before the bundle was made is not to be
	 * used, though the bundle looks fresh.
	 */
	if (!ipsi_sa_is_here(idev, dst->xfrm)) {
		dst_release(dst);
		*reason = IPSI_TX_NO_SA;
		return NULL;
	}

	return dst;
}

/* While its lock is held, the SA cannot leave the SAD. The core would ask for it
 * then, by SPI, and the larval state with that SPI would keep a key manager from
 * adding the SA anew. Consumes the reference to the route @dst.
 */
static struct dst_entry *ipsi_bundle_by_sa(struct ipsi_dev *idev,
					   const struct ipsi_conf *conf,
					   struct dst_entry *dst,
					   const struct flowi *fl,
					   struct xfrm_policy *xp,
					   struct xfrm_state *x,
					   enum ipsi_reason *reason)
{
	spin_lock(&x->lock);
	if (x->km.state == XFRM_STATE_VALID) {
		dst = ipsi_bundle_make(idev, conf, dst, fl, xp, reason);
	} else {
		dst_release(dst);
		dst = NULL;
		*reason = IPSI_TX_NO_SA;
	}
	spin_unlock(&x->lock);

	return dst;
}

/* Set @again if the SA was replaced in between. */
static struct dst_entry *ipsi_bundle_resolve(struct ipsi_dev *idev,
					     const struct ipsi_conf *conf,
					     struct sk_buff *skb,
					     enum ipsi_reason *reason,
					     bool *again)
{
	struct xfrm_policy *xp;
	struct xfrm_state *x;
	struct dst_entry *dst;
	struct flowi fl;

	*again = false;

	dst = ipsi_route(idev, conf, &fl);
	if (IS_ERR(dst)) {
		*reason = IPSI_TX_NO_ROUTE;
		return NULL;
	}
	if (dst->dev == idev->dev) {
		dst_release(dst);
		*reason = IPSI_TX_LOOP;
		return NULL;
	}

	xp = ipsi_bundle_policy(idev, conf, skb, &x);
	if (!xp) {
		dst_release(dst);
		*reason = IPSI_TX_NO_SA;
		return NULL;
	}

	if (x) {
		dst = ipsi_bundle_by_sa(idev, conf, dst, &fl, xp, x, reason);
		xfrm_state_put(x);
	} else {
		ipsi_bundle_ask(idev, conf, skb, dst, &fl, xp);
		dst_release(dst);
		dst = NULL;
		*reason = IPSI_TX_NO_SA;
	}
	*again = READ_ONCE(xp->walk.dead);
	xfrm_pol_put(xp);

	return dst;
}

static void ipsi_bundle_cache(struct ipsi_dev *idev,
			      const struct ipsi_conf *conf,
			      struct dst_entry *dst)
{
	if (conf->family == AF_INET)
		dst_cache_set_ip4(&idev->dst_cache, dst, conf->local.a4);
	else
		dst_cache_set_ip6(&idev->dst_cache, dst, &conf->local.in6);
}

/**
 * ipsi_bundle_get - the XFRM bundle that outer packets take
 * @idev: the device
 * @conf: its configuration
 * @skb: the inner packet, for which an SA is asked for if there is none
 * @reason: why there is none, when there is none
 *
 * Context: BH off, RCU read side.
 * Return: the bundle with a reference for the caller: exactly one transform,
 *   that of the SA to leave by from this CPU. NULL when the packet must not
 *   leave.
 */
struct dst_entry *ipsi_bundle_get(struct ipsi_dev *idev,
				  const struct ipsi_conf *conf,
				  struct sk_buff *skb,
				  enum ipsi_reason *reason)
{
	struct dst_entry *dst;
	bool again;

	/* Checks the state, the policy's genid and the route each time. The
	 * endpoint may just have been changed, before the cache was reset.
	 */
	dst = dst_cache_get(&idev->dst_cache);
	if (likely(dst)) {
		if (likely(xfrm_addr_equal(&dst->xfrm->id.daddr, &conf->remote,
					   conf->family)))
			return dst;
		dst_release(dst);
	}

	dst = ipsi_bundle_resolve(idev, conf, skb, reason, &again);
	/* No packet is lost for that. */
	if (!dst && again)
		dst = ipsi_bundle_resolve(idev, conf, skb, reason, &again);
	if (dst) {
		ipsi_bundle_cache(idev, conf, dst);
		ipsi_mtu_follow(idev, conf, dst);
	}

	return dst;
}

/**
 * ipsi_bundle_init - make the socket that look-ups go by
 * @idev: a device that is being made
 *
 * The socket is neither bound nor connected, so it receives nothing.
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_bundle_init(struct ipsi_dev *idev)
{
	spin_lock_init(&idev->sock_lock);
	return sock_create_kern(idev->net, AF_INET, SOCK_DGRAM, IPPROTO_UDP,
				&idev->sock);
}

/**
 * ipsi_bundle_fini - undo ipsi_bundle_init()
 * @idev: a device on which no transmission is under way
 *
 * Context: process.
 */
void ipsi_bundle_fini(struct ipsi_dev *idev)
{
	sock_release(idev->sock);
	idev->sock = NULL;
}
