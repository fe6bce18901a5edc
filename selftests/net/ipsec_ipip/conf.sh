#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Links from a configuration file, with keys set by hand: up, down, strip, save,
# showconf, setconf, addconf and syncconf. A failure means that a link is not as its
# file says, that a mistake in a file has changed something, or that a change of
# keys loses packets.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/flow.sh
source "$IPSI_LIB/flow.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1

# conf_sa HOST {in|out} SPI [N]: print the section of an SA, with the Nth keys
conf_sa()
{
	local host=$1 dir=$2 spi=$3 n=${4:-} sender=$1
	local key=$IPSI_TMP/$1.$2$4

	[ "$dir" = out ] || sender=${IPSI_PEER[$host]}
	# The last digits make other keys of the same length.
	printf '%s%s\n' "${IPSI_ENC_KEY[$sender]::30}" "0$((n + 0))ff" > "$key.enc"
	printf '%s%s\n' "${IPSI_AUTH_KEY[$sender]::62}" "0$((n + 0))ff" > "$key.auth"
	cat <<-END

		[SA]
		Direction = $dir
		SPI = $spi
		Enc = cbc(aes) file:$key.enc
		Auth = hmac(sha256) file:$key.auth
	END
}

# conf_link HOST: print the section of the link
conf_link()
{
	local host=$1 peer=${IPSI_PEER[$1]}

	cat <<-END
		# a link
		[Link]
		Local = ${IPSI_OUTER[$host]}
		Remote = ${IPSI_OUTER[$peer]}
		Address = ${IPSI_INNER[$host]}
		route = ${IPSI_INNER[$peer]} metric 7
		Overlap = 5
	END
}

# conf_file HOST [N]: write the file of HOST, with the Nth keys
conf_file()
{
	local host=$1 n=${2:-} sender=${IPSI_PEER[$1]}
	local in=$((IPSI_SPI[$sender] + n)) out=$((IPSI_SPI[$host] + n))

	umask 077
	mkdir -p "$IPSI_TMP/$host.d"
	CONF=$IPSI_TMP/$host.d/$IPSI_DEV.conf
	{
		conf_link "$host"
		conf_sa "$host" in "$in" "$n"
		conf_sa "$host" out "$out" "$n"
	} > "$CONF"
}

# conf_state HOST: print everything that a link consists of; the wire changes by
# itself
conf_state()
{
	{
		ipsi_try "$1" ip -o link show
		ipsi_try "$1" ip -o address show
		ipsi_try "$1" ip route show table all
		ipsi_try "$1" ip xfrm state
	} | sed "s/^[0-9]*: //; /$IPSI_WIRE/d"
}

# conf_times HOST: print the SAs with the times when they were added
conf_times()
{
	ipsi_try "$1" ipsec-ipip -j sa show | jq -c '[.[] |
		[.spi, .direction, .stats.add_time]] | sort'
}

# conf_up: make both ends from files
conf_up()
{
	local host

	ipsi_topology
	for host in left right; do
		conf_file "$host"
		ipsi_do "$host" ipsec-ipip up "$CONF"
	done
}

# conf_mtu VALUE AUTO: write the MTU into the file, and reload; AUTO tells whether
# it is automatic
conf_mtu()
{
	local mtu=$1

	[ "$1" != auto ] || mtu=1438
	sed -i "s/^MTU = .*/MTU = $1/" "$CONF"
	ipsi_do right ipsec-ipip syncconf "$CONF"
	ipsi_wait "MTU of $mtu" conf_mtu_is "$mtu" "$2"
	ipsi_do right ipsec-ipip showconf "$IPSI_DEV" > "$IPSI_TMP/showconf"
	ipsi_is "$(sed -n 's/^MTU = //p' "$IPSI_TMP/showconf")" "${1/auto/}" \
		"MTU in showconf"
}

conf_mtu_is()
{
	[ "$(ipsi_get right mtu) $(ipsi_get right mtu_auto)" = "$1 $2" ]
}

