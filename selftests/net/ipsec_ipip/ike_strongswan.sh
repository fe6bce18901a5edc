#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# strongSwan keys the device on the left; it is the daemon of the distribution,
# and believes in tunnel mode. The right is an ordinary host: strongSwan with
# policies, which know nothing of devices. A failure means that keys that IKE
# negotiates do not work for long, or that charon has lost track of them.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"
# shellcheck source=ipsec_ipip_ike.sh
source "$(dirname "$0")/ipsec_ipip_ike.sh"

# swanctl_conf HOST TS-LOCAL TS-REMOTE [LINE...]: the two share a secret. Lines
# are for the child. Nothing is rekeyed unless it is asked for.
swanctl_conf()
{
	local host=$1 peer=${IPSI_PEER[$1]} line

	cat <<-END
		connections {
			link {
				version = 2
				local_addrs = ${IPSI_OUTER[$host]}
				remote_addrs = ${IPSI_OUTER[$peer]}
				proposals = aes128-sha256-x25519
				mobike = no
				rekey_time = 0
				local {
					auth = psk
					id = $host
				}
				remote {
					auth = psk
					id = $peer
				}
				children {
					link {
						mode = tunnel
						local_ts = $2
						remote_ts = $3
						esp_proposals = aes128gcm16-x25519
						rekey_time = 0
	END
	for line in "${@:4}"; do
		echo "$line"
	done
	cat <<-END
					}
				}
			}
		}
		secrets {
			ike-1 {
				secret = "nobody else knows"
			}
		}
	END
}

# What makes the SAs those of the device
KEYED=('if_id_in = 7' 'if_id_out = 7' 'reqid = 77')

# ordinary: the right side; both networks are told
# shellcheck disable=SC2120 # what it is given differs from test to test
ordinary()
{
	ipsi_inner right
	ipsi_do right ip route add "${IPSI_INNER[left]}" dev "$IPSI_WIRE" \
		src "${IPSI_INNER[right]}"
	ipsi_charon right \
		< <(swanctl_conf right "${1:-0.0.0.0/0}" "${2:-0.0.0.0/0}")
}

# start [LINE...]: both sides, not connected; lines are for the left child
start()
{
	ipsi_charon_need
	ipsi_topology
	ipsi_try left sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device left keying adopt reqid 77
	# shellcheck disable=SC2119
	ordinary
	ipsi_charon left \
		< <(swanctl_conf left 0.0.0.0/0 0.0.0.0/0 "${KEYED[@]}" "$@")
}

initiate()
{
	echo "$1: initiate"
	ipsi_swanctl "$1" --initiate --child link > "$IPSI_TMP/initiate" ||
		ipsi_fail "initiate: $(cat "$IPSI_TMP/initiate")"
	ipsi_wait "adoption" has_sas 1 1
}

# has_sas OUT IN: the device has so many
has_sas()
{
	[ "$(ipsi_get left sa_out) $(ipsi_get left sa_in)" = "$1 $2" ]
}

# What everybody believes
believe()
{
	local sas

	sas=$(ipsi_swanctl left --list-sas)
	ipsi_has "$sas" "INSTALLED, TUNNEL" "charon on the left"
	ipsi_has "$(ipsi_swanctl right --list-sas)" "INSTALLED, TUNNEL" \
		"charon on the right"
	ipsi_has "$(ip -n "${left:?}" xfrm state list dst 10.0.0.2)" \
		"mode transport" "outbound state"
	ipsi_has_not "$(ip -n "${right:?}" xfrm state)" "mode transport" \
		"states on the right"
	echo "$sas"
}

# charon_counts PACKETS: charon on the left sees so many in both directions
charon_counts()
{
	ipsi_swanctl left --list-sas | grep -c "^ *\(in\|out\) .*, *$1 packets" |
		grep -qx 2
}

# flow HOST N: start to send so many packets, 50 a second
flow()
{
	local host=$1

	ipsi_bg "$host" ping -q -n -i 0.02 -c "$2" -W 30 \
		-I "${IPSI_INNER[$host]}" \
		"${IPSI_INNER[${IPSI_PEER[$host]}]}" > "$IPSI_TMP/flow"
	FLOW=$IPSI_BG_PID
}

# flow_lossless: it has ended, and no answer is missing
flow_lossless()
{
	wait "$FLOW"
	cat "$IPSI_TMP/flow"
	ipsi_try left ipsec-ipip show "$IPSI_DEV"
	ipsi_has "$(cat "$IPSI_TMP/flow")" " 0% packet loss" "loss"
}

# rekeyed HOST: there is one CHILD_SA again, and another
rekeyed()
{
	local spis

	spis=$(ipsi_swanctl left --list-sas | grep '^ *out ')
	[ "$spis" != "$SPIS" ] && ipsi_charon_installed left 1 &&
		ipsi_charon_installed right 1 && has_sas 1 1
}

