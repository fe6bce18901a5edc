#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OpenIKED is the ordinary host on the right, for a device that strongSwan keys.
# A failure means that the two do not interoperate, or that the device loses
# packets on a rekey.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/flow.sh
source "$IPSI_LIB/flow.sh"
# shellcheck source=lib/iked.sh
source "$IPSI_INTEROP/lib/iked.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/keyed.sh
source "$IPSI_INTEROP/lib/keyed.sh"

# shellcheck disable=SC2034 # for ipsi.sh
IPSI_QUIET=yes

# strongSwan and its device on the left
start()
{
	ipsi_charon_need
	ipsi_iked_need
	ipsi_topology
	ipsi_device left keying adopt reqid 77
	keyed_gateway
	ipsi_iked right gateway.conf
	ipsi_charon left < "$IPSI_INTEROP/ike/openiked/swanctl.conf"
	ipsi_swanctl left --initiate --child link > "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	keyed_is_up
}

gateway_of_strongswan()
{
	start
	keyed_listen
	keyed_pings
	keyed_modes
	keyed_heard
}

# R30
# iked, as the responder, sends with the new SA at once, when strongSwan has not
# yet installed it. The device's own packets are not lost.
rekey_by_strongswan()
{
	local spis

	start
	keyed_flow
	for _ in 1 2; do
		spis=$(keyed_spis)
		ipsi_swanctl left --rekey --child link > /dev/null ||
			ipsi_fail "rekey"
		ipsi_wait "rekeying" keyed_changed "$spis"
	done
	keyed_loss_is_the_daemons
	keyed_device_loses_none
}

ipsi_run gateway_of_strongswan rekey_by_strongswan
