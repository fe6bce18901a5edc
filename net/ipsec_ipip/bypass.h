/* SPDX-License-Identifier: GPL-2.0 */
/* What passes a device is not for the SPD. */
#ifndef _IPSI_BYPASS_H
#define _IPSI_BYPASS_H

#include "ipsi.h"

void ipsi_bypass_event(struct net_device *dev, unsigned long event);

#endif /* _IPSI_BYPASS_H */
