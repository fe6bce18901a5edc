/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Common definitions: the device, its configuration, and the reasons why it
 * refuses packets.
 */
#ifndef _IPSI_H
#define _IPSI_H

#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/gro_cells.h>
#include <net/xfrm.h>
#include <uapi/linux/ipsec_ipip.h>

#define IPSI_HASH_BITS	8
#define IPSI_UNLISTED_BITS	12

/* First if_id that is assigned automatically, far from the small numbers that
 * people and key managers choose
 */
#define IPSI_IF_ID_AUTO	0x80000001U

/* ESP header, IV, padding and ICV of the largest common transform (AES-CBC with
 * HMAC-SHA-512-256), for the MTU of a device without an SA
 */
#define IPSI_ESP_OVERHEAD_MAX	(8 + 16 + 17 + 32)

/**
 * ipsi_age - time since an event
 * @when: time of the event, in jiffies; read under the lock under which it is
 *   written, if it matters that the event is not later than now
 *
 * A 32-bit counter wraps. For time_before() and time_after() an event is in the
 * future from half of that time on. Its age is wrong only once it has wrapped,
 * and small only for a moment then.
 *
 * Return: jiffies.
 */
static inline unsigned long ipsi_age(unsigned long when)
{
	return jiffies - when;
}

/**
 * enum ipsi_reason - reason why a packet is refused or counted, in the order of
 *   the attributes IPSEC_IPIP_A_STATS_TX_NO_SA and following
 * @IPSI_TX_NO_SA: no valid outbound SA
 * @IPSI_TX_NO_ROUTE: no route to the remote endpoint from the local one
 * @IPSI_TX_LOOP: that route leads through the device itself
 * @IPSI_TX_PROTOCOL: not an IPv4 or IPv6 packet
 * @IPSI_TX_TOO_BIG: exceeds the path MTU and must not be fragmented
 * @IPSI_TX_MALFORMED: inner header truncated or invalid
 * @IPSI_TX_ERROR: refused by XFRM, a firewall, the underlay, or memory
 * @IPSI_RX_OUTER_ADDRESS: outer addresses are not the endpoints
 * @IPSI_RX_PROTOCOL: next header after the SA is not accepted
 * @IPSI_RX_MALFORMED: inner header truncated or invalid
 * @IPSI_RX_ECN: impossible ECN combination
 * @IPSI_RX_CRYPTO: refused by XFRM on an SA of the device
 * @IPSI_RX_DOWN: the device is down
 * @IPSI_RX_DUMMY: a dummy packet, which is not an error
 * @IPSI_RX_ECN_ODD: accepted, with a suspicious ECN combination
 * @IPSI_TX_SELECTOR: inner packet outside the selectors of the SA
 * @IPSI_RX_SELECTOR: the same
 * @IPSI_TX_PATH_ERROR: sent, but an error of the underlay was relayed to the
 *   sender
 * @IPSI_REASONS: number of reasons
 * @IPSI_ACCEPT: no reason; the packet is accepted
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
	IPSI_ACCEPT = IPSI_REASONS,
};

/**
 * struct ipsi_conf - configuration of a device; immutable once published
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
 * @icmp: ICMP errors of the underlay are relayed
 * @roam: the peer's address may change, and @remote with it
 * @any: @remote was not configured; it is 0 until the first packet of the peer
 * @mtu_auto: the MTU follows SA and route; the state of the device when this
 *   was published, see ipsi_dev.mtu_auto
 * @encap_port: UDP port to receive ESP on, network byte order; 0 for none
 * @rcu: for kfree_rcu() of a configuration that was replaced
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
	bool mtu_auto;
	__be16 encap_port;
	struct rcu_head rcu;
};

/* Are these the endpoints of a device? All addresses are of the same family. */
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
 * struct ipsi_stats - counters of one CPU
 * @refused: one counter per reason; written with BH off on its own CPU only
 * @syncp: lets other CPUs read consistent 64-bit values on 32-bit machines
 */
