#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library for links that an IKE daemon keys: a device on the left, an ordinary
# host on the right. Sourced after ipsi.sh, flow.sh and the file of the daemon.

# keyed_gateway: set up the addresses and routes of an ordinary host
keyed_gateway()
{
	ipsi_inner right
	ipsi_do right ip route add "${IPSI_INNER[left]}" dev "$IPSI_WIRE" \
		src "${IPSI_INNER[right]}"
}

# keyed_pluto_right SED: a device on the left for strongSwan, and libreswan on the
# right, whose configuration is edited by SED
keyed_pluto_right()
{
	# shellcheck disable=SC2034 # for pluto.sh
	PLUTO_LEFT=
	ipsi_charon_need
	ipsi_pluto_need
	ipsi_topology
	ipsi_device left keying adopt reqid 77
	keyed_gateway
	ipsi_pluto right gateway.conf "$1"
	pluto_read_conf
}

keyed_is_up()
{
	ipsi_wait "adoption" ipsi_has_sas left 1 1
	ipsi_is "$(ipsi_get left carrier)" true "carrier"
}

# keyed_is_closed: check that there is no SA and no carrier, and that packets
# wait for the daemon, which gets an acquire, and are then refused
keyed_is_closed()
{
	local before

	ipsi_wait "the end of the SAs" ipsi_has_sas left 0 0
	ipsi_wait "the end of the carrier" ipsi_carrier_is left false
	before=$(ipsi_stat left tx_no_sa)
	ipsi_send left 3
	ipsi_no_ping left
	# these three packets and the ping
	ipsi_wait "refusal" keyed_refused_since "$before" 4
}

# keyed_refused_since BEFORE N: true if N or more packets were refused for want
# of an SA
keyed_refused_since()
{
	(($(ipsi_stat left tx_no_sa) - $1 >= $2))
}

# keyed_pings: ping both ways
keyed_pings()
{
	ipsi_ping left -c 5 -i 0.2
	ipsi_ping right -c 5 -i 0.2
}

# keyed_inside: move the device to the namespace "inside", where no policy sees
# its packets; its addresses are those of the left
keyed_inside()
{
	ipsi_do left ip link set "$IPSI_DEV" netns "${inside:?}"
	ipsi_up inside
	ipsi_wait "adoption" ipsi_has_sas inside 1 1
	ipsi_ping inside -c 5 -i 0.2
	ipsi_ping right -c 5 -i 0.2
	keyed_modes
	ipsi_is "$(ipsi_xfrm_stat inside)" "" "errors of XFRM"
}

# keyed_modes: check that the device's outbound SA is in transport mode, and the
# ordinary host's SAs are in tunnel mode
keyed_modes()
{
	ipsi_has "$(ip -n "${left:?}" xfrm state list \
		dst "${IPSI_OUTER[right]}")" "mode transport" "outbound state"
	ipsi_has_not "$(ip -n "${right:?}" xfrm state)" "mode transport" \
		"states on the right"
}

# keyed_listen: capture the wire
keyed_listen()
{
	KEYED_WIRE=$IPSI_TMP/wire
	ipsi_capture_start left "$KEYED_WIRE"
}

# keyed_not_in_clear: check that only ESP, IKE and neighbour discovery passed
# the wire; reports of multicast groups come after a hop-by-hop header
keyed_not_in_clear()
{
	local other='(ip or ip6) and not esp and not udp port 500
		and not udp port 4500
		and not (icmp6 and ip6[40] >= 130 and ip6[40] <= 143)
		and not (ip6[6] = 0 and ip6[40] = 58 and ip6[48] = 143)'

	ipsi_capture_stop
	ipsi_none "$KEYED_WIRE" "$other" "packets in clear on the wire"
	ipsi_wire_is_clean "$KEYED_WIRE"
}

# keyed_heard: the same, and ESP passed
keyed_heard()
{
	keyed_not_in_clear
	[ "$(ipsi_count "$KEYED_WIRE" esp)" -gt 0 ] || ipsi_fail "no ESP"
}

# keyed_counts NAME HOST...: print the sum of the XFRM counters that match NAME
keyed_counts()
{
	local name=$1
	shift

	ipsi_xfrm_stat "$@" | awk -v name="^Xfrm($name)\$" '
		$2 ~ name { n += $3 } END { print n + 0 }'
}

# keyed_no_states: print the number of packets that arrived at a host without an
# SA for them. This includes packets for an SA whose keys the daemon does not
# have yet (XfrmAcquireError, which also counts inbound packets), and for an SA
# that is in the SAD but not yet valid (XfrmInStateInvalid: xfrm_add_sa() sets
# it valid last, and can be interrupted).
keyed_no_states()
{
	keyed_counts 'InNoStates|AcquireError|InStateInvalid' left right
}

# keyed_device_no_states: the same for the left, and only the packets whose loss
# is the device's fault. A packet for an unfinished SA does not count: the peer
# has sent it too early.
keyed_device_no_states()
{
	keyed_counts 'InNoStates|AcquireError' right
}

# keyed_flow: start to send both ways, until one of the functions below ends it
keyed_flow()
{
	KEYED_NO_STATES=$(keyed_no_states)
	KEYED_DEVICE_NO_STATES=$(keyed_device_no_states)
	flow_start 125
}

# keyed_loss_is_the_daemons: check that each lost packet was sent with a valid
# SA and arrived at a host where the daemon had not yet installed, or already
# deleted, its SA
keyed_loss_is_the_daemons()
{
	flow_end 100
	ipsi_is "$(($(keyed_no_states) - KEYED_NO_STATES))" \
		"$((FLOW_LOST[0] + FLOW_LOST[1]))" \
		"packets that came and had no SA"
}

# keyed_refused_nothing: check that the device refused no packet
keyed_refused_nothing()
{
	ipsi_has_not "$(ipsi_try left ipsec-ipip show "$IPSI_DEV")" refused \
		"device"
}

# keyed_device_loses_none: check that all packets of the device arrived
keyed_device_loses_none()
{
	keyed_refused_nothing
	ipsi_is "$(($(keyed_device_no_states) - KEYED_DEVICE_NO_STATES))" 0 \
		"packets of the device that came and had no SA"
}

# keyed_spis: print the SPIs of the device's SAs
keyed_spis()
{
	ipsi_try left ipsec-ipip sa show "$IPSI_DEV" | grep -o 'spi 0x[0-9a-f]*'
}

# keyed_changed SPIS: true if the device has one new SA in each direction, and
# no others
keyed_changed()
{
	local spi

	ipsi_has_sas left 1 1 || return 1
	for spi in $(keyed_spis); do
		[[ $1 != *"$spi"* ]] || [ "$spi" = spi ] || return 1
	done
}

# keyed_newer SPIS: true if the device has new SAs in both directions
keyed_newer()
{
	local spis

	spis=$(keyed_spis | sort -u)
	[ "$(comm -13 <(echo "$1") <(echo "$spis") | wc -l)" = 2 ]
}

# keyed_tunnel_spis: print the SPIs of the kernel's outbound SAs, without a
# device
keyed_tunnel_spis()
{
	ip -n "${left:?}" xfrm state list dst "${IPSI_OUTER[right]}" |
		grep -o 'spi 0x[0-9a-f]*'
}

keyed_tunnel_changed()
{
	local now

	now=$(keyed_tunnel_spis)
	[ "$now" != "$1" ] && [ "$(wc -l <<< "$now")" = 1 ]
}
