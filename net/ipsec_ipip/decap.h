/* SPDX-License-Identifier: GPL-2.0 */
/* Receive. */
#ifndef _IPSI_DECAP_H
#define _IPSI_DECAP_H

int ipsi_decap_register(void);
void ipsi_decap_unregister(void);

#endif /* _IPSI_DECAP_H */
