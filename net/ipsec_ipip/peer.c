// SPDX-License-Identifier: GPL-2.0
/*
 * Peers that move: with the option "roam" the remote endpoint is the source of
 * the newest authentic packet (RFC 7296 section 2.23). With "remote any" it is
 * not known before the first packet.
 *
 * The data path notes the new address. A work item moves the device and its
 * SAs, since that sleeps.
 *
 * A device that adopts SAs follows the SAs that its key manager moves (RFC
 * 4555), and not packets: the key manager has verified the new address, and
 * must find its SAs where it has put them. The local address may change in this
 * way too.
 */
#include <linux/inetdevice.h>
#include <linux/percpu.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/xfrm.h>

#include "adopt.h"
#include "cache.h"
#include "conf.h"
#include "event.h"
#include "mtu.h"
#include "peer.h"
#include "sa.h"
#include "sa_clone.h"
#include "work.h"

/* Minimum time between two moves, in jiffies. A peer that alternates between
 * two addresses must not keep others from the RTNL.
 */
#define IPSI_PEER_INTERVAL	HZ

/* Time until the second attempt if the xfrm_cfg_mutex was not free, in jiffies;
 * it doubles with each other attempt, up to IPSI_PEER_INTERVAL. And the maximum
 * number of attempts that are counted.
 */
#define IPSI_PEER_BUSY		(HZ / 50 + 1)
#define IPSI_PEER_TRIES_MAX	8

/**
 * struct ipsi_peer_mapping - ESP in UDP whose source differs from its SA
 * @x: the SA; compared only
 * @port: the UDP source port, network byte order
 *
 * XFRM reports the packet before its second replay check. The receive path
 * takes the report on the same CPU, with BH off since then.
 */
struct ipsi_peer_mapping {
	const struct xfrm_state *x;
	__be16 port;
};

static DEFINE_PER_CPU(struct ipsi_peer_mapping, ipsi_peer_last_mapping);

/**
 * ipsi_peer_may_move - may packets of an SA move the peer?
 * @conf: configuration of the device
 * @x: the inbound SA
 *
 * A packet that is replayed from another address must not move the peer there,
 * so the SA needs a replay window.
 *
 * Context: any.
 * Return: true if packets may come from any address, and move the peer.
 */
bool ipsi_peer_may_move(const struct ipsi_conf *conf,
			const struct xfrm_state *x)
{
	return conf->roam && conf->keying == IPSEC_IPIP_KEYING_MANUAL &&
	       (x->props.replay_window ||
		(x->replay_esn && x->replay_esn->replay_window));
}

/* Can this be the address of an endpoint? It must differ from the other one,
 * and be neither unspecified nor multicast or broadcast.
 */
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
 * ipsi_peer_mapping - note that the source of ESP in UDP differs from its SA
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
 * ipsi_peer_take_mapping - take the note of ipsi_peer_mapping() about a packet
 * @x: the SA of the packet, or NULL
 *
 * A note that is left is discarded, since @x may be compared with it after its
 * own SA was freed.
 *
 * Context: BH off since ipsi_peer_mapping(); called for each packet.
 * Return: the UDP source port, network byte order; 0 if there is no note, since
 *   address and port are those of the SA.
 */
__be16 ipsi_peer_take_mapping(const struct xfrm_state *x)
{
	struct ipsi_peer_mapping *last = this_cpu_ptr(&ipsi_peer_last_mapping);
	__be16 port = 0;

	if (likely(!last->x))
		return 0;

	if (last->x == x)
		port = last->port;
	last->x = NULL;
	return port;
}

/* Return the jiffies until the device may follow. */
static unsigned long ipsi_peer_delay(const struct ipsi_peer *peer)
{
	unsigned long age = ipsi_age(peer->last);

	lockdep_assert_held(&peer->lock);

	return IPSI_PEER_INTERVAL - min_t(unsigned long, age,
					  IPSI_PEER_INTERVAL);
}

