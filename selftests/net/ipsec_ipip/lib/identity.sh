#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The gateways of wire_identity.sh and wire_identity6.sh: "tunnel" has the
# kernel's tunnel mode, "device" a device, and "lab" is on both sides of both.
# OUTER and INNER are the families.

AUTH=0x7a5a5832c43395c62aa1c443cfda68f3f8fff89378fdb2df40419df01547a40a
AES=0x811ce51cebcaed4280aae9cb2e195f93
SALT=0badcafe

export OUTER=4 INNER=4
declare -A IDENTITY_LOCAL=([4]=10.0.0.1 [6]=fd00::1)
declare -A IDENTITY_REMOTE=([4]=10.0.0.2 [6]=fd00::2)
declare -A IDENTITY_BEHIND=([4]=10.2.0.0/16 [6]=fd12::/64)
declare -A IDENTITY_ANY=([4]=0.0.0.0/0 [6]=::/0)

# identity_sa ESP_CIPHER|ah|ah4: set SA to the words of ip, and SA_JSON
identity_sa()
{
	local auth=(auth-trunc 'hmac(sha256)' "$AUTH" 128)
	local name=$1 key='' align=8

	SA=(proto esp spi 0x1001)
	case $name in
	null) SA+=("${auth[@]}" enc 'ecb(cipher_null)' '') ;;
	cbc) key=$AES; SA+=("${auth[@]}" enc 'cbc(aes)' "$key") ;;
	gcm) key=$AES$SALT; SA+=(aead 'rfc4106(gcm(aes))' "$key" 128) ;;
	ah) SA=(proto ah spi 0x1001 "${auth[@]}") ;;
	ah4) SA=(proto ah spi 0x1001 "${auth[@]}" flag align4) align=4 ;;
	esac
	SA_JSON=$(printf '{"proto": "%s", "spi": 4097, "auth_key": "%s",
		"cipher": "%s", "key": "%s", "align": %d}' \
		"${SA[1]}" "$AUTH" "$name" "$key" "$align")
}

# identity_gateways SA: set up everything but the device. The hosts send no
# packets of their own, so that sequence numbers are equal.
identity_gateways()
{
	local gw

	ipsi_need python3
	setup_ns lab tunnel device || ipsi_skip "no network namespaces here"
	for gw in tunnel device; do
		ip -n "${lab:?}" -batch - <<-END || ipsi_fail "no veth pairs"
			link add in-$gw address 02:00:00:00:00:11 type veth \
				peer name in address 02:00:00:00:00:01 netns ${!gw}
			link add out-$gw address 02:00:00:00:00:12 type veth \
				peer name eth0 address 02:00:00:00:00:02 netns ${!gw}
			link set in-$gw up
			link set out-$gw up
		END
		ip -n "${!gw}" -batch - <<-END || ipsi_fail "no addresses"
			link set in addrgenmode none
			link set eth0 addrgenmode none
			address add 10.1.0.1/16 dev in
			address add 10.0.0.1/24 dev eth0
			address add fd11::1/64 dev in nodad
			address add fd00::1/64 dev eth0 nodad
			link set in up
			link set eth0 up
			neighbour add 10.1.0.2 lladdr 02:00:00:00:00:11 dev in
			neighbour add 10.0.0.2 lladdr 02:00:00:00:00:12 dev eth0
			neighbour add fd11::2 lladdr 02:00:00:00:00:11 dev in
			neighbour add fd00::2 lladdr 02:00:00:00:00:12 dev eth0
		END
		# A device that is added later then joins no group of routers.
		ipsi_try "$gw" sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
			net.ipv6.conf.all.forwarding=1 \
			net.ipv6.conf.default.forwarding=0 \
			net.ipv6.conf.default.addr_gen_mode=1
	done
	ipsi_record tunnel eth0
	ipsi_record device eth0
	identity_sa "$1"
}

# identity_tunnel_state [FLAG...]: add the SA in tunnel mode
identity_tunnel_state()
{
	[ "$INNER" = "$OUTER" ] || set -- flag af-unspec "$@"
	ipsi_do tunnel ip xfrm state add src "${IDENTITY_LOCAL[$OUTER]}" \
		dst "${IDENTITY_REMOTE[$OUTER]}" "${SA[@]}" mode tunnel "$@"
}

# identity_tunnel [FLAG...]: set up tunnel mode
# shellcheck disable=SC2120 # the programs pass some
identity_tunnel()
{
	identity_tunnel_state "$@"
	ipsi_do tunnel ip xfrm policy add dir out src "${IDENTITY_ANY[$INNER]}" \
		dst "${IDENTITY_BEHIND[$INNER]}" \
		tmpl src "${IDENTITY_LOCAL[$OUTER]}" \
		dst "${IDENTITY_REMOTE[$OUTER]}" "${SA[@]:0:2}" mode tunnel
	ipsi_do tunnel ip route add "${IDENTITY_BEHIND[$INNER]}" \
		via "${IDENTITY_REMOTE[$INNER]}"
}

identity_device_state()
{
	ipsi_do device ip xfrm state add src "${IDENTITY_LOCAL[$OUTER]}" \
		dst "${IDENTITY_REMOTE[$OUTER]}" "${SA[@]}" \
		mode transport if_id 7
}

# identity_device [OPTION...]: set up the device
# shellcheck disable=SC2120 # the programs pass some
identity_device()
{
	ipsi_do device ip link add ipsec0 type ipsec-ipip \
		local "${IDENTITY_LOCAL[$OUTER]}" \
		remote "${IDENTITY_REMOTE[$OUTER]}" if_id 7 "$@"
	identity_device_state
	ipsi_do device ip link set ipsec0 up
	ipsi_do device ip route add "${IDENTITY_BEHIND[$INNER]}" dev ipsec0
}

# identity_python MODE [OPTION...]: run identity.py
identity_python()
{
	local mode=$1
	shift

	lab=${lab:?} tunnel=${tunnel:?} device=${device:?} \
		python3 "$IPSI_LIB/identity.py" \
		"$mode" "$SA_JSON" "$@"
	case $? in
	0) ;;
	4) ipsi_skip "a module of Python is not installed" ;;
	*) ipsi_fail "$mode ${SA[*]}" ;;
	esac
}

# identity_is_kept SA MTU [OPTION...]: check that both paths send the same bytes
# shellcheck disable=SC2119 # there are none to pass on
identity_is_kept()
{
	identity_gateways "$1"
	identity_tunnel
	identity_device
	# 1500 minus outer header, SPI and sequence number, IV, trailer, ICV
	identity_mtu "$2"
	shift 2
	identity_python identity "$@"
}

# identity_mtu MTU: wait for the MTU, which follows the SA with a delay
identity_mtu()
{
	# shellcheck disable=SC2317 # called by ipsi_wait
	mtu_is()
	{
		[ "$(ipsi_get device mtu)" = "$1" ]
	}
	ipsi_wait "MTU $1" mtu_is "$1"
}
