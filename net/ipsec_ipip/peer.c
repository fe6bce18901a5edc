// SPDX-License-Identifier: GPL-2.0
/*
 * Peers that move: with the option "roam" the remote endpoint is wherever the
 * newest authentic packet came from (RFC 7296 section 2.23), and with "remote
 * any" it is not known before the first one.
 *
 * The packet is seen in the data path; that the device and its SAs follow is
 * work that may sleep.
 *
 * Where a key manager moves its SAs (RFC 4555), the device that adopts them
 * follows those and not packets: the key manager has asked whether the peer is
 * there, and has to find its SAs where it has put them. It may be this host
 * that has moved, too.
 */
#include <linux/inetdevice.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/xfrm.h>

#include "adopt.h"
#include "bundle.h"
#include "conf.h"
#include "mtu.h"
#include "nlmsg.h"
#include "peer.h"
#include "sa.h"
#include "sa_clone.h"
#include "work.h"

/* How often the device follows. A peer with two addresses that uses them by turns
 * must not keep everybody from the RTNL.
 */
#define IPSI_PEER_INTERVAL	HZ

/**
 * struct ipsi_peer_mapping - ESP in UDP that has come from elsewhere
 * @x: its SA, to be compared only
 * @port: its UDP source port, network byte order
 *
 * XFRM tells of it before it has looked for a replay once more; the receive path
 * takes it on the same CPU, with BH off since then.
 */
struct ipsi_peer_mapping {
	const struct xfrm_state *x;
	__be16 port;
};

static DEFINE_PER_CPU(struct ipsi_peer_mapping, ipsi_peer_last_mapping);

/**
 * ipsi_peer_may_move - may a packet come from anywhere?
 * @conf: configuration of the device
 * @x: the inbound SA that brought it
 *
 * A packet that is replayed from elsewhere must not move the peer there, so
 * the SA has to have a replay window.
 *
 * Context: any.
 */
bool ipsi_peer_may_move(const struct ipsi_conf *conf,
			const struct xfrm_state *x)
{
	return conf->roam && conf->keying == IPSEC_IPIP_KEYING_MANUAL &&
	       (x->props.replay_window ||
		(x->replay_esn && x->replay_esn->replay_window));
}

/* No answer must go to where this host, or more than one, is. */
static bool ipsi_peer_addr_ok(const xfrm_address_t *addr,
			      const xfrm_address_t *other, u16 family)
{
	if (xfrm_addr_any(addr, family) || xfrm_addr_equal(addr, other, family))
		return false;

	return family == AF_INET ?
	       !ipv4_is_multicast(addr->a4) && !ipv4_is_lbcast(addr->a4) :
	       !ipv6_addr_is_multicast(&addr->in6);
}

/**
 * ipsi_peer_mapping - ESP in UDP has come from elsewhere than its SA says
 * @x: the SA
 * @port: UDP source port, network byte order
 *
 * Context: BH off.
 */
void ipsi_peer_mapping(const struct xfrm_state *x, __be16 port)
{
	struct ipsi_peer_mapping *last = this_cpu_ptr(&ipsi_peer_last_mapping);

	last->x = x;
	last->port = port;
}

/**
 * ipsi_peer_take_mapping - has this packet come from elsewhere than its SA says?
 * @x: its SA
 *
 * Context: BH off, as since ipsi_peer_mapping(), for each packet of @x.
 * Return: its UDP source port, network byte order, or 0 if it has not.
 */
__be16 ipsi_peer_take_mapping(const struct xfrm_state *x)
{
	struct ipsi_peer_mapping *last = this_cpu_ptr(&ipsi_peer_last_mapping);

	if (!x->encap || last->x != x)
		return 0;

	last->x = NULL;
	return last->port;
}

/* In how many jiffies the device may follow. The clock may have gone round since
 * it has done so last.
 */
static unsigned long ipsi_peer_delay(const struct ipsi_peer *peer)
{
	unsigned long now = jiffies;

	lockdep_assert_held(&peer->lock);

	return time_before(now, peer->next) ?
	       min_t(unsigned long, peer->next - now, IPSI_PEER_INTERVAL) : 0;
}

/**
 * ipsi_peer_update - an authentic packet came from elsewhere
 * @idev: the device
 * @addr: its outer source address
 * @port: its UDP source port, network byte order; 0 if that is as it was
 *
 * The SA that brought it is one for which ipsi_peer_may_move(), and none that
 * was sent after it has come before it.
 *
 * Context: BH off, RCU read side.
 */
void ipsi_peer_update(struct ipsi_dev *idev, const xfrm_address_t *addr,
		      __be16 port)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);
	struct ipsi_peer *peer = &idev->peer;
	unsigned long delay;

	if (!ipsi_peer_addr_ok(addr, &conf->local, conf->family))
		return;

	spin_lock(&peer->lock);
	peer->local = conf->local;
	peer->addr = *addr;
	peer->port = port;
	WRITE_ONCE(peer->moved, true);
	delay = ipsi_peer_delay(peer);
	spin_unlock(&peer->lock);

	ipsi_work_queue_delayed(idev, &peer->work, delay);
}

