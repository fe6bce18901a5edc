/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Capture devices of the kernel.
 */
#ifndef _IPSI_CAPTURE_LINK_H
#define _IPSI_CAPTURE_LINK_H

#include <stdint.h>
#include <net/if.h>

/* A capture device; its index is 0 if there is none. */
struct ipsi_capture_link {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
};

int ipsi_capture_link_add(struct ipsi_capture_link *link, const char *dev);
void ipsi_capture_link_del(struct ipsi_capture_link *link);

#endif /* _IPSI_CAPTURE_LINK_H */
