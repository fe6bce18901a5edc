#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The peer's ESP is not that of the kernel: charon with the plug-in
# kernel-libipsec encrypts in user space, in tunnel mode, and always in UDP. A
# failure means that the device depends on the kernel at the other end.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/strongswan.sh
source "$IPSI_INTEROP/lib/strongswan.sh"

# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

# libipsec_start OUTER INNER: start both sides, with these families
libipsec_start()
{
	ipsi_charon_need
	ipsi_need python3
	[ -e /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so ] ||
		ipsi_skip "the plug-in kernel-libipsec is not installed"
	modprobe tun 2> /dev/null
	[ -e /dev/net/tun ] || ipsi_skip "no /dev/net/tun"
	ipsi_families "$1" "$2"
	ipsi_topology
	ipsi_device left keying adopt reqid 77
	# charon makes the routes to its own device, and requires an address in
	# each of its networks.
	ipsi_do right ip address add 192.168.2.1 dev lo
	ipsi_do right ip address add fd02::1 dev lo
	mkdir -p "$IPSI_TMP/charon.right"
	echo "install_routes = yes" > "$IPSI_TMP/charon.right/charon.conf"
	IPSI_CHARON_PLUGINS=${IPSI_CHARON_PLUGINS/kernel-netlink/kernel-libipsec kernel-netlink} \
		swan_charon right gateway-psk.conf
	swan_charon left device-psk.conf
}

libipsec()
{
	libipsec_start "$@"
	swan_answer left
	swan_believe
	ipsi_is "$(ip -n "${right:?}" xfrm state)" "" "states of the peer"
	ipsi_has "$(ip -n "${left:?}" xfrm state list \
		dst "${IPSI_OUTER[right]}")" "encap type espinudp" "state"
	ipsi_ping left -c 3 -i 0.2
	ipsi_ping right -c 3 -i 0.2
	# large packets
	ipsi_ping left -s 1300
	swan_rekey left
	ipsi_ping left
	swan_rekey right
	ipsi_ping right
	ipsi_swanctl right --terminate --ike link > /dev/null ||
		ipsi_fail "terminate"
	ipsi_wait "end of the SAs" ipsi_has_sas left 0 0
	swan_answer left
}

# R4 R28 R87
libipsec_4_in_4() { libipsec 4 4; }
libipsec_6_in_4() { libipsec 4 6; }

ipsi_run libipsec_4_in_4 libipsec_6_in_4
