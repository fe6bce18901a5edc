// SPDX-License-Identifier: GPL-2.0
/*
 * The netdevice: rtnetlink kind "ipsec-ipip", its options, and its life.
 */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>
#include <net/rtnetlink.h>
#include <net/xfrm.h>

#include "adopt.h"
#include "bypass.h"
#include "carrier.h"
#include "device.h"
#include "encap.h"
#include "ethtool.h"
#include "icmp.h"
#include "main.h"
#include "mtu.h"
#include "natt.h"
#include "peer.h"
#include "policy.h"
#include "sa.h"
#include "stats.h"

#define IPSI_FEATURES	(NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | \
			 NETIF_F_GSO_SOFTWARE | NETIF_F_HW_CSUM)

/* Lengths of addresses are checked where the message can say what is wrong. */
static const struct nla_policy ipsi_link_policy[IFLA_IPSEC_IPIP_MAX + 1] = {
	[IFLA_IPSEC_IPIP_LOCAL]		= { .type = NLA_BINARY },
	[IFLA_IPSEC_IPIP_REMOTE]	= { .type = NLA_BINARY },
	[IFLA_IPSEC_IPIP_LINK]		= { .type = NLA_U32 },
	[IFLA_IPSEC_IPIP_IF_ID]		= { .type = NLA_U32 },
	[IFLA_IPSEC_IPIP_REQID]		= { .type = NLA_U32 },
	[IFLA_IPSEC_IPIP_TTL]		= { .type = NLA_U8 },
	[IFLA_IPSEC_IPIP_TOS]		= { .type = NLA_U8 },
	[IFLA_IPSEC_IPIP_DF]		= { .type = NLA_U8 },
	[IFLA_IPSEC_IPIP_FWMARK]	= { .type = NLA_U32 },
	[IFLA_IPSEC_IPIP_ECN]		= { .type = NLA_U8 },
	[IFLA_IPSEC_IPIP_FLOWLABEL]	= { .type = NLA_U8 },
	[IFLA_IPSEC_IPIP_KEYING]	= { .type = NLA_U8 },
	[IFLA_IPSEC_IPIP_ICMP]		= { .type = NLA_U8 },
	[IFLA_IPSEC_IPIP_ROAM]		= { .type = NLA_U8 },
	[IFLA_IPSEC_IPIP_ENCAP_PORT]	= { .type = NLA_BE16 },
	[IFLA_IPSEC_IPIP_PEER]		= { .type = NLA_REJECT },
};

