#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A path of three hops between the endpoints, for the tests of path MTUs and
# ICMP errors. Sourced instead of ipsi.sh.
#
#   client ------ right ------ near ------ far ------ left
#                 ipsec0       routers                ipsec0
#   192.168.3.2   192.168.2.1                         192.168.1.1
#   fd00:3::2     fd00:2::1                           fd00:1::1
#                 10.0.0.2                            10.0.0.1
#                 fd00:10::2                          fd00:10::1
#
# All hosts have IPv4 and IPv6; the test chooses the family of the underlay.

# shellcheck source=selftests/net/ipsec_ipip/lib/ipsi.sh
source "$(dirname "${BASH_SOURCE[0]}")/ipsi.sh"

declare -A PATH_INNER6=([left]=fd00:1::1 [right]=fd00:2::1)

# path_link A DEVICE B DEVICE: connect two hosts
path_link()
{
	ip link add "$2" netns "${!1}" type veth peer name "$4" \
		netns "${!3}" || ipsi_fail "no veth pair"
}

# path_batch HOST: run the ip commands on standard input
path_batch()
{
	ip -n "${!1}" -batch - || ipsi_fail "$1: no addresses or routes"
}

# path_endpoint HOST N DEVICE ROUTER: set up an endpoint, with outer addresses
# that end in N
path_endpoint()
{
	path_batch "$1" <<-END
		address add 10.0.0.$2/32 dev $3
		address add fd00:10::$2/128 dev $3 nodad
		link set $3 up
		route add 10.0.1.$4 dev $3
		route add fd00:10:1::$4 dev $3
		route add 10.0.0.$((3 - $2)) via 10.0.1.$4
		route add fd00:10::$((3 - $2)) via fd00:10:1::$4
	END
}

# path_router HOST EDGE_DEVICE EDGE N INNER_DEVICE OWN OTHER FAR: set up a
# router between the endpoint N, where it has address EDGE, and the router OTHER
path_router()
{
	path_batch "$1" <<-END
		address add 10.0.1.$3/32 dev $2
		address add fd00:10:1::$3/128 dev $2 nodad
		address add 10.0.1.$6/32 dev $5
		address add fd00:10:1::$6/128 dev $5 nodad
		link set $2 up
		link set $5 up
		route add 10.0.0.$4 dev $2
		route add fd00:10::$4 dev $2
		route add 10.0.1.$7 dev $5
		route add fd00:10:1::$7 dev $5
		route add 10.0.0.$((3 - $4)) via 10.0.1.$7
		route add fd00:10::$((3 - $4)) via fd00:10:1::$7
	END
}

# More options of both devices
PATH_DEVICE=()
PATH_SA=()

# path_in_udp: use ESP in UDP from now on
path_in_udp()
{
	PATH_DEVICE=(encap-port 4500)
	PATH_SA=(encap espinudp 4500 4500)
}

# path_device HOST: make the device with its SAs, addresses and routes
path_device()
{
	local host=$1 peer=${IPSI_PEER[$1]}

	ipsi_device "$host" "${PATH_DEVICE[@]}"
	ipsi_device_sa "$host" out "${PATH_SA[@]}"
	ipsi_device_sa "$host" in "${PATH_SA[@]}"
	path_batch "$host" <<-END
		address add ${PATH_INNER6[$host]}/128 dev ipsec0 nodad
		route add ${PATH_INNER6[$peer]}/128 dev ipsec0
	END
}

# path_topology 4|6: set up everything, with an underlay of this family
path_topology()
{
	local host

	setup_ns client right near far left ||
		ipsi_skip "no network namespaces here"
	# shellcheck disable=SC2154 # set by setup_ns
	export client right near far left
	ipsi_shell client right near far left
	for host in client right near far left; do
		ipsi_try "$host" sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1 \
			net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	done
	path_link right eth0 near eth0
	path_link near eth1 far eth0
	path_link far eth1 left eth0
	path_link right client client eth0
	# Not the routers: without a link-local address a router cannot check
	# that its neighbour is reachable.
	ipsi_quiet right left
	path_endpoint right 2 eth0 1
	path_router near eth0 1 2 eth1 3 4
	path_router far eth1 2 1 eth0 4 3
	path_endpoint left 1 eth0 2
	ipsi_record right eth0
	ipsi_record near eth0 eth1
	ipsi_record far eth0 eth1
	ipsi_record left eth0

	if [ "$1" = 6 ]; then
		IPSI_OUTER=([left]=fd00:10::1 [right]=fd00:10::2)
	fi
	path_device left
	path_device right
	path_batch left <<-END
		route add 192.168.3.0/24 dev ipsec0
		route add fd00:3::/64 dev ipsec0
	END
	path_batch right <<-END
		address add 192.168.3.1/24 dev client
		address add fd00:3::1/64 dev client nodad
		link set client up
	END
	path_batch client <<-END
		address add 192.168.3.2/24 dev eth0
		address add fd00:3::2/64 dev eth0 nodad
		link set eth0 up
		route add default via 192.168.3.1
		route add default via fd00:3::1
	END
}

# path_narrow MTU: lower the MTU of the link between the routers, which only
# they know
path_narrow()
{
	ipsi_do near ip link set eth1 mtu "$1"
	ipsi_do far ip link set eth0 mtu "$1"
}

# path_room 4|6 MTU: print the size of the largest inner packet. AES-CBC and
# HMAC-SHA-256-128: IP header, SPI and sequence number 8, IV 16, blocks of 16 of
# which 2 bytes are the trailer, ICV 16
path_room()
{
	local header=20

	[ "$1" = 4 ] || header=40
	[ ${#PATH_SA[@]} = 0 ] || header=$((header + 8))
	echo $(((($2 - header - 8 - 16 - 16) & ~15) - 2))
}

# path_device_mtu MTU: wait for the MTU of right's device, which follows its SA
# with a delay
path_device_mtu()
{
	# shellcheck disable=SC2317 # called by ipsi_wait
	mtu_is()
	{
		[ "$(ipsi_get right mtu)" = "$1" ]
	}
	ipsi_wait "MTU $1" mtu_is "$1"
}

# path_python VERB ARG...: see path.py
path_python()
{
	ipsi_need python3
	echo "path.py $*"
	python3 "$IPSI_LIB/path.py" "$@" || ipsi_fail "$*"
}
