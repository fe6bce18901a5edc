#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh PROGRAM: check the part of ipsec-ipip that does not talk to the kernel:
# it refuses a bad command line with one line that says why and exit code 2, and
# reads keys. Needs no kernel module; without it, a good command line ends with
# exit code 1.
set -u

program=$(realpath "$1")
here=$(realpath "${0%/*}")
completion=$here/completion
manual=$here/../../Documentation/man/ipsec-ipip.8
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
	expect 2 'unknown command "bogus". See ipsec-ipip --help' bogus
	expect 2 'unknown command "shwo": did you mean "show"? See *' shwo
	expect 2 'unknown command "sa bogus". See ipsec-ipip --help' sa bogus
	expect 2 'unknown command "add": did you mean "sa add"?' \
		add ipsec0 in spi 0x100
	expect 2 'unknown command "del": did you mean "sa del"?' delete ipsec0
	expect 2 '"lo" is a device; the command comes first: show lo' lo check
	expect 2 '"lo" is a device; the command comes first: sa show lo' \
		sa lo add
	expect 2 'unknown command "sa dle": did you mean "del"? See *' sa dle
	expect 2 '"s" can be: show, *' s
	expect 2 '"sa a" can be: add, activate' sa a
	expect 2 'unknown option "-x". See ipsec-ipip --help' -x
	expect 2 'sa add: unknown option "-xq". See *' sa add -xq ipsec0
	expect 2 'unknown option "--jsno": did you mean "json"? See *' --jsno
	expect 2 'show: unknown option "-s": counters are always shown, *' show -s
	expect 2 'unknown option "-br": did you mean "--brief"?' -br
	expect 2 'unknown option "-n": use "ip netns exec NAME ipsec-ipip ..."' \
		-n left show
	expect 2 'sa: add, del, flush, show or activate expected' sa
	expect 2 'sa add: DEV and {in|out} expected' sa ad
	expect 2 'sa del: DEV and {in|out} expected' sa delete
	expect 2 'sa flush: DEV expected' sa flush
	expect 2 'sa flush: "up" is neither in nor out' sa flush a up
	expect 2 'sa show: unknown word "x": *' sa list a in x
	expect 2 'show: unknown word "b"' ls a b
	expect 2 'show: unknown word "b"' show a b
	expect 2 'show: "0123456789abcdef" is not a device name*' \
		show 0123456789abcdef
	expect 2 'sa add: DEV and {in|out} expected' sa add ipsec0
	expect 2 'sa add: "up" is neither in nor out: ipsec0 in or ipsec0 out expected' \
		sa add ipsec0 up
	expect 2 'sa add: the device comes first: DEV in expected' \
		sa add in ipsec0 spi 0x100
	expect 2 'sa add: leave "dev" out: DEV and {in|out} expected' \
		sa add dev ipsec0 in spi 0x100
	expect 2 'sa add: spi SPI expected' sa add ipsec0 in
	expect 2 'sa add: spi: "" is not a number: *' sa add ipsec0 in spi ''
	expect 2 'sa add: spi: "0x" is not a number: *' sa add ipsec0 in spi 0x
	expect 2 'sa add: spi: "1g" is not a number: *' sa add ipsec0 in spi 1g
	expect 2 'sa add: spi: "-1" is not a number: 0 to 4294967295 or 0x... expected' \
		sa add ipsec0 in spi -1
	expect 2 'sa add: spi: "deadbee0" is not a number: hexadecimal needs 0x, as in 0xdeadbee0' \
		sa add ipsec0 in spi deadbee0
	expect 2 'sa add: spi: 4294967296 is more than 4294967295' \
		sa add ipsec0 in spi 4294967296
	expect 2 'sa add: spi: 0x100000000 is more than 0xffffffff' \
		sa add ipsec0 in spi 0x100000000
	expect 2 'sa add: unknown word "0x100": did you mean "spi 0x100"?' \
		sa add ipsec0 in 0x100
	expect 2 'sa add: spi: given twice' "${sa[@]}" spi 0x101
	expect 2 'sa add: unknown word "bogus"' "${sa[@]}" bogus
	expect 2 'sa add: unknown word "moed": did you mean "mode"?' \
		"${sa[@]}" moed transport
	expect 2 'sa add: unknown word "src": it is a property of the device, leave it out' \
		"${sa[@]}" src 192.0.2.1
	expect 2 'sa add: aead, enc, auth or auth-trunc expected' "${sa[@]}"
	expect 2 'sa add: enc: NAME KEY expected, KEY missing' "${sa[@]}" enc a
	expect 2 'sa add: aead: NAME KEY ICVBITS expected, KEY ICVBITS missing' \
		"${sa[@]}" aead a
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
	expect 2 'sa del: unknown word "enc": *' sa del ipsec0 in spi 256 enc a ''
	expect 2 'sa show: spi SPI expected' sa show ipsec0 in proto esp
	expect 2 'sa activate: DEV and {spi SPI|newest} expected' \
		sa activate ipsec0
	expect 2 'sa activate: unknown word "x"' sa activate ipsec0 newest x
	expect 2 'sa activate: leave "in" out, only outbound SAs can be active: DEV spi SPI expected' \
		sa activate ipsec0 in spi 0x100
	expect 2 'sa show: unknown word "key": DEV *' \
		sa show ipsec0 key
	expect 2 'rekey: DEV and {in|out} expected' rekey ipsec0
	expect 2 'rekey: spi SPI expected' rekey ipsec0 in
	expect 2 'rekey: aead, enc, auth or auth-trunc expected' \
		rekey ipsec0 out spi 0x100
	expect 2 'monitor: unknown word "x"' monitor ipsec0 x
	expect 2 'monitor: "0123456789abcdef" is not a device name*' \
		monitor 0123456789abcdef
	expect 2 'monitor: --exec: an argument expected' monitor --exec
	expect 2 'monitor: --exec: the path of a program expected' \
		monitor --exec ''
	expect 1 'monitor: --exec: /none: No such file or directory' \
		monitor ipsec0 --exec /none
	expect 1 'monitor: --exec: no-such: No such file or directory' \
		monitor --exec no-such ipsec0
	expect 1 'monitor: --exec: logger -t x: No such file or directory; it gets no arguments, write a script' \
		monitor --exec 'logger -t x'
	expect 1 "monitor: --exec: $dir: Is a directory" monitor --exec "$dir"
	: >"$dir/hook"
	expect 1 "monitor: --exec: $dir/hook: it is not executable: chmod +x *" \
		monitor --exec "$dir/hook"
	expect 2 'check: only monitor takes the option --exec' check --exec x
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

