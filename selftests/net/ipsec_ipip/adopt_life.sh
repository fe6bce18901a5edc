#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The life of adopted SAs: the key manager, in whose place "ip xfrm" is
# here, updates and deletes them, and hears when they expire; devices come and
# go. A failure means that an IKE daemon loses track of its SAs, or that the
# device does.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/adopt.sh
source "$IPSI_LIB/adopt.sh"

# The daemon's view after the adoption. R36
update()
{
	local words=(if_id 7 mode tunnel "${GCM[@]}")

	ipsi_topology
	ipsi_device left keying adopt
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x1001 "${words[@]}"
	ipsi_wait "adoption" adopted out 0x1001
	ipsi_send left 2
	ipsi_do left ip xfrm state update "${OUT[@]}" spi 0x1001 \
		limit packet-soft 3 limit packet-hard 4 "${words[@]}"
	adopted out 0x1001 || ipsi_fail "not adopted any more"
	ipsi_has "$(state left 0x1001)" \
		"soft 3(packets), hard 4(packets)" "limits"
	sa_is out 0x1001 '"packets":2' '"hard_packets":4' ||
		ipsi_fail "counters"
	ipsi_is "$(ip -n "${left:?}" xfrm state | grep -c ^src)" 1 "states"
}

daemon_gone()
{
	[ "$(ipsi_get left sa_out)" = 0 ]
}

# Expiry is reported under the SPI that the daemon knows.
expiry()
{
	local heard=$IPSI_TMP/heard

	ipsi_topology
	ipsi_device left keying adopt
	ipsi_daemon_sa left out if_id 7 limit packet-soft 2 limit packet-hard 4
	ipsi_wait "adoption" adopted out
	ipsi_bg left ip xfrm monitor >> "$heard"
	ipsi_wait "monitor" ipsi_xfrm_monitors left "$heard"
	# The limit is looked at before a packet is counted.
	ipsi_send left 3
	ipsi_wait "soft expiry" grep -q 'hard 0' "$heard"
	ipsi_send left 2
	ipsi_wait "hard expiry" grep -q 'hard 1' "$heard"
	ipsi_is "$(grep -A 1 '^Expired' "$heard" | grep -c 'spi 0xdeadbeef')" \
		2 "expiries"
	ipsi_wait "end of the SA" daemon_gone
	ipsi_is "$(ip -n "${left:?}" xfrm state)" "" "states"
}

# A device stays in its family, so an SA that is moved to the other one ends.
moved_to_the_other_family()
{
	local heard=$IPSI_TMP/heard skipped

	ipsi_topology
	ipsi_device left keying adopt roam
	ipsi_daemon_sa left out if_id 7
	ipsi_wait "adoption" adopted out
	ipsi_do left ip xfrm policy add dir out src 0.0.0.0/0 dst 0.0.0.0/0 \
		tmpl src 10.0.0.1 dst 10.0.0.2 proto esp mode tunnel
	ipsi_bg left ip xfrm monitor >> "$heard"
	ipsi_wait "monitor" ipsi_xfrm_monitors left "$heard"
	skipped=$(ipsi_try left "$IPSI_LIB/xfrm.py" move_tunnels \
		10.0.0.1 10.0.0.2 fd00::1 fd00::2) || ipsi_fail "migrate: $skipped"
	[ -z "$skipped" ] || ipsi_skip "$skipped"
	ipsi_wait "end of the SA" daemon_gone
	ipsi_is "$(ip -n "${left:?}" xfrm state)" "" "states"
	ipsi_wait "hard expiry" grep -q 'hard 1' "$heard"
	ipsi_is "$(grep -A 1 '^Expired' "$heard" | grep -c 'spi 0xdeadbeef')" \
		1 "expiries"
}

# R24
delete_and_flush()
{
	start keying adopt
	ipsi_daemon_sa left out if_id 7
	ipsi_daemon_sa left in if_id 7
	both_adopted
	ipsi_do left ip xfrm state delete "${OUT[@]}" spi 0xdeadbeef
	ipsi_is "$(ipsi_get left sa_out) $(ipsi_get left sa_in)" "0 1" "SAs"
	ipsi_no_ping left
	ipsi_daemon_sa left out if_id 7 replay-oseq 100
	both_adopted
	ipsi_ping left
	ipsi_do left ip xfrm state flush
	ipsi_is "$(ipsi_get left sa_out) $(ipsi_get left sa_in)" "0 0" "SAs"
	ipsi_is "$(ip -n "${left:?}" xfrm state)" "" "states"
	ipsi_no_ping left
	ipsi_daemon_sa left out if_id 7 replay-oseq 200
	ipsi_daemon_sa left in if_id 7
	both_adopted
	ipsi_ping left
}

