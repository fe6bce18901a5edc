#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fail closed: whatever happens to SAs, policies, routes and addresses, packets
# leave the device encrypted or not at all. The dropped packets are counted, and
# traffic resumes when the missing part is restored. A failure of a capture is
# the worst there is: secrets are on the wire in clear.
#
# The packets of the right are captured on the left, where they arrive. The left
# has a device too: with tunnel mode, Linux shows decrypted packets on the
# underlay device a second time.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV

# start: set up both sides, and check that the capture has one packet each way
start()
{
	ipsi_topology
	# IPv6 would only disturb the counters.
	ipsi_try right sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device_side left
	ipsi_device_side right "$@"
	WIRE=$IPSI_TMP/wire
	ipsi_capture_start left "$WIRE"
	ipsi_ping right
	N_ESP=1
}

# dropped N REASON COUNTER: send N packets, and check that they are counted as
# refused, by reason and by the interface's counter
dropped()
{
	local n=$1 reason=$2 counter=$3 before after

	before=$(counts "$reason" "$counter")
	ipsi_send right "$n"
	after=$(counts "$reason" "$counter")
	ipsi_is "$((${after% *} - ${before% *})) $((${after#* } - ${before#* }))" \
		"$n $n" "counted: stats.$reason and $counter"
}

counts()
{
	echo "$(ipsi_stat right "$1") $(ipsi_counter right "$2")"
}

# resumes: check that a packet and its answer pass again
resumes()
{
	ipsi_ping right
	((++N_ESP))
}

# finish: check that the capture has the packets that should leave, encrypted,
# and none of the dropped ones
finish()
{
	ipsi_capture_stop
	ipsi_wire_is_clean "$WIRE"
	ipsi_is "$(ipsi_count "$WIRE" "esp and src ${IPSI_OUTER[right]}")" \
		"$N_ESP" "ESP packets that left"
}

# R24
no_sa()
{
	local after

	ipsi_topology
	ipsi_try right sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device_side left
	ipsi_device right
	WIRE=$IPSI_TMP/wire
	N_ESP=0
	ipsi_capture_start left "$WIRE"
	dropped 3 tx_no_sa tx.carrier_errors
	# The sender gets an error.
	after=$(ipsi_try right ping -c 1 -W 10 "${IPSI_INNER[left]}")
	ipsi_has "$after" "Destination Host Unreachable" "ping without SA"
	# An inbound SA cannot send.
	ipsi_device_sa right in
	dropped 1 tx_no_sa tx.errors
	ipsi_device_sa right out
	resumes
	finish
}

# R24
sa_deleted()
{
	start
	ipsi_do right ipsec-ipip sa del "$DEV" out spi "${IPSI_SPI[right]}"
	dropped 3 tx_no_sa tx.carrier_errors
	ipsi_device_sa right out seq 100
	resumes
	finish
}

# R36
limit_of_packets()
{
	start
	ipsi_do right ipsec-ipip sa del "$DEV" out spi "${IPSI_SPI[right]}"
	ipsi_device_sa right out seq 100 limit packet-hard 2
	# Two of these pass.
	ipsi_send right 5
	((N_ESP += 2))
	dropped 3 tx_no_sa tx.carrier_errors
	ipsi_is "$(ipsi_get right sa_out)" 0 "outbound SAs"
	ipsi_device_sa right out seq 200
	resumes
	finish
}

no_outbound_sa()
{
	[ "$(ipsi_get right sa_out)" = 0 ]
}

# R36
limit_of_time()
{
	start
	ipsi_do right ipsec-ipip sa del "$DEV" out spi "${IPSI_SPI[right]}"
	ipsi_device_sa right out seq 100 limit time-hard 2
	ipsi_wait "end of the SA" no_outbound_sa
	dropped 3 tx_no_sa tx.carrier_errors
	ipsi_device_sa right out seq 200
	resumes
	finish
}

# R24
state_flush()
{
	start
	ipsi_do right ip xfrm state flush
	dropped 3 tx_no_sa tx.carrier_errors
	ipsi_device_sa right out seq 100
	ipsi_device_sa right in
	resumes
	finish
}

policy_flush()
{
	start
	ipsi_do right ip xfrm policy flush
	resumes
	# a flush with a policy to delete
	ipsi_do right ip xfrm policy add dir out dst 10.0.0.0/8 action block
	ipsi_do right ip xfrm policy flush
	resumes
	finish
}

