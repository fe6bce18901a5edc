#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh PROGRAM: check the part of ipsec-ipip that does not talk to the kernel:
# it refuses a bad command line with one line that says why and exit code 2, and
# reads keys. Needs no kernel module; without it, a good command line ends with
# exit code 1.
set -u

program=$1
failed=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

fail()
{
	echo "FAIL: $*" >&2
	failed=1
}

# expect STATUS MESSAGE WORD...: standard error must be MESSAGE, after the name of
# the program; "*" at its end matches the rest
expect()
{
	local status=$1 message=$2 output got
	shift 2
	output=$("$program" "$@" 2>&1 >/dev/null)
	got=$?
	[ "$got" = "$status" ] ||
		fail "$*: exit code $got instead of $status"
	# shellcheck disable=SC2254 # the message is a pattern
	case $output in
	"ipsec-ipip: "$message) ;;
	*) fail "$*: \"$output\" instead of \"$message\"" ;;
	esac
}

sa=(sa add ipsec0 out spi 0x100)
good=(enc 'ecb(cipher_null)' "")

usage_errors()
{
	expect 2 'unknown command "bogus", try --help' bogus
	expect 2 'unknown command "bogus", try --help' sa bogus
	expect 2 'unknown option "-x", try --help' -x
	expect 2 'sa: add, del, show or activate expected' sa
	expect 2 'show: unknown word "b"' show a b
	expect 2 'show: "0123456789abcdef" is not a device name*' \
		show 0123456789abcdef
	expect 2 'sa add: DEV and {in|out} expected' sa add ipsec0
	expect 2 'sa add: "up" is neither in nor out' sa add ipsec0 up
	expect 2 'sa add: spi SPI expected' sa add ipsec0 in
	expect 2 'sa add: spi: "" is not a number' sa add ipsec0 in spi ''
	expect 2 'sa add: spi: "0x" is not a number' sa add ipsec0 in spi 0x
	expect 2 'sa add: spi: "1g" is not a number' sa add ipsec0 in spi 1g
	expect 2 'sa add: spi: 4294967296 is more than 4294967295' \
		sa add ipsec0 in spi 4294967296
	expect 2 'sa add: spi: given twice' "${sa[@]}" spi 0x101
	expect 2 'sa add: unknown word "bogus"' "${sa[@]}" bogus
	expect 2 'sa add: aead, enc, auth or auth-trunc expected' "${sa[@]}"
	expect 2 'sa add: enc: 2 arguments expected, 1 given' "${sa[@]}" enc a
	expect 2 'sa add: aead excludes enc*' \
		"${sa[@]}" "${good[@]}" aead a 0x00 128
	expect 2 'sa add: auth-trunc: given twice' \
		"${sa[@]}" auth a 0x00 auth-trunc a 0x00 96
	expect 2 'sa add: mode: "x" is neither*' "${sa[@]}" mode x
	expect 2 'sa add: proto: "17" is neither*' "${sa[@]}" proto 17
	expect 2 'sa add: flag: "nopmtudisc" is not esn*' \
		"${sa[@]}" flag nopmtudisc
	expect 2 'sa add: esn: given twice' "${sa[@]}" flag esn esn
	expect 2 'sa add: limit: "bytes" is not*' "${sa[@]}" limit bytes 1
	expect 2 'sa add: limit byte-soft: given twice' \
		"${sa[@]}" limit byte-soft 1 limit byte-hard 2 limit byte-soft 3
	expect 2 'sa add: seq: 18446744073709551616 is more*' \
		"${sa[@]}" seq 18446744073709551616
	expect 2 'sa add: encap: "udp" is not*' "${sa[@]}" encap udp 1 2
	expect 2 'sa add: encap DPORT: 65536 is more*' \
		"${sa[@]}" encap espinudp 1 65536
	expect 2 'sa add: offload: "all" is neither*' \
		"${sa[@]}" offload all dev lo
	expect 2 'sa add: offload: dev expected instead of "lo"' \
		"${sa[@]}" offload crypto lo lo
	expect 1 'sa add: offload: none: No such device' \
		"${sa[@]}" "${good[@]}" offload crypto dev none
	expect 2 'sa del: unknown word "enc"' sa del ipsec0 in spi 256 enc a ''
	expect 2 'sa show: spi SPI expected' sa show ipsec0 in
	expect 2 'sa activate: DEV and {spi SPI|newest} expected' \
		sa activate ipsec0
	expect 2 'sa activate: unknown word "x"' sa activate ipsec0 newest x
	expect 2 'rekey: DEV and {in|out} expected' rekey ipsec0
	expect 2 'rekey: spi SPI expected' rekey ipsec0 in
	expect 2 'rekey: aead, enc, auth or auth-trunc expected' \
		rekey ipsec0 out spi 0x100
	expect 2 'monitor: unknown word "x"' monitor x
	expect 2 'check: unknown word "x"' check ipsec0 x
	expect 2 'check: "0123456789abcdef" is not a device name*' \
		check 0123456789abcdef
}

