// SPDX-License-Identifier: GPL-2.0
/*
 * Replies of the generic netlink family: devices and SAs. The handlers of
 * requests are in netlink.c, events in event.c.
 */
#include <linux/netdevice.h>
#include <net/genetlink.h>
#include <net/xfrm.h>

#include "adopt.h"
#include "event.h"
#include "mtu.h"
#include "nladdr.h"
#include "nlmsg.h"
#include "sa.h"
#include "sa_clone.h"
#include "stats.h"

static int ipsi_nl_fill_stats(struct sk_buff *msg, struct ipsi_dev *idev)
{
	u64 refused[IPSI_REASONS];
	struct nlattr *nest;
	int i;

	nest = nla_nest_start(msg, IPSEC_IPIP_A_DEV_STATS);
	if (!nest)
		return -EMSGSIZE;

	ipsi_stats_read(idev, refused);
	for (i = 0; i < IPSI_REASONS; i++)
		if (nla_put_u64_64bit(msg, IPSEC_IPIP_A_STATS_TX_NO_SA + i,
				      refused[i], IPSEC_IPIP_A_STATS_PAD))
			return -EMSGSIZE;

	nla_nest_end(msg, nest);
	return 0;
}

static int ipsi_nl_fill_underlay(struct sk_buff *msg,
				 const struct ipsi_conf *conf)
{
	const xfrm_address_t any = {};

	if (nla_put_u32(msg, IPSEC_IPIP_A_DEV_IF_ID, conf->if_id) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_DEV_REQID, conf->reqid) ||
	    ipsi_put_addr(msg, IPSEC_IPIP_A_DEV_LOCAL, &conf->local,
			  conf->family) ||
	    ipsi_put_addr(msg, IPSEC_IPIP_A_DEV_REMOTE,
			  conf->any ? &any : &conf->remote, conf->family) ||
	    (conf->roam && !xfrm_addr_any(&conf->remote, conf->family) &&
	     ipsi_put_addr(msg, IPSEC_IPIP_A_DEV_PEER, &conf->remote,
			   conf->family)) ||
	    (conf->encap_port &&
	     nla_put_be16(msg, IPSEC_IPIP_A_DEV_ENCAP_PORT,
			  conf->encap_port)) ||
	    (conf->link &&
	     nla_put_u32(msg, IPSEC_IPIP_A_DEV_LINK, conf->link)) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_DEV_FWMARK, conf->fwmark))
		return -EMSGSIZE;

	return 0;
}

static int ipsi_nl_fill_conf(struct sk_buff *msg, const struct ipsi_conf *conf)
{
	if ((conf->roam && nla_put_flag(msg, IPSEC_IPIP_A_DEV_ROAM)) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_TTL, conf->ttl) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_TOS, conf->tos) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_DF, conf->df) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_ECN, conf->ecn) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_FLOWLABEL, conf->flowlabel) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_KEYING, conf->keying) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_POLICIES, conf->policies) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_ICMP, conf->icmp))
		return -EMSGSIZE;

	return 0;
}

static int ipsi_nl_fill_mtu(struct sk_buff *msg, struct ipsi_dev *idev)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);

	if (nla_put_u32(msg, IPSEC_IPIP_A_DEV_MTU, READ_ONCE(idev->dev->mtu)) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_DEV_MTU_FIT,
			ipsi_mtu_compute(idev, conf)))
		return -EMSGSIZE;

	if (!READ_ONCE(idev->mtu_auto))
		return 0;

	return nla_put_flag(msg, IPSEC_IPIP_A_DEV_MTU_AUTO);
}

static int ipsi_nl_fill_sas(struct sk_buff *msg, struct ipsi_dev *idev,
			    enum ipsi_nl_view view)
{
	struct ipsi_sa_summary sum;

	ipsi_sa_summarize(idev, &sum);

	if (nla_put_u32(msg, IPSEC_IPIP_A_DEV_SA_IN, sum.in) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_DEV_SA_OUT, sum.out))
		return -EMSGSIZE;

	if (!sum.active_spi || view < IPSI_NL_VIEW_ALL)
		return 0;

	if (nla_put_be32(msg, IPSEC_IPIP_A_DEV_ACTIVE_SPI, sum.active_spi) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_ACTIVE_PROTO, sum.active_proto) ||
	    (sum.pinned && nla_put_flag(msg, IPSEC_IPIP_A_DEV_PINNED)))
		return -EMSGSIZE;

	return 0;
}

