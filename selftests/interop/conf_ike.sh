#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Links from configuration files of five lines, with keys that strongSwan or libreswan
# negotiates.
# A failure means that the file is not enough, that something of it stays after
# down, or that the secret can be read by others.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"
# shellcheck source=lib/ike.sh
source "$IPSI_INTEROP/lib/ike.sh"
# shellcheck source=lib/pluto.sh
source "$IPSI_INTEROP/lib/pluto.sh"

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

# conf_auth HOST: print the lines for a secret, or for certificates if there are any
conf_auth()
{
	local certs=$IPSI_TMP/certs

	if [ ! -e "$certs" ]; then
		(umask 077; echo "$SECRET" > "$IPSI_TMP/$1.psk")
		echo "Secret = file:$IPSI_TMP/$1.psk"
		return
	fi
	cat <<-END
		Certificate = $certs/x509/$1.pem
		PrivateKey = $certs/private/$1.pem
		CA = $certs/x509ca/ca.pem
	END
}

# conf_host HOST [LINE]: start charon, and write the file of HOST
conf_host()
{
	local dir=$IPSI_TMP/charon.$1

	mkdir -p "$dir/conf.d" "$dir/private"
	ipsi_charon "$1" <<< "include conf.d/*.conf"
	conf_write "$@"
}

# conf_write HOST [LINE]: write the file of HOST
conf_write()
{
	local host=$1 peer=${IPSI_PEER[$1]}

	mkdir -p "$IPSI_TMP/$host.d"
	CONF=$IPSI_TMP/$host.d/$IPSI_DEV.conf
	cat > "$CONF" <<-END
		Local = ${IPSI_OUTER[$host]}
		Remote = ${IPSI_OUTER[$peer]}
		$(conf_auth "$host")
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

# conf_gone HOST: after the daemon was taken off the link, nothing of it is left
conf_gone()
{
	ipsi_is "$(ipsi_swanctl "$1" --list-sas)" "" "SAs of charon"
	ipsi_is "$(ipsi_swanctl "$1" --list-conns)" "" "connections"
	ipsi_is "$(find "$IPSI_TMP/charon.$1/"{conf.d,private,ipsec-ipip} \
		! -type d 2> /dev/null)" "" "files"
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
		conf_gone "$host"
		ipsi_is "$(ip -n "${!host}" xfrm state)" "" "states"
		ipsi_must_fail "does not exist" "$host" \
			ip link show dev "$IPSI_DEV"
	done
}

ikev1()
{
	conf_both "Version = 1" "IKEv1"
}

# conf_issue NAME SUBJECT: make a certificate for the key of NAME
conf_issue()
{
	local certs=$IPSI_TMP/certs

	pki --pub --in "$certs/private/$1.pem" --type ecdsa |
		pki --issue --cacert "$certs/x509ca/ca.pem" \
			--cakey "$certs/ca.key" --dn "CN=$2" --san "$2" \
			--outform pem > "$certs/new.pem" 2> /dev/null ||
		ipsi_fail "no certificate"
	mv "$certs/new.pem" "$certs/x509/$1.pem"
}

# conf_peer_id ID: true if the right host knows the left one by ID
conf_peer_id()
{
	[[ $(ipsi_swanctl right --list-sas) == *"remote '$1'"* ]]
}

# A certificate that is renewed under the same path is in use after a reload.
certificates()
{
	local file=$IPSI_TMP/left.d/$IPSI_DEV.conf

	ipsi_need pki
	"$IPSI_INTEROP/ike/strongswan/make-certs" "$IPSI_TMP/certs" left right \
		2> /dev/null || ipsi_fail "no certificates"
	conf_both "" "IKEv2"
	conf_peer_id "CN=left.example" || ipsi_fail "identity of the left"
	# Where AppArmor confines swanctl, it reads nothing but these.
	ipsi_has_not "$(cat "$IPSI_TMP/charon.left/conf.d/"*)" "certs = $IPSI_TMP/certs" \
		"files of the connection"
	ipsi_is "$(find "$IPSI_TMP/charon.left/"{private,ipsec-ipip} -type f -perm 600 |
		wc -l)" 3 "copies that only root can read"
	conf_issue left left2.example
	conf_ipsec left syncconf "$file"
	ipsi_swanctl left --terminate --ike "ipsec-ipip-$IPSI_DEV" > /dev/null
	ipsi_wait "answer" conf_answers
	ipsi_wait "identity of the new certificate" \
		conf_peer_id "CN=left2.example"
	conf_ipsec left down "$file"
	conf_gone left
}

