#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A kernel without IPv6 (ipv6.disable=1 on its command line): requests that need
# IPv6 are refused, and IPv4 works as usual. A failure means that any user who
# may make a device can crash such a host.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV
AEAD=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)

start()
{
	[ ! -e /proc/sys/net/ipv6 ] ||
		ipsi_skip "IPv6 is there; the kernel needs ipv6.disable=1"
	ipsi_topology
}

refused()
{
	start
	refuse()
	{
		ipsi_must_fail \
			"local: expected an IPv4 address, IPv6 is disabled in this kernel" \
			left ip link "$@"
	}
	refuse add new type ipsec-ipip local fd00::1 remote fd00::2
	refuse add new type ipsec-ipip local fd00::1 remote any roam
	refuse add new type ipsec-ipip local fe80::1 remote fe80::2 \
		dev "$IPSI_WIRE"
	refuse add new type ipsec-ipip local fd00::1 remote fd00::2 \
		encap-port 4500
	refuse add new type ipsec-ipip local fd00::1 remote fd00::2 \
		keying adopt-endpoints
	ipsi_device_side left
	ipsi_must_fail "local: expected an address of the family of remote" \
		left ip link set "$DEV" type ipsec-ipip local fd00::1
	ipsi_must_fail "remote: expected an address of the family of local" \
		left ip link set "$DEV" type ipsec-ipip remote fd00::1
	ipsi_is "$(ipsi_try left ipsec-ipip -j show | jq length)" 1 "devices"
}

ipv4()
{
	start
	ipsi_device_side left
	ipsi_tunnel_side right
	ipsi_ping left
	ipsi_ping right -s 3000
	ipsi_do left ip link set "$DEV" type ipsec-ipip ttl 9 dev "$IPSI_WIRE"
	ipsi_ping left
	ipsi_do left ipsec-ipip check "$DEV"
	ipsi_do left ip link del "$DEV"
}

adopted()
{
	start
	ipsi_device left keying adopt-endpoints encap-port 4500
	ipsi_tunnel_side right
	ipsi_daemon_sa left out reqid 5
	ipsi_daemon_sa left in reqid 5
	ipsi_wait "adoption" ipsi_has_sas left 1 1
	# A policy of the other family does not matter.
	ipsi_try left ip xfrm policy add dir out src ::/0 dst ::/0 \
		tmpl src 10.0.0.1 dst 10.0.0.2 proto esp reqid 6 mode tunnel
	ipsi_ping left
	# The kernel refuses such an SA.
	ipsi_must_fail "" left ip xfrm state add src fd00::1 dst fd00::2 \
		proto esp spi 0x3001 mode tunnel "${AEAD[@]}" \
		if_id "$IPSI_IF_ID"
	ipsi_ping right
}

# IPv6 packets from AF_PACKET, as tc or a program may send them, of all sizes.
inner_ipv6()
{
	local send='
import socket, struct
def packet(size, hops=64):
    return (struct.pack("!IHBB", 6 << 28, size, 17, hops)
            + bytes.fromhex("fd0200000000000000000000000000aa")
            + bytes.fromhex("fd0100000000000000000000000000bb")
            + struct.pack("!HHHH", 9, 9, size, 0) + bytes(size - 8))
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
s.bind(("ipsec0", 0x86dd))
for size in 8, 100, 1200, 1400, 1440, 1460, 2000, 8000:
    s.sendto(packet(size), ("ipsec0", 0x86dd))
s.sendto(packet(100)[:30], ("ipsec0", 0x86dd))
'

	start
	ipsi_need python3
	ipsi_device_side left
	ipsi_device_side right
	# larger than the path MTU
	ipsi_do left ip link set "$DEV" mtu 9000
	ipsi_do left python3 -c "$send"
	ipsi_do left ip link set "$IPSI_WIRE" mtu 1300
	ipsi_do left python3 -c "$send"
	ipsi_do left ipsec-ipip sa del "$DEV" out spi "${IPSI_SPI[left]}"
	ipsi_do left python3 -c "$send"
	ipsi_do left ip link set "$IPSI_WIRE" mtu 1500
	ipsi_device_sa left out
	ipsi_ping left
}

module_goes()
{
	start
	ipsi_device_side left
	ipsi_do left ip link del "$DEV"
	rmmod ipsec_ipip || ipsi_skip "the module is in use"
	modprobe ipsec_ipip || ipsi_fail "the module cannot be loaded again"
	ipsi_device left
}

ipsi_run refused ipv4 adopted inner_ipv6 module_goes