static int ipsi_nl_fill_rx_age(struct sk_buff *msg, const struct ipsi_dev *idev)
{
	u32 time = READ_ONCE(idev->rx_time);

	if (!time)
		return 0;

	return nla_put_u32(msg, IPSEC_IPIP_A_DEV_RX_AGE,
			   (u32)ktime_get_seconds() + 1 - time);
}

/**
 * ipsi_nl_fill_dev - fill in the attributes of a device
 * @msg: message to append to
 * @to: the receiver
 * @idev: the device
 * @view: how much the receiver may see
 *
 * Context: RCU read side.
 * Return: 0, or -EMSGSIZE with @msg as it was.
 */
int ipsi_nl_fill_dev(struct sk_buff *msg, const struct ipsi_nl_to *to,
		     struct ipsi_dev *idev, enum ipsi_nl_view view)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);
	struct net_device *dev = idev->dev;
	void *hdr;

	hdr = genlmsg_put(msg, to->portid, to->seq, ipsi_nl_family,
			  to->flags, IPSEC_IPIP_CMD_DEV_GET);
	if (!hdr)
		return -EMSGSIZE;

	if (nla_put_u32(msg, IPSEC_IPIP_A_DEV_IFINDEX, dev->ifindex) ||
	    nla_put_string(msg, IPSEC_IPIP_A_DEV_IFNAME, dev->name) ||
	    (view >= IPSI_NL_VIEW_UNDERLAY &&
	     ipsi_nl_fill_underlay(msg, conf)) ||
	    ipsi_nl_fill_conf(msg, conf) ||
	    ipsi_nl_fill_mtu(msg, idev) ||
	    nla_put_u8(msg, IPSEC_IPIP_A_DEV_CARRIER, netif_carrier_ok(dev)) ||
	    ipsi_nl_fill_sas(msg, idev, view) ||
	    (view < IPSI_NL_VIEW_ALL &&
	     nla_put_flag(msg, IPSEC_IPIP_A_DEV_WITHHELD)) ||
	    ipsi_nl_fill_rx_age(msg, idev) ||
	    ipsi_nl_fill_stats(msg, idev)) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}

	genlmsg_end(msg, hdr);
	return 0;
}

/**
 * struct ipsi_nl_alg - attributes of one algorithm of an SA
 * @name: type of the attribute for the name
 * @key: type of the attribute for the key
 */
struct ipsi_nl_alg {
	int name;
	int key;
};

static int ipsi_nl_put_alg(struct sk_buff *msg, const struct ipsi_nl_alg *attr,
			   const char *name, const char *key,
			   unsigned int key_bits, bool keys)
{
	if (nla_put_string(msg, attr->name, name))
		return -EMSGSIZE;

	/* XFRM accepts longer keys for a hash, which do not fit a message. */
	if (keys && key_bits && key_bits <= IPSEC_IPIP_KEY_MAX_LEN * 8 &&
	    nla_put(msg, attr->key, key_bits / 8, key))
		return -EMSGSIZE;

	return 0;
}

static int ipsi_nl_fill_algs(struct sk_buff *msg, const struct xfrm_state *x,
			     bool keys)
{
	static const struct ipsi_nl_alg aead = {
		IPSEC_IPIP_A_SA_AEAD_NAME, IPSEC_IPIP_A_SA_AEAD_KEY,
	};
	static const struct ipsi_nl_alg enc = {
		IPSEC_IPIP_A_SA_ENC_NAME, IPSEC_IPIP_A_SA_ENC_KEY,
	};
	static const struct ipsi_nl_alg auth = {
		IPSEC_IPIP_A_SA_AUTH_NAME, IPSEC_IPIP_A_SA_AUTH_KEY,
	};

	if (x->aead &&
	    (ipsi_nl_put_alg(msg, &aead, x->aead->alg_name, x->aead->alg_key,
			     x->aead->alg_key_len, keys) ||
	     nla_put_u32(msg, IPSEC_IPIP_A_SA_ICV_BITS, x->aead->alg_icv_len)))
		return -EMSGSIZE;

	if (x->ealg &&
	    ipsi_nl_put_alg(msg, &enc, x->ealg->alg_name, x->ealg->alg_key,
			    x->ealg->alg_key_len, keys))
		return -EMSGSIZE;

	if (x->aalg &&
	    (ipsi_nl_put_alg(msg, &auth, x->aalg->alg_name, x->aalg->alg_key,
			     x->aalg->alg_key_len, keys) ||
	     nla_put_u32(msg, IPSEC_IPIP_A_SA_ICV_BITS,
			 x->aalg->alg_trunc_len)))
		return -EMSGSIZE;

	return 0;
}

