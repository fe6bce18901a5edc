// SPDX-License-Identifier: GPL-2.0
/*
 * Events of the generic netlink family, and its registration. The family refers
 * to the handlers of requests, which are far above this file, so main.c passes
 * it in.
 *
 * Events happen with locks held that sending takes, and a listener may be a tap
 * (nlmon) whose copy tc redirects to the device. So a work item of the namespace
 * sends them, in their order.
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>
#include <net/xfrm.h>

#include "conf.h"
#include "event.h"
#include "nladdr.h"
#include "net.h"
#include "netlink-gen.h"
#include "sa_clone.h"
#include "trace.h"
#include "work.h"

/* Limit of the events of a namespace that are queued: those of two devices that
 * lose all of their SAs at once
 */
#define IPSI_EVENTS_MAX		(2 * IPSI_SAD_MAX)

/* Size of an event, which is larger than any */
#define IPSI_EVENT_SIZE		256

/* The family; set before any device exists. */
struct genl_family *ipsi_nl_family __ro_after_init;

static int ipsi_nl_fill_id(struct sk_buff *msg, struct ipsi_dev *idev,
			   const struct xfrm_state *x)
{
	if (nla_put_u32(msg, IPSEC_IPIP_A_SA_IFINDEX, idev->dev->ifindex) ||
	    nla_put_string(msg, IPSEC_IPIP_A_SA_IFNAME, idev->dev->name))
		return -EMSGSIZE;

	if (!x)
		return 0;

	if (nla_put_u8(msg, IPSEC_IPIP_A_SA_PROTO, x->id.proto) ||
	    nla_put_be32(msg, IPSEC_IPIP_A_SA_SPI, x->id.spi))
		return -EMSGSIZE;

	return 0;
}

/**
 * ipsi_nl_fill_header - fill in the attributes of an SA that events have too
 * @msg: message to append to
 * @idev: device of the SA
 * @x: the state
 * @out: the SA is outbound
 *
 * Context: any.
 * Return: 0 or -EMSGSIZE.
 */
int ipsi_nl_fill_header(struct sk_buff *msg, struct ipsi_dev *idev,
			const struct xfrm_state *x, bool out)
{
	u32 mode = x->props.mode == XFRM_MODE_TUNNEL ?
		   IPSEC_IPIP_MODE_TUNNEL : IPSEC_IPIP_MODE_TRANSPORT;
	u32 dir = out ? IPSEC_IPIP_DIRECTION_OUT : IPSEC_IPIP_DIRECTION_IN;
	u16 family = x->props.family;

	if (ipsi_nl_fill_id(msg, idev, x) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_SA_DIRECTION, dir) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_SA_MODE, mode) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_SA_REQID, x->props.reqid) ||
	    ipsi_put_addr(msg, IPSEC_IPIP_A_SA_SRC, &x->props.saddr, family) ||
	    ipsi_put_addr(msg, IPSEC_IPIP_A_SA_DST, &x->id.daddr, family) ||
	    (x->xflags & IPSI_XFLAG_ADOPTED &&
	     nla_put_flag(msg, IPSEC_IPIP_A_SA_ADOPTED)))
		return -EMSGSIZE;

	return 0;
}

/* Start an event; return NULL without listeners. The caller is an RCU reader
 * or has BH off, which keeps the namespace even if the device leaves it now.
 */
static struct sk_buff *ipsi_nl_event_new(struct ipsi_dev *idev, u8 cmd,
					 void **hdr)
{
	struct sk_buff *msg;

	if (!genl_has_listeners(ipsi_nl_family, dev_net(idev->dev),
				IPSEC_IPIP_NLGRP_EVENTS))
		return NULL;

	msg = genlmsg_new(IPSI_EVENT_SIZE, GFP_ATOMIC);
	if (!msg)
		return NULL;

	*hdr = genlmsg_put(msg, 0, 0, ipsi_nl_family, 0, cmd);
	if (!*hdr) {
		nlmsg_free(msg);
		return NULL;
	}

	return msg;
}

/* Start an event about SAs or the underlay, unless the namespace of the device
 * may not see these.
 */
static struct sk_buff *ipsi_nl_event_new_open(struct ipsi_dev *idev, u8 cmd,
					      void **hdr)
{
	if (!ipsi_conf_is_open(idev->dev))
		return NULL;

	return ipsi_nl_event_new(idev, cmd, hdr);
}

