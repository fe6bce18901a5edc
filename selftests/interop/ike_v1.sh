#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# IKE version 1 with a shared secret: strongSwan and libreswan key the device on the
# left, and the ordinary host on the right. Keys are changed while packets flow. A
# failure means that a peer that has only version 1 cannot be used, or not for long, or
# that the device loses packets that the daemons alone would not.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/flow.sh
source "$IPSI_LIB/flow.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/strongswan.sh
source "$IPSI_INTEROP/lib/strongswan.sh"
# shellcheck source=lib/pluto.sh
source "$IPSI_INTEROP/lib/pluto.sh"
# shellcheck source=lib/keyed.sh
source "$IPSI_INTEROP/lib/keyed.sh"

# shellcheck disable=SC2034 # for ipsi.sh
IPSI_QUIET=yes

# Version 1 negotiates one network at each end, and does not narrow it.
V1_SWAN=('s/version = 2/version = 1/' 's/x25519/modp2048/'
	 's/local_ts = 0.*/local_ts = 192.168.1.0\/24/'
	 's/remote_ts = 0.*/remote_ts = 192.168.2.0\/24/' 's/, fd0.*//')
V1_PLUTO='s/ikev2=insist/ikev2=no/
	s/^config setup/&\n\tikev1-policy=accept/'

# v1_swan_initiate: the daemon on the left begins
v1_swan_initiate()
{
	ipsi_swanctl left --initiate --child link > "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	keyed_is_up
	ipsi_has "$(ipsi_swanctl left --list-sas)" IKEv1 "version of IKE"
}

# v1_newer SPIS WHAT: wait for new SAs
v1_newer()
{
	ipsi_wait "$2" keyed_newer "$(sort -u <<< "$1")"
}

# v1_swan_rekey HOST: make charon of HOST rekey. Both keep the old inbound SAs until
# they expire.
v1_swan_rekey()
{
	local spis

	spis=$(keyed_spis)
	echo "$1: rekey"
	ipsi_swanctl "$1" --rekey --child link > "$IPSI_TMP/rekey" ||
		ipsi_fail "rekey: $(cat "$IPSI_TMP/rekey")"
	v1_newer "$spis" "rekeying by the $1"
}

strongswan()
{
	ipsi_charon_need
	ipsi_topology
	ipsi_device left keying adopt reqid 77
	keyed_gateway
	swan_charon right gateway-psk.conf "${V1_SWAN[@]}"
	swan_charon left device-psk.conf "${V1_SWAN[@]}" /start_action/d
	keyed_listen
	v1_swan_initiate
	keyed_pings
	swan_believe
	# The initiator deletes its old outbound SA, so that the device has to use the
	# new one, when the responder has not yet installed that.
	keyed_flow
	v1_swan_rekey left
	keyed_loss_is_the_daemons
	keyed_refused_nothing
	keyed_flow
	v1_swan_rekey right
	keyed_loss_is_the_daemons
	keyed_device_loses_none
	keyed_pings
	keyed_heard
}

# pluto rekeys when the life of its keys is near its end, not on request. As the
# responder it sends by an SA that the initiator has not yet installed.
libreswan()
{
	local spis life='s/auto=add/&\n\tsalifetime=15s\n\trekeymargin=10s/
		s/salifetime/rekeyfuzz=0%\n\t&/'

	ipsi_pluto_need
	ipsi_topology
	ipsi_device left keying adopt
	keyed_gateway
	ipsi_pluto right gateway.conf "$V1_PLUTO"
	ipsi_pluto left "$PLUTO_CONF" "$V1_PLUTO;$life"
	pluto_read_conf
	keyed_listen
	pluto_up
	ipsi_has "$(ipsi_whack left --showstates)" QUICK "version of IKE"
	keyed_flow
	spis=$(keyed_spis)
	v1_newer "$spis" "rekeying by the left"
	spis=$(keyed_spis)
	v1_newer "$spis" "another one"
	keyed_loss_is_the_daemons
	keyed_device_loses_none
	keyed_pings
	keyed_modes
	keyed_heard
}

# strongSwan and its device on the left, libreswan on the right
strongswan_and_libreswan()
{
	keyed_pluto_right "$V1_PLUTO"
	ipsi_charon left < <(sed 's/version = 2/version = 1/' \
		"$IPSI_INTEROP/ike/libreswan/swanctl.conf")
	keyed_listen
	v1_swan_initiate
	keyed_pings
	keyed_modes
	keyed_flow
	v1_swan_rekey left
	keyed_loss_is_the_daemons
	keyed_device_loses_none
	keyed_pings
	keyed_heard
}

ipsi_run strongswan libreswan strongswan_and_libreswan
