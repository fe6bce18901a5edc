#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OpenIKED keys the device on the left, and the ordinary host on the right. It
# talks to the kernel by PF_KEY, which has no if_id. Its configuration is that
# of Documentation/networking/ipsec-ipip-openiked.rst. A failure means that keys
# from OpenIKED do not work for long, or that its policies match packets of the
# device.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=lib/iked.sh
source "$IPSI_INTEROP/lib/iked.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/keyed.sh
source "$IPSI_INTEROP/lib/keyed.sh"

# shellcheck disable=SC2034 # for ipsi.sh
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

has_certificates()
{
	local host

	ipsi_iked_need
	"$IPSI_INTEROP/ike/make-certs" "$IPSI_TMP/certs" left right ||
		ipsi_fail "no certificates"
	for host in left right; do
		ipsi_iked_cert "$host" "$IPSI_TMP/certs"
	done
	# shellcheck disable=SC2034 # for iked_start
	IKED_SUFFIX=cert
}

certificates()
{
	has_certificates
	iked_start
	works
}

# The daemon's policies match IPv6 in their namespace, so the device is in
# another one.
apart()
{
	setup_ns inside || ipsi_skip "no network namespaces here"
	ipsi_shell inside
	ipsi_families 6 6
	ipsi_like inside left
	# shellcheck disable=SC2034 # for iked_start
	IKED_EDIT=$IKED_EDIT_IPV6
	iked_start
	keyed_is_up
	ipsi_has "$(ipsi_try left ipsec-ipip check "$IPSI_DEV")" policy-ipv6 \
		"check"
	keyed_listen
	keyed_inside
	keyed_heard
}

certificates_over_ipv6()
{
	has_certificates
	apart
}

ipv6()
{
	apart
	# no other interface to send through
	ipsi_do left ip address add "${IPSI_INNER[left]}" dev lo
	ipsi_do left ip route add fd02::/64 via fd00::2
	keyed_listen
	ipsi_no_ping left
	keyed_not_in_clear
}

ipsi_run by_endpoints certificates certificates_over_ipv6 ipv6
