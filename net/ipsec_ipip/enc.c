// SPDX-License-Identifier: GPL-2.0
/*
 * The rtnetlink kind "ipsec-ipip-enc": capture devices, the counterpart of
 * OpenBSD's enc(4). Packet sockets on one get a copy of each packet that the
 * ipsec-ipip devices of its namespace send or accept: the header of OpenBSD with
 * the SA that the packet really uses, the outer header, and the inner packet.
 *
 * The namespace is that of the device and not of its underlay, so a capture
 * shows no inner packet that a packet socket on the device does not show. As it
 * shows SPIs and outer addresses too, packets of a device that hides its underlay
 * are in no capture.
 */
#include <linux/if_arp.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/pfkeyv2.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/rtnetlink.h>
#include <net/xfrm.h>

#include "conf.h"
#include "enc.h"
#include "inner.h"
#include "net.h"
#include "outer.h"
#include "sa.h"

/* Header of link type ENC (109), with constants of OpenBSD. tcpdump recognizes
 * the byte order of @af; @spi is in network byte order.
 */
struct ipsi_enchdr {
	u32 af;
	__be32 spi;
	u32 flags;
};

#define IPSI_ENC_AF_INET	2
#define IPSI_ENC_AF_INET6	24
#define IPSI_ENC_CONFIDENTIAL	0x0400
#define IPSI_ENC_AUTHENTIC	0x0800

/* Bytes of a packet that are copied into the linear part of its copy */
#define IPSI_ENC_LINEAR		2048

/* Limit of capture devices that are up in one namespace. Every packet walks
 * their list.
 */
#define IPSI_ENC_MAX		16

/**
 * struct ipsi_enc - private part of a capture device
 * @dev: the capture device; this structure lives inside it
 * @list: entry in ipsi_net.encs while the device is up; written under RTNL,
 *   read under RCU
 * @link: the ipsec-ipip device to capture, NULL for all; @dev, which is none, if
 *   that device was deleted or one of the two has left the namespace. Compared
 *   only; written under RTNL. An index could be that of another device later.
 * @by_link: entry in ipsi_dev.encs of @link, or empty; RTNL
 */
struct ipsi_enc {
	struct net_device *dev;
	struct list_head list;
	const struct net_device *link;
	struct list_head by_link;
};

/* On while a capture device of any namespace is up. Any user may create one in
 * a namespace of their own, so patch the kernel's code at most once a second.
 */
DEFINE_STATIC_KEY_DEFERRED_FALSE(ipsi_enc_key, HZ);

static bool ipsi_enc_wants(const struct ipsi_enc *enc,
			   const struct ipsi_dev *idev)
{
	const struct net_device *link = READ_ONCE(enc->link);

	return (!link || link == idev->dev) && dev_nit_active(enc->dev);
}

static bool ipsi_enc_encrypts(const struct xfrm_state *x)
{
	if (x->id.proto != IPPROTO_ESP)
		return false;
	/* GMAC (RFC 4543) is an AEAD that only authenticates. */
	if (x->aead)
		return !strstarts(x->aead->alg_name, "rfc4543(");

	return x->ealg && x->props.ealgo != SADB_EALG_NULL;
}

static u32 ipsi_enc_flags(const struct xfrm_state *x)
{
	return (ipsi_enc_encrypts(x) ? IPSI_ENC_CONFIDENTIAL : 0) |
	       (ipsi_sa_authenticates(x) ? IPSI_ENC_AUTHENTIC : 0);
}

/* Copy a packet, with room for headers. The copy shares no page with the
 * packet, which ESP may decrypt in place while the copy is in a socket's queue.
 */
static struct sk_buff *ipsi_enc_copy(const struct sk_buff *skb,
				     unsigned int room)
{
	unsigned int pos = min_t(unsigned int, skb->len, IPSI_ENC_LINEAR);
	struct sk_buff *copy;
	int i, err;

	copy = alloc_skb_with_frags(room + pos, skb->len - pos, 0, &err,
				    GFP_ATOMIC | __GFP_NOWARN);
	if (!copy)
		return NULL;

	skb_reserve(copy, room);
	err = skb_copy_bits(skb, 0, skb_put(copy, pos), pos);
	for (i = 0; i < skb_shinfo(copy)->nr_frags && !err; i++) {
		skb_frag_t *frag = &skb_shinfo(copy)->frags[i];

		err = skb_copy_bits(skb, pos, skb_frag_address(frag),
				    skb_frag_size(frag));
		pos += skb_frag_size(frag);
	}
	copy->data_len = skb->len - skb_headlen(copy);
	copy->len = skb->len;
	if (err) {
		kfree_skb(copy);
		return NULL;
	}

	return copy;
}

