#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library of the tests with FRR, in addition to router.sh: its daemons at the
# routers.

IPSI_FRR=/usr/lib/frr

# ipsi_frr_config HOST DAEMON: write the configuration on standard input
ipsi_frr_config()
{
	local dir=$IPSI_TMP/frr-$1

	[ -x "$IPSI_FRR/$2" ] || ipsi_skip "frr is not installed"
	if [ ! -d "$dir" ]; then
		# The daemons run as their own user.
		chmod 711 "$IPSI_TMP"
		mkdir "$dir"
		chown frr:frr "$dir"
	fi
	cat > "$dir/$2.conf"
}

# ipsi_frr_zebra HOST...: run zebra on these hosts
ipsi_frr_zebra()
{
	local host

	for host in "$@"; do
		[ -e "$IPSI_TMP/frr-$host/zebra.conf" ] ||
			ipsi_frr_config "$host" zebra < /dev/null
		ipsi_frr_start "$host" zebra
	done
}

# ipsi_frr DAEMON HOST...: run DAEMON and zebra on these hosts
ipsi_frr()
{
	local daemon=$1 host
	shift

	ipsi_frr_zebra "$@"
	for host in "$@"; do
		# A daemon that starts before zebra retries only after seconds.
		ipsi_wait "zebra at $host" \
			test -S "$IPSI_TMP/frr-$host/zserv.api"
		ipsi_frr_start "$host" "$daemon"
	done
}

ipsi_frr_start()
{
	local dir=$IPSI_TMP/frr-$1

	ipsi_bg "$1" "$IPSI_FRR/$2" -f "$dir/$2.conf" -i "$dir/$2.pid" \
		-z "$dir/zserv.api" --vty_socket "$dir" -P 0 \
		--log "file:$dir/log"
}

# ipsi_vtysh HOST COMMAND...: send a command to the daemons of HOST
ipsi_vtysh()
{
	local host=$1
	shift

	vtysh --vty_socket "$IPSI_TMP/frr-$host" -c "$*"
}
