#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "ipsec-ipip capture" shows each packet with the SA that it uses, as tcpdump
# does on OpenBSD's enc0: both directions, all address families, ESP and AH, and
# the right SA across rekeys under load. Other namespaces, and those that may not
# see the SAs, see nothing; without a listener nothing is copied. tshark decrypts
# with "sa show keys --format wireshark". A failure means that the capture lies,
# or that it shows packets to others.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the tests send packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

DEV=$IPSI_DEV
CAPTURES=()	# process ids
KIND=ipsec-ipip-enc
AUTH=0x7a5a5832c43395c62aa1c443cfda68f3f8fff89378fdb2df40419df01547a40a
GCM=0x811ce51cebcaed4280aae9cb2e195f930badcafe

# capture HOST FILE [ARG...]: start a capture to FILE
capture()
{
	local host=$1 file=$2
	shift 2

	ipsi_need tcpdump
	ipsi_bg "$host" ipsec-ipip capture -w "$file" "$@" 2> "$file.err"
	CAPTURES+=("$IPSI_BG_PID")
	ipsi_wait "capture listens" grep -q '# listening on' "$file.err"
}

# captured PID...: wait until these captures, which have a COUNT, are complete
captured()
{
	local pid

	for pid in "$@"; do
		ipsi_wait "all packets of a capture" test ! -d "/proc/$pid"
	done
}

# capture_stop FILE: end the last capture; print what was lost
capture_stop()
{
	kill -INT "$IPSI_BG_PID"
	wait "$IPSI_BG_PID" || ipsi_fail "capture: exit status $?"
	ipsi_is "$(sed 1d "$1.err")" "" "messages of the capture"
}

# capture_text FILE: print the packets as tcpdump shows them, without what differs
# from run to run
capture_text()
{
	tcpdump -tnn -r "$1" 2> /dev/null | sed 's/, id .*//'
}

# both_sides: make a device with both SAs on each host
both_sides()
{
	ipsi_topology
	ipsi_device_side left
	ipsi_device_side right
}

# seen_by_tcpdump OUTER INNER: ping once with these families, and check the text
# of both packets on both hosts
seen_by_tcpdump()
{
	local ip=IP in=IP echo='ICMP echo' flags='(authentic,confidential)' text
	local left right host

	[ "$1" = 4 ] || ip=IP6
	[ "$2" = 4 ] || in=IP6 echo='ICMP6, echo'
	ipsi_families "$1" "$2"
	both_sides
	for host in left right; do
		capture $host "$IPSI_TMP/$host.pcap" "$DEV" -c 2
	done
	ipsi_ping left
	captured "${CAPTURES[@]}"
	text="$flags: SPI ${IPSI_SPI[left]}: "
	text+="$ip ${IPSI_OUTER[left]} > ${IPSI_OUTER[right]}: "
	text+="$in ${IPSI_INNER[left]} > ${IPSI_INNER[right]}: $echo request"
	text+=$'\n'"$flags: SPI ${IPSI_SPI[right]}: "
	text+="$ip ${IPSI_OUTER[right]} > ${IPSI_OUTER[left]}: "
	text+="$in ${IPSI_INNER[right]} > ${IPSI_INNER[left]}: $echo reply"
	for host in left right; do
		ipsi_is "$(capture_text "$IPSI_TMP/$host.pcap")" "$text" "$host"
	done
	ipsi_is "$(stat -c %a "$IPSI_TMP/left.pcap")" 600 "mode of the file"
}

text_4_in_4() { seen_by_tcpdump 4 4; }
text_6_in_4() { seen_by_tcpdump 4 6; }
text_4_in_6() { seen_by_tcpdump 6 4; }
text_6_in_6() { seen_by_tcpdump 6 6; }

