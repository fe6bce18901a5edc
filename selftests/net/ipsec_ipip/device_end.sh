#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The end of a device while its peer, an ordinary tunnel-mode gateway, goes on
# sending. The SAs end with the device: no packet but ESP leaves the underlay,
# the SAD holds no state of the device, its owner is notified, and the same
# commands make a link that works at once.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/load.sh
source "$IPSI_LIB/load.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1

DEV=$IPSI_DEV
AEAD=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)
WIRE_CAPTURE=

# comes HOST DEVICE: packets arrive there now
comes()
{
	local before

	before=$(ipsi_counter "$1" rx.packets "$2")
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	more()
	{
		[ "$(ipsi_counter "$1" rx.packets "$2")" -gt $((before + 20)) ]
	}
	ipsi_wait "traffic" more "$1" "$2"
}

# peer_sends: tunnel mode on the left, and packets from there to the end of the
# test; on the wire they are recorded at the right
peer_sends()
{
	ipsi_topology
	ipsi_tunnel_side left
	ipsi_bg left ping -f -q -s 600 -I "${IPSI_INNER[left]}" \
		"${IPSI_INNER[right]}" > /dev/null 2>&1
	WIRE_CAPTURE=$IPSI_TMP/wire
	ipsi_capture_start right "$WIRE_CAPTURE"
}

# nothing_in_clear: the peer still sends, and nothing has left the right but ESP
nothing_in_clear()
{
	comes right "$IPSI_WIRE"
	ipsi_capture_stop
	ipsi_wire_is_clean "$WIRE_CAPTURE"
	ipsi_none "$WIRE_CAPTURE" 'not esp and not arp and not ether proto 0x88b5
		and not (icmp6 and ip6[40] >= 133 and ip6[40] <= 136)
		and not (ip6[6] = 0 and dst net ff02::/16)' \
		"other packets than ESP"
}

# no_states HOST
no_states()
{
	local states

	states=$(ip -n "${!1}" xfrm state) || ipsi_fail "no list of states"
	ipsi_is "$states" "" "states of $1"
}

# again: the same commands work
again()
{
	ipsi_device_side right
	comes right "$DEV"
}

link_deleted()
{
	peer_sends
	ipsi_device_side right
	comes right "$DEV"
	ipsi_do right ip link del "$DEV"
	no_states right
	nothing_in_clear
	again
}

link_deleted_inbound_tunnel()
{
	peer_sends
	ipsi_device right
	ipsi_device_sa right out
	ipsi_device_sa right in mode tunnel
	comes right "$DEV"
	ipsi_do right ip link del "$DEV"
	no_states right
	nothing_in_clear
	again
}

link_deleted_over_ipv6()
{
	ipsi_families 6 6
	link_deleted
}

# States that others have added, with the if_id of the device
states_of_others()
{
	peer_sends
	ipsi_device right
	ipsi_daemon_sa right out mode transport if_id "$IPSI_IF_ID"
	ipsi_daemon_sa right in mode transport if_id "$IPSI_IF_ID"
	comes right "$DEV"
	ipsi_do right ip link del "$DEV"
	no_states right
	nothing_in_clear
	again
}

# Those that the device adopts
adopted_states()
{
	peer_sends
	ipsi_device right keying adopt
	ipsi_daemon_sa right out if_id "$IPSI_IF_ID"
	ipsi_daemon_sa right in if_id "$IPSI_IF_ID"
	comes right "$DEV"
	ipsi_wait "adoption" ipsi_has_sas right 1 1
	ipsi_do right ip link del "$DEV"
	no_states right
	nothing_in_clear
	again
}

# A state with the if_id of the device, which the device does not use
unused_state()
{
	ipsi_topology
	ipsi_device_side right
	ipsi_do right ip xfrm state add src 10.0.0.9 dst 10.0.0.2 proto esp \
		spi 0x1000 mode transport if_id "$IPSI_IF_ID" "${AEAD[@]}"
	ipsi_do right ip xfrm state add src 10.0.0.9 dst 10.0.0.2 proto esp \
		spi 0x1001 mode transport if_id 8 "${AEAD[@]}"
	# a key manager's, for a tunnel that the device does not adopt
	ipsi_do right ip xfrm state add src 10.0.0.9 dst 10.0.0.2 proto esp \
		spi 0x1002 mode tunnel if_id "$IPSI_IF_ID" "${AEAD[@]}"
	ipsi_do right ip link del "$DEV"
	ipsi_is "$(ip -n "$right" xfrm state | grep -o 'spi 0x[0-9a-f]*' |
		sort | xargs)" "spi 0x00001001 spi 0x00001002" "other states"
}

