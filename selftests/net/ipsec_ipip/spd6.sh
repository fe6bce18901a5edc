#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Inner IPv6 and policies of a key manager that knows no if_id. Nothing can
# exempt IPv6 from them: they catch what is routed to the device. It is given
# back to the device.
# A failure means that IPv6 is lost beside such a daemon, or worse, that it
# leaves in clear, or by a policy's SA past the device.
#
#   lan ------------- left ======================= right
#   fd01::3     fd01::1 (device)        fd02::1 (tunnel mode)
#
# All policies that matter are on the left. "ip xfrm" is in the daemon's place.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"
# shellcheck source=ipsec_ipip_flow.sh
source "$(dirname "$0")/ipsec_ipip_flow.sh"

# shellcheck disable=SC2034 # for ipsi_quiet()
IPSI_QUIET=1
DEV=$IPSI_DEV
REQID=16389
LAN=fd01::3
NETS=(fd01::/64 fd02::/64)

# policies {add|del} HOST HERE THERE [OPTION...]: as the daemon of HOST has them
policies()
{
	local verb=$1 host=$2 here=$3 there=$4 peer dir
	local -a flow ends tmpl
	shift 4

	peer=${IPSI_PEER[$host]}
	for dir in out in fwd; do
		flow=(src "$there" dst "$here")
		ends=(src "${IPSI_OUTER[$peer]}" dst "${IPSI_OUTER[$host]}")
		if [ $dir = out ]; then
			flow=(src "$here" dst "$there")
			ends=(src "${IPSI_OUTER[$host]}"
			      dst "${IPSI_OUTER[$peer]}")
		fi
		tmpl=(tmpl "${ends[@]}" proto esp reqid "$REQID" mode tunnel)
		[ "$verb" = add ] || tmpl=()
		ipsi_do "$host" ip xfrm policy "$verb" dir $dir "${flow[@]}" \
			"$@" "${tmpl[@]}"
	done
}

# sa HOST DIR [SPI]: for either family inside
sa()
{
	local host=$1 dir=$2 sender=$1

	[ "$dir" = out ] || sender=${IPSI_PEER[$host]}
	ipsi_daemon_sa "$host" "$dir" spi "${3:-${IPSI_SPI[$sender]}}" \
		mode tunnel reqid $REQID flag af-unspec
}

# sas: those of the left
sas()
{
	sa left out
	sa left in
	ipsi_wait "adoption" ipsi_has_sas left 1 1
}

# standins [HOST]: one line for each in its SAD
standins()
{
	ip -n "${!1:-$left}" xfrm state | grep "spi 0x00000000 reqid $REQID"
}

# stands_in N [HOST]: so many are there
stands_in()
{
	[ "$(standins "${2:-left}" | wc -l)" = "$1" ]
}

# gateway: the right, in tunnel mode, which forwards as well
gateway()
{
	ipsi_inner right
	sa right out
	sa right in
	policies add right fd02::/64 fd01::/64
	# any route would do, the policy decides
	ipsi_do right ip route add fd01::/64 dev "$IPSI_WIRE" src fd02::1
}

# start OUTER: up to the ping that goes through
start()
{
	ipsi_families "$1" 6
	ipsi_topology
	gateway
	ipsi_device left keying adopt-endpoints
	sas
	policies add left "${NETS[@]}"
	ipsi_wait "stand-in" stands_in 1
	WIRE=$IPSI_TMP/wire
	ipsi_capture_start left "$WIRE"
}

# finish: nothing has left but ESP
finish()
{
	ipsi_capture_stop
	[ -s "$WIRE" ] || ipsi_fail "$WIRE is empty"
	ipsi_none "$WIRE" 'net fd01::/64 or net fd02::/64 or ip proto 41 or
		ip6 proto 41' "inner packets on the wire"
	! LC_ALL=C grep -aqP '\xfd\x0[12]\0{13}' "$WIRE" ||
		ipsi_fail "an inner address on the wire"
}

