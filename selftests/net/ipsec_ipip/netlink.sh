#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Access to the netlink family by different users, and the consistency of dumps
# while SAs and devices are added and deleted. A failure means that a user sees
# data without permission, or that a program gets an inconsistent state without
# a warning.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1
DEV=$IPSI_DEV
RAW=$IPSI_LIB/netlink.py
AEAD=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)
# more than fit in the first message of a dump
SAS=40

# link NAME IF_ID: make another device between the same hosts
link()
{
	ipsi_do left ip link add "$1" type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.2 if_id "$2"
}

# sas IF_ID FIRST [HOST]: add $SAS inbound SAs, from SPI 0xFIRST00 on
sas()
{
	local i host=${3:-left}

	echo "$host: $SAS SAs with if_id $1"
	for ((i = 0; i < SAS; i++)); do
		printf 'xfrm state add src 10.0.0.2 dst 10.0.0.1 proto esp spi %u mode tunnel aead rfc4106(gcm(aes)) %s 128 if_id %s\n' \
			$((0x${2}00 + i)) "${AEAD[2]}" "$1"
	done | ipsi_try "$host" ip -batch - || ipsi_fail "no SAs"
}

two_devices()
{
	ipsi_need python3
	ipsi_topology
	link dev-a 7
	link dev-b 8
	sas 7 10
	sas 8 20
}

# dump EXPECTED DEVICE CMD...: run CMD when the first SAs have been read, and
# check the summary of the dump
dump()
{
	local expected=$1
	shift

	ipsi_is "$(ipsi_try left "$RAW" dump "$@")" "$expected" \
		"dump of $1 with: ${*:2}"
}

# Changes of other devices do not interrupt a dump.
dump_undisturbed()
{
	two_devices
	ipsi_device right

	dump "80 dev-a:40 dev-b:40" - true
	dump "40 dev-b:40" dev-b true
	# in another namespace
	dump "80 dev-a:40 dev-b:40" - nsenter --net="/run/netns/$right" \
		ipsec-ipip -q sa add "$DEV" out spi 0x1001 "${AEAD[@]}"
	# of another device
	dump "40 dev-a:40" dev-a \
		ipsec-ipip -q sa add dev-b out spi 0x1001 "${AEAD[@]}"
	ipsi_do left ipsec-ipip sa del dev-b out spi 0x1001
	# an SA that is not the device's
	dump "40 dev-a:40" dev-a ip xfrm state add src 10.0.0.2 dst 10.0.0.1 \
		proto esp spi 0x3001 mode tunnel "${AEAD[@]}"
}

# A dump is marked as interrupted if the SAs change meanwhile, and the other SAs
# are complete.
dump_disturbed()
{
	two_devices
	dump "40 dev-a:40 interrupted" dev-a \
		ipsec-ipip -q sa add dev-a out spi 0x9001 "${AEAD[@]}"
	# the newest SA, which was shown already
	dump "41 dev-a:41 interrupted" dev-a \
		ipsec-ipip sa del dev-a out spi 0x9001
	# all SAs that were not shown yet
	ipsi_has "$(ipsi_try left "$RAW" dump dev-a ip xfrm state flush)" \
		" interrupted" "dump of a device that lost its SAs"
}

# The name in a request stands for the device that had it at that time.
dump_renamed()
{
	two_devices
	dump "40 dev-a:40" dev-a ip link set dev-b name dev-c
	dump "40 dev-a:40" dev-a bash -ec '
		ip link set dev-a name dev-d
		ip link set dev-c name dev-a
		ip link set dev-a name dev-c
		ip link set dev-d name dev-a'
	# The second half of the dump has the new name.
	ipsi_has "$(ipsi_try left "$RAW" dump dev-a \
		ip link set dev-a name dev-d)" "40 dev-a:" "dump"
	ipsi_has "$(ipsi_try left "$RAW" dump dev-d bash -ec '
		ip link set dev-d name dev-e
		ip link set dev-c name dev-d')" "40 dev-d:" "dump"
}

