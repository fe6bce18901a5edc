# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
#
# Builds a kernel from Debian's own source into the cache, among the kernels
# that scripts/kernels lists. debug-kernel and patched-kernel source this and set:
#
#   USAGE	how the script is called
#   LINE	the line of kernels, as in the name of Debian's package
#   SUFFIX	how the name begins, after the version
#   FRAGMENTS	files with the options that are wanted, beside those of the tests;
#		the first that names an option decides, and before them all
#		lines/LINE.config of their folder, if there is one
#   PATCHES	patches to apply, in this order

KERNEL_CONFIGS=$ROOT/scripts/debug-kernel.d
TESTS=$ROOT/selftests/net/ipsec_ipip

# What the tests want as a module may be built in. Comments do not matter, so
# the cache outlives them.
wanted()
{
	local own=$KERNEL_CONFIGS/lines/$LINE.config

	[ -e "$own" ] || own=/dev/null
	sed 's/#.*//; /=/!d' "$own" "${FRAGMENTS[@]}" "$TESTS/config" |
		awk -F = '!seen[$1]++' | sort
}

# The name changes with whatever makes another kernel of it: two kernels of one
# name would take each other's modules.
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

# Options that are not as they should be, of those that were asked for.
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
	# The last word on an option is what counts.
	wanted >> .config
	kmake olddefconfig
	lost=$(missing .config)
	[ -z "$lost" ] || {
		echo "the kernel refuses these options:"
		echo "$lost"
		return 1
	}
}

# kmake ARGUMENT...: make, with nothing in the kernel's name but ours
kmake()
{
	make -j "${JOBS:-$(nproc)}" LOCALVERSION= \
		CC="${CC:-gcc}" KBUILD_BUILD_USER=ipsec-ipip \
		KBUILD_BUILD_HOST=ipsec-ipip "$@"
}

# headers_to DIR: copies there all that modules are built with; 6.1 has no script
# for that yet.
headers_to()
{
	local arch=arch/x86

	mkdir -p "$1"
	{
		find . -name 'Makefile*' -o -name 'Kbuild*' -o -name 'Kconfig*'
		find include $arch/include scripts -type f -o -type l
		echo Module.symvers
		echo .config
		echo tools/objtool/objtool
	} | tar -cf - -T - | tar -xf - -C "$1"
}

# In the layout of an unpacked package; "build" is a real directory there, so
# that nothing of the source must stay.
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

# The source with the patches in it, once
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

# build_cached: sets version, and dir to where it is. A build that was
# interrupted is taken up again.
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
			note "somebody else builds it; waiting ..."
			flock "$lock"
		}
	fi
	[ ! -d "$dir" ] || return 0

	mkdir -p "$work"
	note "building $version, as it is told in $work.log ..."
	cd "$work"
	# A function in a condition would go on after what fails in it.
	set +e
	(set -e; build) > "$work.log" 2>&1 < /dev/null
	status=$?
	set -e
	if [ "$status" != 0 ]; then
		tail -n 20 "$work.log" >&2
		die "it could not be built; all that was said is in $work.log"
	fi
	mv "$work/installed" "$dir"
	cd /
	rm -rf "$work" "$work.lock"
	note "built in $((SECONDS / 60)) min"
}

# kernel_main [ARGUMENT]: what the scripts do with their arguments
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
