// SPDX-License-Identifier: GPL-2.0
/*
 * The SPD: no entry of it is to catch or refuse what passes the device, whose
 * own SAs decide. The stack can be told so, by sysctls of the device: there
 * are disable_xfrm and disable_policy for IPv4, for IPv6 there is only the
 * latter. They are defaults, free to be changed.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>

#include "bypass.h"

static void ipsi_bypass_set4(struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rtnl(dev);

	if (in_dev) {
		IN_DEV_CONF_SET(in_dev, NOPOLICY, 1);
		IN_DEV_CONF_SET(in_dev, NOXFRM, 1);
	}
}

/* IPv6 leaves a device whose MTU is too small for it, and comes back without
 * remembering anything.
 */
static void ipsi_bypass_set6(struct net_device *dev, bool again)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	struct inet6_dev *in6_dev = __in6_dev_get(dev);

	if (in6_dev && !(again && idev->in6_dev == in6_dev))
		WRITE_ONCE(in6_dev->cnf.disable_policy, 1);
	idev->in6_dev = in6_dev;
}

/**
 * ipsi_bypass_event - exempt a device when it comes into a namespace
 * @dev: one of our devices
 * @event: what has happened to it; the stack has already seen it
 *
 * Context: RTNL.
 */
void ipsi_bypass_event(struct net_device *dev, unsigned long event)
{
	switch (event) {
	case NETDEV_REGISTER:
		ipsi_bypass_set4(dev);
		ipsi_bypass_set6(dev, false);
		break;
	case NETDEV_CHANGEMTU:
	case NETDEV_UP:
		ipsi_bypass_set6(dev, true);
		break;
	}
}
