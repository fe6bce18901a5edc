#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# packet.sh PROGRAM [ARGUMENT...]: run the fuzzer of the packet paths between two
# network namespaces. The right one has the devices ipsec0 to ipsec4, of which
# packet.c has a table; the left one only sends.

set -u
. "$(dirname "$0")/lib.sh"

KEY=000102030405060708090a0b0c0d0e0f
NONCE=10111213
# "a key for fuzzer"
AUTH=61206b657920666f722066757a7a6572
STREAM=/run/fuzz-stream

right()
{
	ip netns exec right "$@"
}

# link NUMBER LOCAL REMOTE MODE [OPTION...]: a device with an SA in each direction
link()
{
	local i=$1 local=$2 remote=$3 mode=$4 encap=() window=0
	shift 4

	right ip link add "ipsec$i" up type ipsec-ipip local "$local" \
		remote "$remote" if_id $((i + 1)) "$@"
	[[ " $* " != *" encap-port "* ]] ||
		encap=(encap espinudp 4500 4500 0.0.0.0)
	[[ " $* " != *" roam "* ]] || window=32
	right ip xfrm state add src "$remote" dst "$local" proto esp \
		spi $((0x1001 + i)) mode "$mode" if_id $((i + 1)) \
		flag af-unspec replay-window "$window" enc 'rfc3686(ctr(aes))' "0x$KEY$NONCE" \
		auth-trunc 'hmac(md5)' "0x$AUTH" 96 "${encap[@]}"
	right ip xfrm state add src "$local" dst "$remote" proto esp \
		spi $((0x2001 + i)) mode transport if_id $((i + 1)) \
		enc 'rfc3686(ctr(aes))' "0x$KEY$NONCE" \
		auth-trunc 'hmac(md5)' "0x$AUTH" 96 "${encap[@]}"
}

set -e
modprobe -q nf_tables || :
fuzz_load
openssl enc -aes-128-ctr -K "$KEY" -iv "${NONCE}000000000000000000000001" \
	< /dev/zero 2> /dev/null | head -c 20000 > "$STREAM" || :

ip netns add left
ip netns add right
ip link add eth0 netns left address 02:00:00:00:00:01 mtu 9000 type veth \
	peer name eth0 netns right address 02:00:00:00:00:02 mtu 9000
ip -n left link set eth0 up
right ip link set lo up
right ip link set eth0 up
right sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
	net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
for i in 2 4 6; do
	right ip address add "10.0.0.$i/24" dev eth0
	right ip neighbour replace "10.0.0.$((i - 1))" dev eth0 \
		lladdr 02:00:00:00:00:01
	right ip address add "fd00::$i/64" dev eth0 nodad
	right ip neighbour replace "fd00::$((i - 1))" dev eth0 \
		lladdr 02:00:00:00:00:01
done
link 0 10.0.0.2 10.0.0.1 transport
link 1 10.0.0.4 10.0.0.3 tunnel roam
link 2 fd00::2 fd00::1 transport
link 3 10.0.0.6 10.0.0.5 transport encap-port 4500
link 4 fd00::4 fd00::3 tunnel

right ip address add 192.168.2.1 dev ipsec0
right ip address add fd02::1 dev ipsec2 nodad
right ip route add 192.168.1.0/24 dev ipsec0
right ip route add fd01::/64 dev ipsec2
right ip route add 192.168.2.2 dev ipsec1
right ip route add 192.168.2.3 dev ipsec3
right ip route add 192.168.2.4 dev ipsec0
right ip route add fd02::2 dev ipsec0
right ip route add fd02::3 dev ipsec4
right ip route add fd02::4 dev ipsec2
right ip tuntap add tap0 mode tap vnet_hdr
right ip link set tap0 address 02:00:00:00:00:02 mtu 9000 up
# Counts the packets of the tap that the host forwards to a device.
right nft -f - <<'END'
table inet fuzz {
	chain forward {
		type filter hook forward priority 0
		iifname "tap0" oifname "ipsec*" counter
	}
}
END

status=0
"$@" --stream "$STREAM" --left /run/netns/left --right /run/netns/right ||
	status=$?
for i in 0 1 2 3 4; do
	echo "ipsec$i: $(right cat /sys/class/net/ipsec"$i"/statistics/rx_packets)" \
		"received, $(right cat /sys/class/net/ipsec"$i"/statistics/tx_packets)" \
		"sent;" "$(right ethtool -S "ipsec$i" |
			awk '$2 > 0 { printf "%s %s ", $1, $2 }')"
done
right nft list chain inet fuzz forward |
	sed -n 's/.*counter packets \([0-9]*\).*/\1 of the tap forwarded to devices/p'
# shellcheck disable=SC2016 # for awk
right awk '$2 > 0 { printf "%s %s ", $1, $2 } END { print "" }' \
	/proc/net/xfrm_stat
ip netns delete left
ip netns delete right
[ "$status" = 0 ] || exit "$status"
fuzz_unload
