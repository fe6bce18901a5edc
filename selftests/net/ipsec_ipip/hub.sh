#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A hub with many links: a change of one of them, or a look at all of them, does
# not search the SAs of the others, and works that take the RTNL do not queue up
# before it. The tests count calls of functions, and no times. A failure means
# that a hub with ten thousand links comes to a stop.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"

GCM="aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128"
N=40
TRACING=/sys/kernel/tracing

# probes: stop counting
probes_end()
{
	local event

	for event in "$TRACING"/events/kprobes/ipsi_hub_*; do
		[ -e "$event" ] || continue
		echo 0 > "$event/enable"
		echo "-:${event##*/}" >> "$TRACING/kprobe_events"
	done
	echo > "$TRACING/trace"
}

# probe NAME p|r FUNCTION: count the calls of a function, or its returns
probe()
{
	[ -e "$TRACING/kprobe_events" ] ||
		mount -t tracefs tracefs "$TRACING" 2> /dev/null
	[ -e "$TRACING/kprobe_events" ] || ipsi_skip "no kprobes"
	trap 'probes_end; ipsi_cleanup' EXIT
	echo "$2:ipsi_hub_$1 $3" >> "$TRACING/kprobe_events" ||
		ipsi_skip "no function $3"
	echo 1 > "$TRACING/events/kprobes/ipsi_hub_$1/enable"
}

hits()
{
	awk -v probe="ipsi_hub_$1" '$1 == probe { print $2 }' \
		"$TRACING/kprobe_profile"
}

# batch: commands for ip on standard input
batch()
{
	ipsi_try left ip -batch - || ipsi_fail "lines were refused"
}

link()
{
	echo "link add t$1 type ipsec-ipip local 10.0.0.1 \
remote 10.1.0.$1 if_id $((1000 + $1))"
}

# state I SRC DST SPI
state()
{
	echo "xfrm state add src $2 dst $3 proto esp spi $4 mode transport \
if_id $((1000 + $1)) $GCM"
}

sas()
{
	state "$1" 10.0.0.1 "10.1.0.$1" $((0x1000 + $1))
	state "$1" "10.1.0.$1" 10.0.0.1 $((0x2000 + $1))
}

hub()
{
	local i

	setup_ns left || ipsi_skip "no network namespaces here"
	ipsi_shell left
	batch <<-END
		link set lo up
		link add eth0 type dummy
		link set eth0 up
		address add 10.0.0.1/24 dev eth0
		route add 10.1.0.0/16 dev eth0
	END
	for ((i = 1; i <= N; i++)); do
		link "$i"
		sas "$i"
	done | batch
}

states_are()
{
	ipsi_is "$(ipsi_try left ip xfrm state | grep -c '^src')" "$1" "states"
}

# Only for states that no device lists, the SAD is searched.
one_link_of_many()
{
	probe walks p xfrm_state_walk
	hub
	walks=$(hits walks)
	# The first link of a namespace looks for states that are older.
	[ "$walks" -le 1 ] || ipsi_fail "$walks walks for $N links"

	{
		link 200
		sas 200
		echo "link del t1"
		echo "link del t200"
	} | batch
	ipsi_is "$(hits walks)" "$walks" "walks for one link more, and less"
	states_are $((2 * N - 2))

	# not between the endpoints of their links, before and after their links
	{
		state 2 10.9.9.9 10.0.0.1 0x9002
		state 201 10.9.9.9 10.0.0.1 0x9201
		sas 201
		link 201
	} | batch
	ipsi_is "$(ipsi_try left ipsec-ipip sa show t201 | grep -c spi)" 2 \
		"SAs that are older than their link"
	{
		echo "link del t2"
		echo "link del t201"
	} | batch
	states_are $((2 * N - 4))
	[ "$(hits walks)" -gt "$walks" ] || ipsi_fail "walks are not counted"

	# the next device with the if_id of a device that has left states
	{
		state 3 10.1.0.203 10.0.0.1 0x9003
		echo "link set t3 type ipsec-ipip remote 10.1.0.203"
		echo "link del t3"
		link 3
		sas 3
		echo "link del t3"
	} | batch
	states_are $((2 * N - 6))
}

# This must not dump the SAD, which walks over it as well.
adopted()
{
	ipsi_try left ipsec-ipip sa show t1 out spi 0x5000
}

# The lock of the SAD is given up after 128 states, also if a search is not for
# their protocol.
search_in_slices()
{
	local walks

	ipsi_need python3
	probe walks p xfrm_state_walk
	hub
	ipsi_do left "$IPSI_LIB/xfrm.py" strays 10.0.0.1 10.2.0.1 5000 1000
	echo "xfrm state add src 10.0.0.1 dst 10.1.0.1 proto esp spi 0x5000 \
mode tunnel if_id 1001 $GCM" | batch
	walks=$(hits walks)
	ipsi_do left ip link set t1 type ipsec-ipip keying adopt
	ipsi_wait "adoption" adopted
	walks=$(($(hits walks) - walks))
	[ "$walks" -ge 8 ] || ipsi_fail "1000 states in $walks slices"
}

# The SAD and the SPD are dumped once, for any number of links.
check_reads_once()
{
	local asked

	modprobe xfrm_user 2> /dev/null
	probe states p xfrm_dump_sa_done
	probe policies p xfrm_dump_policy_done
	probe device p ipsec_ipip_nl_dev_get_doit
	probe link p rtnl_getlink
	hub
	ipsi_try left ipsec-ipip check > /dev/null
	ipsi_is "$(hits states) $(hits policies)" "1 1" "dumps"
	# A look at all links does not ask for each.
	asked="$(hits device) $(hits link)"
	ipsi_is "$(ipsi_try left ipsec-ipip show --brief | grep -c ' -> 10\.1\.0\.')" \
		"$N" "lines"
	ipsi_is "$(hits device) $(hits link)" "$asked" "requests for a link"
}

mtus_are()
{
	[ "$(ipsi_try left ip -o link show type ipsec-ipip |
		grep -c "mtu $1 ")" = "$N" ]
}

# Others wait for the RTNL behind one work at most.
works_one_by_one()
{
	local i most

	probe begin p ipsi_mtu_work
	probe end r ipsi_mtu_work
	hub
	ipsi_wait "an MTU with SAs" mtus_are 1446
	# Others use the RTNL, so works have to wait for it.
	for ((i = 0; i < 1000; i++)); do
		echo "link set lo group $((i % 2))"
	done > "$IPSI_TMP/others"
	ipsi_bg left sh -c "while :; do ip -batch $IPSI_TMP/others; done"
	echo > "$TRACING/trace"
	ipsi_do left ip link set eth0 mtu 1400
	ipsi_wait "the MTU of all links" mtus_are 1346
	most=$(awk '/ipsi_hub_begin/ { if (++now > most) most = now }
		/ipsi_hub_end/ { now-- }
		END { print most + 0 }' "$TRACING/trace")
	ipsi_is "$most" 1 "works at the same time"
}

ipsi_run one_link_of_many search_in_slices check_reads_once works_one_by_one
