#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Promises about an attacker who looks from outside: keys are only where they are used,
# are gone from memory when the device is, and no answer to a forged packet tells
# whether there is an SA. Also the recorder that all programs use: it must see a
# leak. A failure means that keys or inner packets can be read by others.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

DEV=$IPSI_DEV

# trust_python MODE [WORD...]: run trust.py
trust_python()
{
	ipsi_need python3
	left=${left:-} right=${right:-} python3 "$IPSI_LIB/trust.py" "$@"
}

# trust_keys NAME: make key files, whose keys only the tool has seen in binary
trust_keys()
{
	(
		umask 077
		ipsec-ipip genkey > "$IPSI_TMP/$1.enc"
		ipsec-ipip genkey -a 'hmac(sha256)' > "$IPSI_TMP/$1.auth"
	) || ipsi_fail "no keys"
}

# trust_sa HOST DEVICE {in|out} SPI NAME: add an SA with these keys
trust_sa()
{
	ipsi_do "$1" ipsec-ipip sa add "$2" "$3" spi "$4" \
		enc 'cbc(aes)' "file:$IPSI_TMP/$5.enc" \
		auth-trunc 'hmac(sha256)' "file:$IPSI_TMP/$5.auth" 128
}

# trust_key NAME KIND: print a key in hex
trust_key()
{
	cat "$IPSI_TMP/$1.$2"
}

# The recorder finds IP-in-IP, other packets, and ICMP that quotes them; what a
# test intends is no fault.
recorder_sees_a_leak()
{
	local found send='
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 4)
s.sendto(b"\x45\0\0\x14" + b"\0" * 16, ("10.0.0.2", 0))
'

	ipsi_need python3
	ipsi_topology
	ipsi_try left python3 -c "$send" || ipsi_fail "nothing was sent"
	ipsi_try left bash -c 'echo > /dev/udp/10.0.0.2/9'
	ipsi_try left ping -n -q -c 1 10.0.0.2 || ipsi_fail "no ping"
	found=$(ipsi_recorder report)
	echo "$found"
	ipsi_has "$found" "left eth0: proto 4 10.0.0.1 > 10.0.0.2" "IP-in-IP"
	ipsi_has "$found" "left eth0: udp 9 10.0.0.1 > 10.0.0.2" "UDP"
	ipsi_has "$found" "right eth0: ICMP quotes udp 9" "quoted UDP"
	ipsi_is "$(grep -cv -e 'proto 4' -e 'udp 9' <<< "$found")" 0 "others"
	ipsi_record left eth0
	ipsi_record right eth0
	ipsi_record_also proto 4 to 10.0.0.2
	ipsi_record_also udp 9 to 10.0.0.2
	ipsi_try left python3 -c "$send" || ipsi_fail "nothing was sent"
	ipsi_try left bash -c 'echo > /dev/udp/10.0.0.2/9'
	ipsi_try left ping -n -q -c 1 10.0.0.2 || ipsi_fail "no ping"
}

