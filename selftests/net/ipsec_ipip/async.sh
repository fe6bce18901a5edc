#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Asynchronous crypto: packets are decrypted on other processors, and come back
# to the device when it, its SAs or the underlay may be gone. Eight links between
# the same two hosts:
#
#   0, 1  over IPv4, inbound SA in transport mode and in tunnel mode
#   2, 3  the same over IPv6
#   4, 5  the same with ESP in UDP
#   6, 7  AH over IPv4 and IPv6
#
# ESP is encrypted in one of three ways, which the tests deal out differently.
# Over both tests, each way meets IPv4, IPv6, ESP in UDP, and both inbound modes:
#
#   G  pcrypt around AES-GCM
#   P  pcrypt around AES-CBC with HMAC-SHA256
#   C  cryptd around AES-CBC with HMAC-SHA512
#
# XFRM asks for a cipher by name and gets its best instance, so a name cannot
# stand for pcrypt on one link and for cryptd on another. AH has cryptd around
# HMAC-SHA384: pcrypt takes no hashes, and a better instance of a hash that ESP
# uses would end the ciphers that are made with it.
#
# A failure means that devices cannot be deleted, since a reference of another
# owner was dropped or one was kept, or that a packet is lost or goes on in clear.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Nothing is sent but by the test.
# shellcheck disable=SC2034 # it is for the library
IPSI_QUIET=1

LINKS=(0 1 2 3 4 5 6 7)
KEY=${IPSI_ENC_KEY[left]}
AUTH=${IPSI_AUTH_KEY[left]}

# async_crypto TEMPLATE TYPE NAME DRIVER: all use TEMPLATE(NAME) from now on, whose
# driver's name begins with TEMPLATE(DRIVER
async_crypto()
{
	local driver="^driver *: $1($4"

	grep -q "$driver" /proc/crypto && return
	modprobe "$1" 2> /dev/null || ipsi_skip "no module $1"
	python3 "$IPSI_LIB/crypto.py" "$2" "$1($3)" ||
		ipsi_skip "no crypto_user"
	grep -q "$driver" /proc/crypto || ipsi_skip "no $1($3)"
}

async_all_crypto()
{
	local module notests=/sys/module/cryptomgr/parameters/notests

	ipsi_need python3
	for module in crypto_user authenc cbc gcm ctr ghash_generic seqiv \
		echainiv ah4 ah6; do
		modprobe "$module" 2> /dev/null
	done
	# The self-test of cryptd in 6.1 fails by a fault of its own, and warns.
	[ ! -w "$notests" ] || echo 1 > "$notests"
	async_crypto pcrypt aead 'rfc4106(gcm(aes))' rfc4106
	async_crypto pcrypt aead 'authenc(hmac(sha256),cbc(aes))' \
		'authenc(hmac(sha256'
	async_crypto cryptd aead 'authenc(hmac(sha512),cbc(aes))' \
		'authenc(hmac(sha512'
	async_crypto cryptd ahash 'hmac(sha384)' 'hmac(sha384'
}

# async_algs WAY LINK: the words of "ip xfrm state" for the algorithms
async_algs()
{
	local cbc="enc cbc(aes) $KEY"

	case $1 in
	G) echo "aead rfc4106(gcm(aes)) ${KEY}0000000$2 128" ;;
	P) echo "$cbc auth-trunc hmac(sha256) $AUTH 128" ;;
	C) echo "$cbc auth-trunc hmac(sha512) $AUTH 256" ;;
	*) echo "auth-trunc hmac(sha384) $AUTH 192" ;;
	esac
}

# async_sa SENDER FROM TO LINK [OPTION...]: the words of "ip xfrm state" for an SA
async_sa()
{
	local spi=0x100$4 proto=esp

	[ "$1" = left ] || spi=0x200$4
	[ "$4" -lt 6 ] || proto=ah
	echo "xfrm state add src $2 dst $3 proto $proto spi $spi if_id 10$4" \
		"$(async_algs "${WAYS[$4]:-}" "$4") ${*:5}"
}

