#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# According to RFC 3884, a device looks like tunnel mode on the wire.
# The same inner packets pass through a gateway with tunnel mode and through one
# with a device, with the same addresses, SPI, keys and sequence numbers, and
# their outer packets are compared byte by byte:
#
#                     +--------------------+
#       in-tunnel ----+ tunnel: ip xfrm    +---- out-tunnel
#   lab               +--------------------+                lab
#                     +--------------------+
#       in-device ----+ device: ipsec-ipip +---- out-device
#                     +--------------------+
#
# Both gateways forward packets made by the test, and send some of their own. A
# failure means that a peer or an observer sees another packet than tunnel mode
# would have sent; the bytes of both are printed. Sa.masked() of
# identity.py lists the permitted differences: the ID of outer
# packets without DF, with the checksums over it, and random IVs.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# shellcheck source=lib/identity.sh
source "$IPSI_LIB/identity.sh"

# R4 R39 R52 R55 R61
esp_null_is_equal()
{
	identity_is_kept null 1454 every_tos=1
}

# R4
esp_aes_cbc_is_equal()
{
	identity_is_kept cbc 1438
}

# R4
esp_aes_gcm_is_equal()
{
	identity_is_kept gcm 1446
}

# R4
ah_is_equal()
{
	identity_is_kept ah 1448
}

# Without padding in the header all bytes can be compared, including the ICV.
# R4 R51
ah_align4_is_equal()
{
	identity_is_kept ah4 1452
}

# "df unset" equals a flag of the SA in tunnel mode.
df_unset_is_nopmtudisc()
{
	identity_gateways null
	identity_tunnel flag nopmtudisc
	identity_device df unset
	identity_mtu 1454
	identity_python identity groups=TTL,ECN,ID,ICMP,UDP,TCP,fragments
}

# So does "tos 0".
# R55
tos_0_is_dont_encap_dscp()
{
	identity_gateways null
	identity_tunnel extra-flag dont-encap-dscp
	identity_device tos 0
	identity_mtu 1454
	identity_python identity every_tos=1 groups=TOS,ECN
}

# R54 R55 R56 R57 R58 R59
header_options()
{
	local words

	identity_gateways null
	identity_device ttl 33 tos 0xb8 df set
	identity_mtu 1454
	identity_python options ttl=33 tos=0xb8 df=set
	# The sequence numbers of the SA continue, so use a new SA each time.
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

# R44 R70 R71
too_big_is_treated_alike()
{
	identity_gateways null
	identity_tunnel
	identity_device
	identity_mtu 1454
	identity_python refused
	# Now the packet fits the IP layer's MTU: the device itself must detect
	# that it is too big.
	ipsi_do device ip link set ipsec0 mtu 1500
	identity_python refused hop=later
	identity_python too_big
}

ipsi_run esp_null_is_equal esp_aes_cbc_is_equal esp_aes_gcm_is_equal \
	ah_is_equal ah_align4_is_equal df_unset_is_nopmtudisc \
	tos_0_is_dont_encap_dscp header_options too_big_is_treated_alike