# Of three devices, two go at once.
several_devices()
{
	local n src

	ipsi_topology
	for n in 1 2 3; do
		ipsi_do right ip link add "several$n" group $((n % 2)) \
			type ipsec-ipip local 10.0.0.2 remote 10.0.1.$n \
			if_id "$n"
		# one that the device uses, and one that it does not
		for src in "10.0.1.$n" 10.0.0.9; do
			ipsi_do right ip xfrm state add src "$src" \
				dst 10.0.0.2 proto esp \
				spi "$n${src##*.}" mode transport if_id "$n" \
				"${AEAD[@]}"
		done
	done
	ipsi_do right ip link del group 1
	ipsi_is "$(ip -n "$right" xfrm state | grep -o 'if_id .*' | sort |
		xargs)" "if_id 0x2 if_id 0x2" "other states"
}

# More states than are looked at in one go
many_states()
{
	local n

	ipsi_topology
	ipsi_device_side right
	for ((n = 0; n < 3000; n++)); do
		echo "xfrm state add src 10.0.0.9 dst 10.0.0.2 proto esp" \
			"spi $((0x1000 + n)) mode transport" \
			"if_id $((7 + n % 3 % 2)) ${AEAD[*]}"
	done > "$IPSI_TMP/batch"
	ipsi_do right ip -batch "$IPSI_TMP/batch"
	ipsi_do right ip link del "$DEV"
	ipsi_is "$(ip -n "$right" xfrm state | grep -c '^src')" 1000 \
		"states with another if_id"
	ipsi_is "$(ip -n "$right" xfrm state | grep -c 'if_id 0x7$')" 0 \
		"states of the device"
}

# Owners are notified: a key manager gets a hard expiry.
owners_are_notified()
{
	local log=$IPSI_TMP/monitor

	ipsi_topology
	ipsi_bg right ip xfrm monitor >> "$log"
	ipsi_device right keying adopt
	ipsi_wait "monitor" ipsi_xfrm_monitors right "$log"
	ipsi_device_sa right out spi 0x1000
	ipsi_daemon_sa right out if_id "$IPSI_IF_ID"
	ipsi_daemon_sa right in if_id "$IPSI_IF_ID"
	ipsi_wait "adoption" ipsi_has_sas right 2 1
	ipsi_do right ip link del "$DEV"
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	deleted()
	{
		# the state is on the next line
		grep -A 1 '^Deleted src 10.0.0.2' "$log" |
			grep -q 'spi 0x00001000'
	}
	ipsi_wait "deletion" deleted
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	expired()
	{
		[ "$(grep -c 'hard 1' "$log")" -ge 2 ]
	}
	ipsi_wait "two hard expiries" expired || cat "$log"
}

namespace_of_device_ends()
{
	local app

	setup_ns app || ipsi_skip "no network namespaces here"
	ipsi_like app right
	peer_sends
	ipsi_do right ip link add "$DEV" type ipsec-ipip \
		local 10.0.0.2 remote 10.0.0.1 if_id 7
	ipsi_device_sa right out
	ipsi_device_sa right in
	ipsi_do right ip link set "$DEV" netns "$app"
	ipsi_up app
	comes app "$DEV"
	ipsi_shell_end app
	ip netns del "$app" || ipsi_fail "namespace is not deleted"
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	gone()
	{
		local states

		states=$(ip -n "$right" xfrm state) && [ -z "$states" ]
	}
	ipsi_wait "end of the states" gone
	nothing_in_clear
	again
}

