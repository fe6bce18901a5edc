/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of ipsec-ipip share: the device, its configuration, and the
 * reasons for which it refuses packets.
 */
#ifndef _IPSI_H
#define _IPSI_H

#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/gro_cells.h>
#include <net/xfrm.h>
#include <uapi/linux/ipsec_ipip.h>

#define IPSI_HASH_BITS	8

/* First if_id given to a device that asks for none: away from small numbers,
 * which people and key managers choose by hand.
 */
#define IPSI_IF_ID_AUTO	0x80000001U

/* ESP header, IV, padding and ICV of the costliest common transform
 * (AES-CBC with HMAC-SHA-512-256), for an MTU before there is an SA.
 */
#define IPSI_ESP_OVERHEAD_MAX	(8 + 16 + 17 + 32)

/**
 * enum ipsi_reason - why a packet is refused, or what it is counted as
 *   besides, in the order of the attributes IPSEC_IPIP_A_STATS_TX_NO_SA and
 *   following
 * @IPSI_TX_NO_SA: no valid outbound SA
 * @IPSI_TX_NO_ROUTE: no route to the remote endpoint from the local one
 * @IPSI_TX_LOOP: that route leads through the device itself
 * @IPSI_TX_PROTOCOL: inner protocol is not carried
 * @IPSI_TX_TOO_BIG: exceeds the path MTU and must not be fragmented
 * @IPSI_TX_MALFORMED: inner header truncated or nonsense
 * @IPSI_TX_ERROR: refused by XFRM, a firewall, the underlay, or memory
 * @IPSI_RX_OUTER_ADDRESS: outer addresses are not the endpoints
 * @IPSI_RX_PROTOCOL: next header after the SA is not accepted
 * @IPSI_RX_MALFORMED: inner header truncated or nonsense
 * @IPSI_RX_ECN: impossible ECN combination
 * @IPSI_RX_CRYPTO: refused by XFRM on an SA of the device
 * @IPSI_RX_DOWN: the device is down
 * @IPSI_RX_DUMMY: a dummy packet, which means nothing and is no error
 * @IPSI_RX_ECN_ODD: accepted, with an ECN combination that is worth a look
 * @IPSI_TX_SELECTOR: inner packet outside the selectors of the SA
 * @IPSI_RX_SELECTOR: the same
 * @IPSI_TX_PATH_ERROR: sent all the same, but its sender was told of an error
 *   that the underlay has reported
 * @IPSI_REASONS: number of reasons
 */
enum ipsi_reason {
	IPSI_TX_NO_SA,
	IPSI_TX_NO_ROUTE,
	IPSI_TX_LOOP,
	IPSI_TX_PROTOCOL,
	IPSI_TX_TOO_BIG,
	IPSI_TX_MALFORMED,
	IPSI_TX_ERROR,
	IPSI_RX_OUTER_ADDRESS,
	IPSI_RX_PROTOCOL,
	IPSI_RX_MALFORMED,
	IPSI_RX_ECN,
	IPSI_RX_CRYPTO,
	IPSI_RX_DOWN,
	IPSI_RX_DUMMY,
	IPSI_RX_ECN_ODD,
	IPSI_TX_SELECTOR,
	IPSI_RX_SELECTOR,
	IPSI_TX_PATH_ERROR,
	IPSI_REASONS,
};

/**
 * struct ipsi_conf - what the administrator has set; immutable once published
 * @local: local outer address
 * @remote: remote outer address
 * @family: address family of both
 * @if_id: interface id, unique in the underlay namespace
 * @reqid: request id put in acquires, 0 for none
 * @link: ifindex of the underlay device, 0 for any
 * @fwmark: mark of outer packets
 * @ttl: outer TTL, 0 for the route's
 * @tos: outer TOS, INET_ECN_NOT_ECT in its low bits; 1 to inherit
 * @df: enum ipsec_ipip_df
 * @ecn: enum ipsec_ipip_ecn
 * @flowlabel: enum ipsec_ipip_flowlabel
 * @keying: enum ipsec_ipip_keying
 * @policies: enum ipsec_ipip_policies
 * @icmp: ICMP errors of the underlay are passed on
 * @roam: the peer's address may change, and @remote with it
 * @any: @remote was not given; it is 0 until the peer has been heard
 * @encap_port: UDP port to receive ESP on, network byte order; 0 for none
 * @rcu: frees the configuration that another has replaced
 */
struct ipsi_conf {
	xfrm_address_t local;
	xfrm_address_t remote;
	u16 family;
	u32 if_id;
	u32 reqid;
	int link;
	u32 fwmark;
	u8 ttl;
	u8 tos;
	u8 df;
	u8 ecn;
	u8 flowlabel;
	u8 keying;
	u8 policies;
	bool icmp;
	bool roam;
	bool any;
	__be16 encap_port;
	struct rcu_head rcu;
};

