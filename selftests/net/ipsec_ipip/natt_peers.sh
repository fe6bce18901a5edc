#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two peers behind one NAT: the host on the right sees only one address with two
# ports. The packets of their links are checked as without NAT.
#
#   one  10.0.1.1 ---+
#                    +--- middle, NAT 10.0.0.254 --- right 10.0.0.2
#   two  10.0.2.1 ---+    one: port 1000             ipsec1: one
#                         two: port 2000             ipsec2: two
#
# A failure means that a peer gets packets for the other or can move the other's
# link, or that packets other than ESP count as a sign of life.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/router.sh
source "$IPSI_LIB/router.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

PEERS=(one two)
declare -A N=([one]=1 [two]=2) PORT=([one]=1000 [two]=2000)

# nat PORT_OF_ONE PORT_OF_TWO: set the ports of the NAT
nat()
{
	ipsi_nat middle "ip saddr 10.0.1.1 udp dport 4500 masquerade to :$1" \
		"ip saddr 10.0.2.1 udp dport 4500 masquerade to :$2"
}

# peers_link PEER: connect a peer to the NAT
peers_link()
{
	ip link add eth0 netns "${!1}" type veth peer name "to$1" \
		netns "${middle:?}" || ipsi_fail "no veth pair"
}

# peers_topology OPTION...: set up all hosts; options are for the devices on the
# right
peers_topology()
{
	local peer n

	ipsi_need nft conntrack
	setup_ns one two middle right || ipsi_skip "no network namespaces here"
	ipsi_shell one two middle right
	ipsi_quiet one two middle right
	for peer in one two right; do
		peers_link "$peer"
	done
	ipsi_batch middle <<-END
		address add 10.0.1.254/24 dev toone
		address add 10.0.2.254/24 dev totwo
		address add 10.0.0.254/24 dev toright
		link set toone up
		link set totwo up
		link set toright up
	END
	ipsi_try middle sysctl -qw net.ipv4.ip_forward=1
	nat "${PORT[one]}" "${PORT[two]}"
	ipsi_batch right <<-END
		address add 10.0.0.2/24 dev eth0
		link set eth0 up
	END
	ipsi_record middle toone totwo toright
	ipsi_record right eth0
	for peer in "${PEERS[@]}"; do
		n=${N[$peer]}
		peers_outer "$peer" "$n"
		ipsi_record "$peer" eth0
		peers_device "$peer" ipsec0 "10.0.$n.1" 10.0.0.2 7
		peers_device right "ipsec$n" 10.0.0.2 10.0.0.254 "$n" "$@"
		peers_sas "$n" "$peer"
	done
}

# peers_outer PEER N: set up the outer addresses of a peer
peers_outer()
{
	ipsi_batch "$1" <<-END
		address add 10.0.$2.1/24 dev eth0
		link set eth0 up
		route add default via 10.0.$2.254
	END
}

# peers_device HOST DEVICE LOCAL REMOTE IF_ID OPTION...: make a device; the
# inner addresses are 192.168.1.N for the peers and 192.168.2.N for the right
peers_device()
{
	local host=$1 dev=$2 local=$3 remote=$4 if_id=$5 n own other

	n=${N[$host]:-$if_id}
	own=192.168.1.$n other=192.168.2.$n
	[ "$host" != right ] || own=192.168.2.$n other=192.168.1.$n
	ipsi_batch "$host" <<-END
		link add $dev type ipsec-ipip local $local remote $remote \
		if_id $if_id encap-port 4500 ${*:6}
		address add $own/32 dev $dev
		link set $dev up
		route add $other/32 dev $dev src $own
	END
}

# peers_sas N PEER: add the SAs of both ends, with SPI 0x100N from the peer and
# 0x200N to it
peers_sas()
{
	local n=$1 peer=$2 private=10.0.$1.1 port=${PORT[$2]}

	ipsi_batch "$peer" <<-END
		xfrm state add $(peers_sa "$private" 10.0.0.2 "0x100$n" 7 4500 4500)
		xfrm state add $(peers_sa 10.0.0.2 "$private" "0x200$n" 7 4500 4500)
	END
	ipsi_batch right <<-END
		xfrm state add $(peers_sa 10.0.0.254 10.0.0.2 "0x100$n" "$n" "$port" 4500 |
			sed "s/mode transport/mode ${IN_MODE:-transport}/")
		xfrm state add $(peers_sa 10.0.0.2 10.0.0.254 "0x200$n" "$n" 4500 "$port")
	END
}

# peers_sa FROM TO SPI IF_ID SPORT DPORT: print the words of an SA
peers_sa()
{
	ipsi_state "$1" "$2" "$3" "$4" replay-window 64 \
		encap espinudp "$5" "$6" 0.0.0.0
}

