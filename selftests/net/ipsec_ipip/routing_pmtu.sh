#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Path MTUs from routers when the route to the endpoint is in a VRF or selected
# by the mark of the outer packets; the ICMP error itself has neither. The
# topology is that of path.sh; on the right, the main table has a
# wrong route. A failure means that the path MTU is stored with the wrong route,
# and connections hang when they send much data.

# shellcheck source=lib/path.sh
source "$(dirname "$0")/lib/path.sh"

# bait: add a route to the endpoint that leads nowhere
bait()
{
	path_batch right <<-END
		link add bait type dummy
		link set bait up
		route replace 10.0.0.1 dev bait
		route replace fd00:10::1 dev bait
	END
}

# routes WHERE...: add routes to the endpoint in this table
routes()
{
	path_batch right <<-END
		route replace 10.0.1.1 dev eth0 $*
		route replace fd00:10:1::1 dev eth0 $*
		route replace 10.0.0.1 via 10.0.1.1 dev eth0 $*
		route replace fd00:10::1 via fd00:10:1::1 dev eth0 $*
	END
}

# in_vrf: put the underlay of the right in a VRF
in_vrf()
{
	# The IPv6 addresses are lost by that.
	path_batch right <<-END
		link add blue type vrf table 20
		link set blue up
		link set eth0 master blue
		address replace 10.0.0.2/32 dev eth0
		address replace fd00:10::2/128 dev eth0 nodad
	END
	# The socket of ESP in UDP is not in a VRF.
	ipsi_do right sysctl -qw net.ipv4.udp_l3mdev_accept=1
	routes vrf blue
	ipsi_do right ip link set ipsec0 type ipsec-ipip dev eth0
	bait
}

# by_mark: route packets with the mark
by_mark()
{
	routes table 100
	ipsi_do right ip rule add fwmark 16 table 100
	ipsi_do right ip -6 rule add fwmark 16 table 100
	ipsi_do right ip link set ipsec0 type ipsec-ipip fwmark 16
	bait
}

# learned OUTER HOW: check that all senders get the path MTU
learned()
{
	local full less

	path_topology "$1"
	"$2"
	full=$(path_room "$1" 1500)
	less=$(path_room "$1" 1400)
	path_device_mtu "$full"
	path_narrow 1400
	path_python learns "$1" "$full" "$less"
	path_python probe "$1" "$less"
	ipsi_is "$(ipsi_counter right tx.packets bait)" 0 "packets led astray"
}

# R69
in_vrf_over_ipv4()
{
	learned 4 in_vrf
}

# R69
in_vrf_over_ipv6()
{
	learned 6 in_vrf
}

# R69
by_mark_over_ipv4()
{
	learned 4 by_mark
}

# R69
by_mark_over_ipv6()
{
	learned 6 by_mark
}

# Errors about ESP in UDP go to the socket of the port, which has neither the VRF
# nor the mark of the device. R69
in_vrf_over_udp()
{
	path_in_udp
	learned 4 in_vrf
	path_python gone 4
}

# R69
by_mark_over_udp()
{
	path_in_udp
	learned 6 by_mark
	path_python gone 6
}

ipsi_run in_vrf_over_ipv4 in_vrf_over_ipv6 by_mark_over_ipv4 by_mark_over_ipv6 \
	in_vrf_over_udp by_mark_over_udp
