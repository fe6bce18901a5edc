#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The device is in another namespace than its underlay, as in a container: that
# namespace has no other interface, so all packets use the device or are
# dropped. SAs, routes to the endpoints and outer packets stay in the namespace
# of the underlay.
#
#   client ---- app          left ---- middle ---- right
#   eth0        ipsec0 .....           a router    ipsec0
#               and lo       eth0
#
# A failure means that packets are lost between the namespaces, that one sees
# data of the other without permission, or that it lacks information that it
# needs.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/events.sh
source "$IPSI_LIB/events.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1
DEV=$IPSI_DEV
declare -A INNER6=([app]=fd01::1 [right]=fd02::1)

# app_topology: move the device of the left to "app", with both SAs
app_topology()
{
	setup_ns app || ipsi_skip "no network namespaces here"
	ipsi_shell app
	ipsi_quiet app
	ipsi_like app left
	ipsi_topology_routed
	ipsi_device_side right
	ip -n "${right:?}" -batch - <<-END || ipsi_fail "no inner addresses"
		address add ${INNER6[right]}/128 dev $DEV nodad
		route add ${INNER6[app]}/128 dev $DEV
	END
	ipsi_do left ip link add "$DEV" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id "$IPSI_IF_ID"
	ipsi_device_sa left out
	ipsi_device_sa left in
	ipsi_do left ip link set "$DEV" netns "${app:?}"
	app_up
}

app_up()
{
	ipsi_up app
	ip -n "$app" -batch - <<-END || ipsi_fail "no inner addresses"
		address add ${INNER6[app]}/128 dev $DEV nodad
		route add ${INNER6[right]}/128 dev $DEV
		link set lo up
	END
}

# app_pings: ping both ways, with IPv4 and IPv6 inside
app_pings()
{
	ipsi_ping app
	ipsi_ping right
	ipsi_do app ping -n -q -c 1 -W 10 -I "${INNER6[app]}" "${INNER6[right]}"
	ipsi_do right ping -n -q -c 1 -W 10 -I "${INNER6[right]}" \
		"${INNER6[app]}"
}

# tcp FROM TO: send one word over TCP
tcp()
{
	local port=5000 file=$IPSI_TMP/word.$1

	ipsi_bg "$2" python3 -c '
import socket, sys
s = socket.create_server((sys.argv[1], 5000))
print("ready", flush=True)
c, _ = s.accept()
print(c.recv(100).decode(), flush=True)
' "${IPSI_INNER[$2]}" > "$file"
	ipsi_wait "server" grep -qx ready "$file"
	echo "$1: TCP to ${IPSI_INNER[$2]}"
	# shellcheck disable=SC2016 # expanded by the inner shell
	ipsi_try "$1" bash -c 'echo "word of $0" > "/dev/tcp/$1/$2"' "$1" \
		"${IPSI_INNER[$2]}" "$port"
	ipsi_wait "word by TCP" grep -qx "word of $1" "$file"
}

both_ways()
{
	local wire=$IPSI_TMP/wire

	ipsi_need python3
	app_topology
	ipsi_capture_start right "$wire"
	app_pings
	tcp app right
	tcp right app
	ipsi_capture_stop
	ipsi_wire_is_clean "$wire"
	ipsi_none "$wire" 'ip and not esp' "packets in clear"
	ipsi_is "$(ipsi_counter app rx.errors) $(ipsi_counter app tx.errors)" \
		"0 0" "errors"

	# Inner packets do not pass through the namespace of the underlay ...
	ipsi_do left sysctl -qw net.ipv4.ip_forward=0
	ipsi_must_fail "" left ping -n -q -c 1 -W 1 192.168.2.1
	# ... and do not leave that of the device by another interface.
	ipsi_do app ip link set "$DEV" down
	ipsi_must_fail "unreachable" app ping -n -q -c 1 -W 1 192.168.2.1
	ipsi_do app ip link set "$DEV" up
	app_routes_again
	app_pings
}

# app_routes_again: restore routes and IPv6 addresses, which were deleted when
# the link went down
app_routes_again()
{
	ip -n "$app" -batch - <<-END || ipsi_fail "no routes"
		route replace ${IPSI_INNER[right]} dev $DEV
		address replace ${INNER6[app]}/128 dev $DEV nodad
		route replace ${INNER6[right]}/128 dev $DEV
	END
}

