#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library of the ipsec-ipip tests. Each test is a function that runs in a
# subshell with its own namespaces; it ends at the first failure.
#
#        left                            right
#   +------------+   the wire, eth0   +------------+
#   |  10.0.0.1  +--------------------+  10.0.0.2  |     outer addresses
#   |192.168.1.1 |                    |192.168.2.1 |     inner addresses
#   +------------+                    +------------+
#
# A HOST argument is the word "left", "right" or another word that was given to
# setup_ns. The commands of a test are printed with the host in front, so that
# they can be repeated by hand.

IPSI_LIB=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# Both files belong to the kernel's selftests. In a kernel tree they are in the
# directories given last.
# shellcheck source=/dev/null
ipsi_source()
{
	local name=$1 dir
	shift

	for dir in "$@"; do
		if [ -n "$dir" ] && [ -r "$dir/$name" ]; then
			source "$dir/$name"
			return
		fi
	done
	echo "1..0 # SKIP $name is not in any of: $*"
	exit 4
}

ipsi_source ktap_helpers.sh "${KSFT_DIR:-}" "$IPSI_LIB/../../../kselftest"
ipsi_source lib.sh "${KSFT_NET_DIR:-}" "$IPSI_LIB/../.."

#
# Hosts and addresses, as globals for the tests
#
IPSI_DEV=ipsec0
IPSI_WIRE=eth0
IPSI_IF_ID=7
IPSI_PATIENCE=60	# seconds to wait before a test fails
[ -z "${KSFT_MACHINE_SLOW:-}" ] || IPSI_PATIENCE=180
declare -A IPSI_OUTER=([left]=10.0.0.1 [right]=10.0.0.2)
declare -A IPSI_INNER=([left]=192.168.1.1 [right]=192.168.2.1)
declare -A IPSI_PEER=([left]=right [right]=left)

# SPIs and keys of all tests, by the sending host. The words are those of both
# "ip xfrm state" and "ipsec-ipip sa add".
declare -A IPSI_SPI=([left]=0xdeadbeef [right]=0xfeedbeef)
declare -A IPSI_ENC_KEY=(
	[left]=0x46c670e4ad2ef30a29a0ce64738d01e5
	[right]=0x811ce51cebcaed4280aae9cb2e195f93
)
declare -A IPSI_AUTH_KEY=(
	[left]=0xebfd3e8038fd1c9eadcc32308e5f12aba813114614855e4a93e7407f3c40f827
	[right]=0x7a5a5832c43395c62aa1c443cfda68f3f8fff89378fdb2df40419df01547a40a
)

# ipsi_algs HOST: set the array IPSI_ALGS to the algorithms and keys of HOST's
# outbound SA
ipsi_algs()
{
	# shellcheck disable=SC2034 # for the tests
	IPSI_ALGS=(auth-trunc 'hmac(sha256)' "${IPSI_AUTH_KEY[$1]}" 128
		   enc 'cbc(aes)' "${IPSI_ENC_KEY[$1]}")
}

#
# Results. A test is a subshell: exit ends it alone.
#

# ipsi_fail MESSAGE...: print MESSAGE and end the test as failed
ipsi_fail()
{
	local i

	# Report the line of the test, not that of a helper in this file.
	for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
		if [ "${BASH_SOURCE[i]##*/}" != ipsi.sh ]; then
			echo "FAIL: ${BASH_SOURCE[i]##*/}:${BASH_LINENO[i-1]}:" \
				"$*"
			break
		fi
	done
	exit "$KSFT_FAIL"
}

# ipsi_skip REASON...: end the test as skipped
ipsi_skip()
{
	echo "SKIP: $*"
	exit "$KSFT_SKIP"
}

# ipsi_need TOOL...: skip the test if one of the commands is missing
ipsi_need()
{
	local tool

	for tool in "$@"; do
		command -v "$tool" > /dev/null ||
			ipsi_skip "$tool is not installed"
	done
}

