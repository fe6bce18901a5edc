// SPDX-License-Identifier: GPL-2.0
/*
 * The private policy: ties a device to its active outbound SA.
 *
 * It is an xfrm_policy that never enters the SPD. It hangs on a socket that
 * the device owns, so no flush, no key manager's clean-up and no stray entry
 * of the SPD can remove or override it: without an SA, no packet leaves. Its
 * template names the active SA alone (sa.c says which that is); a change of
 * SA makes another policy, and all bundles of the old one go stale at once.
 */
#include <linux/net.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/dst_cache.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include <net/sock.h>
#include <net/xfrm.h>

#include "mtu.h"
#include "policy.h"
#include "sa.h"

/**
 * struct ipsi_policy - the policy that the socket carries, or has carried
 * @xp: the policy proper; one reference is owned by this
 * @rcu: gives it up when no look-up can be using it any more
 */
struct ipsi_policy {
	struct xfrm_policy *xp;
	struct rcu_head rcu;
};

/* What the template says: one SA, or any of the device's reqid so that an
 * acquire goes out to the key managers.
 */
static void ipsi_policy_template(struct xfrm_tmpl *tmpl,
				 const struct ipsi_conf *conf,
				 const struct xfrm_state *x)
{
	memset(tmpl, 0, sizeof(*tmpl));
	tmpl->id.daddr = conf->remote;
	tmpl->id.proto = x ? x->id.proto : IPPROTO_ESP;
	tmpl->id.spi = x ? x->id.spi : 0;
	tmpl->reqid = x ? x->props.reqid : conf->reqid;
	tmpl->saddr = conf->local;
	tmpl->encap_family = conf->family;
	tmpl->mode = XFRM_MODE_TRANSPORT;
	tmpl->share = XFRM_SHARE_ANY;
	tmpl->allalgs = 1;
	tmpl->aalgos = ~0;
	tmpl->ealgos = ~0;
	tmpl->calgos = ~0;
}

static struct ipsi_policy *ipsi_policy_alloc(struct net *net,
					     const struct ipsi_conf *conf,
					     const struct xfrm_tmpl *tmpl,
					     const struct xfrm_state *x)
{
	struct ipsi_policy *pol;
	struct xfrm_policy *xp;

	pol = kzalloc(sizeof(*pol), GFP_ATOMIC);
	if (!pol)
		return NULL;

	xp = xfrm_policy_alloc(net, GFP_ATOMIC);
	if (!xp) {
		kfree(pol);
		return NULL;
	}
	pol->xp = xp;

	xp->family = conf->family;
	xp->selector.family = conf->family;
	xp->if_id = conf->if_id;
	xp->action = XFRM_POLICY_ALLOW;
	xp->type = XFRM_POLICY_TYPE_MAIN;
	/* An SA that carries a mark is found by no other. */
	if (x)
		xp->mark = x->mark;
	xp->lft.soft_byte_limit = XFRM_INF;
	xp->lft.hard_byte_limit = XFRM_INF;
	xp->lft.soft_packet_limit = XFRM_INF;
	xp->lft.hard_packet_limit = XFRM_INF;
	xp->xfrm_nr = 1;
	xp->xfrm_vec[0] = *tmpl;

	return pol;
}

/* No look-up can be using the policy any more, so none can add to the states
 * that the core caches by it. Bundles may still hold references.
 */
static void ipsi_policy_free(struct rcu_head *rcu)
{
	struct ipsi_policy *pol = container_of(rcu, struct ipsi_policy, rcu);

	ipsi_xfrm_policy_uncache(pol->xp);
	xfrm_pol_put(pol->xp);
	kfree(pol);
}

/* Let the socket carry @pol, and make the former policy dead: bundles made
 * from it fail their next check by its genid.
 */
static void ipsi_policy_replace(struct ipsi_dev *idev, struct ipsi_policy *pol)
{
	struct ipsi_policy *old = idev->policy;
	struct sock *sk = idev->sock->sk;

	idev->policy = pol;
	/* The policy is found only if the socket's mark fits its own. */
	WRITE_ONCE(sk->sk_mark, pol ? pol->xp->mark.v : 0);
	rcu_assign_pointer(sk->sk_policy[XFRM_POLICY_OUT],
			   pol ? pol->xp : NULL);
	if (!old)
		return;

	write_lock_bh(&old->xp->lock);
	old->xp->walk.dead = 1;
	write_unlock_bh(&old->xp->lock);
	atomic_inc(&old->xp->genid);
	call_rcu(&old->rcu, ipsi_policy_free);
}