# A key in the place of another word is in no message.
misplaced_keys()
{
	local key=0x000102030405060708090a0b0c0d0e0f

	expect 2 'sa add: unknown word "0x..."' "${sa[@]}" enc a $key $key
	expect 2 'sa add: unknown word "..."' "${sa[@]}" "${key#0x}"
	expect 2 'sa add: unknown word "x0x...y"' "${sa[@]}" "x${key}y"
	expect 2 'sa add: spi: 0x... is more than 0xffffffff' \
		sa add ipsec0 in spi 0x0001020304050607
	expect 2 'unknown command "0x...". See *' $key
	expect 2 'genkey: -a: "..." is not known; *' genkey -a "${key#0x}"
	expect 2 'sa add: seq: 18446744073709551616 is more*' \
		"${sa[@]}" seq 18446744073709551616
}

# A good key is accepted, so that the error is about the word after it.
keys()
{
	local hex128 n
	local wrong='sa add: unknown word "x"'
	hex128=$(printf '%0256d' 0)

	expect 2 "$wrong" "${sa[@]}" enc a "" x
	expect 2 "$wrong" "${sa[@]}" enc a 0x x
	expect 2 "$wrong" "${sa[@]}" enc a 0x00ffAA x
	expect 2 "$wrong" "${sa[@]}" enc a "0x$hex128" x
	expect 2 'sa add: enc-key: key is too long: at most 256 hex digits expected' \
		"${sa[@]}" enc a "0x${hex128}00"
	expect 2 'sa add: enc-key: key must be 0xHEX*' "${sa[@]}" enc a 00ff
	expect 2 'sa add: enc-key: key has an odd number of hex digits: 3' \
		"${sa[@]}" enc a 0x0ff
	expect 2 'sa add: auth-key: key is not hexadecimal: character 4 is not a hex digit' \
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
	expect 1 "sa add: enc-key: $dir/key: key is too long: *" \
		"${sa[@]}" enc a "file:$dir/key"
	key_file 600 "$(printf '%-400s' "$hex128")"
	expect 1 "sa add: enc-key: $dir/key: the line is too long" \
		"${sa[@]}" enc a "file:$dir/key"
	key_file 600 '\xef\xbb\xbf00ff\r\n'
	expect 2 "$wrong" "${sa[@]}" enc a "file:$dir/key" x
	key_file 600 '00\nff\n'
	expect 1 "sa add: enc-key: $dir/key: key is not hexadecimal: character 3 is not a hex digit" \
		"${sa[@]}" enc a "file:$dir/key"
	key_file 600 '\0\0'
	expect 1 "sa add: enc-key: $dir/key: key is not hexadecimal: character 1 *" \
		"${sa[@]}" enc a "file:$dir/key"
	for n in '' '\xef\xbb\xbf\n\n' '\r\n'; do
		key_file 600 "$n"
		expect 1 "sa add: enc-key: $dir/key: a key expected, but the file is empty; ipsec-ipip genkey prints one" \
			"${sa[@]}" enc a "file:$dir/key"
	done
	key_file 644 '00ff\n'
	expect 2 "warning: sa add: enc-key: $dir/key: key is readable by users other than its owner: chmod 600 *" \
		"${sa[@]}" enc a "file:$dir/key" x
	expect 2 "$wrong" -q "${sa[@]}" enc a "file:$dir/key" x
	printf '0x00ff\n00ff' |
		expect 2 "$wrong" "${sa[@]}" enc a - auth b - x
	printf '0x00ff\n' | expect 1 'sa add: auth-key: standard input: a key exp*' \
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

# The help of each command is short, and the manual page has all of its words.
help_and_manual()
{
	local page command word lines keys
	page=$(sed -n '/^.Sh DESCRIPTION/,/^The options are/p' "$manual")

	for command in show 'sa add' 'sa del' 'sa flush' 'sa show' \
		'sa activate' rekey genkey import export monitor check; do
		# shellcheck disable=SC2086 # two words
		lines=$("$program" $command --help) ||
			fail "$command --help: exit code $?"
		[ "$(wc -l <<< "$lines")" -le 20 ] ||
			fail "$command --help: more than 20 lines"
		[[ $lines =~ ^"Usage: ipsec-ipip "(\[-[a-z]+\] )?"$command"[[:space:]] ]] ||
			fail "$command --help: \"$lines\""
		keys=
		[[ $lines != *" KEY "* ]] || keys='KEY is 0xHEX, file:PATH'
		[[ $(grep '^KEY' <<< "$lines") == "$keys"* ]] ||
			fail "$command --help: what KEY is"
		grep -qE "^.It Cm (.* , )?$command( |\$)" <<< "$page" ||
			fail "$command is not in the table of the manual page"
		grep -qE "^.Ss $command( |\$)" "$manual" ||
			fail "$command has no section in the manual page"
	done
	for command in show 'sa add' sa; do
		# shellcheck disable=SC2086 # two words
		[ "$("$program" help $command)" = \
			"$("$program" $command --help)" ] ||
			fail "help $command"
	done
	expect 2 'unknown command "bogus"*' help bogus
	"$program" help --help | grep -q '^Usage: ipsec-ipip' ||
		fail "help --help shows no help"
	for word in $("$program" sa add --help |
			sed -n 's/^  \([a-z][a-z-]*\).*/\1/p'); do
		grep -qE "^.(It )?Cm $word\b" "$manual" ||
			fail "sa add: $word is not in the manual page"
	done
	grep -q '^  -b, --brief ' < <("$program" show --help) ||
		fail "show --help lacks --brief"
	grep -qF 'sa activate DEV {spi SPI [proto {esp|ah}]|newest}' \
		< <("$program" sa activate --help) || fail "sa activate --help"
	for word in '' $("$program" --help | sed -n 's/^  \([a-z]*\).*/\1/p' |
			 sort -u); do
		grep '.\{81\}' < <("$program" help ${word:+"$word"}) &&
			fail "help $word: a line is longer than 80 characters"
	done
	# A newcomer sees the first link on the first screen.
	! command -v mandoc >/dev/null ||
		mandoc -T ascii -O width=80 "$manual" | sed 's/.\x08//g' |
		head -n 36 | grep '^ *ipsec-ipip up ipsec0$' >/dev/null ||
		fail "the manual page does not begin with a first link"
	grep -q '^  offload ' < <("$program" rekey --help) ||
		fail "rekey --help lacks the words of sa add"
}

# completes WORDS EXPECTED...: what bash offers after the line WORDS
completes()
{
	local line=$1 got
	shift
	got=$(cd "$dir" && PATH=${program%/*}:$PATH LINE=$line bash -c '
		source "$0"
		COMP_LINE=$LINE COMP_POINT=${#LINE}
		_ipsec_ipip
		printf "%s\n" "${COMPREPLY[@]}" | xargs -d "\n"' \
		"$completion/ipsec-ipip.bash")
	[ "$got" = "$*" ] || fail "completion of \"$line\": \"$got\""
}

completion()
{
	local c=ipsec-ipip

	: >"$dir/out.enc"
	completes "$c sh" show showconf
	completes "$c rek" rekey
	completes "$c -j mon" monitor
	completes "$c --js" --json
	completes "$c sa " add del flush show activate
	completes "$c sa ac" activate
	completes "$c help rek" rekey
	completes "$c help sa ac" activate
	completes "$c sa add ipsec0 " in out
	completes "$c sa add ipsec0 i" in
	completes "$c sa add ipsec0 in s" spi seq
	completes "$c sa add ipsec0 in spi 256 mo" mode
	completes "$c sa add ipsec0 in spi 256 mode " transport tunnel
	completes "$c sa add ipsec0 in spi 256 mode tu" tunnel
	completes "$c sa add ipsec0 in proto " esp ah
	completes "$c sa add ipsec0 in enc cbc(a" "'cbc(aes)'"
	completes "$c sa add ipsec0 in enc 'cbc(a" "'cbc(aes)'"
	completes "$c sa add ipsec0 in aead rfc4106" "'rfc4106(gcm(aes))'"
	completes "$c sa add ipsec0 in auth hmac(sha25" "'hmac(sha256)'"
	completes "$c sa add ipsec0 in auth-trunc hmac(sha25" "'hmac(sha256)'"
	completes "$c sa add ipsec0 in enc 'cbc(aes)' " file:
	completes "$c sa add ipsec0 in enc 'cbc(aes)' f" file:
	completes "$c sa add ipsec0 in enc 'cbc(aes)' file:o" out.enc
	completes "$c sa add ipsec0 in auth-trunc a file:x 128 esn m" mode
	completes "$c sa add ipsec0 in limit b" byte-soft byte-hard
	completes "$c sa add ipsec0 in limit byte-soft "
	completes "$c sa add ipsec0 in limit byte-soft 7 pc" pcpu
	completes "$c sa add ipsec0 in encap " espinudp
	completes "$c sa add ipsec0 in offload " crypto
	completes "$c sa add ipsec0 in offload crypto " dev
	completes "$c sa add ipsec0 in offload crypto dev l" lo
	completes "$c rekey ipsec0 out of" offload
	completes "$c sa del ipsec0 o" out
	completes "$c sa del ipsec0 out " spi
	completes "$c sa del ipsec0 out spi 256 " proto
	completes "$c sa del ipsec0 out spi 256 proto " esp ah
	completes "$c sa activate ipsec0 " spi newest
	completes "$c sa activate ipsec0 spi 256 " proto
	completes "$c sa activate ipsec0 newest "
	completes "$c sa show k" keys
	completes "$c sa show ipsec0 k" keys
	completes "$c sa show ipsec0 in spi 256 " proto keys
	completes "$c sa show keys " --format
	completes "$c sa show keys --format " wireshark
	completes "$c monitor --ex" --exec
	completes "$c monitor --exec o" out.enc
	completes "$c capture -w o" out.enc
	completes "$c capture -w x ipsec0 " -w -c
	completes "$c sa flush ipsec0 " in out
	completes "$c metrics " --format
	completes "$c genkey -a aes" aes-128 aes-192 aes-256 aesctr
	completes "$c import o" out.enc
	completes "$c strip o" out.enc
	completes "$c import x --na" --name
	completes "$c export ipsec0 --to " ip-xfrm openbsd self swanctl libreswan
	completes "$c metrics --format " prometheus openmetrics
	completes "$c sa bogus "
}

# ip_completes WORDS EXPECTED...: the same for ip(8), whose own completion offers
# "of-ip" here; it is loaded as those of old and new versions of bash-completion are,
# or is there before
ip_completes()
{
	local line=$1 got way
	shift
	for way in __load_completion:_ip _comp_load:_comp_cmd_ip before:other; do
		got=$(PATH=${program%/*}:$PATH LINE=$line WAY=$way bash -c '
			load()
			{
				eval "${WAY#*:}() { COMPREPLY=(of-ip); }"
				complete -F "${WAY#*:}" "$1"
			}
			eval "${WAY%:*}() { load ip; }"
			[ "$WAY" != before:other ] || load ip
			source "$0"
			source "$0"
			COMP_LINE=$LINE COMP_POINT=${#LINE}
			_ip_link_ipsec_ipip
			COMPREPLY=()
			_ip_link_ipsec_ipip
			[[ $(complete -p ip) == *" _ip_link_ipsec_ipip ip" ]] ||
				COMPREPLY+=("$(complete -p ip)")
			echo "${COMPREPLY[*]}"' \
			"$completion/ip-link-ipsec-ipip.bash" 2>&1)
		[ "$got" = "$*" ] ||
			fail "completion of \"$line\" ($way): \"$got\""
	done
}

# words_are_no_commands: the words to choose from are not expanded
words_are_no_commands()
{
	local dir

	dir=$(mktemp -d)
	printf "#!/bin/sh\necho '\$(touch %s/run)'\n" "$dir" > "$dir/ipsec-ipip"
	chmod +x "$dir/ipsec-ipip"
	PATH=$dir:$PATH bash -c '. "$0"
		COMP_LINE="ip link add x type ipsec-ipip dev " COMP_POINT=34
		_ip_link_ipsec_ipip' "$completion/ip-link-ipsec-ipip.bash" 2>/dev/null
	[ ! -e "$dir/run" ] || fail "completion of ip: a word was expanded"
	rm -r "$dir"
}

completion_of_ip()
{
	local link="ip link add ipsec0 type ipsec-ipip"

	words_are_no_commands
	ip_completes "ip li" of-ip
	ip_completes "ip link add ipsec0 type ipsec-i" of-ip
	ip_completes "ip link add ipsec0 type vxlan lo" of-ip
	ip_completes "$link l" local
	ip_completes "$link local 192.0.2.1 remote " any
	ip_completes "$link local "
	ip_completes "$link df " unset set inherit
	ip_completes "$link df s" set
	ip_completes "$link dev l" lo
	ip_completes "$link keying adopt" adopt adopt-endpoints
	ip_completes "ip -d link set ipsec0 type ipsec-ipip mtu " auto
	ip_completes "$link roam no" nodev nopmtudisc noicmp-relay noroam
}

# fish_completes FILE WORDS EXPECTED...: what fish offers, in its own order
fish_completes()
{
	local file=$completion/$1 line=$2 got
	shift 2
	# shellcheck disable=SC2016 # expanded by fish
	got=$(PATH=${program%/*}:$PATH HOME=$dir XDG_CONFIG_HOME=$dir fish -N -c '
		source $argv[1]
		complete -C $argv[2]' "$file" "$line" 2>&1 | xargs -d '\n')
	[ "$got" = "$*" ] || fail "completion of \"$line\" by fish: \"$got\""
}

# zsh_completes WORDS EXPECTED...: what zsh offers when the tabulator key is hit
zsh_completes()
{
	local line=$1 got
	shift
	rm -f "$dir/hits" "$dir/done"
	PATH=${program%/*}:$PATH zsh -f "$here/completion/check.zsh" \
		"$completion" "$line" "$dir/hits" "$dir/done"
	got=$(grep . "$dir/hits" | xargs -d '\n')
	[ "$got" = "$*" ] || fail "completion of \"$line\" by zsh: \"$got\""
}

other_shells()
{
	local link="ip link add ipsec0 type ipsec-ipip"

	if command -v fish >/dev/null; then
		fish_completes ipsec-ipip.fish "ipsec-ipip sh" show showconf
		fish_completes ipsec-ipip.fish "ipsec-ipip sa ac" activate
		fish_completes ipsec-ipip.fish "ipsec-ipip sa add ipsec0 in mode " \
			transport tunnel
		fish_completes ip-link-ipsec-ipip.fish "$link keying adopt" \
			adopt adopt-endpoints
		fish_completes ip-link-ipsec-ipip.fish "$link df u" unset
	fi
	if command -v zsh >/dev/null; then
		zsh_completes "ipsec-ipip sh" show showconf
		zsh_completes "ipsec-ipip sa ac" activate
		zsh_completes "$link keying adopt" adopt adopt-endpoints
	fi
}

# stripped STATUS MESSAGE TEXT: "strip" of a file with TEXT, for printf, after its
# endpoints; OUTPUT gets what it prints
stripped()
{
	local status=$1 message=$2 got

	(umask 077; printf 'Local = 192.0.2.1\nRemote = 192.0.2.2\n%b' "$3" \
		>"$dir/x.conf")
	OUTPUT=$("$program" strip "$dir/x.conf" 2>"$dir/error")
	got=$?
	[ "$got" = "$status" ] || fail "$3: exit code $got instead of $status"
	[ -z "$message" ] || message="ipsec-ipip: $dir/x.conf$message"
	got=$(cat "$dir/error")
	# shellcheck disable=SC2254 # the message is a pattern
	case $got in
	$message) ;;
	*) fail "$3: \"$got\" instead of \"$message\"" ;;
	esac
}

# ends STATUS MESSAGE LOCAL REMOTE: "strip" of a file with these endpoints
ends()
{
	printf 'Local = %s\nRemote = %s\n' "$3" "$4" >"$dir/ends.conf"
	expect "$1" "$dir/ends.conf$2" strip "$dir/ends.conf"
}

# Files as editors of other systems write them, and files that are none
odd_files()
{
	local big section='[SA]\nDirection = in\nSPI = 0x100\n'

	stripped 0 '' '\t[Link]\r\n\tMTU\t=\tauto\t\r\nTTL=9'
	[[ $OUTPUT == *$'\nMTU = auto\nTTL = 9' || $OUTPUT == *$'\nTTL = 9\nMTU = auto' ]] ||
		fail "strip: $OUTPUT"
	stripped 0 '' 'MTU = 1300\n'
	[[ $OUTPUT == *$'\nMTU = 1300' ]] || fail "strip: $OUTPUT"
	printf '\xef\xbb\xbfLocal = 192.0.2.1\nRemote = 192.0.2.2' \
		>"$dir/bom.conf"
	"$program" strip "$dir/bom.conf" >/dev/null || fail "a byte order mark"

	stripped 2 ':3: MTU: "67": expected 68 to 65535 (hex with 0x), or auto' \
		'MTU = 67'
	stripped 2 ':3: MTU: "Auto": expected 68 to *' 'MTU = Auto'
	stripped 2 ':3: TOS: "3": expected 0 to 252 in steps of 4*, or inherit' \
		'TOS = 3'
	stripped 2 ':3: IfId: "0": expected 1 to 4294967295 (hex with 0x)' \
		'IfId = 0'
	stripped 2 ':3: Local: given twice' 'Local = 192.0.2.3'
	stripped 2 ':3: NUL character: expected a text file' 'a\0b = 1\n'
	stripped 2 ':3: unknown key "?]0;x?" in *' '\033]0;x\007 = 1\n'
	big=$(printf '%0100000d' 0)
	stripped 2 ':3: the line is too long: *' "PostUp = $big"
	printf '%s\\\n%s' "${big::60000}" "${big::60000}" >"$dir/long"
	expect 2 "import: $dir/long:2: the line is too long: *" \
		import "$dir/long"
	printf '\xef\xbb\xbf\\\nah x \\\n y' >"$dir/bom"
	expect 2 "import: $dir/bom:3: unknown word \"x\"*" import "$dir/bom"
	stripped 2 ':3: unknown key "Adress" in [[]Link]: did you mean "Address"?' \
		'Adress = 192.0.2.3'
	stripped 2 ':3: unknown key "colour" in [[]Link]; ipsec-ipip.conf(5) has the list' \
		'colour = red'
	stripped 2 ':3: "SPI" is not a key of [[]Link], but of [[]SA]' 'SPI = 7'
	stripped 2 ':6: "Route" is not a key of [[]SA], but of [[]Link]' \
		"${section}Route = default"
	stripped 2 ':4: unknown key "Sekret" in [[]IKE]: did you mean "Secret"?' \
		'[IKE]\nSekret = x'
	stripped 2 ':6: unknown key "Auht" in [[]SA]: did you mean "Auth"?' \
		"${section}Auht = x"
	stripped 2 ':3: SPI = NUMBER expected in this [[]SA]' \
		'[SA]\nDirection = in'
	stripped 2 ':3: Direction = in or out expected *' '[SA]\nSPI = 0x100'
	stripped 2 ':3: Auth = NAME KEY expected in this [[]SA]; an SA without *' \
		"$section"'Enc = x ""'
	stripped 2 ':3: Enc = NAME KEY expected in this [[]SA], or Proto = ah' \
		"$section"'Auth = x ""'
	stripped 2 ':3: Enc: expected Auth alone with Proto = ah' \
		"$section"'Proto = ah\nEnc = x ""\nAuth = x ""'
	stripped 2 ':3: AEAD excludes Enc, Auth and AuthTrunc' \
		"$section"'AEAD = x "" 128\nAuth = x ""'
	stripped 2 ':3: SPI: 0xff: expected 0x100 to 0xffffffff' \
		'[SA]\nDirection = in\nSPI = 255\nEnc = x ""\nAuth = x ""'
	stripped 2 ':6: SPI: given twice' "${section}SPI = 0x101\n"
	stripped 2 ':6: Enc: NAME KEY expected, KEY missing' "${section}Enc = x\n"
	stripped 2 ':6: Enc: NAME KEY expected, and nothing after it' \
		"${section}Enc = x 0x00 y\n"
	printf 'Local = fe80::1%%eth0\n' >"$dir/scope.conf"
	expect 2 "$dir/scope.conf:1: Local: \"fe80::1%eth0\": leave the interface out, and add Device = eth0" \
		strip "$dir/scope.conf"

	ends 2 ':2: Remote: "192.0.2.2/32": an address without "/32" expected; *' \
		192.0.2.1 192.0.2.2/32
	ends 2 ': Remote: "2001:db8::1": expected an address of the family of Local, as "192.0.2.1"' \
		192.0.2.1 2001:db8::1
	ends 2 ': Remote: "192.0.2.1": expected the address of the peer, *' \
		192.0.2.1 192.0.2.1
	expect 1 "strip: $dir/no.conf: there is no such file; see *" \
		strip "$dir/no.conf"
	expect 1 'strip: /etc/ipsec-ipip/no.conf.conf: there is no such file; for a file elsewhere write its path, as ./no.conf; *' \
		strip no.conf
	mkdir "$dir/folder.conf"
	expect 1 "$dir/folder.conf: Is a directory" strip "$dir/folder.conf"
	expect 1 "import: $dir/folder.conf: Is a directory" \
		import "$dir/folder.conf"
	expect 2 "/dev/zero:1: NUL character: *" strip /dev/zero
	expect 2 "import: /dev/zero:1: NUL character: *" import /dev/zero
	chmod 666 "$dir/x.conf"
	expect 1 "strip: $dir/x.conf: others than the owner can write it: *" \
		strip "$dir/x.conf"
	expect 2 'strip: "..x" is not a name for a link: *' strip ./..x.conf
	expect 2 'strip: "a b" is not a name for a link: *' strip 'a b'
	expect 2 'strip: "a>b" is not a name for a link: *' strip 'a>b'
	expect 2 'import: "a b" is not a name for a link: *' \
		import "$dir/x" --name 'a b'
	expect 2 'sa add: enc-key: a path expected after file:' \
		"${sa[@]}" enc a file: x
}

# Without standard output or error, no file gets their text.
closed_outputs()
{
	local key=0x000102030405060708090a0b0c0d0e0f got
	local ends='from 198.51.100.1 to 198.51.100.2'

	printf '%s\n' "ah $ends spi 0x101 auth hmac-md5 authkey $key" >"$dir/ah"
	"$program" import "$dir/ah" --dir "$dir/two" 2>&- >&- &&
		fail "import: exit code 0 with a closed output"
	got=$(cat "$dir"/two/*)
	[[ $got != *warning* && $got != *.conf* ]] ||
		fail "messages in a file: $got"
	got=$("$program" genkey 2>&1 >&-) && fail "genkey: exit code 0"
	[ "$got" = "ipsec-ipip: output: Bad file descriptor" ] ||
		fail "genkey: $got"
	"$program" "${sa[@]}" enc a - x <&- 2>/dev/null &&
		fail "a key of a closed input"
	return 0
}

# imported MESSAGE LINE...: the import of these lines fails with MESSAGE
imported()
{
	local message=$1
	shift
	printf '%s\n' "$@" >"$dir/ipsec.conf"
	expect 2 "import: $dir/ipsec.conf:$message" import "$dir/ipsec.conf" \
		--dir "$dir/etc" --name a
	[ ! -e "$dir/etc/a.conf" ] || fail "$*: a file is left"
}

genkey_and_import()
{
	local alg n ends='from 198.51.100.1 to 198.51.100.2'
	local key=0x000102030405060708090a0b0c0d0e0f

	for alg in '' 'cbc(aes):32' 'hmac(sha256):64' aes-256:64 \
		'rfc4106(gcm(aes)):40' hmac-sha1:40; do
		n=$("$program" -q genkey ${alg:+-a "${alg%:*}"} |
			grep -xE '[0-9a-f]+' | tr -d '\n' | wc -c)
		[ "$n" = "${alg:+${alg#*:}}" ] || [ "$alg$n" = 32 ] ||
			fail "genkey $alg: $n digits"
	done
	[ "$("$program" -q genkey)" != "$("$program" -q genkey)" ] ||
		fail "genkey: the same key twice"
	(umask 022; "$program" genkey >"$dir/open" 2>"$dir/warning")
	grep -q 'umask 077' "$dir/warning" || fail "genkey: no warning"
	expect 2 'genkey: -a: "rot13" is not known; *' genkey -a rot13
	expect 2 'genkey: unknown word "aes": -a ALG expected' genkey aes
	expect 2 'import: unknown word "x": --name DEV or --dir DIR or --mirror expected' \
		import - x
	expect 2 'export: unknown word "self": --to {ip-xfrm|openbsd|self|swanctl|libreswan} or --gateway NET or --net NET expected' \
		export ipsec0 self
	expect 2 'sa del: unknown word "x": spi SPI or proto {esp|ah} expected' \
		sa del ipsec0 in x
	expect 2 'import: FILE expected' import
	expect 1 "import: $dir/none: No such file or directory" \
		import "$dir/none"

	imported '1: "bogus": esp, ah, flow or ip xfrm expected' bogus
	imported '2: unknown word "spy": did you mean "spi"?' '# a comment' \
		"esp $ends spy 0x100:0x101"
	# shellcheck disable=SC1003 # a line that continues
	imported '2: from ADDRESS to ADDRESS spi SPI:SPI expected' \
		'esp from 198.51.100.1 to \' '198.51.100.2'
	imported '1: from: "left" is not an IPv4 or IPv6 address' \
		'esp from left to right'
	imported '1: authkey: 16 bytes; hmac-sha2-256 takes 32' \
		"ah $ends spi 0x100 authkey $key"
	imported '1: authkey: two keys expected, KEY:KEY, as there are two SPIs' \
		"ah $ends spi 0x100:0x101 auth hmac-md5 authkey $key"
	imported '1: authkey: one key expected, as there is one SPI' \
		"ah $ends spi 0x100 auth hmac-md5 authkey $key:$key"
	imported '1: spi: 255: expected 0x100 to 0xffffffff' \
		"ah $ends spi 256:255 auth hmac-md5 authkey $key:$key"
	imported '1: spi: 0: expected 0x100 to 0xffffffff' \
		"ip xfrm state add src 198.51.100.1 dst 198.51.100.2 spi 0 proto ah"
	imported '1: enc: ah has no cipher' \
		"ah $ends spi 0x100 enc aes authkey $key"
	imported '1: authkey: key must be 0xHEX*' "ah $ends spi 0x101 authkey beef"
	imported '1: ike: keys of a daemon are not imported*' "ike esp $ends"
	imported '1: a quote is open*' "esp $ends 'x"
	imported '1: "ip xfrm state add" or "ip xfrm policy add" expected' \
		'ip route add default'
	imported '1: aead, auth or auth-trunc expected' \
		"ip xfrm state add src 198.51.100.1 dst 198.51.100.2 spi 0x100 enc 'cbc(aes)' $key"
	imported '1: limit: "byte" is not *' \
		"ip xfrm state add src 198.51.100.1 dst 198.51.100.2 spi 0x100 limit byte 7"
	imported '1: auth-trunc: "a b" is not a name of an algorithm' \
		"ip xfrm state add src 198.51.100.1 dst 198.51.100.2 spi 0x100 auth-trunc 'a b' $key 96"
	imported '2: 198.51.100.1 and 198.51.100.3 are not the ends of the link*' \
		"ah $ends spi 0x101 auth hmac-md5 authkey $key" \
		"ah from 198.51.100.1 to 198.51.100.3 spi 0x101 auth hmac-md5 authkey $key"

	mkdir -p "$dir/etc"
	printf '%s\n' "ah $ends spi 0x101 auth hmac-md5 authkey $key" \
		>"$dir/ipsec.conf"
	: >"$dir/etc/b-out-00000101.auth"
	expect 1 "import: $dir/etc/b-out-00000101.auth exists: *" \
		-q import "$dir/ipsec.conf" --dir "$dir/etc" --name b
	[ ! -e "$dir/etc/b.conf" ] || fail "a configuration is left"
	[ -e "$dir/etc/b-out-00000101.auth" ] || fail "a file was removed"
}

# exported DAEMON TEXT LINE...: the export of a configuration with these lines has TEXT
exported()
{
	local daemon=$1 text=$2 got
	shift 2

	(umask 077
	 echo "a secret" >"$dir/psk"
	 printf '%s\n' "Local = 192.0.2.1" "Secret = file:$dir/psk" \
		"Address = 198.51.100.1/32" "Route = 198.51.100.2/32" "$@" \
		>"$dir/x.conf")
	got=$("$program" export "$dir/x.conf" --to "$daemon" 2>&1)
	[[ $got == *"$text"* ]] || fail "export to $daemon: no \"$text\" in $got"
}

export_ike()
{
	local nets=("LocalTS = 198.51.100.1/32" "RemoteTS = 198.51.100.2/32")
	local names=("Remote = 192.0.2.2" "LocalId = east" "RemoteId = west"
		     "${nets[@]}")
	local subject=("Remote = 192.0.2.2" "LocalId = C=DE, O=x" "${nets[@]}")

	exported libreswan $'left=192.0.2.2\n\tleftid="@west"' "${names[@]}"
	exported libreswan '# "@west" "@east" : PSK 0x612073' "${names[@]}"
	exported libreswan 'rightid="C=DE, O=x"' "${subject[@]}"
	exported libreswan '# "192.0.2.2" "C=DE, O=x" : PSK 0x' "${subject[@]}"
	exported libreswan $'left=%defaultroute\n\tleftsubnet=' \
		"Remote = any" "Roam = yes" "${nets[@]}"
	exported libreswan $'right=192.0.2.1\n' "Remote = any" "Roam = yes" \
		"${nets[@]}"
	exported libreswan $'right=%any\n' "${names[@]}" "Roam = yes"
	exported swanctl "libreswan takes one network" "Remote = 192.0.2.2" \
		"Daemon = libreswan" "LocalTS = 0.0.0.0/0, ::/0"
	exported swanctl "remote_addrs = 192.0.2.1" "Remote = any" "Roam = yes"
	exported swanctl "id = $(printf '%0300d' 7)x" "Remote = 192.0.2.2" \
		"RemoteId = $(printf '%0300d' 7)x"
	chmod 644 "$dir/psk"
	expect 1 "*: chmod 600" export "$dir/x.conf" --to swanctl
}

# A key that is typed does not appear on the terminal.
hidden_key()
{
	/usr/bin/python3 - "$program" "${sa[@]}" enc a - x <<-'EOF' ||
		import os, pty, sys
		pid, fd = pty.fork()
		if not pid:
		    os.execv(sys.argv[1], sys.argv[1:])
		seen = b""
		while b": " not in seen:
		    seen += os.read(fd, 4096)
		os.write(fd, b"0x5ec7e7\n")
		try:
		    while data := os.read(fd, 4096):
		        seen += data
		except OSError:
		    pass
		status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
		if b"5ec7" in seen or b"unknown word" not in seen or status != 2:
		    sys.exit(repr(seen))
	EOF
		fail "a key is shown while it is typed"
}

usage_errors
keys
misplaced_keys
others
help_and_manual
completion
completion_of_ip
other_shells
genkey_and_import
export_ike
hidden_key
odd_files
closed_outputs
[ "$failed" = 0 ] && echo "ipsec-ipip: the command line is parsed as expected"
exit "$failed"
