// SPDX-License-Identifier: GPL-2.0
/*
 * Adoption: the device takes over the tunnel-mode SAs that an unmodified key
 * manager negotiates and installs.
 *
 * An inbound SA stays in tunnel mode: the device receives such packets too, and
 * so no packet or sequence number is lost. It only gets the if_id of the device
 * if it has none, directly in the notification.
 *
 * An outbound SA is replaced by a clone in transport mode. That sleeps, so a
 * work item does it. The work holds the xfrm_cfg_mutex, as all key managers do,
 * so that none of them sees an intermediate state.
 *
 * The key manager still finds its SA by address, SPI and protocol.
 */
#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rhashtable.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/netns/hash.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "adopt.h"
#include "conf.h"
#include "decap.h"
#include "event.h"
#include "net.h"
#include "sa.h"
#include "sa_clone.h"
#include "sad_find.h"
#include "spd.h"
#include "ts.h"
#include "txq.h"
#include "unlisted.h"
#include "work.h"

/* Delay before another search of the SAD if there was no memory for one */
#define IPSI_ADOPT_RETRY	(HZ / 10)

/* Limit of noted SAs in a namespace, beyond which the SAD is searched instead;
 * also of the SAs that one pass over the SAD returns
 */
#define IPSI_ADOPT_MAX		1024

/**
 * struct ipsi_adopt_note - an ESP SA to adopt
 * @list: entry in ipsi_adopt.notes
 * @idev: the device that adopts it; a reference is held, and the device queues
 *   its packets as long as the note exists (txq.c)
 * @tracker: of that reference
 * @daddr: destination address
 * @spi: SPI
 * @mark: mark that finds it
 * @family: family of @daddr
 */
struct ipsi_adopt_note {
	struct list_head list;
	struct ipsi_dev *idev;
	netdevice_tracker tracker;
	xfrm_address_t daddr;
	__be32 spi;
	u32 mark;
	u16 family;
};

/* Devices that adopt by endpoints; the key is namespace and endpoints, at most
 * one device for each. Written under RTNL, read under RCU.
 */
static struct rhashtable ipsi_adopt_table;

static u32 ipsi_ends_hash(const void *data, u32 len, u32 seed)
{
	const struct ipsi_ends *ends = data;

	seed ^= net_hash_mix(ends->net) ^ ends->family;
	seed = jhash(&ends->local, sizeof(ends->local), seed);

	return jhash(&ends->remote, sizeof(ends->remote), seed);
}

static u32 ipsi_ends_obj_hash(const void *data, u32 len, u32 seed)
{
	const struct ipsi_dev *idev = data;

	return ipsi_ends_hash(&idev->ends, len, seed);
}

static bool ipsi_ends_equal(const struct ipsi_ends *a,
			    const struct ipsi_ends *b)
{
	return a->net == b->net && a->family == b->family &&
	       xfrm_addr_equal(&a->local, &b->local, a->family) &&
	       xfrm_addr_equal(&a->remote, &b->remote, a->family);
}

static int ipsi_ends_obj_cmp(struct rhashtable_compare_arg *arg,
			     const void *obj)
{
	const struct ipsi_dev *idev = obj;

	return !ipsi_ends_equal(arg->key, &idev->ends);
}

static const struct rhashtable_params ipsi_adopt_params = {
	.head_offset		= offsetof(struct ipsi_dev, by_ends),
	.hashfn			= ipsi_ends_hash,
	.obj_hashfn		= ipsi_ends_obj_hash,
	.obj_cmpfn		= ipsi_ends_obj_cmp,
	.automatic_shrinking	= true,
};

static void ipsi_ends_set_addr(xfrm_address_t *to, const xfrm_address_t *from,
			       u16 family)
{
	/* User space does not clear the bytes behind an IPv4 address. */
	if (family == AF_INET)
		to->a4 = from->a4;
	else
		*to = *from;
}

static void ipsi_ends_set(struct ipsi_ends *ends, const struct net *net,
			  u16 family, const xfrm_address_t *local,
			  const xfrm_address_t *remote)
{
	memset(ends, 0, sizeof(*ends));
	ends->net = net;
	ends->family = family;
	ipsi_ends_set_addr(&ends->local, local, family);
	ipsi_ends_set_addr(&ends->remote, remote, family);
}

