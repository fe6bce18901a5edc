// SPDX-License-Identifier: GPL-2.0
/*
 * What key managers are asked for when a device has no SA.
 *
 * One that has put a policy for its tunnel into the SPD waits for what that
 * would raise for the inner packet: tunnel mode, the reqid of the policy and
 * the packet's addresses. It gets that, though the policy does not see the
 * packet. A packet that no such policy is for must not look as if there were
 * one: a connection which is not to start by itself would.
 *
 * Others are asked for an SA of the device's own: transport mode, the device's
 * reqid and its endpoints.
 */
#include <net/dst_metadata.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "ts.h"

/**
 * ipsi_acquire_what - what to ask for, if there is no SA for a packet
 * @idev: the device
 * @conf: its configuration
 * @skb: the inner packet; one that was sent by its link header has no route,
 *   and no policy is for it
 * @ask: what to ask for is put here
 *
 * Context: RCU read side.
 */
void ipsi_acquire_what(const struct ipsi_dev *idev,
		       const struct ipsi_conf *conf,
		       const struct sk_buff *skb, struct ipsi_policy_ask *ask)
{
	if (skb_valid_dst(skb) && ipsi_ts_policy(idev, skb, &ask->reqid)) {
		ask->mode = XFRM_MODE_TUNNEL;
		ask->family = skb_dst(skb)->ops->family;
		return;
	}

	ask->mode = XFRM_MODE_TRANSPORT;
	ask->family = conf->family;
	ask->reqid = conf->reqid;
}

/* The larval state that an acquire has left, with a reference */
static struct xfrm_state *ipsi_acquire_larval(struct net *net,
					      const struct ipsi_conf *conf,
					      u8 mode, u32 reqid)
{
	const struct xfrm_mark mark = {};
	struct xfrm_state *x;

	x = ipsi_xfrm_find_acq(net, &mark, mode, reqid, conf->if_id,
			       IPPROTO_ESP, &conf->remote, &conf->local,
			       conf->family);
	if (x && x->if_id != conf->if_id) {
		xfrm_state_put(x);
		x = NULL;
	}

	return x;
}

/**
 * ipsi_acquire_waits - is a key manager at work on what it was asked for?
 * @net: underlay namespace of the device
 * @conf: its configuration
 * @tmpl: what was asked for
 *
 * The look-up that asks says the same (-EAGAIN) if nobody has listened.
 *
 * Context: any; no lock of a state or the SAD is held.
 * Return: true if one has heard it, and the core has not given it up.
 */
bool ipsi_acquire_waits(struct net *net, const struct ipsi_conf *conf,
			const struct xfrm_tmpl *tmpl)
{
	struct xfrm_state *x;

	x = ipsi_acquire_larval(net, conf, tmpl->mode, tmpl->reqid);
	if (!x)
		return false;

	xfrm_state_put(x);
	return true;
}

static void ipsi_acquire_end(struct net *net, const struct ipsi_conf *conf,
			     u8 mode, u32 reqid)
{
	struct xfrm_state *x;

	x = ipsi_acquire_larval(net, conf, mode, reqid);
	if (!x)
		return;

	xfrm_state_delete(x);
	xfrm_state_put(x);
}

/**
 * ipsi_acquire_done - there is an SA: what has asked for it serves no more
 * @net: underlay namespace of the device
 * @conf: its configuration
 * @x: the SA, as the key manager has made it
 *
 * An acquire leaves a larval state. The core takes it away for an SA in its
 * own mode and with its own reqid and if_id, and else waits until it expires.
 *
 * Context: any; no lock of a state or the SAD is held.
 */
void ipsi_acquire_done(struct net *net, const struct ipsi_conf *conf,
		       const struct xfrm_state *x)
{
	ipsi_acquire_end(net, conf, XFRM_MODE_TRANSPORT, conf->reqid);
	ipsi_acquire_end(net, conf, XFRM_MODE_TUNNEL, x->props.reqid);
	/* for a policy that has none yet */
	ipsi_acquire_end(net, conf, XFRM_MODE_TUNNEL, 0);
}