struct ipsi_stats {
	u64_stats_t refused[IPSI_REASONS];
	struct u64_stats_sync syncp;
};

/**
 * struct ipsi_bundle - the XFRM bundle that one CPU sends with
 * @dst: the bundle, or NULL; one reference is owned. Only that CPU sets it, and
 *   any CPU may clear it; read under RCU
 * @generation: ipsi_bundle_generation() from before @dst was built
 */
struct ipsi_bundle {
	struct dst_entry __rcu *dst;
	unsigned int generation;
};

struct ipsi_policy;

/* Limit of SAs of one device, in both directions. A rekey needs two pairs, and
 * per-CPU SAs (RFC 9611) one more pair per CPU.
 */
#define IPSI_SAD_MAX	1024

/**
 * struct ipsi_sad - the SAs of one device
 * @lock: protects all other fields; taken with BH off, inside of
 *   xfrm_state.lock and xfrm_state_lock, so neither may be taken under it
 * @list: struct ipsi_sa, newest first; each owns one reference to its state
 * @n: number of SAs, at most IPSI_SAD_MAX; read without @lock
 * @n_proto: number of ESP SAs and of AH SAs; read without @lock
 * @n_pcpu: number of outbound per-CPU SAs; read without @lock
 * @loading: running ipsi_sad_load() calls; each settles at its end
 * @active: outbound SA in use, or NULL; borrows the reference of its entry.
 *   CPUs with an SA of their own use that one. Compared with NULL without
 *   @lock.
 * @policy: private policy that triggers acquires while there is no SA, or NULL;
 *   owned
 * @settle: work that settles @active when the hold-off period of an SA is over,
 *   and reads the SAD again if there is a @reload
 * @pinned: @active was chosen by sa-activate
 * @orphaned: the active SA has left, which is not announced yet
 * @swapped: state that its clone is about to replace, or NULL; compared only
 * @holdoff: an outbound SA other than @active is in its hold-off period; read
 *   without @lock
 * @newest_in: state of the newest valid inbound SA when the SAs last settled, or
 *   NULL; compared only, without @lock
 * @generation: changes when an SA joins or leaves; starts at a random value, so
 *   that two devices rarely have the same
 * @seq_newest: ipsi_sa.seq of the next SA at the head of @list
 * @seq_oldest: ipsi_sa.seq of the last SA at its tail
 * @closed: the device is being unregistered; no SA joins any more
 * @missed: a state has not joined, or was not adopted, since there was no room or
 *   no memory for it
 * @reload: @settle is queued to read the SAD again for @missed states
 * @log_spi: SPI of a state that has found no room, network byte order, which is
 *   not logged yet; or 0
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
	const struct xfrm_state *swapped;
	bool holdoff;
	const struct xfrm_state *newest_in;
	u32 generation;
	u64 seq_newest;
	u64 seq_oldest;
	bool closed;
	bool missed;
	bool reload;
	__be32 log_spi;
};

/**
 * struct ipsi_carrier - the carrier of a device; see carrier.c
 * @lock: protects @keyed, and orders the changes of the carrier and their
 *   events; taken with BH off, inside of ipsi_sad.lock
 * @keyed: there are keys in both directions; also read without @lock
 * @off: work that turns the carrier off, unless the keys are back by then
 * @queue: work that lets packets through again after a change of the queue
 */
struct ipsi_carrier {
	spinlock_t lock;		/* see above */
	bool keyed;
	struct delayed_work off;
	struct work_struct queue;
};

/**
 * struct ipsi_icmp - ICMP errors of the underlay; see icmp.c
 * @left: number of errors that are pending; each goes to one sender
 * @when: time of the last error, in jiffies
 * @code: code of ICMP_DEST_UNREACH, for inner IPv4
 *
 * No lock: readers may see the code of one error with the time of another.
 */
struct ipsi_icmp {
	atomic_t left;
	unsigned long when;
	u8 code;
};

