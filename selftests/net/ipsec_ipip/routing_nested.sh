#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Nested overlays: the endpoints of ipsec1 are the inner addresses of ipsec0,
# and those of ipsec2 are the inner addresses of ipsec1. Each layer is encrypted
# on its own, and subtracts its overhead from the MTU. A failure means that an
# overlay cannot be the underlay of another.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

declare -A N=([left]=1 [right]=2)

# layer I: make ipsec$I on both sides, over the layer below
layer()
{
	local i=$1 host from to below=192.168.$(($1 - 1))

	[ "$i" != 0 ] || below=10.0.0
	for host in left right; do
		from=${N[$host]}
		to=$((3 - from))
		ipsi_do "$host" ip link add "ipsec$i" type ipsec-ipip \
			local "$below.$from" remote "$below.$to" if_id $((10 + i))
		ipsi_do "$host" ip address add "192.168.$i.$from/24" \
			dev "ipsec$i"
		ipsi_do "$host" ip link set "ipsec$i" up
		sa "$host" "ipsec$i" out $((0x1000 + 16 * i + from))
		sa "$host" "ipsec$i" in $((0x1000 + 16 * i + to))
	done
}

sa()
{
	ipsi_do "$1" ipsec-ipip -q sa add "$2" "$3" spi "$4" \
		aead 'rfc4106(gcm(aes))' "$(printf '0x%040x' "$4")" 128
}

# mtu_over MTU: print the MTU of a layer over MTU, with AES-GCM: minus 20 for
# the IP header, 8 for SPI and sequence number, 8 for the IV, 16 for the ICV,
# rounded down to blocks of 4, minus 2 bytes of trailer
mtu_over()
{
	echo $(((($1 - 20 - 8 - 8 - 16) & ~3) - 2))
}

# R7
three_layers()
{
	local i mtu=1500 wire=$IPSI_TMP/wire output

	ipsi_topology
	for i in left right; do
		ipsi_try $i sysctl -qw \
			"net.ipv6.conf.$IPSI_WIRE.disable_ipv6=1"
	done
	for i in 0 1 2; do
		layer $i
	done

	for i in 0 1 2; do
		mtu=$(mtu_over "$mtu")
		# The MTU follows the SA with a delay.
		# shellcheck disable=SC2317 # called by ipsi_wait
		mtu_is()
		{
			[ "$(ipsi_get left mtu "ipsec$i")" = "$mtu" ]
		}
		ipsi_wait "MTU $mtu of ipsec$i" mtu_is
	done

	for i in 2 1 0; do
		ipsi_capture_start right "$wire"
		ipsi_do left ping -n -q -c 1 -W 10 "192.168.$i.2"
		ipsi_capture_stop
		ipsi_is "$(ipsi_count "$wire" esp)" 2 "ESP packets by layer $i"
		ipsi_none "$wire" "esp and not (ip[20:4] = 0x1001 or
			ip[20:4] = 0x1002)" "packets of another layer"
		ipsi_none "$wire" "not arp and not esp and
			not ether proto 0x88b5" "packets in clear"
	done
	# On the layer below, only packets of the next layer are visible.
	ipsi_capture_start right "$wire" ipsec0
	ipsi_do left ping -n -q -c 1 -W 10 192.168.2.2
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$wire" 'esp and ip[20:4] = 0x1011') $(ipsi_count \
		"$wire" 'ip and not esp')" "1 0" "packets by ipsec0"

	# The largest packet passes all layers without fragmentation, and one
	# more byte does not.
	ipsi_capture_start right "$wire"
	ipsi_do left ping -n -q -c 1 -W 10 -M "do" -s $((mtu - 28)) 192.168.2.2
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$wire" 'ip[6:2] & 0x3fff != 0')" 0 "fragments"
	output=$(ipsi_try left ping -n -c 1 -W 10 -M "do" -s $((mtu - 27)) \
		192.168.2.2 2>&1)
	ipsi_has "$output" "mtu=$mtu" "local error"
}

# When the layer below fails, the one above sends nothing.
lower_layer_fails()
{
	local wire=$IPSI_TMP/wire

	ipsi_topology
	layer 0
	layer 1
	ipsi_do left ping -n -q -c 1 -W 10 192.168.1.2
	ipsi_capture_start right "$wire"
	ipsi_do left ipsec-ipip sa del ipsec0 out spi 0x1001
	ipsi_must_fail "" left ping -n -q -c 1 -W 1 192.168.1.2
	[ "$(ipsi_stat left tx_no_sa ipsec0)" -gt 0 ] ||
		ipsi_fail "a packet without an SA is not in stats.tx_no_sa"
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$wire" 'ip and src 10.0.0.1')" 0 "packets"
	sa left ipsec0 out 0x1099
	sa right ipsec0 in 0x1099
	# The first packet may still get the error of the one before.
	ipsi_wait "the way through both" \
		ipsi_try left ping -n -q -c 1 -W 10 192.168.1.2
}

ipsi_run three_layers lower_layer_fails
