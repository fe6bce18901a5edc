#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library of the OSPF tests, in addition to router.sh: OSPF by FRR in a ring of
# four routers, all of whose links are ipsec-ipip:
#
#     r1 ---- r2
#     |        |
#     r4 ---- r3

# shellcheck source=selftests/interop/lib/frr.sh
source "$IPSI_INTEROP/lib/frr.sh"

OSPF_VERSION=		# OSPFv2; 6 for OSPFv3

# ospf_config N M...: print the configuration of router N with links to M. It
# sets neither the network type nor the MTU: OSPF must detect that the links are
# point-to-point, and requires equal MTUs at both ends.
ospf_config()
{
	local n=$1 m
	shift

	{
		for m in "$@"; do
			echo "interface to$m"
			echo " ip ospf hello-interval ${OSPF_HELLO:-1}"
			echo " ip ospf dead-interval ${OSPF_DEAD:-4}"
		done
		echo "router ospf"
		echo " ospf router-id 192.168.$n.$n"
		echo " timers throttle spf 10 100 500"
		echo " network 192.168.0.0/16 area 0"
	} | ipsi_frr_config "r$n" ospfd
}

# ospf6_config N M...: the same for OSPFv3
ospf6_config()
{
	local n=$1 m
	shift

	{
		for m in "$@"; do
			echo "interface to$m"
			echo " ipv6 ospf6 area 0.0.0.0"
			echo " ipv6 ospf6 hello-interval ${OSPF_HELLO:-1}"
			echo " ipv6 ospf6 dead-interval ${OSPF_DEAD:-4}"
		done
		echo "interface lo"
		echo " ipv6 ospf6 area 0.0.0.0"
		echo "router ospf6"
		echo " ospf6 router-id 192.168.$n.$n"
		echo " timers throttle spf 10 100 500"
	} | ipsi_frr_config "r$n" ospf6d
}

# ospf_ring: set up four routers, and wait until each has a route to all others.
# OSPF_VERSION=6 uses IPv6.
ospf_ring()
{
	ipsi_lan 1 2 3 4
	WIRE=$IPSI_TMP/wire
	ipsi_capture_start lan "$WIRE" br0
	ospf_router 1 2 4
	ospf_router 2 1 3
	ospf_router 3 2 4
	ospf_router 4 1 3
	ipsi_frr "ospf${OSPF_VERSION}d" r1 r2 r3 r4

	ospf_has 1 3 to2 to4
	ospf_has 2 4 to1 to3
	ospf_has 3 1 to2 to4
	ospf_has 4 2 to1 to3
	ospf_has 1 2 to2
	ospf_has 2 1 to1
	ospf_has 2 3 to3
	ospf_has 3 4 to4
	ospf_has 4 1 to1
}

ospf_router()
{
	ipsi_ends "$@"
	"ospf${OSPF_VERSION}_config" "$@"
}

# ospf_loopback N: print the loopback address of router N
ospf_loopback()
{
	if [ "$OSPF_VERSION" = 6 ]; then
		echo "2001:db8::$1"
	else
		echo "192.168.$1.$1"
	fi
}

# ospf_has N M DEVICE...: wait until router N has this route to router M
ospf_has()
{
	local n=$1 m=$2
	shift 2

	echo "r$n: wait for a route to $(ospf_loopback "$m") by $*"
	ipsi_wait "route of r$n to r$m by $*" \
		ipsi_leads "r$n" "$(ospf_loopback "$m")" "$@"
}

# ospf_ping N M TTL: ping between the loopbacks, and check the TTL of the answer
ospf_ping()
{
	local output from to

	from=$(ospf_loopback "$1")
	to=$(ospf_loopback "$2")
	echo "r$1: ping -I $from $to"
	output=$(ipsi_try "r$1" ping -n -c 1 -W 10 -I "$from" "$to")
	ipsi_has "$output" "ttl=$3 " "answer to the ping"
}

# ospf_cut N M: silently drop the packets between these routers in the underlay
ospf_cut()
{
	ipsi_do "r$1" ip neigh replace "$IPSI_LAN$2" dev eth0 \
		lladdr 02:00:00:00:00:fe nud permanent
	ipsi_do "r$2" ip neigh replace "$IPSI_LAN$1" dev eth0 \
		lladdr 02:00:00:00:00:fe nud permanent
}

# ospf_mend N M: undo ospf_cut
ospf_mend()
{
	ipsi_do "r$1" ip neigh del "$IPSI_LAN$2" dev eth0
	ipsi_do "r$2" ip neigh del "$IPSI_LAN$1" dev eth0
}

# ospf_wire_is_clean: end the capture, and check that all of it was encrypted
# and all SAs were used
ospf_wire_is_clean()
{
	local spi

	ipsi_capture_stop
	ipsi_none "$WIRE" 'not arp and not esp and not ether proto 0x88b5' \
		"packets in clear"
	for spi in 0x1012 0x1021 0x1023 0x1032 0x1034 0x1043 0x1014 0x1041; do
		[ "$(ipsi_count "$WIRE" "esp and ip[20:4] = $spi")" -gt 0 ] ||
			ipsi_fail "no packet with SPI $spi"
	done
}
