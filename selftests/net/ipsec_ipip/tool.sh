#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The messages of ipsec-ipip(8) for mistakes that only the kernel finds. Each has
# the name, the value, and the next step. A failure means that an operator has to
# guess.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV
AES=(enc 'cbc(aes)' 0x000102030405060708090a0b0c0d0e0f)
SHA=(auth 'hmac(sha256)' 0x00)

# says MESSAGE WORD...: "ipsec-ipip WORD..." fails with exactly this line
says()
{
	local message="ipsec-ipip: $1" output
	shift

	output=$(ipsi_try left ipsec-ipip "$@" 2>&1) &&
		ipsi_fail "accepted: $*"
	echo "left: ipsec-ipip $*: $output"
	ipsi_is "$output" "$message" "message"
}

devices()
{
	ipsi_topology
	says "show: device \"ipsec1\": no such device; there is none, make it: ip link add ipsec1 type ipsec-ipip local ADDRESS remote ADDRESS" \
		show ipsec1
	ipsi_device left
	says "show: device \"ipsec1\": no such device; there are: $DEV" \
		show ipsec1
	says "sa add: device \"ipsec1\": no such device; there are: $DEV" \
		sa add ipsec1 in spi 0x100 "${AES[@]}" "${SHA[@]}"
	says "show: device \"lo\": expected one of type ipsec-ipip; there are: $DEV" \
		show lo
	says "sa flush: device \"ipsec1\": no such device; there are: $DEV" \
		sa flush ipsec1
}

keys()
{
	local name
	local sa=(sa add "$DEV" out spi 0x100)

	name=$(printf '%070d' 0 | tr 0 x)
	ipsi_topology
	ipsi_device left
	says "sa add: enc-key of 4 bytes: expected a key of a length that the cipher takes; cbc(aes) takes 16, 24 or 32 bytes" \
		"${sa[@]}" enc 'cbc(aes)' 0x00010203 "${SHA[@]}"
	says "sa add: aead-key of 16 bytes: expected a length that the cipher takes (an AEAD's with its salt); rfc4106(gcm(aes)) takes 20, 28 or 36 bytes, the last 4 of which are the salt" \
		"${sa[@]}" aead 'rfc4106(gcm(aes))' "${AES[2]}" 128
	says "sa add: auth: required; an SA without integrity is not accepted; add: auth NAME KEY" \
		"${sa[@]}" "${AES[@]}"
	says "sa add: enc \"aes-128-cbc\": expected a cipher of this kernel, such as cbc(aes)" \
		"${sa[@]}" enc aes-128-cbc 0x00 "${SHA[@]}"
	says "sa add: enc \"${name:0:64}\": expected at most 63 characters" \
		"${sa[@]}" enc "$name" 0x00 "${SHA[@]}"
	says "sa add: icv-bits 12: expected a multiple of 8 from 64 to the length of the hash; it is in bits: 12 bytes are 96 bits" \
		"${sa[@]}" "${AES[@]}" auth-trunc 'hmac(sha256)' 0x00 12
	says "sa add: enc: expected a cipher, or aead-name, for ESP; add: enc NAME KEY" \
		"${sa[@]}" "${SHA[@]}"
	says "sa add: proto: expected auth-name alone with AH; leave enc out, or take proto esp" \
		"${sa[@]}" proto ah "${AES[@]}" "${SHA[@]}"
	says "sa add: limit: expected at most 2147483647 seconds; time-soft is 7, time-hard is 2147483648" \
		"${sa[@]}" "${AES[@]}" "${SHA[@]}" limit time-soft 7 \
		limit time-hard 2147483648
	says "sa add: encap: expected sport and dport, 1 to 65535; they are 0 and 4500" \
		"${sa[@]}" "${AES[@]}" "${SHA[@]}" encap espinudp 0 4500
	says "sa add: offload \"$IPSI_WIRE\": expected a device that offloads this SA" \
		"${sa[@]}" "${AES[@]}" "${SHA[@]}" offload crypto dev "$IPSI_WIRE"
	# A key in the place of a name is in no message.
	says "sa add: enc \"0x...\": expected a cipher of this kernel, such as cbc(aes)" \
		"${sa[@]}" enc "${AES[2]}" "${AES[2]}" "${SHA[@]}"
}

