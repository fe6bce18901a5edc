#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Bulk data over a device, from and to tunnel mode and between two devices: TCP,
# and UDP with segmentation offload, so that the device gets GSO packets of up
# to 64 KB. Received data is compared byte by byte; XFRM must count no errors,
# and few segments may be retransmitted. With and without ESP's own segmentation
# (esp4_offload): with it, an IP-in-IP GSO packet that reaches ESP whole leaves
# with a wrong ICV, and TCP drops to a thousandth of its speed. Rates are
# printed, but do not affect the result. All pairs of families; those with IPv6
# in short. And pages of files that are sent without a copy, which must not change.
# A failure means that pings work but downloads do not, or that files are damaged.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

MEGABYTES=1

# bulk_sas HOST KIND CIPHER: add both SAs of the host, for its device or, with
# KIND tunnel, in tunnel mode with TUNNEL_WORDS
TUNNEL_WORDS=()
bulk_sas()
{
	local host=$1 kind=$2 cipher=$3 from to words
	local -a IPSI_ALGS

	for from in left right; do
		to=${IPSI_PEER[$from]}
		ipsi_algs "$from"
		[ "$cipher" = cbc ] ||
			IPSI_ALGS=(aead 'rfc4106(gcm(aes))'
				   "${IPSI_ENC_KEY[$from]}0badcafe" 128)
		words=(mode tunnel "${TUNNEL_WORDS[@]}")
		[ "$kind" = tunnel ] ||
			words=(mode transport if_id "$IPSI_IF_ID")
		ipsi_do "$host" ip xfrm state add \
			src "${IPSI_OUTER[$from]}" dst "${IPSI_OUTER[$to]}" \
			proto esp spi "${IPSI_SPI[$from]}" "${words[@]}" \
			"${IPSI_ALGS[@]}"
	done
}

# bulk_host HOST KIND CIPHER: set up a host with a device, or with tunnel mode
bulk_host()
{
	if [ "$2" = device ]; then
		ipsi_device "$1"
	else
		ipsi_tunnel_policies "$1"
	fi
	bulk_sas "$@"
}

# bulk_move tcp|udp|sctp FROM TO: move data
bulk_move()
{
	echo "$1 from $2 to $3"
	python3 "$IPSI_LIB/bulk.py" "$1" \
		"${!2}" "${IPSI_INNER[$2]}" "${!3}" "${IPSI_INNER[$3]}" \
		"$MEGABYTES" || ipsi_fail "$1 from $2 to $3"
}

# bulk_offload on|off: switch ESP's segmentation for SAs added from now on
bulk_offload()
{
	local module

	for module in esp4_offload esp6_offload; do
		if [ "$1" = on ]; then
			modprobe "$module" 2> /dev/null ||
				ipsi_skip "module $module is not there"
			[ -d "/sys/module/$module" ] ||
				ipsi_skip "$module is no module"
		elif [ -d "/sys/module/$module" ]; then
			# SAs of an earlier test may still exist.
			ipsi_wait "$module unloaded" rmmod "$module"
		fi
	done
}

# bulk LEFT_KIND CIPHER OFFLOAD: move data; the right host always has a device
bulk()
{
	ipsi_need python3
	bulk_offload "$3"
	ipsi_topology
	bulk_host left "$1" "$2"
	bulk_host right device "$2"
	bulk_move tcp right left
	bulk_move tcp left right
	[ "$1" != device ] || bulk_move udp right left
}

# bulk6 OUTER INNER OFFLOAD: move a little to tunnel mode and back. An SA in
# tunnel mode accepts other families than its own only with a flag.
bulk6()
{
	ipsi_need python3
	bulk_offload "$3"
	ipsi_families "$1" "$2"
	[ "$1" = "$2" ] || TUNNEL_WORDS+=(flag af-unspec)
	ipsi_topology
	bulk_host left tunnel gcm
	bulk_host right device gcm
	bulk_move tcp right left
	[ "$1" != "$2" ] || bulk_move tcp left right
}

tunnel_cbc()
{
	bulk tunnel cbc off
}

tunnel_gcm()
{
	bulk tunnel gcm off
}

device_cbc()
{
	bulk device cbc off
}

device_gcm()
{
	bulk device gcm off
}

tunnel_cbc_offload()
{
	bulk tunnel cbc on
}

tunnel_gcm_offload()
{
	bulk tunnel gcm on
}

device_cbc_offload()
{
	bulk device cbc on
}

device_gcm_offload()
{
	bulk device gcm on
}

