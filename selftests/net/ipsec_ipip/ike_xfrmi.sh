#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What is lost when strongSwan changes keys under traffic, beside what is lost
# when the left has an xfrm interface in place of the device: same daemons, same
# files, same traffic. The peer, with policies, is part of it in both. What is
# lost is said in comments; a failure means that the device loses more.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"
# shellcheck source=ipsec_ipip_ike.sh
source "$IPSI_DIR/ipsec_ipip_ike.sh"
# shellcheck source=ipsec_ipip_strongswan.sh
source "$IPSI_DIR/ipsec_ipip_strongswan.sh"

REKEYS=4	# by each side
RATE=200	# packets a second, each way

# measure WHAT: both charons run
measure()
{
	local i

	swan_answer left
	swan_flow $RATE
	for ((i = 0; i < REKEYS; i++)); do
		swan_rekey left
		swan_rekey right
	done
	swan_flow_end
	echo "$1: $SWAN_LOST of $SWAN_SENT packets lost" \
		"in $((2 * REKEYS)) rekeys"
}

# R30
side_by_side()
{
	local lost

	swan_start psk
	measure ipsec-ipip
	lost=$SWAN_LOST

	ipsi_charon_stop left
	ipsi_do left ip link del "$IPSI_DEV"
	ipsi_do left ip link add "$IPSI_DEV" type xfrm dev "$IPSI_WIRE" if_id 7
	ipsi_up left
	swan_charon left device-psk.conf '/policies = no/d'
	measure "xfrm interface"
	((lost <= SWAN_LOST)) ||
		ipsi_fail "$lost lost, $SWAN_LOST by the xfrm interface"
}

ipsi_run side_by_side