up_and_down()
{
	local before text times

	ipsi_need jq
	ipsi_topology
	before=$(conf_state right)
	conf_file left
	ipsi_do left ipsec-ipip up "$CONF"
	conf_file right
	echo "PreUp = echo pre-up %i >> $IPSI_TMP/hooks
PostUp = ip link show %i > /dev/null && echo 'post-up ; %i' >> $IPSI_TMP/hooks
PreDown = echo pre-down >> $IPSI_TMP/hooks
PostDown = echo post-down >> $IPSI_TMP/hooks
MTU = 1300" > "$IPSI_TMP/more"
	cat "$IPSI_TMP/more" "$CONF" > "$CONF.new"
	mv "$CONF.new" "$CONF"
	ipsi_do right ipsec-ipip up "$CONF"
	ipsi_ping right
	ipsi_ping left
	ipsi_is "$(ipsi_get right mtu)" 1300 "MTU"
	ipsi_has "$(ipsi_try right ip route)" \
		"${IPSI_INNER[left]} dev $IPSI_DEV proto static scope link metric 7" \
		"route"

	text=$(ipsi_try right ipsec-ipip up "$CONF") ||
		ipsi_fail "up for the second time: exit status $?"
	ipsi_is "$text" "$IPSI_DEV is up" "up for the second time"

	# The SAs of the kernel are those of the file.
	ipsi_do right ipsec-ipip strip "$CONF" > "$IPSI_TMP/strip"
	ipsi_do right ipsec-ipip showconf "$IPSI_DEV" > "$IPSI_TMP/showconf"
	sed -i '/^right: /d' "$IPSI_TMP/strip" "$IPSI_TMP/showconf"
	diff "$IPSI_TMP/showconf" "$IPSI_TMP/strip" || ipsi_fail "showconf"
	ipsi_is "$(grep -c '^\[SA\]' "$IPSI_TMP/strip")" 2 "SAs in the text"

	# The same file, and its stripped text, change nothing.
	times=$(conf_times right)
	sleep 1.1
	ipsi_do right ipsec-ipip syncconf "$CONF"
	ipsi_do right ipsec-ipip setconf "$IPSI_DEV" "$IPSI_TMP/strip"
	ipsi_is "$(conf_times right)" "$times" "SAs after syncconf"

	conf_mtu auto true
	conf_mtu 1400 false
	# by hand, to the file and back
	ipsi_do right ip link set "$IPSI_DEV" type ipsec-ipip mtu auto
	ipsi_do right ipsec-ipip save "$CONF"
	ipsi_has_not "$(cat "$CONF")" "MTU" "saved file"
	ipsi_do right ip link set "$IPSI_DEV" mtu 1350
	ipsi_do right ipsec-ipip syncconf "$CONF"
	ipsi_is "$(ipsi_get right mtu)" 1350 "MTU that the file does not set"
	ipsi_do right ipsec-ipip save "$CONF"
	ipsi_has "$(cat "$CONF")" "MTU = 1350" "saved file"
	ipsi_is "$(conf_times right)" "$times" "SAs after changes of the MTU"

	ipsi_do right ipsec-ipip down "$CONF"
	ipsi_is "$(conf_state right)" "$before" "state after down"
	ipsi_is "$(cat "$IPSI_TMP/hooks")" "pre-up $IPSI_DEV
post-up ; $IPSI_DEV
pre-down
post-down" "hooks"
	ipsi_is "$(ipsi_try right ipsec-ipip down "$CONF")" \
		"$IPSI_DEV is not up" "down for the second time"
}

# conf_refused MESSAGE LINE: the file with LINE in the place of its first line is
# refused with this message, and nothing has changed
conf_refused()
{
	local before

	before=$(conf_state left)
	sed "1s|.*|$2|" "$IPSI_TMP/good" > "$CONF"
	ipsi_must_fail "$1" left ipsec-ipip up "$CONF"
	ipsi_is "$(conf_state left)" "$before" "state after: $2"
}

