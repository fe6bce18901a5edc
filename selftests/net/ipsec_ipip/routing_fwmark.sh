#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Policy routing: the outer packets carry the mark of the device, by which "ip
# rule" can select their route; the mark of an inner packet selects only the
# route of the inner packet. A failure means that outer packets take a wrong
# route, or return to the device when all other packets are routed to it.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV

outer_mark_chooses_the_way()
{
	ipsi_topology
	ipsi_device_side right
	ipsi_device_side left
	# Only packets with the mark 16 have a route to the right.
	ipsi_do left ip route add 10.0.0.2 dev "$IPSI_WIRE" table 100
	ipsi_do left ip route add unreachable 10.0.0.2
	ipsi_do left ip rule add fwmark 16 table 100
	ipsi_no_ping left
	# The mark of an inner packet is not copied to the outer one.
	ipsi_no_ping left -m 16
	ipsi_do left ip link set "$DEV" type ipsec-ipip fwmark 16
	ipsi_ping left
	ipsi_ping left -m 7
	ipsi_do left ip link set "$DEV" type ipsec-ipip fwmark 17
	ipsi_no_ping left
	ipsi_no_ping left -m 16
}

# Filters of the underlay see the mark.
outer_mark_is_on_the_packets()
{
	local rules

	ipsi_need nft
	ipsi_topology
	ipsi_device_side right
	ipsi_device_side left fwmark 16
	ipsi_try left nft -f - <<-END || ipsi_fail "no rules"
		table ip t {
			counter marked { }
			counter others { }
			chain output {
				type filter hook output priority 0
				oifname $IPSI_WIRE ip protocol esp meta length > 300 jump wire
			}
			chain wire {
				meta mark 16 counter name marked return
				counter name others
			}
		}
	END
	# Longer than the reports that multicast listeners send at any time
	ipsi_ping left -s 300
	ipsi_ping left -s 300 -m 7
	rules=$(ipsi_try left nft list counters)
	ipsi_has "${rules#*marked}" "packets 2 " "packets with the mark"
	ipsi_has "${rules#*others}" "packets 0 " "packets with another"
}

# All packets use the device, except its own outer packets: "everything into the
# VPN".
all_but_the_marked()
{
	ipsi_topology
	ipsi_device_side right
	ipsi_do right ip address add 172.16.2.1/32 dev lo
	ipsi_device_side left fwmark 16
	ipsi_do left ip route add default dev "$DEV" table 100
	ipsi_do left ip rule add not fwmark 16 table 100
	ipsi_do left ping -n -q -c 1 -W 10 -I 192.168.1.1 172.16.2.1
	# This packet would be in clear if it did not use the device.
	ipsi_has "$(ipsi_try left ip route get 10.0.0.2)" "dev $DEV" "route"
	ipsi_is "$(ipsi_stat left tx_loop)" 0 "packets that came back"
	ipsi_do left ip link set "$DEV" type ipsec-ipip fwmark 0
	ipsi_no_ping left
	[ "$(ipsi_stat left tx_loop)" -gt 0 ] ||
		ipsi_fail "a packet that came back is not in stats.tx_loop"
}

# Inner packets are also routed by their marks: to one device or the other.
inner_mark_chooses_the_device()
{
	ipsi_topology
	ipsi_device_side right
	ipsi_device_side left
	ipsi_do left ip rule add fwmark 5 table 100
	ipsi_do left ip route add 172.16.2.1 dev "$DEV" table 100
	ipsi_do left ip route add unreachable 172.16.2.1
	ipsi_do right ip address add 172.16.2.1/32 dev lo
	ipsi_must_fail "" left ping -n -q -c 1 -W 1 172.16.2.1
	ipsi_do left ping -n -q -c 1 -W 10 -I 192.168.1.1 -m 5 172.16.2.1
}

# left_sas WORD...: add both SAs of the left, the outbound one with its own
# output mark; the words are for both
left_sas()
{
	ipsi_daemon_sa left in if_id "$IPSI_IF_ID" "$@"
	ipsi_daemon_sa left out if_id "$IPSI_IF_ID" "$@" output-mark 0x2a
	ipsi_wait "both SAs" ipsi_has_sas left 1 1
}

# sa_mark FAMILY KEYING WORD...: only packets with the mark of the SA have a
# route to the right, with MTU 1400; all others use the device
sa_mark()
{
	local to net=0.0.0.0/0
	[ "$1" = 4 ] || net=::/0

	ipsi_families "$1" 4
	to=${IPSI_OUTER[right]}
	ipsi_topology
	ipsi_device_side right
	ipsi_device left keying "$2"
	ipsi_do left ip route add "$to" dev "$IPSI_WIRE" mtu 1400 table 100
	ipsi_do left ip "-$1" rule add fwmark 0x2a table 100 pref 100
	ipsi_do left ip route add "$net" dev "$DEV" table 101
	ipsi_do left ip "-$1" rule add table 101 pref 101
	left_sas "${@:3}"
	ipsi_ping left
	ipsi_ping right
	ipsi_is "$(ipsi_stat left tx_loop)" 0 "packets that came back"
	# The MTU follows the route, which the device learns with the first
	# packet.
	# shellcheck disable=SC2317 # called by ipsi_wait
	mtu_is_less()
	{
		[ "$(ipsi_get left mtu)" -le 1360 ]
	}
	ipsi_wait "MTU of that route" mtu_is_less
	# The bits outside of the SA's mask are those of the device.
	ipsi_do left ip link set "$DEV" type ipsec-ipip fwmark 7
	ipsi_ping left
}

mark_of_the_sa()
{
	sa_mark 4 manual mode transport
}

mark_of_an_adopted_sa()
{
	sa_mark 4 adopt
}

mark_of_the_sa_over_ipv6()
{
	sa_mark 6 manual mode transport
}

mark_of_an_adopted_sa_over_ipv6()
{
	sa_mark 6 adopt flag af-unspec
}

# The route for the SA's mark leads back into the device, or nowhere.
mark_of_the_sa_leads_astray()
{
	ipsi_topology
	ipsi_device_side right
	ipsi_device left
	ipsi_do left ip rule add fwmark 0x2a table 100
	left_sas mode transport
	ipsi_ping left
	ipsi_do left ip route add 10.0.0.2 dev "$DEV" table 100
	ipsi_no_ping left
	[ "$(ipsi_stat left tx_loop)" -gt 0 ] ||
		ipsi_fail "a packet that came back is not in stats.tx_loop"
	ipsi_do left ip route replace unreachable 10.0.0.2 table 100
	ipsi_no_ping left
	[ "$(ipsi_stat left tx_no_route)" -gt 0 ] ||
		ipsi_fail "a packet without a route is not in stats.tx_no_route"
	ipsi_do left ip route flush table 100
	ipsi_ping left
}

ipsi_run outer_mark_chooses_the_way outer_mark_is_on_the_packets \
	all_but_the_marked inner_mark_chooses_the_device \
	mark_of_the_sa mark_of_an_adopted_sa mark_of_the_sa_over_ipv6 \
	mark_of_an_adopted_sa_over_ipv6 mark_of_the_sa_leads_astray
