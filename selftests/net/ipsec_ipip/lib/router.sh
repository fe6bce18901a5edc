#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library of the routing tests, in addition to ipsi.sh: routers on one LAN, and
# ipsec-ipip links between them.
#
#     r1      r2      r3      r4       each with eth0 and 10.0.0.N, or fd00::N
#      |       |       |       |       if IPSI_LAN is "fd00::"
#   ===+=======+=======+=======+===    the bridge br0, in the namespace "lan"
#
# A link between router N and router M is the device "toM" on the one and "toN"
# on the other, with the inner addresses 192.168.NM.N and 192.168.NM.M, the
# smaller number first; its IPv6 addresses are link-local. Every router has
# 192.168.N.N and 2001:db8::N on its loopback.
#
# Forks are slow in an emulated machine, so commands for ip(8) are batched.

IPSI_LAN=10.0.0.	# prefix of the outer addresses

# ipsi_batch HOST: run the "ip" commands on standard input
ipsi_batch()
{
	local host=$1 text

	IFS= read -r -d '' text || :
	echo "$host: ip -batch - <<END"
	echo "${text}END"
	ip -n "${!host}" -batch - <<< "$text" || ipsi_fail "commands of ip"
}

# ipsi_inner_of N M: print the inner address of router N on its link to M
ipsi_inner_of()
{
	local net=$1$2

	[ "$1" -lt "$2" ] || net=$2$1
	echo "192.168.$net.$1"
}

# ipsi_lan N...: make the routers r$N on one LAN. Over IPv4, the hosts' own IPv6
# packets and those of the bridge, which joins groups, are switched off: all
# packets but ARP come from the links.
ipsi_lan()
{
	local n host off=0 length=64
	local text="link add br0 type bridge mcast_snooping 0"$'\n'

	[[ $IPSI_LAN == *:* ]] || off=1 length=24
	setup_ns lan "${@/#/r}" || ipsi_skip "no network namespaces here"
	ipsi_shell lan "${@/#/r}"
	for n in "$@"; do
		host=r$n
		text+="link add $host type veth peer name eth0 netns ${!host}"
		text+=$'\n'"link set $host master br0 up"$'\n'
	done
	ipsi_try lan sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_batch lan <<< "${text}link set br0 up"
	for n in "$@"; do
		ipsi_try "r$n" sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1 \
			net.ipv6.conf.eth0.disable_ipv6=$off \
			net.ipv6.conf.eth0.accept_dad=0
		ipsi_batch "r$n" <<-END
			address add $IPSI_LAN$n/$length dev eth0
			link set eth0 up
			address add 192.168.$n.$n/32 dev lo
			address add 2001:db8::$n/128 dev lo
			link set lo up
		END
		ipsi_record "r$n" eth0
	done
}

# ipsi_state FROM TO SPI IF_ID [OPTION...]: print the words of "ip xfrm state"
# for an SA. Both ends derive the key from the SPI, so each SPI may be used only
# once.
ipsi_state()
{
	local from=$1 to=$2 spi=$3 if_id=$4
	shift 4

	printf '%s %s' "src $from dst $to proto esp spi $spi if_id $if_id" \
		"mode transport aead rfc4106(gcm(aes)) "
	printf '0x%040x 128 %s\n' "$spi" "$*"
}

# ipsi_spi N M: print the SPI with which router N sends to M
ipsi_spi()
{
	printf '0x%x' $((0x1000 + 16 * $1 + $2))
}

# ipsi_ends N M...: make router N's ends of the links to M
ipsi_ends()
{
	local n=$1 m
	shift

	for m in "$@"; do
		ipsi_end "$n" "$m" "$IPSI_LAN$n" "$IPSI_LAN$m"
	done
}

ipsi_end()
{
	local n=$1 m=$2 local=$3 remote=$4 if_id=$((100 + $2))

	ipsi_batch "r$n" <<-END
		link add to$m type ipsec-ipip local $local remote $remote if_id $if_id
		xfrm state add $(ipsi_state "$remote" "$local" "$(ipsi_spi "$m" "$n")" $if_id)
		xfrm state add $(ipsi_state "$local" "$remote" "$(ipsi_spi "$n" "$m")" $if_id)
		address add $(ipsi_inner_of "$n" "$m")/24 dev to$m
		link set to$m up
	END
}

# ipsi_leads HOST ADDRESS DEVICE...: true if HOST has a route to exactly this
# address, by exactly these devices, in alphabetical order
ipsi_leads()
{
	local host=$1 address=$2 family=-4 word before='' devices=''
	shift 2

	[[ $address != *:* ]] || family=-6
	for word in $(ip "$family" -n "${!host}" route show "$address"); do
		[ "$before" != dev ] || devices+=$word$'\n'
		before=$word
	done
	devices=$(sort <<< "${devices%$'\n'}")
	[ "${devices//$'\n'/ }" = "$*" ]
}

# ipsi_seconds_since START: print the time since $EPOCHREALTIME was START
ipsi_seconds_since()
{
	local us=$((${EPOCHREALTIME/./} - ${1/./}))

	printf '%d.%03d s' $((us / 1000000)) $((us / 1000 % 1000))
}