/* Point the policy at the active SA. Return true if it moved. */
static bool ipsi_policy_point(struct ipsi_dev *idev,
			      const struct ipsi_conf *conf)
{
	struct ipsi_sad *sad = &idev->sad;
	const struct xfrm_state *x;
	struct ipsi_policy *pol;
	struct xfrm_tmpl tmpl;
	struct ipsi_sa *sa;
	bool moved = false;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_current(idev);
	x = sa ? sa->x : NULL;
	ipsi_policy_template(&tmpl, conf, x);

	pol = idev->policy;
	if (!pol || memcmp(&pol->xp->xfrm_vec[0], &tmpl, sizeof(tmpl)) ||
	    (x && memcmp(&pol->xp->mark, &x->mark, sizeof(x->mark)))) {
		/* Without memory there is no policy, so no packet either. */
		pol = ipsi_policy_alloc(idev->net, conf, &tmpl, x);
		ipsi_policy_replace(idev, pol);
		moved = true;
	}
	spin_unlock_bh(&sad->lock);

	return moved;
}

static struct dst_entry *ipsi_policy_route4(const struct ipsi_dev *idev,
					    const struct ipsi_conf *conf,
					    struct flowi4 *fl4)
{
	struct rtable *rt;

	memset(fl4, 0, sizeof(*fl4));
	fl4->flowi4_oif = conf->link;
	fl4->flowi4_mark = conf->fwmark;
	fl4->flowi4_proto = IPPROTO_IPIP;
	fl4->daddr = conf->remote.a4;
	fl4->saddr = conf->local.a4;

	rt = __ip_route_output_key(idev->net, fl4);
	return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
}

/* IPv6 routes whatever source it is given, so that must be looked at (RFC
 * 4301 section 4.1); main.c tells when it goes. It must be an address in the
 * same VRF as the underlay device.
 */
static bool ipsi_policy_local6_ok(const struct ipsi_dev *idev,
				  const struct ipsi_conf *conf)
{
	struct net_device *link = NULL;
	bool ok;

	rcu_read_lock();
	if (conf->link)
		link = dev_get_by_index_rcu(idev->net, conf->link);
	ok = (link || !conf->link) &&
	     ipv6_chk_addr(idev->net, &conf->local.in6, link, 0);
	rcu_read_unlock();

	return ok;
}

/* Unless told so, IPv6 takes the underlay device for a mere wish. */
static struct dst_entry *ipsi_policy_route6(const struct ipsi_dev *idev,
					    const struct ipsi_conf *conf,
					    struct flowi6 *fl6)
{
	struct dst_entry *dst;
	int err;

	if (!ipsi_policy_local6_ok(idev, conf))
		return ERR_PTR(-EADDRNOTAVAIL);

	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_oif = conf->link;
	fl6->flowi6_mark = conf->fwmark;
	fl6->flowi6_proto = IPPROTO_IPV6;
	fl6->daddr = conf->remote.in6;
	fl6->saddr = conf->local.in6;

	dst = ip6_route_output_flags(idev->net, NULL, fl6,
				     conf->link ? RT6_LOOKUP_F_IFACE : 0);
	err = dst->error;
	if (err) {
		dst_release(dst);
		return ERR_PTR(err);
	}

	return dst;
}

/**
 * ipsi_policy_route - route from the local to the remote endpoint
 * @idev: the device
 * @conf: its configuration
 * @fl: filled in with the flow of the outer packet
 *
 * The route and nothing else: ip_route_output_key() and the like would ask the
 * SPD as well, which has no say here, and may refuse the flow, transform it,
 * or answer with a blackhole while it waits for an SA.
 *
 * Context: RCU read side or RTNL.
 * Return: the route with a reference for the caller, or an ERR_PTR().
 */
struct dst_entry *ipsi_policy_route(const struct ipsi_dev *idev,
				    const struct ipsi_conf *conf,
				    struct flowi *fl)
{
	/* A peer that has not been heard yet. */
	if (xfrm_addr_any(&conf->remote, conf->family))
		return ERR_PTR(-EDESTADDRREQ);

