#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The security policy database (SPD) of a host, and its device. Key managers
# and people fill the SPD with entries for traffic that has nothing to do with
# the device, or that a device has come to carry. No entry may stop what passes
# the device, or be a reason to let it out in clear.
# A failure means that a device falls silent when an IKE daemon starts beside
# it, or worse, that packets leave by other ways than its SAs.
#
#   left ======================= right ----------------------- lan
#   192.168.1.1       192.168.2.1     192.168.3.1   192.168.3.3
#
# All entries are on the right. Nothing but ESP may be on the wire.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Errors of XFRM are counted, so nothing may be sent but by the test.
# shellcheck disable=SC2034 # for ipsi_quiet()
IPSI_QUIET=1
DEV=$IPSI_DEV
LAN=192.168.3.3

# lan: a host behind the right
lan()
{
	setup_ns lan || ipsi_skip "no network namespaces here"
	ipsi_shell lan
	# shellcheck disable=SC2154 # setup_ns sets it
	ip link add eth0 netns "$lan" type veth peer name lan netns "$right" ||
		ipsi_fail "no veth pair"
	ip -n "$lan" -batch - <<-END || ipsi_fail "no addresses"
		address add $LAN/24 dev eth0
		link set eth0 up
		route add default via 192.168.3.1
	END
	ip -n "$right" -batch - <<-END || ipsi_fail "no addresses"
		address add 192.168.3.1/24 dev lan
		link set lan up
	END
	ipsi_try right sysctl -qw net.ipv4.ip_forward=1
	ipsi_try left ip route add 192.168.3.0/24 dev "$DEV"
}

# A capture of the wire; what is sent from now on is counted.
listen()
{
	WIRE=$IPSI_TMP/wire
	ipsi_capture_start left "$WIRE"
	N_ESP=0
}

# Nothing of their own is sent by these.
quiet()
{
	local host

	for host in "$@"; do
		ipsi_try "$host" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	done
}

start()
{
	ipsi_topology
	quiet left right
	ipsi_device_side left
	ipsi_device_side right
	lan
	listen
	passes
	forwards
}

# entries HOST: put the entries on the input into the SPD of HOST
entries()
{
	local list

	list=$(cat)
	echo "$1: ${list//$'\n'/$'\n'"$1: "}"
	# shellcheck disable=SC2001 # each line, not the first
	sed 's/^/xfrm policy add /' <<< "$list" |
		ip -n "${!1}" -batch - || ipsi_fail "no entry of the SPD"
}

# entries_everywhere ACTION...: for everything, inner packets, outer ones
entries_everywhere()
{
	local dir

	for dir in out in fwd; do
		cat <<-END
			dir $dir src 0.0.0.0/0 dst 0.0.0.0/0 $* priority 0
			dir $dir src 192.168.2.1 dst 192.168.1.1 $*
			dir $dir src 192.168.1.1 dst 192.168.2.1 $*
			dir $dir src 10.0.0.2 dst 10.0.0.1 $*
			dir $dir src 10.0.0.1 dst 10.0.0.2 $*
			dir $dir src 10.0.0.2 dst 10.0.0.1 proto 4 $*
			dir $dir src 0.0.0.0/0 dst 0.0.0.0/0 $* if_id $IPSI_IF_ID
			dir $dir src 10.0.0.2 dst 10.0.0.1 proto 4 $* if_id $IPSI_IF_ID
		END
	done
}

# entries_of_tunnel MY_NET PEER_NET: as a key manager without if_id has them for
# tunnel mode
entries_of_tunnel()
{
	local out="src 10.0.0.2 dst 10.0.0.1" in="src 10.0.0.1 dst 10.0.0.2"
	local tail="proto esp reqid 16389 mode tunnel"

	cat <<-END
		dir out src $1 dst $2 priority 1757393 tmpl $out $tail
		dir in src $2 dst $1 priority 1757393 tmpl $in $tail
		dir fwd src $2 dst $1 priority 1757393 tmpl $in $tail
	END
}

# ping_from HOST SOURCE TO [OPTION...]
ping_from()
{
	local host=$1 source=$2 to=$3
	shift 3

	ipsi_do "$host" ping -n -q -c 1 -W 10 -I "$source" "$@" "$to"
	((++N_ESP))
}

