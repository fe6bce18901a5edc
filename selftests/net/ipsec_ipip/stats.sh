#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Observability: for every reason to refuse a packet, some are refused, and
# "ipsec-ipip show", "ethtool -S", "ip -s -s link", the tracepoint and the
# core's drop reasons agree; refused and accepted packets add up to all. tcpdump
# on a device shows inner packets. A failure means that packets vanish without a
# trace, or that two places contradict each other.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

each_reason_is_seen()
{
	local keys='"proto": "esp", "cipher": "cbc",
		"key": "'${IPSI_ENC_KEY[left]}'",
		"auth_key": "'${IPSI_AUTH_KEY[left]}'"'
	local sa='{"transport": {"spi": 4097, '$keys'},
		   "selector": {"spi": 4102, '$keys'}}'

	ipsi_need python3 ethtool
	ipsi_topology
	# IPv6 would only disturb the counters.
	ipsi_try right sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ipsi_device right
	ipsi_device_sa right in spi 0x1001
	ipsi_algs left
	ipsi_do right ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp \
		spi 0x1006 mode tunnel "${IPSI_ALGS[@]}" if_id "$IPSI_IF_ID" \
		sel src 192.168.99.0/24 dst 192.168.0.0/16
	left=${left:?} right=${right:?} SAS=$sa KEY=${IPSI_ENC_KEY[right]} \
		AUTH=${IPSI_AUTH_KEY[right]} \
		python3 "$IPSI_LIB/stats.py" reasons
	case $? in
	0) ;;
	4) ipsi_skip "tracefs or a module of Python is not there" ;;
	*) ipsi_fail "counters and traces" ;;
	esac
}

capture_shows_inner_packets()
{
	local file=$IPSI_TMP/inner host

	ipsi_topology
	for host in left right; do
		ipsi_device_side "$host"
	done
	ipsi_do left ip address add fd01::1/64 dev "$IPSI_DEV" nodad
	ipsi_do right ip address add fd01::2/64 dev "$IPSI_DEV" nodad
	ipsi_capture_start right "$file" "$IPSI_DEV"
	ipsi_ping right
	ipsi_do right ping -6 -n -q -c 1 -W 10 fd01::1
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$file" 'icmp and host 192.168.1.1')" 2 \
		"inner IPv4 packets"
	ipsi_is "$(ipsi_count "$file" 'icmp6 and host fd01::1 and
		(ip6[40] == 128 or ip6[40] == 129)')" 2 "inner IPv6 packets"
	ipsi_is "$(ipsi_count "$file" 'host 10.0.0.1')" 0 "outer packets"
}

ipsi_run each_reason_is_seen capture_shows_inner_packets
