#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library of the strongSwan tests, in addition to ipsi.sh and ike.sh: the
# configuration files of ike/strongswan, which ipsec-ipip-strongswan.rst shows, and
# operations on the link that they describe, with a device on the left and an
# ordinary host with policies on the right.

SWAN_FILES=$IPSI_INTEROP/ike/strongswan

# swan_charon HOST FILE [SED_COMMAND...]: run charon with FILE, edited for the
# outer addresses of this test
swan_charon()
{
	local host=$1 file=$SWAN_FILES/$2 dir=$IPSI_TMP/charon.$1 edit
	local -a edits=(-e "s/10\\.0\\.0\\.1/${IPSI_OUTER[left]}/g"
			-e "s/10\\.0\\.0\\.2/${IPSI_OUTER[right]}/g")
	shift 2

	for edit in "$@"; do
		edits+=(-e "$edit")
	done
	mkdir -p "$dir"
	# The test's own commands come last.
	{
		sed -n '/^charon {/,/^}/{//!p}' "$SWAN_FILES/strongswan.conf"
		cat "$dir/charon.conf" 2> /dev/null
	} > "$dir/charon.conf.new"
	mv "$dir/charon.conf.new" "$dir/charon.conf"
	ipsi_charon "$host" < <(sed "${edits[@]}" "$file")
}

# swan_certs HOST...: install keys and certificates
swan_certs()
{
	local host dir kind

	ipsi_need pki
	"$SWAN_FILES/make-certs" "$IPSI_TMP/certs" "$@" 2> "$IPSI_TMP/pki" ||
		ipsi_fail "make-certs: $(cat "$IPSI_TMP/pki")"
	for host in "$@"; do
		dir=$IPSI_TMP/charon.$host
		for kind in x509ca x509 private; do
			mkdir -p "$dir/$kind"
		done
		cp "$IPSI_TMP/certs/x509ca/ca.pem" "$dir/x509ca"
		cp "$IPSI_TMP/certs/x509/$host.pem" "$dir/x509"
		cp "$IPSI_TMP/certs/private/$host.pem" "$dir/private"
	done
}

# swan_ordinary HOST: set up the inner address of an ordinary host, and the
# route to the other's
swan_ordinary()
{
	local host=$1 peer=${IPSI_PEER[$1]}

	ipsi_inner "$host"
	ipsi_do "$host" ip route add "${IPSI_INNER[$peer]}" dev "$IPSI_WIRE" \
		src "${IPSI_INNER[$host]}"
}

# swan_start {psk|cert} [DEVICE_OPTION...]: start both sides, ready for the
# first packet
swan_start()
{
	local auth=$1
	shift

	ipsi_charon_need
	ipsi_need python3
	ipsi_topology
	[ "$auth" = psk ] || swan_certs left right
	ipsi_device left keying adopt reqid 77 "$@"
	swan_ordinary right
	swan_charon right "gateway-$auth.conf"
	swan_charon left "device-$auth.conf"
}

# swan_answer HOST: wait until the other host answers, after a negotiation if
# necessary
swan_answer()
{
	local host=$1

	ipsi_wait "answer to the $host" ipsi_try "$host" ping -n -q -c 1 \
		-W 2 -I "${IPSI_INNER[$host]}" \
		"${IPSI_INNER[${IPSI_PEER[$host]}]}"
}

# swan_believe: check that charon on both hosts and the kernel on the right have
# tunnel mode, and that the device sends in transport mode. R27 R28
swan_believe()
{
	ipsi_has "$(ipsi_swanctl left --list-sas)" "INSTALLED, TUNNEL" \
		"charon on the left"
	ipsi_has "$(ipsi_swanctl right --list-sas)" "INSTALLED, TUNNEL" \
		"charon on the right"
	ipsi_has "$(ip -n "${left:?}" xfrm state list \
		dst "${IPSI_OUTER[right]}")" "mode transport" "outbound state"
	ipsi_has_not "$(ip -n "${right:?}" xfrm state)" "mode transport" \
		"states on the right"
}

swan_spis()
{
	ipsi_swanctl left --list-sas | grep '^ *out '
}

# swan_rekeyed: true if there is again one CHILD_SA, a new one
swan_rekeyed()
{
	[ "$(swan_spis)" != "$SWAN_SPIS" ] &&
		ipsi_charon_installed left 1 && ipsi_charon_installed right 1
}

# swan_rekey HOST: make HOST rekey, and wait until it is done
swan_rekey()
{
	SWAN_SPIS=$(swan_spis)
	echo "$1: rekey"
	ipsi_swanctl "$1" --rekey --child link > "$IPSI_TMP/rekey" ||
		ipsi_fail "rekey: $(cat "$IPSI_TMP/rekey")"
	ipsi_wait "rekeying by the $1" swan_rekeyed
}
