#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Received packets with IPv6 inside, outside, or both: the same as receive.sh,
# and the specifics of IPv6. Two devices, ipsec4 over IPv4 and ipsec6 over IPv6,
# each with inbound SAs in transport mode, in tunnel mode, and of AH, receive
# hand-made packets of both families. A failure means that IPv6 bypasses checks
# that IPv4 has, or that good packets of the peer are lost.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

KEY=${IPSI_ENC_KEY[left]}
AUTH=${IPSI_AUTH_KEY[left]}
SAS='
"transport": {"proto": "esp", "spi": 4097, "cipher": "cbc",
	      "key": "'$KEY'", "auth_key": "'$AUTH'"},
"tunnel": {"proto": "esp", "spi": 4098, "cipher": "cbc",
	   "key": "'$KEY'", "auth_key": "'$AUTH'"},
"ah": {"proto": "ah", "spi": 4099, "auth_key": "'$AUTH'"},
"out": {"proto": "esp", "spi": 4100, "cipher": "null", "auth_key": "'$AUTH'"}'

# The pairs that receive.sh does not test, and all four
NEW_PAIRS=(4:6:ipsec4 6:46:ipsec6)
ALL_PAIRS=(4:46:ipsec4 6:46:ipsec6)
OVER_IPV6=(6:46:ipsec6)

# receive6_device FAMILY LOCAL REMOTE: make the device ipsecFAMILY
receive6_device()
{
	local dev=ipsec$1 auth=(auth-trunc 'hmac(sha256)' "$AUTH" 128)
	local enc=(enc 'cbc(aes)' "$KEY")

	ipsi_do right ip link add "$dev" type ipsec-ipip local "$2" \
		remote "$3" if_id "$1"
	ipsi_do right ip link set "$dev" up
	ipsi_do right ipsec-ipip sa add "$dev" in spi 0x1001 \
		"${auth[@]}" "${enc[@]}" replay-window 32
	ipsi_do right ipsec-ipip sa add "$dev" in spi 0x1002 mode tunnel \
		"${auth[@]}" "${enc[@]}" replay-window 32
	ipsi_do right ipsec-ipip sa add "$dev" in spi 0x1003 proto ah \
		"${auth[@]}" replay-window 32
}

receive6_topology()
{
	ipsi_need python3
	ipsi_topology
	ip -n "${left:?}" address add fd00::1/64 dev "$IPSI_WIRE" nodad ||
		ipsi_fail "no addresses"
	ip -n "${right:?}" -batch - <<-END || ipsi_fail "no addresses"
		address add fd00::2/64 dev $IPSI_WIRE nodad
		address add 192.168.2.1 dev lo
		address add fd02::1 dev lo
	END
	receive6_device 4 10.0.0.2 10.0.0.1
	receive6_device 6 fd00::2 fd00::1
}

# receive6_python TEST PAIR...: run families.py
receive6_python()
{
	left=${left:?} right=${right:?} SAS="{$SAS}" \
		python3 "$IPSI_LIB/families.py" "$@"
	case $? in
	0) ;;
	4) ipsi_skip "a module of Python is not installed" ;;
	*) ipsi_fail "$1" ;;
	esac
}

# receive6 TEST PAIR...: set up the hosts and run a test
receive6()
{
	receive6_topology
	receive6_python "$@"
}

# receive6_bare: receive IP-in-IPv6 in clear, which the host may quote
receive6_bare()
{
	receive6_topology
	ipsi_record_also proto 4 from fd00::1
	ipsi_record_also proto 41 from fd00::1
	receive6_python bare_ipip "${OVER_IPV6[@]}"
}

# R13
bare_ip_in_ipv6_is_refused()
{
	receive6_bare
}

# R13: the kernel's own tunnel devices receive the packets; the ipsec-ipip
# device does not.
bare_ip_in_ipv6_is_refused_beside_ip6tnl()
{
	modprobe ip6_tunnel 2> /dev/null ||
		ipsi_skip "module ip6_tunnel is not there"
	receive6_bare
	ip -n "${right:?}" link show ip6tnl0 > /dev/null ||
		ipsi_fail "ip6tnl0 is not there: ip6_tunnel was not"
}

# R14 R49
next_header_must_be_ip()
{
	receive6_topology
	# The host answers in clear.
	ipsi_record_also tcp 4000
	ipsi_record_also udp 4000
	receive6_python next_header "${OVER_IPV6[@]}"
}

# R21
outer_source_must_be_the_peer()
{
	receive6 outer_source "${NEW_PAIRS[@]}"
}

# R22
inner_source_must_be_sane()
{
	receive6 inner_source "${ALL_PAIRS[@]}"
}

# R42
replayed_packets_are_refused()
{
	receive6 replay "${NEW_PAIRS[@]}"
}

# R42
corrupted_packets_are_refused()
{
	receive6 corrupted "${OVER_IPV6[@]}"
}

# R53
nonsense_is_refused()
{
	receive6 nonsense "${NEW_PAIRS[@]}"
}

down_nothing_is_accepted()
{
	receive6 device_down "${OVER_IPV6[@]}"
}

# R47; aggregated packets are in tcp_bulk.sh
tfc_padding_is_trimmed()
{
	receive6 tfc_padding "${NEW_PAIRS[@]}"
}

# R46
any_esp_padding_is_taken()
{
	receive6 padding "${ALL_PAIRS[@]}"
}

# R44 R45
fragments_of_esp_are_reassembled_first()
{
	receive6 outer_fragments "${ALL_PAIRS[@]}"
}

# R21
extension_headers_before_esp()
{
	receive6 extension_headers "${OVER_IPV6[@]}"
}

# R17 R63
inner_fragments_pass()
{
	receive6 inner_fragments "${ALL_PAIRS[@]}"
}

# R19
filters_know_the_sa()
{
	ipsi_need nft
	receive6 secpath "${ALL_PAIRS[@]}"
}

# R53 R84 R85
no_packet_enters_twice()
{
	local dev

	receive6_topology
	for dev in ipsec4 ipsec6; do
		ipsi_do right ipsec-ipip sa add "$dev" out spi 0x1004 \
			auth-trunc 'hmac(sha256)' "$AUTH" 128 \
			enc 'ecb(cipher_null)' ''
	done
	# The left sends what the right forwards.
	ipsi_record_also proto 253 by left
	# The packet's source is the host's own address.
	ipsi_do right sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv4.conf.eth0.accept_local=1 net.ipv6.conf.all.forwarding=1
	for dev in ipsec4 ipsec6; do
		ipsi_do right ip route replace 192.168.1.1 dev "$dev"
		ipsi_do right ip -6 route replace fd01::1 dev "$dev"
		receive6_python transmit_loop "${dev#ipsec}:46:$dev"
	done
}

ipsi_run bare_ip_in_ipv6_is_refused bare_ip_in_ipv6_is_refused_beside_ip6tnl \
	next_header_must_be_ip outer_source_must_be_the_peer \
	inner_source_must_be_sane replayed_packets_are_refused \
	corrupted_packets_are_refused nonsense_is_refused \
	down_nothing_is_accepted tfc_padding_is_trimmed \
	any_esp_padding_is_taken fragments_of_esp_are_reassembled_first \
	extension_headers_before_esp \
	inner_fragments_pass filters_know_the_sa no_packet_enters_twice
