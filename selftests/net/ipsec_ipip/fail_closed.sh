#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fail closed: whatever happens to SAs, policies, routes and addresses, packets
# leave the device encrypted or not at all; what does not leave is counted, and
# all goes on when what was missing comes back. A failure of a capture means
# that secrets are on the wire in clear: nothing is worse.
#
# What leaves the right is captured where it arrives, on the left. There must be
# a device as well: with tunnel mode, Linux shows what it has decrypted on the
# underlay once more.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"

DEV=$IPSI_DEV

# Both sides, one packet each way, and a capture that has seen it.
start()
{
	ipsi_topology
	# of no concern here, and noise in the counters
	ipsi_try right sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device_side left
	ipsi_device_side right "$@"
	WIRE=$IPSI_TMP/wire
	ipsi_capture_start left "$WIRE"
	ipsi_ping right
	N_ESP=1
}

# dropped N REASON COUNTER: so many packets are sent and counted as refused, by
# reason and in the interface's counter.
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

# A packet and its answer go through again.
resumes()
{
	ipsi_ping right
	((++N_ESP))
}

# The wire has carried, encrypted, the packets that were to leave, and nothing
# of those sent in vain.
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
	# who sends hears of it
	after=$(ipsi_try right ping -c 1 -W 10 "${IPSI_INNER[left]}")
	ipsi_has "$after" "Destination Host Unreachable" "ping without SA"
	# an inbound one alone is none to send with
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
	# two of these go out
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
	# and one that has something to flush
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

# The remote endpoint may be reached through a default route as well; with an
# underlay given, only that will do.
other_route()
{
	local dev=(dev "$IPSI_WIRE")

	start "${dev[@]}"
	ipsi_do right ip link add other type dummy
	ipsi_do right ip link set other up
	ipsi_do right ip route add 10.0.0.1 dev other
	resumes
	ipsi_do right ip link set "$DEV" type ipsec-ipip nodev
	# these go out encrypted, elsewhere
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
	# a route stays
	ipsi_do right ip address add 10.0.0.3/25 dev "$IPSI_WIRE"
	ipsi_do right ip address del 10.0.0.2/24 dev "$IPSI_WIRE"
	dropped 3 tx_no_route tx.carrier_errors
	ipsi_do right ip address add 10.0.0.2/24 dev "$IPSI_WIRE"
	resumes
	finish
}

# The way to the remote endpoint leads through the device itself.
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

# Two devices, each the other's underlay.
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

# Without keys for it, IPv6 inside is held back as IPv4 is.
ipv6_inside()
{
	local before after

	start
	ipsi_try right sysctl -qw "net.ipv6.conf.$DEV.disable_ipv6=0"
	# router solicitations of the stack itself would be counted as well
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
