#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Stress: devices, SAs, namespaces, the underlay and the module itself are
# removed while packets are in flight. A failure, or a fault in the kernel's
# log, means a use after free or a leak.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

DEV=$IPSI_DEV
AEAD=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)

# flood HOST: send packets to the other side as fast as possible, until the end
# of the test
flood()
{
	ipsi_bg "$1" ping -f -q -s 600 -I "${IPSI_INNER[$1]}" \
		"${IPSI_INNER[${IPSI_PEER[$1]}]}" > /dev/null 2>&1
}

# moves HOST [DEVICE] [NAME]: wait until packets pass
moves()
{
	local before

	before=$(ipsi_counter "$1" "${3:-rx.packets}" "${2:-$DEV}")
	# shellcheck disable=SC2317 # called by ipsi_wait
	more()
	{
		[ "$(ipsi_counter "$1" "$2" "$3")" -gt $((before + 5)) ]
	}
	ipsi_wait "traffic" more "$1" "${3:-rx.packets}" "${2:-$DEV}"
}

# start: set up tunnel mode on the left and a device on the right, with packets
# both ways
start()
{
	ipsi_topology
	ipsi_tunnel_side left
	ipsi_device_side right "$@"
	ipsi_ping right
	flood left
	flood right
	moves right
}

no_device()
{
	! ipsi_try "$1" ip link show dev "$DEV"
}

no_wire()
{
	! ipsi_try "$1" ip link show dev "$IPSI_WIRE"
}

device_deleted()
{
	local round

	start
	for round in 1 2 3 4 5; do
		ipsi_do right ip link del "$DEV"
		ipsi_device_side right
	done
	moves right
	ipsi_is "$round $(ipsi_get right sa_in) $(ipsi_get right sa_out)" \
		"5 1 1" "rounds and SAs"
}

sas_change()
{
	local n

	start
	echo "right: 200 outbound and inbound SAs by ip xfrm, one after the other"
	for ((n = 0; n < 200; n++)); do
		for ends in "src 10.0.0.2 dst 10.0.0.1" \
			"src 10.0.0.1 dst 10.0.0.2"; do
			echo "xfrm state add $ends proto esp spi $((4096 + n))" \
				"mode transport if_id 7 ${AEAD[*]}"
			((n < 5)) || echo "xfrm state delete $ends proto esp" \
				"spi $((4096 + n - 5))"
		done
	done > "$IPSI_TMP/batch"
	ipsi_do right ip -batch "$IPSI_TMP/batch"
	ipsi_is "$(ipsi_get right sa_in) $(ipsi_get right sa_out)" "6 6" "SAs"
	for ((n = 0; n < 5; n++)); do
		ipsi_device_sa right out spi $((8192 + n))
		ipsi_do right ipsec-ipip sa del "$DEV" out spi $((8192 + n))
	done
	ipsi_do right ip xfrm state flush
	ipsi_is "$(ipsi_get right sa_in) $(ipsi_get right sa_out)" "0 0" "SAs"
	ipsi_device_sa right out seq 0x40000000
	ipsi_device_sa right in
	moves right
}

# Options change, the device goes down and up, and is shown all the time.
device_changes()
{
	local n

	start
	ipsi_bg right bash -c 'while :; do ipsec-ipip; ipsec-ipip sa show; done' \
		> /dev/null 2>&1
	for ((n = 1; n <= 30; n++)); do
		printf 'link set %s type ipsec-ipip ttl %u tos 0x%x\n' \
			"$DEV" "$n" $((n * 4))
		echo "link set $DEV type ipsec-ipip remote 10.0.0.9"
		echo "link set $DEV mtu $((1000 + n))"
		echo "link set $DEV type ipsec-ipip remote 10.0.0.1 dev $IPSI_WIRE"
		echo "link set $DEV down"
		echo "link set $DEV up"
		echo "route replace ${IPSI_INNER[left]} dev $DEV"
	done > "$IPSI_TMP/batch"
	ipsi_do right ip -batch "$IPSI_TMP/batch"
	moves right
}

