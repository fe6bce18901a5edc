#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libreswan for the tests: its daemon is pluto. Its package conflicts with that of
# strongSwan, so it may be only unpacked in $IPSI_UNPACKED instead of installed.
# Sourced after ipsi.sh.

# shellcheck source=selftests/interop/lib/daemon.sh
source "$IPSI_INTEROP/lib/daemon.sh"

# ipsi_pluto_need: skip the test if libreswan is neither installed nor unpacked.
# It also loads the kernel's modules for the SAs, so that no exchange waits for
# them.
ipsi_pluto_need()
{
	local dir

	for dir in '' "${IPSI_UNPACKED:-/nowhere}/libreswan"; do
		IPSI_PLUTO_EXEC=$dir/usr/libexec
		[ ! -x "$IPSI_PLUTO_EXEC/ipsec/pluto" ] || break
	done
	PATH+=:$IPSI_PLUTO_EXEC/ipsec
	ipsi_need pluto whack addconn certutil pk12util \
		openssl unshare
	modprobe -a esp4 esp6 gcm ctr seqiv aesni_intel xfrm_interface \
		2> /dev/null || :
}

# ipsi_pluto_nss HOST: make the database for keys and certificates
ipsi_pluto_nss()
{
	local nss=$IPSI_TMP/pluto.$1/nss

	[ ! -d "$nss" ] || return 0
	mkdir -p "$nss"
	certutil -N -d "sql:$nss" --empty-password ||
		ipsi_fail "no data base of NSS"
}

# ipsi_pluto_cert HOST DIRECTORY: install the certificate of ike/make-certs and
# its key
ipsi_pluto_cert()
{
	local host=$1 certs=$2 nss=sql:$IPSI_TMP/pluto.$1/nss

	ipsi_pluto_nss "$host"
	{
		certutil -A -d "$nss" -n ca -t CT,, -i "$certs/ca.crt" &&
		openssl pkcs12 -export -inkey "$certs/$host.key" \
			-in "$certs/$host.crt" -name "$host" -passout pass: \
			-out "$certs/$host.p12" &&
		pk12util -i "$certs/$host.p12" -d "$nss" -W ''
	} > "$IPSI_TMP/nss" 2>&1 || ipsi_fail "NSS: $(cat "$IPSI_TMP/nss")"
}

# ipsi_pluto HOST CONFIG [SCRIPT]: start pluto with the ipsec.conf CONFIG of
# ike/libreswan, edited by a sed script
ipsi_pluto()
{
	local host=$1 dir=$IPSI_TMP/pluto.$1 files=$IPSI_INTEROP/ike/libreswan

	ipsi_pluto_nss "$host"
	mkdir -p "$dir/ipsec.d"
	sed "${3:-}" "$files/$2" > "$dir/ipsec.conf"
	(umask 077; cp "$files/ipsec.secrets" "$dir/")
	ipsi_pluto_start "$host"
}

# ipsi_pluto_start HOST: start pluto with the existing files. It looks for its
# programs in /usr/libexec, so they are mounted there.
ipsi_pluto_start()
{
	local host=$1 dir=$IPSI_TMP/pluto.$1

	# shellcheck disable=SC2016 # expanded by that shell
	ipsi_daemon "$host" "$dir" pluto unshare --mount sh -c '
		dir=$1; shift
		[ "$dir" = /usr/libexec ] || mount -t overlay \
			-o "lowerdir=$dir:/usr/libexec" overlay /usr/libexec
		exec pluto "$@"' sh "$IPSI_PLUTO_EXEC" \
		--nofork --stderrlog --no-dnssec --nhelpers 0 \
		--config "$dir/ipsec.conf" --secretsfile "$dir/ipsec.secrets" \
		--nssdir "$dir/nss" --ipsecdir "$dir/ipsec.d" \
		--rundir "$dir"
	ipsi_daemon_ready "$host" ipsi_whack "$host" --status
	ipsi_whack "$host" --listen > "$dir/listen" ||
		ipsi_fail "whack --listen: $(cat "$dir/listen")"
}

# ipsi_pluto_kill HOST: kill pluto
ipsi_pluto_kill()
{
	ipsi_daemon_end "$1" KILL pluto.{ctl,pid}
}

# ipsi_pluto_stop HOST: stop pluto as "ipsec stop" does
ipsi_pluto_stop()
{
	echo "$1: whack --shutdown"
	ipsi_whack "$1" --shutdown > /dev/null
	# It is ending already; signal 0 only waits.
	ipsi_daemon_end "$1" 0 pluto.{ctl,pid}
}

# ipsi_whack HOST ARGUMENT...: run whack with a time limit, because it waits for
# ever for a request that pluto has lost
ipsi_whack()
{
	local host=$1
	shift

	ipsi_try "$host" timeout 60 \
		whack --ctlsocket "$IPSI_TMP/pluto.$host/pluto.ctl" "$@" 2>&1
}

# ipsi_pluto_has HOST CONNECTION: true if pluto has loaded CONNECTION
ipsi_pluto_has()
{
	ipsi_whack "$1" --status | grep -q "\"$2\":"
}

# ipsi_pluto_do HOST VERB CONNECTION: run initiate, terminate, rekey-ipsec or
# rekey-ike
ipsi_pluto_do()
{
	local dir=$IPSI_TMP/pluto.$1

	echo "$1: whack --$2 --name $3"
	ipsi_whack "$1" "--$2" --name "$3" > "$dir/$2" ||
		ipsi_fail "$2: $(cat "$dir/$2")"
}

#
# The device on the left, and the ordinary host on the right, of the tests
# ike_libreswan*.sh. PLUTO_LEFT and PLUTO_RIGHT are the names of the connection
# there, PLUTO_CONF is the file of the left.
#
PLUTO_LEFT=link PLUTO_RIGHT=link PLUTO_CONF=device.conf

# pluto_start [OPTION...]: start both sides, not connected; options are for the
# device
pluto_start()
{
	ipsi_pluto_need
	ipsi_topology
	ipsi_device left "$@"
	keyed_gateway
	ipsi_pluto right gateway.conf
	ipsi_pluto left "$PLUTO_CONF"
	pluto_read_conf
}

pluto_read_conf()
{
	ipsi_wait "the configuration" ipsi_pluto_has right "$PLUTO_RIGHT"
	[ -z "$PLUTO_LEFT" ] ||
		ipsi_wait "the configuration" ipsi_pluto_has left "$PLUTO_LEFT"
}

pluto_up()
{
	ipsi_pluto_do left initiate "$PLUTO_LEFT"
	keyed_is_up
}

# pluto_rekey HOST: make HOST rekey
pluto_rekey()
{
	local host=$1 conn=$PLUTO_LEFT spis

	[ "$host" = left ] || conn=$PLUTO_RIGHT
	spis=$(keyed_spis)
	ipsi_pluto_do "$host" rekey-ipsec "$conn"
	ipsi_wait "rekeying by the $host" keyed_changed "$spis"
}
