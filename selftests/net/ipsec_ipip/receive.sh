#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A device must accept IPv4 packets only from its own SAs and from its peer's
# address. Each test packet is made by hand in place of the peer, with the right
# keys and exactly one fault. It must reach neither the device nor a socket nor
# the host's stack, lead to no answer, and be counted under its reason; a good
# packet after it is received. A failure means that the peer, or anyone who can
# send to the host, bypasses the device's checks.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

KEY=0x46c670e4ad2ef30a29a0ce64738d01e5
AUTH=0xebfd3e8038fd1c9eadcc32308e5f12aba813114614855e4a93e7407f3c40f827

SAS=

# receive_sa_json NAME SPI CIPHER: describe an SA for the helper
receive_sa_json()
{
	local json

	case $3 in
	ah) json='{"proto": "ah", "spi": %d, "auth_key": "%s"}' ;;
	*) json='{"proto": "esp", "spi": %d, "auth_key": "%s",
		  "cipher": "'$3'", "key": "'$KEY'"}' ;;
	esac
	# shellcheck disable=SC2059 # the format is ours
	SAS+=${SAS:+, }\"$1\":$(printf "$json" "$2" "$AUTH")
}

# receive_topology: make a device with three inbound SAs with replay windows, in
# transport mode, in tunnel mode, and of AH
receive_topology()
{
	local auth=(auth-trunc 'hmac(sha256)' "$AUTH" 128)
	local enc=(enc 'cbc(aes)' "$KEY")

	ipsi_need python3
	ipsi_topology
	ipsi_device right
	ipsi_do right ipsec-ipip sa add ipsec0 in spi 0x1001 \
		"${auth[@]}" "${enc[@]}" replay-window 32
	ipsi_do right ipsec-ipip sa add ipsec0 in spi 0x1002 mode tunnel \
		"${auth[@]}" "${enc[@]}" replay-window 32
	ipsi_do right ipsec-ipip sa add ipsec0 in spi 0x1003 proto ah \
		"${auth[@]}" replay-window 32
	receive_sa_json transport 0x1001 cbc
	receive_sa_json tunnel 0x1002 cbc
	receive_sa_json ah 0x1003 ah
}

# receive_state NAME SPI MODE CIPHER [if_id N]: add an SA with "ip xfrm"
receive_state()
{
	local name=$1 number=$2 mode=$3 cipher=$4 words=(enc 'cbc(aes)' "$KEY")
	shift 4

	[ "$cipher" = none ] ||
		words+=(auth-trunc 'hmac(sha256)' "$AUTH" 128)
	ipsi_do right ip xfrm state add src 10.0.0.1 dst 10.0.0.2 \
		proto esp spi "$number" mode "$mode" "${words[@]}" "$@"
	receive_sa_json "$name" "$number" "$cipher"
}

# receive_bare: receive IP-in-IP in clear, which the host may quote
receive_bare()
{
	receive_topology
	ipsi_record_also proto 4 from 10.0.0.1
	ipsi_record_also proto 41 from 10.0.0.1
	receive_python bare_ipip
}

receive_python()
{
	left=${left:?} right=${right:?} SAS="{$SAS}" \
		python3 "$IPSI_LIB/receive.py" "$1"
	case $? in
	0) ;;
	4) ipsi_skip "a module of Python is not installed" ;;
	*) ipsi_fail "$1" ;;
	esac
}

# R13 R24
bare_ipip_is_refused()
{
	receive_bare
}

# The kernel's own IP-in-IP device receives the packets; the ipsec-ipip device
# does not.
# R13 R24
bare_ipip_is_refused_beside_ipip()
{
	modprobe ipip 2> /dev/null || ipsi_skip "module ipip is not there"
	modprobe sit 2> /dev/null
	receive_bare
	ip -n "${right:?}" link show tunl0 > /dev/null ||
		ipsi_fail "tunl0 is not there: ipip was not"
}

# R14
next_header_must_be_ip()
{
	receive_topology
	# The host answers in clear.
	ipsi_record_also tcp 4000
	ipsi_record_also udp 4000
	receive_python next_header
}

# R5 R13
only_its_own_sas_lead_in()
{
	receive_topology
	# The host quotes packets of other SAs, for which it has no protocol.
	ipsi_record_also proto 4 by right
	ipsi_do right ip link add ipsec1 type ipsec-ipip \
		local 10.0.0.2 remote 10.0.0.1 if_id 8
	ipsi_do right ip link set ipsec1 up
	receive_state other-transport 0x2001 transport cbc if_id 8
	receive_state other-tunnel 0x2002 tunnel cbc if_id 8
	receive_state nobody-transport 0x2003 transport cbc if_id 9
	receive_state nobody-tunnel 0x2004 tunnel cbc if_id 9
	receive_state none-transport 0x2005 transport cbc
	receive_state none-tunnel 0x2006 tunnel cbc
	receive_python other_sa
}

