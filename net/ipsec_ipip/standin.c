// SPDX-License-Identifier: GPL-2.0
/*
 * Stand-ins: inner IPv6 that policies of a key manager catch goes to the
 * device all the same.
 *
 * A policy without if_id is for all packets of its namespace, and IPv6 has
 * nothing to exempt a route from it (bypass.c). It asks the SAD for an SA in
 * tunnel mode, which was adopted and is there no more; without an answer the
 * packet is lost before anybody can see it. So a state answers that is no SA:
 * its key is random and known to nobody, it has no SPI, and its last sequence
 * number is used up. By that the packet gets past the policy, and giveback.c
 * brings it back to the device. What is not brought back ends at the state,
 * which can never send.
 */
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/xfrm.h>

#include "giveback.h"
#include "main.h"
#include "sa_build.h"
#include "sa_clone.h"
#include "sad_find.h"
#include "standin.h"

/* The usual cipher, which a host with IPsec is likely to have: AES-GCM with a
 * key of 128 bits, the salt of 32 bits after it.
 */
#define IPSI_STANDIN_AEAD	"rfc4106(gcm(aes))"
#define IPSI_STANDIN_ICV_BITS	128
#define IPSI_STANDIN_KEY_LEN	20

/**
 * struct ipsi_standin - a stand-in of a device
 * @list: entry in ipsi_dev.standins; RTNL
 * @x: the state; one reference is owned by this, another by the SAD
 * @wanted: there is a policy for it; RTNL
 */
struct ipsi_standin {
	struct list_head list;
	struct xfrm_state *x;
	bool wanted;
};

static bool ipsi_standin_between(const struct xfrm_state *x,
				 const struct ipsi_conf *conf)
{
	return x->props.family == conf->family &&
	       xfrm_addr_equal(&x->props.saddr, &conf->local, conf->family) &&
	       xfrm_addr_equal(&x->id.daddr, &conf->remote, conf->family);
}

/**
 * ipsi_standin_for - does a state stand in for SAs of a device?
 * @x: a stand-in
 * @idev: the device
 *
 * Context: RCU read side.
 */
bool ipsi_standin_for(struct xfrm_state *x, const struct ipsi_dev *idev)
{
	return net_eq(idev->net, xs_net(x)) &&
	       ipsi_standin_between(x, rcu_dereference(idev->conf));
}

static int ipsi_standin_key(struct xfrm_state *x)
{
	u8 key[IPSI_STANDIN_KEY_LEN];
	struct xfrm_algo_desc *algo;
	int err;

	algo = xfrm_aead_get_byname(IPSI_STANDIN_AEAD, IPSI_STANDIN_ICV_BITS, 1);
	if (!algo)
		return -ENOENT;

	get_random_bytes(key, sizeof(key));
	err = ipsi_sa_set_aead(x, algo, key, sizeof(key),
			       IPSI_STANDIN_ICV_BITS);
	memzero_explicit(key, sizeof(key));

	return err;
}

/* What the core looks at when it seeks an SA for the policy's template
 * (xfrm_state_find()).
 */
static void ipsi_standin_answer(struct xfrm_state *x,
				const struct ipsi_conf *conf, u32 reqid)
{
	x->id.daddr = conf->remote;
	x->id.proto = IPPROTO_ESP;
	x->props.saddr = conf->local;
	x->props.family = conf->family;
	x->props.mode = XFRM_MODE_TUNNEL;
	x->props.reqid = reqid;
	x->sel.family = AF_INET6;
	ipsi_xfrm_set_dir(x, true);

	/* The newest state is taken. That is to be this one, also when the key
	 * manager has just added an SA that is not adopted yet.
	 */
	x->curlft.add_time = U32_MAX;
}

static int ipsi_standin_init(struct xfrm_state *x)
{
	int err;

	err = ipsi_standin_key(x);
	if (err)
		return err;

	err = ipsi_xfrm_init_state(x, false, NULL);
	if (err)
		return err;

	err = xfrm_init_replay(x, NULL);
	if (err)
		return err;

	/* From here on xfrm_replay_overflow() refuses each packet. */
	x->replay.oseq = U32_MAX;
	x->xflags |= IPSI_XFLAG_STANDIN;
	x->km.state = XFRM_STATE_VALID;

	return 0;
}

static struct xfrm_state *ipsi_standin_make(struct net *net,
					    const struct ipsi_conf *conf,
					    u32 reqid)
{
	struct xfrm_state *x;
	int err;

	x = xfrm_state_alloc(net);
	if (!x)
		return ERR_PTR(-ENOMEM);

	ipsi_standin_answer(x, conf, reqid);
	err = ipsi_standin_init(x);
	if (err) {
		ipsi_sa_discard(x);
		return ERR_PTR(err);
	}

	xfrm_state_hold(x);
	xfrm_state_insert(x);

	return x;
}

