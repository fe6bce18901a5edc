#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Multicast over the device: a host that has joined a group receives its
# packets, another does not, and membership reports (IGMP) also use the device,
# encrypted. A failure means that protocols which find their neighbours by
# multicast, as OSPF does, find none, or send in clear.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV
MULTICAST=$IPSI_LIB/multicast.py

# join HOST GROUP: print received datagrams to $IPSI_TMP/HOST.GROUP
join()
{
	local file=$IPSI_TMP/$1.$2

	ipsi_bg "$1" python3 "$MULTICAST" receive "$2" "$DEV" > "$file"
	ipsi_wait "membership of $1 in $2" grep -q ready "$file"
}

# R10
groups()
{
	local wire=$IPSI_TMP/wire

	ipsi_need python3
	ipsi_topology
	ipsi_try left sysctl -qw "net.ipv6.conf.$IPSI_WIRE.disable_ipv6=1"
	ipsi_try right sysctl -qw "net.ipv6.conf.$IPSI_WIRE.disable_ipv6=1"
	ipsi_capture_start right "$wire"
	ipsi_device_side left
	ipsi_device_side right

	join right 239.1.2.3
	join left 239.1.2.3
	for group in 239.9.9.9 239.1.2.3; do
		ipsi_do left python3 "$MULTICAST" send "$group" "$DEV" \
			"to $group"
		ipsi_do right python3 "$MULTICAST" send "$group" "$DEV" \
			"to $group"
	done
	ipsi_wait "datagram at the right" \
		grep -qx "192.168.1.1 to 239.1.2.3" "$IPSI_TMP/right.239.1.2.3"
	ipsi_wait "datagram at the left" \
		grep -qx "192.168.2.1 to 239.1.2.3" "$IPSI_TMP/left.239.1.2.3"
	! grep -q 239.9.9.9 "$IPSI_TMP/left.239.1.2.3" \
		"$IPSI_TMP/right.239.1.2.3" ||
		ipsi_fail "a datagram for a group that nobody has joined"

	ipsi_capture_stop
	ipsi_none "$wire" 'not arp and not esp and not ether proto 0x88b5' \
		"packets in clear"
	ipsi_wire_is_clean "$wire"
}

# Membership reports arrive at the other end of the link.
igmp()
{
	local inner=$IPSI_TMP/inner

	ipsi_need python3
	ipsi_topology
	ipsi_device_side left
	ipsi_device_side right
	ipsi_capture_start right "$inner" "$DEV"
	join left 239.1.2.3
	ipsi_wait "membership report" ipsi_capture_has -Q in igmp
	ipsi_capture_stop
}

ipsi_run groups igmp
