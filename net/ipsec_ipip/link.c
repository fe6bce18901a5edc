// SPDX-License-Identifier: GPL-2.0
/*
 * The rtnetlink kind "ipsec-ipip": creates, changes and deletes links.
 */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <net/rtnetlink.h>

#include "adopt.h"
#include "cache.h"
#include "carrier.h"
#include "conf.h"
#include "device.h"
#include "icmp.h"
#include "link.h"
#include "mtu.h"
#include "natt.h"
#include "net.h"
#include "peer.h"
#include "sa.h"
#include "sad_flush.h"
#include "txq.h"

/* Check that the if_id is free; choose a free one if none is given. */
static int ipsi_choose_if_id(const struct net *net, struct ipsi_conf *conf,
			     struct netlink_ext_ack *extack)
{
	u32 id;

	if (conf->if_id) {
		if (!ipsi_net_find(net, conf->if_id))
			return 0;
		NL_SET_ERR_MSG(extack,
			       "if_id: in use by another ipsec-ipip device");
		return -EEXIST;
	}

	for (id = ipsi_net(net)->free_if_id; id; id++) {
		if (!ipsi_net_find(net, id)) {
			ipsi_net(net)->free_if_id = id;
			conf->if_id = id;
			return 0;
		}
	}

	NL_SET_ERR_MSG(extack, "if_id: none is free, specify one");
	return -ENOSPC;
}

/* Open the port of a new device, and add it to the devices of its namespace. If
 * that fails, ndo_uninit closes the port.
 */
static int ipsi_newlink_join(struct ipsi_dev *idev,
			     const struct ipsi_conf *conf,
			     struct netlink_ext_ack *extack)
{
	int err;

	err = ipsi_natt_listen(idev, conf->family, conf->encap_port, extack);
	if (!err)
		err = ipsi_sad_flush_reserve(idev->net, conf->if_id);
	if (err)
		return err;

	err = ipsi_net_add(idev, conf->if_id);
	if (err)
		ipsi_sad_flush_release(idev->net, conf->if_id);

	return err;
}

static int ipsi_newlink(struct net_device *dev,
			struct rtnl_newlink_params *params,
			struct netlink_ext_ack *extack)
{
	struct net *net = rtnl_newlink_link_net(params);
	struct ipsi_dev *idev = netdev_priv(dev);
	struct nlattr **data = params->data;
	struct ipsi_conf *conf;
	int err;

	if (!data || !data[IFLA_IPSEC_IPIP_LOCAL]) {
		NL_SET_ERR_MSG(extack, "local: required");
		return -EINVAL;
	}
	if (!data[IFLA_IPSEC_IPIP_REMOTE]) {
		NL_SET_ERR_MSG(extack, "remote: required");
		return -EINVAL;
	}

	conf = kzalloc(sizeof(*conf), GFP_KERNEL);
	if (!conf)
		return -ENOMEM;
	ipsi_conf_init(conf);

	err = ipsi_conf_parse(conf, data, extack);
	if (!err)
		err = ipsi_conf_validate(net, dev, conf, extack);
	if (!err)
		err = ipsi_adopt_validate(net, dev, conf, extack);
	if (!err)
		err = ipsi_choose_if_id(net, conf, extack);
	if (err)
		goto err_conf;

	idev->dev = dev;
	idev->net = net;
	ipsi_sad_init(&idev->sad);
	ipsi_carrier_init(idev);
	ipsi_peer_init(idev);
	ipsi_txq_init(idev);
	INIT_WORK(&idev->mtu_work, ipsi_mtu_work);
	INIT_LIST_HEAD(&idev->encs);
	rcu_assign_pointer(idev->conf, conf);

	idev->mtu_auto = conf->mtu_auto && !params->tb[IFLA_MTU];
	if (idev->mtu_auto)
		dev->mtu = ipsi_mtu_compute(idev, conf);