/* Return the family, which the length tells, or AF_UNSPEC. */
static u16 ipsi_parse_address(const struct nlattr *attr, xfrm_address_t *addr)
{
	memset(addr, 0, sizeof(*addr));

	switch (nla_len(attr)) {
	case sizeof(addr->a4):
		addr->a4 = nla_get_in_addr(attr);
		return AF_INET;
	case sizeof(addr->a6):
		addr->in6 = nla_get_in6_addr(attr);
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

static int ipsi_parse_endpoints(struct ipsi_conf *conf, struct nlattr *data[],
				struct netlink_ext_ack *extack)
{
	struct nlattr *remote = data[IFLA_IPSEC_IPIP_REMOTE];
	struct nlattr *local = data[IFLA_IPSEC_IPIP_LOCAL];
	u16 family;

	if (local) {
		family = ipsi_parse_address(local, &conf->local);
		if (family == AF_UNSPEC) {
			NL_SET_ERR_MSG_ATTR(extack, local,
					    "local: expected an IPv4 or IPv6 address");
			return -EINVAL;
		}
		if (conf->family && family != conf->family) {
			NL_SET_ERR_MSG_ATTR(extack, local,
					    "local: expected an address of the family of remote");
			return -EINVAL;
		}
		conf->family = family;
	}

	if (remote) {
		family = ipsi_parse_address(remote, &conf->remote);
		if (family == AF_UNSPEC) {
			NL_SET_ERR_MSG_ATTR(extack, remote,
					    "remote: expected an IPv4 or IPv6 address");
			return -EINVAL;
		}
		if (family != conf->family) {
			NL_SET_ERR_MSG_ATTR(extack, remote,
					    "remote: expected an address of the family of local");
			return -EINVAL;
		}
		conf->any = xfrm_addr_any(&conf->remote, family);
	}

	return 0;
}

static int ipsi_parse_header(struct ipsi_conf *conf, struct nlattr *data[],
			     struct netlink_ext_ack *extack)
{
	struct nlattr *attr;

	attr = data[IFLA_IPSEC_IPIP_TTL];
	if (attr)
		conf->ttl = nla_get_u8(attr);

	attr = data[IFLA_IPSEC_IPIP_TOS];
	if (attr) {
		conf->tos = nla_get_u8(attr);
		if (conf->tos != IPSI_TOS_INHERIT &&
		    conf->tos & INET_ECN_MASK) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "tos: expected 1 (inherit), or a DSCP with the two ECN bits clear");
			return -EINVAL;
		}
	}

	attr = data[IFLA_IPSEC_IPIP_DF];
	if (attr) {
		conf->df = nla_get_u8(attr);
		if (conf->df > IPSEC_IPIP_DF_INHERIT) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "df: expected 0 (unset), 1 (set) or 2 (inherit)");
			return -EINVAL;
		}
	}

	attr = data[IFLA_IPSEC_IPIP_ECN];
	if (attr) {
		conf->ecn = nla_get_u8(attr);
		if (conf->ecn > IPSEC_IPIP_ECN_OFF) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "ecn: expected 0 (rfc3168), 1 (rfc6040) or 2 (off)");
			return -EINVAL;
		}
	}

	attr = data[IFLA_IPSEC_IPIP_FLOWLABEL];
	if (attr) {
		conf->flowlabel = nla_get_u8(attr);
		if (conf->flowlabel > IPSEC_IPIP_FLOWLABEL_ZERO) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "flowlabel: expected 0 (inherit), 1 (hash) or 2 (zero)");
			return -EINVAL;
		}
	}

	attr = data[IFLA_IPSEC_IPIP_FWMARK];
	if (attr)
		conf->fwmark = nla_get_u32(attr);

	return 0;
}

/* Put what is given into conf; what is not given stays as it is. */
static int ipsi_parse(struct ipsi_conf *conf, struct nlattr *data[],
		      struct netlink_ext_ack *extack)
{
	struct nlattr *attr;
	int err;

	if (!data)
		return 0;

	err = ipsi_parse_endpoints(conf, data, extack);
	if (err)
		return err;

	err = ipsi_parse_header(conf, data, extack);
	if (err)
		return err;

	attr = data[IFLA_IPSEC_IPIP_LINK];
	if (attr) {
		conf->link = nla_get_u32(attr);
		if (conf->link < 0) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "dev: no such device");
			return -ENODEV;
		}
	}

	attr = data[IFLA_IPSEC_IPIP_IF_ID];
	if (attr) {
		conf->if_id = nla_get_u32(attr);
		if (!conf->if_id) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "if_id: expected 1 to 0xffffffff");
			return -EINVAL;
		}
	}

	attr = data[IFLA_IPSEC_IPIP_REQID];
	if (attr)
		conf->reqid = nla_get_u32(attr);

	attr = data[IFLA_IPSEC_IPIP_ROAM];
	if (attr) {
		if (nla_get_u8(attr) > 1) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "roam: expected 0 (off) or 1 (on)");
			return -EINVAL;
		}
		conf->roam = nla_get_u8(attr);
	}

	attr = data[IFLA_IPSEC_IPIP_ENCAP_PORT];
	if (attr)
		conf->encap_port = nla_get_be16(attr);

	attr = data[IFLA_IPSEC_IPIP_KEYING];
	if (attr) {
		conf->keying = nla_get_u8(attr);
		if (conf->keying > IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "keying: expected 0 (manual), 1 (adopt) or 2 (adopt-endpoints)");
			return -EINVAL;
		}
	}

	attr = data[IFLA_IPSEC_IPIP_ICMP];
	if (attr) {
		if (nla_get_u8(attr) > 1) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "icmp: expected 0 (errors are ignored) or 1 (passed on)");
			return -EINVAL;
		}
		conf->icmp = nla_get_u8(attr);
	}

	return 0;
}

static bool ipsi_address_is_unicast4(__be32 addr)
{
	return !ipv4_is_multicast(addr) && !ipv4_is_lbcast(addr) &&
	       !ipv4_is_zeronet(addr);
}

