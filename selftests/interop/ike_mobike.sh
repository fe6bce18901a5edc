#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Changing addresses, while strongSwan on both sides keeps the same SAs (MOBIKE,
# RFC 4555). The device follows its key manager with "roam", also to a peer
# whose address was not known before ("remote any"). Without "roam" it sends
# nothing until its endpoints are changed. A failure means that a moving peer
# loses its link, or that the key manager loses track of its SAs.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/strongswan.sh
source "$IPSI_INTEROP/lib/strongswan.sh"

# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1


# mobike_start [DEVICE_OPTION...]: start both sides and connect
mobike_start()
{
	swan_start psk "$@"
	swan_answer left
	ipsi_ping right
}

# charon_at HOST ADDRESS: true if charon on HOST has its peer there
charon_at()
{
	ipsi_swanctl "$1" --list-sas | grep -q "remote .*@ $2\["
}

# device_at ADDRESS: true if the device has its peer there
device_at()
{
	[ "$(ipsi_get left peer)" = "$1" ]
}

# device_from ADDRESS: true if this is the device's own address
device_from()
{
	[ "$(ipsi_get left local)" = "$1" ]
}

# mobike_end: check that charon can rekey and delete the moved SAs
mobike_end()
{
	swan_rekey left
	ipsi_ping right
	ipsi_swanctl left --terminate --ike link > /dev/null ||
		ipsi_fail "terminate"
	# An acquire state with SPI 0 may remain, because nothing could be sent.
	ipsi_is "$(ip -n "${left:?}" xfrm state |
		grep 'spi 0x0*[1-9a-f]')" "" "states"
	ipsi_wait "the end of the carrier" ipsi_carrier_is left false
}

# R33
peer_is_followed()
{
	local changes

	mobike_start roam
	changes=$(ipsi_carrier_changes left)
	ipsi_moves right 10.0.0.2 10.0.0.3
	ipsi_wait "charon's view" charon_at left 10.0.0.3
	ipsi_wait "the device's view" device_at 10.0.0.3
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	ipsi_carrier_is left true || ipsi_fail "no carrier"
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	# a second time
	ipsi_moves right 10.0.0.3 10.0.0.4
	ipsi_wait "the device's view" device_at 10.0.0.4
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	ipsi_ping left
	# The carrier did not change, so routing daemons keep their neighbours.
	ipsi_is "$(ipsi_carrier_changes left)" "$changes" \
		"changes of the carrier"
	mobike_end
}

# R21 R33
peer_is_not_followed()
{
	local wire=$IPSI_TMP/wire

	mobike_start
	ipsi_capture_start left "$wire"
	ipsi_moves right 10.0.0.2 10.0.0.3
	ipsi_wait "charon's view" charon_at left 10.0.0.3
	ipsi_wait "end of the SAs" ipsi_has_sas left 0 0
	ipsi_wait "the end of the carrier" ipsi_carrier_is left false
	ipsi_no_ping left
	ipsi_no_ping right
	ipsi_capture_stop
	ipsi_none "$wire" 'src 10.0.0.1 and not udp and not arp and
		not ether proto 0x88b5 and not esp' "packets in clear"
	ipsi_do left ip link set "$IPSI_DEV" type ipsec-ipip remote 10.0.0.3
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	ipsi_ping left
	mobike_end
}

# own_start [DEVICE_OPTION...]: start both sides, without a configured local
# address on the left
own_start()
{
	ipsi_charon_need
	ipsi_topology
	ipsi_device left keying adopt reqid 77 "$@"
	swan_ordinary right
	swan_charon right gateway-psk.conf
	swan_charon left device-psk.conf '/local_addrs/d'
	swan_answer left
}

# The address of the device itself changes. R33
own_address()
{
	own_start
	ipsi_moves left 10.0.0.1 10.0.0.5
	ipsi_wait "charon's view" charon_at right 10.0.0.5
	ipsi_wait "end of the SAs" ipsi_has_sas left 0 0
	ipsi_no_ping left
	ipsi_do left ip link set "$IPSI_DEV" type ipsec-ipip local 10.0.0.5
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	ipsi_ping left
	ipsi_ping right
	mobike_end
}

# The device's own address changes, and then that of the peer. R33
own_address_is_followed()
{
	local changes

	own_start roam
	changes=$(ipsi_carrier_changes left)
	ipsi_moves left 10.0.0.1 10.0.0.5
	ipsi_wait "the device's view" device_from 10.0.0.5
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	ipsi_has "$(ip -n "${left:?}" -d link show "$IPSI_DEV")" \
		"local 10.0.0.5 remote 10.0.0.2" "device"
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	# Then the peer moves.
	ipsi_moves right 10.0.0.2 10.0.0.3
	ipsi_wait "the device's view" device_at 10.0.0.3
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	ipsi_ping left
	ipsi_is "$(ipsi_carrier_changes left)" "$changes" \
		"changes of the carrier"
	mobike_end
}

# The peer is authenticated by its secret only, from any address.
peer_is_learned()
{
	ipsi_charon_need
	ipsi_topology
	ipsi_do left ip link add "$IPSI_DEV" type ipsec-ipip \
		local 10.0.0.1 remote any roam if_id 7 reqid 77 keying adopt
	ipsi_up left
	ipsi_carrier_is left false || ipsi_fail "carrier without SAs"
	swan_ordinary right
	swan_charon right gateway-psk.conf
	swan_charon left device-psk.conf 's/remote_addrs = .*/remote_addrs = %any/' \
		'/start_action/d'
	ipsi_swanctl right --initiate --child link > "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	ipsi_is "$(ipsi_get left peer)" 10.0.0.2 "peer"
	ipsi_ping left
	ipsi_ping right
	mobike_end
}

# R15: the SA that charon has moved keeps the selectors of its policies. There
# is no trap policy here, because its selectors are as wide as the proposed
# ones.
selectors_move()
{
	ipsi_charon_need
	ipsi_topology
	ipsi_device left keying adopt reqid 77 roam
	swan_ordinary right
	swan_charon right gateway-psk.conf
	swan_charon left device-psk.conf '/policies = no/d' '/start_action/d'
	ipsi_swanctl left --initiate --child link > "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	swan_answer left
	ipsi_do left ip route add 203.0.113.1 dev "$IPSI_DEV"
	ipsi_moves right 10.0.0.2 10.0.0.3
	ipsi_wait "the device's view" device_at 10.0.0.3
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	ipsi_ping left
	ipsi_try left ping -n -q -c 1 -W 1 203.0.113.1 > /dev/null
	ipsi_is "$(ipsi_stat left tx_selector)" 1 "refused by selector"
}

ipsi_run peer_is_followed peer_is_not_followed own_address \
	own_address_is_followed peer_is_learned selectors_move
