#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The commands of README.md and of the how-tos of IKE daemons, run as they are
# there, twice in a row: the second time the files of the first are there. A block
# that no list below names fails the test, so that each new command is run, or is
# left out on purpose. A failure means that a reader who copies from the page gets
# no link.
#
# Each host has an /etc/ipsec-ipip of its own.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"

# Only the test sends packets: they would bring keys.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1
README=$IPSI_INTEROP/../../README.md
BLOCKS=$IPSI_TMP/blocks

# Blocks by their first words that are not run here, with the reason:
SKIPPED=(
	"make deb"		# scripts/check-packages does it
	"make demo"		# the demo tests itself
	"sudo apt install gcc"	# for other distributions
	"(authentic"		# output, which capture.sh compares
)

# Blocks that are run, in the tests below:
RUN=(
	"install -d"
	"cat >"
	"ping -c 3"
	"# ipsec-ipip show"
	"ipsec-ipip up"
	"ip link add ipsec0 up"
	"sudo -i"
	"ipsec-ipip sa add ipsec0 out"
	"ipsec-ipip sa add ipsec0 in"
	"ip address add"
	"ip xfrm state add"
	"ipsec-ipip show"
)

# empty_blocks: make an empty folder for blocks
empty_blocks()
{
	BLOCKS=$IPSI_TMP/blocks
	rm -rf "$BLOCKS"
	mkdir -p "$BLOCKS"
}