static bool ipsi_address_is_unicast6(const struct in6_addr *addr)
{
	return !ipv6_addr_any(addr) && !ipv6_addr_is_multicast(addr) &&
	       !ipv6_addr_v4mapped(addr);
}

/* @link is the underlay device, or NULL: in a VRF, other addresses are the
 * host's than outside.
 */
static int ipsi_validate_endpoints4(struct net *net,
				    const struct net_device *link,
				    const struct ipsi_conf *conf,
				    struct netlink_ext_ack *extack)
{
	if (!ipsi_address_is_unicast4(conf->local.a4)) {
		NL_SET_ERR_MSG(extack,
			       "local: expected a unicast IPv4 address");
		return -EINVAL;
	}
	if (conf->any)
		return 0;
	if (!ipsi_address_is_unicast4(conf->remote.a4)) {
		NL_SET_ERR_MSG(extack,
			       "remote: expected a unicast IPv4 address");
		return -EINVAL;
	}

	switch (inet_addr_type_dev_table(net, link, conf->remote.a4)) {
	case RTN_LOCAL:
		NL_SET_ERR_MSG(extack, "remote: is an address of this host");
		return -EINVAL;
	case RTN_BROADCAST:
		NL_SET_ERR_MSG(extack, "remote: is a broadcast address");
		return -EINVAL;
	}

	return 0;
}

static int ipsi_validate_endpoints6(struct net *net,
				    const struct net_device *link,
				    const struct ipsi_conf *conf,
				    struct netlink_ext_ack *extack)
{
	const struct in6_addr *remote = &conf->remote.in6;
	const struct in6_addr *local = &conf->local.in6;

	if (!ipsi_address_is_unicast6(local)) {
		NL_SET_ERR_MSG(extack,
			       "local: expected a unicast IPv6 address");
		return -EINVAL;
	}
	if (!conf->link && ipv6_addr_type(local) & IPV6_ADDR_LINKLOCAL) {
		NL_SET_ERR_MSG(extack,
			       "dev: required with a link-local address");
		return -EINVAL;
	}
	if (conf->any)
		return 0;
	if (!ipsi_address_is_unicast6(remote)) {
		NL_SET_ERR_MSG(extack,
			       "remote: expected a unicast IPv6 address");
		return -EINVAL;
	}
	if (ipv6_addr_loopback(remote) ||
	    (!(ipv6_addr_type(remote) & IPV6_ADDR_LINKLOCAL) &&
	     ipv6_chk_addr(net, remote, link, 0))) {
		NL_SET_ERR_MSG(extack, "remote: is an address of this host");
		return -EINVAL;
	}
	if (!conf->link && ipv6_addr_type(remote) & IPV6_ADDR_LINKLOCAL) {
		NL_SET_ERR_MSG(extack,
			       "dev: required with a link-local address");
		return -EINVAL;
	}

	return 0;
}

/* Does the whole make sense? Nothing has been changed yet. */
static int ipsi_validate(const struct net *net, const struct net_device *dev,
			 const struct ipsi_conf *conf,
			 struct netlink_ext_ack *extack)
{
	struct net *unet = (struct net *)net;
	struct net_device *link = NULL;
	int err;

	if (conf->link) {
		link = __dev_get_by_index(unet, conf->link);
		if (!link) {
			NL_SET_ERR_MSG(extack, "dev: no such device");
			return -ENODEV;
		}
	}
	if (link == dev) {
		NL_SET_ERR_MSG(extack,
			       "dev: expected a device other than this one");
		return -EINVAL;
	}

	err = conf->family == AF_INET ?
	      ipsi_validate_endpoints4(unet, link, conf, extack) :
	      ipsi_validate_endpoints6(unet, link, conf, extack);
	if (err)
		return err;

	/* Whom to answer can only be learned where that is allowed. */
	if (conf->any && !conf->roam) {
		NL_SET_ERR_MSG(extack,
			       "remote: expected an address, or roam to learn it");
		return -EINVAL;
	}

	if (xfrm_addr_equal(&conf->local, &conf->remote, conf->family)) {
		NL_SET_ERR_MSG(extack,
			       "remote: expected an address other than local");
		return -EINVAL;
	}

	return 0;
}

/* A free if_id for a device that asked for none. */
static int ipsi_choose_if_id(const struct net *net, struct ipsi_conf *conf,
			     struct netlink_ext_ack *extack)
{
	struct ipsi_net *inet = ipsi_net(net);
	u32 id = inet->last_if_id;