# Outer headers are those of the wire, in both modes, and the inner packet is
# whole, whatever its size. IPv6 has no ID.
packets_are_whole()
{
	local host

	ipsi_topology
	for host in left right; do
		ipsi_do $host ip link set "$IPSI_WIRE" mtu 16000
	done
	ipsi_device_side left
	ipsi_device_side right
	ipsi_daemon_sa right in spi 0x1234 mode tunnel if_id "$IPSI_IF_ID"
	ipsi_device_sa left out spi 0x1234
	for host in left right; do
		capture $host "$IPSI_TMP/$host.pcap" -c 4
	done
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 0x1234
	ipsi_ping left -s 1000 -p a5 -Q 0x28
	ipsi_do left ipsec-ipip sa activate "$DEV" spi "${IPSI_SPI[left]}"
	ipsi_ping left -s 9000 -p a5 -Q 0x28
	captured "${CAPTURES[@]}"
	for host in left right; do
		# Without DF and ID, which a receiver does not keep.
		tcpdump -tnn -v -x -r "$IPSI_TMP/$host.pcap" 2> /dev/null |
			sed -e 's/^\(.*SPI [^(]*(.*\), id [0-9]*,\(.*\), flags \[[^]]*\]/\1\2/' \
			-e '/^\t0x0000:/d' > "$IPSI_TMP/$host.text"
	done
	ipsi_is "$(grep -c 'SPI 0x00001234: IP (tos 0x28, ttl 64 offset 0,' \
		"$IPSI_TMP/right.text")" 1 "tunnel-mode SA"
	ipsi_is "$(grep -c '^	0x0[0-9a-f]*: ' "$IPSI_TMP/right.text")" \
		"$(grep -c '^	0x0[0-9a-f]*: ' "$IPSI_TMP/left.text")" "bytes"
	ipsi_is "$(grep -c '^	0x2340:' "$IPSI_TMP/right.text")" 2 "9000 bytes"
	! grep -q 'bad\|\[|' "$IPSI_TMP/right.text" ||
		ipsi_fail "$(cat "$IPSI_TMP/right.text")"
	ipsi_is "$(sed -n '/^\t/p' "$IPSI_TMP/left.text" | md5sum)" \
		"$(sed -n '/^\t/p' "$IPSI_TMP/right.text" | md5sum)" "packets"
}

# AH, null encryption and GMAC only authenticate.
flags_are_those_of_the_sa()
{
	local spi text proto=ah

	ipsi_topology
	ipsi_device right
	ipsi_do right ip xfrm state add src 10.0.0.2 dst 10.0.0.1 proto ah \
		spi 0x101 mode transport auth-trunc 'hmac(sha256)' "$AUTH" 128 \
		if_id "$IPSI_IF_ID"
	ipsi_do right ipsec-ipip sa add "$DEV" out spi 0x102 \
		auth-trunc 'hmac(sha256)' "$AUTH" 128 enc 'ecb(cipher_null)' ''
	ipsi_do right ipsec-ipip -q sa add "$DEV" out spi 0x103 \
		aead 'rfc4543(gcm(aes))' "$GCM" 128
	ipsi_do right ipsec-ipip -q sa add "$DEV" out spi 0x104 \
		aead 'rfc4106(gcm(aes))' "$GCM" 128
	capture right "$IPSI_TMP/pcap" -c 4
	for spi in 0x101 0x102 0x103 0x104; do
		ipsi_do right ipsec-ipip sa activate "$DEV" spi $spi \
			proto $proto
		proto=esp
		ipsi_send right
	done
	captured "$IPSI_BG_PID"
	text=$(capture_text "$IPSI_TMP/pcap" | sed 's/: IP .*//')
	ipsi_is "$text" "(authentic): SPI 0x00000101
(authentic): SPI 0x00000102
(authentic): SPI 0x00000103
(authentic,confidential): SPI 0x00000104" "flags"
}

# per_spi FILE PATTERN: print how many packets each SPI of a sender has
per_spi()
{
	tcpdump -tnn -r "$1" 2> /dev/null |
		sed -n "s/$2/\1 \2/p" | LC_ALL=C sort | uniq -c
}

