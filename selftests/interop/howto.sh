#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The files and commands of the pages in Documentation/howto, run as they are there:
# a file after "File ``PATH``::", commands after "Commands::". A failure means that a
# reader who copies from the page gets no link.
#
# Each host has an /etc with the files of its page on top of that of this machine,
# and an empty /run.

# shellcheck source=lib/interop.sh
source "$(dirname "$0")/lib/interop.sh"

# Only the test sends packets.
# shellcheck disable=SC2034 # used by the library
IPSI_QUIET=1
PAGES=$IPSI_INTEROP/../../Documentation/howto
declare -A HOWTO_PID

# howto_extract PAGE DIR: write the files of a page below DIR/etc, and its commands
# to DIR/commands
howto_extract()
{
	awk -v dir="$2" '
		/^File ``\/etc\/.*``::$/ {
			split($0, part, "``")
			out = dir part[2]
			folder = out
			sub(/\/[^\/]*$/, "", folder)
			system("mkdir -p " folder)
			next
		}
		/Commands::$/ { out = dir "/commands"; next }
		/^[^ ]/ { out = "" }
		out { sub(/^    /, ""); print > out }
	' "$PAGES/$1.rst"
}

# howto_link HOST DIR [LINE...]: write the file of the link, with LINEs in [Link]
howto_link()
{
	local host=$1 peer=${IPSI_PEER[$1]} dir=$2 way from
	shift 2

	umask 077
	mkdir -p "$dir/etc/ipsec-ipip"
	{
		printf '%s\n' "Local = ${IPSI_OUTER[$host]}" \
			"Remote = ${IPSI_OUTER[$peer]}" "$@"
		for way in in out; do
			from=$host
			[ "$way" = out ] || from=$peer
			printf '%s\n' "[SA]" "Direction = $way" \
				"SPI = ${IPSI_SPI[$from]}" \
				"Enc = cbc(aes) ${IPSI_ENC_KEY[$from]}" \
				"Auth = hmac(sha256) ${IPSI_AUTH_KEY[$from]}"
		done
	} > "$dir/etc/ipsec-ipip/$IPSI_DEV.conf"
	umask 022
}

# howto_files HOST PAGE [LINE...]: write the files of PAGE and of the link
howto_files()
{
	local host=$1 page=$2 dir=$IPSI_TMP/howto.$1
	shift 2

	# Daemons run as their own users.
	chmod 755 "$IPSI_TMP"
	mkdir -p "$dir/etc"
	[ -z "$page" ] || howto_extract "$page" "$dir"
	howto_link "$host" "$dir" "$@"
	chmod 755 "$dir" "$dir/etc"
}

# howto_start HOST: make the environment of HOST, with these files
howto_start()
{
	local host=$1 dir=$IPSI_TMP/howto.$1

	# shellcheck disable=SC2016 # expanded by that shell
	ipsi_bg "$host" unshare --mount sh -c '
		mount -t overlay howto -o "lowerdir=$0/etc:/etc" /etc &&
		mount -t tmpfs run /run && chmod 755 /run &&
		mkdir -p /run/systemd /run/network /run/frr &&
		touch "$0/ready" && exec sleep infinity' "$dir"
	HOWTO_PID[$host]=$IPSI_BG_PID
	ipsi_wait "environment of the $host" test -e "$dir/ready"
}

# howto_host HOST PAGE [LINE...]: both
howto_host()
{
	howto_files "$@"
	howto_start "$1"
}

# howto_do HOST CMD...: run CMD there
howto_do()
{
	local host=$1
	shift

	echo "$host: $*"
	nsenter -t "${HOWTO_PID[$host]}" -m -n "$@" ||
		ipsi_fail "exit status $?: $*"
}

# howto_bg HOST CMD...: run CMD there in the background
howto_bg()
{
	local host=$1
	shift

	echo "$host: $* &"
	ipsi_bg "$host" nsenter -t "${HOWTO_PID[$host]}" -m "$@" \
		> "$IPSI_TMP/output.${1##*/}" 2>&1
}

