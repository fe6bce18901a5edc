#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The same as wire_identity.sh with IPv6 inside, outside, or both: the same
# packets through tunnel mode and through a device have the same bytes on the
# wire. For options that tunnel mode does not have, the test checks the header
# instead. A failure means that a peer or an observer sees another packet than
# tunnel mode would have sent, or that an option of the device does not work.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/identity.sh
source "$IPSI_LIB/identity.sh"

# identity6_again SA [FLAG...]: give both gateways new SAs
identity6_again()
{
	identity_sa "$1"
	shift
	ipsi_do tunnel ip xfrm state flush
	ipsi_do device ip xfrm state flush
	identity_tunnel_state "$@"
	identity_device_state
}

# identity6 OUTER INNER: check that ESP and AH have the same bytes. The room for
# the inner packet depends only on the outer family.
identity6()
{
	local mtu

	OUTER=$1 INNER=$2
	mtu=$((OUTER == 4 ? 1454 : 1434))
	identity_is_kept null "$mtu"
	identity6_gcm
	ipsi_do tunnel ip xfrm policy flush
	identity_sa ah
	ipsi_do tunnel ip xfrm policy add dir out src "${IDENTITY_ANY[$INNER]}" \
		dst "${IDENTITY_BEHIND[$INNER]}" \
		tmpl src "${IDENTITY_LOCAL[$OUTER]}" \
		dst "${IDENTITY_REMOTE[$OUTER]}" proto ah mode tunnel
	identity6_again ah
	identity_mtu $((OUTER == 4 ? 1448 : 1428))
	identity_python identity groups=TTL,ECN,TOS,label,UDP,fragments,options
}

# The IV is random, so the encrypted part is compared after decryption.
identity6_gcm()
{
	identity6_again gcm
	identity_mtu $((OUTER == 4 ? 1446 : 1426))
	identity_python identity groups=sizes,ECN,label,fragments
}

# R4 R51 R54 R55 R57 R60 R61 R64
ipv6_in_ipv4_is_equal()
{
	identity6 4 6
}

# R4 R51 R54 R55 R61
ipv4_in_ipv6_is_equal()
{
	identity6 6 4
}

# R4 R51 R54 R55 R61 R64
ipv6_in_ipv6_is_equal()
{
	identity6 6 6
}

# Options that equal flags of the SA in tunnel mode
# R57 R65
flags_of_tunnel_mode_are_options()
{
	OUTER=4 INNER=6
	identity_gateways null
	identity_tunnel flag nopmtudisc
	identity_device df unset
	identity_mtu 1454
	identity_python identity groups=TTL,ECN,ICMP,UDP,TCP
	ipsi_do device ip link set ipsec0 type ipsec-ipip df inherit ecn off
	identity6_again null flag noecn
	identity_python identity groups=ECN,TOS,UDP
	ipsi_do device ip link set ipsec0 type ipsec-ipip ecn rfc3168 tos 0
	identity6_again null extra-flag dont-encap-dscp
	identity_python identity groups=ECN,TOS,UDP
}

# identity6_options WORDS...: check the device with these options
identity6_options()
{
	local -a words

	ipsi_do device ip xfrm state flush
	ipsi_do device ip link set ipsec0 type ipsec-ipip "$@"
	identity_device_state
	words=("$@")
	words=("${words[@]/flowlabel/label}")
	words=("${words[@]/default/64}")
	# "ttl 3" becomes "ttl=3"
	set --
	while [ ${#words[@]} -gt 0 ]; do
		set -- "$@" "${words[0]}=${words[1]}"
		words=("${words[@]:2}")
	done
	identity_python options "$@"
}

# R54 R55 R57 R59 R65
options_of_ipv6_in_ipv4()
{
	OUTER=4 INNER=6
	identity_gateways null
	identity_device
	identity_mtu 1454
	identity6_options ttl 33 tos 0xb8 df set ecn rfc6040
	identity6_options ttl 255 tos 0x20 df unset ecn off
	identity6_options ttl default tos inherit df inherit ecn rfc3168
}

# R54 R55 R65
options_of_ipv4_in_ipv6()
{
	OUTER=6 INNER=4
	identity_gateways null
	identity_device
	identity_mtu 1434
	identity6_options ttl 33 tos 0xb8 ecn rfc6040 flowlabel zero
	identity6_options ttl default tos inherit ecn off flowlabel inherit
	ipsi_do device ip xfrm state flush
	ipsi_do device ip link set ipsec0 type ipsec-ipip flowlabel hash
	identity_device_state
	identity_python flows
}

# R54 R55 R62 R65
options_of_ipv6_in_ipv6()
{
	OUTER=6 INNER=6
	identity_gateways null
	identity_device
	identity_mtu 1434
	identity6_options ttl 255 tos 0x20 ecn rfc6040 flowlabel zero
	identity6_options ttl default tos inherit ecn rfc3168 flowlabel inherit
	ipsi_do device ip xfrm state flush
	ipsi_do device ip link set ipsec0 type ipsec-ipip flowlabel hash
	identity_device_state
	identity_python flows
}

# identity6_too_big OUTER INNER: check packets that exceed the MTU
identity6_too_big()
{
	OUTER=$1 INNER=$2
	identity_gateways null
	identity_tunnel
	identity_device
	identity_mtu $((OUTER == 4 ? 1454 : 1434))
	identity_python refused
	# Now the packet fits the IP layer's MTU: the device itself must detect
	# that it is too big.
	ipsi_do device ip link set ipsec0 mtu 1500
	identity_python refused hop=later
}

# R70
ipv6_in_ipv4_too_big()
{
	identity6_too_big 4 6
}

# R70 R71 R72
ipv4_in_ipv6_too_big()
{
	identity6_too_big 6 4
	identity_python too_big
}

# R70
ipv6_in_ipv6_too_big()
{
	identity6_too_big 6 6
}

ipsi_run ipv6_in_ipv4_is_equal ipv4_in_ipv6_is_equal ipv6_in_ipv6_is_equal \
	flags_of_tunnel_mode_are_options options_of_ipv6_in_ipv4 \
	options_of_ipv4_in_ipv6 options_of_ipv6_in_ipv6 \
	ipv6_in_ipv4_too_big ipv4_in_ipv6_too_big ipv6_in_ipv6_too_big
