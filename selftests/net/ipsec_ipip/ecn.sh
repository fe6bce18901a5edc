#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Explicit congestion notification over a device. On receipt the marks of outer
# and inner header are combined as RFC 6040 section 4.2 says, for each of the
# 16 pairs and for both families inside and outside, whether the inbound SA is
# in transport mode, in tunnel mode (where the kernel has already combined them
# by its own, older rule) or of AH; the inner checksum follows, and the DSCP is
# left alone. On transmission all four values are written as tunnel mode does.
# A failure means that congestion on the path is hidden from the end hosts or
# made up, or that a packet is marked that its sender did not allow to be.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"

# Nothing is sent but by the test.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1

ecn_python()
{
	local test=$1
	shift

	left=${left:?} right=${right:?} \
		python3 "$IPSI_DIR/ipsec_ipip_receive.py" "$test" "$@"
	case $? in
	0) ;;
	4) ipsi_skip "a module of Python is not installed" ;;
	*) ipsi_fail "$test" ;;
	esac
}

# ecn_topology OUTER: a device over that family, and both inside
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

# ecn_receive OUTER
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

# ecn_send OUTER
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
