#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Events: a listener gets an event for each SA of a device that is added, is
# deleted, expires or comes into use, in this order, whether it was made here or
# through XFRM, and no other events. A failure means that a program which
# follows the events has a wrong state.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

DEV=$IPSI_DEV
AEAD=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)

# listen [HOST [COMMAND...]]: start the monitor on HOST, which is not a jail, or
# there by COMMAND
listen()
{
	MONITOR=$IPSI_TMP/events
	EXPECTED=
	ipsi_need jq
	ipsi_bg "${@:-left}" ipsec-ipip -j monitor > "$MONITOR" \
		2> "$IPSI_TMP/monitor"
	ipsi_wait "monitor listening" grep -q listening "$IPSI_TMP/monitor"
}

# events: print the SA events in order, a line for each: event, direction, SPI
# in decimal, flags
events()
{
	sed -n '/"event":"carrier"/d; /^{/p' "$MONITOR" | jq -r \
		'[.event, .direction, .proto, .spi,
		  (if .hard then "hard" else empty end),
		  (if .pinned then "pinned" else empty end)] |
		 map(values) | join(" ")'
}

# as_many_lines FILE NUMBER: true if FILE has at least NUMBER SA events
as_many_lines()
{
	[ "$(sed '/"event":"carrier"/d' "$1" | grep -c '^{')" -ge "$2" ]
}

