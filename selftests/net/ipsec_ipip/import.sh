#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "ipsec-ipip import" takes the ipsec.conf of either host of the original
# experiment, and "export" writes the peer's half. The left host runs the exported
# "ip xfrm" commands and talks to the imported link. An exported file that is
# imported is the same again. A failure means that an operator copies keys by hand.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

DEV=$IPSI_DEV
LEFT=${IPSI_OUTER[left]} RIGHT=${IPSI_OUTER[right]}
IN=${IPSI_INNER[left]} OUT=${IPSI_INNER[right]}

# The files of the experiment, with the addresses filled in.
left_conf()
{
	cat <<-END
		flow esp from $IN to $OUT local $LEFT peer $RIGHT
		esp tunnel from $LEFT to $RIGHT spi 0xdeadbeef:0xfeedbeef \\
		        authkey ${IPSI_AUTH_KEY[left]}:${IPSI_AUTH_KEY[right]} \\
		        enckey ${IPSI_ENC_KEY[left]}:${IPSI_ENC_KEY[right]}
	END
}

right_conf()
{
	cat <<-END
		flow esp proto ipencap from $RIGHT to $LEFT
		esp transport from $RIGHT to $LEFT spi:0xfeedbeef:0xdeadbeef \\
		        authkey ${IPSI_AUTH_KEY[right]}:${IPSI_AUTH_KEY[left]} \\
		        enckey ${IPSI_ENC_KEY[right]}:${IPSI_ENC_KEY[left]}
	END
}

# import HOST FILE NAME: import FILE into $IPSI_TMP/NAME.conf
import()
{
	ipsi_do "$1" ipsec-ipip -q import "$2" --dir "$IPSI_TMP" --name "$3"
	echo "$3.conf:"
	sed 's/0x[0-9a-f]\{16,\}/(key)/' "$IPSI_TMP/$3.conf"
}

# apply_sa HOST WORD...: add an SA, if there are words
apply_sa()
{
	[ "$#" = 1 ] || ipsi_do "$1" ipsec-ipip -q sa add "$DEV" "${@:2}"
}

# apply HOST NAME: add the SAs, addresses and routes of $IPSI_TMP/NAME.conf to the
# device of HOST
apply()
{
	local host=$1 key value sa=()

	while IFS= read -r line; do
		key=${line%% = *} value=${line#* = }
		case $line in
		"[SA]") apply_sa "$host" "${sa[@]}"; sa=() ;;
		"Direction = "*) sa=("$value") ;;
		"SPI = "* | "Proto = "* | "Enc = "* | "AEAD = "*)
			# shellcheck disable=SC2206 # words, without blanks
			sa+=("${key,,}" ${value//\"\"/0x}) ;;
		"AuthTrunc = "*)
			# shellcheck disable=SC2206 # words, without blanks
			sa+=(auth-trunc $value) ;;
		"ReplayWindow = "*) sa+=(replay-window "$value") ;;
		"EncapPort = "*)
			ipsi_do "$host" ip link set "$DEV" type ipsec-ipip \
				encap-port "$value" ;;
		"Encap = "*)
			# shellcheck disable=SC2206 # words, without blanks
			sa+=(encap $value) ;;
		"ESN = yes") sa+=(esn) ;;
		"Address = "*)
			ipsi_do "$host" ip address replace "$value" dev "$DEV" ;;
		"Route = "*)
			ipsi_do "$host" ip route replace "$value" dev "$DEV" ;;
		esac
	done < "$IPSI_TMP/$2.conf"
	apply_sa "$host" "${sa[@]}"
}

# export_left FORMAT: export the peer's half of the right host's device
export_left()
{
	echo "right: ipsec-ipip export $DEV --to $1"
	ipsi_try right ipsec-ipip export "$DEV" --to "$1" "${@:2}" \
		> "$IPSI_TMP/left.$1" || ipsi_fail "no export"
	sed 's/0x[0-9a-f]\{16,\}/(key)/g' "$IPSI_TMP/left.$1"
}

bare_device()
{
	ipsi_do "$1" ip link add "$DEV" up type ipsec-ipip \
		local "${IPSI_OUTER[$1]}" remote "${IPSI_OUTER[${IPSI_PEER[$1]}]}"
}

