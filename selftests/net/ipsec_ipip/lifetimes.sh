#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The limits of an SA: soft limits of packets, bytes and seconds lead to events,
# hard ones end the SA, and the carrier with it. Sequence numbers have no gap,
# cross 2^32 with ESN, and are refused when they are replayed or too late, if
# there is a replay window. A failure means that keys live too long, or that the
# device accepts recorded packets. (carrier.sh tests the end of the sequence
# numbers.)

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/events.sh
source "$(dirname "$0")/lib/events.sh"

DEV=$IPSI_DEV
GCM=0x000102030405060708090a0b0c0d0e0f10111213
AEAD=(aead 'rfc4106(gcm(aes))' "$GCM" 128)
AES=0x404142434445464748494a4b4c4d4e4f
SHA=0x202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f

# sa_add HOST {in|out} SPI OPTION...: add an SA
sa_add()
{
	ipsi_do "$1" ipsec-ipip -q sa add "$DEV" "$2" spi "$3" "${AEAD[@]}" \
		"${@:4}"
}

# hosts HOST...: make devices on these hosts, which send no packets of their own
hosts()
{
	local host

	ipsi_topology
	for host in "$@"; do
		ipsi_try "$host" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
		ipsi_device "$host"
	done
}

# sent N: true if N packets have left by the device on the left
sent()
{
	ipsi_is "$(ipsi_counter left tx.packets)" "$1" "packets sent"
}

# R36
packets_outbound()
{
	hosts left
	sa_add left in 0x2001
	events_listen
	sa_add left out 0x1001 limit packet-soft 2 limit packet-hard 4
	events_are "sa-add out 1001" "sa-activate 1001" "carrier on"
	ipsi_send left 2
	ipsi_send left 1
	events_are "sa-expire out 1001 soft"
	carrier_is on
	ipsi_send left 1
	sent 4
	ipsi_send left 1
	events_are "sa-expire out 1001 hard" "sa-del out 1001" "sa-activate none" \
		"carrier off"
	carrier_is off
	sent 4
	ipsi_is "$(ipsi_try left ipsec-ipip sa show | grep -c spi)" 1 "SAs left"
}

# R36
packets_inbound()
{
	hosts left right
	sa_add right out 0x2001
	sa_add left out 0x1001
	events_listen
	sa_add left in 0x2001 limit packet-soft 2 limit packet-hard 4
	events_are "sa-add in 2001" "carrier on"
	ipsi_send right 2
	ipsi_send right 1
	events_are "sa-expire in 2001 soft"
	carrier_is on
	ipsi_send right 2
	events_are "sa-expire in 2001 hard" "sa-del in 2001" "carrier off"
	carrier_is off
	ipsi_is "$(ipsi_counter left rx.packets)" 4 "packets received"
}

# R36
bytes()
{
	hosts left
	sa_add left in 0x2001
	events_listen
	# The limit counts encrypted IP-in-IP: IP, UDP and 2 bytes of data are
	# 30 bytes.
	sa_add left out 0x1001 limit byte-soft 60 limit byte-hard 120
	events_are "sa-add out 1001" "sa-activate 1001" "carrier on"
	ipsi_send left 3
	events_are "sa-expire out 1001 soft"
	carrier_is on
	ipsi_send left 2
	events_are "sa-expire out 1001 hard" "sa-del out 1001" "sa-activate none" \
		"carrier off"
	carrier_is off
	sent 4
}

# R36
seconds()
{
	hosts left
	sa_add left in 0x2001
	events_listen
	sa_add left out 0x1001 limit time-soft 1 limit time-hard 3
	events_are "sa-add out 1001" "sa-activate 1001" "carrier on" \
		"sa-expire out 1001 soft" "sa-expire out 1001 hard" \
		"sa-del out 1001" "sa-activate none" "carrier off"
	carrier_is off
	# These start with the first packet.
	sa_add left out 0x1002 limit time-use-soft 1 limit time-use-hard 3
	events_are "sa-add out 1002" "sa-activate 1002" "carrier on"
	ipsi_send left 1
	events_are "sa-expire out 1002 soft" "sa-expire out 1002 hard" \
		"sa-del out 1002" "sa-activate none" "carrier off"
	carrier_is off
	# The same for an inbound SA.
	sa_add left out 0x1003
	sa_add left in 0x2002 limit time-soft 1 limit time-hard 3
	ipsi_do left ipsec-ipip sa del "$DEV" in spi 0x2001
	events_are "sa-add out 1003" "sa-activate 1003" "carrier on" \
		"sa-add in 2002" "sa-del in 2001" "sa-expire in 2002 soft" \
		"sa-expire in 2002 hard" "sa-del in 2002" "carrier off"
	carrier_is off
}