	return conf->family == AF_INET ?
	       ipsi_policy_route4(idev, conf, &fl->u.ip4) :
	       ipsi_policy_route6(idev, conf, &fl->u.ip6);
}

/* Is this a bundle that encrypts once, with an SA of the device, and leaves
 * elsewhere than here? A look-up may also come back with no transform at all,
 * or with one that somebody else's policy asked for.
 */
static bool ipsi_policy_bundle_ok(const struct ipsi_dev *idev,
				  const struct ipsi_conf *conf,
				  struct dst_entry *dst,
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

static struct dst_entry *ipsi_policy_resolve(struct ipsi_dev *idev,
					     const struct ipsi_conf *conf,
					     enum ipsi_reason *reason)
{
	struct dst_entry *dst;
	struct flowi fl;

	dst = ipsi_policy_route(idev, conf, &fl);
	if (IS_ERR(dst)) {
		*reason = IPSI_TX_NO_ROUTE;
		return NULL;
	}
	if (dst->dev == idev->dev) {
		dst_release(dst);
		*reason = IPSI_TX_LOOP;
		return NULL;
	}

	/* This takes over our reference to the route. With no SA it raises an
	 * acquire, if a key manager listens.
	 */
	dst = xfrm_lookup_with_ifid(idev->net, dst, &fl, idev->sock->sk, 0,
				    conf->if_id);
	if (IS_ERR(dst)) {
		*reason = IPSI_TX_NO_SA;
		return NULL;
	}
	if (!ipsi_policy_bundle_ok(idev, conf, dst, reason)) {
		dst_release(dst);
		return NULL;
	}
	/* Without an active SA the template fits any of the device, also one
	 * whose sequence numbers are used up.
	 */
	if (!ipsi_sa_is_current(idev, dst->xfrm)) {
		dst_release(dst);
		*reason = IPSI_TX_NO_SA;
		return NULL;
	}

	return dst;
}

static void ipsi_policy_cache(struct ipsi_dev *idev,
			      const struct ipsi_conf *conf,
			      struct dst_entry *dst)
{
	if (conf->family == AF_INET)
		dst_cache_set_ip4(&idev->dst_cache, dst, conf->local.a4);
	else
		dst_cache_set_ip6(&idev->dst_cache, dst, &conf->local.in6);
}

/**
 * ipsi_policy_dst - the XFRM bundle that outer packets take
 * @idev: the device
 * @conf: its configuration
 * @reason: why there is none, when there is none
 *
 * Context: BH off, RCU read side.
 * Return: the bundle with a reference for the caller: exactly one transform,
 *   the active SA's. NULL when the packet must not leave.
 */
struct dst_entry *ipsi_policy_dst(struct ipsi_dev *idev,
				  const struct ipsi_conf *conf,
				  enum ipsi_reason *reason)
{
	struct dst_entry *dst;

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

	ipsi_policy_point(idev, conf);
	dst = ipsi_policy_resolve(idev, conf, reason);
	/* The SA may be replaced in between: no packet is lost for that. */
	if (!dst && ipsi_policy_point(idev, conf))
		dst = ipsi_policy_resolve(idev, conf, reason);
	if (dst) {
		ipsi_policy_cache(idev, conf, dst);
		ipsi_mtu_follow(idev, conf, dst);
	}

	return dst;
}

/**
 * ipsi_policy_init - make the socket that will carry the policy
 * @idev: a device that is being made
 *
 * The socket is neither bound nor connected, so it receives nothing.
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_policy_init(struct ipsi_dev *idev)
{
	return sock_create_kern(idev->net, AF_INET, SOCK_DGRAM, IPPROTO_UDP,
				&idev->sock);
}

/**
 * ipsi_policy_fini - undo ipsi_policy_init() and all that came after
 * @idev: a device on which no transmission is under way
 *
 * Context: process.
 */
void ipsi_policy_fini(struct ipsi_dev *idev)
{
	spin_lock_bh(&idev->sad.lock);
	ipsi_policy_replace(idev, NULL);
	spin_unlock_bh(&idev->sad.lock);

	sock_release(idev->sock);
	idev->sock = NULL;
}