# A certificate of another authority is not accepted.
other_authority()
{
	local host

	ipsi_need pki
	ipsi_charon_need
	ipsi_topology
	for host in left right; do
		rm -rf "$IPSI_TMP/certs"
		"$IPSI_INTEROP/ike/strongswan/make-certs" "$IPSI_TMP/certs" \
			left right 2> /dev/null || ipsi_fail "no certificates"
		conf_host "$host"
		# Each host keeps those of its own.
		mv "$IPSI_TMP/certs" "$IPSI_TMP/$host.certs"
		sed -i "s|$IPSI_TMP/certs|$IPSI_TMP/$host.certs|" "$CONF"
		conf_ipsec "$host" up "$CONF"
	done
	ipsi_swanctl left --initiate --child "$IPSI_DEV" --timeout 20 \
		> "$IPSI_TMP/initiate" && ipsi_fail "accepted"
	ipsi_has "$(cat "$IPSI_TMP/initiate")" "AUTH_FAILED" "initiation"
	ipsi_is "$(ipsi_get left sa_out)" 0 "outbound SAs"
}

# A file that changes from IKE to keys set by hand, and back
to_manual_and_back()
{
	local file=$IPSI_TMP/left.d/$IPSI_DEV.conf dir spi

	conf_both "" "IKEv2"
	cp "$file" "$IPSI_TMP/ike"
	sed -i /^Secret/d "$file"
	# It will have keys.
	chmod 600 "$file"
	for dir in "out 0x1001" "in 0x1002"; do
		read -r dir spi <<< "$dir"
		cat >> "$file" <<-END
			[SA]
			Direction = $dir
			SPI = $spi
			Enc = cbc(aes) ${IPSI_ENC_KEY[left]}
			Auth = hmac(sha256) ${IPSI_AUTH_KEY[left]}
		END
	done
	conf_ipsec left syncconf "$file"
	conf_gone left
	ipsi_is "$(ipsi_get left active_spi)" "$((0x1001))" "SA in use"
	ipsi_is "$(ip -n "${left:?}" xfrm state | grep -c ^src)" 2 "states"
	cp "$IPSI_TMP/ike" "$file"
	conf_ipsec left syncconf "$file"
	ipsi_wait "answer" conf_answers
	ipsi_is "$(ipsi_charon_sas left)" 1 "CHILD_SAs"
}

# conf_pluto HOST [LINE]: start pluto, and write the file of HOST
conf_pluto()
{
	local dir=$IPSI_TMP/pluto.$1

	mkdir -p "$dir/ipsec.d" "$dir/bin"
	ipsi_pluto_nss "$1"
	printf '%s\n' "config setup" "	protostack=xfrm" "	dnssec-enable=no" \
		"	ikev1-policy=accept" \
		"include $dir/ipsec.d/*.conf" > "$dir/ipsec.conf"
	(umask 077
	 echo "include $dir/ipsec.d/*.secrets" > "$dir/ipsec.secrets")
	# "ipsec" for the files of this host
	cat > "$dir/bin/ipsec" <<-END
		#!/bin/sh
		socket="--ctlsocket $dir/pluto.ctl" what=\$1
		shift
		[ "\$what" = addconn ] || exec whack \$socket "\$@"
		exec addconn \$socket --config $dir/ipsec.conf "\$@"
	END
	chmod +x "$dir/bin/ipsec"
	ipsi_pluto_start "$1"
	conf_write "$1" "Daemon = libreswan
$2"
}

# conf_pluto_ipsec HOST COMMAND...: run ipsec-ipip with pluto's files of HOST
conf_pluto_ipsec()
{
	local host=$1 dir=$IPSI_TMP/pluto.$1
	shift

	ipsi_do "$host" env PATH="$dir/bin:$PATH" SWANCTL_DIR="$IPSI_TMP" \
		IPSEC_CONFDDIR="$dir/ipsec.d" ipsec-ipip "$@"
}

# conf_pluto_rekey: change the keys of the CHILD SA
conf_pluto_rekey()
{
	local spi

	spi=$(ipsi_get left active_spi)
	ipsi_pluto_do left rekey-ipsec "ipsec-ipip-$IPSI_DEV"
	ipsi_wait "other keys" conf_rekeyed "$spi"
	ipsi_wait "answer" conf_answers
}

# conf_pluto_both VERSION STATE: make the link on both ends, use it, and delete it
conf_pluto_both()
{
	local host name=ipsec-ipip-$IPSI_DEV

	ipsi_pluto_need
	ipsi_topology
	for host in left right; do
		conf_pluto "$host" "Version = $1"
		conf_pluto_ipsec "$host" up "$CONF"
		ipsi_is "$(stat -c %a "$IPSI_TMP/pluto.$host/ipsec.d/"*.secrets)" \
			600 "mode of the secret"
	done
	ipsi_wait "answer" conf_answers
	ipsi_has "$(ipsi_whack left --showstates)" "$2" "version of IKE"
	# pluto refuses a request to rekey with IKEv1.
	[ "$1" = 1 ] || conf_pluto_rekey
	for host in left right; do
		conf_pluto_ipsec "$host" down "$IPSI_TMP/$host.d/$IPSI_DEV.conf"
		! ipsi_pluto_has "$host" "$name" || ipsi_fail "a connection"
		ipsi_is "$(ip -n "${!host}" xfrm state)" "" "states"
		ipsi_is "$(ls "$IPSI_TMP/pluto.$host/ipsec.d")" "" "files"
	done
}