dump_deleted()
{
	local output index

	two_devices
	index=$(ip -n "$left" -o link show dev dev-a | cut -d: -f1)
	# The SAs of dev-a are left out, those of dev-b are complete.
	output=$(ipsi_try left "$RAW" dump - ip link del dev-a)
	ipsi_has "$output" " dev-b:40" "dump of all"
	ipsi_has_not "$output" "No such device" "dump of all"

	# The namespace still has its SAs.
	ipsi_do left ip link add dev-a index "$index" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id 7
	ipsi_try left ip xfrm state flush
	sas 7 10
	ipsi_has "$(ipsi_try left "$RAW" dump dev-a ip link del dev-a)" \
		"No such device" "dump of a device that is deleted"
	ipsi_do left ip link add dev-a index "$index" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id 7
	ipsi_try left ip xfrm state flush
	sas 7 10
	# another device with the same index
	ipsi_has "$(ipsi_try left "$RAW" dump dev-a bash -ec "
		ip link del dev-a
		ip link add dev-a index $index type ipsec-ipip \
			local 10.0.0.1 remote 10.0.0.2 if_id 7")" \
		" interrupted" "dump of a device that is another now"
}

# During a dump the index becomes that of a device that the host gives the
# caller, who must not see its SAs.
dump_of_what_is_hidden()
{
	local jail index output

	ipsi_need python3
	ipsi_topology
	link dev-a 7
	sas 7 10
	index=$(ip -n "$left" -o link show dev dev-a | cut -d: -f1)
	ipsi_jail left jail
	# shellcheck disable=SC2154 # set by ipsi_jail
	ipsi_do jail ip link add own index "$index" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id 7
	sas 7 20 jail
	ipsi_bg left bash -c "
		until [ -e $IPSI_TMP/deleted ]; do sleep 0.1; done
		ip link set dev-a netns ${jail#pid:} && : > $IPSI_TMP/moved"
	output=$(ipsi_try jail "$RAW" dump own bash -ec "
		ip link del own
		: > $IPSI_TMP/deleted
		until [ -e $IPSI_TMP/moved ]; do sleep 0.1; done")
	ipsi_is "$(ipsi_try jail ip -o link show dev dev-a | cut -d: -f1)" \
		"$index" "index of the device that was moved"
	ipsi_has "$output" " own:" "dump"
	ipsi_has "$output" "No such device" "dump"
	ipsi_has_not "$output" "dev-a" "dump"
}

# Devices in all buckets of the kernel's table, and more than fit in one message
dump_devices()
{
	local i

	ipsi_topology
	for ((i = 0; i < 120; i++)); do
		echo "link add dev$i index $((1000 + i * 7)) type ipsec-ipip local 10.0.0.1 remote 10.0.0.2"
	done | ipsi_try left ip -batch - || ipsi_fail "no devices"
	ipsi_is "$(ipsi_try left ipsec-ipip show | grep -c '^device: dev')" 120 \
		"devices"
	ipsi_is "$(ipsi_try left ipsec-ipip show | grep '^device: dev' |
		sort -u | wc -l)" 120 "different devices"
}

# Keys do not stay in memory that is not wiped.
request_is_wiped()
{
	local output

	ipsi_need python3
	ipsi_topology
	ipsi_device left
	ipsi_do left ipsec-ipip -q sa add "$DEV" out spi 0x1001 "${AEAD[@]}"
	output=$(ipsi_try left "$RAW" wipe "$DEV" 0x1001)
	ipsi_has "$output" "spi: in use by another SA" "answer"
	ipsi_has "$output" "6 keys, 0 bytes left" "answer"
	# refused before the keys are parsed
	output=$(ipsi_try left "$RAW" wipe nosuch0 0x1002)
	ipsi_has "$output" "device: no such device" "answer"
	ipsi_has "$output" "6 keys, 0 bytes left" "answer"
}

# XFRM accepts a key of any length for a hash.
long_key()
{
	local key

	ipsi_topology
	ipsi_device left
	printf -v key '0x%0600d' 0
	ipsi_do left ip xfrm state add src 10.0.0.2 dst 10.0.0.1 proto esp \
		spi 0x1001 mode tunnel if_id 7 enc 'cbc(aes)' \
		"${IPSI_ENC_KEY[left]}" auth-trunc 'hmac(sha256)' "$key" 128 \
		> /dev/null
	ipsi_device_sa left in
	ipsi_is "$(ipsi_try left ipsec-ipip -j sa show keys |
		jq -c 'map([.spi, has("enc_key"), has("auth_key")])')" \
		'[[4276993775,true,true],[4097,true,false]]' "keys"
	ipsi_do left ipsec-ipip sa show "$DEV" in spi 0x1001 keys > /dev/null
}

