#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Adoption: SAs that a key manager installs for tunnel mode are run by the
# device: outbound ones in transport mode, with all that they had, and under
# the SPI and address by which the key manager finds them. Here "ip xfrm" is in
# the key manager's place. A failure means that an IKE daemon's keys do not
# work, or that SAs of others are taken.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/adopt.sh
source "$IPSI_LIB/adopt.sh"

# R26 R27 R28
by_if_id()
{
	start keying adopt reqid 77
	ipsi_no_ping left
	ipsi_daemon_sa left out if_id 7 reqid 5
	ipsi_daemon_sa left in if_id 7 reqid 5
	both_adopted
	ipsi_has "$(state left 0xdeadbeef)" "reqid 5(0x00000005) mode transport" \
		"outbound state"
	ipsi_has "$(state left 0xfeedbeef)" "reqid 5(0x00000005) mode tunnel" \
		"inbound state"
	ipsi_is "$(ip -n "${left:?}" xfrm state | grep -c ^src)" 2 "states"
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	ipsi_is "$(ipsi_get left keying)" adopt "keying"
	ipsi_has "$(ipsi_try left ipsec-ipip show)" "keying: adopt" "show"
	ipsi_has "$(ipsi_try left ipsec-ipip sa show)" "(adopted)" "sa show"
}

by_endpoints()
{
	local shown

	start keying adopt-endpoints
	ipsi_daemon_sa left out
	ipsi_daemon_sa left in
	both_adopted
	ipsi_has "$(state left 0xdeadbeef)" "if_id 0x7" "outbound state"
	ipsi_has "$(state left 0xfeedbeef)" "if_id 0x7" "inbound state"
	ipsi_ping left -c 2 -i 0.2
	ipsi_ping right
	# those with its if_id as well
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x1001 mode tunnel \
		if_id 7 "${GCM[@]}"
	ipsi_wait "adoption by if_id" adopted out 0x1001

	# the daemon does not know of the if_id
	ipsi_do left ip xfrm state update "${IN[@]}" spi 0xfeedbeef \
		mode tunnel limit packet-soft 1000 limit packet-hard 2000 \
		"${GCM[@]}"
	shown=$(state left 0xfeedbeef)
	ipsi_has "$shown" "if_id 0x7" "updated state"
	ipsi_has "$shown" "mode tunnel" "updated state"
	ipsi_has "$shown" "hard 2000(packets)" "updated state"
	adopted in "${IPSI_SPI[right]}" || ipsi_fail "not adopted any more"
	ipsi_do left ip xfrm state delete "${OUT[@]}" spi 0x1001
	ipsi_ping left
}

one_device_between_endpoints()
{
	local two=(type ipsec-ipip local 10.0.0.1 remote 10.0.0.2)

	ipsi_topology
	ipsi_device left keying adopt-endpoints
	ipsi_must_fail "keying: another device adopts SAs between these endpoints" \
		left ip link add ipsec1 "${two[@]}" keying adopt-endpoints
	ipsi_do left ip link add ipsec1 "${two[@]}" keying adopt
	ipsi_must_fail "keying: another device adopts" \
		left ip link set ipsec1 type ipsec-ipip keying adopt-endpoints
	ipsi_is "$(ipsi_get left keying ipsec1)" adopt "keying as it was"
	ipsi_do left ip link add ipsec2 type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.3 keying adopt-endpoints
	ipsi_must_fail "keying: another device adopts" \
		left ip link set ipsec2 type ipsec-ipip remote 10.0.0.2
	ipsi_do left ip link set "$DEV" type ipsec-ipip keying manual
	ipsi_do left ip link set ipsec1 type ipsec-ipip keying adopt-endpoints
}