# ipsi_is ACTUAL EXPECTED NAME...: fail unless both are equal
ipsi_is()
{
	local actual=$1 expected=$2
	shift 2

	[ "$actual" = "$expected" ] ||
		ipsi_fail "$*: \"$actual\" instead of \"$expected\""
}

# ipsi_has TEXT PART NAME...: fail unless TEXT contains PART
ipsi_has()
{
	local text=$1 part=$2
	shift 2

	[[ $text == *"$part"* ]] ||
		ipsi_fail "$*: no \"$part\" in \"$text\""
}

# ipsi_has_not TEXT PART NAME...: fail if TEXT contains PART
ipsi_has_not()
{
	local text=$1 part=$2
	shift 2

	[[ $text != *"$part"* ]] ||
		ipsi_fail "$*: \"$part\" in \"$text\""
}

# ipsi_wait NAME CMD...: wait until CMD succeeds, at most IPSI_PATIENCE seconds.
# The limit is so long that no result depends on the speed of the machine.
ipsi_wait()
{
	local what=$1 end=$((SECONDS + IPSI_PATIENCE))
	shift

	until "$@" > /dev/null 2>&1; do
		((SECONDS < end)) || ipsi_fail "timeout: $what"
		sleep 0.1
	done
}

#
# Commands
#

# Entering a namespace takes longer than most commands. Each host therefore has
# a shell that runs in its namespace, reads commands from a pipe and writes
# their exit status to another.
# shellcheck disable=SC2016 # expanded by that shell
IPSI_SHELL='
exec 3< "$0" 4> "$1"
while IFS= read -r -d "" -u 3 command; do
	eval "$command 3<&- 4>&-"
	echo $? >&4
done
'
declare -A IPSI_TO IPSI_FROM	# file descriptors of these shells

# ipsi_shell HOST...: start these shells
ipsi_shell()
{
	local host fifo fd

	for host in "$@"; do
		fifo=$IPSI_TMP/$host
		mkfifo "$fifo.to" "$fifo.from"
		nsenter --net="/run/netns/${!host}" bash -c "$IPSI_SHELL" \
			"$fifo.to" "$fifo.from" &
		IPSI_BG_PIDS+=("$!")
		exec {fd}<> "$fifo.to"
		IPSI_TO[$host]=$fd
		exec {fd}<> "$fifo.from"
		IPSI_FROM[$host]=$fd
	done
}

# ipsi_shell_end HOST: end the shell of HOST and the recorder's sockets there,
# which would keep the namespace alive
ipsi_shell_end()
{
	local fd=${IPSI_TO[$1]:-}

	ipsi_record_end "$1"
	[ -n "$fd" ] || return 0
	printf 'exit\0' >&"$fd"
	exec {fd}>&-
	unset "IPSI_TO[$1]"
}

# ipsi_tell HOST CMD...: run CMD in the shell of HOST, with the caller's input
# and output. Only one command may run at a time.
ipsi_tell()
{
	local host=$1 in out err status fds=/proc/$BASHPID/fd
	shift

	# Copy the descriptors, because the redirections below change the
	# originals.
	exec {in}<&0 {out}>&1 {err}>&2
	printf '%q ' "$@" >&"${IPSI_TO[$host]}"
	printf '< %s >> %s 2>> %s\0' "$fds/$in" "$fds/$out" "$fds/$err" \
		>&"${IPSI_TO[$host]}"
	read -r status <&"${IPSI_FROM[$host]}"
	exec {in}<&- {out}>&- {err}>&-
	return "$status"
}

# ipsi_try HOST CMD...: run CMD in the host's namespace
ipsi_try()
{
	local host=$1
	shift

	if [[ ${!host} == pid:* ]]; then
		nsenter -t "${!host#pid:}" -U -n --preserve-credentials "$@"
	elif [ "$1" = ip ]; then
		ip -n "${!host}" "${@:2}"
	elif [ -n "${IPSI_TO[$host]:-}" ]; then
		ipsi_tell "$host" "$@"
	else
		nsenter --net="/run/netns/${!host}" "$@"
	fi
}