# ping_from PEER [N], ping_to PEER
ping_from()
{
	ipsi_do "$1" ping -n -q -c "${2:-1}" -i 0.2 -W 10 "192.168.2.${N[$1]}"
}

ping_to()
{
	ipsi_do right ping -n -q -c 1 -W 10 "192.168.1.${N[$1]}"
}

# received HOST DEVICE: print the number of received packets
received()
{
	ipsi_counter "$1" rx.packets "$2"
}

# on_wire FILE PORT SPI: print the number of packets to this port with this SA
on_wire()
{
	ipsi_count "$1" "src 10.0.0.2 and udp dst port $2 and udp[8:4] = $3"
}

# R91
do_not_mix()
{
	local wire=$IPSI_TMP/wire

	peers_topology
	ipsi_capture_start right "$wire"
	ping_from one 2
	ping_from two 3
	ping_to one
	ping_to two
	ipsi_capture_stop
	ipsi_is "$(received right ipsec1) $(received right ipsec2)" "3 4" \
		"packets by the two devices"
	ipsi_is "$(received one ipsec0) $(received two ipsec0)" "3 4" \
		"packets at the two peers"
	ipsi_is "$(on_wire "$wire" 1000 0x2001) $(on_wire "$wire" 2000 0x2002)" \
		"3 4" "packets to each port in its SA"
	ipsi_is "$(on_wire "$wire" 1000 0x2002) $(on_wire "$wire" 2000 0x2001)" \
		"0 0" "packets to each port in the other's SA"

	# The SA of peer one is deleted; that of peer two does not replace it.
	ipsi_do right ip xfrm state delete dst 10.0.0.254 proto esp spi 0x2001
	ipsi_must_fail "" right ping -n -q -c 1 -W 1 192.168.1.1
	ipsi_is "$(ipsi_get right carrier ipsec1) $(ipsi_get right carrier \
		ipsec2)" "false true" "carrier of both"
	ping_to two
}

# goes_to N PORT: true if the right sends to peer N at this port now
goes_to()
{
	[[ $(ipsi_try right ip xfrm state list src 10.0.0.2 spi "0x200$1" \
		proto esp) == *"dport $2 "* ]]
}

# The NAT changes the port of each peer, and finally exchanges their ports.
# R91 R92
ports_change()
{
	peers_topology roam
	ping_from one
	ping_from two
	nat 3000 2000
	ipsi_try one ping -n -q -c 1 -W 1 192.168.2.1 > /dev/null
	ipsi_wait "the new port of one" goes_to 1 3000
	goes_to 2 2000 || ipsi_fail "one has moved the link of two"
	ping_from two
	ping_to one
	ping_to two

	nat 2000 3000
	ipsi_try one ping -n -q -c 1 -W 1 192.168.2.1 > /dev/null
	ipsi_wait "one at the port of two" goes_to 1 2000
	# Packets to the old ports create flows that would keep the NAT from
	# giving these ports to the other peer.
	ipsi_forget_flows middle
	ipsi_try two ping -n -q -c 1 -W 1 192.168.2.2 > /dev/null
	ipsi_wait "two at the port of one" goes_to 2 3000
	ipsi_forget_flows middle
	ping_from one
	ping_from two
	ping_to one
	ping_to two
	ipsi_is "$(ipsi_stat right rx_outer_address ipsec1) $(ipsi_stat right \
		rx_outer_address ipsec2)" "0 0" "packets refused"
}

# shown DEVICE: print the state of a device on the right and its SAs
shown()
{
	# without ages
	ipsi_try right ipsec-ipip -j show "$1" | jq -c 'del(.[].rx_age)'
	ipsi_try right ipsec-ipip -j sa show "$1" | jq -c 'del(.[].age)'
	# without its operational state, which changes with a delay
	ip -n "${right:?}" -s -s link show dev "$1" | sed 1d
	ipsi_try right cat /proc/thread-self/net/xfrm_stat
}

# sends_udp N HEX: send N datagrams from peer one to the port of ESP
sends_udp()
{
	ipsi_do one python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(int(sys.argv[1])):
    s.sendto(bytes.fromhex(sys.argv[2]), ("10.0.0.2", 4500))
' "$1" "$2"
}

# no_sign NAME DEVICE HEX: send 3 such datagrams, and check that the state of
# the device does not change
no_sign()
{
	local before wire=$IPSI_TMP/wire

	before=$(shown "$2")
	ipsi_forget_flows middle
	ipsi_capture_start right "$wire"
	sends_udp 3 "$3"
	ipsi_capture_stop
	ipsi_is "$(ipsi_count "$wire" 'udp dst port 4500')" 3 \
		"datagrams with $1"
	ipsi_is "$(shown "$2")" "$before" "after $1"
}

