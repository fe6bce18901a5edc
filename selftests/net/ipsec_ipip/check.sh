#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "ipsec-ipip check" prints nothing for a good device. For a device with a fault it
# prints exactly that fault, in text and JSON, and exits with status 3. A failure
# means that an operator looks in the wrong place, or that a fault goes unnoticed.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV

start()
{
	ipsi_topology
	# The system's defaults are not under test, and IPv6 would send packets
	# of its own.
	ipsi_try right sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.default.disable_ipv6=1
}

# finds WORD[:TEXT]...: check that check prints exactly these findings, and TEXT in
# each
finds()
{
	local output status part n=0 line

	output=$(ipsi_try right ipsec-ipip check "$DEV" 2>&1)
	status=$?
	echo "right: ipsec-ipip check $DEV: ${output:-(nothing)}"
	ipsi_is "$status" "$(($# > 0 ? 3 : 0))" "exit status"
	for part in "$@"; do
		line=$(grep "^$DEV: ${part%%:*}: " <<< "$output") ||
			ipsi_fail "no finding ${part%%:*}"
		[[ $part != *:* ]] || ipsi_has "$line" "${part#*:}" "${part%%:*}"
	done
	[ -z "$output" ] || n=$(wc -l <<< "$output")
	ipsi_is "$n" "$#" "findings"
}

sound_device()
{
	start
	ipsi_device_side right
	finds
	# The kernels of the system are not under test.
	mkdir "$IPSI_TMP/boot"
	ipsi_is "$(unshare --mount bash -c "mount --bind $IPSI_TMP/boot /boot
		nsenter --net=/run/netns/$right ipsec-ipip -j check")" "[]" "JSON"
	ipsi_must_fail "no such device" right ipsec-ipip check nosuch
}

keys()
{
	local algs=(aead 'rfc4106(gcm(aes))'
		    0x000102030405060708090a0b0c0d0e0f10111213 128)
	local json

	start
	ipsi_device right
	finds no-sa-out no-sa-in
	json=$(ipsi_try right ipsec-ipip -j check)
	ipsi_is "$(ipsi_json "$json" ifname)" "$DEV" "name in JSON"
	ipsi_is "$(ipsi_json "$json" finding)" no-sa-out "finding in JSON"
	ipsi_device_sa right in
	finds no-sa-out
	ipsi_device_sa right out limit packet-soft 7 limit packet-hard 10
	finds
	ipsi_send right 8
	finds 'sa-soft:outbound SA esp 0xfeedbeef'
	ipsi_send right 1
	finds sa-soft 'sa-limit:9 of 10 packets'
	ipsi_do right ipsec-ipip sa del "$DEV" out spi "${IPSI_SPI[right]}"
	ipsi_device_sa right out seq 3900000000
	finds 'sa-limit:3900000000 of 4294967295 sequence numbers'
	ipsi_do right ipsec-ipip sa del "$DEV" out spi "${IPSI_SPI[right]}"
	ipsi_do right ipsec-ipip -q sa add "$DEV" out spi 0x1001 "${algs[@]}"
	finds 'sa-counter-mode:0x00001001 uses rfc4106(gcm(aes))'
	ipsi_do right ipsec-ipip sa del "$DEV" out spi 0x1001
	ipsi_do right ipsec-ipip -q sa add "$DEV" out spi 0x1002 "${algs[@]}" \
		limit time-hard 1000000
	finds
}