# ipsi_do HOST CMD...: print and run CMD; fail if it fails
ipsi_do()
{
	local host=$1
	shift

	echo "$host: $*"
	ipsi_try "$host" "$@" || ipsi_fail "exit status $?: $*"
}

# ipsi_must_fail MESSAGE HOST CMD...: fail unless CMD fails with MESSAGE
ipsi_must_fail()
{
	local message=$1 host=$2 output
	shift 2

	output=$(ipsi_try "$host" "$@" 2>&1) &&
		ipsi_fail "accepted: $*"
	[[ $output == *"$message"* ]] ||
		ipsi_fail "$*: says \"$output\" instead of \"$message\""
	echo "$host: refused: $* ($message)"
}

# ipsi_bg HOST CMD...: run CMD in the background until the test ends or kills
# $IPSI_BG_PID
ipsi_bg()
{
	local host=$1
	shift

	echo "$host: $* &"
	# Not ipsi_try: the background process must be the command, not a shell.
	nsenter --net="/run/netns/${!host}" "$@" &
	IPSI_BG_PID=$!
	IPSI_BG_PIDS+=("$IPSI_BG_PID")
}

# ipsi_adopt_on MASK NICE: until the test ends, run the work that adopts SAs
# only on the processors of MASK, with this nice value
ipsi_adopt_on()
{
	local queue=/sys/devices/virtual/workqueue/ipsec_ipip_adopt mask

	[ -w "$queue/cpumask" ] || ipsi_skip "no $queue"
	mask=$(cat "$queue/cpumask")
	# shellcheck disable=SC2064 # expand the mask now
	trap "echo 0 > $queue/nice; echo $mask > $queue/cpumask; ipsi_cleanup" \
		EXIT
	echo "$1" > "$queue/cpumask"
	echo "$2" > "$queue/nice"
}

# ipsi_carrier_is HOST {true|false}: compare the carrier of the device
ipsi_carrier_is()
{
	[ "$(ipsi_get "$1" carrier)" = "$2" ]
}

# ipsi_carrier_changes HOST: print the number of carrier changes of the device
ipsi_carrier_changes()
{
	ip -n "${!1}" -j -s -s link show "$IPSI_DEV" |
		grep -o '"carrier_changes":[0-9]*' | cut -d: -f2
}

#
# Recorder
#

# ipsi_recorder_start: start recorder.py, for all tests of a program
ipsi_recorder_start()
{
	IPSI_RECORDER_TO=
	command -v python3 > /dev/null || return 0
	coproc IPSI_RECORDER {
		exec python3 -IS "$IPSI_LIB/recorder.py"
	}
	# The descriptors of a coprocess are closed in subshells, these are not.
	exec {IPSI_RECORDER_TO}>&"${IPSI_RECORDER[1]}" \
		{IPSI_RECORDER_FROM}<&"${IPSI_RECORDER[0]}"
}

# ipsi_recorder WORD...: give the recorder a command, and print its answer
ipsi_recorder()
{
	local line

	[ -n "$IPSI_RECORDER_TO" ] || return 0
	echo "$*" >&"$IPSI_RECORDER_TO"
	while read -r line <&"$IPSI_RECORDER_FROM" && [ "$line" != . ]; do
		echo "$line"
	done
}

# ipsi_recorder_do WORD...: the same for a command that must succeed
ipsi_recorder_do()
{
	local answer

	answer=$(ipsi_recorder "$@")
	[ -z "$answer" ] || ipsi_fail "recorder: $answer"
}

# ipsi_record HOST DEVICE...: from now on it is a fault if an underlay device
# sends anything but IPsec, IKE, ARP, and between outer addresses neighbour
# discovery, reports of multicast groups, and ICMP that quotes nothing else
ipsi_record()
{
	local host=$1
	shift

	ipsi_recorder_do add "$host" "/run/netns/${!host}" "$@"
}

