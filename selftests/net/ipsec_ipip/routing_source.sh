#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Only routes and the device decide: packets of the host through the device get
# the device's source address, and all packets routed to the device use the one
# SA in use, whatever their addresses and ports. A failure means that packets
# have a source address to which the far end has no route, or that policies have
# an effect.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV

# tcp HOST ADDRESS: send a SYN to a closed port
tcp()
{
	echo "$1: TCP to $2"
	# shellcheck disable=SC2016 # expanded by the inner shell
	ipsi_try "$1" bash -c ': < "/dev/tcp/$0/9"' "$2" 2> /dev/null || :
}

# R2
source_is_the_devices()
{
	local file=$IPSI_TMP/inner to=${IPSI_INNER[right]}

	ipsi_topology
	ipsi_device_side left
	ipsi_device_side right
	# Another device has another address.
	ipsi_do left ip link add other type dummy
	ipsi_do left ip address add 192.168.9.1/24 dev other
	ipsi_do left ip link set other up

	ipsi_capture_start right "$file" "$DEV"
	ipsi_do left ping -n -q -c 1 -W 10 "$to"
	ipsi_send left
	tcp left "$to"
	# a network behind the far end
	ipsi_do right ip address add 192.168.8.1/32 dev lo
	ipsi_do left ip route add 192.168.8.0/24 dev "$DEV"
	ipsi_do left ping -n -q -c 1 -W 10 192.168.8.1
	ipsi_capture_stop
	for protocol in 'icmp[0] = 8' udp 'tcp[13] & 2 != 0'; do
		[ "$(ipsi_count "$file" "src ${IPSI_INNER[left]} and
			dst $to and $protocol")" -gt 0 ] ||
			ipsi_fail "not from the device's address: $protocol"
	done
	ipsi_is "$(ipsi_count "$file" "ip and dst net 192.168 and
		not src ${IPSI_INNER[left]} and
		not dst ${IPSI_INNER[left]}")" 0 "packets from elsewhere"
}

# R3
one_sa_for_all()
{
	local file=$IPSI_TMP/wire from to n

	ipsi_topology
	ipsi_try left sysctl -qw "net.ipv6.conf.$IPSI_WIRE.disable_ipv6=1"
	ipsi_device left
	# not in use any more when there is a newer one
	ipsi_device_sa left out spi 0x1234 reqid 5
	ipsi_device_sa left out
	ipsi_batch_routes

	ipsi_capture_start right "$file"
	for from in "${IPSI_INNER[left]}" 172.16.1.1; do
		for to in 192.168.2.1 172.16.2.1 10.0.1.2; do
			ipsi_try left ping -n -q -c 1 -W 0.1 -I "$from" \
				-Q 0xb8 "$to" > /dev/null
			ipsi_try left ping -n -q -c 1 -W 0.1 -I "$from" "$to" \
				> /dev/null
		done
	done
	for n in 9 500 4500 65535; do
		echo x > "$IPSI_TMP/x"
		ipsi_try left bash -c "echo x > /dev/udp/192.168.2.1/$n"
	done
	ipsi_try left bash -c 'echo x > /dev/udp/239.1.2.3/9'
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$file" "esp and src 10.0.0.1 and
		ip[20:4] = ${IPSI_SPI[left]}")" 17 "packets in the SA in use"
	ipsi_is "$(ipsi_count "$file" "ip and src 10.0.0.1 and
		not (esp and ip[20:4] = ${IPSI_SPI[left]})")" 0 "others"
}

ipsi_batch_routes()
{
	ip -n "${left:?}" -batch - <<-END || ipsi_fail "no routes"
		address add 172.16.1.1/32 dev lo
		route add 172.16.2.0/24 dev $DEV
		route add 10.0.1.0/24 dev $DEV
		route add 239.0.0.0/8 dev $DEV
	END
}

ipsi_run source_is_the_devices one_sa_for_all