# howto_commands HOST: run the commands of its page
howto_commands()
{
	cat "$IPSI_TMP/howto.$1/commands"
	howto_do "$1" sh -e "$IPSI_TMP/howto.$1/commands"
}

# howto_peer: make the link of the right host
howto_peer()
{
	howto_host right "" "Address = ${IPSI_INNER[right]}" \
		"Route = ${IPSI_INNER[left]}"
	howto_do right ipsec-ipip up "$IPSI_DEV"
}

howto_ping()
{
	howto_do left ping -n -c 1 -W 10 "${IPSI_INNER[right]}"
	howto_do right ping -n -c 1 -W 10 "${IPSI_INNER[left]}"
}

# howto_has_route HOST DESTINATION: true if a route leads to the link
howto_has_route()
{
	[[ $(ip -n "${!1}" route get "$2" 2> /dev/null) == *"dev $IPSI_DEV"* ]]
}

howto_has_address()
{
	[[ $(ip -n "${left:?}" -4 -o address show dev "$1") == *inet* ]]
}

NETWORKD=/lib/systemd/systemd-networkd

# networkd_start: without udev, networkd uses links at once if /sys is read-only
networkd_start()
{
	howto_do left mount -o bind,ro /sys /sys
	howto_bg left "$NETWORKD"
}

# Without keys, and so without a carrier, networkd sets addresses and routes; without
# the lines about the carrier it does not.
networkd()
{
	local page=etc/systemd/network/50-ipsec0.network

	[ -x "$NETWORKD" ] || ipsi_skip "systemd-networkd is not installed"
	ipsi_topology
	howto_peer
	howto_files left networkd
	# the file of a link that waits for keys, and those of a second link
	mkdir -p "$IPSI_TMP/keys"
	cd "$IPSI_TMP/howto.left" || ipsi_fail "no files"
	cp "etc/ipsec-ipip/$IPSI_DEV.conf" "$IPSI_TMP/keys/"
	sed -i '/^\[SA/,$d' "etc/ipsec-ipip/$IPSI_DEV.conf"
	sed '/Carrier/d; s/ipsec0/ipsec1/; s/192\.168\.1\.1/192.168.7.1/; /Route/,$d' \
		"$page" > etc/systemd/network/40-ipsec1.network
	chmod -R a+rX etc/systemd
	howto_start left
	howto_do left ipsec-ipip up "$IPSI_DEV"
	howto_do left ip link add ipsec1 up type ipsec-ipip \
		local "${IPSI_OUTER[left]}" remote 10.0.0.9
	networkd_start
	ipsi_wait "route of networkd" howto_has_route left 192.168.2.9
	ipsi_wait "address of networkd" howto_has_address "$IPSI_DEV"
	! howto_has_address ipsec1 || ipsi_fail "an address without a carrier"
	ipsi_is "$(ipsi_get left carrier)" false "carrier"
	howto_do left ipsec-ipip syncconf "$IPSI_DEV" \
		"$IPSI_TMP/keys/$IPSI_DEV.conf"
	howto_ping
	# The carrier goes with the keys, the address stays.
	howto_do left ipsec-ipip syncconf "$IPSI_DEV"
	ipsi_wait "end of the carrier" ipsi_carrier_is left false
	howto_has_address "$IPSI_DEV" || ipsi_fail "the address is gone"
	howto_do left ipsec-ipip sa add ipsec1 out spi 0x1001 \
		enc ecb\(cipher_null\) "" auth sha256 "${IPSI_AUTH_KEY[left]}"
	howto_do left ipsec-ipip sa add ipsec1 in spi 0x1002 \
		enc ecb\(cipher_null\) "" auth sha256 "${IPSI_AUTH_KEY[left]}"
	ipsi_wait "address with a carrier" howto_has_address ipsec1
}

