#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Holds up the loading of a module, and with that the requests of a namespace about
# its SAs: xfrm_cfg_mutex stays taken.

# load_waits MODULE ALIAS: unload MODULE; when the kernel wants it next, it waits
# for load_goes_on. A program that adds or moves an SA of this kind waits with it,
# and so do all others that change SAs in its namespace.
load_waits()
{
	local helper=/proc/sys/kernel/modprobe old
	local seconds=net.core.netdev_unregister_timeout_secs

	[[ $(modinfo -F filename "$1" 2> /dev/null) == /* ]] ||
		ipsi_skip "$1 cannot be unloaded here"
	# Other tests may have loaded modules that use it, such as esp6_offload.
	ipsi_wait "the end of all users of $1" modprobe -r --remove-holders "$1"
	old=$(cat $helper)
	cat > "$IPSI_TMP/modprobe" <<-HELPER
		#!/bin/sh
		case "\$*" in
		*$2*)
			: > $IPSI_TMP/waits
			while [ -d $IPSI_TMP ] && [ ! -e $IPSI_TMP/goes-on ]; do
				sleep 0.1
			done ;;
		esac
		exec $old "\$@"
	HELPER
	chmod +x "$IPSI_TMP/modprobe"
	seconds="$seconds=$(sysctl -qn "$seconds")"
	# shellcheck disable=SC2064 # as it is now
	trap ": > $IPSI_TMP/goes-on; echo $old > $helper; sysctl -qw $seconds
		ipsi_cleanup" EXIT
	# no complaint of the core about a device that does not end
	sysctl -qw "${seconds%=*}=3600"
	echo "$IPSI_TMP/modprobe" 2> /dev/null > $helper ||
		ipsi_skip "the kernel has a fixed modprobe"
}

load_goes_on()
{
	: > "$IPSI_TMP/goes-on"
}
