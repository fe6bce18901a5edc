#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Packet loss on strongSwan's rekeys under traffic, compared with the loss of an
# xfrm interface in place of the device: same daemons, same files, same traffic.
# The peer with policies takes part in both. The losses are printed; a failure
# means that the device loses more.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/flow.sh
source "$IPSI_LIB/flow.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/strongswan.sh
source "$IPSI_INTEROP/lib/strongswan.sh"

REKEYS=4	# by each side
RATE=200	# packets a second, each way

# measure NAME: rekey under traffic. Sets MISSING to the number of packets that
# did not arrive or were refused on the left.
measure()
{
	local i

	swan_answer left
	flow_start $RATE
	for ((i = 0; i < REKEYS; i++)); do
		swan_rekey left
		swan_rekey right
	done
	flow_end
	MISSING=$((FLOW_LOST[0] + FLOW_LOST[1] + FLOW_REFUSED[0]))
	echo "$1: $MISSING of ${FLOW_SENT[*]} packets lost" \
		"in $((2 * REKEYS)) rekeys"
}

# R30
side_by_side()
{
	local lost

	swan_start psk
	measure ipsec-ipip
	lost=$MISSING

	ipsi_charon_stop left
	ipsi_do left ip link del "$IPSI_DEV"
	ipsi_do left ip link add "$IPSI_DEV" type xfrm dev "$IPSI_WIRE" if_id 7
	ipsi_up left
	swan_charon left device-psk.conf '/policies = no/d'
	measure "xfrm interface"
	((lost <= MISSING)) ||
		ipsi_fail "$lost lost, $MISSING by the xfrm interface"
}

ipsi_run side_by_side
