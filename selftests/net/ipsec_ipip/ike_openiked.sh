#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OpenIKED keys the device on the left, and the ordinary host on the right. It
# speaks PF_KEY to the kernel, and knows no if_id. Its configuration is that of
# Documentation/networking/ipsec-ipip-openiked.rst. A failure means that keys
# that OpenIKED negotiates do not work for long, or that its policies catch
# packets of the device.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"
# shellcheck source=ipsec_ipip_iked.sh
source "$(dirname "$0")/ipsec_ipip_iked.sh"
# shellcheck source=ipsec_ipip_ike.sh
source "$(dirname "$0")/ipsec_ipip_ike.sh"
# shellcheck source=ipsec_ipip_keyed.sh
source "$(dirname "$0")/ipsec_ipip_keyed.sh"

# shellcheck disable=SC2034 # for ipsec_ipip_lib.sh
IPSI_QUIET=yes

works()
{
	keyed_is_up
	keyed_listen
	keyed_pings
	keyed_modes
	ipsi_has "$(ipsi_ikectl left show sa)" ESTABLISHED "iked on the left"
	keyed_heard
}

# R27 R28
by_endpoints()
{
	iked_start
	works
	ipsi_has "$(ip -n "${left:?}" xfrm policy)" "tmpl src 10.0.0.1 dst" \
		"policies"
}

certificates()
{
	local host

	ipsi_iked_need
	"$IPSI_DIR/ike/make-certs" "$IPSI_TMP/certs" left right ||
		ipsi_fail "no certificates"
	for host in left right; do
		ipsi_iked_cert "$host" "$IPSI_TMP/certs"
	done
	IKED_SUFFIX=cert
	iked_start
	works
}

# IPv6 goes over IPv6, and IPv4 over IPv4: PF_KEY gives SAs a selector of their
# own family.
EDIT_IPV6='s/inet /inet6 /; s/10\.0\.0\./fd00::/g
	s%192\.168\.\([12]\)\.0/24%fd0\1::/64%g'

# What the daemon's policies do to IPv6 on a device in their namespace: they
# catch it, but let nothing out in clear.
ipv6_is_caught()
{
	IKED_EDIT=$EDIT_IPV6
	ipsi_families 6 6
	iked_start
	keyed_is_up
	keyed_listen
	ipsi_no_ping left
	ipsi_no_ping left -I "$IPSI_DEV"
	ipsi_no_ping right
	keyed_not_in_clear
	ipsi_has "$(dmesg)" "it catches IPv6 before it comes here" \
		"kernel's log"
}

# So the device goes to a namespace of its own, for which there are no policies.
ipv6()
{
	setup_ns inside || ipsi_skip "no network namespaces here"
	ipsi_shell inside
	ipsi_families 6 6
	ipsi_like inside left
	IKED_EDIT=$EDIT_IPV6
	iked_start
	# shellcheck disable=SC2154 # setup_ns sets it
	ipsi_do left ip link set "$IPSI_DEV" netns "$inside"
	ipsi_up inside
	ipsi_wait "adoption" ipsi_has_sas inside 1 1
	keyed_listen
	ipsi_ping inside -c 5 -i 0.2
	ipsi_ping right -c 5 -i 0.2
	keyed_modes
	keyed_heard
}

ipsi_run by_endpoints certificates ipv6_is_caught ipv6
