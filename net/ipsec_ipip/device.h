/* SPDX-License-Identifier: GPL-2.0 */
/* The netdevice. */
#ifndef _IPSI_DEVICE_H
#define _IPSI_DEVICE_H

#include <linux/netdevice.h>

int ipsi_device_register(void);
void ipsi_device_unregister(void);
void ipsi_device_setup(struct net_device *dev);

#endif /* _IPSI_DEVICE_H */
