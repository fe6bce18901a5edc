#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OpenIKED for the tests. Sourced after ipsi.sh.

# shellcheck source=selftests/interop/lib/daemon.sh
source "$IPSI_INTEROP/lib/daemon.sh"

declare -A IPSI_IKED_BEGUN

# The messages of "iked -vv" for the last part of its configuration, and for the
# start of a negotiation
IPSI_IKED_CONFIGURED='config_getstatic: .*stickyaddress'
IPSI_IKED_BEGINS=': initiating'

# ipsi_iked_need: skip the test if OpenIKED is not installed. It also loads the
# kernel's modules for the SAs, so that no exchange waits for them.
ipsi_iked_need()
{
	PATH+=:/usr/sbin
	ipsi_need iked ikectl openssl unshare
	modprobe af_key 2> /dev/null || ipsi_skip "the kernel has no PF_KEY"
	modprobe -a esp4 esp6 authenc cbc aesni_intel 2> /dev/null || :
}

# ipsi_iked_etc HOST: make the directory for keys and certificates
ipsi_iked_etc()
{
	mkdir -p "$IPSI_TMP/iked.$1/etc"/{ca,certs,crls,private} \
		"$IPSI_TMP/iked.$1/etc/pubkeys"/{ipv4,ipv6,fqdn,ufqdn}
	chmod 755 "$IPSI_TMP"
}

