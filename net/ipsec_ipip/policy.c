// SPDX-License-Identifier: GPL-2.0
/*
 * Private policies: each ties a device to one outbound SA.
 *
 * It is an xfrm_policy that never enters the SPD. It is looked up by way of a
 * socket that the device owns (bundle.c), so no flush, no key manager's
 * clean-up and no stray entry of the SPD can remove or override it: without an
 * SA, no packet leaves. Its template names the SA alone; when that is not to be
 * used any more, the policy is killed, and all bundles made by it go stale at
 * once.
 */
#include <linux/slab.h>
#include <net/xfrm.h>

#include "policy.h"

/**
 * struct ipsi_policy - a private policy
 * @xp: the policy proper; one reference is owned by this
 * @rcu: gives it up when no look-up can be using it any more
 */
struct ipsi_policy {
	struct xfrm_policy *xp;
	struct rcu_head rcu;
};

/* What the template says: one SA, or none so that an acquire goes out to the key
 * managers.
 */
static void ipsi_policy_template(struct xfrm_tmpl *tmpl,
				 const struct ipsi_conf *conf,
				 const struct xfrm_state *x,
				 const struct ipsi_acq_key *key)
{
	memset(tmpl, 0, sizeof(*tmpl));
	tmpl->id.daddr = conf->remote;
	tmpl->id.proto = x ? x->id.proto : IPPROTO_ESP;
	tmpl->id.spi = x ? x->id.spi : 0;
	tmpl->reqid = x ? x->props.reqid : key->reqid;
	tmpl->saddr = conf->local;
	tmpl->encap_family = conf->family;
	tmpl->mode = x ? XFRM_MODE_TRANSPORT : key->mode;
	tmpl->share = XFRM_SHARE_ANY;
	tmpl->allalgs = 1;
	tmpl->aalgos = ~0;
	tmpl->ealgos = ~0;
	tmpl->calgos = ~0;
}

/**
 * ipsi_policy_make - make a policy
 * @net: underlay namespace of the device
 * @conf: its configuration
 * @x: the SA to leave by; NULL to ask the key managers for one
 * @key: what to ask them for
 *
 * Context: any.
 * Return: the policy, to be given to ipsi_policy_kill(), or NULL.
 */
struct ipsi_policy *ipsi_policy_make(struct net *net,
				     const struct ipsi_conf *conf,
				     const struct xfrm_state *x,
				     const struct ipsi_acq_key *key)
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

	xp->family = x ? conf->family : key->family;
	xp->selector.family = xp->family;
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
	ipsi_policy_template(&xp->xfrm_vec[0], conf, x, key);

	return pol;
}

/**
 * ipsi_policy_is_for - would ipsi_policy_make() make the same?
 * @pol: the policy
 * @conf: configuration of the device
 * @x: the SA, or NULL
 * @key: what to ask for without
 *
 * Context: any.
 */
bool ipsi_policy_is_for(const struct ipsi_policy *pol,
			const struct ipsi_conf *conf,
			const struct xfrm_state *x,
			const struct ipsi_acq_key *key)
{
	const struct xfrm_policy *xp = pol->xp;
	struct xfrm_tmpl tmpl;

	ipsi_policy_template(&tmpl, conf, x, key);
	if (memcmp(&xp->xfrm_vec[0], &tmpl, sizeof(tmpl)))
		return false;

	return x ? !memcmp(&xp->mark, &x->mark, sizeof(x->mark)) :
		   xp->family == key->family;
}

/**
 * ipsi_policy_get - the policy proper
 * @pol: the policy
 *
 * Context: any.
 * Return: it, with a reference for the caller.
 */
struct xfrm_policy *ipsi_policy_get(const struct ipsi_policy *pol)
{
	xfrm_pol_hold(pol->xp);
	return pol->xp;
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

/**
 * ipsi_policy_kill - give up a policy
 * @slot: where it is found, if there is one; NULL from then on. Bundles made by
 *   it fail their next check by its genid.
 *
 * Context: any; a state's lock may be held.
 */
void ipsi_policy_kill(struct ipsi_policy **slot)
{
	struct ipsi_policy *pol = *slot;

	if (!pol)
		return;

	*slot = NULL;
	write_lock_bh(&pol->xp->lock);
	pol->xp->walk.dead = 1;
	write_unlock_bh(&pol->xp->lock);
	atomic_inc(&pol->xp->genid);
	call_rcu(&pol->rcu, ipsi_policy_free);
}