# Each packet has in the capture the SPI that it has on the wire, while the SAs
# change 50 times each way. All packets are sent on one processor, so that none
# overtakes another.
rekeys_under_load()
{
	local host peer n wire enc
	local -A spi=([left]=0x10000 [right]=0x20000)

	ipsi_need python3 ethtool tcpdump taskset
	# A full queue of the receiver would drop packets.
	sysctl -qw net.core.netdev_max_backlog=100000
	modprobe -a esp4 gcm ctr seqiv aesni_intel drbg 2> /dev/null || :
	ipsi_topology
	for host in left right; do
		peer=${IPSI_PEER[$host]}
		ipsi_device "$host"
		# A super-packet is one packet in the capture.
		ipsi_do "$host" ethtool -K "$DEV" tx-udp-segmentation off
		ipsi_do "$host" ipsec-ipip -q sa add "$DEV" in replay-window 64 \
			spi "${spi[$peer]}" aead 'rfc4106(gcm(aes))' "$GCM" 128
		ipsi_do "$host" ipsec-ipip -q sa add "$DEV" out \
			spi "${spi[$host]}" aead 'rfc4106(gcm(aes))' "$GCM" 128
	done
	ipsi_ping left
	IPSI_CAPTURE_HOST=right IPSI_CAPTURE_FILE=$IPSI_TMP/wire
	IPSI_CAPTURE_DEV=$IPSI_WIRE
	ipsi_bg right tcpdump -i "$IPSI_WIRE" -B 65536 -s 128 -U --immediate-mode \
		-Z root -w "$IPSI_TMP/wire" 'ip proto 50 or ether proto 0x88b5' \
		2> "$IPSI_TMP/tcpdump"
	IPSI_CAPTURE_PID=$IPSI_BG_PID
	ipsi_wait "tcpdump listening" grep -q 'listening on' "$IPSI_TMP/tcpdump"
	capture right "$IPSI_TMP/enc"
	left=${left:?} right=${right:?} \
		taskset -c 0 python3 "$IPSI_LIB/rekey.py" rekey 50 ||
		ipsi_fail "the load"
	capture_stop "$IPSI_TMP/enc"
	ipsi_capture_stop
	ipsi_has "$(cat "$IPSI_TMP/tcpdump")" "0 packets dropped by kernel" \
		"capture of the wire"

	wire=$(per_spi "$IPSI_TMP/wire" \
		'^IP \([0-9.]*\) > [0-9.]*: ESP(spi=\(0x[0-9a-f]*\),.*')
	enc=$(per_spi "$IPSI_TMP/enc" \
		'^(auth[^:]*: SPI \(0x[0-9a-f]*\): IP \([0-9.]*\) .*' |
		sed 's/\(0x[0-9a-f]*\) \(.*\)/\2 \1/')
	n=$(awk '{ n += $1 } END { print n }' <<< "$wire")
	ipsi_is "$(awk '{ $1 = $1 } 1' <<< "$enc" | LC_ALL=C sort)" \
		"$(awk '{ $1 = $1 } 1' <<< "$wire" | LC_ALL=C sort)" \
		"packets of each SPI"
	echo "$n packets on the wire, of $(wc -l <<< "$wire") SAs: same in the capture"
	((n >= 2000)) || ipsi_fail "only $n packets"
}

# copies HOST NAME: print the number of packets that a capture device has passed
copies()
{
	ipsi_counter "$1" rx.packets "$2"
}

nobody_listens_nothing_is_copied()
{
	local host

	both_sides
	ipsi_do right ip link add enc0 up type $KIND
	ipsi_ping left
	ipsi_is "$(copies right enc0)" 0 "packets without a listener"
	ipsi_is "$(ip -n "${right:?}" -6 address show dev enc0)" "" "addresses"
	# tcpdump knows no such link type and shows packets without it.
	ipsi_bg right tcpdump -lnn -i enc0 -c 2 > "$IPSI_TMP/text" \
		2> "$IPSI_TMP/err"
	ipsi_wait "tcpdump listening" grep -q 'listening on' "$IPSI_TMP/err"
	ipsi_ping left
	captured "$IPSI_BG_PID"
	ipsi_has "$(cat "$IPSI_TMP/text")" \
		"IP 10.0.0.1 > 10.0.0.2: IP 192.168.1.1 > 192.168.2.1: ICMP echo" \
		"text of tcpdump"
	ipsi_is "$(copies right enc0)" 2 "packets with a listener"
	# Once more, after the device was down.
	ipsi_do right ip link set enc0 down
	ipsi_ping left
	ipsi_do right ip link set enc0 up
	ipsi_ping left
	ipsi_is "$(copies right enc0)" 2 "packets after the listener is gone"
	# The IP stack cannot send by it.
	ipsi_do right ip route add 203.0.113.1 dev enc0
	ipsi_try right ping -c 1 -W 1 203.0.113.1 > /dev/null &&
		ipsi_fail "the capture device sends"
	for host in left right; do
		ipsi_is "$(ipsi_stat $host tx_error)" 0 "errors of $host"
	done
}

