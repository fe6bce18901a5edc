// SPDX-License-Identifier: GPL-2.0
/*
 * The cache of bundles, one per CPU. bundle.c fills it; any change that makes
 * bundles stale empties it.
 */
#include <linux/percpu.h>
#include <net/dst.h>

#include "cache.h"

/**
 * ipsi_bundle_reset - drop the bundles of all CPUs
 * @idev: the device, whose configuration or SAs have changed
 *
 * Otherwise a CPU that sends nothing any more would keep a dead SA and its
 * keys.
 *
 * Context: any but hard interrupts.
 */
void ipsi_bundle_reset(struct ipsi_dev *idev)
{
	int cpu;

	/* Pairs with ipsi_bundle_get(). */
	smp_mb__before_atomic();
	atomic_inc(&idev->bundle_resets);
	/* Pairs with ipsi_bundle_cache(). */
	smp_mb__after_atomic();

	for_each_possible_cpu(cpu) {
		struct ipsi_bundle *bundle = per_cpu_ptr(idev->bundles, cpu);

		if (rcu_access_pointer(bundle->dst))
			ipsi_bundle_drop(bundle);
	}
}

/**
 * ipsi_bundle_net_reset - invalidate the bundles of all devices in a namespace
 * @net: the underlay namespace; something has changed there that the core does
 *   not check
 *
 * Each device notices this with its next packet.
 *
 * Context: any.
 */
void ipsi_bundle_net_reset(const struct net *net)
{
	/* A CPU that sees the new count also sees the change. */
	smp_mb__before_atomic();
	atomic_inc(&ipsi_net(net)->bundle_resets);
}

/**
 * ipsi_bundle_alloc - start without bundles
 * @idev: a device that is being created
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int ipsi_bundle_alloc(struct ipsi_dev *idev)
{
	idev->bundles = alloc_percpu(struct ipsi_bundle);
	return idev->bundles ? 0 : -ENOMEM;
}

/**
 * ipsi_bundle_free - undo ipsi_bundle_alloc()
 * @idev: the device, which has no users any more
 *
 * Context: process.
 */
void ipsi_bundle_free(struct ipsi_dev *idev)
{
	ipsi_bundle_reset(idev);
	free_percpu(idev->bundles);
	idev->bundles = NULL;
}