static int ipsi_nl_fill_lifetime(struct sk_buff *msg,
				 const struct xfrm_lifetime_cfg *lft)
{
	const struct {
		int type;
		u64 value;
	} limits[] = {
		{ IPSEC_IPIP_A_LIFETIME_SOFT_BYTES, lft->soft_byte_limit },
		{ IPSEC_IPIP_A_LIFETIME_HARD_BYTES, lft->hard_byte_limit },
		{ IPSEC_IPIP_A_LIFETIME_SOFT_PACKETS, lft->soft_packet_limit },
		{ IPSEC_IPIP_A_LIFETIME_HARD_PACKETS, lft->hard_packet_limit },
		{ IPSEC_IPIP_A_LIFETIME_SOFT_ADD_SECONDS,
		  lft->soft_add_expires_seconds },
		{ IPSEC_IPIP_A_LIFETIME_HARD_ADD_SECONDS,
		  lft->hard_add_expires_seconds },
		{ IPSEC_IPIP_A_LIFETIME_SOFT_USE_SECONDS,
		  lft->soft_use_expires_seconds },
		{ IPSEC_IPIP_A_LIFETIME_HARD_USE_SECONDS,
		  lft->hard_use_expires_seconds },
	};
	struct nlattr *nest;
	int i;

	nest = nla_nest_start(msg, IPSEC_IPIP_A_SA_LIFETIME);
	if (!nest)
		return -EMSGSIZE;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		/* "No limit" is XFRM_INF for bytes and packets, 0 for times. */
		if (limits[i].value == XFRM_INF || !limits[i].value)
			continue;
		if (nla_put_u64_64bit(msg, limits[i].type, limits[i].value,
				      IPSEC_IPIP_A_LIFETIME_PAD))
			return -EMSGSIZE;
	}

	nla_nest_end(msg, nest);
	return 0;
}

static int ipsi_nl_fill_encap(struct sk_buff *msg,
			      const struct xfrm_encap_tmpl *encap)
{
	struct nlattr *nest;

	if (!encap)
		return 0;

	nest = nla_nest_start(msg, IPSEC_IPIP_A_SA_ENCAP);
	if (!nest ||
	    nla_put_be16(msg, IPSEC_IPIP_A_ENCAP_SPORT, encap->encap_sport) ||
	    nla_put_be16(msg, IPSEC_IPIP_A_ENCAP_DPORT, encap->encap_dport))
		return -EMSGSIZE;

	nla_nest_end(msg, nest);
	return 0;
}

/* The offload device may be unregistered while the SA stays, so its pointer is
 * only compared with NULL.
 */
static int ipsi_nl_fill_offload(struct sk_buff *msg,
				const struct xfrm_state *x)
{
	u32 what = ipsi_xfrm_packet_offloaded(x) ?
		   IPSEC_IPIP_OFFLOAD_PACKET : IPSEC_IPIP_OFFLOAD_CRYPTO;

	if (!READ_ONCE(x->xso.dev))
		return 0;

	return nla_put_u32(msg, IPSEC_IPIP_A_SA_OFFLOAD, what);
}

static u64 ipsi_nl_seq(const struct xfrm_state *x, bool out)
{
	const struct xfrm_replay_state_esn *esn = x->replay_esn;

	if (!esn)
		return out ? x->replay.oseq : x->replay.seq;

	return out ? (u64)esn->oseq_hi << 32 | esn->oseq :
		     (u64)esn->seq_hi << 32 | esn->seq;
}

static int ipsi_nl_put_stat(struct sk_buff *msg, int type, u64 value)
{
	return nla_put_u64_64bit(msg, type, value, IPSEC_IPIP_A_SA_STATS_PAD);
}

/* The caller holds x->lock, so that the counters are consistent. */
static int ipsi_nl_fill_sa_stats(struct sk_buff *msg,
				 const struct xfrm_state *x, bool out)
{
	struct nlattr *nest;

	nest = nla_nest_start(msg, IPSEC_IPIP_A_SA_STATS);
	if (!nest)
		return -EMSGSIZE;

	if (ipsi_nl_put_stat(msg, IPSEC_IPIP_A_SA_STATS_BYTES,
			     x->curlft.bytes) ||
	    ipsi_nl_put_stat(msg, IPSEC_IPIP_A_SA_STATS_PACKETS,
			     x->curlft.packets) ||
	    ipsi_nl_put_stat(msg, IPSEC_IPIP_A_SA_STATS_ADD_TIME,
			     x->curlft.add_time) ||
	    ipsi_nl_put_stat(msg, IPSEC_IPIP_A_SA_STATS_USE_TIME,
			     x->curlft.use_time) ||
	    ipsi_nl_put_stat(msg, IPSEC_IPIP_A_SA_STATS_SEQ,
			     ipsi_nl_seq(x, out)) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_SA_STATS_REPLAYED, x->stats.replay) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_SA_STATS_REPLAY_LATE,
			x->stats.replay_window) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_SA_STATS_INTEGRITY_FAILED,
			x->stats.integrity_failed))
		return -EMSGSIZE;

	nla_nest_end(msg, nest);
	return 0;
}

