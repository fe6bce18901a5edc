// SPDX-License-Identifier: GPL-2.0
/*
 * Builds a state, which is not in the SAD yet, from the attributes of sa-add.
 * An error message names the attribute and the expected value. Keys are copied
 * only into the state, which wipes them when it dies.
 */
#include <linux/in.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/genetlink.h>
#include <net/xfrm.h>

#include "decap.h"
#include "sa.h"
#include "sa_build.h"
#include "sa_clone.h"

/* Replay window of an outbound SA with ESN; XFRM requires one but does not use
 * it.
 */
#define IPSI_ESN_WINDOW_OUT	32

static bool ipsi_build_key_ok(const struct nlattr *key)
{
	return key && nla_len(key) >= 1 &&
	       nla_len(key) <= IPSEC_IPIP_KEY_MAX_LEN;
}

static int ipsi_build_id(struct xfrm_state *x, const struct ipsi_conf *conf,
			 struct genl_info *info, bool out)
{
	struct nlattr **attrs = info->attrs;
	struct nlattr *attr;

	attr = attrs[IPSEC_IPIP_A_SA_MODE];
	x->props.mode = XFRM_MODE_TRANSPORT;
	if (attr && nla_get_u32(attr) == IPSEC_IPIP_MODE_TUNNEL) {
		if (out) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "mode: expected transport for an outbound SA; on the wire it is tunnel mode");
			return -EINVAL;
		}
		x->props.mode = XFRM_MODE_TUNNEL;
	}

	attr = attrs[IPSEC_IPIP_A_SA_REQID];
	x->props.reqid = attr ? nla_get_u32(attr) : conf->reqid;

	x->props.family = conf->family;
	x->props.saddr = out ? conf->local : conf->remote;
	x->id.daddr = out ? conf->remote : conf->local;
	x->if_id = conf->if_id;
	ipsi_xfrm_set_dir(x, out);

	return 0;
}

/* Does the kernel have an AEAD with any length of the ICV? */
static bool ipsi_aead_exists(char *name)
{
	static const int icv_bits[] = { 64, 96, 128 };
	int i;

	for (i = 0; i < ARRAY_SIZE(icv_bits); i++)
		if (xfrm_aead_get_byname(name, icv_bits[i], 1))
			return true;

	return false;
}

static int ipsi_build_set_aead(struct xfrm_state *x,
			       const struct xfrm_algo_desc *algo,
			       struct nlattr *key, unsigned int icv_bits)
{
	unsigned int key_len = nla_len(key);

	x->aead = kzalloc(struct_size(x->aead, alg_key, key_len), GFP_KERNEL);
	if (!x->aead)
		return -ENOMEM;

	strscpy(x->aead->alg_name, algo->name, sizeof(x->aead->alg_name));
	memcpy(x->aead->alg_key, nla_data(key), key_len);
	x->aead->alg_key_len = key_len * 8;
	x->aead->alg_icv_len = icv_bits;
	x->props.ealgo = algo->desc.sadb_alg_id;
	x->geniv = algo->uinfo.aead.geniv;

	return 0;
}

static int ipsi_build_aead(struct xfrm_state *x, struct genl_info *info)
{
	struct nlattr *icv = info->attrs[IPSEC_IPIP_A_SA_ICV_BITS];
	struct nlattr *name = info->attrs[IPSEC_IPIP_A_SA_AEAD_NAME];
	struct nlattr *key = info->attrs[IPSEC_IPIP_A_SA_AEAD_KEY];
	u32 icv_bits = icv ? nla_get_u32(icv) : 128;
	struct xfrm_algo_desc *algo;

	if (!ipsi_build_key_ok(key)) {
		NL_SET_ERR_MSG_ATTR(info->extack, key,
				    "aead-key: expected 1 to 128 bytes");
		return -EINVAL;
	}

	algo = xfrm_aead_get_byname(nla_data(name), icv_bits, 1);
	if (!algo) {
		if (icv && ipsi_aead_exists(nla_data(name))) {
			NL_SET_ERR_MSG_ATTR(info->extack, icv,
					    "icv-bits: expected a length of this algorithm, such as 128");
			return -EINVAL;
		}
		NL_SET_ERR_MSG_ATTR(info->extack, name,
				    "aead-name: expected an AEAD of this kernel, such as rfc4106(gcm(aes))");
		return -ENOENT;
	}

	return ipsi_build_set_aead(x, algo, key, icv_bits);
}

