// SPDX-License-Identifier: GPL-2.0
/*
 * The devices of a namespace: a list of those whose underlay it is, and a table
 * of all devices by if_id.
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/rculist.h>
#include <linux/rhashtable.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>
#include <net/netns/hash.h>

#include "net.h"
#include "unlisted.h"

unsigned int ipsi_net_id __read_mostly;

/* Type of all devices of the module, and of no others */
const struct device_type ipsi_device_type = {
	.name = "ipsec_ipip",
};

/* Devices of all namespaces by if_id; written under RTNL, read under RCU. */
static struct rhashtable ipsi_net_table;

/**
 * struct ipsi_net_key - key of ipsi_net_table
 * @net: underlay namespace
 * @if_id: interface id
 */
struct ipsi_net_key {
	const struct net *net;
	u32 if_id;
};

static u32 ipsi_net_hash(const struct net *net, u32 if_id, u32 seed)
{
	return jhash_2words(if_id, net_hash_mix(net), seed);
}

static u32 ipsi_net_key_hash(const void *data, u32 len, u32 seed)
{
	const struct ipsi_net_key *key = data;

	return ipsi_net_hash(key->net, key->if_id, seed);
}

static u32 ipsi_net_obj_hash(const void *data, u32 len, u32 seed)
{
	const struct ipsi_dev *idev = data;

	return ipsi_net_hash(idev->net, idev->if_id, seed);
}

static int ipsi_net_obj_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct ipsi_net_key *key = arg->key;
	const struct ipsi_dev *idev = obj;

	return idev->if_id != key->if_id || idev->net != key->net;
}

static const struct rhashtable_params ipsi_net_params = {
	.head_offset		= offsetof(struct ipsi_dev, by_if_id),
	.hashfn			= ipsi_net_key_hash,
	.obj_hashfn		= ipsi_net_obj_hash,
	.obj_cmpfn		= ipsi_net_obj_cmp,
	.automatic_shrinking	= true,
};

/**
 * ipsi_net_find - find a device by its if_id
 * @net: underlay namespace
 * @if_id: interface id
 *
 * Context: RCU read side or RTNL.
 * Return: the device, valid as long as that is held, or NULL.
 */
struct ipsi_dev *ipsi_net_find(const struct net *net, u32 if_id)
{
	const struct ipsi_net_key key = { .net = net, .if_id = if_id };

	return rhashtable_lookup_fast(&ipsi_net_table, &key, ipsi_net_params);
}

/**
 * ipsi_net_next - iterate over the devices of a namespace
 * @net: underlay namespace
 * @idev: a device of the namespace, or NULL to begin
 *
 * Context: RCU read side or RTNL.
 * Return: the device after @idev, valid as long as that is held, or NULL.
 */
struct ipsi_dev *ipsi_net_next(const struct net *net,
			       const struct ipsi_dev *idev)
{
	struct ipsi_net *inet = ipsi_net(net);
	struct hlist_node *node = NULL;
	unsigned int i = 0;

	if (idev) {
		i = hash_32(idev->if_id, IPSI_HASH_BITS) + 1;
		node = rcu_dereference_rtnl(hlist_next_rcu(&idev->node));
	}
	while (!node && i < ARRAY_SIZE(inet->devs))
		node = rcu_dereference_rtnl(hlist_first_rcu(&inet->devs[i++]));

	return hlist_entry_safe(node, struct ipsi_dev, node);
}

/**
 * ipsi_net_add - add a device to its namespace and to the table
 * @idev: the device
 * @if_id: its interface id, which is free
 *
 * Context: RTNL.
 * Return: 0 or a negative errno.
 */
int ipsi_net_add(struct ipsi_dev *idev, u32 if_id)
{
	struct ipsi_net *inet = ipsi_net(idev->net);
	int err;

	ASSERT_RTNL();

	idev->if_id = if_id;
	err = rhashtable_insert_fast(&ipsi_net_table, &idev->by_if_id,
				     ipsi_net_params);
	if (err)
		return err;

	hlist_add_head_rcu(&idev->node,
			   &inet->devs[hash_32(if_id, IPSI_HASH_BITS)]);
	return 0;
}

/**
 * ipsi_net_del - undo ipsi_net_add()
 * @idev: the device
 *
 * Context: RTNL. Readers may see it until a grace period has passed.
 */
void ipsi_net_del(struct ipsi_dev *idev)
{
	struct ipsi_net *inet = ipsi_net(idev->net);
	u32 if_id = idev->if_id;

	ASSERT_RTNL();

	/* The next device with this if_id may find states that stay. */
	ipsi_unlisted_note(idev->net, if_id);
	hlist_del_rcu(&idev->node);
	rhashtable_remove_fast(&ipsi_net_table, &idev->by_if_id,
			       ipsi_net_params);
	if (if_id >= IPSI_IF_ID_AUTO && if_id < inet->free_if_id)
		inet->free_if_id = if_id;
}

/**
 * ipsi_net_register - create the table of devices
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_net_register(void)
{
	return rhashtable_init(&ipsi_net_table, &ipsi_net_params);
}

/**
 * ipsi_net_unregister - undo ipsi_net_register(), after all devices are gone
 *
 * Context: process.
 */
void ipsi_net_unregister(void)
{
	rhashtable_destroy(&ipsi_net_table);
}
