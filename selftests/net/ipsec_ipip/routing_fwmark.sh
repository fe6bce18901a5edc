#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Policy routing: the outer packets carry the mark of the device, by which "ip
# rule" can choose their way; the mark of an inner packet chooses that of the
# inner packet alone. A failure means that outer packets go astray, or come
# back into the device where all but they are routed to it.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"

DEV=$IPSI_DEV

outer_mark_chooses_the_way()
{
	ipsi_topology
	ipsi_device_side right
	ipsi_device_side left
	# only who has the mark 16 finds the way to the right
	ipsi_do left ip route add 10.0.0.2 dev "$IPSI_WIRE" table 100
	ipsi_do left ip route add unreachable 10.0.0.2
	ipsi_do left ip rule add fwmark 16 table 100
	ipsi_no_ping left
	# an inner packet's mark is not the outer one's
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
	# Longer than what multicast listeners say at any time
	ipsi_ping left -s 300
	ipsi_ping left -s 300 -m 7
	rules=$(ipsi_try left nft list counters)
	ipsi_has "${rules#*marked}" "packets 2 " "packets with the mark"
	ipsi_has "${rules#*others}" "packets 0 " "packets with another"
}

# All goes by the device but what it sends itself: "everything into the VPN".
all_but_the_marked()
{
	ipsi_topology
	ipsi_device_side right
	ipsi_do right ip address add 172.16.2.1/32 dev lo
	ipsi_device_side left fwmark 16
	ipsi_do left ip route add default dev "$DEV" table 100
	ipsi_do left ip rule add not fwmark 16 table 100
	ipsi_do left ping -n -q -c 1 -W 10 -I 192.168.1.1 172.16.2.1
	# this one is in clear if it is not in the device
	ipsi_has "$(ipsi_try left ip route get 10.0.0.2)" "dev $DEV" "route"
	ipsi_is "$(ipsi_stat left tx_loop)" 0 "packets that came back"
	ipsi_do left ip link set "$DEV" type ipsec-ipip fwmark 0
	ipsi_no_ping left
	[ "$(ipsi_stat left tx_loop)" -gt 0 ] ||
		ipsi_fail "a packet that came back is not in stats.tx_loop"
}

# Inner packets are routed by their marks as well: to one device or the other.
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

ipsi_run outer_mark_chooses_the_way outer_mark_is_on_the_packets \
	all_but_the_marked inner_mark_chooses_the_device