mistakes()
{
	local gcm='AEAD = rfc4106(gcm(aes))' key status

	ipsi_topology
	conf_file left
	cp "$CONF" "$IPSI_TMP/good"
	conf_refused "$CONF:1: \"Key = Value\" expected" "nonsense"
	conf_refused "$CONF:1: unknown key \"Lokal\"" "Lokal = 10.0.0.1"
	conf_refused "$CONF:1: \"[Lnk]\" is not a section" "[Lnk]"
	conf_refused "$CONF:1: TTL: \"256\": expected 1 to 255 (hex with 0x), or default" "TTL = 256"
	conf_refused "$CONF:1: DF: \"yes\" is unknown; expected one of unset, set, inherit" \
		"DF = yes"
	conf_refused "$CONF:1: Address: \"10.1\" is not an address" \
		"Address = 10.1"
	conf_refused "$CONF:1: Address: \"10.1.1.1/16,\": one expected, without comma" \
		"Address = 10.1.1.1/16, 10.2.1.1/16"
	conf_refused "$CONF:1: Route: \"10.1.1.1/16\" has bits set beyond its /LENGTH: did you mean \"10.1.0.0/16\"?" \
		"Route = 10.1.1.1/16"
	conf_refused "$CONF:1: Route: \"fd00::1:1/112\" has bits set beyond its /LENGTH: did you mean \"fd00::1:0/112\"?" \
		"Route = fd00::1:1/112"
	# With exit status 1, the unit would try this again for ever.
	conf_refused "$CONF:1: Device: a comment needs a line of its own" \
		"Device = eth0 # underlay"
	ipsi_try left ipsec-ipip up "$CONF" 2> /dev/null
	status=$?
	ipsi_is "$status" 2 "exit status with a comment behind a value"
	conf_refused "$CONF:1: Device: \"eth9\" is not a device" "Device = eth9"
	conf_refused "LocalId needs Secret" "LocalId = left"
	conf_refused "Local: given twice" "Local = 10.0.0.1"

	sed '4s/.*/Remote = 10.0.0/' "$IPSI_TMP/good" > "$CONF"
	conf_same "$CONF:4: Remote: \"10.0.0\" is not an address; expected"
	sed '$s/.*/Auth = hmac(sha256) file:no/' "$IPSI_TMP/good" > "$CONF"
	conf_same ":$(wc -l < "$CONF"): Auth: file:no: expected an absolute path"
	# a key that is used again after a reboot
	key=$IPSI_TMP/gcm.key
	echo 0x000102030405060708090a0b0c0d0e0f10111213 > "$key"
	sed "/^Auth/d; s|^Enc.*|$gcm file:$key 128|" "$IPSI_TMP/good" > "$CONF"
	conf_same "RFC 4106"
	ipsi_try left ipsec-ipip up "$CONF" 2> /dev/null
	status=$?
	ipsi_is "$status" 2 "exit status with a key of GCM"
	# The same key from a pipe does not stay.
	ipsi_device left
	sed "s|file:$key|$(cat "$key")|" "$CONF" > "$IPSI_TMP/gcm"
	ipsi_do left sh -c "cat $IPSI_TMP/gcm | ipsec-ipip -q setconf $IPSI_DEV /dev/stdin"
	ipsi_is "$(ipsi_get left sa_in)" 1 "SAs from a pipe"
	ipsi_do left ip link del "$IPSI_DEV"
	# a key of GCM behind the word of another key, which does not check keys
	sed "/^\\(Auth\\|Enc\\)/d; s|^SPI.*|& aead rfc4106(gcm(aes)) file:$key 128|" \
		"$IPSI_TMP/good" > "$CONF"
	conf_same "SPI: SPI expected, and nothing after it"
	chmod g+w "$CONF"
	conf_same "others than the owner can write it"
	rm "$CONF"
	conf_same "there is no such file"
}

# conf_same MESSAGE: up is refused with this message, and nothing has changed
conf_same()
{
	local before

	before=$(conf_state left)
	ipsi_must_fail "$1" left ipsec-ipip up "$CONF"
	ipsi_is "$(conf_state left)" "$before" "state after: $1"
}

# A failure of the kernel or a hook, after the link was made, is undone.
undone()
{
	ipsi_topology
	conf_file left
	cp "$CONF" "$IPSI_TMP/good"
	sed '$s/hmac(sha256)/hmac(sha257)/' "$IPSI_TMP/good" > "$CONF"
	conf_same 'auth "hmac(sha257)": expected'
	sed '1s/.*/Route = 203.0.113.0\/24 src 203.0.113.1/' \
		"$IPSI_TMP/good" > "$CONF"
	conf_same "$CONF:1: Invalid"
	sed '1s/.*/PostUp = exit 3/' "$IPSI_TMP/good" > "$CONF"
	conf_same "$CONF:1: PostUp: exit status 3"
	{
		echo "PreUp = echo pre-up >> $IPSI_TMP/hooks"
		echo "PostDown = echo post-down >> $IPSI_TMP/hooks"
		sed '1s/.*/Device = nosuch0/' "$IPSI_TMP/good"
	} > "$CONF"
	# It may be made later: no mistake, so that systemd tries again.
	conf_same 'Device: "nosuch0" is not a device of this host'
	ipsi_try left ipsec-ipip up "$CONF"
	ipsi_is "$?" 1 "exit status without the device"
	sed -i 's/^Device.*/PostUp = exit 3/' "$CONF"
	conf_same "PostUp: exit status 3"
	ipsi_is "$(cat "$IPSI_TMP/hooks")" "pre-up
post-down" "hooks"
	cp "$IPSI_TMP/good" "$CONF"
	ipsi_do left ip link add "$IPSI_DEV" type dummy
	conf_same "another type"
	ipsi_must_fail "another type" left ipsec-ipip down "$CONF"
	ipsi_do left ip link del "$IPSI_DEV"
	ipsi_do left ipsec-ipip up "$CONF"
}

