// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration of a device: parses and validates the rtnetlink attributes,
 * and fills them in.
 */
#include <linux/netdevice.h>
#include <net/addrconf.h>
#include <net/inet_ecn.h>
#include <net/ip_fib.h>
#include <net/ipv6.h>
#include <net/netlink.h>
#include <net/route.h>

#include "conf.h"
#include "nladdr.h"

/* ipsi_parse_endpoints() checks the lengths of addresses. */
const struct nla_policy ipsi_conf_policy[IFLA_IPSEC_IPIP_MAX + 1] = {
	/* Strict for all; by default rtnetlink ignores excess bytes. */
	[0] = { .strict_start_type = IFLA_IPSEC_IPIP_LOCAL },
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
	[IFLA_IPSEC_IPIP_POLICIES]	= { .type = NLA_U8 },
	[IFLA_IPSEC_IPIP_FOREIGN]	= { .type = NLA_REJECT },
	[IFLA_IPSEC_IPIP_MTU_AUTO]	= { .type = NLA_U8 },
};

static int ipsi_parse_endpoints(struct ipsi_conf *conf, struct nlattr *data[],
				struct netlink_ext_ack *extack)
{
	struct nlattr *remote = data[IFLA_IPSEC_IPIP_REMOTE];
	struct nlattr *local = data[IFLA_IPSEC_IPIP_LOCAL];
	u16 family;

	if (local) {
		family = ipsi_get_addr(local, &conf->local);
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
		family = ipsi_get_addr(remote, &conf->remote);
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

/**
 * struct ipsi_conf_choice - an option that is a small number
 * @type: attribute
 * @max: largest value
 * @offset: offset in struct ipsi_conf of a u8 or a bool
 * @expected: message for other values. The core's would name neither the option
 *   nor the values.
 */
struct ipsi_conf_choice {
	u16 type;
	u8 max;
	u16 offset;
	const char *expected;
};

static const struct ipsi_conf_choice ipsi_conf_choices[] = {
	{ IFLA_IPSEC_IPIP_DF, IPSEC_IPIP_DF_INHERIT,
	  offsetof(struct ipsi_conf, df),
	  "df: expected 0 (unset), 1 (set) or 2 (inherit)" },
	{ IFLA_IPSEC_IPIP_ECN, IPSEC_IPIP_ECN_OFF,
	  offsetof(struct ipsi_conf, ecn),
	  "ecn: expected 0 (rfc3168), 1 (rfc6040) or 2 (off)" },
	{ IFLA_IPSEC_IPIP_FLOWLABEL, IPSEC_IPIP_FLOWLABEL_ZERO,
	  offsetof(struct ipsi_conf, flowlabel),
	  "flowlabel: expected 0 (inherit), 1 (hash) or 2 (zero)" },
	{ IFLA_IPSEC_IPIP_ROAM, true, offsetof(struct ipsi_conf, roam),
	  "roam: expected 0 (off) or 1 (on)" },
	{ IFLA_IPSEC_IPIP_KEYING, IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS,
	  offsetof(struct ipsi_conf, keying),
	  "keying: expected 0 (manual), 1 (adopt) or 2 (adopt-endpoints)" },
	{ IFLA_IPSEC_IPIP_POLICIES, IPSEC_IPIP_POLICIES_REQUIRED,
	  offsetof(struct ipsi_conf, policies),
	  "policies: expected 0 (optional) or 1 (required)" },
	{ IFLA_IPSEC_IPIP_ICMP, true, offsetof(struct ipsi_conf, icmp),
	  "icmp: expected 0 (errors are ignored) or 1 (passed on)" },
	{ IFLA_IPSEC_IPIP_MTU_AUTO, true, offsetof(struct ipsi_conf, mtu_auto),
	  "mtu: expected 1 (automatic) or 0 (as it is)" },
};

static int ipsi_parse_choices(struct ipsi_conf *conf, struct nlattr *data[],
			      struct netlink_ext_ack *extack)
{
	const struct ipsi_conf_choice *choice;
	struct nlattr *attr;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ipsi_conf_choices); i++) {
		choice = &ipsi_conf_choices[i];
		attr = data[choice->type];
		if (!attr)
			continue;
		if (nla_get_u8(attr) > choice->max) {
			NL_SET_BAD_ATTR(extack, attr);
			if (extack)
				extack->_msg = choice->expected;
			return -EINVAL;
		}
		*((u8 *)conf + choice->offset) = nla_get_u8(attr);
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