rekey()
{
	SPIS=$(ipsi_swanctl left --list-sas | grep '^ *out ')
	echo "$1: rekey"
	ipsi_swanctl "$1" --rekey --child link > "$IPSI_TMP/rekey" ||
		ipsi_fail "rekey: $(cat "$IPSI_TMP/rekey")"
	ipsi_wait "rekeying by the $1" rekeyed
}

# R27 R28
both_ways()
{
	start 'policies = no'
	initiate left
	ipsi_ping left -c 5 -i 0.2
	ipsi_ping right -c 5 -i 0.2
	believe
	ipsi_wait "packets in charon's view" charon_counts 10
	# but for those of its own sockets
	ipsi_has_not "$(ip -n "${left:?}" xfrm policy)" tmpl \
		"policies on the left"
}

# As charon does of itself, with policies.
with_policies()
{
	start
	initiate right
	ipsi_ping left -c 5 -i 0.2
	ipsi_ping right -c 5 -i 0.2
	believe
	ipsi_has "$(ip -n "${left:?}" xfrm policy)" "if_id 0x7" "policies"
	ipsi_wait "packets in charon's view" charon_counts 10
}

# R30
rekey_under_traffic()
{
	start 'policies = no'
	initiate left
	flow left 1000
	rekey left
	rekey right
	rekey left
	flow_lossless
	echo "left: rekey the IKE SA"
	ipsi_swanctl left --rekey --ike link > /dev/null ||
		ipsi_fail "IKE rekey"
	ipsi_ping left
	rekey left
	ipsi_ping right
	believe
}

# The daemon deletes what it has made; the device is closed.
terminate()
{
	start 'policies = no'
	initiate left
	ipsi_ping left
	ipsi_swanctl left --terminate --ike link > /dev/null ||
		ipsi_fail "terminate"
	has_sas 0 0 || ipsi_fail "SAs are left"
	ipsi_is "$(ip -n "${left:?}" xfrm state)" "" "states"
	ipsi_no_ping left
	initiate right
	ipsi_ping left
	ipsi_swanctl right --terminate --child link > /dev/null ||
		ipsi_fail "terminate"
	ipsi_wait "end of the SAs" has_sas 0 0
	ipsi_no_ping left
	initiate left
	ipsi_ping left
}

# The first packet makes the daemon negotiate, and so does the first after the
# keys have gone.
on_demand()
{
	start 'policies = no' 'start_action = trap'
	has_sas 0 0 || ipsi_fail "SAs before the first packet"
	ipsi_send left
	ipsi_wait "adoption" has_sas 1 1
	ipsi_ping left -c 3 -i 0.2
	# the larval state that waited for the keys has gone
	ipsi_is "$(ip -n "${left:?}" xfrm state | grep -c ^src)" 2 "states"
	ipsi_swanctl right --terminate --ike link > /dev/null
	ipsi_wait "end of the SAs" has_sas 0 0
	ipsi_send left
	ipsi_wait "adoption" has_sas 1 1
	ipsi_ping left
	believe
}

# A daemon that dies leaves its SAs; the next one knows nothing of them, but
# keys the device anew.
daemon_dies()
{
	start 'policies = no' 'start_action = trap'
	ipsi_send left
	ipsi_wait "adoption" has_sas 1 1
	ipsi_charon_kill left
	ipsi_ping left -c 3 -i 0.2
	ipsi_do left ip xfrm state flush
	has_sas 0 0 || ipsi_fail "SAs are left"
	ipsi_no_ping left
	ipsi_charon_start left
	ipsi_send left
	ipsi_wait "adoption" has_sas 1 1
	ipsi_ping left
}

nat_traversal()
{
	ipsi_charon_need
	ipsi_topology
	ipsi_device left keying adopt reqid 77
	# shellcheck disable=SC2119
	ordinary
	ipsi_charon left < <(swanctl_conf left 0.0.0.0/0 0.0.0.0/0 \
		"${KEYED[@]}" 'policies = no' |
		sed 's/mobike = no/&\nencap = yes/')
	initiate left
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	believe
	ipsi_has "$(ip -n "${left:?}" xfrm state list dst 10.0.0.2)" \
		"encap type espinudp sport 4500 dport 4500" "outbound state"
	rekey left
	ipsi_ping right
}

# Daemon and device know nothing of each other but the addresses.
by_endpoints()
{
	ipsi_charon_need
	ipsi_topology
	ipsi_device left keying adopt-endpoints
	# shellcheck disable=SC2119
	ordinary
	ipsi_charon left \
		< <(swanctl_conf left 0.0.0.0/0 0.0.0.0/0 'policies = no')
	initiate left
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	believe
	flow right 500
	rekey left
	rekey right
	flow_lossless
}

ipsi_run both_ways with_policies rekey_under_traffic terminate on_demand \
	daemon_dies nat_traversal by_endpoints