# nm_shows DEVICE STATE
nm_shows()
{
	[[ $(nsenter -t "${HOWTO_PID[left]}" -m -n nmcli -g GENERAL.STATE \
		device show "$1") == *"($2"* ]]
}

# NetworkManager leaves the link alone. It is not among the packages that scripts/setup
# installs, since it would take over the network of the machine.
networkmanager()
{
	local line=("Address = ${IPSI_INNER[left]}"
		    "Route = ${IPSI_INNER[right]}")

	PATH+=:/usr/sbin
	ipsi_need NetworkManager dbus-daemon nmcli
	ipsi_topology
	howto_peer
	howto_host left networkmanager "${line[@]}"
	howto_do left mkdir /run/dbus
	howto_do left mount -t tmpfs state /var/lib/NetworkManager
	howto_do left mount -o bind,ro /sys /sys
	howto_bg left dbus-daemon --system --nofork --nopidfile
	ipsi_wait "D-Bus" nsenter -t "${HOWTO_PID[left]}" -m \
		test -S /run/dbus/system_bus_socket
	howto_bg left NetworkManager --no-daemon
	howto_do left ipsec-ipip up "$IPSI_DEV"
	ipsi_wait "link in NetworkManager" nm_shows "$IPSI_DEV" unmanaged
	howto_ping
	nm_shows "$IPSI_DEV" unmanaged || ipsi_fail "the link is managed"
}

ifupdown()
{
	PATH+=:/usr/sbin:/sbin
	ipsi_need ifup
	ipsi_topology
	howto_peer
	howto_files left ifupdown
	# That of this machine may have other stanzas.
	echo "source /etc/network/interfaces.d/*" \
		> "$IPSI_TMP/howto.left/etc/network/interfaces"
	howto_start left
	howto_commands left
	howto_ping
	howto_do left ifdown "$IPSI_DEV"
	ipsi_must_fail "does not exist" left ip link show dev "$IPSI_DEV"
}

# FRR on the left, BIRD on the right
ospf()
{
	local frr=/usr/lib/frr host dir=/etc/frr

	ipsi_need bird
	[ -x "$frr/ospfd" ] || ipsi_skip "frr is not installed"
	ipsi_topology
	# The routes to the networks behind both hosts are those of OSPF.
	howto_host left frr "Address = 192.168.1.1 peer 192.168.2.1"
	howto_host right bird "Address = 192.168.2.1 peer 192.168.1.1"
	for host in left right; do
		howto_do "$host" ipsec-ipip up "$IPSI_DEV"
		howto_do "$host" ip address add \
			"192.168.$([ "$host" = left ] && echo 3 || echo 4).1/32" \
			dev lo
		howto_do "$host" ip link set lo up
	done
	howto_do left chown frr:frr /run/frr
	howto_bg left "$frr/zebra" -f "$dir/frr.conf" -P 0
	ipsi_wait "zebra" nsenter -t "${HOWTO_PID[left]}" -m \
		test -S /run/frr/zserv.api
	howto_bg left "$frr/ospfd" -f "$dir/frr.conf" -P 0
	howto_bg right bird -f -c /etc/bird/bird.conf -s "$IPSI_TMP/bird.ctl"
	ipsi_wait "route of BIRD's to FRR" howto_has_route left 192.168.4.1
	ipsi_wait "route of FRR's to BIRD" howto_has_route right 192.168.3.1
	howto_do left ping -n -c 1 -W 10 -I 192.168.3.1 192.168.4.1
}

# namespaces_start: the page about namespaces, but for its last command, which deletes
# the link
namespaces_start()
{
	ipsi_topology
	howto_peer
	howto_host left namespaces
	sed -i '/^$/d' "$IPSI_TMP/howto.left/commands"
	sed '$d' "$IPSI_TMP/howto.left/commands" > "$IPSI_TMP/first"
	howto_do left sh -e "$IPSI_TMP/first"
}