	attr = data[IFLA_IPSEC_IPIP_FWMARK];
	if (attr)
		conf->fwmark = nla_get_u32(attr);

	return 0;
}

/**
 * ipsi_conf_init - set the defaults that are not zero
 * @conf: a configuration, all zero
 */
void ipsi_conf_init(struct ipsi_conf *conf)
{
	conf->tos = IPSI_TOS_INHERIT;
	conf->df = IPSEC_IPIP_DF_INHERIT;
	conf->icmp = true;
	conf->mtu_auto = true;
}

/**
 * ipsi_conf_parse - parse the attributes of a link
 * @conf: filled in; options without an attribute keep their value
 * @data: attributes by IFLA_IPSEC_IPIP_*, after ipsi_conf_policy; may be NULL
 * @extack: names the attribute that is refused
 *
 * Return: 0; or -EINVAL or -ENODEV, with @conf incomplete.
 */
int ipsi_conf_parse(struct ipsi_conf *conf, struct nlattr *data[],
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

	attr = data[IFLA_IPSEC_IPIP_ENCAP_PORT];
	if (attr)
		conf->encap_port = nla_get_be16(attr);

	return ipsi_parse_choices(conf, data, extack);
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

/* @link is the underlay device, or NULL. It selects the VRF whose local
 * addresses are checked.
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
		/* In a namespace without addresses, every address is one. */
		if (inet_addr_type_dev_table(net, link, conf->local.a4) ==
		    RTN_BROADCAST)
			break;
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

	/* With ipv6.disable=1 the IPv6 routing tables do not exist. All code
	 * for outer IPv6 needs such a device, so this is the only check.
	 */
	if (!ipv6_mod_enabled()) {
		NL_SET_ERR_MSG(extack,
			       "local: expected an IPv4 address, IPv6 is disabled in this kernel");
		return -EAFNOSUPPORT;
	}
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

/**
 * ipsi_conf_validate - check a configuration as a whole
 * @net: namespace of the underlay
 * @dev: the device
 * @conf: its new configuration, not published yet
 * @extack: gets the reason for a refusal
 *
 * Context: RTNL.
 * Return: 0, -EINVAL, -ENODEV or -EAFNOSUPPORT.
 */
int ipsi_conf_validate(struct net *net, const struct net_device *dev,
		       const struct ipsi_conf *conf,
		       struct netlink_ext_ack *extack)
{
	const struct net_device *link = NULL;
	int err;

	if (conf->link) {
		link = __dev_get_by_index(net, conf->link);
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
	      ipsi_validate_endpoints4(net, link, conf, extack) :
	      ipsi_validate_endpoints6(net, link, conf, extack);
	if (err)
		return err;

	/* Only a device that roams learns the address of its peer. */
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

/**
 * ipsi_conf_size - room for the attributes of ipsi_conf_fill()
 * @dev: the device
 *
 * Return: bytes.
 */
size_t ipsi_conf_size(const struct net_device *dev)
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
	       nla_total_size(sizeof(u8)) +			/* POLICIES */
	       nla_total_size(sizeof(u8)) +			/* ICMP */
	       nla_total_size(0) +				/* FOREIGN */
	       nla_total_size(sizeof(u8));			/* MTU_AUTO */
}

/**
 * ipsi_conf_direction - determine the direction of an SA
 * @conf: configuration of a device
 * @x: the state; its source address may be unspecified
 * @out: set to true if the SA is outbound, else to false
 *
 * Context: any.
 * Return: true if the SA is between the endpoints of the device.
 */
bool ipsi_conf_direction(const struct ipsi_conf *conf,
			 const struct xfrm_state *x, bool *out)
{
	const xfrm_address_t *src = &x->props.saddr, *dst = &x->id.daddr;
	u16 family = conf->family;
	bool any;

	if (x->props.family != family)
		return false;

	any = xfrm_addr_any(src, family);
	*out = xfrm_addr_equal(dst, &conf->remote, family) &&
	       (any || xfrm_addr_equal(src, &conf->local, family));
	return *out || (xfrm_addr_equal(dst, &conf->local, family) &&
			(any || xfrm_addr_equal(src, &conf->remote, family)));
}

/**
 * ipsi_conf_is_open - may the namespace of a device see the underlay?
 * @dev: the device
 *
 * Notifications have no caller whose capabilities could be checked, so the user
 * namespaces decide: CAP_NET_ADMIN in one implies CAP_NET_ADMIN in all of its
 * descendants.
 *
 * Context: RTNL or RCU read side.
 * Return: true unless the device was moved to a namespace whose root has no
 *   privileges in the namespace of the underlay.
 */
bool ipsi_conf_is_open(const struct net_device *dev)
{
	const struct ipsi_dev *idev = netdev_priv(dev);
	const struct user_namespace *top = dev_net(dev)->user_ns;
	const struct user_namespace *ns = idev->net->user_ns;

	while (ns->level > top->level)
		ns = ns->parent;

	return ns == top;
}

/* The attributes that describe the underlay and identify SAs there */
static int ipsi_conf_fill_underlay(struct sk_buff *skb,
				   const struct ipsi_conf *conf)
{
	const xfrm_address_t any = {};

	if (ipsi_put_addr(skb, IFLA_IPSEC_IPIP_LOCAL, &conf->local,
			  conf->family) ||
	    ipsi_put_addr(skb, IFLA_IPSEC_IPIP_REMOTE,
			  conf->any ? &any : &conf->remote, conf->family) ||
	    (conf->roam &&
	     ipsi_put_addr(skb, IFLA_IPSEC_IPIP_PEER, &conf->remote,
			   conf->family)) ||
	    nla_put_be16(skb, IFLA_IPSEC_IPIP_ENCAP_PORT, conf->encap_port) ||
	    nla_put_u32(skb, IFLA_IPSEC_IPIP_LINK, conf->link) ||
	    nla_put_u32(skb, IFLA_IPSEC_IPIP_IF_ID, conf->if_id) ||
	    nla_put_u32(skb, IFLA_IPSEC_IPIP_REQID, conf->reqid) ||
	    nla_put_u32(skb, IFLA_IPSEC_IPIP_FWMARK, conf->fwmark))
		return -EMSGSIZE;

	return 0;
}

/**
 * ipsi_conf_fill - fill in the attributes of a link
 * @skb: the message
 * @dev: the device
 *
 * Context: any.
 * Return: 0 or -EMSGSIZE.
 */
int ipsi_conf_fill(struct sk_buff *skb, const struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	const struct ipsi_conf *conf;
	int err = -EMSGSIZE;

	rcu_read_lock();
	conf = rcu_dereference(idev->conf);

	if ((ipsi_conf_is_open(dev) && ipsi_conf_fill_underlay(skb, conf)) ||
	    (!net_eq(idev->net, dev_net(dev)) &&
	     nla_put_flag(skb, IFLA_IPSEC_IPIP_FOREIGN)) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_ROAM, conf->roam) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_TTL, conf->ttl) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_TOS, conf->tos) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_DF, conf->df) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_ECN, conf->ecn) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_FLOWLABEL, conf->flowlabel) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_KEYING, conf->keying) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_POLICIES, conf->policies) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_ICMP, conf->icmp) ||
	    nla_put_u8(skb, IFLA_IPSEC_IPIP_MTU_AUTO,
		       READ_ONCE(idev->mtu_auto)))
		goto out;
	err = 0;
out:
	rcu_read_unlock();
	return err;
}
