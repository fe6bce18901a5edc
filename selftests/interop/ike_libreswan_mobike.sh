#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libreswan keys the device on the left, and one of the hosts changes its
# address (MOBIKE, RFC 4555); the ordinary host on the right runs strongSwan.
# libreswan moves SAs by XFRM_MSG_MIGRATE, which supports only tunnel mode. A
# failure means that a moving host loses its link, or that packets go to its old
# address.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=lib/pluto.sh
source "$IPSI_INTEROP/lib/pluto.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/keyed.sh
source "$IPSI_INTEROP/lib/keyed.sh"

# shellcheck disable=SC2034 # for ipsi.sh
IPSI_QUIET=yes

MOBIKE_KEYING=(keying adopt if_id "$IPSI_IF_ID")

# if_id_is_moved: skip the test from Linux 6.12 on, where XFRM_MSG_MIGRATE moves
# SAs with an if_id only if the message has it. This libreswan does not send it,
# with or without a device.
if_id_is_moved()
{
	local release major minor

	release=$(uname -r)
	IFS=. read -r major minor _ <<< "${release%%-*}"
	((major < 6 || (major == 6 && minor < 12))) ||
		ipsi_skip "libreswan cannot move SAs with an if_id here"
}

# mobike_start [OPTION...]: the right connects; options are for the device
mobike_start()
{
	ipsi_charon_need
	ipsi_pluto_need
	ipsi_topology
	ipsi_do left ip link add "$IPSI_DEV" type ipsec-ipip \
		local "${IPSI_OUTER[left]}" "${MOBIKE_KEYING[@]}" "$@"
	ipsi_up left
	keyed_gateway
	ipsi_pluto left device-mobike.conf
	ipsi_wait "the configuration" ipsi_pluto_has left link
	ipsi_charon right < "$IPSI_INTEROP/ike/libreswan/swanctl-mobike.conf"
	ipsi_swanctl right --initiate --child link --timeout 60 \
		> "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	keyed_is_up
	keyed_listen
	keyed_pings
}

# outbound_to ADDRESS: true if the device's outbound SAs lead there
outbound_to()
{
	ip -n "${left:?}" xfrm state list dst "$1" proto esp |
		grep -q 'mode transport'
}

# device_at ADDRESS: true if the device has its peer there
device_at()
{
	[ "$(ipsi_get left peer)" = "$1" ] && ipsi_has_sas left 1 1
}

# device_from ADDRESS: true if this is the device's own address
device_from()
{
	[ "$(ipsi_get left local)" = "$1" ] && ipsi_has_sas left 1 1
}

# R33
peer_is_followed()
{
	local changes spis

	if_id_is_moved
	mobike_start remote any roam
	changes=$(ipsi_carrier_changes left)
	spis=$(keyed_spis)
	ipsi_moves right 10.0.0.2 10.0.0.3
	ipsi_wait "the device's view" device_at 10.0.0.3
	outbound_to 10.0.0.3 || ipsi_fail "no outbound SA to the new address"
	! outbound_to 10.0.0.2 || ipsi_fail "an SA to the former address"
	ipsi_is "$(keyed_spis)" "$spis" "SPIs"
	keyed_pings
	# a second time
	ipsi_moves right 10.0.0.3 10.0.0.4
	ipsi_wait "the device's view" device_at 10.0.0.4
	keyed_pings
	ipsi_is "$(ipsi_carrier_changes left)" "$changes" \
		"changes of the carrier"
	spis=$(keyed_spis)
	ipsi_swanctl right --rekey --child link > "$IPSI_TMP/rekey" ||
		ipsi_fail "rekey: $(cat "$IPSI_TMP/rekey")"
	ipsi_wait "rekeying" keyed_changed "$spis"
	keyed_pings
	keyed_heard
}

# R21 R33
peer_is_not_followed()
{
	if_id_is_moved
	mobike_start remote 10.0.0.2
	ipsi_moves right 10.0.0.2 10.0.0.3
	ipsi_wait "the SA at its new place" outbound_to 10.0.0.3
	ipsi_wait "end of the SAs" ipsi_has_sas left 0 0
	ipsi_no_ping left
	ipsi_no_ping right
	ipsi_do left ip link set "$IPSI_DEV" type ipsec-ipip remote 10.0.0.3
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	keyed_pings
	keyed_heard
}

# The host with the device moves, the ordinary host does not. R33
own_address_is_followed()
{
	local changes

	if_id_is_moved
	ipsi_charon_need
	ipsi_pluto_need
	ipsi_topology
	ipsi_do left ip link add "$IPSI_DEV" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 roam "${MOBIKE_KEYING[@]}"
	ipsi_up left
	ipsi_do left ip route add default via 10.0.0.2
	keyed_gateway
	ipsi_charon right < <(sed 's/remote_addrs = .*/remote_addrs = %any/' \
		"$IPSI_INTEROP/ike/libreswan/swanctl-mobike.conf")
	ipsi_pluto left device-moves.conf
	ipsi_wait "the configuration" ipsi_pluto_has left link
	ipsi_pluto_do left initiate link
	keyed_is_up
	keyed_listen
	keyed_pings
	changes=$(ipsi_carrier_changes left)
	ipsi_moves left 10.0.0.1 10.0.0.5
	ipsi_wait "the device's view" device_from 10.0.0.5
	keyed_pings
	ipsi_is "$(ipsi_carrier_changes left)" "$changes" \
		"changes of the carrier"
	keyed_heard
}

ipsi_run peer_is_followed peer_is_not_followed own_address_is_followed
