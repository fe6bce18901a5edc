#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# VRFs on the left: for the device, so that its inner addresses and routes are
# separate from the host's; for the underlay, so that the route to the remote
# endpoint is; or for both. A failure means that packets take a route of another
# VRF, or find none.
#
#              left                              right
#   +-------------------------+
#   | VRF red:  ipsec0        |
#   | VRF blue:          eth0 |--------------- a device, and no VRF
#   | default:           bait |
#   +-------------------------+

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV

# vrf NAME TABLE: make a VRF
vrf()
{
	ipsi_do left ip link add "$1" type vrf table "$2"
	ipsi_do left ip link set "$1" up
}

# underlay_in_blue: put the underlay in a VRF; the default VRF also has a route
# to the right, which leads nowhere
underlay_in_blue()
{
	vrf blue 20
	ip -n "${left:?}" -batch - <<-END || ipsi_fail "no underlay in a VRF"
		link set $IPSI_WIRE master blue
		link add bait type dummy
		link set bait up
		route add 10.0.0.2 dev bait
	END
}

# device_in_red OPTION...: make the device with both SAs, the inbound one in
# mode MODE
device_in_red()
{
	vrf red 10
	ipsi_do left ip link add "$DEV" master red type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id "$IPSI_IF_ID" "$@"
	ip -n "${left:?}" -batch - <<-END || ipsi_fail "no inner address"
		address add 192.168.1.1/32 dev $DEV
		link set $DEV up
		route add 192.168.2.1/32 dev $DEV vrf red
	END
	ipsi_device_sa left out
	ipsi_device_sa left in mode "${MODE:-transport}"
}

# client_in_red: make a client of the left in the same VRF as the device
client_in_red()
{
	setup_ns client || ipsi_skip "no network namespaces here"
	ip -n "${left:?}" -batch - <<-END || ipsi_fail "no client"
		link add client type veth peer name eth0 netns ${client:?}
		link set client master red
		address add 192.168.3.1/24 dev client
		link set client up
	END
	ip -n "${client:?}" -batch - <<-END || ipsi_fail "no client"
		address add 192.168.3.2/24 dev eth0
		link set eth0 up
		route add default via 192.168.3.1
	END
	ipsi_try left sysctl -qw net.ipv4.ip_forward=1
	ipsi_do right ip route add 192.168.3.0/24 dev "$DEV"
}

# red_works: ping from the VRF, and to it
red_works()
{
	ipsi_do left ping -n -q -c 1 -W 10 -I red 192.168.2.1
	ipsi_ping right
}

overlay()
{
	ipsi_topology
	ipsi_device_side right
	device_in_red
	red_works
	client_in_red
	ipsi_do client ping -n -q -c 1 -W 10 192.168.2.1
	ipsi_do right ping -n -q -c 1 -W 10 192.168.3.2
	# The default VRF has no route to that host.
	ipsi_must_fail "unreachable" left ip route get 192.168.2.1
	ipsi_must_fail "" left ping -n -q -c 1 -W 1 192.168.2.1
}

overlay_with_transport_mode()
{
	MODE=transport
	overlay
}

overlay_with_tunnel_mode()
{
	MODE=tunnel
	overlay
}

# bait_is_clean: check that no packet took the wrong route
bait_is_clean()
{
	ipsi_is "$(ipsi_counter left tx.packets bait)" 0 \
		"packets by the default VRF"
}

underlay()
{
	ipsi_topology
	ipsi_try left sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device_side right
	underlay_in_blue
	ipsi_device_side left dev "$IPSI_WIRE"
	ipsi_ping left
	ipsi_ping right
	# "dev" may also be the VRF itself.
	ipsi_do left ip link set "$DEV" type ipsec-ipip dev blue
	ipsi_ping left
	bait_is_clean

	# The device follows another route in the VRF.
	ipsi_do left ip route add unreachable 10.0.0.2 vrf blue
	ipsi_no_ping left
	ipsi_do left ip route del unreachable 10.0.0.2 vrf blue
	ipsi_ping left

	# The underlay device leaves the VRF and returns.
	ipsi_do left ip link set "$DEV" type ipsec-ipip dev "$IPSI_WIRE"
	ipsi_do left ip route del 10.0.0.2 dev bait
	ipsi_do left ip link set "$IPSI_WIRE" nomaster
	ipsi_ping left
	ipsi_do left ip link set "$IPSI_WIRE" master blue
	ipsi_ping left
	bait_is_clean

	# Without "dev" the default VRF is used.
	ipsi_do left ip link set "$DEV" type ipsec-ipip nodev
	ipsi_no_ping left
	[ "$(ipsi_stat left tx_no_route)" -gt 0 ] ||
		ipsi_fail "a packet without a route is not in stats.tx_no_route"
}

underlay_of_another()
{
	ipsi_topology
	underlay_in_blue
	# An address of this host in one VRF is that of another host in the
	# other.
	ipsi_do left ip address add 10.0.0.8/32 dev bait
	ipsi_do left ip address add 10.0.0.9/32 dev "$IPSI_WIRE"
	ipsi_must_fail "remote: is an address of this host" left \
		ip link add "$DEV" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.8
	ipsi_must_fail "remote: is an address of this host" left \
		ip link add "$DEV" type ipsec-ipip dev "$IPSI_WIRE" \
		local 10.0.0.1 remote 10.0.0.9
	ipsi_do left ip link add "$DEV" type ipsec-ipip dev "$IPSI_WIRE" \
		local 10.0.0.1 remote 10.0.0.8
}

both()
{
	ipsi_topology
	ipsi_try left sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device_side right
	underlay_in_blue
	device_in_red dev "$IPSI_WIRE"
	red_works
	bait_is_clean
}

# The path MTU from a router is stored in the VRF of the underlay.
path_mtu()
{
	local size=1300

	ipsi_topology_routed
	ipsi_device_side right
	vrf blue 20
	ip -n "${left:?}" -batch - <<-END || ipsi_fail "no underlay in a VRF"
		link set $IPSI_WIRE master blue
		route add 10.0.0.254 dev $IPSI_WIRE vrf blue
		route add 10.0.0.2 via 10.0.0.254 vrf blue
	END
	ipsi_device_side left dev "$IPSI_WIRE"
	ipsi_ping left -M "do" -s "$size"
	ipsi_do middle ip link set eth1 mtu 1200
	ipsi_do right ip link set eth0 mtu 1200

	# shellcheck disable=SC2317 # called by ipsi_wait
	told()
	{
		ipsi_try left ping -n -c 1 -W 1 -M "do" -s "$size" 192.168.2.1 |
			grep -q "Frag needed"
	}
	ipsi_wait "word of the path MTU" told
	ipsi_ping left -s "$size" -M dont
}

ipsi_run overlay_with_transport_mode overlay_with_tunnel_mode underlay \
	underlay_of_another both path_mtu
