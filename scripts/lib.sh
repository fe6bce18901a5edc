# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the scripts of this directory have in common: where things are, and
# how to give up. Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ipsec-ipip
UNPACKED=$CACHE/unpacked
PROG=${0##*/}

# depmod and modprobe are there, and not in everyone's path.
PATH=$PATH:/usr/sbin:/sbin

# A make that called us must not reach into those that we call.
unset MAKEFLAGS MFLAGS MAKELEVEL

# The lines of kernels that we build for and test on.
KERNEL_LINES=(6.1 6.12)

# How the names of the kernels begin, after the version, that
# scripts/debug-kernel and scripts/patched-kernel build.
OWN_SUFFIX=-ipsi-
DEBUG_SUFFIX=${OWN_SUFFIX}debug
PATCHED_SUFFIX=${OWN_SUFFIX}patched

is_debug()
{
	[[ $1 == *"$DEBUG_SUFFIX"* ]]
}

# What the kernel says when something is wrong with it. Nothing of this is in
# the log of a sound run.
KERNEL_FAULTS='WARNING: |BUG: |BUG [a-z]|Oops|Kernel panic|general protection fault'
KERNEL_FAULTS+='|unable to handle|KASAN: |KFENCE: |UBSAN: |kmemleak: unref'
KERNEL_FAULTS+='|refcount_t: |DEBUG_LOCKS_WARN|possible .* locking|soft lockup'
KERNEL_FAULTS+='|inconsistent lock state|suspicious RCU usage|blocked for more than'
KERNEL_FAULTS+='|unregister_netdevice: waiting|leaked reference|Bad page state'
KERNEL_FAULTS+='|ref_tracker: |ODEBUG: '
# A watchman who went home sees no more faults.
KERNEL_FAULTS+='|kmemleak: .* disabled|turning off the locking|lockdep is turned off'

# Say what is wrong in one sentence, and stop; the status is the caller's.
die_with()
{
	local status=$1

	shift
	echo "$PROG: $*" >&2
	exit "$status"
}

die()
{
	die_with 1 "$@"
}

note()
{
	echo "$PROG: $*" >&2
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

# A directory that several of us may fill at once: the first makes it with
# "$@" run in a directory of its own, which gets its name only when complete.
cached_dir()
{
	local dir=$1 tmp

	shift
	if [ ! -d "$dir" ]; then
		mkdir -p "${dir%/*}"
		exec {cache_lock}>"${dir%/*}/.lock"
		flock "$cache_lock"
		if [ ! -d "$dir" ]; then
			tmp=$(mktemp -d "${dir%/*}/.tmp.XXXXXX")
			if ! "$@" "$tmp"; then
				rm -rf "$tmp"
				return 1
			fi
			chmod 755 "$tmp"
			mv "$tmp" "$dir"
		fi
		exec {cache_lock}>&-
	fi
}
