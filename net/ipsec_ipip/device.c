// SPDX-License-Identifier: GPL-2.0
/*
 * The netdevice: its parts, setup and teardown.
 */
#include <linux/if_ether.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>
#include <net/pkt_cls.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "adopt.h"
#include "bundle.h"
#include "cache.h"
#include "carrier.h"
#include "decap.h"
#include "device.h"
#include "enc.h"
#include "encap.h"
#include "mtu.h"
#include "natt.h"
#include "net.h"
#include "outer.h"
#include "peer.h"
#include "sa.h"
#include "sad_flush.h"
#include "spd.h"
#include "stats.h"
#include "txq.h"

/* Features that still work with the outer header in front of a packet. The core
 * segments all other super-packets before the device sees them: lists of
 * packets (NETIF_F_GSO_FRAGLIST), each of which needs an outer header; SCTP,
 * whose checksum the device does not compute; and packets of other tunnels
 * (NETIF_F_GSO_UDP_TUNNEL and similar).
 */
#define IPSI_FEATURES	(NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | \
			 NETIF_F_HW_CSUM | NETIF_F_ALL_TSO | NETIF_F_GSO_UDP_L4)

/* priv_destructor: the device has no users any more. */
static void ipsi_dev_free(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	atomic_t *n_devs = &ipsi_net(idev->net)->n_devs;

	ipsi_sad_fini(idev);
	ipsi_decap_fini(idev);
	ipsi_bundle_free(idev);
	free_percpu(idev->stats);
	kfree(rcu_dereference_protected(idev->conf, 1));
	RCU_INIT_POINTER(idev->conf, NULL);
	ipsi_spd_fini(idev);
	/* From here on the namespace may be gone; only the address is used. */
	if (atomic_dec_and_test(n_devs))
		wake_up_var(n_devs);
}

static int ipsi_dev_init(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	int err;

	netdev_lockdep_set_classes(dev);

	idev->stats = ipsi_stats_alloc();
	if (!idev->stats)
		return -ENOMEM;

	err = ipsi_bundle_alloc(idev);
	if (err)
		goto err_stats;

	err = ipsi_decap_init(idev);
	if (err)
		goto err_bundles;

	err = ipsi_bundle_init(idev);
	if (err)
		goto err_decap;

	atomic_inc(&ipsi_net(idev->net)->n_devs);
	/* If registration fails from here on, the destructor frees everything. */
	dev->priv_destructor = ipsi_dev_free;
	return 0;

err_decap:
	ipsi_decap_fini(idev);
err_bundles:
	ipsi_bundle_free(idev);
err_stats:
	free_percpu(idev->stats);
	return err;
}

/* The device sends nothing any more. Receivers may still see it until the grace
 * period that follows. Its states are deleted first: as long as the device can
 * be found, it refuses their packets.
 */
static void ipsi_dev_uninit(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	if (!hlist_unhashed(&idev->node)) {
		ipsi_sad_flush(idev);
		ipsi_net_del(idev);
		ipsi_adopt_forget(idev);
		ipsi_adopt_stop(idev);
		ipsi_acquire_stop(idev);
		ipsi_sad_close(idev);
	}
	ipsi_carrier_stop(idev);
	/* Packets could still be queued after ndo_stop. */
	ipsi_txq_stop(idev);
	ipsi_peer_stop(idev);
	ipsi_bundle_fini(idev);
	ipsi_natt_listen(idev, rtnl_dereference(idev->conf)->family, 0, NULL);
}

static int ipsi_dev_open(struct net_device *dev)
{
	ipsi_mtu_schedule(netdev_priv(dev));
	return 0;
}

static int ipsi_dev_stop(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	ipsi_bundle_reset(idev);
	ipsi_txq_stop(idev);
	return 0;
}

static int ipsi_dev_change_mtu(struct net_device *dev, int mtu)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	/* An MTU that is set by hand stays. */
	if (!idev->mtu_updating)
		WRITE_ONCE(idev->mtu_auto, false);
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

static int ipsi_dev_get_iflink(const struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	int link;

	rcu_read_lock();
	link = rcu_dereference(idev->conf)->link ?: dev->ifindex;
	rcu_read_unlock();

	return link;
}

/* Nothing is offloaded. The core announces a new root qdisc, or a new child of
 * mq, in this way only, and to devices with NETIF_F_HW_TC only. Children of other
 * qdiscs are noticed when a packet selects its queue.
 */