# key_file MODE TEXT: make $dir/key
key_file()
{
	(umask 077; printf '%b' "$2" >"$dir/key")
	chmod "$1" "$dir/key"
}

# A good key is accepted, so that the error is about the word after it.
keys()
{
	local hex128
	local wrong='sa add: unknown word "x"'
	hex128=$(printf '%0256d' 0)

	expect 2 "$wrong" "${sa[@]}" enc a "" x
	expect 2 "$wrong" "${sa[@]}" enc a 0x x
	expect 2 "$wrong" "${sa[@]}" enc a 0x00ffAA x
	expect 2 "$wrong" "${sa[@]}" enc a "0x$hex128" x
	expect 2 'sa add: enc-key: key is too long' \
		"${sa[@]}" enc a "0x${hex128}00"
	expect 2 'sa add: enc-key: key must be 0xHEX*' "${sa[@]}" enc a 00ff
	expect 2 'sa add: enc-key: key has an odd number*' \
		"${sa[@]}" enc a 0x0ff
	expect 2 'sa add: auth-key: key is not hexadecimal' \
		"${sa[@]}" auth a 0x0g
	expect 1 "sa add: enc-key: $dir: Is a directory" \
		"${sa[@]}" enc a "file:$dir"
	expect 1 "sa add: enc-key: $dir/none: No such file*" \
		"${sa[@]}" enc a "file:$dir/none"
	key_file 600 '0x00ff \t\r\n\n'
	expect 2 "$wrong" "${sa[@]}" enc a "file:$dir/key" x
	key_file 600 '00ff'
	expect 2 "$wrong" "${sa[@]}" enc a "file:$dir/key" x
	key_file 600 "$hex128\n"
	expect 2 "$wrong" "${sa[@]}" enc a "file:$dir/key" x
	key_file 600 "${hex128}00\n"
	expect 1 "sa add: enc-key: $dir/key: key is too long" \
		"${sa[@]}" enc a "file:$dir/key"
	key_file 600 '00\nff\n'
	expect 1 "sa add: enc-key: $dir/key: key is not hexadecimal" \
		"${sa[@]}" enc a "file:$dir/key"
	key_file 600 ''
	expect 1 "sa add: enc-key: $dir/key: key expected, but there is no input" \
		"${sa[@]}" enc a "file:$dir/key"
	key_file 644 '00ff\n'
	expect 2 "warning: sa add: enc-key: $dir/key: key is readable by*" \
		"${sa[@]}" enc a "file:$dir/key" x
	expect 2 "$wrong" -q "${sa[@]}" enc a "file:$dir/key" x
	printf '0x00ff\n00ff' |
		expect 2 "$wrong" "${sa[@]}" enc a - auth b - x
	printf '0x00ff\n' | expect 1 'sa add: auth-key: standard input: key exp*' \
		"${sa[@]}" enc a - auth b - x
}

# Help, version, and a full disk.
others()
{
	"$program" --help 2>&1 | grep -q '^Usage: ipsec-ipip' ||
		fail "--help shows no help"
	"$program" -V 2>&1 | grep -q '^ipsec-ipip ' ||
		fail "-V shows no version"
	"$program" -V >/dev/full 2>/dev/null &&
		fail "exit code 0 although the output could not be written"
}

usage_errors
keys
others
[ "$failed" = 0 ] && echo "ipsec-ipip: the command line is parsed as expected"
exit "$failed"