# await LINE...: wait for as many new events
await()
{
	ipsi_wait "$* (heard: $(events | tr '\n' ';'))" as_many_lines \
		"$MONITOR" $(($(grep -c . <<< "$EXPECTED") + $#))
}

# events_are LINE...: check that exactly these new events have come
events_are()
{
	local line

	await "$@"
	for line in "$@"; do
		EXPECTED+=$line$'\n'
	done
	ipsi_is "$(events)" "${EXPECTED%$'\n'}" "events"
}

# heard_in_any_order LINE...: the same, in any order
heard_in_any_order()
{
	local new

	await "$@"
	mapfile -t new < <(events |
		tail -n +$(($(grep -c . <<< "$EXPECTED") + 1)))
	ipsi_is "$(printf '%s\n' "${new[@]}" | sort)" \
		"$(printf '%s\n' "$@" | sort)" "events, sorted"
	events_are "${new[@]}"
}

made_by_us()
{
	local first

	ipsi_topology
	ipsi_device left
	listen
	ipsi_do left ipsec-ipip -q sa add "$DEV" out spi 1001 reqid 5 "${AEAD[@]}"
	events_are "sa-add out esp 1001" "sa-activate esp 1001"
	first=$(grep -m1 '^{' "$MONITOR" | jq -cS 'del(.time, .ifindex)')
	ipsi_is "$first" \
		'{"adopted":false,"direction":"out","dst":"10.0.0.2","event":"sa-add","ifname":"ipsec0","mode":"transport","proto":"esp","reqid":5,"spi":1001,"spi_hex":"0x000003e9","src":"10.0.0.1"}' \
		"what is said of an SA"
	ipsi_do left ipsec-ipip -q sa add "$DEV" in spi 1002 mode tunnel "${AEAD[@]}"
	events_are "sa-add in esp 1002"
	ipsi_do left ipsec-ipip -q sa add "$DEV" out spi 1003 proto ah \
		auth 'hmac(sha256)' 0x00
	events_are "sa-add out ah 1003" "sa-activate ah 1003"
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 1001
	events_are "sa-activate esp 1001 pinned"
	# It is active already.
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 1001
	ipsi_do left ipsec-ipip sa activate "$DEV" newest
	events_are "sa-activate ah 1003"
	# Requests lead to no events.
	ipsi_do left ipsec-ipip sa show keys > /dev/null
	ipsi_must_fail "no such SA" left ipsec-ipip sa del "$DEV" out spi 1002
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 1003 proto ah
	events_are "sa-del out ah 1003" "sa-activate esp 1001"
	ipsi_do left ipsec-ipip sa del "$DEV" in spi 1002
	events_are "sa-del in esp 1002"
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 1001
	events_are "sa-del out esp 1001" "sa-activate"
}

made_by_xfrm()
{
	local out=(src 10.0.0.1 dst 10.0.0.2 proto esp)
	local in=(src 10.0.0.2 dst 10.0.0.1 proto esp)

	ipsi_topology
	ipsi_device left
	listen
	ipsi_do left ip xfrm state add "${out[@]}" spi 1001 mode transport \
		if_id 7 "${AEAD[@]}"
	events_are "sa-add out esp 1001" "sa-activate esp 1001"
	ipsi_do left ip xfrm state add "${in[@]}" spi 1002 mode tunnel \
		if_id 7 "${AEAD[@]}"
	events_are "sa-add in esp 1002"
	# not an SA of the device
	ipsi_do left ip xfrm state add "${out[@]}" spi 1003 mode transport \
		if_id 8 "${AEAD[@]}"
	ipsi_do left ip xfrm state add "${out[@]}" spi 1004 mode transport \
		"${AEAD[@]}"
	ipsi_do left ip xfrm state add src 10.0.0.1 dst 10.0.0.9 proto esp \
		spi 1005 mode transport if_id 7 "${AEAD[@]}"
	ipsi_do left ip xfrm state delete "${out[@]}" spi 1003
	ipsi_do left ip xfrm state update "${in[@]}" spi 1002 mode tunnel \
		if_id 7 "${AEAD[@]}"
	events_are "sa-add in esp 1002"
	ipsi_do left ip xfrm state add "${out[@]}" spi 1006 mode transport \
		if_id 7 "${AEAD[@]}"
	events_are "sa-add out esp 1006" "sa-activate esp 1006"
	ipsi_do left ip xfrm state delete "${out[@]}" spi 1006
	events_are "sa-del out esp 1006" "sa-activate esp 1001"

	ipsi_do left ip xfrm state flush
	events_are "sa-del in esp 1002" "sa-del out esp 1001" "sa-activate"
}

# Packets lead to soft and hard expiry; the next SA takes over.
# R36
expire_by_packets()
{
	ipsi_topology
	ipsi_device left
	listen
	ipsi_do left ipsec-ipip -q sa add "$DEV" out spi 1001 "${AEAD[@]}"
	ipsi_do left ipsec-ipip -q sa add "$DEV" out spi 1002 "${AEAD[@]}" \
		limit packet-soft 2 limit packet-hard 4
	events_are "sa-add out esp 1001" "sa-activate esp 1001" \
		"sa-add out esp 1002" "sa-activate esp 1002"
	ipsi_send left 1
	ipsi_send left 2
	# The other SA is not near its end.
	events_are "sa-expire out esp 1002" "sa-activate esp 1001"
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 1002
	events_are "sa-activate esp 1002 pinned"
	ipsi_send left 3
	# The next packet may detect the expiry before the event is sent.
	heard_in_any_order "sa-expire out esp 1002 hard" \
		"sa-del out esp 1002" "sa-activate esp 1001"
}

# R36
expire_by_time()
{
	ipsi_topology
	ipsi_device left
	listen
	ipsi_do left ipsec-ipip -q sa add "$DEV" in spi 1001 "${AEAD[@]}" \
		limit time-soft 1 limit time-hard 2
	events_are "sa-add in esp 1001" "sa-expire in esp 1001" \
		"sa-expire in esp 1001 hard" "sa-del in esp 1001"
}

# Events go only to the namespace of the device.
namespaces()
{
	ipsi_topology
	ipsi_device left
	ipsi_device right
	listen right
	ipsi_do left ipsec-ipip -q sa add "$DEV" out spi 1001 "${AEAD[@]}"
	ipsi_do right ipsec-ipip -q sa add "$DEV" in spi 1002 "${AEAD[@]}"
	events_are "sa-add in esp 1002"
	# An SA may be added before the device.
	ipsi_do right ip link del "$DEV"
	events_are "sa-del in esp 1002"
	ipsi_daemon_sa right in spi 1002 mode transport if_id 7
	ipsi_do right ip link add "$DEV" type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.1 if_id 7
	events_are "sa-add in esp 1002"
}

# When the endpoints change, the SAs that are not between the new ones leave,
# others join, and the rest leads to no events.
endpoints_change()
{
	ipsi_topology
	ipsi_device left
	ipsi_do left ipsec-ipip -q sa add "$DEV" out spi 1001 "${AEAD[@]}"
	ipsi_do left ipsec-ipip -q sa add "$DEV" in spi 1002 "${AEAD[@]}"
	# with any source
	ipsi_do left ip xfrm state add src 0.0.0.0 dst 10.0.0.1 proto esp \
		spi 1003 mode transport if_id 7 "${AEAD[@]}"
	ipsi_do left ip xfrm state add src 10.0.0.1 dst 10.0.0.3 proto esp \
		spi 1004 mode transport if_id 7 "${AEAD[@]}"
	listen
	ipsi_do left ip link set "$DEV" type ipsec-ipip remote 10.0.0.3
	events_are "sa-del in esp 1002" "sa-del out esp 1001" "sa-add out esp 1004" \
		"sa-activate esp 1004"
	ipsi_do left ip link set "$DEV" type ipsec-ipip remote 10.0.0.2
	events_are "sa-del out esp 1004" "sa-add in esp 1002" "sa-add out esp 1001" \
		"sa-activate esp 1001"
}

# tapped OPTION...: a user who is root in a namespace of his own has what is said
# about a device sent by that device: nlmon gets a copy of each message, and tc
# redirects that
tapped()
{
	ipsi_need python3 unshare
	modprobe -a esp4 ah4 md5 dummy vxlan nlmon cls_matchall act_mirred \
		sch_ingress 2> /dev/null
	setup_ns left || ipsi_skip "no network namespaces here"
	ipsi_shell left
	ipsi_jail left jail
	# shellcheck disable=SC2154 # ipsi_jail sets it
	IN_JAIL=(left nsenter -t "${jail#pid:}" -U -n --preserve-credentials)
	ipsi_try jail ip -batch - <<-END || ipsi_skip "no dummy, vxlan or nlmon here"
		link set lo up
		link add under type dummy
		address add 10.0.0.1/24 dev under
		link set under up
		link add $DEV type ipsec-ipip local 10.0.0.1 remote 10.0.0.2 if_id 7 $*
		address add 192.168.1.1/32 dev $DEV
		link set $DEV up
		route add 192.168.2.0/23 dev $DEV src 192.168.1.1
		link add vx type vxlan id 1 local 192.168.1.1 remote 192.168.2.1 dstport 4789 dev $DEV
		link set vx up
		link add tap type nlmon
		link set tap up
	END
	ipsi_try jail tc -batch - <<-END || ipsi_skip "no tc filters here"
		qdisc add dev tap clsact
		filter add dev tap egress matchall action mirred egress redirect dev vx
	END
}

tap_that_sends_by_the_device()
{
	local many=("$IPSI_LIB/xfrm.py" many 10.0.0.1 10.0.0.2)

	tapped
	listen "${IN_JAIL[@]}"
	ipsi_do jail "${many[@]}" 1001 1 7
	events_are "sa-add out ah 1001" "sa-activate ah 1001"
	# the second comes in place of the first
	ipsi_do jail "${many[@]}" 1002 1 7
	events_are "sa-add out ah 1002" "sa-activate ah 1002"
	ipsi_wait "events on the wire" sent_by jail
}

# The copy of an acquire needs an SA of its own.
tap_that_acquires()
{
	local i heard=$IPSI_TMP/heard

	tapped keying adopt
	for i in 2 3; do
		ipsi_do jail ip xfrm policy add dir out dst "192.168.$i.0/24" \
			if_id 7 tmpl src 10.0.0.1 dst 10.0.0.2 \
			proto esp reqid "$i" mode tunnel
	done
	ipsi_bg "${IN_JAIL[@]}" ip xfrm monitor acquire >> "$heard"
	ipsi_wait "both acquires" both_are_heard "$heard"
}

# both_are_heard FILE: of a packet, and of the copy of its acquire
both_are_heard()
{
	ipsi_try jail ping -n -q -c 1 -W 1 192.168.3.1 > /dev/null
	grep -q "reqid 3" "$1" && grep -q "reqid 2" "$1"
}

# sent_by HOST: the device has sent packets
sent_by()
{
	(($(ipsi_try "$1" ip -s link show "$DEV" |
		awk '/TX:/ { getline; print $2 }') > 3))
}

ipsi_run made_by_us made_by_xfrm expire_by_packets expire_by_time namespaces \
	endpoints_change tap_that_sends_by_the_device tap_that_acquires
