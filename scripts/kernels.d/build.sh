# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
#
# Builds a kernel from Debian's kernel source into the cache, among the kernels
# that scripts/kernels lists. debug-kernel and patched-kernel source this and set:
#
#   USAGE	the usage line
#   LINE	the kernel line, as in the name of Debian's package
#   SUFFIX	the part of the kernel's name that follows the version
#   FRAGMENTS	files with the wanted options, in addition to those of the tests.
#		The first file that sets an option wins; lines/LINE.config in
#		their directory, if it exists, comes before them all.
#   PATCHES	patches to apply, in this order

KERNEL_CONFIGS=$ROOT/scripts/kernels.d
TESTS=$ROOT/selftests/net/ipsec_ipip

# wanted: print the wanted options. Comments are left out, because a changed
# comment must not invalidate the cache.
wanted()
{
	local own=$KERNEL_CONFIGS/lines/$LINE.config

	[ -e "$own" ] || own=/dev/null
	sed 's/#.*//; /=/!d' "$own" "${FRAGMENTS[@]}" "$TESTS/config" |
		awk -F = '!seen[$1]++' | sort
}

# name: print the kernel's name. It contains a hash of everything that changes
# the kernel, because two kernels of one name would load each other's modules.
name()
{
	local package

	package=$(dpkg-query -W -f '${Version}' "linux-source-$LINE" \
		2>/dev/null) || return
	echo "${package%%-*}$SUFFIX-$({
		echo "$package"
		"${CC:-gcc}" -dumpfullversion
		wanted
		[ ${#PATCHES[@]} = 0 ] || cat "${PATCHES[@]}"
	} | sha256sum | cut -c1-8)"
}

# missing CONFIG: print the wanted options that CONFIG does not have. An option
# wanted as a module may be built in.
missing()
{
	local line option

	while read -r line; do
		option=${line%%=*}
		case $line in
		*=n) ! grep -qE "^$option=" "$1" || echo "$line" ;;
		*=m) grep -qE "^$option=[my]" "$1" || echo "$line" ;;
		*) grep -qxF -- "$line" "$1" || echo "$line" ;;
		esac
	done < <(wanted)
}

configure()
{
	local lost

	kmake tinyconfig
	# Kconfig uses the last value of an option.
	wanted >> .config
	kmake olddefconfig
	lost=$(missing .config)
	[ -z "$lost" ] || {
		echo "the kernel refuses these options:"
		echo "$lost"
		return 1
	}
}

# kmake ARGUMENT...: run make with an empty LOCALVERSION, so that nothing but
# our suffix is in the kernel's name
kmake()
{
	make -j "${JOBS:-$(nproc)}" LOCALVERSION= \
		CC="${CC:-gcc}" KBUILD_BUILD_USER=ipsec-ipip \
		KBUILD_BUILD_HOST=ipsec-ipip "$@"
}

# headers_to DIR: copy the files that module builds need to DIR; 6.1 has no
# install-extmod-build
headers_to()
{
	local arch=arch/x86

	mkdir -p "$1"
	{
		find . -path ./installed -prune -o \( -name 'Makefile*' -o \
			-name 'Kbuild*' -o -name 'Kconfig*' \) -print
		find include $arch/include scripts -type f -o -type l
		echo Module.symvers
		echo .config
		echo tools/objtool/objtool
	} | tar -cf - -T - | tar -xf - -C "$1"
}

# install_to DIR: install the kernel in the layout of an unpacked package. "build"
# is a directory and not a link, so the source can be deleted.
install_to()
{
	local out=$1 modules=$1/lib/modules/$version

	rm -rf "$out"
	mkdir -p "$out/boot"
	cp arch/x86/boot/bzImage "$out/boot/vmlinuz-$version"
	cp .config "$out/boot/config-$version"
	cp System.map "$out/boot/System.map-$version"
	kmake INSTALL_MOD_PATH="$out" INSTALL_MOD_STRIP=1 modules_install
	rm -f "$modules/build" "$modules/source"
	if [ -e scripts/package/install-extmod-build ]; then
		# shellcheck disable=SC2016 # it is for make
		kmake run-command KBUILD_RUN_COMMAND='$(srctree)'"/scripts/package/install-extmod-build $modules/build"
	else
		headers_to "$modules/build"
	fi
	[ -e "$modules/build/Module.symvers" ]
}

# unpack: unpack the source here and apply the patches
unpack()
{
	local patch

	rm -rf ./*
	tar -xJf "/usr/src/linux-source-$LINE.tar.xz" --strip-components=1
	for patch in "${PATCHES[@]}"; do
		patch -p1 --no-backup-if-mismatch < "$patch"
	done
	touch unpacked
}

build()
{
	[ -e unpacked ] || unpack
	if [ ! -e configured ]; then
		echo "${version#"$(make -s kernelversion)"}" > localversion
		configure
		touch configured
	fi
	[ "$(make -s kernelrelease LOCALVERSION=)" = "$version" ]
	kmake bzImage modules
	install_to "$PWD/installed"
}

# build_cached: build the kernel unless it is in the cache, and set version and
# dir. An interrupted build is resumed.
build_cached()
{
	local work status

	version=$(name) || die "no package linux-source-$LINE is installed"
	dir=$CACHE/kernels/$version
	work=$CACHE/$PROG/$version

	if [ ! -d "$dir" ]; then
		mkdir -p "$work" "${dir%/*}"
		exec {lock}> "$work.lock"
		flock -n "$lock" || {
			note "another process builds $version; waiting ..."
			flock "$lock"
		}
	fi
	[ ! -d "$dir" ] || return 0

	mkdir -p "$work"
	note "building $version, log in $work.log ..."
	cd "$work"
	# "set -e" has no effect in a function that is part of a condition.
	set +e
	(set -e; build) > "$work.log" 2>&1 < /dev/null
	status=$?
	set -e
	if [ "$status" != 0 ]; then
		tail -n 20 "$work.log" >&2
		die "the build of $version failed, see $work.log"
	fi
	mv "$work/installed" "$dir"
	cd /
	rm -rf "$work" "$work.lock"
	note "built in $((SECONDS / 60)) min"
}

# kernel_main [ARGUMENT]: handle the arguments of the script
kernel_main()
{
	local sets=(debug)

	[ "$LINE" = 6.12 ] || sets+=("debug-$LINE")
	case ${1:-} in
	'') ;;
	--version)
		name ||
			die "linux-source-$LINE is missing:" \
				"run scripts/setup ${sets[*]}"
		exit
		;;
	--config) wanted; exit ;;
	*) die "usage: $USAGE" ;;
	esac

	"$ROOT/scripts/setup" "${sets[@]}"
	build_cached
	echo "$version"
}
