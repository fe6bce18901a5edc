#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Peers that move, and peers behind NAT:
#
#   left ------- middle ------- right
#   ipsec0        NAT           ipsec0, and ipsec1
#
# ESP in UDP passes a NAT, whose port changes; the device on the right has
# "remote any" and learns where its peer is, or "roam" and follows it. A host
# without a right to that is not followed. A failure means that a link behind NAT
# stays dead after a change, or that another host can steal it.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/load.sh
source "$IPSI_LIB/load.sh"

# Nothing is sent but by the test.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1
DEV=$IPSI_DEV
ENCAP=(encap espinudp 4500 4500)

# natt_nat PORTS: what comes from the left gets the address 10.0.0.254 and one
# of these ports
natt_nat()
{
	ipsi_nat middle "oifname eth1 udp dport 4500 masquerade to :$1"
}

# natt_topology RIGHT_OPTION...
natt_topology()
{
	ipsi_need nft conntrack
	ipsi_topology_routed
	natt_nat 1000
	ipsi_device left encap-port 4500
	ipsi_device_sa left out "${ENCAP[@]}"
	ipsi_device_sa left in "${ENCAP[@]}"
	ipsi_do right ip link add "$DEV" type ipsec-ipip local 10.0.0.2 \
		encap-port 4500 if_id "$IPSI_IF_ID" "$@"
	ipsi_up right
	ipsi_device_sa right out "${ENCAP[@]}"
	ipsi_device_sa right in replay-window 64 "${ENCAP[@]}"
}

natt_peer()
{
	ipsi_get right peer
}

# natt_goes_to PORT: what the right sends goes to this port now
natt_goes_to()
{
	[[ $(ipsi_try right ip xfrm state list src 10.0.0.2) == \
		*"dport $1 "* ]]
}

# R87 R92
remote_any_is_learned()
{
	natt_topology remote any roam
	# the address of the peer is not known yet
	ipsi_is "$(ipsi_get right carrier)" false "carrier before the peer"
	ipsi_no_ping right
	ipsi_is "$(natt_peer)" null "peer"
	ipsi_bg right ipsec-ipip -j monitor > "$IPSI_TMP/events" \
		2> "$IPSI_TMP/monitor"
	ipsi_wait "monitor" grep -q listening "$IPSI_TMP/monitor"
	# the first packet may be too early for an answer
	ipsi_try left ping -n -q -c 1 -W 1 192.168.2.1 > /dev/null
	ipsi_wait "the peer's port" natt_goes_to 1000
	ipsi_ping left
	ipsi_ping right
	ipsi_is "$(natt_peer)" 10.0.0.254 "peer"
	ipsi_is "$(ipsi_get right carrier)" true carrier
	ipsi_has "$(cat "$IPSI_TMP/events")" '"event":"peer"' "events"
	ipsi_has "$(cat "$IPSI_TMP/events")" '"peer_port":1000' "events"
}

# R92
port_changes()
{
	natt_topology remote any roam
	ipsi_try left ping -n -q -c 1 -W 1 192.168.2.1 > /dev/null
	ipsi_wait "the peer's port" natt_goes_to 1000
	ipsi_ping right
	natt_nat 2000
	ipsi_try left ping -n -q -c 1 -W 1 192.168.2.1 > /dev/null
	ipsi_wait "the peer's new port" natt_goes_to 2000
	ipsi_ping right
	ipsi_ping left
	ipsi_is "$(ipsi_stat right rx_outer_address)" 0 rx_outer_address
}

# natt_link: a device on the right that follows the one on the left, without NAT
natt_link()
{
	ipsi_topology
	ipsi_do left ip address add 10.0.0.77/24 dev "$IPSI_WIRE"
	ipsi_device_side left
	ipsi_device right roam
	ipsi_device_sa right out
	ipsi_device_sa right in replay-window 64
	ipsi_ping left
}

# natt_moves: the left gets another address, and the right notices
natt_moves()
{
	# SAs stay behind with the address, and this one its SPI with them
	ipsi_do left ip xfrm state flush
	ipsi_do left ip link set "$DEV" type ipsec-ipip local 10.0.0.77
	ipsi_device_sa left out seq 1000
	ipsi_device_sa left in
	ipsi_try left ping -n -q -c 1 -W 1 192.168.2.1 > /dev/null
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	peer_is()
	{
		[ "$(natt_peer)" = 10.0.0.77 ]
	}
	ipsi_wait "the new peer" peer_is
}

# Without NAT, the address itself changes. R21 R92
address_changes()
{
	natt_link
	natt_moves
	ipsi_ping left
	ipsi_ping right
	ipsi_is "$(ipsi_get right carrier)" true carrier
}

