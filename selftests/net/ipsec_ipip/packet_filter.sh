#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Packet filters on the right: inner packets pass through the hooks of the
# device, outer packets through those of the underlay, and never the other way
# round, so that both can be filtered.
#
#   left ------------ right ------------ client
#   ipsec0            ipsec0, eth0
#
# A failure means that a firewall does not see the packets that it should drop,
# or drops others.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1
DEV=$IPSI_DEV
# Size of the data in pings. Only packets of this size and more are counted,
# because the hosts send multicast listener reports at any time.
SIZE=300
declare -A CLIENT=([4]=192.168.3.2 [6]=fd03::2)

# filter_topology FAMILY: set up the hosts, with this family inside and outside
filter_topology()
{
	local net=${CLIENT[$1]%2} length=24

	[ "$1" = 4 ] || length=64
	ipsi_need nft
	ipsi_families "$1" "$1"
	ipsi_topology
	setup_ns client || ipsi_skip "no network namespaces here"
	ipsi_shell client
	ipsi_quiet client
	ipsi_device_side left
	ipsi_device_side right
	ip -n "${right:?}" -batch - <<-END || ipsi_fail "no client"
		link add client type veth peer name eth0 netns ${client:?}
		address add ${net}1/$length dev client $(nodad "$1")
		address add fe80::1/64 dev client nodad
		link set client up
	END
	ip -n "$client" -batch - <<-END || ipsi_fail "no client"
		address add ${net}2/$length dev eth0 $(nodad "$1")
		address add fe80::2/64 dev eth0 nodad
		link set eth0 up
		route add default via ${net}1
	END
	ip -n "${left:?}" route add "${net}0/$length" dev "$DEV" ||
		ipsi_fail "no route to the client"
	ipsi_try right sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
}

nodad()
{
	[ "$1" = 4 ] || echo nodad
}

# hook NAME: add a chain that counts in this hook, by device and protocol
hook()
{
	local way proto

	echo "chain $1 {"
	echo "type filter hook $1 priority 0"
	# the packet before encryption, with both headers
	echo "meta l4proto { 4, 41 } counter name wrong"
	for way in iifname oifname; do
		# Only "forward" has both devices.
		case $1.$way in
		prerouting.oifname | input.oifname) continue ;;
		postrouting.iifname | output.iifname) continue ;;
		esac
		echo "$way $DEV meta l4proto esp counter name wrong"
		for proto in icmp icmpv6; do
			echo "$way $DEV meta length > $SIZE meta l4proto $proto \
				counter name ${way:0:1}_inner_$1"
			# With IPv6, the underlay itself sends neighbour
			# discovery.
			echo "$way $IPSI_WIRE $proto type echo-request \
				counter name wrong"
			echo "$way $IPSI_WIRE $proto type echo-reply \
				counter name wrong"
		done
		echo "$way $IPSI_WIRE meta length > $SIZE meta l4proto esp \
			counter name ${way:0:1}_outer_$1"
	done
	echo "}"
}

# rules: set up all counters, from zero
rules()
{
	local hook way what

	{
		echo "table inet t"
		echo "delete table inet t"
		echo "table inet t {"
		echo "counter wrong { }"
		for hook in prerouting input forward output postrouting; do
			for way in i o; do
				for what in inner outer; do
					echo "counter ${way}_${what}_$hook { }"
				done
			done
		done
		for hook in prerouting input forward output postrouting; do
			hook "$hook"
		done
		echo "}"
	} > "$IPSI_TMP/rules"
	ipsi_do right nft -f "$IPSI_TMP/rules"
}