/* Are these the endpoints of a device? All are of the same family. */
static inline bool ipsi_conf_between(const struct ipsi_conf *conf,
				     const xfrm_address_t *local,
				     const xfrm_address_t *remote)
{
	return xfrm_addr_equal(local, &conf->local, conf->family) &&
	       xfrm_addr_equal(remote, &conf->remote, conf->family);
}

/* Value of ipsi_conf.tos and IFLA_IPSEC_IPIP_TOS that copies the inner DSCP */
#define IPSI_TOS_INHERIT	1

/**
 * struct ipsi_stats - refused packets of one CPU
 * @refused: one counter a reason; written with BH off on its own CPU only
 * @syncp: lets other CPUs read whole values where these take two loads
 */
struct ipsi_stats {
	u64_stats_t refused[IPSI_REASONS];
	struct u64_stats_sync syncp;
};

/**
 * struct ipsi_bundle - the XFRM bundle that one CPU sends by
 * @dst: the bundle, or NULL; one reference is owned. That CPU sets it, any
 *   CPU may take it away; read under RCU
 * @generation: what ipsi_bundle_generation() was before @dst was made
 */
struct ipsi_bundle {
	struct dst_entry __rcu *dst;
	unsigned int generation;
};

struct ipsi_policy;

/* SAs of one device, of both directions. A rekey needs two pairs, and SAs for
 * single CPUs (RFC 9611) one more pair a CPU.
 */
#define IPSI_SAD_MAX	1024

/**
 * struct ipsi_sad - the SAs of one device
 * @lock: protects all that follows; taken with BH off, inside of
 *   xfrm_state.lock and xfrm_state_lock, so neither may be taken under it
 * @list: struct ipsi_sa, newest first; each owns one reference to its state
 * @n: how many, at most IPSI_SAD_MAX; read without @lock
 * @n_proto: of these, ESP and AH; read without @lock
 * @n_pcpu: of these, outbound ones for one CPU; read without @lock
 * @loading: ipsi_sad_load() calls under way; each settles when it is done
 * @active: outbound SA in use, or NULL; borrows the reference of its entry. CPUs
 *   that have an SA of their own use that. If there is one is read without @lock.
 * @policy: private policy that asks for an SA while there is none, or NULL; owned
 * @settle: settles which one that is when an SA is not young any more
 * @pinned: @active was chosen by sa-activate
 * @orphaned: the active SA has left, and that has not been told yet
 * @waiting: an outbound SA is not in use for being young; read without @lock
 * @generation: changes when an SA joins or leaves; two devices hardly ever have
 *   the same
 * @seq_newest: ipsi_sa.seq of the next SA at the head of @list
 * @seq_oldest: ipsi_sa.seq of the last SA at its tail
 * @closed: the device is going, no SA joins any more
 */
struct ipsi_sad {
	spinlock_t lock;		/* see above */
	struct list_head list;
	unsigned int n;
	unsigned int n_proto[2];
	unsigned int n_pcpu;
	unsigned int loading;
	struct ipsi_sa *active;
	struct ipsi_policy *policy;
	struct delayed_work settle;
	bool pinned;
	bool orphaned;
	bool waiting;
	u32 generation;
	u64 seq_newest;
	u64 seq_oldest;
	bool closed;
};

/**
 * struct ipsi_carrier - the carrier of a device; see carrier.c
 * @keyed: there are keys in both directions; written under ipsi_sad.lock
 * @off: tells that there are none, if they have not come back
 * @queue: lets packets through again after a change of the queue
 */
struct ipsi_carrier {
	bool keyed;
	struct delayed_work off;
	struct work_struct queue;
};

/**
 * struct ipsi_icmp - errors that the underlay has reported; see icmp.c
 * @left: how many senders are still to be told
 * @until: in jiffies, when they are forgotten
 * @code: code of ICMP_DEST_UNREACH, for IPv4 inside
 *
 * No lock: readers may see one error's code with another's time.
 */
struct ipsi_icmp {
	atomic_t left;
	unsigned long until;
	u8 code;
};

struct ipsi_spd_set;

/* The sets of policies that a device refers to: those with its if_id, those
 * without one between its endpoints, and those that name no endpoints.
 */
enum ipsi_spd_which {
	IPSI_SPD_NAMED,
	IPSI_SPD_ENDS,
	IPSI_SPD_TRAPS,
	IPSI_SPD_WHICH,
};

