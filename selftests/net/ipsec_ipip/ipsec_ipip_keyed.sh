#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Links that an IKE daemon keys: a device on the left, an ordinary host on the
# right. Sourced after ipsec_ipip_lib.sh, ipsec_ipip_flow.sh and the file of the
# daemon.

# keyed_gateway: what an ordinary host needs beside its daemon
keyed_gateway()
{
	ipsi_inner right
	ipsi_do right ip route add "${IPSI_INNER[left]}" dev "$IPSI_WIRE" \
		src "${IPSI_INNER[right]}"
}

keyed_is_up()
{
	ipsi_wait "adoption" ipsi_has_sas left 1 1
	ipsi_is "$(ipsi_get left carrier)" true "carrier"
}

# keyed_is_closed: no SA, no carrier, and what is sent goes nowhere: it waits for
# the daemon, which has been asked for keys, and is refused
keyed_is_closed()
{
	local before

	ipsi_wait "the end of the SAs" ipsi_has_sas left 0 0
	ipsi_wait "the end of the carrier" ipsi_carrier_is left false
	before=$(ipsi_stat left tx_no_sa)
	ipsi_send left 3
	ipsi_no_ping left
	# these three and the ping
	ipsi_wait "refusal" keyed_refused_since "$before" 4
}

# keyed_refused_since BEFORE N: N packets without SA, and what else has come
keyed_refused_since()
{
	(($(ipsi_stat left tx_no_sa) - $1 >= $2))
}

# keyed_pings: both ways
keyed_pings()
{
	ipsi_ping left -c 5 -i 0.2
	ipsi_ping right -c 5 -i 0.2
}

# keyed_inside: the device is moved to the namespace "inside", which is like the
# left, where no policy sees its packets
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

# keyed_modes: what the kernel has: transport mode where the device sends,
# tunnel mode on the ordinary host
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

# keyed_not_in_clear: no packet has passed but ESP and IKE, and what finds the
# neighbour; reports of multicast groups come behind a hop-by-hop header
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

# keyed_heard: the same, and ESP has passed
keyed_heard()
{
	keyed_not_in_clear
	[ "$(ipsi_count "$KEYED_WIRE" esp)" -gt 0 ] || ipsi_fail "no ESP"
}

# keyed_counts NAME HOST...: the sum of the counters of XFRM that NAME matches
keyed_counts()
{
	local name=$1
	shift

	ipsi_xfrm_stat "$@" | awk -v name="^Xfrm($name)\$" '
		$2 ~ name { n += $3 } END { print n + 0 }'
}

# keyed_no_states: packets that came to one of the hosts that had no SA for them,
# or only the place that the daemon keeps for one whose keys it does not have yet
# (XfrmAcquireError, which counts what comes in), or one between the SAD and its
# being valid (XfrmInStateInvalid: xfrm_add_sa() sets that last, and can be
# interrupted)
keyed_no_states()
{
	keyed_counts 'InNoStates|AcquireError|InStateInvalid' left right
}

# keyed_device_no_states: those that the device is to blame for, which is at the
# left. One that came to an SA that is half made is not: the peer has sent by the
# pair before.
keyed_device_no_states()
{
	keyed_counts 'InNoStates|AcquireError' right
}

# keyed_flow: start to send both ways, until one of those below
keyed_flow()
{
	KEYED_NO_STATES=$(keyed_no_states)
	KEYED_DEVICE_NO_STATES=$(keyed_device_no_states)
	flow_start 125
}

# keyed_loss_is_the_daemons: those that were lost had been sent by a valid SA, but
# where they came to, the daemon had not yet installed it, or had removed it
keyed_loss_is_the_daemons()
{
	flow_end 100
	ipsi_is "$(($(keyed_no_states) - KEYED_NO_STATES))" \
		"$((FLOW_LOST[0] + FLOW_LOST[1]))" \
		"packets that came and had no SA"
}

# keyed_refused_nothing: nor has the device
keyed_refused_nothing()
{
	ipsi_has_not "$(ipsi_try left ipsec-ipip show "$IPSI_DEV")" refused \
		"device"
}

# keyed_device_loses_none: of what it was to send
keyed_device_loses_none()
{
	keyed_refused_nothing
	ipsi_is "$(($(keyed_device_no_states) - KEYED_DEVICE_NO_STATES))" 0 \
		"packets of the device that came and had no SA"
}

# keyed_spis: of the device's SAs
keyed_spis()
{
	ipsi_try left ipsec-ipip sa show "$IPSI_DEV" | grep -o 'spi 0x[0-9a-f]*'
}

# keyed_changed SPIS: there are other SAs, one in each direction, and no more
keyed_changed()
{
	local spi

	ipsi_has_sas left 1 1 || return 1
	for spi in $(keyed_spis); do
		[[ $1 != *"$spi"* ]] || [ "$spi" = spi ] || return 1
	done
}

# keyed_newer SPIS: there are other SAs than these, in both directions
keyed_newer()
{
	local spis

	spis=$(keyed_spis | sort -u)
	[ "$(comm -13 <(echo "$1") <(echo "$spis") | wc -l)" = 2 ]
}

# The same without a device: what the kernel has for the way out
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
