#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Any number of SAs and devices of a user who is root in namespaces of his own:
# nothing grows without bound, the right SAs are used all the same, and no one has
# to wait for it. A failure means that one user can stop a host.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV
XFRM=$IPSI_LIB/xfrm.py
GCM=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)

# SAs that a device may have
MAX=1024

# jail: the host of a user that is root there
jail()
{
	ipsi_need python3 unshare
	# what users cannot load
	modprobe -a esp4 ah4 md5 gcm ctr seqiv 2> /dev/null || :
	setup_ns left || ipsi_skip "no network namespaces here"
	ipsi_shell left
	ipsi_jail left jail
	ipsi_do jail ip link set lo up
	ipsi_do jail ip address add 10.0.0.1/32 dev lo
}

# sas [HOST]: how many the device has, in and out
sas()
{
	echo "$(ipsi_get "${1:-jail}" sa_in) $(ipsi_get "${1:-jail}" sa_out)"
}

# sas_are TEXT
sas_are()
{
	[ "$(sas)" = "$1" ]
}

device()
{
	ipsi_do jail timeout 300 ip link add "$DEV" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id 7 "$@"
}

# The newest are used, and there are no more than that.
sas_of_one_device()
{
	jail
	ipsi_do jail "$XFRM" many 10.0.0.2 10.0.0.1 0x1000 5000 7
	ipsi_do jail "$XFRM" many 10.0.0.1 10.0.0.2 0x1000 5 7
	device
	ipsi_is "$(sas)" "$((MAX - 5)) 5" "SAs"
	ipsi_is "$(ipsi_get jail active_spi)" "$((0x1004))" "active SA"
	ipsi_must_fail "its limit of SAs is reached" jail \
		ipsec-ipip sa add "$DEV" out spi 0x2000 "${GCM[@]}"
	# not by anybody else either
	ipsi_do jail "$XFRM" many 10.0.0.2 10.0.0.1 0x8000 5 7
	ipsi_is "$(sas)" "$((MAX - 5)) 5" "SAs"

	ipsi_do jail ip xfrm state delete src 10.0.0.1 dst 10.0.0.2 \
		proto ah spi 0x1004
	ipsi_is "$(ipsi_get jail active_spi)" "$((0x1003))" "active SA"
	# There is room for one that was there already.
	ipsi_wait "one more SA" sas_are "$((MAX - 4)) 4"
	ipsi_do jail ip xfrm state delete src 10.0.0.1 dst 10.0.0.2 \
		proto ah spi 0x1000
	ipsi_wait "one more SA" sas_are "$((MAX - 3)) 3"
	ipsi_do jail ip xfrm state flush proto ah
	ipsi_do jail ipsec-ipip -q sa add "$DEV" out spi 0x2000 "${GCM[@]}"
	ipsi_is "$(ipsi_get jail active_spi)" "$((0x2000))" "active SA"
	ipsi_is "$(sas)" "0 1" "SAs"
	ipsi_do jail ip link del "$DEV"
}

# Each finds its device, also those that are changed later.
devices_by_endpoints()
{
	local i n=300 sums

	jail
	for ((i = 0; i < n; i++)); do
		echo "link add t$i type ipsec-ipip local 10.0.0.1 remote 10.1.$((i >> 8)).$((i & 255)) keying adopt-endpoints"
	done > "$IPSI_TMP/links"
	ipsi_do jail "$XFRM" tunnels 10.0.0.1 10.1 150
	ipsi_do jail timeout 600 ip -batch - < "$IPSI_TMP/links"
	ipsi_wait "adoption" adopted_are 150
	ipsi_do jail ip xfrm state flush
	ipsi_do jail "$XFRM" tunnels 10.0.0.1 10.1 "$n"
	ipsi_wait "adoption" adopted_are "$n"
	sums=$(ipsi_try jail ipsec-ipip -j show |
		grep -o '"sa_\(in\|out\)":[0-9]*' | sort | uniq -c |
		tr -s ' \n' ' ')
	ipsi_is "$sums" " $n \"sa_in\":1 $n \"sa_out\":1 " "SAs of each device"
}

adopted_are()
{
	[ "$(ipsi_try jail ip xfrm state | grep -c 'mode transport')" = "$1" ]
}

# A key manager that moves SAs faster than they can follow: they are where it has
# put them, or they have ended and it was notified.
migrations()
{
	local out=(src 10.0.0.1 dst 10.0.0.2 proto esp) skipped

	jail
	device keying adopt
	ipsi_do jail ip xfrm policy add dir out src 0.0.0.0/0 dst 0.0.0.0/0 \
		tmpl src 10.0.0.1 dst 10.0.0.2 proto esp mode tunnel
	# what the core moves
	ipsi_do jail ip xfrm state add "${out[@]}" spi 0x1001 mode tunnel \
		"${GCM[@]}"
	ipsi_do jail ip xfrm state add "${out[@]}" spi 0x1002 mode tunnel \
		if_id 7 "${GCM[@]}"
	ipsi_wait "adoption" adopted_are 1
	skipped=$(ipsi_try jail "$XFRM" migrate 10.0.0.1 10.0.0.2 10.0.0.3 \
		4000) || ipsi_fail "migrate: $skipped"
	[ -z "$skipped" ] || ipsi_skip "$skipped"
	ipsi_wait "an SA where it belongs" settled
	ipsi_is "$(ipsi_try jail ip xfrm state |
		grep -c 'mode tunnel')" 1 "states of others"
	# what comes next works
	ipsi_do jail ip xfrm state add "${out[@]}" spi 0x1003 mode tunnel \
		if_id 7 "${GCM[@]}"
	ipsi_wait "adoption" ipsi_has_out 0x1003
}