# The namespace of the underlay ends while a user still has a reference to a
# device that was deleted in another. It waits until that is freed, since the
# device still uses what the namespace has.
namespace_of_underlay_ends_first()
{
	local app holder deleter seconds=net.core.netdev_unregister_timeout_secs

	ipsi_need python3
	setup_ns app || ipsi_skip "no network namespaces here"
	# no complaint of the core about the reference
	seconds="$seconds=$(sysctl -qn "$seconds")"
	# shellcheck disable=SC2064 # as it is now
	trap "sysctl -qw $seconds; ipsi_cleanup" EXIT
	sysctl -qw net.core.netdev_unregister_timeout_secs=3600
	ipsi_topology
	# one that is not made does not count
	! ipsi_try right ip link add name all type ipsec-ipip \
		local 10.0.0.2 remote 10.0.0.9 ||
		ipsi_fail "a device with the name \"all\""
	ipsi_device_side right
	ipsi_do right ip link add second type ipsec-ipip \
		local 10.0.0.2 remote 10.0.0.8 if_id 8
	ipsi_do right ip link set "$DEV" netns "$app"
	ipsi_do right ip link set second netns "$app"
	ipsi_do app ip link add queue type dummy
	ipsi_do app tc qdisc add dev queue root tbf rate 8bit burst 200 \
		limit 100000
	ipsi_do app ip link set queue up
	ipsi_do app ip link set "$DEV" up
	ipsi_bg app python3 "$IPSI_LIB/hold.py" queue "$DEV" \
		> "$IPSI_TMP/holder"
	holder=$IPSI_BG_PID
	ipsi_wait "a full queue" grep -q holding "$IPSI_TMP/holder"
	ipsi_wait "a reference" grep -q '^sock_' "/proc/$holder/wchan"
	ipsi_bg app ip link del "$DEV"
	deleter=$IPSI_BG_PID
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	gone()
	{
		! ip -n "${!1}" link show dev "$2"
	}
	ipsi_wait "the device gone" gone app "$DEV"
	ipsi_shell_end right
	ipsi_do left ip netns del "$right"
	# the last step before it would free what the module has there
	ipsi_wait "the other device gone" gone app second
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	waits()
	{
		# its other devices go after that
		! gone left "$IPSI_WIRE" || return 0
		cat /proc/[0-9]*/stack | grep -q ' ipsi_'
	}
	ipsi_wait "the end of the namespace" waits
	! gone left "$IPSI_WIRE" > /dev/null 2>&1 ||
		ipsi_fail "the namespace has not waited for the device"
	kill -0 "$deleter" || ipsi_fail "nobody has held the device"
	kill "$holder"
	wait "$deleter" || ipsi_fail "the device is not deleted"
	ipsi_wait "the namespace gone" gone left "$IPSI_WIRE"
}

module_removed()
{
	local round

	peer_sends
	ipsi_device_side right
	comes right "$DEV"
	if ! modprobe -r ipsec_ipip; then
		ipsi_skip "the module cannot be unloaded here"
	fi
	no_states right
	nothing_in_clear
	for round in 1 2 3; do
		again
		modprobe -r ipsec_ipip || ipsi_fail "round $round: modprobe -r"
	done
	again
}

# The states stay while the device is at other endpoints, and let nothing in.
endpoints_changed()
{
	peer_sends
	ipsi_device_side right
	comes right "$DEV"
	ipsi_do right ip link set "$DEV" type ipsec-ipip remote 10.0.0.9
	comes right "$IPSI_WIRE"
	ipsi_is "$(ipsi_get right sa_in) $(ipsi_get right sa_out)" "0 0" "SAs"
	nothing_in_clear
	ipsi_do right ip link set "$DEV" type ipsec-ipip remote 10.0.0.1
	comes right "$DEV"
	ipsi_do right ip link set "$DEV" type ipsec-ipip remote 10.0.0.9
	ipsi_do right ip link del "$DEV"
	no_states right
}

# back_and_to_none: an update gives the inbound SA, which the caller has in the
# arrays "in" and IPSI_ALGS, back to the device, and another one takes it to an
# if_id that no device has
back_and_to_none()
{
	ipsi_do right ip xfrm state update "${in[@]}" if_id 7 "${IPSI_ALGS[@]}"
	comes right "$DEV"
	ipsi_do right ip xfrm state update "${in[@]}" if_id 9 "${IPSI_ALGS[@]}"
	ipsi_is "$(ip -n "$right" xfrm state | grep -c "${IPSI_SPI[left]}")" 0 \
		"states of no device"
	nothing_in_clear
}

# An SA leaves the device by an update: for another device, or for none, and then
# it ends.
if_id_updated()
{
	local -a IPSI_ALGS in=(src "${IPSI_OUTER[left]}" dst
		"${IPSI_OUTER[right]}" proto esp spi "${IPSI_SPI[left]}"
		mode transport)

	ipsi_algs left
	peer_sends
	ipsi_device right
	ipsi_device_sa right out
	# newer kernels update no SA in another direction, and ip may not know it
	ipsi_daemon_sa right in mode transport if_id 7
	comes right "$DEV"
	ipsi_do right ip link add second type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.1 if_id 8
	ipsi_do right ip xfrm state update "${in[@]}" if_id 8 "${IPSI_ALGS[@]}"
	ipsi_is "$(ipsi_get right sa_in) $(ipsi_get right sa_in second)" \
		"0 1" "inbound SAs"
	back_and_to_none
}