# device_sent N: since it was asked last, the device has sent so many
device_sent()
{
	local now

	now=$(ipsi_counter left tx.packets)
	ipsi_is $((now - ${SENT:-0})) "$1" "packets sent by the device"
	SENT=$now
}

# caught OUTER: what a host sends that asks nobody's leave
caught()
{
	start "$1"
	device_sent 0
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping left -I "$DEV"
	ipsi_ping right -c 3 -i 0.2
	device_sent 7
	# in fragments, which fit
	ipsi_ping left -s 4000
	ipsi_is "$(ipsi_counter left tx.errors)" 0 "errors of the device"
	# nothing waits for an SA, nothing was refused
	ipsi_is "$(ipsi_xfrm_stat left)" "" "errors of XFRM"
	finish
}

over_ipv6()
{
	caught 6
}

over_ipv4()
{
	caught 4
}

# Sockets that are connected keep what the policy has made of their route.
tcp()
{
	start 4
	# shellcheck disable=SC2154 # setup_ns sets them
	"$IPSI_DIR"/ipsec_ipip_bulk.py tcp \
		"$left" fd01::1 "$right" fd02::1 1 || ipsi_fail "TCP"
	"$IPSI_DIR"/ipsec_ipip_bulk.py tcp \
		"$right" fd02::1 "$left" fd01::1 1 || ipsi_fail "TCP"
	ipsi_is "$(ipsi_xfrm_stat left)" "" "errors of XFRM"
	finish
}

# lan: a host behind the left; the two know each other's link address
lan()
{
	local link=02:00:00:00:00:0

	setup_ns lan || ipsi_skip "no network namespaces here"
	ipsi_shell lan
	# shellcheck disable=SC2154 # setup_ns sets it
	ip link add eth0 netns "$lan" address ${link}3 type veth \
		peer name lan netns "$left" address ${link}1 ||
		ipsi_fail "no veth pair"
	ip -n "$lan" -batch - <<-END || ipsi_fail "no addresses"
		address add $LAN/128 dev eth0 nodad
		link set eth0 up
		route add fd01::1 dev eth0
		route add default via fd01::1 dev eth0
		neighbour add fd01::1 lladdr ${link}1 dev eth0
	END
	ip -n "$left" -batch - <<-END || ipsi_fail "no addresses"
		link set lan up
		route add $LAN dev lan
		neighbour add $LAN lladdr ${link}3 dev lan
	END
	ipsi_try left sysctl -qw net.ipv6.conf.all.forwarding=1
}

forwarded()
{
	start 6
	lan
	ipsi_do lan ping -n -q -c 3 -i 0.2 -W 10 fd02::1
	ipsi_do right ping -n -q -c 3 -i 0.2 -W 10 -I fd02::1 $LAN
	device_sent 6
	# the sender is told, and cuts them
	ipsi_try lan ping -n -q -c 1 -W 1 -M "do" -s 1452 fd02::1
	ipsi_has "$(ipsi_try lan ip route get fd02::1)" \
		"mtu $(ipsi_get left mtu)" "route of the lan"
	ipsi_do lan ping -n -q -c 1 -W 10 -s 1452 fd02::1
	ipsi_is "$(ipsi_xfrm_stat left)" "" "errors of XFRM"
	finish
}

# filters: for them the packets leave by the device, once, and by nothing else
filters()
{
	ipsi_need nft
	ipsi_do left nft -f - <<-END
		table ip6 filters {
			chain output {
				type filter hook output priority 0
				oifname != "$DEV" ip6 daddr fd02::/64 drop
				ip6 daddr fd02::/64 counter
			}
			chain forward {
				type filter hook forward priority 0; policy drop
				iifname lan oifname "$DEV" counter accept
				iifname "$DEV" oifname lan accept
			}
			chain post {
				type filter hook postrouting priority 0
				oifname != "$DEV" ip6 daddr fd02::/64 drop
				ip6 daddr fd02::/64 counter
			}
			$(printf '%s\n' "$@")
		}
	END
}

# counted CHAIN N: its counter has seen so many packets
counted()
{
	ipsi_has "$(ipsi_try left nft list chain ip6 filters "$1")" \
		"counter packets $2 " "chain $1"
}

