#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library of ike_matrix.sh and ike_matrix6.sh: one cell of the matrix.

# shellcheck source=selftests/interop/lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=selftests/interop/lib/strongswan.sh
source "$IPSI_INTEROP/lib/strongswan.sh"

# Only the test sends packets: others would trigger the negotiation.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

# cell {psk|cert} OUTER INNER: test one combination; the families are 4 or 6
cell()
{
	ipsi_families "$2" "$3"
	swan_start "$1"

	# The first packet triggers the negotiation.
	ipsi_carrier_is left false || ipsi_fail "carrier before the keys"
	swan_answer left
	ipsi_has_sas left 1 1 || ipsi_fail "SAs of the device"
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	swan_believe
	if [ "$1" = psk ]; then
		ipsi_has_not "$(ip -n "${left:?}" xfrm policy)" tmpl "policies"
	else
		ipsi_has "$(ip -n "${left:?}" xfrm policy)" "if_id 0x7" \
			"policies"
	fi

	flow_start 50
	swan_rekey left
	swan_rekey right
	flow_lossless 20

	# The peer ends the connection.
	ipsi_swanctl right --terminate --ike link > /dev/null ||
		ipsi_fail "terminate"
	ipsi_wait "end of the SAs" ipsi_has_sas left 0 0
	ipsi_wait "the end of the carrier" ipsi_carrier_is left false
	swan_answer left
	ipsi_ping right

	# The daemon restarts.
	ipsi_charon_stop left
	ipsi_has_sas left 0 0 || ipsi_fail "SAs are left"
	ipsi_is "$(ip -n "${left:?}" xfrm state)" "" "states"
	ipsi_no_ping left
	ipsi_charon_start left
	swan_answer left
	ipsi_ping right
	swan_believe
}