# ipsi_record_also KIND [by HOST] [from ADDRESS] [to ADDRESS]: the test, and HOST
# in it, also sends such packets on an underlay. KIND is "udp PORT", "tcp PORT",
# "proto N", "icmp" (of inner addresses) or "type 0xNNNN" (of Ethernet). Allow no
# more than the test needs.
ipsi_record_also()
{
	echo "underlay: also $*"
	ipsi_recorder_do also "$@"
}

# ipsi_record_end HOST: no longer keep the namespace of HOST alive
ipsi_record_end()
{
	ipsi_recorder end "$1"
}

# ipsi_recorded_nothing: fail if an underlay has carried anything else
ipsi_recorded_nothing()
{
	local found

	found=$(ipsi_recorder report)
	[ -z "$found" ] || ipsi_fail "on the underlay: $found"
}

#
# Topology
#

# ipsi_families OUTER INNER: select the address families, each 4 or 6. Call it
# before the topology.
ipsi_families()
{
	[ "$1" = 4 ] || IPSI_OUTER=([left]=fd00::1 [right]=fd00::2)
	[ "$2" = 4 ] || IPSI_INNER=([left]=fd01::1 [right]=fd02::1)
}

# ipsi_quiet HOST...: if IPSI_QUIET is set, give new devices no IPv6 link-local
# address. The hosts then send no IPv6 packets of their own, which the tests
# would count.
ipsi_quiet()
{
	local host

	[ -n "${IPSI_QUIET:-}" ] || return 0
	for host in "$@"; do
		ipsi_try "$host" \
			sysctl -qw net.ipv6.conf.default.addr_gen_mode=1
	done
}

# ipsi_topology: make the hosts "left" and "right" on one wire
ipsi_topology()
{
	local host net=/24

	[[ ${IPSI_OUTER[left]} != *:* ]] || net='/64 nodad'
	setup_ns left right || ipsi_skip "cannot make network namespaces"
	ipsi_shell left right
	ip link add "$IPSI_WIRE" netns "$left" type veth \
		peer name "$IPSI_WIRE" netns "$right" ||
		ipsi_fail "no veth pair"
	for host in left right; do
		ip -n "${!host}" -batch - <<-END || ipsi_fail "no addresses"
			address add ${IPSI_OUTER[$host]}$net dev $IPSI_WIRE
			link set $IPSI_WIRE up
		END
		ipsi_record "$host" "$IPSI_WIRE"
	done
	ipsi_quiet left right
}

# ipsi_forget_flows HOST: flush the connection tracking table
ipsi_forget_flows()
{
	ipsi_try "$1" conntrack -F 2> /dev/null || :
}

# ipsi_nat HOST RULE...: replace the NAT rules of HOST (in nft's language) and
# forget its flows
ipsi_nat()
{
	local host=$1
	shift

	ipsi_do "$host" nft -f - <<-END
		table ip nat
		delete table ip nat
		table ip nat {
			chain post {
				type nat hook postrouting priority 100
				$(printf '%s\n' "$@")
			}
		}
	END
	ipsi_forget_flows "$host"
}

# ipsi_topology_routed: make "left" and "right" with the router "middle" between
# them. Its eth0 leads to the left, eth1 to the right. The outer addresses stay
# the same.
ipsi_topology_routed()
{
	local host router=middle i=0

	setup_ns left middle right || ipsi_skip "cannot make network namespaces"
	ipsi_shell left middle right
	for host in left right; do
		ip link add "$IPSI_WIRE" netns "${!host}" type veth \
			peer name "eth$i" netns "${!router}" ||
			ipsi_fail "no veth pair"
		ip -n "${!host}" -batch - <<-END || ipsi_fail "no addresses"
			address add ${IPSI_OUTER[$host]}/32 dev $IPSI_WIRE
			link set $IPSI_WIRE up
			route add 10.0.0.254 dev $IPSI_WIRE
			route add ${IPSI_OUTER[${IPSI_PEER[$host]}]} via 10.0.0.254
		END
		ip -n "${!router}" -batch - <<-END || ipsi_fail "no addresses"
			address add 10.0.0.254/32 dev eth$i
			link set eth$i up
			route add ${IPSI_OUTER[$host]} dev eth$i
		END
		ipsi_record "$host" "$IPSI_WIRE"
		ipsi_record "$router" "eth$i"
		((++i))
	done
	ipsi_try middle sysctl -qw net.ipv4.ip_forward=1
	ipsi_quiet left right
}

