// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: handlers of requests. The family and its policies
 * are generated (netlink-gen.c); nlmsg.c composes the replies.
 */
#include <linux/audit.h>
#include <linux/netdevice.h>
#include <linux/security.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/xfrm.h>

#include "conf.h"
#include "net.h"
#include "netlink-gen.h"
#include "nladdr.h"
#include "nlmsg.h"
#include "sa.h"
#include "sa_build.h"
#include "sa_clone.h"

/* RFC 4303 section 2.1 reserves smaller SPIs. */
#define IPSI_SPI_MIN	256

/* Number of SAs that a dump reads from a device at a time */
#define IPSI_NL_BATCH	32

/* Get the device that a request names by index or name; the caller puts it. The
 * attributes have the same numbers in the sets "dev" and "sa".
 */
static struct ipsi_dev *ipsi_nl_hold_dev(struct net *net,
					 struct nlattr **attrs,
					 struct netlink_ext_ack *extack)
{
	struct nlattr *index = attrs[IPSEC_IPIP_A_SA_IFINDEX];
	struct nlattr *name = attrs[IPSEC_IPIP_A_SA_IFNAME];
	struct net_device *dev;

	BUILD_BUG_ON((int)IPSEC_IPIP_A_SA_IFINDEX !=
		     (int)IPSEC_IPIP_A_DEV_IFINDEX);
	BUILD_BUG_ON((int)IPSEC_IPIP_A_SA_IFNAME !=
		     (int)IPSEC_IPIP_A_DEV_IFNAME);

	if (!index == !name) {
		NL_SET_ERR_MSG(extack,
			       "device: expected either ifindex or ifname");
		return ERR_PTR(-EINVAL);
	}

	dev = index ? dev_get_by_index(net, nla_get_u32(index)) :
		      dev_get_by_name(net, nla_data(name));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(extack, index ?: name,
				    "device: no such device");
		return ERR_PTR(-ENODEV);
	}
	if (!ipsi_device_is(dev)) {
		NL_SET_ERR_MSG_ATTR(extack, index ?: name,
				    "device: expected one of type ipsec-ipip");
		dev_put(dev);
		return ERR_PTR(-EOPNOTSUPP);
	}

	return netdev_priv(dev);
}

/* SAs are in the namespace of the underlay, where the caller may have no
 * privileges although the device is in its own namespace.
 */
static bool ipsi_nl_capable(const struct ipsi_dev *idev,
			    const struct sk_buff *skb)
{
	return netlink_ns_capable(skb, idev->net->user_ns, CAP_NET_ADMIN);
}

static struct ipsi_dev *
ipsi_nl_hold_dev_capable(struct net *net, struct nlattr **attrs,
			 const struct sk_buff *skb,
			 struct netlink_ext_ack *extack)
{
	struct ipsi_dev *idev;

	idev = ipsi_nl_hold_dev(net, attrs, extack);
	if (IS_ERR(idev))
		return idev;

	if (!ipsi_nl_capable(idev, skb)) {
		NL_SET_ERR_MSG(extack,
			       "CAP_NET_ADMIN required in the namespace of the underlay");
		dev_put(idev->dev);
		return ERR_PTR(-EPERM);
	}

	return idev;
}

static struct ipsi_dev *ipsi_nl_hold_dev_info(struct sk_buff *skb,
					      struct genl_info *info)
{
	return ipsi_nl_hold_dev_capable(genl_info_net(info), info->attrs, skb,
					info->extack);
}

/* Are keys requested, and may they be shown? A kernel that is locked down does
 * not show them even to root; xfrm_user does the same.
 */
static bool ipsi_nl_show_keys(const struct nlattr *attr,
			      struct netlink_ext_ack *extack)
{
	if (!nla_get_flag(attr))
		return false;

	if (IS_ENABLED(CONFIG_SECURITY) &&
	    security_locked_down(LOCKDOWN_XFRM_SECRET)) {
		NL_SET_ERR_MSG(extack,
			       "keys: not shown, the kernel is locked down");
		return false;
	}