packet_filter()
{
	start 4
	lan
	filters
	ipsi_ping left -c 2 -i 0.2
	ipsi_do lan ping -n -q -c 3 -i 0.2 -W 10 fd02::1
	counted output 2
	counted forward 3
	counted post 5
	device_sent 5
	finish
}

# NAT and marks make the stack ask policies anew, and routes.
packet_is_changed()
{
	start 6
	lan
	# an address for which there is no policy, until it is translated
	ipsi_do lan ip address add fd03::3/128 dev eth0 nodad
	ipsi_do left ip route add fd03::3 dev lan
	ipsi_do left ip neighbour add fd03::3 dev lan lladdr 02:00:00:00:00:03
	ipsi_do left ip route add fd02::7 dev "$DEV"
	ipsi_do left ip -6 rule add fwmark 9 table 9
	ipsi_do left ip route add fd02::/64 dev "$DEV" table 9
	filters "chain nat {
			type nat hook postrouting priority 100
			oifname $DEV ip6 saddr fd03::3 snat to fd01::1
			oifname $DEV ip6 saddr $LAN snat to fd01::1
		}
		chain nat_out {
			type nat hook output priority -100
			ip6 daddr fd02::7 dnat to fd02::1
		}
		chain marks {
			type route hook output priority -150
			udp dport 9 meta mark set 9
		}"
	ipsi_do lan ping -n -q -c 3 -i 0.2 -W 10 -I fd03::3 fd02::1
	ipsi_do lan ping -n -q -c 2 -i 0.2 -W 10 -I $LAN fd02::1
	counted forward 5
	ipsi_do left ping -n -q -c 2 -i 0.2 -W 10 -I fd01::1 fd02::7
	counted output 2
	ipsi_send left 2
	counted output 4
	counted post 9
	device_sent 9
	ipsi_is "$(ipsi_xfrm_stat left)" "" "errors of XFRM"

	# the mark leads elsewhere: it is caught and stays so
	ipsi_do left ip route add fd02::1/128 via fd00::2 dev "$IPSI_WIRE" \
		table 9
	ipsi_send left 2
	device_sent 0
	finish
}

# What is caught and routed elsewhere does not leave, neither in clear nor by
# the device.
routed_elsewhere()
{
	start 6
	ipsi_ping left
	ipsi_do left ip route add fd02::1/128 via fd00::2 dev "$IPSI_WIRE" \
		metric 1
	ipsi_no_ping left
	device_sent 1
	ipsi_is "$(ipsi_xfrm_stat left)" "left XfrmOutStateSeqError 1" \
		"errors of XFRM"
	ipsi_do left ip route del fd02::1/128 dev "$IPSI_WIRE" metric 1
	# it is the same for another device
	ipsi_do left ip link add other type dummy
	ipsi_do left ip link set other up
	ipsi_do left ip route add fd02::1/128 dev other metric 1
	ipsi_no_ping left
	ipsi_is "$(ipsi_counter left tx.packets other)" 0 \
		"packets of another device"
	ipsi_do left ip link del other
	ipsi_ping left
	device_sent 1
	finish
}

# Without an SA the device refuses what the policy has caught.
no_sa()
{
	start 6
	ipsi_do left ip xfrm state delete src fd00::1 dst fd00::2 proto esp \
		spi "${IPSI_SPI[left]}"
	ipsi_wait "the end of the SA" ipsi_has_sas left 0 1
	ipsi_no_ping left
	device_sent 0
	ipsi_is "$(ipsi_stat left tx_no_sa)" 1 "packets without SA"
	sa left out
	ipsi_wait "adoption" ipsi_has_sas left 1 1
	ipsi_ping left
	device_sent 1
	finish
}

# Those who flush the SAD know nothing of stand-ins.
flushed()
{
	start 6
	ipsi_do left ip xfrm state flush
	ipsi_wait "another stand-in" stands_in 1
	ipsi_no_ping left
	sas
	ipsi_ping left
	finish
}

