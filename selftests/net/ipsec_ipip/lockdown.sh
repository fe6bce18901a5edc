#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A kernel that is locked down for confidentiality shows no keys, not even to
# root; "ip xfrm state" does not either. A lockdown cannot be undone, so this
# test runs only if the kernel command line has the word ipsi.lockdown, in
# addition to lsm=lockdown. A failure means that the family bypasses the
# lockdown.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

DEV=$IPSI_DEV

# lockdown_file: print the path of the lockdown file
lockdown_file()
{
	LOCKDOWN=/sys/kernel/security/lockdown
	[ -e "$LOCKDOWN" ] ||
		mount -t securityfs securityfs /sys/kernel/security ||
		ipsi_skip "no securityfs"
	[ -e "$LOCKDOWN" ] || ipsi_skip "the kernel cannot be locked down"
}

is_locked()
{
	grep -qF '[confidentiality]' "$LOCKDOWN"
}

# keys: print the keys that are shown
keys()
{
	ipsi_try left ipsec-ipip -q -j "$@" |
		jq -c 'map([has("enc_key"), has("auth_key")])'
}

no_keys()
{
	local warning

	ipsi_need jq
	lockdown_file
	ipsi_topology
	ipsi_device_side left
	if ! is_locked; then
		grep -qw ipsi.lockdown /proc/cmdline ||
			ipsi_skip "the kernel is not to be locked down"
		ipsi_is "$(keys sa show keys)" "[[true,true],[true,true]]" \
			"keys before"
		echo confidentiality > "$LOCKDOWN"
		is_locked || ipsi_fail "the kernel is not locked down"
	fi
	ipsi_is "$(keys sa show keys)" "[[false,false],[false,false]]" "keys"
	ipsi_is "$(keys sa show "$DEV" out spi "${IPSI_SPI[left]}" keys)" \
		"[[false,false]]" "keys of one SA"
	ipsi_has_not "$(ipsi_try left ip xfrm state)" \
		"${IPSI_ENC_KEY[left]#0x}" "keys of ip xfrm"
	for warning in "$(ipsi_try left ipsec-ipip sa show keys 2>&1)" \
		"$(ipsi_try left ipsec-ipip sa show "$DEV" out \
			spi "${IPSI_SPI[left]}" keys 2>&1)"; do
		ipsi_has "$warning" \
			"keys: not shown, the kernel is locked down" "warning"
	done
	# Everything else works as usual.
	ipsi_tunnel_side right
	ipsi_ping left
	ipsi_has "$(ipsi_try left ipsec-ipip sa show)" "enc cbc(aes)" "SAs"
}

ipsi_run no_keys
