// SPDX-License-Identifier: GPL-2.0
/*
 * Init and exit of the module and of namespaces, and the devices by the
 * namespace of their underlay.
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/rhashtable.h>
#include <linux/wait_bit.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/net_namespace.h>
#include <net/netns/hash.h>

#include "acquire.h"
#include "adopt.h"
#include "bundle.h"
#include "decap.h"
#include "device.h"
#include "km.h"
#include "link.h"
#include "main.h"
#include "migrate.h"
#include "mtu.h"
#include "netlink.h"
#include "sa.h"
#include "spd.h"
#include "wipe.h"
#include "work.h"

unsigned int ipsi_net_id __read_mostly;

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
 * ipsi_net_del - undo ipsi_net_add(), and forget the SAs of the device
 * @idev: the device
 *
 * Context: RTNL. Readers may see it until a grace period has passed.
 */
void ipsi_net_del(struct ipsi_dev *idev)
{
	struct ipsi_net *inet = ipsi_net(idev->net);
	u32 if_id = rtnl_dereference(idev->conf)->if_id;

	ASSERT_RTNL();

	hlist_del_rcu(&idev->node);
	rhashtable_remove_fast(&ipsi_net_table, &idev->by_if_id,
			       ipsi_net_params);
	if (if_id >= IPSI_IF_ID_AUTO && if_id < inet->free_if_id)
		inet->free_if_id = if_id;
	ipsi_adopt_forget(idev);
	ipsi_acquire_stop(idev);
	ipsi_sad_close(idev);
}

/**
 * ipsi_net_set_flushed - mark devices whose states are deleted
 * @net: underlay namespace; all its devices that are being unregistered are
 *   marked
 *
 * Context: RTNL.
 */
void ipsi_net_set_flushed(const struct net *net)
{
	struct ipsi_net *inet = ipsi_net(net);
	struct ipsi_dev *idev;
	unsigned int i;

	ASSERT_RTNL();

	for (i = 0; i < ARRAY_SIZE(inet->devs); i++)
		hlist_for_each_entry(idev, &inet->devs[i], node)
			if (ipsi_dev_goes(idev))
				idev->flushed = true;
}

/**
 * ipsi_net_flushed - refresh all devices after a flush of SAs
 * @net: the namespace
 * @proto: IPPROTO_ESP or another, or 0 for all
 *
 * Context: RCU read side.
 */
void ipsi_net_flushed(const struct net *net, u8 proto)
{
	struct ipsi_net *inet = ipsi_net(net);
	struct ipsi_dev *idev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inet->devs); i++)
		hlist_for_each_entry_rcu(idev, &inet->devs[i], node)
			if (ipsi_sad_has_proto(idev, proto))
				ipsi_sa_refresh(idev);
}

/**
 * ipsi_net_moved - refresh the devices whose SAs were moved
 * @net: the namespace
 * @family: family of the addresses
 * @a: old address of the SAs at one end
 * @b: old address at the other end
 *
 * Context: RCU read side.
 */
void ipsi_net_moved(const struct net *net, u16 family, const xfrm_address_t *a,
		    const xfrm_address_t *b)
{
	struct ipsi_net *inet = ipsi_net(net);
	const struct ipsi_conf *conf;
	struct ipsi_dev *idev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inet->devs); i++)
		hlist_for_each_entry_rcu(idev, &inet->devs[i], node) {
			conf = rcu_dereference(idev->conf);
			if (conf->family == family &&
			    (ipsi_conf_between(conf, a, b) ||
			     ipsi_conf_between(conf, b, a)))
				ipsi_sa_refresh(idev);
		}
}

/* Unlike IPv4, IPv6 keeps routes whose source is no longer an address of this
 * host; see ipsi_route6().
 */
static int ipsi_inet6addr_event(struct notifier_block *nb, unsigned long event,
				void *ptr)
{
	const struct inet6_ifaddr *ifa = ptr;

	if (event == NETDEV_DOWN)
		ipsi_bundle_net_reset(dev_net(ifa->idev->dev));

	return NOTIFY_DONE;
}

static struct notifier_block ipsi_inet6addr_notifier = {
	.notifier_call = ipsi_inet6addr_event,
};

