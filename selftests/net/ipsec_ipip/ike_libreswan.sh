#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libreswan keys the device on the left, and is the ordinary host on the right,
# which is there also for a device that strongSwan keys. Its configuration is
# that of Documentation/networking/ipsec-ipip-libreswan.rst. A failure means
# that keys that libreswan negotiates do not work for long, or that it has lost
# track of them.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"
# shellcheck source=ipsec_ipip_pluto.sh
source "$(dirname "$0")/ipsec_ipip_pluto.sh"
# shellcheck source=ipsec_ipip_ike.sh
source "$(dirname "$0")/ipsec_ipip_ike.sh"
# shellcheck source=ipsec_ipip_keyed.sh
source "$(dirname "$0")/ipsec_ipip_keyed.sh"

# shellcheck disable=SC2034 # for ipsec_ipip_lib.sh
IPSI_QUIET=yes

# What the connection is called on either side
LEFT=link RIGHT=link CONF=device.conf

# start [OPTION...]: both sides, not connected; options are for the device
start()
{
	ipsi_pluto_need
	ipsi_topology
	ipsi_device left "$@"
	keyed_gateway
	ipsi_pluto right gateway.conf
	ipsi_pluto left "$CONF"
	read_conf
}

read_conf()
{
	ipsi_wait "the configuration" ipsi_pluto_has right "$RIGHT"
	[ -z "$LEFT" ] ||
		ipsi_wait "the configuration" ipsi_pluto_has left "$LEFT"
}

up()
{
	ipsi_pluto_do left initiate "$LEFT"
	keyed_is_up
}

# counts DIR BYTES: what the connection has carried, as pluto on the left knows
counts()
{
	ipsi_whack left --trafficstatus | grep -q "\"$LEFT\".* $1Bytes=$2,"
}

# Ten pings of 84 bytes, 104 by IPv6
believe()
{
	local bytes=840

	[[ ${IPSI_INNER[left]} != *:* ]] || bytes=1040
	keyed_modes
	ipsi_whack left --trafficstatus
	ipsi_wait "packets in pluto's view" counts in $bytes
	ipsi_wait "packets in pluto's view" counts out $bytes
}

# rekey HOST
rekey()
{
	local host=$1 conn=$LEFT spis

	[ "$host" = left ] || conn=$RIGHT
	spis=$(keyed_spis)
	ipsi_pluto_do "$host" rekey-ipsec "$conn"
	ipsi_wait "rekeying by the $host" keyed_changed "$spis"
}

works()
{
	keyed_listen
	up
	keyed_pings
	believe
	keyed_heard
}

# R27 R28
by_if_id()
{
	start keying adopt
	works
	ipsi_has "$(ip -n "${left:?}" xfrm policy)" "if_id 0x7" "policies"
}

by_endpoints()
{
	LEFT=endpoints CONF=device-endpoints.conf
	start keying adopt-endpoints
	works
	# the policies of the daemon are for all that is not the device's
	ipsi_has_not "$(ip -n "${left:?}" xfrm policy)" if_id "policies"
}

over_ipv6()
{
	LEFT=link-over-ipv6 RIGHT=link-over-ipv6
	ipsi_families 6 4
	start keying adopt
	works
}

ipv6()
{
	LEFT=link-ipv6 RIGHT=link-ipv6 IPSI_IF_ID=8
	ipsi_families 4 6
	start keying adopt
	works
}

ipv6_over_ipv6()
{
	LEFT=link-ipv6-over-ipv6 RIGHT=link-ipv6-over-ipv6 IPSI_IF_ID=8
	ipsi_families 6 6
	start keying adopt
	works
}

certificates()
{
	local host

	LEFT=link-cert RIGHT=link-cert
	ipsi_pluto_need
	"$IPSI_DIR/ike/make-certs" "$IPSI_TMP/certs" left right ||
		ipsi_fail "no certificates"
	for host in left right; do
		ipsi_pluto_cert "$host" "$IPSI_TMP/certs"
	done
	start keying adopt
	works
}

rekeys()
{
	rekey left
	rekey right
	rekey left
	ipsi_pluto_do left rekey-ike "$LEFT"
	rekey right
}