# passes [HOST] [OPTION...]: the right, or HOST, sends and receives
passes()
{
	local host=${1:-right}

	ping_from "$host" 192.168.2.1 192.168.1.1 "${@:2}"
	ping_from left 192.168.1.1 192.168.2.1
}

forwards()
{
	ping_from lan "$LAN" 192.168.1.1
	ping_from left 192.168.1.1 "$LAN"
}

# The wire has carried what was to leave, encrypted, and nothing else.
finish()
{
	ipsi_capture_stop
	ipsi_wire_is_clean "$WIRE"
	ipsi_none "$WIRE" 'ip and not esp' "packets in clear on the wire"
	ipsi_is "$(ipsi_count "$WIRE" "esp and src 10.0.0.2")" "$N_ESP" \
		"ESP packets of the right"
	ipsi_is "$(ipsi_count "$WIRE" "src 10.0.0.2 and
		ip[20:4] = ${IPSI_SPI[right]}")" "$N_ESP" "those of the device"
}

blocking_entries_stop_nothing()
{
	start
	entries_everywhere action block | entries right
	passes
	finish
}

# Sockets that are connected keep their routes, and ask again.
blocking_entries_stop_no_tcp()
{
	ipsi_topology
	ipsi_device_side left
	ipsi_device_side right
	entries_everywhere action block | entries right
	# shellcheck disable=SC2154 # setup_ns sets them
	"$(dirname "$0")"/lib/bulk.py tcp \
		"$right" 192.168.2.1 "$left" 192.168.1.1 1 ||
		ipsi_fail "TCP from the right"
	# shellcheck disable=SC2154 # setup_ns sets them
	"$(dirname "$0")"/lib/bulk.py tcp \
		"$left" 192.168.1.1 "$right" 192.168.2.1 1 ||
		ipsi_fail "TCP from the left"
}

allowing_entries_let_nothing_out()
{
	local before

	start
	entries_everywhere action allow | entries right
	passes
	forwards
	ipsi_do right ip xfrm state flush
	before=$(ipsi_stat right tx_no_sa)
	ipsi_send right 2
	ipsi_is "$(($(ipsi_stat right tx_no_sa) - before))" 2 \
		"packets without SA"
	finish
}

# There are no such SAs: what was caught would wait for them.
tunnel_entries_catch_nothing()
{
	start
	{
		entries_of_tunnel 192.168.2.0/24 192.168.1.0/24
		entries_of_tunnel 192.168.2.1 192.168.1.1
		entries_of_tunnel 0.0.0.0/0 0.0.0.0/0
		# for outer packets
		echo dir out src 10.0.0.2 dst 10.0.0.1 proto 4 \
			tmpl src 10.0.0.2 dst 10.0.0.1 proto esp mode transport
	} | entries right
	passes
	finish
}

default_block_of_input_stops_nothing()
{
	start
	ipsi_do right ip xfrm policy setdefault in block fwd block
	passes
	finish
}

# A device in another namespace than its underlay: the SPDs of both.
device_is_moved()
{
	ipsi_topology
	setup_ns inside || ipsi_skip "no network namespaces here"
	ipsi_shell inside
	ipsi_like inside right
	quiet left right inside
	ipsi_device_side left
	ipsi_device_side right
	# shellcheck disable=SC2154 # setup_ns sets it
	ipsi_do right ip link set "$DEV" netns "$inside"
	ipsi_up inside
	listen
	entries_everywhere action block | entries right
	entries_everywhere action block | entries inside
	ipsi_do right ip xfrm policy setdefault in block fwd block out block
	passes inside
	finish
}

device_is_in_a_vrf()
{
	ipsi_topology
	quiet left right
	ipsi_device_side left
	ipsi_do right ip link add overlay type vrf table 10
	ipsi_do right ip link set overlay up
	ipsi_device right
	ipsi_do right ip link set "$DEV" master overlay
	ipsi_do right ip route add 192.168.1.1/32 dev "$DEV" vrf overlay
	ipsi_device_sa right out
	ipsi_device_sa right in
	listen
	entries_everywhere action block | entries right
	passes right -I overlay
	finish
}

ipsi_run blocking_entries_stop_nothing blocking_entries_stop_no_tcp \
	allowing_entries_let_nothing_out tunnel_entries_catch_nothing \
	default_block_of_input_stops_nothing \
	device_is_moved device_is_in_a_vrf