/**
 * struct ipsi_held - packets that wait for an SA
 * @pending: SAs of the device that are to be adopted; written under the lock of
 *   @queue
 * @asked: a key manager has been asked for keys; likewise
 * @bytes: memory of the packets; under the lock of @queue
 * @release: lets go the packets that wait for those; under way while @asked
 * @queue: the packets; empty without one of these reasons to wait
 */
struct ipsi_held {
	unsigned int pending;
	bool asked;
	unsigned int bytes;
	struct delayed_work release;
	struct sk_buff_head queue;
};

/**
 * struct ipsi_ask - an SA that key managers were asked for
 * @larval: the state that the core has put in its place; owned, or NULL
 * @xp: private policy by which they are being asked, to be compared only
 * @when: in jiffies, when they were asked last
 * @generation: ipsi_net.asks then
 * @reqid: of the SA
 * @family: of the packet
 * @mode: of the SA
 * @used: the rest means something
 */
struct ipsi_ask {
	struct xfrm_state *larval;
	const struct xfrm_policy *xp;
	unsigned long when;
	unsigned int generation;
	u32 reqid;
	u16 family;
	u8 mode;
	bool used;
};

/* Policies of a key manager can ask for different SAs of one device. */
#define IPSI_ASKS	8

/**
 * struct ipsi_acquire - the SAs that key managers were asked for, for a device
 * @lock: protects @asks; taken with BH off
 * @asks: they
 */
struct ipsi_acquire {
	spinlock_t lock;		/* see above */
	struct ipsi_ask asks[IPSI_ASKS];
};

/**
 * struct ipsi_peer - where the peer was heard, if not where it is said to be
 * @lock: protects what follows; taken with BH off
 * @local: this host's address then
 * @addr: its address
 * @port: its UDP port, network byte order; 0 without UDP
 * @moved: the device has not followed yet; read without @lock
 * @next: in jiffies, when it may follow again
 * @work: tells the device and its SAs; holds a device reference while queued
 */
struct ipsi_peer {
	spinlock_t lock;		/* see above */
	xfrm_address_t local;
	xfrm_address_t addr;
	__be16 port;
	bool moved;
	unsigned long next;
	struct delayed_work work;
};

/**
 * struct ipsi_ends - endpoints in a namespace; the key of a hash table
 * @net: the namespace
 * @local: local outer address, zero behind one of IPv4
 * @remote: remote outer address, likewise
 * @family: address family of both; 0 for no key
 */
struct ipsi_ends {
	const struct net *net;
	xfrm_address_t local;
	xfrm_address_t remote;
	u16 family;
};

/**
 * struct ipsi_dev - private part of the netdevice
 * @dev: the netdevice; this structure lives inside it
 * @net: underlay namespace: SAs, routes to the endpoint. No reference is
 *   held: the namespace deletes the device (ipsi_exit_rtnl()) and waits until
 *   it is freed (ipsi_net_exit()).
 * @node: entry in ipsi_net.devs; written under RTNL, read under RCU
 * @by_if_id: entry in the table of devices by if_id (main.c); likewise
 * @if_id: that of @conf, which does not change; the key there
 * @ends: key in the table of devices that adopt by endpoints (adopt.c); RTNL
 * @by_ends: entry there, while ipsi_ends.family is set; likewise
 * @conf: configuration; written under RTNL, read under RCU, kfree_rcu()
 * @bundles: XFRM bundles in use; reset when @conf or the SAs change
 * @bundle_resets: counts that
 * @gro_cells: received packets on their way up
 * @stats: refused packets, per CPU
 * @icmp: errors of the underlay, to be passed on
 * @sad: SAs of the device
 * @carrier: tells if there are keys in both directions
 * @sock: socket by which private policies are looked up; owned, never bound
 * @sock_lock: held while it carries one; taken with BH off, inside of a state's
 *   lock and outside of @sad.lock
 * @peer: where the peer has moved to
 * @encap_port: UDP port that is open for the device (natt.c); RTNL
 * @held: packets that wait for an SA
 * @policies: policies of key managers for its SAs, or NULL; each holds a
 *   reference to its set; written under RTNL, read under RCU
 * @acquire: SAs that key managers were asked for
 * @mtu_work: makes the MTU follow SA and route; holds a device reference
 *   while it is queued
 * @mtu_auto: the MTU was not set by hand; RTNL
 * @mtu_updating: ndo_change_mtu is called by @mtu_work; RTNL
 * @carries: another device has sent its outer packets by this one; never cleared
 */