# A peer that moves makes no exception. The device follows when the other one
# has gone.
one_device_follows()
{
	follows_to()
	{
		[ "$(ipsi_get left peer)" = "$1" ]
	}
	ipsi_topology
	ipsi_device left keying adopt-endpoints roam
	ipsi_do left ip link add ipsec1 type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.3 keying adopt-endpoints
	ipsi_daemon_sa left out
	ipsi_wait "adoption" adopted out
	ipsi_do left ip xfrm state add src 10.0.0.1 dst 10.0.0.3 proto esp \
		spi 0x1001 mode tunnel if_id 7 "${GCM[@]}"
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	refused()
	{
		dmesg | grep -q "$DEV: the peer has moved to where"
	}
	ipsi_wait "refusal" refused
	follows_to 10.0.0.2 || ipsi_fail "moved to the endpoints of ipsec1"
	ipsi_do left ip link del ipsec1
	ipsi_wait "move" follows_to 10.0.0.3
	ipsi_wait "adoption" adopted out 0x1001
}

# Of SAs that are not the device's, or not in tunnel mode, none is touched.
# The last one is the sign that the others were looked at.
others_are_left_alone()
{
	local before

	ipsi_topology
	ipsi_device left keying adopt-endpoints
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x2001 mode tunnel \
		if_id 8 "${GCM[@]}"
	ipsi_do left ip xfrm state add src 10.0.0.1 dst 10.0.0.3 proto esp \
		spi 0x2002 mode tunnel "${GCM[@]}"
	ipsi_do left ip xfrm state add src 10.0.0.9 dst 10.0.0.2 proto esp \
		spi 0x2003 mode tunnel "${GCM[@]}"
	ipsi_do left ip xfrm state add src 10.0.0.1 dst 10.0.0.3 proto esp \
		spi 0x2004 mode tunnel if_id 7 "${GCM[@]}"
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x2005 mode beet \
		if_id 7 sel src 10.1.0.1 dst 10.1.0.2 "${GCM[@]}"
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x2006 mode transport \
		"${GCM[@]}"
	ipsi_do left ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto ah \
		spi 0x2007 mode tunnel if_id 7 auth 'hmac(sha256)' 0x00
	# what a daemon has before the keys are negotiated
	ipsi_do left ip xfrm state allocspi "${IN[@]}" mode tunnel \
		min 0x2008 max 0x2008 > /dev/null
	ipsi_do left ip xfrm state allocspi "${OUT[@]}" mode tunnel \
		min 0x2009 max 0x2009 > /dev/null
	before=$(ip -n "${left:?}" xfrm state)
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x2010 mode tunnel \
		"${GCM[@]}"
	ipsi_wait "adoption" adopted out 0x2010
	# searched for, too
	ipsi_do left ip link set "$DEV" type ipsec-ipip ttl 9
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x2011 mode tunnel \
		"${GCM[@]}"
	ipsi_wait "adoption" adopted out 0x2011
	ipsi_do left ip xfrm state delete "${OUT[@]}" spi 0x2010
	ipsi_do left ip xfrm state delete "${OUT[@]}" spi 0x2011
	ipsi_is "$(ip -n "${left:?}" xfrm state)" "$before" "other states"
	ipsi_is "$(ipsi_get left sa_out) $(ipsi_get left sa_in)" "0 0" "SAs"
}

manual_adopts_nothing()
{
	ipsi_topology
	ipsi_device left
	ipsi_is "$(ipsi_get left keying)" manual "keying by default"
	ipsi_do left ip link add ipsec1 type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.3 if_id 9 keying adopt
	ipsi_daemon_sa left out if_id 7
	ipsi_do left ip xfrm state add src 10.0.0.1 dst 10.0.0.3 proto esp \
		spi 0x3001 mode tunnel if_id 9 "${GCM[@]}"
	DEV=ipsec1 ipsi_wait "adoption by the other" adopted out 0x3001
	ipsi_has "$(state left 0xdeadbeef)" "mode tunnel" "outbound state"
	ipsi_is "$(ipsi_get left sa_out)" 0 "outbound SAs"
}

