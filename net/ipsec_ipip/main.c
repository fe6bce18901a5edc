// SPDX-License-Identifier: GPL-2.0
/*
 * Init and exit of the module and of namespaces. Nothing else calls into this
 * file.
 */
#include <linux/module.h>
#include <linux/wait_bit.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/net_namespace.h>

#include "adopt.h"
#include "cache.h"
#include "decap.h"
#include "device.h"
#include "enc.h"
#include "event.h"
#include "km.h"
#include "link.h"
#include "migrate.h"
#include "mtu.h"
#include "net.h"
#include "netlink-gen.h"
#include "sa.h"
#include "sad_flush.h"
#include "spd.h"
#include "unlisted.h"
#include "wipe.h"
#include "work.h"

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
	struct ipsi_dev *idev;

	for (idev = ipsi_net_next(net, NULL); idev;
	     idev = ipsi_net_next(net, idev))
		unregister_netdevice_queue(idev->dev, kill);
}

IPSI_DEFINE_EXIT_RTNL(ipsi_exit_rtnl)

static int __net_init ipsi_net_init(struct net *net)
{
	xa_init(&ipsi_net(net)->natt);
	INIT_LIST_HEAD(&ipsi_net(net)->encs);
	ipsi_net(net)->free_if_id = IPSI_IF_ID_AUTO;
	/* There may be states that are older than the module. */
	ipsi_unlisted_note_all(net);
	ipsi_nl_event_net_init(net);
	ipsi_wipe_net_init(net);
	ipsi_sad_flush_net_init(net);
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
	ipsi_sad_flush_net_exit(net);
	ipsi_mtu_net_exit(net);
	ipsi_migrate_net_exit(net);
	ipsi_spd_net_exit(net);
	ipsi_adopt_net_exit(net);
	ipsi_wipe_net_exit(net);
	ipsi_nl_event_net_exit(net);
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

	err = ipsi_net_register();
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

	err = ipsi_nl_register(&ipsec_ipip_nl_family);
	if (err)
		goto err_km;

	err = register_inet6addr_notifier(&ipsi_inet6addr_notifier);
	if (err)
		goto err_nl;

	err = ipsi_device_register();
	if (err)
		goto err_inet6addr;

	err = ipsi_enc_register();
	if (err)
		goto err_device;

	err = ipsi_link_register();
	if (err)
		goto err_enc;

	return 0;

err_enc:
	ipsi_enc_unregister();
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
	ipsi_net_unregister();
	return err;
}

static void __exit ipsi_exit(void)
{
	/* Deletes all devices, so that nothing below finds one. */
	ipsi_link_unregister();
	ipsi_enc_unregister();
	ipsi_device_unregister();
	unregister_inet6addr_notifier(&ipsi_inet6addr_notifier);
	/* Events that are queued go to the group of the family. */
	ipsi_work_flush_events();
	ipsi_nl_unregister();
	/* States that devices have left are deleted while the key-manager hook
	 * still tells them from others; migrations that it has noted end after.
	 */
	ipsi_work_flush();
	ipsi_km_unregister();
	ipsi_work_flush();
	ipsi_decap_unregister();
	unregister_pernet_device(&ipsi_net_ops);
	ipsi_adopt_exit();
	ipsi_work_exit();
	ipsi_sa_exit();
	ipsi_net_unregister();
	/* Wait for the RCU callbacks that free configurations. */
	rcu_barrier();
}

module_init(ipsi_init);
module_exit(ipsi_exit);

MODULE_DESCRIPTION("IPsec links as devices: IP-in-IP over transport mode (RFC 3884)");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RTNL_LINK("ipsec-ipip");
MODULE_ALIAS_RTNL_LINK("ipsec-ipip-enc");
MODULE_ALIAS_GENL_FAMILY(IPSEC_IPIP_FAMILY_NAME);