static int ipsi_dev_setup_tc(struct net_device *dev, enum tc_setup_type type,
			     void *type_data)
{
	const struct tc_mq_qopt_offload *mq = type_data;

	if (type == TC_SETUP_ROOT_QDISC ||
	    (type == TC_SETUP_QDISC_MQ && mq->command == TC_MQ_GRAFT))
		ipsi_carrier_queue_changes(dev);

	return -EOPNOTSUPP;
}

static const struct net_device_ops ipsi_netdev_ops = {
	.ndo_init		= ipsi_dev_init,
	.ndo_uninit		= ipsi_dev_uninit,
	.ndo_open		= ipsi_dev_open,
	.ndo_stop		= ipsi_dev_stop,
	.ndo_start_xmit		= ipsi_xmit,
	.ndo_select_queue	= ipsi_carrier_select_queue,
	.ndo_change_mtu		= ipsi_dev_change_mtu,
	.ndo_setup_tc		= ipsi_dev_setup_tc,
	.ndo_get_stats64	= dev_get_tstats64,
	.ndo_get_iflink		= ipsi_dev_get_iflink,
};

/**
 * ipsi_device_setup - set up a device, independent of its configuration
 * @dev: a device that is being created
 */
void ipsi_device_setup(struct net_device *dev)
{
	dev->netdev_ops = &ipsi_netdev_ops;
	dev->ethtool_ops = &ipsi_ethtool_ops;
	SET_NETDEV_DEVTYPE(dev, &ipsi_device_type);
	dev->header_ops = &ip_tunnel_header_ops;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->hard_header_len = 0;
	dev->addr_len = 0;
	dev->needed_headroom = IPSI_HEADROOM_NEW;
	dev->needed_tailroom = IPSI_ESP_OVERHEAD_MAX;
	dev->mtu = ETH_DATA_LEN - sizeof(struct ipv6hdr) -
		   IPSI_ESP_OVERHEAD_MAX;
	dev->min_mtu = IPV4_MIN_MTU;
	dev->max_mtu = IP_MAX_MTU - sizeof(struct iphdr);
	dev->features |= IPSI_FEATURES | NETIF_F_HW_TC;
	dev->hw_features |= IPSI_FEATURES;
	dev->hw_enc_features |= IPSI_FEATURES;
	ipsi_dev_set_lltx(dev);
	/* The route of a packet gets path MTU updates. */
	netif_keep_dst(dev);
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->needs_free_netdev = true;
}

/* Exempt IPv4 packets of the device from the SPD, since its SAs decide. These
 * are only defaults. IPv6 has no disable_xfrm, and its disable_policy would
 * admit packets in clear from other devices to an address of this device.
 */
static void ipsi_dev_exempt(struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rtnl(dev);

	if (in_dev) {
		IN_DEV_CONF_SET(in_dev, NOPOLICY, 1);
		IN_DEV_CONF_SET(in_dev, NOXFRM, 1);
	}
}

static int ipsi_netdev_event(struct notifier_block *nb, unsigned long event,
			     void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	if (event == NETDEV_CHANGEMTU)
		ipsi_mtu_underlay_changed(dev);
	/* A move to another namespace is one, too. */
	if (event == NETDEV_UNREGISTER)
		ipsi_enc_leaves(dev);

	if (!ipsi_device_is(dev))
		return NOTIFY_DONE;

	switch (event) {
	case NETDEV_REGISTER:
		ipsi_dev_exempt(dev);
		break;
	case NETDEV_UP:
	case NETDEV_CHANGE:
		ipsi_carrier_keep_queue(dev);
		break;
	case NETDEV_CHANGE_TX_QUEUE_LEN:
		ipsi_carrier_queue_changes(dev);
		break;
	}

	return NOTIFY_DONE;
}

static struct notifier_block ipsi_netdev_notifier = {
	.notifier_call = ipsi_netdev_event,
	/* Called after IPv4 has created the in_device. */
	.priority = -1,
};

/**
 * ipsi_device_register - register the netdevice notifier
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_device_register(void)
{
	return register_netdevice_notifier(&ipsi_netdev_notifier);
}

/**
 * ipsi_device_unregister - undo ipsi_device_register()
 *
 * Context: process.
 */
void ipsi_device_unregister(void)
{
	unregister_netdevice_notifier(&ipsi_netdev_notifier);
}
