#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ICMP errors of the underlay. A router on the path that cannot deliver the
# outer packets tells the device; who sends the inner packets is told by the
# device, with the next of them (RFC 2003 sections 4 and 5, RFC 2473 section
# 8). Only what is of use to the sender is passed on, and only if it is about
# the SA in use. A failure means that connections hang where they could fail
# at once, or that a stranger can disturb them.

# shellcheck source=ipsec_ipip_path.sh
source "$(dirname "$0")/ipsec_ipip_path.sh"

# icmp_all 4|6: one topology for all that router and senders say and hear
icmp_all()
{
	path_topology "$1"
	path_python relayed "$1"
	path_python ignored "$1"
	path_python limited "$1"
	path_python hop "$1"
	path_python gone "$1"

	ipsi_do right ip link set ipsec0 type ipsec-ipip noicmp-relay
	path_python silent "$1"
	ipsi_do right ip link set ipsec0 type ipsec-ipip icmp-relay
	path_python hop "$1"
}

# R79 R80 R81 R82
ipv4_underlay()
{
	icmp_all 4
}

# R79 R80 R82 R83
ipv6_underlay()
{
	icmp_all 6
}

# R80
old_news_is_forgotten()
{
	path_topology 4
	path_python forgotten 4
}

ipsi_run ipv4_underlay ipv6_underlay old_news_is_forgotten