# All that a state has, to the last counter, goes over into its clone: mode
# and the family of the selector are what differs.
all_is_kept()
{
	local full=("$IPSI_LIB/xfrm.py") before after

	ipsi_need python3 diff
	ipsi_topology
	ipsi_try left sysctl -qw net.core.xfrm_aevent_etime=77
	ipsi_do left "${full[@]}" full 10.0.0.1 10.0.0.2
	before=$(ipsi_try left "${full[@]}" show 10.0.0.2 0x1001 0x1002) ||
		ipsi_fail "no states"
	ipsi_device left keying adopt
	ipsi_wait "adoption" adopted out 0x1001
	ipsi_wait "adoption" adopted out 0x1002
	after=$(ipsi_try left "${full[@]}" show 10.0.0.2 0x1001 0x1002)
	ipsi_is "$(diff <(echo "$before") <(echo "$after") | grep '^[<>]')" \
"< 0x1001 mode 1
> 0x1001 mode 0
< 0x1002 sel.family 2
> 0x1002 sel.family 0
< 0x1002 mode 1
> 0x1002 mode 0" "what has changed"
	# as many as there have to be
	ipsi_has "$after" "0x1001 attribute 18" "AEAD"
	ipsi_has "$after" "0x1001 attribute 4" "UDP encapsulation"
	ipsi_has "$after" "0x1001 attribute 23" "ESN"
	ipsi_has "$after" "0x1002 attribute 20" "integrity"
	ipsi_has "$after" "0x1002 ae 10 4d0000006300000055550000" "replay state"
}

# The counts continue: sequence numbers, bytes, packets and the
# time of first use. R34
counters_go_on()
{
	local wire=$IPSI_TMP/wire numbers

	ipsi_topology
	ipsi_tunnel_side right
	ipsi_tunnel_side left
	ipsi_capture_start right "$wire"
	ipsi_ping left -c 3 -i 0.2
	ipsi_do left ip address del "${IPSI_INNER[left]}/32" dev lo
	ipsi_do left ip route flush "${IPSI_INNER[right]}"
	ipsi_device left keying adopt-endpoints
	both_adopted
	sa_is out 0xdeadbeef '"packets":3' '"seq":3' ||
		ipsi_fail "counters: $(ipsi_try left ipsec-ipip -j sa show)"
	sa_is in 0xfeedbeef '"packets":3' || ipsi_fail "inbound counters"
	ipsi_ping left -c 3 -i 0.2
	ipsi_capture_stop
	numbers=$(tcpdump -nr "$wire" 'src 10.0.0.1 and esp' 2> /dev/null |
		sed 's/.*seq=0x0*\([0-9a-f]*\).*/\1/' | tr '\n' ' ')
	ipsi_is "$numbers" "1 2 3 4 5 6 " "sequence numbers"
	sa_is out 0xdeadbeef '"packets":6' '"seq":6' || ipsi_fail "counters"
}

# A replay is refused across the adoption, also where the inbound SA has to be
# replaced: ESP without an IV cannot be received in tunnel mode.
null_cipher()
{
	local null=(enc 'ecb(cipher_null)' "" auth 'hmac(sha256)' 0x00)
	local peer=(mode transport replay-window 32)

	ipsi_topology
	ipsi_device right
	ipsi_do right ip xfrm state add "${OUT[@]}" spi 0x4001 if_id 7 \
		"${peer[@]}" "${null[@]}"
	ipsi_do right ip xfrm state add "${IN[@]}" spi 0x4002 if_id 7 \
		"${peer[@]}" "${null[@]}"
	ipsi_device left keying adopt
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x4001 if_id 7 \
		mode tunnel "${null[@]}"
	ipsi_do left ip xfrm state add "${IN[@]}" spi 0x4002 if_id 7 \
		mode tunnel replay-window 1 replay-seq 4 "${null[@]}"
	ipsi_wait "adoption" adopted out 0x4001
	ipsi_wait "adoption" sa_is in 0x4002 '"adopted":true' \
		'"mode":"transport"' '"seq":4'
	# three answers are late
	ipsi_no_ping left -c 3 -i 0.2
	sa_is in 0x4002 '"replayed":3' '"packets":0' ||
		sa_is in 0x4002 '"replay_late":3' ||
		ipsi_fail "$(ipsi_try left ipsec-ipip sa show)"
	ipsi_ping left
}

refusals()
{
	sed -n 's/^[^ ]* sa-refuse.* spi \(0x[0-9a-f]*\) .* \([a-z]*\)$/\1 \2/p' \
		"$IPSI_TMP/heard" | tr '\n' ' '
}

refused_are()
{
	[ "$(refusals)" = "$1" ]
}