	return true;
}

static int ipsi_nl_parse_proto(struct genl_info *info, u8 *proto)
{
	struct nlattr *attr = info->attrs[IPSEC_IPIP_A_SA_PROTO];

	*proto = attr ? nla_get_u8(attr) : IPPROTO_ESP;
	if (*proto == IPPROTO_ESP || *proto == IPPROTO_AH)
		return 0;

	NL_SET_ERR_MSG_ATTR(info->extack, attr,
			    "proto: expected 50 (ESP) or 51 (AH)");
	return -EINVAL;
}

static int ipsi_nl_require_spi(struct genl_info *info, __be32 *spi)
{
	struct nlattr *attr = info->attrs[IPSEC_IPIP_A_SA_SPI];

	if (!attr) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, IPSEC_IPIP_A_SA_SPI);
		NL_SET_ERR_MSG(info->extack, "spi: required");
		return -EINVAL;
	}

	*spi = nla_get_be32(attr);
	return 0;
}

static int ipsi_nl_parse_spi(struct genl_info *info, __be32 *spi)
{
	int err;

	err = ipsi_nl_require_spi(info, spi);
	if (err || ntohl(*spi) >= IPSI_SPI_MIN)
		return err;

	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[IPSEC_IPIP_A_SA_SPI],
			    "spi: expected 0x100 to 0xffffffff");
	return -EINVAL;
}

static int ipsi_nl_parse_id(struct genl_info *info, struct ipsi_sa_id *id)
{
	struct nlattr *attr = info->attrs[IPSEC_IPIP_A_SA_DIRECTION];
	int err;

	if (!attr) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL,
				     IPSEC_IPIP_A_SA_DIRECTION);
		NL_SET_ERR_MSG(info->extack, "direction: required");
		return -EINVAL;
	}
	id->out = nla_get_u32(attr) == IPSEC_IPIP_DIRECTION_OUT;

	err = ipsi_nl_parse_proto(info, &id->proto);
	return err ?: ipsi_nl_parse_spi(info, &id->spi);
}

/**
 * struct ipsi_nl_sad - the SAs of a device that a request names
 * @net: underlay namespace; one reference is owned
 * @idev: the device, without a reference; compared only
 * @conf: its configuration
 *
 * A request that changes SAs waits for the xfrm_cfg_mutex, and for the loading
 * of modules. It must not do so with a reference to the device: the end of a
 * namespace waits for that, and the loading of modules may wait for the end of
 * the namespace.
 */
struct ipsi_nl_sad {
	struct net *net;
	const struct ipsi_dev *idev;
	struct ipsi_conf conf;
};

static int ipsi_nl_open_sad(struct ipsi_nl_sad *sad, struct sk_buff *skb,
			    struct genl_info *info)
{
	struct ipsi_dev *idev;

	idev = ipsi_nl_hold_dev_info(skb, info);
	if (IS_ERR(idev))
		return PTR_ERR(idev);

	sad->idev = idev;
	sad->net = maybe_get_net(idev->net);
	rcu_read_lock();
	sad->conf = *rcu_dereference(idev->conf);
	rcu_read_unlock();
	dev_put(idev->dev);
	if (sad->net)
		return 0;

	NL_SET_ERR_MSG(info->extack, "device: no such device");
	return -ENODEV;
}

static void ipsi_nl_close_sad(struct ipsi_nl_sad *sad)
{
	put_net(sad->net);
}

/* Find the device again; NULL if it is gone. RCU read side. */
static struct ipsi_dev *ipsi_nl_sad_dev(const struct ipsi_nl_sad *sad,
					struct genl_info *info)
{
	struct ipsi_dev *idev = ipsi_net_find(sad->net, sad->conf.if_id);

	if (idev && idev == sad->idev && !ipsi_dev_goes(idev))
		return idev;