# slow_update [DEVICE REMOTE]: an update of an SA takes a while from when the SA
# has changed to when the module learns of it; in that while the device gets the
# endpoint
slow_update()
{
	ipsi_need python3
	# key managers are called in the order of their registration
	modprobe xfrm_user
	if ! modprobe -r ipsec_ipip || ! modprobe ipsec_ipip; then
		ipsi_skip "the module cannot be unloaded here"
	fi
	ipsi_bg right python3 "$IPSI_LIB/listen.py" "$@" \
		> "$IPSI_TMP/listeners"
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	listens()
	{
		grep -qx listening "$IPSI_TMP/listeners" ||
			! kill -0 "$IPSI_BG_PID"
	}
	ipsi_wait "listeners" listens
	grep -qx listening "$IPSI_TMP/listeners" || ipsi_skip "no BPF here"
}

# An update takes an SA from its device. Packets that come before the module
# learns of it are refused, whatever the new if_id is.
packets_meanwhile()
{
	local -a IPSI_ALGS in=(src "${IPSI_OUTER[left]}" dst
		"${IPSI_OUTER[right]}" proto esp spi "${IPSI_SPI[left]}"
		mode transport)

	ipsi_algs left
	ipsi_topology
	slow_update
	# Packets are on their way for a while, so that they come whatever the
	# processors do.
	ipsi_do left tc qdisc add dev "$IPSI_WIRE" root netem delay 300ms \
		limit 100000
	ipsi_tunnel_side left
	ipsi_device right
	ipsi_device_sa right out
	ipsi_daemon_sa right in mode transport if_id 7
	ipsi_do right ip link add second type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.9 if_id 8
	ipsi_do right ip link set second up
	ipsi_bg left ping -f -q -s 600 -I "${IPSI_INNER[left]}" \
		"${IPSI_INNER[right]}" > /dev/null 2>&1
	WIRE_CAPTURE=$IPSI_TMP/wire
	ipsi_capture_start right "$WIRE_CAPTURE"
	comes right "$DEV"
	# to one with other endpoints
	ipsi_do right ip xfrm state update "${in[@]}" if_id 8 "${IPSI_ALGS[@]}"
	comes right "$IPSI_WIRE"
	ipsi_is "$(ipsi_get right sa_in) $(ipsi_get right sa_in second)" \
		"0 0" "inbound SAs"
	ipsi_is "$(ipsi_counter right rx.packets second)" 0 \
		"packets of another peer"
	back_and_to_none
}

# An update gives an SA to a device that looks for its SAs just then. It is that
# of one device at a time.
devices_meanwhile()
{
	local -a IPSI_ALGS out=(src "${IPSI_OUTER[right]}" dst
		"${IPSI_OUTER[left]}" proto esp spi "${IPSI_SPI[right]}"
		mode transport)

	ipsi_algs right
	ipsi_topology
	slow_update second 10.0.0.1
	ipsi_device right
	ipsi_daemon_sa right out mode transport if_id 7
	ipsi_is "$(ipsi_get right sa_out)" 1 "outbound SAs"
	ipsi_do right ip link add second type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.9 if_id 8
	ipsi_do right ip xfrm state update "${out[@]}" if_id 8 \
		"${IPSI_ALGS[@]}"
	ipsi_wait "the other device" grep -qx changed "$IPSI_TMP/listeners"
	ipsi_is "$(ipsi_get right sa_out) $(ipsi_get right sa_out second)" \
		"0 1" "outbound SAs"
	ipsi_do right ip xfrm state delete "${out[@]:0:8}"
	ipsi_is "$(ipsi_get right sa_out) $(ipsi_get right sa_out second)" \
		"0 0" "outbound SAs"
}