# conf_has_sent HOST N: true if the link has sent N packets or more
conf_has_sent()
{
	[ "$(ipsi_counter "$1" tx.packets)" -ge "$2" ]
}

# Both ends get new keys while packets flow in both directions.
change_of_keys()
{
	local host
	local -A pids

	conf_up
	flow_start 200
	for host in right left; do
		conf_file "$host" 1
		ipsi_bg "$host" ipsec-ipip syncconf "$CONF"
		pids[$host]=$IPSI_BG_PID
	done
	for host in right left; do
		wait "${pids[$host]}" || ipsi_fail "syncconf: exit status $?"
	done
	ipsi_wait "1000 packets" conf_has_sent left 1000
	flow_lossless 1000
	for host in left right; do
		ipsi_is "$(ipsi_get "$host" sa_in) $(ipsi_get "$host" sa_out)" \
			"1 1" "SAs"
		ipsi_is "$(ipsi_get "$host" active_spi)" \
			"$((IPSI_SPI[$host] + 1))" "SA in use"
	done
	ipsi_ping right
}

# conf_keys HOST: print the SAs of HOST with their keys
conf_keys()
{
	ipsi_try "$1" ipsec-ipip showconf "$IPSI_DEV" | sed '1,/^$/d' |
		paste -sd ' ' | sed 's/ *\[SA\]/\n/g' | sort
}

# The replacement of one SA is refused after others were replaced and added: all are
# as before.
refused_replacement()
{
	local before

	conf_up
	before=$(conf_keys left)
	CONF=$IPSI_TMP/left.d/$IPSI_DEV.conf
	{
		conf_link left
		echo "TTL = 9"
		conf_sa left in 0x5001 2
		conf_sa left in "${IPSI_SPI[right]}" 3
		conf_sa left out "${IPSI_SPI[left]}" 4 |
			sed 's/hmac(sha256)/hmac(sha257)/'
	} > "$CONF"
	ipsi_must_fail 'auth "hmac(sha257)": expected' left \
		ipsec-ipip -q syncconf "$CONF"
	ipsi_is "$(conf_keys left)" "$before" "SAs"
	ipsi_is "$(ipsi_get left ttl)" 0 "TTL"
	# an endpoint that is refused after the SAs of the old one were deleted
	conf_file left
	sed -i "s/^Remote.*/Remote = 224.0.0.1/" "$CONF"
	ipsi_must_fail "remote" left ipsec-ipip -q syncconf "$CONF"
	ipsi_is "$(conf_keys left)" "$before" "SAs"
	# one that is accepted, with an SA that is not
	sed -i 's/^Remote.*/Remote = 10.0.0.77/; $s/sha256/sha257/' "$CONF"
	ipsi_must_fail 'auth "hmac(sha257)": expected' left \
		ipsec-ipip -q syncconf "$CONF"
	ipsi_is "$(conf_keys left)" "$before" "SAs"
	ipsi_is "$(ipsi_get left remote)" "${IPSI_OUTER[right]}" "remote"
	ipsi_ping left
}