# pings: the left host runs the exported commands; ping both ways
pings()
{
	local wire=$IPSI_TMP/wire.pcap lines spi

	ipsi_need tcpdump
	export_left ip-xfrm "$@"
	ipsi_do left bash -e "$IPSI_TMP/left.ip-xfrm"
	ipsi_do left ip address add "$IN/32" dev lo
	ipsi_do left ip route add "$OUT" via "$RIGHT" src "$IN"
	ipsi_capture_start right "$wire"
	ipsi_do left ping -n -c 1 -W 10 -I "$IN" "$OUT"
	ipsi_do right ping -n -c 1 -W 10 "$IN"
	ipsi_capture_stop
	lines=$(tcpdump -nn -r "$wire" ip 2> /dev/null)
	echo "$lines"
	for spi in "$LEFT > $RIGHT: ESP(spi=0xdeadbeef" \
		"$RIGHT > $LEFT: ESP(spi=0xfeedbeef"; do
		ipsi_is "$(grep -c "$spi,.*length 136" <<< "$lines")" 2 "$spi"
	done
	ipsi_wire_is_clean "$wire"
}

right_file()
{
	ipsi_topology
	bare_device right
	right_conf > "$IPSI_TMP/ipsec.conf"
	import right "$IPSI_TMP/ipsec.conf" seed
	apply right seed
	ipsi_do right ip address add "$OUT" peer "$IN" dev "$DEV"
	pings
}

# The file of the left host is mirrored.
left_file()
{
	ipsi_topology
	bare_device right
	left_conf > "$IPSI_TMP/ipsec.conf"
	import right "$IPSI_TMP/ipsec.conf" seed
	apply right seed
	ipsi_is "$(stat -c %a "$IPSI_TMP"/seed* | sort -u)" 600 "modes"
	ipsi_is "$(grep -cE '[0-9a-f]{32}' "$IPSI_TMP/seed.conf")" 0 \
		"keys in the configuration"
	pings --gateway "$IN"
	export_left ip-xfrm --gateway 192.168.100.0/24
	ipsi_has "$(cat "$IPSI_TMP/left.ip-xfrm")" \
		"ip xfrm policy add dir fwd src $OUT/32 dst 192.168.100.0/24" \
		"policies of a gateway"
}

# The peer has ipsec-ipip too.
peer_with_a_device()
{
	ipsi_topology
	bare_device right
	bare_device left
	left_conf > "$IPSI_TMP/ipsec.conf"
	import right "$IPSI_TMP/ipsec.conf" seed
	apply right seed
	export_left self --gateway "$IN"
	mv "$IPSI_TMP/left.self" "$IPSI_TMP/self.conf"
	apply left self
	ipsi_do left ping -n -c 1 -W 10 "$OUT"
}

# again FORMAT WORD...: SAs with these words are the same after an export and an
# import
again()
{
	local format=$1
	shift

	ipsi_do right ipsec-ipip sa flush "$DEV"
	ipsi_do right ipsec-ipip -q sa add "$DEV" out spi 0x1001 "$@"
	ipsi_do right ipsec-ipip -q sa add "$DEV" in spi 0x1002 "$@" \
		"${IN_WORDS[@]}"
	export_left "$format" --gateway "$IN"
	cp "$IPSI_TMP/left.$format" "$IPSI_TMP/first"
	rm -f "$IPSI_TMP"/again*
	import right "$IPSI_TMP/first" again
	ipsi_do right ipsec-ipip sa flush "$DEV"
	ipsi_do right ip address flush dev "$DEV"
	apply right again
	export_left "$format" --gateway "$IN"
	diff "$IPSI_TMP/first" "$IPSI_TMP/left.$format" ||
		ipsi_fail "$format: $*"
}

round_trip()
{
	local aes=${IPSI_ENC_KEY[left]} sha=${IPSI_AUTH_KEY[left]}
	local aes256=${IPSI_AUTH_KEY[right]} gcm=${IPSI_ENC_KEY[left]}01020304
	local sha1=(auth 'hmac(sha1)' "${IPSI_ENC_KEY[right]}01020304")
	local format IN_WORDS=()

	ipsi_topology
	bare_device right
	ipsi_do right ip address add "$OUT" dev "$DEV"
	for format in ip-xfrm openbsd; do
		again "$format" enc 'cbc(aes)' "$aes" auth 'hmac(sha256)' "$sha"
		again "$format" enc 'cbc(aes)' "$aes256" "${sha1[@]}"
		again "$format" enc 'ecb(cipher_null)' '' "${sha1[@]}"
		again "$format" proto ah auth 'hmac(sha256)' "$sha"
		again "$format" enc 'cbc(aes)' "$aes" \
			auth 'hmac(sha512)' "$sha${aes256#0x}"
	done
	again ip-xfrm enc 'cbc(aes)' "$aes" auth-trunc 'hmac(sha256)' "$sha" 96
	again ip-xfrm aead 'rfc4106(gcm(aes))' "$gcm" 128
	again ip-xfrm aead 'rfc4106(gcm(aes))' "$gcm" 64
	IN_WORDS=(replay-window 64)
	again ip-xfrm enc 'cbc(aes)' "$aes" auth 'hmac(sha256)' "$sha"
	again ip-xfrm enc 'cbc(aes)' "$aes" auth 'hmac(sha256)' "$sha" esn
}

