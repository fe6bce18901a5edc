#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "ipsec-ipip export --to swanctl" and "--to libreswan": the peer, an ordinary host
# with the exported file and nothing else, and the link of a configuration file
# reach each other, no matter which of them begins. A failure means that an operator has to write
# the peer's configuration by hand.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/pluto.sh
source "$IPSI_INTEROP/lib/pluto.sh"

# Only the test sends packets: they would bring keys.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

# export_conf [LINE]: write the configuration of the right host
export_conf()
{
	mkdir -p "$IPSI_TMP/right.d" "$IPSI_TMP/charon.right/conf.d"
	CONF=$IPSI_TMP/right.d/$IPSI_DEV.conf
	umask 077
	echo 'a secret, "quoted"' > "$IPSI_TMP/psk"
	cat > "$CONF" <<-END
		Local = ${IPSI_OUTER[right]}
		Remote = ${IPSI_OUTER[left]}
		Secret = file:$IPSI_TMP/psk
		Address = ${IPSI_INNER[right]}
		Route = ${IPSI_INNER[left]}
		$1
	END
	umask 022
}

# export_device: make the link of the right host
export_device()
{
	local dir=$IPSI_TMP/charon.right

	ipsi_charon right <<< "include conf.d/*.conf"
	ipsi_do right env STRONGSWAN_CONF="$dir/strongswan.conf" \
		SWANCTL_DIR="$dir" ipsec-ipip up "$CONF"
}

# export_ordinary: give the left host its inner address, and a route
export_ordinary()
{
	ipsi_inner left
	ipsi_do left ip route add "${IPSI_INNER[right]}" dev "$IPSI_WIRE" \
		src "${IPSI_INNER[left]}"
}

# export_to DAEMON FILE: export; the file must be for its owner alone
export_to()
{
	(umask 077; ipsi_try right ipsec-ipip export "$CONF" --to "$1" > "$2" \
		2> "$IPSI_TMP/messages") || ipsi_fail "$(cat "$IPSI_TMP/messages")"
	ipsi_is "$(cat "$IPSI_TMP/messages")" "" "messages"
	cat "$2"
}

# answers HOST: wait until the other host answers
answers()
{
	ipsi_wait "answer to the $1" ipsi_try "$1" ping -n -q -c 1 -W 2 \
		-I "${IPSI_INNER[$1]}" "${IPSI_INNER[${IPSI_PEER[$1]}]}"
}

# to_swanctl HOST: HOST sends first
to_swanctl()
{
	ipsi_charon_need
	ipsi_topology
	export_conf
	export_to swanctl "$IPSI_TMP/peer.conf"
	export_ordinary
	ipsi_charon left < "$IPSI_TMP/peer.conf"
	export_device
	answers "$1"
	answers "${IPSI_PEER[$1]}"
	ipsi_has "$(ipsi_swanctl left --list-sas)" "INSTALLED, TUNNEL" \
		"the peer's daemon"
	ipsi_is "$(ipsi_get right sa_in)" 1 "inbound SAs of the device"
}

swanctl_peer_begins() { to_swanctl left; }
swanctl_device_begins() { to_swanctl right; }

# to_libreswan HOST: HOST sends first
to_libreswan()
{
	local dir=$IPSI_TMP/pluto.left

	ipsi_charon_need
	ipsi_pluto_need
	ipsi_topology
	export_conf
	ipsi_must_fail "\"LocalTS = ${IPSI_INNER[right]}/32\" and \"RemoteTS = ${IPSI_INNER[left]}/32\"" \
		right ipsec-ipip export "$CONF" --to libreswan
	export_conf "LocalTS = ${IPSI_INNER[right]}/32"$'\n'"RemoteTS = ${IPSI_INNER[left]}/32"
	export_to libreswan "$IPSI_TMP/peer.conf"
	export_ordinary
	ipsi_pluto_nss left
	mkdir -p "$dir/ipsec.d"
	{
		printf '%s\n' "config setup" "	protostack=xfrm" \
			"	dnssec-enable=no"
		cat "$IPSI_TMP/peer.conf"
		# Its script is not where it would be if it were installed.
		echo "	leftupdown=%disabled"
	} > "$dir/ipsec.conf"
	(umask 077; sed -n 's/^# \(.* : PSK .*\)/\1/p' "$IPSI_TMP/peer.conf" \
		> "$dir/ipsec.secrets")
	ipsi_pluto_start left
	ipsi_wait "the configuration" ipsi_pluto_has left "ipsec-ipip-$IPSI_DEV"
	export_device
	answers "$1"
	answers "${IPSI_PEER[$1]}"
}

libreswan_peer_begins() { to_libreswan left; }
libreswan_device_begins() { to_libreswan right; }

# A link that cannot be exported is refused, with the next step.
refusals()
{
	ipsi_topology
	export_conf "IkeProposals = aes128-sha256-x25519"
	ipsi_must_fail "or write those of libreswan by hand" right \
		ipsec-ipip export "$CONF" --to libreswan
	sed -i '/Secret\|Proposals/d' "$CONF"
	ipsi_must_fail "has keys set by hand, which IKE daemons do not take" \
		right ipsec-ipip export "$CONF" --to swanctl
	ipsi_must_fail "is not ip-xfrm, openbsd, self, swanctl or libreswan" \
		right ipsec-ipip export "$CONF" --to racoon
}

ipsi_run swanctl_peer_begins swanctl_device_begins libreswan_peer_begins \
	libreswan_device_begins refusals
