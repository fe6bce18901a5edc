# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Library of the scripts in this directory: paths, messages, and the cache.
# Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ipsec-ipip
UNPACKED=$CACHE/unpacked
PROG=${0##*/}

# depmod and modprobe are in sbin, which is not in every user's path.
PATH=$PATH:/usr/sbin:/sbin

# An outer make must not pass its flags to the makes that we call.
unset MAKEFLAGS MFLAGS MAKELEVEL

# The kernel lines that we build for and test on.
KERNEL_LINES=(6.1 6.12)

# The parts that follow the version in the names of the kernels that
# scripts/debug-kernel and scripts/patched-kernel build.
OWN_SUFFIX=-ipsi-
DEBUG_SUFFIX=${OWN_SUFFIX}debug
PATCHED_SUFFIX=${OWN_SUFFIX}patched

is_debug()
{
	[[ $1 == *"$DEBUG_SUFFIX"* ]]
}

# machine_of VERSION: print the machine of a kernel, as Debian names it
machine_of()
{
	case $1 in
	*-arm64*) echo arm64 ;;
	*-686*) echo i386 ;;
	*) echo amd64 ;;
	esac
}

# Kernel messages that report a fault. The log of a good run has none of them.
KERNEL_FAULTS='WARNING: |BUG: |BUG [a-z]|Oops|Kernel panic|general protection fault'
KERNEL_FAULTS+='|unable to handle|KASAN: |KFENCE: |UBSAN: |kmemleak: unref'
KERNEL_FAULTS+='|refcount_t: |DEBUG_LOCKS_WARN|possible .* locking|soft lockup'
KERNEL_FAULTS+='|inconsistent lock state|suspicious RCU usage|blocked for more than'
KERNEL_FAULTS+='|unregister_netdevice: waiting|leaked reference|Bad page state'
KERNEL_FAULTS+='|ref_tracker: .*(users at|released|leaked)|ODEBUG: '
# A checker that turned itself off reports no more faults.
KERNEL_FAULTS+='|kmemleak: .* disabled|turning off the locking|lockdep is turned off'

# die_with STATUS MESSAGE...: print one line and exit with STATUS
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

# cached_dir DIR COMMAND...: make DIR unless it exists. COMMAND fills a temporary
# directory, its last argument, which is renamed when complete. A lock lets
# several processes do so at once.
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
