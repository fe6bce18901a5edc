// SPDX-License-Identifier: GPL-2.0
/*
 * Bundles: what the core makes of a route and the SA to leave by, kept per CPU.
 * Which SA that is, sa.c says; the private policy of that SA (policy.c) is all
 * that the look-up gets to see.
 */
#include <linux/net.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/sock.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "bundle.h"
#include "encap.h"
#include "main.h"
#include "mtu.h"
#include "policy.h"
#include "route.h"
#include "sa.h"
#include "txq.h"

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
	struct ipsi_acq_key key;
	struct ipsi_policy **pol;
	struct ipsi_sa *sa;

	ipsi_acquire_fill(idev, conf, skb, &key);

	spin_lock(&idev->sad.lock);
	sa = ipsi_sa_tx_find(idev);
	*x = sa ? sa->x : NULL;
	pol = sa ? &sa->policy : &idev->sad.policy;
	if (*pol && !ipsi_policy_is_for(*pol, conf, *x, &key))
		ipsi_policy_kill(pol);
	if (!*pol)
		*pol = ipsi_policy_make(idev->net, conf, *x, &key);
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
static void ipsi_bundle_acquire(struct ipsi_dev *idev,
				const struct ipsi_conf *conf,
				struct sk_buff *skb, struct dst_entry *dst,
				struct flowi *fl, struct xfrm_policy *xp)
{
	bool sent;

	if (xp->xfrm_vec[0].mode == XFRM_MODE_TUNNEL) {
		if (ipsi_xfrm_decode_session(idev->net, skb, fl, xp->family))
			return;
		dst = skb_dst(skb);
	}

	ipsi_acquire_begin(idev, xp);
	dst = ipsi_bundle_lookup(idev, dst_clone(dst), fl, xp);
	if (!IS_ERR(dst))
		dst_release(dst);
	sent = ipsi_acquire_end(idev, conf, xp);

	ipsi_txq_acquire_sent(idev,
			      sent && conf->keying != IPSEC_IPIP_KEYING_MANUAL);
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
	if (!ipsi_sa_is_tx(idev, dst->xfrm)) {
		dst_release(dst);
		*reason = IPSI_TX_NO_SA;
		return NULL;
	}

	return dst;
}

/* While its lock is held, the SA cannot leave the SAD. The core would ask for it
 * then, by SPI, and the larval state with that SPI would keep a key manager from
 * adding the SA anew. The same holds for an SA that has not followed the peer
 * yet. Consumes the reference to the route @dst.
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
	if (x->km.state == XFRM_STATE_VALID &&
	    xfrm_addr_equal(&x->id.daddr, &conf->remote, conf->family)) {
		dst = ipsi_bundle_make(idev, conf, dst, fl, xp, reason);
	} else {
		dst_release(dst);
		dst = NULL;
		*reason = IPSI_TX_NO_SA;
	}
	spin_unlock(&x->lock);

	return dst;
}

/* May key managers be asked for an SA for a packet? Not without a route. */
static bool ipsi_bundle_may_acquire(struct ipsi_dev *idev,
				    const struct ipsi_conf *conf,
				    const struct sk_buff *skb,
				    enum ipsi_reason *reason)
{
	struct dst_entry *dst;
	struct flowi fl;

	*reason = IPSI_TX_NO_ROUTE;
	dst = ipsi_route_by_sa(idev, conf, NULL, &fl);
	if (IS_ERR(dst))
		return false;
	dst_release(dst);

	*reason = IPSI_TX_NO_SA;
	return ipsi_acquire_allow(idev, conf, skb);
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

	if (!ipsi_sad_has_out(idev) &&
	    !ipsi_bundle_may_acquire(idev, conf, skb, reason))
		return NULL;

	xp = ipsi_bundle_policy(idev, conf, skb, &x);
	if (!xp) {
		*reason = IPSI_TX_NO_SA;
		return NULL;
	}

	dst = ipsi_route_by_sa(idev, conf, x, &fl);
	if (IS_ERR(dst)) {
		dst = NULL;
		*reason = IPSI_TX_NO_ROUTE;
	} else if (!x) {
		ipsi_bundle_acquire(idev, conf, skb, dst, &fl, xp);
		dst_release(dst);
		dst = NULL;
		*reason = IPSI_TX_NO_SA;
	} else if (!ipsi_route_ends(idev, dst)) {
		dst_release(dst);
		dst = NULL;
		*reason = IPSI_TX_LOOP;
	} else {
		dst = ipsi_bundle_by_sa(idev, conf, dst, &fl, xp, x, reason);
	}
	if (x)
		xfrm_state_put(x);
	*again = READ_ONCE(xp->walk.dead);
	xfrm_pol_put(xp);

	return dst;
}

/* It changes whenever bundles that were made before must not be used any more. */
static unsigned int ipsi_bundle_generation(const struct ipsi_dev *idev)
{
	return (unsigned int)atomic_read(&idev->bundle_resets) +
	       (unsigned int)atomic_read(&ipsi_net(idev->net)->bundle_resets);
}

