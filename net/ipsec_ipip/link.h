/* SPDX-License-Identifier: GPL-2.0 */
/* The rtnetlink kind */
#ifndef _IPSI_LINK_H
#define _IPSI_LINK_H

int ipsi_link_register(void);
void ipsi_link_unregister(void);

#endif /* _IPSI_LINK_H */