# ipsi_like NEW HOST: give NEW the addresses and keys of HOST in the functions
# below, for a device that moves there
ipsi_like()
{
	local -n map

	for map in IPSI_OUTER IPSI_INNER IPSI_PEER IPSI_SPI IPSI_ENC_KEY \
		IPSI_AUTH_KEY; do
		map[$1]=${map[$2]}
	done
}

# ipsi_jail HOST NAME: make the host NAME, whose network namespace belongs to a
# new user namespace. Its root has no capabilities in HOST's namespace.
ipsi_jail()
{
	ipsi_bg "$1" unshare -U -r -n sleep 1000
	ipsi_wait "user namespace" grep -qx sleep "/proc/$IPSI_BG_PID/comm"
	printf -v "$2" 'pid:%s' "$IPSI_BG_PID"
}

# ipsi_up HOST: give the device HOST's inner address and the route to the other
ipsi_up()
{
	local host=$1

	ipsi_try "$host" ip -batch - <<-END || ipsi_fail "no inner address"
		address add ${IPSI_INNER[$host]} dev $IPSI_DEV
		link set $IPSI_DEV up
		route add ${IPSI_INNER[${IPSI_PEER[$host]}]} dev $IPSI_DEV
	END
}

# ipsi_inner HOST [DEVICE]: add HOST's inner address to DEVICE or lo
ipsi_inner()
{
	ip -n "${!1}" address add "${IPSI_INNER[$1]}" dev "${2:-lo}" ||
		ipsi_fail "no inner address"
}

# ipsi_device HOST [OPTION...]: make the device without SAs, up, with a route to
# the other host's inner address
ipsi_device()
{
	local host=$1 peer=${IPSI_PEER[$1]}
	shift

	ipsi_do "$host" ip link add "$IPSI_DEV" type ipsec-ipip \
		local "${IPSI_OUTER[$host]}" remote "${IPSI_OUTER[$peer]}" \
		if_id "$IPSI_IF_ID" "$@"
	ipsi_up "$host"
}

# ipsi_device_sa HOST {in|out} [OPTION...]: add the SA of that direction to the
# device; an option "spi N" replaces the default SPI
ipsi_device_sa()
{
	local host=$1 dir=$2 sender=$1
	local -a IPSI_ALGS spi_words
	shift 2

	[ "$dir" = out ] || sender=${IPSI_PEER[$host]}
	spi_words=(spi "${IPSI_SPI[$sender]}")
	[[ " $* " != *" spi "* ]] || spi_words=()
	ipsi_algs "$sender"
	ipsi_do "$host" ipsec-ipip sa add "$IPSI_DEV" "$dir" \
		"${spi_words[@]}" "${IPSI_ALGS[@]}" "$@"
}

# ipsi_daemon_sa HOST {in|out} [OPTION...]: add the SA of that direction as a
# key manager does, in tunnel mode and through XFRM; options "spi N" and "mode
# M" replace the defaults
ipsi_daemon_sa()
{
	local host=$1 dir=$2 sender=$1
	local -a IPSI_ALGS id_words=()
	shift 2

	[ "$dir" = out ] || sender=${IPSI_PEER[$host]}
	[[ " $* " == *" spi "* ]] || id_words+=(spi "${IPSI_SPI[$sender]}")
	[[ " $* " == *" mode "* ]] || id_words+=(mode tunnel)
	ipsi_algs "$sender"
	ipsi_do "$host" ip xfrm state add src "${IPSI_OUTER[$sender]}" \
		dst "${IPSI_OUTER[${IPSI_PEER[$sender]}]}" proto esp \
		"${id_words[@]}" "$@" "${IPSI_ALGS[@]}"
}

