// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic selectors that key managers put into policies and not into the SA,
 * as they do: those of the SPD whose template is that of an adopted SA. The
 * policies themselves stop no packet of a device; what they say is read here,
 * anew when they change.
 */
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/xfrm.h>

#include "adopt.h"
#include "main.h"
#include "ts.h"

/**
 * struct ipsi_ts_entry - what one policy lets pass
 * @sel: its selector, of the family of the packets
 * @reqid: that of the SAs it is for
 * @out: for packets that go out
 * @trap: it waits for a packet to negotiate SAs for, and names none; for
 *   ipsi_ts_policy() alone
 */
struct ipsi_ts_entry {
	struct xfrm_selector sel;
	u32 reqid;
	bool out;
	bool trap;
};

/**
 * struct ipsi_ts_table - selectors of all policies for a device
 * @rcu: frees the table that another has replaced
 * @room: entries there is room for
 * @n: entries
 * @entry: the entries
 */
struct ipsi_ts_table {
	struct rcu_head rcu;
	unsigned int room;
	unsigned int n;
	struct ipsi_ts_entry entry[];
};

/**
 * ipsi_ts_match_table - may a packet pass by the policies for an SA?
 * @table: what they say
 * @x: the state
 * @skb: the inner packet
 * @out: it goes out
 * @unnamed: what holds for an SA for which there is no policy
 *
 * Whether the SA is one that was adopted does not matter: a key manager that
 * moves its SA reads the state and adds it anew, in the mode that it had here.
 *
 * Context: RCU read side.
 * Return: true if it may.
 */
bool ipsi_ts_match_table(const struct ipsi_ts_table *table,
			 const struct xfrm_state *x,
			 const struct sk_buff *skb, bool out, bool unnamed)
{
	const struct ipsi_ts_entry *entry;
	unsigned int i;

	for (i = 0; i < table->n; i++) {
		entry = &table->entry[i];
		if (entry->trap || entry->out != out ||
		    entry->reqid != x->props.reqid)
			continue;
		if (ipsi_ts_match_selector(&entry->sel, entry->sel.family, skb))
			return true;
		unnamed = false;
	}

	return unnamed;
}

/**
 * ipsi_ts_policy - is there a policy of a key manager for a packet?
 * @idev: the device
 * @skb: the inner packet, which goes out
 * @reqid: that of the policy's SAs is put here
 *
 * While the policies are read anew, there is none: what was read before may
 * know one that is gone.
 *
 * Context: RCU read side.
 * Return: true if there is one.
 */
bool ipsi_ts_policy(const struct ipsi_dev *idev, const struct sk_buff *skb,
		    u32 *reqid)
{
	/* Pairs with the one of ipsi_ts_learn(). */
	int seen = smp_load_acquire(&idev->ts_seen);
	const struct ipsi_ts_entry *entry;
	const struct ipsi_ts_table *table;
	unsigned int i;

	table = rcu_dereference(idev->ts);
	if (!table || seen != atomic_read(&idev->ts_changes))
		return false;

	for (i = 0; i < table->n; i++) {
		entry = &table->entry[i];
		if (entry->out &&
		    ipsi_ts_match_selector(&entry->sel, entry->sel.family,
					   skb)) {
			*reqid = entry->reqid;
			return true;
		}
	}

	return false;
}

/* The template of a policy by which SAs of the device are negotiated. */
static const struct xfrm_tmpl *ipsi_ts_template(const struct ipsi_conf *conf,
						const struct xfrm_policy *xp,
						bool out)
{
	const xfrm_address_t *local, *remote;
	const struct xfrm_tmpl *tmpl;
	int i;

	for (i = 0; i < xp->xfrm_nr; i++) {
		tmpl = &xp->xfrm_vec[i];
		if (tmpl->mode != XFRM_MODE_TUNNEL ||
		    tmpl->id.proto != IPPROTO_ESP)
			continue;
		if (xp->if_id)
			return tmpl;

		local = out ? &tmpl->saddr : &tmpl->id.daddr;
		remote = out ? &tmpl->id.daddr : &tmpl->saddr;
		if (tmpl->encap_family == conf->family &&
		    xfrm_addr_equal(local, &conf->local, conf->family) &&
		    xfrm_addr_equal(remote, &conf->remote, conf->family))
			return tmpl;
	}

	return NULL;
}

/* A policy that waits for a packet and does not say where its tunnel will lead,
 * as pluto makes it
 */
static bool ipsi_ts_is_trap(const struct xfrm_policy *xp)
{
	const struct xfrm_tmpl *tmpl = &xp->xfrm_vec[0];

	return xp->xfrm_nr == 1 && tmpl->mode == XFRM_MODE_TRANSPORT &&
	       tmpl->id.proto == IPPROTO_ESP &&
	       xfrm_addr_any(&tmpl->id.daddr, tmpl->encap_family) &&
	       xfrm_addr_any(&tmpl->saddr, tmpl->encap_family);
}

/* Is this a policy for SAs of the device? What is forwarded needs none: it
 * has come in.
 */
static bool ipsi_ts_read(const struct ipsi_conf *conf,
			 const struct xfrm_policy *xp, int dir,
			 struct ipsi_ts_entry *entry)
{
	const struct xfrm_tmpl *tmpl;
	bool out = dir == XFRM_POLICY_OUT;

