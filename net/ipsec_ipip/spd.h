/* SPDX-License-Identifier: GPL-2.0 */
/* Policies of key managers for the SAs of devices */
#ifndef _IPSI_SPD_H
#define _IPSI_SPD_H

#include <linux/hash.h>
#include <net/xfrm.h>

#include "ipsi.h"

#define IPSI_SPD_BUCKET_BITS	5

/**
 * struct ipsi_spd_key - key of a set of policies
 * @local: local endpoint of their templates; zero with an if_id
 * @remote: remote endpoint of their templates; zero with an if_id
 * @if_id: their if_id, or 0
 * @family: family of the endpoints, or 0
 * @pad: zero, since keys are compared by memcmp()
 *
 * The key of policies with neither if_id nor endpoints is zero.
 */
struct ipsi_spd_key {
	xfrm_address_t local;
	xfrm_address_t remote;
	u32 if_id;
	u16 family;
	u16 pad;
};

/**
 * struct ipsi_spd_entry - a policy in a set
 * @node: entry in a bucket of @set; RCU
 * @sel: selector, of the family of the packets
 * @reqid: reqid of the SAs that the policy requires
 * @priority: priority; the lowest value wins
 * @out: the policy is outbound; else inbound
 * @trap: the policy waits for a packet and names no SA
 * @by_index: entry in ipsi_spd.entries
 * @set: the set
 * @xp: the policy; compared only, no reference is held
 * @index: index of the policy
 * @pass: the last pass over the SPD that has found the policy
 * @rcu: for kfree_rcu()
 *
 * The fields after @trap are only for writers, which hold ipsi_spd.lock.
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
 * @n: number of entries
 * @read: the SPD was read for the set at least once
 * @stale: the set has to be read again
 * @over: there are more policies than there is room for
 * @missed: a policy has found no room since the last pass began
 * @binding: a device adopts SAs by the set
 * @log_pending: @over or @ports has to be logged
 * @ports: reqid of a policy with ports
 * @users: number of devices that refer to the set
 * @key: the key
 * @node: entry in ipsi_spd.sets
 * @list: entry in one of the lists of ipsi_spd
 * @rcu: for kfree_rcu()
 *
 * ipsi_spd.lock protects all fields; @read, @stale and @over are read without
 * it.
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
 * ipsi_spd_known - check that a set is complete
 * @set: the set, or NULL
 *
 * Context: RCU read side.
 * Return: true if all policies of the set are known.
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