# A signal while syncconf waits for a peer that does not change its keys
signal()
{
	local status

	ipsi_need jq
	conf_up
	conf_file left 1
	sed -i 's/^Overlap.*/Overlap = 3600/' "$CONF"
	ipsi_bg left ipsec-ipip syncconf "$CONF"
	ipsi_wait "new SAs" ipsi_has_sas left 2 2
	ipsi_is "$(ipsi_get left active_spi)" "$((IPSI_SPI[left]))" \
		"SA in use before the signal"
	kill "$IPSI_BG_PID"
	wait "$IPSI_BG_PID"
	status=$?
	ipsi_is "$status" 1 "exit status"
	ipsi_is "$(ipsi_get left active_spi)" "$((IPSI_SPI[left] + 1))" \
		"SA in use"
	ipsi_is "$(ipsi_try left ipsec-ipip -j sa show |
		jq '[.[] | select(.pinned)] | length')" 0 "pinned SAs"
	ipsi_has_sas left 2 2 || ipsi_fail "old SAs are gone"
	# the next time
	ipsi_do left ipsec-ipip syncconf "$CONF"
	ipsi_has_sas left 1 1 || ipsi_fail "old SAs are there"
}

# conf_hosts ADDRESS COMMAND...: on the left, run COMMAND with the name of the peer
conf_hosts()
{
	echo "$1 peer.example" > "$IPSI_TMP/hosts"
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	ipsi_do left unshare --mount sh -c \
		'mount --bind "$0" /etc/hosts && exec "$@"' "$IPSI_TMP/hosts" "$@"
}

# Hooks run at the end although a name does not resolve any more, and a key is gone.
names()
{
	local status

	ipsi_topology
	conf_file left
	sed -i "s/^Remote.*/Remote = peer.example/
		s/^Local/PostDown = echo post-down > ${IPSI_TMP//\//\\/}\/hook\n&/" \
		"$CONF"
	# It may resolve later: no mistake, so that systemd tries again.
	ipsi_must_fail "peer.example" left ipsec-ipip up "$CONF"
	ipsi_try left ipsec-ipip up "$CONF" 2> /dev/null
	status=$?
	ipsi_is "$status" 1 "exit status without the name"
	conf_hosts "${IPSI_OUTER[right]}" ipsec-ipip up "$CONF"
	ipsi_is "$(ipsi_get left remote)" "${IPSI_OUTER[right]}" "remote"
	rm "$IPSI_TMP/left.in.enc"
	ipsi_do left ipsec-ipip down "$CONF"
	ipsi_is "$(cat "$IPSI_TMP/hook")" post-down "hook"
}

# conf_resolve ADDRESS: on the left, follow the peer, whose name has this address
conf_resolve()
{
	conf_hosts "$1" ipsec-ipip resolve "$IPSI_TMP/left.d/$IPSI_DEV.conf"
}

# conf_timer ADDRESS: the same as the timer does it, for all files
conf_timer()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	conf_hosts "$1" sh -c 'mkdir -p /etc/ipsec-ipip &&
		mount --bind "$0" /etc/ipsec-ipip && exec ipsec-ipip resolve' \
		"$IPSI_TMP/left.d"
}

# A peer whose name gets another address is followed when it is silent.
moved_peer()
{
	local host times pid new=10.0.0.3

	ipsi_need jq
	ipsi_topology
	for host in right left; do
		conf_file "$host"
	done
	sed -i "s/^Remote.*/Remote = peer.example/" "$CONF"
	conf_hosts "${IPSI_OUTER[right]}" ipsec-ipip up "$CONF"
	ipsi_do right ipsec-ipip up "$IPSI_TMP/right.d/$IPSI_DEV.conf"
	ipsi_ping left
	times=$(conf_times left)
	conf_resolve "${IPSI_OUTER[right]}"
	ipsi_is "$(conf_times left)" "$times" "SAs with the same address"

	ipsi_bg right ping -n -q -i 0.2 "${IPSI_INNER[left]}" > /dev/null
	pid=$IPSI_BG_PID
	conf_resolve "$new"
	ipsi_is "$(ipsi_get left remote)" "${IPSI_OUTER[right]}" \
		"remote while the peer sends"
	kill "$pid"
	wait "$pid"

	CONF=$IPSI_TMP/right.d/$IPSI_DEV.conf
	sed -i "s/^Local.*/Local = $new/" "$CONF"
	ipsi_do right ip address add "$new/24" dev "$IPSI_WIRE"
	ipsi_do right ipsec-ipip syncconf "$CONF"
	conf_timer "$new"
	ipsi_is "$(ipsi_get left remote)" "${IPSI_OUTER[right]}" \
		"remote after one run of the timer"
	conf_timer "$new"
	ipsi_is "$(ipsi_get left remote)" "$new" "remote"
	ipsi_ping left
	ipsi_must_fail "peer.example" left \
		ipsec-ipip resolve "$IPSI_TMP/left.d/$IPSI_DEV.conf"
}

