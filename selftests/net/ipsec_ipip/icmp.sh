#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ICMP errors of the underlay. A router on the path that cannot deliver outer
# packets sends an error to the device, and the device relays it to the sender
# of the next inner packet (RFC 2003 sections 4 and 5, RFC 2473 section 8). It
# relays only errors that the sender can use, and only those about the SA in
# use. A failure means that connections hang instead of failing at once, or that
# an attacker can disturb them.

# shellcheck source=lib/path.sh
source "$(dirname "$0")/lib/path.sh"

# icmp_all 4|6: run all checks in one topology
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
