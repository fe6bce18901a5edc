#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OpenIKED keys the device on the left, and is the ordinary host on the right,
# which is there also for a device that strongSwan keys. It speaks PF_KEY to the
# kernel, and knows no if_id. Its configuration is that of
# Documentation/networking/ipsec-ipip-openiked.rst. A failure means that keys
# that OpenIKED negotiates do not work for long, or that its policies catch
# packets of the device.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"
# shellcheck source=ipsec_ipip_iked.sh
source "$(dirname "$0")/ipsec_ipip_iked.sh"
# shellcheck source=ipsec_ipip_ike.sh
source "$(dirname "$0")/ipsec_ipip_ike.sh"
# shellcheck source=ipsec_ipip_keyed.sh
source "$(dirname "$0")/ipsec_ipip_keyed.sh"

# shellcheck disable=SC2034 # for ipsec_ipip_lib.sh
IPSI_QUIET=yes

# start [SUFFIX]: both sides; the left connects at once. Files are device.conf
# and gateway.conf, or device-SUFFIX.conf and gateway-SUFFIX.conf, edited by
# these scripts for sed.
EDIT=
EDIT_LEFT=

start()
{
	ipsi_iked_need
	ipsi_topology
	ipsi_device left keying adopt-endpoints
	keyed_gateway
	ipsi_iked right "gateway${1:+-$1}.conf" "$EDIT"
	ipsi_iked left "device${1:+-$1}.conf" "$EDIT;$EDIT_LEFT"
	ipsi_iked_initiate left
}

works()
{
	keyed_is_up
	keyed_listen
	keyed_pings
	keyed_modes
	ipsi_has "$(ipsi_ikectl left show sa)" ESTABLISHED "iked on the left"
	keyed_heard
}

# R27 R28
by_endpoints()
{
	start
	works
	ipsi_has "$(ip -n "${left:?}" xfrm policy)" "tmpl src 10.0.0.1 dst" \
		"policies"
}

certificates()
{
	local host

	ipsi_iked_need
	"$IPSI_DIR/ike/make-certs" "$IPSI_TMP/certs" left right ||
		ipsi_fail "no certificates"
	for host in left right; do
		ipsi_iked_cert "$host" "$IPSI_TMP/certs"
	done
	start cert
	works
}

# IPv6 goes over IPv6, and IPv4 over IPv4: PF_KEY gives SAs a selector of their
# own family.
EDIT_IPV6='s/inet /inet6 /; s/10\.0\.0\./fd00::/g
	s%192\.168\.\([12]\)\.0/24%fd0\1::/64%g'

# What the daemon's policies do to IPv6 on a device in their namespace: they
# catch it, but let nothing out in clear.
ipv6_is_caught()
{
	EDIT=$EDIT_IPV6
	ipsi_families 6 6
	start
	keyed_is_up
	keyed_listen
	ipsi_no_ping left
	ipsi_no_ping left -I "$IPSI_DEV"
	ipsi_no_ping right
	keyed_not_in_clear
	ipsi_has "$(dmesg)" "it catches IPv6 before it comes here" \
		"kernel's log"
}

# So the device goes to a namespace of its own, for which there are no policies.
ipv6()
{
	setup_ns inside || ipsi_skip "no network namespaces here"
	ipsi_shell inside
	ipsi_families 6 6
	ipsi_like inside left
	EDIT=$EDIT_IPV6
	start
	# shellcheck disable=SC2154 # setup_ns sets it
	ipsi_do left ip link set "$IPSI_DEV" netns "$inside"
	ipsi_up inside
	ipsi_wait "adoption" inside_has_sas
	keyed_listen
	ipsi_ping inside -c 5 -i 0.2
	ipsi_ping right -c 5 -i 0.2
	keyed_modes
	keyed_heard
}

inside_has_sas()
{
	[ "$(ipsi_get inside sa_out) $(ipsi_get inside sa_in)" = "1 1" ]
}

# It rekeys by itself alone, after some bytes here: the kernel tells it of soft
# lifetimes.
EDIT_REKEY='s/dstid right/& lifetime 3600 bytes 16K/'

# It tells its peer to remove the old SA before it has installed the new one, so
# that some packets are lost, with or without a device: each of them has come to
# a host that had no SA for it, or not yet.
rekey_loses_what_iked_loses()
{
	local spis

	EDIT_LEFT=$EDIT_REKEY
	start
	keyed_is_up
	keyed_flow left
	for _ in 1 2 3; do
		spis=$(keyed_spis)
		ipsi_wait "rekeying" keyed_changed "$spis"
	done
	keyed_loss_is_the_daemons
	keyed_refused_nothing
	keyed_pings
}

# The measure: the same daemons, and tunnel mode on both sides
rekey_without_device()
{
	local before

	EDIT_LEFT=$EDIT_REKEY
	ipsi_iked_need
	ipsi_topology
	keyed_gateway
	ipsi_inner left
	ipsi_do left ip route add "${IPSI_INNER[right]}" dev "$IPSI_WIRE" \
		src "${IPSI_INNER[left]}"
	ipsi_iked right gateway.conf
	ipsi_iked left device.conf "$EDIT_LEFT"
	ipsi_iked_initiate left
	ipsi_wait "SAs" keyed_tunnel_spis
	keyed_flow left
	for _ in 1 2 3; do
		before=$(keyed_tunnel_spis)
		ipsi_wait "rekeying" keyed_tunnel_changed "$before"
	done
	keyed_loss_is_the_daemons
}

# R30
# What the peer rekeys is not lost.
rekey_by_strongswan()
{
	local spis

	start_strongswan
	keyed_flow left
	for _ in 1 2; do
		spis=$(keyed_spis)
		ipsi_swanctl left --rekey --child link > /dev/null ||
			ipsi_fail "rekey"
		ipsi_wait "rekeying" keyed_changed "$spis"
	done
	keyed_lossless
}

# Its SAs go with the daemon that ends, and outlive one that dies; the next one
# makes others.
daemon_restarts()
{
	local spis

	start
	keyed_is_up
	keyed_listen
	ipsi_ping left
	ipsi_iked_stop left
	keyed_is_closed
	ipsi_iked_start left
	ipsi_iked_initiate left
	keyed_is_up
	ipsi_ping left
	ipsi_iked_kill left
	keyed_pings
	spis=$(keyed_spis | sort -u)
	ipsi_iked_start left
	ipsi_iked_initiate left
	ipsi_wait "new keys" keyed_newer "$spis"
	keyed_pings
	keyed_heard
}

# R31
# What the peer ends is the end of the link, and of nothing in clear.
down()
{
	start
	keyed_is_up
	keyed_listen
	ipsi_ping left
	ipsi_ikectl right reset sa
	keyed_is_closed
	ipsi_ikectl left reset sa
	ipsi_ikectl left reload
	keyed_is_up
	ipsi_ping left
	keyed_heard
}

# strongSwan and its device on the left
start_strongswan()
{
	ipsi_charon_need
	ipsi_iked_need
	ipsi_topology
	ipsi_device left keying adopt reqid 77
	keyed_gateway
	ipsi_iked right gateway.conf
	ipsi_charon left < "$IPSI_DIR/ike/openiked/swanctl.conf"
	ipsi_swanctl left --initiate --child link > "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	keyed_is_up
}

gateway_of_strongswan()
{
	start_strongswan
	keyed_listen
	keyed_pings
	keyed_modes
	keyed_heard
}

ipsi_run by_endpoints certificates ipv6_is_caught ipv6 \
	rekey_loses_what_iked_loses rekey_without_device daemon_restarts \
	down gateway_of_strongswan rekey_by_strongswan