surroundings()
{
	start
	ipsi_device_side right
	ipsi_do right ip link set "$DEV" mtu 1400
	finds
	ipsi_do right ip link set "$DEV" mtu 1480
	finds 'mtu:set to 1480, but the route and the SA carry only 1438'
	ipsi_do right ip link set "$DEV" mtu 1438
	ipsi_try right sysctl -qw "net.ipv4.conf.$DEV.rp_filter=1"
	finds rp-filter
	ipsi_try right sysctl -qw "net.ipv4.conf.$DEV.rp_filter=2"
	finds
	ipsi_do right ip route add 10.0.0.1/32 dev "$DEV"
	finds loop
	ipsi_do right ip route del 10.0.0.1/32 dev "$DEV"
	ipsi_do right ip route add unreachable 10.0.0.1
	finds 'no-route:from 10.0.0.2: No route to host'
	floods right tx_no_route
	finds no-route 'refuses:: ip route get 10.0.0.1'
	kill "$IPSI_BG_PID"
	ipsi_wait "end of refusals" no_refusals
	finds no-route
	ipsi_do right ip route del unreachable 10.0.0.1
	ipsi_do left ip link set "$IPSI_WIRE" down
	finds 'underlay:eth0, which has no carrier: ip link show eth0'
	ipsi_do left ip link set "$IPSI_WIRE" up
	ipsi_wait "carrier of the underlay" has_underlay
	ipsi_do right ip address del 10.0.0.2/24 dev "$IPSI_WIRE"
	finds 'no-local:10.0.0.2'
	ipsi_do right ip address add 10.0.0.2/24 dev "$IPSI_WIRE"
	ipsi_do right ip link set "$DEV" down
	finds down
}

has_underlay()
{
	[[ $(ipsi_try right ip -o link show "$IPSI_WIRE") == *LOWER_UP* ]]
}

# refuses REASON: the right host has refused a packet
refuses()
{
	[ "$(ipsi_get right "$1")" -gt 0 ]
}

# floods HOST [REASON]: send to the other host until $IPSI_BG_PID is killed. If the
# right host refuses the packets for REASON, it has refused the first one already.
floods()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	ipsi_bg "$1" bash -c 'while :; do echo x > "/dev/udp/$0/9"; done' \
		"${IPSI_INNER[${IPSI_PEER[$1]}]}" 2> /dev/null
	[ -z "${2:-}" ] || ipsi_wait "refusal" refuses "$2"
}

# no_refusals: no packet is refused any more
no_refusals()
{
	[[ $(ipsi_try right ipsec-ipip check "$DEV") != *refuses:* ]]
}

# The two commonest mistakes: in and out exchanged, and a wrong key.
mistakes()
{
	start
	ipsi_try left sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device_side left
	ipsi_device right
	ipsi_algs left
	ipsi_do right ipsec-ipip sa add "$DEV" out spi "${IPSI_SPI[left]}" \
		"${IPSI_ALGS[@]}"
	ipsi_algs right
	ipsi_do right ipsec-ipip sa add "$DEV" in spi "${IPSI_SPI[right]}" \
		"${IPSI_ALGS[@]}"
	ipsi_send right 9
	finds
	ipsi_send right 1
	finds 'silent:10 packets were sent and none came back: look for'
	ipsi_send left 1
	finds 'silent:none came back, but 1 came with an SPI that no SA has'

	ipsi_do right ipsec-ipip sa flush "$DEV"
	ipsi_device_sa right out
	# not the peer's key
	ipsi_algs right
	ipsi_do right ipsec-ipip sa add "$DEV" in spi "${IPSI_SPI[left]}" \
		"${IPSI_ALGS[@]}"
	finds
	ipsi_send left 3
	finds 'refused:inbound SA esp 0xdeadbeef has refused all 3 packets'
	floods left rx_crypto
	finds refused 'refuses:rx-crypto grows, by '
	kill "$IPSI_BG_PID"
	ipsi_wait "end of refusals" no_refusals
	finds refused
	ipsi_do right ipsec-ipip sa del "$DEV" in spi "${IPSI_SPI[left]}"
	ipsi_device_sa right in
	ipsi_send left 1
	finds

	ipsi_try right sysctl -qw net.ipv6.conf.default.disable_ipv6=0
	ipsi_do right ip link set "$DEV" mtu 1279
	finds 'mtu-small:ip link set ipsec0 mtu 1280'
	ipsi_do right ip link set "$DEV" mtu 1280
	finds
}