# The peer moves while SAs cannot follow, and packets from its new address arrive
# meanwhile. R21
peer_moves_while_module_loads()
{
	natt_link
	load_waits esp6 xfrm-type-10-50
	ipsi_bg right ip xfrm state add src fd00::8 dst fd00::9 proto esp \
		spi 0x1008 mode transport aead 'rfc4106(gcm(aes))' \
		0x000102030405060708090a0b0c0d0e0f10111213 128
	ipsi_wait "the request for a module" test -e "$IPSI_TMP/waits"
	natt_moves
	ipsi_try left ping -n -q -c 2 -W 1 192.168.2.1 > /dev/null
	load_goes_on
	wait "$IPSI_BG_PID" || ipsi_fail "the module is not loaded"
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	moved()
	{
		ip -n "${right:?}" xfrm state |
			grep -q "^src 10.0.0.2 dst 10.0.0.77$"
	}
	ipsi_wait "the SAs of the new peer" moved
	ipsi_ping left
}

# Where it is not allowed, or a replay could do it, the device follows no one. R21
nobody_is_followed()
{
	ipsi_topology
	ipsi_must_fail "remote: expected an address, or roam to learn it" right \
		ip link add "$DEV" type ipsec-ipip local 10.0.0.2 remote any
	ipsi_do left ip address add 10.0.0.77/24 dev "$IPSI_WIRE"
	ipsi_device left
	ipsi_do left ip link set "$DEV" type ipsec-ipip local 10.0.0.77
	ipsi_device_sa left out
	# without a replay window
	ipsi_device right roam
	ipsi_device_sa right out
	ipsi_device_sa right in
	ipsi_no_ping left
	ipsi_is "$(ipsi_stat right rx_outer_address)" 1 rx_outer_address
	ipsi_is "$(natt_peer)" 10.0.0.1 peer
	# with one, but by noroam
	ipsi_do right ip link set "$DEV" type ipsec-ipip noroam
	ipsi_do right ip xfrm state flush
	ipsi_device_sa right in replay-window 64
	ipsi_no_ping left
	ipsi_is "$(ipsi_stat right rx_outer_address)" 2 rx_outer_address
}

# natt_roam TEST: packets that are made by hand, for a device without NAT
natt_roam()
{
	local auth=(auth-trunc 'hmac(sha256)' "${IPSI_AUTH_KEY[left]}" 128)
	local enc=(enc 'cbc(aes)' "${IPSI_ENC_KEY[left]}") json

	ipsi_need python3
	ipsi_topology
	ipsi_device right roam
	ipsi_do right ipsec-ipip sa add "$DEV" in spi 0x1001 \
		"${auth[@]}" "${enc[@]}" replay-window 32
	ipsi_do right ipsec-ipip sa add "$DEV" in spi 0x1002 mode tunnel \
		"${auth[@]}" "${enc[@]}" replay-window 32
	ipsi_bg right ipsec-ipip -j monitor > "$IPSI_TMP/events" \
		2> "$IPSI_TMP/monitor"
	ipsi_wait "monitor" grep -q listening "$IPSI_TMP/monitor"
	json='{"proto": "esp", "spi": %d, "cipher": "cbc", "key": "%s",
	       "auth_key": "%s"}'
	# shellcheck disable=SC2059 # the format is ours
	json="{\"transport\": $(printf "$json" 0x1001 \
		"${IPSI_ENC_KEY[left]}" "${IPSI_AUTH_KEY[left]}"),
	       \"tunnel\": $(printf "$json" 0x1002 \
		"${IPSI_ENC_KEY[left]}" "${IPSI_AUTH_KEY[left]}")}"
	left=${left:?} right=${right:?} SAS=$json \
		python3 "$IPSI_LIB/roam.py" "$1" "$IPSI_TMP/events"
	case $? in
	0) ;;
	4) ipsi_skip "a module of Python is not installed" ;;
	*) ipsi_fail "$1" ;;
	esac
}

# R92
peer_by_turns_is_followed_seldom()
{
	natt_roam alternate
}

# R92
late_packets_move_nobody()
{
	natt_roam late
}

encap_port_is_one()
{
	ipsi_topology
	ipsi_bg right python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 4500))
time.sleep(1000)'
	taken()
	{
		ipsi_try right ss -Hlun sport = :4500 | grep -q 4500
	}
	ipsi_wait "the port taken" taken
	ipsi_must_fail "encap-port: in use by another program" right \
		ip link add "$DEV" type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.1 encap-port 4500
	ipsi_must_fail "does not exist" right ip link show dev "$DEV"
	kill "$IPSI_BG_PID"
	wait "$IPSI_BG_PID"
	# two devices share it, and it goes with the last
	ipsi_device right encap-port 4500
	ipsi_do right ip link add second type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.9 encap-port 4500
	ipsi_do right ip link del "$DEV"
	taken || ipsi_fail "the port is closed though a device wants it"
	ipsi_do right ip link set second type ipsec-ipip encap-port 0
	taken && ipsi_fail "the port is open though nobody wants it"
	:
}

ipsi_run remote_any_is_learned port_changes address_changes \
	peer_moves_while_module_loads nobody_is_followed \
	peer_by_turns_is_followed_seldom late_packets_move_nobody \
	encap_port_is_one