# wire_sequence FILE: print the sequence numbers of a capture
wire_sequence()
{
	tcpdump -nn -r "$1" esp 2> /dev/null |
		sed 's/.*seq=\(0x[0-9a-f]*\).*/\1/' |
		while read -r number; do echo $((number)); done | tr '\n' ' '
}

# R39
sequence_has_no_gap()
{
	local burst='
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_UDP, 103, 500)
s.sendto(bytes(500 * 20), (sys.argv[1], 9))
'

	ipsi_need python3
	hosts left
	sa_add left in 0x2001
	sa_add left out 0x1001
	ipsi_capture_start right "$IPSI_TMP/cap"
	ipsi_send left 2
	# one GSO packet for the device, which is cut into 20 later
	ipsi_do left python3 -c "$burst" "${IPSI_INNER[right]}"
	ipsi_send left 1
	ipsi_capture_stop
	ipsi_is "$(wire_sequence "$IPSI_TMP/cap")" "$(seq -s ' ' 23) " \
		"sequence numbers on the wire"
}

# drop HOST SEQ: drop one packet to HOST, by the lower half of its sequence
# number
drop()
{
	ipsi_do "$1" nft -f - <<-END
		table ip loss {
			chain pre {
				type filter hook prerouting priority -300
				esp sequence $2 counter drop
			}
		}
	END
}

# seq_of HOST {in|out} SPI: print the sequence number of an SA
seq_of()
{
	ipsi_json "$(ipsi_try "$1" ipsec-ipip -j sa show "$DEV" "$2" spi "$3")" \
		seq
}

# The upper half of an extended sequence number is not transmitted; both ends
# count it, even if the packet with which it changes is lost.
# R41
extended_sequence_goes_on()
{
	local auth=(auth 'hmac(sha256)' "$SHA" enc 'cbc(aes)' "$AES")
	local text

	ipsi_need nft
	hosts left right
	sa_add left out 0x1001 esn seq 0xfffffffc
	sa_add right in 0x1001 esn seq 0xfffffffc replay-window 64
	ipsi_do right ipsec-ipip sa add "$DEV" out spi 0x2001 "${auth[@]}" \
		esn seq 0xfffffffc
	ipsi_do left ipsec-ipip sa add "$DEV" in spi 0x2001 "${auth[@]}" \
		esn seq 0xfffffffc replay-window 64
	drop right 0xffffffff
	drop left 0
	text=$(ipsi_try left ping -n -q -c 8 -i 0.2 -W 10 \
		-I "${IPSI_INNER[left]}" "${IPSI_INNER[right]}")
	# One packet is lost in each direction.
	ipsi_has "$text" "8 packets transmitted, 6 received" "ping"
	ipsi_has "$(ipsi_try right nft list ruleset)" "packets 1 " "lost there"
	ipsi_has "$(ipsi_try left nft list ruleset)" "packets 1 " "lost here"
	ipsi_is "$(seq_of left out 0x1001)" "$((0x100000004))" "sent"
	ipsi_is "$(seq_of right in 0x1001)" "$((0x100000004))" "received"
	ipsi_is "$(seq_of right out 0x2001)" "$((0x100000003))" "sent back"
	ipsi_is "$(seq_of left in 0x2001)" "$((0x100000003))" "received back"
	ipsi_is "$(ipsi_stat right rx_crypto) $(ipsi_stat left rx_crypto)" \
		"0 0" "packets refused"
}

# by_hand TEST WINDOW...: add an SA with each window on "right", and send
# hand-made packets from the left
by_hand()
{
	local test=$1 sas='' spi=0x1000 window
	shift

	ipsi_need python3
	hosts right
	for window in "$@"; do
		printf -v spi '0x%x' $((spi + 1))
		# shellcheck disable=SC2046 # two words or none
		ipsi_do right ipsec-ipip sa add "$DEV" in spi "$spi" \
			auth 'hmac(sha256)' "$SHA" enc 'cbc(aes)' "$AES" \
			$([ "$window" = none ] ||
				echo "replay-window $window")
		sas+="${sas:+, }\"$window\": {\"proto\": \"esp\",
			\"spi\": $((spi)), \"auth_key\": \"$SHA\",
			\"cipher\": \"cbc\", \"key\": \"$AES\"}"
	done
	left=${left:?} right=${right:?} SAS="{$sas}" \
		python3 "$IPSI_LIB/window.py" "$test" ||
		ipsi_fail "$test"
}

# R42
windows_are_as_wide_as_asked_for()
{
	by_hand windows 32 64 128 4096
}

# Manual keys survive reboots, and a peer that starts again with sequence number
# 1 must not be locked out.
# R35
no_window_by_default()
{
	by_hand no_window none
}

ipsi_run packets_outbound packets_inbound bytes seconds sequence_has_no_gap \
	extended_sequence_goes_on windows_are_as_wide_as_asked_for \
	no_window_by_default
