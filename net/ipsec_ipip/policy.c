// SPDX-License-Identifier: GPL-2.0
/*
 * Private policies: each ties a device to one outbound SA.
 *
 * It is an xfrm_policy that is never in the SPD. A socket of the device carries
 * it into look-ups (bundle.c). So no flush, no key manager and no entry of the
 * SPD can remove or override it, and no packet leaves without an SA. Its
 * template names only this SA. When the SA must not be used any more, the
 * policy is killed, and all bundles that were built with it become stale at
 * once.
 */
#include <linux/slab.h>
#include <net/xfrm.h>

#include "policy.h"

/**
 * struct ipsi_policy - a private policy
 * @xp: the xfrm_policy; one reference is owned
 * @rcu: frees the policy when no look-up can use it any more
 */
struct ipsi_policy {
	struct xfrm_policy *xp;
	struct rcu_head rcu;
};

/* Fill in the template: the SA @x, or no SA, so that a look-up sends an
 * acquire.
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

/* Create a private policy with these parameters; see ipsi_policy_get(). */
static struct ipsi_policy *ipsi_policy_make(struct net *net,
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
	/* The look-up finds an SA with a mark only by that mark. */
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

/* Would ipsi_policy_make() create the same policy? */
static bool ipsi_policy_is_for(const struct ipsi_policy *pol,
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

/* No look-up uses the policy any more, so none adds to the states that the core
 * caches in it. Bundles may still hold references.
 */
static void ipsi_policy_free(struct rcu_head *rcu)
{
	struct ipsi_policy *pol = container_of(rcu, struct ipsi_policy, rcu);

	ipsi_xfrm_policy_uncache(pol->xp);
	xfrm_pol_put(pol->xp);
	kfree(pol);
}

/**
 * ipsi_policy_kill - kill and free a policy
 * @slot: pointer to the policy or to NULL; set to NULL. The next check of a
 *   bundle that was built with the policy fails by its genid.
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

/**
 * ipsi_policy_get - get the xfrm_policy of a private policy
 * @slot: pointer to the private policy or to NULL; replaced if that is for other
 *   parameters
 * @net: underlay namespace of the device
 * @conf: its configuration
 * @x: the outbound SA, or NULL to trigger an acquire
 * @key: the SA of the acquire if @x is NULL
 *
 * Context: any; the caller serializes the calls. ipsi_policy_kill() frees the
 *   policy at @slot.
 * Return: the xfrm_policy with a reference for the caller; NULL if out of
 *   memory.
 */
struct xfrm_policy *ipsi_policy_get(struct ipsi_policy **slot, struct net *net,
				    const struct ipsi_conf *conf,
				    const struct xfrm_state *x,
				    const struct ipsi_acq_key *key)
{
	if (*slot && !ipsi_policy_is_for(*slot, conf, x, key))
		ipsi_policy_kill(slot);
	if (!*slot)
		*slot = ipsi_policy_make(net, conf, x, key);
	if (!*slot)
		return NULL;

	xfrm_pol_hold((*slot)->xp);
	return (*slot)->xp;
}