# ipsi_device_side HOST [OPTION...]: make the device with both SAs
ipsi_device_side()
{
	ipsi_device "$@"
	ipsi_device_sa "$1" out
	ipsi_device_sa "$1" in
}

# ipsi_tunnel_policies HOST: set up the kernel's own tunnel mode between the inner
# addresses, without SAs. HOST's inner address is on lo, so senders must name it.
ipsi_tunnel_policies()
{
	local host=$1 peer=${IPSI_PEER[$1]}

	ipsi_inner "$host"
	ipsi_do "$host" ip xfrm policy add dir out \
		src "${IPSI_INNER[$host]}" dst "${IPSI_INNER[$peer]}" \
		tmpl src "${IPSI_OUTER[$host]}" dst "${IPSI_OUTER[$peer]}" \
		proto esp mode tunnel
	ipsi_do "$host" ip xfrm policy add dir in \
		src "${IPSI_INNER[$peer]}" dst "${IPSI_INNER[$host]}" \
		tmpl src "${IPSI_OUTER[$peer]}" dst "${IPSI_OUTER[$host]}" \
		proto esp mode tunnel
	# Any route will do, because the policy selects the packets.
	ipsi_do "$host" ip route add "${IPSI_INNER[$peer]}" \
		dev "$IPSI_WIRE" src "${IPSI_INNER[$host]}"
}

# ipsi_tunnel_side HOST: set up the kernel's own tunnel mode, with both SAs
ipsi_tunnel_side()
{
	ipsi_tunnel_policies "$1"
	ipsi_daemon_sa "$1" out
	ipsi_daemon_sa "$1" in
}

# ipsi_ping HOST [OPTION...]: ping from HOST's inner address to the other's
ipsi_ping()
{
	local host=$1
	shift

	ipsi_do "$host" ping -n -q -c 1 -W 10 -I "${IPSI_INNER[$host]}" "$@" \
		"${IPSI_INNER[${IPSI_PEER[$host]}]}"
}

# ipsi_no_ping HOST [OPTION...]: the same; fail if there is an answer
ipsi_no_ping()
{
	local host=$1
	shift

	echo "$host: ping, in vain"
	! ipsi_try "$host" ping -n -q -c 1 -W 1 -I "${IPSI_INNER[$host]}" \
		"$@" "${IPSI_INNER[${IPSI_PEER[$host]}]}" > /dev/null 2>&1 ||
		ipsi_fail "$host: ping was answered"
}

# ipsi_send HOST [N]: send N (default 1) UDP datagrams to the other host's inner
# address
ipsi_send()
{
	local host=$1 n=${2:-1} to=${IPSI_INNER[${IPSI_PEER[$1]}]}

	echo "$host: sends $n UDP datagrams to $to"
	# shellcheck disable=SC2016 # expanded by the inner shell
	ipsi_try "$host" bash -c \
		'for ((i = 0; i < $1; i++)); do echo x > "/dev/udp/$2/9"; done' \
		send "$n" "$to" 2> /dev/null || :
}

#
# Counters
#