# The peer hides the length of its packets (RFC 4303 section 2.7): bytes after
# the inner packet are not part of it, also when packets are aggregated.
# R47
tunnel_tfc_padding()
{
	TUNNEL_WORDS=(tfcpad 1300)
	bulk tunnel gcm off
}

# R47
tunnel_tfc_padding_ipv6()
{
	TUNNEL_WORDS=(tfcpad 1300)
	bulk6 6 6 off
}

ipv6_in_ipv4()
{
	bulk6 4 6 off
}

ipv4_in_ipv6()
{
	bulk6 6 4 off
}

ipv6_in_ipv6()
{
	bulk6 6 6 off
}

ipv6_in_ipv4_offload()
{
	bulk6 4 6 on
}

ipv4_in_ipv6_offload()
{
	bulk6 6 4 on
}

ipv6_in_ipv6_offload()
{
	bulk6 6 6 on
}

# bulk_client HOST: put a client behind a host, and let the other host reach it
bulk_client()
{
	local host=$1 peer=${IPSI_PEER[$1]}

	setup_ns client || ipsi_skip "no network namespaces here"
	ip -n "${!host:?}" -batch - <<-END || ipsi_fail "no client"
		link add client type veth peer name eth0 netns ${client:?}
		address add 192.168.3.1/24 dev client
		link set client up
	END
	ip -n "$client" -batch - <<-END || ipsi_fail "no client"
		address add 192.168.3.2/24 dev eth0
		link set eth0 up
		route add default via 192.168.3.1
	END
	ip -n "${!peer:?}" route add 192.168.3.0/24 dev "$IPSI_DEV"
	ipsi_do "$host" sysctl -qw net.ipv4.ip_forward=1
	IPSI_INNER[client]=192.168.3.2
}

# lan OUTER OFFLOAD WORD...: a client behind the right sends datagrams to the
# left, and has TCP both ways; the words set the aggregation on the right's link
# to it
lan()
{
	local outer=$1 offload=$2 way
	shift 2

	ipsi_need python3 ethtool
	bulk_offload "$offload"
	ipsi_families "$outer" 4
	ipsi_topology
	bulk_host left device gcm
	bulk_host right device gcm
	bulk_client right
	# single packets, which the right aggregates again
	nsenter --net="/run/netns/$client" ethtool -K eth0 gso off tso off \
		tx-udp-segmentation off || ipsi_skip "segmentation stays on"
	ipsi_do right ethtool -K client gro on "$@"
	for way in "udp client left" "tcp client left" "tcp left client"; do
		# shellcheck disable=SC2086 # words
		bulk_move $way
	done
}

# Aggregated lists of datagrams, each of which needs its own header: the core
# must split them, or a host on the LAN can crash the router.
lists_from_a_lan()
{
	lan 4 off rx-gro-list on
}

lists_from_a_lan_offload()
{
	lan 4 on rx-gro-list on
}

lists_from_a_lan_over_ipv6()
{
	lan 6 on rx-gro-list on
}

datagrams_from_a_lan()
{
	lan 4 off rx-udp-gro-forwarding on
}

datagrams_from_a_lan_offload()
{
	lan 4 on rx-udp-gro-forwarding on
}

# The device does not compute checksums of SCTP.
sctp_bulk()
{
	modprobe sctp 2> /dev/null || ipsi_skip "no SCTP"
	ipsi_need python3
	bulk_offload "$1"
	ipsi_topology
	bulk_host left device gcm
	bulk_host right device gcm
	bulk_move sctp right left
}

sctp()
{
	sctp_bulk off
}

sctp_offload()
{
	sctp_bulk on
}

# vxlan OFFLOAD: GSO packets of another tunnel, whose inner headers are not ours
vxlan_bulk()
{
	local host

	ipsi_need python3
	bulk_offload "$1"
	ipsi_topology
	bulk_host left device gcm
	bulk_host right device gcm
	for host in left right; do
		ipsi_do "$host" ip link add vxlan0 type vxlan id 7 dstport 4789 \
			local "${IPSI_INNER[$host]}" dev "$IPSI_DEV" \
			remote "${IPSI_INNER[${IPSI_PEER[$host]}]}"
	done
	ipsi_do left ip address add 172.16.9.1/24 dev vxlan0
	ipsi_do right ip address add 172.16.9.2/24 dev vxlan0
	ipsi_do left ip link set vxlan0 mtu 1300 up
	ipsi_do right ip link set vxlan0 mtu 1300 up
	IPSI_INNER=([left]=172.16.9.1 [right]=172.16.9.2)
	bulk_move tcp right left
	bulk_move udp right left
}

