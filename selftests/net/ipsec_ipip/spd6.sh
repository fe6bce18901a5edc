#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Inner IPv6 and policies that have no if_id, in the namespace of the device.
# Inbound ones hold for all packets, on whatever device an address is; the
# device's packets pass them by their SA. Outbound ones catch what is routed to
# the device, unless they have an if_id, or the device is in another namespace.
# A failure means that packets in clear get in past a policy, that IPv6 is lost
# beside a daemon, or that it leaves in clear.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/spd6.sh
source "$IPSI_LIB/spd6.sh"

# keyed MODE KEYING [OPTION...]: the device on the left, and its SAs; the outbound
# one has MODE, and both have the options
keyed()
{
	local mode=$1 keying=$2
	shift 2

	ipsi_families "${OUTER:-6}" 6
	ipsi_topology
	spd6_gateway
	ipsi_device left keying "$keying"
	spd6_sa left out mode "$mode" "$@"
	spd6_sa left in "$@"
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	spd6_lan
	# a host on another wire who pretends to be the peer
	spd6_host stranger fd02::1 9
	ipsi_do left ip link add other type dummy
	ipsi_do left ip address add fd01::2/128 dev other nodad
	ipsi_do left ip link set other up
	spd6_listen
}

# strange HOST ADDRESS N: of two requests in clear HOST takes N
strange()
{
	local before

	before=$(spd6_echoes "$1")
	ipsi_try stranger ping -n -q -c 2 -i 0.2 -W 1 -I fd02::1 "$2"
	ipsi_is $(($(spd6_echoes "$1") - before)) "$3" \
		"packets in clear to $2 that $1 takes"
}

# holds: the policies on the left let the device's packets in, and no others
holds()
{
	ipsi_do right ping -n -q -c 3 -i 0.2 -W 10 -I fd02::1 fd01::1
	ipsi_do right ping -n -q -c 3 -i 0.2 -W 10 -I fd02::1 $SPD6_LAN
	strange left fd01::2 0
	strange left fd01::1 0
	strange lan $SPD6_LAN 0
	# in fragments
	ipsi_do right ping -n -q -c 1 -W 10 -s 4000 -I fd02::1 fd01::1
}

# without: without any policy they come in, by the device and in clear
without()
{
	ipsi_do right ping -n -q -c 1 -W 10 -I fd02::1 fd01::1
	ipsi_do right ping -n -q -c 1 -W 10 -I fd02::1 $SPD6_LAN
	strange left fd01::2 2
	strange left fd01::1 2
	strange lan $SPD6_LAN 2
}

inbound()
{
	keyed "$@"
	without
	spd6_policies left fd01::/64 fd02::/64 "in fwd"
	holds
	# one for all SAs, and for any
	ipsi_do left ip xfrm policy flush
	SPD6_REQID=0 spd6_policies left ::/0 fd02::/64 "in fwd"
	holds
	ipsi_do left ip xfrm policy flush
	without
	spd6_finish
}

inbound_manual()
{
	inbound transport manual if_id "$IPSI_IF_ID"
}

inbound_adopt()
{
	inbound tunnel adopt if_id "$IPSI_IF_ID"
}

inbound_endpoints()
{
	inbound tunnel adopt-endpoints
}

inbound_endpoints_over_ipv4()
{
	OUTER=4 inbound tunnel adopt-endpoints
}

# SAs in transport mode, as "sa add" makes them: a policy for that mode
inbound_transport()
{
	local dir

	ipsi_families 6 6
	ipsi_topology
	ipsi_device_side left
	ipsi_device_side right
	spd6_host stranger fd02::1 9
	ipsi_ping right
	strange left fd01::1 2
	for dir in in fwd; do
		ipsi_do left ip xfrm policy add dir $dir src fd02::/64 \
			dst fd01::/64 tmpl proto esp mode transport
	done
	ipsi_ping right
	strange left fd01::1 0
	# the SA is not what this one asks for
	ipsi_do left ip xfrm policy update dir in src fd02::/64 \
		dst fd01::/64 tmpl src fd00::2 dst fd00::1 proto esp mode tunnel
	ipsi_no_ping right
	strange left fd01::1 0
}