# The rules of each namespace apply only to its own packets.
filters()
{
	local host

	ipsi_need nft
	app_topology
	for host in left app; do
		ipsi_try $host nft -f - <<-END || ipsi_fail "no rules"
			table inet t {
				counter outer { }
				counter inner { }
				chain input {
					type filter hook input priority 0
					meta l4proto esp counter name outer
					icmp type echo-request counter name inner
					icmp type echo-reply counter name inner
					icmpv6 type echo-request counter name inner
					icmpv6 type echo-reply counter name inner
				}
				chain output {
					type filter hook output priority 0
					meta l4proto esp counter name outer
					icmp type echo-request counter name inner
					icmp type echo-reply counter name inner
					icmpv6 type echo-request counter name inner
					icmpv6 type echo-reply counter name inner
				}
			}
		END
	done
	app_pings
	ipsi_is "$(counted left outer) $(counted left inner)" "8 0" \
		"ESP, and inner packets, where the underlay is"
	ipsi_is "$(counted app outer) $(counted app inner)" "0 8" \
		"ESP, and inner packets, where the device is"

	# The output rules of one namespace do not apply in the other.
	ipsi_do left nft add rule inet t output meta l4proto esp drop
	ipsi_no_ping app
	ipsi_is "$(ipsi_stat app tx_error)" 1 tx_error
}

counted()
{
	local text

	text=$(ipsi_try "$1" nft list counter inet t "$2")
	text=${text#*packets }
	echo "${text%% *}"
}

# app_carrier {on|off}: check the carrier in the namespace of the device
app_carrier()
{
	local flag=,LOWER_UP

	[ "$1" = on ] || flag=NO-CARRIER
	# shellcheck disable=SC2317 # called by ipsi_wait
	shows()
	{
		ipsi_try app ip -o link show dev "$DEV" | grep -q "$flag"
	}
	ipsi_wait "carrier $1" shows
	ipsi_is "$(ipsi_get app carrier)" "$([ "$1" = on ] && echo true ||
		echo false)" "carrier"
	echo "app: carrier $1"
}

listens_to_rtnl()
{
	ipsi_try app ip link set "$DEV" alias "$RANDOM"
	rtnl_says ""
}

rtnl_says()
{
	grep -q " ${DEV}[:@].*$1" "$IPSI_TMP/rtnl"
}

# The user of the device sees the carrier go when the SAs are deleted in the
# namespace of the underlay.
# R24
carrier()
{
	app_topology
	app_carrier on
	ipsi_bg app ip -o monitor link > "$IPSI_TMP/rtnl"
	ipsi_wait "ip monitor listening" listens_to_rtnl
	ipsi_bg app ipsec-ipip monitor > "$IPSI_TMP/events" \
		2> "$IPSI_TMP/monitor"
	ipsi_wait "monitor" grep -q listening "$IPSI_TMP/monitor"

	ipsi_do left ip xfrm state flush
	app_carrier off
	ipsi_wait "carrier off by rtnetlink" \
		rtnl_says "NO-CARRIER.*state DOWN"
	ipsi_wait "carrier off by the monitor" \
		grep -q "carrier.*off" "$IPSI_TMP/events"
	ipsi_no_ping app
	ipsi_is "$(ipsi_stat app tx_no_sa)" 1 tx_no_sa

	: > "$IPSI_TMP/rtnl"
	# SAs can be added in the namespace of the device and in that of the
	# SAs.
	ipsi_device_sa app out
	ipsi_daemon_sa left in mode transport if_id "$IPSI_IF_ID"
	app_carrier on
	ipsi_wait "carrier on by rtnetlink" rtnl_says ",LOWER_UP.*state UP"
	ipsi_wait "carrier on by the monitor" \
		grep -q "carrier.*on" "$IPSI_TMP/events"
	app_pings
}

# app_told HOST SIZE MTU: wait until packets of this size with DF get this MTU
app_told()
{
	local host=$1 size=$2 mtu=$3

	# shellcheck disable=SC2317 # called by ipsi_wait
	told()
	{
		ipsi_try "$host" ping -n -c 1 -W 1 -M "do" -s $((size - 28)) \
			192.168.2.1 2>&1 | grep -q "mtu *= *$mtu"
	}
	ipsi_wait "MTU $mtu at $host" told
}

# app_client: make a client of the namespace of the device
app_client()
{
	setup_ns client || ipsi_skip "no network namespaces here"
	ip -n "$app" -batch - <<-END || ipsi_fail "no client"
		link add client type veth peer name eth0 netns ${client:?}
		address add 192.168.3.1/24 dev client
		link set client up
	END
	ip -n "$client" -batch - <<-END || ipsi_fail "no client"
		address add 192.168.3.2/24 dev eth0
		link set eth0 up
		route add default via 192.168.3.1
	END
	ipsi_try app sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
	ipsi_do right ip route add 192.168.3.0/24 dev "$DEV"
}