struct ipsi_dev {
	struct net_device *dev;
	struct net *net;
	struct hlist_node node;
	struct rhash_head by_if_id;
	u32 if_id;
	struct ipsi_ends ends;
	struct rhash_head by_ends;
	struct ipsi_conf __rcu *conf;
	struct ipsi_bundle __percpu *bundles;
	atomic_t bundle_resets;
	struct gro_cells gro_cells;
	struct ipsi_stats __percpu *stats;
	struct ipsi_icmp icmp;
	struct ipsi_sad sad;
	struct ipsi_carrier carrier;
	struct socket *sock;
	spinlock_t sock_lock;		/* see above */
	struct ipsi_peer peer;
	__be16 encap_port;
	struct ipsi_held held;
	struct ipsi_spd_set __rcu *policies[IPSI_SPD_WHICH];
	struct ipsi_acquire acquire;
	struct work_struct mtu_work;
	bool mtu_auto;
	bool mtu_updating;
	bool carries;
};

/**
 * struct ipsi_adopt - SAs of a namespace that wait to be adopted
 * @net: the namespace
 * @work: does it
 * @lock: protects @notes, @n and @scan; taken with BH off
 * @notes: struct ipsi_adopt_note, in the order of their arrival; owned
 * @n: how many
 * @scan: not all could be noted, or a device is new: search the SAD
 * @by_endpoints: devices that adopt SAs without if_id; written under RTNL
 */
struct ipsi_adopt {
	struct net *net;
	struct delayed_work work;
	spinlock_t lock;		/* see above */
	struct list_head notes;
	unsigned int n;
	bool scan;
	unsigned int by_endpoints;
};

/**
 * struct ipsi_migrations - SAs of a namespace that are to be moved
 * @net: the namespace
 * @work: does it
 * @lock: protects what follows; taken with BH off
 * @list: struct ipsi_migration, in the order of their arrival; owned
 * @n: how many
 * @lost: not all could be noted
 */
struct ipsi_migrations {
	struct net *net;
	struct work_struct work;
	spinlock_t lock;		/* see above */
	struct list_head list;
	unsigned int n;
	bool lost;
};

/**
 * struct ipsi_wipe - SAs of a namespace whose keys are to be wiped; see wipe.c
 * @net: the namespace
 * @work: does it
 * @lock: protects what follows; taken with BH off, inside of ipsi_sad.lock
 * @list: struct ipsi_sa, each with a reference to a dead state; owned
 * @n: how many
 */
struct ipsi_wipe {
	struct net *net;
	struct work_struct work;
	spinlock_t lock;		/* see above */
	struct list_head list;
	unsigned int n;
};

/**
 * struct ipsi_spd - policies of key managers in a namespace; see spd.c
 * @net: the namespace
 * @lock: protects all that follows; taken with BH off, inside of the lock of
 *   the SPD and that of a policy
 * @sets: struct ipsi_spd_set by their key; owned by the devices that refer to
 *   them
 * @entries: struct ipsi_spd_entry by the index of their policy; owned by the sets
 * @idle: sets that are as the SPD is
 * @stale: sets that are to be read
 * @reading: sets that are being read
 * @n: entries of all sets
 * @n_sets: sets; also read without @lock
 * @pass: how often the SPD was read
 * @seed: of the hashes
 * @work: reads the SPD
 * @say: logs what cannot be logged with @lock held
 */
struct ipsi_spd {
	struct net *net;
	spinlock_t lock;		/* see above */
	struct hlist_head sets[1 << IPSI_HASH_BITS];
	struct hlist_head entries[1 << IPSI_HASH_BITS];
	struct list_head idle;
	struct list_head stale;
	struct list_head reading;
	unsigned int n;
	unsigned int n_sets;
	u32 pass;
	u32 seed;
	struct delayed_work work;
	struct work_struct say;
};

/**
 * struct ipsi_net - devices by their underlay namespace
 * @devs: struct ipsi_dev by if_id; written under RTNL, read under RCU
 * @free_if_id: no if_id from IPSI_IF_ID_AUTO to below it is free; RTNL
 * @adopt: SAs to adopt
 * @migrations: SAs to move
 * @wipe: keys to wipe
 * @held: memory of the packets that wait at all devices (hold.c)
 * @asks: goes up when what key managers were asked for may be gone (acquire.c)
 * @natt: struct ipsi_natt; RTNL
 * @n_devs: devices that are not freed yet; the namespace waits for them
 * @spd: policies of key managers
 * @bundle_resets: counts what makes the bundles of all devices stale
 * @mtu_work: looks which devices need another MTU
 */
struct ipsi_net {
	struct hlist_head devs[1 << IPSI_HASH_BITS];
	u32 free_if_id;
	struct ipsi_adopt adopt;
	struct ipsi_migrations migrations;
	struct ipsi_wipe wipe;
	atomic_long_t held;
	atomic_t asks;
	struct list_head natt;
	atomic_t n_devs;
	struct ipsi_spd spd;
	atomic_t bundle_resets;
	struct delayed_work mtu_work;
};

#endif /* _IPSI_H */
