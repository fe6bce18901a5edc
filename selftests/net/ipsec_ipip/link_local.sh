#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# IPv6 on a link without link-layer addresses: each end has its own link-local
# address and answers neighbour solicitations, and links do not mix. A failure
# means that OSPFv3 and other protocols find no neighbours, or wrong ones.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# link_local HOST [DEVICE]: wait for the link-local address, and print it
link_local()
{
	ip -n "${!1}" -o -6 address show dev "${2:-$IPSI_DEV}" scope link |
		sed -n 's/.* inet6 \(fe80:[^/]*\).*/\1/p'
}

has_link_local()
{
	[ -n "$(link_local "$@")" ]
}

both_sides()
{
	ipsi_topology
	ipsi_device_side left
	ipsi_device_side right
	ipsi_wait "a link-local address on the left" has_link_local left
	ipsi_wait "a link-local address on the right" has_link_local right
}

# R8
two_addresses()
{
	local left_addr right_addr

	both_sides
	left_addr=$(link_local left)
	right_addr=$(link_local right)
	echo "left: $left_addr, right: $right_addr"
	[[ $left_addr != *$'\n'* ]] || ipsi_fail "left: more than one address"
	[ "$left_addr" != "$right_addr" ] ||
		ipsi_fail "both ends have $left_addr"
	ipsi_do left ping -n -q -c 2 -i 0.2 -W 30 "$right_addr%$IPSI_DEV"
	ipsi_do right ping -n -q -c 2 -i 0.2 -W 30 "$left_addr%$IPSI_DEV"
}

# A solicitation over the link may have a link-layer address, which is ignored.
# The answer has none.
# R9
neighbours_are_answered()
{
	local target source option

	both_sides
	target=$(link_local left)
	source=$(link_local right)
	for option in bare sllao; do
		ipsi_do right python3 "$IPSI_LIB/nud.py" "$IPSI_DEV" \
			"$source" "$target" "$option"
	done
	ipsi_has_not "$(ip -n "${left:?}" -6 neigh show dev "$IPSI_DEV")" \
		lladdr "left: what it has learned"
	ipsi_do left ping -n -q -c 1 -W 30 "$source%$IPSI_DEV"
}

# second HOST: make another device between the same endpoints, with its own keys
second()
{
	local host=$1 peer=${IPSI_PEER[$1]} spi=([0]=0x1234 [1]=0x4321)
	local key=0x000102030405060708090a0b0c0d0e0f10111213
	local out=0 in=1

	[ "$host" = left ] || { out=1 in=0; }
	ipsi_do "$host" ip link add ipsec1 type ipsec-ipip \
		local "${IPSI_OUTER[$host]}" remote "${IPSI_OUTER[$peer]}" if_id 8
	ipsi_do "$host" ipsec-ipip sa add ipsec1 out spi "${spi[out]}" \
		aead 'rfc4106(gcm(aes))' $key 128
	ipsi_do "$host" ipsec-ipip sa add ipsec1 in spi "${spi[in]}" \
		aead 'rfc4106(gcm(aes))' $key 128
	ipsi_do "$host" ip link set ipsec1 up
}

# count_answers DEVICE...: count the answers to the left's pings by device
count_answers()
{
	local device

	ipsi_need nft
	{
		echo 'table ip6 t {'
		for device in "$@"; do
			echo "counter $device { }"
		done
		echo 'chain in { type filter hook prerouting priority 0;'
		for device in "$@"; do
			echo "iifname $device icmpv6 type echo-reply" \
				"counter name $device"
		done
		printf '}\n}\n'
	} | ipsi_try left nft -f - || ipsi_fail "no rules"
}

# answers DEVICE: print the count
answers()
{
	ipsi_try left nft list counter ip6 t "$1" |
		sed -n 's/.*packets \([0-9]*\) .*/\1/p'
}

# Two neighbours have the same address; the device selects one.
# R11
links_are_separate()
{
	local device


	ipsi_topology
	ipsi_device_side left
	ipsi_device_side right
	second left
	second right
	for device in "$IPSI_DEV" ipsec1; do
		ipsi_do left ip address add fe80::1/64 dev "$device"
		ipsi_do right ip address add fe80::2/64 dev "$device"
	done
	count_answers "$IPSI_DEV" ipsec1
	ipsi_do left ping -n -q -c 3 -i 0.2 -W 30 "fe80::2%$IPSI_DEV"
	ipsi_is "$(answers "$IPSI_DEV") $(answers ipsec1)" "3 0" "answers"
	ipsi_do left ping -n -q -c 4 -i 0.2 -W 30 fe80::2%ipsec1
	ipsi_is "$(answers "$IPSI_DEV") $(answers ipsec1)" "3 4" "answers"
}

ipsi_run two_addresses neighbours_are_answered links_are_separate
