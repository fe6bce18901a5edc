// SPDX-License-Identifier: GPL-2.0
/*
 * Bundles: the core builds them from a route and the outbound SA; each CPU
 * caches one. sa.c selects the SA, and its private policy (policy.c) is the
 * only policy that the look-up sees.
 */
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/sock.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "bundle.h"
#include "cache.h"
#include "mtu.h"
#include "net.h"
#include "outer.h"
#include "route.h"
#include "sa.h"
#include "txq.h"

/* Check that a bundle encrypts exactly once, with an SA of the device, and
 * leaves by another device. A look-up may also return a bundle without a
 * transform, or with one that another policy requires.
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

/* Look up a bundle by the policy @xp. The socket carries it there: the core
 * takes a policy that is not in the SPD only from a socket. Consumes the
 * reference to the route @dst; @dst and @fl are of the policy's family.
 */
static struct dst_entry *ipsi_bundle_lookup(struct ipsi_dev *idev,
					    struct dst_entry *dst,
					    const struct flowi *fl,
					    struct xfrm_policy *xp)
{
	struct sock *sk = idev->sock->sk;

	/* An acquire may be sent by the device, if a tap gets a copy. */
	if (READ_ONCE(idev->sock_owner) == current) {
		dst_release(dst);
		return ERR_PTR(-ELOOP);
	}

	spin_lock(&idev->sock_lock);
	WRITE_ONCE(idev->sock_owner, current);
	/* The core skips a policy whose mark does not match the socket's. */
	WRITE_ONCE(sk->sk_mark, xp->mark.v);
	rcu_assign_pointer(sk->sk_policy[XFRM_POLICY_OUT], xp);
	dst = xfrm_lookup_with_ifid(idev->net, dst, fl, sk, 0, xp->if_id);
	RCU_INIT_POINTER(sk->sk_policy[XFRM_POLICY_OUT], NULL);
	WRITE_ONCE(idev->sock_owner, NULL);
	spin_unlock(&idev->sock_lock);

	return dst;
}

/* Send an acquire for a packet. The policy @xp names no SA, so a bundle that
 * the look-up may return is not used. @dst and @fl are those of the outer
 * packet.
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
	/* If the policy was killed before the look-up, the bundle is of a stale
	 * SA, although it passes the check of the core.
	 */
	if (!ipsi_sa_is_tx(idev, dst->xfrm)) {
		dst_release(dst);
		*reason = IPSI_TX_NO_SA;
		return NULL;
	}

	return dst;
}

/* Build a bundle with the SA @x, whose lock keeps it in the SAD meanwhile. If
 * it left, the core would send an acquire with its SPI, and the larval state
 * would keep a key manager from adding the SA again. An SA that has not
 * followed the peer yet is not used for the same reason. Consumes the reference
 * to the route @dst.
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

/* May an acquire for the SA @key be sent for a packet? Not without a route to
 * the peer.
 */
static bool ipsi_bundle_may_acquire(struct ipsi_dev *idev,
				    const struct ipsi_conf *conf,
				    const struct sk_buff *skb,
				    struct ipsi_acq_key *key,
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
	return ipsi_acquire_allow(idev, conf, skb, key);
}

/* Set @again if the SA was replaced during the look-up. */
static struct dst_entry *ipsi_bundle_resolve(struct ipsi_dev *idev,
					     const struct ipsi_conf *conf,
					     struct sk_buff *skb,
					     enum ipsi_reason *reason,
					     bool *again)
{
	struct xfrm_policy *xp = NULL;
	struct xfrm_state *x = NULL;
	struct ipsi_acq_key key;
	struct dst_entry *dst;
	struct flowi fl;

	*again = false;
	*reason = IPSI_TX_NO_SA;

	if (ipsi_sad_has_out(idev))
		xp = ipsi_sa_policy_get(idev, conf, NULL, &x);
	/* There may be SAs for other CPUs only. */
	if (!x && ipsi_bundle_may_acquire(idev, conf, skb, &key, reason))
		xp = ipsi_sa_policy_get(idev, conf, &key, &x);
	if (!xp)
		return NULL;

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

/* Get the valid bundle of this CPU with a reference for the caller, or NULL. */
static struct dst_entry *ipsi_bundle_cached(struct ipsi_dev *idev,
					    const struct ipsi_conf *conf)
{
	struct ipsi_bundle *bundle = this_cpu_ptr(idev->bundles);
	struct dst_entry *dst = rcu_dereference(bundle->dst);

	if (unlikely(!dst))
		return NULL;

	/* ->check() covers the state, the policy's genid and the route. The
	 * endpoint changes shortly before the bundles are reset.
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

/* Cache a bundle for this CPU. @generation was read before the look-up, so it
 * reveals a reset that has missed the bundle; any later reset drops it.
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

/* Announce the room that the bundle needs to the senders of inner packets. More
 * would make the core copy forwarded packets to get it, and allocate twice the
 * memory for others.
 */
static void ipsi_bundle_headroom(struct net_device *dev,
				 const struct ipsi_conf *conf,
				 const struct dst_entry *dst)
{
	unsigned int headroom = ipsi_outer_headroom(conf, dst);

	if (headroom != READ_ONCE(dev->needed_headroom))
		WRITE_ONCE(dev->needed_headroom, headroom);
}

/**
 * ipsi_bundle_get - get the XFRM bundle for outer packets
 * @idev: the device
 * @conf: its configuration
 * @skb: the inner packet; it triggers an acquire if there is no SA
 * @reason: set if NULL is returned
 *
 * Context: BH off, RCU read side.
 * Return: the bundle with a reference for the caller; its only transform is the
 *   SA used on this CPU. NULL if the packet must not be sent.
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
	/* Pairs with the barrier in ipsi_bundle_reset(): the look-up sees the
	 * change that caused the reset.
	 */
	smp_rmb();
	dst = ipsi_bundle_resolve(idev, conf, skb, reason, &again);
	/* The SA was replaced: try once more rather than lose the packet. */
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
 * ipsi_bundle_init - create the socket that carries the policies of look-ups
 * @idev: a device that is being created
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
 * @idev: a device without transmissions in progress
 *
 * Context: process.
 */
void ipsi_bundle_fini(struct ipsi_dev *idev)
{
	sock_release(idev->sock);
	idev->sock = NULL;
}
