#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The sysctl net.ipv6.conf.DEV.disable_xfrm, which patches/ adds to the kernel:
# with it, packets that leave through the device bypass policies without if_id,
# as in IPv4. Skipped on kernels without this sysctl. A failure means that the
# patch does not work.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/spd6.sh
source "$IPSI_LIB/spd6.sh"

# disable {0|1} [DEVICE]: set the sysctl of a device
disable()
{
	ipsi_do left sysctl -qw "net.ipv6.conf.${2:-$DEV}.disable_xfrm=$1"
}

start()
{
	[ -e /proc/sys/net/ipv6/conf/default/disable_xfrm ] ||
		ipsi_skip "this kernel has no disable_xfrm for IPv6"
	ipsi_families 6 6
	ipsi_topology
	spd6_gateway
	ipsi_device left keying adopt-endpoints
	spd6_sa left out
	spd6_sa left in
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	spd6_policies left fd01::/64 fd02::/64 "out in fwd"
	spd6_listen
}

# Packets routed to other devices still match the policies.
local_packets()
{
	start
	ipsi_is "$(ipsi_try left sysctl -n "net.ipv6.conf.$DEV.disable_xfrm")" \
		0 "default"
	ipsi_no_ping left
	spd6_arrived 0
	# routes that were used before
	disable 1
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping left -I "$DEV"
	ipsi_ping left -s 4000
	ipsi_ping right
	spd6_arrived 5
	disable 0
	ipsi_no_ping left
	spd6_arrived 0
	disable 1 all
	ipsi_ping left
	spd6_arrived 1
	disable 0 all
	disable 1
	ipsi_do left ip route add fd02::1/128 via fd00::2 dev "$IPSI_WIRE" \
		metric 1
	ipsi_no_ping left
	spd6_arrived 0
	ipsi_do left ip route del fd02::1/128 dev "$IPSI_WIRE" metric 1
	ipsi_ping left
	spd6_finish
}

# Connected sockets cache their route.
connected()
{
	local i before lines

	start
	ipsi_need python3
	# a datagram for each line
	mkfifo "$IPSI_TMP/lines"
	ipsi_bg left python3 -uc '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.connect(("fd02::1", 9))
for line in open(sys.argv[1]):
    try:
        s.send(b"x")
    except OSError:
        pass
    print("sent")
' "$IPSI_TMP/lines" > "$IPSI_TMP/sent"
	exec {lines}> "$IPSI_TMP/lines"
	for i in 1 2 3; do
		disable $((i == 2))
		before=$(ipsi_counter left tx.packets)
		echo >&"$lines"
		ipsi_wait "datagram" has_sent "$i"
		ipsi_is "$(($(ipsi_counter left tx.packets) - before))" \
			$((i == 2)) "datagrams by the device"
	done
	exec {lines}>&-
}

has_sent()
{
	[ "$(grep -cx sent "$IPSI_TMP/sent")" = "$1" ]
}

forwarded()
{
	start
	spd6_lan
	ipsi_try lan ping -n -q -c 1 -W 1 fd02::1
	spd6_arrived 0
	disable 1
	ipsi_do lan ping -n -q -c 3 -i 0.2 -W 10 fd02::1
	spd6_arrived 3
	# A route with a learned path MTU is a copy of the other.
	ipsi_try lan ping -n -q -c 1 -W 1 -M "do" -s 1452 fd02::1
	ipsi_do lan ping -n -q -c 1 -W 10 -s 1452 fd02::1
	spd6_arrived 1
	disable 0
	ipsi_try lan ping -n -q -c 1 -W 1 fd02::1
	spd6_arrived 0
	spd6_finish
}

# as in IPv4: by name, by number, and only valid values
values()
{
	start
	ipsi_must_fail "Invalid argument" left \
		sysctl -w "net.ipv6.conf.$DEV.disable_xfrm=2"
	disable 1 default
	ipsi_do left ip link add other type dummy
	ipsi_is "$(ipsi_try left sysctl -n net.ipv6.conf.other.disable_xfrm)" \
		1 "value of a new device"
}

ipsi_run local_packets connected forwarded values