struct ipsi_spd_set;

/* The sets of policies that a device refers to: policies with its if_id,
 * policies without if_id between its endpoints, and policies without if_id and
 * endpoints
 */
enum ipsi_spd_which {
	IPSI_SPD_NAMED,
	IPSI_SPD_ENDS,
	IPSI_SPD_TRAPS,
	IPSI_SPD_WHICH,
};

/**
 * struct ipsi_txq - packets that wait for an SA
 * @adopting: number of SAs that are being adopted; written under the lock of
 *   @queue
 * @acquiring: an acquire is pending; written under the lock of @queue
 * @bytes: memory of the packets; under the lock of @queue
 * @release: work that ends @acquiring, and gives up the packets that still wait
 * @queue: the packets
 */
struct ipsi_txq {
	unsigned int adopting;
	bool acquiring;
	unsigned int bytes;
	struct delayed_work release;
	struct sk_buff_head queue;
};

/**
 * struct ipsi_acq - acquires for one SA
 * @larval: larval state of the last acquire; owned, or NULL
 * @xp: private policy of an acquire in progress; compared only
 * @when: time of the last acquire, in jiffies
 * @reqid: reqid of the SA
 * @family: family of the packet
 * @mode: mode of the SA
 * @used: the entry is in use
 */
struct ipsi_acq {
	struct xfrm_state *larval;
	const struct xfrm_policy *xp;
	unsigned long when;
	u32 reqid;
	u16 family;
	u8 mode;
	bool used;
};

/* The policies of a key manager may require different SAs for one device. */
#define IPSI_ACQS	8

/**
 * struct ipsi_acquire - the recent acquires of a device
 * @lock: protects all other fields; taken with BH off
 * @since: time from which @searches are counted, in jiffies
 * @searches: number of packets whose policy was searched for since then
 * @generation: ipsi_net.acq_resets when the limits were reset
 * @acqs: one entry per SA
 */
struct ipsi_acquire {
	spinlock_t lock;		/* see above */
	unsigned long since;
	unsigned int searches;
	unsigned int generation;
	struct ipsi_acq acqs[IPSI_ACQS];
};

/**
 * struct ipsi_peer - a move of the peer that the device has not followed yet
 * @lock: protects all other fields; taken with BH off
 * @local: the new local address
 * @addr: the new address of the peer
 * @port: its new UDP port, network byte order; 0 without UDP
 * @moved: the fields above are valid; read without @lock
 * @retry: this is another attempt at a move, which may have changed the
 *   configuration, but not all SAs
 * @tries: number of attempts at it so far
 * @last: time at which the device has followed last, in jiffies
 * @work: moves the device and its SAs; holds a device reference while queued
 */
struct ipsi_peer {
	spinlock_t lock;		/* see above */
	xfrm_address_t local;
	xfrm_address_t addr;
	__be16 port;
	bool moved;
	bool retry;
	u8 tries;
	unsigned long last;
	struct delayed_work work;
};