static void ipsi_bundle_drop(struct ipsi_bundle *bundle)
{
	/* Another CPU may be just as quick: one of them gets the reference. */
	dst_release(unrcu_pointer(xchg(&bundle->dst, NULL)));
}

/* The bundle of this CPU, with a reference for the caller, or NULL. */
static struct dst_entry *ipsi_bundle_cached(struct ipsi_dev *idev,
					    const struct ipsi_conf *conf)
{
	struct ipsi_bundle *bundle = this_cpu_ptr(idev->bundles);
	struct dst_entry *dst = rcu_dereference(bundle->dst);

	if (unlikely(!dst))
		return NULL;

	/* The core checks the state, the policy's genid and the route. The
	 * endpoint may just have been changed, before the bundles are reset.
	 */
	if (likely(bundle->generation == ipsi_bundle_generation(idev) &&
		   dst->ops->check(dst, 0) &&
		   xfrm_addr_equal(&dst->xfrm->id.daddr, &conf->remote,
				   conf->family) &&
		   dst_hold_safe(dst)))
		return dst;

	ipsi_bundle_drop(bundle);
	return NULL;
}

/* Keep a bundle for this CPU. @generation is from before it was made: it either
 * shows a reset that has not seen the bundle here, or that reset takes it away.
 */
static void ipsi_bundle_cache(struct ipsi_dev *idev, struct dst_entry *dst,
			      unsigned int generation)
{
	struct ipsi_bundle *bundle = this_cpu_ptr(idev->bundles);
	struct dst_entry *old;

	dst_hold(dst);
	/* A full barrier, which pairs with the one in ipsi_bundle_reset(). */
	old = unrcu_pointer(xchg(&bundle->dst, RCU_INITIALIZER(dst)));
	bundle->generation = generation;
	dst_release(old);

	if (unlikely(generation != ipsi_bundle_generation(idev)))
		ipsi_bundle_drop(bundle);
}

/* Room for what the bundle adds, for those who make the inner packets. */
static void ipsi_bundle_headroom(struct net_device *dev,
				 const struct ipsi_conf *conf,
				 const struct dst_entry *dst)
{
	unsigned int headroom = ipsi_encap_headroom(conf, dst);

	headroom = max_t(unsigned int, headroom, IPSI_HEADROOM_MIN);
	if (headroom != READ_ONCE(dev->needed_headroom))
		WRITE_ONCE(dev->needed_headroom, headroom);
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
	unsigned int generation;
	struct dst_entry *dst;
	bool again;

	dst = ipsi_bundle_cached(idev, conf);
	if (likely(dst))
		return dst;

	generation = ipsi_bundle_generation(idev);
	/* Pairs with the barrier in ipsi_bundle_reset(): what was changed
	 * before that is seen.
	 */
	smp_rmb();
	dst = ipsi_bundle_resolve(idev, conf, skb, reason, &again);
	/* No packet is lost for that. */
	if (!dst && again)
		dst = ipsi_bundle_resolve(idev, conf, skb, reason, &again);
	if (dst) {
		ipsi_bundle_cache(idev, dst, generation);
		ipsi_bundle_headroom(idev->dev, conf, dst);
		ipsi_mtu_follow(idev, conf, dst);
	}

	return dst;
}

/**
 * ipsi_bundle_reset - let go of the bundles of all CPUs
 * @idev: the device, whose configuration or SAs have changed
 *
 * A CPU that sends nothing more would else keep an SA that is dead, and its keys.
 *
 * Context: any but hard interrupts.
 */
void ipsi_bundle_reset(struct ipsi_dev *idev)
{
	int cpu;

	/* Pairs with ipsi_bundle_get(). */
	smp_mb__before_atomic();
	atomic_inc(&idev->bundle_resets);
	/* Pairs with ipsi_bundle_cache(). */
	smp_mb__after_atomic();

	for_each_possible_cpu(cpu) {
		struct ipsi_bundle *bundle = per_cpu_ptr(idev->bundles, cpu);

		if (rcu_access_pointer(bundle->dst))
			ipsi_bundle_drop(bundle);
	}
}

/**
 * ipsi_bundle_net_reset - let no device of a namespace use the bundles it has
 * @net: the underlay's namespace, in which something has changed that the core
 *   does not check
 *
 * Each device notices with the next packet.
 *
 * Context: any.
 */
void ipsi_bundle_net_reset(const struct net *net)
{
	/* What has changed is seen by all that see this. */
	smp_mb__before_atomic();
	atomic_inc(&ipsi_net(net)->bundle_resets);
}

/**
 * ipsi_bundle_alloc - start without bundles
 * @idev: a device that is being made
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int ipsi_bundle_alloc(struct ipsi_dev *idev)
{
	idev->bundles = alloc_percpu(struct ipsi_bundle);
	return idev->bundles ? 0 : -ENOMEM;
}

/**
 * ipsi_bundle_free - undo ipsi_bundle_alloc()
 * @idev: the device, which nobody can see any more
 *
 * Context: process.
 */
void ipsi_bundle_free(struct ipsi_dev *idev)
{
	ipsi_bundle_reset(idev);
	free_percpu(idev->bundles);
	idev->bundles = NULL;
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
