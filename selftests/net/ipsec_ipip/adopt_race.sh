#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A key manager adds, updates, deletes and flushes SAs while the device adopts
# them, with packets on their way. It must find each SA that it has added under
# its SPI, and none that it has deleted; there is never more than one state of
# an SA, no packet leaves in clear, and no sequence number is used twice. A
# failure may mean that a nonce was.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

start()
{
	ipsi_need python3
	ipsi_topology
	ipsi_device left keying adopt
}

# finish: the last keys are gone, and new ones work
finish()
{
	ipsi_is "$(ip -n "${left:?}" xfrm state | grep 'proto esp spi' |
		grep -v 'spi 0x00000000 ')" "" "states"
	ipsi_is "$(ipsi_get left sa_out)" 0 "outbound SAs"
	ipsi_tunnel_side right
	ipsi_daemon_sa left out if_id 7
	ipsi_daemon_sa left in if_id 7
	ipsi_wait "answer" ipsi_try left ping -c 1 -W 1 192.168.2.1
}

# hammer ROUNDS [both [COMMAND...]]
hammer()
{
	ipsi_do left "${@:3}" "$IPSI_LIB/xfrm.py" race "$1" "${2-}"
	finish
}

# R26 R34
race()
{
	start
	hammer 1000
}

# The same, but packets wait for a key manager that has got the acquires, and for
# keys in both directions.
race_when_asked()
{
	start
	ipsi_bg left ip xfrm monitor acquire > "$IPSI_TMP/acquires"
	hammer 300 both
	ipsi_wait "acquire" grep -q "^acquire proto" "$IPSI_TMP/acquires"
}

# The same as the first, but the work that adopts runs on one processor only, as
# the least important of all, beside others that never rest. Not less than that:
# while it waits for the processor, key managers wait for it.
slow_adoption()
{
	start
	(($(nproc) > 1)) || ipsi_skip "one processor"
	ipsi_adopt_on 2 19
	ipsi_bg left taskset -c 1 sh -c 'while :; do :; done'
	hammer 300 '' taskset -c 0
}

ipsi_run race race_when_asked slow_adoption