	if (conf->if_id) {
		if (!ipsi_net_find(net, conf->if_id))
			return 0;
		NL_SET_ERR_MSG(extack,
			       "if_id: in use by another ipsec-ipip device");
		return -EEXIST;
	}

	do {
		id = id < IPSI_IF_ID_AUTO || id == U32_MAX ? IPSI_IF_ID_AUTO :
							     id + 1;
		if (!ipsi_net_find(net, id)) {
			inet->last_if_id = id;
			conf->if_id = id;
			return 0;
		}
	} while (id != inet->last_if_id);

	NL_SET_ERR_MSG(extack, "if_id: all are in use, give one");
	return -ENOSPC;
}

static int ipsi_dev_init(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	int err;

	idev->stats = ipsi_stats_alloc();
	if (!idev->stats)
		return -ENOMEM;

	err = dst_cache_init(&idev->dst_cache, GFP_KERNEL);
	if (err)
		goto err_stats;

	err = gro_cells_init(&idev->gro_cells, dev);
	if (err)
		goto err_dst_cache;

	err = ipsi_policy_init(idev);
	if (err)
		goto err_gro_cells;

	return 0;

err_gro_cells:
	gro_cells_destroy(&idev->gro_cells);
err_dst_cache:
	dst_cache_destroy(&idev->dst_cache);
err_stats:
	free_percpu(idev->stats);
	return err;
}

/* Nothing is sent any more. Receivers may still see the device until the
 * grace period that follows has passed.
 */
static void ipsi_dev_uninit(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	if (!hlist_unhashed(&idev->node))
		ipsi_net_del(idev);
	ipsi_policy_fini(idev);
	ipsi_natt_listen(idev, rtnl_dereference(idev->conf)->family, 0, NULL);
}

/* priv_destructor: nobody can see the device any more. */
static void ipsi_dev_free(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	ipsi_sad_fini(idev);
	gro_cells_destroy(&idev->gro_cells);
	dst_cache_destroy(&idev->dst_cache);
	free_percpu(idev->stats);
	kfree(rcu_dereference_protected(idev->conf, 1));
	RCU_INIT_POINTER(idev->conf, NULL);
	kfree(rcu_dereference_protected(idev->ts, 1));
	RCU_INIT_POINTER(idev->ts, NULL);
}

static int ipsi_dev_open(struct net_device *dev)
{
	ipsi_mtu_schedule(netdev_priv(dev));
	return 0;
}

static int ipsi_dev_stop(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	dst_cache_reset(&idev->dst_cache);
	ipsi_adopt_dev_stop(idev);
	return 0;
}

static int ipsi_dev_change_mtu(struct net_device *dev, int mtu)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	/* Set by hand, it stays as it is from now on. */
	if (!idev->mtu_updating)
		idev->mtu_auto = false;
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

static const struct net_device_ops ipsi_netdev_ops = {
	.ndo_init		= ipsi_dev_init,
	.ndo_uninit		= ipsi_dev_uninit,
	.ndo_open		= ipsi_dev_open,
	.ndo_stop		= ipsi_dev_stop,
	.ndo_start_xmit		= ipsi_xmit,
	.ndo_change_mtu		= ipsi_dev_change_mtu,
	.ndo_get_stats64	= dev_get_tstats64,
	.ndo_get_iflink		= ipsi_dev_get_iflink,
};

/**
 * ipsi_device_is - is this one of our devices?
 * @dev: any netdevice
 *
 * Return: true if its private part is a struct ipsi_dev.
 */
bool ipsi_device_is(const struct net_device *dev)
{
	return dev->netdev_ops == &ipsi_netdev_ops;
}

static const struct device_type ipsi_device_type = {
	.name = "ipsec_ipip",
};

