#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OSPFv2 (RFC 2328) and OSPFv3 (RFC 5340) by FRR in a ring of four routers, all
# of whose links are ipsec-ipip; OSPFv3 uses only the link-local addresses of
# the devices.
#
# This is the purpose of RFC 3884: routes select the path of packets, and so the
# SA. A failure means that OSPF does not treat these links as others, or that
# packets bypass the SAs.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/router.sh
source "$IPSI_LIB/router.sh"
# shellcheck source=lib/ospf.sh
source "$IPSI_INTEROP/lib/ospf.sh"

# fails_and_returns: let the underlay between r1 and r2 fail and return
fails_and_returns()
{
	ospf_ping 1 2 64
	ospf_ping 1 3 63
	ospf_ping 4 2 63
	ospf_cut 1 2
	ospf_has 1 2 to4
	ospf_has 2 1 to3
	ospf_has 1 3 to4
	ospf_ping 1 2 62
	ospf_mend 1 2
	ospf_has 1 2 to2
	ospf_has 2 1 to1
	ospf_has 1 3 to2 to4
	ospf_ping 1 2 64
}

# R1 R10
ring()
{
	ospf_ring
	ipsi_has "$(ipsi_vtysh r1 show ip ospf interface to2)" \
		"Network Type POINTOPOINT" "OSPF's view of the link"
	fails_and_returns
	ospf_wire_is_clean
}

# link_local N M: print the link-local address of router N on its link to M
link_local()
{
	local text

	text=$(ip -6 -n "$(ospf_namespace "$1")" -o address show dev "to$2" \
		scope link)
	text=${text#*inet6 }
	echo "${text%%/*}"
}

ospf_namespace()
{
	local host=r$1

	echo "${!host}"
}

# R1 R8 R10
ring_ospfv3()
{
	local one two

	OSPF_VERSION=6
	ospf_ring
	one=$(link_local 1 2)
	two=$(link_local 2 1)
	ipsi_has "$one" fe80: "link-local address of r1"
	[ "$one" != "$two" ] ||
		ipsi_fail "both ends of the link have the address $one"
	ipsi_has "$(ipsi_vtysh r1 show ipv6 ospf6 interface to2)" \
		"State PointToPoint" "OSPF's view of the link"
	ipsi_has "$(ipsi_try r1 ip -6 route show "$(ospf_loopback 2)")" \
		"via $two dev to2 proto ospf" "route"
	fails_and_returns
	ospf_wire_is_clean
}

ipsi_run ring ring_ospfv3