	NL_SET_ERR_MSG(info->extack, "device: no such device");
	return NULL;
}

/* End a state if its device is gone, or is being unregistered: it may have
 * deleted its states before that.
 */
static int ipsi_nl_sa_check_dev(const struct ipsi_nl_sad *sad,
				struct xfrm_state *x, struct genl_info *info)
{
	bool gone;

	rcu_read_lock();
	gone = !ipsi_nl_sad_dev(sad, info);
	rcu_read_unlock();
	if (!gone)
		return 0;

	ipsi_sad_end(x);
	return -ENODEV;
}

/* Insert a state into the SAD and notify all key managers, as xfrm_user does. */
static int ipsi_nl_sa_insert(const struct ipsi_nl_sad *sad,
			     struct xfrm_state *x, struct genl_info *info)
{
	struct net *net = sad->net;
	struct km_event c = {
		.event = XFRM_MSG_NEWSA,
		.seq = info->snd_seq,
		.portid = info->snd_portid,
	};
	int err;

	mutex_lock(&net->xfrm.xfrm_cfg_mutex);
	x->km.state = XFRM_STATE_VALID;
	xfrm_state_hold(x);
	err = xfrm_state_add(x);
	xfrm_audit_state_add(x, err ? 0 : 1, true);
	if (err) {
		x->km.state = XFRM_STATE_DEAD;
		xfrm_dev_state_delete(x);
		ipsi_sa_wipe(x);
		xfrm_state_put(x);
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[IPSEC_IPIP_A_SA_SPI],
				    "spi: in use by another SA to the same address");
	} else {
		km_state_notify(x, &c);
		err = ipsi_nl_sa_check_dev(sad, x, info);
	}
	xfrm_state_put(x);
	mutex_unlock(&net->xfrm.xfrm_cfg_mutex);

	return err;
}

static int ipsi_nl_sa_check_limit(const struct ipsi_nl_sad *sad,
				  struct genl_info *info)
{
	const struct ipsi_dev *idev;
	int err = 0;

	rcu_read_lock();
	idev = ipsi_nl_sad_dev(sad, info);
	if (!idev) {
		err = -ENODEV;
	} else if (ipsi_sad_full(idev)) {
		NL_SET_ERR_MSG(info->extack,
			       "device: its limit of SAs is reached");
		err = -ENOSPC;
	}
	rcu_read_unlock();

	return err;
}

static int ipsi_nl_sa_add(const struct ipsi_nl_sad *sad,
			  struct genl_info *info)
{
	struct ipsi_sa_id id;
	struct xfrm_state *x;
	int err;

	err = ipsi_nl_parse_id(info, &id);
	if (!err)
		err = ipsi_nl_sa_check_limit(sad, info);
	if (err)
		return err;

	x = ipsi_sa_build(sad->net, &sad->conf, &id, info);
	if (IS_ERR(x))
		return PTR_ERR(x);

	return ipsi_nl_sa_insert(sad, x, info);
}

/**
 * ipsec_ipip_nl_sa_add_doit - add an SA to a device
 * @skb: the request
 * @info: its attributes
 *
 * Return: 0 or a negative errno with the extack set.
 */
int ipsec_ipip_nl_sa_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ipsi_nl_sad sad;
	int err;

	err = ipsi_nl_open_sad(&sad, skb, info);
	if (!err) {
		err = ipsi_nl_sa_add(&sad, info);
		ipsi_nl_close_sad(&sad);
	}
	ipsi_sa_wipe_keys(info);

	return err;
}

/* Get the SA that a request names; the caller puts it. */
static struct xfrm_state *ipsi_nl_find_sa(struct ipsi_dev *idev,
					  struct genl_info *info,
					  struct ipsi_sa_id *id)
{
	struct xfrm_state *x;
	int err;

	err = ipsi_nl_parse_id(info, id);
	if (err)
		return ERR_PTR(err);