/* Delete the devices with their underlay namespace, wherever they are. */
static void ipsi_exit_rtnl(struct net *net, struct list_head *kill)
{
	struct ipsi_net *inet = ipsi_net(net);
	struct ipsi_dev *idev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inet->devs); i++)
		hlist_for_each_entry(idev, &inet->devs[i], node)
			unregister_netdevice_queue(idev->dev, kill);
}

IPSI_DEFINE_EXIT_RTNL(ipsi_exit_rtnl)

static int __net_init ipsi_net_init(struct net *net)
{
	INIT_LIST_HEAD(&ipsi_net(net)->natt);
	ipsi_net(net)->free_if_id = IPSI_IF_ID_AUTO;
	ipsi_wipe_net_init(net);
	ipsi_adopt_net_init(net);
	ipsi_spd_net_init(net);
	ipsi_migrate_net_init(net);
	ipsi_mtu_net_init(net);
	return 0;
}

/* A device that was deleted by someone else may not be freed yet, and its work,
 * which owns a reference to it, still uses the namespace. Wait for that before
 * other work is cancelled, which may own such references too.
 */
static void __net_exit ipsi_net_exit(struct net *net)
{
	struct ipsi_net *inet = ipsi_net(net);

	wait_var_event(&inet->n_devs, !atomic_read(&inet->n_devs));
	ipsi_mtu_net_exit(net);
	ipsi_migrate_net_exit(net);
	ipsi_spd_net_exit(net);
	ipsi_adopt_net_exit(net);
	ipsi_wipe_net_exit(net);
}

static struct pernet_operations ipsi_net_ops = {
	.init = ipsi_net_init,
	.exit = ipsi_net_exit,
	IPSI_EXIT_RTNL(ipsi_exit_rtnl),
	.id = &ipsi_net_id,
	.size = sizeof(struct ipsi_net),
};

static int __init ipsi_init(void)
{
	int err;

	err = rhashtable_init(&ipsi_net_table, &ipsi_net_params);
	if (err)
		return err;

	err = ipsi_sa_init();
	if (err)
		goto err_table;

	err = ipsi_work_init();
	if (err)
		goto err_sa;

	err = ipsi_adopt_init();
	if (err)
		goto err_work;

	err = register_pernet_device(&ipsi_net_ops);
	if (err)
		goto err_adopt;

	err = ipsi_decap_register();
	if (err)
		goto err_pernet;

	ipsi_km_register();

	err = ipsi_nl_register();
	if (err)
		goto err_km;

	err = register_inet6addr_notifier(&ipsi_inet6addr_notifier);
	if (err)
		goto err_nl;

	err = ipsi_device_register();
	if (err)
		goto err_inet6addr;

	err = ipsi_link_register();
	if (err)
		goto err_device;

	return 0;

err_device:
	ipsi_device_unregister();
err_inet6addr:
	unregister_inet6addr_notifier(&ipsi_inet6addr_notifier);
err_nl:
	ipsi_nl_unregister();
err_km:
	ipsi_km_unregister();
	ipsi_decap_unregister();
err_pernet:
	unregister_pernet_device(&ipsi_net_ops);
err_adopt:
	ipsi_adopt_exit();
err_work:
	ipsi_work_exit();
err_sa:
	ipsi_sa_exit();
err_table:
	rhashtable_destroy(&ipsi_net_table);
	return err;
}

static void __exit ipsi_exit(void)
{
	/* Deletes all devices, so that nothing below finds one. */
	ipsi_link_unregister();
	ipsi_device_unregister();
	unregister_inet6addr_notifier(&ipsi_inet6addr_notifier);
	ipsi_nl_unregister();
	ipsi_km_unregister();
	ipsi_decap_unregister();
	unregister_pernet_device(&ipsi_net_ops);
	ipsi_adopt_exit();
	ipsi_work_exit();
	ipsi_sa_exit();
	rhashtable_destroy(&ipsi_net_table);
	/* Wait for the RCU callbacks that free configurations. */
	rcu_barrier();
}

module_init(ipsi_init);
module_exit(ipsi_exit);

MODULE_DESCRIPTION("IPsec links as devices: IP-in-IP over transport mode (RFC 3884)");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RTNL_LINK("ipsec-ipip");
MODULE_ALIAS_GENL_FAMILY(IPSEC_IPIP_FAMILY_NAME);