/* Put the outer header of a received packet in front of its inner packet. The
 * core has removed or changed the original.
 */
static void ipsi_enc_push_outer(struct sk_buff *skb, const struct xfrm_state *x,
				const xfrm_address_t *saddr, u8 proto,
				u8 dsfield, u8 ttl)
{
	unsigned int len = skb->len;
	struct ipv6hdr *ip6h;
	struct iphdr *iph;

	if (x->props.family == AF_INET) {
		iph = skb_push(skb, sizeof(*iph));
		*iph = (struct iphdr){
			.version = 4,
			.ihl = sizeof(*iph) / 4,
			.tos = dsfield,
			.tot_len = htons(skb->len),
			.ttl = ttl,
			.protocol = proto,
			.saddr = saddr->a4,
			.daddr = x->id.daddr.a4,
		};
		ip_send_check(iph);
	} else {
		ip6h = skb_push(skb, sizeof(*ip6h));
		ip6_flow_hdr(ip6h, dsfield, 0);
		ip6h->payload_len = htons(len);
		ip6h->nexthdr = proto;
		ip6h->hop_limit = ttl;
		ip6h->saddr = saddr->in6;
		ip6h->daddr = x->id.daddr.in6;
	}
}

/* Put the link header in front of the outer header. */
static void ipsi_enc_push_link(struct sk_buff *skb, const struct xfrm_state *x)
{
	bool ipv4 = x->props.family == AF_INET;
	struct ipsi_enchdr *hdr;

	skb_reset_network_header(skb);
	skb->protocol = ipv4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	hdr = skb_push(skb, sizeof(*hdr));
	hdr->af = ipv4 ? IPSI_ENC_AF_INET : IPSI_ENC_AF_INET6;
	hdr->spi = x->id.spi;
	hdr->flags = ipsi_enc_flags(x);
}

/* Return the first capture device from @enc on that wants packets of @idev, or
 * NULL.
 */
static struct ipsi_enc *ipsi_enc_next(const struct ipsi_dev *idev,
				      struct ipsi_enc *enc)
{
	struct ipsi_net *inet = ipsi_net(dev_net(idev->dev));

	if (!ipsi_conf_is_open(idev->dev))
		return NULL;

	enc = list_prepare_entry(enc, &inet->encs, list);
	list_for_each_entry_continue_rcu(enc, &inet->encs, list)
		if (ipsi_enc_wants(enc, idev))
			return enc;

	return NULL;
}

/* Pass a copy to all packet sockets of the capture devices from @enc on.
 * Consumes copy, which is NULL if out of memory.
 */
static void ipsi_enc_deliver(const struct ipsi_dev *idev, struct ipsi_enc *enc,
			     struct sk_buff *copy)
{
	for (; enc; enc = ipsi_enc_next(idev, enc)) {
		if (!copy) {
			dev_core_stats_rx_dropped_inc(enc->dev);
			continue;
		}
		copy->dev = enc->dev;
		dev_queue_xmit_nit(copy, enc->dev);
		dev_sw_netstats_rx_add(enc->dev, copy->len);
	}
	consume_skb(copy);
}

/**
 * ipsi_enc_capture_tx - capture a packet that the device sends
 * @idev: the device
 * @x: the SA of the packet
 * @skb: the packet, from its outer header on
 *
 * Context: BH off, RCU read side.
 */
