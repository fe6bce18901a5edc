#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libreswan keys the device on the left, and is the ordinary host on the right,
# also as the peer of a device that strongSwan keys. Its configuration is that
# of Documentation/networking/ipsec-ipip-libreswan.rst. A failure means that
# keys from libreswan do not work for long, or that libreswan loses track of
# them.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/flow.sh
source "$IPSI_LIB/flow.sh"
# shellcheck source=lib/pluto.sh
source "$IPSI_INTEROP/lib/pluto.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/keyed.sh
source "$IPSI_INTEROP/lib/keyed.sh"

# shellcheck disable=SC2034 # for ipsi.sh
IPSI_QUIET=yes

# counts DIR BYTES: check the traffic counter of the connection in pluto on the
# left
counts()
{
	ipsi_whack left --trafficstatus |
		grep -q "\"$PLUTO_LEFT\".* $1Bytes=$2,"
}

# believe: check the counters after ten pings of 84 bytes, or 104 with IPv6
believe()
{
	local bytes=840

	[[ ${IPSI_INNER[left]} != *:* ]] || bytes=1040
	keyed_modes
	ipsi_whack left --trafficstatus
	ipsi_wait "packets in pluto's view" counts in $bytes
	ipsi_wait "packets in pluto's view" counts out $bytes
}

works()
{
	keyed_listen
	pluto_up
	keyed_pings
	believe
	keyed_heard
}

# R27 R28
by_if_id()
{
	pluto_start keying adopt
	works
	ipsi_has "$(ip -n "${left:?}" xfrm policy)" "if_id 0x7" "policies"
	ipsi_do left ip link set "$IPSI_DEV" type ipsec-ipip policies required
	ipsi_ping left
	ipsi_ping right
}

by_endpoints()
{
	PLUTO_LEFT=endpoints PLUTO_CONF=device-endpoints.conf
	pluto_start keying adopt-endpoints
	works
	# The daemon's policies have no if_id: they do not belong to the device.
	ipsi_has_not "$(ip -n "${left:?}" xfrm policy)" if_id "policies"
}

# Its policies match IPv6 in their namespace, so the device is in another one.
ipv6_by_endpoints()
{
	PLUTO_LEFT=endpoints-ipv6 PLUTO_CONF=device-endpoints.conf
	PLUTO_RIGHT=link-ipv6
	setup_ns inside || ipsi_skip "no network namespaces here"
	ipsi_shell inside
	ipsi_families 4 6
	ipsi_like inside left
	pluto_start keying adopt-endpoints
	keyed_listen
	pluto_up
	ipsi_has "$(ipsi_try left ipsec-ipip check "$IPSI_DEV")" policy-ipv6 \
		"check"
	keyed_inside
	keyed_heard
	ipsi_has_not "$(ip -n "${left:?}" xfrm policy)" if_id "policies"
}

over_ipv6()
{
	PLUTO_LEFT=link-over-ipv6 PLUTO_RIGHT=link-over-ipv6
	ipsi_families 6 4
	pluto_start keying adopt
	works
}

ipv6()
{
	PLUTO_LEFT=link-ipv6 PLUTO_RIGHT=link-ipv6 IPSI_IF_ID=8
	ipsi_families 4 6
	pluto_start keying adopt
	works
}

ipv6_over_ipv6()
{
	PLUTO_LEFT=link-ipv6-over-ipv6 PLUTO_RIGHT=$PLUTO_LEFT IPSI_IF_ID=8
	ipsi_families 6 6
	pluto_start keying adopt
	works
}

certified()
{
	local host

	PLUTO_RIGHT=$PLUTO_LEFT
	ipsi_pluto_need
	"$IPSI_INTEROP/ike/make-certs" "$IPSI_TMP/certs" left right ||
		ipsi_fail "no certificates"
	for host in left right; do
		ipsi_pluto_cert "$host" "$IPSI_TMP/certs"
	done
	pluto_start keying adopt
	works
}

certificates()
{
	PLUTO_LEFT=link-cert
	certified
}

certificates_over_ipv6()
{
	PLUTO_LEFT=link-cert-ipv6-over-ipv6 IPSI_IF_ID=8
	ipsi_families 6 6
	certified
}

# connects_on_demand OPTION...: check that the command DEMAND, which sends the
# first packet, makes pluto connect
connects_on_demand()
{
	ipsi_pluto_need
	ipsi_topology
	ipsi_device left "$@"
	keyed_gateway
	ipsi_pluto right gateway.conf
	ipsi_pluto left "$PLUTO_CONF" 's/auto=add/auto=ondemand/'
	pluto_read_conf
	keyed_listen
	demand
}

demand()
{
	ipsi_wait "the end of the SAs" ipsi_has_sas left 0 0
	ipsi_wait "policy" waits_for_packets
	# time for the device to read the policy
	sleep 0.5
	ipsi_has_sas left 0 0 || ipsi_fail "SAs before there is a packet"
	"${DEMAND[@]}"
	keyed_is_up
	keyed_pings
}

# The first packet triggers the connection and is not lost, also a second time.
on_demand()
{
	DEMAND=(ipsi_ping left)
	connects_on_demand "$@"
	ipsi_has_not "$(ip -n "${left:?}" xfrm state)" "spi 0x00000000" \
		"larval state"
	ipsi_pluto_do left terminate "$PLUTO_LEFT"
	ipsi_wait "the end of the carrier" ipsi_carrier_is left false
	demand
	keyed_heard
}

# waits_for_packets: true if pluto has trap policies
waits_for_packets()
{
	ip -n "${left:?}" xfrm policy list dir out | grep -q 'mode transport'
}

on_demand_by_if_id()
{
	on_demand keying adopt
}

on_demand_by_endpoints()
{
	PLUTO_LEFT=endpoints PLUTO_CONF=device-endpoints.conf
	on_demand keying adopt-endpoints
}

on_demand_for_ipv6()
{
	PLUTO_LEFT=link-ipv6 PLUTO_RIGHT=link-ipv6 IPSI_IF_ID=8
	ipsi_families 4 6
	on_demand keying adopt
}

rekey_by_strongswan()
{
	local spis

	spis=$(keyed_spis)
	ipsi_swanctl left --rekey --child link > "$IPSI_TMP/rekey" ||
		ipsi_fail "rekey: $(cat "$IPSI_TMP/rekey")"
	ipsi_wait "rekeying by the left" keyed_changed "$spis"
}

# strongSwan and its device on the left
gateway_of_strongswan()
{
	keyed_pluto_right ""
	ipsi_charon left < "$IPSI_INTEROP/ike/libreswan/swanctl.conf"
	keyed_listen
	ipsi_swanctl left --initiate --child link > "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	keyed_is_up
	keyed_pings
	keyed_modes
	# R30
	keyed_flow
	pluto_rekey right
	pluto_rekey right
	flow_lossless 100
	rekey_by_strongswan
	keyed_pings
	keyed_heard
	ipsi_pluto_do right terminate link
	keyed_is_closed
}

ipsi_run by_if_id by_endpoints ipv6_by_endpoints over_ipv6 ipv6 \
	ipv6_over_ipv6 certificates certificates_over_ipv6 \
	on_demand_by_if_id on_demand_by_endpoints on_demand_for_ipv6 \
	gateway_of_strongswan