# as_nobody HOST CMD...: run CMD as a user without capabilities
as_nobody()
{
	ipsi_try "$1" setpriv --reuid 65534 --regid 65534 --clear-groups "${@:2}"
}

# secrets JSON: print which of these attributes are in the description of a
# device
secrets()
{
	jq -c '.[0] | [has("local"), has("remote"), has("if_id"), has("reqid"),
		       has("link"), has("fwmark"), has("encap_port"), has("peer"),
		       has("active_spi"), has("active_proto"), .pinned,
		       .withheld]' <<< "$1"
}

ALL='[true,true,true,true,true,true,true,true,true,true,true,false]'
NO_SA='[true,true,true,true,true,true,true,true,false,false,false,true]'
NOTHING='[false,false,false,false,false,false,false,false,false,false,false,true]'

secret_device()
{
	ipsi_need jq setpriv
	ipsi_topology
	ipsi_device left dev "$IPSI_WIRE" reqid 5 fwmark 0x99 roam \
		encap-port 4500
	ipsi_do left ipsec-ipip -q sa add "$DEV" out spi 0x1001 "${AEAD[@]}"
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 0x1001
}

# A user of the host sees as much as of other tunnels, and no SAs.
unprivileged()
{
	local words

	secret_device
	words=$(ipsi_try left ip -d link show dev "$DEV")
	ipsi_is "$(secrets "$(ipsi_try left ipsec-ipip -j show "$DEV")")" \
		"$ALL" "device, for root"
	ipsi_is "$(secrets "$(as_nobody left ipsec-ipip -j show "$DEV")")" \
		"$NO_SA" "device, for nobody"
	ipsi_is "$(secrets "$(as_nobody left ipsec-ipip -j show)")" "$NO_SA" \
		"all devices, for nobody"
	ipsi_has "$(as_nobody left ipsec-ipip show "$DEV")" \
		"withheld: the SA in use; CAP_NET_ADMIN required" \
		"text"
	ipsi_is "$(as_nobody left ip -d link show dev "$DEV")" "$words" "link"
	ipsi_must_fail "not permitted without CAP_NET_ADMIN" left \
		setpriv --reuid 65534 --clear-groups ipsec-ipip sa show "$DEV"
	ipsi_must_fail "not permitted without CAP_NET_ADMIN" left \
		setpriv --reuid 65534 --clear-groups ipsec-ipip check "$DEV"
	ipsi_must_fail "listening for events requires CAP_NET_ADMIN" left \
		setpriv --reuid 65534 --clear-groups timeout 5 \
		ipsec-ipip monitor
}

# The root of a container sees its link, but not the underlay.
container()
{
	local jail

	secret_device
	ipsi_jail left jail
	ipsi_do left ip link set "$DEV" netns "${jail#pid:}"
	ipsi_is "$(secrets "$(ipsi_try jail ipsec-ipip -j show "$DEV")")" \
		"$NOTHING" "device, for the container's root"
	ipsi_is "$(secrets "$(ipsi_try jail ipsec-ipip -j show)")" "$NOTHING" \
		"all devices, for the container's root"
	ipsi_has "$(ipsi_try jail ipsec-ipip show "$DEV")" \
		"withheld: the underlay and the SA in use; CAP_NET_ADMIN required there" \
		"text"
	ipsi_has_not "$(ipsi_try jail ip -d link show "$DEV")" 10.0.0 "link"
	ipsi_has "$(ipsi_try jail ip -d link show "$DEV")" \
		"(underlay not shown without CAP_NET_ADMIN there)" "link"
	ipsi_must_fail "CAP_NET_ADMIN required in the namespace of the underlay" \
		jail ipsec-ipip sa show "$DEV"
	ipsi_must_fail "CAP_NET_ADMIN required in the namespace of the underlay" \
		jail ipsec-ipip check "$DEV"
	ipsi_is "$(ipsi_try jail ipsec-ipip sa show)" "" "SAs"
	# The host's root sees everything there too.
	ipsi_is "$(secrets "$(nsenter -t "${jail#pid:}" -n \
		ipsec-ipip -j show "$DEV")")" "$ALL" "device, for the host's root"
}

