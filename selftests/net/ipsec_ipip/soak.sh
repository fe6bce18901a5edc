#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Soak: for IPSI_SOAK_MINUTES (default 1), links carry mixed traffic while keys,
# endpoints, MTUs, links and namespaces change in random order. The time is divided
# into epochs, each with new hosts and with each change. A function that allocates
# more objects than it frees in each epoch leaks, no reference to the module may be
# left, and no packet has left in clear.
#
# The kernel counts the objects of each function if it was booted with slub_debug=U.
# Without that it counts all objects of a slab that a processor uses, some hundred
# of 16 bytes, so a leak of a few is hidden for hours.
#
# The random numbers begin at IPSI_SOAK_SEED, which the output names.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

DEV=$IPSI_DEV
MINUTES=${IPSI_SOAK_MINUTES:-1}
SEED=${IPSI_SOAK_SEED:-$RANDOM}
ROUNDS=${IPSI_SOAK_ROUNDS:-18}	# changes in an epoch
WARM_UP=1	# epochs that fill caches
LEAST=7		# epochs
TRACES=/sys/kernel/debug/slab	# of debugfs

# Caches of objects that the module, XFRM and the network make
CACHES='kmalloc-*|xfrm*|skbuff*|ip_dst*|ip6_dst*|rtable*|net_namespace|fib*|ip_fib*|'
CACHES+='neigh*|*sock*|PACKET*|RAW*|NETLINK*|UDP*|TCP*|ip6*|inet_peer*|'
CACHES+='pool_workqueue|task_struct|secpath*'

# soak_random N: set CHOICE to a number from 0 to N - 1
soak_random()
{
	CHOICE=$((RANDOM % $1))
}

