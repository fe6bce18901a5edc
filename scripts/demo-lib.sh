# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the demos have in common inside of the machine: commands are shown before
# they are run, and at the end a table says what has been seen. Sourced after
# lib.sh.

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

# A command as one would type it, on as many lines as it takes.
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

# Forks are dear in an emulated machine: there is no sed here.
indent()
{
	[ -z "$1" ] || printf '    %s\n' "${1//$'\n'/$'\n    '}"
}

within()
{
	nsenter --net="/run/netns/$1" "${@:2}"
}

# at HOST COMMAND...: show it and run it there; nothing goes on without it
at()
{
	local host=$1 status
	shift

	show "  $host#" "$@"
	output=$(within "$host" "$@" 2>&1)
	status=$?
	indent "$output"
	[ "$status" = 0 ] ||
		die "this command has failed, so the demo ends here"
}

# try HOST COMMAND...: the same, but what comes of it is judged later
try()
{
	local host=$1
	shift

	show "  $host#" "$@"
	output=$(within "$host" "$@" 2>&1)
	indent "$output"
}

watch_host=right

# watch FILE COMMAND...: a capture on $watch_host, in the background
watch()
{
	local file=$1 i
	shift

	show "  $watch_host#" "$@" "> $file &" | tr -d "'"
	within "$watch_host" "$@" > "$file" 2> "$file.err" &
	pids+=($!)
	for ((i = 0; i < 100; i++)); do
		grep -q '^listening on' "$file.err" && return
		sleep 0.1
	done
	die "tcpdump does not start: $(tail -n 1 "$file.err")"
}

# until COUNT PATTERN FILE: wait for so many lines; in vain is no matter here
until_lines()
{
	local i

	for ((i = 0; i < 50; i++)); do
		[ "$(grep -c -- "$2" "$3")" -ge "$1" ] && return
		sleep 0.1
	done
}

rows=() failed=0

# row WHAT SEEN EXPECTED: one line of the table
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

# summary: the table; fails if something did not happen
summary()
{
	title "What was shown"
	printf '%s\n' "${rows[@]}"
	echo
	[ "$failed" = 0 ] || die "$failed of ${#rows[@]} did not happen"
}
