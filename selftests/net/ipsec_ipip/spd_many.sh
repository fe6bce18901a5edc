#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Many policies, which anybody may make in a user namespace. A failure means that
# they take the memory of the host or keep it from its work, or that packets pass
# unseen which the policies do not let pass.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/adopt.sh
source "$IPSI_LIB/adopt.sh"

# traps N: policies that wait for packets, for a batch
traps()
{
	local i

	for ((i = 0; i < $1; i++)); do
		echo "xfrm policy add dir out src 10.2.0.0/16" \
			"dst 10.$((128 + i / 256)).$((i % 256)).0/24" \
			"tmpl proto esp mode transport"
	done
}

# tunnels FROM TO OPTION...: policies for SAs of reqid 6
tunnels()
{
	local i

	for ((i = $1; i < $2; i++)); do
		echo "xfrm policy add dir out src 10.2.0.0/16" \
			"dst 10.$((128 + i / 256)).$((i % 256)).0/24" \
			"${*:3} tmpl src 10.0.0.1 dst 10.0.0.2" \
			"proto esp reqid 6 mode tunnel"
	done
}

available()
{
	awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo
}

# Each of the devices is one that adopts by the policies.
memory()
{
	local i before taken

	setup_ns yard || ipsi_skip "no network namespaces here"
	ipsi_jail yard prisoner
	# shellcheck disable=SC2154 # ipsi_jail sets it
	for ((i = 0; i < 300; i++)); do
		echo "link add d$i type ipsec-ipip local 192.0.2.1" \
			"remote 198.51.$((100 + i / 250)).$((i % 250))" \
			"keying adopt-endpoints"
	done > "$IPSI_TMP/devices"
	traps 5000 > "$IPSI_TMP/traps"
	ipsi_do prisoner timeout 120 ip -batch "$IPSI_TMP/devices"
	sync
	echo 3 > /proc/sys/vm/drop_caches
	before=$(available)
	ipsi_do prisoner timeout 120 ip -batch "$IPSI_TMP/traps"
	# any task gets the lock of the network
	# shellcheck disable=SC2154 # setup_ns sets it
	ip -n "$yard" link add probe type dummy || ipsi_fail "no device"
	sleep 2
	ip -n "$yard" link del probe || ipsi_fail "no device"
	taken=$((before - $(available)))
	echo "$taken MB for 5000 policies"
	((taken < 64)) || ipsi_fail "5000 policies have taken $taken MB"
	ipsi_do prisoner ip xfrm policy flush
	ipsi_do prisoner ip link del d0
}

passes()
{
	ip netns exec "${left:?}" ping -n -q -c 1 -W 2 192.168.2.1
}

blocked()
{
	! passes
}

# More than there is room for: nothing passes, and the log says so. When
# they have gone, all is as before.
limit()
{
	start keying adopt
	ipsi_daemon_sa left out if_id 7 reqid 9
	ipsi_daemon_sa left in if_id 7 reqid 9
	both_adopted
	ipsi_wait "traffic" passes
	# those of others do not count
	tunnels 0 8300 > "$IPSI_TMP/others"
	ipsi_do left ip -batch "$IPSI_TMP/others"
	ipsi_wait "traffic" passes
	ipsi_do left ip xfrm policy flush

	tunnels 0 8192 if_id 7 > "$IPSI_TMP/policies"
	ipsi_do left ip -batch "$IPSI_TMP/policies"
	ipsi_wait "traffic" passes
	ipsi_has_not "$(ipsi_try left ipsec-ipip check "$DEV")" \
		policies-limit "check"
	tunnels 8192 8193 if_id 7 > "$IPSI_TMP/policies"
	ipsi_do left ip -batch "$IPSI_TMP/policies"
	blocked || ipsi_fail "packets pass by policies that are not known"
	((0 < $(ipsi_stat left tx_selector))) || ipsi_fail "nothing refused"
	ipsi_has "$(ipsi_try left ipsec-ipip check "$DEV")" \
		"policies-limit: there are 8193 policies" "check"
	ipsi_wait "the kernel's log" logged
	# one less: they are read again
	ipsi_do left ip xfrm policy delete dir out src 10.2.0.0/16 \
		dst 10.128.1.0/24 if_id 7
	ipsi_wait "traffic" passes
	ipsi_do left ip xfrm policy add dir out src 10.2.0.0/16 \
		dst 10.128.1.0/24 if_id 7 \
		tmpl src 10.0.0.1 dst 10.0.0.2 proto esp reqid 6 mode tunnel
	blocked || ipsi_fail "packets pass by policies that are not known"
	ipsi_do left ip xfrm policy flush
	ipsi_wait "traffic" passes
}

logged()
{
	dmesg | grep -q "if_id 7: too many policies"
}

ipsi_run memory limit
