#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Acquires that a device with adoption sends when it has no SA for a packet,
# with "ip xfrm" in the place of the key manager. A failure means that a
# connection does not start on demand, or that one starts without demand.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/adopt.sh
source "$IPSI_LIB/adopt.sh"

# listen OPTION...: make a device with these options, and record the acquires
listen()
{
	HEARD=$IPSI_TMP/heard
	ipsi_topology
	# Larval states must last as long as the test.
	ipsi_try left sysctl -qw net.core.xfrm_acq_expires=3600
	ipsi_tunnel_side right
	ipsi_device left "$@"
	ipsi_bg left ip xfrm monitor acquire policy >> "$HEARD"
	ipsi_wait "monitor" ipsi_xfrm_monitors left "$HEARD"
}

# policy WORD...: add a policy between the inner networks
policy()
{
	local width=24

	[[ ${IPSI_INNER[left]} != *:* ]] || width=64
	ipsi_do left ip xfrm policy add dir out \
		src "${IPSI_INNER[left]}/$width" \
		dst "${IPSI_INNER[right]}/$width" "$@"
	# The device reads policies with a delay.
	sleep 0.5
}

# tunnel, trap_of_pluto: add a policy that names the tunnel endpoints, as charon
# makes it, or one that does not, as pluto makes it
tunnel()
{
	policy if_id 7 tmpl src 10.0.0.1 dst 10.0.0.2 \
		proto esp mode tunnel reqid "$1"
}

trap_of_pluto()
{
	policy "$@" tmpl proto esp mode transport
}

# asks SELECTOR MODE REQID: check that several packets lead to one such acquire
asks()
{
	ipsi_send left 1
	has_asked "$@"
	ipsi_send left 3
	sleep 0.3
	ipsi_is "$(grep -c '^acquire' "$HEARD")" 1 "acquires"
	ipsi_is "$(larval)" 1 "larval states"
}

heard_acquire()
{
	grep -A 5 '^acquire' "$HEARD"
}

# Match the whole line, because policy events look similar.
acquire_is_heard()
{
	heard_acquire | grep -q 'mode t'
}

has_asked()
{
	local asked

	ipsi_wait "acquire" acquire_is_heard
	asked=$(heard_acquire)
	ipsi_has "$asked" "sel src $1" "acquire"
	ipsi_has "$asked" "tmpl src ${OUT[1]} dst ${OUT[3]}" "acquire"
	ipsi_has "$asked" "reqid $3 mode $2" "acquire"
}

larval()
{
	ip -n "${left:?}" xfrm state | grep -c 'spi 0x00000000 '
}

# is_answered WORD...: add SAs with these words, and check that the acquire ends
is_answered()
{
	ipsi_daemon_sa left out "$@"
	ipsi_daemon_sa left in "$@"
	both_adopted
	# It would time out by itself, but only later.
	sleep 1
	ipsi_is "$(larval)" 0 "larval states"
}

INNER="${IPSI_INNER[left]}/32 dst ${IPSI_INNER[right]}/32 proto udp"
OUTER='10.0.0.1/32 dst 10.0.0.2/32'

# without_policy: acquire by reqid, for key managers without policies
without_policy()
{
	listen keying adopt reqid 9
	asks "$OUTER" transport 9
	is_answered if_id 7 reqid 9
	ipsi_ping left
}

# with_policy: acquire with the addresses of the packet and the reqid of the
# policy
with_policy()
{
	listen keying adopt reqid 77
	tunnel 9
	asks "$INNER" tunnel 9
	is_answered if_id 7 reqid 9
	ipsi_ping left
}

with_trap()
{
	listen keying adopt
	trap_of_pluto if_id 7
	asks "$INNER" tunnel 0
	is_answered if_id 7 reqid 9
	ipsi_ping left
}

with_trap_by_endpoints()
{
	listen keying adopt-endpoints
	trap_of_pluto
	asks "$INNER" tunnel 0
	is_answered reqid 9
	ipsi_ping left
}

with_trap_for_ipv6()
{
	ipsi_families 4 6
	listen keying adopt
	trap_of_pluto if_id 7
	asks "${IPSI_INNER[left]}/128 dst ${IPSI_INNER[right]}/128 proto udp" \
		tunnel 0
	is_answered if_id 7 reqid 9
}

# asks_as_without_policy: check the acquire without policy, then clear the log
# and the states
asks_as_without_policy()
{
	has_asked "$OUTER" transport 0
	: > "$HEARD"
	ipsi_do left ip xfrm state flush
}

does_not_ask()
{
	ipsi_send left 1
	asks_as_without_policy
}

