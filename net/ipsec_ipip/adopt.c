// SPDX-License-Identifier: GPL-2.0
/*
 * Adoption: an unmodified key manager negotiates tunnel mode and installs its
 * SAs; those that are a device's are run by the device.
 *
 * An inbound SA stays the state that it is: what comes in by tunnel mode is
 * what the device receives, and no packet, sequence number or checksum is
 * lost by a change. It only gets the if_id if it has none, and at once. An
 * outbound SA is replaced by its clone in transport mode, which takes work
 * that may sleep: it is noted, and done with the mutex held that all key
 * managers hold, so that none of them sees it half done.
 *
 * The key manager goes on to find its SA by address, SPI and protocol.
 */
#include <linux/list.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "adopt.h"
#include "decap.h"
#include "hold.h"
#include "main.h"
#include "nlmsg.h"
#include "sa.h"
#include "sa_clone.h"
#include "spd.h"
#include "ts.h"

/* When there was no memory to note an SA, the SAD is searched this later. */
#define IPSI_ADOPT_RETRY	(HZ / 10)

/* Owned by the module. It is eager, so that an SA is adopted before its key
 * manager comes to the next thing; where and how eagerly it runs can be set
 * in /sys/devices/virtual/workqueue/.
 */
static struct workqueue_struct *ipsi_adopt_wq;

/**
 * struct ipsi_adopt_note - an SA to look at; ESP
 * @list: entry in ipsi_adopt.notes
 * @idev: the device that would adopt it; a reference is held, and packets
 *   wait as long as the note lives (hold.c)
 * @daddr: destination address
 * @spi: SPI
 * @mark: mark that finds it
 * @family: family of @daddr
 */
struct ipsi_adopt_note {
	struct list_head list;
	struct ipsi_dev *idev;
	xfrm_address_t daddr;
	__be32 spi;
	u32 mark;
	u16 family;
};

static bool ipsi_adopt_between(const struct ipsi_conf *conf,
			       const xfrm_address_t *local,
			       const xfrm_address_t *remote)
{
	return xfrm_addr_equal(local, &conf->local, conf->family) &&
	       xfrm_addr_equal(remote, &conf->remote, conf->family);
}

/* Which way x goes between the endpoints, if it does. */
static bool ipsi_adopt_direction(const struct ipsi_conf *conf,
				 const struct xfrm_state *x, bool *out)
{
	const xfrm_address_t *src = &x->props.saddr, *dst = &x->id.daddr;

	if (x->props.family != conf->family)
		return false;

	/* Its if_id says enough where it leaves the source open. */
	if (x->if_id && xfrm_addr_any(src, conf->family)) {
		*out = xfrm_addr_equal(dst, &conf->remote, conf->family);
		return *out ||
		       xfrm_addr_equal(dst, &conf->local, conf->family);
	}

	*out = ipsi_adopt_between(conf, src, dst);
	return *out || ipsi_adopt_between(conf, dst, src);
}

/* The device that adopts SAs between these endpoints that carry no if_id. */
static struct ipsi_dev *ipsi_adopt_find(struct xfrm_state *x)
{
	const struct ipsi_net *inet = ipsi_net(xs_net(x));
	const struct ipsi_conf *conf;
	struct ipsi_dev *idev;
	unsigned int i;
	bool out;

	for (i = 0; i < ARRAY_SIZE(inet->devs); i++)
		hlist_for_each_entry_rcu(idev, &inet->devs[i], node) {
			conf = rcu_dereference(idev->conf);
			if (conf->keying == IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS &&
			    ipsi_adopt_direction(conf, x, &out))
				return idev;
		}

	return NULL;
}

/* The device that has to adopt x, or NULL. What is not valid yet, or was
 * adopted already, is left alone. RCU read side.
 */
static struct ipsi_dev *ipsi_adopt_device(struct xfrm_state *x, bool *out)
{
	const struct ipsi_conf *conf;
	struct ipsi_dev *idev;