void ipsi_enc_capture_tx(const struct ipsi_dev *idev,
			 const struct xfrm_state *x, const struct sk_buff *skb)
{
	struct ipsi_enc *enc = ipsi_enc_next(idev, NULL);
	struct sk_buff *copy;

	if (!enc)
		return;

	copy = ipsi_enc_copy(skb, sizeof(struct ipsi_enchdr));
	if (copy) {
		/* XFRM computes that of the packet itself. */
		if (x->props.family == AF_INET)
			ip_send_check((struct iphdr *)copy->data);
		ipsi_enc_push_link(copy, x);
	}
	ipsi_enc_deliver(idev, enc, copy);
}

/**
 * ipsi_enc_capture_rx - capture a packet that the device has accepted
 * @idev: the device
 * @x: the SA of the packet
 * @skb: the inner packet
 * @saddr: outer source address
 * @dsfield: outer DSCP and ECN
 * @ttl: outer TTL or hop limit
 *
 * Context: BH off, RCU read side.
 */
void ipsi_enc_capture_rx(const struct ipsi_dev *idev,
			 const struct xfrm_state *x, const struct sk_buff *skb,
			 const xfrm_address_t *saddr, u8 dsfield, u8 ttl)
{
	u16 family = skb->protocol == htons(ETH_P_IP) ? AF_INET : AF_INET6;
	struct ipsi_enc *enc = ipsi_enc_next(idev, NULL);
	struct sk_buff *copy;

	if (!enc)
		return;

	copy = ipsi_enc_copy(skb, sizeof(struct ipsi_enchdr) +
				  ipsi_outer_len(x->props.family));
	if (copy) {
		ipsi_enc_push_outer(copy, x, saddr, ipsi_inner_proto(family),
				    dsfield, ttl);
		ipsi_enc_push_link(copy, x);
	}
	ipsi_enc_deliver(idev, enc, copy);
}

static int ipsi_enc_open(struct net_device *dev)
{
	struct ipsi_net *inet = ipsi_net(dev_net(dev));
	struct ipsi_enc *enc = netdev_priv(dev);

	if (inet->n_encs >= IPSI_ENC_MAX)
		return -EUSERS;

	inet->n_encs++;
	list_add_tail_rcu(&enc->list, &inet->encs);
	static_branch_deferred_inc(&ipsi_enc_key);
	return 0;
}

/* The core waits for a grace period before the device is freed or changes its
 * namespace.
 */
static int ipsi_enc_stop(struct net_device *dev)
{
	struct ipsi_enc *enc = netdev_priv(dev);

	list_del_rcu(&enc->list);
	ipsi_net(dev_net(dev))->n_encs--;
	static_branch_slow_dec_deferred(&ipsi_enc_key);
	return 0;
}

static netdev_tx_t ipsi_enc_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev_core_stats_tx_dropped_inc(dev);
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

static void ipsi_enc_unlink(struct ipsi_enc *enc)
{
	ASSERT_RTNL();

	list_del_init(&enc->by_link);
	WRITE_ONCE(enc->link, enc->dev);
}

static void ipsi_enc_uninit(struct net_device *dev)
{
	struct ipsi_enc *enc = netdev_priv(dev);

	list_del_init(&enc->by_link);
}

/* The index of the device to capture; 0 is shown as "NONE". A device that was
 * unlinked stays until readers have seen that.
 */
static int ipsi_enc_get_iflink(const struct net_device *dev)
{
	const struct ipsi_enc *enc = netdev_priv(dev);
	const struct net_device *link;
	int index;

	rcu_read_lock();
	link = READ_ONCE(enc->link);
	if (link == dev)
		index = 0;
	else
		index = link ? READ_ONCE(link->ifindex) : dev->ifindex;
	rcu_read_unlock();

	return index;
}

static const struct net_device_ops ipsi_enc_netdev_ops = {
	.ndo_uninit		= ipsi_enc_uninit,
	.ndo_open		= ipsi_enc_open,
	.ndo_stop		= ipsi_enc_stop,
	.ndo_start_xmit		= ipsi_enc_xmit,
	.ndo_get_stats64	= dev_get_tstats64,
	.ndo_get_iflink		= ipsi_enc_get_iflink,
};

/* With this operation, packet sockets that do not want the link header start at
 * the outer header. It fails so that the IP stack sends nothing, which would
 * appear in captures.
 */