# It is there as long as there is a policy that catches, and in its way.
comes_and_goes()
{
	start 6
	policies add left fd11::/64 fd12::/64
	policies del left "${NETS[@]}"
	ipsi_wait "one for both" stands_in 1
	policies del left fd11::/64 fd12::/64
	ipsi_wait "no stand-in" stands_in 0
	# this one catches nothing
	policies add left 10.1.0.0/16 10.2.0.0/16
	policies add left fd13::/64 fd14::/64 if_id 9
	policies add left "${NETS[@]}"
	ipsi_wait "one again" stands_in 1
	ipsi_ping left

	ipsi_do left ip link set "$DEV" type ipsec-ipip keying adopt
	ipsi_wait "no stand-in" stands_in 0
	ipsi_do left ip link set "$DEV" type ipsec-ipip keying adopt-endpoints
	ipsi_wait "one again" stands_in 1

	ipsi_do left ip link set "$DEV" type ipsec-ipip remote fd00::3
	ipsi_wait "no stand-in" stands_in 0
	ipsi_do left ip link set "$DEV" type ipsec-ipip remote fd00::2
	ipsi_wait "one again" stands_in 1

	setup_ns inside || ipsi_skip "no network namespaces here"
	ipsi_shell inside
	ipsi_like inside left
	# shellcheck disable=SC2154 # setup_ns sets it
	ipsi_do left ip link set "$DEV" netns "$inside"
	ipsi_up inside
	ipsi_wait "no stand-in" stands_in 0
	ipsi_ping inside
	ipsi_do inside ip link set "$DEV" netns "$left"
	ipsi_up left
	ipsi_wait "one again" stands_in 1
	ipsi_ping left

	ipsi_do left ip link del "$DEV"
	stands_in 0 || ipsi_fail "a stand-in is left: $(standins)"
	finish
}

# logged TEXT: it is in the kernel's log
logged()
{
	dmesg | grep -q "$1"
}

# A policy that names its SA cannot be answered: the log says so, and what it
# catches does not leave.
spi_is_named()
{
	start 6
	ipsi_ping left
	device_sent 1
	policies del left "${NETS[@]}"
	ipsi_wait "no stand-in" stands_in 0
	ipsi_do left ip xfrm policy add dir out src fd01::/64 dst fd02::/64 \
		tmpl src fd00::1 dst fd00::2 proto esp \
		spi "${IPSI_SPI[left]}" reqid $REQID mode tunnel
	ipsi_wait "the kernel's log" logged \
		"policy for reqid $REQID, without if_id but with an SPI"
	stands_in 0 || ipsi_fail "a stand-in: $(standins)"
	ipsi_no_ping left
	device_sent 0
	finish
}

# New SAs of the daemon are in tunnel mode until they are adopted; nothing goes
# by them past the device.
rekeyed()
{
	local i spi

	start 6
	device_sent 0
	flow_start 2000 fd01::1 fd02::1
	for ((i = 1; i <= 20; i++)); do
		spi=$((0x4000 + i))
		sa right in $spi
		sa left out $spi
		ipsi_wait "adoption" ipsi_has_sas left 2 1
		ipsi_do left ip xfrm state delete src fd00::1 dst fd00::2 \
			proto esp spi "$(former $i)"
		ipsi_wait "former SA gone" ipsi_has_sas left 1 1
	done
	flow_lossless 20
	ipsi_is "${FLOW_REFUSED[1]}" 0 "packets refused by the right"
	ipsi_is "$(ipsi_xfrm_stat left right)" "" "errors of XFRM"
	device_sent "${FLOW_SENT[0]}"
	finish
}

# former N: SPI of the SA before the Nth
former()
{
	if [ "$1" = 1 ]; then
		echo "${IPSI_SPI[left]}"
	else
		echo $((0x4000 + $1 - 1))
	fi
}

ipsi_run over_ipv6 over_ipv4 tcp forwarded packet_filter packet_is_changed \
	routed_elsewhere no_sa flushed comes_and_goes spi_is_named rekeyed