# One command at a time changes a link, but a hook may run another.
one_at_a_time()
{
	local pid saver syncer

	ipsi_topology
	conf_file left
	mkfifo "$IPSI_TMP/go" "$IPSI_TMP/ready"
	{
		echo "PostUp = ipsec-ipip setconf %i $CONF"
		echo "PostUp = echo > $IPSI_TMP/ready; cat $IPSI_TMP/go"
		cat "$CONF"
	} > "$CONF.new"
	mv "$CONF.new" "$CONF"
	# A name that an ended process left in the environment locks nothing.
	ipsi_bg left env IPSEC_IPIP_LOCKED="$IPSI_DEV" ipsec-ipip up "$CONF"
	pid=$IPSI_BG_PID
	timeout 60 cat "$IPSI_TMP/ready" > /dev/null || ipsi_fail "no hook"
	ipsi_bg left ipsec-ipip syncconf "$CONF" 2> "$IPSI_TMP/second"
	syncer=$IPSI_BG_PID
	ipsi_wait "message" grep -q "another command is changing $IPSI_DEV" \
		"$IPSI_TMP/second"
	ipsi_must_fail "is not up" left ipsec-ipip syncconf ipsec9
	ipsi_bg left ipsec-ipip save "$CONF" 2> "$IPSI_TMP/third"
	saver=$IPSI_BG_PID
	ipsi_wait "message of save" grep -q "another command is changing" \
		"$IPSI_TMP/third"
	echo > "$IPSI_TMP/go"
	wait "$pid" || ipsi_fail "up: exit status $?"
	wait "$syncer" || ipsi_fail "syncconf: exit status $?"
	wait "$saver" || ipsi_fail "save: exit status $?"
	ipsi_is "$(wc -l < "$IPSI_TMP/second")" 1 "messages"
	ipsi_do left ipsec-ipip down "$CONF"
}

# conf_hook LINE...: put lines into the section of the link
conf_hook()
{
	printf '%s\n' "$@" | cat - "$CONF" > "$CONF.new"
	mv "$CONF.new" "$CONF"
}

# A signal while "up" waits for a hook, and the death of "up": there is no link that
# is half made, and none that the next "up" takes for a whole one.
ended_up()
{
	local before

	ipsi_topology
	conf_file left
	before=$(conf_state left)
	conf_hook "PostUp = kill -TERM \$PPID" \
		"PostUp = touch $IPSI_TMP/later" \
		"PostDown = touch $IPSI_TMP/down"
	ipsi_must_fail "ended by a signal" left ipsec-ipip up "$CONF"
	ipsi_is "$(conf_state left)" "$before" "state after the signal"
	[ -e "$IPSI_TMP/down" ] || ipsi_fail "PostDown has not run"
	[ ! -e "$IPSI_TMP/later" ] || ipsi_fail "the next PostUp has run"
	# The hook gets the signal too.
	conf_file left
	conf_hook "PostUp = trap 'echo hook; exit 1' TERM; kill -TERM \$PPID; while :; do sleep 0.1; done"
	ipsi_must_fail "hook" left ipsec-ipip up "$CONF"
	ipsi_is "$(conf_state left)" "$before" "state after the end of the hook"
	# An ignored signal ends nothing.
	conf_file left
	conf_hook "PostUp = kill -HUP \$PPID"
	ipsi_do left nohup ipsec-ipip up "$CONF"
	ipsi_do left ipsec-ipip down "$CONF"

	conf_file left
	conf_hook "PostUp = echo >> $IPSI_TMP/runs; [ -e $IPSI_TMP/once ] || { touch $IPSI_TMP/once; kill -KILL \$PPID; }"
	ipsi_try left ipsec-ipip up "$CONF" && ipsi_fail "up has not been killed"
	ipsi_do left ip link show dev "$IPSI_DEV" > /dev/null
	# The signals of what is made again are those of any other "up".
	cp "$CONF" "$IPSI_TMP/whole"
	conf_hook "PostUp = trap 'echo hook; exit 1' TERM; kill -TERM \$PPID; while :; do sleep 0.1; done"
	ipsi_must_fail "hook" left ipsec-ipip up "$CONF"
	cp "$IPSI_TMP/whole" "$CONF"
	rm "$IPSI_TMP/once" "$IPSI_TMP/runs"
	ipsi_try left ipsec-ipip up "$CONF" && ipsi_fail "up has not been killed"
	ipsi_do left ipsec-ipip up "$CONF"
	ipsi_is "$(wc -l < "$IPSI_TMP/runs")" 2 "runs of PostUp"
	ipsi_is "$(ipsi_try left ipsec-ipip up "$CONF")" "$IPSI_DEV is up" \
		"up for the third time"
	ipsi_do left ipsec-ipip down "$CONF"
	ipsi_is "$(conf_state left)" "$before" "state after down"
	# The next link of this name is not that one.
	rm "$IPSI_TMP/once"
	ipsi_try left ipsec-ipip up "$CONF" && ipsi_fail "up has not been killed"
	ipsi_do left ipsec-ipip down "$CONF"
	ipsi_do left ip link add "$IPSI_DEV" type ipsec-ipip \
		local "${IPSI_OUTER[left]}" remote "${IPSI_OUTER[right]}"
	ipsi_is "$(ipsi_try left ipsec-ipip up "$CONF")" "$IPSI_DEV is up" \
		"up beside a link made by hand"
}

