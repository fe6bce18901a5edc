#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The original experiment of this project: a host with policy-based tunnel mode,
# set up by "ip xfrm" with an inner address on a dummy device, talks to a host
# that has a device with transport-mode SAs, keyed by hand, HMAC-SHA-256 and
# AES-128-CBC. Neither can tell what the other uses. A failure means that the
# device does not do its main job.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

# seed_left: set up the host with tunnel mode; its inner address is on a dummy
seed_left()
{
	ipsi_topology
	ipsi_do left ip link add dummy0 type dummy
	ipsi_do left ip link set dummy0 up
	ipsi_tunnel_side left
	ipsi_do left ip address del "${IPSI_INNER[left]}/32" dev lo
	ipsi_do left ip address add "${IPSI_INNER[left]}/32" dev dummy0
	# The route was deleted with the address.
	ipsi_do left ip route replace "${IPSI_INNER[right]}" \
		via "${IPSI_OUTER[right]}" src "${IPSI_INNER[left]}"
}

# seed_state {in|out} MODE: add an SA of the right host's device with "ip xfrm"
seed_state()
{
	local sender=right peer=left

	if [ "$1" = in ]; then
		sender=left
		peer=right
	fi
	ipsi_algs "$sender"
	ipsi_do right ip xfrm state add src "${IPSI_OUTER[$sender]}" \
		dst "${IPSI_OUTER[$peer]}" proto esp spi "${IPSI_SPI[$sender]}" \
		mode "$2" if_id "$IPSI_IF_ID" "${IPSI_ALGS[@]}"
}

# seed_count NUMBER TEXT: check that NUMBER of SEED_LINES have TEXT
seed_count()
{
	local line n=0

	while read -r line; do
		[[ $line == *"$2"* ]] && ((++n))
	done <<< "$SEED_LINES"
	ipsi_is "$n" "$1" "packets with \"$2\""
}

# seed_pings: ping both ways, and check the packets on the wire and on the
# device
seed_pings()
{
	local left_in=${IPSI_INNER[left]} right_in=${IPSI_INNER[right]}
	local device_tcpdump wire inside output

	ipsi_need tcpdump
	# shellcheck disable=SC2031 # all in the same subshell
	wire=$IPSI_TMP/wire.pcap inside=$IPSI_TMP/inside.pcap
	ipsi_capture_start right "$inside" "$IPSI_DEV"
	device_tcpdump=$IPSI_CAPTURE_PID
	ipsi_capture_start right "$wire"

	ipsi_do left ping -n -c 2 -i 0.1 -W 10 -I "$left_in" "$right_in"
	# No source is named here: the kernel uses the device's address.
	output=$(ipsi_do right ping -n -c 2 -i 0.1 -W 10 "$left_in") ||
		ipsi_fail "no answer"
	echo "$output"
	ipsi_has "$output" "2 received" "answers"

	ipsi_capture_stop
	# Eight packets have passed the device, so they are in the file.
	# shellcheck disable=SC2317 # called by ipsi_wait
	all_inside()
	{
		[ "$(ipsi_count "$inside" icmp)" -ge 8 ]
	}
	ipsi_wait "capture on the device" all_inside
	kill -INT "$device_tcpdump"
	wait "$device_tcpdump"

	SEED_LINES=$(tcpdump -nn -r "$wire" ip 2> /dev/null)
	echo "wire:"
	echo "$SEED_LINES"
	seed_count 4 "10.0.0.1 > 10.0.0.2: ESP(spi=${IPSI_SPI[left]},"
	seed_count 4 "10.0.0.2 > 10.0.0.1: ESP(spi=${IPSI_SPI[right]},"
	seed_count 8 ""
	ipsi_wire_is_clean "$wire"

	SEED_LINES=$(tcpdump -nn -r "$inside" ip 2> /dev/null)
	echo "device:"
	echo "$SEED_LINES"
	seed_count 2 "$left_in > $right_in: ICMP echo request,"
	seed_count 2 "$right_in > $left_in: ICMP echo reply,"
	# from the address of the device, although none was named
	seed_count 2 "$right_in > $left_in: ICMP echo request,"
	seed_count 2 "$left_in > $right_in: ICMP echo reply,"
	seed_count 8 ""

	ipsi_is "$(ipsi_counter right rx.packets)" 4 "received packets"
	ipsi_is "$(ipsi_counter right tx.packets)" 4 "sent packets"
	ipsi_is "$(ipsi_counter right rx.errors)" 0 "receive errors"
	ipsi_is "$(ipsi_counter right tx.errors)" 0 "transmit errors"
}

# seed_source: print the default source address of the right host's packets
seed_source()
{
	ipsi_has "$(ipsi_do right ip route get "${IPSI_INNER[left]}")" \
		"src ${IPSI_INNER[right]}" "route of the right host"
}

# R2
sas_by_ipsec_ipip()
{
	seed_left
	ipsi_device_side right
	seed_source
	seed_pings
}

# R2
sas_by_ip_xfrm()
{
	seed_left
	ipsi_device right
	seed_state out transport
	seed_state in transport
	seed_source
	seed_pings
}

# R2
inbound_sa_in_tunnel_mode()
{
	seed_left
	ipsi_device right
	seed_state out transport
	seed_state in tunnel
	seed_source
	seed_pings
}

# The device takes SAs that existed before it.
sas_before_device()
{
	seed_left
	seed_state out transport
	seed_state in transport
	ipsi_device right
	seed_pings
}

ipsi_run sas_by_ipsec_ipip sas_by_ip_xfrm inbound_sa_in_tunnel_mode \
	sas_before_device
