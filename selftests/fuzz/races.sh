#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# races.sh PROGRAM [ARGUMENT...]: run the program that races requests about the
# devices of the right host. The left one is a peer with ordinary SAs and
# policies, which sends all the time. Every few seconds the underlay is deleted
# and made again, and the module is unloaded. On a kernel with KCSAN, pairs of
# processors race first.

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

# changes NUMBER NET: endless requests about the device of that number, which replace
# its options and the SA that it sends with
changes()
{
	local sa="src ${2}1 dst ${2}2 proto esp spi 0x1009"
	local rest="mode transport if_id $(($1 + 1)) flag af-unspec"

	rest+=" aead rfc4106(gcm(aes)) $KEY 128"
	exec yes "${CHANGE_LINK:+link set fuzz$1 type ipsec-ipip ttl 9
}xfrm state add $sa $rest
${CHANGE_LINK:+link set fuzz$1 type ipsec-ipip ttl 10
}xfrm state delete $sa"
}

# pair PROGRAM SECONDS NUMBER NET: one processor sends and receives, another one does
# nothing but change what the first one uses. With more than that, the two are hardly
# ever at the same place at the same time.
pair()
{
	local i

	ip -n right link add "fuzz$3" up type ipsec-ipip local "${4}1" \
		remote "${4}2" if_id "$(($3 + 1))"
	ip -n right address add 192.168.2.1/32 dev "fuzz$3"
	ip -n right route add 192.168.1.0/24 dev "fuzz$3"
	for i in 1 2 3; do
		ip -n right xfrm state add src "${4}2" dst "${4}1" proto esp \
			spi "0x100$i" mode tunnel if_id "$(($3 + 1))" \
			flag af-unspec aead 'rfc4106(gcm(aes))' "$KEY" 128
	done
	changes "$3" "$4" |
		taskset -c 1 ip -n right -force -batch - > /dev/null 2>&1 &
	taskset -c 0 "$1" --threads 0 --seconds "$2" --left /run/netns/left \
		--right /run/netns/right
	kill $!
	wait $! 2> /dev/null
	ip -n right link delete "fuzz$3"
}

# unload: unload the module and load it again. A dump that a thread has not read to
# its end may keep the module, so try again; print the reason if that does not help.
unload()
{
	local why

	for _ in $(seq 50); do
		if why=$(modprobe -r ipsec_ipip 2>&1); then
			modprobe ipsec_ipip
			echo unloaded >> /run/fuzz-unloaded
			return
		fi
		echo "$why" >> /run/fuzz-in-use
		sleep 0.1
	done
	echo "not unloaded: $why"
}

# lines FILE: the number of its lines
lines()
{
	grep -c . "$1" 2> /dev/null || :
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

if [ -e "$KCSAN" ]; then
	for CHANGE_LINK in '' yes; do
		pair "$1" 20 0 10.0.0.
		pair "$1" 20 2 fd00::
	done
fi
rm -f /run/fuzz-unloaded /run/fuzz-in-use
while sleep 3; do
	# It may be gone already: the requests delete it, too.
	ip -n right link delete under0 2> /dev/null
	underlay 2> /dev/null
	sleep 1
	unload
done &
# Of the requests of the program, few change a device that sends and receives, or
# the SA that it sends with.
CHANGE_LINK=yes
for i in "0 10.0.0." "2 fd00::"; do
	read -r number net <<< "$i"
	changes "$number" "$net" |
		ip -n right -force -batch - > /dev/null 2>&1 &
done
status=0 began=$SECONDS
"$@" --left /run/netns/left --right /run/netns/right || status=$?
# shellcheck disable=SC2046 # numbers
kill $(jobs -p) 2> /dev/null
wait 2> /dev/null
unloaded=$(lines /run/fuzz-unloaded)
in_use=$(lines /run/fuzz-in-use)
echo "unloaded ${unloaded:=0} times meanwhile," \
	"in use ${in_use:-0} times"
if [ "$unloaded" = 0 ] && [ $((SECONDS - began)) -gt 120 ]; then
	echo "the module was never unloaded under load"
	[ "$status" != 0 ] || status=1
fi
ip netns delete left
ip netns delete right
[ "$status" = 0 ] || exit "$status"
fuzz_unload