# readme_blocks: write each indented block, up to an empty line, to a file; pictures
# are between ``` and are left out
readme_blocks()
{
	empty_blocks
	awk -v dir="$BLOCKS" '
		/^```/ { picture = !picture }
		!picture && /^    / {
			if (!block)
				file = sprintf("%s/%03d", dir, ++n)
			block = 1
			sub(/^    /, "")
			print > file
			next
		}
		{ block = 0 }' "$README"
}

# block WORDS [N]: print the name of the Nth (first) block that begins with WORDS
block()
{
	local file n=${2:-1}

	for file in "$BLOCKS"/*; do
		[[ $(head -n 1 "$file") == "$1"* ]] || continue
		((--n)) && continue
		echo "$file"
		return
	done
	ipsi_fail "README.md has no block \"$1\""
}

each_block_is_known()
{
	local file line words known

	readme_blocks
	for file in "$BLOCKS"/*; do
		line=$(head -n 1 "$file") known=
		for words in "${SKIPPED[@]}" "${RUN[@]}"; do
			[[ $line != "$words"* ]] || known=1
		done
		[ -n "$known" ] || ipsi_fail "README.md: not tested: $line"
	done
}

# readme_host HOST: run a shell that stands for a terminal of that host
declare -A TERMINAL
readme_host()
{
	local host=$1 dir=$IPSI_TMP/etc.$1

	mkdir -p "$dir"
	mkfifo "$IPSI_TMP/$host.in"
	# shellcheck disable=SC2016 # expanded by that shell
	ipsi_bg "$host" unshare --mount bash -c '
		mkdir -p /etc/ipsec-ipip
		mount --bind "$1" /etc/ipsec-ipip
		exec sleep infinity' terminal "$dir"
	TERMINAL[$host]=$IPSI_BG_PID
	ipsi_wait "terminal" readme_mounted "$host"
}

readme_mounted()
{
	grep -q " /etc/ipsec-ipip " "/proc/${TERMINAL[$1]}/mountinfo"
}

# type_in HOST FILE: run the commands of FILE; each must succeed. "systemctl" and
# "sudo" are not there.
type_in()
{
	local host=$1 dir=$IPSI_TMP/charon.$1

	sed "s/^/$host# /" "$2"
	{
		# shellcheck disable=SC2016 # expanded by that shell
		echo 'set -e
			sudo() { [ "$1" = -i ] || "$@"; }
			systemctl() { case $1 in
			enable) ipsec-ipip up "${3#*@}" ;;
			reload) ipsec-ipip syncconf "${2#*@}" ;;
			*) false ;; esac; }'
		cat "$2"
	} > "$IPSI_TMP/typed"
	nsenter -t "${TERMINAL[$host]}" --mount --net \
		env STRONGSWAN_CONF="$dir/strongswan.conf" SWANCTL_DIR="$dir" \
		bash "$IPSI_TMP/typed" || ipsi_fail "exit status $?: $2"
}

# mirrored FILE: print a file of this host for the other one
mirrored()
{
	sed -e 's/10\.0\.0\.1/~/g; s/10\.0\.0\.2/10.0.0.1/g; s/~/10.0.0.2/g' \
	    -e 's/192\.168\.1\./~/g; s/192\.168\.2\./192.168.1./g' \
	    -e 's/~/192.168.2./g' "$1"
}

# labels FILE: print the words before the colons of "ipsec-ipip show"
labels()
{
	sed -n 's/^ *\([a-zA-Z_ -]*\): .*/\1/p; s/^ *\(in\|out\) esp 0x.*/\1/p' "$1" |
		sort -u
}

# three_in_the_morning: the commands of that section; "check" finds faults of a link
# that no packet has brought keys for
three_in_the_morning()
{
	local output status=0

	output=$(nsenter -t "${TERMINAL[right]}" --mount --net \
		bash -e "$(block "ipsec-ipip show")") || status=$?
	echo "$output"
	ipsi_is "$status" 3 "exit status of check"
	ipsi_has "$output" "ipsec0: no-sa-out: " "finding"
}

# quick_start: both hosts, with strongSwan
quick_start()
{
	local host round

	ipsi_charon_need
	ipsi_need openssl
	readme_blocks
	ipsi_topology
	for host in left right; do
		mkdir -p "$IPSI_TMP/charon.$host/conf.d"
		ipsi_charon "$host" <<< "include conf.d/*.conf"
		readme_host "$host"
	done
	for round in 1 2; do
		type_in right "$(block "install -d")"
		cp "$IPSI_TMP/etc.right/ipsec0.psk" "$IPSI_TMP/etc.left/"
		type_in right "$(block "cat >")"
		mirrored "$(block "cat >")" > "$IPSI_TMP/mirrored"
		type_in left "$IPSI_TMP/mirrored"
		three_in_the_morning
		ipsi_wait "answer" nsenter -t "${TERMINAL[right]}" --net \
			ping -q -c 1 -W 2 192.168.1.1
		type_in right "$(block "ping -c 3")"
		type_in right "$(block "ipsec-ipip up")"
		ipsi_try right ipsec-ipip show | tee "$IPSI_TMP/shown"
		ipsi_is "$(labels "$IPSI_TMP/shown")" \
			"$(labels "$(block "# ipsec-ipip show")")" \
			"what \"ipsec-ipip show\" shows"
		echo "ipsec-ipip down ipsec0" > "$IPSI_TMP/down"
		type_in right "$IPSI_TMP/down"
		type_in left "$IPSI_TMP/down"
		echo "round $round is done"
	done
}

# any_daemon: the device for other daemons
any_daemon()
{
	readme_blocks
	ipsi_topology
	readme_host right
	type_in right "$(block "ip link add ipsec0 up")"
	ipsi_do right ip link del ipsec0
	type_in right "$(block "ip link add ipsec0 up")"
	ipsi_is "$(ipsi_get right keying)" adopt "keying"
}

# peer_of_xfrm: give the left host the lines of "ip xfrm", with the keys of the
# right host
peer_of_xfrm()
{
	local dir=$IPSI_TMP/etc.right word file

	cp "$(block "ip xfrm state add")" "$IPSI_TMP/xfrm"
	for word in IN.ENC IN.AUTH OUT.ENC OUT.AUTH; do
		file=$dir/$(tr '[:upper:]' '[:lower:]' <<< "$word")
		sed -i "s/\\b$word\\b/0x$(cat "$file")/" "$IPSI_TMP/xfrm"
	done
	type_in left "$IPSI_TMP/xfrm"
}

# by_hand: keys by hand, and an ordinary peer: first with the lines of the page,
# then with those that export writes
by_hand()
{
	local round

	readme_blocks
	ipsi_topology
	readme_host left
	readme_host right
	ipsi_inner left
	ipsi_do left ip route add 192.168.2.1 dev "$IPSI_WIRE" src 192.168.1.1
	for round in 1 2; do
		{
			cat "$(block "sudo -i")"
			cat "$(block "ip link add ipsec0 up" 2)"
			cat "$(block "ipsec-ipip sa add ipsec0 out")"
			cat "$(block "ipsec-ipip sa add ipsec0 in")"
			cat "$(block "ip address add")"
		} > "$IPSI_TMP/steps"
		type_in right "$IPSI_TMP/steps"
		if [ "$round" = 1 ]; then
			peer_of_xfrm
		else
			(umask 077; ipsi_try right ipsec-ipip export ipsec0 \
				--to ip-xfrm > "$IPSI_TMP/peer")
			type_in left "$IPSI_TMP/peer"
		fi
		ipsi_ping right
		ipsi_do right ip link del ipsec0
		ipsi_do left ip xfrm state flush
		ipsi_do left ip xfrm policy flush
	done
}

# page_blocks PAGE: write each literal block of a page in reStructuredText to a file
page_blocks()
{
	empty_blocks
	awk -v dir="$BLOCKS" '
		/^[^ ].*::$|^::$/ && !/^\.\./ {
			file = sprintf("%s/%03d", dir, ++n)
			next
		}
		/^[^ ]/ { file = "" }
		file && NF { sub(/^ +/, ""); print > file }
	' "$IPSI_INTEROP/../../Documentation/networking/ipsec-ipip-$1.rst"
}

# howtos: the devices of the pages about daemons. The configuration files there are
# those that the tests ike_*.sh run. The line of a block that makes certificates is
# not run: make-certs is in another folder.
howtos()
{
	local page file clean=$IPSI_TMP/clean

	for file in ipsec0 link0; do
		echo "ip link del $file 2> /dev/null || :"
	done > "$clean"
	echo "! ip netns list | grep -q inside || ip netns del inside" >> "$clean"
	ipsi_topology
	readme_host left
	for page in strongswan libreswan openiked \
		    strongswan libreswan openiked; do
		page_blocks "$page"
		for file in "$BLOCKS"/*; do
			case $(head -n 1 "$file") in
			make-certs*) continue ;;
			"ip link add ipsec0 "*|"ip link add link0 "*|modprobe*)
				type_in left "$clean"
				;;
			"ip netns add inside") ;;
			*) ipsi_fail "$page: not tested: $(cat "$file")" ;;
			esac
			type_in left "$file"
		done
		type_in left "$clean"
	done
}

ipsi_run each_block_is_known quick_start any_daemon by_hand howtos