# A wrong key for encryption alone, and a peer that stops to answer
no_answer()
{
	local other=(enc 'cbc(aes)' 0x000102030405060708090a0b0c0d0e0f)

	start
	ipsi_try left sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device_side left
	ipsi_device_side right
	ipsi_algs left
	ipsi_do left ipsec-ipip sa flush "$DEV" out
	ipsi_do left ipsec-ipip sa add "$DEV" out spi "${IPSI_SPI[left]}" \
		"${other[@]}" "${IPSI_ALGS[@]:0:4}"
	ipsi_send left 40
	finds 'refused:packets were authentic, but none was IP-in-IP: the peer has another key for encryption'
	ipsi_do left ipsec-ipip sa flush "$DEV" out
	ipsi_device_sa left out
	ipsi_do right ipsec-ipip sa flush "$DEV" in
	ipsi_device_sa right in

	ipsi_ping right
	ipsi_do left ipsec-ipip sa flush "$DEV"
	ipsi_wait "silence" silent_for 15
	finds
	ipsi_has "$(ipsi_try right script -qec "ipsec-ipip check $DEV" \
		/dev/null)" "run a ping at the same time" "advice"
	floods right
	finds 'silent:bytes were sent within a second, but the last packet came'
	kill "$IPSI_BG_PID"
	ipsi_device_sa left in
	ipsi_device_sa left out spi 0x5001
	floods left
	ipsi_wait "a packet" unknown_spi
	finds 'unknown-spi:came with an SPI that no SA has'
	kill "$IPSI_BG_PID"
}

# unknown_spi: the right host has received a packet with an SPI that no SA has
unknown_spi()
{
	[[ $(ipsi_xfrm_stat right) == *XfrmInNoStates* ]]
}

# silent_for SECONDS: the right host has received nothing for so long
silent_for()
{
	[ "$(ipsi_get right rx_age)" -ge "$1" ]
}

# stray SPI WHY WORD...: add a state with the device's if_id, and check the reason
# why the device does not use it
stray()
{
	local spi=$1 why=$2
	shift 2

	ipsi_do right ip xfrm state add spi "$spi" "$@" \
		enc 'cbc(aes)' "${IPSI_ENC_KEY[right]}" if_id "$IPSI_IF_ID"
	finds "sa-not-taken:$spi has the if_id of the device, but $why"
	ipsi_do right ip xfrm state flush
	ipsi_device_sa right out
	ipsi_device_sa right in
}

# odd_stray COMMAND SPI WHY: the same with a state that ip cannot add; see xfrm.py
odd_stray()
{
	if ipsi_try right "$IPSI_LIB/xfrm.py" "$1" 10.0.0.2 10.0.0.1 "$2" \
		"$((IPSI_IF_ID))"; then
		finds "sa-not-taken:esp $2 has the if_id of the device, but $3"
		ipsi_do right ip xfrm state deleteall spi "$2"
	else
		echo "no python3 here"
	fi
}

states_that_are_not_taken()
{
	local out=(src 10.0.0.2 dst 10.0.0.1 proto esp)
	local auth=(auth-trunc 'hmac(sha256)' "${IPSI_AUTH_KEY[right]}" 128)

	start
	ipsi_device_side right
	stray 0x00002001 "an outbound SA must be in transport mode" \
		"${out[@]}" mode tunnel "${auth[@]}"
	stray 0x00002002 "it has no integrity protection" \
		"${out[@]}" mode transport
	stray 0x00002003 "its addresses are not the endpoints of the device: 10.0.0.2 -> 10.0.0.77, but the device has local 10.0.0.2 remote 10.0.0.1: correct it: ip link set" \
		src 10.0.0.2 dst 10.0.0.77 proto esp mode transport "${auth[@]}"
	stray 0x00002004 "its addresses are not the endpoints of the device" \
		src 10.0.0.77 dst 10.0.0.2 proto esp mode tunnel "${auth[@]}"
	stray 0x00002005 "its addresses are not the endpoints of the device" \
		src fd00::2 dst fd00::1 proto esp mode transport "${auth[@]}"
	stray 0x00002006 "it has no integrity protection" \
		"${out[@]}" mode transport mark 3 mask 7
	stray 0x0000200a "its selectors name a protocol or ports" \
		src 10.0.0.1 dst 10.0.0.2 proto esp mode tunnel "${auth[@]}" \
		sel proto tcp
	# a compressor is neither ESP nor AH
	if ipsi_try right ip xfrm state add "${out[@]:0:4}" proto comp spi 0x200b \
		mode transport comp deflate if_id "$IPSI_IF_ID"; then
		finds "sa-not-taken:SA 0x0000200b has the if_id of the device, but it is neither ESP nor AH"
		ipsi_do right ip xfrm state flush proto comp
	else
		echo "no IPComp here"
	fi
	finds
	# an SPI that a key manager has reserved
	odd_stray alloc 0x00002010 "it is not valid yet"
	# A device that adopts has other reasons.
	ipsi_do right ip link set "$DEV" type ipsec-ipip keying adopt
	stray 0x00002007 "its selectors name a protocol or ports" \
		"${out[@]}" mode tunnel "${auth[@]}" sel proto tcp
	odd_stray coaddr 0x0000200c \
		"it has a property that the device would lose"
	ipsi_do right ip link set "$DEV" \
		type ipsec-ipip keying adopt-endpoints
	ipsi_do right ipsec-ipip sa flush "$DEV" out
	ipsi_do right ip xfrm state add spi 0x2008 "${out[@]}" mode tunnel \
		"${auth[@]}" enc 'cbc(aes)' "${IPSI_ENC_KEY[right]}" \
		mark 3 mask 7
	# in transport mode, for another use
	ipsi_do right ip xfrm state add spi 0x2009 "${out[@]}" mode transport \
		"${auth[@]}" enc 'cbc(aes)' "${IPSI_ENC_KEY[right]}"
	finds no-sa-out 'sa-not-taken:0x00002008 is between the endpoints of the device, but it has a mark'
}

