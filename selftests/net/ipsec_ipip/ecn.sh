#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Explicit congestion notification over a device. On receipt the marks of outer
# and inner header are combined as RFC 6040 section 4.2 says, for each of the
# 16 pairs, whether the inbound SA is in transport mode, in tunnel mode (where
# the kernel has already combined them by its own, older rule) or of AH; the
# inner checksum follows, and the DSCP is left alone. On transmission all four
# values are written as tunnel mode does.
# A failure means that congestion on the path is hidden from the end hosts or
# made up, or that a packet is marked that its sender did not allow to be.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"

# Nothing is sent but by the test.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1

ecn_python()
{
	left=${left:?} right=${right:?} \
		python3 "$IPSI_DIR/ipsec_ipip_receive.py" "$1"
	case $? in
	0) ;;
	4) ipsi_skip "a module of Python is not installed" ;;
	*) ipsi_fail "$1" ;;
	esac
}

receive_table()
{
	local number=0x1001 json='"spi": %d, "auth_key": "%s"' sas='' name

	ipsi_need python3
	ipsi_topology
	ipsi_device right
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
	SAS="{$sas}" ecn_python ecn_table
}

transmit()
{
	ipsi_need python3
	ipsi_topology
	ipsi_device right
	ipsi_device_sa right out
	ecn_python ecn_transmit
}

ipsi_run receive_table transmit
