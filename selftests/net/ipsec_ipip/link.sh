#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The link: ip(8) makes, shows, changes, moves and deletes it. Every option
# keeps its value, and an invalid value is refused with the kernel's reason and
# changes nothing. A failure means that an operator gets another device than
# requested, or no reason for a refusal.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
shopt -s extglob

# Counters must not change on their own.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1
DEV=$IPSI_DEV
IFLA_LOCAL=1 IFLA_REMOTE=2 IFLA_LINK=3 IFLA_IF_ID=4 IFLA_TTL=6 IFLA_TOS=7
IFLA_DF=8 IFLA_ECN=10 IFLA_FLOWLABEL=11 IFLA_ICMP=13 IFLA_PEER=16
IFLA_POLICIES=17 IFLA_FOREIGN=18 IFLA_MTU_AUTO=19
LEFT_HEX=0a000001 RIGHT_HEX=0a000002

# link_json: print the options as "ip -d -j link show" does
link_json()
{
	local text

	text=$(ipsi_try "$1" ip -d -j link show dev "$DEV")
	text=${text#*\"info_data\":\{}
	echo "${text%%\}*}"
}

# link_words: print the options as "ip -d link show" does: words that "ip link"
# accepts
link_words()
{
	local text

	text=$(ipsi_try "$1" ip -d link show dev "$DEV")
	text=${text#*ipsec-ipip }
	echo "${text%% addrgenmode*}"
}

# link_dump: set STATE to the visible state of the device and its SAs, without
# counters
link_dump()
{
	STATE=$(ipsi_try left ip -d link show dev "$DEV"
		ipsi_try left ipsec-ipip -j show)
	STATE=${STATE//\"tx_@(protocol|no_sa)\":+([0-9])/}
	# The operational state follows the carrier with a delay.
	STATE=${STATE//@(NO-CARRIER,|,LOWER_UP| state +([A-Z]))/}
}

# link_add, link_set OPTION...: make or change the device
link_add()
{
	ipsi_do left ip link add "$DEV" type ipsec-ipip "$@"
}

link_set()
{
	ipsi_do left ip link set "$DEV" type ipsec-ipip "$@"
}

defaults()
{
	ipsi_need jq
	ipsi_topology
	link_add local 10.0.0.1 remote 10.0.0.2
	ipsi_is "$(link_json left)" \
		'"local":"10.0.0.1","remote":"10.0.0.2","if_id":2147483649,"reqid":0,"ttl":0,"tos":"inherit","df":"inherit","ecn":"rfc3168","flowlabel":"inherit","fwmark":0,"roam":false,"keying":"manual","policies":"optional","icmp_relay":true,"mtu_auto":true' \
		"options"
	ipsi_is "$(link_words left)" \
		"local 10.0.0.1 remote 10.0.0.2 if_id 0x80000001 reqid 0 ttl default tos inherit df inherit" \
		"options in words"
	ipsi_is "$(ipsi_try left ip -d -j link show dev "$DEV" | jq -c \
		'.[0] | [.link_type, .operstate, .min_mtu, .max_mtu,
		 (.flags | contains(["POINTOPOINT", "NOARP", "MULTICAST"])),
		 .linkinfo.info_kind]')" \
		'["none","DOWN",68,65515,true,"ipsec-ipip"]' "link"
	# The SPD does not apply; the SAs decide.
	ipsi_is "$(ipsi_try left sysctl -n "net.ipv4.conf.$DEV.disable_policy" \
		"net.ipv4.conf.$DEV.disable_xfrm" | tr '\n' ' ')" "1 1 " \
		"disable_policy and disable_xfrm"

	ipsi_do left ip link del "$DEV"
	ipsi_must_fail "does not exist" left ip link show dev "$DEV"
	ipsi_is "$(ipsi_try left ipsec-ipip -j show)" "[]" "devices"
}

options()
{
	local words

	ipsi_need jq
	ipsi_topology
	link_add local 10.0.0.1 remote 10.0.0.2 dev "$IPSI_WIRE" if_id 0xffffffff \
		reqid 5 ttl 255 tos 0xb8 df set ecn rfc6040 flowlabel hash \
		fwmark 0x99 noicmp-relay
	ipsi_is "$(link_json left)" \
		'"local":"10.0.0.1","remote":"10.0.0.2","link":"eth0","if_id":4294967295,"reqid":5,"ttl":255,"tos":"0xb8","df":"set","ecn":"rfc6040","flowlabel":"hash","fwmark":153,"roam":false,"keying":"manual","policies":"optional","icmp_relay":false,"mtu_auto":true' \
		"options"
	ipsi_try left ip -d -j link show | jq -e . > /dev/null ||
		ipsi_fail "no JSON"
	ipsi_is "$(ipsi_try left ip -j link show dev "$DEV" | jq -r '.[0].link')" \
		"$IPSI_WIRE" "underlay"
	ipsi_is "$(ipsi_try left ipsec-ipip -j show | jq -c '.[0] |
		[.local, .remote, .if_id, .reqid, .ttl, .tos, .df, .ecn,
		 .flowlabel, .fwmark, .icmp_relay, .link]')" \
		'["10.0.0.1","10.0.0.2",4294967295,5,255,"0xb8","set","rfc6040","hash",153,false,"eth0"]' \
		"options as ipsec-ipip shows them"

	# The output is valid input.
	words=$(link_words left)
	ipsi_do left ip link del "$DEV"
	# shellcheck disable=SC2086 # split into words
	link_add $words
	ipsi_is "$(link_words left)" "$words" "options said again"
}

# sas_of_left: print the SAs, without their age
sas_of_left()
{
	ipsi_try left ipsec-ipip sa show keys | grep -v ' old$'
}

# Each option changes on its own, and the SAs stay.
change()
{
	local old new option expected sas

	ipsi_topology
	ipsi_device_side left dev "$IPSI_WIRE" reqid 5 ttl 255 tos 0xb8 df set \
		fwmark 0x99
	sas=$(sas_of_left)
	expected=$(link_words left)

	while IFS='|' read -r option old new; do
		# shellcheck disable=SC2086 # split into words
		link_set $option
		expected=${expected/"$old"/"$new"}
		ipsi_is "$(link_words left)" "$expected" "options after $option"
	done <<-END
		reqid 6|reqid 5|reqid 6
		ttl default|ttl 255|ttl default
		ttl 1|ttl default|ttl 1
		tos 0|tos 0xb8|tos 0x00
		tos inherit|tos 0x00|tos inherit
		df unset|df set|df unset
		df inherit|df unset|df inherit
		nopmtudisc|df inherit|df unset
		pmtudisc|df unset|df set
		ecn off| fwmark| ecn off fwmark
		ecn rfc6040|ecn off|ecn rfc6040
		ecn rfc3168| ecn rfc6040|
		flowlabel zero| fwmark| flowlabel zero fwmark
		flowlabel inherit| flowlabel zero|
		fwmark 0xffffffff|fwmark 0x99|fwmark 0xffffffff
		fwmark 0| fwmark 0xffffffff|
		noicmp-relay| df set| df set noicmp-relay
		icmp-relay| noicmp-relay|
		nodev| dev eth0|
		if_id 7||
		ttl 9 reqid 0 dev eth0|if_id 0x7 reqid 6 ttl 1|dev eth0 if_id 0x7 reqid 0 ttl 9
	END
	ipsi_is "$(sas_of_left)" "$sas" \
		"SAs after the changes"

	# The SAs of the device are those between its endpoints.
	link_set remote 10.0.0.3
	ipsi_has "$(link_words left)" "remote 10.0.0.3 " remote
	ipsi_is "$(ipsi_try left ipsec-ipip -j sa show)" "[]" \
		"SAs of another remote endpoint"
	link_set remote 10.0.0.2
	ipsi_is "$(sas_of_left)" "$sas" \
		"SAs of the first remote endpoint"
}

if_id()
{
	local -a ids
	local id

	ipsi_topology
	ipsi_try left ip -batch - <<-END || ipsi_fail "no devices"
		link add dev-a type ipsec-ipip local 10.0.0.1 remote 10.0.0.2
		link add dev-b type ipsec-ipip local 10.0.0.1 remote 10.0.0.2
		link add dev-c type ipsec-ipip local 10.0.0.1 remote 10.0.0.2 if_id 0x80000003
		link add dev-d type ipsec-ipip local 10.0.0.1 remote 10.0.0.2
		link del dev-a
		link add dev-a type ipsec-ipip local 10.0.0.1 remote 10.0.0.2
	END
	readarray -t ids < <(ipsi_try left ip -d link show type ipsec-ipip |
		grep -o 'if_id 0x[0-9a-f]*' | sort -u)
	ipsi_is "${#ids[@]}" 4 "number of different if_ids"
	# The kernel's choice avoids the ids that users choose.
	for id in "${ids[@]#if_id }"; do
		((id > 0x80000000)) || ipsi_fail "if_id $id was chosen"
	done
	ipsi_must_fail "if_id: in use by another ipsec-ipip device" left \
		ip link add dev-e type ipsec-ipip local 10.0.0.1 remote 10.0.0.2 \
		if_id 0x80000003
	# The other namespace has its own ids.
	ipsi_do right ip link add dev-c type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.1 if_id 0x80000003
}

# refused MESSAGE HOST COMMAND...: check that COMMAND is refused and changes
# nothing
refused()
{
	local before=$STATE

	ipsi_must_fail "$@"
	link_dump
	ipsi_is "$STATE" "$before" "state after a refusal"
}

# all_refused COMMAND: check that "ip COMMAND" refuses each of the options in
# $BAD with its message, and that nothing has changed after them
all_refused()
{
	local message options expected='' commands='' before=$STATE number=0

	while IFS='|' read -r message options; do
		# the options that a new link requires
		[[ $1 != *add* || $options == *local* ]] ||
			options="local 10.0.0.1 $options"
		[[ $1 != *add* || $options == *remote* ]] ||
			options="remote 10.0.0.2 $options"
		commands+="$1 type ipsec-ipip $options"$'\n'
		expected+="Error: $message."$'\n'
		expected+="Command failed -:$((++number))"$'\n'
	done <<< "$BAD"
	echo "left: ip -force -batch, all refused: ${commands//$'\n'/; }"
	ipsi_is "$(ipsi_try left ip -force -batch - <<< "${commands%$'\n'}" 2>&1)" \
		"${expected%$'\n'}" "messages"
	link_dump
	ipsi_is "$STATE" "$before" "state after these refusals"
}

# Options that are invalid for a new and an existing link.
BAD='local: expected a unicast IPv4 address|local 0.0.0.0
local: expected a unicast IPv4 address|local 224.0.0.5
local: expected a unicast IPv4 address|local 255.255.255.255
remote: expected an address, or roam to learn it|remote 0.0.0.0
remote: expected a unicast IPv4 address|remote 239.255.255.250
remote: expected a unicast IPv4 address|remote 255.255.255.255
remote: expected an address of the family of local|remote 2001:db8::2
remote: expected an address other than local|local 10.0.0.5 remote 10.0.0.5
remote: is an address of this host|local 10.0.0.5 remote 10.0.0.1
remote: is an address of this host|remote 127.0.0.1
remote: is a broadcast address|remote 10.0.0.255
dev: no such device|dev if4711
if_id: expected 1 to 0xffffffff|if_id 0
tos: expected 1 (inherit), or a DSCP with the two ECN bits clear|tos 0x03
tos: expected 1 (inherit), or a DSCP with the two ECN bits clear|tos 0xb9
remote: is a broadcast address|ttl 3 df unset tos 4 remote 10.0.0.255'

# In a new namespace no device is up, and there are no addresses.
namespace_is_new()
{
	unshare --net ip link add "$IPSI_DEV" type ipsec-ipip local 10.0.0.1 \
		remote 10.0.0.2 || ipsi_fail "no device in a new namespace"
}

# R85
bad_values()
{
	ipsi_topology
	ipsi_device_side left reqid 5 ttl 255 tos 0xb8 df set fwmark 0x99
	# The automatic MTU would follow the SAs with a delay.
	ipsi_do left ip link set "$DEV" mtu 1400
	ipsi_do left ip link add other type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.9 if_id 9
	link_dump

	all_refused "link set $DEV"
	all_refused "link add new"
	BAD='if_id: cannot be changed, make another link|if_id 8
if_id: cannot be changed, make another link|ttl 3 if_id 9
dev: expected a device other than this one|dev ipsec0
local: expected an address of the family of remote|local 2001:db8::1'
	all_refused "link set $DEV"
	ipsi_do left ip address add 2001:db8::9/64 dev "$IPSI_WIRE" nodad
	BAD='if_id: in use by another ipsec-ipip device|if_id 9
local: expected a unicast IPv6 address|local :: remote 2001:db8::2
local: expected a unicast IPv6 address|local ff02::1 remote 2001:db8::2
local: expected a unicast IPv6 address|local ::ffff:10.0.0.1 remote 2001:db8::2
remote: expected an address, or roam to learn it|local 2001:db8::1 remote ::
remote: expected a unicast IPv6 address|local 2001:db8::1 remote ff02::1
remote: expected an address of the family of local|local 2001:db8::1 remote 10.0.0.2
remote: expected an address of the family of local|local 10.0.0.1 remote 2001:db8::2
remote: expected an address other than local|local 2001:db8::1 remote 2001:db8::1
remote: is an address of this host|local 2001:db8::1 remote 2001:db8::9
remote: is an address of this host|local 2001:db8::1 remote ::1
dev: required with a link-local address|local fe80::1 remote 2001:db8::2
dev: required with a link-local address|local 2001:db8::1 remote fe80::2'
	all_refused "link add new"
	BAD='if_id: in use by another ipsec-ipip device|if_id 7'
	all_refused "link add new"

	refused "the link \"$DEV\" exists: change it with" left ip link add "$DEV" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2
	refused "mtu less than device minimum" left \
		ip link set "$DEV" mtu 67
	refused "mtu greater than device maximum" left \
		ip link set "$DEV" mtu 65516
	# ip refuses these.
	refused "ttl must be a number up to 255" left \
		ip link set "$DEV" type ipsec-ipip ttl 256
	refused 'argument "remote" is required' left \
		ip link add new type ipsec-ipip local 10.0.0.1
}

# The kernel also refuses values that ip does not send.
bad_netlink()
{
	local raw=$IPSI_LIB/rtnl.py both

	ipsi_need python3
	ipsi_topology
	ipsi_device_side left reqid 5 ttl 255 tos 0xb8 df set fwmark 0x99
	ipsi_do left ip link set "$DEV" mtu 1400
	link_dump
	both="$IFLA_LOCAL=$LEFT_HEX $IFLA_REMOTE=$RIGHT_HEX"

	refused "local: required" left "$raw" new new
	refused "local: required" left "$raw" new new "$IFLA_REMOTE=$RIGHT_HEX"
	refused "remote: required" left "$raw" new new "$IFLA_LOCAL=$LEFT_HEX"
	refused "local: expected an IPv4 or IPv6 address" left \
		"$raw" set "$DEV" "$IFLA_LOCAL=0a0000"
	refused "remote: expected an IPv4 or IPv6 address" left \
		"$raw" set "$DEV" "$IFLA_REMOTE="
	refused "df: expected 0 (unset), 1 (set) or 2 (inherit)" left \
		"$raw" set "$DEV" "$IFLA_DF=03"
	refused "ecn: expected 0 (rfc3168), 1 (rfc6040) or 2 (off)" left \
		"$raw" set "$DEV" "$IFLA_ECN=03"
	refused "flowlabel: expected 0 (inherit), 1 (hash) or 2 (zero)" left \
		"$raw" set "$DEV" "$IFLA_FLOWLABEL=03"
	refused "icmp: expected 0 (errors are ignored) or 1 (passed on)" left \
		"$raw" set "$DEV" "$IFLA_ICMP=02"
	refused "policies: expected 0 (optional) or 1 (required)" left \
		"$raw" set "$DEV" "$IFLA_POLICIES=02"
	refused "tos: expected 1 (inherit)" left \
		"$raw" set "$DEV" "$IFLA_TTL=09" "$IFLA_TOS=02"
	refused "dev: no such device" left \
		"$raw" set "$DEV" "$IFLA_LINK=ffffffff"
	refused "invalid attribute length" left \
		"$raw" set "$DEV" "$IFLA_IF_ID=07"
	# Bytes after the number are not ignored.
	refused "invalid attribute length" left \
		"$raw" set "$DEV" "$IFLA_TTL=0909"
	refused "invalid attribute length" left \
		"$raw" set "$DEV" "$IFLA_LINK=0200000000000000"
	# read-only attributes
	refused "Attribute failed policy validation" left \
		"$raw" set "$DEV" "$IFLA_PEER=$RIGHT_HEX"
	refused "Attribute failed policy validation" left \
		"$raw" set "$DEV" "$IFLA_FOREIGN="
	# The tool can also make a valid request.
	# shellcheck disable=SC2086 # split into words
	ipsi_do left "$raw" new new $both "$IFLA_IF_ID=08000000"
	ipsi_do left "$raw" set "$DEV" "$IFLA_DF=02" "$IFLA_TTL=09"
	ipsi_has "$(link_words left)" "ttl 9 tos 0xb8 df inherit" "options"
}

mtu_is()
{
	[[ $(ipsi_try left ip link show dev "$DEV") == *" mtu $1 "* ]]
}

# expect_mtu NAME UNDERLAY IV BLOCK ICV: check that the MTU is the size of the
# largest inner packet which, with the outer header and ESP (RFC 4303 section 2:
# SPI and sequence number, IV, the packet and two bytes padded to whole blocks,
# ICV), does not exceed the underlay's MTU
expect_mtu()
{
	local size
	local -i underlay=$2 iv=$3 block=$4 icv=$5

	for ((size = underlay; size > 0; size--)); do
		((20 + 8 + iv + (size + 2 + block - 1) / block * block + icv <=
		  underlay)) && break
	done
	ipsi_wait "MTU $size with $1" mtu_is "$size"
}

# An MTU that was set by hand stays, until "mtu auto" makes it follow again.
mtu_auto()
{
	ipsi_need python3
	ipsi_topology
	ipsi_device_side left
	ipsi_wait "MTU" mtu_is 1438
	ipsi_do left ip link set "$DEV" mtu 1400
	ipsi_do left ip link set "$DEV" type ipsec-ipip ttl 9
	ipsi_is "$(ipsi_get left mtu_auto)" false "automatic after mtu 1400"
	ipsi_do left ip link set "$IPSI_WIRE" mtu 1450
	ipsi_do left ip link set "$DEV" type ipsec-ipip mtu auto
	ipsi_is "$(ipsi_get left mtu_auto)" true "automatic after mtu auto"
	ipsi_wait "MTU of the route and the SA" mtu_is 1374
	ipsi_do left ip link set "$IPSI_WIRE" mtu 1500
	ipsi_wait "MTU that follows" mtu_is 1438
	ipsi_do left "$IPSI_LIB/rtnl.py" set "$DEV" "$IFLA_MTU_AUTO=00"
	ipsi_is "$(ipsi_get left mtu_auto)" false "automatic after 0"
	mtu_is 1438 || ipsi_fail "the MTU has changed"
	link_dump
	refused "mtu: expected 1 (automatic) or 0 (as it is)" left \
		"$IPSI_LIB/rtnl.py" set "$DEV" "$IFLA_MTU_AUTO=02"
	ipsi_do left ip link add other mtu 1300 type ipsec-ipip mtu auto \
		local 10.0.0.1 remote 10.0.0.9
	ipsi_is "$(ipsi_json "$(ipsi_try left ipsec-ipip -j show other)" \
		mtu_auto)" false "automatic with an MTU"
}

# R73
mtu_of_sa()
{
	local gcm=0x00112233445566778899aabbccddeeff00112233
	local sha=0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff

	ipsi_topology
	ipsi_device left
	mtu_is 1500 && ipsi_fail "without an SA there is no room for one"

	mtu_sa()
	{
		ipsi_do left ipsec-ipip -q sa add "$DEV" out spi "$@"
	}
	mtu_sa 0x1001 aead 'rfc4106(gcm(aes))' "$gcm" 128
	expect_mtu GCM 1500 8 4 16
	mtu_sa 0x1002 enc 'cbc(aes)' "${IPSI_ENC_KEY[left]}" \
		auth-trunc 'hmac(sha256)' "$sha" 128
	expect_mtu "CBC and SHA-256" 1500 16 16 16
	mtu_sa 0x1003 aead 'rfc4106(gcm(aes))' "$gcm" 64
	expect_mtu "GCM, short ICV" 1500 8 4 8
	mtu_sa 0x1004 enc 'ecb(cipher_null)' '' auth 'hmac(sha512)' "$sha"
	expect_mtu "null cipher and SHA-512" 1500 0 4 32
	mtu_sa 0x1005 aead 'rfc4106(gcm(aes))' "$gcm" 128 \
		encap espinudp 4500 4500
	expect_mtu "GCM in UDP" $((1500 - 8)) 8 4 16
	# RFC 4302: twelve bytes and the ICV, to a multiple of eight in Linux
	mtu_sa 0x1006 proto ah auth 'hmac(sha256)' "$sha"
	ipsi_wait "MTU with AH" mtu_is $((1500 - 20 - (12 + 16 + 4)))
	# The SA in use counts, not the newest.
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 0x1002
	expect_mtu "CBC and SHA-256 pinned" 1500 16 16 16

	ipsi_is "$(ipsi_get left mtu_auto)" true mtu_auto
}

# R73
mtu_of_route()
{
	ipsi_topology
	ipsi_device_side left
	expect_mtu "CBC and SHA-256" 1500 16 16 16
	ipsi_do left ip link set "$IPSI_WIRE" mtu 1450
	expect_mtu "a smaller underlay" 1450 16 16 16
	ipsi_do left ip route add 10.0.0.2/32 dev "$IPSI_WIRE" mtu 1400
	# A packet detects the change.
	ipsi_send left
	expect_mtu "a smaller route" 1400 16 16 16
	# IPv6 requires this size; the outer packets are fragmented.
	ipsi_do left ip route del 10.0.0.2/32 dev "$IPSI_WIRE"
	ipsi_do left ip link set "$IPSI_WIRE" mtu 1300
	ipsi_wait "MTU 1280" mtu_is 1280
}

mtu_by_hand()
{
	ipsi_topology
	ipsi_device_side left
	ipsi_do left ip link set "$DEV" mtu 1280
	ipsi_is "$(ipsi_get left mtu_auto)" false mtu_auto
	ipsi_do left ipsec-ipip -q sa add "$DEV" out spi 0x1001 \
		aead 'rfc4106(gcm(aes))' 0x00112233445566778899aabbccddeeff00112233 128
	link_set ttl 64
	# When the MTU of another device has followed, the pending work has run.
	ipsi_do left ip link add second type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id 8
	ipsi_do left ip link set second up
	DEV=second
	ipsi_do left ipsec-ipip sa add second out spi 0x1002 \
		enc 'cbc(aes)' "${IPSI_ENC_KEY[left]}" \
		auth-trunc 'hmac(sha256)' "${IPSI_AUTH_KEY[left]}" 128
	expect_mtu "CBC and SHA-256" 1500 16 16 16
	DEV=$IPSI_DEV
	mtu_is 1280 || ipsi_fail "the MTU did not stay"

	# set by hand at creation
	ipsi_do left ip link add third mtu 1000 type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2
	ipsi_is "$(ipsi_get left mtu third) $(ipsi_get left mtu_auto third)" \
		"1000 false" "mtu, mtu_auto"
	# the minimum of IPv4, and the maximum
	ipsi_do left ip link set third mtu 68
	ipsi_do left ip link set third mtu 65515
}

# The device is in one namespace, its underlay and its SAs are in another.
netns()
{
	local app

	ipsi_topology
	setup_ns app
	ipsi_like app left
	ipsi_tunnel_side right
	ipsi_do left ip link add "$DEV" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id 7
	ipsi_device_sa left in
	ipsi_do left ip link set "$DEV" netns "$app"
	ipsi_must_fail "no such device" left ipsec-ipip show "$DEV"
	ipsi_device_sa app out
	ipsi_up app
	ipsi_ping app
	ipsi_ping right

	ipsi_is "$(ipsi_try left ip xfrm state | grep -c 'if_id 0x7')" 2 \
		"SAs in the namespace of the underlay"
	ipsi_is "$(ipsi_try app ip xfrm state)" "" \
		"SAs in the namespace of the device"
	ipsi_has "$(ipsi_try app ip link show dev "$DEV")" "link-netns" "link"
	# Changes are validated in the namespace of the underlay.
	ipsi_must_fail "remote: is an address of this host" app \
		ip link set "$DEV" type ipsec-ipip local 10.0.0.9 remote 10.0.0.1
	ipsi_do app ip link set "$DEV" type ipsec-ipip ttl 9
	ipsi_ping app
	ipsi_do app ip link del "$DEV"

	# Make the device there directly; ip needs the id that the other
	# namespace got by the move.
	ipsi_do app ip link add "$DEV" link-netns "$left" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id 7
	ipsi_device_sa app out
	ipsi_device_sa app in
	ipsi_up app
	ipsi_ping app
	# Move it back.
	ipsi_do app ip link set "$DEV" netns "$left"
	ipsi_up left
	ipsi_ping left
}

# Names and indexes of devices belong to the namespace of the underlay.
netns_dev()
{
	local app words index

	ipsi_topology
	setup_ns app
	ipsi_do left ip link add far type dummy
	index=$(ip -n "$left" -o link show dev far | cut -d: -f1)
	# In the device's new namespace, other devices have that index and that
	# name.
	ipsi_do app ip link add here index "$index" type dummy
	ipsi_do app ip link add eth0 index 77 type dummy
	link_add local 10.0.0.1 remote 10.0.0.2 dev far
	ipsi_is "$(link_words left)" \
		"local 10.0.0.1 remote 10.0.0.2 dev far if_id 0x80000001 reqid 0 ttl default tos inherit df inherit" \
		"options"
	ipsi_do left ip link set "$DEV" netns "$app"
	words=$(link_words app)
	ipsi_has "$words" " dev if$index " "options elsewhere"
	ipsi_has "$(ipsi_try app ipsec-ipip show "$DEV")" \
		"underlay: far in another namespace" "underlay"

	ipsi_do app ip link set "$DEV" type ipsec-ipip dev eth0
	ipsi_has "$(ipsi_try app ipsec-ipip show "$DEV")" \
		"underlay: eth0 in another namespace" "underlay"
	ipsi_must_fail "dev must be the name of a device in the namespace of the underlay" \
		app ip link set "$DEV" type ipsec-ipip dev here
	# The output is valid input.
	# shellcheck disable=SC2086 # split into words
	ipsi_do app ip link set "$DEV" type ipsec-ipip $words
	ipsi_is "$(link_words app)" "$words" "options said again"
	ipsi_must_fail "offload: here: No such device" app ipsec-ipip -q sa add \
		"$DEV" out spi 0x1001 enc 'cbc(aes)' "${IPSI_ENC_KEY[left]}" \
		auth 'hmac(sha256)' "${IPSI_AUTH_KEY[left]}" \
		offload crypto dev here
	ipsi_must_fail "expected a device that offloads this SA" app \
		ipsec-ipip -q sa add "$DEV" out spi 0x1001 \
		enc 'cbc(aes)' "${IPSI_ENC_KEY[left]}" \
		auth 'hmac(sha256)' "${IPSI_AUTH_KEY[left]}" \
		offload crypto dev far

	ipsi_do app ip link add second link-netns "$left" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.9 dev far
	DEV=second
	ipsi_has "$(link_words app)" " dev if$index " "a link made elsewhere"
	# A device that is made here for the other namespace takes all names
	# from here.
	ipsi_do left ip link add third netns "$app" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.8 dev far
	DEV=third
	ipsi_has "$(link_words app)" " dev if$index " "a link made for elsewhere"
}

# Without IPv6 in the namespace, IPv4 works as usual.
ipv6_is_off()
{
	local send='
import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
s.bind(("ipsec0", 0x86dd))
for size in 8, 1400, 3000:
    s.sendto(struct.pack("!IHBB", 6 << 28, size, 17, 64)
             + bytes.fromhex("fd020000000000000000000000000001")
             + bytes.fromhex("fd010000000000000000000000000001")
             + struct.pack("!HHHH", 9, 9, size, 0) + bytes(size - 8),
             ("ipsec0", 0x86dd))
'

	ipsi_need python3
	ipsi_topology
	ipsi_try left sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
		net.ipv6.conf.default.disable_ipv6=1
	ipsi_device_side left
	ipsi_tunnel_side right
	ipsi_ping left
	ipsi_do left ip link set "$DEV" mtu 4000
	ipsi_do left python3 -c "$send"
	ipsi_ping right
	# There are no addresses, so packets are dropped.
	DEV=six
	link_add local fd00::1 remote fd00::2
	ipsi_do left ip link set six up
	ipsi_do left ipsec-ipip -q sa add six out spi 0x1001 \
		enc 'cbc(aes)' "${IPSI_ENC_KEY[left]}" \
		auth 'hmac(sha256)' "${IPSI_AUTH_KEY[left]}"
	ipsi_do left ip route add 192.0.2.1 dev six
	ipsi_try left ping -c 1 -W 1 -I 10.0.0.1 192.0.2.1 &&
		ipsi_fail "an answer from nowhere"
	ipsi_has_not "$(ipsi_stat left tx_no_route six)" null "counter"
	ipsi_is "$(($(ipsi_stat left tx_no_route six) > 0))" 1 "tx-no-route"
}

unprivileged()
{
	local jail

	ipsi_topology
	ipsi_device_side left
	ipsi_do left ip link set "$DEV" mtu 1400
	link_dump
	refused "Operation not permitted" left unshare -U \
		ip link add new type ipsec-ipip local 10.0.0.1 remote 10.0.0.2
	refused "Operation not permitted" left unshare -U \
		ip link set "$DEV" type ipsec-ipip ttl 9
	refused "Operation not permitted" left unshare -U ip link del "$DEV"

	# The owner of a moved device may change the device, but not the
	# namespace of its underlay.
	ipsi_jail left jail
	ipsi_do left ip link set "$DEV" netns "${jail#pid:}"
	ipsi_must_fail \
		"CAP_NET_ADMIN required in the namespace of the underlay" jail \
		ip link set "$DEV" type ipsec-ipip remote 10.0.0.9
	ipsi_must_fail "CAP_NET_ADMIN required" jail \
		ip link set "$DEV" type ipsec-ipip ttl 9
	ipsi_has "$(ipsi_try jail ip -d link show "$DEV")" \
		"ipsec-ipip (underlay not shown without CAP_NET_ADMIN there) ttl default tos inherit" \
		"options"
	ipsi_do jail ip link set "$DEV" mtu 1300
	ipsi_do jail ip link set "$DEV" up
	# The owner now has an id for that namespace, but cannot make a link
	# there.
	ipsi_must_fail "Operation not permitted" jail ip link add other \
		link-netnsid 0 type ipsec-ipip local 10.0.0.1 remote 10.0.0.9
}

ipsi_run defaults options change if_id bad_values namespace_is_new bad_netlink \
	mtu_of_sa mtu_of_route mtu_by_hand mtu_auto netns netns_dev ipv6_is_off \
	unprivileged