# counted: print the nonzero counters in alphabetical order: NAME=PACKETS
counted()
{
	ipsi_try right nft list counters table inet t |
		sed -n '/counter/{s/.*counter \(.*\) {/\1/;h}
			/packets/{s/.*packets \([0-9]*\) .*/=\1/;H;x;s/\n//p}' |
		sort | grep -v '=0$' | tr '\n' ' '
}

# seen FAMILY: check the hooks of inner and outer packets
seen()
{
	filter_topology "$1"
	# The first packet may wait for neighbour discovery.
	ipsi_ping left
	ipsi_do left ping -n -q -c 1 -W 10 "${CLIENT[$1]}"

	rules
	ipsi_ping left -s "$SIZE"
	ipsi_is "$(counted)" "i_inner_input=1 i_inner_prerouting=1 \
i_outer_input=1 i_outer_prerouting=1 o_inner_output=1 o_inner_postrouting=1 \
o_outer_output=1 o_outer_postrouting=1 " "to this host"

	rules
	ipsi_do left ping -n -q -c 1 -W 10 -s "$SIZE" "${CLIENT[$1]}"
	ipsi_is "$(counted)" "i_inner_forward=1 i_inner_prerouting=1 \
i_outer_input=1 i_outer_prerouting=1 o_inner_forward=1 \
o_inner_postrouting=1 o_outer_output=1 o_outer_postrouting=1 " \
		"to a host behind"
}

# R20
seen_over_ipv4()
{
	seen 4
}

# R20
seen_over_ipv6()
{
	seen 6
}

# R20
stopped()
{
	local rule

	filter_topology 4
	for rule in "input iifname $DEV icmp type echo-request" \
		"output oifname $DEV icmp type echo-reply" \
		"input iifname $IPSI_WIRE meta l4proto esp" \
		"output oifname $IPSI_WIRE meta l4proto esp"; do
		ipsi_do right nft -f - <<-END
			table inet t
			delete table inet t
			table inet t {
				chain c {
					type filter hook ${rule%% *} priority 0
					${rule#* } counter drop
				}
			}
		END
		ipsi_no_ping left
		ipsi_has "$(ipsi_try right nft list ruleset)" "packets 1 " \
			"dropped, $rule"
	done
	# The device counts it if it gets the error.
	ipsi_is "$(ipsi_stat right tx_error)" 1 "tx_error"
	ipsi_do right nft delete table inet t

	# Connection tracking works on the device as on any other.
	ipsi_do right nft -f - <<-END
		table inet t {
			chain input {
				type filter hook input priority 0
				iifname $DEV ct state established accept
				iifname $DEV drop
			}
		}
	END
	ipsi_no_ping left
	ipsi_ping right
}

# pings HOST: count pings of SIZE that are received by the device
pings()
{
	ipsi_do "$1" nft -f - <<-END
		table inet pings {
			counter pings { }
			chain count {
				type filter hook prerouting priority raw - 10
				iifname $DEV meta length > $SIZE \
					meta l4proto { icmp, icmpv6 } \
					counter name pings
			}
		}
	END
}

# pings_are HOST N: check this count
pings_are()
{
	ipsi_has "$(ipsi_try "$1" nft list counter inet pings pings)" \
		"packets $2 " "pings by the device"
}

# spoof FAMILY SOURCE: send a ping from that address through the device
spoof()
{
	local to=${IPSI_INNER[right]}

	ipsi_try left ip address replace "$2" dev lo
	echo "left: ping from $2"
	ipsi_try left ping "-$1" -n -q -c 1 -W 0.1 -s "$SIZE" -I "$2" "$to" \
		> /dev/null
}

# reverse_path N: true if the reverse path filter has dropped N packets
reverse_path()
{
	ipsi_try right nstat -asz TcpExtIPReversePathFilter |
		grep -q "^TcpExtIPReversePathFilter *$1 "
}

# rules_for_sources RULE: add a rule for packets received by the device, and
# count its matches
rules_for_sources()
{
	ipsi_do right nft -f - <<-END
		table inet t
		delete table inet t
		table inet t {
			counter found { }
			chain input {
				type filter hook prerouting priority -300
				iifname $DEV $1
			}
		}
	END
}

found()
{
	ipsi_has "$(ipsi_try right nft list counter inet t found)" \
		"packets $1 " "$2"
}

# Sources that do not exist, and those of another link. Packets through an SA
# are no exception, and others still see that they came through an SA.
# R19 R23
rp_filter()
{
	ipsi_need nstat
	filter_topology 4
	ipsi_do right sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		"net.ipv4.conf.$DEV.rp_filter=1"
	rules_for_sources "meta length > $SIZE meta ipsec exists counter name found"
	pings right
	ipsi_ping left -s "$SIZE"
	ipsi_ping right -s "$SIZE"
	ipsi_do left ping -n -q -c 1 -W 10 -s "$SIZE" "${CLIENT[4]}"
	found 3 "packets known to have an SA"
	ipsi_wait "0, dropped" reverse_path 0
	spoof 4 172.16.9.9
	spoof 4 192.168.3.9
	ipsi_wait "2, dropped by the strict filter" reverse_path 2
	# The address on another link exists.
	ipsi_do right sysctl -qw "net.ipv4.conf.$DEV.rp_filter=2"
	spoof 4 172.16.9.9
	spoof 4 192.168.3.9
	ipsi_wait "3, dropped by the loose filter" reverse_path 3
	ipsi_do right sysctl -qw "net.ipv4.conf.$DEV.rp_filter=0"
	spoof 4 172.16.9.9
	ipsi_wait "3, dropped without that filter" reverse_path 3
	pings_are right 8
	ipsi_is "$(ipsi_stat right rx_outer_address)" 0 rx_outer_address
}

# by_rule FAMILY SOURCE...: the same with a rule, the only way with IPv6
by_rule()
{
	local family=$1 source
	shift

	filter_topology "$family"
	rules_for_sources "fib saddr . iif oif missing counter name found drop"
	pings right
	ipsi_ping left -s "$SIZE"
	for source in "$@"; do
		spoof "$family" "$source"
	done
	found $# "dropped"
	pings_are right $(($# + 1))
	ipsi_ping left
}

# R23
by_rule_ipv4()
{
	by_rule 4 172.16.9.9 192.168.3.9
}

# R23
by_rule_ipv6()
{
	by_rule 6 fd99::9 fd03::9
}

# translated RULE: check that the client's packets get an endpoint's address by
# this NAT rule, and arrive at the left
translated()
{
	filter_topology 4
	ipsi_do right ip address del "${IPSI_INNER[right]}" dev "$DEV"
	ipsi_do right ip route replace "${IPSI_INNER[left]}" dev "$DEV"
	ipsi_nat right "$1"
	pings left
	# The answer takes another path, that to the endpoint.
	ipsi_record_also icmp by left from "${IPSI_INNER[left]}" \
		to "${IPSI_OUTER[right]}"
	ipsi_try client ping -n -q -c 1 -W 1 -s "$SIZE" "${IPSI_INNER[left]}" \
		> /dev/null
	ipsi_is "$(ipsi_stat right tx_loop)" 0 "packets refused at the right"
	pings_are left 1
}

# A partner may require the public address of the gateway, which is also the
# endpoint.
translated_to_the_endpoint()
{
	translated "oifname $DEV snat to ${IPSI_OUTER[right]}"
}

# The device has no address, so masquerading uses that of the underlay.
masqueraded_without_an_address()
{
	translated "oifname $DEV masquerade"
}

ipsi_run seen_over_ipv4 seen_over_ipv6 stopped rp_filter by_rule_ipv4 \
	by_rule_ipv6 translated_to_the_endpoint masqueraded_without_an_address
