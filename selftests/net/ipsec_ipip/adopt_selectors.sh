#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The traffic selectors of an adopted SA hold: what is outside is refused in
# both directions, as a tunnel-mode gateway would. They are in the state, or,
# as IKE daemons have it, in policies. A failure means that the peer, or a route
# here, gets through what was not agreed upon.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

OUT=(src 10.0.0.2 dst 10.0.0.1)
IN=(src 10.0.0.1 dst 10.0.0.2)
GCM=(aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128)

# selectors_start KEYING [OPTION...]: the device on the right
selectors_start()
{
	ipsi_need python3
	ipsi_topology
	ipsi_try right sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	# what comes in is looked at as it comes in, and goes nowhere
	ipsi_device right keying "$@"
	ipsi_try right sysctl -qw net.ipv4.conf.ipsec0.rp_filter=0
}

# selectors_add DIR SPI [OPTION...]: an SA of reqid 5
selectors_add()
{
	local -a addresses=("${OUT[@]}")
	local dir=$1 number=$2
	shift 2

	[ "$dir" = out ] || addresses=("${IN[@]}")
	ipsi_do right ip xfrm state add "${addresses[@]}" proto esp \
		spi "$number" mode tunnel reqid 5 "$@" "${GCM[@]}"
}

# selectors_policy {add|del} HERE THERE [OPTION...]: for packets out and in,
# and, as daemons do, for those that are forwarded
selectors_policy()
{
	local verb=$1 here=$2 there=$3 dir
	local -a tmpl flow
	shift 3

	for dir in out in fwd; do
		if [ $dir = out ]; then
			flow=(src "$here" dst "$there")
			tmpl=("${OUT[@]}")
		else
			flow=(src "$there" dst "$here")
			tmpl=("${IN[@]}")
		fi
		tmpl=(tmpl "${tmpl[@]}" proto esp reqid 5 mode tunnel)
		[ "$verb" = add ] || tmpl=()
		ipsi_do right ip xfrm policy "$verb" dir $dir "${flow[@]}" \
			"$@" "${tmpl[@]}"
	done
}

selectors_python()
{
	left=${left:?} right=${right:?} \
		python3 "$IPSI_LIB/ts.py" "$@"
	case $? in
	0) ;;
	4) ipsi_skip "a module of Python is not installed" ;;
	*) ipsi_fail "$1" ;;
	esac
}

# learned HERE THERE {True|False}: packets pass or do not; policies are read in
# the background
learned()
{
	ipsi_wait "selectors, $*" selectors_python probe "$@"
}

# R15 R17 R18
in_states()
{
	selectors_start adopt
	selectors_add out 0x1002 if_id 7 sel src 10.2.0.0/16 dst 10.1.0.0/16
	selectors_add in 0x1001 if_id 7 sel src 10.1.0.0/16 dst 10.2.0.0/16
	ipsi_wait "adoption" ipsi_has_sas right 1 1
	selectors_python narrow
	# adopted SAs keep them while the device is at other endpoints
	ipsi_do right ip link set "$IPSI_DEV" type ipsec-ipip remote 10.0.0.9
	ipsi_has_sas right 0 0 || ipsi_fail "SAs between other endpoints"
	ipsi_do right ip link set "$IPSI_DEV" type ipsec-ipip remote 10.0.0.1
	ipsi_wait "SAs" ipsi_has_sas right 1 1
	selectors_python narrow
}

# R16
ports_in_states()
{
	selectors_start adopt
	selectors_add out 0x1002 if_id 7 sel src 10.2.0.0/16 dst 10.1.0.0/16 \
		proto udp dport 4000
	selectors_add in 0x1001 if_id 7 sel src 10.1.0.0/16 dst 10.2.0.0/16 \
		proto udp
	selectors_python nothing-in
	ipsi_has_sas right 0 0 || ipsi_fail "SAs with ports are used"
}

# R15 R17 R18
in_policies()
{
	selectors_start adopt
	selectors_add out 0x1002 if_id 7
	selectors_add in 0x1001 if_id 7
	ipsi_wait "adoption" ipsi_has_sas right 1 1
	selectors_python wide
	# of another device, of other SAs, of none
	selectors_policy add 10.2.0.0/16 10.1.0.0/16 if_id 8
	selectors_policy add 10.2.0.0/16 10.1.0.0/16
	ipsi_do right ip xfrm policy add dir out src 10.7.0.0/16 if_id 7 \
		tmpl "${OUT[@]}" proto esp reqid 6 mode tunnel
	selectors_python wide

	selectors_policy add 10.2.0.0/16 10.1.0.0/16 if_id 7
	learned 10.3.0.1 10.1.0.1 False
	selectors_python narrow
	selectors_policy add 10.4.0.0/16 10.3.0.0/16 if_id 7
	learned 10.4.0.1 10.3.0.1 True
	selectors_python two
	selectors_policy del 10.4.0.0/16 10.3.0.0/16 if_id 7
	learned 10.4.0.1 10.3.0.1 False
	selectors_python narrow
	ipsi_do right ip xfrm policy flush
	learned 10.4.0.1 10.3.0.1 True
	selectors_python wide
}