# A device that is full, and one whose only outbound SA is used up
states_for_which_there_is_no_room()
{
	ipsi_need python3
	start
	ipsi_device right
	ipsi_device_sa right in
	ipsi_do right "$IPSI_LIB/xfrm.py" many 10.0.0.2 10.0.0.1 0x1000 1025 \
		"$((IPSI_IF_ID))"
	ipsi_is "$(ipsi_try right ipsec-ipip check "$DEV" | grep -c \
		': sa-not-taken: ah 0x.* but the device has as many SAs as it can have')" \
		2 "SAs without room"
	ipsi_do right ip xfrm state flush proto ah
	ipsi_device_sa right out seq 4294967294
	ipsi_send right 2
	finds 'no-sa-out:the outbound SAs have used up their sequence numbers' \
		'sa-limit:4294967295 of 4294967295 sequence numbers'
}

# policy DIR SRC DST WORD...: add a policy
policy()
{
	ipsi_do right ip xfrm policy add dir "$1" \
		src 192.168.0.0/16 dst 192.168.0.0/16 "${@:4}" \
		tmpl src "$2" dst "$3" proto esp reqid 5 mode tunnel
}

policies_that_are_missing()
{
	local algs=(aead 'rfc4106(gcm(aes))'
		    0x000102030405060708090a0b0c0d0e0f10111213 128)
	local words=(mode tunnel reqid 5 limit time-hard 1000000)

	start
	ipsi_device right keying adopt-endpoints policies required
	# stands for a key manager
	ipsi_bg right ip xfrm monitor acquire > /dev/null
	ipsi_do right ip xfrm state add src 10.0.0.2 dst 10.0.0.1 proto esp \
		spi 0x1002 "${words[@]}" "${algs[@]}"
	ipsi_do right ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp \
		spi 0x1001 "${words[@]}" "${algs[@]/0x0001/0x0101}"
	ipsi_wait "adoption" ipsi_has_sas right 1 1
	finds_none()
	{
		ipsi_is "$(ipsi_try right ipsec-ipip check "$DEV" |
			grep -c ': no-policy: the .*bound SA esp 0x0000100[12] carries no packets: .* reqid 5: ')" \
			"$1" "SAs without policy"
	}
	finds_none 2
	# for another device, for other endpoints, for forwarded packets
	policy out 10.0.0.2 10.0.0.1 if_id 77
	policy in 10.0.0.77 10.0.0.2
	policy fwd 10.0.0.1 10.0.0.2
	finds_none 2
	policy out 10.0.0.2 10.0.0.1
	finds_none 1
	ipsi_do right ip xfrm policy add dir in if_id "$IPSI_IF_ID" \
		tmpl proto esp reqid 5 mode tunnel
	finds
	ipsi_do right ip xfrm policy flush
	finds_none 2
	ipsi_do right ip link set "$DEV" type ipsec-ipip policies optional
	finds
	kill "$IPSI_BG_PID"
	ipsi_wait "end of the key manager" no_key_manager
	finds no-key-manager:systemctl
}

