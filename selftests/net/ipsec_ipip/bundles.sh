#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# When an SA is not used any more, all processors let go of it at once, also those
# that send nothing: its state is freed, and with it the expanded keys. The cipher
# is one that no one else uses, so the kernel's own count of its users tells. A
# failure means that keys stay in memory for as long as the device is there.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Nothing is sent but by the test.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1

CIPHER='rfc7539esp(chacha20,poly1305)'

# users: how many SAs have the cipher
users()
{
	awk -F ': ' -v name="$CIPHER" '
		$1 ~ /^name/ { found = $2 == name }
		found && $1 ~ /^refcnt/ { n += $2 - 1 }
		END { print n + 0 }
	' /proc/crypto
}

users_are()
{
	[ "$(users)" = "$1" ]
}

# sa_out SPI
sa_out()
{
	ipsi_do left ipsec-ipip -q sa add "$IPSI_DEV" out spi "$1" \
		aead "$CIPHER" "$(printf '0x%072x' "$1")" 128
}

# send_from_all: a packet from each processor
send_from_all()
{
	local cpu

	for cpu in $(seq 0 $(($(nproc) - 1))); do
		ipsi_try left taskset -c "$cpu" bash -c \
			"echo x > /dev/udp/${IPSI_INNER[right]}/9" 2> /dev/null
	done
	ipsi_is "$(ipsi_stat left tx_no_sa) $(ipsi_stat left tx_error)" "0 0" \
		"packets refused"
}

start()
{
	ipsi_need taskset
	ipsi_topology
	ipsi_device left
	ipsi_wait "no other users" users_are 0
	sa_out 0x1001
	send_from_all
	ipsi_is "$(users)" 1 "users of the cipher"
}

deleted()
{
	start
	ipsi_do left ipsec-ipip sa del "$IPSI_DEV" out spi 0x1001
	ipsi_wait "the end of the SA" users_are 0
}

replaced()
{
	start
	sa_out 0x1002
	ipsi_do left ipsec-ipip sa del "$IPSI_DEV" out spi 0x1001
	ipsi_wait "the end of the SA" users_are 1
	send_from_all
}

flushed()
{
	start
	ipsi_do left ip xfrm state flush
	ipsi_wait "the end of the SA" users_are 0
}

# It leaves the device with its endpoint, and then the SAD.
endpoint_changed()
{
	start
	ipsi_do left ip link set "$IPSI_DEV" type ipsec-ipip remote 10.0.0.9
	ipsi_do left ip xfrm state flush
	ipsi_wait "the end of the SA" users_are 0
}

device_down()
{
	start
	ipsi_do left ip link set "$IPSI_DEV" down
	ipsi_do left ip xfrm state flush
	ipsi_wait "the end of the SA" users_are 0
}

ipsi_run deleted replaced flushed endpoint_changed device_down