	x = ipsi_sa_get(idev, id);
	if (!x) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[IPSEC_IPIP_A_SA_SPI],
				    "spi: the device has no such SA");
		return ERR_PTR(-ENOENT);
	}

	return x;
}

/* Refuse attributes that exclude dst, or need it. With dst the state may be of
 * another device, or of none, so its keys are not shown: those who were given a
 * device in their namespace do not get the keys of others.
 */
static int ipsi_nl_check_dst(const struct genl_info *info)
{
	struct nlattr * const *attrs = info->attrs;
	bool dst = attrs[IPSEC_IPIP_A_SA_DST];

	if (dst && attrs[IPSEC_IPIP_A_SA_KEYS]) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[IPSEC_IPIP_A_SA_KEYS],
				    "keys: expected direction instead of dst");
		return -EINVAL;
	}
	if (dst && attrs[IPSEC_IPIP_A_SA_DIRECTION]) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    attrs[IPSEC_IPIP_A_SA_DIRECTION],
				    "direction: expected either this or dst");
		return -EINVAL;
	}
	if (!dst && attrs[IPSEC_IPIP_A_SA_MARK]) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[IPSEC_IPIP_A_SA_MARK],
				    "mark: only with dst");
		return -EINVAL;
	}

	return 0;
}

/* Get the SA that a request names by its destination; the caller puts it. The
 * device may not use it.
 */
static struct xfrm_state *ipsi_nl_find_any_sa(const struct ipsi_dev *idev,
					      struct genl_info *info, bool *out)
{
	struct nlattr *dst = info->attrs[IPSEC_IPIP_A_SA_DST];
	struct nlattr *mark = info->attrs[IPSEC_IPIP_A_SA_MARK];
	struct nlattr *proto = info->attrs[IPSEC_IPIP_A_SA_PROTO];
	struct xfrm_state *x;
	xfrm_address_t daddr;
	__be32 spi;
	u16 family;
	int err;

	family = ipsi_get_addr(dst, &daddr);
	if (family == AF_UNSPEC) {
		NL_SET_ERR_MSG_ATTR(info->extack, dst,
				    "dst: expected an IPv4 or IPv6 address");
		return ERR_PTR(-EINVAL);
	}
	err = ipsi_nl_require_spi(info, &spi);
	if (err)
		return ERR_PTR(err);

	x = xfrm_state_lookup(idev->net, mark ? nla_get_u32(mark) : 0, &daddr,
			      spi, proto ? nla_get_u8(proto) : IPPROTO_ESP,
			      family);
	if (!x) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[IPSEC_IPIP_A_SA_SPI],
				    "spi: there is no such SA");
		return ERR_PTR(-ENOENT);
	}

	rcu_read_lock();
	ipsi_conf_direction(rcu_dereference(idev->conf), x, out);
	rcu_read_unlock();

	return x;
}

static struct xfrm_state *ipsi_nl_sad_find(const struct ipsi_nl_sad *sad,
					   struct genl_info *info)
{
	struct xfrm_state *x = ERR_PTR(-ENODEV);
	struct ipsi_dev *idev;
	struct ipsi_sa_id id;

	rcu_read_lock();
	idev = ipsi_nl_sad_dev(sad, info);
	if (idev)
		x = ipsi_nl_find_sa(idev, info, &id);
	rcu_read_unlock();

	return x;
}

/**
 * ipsec_ipip_nl_sa_del_doit - delete an SA of a device
 * @skb: the request
 * @info: its attributes
 *
 * Return: 0 or a negative errno with the extack set.
 */