no_key_manager()
{
	[[ $(ipsi_try right ipsec-ipip show "$DEV") == *"none is running"* ]]
}

# policy6 OPTION...: add a policy for outbound inner IPv6
policy6()
{
	ipsi_do right ip xfrm policy add dir out src fd02::/64 dst fd01::/64 \
		"$@"
}

# A key manager's policy without if_id matches IPv6 before it reaches the device.
policies_that_catch()
{
	local ends=(tmpl src 10.0.0.2 dst 10.0.0.1 proto esp mode tunnel)

	start
	ipsi_device_side right
	# with an if_id, for other endpoints, for IPv4, inbound
	policy6 if_id "$IPSI_IF_ID" "${ends[@]}"
	policy6 if_id 77 "${ends[@]}"
	policy6 tmpl src 10.0.0.2 dst 10.0.0.77 proto esp mode tunnel
	policy out 10.0.0.2 10.0.0.1
	ipsi_do right ip xfrm policy add dir in src fd01::/64 dst fd02::/64 \
		tmpl src 10.0.0.1 dst 10.0.0.2 proto esp mode tunnel
	finds
	ipsi_do right ip xfrm policy flush
	policy6 action block
	finds
	ipsi_do right ip xfrm policy flush
	policy6 "${ends[@]:0:7}" reqid 5 mode tunnel
	finds "policy-ipv6:reqid 5, matches IPv6"
	finds "policy-ipv6:if_id_out and if_id_in"
	finds "policy-ipv6:ipsec-interface"
	finds "policy-ipv6:move the device to another namespace"
	ipsi_do right ip xfrm policy flush
	# a trap policy
	policy6 tmpl proto esp mode transport
	finds
	ipsi_do right ip link set "$DEV" type ipsec-ipip keying adopt-endpoints
	finds policy-ipv6
	ipsi_do right ip xfrm policy flush
	finds
}

# Routes that lead past the device, or not to it
inner_routes()
{
	start
	ipsi_device_side right
	ipsi_do right ip route add 192.168.100.0/24 dev "$DEV"
	ipsi_do right ip address add 192.168.3.1/24 dev "$DEV"
	finds
	ipsi_do right ip route add 192.168.100.0/25 via 10.0.0.1
	finds 'bypass:192.168.100.1 leave by eth0, although the device has the route 192.168.100.0/24'
	ipsi_do right ip route del 192.168.100.0/25
	ipsi_do right ip rule add to 192.168.100.0/24 lookup 77
	ipsi_do right ip route add default via 10.0.0.1 table 77
	finds 'bypass:192.168.100.1 leave by eth0'
	ipsi_do right ip rule del to 192.168.100.0/24
	finds
	ipsi_do right ip address flush dev "$DEV"
	ipsi_do right ip route flush dev "$DEV"
	finds 'no-inner-route:ip route add NETWORK dev ipsec0'
	ipsi_do right ip route add 192.168.100.0/24 nexthop dev "$DEV" \
		nexthop via 10.0.0.1
	finds
	ipsi_do right ip route del 192.168.100.0/24
	# Another link of ours is preferred.
	ipsi_do right ip link add ipsec1 up type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.9
	ipsi_do right ip route add 192.168.100.0/24 dev ipsec1
	ipsi_do right ip route add 192.168.100.0/24 dev "$DEV" metric 9
	ipsi_has_not "$(ipsi_try right ipsec-ipip check "$DEV")" bypass \
		"with a spare link"
	ipsi_do right ip link del ipsec1
	ipsi_do right ip route flush dev "$DEV"
	ipsi_do right ip route add default dev "$DEV" table 78
	finds
}

