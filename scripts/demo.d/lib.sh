# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Library of the demos in the guest: it shows each command before it runs it, and
# prints a table of the results at the end. Sourced after ../lib.sh.

bold='' green='' red='' plain=''
if [ -n "${DEMO_COLOUR:-}" ]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

work=$(mktemp -d) || die "no directory for temporary files"
cd "$work" || exit
pids=()
clean_up()
{
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	ip netns del left 2>/dev/null
	ip netns del right 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT

title()
{
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# show PROMPT COMMAND...: print a command as one would type it, wrapped at 79
# columns
show()
{
	local prompt=$1 word words=() line
	shift

	for word in "$@"; do
		case $word in
		*[!a-zA-Z0-9_./:=,@%+-]*) word="'$word'" ;;
		esac
		words+=("$word")
	done
	line="$prompt ${words[*]}"
	if [ ${#line} -gt 79 ]; then
		line=$prompt
		for word in "${words[@]}"; do
			if [ $((${#line} + ${#word})) -gt 76 ] ||
			   [[ $word =~ ^(spi|enc|auth-trunc|tmpl)$ ]]; then
				echo "$bold$line \\$plain"
				line="       $word"
			else
				line="$line $word"
			fi
		done
	fi
	echo "$bold$line$plain"
}

# Forks are slow in an emulated machine, so this does not use sed.
indent()
{
	[ -z "$1" ] || printf '    %s\n' "${1//$'\n'/$'\n    '}"
}

within()
{
	nsenter --net="/run/netns/$1" "${@:2}"
}

# at HOST COMMAND...: show COMMAND and run it on HOST; a failure ends the demo
at()
{
	local host=$1 status
	shift

	show "  $host#" "$@"
	output=$(within "$host" "$@" 2>&1)
	status=$?
	indent "$output"
	[ "$status" = 0 ] ||
		die "the command failed; the demo ends here"
}

# try HOST COMMAND...: the same, but a failure does not end the demo
try()
{
	local host=$1
	shift

	show "  $host#" "$@"
	output=$(within "$host" "$@" 2>&1)
	indent "$output"
}

watch_host=right

# watch FILE COMMAND...: start a capture on $watch_host in the background
watch()
{
	local file=$1 i
	shift

	show "  $watch_host#" "$@" "> $file &" | tr -d "'"
	within "$watch_host" "$@" > "$file" 2> "$file.err" &
	pids+=($!)
	for ((i = 0; i < 100; i++)); do
		grep -qE '^(# )?listening on' "$file.err" && return
		sleep 0.1
	done
	die "tcpdump does not start: $(tail -n 1 "$file.err")"
}

# until_lines COUNT PATTERN FILE: wait until FILE has COUNT lines with PATTERN, at
# most 5 s. A timeout is not an error here: the table at the end shows it.
until_lines()
{
	local i

	for ((i = 0; i < 50; i++)); do
		[ "$(grep -c -- "$2" "$3")" -ge "$1" ] && return
		sleep 0.1
	done
}

rows=() failed=0

# row TEXT SEEN EXPECTED: add a line to the table
row()
{
	local verdict="${green}yes$plain"

	if [ "$2" != "$3" ]; then
		verdict="${red}NO$plain, $2 instead of $3"
		failed=$((failed + 1))
	fi
	rows+=("$(printf '  %-66s %s' "$1" "$verdict")")
}

lines()
{
	grep -cE -- "$1" "$2"
}

answers()
{
	grep -c 'bytes from .*: icmp_seq=' <<< "$output"
}

# summary: print the table; fail if a result is not as expected
summary()
{
	title "Results"
	printf '%s\n' "${rows[@]}"
	echo
	[ "$failed" = 0 ] || die "$failed of ${#rows[@]} results are wrong"
}
