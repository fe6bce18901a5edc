#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# strongSwan for the tests: charon-systemd, which needs no systemd, and swanctl.
# Sourced after ipsi.sh.

# shellcheck source=selftests/interop/lib/daemon.sh
source "$IPSI_INTEROP/lib/daemon.sh"

IPSI_CHARON_PLUGINS="random nonce x509 pubkey pkcs1 pem openssl kdf hmac sha2"
IPSI_CHARON_PLUGINS+=" aes kernel-netlink socket-default vici updown"

# ipsi_charon_need: skip the test if strongSwan is not installed. It also loads
# the kernel's modules for the SAs, so that no exchange waits for them.
ipsi_charon_need()
{
	PATH+=:/usr/sbin
	ipsi_need charon-systemd swanctl
	modprobe -a esp4 esp6 gcm ctr seqiv aesni_intel 2> /dev/null || :
}

# ipsi_charon HOST: start charon with the swanctl.conf on standard input, and
# with the settings in the host's charon.conf, if it exists
ipsi_charon()
{
	local host=$1 dir=$IPSI_TMP/charon.$1

	mkdir -p "$dir"
	(umask 077; cat > "$dir/swanctl.conf")
	[ -e "$dir/charon.conf" ] || touch "$dir/charon.conf"
	cat > "$dir/strongswan.conf" <<-END
		charon {
			load = $IPSI_CHARON_PLUGINS
			install_routes = no
			install_virtual_ip = no
			plugins {
				vici {
					socket = unix://$dir/vici
				}
			}
			filelog {
				log {
					path = $dir/log
					default = 1
					flush_line = yes
				}
			}
			include $dir/charon.conf
		}
		swanctl {
			socket = unix://$dir/vici
			load = pem pkcs1 x509 pubkey openssl random
		}
	END
	ipsi_charon_start "$host"
}

# ipsi_charon_start HOST: start charon with the existing files
ipsi_charon_start()
{
	local host=$1 dir=$IPSI_TMP/charon.$1

	ipsi_daemon "$host" "$dir" charon \
		env STRONGSWAN_CONF="$dir/strongswan.conf" charon-systemd
	ipsi_daemon_ready "$host" ipsi_swanctl "$host" --stats
	ipsi_swanctl "$host" --load-all > "$dir/load" ||
		ipsi_fail "swanctl --load-all: $(cat "$dir/load")"
}

# ipsi_charon_kill HOST: kill charon
ipsi_charon_kill()
{
	ipsi_daemon_end "$1" KILL vici
}

# ipsi_charon_stop HOST: stop charon in an orderly way
ipsi_charon_stop()
{
	ipsi_daemon_end "$1" TERM vici
}

# ipsi_swanctl HOST ARGUMENT...: run swanctl
ipsi_swanctl()
{
	local host=$1 dir=$IPSI_TMP/charon.$1 verb=$2
	shift 2

	ipsi_try "$host" env STRONGSWAN_CONF="$dir/strongswan.conf" \
		SWANCTL_DIR="$dir" swanctl "$verb" --uri "unix://$dir/vici" \
		"$@" 2>&1
}

# ipsi_charon_sas HOST: print the number of installed CHILD_SAs
ipsi_charon_sas()
{
	ipsi_swanctl "$1" --list-sas | grep -c 'INSTALLED'
}

# ipsi_charon_installed HOST N: true if N CHILD_SAs are installed
ipsi_charon_installed()
{
	[ "$(ipsi_charon_sas "$1")" = "$2" ]
}

# ipsi_moves HOST FROM TO: change the address of HOST on the wire
ipsi_moves()
{
	local plen=24 nodad=

	ipsi_try "$1" sysctl -qw net.ipv4.conf.all.promote_secondaries=1
	[[ $3 != *:* ]] || plen=64 nodad=nodad
	ipsi_do "$1" ip address add "$3/$plen" dev "$IPSI_WIRE" $nodad
	ipsi_do "$1" ip address del "$2/$plen" dev "$IPSI_WIRE"
}