# R88
keepalives_are_nothing()
{
	ipsi_need python3 jq
	peers_topology roam
	ping_from one
	# The NAT changes the port of these too.
	nat 3000 2000
	no_sign "keepalives" ipsec1 ff
	goes_to 1 1000 || ipsi_fail "a keepalive has moved the link"
	no_sign "what a key manager says" ipsec1 "00000000$(printf '%056d' 0)"
	nat 3000 2000
	ipsi_try one ping -n -q -c 1 -W 1 192.168.2.1 > /dev/null
	ipsi_wait "the new port of one" goes_to 1 3000
	ping_to one

	# They do not reveal the address of a peer that is not known yet either.
	ipsi_batch right <<-END
		link add new type ipsec-ipip local 10.0.0.2 remote any roam \
		encap-port 4500 if_id 9
		link set new up
	END
	no_sign "keepalives" new ff
	ipsi_is "$(ipsi_get right peer new)" null "peer"
}

# Peer one uses an inner address of peer two, which must fail.
# R23 R90 R91
inner_sources_are_checked()
{
	peers_topology
	ipsi_do right nft -f - <<-END
		table ip t {
			counter spoofed { }
			chain prerouting {
				type filter hook prerouting priority -300
				iifname "ipsec*" fib saddr . iif oif \
					missing counter name spoofed drop
			}
		}
	END
	ping_from one
	ping_from two
	ipsi_do one ip address add 192.168.1.2/32 dev lo
	ipsi_must_fail "" one ping -n -q -c 1 -W 1 -I 192.168.1.2 192.168.2.1
	ipsi_has "$(ipsi_try right nft list counters)" "packets 1 " "dropped"
	ipsi_is "$(received two ipsec0)" 1 "packets at two"
	ping_from one
}

# checksums_are_verified MODE: check with inbound SAs in this mode
checksums_are_verified()
{
	IN_MODE=$1
	ipsi_need python3 jq
	peers_topology
	python3 "$IPSI_LIB/checksum.py" "${one:?}" ipsec0 \
		192.168.1.1 "${right:?}" 192.168.2.1 || ipsi_fail "inner checksums"
}

# After ESP in UDP, transport mode marks checksums as verified, although they
# are not.
# R89
checksums_transport_mode()
{
	checksums_are_verified transport
}

# R89
checksums_tunnel_mode()
{
	checksums_are_verified tunnel
}

# mismatches: print how often XFRM received ESP without the encapsulation of its
# SA
mismatches()
{
	ipsi_try right cat /proc/thread-self/net/xfrm_stat |
		sed -n 's/^XfrmInStateMismatch[[:space:]]*//p'
}

# An SA accepts only packets with its encapsulation, as always in Linux: the
# others are dropped and counted, and do not move the peer. Changing the
# encapsulation takes new SAs.
# R93
wrapping_is_the_sas()
{
	local plain=(spi 0x5001)

	ipsi_topology
	ipsi_device left encap-port 4500
	ipsi_device right encap-port 4500
	ipsi_device_sa right in encap espinudp 4500 4500
	ipsi_device_sa left out
	ipsi_send left 2
	ipsi_is "$(ipsi_stat right rx_crypto)" 2 "plain ESP, refused"
	ipsi_is "$(mismatches)" 2 "plain ESP, XFRM's counter"
	ipsi_is "$(received right ipsec0)" 0 "plain ESP, received"

	ipsi_do left ip xfrm state flush
	ipsi_device_sa left out encap espinudp 4500 4500
	ipsi_send left 2
	ipsi_is "$(received right ipsec0)" 2 "ESP in UDP, received"
	ipsi_do right ip xfrm state flush
	ipsi_device_sa right in
	ipsi_send left 2
	ipsi_is "$(ipsi_stat right rx_crypto)" 4 "ESP in UDP, refused"
	ipsi_is "$(mismatches)" 4 "ESP in UDP, XFRM's counter"
	ipsi_is "$(received right ipsec0)" 2 "ESP in UDP, received"

	# With one SA for each, both are received.
	ipsi_do right ip xfrm state flush
	ipsi_device_sa right in encap espinudp 4500 4500
	ipsi_device_sa right in "${plain[@]}"
	ipsi_send left 1
	ipsi_device_sa left out "${plain[@]}"
	ipsi_send left 1
	ipsi_is "$(received right ipsec0)" 4 "packets of both SAs"
	ipsi_is "$(ipsi_stat right rx_crypto)" 4 "refused"
}

ipsi_run do_not_mix ports_change inner_sources_are_checked \
	checksums_transport_mode checksums_tunnel_mode keepalives_are_nothing \
	wrapping_is_the_sas