/**
 * ipsi_peer_stays - an authentic packet came from where the peer is said to be
 * @idev: the device; if it was about to follow the peer elsewhere, it does not
 *
 * Context: BH off.
 */
void ipsi_peer_stays(struct ipsi_dev *idev)
{
	struct ipsi_peer *peer = &idev->peer;

	if (likely(!READ_ONCE(peer->moved)))
		return;

	spin_lock(&peer->lock);
	WRITE_ONCE(peer->moved, false);
	spin_unlock(&peer->lock);
}

/* Where does x say that the endpoints are? An outbound SA has one of those that
 * are known, and the other has moved.
 */
static bool ipsi_peer_moved(const struct xfrm_state *x,
			    const xfrm_address_t *local,
			    const xfrm_address_t *remote)
{
	u16 family = x->props.family;

	return xfrm_addr_equal(&x->props.saddr, local, family) !=
	       xfrm_addr_equal(&x->id.daddr, remote, family) &&
	       ipsi_peer_addr_ok(&x->props.saddr, &x->id.daddr, family) &&
	       ipsi_peer_addr_ok(&x->id.daddr, &x->props.saddr, family);
}

/* The same, beside what is already known but still to be done. */
static bool ipsi_peer_note(struct ipsi_peer *peer, const struct ipsi_conf *conf,
			   const struct xfrm_state *x)
{
	bool moved;

	spin_lock_bh(&peer->lock);
	moved = peer->moved ?
		ipsi_peer_moved(x, &peer->local, &peer->addr) :
		ipsi_peer_moved(x, &conf->local, &conf->remote);
	if (moved) {
		peer->local = x->props.saddr;
		peer->addr = x->id.daddr;
		peer->port = x->encap ? x->encap->encap_dport : 0;
		WRITE_ONCE(peer->moved, true);
	}
	spin_unlock_bh(&peer->lock);

	return moved;
}

/**
 * ipsi_peer_sa_updated - a key manager has added or changed an SA
 * @idev: the device, whose if_id @x carries
 * @x: the state in the SAD; if it goes to a new place, or from one, the device
 *   follows
 *
 * Context: RCU read side; @x's lock is not held.
 */
void ipsi_peer_sa_updated(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);

	if (!conf->roam || conf->keying == IPSEC_IPIP_KEYING_MANUAL ||
	    x->props.family != conf->family || x->id.proto != IPPROTO_ESP ||
	    !x->id.spi || !ipsi_sa_valid(x) || !ipsi_sa_authenticates(x))
		return;

	if (ipsi_peer_note(&idev->peer, conf, x))
		ipsi_work_queue_delayed(idev, &idev->peer.work, 0);
}

/* What has to be changed in an SA for it to lead to the peer's new place, or from
 * there. Return false if it does so already.
 */
static bool ipsi_peer_change(struct ipsi_sa_change *change,
			     const struct xfrm_state *x, bool out,
			     const struct ipsi_peer *to)
{
	__be16 *port = out ? &change->encap_dport : &change->encap_sport;
	xfrm_address_t *addr = out ? &change->daddr : &change->saddr;
	bool moved;

	ipsi_sa_change_init(change, x);
	moved = !xfrm_addr_equal(addr, &to->addr, x->props.family);
	*addr = to->addr;
	if (x->encap && to->port) {
		moved |= *port != to->port;
		*port = to->port;
	}

	return moved;
}

/* Addresses of a state that lives cannot be changed: it is hashed by them. The
 * caller holds xfrm_cfg_mutex. Return -ENOMEM if it is worth another try.
 */
static int ipsi_peer_move_sa(struct ipsi_dev *idev, struct xfrm_state *x,
			     bool out, const struct ipsi_peer *to,
			     bool *changed)
{
	struct ipsi_sa_change change;
	struct xfrm_state *new;

	if (!ipsi_peer_change(&change, x, out, to))
		return 0;

	*changed = true;
	new = ipsi_sa_clone(x, &change, NULL);
	if (IS_ERR(new)) {
		if (PTR_ERR(new) != -ENOMEM)
			netdev_warn_once(idev->dev,
					 "an SA could not follow the peer\n");
		return PTR_ERR(new);
	}

	if (ipsi_sa_replace(x, new)) {
		ipsi_sa_detach(idev, x);
		ipsi_sa_discard(new);
		return 0;
	}
	rcu_read_lock();
	ipsi_sa_swap(idev, x, new);
	rcu_read_unlock();
	xfrm_state_put(new);

	return 0;
}

/* Return -ENOMEM if some have not followed yet. */
static int ipsi_peer_move_sas(struct ipsi_dev *idev,
			      const struct ipsi_peer *to, bool *changed)
{
	struct mutex *cfg_mutex = &idev->net->xfrm.xfrm_cfg_mutex;
	struct ipsi_sa_ref ref = { .seq = U64_MAX };
	u32 generation;
	int err = 0;

	mutex_lock(cfg_mutex);
	/* An SA that is replaced keeps its place. */
	while (ipsi_sa_get_batch(idev, ref.seq, &ref, 1, &generation)) {
		if (ipsi_peer_move_sa(idev, ref.x, ref.out, to, changed) ==
		    -ENOMEM)
			err = -ENOMEM;
		xfrm_state_put(ref.x);
	}
	mutex_unlock(cfg_mutex);

	return err;
}