int ipsec_ipip_nl_sa_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct km_event c = {
		.event = XFRM_MSG_DELSA,
		.seq = info->snd_seq,
		.portid = info->snd_portid,
	};
	struct ipsi_nl_sad sad;
	struct xfrm_state *x;
	int err;

	err = ipsi_nl_open_sad(&sad, skb, info);
	if (err)
		return err;

	/* Let packets that have just taken this SA be encrypted, even if
	 * another one is in use by now: without the SA they would be lost.
	 */
	synchronize_net();

	mutex_lock(&sad.net->xfrm.xfrm_cfg_mutex);
	x = ipsi_nl_sad_find(&sad, info);
	if (IS_ERR(x)) {
		err = PTR_ERR(x);
		goto out;
	}

	err = xfrm_state_delete(x);
	xfrm_audit_state_delete(x, err ? 0 : 1, true);
	if (!err)
		km_state_notify(x, &c);
	xfrm_state_put(x);
out:
	mutex_unlock(&sad.net->xfrm.xfrm_cfg_mutex);
	ipsi_nl_close_sad(&sad);
	return err;
}

/**
 * ipsec_ipip_nl_sa_get_doit - show an SA, or why a device does not use it
 * @skb: the request
 * @info: its attributes
 *
 * Return: 0 or a negative errno with the extack set.
 */
int ipsec_ipip_nl_sa_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct ipsi_nl_to to = {
		.portid = info->snd_portid,
		.seq = info->snd_seq,
	};
	struct ipsi_dev *idev;
	struct ipsi_sa_id id = {};
	struct xfrm_state *x;
	struct sk_buff *msg;
	bool keys;
	int err;

	err = ipsi_nl_check_dst(info);
	if (err)
		return err;

	idev = ipsi_nl_hold_dev_info(skb, info);
	if (IS_ERR(idev))
		return PTR_ERR(idev);

	x = info->attrs[IPSEC_IPIP_A_SA_DST] ?
	    ipsi_nl_find_any_sa(idev, info, &id.out) :
	    ipsi_nl_find_sa(idev, info, &id);
	if (IS_ERR(x)) {
		err = PTR_ERR(x);
		goto out_dev;
	}
	keys = ipsi_nl_show_keys(info->attrs[IPSEC_IPIP_A_SA_KEYS],
				 info->extack);

	err = -ENOMEM;
	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		goto out_sa;

	err = ipsi_nl_fill_sa(msg, &to, idev, x, id.out, keys);
	if (err)
		nlmsg_free(msg);
	else
		err = genlmsg_reply(msg, info);
out_sa:
	xfrm_state_put(x);
out_dev:
	dev_put(idev->dev);
	return err;
}

/**
 * struct ipsi_nl_dump - position of a dump
 * @cursor: cursor of for_each_netdev_dump()
 * @seq: ipsi_sa_ref.seq of the last SA of @ifindex that was dumped
 * @ifindex: device whose SAs are being dumped, or 0
 * @only: index of the device that the dump is limited to, or 0; a device's name
 *   may change during the dump
 * @generation: ipsi_sad.generation of @ifindex when its SAs were last read
 * @started: the request has been parsed
 */
struct ipsi_nl_dump {
	unsigned long cursor;
	u64 seq;
	int ifindex;
	int only;
	u32 generation;
	bool started;
};

static struct ipsi_nl_dump *ipsi_nl_dump(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct ipsi_nl_dump) > sizeof(cb->ctx));

	return (struct ipsi_nl_dump *)cb->ctx;
}

static void ipsi_nl_dump_device(struct ipsi_nl_dump *ctx,
				const struct ipsi_dev *idev)
{
	if (ctx->ifindex == idev->dev->ifindex)
		return;

	ctx->ifindex = idev->dev->ifindex;
	ctx->seq = U64_MAX;
}

/* Dump the next SAs of a device. Return their number, or -EMSGSIZE. The core
 * compares cb->seq of successive messages and marks the dump as interrupted if
 * it differs. Here it counts only changes of the device that is being dumped,
 * so that other devices and namespaces do not interrupt the dump.
 */
static int ipsi_nl_dump_batch(struct sk_buff *skb, struct netlink_callback *cb,
			      struct ipsi_dev *idev, bool keys)
{
	const struct ipsi_nl_to to = {
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.flags = NLM_F_MULTI,
		.cb = cb,
	};
	struct ipsi_nl_dump *ctx = ipsi_nl_dump(cb);
	struct ipsi_sa_ref refs[IPSI_NL_BATCH];
	unsigned int i, n;
	u32 generation;
	int err = 0;

