/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family */
#ifndef _IPSI_NETLINK_H
#define _IPSI_NETLINK_H

int ipsi_nl_register(void);
void ipsi_nl_unregister(void);

#endif /* _IPSI_NETLINK_H */