# SAs with the if_id of another device, or of none
other_if_ids()
{
	local algs=(enc 'cbc(aes)' "${IPSI_ENC_KEY[right]}"
		    auth-trunc 'hmac(sha256)' "${IPSI_AUTH_KEY[right]}" 128)
	local ends=(src 10.0.0.2 dst 10.0.0.1 proto esp)

	start
	ipsi_device right
	ipsi_device_sa right in
	ipsi_do right ip xfrm state add "${ends[@]}" spi 0x2001 mode transport \
		"${algs[@]}"
	finds no-sa-out 'sa-other-if-id:esp 0x00002001 is between the endpoints of the device, but has no if_id'
	ipsi_do right ip xfrm state add "${ends[@]}" spi 0x2002 mode transport \
		if_id 0x63 "${algs[@]}"
	ipsi_do right ip xfrm state deleteall spi 0x2001
	finds no-sa-out 'sa-other-if-id:has the if_id 0x63 and not 0x7'
	ipsi_has "$(ipsi_try right ipsec-ipip check)" \
		"host: sa-no-device: esp 0x00002002 has the if_id 0x63" "host"
	ipsi_do right ip link add xfrm0 type xfrm dev "$IPSI_WIRE" if_id 0x63
	ipsi_has_not "$(ipsi_try right ipsec-ipip check)" sa-no-device \
		"with an xfrm interface"
	ipsi_device_sa right out
	finds
}

# A firewall that drops ESP is named if the link is silent.
firewall()
{
	ipsi_need nft
	start
	ipsi_device_side right
	ipsi_try right nft add table inet filter
	ipsi_try right nft 'add chain inet filter input { type filter hook input priority 0; policy drop; }'
	finds
	ipsi_send right 10
	finds silent 'firewall:inet filter input drops what no rule accepts'
	ipsi_try right nft add rule inet filter input meta l4proto esp accept
	finds silent
	ipsi_try right nft flush chain inet filter input
	ipsi_try right nft add rule inet filter input ip protocol 50 counter drop
	finds silent 'firewall:inet filter input: ip protocol esp counter'
	# A comment cannot write to the terminal.
	ipsi_try right nft flush chain inet filter input
	printf 'add rule inet filter input ip protocol 50 drop comment "\033[7mx"\n' |
		ipsi_try right nft -f -
	finds silent 'firewall:drop comment "?[7mx"'
	ipsi_try right nft delete table inet filter
	finds silent
	# A bridge is not in the way.
	ipsi_try right nft add table bridge filter
	ipsi_try right nft 'add chain bridge filter input { type filter hook input priority 0; policy drop; }'
	finds silent
}

# Links that come and go interrupt dumps, which are repeated.
changing_links()
{
	local i pid status

	start
	ipsi_device_side right
	for ((i = 0; i < 300; i++)); do
		echo "link add dummy$i type dummy"
	done | ipsi_try right ip -batch - || ipsi_fail "no links"
	ipsi_bg right bash -c 'while ip link add other type dummy; do
		ip link del other; done'
	pid=$IPSI_BG_PID
	for ((i = 0; i < 40; i++)); do
		status=0
		ipsi_try right ipsec-ipip check > /dev/null || status=$?
		# Findings about the kernels of the system are not under test.
		[[ $status == [03] ]] || ipsi_fail "check $i: exit status $status"
	done
	kill "$pid"
	wait "$pid"
}

# removed_module: the links of the host are gone after modprobe -r. Only in the
# first namespace, to which its units and files belong. A link that its file moves to
# another namespace is not missed.
removed_module()
{
	local units=/etc/systemd/system files=/etc/ipsec-ipip script
	local dir=$IPSI_TMP/host long=name-longer-than-a-link

	mkdir -p "$dir/"{multi-user,network-online}.target.wants "$dir/conf" \
		$units $files
	echo "PostUp = ip link set %i netns app" > "$dir/conf/away0.conf"
	echo "PostUp = ip netns exec app true" > "$dir/conf/gone0.conf"
	touch \
		"$dir/network-online.target.wants/ipsec-ipip@gone0.service" \
		"$dir/multi-user.target.wants/ipsec-ipip@"{away0,gone0,lo,$long}.service
	script="mount --bind $dir $units; mount --bind $dir/conf $files"
	ipsi_is "$(unshare --mount bash -c "$script; ipsec-ipip check" |
		grep 'host: not-up:')" \
		"host: not-up: ipsec-ipip@gone0 is enabled, but there is no link gone0: modprobe -r ipsec_ipip or ip link del has deleted it, or it was not made: systemctl restart ipsec-ipip@gone0
