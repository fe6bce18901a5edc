#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libreswan keys the device on the left, and the ordinary host on the right.
# Keys are changed, deleted and negotiated again, and the daemon restarts. A
# failure means that keys from libreswan do not work for long, that libreswan
# loses track of them, or that the device loses packets that libreswan alone
# would not.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/flow.sh
source "$IPSI_LIB/flow.sh"
# shellcheck source=lib/pluto.sh
source "$IPSI_INTEROP/lib/pluto.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/keyed.sh
source "$IPSI_INTEROP/lib/keyed.sh"

# shellcheck disable=SC2034 # for ipsi.sh
IPSI_QUIET=yes

rekeys()
{
	pluto_rekey left
	pluto_rekey right
	pluto_rekey left
	ipsi_pluto_do left rekey-ike "$PLUTO_LEFT"
	pluto_rekey right
}

# The responder sends with the new SA at once, when the initiator has not yet
# installed it, so an ordinary host may lose packets on each rekey. The device
# waits before it uses a new SA, but not until the responder has deleted the old
# one. R30
rekey_loses_what_pluto_loses()
{
	pluto_start keying adopt
	pluto_up
	keyed_flow
	rekeys
	keyed_loss_is_the_daemons
	keyed_device_loses_none
	keyed_pings
}

rekey_by_endpoints()
{
	PLUTO_LEFT=endpoints PLUTO_CONF=device-endpoints.conf
	pluto_start keying adopt-endpoints
	pluto_up
	keyed_flow
	pluto_rekey left
	pluto_rekey right
	keyed_loss_is_the_daemons
	keyed_device_loses_none
	keyed_pings
}

# For comparison: the same daemons, with the xfrm interface that pluto makes. It
# loses packets in both directions.
rekey_of_xfrm_interface()
{
	local host spis

	xfrm_interface
	keyed_pings
	keyed_flow
	for host in left right left right; do
		spis=$(keyed_tunnel_spis)
		ipsi_pluto_do "$host" rekey-ipsec link
		ipsi_wait "rekeying" keyed_tunnel_changed "$spis"
	done
	keyed_loss_is_the_daemons
}

xfrm_interface()
{
	ipsi_pluto_need
	ipsi_topology
	ipsi_inner left
	keyed_gateway
	ipsi_pluto right gateway.conf
	ipsi_pluto left device.conf
	pluto_read_conf
	ipsi_pluto_do left initiate link
	ipsi_do left ip link set ipsec7 up
	ipsi_do left ip route add "${IPSI_INNER[right]}" dev ipsec7 \
		src "${IPSI_INNER[left]}"
}

# When one side ends the connection, the link goes down, and nothing is sent in
# clear. The initiator ends it here: if the peer did, pluto could start it again
# at once. pluto leaves a trap for the next packet (see below) until the
# connection is "unrouted".
down()
{
	pluto_start keying adopt
	pluto_up
	keyed_listen
	ipsi_ping left
	down_for_good left
	ipsi_pluto_do right initiate "$PLUTO_RIGHT"
	keyed_is_up
	ipsi_ping left
	down_for_good right
	pluto_up
	ipsi_ping left
	keyed_heard
}

# down_for_good HOST: HOST ends the connection, and the left unroutes it
down_for_good()
{
	local -A name=([left]=$PLUTO_LEFT [right]=$PLUTO_RIGHT)

	ipsi_pluto_do "$1" terminate "${name[$1]}"
	ipsi_wait "the end of the SAs" ipsi_has_sas left 0 0
	ipsi_pluto_do left unroute "$PLUTO_LEFT"
	keyed_is_closed
}

down_by_endpoints()
{
	PLUTO_LEFT=endpoints PLUTO_CONF=device-endpoints.conf
	pluto_start keying adopt-endpoints
	pluto_up
	keyed_listen
	ipsi_ping left
	down_for_good left
	pluto_up
	ipsi_ping left
	keyed_heard
}

# A connection that has been up and is down leaves a trap for a packet, even if
# it was not configured to start on demand. This holds for a device as for an
# xfrm interface, which loses that packet.
down_until_the_next_packet()
{
	pluto_start keying adopt
	pluto_up
	keyed_listen
	ipsi_pluto_do left terminate "$PLUTO_LEFT"
	ipsi_wait "the end of the carrier" ipsi_carrier_is left false
	ipsi_ping left
	keyed_is_up
	keyed_pings
	keyed_heard
}

down_of_xfrm_interface()
{
	xfrm_interface
	ipsi_wait "SAs" has_tunnel
	ipsi_pluto_do left terminate link
	ipsi_wait "the end of the SAs" has_no_tunnel
	ipsi_no_ping left -W 3
	ipsi_wait "SAs" has_tunnel
	keyed_pings
}

has_tunnel()
{
	[ -n "$(keyed_tunnel_spis)" ]
}

has_no_tunnel()
{
	[ -z "$(keyed_tunnel_spis)" ]
}

# When the daemon ends, it deletes its SAs; when it is killed, they stay. The
# next daemon negotiates new ones.
daemon_restarts()
{
	local spis

	pluto_start keying adopt
	pluto_up
	keyed_listen
	ipsi_ping left
	ipsi_pluto_stop left
	keyed_is_closed
	ipsi_pluto_start left
	ipsi_wait "the configuration" ipsi_pluto_has left "$PLUTO_LEFT"
	pluto_up
	ipsi_ping left
	ipsi_pluto_kill left
	keyed_pings
	spis=$(keyed_spis | sort -u)
	ipsi_pluto_start left
	ipsi_wait "the configuration" ipsi_pluto_has left "$PLUTO_LEFT"
	ipsi_pluto_do left initiate "$PLUTO_LEFT"
	ipsi_wait "new keys" keyed_newer "$spis"
	keyed_pings
	keyed_heard
}

ipsi_run rekey_loses_what_pluto_loses rekey_by_endpoints \
	rekey_of_xfrm_interface \
	down down_by_endpoints down_until_the_next_packet \
	down_of_xfrm_interface daemon_restarts