/* Note the new address of the peer. */
static void ipsi_peer_moves(struct ipsi_dev *idev, const struct ipsi_conf *conf,
			    const xfrm_address_t *addr, __be16 port)
{
	struct ipsi_peer *peer = &idev->peer;
	unsigned long delay;

	if (!ipsi_peer_addr_ok(addr, &conf->local, conf->family))
		return;

	spin_lock(&peer->lock);
	peer->local = conf->local;
	peer->addr = *addr;
	peer->port = port;
	peer->retry = false;
	peer->tries = 0;
	WRITE_ONCE(peer->moved, true);
	delay = ipsi_peer_delay(peer);
	spin_unlock(&peer->lock);

	ipsi_work_queue_delayed(idev, &peer->work, delay);
}

/* Discard a pending move, but not a retry: its SAs still have to follow to where
 * the peer is now.
 */
static void ipsi_peer_stays(struct ipsi_dev *idev)
{
	struct ipsi_peer *peer = &idev->peer;

	if (likely(!READ_ONCE(peer->moved)))
		return;

	spin_lock(&peer->lock);
	if (!peer->retry)
		WRITE_ONCE(peer->moved, false);
	spin_unlock(&peer->lock);
}

/**
 * ipsi_peer_update - follow the peer to the source of an authentic packet
 * @idev: the device
 * @conf: its configuration
 * @x: the SA of the packet, which is the newest one of the SA
 * @addr: outer source address
 * @port: UDP source port, network byte order; 0 if address and port are those
 *   of the SA (ipsi_peer_take_mapping())
 *
 * Context: BH off, RCU read side.
 */
void ipsi_peer_update(struct ipsi_dev *idev, const struct ipsi_conf *conf,
		      const struct xfrm_state *x, const xfrm_address_t *addr,
		      __be16 port)
{
	bool here = xfrm_addr_equal(addr, &conf->remote, conf->family);

	if (!ipsi_peer_may_move(conf, x))
		return;

	if (x->encap ? !!port : !here)
		ipsi_peer_moves(idev, conf, addr, port);
	else if (here)
		ipsi_peer_stays(idev);
}

/* Does x have a new endpoint? That is an outbound SA with one address that is
 * known and another that has changed.
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

/* Note a new endpoint of x, compared with a pending move if there is one. */
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
 * ipsi_peer_sa_updated - follow an SA that a key manager has added or changed
 * @idev: the device, whose if_id @x carries
 * @x: the state in the SAD; if one of its endpoints is new, the device follows
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

/* Fill in the changes of an SA that follows the peer. Return false if there are
 * none.
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

/* Move an SA by replacing it: a state is hashed by its addresses, which cannot
 * change while it is in the SAD. The caller holds xfrm_cfg_mutex. Return
 * -ENOMEM if another attempt makes sense.
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

	if (ipsi_sa_swap(idev, x, new))
		ipsi_sa_detach(idev, x);

	return 0;
}

/* Move all SAs. Return -ENOMEM if some have not followed yet, or -EAGAIN if none
 * has. The work has a reference to the device, with which it must not wait for
 * the mutex: see struct ipsi_nl_sad.
 */
