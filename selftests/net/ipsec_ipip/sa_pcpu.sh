#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# SAs that are for one CPU alone, beside one for all (RFC 9611): packets leave by
# the one of the CPU that they are sent on, and by that for all where there is
# none or where it is pinned. A failure means that packets leave by a wrong SA, or
# do not leave.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"
# shellcheck source=ipsec_ipip_adopt.sh
source "$IPSI_DIR/ipsec_ipip_adopt.sh"

KEY=0x000102030405060708090a0b0c0d0e0f101112131415161718
AEAD='rfc4106(gcm(aes))'

# add HOST {in|out} SPI OPTION...: each SPI has a key of its own
add()
{
	ipsi_do "$1" ipsec-ipip -q sa add "$DEV" "$2" spi "$3" \
		aead "$AEAD" "${KEY:0:38}${3: -4}" 128 "${@:4}"
}

# The left has an SA for all and one for each of two CPUs; the right sends with
# one.
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

# packets SPI: what it has carried
packets()
{
	ipsi_json "$(ipsi_try left ipsec-ipip -j sa show "$DEV" out spi "$1")" \
		packets
}

# leaves CPU SPI: a packet that is sent on this CPU leaves by this SA
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
	# which is not a link before there is one for all
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
	# one comes, and goes
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

# New keys for one CPU are no matter of the others.
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

# What a key manager installs
of_a_key_manager()
{
	both_sides
	ipsi_do left ip link set "$DEV" type ipsec-ipip keying adopt
	add left out 0x1001
	add right in 0x1301
	ipsi_do left "$IPSI_DIR/ipsec_ipip_xfrm.py" pcpu 10.0.0.1 10.0.0.2 \
		0x1301 1 "${KEY:0:38}1301"
	ipsi_wait "adoption" adopted out 0x1301
	leaves 0 0x1100
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1101
	leaves 1 0x1301
}

# Asked once: it takes a device, in a namespace that goes with it.
# shellcheck disable=SC2016 # for that shell
PROBED=$(unshare --net sh -c '
	ip link add probe0 type ipsec-ipip local 192.0.2.1 remote 192.0.2.2
	ipsec-ipip sa add probe0 out spi 0x1001 pcpu 0 aead "$@"' \
	sh "$AEAD" "${KEY:0:42}" 128 2>&1)

ipsi_run each_by_its_own falls_back pinned rekeyed of_a_key_manager
