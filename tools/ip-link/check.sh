#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# check.sh PLUGIN: check that PLUGIN works with the installed ip(8), or the one
# that IP= names. If ip lacked a helper, it would not load the plug-in, and only
# print "Garbage instead of arguments". Needs no kernel module.
set -u

plugin=$1
failed=0

fail()
{
	echo "FAIL: $*" >&2
	failed=1
}

ip=$(command -v "${IP:-ip}") || { echo "SKIP: ip(8) is missing" >&2; exit 0; }
ip=$(readlink -f "$ip")

nm -D --defined-only "$plugin" | grep -q ' ipsec-ipip_link_util$' ||
	fail "$plugin does not export ipsec-ipip_link_util"

exported=$(nm -D --defined-only "$ip" | awk '{ print $3 }')
# Symbols with a version belong to the C library; weak ones may be missing.
for symbol in $(nm -D --undefined-only "$plugin" |
		awk '$1 == "U" && $2 !~ /@/ { print $2 }'); do
	echo "$exported" | grep -qx "$symbol" ||
		fail "$ip has no $symbol"
done

export IP_LIB_DIR="${plugin%/*}"

"$ip" link help ipsec-ipip | grep -q '^Usage: \.\.\. ipsec-ipip' ||
	fail "ip link help ipsec-ipip does not show our help"

# refused MESSAGE WORD...: ip must refuse these words with this message
refused()
{
	message=$1
	shift
	output=$("$ip" link add ipsi0 type ipsec-ipip "$@" 2>&1) &&
		fail "accepted: $*"
	[ "$output" = "$message" ] || fail "$*: \"$output\" instead of \"$message\""
}

refused 'ipsec-ipip: unknown option "colour": "ip link help ipsec-ipip" lists the options' \
	local 192.0.2.1 colour red
refused 'ipsec-ipip: unknown option "remot": did you mean "remote"?' \
	local 192.0.2.1 remot 192.0.2.2
refused 'Error: argument "192.0.2.1/24" is wrong: local must be an IP address without a prefix length' \
	local 192.0.2.1/24
refused 'Error: argument "host" is wrong: remote must be an IP address' \
	local 192.0.2.1 remote host
refused 'ipsec-ipip: unknown option "up": it is an option of the link, and goes before "type ipsec-ipip"' \
	local 192.0.2.1 up
refused 'Error: argument "1400" is wrong: mtu must be "auto" here; a number goes before "type ipsec-ipip"' \
	local 192.0.2.1 mtu 1400
refused 'Error: argument "remote" is required' local 192.0.2.1
refused 'Error: argument "local" is required' remote 192.0.2.1
refused 'Command line is not complete. Try option "help"' local
refused 'Error: duplicate "ttl": "2" is the second value.' ttl 1 ttl 2
refused 'Error: duplicate "nopmtudisc": "nopmtudisc" is the second value.' \
	df set nopmtudisc
refused 'Error: argument "any" is wrong: local must be an IP address' local any
refused 'Error: argument "nosuch0" is wrong: dev must be the name of a device in the namespace of the underlay' \
	dev nosuch0
for value in -1 1x 0x '' 4294967296 +1; do
	refused "Error: argument \"$value\" is wrong: if_id must be a number up to 4294967295" \
		if_id "$value"
done
refused 'Error: argument "256" is wrong: ttl must be a number up to 255' ttl 256
refused 'Error: argument "0" is wrong: ttl must be 1 to 255, or "default"' ttl 0
refused 'Error: argument "100" is wrong: tos must be "inherit", two hex digits, or a name in rt_dsfield' \
	tos 100
refused 'Error: argument "yes" is wrong: df must be "unset", "set" or "inherit"' \
	df yes
refused 'Error: argument "ike" is wrong: keying must be "manual", "adopt" or "adopt-endpoints"' \
	keying ike
refused 'Error: argument "no" is wrong: policies must be "optional" or "required"' \
	policies no

# refused_name MESSAGE NAME: the same for a link with this name
refused_name()
{
	output=$("$ip" link add "$2" type ipsec-ipip local 192.0.2.1 \
		remote 192.0.2.2 2>&1) && fail "accepted: $2"
	[ "$output" = "$1" ] || fail "$2: \"$output\" instead of \"$1\""
}

refused_name 'ipsec-ipip: "ipsec0123456789abcdef" is not a name for a link: at most 15 characters expected' \
	ipsec0123456789abcdef
refused_name 'ipsec-ipip: the link "lo" exists: change it with "ip link set lo type ipsec-ipip ...", or delete it with "ip link del lo"' \
	lo

[ "$failed" = 0 ] && echo "ip-link: the plug-in works with $("$ip" -V)"
exit "$failed"