/* Find the device that adopts SAs between these endpoints. RTNL or RCU. */
static struct ipsi_dev *ipsi_ends_find(const struct net *net, u16 family,
				       const xfrm_address_t *local,
				       const xfrm_address_t *remote)
{
	struct ipsi_ends ends;

	ipsi_ends_set(&ends, net, family, local, remote);

	return rhashtable_lookup_fast(&ipsi_adopt_table, &ends,
				      ipsi_adopt_params);
}

/* Find the device that adopts x by its endpoints, since x has no if_id. */
static struct ipsi_dev *ipsi_adopt_find(const struct net *net,
					const struct xfrm_state *x)
{
	const xfrm_address_t *src = &x->props.saddr, *dst = &x->id.daddr;
	u16 family = x->props.family;

	if (!READ_ONCE(ipsi_net(net)->adopt.by_endpoints))
		return NULL;

	return ipsi_ends_find(net, family, src, dst) ?:
	       ipsi_ends_find(net, family, dst, src);
}

/* Find the device that has to adopt x, or NULL if there is none, or if x is not
 * valid yet or already adopted. RCU read side.
 */
static struct ipsi_dev *ipsi_adopt_device(const struct net *net,
					  const struct xfrm_state *x, bool *out)
{
	const struct ipsi_conf *conf;
	struct ipsi_dev *idev;

	if (x->id.proto != IPPROTO_ESP || !x->id.spi ||
	    x->props.mode != XFRM_MODE_TUNNEL || !ipsi_sa_valid(x) ||
	    x->xflags & IPSI_XFLAG_ADOPTED)
		return NULL;

	idev = x->if_id ? ipsi_net_find(net, x->if_id) :
			  ipsi_adopt_find(net, x);
	if (!idev || ipsi_dev_goes(idev))
		return NULL;

	conf = rcu_dereference(idev->conf);
	if (conf->keying == IPSEC_IPIP_KEYING_MANUAL ||
	    !ipsi_conf_direction(conf, x, out))
		return NULL;

	return idev;
}

/* Return the reason why x cannot be adopted, or -1. Without the if_id of the
 * device, an SA with a mark belongs to a VTI or to a policy with that mark.
 */