# A policy that was there before the SA and the device, and no if_id at all.
in_policies_by_endpoints()
{
	selectors_start adopt
	ipsi_do right ip link del "$IPSI_DEV"
	selectors_policy add 10.2.0.0/16 10.1.0.0/16
	ipsi_device right keying adopt-endpoints
	selectors_add out 0x1002
	selectors_add in 0x1001
	ipsi_wait "adoption" ipsi_has_sas right 1 1
	learned 10.3.0.1 10.1.0.1 False
	selectors_python narrow
	# the daemon has no say any more
	ipsi_do right ip link set "$IPSI_DEV" type ipsec-ipip keying adopt
	learned 10.3.0.1 10.1.0.1 True
	selectors_python wide
}

# R16
ports_in_policies()
{
	selectors_start adopt
	selectors_add out 0x1002 if_id 7
	selectors_add in 0x1001 if_id 7
	ipsi_wait "adoption" ipsi_has_sas right 1 1
	selectors_policy add 10.2.0.0/16 10.1.0.0/16 proto udp dport 4000 if_id 7
	learned 10.2.0.1 10.1.0.1 False
	selectors_python nothing
	ipsi_has "$(dmesg)" "policy with ports for reqid 5" "kernel's log"
}

# R15 R17 R18: nothing passes in the moment before there are policies, nor when
# they have gone.
required_policies()
{
	selectors_start adopt policies required
	ipsi_is "$(ipsi_get right policies)" required "policies"
	selectors_add out 0x1002 if_id 7
	selectors_add in 0x1001 if_id 7
	ipsi_wait "adoption" ipsi_has_sas right 1 1
	selectors_python nothing
	# of other SAs
	ipsi_do right ip xfrm policy add dir out src 10.2.0.0/16 if_id 7 \
		tmpl "${OUT[@]}" proto esp reqid 6 mode tunnel
	selectors_policy add 10.4.0.0/16 10.3.0.0/16 if_id 7
	learned 10.4.0.1 10.3.0.1 True
	selectors_python nothing

	selectors_policy add 10.2.0.0/16 10.1.0.0/16 if_id 7
	learned 10.2.0.1 10.1.0.1 True
	selectors_policy del 10.4.0.0/16 10.3.0.0/16 if_id 7
	learned 10.4.0.1 10.3.0.1 False
	selectors_python narrow
	ipsi_do right ip xfrm policy flush
	learned 10.2.0.1 10.1.0.1 False
	selectors_python nothing

	ipsi_must_fail "policies: expected optional with keying manual" \
		right ip link set "$IPSI_DEV" type ipsec-ipip keying manual
	ipsi_is "$(ipsi_get right keying)" adopt "keying as it was"
	ipsi_do right ip link set "$IPSI_DEV" type ipsec-ipip policies optional
	selectors_python wide
}

# A policy takes the place of another with the same selector. No event
# reports the end of that one.
replaced_policies()
{
	local update=(ip xfrm policy update src 10.2.0.0/16 dst 10.1.0.0/16
		      dir out if_id 7)
	local tmpl=(tmpl "${OUT[@]}" proto esp mode tunnel reqid)

	selectors_start adopt policies required
	selectors_add out 0x1002 if_id 7
	selectors_add in 0x1001 if_id 7
	ipsi_wait "adoption" ipsi_has_sas right 1 1
	selectors_policy add 10.2.0.0/16 10.1.0.0/16 if_id 7
	learned 10.2.0.1 10.1.0.1 True
	# for other SAs
	ipsi_do right "${update[@]}" "${tmpl[@]}" 6
	learned 10.2.0.1 10.1.0.1 False
	ipsi_do right "${update[@]}" "${tmpl[@]}" 5
	learned 10.2.0.1 10.1.0.1 True
	# for none, and not to let pass
	ipsi_do right "${update[@]}"
	learned 10.2.0.1 10.1.0.1 False
	ipsi_do right "${update[@]}" "${tmpl[@]}" 5 priority 9
	learned 10.2.0.1 10.1.0.1 True
	ipsi_do right "${update[@]}" action block
	learned 10.2.0.1 10.1.0.1 False
	# that of a type which is not for packets says nothing
	selectors_policy add 10.4.0.0/16 10.1.0.0/16 if_id 7
	learned 10.4.0.1 10.1.0.1 True
	ipsi_try right ip xfrm policy flush ptype sub
	ipsi_do right ip xfrm state flush proto ah
	learned 10.4.0.1 10.1.0.1 True
}

# selectors_again: the device, which had gone, and its SAs
selectors_again()
{
	ipsi_device right keying adopt
	ipsi_try right sysctl -qw net.ipv4.conf.ipsec0.rp_filter=0
	selectors_add out 0x1002 if_id 7
	selectors_add in 0x1001 if_id 7
	ipsi_wait "adoption" ipsi_has_sas right 1 1
	learned 10.3.0.1 10.1.0.1 False
	selectors_python narrow
}

# A device comes after its policies. The SPD has been read for another device, and
# the hook knows all changes since then.
policies_before_device()
{
	selectors_start adopt
	ipsi_do right ip link add other type ipsec-ipip local 10.0.0.2 \
		remote 10.0.0.9 if_id 8 keying adopt
	selectors_policy add 10.2.0.0/16 10.1.0.0/16 if_id 7
	# policies that a device has left behind
	ipsi_do right ip link del "$IPSI_DEV"
	selectors_again
	# policies that were added without a device
	ipsi_do right ip xfrm policy flush
	ipsi_do right ip link del "$IPSI_DEV"
	selectors_policy add 10.2.0.0/16 10.1.0.0/16 if_id 7
	selectors_again
}

ipsi_run in_states ports_in_states in_policies in_policies_by_endpoints \
	ports_in_policies required_policies replaced_policies \
	policies_before_device
