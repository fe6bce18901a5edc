#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A user who is root in namespaces of his own makes thousands of devices, SAs
# and policies, and lets them go. Another user adds a link, which
# waits for the same lock, the RTNL. It waits hardly longer than when the devices
# are xfrm interfaces.
#
# A failure means that one user can stop the configuration of a whole host. It
# means something where a machine counts instructions instead of time:
# scripts/run-tests --icount. With IPSI_DEVICES=N there are fewer than 2000.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

XFRM=$IPSI_LIB/xfrm.py
N_DEVICES=${IPSI_DEVICES:-2000}
N_POLICIES=$((N_DEVICES * 5 / 2))
N_SAS=$((N_DEVICES * 10))
# Microseconds that are not the fault of the module
ALLOWED=50000
TMPL="tmpl src 10.0.0.1 dst 10.0.0.2 proto esp reqid 6 mode tunnel"

# devices KIND STEP: the lines that make every device, or every second; half of
# ours follow a key manager that knows endpoints alone
devices()
{
	local i how words

	for ((i = 0; i < N_DEVICES; i += $2)); do
		if [ "$1" = xfrm ]; then
			words="type xfrm dev lo if_id $((1000 + i))"
		else
			how=adopt
			((i % 2)) || how=adopt-endpoints
			words="type ipsec-ipip local 10.0.0.1 \
remote 10.$((1 + (i >> 8))).$((i & 255)).1 if_id $((1000 + i)) keying $how"
		fi
		echo "link add t$i group $((1 + i % 2)) $words"
	done
}

# policies VERB: half of them of a device
policies()
{
	local i

	for ((i = 0; i < N_POLICIES; i++)); do
		echo "xfrm policy $1 dir out src 10.2.0.0/16" \
			"dst 10.$((128 + i / 256)).$((i % 256)).0/24" \
			"if_id $(((i % 2) * (1000 + i % N_DEVICES)))" \
			"$([ "$1" = delete ] || echo "$TMPL")"
	done
}

# batch: the lines of standard input, in the jail
batch()
{
	ipsi_try jail timeout 1000 ip -batch - ||
		ipsi_fail "lines were refused"
}

# phase WORDS: what happens from now on, for those who look for what takes long
phase()
{
	echo "$(cut -d ' ' -f 1 /proc/uptime): $*"
}

# come_and_go KIND: all that, within the jail
come_and_go()
{
	phase devices
	devices "$1" 1 | batch
	phase policies
	policies add | batch
	phase SAs
	# more than one device may have, one that none fits, and two per peer
	ipsi_do jail "$XFRM" many 10.1.3.1 10.0.0.1 0x1000 $((N_SAS / 4)) 1003
	ipsi_do jail "$XFRM" strays 10.9.9.9 10.0.0.1 1000 $((N_SAS / 4))
	ipsi_do jail "$XFRM" tunnels 10.0.0.1 10.1 $((N_SAS / 4))
	phase MTU
	ipsi_do jail ip link set lo mtu 1400
	phase policies
	policies delete | batch
	policies add | batch
	phase deletion
	ipsi_do jail ip link del group 1
	phase devices
	devices "$1" 2 | batch
	phase flush
	ipsi_do jail ip xfrm policy flush
	ipsi_do jail ip xfrm state flush proto ah
	ipsi_do jail ip link set lo mtu 1500
}

# longest KIND: how long the other user has waited, in microseconds
longest()
{
	# shellcheck disable=SC2034 # ipsi_jail sets it, ipsi_do reads it
	local jail pid end=$IPSI_TMP/end found=$IPSI_TMP/found n

	rm -f "$end"
	phase "$1"
	ipsi_jail left jail
	pid=$IPSI_BG_PID
	# goes with the namespace
	ip -n "${left:?}" link add inside type veth peer name outside \
		netns "$pid" || ipsi_fail "no veth pair"
	ipsi_do jail ip link set lo up
	ipsi_do jail ip address add 10.0.0.1/32 dev lo
	ipsi_bg right "$IPSI_LIB/rtnl_wait.py" "$end" > "$found"
	come_and_go "$1"
	phase "end of the namespace"
	kill "$pid"
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	gone()
	{
		! ip -n "${left:?}" link show dev inside > /dev/null 2>&1
	}
	ipsi_wait "end of the namespace" gone
	# links go before the rest
	sleep 1
	touch "$end"
	wait "$IPSI_BG_PID" || ipsi_fail "nothing measured"
	read -r WAITED n < <(tail -n 1 "$found")
	head -n -1 "$found"
	echo "$1: at most $WAITED us, of $n requests"
}

nobody_waits()
{
	local WAITED theirs ours

	ipsi_need python3 unshare
	setup_ns left right || ipsi_skip "no network namespaces here"
	ipsi_shell left right
	modprobe -a esp4 ah4 md5 gcm ctr seqiv dummy xfrm_interface 2> /dev/null
	longest xfrm
	theirs=$WAITED
	longest ipsec-ipip
	ours=$WAITED
	[ "$ours" -le $((theirs + ALLOWED)) ] ||
		ipsi_fail "others wait $ours us beside $theirs us"
}

ipsi_run nobody_waits
