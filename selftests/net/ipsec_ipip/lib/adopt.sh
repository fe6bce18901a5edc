#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library of the adoption tests, in addition to ipsi.sh. "ip xfrm"
# takes the place of the key manager.

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

DEV=$IPSI_DEV
OUT=(src 10.0.0.1 dst 10.0.0.2 proto esp)
IN=(src 10.0.0.2 dst 10.0.0.1 proto esp)
GCM=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)

# start: set up the device on the left, and an ordinary host on the right
start()
{
	ipsi_topology
	ipsi_try left sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_tunnel_side right
	ipsi_device left "$@"
}

# sa_is DIR SPI JSON...: check that "sa show" prints all of these parts for an
# SA
sa_is()
{
	local part shown

	shown=$(ipsi_try left ipsec-ipip -j sa show "$DEV" "$1" spi "$2" \
		2> /dev/null)
	for part in "${@:3}"; do
		[[ $shown == *"$part"* ]] || return
	done
}

# adopted DIR [SPI]: true if the SA is the device's, in the mode of its
# direction
adopted()
{
	local mode=tunnel spi=$2

	[ -n "$spi" ] || spi=${IPSI_SPI[left]}
	[ "$1" = out ] && mode=transport
	sa_is "$1" "$spi" '"adopted":true' "\"mode\":\"$mode\""
}

# state HOST SPI: print the state
state()
{
	ip -n "${!1}" -s xfrm state list spi "$2"
}

both_adopted()
{
	ipsi_wait "adoption" adopted out
	adopted in "${IPSI_SPI[right]}" || ipsi_fail "inbound SA: not adopted"
}
