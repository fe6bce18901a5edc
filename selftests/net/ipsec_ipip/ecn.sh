#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Explicit congestion notification over a device. On receive, the ECN fields of
# outer and inner header are combined as RFC 6040 section 4.2 requires, for all
# 16 pairs and for both families inside and outside. This holds for inbound SAs
# in transport mode, of AH, and in tunnel mode, where the kernel has already
# combined them by its own, older rule. The inner checksum is updated, and the
# DSCP does not change. On transmit, all four values are written as in tunnel
# mode. A failure means that congestion on the path is hidden from the end hosts
# or made up, or that a packet is marked although its sender does not support
# it.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

ecn_python()
{
	local test=$1
	shift

	left=${left:?} right=${right:?} \
		python3 "$IPSI_LIB/receive.py" "$test" "$@"
	case $? in
	0) ;;
	4) ipsi_skip "a module of Python is not installed" ;;
	*) ipsi_fail "$test" ;;
	esac
}

# ecn_topology OUTER: make a device over this family, with both families inside
ecn_topology()
{
	ipsi_need python3
	[ "$1" = 4 ] || ipsi_families 6 4
	ipsi_topology
	ip -n "${right:?}" -batch - <<-END || ipsi_fail "no inner addresses"
		address add 192.168.2.1 dev lo
		address add fd02::1 dev lo
	END
	ipsi_do right ip link add "$IPSI_DEV" type ipsec-ipip \
		local "${IPSI_OUTER[right]}" remote "${IPSI_OUTER[left]}" \
		if_id "$IPSI_IF_ID"
	ipsi_do right ip link set "$IPSI_DEV" up
}

# ecn_receive OUTER: check received packets over this family
ecn_receive()
{
	local number=0x1001 json='"spi": %d, "auth_key": "%s"' sas='' name

	ecn_topology "$1"
	ipsi_device_sa right in spi 0x1001
	ipsi_device_sa right in spi 0x1002 mode tunnel
	ipsi_do right ipsec-ipip sa add ipsec0 in spi 0x1003 proto ah \
		auth-trunc 'hmac(sha256)' "${IPSI_AUTH_KEY[left]}" 128
	for name in transport tunnel ah; do
		# shellcheck disable=SC2059 # the format is ours
		sas+=$(printf "\"$name\": {$json" $number \
			"${IPSI_AUTH_KEY[left]}")
		case $name in
		ah) sas+=', "proto": "ah"}' ;;
		*) sas+=', "proto": "esp", "cipher": "cbc", "key":
			"'${IPSI_ENC_KEY[left]}'"}, ' ;;
		esac
		((++number))
	done
	SAS="{$sas}" ecn_python ecn_table "$1:46:ipsec0"
}

# R25 R55 R66 R67 R68
receive_table()
{
	ecn_receive 4
}

# R25 R55 R63 R66 R67 R68
receive_table_over_ipv6()
{
	ecn_receive 6
}

# ecn_send OUTER: check sent packets over this family
ecn_send()
{
	ecn_topology "$1"
	ipsi_device_sa right out
	ecn_python ecn_transmit "$1:46:ipsec0"
}

# R65
transmit()
{
	ecn_send 4
}

# R65
transmit_over_ipv6()
{
	ecn_send 6
}

ipsi_run receive_table receive_table_over_ipv6 transmit transmit_over_ipv6