static int ipsi_peer_move_sas(struct ipsi_dev *idev,
			      const struct ipsi_peer *to, bool *changed)
{
	struct mutex *cfg_mutex = &idev->net->xfrm.xfrm_cfg_mutex;
	struct ipsi_sa_ref ref = { .seq = U64_MAX };
	u32 generation;
	int err = 0;

	if (!mutex_trylock(cfg_mutex))
		return -EAGAIN;
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

/* Check the new endpoints as if they were options, even with "remote any". */
static int ipsi_peer_validate(struct ipsi_dev *idev, struct ipsi_conf *conf)
{
	bool any = conf->any;
	int err;

	conf->any = false;
	err = ipsi_conf_validate(idev->net, idev->dev, conf, NULL) ?:
	      ipsi_adopt_validate(idev->net, idev->dev, conf, NULL);
	conf->any = any;

	return err;
}

/* Move the endpoints of the device. Return -ENODEV if the device is gone or
 * does not roam any more, -EINVAL, -EAFNOSUPPORT or -EEXIST if it cannot have
 * the new endpoints, or -ENOMEM. Set @theirs if a key manager moves the SAs,
 * and @changed if the endpoints have changed.
 */
static int ipsi_peer_move_conf(struct ipsi_dev *idev,
			       const struct ipsi_peer *to, bool *theirs,
			       bool *changed)
{
	struct ipsi_conf *old, *new;
	int err = 0;

	rtnl_lock();
	old = rtnl_dereference(idev->conf);
	if (ipsi_dev_goes(idev) || !old->roam) {
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
		netdev_warn_once(idev->dev,
				 "the peer has moved to where this device cannot follow\n");
		kfree(new);
		goto out;
	}
	rcu_assign_pointer(idev->conf, new);
	kfree_rcu(old, rcu);
	*changed = true;
	netdev_state_change(idev->dev);
	/* Use the policies of the new endpoints, and adopt SAs that were added
	 * before the device has followed.
	 */
	ipsi_adopt_configure(idev, false);
out:
	rtnl_unlock();
	return err;
}

/* The RTNL is released before xfrm_cfg_mutex is taken: a holder of the mutex
 * may wait for a module to load, which may take the RTNL. The device sends
 * nothing until its SAs have followed.
 */
static int ipsi_peer_follow(struct ipsi_dev *idev, const struct ipsi_peer *to)
{
	bool theirs, changed = to->retry;
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
	if (err != -EAGAIN)
		ipsi_nl_event_peer(idev, to);

	return err;
}

/* Follow later, since something was missing or not free, unless a newer move is
 * noted already.
 */
static void ipsi_peer_retry(struct ipsi_dev *idev, const struct ipsi_peer *to,
			    unsigned long delay)
{
	struct ipsi_peer *peer = &idev->peer;

	delay = min_t(unsigned long, delay << to->tries, IPSI_PEER_INTERVAL);
	spin_lock_bh(&peer->lock);
	if (!peer->moved) {
		peer->local = to->local;
		peer->addr = to->addr;
		peer->port = to->port;
		peer->retry = true;
		peer->tries = min(to->tries + 1, IPSI_PEER_TRIES_MAX);
		WRITE_ONCE(peer->moved, true);
	}
	spin_unlock_bh(&peer->lock);

	ipsi_work_queue_delayed(idev, &peer->work, delay);
}

static void ipsi_peer_work(struct work_struct *work)
{
	struct ipsi_peer *peer = container_of(work, struct ipsi_peer,
					      work.work);
	struct ipsi_dev *idev = container_of(peer, struct ipsi_dev, peer);
	struct ipsi_peer to;
	bool moved;
	int err;

	spin_lock_bh(&peer->lock);
	to.local = peer->local;
	to.addr = peer->addr;
	to.port = peer->port;
	to.retry = peer->retry;
	to.tries = peer->tries;
	moved = peer->moved;
	WRITE_ONCE(peer->moved, false);
	if (moved)
		peer->last = jiffies;
	spin_unlock_bh(&peer->lock);

	err = moved ? ipsi_peer_follow(idev, &to) : 0;
	/* Another device may be about to leave the new endpoints. */
	if (err == -ENOMEM ||
	    (err == -EEXIST && to.tries < IPSI_PEER_TRIES_MAX))
		ipsi_peer_retry(idev, &to, IPSI_PEER_INTERVAL);
	else if (err == -EAGAIN)
		ipsi_peer_retry(idev, &to, IPSI_PEER_BUSY);

	ipsi_work_done(idev);
}

/**
 * ipsi_peer_stop - stop following the peer
 * @idev: a device that is being unregistered
 *
 * Context: RTNL.
 */
void ipsi_peer_stop(struct ipsi_dev *idev)
{
	ipsi_work_cancel(idev, &idev->peer.work);
}

/**
 * ipsi_peer_init - start without a move of the peer
 * @idev: a device that is being created
 */
void ipsi_peer_init(struct ipsi_dev *idev)
{
	spin_lock_init(&idev->peer.lock);
	idev->peer.last = jiffies - IPSI_PEER_INTERVAL;
	INIT_DELAYED_WORK(&idev->peer.work, ipsi_peer_work);
}
