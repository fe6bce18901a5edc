#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# strongSwan keys the device on the left; what ike_matrix.sh does not show: NAT
# traversal, no if_id, a daemon or a device that dies, a new IKE SA, and deletion
# of the child alone. A failure means that keys that IKE negotiates do not work for
# long, or that charon has lost track of them.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/flow.sh
source "$IPSI_LIB/flow.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/strongswan.sh
source "$IPSI_INTEROP/lib/strongswan.sh"

# Nothing is sent but by the test: it would bring keys.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1

# charon_counts PACKETS: charon on the left counts PACKETS in both directions
charon_counts()
{
	ipsi_swanctl left --list-sas | grep -c "^ *\(in\|out\) .*, *$1 packets" |
		grep -qx 2
}

# The view of charon, and how SAs end in each way. R27 R32
delete_child()
{
	swan_start psk
	ipsi_swanctl left --initiate --child link > "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	ipsi_ping left -c 5 -i 0.2
	ipsi_ping right -c 5 -i 0.2
	ipsi_wait "packets in charon's view" charon_counts 10
	ipsi_swanctl right --terminate --child link > /dev/null ||
		ipsi_fail "terminate"
	ipsi_wait "end of the SAs" ipsi_has_sas left 0 0
	ipsi_wait "the end of the carrier" ipsi_carrier_is left false
	swan_answer left

	ipsi_swanctl left --rekey --ike link > /dev/null ||
		ipsi_fail "IKE rekey"
	ipsi_ping left
	swan_rekey left
	ipsi_ping right
	swan_believe
}

# A daemon that dies leaves its SAs; the next one knows nothing of them, but
# gives the device new keys.
daemon_dies()
{
	swan_start psk
	swan_answer left
	ipsi_charon_kill left
	ipsi_ping left -c 3 -i 0.2
	ipsi_do left ip xfrm state flush
	ipsi_has_sas left 0 0 || ipsi_fail "SAs are left"
	ipsi_wait "the end of the carrier" ipsi_carrier_is left false
	ipsi_charon_start left
	swan_answer left
	ipsi_ping right
}

# The device goes while the peer sends. charon gets hard expiries, so it deletes
# the child, at the peer as well, and makes another one, in tunnel mode. The same
# device takes that over.
device_goes()
{
	local file=$IPSI_TMP/pcap

	swan_start psk
	# The peer has no policy between the two children.
	ipsi_record_also icmp by right to "${IPSI_INNER[left]}"
	swan_answer left
	ipsi_capture_start left "$file"
	ipsi_bg right ping -n -q -i 0.02 "${IPSI_INNER[left]}" > /dev/null
	SWAN_SPIS=$(swan_spis)
	ipsi_do left ip link del "$IPSI_DEV"
	ipsi_wait "another child" swan_rekeyed
	ipsi_is "$(ip -n "${left:?}" xfrm state | grep -c 'mode transport')" 0 \
		"states of the device"
	ipsi_capture_stop
	ipsi_none "$file" "(icmp or ip proto 4) and \
		(src host ${IPSI_OUTER[left]} or src host ${IPSI_INNER[left]})" \
		"clear packets of the left"

	ipsi_device left keying adopt reqid 77
	swan_answer left
	ipsi_ping right
	swan_believe
}

# R87
nat_traversal()
{
	ipsi_charon_need
	ipsi_topology
	ipsi_device left keying adopt reqid 77
	swan_ordinary right
	swan_charon right gateway-psk.conf
	swan_charon left device-psk.conf 's/version = 2/&\n\t\tencap = yes/'
	swan_answer left
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	swan_believe
	ipsi_has "$(ip -n "${left:?}" xfrm state list dst 10.0.0.2)" \
		"encap type espinudp sport 4500 dport 4500" "outbound state"
	swan_rekey left
	ipsi_ping right
}

# Daemon and device know nothing of each other but the addresses.
by_endpoints()
{
	ipsi_charon_need
	ipsi_need python3
	ipsi_topology
	ipsi_device left keying adopt-endpoints
	swan_ordinary right
	swan_charon right gateway-psk.conf
	swan_charon left device-psk.conf '/if_id/d; /reqid/d; /start_action/d'
	ipsi_swanctl left --initiate --child link > "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	ipsi_wait "SAs" ipsi_has_sas left 1 1
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	swan_believe
	flow_start 50
	swan_rekey left
	swan_rekey right
	flow_lossless 20
}

# An acquire names the reqid if there are no policies, and else a policy.
on_demand_with_policies()
{
	ipsi_charon_need
	ipsi_topology
	ipsi_device left keying adopt
	swan_ordinary right
	swan_charon right gateway-psk.conf
	swan_charon left device-psk.conf '/policies = no/d; /reqid/d'
	ipsi_wait "policy" waits_for_packets
	# for the device to read it
	sleep 0.5
	# the first one is not lost
	ipsi_ping left
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	swan_believe
}

waits_for_packets()
{
	ip -n "${left:?}" xfrm policy list dir out | grep -q 'if_id 0x7'
}

ipsi_run delete_child daemon_dies device_goes nat_traversal by_endpoints \
	on_demand_with_policies
