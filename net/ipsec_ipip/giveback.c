// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that a policy has caught, whose SA is a stand-in (standin.c), go back
 * to the device that they were routed to. That is done before any other hook of
 * netfilter sees them, so that packet filters know the packet by the device
 * that it leaves by.
 *
 * What is routed elsewhere stays caught.
 */
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv6.h>
#include <net/dst.h>
#include <net/xfrm.h>

#include "device.h"
#include "giveback.h"
#include "standin.h"

/* The route that a packet had before a policy caught it, if that leads to the
 * device that has adopted what the policy asks for; or NULL.
 */
static struct dst_entry *ipsi_giveback_route(const struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	const struct net_device *dev;
	struct dst_entry *route;

	if (!dst || !dst->xfrm || !ipsi_standin_is(dst->xfrm))
		return NULL;

	route = ((struct xfrm_dst *)dst)->route;
	/* The route loses the device when that goes. */
	dev = READ_ONCE(route->dev);
	if (!ipsi_device_is(dev) ||
	    !ipsi_standin_for(dst->xfrm, netdev_priv(dev)))
		return NULL;

	return route;
}

/* The hook once more, with the route that the packet has now. */
static void ipsi_giveback_again(struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	const struct dst_entry *route = skb_dst(skb);

	switch (state->hook) {
	case NF_INET_LOCAL_OUT:
		if (route->ops->local_out(state->net, state->sk, skb) == 1)
			dst_output(state->net, state->sk, skb);
		break;
	case NF_INET_FORWARD:
		NF_HOOK(NFPROTO_IPV6, NF_INET_FORWARD, state->net, state->sk,
			skb, state->in, route->dev, state->okfn);
		break;
	default:
		/* a hook has rerouted it */
		dst_output(state->net, state->sk, skb);
		break;
	}
}

/* nf_hookfn; RCU read side. */
static unsigned int ipsi_giveback(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	struct dst_entry *route = ipsi_giveback_route(skb);

	if (route) {
		dst_hold(route);
		skb_dst_drop(skb);
		skb_dst_set(skb, route);
		ipsi_giveback_again(skb, state);
		return NF_STOLEN;
	}

	/* What leaves by a device needs no policy. None is asked when NAT has
	 * changed the source: it would catch the packet once more, too late.
	 */
	if (state->hook == NF_INET_POST_ROUTING && ipsi_device_is(state->out))
		IP6CB(skb)->flags |= IP6SKB_XFRM_TRANSFORMED;

	return NF_ACCEPT;
}

static const struct nf_hook_ops ipsi_giveback_ops[] = {
	{
		.hook		= ipsi_giveback,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_LOCAL_OUT,
		.priority	= NF_IP6_PRI_FIRST,
	},
	{
		.hook		= ipsi_giveback,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_FORWARD,
		.priority	= NF_IP6_PRI_FIRST,
	},
	{
		.hook		= ipsi_giveback,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_POST_ROUTING,
		.priority	= NF_IP6_PRI_FIRST,
	},
};

/**
 * ipsi_giveback_register - give packets back from now on
 * @net: underlay namespace
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_giveback_register(struct net *net)
{
	return nf_register_net_hooks(net, ipsi_giveback_ops,
				     ARRAY_SIZE(ipsi_giveback_ops));
}

/**
 * ipsi_giveback_unregister - undo ipsi_giveback_register()
 * @net: underlay namespace
 *
 * Context: process.
 */
void ipsi_giveback_unregister(struct net *net)
{
	nf_unregister_net_hooks(net, ipsi_giveback_ops,
				ARRAY_SIZE(ipsi_giveback_ops));
}
