#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OSPFv2 (RFC 2328) by FRR in a ring of four routers, all links of which are
# ipsec-ipip:
#
#     r1 ---- r2
#     |        |
#     r4 ---- r3
#
# It is what RFC 3884 is for: routes decide which way packets take, and which SA
# then. A failure means that OSPF does not see these links as it sees others,
# or that its packets, or others of the hosts' own, go beside the SAs.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"
# shellcheck source=ipsec_ipip_router.sh
source "$IPSI_DIR/ipsec_ipip_router.sh"

# ospf_config N M...: of router N with links to M. That they are point-to-point
# it has to find out by itself; that both ends have one MTU it insists on.
ospf_config()
{
	local n=$1 m
	shift

	{
		for m in "$@"; do
			echo "interface to$m"
			echo " ip ospf hello-interval 1"
			echo " ip ospf dead-interval ${OSPF_DEAD:-4}"
		done
		echo "router ospf"
		echo " ospf router-id 192.168.$n.$n"
		echo " timers throttle spf 10 100 500"
		echo " network 192.168.0.0/16 area 0"
	} | ipsi_frr_config "r$n" ospfd
}

# ospf_ring: four routers; each has a route to all others
ospf_ring()
{
	ipsi_lan 1 2 3 4
	WIRE=$IPSI_TMP/wire
	ipsi_capture_start lan "$WIRE" br0
	ospf_router 1 2 4
	ospf_router 2 1 3
	ospf_router 3 2 4
	ospf_router 4 1 3
	ipsi_frr ospfd r1 r2 r3 r4

	ospf_has 1 3 to2 to4
	ospf_has 2 4 to1 to3
	ospf_has 3 1 to2 to4
	ospf_has 4 2 to1 to3
	ospf_has 1 2 to2
	ospf_has 2 3 to3
	ospf_has 3 4 to4
	ospf_has 4 1 to1
}

ospf_router()
{
	ipsi_ends "$@"
	ospf_config "$@"
}

# ospf_has N M DEVICE...: router N will have a route to router M
ospf_has()
{
	local n=$1 m=$2
	shift 2

	echo "r$n: wait for a route to 192.168.$m.$m by $*"
	ipsi_wait "route of r$n to r$m by $*" \
		ipsi_leads "r$n" "192.168.$m.$m" "$@"
}

# ospf_ping N M TTL: between the loopbacks; the answer comes with this TTL
ospf_ping()
{
	local output

	echo "r$1: ping -I 192.168.$1.$1 192.168.$2.$2"
	output=$(ipsi_try "r$1" ping -n -c 1 -W 10 -I "192.168.$1.$1" \
		"192.168.$2.$2")
	ipsi_has "$output" "ttl=$3 " "answer to the ping"
}

# R1 R10
ring()
{
	ospf_ring
	ospf_ping 1 2 64
	ospf_ping 1 3 63
	ospf_ping 4 2 63
	ipsi_has "$(ipsi_vtysh r1 show ip ospf interface to2)" \
		"Network Type POINTOPOINT" "OSPF's view of the link"

	# the underlay between r1 and r2 fails, which nobody tells them
	ipsi_do r1 ip route add blackhole 10.0.0.2
	ospf_has 1 2 to4
	ospf_has 2 1 to3
	ospf_has 1 3 to4
	ospf_ping 1 2 62
	ipsi_do r1 ip route del blackhole 10.0.0.2
	ospf_has 1 2 to2
	ospf_has 2 1 to1
	ospf_has 1 3 to2 to4
	ospf_ping 1 2 64

	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$WIRE" 'not arp and not esp and
		not ether proto 0x88b5')" 0 "packets in clear"
	for spi in 0x1012 0x1021 0x1023 0x1032 0x1034 0x1043 0x1014 0x1041; do
		[ "$(ipsi_count "$WIRE" "esp and ip[20:4] = $spi")" -gt 0 ] ||
			ipsi_fail "no packet with SPI $spi"
	done
}

ipsi_run ring
