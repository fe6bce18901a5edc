#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Library for carrier.sh and lifetimes.sh: the events of a device on "left" in
# their order, including carrier events, and the carrier in all places that show
# it.

# events_listen: start the monitor
events_listen()
{
	EVENTS=$IPSI_TMP/events
	EVENTS_HEARD=
	ipsi_bg left ipsec-ipip monitor > "$EVENTS" 2> "$IPSI_TMP/monitor"
	ipsi_wait "monitor listening" grep -q listening "$IPSI_TMP/monitor"
}

# events_shown: print the events, a line for each: event, direction, SPI, flags.
# The first line is the command. The reason for a carrier that is off is not of the
# event, but of the device as it is a moment later.
events_shown()
{
	sed -E "1d; s/^[^ ]* //; s/ $IPSI_DEV / /; s/ spi 0x0*/ /; s/ proto [a-z]*//
		s/ mode [a-z]*//; s/ reqid [0-9]*//; s/ [^ ]* -> [^ ]*//
		s/^(carrier off), .*/\\1/" \
		"$EVENTS"
}

events_as_many()
{
	[ "$(wc -l < "$EVENTS")" -gt "$1" ]
}

# events_are LINE...: check that exactly these new events have come
events_are()
{
	local n

	printf -v EVENTS_HEARD '%s' "$EVENTS_HEARD" "${@/%/$'\n'}"
	n=$(wc -l <<< "$EVENTS_HEARD")
	ipsi_wait "$* (heard: $(events_shown | tr '\n' ';'))" \
		events_as_many "$((n - 1))"
	ipsi_is "$(events_shown)" "${EVENTS_HEARD%$'\n'}" "events"
}

# carrier_is {on|off}: check the carrier on "left". The operstate follows later,
# by a work queue.
carrier_is()
{
	local carrier=true state=UP flags

	[ "$1" = on ] || carrier=false state=DOWN
	ipsi_is "$(ipsi_get left carrier)" "$carrier" "carrier"
	flags=$(ipsi_try left ip -o link show dev "$IPSI_DEV")
	if [ "$1" = on ]; then
		ipsi_has "$flags" LOWER_UP "flags"
	else
		ipsi_has_not "$flags" LOWER_UP "flags"
	fi
	ipsi_wait "operstate $state" carrier_operstate "$state"
	echo "left: carrier $1"
}

carrier_operstate()
{
	local link

	link=$(ipsi_try left ip -o link show dev "$IPSI_DEV")
	[[ $link == *" state $1 "* ]] || return
	if [ "$1" = DOWN ]; then
		[[ $link == *NO-CARRIER* ]]
	else
		[[ $link != *NO-CARRIER* ]]
	fi
}
