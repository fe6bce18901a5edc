#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Links from configuration files of five lines, with keys that strongSwan negotiates.
# A failure means that the file is not enough, that something of it stays after
# down, or that the secret can be read by others.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"

# Only the test sends packets: they would bring keys.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1
SECRET='nobody else "knows"'

# conf_ipsec HOST COMMAND...: run ipsec-ipip with charon's files of HOST
conf_ipsec()
{
	local host=$1 dir=$IPSI_TMP/charon.$1
	shift

	ipsi_do "$host" env STRONGSWAN_CONF="$dir/strongswan.conf" \
		SWANCTL_DIR="$dir" ipsec-ipip "$@"
}

# conf_host HOST [LINE]: start charon, and write the file of HOST
conf_host()
{
	local host=$1 peer=${IPSI_PEER[$1]} dir=$IPSI_TMP/charon.$1

	mkdir -p "$dir/conf.d" "$IPSI_TMP/$host.d"
	ipsi_charon "$host" <<< "include conf.d/*.conf"
	(umask 077; echo "$SECRET" > "$IPSI_TMP/$host.psk")
	CONF=$IPSI_TMP/$host.d/$IPSI_DEV.conf
	cat > "$CONF" <<-END
		Local = ${IPSI_OUTER[$host]}
		Remote = ${IPSI_OUTER[$peer]}
		Secret = file:$IPSI_TMP/$host.psk
		Address = ${IPSI_INNER[$host]}
		Route = ${IPSI_INNER[$peer]}
		$2
	END
}

# conf_answers: true if the right host answers
conf_answers()
{
	ipsi_try left ping -n -q -c 1 -W 2 "${IPSI_INNER[right]}"
}

# conf_both [LINE]: make the link on both ends, and use it
conf_both()
{
	local host

	ipsi_charon_need
	ipsi_topology
	for host in left right; do
		conf_host "$host" "$1"
		conf_ipsec "$host" up "$CONF"
	done
	ipsi_wait "answer" conf_answers
	ipsi_has "$(ipsi_swanctl left --list-sas)" "$2" "version of IKE"
	ipsi_is "$(ipsi_get left sa_out)" 1 "outbound SAs"
}

five_lines()
{
	local host file

	conf_both "" "IKEv2"
	# The secret is in no file that others can read.
	for file in "$IPSI_TMP"/charon.*/conf.d/*.conf; do
		ipsi_is "$(stat -c %a "$file")" 600 "mode of $file"
	done
	conf_ipsec left syncconf "$IPSI_TMP/left.d/$IPSI_DEV.conf"
	ipsi_is "$(ipsi_charon_sas left)" 1 "CHILD_SAs after syncconf"
	for host in left right; do
		conf_ipsec "$host" down "$IPSI_TMP/$host.d/$IPSI_DEV.conf"
		ipsi_is "$(ipsi_swanctl "$host" --list-sas)" "" "SAs of charon"
		ipsi_is "$(ipsi_swanctl "$host" --list-conns)" "" "connections"
		ipsi_is "$(ip -n "${!host}" xfrm state)" "" "states"
		ipsi_is "$(ls "$IPSI_TMP/charon.$host/conf.d")" "" "files"
		ipsi_must_fail "does not exist" "$host" \
			ip link show dev "$IPSI_DEV"
	done
}

ikev1()
{
	conf_both "Version = 1" "IKEv1"
}

# Without a daemon, and with a secret that others can read, nothing is made.
no_daemon()
{
	ipsi_charon_need
	ipsi_topology
	conf_host left
	ipsi_charon_stop left
	ipsi_must_fail "is the daemon running" left env \
		STRONGSWAN_CONF="$IPSI_TMP/charon.left/strongswan.conf" \
		SWANCTL_DIR="$IPSI_TMP/charon.left" ipsec-ipip up "$CONF"
	ipsi_must_fail "install strongswan-swanctl" left env \
		SWANCTL_DIR="$IPSI_TMP/none" ipsec-ipip up "$CONF"
	chmod g+r "$IPSI_TMP/left.psk"
	ipsi_must_fail "chmod 600" left env \
		SWANCTL_DIR="$IPSI_TMP/charon.left" ipsec-ipip up "$CONF"
	ipsi_must_fail "does not exist" left ip link show dev "$IPSI_DEV"
	ipsi_is "$(ls "$IPSI_TMP/charon.left/conf.d")" "" "files"
}

ipsi_run five_lines ikev1 no_daemon
