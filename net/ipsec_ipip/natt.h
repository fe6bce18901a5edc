/* SPDX-License-Identifier: GPL-2.0 */
/* The sockets that receive ESP in UDP. */
#ifndef _IPSI_NATT_H
#define _IPSI_NATT_H

#include <linux/netlink.h>

#include "ipsi.h"

int ipsi_natt_listen(struct ipsi_dev *idev, u16 family, __be16 port,
		     struct netlink_ext_ack *extack);

#endif /* _IPSI_NATT_H */