# A capture shows the devices of its own namespace, wherever their underlay is.
other_namespaces_see_nothing()
{
	both_sides
	setup_ns inside || ipsi_skip "cannot make network namespaces"
	ipsi_shell inside
	# shellcheck disable=SC2154 # set by setup_ns
	ipsi_do right ip link set "$DEV" netns "$inside"
	ipsi_like inside right
	ipsi_up inside
	capture right "$IPSI_TMP/right.pcap"
	capture inside "$IPSI_TMP/inside.pcap" "$DEV" -c 2
	ipsi_ping left
	# The packets have passed, so a capture that could see them has them.
	IPSI_BG_PID=${CAPTURES[0]}
	capture_stop "$IPSI_TMP/right.pcap"
	ipsi_is "$(capture_text "$IPSI_TMP/right.pcap" | wc -l)" 0 \
		"packets in the namespace of the underlay"
	captured "${CAPTURES[1]}"
	ipsi_is "$(capture_text "$IPSI_TMP/inside.pcap" | wc -l)" 2 \
		"packets in the namespace of the device"
}

# The root of a user namespace captures its own devices. SAs and underlay of a
# device that another owner gave it remain hidden.
user_namespaces()
{
	local pid

	both_sides
	ipsi_jail right jail
	# shellcheck disable=SC2154 # set by ipsi_jail
	ipsi_do right ip link set "$DEV" netns "${jail#pid:}"
	ipsi_like jail right
	ipsi_up jail
	ipsi_do jail ip link add enc0 up type $KIND
	nsenter -t "${jail#pid:}" -U -n --preserve-credentials \
		ipsec-ipip capture -w "$IPSI_TMP/pcap" 2> "$IPSI_TMP/err" &
	pid=$!
	ipsi_wait "capture listens" grep -q '# listening on' "$IPSI_TMP/err"
	ipsi_ping left
	kill -INT "$pid"
	wait "$pid" || ipsi_fail "capture: exit status $?"
	ipsi_is "$(capture_text "$IPSI_TMP/pcap" | wc -l)" 0 \
		"packets of a device with a foreign underlay"
	ipsi_must_fail "CAP_NET_ADMIN and CAP_NET_RAW are required" right \
		setpriv --bounding-set -all --inh-caps -all --reuid 65534 \
		ipsec-ipip capture -w "$IPSI_TMP/other"
}

# A capture of one device shows that one. Another one that gets its index, or
# its place in another namespace, has other packets.
link_is_no_index()
{
	local index what

	both_sides
	setup_ns inside || ipsi_skip "cannot make network namespaces"
	index=$(ip -n "${right:?}" -o link show dev "$DEV" | cut -d : -f 1)
	for what in deleted moved; do
		ipsi_do right ip link add enc0 up link "$DEV" type $KIND
		ipsi_bg right tcpdump -lnn -i enc0 > "$IPSI_TMP/$what" \
			2> "$IPSI_TMP/err"
		ipsi_wait "tcpdump listening" grep -q 'listening on' \
			"$IPSI_TMP/err"
		ipsi_ping left
		ipsi_is "$(copies right enc0)" 2 "packets of the device"
		if [ $what = deleted ]; then
			ipsi_do right ip link del "$DEV"
		else
			ipsi_do right ip link set "$DEV" netns "$inside"
			ip -n "$inside" link del "$DEV"
		fi
		ipsi_has "$(ip -n "$right" -o link show dev enc0)" \
			"enc0@NONE" "the link that is left"
		ipsi_do right ip link add "$DEV" index "$index" \
			type ipsec-ipip local 10.0.0.2 remote 10.0.0.1 if_id 7
		ipsi_up right
		ipsi_device_sa right out
		ipsi_device_sa right in
		ipsi_ping left
		ipsi_is "$(copies right enc0)" 2 "packets of another device"
		kill "$IPSI_BG_PID"
		ipsi_do right ip link del enc0
	done
	# one that is moved itself
	ipsi_do right ip link add enc0 up link "$DEV" type $KIND
	ipsi_do right ip link set enc0 netns "$inside"
	ipsi_has "$(ip -n "$inside" -o link show dev enc0)" "enc0@NONE" \
		"the link that was moved"
	# the capture goes first
	ipsi_do right ip link add enc1 up link "$DEV" type $KIND
	ipsi_do right ip link del enc1
	ipsi_do right ip link del "$DEV"
	ip -n "$inside" link del enc0
}