# SAs come before the device and end with it; the next device adopts new ones.
device_comes_and_goes()
{
	ipsi_topology
	ipsi_tunnel_side right
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x1001 if_id 7 \
		mode tunnel "${GCM[@]}"
	ipsi_daemon_sa left out if_id 7
	ipsi_daemon_sa left in if_id 7
	ipsi_device left keying adopt
	both_adopted
	ipsi_wait "adoption of the older" adopted out 0x1001
	# the newest comes into use, as if they had come one by one
	ipsi_wait "use of the newest" sa_is out 0xdeadbeef '"active":true'
	ipsi_ping left
	ipsi_do left ip link del "$DEV"
	ipsi_is "$(ip -n "${left:?}" xfrm state)" "" "states"

	ipsi_device left keying adopt
	ipsi_daemon_sa left out if_id 7
	ipsi_daemon_sa left in if_id 7
	both_adopted
	ipsi_ping left
}

# The initiator of a rekey may not have its new keys yet: the new outbound SA is
# used when the old one is deleted, or after a time. R29
old_sa_first()
{
	start keying adopt
	ipsi_daemon_sa left out if_id 7
	ipsi_daemon_sa left in if_id 7
	both_adopted
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x1001 if_id 7 \
		mode tunnel "${GCM[@]}"
	ipsi_wait "adoption" adopted out 0x1001
	sa_is out 0xdeadbeef '"active":true' ||
		ipsi_fail "$(ipsi_try left ipsec-ipip sa show)"
	ipsi_wait "use of the newest" sa_is out 0x1001 '"active":true'

	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x1002 if_id 7 \
		mode tunnel "${GCM[@]}"
	ipsi_wait "adoption" adopted out 0x1002
	ipsi_do left ip xfrm state delete "${OUT[@]}" spi 0x1001
	ipsi_do left ip xfrm state delete "${OUT[@]}" spi 0xdeadbeef
	sa_is out 0x1002 '"active":true' ||
		ipsi_fail "$(ipsi_try left ipsec-ipip sa show)"
}

# It is used when the peer sends by its own: then it has both. R30
new_sa_when_heard()
{
	start keying adopt
	ipsi_daemon_sa left out if_id 7
	ipsi_daemon_sa left in if_id 7
	both_adopted
	# SAs of one second are one pair
	sleep 2
	ipsi_do left ip xfrm state add "${IN[@]}" spi 0x1002 if_id 7 \
		mode tunnel "${GCM[@]}"
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x1001 if_id 7 \
		mode tunnel "${GCM[@]}"
	ipsi_wait "adoption" adopted out 0x1001
	ipsi_ping right
	sa_is out 0xdeadbeef '"active":true' ||
		ipsi_fail "$(ipsi_try left ipsec-ipip sa show)"
	ipsi_do right ip xfrm state add "${OUT[@]}" spi 0x1001 mode tunnel \
		"${GCM[@]}"
	ipsi_do right ip xfrm state add "${IN[@]}" spi 0x1002 mode tunnel \
		"${GCM[@]}"
	ipsi_do right ip xfrm state delete "${IN[@]}" spi 0xfeedbeef
	ipsi_ping right
	sa_is out 0x1001 '"active":true' ||
		ipsi_fail "$(ipsi_try left ipsec-ipip sa show)"
	ipsi_ping left
}

# An option that is set later is as good.
keying_is_set_later()
{
	start
	ipsi_daemon_sa left out if_id 7
	ipsi_daemon_sa left in if_id 7
	ipsi_is "$(ipsi_get left sa_out)" 0 "outbound SAs"
	ipsi_do left ip link set "$DEV" type ipsec-ipip keying adopt
	both_adopted
	ipsi_ping left
	ipsi_do left ip link set "$DEV" type ipsec-ipip keying manual
	ipsi_ping left
	ipsi_do left ip xfrm state delete "${OUT[@]}" spi 0xdeadbeef
	ipsi_daemon_sa left out if_id 7 replay-oseq 100
	ipsi_no_ping left
}

