#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library for inner IPv6 with policies without if_id; "ip xfrm" takes the place
# of the daemon. Sourced after ipsi.sh.
#
#   lan ------------- left ======================= right
#   fd01::3     fd01::1 (device)        fd02::1 (tunnel mode)

# shellcheck disable=SC2034 # for ipsi_quiet()
IPSI_QUIET=1
DEV=$IPSI_DEV
SPD6_REQID=16389
SPD6_LAN=fd01::3

# spd6_policies HOST HERE THERE "DIR..." [OPTION...]: add the policies of HOST's
# daemon
spd6_policies()
{
	local host=$1 here=$2 there=$3 dirs=$4 peer dir
	local -a flow ends
	shift 4

	peer=${IPSI_PEER[$host]}
	for dir in $dirs; do
		flow=(src "$there" dst "$here")
		ends=(src "${IPSI_OUTER[$peer]}" dst "${IPSI_OUTER[$host]}")
		if [ "$dir" = out ]; then
			flow=(src "$here" dst "$there")
			ends=(src "${IPSI_OUTER[$host]}"
			      dst "${IPSI_OUTER[$peer]}")
		fi
		ipsi_do "$host" ip xfrm policy add dir "$dir" "${flow[@]}" \
			"$@" tmpl "${ends[@]}" proto esp reqid "$SPD6_REQID" \
			mode tunnel
	done
}

# spd6_sa HOST DIR [OPTION...]: add an SA for both inner families
spd6_sa()
{
	ipsi_daemon_sa "$1" "$2" reqid $SPD6_REQID flag af-unspec "${@:3}"
}

# spd6_gateway: set up the right, in tunnel mode
spd6_gateway()
{
	ipsi_inner right
	spd6_sa right out
	spd6_sa right in
	spd6_policies right fd02::/64 fd01::/64 "out in fwd"
	# Any route will do, because the policy selects the packets.
	ipsi_do right ip route add fd01::/64 dev "$IPSI_WIRE" src fd02::1
}

# spd6_host NAME ADDRESS LINK: make a host with its own link to the left, which
# is its router; both know each other's link address
spd6_host()
{
	local name=$1 address=$2 link=02:00:00:00:0$3:0

	setup_ns "$name" || ipsi_skip "no network namespaces here"
	ipsi_shell "$name"
	# shellcheck disable=SC2154 # set by setup_ns
	ip link add eth0 netns "${!name}" address "${link}3" type veth \
		peer name "$name" netns "$left" address "${link}1" ||
		ipsi_fail "no veth pair"
	ip -n "${!name}" -batch - <<-END || ipsi_fail "no addresses"
		address add $address/128 dev eth0 nodad
		link set eth0 up
		neighbour add fe80::1 lladdr ${link}1 dev eth0
		route add default via fe80::1 dev eth0
	END
	ipsi_do left ip link set "$name" up
}

# spd6_lan: make a host behind the left
spd6_lan()
{
	spd6_host lan $SPD6_LAN 0
	ipsi_do left ip route add $SPD6_LAN dev lan
	ipsi_do left ip neighbour add $SPD6_LAN dev lan \
		lladdr 02:00:00:00:00:03
	ipsi_try left sysctl -qw net.ipv6.conf.all.forwarding=1
}

# spd6_listen: capture the wire
spd6_listen()
{
	SPD6_WIRE=$IPSI_TMP/wire
	ipsi_capture_start left "$SPD6_WIRE"
}

# spd6_finish: check that only ESP left the host, all of it with SAs, and that
# no state could send without an SPI
spd6_finish()
{
	ipsi_capture_stop
	[ -s "$SPD6_WIRE" ] || ipsi_fail "$SPD6_WIRE is empty"
	ipsi_none "$SPD6_WIRE" 'net fd01::/64 or net fd02::/64 or ip proto 41 or
		ip6 proto 41' "inner packets on the wire"
	ipsi_none "$SPD6_WIRE" '(ip proto 50 and ip[20:4] = 0) or
		(ip6 proto 50 and ip6[40:4] = 0)' "ESP without an SPI"
	! LC_ALL=C grep -aqP '\xfd\x0[12]\0{13}' "$SPD6_WIRE" ||
		ipsi_fail "an inner address on the wire"
	spd6_no_spi_0
}

# spd6_no_spi_0: check that states left by an acquire have no key
spd6_no_spi_0()
{
	# shellcheck disable=SC2154 # set by setup_ns
	! ip -n "$left" xfrm state | grep -A 4 'spi 0x00000000 ' |
		grep -qE '^\s*(aead|enc|auth)' ||
		ipsi_fail "a state that can send has no SPI"
}

# spd6_echoes HOST: print the number of received echo requests
spd6_echoes()
{
	ipsi_try "$1" cat /proc/net/snmp6 |
		awk '$1 == "Icmp6InEchos" { print $2 }'
}

# spd6_arrived N: check that N echo requests have arrived at the right since the
# last call
spd6_arrived()
{
	local now

	now=$(spd6_echoes right)
	ipsi_is $((now - ${SPD6_ARRIVED:-0})) "$1" "requests to the right"
	SPD6_ARRIVED=$now
}