	if ((!out && dir != XFRM_POLICY_IN) ||
	    conf->keying == IPSEC_IPIP_KEYING_MANUAL ||
	    xp->type != XFRM_POLICY_TYPE_MAIN ||
	    xp->action != XFRM_POLICY_ALLOW)
		return false;
	if (xp->if_id ? xp->if_id != conf->if_id :
			conf->keying != IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS)
		return false;

	entry->trap = out && ipsi_ts_is_trap(xp);
	tmpl = entry->trap ? &xp->xfrm_vec[0] :
			     ipsi_ts_template(conf, xp, out);
	if (!tmpl)
		return false;

	entry->sel = xp->selector;
	entry->reqid = tmpl->reqid;
	entry->out = out;
	return true;
}

/**
 * struct ipsi_ts_search - a search of the SPD
 * @conf: configuration of the device it is for
 * @table: what was found is put here, as far as there is room, or NULL
 * @n: how much was found
 */
struct ipsi_ts_search {
	const struct ipsi_conf *conf;
	struct ipsi_ts_table *table;
	unsigned int n;
};

/* The SPD's lock is held. */
static int ipsi_ts_search_one(struct xfrm_policy *xp, int dir, int seq,
			      void *data)
{
	struct ipsi_ts_search *search = data;
	struct ipsi_ts_table *table = search->table;
	struct ipsi_ts_entry entry;

	if (!ipsi_ts_read(search->conf, xp, dir, &entry))
		return 0;

	search->n++;
	if (table && table->n < table->room)
		table->entry[table->n++] = entry;

	return 0;
}

static unsigned int ipsi_ts_search(struct net *net,
				   const struct ipsi_conf *conf,
				   struct ipsi_ts_table *table)
{
	struct ipsi_ts_search search = { .conf = conf, .table = table };
	struct xfrm_policy_walk walk;

	xfrm_policy_walk_init(&walk, XFRM_POLICY_TYPE_MAIN);
	xfrm_policy_walk(net, &walk, ipsi_ts_search_one, &search);
	xfrm_policy_walk_done(&walk, net);

	return search.n;
}

static void ipsi_ts_warn(const struct ipsi_dev *idev,
			 const struct ipsi_ts_table *table)
{
	const struct ipsi_ts_entry *entry;
	unsigned int i;

	for (i = 0; i < table->n; i++) {
		entry = &table->entry[i];
		if (ipsi_ts_has_ports(&entry->sel) && net_ratelimit())
			netdev_warn(idev->dev,
				    "policy with ports for reqid %u: nothing passes by it\n",
				    entry->reqid);
	}
}

/* Read the policies; there may be more when there is room for them. Without
 * memory, all stays as it is, and is tried again with the next change.
 */
static void ipsi_ts_learn(struct ipsi_dev *idev)
{
	const struct ipsi_conf *conf = rtnl_dereference(idev->conf);
	struct ipsi_ts_table *table = NULL, *old;
	int seen = atomic_read(&idev->ts_changes);
	unsigned int n;

	do {
		n = ipsi_ts_search(idev->net, conf, NULL);
		kfree(table);
		table = NULL;
		if (!n)
			break;
		table = kzalloc(struct_size(table, entry, n), GFP_KERNEL);
		if (!table)
			return;
		table->room = n;
	} while (ipsi_ts_search(idev->net, conf, table) > n);

	if (table)
		ipsi_ts_warn(idev, table);

	old = rtnl_dereference(idev->ts);
	rcu_assign_pointer(idev->ts, table);
	/* Who sees it, sees the table. */
	smp_store_release(&idev->ts_seen, seen);
	if (old)
		kfree_rcu(old, rcu);
}

/**
 * ipsi_ts_work - read what policies say for the devices of a namespace
 * @work: ts_work of the namespace
 *
 * Context: process.
 */
void ipsi_ts_work(struct work_struct *work)
{
	struct ipsi_net *inet = container_of(work, struct ipsi_net, ts_work);
	struct ipsi_dev *idev;
	unsigned int i;

	rtnl_lock();
	for (i = 0; i < ARRAY_SIZE(inet->devs); i++)
		hlist_for_each_entry(idev, &inet->devs[i], node)
			if (idev->ts_seen != atomic_read(&idev->ts_changes))
				ipsi_ts_learn(idev);
	rtnl_unlock();
}

/**
 * ipsi_ts_refresh - read what policies say for a device
 * @idev: the device
 *
 * Context: any.
 */
void ipsi_ts_refresh(struct ipsi_dev *idev)
{
	atomic_inc(&idev->ts_changes);
	ipsi_adopt_schedule(&ipsi_net(idev->net)->ts_work);
}

/**
 * ipsi_ts_told - policies have changed
 * @net: underlay namespace
 * @xp: the policy that has come or gone; NULL for all
 * @dir: its direction
 *
 * Context: RCU read side.
 */
void ipsi_ts_told(const struct net *net, const struct xfrm_policy *xp, int dir)
{
	const struct ipsi_net *inet = ipsi_net(net);
	struct ipsi_ts_entry entry;
	struct ipsi_dev *idev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inet->devs); i++)
		hlist_for_each_entry_rcu(idev, &inet->devs[i], node)
			if (xp ? ipsi_ts_read(rcu_dereference(idev->conf), xp,
					      dir, &entry) :
				 !!rcu_access_pointer(idev->ts))
				ipsi_ts_refresh(idev);
}
