#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Packets that exceed the path MTU, with IPv4 and IPv6 inside and outside: like
# pmtu.sh for IPv4, on a path of three hops. IPv6 must carry 1280 bytes however
# small the path MTU is, and its routers never fragment. A failure means that
# connections over the device hang when they send much data, or that an attacker
# who guesses an address can make them hang.

# shellcheck source=lib/path.sh
source "$(dirname "$0")/lib/path.sh"

# The test checks XFRM's error counters, so only it may send packets.
# shellcheck disable=SC2034 # for ipsi_quiet()
IPSI_QUIET=1

# pieces N FILE OUTER: check the number of right's outer fragments: none, or
# some
pieces()
{
	local filter='src 10.0.0.2 and ip[6:2] & 0x3fff != 0' n

	[ "$3" = 4 ] || filter='ip6 and src fd00:10::2 and ip6[6] = 44'
	n=$(ipsi_count "$2" "$filter")
	[ "$1" = some ] && [ "$n" -gt 0 ] && return
	ipsi_is "$n" "$1" "outer fragments"
}

# of_device 4|6: the MTU of the first hop, 1500, which the host knows
of_device()
{
	local full file=$IPSI_TMP/pcap

	path_topology "$1"
	full=$(path_room "$1" 1500)
	path_device_mtu "$full"

	ipsi_capture_start right "$file"
	path_python stack "$1" "$full"
	ipsi_capture_stop
	pieces 0 "$file" "$1"
	ipsi_is "$(ipsi_stat right tx_too_big)" 0 "tx_too_big"

	# If the MTU was set too high, the device itself detects that, and
	# packets without DF are fragmented after encryption.
	ipsi_do right ip link set ipsec0 mtu 4000
	ipsi_do client ip route flush cache
	path_python probe "$1" "$full"
	# (IPv6 caches it for later packets.)
	[ "$(ipsi_stat right tx_too_big)" -ge 3 ] ||
		ipsi_fail "the device has not told its senders"
	# The cache does not hold MTUs larger than the device's.
	ipsi_do right ip route flush cache
	ipsi_do client ip route flush cache
	ipsi_capture_start right "$file"
	path_python cut "$1" $((full + 1)) 1500 3000
	ipsi_capture_stop
	pieces some "$file" "$1"
	ipsi_wire_is_clean "$file"
}

# R69 R70 R71 R73 R74 R77
device_over_ipv4()
{
	of_device 4
}

# R70 R71 R73 R74 R77
device_over_ipv6()
{
	of_device 6
}

# of_path 4|6: a link on the path has a smaller MTU, which the first router
# reports. The sender cannot know it before the second packet.
of_path()
{
	local full less least route

	path_topology "$1"
	full=$(path_room "$1" 1500)
	less=$(path_room "$1" 1400)
	least=$(path_room "$1" 1280)
	path_device_mtu "$full"

	path_narrow 1400
	path_python learns "$1" "$full" "$less"
	path_python probe "$1" "$less"
	path_narrow 1280
	path_python learns "$1" "$less" "$least"
	path_python least "$1" "$least"
	path_python cut "$1" 1400
	ipsi_is "$(ipsi_get right mtu)" "$full" "the device's MTU"

	# A learned path MTU is kept for a while, even after it has changed.
	ipsi_do right ip route flush cache
	ipsi_do right ip -6 route flush cache
	ipsi_do right sysctl -qw net.ipv4.route.mtu_expires=15 \
		net.ipv6.route.mtu_expires=15
	path_python learns "$1" "$full" "$least"
	path_narrow 1500
	route=$(ipsi_try right ip route get "${IPSI_OUTER[left]}")
	ipsi_has "$route" "expires" "route"
	ipsi_has "$route" "mtu 1280" "route"
	path_python raised "$1" "$full"
}

# R69 R72 R75 R77
path_over_ipv4()
{
	of_path 4
}

# R69 R72 R75 R77
path_over_ipv6()
{
	of_path 6
}

# R76
forged_over_ipv4()
{
	path_topology 4
	path_device_mtu "$(path_room 4 1500)"
	path_python forged 4 "$(path_room 4 1500)"
}

# R76
forged_over_ipv6()
{
	path_topology 6
	path_device_mtu "$(path_room 6 1500)"
	path_python forged 6 "$(path_room 6 1500)"
}

# bulk tcp|udp FROM ADDRESS TO ADDRESS: move data
bulk()
{
	echo "bulk.py $*"
	python3 "$IPSI_LIB/bulk.py" "$1" "${!2}" "$3" "${!4}" "$5" 1 ||
		ipsi_fail "$1 from $2 to $4"
}

# of_bulk 4|6: move data in both families, in GSO packets larger than any MTU
of_bulk()
{
	ipsi_need python3
	path_topology "$1"
	path_narrow 1400
	bulk tcp right fd00:2::1 left fd00:1::1
	bulk tcp client 192.168.3.2 left 192.168.1.1
	bulk udp right 192.168.2.1 left 192.168.1.1
	path_narrow 1280
	bulk tcp client fd00:3::2 left fd00:1::1
	bulk tcp right 192.168.2.1 left 192.168.1.1
	# in the other direction, where the near router reports the MTU
	bulk tcp left fd00:1::1 client fd00:3::2
}

# R69 R72
bulk_over_ipv4()
{
	of_bulk 4
}

# R69 R72
bulk_over_ipv6()
{
	of_bulk 6
}

# R78
mss_is_clamped()
{
	local full

	ipsi_need nft
	path_topology 4
	full=$(path_room 4 1500)
	path_device_mtu "$full"
	# Otherwise the server knows the MTU as the client does.
	ipsi_do left ip link set ipsec0 mtu 1500
	ipsi_do left sysctl -qw net.ipv4.tcp_timestamps=0
	path_python clamped 4 1460
	ipsi_do right nft "add table t
		add chain t c { type filter hook forward priority 0; }
		add rule t c oifname ipsec0 tcp flags syn tcp option maxseg \
			size set rt mtu"
	path_python clamped 4 $((full - 40))
}

ipsi_run device_over_ipv4 device_over_ipv6 path_over_ipv4 path_over_ipv6 \
	forged_over_ipv4 forged_over_ipv6 bulk_over_ipv4 bulk_over_ipv6 \
	mss_is_clamped
