#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OSPF and the carrier: a link without SAs goes down at once, also for the
# routing daemon, so traffic takes another path long before the dead interval
# has passed, which is the time that OSPF needs if the underlay fails silently.
# The output has both times. A failure means that routes lead into a link
# without SAs until the dead interval has passed.
#
#     r1 ---- r2
#     |        |     traffic is between r1 and r2
#     r4 ---- r3

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=../net/ipsec_ipip/lib/router.sh
source "$IPSI_LIB/router.sh"
# shellcheck source=lib/ospf.sh
source "$IPSI_INTEROP/lib/ospf.sh"

# Long enough to tell both cases apart on a slow machine.
# shellcheck disable=SC2034 # they are for ospf.sh
OSPF_HELLO=2 OSPF_DEAD=16

# answered: true if r2 answers r1
answered()
{
	ipsi_try r1 ping -n -q -c 1 -W 0.3 -I 192.168.1.1 192.168.2.2
}

# takes NAME: wait until traffic takes the other path, and set LASTED to the
# seconds and milliseconds since BEGAN
takes()
{
	ipsi_wait "answer by the other way" answered
	LASTED=$(ipsi_seconds_since "$BEGAN")
	echo "traffic takes the other way: $LASTED after $1"
	ospf_has 1 2 to4
	ospf_has 2 1 to3
	ospf_ping 1 2 62
}

# before_dead: check that this was sooner than a dead interval, which starts
# with the last Hello. LONGEST is the longest of these times.
before_dead()
{
	local seconds=${LASTED%%.*}

	[ "$seconds" -lt $((OSPF_DEAD - OSPF_HELLO)) ] ||
		ipsi_fail "no sooner than by the dead interval: $LASTED"
	[ "$seconds" -le "$LONGEST" ] || LONGEST=$seconds
}

# returns: wait until traffic uses the link again
returns()
{
	ospf_has 1 2 to2
	ospf_has 2 1 to1
	ospf_ping 1 2 64
}

# sa FROM TO: print the words that add this SA between r1 and r2 on r1
sa()
{
	ipsi_state "$IPSI_LAN$1" "$IPSI_LAN$2" "$(ipsi_spi "$1" "$2")" 102
}

# R1 R24
keys_or_dead_interval()
{
	LONGEST=0
	ospf_ring
	ospf_ping 1 2 64

	# r1 has no outbound SA; r2 learns that from r1, over the other path.
	BEGAN=$EPOCHREALTIME
	ipsi_do r1 ipsec-ipip sa del to2 out spi "$(ipsi_spi 1 2)"
	takes "the outbound SA was deleted"
	before_dead
	ipsi_is "$(ipsi_get r2 carrier to1)" true "carrier at the other end"
	ipsi_batch r1 <<< "xfrm state add $(sa 1 2)"
	returns

	# the same with the inbound SA
	BEGAN=$EPOCHREALTIME
	ipsi_do r1 ipsec-ipip sa del to2 in spi "$(ipsi_spi 2 1)"
	takes "the inbound SA was deleted"
	before_dead
	ipsi_batch r1 <<< "xfrm state add $(sa 2 1)"
	returns

	# The SAs exist, but their packets are lost.
	ospf_cut 1 2
	BEGAN=$EPOCHREALTIME
	takes "the underlay failed; Hello $OSPF_HELLO s, dead $OSPF_DEAD s"
	ipsi_is "$(ipsi_get r1 carrier to2)" true "carrier without underlay"
	[ "${LASTED%%.*}" -gt "$LONGEST" ] ||
		ipsi_fail "it takes no longer if nobody tells: $LASTED"
	ospf_mend 1 2
	returns
}

ipsi_run keys_or_dead_interval
