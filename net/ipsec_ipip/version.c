// SPDX-License-Identifier: GPL-2.0
/*
 * The version of the module outside of the kernel tree, for modinfo and
 * /sys/module/ipsec_ipip/version. In the tree it has none of its own.
 */
#include <linux/module.h>

MODULE_VERSION(IPSI_VERSION);
