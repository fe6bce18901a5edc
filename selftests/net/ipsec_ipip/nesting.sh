#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Devices whose outer packets leave by other devices: a stack of many, and
# circles of two and three, with and without queues, with ciphers that take their
# time, over IPv6, and by way of VRFs, a bridge, VXLAN and another host. A few may
# lie on top of each other; more, and circles, are refused and counted, for any
# user, and all is well again when the route is. A failure means that anybody can
# bring the kernel down, or keep its processors busy for ever.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/router.sh
source "$IPSI_LIB/router.sh"

# Nothing is sent but by the test.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1

STACK=40
MOST=4		# devices that may lie on top of each other

# stack QUEUE: in a user namespace of its own, devices n1 to n$STACK, each over the
# one before, with such a queue or none
stack()
{
	local i words=()

	setup_ns left || ipsi_skip "no network namespaces here"
	ipsi_jail left jail
	ipsi_try jail sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	for ((i = 1; i <= STACK; i++)); do
		words+=("link add n$i type ipsec-ipip local 10.0.0.1
			remote 10.1.$i.1 if_id $i
			xfrm state add $(ipsi_state 10.0.0.1 "10.1.$i.1" \
				"$((0x1000 + i))" "$i")
			xfrm state add $(ipsi_state "10.1.$i.1" 10.0.0.1 \
				"$((0x2000 + i))" "$i")
			link set n$i up
			route add 10.1.$((i + 1)).0/24 dev n$i")
	done
	{
		echo "link set lo up"
		echo "link add n0 up type dummy"
		echo "address add 10.0.0.1/32 dev n0"
		echo "route add 10.1.1.0/24 dev n0"
		printf '%s\n' "${words[@]}" |
			sed -e ':a' -e '/0\.1$/{N;s/\n\s*/ /;ba}'
	} > "$IPSI_TMP/stack"
	echo "jail: ip -batch - < (a stack of $STACK devices)"
	ipsi_try jail ip -batch - < "$IPSI_TMP/stack" || ipsi_fail "no stack"
	[ "$1" != none ] || return 0
	for ((i = 1; i <= STACK; i++)); do
		echo "qdisc add dev n$i root $1"
	done > "$IPSI_TMP/queues"
	echo "jail: tc -batch - < (a $1 for each)"
	ipsi_try jail tc -batch - < "$IPSI_TMP/queues" || ipsi_fail "no queues"
}

# jail_stat I NAME: a counter of n$I
jail_stat()
{
	ipsi_json "$(ipsi_try jail ipsec-ipip -j show "n$1")" "$2"
}

# jail_sent I: how many packets n$I has sent
jail_sent()
{
	local text

	text=$(ipsi_try jail ip -j -s link show dev "n$1")
	ipsi_json "${text#*\"tx\":\{}" packets
}

# jail_send I N: N datagrams by n$I
jail_send()
{
	# shellcheck disable=SC2016 # for the inner shell
	ipsi_try jail bash -c \
		'for ((i = 0; i < $2; i++)); do echo x > "/dev/udp/10.1.$1.9/9"; done' \
		send $(($1 + 1)) "$2" 2> /dev/null || :
}

stack_of_many()
{
	local i

	stack "$1"
	jail_send $STACK 20
	ipsi_is "$(jail_stat $STACK tx_loop)" 20 "packets of the uppermost"
	jail_send $((MOST + 1)) 20
	ipsi_is "$(jail_stat $((MOST + 1)) tx_loop)" 20 "packets, one too many"
	jail_send $MOST 20
	# a queue may be worked off by another task
	for ((i = 1; i <= MOST; i++)); do
		ipsi_wait "packets by n$i" test "$(jail_sent $i)" = 20
	done
}

stack_without_queues()
{
	stack_of_many none
}

stack_with_queues()
{
	stack_of_many pfifo
}

# circle N FAMILY QUEUE: devices c1 to c$N at the left, each over the next one and
# the last over the first. Packets to 198.51.100.0/24 go to c1.
circle()
{
	local n=$1 queue=$3 i words=() prefix=10.9.0.

	[ "$2" = 4 ] || prefix=fd09::
	CIRCLE=$n
	PREFIX=$prefix
	ipsi_families "$2" 4
	ipsi_topology
	# what is sent may be fragmented
	ipsi_try left sysctl -qw net.ipv4.ip_no_pmtu_disc=1
	for ((i = 1; i <= n; i++)); do
		words+=("link add c$i type ipsec-ipip local ${IPSI_OUTER[left]} remote $prefix$i if_id $i"
			"xfrm state add $(ipsi_state "${IPSI_OUTER[left]}" \
				"$prefix$i" "$((0x1000 + i))" "$i")"
			"xfrm state add $(ipsi_state "$prefix$i" \
				"${IPSI_OUTER[left]}" "$((0x2000 + i))" "$i")"
			"link set c$i up")
	done
	for ((i = 1; i <= n; i++)); do
		words+=("route add $prefix$i dev c$((i % n + 1))")
	done
	words+=("route add 198.51.100.0/24 dev c1 src 10.0.0.77")
	printf '%s\n' "address add 10.0.0.77/32 dev lo" "${words[@]}" |
		ipsi_batch left
	[ "$queue" = none ] || for ((i = 1; i <= n; i++)); do
		ipsi_do left tc qdisc add dev "c$i" root "$queue"
	done
}

# circle_send N: datagrams
circle_send()
{
	# shellcheck disable=SC2016 # for the inner shell
	ipsi_try left bash -c \
		'for ((i = 0; i < $1; i++)); do echo x > /dev/udp/198.51.100.1/9; done' \
		send "$1" 2> /dev/null || :
}

# circle_is_refused: none of the packets goes round, not even once
circle_is_refused()
{
	local i

	circle_send 300
	ipsi_is "$(ipsi_stat left tx_loop c1)" 300 "packets refused by c1"
	for ((i = 1; i <= CIRCLE; i++)); do
		ipsi_is "$(ipsi_counter left tx.packets "c$i")" 0 "sent by c$i"
	done
}

# leads_to_the_right DEVICE [vrf NAME]: the last device does now, not to DEVICE
leads_to_the_right()
{
	local nodad=

	[[ $PREFIX != *:* ]] || nodad=nodad
	# It becomes an outer address of the right.
	ipsi_record_also icmp from "$PREFIX$CIRCLE"
	ipsi_record_also icmp to "$PREFIX$CIRCLE"
	ipsi_do left ip route del "$PREFIX$CIRCLE" dev "$1" "${@:2}"
	# shellcheck disable=SC2086 # one word or none
	ipsi_do right ip address add "$PREFIX$CIRCLE" dev "$IPSI_WIRE" $nodad
	ipsi_do left ip route add "$PREFIX$CIRCLE" dev "$IPSI_WIRE" "${@:2}"
}

# packet_arrives: at the right, when the circle is none any more
packet_arrives()
{
	ipsi_capture_start right "$IPSI_TMP/wire"
	circle_send 1
	ipsi_wait "the packet" ipsi_capture_has "dst $PREFIX$CIRCLE"
	ipsi_capture_stop
}

# circle_heals [vrf NAME]
circle_heals()
{
	leads_to_the_right c1 "$@"
	packet_arrives
	ipsi_is "$(ipsi_stat left tx_loop c1)" 300 "packets refused by c1"
}

# R86
circle_of_two()
{
	circle 2 4 none
	circle_is_refused
	circle_heals
}

circle_of_two_with_queues()
{
	circle 2 4 pfifo
	circle_is_refused
	circle_heals
}

circle_of_three_with_queues()
{
	circle 3 4 pfifo
	circle_is_refused
	circle_heals
}

circle_over_ipv6()
{
	circle 3 6 pfifo
	circle_is_refused
	circle_heals
}

# asynchronous on|off: the cipher of ipsi_state gives packets to other processors
asynchronous()
{
	if [ "$1" = off ]; then
		# SAs of the test before may not be gone yet.
		[ ! -d /sys/module/pcrypt ] ||
			ipsi_wait "pcrypt unloaded" rmmod pcrypt
		return
	fi
	ipsi_need python3
	modprobe -a pcrypt crypto_user 2> /dev/null || ipsi_skip "no pcrypt"
	python3 "$IPSI_LIB/crypto.py" aead \
		'pcrypt(rfc4106(gcm(aes)))' || ipsi_skip "no crypto_user"
	grep -q 'driver.*: pcrypt(rfc4106(' /proc/crypto ||
		ipsi_skip "no parallel cipher"
}

circle_with_a_slow_cipher()
{
	asynchronous on
	circle 3 4 none
	circle_is_refused
	circle_heals
}

# The circle closes while bundles are in use.
circle_closes_later()
{
	asynchronous off
	circle 2 4 pfifo
	ipsi_do left ip route del "$PREFIX"2 dev c1
	ipsi_do left ip route add "$PREFIX"2 dev "$IPSI_WIRE"
	ipsi_do right ip address add "$PREFIX"2 dev "$IPSI_WIRE"
	circle_send 10
	ipsi_wait "packets by c2" test "$(ipsi_counter left tx.packets c2)" = 10
	ipsi_do left ip route del "$PREFIX"2 dev "$IPSI_WIRE"
	ipsi_do left ip route add "$PREFIX"2 dev c1
	circle_send 10
	ipsi_is "$(($(ipsi_stat left tx_loop c1) + $(ipsi_stat left tx_loop \
		c2)))" 10 "packets refused"
	ipsi_is "$(ipsi_counter left tx.packets c2)" 10 "packets by c2"
}

# sent: how many packets ENDS, devices with their hosts, have sent, and refused
sent()
{
	local end text=''

	for end in "${ENDS[@]}"; do
		text+="$(ipsi_counter "${end% *}" tx.packets "${end#* }") "
	done
	for end in "${ENDS[@]}"; do
		text+="$(ipsi_stat "${end% *}" tx_loop "${end#* }") "
	done
	echo "$text"
}

# comes_to_rest: nothing is sent any more
comes_to_rest()
{
	local before

	before=$(sent)
	sleep 1
	[ "$(sent)" = "$before" ]
}

# ends SENT REFUSED: the circle does, and these are the sums over its two devices
ends()
{
	local counts

	ipsi_wait "the end of the circle" comes_to_rest
	read -ra counts <<< "$(sent)"
	echo "sent ${counts[*]:0:2}, refused ${counts[*]:2:2}"
	ipsi_is $((counts[2] + counts[3])) "$2" "packets refused"
	ipsi_is $((counts[0] + counts[1])) "$1" "packets sent"
}

# no_filter HOST: it forwards, and takes packets from wherever they come
no_filter()
{
	ipsi_try "$1" sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv4.ip_no_pmtu_disc=1 \
		net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0 \
		"net.ipv4.conf.$IPSI_WIRE.rp_filter=0" \
		net.ipv4.conf.all.send_redirects=0 \
		net.ipv6.conf.all.forwarding=1
}

# circle_device I LOCAL REMOTE [OPTION...]: on standard output, the commands of "ip"
# that make c$I. It receives nothing, so it has an outbound SA only.
circle_device()
{
	echo "link add c$1 type ipsec-ipip local $2 remote $3 if_id $1 ${*:4}"
	echo "xfrm state add $(ipsi_state "$2" "$3" $((0x1000 + $1)) "$1")"
	echo "link set c$1 up"
}

# The way leads through another host, whose device leads back. There is no route
# to look at; but each time round the packet has a lower TTL.
# circle_of_two_hosts FAMILY [PORT]: with ESP in UDP on that port
circle_of_two_hosts()
{
	local host other i=1 family=$1 port=${2:-} prefix=10.9.0. net=32

	[ "$family" = 4 ] || prefix=fd09:: net=128
	ipsi_families "$family" 4
	ipsi_topology
	for host in left right; do
		other=$((3 - i))
		no_filter $host
		ipsi_batch $host <<-END
			link add c1 type ipsec-ipip local ${IPSI_OUTER[$host]} remote $prefix$i if_id 1 ttl 16 ${port:+encap-port $port}
			xfrm state add $(ipsi_state "${IPSI_OUTER[$host]}" "$prefix$i" $((0x1000 + i)) 1) ${port:+encap espinudp $port $port 0.0.0.0}
			link set c1 up
			route add $prefix$i/$net via ${IPSI_OUTER[${IPSI_PEER[$host]}]}
			route add $prefix$other/$net dev c1
		END
		i=2
	done
	ipsi_do left ip route add 198.51.100.0/24 dev c1
	ENDS=("left c1" "right c1")
	[ -z "$port" ] || for host in left right; do
		ipsi_record_also udp "$port" from "${IPSI_OUTER[$host]}"
	done
	circle_send 3
	# each host takes one to forward it, and one to send it
	ends $((3 * 16 / 2)) 3
}

circle_by_another_host()
{
	circle_of_two_hosts 4
}

circle_by_another_host_over_ipv6()
{
	circle_of_two_hosts 6
}

# ESP in UDP on another port than 4500 is known by the port that is open for it.
circle_by_another_host_in_udp()
{
	circle_of_two_hosts 4 5000
}

circle_by_another_host_in_udp_over_ipv6()
{
	circle_of_two_hosts 6 5000
}

# Both devices, and the way to the right, are in a VRF.
circle_in_a_vrf()
{
	CIRCLE=2
	PREFIX=10.9.0.
	ipsi_topology
	ipsi_try left sysctl -qw net.ipv4.ip_no_pmtu_disc=1
	ipsi_batch left <<-END
		link add red up type vrf table 10
		link set $IPSI_WIRE master red
		address add 10.0.0.77/32 dev lo
		$(circle_device 1 10.0.0.1 10.9.0.1 dev red)
		$(circle_device 2 10.0.0.1 10.9.0.2 dev red)
		link set c1 master red
		link set c2 master red
		route add 10.9.0.1 dev c2 vrf red
		route add 10.9.0.2 dev c1 vrf red
		route add 198.51.100.0/24 dev c1 src 10.0.0.77
	END
	circle_is_refused
	circle_heals vrf red
}

# circle_by_a_vrf QUEUE: outer packets go to the device of a VRF, and only there a
# route leads them back. The device does not see that; the lower TTL ends it, or
# the depth of the stack.
circle_by_a_vrf()
{
	CIRCLE=2
	PREFIX=10.9.0.
	ENDS=("left c1" "left c2")
	ipsi_topology
	ipsi_try left sysctl -qw net.ipv4.ip_no_pmtu_disc=1
	ipsi_batch left <<-END
		link add red up type vrf table 10
		address add 10.0.0.77/32 dev lo
		$(circle_device 1 10.0.0.1 10.9.0.1 ttl 16)
		$(circle_device 2 10.0.0.1 10.9.0.2 ttl 16)
		link set c1 master red
		link set c2 master red
		route add 10.9.0.1 dev red
		route add 10.9.0.2 dev red
		route add 10.9.0.1 dev c2 vrf red
		route add 10.9.0.2 dev c1 vrf red
		route add 198.51.100.0/24 dev c1 src 10.0.0.77
	END
	[ "$1" = none ] || ipsi_do left tc qdisc add dev c2 root "$1"
	circle_send 3
	if [ "$1" = none ]; then
		# the core sees it, since the VRF has no queue either
		ends 6 0
		ipsi_is $(($(ipsi_stat left tx_error c1) + $(ipsi_stat left \
			tx_error c2))) 3 "packets that the core refuses"
	else
		ends $((3 * 16)) 3
	fi
	leads_to_the_right red
	packet_arrives
}

circle_by_a_vrf_without_queues()
{
	circle_by_a_vrf none
}

circle_by_a_vrf_with_a_queue()
{
	circle_by_a_vrf pfifo
}

# The way leads by a bridge to another host, which sends all back.
circle_by_a_bridge()
{
	ENDS=("left c1" "left c2")
	ipsi_topology
	no_filter left
	no_filter right
	ipsi_try left sysctl -qw net.ipv4.conf.all.accept_local=1
	ipsi_batch left <<-END
		link add br0 up type bridge
		address del 10.0.0.1/24 dev $IPSI_WIRE
		link set $IPSI_WIRE master br0
		address add 10.0.0.1/24 dev br0
		address add 10.0.0.3/24 dev br0
		address add 10.0.0.77/32 dev lo
		$(circle_device 1 10.0.0.1 10.9.0.1 ttl 18)
		$(circle_device 2 10.0.0.3 10.9.0.2 ttl 18)
		route add 10.9.0.0/24 via 10.0.0.2
		rule add iif br0 lookup 5
		route add 10.9.0.1 dev c2 table 5
		route add 10.9.0.2 dev c1 table 5
		route add 198.51.100.0/24 dev c1 src 10.0.0.77
	END
	ipsi_do right ip route add 10.9.0.0/24 via 10.0.0.1
	circle_send 3
	# each time round takes one at each host to forward it, and one to send it
	ends $((3 * 18 / 3)) 3
}

# circle_by_vxlan QUEUE: a VXLAN device writes a new TTL each time, and nothing in
# the packet tells that it has come by before. With a queue, such a circle ends with
# its route only, as one of two VXLAN devices does. The host survives that, and the
# link works as soon as the route does.
circle_by_vxlan()
{
	CIRCLE=2
	PREFIX=10.9.0.
	ENDS=("left c1")
	modprobe vxlan 2> /dev/null || ipsi_skip "no vxlan"
	ipsi_topology
	ipsi_try left sysctl -qw net.ipv4.ip_no_pmtu_disc=1
	ipsi_batch left <<-END
		address add 10.0.0.77/32 dev lo
		$(circle_device 1 10.0.0.1 10.9.0.1)
		link add v1 type vxlan id 1 local 10.0.0.1 remote 10.9.0.2 dstport 4789 nolearning
		link set v1 up
		route add 10.9.0.1 dev v1
		neighbour add 10.9.0.1 lladdr 02:00:00:00:00:01 dev v1 nud permanent
		route add 10.9.0.2 dev c1
		route add 198.51.100.0/24 dev c1 src 10.0.0.77
	END
	[ "$1" = none ] || ipsi_do left tc qdisc add dev c1 root "$1"
	# large enough to be fragmented each time
	ipsi_try left ping -n -q -c 1 -W 1 -s 1300 198.51.100.1 > /dev/null || :
	sent
	# The route is that of VXLAN, too.
	ipsi_record_also udp 4789 from 10.0.0.1
	leads_to_the_right c1
	ipsi_wait "the end of the circle" comes_to_rest
	sent
	packet_arrives
}

circle_by_vxlan_without_queues()
{
	circle_by_vxlan none
}

circle_by_vxlan_with_a_queue()
{
	circle_by_vxlan pfifo
}

ipsi_run stack_without_queues stack_with_queues circle_of_two \
	circle_of_two_with_queues circle_of_three_with_queues circle_over_ipv6 \
	circle_with_a_slow_cipher circle_closes_later circle_by_another_host \
	circle_by_another_host_over_ipv6 circle_by_another_host_in_udp \
	circle_by_another_host_in_udp_over_ipv6 circle_in_a_vrf \
	circle_by_a_vrf_without_queues circle_by_a_vrf_with_a_queue \
	circle_by_a_bridge circle_by_vxlan_without_queues \
	circle_by_vxlan_with_a_queue
