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

certificates_over_ipv6()
{
	IKED_EDIT=$IKED_EDIT_IPV6
	ipsi_families 6 6
	certificates
}

# The daemon's policies catch IPv6 in the namespace of the device, and the device
# gets it back.
ipv6()
{
	IKED_EDIT=$IKED_EDIT_IPV6
	ipsi_families 6 6
	iked_start
	works
	ipsi_has_not "$(ipsi_xfrm_stat left)" XfrmOut "errors of XFRM"
	# and only the device: there is nothing else by which it may leave
	ipsi_do left ip link set "$IPSI_DEV" down
	ipsi_do left ip address add "${IPSI_INNER[left]}" dev lo
	ipsi_do left ip route add fd02::/64 via fd00::2
	keyed_listen
	ipsi_no_ping left
	ipsi_no_ping right
	keyed_not_in_clear
}

# The device may as well be in a namespace of its own, without policies.
ipv6_apart()
{
	setup_ns inside || ipsi_skip "no network namespaces here"
	ipsi_shell inside
	ipsi_families 6 6
	ipsi_like inside left
	IKED_EDIT=$IKED_EDIT_IPV6
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

ipsi_run by_endpoints certificates certificates_over_ipv6 ipv6 \
	ipv6_apart
