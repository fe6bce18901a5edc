#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OpenIKED keys the device on the left, and the ordinary host on the right: keys
# change, go and come again, and so does the daemon. A failure means that keys
# that OpenIKED negotiates do not work for long, or that packets are lost when
# they change for which it is not to blame.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"
# shellcheck source=ipsec_ipip_flow.sh
source "$(dirname "$0")/ipsec_ipip_flow.sh"
# shellcheck source=ipsec_ipip_iked.sh
source "$(dirname "$0")/ipsec_ipip_iked.sh"
# shellcheck source=ipsec_ipip_ike.sh
source "$(dirname "$0")/ipsec_ipip_ike.sh"
# shellcheck source=ipsec_ipip_keyed.sh
source "$(dirname "$0")/ipsec_ipip_keyed.sh"

# shellcheck disable=SC2034 # for ipsec_ipip_lib.sh
IPSI_QUIET=yes

# It rekeys by itself alone, after some bytes here: the kernel tells it of soft
# lifetimes.
EDIT_REKEY='s/dstid right/& lifetime 3600 bytes 16K/'

# It tells its peer to remove the old SA before it has installed the new one, so
# that some packets are lost, with or without a device: each of them has come to
# a host that had no SA for it, or not yet.
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

# The measure: the same daemons, and tunnel mode on both sides
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

# Its SAs go with the daemon that ends, and outlive one that dies; the next one
# makes others.
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
# What the peer ends is the end of the link, and of nothing in clear.
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
