#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The carrier of a device is on exactly while there are keys in both
# directions: it follows each SA that comes or goes with the very event, and
# is shown in all places: flags and operstate of the link, rtnetlink,
# "ipsec-ipip show" and "ipsec-ipip monitor". Packets without carrier are still
# counted, and answered, and raise an acquire. Limits are in lifetimes.sh.
# A failure means that routes lead into a link that carries nothing, or around
# one that would.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/events.sh
source "$(dirname "$0")/lib/events.sh"

DEV=$IPSI_DEV
AEAD=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)
OUT=(src 10.0.0.1 dst 10.0.0.2 proto esp)
IN=(src 10.0.0.2 dst 10.0.0.1 proto esp)

# sa_add {in|out} SPI OPTION...
sa_add()
{
	ipsi_do left ipsec-ipip -q sa add "$DEV" "$1" spi "$2" "${AEAD[@]}" \
		"${@:3}"
}

# quiet HOST...: no packets of IPv6 by itself, so that ours can be counted
quiet()
{
	local host

	for host in "$@"; do
		ipsi_try "$host" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	done
}

# R24 R32
follows_each_sa()
{
	ipsi_topology
	ipsi_device left
	events_listen
	carrier_is off

	sa_add out 0x1001
	events_are "sa-add out 1001" "sa-activate 1001"
	carrier_is off
	sa_add in 0x1002
	events_are "sa-add in 1002" "carrier on"
	carrier_is on
	# half a pair is none
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1001
	carrier_is off
	events_are "sa-del out 1001" "sa-activate none" "carrier off"
	sa_add out 0x1003
	carrier_is on
	events_are "sa-add out 1003" "sa-activate 1003" "carrier on"
	ipsi_do left ipsec-ipip sa del "$DEV" in spi 0x1002
	carrier_is off
	events_are "sa-del in 1002" "carrier off"
	# in without out
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1003
	sa_add in 0x1004
	carrier_is off
	events_are "sa-del out 1003" "sa-activate none" "sa-add in 1004"
	sa_add out 0x1005
	carrier_is on
	events_are "sa-add out 1005" "sa-activate 1005" "carrier on"

	# one of two is enough
	sa_add in 0x1006
	sa_add out 0x1007
	ipsi_do left ipsec-ipip sa del "$DEV" in spi 0x1004
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1007
	carrier_is on
	events_are "sa-add in 1006" "sa-add out 1007" "sa-activate 1007" \
		"sa-del in 1004" "sa-del out 1007" "sa-activate 1005"
}

# SAs of which only the SAD knows; a flush takes all at once.
follows_ip_xfrm()
{
	ipsi_topology
	ipsi_device left
	events_listen

	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x1001 mode transport \
		if_id 7 "${AEAD[@]}"
	ipsi_do left ip xfrm state add "${IN[@]}" spi 0x1002 mode tunnel \
		if_id 7 "${AEAD[@]}"
	carrier_is on
	events_are "sa-add out 1001" "sa-activate 1001" "sa-add in 1002" \
		"carrier on"
	ipsi_do left ip xfrm state delete "${IN[@]}" spi 0x1002
	carrier_is off
	events_are "sa-del in 1002" "carrier off"
	# neither of these counts
	ipsi_do left ip xfrm state add "${IN[@]}" spi 0x1003 mode transport \
		if_id 8 "${AEAD[@]}"
	ipsi_do left ip xfrm state add "${IN[@]}" spi 0x1004 mode transport \
		if_id 7 enc 'cbc(aes)' 0x404142434445464748494a4b4c4d4e4f
	carrier_is off
	sa_add in 0x1005
	carrier_is on
	events_are "sa-add in 1005" "carrier on"

	ipsi_do left ip xfrm state flush
	carrier_is off
	events_are "sa-del in 1005" "sa-del out 1001" "sa-activate none" \
		"carrier off"
}

