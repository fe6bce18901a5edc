#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Packets that exceed the path MTU between the endpoints:
#
#   left -------- middle -------- right -------- client
#   ipsec0        a router        ipsec0         192.168.3.2
#
# With DF set, the sender, on the host itself or behind it, gets an error with
# an MTU that fits (RFC 4301 section 8.2.1); with DF clear the packet arrives in
# fragments. A router on the path may have a smaller MTU than the host: its ICMP
# error about the outer packets is relayed to the senders of the inner ones (RFC
# 2003 section 5.1). A failure means that connections over the device hang when
# they send much data.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

# pmtu_of MTU: print the size of the largest inner packet. AES-CBC and
# HMAC-SHA-256-128: IP header 20, SPI and sequence number 8, IV 16, blocks of 16
# of which 2 bytes are the trailer, ICV 16
pmtu_of()
{
	echo $(((($1 - 20 - 8 - 16 - 16) & ~15) - 2))
}

FULL=$(pmtu_of 1500)
LOW=1300
LESS=$(pmtu_of $LOW)

# pmtu_topology device|tunnel: set up the hosts; right always has a device, left
# has this
pmtu_topology()
{
	ipsi_topology_routed
	ipsi_device_side right
	if [ "$1" = tunnel ]; then
		ipsi_tunnel_side left
		return
	fi
	ipsi_device_side left
	setup_ns client || ipsi_skip "no network namespaces here"
	ip -n "${right:?}" -batch - <<-END || ipsi_fail "no client"
		link add client type veth peer name eth0 netns ${client:?}
		address add 192.168.3.1/24 dev client
		link set client up
	END
	ip -n "${client:?}" -batch - <<-END || ipsi_fail "no client"
		address add 192.168.3.2/24 dev eth0
		link set eth0 up
		route add default via 192.168.3.1
	END
	ip -n "${left:?}" route add 192.168.3.0/24 dev ipsec0
	ipsi_try right sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv4.icmp_ratelimit=0
	ipsi_try middle sysctl -qw net.ipv4.icmp_ratelimit=0
}

# pmtu_device_is: wait for the MTU of the device, which follows its SA with a
# delay
pmtu_device_is()
{
	# shellcheck disable=SC2317 # called by ipsi_wait
	mtu_is()
	{
		[ "$(ipsi_get right mtu)" = "$1" ]
	}
	ipsi_wait "MTU $1" mtu_is "$1"
}

# pmtu_fits HOST SIZE [do|dont]: check that an inner packet of this size arrives
pmtu_fits()
{
	ipsi_do "$1" ping -n -q -c 1 -W 10 -M "${3:-do}" -s $(($2 - 28)) \
		"${IPSI_INNER[left]}"
}

# pmtu_told HOST SIZE MTU: check that an inner packet of this size with DF leads
# to this MTU, and that the sender stores it in its routing table
pmtu_told()
{
	local output

	echo "$1: ping -M do, $2 bytes"
	output=$(ipsi_try "$1" ping -n -c 1 -W 10 -M "do" -s $(($2 - 28)) \
		"${IPSI_INNER[left]}" 2>&1)
	echo "$output"
	ipsi_has "$output" "Frag needed and DF set (mtu = $3)" "told"
	ipsi_has "$(ipsi_try "$1" ip route get "${IPSI_INNER[left]}")" \
		"mtu $3" "route"
}

# pmtu_lower: lower the path MTU, which only the router knows
pmtu_lower()
{
	ipsi_do middle ip link set eth0 mtu $LOW
	ipsi_do left ip link set eth0 mtu $LOW
}

# pmtu_learns HOST: check that packets with DF are lost until the router's ICMP
# error arrives, and that the sender of the next packet gets an error
pmtu_learns()
{
	local host=$1

	# shellcheck disable=SC2317 # called by ipsi_wait
	learnt()
	{
		ipsi_try "$host" ping -n -q -c 1 -W 1 -M "do" \
			-s $((FULL - 28)) "${IPSI_INNER[left]}"
		ipsi_try "$host" ip route get "${IPSI_INNER[left]}" |
			grep -q "mtu $LESS"
	}
	ipsi_wait "path MTU $LESS at $host" learnt
}

# R70 R73 R77
local_sender_is_told()
{
	local output

	pmtu_topology device
	pmtu_device_is "$FULL"
	pmtu_fits right "$FULL"
	# The IP layer knows the device's MTU ...
	output=$(ipsi_try right ping -n -c 1 -W 10 -M "do" \
		-s $((FULL + 1 - 28)) "${IPSI_INNER[left]}" 2>&1)
	ipsi_has "$output" "mtu=$FULL" "local error"
	# ... and where it was set too high, the device itself finds out.
	ipsi_do right ip link set ipsec0 mtu 1500
	pmtu_told right $((FULL + 1)) "$FULL"
	ipsi_is "$(ipsi_stat right tx_too_big)" 1 "tx_too_big"
	pmtu_fits right "$FULL"
}

# R70 R77
forwarded_sender_is_told()
{
	pmtu_topology device
	pmtu_device_is "$FULL"
	pmtu_fits client "$FULL"
	pmtu_told client $((FULL + 1)) "$FULL"
	ipsi_is "$(ipsi_stat right tx_too_big)" 0 "tx_too_big"

	ipsi_do right ip link set ipsec0 mtu 1500
	ipsi_do client ip route flush cache
	pmtu_told client $((FULL + 1)) "$FULL"
	ipsi_is "$(ipsi_stat right tx_too_big)" 1 "tx_too_big"
	pmtu_fits client "$FULL"
}

