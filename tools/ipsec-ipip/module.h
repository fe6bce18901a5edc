/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel module: its versions, and why it is not loaded */
#ifndef _IPSI_MODULE_H
#define _IPSI_MODULE_H

#include <stdbool.h>

bool ipsi_module_loaded(char *version, int size);
bool ipsi_module_lacks(char *release, int size);
void ipsi_module_print_version(void);
int ipsi_module_missing(void);

#endif /* _IPSI_MODULE_H */