static int ipsi_enc_header(struct sk_buff *skb, struct net_device *dev,
			   unsigned short type, const void *daddr,
			   const void *saddr, unsigned int len)
{
	return -EOPNOTSUPP;
}

static const struct header_ops ipsi_enc_header_ops = {
	.create = ipsi_enc_header,
};

/**
 * ipsi_enc_leaves - separate a device from the devices that it captures, or that
 *   capture it
 * @dev: any device; it is being unregistered or leaves its namespace
 *
 * Context: RTNL.
 */
void ipsi_enc_leaves(struct net_device *dev)
{
	struct ipsi_enc *enc, *next;
	struct ipsi_dev *idev;

	if (ipsi_device_is(dev)) {
		idev = netdev_priv(dev);
		list_for_each_entry_safe(enc, next, &idev->encs, by_link)
			ipsi_enc_unlink(enc);
	} else if (dev->netdev_ops == &ipsi_enc_netdev_ops) {
		enc = netdev_priv(dev);
		if (enc->link)
			ipsi_enc_unlink(enc);
	}
}

static void ipsi_enc_setup(struct net_device *dev)
{
	dev->netdev_ops = &ipsi_enc_netdev_ops;
	dev->header_ops = &ipsi_enc_header_ops;
	/* For a type that libpcap does not know, it omits the link header. IPv6
	 * gives such a device no address.
	 */
	dev->type = ARPHRD_VOID;
	dev->flags = IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->mtu = IP_MAX_MTU;
	ipsi_dev_set_lltx(dev);
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->needs_free_netdev = true;
}

/* Read the device to capture from IFLA_LINK; 0 stands for all. */
static int ipsi_enc_parse_link(struct net_device *dev,
			       struct rtnl_newlink_params *params,
			       struct netlink_ext_ack *extack)
{
	struct ipsi_enc *enc = netdev_priv(dev);
	struct net *net = dev_net(dev);
	struct nlattr *attr = params->tb[IFLA_LINK];
	struct net_device *link;

	if (!attr || !nla_get_u32(attr))
		return 0;

	link = net_eq(net, rtnl_newlink_link_net(params)) ?
	       __dev_get_by_index(net, nla_get_u32(attr)) : NULL;
	if (link && ipsi_device_is(link)) {
		enc->link = link;
		return 0;
	}

	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "link: an ipsec-ipip device of the same namespace expected");
	return -EINVAL;
}

static int ipsi_enc_newlink(struct net_device *dev,
			    struct rtnl_newlink_params *params,
			    struct netlink_ext_ack *extack)
{
	struct ipsi_enc *enc = netdev_priv(dev);
	struct ipsi_dev *idev;
	int err;

	enc->dev = dev;
	INIT_LIST_HEAD(&enc->by_link);
	err = ipsi_enc_parse_link(dev, params, extack);
	if (!err)
		err = register_netdevice(dev);
	if (!err && enc->link) {
		idev = netdev_priv(enc->link);
		list_add(&enc->by_link, &idev->encs);
	}

	return err;
}

IPSI_DEFINE_NEWLINK(ipsi_enc_newlink)

static int ipsi_enc_validate(struct nlattr *tb[], struct nlattr *data[],
			     struct netlink_ext_ack *extack)
{
	if (!tb[IFLA_ADDRESS])
		return 0;

	NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_ADDRESS],
			    "address: a capture device has none");
	return -EINVAL;
}

static struct rtnl_link_ops ipsi_enc_link_ops __read_mostly = {
	.kind		= "ipsec-ipip-enc",
	.priv_size	= sizeof(struct ipsi_enc),
	.setup		= ipsi_enc_setup,
	.validate	= ipsi_enc_validate,
	.newlink	= IPSI_NEWLINK(ipsi_enc_newlink),
};

/**
 * ipsi_enc_register - register the rtnetlink kind
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_enc_register(void)
{
	return rtnl_link_register(&ipsi_enc_link_ops);
}

/**
 * ipsi_enc_unregister - undo ipsi_enc_register(), and delete capture devices
 *
 * Context: process.
 */
void ipsi_enc_unregister(void)
{
	rtnl_link_unregister(&ipsi_enc_link_ops);
	static_key_deferred_flush(&ipsi_enc_key);
}