ipsi_has_out()
{
	ipsi_try jail ipsec-ipip sa show "$DEV" out spi "$1"
}

settled()
{
	local there

	there=$(ipsi_try jail ip xfrm state | grep -B 1 'spi 0x00001002') ||
		return 0
	[[ $there == *"dst 10.0.0.2"* ]]
}

# left_by SPI...: delete inbound SAs
left_by()
{
	local spi

	for spi in "$@"; do
		ipsi_do jail ip xfrm state delete src 10.0.0.2 dst 10.0.0.1 \
			proto ah spi "$spi"
	done
}

daemon_adds()
{
	ipsi_do jail ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp \
		spi "$1" mode tunnel if_id 7 "${GCM[@]}"
}

# An SA that was refused for lack of room is adopted when there is room, and
# reported once.
room_for_adoption()
{
	local before=0 i

	refused_are()
	{
		[ $(($(dmesg | grep -c "0x0000500. not adopted: too many SAs") -
		     before)) = "$1" ]
	}
	while ! refused_are 0; do
		before=$((before + 1))
	done
	jail
	device keying adopt
	ipsi_do jail "$XFRM" many 10.0.0.2 10.0.0.1 0x1000 "$MAX" 7
	for i in 1 2 3; do
		daemon_adds "0x500$i"
		ipsi_wait "refusal" refused_are "$i"
	done
	left_by 0x1000
	ipsi_wait "adoption of the oldest" ipsi_has_out 0x5001
	left_by 0x1001 0x1002
	ipsi_wait "adoption of the third" ipsi_has_out 0x5003
	ipsi_has_out 0x5002 || ipsi_fail "the second: not adopted"
	refused_are 3 || ipsi_fail "refused more than once"
}

# There is room for one that waits, but whenever two leave, another is adopted.
joins_postpone_nothing()
{
	local in='src 10.0.0.2 dst 10.0.0.1 proto ah' i

	room_for_adoption
	ipsi_do jail "$XFRM" many 10.0.0.2 10.0.0.1 0x8000 1 7
	for ((i = 0; i < 30; i++)); do
		ipsi_try jail ip -batch - <<-END || ipsi_fail "no change"
			xfrm state delete $in spi $((0x1010 + 2 * i))
			xfrm state delete $in spi $((0x1011 + 2 * i))
			xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp spi $((0x6000 + i)) mode tunnel if_id 7 ${GCM[*]}
		END
		ipsi_try jail ipsec-ipip sa show "$DEV" in proto ah spi 0x8000 \
			2> /dev/null && return
		sleep 0.3
	done
	ipsi_fail "an SA waits while others join"
}

# The kernel's log goes out by the device, also what it says about the device.
console_by_the_device()
{
	local level other

	setup_ns left || ipsi_skip "no network namespaces here"
	ipsi_shell left
	modprobe -a esp4 ah4 md5 dummy vxlan 2> /dev/null
	ipsi_try left ip -batch - <<-END || ipsi_skip "no dummy or vxlan here"
		link add under type dummy
		address add 10.0.0.1/24 dev under
		link set under up
		link add $DEV type ipsec-ipip local 10.0.0.1 remote 10.0.0.2 if_id 7
		address add 192.168.1.1/32 dev $DEV
		link set $DEV up
		route add 192.168.2.0/24 dev $DEV src 192.168.1.1
		link add vx type vxlan id 1 local 192.168.1.1 remote 192.168.2.1 dstport 4789 dev $DEV
		address add 192.168.9.1/24 dev vx
		link set vx up
	END
	for other in 2 3; do
		ipsi_do left "$XFRM" many 10.0.0.1 "10.0.0.$other" 0x1000 \
			$((MAX * (other - 2) + 1)) 7
	done
	ipsi_try left modprobe netconsole \
		netconsole=@192.168.9.1/vx,6666@192.168.9.2/02:00:00:00:00:01 ||
		ipsi_skip "no netconsole here"
	read -r level _ < /proc/sys/kernel/printk
	dmesg -n 8
	ipsi_do left ip link set "$DEV" type ipsec-ipip remote 10.0.0.3
	dmesg -n "$level"
	ipsi_is "$(sas left)" "0 $MAX" "SAs"
	dmesg | grep -q "SA with SPI .* not used: limit" ||
		ipsi_fail "nothing in the log"
	rmmod netconsole
}

ipsi_run sas_of_one_device devices_by_endpoints migrations \
	joins_postpone_nothing console_by_the_device
