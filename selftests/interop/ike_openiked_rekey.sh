#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OpenIKED keys the device on the left, and the ordinary host on the right. Keys
# are changed, deleted and negotiated again, and the daemon restarts. A failure
# means that keys from OpenIKED do not work for long, or that the device loses
# packets on a rekey that OpenIKED alone would not.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/flow.sh
source "$IPSI_LIB/flow.sh"
# shellcheck source=lib/iked.sh
source "$IPSI_INTEROP/lib/iked.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/keyed.sh
source "$IPSI_INTEROP/lib/keyed.sh"

# shellcheck disable=SC2034 # for ipsi.sh
IPSI_QUIET=yes

# iked has no command to rekey. It does so when the kernel reports a soft
# lifetime, here after some bytes.
EDIT_REKEY='s/dstid right/& lifetime 3600 bytes 16K/'

# iked tells its peer to delete the old SA before it has installed the new one.
# Some packets are therefore lost, with or without a device: each arrived at a
# host that had no SA for it.
rekey_loses_what_iked_loses()
{
	local spis

	IKED_EDIT_LEFT=$EDIT_REKEY
	iked_start
	keyed_is_up
	keyed_flow
	for _ in 1 2 3; do
		spis=$(keyed_spis)
		ipsi_wait "rekeying" keyed_changed "$spis"
	done
	keyed_loss_is_the_daemons
	keyed_refused_nothing
	keyed_pings
}

# For comparison: the same daemons, with tunnel mode on both sides.
rekey_without_device()
{
	local before

	IKED_EDIT_LEFT=$EDIT_REKEY
	ipsi_iked_need
	ipsi_topology
	keyed_gateway
	ipsi_inner left
	ipsi_do left ip route add "${IPSI_INNER[right]}" dev "$IPSI_WIRE" \
		src "${IPSI_INNER[left]}"
	ipsi_iked right gateway.conf
	ipsi_iked left device.conf "$IKED_EDIT_LEFT"
	ipsi_iked_initiate left
	ipsi_wait "SAs" keyed_tunnel_spis
	keyed_flow
	for _ in 1 2 3; do
		before=$(keyed_tunnel_spis)
		ipsi_wait "rekeying" keyed_tunnel_changed "$before"
	done
	keyed_loss_is_the_daemons
}

# When the daemon ends, it deletes its SAs; when it is killed, they stay. The
# next daemon negotiates new ones.
daemon_restarts()
{
	local spis

	iked_start
	keyed_is_up
	keyed_listen
	ipsi_ping left
	ipsi_iked_stop left
	keyed_is_closed
	ipsi_iked_start left
	ipsi_iked_initiate left
	keyed_is_up
	ipsi_ping left
	ipsi_iked_kill left
	keyed_pings
	spis=$(keyed_spis | sort -u)
	ipsi_iked_start left
	ipsi_iked_initiate left
	ipsi_wait "new keys" keyed_newer "$spis"
	keyed_pings
	keyed_heard
}

# R31
# When the peer ends the connection, the link goes down, and nothing is sent in
# clear.
down()
{
	iked_start
	keyed_is_up
	keyed_listen
	ipsi_ping left
	ipsi_ikectl right reset sa
	keyed_is_closed
	ipsi_ikectl left reset sa
	ipsi_ikectl left reload
	keyed_is_up
	ipsi_ping left
	keyed_heard
}

ipsi_run rekey_loses_what_iked_loses rekey_without_device \
	daemon_restarts down