host: not-up: ipsec-ipip@$long is enabled, but there is no link $long: modprobe -r ipsec_ipip or ip link del has deleted it, or it was not made: systemctl restart ipsec-ipip@$long" \
		"links of units"
	ipsi_is "$(unshare --mount bash -c "$script; ipsec-ipip show" 2>&1)" \
		"ipsec-ipip: warning: show: there is no link, but a file for one: ipsec-ipip up gone0 (modprobe -r ipsec_ipip deletes all links)" \
		"file of a link"
	ipsi_is "$(unshare --mount bash -c \
		"$script; ipsec-ipip show gone0" 2>&1)" \
		"ipsec-ipip: show: device \"gone0\": no such device; it has a file, make it: ipsec-ipip up gone0" \
		"name of a link"
	ipsi_is "$(unshare --mount bash -c \
		"$script; ipsec-ipip show away0" 2>&1)" \
		"ipsec-ipip: show: device \"away0\": no such device; its file moves it to another namespace, look there: ip netns exec NAMESPACE ipsec-ipip show away0" \
		"name of a link that was moved"
	script+="; nsenter --net=/run/netns/$right ipsec-ipip"
	ipsi_has_not "$(unshare --mount bash -c "$script check")" not-up \
		"another namespace"
	ipsi_has_not "$(unshare --mount bash -c "$script show gone0" 2>&1)" \
		"has a file" "name of a link in another namespace"
	ipsi_do right ip link del "$DEV"
	ipsi_is "$(unshare --mount bash -c "$script show" 2>&1)" "" \
		"file of a link in another namespace"
}

# next_kernel: run check with another /lib/modules, in which any module stands for
# ours, and a newer kernel has none
next_kernel()
{
	local running dir=$IPSI_TMP/lib/modules script

	running=$(uname -r)
	mkdir -p "$dir/$running" "$dir/99.0-test" "$IPSI_TMP/boot"
	find "/lib/modules/$running/kernel/net" -name 'esp4.ko*' \
		-exec cp {} "$dir/$running/ipsec_ipip.ko" \; -quit
	depmod -b "$IPSI_TMP" "$running"
	depmod -b "$IPSI_TMP" 99.0-test
	touch "$IPSI_TMP/boot/vmlinuz-$running" "$IPSI_TMP/boot/vmlinuz-99.0-test"
	script="mount --bind $dir /lib/modules; mount --bind $IPSI_TMP/boot /boot"
	script+="; nsenter --net=/run/netns/$right ipsec-ipip check"
	ipsi_has "$(unshare --mount bash -c "$script")" \
		"made after a boot into it: install its headers (Debian: linux-headers-99.0-test), then dkms" \
		"next kernel"
	cp "$dir/$running/ipsec_ipip.ko" "$dir/99.0-test/"
	depmod -b "$IPSI_TMP" 99.0-test
	ipsi_is "$(unshare --mount bash -c "$script")" "" "findings"
}

# The next step after an upgrade, and after a clock that was set back
host()
{
	local version=/sys/module/ipsec_ipip/version now script

	start
	ipsi_device_side right
	[ -e "$version" ] || ipsi_fail "no $version"
	echo 0.0 > "$IPSI_TMP/version"
	script="mount --bind $IPSI_TMP/version $version"
	script+="; nsenter --net=/run/netns/$right ipsec-ipip check"
	ipsi_has "$(unshare --mount bash -c "$script")" \
		"host: module-old: the loaded module has version 0.0" "module"
	next_kernel
	now=$(date +%s)
	ipsi_do right date -s "@$((now - 1000))"
	ipsi_has "$(ipsi_try right ipsec-ipip check "$DEV")" \
		"clock: the inbound SA esp ${IPSI_SPI[left]} was added" "clock"
	date -s "@$now"
	removed_module
}

ipsi_run sound_device keys surroundings mistakes states_that_are_not_taken \
	states_for_which_there_is_no_room \
	policies_that_are_missing policies_that_catch inner_routes \
	no_answer other_if_ids firewall changing_links host