static void ipsi_dev_setup(struct net_device *dev)
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
	dev->needed_headroom = LL_MAX_HEADER + sizeof(struct ipv6hdr) +
			       IPSI_ESP_OVERHEAD_MAX;
	dev->needed_tailroom = IPSI_ESP_OVERHEAD_MAX;
	dev->mtu = ETH_DATA_LEN - sizeof(struct ipv6hdr) -
		   IPSI_ESP_OVERHEAD_MAX;
	dev->min_mtu = IPV4_MIN_MTU;
	dev->max_mtu = IP_MAX_MTU - sizeof(struct iphdr);
	dev->features |= IPSI_FEATURES;
	dev->hw_features |= IPSI_FEATURES;
	dev->hw_enc_features |= IPSI_FEATURES;
	ipsi_dev_set_lltx(dev);
	/* PMTU is told to the route the packet came by. */
	netif_keep_dst(dev);
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->needs_free_netdev = true;
	dev->priv_destructor = ipsi_dev_free;
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
	conf->tos = IPSI_TOS_INHERIT;
	conf->df = IPSEC_IPIP_DF_INHERIT;
	conf->icmp = true;

	err = ipsi_parse(conf, data, extack);
	if (!err)
		err = ipsi_validate(net, dev, conf, extack);
	if (!err)
		err = ipsi_adopt_validate(net, dev, conf, extack);
	if (!err)
		err = ipsi_choose_if_id(net, conf, extack);
	if (err)
		goto err_conf;

	idev->dev = dev;
	idev->net = net;
	ipsi_sad_init(&idev->sad);
	ipsi_peer_init(idev);
	ipsi_adopt_dev_init(idev);
	INIT_WORK(&idev->mtu_work, ipsi_mtu_work);
	rcu_assign_pointer(idev->conf, conf);

	idev->mtu_auto = !params->tb[IFLA_MTU];
	if (idev->mtu_auto)
		dev->mtu = ipsi_mtu_compute(idev, conf);

	/* Until there are SAs. */
	netif_carrier_off(dev);
	err = register_netdevice(dev);
	if (err) {
		/* The destructor has freed conf if it got to run. */
		conf = rtnl_dereference(idev->conf);
		goto err_conf;
	}

	err = ipsi_natt_listen(idev, conf->family, conf->encap_port, extack);
	if (err) {
		unregister_netdevice(dev);
		return err;
	}

	ipsi_net_add(idev, conf->if_id);
	ipsi_sad_load(idev);
	ipsi_adopt_scan(idev);

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

	/* The options are those of the underlay, which may be another's. */
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

	err = ipsi_parse(new, data, extack);
	if (err)
		goto err_conf;
	if (new->if_id != old->if_id) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_IPSEC_IPIP_IF_ID],
				    "if_id: cannot be changed, make another link");
		err = -EOPNOTSUPP;
		goto err_conf;
	}
	err = ipsi_validate(idev->net, dev, new, extack);
	if (!err)
		err = ipsi_adopt_validate(idev->net, dev, new, extack);
	if (!err)
		err = ipsi_natt_listen(idev, new->family, new->encap_port,
				       extack);
	if (err)
		goto err_conf;

	rcu_assign_pointer(idev->conf, new);
	if (!ipsi_conf_same_endpoints(old, new)) {
		ipsi_sad_purge(idev);
		ipsi_sad_load(idev);
	}
	ipsi_adopt_scan(idev);
	dst_cache_reset(&idev->dst_cache);
	ipsi_icmp_forget(idev);
	ipsi_mtu_schedule(idev);
	kfree_rcu(old, rcu);
	netdev_state_change(dev);

	return 0;

err_conf:
	kfree(new);
	return err;
}

static void ipsi_dellink(struct net_device *dev, struct list_head *head)
{
	unregister_netdevice_queue(dev, head);
}

static size_t ipsi_get_size(const struct net_device *dev)
{
	return nla_total_size(sizeof(struct in6_addr)) +	/* LOCAL */
	       nla_total_size(sizeof(struct in6_addr)) +	/* REMOTE */
	       nla_total_size(sizeof(u32)) +			/* LINK */
	       nla_total_size(sizeof(u32)) +			/* IF_ID */
	       nla_total_size(sizeof(u32)) +			/* REQID */
	       nla_total_size(sizeof(u8)) +			/* TTL */
	       nla_total_size(sizeof(u8)) +			/* TOS */
	       nla_total_size(sizeof(struct in6_addr)) +	/* PEER */
	       nla_total_size(sizeof(u8)) +			/* ROAM */
	       nla_total_size(sizeof(u16)) +			/* ENCAP_PORT */
	       nla_total_size(sizeof(u8)) +			/* DF */
	       nla_total_size(sizeof(u8)) +			/* ECN */
	       nla_total_size(sizeof(u8)) +			/* FLOWLABEL */
	       nla_total_size(sizeof(u32)) +			/* FWMARK */
	       nla_total_size(sizeof(u8)) +			/* KEYING */
	       nla_total_size(sizeof(u8));			/* ICMP */
}

