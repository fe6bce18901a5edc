/* SPDX-License-Identifier: GPL-2.0 */
/* Deletes the SAs of a device with the device */
#ifndef _IPSI_SAD_FLUSH_H
#define _IPSI_SAD_FLUSH_H

#include "ipsi.h"

void ipsi_sad_flush(struct ipsi_dev *idev);

#endif /* _IPSI_SAD_FLUSH_H */
