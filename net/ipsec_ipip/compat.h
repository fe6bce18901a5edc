/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compatibility with older kernels. The code is written for the newest kernel;
 * this file alone adds the interfaces that older ones lack. Kbuild probes the
 * headers for each interface and defines IPSI_HAVE_*. Each block below serves
 * one interface and can be deleted when the last kernel without it is gone.
 */
#ifndef _IPSI_COMPAT_H
#define _IPSI_COMPAT_H

#include <linux/netdevice.h>
#include <net/genetlink.h>
#include <net/rtnetlink.h>
#include <net/net_namespace.h>
#include <net/xfrm.h>

/* net/gso.h: before 6.5 skb_gso_segment() is in linux/netdevice.h */
#ifdef IPSI_HAVE_GSO_H
#include <net/gso.h>
#endif

/* struct rtnl_newlink_params: before 6.14 newlink takes its members */
#ifdef IPSI_HAVE_NEWLINK_PARAMS
#define IPSI_DEFINE_NEWLINK(...)
#define IPSI_NEWLINK(fn)	fn
#else
struct rtnl_newlink_params {
	struct net *src_net;
	struct nlattr **tb;
	struct nlattr **data;
};

static inline struct net *
rtnl_newlink_link_net(struct rtnl_newlink_params *params)
{
	return params->src_net;
}

#define IPSI_DEFINE_NEWLINK(fn)						\
static int fn##_compat(struct net *src_net, struct net_device *dev,	\
		       struct nlattr *tb[], struct nlattr *data[],	\
		       struct netlink_ext_ack *extack)			\
{									\
	struct rtnl_newlink_params params = {				\
		.src_net = src_net,					\
		.tb = tb,						\
		.data = data,						\
	};								\
									\
	return fn(dev, &params, extack);				\
}

#define IPSI_NEWLINK(fn)	fn##_compat
#endif

/* pernet_operations.exit_rtnl: before 6.16 it gets a batch of namespaces */
#ifdef IPSI_HAVE_EXIT_RTNL
#define IPSI_DEFINE_EXIT_RTNL(...)
#define IPSI_EXIT_RTNL(fn)	.exit_rtnl = fn
#else
#define IPSI_DEFINE_EXIT_RTNL(fn)					\
static void fn##_compat(struct list_head *nets, struct list_head *kill)	\
{									\
	struct net *net;						\
									\
	list_for_each_entry(net, nets, exit_list)			\
		fn(net, kill);						\
}

#define IPSI_EXIT_RTNL(fn)	.exit_batch_rtnl = fn##_compat
#endif