# Routing daemons listen to rtnetlink.
told_by_rtnetlink()
{
	ipsi_topology
	ipsi_device left
	ipsi_bg left ip -o monitor link >> "$IPSI_TMP/rtnl"
	sa_add out 0x1001
	# the monitor gives no sign when it begins to listen
	ipsi_wait "ip monitor listening" listens_to_rtnl
	sa_add in 0x1002
	ipsi_wait "carrier on by rtnetlink" rtnl_says ",LOWER_UP.*state UP"
	: > "$IPSI_TMP/rtnl"
	ipsi_do left ipsec-ipip sa del "$DEV" in spi 0x1002
	ipsi_wait "carrier off by rtnetlink" \
		rtnl_says "NO-CARRIER.*state DOWN"
}

listens_to_rtnl()
{
	ipsi_try left ip link set "$DEV" alias "$RANDOM"
	rtnl_says ""
}

rtnl_says()
{
	grep -q " ${DEV}[:@].*$1" "$IPSI_TMP/rtnl"
}

# The device comes after its SAs; its endpoints change; it goes down and up.
follows_the_device()
{
	ipsi_topology
	ipsi_do left ip xfrm state add "${OUT[@]}" spi 0x1001 mode transport \
		if_id 7 "${AEAD[@]}"
	ipsi_do left ip xfrm state add "${IN[@]}" spi 0x1002 mode transport \
		if_id 7 "${AEAD[@]}"
	ipsi_device left
	carrier_is on
	events_listen

	# these are not the SAs of that peer
	ipsi_do left ip link set "$DEV" type ipsec-ipip remote 10.0.0.9
	carrier_is off
	events_are "sa-del in 1002" "sa-del out 1001" "sa-activate none" \
		"carrier off"
	ipsi_do left ip xfrm state add src 10.0.0.1 dst 10.0.0.9 proto esp \
		spi 0x1003 mode transport if_id 7 "${AEAD[@]}"
	carrier_is off
	events_are "sa-add out 1003" "sa-activate 1003"
	ipsi_do left ip link set "$DEV" type ipsec-ipip remote 10.0.0.2
	carrier_is on
	[ "$(ipsi_get left active_spi)" = 4097 ] ||
		ipsi_fail "another SA is in use"

	# down, it has no carrier to show, but it is there again when up
	ipsi_do left ip link set "$DEV" down
	ipsi_is "$(ipsi_get left carrier)" true "carrier while down"
	ipsi_do left ip link set "$DEV" up
	carrier_is on
	ipsi_do left ip link set "$DEV" down
	ipsi_do left ipsec-ipip sa del "$DEV" in spi 0x1002
	ipsi_do left ip link set "$DEV" up
	carrier_is off
	ipsi_do left ip link set "$DEV" down
	sa_add in 0x1004
	ipsi_do left ip link set "$DEV" up
	carrier_is on
}

# Sequence numbers never wrap: when the last is used, the SA counts as dead.
# R40
ends_with_the_sequence()
{
	ipsi_topology
	quiet left right
	ipsi_device_side right
	ipsi_device left
	sa_add in 0x1002
	events_listen
	ipsi_device_sa left out seq 0xfffffffe
	carrier_is on
	events_are "sa-add out deadbeef" "sa-activate deadbeef" "carrier on"
	ipsi_capture_start right "$IPSI_TMP/cap"

	ipsi_send left 1
	carrier_is on
	ipsi_is "$(ipsi_stat left tx_error)" 0 "packets refused"
	ipsi_send left 1
	carrier_is off
	events_are "sa-expire out deadbeef hard" "sa-activate none" "carrier off"
	ipsi_is "$(ipsi_stat left tx_error)" 1 "packets refused by XFRM"
	ipsi_send left 3
	ipsi_is "$(ipsi_stat left tx_no_sa)" 3 "packets refused"
	ipsi_capture_stop
	ipsi_is "$(tcpdump -nn -r "$IPSI_TMP/cap" \
		"esp and src ${IPSI_OUTER[left]}" 2> /dev/null |
		sed 's/.*seq=\(0x[0-9a-f]*\).*/\1/' | tr '\n' ' ')" \
		"0xffffffff " "sequence numbers on the wire"
	# it is auditable
	ipsi_has "$(ipsi_try left cat /proc/thread-self/net/xfrm_stat)" \
		"$(printf 'XfrmOutStateSeqError    \t1')" "counters of XFRM"
	# and another SA goes on
	sa_add out 0x1003
	carrier_is on
}