# No acquire for a policy that does not match the packet, or was deleted.
policy_of_others()
{
	listen keying adopt
	trap_of_pluto if_id 8
	does_not_ask
	trap_of_pluto
	does_not_ask
	ipsi_do left ip xfrm policy flush
	policy proto tcp if_id 7 tmpl proto esp mode transport
	does_not_ask
	ipsi_do left ip xfrm policy add dir out src 192.168.1.0/24 \
		dst 192.168.77.0/24 if_id 7 tmpl proto esp mode transport
	sleep 0.5
	does_not_ask
	ipsi_do left ip xfrm policy flush
	ipsi_do left ip xfrm policy add dir out src 192.168.1.0/24 \
		dst 192.168.2.0/24 if_id 7 action block
	sleep 0.5
	does_not_ask
}

# A deleted policy leads to no acquire at once, although a device reads policies
# with a delay. This test needs to be the last, after the packet.
policy_that_is_gone()
{
	ipsi_need python3
	listen keying adopt
	trap_of_pluto if_id 7
	ipsi_adopt_on 1 0
	ipsi_do left "$IPSI_LIB/xfrm.py" forget "${IPSI_INNER[right]}"
	asks_as_without_policy
}

# A packet that triggered an acquire is sent when there are SAs in both
# directions, so that the answer can be received: pluto adds the outbound SA
# first.
packets_wait()
{
	listen keying adopt reqid 9
	ipsi_bg left ping -n -q -c 1 -W 10 "${IPSI_INNER[right]}" \
		> "$IPSI_TMP/ping"
	has_asked "$OUTER" transport 9
	ipsi_daemon_sa left out if_id 7 reqid 9
	ipsi_wait "adoption" adopted out
	sleep 1
	ipsi_daemon_sa left in if_id 7 reqid 9
	wait "$IPSI_BG_PID" || ipsi_fail "ping: $(cat "$IPSI_TMP/ping")"
	ipsi_is "$(ipsi_stat left tx_no_sa)" 0 "packets without SA"
}

refused()
{
	[ "$(ipsi_stat left tx_no_sa)" = "$1" ]
}

# A packet waits for a few seconds only. Then its sender gets an error, each
# time.
packets_wait_in_vain()
{
	local i text

	listen keying adopt
	for i in 1 2; do
		ipsi_bg left ping -n -c 1 -W 10 "${IPSI_INNER[right]}" \
			> "$IPSI_TMP/ping"
		SECONDS=0
		ipsi_wait "refusal" refused "$i"
		((SECONDS >= 2)) || ipsi_fail "refused after $SECONDS s"
		wait "$IPSI_BG_PID"
		text=$(cat "$IPSI_TMP/ping")
		ipsi_has "$text" "Destination Host Unreachable" "answer"
	done
	# A waiting packet must not keep the device.
	ipsi_send left 3
	SECONDS=0
	ipsi_do left ip link del "$DEV"
	((SECONDS < 3)) || ipsi_fail "it took $SECONDS s"
}

# Without a key manager, the sender gets an error at once.
nobody_to_ask()
{
	local text

	ipsi_topology
	ipsi_device left keying adopt
	text=$(ipsi_try left ping -n -c 1 -W 5 "${IPSI_INNER[right]}" 2>&1)
	ipsi_is "$(ipsi_stat left tx_no_sa)" 1 "packets without SA"
	ipsi_has "$text" "Destination Host Unreachable" "answer"
}

# With manual keys, policies do not matter.
manual()
{
	listen reqid 9
	tunnel 9
	asks "$OUTER" transport 9
	# No packet waits.
	refused 4 || ipsi_fail "packets wait"
}

# Two devices between the same endpoints wait for their own keys, even if the
# other one sent its acquire later.
two_devices()
{
	local refused

	listen keying adopt
	ipsi_do left ip link add ipsec1 up type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.2 if_id 8 keying adopt
	ipsi_do left ip route add 192.168.3.1 dev ipsec1
	ipsi_send left 1
	has_asked "$OUTER" transport 0
	ipsi_bg left ping -c 1 -W 1 192.168.3.1 > "$IPSI_TMP/ping" 2>&1
	ipsi_wait "two larval states" larval_is 2
	wait "$IPSI_BG_PID"
	ipsi_is "$(ipsi_stat left tx_no_sa ipsec1)" 0 "packets refused"
	ipsi_has_not "$(cat "$IPSI_TMP/ping")" Unreachable "answer"

	ipsi_do left ip link set "$DEV" down
	ipsi_do left ip link set "$DEV" up
	ipsi_do left ip route add "${IPSI_INNER[right]}" dev "$DEV"
	refused=$(ipsi_stat left tx_no_sa)
	ipsi_send left 1
	ipsi_is "$(ipsi_stat left tx_no_sa)" "$refused" "packets refused"
	ipsi_is "$(larval)" 2 "larval states"
}

larval_is()
{
	[ "$(larval)" = "$1" ]
}

