#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Random requests from the root of a user namespace, which any user can become:
# the kernel accepts or refuses them, and a refused request changes nothing. Then
# short runs of the fuzzers of selftests/fuzz, which leave nothing behind that
# keeps the module loaded. A failure means that any user can crash the host, or
# that programs have a wrong idea of the state.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV
REQUESTS=${IPSI_FUZZ_REQUESTS:-${KSFT_MACHINE_SLOW:+2000}}
REQUESTS=${REQUESTS:-6000}

# Run as a user without any privilege.
user_namespace()
{
	local fuzz=("$IPSI_LIB/fuzz.py" "$DEV" "$REQUESTS")

	[ -z "${IPSI_FUZZ_SEED:-}" ] || fuzz+=("$IPSI_FUZZ_SEED")
	ipsi_need python3 setpriv
	# shellcheck disable=SC2016 # expanded by the inner shell
	setpriv --reuid 65534 --regid 65534 --clear-groups unshare -U -r -n \
		bash -ec '
			ip link set lo up
			ip address add 10.0.0.1/32 dev lo
			ip link add "$0" up type ipsec-ipip local 10.0.0.1 \
				remote 10.0.0.2 if_id 7
			PYTHONDONTWRITEBYTECODE=1 exec python3 "$@"
		' "$DEV" "${fuzz[@]}" || ipsi_fail "exit status $?"
}

# fuzzer NAME ARGUMENT...: a short run, in numbers instead of seconds
fuzzer()
{
	local dir=$IPSI_LIB/../../../fuzz out=$IPSI_TMP/fuzz
	local name=$1
	shift

	[ -e "$dir/$name.sh" ] || ipsi_skip "selftests/fuzz is missing"
	ipsi_need gcc make openssl ethtool nft
	[ -z "${IPSI_FUZZ_SEED:-}" ] || set -- --seed "$IPSI_FUZZ_SEED" "$@"
	make -s -C "$dir" OUT="$out" CFLAGS=-O1 "$out/$name" ||
		ipsi_fail "the fuzzer does not compile"
	"$dir/$name.sh" "$out/$name" "$@" || ipsi_fail "exit status $?"
	! ipsi_klog_bad || ipsi_fail "the kernel complains"
}

# valid and spoiled requests of rtnetlink, the family and XFRM
structure()
{
	fuzzer netlink --count 500
}

# malformed packets in valid ESP, ICMP errors, GSO
packets()
{
	fuzzer packet --count 5000
}

# requests about the same devices and SAs at once
races()
{
	fuzzer races --count 100
}

ipsi_run user_namespace structure packets races