# no_keys WHAT: a packet comes to the device, although it has no carrier: it
# is counted, its sender is notified, and it raises an acquire
no_keys()
{
	local before text

	echo "without keys, $1:"
	before=$(ipsi_stat left tx_no_sa)
	: > "$IPSI_TMP/acquire"
	text=$(ipsi_try left ping -n -c 1 -W 5 -I "${IPSI_INNER[left]}" \
		"${IPSI_INNER[right]}" 2>&1)
	ipsi_has "$text" "Destination Host Unreachable" "answer, $1"
	ipsi_is "$(ipsi_stat left tx_no_sa)" "$((before + 1))" "tx_no_sa, $1"
	ipsi_is "$(ipsi_counter left tx.carrier_errors)" "$((before + 1))" \
		"carrier errors, $1"
	ipsi_wait "acquire, $1" grep -q "^acquire proto esp" "$IPSI_TMP/acquire"
	# what waits for a key manager holds up the next acquire
	ipsi_do left ip xfrm state flush
}

# A route goes with its link.
again()
{
	ipsi_do left ip route add "${IPSI_INNER[right]}/32" dev "$DEV"
}

# R24
packets_without_carrier()
{
	ipsi_topology
	quiet left
	ipsi_device left
	carrier_is off
	ipsi_bg left ip xfrm monitor acquire >> "$IPSI_TMP/acquire"
	ipsi_wait "ip xfrm monitor listening" listens_to_acquires
	ipsi_do left ip xfrm state flush

	no_keys "from the beginning"
	ipsi_do left ip link set "$DEV" down
	ipsi_do left ip link set "$DEV" up
	again
	no_keys "after down and up"
	sa_add in 0x1001
	sa_add out 0x1002
	ipsi_do left ip link set "$DEV" down
	ipsi_do left ip link set "$DEV" up
	again
	carrier_is on
	ipsi_do left ip xfrm state flush
	carrier_is off
	no_keys "after a flush"
	modprobe sch_fq_codel 2> /dev/null
	sa_add in 0x1001
	sa_add out 0x1002
	ipsi_do left tc qdisc replace dev "$DEV" root fq_codel
	ipsi_do left ip xfrm state flush
	carrier_is off
	no_keys "with a qdisc"
	ipsi_do left ip link set "$DEV" down
	ipsi_do left ip link set "$DEV" up
	again
	no_keys "with a qdisc, after down and up"
	ipsi_do left tc qdisc del dev "$DEV" root
	comes_back
	no_keys "with the qdisc gone"
}

# reaches_device: a packet does
reaches_device()
{
	local before

	before=$(ipsi_stat left tx_no_sa)
	ipsi_try left ping -n -q -c 1 -W 1 -I "${IPSI_INNER[left]}" \
		"${IPSI_INNER[right]}" > /dev/null 2>&1
	[ "$(ipsi_stat left tx_no_sa)" -gt "$before" ]
}

# comes_back: the queue does, a moment after tc or ip has changed it
comes_back()
{
	ipsi_wait "packets at the device" reaches_device
	# what waits for a key manager holds up the next acquire
	ipsi_try left ip xfrm state flush
}