	n = ipsi_sa_get_batch(idev, ctx->seq, refs, ARRAY_SIZE(refs),
			      &generation);
	if (ctx->seq != U64_MAX && ctx->generation != generation)
		cb->seq++;
	ctx->generation = generation;

	for (i = 0; i < n; i++) {
		if (!err)
			err = ipsi_nl_fill_sa(skb, &to, idev, refs[i].x,
					      refs[i].out, keys);
		if (!err)
			ctx->seq = refs[i].seq;
		xfrm_state_put(refs[i].x);
	}

	return err ?: n;
}

static int ipsi_nl_dump_sas(struct sk_buff *skb, struct netlink_callback *cb,
			    struct ipsi_dev *idev, bool keys)
{
	int n;

	ipsi_nl_dump_device(ipsi_nl_dump(cb), idev);
	do {
		n = ipsi_nl_dump_batch(skb, cb, idev, keys);
	} while (n == IPSI_NL_BATCH);

	return min(n, 0);
}

static int ipsi_nl_dump_only(struct sk_buff *skb, struct netlink_callback *cb,
			     struct net *net, bool keys)
{
	struct net_device *dev;

	/* Meanwhile, the index may be that of a device whose underlay the caller
	 * must not see.
	 */
	dev = dev_get_by_index_rcu(net, ipsi_nl_dump(cb)->only);
	if (!dev || !ipsi_device_is(dev) ||
	    !ipsi_nl_capable(netdev_priv(dev), cb->skb)) {
		NL_SET_ERR_MSG(cb->extack, "device: no longer exists");
		return -ENODEV;
	}

	return ipsi_nl_dump_sas(skb, cb, netdev_priv(dev), keys);
}

static int ipsi_nl_dump_all(struct sk_buff *skb, struct netlink_callback *cb,
			    struct net *net, bool keys)
{
	struct ipsi_nl_dump *ctx = ipsi_nl_dump(cb);
	struct net_device *dev;
	int err;

	for_each_netdev_dump(net, dev, ctx->cursor) {
		if (!ipsi_device_is(dev) ||
		    !ipsi_nl_capable(netdev_priv(dev), cb->skb))
			continue;
		err = ipsi_nl_dump_sas(skb, cb, netdev_priv(dev), keys);
		if (err)
			return err;
	}

	return 0;
}

static int ipsi_nl_dump_start(struct netlink_callback *cb, struct net *net,
			      struct nlattr **attrs)
{
	struct ipsi_nl_dump *ctx = ipsi_nl_dump(cb);
	struct ipsi_dev *idev;

	if (ctx->started)
		return 0;
	ctx->started = true;
	cb->seq = 1;

	if (!attrs[IPSEC_IPIP_A_SA_IFINDEX] && !attrs[IPSEC_IPIP_A_SA_IFNAME])
		return 0;

	idev = ipsi_nl_hold_dev_capable(net, attrs, cb->skb, cb->extack);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	ctx->only = idev->dev->ifindex;
	dev_put(idev->dev);

	return 0;
}

/**
 * ipsec_ipip_nl_sa_get_dumpit - show the SAs of one device or of all
 * @skb: the reply
 * @cb: state of the dump
 *
 * A dump of all devices skips those whose underlay is in a namespace where the
 * caller may not see SAs.
 *
 * Return: bytes in @skb, 0 at the end, or a negative errno.
 */
