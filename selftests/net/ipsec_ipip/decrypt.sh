#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scapy and tshark, which share no code with the kernel, decrypt the packets of
# a device and get the original inner packets; sequence numbers start at 1. The
# device receives tunnel-mode packets that scapy encrypts. ESP with AES-CBC and
# HMAC-SHA-256, with AES-GCM, and with the null cipher; AH. A failure means that
# the device works only with Linux peers.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

ENC=0x811ce51cebcaed4280aae9cb2e195f93
AUTH=0x7a5a5832c43395c62aa1c443cfda68f3f8fff89378fdb2df40419df01547a40a
GCM=${ENC}0badcafe

# decrypt_sas {in|out} BASE: add four SAs with SPIs from BASE on, and describe
# them in SAS_JSON. AH omits the padding that only Linux adds.
decrypt_sas()
{
	local dir=$1 base=$2 json src=10.0.0.2 dst=10.0.0.1

	[ "$dir" = out ] || src=10.0.0.1 dst=10.0.0.2
	ipsi_do right ipsec-ipip sa add ipsec0 "$dir" spi $((base + 1)) \
		auth-trunc 'hmac(sha256)' "$AUTH" 128 enc 'cbc(aes)' "$ENC"
	ipsi_do right ipsec-ipip -q sa add ipsec0 "$dir" spi $((base + 2)) \
		aead 'rfc4106(gcm(aes))' "$GCM" 128
	ipsi_do right ipsec-ipip sa add ipsec0 "$dir" spi $((base + 3)) \
		auth-trunc 'hmac(sha256)' "$AUTH" 128 enc 'ecb(cipher_null)' ''
	ipsi_do right ip xfrm state add src $src dst $dst \
		proto ah spi $((base + 4)) mode transport flag align4 \
		auth-trunc 'hmac(sha256)' "$AUTH" 128 if_id "$IPSI_IF_ID"
	json='"%s": [
	{"proto": "esp", "cipher": "cbc", "spi": %d, "key": "%s",
	 "auth_key": "%s"},
	{"proto": "esp", "cipher": "gcm", "spi": %d, "key": "%s"},
	{"proto": "esp", "cipher": "null", "spi": %d, "key": "",
	 "auth_key": "%s"},
	{"proto": "ah", "spi": %d, "auth_key": "%s", "align": 4}]'
	# shellcheck disable=SC2059 # the format is ours
	SAS_JSON+=${SAS_JSON:+, }$(printf "$json" "$dir" \
		$((base + 1)) "$ENC" "$AUTH" $((base + 2)) "$GCM" \
		$((base + 3)) "$AUTH" $((base + 4)) "$AUTH")
}

# decrypt_python scapy|capture [FILE]: run decrypt.py
decrypt_python()
{
	SAS_JSON=
	ipsi_topology
	ipsi_device right
	decrypt_sas out 0x3000
	[ "$1" = capture ] || decrypt_sas in 0x4000
	left=${left:?} right=${right:?} SAS="{$SAS_JSON}" \
		python3 "$IPSI_LIB/decrypt.py" "$@"
	case $? in
	0) ;;
	4) ipsi_skip "a module of Python is not installed" ;;
	*) ipsi_fail "decryption: $1" ;;
	esac
}

# decrypt_uat SPI CIPHER KEY AUTH KEY: print an SA in tshark's format
decrypt_uat()
{
	printf 'uat:esp_sa:"IPv4","10.0.0.2","10.0.0.1","%s",' "$1"
	printf '"%s","%s","%s","%s","32-bit",""' "${@:2}"
}

decrypt_tshark()
{
	local output expected='' spi seq auth='HMAC-SHA-256-128 [RFC4868]'

	output=$(tshark -n -r "$1" -Y esp \
		-o esp.enable_encryption_decode:TRUE \
		-o esp.enable_authentication_check:TRUE \
		-o "$(decrypt_uat 0x00003001 'AES-CBC [RFC3602]' "$ENC" \
			"$auth" "$AUTH")" \
		-o "$(decrypt_uat 0x00003002 \
			'AES-GCM with 16 octet ICV [RFC4106]' "$GCM" NULL '')" \
		-o "$(decrypt_uat 0x00003003 NULL '' "$auth" "$AUTH")" \
		-T fields -E separator=' ' -E occurrence=l -e esp.spi \
		-e esp.sequence -e esp.protocol -e esp.icv_good -e ip.src \
		-e ip.dst -e icmp.type -e icmp.seq 2> /dev/null) ||
		ipsi_fail "tshark cannot read the capture"
	for spi in 0x00003001 0x00003002 0x00003003; do
		for seq in {1..14}; do
			expected+="$spi $seq 0x04 1 192.168.2.1 192.168.1.1 8 "
			expected+="$seq"$'\n'
		done
	done
	echo "tshark:"
	echo "$output"
	ipsi_is "$output" "${expected%$'\n'}" "what tshark decrypts"
}

# R29 R31 R37 R39 R52
esp_and_ah_of_scapy()
{
	ipsi_need python3
	decrypt_python scapy
}

# shellcheck disable=SC2031 # all in the same subshell
# R39
esp_of_tshark()
{
	ipsi_need python3 tshark
	decrypt_python capture "$IPSI_TMP/pcap"
	decrypt_tshark "$IPSI_TMP/pcap"
}

ipsi_run esp_and_ah_of_scapy esp_of_tshark