# The core puts its own queue in front whenever a user changes that of a device
# without carrier.
queue_changes_without_carrier()
{
	ipsi_topology
	quiet left
	modprobe -a sch_fq_codel sch_ingress 2> /dev/null
	ipsi_device left
	carrier_is off
	ipsi_bg left ip xfrm monitor acquire >> "$IPSI_TMP/acquire"
	ipsi_wait "ip xfrm monitor listening" listens_to_acquires
	ipsi_do left ip xfrm state flush

	ipsi_do left tc qdisc replace dev "$DEV" root fq_codel
	comes_back
	no_keys "with a new qdisc"
	ipsi_do left tc qdisc replace dev "$DEV" root pfifo limit 100
	comes_back
	no_keys "with another qdisc"
	ipsi_do left ip link set "$DEV" txqueuelen 123
	comes_back
	no_keys "with a longer queue"
	ipsi_do left tc qdisc add dev "$DEV" clsact
	comes_back
	no_keys "with filters"
	ipsi_do left tc qdisc del dev "$DEV" root
	comes_back
	no_keys "without qdisc"
	# nothing is kept for later
	ipsi_do left tc qdisc replace dev "$DEV" root fq_codel
	ipsi_do left ip link del "$DEV"
}

# spread WHAT: datagrams of many flows, which the queues share, all come through
spread()
{
	local before

	echo "without keys, $1:"
	before=$(ipsi_stat left tx_no_sa)
	ipsi_send left 64
	ipsi_is "$(($(ipsi_stat left tx_no_sa) - before))" 64 "tx_no_sa, $1"
}

many_queues()
{
	local qdisc

	ipsi_topology
	quiet left
	ipsi_do left ip link add "$DEV" numtxqueues 8 type ipsec-ipip \
		local "${IPSI_OUTER[left]}" remote "${IPSI_OUTER[right]}" \
		if_id "$IPSI_IF_ID"
	ipsi_up left
	carrier_is off
	spread "from the beginning"
	sa_add in 0x1001
	sa_add out 0x1002
	carrier_is on
	ipsi_do left ip xfrm state flush
	carrier_is off
	spread "after a flush"
	modprobe -a sch_multiq 2> /dev/null
	for qdisc in mq multiq; do
		sa_add in 0x1001
		sa_add out 0x1002
		carrier_is on
		ipsi_do left tc qdisc replace dev "$DEV" root "$qdisc"
		ipsi_do left ip xfrm state flush
		carrier_is off
		spread "with $qdisc"
		ipsi_do left ip link set "$DEV" down
		ipsi_do left ip link set "$DEV" up
		again
		spread "with $qdisc, after down and up"
		ipsi_do left tc qdisc del dev "$DEV" root
		comes_back
		spread "without $qdisc"
		ipsi_do left tc qdisc replace dev "$DEV" root "$qdisc"
		comes_back
		spread "with $qdisc, which came without carrier"
	done
	ipsi_do left tc qdisc replace dev "$DEV" root handle 1: mq
	comes_back
	ipsi_do left tc qdisc replace dev "$DEV" parent 1:1 pfifo
	comes_back
	spread "with another queue below mq"
	# Here the core does not ask the device for the queue.
	ipsi_do left tc qdisc add dev "$DEV" clsact
	ipsi_do left tc filter add dev "$DEV" egress matchall \
		action skbedit queue_mapping 0
	ipsi_do left tc qdisc replace dev "$DEV" parent 1:1 bfifo
	comes_back
	ipsi_do left tc qdisc del dev "$DEV" clsact
	modprobe sch_mqprio 2> /dev/null
	ipsi_do left tc qdisc replace dev "$DEV" root handle 2: mqprio \
		num_tc 2 map 0 1 queues 4@0 4@4 hw 0
	comes_back
	ipsi_do left tc qdisc replace dev "$DEV" parent 2:1 pfifo
	comes_back
	spread "with another queue below mqprio"
}

listens_to_acquires()
{
	ipsi_try left ip xfrm state flush
	ipsi_try left ping -n -q -c 1 -W 1 -I "${IPSI_INNER[left]}" \
		"${IPSI_INNER[right]}"
	# the first line is the command
	grep -q "^acquire proto esp" "$IPSI_TMP/acquire"
}

ipsi_run follows_each_sa follows_ip_xfrm told_by_rtnetlink follows_the_device \
	ends_with_the_sequence packets_without_carrier \
	queue_changes_without_carrier many_queues