vxlan()
{
	vxlan_bulk off
}

vxlan_offload()
{
	vxlan_bulk on
}

EVENT=/sys/kernel/tracing/events/net/net_dev_start_xmit

# pieces_begin: trace full-sized packets on the wire
pieces_begin()
{
	[ -e "$EVENT" ] ||
		mount -t tracefs tracefs /sys/kernel/tracing 2> /dev/null
	[ -e "$EVENT" ] || ipsi_skip "no tracepoint"
	trap 'echo 0 > $EVENT/enable; echo 0 > $EVENT/filter; ipsi_cleanup' EXIT
	echo "name == \"$IPSI_WIRE\" && len > 1400" > "$EVENT/filter"
	echo > /sys/kernel/tracing/trace
	echo 1 > "$EVENT/enable"
}

# pieces WORD: number of packets that were traced with this word
pieces()
{
	grep -c "net_dev_start_xmit: .* $1" /sys/kernel/tracing/trace
}

# ESP encrypts segments for an MTU of 1500 in place, although they nearly fill the
# memory that the core has allocated for them. Otherwise it copies them, and they
# have fragments. So do a few packets that TCP has not left to segmentation.
in_place_bulk()
{
	local all copied

	ipsi_need python3
	bulk_offload "$1"
	ipsi_topology
	bulk_host left device gcm
	bulk_host right device gcm
	pieces_begin
	bulk_move tcp left right
	echo 0 > "$EVENT/enable"
	all=$(pieces len=)
	copied=$((all - $(pieces data_len=0)))
	echo "$copied of $all packets were copied"
	[ "$all" -gt 500 ] || ipsi_fail "no packets"
	[ $((copied * 3)) -lt "$all" ] || ipsi_fail "ESP copies packets"
}

in_place()
{
	in_place_bulk off
}

in_place_offload()
{
	in_place_bulk on
}

# pages OUTER OFFLOAD: send the pages of a file without a copy, from the left and
# from a client behind it, whose packets the left forwards with these pages
pages()
{
	local from

	ipsi_need python3
	bulk_offload "$2"
	ipsi_families "$1" 4
	ipsi_topology
	bulk_host left device gcm
	bulk_host right device gcm
	bulk_client left
	for from in left client; do
		echo "pages from $from"
		python3 "$IPSI_LIB/pages.py" "${!from}" "${IPSI_INNER[$from]}" \
			"$right" "${IPSI_INNER[right]}" ||
			ipsi_fail "pages from $from"
	done
}

pages_of_files()
{
	pages 4 off
}

pages_of_files_offload()
{
	pages 4 on
}

pages_of_files_over_ipv6()
{
	pages 6 off
}

# With ESP's offload, GRO decrypts a packet before a VLAN device takes the tag off
# that the hardware has found. The tag is not one of the inner packet.
vlan_offload()
{
	local host

	ipsi_need ethtool
	modprobe 8021q 2> /dev/null || ipsi_skip "module 8021q is not there"
	bulk_offload on
	ipsi_topology
	for host in left right; do
		# veth bypasses GRO for packets of TCP with TSO.
		ipsi_do "$host" ethtool -K "$IPSI_WIRE" tso off gro on
		ipsi_do "$host" ip link add link "$IPSI_WIRE" name wire.5 \
			type vlan id 5
		ipsi_do "$host" ip address del "${IPSI_OUTER[$host]}/24" \
			dev "$IPSI_WIRE"
		ipsi_do "$host" ip address add "${IPSI_OUTER[$host]}/24" \
			dev wire.5
		ipsi_do "$host" ip link set wire.5 up
	done
	bulk_host left device gcm
	bulk_host right device gcm
	ipsi_ping left
	bulk_move tcp right left
}

ipsi_run tunnel_cbc tunnel_gcm tunnel_tfc_padding device_cbc device_gcm \
	tunnel_tfc_padding_ipv6 ipv6_in_ipv4 ipv4_in_ipv6 ipv6_in_ipv6 \
	tunnel_cbc_offload tunnel_gcm_offload device_cbc_offload \
	device_gcm_offload ipv6_in_ipv4_offload ipv4_in_ipv6_offload \
	ipv6_in_ipv6_offload lists_from_a_lan lists_from_a_lan_offload \
	lists_from_a_lan_over_ipv6 datagrams_from_a_lan \
	datagrams_from_a_lan_offload sctp sctp_offload vxlan vxlan_offload \
	vlan_offload in_place in_place_offload pages_of_files \
	pages_of_files_offload pages_of_files_over_ipv6