	if (x->id.proto != IPPROTO_ESP || !x->id.spi ||
	    x->props.mode != XFRM_MODE_TUNNEL || !ipsi_sa_valid(x) ||
	    x->xflags & IPSI_XFLAG_ADOPTED)
		return NULL;

	idev = x->if_id ? ipsi_net_find(xs_net(x), x->if_id) :
			  ipsi_adopt_find(x);
	if (!idev)
		return NULL;

	conf = rcu_dereference(idev->conf);
	if (conf->keying == IPSEC_IPIP_KEYING_MANUAL ||
	    !ipsi_adopt_direction(conf, x, out))
		return NULL;

	return idev;
}

/* Why x cannot be adopted, or -1. */
static int ipsi_adopt_refusal(const struct xfrm_state *x, bool out)
{
	if (!ipsi_ts_usable(x))
		return IPSEC_IPIP_REFUSAL_SELECTOR;
	if (!ipsi_sa_authenticates(x))
		return IPSEC_IPIP_REFUSAL_INTEGRITY;
	if (!out && ipsi_decap_tunnel_ok(x))
		return -1;
	if (x->xso.dev)
		return IPSEC_IPIP_REFUSAL_OFFLOAD;
	if (!ipsi_sa_can_clone(x))
		return IPSEC_IPIP_REFUSAL_UNSUPPORTED;

	return -1;
}

static void ipsi_adopt_refuse(struct ipsi_dev *idev, const struct xfrm_state *x,
			      bool out, u32 refusal)
{
	static const char * const why[] = {
		[IPSEC_IPIP_REFUSAL_SELECTOR] = "selectors with ports",
		[IPSEC_IPIP_REFUSAL_INTEGRITY] = "no integrity",
		[IPSEC_IPIP_REFUSAL_OFFLOAD] = "hardware offload",
		[IPSEC_IPIP_REFUSAL_UNSUPPORTED] = "not supported",
		[IPSEC_IPIP_REFUSAL_FAILED] = "failed",
	};

	if (net_ratelimit())
		netdev_warn(idev->dev, "SA with SPI 0x%08x not adopted: %s\n",
			    ntohl(x->id.spi), why[refusal]);
	ipsi_nl_event_refuse(idev, x, out, refusal);
}

/* An inbound SA becomes the device's without becoming another. */
static void ipsi_adopt_mark(struct xfrm_state *x, u32 if_id)
{
	struct net *net = xs_net(x);

	spin_lock_bh(&x->lock);
	spin_lock(&net->xfrm.xfrm_state_lock);
	x->if_id = if_id;
	spin_unlock(&net->xfrm.xfrm_state_lock);
	x->xflags |= IPSI_XFLAG_ADOPTED;
	spin_unlock_bh(&x->lock);
}

/* Put the clone in transport mode in the place of x. */
static int ipsi_adopt_replace(struct ipsi_dev *idev,
			      const struct ipsi_conf *conf,
			      struct xfrm_state *x)
{
	struct ipsi_sa_change change;
	struct xfrm_state *clone;
	int err;

	ipsi_sa_change_none(&change, x);
	ipsi_ts_keep(&change, x);
	change.mode = XFRM_MODE_TRANSPORT;
	change.if_id = conf->if_id;
	change.xflags |= IPSI_XFLAG_ADOPTED;

	clone = ipsi_sa_clone(x, &change, NULL);
	if (IS_ERR(clone))
		return PTR_ERR(clone);

	err = ipsi_sa_replace(x, clone);
	if (err) {
		ipsi_sa_discard(clone);
		return err;
	}

	rcu_read_lock();
	ipsi_sa_swap(idev, x, clone);
	rcu_read_unlock();
	xfrm_state_put(clone);

	return 0;
}

static void ipsi_adopt_outright(struct ipsi_dev *idev,
				const struct ipsi_conf *conf,
				struct xfrm_state *x)
{
	ipsi_adopt_mark(x, conf->if_id);
	rcu_read_lock();
	ipsi_sa_attach(idev, x);
	rcu_read_unlock();
}

