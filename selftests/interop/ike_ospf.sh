#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OSPFv2 by FRR over links that strongSwan keys, and one link to an ordinary
# tunnel-mode gateway without OSPF and without a device:
#
#     r1 ---- r2
#       \    /
#         r3 ---- r4, the gateway, before 192.168.4.4
#
# Routes appear with the keys, stay on a rekey, and disappear as soon as IKE
# detects a dead peer: OSPF itself would wait for 40 s. A failure means that
# routes lead into a dead link, or that a rekey changes routes.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=../net/ipsec_ipip/lib/router.sh
source "$IPSI_LIB/router.sh"
# shellcheck source=lib/frr.sh
source "$IPSI_INTEROP/lib/frr.sh"
# shellcheck source=lib/strongswan.sh
source "$IPSI_INTEROP/lib/strongswan.sh"

# device N M: make N's end of the link to M
device()
{
	ipsi_batch "r$1" <<-END
		link add to$2 type ipsec-ipip local 10.0.0.$1 remote 10.0.0.$2 if_id 10$2 reqid 10$2 keying adopt
		address add $(ipsi_inner_of "$1" "$2")/24 dev to$2
		link set to$2 up
	END
}

# router_conf N M: print router.conf for N's end of that link; the one with the
# smaller number initiates
router_conf()
{
	local passive=()

	[ "$1" -lt "$2" ] || passive=(-e /start/d)
	sed -e "s/\<r1\>/r@N@/g; s/\<r2\>/r$2/g; s/r@N@/r$1/g" \
		-e "s/-r2\>/-r$2/; s/\<102\>/10$2/" \
		-e "s/local_addrs = .*/local_addrs = 10.0.0.$1/" \
		-e "s/remote_addrs = .*/remote_addrs = 10.0.0.$2/" \
		"${passive[@]}" "$SWAN_FILES/router.conf"
}

# gateway_conf: print router.conf for the gateway, without the parts for a
# device
gateway_conf()
{
	router_conf 4 3 | sed -e '/if_id/d; /reqid/d; /policies/d' \
		-e 's|local_ts = .*|local_ts = 192.168.4.4/32|' \
		-e 's|remote_ts = .*|remote_ts = 192.168.0.0/16|'
}

# router N M...: set up devices, OSPF and charon of router N
router()
{
	local n=$1 m ospf=() dir=$IPSI_TMP/charon.r$1
	shift

	mkdir -p "$dir"
	sed -n '/^charon {/,/^}/{//!p}' "$SWAN_FILES/strongswan.conf" \
		> "$dir/charon.conf"
	echo "interfaces_ignore = to1, to2, to3, to4" >> "$dir/charon.conf"
	for m in "$@"; do
		device "$n" "$m"
		[ "$m" = 4 ] || ospf+=("interface to$m"
			" ip ospf hello-interval 1"
			" ip ospf dead-interval 40")
	done
	{
		printf '%s\n' "${ospf[@]}"
		echo "router ospf"
		echo " ospf router-id 192.168.$n.$n"
		echo " timers throttle spf 10 100 500"
		[ "$n" != 3 ] || echo " redistribute static"
		for m in "$@"; do
			[ "$m" = 4 ] ||
				echo " network $(ipsi_inner_of "$n" "$m")/24 area 0"
		done
		echo " network 192.168.$n.$n/32 area 0"
	} | ipsi_frr_config "r$n" ospfd
}

# charons: start all charons, the passive ends first
charons()
{
	local n m

	ipsi_charon r4 < <(gateway_conf)
	ipsi_charon r3 < <(router_conf 3 1; router_conf 3 2; router_conf 3 4)
	ipsi_charon r2 < <(router_conf 2 1; router_conf 2 3)
	ipsi_charon r1 < <(router_conf 1 2; router_conf 1 3)
}

# carrier N M {true|false}: wait for this carrier
carrier()
{
	[ "$(ipsi_get "r$1" carrier "to$2")" = "$3" ]
}

# has N M DEVICE...: wait until router N has exactly this route to M's address
has()
{
	echo "r$1: wait for a route to 192.168.$2.$2 by ${*:3}"
	ipsi_wait "route of r$1 to r$2 by ${*:3}" \
		ipsi_leads "r$1" "192.168.$2.$2" "${@:3}"
}

has_no()
{
	[ -z "$(ip -n "${!1}" route show "$2")" ]
}

# reach N M: ping from loopback to loopback
reach()
{
	ipsi_do "r$1" ping -n -q -c 1 -W 10 -I "192.168.$1.$1" "192.168.$2.$2"
}


changes()
{
	ipsi_vtysh r1 show ip ospf neighbor detail |
		sed -n 's/.*State is \([A-Za-z]*\).*/\1/p
			s/.*\(Most recent state change\).*/\1/p
			s/.* \([0-9]* state changes\).*/\1/p' | xargs
}

# spis N: print the outbound SPIs of charon on router N
spis()
{
	ipsi_swanctl "r$1" --list-sas | grep '^ *out '
}

new_spis()
{
	[ "$(spis 1)" != "$1" ] && ipsi_charon_installed r1 2
}

# R1 R10 R30
ospf()
{
	local before

	ipsi_charon_need
	ipsi_need nft vtysh
	ipsi_lan 1 2 3 4
	router 1 2 3
	router 2 1 3
	router 3 1 2 4
	# The host behind the gateway is its own loopback.
	ipsi_batch r4 <<< "route add 192.168.0.0/16 dev eth0 src 192.168.4.4"
	ipsi_frr_config r3 staticd <<< "ip route 192.168.4.4/32 to4"
	ipsi_frr ospfd r1 r2 r3
	ipsi_frr_start r3 staticd
	charons

	has 1 2 to2
	has 2 1 to1
	has 1 3 to3
	has 3 2 to2
	has 1 4 to3
	has 2 4 to3
	reach 1 2
	reach 1 4
	reach 4 2

	# A rekey does not change the link.
	before=$(changes)
	local old
	old=$(spis 1)
	ipsi_swanctl r1 --rekey --child r2 > /dev/null || ipsi_fail "rekey"
	ipsi_wait "rekeying" new_spis "$old"
	reach 1 2
	ipsi_is "$(changes)" "$before" "changes of OSPF's neighbours"
	has 1 2 to2

	# Drop all packets between r1 and r2.
	ipsi_do r1 nft -f - <<-END
		table inet cut {
			chain in {
				type filter hook input priority 0
				ip saddr 10.0.0.2 drop
			}
		}
	END
	ipsi_wait "end of the carrier at r1" carrier 1 2 false
	ipsi_wait "end of the carrier at r2" carrier 2 1 false
	has 1 2 to3
	has 2 1 to3
	reach 1 2
	ipsi_do r1 nft delete table inet cut
	ipsi_wait "carrier" carrier 1 2 true
	has 1 2 to2
	has 2 1 to1
	reach 1 2

	# Kill the gateway's daemon.
	ipsi_charon_kill r4
	ipsi_wait "end of the carrier at r3" carrier 3 4 false
	ipsi_wait "end of the route at r1" has_no r1 192.168.4.4
	ipsi_do r4 ip xfrm state flush
	ipsi_do r4 ip xfrm policy flush
	ipsi_charon_start r4
	# r3 retries, but charon gives up for good when it is refused, as it is
	# by a daemon that has not read its configuration yet. Otherwise r3's
	# connection may be up already.
	ipsi_swanctl r4 --initiate --child r3 > "$IPSI_TMP/initiate" ||
		grep -q "due to existing duplicate" "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	has 1 4 to3
	reach 1 4
}

ipsi_run ospf