static int ipsi_build_enc(struct xfrm_state *x, struct genl_info *info)
{
	struct nlattr *name = info->attrs[IPSEC_IPIP_A_SA_ENC_NAME];
	struct nlattr *key = info->attrs[IPSEC_IPIP_A_SA_ENC_KEY];
	unsigned int key_len = key ? nla_len(key) : 0;
	struct xfrm_algo_desc *algo;

	algo = xfrm_ealg_get_byname(nla_data(name), 1);
	if (!algo) {
		NL_SET_ERR_MSG_ATTR(info->extack, name,
				    "enc-name: expected a cipher of this kernel, such as cbc(aes)");
		return -ENOENT;
	}
	if (key_len > IPSEC_IPIP_KEY_MAX_LEN ||
	    key_len * 8 < algo->desc.sadb_alg_minbits ||
	    key_len * 8 > algo->desc.sadb_alg_maxbits) {
		NL_SET_ERR_MSG_ATTR(info->extack, key,
				    "enc-key: expected a key of a length that the cipher takes");
		return -EINVAL;
	}

	x->ealg = kzalloc(struct_size(x->ealg, alg_key, key_len), GFP_KERNEL);
	if (!x->ealg)
		return -ENOMEM;

	strscpy(x->ealg->alg_name, algo->name, sizeof(x->ealg->alg_name));
	if (key)
		memcpy(x->ealg->alg_key, nla_data(key), key_len);
	x->ealg->alg_key_len = key_len * 8;
	x->props.ealgo = algo->desc.sadb_alg_id;
	x->geniv = algo->uinfo.encr.geniv;

	return 0;
}

/* The kernel's default for HMAC-SHA-256 is that of an old draft. RFC 4868
 * section 2.1 requires half of the hash.
 */
static u32 ipsi_auth_default_bits(const struct xfrm_algo_desc *algo)
{
	if (!strcmp(algo->name, "hmac(sha256)"))
		return 128;

	return algo->uinfo.auth.icv_truncbits;
}

static int ipsi_build_auth(struct xfrm_state *x, struct genl_info *info)
{
	struct nlattr *icv = info->attrs[IPSEC_IPIP_A_SA_ICV_BITS];
	struct nlattr *name = info->attrs[IPSEC_IPIP_A_SA_AUTH_NAME];
	struct nlattr *key = info->attrs[IPSEC_IPIP_A_SA_AUTH_KEY];
	struct xfrm_algo_desc *algo;
	u32 icv_bits;

	if (!ipsi_build_key_ok(key)) {
		NL_SET_ERR_MSG_ATTR(info->extack, key,
				    "auth-key: expected 1 to 128 bytes");
		return -EINVAL;
	}

	algo = xfrm_aalg_get_byname(nla_data(name), 1);
	if (!algo || !algo->uinfo.auth.icv_fullbits) {
		NL_SET_ERR_MSG_ATTR(info->extack, name,
				    "auth-name: expected an integrity algorithm of this kernel, such as hmac(sha256)");
		return -ENOENT;
	}

	icv_bits = icv ? nla_get_u32(icv) : ipsi_auth_default_bits(algo);
	if (icv_bits < 64 || icv_bits % 8 ||
	    icv_bits > algo->uinfo.auth.icv_fullbits) {
		NL_SET_ERR_MSG_ATTR(info->extack, icv,
				    "icv-bits: expected a multiple of 8 from 64 to the length of the hash");
		return -EINVAL;
	}

	x->aalg = kzalloc(struct_size(x->aalg, alg_key, nla_len(key)),
			  GFP_KERNEL);
	if (!x->aalg)
		return -ENOMEM;

	strscpy(x->aalg->alg_name, algo->name, sizeof(x->aalg->alg_name));
	memcpy(x->aalg->alg_key, nla_data(key), nla_len(key));
	x->aalg->alg_key_len = nla_len(key) * 8;
	x->aalg->alg_trunc_len = icv_bits;
	x->props.aalgo = algo->desc.sadb_alg_id;

	return 0;
}

/* ESP needs an AEAD, or a cipher and an integrity algorithm; AH needs an
 * integrity algorithm. An SA without integrity is refused: unauthenticated
 * packets must not be received, and should not be sent (RFC 8221 section 4).
 */
