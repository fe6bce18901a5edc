#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The SAs of a device: added, shown, pinned and deleted by ipsec-ipip, which
# uses the netlink family, and by "ip xfrm", which does not know the device.
# Both see the same SAs; insecure SAs are refused with the kernel's reason and
# change nothing; keys are shown only to permitted users. A failure means that
# an SA is not as requested, is used when it must not be, or that its keys leak.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
shopt -s extglob

# Counters must not change on their own.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1
DEV=$IPSI_DEV
GCM=0x000102030405060708090a0b0c0d0e0f10111213
CHACHA=0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223
SHA=0x202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f
AES=0x404142434445464748494a4b4c4d4e4f

# sa_add {in|out} SPI OPTION...: add an SA
sa_add()
{
	local dir=$1 spi=$2
	shift 2

	ipsi_do left ipsec-ipip -q sa add "$DEV" "$dir" spi "$spi" "$@"
}

# sa_add_any {in|out} SPI OPTION...: the same with default algorithms
sa_add_any()
{
	sa_add "$@" aead 'rfc4106(gcm(aes))' "$GCM" 128
}

# sa_list: print the SAs of the device as "out:0x00001001*", newest first; *
# marks the SA in use, ! the pinned one
sa_list()
{
	ipsi_try left ipsec-ipip sa show | sed -n \
		's/^ipsec0 \([a-z]*\) spi 0x0*\([0-9a-f]*\) [^(]*/\1:\2/
		s/(active)/*/; s/(pinned)/!/; s/(dying)/+/; s/ //g
		/^\(in\|out\):/p' | tr '\n' ' '
}

# expect_list NAME LIST: check this list
expect_list()
{
	ipsi_is "$(sa_list)" "$2${2:+ }" "$1"
}

# sa_dump: set STATE to the visible state of the SAs and of the device, without
# the MTU, which changes with a delay
sa_dump()
{
	STATE=$(ipsi_try left ip xfrm state
		ipsi_try left ipsec-ipip -j show)
	STATE=${STATE//\"@(tx_protocol|tx_no_sa|mtu|carrier)\":+([0-9])/}
}

# xfrm_has SPI WORDS: check that "ip -s xfrm state" in $XFRM has an SA with this
# SPI and these words
xfrm_has()
{
	local sa

	sa=$(awk -v spi="spi $1" '
		/^src / { if (hit) exit; text = "" }
		{ text = text " " $0; hit = hit || index($0, spi) }
		END { if (hit) { gsub(/[ \t]+/, " ", text); print text } }' \
		<<< "$XFRM")
	ipsi_has "$sa" "$2" "SA $1 in ip xfrm state"
}

# Every kind of algorithm, in both directions: SAs are shown as they were added,
# by us and by "ip xfrm", and they can be deleted.
algorithms()
{
	local spi=4096 dir shown expected=

	ipsi_need jq
	ipsi_topology
	ipsi_device left

	# expect FILTER WORDS ALGORITHM...: add an SA in each direction, and
	# check the JSON for FILTER and the output of ip for WORDS
	expect()
	{
		local json=$1 words=$2
		shift 2

		for dir in in out; do
			((++spi))
			sa_add "$dir" "$spi" "$@"
			expected+="{\"spi\":$spi,\"direction\":\"$dir\",$json} "
			WORDS[spi]="$words if_id 0x7"
		done
	}
	local -a WORDS
	expect "\"proto\":\"esp\",\"icv_bits\":128,\"aead_name\":\"rfc4106(gcm(aes))\",\"aead_key\":\"$GCM\"" \
		"aead rfc4106(gcm(aes)) $GCM 128 anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000" \
		aead 'rfc4106(gcm(aes))' "$GCM" 128
	expect "\"proto\":\"esp\",\"icv_bits\":128,\"aead_name\":\"rfc7539esp(chacha20,poly1305)\",\"aead_key\":\"$CHACHA\"" \
		"aead rfc7539esp(chacha20,poly1305) $CHACHA 128 anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000" \
		aead 'rfc7539esp(chacha20,poly1305)' "$CHACHA" 128
	expect "\"proto\":\"esp\",\"icv_bits\":128,\"enc_name\":\"cbc(aes)\",\"enc_key\":\"$AES\",\"auth_name\":\"hmac(sha256)\",\"auth_key\":\"$SHA\"" \
		"auth-trunc hmac(sha256) $SHA 128 enc cbc(aes) $AES anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000" \
		enc 'cbc(aes)' "$AES" auth 'hmac(sha256)' "$SHA"
	expect "\"proto\":\"esp\",\"icv_bits\":96,\"enc_name\":\"ecb(cipher_null)\",\"auth_name\":\"hmac(sha1)\",\"auth_key\":\"$SHA\"" \
		"auth-trunc hmac(sha1) $SHA 96 enc ecb(cipher_null) anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000" \
		enc 'ecb(cipher_null)' '' auth-trunc 'hmac(sha1)' "$SHA" 96
	expect "\"proto\":\"ah\",\"icv_bits\":256,\"auth_name\":\"hmac(sha512)\",\"auth_key\":\"$SHA\"" \
		"auth-trunc hmac(sha512) $SHA 256 anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000" \
		proto ah auth 'hmac(sha512)' "$SHA"

	shown=$(ipsi_try left ipsec-ipip -j sa show "$DEV" keys | jq -cS \
		'sort_by(.spi)[] | {spi, direction, proto, icv_bits, aead_name,
		 aead_key, enc_name, enc_key, auth_name, auth_key} |
		 del(.[] | nulls)')
	ipsi_is "$shown" "$(jq -cS . <<< "$expected")" "SAs"
	ipsi_is "$(ipsi_try left ipsec-ipip -j show | jq -c \
		'.[0] | [.sa_in, .sa_out, .active_spi, .active_proto]')" \
		"[5,5,$spi,\"ah\"]" "device"

	XFRM=$(ipsi_try left ip -d xfrm state)
	for spi in "${!WORDS[@]}"; do
		xfrm_has "$(printf '0x%08x' "$spi")" "mode transport"
		xfrm_has "$(printf '0x%08x' "$spi")" "${WORDS[spi]}"
	done

	for spi in "${!WORDS[@]}"; do
		dir=in
		((spi % 2)) || dir=out
		if ((spi < 4105)); then
			ipsi_do left ipsec-ipip sa del "$DEV" "$dir" spi "$spi"
		else
			ipsi_do left ipsec-ipip sa del "$DEV" "$dir" spi "$spi" \
				proto ah
		fi
	done
	ipsi_is "$(ipsi_try left ip xfrm state)" "" "SAs in ip xfrm state"
	ipsi_is "$(ipsi_try left ipsec-ipip sa show)" "" "SAs"
}

# Replay window, sequence numbers, lifetimes and other options reach XFRM.
# R35
options()
{
	ipsi_need jq
	ipsi_topology
	ipsi_device left reqid 9

	sa_add_any in 0x1001 replay-window 32 seq 5 mode tunnel
	sa_add_any in 0x1002 replay-window 4096 reqid 11
	sa_add_any in 0x1003 replay-window 128 esn seq 0x200000003
	sa_add_any out 0x1004 esn seq 0x700000008
	sa_add_any out 0x1005 seq 0xfffffff0 reqid 0
	sa_add_any out 0x1006 limit byte-soft 11 limit byte-hard 12 \
		limit packet-soft 13 limit packet-hard 14 \
		limit time-soft 1500 limit time-hard 1600 \
		limit time-use-soft 1700 limit time-use-hard 1800
	sa_add_any out 0x1007 encap espinudp 4500 4501
	sa_add_any in 0x1008
	XFRM=$(ipsi_try left ip -s xfrm state)

	xfrm_has 0x00001001 "src 10.0.0.2 dst 10.0.0.1 proto esp spi 0x00001001"
	xfrm_has 0x00001001 "reqid 9"
	xfrm_has 0x00001001 "mode tunnel replay-window 32"
	xfrm_has 0x00001001 "anti-replay context: seq 0x5, oseq 0x0,"
	xfrm_has 0x00001002 "reqid 11"
	xfrm_has 0x00001002 "mode transport"
	# no replay window by default: a peer with manual keys may have
	# restarted
	xfrm_has 0x00001008 "mode transport replay-window 0 "
	xfrm_has 0x00001002 "replay_window 4096, bitmap-length 128"
	xfrm_has 0x00001003 "esn"
	xfrm_has 0x00001003 "seq-hi 0x2, seq 0x3, oseq-hi 0x0, oseq 0x0"
	xfrm_has 0x00001003 "replay_window 128,"
	xfrm_has 0x00001004 "src 10.0.0.1 dst 10.0.0.2 proto esp spi 0x00001004"
	xfrm_has 0x00001004 "seq-hi 0x0, seq 0x0, oseq-hi 0x7, oseq 0x8"
	xfrm_has 0x00001005 "reqid 0"
	xfrm_has 0x00001005 "anti-replay context: seq 0x0, oseq 0xfffffff0,"
	xfrm_has 0x00001005 "limit: soft (INF)(bytes), hard (INF)(bytes)"
	xfrm_has 0x00001005 "limit: soft (INF)(packets), hard (INF)(packets)"
	xfrm_has 0x00001005 "expire add: soft 0(sec), hard 0(sec)"
	xfrm_has 0x00001006 "limit: soft 11(bytes), hard 12(bytes)"
	xfrm_has 0x00001006 "limit: soft 13(packets), hard 14(packets)"
	xfrm_has 0x00001006 "expire add: soft 1500(sec), hard 1600(sec)"
	xfrm_has 0x00001006 "expire use: soft 1700(sec), hard 1800(sec)"
	xfrm_has 0x00001007 "encap type espinudp sport 4500 dport 4501"

	# Our command shows them too.
	ipsi_is "$(ipsi_try left ipsec-ipip -j sa show "$DEV" | jq -c \
		'sort_by(.spi)[] | [.reqid, .mode, .esn, .stats.seq,
		 .lifetime, .encap]')" \
'[9,"tunnel",false,5,{},null]
[11,"transport",false,0,{},null]
[9,"transport",true,8589934595,{},null]
[9,"transport",true,30064771080,{},null]
[0,"transport",false,4294967280,{},null]
[9,"transport",false,0,{"soft_bytes":11,"hard_bytes":12,"soft_packets":13,"hard_packets":14,"soft_add_seconds":1500,"hard_add_seconds":1600,"soft_use_seconds":1700,"hard_use_seconds":1800},null]
[9,"transport",false,0,{},{"sport":4500,"dport":4501}]
[9,"transport",false,0,{},null]' "options"
}

# xfrm_add SRC DST OPTION...: add an SA with "ip xfrm"
xfrm_add()
{
	local src=$1 dst=$2
	shift 2

	ipsi_do left ip xfrm state add src "$src" dst "$dst" "$@"
}

# SAs from "ip xfrm" join the device by if_id and endpoints; others do not.
# R6
made_by_xfrm()
{
	local aead=(aead 'rfc4106(gcm(aes))' "$GCM" 128)

	ipsi_need jq
	ipsi_topology
	# before the device exists
	xfrm_add 10.0.0.1 10.0.0.2 proto esp spi 0x1000 mode transport if_id 7 \
		reqid 41 "${aead[@]}"
	xfrm_add 10.0.0.1 10.0.0.2 proto esp spi 0x1001 mode transport if_id 7 \
		reqid 42 "${aead[@]}"
	ipsi_device left
	expect_list "SAs from before" "out:1001* out:1000"
	ipsi_do left ip xfrm state delete src 10.0.0.1 dst 10.0.0.2 proto esp \
		spi 0x1000

	xfrm_add 10.0.0.2 10.0.0.1 proto esp spi 0x1002 mode transport if_id 7 \
		"${aead[@]}"
	xfrm_add 10.0.0.2 10.0.0.1 proto esp spi 0x1003 mode tunnel if_id 7 \
		reqid 43 "${aead[@]}"
	xfrm_add 10.0.0.1 10.0.0.2 proto ah spi 0x1004 mode transport if_id 7 \
		auth 'hmac(sha256)' "$SHA"
	xfrm_add 10.0.0.1 10.0.0.2 proto esp spi 0x1005 mode transport if_id 7 \
		enc 'cbc(aes)' "$AES" auth 'hmac(sha256)' "$SHA"
	expect_list "SAs by ip xfrm" "out:1005* out:1004 in:1003 in:1002 out:1001"
	ipsi_is "$(ipsi_try left ipsec-ipip -j sa show "$DEV" in spi 0x1003 |
		jq -c '.[0] | [.mode, .reqid]')" '["tunnel",43]' "mode and reqid"

	# An update does not add a second SA.
	ipsi_do left ip xfrm state update src 10.0.0.2 dst 10.0.0.1 proto esp \
		spi 0x1003 mode tunnel if_id 7 reqid 43 "${aead[@]}"
	expect_list "after an update" \
		"out:1005* out:1004 in:1003 in:1002 out:1001"

	# another if_id, or none
	xfrm_add 10.0.0.1 10.0.0.2 proto esp spi 0x2001 mode transport if_id 8 \
		"${aead[@]}"
	xfrm_add 10.0.0.1 10.0.0.2 proto esp spi 0x2002 mode transport \
		"${aead[@]}"
	# other endpoints
	xfrm_add 10.0.0.1 10.0.0.9 proto esp spi 0x2003 mode transport if_id 7 \
		"${aead[@]}"
	xfrm_add 10.0.0.9 10.0.0.2 proto esp spi 0x2004 mode transport if_id 7 \
		"${aead[@]}"
	xfrm_add 10.0.0.9 10.0.0.1 proto esp spi 0x2005 mode transport if_id 7 \
		"${aead[@]}"
	# Tunnel mode would add a second outer header.
	xfrm_add 10.0.0.1 10.0.0.2 proto esp spi 0x2006 mode tunnel if_id 7 \
		"${aead[@]}"
	# no integrity
	xfrm_add 10.0.0.1 10.0.0.2 proto esp spi 0x2007 mode transport if_id 7 \
		enc 'cbc(aes)' "$AES"
	xfrm_add 10.0.0.2 10.0.0.1 proto esp spi 0x2008 mode transport if_id 7 \
		enc 'cbc(aes)' "$AES" auth digest_null ''
	# neither ESP nor AH
	ipsi_try left ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto comp \
		spi 0x2009 mode transport if_id 7 comp deflate 2> /dev/null ||
		echo "(no IPComp here)"
	expect_list "SAs of others" \
		"out:1005* out:1004 in:1003 in:1002 out:1001"
	ipsi_must_fail "the device has no such SA" left \
		ipsec-ipip sa del "$DEV" out spi 0x2001

	# deleted by ip xfrm
	ipsi_do left ip xfrm state delete src 10.0.0.1 dst 10.0.0.2 proto esp \
		spi 0x1005
	expect_list "one less" "out:1004* in:1003 in:1002 out:1001"
	ipsi_do left ip xfrm state flush proto ah
	expect_list "after a flush of AH" "in:1003 in:1002 out:1001*"
	ipsi_do left ip xfrm state flush
	expect_list "after a flush" ""
}

# sent_by SPI: check that packets leave with this SA
sent_by()
{
	local before after

	before=$(packets_of "$1")
	ipsi_send left 2
	after=$(packets_of "$1")
	ipsi_is "$((after - before))" 2 "packets sent with $1"
}

packets_of()
{
	ipsi_json "$(ipsi_try left ipsec-ipip -j sa show "$DEV" out spi "$1")" \
		packets
}

# The newest outbound SA is in use, unless another is pinned.
# R37
activation()
{
	ipsi_topology
	ipsi_device left
	sa_add_any out 0x1001
	sa_add_any in 0x1002
	expect_list "first" "in:1002 out:1001*"
	sent_by 0x1001
	sa_add_any out 0x1003
	expect_list "newest" "out:1003* in:1002 out:1001"
	sent_by 0x1003

	ipsi_do left ipsec-ipip sa activate "$DEV" spi 0x1001
	expect_list "pinned" "out:1003 in:1002 out:1001*!"
	ipsi_is "$(ipsi_get left pinned)" true pinned
	sent_by 0x1001
	sa_add_any out 0x1004
	expect_list "still pinned" "out:1004 out:1003 in:1002 out:1001*!"
	sent_by 0x1001
	ipsi_do left ipsec-ipip sa activate "$DEV" newest
	expect_list "unpinned" "out:1004* out:1003 in:1002 out:1001"
	sent_by 0x1004

	# A pin ends with its SA.
	ipsi_do left ipsec-ipip sa activate "$DEV" spi 0x1003
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1003
	expect_list "pinned one deleted" "out:1004* in:1002 out:1001"
	ipsi_is "$(ipsi_get left pinned)" false pinned
	sa_add_any out 0x1005
	expect_list "newest again" "out:1005* out:1004 in:1002 out:1001"

	# The newest SA is deleted, and the next takes over.
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1005
	expect_list "newest deleted" "out:1004* in:1002 out:1001"
	sent_by 0x1004

	# An SA past its soft limit is used only if there is no other.
	sa_add_any out 0x1006 limit packet-soft 1 limit packet-hard 100
	expect_list "a short one" "out:1006* out:1004 in:1002 out:1001"
	ipsi_send left 2
	expect_list "dying" "out:1006+ out:1004* in:1002 out:1001"
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1004
	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1001
	expect_list "dying, but the last" "out:1006*+ in:1002"

	ipsi_do left ipsec-ipip sa del "$DEV" out spi 0x1006
	expect_list "no SA to send with" "in:1002"
	ipsi_is "$(ipsi_get left active_spi)" null active_spi
}

# refused MESSAGE COMMAND...: check that COMMAND is refused with MESSAGE
refused()
{
	ipsi_must_fail "$1" left "${@:2}"
}

# unchanged: check that refused commands have changed nothing
unchanged()
{
	local before=$STATE

	sa_dump
	ipsi_is "$STATE" "$before" "state after these refusals"
}

# refused_offload_in COMMAND...: the same for offload of an inbound SA. Newer
# kernels refuse it for every inbound SA with an if_id, before they call the
# device.
refused_offload_in()
{
	local output

	output=$(ipsi_try left "$@" 2>&1) && ipsi_fail "accepted: $*"
	case $output in
	*"expected a device that offloads this SA"*) ;;
	*"if_id is not supported in RX path"*) ;;
	*) ipsi_fail "$*: says \"$output\"" ;;
	esac
}

# R43
bad_values()
{
	local aead=(aead 'rfc4106(gcm(aes))' "$GCM" 128)
	local auth=(auth 'hmac(sha256)' "$SHA") enc=(enc 'cbc(aes)' "$AES")
	local out=(ipsec-ipip sa add "$DEV" out spi 0x1003)
	local in=(ipsec-ipip sa add "$DEV" in spi 0x1004)
	local huge

	printf -v huge '0x%0260d' 0
	ipsi_topology
	ipsi_device left
	sa_add_any out 0x1001
	sa_add_any in 0x1002
	sa_dump

	refused "expected 0x100 to 0xffffffff" \
		ipsec-ipip sa add "$DEV" out spi 255 "${aead[@]}"
	refused "expected 0x100 to 0xffffffff" \
		ipsec-ipip sa add "$DEV" in spi 0 "${aead[@]}"
	refused "in use by another SA to the same address" \
		ipsec-ipip sa add "$DEV" out spi 0x1001 "${aead[@]}"
	unchanged

	refused "expected an AEAD of this kernel" \
		"${out[@]}" aead 'rfc4106(gcm(nonsense))' "$GCM" 128
	refused "expected a cipher of this kernel" \
		"${out[@]}" enc 'cbc(nonsense)' "$AES" "${auth[@]}"
	refused "expected an integrity algorithm of this kernel" \
		"${out[@]}" "${enc[@]}" auth 'hmac(nonsense)' "$SHA"
	refused "expected an integrity algorithm of this kernel" \
		"${out[@]}" "${enc[@]}" auth digest_null 0x00
	unchanged

	refused "expected a length of this algorithm" \
		"${out[@]}" aead 'rfc4106(gcm(aes))' "$GCM" 100
	refused "expected a multiple of 8 from 64" \
		"${out[@]}" "${enc[@]}" auth-trunc 'hmac(sha256)' "$SHA" 56
	refused "expected a multiple of 8 from 64" \
		"${out[@]}" "${enc[@]}" auth-trunc 'hmac(sha256)' "$SHA" 100
	refused "expected a multiple of 8 from 64" \
		"${out[@]}" "${enc[@]}" auth-trunc 'hmac(sha256)' "$SHA" 264
	unchanged

	refused "expected a length that the cipher takes" \
		"${out[@]}" aead 'rfc4106(gcm(aes))' "${GCM}00" 128
	refused "expected 1 to 128 bytes" \
		"${out[@]}" aead 'rfc4106(gcm(aes))' '' 128
	refused "expected a key of a length that the cipher takes" \
		"${out[@]}" enc 'cbc(aes)' 0x00112233 "${auth[@]}"
	refused "expected a length that the cipher takes" \
		"${out[@]}" enc 'cbc(aes)' "${AES}00" "${auth[@]}"
	refused "expected a key of a length that the cipher takes" \
		"${out[@]}" enc 'cbc(aes)' '' "${auth[@]}"
	refused "expected 1 to 128 bytes" \
		"${out[@]}" "${enc[@]}" auth 'hmac(sha256)' ''
	refused "key is too long" \
		"${out[@]}" "${enc[@]}" auth 'hmac(sha256)' "$huge"
	unchanged

	refused "an SA without integrity is not accepted" \
		"${out[@]}" "${enc[@]}"
	refused "an SA without integrity is not accepted" \
		"${in[@]}" "${enc[@]}" replay-window 64
	refused "expected a cipher, or aead-name, for ESP" \
		"${out[@]}" "${auth[@]}"
	refused "aead excludes enc" "${out[@]}" "${aead[@]}" "${enc[@]}"
	refused "expected auth-name alone with AH" \
		"${out[@]}" proto ah "${enc[@]}" "${auth[@]}"
	refused "expected auth-name alone with AH" \
		"${out[@]}" proto ah "${aead[@]}"
	unchanged

	refused "expected transport for an outbound SA" \
		"${out[@]}" mode tunnel "${aead[@]}"
	refused "expected transport with a cipher that has no IV" \
		"${in[@]}" mode tunnel enc 'ecb(cipher_null)' '' "${auth[@]}"
	refused "expected a replay-window beside it for an inbound SA" \
		"${in[@]}" esn "${aead[@]}"
	refused "expected none for an outbound SA" \
		"${out[@]}" replay-window 32 "${aead[@]}"
	refused "expected 0 to 4096 packets" \
		"${in[@]}" replay-window 4097 "${aead[@]}"
	refused "expected less than 2^32 without esn" \
		"${out[@]}" seq 0x100000000 "${aead[@]}"
	refused "expected at most 2147483647 seconds" \
		"${out[@]}" limit time-hard 2147483648 "${aead[@]}"
	refused "expected with ESP only" \
		"${out[@]}" proto ah encap espinudp 4500 4500 "${auth[@]}"
	refused "expected sport and dport, 1 to 65535" \
		"${out[@]}" encap espinudp 4500 0 "${aead[@]}"
	unchanged

	refused "expected less than the number of CPUs" \
		"${out[@]}" pcpu 65536 "${aead[@]}"
	refused "expected a device that offloads this SA" \
		"${out[@]}" offload crypto dev "$IPSI_WIRE" "${aead[@]}"
	refused_offload_in "${in[@]}" offload crypto dev "$IPSI_WIRE" \
		"${aead[@]}"
	refused "packet offload is not supported" \
		"${out[@]}" offload packet dev "$IPSI_WIRE" "${aead[@]}"
	unchanged

	refused "the device has no such SA" \
		ipsec-ipip sa del "$DEV" out spi 0x1002
	refused "the device has no such SA" \
		ipsec-ipip sa del "$DEV" out spi 0x1001 proto ah
	refused "the device has no such SA" \
		ipsec-ipip sa show "$DEV" in spi 0x1001
	refused "the device has no such valid outbound SA" \
		ipsec-ipip sa activate "$DEV" spi 0x1002
	refused "no such device" \
		ipsec-ipip sa add nosuch0 out spi 0x1003 "${aead[@]}"
	refused "no such device" ipsec-ipip sa show nosuch0
	refused "expected one of type ipsec-ipip" \
		ipsec-ipip sa add "$IPSI_WIRE" out spi 0x1003 "${aead[@]}"
	refused "expected one of type ipsec-ipip" ipsec-ipip show lo

	unchanged
	# A valid command works.
	sa_add_any out 0x1003
	sa_add_any in 0x1004
}

# Keys can also come from a file or from standard input, and are shown only on
# request.
keys()
{
	local text

	ipsi_topology
	ipsi_device left
	echo "${AES#0x}" > "$IPSI_TMP/key"
	sa_add out 0x1001 enc 'cbc(aes)' "file:$IPSI_TMP/key" \
		auth 'hmac(sha256)' - <<< "$SHA"
	sa_add in 0x1001 enc 'cbc(aes)' - auth 'hmac(sha256)' - \
		<<< "$AES"$'\n'"$SHA"
	ipsi_is "$(ipsi_try left ip xfrm state | grep -c "$AES\|$SHA")" 4 \
		"keys in ip xfrm state"
	ipsi_is "$(ipsi_try left ipsec-ipip sa show keys |
		grep -c "$AES\|$SHA 128")" 4 "keys when asked for"

	text=$(ipsi_try left ipsec-ipip sa show
	       ipsi_try left ipsec-ipip -j sa show
	       ipsi_try left ipsec-ipip sa show "$DEV" out spi 0x1001
	       ipsi_try left ipsec-ipip -j show)
	ipsi_has "$text" 0x00001001 "SAs"
	ipsi_has_not "$text" "${AES#0x}" "key of the cipher, not asked for"
	ipsi_has_not "$text" "${SHA#0x}" "key of the hash, not asked for"
	ipsi_has_not "$text" '_key"' "keys, not asked for"
}

# The SAs belong to the namespace of the underlay: a user without privileges
# there does not see them, even as the owner of the device.
unprivileged()
{
	local needed="CAP_NET_ADMIN required in the namespace of the underlay"
	local jail text

	ipsi_need jq
	ipsi_topology
	ipsi_device left
	sa_add_any out 0x1001
	sa_add_any in 0x1002
	sa_dump
	refused "not permitted without CAP_NET_ADMIN" \
		unshare -U ipsec-ipip sa show
	refused "not permitted without CAP_NET_ADMIN" \
		unshare -U ipsec-ipip sa show "$DEV" out spi 0x1001 keys
	refused "not permitted without CAP_NET_ADMIN" \
		unshare -U ipsec-ipip sa del "$DEV" out spi 0x1001
	refused "not permitted without CAP_NET_ADMIN" \
		unshare -U ipsec-ipip sa activate "$DEV" spi 0x1001
	refused "not permitted without CAP_NET_ADMIN" unshare -U \
		ipsec-ipip sa add "$DEV" out spi 0x1003 \
		aead 'rfc4106(gcm(aes))' "$GCM" 128
	unchanged
	# The state of a device is not a secret.
	ipsi_has "$(ipsi_try left unshare -U ipsec-ipip show)" "$DEV" "devices"

	ipsi_jail left jail
	ipsi_do left ip link set "$DEV" netns "${jail#pid:}"
	text=$(ipsi_try jail ipsec-ipip sa show keys
	       ipsi_try jail ipsec-ipip sa show "$DEV" keys)
	ipsi_is "$text" "" "SAs that are none of his business"
	ipsi_must_fail "$needed" jail ipsec-ipip sa show "$DEV" out spi 0x1001
	ipsi_must_fail "$needed" jail ipsec-ipip sa del "$DEV" out spi 0x1001
	ipsi_must_fail "$needed" jail ipsec-ipip sa activate "$DEV" newest
	ipsi_must_fail "$needed" jail ipsec-ipip sa add "$DEV" out spi 0x1003 \
		aead 'rfc4106(gcm(aes))' "$GCM" 128
	ipsi_is "$(ipsi_try jail ipsec-ipip -j show | jq -c \
		'.[0] | [.sa_in, .sa_out]')" "[1,1]" "sa_in, sa_out"
	# The host's root sees the same device and its SAs.
	ipsi_has "$(nsenter -t "${jail#pid:}" -n ipsec-ipip sa show keys)" \
		"$GCM" "SAs for root"

	# The user may see SAs in the user's own namespace.
	ipsi_do jail ip link set lo up
	ipsi_do jail ip address add 10.1.0.1/24 dev lo
	ipsi_do jail ip link add own type ipsec-ipip local 10.1.0.1 \
		remote 10.2.0.2
	ipsi_do jail ipsec-ipip -q sa add own out spi 0x3001 \
		aead 'rfc4106(gcm(aes))' "$GCM" 128
	text=$(ipsi_try jail ipsec-ipip sa show keys)
	ipsi_has "$text" "own out spi 0x00003001" "his own SA"
	ipsi_has_not "$text" "$DEV" "SAs of others beside his own"
}

ipsi_run algorithms options made_by_xfrm activation bad_values keys unprivileged
