/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel module: its versions, and why it is not loaded */
#ifndef _IPSI_MODULE_H
#define _IPSI_MODULE_H

void ipsi_module_print_version(void);
int ipsi_module_missing(void);

#endif /* _IPSI_MODULE_H */