static int ipsi_build_algs(struct xfrm_state *x, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct nlattr *aead = attrs[IPSEC_IPIP_A_SA_AEAD_NAME];
	struct nlattr *enc = attrs[IPSEC_IPIP_A_SA_ENC_NAME];
	struct nlattr *auth = attrs[IPSEC_IPIP_A_SA_AUTH_NAME];
	int err;

	if (x->id.proto == IPPROTO_AH && (aead || enc)) {
		NL_SET_ERR_MSG_ATTR(info->extack, aead ?: enc,
				    "proto: expected auth-name alone with AH");
		return -EINVAL;
	}
	if (aead) {
		if (enc || auth) {
			NL_SET_ERR_MSG_ATTR(info->extack, enc ?: auth,
					    "aead-name: expected neither enc-name nor auth-name beside it");
			return -EINVAL;
		}
		return ipsi_build_aead(x, info);
	}
	if (x->id.proto == IPPROTO_ESP && !enc) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL,
				     IPSEC_IPIP_A_SA_ENC_NAME);
		NL_SET_ERR_MSG(info->extack,
			       "enc-name: expected a cipher, or aead-name, for ESP");
		return -EINVAL;
	}
	if (!auth) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL,
				     IPSEC_IPIP_A_SA_AUTH_NAME);
		NL_SET_ERR_MSG(info->extack,
			       "auth-name: required; an SA without integrity is not accepted");
		return -EINVAL;
	}

	err = enc ? ipsi_build_enc(x, info) : 0;
	return err ?: ipsi_build_auth(x, info);
}

static int ipsi_build_replay_esn(struct xfrm_state *x, u32 window)
{
	struct xfrm_replay_state_esn *esn;
	u32 bmp_len = DIV_ROUND_UP(window, 32);
	size_t size = struct_size(esn, bmp, bmp_len);

	esn = kzalloc(size, GFP_KERNEL);
	if (!esn)
		return -ENOMEM;
	esn->bmp_len = bmp_len;
	esn->replay_window = window;
	x->replay_esn = esn;

	x->preplay_esn = kmemdup(esn, size, GFP_KERNEL);
	return x->preplay_esn ? 0 : -ENOMEM;
}

static void ipsi_build_seq(struct xfrm_state *x, u64 seq, bool out)
{
	struct xfrm_replay_state_esn *esn = x->replay_esn;
	u32 lo = lower_32_bits(seq), hi = upper_32_bits(seq);

	if (!esn && out) {
		x->replay.oseq = lo;
	} else if (!esn) {
		x->replay.seq = lo;
	} else if (out) {
		esn->oseq = lo;
		esn->oseq_hi = hi;
	} else {
		esn->seq = lo;
		esn->seq_hi = hi;
	}
}

static int ipsi_build_replay(struct xfrm_state *x, struct genl_info *info,
			     bool out)
{
	struct nlattr **attrs = info->attrs;
	struct nlattr *attr = attrs[IPSEC_IPIP_A_SA_REPLAY_WINDOW];
	bool esn = nla_get_flag(attrs[IPSEC_IPIP_A_SA_ESN]);
	u32 window = attr ? nla_get_u32(attr) : 0;
	u64 seq = 0;
	int err;

	if (out && window) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "replay-window: expected none for an outbound SA");
		return -EINVAL;
	}
	if (window > IPSEC_IPIP_REPLAY_WINDOW_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "replay-window: expected 0 to 4096 packets");
		return -EINVAL;
	}
	if (esn && !out && !window) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[IPSEC_IPIP_A_SA_ESN],
				    "esn: expected a replay-window beside it for an inbound SA");
		return -EINVAL;
	}

	attr = attrs[IPSEC_IPIP_A_SA_SEQ];
	if (attr) {
		seq = nla_get_u64(attr);
		if (!esn && seq > U32_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "seq: expected less than 2^32 without esn");
			return -EINVAL;
		}
	}

	if (esn)
		x->props.flags |= XFRM_STATE_ESN;
	if (esn || window > sizeof(x->replay.bitmap) * 8) {
		err = ipsi_build_replay_esn(x, out ? IPSI_ESN_WINDOW_OUT :
						     window);
		if (err)
			return err;
	} else {
		x->props.replay_window = window;
	}
	ipsi_build_seq(x, seq, out);

	return 0;
}

static u64 ipsi_build_limit(struct nlattr *attr, u64 unlimited)
{
	return (attr ? nla_get_u64(attr) : 0) ?: unlimited;
}

