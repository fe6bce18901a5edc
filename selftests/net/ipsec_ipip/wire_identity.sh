#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RFC 3884 promises that nobody on the wire can tell a device from tunnel mode.
# Here the same inner packets go through a gateway that has tunnel mode and
# through one that has a device, with the same addresses, SPI, keys and
# sequence numbers, and what leaves is compared byte by byte:
#
#                     +--------------------+
#       in-tunnel ----+ tunnel: ip xfrm    +---- out-tunnel
#   lab               +--------------------+                lab
#                     +--------------------+
#       in-device ----+ device: ipsec-ipip +---- out-device
#                     +--------------------+
#
# Both gateways forward packets made by the test, and send some of their own.
# A failure means that a peer or an observer sees another packet than tunnel
# mode would have sent; the bytes of both are printed. What may differ and why
# is said in Sa.masked() of ipsec_ipip_identity.py: the ID of outer packets
# without DF, with what covers it, and IVs, which are random.

# shellcheck source=ipsec_ipip_lib.sh
source "$(dirname "$0")/ipsec_ipip_lib.sh"

AUTH=0x7a5a5832c43395c62aa1c443cfda68f3f8fff89378fdb2df40419df01547a40a
AES=0x811ce51cebcaed4280aae9cb2e195f93
SALT=0badcafe

# identity_sa ESP_CIPHER|ah|ah4: set SA, as the words of ip, and SA_JSON
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

# identity_gateways SA: everything but the device
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
			address add 10.1.0.1/16 dev in
			address add 10.0.0.1/24 dev eth0
			link set in up
			link set eth0 up
			neighbour add 10.1.0.2 lladdr 02:00:00:00:00:11 dev in
			neighbour add 10.0.0.2 lladdr 02:00:00:00:00:12 dev eth0
		END
		# nothing is sent but by the test
		ipsi_try "$gw" sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv4.icmp_ratelimit=0 \
			net.ipv6.conf.default.disable_ipv6=1
	done
	identity_sa "$1"
}

# identity_tunnel [FLAG...]
identity_tunnel()
{
	ipsi_do tunnel ip xfrm state add src 10.0.0.1 dst 10.0.0.2 \
		"${SA[@]}" mode tunnel "$@"
	ipsi_do tunnel ip xfrm policy add dir out src 0.0.0.0/0 \
		dst 10.2.0.0/16 tmpl src 10.0.0.1 dst 10.0.0.2 \
		"${SA[@]:0:2}" mode tunnel
	ipsi_do tunnel ip route add 10.2.0.0/16 via 10.0.0.2
}

# identity_device [OPTION...]
identity_device()
{
	ipsi_do device ip link add ipsec0 type ipsec-ipip \
		local 10.0.0.1 remote 10.0.0.2 if_id 7 "$@"
	ipsi_do device ip xfrm state add src 10.0.0.1 dst 10.0.0.2 \
		"${SA[@]}" mode transport if_id 7
	ipsi_do device ip link set ipsec0 up
	ipsi_do device ip route add 10.2.0.0/16 dev ipsec0
}

# identity_python MODE [OPTION...]
identity_python()
{
	local mode=$1
	shift

	lab=${lab:?} tunnel=${tunnel:?} device=${device:?} \
		python3 "$IPSI_DIR/ipsec_ipip_identity.py" \
		"$mode" "$SA_JSON" "$@"
	case $? in
	0) ;;
	4) ipsi_skip "a module of Python is not installed" ;;
	*) ipsi_fail "$mode ${SA[*]}" ;;
	esac
}

# identity_is_kept SA MTU [OPTION...]
identity_is_kept()
{
	identity_gateways "$1"
	identity_tunnel
	identity_device
	# 1500 without outer header, SPI and sequence number, IV, trailer, ICV
	identity_mtu "$2"
	shift 2
	identity_python identity "$@"
}

# The MTU follows the SA a moment later.
identity_mtu()
{
	# shellcheck disable=SC2317 # it is called by ipsi_wait
	mtu_is()
	{
		[ "$(ipsi_get device mtu)" = "$1" ]
	}
	ipsi_wait "MTU $1" mtu_is "$1"
}

esp_null_is_equal()
{
	identity_is_kept null 1454 every_tos=1
}

esp_aes_cbc_is_equal()
{
	identity_is_kept cbc 1438
}

esp_aes_gcm_is_equal()
{
	identity_is_kept gcm 1446
}

ah_is_equal()
{
	identity_is_kept ah 1448
}

# Without padding in the header all of it can be compared, ICV and all.
ah_align4_is_equal()
{
	identity_is_kept ah4 1452
}

# "df unset" is what tunnel mode has a flag of the SA for.
df_unset_is_nopmtudisc()
{
	identity_gateways null
	identity_tunnel flag nopmtudisc
	identity_device df unset
	identity_mtu 1454
	identity_python identity groups=TTL,ECN,ID,ICMP,UDP,TCP,fragments
}

# So is "tos 0".
tos_0_is_dont_encap_dscp()
{
	identity_gateways null
	identity_tunnel extra-flag dont-encap-dscp
	identity_device tos 0
	identity_mtu 1454
	identity_python identity every_tos=1 groups=TOS,ECN
}

header_options()
{
	local words

	identity_gateways null
	identity_device ttl 33 tos 0xb8 df set
	identity_mtu 1454
	identity_python options ttl=33 tos=0xb8 df=set
	# The SA goes on with its sequence numbers: take a new one each time.
	for words in "ttl 255 tos 0x20 df unset" \
		     "ttl default tos inherit df inherit"; do
		ipsi_do device ip xfrm state flush
		# shellcheck disable=SC2086 # several words
		ipsi_do device ip link set ipsec0 type ipsec-ipip $words
		ipsi_do device ip xfrm state add src 10.0.0.1 dst 10.0.0.2 \
			"${SA[@]}" mode transport if_id 7
		words=${words/default/64}
		read -ra words <<< "$words"
		identity_python options ttl="${words[1]}" tos="${words[3]}" \
			df="${words[5]}"
	done
}

too_big_is_treated_alike()
{
	identity_gateways null
	identity_tunnel
	identity_device
	identity_mtu 1454
	identity_python refused
	# Now the IP layer finds nothing too big: the device itself must.
	ipsi_do device ip link set ipsec0 mtu 1500
	identity_python refused hop=later
	identity_python too_big
}

ipsi_run esp_null_is_equal esp_aes_cbc_is_equal esp_aes_gcm_is_equal \
	ah_is_equal ah_align4_is_equal df_unset_is_nopmtudisc \
	tos_0_is_dont_encap_dscp header_options too_big_is_treated_alike
