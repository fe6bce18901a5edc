#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Numbered datagrams both ways between the hosts, to find each lost one. ping
# cannot: on a slow machine its own socket loses answers. Sourced after
# ipsi.sh.

# flow_start RATE [LEFT RIGHT]: start to send RATE datagrams a second each way,
# between the inner addresses or these
flow_start()
{
	local one=${2:-${IPSI_INNER[left]}} other=${3:-${IPSI_INNER[right]}}

	FLOW_STAT=$(ipsi_xfrm_stat left right)
	# The program enters both namespaces itself.
	ipsi_bg left python3 "$IPSI_LIB/flow.py" \
		"${left:?}" "$one" "${right:?}" "$other" "$1" \
		> "$IPSI_TMP/flow" 2>&1
	FLOW_PID=$IPSI_BG_PID
	ipsi_wait "flow" grep -q '^flows' "$IPSI_TMP/flow"
}

# flow_has_sent N: N datagrams were sent from the left
flow_has_sent()
{
	(($(grep -c '^20 more' "$IPSI_TMP/flow") * 20 >= $1))
}

# flow_end [LEAST]: end the flow, once LEAST (default 20) datagrams were
# sent from the left. Sets FLOW_SENT, FLOW_LOST and FLOW_REFUSED to the numbers
# of datagrams from the left and from the right. A datagram that its own host
# refuses is neither sent nor lost: an ordinary host in tunnel mode sometimes
# still uses an SA that is gone (XfrmOutStateInvalid).
flow_end()
{
	local words

	# A change of keys may be over before.
	ipsi_wait "${1:-20} datagrams" flow_has_sent "${1:-20}"
	kill "$FLOW_PID"
	wait "$FLOW_PID"
	grep -v '^20 more' "$IPSI_TMP/flow"
	# sent N N lost N N refused N N
	read -ra words < <(tail -n 1 "$IPSI_TMP/flow")
	[ "${words[0]}" = sent ] || ipsi_fail "the flow has failed"
	FLOW_SENT=("${words[@]:1:2}")
	FLOW_LOST=("${words[@]:4:2}")
	FLOW_REFUSED=("${words[@]:7:2}")
	[ "${FLOW_SENT[0]}" -ge "${1:-20}" ] || ipsi_fail "too little was sent"
	[ "${FLOW_LOST[*]} ${FLOW_REFUSED[0]}" = "0 0 0" ] ||
		diff <(echo "$FLOW_STAT") <(ipsi_xfrm_stat left right)
}

# flow_lossless LEAST: the same, and check that the left refused nothing and
# that nothing was lost
flow_lossless()
{
	flow_end "$1"
	ipsi_is "${FLOW_LOST[*]}" "0 0" "packets lost, of ${FLOW_SENT[*]}"
	ipsi_is "${FLOW_REFUSED[0]}" 0 "packets refused"
}
