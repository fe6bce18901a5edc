#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# BGP (RFC 4271) by FRR between two routers whose only connection is an
# ipsec-ipip link: a TCP connection between the inner addresses, and routes with
# these as next hops. A failure means that BGP does not accept the link as a
# connection between neighbours.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/router.sh
source "$IPSI_LIB/router.sh"
# shellcheck source=lib/frr.sh
source "$IPSI_INTEROP/lib/frr.sh"

# bgp_config N M: print the configuration of router N, with M as a neighbour in
# another AS
bgp_config()
{
	local n=$1 m=$2 neighbor

	neighbor="neighbor $(ipsi_inner_of "$m" "$n")"
	ipsi_frr_config "r$n" bgpd <<-END
		router bgp 6500$n
		 bgp router-id 192.168.$n.$n
		 no bgp ebgp-requires-policy
		 no bgp network import-check
		 $neighbor remote-as 6500$m
		 $neighbor timers connect 1
		 address-family ipv4 unicast
		  network 192.168.$n.$n/32
		  $neighbor activate
	END
}

# R1
neighbours()
{
	local text

	ipsi_lan 1 2
	ipsi_ends 1 2
	ipsi_ends 2 1
	bgp_config 1 2
	bgp_config 2 1
	ipsi_frr bgpd r1 r2
	ipsi_wait "route of r1 to r2" ipsi_leads r1 192.168.2.2 to2
	ipsi_wait "route of r2 to r1" ipsi_leads r2 192.168.1.1 to1
	ipsi_has "$(ipsi_try r1 ip route show 192.168.2.2)" \
		"via 192.168.12.2 dev to2 proto bgp" "route"
	ipsi_do r1 ping -n -q -c 1 -W 10 -I 192.168.1.1 192.168.2.2

	# A route that the neighbour withdraws is removed from the routing
	# table.
	ipsi_do r2 vtysh --vty_socket "$IPSI_TMP/frr-r2" \
		-c "configure terminal" -c "router bgp 65002" \
		-c "address-family ipv4 unicast" -c "no network 192.168.2.2/32"
	ipsi_wait "end of the route to r2" ipsi_leads r1 192.168.2.2
	text=$(ipsi_vtysh r1 show bgp neighbors 192.168.12.2)
	ipsi_has "$text" "BGP state = Established" "session"
	ipsi_has "$text" "Local host: 192.168.12.1" "session"
}

ipsi_run neighbours