# async_end HOST LINK: the commands of "ip" that make this end of a link
async_end()
{
	local host=$1 n=$2 own=1 peer=2 net=10.0.0. mode=transport
	local device='' encap=''

	[ "$host" = left ] || own=2 peer=1
	case $n in
	2|3|7) net=fd00:: ;;
	4|5)
		device="encap-port 4500"
		encap="encap espinudp 4500 4500 0.0.0.0"
		;;
	esac
	case $n in
	1|3|5) mode=tunnel ;;
	esac
	cat <<-END
		link add ipsec$n type ipsec-ipip local $net$own \
		remote $net$peer if_id 10$n $device
		address add 192.168.$n.$own peer 192.168.$n.$peer dev ipsec$n
		link set ipsec$n up
		$(async_sa "$host" $net$own $net$peer "$n" mode transport "$encap")
		$(async_sa "${IPSI_PEER[$host]}" $net$peer $net$own "$n" \
			mode $mode "$encap")
	END
}

# async_used DRIVER: the SAs use the driver whose name begins so
async_used()
{
	awk -v name="$1" '
		$1 == "driver" { is = index($3, name) == 1 }
		is && $1 == "refcnt" { users += $3 - 1 }
		END { exit !users }
	' /proc/crypto || ipsi_fail "the SAs do not use $1"
}

# async_topology WAY...: of links 0 to 5
async_topology()
{
	local host n

	WAYS=("$@")
	async_all_crypto
	ipsi_topology
	for host in left right; do
		n=2
		[ "$host" = right ] || n=1
		{
			echo "address add fd00::$n/64 dev $IPSI_WIRE nodad"
			for n in "${LINKS[@]}"; do
				async_end "$host" "$n"
			done
		} | ip -n "${!host}" -batch - || ipsi_fail "no links at $host"
	done
	async_used 'seqiv(pcrypt(rfc4106'
	async_used 'echainiv(pcrypt(authenc(hmac(sha256'
	async_used 'echainiv(cryptd(authenc(hmac(sha512'
	async_used 'cryptd(hmac(sha384'
}

# async_delete HOST DEVICE: it goes at once
async_delete()
{
	echo "$1: ip link del $2"
	timeout -s KILL "$IPSI_PATIENCE" ip -n "${!1}" link del "$2" ||
		ipsi_fail "$2 at $1 cannot be deleted"
}

# async_delete_all: the underlay after the devices, whose references may be its
async_delete_all()
{
	local n

	for n in "${LINKS[@]}"; do
		async_delete right "ipsec$n"
		async_delete left "ipsec$n"
	done
	async_delete right "$IPSI_WIRE"
	! ipsi_klog_bad || ipsi_fail "the kernel complains"
}

packets_arrive_and_devices_go()
{
	local n

	async_topology G P C G P C
	for n in "${LINKS[@]}"; do
		ipsi_do left ping -n -q -f -c 50 -W 10 "192.168.$n.2"
		ipsi_is "$(ipsi_counter right rx.packets "ipsec$n")" 50 \
			"packets of link $n"
		ipsi_is "$(ipsi_counter left rx.packets "ipsec$n")" 50 \
			"answers of link $n"
		ipsi_is "$(ipsi_counter right rx.errors "ipsec$n")" 0 \
			"errors of link $n"
	done
	async_delete_all
}

# async_traffic: packets on all links, until the test ends
async_traffic()
{
	local n

	# shellcheck disable=SC2317 # it is called by ipsi_wait
	flows()
	{
		[ "$(ipsi_counter right rx.packets "ipsec$1")" -gt 20 ]
	}
	for n in "${LINKS[@]}"; do
		ipsi_bg left ping -n -q -f "192.168.$n.2" > /dev/null
	done
	for n in "${LINKS[@]}"; do
		ipsi_wait "traffic on link $n" flows "$n"
	done
}

# Packets that are being decrypted when their SA goes are dropped. First the SAs
# of the right go, and with them all that could be decrypted; then those of the
# left with their devices.
all_goes_under_traffic()
{
	local file=$IPSI_TMP/pcap

	async_topology C C P P G G
	ipsi_capture_start right "$file"
	async_traffic
	ipsi_do right ip xfrm state flush
	ipsi_capture_stop
	ipsi_none "$file" 'icmp or ip proto 4' "clear packets on the wire"
	async_delete_all
}

ipsi_run packets_arrive_and_devices_go all_goes_under_traffic
