#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Neighbours by IPv6 on links that have no link-layer addresses: each link is
# one of its own, and its ends answer each other with neither.
#
#   r2 ---- r1 ---- r3
#
# A failure means that one neighbour is taken for the other, or that somebody
# waits for an address that is none.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"
# shellcheck source=ipsec_ipip_router.sh
source "$IPSI_DIR/ipsec_ipip_router.sh"

two_links()
{
	ipsi_lan 1 2 3
	ipsi_ends 1 2 3
	ipsi_ends 2 1
	ipsi_ends 3 1
}

# R11
same_address_on_two_links()
{
	local n

	two_links
	for n in 2 3; do
		ipsi_do r$n ip address add fe80::9/64 dev to1 nodad
		ipsi_do r$n ip address add 2001:db8:9::$n/128 dev lo
		ipsi_do r$n ip -6 route add 2001:db8::1 dev to1
		ipsi_do r1 ip -6 route add 2001:db8:9::$n via fe80::9 dev to$n
	done
	for n in 2 3; do
		ipsi_do r1 ping -n -q -c 1 -W 10 "fe80::9%to$n"
		ipsi_do r1 ping -n -q -c 1 -W 10 "2001:db8:9::$n"
	done
	# and each is there for one alone
	ipsi_do r2 ip address del fe80::9/64 dev to1
	ipsi_must_fail "" r1 ping -n -q -c 1 -W 1 "fe80::9%to2"
	ipsi_do r1 ping -n -q -c 1 -W 10 "fe80::9%to3"
}

# solicit r2 with an option of so many times 8 bytes with a link-layer address, or
# none, and print the advertisement in hex: LENGTH ADDRESS
ask='
import socket, struct, sys
length, target = int(sys.argv[1]), sys.argv[2]
index = socket.if_nametoindex("to2")
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
s.setsockopt(socket.SOL_SOCKET, 25, b"to2\0")
s.settimeout(30)
option = struct.pack("!BB", 1, length) + bytes(8 * length - 2) if length else b""
s.sendto(struct.pack("!BBHI", 135, 0, 0, 0) +
         socket.inet_pton(socket.AF_INET6, target) + option,
         (target, 0, 0, index))
while True:
    data, sender = s.recvfrom(1000)
    if data[0] == 136:
        print(data.hex())
        break
'

# R9
solicitations_are_answered()
{
	local length answer address

	ipsi_need python3
	two_links
	address=$(ip -6 -n "${r2:?}" -o address show dev to1 scope link)
	address=${address#*inet6 }
	address=${address%%/*}
	for length in 0 1; do
		echo "r1: solicits $address with an option of $length"
		answer=$(ipsi_try r1 python3 -c "$ask" $length "$address") ||
			ipsi_fail "no advertisement"
		# type 136, flags, target, and no option
		ipsi_is "${#answer}" $((2 * 24)) "length of the advertisement"
	done
	ipsi_is "$(ipsi_try r2 ip -6 neigh show dev to1 | grep -c lladdr)" 0 \
		"link-layer addresses that r2 has learned"
	# nor does unreachability detection send any of its own
	ipsi_capture_start r2 "$IPSI_TMP/inner" to1
	ipsi_do r1 ping -n -q -c 1 -W 10 "$address%to2"
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$IPSI_TMP/inner" \
		'icmp6 and ip6[40] = 135 and ip6[4:2] > 24')" 0 \
		"solicitations with an option"
}

ipsi_run same_address_on_two_links solicitations_are_answered
