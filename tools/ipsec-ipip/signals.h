/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Signals that end a command which changes a link.
 */
#ifndef _IPSI_SIGNALS_H
#define _IPSI_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

void ipsi_end_signals(sigset_t *signals);
void ipsi_end_defer(void);
void ipsi_end_restore(void);
const sigset_t *ipsi_end_mask(void);
void ipsi_end_note(void);
bool ipsi_end_wanted(void);

#endif /* _IPSI_SIGNALS_H */
