#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Soak: for IPSI_SOAK_MINUTES (default 1), links carry mixed traffic while keys,
# endpoints, MTUs, links and namespaces change in random order. The time is divided
# into epochs, each with new hosts. After each epoch the kernel must have as many
# objects as after the first ones, no reference to the module may be left, and no
# packet has left in clear. A failure means that memory, references or secrets leak.
#
# The random numbers begin at IPSI_SOAK_SEED, which the output names.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

DEV=$IPSI_DEV
MINUTES=${IPSI_SOAK_MINUTES:-1}
SEED=${IPSI_SOAK_SEED:-$RANDOM}
ROUNDS=${IPSI_SOAK_ROUNDS:-24}	# changes in an epoch
WARM_UP=1	# epochs that fill caches
LEAST=5		# epochs

# More objects than this, than a 20th, and than a slab of each CPU has, are a leak:
# less than a change in each epoch of a long run would leave.
TOLERANCE=150

# Caches of objects that the module, XFRM and the network make. The kernel merges
# caches of the same size, so other parts of it are among them.
CACHES='^(kmalloc-|xfrm|skbuff|ip_dst|ip6_dst|rtable|net_namespace|fib|ip_fib|'
CACHES+='neigh|sock_inode|PACKET|RAW|NETLINK|UDP|TCP|pool_workqueue|task_struct)'

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

# soak_epoch: all of it once, with new hosts
soak_epoch()
{
	local host round
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
	for ((round = 0; round < ROUNDS; round++)); do
		soak_random ${#CHANGES[@]}
		echo "round $round: ${CHANGES[CHOICE]}"
		"${CHANGES[CHOICE]}"
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

# soak_objects: print the number of objects of each cache, and those of a slab
soak_objects()
{
	local cache

	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 > "$cache"
	done 2> /dev/null
	awk -v caches="$CACHES" '$1 ~ caches { print $1, $2, $5 }' /proc/slabinfo
}

# soak_unused: true if nothing refers to the module, and no namespace dies
soak_unused()
{
	[ "$(cat /sys/module/ipsec_ipip/refcnt)" = "$REFERENCES" ] &&
		! ip netns list | grep -q .
}

# soak_grown EPOCHS: print the caches that have grown. All objects of the slab that a
# CPU uses count, so the least number of several epochs is the best: that of the
# first half without the warm-up is compared with that of the second.
# shellcheck disable=SC2031 # the directory of this test
soak_grown()
{
	local epoch files=()

	for ((epoch = WARM_UP + 1; epoch <= $1; epoch++)); do
		files+=("half=$((epoch > ($1 + WARM_UP) / 2))" "$IPSI_TMP/$epoch")
	done
	awk -v tolerance="$TOLERANCE" -v cpus="$(nproc)" '
		!((half, $1) in least) || $2 < least[half, $1] {
			least[half, $1] = $2
		}
		{ slab[$1] = $3 }
		END {
			for (cache in slab) {
				before = least[0, cache]
				grown = least[1, cache] - before
				if (grown > tolerance && grown > before / 20 &&
				    grown > cpus * slab[cache])
					print cache ": " before " objects, now " \
						least[1, cache]
			}
		}' "${files[@]}"
}

# shellcheck disable=SC2031 # the directory of this test, not of an epoch
soak()
{
	local end=$((SECONDS + 60 * MINUTES)) epoch=0 grown file

	ipsi_need iperf3
	[ -r /proc/slabinfo ] || ipsi_skip "no /proc/slabinfo"
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
		soak_objects > "$file"
		echo "epoch $epoch, $((SECONDS / 60)) min:" \
			"$(awk '{ n += $2 } END { print n }' "$file") objects"
	done
	grown=$(soak_grown "$epoch")
	[ -z "$grown" ] || ipsi_fail "more objects after each epoch: $grown"
	! ipsi_klog_bad || ipsi_fail "the kernel has reported a fault"
}

ipsi_run soak