/**
 * struct ipsi_ends - endpoints in a namespace; the key of a hash table
 * @net: the namespace
 * @local: local outer address; the bytes behind an IPv4 address are zero
 * @remote: remote outer address; the same
 * @family: address family of both; 0 if the device is not in the table
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
 * @net: underlay namespace, with the SAs and the routes to the endpoint. No
 *   reference is held: the namespace deletes the device (ipsi_exit_rtnl()) and
 *   waits until it is freed (ipsi_net_exit()).
 * @node: entry in ipsi_net.devs; written under RTNL, read under RCU
 * @by_if_id: entry in ipsi_net_table (net.c); written under RTNL, read under
 *   RCU
 * @if_id: if_id of @conf, which does not change; the key of @by_if_id
 * @ends: key of @by_ends; RTNL
 * @by_ends: entry in ipsi_adopt_table (adopt.c), while ipsi_ends.family is set;
 *   written under RTNL, read under RCU
 * @conf: configuration; written under RTNL, read under RCU, kfree_rcu()
 * @bundles: XFRM bundles in use, per CPU; reset when @conf or the SAs change
 * @bundle_resets: number of resets
 * @gro_cells: queues of received packets
 * @stats: counters, per CPU
 * @icmp: ICMP errors of the underlay
 * @sad: SAs of the device
 * @carrier: state of the carrier
 * @sock: socket that carries private policies into look-ups; owned, never bound
 * @sock_lock: held while it carries one; taken with BH off, inside of a state's
 *   lock and outside of @sad.lock
 * @sock_owner: the task that holds it, or NULL; compared only
 * @peer: a pending move of the peer
 * @encap_port: UDP port that is open for the device (natt.c); RTNL
 * @txq: packets that wait for an SA
 * @policies: sets of policies of key managers for the SAs, or NULL; a reference
 *   to each set is held; written under RTNL, read under RCU
 * @acquire: recent acquires
 * @mtu_work: lets the MTU follow SA and route; holds a device reference while
 *   it is queued
 * @mtu_auto: the MTU was not set by hand; RTNL
 * @mtu_updating: @mtu_work calls ndo_change_mtu; RTNL
 * @flushed: the device is being unregistered, and all its states are deleted;
 *   RTNL
 * @flush_missed: but one that was cloned at the same time may be left; RTNL
 * @carries: another device has sent its outer packets by this one; never
 *   cleared
 * @rx_time: time of the last accepted packet in seconds since boot, plus 1; 0
 *   for none; written once a second at most, so that CPUs seldom share its cache
 *   line
 * @encs: struct ipsi_enc, the capture devices of this device alone; RTNL
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
	const struct task_struct *sock_owner;
	struct ipsi_peer peer;
	__be16 encap_port;
	struct ipsi_txq txq;
	struct ipsi_spd_set __rcu *policies[IPSI_SPD_WHICH];
	struct ipsi_acquire acquire;
	struct work_struct mtu_work;
	bool mtu_auto;
	bool mtu_updating;
	bool flushed;
	bool flush_missed;
	bool carries;
	u32 rx_time;
	struct list_head encs;
};

/**
 * ipsi_dev_goes - is a device being unregistered?
 * @idev: the device, which was registered
 *
 * If several devices are unregistered at once, the core marks all of them before
 * the first ndo_uninit.
 */
static inline bool ipsi_dev_goes(const struct ipsi_dev *idev)
{
	return ipsi_dev_reg_state(idev->dev) != NETREG_REGISTERED;
}

/**
 * struct ipsi_adopt - SAs of a namespace to adopt
 * @net: the namespace
 * @work: adopts them
 * @lock: protects @notes, @n and @scan; taken with BH off
 * @notes: struct ipsi_adopt_note, in the order of their arrival; owned
 * @n: number of @notes; also read without @lock
 * @scan: search the SAD, since a note is missing or a device is new
 * @by_endpoints: number of devices that adopt SAs without if_id; written under
 *   RTNL
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
 * struct ipsi_migrations - SAs of a namespace to move
 * @net: the namespace
 * @work: moves them
 * @lock: protects all fields below; taken with BH off
 * @list: struct ipsi_migration, in the order of their arrival; owned
 * @n: length of @list
 * @lost: a migration could not be noted
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
 * struct ipsi_wipe - SAs whose keys must be wiped when they are dead; see wipe.c
 * @net: the namespace
 * @work: wipes them
 * @lock: protects all fields below; taken with BH off, inside of ipsi_sad.lock
 * @list: struct ipsi_sa, each with a reference to its state; owned
 * @n: length of @list
 */
struct ipsi_wipe {
	struct net *net;
	struct work_struct work;
	spinlock_t lock;		/* see above */
	struct list_head list;
	unsigned int n;
};

