/* SPDX-License-Identifier: GPL-2.0 */
/* The cache of bundles */
#ifndef _IPSI_CACHE_H
#define _IPSI_CACHE_H

#include <net/dst.h>

#include "ipsi.h"
#include "net.h"

int ipsi_bundle_alloc(struct ipsi_dev *idev);
void ipsi_bundle_free(struct ipsi_dev *idev);
void ipsi_bundle_reset(struct ipsi_dev *idev);
void ipsi_bundle_net_reset(const struct net *net);

/* Changes whenever existing bundles become invalid. */
static inline unsigned int
ipsi_bundle_generation(const struct ipsi_dev *idev)
{
	return (unsigned int)atomic_read(&idev->bundle_resets) +
	       (unsigned int)atomic_read(&ipsi_net(idev->net)->bundle_resets);
}

static inline void ipsi_bundle_drop(struct ipsi_bundle *bundle)
{
	/* CPUs may race here; only one of them gets the reference. */
	dst_release(unrcu_pointer(xchg(&bundle->dst, NULL)));
}

#endif /* _IPSI_CACHE_H */
