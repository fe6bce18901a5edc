/* SPDX-License-Identifier: GPL-2.0 */
/*
 * States that have an if_id but are no SA of a device: without a device, or not
 * between its endpoints. A device that is new takes them, and one that goes ends
 * them. Both would have to search the whole SAD under the RTNL, so that the
 * thousandth link of a hub would cost more than the first.
 *
 * The key-manager hook gets a notification of each state that becomes valid. It
 * notes the if_id if the state is not listed by a device. Several if_ids share a
 * bit, and bits stay set until the next search: a clear bit means that there is
 * nothing to find.
 */
#ifndef _IPSI_UNLISTED_H
#define _IPSI_UNLISTED_H

#include <linux/bitmap.h>
#include <linux/hash.h>
#include <linux/rtnetlink.h>

#include "net.h"

static inline unsigned int ipsi_unlisted_bit(u32 if_id)
{
	return hash_32(if_id, IPSI_UNLISTED_BITS);
}

/**
 * ipsi_unlisted_note - note that there may be such a state
 * @net: its namespace
 * @if_id: its if_id
 *
 * Context: any. A device that is added before this returns, and is not found
 *   afterwards, sees the note.
 */
static inline void ipsi_unlisted_note(const struct net *net, u32 if_id)
{
	unsigned int bit = ipsi_unlisted_bit(if_id);
	struct ipsi_net *inet = ipsi_net(net);

	/* A bit that is seen set is cleared by a search that sees the state.
	 * Pairs with ipsi_unlisted_forget().
	 */
	smp_mb();
	if (!test_bit(bit, inet->unlisted))
		set_bit(bit, inet->unlisted);
	/* Pairs with ipsi_unlisted_any(). */
	smp_mb();
}

/**
 * ipsi_unlisted_note_all - note that there may be such states with any if_id
 * @net: the namespace
 *
 * Context: any.
 */
static inline void ipsi_unlisted_note_all(const struct net *net)
{
	/* As in ipsi_unlisted_note(). */
	smp_mb();
	bitmap_fill(ipsi_net(net)->unlisted, 1 << IPSI_UNLISTED_BITS);
	/* As there, too. */
	smp_mb();
}

/**
 * ipsi_unlisted_any - may there be such a state?
 * @net: its namespace
 * @if_id: its if_id
 *
 * Context: RTNL; the device with @if_id can be found.
 * Return: false if there is none.
 */
static inline bool ipsi_unlisted_any(const struct net *net, u32 if_id)
{
	ASSERT_RTNL();

	/* Pairs with ipsi_unlisted_note(). */
	smp_mb();
	return test_bit(ipsi_unlisted_bit(if_id), ipsi_net(net)->unlisted);
}

/**
 * ipsi_unlisted_forget - forget all notes before a search of the SAD
 * @net: the namespace; the search notes all such states again
 *
 * Context: RTNL; xfrm_cfg_mutex, since states that are cloned are not reported.
 */
static inline void ipsi_unlisted_forget(const struct net *net)
{
	ASSERT_RTNL();

	bitmap_zero(ipsi_net(net)->unlisted, 1 << IPSI_UNLISTED_BITS);
	/* Clear first: states that are added from here on are noted again. */
	smp_mb();
}

#endif /* _IPSI_UNLISTED_H */