# ipsi_json TEXT NAME: print the value of the first member NAME in one line of
# JSON
ipsi_json()
{
	local regex="\"$2\":(\"[^\"]*\"|[^],}]*)"

	if [[ $1 =~ $regex ]]; then
		regex=${BASH_REMATCH[1]#\"}
		echo "${regex%\"}"
	else
		echo null
	fi
}

# ipsi_xfrm_monitors HOST FILE: true if "ip xfrm monitor", which appends to
# FILE, listens. It does not report that, so this adds and deletes an unused
# policy and looks for it in FILE.
ipsi_xfrm_monitors()
{
	ip -n "${!1:?}" xfrm policy add dir out dst 203.0.113.1 priority 1 || :
	ip -n "${!1:?}" xfrm policy del dir out dst 203.0.113.1 || :
	grep -q 203.0.113.1 "$2"
}

# ipsi_counter HOST NAME [DEVICE]: print a counter of "ip -s -s link show":
# rx.packets, tx.errors, tx.carrier_errors, …
ipsi_counter()
{
	local text

	text=$(ip -n "${!1}" -j -s -s link show dev "${3:-$IPSI_DEV}")
	ipsi_json "${text#*\""${2%.*}"\":\{}" "${2#*.}"
}

# ipsi_stat HOST NAME [DEVICE]: print a value of "ipsec-ipip show": tx_no_sa,
# rx_crypto, mtu, sa_in, …
ipsi_stat()
{
	ipsi_json "$(ipsi_try "$1" ipsec-ipip -j show "${3:-$IPSI_DEV}")" "$2"
}

# ipsi_get HOST NAME [DEVICE]: the same, for values that are not counters
ipsi_get()
{
	ipsi_stat "$@"
}

# ipsi_xfrm_stat HOST...: print the nonzero XFRM counters, a line of host, name
# and number for each
ipsi_xfrm_stat()
{
	local host

	for host in "$@"; do
		ipsi_try "$host" cat /proc/net/xfrm_stat |
			sed -n "s/^\(\S*\)\s*\([1-9].*\)/$host \1 \2/p"
	done
}

# ipsi_has_sas HOST OUT IN: true if the device has these numbers of SAs
ipsi_has_sas()
{
	[ "$(ipsi_get "$1" sa_out) $(ipsi_get "$1" sa_in)" = "$2 $3" ]
}

#
# Captures
#

# ipsi_capture_start HOST FILE [DEVICE]: capture the packets on the wire (or
# DEVICE) to FILE. One capture at a time.
ipsi_capture_start()
{
	local host=$1 file=$2 dev=${3:-$IPSI_WIRE}

	ipsi_need tcpdump
	IPSI_CAPTURE_HOST=$host
	IPSI_CAPTURE_FILE=$file
	IPSI_CAPTURE_DEV=$dev
	ipsi_bg "$host" tcpdump -i "$dev" -U --immediate-mode -Z root \
		-w "$file" 2> "$IPSI_TMP/tcpdump"
	IPSI_CAPTURE_PID=$IPSI_BG_PID
	ipsi_wait "tcpdump listening" grep -q 'listening on' "$IPSI_TMP/tcpdump"
}

# ipsi_capture_has FILTER...: true if the running capture has a matching packet
ipsi_capture_has()
{
	tcpdump -r "$IPSI_CAPTURE_FILE" -c 1 "$@" 2> /dev/null | grep -q .
}

# ipsi_capture_stop: end the capture after all packets so far are in the file. A
# frame with an experimental type marks the end; packets keep their order.
ipsi_capture_stop()
{
	local send='
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
s.send(b"\xff" * 6 + b"\x02\0\0\0\0\1" + b"\x88\xb5" + b"end of capture" * 4)
'

	ipsi_try "$IPSI_CAPTURE_HOST" python3 -c "$send" "$IPSI_CAPTURE_DEV" ||
		ipsi_fail "cannot mark the end of the capture"
	ipsi_wait "end of the capture" \
		grep -aq 'end of capture' "$IPSI_CAPTURE_FILE"
	kill "$IPSI_CAPTURE_PID"
	wait "$IPSI_CAPTURE_PID"
}

# ipsi_count FILE FILTER: print the number of matching packets of a capture
ipsi_count()
{
	tcpdump -nn -r "$@" 2> /dev/null | wc -l
}

# ipsi_none FILE FILTER NAME: fail if a packet of a capture matches, and print
# those that do
ipsi_none()
{
	local packets

	packets=$(tcpdump -enn -r "$1" "$2" 2> "$IPSI_TMP/tcpdump") ||
		ipsi_fail "tcpdump: $(cat "$IPSI_TMP/tcpdump")"
	[ -z "$packets" ] || ipsi_fail "$3: $packets"
}

# ipsi_wire_is_clean FILE: fail if the capture has IP-in-IP packets, or the
# inner addresses in clear. It cannot be used with null ciphers.
ipsi_wire_is_clean()
{
	local file=$1 left='\xc0\xa8\x01\x01' right='\xc0\xa8\x02\x01'

	[ -s "$file" ] || ipsi_fail "$file is empty"
	ipsi_none "$file" 'ip proto 4 or ip proto 41 or ip6 proto 4 or
		ip6 proto 41' "IP-in-IP packets on the wire"
	! LC_ALL=C grep -aqP "$left|$right" "$file" ||
		ipsi_fail "an inner address on the wire"
}

#
# Runner
#

# Kernel messages that report a fault.
IPSI_KLOG_BAD='WARNING:|BUG:|Oops|refcount_t:|unregister_netdevice: waiting|'
IPSI_KLOG_BAD+='general protection|suspicious RCU|leaked reference'

# ipsi_klog_bad: print these messages; true if there are any
ipsi_klog_bad()
{
	dmesg | grep -E "$IPSI_KLOG_BAD"
}

# ipsi_cleanup_ns: kill all processes in the namespaces of setup_ns, and delete
# these. cleanup_all_ns starts six programs for each namespace, and does not
# kill processes that ignore SIGTERM, such as a busy charon, which would occupy
# a processor for ever.
ipsi_cleanup_ns()
{
	local ns process

	for process in /proc/[0-9]*; do
		for ns in "${NS_LIST[@]}"; do
			[ "$process/ns/net" -ef "/run/netns/$ns" ] || continue
			kill -KILL "${process#/proc/}"
		done
	done 2> /dev/null
	[ ${#NS_LIST[@]} = 0 ] ||
		printf 'netns delete %s\n' "${NS_LIST[@]}" |
		ip -force -batch - 2> /dev/null
}

ipsi_cleanup()
{
	local pid

	for pid in "${IPSI_BG_PIDS[@]}"; do
		kill "$pid"
	done 2> /dev/null
	ipsi_recorder report > /dev/null
	ipsi_cleanup_ns
	rm -rf "$IPSI_TMP"
}

ipsi_run_one()
(
	IPSI_BG_PIDS=()
	trap ipsi_cleanup EXIT
	trap 'exit 1' INT TERM
	"$1"
	ipsi_recorded_nothing
	exit "$KSFT_PASS"
)

# ipsi_check_host: skip the program if none of its tests can run
ipsi_check_host()
{
	local tool why=

	if [ "$(id -u)" != 0 ]; then
		why="root is needed"
	elif [ ! -d /sys/module/ipsec_ipip ] &&
	     ! modprobe ipsec_ipip 2> /dev/null; then
		why="the module ipsec_ipip cannot be loaded"
	fi
	for tool in ip nsenter ipsec-ipip ping; do
		command -v "$tool" > /dev/null || why="$tool is not installed"
	done
	[ -z "$why" ] && return

	ktap_print_header
	ktap_skip_all "$why"
	exit "$KSFT_SKIP"
}

# ipsi_run TEST...: run these functions, or only those that IPSI_TESTS names.
# Does not return.
ipsi_run()
{
	local test tests=("$@")

	[ -z "${IPSI_TESTS:-}" ] || read -ra tests <<< "$IPSI_TESTS"

	ipsi_check_host
	ipsi_recorder_start
	ktap_print_header
	ktap_set_plan "${#tests[@]}"

	for test in "${tests[@]}"; do
		IPSI_TMP=$(mktemp -d) ||
			ktap_exit_fail_msg "no directory for temporary files"
		ipsi_run_one "$test" 2>&1 | sed -u 's/^/# /'
		case ${PIPESTATUS[0]} in
		"$KSFT_PASS") ktap_test_pass "$test" ;;
		"$KSFT_SKIP") ktap_test_skip "$test" ;;
		*) ktap_test_fail "$test" ;;
		esac
	done

	[ "$KTAP_CNT_SKIP" != "${#tests[@]}" ] || exit "$KSFT_SKIP"
	ktap_finished
}