	err = register_netdevice(dev);
	if (err) {
		/* With a destructor, ndo_init has succeeded, and the device
		 * owns conf.
		 */
		if (dev->priv_destructor)
			return err;
		goto err_conf;
	}

	err = ipsi_newlink_join(idev, conf, extack);
	if (err) {
		unregister_netdevice(dev);
		return err;
	}
	ipsi_sad_load_new(idev);
	ipsi_adopt_configure(idev, true);

	return 0;

err_conf:
	kfree(conf);
	return err;
}

IPSI_DEFINE_NEWLINK(ipsi_newlink)

static bool ipsi_conf_same_endpoints(const struct ipsi_conf *a,
				     const struct ipsi_conf *b)
{
	return xfrm_addr_equal(&a->local, &b->local, a->family) &&
	       xfrm_addr_equal(&a->remote, &b->remote, a->family);
}

static int ipsi_changelink(struct net_device *dev, struct nlattr *tb[],
			   struct nlattr *data[],
			   struct netlink_ext_ack *extack)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	struct ipsi_conf *old, *new;
	int err;

	/* The underlay may be in a namespace of another user. */
	if (!net_eq(idev->net, dev_net(dev)) &&
	    !ns_capable(idev->net->user_ns, CAP_NET_ADMIN)) {
		NL_SET_ERR_MSG(extack,
			       "CAP_NET_ADMIN required in the namespace of the underlay");
		return -EPERM;
	}

	old = rtnl_dereference(idev->conf);
	new = kmemdup(old, sizeof(*new), GFP_KERNEL);
	if (!new)
		return -ENOMEM;

	new->mtu_auto = idev->mtu_auto;
	err = ipsi_conf_parse(new, data, extack);
	if (err)
		goto err_conf;
	if (new->if_id != old->if_id) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_IPSEC_IPIP_IF_ID],
				    "if_id: cannot be changed, make another link");
		err = -EOPNOTSUPP;
		goto err_conf;
	}
	err = ipsi_conf_validate(idev->net, dev, new, extack);
	if (!err)
		err = ipsi_adopt_validate(idev->net, dev, new, extack);
	if (!err)
		err = ipsi_natt_listen(idev, new->family, new->encap_port,
				       extack);
	if (err)
		goto err_conf;

	rcu_assign_pointer(idev->conf, new);
	WRITE_ONCE(idev->mtu_auto, new->mtu_auto);
	if (!ipsi_conf_same_endpoints(old, new))
		ipsi_sad_load(idev);
	ipsi_adopt_configure(idev, false);
	ipsi_bundle_reset(idev);
	ipsi_icmp_forget(idev);
	ipsi_mtu_schedule(idev);
	kfree_rcu(old, rcu);

	return 0;

err_conf:
	kfree(new);
	return err;
}

static void ipsi_dellink(struct net_device *dev, struct list_head *head)
{
	unregister_netdevice_queue(dev, head);
}

static struct net *ipsi_get_link_net(const struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	return idev->net;
}

static struct rtnl_link_ops ipsi_link_ops __read_mostly = {
	.kind		= "ipsec-ipip",
	.maxtype	= IFLA_IPSEC_IPIP_MAX,
	.policy		= ipsi_conf_policy,
	.priv_size	= sizeof(struct ipsi_dev),
	.setup		= ipsi_device_setup,
	.newlink	= IPSI_NEWLINK(ipsi_newlink),
	.changelink	= ipsi_changelink,
	.dellink	= ipsi_dellink,
	.get_size	= ipsi_conf_size,
	.fill_info	= ipsi_conf_fill,
	.get_link_net	= ipsi_get_link_net,
};

/**
 * ipsi_link_register - register the rtnetlink kind
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_link_register(void)
{
	return rtnl_link_register(&ipsi_link_ops);
}

/**
 * ipsi_link_unregister - undo ipsi_link_register(), and delete all links
 *
 * Context: process.
 */
void ipsi_link_unregister(void)
{
	rtnl_link_unregister(&ipsi_link_ops);
}