/**
 * struct ipsi_leftovers - states that devices may have left; see sad_flush.c
 * @net: the namespace
 * @work: deletes them
 * @if_ids: if_ids of devices that are gone, each with @last of that time, and
 *   room for those of devices that are there; written under RTNL, read under RCU
 * @last: number of devices that have got into @if_ids; written under RTNL
 */
struct ipsi_leftovers {
	struct net *net;
	struct work_struct work;
	struct xarray if_ids;
	atomic_long_t last;
};

/**
 * struct ipsi_events - events for the listeners of a namespace; see event.c
 * @net: the namespace
 * @work: sends them
 * @queue: the messages
 * @lost: there was no room for a message
 */
struct ipsi_events {
	struct net *net;
	struct work_struct work;
	struct sk_buff_head queue;
	bool lost;
};

/**
 * struct ipsi_spd - policies of key managers in a namespace; see spd.c
 * @net: the namespace
 * @lock: protects all fields below; taken with BH off, inside of the locks of
 *   the SPD and of a policy
 * @sets: struct ipsi_spd_set by their key; owned by the devices that refer to
 *   them
 * @entries: struct ipsi_spd_entry by the index of their policy; owned by the
 *   sets
 * @idle: sets that match the SPD
 * @stale: sets that have to be read from the SPD
 * @reading: sets that are being read
 * @n: number of entries in all sets
 * @n_sets: number of sets; also read without @lock
 * @unclaimed: hashes of the keys of policies that are in no set, as far as
 *   @notes_valid; bits stay set until the next pass
 * @notes_valid: a clear bit in @unclaimed means that there is no policy
 * @missed_changes: policies may have changed unnoticed since the last pass began
 * @pass: number of passes over the SPD
 * @seed: seed of the hashes
 * @work: reads the SPD
 * @log_work: writes log messages, which must not be done with @lock held
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
	DECLARE_BITMAP(unclaimed, 1 << IPSI_UNLISTED_BITS);
	bool notes_valid;
	bool missed_changes;
	u32 pass;
	u32 seed;
	struct delayed_work work;
	struct work_struct log_work;
};

/**
 * struct ipsi_net - the state of an underlay namespace, and of a namespace with
 *   capture devices
 * @devs: struct ipsi_dev by if_id; written under RTNL, read under RCU
 * @free_if_id: every if_id from IPSI_IF_ID_AUTO to just below it is in use;
 *   RTNL
 * @adopt: SAs to adopt
 * @migrations: SAs to move
 * @wipe: keys to wipe
 * @txq_bytes: memory of the queued packets of all devices (txq.c)
 * @acq_resets: changes when larval states may be gone (acquire.c)
 * @natt: struct ipsi_natt by family and port; RTNL
 * @unlisted: if_ids of states that are no SA of a device; see unlisted.h
 * @leftovers: states that devices may have left
 * @n_devs: number of devices that are not freed yet; the exit waits for them
 * @spd: policies of key managers
 * @events: events of the devices in this namespace, whose underlay may be another
 * @bundle_resets: changes when the bundles of all devices become stale
 * @mtu_work: updates the MTUs of devices after a change in the underlay
 * @encs: struct ipsi_enc, the capture devices that are up; written under RTNL,
 *   read under RCU, also by devices in the namespace whose underlay is another
 * @n_encs: length of @encs; RTNL
 */
struct ipsi_net {
	struct hlist_head devs[1 << IPSI_HASH_BITS];
	u32 free_if_id;
	struct ipsi_adopt adopt;
	struct ipsi_migrations migrations;
	struct ipsi_wipe wipe;
	atomic_long_t txq_bytes;
	atomic_t acq_resets;
	struct xarray natt;
	DECLARE_BITMAP(unlisted, 1 << IPSI_UNLISTED_BITS);
	struct ipsi_leftovers leftovers;
	atomic_t n_devs;
	struct ipsi_spd spd;
	struct ipsi_events events;
	atomic_t bundle_resets;
	struct delayed_work mtu_work;
	struct list_head encs;
	unsigned int n_encs;
};

#endif /* _IPSI_H */