# ipsi_iked_cert HOST DIRECTORY: install the certificate of ike/make-certs and
# its key
ipsi_iked_cert()
{
	local etc=$IPSI_TMP/iked.$1/etc

	ipsi_iked_etc "$1"
	if ! cp "$2/ca.crt" "$etc/ca/" || ! cp "$2/$1.crt" "$etc/certs/" ||
	   ! cp "$2/$1.key" "$etc/private/local.key"; then
		ipsi_fail "no certificate"
	fi
	chmod 644 "$etc"/*/*.crt
}

# ipsi_iked HOST CONFIG [SCRIPT]: start iked with CONFIG of ike/openiked, edited
# by a sed script
ipsi_iked()
{
	local host=$1 dir=$IPSI_TMP/iked.$1

	ipsi_iked_etc "$host"
	(umask 077; sed "${3:-}" "$IPSI_INTEROP/ike/openiked/$2" > "$dir/iked.conf")
	# iked requires a key even if it does not use it.
	[ -e "$dir/etc/private/local.key" ] ||
		(umask 077; openssl ecparam -name prime256v1 -genkey -noout \
			-out "$dir/etc/private/local.key") ||
		ipsi_fail "no key"
	openssl ec -in "$dir/etc/private/local.key" -pubout \
		-out "$dir/etc/local.pub" 2> /dev/null
	ipsi_iked_start "$host"
}

# ipsi_iked_said HOST PATTERN: print how often PATTERN is in the log
ipsi_iked_said()
{
	grep -c -e "$2" "$IPSI_TMP/iked.$1/log"
}

# iked requests each cipher that PF_KEY has, several times, and the kernel
# starts modprobe for each missing one, which takes minutes on a slow machine.
# ipsi_iked_need has loaded all that are needed.
IPSI_MODPROBE=/proc/sys/kernel/modprobe
ipsi_modprobe_off()
{
	[ -n "${IPSI_MODPROBE_WAS:-}" ] || IPSI_MODPROBE_WAS=$(< "$IPSI_MODPROBE")
	echo /bin/false > "$IPSI_MODPROBE"
}

ipsi_modprobe_on()
{
	[ -z "${IPSI_MODPROBE_WAS:-}" ] ||
		echo "$IPSI_MODPROBE_WAS" > "$IPSI_MODPROBE"
}

# ipsi_iked_start HOST: start iked with the existing files. It reads keys only
# from /etc/iked, so it gets its own. It answers on its sockets before all of
# its configuration has arrived, and then forgets peers that have started by
# then: their IKE_AUTH is never answered. The later message about SAs shows that
# it is ready.
ipsi_iked_start()
{
	local host=$1 dir=$IPSI_TMP/iked.$1 configured

	touch "$dir/log"
	configured=$(ipsi_iked_said "$host" "$IPSI_IKED_CONFIGURED")
	# shellcheck disable=SC2317 # called by ipsi_daemon_ready
	configured_anew()
	{
		[ "$(ipsi_iked_said "$1" "$IPSI_IKED_CONFIGURED")" -gt "$2" ]
	}
	IPSI_IKED_BEGUN[$host]=$(ipsi_iked_said "$host" "$IPSI_IKED_BEGINS")
	ipsi_modprobe_off
	# shellcheck disable=SC2016 # expanded by that shell
	ipsi_daemon "$host" "$dir" iked unshare --mount sh -c '
		mount --bind "$1/etc" /etc/iked &&
		exec iked -d -vv -f "$1/iked.conf" -s "$1/sock"' sh "$dir"
	trap 'ipsi_daemon_logs $?; ipsi_modprobe_on; ipsi_cleanup' EXIT
	ipsi_daemon_ready "$host" configured_anew "$host" "$configured"
	ipsi_modprobe_on
	ipsi_daemon_ready "$host" ipsi_ikectl "$host" show sa
}

# ipsi_iked_initiate HOST: initiate now. An active iked initiates 2 s after its
# start, and retries only after a minute if it was not ready.
ipsi_iked_initiate()
{
	local host=$1 try i

	for try in 1 2 3 4 5; do
		for ((i = 0; i < 80; i++)); do
			[ "$(ipsi_iked_said "$host" "$IPSI_IKED_BEGINS")" = \
			  "${IPSI_IKED_BEGUN[$host]}" ] || return 0
			sleep 0.1
		done
		echo "$host: ikectl reload, for the $try. time"
		ipsi_ikectl "$host" reload
	done
	ipsi_fail "iked on the $host does not begin"
}

# ipsi_ikectl HOST ARGUMENT...: run ikectl
ipsi_ikectl()
{
	local host=$1
	shift

	ipsi_try "$host" ikectl -s "$IPSI_TMP/iked.$host/sock" "$@" 2>&1
}

# ipsi_iked_kill HOST: kill iked and its children. A child that sees another one
# end would delete the SAs, so all are stopped first. The parent is killed last,
# because the kernel continues stopped children when their parent dies.
ipsi_iked_kill()
{
	local pid=${IPSI_DAEMON_PID[$1]} children

	kill -STOP "$pid"
	mapfile -t children < <(pgrep -P "$pid")
	[ ${#children[@]} -gt 0 ] || ipsi_fail "iked has no children"
	kill -STOP "${children[@]}"
	kill -KILL "${children[@]}"
	ipsi_daemon_end "$1" KILL sock
}

# ipsi_iked_stop HOST: stop iked in an orderly way
ipsi_iked_stop()
{
	ipsi_daemon_end "$1" TERM sock
}

#
# The device on the left, and the ordinary host on the right, of the tests
# ike_openiked*.sh
#

# iked_start: start both sides; the left connects at once. The files are
# device.conf and gateway.conf, or device-SUFFIX.conf and gateway-SUFFIX.conf,
# edited by these sed scripts.
IKED_SUFFIX=
IKED_EDIT=
IKED_EDIT_LEFT=

# For IKED_EDIT, with ipsi_families 6 6. Inner and outer family are equal,
# because PF_KEY gives SAs a selector of their own family.
# shellcheck disable=SC2034 # for the tests
IKED_EDIT_IPV6='s/inet /inet6 /; s/10\.0\.0\./fd00::/g
	s%192\.168\.\([12]\)\.0/24%fd0\1::/64%g'

iked_start()
{
	ipsi_iked_need
	ipsi_topology
	ipsi_device left keying adopt-endpoints
	keyed_gateway
	ipsi_iked right "gateway${IKED_SUFFIX:+-$IKED_SUFFIX}.conf" \
		"$IKED_EDIT"
	ipsi_iked left "device${IKED_SUFFIX:+-$IKED_SUFFIX}.conf" \
		"$IKED_EDIT;$IKED_EDIT_LEFT"
	ipsi_iked_initiate left
}
