// SPDX-License-Identifier: GPL-2.0
/*
 * Refused packets: each is counted by its reason and in the counters of the
 * interface, and can be traced. ethtool(8) shows the counters.
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/u64_stats_sync.h>

#include "stats.h"
#include "trace.h"

/**
 * struct ipsi_reason_info - properties of a reason
 * @name: name of the netlink attribute, with "_" instead of "-"
 * @total: counter of the interface, as an offset in struct net_device_stats; 0
 *   if no packet is lost
 * @kind: counter of the kind of error, as well; or 0
 * @drop: the closest drop reason of the core, for skb:kfree_skb; or 0. An
 *   out-of-tree module cannot add its own. The tracepoint
 *   ipsec_ipip:ipsec_ipip_refused has the exact reason, with the same skbaddr.
 * @tx: the packet was sent by the device; else received
 */
struct ipsi_reason_info {
	const char *name;
	unsigned int total;
	unsigned int kind;
	enum skb_drop_reason drop;
	bool tx;
};

#define IPSI_STAT(name)		offsetof(struct net_device_stats, name)
#define IPSI_TX(name, ...)	{ "tx_" name, ##__VA_ARGS__, .tx = true }
#define IPSI_RX(name, ...)	{ "rx_" name, ##__VA_ARGS__ }

static const struct ipsi_reason_info ipsi_reasons[] = {
	[IPSI_TX_NO_SA] = IPSI_TX("no_sa", IPSI_STAT(tx_errors),
				  IPSI_STAT(tx_carrier_errors),
				  SKB_DROP_REASON_XFRM_POLICY),
	[IPSI_TX_NO_ROUTE] = IPSI_TX("no_route", IPSI_STAT(tx_errors),
				     IPSI_STAT(tx_carrier_errors),
				     SKB_DROP_REASON_IP_OUTNOROUTES),
	[IPSI_TX_LOOP] = IPSI_TX("loop", IPSI_STAT(tx_errors),
				 IPSI_STAT(collisions),
				 SKB_DROP_REASON_IP_OUTNOROUTES),
	[IPSI_TX_PROTOCOL] = IPSI_TX("protocol", IPSI_STAT(tx_dropped), 0,
				     SKB_DROP_REASON_UNHANDLED_PROTO),
	[IPSI_TX_TOO_BIG] = IPSI_TX("too_big", IPSI_STAT(tx_dropped), 0,
				    SKB_DROP_REASON_PKT_TOO_BIG),
	[IPSI_TX_MALFORMED] = IPSI_TX("malformed", IPSI_STAT(tx_dropped), 0,
				      SKB_DROP_REASON_IP_INHDR),
	[IPSI_TX_ERROR] = IPSI_TX("error", IPSI_STAT(tx_errors),
				  IPSI_STAT(tx_aborted_errors),
				  SKB_DROP_REASON_NOMEM),
	[IPSI_RX_OUTER_ADDRESS] = IPSI_RX("outer_address",
					  IPSI_STAT(rx_errors)),
	[IPSI_RX_PROTOCOL] = IPSI_RX("protocol", IPSI_STAT(rx_errors)),
	[IPSI_RX_MALFORMED] = IPSI_RX("malformed", IPSI_STAT(rx_errors),
				      IPSI_STAT(rx_frame_errors)),
	[IPSI_RX_ECN] = IPSI_RX("ecn", IPSI_STAT(rx_errors),
				IPSI_STAT(rx_frame_errors)),
	[IPSI_RX_CRYPTO] = IPSI_RX("crypto", IPSI_STAT(rx_errors)),
	[IPSI_RX_DOWN] = IPSI_RX("down", IPSI_STAT(rx_dropped)),
	[IPSI_RX_DUMMY] = IPSI_RX("dummy"),
	[IPSI_RX_ECN_ODD] = IPSI_RX("ecn_odd"),
	[IPSI_TX_SELECTOR] = IPSI_TX("selector", IPSI_STAT(tx_dropped)),
	[IPSI_RX_SELECTOR] = IPSI_RX("selector", IPSI_STAT(rx_errors)),
	[IPSI_TX_PATH_ERROR] = IPSI_TX("path_error"),
};

static_assert(ARRAY_SIZE(ipsi_reasons) == IPSI_REASONS);

static void ipsi_stats_inc(struct net_device *dev, unsigned int offset)
{
	/* The same as DEV_STATS_INC(). */
	if (offset)
		atomic_long_inc((void *)&dev->stats + offset);
}

/**
 * ipsi_stats_count - count a packet only by a reason
 * @idev: the device
 * @reason: the reason
 *
 * Context: BH off.
 */
