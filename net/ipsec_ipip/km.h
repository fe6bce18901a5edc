/* SPDX-License-Identifier: GPL-2.0 */
/* The key-manager hook */
#ifndef _IPSI_KM_H
#define _IPSI_KM_H

void ipsi_km_register(void);
void ipsi_km_unregister(void);

#endif /* _IPSI_KM_H */