# ESP in UDP: each end needs the port on which it receives.
natt()
{
	local word

	ipsi_topology
	bare_device right
	for word in "out 0x1001 4500 4501" "in 0x1002 4501 4500"; do
		# shellcheck disable=SC2086 # words
		set -- $word
		ipsi_do right ipsec-ipip -q sa add "$DEV" "$1" spi "$2" \
			enc 'cbc(aes)' "${IPSI_ENC_KEY[left]}" \
			auth 'hmac(sha256)' "${IPSI_AUTH_KEY[left]}" \
			encap espinudp "$3" "$4"
	done
	export_left self --net "$OUT" --gateway "$IN"
	ipsi_has "$(cat "$IPSI_TMP/left.self")" "EncapPort = 4501" \
		"file of the peer"
	export_left ip-xfrm --net "$OUT" --gateway "$IN"
	ipsi_has "$(cat "$IPSI_TMP/left.ip-xfrm")" "UDP on port 4501" \
		"commands for the peer"
	import left "$IPSI_TMP/left.ip-xfrm" natt
	ipsi_has "$(cat "$IPSI_TMP/natt.conf")" "EncapPort = 4501" "import"
	bare_device left
	apply left natt
	ipsi_do right ip address add "$OUT" peer "$IN" dev "$DEV"
	ipsi_do right ip link set "$DEV" type ipsec-ipip encap-port 4500
	ipsi_do left ping -n -c 1 -W 10 "$OUT"
}

# An IPv6 address has many forms.
ipv6_forms()
{
	cat > "$IPSI_TMP/ipsec.conf" <<-END
		flow esp from fd01::1 to fd02:0::0:1/128 local fd00::1 peer fd00::2
		flow esp from fd01:0::1 to FD02::1 local fd00::1 peer fd00::2
		esp tunnel from fd00:0:0::1 to FD00::2 spi 0x1001:0x1002 \
		        authkey ${IPSI_AUTH_KEY[left]}:${IPSI_AUTH_KEY[right]} \
		        enckey ${IPSI_ENC_KEY[left]}:${IPSI_ENC_KEY[right]}
	END
	ipsi_families 6 6
	ipsi_topology
	import left "$IPSI_TMP/ipsec.conf" v6
	ipsi_is "$(grep -E '^(Local|Remote|Address|Route|Direction)' \
		"$IPSI_TMP/v6.conf")" "Local = fd00::1
Remote = fd00::2
Address = fd01::1/128
Route = fd02::1/128
Direction = out
Direction = in" "lines of the file"
}

refusals()
{
	ipsi_topology
	left_conf > "$IPSI_TMP/ipsec.conf"
	ipsi_must_fail "a path without blanks expected" right \
		ipsec-ipip import "$IPSI_TMP/ipsec.conf" --dir "$IPSI_TMP/a b"
	[ ! -e "$IPSI_TMP/a b" ] || ipsi_fail "the folder was made"
	bare_device right
	ipsi_must_fail "has no valid outbound SA: ipsec-ipip sa show $DEV" \
		right ipsec-ipip export "$DEV" --to self
	ipsi_device_sa right out
	ipsi_device_sa right in
	ipsi_must_fail "$DEV has no address: add one, or --net NET" \
		right ipsec-ipip export "$DEV" --to self
	ipsi_must_fail "the peer is not known: add --gateway NET" \
		right ipsec-ipip export "$DEV" --to self --net "$OUT"
	ipsi_must_fail "not permitted without CAP_NET_ADMIN" right \
		setpriv --reuid 65534 --clear-groups \
		ipsec-ipip export "$DEV" --to self
	ipsi_do right ipsec-ipip sa flush "$DEV"
	ipsi_do right ipsec-ipip -q sa add "$DEV" out spi 0x1001 \
		aead 'rfc4106(gcm(aes))' "${IPSI_ENC_KEY[left]}01020304" 128
	ipsi_device_sa right in
	ipsi_must_fail "has no manual keys for rfc4106(gcm(aes))" right \
		ipsec-ipip export "$DEV" --to openbsd --net "$OUT" \
		--gateway "$IN"
}

ipsi_run right_file left_file peer_with_a_device round_trip natt ipv6_forms refusals