static int ipsi_put_address(struct sk_buff *skb, int type,
			    const xfrm_address_t *addr, u16 family)
{
	return family == AF_INET ? nla_put_in_addr(skb, type, addr->a4) :
				   nla_put_in6_addr(skb, type, &addr->in6);
}

static int ipsi_fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	const xfrm_address_t any = {};
	const struct ipsi_conf *conf;
	int err = -EMSGSIZE;

	rcu_read_lock();
	conf = rcu_dereference(idev->conf);

	if (ipsi_put_address(skb, IFLA_IPSEC_IPIP_LOCAL, &conf->local,
			     conf->family) ||
	    ipsi_put_address(skb, IFLA_IPSEC_IPIP_REMOTE,
			     conf->any ? &any : &conf->remote, conf->family) ||
	    (conf->roam &&
	     ipsi_put_address(skb, IFLA_IPSEC_IPIP_PEER, &conf->remote,
			      conf->family)) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_ROAM, conf->roam) ||
	    nla_put_be16(skb, IFLA_IPSEC_IPIP_ENCAP_PORT, conf->encap_port) ||
	    nla_put_u32(skb, IFLA_IPSEC_IPIP_LINK, conf->link) ||
	    nla_put_u32(skb, IFLA_IPSEC_IPIP_IF_ID, conf->if_id) ||
	    nla_put_u32(skb, IFLA_IPSEC_IPIP_REQID, conf->reqid) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_TTL, conf->ttl) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_TOS, conf->tos) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_DF, conf->df) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_ECN, conf->ecn) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_FLOWLABEL, conf->flowlabel) ||
	    nla_put_u32(skb, IFLA_IPSEC_IPIP_FWMARK, conf->fwmark) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_KEYING, conf->keying) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_ICMP, conf->icmp))
		goto out;
	err = 0;
out:
	rcu_read_unlock();
	return err;
}

static struct net *ipsi_get_link_net(const struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	return idev->net;
}

static struct rtnl_link_ops ipsi_link_ops __read_mostly = {
	.kind		= "ipsec-ipip",
	.maxtype	= IFLA_IPSEC_IPIP_MAX,
	.policy		= ipsi_link_policy,
	.priv_size	= sizeof(struct ipsi_dev),
	.setup		= ipsi_dev_setup,
	.newlink	= IPSI_NEWLINK(ipsi_newlink),
	.changelink	= ipsi_changelink,
	.dellink	= ipsi_dellink,
	.get_size	= ipsi_get_size,
	.fill_info	= ipsi_fill_info,
	.get_link_net	= ipsi_get_link_net,
};

static int ipsi_netdev_event(struct notifier_block *nb, unsigned long event,
			     void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	/* It may be the underlay of some device. */
	if (event == NETDEV_CHANGEMTU)
		ipsi_net_route_changed(dev_net(dev));

	if (!ipsi_device_is(dev))
		return NOTIFY_DONE;

	ipsi_bypass_event(dev, event);
	switch (event) {
	case NETDEV_UP:
	case NETDEV_CHANGE:
		ipsi_carrier_keep_queue(dev);
		break;
	}

	return NOTIFY_DONE;
}

static struct notifier_block ipsi_netdev_notifier = {
	.notifier_call = ipsi_netdev_event,
	/* After the stack has given the device its configuration. */
	.priority = -1,
};

/**
 * ipsi_device_register - let devices be made
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_device_register(void)
{
	int err;

	err = register_netdevice_notifier(&ipsi_netdev_notifier);
	if (err)
		return err;

	err = rtnl_link_register(&ipsi_link_ops);
	if (err)
		goto err_notifier;

	return 0;

err_notifier:
	unregister_netdevice_notifier(&ipsi_netdev_notifier);
	return err;
}

/**
 * ipsi_device_unregister - undo ipsi_device_register(), and delete all devices
 *
 * Context: process.
 */
void ipsi_device_unregister(void)
{
	rtnl_link_unregister(&ipsi_link_ops);
	unregister_netdevice_notifier(&ipsi_netdev_notifier);
}