static void ipsi_nl_event_work(struct work_struct *work)
{
	struct ipsi_events *events = container_of(work, struct ipsi_events,
						  work);
	struct sk_buff *msg;

	while ((msg = skb_dequeue(&events->queue))) {
		genlmsg_multicast_netns(ipsi_nl_family, events->net, msg, 0,
					IPSEC_IPIP_NLGRP_EVENTS, GFP_KERNEL);
		cond_resched();
	}
	if (!READ_ONCE(events->lost))
		return;

	WRITE_ONCE(events->lost, false);
	/* Listeners get ENOBUFS. */
	genl_set_err(ipsi_nl_family, events->net, 0, IPSEC_IPIP_NLGRP_EVENTS,
		     -ENOBUFS);
}

/* Queue an event to be sent. In a namespace that is exiting no one listens: its
 * exit waits for callers before it cancels the work.
 */
static void ipsi_nl_event_send(struct ipsi_dev *idev, struct sk_buff *msg,
			       void *hdr)
{
	struct net *net = dev_net(idev->dev);
	struct ipsi_events *events = &ipsi_net(net)->events;

	genlmsg_end(msg, hdr);
	if (!check_net(net)) {
		nlmsg_free(msg);
		return;
	}
	if (skb_queue_len_lockless(&events->queue) < IPSI_EVENTS_MAX) {
		skb_queue_tail(&events->queue, msg);
	} else {
		nlmsg_free(msg);
		WRITE_ONCE(events->lost, true);
	}
	ipsi_work_queue_event(&events->work);
}

/* Name of an event in a trace */
static const char *ipsi_nl_event_word(u8 cmd, bool hard)
{
	switch (cmd) {
	case IPSEC_IPIP_CMD_SA_ADD_NTF:
		return "add";
	case IPSEC_IPIP_CMD_SA_DEL_NTF:
		return "del";
	default:
		return hard ? "expire_hard" : "expire_soft";
	}
}

/**
 * ipsi_nl_event_sa - announce that an SA was added, deleted or has expired
 * @idev: device of the SA
 * @cmd: IPSEC_IPIP_CMD_SA_ADD_NTF, _SA_DEL_NTF or _SA_EXPIRE_NTF
 * @x: the state
 * @out: the SA is outbound
 * @hard: for an expiry, whether the SA is dead
 *
 * Context: RCU read side or BH off.
 */
void ipsi_nl_event_sa(struct ipsi_dev *idev, u8 cmd,
		      const struct xfrm_state *x, bool out, bool hard)
{
	struct sk_buff *msg;
	void *hdr;

	trace_ipsec_ipip_sa(idev->dev, ipsi_nl_event_word(cmd, hard), x, out);

	msg = ipsi_nl_event_new_open(idev, cmd, &hdr);
	if (!msg)
		return;

	if (ipsi_nl_fill_header(msg, idev, x, out) ||
	    (hard && nla_put_flag(msg, IPSEC_IPIP_A_SA_HARD))) {
		nlmsg_free(msg);
		return;
	}

	ipsi_nl_event_send(idev, msg, hdr);
}

static void ipsi_nl_send_refuse(struct ipsi_dev *idev,
				const struct xfrm_state *x, bool out,
				u32 refusal)
{
	struct sk_buff *msg;
	void *hdr;

	msg = ipsi_nl_event_new_open(idev, IPSEC_IPIP_CMD_SA_REFUSE_NTF, &hdr);
	if (!msg)
		return;

	if (ipsi_nl_fill_header(msg, idev, x, out) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_SA_REFUSAL, refusal)) {
		nlmsg_free(msg);
		return;
	}

	ipsi_nl_event_send(idev, msg, hdr);
}

/**
 * ipsi_nl_event_refuse - announce that an SA was not adopted
 * @idev: device that would have to adopt it
 * @x: the state
 * @out: the SA is outbound
 * @refusal: enum ipsec_ipip_refusal
 *
 * Context: any.
 */
void ipsi_nl_event_refuse(struct ipsi_dev *idev, const struct xfrm_state *x,
			  bool out, u32 refusal)
{
	rcu_read_lock();
	ipsi_nl_send_refuse(idev, x, out, refusal);
	rcu_read_unlock();
}

/**
 * ipsi_nl_event_activate - announce the outbound SA in use
 * @idev: the device
 * @x: the state, or NULL if there is no SA any more
 * @pinned: the SA was chosen by sa-activate
 *
 * Context: RCU read side or BH off.
 */
