// SPDX-License-Identifier: GPL-2.0
/*
 * Refused packets: each is counted by its reason and in the counters of the
 * interface, and can be traced.
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>

#include "stats.h"
#include "trace.h"

/* Names of the reasons: those of the netlink attributes, with "_" instead of
 * "-"
 */
static const char * const ipsi_stats_names[] = {
	[IPSI_TX_NO_SA]		= "tx_no_sa",
	[IPSI_TX_NO_ROUTE]	= "tx_no_route",
	[IPSI_TX_LOOP]		= "tx_loop",
	[IPSI_TX_PROTOCOL]	= "tx_protocol",
	[IPSI_TX_TOO_BIG]	= "tx_too_big",
	[IPSI_TX_MALFORMED]	= "tx_malformed",
	[IPSI_TX_ERROR]		= "tx_error",
	[IPSI_RX_OUTER_ADDRESS]	= "rx_outer_address",
	[IPSI_RX_PROTOCOL]	= "rx_protocol",
	[IPSI_RX_MALFORMED]	= "rx_malformed",
	[IPSI_RX_ECN]		= "rx_ecn",
	[IPSI_RX_CRYPTO]	= "rx_crypto",
	[IPSI_RX_DOWN]		= "rx_down",
	[IPSI_RX_DUMMY]		= "rx_dummy",
	[IPSI_RX_ECN_ODD]	= "rx_ecn_odd",
	[IPSI_TX_SELECTOR]	= "tx_selector",
	[IPSI_RX_SELECTOR]	= "rx_selector",
	[IPSI_TX_PATH_ERROR]	= "tx_path_error",
};

static_assert(ARRAY_SIZE(ipsi_stats_names) == IPSI_REASONS);

/**
 * ipsi_stats_name - return the name of a reason
 * @reason: the reason
 *
 * Return: a static string.
 */
const char *ipsi_stats_name(enum ipsi_reason reason)
{
	return ipsi_stats_names[reason];
}

static bool ipsi_stats_is_tx(enum ipsi_reason reason)
{
	return *ipsi_stats_names[reason] == 't';
}

/* Count in the statistics of the interface: as an error or as dropped, and
 * errors also by their kind.
 */
static void ipsi_stats_interface(struct net_device *dev,
				 enum ipsi_reason reason)
{
	switch (reason) {
	case IPSI_TX_NO_SA:
	case IPSI_TX_NO_ROUTE:
		DEV_STATS_INC(dev, tx_errors);
		DEV_STATS_INC(dev, tx_carrier_errors);
		break;
	case IPSI_TX_LOOP:
		DEV_STATS_INC(dev, tx_errors);
		DEV_STATS_INC(dev, collisions);
		break;
	case IPSI_TX_ERROR:
		DEV_STATS_INC(dev, tx_errors);
		DEV_STATS_INC(dev, tx_aborted_errors);
		break;
	case IPSI_TX_PROTOCOL:
	case IPSI_TX_TOO_BIG:
	case IPSI_TX_MALFORMED:
	case IPSI_TX_SELECTOR:
		DEV_STATS_INC(dev, tx_dropped);
		break;
	case IPSI_RX_MALFORMED:
	case IPSI_RX_ECN:
		DEV_STATS_INC(dev, rx_errors);
		DEV_STATS_INC(dev, rx_frame_errors);
		break;
	case IPSI_RX_OUTER_ADDRESS:
	case IPSI_RX_PROTOCOL:
	case IPSI_RX_CRYPTO:
	case IPSI_RX_SELECTOR:
		DEV_STATS_INC(dev, rx_errors);
		break;
	case IPSI_RX_DOWN:
		DEV_STATS_INC(dev, rx_dropped);
		break;
	/* No packet is lost. */
	case IPSI_RX_DUMMY:
	case IPSI_RX_ECN_ODD:
	case IPSI_TX_PATH_ERROR:
	case IPSI_ACCEPT:
		break;
	}
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
	ipsi_stats_count(idev, reason);
	ipsi_stats_interface(idev->dev, reason);
	trace_ipsec_ipip_refused(idev->dev, ipsi_stats_name(reason),
				 ipsi_stats_is_tx(reason), skb, x);
}

/* Return the closest drop reason of the core, for skb:kfree_skb. An out-of-tree
 * module cannot add its own. The tracepoint ipsec_ipip:ipsec_ipip_refused has
 * the exact reason, with the same skbaddr.
 */
static enum skb_drop_reason ipsi_drop_reason(enum ipsi_reason reason)
{
	switch (reason) {
	case IPSI_TX_NO_SA:
		return SKB_DROP_REASON_XFRM_POLICY;
	case IPSI_TX_NO_ROUTE:
	case IPSI_TX_LOOP:
		return SKB_DROP_REASON_IP_OUTNOROUTES;
	case IPSI_TX_PROTOCOL:
		return SKB_DROP_REASON_UNHANDLED_PROTO;
	case IPSI_TX_TOO_BIG:
		return SKB_DROP_REASON_PKT_TOO_BIG;
	case IPSI_TX_MALFORMED:
		return SKB_DROP_REASON_IP_INHDR;
	case IPSI_TX_ERROR:
		return SKB_DROP_REASON_NOMEM;
	default:
		return SKB_DROP_REASON_NOT_SPECIFIED;
	}
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
	kfree_skb_reason(skb, ipsi_drop_reason(reason));
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