namespaces()
{
	namespaces_start
	howto_do left ip netns exec app ping -n -c 1 -W 10 \
		"${IPSI_INNER[right]}"
	howto_do right ping -n -c 1 -W 10 "${IPSI_INNER[left]}"
	ipsi_is "$(ip -n "${left:?}" xfrm state | grep -c ^src)" 2 "states"
	howto_do left sh -e -c "$(tail -n 1 "$IPSI_TMP/howto.left/commands")"
	ipsi_is "$(ip -n "$left" xfrm state)" "" "states at the end"
	namespaces_hooks
}

# namespaces_hooks: the hooks of the page, with a second start, since "down" does not
# delete the link
namespaces_hooks()
{
	local file=$IPSI_TMP/hooks/$IPSI_DEV.conf

	mkdir -m 700 "$IPSI_TMP/hooks"
	sed -nE 's/^    (P[a-z]+Up = .*)/\1/p' "$PAGES/namespaces.rst" \
		> "$IPSI_TMP/hooks/lines"
	[ -s "$IPSI_TMP/hooks/lines" ] || ipsi_fail "no hooks in the page"
	# They are for [Link], the first section.
	(umask 077
	 sed "/^Remote/r $IPSI_TMP/hooks/lines" \
		"$IPSI_TMP/howto.left/etc/ipsec-ipip/$IPSI_DEV.conf" > "$file")
	for _ in first second; do
		howto_do left ipsec-ipip up "$file"
		howto_do left ip netns exec app ping -n -c 1 -W 10 \
			"${IPSI_INNER[right]}"
		howto_do left ipsec-ipip down "$file"
	done
}

# The options of the page, with a root file system in place of an image, and with a
# storage and a runtime that need no more than a virtual machine has.
container()
{
	local root=$IPSI_TMP/rootfs option

	ipsi_need podman crun busybox
	option=$(sed -nE 's/.*podman run.* (--cap-add .* --network [^ ]+) .*/\1/p' \
		"$PAGES/namespaces.rst")
	[ -n "$option" ] || ipsi_fail "no command of podman in the page"
	namespaces_start
	mkdir -p "$root/bin"
	cp "$(type -P busybox)" "$root/bin/"
	# shellcheck disable=SC2086 # it is split
	howto_do left env -C "$IPSI_TMP" podman --root "$IPSI_TMP/podman" \
		--storage-driver vfs --cgroup-manager cgroupfs run --rm \
		--cgroups disabled --log-driver none $option \
		--rootfs "$root" /bin/busybox ping -c 1 -W 10 \
		"${IPSI_INNER[right]}"
}

# nft_counter NAME: print its packets
nft_counter()
{
	ipsi_try left nft list counter inet ipsec0 "$1" |
		sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

nftables()
{
	local name

	ipsi_need nft
	ipsi_topology
	howto_peer
	howto_host left nftables "Address = ${IPSI_INNER[left]}" \
		"Route = 192.168.2.0/24"
	howto_do left ipsec-ipip up "$IPSI_DEV"
	howto_commands left
	howto_ping
	for name in outer_in inner_in inner_out; do
		ipsi_is "$(nft_counter "$name")" 2 "$name"
	done
	ipsi_is "$(nft_counter never)" 0 "rt ipsec"
	# a packet with an inner address by the underlay
	ipsi_record_also icmp by right to "${IPSI_OUTER[left]}"
	howto_do left sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		"net.ipv4.conf.$IPSI_WIRE.rp_filter=0"
	ipsi_try right ip route replace "${IPSI_OUTER[left]}" dev "$IPSI_WIRE" \
		src "${IPSI_INNER[right]}"
	ipsi_try right ping -n -q -c 1 -W 1 -I "${IPSI_INNER[right]}" \
		"${IPSI_OUTER[left]}" > /dev/null
	ipsi_wait "a packet that is dropped" nft_counted spoofed
	ipsi_is "$(nft_counter inner_in)" 2 "inner_in"
}

nft_counted()
{
	[ "$(nft_counter "$1")" != 0 ]
}

ipsi_run networkd networkmanager ifupdown ospf namespaces container nftables