int ipsec_ipip_nl_sa_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb)
{
	struct nlattr **attrs = ipsi_genl_dump_attrs(cb);
	struct net *net = sock_net(skb->sk);
	bool keys;
	int err;

	err = ipsi_nl_dump_start(cb, net, attrs);
	if (err)
		return err;

	keys = ipsi_nl_show_keys(attrs[IPSEC_IPIP_A_SA_KEYS], cb->extack);
	rcu_read_lock();
	err = ipsi_nl_dump(cb)->only ? ipsi_nl_dump_only(skb, cb, net, keys) :
				       ipsi_nl_dump_all(skb, cb, net, keys);
	rcu_read_unlock();

	return err && !skb->len ? err : skb->len;
}

/**
 * ipsec_ipip_nl_sa_activate_doit - pin or unpin the outbound SA to use
 * @skb: the request
 * @info: its attributes
 *
 * Return: 0 or a negative errno with the extack set.
 */
int ipsec_ipip_nl_sa_activate_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[IPSEC_IPIP_A_SA_SPI];
	struct ipsi_sa_id id = { .out = true };
	struct ipsi_dev *idev;
	int err;

	idev = ipsi_nl_hold_dev_info(skb, info);
	if (IS_ERR(idev))
		return PTR_ERR(idev);

	err = ipsi_nl_parse_proto(info, &id.proto);
	if (!err && attr)
		err = ipsi_nl_parse_spi(info, &id.spi);
	if (err)
		goto out;

	err = ipsi_sa_activate(idev, attr ? &id : NULL);
	if (err == -EINVAL)
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "spi: expected an SA for all CPUs");
	else if (err)
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "spi: the device has no such valid outbound SA");
out:
	dev_put(idev->dev);
	return err;
}

/* Anyone in a namespace may see its routes, addresses and links, but neither
 * its SAs nor an underlay in another namespace.
 */
static enum ipsi_nl_view ipsi_nl_dev_view(const struct ipsi_dev *idev,
					  const struct sk_buff *skb)
{
	if (ipsi_nl_capable(idev, skb))
		return IPSI_NL_VIEW_ALL;

	return net_eq(idev->net, dev_net(idev->dev)) ? IPSI_NL_VIEW_UNDERLAY :
						       IPSI_NL_VIEW_DEVICE;
}

/**
 * ipsec_ipip_nl_dev_get_doit - show a device
 * @skb: the request
 * @info: its attributes
 *
 * Return: 0 or a negative errno with the extack set.
 */
int ipsec_ipip_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct ipsi_nl_to to = {
		.portid = info->snd_portid,
		.seq = info->snd_seq,
	};
	struct ipsi_dev *idev;
	struct sk_buff *msg;
	int err;

	idev = ipsi_nl_hold_dev(genl_info_net(info), info->attrs, info->extack);
	if (IS_ERR(idev))
		return PTR_ERR(idev);

	err = -ENOMEM;
	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		goto out;

	rcu_read_lock();
	err = ipsi_nl_fill_dev(msg, &to, idev, ipsi_nl_dev_view(idev, skb));
	rcu_read_unlock();
	if (err)
		nlmsg_free(msg);
	else
		err = genlmsg_reply(msg, info);
out:
	dev_put(idev->dev);
	return err;
}

/**
 * ipsec_ipip_nl_dev_get_dumpit - show all devices of a namespace
 * @skb: the reply
 * @cb: state of the dump
 *
 * Return: bytes in @skb, 0 at the end, or a negative errno.
 */
int ipsec_ipip_nl_dev_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	const struct ipsi_nl_to to = {
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.flags = NLM_F_MULTI,
	};
	struct ipsi_nl_dump *ctx = ipsi_nl_dump(cb);
	struct net *net = sock_net(skb->sk);
	struct net_device *dev;
	struct ipsi_dev *idev;
	int err = 0;

	rcu_read_lock();
	for_each_netdev_dump(net, dev, ctx->cursor) {
		if (!ipsi_device_is(dev))
			continue;
		idev = netdev_priv(dev);
		err = ipsi_nl_fill_dev(skb, &to, idev,
				       ipsi_nl_dev_view(idev, cb->skb));
		if (err)
			break;
	}
	rcu_read_unlock();

	return err && !skb->len ? err : skb->len;
}
