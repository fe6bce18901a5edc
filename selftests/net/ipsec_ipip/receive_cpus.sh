#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Received packets that another processor gets, or that change on their way
# up: by RPS, with and without GRO, generic XDP, and tc at the ingress of the
# device. XFRM still has a reference to a packet when it leaves the device. A
# failure means that two processors use a packet at once, and the kernel crashes
# or the link dies; or that all packets come up on one processor, whatever RPS
# says.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Nothing is sent but by the test.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1

# in_sysfs HOST SHELL_COMMAND: with /sys of that host, and its devices
in_sysfs()
{
	ip netns exec "${!1}" sh -c "cd /sys/class/net && $2"
}

# rps HOST DEVICE: the second processor gets what the device receives
rps()
{
	[ "$(nproc)" -gt 1 ] || ipsi_skip "there is but one processor"
	in_sysfs "$1" "echo 2 > $2/queues/rx-0/rps_cpus" || ipsi_skip "no RPS"
}

cpus_topology()
{
	ipsi_need python3
	ipsi_topology
	ipsi_device_side left
	ipsi_device_side right
}

# program NAME: set PROGRAM to it; see bpf.py
program()
{
	PROGRAM=$IPSI_TMP/bpf/$1
	if [ ! -d "$IPSI_TMP/bpf" ]; then
		mkdir "$IPSI_TMP/bpf"
		mount -t bpf bpf "$IPSI_TMP/bpf" || ipsi_skip "no bpf"
		# shellcheck disable=SC2064 # the directory as it is now
		trap "umount -l $IPSI_TMP/bpf; ipsi_cleanup" EXIT
	fi
	python3 "$IPSI_LIB/bpf.py" "$1" "$PROGRAM" ||
		ipsi_skip "no BPF program $1"
}

# flood N: N thousand datagrams to the right, which the first processor sends as
# fast as it can, so that those of RPS are busy all the time; then the link works
flood()
{
	echo "left: $1 000 datagrams to 192.168.2.1"
	ipsi_try left taskset -c 0 python3 -c '
import socket, sys
socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(8)]
for sock in socks:
    sock.setsockopt(socket.IPPROTO_IP, 10, 0)
for i in range(1000 * int(sys.argv[1])):
    try:
        socks[i % 8].sendto(b"x" * (1 + i % 1000), ("192.168.2.1", 9))
    except OSError:
        pass
' "$1" || ipsi_fail "flood"
}

# works: the link does, still
works()
{
	ipsi_do left ping -n -q -f -c 100 -W 10 192.168.2.1
	python3 "$IPSI_LIB/bulk.py" tcp "${left:?}" 192.168.1.1 \
		"${right:?}" 192.168.2.1 1 || ipsi_fail "TCP"
}

gro_and_rps()
{
	cpus_topology
	rps right ipsec0
	flood 5
	works
}

no_gro_and_rps()
{
	ipsi_need ethtool
	cpus_topology
	rps right ipsec0
	ipsi_do right ethtool -K ipsec0 gro off
	flood 5
	works
	ipsi_do right ethtool -K ipsec0 gro on
	works
}

xdp_and_rps()
{
	cpus_topology
	rps right ipsec0
	program pass
	ipsi_do right ip link set ipsec0 xdpgeneric pinned "$PROGRAM"
	flood 5
	works
	ipsi_do right ip link set ipsec0 xdpgeneric off
	works
}

# ingress WORD...: do this with what the device on the right receives
ingress()
{
	ipsi_try right tc qdisc replace dev ipsec0 clsact ||
		ipsi_skip "no clsact"
	ipsi_try right tc filter del dev ipsec0 ingress
	ipsi_do right tc filter add dev ipsec0 ingress "$@"
}

tc_changes_packets()
{
	local gro

	ipsi_need tc ethtool
	cpus_topology
	rps right ipsec0
	program head
	ipsi_do right ip link add dummy0 type dummy
	ipsi_do right ip link set dummy0 up
	for gro in on off; do
		ipsi_do right ethtool -K ipsec0 gro $gro
		ingress matchall action mirred egress mirror dev dummy0
		works
		ingress matchall action mirred egress redirect dev dummy0
		flood 3
		ingress bpf da pinned "$PROGRAM"
		flood 3
	done
	ipsi_do right tc qdisc del dev ipsec0 clsact
	works
}