void ipsi_stats_count(struct ipsi_dev *idev, enum ipsi_reason reason)
{
	struct ipsi_stats *stats = this_cpu_ptr(idev->stats);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->refused[reason]);
	u64_stats_update_end(&stats->syncp);
}

/**
 * ipsi_stats_refused - count and trace a refused packet, without freeing it
 * @idev: the device
 * @reason: the reason
 * @skb: the packet, or NULL if it is already freed
 * @x: the SA of the packet, or NULL
 *
 * xfrm_input() frees received packets, with its own drop reason. A packet that
 * fails in dst_output() is freed there.
 *
 * Context: BH off.
 */
void ipsi_stats_refused(struct ipsi_dev *idev, enum ipsi_reason reason,
			const struct sk_buff *skb, const struct xfrm_state *x)
{
	const struct ipsi_reason_info *info = &ipsi_reasons[reason];

	ipsi_stats_count(idev, reason);
	ipsi_stats_inc(idev->dev, info->total);
	ipsi_stats_inc(idev->dev, info->kind);
	trace_ipsec_ipip_refused(idev->dev, info->name, info->tx, skb, x);
}

/**
 * ipsi_drop - count, trace and free a packet that the device refuses to send
 * @idev: the device
 * @reason: the reason
 * @skb: the packet; consumed
 * @x: the SA of the packet, or NULL
 *
 * Context: BH off.
 */
void ipsi_drop(struct ipsi_dev *idev, enum ipsi_reason reason,
	       struct sk_buff *skb, const struct xfrm_state *x)
{
	ipsi_stats_refused(idev, reason, skb, x);
	kfree_skb_reason(skb, ipsi_reasons[reason].drop ?:
			 SKB_DROP_REASON_NOT_SPECIFIED);
}

/**
 * ipsi_stats_read - sum up the counters of all CPUs
 * @idev: the device
 * @refused: array of IPSI_REASONS sums
 *
 * Context: any.
 */
void ipsi_stats_read(const struct ipsi_dev *idev, u64 *refused)
{
	int cpu, reason;

	memset(refused, 0, IPSI_REASONS * sizeof(*refused));

	for_each_possible_cpu(cpu) {
		const struct ipsi_stats *stats = per_cpu_ptr(idev->stats, cpu);
		u64 copy[IPSI_REASONS];
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&stats->syncp);
			for (reason = 0; reason < IPSI_REASONS; reason++)
				copy[reason] =
					u64_stats_read(&stats->refused[reason]);
		} while (u64_stats_fetch_retry(&stats->syncp, start));

		for (reason = 0; reason < IPSI_REASONS; reason++)
			refused[reason] += copy[reason];
	}
}

/**
 * ipsi_stats_alloc - allocate the counters of a device
 *
 * Context: process.
 * Return: per-CPU counters, to be freed with free_percpu(), or NULL.
 */
struct ipsi_stats __percpu *ipsi_stats_alloc(void)
{
	return netdev_alloc_pcpu_stats(struct ipsi_stats);
}

/* ethtool(8): the counters by reason, with the names that they have in netlink,
 * the carrier, and the link type as the name of the driver. There is no medium,
 * so there are no settings.
 */
static void ipsi_ethtool_get_drvinfo(struct net_device *dev,
				     struct ethtool_drvinfo *info)
{
	strscpy(info->driver, dev->rtnl_link_ops->kind, sizeof(info->driver));
}

static int ipsi_ethtool_get_sset_count(struct net_device *dev, int sset)
{
	return sset == ETH_SS_STATS ? IPSI_REASONS : -EOPNOTSUPP;
}

static void ipsi_ethtool_get_strings(struct net_device *dev, u32 sset,
				     u8 *data)
{
	int reason;

	if (sset != ETH_SS_STATS)
		return;

	for (reason = 0; reason < IPSI_REASONS; reason++)
		strscpy_pad((char *)data + reason * ETH_GSTRING_LEN,
			    ipsi_reasons[reason].name, ETH_GSTRING_LEN);
}

static void ipsi_ethtool_get_stats(struct net_device *dev,
				   struct ethtool_stats *stats, u64 *data)
{
	ipsi_stats_read(netdev_priv(dev), data);
}

const struct ethtool_ops ipsi_ethtool_ops = {
	.get_drvinfo		= ipsi_ethtool_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_sset_count		= ipsi_ethtool_get_sset_count,
	.get_strings		= ipsi_ethtool_get_strings,
	.get_ethtool_stats	= ipsi_ethtool_get_stats,
};