# send_big N: send N numbered datagrams of 60 000 bytes at once, and print the
# numbers of those that bring an error
send_big()
{
	ipsi_try left python3 -c '
import select, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 11, 1)          # IP_RECVERR
s.setsockopt(socket.SOL_SOCKET, 32, 1 << 27)    # SO_SNDBUFFORCE
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 27)    # SO_RCVBUFFORCE
for i in range(1, int(sys.argv[2]) + 1):
    try:
        s.sendto(b"%08d" % i + bytes(60000), (sys.argv[1], 9))
    except OSError:
        pass
print("sent", flush=True)
poll = select.poll()
poll.register(s, 0)
while len(sys.argv) > 3 and poll.poll(int(sys.argv[3]) * 1000):
    data = s.recvmsg(8, 0, socket.MSG_ERRQUEUE)[0]
    print(int(data), flush=True)
' "${IPSI_INNER[right]}" "$@" || ipsi_fail "cannot send"
}

# big_device OPTION...: as listen, with an MTU that carries these datagrams in
# one piece
big_device()
{
	ipsi_need python3
	listen "$@"
	ipsi_try left ip link set "$DEV" mtu 65000
}

# The memory of waiting packets is limited, whatever their size. The oldest
# packets are dropped and counted, as in neighbour resolution.
memory()
{
	local refused

	big_device keying adopt
	send_big 100
	refused=$(ipsi_stat left tx_no_sa)
	((refused > 80)) || ipsi_fail "$refused refused"
	ipsi_do left ip link set "$DEV" down
	# including those that waited
	ipsi_is "$(ipsi_stat left tx_no_sa)" 100 "packets refused"
}

newest_wait()
{
	local told

	big_device keying adopt
	told=$(send_big 100 "$IPSI_PATIENCE" | sed -n 2p)
	((told > 80)) || ipsi_fail "packet $told has waited"
}

# The memory of waiting packets is limited for each namespace, whatever the
# number of devices.
memory_of_all()
{
	local i sum=0

	big_device keying adopt
	for i in {10..49}; do
		echo "link add t$i mtu 65000 up type ipsec-ipip local 10.0.0.1 remote 10.0.0.$i keying adopt"
		echo "route add 192.168.100.$i dev t$i"
	done | ipsi_do left ip -batch -
	ipsi_do left python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 32, 1 << 27)    # SO_SNDBUFFORCE
for _ in range(10):
    for i in range(10, 50):
        s.sendto(bytes(60000), ("192.168.100.%d" % i, 9))
'
	for i in {10..49}; do
		((sum += $(ipsi_stat left tx_no_sa "t$i")))
	done
	# Of 400 packets (24 MB), at most 16 MiB wait.
	((sum > 100)) || ipsi_fail "$sum refused"
}

# hits PROBE: print how often this function was called
hits()
{
	awk -v probe="$1" '$1 == probe { print $2 }' "$TRACING/kprobe_profile"
}

# A packet without SA takes the locks that a key manager needs at most once a
# second.
ask_rarely()
{
	local asked seconds

	TRACING=/sys/kernel/tracing
	[ -e "$TRACING/kprobe_events" ] ||
		mount -t tracefs tracefs "$TRACING" 2> /dev/null
	[ -e "$TRACING/kprobe_events" ] || ipsi_skip "no kprobes"
	echo 'p:ipsi_asks xfrm_state_find' >> "$TRACING/kprobe_events" ||
		ipsi_skip "no such function"
	# shellcheck disable=SC2064
	trap "echo 0 > $TRACING/events/kprobes/ipsi_asks/enable
		echo -:ipsi_asks >> $TRACING/kprobe_events; ipsi_cleanup" EXIT
	ipsi_topology
	ipsi_device left "$@"
	echo 1 > "$TRACING/events/kprobes/ipsi_asks/enable"
	asked=$(hits ipsi_asks)
	seconds=$SECONDS
	ipsi_send left 1000
	asked=$(($(hits ipsi_asks) - asked))
	seconds=$((SECONDS - seconds))
	((asked > 0 && asked < seconds + 10)) ||
		ipsi_fail "$asked look-ups in $seconds s"
	ipsi_is "$(ipsi_stat left tx_no_sa)" 1000 "packets refused"
}

# No packets pass by the template of a trap policy.
trap_lets_nothing_pass()
{
	listen keying adopt policies required
	trap_of_pluto if_id 7
	ipsi_daemon_sa left out if_id 7
	ipsi_daemon_sa left in if_id 7
	both_adopted
	ipsi_no_ping left
	ipsi_is "$(ipsi_stat left tx_selector)" 1 "packets refused"
}

ipsi_run without_policy with_policy with_trap with_trap_by_endpoints \
	with_trap_for_ipv6 policy_of_others policy_that_is_gone manual \
	packets_wait packets_wait_in_vain nobody_to_ask trap_lets_nothing_pass \
	two_devices memory newest_wait memory_of_all ask_rarely