# The daemon hears of what it has done, and of nothing else.
others_hear_nothing()
{
	local heard=$IPSI_TMP/heard

	ipsi_topology
	ipsi_device left keying adopt
	ipsi_bg left ip xfrm monitor >> "$heard"
	ipsi_wait "monitor" ipsi_xfrm_monitors left "$heard"
	ipsi_daemon_sa left out if_id 7
	ipsi_daemon_sa left in if_id 7
	both_adopted
	ipsi_do left ip xfrm state delete "${OUT[@]}" spi 0xdeadbeef
	ipsi_wait "deletion" grep -q '^Deleted src 10.0.0.1 ' "$heard"
	ipsi_is "$(grep -c 'src 10\.0\.0\.' "$heard")" 3 "messages"
}

# adopted and refused SAs are reported
events()
{
	local heard=$IPSI_TMP/events port=(sel src 10.1.0.0/16 proto udp dport 53)

	ipsi_topology
	ipsi_device left keying adopt
	ipsi_bg left ipsec-ipip monitor > "$heard" 2> "$IPSI_TMP/monitor"
	ipsi_wait "monitor listening" grep -q listening "$IPSI_TMP/monitor"
	ipsi_daemon_sa left out if_id 7
	ipsi_wait "event" grep -q "sa-activate" "$heard"
	ipsi_daemon_sa left in if_id 7
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x5001 mode tunnel \
		if_id 7 "${port[@]}" "${GCM[@]}"
	ipsi_wait "event" grep -q "spi 0x00005001" "$heard"
	ipsi_do left ip xfrm state add "${IN[@]}" spi 0x5002 mode tunnel \
		if_id 7 "${port[@]}" "${GCM[@]}"
	ipsi_wait "event" grep -q "spi 0x00005002" "$heard"
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x5003 mode tunnel \
		if_id 7 enc 'cbc(aes)' 0x000102030405060708090a0b0c0d0e0f
	ipsi_wait "event" grep -q "spi 0x00005003" "$heard"
	ipsi_is "$(sed -n 's/^[^ ]* sa-/sa-/p' "$heard")" \
"sa-add $DEV out spi 0xdeadbeef proto esp mode transport reqid 0 10.0.0.1 -> 10.0.0.2 adopted
sa-activate $DEV spi 0xdeadbeef proto esp
sa-add $DEV in spi 0xfeedbeef proto esp mode tunnel reqid 0 10.0.0.2 -> 10.0.0.1 adopted
sa-refuse $DEV out spi 0x00005001 proto esp mode tunnel reqid 0 10.0.0.1 -> 10.0.0.2 selector
sa-refuse $DEV in spi 0x00005002 proto esp mode tunnel reqid 0 10.0.0.2 -> 10.0.0.1 selector
sa-refuse $DEV out spi 0x00005003 proto esp mode tunnel reqid 0 10.0.0.1 -> 10.0.0.2 integrity" \
		"events"
	ipsi_is "$(ipsi_get left sa_out) $(ipsi_get left sa_in)" "1 1" "SAs"
	ipsi_has "$(dmesg)" "SA with SPI 0x00005001 not adopted" "kernel's log"
}

# A daemon that moves an SA deletes it and adds it again, which routing daemons
# do not notice; an SA that stays away they do.
carrier()
{
	local changes

	start keying adopt
	ipsi_daemon_sa left out if_id 7
	ipsi_daemon_sa left in if_id 7
	both_adopted
	ipsi_wait "the carrier" ipsi_carrier_is left true
	changes=$(ipsi_carrier_changes left)
	# at once, as a daemon does
	ipsi_try left ip -batch - <<-END || ipsi_fail "SA moved"
		xfrm state delete ${OUT[*]} spi 0xdeadbeef
		xfrm state add ${OUT[*]} spi 0x1001 mode tunnel if_id 7 ${GCM[*]}
	END
	ipsi_wait "adoption" adopted out 0x1001
	# events about the SA that has gone may still come
	sleep 1.5
	ipsi_is "$(ipsi_carrier_changes left)" "$changes" \
		"changes of the carrier"
	ipsi_do left ip xfrm state delete "${OUT[@]}" spi 0x1001
	ipsi_wait "the end of the carrier" ipsi_carrier_is left false
	ipsi_daemon_sa left out if_id 7 replay-oseq 200
	ipsi_wait "the carrier" ipsi_carrier_is left true
	# it has not waited to go when the device goes
	ipsi_do left ip xfrm state flush
	ipsi_do left ip link del "$DEV"
}

ipsi_run update expiry moved_to_the_other_family delete_and_flush \
	device_comes_and_goes old_sa_first new_sa_when_heard \
	keying_is_set_later others_hear_nothing events carrier
