// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of refused packets: one a reason, and each also in the counters
 * of the interface, where an operator looks first.
 */
#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>

#include "stats.h"

/* The interface's own counters that go up with each reason. */
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
	/* Neither is an error. */
	case IPSI_RX_DUMMY:
	case IPSI_RX_ECN_ODD:
	case IPSI_REASONS:
		break;
	}
}

/**
 * ipsi_stats_count - count a packet by a reason alone
 * @idev: the device
 * @reason: what it is counted as
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
 * ipsi_stats_refused - count a packet that the device refused
 * @idev: the device
 * @reason: why
 *
 * Context: BH off.
 */
void ipsi_stats_refused(struct ipsi_dev *idev, enum ipsi_reason reason)
{
	ipsi_stats_count(idev, reason);
	ipsi_stats_interface(idev->dev, reason);
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
 * ipsi_stats_alloc - make the counters of a device
 *
 * Context: process.
 * Return: per-CPU counters, to be freed with free_percpu(), or NULL.
 */
struct ipsi_stats __percpu *ipsi_stats_alloc(void)
{
	return netdev_alloc_pcpu_stats(struct ipsi_stats);
}