# R44 R70 R71 R74
# shellcheck disable=SC2031 # all in the same subshell
df_clear_arrives_in_pieces()
{
	local file=$IPSI_TMP/pcap host

	pmtu_topology device
	pmtu_device_is "$FULL"
	# Too big for the device: the inner packet is fragmented.
	ipsi_capture_start right "$file"
	for host in right client; do
		pmtu_fits $host $((FULL + 1)) dont
		pmtu_fits $host 4000 dont
	done
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$file" 'src 10.0.0.2 and ip[6:2] & 0x3fff != 0')" \
		0 "outer fragments"

	# It fits the device: the outer packet is fragmented, after encryption.
	ipsi_do right ip link set ipsec0 mtu 1500
	ipsi_capture_start right "$file"
	for host in right client; do
		pmtu_fits $host $((FULL + 1)) dont
	done
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$file" 'src 10.0.0.2 and ip[6:2] & 0x2000 != 0')" \
		2 "outer packets in pieces"
	ipsi_wire_is_clean "$file"
	ipsi_is "$(ipsi_stat right tx_too_big)" 0 "tx_too_big"
}

# R69
path_mtu_reaches_senders()
{
	pmtu_topology device
	pmtu_device_is "$FULL"
	pmtu_lower
	pmtu_learns right
	pmtu_fits right "$LESS"
	# The device knows the path MTU now, so one packet is enough.
	pmtu_told client "$FULL" "$LESS"
	pmtu_fits client "$LESS"
	# Without DF there is no error.
	pmtu_fits right "$FULL" dont
	pmtu_fits client "$FULL" dont
}

# pmtu_bulk FROM TO: move data over TCP
pmtu_bulk()
{
	ipsi_need python3
	python3 "$IPSI_LIB/bulk.py" tcp \
		"${!1}" "${IPSI_INNER[$1]}" "${!2}" "${IPSI_INNER[$2]}" 1 ||
		ipsi_fail "TCP from $1 to $2"
}

# R69
tcp_finds_its_way_to_device()
{
	pmtu_topology device
	pmtu_lower
	pmtu_bulk right left
}

# R69
tcp_finds_its_way_to_tunnel_mode()
{
	pmtu_topology tunnel
	pmtu_lower
	pmtu_bulk right left
}

# Packets that tc redirects to the device have no route. Their sender gets the
# error nevertheless, and TCP adapts.
# R70
redirected_sender_is_told()
{
	ipsi_need python3
	modprobe -a act_mirred cls_matchall sch_ingress 2> /dev/null
	pmtu_topology device
	pmtu_device_is "$FULL"
	ipsi_do right ip route replace unreachable "${IPSI_INNER[left]}"
	ipsi_do right tc qdisc add dev client clsact
	ipsi_do right tc filter add dev client ingress protocol ip \
		matchall action mirred egress redirect dev ipsec0
	# Redirected packets need a static neighbour entry.
	ipsi_do client ip neighbour replace 192.168.3.1 dev eth0 lladdr \
		"$(ipsi_json "$(ip -n "${right:?}" -j link show client)" address)"
	ipsi_do client ping -n -q -c 1 -W 10 -M "do" -s $((FULL - 28)) \
		"${IPSI_INNER[left]}"
	pmtu_told client $((FULL + 1)) "$FULL"
	ipsi_do client ip route flush cache
	python3 "$IPSI_LIB/bulk.py" tcp "${client:?}" \
		192.168.3.2 "${left:?}" "${IPSI_INNER[left]}" 1 ||
		ipsi_fail "TCP that tc gives to the device"
}

# first_mtu: print the initial MTU of a new device over the same underlay,
# because each processor caches its own routes
first_mtu()
{
	ipsi_try right taskset -c 0 ip link add second type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.1 if_id 9
	ipsi_get right mtu second
	ipsi_try right ip link del second
}

# A route through a neighbour that does not answer has not learned a path MTU:
# the MTU stays the same.
neighbour_does_not_answer()
{
	local before

	pmtu_topology device
	ipsi_do right ip route replace 10.0.0.1 via 10.0.0.254 mtu $LOW
	before=$(first_mtu)
	[ "$before" -lt $LOW ] || ipsi_fail "MTU $before over one of $LOW"
	ipsi_do right sysctl -qw "net.ipv4.neigh.$IPSI_WIRE.mcast_solicit=1" \
		"net.ipv4.neigh.$IPSI_WIRE.retrans_time_ms=100"
	ipsi_do middle ip link set eth1 arp off
	ipsi_do right ip neighbour flush dev "$IPSI_WIRE"
	ipsi_try right taskset -c 0 bash -c \
		"echo x > /dev/udp/${IPSI_INNER[left]}/9"
	# shellcheck disable=SC2317 # called by ipsi_wait
	failed()
	{
		ipsi_try right ip neighbour show 10.0.0.254 nud failed |
			grep -q FAILED
	}
	ipsi_wait "a neighbour that has failed" failed
	ipsi_is "$(first_mtu)" "$before" "MTU"
}

ipsi_run local_sender_is_told forwarded_sender_is_told \
	df_clear_arrives_in_pieces path_mtu_reaches_senders \
	tcp_finds_its_way_to_device tcp_finds_its_way_to_tunnel_mode \
	redirected_sender_is_told neighbour_does_not_answer