# devices HOST: print the number of capture devices
devices()
{
	ip -n "${!1}" -o link show type $KIND | wc -l
}

# At the end of a capture its device is gone; after SIGKILL it is idle.
ends()
{
	local signal i

	both_sides
	for signal in INT TERM HUP; do
		capture right "$IPSI_TMP/pcap"
		ipsi_is "$(devices right)" 1 "devices"
		kill -$signal "$IPSI_BG_PID"
		wait "$IPSI_BG_PID" || ipsi_fail "SIG$signal: exit status $?"
		ipsi_is "$(devices right)" 0 "devices after SIG$signal"
	done
	ipsi_bg right ipsec-ipip capture > "$IPSI_TMP/text" 2> "$IPSI_TMP/err"
	ipsi_wait "capture listens" grep -q '# listening on' "$IPSI_TMP/err"
	ipsi_ping left
	ipsi_wait "text" grep -q 'SPI 0xfeedbeef: .* echo reply' "$IPSI_TMP/text"
	kill -KILL "$IPSI_BG_PID"
	ipsi_wait "end" test ! -d "/proc/$IPSI_BG_PID"
	ipsi_is "$(devices right)" 1 "devices after SIGKILL"
	ipsi_ping left
	ipsi_is "$(copies right ipsec-enc0)" 2 "packets after SIGKILL"

	# The next capture takes another name, and ends when its device is deleted.
	capture right "$IPSI_TMP/pcap" "$DEV"
	ipsi_has "$(ip -n "${right:?}" -o link show type $KIND)" \
		"ipsec-enc1@$DEV" "devices"
	ipsi_do right ip link del ipsec-enc1
	! wait "$IPSI_BG_PID" || ipsi_fail "the capture ended without an error"
	ipsi_has "$(cat "$IPSI_TMP/pcap.err")" "ipsec-enc1 was deleted" "message"
	ipsi_do right ip link del ipsec-enc0

	# At most 16 are up in a namespace, and 16 in another.
	for i in {1..16}; do
		ipsi_try right ip link add "x$i" up type $KIND ||
			ipsi_fail "device $i"
	done
	ipsi_must_fail "too many captures in this namespace" right \
		ipsec-ipip capture -w "$IPSI_TMP/other"
	ipsi_do left ip link add enc0 up type $KIND
	ipsi_do right ip link set x1 down
	ipsi_do right ip link add x17 up type $KIND
}

errors()
{
	ipsi_topology
	ipsi_device right
	ipsi_must_fail '"eth0" is not an ipsec-ipip device' right \
		ipsec-ipip capture eth0
	ipsi_must_fail 'there is no device "ipsec9"' right \
		ipsec-ipip capture ipsec9
	ipsi_must_fail "-c: a number of packets expected, not 0" right \
		ipsec-ipip capture -c 0
	ipsi_must_fail "only capture takes the option -w" right \
		ipsec-ipip show -w x
	ipsi_must_fail "tcpdump is not installed" right \
		env PATH=/nonexistent "$(command -v ipsec-ipip)" capture
	ipsi_must_fail "No such file or directory" right \
		ipsec-ipip capture -w /nonexistent/x
	ipsi_must_fail "link: an ipsec-ipip device of the same namespace" right \
		ip link add enc0 link eth0 type $KIND
	ipsi_must_fail "link: an ipsec-ipip device of the same namespace" right \
		ip link add enc0 netns "${left:?}" link "$DEV" type $KIND
	ipsi_must_fail "address: a capture device has none" right \
		ip link add enc0 address 02:00:00:00:00:01 type $KIND
	ipsi_is "$(devices right)" 0 "devices after errors"
}