# "down" ends while one of its hooks does not, and removes the link.
ended_down()
{
	local pid

	ipsi_topology
	conf_file left
	mkfifo "$IPSI_TMP/ready"
	conf_hook "PreDown = echo > $IPSI_TMP/ready; while :; do sleep 0.1; done" \
		"PostDown = touch $IPSI_TMP/down"
	ipsi_do left ipsec-ipip up "$CONF"
	ipsi_bg left ipsec-ipip down "$CONF"
	pid=$IPSI_BG_PID
	timeout 60 cat "$IPSI_TMP/ready" > /dev/null || ipsi_fail "no hook"
	kill "$pid"
	wait "$pid"
	ipsi_must_fail "does not exist" left ip link show dev "$IPSI_DEV"
	[ -e "$IPSI_TMP/down" ] || ipsi_fail "PostDown has not run"
}

# A daemon that does not answer keeps neither the link nor the command.
silent_daemon()
{
	local bin=$IPSI_TMP/bin

	ipsi_topology
	conf_file left
	mkdir "$bin" "$IPSI_TMP/conf.d" "$IPSI_TMP/private"
	printf '#!/bin/sh\necho $$ > %s/pid\nsleep 1000\nexit\n' "$IPSI_TMP" \
		> "$bin/swanctl"
	chmod +x "$bin/swanctl"
	ipsi_do left ipsec-ipip up "$CONF"
	: > "$IPSI_TMP/conf.d/ipsec-ipip-$IPSI_DEV.conf"
	ipsi_do left env PATH="$bin:$PATH" SWANCTL_DIR="$IPSI_TMP" timeout 300 \
		ipsec-ipip down "$CONF" 2> "$IPSI_TMP/down"
	ipsi_has "$(cat "$IPSI_TMP/down")" "no answer" "message"
	ipsi_is "$(pgrep -g "$(cat "$IPSI_TMP/pid")")" "" "processes left"
	ipsi_must_fail "does not exist" left ip link show dev "$IPSI_DEV"
}

# Programs that start ours may ignore the ends of their children.
ignored_children()
{
	local run='import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])'

	ipsi_need python3
	ipsi_topology
	conf_file left
	conf_hook "PostUp = true" "PreDown = true"
	ipsi_do left python3 -c "$run" ipsec-ipip up "$CONF"
	ipsi_do left python3 -c "$run" ipsec-ipip down "$CONF"
}

# Name servers go to resolvconf, and go with the link.
name_servers()
{
	local bin=$IPSI_TMP/bin tool

	tool=$(command -v ipsec-ipip)
	ipsi_topology
	conf_file left
	sed -i '1s/.*/DNS = 192.0.2.53, fd00::53 example.org/' "$CONF"
	mkdir "$bin"
	ipsi_must_fail "DNS: install resolvconf" left \
		env PATH="$bin" "$tool" up "$CONF"
	printf '#!/bin/sh\nexit 3\n' > "$bin/resolvconf"
	chmod +x "$bin/resolvconf"
	ipsi_must_fail "DNS: resolvconf: exit status 3" left \
		env PATH="$bin" "$tool" up "$CONF"
	ipsi_must_fail "does not exist" left ip link show dev "$IPSI_DEV"
	cat > "$bin/resolvconf" <<-END
		#!/bin/sh
		echo "\$@" >> $IPSI_TMP/dns
		[ "\$1" = -d ] || /bin/cat >> $IPSI_TMP/dns
	END
	ipsi_do left env PATH="$bin" "$tool" up "$CONF"
	ipsi_do left env PATH="$bin" "$tool" down "$CONF"
	ipsi_is "$(cat "$IPSI_TMP/dns")" "-a $IPSI_DEV
nameserver 192.0.2.53
nameserver fd00::53
search example.org
-d $IPSI_DEV" "input of resolvconf"
}

