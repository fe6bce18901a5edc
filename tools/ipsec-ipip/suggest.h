/* SPDX-License-Identifier: GPL-2.0 */
/* "Did you mean": also for the plug-in of ip(8) */
#ifndef _IPSI_SUGGEST_H
#define _IPSI_SUGGEST_H

#include <stddef.h>

#define IPSI_SUGGEST_LEN	64

const char *ipsi_suggest(const char *word, const char * const *names, size_t n,
			 char text[IPSI_SUGGEST_LEN]);

#endif /* _IPSI_SUGGEST_H */