# It gets events of the carrier, and none of SAs.
container_events()
{
	local jail monitor=$IPSI_TMP/jail-events

	secret_device
	ipsi_jail left jail
	ipsi_do left ip link set "$DEV" netns "${jail#pid:}"
	ipsi_do jail ip link set "$DEV" up
	nsenter -t "${jail#pid:}" -U -n --preserve-credentials \
		ipsec-ipip -j monitor > "$monitor" 2> "$IPSI_TMP/listening" &
	# shellcheck disable=SC2031 # so is the whole test
	IPSI_BG_PIDS+=("$!")
	ipsi_wait "monitor listening" grep -q listening "$IPSI_TMP/listening"
	nsenter -t "${jail#pid:}" -n ipsec-ipip -q sa add "$DEV" in spi 0x1002 \
		"${AEAD[@]}" || ipsi_fail "no SA"
	ipsi_wait "carrier on" grep -q '"carrier":true' "$monitor"
	ipsi_try left ip xfrm state flush
	ipsi_wait "carrier off" grep -q '"carrier":false' "$monitor"
	ipsi_is "$(jq -r .event "$monitor" | sort -u)" carrier "events"
}

# A change leads to exactly one link event.
change_is_told_once()
{
	local monitor=$IPSI_TMP/links

	ipsi_topology
	ipsi_device_side left
	ipsi_wait "carrier" ipsi_carrier_is left true
	# The link watch and the MTU update have run.
	ipsi_wait "state UP" eval \
		"ip -n $left link show dev $DEV | grep -q 'state UP'"
	# shellcheck disable=SC2317 # called by ipsi_wait
	mtu_fits()
	{
		[ "$(ipsi_get left mtu)" = "$(ipsi_get left mtu_fit)" ]
	}
	ipsi_wait "MTU" mtu_fits
	ipsi_bg left ip -d monitor link > "$monitor"
	link marker 99
	ipsi_wait "monitor listening" eval \
		"ip -n $left link set marker down; ip -n $left link set marker up; grep -q marker $monitor"
	ipsi_do left ip link set "$DEV" type ipsec-ipip ttl 77
	ipsi_do left ip link add last type dummy
	ipsi_wait "last link" grep -q ' last: ' "$monitor"
	ipsi_is "$(grep -c ' ttl 77 ' "$monitor")" 1 "messages about a change"
}

# A dump succeeds even if the SAs of other devices change all the time.
busy_elsewhere()
{
	ipsi_topology
	ipsi_device left
	ipsi_device right
	sas 7 10
	ipsi_bg right bash -c "
		while :; do
			ipsec-ipip -q sa add $DEV out spi 0x1001 ${AEAD[0]} \
				'${AEAD[1]}' ${AEAD[2]} ${AEAD[3]}
			ipsec-ipip -q sa del $DEV out spi 0x1001
		done"
	for _ in 1 2 3; do
		ipsi_is "$(ipsi_try left ipsec-ipip sa show | grep -c ' spi ')" \
			"$SAS" "SAs"
	done
}

ipsi_run dump_undisturbed dump_disturbed dump_renamed dump_deleted \
	dump_of_what_is_hidden dump_devices request_is_wiped long_key \
	unprivileged container container_events change_is_told_once \
	busy_elsewhere