many_devices()
{
	local n

	start
	for ((n = 0; n < 200; n++)); do
		echo "link add many$n group 7 type ipsec-ipip local 10.0.0.2" \
			"remote 10.0.1.$n"
		echo "link set many$n up"
		((n % 3)) || echo "link del many$n"
	done > "$IPSI_TMP/batch"
	ipsi_do right ip -batch "$IPSI_TMP/batch"
	ipsi_is "$(ipsi_try right ipsec-ipip -j show | grep -o '"ifname"' |
		wc -l)" 134 "number of devices"
	ipsi_do right ip link del group 7
	ipsi_do right ip -batch "$IPSI_TMP/batch"
	ipsi_do right ip link del group 7
	ipsi_is "$(ipsi_try right ipsec-ipip -j show | grep -o '"ifname"')" \
		'"ifname"' "one device"
	moves right
}

# The underlay device is deleted, with everything that refers to it.
underlay_deleted()
{
	start dev "$IPSI_WIRE"
	ipsi_do right timeout 60 ip link del "$IPSI_WIRE"
	ipsi_must_fail "does not exist" right ip link show "$IPSI_WIRE"
	# The device remains, and counts what is missing.
	ipsi_send right 2
	[ "$(ipsi_stat right tx_no_route)" -gt 0 ] ||
		ipsi_fail "nothing is missing without the underlay"
	ipsi_do right ip link del "$DEV"
}

# Device and underlay in different namespaces; packets come from the left, so
# that no process keeps a namespace alive.
apart()
{
	setup_ns app || ipsi_skip "no network namespaces here"
	ipsi_like app right
	ipsi_topology
	ipsi_tunnel_side left
	ipsi_do right ip link add "$DEV" type ipsec-ipip \
		local 10.0.0.2 remote 10.0.0.1 if_id 7
	ipsi_device_sa right out
	ipsi_device_sa right in
	ipsi_do right ip link set "$DEV" netns "$app"
	ipsi_up app
	ipsi_ping left
	flood left
	moves app
}

# ends HOST: delete the namespace, and check that nothing of it is left, not
# even a reference of a socket or a route
ends()
{
	ipsi_shell_end "$1"
	echo "ip netns del $1"
	ip netns del "${!1}" || ipsi_fail "namespace is not deleted"
}

namespace_of_underlay_ends()
{
	local app

	apart
	ends right
	ipsi_wait "end of the device" no_device app
	# The veth pair is deleted with the last reference to the namespace.
	ipsi_wait "end of the namespace" no_wire left
}

namespace_of_device_ends()
{
	local app

	apart
	ends app
	# The if_id of the device is free again.
	# shellcheck disable=SC2317 # called by ipsi_wait
	again()
	{
		ipsi_try right ip link add "$DEV" type ipsec-ipip \
			local 10.0.0.2 remote 10.0.0.1 if_id 7
	}
	ipsi_wait "end of the device" again
	ipsi_device_sa right out
	ipsi_device_sa right in
	ipsi_up right
	moves right
}

namespaces_end()
{
	local app

	apart
	ends right
	ends app
	ipsi_wait "end of the namespace" no_wire left
}

# The module is unloaded while packets flow, and loaded again.
module_unload()
{
	local round

	start
	for round in 1 2 3; do
		if ! modprobe -r ipsec_ipip; then
			((round > 1)) && ipsi_fail "round $round: modprobe -r"
			ipsi_skip "the module cannot be unloaded here"
		fi
		ipsi_must_fail "does not exist" right ip link show "$DEV"
		# loaded by its alias
		ipsi_device_side right
		moves right
	done

	# devices in several namespaces, one of them not in that of its underlay
	ipsi_do left ip link add "$DEV" type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.9
	ipsi_do left ip link set "$DEV" up
	ipsi_do left ip link set "$DEV" name moved netns "$right"
	ipsi_do right modprobe -r ipsec_ipip
	ipsi_must_fail "does not exist" right ip link show moved
	ipsi_do right modprobe ipsec_ipip
	# The module has registered the family.
	ipsi_is "$(ipsi_try right ipsec-ipip -j show)" "[]" "devices"
}

kernel_log()
{
	local bad

	bad=$(dmesg | sed "1,/$START/d" | grep -E "$IPSI_KLOG_BAD") &&
		ipsi_fail "the kernel says: $bad"
	dmesg | grep -q "$START" || ipsi_skip "the kernel's log is not to be read"
}

START="lifecycle-$RANDOM$RANDOM"
echo "$START" > /dev/kmsg

ipsi_run device_deleted sas_change device_changes many_devices \
	underlay_deleted namespace_of_underlay_ends namespace_of_device_ends \
	namespaces_end module_unload kernel_log
