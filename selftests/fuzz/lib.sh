# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Library of the fuzzers' scripts, which run in machines of their own. COVER names
# the coverage module, if there is one, DELAY is its parameter, and OUT names a
# directory for the addresses of the module.

MODPROBE=/proc/sys/kernel/modprobe
KCSAN=/sys/kernel/debug/kcsan
KCSAN_SKIP=4000000	# accesses, those of the module aside; see kcsan.c
KCSAN_DELAY=20000	# us

# fuzz_warm_up: use each algorithm once, which loads its modules
fuzz_warm_up()
{
	local key16=0x000102030405060708090a0b0c0d0e0f
	local key20=${key16}10111213 key32=$key16${key16#0x} spi=0x100 sa

	ip netns add warm
	for sa in "esp aead rfc4106(gcm(aes)) $key20 128" \
		"esp enc cbc(aes) $key16 auth-trunc hmac(sha256) $key32 128" \
		"esp enc rfc3686(ctr(aes)) $key20 auth-trunc hmac(md5) $key16 96" \
		"ah auth-trunc hmac(sha1) $key20 96"; do
		spi=$((spi + 1))
		# shellcheck disable=SC2086 # words
		ip -n warm xfrm state add src 10.9.0.1 dst 10.9.0.2 \
			proto ${sa%% *} spi $spi mode transport ${sa#* }
	done
	ip netns delete warm
}

# kcsan_start: let KCSAN watch, if the kernel has it. An emulated processor often
# stands still for some 10 ms, since it is a thread of a busy host, so a watch must
# take longer than that for the others to meet it: two threads that did nothing but
# race met in one of 250 watches of up to 200 us. kcsan.c begins watches in the
# module. Elsewhere they are rare, so that the kernel has time for its work.
kcsan_start()
{
	local parameters=/sys/module/kcsan/parameters skip

	[ -d "$parameters" ] || return 0
	skip=$(awk '$3 == "kcsan_skip" { print "0x" $1 }' /proc/kallsyms)
	[ -n "$skip" ] || {
		echo "/proc/kallsyms does not have kcsan_skip"
		exit 1
	}
	echo "options ipsec_ipip kcsan_skip=$skip" > /etc/modprobe.d/fuzz.conf
	mountpoint -q /sys/kernel/debug ||
		mount -t debugfs debugfs /sys/kernel/debug || exit
	echo "$KCSAN_SKIP" > "$parameters/skip_watch"
	echo "$KCSAN_DELAY" > "$parameters/udelay_task"
	echo "$KCSAN_DELAY" > "$parameters/udelay_interrupt"
	echo on > "$KCSAN"
	grep -qx 'enabled: 1' "$KCSAN" || {
		echo "KCSAN is off"
		exit 1
	}
}

# kcsan_report: print how many accesses KCSAN has watched
kcsan_report()
{
	[ -e "$KCSAN" ] || return 0
	awk -F': ' '/^(setup_watchpoints|data_races)/ { print "KCSAN: " $0 }' \
		"$KCSAN"
}

# fuzz_load: load the modules, and then let the kernel load no others. Each unknown
# name of an algorithm would start modprobe, and take a second.
fuzz_load()
{
	local module section

	kcsan_start
	[ -z "${COVER:-}" ] || insmod "$COVER" delay="${DELAY:-0}" || exit
	modprobe ipsec_ipip || exit
	for module in xfrm_user esp4 esp6 ah4 ah6 dummy authenc echainiv \
		seqiv gcm ccm ctr md5 algif_hash tun veth cryptd; do
		modprobe -q "$module"
	done
	fuzz_warm_up
	read -r modprobe < "$MODPROBE"
	echo > "$MODPROBE"
	[ -n "${OUT:-}" ] || return 0
	for section in /sys/module/ipsec_ipip/sections/.*text*; do
		echo "${section##*/} $(cat "$section")"
	done > "$OUT/sections"
}

# fuzz_waits: true if a device, of any kind, waits for its last reference. The kernel
# says so every 10 s.
fuzz_waits()
{
	local last now

	last=$(dmesg | sed -n 's/^\[ *\([0-9]*\)\..*netdevice: waiting.*/\1/p' |
		tail -n 1)
	now=$(cut -d . -f 1 /proc/uptime)
	[ -n "$last" ] && [ $((now - last)) -le 12 ]
}

# fuzz_unload: nothing may be left that keeps the module loaded. Namespaces end in
# the background.
fuzz_unload()
{
	kcsan_report
	echo "$modprobe" > "$MODPROBE"
	for _ in $(seq 300); do
		modprobe -r ipsec_ipip 2> /dev/null && break
		sleep 1
	done
	if [ -e /sys/module/ipsec_ipip ]; then
		echo "the module cannot be unloaded"
		exit 1
	fi
	for _ in $(seq 300); do
		fuzz_waits || break
		sleep 1
	done
	if fuzz_waits; then
		echo "a device waits for its last reference"
		exit 1
	fi
	echo "unloaded"
}