# tshark decrypts all ciphers that the tests send, with the lines that the command
# prints.
tshark_decrypts()
{
	local number=0x100 output expected='' alg
	local -a words algs=(
		"auth-trunc hmac(sha1) $AUTH 96 enc cbc(aes) ${GCM:0:34}"
		"auth-trunc hmac(sha256) $AUTH 128 enc cbc(aes) $AUTH"
		"auth-trunc hmac(sha384) $AUTH 192 enc cbc(aes) ${GCM:0:34}"
		"auth-trunc hmac(sha512) $AUTH 256 enc cbc(aes) ${GCM:0:34}"
		"auth-trunc hmac(sha256) $AUTH 128 enc ecb(cipher_null) ''"
		"aead rfc4106(gcm(aes)) $GCM 64"
		"aead rfc4106(gcm(aes)) $GCM 96"
		"aead rfc4106(gcm(aes)) $GCM 128"
	)

	ipsi_need tshark
	ipsi_topology
	ipsi_device right
	ipsi_capture_start right "$IPSI_TMP/wire"
	for alg in "${algs[@]}"; do
		((++number))
		read -ra words <<< "${alg//\'\'/EMPTY}"
		ipsi_do right ipsec-ipip -q sa add "$DEV" out spi $number \
			"${words[@]/EMPTY/}"
		ipsi_do right ipsec-ipip sa activate "$DEV" spi $number
		ipsi_send right
		expected+=$(printf '0x%08x 1 192.168.1.1' $number)$'\n'
	done
	ipsi_capture_stop
	mkdir "$IPSI_TMP/config"
	ipsi_must_fail 'the word "keys" expected' right \
		ipsec-ipip sa show "$DEV" --format wireshark
	ipsi_try right ipsec-ipip sa show "$DEV" keys --format wireshark \
		> "$IPSI_TMP/config/esp_sa" || ipsi_fail "sa show"
	ipsi_is "$(wc -l < "$IPSI_TMP/config/esp_sa")" ${#algs[@]} "lines"
	output=$(WIRESHARK_CONFIG_DIR=$IPSI_TMP/config tshark -n \
		-r "$IPSI_TMP/wire" -Y esp -o esp.enable_encryption_decode:TRUE \
		-o esp.enable_authentication_check:TRUE -T fields \
		-E separator=' ' -E occurrence=l -e esp.spi -e esp.icv_good \
		-e ip.dst 2> "$IPSI_TMP/err") || ipsi_fail "$(cat "$IPSI_TMP/err")"
	ipsi_is "$output" "${expected%$'\n'}" "packets that tshark decrypts"
}

# The module, and a namespace, go away while captures run.
module_and_namespace_go()
{
	both_sides
	setup_ns third || ipsi_skip "cannot make network namespaces"
	# shellcheck disable=SC2154 # set by setup_ns
	ip -n "$third" link add enc0 up type $KIND || ipsi_fail "no device"
	ip netns del "$third"
	capture right "$IPSI_TMP/pcap"
	ipsi_ping left
	rmmod ipsec_ipip || ipsi_skip "the module is in use"
	! wait "$IPSI_BG_PID" || ipsi_fail "the capture ended without an error"
	ipsi_is "$(capture_text "$IPSI_TMP/pcap" | wc -l)" 2 "packets"
	modprobe ipsec_ipip || ipsi_fail "the module cannot be loaded again"
	! ipsi_klog_bad || ipsi_fail "kernel messages"
}

ipsi_run text_4_in_4 text_6_in_4 text_4_in_6 text_6_in_6 packets_are_whole \
	flags_are_those_of_the_sa rekeys_under_load \
	nobody_listens_nothing_is_copied other_namespaces_see_nothing \
	link_is_no_index user_namespaces ends errors tshark_decrypts \
	module_and_namespace_go