# The side that answers sends by the new SA at once, when the other has not yet
# installed it: a packet may be lost with each rekeying, with this device or
# another.
rekey_loses_what_pluto_loses()
{
	start keying adopt
	up
	keyed_flow left
	rekeys
	keyed_loss_is_the_daemons
	keyed_refused_nothing
	keyed_pings
}

rekey_by_endpoints()
{
	LEFT=endpoints CONF=device-endpoints.conf
	start keying adopt-endpoints
	up
	keyed_flow right
	rekey left
	rekey right
	keyed_loss_is_the_daemons
	keyed_refused_nothing
	keyed_pings
}

# The measure: the same daemons, and the xfrm interface that pluto makes
rekey_of_xfrm_interface()
{
	local host spis

	ipsi_pluto_need
	ipsi_topology
	ipsi_inner left
	keyed_gateway
	ipsi_pluto right gateway.conf
	ipsi_pluto left device.conf
	read_conf
	ipsi_pluto_do left initiate link
	ipsi_do left ip link set ipsec7 up
	ipsi_do left ip route add "${IPSI_INNER[right]}" dev ipsec7 \
		src "${IPSI_INNER[left]}"
	keyed_pings
	keyed_flow left
	for host in left right left right; do
		spis=$(keyed_tunnel_spis)
		ipsi_pluto_do "$host" rekey-ipsec link
		ipsi_wait "rekeying" keyed_tunnel_changed "$spis"
	done
	keyed_loss_is_the_daemons
}

# What one side ends is the end of the link, and of nothing in clear.
down()
{
	start keying adopt
	up
	keyed_listen
	ipsi_ping left
	ipsi_pluto_do left terminate "$LEFT"
	keyed_is_closed
	up
	ipsi_ping left
	ipsi_pluto_do right terminate "$RIGHT"
	keyed_is_closed
	ipsi_pluto_do right initiate "$RIGHT"
	keyed_is_up
	ipsi_ping left
	keyed_heard
}

down_by_endpoints()
{
	LEFT=endpoints CONF=device-endpoints.conf
	start keying adopt-endpoints
	up
	keyed_listen
	ipsi_ping left
	ipsi_pluto_do left terminate "$LEFT"
	keyed_is_closed
	up
	ipsi_ping left
	keyed_heard
}

# Its SAs go with the daemon that ends, and outlive one that dies; the next one
# makes others.
daemon_restarts()
{
	local spis

	start keying adopt
	up
	keyed_listen
	ipsi_ping left
	ipsi_pluto_stop left
	keyed_is_closed
	ipsi_pluto_start left
	ipsi_wait "the configuration" ipsi_pluto_has left "$LEFT"
	up
	ipsi_ping left
	ipsi_pluto_kill left
	keyed_pings
	spis=$(keyed_spis | sort -u)
	ipsi_pluto_start left
	ipsi_wait "the configuration" ipsi_pluto_has left "$LEFT"
	ipsi_pluto_do left initiate "$LEFT"
	ipsi_wait "new keys" keyed_newer "$spis"
	keyed_pings
	keyed_heard
}

# strongSwan and its device on the left
gateway_of_strongswan()
{
	LEFT=
	ipsi_charon_need
	ipsi_pluto_need
	ipsi_topology
	ipsi_device left keying adopt reqid 77
	keyed_gateway
	ipsi_pluto right gateway.conf
	read_conf
	ipsi_charon left < "$IPSI_DIR/ike/libreswan/swanctl.conf"
	keyed_listen
	ipsi_swanctl left --initiate --child link > "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	keyed_is_up
	keyed_pings
	keyed_modes
	# R30
	keyed_flow left
	rekey right
	rekey right
	keyed_lossless
	keyed_heard
	ipsi_pluto_do right terminate link
	keyed_is_closed
}

ipsi_run by_if_id by_endpoints over_ipv6 ipv6 ipv6_over_ipv6 certificates \
	rekey_loses_what_pluto_loses rekey_by_endpoints \
	rekey_of_xfrm_interface down down_by_endpoints daemon_restarts \
	gateway_of_strongswan