static void ipsi_adopt_by_device(struct ipsi_dev *idev,
				 const struct ipsi_conf *conf,
				 struct xfrm_state *x, bool out)
{
	int refusal = ipsi_adopt_refusal(x, out);
	int err;

	if (refusal >= 0) {
		ipsi_adopt_refuse(idev, x, out, refusal);
	} else if (!out && ipsi_decap_tunnel_ok(x)) {
		ipsi_adopt_outright(idev, conf, x);
	} else {
		err = ipsi_adopt_replace(idev, conf, x);
		/* -ESRCH: it died of itself in the meantime. */
		if (err && err != -ESRCH)
			ipsi_adopt_refuse(idev, x, out,
					  IPSEC_IPIP_REFUSAL_FAILED);
		if (!err && out)
			ipsi_acquire_done(idev->net, conf, x);
	}
}

/* Everything is checked again: much may have happened since it was noted. */
static void ipsi_adopt_state(struct xfrm_state *x)
{
	struct ipsi_dev *idev;
	struct ipsi_conf conf;
	bool out;

	rcu_read_lock();
	idev = ipsi_adopt_device(x, &out);
	if (idev) {
		conf = *rcu_dereference(idev->conf);
		dev_hold(idev->dev);
	}
	rcu_read_unlock();
	if (!idev)
		return;

	ipsi_adopt_by_device(idev, &conf, x, out);
	dev_put(idev->dev);
}

static void ipsi_adopt_noted(struct net *net,
			     const struct ipsi_adopt_note *note)
{
	struct xfrm_state *x;

	mutex_lock(&net->xfrm.xfrm_cfg_mutex);
	x = xfrm_state_lookup(net, note->mark, &note->daddr, note->spi,
			      IPPROTO_ESP, note->family);
	if (x) {
		ipsi_adopt_state(x);
		xfrm_state_put(x);
	}
	mutex_unlock(&net->xfrm.xfrm_cfg_mutex);
}

static void ipsi_adopt_note_free(struct ipsi_adopt_note *note)
{
	ipsi_hold_end(note->idev);
	dev_put(note->idev->dev);
	kfree(note);
}

static struct ipsi_adopt_note *
ipsi_adopt_note_alloc(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	struct ipsi_adopt_note *note;

	note = kmalloc(sizeof(*note), GFP_ATOMIC | __GFP_NOWARN);
	if (!note)
		return NULL;

	note->idev = idev;
	dev_hold(idev->dev);
	ipsi_hold_begin(idev);
	note->daddr = x->id.daddr;
	note->spi = x->id.spi;
	note->mark = x->mark.v & x->mark.m;
	note->family = x->props.family;

	return note;
}

/* Queue one, or all when there was no memory for that one. */
static void ipsi_adopt_queue(struct ipsi_net *inet,
			     struct ipsi_adopt_note *note)
{
	struct ipsi_adopt *adopt = &inet->adopt;

	spin_lock_bh(&adopt->lock);
	if (note)
		list_add_tail(&note->list, &adopt->notes);
	else
		adopt->scan = true;
	spin_unlock_bh(&adopt->lock);

	mod_delayed_work(ipsi_adopt_wq, &adopt->work, 0);
}

/**
 * struct ipsi_adopt_found - what a search of the SAD has found
 * @notes: SAs to adopt, the oldest first
 * @all: there was memory for all of them
 */
struct ipsi_adopt_found {
	struct list_head notes;
	bool all;
};

/* The SAD is read from its newest state to its oldest, with its lock held. */
static int ipsi_adopt_scan_one(struct xfrm_state *x, int seq, void *data)
{
	struct ipsi_adopt_found *found = data;
	struct ipsi_adopt_note *note;
	struct ipsi_dev *idev;
	bool out;

	rcu_read_lock();
	idev = ipsi_adopt_device(x, &out);
	if (idev) {
		note = ipsi_adopt_note_alloc(idev, x);
		if (note)
			list_add(&note->list, &found->notes);
		else
			found->all = false;
	}
	rcu_read_unlock();

	return 0;
}

