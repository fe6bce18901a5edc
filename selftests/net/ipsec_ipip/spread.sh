#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The ways to spread the work of one link over processors: RPS, XPS, SAs for one
# CPU each, and pcrypt. A failure means that a way leaves all work to one
# processor, loses packets, or changes their order within a flow.
#
# Four processors are best; two suffice.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Nothing is sent but by the test.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1

FLOWS=32
ROUNDS=${ROUNDS:-30}
N=$(nproc)

# spread_topology: hosts whose wire has a queue for each processor
spread_topology()
{
	[ "$N" -gt 1 ] || ipsi_skip "there is but one processor"
	ipsi_need python3
	setup_ns left right || ipsi_skip "no network namespaces here"
	ipsi_shell left right
	ip link add eth0 netns "${left:?}" numtxqueues "$N" numrxqueues "$N" \
		type veth peer name eth0 netns "${right:?}" \
		numtxqueues "$N" numrxqueues "$N" || ipsi_fail "no veth pair"
	ip -n "$left" address add 10.0.0.1/24 dev eth0
	ip -n "$right" address add 10.0.0.2/24 dev eth0
	ip -n "$left" link set eth0 up
	ip -n "$right" link set eth0 up
	ipsi_quiet left right
}

# in_sysfs HOST SHELL_COMMAND: with /sys of that host, and its devices
in_sysfs()
{
	ip netns exec "${!1}" sh -c "cd /sys/class/net && $2"
}

# spread: all datagrams arrive, in order within their flows
spread()
{
	python3 "$IPSI_LIB/spread.py" "$left" 192.168.1.1 "$right" 192.168.2.1 \
		$FLOWS "$ROUNDS" || ipsi_fail "datagrams"
}

# rps_got: for each processor, the number of packets that it got by RPS
rps_got()
{
	local words

	while read -ra words; do
		echo $((0x${words[9]}))
	done < /proc/net/softnet_stat
}

rps_on_the_device()
{
	local before after busy

	spread_topology
	ipsi_device_side left
	ipsi_device_side right
	in_sysfs right "printf %x $(((1 << N) - 1)) > ipsec0/queues/rx-0/rps_cpus" ||
		ipsi_skip "no RPS"
	before=$(rps_got)
	spread
	after=$(rps_got)
	busy=$(paste <(echo "$before") <(echo "$after") |
		awk '$2 > $1 + 10' | wc -l)
	echo "$busy of $N processors got packets by RPS"
	# Flows are spread by a random hash, so a processor may get none.
	[ "$busy" -gt 1 ] || ipsi_fail "all packets come up on one processor"
}

# xps_queues MASK...: send with these masks of the queues, and set BUSY to the
# number of queues that sent packets
xps_queues()
{
	local i=0 mask

	ipsi_try left tc qdisc del dev eth0 root 2> /dev/null
	ipsi_do left tc qdisc add dev eth0 root handle 1: mq
	for mask; do
		in_sysfs left "echo $mask > eth0/queues/tx-$((i++))/xps_cpus" ||
			ipsi_skip "no XPS"
	done
	spread
	BUSY=$(ipsi_try left tc -s class show dev eth0 |
		awk '$1 == "Sent" && $4 > 10' | wc -l)
}

# The sender's processor selects the queue of the underlay. Without XPS, a hash
# spreads the flows over all queues as well.
xps_on_the_underlay()
{
	local i masks=() none=()

	ipsi_need tc
	spread_topology
	ipsi_device_side left
	ipsi_device_side right
	for ((i = 0; i < N; i++)); do
		masks+=("$(printf %x $((1 << i)))")
		[ "$i" = 0 ] || none+=(0)
	done
	# One queue has not room for all.
	ROUNDS=1 xps_queues "$(printf %x $(((1 << N) - 1)))" "${none[@]}"
	ipsi_is "$BUSY" 1 "busy queues if all processors use one"
	xps_queues "${masks[@]}"
	ipsi_is "$BUSY" "$N" "busy queues"
}

# packets DIR SPI: packets of an SA, on the left
packets()
{
	ipsi_json "$(ipsi_try left ipsec-ipip -j sa show ipsec0 "$1" \
		spi "$2")" packets
}

sa_for_each_processor()
{
	local i key=000102030405060708090a0b0c0d0e0f1011 flows=$((FLOWS / N))
	local answer

	spread_topology
	ipsi_device_side left
	ipsi_device_side right
	for ((i = 0; i < N; i++)); do
		ipsi_do right ipsec-ipip -q sa add ipsec0 in spi "0x110$i" \
			aead 'rfc4106(gcm(aes))' "0x${key}110$i" 128
		answer=$(ipsi_try left ipsec-ipip -q sa add ipsec0 out \
			spi "0x110$i" pcpu "$i" \
			aead 'rfc4106(gcm(aes))' "0x${key}110$i" 128 2>&1) ||
			case $answer in
			*"this kernel has no per-CPU SAs"*)
				ipsi_skip "the kernel has no per-CPU SAs" ;;
			*) ipsi_fail "$answer" ;;
			esac
	done
	spread
	for ((i = 0; i < N; i++)); do
		ipsi_is "$(packets out "0x110$i")" \
			$((flows * 8 * ROUNDS)) "packets of processor $i"
	done
}

ciphers_on_other_processors()
{
	local module notests=/sys/module/cryptomgr/parameters/notests
	local key=000102030405060708090a0b0c0d0e0f1011 words host dir i

	for module in crypto_user gcm ctr ghash_generic seqiv pcrypt; do
		modprobe "$module" 2> /dev/null || ipsi_skip "no module $module"
	done
	[ ! -w "$notests" ] || echo 1 > "$notests"
	python3 "$IPSI_LIB/crypto.py" aead 'pcrypt(rfc4106(gcm(aes)))' ||
		ipsi_skip "no crypto_user"
	grep -q "^driver *: pcrypt(rfc4106" /proc/crypto ||
		ipsi_skip "no pcrypt(rfc4106(gcm(aes)))"
	spread_topology
	ipsi_device left
	ipsi_device right
	for words in "left out 1" "left in 2" "right in 1" "right out 2"; do
		read -r host dir i <<< "$words"
		ipsi_do "$host" ipsec-ipip -q sa add ipsec0 "$dir" spi "0x110$i" \
			aead 'rfc4106(gcm(aes))' "0x${key}110$i" 128
	done
	spread
	awk '$1 == "driver" { is = index($3, "seqiv(pcrypt(rfc4106") == 1 }
		is && $1 == "refcnt" && $3 > 1 { found = 1 }
		END { exit !found }' /proc/crypto ||
		ipsi_fail "the SAs do not use pcrypt"
}

ipsi_run rps_on_the_device xps_on_the_underlay sa_for_each_processor \
	ciphers_on_other_processors