# conf_rekeyed SPI: true if the left has another outbound SPI
conf_rekeyed()
{
	local spi

	spi=$(ipsi_get left active_spi)
	[ "$spi" != null ] && [ "$spi" != "$1" ]
}

libreswan()
{
	conf_pluto_both 2 ESTABLISHED_CHILD_SA
}

libreswan_ikev1()
{
	conf_pluto_both 1 QUICK
}

# A host gets another daemon, while the old one is stopped: both need port 500.
other_daemon()
{
	local dir=$IPSI_TMP/pluto.left charon=$IPSI_TMP/charon.left

	ipsi_pluto_need
	conf_both "" "IKEv2"
	ipsi_charon_stop left
	conf_pluto left
	ipsi_do left env PATH="$dir/bin:$PATH" IPSEC_CONFDDIR="$dir/ipsec.d" \
		STRONGSWAN_CONF="$charon/strongswan.conf" \
		SWANCTL_DIR="$charon" ipsec-ipip syncconf "$CONF"
	ipsi_is "$(ls "$charon/conf.d")" "" "files of charon"
	ipsi_pluto_has left "ipsec-ipip-$IPSI_DEV" || ipsi_fail "no connection"
	ipsi_wait "answer" conf_answers
}

# A file that libreswan refuses is not left to it, and not taken for loaded.
libreswan_refuses()
{
	local dir=$IPSI_TMP/pluto.left i before name=ipsec-ipip-$IPSI_DEV run

	ipsi_pluto_need
	run=(env PATH="$dir/bin:$PATH" SWANCTL_DIR="$IPSI_TMP"
	     IPSEC_CONFDDIR="$dir/ipsec.d" ipsec-ipip)
	ipsi_topology
	conf_pluto left "LocalId = C=DE, O=left
RemoteId = @right.example"
	# another file of the host
	echo "bogus" > "$dir/ipsec.d/other.conf"
	ipsi_must_fail "addconn --checkconfig" left "${run[@]}" up "$CONF"
	ipsi_is "$(ls "$dir/ipsec.d")" other.conf "files after up"
	rm "$dir/ipsec.d/other.conf"
	ipsi_do left "${run[@]}" up "$CONF"
	ipsi_pluto_has left "$name" || ipsi_fail "no connection"
	before=$(cat "$dir/ipsec.d"/*)

	echo "bogus" > "$dir/ipsec.d/other.conf"
	sed -i "s/^RemoteId.*/RemoteId = @other.example/" "$CONF"
	for i in first second; do
		ipsi_must_fail "addconn --checkconfig" left "${run[@]}" \
			syncconf "$CONF"
		ipsi_is "$(cat "$dir/ipsec.d/$name".*)" "$before" \
			"files after the $i syncconf"
	done
	ipsi_pluto_has left "$name" || ipsi_fail "the connection is lost"
	rm "$dir/ipsec.d/other.conf"
	ipsi_do left "${run[@]}" syncconf "$CONF"
	ipsi_has "$(cat "$dir/ipsec.d/$name".*)" "other.example" "files"
	echo "LocalTS = 0.0.0.0/0, ::/0" >> "$CONF"
	ipsi_must_fail "libreswan takes one network" left "${run[@]}" \
		syncconf "$CONF"
	ipsi_do left "${run[@]}" down "$CONF"
	ipsi_is "$(ls "$dir/ipsec.d")" "" "files after down"
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
	# Without a list of plug-ins, swanctl names each that is not installed.
	: > "$IPSI_TMP/empty"
	ipsi_is "$(ipsi_try left env STRONGSWAN_CONF="$IPSI_TMP/empty" \
		SWANCTL_DIR="$IPSI_TMP/charon.left" ipsec-ipip up "$CONF" 2>&1 |
		grep -E "^plugin '|usage:|--load-creds \[")" "" "noise of swanctl"
	ipsi_must_fail "install strongswan-swanctl" left env \
		SWANCTL_DIR="$IPSI_TMP/none" ipsec-ipip up "$CONF"
	chmod g+r "$IPSI_TMP/left.psk"
	ipsi_must_fail "chmod 600" left env \
		SWANCTL_DIR="$IPSI_TMP/charon.left" ipsec-ipip up "$CONF"
	ipsi_must_fail "does not exist" left ip link show dev "$IPSI_DEV"
	ipsi_is "$(ls "$IPSI_TMP/charon.left/conf.d")" "" "files"
}

ipsi_run five_lines ikev1 certificates other_authority to_manual_and_back \
	libreswan libreswan_ikev1 other_daemon libreswan_refuses no_daemon