spis()
{
	local sa=("${AES[@]}" "${SHA[@]}") state

	ipsi_topology
	ipsi_device left
	ipsi_do left ipsec-ipip sa add "$DEV" out spi 0x100 "${sa[@]}"
	says "sa add: spi 0x000000ff: expected 0x100 to 0xffffffff" \
		sa add "$DEV" in spi 255 "${sa[@]}"
	says "sa add: spi 0x00000100: in use by another SA to the same address; replace it: ipsec-ipip sa del $DEV out spi 0x00000100" \
		sa add "$DEV" out spi 0x100 "${sa[@]}"
	ipsi_do left ip xfrm state add src "${IPSI_OUTER[left]}" \
		dst "${IPSI_OUTER[right]}" proto esp spi 0x101 mode transport \
		"${AES[@]}" "${SHA[@]}"
	state="sa add: spi 0x00000101: in use by another SA to the same address; it is a state of no device, look before you delete it: "
	says "${state}ip xfrm state list nokeys spi 0x00000101" \
		sa add "$DEV" out spi 0x101 "${sa[@]}"
	ipsi_has "$(ipsi_do left ip xfrm state list nokeys spi 0x00000101)" \
		"dst ${IPSI_OUTER[right]}" "state that was in the way"
	ipsi_do left ip xfrm state deleteall spi 0x00000101
	ipsi_do left ipsec-ipip sa add "$DEV" out spi 0x101 "${sa[@]}"
	says "sa del: spi 0x00000102: the device has no such SA; it has: ipsec-ipip sa show $DEV" \
		sa del "$DEV" in spi 0x102

	ipsi_do left ipsec-ipip sa add "$DEV" in spi 0x103 "${sa[@]}"
	ipsi_do left ipsec-ipip sa flush "$DEV" out
	ipsi_is "$(ipsi_try left ipsec-ipip -j sa show "$DEV" |
		grep -o '"spi":[0-9]*')" '"spi":259' "SAs that are left"
	ipsi_do left ipsec-ipip sa fl "$DEV"
	ipsi_is "$(ipsi_try left ipsec-ipip sa ls)" "" "SAs that are left"
}

# shows LINE...: "ipsec-ipip show" has these lines
shows()
{
	local output line

	output=$(ipsi_try left ipsec-ipip show "$DEV")
	echo "$output"
	ipsi_has_not "$output" $'\033' "no colour in a pipe"
	for line in "$@"; do
		grep -qxF "  $line" <<< "$output" || ipsi_fail "no \"$line\""
	done
}

# shows_sa DIRECTION BYTES: "ipsec-ipip show" has a line for this SA
shows_sa()
{
	local line

	line=$(ipsi_try left ipsec-ipip show "$DEV" | grep "^    $1 esp 0x")
	[[ $line =~ ^\ +$1\ esp\ 0x[0-9a-f]{8}:\ [0-9].*\ old,\ .*$2$ ]] ||
		ipsi_fail "no line for the SA $1: \"$line\""
}

# brief LINE...: "ipsec-ipip show --brief" prints exactly these lines
brief()
{
	local output

	output=$(ipsi_try left ipsec-ipip show --brief | tr -s ' ')
	echo "$output"
	ipsi_is "$output" "$(printf '%s\n' "$@")" "lines"
}

# on_terminal [NAME=VALUE]: what "ipsec-ipip show" writes to a terminal
on_terminal()
{
	ipsi_try left env -u NO_COLOR TERM=xterm "$@" \
		script -qec "ipsec-ipip show $DEV" /dev/null
}