static int ipsi_nl_fill_use(struct sk_buff *msg, struct ipsi_dev *idev,
			    struct xfrm_state *x)
{
	struct xfrm_state *active;
	bool pinned;
	int err = 0;

	active = ipsi_sa_get_active(idev, &pinned);
	if (active == x)
		err = nla_put_flag(msg, IPSEC_IPIP_A_SA_ACTIVE) ||
		      (pinned && nla_put_flag(msg, IPSEC_IPIP_A_SA_PINNED));
	if (active)
		xfrm_state_put(active);

	return err ? -EMSGSIZE : 0;
}

/* The reason why the device does not use x */
static int ipsi_nl_fill_refusal(struct sk_buff *msg, struct ipsi_dev *idev,
				struct xfrm_state *x)
{
	int refusal, adoption = -1;
	bool listed;

	refusal = ipsi_sa_refusal(idev, x, &listed);
	if (!listed)
		adoption = ipsi_adopt_why_not(idev, x);
	if (adoption >= 0)
		refusal = adoption;
	if (refusal < 0)
		return 0;

	return nla_put_u32(msg, IPSEC_IPIP_A_SA_REFUSAL, refusal);
}

static int ipsi_nl_fill_sa_body(struct sk_buff *msg, struct ipsi_dev *idev,
				struct xfrm_state *x, bool out, bool keys)
{
	u32 window = x->replay_esn ? x->replay_esn->replay_window :
				     x->props.replay_window;
	int err;

	if (ipsi_nl_fill_header(msg, idev, x, out) ||
	    ipsi_nl_fill_algs(msg, x, keys) ||
	    nla_put_u32(msg, IPSEC_IPIP_A_SA_REPLAY_WINDOW, window) ||
	    (x->props.flags & XFRM_STATE_ESN &&
	     nla_put_flag(msg, IPSEC_IPIP_A_SA_ESN)) ||
	    ipsi_nl_fill_lifetime(msg, &x->lft) ||
	    ipsi_nl_fill_encap(msg, x->encap) ||
	    ipsi_nl_fill_offload(msg, x) ||
	    (ipsi_xfrm_cpu(x) != UINT_MAX &&
	     nla_put_u32(msg, IPSEC_IPIP_A_SA_PCPU, ipsi_xfrm_cpu(x))) ||
	    ipsi_nl_fill_use(msg, idev, x) ||
	    ipsi_nl_fill_refusal(msg, idev, x) ||
	    (x->km.dying && nla_put_flag(msg, IPSEC_IPIP_A_SA_DYING)))
		return -EMSGSIZE;

	spin_lock_bh(&x->lock);
	err = ipsi_nl_fill_sa_stats(msg, x, out);
	spin_unlock_bh(&x->lock);

	return err;
}

/**
 * ipsi_nl_fill_sa - fill in the attributes of an SA
 * @msg: message to append to
 * @to: the receiver
 * @idev: device of the SA, or a device that does not use it
 * @x: the state
 * @out: the SA is outbound
 * @keys: include the keys; the caller has checked that they may be shown
 *
 * Context: any, @x's lock not held.
 * Return: 0, or -EMSGSIZE with @msg as it was.
 */
int ipsi_nl_fill_sa(struct sk_buff *msg, const struct ipsi_nl_to *to,
		    struct ipsi_dev *idev, struct xfrm_state *x, bool out,
		    bool keys)
{
	void *hdr;

	hdr = genlmsg_put(msg, to->portid, to->seq, ipsi_nl_family,
			  to->flags, IPSEC_IPIP_CMD_SA_GET);
	if (!hdr)
		return -EMSGSIZE;

	if (to->cb)
		genl_dump_check_consistent(to->cb, hdr);

	if (ipsi_nl_fill_sa_body(msg, idev, x, out, keys)) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}

	genlmsg_end(msg, hdr);
	return 0;
}
