/* SPDX-License-Identifier: GPL-2.0 */
/* ethtool(8) operations */
#ifndef _IPSI_ETHTOOL_H
#define _IPSI_ETHTOOL_H

#include <linux/ethtool.h>

extern const struct ethtool_ops ipsi_ethtool_ops;

#endif /* _IPSI_ETHTOOL_H */