state_of_devices()
{
	local ends="${IPSI_OUTER[left]} -> ${IPSI_OUTER[right]}"
	local other="other DOWN 10.0.0.1 -> 10.0.0.3 rx 0 B tx 0 B"

	ipsi_topology
	ipsi_try left sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device left
	# colour on a terminal only
	ipsi_has "$(on_terminal)" $'\033[31moff' "colour"
	ipsi_has_not "$(on_terminal NO_COLOR=1)" $'\033' "colour"
	ipsi_has_not "$(on_terminal TERM=dumb)" $'\033' "colour"
	shows 'carrier: off, no SAs' 'transfer: 0 B received, 0 B sent'
	ipsi_device_sa left in
	shows 'carrier: off, no valid outbound SA'
	ipsi_has "$(ipsi_try left ipsec-ipip -j show "$DEV")" \
		'"reason":"no valid outbound SA"' "reason in JSON"
	ipsi_device_sa left out
	shows 'carrier: on'
	ipsi_has_not "$(ipsi_try left ipsec-ipip -j show "$DEV")" reason \
		"reason in JSON"
	ipsi_do left ipsec-ipip sa flush "$DEV" in
	shows 'carrier: off, no valid inbound SA'
	ipsi_device_sa left in
	ipsi_send left 2
	shows 'transfer: 0 B received, 60 B sent'
	ipsi_do left ip link add other type ipsec-ipip if_id 99 keying adopt \
		local "${IPSI_OUTER[left]}" remote 10.0.0.3
	brief "$DEV UP $ends rx 0 B tx 60 B" "$other (the device is down)"
	shows_sa in "0 B"
	shows_sa out "60 B"
	ipsi_do left ip link set other up
	brief "$DEV UP $ends rx 0 B tx 60 B" \
		"$other (the key manager has set no SAs)"
	ipsi_do left ip link set "$DEV" down
	shows 'carrier: off, the device is down'
	ipsi_has "$(ipsi_try left ipsec-ipip -j show "$DEV")" \
		'"reason":"the device is down"' "reason in JSON"
}

aged()
{
	[ "$(ipsi_get left rx_age)" -ge 2 ]
}

shows_daemon()
{
	ipsi_try left ipsec-ipip show "$DEV" |
		grep -qx "  key manager: ip (pid $IPSI_BG_PID)"
}

# shows_hidden TEXT COMMAND...: the daemon cannot be seen by COMMAND
shows_hidden()
{
	local text=$1
	shift

	ipsi_has "$(ipsi_try left "$@" ipsec-ipip show "$DEV")" \
		"key manager: $text" "hidden daemon"
	ipsi_has "$(ipsi_try left "$@" ipsec-ipip -j show "$DEV")" \
		'"key_managers":null' "hidden daemon in JSON"
}

# The time since the last packet, the life of an SA, and the daemon.
ages()
{
	local show age

	ipsi_topology
	ipsi_device_side left
	# The other host may send packets of its own once it has a device.
	ipsi_is "$(ipsi_get left rx_age)" null "age before the first packet"
	ipsi_device_side right
	ipsi_ping left
	age=$(ipsi_get left rx_age)
	[[ $age =~ ^[0-9]+$ ]] || ipsi_fail "the last packet came $age s ago"
	ipsi_wait "age" aged
	show=$(ipsi_try left ipsec-ipip show "$DEV")
	[[ $show =~ 'last packet received: '[0-9]+' s ago' ]] ||
		ipsi_fail "no age in: $show"
	[[ $(ipsi_try left ipsec-ipip show --brief) == *" last "*" s ago" ]] ||
		ipsi_fail "no age in a line"
	ipsi_has_not "$show" "key manager" "manual keys"

	ipsi_do left ipsec-ipip sa flush "$DEV"
	ipsi_device_sa left out limit time-hard 7200 limit byte-hard 1048576 \
		limit packet-hard 9
	show=$(ipsi_try left ipsec-ipip sa show "$DEV")
	[[ $show =~ [0-9]+' s old, 1 h 59 min left, 1'.*' packets left' ]] ||
		[[ $show == *"0 s old, 2 h left, 1.00 MiB left, 9 packets left"* ]] ||
		ipsi_fail "no life of the SA in: $show"
	show=$(ipsi_try left ipsec-ipip -j sa show "$DEV")
	ipsi_has "$show" '"packets":9}' "left in JSON"
	ipsi_is "$(ipsi_json "$show" spi_hex)" "${IPSI_SPI[left]}" "SPI in JSON"

	ipsi_do left ip link set "$DEV" type ipsec-ipip keying adopt
	ipsi_has "$(ipsi_try left ipsec-ipip show "$DEV")" \
		"key manager: none is running" "no daemon"
	ipsi_has "$(ipsi_try left ipsec-ipip check "$DEV")" \
		"no key manager is running" "no daemon"
	ipsi_has "$(ipsi_try left ipsec-ipip -j show "$DEV")" \
		'"key_managers":[]' "no daemon in JSON"
	# A monitor of the requests alone looks like a daemon.
	ipsi_bg left ip xfrm monitor acquire > /dev/null
	ipsi_wait "daemon" shows_daemon
	ipsi_has "$(ipsi_try left ipsec-ipip -j show "$DEV")" \
		"\"key_managers\":[{\"name\":\"ip\",\"pid\":$IPSI_BG_PID}]" \
		"daemon in JSON"
	# None is not the same as one that cannot be seen.
	shows_hidden "running, its name is seen by root" \
		setpriv --reuid 65534 --clear-groups
	shows_hidden "unknown, /proc/net/netlink cannot be read" \
		unshare --mount sh -c 'mount -t tmpfs none /proc; "$@"' sh
}

