#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The netlink family according to its specification, with the kernel's own YNL
# library, which knows only that file: a second client, independent of
# ipsec-ipip. It can make requests that ipsec-ipip cannot. A failure means that
# the kernel and the specification differ.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/load.sh
source "$IPSI_LIB/load.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

SPEC=ipsec-ipip.yaml

# options of the device
OPTIONS=()

# first_of FILE FOLDER...: set FOUND to the first folder with FILE
first_of()
{
	local dir

	for dir in "${@:2}"; do
		[ -e "$dir/$1" ] || continue
		FOUND=$dir
		return
	done
	ipsi_skip "$1 is in none of: ${*:2}"
}

# ynl TEST [ARGUMENT]...: run the Python part of the test
ynl()
{
	local tools specs python=/usr/bin/python3

	ipsi_need "$python"
	"$python" -c 'import yaml' || ipsi_skip "python3-yaml is not installed"
	# The name of the library changed in 6.14.
	first_of cli.py "${KSFT_YNL:-}" "${KSFT_YNL:-}/pyynl" \
		"${KSFT_NET_DIR:-}/../../../net/ynl" \
		"${KSFT_NET_DIR:-}/../../../net/ynl/pyynl" \
		"$IPSI_LIB/../../../../../net/ynl/pyynl"
	tools=$FOUND
	first_of "$SPEC" "$IPSI_LIB/../../../../Documentation/netlink/specs" \
		"$IPSI_LIB/../../../../../../Documentation/netlink/specs"
	specs=$FOUND

	ipsi_topology
	ipsi_device left reqid 9 "${OPTIONS[@]}"
	ipsi_do left "$python" "$IPSI_LIB/ynl.py" "$tools" \
		"$specs/$SPEC" "$@"
}

requests()
{
	ynl requests
	# The first client sees the SAs that it left.
	ipsi_has "$(ipsi_try left ipsec-ipip sa show)" \
		"out spi 0x00001001 proto esp mode transport reqid 9 (active)" \
		"SAs"
}

refusals()
{
	ynl refusals
}

events()
{
	ynl events
}

adoption_waits()
{
	OPTIONS=(keying adopt)
	load_waits esp6 xfrm-type-10-50
	ynl adoption_waits "$IPSI_TMP" "$IPSI_LIB/xfrm.py"
}

ipsi_run requests refusals events adoption_waits
