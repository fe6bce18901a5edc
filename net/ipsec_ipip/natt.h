/* SPDX-License-Identifier: GPL-2.0 */
/* The sockets that receive ESP in UDP. */
#ifndef _IPSI_NATT_H
#define _IPSI_NATT_H

#include <linux/netlink.h>
#include <linux/socket.h>
#include <linux/xarray.h>

#include "net.h"

/* Index of a socket in ipsi_net.natt */
static inline unsigned long ipsi_natt_index(u16 family, __be16 port)
{
	return (family == AF_INET6) << 16 | ntohs(port);
}

/**
 * ipsi_natt_has - is a port open for a device?
 * @net: underlay namespace
 * @family: AF_INET or AF_INET6
 * @port: UDP port, network byte order
 *
 * Context: any.
 * Return: true if it is.
 */
static inline bool ipsi_natt_has(const struct net *net, u16 family,
				 __be16 port)
{
	return xa_load(&ipsi_net(net)->natt, ipsi_natt_index(family, port));
}

int ipsi_natt_listen(struct ipsi_dev *idev, u16 family, __be16 port,
		     struct netlink_ext_ack *extack);

#endif /* _IPSI_NATT_H */