route_lost()
{
	start
	ipsi_do right ip route del 10.0.0.0/24 dev "$IPSI_WIRE"
	dropped 3 tx_no_route tx.carrier_errors
	ipsi_do right ip route add 10.0.0.0/24 dev "$IPSI_WIRE"
	resumes
	ipsi_do right ip route add unreachable 10.0.0.1
	dropped 2 tx_no_route tx.carrier_errors
	ipsi_do right ip route del unreachable 10.0.0.1
	ipsi_do right ip route add blackhole 10.0.0.1
	dropped 2 tx_no_route tx.carrier_errors
	ipsi_do right ip route del blackhole 10.0.0.1
	resumes
	finish
}

# The remote endpoint may also be reached through a default route; if an
# underlay device is set, only through that.
other_route()
{
	local dev=(dev "$IPSI_WIRE")

	start "${dev[@]}"
	ipsi_do right ip link add other type dummy
	ipsi_do right ip link set other up
	ipsi_do right ip route add 10.0.0.1 dev other
	resumes
	ipsi_do right ip link set "$DEV" type ipsec-ipip nodev
	# These leave encrypted, through the other device.
	ipsi_send right 2
	ipsi_is "$(ipsi_counter right tx.packets other)" 2 "packets elsewhere"
	ipsi_do right ip route del 10.0.0.1 dev other
	resumes
	finish
}

underlay_down()
{
	start
	ipsi_do right ip link set "$IPSI_WIRE" down
	dropped 3 tx_no_route tx.carrier_errors
	ipsi_do right ip link set "$IPSI_WIRE" up
	resumes
	finish
}

# R12
local_address_lost()
{
	start
	# Keep a route.
	ipsi_do right ip address add 10.0.0.3/25 dev "$IPSI_WIRE"
	ipsi_do right ip address del 10.0.0.2/24 dev "$IPSI_WIRE"
	dropped 3 tx_no_route tx.carrier_errors
	ipsi_do right ip address add 10.0.0.2/24 dev "$IPSI_WIRE"
	resumes
	finish
}

# The route to the remote endpoint leads through the device itself.
# R86
loop()
{
	start
	ipsi_do right ip route add 10.0.0.1/32 dev "$DEV"
	dropped 3 tx_loop tx.collisions
	ipsi_do right ip route del 10.0.0.1/32 dev "$DEV"
	resumes
	finish
}

# Two devices are each other's underlay.
# R86
loop_of_two()
{
	local before

	start
	ipsi_do right ip link add second type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.9 if_id 9
	ipsi_do right ip link set second up
	ipsi_do right ipsec-ipip -q sa add second out spi 0x1001 \
		aead 'rfc4106(gcm(aes))' \
		0x000102030405060708090a0b0c0d0e0f10111213 128
	ipsi_do right ip route add 10.0.0.1/32 dev second
	ipsi_do right ip route add 10.0.0.9/32 dev "$DEV"
	before=$(ipsi_counter right tx.errors)
	ipsi_send right 3
	[ "$(ipsi_counter right tx.errors)" -gt "$before" ] ||
		ipsi_fail "packets that go round are not counted"
	ipsi_do right ip link del second
	ipsi_do right ip route del 10.0.0.9/32 dev "$DEV"
	resumes
	finish
}

# Without keys, inner IPv6 is dropped as IPv4 is.
ipv6_inside()
{
	local before after

	start
	ipsi_try right sysctl -qw "net.ipv6.conf.$DEV.disable_ipv6=0"
	# Router solicitations of the stack would be counted too.
	ipsi_try right sysctl -qw "net.ipv6.conf.$DEV.router_solicitations=0"
	ipsi_do right ip address add fd00::2/64 dev "$DEV" nodad
	ipsi_do right ipsec-ipip sa del "$DEV" out spi "${IPSI_SPI[right]}"
	before=$(counts tx_no_sa tx.carrier_errors)
	ipsi_try right ping -6 -c 2 -i 0.2 -W 1 fd00::1 > /dev/null &&
		ipsi_fail "IPv6 was answered"
	after=$(counts tx_no_sa tx.carrier_errors)
	[ "$((${after% *} - ${before% *}))" -ge 1 ] ||
		ipsi_fail "IPv6 packets are not in stats.tx_no_sa"
	[ "$((${after#* } - ${before#* }))" -ge 1 ] ||
		ipsi_fail "IPv6 packets are not in tx.carrier_errors"
	ipsi_device_sa right out seq 200
	resumes
	ipsi_capture_stop
	ipsi_wire_is_clean "$WIRE"
	! LC_ALL=C grep -aqP '\xfd\x00(\x00){13}[\x01\x02]' "$WIRE" ||
		ipsi_fail "an inner IPv6 address on the wire"
}

ipsi_run no_sa sa_deleted limit_of_packets limit_of_time state_flush \
	policy_flush route_lost other_route \
	underlay_down local_address_lost loop loop_of_two ipv6_inside