static int ipsi_build_lifetime(struct xfrm_state *x, struct genl_info *info)
{
	struct nlattr *tb[IPSEC_IPIP_A_LIFETIME_MAX + 1];
	struct nlattr *attr = info->attrs[IPSEC_IPIP_A_SA_LIFETIME];
	struct xfrm_lifetime_cfg *lft = &x->lft;
	int err;

	if (!attr)
		return 0;

	/* The policy of the request has validated the attributes inside. */
	err = nla_parse_nested(tb, IPSEC_IPIP_A_LIFETIME_MAX, attr, NULL,
			       info->extack);
	if (err)
		return err;

#define IPSI_LIMIT(name, unlimited) \
	ipsi_build_limit(tb[IPSEC_IPIP_A_LIFETIME_ ## name], unlimited)
	lft->soft_byte_limit = IPSI_LIMIT(SOFT_BYTES, XFRM_INF);
	lft->hard_byte_limit = IPSI_LIMIT(HARD_BYTES, XFRM_INF);
	lft->soft_packet_limit = IPSI_LIMIT(SOFT_PACKETS, XFRM_INF);
	lft->hard_packet_limit = IPSI_LIMIT(HARD_PACKETS, XFRM_INF);
	lft->soft_add_expires_seconds = IPSI_LIMIT(SOFT_ADD_SECONDS, 0);
	lft->hard_add_expires_seconds = IPSI_LIMIT(HARD_ADD_SECONDS, 0);
	lft->soft_use_expires_seconds = IPSI_LIMIT(SOFT_USE_SECONDS, 0);
	lft->hard_use_expires_seconds = IPSI_LIMIT(HARD_USE_SECONDS, 0);
#undef IPSI_LIMIT

	/* Timers count in signed seconds. */
	if ((lft->soft_add_expires_seconds | lft->hard_add_expires_seconds |
	     lft->soft_use_expires_seconds | lft->hard_use_expires_seconds) >
	    S32_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "lifetime: expected at most 2147483647 seconds");
		return -EINVAL;
	}

	return 0;
}

static int ipsi_build_encap(struct xfrm_state *x, struct genl_info *info)
{
	struct nlattr *tb[IPSEC_IPIP_A_ENCAP_MAX + 1];
	struct nlattr *attr = info->attrs[IPSEC_IPIP_A_SA_ENCAP];
	struct nlattr *sport, *dport;
	int err;

	if (!attr)
		return 0;

	if (x->id.proto != IPPROTO_ESP) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "encap: expected with ESP only");
		return -EINVAL;
	}

	/* See ipsi_build_lifetime(). */
	err = nla_parse_nested(tb, IPSEC_IPIP_A_ENCAP_MAX, attr, NULL,
			       info->extack);
	if (err)
		return err;

	sport = tb[IPSEC_IPIP_A_ENCAP_SPORT];
	dport = tb[IPSEC_IPIP_A_ENCAP_DPORT];
	if (!sport || !dport || !nla_get_be16(sport) || !nla_get_be16(dport)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "encap: expected sport and dport, 1 to 65535");
		return -EINVAL;
	}

	x->encap = kzalloc(sizeof(*x->encap), GFP_KERNEL);
	if (!x->encap)
		return -ENOMEM;
	x->encap->encap_type = UDP_ENCAP_ESPINUDP;
	x->encap->encap_sport = nla_get_be16(sport);
	x->encap->encap_dport = nla_get_be16(dport);

	return 0;
}

/* RFC 9611; xfrm_user.c has the same limit. */
static int ipsi_build_pcpu(struct xfrm_state *x, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[IPSEC_IPIP_A_SA_PCPU];
	int err;

	if (!attr)
		return 0;

	if (nla_get_u32(attr) >= num_possible_cpus()) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "pcpu: expected less than the number of CPUs");
		return -ERANGE;
	}

	err = ipsi_xfrm_set_cpu(x, nla_get_u32(attr));
	if (err)
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "pcpu: expected none; this kernel has no per-CPU SAs");
	return err;
}

/* Check the attributes for offload. */
static int ipsi_build_offload_check(struct genl_info *info)
{
	struct nlattr *index = info->attrs[IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX];
	struct nlattr *attr = info->attrs[IPSEC_IPIP_A_SA_OFFLOAD];

	if (!attr != !index) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr ?: index,
				    "offload: expected offload and offload-ifindex together");
		return -EINVAL;
	}
	/* Packet offload needs a policy in the hardware too. */
	if (attr && nla_get_u32(attr) != IPSEC_IPIP_OFFLOAD_CRYPTO) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "offload: expected crypto; packet offload is not supported");
		return -EOPNOTSUPP;
	}

	return 0;
}

/* Offload the SA to a device. XFRM falls back to software silently, which is an
 * error here, since offload was requested.
 */