/* Would these endpoints be accepted as options? "remote any" says nothing of
 * where the peer is now.
 */
static int ipsi_peer_validate(struct ipsi_dev *idev, struct ipsi_conf *conf)
{
	bool any = conf->any;
	int err;

	conf->any = false;
	err = ipsi_conf_validate(idev->net, idev->dev, conf, NULL);
	conf->any = any;

	return err;
}

/* Return -ENODEV if the device is gone, or does not roam any more, -EINVAL if it
 * cannot be where the peer is, or -ENOMEM. @theirs is set if a key manager moves
 * the SAs, and @changed if the endpoints were others.
 */
static int ipsi_peer_move_conf(struct ipsi_dev *idev,
			       const struct ipsi_peer *to, bool *theirs,
			       bool *changed)
{
	struct ipsi_conf *old, *new;
	int err = 0;

	rtnl_lock();
	old = rtnl_dereference(idev->conf);
	if (idev->dev->reg_state != NETREG_REGISTERED || !old->roam) {
		err = -ENODEV;
		goto out;
	}

	*theirs = old->keying != IPSEC_IPIP_KEYING_MANUAL;
	if (xfrm_addr_equal(&old->remote, &to->addr, old->family) &&
	    (!*theirs ||
	     xfrm_addr_equal(&old->local, &to->local, old->family)))
		goto out;

	new = kmemdup(old, sizeof(*new), GFP_KERNEL);
	if (!new) {
		err = -ENOMEM;
		goto out;
	}
	new->remote = to->addr;
	if (*theirs)
		new->local = to->local;
	err = ipsi_peer_validate(idev, new);
	if (err) {
		kfree(new);
		goto out;
	}
	rcu_assign_pointer(idev->conf, new);
	kfree_rcu(old, rcu);
	*changed = true;
	netdev_state_change(idev->dev);
	/* Policies of the new endpoints, and SAs that came before it has followed. */
	ipsi_adopt_configure(idev);
out:
	rtnl_unlock();
	return err;
}

/* The RTNL is given up before the mutex is taken: who holds that one may wait
 * for a module to be loaded, which may take the RTNL. Until the SAs have
 * followed, nothing can be sent.
 */
static int ipsi_peer_follow(struct ipsi_dev *idev, const struct ipsi_peer *to)
{
	bool theirs, changed = false;
	int err;

	err = ipsi_peer_move_conf(idev, to, &theirs, &changed);
	if (err)
		return err;

	if (theirs) {
		ipsi_sad_load(idev);
	} else {
		err = ipsi_peer_move_sas(idev, to, &changed);
		if (!changed)
			return err;
	}
	ipsi_bundle_reset(idev);
	ipsi_sa_refresh(idev);
	ipsi_mtu_schedule(idev);
	ipsi_nl_event_peer(idev, to);

	return err;
}

/* There was no memory: follow later, unless there is news by then. */
static void ipsi_peer_retry(struct ipsi_dev *idev, const struct ipsi_peer *to)
{
	struct ipsi_peer *peer = &idev->peer;

	spin_lock_bh(&peer->lock);
	if (!peer->moved) {
		peer->local = to->local;
		peer->addr = to->addr;
		peer->port = to->port;
		WRITE_ONCE(peer->moved, true);
	}
	spin_unlock_bh(&peer->lock);

	ipsi_work_queue_delayed(idev, &peer->work, IPSI_PEER_INTERVAL);
}

static void ipsi_peer_work(struct work_struct *work)
{
	struct ipsi_peer *peer = container_of(work, struct ipsi_peer,
					      work.work);
	struct ipsi_dev *idev = container_of(peer, struct ipsi_dev, peer);
	struct ipsi_peer to;
	bool moved;

	spin_lock_bh(&peer->lock);
	to.local = peer->local;
	to.addr = peer->addr;
	to.port = peer->port;
	moved = peer->moved;
	WRITE_ONCE(peer->moved, false);
	if (moved)
		peer->next = jiffies + IPSI_PEER_INTERVAL;
	spin_unlock_bh(&peer->lock);

	if (moved && ipsi_peer_follow(idev, &to) == -ENOMEM)
		ipsi_peer_retry(idev, &to);

	ipsi_work_done(idev);
}

/**
 * ipsi_peer_stop - follow nobody any more
 * @idev: a device that is going
 *
 * Context: RTNL.
 */
void ipsi_peer_stop(struct ipsi_dev *idev)
{
	ipsi_work_cancel(idev, &idev->peer.work);
}

/**
 * ipsi_peer_init - start with a peer that stays where it is
 * @idev: a device that is being made
 */
void ipsi_peer_init(struct ipsi_dev *idev)
{
	spin_lock_init(&idev->peer.lock);
	idev->peer.next = jiffies;
	INIT_DELAYED_WORK(&idev->peer.work, ipsi_peer_work);
}