/* Search the SAD; what it has is older than what was noted meanwhile. */
static void ipsi_adopt_scan_all(struct ipsi_adopt *adopt)
{
	struct ipsi_adopt_found found = { .all = true };
	struct xfrm_state_walk walk;

	INIT_LIST_HEAD(&found.notes);
	xfrm_state_walk_init(&walk, IPPROTO_ESP, NULL);
	xfrm_state_walk(adopt->net, &walk, ipsi_adopt_scan_one, &found);
	xfrm_state_walk_done(&walk, adopt->net);

	spin_lock_bh(&adopt->lock);
	list_splice(&found.notes, &adopt->notes);
	if (!found.all)
		adopt->scan = true;
	spin_unlock_bh(&adopt->lock);

	if (!found.all)
		queue_delayed_work(ipsi_adopt_wq, &adopt->work,
				   IPSI_ADOPT_RETRY);
}

static struct ipsi_adopt_note *ipsi_adopt_next(struct ipsi_adopt *adopt)
{
	struct ipsi_adopt_note *note;

	spin_lock_bh(&adopt->lock);
	note = list_first_entry_or_null(&adopt->notes, struct ipsi_adopt_note,
					list);
	if (note)
		list_del(&note->list);
	spin_unlock_bh(&adopt->lock);

	return note;
}

static void ipsi_adopt_work(struct work_struct *work)
{
	struct ipsi_adopt *adopt = container_of(work, struct ipsi_adopt,
						work.work);
	struct ipsi_adopt_note *note;
	bool scan;

	spin_lock_bh(&adopt->lock);
	scan = adopt->scan;
	adopt->scan = false;
	spin_unlock_bh(&adopt->lock);

	if (scan)
		ipsi_adopt_scan_all(adopt);

	while ((note = ipsi_adopt_next(adopt))) {
		ipsi_adopt_noted(adopt->net, note);
		ipsi_adopt_note_free(note);
		cond_resched();
	}
}

/**
 * ipsi_adopt_schedule - do other work for adopted SAs
 * @work: the work
 *
 * Context: any.
 */
void ipsi_adopt_schedule(struct work_struct *work)
{
	queue_work(ipsi_adopt_wq, work);
}

/**
 * ipsi_adopt_schedule_delayed - the same, later
 * @work: the work; if it is queued already it runs when it would, but at once
 *   without a delay
 * @delay: in jiffies
 *
 * Context: any.
 */
void ipsi_adopt_schedule_delayed(struct delayed_work *work,
				 unsigned long delay)
{
	if (delay)
		queue_delayed_work(ipsi_adopt_wq, work, delay);
	else
		mod_delayed_work(ipsi_adopt_wq, work, 0);
}

/**
 * ipsi_adopt_wants_all - is there a device that adopts SAs without if_id?
 * @net: underlay namespace
 *
 * Context: any.
 */
bool ipsi_adopt_wants_all(const struct net *net)
{
	return READ_ONCE(ipsi_net(net)->adopt.by_endpoints);
}

/**
 * ipsi_adopt_told - somebody has added or updated an SA
 * @x: the state in the SAD; it may get the if_id of the device
 *
 * Context: atomic, RCU read side, the namespace's xfrm_cfg_mutex held; @x's
 *   lock is not.
 */
void ipsi_adopt_told(struct xfrm_state *x)
{
	struct ipsi_dev *idev;
	bool out;

	idev = ipsi_adopt_device(x, &out);
	if (!idev)
		return;

	if (!out && ipsi_decap_tunnel_ok(x) && ipsi_adopt_refusal(x, out) < 0)
		ipsi_adopt_mark(x, rcu_dereference(idev->conf)->if_id);
	else
		ipsi_adopt_queue(ipsi_net(xs_net(x)),
				 ipsi_adopt_note_alloc(idev, x));
}

/**
 * ipsi_adopt_search - adopt SAs that have come without a word
 * @net: underlay namespace
 *
 * Context: any.
 */
