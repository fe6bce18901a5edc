#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rekeying while packets flow both ways: no packet is lost, duplicated, or
# refused by any counter, whether a program or the command "ipsec-ipip rekey"
# changes the SAs, or the pinned SA changes. The new SA receives before it is
# used to send; pairs coexist; the command deletes the right SAs, and none if it
# fails. A failure means that users notice a rekey.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV
GCM=0x000102030405060708090a0b0c0d0e0f10111213
AEAD=(aead 'rfc4106(gcm(aes))' "$GCM" 128)
AH=(proto ah auth 'hmac(sha256)' "$GCM")
declare -A SPI=([left]=0x10000 [right]=0x20000)

# sa_add HOST {in|out} SPI OPTION...: add an SA
sa_add()
{
	ipsi_do "$1" ipsec-ipip -q sa add "$DEV" "$2" spi "$3" "${AEAD[@]}" \
		"${@:4}"
}

# sa_list HOST: print the SAs as "out:1001", sorted; * marks the SA in use, ! a
# pinned one
sa_list()
{
	ipsi_try "$1" ipsec-ipip sa show | sed -n \
		's/^ipsec0 \([a-z]*\) spi 0x0*\([0-9a-f]*\) [^(]*/\1:\2/
		s/(active)/*/; s/(pinned)/!/; s/(dying)/+/; s/ //g
		/^\(in\|out\):/p' | LC_ALL=C sort | tr '\n' ' '
}

# expect_list HOST LIST: check this list
expect_list()
{
	ipsi_is "$(sa_list "$1")" "$2 " "SAs of $1"
}

# both_sides: make both devices with the first pair of SAs, whose keys are used
# once. This also loads the kernel's modules for them, so that nothing waits for
# them later.
both_sides()
{
	local host peer

	modprobe -a esp4 gcm ctr seqiv aesni_intel sha512_ssse3 sha512_generic \
		drbg 2> /dev/null || :
	ipsi_topology
	for host in left right; do
		peer=${IPSI_PEER[$host]}
		# Only the test sends packets.
		ipsi_try "$host" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
		ipsi_device "$host"
		sa_add "$host" in "${SPI[$peer]}" replay-window 64
		sa_add "$host" out "${SPI[$host]}"
	done
	ipsi_ping left
}

# flows TEST COUNT: run rekey.py
flows()
{
	ipsi_need python3
	left=${left:?} right=${right:?} \
		python3 "$IPSI_LIB/rekey.py" "$@" ||
		ipsi_fail "$1"
}

# R30
rekey_loses_nothing()
{
	both_sides
	flows rekey 200
	expect_list left "in:200c7 in:200c8 out:100c8*"
	expect_list right "in:100c7 in:100c8 out:200c8*"
}

# R31
pinning_loses_nothing()
{
	both_sides
	flows pin 200
	expect_list left "in:20000 in:20001 out:10000*! out:10001"
	expect_list right "in:10000 in:10001 out:20000*! out:20001"
}

# R30
command_loses_nothing()
{
	both_sides
	flows command 10
	expect_list left "in:20009 in:2000a out:1000a*"
	expect_list right "in:10009 in:1000a out:2000a*"
}

# packets HOST {in|out} SPI: print the packet count of an SA
packets()
{
	ipsi_json "$(ipsi_try "$1" ipsec-ipip -j sa show "$DEV" "$2" spi "$3")" \
		packets
}

# One end rekeys before the other: packets of the new SA are delivered while
# answers still leave with the old one.
# R29 R30 R31
new_one_receives_first()
{
	both_sides
	sa_add right in 0x10001
	sa_add left in 0x20001
	sa_add left out 0x10001
	ipsi_ping left
	ipsi_is "$(packets left out 0x10001)" 1 "packets by the new SA"
	ipsi_is "$(packets right in 0x10001)" 1 "received by it"
	ipsi_is "$(packets right out 0x20000)" 2 "answers by the old SA"

	# The other end has the new SA, but does not use it yet.
	ipsi_do right ipsec-ipip sa activate "$DEV" spi 0x20000
	sa_add right out 0x20001
	ipsi_ping left
	ipsi_is "$(packets right out 0x20000)" 3 "answers by the old SA"
	ipsi_do right ipsec-ipip sa activate "$DEV" newest
	ipsi_ping left
	ipsi_is "$(packets right out 0x20001)" 1 "answers by the new SA"
	ipsi_is "$(packets left in 0x20001)" 1 "received by it"

	# Both pairs still work.
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 0x10000
	ipsi_ping left
	ipsi_is "$(packets right in 0x10000)" 2 "received by the old SA"
}

# The SAs that the command deletes and keeps.
command_replaces_former_ones()
{
	local before

	ipsi_topology
	ipsi_device left
	ipsi_do left ip link add other type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.2 if_id 8
	ipsi_do left ipsec-ipip -q sa add other out spi 0x3001 "${AEAD[@]}"
	rekey()
	{
		ipsi_do left ipsec-ipip -q rekey "$DEV" "$@"
	}

	# There is no SA before the first one.
	rekey out spi 0x1001 "${AEAD[@]}"
	rekey in spi 0x2001 "${AEAD[@]}"
	expect_list left "in:2001 out:1001*"
	sa_add left out 0x1002
	sa_add left in 0x2002
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 0x1001
	expect_list left "in:2001 in:2002 out:1001*! out:1002"

	before=$(sa_list left)
	ipsi_must_fail "in use by another SA" left \
		ipsec-ipip rekey "$DEV" out spi 0x1001 "${AEAD[@]}"
	ipsi_must_fail "an SA without integrity" left ipsec-ipip rekey "$DEV" \
		in spi 0x2003 enc 'cbc(aes)' 0x404142434445464748494a4b4c4d4e4f
	ipsi_must_fail "no such device" left \
		ipsec-ipip rekey nosuch0 out spi 0x1003 "${AEAD[@]}"
	ipsi_is "$(sa_list left)" "$before" "SAs after these refusals"

	# A pin does not keep the old SA.
	rekey out spi 0x1003 "${AEAD[@]}" esn
	expect_list left "in:2001 in:2002 out:1003*"
	rekey in spi 0x2003 "${AEAD[@]}" replay-window 96
	expect_list left "in:2002 in:2003 out:1003*"
	# from ESP to AH
	rekey out spi 0x1003 "${AH[@]}"
	expect_list left "in:2002 in:2003 out:1003*"
	ipsi_is "$(ipsi_get left active_proto)" ah "protocol"
	# The SAs of the other device do not change.
	ipsi_is "$(ipsi_get left active_spi other)" "$((0x3001))" \
		"SA of the other device"
}

# With --icount each command takes minutes, so only the test that needs the rate
# runs.
[ -z "$IPSI_COUNTED" ] || IPSI_TESTS=${IPSI_TESTS:-rekey_loses_nothing}

ipsi_run rekey_loses_nothing pinning_loses_nothing command_loses_nothing \
	new_one_receives_first command_replaces_former_ones
