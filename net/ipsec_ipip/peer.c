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
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/xfrm.h>

#include "adopt.h"
#include "bundle.h"
#include "mtu.h"
#include "nlmsg.h"
#include "peer.h"
#include "sa.h"
#include "sa_clone.h"
#include "work.h"

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
 * ipsi_peer_heard - an authentic packet came from elsewhere
 * @idev: the device
 * @addr: its outer source address
 * @port: its UDP source port, network byte order; 0 without UDP
 *
 * The SA that brought it is one for which ipsi_peer_may_move().
 *
 * Context: BH off, RCU read side.
 */
void ipsi_peer_heard(struct ipsi_dev *idev, const xfrm_address_t *addr,
		     __be16 port)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);
	struct ipsi_peer *peer = &idev->peer;

	if (!ipsi_peer_addr_ok(addr, &conf->local, conf->family))
		return;

	spin_lock(&peer->lock);
	peer->local = conf->local;
	peer->addr = *addr;
	peer->port = port;
	peer->moved = true;
	spin_unlock(&peer->lock);

	ipsi_work_queue(idev, &peer->work);
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
		peer->moved = true;
	}
	spin_unlock_bh(&peer->lock);

	return moved;
}

/**
 * ipsi_peer_told - a key manager has added or changed an SA
 * @idev: the device, whose if_id @x carries
 * @x: the state in the SAD; if it goes to a new place, or from one, the device
 *   follows
 *
 * Context: RCU read side; @x's lock is not held.
 */
void ipsi_peer_told(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);

	if (!conf->roam || conf->keying == IPSEC_IPIP_KEYING_MANUAL ||
	    x->props.family != conf->family || x->id.proto != IPPROTO_ESP ||
	    !x->id.spi || !ipsi_sa_valid(x) || !ipsi_sa_authenticates(x))
		return;

	if (ipsi_peer_note(&idev->peer, conf, x))
		ipsi_work_queue(idev, &idev->peer.work);
}

/* Point one SA to the peer's new place. What is sent takes the address from
 * its SA, so that has to be another; what is received does not. The caller
 * holds xfrm_cfg_mutex.
 */
static void ipsi_peer_move_sa(struct ipsi_dev *idev, struct xfrm_state *x,
			      bool out, const struct ipsi_peer *to)
{
	struct ipsi_sa_change change;
	struct xfrm_state *new;

	if (!out) {
		spin_lock_bh(&x->lock);
		x->props.saddr = to->addr;
		if (x->encap && to->port)
			x->encap->encap_sport = to->port;
		spin_unlock_bh(&x->lock);
		return;
	}

	ipsi_sa_change_none(&change, x);
	change.daddr = to->addr;
	if (to->port)
		change.encap_dport = to->port;
	new = ipsi_sa_clone(x, &change, NULL);
	if (IS_ERR(new)) {
		netdev_warn_once(idev->dev, "an SA could not follow the peer\n");
		return;
	}

	if (ipsi_sa_replace(x, new)) {
		ipsi_sa_detach(idev, x);
		ipsi_sa_discard(new);
		return;
	}
	rcu_read_lock();
	ipsi_sa_swap(idev, x, new);
	rcu_read_unlock();
	xfrm_state_put(new);
}

static void ipsi_peer_move_sas(struct ipsi_dev *idev,
			       const struct ipsi_peer *to)
{
	struct mutex *cfg_mutex = &idev->net->xfrm.xfrm_cfg_mutex;
	struct ipsi_sa_ref ref = { .seq = U64_MAX };
	u32 generation;

	mutex_lock(cfg_mutex);
	/* An SA that is replaced keeps its place. */
	while (ipsi_sa_get_batch(idev, ref.seq, &ref, 1, &generation)) {
		ipsi_peer_move_sa(idev, ref.x, ref.out, to);
		xfrm_state_put(ref.x);
	}
	mutex_unlock(cfg_mutex);
}

/* Return false if the device is gone, or does not roam any more. @theirs is set
 * if a key manager moves the SAs.
 */
static bool ipsi_peer_move_conf(struct ipsi_dev *idev,
				const struct ipsi_peer *to, bool *theirs)
{
	struct ipsi_conf *old, *new;
	bool moved = false;

	rtnl_lock();
	old = rtnl_dereference(idev->conf);
	if (idev->dev->reg_state != NETREG_REGISTERED || !old->roam)
		goto out;

	moved = true;
	*theirs = old->keying != IPSEC_IPIP_KEYING_MANUAL;
	if (xfrm_addr_equal(&old->remote, &to->addr, old->family) &&
	    (!*theirs ||
	     xfrm_addr_equal(&old->local, &to->local, old->family)))
		goto out;

	new = kmemdup(old, sizeof(*new), GFP_KERNEL);
	moved = new;
	if (!new)
		goto out;
	new->remote = to->addr;
	if (*theirs)
		new->local = to->local;
	rcu_assign_pointer(idev->conf, new);
	kfree_rcu(old, rcu);
	netdev_state_change(idev->dev);
	/* Those that came before the device has followed. */
	if (*theirs)
		ipsi_adopt_scan(idev);
out:
	rtnl_unlock();
	return moved;
}

/* The RTNL is given up before the mutex is taken: who holds that one may wait
 * for a module to be loaded, which may take the RTNL. Until the SAs have
 * followed, nothing can be sent.
 */
static void ipsi_peer_work(struct work_struct *work)
{
	struct ipsi_peer *peer = container_of(work, struct ipsi_peer, work);
	struct ipsi_dev *idev = container_of(peer, struct ipsi_dev, peer);
	struct ipsi_peer to;
	bool moved, theirs;

	spin_lock_bh(&peer->lock);
	to.local = peer->local;
	to.addr = peer->addr;
	to.port = peer->port;
	moved = peer->moved;
	peer->moved = false;
	spin_unlock_bh(&peer->lock);

	if (moved && ipsi_peer_move_conf(idev, &to, &theirs)) {
		if (theirs)
			ipsi_sad_load(idev);
		else
			ipsi_peer_move_sas(idev, &to);
		ipsi_bundle_reset(idev);
		ipsi_sa_refresh(idev);
		ipsi_mtu_schedule(idev);
		ipsi_nl_event_peer(idev, &to);
	}

	ipsi_work_done(idev);
}

/**
 * ipsi_peer_init - start with a peer that stays where it is
 * @idev: a device that is being made
 */
void ipsi_peer_init(struct ipsi_dev *idev)
{
	spin_lock_init(&idev->peer.lock);
	INIT_WORK(&idev->peer.work, ipsi_peer_work);
}
