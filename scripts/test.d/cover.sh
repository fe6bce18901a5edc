# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Build the module with instrumentation for coverage.

# build_cover DIR VERSION HEADERS: build in DIR the coverage module of selftests/fuzz
# and ours to call it. Sets COVER and module to their files.
# shellcheck disable=SC2034 # for the caller
build_cover()
{
	local dir=$1/cover-$2 fuzz=$ROOT/selftests/fuzz

	mkdir -p "$dir/cover"
	ln -sf "$fuzz"/cover/{Kbuild,ipsi_cover.c} "$dir/cover/"
	ln -sf "$fuzz/cover.h" "$dir/"
	make -s -C "$3" M="$dir/cover" modules
	make -s -C "$fuzz" module BUILD="$1" KVER="$2" \
		KCFLAGS='-fsanitize-coverage=trace-pc -g' \
		KBUILD_EXTRA_SYMBOLS="$dir/cover/Module.symvers"
	COVER=$dir/cover/ipsi_cover.ko
	module=$1/$2/ipsec_ipip.ko
}