# metric NAME LABELS: print the value of a metric of the left host
metric()
{
	ipsi_try left ipsec-ipip metrics | sed -n "s/^ipsec_ipip_$1{$2} //p"
}

# The numbers are those of JSON, and Prometheus can read them.
metrics()
{
	local labels="device=\"$DEV\",direction=\"out\",proto=\"esp\",spi=\"${IPSI_SPI[left]}\""
	local text json

	ipsi_topology
	ipsi_try left sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device_side left
	ipsi_device right
	ipsi_device_sa left out spi 0x1001 limit packet-hard 8
	ipsi_do left ipsec-ipip sa activate "$DEV" spi "${IPSI_SPI[left]}"
	ipsi_do left ip link add 'a"b\c' type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.9
	ipsi_send left 3
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 0x1001
	ipsi_send left 2
	ipsi_device_sa right in spi 0x1001
	ipsi_do left ipsec-ipip sa flush "$DEV" in
	ipsi_do left ip link set 'a"b\c' up
	ipsi_try left ip route add 10.9.9.9 dev 'a"b\c'
	ipsi_try left ping -c 1 -W 1 10.9.9.9 > /dev/null

	ipsi_is "$(metric carrier "device=\"$DEV\"")" 0 "carrier"
	ipsi_is "$(metric sas "device=\"$DEV\",direction=\"out\"")" 2 "SAs"
	ipsi_is "$(metric sa_active "$labels")" 0 "the other SA is active"
	ipsi_is "$(metric sa_packets_total "$labels")" 3 "packets of an SA"
	labels=${labels/${IPSI_SPI[left]}/0x00001001}
	ipsi_is "$(metric sa_active "$labels")" 1 "the SA is active"
	ipsi_is "$(metric sa_left_packets "$labels")" 6 "packets left"
	ipsi_is "$(metric sa_left_ratio "$labels")" 0.7500 "part left"
	json=$(ipsi_try left ipsec-ipip -j sa show "$DEV" out spi 0x1001)
	ipsi_is "$(metric sa_bytes_total "$labels")" "$(ipsi_json "$json" bytes)" \
		"bytes of an SA"
	json=$(ipsi_try left ipsec-ipip -j show 'a"b\c')
	text=$(metric refused_packets_total \
		'device="a\\"b\\\\c",reason="tx-no-sa"')
	ipsi_is "$text" "$(ipsi_json "$json" tx_no_sa)" "refused packets"
	[ "$text" -gt 0 ] || ipsi_fail "nothing was refused"

	text=$(ipsi_try left setpriv --reuid 65534 --clear-groups \
		ipsec-ipip metrics)
	ipsi_has "$text" "# SAs are left out" "without CAP_NET_ADMIN"
	ipsi_has_not "$text" ipsec_ipip_sa_ "without CAP_NET_ADMIN"
	text=$(ipsi_try left ipsec-ipip metrics --format openmetrics)
	ipsi_is "$(tail -n 1 <<< "$text")" "# EOF" "end of OpenMetrics"
	ipsi_has "$text" "# TYPE ipsec_ipip_refused_packets counter" "family"
	ipsi_is "$(grep -c '^# [^HTUE]' <<< "$text")" 0 "comments"
	PATH+=:${IPSI_UNPACKED:-/nowhere}/prometheus/usr/bin
	command -v promtool > /dev/null || ipsi_skip "promtool is not installed"
	ipsi_try left ipsec-ipip metrics > "$IPSI_TMP/metrics"
	text=$(promtool check metrics < "$IPSI_TMP/metrics" 2>&1) ||
		ipsi_fail "promtool: $text"
}