# room MTU: print the size of the largest inner packet, as in pmtu.sh
room()
{
	echo $(((($1 - 20 - 8 - 16 - 16) & ~15) - 2))
}

# A path MTU that is learned in one namespace reaches senders in the other, and
# senders behind it. R69 R70
path_mtu()
{
	local full less

	app_topology
	app_client
	full=$(room 1500)
	less=$(room 1300)
	# shellcheck disable=SC2317 # called by ipsi_wait
	mtu_is()
	{
		[ "$(ipsi_get app mtu)" = "$1" ]
	}
	ipsi_wait "MTU $full" mtu_is "$full"
	ipsi_ping app -M "do" -s $((full - 28))
	ipsi_do client ping -n -q -c 1 -W 10 -M "do" -s $((full - 28)) \
		192.168.2.1

	ipsi_try middle sysctl -qw net.ipv4.icmp_ratelimit=0
	ipsi_do middle ip link set eth1 mtu 1300
	ipsi_do right ip link set eth0 mtu 1300
	app_told app "$full" "$less"
	ipsi_ping app -M "do" -s $((less - 28))
	ipsi_ping app -s $((full - 28)) -M dont
	app_told client "$full" "$less"
	ipsi_do client ping -n -q -c 1 -W 10 -M "do" -s $((less - 28)) \
		192.168.2.1

	# The device uses the MTU of the route to the endpoint.
	ipsi_do left ip route flush cache
	ipsi_do left ip link set eth0 mtu 1400
	ipsi_wait "MTU $(room 1400)" sent_and_mtu_is "$(room 1400)"
}

# sent_and_mtu_is: send a packet, with which the MTU follows, and check it
sent_and_mtu_is()
{
	ipsi_try app ping -n -q -c 1 -W 1 192.168.2.1
	mtu_is "$1"
}

# Devices of two namespaces, with the same addresses, if_id and SPIs, are moved
# to one namespace: only their underlays tell them apart.
# R5
two_underlays()
{
	local file=$IPSI_TMP/inner

	app_topology
	setup_ns left2 right2 || ipsi_skip "no network namespaces here"
	ipsi_shell left2 right2
	ipsi_quiet left2 right2
	ipsi_like left2 left
	ipsi_like right2 right
	IPSI_PEER[left2]=right2
	IPSI_PEER[right2]=left2
	ip link add eth0 netns "${left2:?}" type veth peer name eth0 \
		netns "${right2:?}" || ipsi_fail "no veth pair"
	outer_addresses
	ipsi_record left2 eth0
	ipsi_record right2 eth0
	ipsi_device_side right2
	# The device in "app" has the name already.
	ipsi_do left2 ip link add "$DEV" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id "$IPSI_IF_ID"
	ipsi_device_sa left2 out
	ipsi_device_sa left2 in
	ipsi_do left2 ip link set "$DEV" name second
	ipsi_do left2 ip link set second netns "$app"
	ip -n "$app" -batch - <<-END || ipsi_fail "no second device"
		link set second up
		address add 192.168.1.1 dev second
		route add 192.168.2.2 dev second
	END
	ipsi_do right2 ip address add 192.168.2.2/32 dev "$DEV"

	ipsi_capture_start app "$file" second
	ipsi_ping app
	ipsi_ping right
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$file" ip)" 0 "packets by the other device"
	ipsi_do app ping -n -q -c 1 -W 10 192.168.2.2
	ipsi_is "$(ipsi_counter right2 rx.packets)" 1 "packets, right2"
	# The SAs of one are not those of the other.
	ipsi_do left2 ip xfrm state flush
	ipsi_is "$(ipsi_get app carrier second) $(ipsi_get app carrier)" \
		"false true" "carrier of both"
	ipsi_must_fail "" app ping -n -q -c 1 -W 1 192.168.2.2
	ipsi_ping app
}

outer_addresses()
{
	local host

	for host in left2 right2; do
		ip -n "${!host}" -batch - <<-END || ipsi_fail "no addresses"
			address add ${IPSI_OUTER[$host]}/24 dev eth0
			link set eth0 up
		END
	done
}

ipsi_run both_ways filters carrier path_mtu two_underlays
