// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool(8) operations: the counters by reason, with the names that they have
 * in netlink, the carrier, and the link type as the name of the driver. There
 * is no medium, so there are no settings.
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/string.h>

#include "ethtool.h"
#include "ipsi.h"
#include "stats.h"

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
			    ipsi_stats_name(reason), ETH_GSTRING_LEN);
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