# same_words DEVICE: the members of "ip -d -j link" are in "ipsec-ipip -j show", with
# the same values
same_words()
{
	local link

	link=$(ipsi_try left ip -d -j link show dev "$1" |
		jq -cS '.[0].linkinfo.info_data')
	echo "left: $1: $link"
	[[ $link == *'"keying"'* ]] || ipsi_fail "no options in JSON"
	ipsi_is "$(ipsi_try left ipsec-ipip -j show "$1" |
		jq -cS --argjson link "$link" \
			'.[0] | with_entries(select(.key | in($link)))')" \
		"$link" "options in JSON"
}

one_vocabulary()
{
	ipsi_need jq
	ipsi_topology
	ipsi_device left
	same_words "$DEV"
	ipsi_do left ip link add other type ipsec-ipip if_id 8 reqid 9 \
		local "${IPSI_OUTER[left]}" remote 10.0.0.3 \
		dev "$IPSI_WIRE" ttl 9 tos 08 df set ecn rfc6040 \
		flowlabel hash fwmark 3 keying adopt policies required \
		noicmp-relay encap-port 4500
	same_words other
	ipsi_do left ip link add roams type ipsec-ipip \
		local "${IPSI_OUTER[left]}" remote any roam
	same_words roams
}

# scraped: what node_exporter shows to Prometheus, in $SCRAPED
scraped()
{
	SCRAPED=$(ipsi_try left python3 -c 'import urllib.request as request
print(request.urlopen("http://127.0.0.1:9100/metrics").read().decode())' \
		2> /dev/null)
}

# node_exporter shows our metrics from a file, and the counters of ethtool.
node_exporter()
{
	local exporter labels="device=\"$DEV\""

	PATH+=:${IPSI_UNPACKED:-/nowhere}/prometheus-node-exporter/usr/bin
	exporter=$(command -v prometheus-node-exporter) ||
		ipsi_skip "node_exporter is not installed"
	ipsi_need python3
	ipsi_topology
	ipsi_do left ip link set lo up
	ipsi_device left
	ipsi_send left 1
	ipsi_try left ipsec-ipip metrics > "$IPSI_TMP/ipsec-ipip.prom"
	# Its collectors find the links of the host in /sys.
	# shellcheck disable=SC2016 # expanded by the inner shell
	ipsi_bg left unshare --mount sh -c 'mount -t sysfs sysfs /sys; exec "$@"' \
		sh "$exporter" --web.listen-address=127.0.0.1:9100 \
		--collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$IPSI_TMP" --collector.ethtool \
		2> "$IPSI_TMP/exporter"
	ipsi_wait "node_exporter" scraped
	ipsi_has "$SCRAPED" "ipsec_ipip_refused_packets_total{$labels,reason=\"tx-no-sa\"} 1" \
		"refused packets in the file"
	ipsi_has "$SCRAPED" "node_ethtool_transmitted_no_sa{$labels} 1" \
		"refused packets by ethtool"
	ipsi_has "$SCRAPED" "node_textfile_scrape_error 0" "errors"
}

output()
{
	ipsi_topology
	ipsi_device left
	ipsi_must_fail "output: No space left on device" left \
		bash -c 'ipsec-ipip check > /dev/full'
	ipsi_do left bash -c 'ipsec-ipip check; [ $? = 3 ]'
	ipsi_do left bash -c 'ipsec-ipip check nosuch; [ $? = 1 ]'
}

# "monitor DEV" prints nothing of other devices.
monitor_of_a_device()
{
	local log=$IPSI_TMP/events

	ipsi_topology
	ipsi_device left
	ipsi_do left ip link add other type ipsec-ipip \
		local "${IPSI_OUTER[left]}" remote 10.0.0.3
	ipsi_bg left ipsec-ipip monitor "$DEV" > "$log" 2>&1
	ipsi_wait "monitor" grep -q listening "$log"
	ipsi_do left ipsec-ipip sa add other in spi 0x104 "${AES[@]}" \
		"${SHA[@]}"
	ipsi_do left ipsec-ipip sa add "$DEV" in spi 0x105 "${AES[@]}" \
		"${SHA[@]}"
	ipsi_wait "event" grep -q 0x00000105 "$log"
	ipsi_has_not "$(cat "$log")" other "events"
	ipsi_do left ipsec-ipip sa add "$DEV" out spi 0x106 "${AES[@]}" \
		"${SHA[@]}"
	ipsi_do left ipsec-ipip sa flush "$DEV" in
	ipsi_wait "reason" grep -q " carrier $DEV off, no valid inbound SA$" \
		"$log"
	says "monitor: device \"lo\": expected one of type ipsec-ipip; there are: $DEV, other" \
		monitor lo
	ipsi_bg left ipsec-ipip monitor ipsec1 > "$log" 2>&1
	ipsi_wait "warning" grep -qxF \
		'ipsec-ipip: warning: monitor: there is no device "ipsec1" yet; waiting for its events' \
		"$log"
}

# hook: make $IPSI_TMP/hook, which notes its environment and its input, a line for
# each run, and fails for a deleted SA
hook()
{
	cat > "$IPSI_TMP/hook" <<-HOOK
		#!/bin/sh
		echo "not for those who read the events"
		cd $IPSI_TMP
		mkdir runs || echo "two at a time" >> runs.log
		while [ -e wait ]; do sleep 0.1; done
		cat >> stdin
		env | grep ^IPSEC_IPIP_ | grep -v -e _TIME= -e _IFINDEX= |
			sort | sed 's/^IPSEC_IPIP_//' | tr '\n' ' ' |
			sed 's/ $/\n/' >> runs.log
		rmdir runs
		[ \$IPSEC_IPIP_EVENT != sa-del ] || exit 7
	HOOK
	chmod +x "$IPSI_TMP/hook"
}

# ran LINE: the hook was run for such an event
ran()
{
	grep -qxF "$1" "$IPSI_TMP/runs.log"
}

# runs LINE: wait for that
runs()
{
	(ipsi_wait "run" ran "$1") ||
		ipsi_fail "$1 is not in: $(cat "$IPSI_TMP/runs.log")"
}

# The command gets each event once, in order, and no shell reads a part of it.
monitor_runs_a_command()
{
	local add="ADOPTED=false DIRECTION=in DST=10.0.0.1 EVENT=sa-add"
	local log=$IPSI_TMP/events odd="\$(id>p);\"'*"

	add+=" IFNAME=$DEV MODE=transport PROTO=esp REQID=0"
	ipsi_topology
	ipsi_device left
	ipsi_do left ip link add "$odd" type ipsec-ipip if_id 99 \
		local "${IPSI_OUTER[left]}" remote 10.0.0.3
	ipsi_do left ip link set "$odd" up
	hook
	ipsi_bg left env IPSEC_IPIP_REASON=old IPSEC_IPIP_OTHER=x \
		PATH="$IPSI_TMP:$PATH" ipsec-ipip -j monitor --exec hook \
		> "$log" 2> "$log.err"
	ipsi_wait "monitor" grep -q listening "$log.err"
	ipsi_do left ipsec-ipip sa add "$DEV" in spi 0x105 "${AES[@]}" \
		"${SHA[@]}"
	runs "$add SPI=261 SPI_HEX=0x00000105 SRC=10.0.0.2"
	ipsi_do left ipsec-ipip sa add "$DEV" out spi 0x106 "${AES[@]}" \
		"${SHA[@]}"
	runs "CARRIER=true EVENT=carrier IFNAME=$DEV"
	ipsi_do left ipsec-ipip sa flush "$DEV" in
	runs "CARRIER=false EVENT=carrier IFNAME=$DEV REASON=no valid inbound SA"
	ipsi_do left ipsec-ipip sa add "$odd" out spi 0x107 "${AES[@]}" \
		"${SHA[@]}"
	runs "EVENT=sa-activate IFNAME=$odd PINNED=false PROTO=esp SPI=263 SPI_HEX=0x00000107"
	grep '^{' "$log" | cmp - "$IPSI_TMP/stdin" ||
		ipsi_fail "events on standard input"
	! grep "two at a time" "$IPSI_TMP/runs.log" ||
		ipsi_fail "the next event does not wait"
	ipsi_is "$(grep -c . "$IPSI_TMP/runs.log")" "$(grep -c '^{' "$log")" "runs"
	ipsi_has "$(cat "$log.err")" \
		"ipsec-ipip: warning: monitor: --exec: $IPSI_TMP/hook: exit status 7" \
		"failure"
	ipsi_has "$(cat "$log.err")" "not for those" "output of the command"

	# The socket of the monitor keeps fewer events than these.
	ipsi_need python3
	: > "$IPSI_TMP/wait"
	ipsi_do left "$IPSI_LIB/xfrm.py" many 10.0.0.1 10.0.0.2 0x1000 300 \
		"$((IPSI_IF_ID))"
	rm "$IPSI_TMP/wait"
	runs "EVENT=lost"
	ipsi_has "$(cat "$log.err")" "# events were lost" "loss"
	rm "$IPSI_TMP/hook"
	ipsi_wait "failure" grep -q "/hook: exit status 127" "$log.err"
	kill -0 "$IPSI_BG_PID" || ipsi_fail "the monitor has ended"
}

# The root of a namespace can send netlink messages to sockets of others there. Ours
# listen to the kernel only: here, a monitor gets a datagram that is too long, and an
# event for a device that does not exist.
monitor_hears_the_kernel()
{
	local log=$IPSI_TMP/events family forge='
import socket, struct, sys
family, pid = int(sys.argv[1]), int(sys.argv[2])
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
def attr(kind, data):
    n = len(data) + 4
    return struct.pack("=HH", n, kind) + data + bytes(-n % 4)
def send(body):
    s.sendto(struct.pack("=IHHII", 16 + len(body), family, 0, 0, 0) + body,
             (pid, 0))
send(bytes(65536))
send(struct.pack("=BBH", int(sys.argv[3]), 1, 0) +
     attr(int(sys.argv[4]), b"forged\0"))
'

	ipsi_need python3
	ipsi_topology
	ipsi_device left
	ipsi_bg left ipsec-ipip monitor > "$log" 2> "$log.err"
	ipsi_wait "monitor" grep -q listening "$log.err"
	family=$(ipsi_try left genl ctrl get name ipsec-ipip |
		sed -n 's/.*ID: \(0x[0-9a-f]*\).*/\1/p')
	ipsi_do left python3 -c "$forge" "$((family))" "$IPSI_BG_PID" 7 2
	ipsi_do left ipsec-ipip sa add "$DEV" in spi 0x105 "${AES[@]}" \
		"${SHA[@]}"
	ipsi_wait "event" grep -q "sa-add $DEV" "$log"
	ipsi_has_not "$(cat "$log")" "forged" "events"
	ipsi_is "$(wc -l < "$log.err")" 1 "messages"
}

# names_of_a_container: the kernel takes nearly any byte in the name of a device, and
# terminals and programs that read JSON do not
names_of_a_container()
{
	local name=$'a\e[2J\xffb' printed='a?[2J?b' words out
	local utf8=$'b\xc3\xbcro0' shell=$'a$(id>x)'

	ipsi_need python3
	ipsi_topology
	ipsi_device left
	ipsi_do left ip link add "$utf8" type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.3
	ipsi_do left ip link add "$name" type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.4 dev "$utf8"
	ipsi_do left ip link add $'r\xe2\x80\xaex' type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.5
	ipsi_do left ip link add "$shell" type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.6
	for words in show "-j show" "show --brief" check metrics \
		     "showconf $DEV" "sa show"; do
		# shellcheck disable=SC2086 # these are words
		out=$(ipsi_try left ipsec-ipip $words 2>&1)
		LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' <<< "$out" &&
			ipsi_fail "control character in $words"
		python3 -c 'import sys; sys.stdin.buffer.read().decode()' \
			<<< "$out" || ipsi_fail "no UTF-8 in $words"
		[[ $words == sa* || $words == showconf* || $words == check ]] ||
			ipsi_has "$out" "$printed" "$words"
	done
	ipsi_has "$(ipsi_try left ipsec-ipip show)" "$utf8" "name in UTF-8"
	ipsi_has "$(ipsi_try left ipsec-ipip show)" "r???x" "name that turns the line"
	# Each is checked, and asked for by its own name.
	out=$(ipsi_try left ipsec-ipip check)
	ipsi_has "$out" "$utf8: " "findings"
	ipsi_has "$out" "$printed: " "findings"
	ipsi_has "$out" "$shell: " "findings"
	# Shells read these.
	out=$(ipsi_try left ipsec-ipip __complete show "")
	ipsi_has "$out" "$utf8" "completion"
	ipsi_has_not "$out" "id>x" "completion"
	out=$(ipsi_try left ipsec-ipip __complete link dev "")
	ipsi_has "$out" "$utf8" "completion of ip"
	ipsi_has_not "$out" "id>x" "completion of ip"
}

ipsi_run devices keys spis state_of_devices ages metrics one_vocabulary \
	node_exporter output monitor_of_a_device monitor_runs_a_command \
	monitor_hears_the_kernel names_of_a_container
