#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# SAs for one CPU, in addition to one for all (RFC 9611): packets leave with the
# SA of the CPU that sends them, and with the SA for all if there is none or if
# one is pinned. A failure means that packets leave with a wrong SA, or do not
# leave.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/adopt.sh
source "$IPSI_LIB/adopt.sh"

KEY=0x000102030405060708090a0b0c0d0e0f101112131415161718
AEAD='rfc4106(gcm(aes))'

# add HOST {in|out} SPI OPTION...: add an SA; each SPI has its own key
add()
{
	ipsi_do "$1" ipsec-ipip -q sa add "$DEV" "$2" spi "$3" \
		aead "$AEAD" "${KEY:0:38}${3: -4}" 128 "${@:4}"
}

# both_sides: give the left an SA for all CPUs and one for each of two CPUs; the
# right sends with one SA
both_sides()
{
	local spi

	[ "$(nproc)" -ge 2 ] || ipsi_skip "one processor"
	ipsi_need taskset
	[[ $PROBED != *"this kernel has no per-CPU SAs"* ]] ||
		ipsi_skip "the kernel has no per-CPU SAs"
	ipsi_topology
	ipsi_device left
	ipsi_device right

	for spi in 0x1001 0x1100 0x1101 0x1201; do
		add right in $spi
	done
	add right out 0x2001
	add left in 0x2001
	add left out 0x1100 pcpu 0
	add left out 0x1101 pcpu 1
}

# packets SPI: print the packet count of an SA
packets()
{
	ipsi_json "$(ipsi_try left ipsec-ipip -j sa show "$DEV" out spi "$1")" \
		packets
}

# leaves CPU SPI: check that a packet from this CPU leaves with this SA
leaves()
{
	local before

	before=$(packets "$2")
	ipsi_do left taskset -c "$1" ping -c 1 -W 5 -I "${IPSI_INNER[left]}" \
		"${IPSI_INNER[right]}"
	ipsi_is "$(($(packets "$2") - before))" 1 "packets of CPU $1 by SA $2"
}

# R38
each_by_its_own()
{
	local shown

	both_sides
	# There is no carrier before there is an SA for all.
	ipsi_is "$(ipsi_get left carrier)" false "carrier"
	add left out 0x1001
	ipsi_is "$(ipsi_get left carrier)" true "carrier"
	ipsi_is "$(ipsi_get left active_spi)" "$((0x1001))" "active SA"
	leaves 0 0x1100
	leaves 1 0x1101
	leaves 0 0x1100
	leaves 1 0x1101
	shown=$(ipsi_try left ipsec-ipip sa show "$DEV" out spi 0x1101)
	ipsi_has "$shown" "pcpu 1" "sa show"
	ipsi_has_not "$shown" "(active)" "sa show"
}

# R38
falls_back()
{
	both_sides
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1101
	add left out 0x1001
	leaves 0 0x1100
	leaves 1 0x1001
	# An SA for one CPU is added and deleted.
	add left out 0x1101 pcpu 1
	leaves 1 0x1101
	leaves 0 0x1100
	ipsi_do left ip xfrm state delete src 10.0.0.1 dst 10.0.0.2 proto esp \
		spi 0x1101
	leaves 1 0x1001
	leaves 0 0x1100
}

# R38
pinned()
{
	both_sides
	add left out 0x1001
	leaves 1 0x1101
	ipsi_must_fail "expected an SA for all CPUs" left \
		ipsec-ipip sa activate "$DEV" spi 0x1101
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 0x1001
	leaves 0 0x1001
	leaves 1 0x1001
	ipsi_do left ipsec-ipip sa activate "$DEV" newest
	leaves 0 0x1100
	leaves 1 0x1101
}

# A rekey for one CPU does not affect the others.
# R30 R38
rekeyed()
{
	both_sides
	add left out 0x1001
	leaves 1 0x1101
	ipsi_do left ipsec-ipip -q rekey "$DEV" out spi 0x1201 pcpu 1 \
		aead "$AEAD" "${KEY:0:38}1201" 128
	leaves 1 0x1201
	leaves 0 0x1100
	ipsi_is "$(ipsi_try left ipsec-ipip sa show |
		sed -n 's/.* out spi \(0x[0-9a-f]*\).*/\1/p' | sort |
		tr '\n' ' ')" "0x00001001 0x00001100 0x00001201 " "outbound SAs"
}

# SAs from a key manager.
of_a_key_manager()
{
	both_sides
	ipsi_do left ip link set "$DEV" type ipsec-ipip keying adopt
	add left out 0x1001
	add right in 0x1301
	ipsi_do left "$IPSI_LIB/xfrm.py" pcpu 10.0.0.1 10.0.0.2 \
		0x1301 1 "${KEY:0:38}1301"
	ipsi_wait "adoption" adopted out 0x1301
	leaves 0 0x1100
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1101
	leaves 1 0x1301
}

# Probe once whether the kernel has such SAs, with a device in a temporary
# namespace.
# shellcheck disable=SC2016 # expanded by that shell
PROBED=$(unshare --net sh -c '
	ip link add probe0 type ipsec-ipip local 192.0.2.1 remote 192.0.2.2
	ipsec-ipip sa add probe0 out spi 0x1001 pcpu 0 aead "$@"' \
	sh "$AEAD" "${KEY:0:42}" 128 2>&1)

ipsi_run each_by_its_own falls_back pinned rekeyed of_a_key_manager