# Neither the kernel's log nor an event shows a key, and only root gets one.
keys_are_shown_to_root_alone()
{
	local key kind shown listener log=$IPSI_TMP/listen

	ipsi_need setpriv python3
	ipsi_topology
	ipsi_device left
	trust_keys a
	ipsi_bg left python3 "$IPSI_LIB/trust.py" listen \
		"$(trust_key a enc)" "$(trust_key a auth)" > "$log" 2>&1
	listener=$IPSI_BG_PID
	ipsi_wait "listener" grep -q listening "$log"
	trust_sa left "$DEV" out 0x1000 a
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 0x1000
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1000
	trust_sa left "$DEV" out 0x1000 a
	kill -USR1 "$listener"
	ipsi_wait "events" grep -q events "$log"
	shown=$(tail -n 1 "$log")
	ipsi_has "$shown" "keys 0" "keys in events"
	ipsi_has_not "$shown" "events 0" "events"
	shown=$(ipsi_try left ipsec-ipip sa show keys)
	for kind in enc auth; do
		ipsi_has "$shown" "$(trust_key a $kind)" "what root sees"
	done
	shown=$(dmesg
		ipsi_try left setpriv --reuid 65534 --regid 65534 --clear-groups \
			ipsec-ipip sa show keys 2>&1
		ipsi_try left setpriv --reuid 65534 --regid 65534 --clear-groups \
			ip xfrm state 2>&1
		# Root of a user namespace that does not own this network
		ipsi_try left unshare -U -r ipsec-ipip sa show keys 2>&1
		ipsi_try left unshare -U -r ip xfrm state 2>&1
		ipsi_try left ipsec-ipip sa show
		ipsi_try left ipsec-ipip -j sa show
		ipsi_try left ipsec-ipip check)
	for kind in enc auth; do
		key=$(trust_key a $kind)
		key=${key#0x}
		ipsi_has_not "$shown" "$key" "what others see"
		ipsi_has_not "$shown" "${key:0:16}" "what others see"
	done
}

# trust_has_open PID FILE: true if the command has the file open
trust_has_open()
{
	[ "$(cat "/proc/$1/comm")" = ipsec-ipip ] &&
		find "/proc/$1/fd" -lname "$2" | grep -v "/$go$" | grep -q .
}

# A command that is killed while it holds a key leaves no core file.
no_key_in_a_core_file()
{
	local pattern core=$IPSI_TMP/core fifo=$IPSI_TMP/fifo pid

	ipsi_topology
	ipsi_device left
	trust_keys a
	mkfifo "$fifo"
	exec {go}<> "$fifo"
	pattern=$(cat /proc/sys/kernel/core_pattern)
	# shellcheck disable=SC2064 # expand the pattern now
	trap "echo '$pattern' > /proc/sys/kernel/core_pattern; ipsi_cleanup" EXIT
	echo "$core.%e" > /proc/sys/kernel/core_pattern
	# Core files work here at all. Bash ignores SIGQUIT, for its children too.
	# shellcheck disable=SC2016 # expanded by the inner shell
	bash -c 'ulimit -c unlimited; kill -ABRT $$' 2> /dev/null
	ls "$core".bash* > /dev/null || ipsi_skip "no core files"
	# It has read the first key, and waits for the second.
	(
		ulimit -c unlimited
		exec nsenter --net="/run/netns/${left:?}" ipsec-ipip sa add "$DEV" \
			out spi 0x1000 enc 'cbc(aes)' "file:$IPSI_TMP/a.enc" \
			auth 'hmac(sha256)' "file:$fifo" 2> /dev/null
	) &
	pid=$!
	ipsi_wait "the command" trust_has_open "$pid" "$fifo"
	kill -ABRT "$pid"
	wait "$pid" 2> /dev/null
	! ls "$core".ipsec* 2> /dev/null ||
		ipsi_fail "a core file with a key"
}

# The keys of a deleted device are nowhere in memory, not in freed pages either;
# those of one that remains are found. xfrm_user copies keys for its events, and does
# not wipe the copies, so it must not be there.
keys_are_wiped()
{
	local copies

	[ -r /proc/kcore ] || ipsi_skip "no /proc/kcore"
	ipsi_topology
	modprobe -q -r --remove-holders xfrm_user
	[ ! -e /sys/module/xfrm_user ] ||
		ipsi_skip "xfrm_user cannot be unloaded, and copies keys"
	ipsi_device left
	ipsi_do left ip link add ipsec1 up type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.3 if_id 8
	trust_keys stays
	trust_keys goes
	trust_sa left "$DEV" out 0x1000 stays
	trust_sa left "$DEV" in 0x1001 stays
	trust_sa left ipsec1 out 0x2000 goes
	trust_sa left ipsec1 in 0x2001 goes
	ipsi_send left 3
	ipsi_do left ip address add 192.168.7.1/24 dev ipsec1
	ipsi_try left ping -n -q -c 1 -W 1 192.168.7.2 > /dev/null
	ipsi_do left ip link del ipsec1
	ipsi_wait "the end of the states" trust_states_end
	copies=$(trust_python scan "$(trust_key stays enc)" \
		"$(trust_key stays auth)" "$(trust_key goes enc)" \
		"$(trust_key goes auth)") || ipsi_fail "no scan"
	echo "MiB, copies of the keys that stay and of those that go: $copies"
	read -ra copies <<< "$copies"
	((copies[1] && copies[2])) || ipsi_fail "the scan does not find keys"
	ipsi_is "${copies[*]:3}" "0 0" "copies of deleted keys"
}

# Only those of the other device are left. A list would copy keys.
trust_states_end()
{
	[ "$(ip -n "$left" xfrm state count)" = "	 SAD count 2" ]
}

# Answers do not tell which SPIs there are: a packet that is not authentic gets
# none.
answers_to_probes()
{
	ipsi_topology
	# Forged packets without protection, and the answers to them
	ipsi_record_also proto 4 to 10.0.0.2
	ipsi_device_side right
	ipsi_do right ipsec-ipip sa del "$DEV" in spi "${IPSI_SPI[left]}"
	ipsi_device_sa right in replay-window 32
	# Without ah4 the host has no AH, and says so.
	ipsi_do right ipsec-ipip sa add "$DEV" in spi 0x3333 proto ah \
		auth-trunc 'hmac(sha256)' "${IPSI_AUTH_KEY[left]}" 128
	ipsi_try right sysctl -qw net.ipv4.icmp_ratelimit=0 \
		net.ipv4.icmp_msgs_per_sec=100000
	trust_python probe "${IPSI_SPI[left]}" "${IPSI_ENC_KEY[left]}" \
		"${IPSI_AUTH_KEY[left]}" || ipsi_fail "an answer tells something"
}

ipsi_run recorder_sees_a_leak keys_are_shown_to_root_alone \
	no_key_in_a_core_file keys_are_wiped answers_to_probes