# In BEET mode the inner header is the core's, of the addresses in the state.
mode_must_be_known()
{
	local -a IPSI_ALGS

	ipsi_topology
	ipsi_device left
	ipsi_device_sa left out
	ipsi_device right
	ipsi_algs left
	ipsi_do right ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp \
		spi "${IPSI_SPI[left]}" mode beet if_id "$IPSI_IF_ID" \
		"${IPSI_ALGS[@]}" sel src 10.0.0.1 dst 10.0.0.2
	ipsi_send left
	ipsi_is "$(ipsi_stat right rx_protocol)" 1 "packets refused"
	ipsi_is "$(ipsi_counter right rx.packets "$IPSI_DEV")" 0 "packets"
}

# A state of IPComp authenticates nothing, so it leads in nowhere.
compressed_is_refused()
{
	local -a comp=(src 10.0.0.1 dst 10.0.0.2 proto comp)

	ipsi_topology
	ipsi_device right
	ipsi_record_also proto 108 from 10.0.0.1
	ipsi_try right ip xfrm state add "${comp[@]}" spi 0x1000 mode tunnel \
		comp deflate if_id "$IPSI_IF_ID" || ipsi_skip "no IPComp here"
	ipsi_do left ip xfrm state add "${comp[@]}" spi 0x1000 mode tunnel \
		comp deflate
	ipsi_do left ip xfrm policy add dir out src "${IPSI_INNER[left]}" \
		dst "${IPSI_INNER[right]}" tmpl "${comp[@]}" mode tunnel
	ipsi_inner left
	ipsi_do left ip route add "${IPSI_INNER[right]}" via 10.0.0.2 \
		src "${IPSI_INNER[left]}"
	ipsi_no_ping left -s 1000 -p 00
	ipsi_is "$(ipsi_stat right rx_crypto)" 1 "packets refused"
}

# R21
outer_source_must_be_the_peer()
{
	receive_topology
	receive_python outer_source
}

# R42
replayed_packets_are_refused()
{
	receive_topology
	receive_python replay
}

# R50
corrupted_packets_are_refused()
{
	receive_topology
	receive_python corrupted
}

nonsense_is_refused()
{
	receive_topology
	receive_python nonsense
}

# Key managers reserve an SPI before they have keys (XFRM_MSG_ALLOCSPI). The state
# is larval, and may have the if_id of the device already.
reserved_spi_leads_nowhere()
{
	receive_topology
	# The state must not expire before the last packet.
	ipsi_do right sysctl -qw net.core.xfrm_acq_expires=3600
	ipsi_do right python3 "$IPSI_LIB/xfrm.py" alloc 10.0.0.1 10.0.0.2 \
		0x2001 "$IPSI_IF_ID"
	receive_sa_json reserved 0x2001 cbc
	receive_python no_keys_yet
}

# XFRM accepts such an SA; our own family refuses it.
# R43
without_integrity_nothing_is_accepted()
{
	receive_topology
	receive_state naked-transport 0x2001 transport none if_id 7
	receive_state naked-tunnel 0x2002 tunnel none if_id 7
	ipsi_is "$(ipsi_get right sa_in)" 3 "SAs of the device"
	receive_python no_integrity
}

down_nothing_is_accepted()
{
	receive_topology
	receive_python device_down
}

# R47
tfc_padding_is_trimmed()
{
	receive_topology
	receive_python tfc_padding
}

# AH with room for the whole hash, of which only a part is the ICV
long_ah_is_accepted()
{
	receive_topology
	ipsi_do right ipsec-ipip sa add ipsec0 in spi 0x1004 proto ah \
		mode tunnel auth-trunc 'hmac(sha256)' "$AUTH" 128
	receive_sa_json ah_tunnel 0x1004 ah
	receive_python long_ah
}

ipsi_run bare_ipip_is_refused bare_ipip_is_refused_beside_ipip \
	next_header_must_be_ip only_its_own_sas_lead_in mode_must_be_known \
	compressed_is_refused outer_source_must_be_the_peer \
	replayed_packets_are_refused corrupted_packets_are_refused \
	nonsense_is_refused reserved_spi_leads_nowhere \
	without_integrity_nothing_is_accepted \
	down_nothing_is_accepted tfc_padding_is_trimmed long_ah_is_accepted
