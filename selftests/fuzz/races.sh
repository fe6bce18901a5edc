#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# races.sh PROGRAM [ARGUMENT...]: run the program that races requests about the
# devices of the right host. The left one is a peer with ordinary SAs and
# policies, which sends all the time. Every few seconds the underlay is deleted
# and made again, and the module is unloaded.

set -u
. "$(dirname "$0")/lib.sh"

KEY=0x4242424242424242424242424242424242424242

# underlay: the wire, with the addresses of both hosts
underlay()
{
	ip link add eth0 netns left address 02:00:00:00:00:02 type veth \
		peer name under0 netns right address 02:00:00:00:00:01 || return
	for i in 2 3; do
		ip -n left address add "10.0.0.$i/24" dev eth0
		ip -n left address add "fd00::$i/64" dev eth0 nodad
	done
	ip -n right address add 10.0.0.1/24 dev under0
	ip -n right address add fd00::1/64 dev under0 nodad
	ip -n left link set eth0 up
	ip -n right link set under0 up
	ip -n left route add 192.168.2.0/24 via 10.0.0.1 src 192.168.1.1
	ip -n left route add fd02::/64 via fd00::1 src fd01::1
}

# peer: the SAs and policies of the left host, one for each inner address
peer()
{
	local i

	for i in 1 2 3; do
		ip -n left xfrm state add src 10.0.0.2 dst 10.0.0.1 proto esp \
			spi "0x100$i" mode tunnel \
			aead 'rfc4106(gcm(aes))' "$KEY" 128
		ip -n left xfrm policy add dir out src 0.0.0.0/0 \
			dst "192.168.2.$i" tmpl src 10.0.0.2 dst 10.0.0.1 \
			proto esp spi "0x100$i" mode tunnel
		ip -n left xfrm state add src fd00::2 dst fd00::1 proto esp \
			spi "0x100$i" mode tunnel \
			aead 'rfc4106(gcm(aes))' "$KEY" 128
		ip -n left xfrm policy add dir out src ::/0 dst "fd02::$i" \
			tmpl src fd00::2 dst fd00::1 \
			proto esp spi "0x100$i" mode tunnel
	done
}

# shellcheck disable=SC2034 # for lib.sh
DELAY=200
fuzz_load
ip netns add left
ip netns add right
ip -n left link set lo up
ip -n left address add 192.168.1.1 dev lo
ip -n left address add fd01::1 dev lo nodad
ip -n right link set lo up
underlay
peer

(
	unloaded=0
	while sleep 3; do
		# It may be gone already: the requests delete it, too.
		ip -n right link delete under0 2> /dev/null
		underlay 2> /dev/null
		sleep 1
		modprobe -r ipsec_ipip 2> /dev/null && unloaded=$((unloaded + 1))
		modprobe ipsec_ipip
		echo "$unloaded" > /run/fuzz-unloaded
	done
) &
# Of the requests of the program, few change a device that sends and receives, or
# the SA that it sends with.
for i in "0 10.0.0." "2 fd00::"; do
	read -r number net <<< "$i"
	sa="src ${net}1 dst ${net}2 proto esp spi 0x1009"
	rest="mode transport if_id $((number + 1)) flag af-unspec"
	rest+=" aead rfc4106(gcm(aes)) $KEY 128"
	yes "link set fuzz$number type ipsec-ipip ttl 9
xfrm state add $sa $rest
link set fuzz$number type ipsec-ipip ttl 10
xfrm state delete $sa" |
		ip -n right -force -batch - > /dev/null 2>&1 &
done
status=0
"$@" --left /run/netns/left --right /run/netns/right || status=$?
# shellcheck disable=SC2046 # numbers
kill $(jobs -p)
wait 2> /dev/null
echo "unloaded $(cat /run/fuzz-unloaded 2> /dev/null) times meanwhile"
ip netns delete left
ip netns delete right
[ "$status" = 0 ] || exit "$status"
fuzz_unload