static int ipsi_adopt_refusal(struct ipsi_dev *idev,
			      const struct xfrm_state *x, bool out)
{
	if (!x->if_id && (x->mark.v || x->mark.m))
		return IPSEC_IPIP_REFUSAL_MARK;
	if (!ipsi_sad_has_room(idev))
		return IPSEC_IPIP_REFUSAL_LIMIT;
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

static void ipsi_adopt_set_refused(struct xfrm_state *x, bool refused)
{
	spin_lock_bh(&x->lock);
	if (refused)
		x->xflags |= IPSI_XFLAG_REFUSED;
	else
		x->xflags &= ~IPSI_XFLAG_REFUSED;
	spin_unlock_bh(&x->lock);
}

/* Report a refusal, once per state until it is updated. It is not marked after
 * a failure such as lack of memory: the next search of the SAD tries again.
 */
static void ipsi_adopt_refuse(struct ipsi_dev *idev, struct xfrm_state *x,
			      bool out, u32 refusal)
{
	static const char * const why[] = {
		[IPSEC_IPIP_REFUSAL_SELECTOR] = "selectors with ports",
		[IPSEC_IPIP_REFUSAL_INTEGRITY] = "no integrity",
		[IPSEC_IPIP_REFUSAL_OFFLOAD] = "hardware offload",
		[IPSEC_IPIP_REFUSAL_UNSUPPORTED] = "not supported",
		[IPSEC_IPIP_REFUSAL_FAILED] = "failed",
		[IPSEC_IPIP_REFUSAL_MARK] = "a mark",
		[IPSEC_IPIP_REFUSAL_LIMIT] = "too many SAs",
	};

	if (x->xflags & IPSI_XFLAG_REFUSED)
		return;
	if (refusal != IPSEC_IPIP_REFUSAL_FAILED)
		ipsi_adopt_set_refused(x, true);

	if (net_ratelimit())
		netdev_warn(idev->dev, "SA with SPI 0x%08x not adopted: %s\n",
			    ntohl(x->id.spi), why[refusal]);
	ipsi_nl_event_refuse(idev, x, out, refusal);
}

/* Make a state an SA of the device without replacing it. */
static void ipsi_adopt_set_if_id(struct xfrm_state *x, u32 if_id)
{
	struct net *net = xs_net(x);

	spin_lock_bh(&x->lock);
	spin_lock(&net->xfrm.xfrm_state_lock);
	x->if_id = if_id;
	spin_unlock(&net->xfrm.xfrm_state_lock);
	x->xflags |= IPSI_XFLAG_ADOPTED;
	spin_unlock_bh(&x->lock);
}

/* Replace x by its clone in transport mode. */
static int ipsi_adopt_replace(struct ipsi_dev *idev,
			      const struct ipsi_conf *conf,
			      struct xfrm_state *x, bool out)
{
	struct ipsi_sa_change change;
	struct xfrm_state *clone;

	ipsi_sa_change_init(&change, x);
	ipsi_ts_keep(&change, x);
	change.mode = XFRM_MODE_TRANSPORT;
	change.if_id = conf->if_id;
	change.xflags |= IPSI_XFLAG_ADOPTED;

	clone = ipsi_sa_clone(x, &change, NULL);
	if (IS_ERR(clone))
		return PTR_ERR(clone);
	if (out)
		ipsi_sa_unset_type_offload(clone);

	return ipsi_sa_swap(idev, x, clone);
}

static void ipsi_adopt_in(struct ipsi_dev *idev,
			  const struct ipsi_conf *conf,
			  struct xfrm_state *x)
{
	ipsi_adopt_set_if_id(x, conf->if_id);
	rcu_read_lock();
	ipsi_sa_attach(idev, x);
	rcu_read_unlock();
}

/* Return true if another search of the SAD will not find x again. */
static bool ipsi_adopt_by_device(struct ipsi_dev *idev,
				 const struct ipsi_conf *conf,
				 struct xfrm_state *x, bool out)
{
	int refusal = ipsi_adopt_refusal(idev, x, out);
	int err;

	if (refusal >= 0) {
		ipsi_adopt_refuse(idev, x, out, refusal);
		return true;
	}

	if (!out && ipsi_decap_tunnel_ok(x)) {
		ipsi_adopt_in(idev, conf, x);
		return true;
	}

	err = ipsi_adopt_replace(idev, conf, x, out);
	/* -ESRCH: x died in the meantime. */
	if (err && err != -ESRCH)
		ipsi_adopt_refuse(idev, x, out, IPSEC_IPIP_REFUSAL_FAILED);
	if (!err && out)
		ipsi_acquire_complete(idev, conf, x);

	return !err;
}

/* Everything is checked again: the state, the device and its configuration may
 * have changed since the SA was noted.
 */
static bool ipsi_adopt_state(struct net *net, struct xfrm_state *x)
{
	netdevice_tracker tracker;
	struct ipsi_dev *idev;
	struct ipsi_conf conf;
	bool done, out;

	rcu_read_lock();
	idev = ipsi_adopt_device(net, x, &out);
	if (idev) {
		conf = *rcu_dereference(idev->conf);
		netdev_hold(idev->dev, &tracker, GFP_ATOMIC);
	}
	rcu_read_unlock();
	if (!idev)
		return true;

	done = ipsi_adopt_by_device(idev, &conf, x, out);
	netdev_put(idev->dev, &tracker);

	return done;
}

/* The namespace's xfrm_cfg_mutex is held. */
static void ipsi_adopt_noted(struct net *net,
			     const struct ipsi_adopt_note *note)
{
	struct xfrm_state *x;

	x = xfrm_state_lookup(net, note->mark, &note->daddr, note->spi,
			      IPPROTO_ESP, note->family);
	if (x) {
		ipsi_adopt_state(net, x);
		xfrm_state_put(x);
	}
}

static void ipsi_adopt_note_free(struct ipsi_adopt_note *note)
{
	ipsi_txq_adopt_done(note->idev);
	netdev_put(note->idev->dev, &note->tracker);
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
	netdev_hold(idev->dev, &note->tracker, GFP_ATOMIC);
	ipsi_txq_adopt_begin(idev);
	note->daddr = x->id.daddr;
	note->spi = x->id.spi;
	note->mark = x->mark.v & x->mark.m;
	note->family = x->props.family;

	return note;
}

/* Queue a note; without one, or without room for it, a search of the SAD. */
static void ipsi_adopt_queue(struct net *net, struct ipsi_adopt_note *note)
{
	struct ipsi_adopt *adopt = &ipsi_net(net)->adopt;
	bool noted;

	spin_lock_bh(&adopt->lock);
	noted = note && adopt->n < IPSI_ADOPT_MAX;
	if (noted) {
		list_add_tail(&note->list, &adopt->notes);
		WRITE_ONCE(adopt->n, adopt->n + 1);
	}
	spin_unlock_bh(&adopt->lock);

	if (noted) {
		ipsi_work_queue_urgent(&adopt->work, 0);
		return;
	}
	if (note)
		ipsi_adopt_note_free(note);
	ipsi_work_rescan(net);
}

/* For ipsi_sad_find(): does x have to be adopted? @data is the namespace. A state
 * that was refused is wanted again when the reason is gone, such as a lack of
 * room.
 */
static bool ipsi_adopt_wants(const struct xfrm_state *x, const void *data)
{
	struct ipsi_dev *idev;
	bool out, wants;

	rcu_read_lock();
	idev = ipsi_adopt_device(data, x, &out);
	wants = idev && (!(x->xflags & IPSI_XFLAG_REFUSED) ||
			 ipsi_adopt_refusal(idev, x, out) < 0);
	rcu_read_unlock();

	return wants;
}

/* Adopt SAs of the SAD, the oldest first: SAs become newer in the order in
 * which they are adopted. Return true if more are left and another pass makes
 * sense.
 */
static bool ipsi_adopt_scan_some(struct net *net, struct xfrm_state **found)
{
	unsigned int i, n, total;
	bool progress = false;

	total = ipsi_sad_find(net, ipsi_adopt_wants, net, found,
			      IPSI_ADOPT_MAX);
	n = min_t(unsigned int, total, IPSI_ADOPT_MAX);
	for (i = n; i-- > 0;) {
		mutex_lock(&net->xfrm.xfrm_cfg_mutex);
		progress |= ipsi_adopt_state(net, found[i]);
		mutex_unlock(&net->xfrm.xfrm_cfg_mutex);
		xfrm_state_put(found[i]);
		cond_resched();
	}

	return total > n && progress;
}

static void ipsi_adopt_scan_all(struct ipsi_adopt *adopt)
{
	struct xfrm_state **found;

	found = kmalloc_array(IPSI_ADOPT_MAX, sizeof(*found), GFP_KERNEL);
	if (!found) {
		spin_lock_bh(&adopt->lock);
		adopt->scan = true;
		spin_unlock_bh(&adopt->lock);
		ipsi_work_queue_urgent(&adopt->work, IPSI_ADOPT_RETRY);
		return;
	}

	while (ipsi_adopt_scan_some(adopt->net, found))
		;
	kfree(found);
}

static struct ipsi_adopt_note *ipsi_adopt_next(struct ipsi_adopt *adopt)
{
	struct ipsi_adopt_note *note;

	spin_lock_bh(&adopt->lock);
	note = list_first_entry_or_null(&adopt->notes, struct ipsi_adopt_note,
					list);
	if (note) {
		list_del(&note->list);
		WRITE_ONCE(adopt->n, adopt->n - 1);
	}
	spin_unlock_bh(&adopt->lock);

	return note;
}

/* Adopt the SA of the first note. Return false if there is none. The note has a
 * reference to the device, with which nothing may wait for the mutex: see struct
 * ipsi_nl_sad.
 */
static bool ipsi_adopt_first(struct ipsi_adopt *adopt)
{
	struct net *net = adopt->net;
	struct ipsi_adopt_note *note;

	mutex_lock(&net->xfrm.xfrm_cfg_mutex);
	note = ipsi_adopt_next(adopt);
	if (note)
		ipsi_adopt_noted(net, note);
	mutex_unlock(&net->xfrm.xfrm_cfg_mutex);
	if (note)
		ipsi_adopt_note_free(note);

	return note;
}

static void ipsi_adopt_work(struct work_struct *work)
{
	struct ipsi_adopt *adopt = container_of(work, struct ipsi_adopt,
						work.work);
	bool scan;

	spin_lock_bh(&adopt->lock);
	scan = adopt->scan;
	adopt->scan = false;
	spin_unlock_bh(&adopt->lock);

	if (scan)
		ipsi_adopt_scan_all(adopt);

	while (READ_ONCE(adopt->n) && ipsi_adopt_first(adopt))
		cond_resched();
}

/**
 * ipsi_adopt_wants_all - does a device adopt SAs without if_id?
 * @net: underlay namespace
 *
 * Context: any.
 * Return: true if there is such a device.
 */
bool ipsi_adopt_wants_all(const struct net *net)
{
	return READ_ONCE(ipsi_net(net)->adopt.by_endpoints);
}

/**
 * ipsi_adopt_updated - adopt an SA that was added or updated
 * @x: the state in the SAD; it may get the if_id of the device
 *
 * Context: atomic, RCU read side, the namespace's xfrm_cfg_mutex held; @x's
 *   lock is not.
 */
void ipsi_adopt_updated(struct xfrm_state *x)
{
	struct net *net = xs_net(x);
	struct ipsi_dev *idev;
	bool out;

	idev = ipsi_adopt_device(net, x, &out);
	if (!idev)
		return;

	if (x->xflags & IPSI_XFLAG_REFUSED)
		ipsi_adopt_set_refused(x, false);
	if (!out && ipsi_decap_tunnel_ok(x) &&
	    ipsi_adopt_refusal(idev, x, out) < 0)
		ipsi_adopt_set_if_id(x, rcu_dereference(idev->conf)->if_id);
	else
		ipsi_adopt_queue(net, ipsi_adopt_note_alloc(idev, x));
}

/**
 * ipsi_adopt_why_not - find the reason why a state was not adopted
 * @idev: the device
 * @x: a state in the namespace of its underlay, not an SA of the device
 *
 * Context: any.
 * Return: enum ipsec_ipip_refusal, or -1 if it is not for the device to adopt.
 */
int ipsi_adopt_why_not(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	int refusal = -1;
	bool out;

	rcu_read_lock();
	if (ipsi_adopt_device(idev->net, x, &out) == idev) {
		refusal = ipsi_adopt_refusal(idev, x, out);
		if (refusal < 0)
			refusal = IPSEC_IPIP_REFUSAL_PENDING;
	}
	rcu_read_unlock();

	return refusal;
}

/**
 * ipsi_adopt_stop - free the notes of a device
 * @idev: the device, which is being unregistered, so that none is added
 *
 * Context: RTNL.
 */
void ipsi_adopt_stop(struct ipsi_dev *idev)
{
	struct ipsi_adopt *adopt = &ipsi_net(idev->net)->adopt;
	struct ipsi_adopt_note *note, *next;
	LIST_HEAD(notes);

	if (!READ_ONCE(idev->txq.adopting))
		return;

	spin_lock_bh(&adopt->lock);
	list_for_each_entry_safe(note, next, &adopt->notes, list) {
		if (note->idev != idev)
			continue;
		list_move_tail(&note->list, &notes);
		WRITE_ONCE(adopt->n, adopt->n - 1);
	}
	spin_unlock_bh(&adopt->lock);

	list_for_each_entry_safe(note, next, &notes, list)
		ipsi_adopt_note_free(note);
}

/**
 * ipsi_adopt_forget - stop adopting by the endpoints of a device
 * @idev: the device
 *
 * Context: RTNL. Readers may find it until a grace period has passed.
 */
void ipsi_adopt_forget(struct ipsi_dev *idev)
{
	struct ipsi_adopt *adopt = &ipsi_net(idev->net)->adopt;

	ASSERT_RTNL();

	if (!idev->ends.family)
		return;

	rhashtable_remove_fast(&ipsi_adopt_table, &idev->by_ends,
			       ipsi_adopt_params);
	idev->ends.family = 0;
	WRITE_ONCE(adopt->by_endpoints, adopt->by_endpoints - 1);
}

/* Add the device to the table of endpoints. It may just have been removed from
 * another chain: readers that follow it into this one notice and restart, and
 * those that find it by its old endpoints check its configuration.
 */
static void ipsi_adopt_by_ends(struct ipsi_dev *idev,
			       const struct ipsi_conf *conf)
{
	struct ipsi_adopt *adopt = &ipsi_net(idev->net)->adopt;

	ipsi_ends_set(&idev->ends, idev->net, conf->family, &conf->local,
		      &conf->remote);
	if (rhashtable_insert_fast(&ipsi_adopt_table, &idev->by_ends,
				   ipsi_adopt_params)) {
		idev->ends.family = 0;
		netdev_warn_once(idev->dev, "no memory to adopt by endpoints\n");
		return;
	}
	WRITE_ONCE(adopt->by_endpoints, adopt->by_endpoints + 1);
}

/* May the SAD have states that the device has to adopt? Those with the if_id of a
 * new device are among its SAs, or were noted. A device that was there before may
 * have a state that was reported when it did not want it, and is not noted yet.
 */
static bool ipsi_adopt_any(const struct ipsi_dev *idev,
			   const struct ipsi_conf *conf, bool is_new)
{
	switch (conf->keying) {
	case IPSEC_IPIP_KEYING_MANUAL:
		return false;
	case IPSEC_IPIP_KEYING_ADOPT:
		return !is_new || READ_ONCE(idev->sad.n) ||
		       ipsi_unlisted_any(idev->net, idev->if_id);
	default:
		return true;
	}
}

/**
 * ipsi_adopt_configure - adopt according to the configuration
 * @idev: a device that is new, or whose configuration has changed; existing SAs
 *   are adopted too
 * @is_new: the device is new
 *
 * Context: RTNL.
 */
void ipsi_adopt_configure(struct ipsi_dev *idev, bool is_new)
{
	const struct ipsi_conf *conf = rtnl_dereference(idev->conf);

	ipsi_adopt_forget(idev);
	if (conf->keying == IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS)
		ipsi_adopt_by_ends(idev, conf);

	ipsi_spd_update(idev);
	if (ipsi_adopt_any(idev, conf, is_new))
		ipsi_work_rescan(idev->net);
}

/**
 * ipsi_adopt_validate - check the adoption options of a configuration
 * @net: underlay namespace
 * @dev: the device
 * @conf: its new configuration
 * @extack: gets the reason for a refusal
 *
 * Context: RTNL.
 * Return: 0 or a negative errno.
 */
int ipsi_adopt_validate(const struct net *net, const struct net_device *dev,
			const struct ipsi_conf *conf,
			struct netlink_ext_ack *extack)
{
	const struct ipsi_dev *other;

	if (conf->keying == IPSEC_IPIP_KEYING_MANUAL &&
	    conf->policies != IPSEC_IPIP_POLICIES_OPTIONAL) {
		NL_SET_ERR_MSG(extack,
			       "policies: expected optional with keying manual");
		return -EINVAL;
	}
	if (conf->keying != IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS)
		return 0;

	other = ipsi_ends_find(net, conf->family, &conf->local, &conf->remote);
	if (!other || other->dev == dev)
		return 0;

	NL_SET_ERR_MSG(extack,
		       "keying: another device adopts SAs between these endpoints");
	return -EEXIST;
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
 * ipsi_adopt_init - create the table of devices
 *
 * Return: 0 or a negative errno.
 */
int ipsi_adopt_init(void)
{
	return rhashtable_init(&ipsi_adopt_table, &ipsi_adopt_params);
}

/**
 * ipsi_adopt_exit - undo ipsi_adopt_init(), after all namespaces have exited
 */
void ipsi_adopt_exit(void)
{
	rhashtable_destroy(&ipsi_adopt_table);
}
