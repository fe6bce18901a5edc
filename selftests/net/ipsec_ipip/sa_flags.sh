#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Key managers say by flags of an SA what is copied between inner and outer header
# (strongSwan's copy_dscp, copy_ecn and copy_df, libreswan's encap-dscp): a device
# that has adopted the SA does as tunnel mode does. Where the SA says nothing, the
# options of the device hold. A failure means that a class of service is seen that
# should be hidden.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Nothing is sent but by the test.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1

DEV=$IPSI_DEV

# flags_send TOS WANTED FAMILY [FLAG...]: a packet with that TOS and DF leaves by
# an adopted SA with these flags, and its outer header passes the filter WANTED
flags_send()
{
	local tos=$1 wanted=$2 family=$3
	shift 3

	ipsi_families "$family" 4
	ipsi_topology
	ipsi_device_side right
	ipsi_device left keying adopt
	ipsi_daemon_sa left in if_id "$IPSI_IF_ID"
	[ "$family" = 4 ] || set -- "$@" flag af-unspec
	ipsi_daemon_sa left out if_id "$IPSI_IF_ID" "$@"
	ipsi_wait "both SAs" ipsi_has_sas left 1 1
	ipsi_capture_start right "$IPSI_TMP/wire"
	ipsi_ping left -Q "$tos" -M "do"
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$IPSI_TMP/wire" \
		"src ${IPSI_OUTER[left]} and esp and $wanted")" 1 \
		"packets with $wanted"
}

no_flags()
{
	flags_send 0xb8 'ip[1] = 0xb8 and ip[6] & 0x40 != 0' 4
}

dscp_is_not_copied()
{
	flags_send 0xb8 'ip[1] = 0 and ip[6] & 0x40 != 0' 4 \
		extra-flag dont-encap-dscp
}

dscp_is_not_copied_to_ipv6()
{
	flags_send 0xb8 'ip6[0:2] = 0x6000' 6 extra-flag dont-encap-dscp
}

# R65
ecn_is_not_copied()
{
	flags_send 0xba 'ip[1] = 0xb8' 4 flag noecn
}

ecn_is_not_copied_to_ipv6()
{
	flags_send 0xba 'ip6[0:2] = 0x6b80' 6 flag noecn
}

df_is_not_copied()
{
	flags_send 0xb8 'ip[6] & 0x40 = 0' 4 flag nopmtudisc
}

# flags_receive OUTER_TOS INNER_TOS WANTED CIPHER... -- FLAG...: what comes with
# these by an adopted SA with the flags has the TOS WANTED
flags_receive()
{
	local outer=$1 inner=$2 wanted=$3 algs=()
	shift 3

	while [ "$1" != -- ]; do
		algs+=("$1")
		shift
	done
	shift
	ipsi_need nft
	ipsi_topology
	ipsi_device left
	ipsi_device right keying adopt
	ipsi_do left ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp \
		spi 0x1001 mode transport if_id "$IPSI_IF_ID" "${algs[@]}"
	ipsi_do right ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp \
		spi 0x1001 mode tunnel if_id "$IPSI_IF_ID" "$@" "${algs[@]}"
	ipsi_wait "the SA" ipsi_has_sas right 0 1
	ipsi_do left nft "table ip t { chain o { type filter hook output priority 0;
		ip protocol esp ip dscp set $outer; }; }"
	ipsi_capture_start right "$IPSI_TMP/inner" "$DEV"
	ipsi_try left ping -n -q -c 1 -W 1 -Q "$inner" 192.168.2.1 > /dev/null
	ipsi_wait "the packet" ipsi_capture_has "icmp[0] = 8"
	ipsi_is "$(ipsi_count "$IPSI_TMP/inner" \
		"icmp[0] = 8 and ip[1] = $wanted")" 1 "packets with TOS $wanted"
}

GCM=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)
# without an IV: over IPv4 such an SA is taken over into transport mode
NULL=(enc 'ecb(cipher_null)' '' auth-trunc 'hmac(sha256)'
      "${IPSI_AUTH_KEY[left]}" 128)

dscp_comes_in()
{
	flags_receive cs5 0x20 0xa0 "${GCM[@]}" -- flag decap-dscp
}

dscp_comes_in_without_iv()
{
	flags_receive cs5 0x20 0xa0 "${NULL[@]}" -- flag decap-dscp
}

dscp_does_not_come_in()
{
	flags_receive cs5 0x20 0x20 "${NULL[@]}" --
}

ipsi_run no_flags dscp_is_not_copied dscp_is_not_copied_to_ipv6 \
	ecn_is_not_copied ecn_is_not_copied_to_ipv6 df_is_not_copied \
	dscp_comes_in dscp_comes_in_without_iv dscp_does_not_come_in