# An SA with a mark is that of a VTI, which has no if_id. A refusal is
# reported once, and again after an update of the SA.
marked_is_refused()
{
	local sa=("${IN[@]}" spi 0x5001 mode tunnel mark 5 "${GCM[@]}")

	ipsi_topology
	ipsi_device left keying adopt-endpoints
	ipsi_bg left ipsec-ipip monitor > "$IPSI_TMP/heard" \
		2> "$IPSI_TMP/monitor"
	ipsi_wait "monitor listening" grep -q listening "$IPSI_TMP/monitor"
	ipsi_do left ip xfrm state add "${sa[@]}"
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x5002 mode tunnel \
		mark 5 "${GCM[@]}"
	ipsi_wait "refusals" refused_are "0x00005001 mark 0x00005002 mark "
	ipsi_has "$(state left 0x5002)" "mode tunnel" "outbound state"
	# the SAD is searched
	ipsi_do left ip link set "$DEV" type ipsec-ipip ttl 9
	ipsi_do left ip link set "$DEV" type ipsec-ipip ttl 10
	# the sign that it was: each is looked at after those before
	ipsi_do left ip xfrm state update "${sa[@]}"
	ipsi_wait "refusal" refused_are \
		"0x00005001 mark 0x00005002 mark 0x00005001 mark "
	# by the device's if_id it is the device's
	ipsi_do left ip xfrm state add "${IN[@]}" spi 0x5003 mode tunnel \
		mark 5 if_id 7 "${GCM[@]}"
	ipsi_wait "adoption" adopted in 0x5003
}

# The replacement of an SA fails if another state is found by its mark and SPI: the
# core lists it only beside the first. The key manager gets a hard expiry.
adoption_fails()
{
	ipsi_topology
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x5004 mode tunnel \
		mark 5 mask 255 if_id 7 "${GCM[@]}"
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x5004 mode tunnel \
		"${GCM[@]}"
	ipsi_bg left ipsec-ipip monitor > "$IPSI_TMP/heard" \
		2> "$IPSI_TMP/monitor"
	ipsi_wait "monitor listening" grep -q listening "$IPSI_TMP/monitor"
	ipsi_bg left ip xfrm monitor > "$IPSI_TMP/expired"
	ipsi_wait "monitor of XFRM" ipsi_xfrm_monitors left \
		"$IPSI_TMP/expired"
	ipsi_device left keying adopt
	ipsi_wait "refusal" refused_are "0x00005004 failed "
	ipsi_wait "expiry" grep -q 'hard 1' "$IPSI_TMP/expired"
	ipsi_is "$(ipsi_get left sa_out)" 0 "outbound SAs"
}

# An SA that a network device offloads cannot be replaced. Only debug kernels have
# such a device without hardware.
offloaded_is_refused()
{
	local bus=/sys/bus/netdevsim nic

	modprobe -q netdevsim || ipsi_skip "the kernel has no netdevsim"
	ipsi_topology
	echo "77 1" > "$bus/new_device" || ipsi_fail "no device"
	# shellcheck disable=SC2064 # as it is now
	trap "echo 77 > $bus/del_device; ipsi_cleanup" EXIT
	nic=$(ls "$bus/devices/netdevsim77/net")
	ip link set "$nic" name nsim77 || ipsi_fail "$nic is not renamed"
	ip link set nsim77 netns "$left" || ipsi_fail "nsim77 is not moved"
	ipsi_do left ip link set nsim77 up
	ipsi_device left keying adopt
	ipsi_bg left ipsec-ipip monitor > "$IPSI_TMP/heard" \
		2> "$IPSI_TMP/monitor"
	ipsi_wait "monitor listening" grep -q listening "$IPSI_TMP/monitor"
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x5005 mode tunnel \
		if_id 7 "${GCM[@]}" offload dev nsim77 dir out
	ipsi_wait "refusal" refused_are "0x00005005 offload "
}

ipsi_run by_if_id by_endpoints one_device_between_endpoints one_device_follows \
	others_are_left_alone manual_adopts_nothing all_is_kept counters_go_on \
	null_cipher marked_is_refused adoption_fails offloaded_is_refused