/* net_device.lltx: before 6.12 a feature flag */
static inline void ipsi_dev_set_lltx(struct net_device *dev)
{
#ifdef IPSI_HAVE_LLTX
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

/* xfrm_state.dir: before 6.10 an SA has no direction of its own */
static inline void ipsi_xfrm_set_dir(struct xfrm_state *x, bool out)
{
#ifdef IPSI_HAVE_SA_DIR
	x->dir = out ? XFRM_SA_DIR_OUT : XFRM_SA_DIR_IN;
#endif
}

static inline void ipsi_xfrm_copy_dir(struct xfrm_state *x,
				      const struct xfrm_state *old)
{
#ifdef IPSI_HAVE_SA_DIR
	x->dir = old->dir;
#endif
}

/* xfrm_state.pcpu_num: before 6.13 (and some 6.12) an SA is for all CPUs */
static inline unsigned int ipsi_xfrm_cpu(const struct xfrm_state *x)
{
#ifdef IPSI_HAVE_SA_PCPU
	return x->pcpu_num;
#else
	return UINT_MAX;
#endif
}

static inline int ipsi_xfrm_set_cpu(struct xfrm_state *x, unsigned int cpu)
{
#ifdef IPSI_HAVE_SA_PCPU
	x->pcpu_num = cpu;
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

static inline void ipsi_xfrm_copy_pcpu(struct xfrm_state *x,
				       const struct xfrm_state *old)
{
#ifdef IPSI_HAVE_SA_PCPU
	x->pcpu_num = old->pcpu_num;
#endif
}

static inline struct xfrm_state *
ipsi_xfrm_find_acq(struct net *net, const struct xfrm_mark *mark, u8 mode,
		   u32 reqid, u32 if_id, u8 proto, const xfrm_address_t *daddr,
		   const xfrm_address_t *saddr, unsigned short family)
{
#ifdef IPSI_HAVE_SA_PCPU
	return xfrm_find_acq(net, mark, mode, reqid, if_id, UINT_MAX, proto,
			     daddr, saddr, 0, family);
#else
	return xfrm_find_acq(net, mark, mode, reqid, if_id, proto,
			     daddr, saddr, 0, family);
#endif
}

/* xfrm_state.nat_keepalive_interval: before 6.11 left to daemons */
static inline void ipsi_xfrm_copy_nat_keepalive(struct xfrm_state *x,
						const struct xfrm_state *old)
{
#ifdef IPSI_HAVE_NAT_KEEPALIVE
	x->nat_keepalive_interval = old->nat_keepalive_interval;
#endif
}

/* __xfrm_init_state(): before 6.16 with two more arguments */
static inline int ipsi_xfrm_init_state(struct xfrm_state *x, bool offload,
				       struct netlink_ext_ack *extack)
{
#ifdef IPSI_HAVE_INIT_STATE_REPLAY
	return __xfrm_init_state(x, false, offload, extack);
#else
	return __xfrm_init_state(x, extack);
#endif
}

/* xfrm_decode_session(): without a namespace in older kernels */
static inline int ipsi_xfrm_decode_session(struct net *net, struct sk_buff *skb,
					   struct flowi *fl, unsigned int family)
{
#ifdef IPSI_HAVE_DECODE_NET
	return xfrm_decode_session(net, skb, fl, family);
#else
	return xfrm_decode_session(skb, fl, family);
#endif
}

/* xfrm_mgr.migrate: without a namespace in older kernels, where the outbound SA
 * keeps its addresses
 */
#ifdef IPSI_HAVE_MIGRATE_NET
#define IPSI_KM_MIGRATE(fn)	.migrate = fn
#else
#define IPSI_KM_MIGRATE(fn)	.migrate = fn ? NULL : NULL
#endif

/* xfrm_migrate.old_reqid: in older kernels the reqid does not change */
static inline u32 ipsi_xfrm_migrate_reqid(const struct xfrm_migrate *m)
{
#ifdef IPSI_HAVE_MIGRATE_REQID
	return m->old_reqid;
#else
	return m->reqid;
#endif
}

/* net_device.reg_state: a bit-field before 6.9 and before the backport to 6.1,
 * which READ_ONCE() cannot read
 */
static inline u8 ipsi_dev_reg_state(const struct net_device *dev)
{
#ifdef IPSI_HAVE_REG_STATE_U8
	return READ_ONCE(dev->reg_state);
#else
	return dev->reg_state;
#endif
}

/* XFRM_DEV_OFFLOAD_PACKET: before 6.2 and before the backport to 6.1 only the
 * ciphers of a state are offloaded
 */
static inline bool ipsi_xfrm_packet_offloaded(const struct xfrm_state *x)
{
#ifdef IPSI_HAVE_OFFLOAD_PACKET
	return x->xso.type == XFRM_DEV_OFFLOAD_PACKET;
#else
	return false;
#endif
}

/* xfrm_policy.xdo: before 6.2 no policy is offloaded */
static inline bool ipsi_xfrm_policy_offloaded(const struct xfrm_policy *xp)
{
#ifdef IPSI_HAVE_POLICY_OFFLOAD
	return xp->xdo.type == XFRM_DEV_OFFLOAD_PACKET;
#else
	return false;
#endif
}

/* xfrm_policy.state_cache_list: missing before 6.13 (and in some 6.12). States
 * must leave the list before the policy is freed.
 */
static inline void ipsi_xfrm_policy_uncache(struct xfrm_policy *xp)
{
#ifdef IPSI_HAVE_STATE_CACHE
	struct net *net = xp_net(xp);
	struct hlist_node *next;
	struct xfrm_state *x;

	spin_lock_bh(&net->xfrm.xfrm_state_lock);
	hlist_for_each_entry_safe(x, next, &xp->state_cache_list, state_cache)
		hlist_del_init_rcu(&x->state_cache);
	spin_unlock_bh(&net->xfrm.xfrm_state_lock);
#endif
}

/* udp_sock.encap_err_rcv: before 6.4 the handler parses the error itself */
#ifdef IPSI_HAVE_ENCAP_ERR_INFO
#define IPSI_DEFINE_ENCAP_ERR(...)
#define IPSI_ENCAP_ERR(fn)	fn
#else
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/udp.h>

#define IPSI_DEFINE_ENCAP_ERR(fn)					\
static void fn##_compat(struct sock *sk, struct sk_buff *skb,		\
			unsigned int udp_offset)			\
{									\
	u32 info = sk->sk_family == AF_INET ?				\
		   ntohs(icmp_hdr(skb)->un.frag.mtu) :			\
		   ntohl(icmp6_hdr(skb)->icmp6_mtu);			\
									\
	fn(sk, skb, 0, 0, info,						\
	   skb->data + udp_offset + sizeof(struct udphdr));		\
}

#define IPSI_ENCAP_ERR(fn)	fn##_compat
#endif

/* alloc_netdev_dummy(): before 6.10 the caller allocates the device, which
 * free_netdev() does not free
 */
#ifdef IPSI_HAVE_NETDEV_DUMMY
#define ipsi_free_netdev_dummy(dev)	free_netdev(dev)
#else
#include <linux/slab.h>

static inline struct net_device *alloc_netdev_dummy(int sizeof_priv)
{
	struct net_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (dev)
		init_dummy_netdev(dev);
	return dev;
}

static inline void ipsi_free_netdev_dummy(struct net_device *dev)
{
	free_percpu(dev->core_stats);
	kfree(dev);
}
#endif

/* genl_split_ops: before 6.2 one entry a command, do and dump together */
#ifdef IPSI_HAVE_SPLIT_OPS
static inline int ipsi_genl_register(struct genl_family *family)
{
	return genl_register_family(family);
}

static inline void ipsi_genl_unregister(struct genl_family *family)
{
	genl_unregister_family(family);
}
#else
#include <linux/slab.h>

#define genl_split_ops	genl_ops
#define split_ops	ops
#define n_split_ops	n_ops

static inline int ipsi_genl_register(struct genl_family *family)
{
	struct genl_ops *merged;
	int err, i, n = 0;

	merged = kcalloc(family->n_ops, sizeof(*merged), GFP_KERNEL);
	if (!merged)
		return -ENOMEM;

	for (i = 0; i < family->n_ops; i++) {
		const struct genl_ops *op = &family->ops[i];
		struct genl_ops *last = n ? &merged[n - 1] : NULL;

		if (last && last->cmd == op->cmd) {
			last->dumpit = op->dumpit;
			last->flags |= op->flags;
		} else {
			merged[n++] = *op;
		}
	}

	family->ops = merged;
	family->n_ops = n;
	family->resv_start_op = family->ops[n - 1].cmd + 1;
	err = genl_register_family(family);
	if (err)
		kfree(merged);
	return err;
}

static inline void ipsi_genl_unregister(struct genl_family *family)
{
	genl_unregister_family(family);
	kfree(family->ops);
}
#endif

/* genl_info_dump(): before 6.6 genl_dumpit_info() has the attributes */
static inline struct nlattr **ipsi_genl_dump_attrs(struct netlink_callback *cb)
{
#ifdef IPSI_HAVE_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/* NL_SET_ERR_MSG_WEAK(): before 6.4 a message always replaces an earlier one */
#ifndef NL_SET_ERR_MSG_WEAK
#define NL_SET_ERR_MSG_WEAK(extack, msg) do {				\
	struct netlink_ext_ack *ipsi_extack = (extack);			\
									\
	if (ipsi_extack && !ipsi_extack->_msg)				\
		NL_SET_ERR_MSG(ipsi_extack, msg);			\
} while (0)
#endif

/* GENL_MCAST_CAP_NET_ADMIN: has another name before 6.7 (and in some 6.1) */
#ifndef GENL_MCAST_CAP_NET_ADMIN
#define GENL_MCAST_CAP_NET_ADMIN	GENL_UNS_ADMIN_PERM
#endif

/* for_each_netdev_dump(): before 6.8 devices are in hash buckets and not sorted
 * by their index. The cursor sorts them by bucket first.
 */
#ifndef for_each_netdev_dump
static inline unsigned long ipsi_netdev_cursor(const struct net_device *dev)
{
	unsigned long ifindex = dev->ifindex;

	return (ifindex & (NETDEV_HASHENTRIES - 1)) << (31 - NETDEV_HASHBITS) |
	       ifindex >> NETDEV_HASHBITS;
}

static inline struct net_device *ipsi_netdev_from(struct net *net,
						  unsigned long *cursor)
{
	unsigned long bucket = *cursor >> (31 - NETDEV_HASHBITS);
	struct net_device *dev, *best = NULL;

	for (; !best && bucket < NETDEV_HASHENTRIES; bucket++)
		hlist_for_each_entry_rcu(dev, &net->dev_index_head[bucket],
					 index_hlist)
			if (ipsi_netdev_cursor(dev) >= *cursor &&
			    (!best || ipsi_netdev_cursor(dev) <
				      ipsi_netdev_cursor(best)))
				best = dev;
	*cursor = best ? ipsi_netdev_cursor(best) : BIT(31);

	return best;
}

#define for_each_netdev_dump(net, d, cursor)				\
	for (unsigned long *ipsi_from = &(cursor);			\
	     (d = ipsi_netdev_from(net, ipsi_from)); (*ipsi_from)++)
#endif

#endif /* _IPSI_COMPAT_H */