# IPv4 inside, with the same daemon
ipv4_inside()
{
	ipsi_topology
	ipsi_device_side left
	ipsi_device_side right
	ipsi_do left ip xfrm policy add dir in src 192.168.2.0/24 \
		dst 192.168.1.0/24 tmpl src 10.0.0.2 dst 10.0.0.1 proto esp \
		mode tunnel
	ipsi_ping right
	ipsi_ping left
	ipsi_is "$(ipsi_xfrm_stat left)" "" "errors of XFRM"
}

# All of a daemon's policies: what leaves is caught, and is not sent by anything.
outbound_is_caught()
{
	keyed tunnel adopt-endpoints
	spd6_policies left fd01::/64 fd02::/64 "out in fwd"
	ipsi_no_ping left
	ipsi_try lan ping -n -q -c 1 -W 1 fd02::1
	spd6_arrived 0
	ipsi_do left ip xfrm policy flush
	ipsi_ping left
	ipsi_do lan ping -n -q -c 1 -W 10 fd02::1
	spd6_arrived 2
	spd6_finish
}

# The first way: they have the if_id of the device.
outbound_with_if_id()
{
	keyed tunnel adopt if_id "$IPSI_IF_ID"
	spd6_policies left fd01::/64 fd02::/64 "out in fwd" if_id "$IPSI_IF_ID"
	ipsi_ping left -c 3 -i 0.2
	ipsi_do lan ping -n -q -c 3 -i 0.2 -W 10 fd02::1
	ipsi_ping right -c 3 -i 0.2
	spd6_arrived 6
	ipsi_is "$(ipsi_xfrm_stat left)" "" "errors of XFRM"
	spd6_finish
}

# The peer moves, and policies for where it is now hold from then on: those of a
# set that the device did not refer to before.
inbound_roams()
{
	keyed transport manual if_id "$IPSI_IF_ID" replay-window 64
	ipsi_do left ip link set "$DEV" type ipsec-ipip roam
	ipsi_do right ping -n -q -c 1 -W 10 -I fd02::1 fd01::1
	ipsi_do right ip xfrm state flush
	ipsi_do right ip xfrm policy flush
	IPSI_OUTER[right]=fd00::77
	ipsi_do right ip address add fd00::77/64 dev "$IPSI_WIRE" nodad
	# SAs stay behind with the address, and this one its SPI with them
	spd6_sa right out replay-oseq 1000
	spd6_sa right in
	spd6_policies right fd02::/64 fd01::/64 "out in fwd"
	ipsi_try right ping -n -q -c 1 -W 1 -I fd02::1 fd01::1
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	moved()
	{
		[ "$(ipsi_get left peer)" = fd00::77 ] &&
			ipsi_try left ip xfrm state list src fd00::77 |
			grep -q fd00::1
	}
	ipsi_wait "the new peer" moved
	without
	spd6_policies left fd01::/64 fd02::/64 "in fwd"
	holds
	spd6_finish
}

# The other way: the device is in another namespace than they.
outbound_elsewhere()
{
	ipsi_families 6 6
	ipsi_topology
	spd6_gateway
	ipsi_device left keying adopt-endpoints
	spd6_sa left out
	spd6_sa left in
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	spd6_policies left fd01::/64 fd02::/64 "out in fwd"
	setup_ns inside || ipsi_skip "no network namespaces here"
	ipsi_shell inside
	ipsi_like inside left
	# shellcheck disable=SC2154 # setup_ns sets it
	ipsi_do left ip link set "$DEV" netns "$inside"
	ipsi_up inside
	spd6_listen
	ipsi_ping inside -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	ipsi_is "$(ipsi_xfrm_stat left)" "" "errors of XFRM"
	spd6_finish
}

ipsi_run inbound_manual inbound_adopt inbound_endpoints \
	inbound_endpoints_over_ipv4 inbound_transport \
	inbound_roams ipv4_inside \
	outbound_is_caught outbound_with_if_id outbound_elsewhere