# soak_sas: replace the SAs of both hosts, the old ones last
soak_sas()
{
	local host peer old=()

	[ ${#SPI[@]} = 0 ] || old=("${SPI[left]}" "${SPI[right]}")
	for host in left right; do
		SPI[$host]=$((++NEXT_SPI))
	done
	for host in left right; do
		peer=${IPSI_PEER[$host]}
		ipsi_device_sa "$host" in spi "${SPI[$peer]}" replay-window 64
	done
	for host in left right; do
		ipsi_device_sa "$host" out spi "${SPI[$host]}"
	done
	[ ${#old[@]} = 2 ] || return 0
	for host in left right; do
		ipsi_do "$host" ipsec-ipip sa del "$DEV" out spi "${old[0]}"
		ipsi_do "$host" ipsec-ipip sa del "$DEV" in spi "${old[1]}"
		old=("${old[1]}" "${old[0]}")
	done
}

# soak_route HOST: add what goes with the device when it is down
soak_route()
{
	ipsi_try "$1" ip route replace "${IPSI_INNER[${IPSI_PEER[$1]}]}" \
		dev "$DEV"
	ipsi_try "$1" ip -6 address replace "${INNER6[$1]}/64" dev "$DEV" nodad
}

rekey()
{
	soak_sas
}

flap_device()
{
	ipsi_do left ip link set "$DEV" down
	ipsi_do left ip link set "$DEV" up
	soak_route left
}

flap_underlay()
{
	ipsi_do right ip link set "$IPSI_WIRE" down
	ipsi_do right ip link set "$IPSI_WIRE" up
}

# The left gets another outer address, and both ends new SAs for it.
roam()
{
	local from=${IPSI_OUTER[left]}

	IPSI_OUTER[left]=10.0.0.$((10 + ++ROAMED))
	ipsi_do left ip address add "${IPSI_OUTER[left]}/24" dev "$IPSI_WIRE"
	ipsi_do left ip link set "$DEV" type ipsec-ipip \
		local "${IPSI_OUTER[left]}"
	ipsi_do right ip link set "$DEV" type ipsec-ipip \
		remote "${IPSI_OUTER[left]}"
	ipsi_do left ip address del "$from/24" dev "$IPSI_WIRE"
	flush
}

change_mtu()
{
	local host mtu

	soak_random 400
	mtu=$((1300 + CHOICE))
	for host in left right; do
		ipsi_do "$host" ip link set "$IPSI_WIRE" mtu "$mtu"
	done
	# A device has lost its IPv6 address if its MTU was less than 1280.
	for host in left right; do
		soak_route "$host"
	done
}

flush()
{
	local host

	for host in left right; do
		ipsi_do "$host" ipsec-ipip sa flush "$DEV"
	done
	SPI=()
	soak_sas
}

# A second device comes and goes, with SAs that a key manager has added.
second_device()
{
	local n

	ipsi_do left ip link add other up type ipsec-ipip \
		local "${IPSI_OUTER[left]}" remote 10.0.0.99 if_id 99 \
		keying adopt reqid 99
	for n in 1 2 3; do
		ipsi_do left ip xfrm state add src "${IPSI_OUTER[left]}" \
			dst 10.0.0.99 proto esp spi $((0x9000 + n)) mode tunnel \
			reqid 99 if_id 99 "${GCM[@]}"
	done
	ipsi_do left ip address add 192.168.99.1/24 dev other
	ipsi_try left ping -n -q -c 1 -W 1 192.168.99.2 > /dev/null 2>&1
	ipsi_do left ip link del other
	ipsi_try left ip xfrm state deleteall src "${IPSI_OUTER[left]}" \
		dst 10.0.0.99
}

# A device ends with the namespace that it was moved to.
namespace()
{
	local ns=soak-$$-$RANDOM

	ip netns add "$ns"
	ipsi_do left ip link add moved type ipsec-ipip \
		local "${IPSI_OUTER[left]}" remote 10.0.0.98 if_id 98
	ipsi_do left ipsec-ipip sa add moved out spi 0x9800 "${GCM[@]}"
	ipsi_do left ip link set moved netns "$ns"
	ip -n "$ns" link set moved up
	ip netns del "$ns"
}

GCM=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)

CHANGES=(rekey rekey flap_device flap_underlay roam change_mtu flush
	 second_device namespace)

soak_traffic()
{
	local host peer

	for host in left right; do
		peer=${IPSI_PEER[$host]}
		ipsi_bg "$host" ping -n -q -i 0.05 -s 600 \
			"${IPSI_INNER[$peer]}" > /dev/null 2>&1
		ipsi_bg "$host" ping -6 -n -q -i 0.1 -s 1400 \
			"${INNER6[$peer]}" > /dev/null 2>&1
	done
	ipsi_bg right iperf3 -s > /dev/null 2>&1
	# It gives up while the link is down.
	# shellcheck disable=SC2016 # expanded by the inner shell
	ipsi_bg left bash -c 'while :; do
		iperf3 -c "$1" -t 5 -b 4M --connect-timeout 2000 -R
		iperf3 -c "$1" -t 5 -b 4M --connect-timeout 2000 -u
		sleep 0.2
	done' soak "${IPSI_INNER[right]}" > /dev/null 2>&1
}

soak_pings()
{
	ipsi_try left ping -n -q -c 1 -W 2 "${IPSI_INNER[right]}"
}

# soak_order: set ORDER to all changes in random order, as often as ROUNDS needs
soak_order()
{
	local left i

	ORDER=()
	while ((${#ORDER[@]} < ROUNDS)); do
		left=("${CHANGES[@]}")
		for ((i = ${#left[@]}; i > 0; i--)); do
			soak_random "$i"
			ORDER+=("${left[CHOICE]}")
			left[CHOICE]=${left[i - 1]}
		done
	done
}

# soak_epoch: all of it once, with new hosts
soak_epoch()
{
	local host round change
	declare -A SPI=() INNER6=([left]=fd09::1 [right]=fd09::2)

	NEXT_SPI=$((0x1000)) ROAMED=0
	ipsi_topology
	# The last of several addresses of a network goes with the first otherwise.
	ipsi_try left sysctl -qw net.ipv4.conf.all.promote_secondaries=1
	for host in left right; do
		ipsi_device "$host"
		soak_route "$host"
	done
	soak_sas
	ipsi_ping left
	soak_traffic
	soak_order
	for change in "${ORDER[@]}"; do
		echo "round $((++round)): $change"
		"$change"
	done
	ipsi_wait "the link works again" soak_pings
}

# soak_alone EPOCH: run an epoch as a test of its own, which cleans up after
# itself, with random numbers of its own
soak_alone()
(
	# shellcheck disable=SC2030 # for this epoch alone
	IPSI_TMP=$(mktemp -d)
	RANDOM=$((SEED + $1))
	ipsi_run_one soak_epoch
)

# soak_objects FILE: write the number of objects of each cache by the function that
# has allocated them, and to FILE.traces the stacks. File systems keep objects for
# each name of a file that was looked up, which the kernel can do without.
soak_objects()
{
	local cache name

	echo 2 > /proc/sys/vm/drop_caches
	for cache in "$TRACES"/*/alloc_traces; do
		name=${cache%/*}
		name=${name##*/}
		[[ $name != @($CACHES) ]] || sed "s/^ *[0-9]/$name &/" "$cache"
	done > "$1.traces"
	awk '$2 ~ /^[0-9]+$/ {
		sub(/\+0x.*/, "", $3)
		n[$1 " " $3] += $2
	     }
	     END { for (key in n) print key, n[key] }' "$1.traces" > "$1"
}

# soak_unused: true if nothing refers to the module, and no namespace dies
soak_unused()
{
	[ "$(cat /sys/module/ipsec_ipip/refcnt)" = "$REFERENCES" ] &&
		! ip netns list | grep -q .
}

# soak_grown EPOCHS: print the functions whose objects have become more. The epochs
# after the warm-up are divided into three parts. In each part there must have been
# more objects, at any time, than in the one before: a cache that is filled once
# makes one step.
# shellcheck disable=SC2031 # the directory of this test
soak_grown()
{
	local epoch files=()

	for ((epoch = WARM_UP + 1; epoch <= $1; epoch++)); do
		files+=("epoch=$((epoch - WARM_UP - 1))" "$IPSI_TMP/$epoch")
	done
	awk -v epochs="$(($1 - WARM_UP))" '
		{ n[$1 " " $2, epoch] = $3; keys[$1 " " $2] }
		function least(key, part,	i, m) {
			m = n[key, from(part)] + 0
			for (i = from(part); i < from(part + 1); i++)
				if (n[key, i] + 0 < m)
					m = n[key, i] + 0
			return m
		}
		function most(key, part,	i, m) {
			for (i = from(part); i < from(part + 1); i++)
				if (n[key, i] > m)
					m = n[key, i]
			return m + 0
		}
		function from(part) { return int(part * epochs / 3) }
		END {
			for (key in keys)
				if (least(key, 1) > most(key, 0) &&
				    least(key, 2) > most(key, 1))
					print key ": " n[key, 0] + 0 " objects, now " \
						n[key, epochs - 1]
		}' "${files[@]}"
}

# soak_stacks FILE: print the stacks of FILE of the functions of soak_grown
soak_stacks()
{
	local cache name

	while read -r cache name _; do
		awk -v cache="$cache" -v name="${name%:}" '
			$2 ~ /^[0-9]+$/ {
				function_name = $3
				sub(/\+0x.*/, "", function_name)
				wanted = $1 == cache && function_name == name
			}
			wanted' "$1" | head -n 60
	done
}

# shellcheck disable=SC2031 # the directory of this test, not of an epoch
soak()
{
	local end=$((SECONDS + 60 * MINUTES)) epoch=0 grown file

	ipsi_need iperf3
	[ -r "$TRACES/kmalloc-64/alloc_traces" ] ||
		ipsi_skip "the kernel was not booted with slub_debug=U"
	REFERENCES=$(cat /sys/module/ipsec_ipip/refcnt)
	echo "IPSI_SOAK_SEED=$SEED"
	while ((SECONDS < end || epoch < LEAST)); do
		((++epoch))
		file=$IPSI_TMP/$epoch
		soak_alone "$epoch" > "$file.log" 2>&1 || {
			tail -n 40 "$file.log"
			ipsi_fail "epoch $epoch"
		}
		ipsi_wait "the last reference to the module" soak_unused
		# Namespaces and states end in work queues, one after the other.
		sleep 3
		soak_objects "$file"
		echo "epoch $epoch, $((SECONDS / 60)) min:" \
			"$(awk '{ n += $3 } END { print n }' "$file") objects"
	done
	grown=$(soak_grown "$epoch")
	[ -z "$grown" ] || {
		soak_stacks "$file.traces" <<< "$grown"
		ipsi_fail "more objects after each epoch: $grown"
	}
	! ipsi_klog_bad || ipsi_fail "the kernel has reported a fault"
}

mountpoint -q /sys/kernel/debug ||
	mount -t debugfs debugfs /sys/kernel/debug 2> /dev/null

ipsi_run soak
