/* SPDX-License-Identifier: GPL-2.0 */
/* Coverage of the module, by the device of cover/ipsi_cover.c. */
#ifndef FUZZ_COVER_H
#define FUZZ_COVER_H

#define COVER_DEVICE	"/dev/ipsi_cover"
#define COVER_PAGE	4096
/* Addresses in the module's text, on both sides of its exit function, which has
 * the number COVER_EXIT
 */
#define COVER_PLACES	0x100000UL
#define COVER_EXIT	0x80000UL
#define COVER_SIZE	(COVER_PAGE + COVER_PLACES)

/* The device maps the number of places that were reached, and at COVER_PAGE a
 * byte for each place.
 */

#ifdef __KERNEL__
void __sanitizer_cov_trace_pc(void);
#else
#include <stdbool.h>

void cover_open(void);
bool cover_has(void);
unsigned int cover_count(void);
void cover_write(const char *name);
#endif

#endif /* FUZZ_COVER_H */