void ipsi_adopt_search(struct net *net)
{
	ipsi_adopt_queue(ipsi_net(net), NULL);
}

/**
 * ipsi_adopt_scan - adopt the SAs that were there before
 * @idev: a device that is new, or whose configuration has changed
 *
 * Context: RTNL.
 */
void ipsi_adopt_scan(struct ipsi_dev *idev)
{
	const struct ipsi_conf *conf = rtnl_dereference(idev->conf);
	struct ipsi_net *inet = ipsi_net(idev->net);

	ipsi_spd_update(idev);
	if (conf->keying == IPSEC_IPIP_KEYING_MANUAL)
		return;
	/* It is only a hint, which saves looking. */
	if (conf->keying == IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS)
		WRITE_ONCE(inet->adopt.by_endpoints, true);
	ipsi_adopt_queue(inet, NULL);
}

/**
 * ipsi_adopt_validate - can a device be configured so?
 * @net: underlay namespace
 * @dev: the device
 * @conf: what it is to be
 * @extack: says why not
 *
 * Context: RTNL.
 * Return: 0 or a negative errno.
 */
int ipsi_adopt_validate(const struct net *net, const struct net_device *dev,
			const struct ipsi_conf *conf,
			struct netlink_ext_ack *extack)
{
	const struct ipsi_net *inet = ipsi_net(net);
	const struct ipsi_conf *other;
	struct ipsi_dev *idev;
	unsigned int i;

	if (conf->keying == IPSEC_IPIP_KEYING_MANUAL &&
	    conf->policies != IPSEC_IPIP_POLICIES_OPTIONAL) {
		NL_SET_ERR_MSG(extack,
			       "policies: expected optional with keying manual");
		return -EINVAL;
	}
	if (conf->keying != IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS)
		return 0;

	for (i = 0; i < ARRAY_SIZE(inet->devs); i++)
		hlist_for_each_entry(idev, &inet->devs[i], node) {
			other = rtnl_dereference(idev->conf);
			if (idev->dev == dev || other->keying != conf->keying ||
			    other->family != conf->family ||
			    !ipsi_adopt_between(other, &conf->local,
						&conf->remote))
				continue;
			NL_SET_ERR_MSG(extack,
				       "keying: another device adopts what is between these endpoints");
			return -EEXIST;
		}

	return 0;
}

/**
 * ipsi_adopt_net_init - start with nothing to adopt
 * @net: a namespace
 */
void ipsi_adopt_net_init(struct net *net)
{
	struct ipsi_adopt *adopt = &ipsi_net(net)->adopt;

	adopt->net = net;
	spin_lock_init(&adopt->lock);
	INIT_LIST_HEAD(&adopt->notes);
	INIT_DELAYED_WORK(&adopt->work, ipsi_adopt_work);
}

/**
 * ipsi_adopt_net_exit - undo ipsi_adopt_net_init()
 * @net: the namespace; it has no device any more
 *
 * Context: process.
 */
void ipsi_adopt_net_exit(struct net *net)
{
	struct ipsi_adopt *adopt = &ipsi_net(net)->adopt;
	struct ipsi_adopt_note *note;

	cancel_delayed_work_sync(&adopt->work);
	while ((note = ipsi_adopt_next(adopt)))
		ipsi_adopt_note_free(note);
}

/**
 * ipsi_adopt_init - make the work queue
 *
 * Return: 0 or -ENOMEM.
 */
int ipsi_adopt_init(void)
{
	ipsi_adopt_wq = alloc_workqueue("ipsec_ipip_adopt",
					WQ_UNBOUND | WQ_HIGHPRI | WQ_SYSFS, 0);
	return ipsi_adopt_wq ? 0 : -ENOMEM;
}

/**
 * ipsi_adopt_exit - undo ipsi_adopt_init(), when all namespaces are done with
 */
void ipsi_adopt_exit(void)
{
	destroy_workqueue(ipsi_adopt_wq);
}