void ipsi_nl_event_activate(struct ipsi_dev *idev, const struct xfrm_state *x,
			    bool pinned)
{
	struct sk_buff *msg;
	void *hdr;

	trace_ipsec_ipip_sa(idev->dev, pinned ? "pin" : "activate", x, true);

	msg = ipsi_nl_event_new_open(idev, IPSEC_IPIP_CMD_SA_ACTIVATE_NTF,
				     &hdr);
	if (!msg)
		return;

	if (ipsi_nl_fill_id(msg, idev, x) ||
	    (pinned && nla_put_flag(msg, IPSEC_IPIP_A_SA_PINNED))) {
		nlmsg_free(msg);
		return;
	}

	ipsi_nl_event_send(idev, msg, hdr);
}

static int ipsi_nl_fill_dev_id(struct sk_buff *msg,
			       const struct ipsi_dev *idev)
{
	if (nla_put_u32(msg, IPSEC_IPIP_A_DEV_IFINDEX, idev->dev->ifindex) ||
	    nla_put_string(msg, IPSEC_IPIP_A_DEV_IFNAME, idev->dev->name))
		return -EMSGSIZE;

	return 0;
}

/**
 * ipsi_nl_event_carrier - announce a change of the carrier
 * @idev: the device
 * @on: the carrier is on
 *
 * Context: RCU read side or BH off.
 */
void ipsi_nl_event_carrier(struct ipsi_dev *idev, bool on)
{
	struct sk_buff *msg;
	void *hdr;

	msg = ipsi_nl_event_new(idev, IPSEC_IPIP_CMD_DEV_CARRIER_NTF, &hdr);
	if (!msg)
		return;

	if (ipsi_nl_fill_dev_id(msg, idev) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_CARRIER, on)) {
		nlmsg_free(msg);
		return;
	}

	ipsi_nl_event_send(idev, msg, hdr);
}

static void ipsi_nl_send_peer(struct ipsi_dev *idev, const struct ipsi_peer *to)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);
	struct sk_buff *msg;
	void *hdr;

	msg = ipsi_nl_event_new_open(idev, IPSEC_IPIP_CMD_DEV_PEER_NTF, &hdr);
	if (!msg)
		return;

	if (ipsi_nl_fill_dev_id(msg, idev) ||
	    ipsi_put_addr(msg, IPSEC_IPIP_A_DEV_LOCAL, &conf->local,
			  conf->family) ||
	    ipsi_put_addr(msg, IPSEC_IPIP_A_DEV_PEER, &to->addr,
			  conf->family) ||
	    (to->port &&
	     nla_put_be16(msg, IPSEC_IPIP_A_DEV_PEER_PORT, to->port))) {
		nlmsg_free(msg);
		return;
	}

	ipsi_nl_event_send(idev, msg, hdr);
}

/**
 * ipsi_nl_event_peer - announce that the peer has moved
 * @idev: the device
 * @to: the new place
 *
 * Context: process.
 */
void ipsi_nl_event_peer(struct ipsi_dev *idev, const struct ipsi_peer *to)
{
	rcu_read_lock();
	ipsi_nl_send_peer(idev, to);
	rcu_read_unlock();
}

/**
 * ipsi_nl_event_net_init - start without events
 * @net: a namespace
 */
void ipsi_nl_event_net_init(struct net *net)
{
	struct ipsi_events *events = &ipsi_net(net)->events;

	events->net = net;
	skb_queue_head_init(&events->queue);
	INIT_WORK(&events->work, ipsi_nl_event_work);
}

/**
 * ipsi_nl_event_net_exit - undo ipsi_nl_event_net_init()
 * @net: the namespace, which may still have devices with an underlay in another
 *
 * Context: process.
 */
void ipsi_nl_event_net_exit(struct net *net)
{
	struct ipsi_events *events = &ipsi_net(net)->events;

	cancel_work_sync(&events->work);
	skb_queue_purge(&events->queue);
}

/* Events reveal SAs, so the group is privileged. The YAML specification cannot
 * express the flags of a group.
 */
static const struct genl_multicast_group ipsi_nl_groups[] = {
	[IPSEC_IPIP_NLGRP_EVENTS] = {
		.name = IPSEC_IPIP_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

/**
 * ipsi_nl_register - register the family
 * @family: the family
 *
 * Context: process, in the init function of the module.
 * Return: 0 or a negative errno.
 */
int ipsi_nl_register(struct genl_family *family)
{
	BUILD_BUG_ON(ARRAY_SIZE(ipsi_nl_groups) != IPSEC_IPIP_NLGRP_EVENTS + 1);

	family->mcgrps = ipsi_nl_groups;
	ipsi_nl_family = family;
	return ipsi_genl_register(family);
}

/**
 * ipsi_nl_unregister - unregister the family
 *
 * Context: process.
 */
void ipsi_nl_unregister(void)
{
	ipsi_genl_unregister(ipsi_nl_family);
}