# The queues are not made for threads.
no_threads()
{
	cpus_topology
	! in_sysfs right "echo 1 > ipsec0/threaded" ||
		ipsi_fail "NAPI threads are accepted"
	works
}

# rps_packets: how many packets processors have got by RPS up to now
rps_packets()
{
	local sum=0 words

	while read -ra words; do
		((sum += 0x${words[9]}))
	done < /proc/net/softnet_stat
	echo "$sum"
}

# one_processor_is_found: check finds that the second one does all the work
one_processor_is_found()
{
	ipsi_try right taskset -c 0 ipsec-ipip check > "$IPSI_TMP/check"
	grep "^host: one-processor: processor 1 spends" "$IPSI_TMP/check" \
		> "$IPSI_TMP/found"
}

# send_without_end: datagrams to the right, which the first processor sends as
# fast as it can, until this shell ends
send_without_end()
{
	ipsi_bg left taskset -c 0 python3 -c '
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try:
        sock.sendto(b"x" * 100, ("192.168.2.1", 9))
    except OSError:
        pass
'
}

# The first processor encrypts, which is no time of a softirq. The second one
# decrypts and filters, which takes longer. The sender never rests, so that no
# second of the second one is idle, however slow the host is.
check_finds_one_processor()
{
	local i text

	ipsi_need nft
	cpus_topology
	{
		echo "table ip slow { chain slow {"
		echo "type filter hook prerouting priority 0;"
		for ((i = 0; i < 2000; i++)); do
			echo "udp dport $((1000 + i)) drop"
		done
		echo "}"
		echo "}"
	} > "$IPSI_TMP/slow"
	ipsi_do right nft -f "$IPSI_TMP/slow"
	[ "$(nproc)" -gt 1 ] || ipsi_skip "there is but one processor"
	text=$(ipsi_try right ipsec-ipip check)
	ipsi_has_not "$text" "one-processor" "findings of an idle host"
	in_sysfs right "echo 2 > eth0/queues/rx-0/rps_cpus" ||
		ipsi_skip "no RPS"
	send_without_end
	(ipsi_wait "one processor is found" one_processor_is_found) || {
		cat /proc/softnet_stat /proc/stat "$IPSI_TMP/check"
		ipsi_fail "one processor is not found"
	}
	kill "$IPSI_BG_PID"
	# Its advice is a command that works.
	text=$(sed -n 's/.*hardly any: \(echo .*\), or another way.*/\1/p' \
		"$IPSI_TMP/found")
	echo "right: $text"
	in_sysfs right "${text:-false}" || ipsi_fail "advice: $text"
}

# A network card has said which of its queues an outer packet was in, which means
# nothing for the inner one.
queue_of_underlay_is_forgotten()
{
	local before

	ipsi_need tc
	setup_ns left right || ipsi_skip "no network namespaces here"
	ipsi_shell left right
	ip link add eth0 netns "${left:?}" numtxqueues 4 numrxqueues 4 \
		type veth peer name eth0 netns "${right:?}" numtxqueues 4 \
		numrxqueues 4 || ipsi_fail "no veth pair"
	ip -n "$left" address add 10.0.0.1/24 dev eth0
	ip -n "$right" address add 10.0.0.2/24 dev eth0
	ip -n "$left" link set eth0 up
	ip -n "$right" link set eth0 up
	ipsi_record left eth0
	ipsi_record right eth0
	ipsi_device_side left
	ipsi_device_side right
	rps right ipsec0
	ipsi_ping left
	ipsi_try left tc qdisc add dev eth0 clsact ||
		ipsi_skip "no clsact"
	ipsi_try left tc filter add dev eth0 egress matchall \
		action skbedit queue_mapping 3 || ipsi_skip "no skbedit"
	before=$(rps_packets)
	ipsi_do left taskset -c 0 ping -n -q -f -c 50 -W 10 192.168.2.1
	[ "$(rps_packets)" -gt "$before" ] ||
		ipsi_fail "RPS does not work behind a queue of the underlay"
}

ipsi_run gro_and_rps no_gro_and_rps xdp_and_rps tc_changes_packets no_threads \
	check_finds_one_processor queue_of_underlay_is_forgotten