# A link in a VRF, with the underlay outside
vrf()
{
	ipsi_topology
	conf_file right
	ipsi_do right ipsec-ipip up "$CONF"
	conf_file left
	sed -i "1s/.*/Master = red/; s/^route.*/& table 10/" "$CONF"
	conf_same "$CONF:1: Master: \"red\" is not a device of this host"
	ipsi_do left ip link add red type bridge
	conf_same "Invalid argument"
	ipsi_do left ip link del red
	ipsi_do left ip link add red up type vrf table 10
	ipsi_do left ipsec-ipip up "$CONF"
	ipsi_has "$(ipsi_try left ip -o link show master red)" "$IPSI_DEV" \
		"devices of the VRF"
	ipsi_do left ping -n -c 1 -W 10 -I red "${IPSI_INNER[right]}"
	ipsi_do left ipsec-ipip down "$CONF"
}

# Options, SAs that are added, SAs under the same SPI, and a saved link
partly()
{
	ipsi_need jq
	ipsi_topology
	conf_file left
	ipsi_do left ipsec-ipip up "$CONF"
	{
		echo "TTL = 9"
		conf_sa left out 0x5001 3
	} > "$IPSI_TMP/add"
	ipsi_do left ipsec-ipip addconf "$IPSI_DEV" "$IPSI_TMP/add"
	ipsi_is "$(ipsi_get left ttl) $(ipsi_get left sa_out)" "9 2" "addconf"
	ipsi_do left ipsec-ipip save "$CONF"
	ipsi_has "$(cat "$CONF")" "file:$IPSI_TMP/left.in.enc" "saved path"
	ipsi_has "$(cat "$CONF")" "TTL = 9" "saved option"
	ipsi_has "$(cat "$CONF")" "Address = ${IPSI_INNER[left]}" "saved address"
	ipsi_is "$(stat -c %a "$CONF")" 600 "mode of the file"
	ipsi_try left ipsec-ipip showconf "$IPSI_DEV" > "$IPSI_TMP/showconf"
	ipsi_try left ipsec-ipip strip "$CONF" > "$IPSI_TMP/strip"
	diff "$IPSI_TMP/showconf" "$IPSI_TMP/strip" || ipsi_fail "saved file"
	ipsi_do left ipsec-ipip down "$CONF"
	ipsi_do left ipsec-ipip up "$CONF"
	ipsi_is "$(ipsi_get left active_spi)" "$((0x5001))" "SA in use"

	# back to the first file, by another remote endpoint
	conf_file left
	sed -i "s/^Remote.*/Remote = 10.0.0.77/; s/^Local/ttl = 7\n&/" "$CONF"
	ipsi_do left ipsec-ipip syncconf "$CONF"
	ipsi_is "$(ipsi_get left remote) $(ipsi_get left ttl)" "10.0.0.77 7" \
		"options after syncconf"
	ipsi_is "$(ipsi_get left sa_out) $(ipsi_get left sa_in)" "1 1" "SAs"
	ipsi_is "$(ipsi_try left ip xfrm state | grep -c ^src)" 2 "states"
	# a mistake changes nothing
	conf_sa left out 0x12 >> "$CONF"
	ipsi_must_fail ": expected 0x100 to 0xffffffff" left ipsec-ipip syncconf "$CONF"
	ipsi_is "$(ipsi_get left sa_out)" 1 "SAs after a mistake"
	ipsi_must_fail "is not up" left ipsec-ipip syncconf /tmp/ipsec9.conf
}

ipsi_run up_and_down mistakes undone change_of_keys refused_replacement signal names \
	moved_peer one_at_a_time ended_up ended_down silent_daemon ignored_children \
	name_servers vrf partly