# moves [SRC DST NEW_SRC NEW_DST]...: move these SAs on the right; the last one,
# which this adds, to IPv6, for which there is no module yet. Returns while the
# key manager waits for that.
moves()
{
	ipsi_need python3
	load_waits esp6 xfrm-type-10-50
	ipsi_do right ip xfrm policy add dir fwd src 0.0.0.0/0 dst 0.0.0.0/0 \
		tmpl proto esp mode transport
	ipsi_do right ip xfrm state add src 10.0.0.8 dst 10.0.0.9 proto esp \
		spi 0x1008 mode transport flag af-unspec "${AEAD[@]}"
	ipsi_bg right python3 "$IPSI_LIB/xfrm.py" move "$@" \
		10.0.0.8 10.0.0.9 fd00::8 fd00::9 > "$IPSI_TMP/moved"
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	requested()
	{
		[ -e "$IPSI_TMP/waits" ] || ! kill -0 "$IPSI_BG_PID"
	}
	ipsi_wait "the request for a module" requested
	! grep SKIP "$IPSI_TMP/moved" || ipsi_skip "see above"
	[ -e "$IPSI_TMP/waits" ] || ipsi_fail "$(cat "$IPSI_TMP/moved")"
}

# moved: they are moved, and no state with the device's if_id is left
moved()
{
	# none SPI...: no states with these SPIs
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	none()
	{
		! ip -n "$right" xfrm state | grep -q 'if_id 0x7$'
	}
	load_goes_on
	wait "$IPSI_BG_PID" || ipsi_fail "$(cat "$IPSI_TMP/moved")"
	ipsi_wait "the end of the clone" none
	ipsi_is "$(ip -n "$right" xfrm state | grep -c '^src fd00::8 dst')" 1 \
		"moved states"
}

# A device ends while a key manager moves one of its SAs: the clone is there, and
# is not reported yet.
moved_meanwhile()
{
	peer_sends
	ipsi_device_side right
	comes right "$DEV"
	moves 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.2
	ipsi_do right ip link del "$DEV"
	comes right "$IPSI_WIRE"
	moved
	nothing_in_clear
	again
}

# The clone comes when the device has gone.
moved_later()
{
	local in=(src 10.0.0.1 dst 10.0.0.2 proto esp spi 0x1009
		mode transport)

	ipsi_topology
	ipsi_device right
	ipsi_do right ip xfrm state add "${in[@]}" if_id 7 flag af-unspec \
		"${AEAD[@]}"
	moves 10.0.0.1 10.0.0.2 fd00::1 fd00::2
	# the first one of the two is what the module is needed for
	ipsi_do right ip link del "$DEV"
	moved
}

# An SA that is added at that time is its owner's, whatever its if_id.
added_meanwhile()
{
	local adder in=(src 10.0.0.1 dst 10.0.0.2 proto esp spi 0x1009
		mode transport)

	ipsi_topology
	ipsi_device right
	ipsi_device_sa right in
	moves 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.2
	adder=$IPSI_BG_PID
	ipsi_bg right ip xfrm state add "${in[@]}" if_id 7 "${AEAD[@]}"
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	waits()
	{
		grep -q xfrm_netlink_rcv "/proc/$IPSI_BG_PID/stack"
	}
	ipsi_wait "somebody who waits" waits
	ipsi_do right ip link del "$DEV"
	load_goes_on
	wait "$IPSI_BG_PID" "$adder" || ipsi_fail "$(cat "$IPSI_TMP/moved")"
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	none()
	{
		! ip -n "$right" xfrm state | grep -q "${IPSI_SPI[left]}"
	}
	ipsi_wait "the end of the clone" none
	ipsi_is "$(ip -n "$right" xfrm state | grep -c 'if_id 0x7$')" 1 \
		"states of somebody else"
}

# A newer kernel moves a single SA, and reports that not at all.
state_moved()
{
	ipsi_need python3
	peer_sends
	ipsi_device_side right
	comes right "$DEV"
	ipsi_do right python3 "$IPSI_LIB/xfrm.py" move_state 10.0.0.2 \
		"${IPSI_SPI[left]}" 10.0.0.3 10.0.0.2 > "$IPSI_TMP/moved"
	! grep SKIP "$IPSI_TMP/moved" || ipsi_skip "see above"
	ipsi_do right ip link del "$DEV"
	no_states right
	nothing_in_clear
	again
}

