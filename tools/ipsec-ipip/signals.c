// SPDX-License-Identifier: GPL-2.0
/*
 * Signals that end a command which changes a link: up, down, setconf and the like.
 * They are put off, and taken where the command can finish or take its changes back.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "signals.h"
#include "ipsi.h"

static sigset_t ipsi_end_before;
static bool ipsi_end_is_deferred;
static bool ipsi_end_came;

/**
 * ipsi_end_signals() - the signals that end a command
 * @signals: set to them
 *
 * Those that the caller of this program ignores, as nohup(1) does, end nothing. While
 * they are blocked, the kernel would keep them.
 */
void ipsi_end_signals(sigset_t *signals)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction action;
	unsigned int i;

	sigemptyset(signals);
	for (i = 0; i < IPSI_ARRAY_SIZE(ends); i++)
		if (!sigaction(ends[i], NULL, &action) &&
		    action.sa_handler != SIG_IGN)
			sigaddset(signals, ends[i]);
}

/* Puts the signals off. A reader of messages that is gone ends nothing either. */
void ipsi_end_defer(void)
{
	sigset_t signals;

	/* The mask for other programs is that of the first call. */
	if (ipsi_end_is_deferred)
		return;
	signal(SIGPIPE, SIG_IGN);
	ipsi_end_signals(&signals);
	sigprocmask(SIG_BLOCK, &signals, &ipsi_end_before);
	ipsi_end_is_deferred = true;
}

/* Takes signals that were put off, if they have not been noted. */
void ipsi_end_restore(void)
{
	ipsi_end_is_deferred = false;
	sigprocmask(SIG_SETMASK, &ipsi_end_before, NULL);
}

/* The mask for other programs, or NULL if no signal is put off. */
const sigset_t *ipsi_end_mask(void)
{
	return ipsi_end_is_deferred ? &ipsi_end_before : NULL;
}

/* Notes a signal that was taken. */
void ipsi_end_note(void)
{
	ipsi_end_came = true;
}

/* Whether a signal came while signals are put off; takes those that wait. */
bool ipsi_end_wanted(void)
{
	const struct timespec now = {};
	sigset_t signals;

	ipsi_end_signals(&signals);
	while (ipsi_end_is_deferred && sigtimedwait(&signals, NULL, &now) > 0)
		ipsi_end_came = true;
	return ipsi_end_came;
}