static int ipsi_build_offload(struct xfrm_state *x, struct genl_info *info,
			      bool out)
{
	struct nlattr *attr = info->attrs[IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX];
	struct xfrm_user_offload xuo = {
		.flags = out ? 0 : XFRM_OFFLOAD_INBOUND,
	};
	struct net_device *dev;
	int err;

	if (!attr)
		return 0;

	xuo.ifindex = nla_get_u32(attr);
	dev = dev_get_by_index(xs_net(x), xuo.ifindex);
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "offload-ifindex: no such device in the namespace of the underlay");
		return -ENODEV;
	}
	dev_put(dev);

	if (x->props.family == AF_INET6)
		xuo.flags |= XFRM_OFFLOAD_IPV6;
	err = xfrm_dev_state_add(xs_net(x), x, &xuo, info->extack);
	if (!err && x->xso.dev)
		return 0;

	NL_SET_BAD_ATTR(info->extack, attr);
	NL_SET_ERR_MSG_WEAK(info->extack,
			    "offload-ifindex: expected a device that offloads this SA");
	return err ?: -EOPNOTSUPP;
}

/* Let XFRM initialise the state. At this point -EINVAL means an invalid key. */
static int ipsi_build_init(struct xfrm_state *x, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct nlattr *key;
	int err;

	err = ipsi_xfrm_init_state(x, attrs[IPSEC_IPIP_A_SA_OFFLOAD],
				   info->extack);
	if (err == -EINVAL) {
		key = attrs[IPSEC_IPIP_A_SA_AEAD_KEY] ?:
		      attrs[IPSEC_IPIP_A_SA_ENC_KEY];
		if (key)
			NL_SET_ERR_MSG_ATTR(info->extack, key,
					    "key: expected a length that the cipher takes (an AEAD's with its salt)");
	}
	if (err)
		return err;

	if (x->props.mode == XFRM_MODE_TUNNEL && !ipsi_decap_tunnel_ok(x)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[IPSEC_IPIP_A_SA_MODE],
				    "mode: expected transport with a cipher that has no IV");
		return -EOPNOTSUPP;
	}

	return xfrm_init_replay(x, info->extack);
}

static int ipsi_build(struct xfrm_state *x, const struct ipsi_conf *conf,
		      struct genl_info *info, bool out)
{
	return ipsi_build_id(x, conf, info, out) ?:
	       ipsi_build_algs(x, info) ?:
	       ipsi_build_replay(x, info, out) ?:
	       ipsi_build_lifetime(x, info) ?:
	       ipsi_build_encap(x, info) ?:
	       ipsi_build_pcpu(x, info) ?:
	       ipsi_build_offload_check(info) ?:
	       ipsi_build_init(x, info) ?:
	       ipsi_build_offload(x, info, out);
}

/**
 * ipsi_sa_build - build a state from the attributes of sa-add
 * @net: namespace of the SA
 * @conf: configuration of the device that it is for
 * @id: SPI, protocol and direction, already checked
 * @info: the request
 *
 * Context: process.
 * Return: the state, not in the SAD, with one reference for the caller; or an
 *   ERR_PTR() with the extack set.
 */
struct xfrm_state *ipsi_sa_build(struct net *net,
				 const struct ipsi_conf *conf,
				 const struct ipsi_sa_id *id,
				 struct genl_info *info)
{
	struct xfrm_state *x;
	int err;

	x = xfrm_state_alloc(net);
	if (!x)
		return ERR_PTR(-ENOMEM);

	x->id.spi = id->spi;
	x->id.proto = id->proto;
	x->xflags = IPSI_XFLAG_OWN;
	err = ipsi_build(x, conf, info, id->out);
	if (err) {
		ipsi_sa_discard(x);
		return ERR_PTR(err);
	}
	if (id->out)
		ipsi_sa_unset_type_offload(x);

	return x;
}

/**
 * ipsi_sa_wipe_keys - wipe the keys in a request
 * @info: the request, which is not needed any more
 *
 * This walks all attributes, since @info has only the last of duplicates.
 */
void ipsi_sa_wipe_keys(struct genl_info *info)
{
	struct nlattr *attr;
	int left;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, left) {
		switch (nla_type(attr)) {
		case IPSEC_IPIP_A_SA_AEAD_KEY:
		case IPSEC_IPIP_A_SA_ENC_KEY:
		case IPSEC_IPIP_A_SA_AUTH_KEY:
			memzero_explicit(nla_data(attr), nla_len(attr));
		}
	}
}
