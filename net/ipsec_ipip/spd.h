/* SPDX-License-Identifier: GPL-2.0 */
/* Policies of key managers: the ones that are for SAs of our devices. */
#ifndef _IPSI_SPD_H
#define _IPSI_SPD_H

#include <linux/hash.h>
#include <net/xfrm.h>

#include "ipsi.h"

#define IPSI_SPD_BUCKET_BITS	5

/**
 * struct ipsi_spd_key - which policies belong together
 * @local: local endpoint of their template; zero if they have an if_id
 * @remote: remote endpoint, likewise
 * @if_id: their if_id, or 0
 * @family: of the endpoints, or 0
 * @pad: zero, since keys are compared as a whole
 *
 * All zero: policies without if_id that name no endpoints.
 */
struct ipsi_spd_key {
	xfrm_address_t local;
	xfrm_address_t remote;
	u32 if_id;
	u16 family;
	u16 pad;
};

/**
 * struct ipsi_spd_entry - what one policy says
 * @node: entry in a bucket of @set; RCU
 * @sel: its selector, of the family of the packets
 * @reqid: that of the SAs it is for
 * @priority: the lower one wins
 * @out: for packets that go out
 * @trap: it waits for a packet to negotiate SAs for, and names none
 * @by_index: entry in ipsi_spd.entries
 * @set: where it belongs
 * @xp: the policy; compared and never followed, no reference is held
 * @index: its index
 * @pass: the last reading of the SPD that has found it
 * @rcu: frees it
 *
 * What follows @trap is for the writers, which hold ipsi_spd.lock.
 */
struct ipsi_spd_entry {
	struct hlist_node node;
	struct xfrm_selector sel;
	u32 reqid;
	u32 priority;
	bool out;
	bool trap;
	struct hlist_node by_index;
	struct ipsi_spd_set *set;
	const struct xfrm_policy *xp;
	u32 index;
	u32 pass;
	struct rcu_head rcu;
};

/**
 * struct ipsi_spd_set - all policies of one key
 * @buckets: struct ipsi_spd_entry by reqid and direction; RCU
 * @n: entries
 * @read: it is complete; false until the SPD was read for the first time
 * @stale: it has to be read again
 * @over: there are more policies than there is room for
 * @missed: found in the reading that is under way
 * @binding: some device adopts SAs by it
 * @log_pending: something is to be logged: @over, or @ports
 * @ports: reqid of a policy with ports
 * @users: devices that refer to it
 * @key: the key
 * @node: entry in ipsi_spd.sets
 * @list: entry in one of the lists of ipsi_spd
 * @rcu: frees it
 *
 * ipsi_spd.lock protects it; @read, @stale and @over are read without.
 */
struct ipsi_spd_set {
	struct hlist_head buckets[1 << IPSI_SPD_BUCKET_BITS];
	unsigned int n;
	bool read;
	bool stale;
	bool over;
	bool missed;
	bool binding;
	bool log_pending;
	u32 ports;
	unsigned int users;
	struct ipsi_spd_key key;
	struct hlist_node node;
	struct list_head list;
	struct rcu_head rcu;
};

static inline unsigned int ipsi_spd_bucket(u32 reqid, bool out)
{
	return hash_32(reqid << 1 | out, IPSI_SPD_BUCKET_BITS);
}

/**
 * ipsi_spd_known - are all policies of a set known?
 * @set: the set, or NULL
 *
 * Context: RCU read side.
 * Return: true if they are.
 */
static inline bool ipsi_spd_known(const struct ipsi_spd_set *set)
{
	return set && READ_ONCE(set->read) && !READ_ONCE(set->over);
}

void ipsi_spd_update(struct ipsi_dev *idev);
void ipsi_spd_fini(struct ipsi_dev *idev);

void ipsi_spd_notify(struct net *net, const struct xfrm_policy *xp, int dir);
void ipsi_spd_flushed(struct net *net);
void ipsi_spd_migrated(struct net *net, bool out, const struct xfrm_migrate *m);

void ipsi_spd_net_init(struct net *net);
void ipsi_spd_net_exit(struct net *net);

#endif /* _IPSI_SPD_H */