# The end of a namespace waits for its devices, and the loading of a module may
# wait for the end of a namespace. So a request that waits for that loading must
# not keep the device.
namespace_ends_while_module_loads()
{
	local adder waiter

	setup_ns app || ipsi_skip "no network namespaces here"
	ipsi_topology
	ipsi_device right
	ip link add marker netns "$left" type veth peer name marker \
		netns "$app" || ipsi_fail "no marker"
	# the module registers operations of namespaces
	modprobe -r ipcomp6 2> /dev/null || :
	load_waits xfrm6_tunnel xfrm-type-10-108
	ipsi_bg right ip xfrm state add src fd00::2 dst fd00::1 proto comp \
		spi 0x1001 mode transport comp deflate
	adder=$IPSI_BG_PID
	ipsi_wait "the request for a module" test -e "$IPSI_TMP/waits"
	ipsi_bg right ipsec-ipip sa add "$DEV" out spi 0x1002 \
		"${AEAD[@]}" 2> "$IPSI_TMP/refused"
	waiter=$IPSI_BG_PID
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	waits()
	{
		grep -q nl_sa_add "/proc/$waiter/stack"
	}
	ipsi_wait "the request for an SA" waits
	ipsi_do right ip link set "$DEV" netns "$app"
	ipsi_shell_end app
	ip netns del "$app" || ipsi_fail "namespace is not deleted"
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	ends()
	{
		! ip -n "$left" link show dev marker
	}
	ipsi_wait "the end of the devices" ends
	load_goes_on
	ipsi_wait "the module" test ! -e "/proc/$adder"
	ipsi_wait "the request" test ! -e "/proc/$waiter"
	wait "$adder" || ipsi_fail "the module is not loaded"
	ipsi_has "$(cat "$IPSI_TMP/refused")" "no such device" "message"
	ipsi_has_not "$(ip -n "$right" xfrm state)" "if_id 0x7" "states"
}

# The SAD is flushed, and with it the SAs of the device; packets of the peer are
# for no SA.
sad_flushed()
{
	peer_sends
	ipsi_device_side right
	comes right "$DEV"
	ipsi_do right ip xfrm state flush
	no_states right
	nothing_in_clear
	ipsi_device_sa right out
	ipsi_device_sa right in
	comes right "$DEV"
}

# An if_id that was not requested is the first free one, also when a device
# has had it before.
if_id_first_free()
{
	local n

	# id_of NAME
	id_of()
	{
		ip -n "$right" -d link show "$1" | grep -o 'if_id [^ ]*'
	}
	ipsi_topology
	for n in 0 1 2; do
		ipsi_do right ip link add "a$n" type ipsec-ipip \
			local 10.0.0.2 remote "10.0.1.$n"
		ipsi_is "$(id_of "a$n")" "if_id 0x8000000$((n + 1))" "if_id"
	done
	ipsi_do right ip link add fixed type ipsec-ipip local 10.0.0.2 \
		remote 10.0.2.1 if_id 0x80000005
	ipsi_do right ip link del a1
	for n in 2 4 6; do
		ipsi_do right ip link add "c$n" type ipsec-ipip \
			local 10.0.0.2 remote "10.0.3.$n"
		ipsi_is "$(id_of "c$n")" "if_id 0x8000000$n" "if_id"
	done
}

# The stack refuses these names when the device is nearly registered.
registration_refused()
{
	local name

	for name in all default; do
		! unshare -U -r -n ip link add name "$name" type ipsec-ipip \
			local 192.0.2.1 remote 192.0.2.2 ||
			ipsi_fail "a device with the name \"$name\""
		! ip link add name "$name" type ipsec-ipip \
			local 192.0.2.1 remote 192.0.2.2 encap-port 4500 ||
			ipsi_fail "a device with the name \"$name\""
	done
	ipsi_topology
	ipsi_device right
	# states that wait for a device are not its
	ipsi_do right ip xfrm state add src 10.0.0.9 dst 10.0.0.2 proto esp \
		spi 0x1001 mode transport if_id 8 "${AEAD[@]}"
	! ipsi_try right ip link add name all type ipsec-ipip \
		local 10.0.0.2 remote 10.0.0.9 if_id 8 ||
		ipsi_fail "a device with the name \"all\""
	ipsi_is "$(ip -n "$right" xfrm state | grep -c 0x00001001)" 1 \
		"states of the device that was not made"
}

ipsi_run link_deleted link_deleted_inbound_tunnel link_deleted_over_ipv6 \
	states_of_others adopted_states \
	unused_state several_devices many_states owners_are_notified \
	namespace_of_device_ends namespace_of_underlay_ends_first \
	module_removed endpoints_changed if_id_updated packets_meanwhile \
	devices_meanwhile moved_meanwhile moved_later added_meanwhile \
	state_moved sad_flushed if_id_first_free registration_refused \
	namespace_ends_while_module_loads
