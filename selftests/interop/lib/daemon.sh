#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library for IKE daemons: ike.sh, iked.sh and pluto.sh are made of it. Each
# daemon runs unmodified in the namespace of a host, at most one on each, with
# its own files in a directory of $IPSI_TMP. Sourced after ipsi.sh.

declare -A IPSI_DAEMON IPSI_DAEMON_DIR IPSI_DAEMON_PID

# ipsi_daemon HOST DIRECTORY NAME COMMAND...: run COMMAND as the daemon NAME of
# HOST, which logs to the file "log" in the directory; its output is appended to
# that file too
ipsi_daemon()
{
	local host=$1 dir=$2 name=$3
	shift 3

	trap 'ipsi_daemon_logs $?; ipsi_cleanup' EXIT
	ipsi_bg "$host" "$@" >> "$dir/log" 2>&1
	IPSI_DAEMON[$host]=$name
	IPSI_DAEMON_DIR[$host]=$dir
	IPSI_DAEMON_PID[$host]=$IPSI_BG_PID
}

# ipsi_daemon_ready HOST COMMAND...: wait until COMMAND, which queries the daemon
# of HOST, succeeds
ipsi_daemon_ready()
{
	ipsi_wait "${IPSI_DAEMON[$1]} on the $1" "${@:2}"
}

# ipsi_daemon_end HOST SIGNAL FILE...: send a signal to the daemon of HOST, wait
# for its end, and remove the files of its directory that would mislead its
# successor
ipsi_daemon_end()
{
	local host=$1 signal=$2
	shift 2

	echo "$host: kill -$signal ${IPSI_DAEMON[$host]}"
	kill "-$signal" "${IPSI_DAEMON_PID[$host]}"
	wait "${IPSI_DAEMON_PID[$host]}" 2> /dev/null
	rm -f "${@/#/${IPSI_DAEMON_DIR[$host]}/}"
}

# ipsi_daemon_logs STATUS: print the logs of the daemons, and the states without
# their keys, if the test failed
ipsi_daemon_logs()
{
	local host

	[ "$1" = "$KSFT_FAIL" ] || return
	for host in "${!IPSI_DAEMON[@]}"; do
		echo "--- ${IPSI_DAEMON[$host]} on the $host"
		tail -n 100 "${IPSI_DAEMON_DIR[$host]}/log"
		ip -n "${!host}" -s xfrm state list nokeys
		ip -n "${!host}" xfrm policy
	done
}