/* With the first one of a namespace, packets must be given back; with the last
 * one no more.
 */
static int ipsi_standin_count_up(struct net *net)
{
	struct ipsi_net *inet = ipsi_net(net);
	int err = 0;

	if (!inet->standins)
		err = ipsi_giveback_register(net);
	if (!err)
		inet->standins++;

	return err;
}

static void ipsi_standin_count_down(struct net *net)
{
	if (!--ipsi_net(net)->standins)
		ipsi_giveback_unregister(net);
}

static int ipsi_standin_add(struct ipsi_dev *idev, const struct ipsi_conf *conf,
			    u32 reqid)
{
	struct ipsi_standin *standin;
	int err;

	standin = kzalloc(sizeof(*standin), GFP_KERNEL);
	if (!standin)
		return -ENOMEM;

	err = ipsi_standin_count_up(idev->net);
	if (err)
		goto err_standin;

	standin->x = ipsi_standin_make(idev->net, conf, reqid);
	if (IS_ERR(standin->x)) {
		err = PTR_ERR(standin->x);
		goto err_count;
	}

	standin->wanted = true;
	list_add_tail(&standin->list, &idev->standins);

	return 0;

err_count:
	ipsi_standin_count_down(idev->net);
err_standin:
	kfree(standin);
	return err;
}

static void ipsi_standin_del(struct ipsi_dev *idev,
			     struct ipsi_standin *standin)
{
	list_del(&standin->list);
	xfrm_state_delete(standin->x);
	xfrm_state_put(standin->x);
	kfree(standin);
	ipsi_standin_count_down(idev->net);
}

static bool ipsi_standin_serves(const struct ipsi_standin *standin,
				const struct ipsi_conf *conf, u32 reqid)
{
	const struct xfrm_state *x = standin->x;

	return x->props.reqid == reqid && ipsi_standin_between(x, conf) &&
	       READ_ONCE(x->km.state) == XFRM_STATE_VALID;
}

/**
 * ipsi_standin_want_none - start to say which stand-ins a device needs
 * @idev: the device
 *
 * Context: RTNL.
 */
void ipsi_standin_want_none(struct ipsi_dev *idev)
{
	struct ipsi_standin *standin;

	list_for_each_entry(standin, &idev->standins, list)
		standin->wanted = false;
}

/**
 * ipsi_standin_want - there is a policy that catches packets of a device
 * @idev: the device
 * @conf: its configuration
 * @reqid: reqid of the policy's template
 *
 * Context: RTNL.
 * Return: 0 or a negative errno.
 */
int ipsi_standin_want(struct ipsi_dev *idev, const struct ipsi_conf *conf,
		      u32 reqid)
{
	struct ipsi_standin *standin;

	list_for_each_entry(standin, &idev->standins, list)
		if (ipsi_standin_serves(standin, conf, reqid)) {
			standin->wanted = true;
			return 0;
		}

	return ipsi_standin_add(idev, conf, reqid);
}

/**
 * ipsi_standin_sweep - take away what a device does not need any more
 * @idev: the device
 *
 * Context: RTNL.
 */
void ipsi_standin_sweep(struct ipsi_dev *idev)
{
	struct ipsi_standin *standin, *next;

	list_for_each_entry_safe(standin, next, &idev->standins, list)
		if (!standin->wanted)
			ipsi_standin_del(idev, standin);
}

/* What no SA is like: an SA has an SPI, and one that is being negotiated is
 * not valid yet.
 */
static bool ipsi_standin_copy(const struct xfrm_state *x, const void *data)
{
	return !x->id.spi && x->km.state == XFRM_STATE_VALID &&
	       x->replay.oseq == U32_MAX &&
	       x->curlft.add_time == U32_MAX && !ipsi_standin_is(x);
}

/**
 * ipsi_standin_drop_copies - take away what a key manager has moved elsewhere
 * @net: the namespace
 *
 * XFRM_MSG_MIGRATE replaces states in tunnel mode by copies at other addresses.
 * That of a stand-in can send as little, but would answer policies in place of
 * the stand-in that is made for the new addresses.
 *
 * Context: process.
 */
void ipsi_standin_drop_copies(struct net *net)
{
	struct xfrm_state *x;

	while (ipsi_sad_find(net, ipsi_standin_copy, NULL, &x, 1)) {
		xfrm_state_delete(x);
		xfrm_state_put(x);
	}
}
