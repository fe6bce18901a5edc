#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two overlays, red and blue, between the same endpoints, each in its own VRF,
# with the same inner addresses in both: only the SA tells their packets apart.
#
#               left                              right
#   +--------------------------+      +--------------------------+
#   | VRF red   red0   if_id 1 |      | VRF red   red0   if_id 1 |
#   |  192.168.1.1             +------+             192.168.2.1  |
#   | VRF blue  blue0  if_id 2 |      | VRF blue  blue0  if_id 2 |
#   |  192.168.1.1             |      |             192.168.2.1  |
#   +--------------------------+      +--------------------------+
#
# Pings of the red overlay have another size than those of the blue one. Each
# host counts pings of each size by device: a "foreign" one has leaked. A
# failure means that traffic leaks into another overlay.

# shellcheck source=lib/ipsi.sh
source "$(dirname "$0")/lib/ipsi.sh"
# shellcheck source=lib/router.sh
source "$IPSI_LIB/router.sh"

declare -A IF_ID=([red]=1 [blue]=2) TABLE=([red]=10 [blue]=20)
# lengths of the data in a ping, and of the whole packet
declare -A SIZE=([red]=100 [blue]=200) LENGTH=([red]=128 [blue]=228)
# SPIs by sending host and overlay
declare -A SPI=([left.red]=0x1001 [left.blue]=0x1002
		[right.red]=0x2001 [right.blue]=0x2002)

# state VERB FROM SPI IF_ID [KEY]: print the words to "add" or "update" an SA
# with which FROM sends; KEY selects the key of another SPI
state()
{
	local verb=$1 from=$2 spi=$3 if_id=$4 key=${5:-$3} to=right words

	[ "$from" = left ] || to=left
	words=$(ipsi_state "${IPSI_OUTER[$from]}" "${IPSI_OUTER[$to]}" \
		"$key" "$if_id")
	echo "xfrm state $verb ${words/ spi $key / spi $spi }"
}

# counters: count received packets by device on each host, with nft
counters()
{
	local host

	for host in left right; do
		ipsi_try "$host" nft -f - <<-END || ipsi_fail "no rules"
			table ip t {
				counter red { }
				counter red_foreign { }
				counter blue { }
				counter blue_foreign { }
				chain prerouting {
					type filter hook prerouting priority 0
					iifname red0 ip length ${LENGTH[red]} counter name red
					iifname red0 ip length != ${LENGTH[red]} counter name red_foreign
					iifname blue0 ip length ${LENGTH[blue]} counter name blue
					iifname blue0 ip length != ${LENGTH[blue]} counter name blue_foreign
				}
			}
		END
	done
}

# overlays: set up both overlays with all SAs
overlays()
{
	local host peer color

	ipsi_need nft
	ipsi_topology
	for host in left right; do
		peer=${IPSI_PEER[$host]}
		ipsi_try "$host" sysctl -qw \
			net.ipv6.conf.default.disable_ipv6=1 \
			"net.ipv6.conf.$IPSI_WIRE.disable_ipv6=1"
		for color in red blue; do
			ipsi_batch "$host" <<-END
				link add $color up type vrf table ${TABLE[$color]}
				link add ${color}0 master $color type ipsec-ipip \
				local ${IPSI_OUTER[$host]} remote ${IPSI_OUTER[$peer]} \
				if_id ${IF_ID[$color]}
				address add ${IPSI_INNER[$host]}/32 dev ${color}0
				link set ${color}0 up
				route add ${IPSI_INNER[$peer]} dev ${color}0 vrf $color
				$(state add "$host" "${SPI[$host.$color]}" "${IF_ID[$color]}")
				$(state add "$peer" "${SPI[$peer.$color]}" "${IF_ID[$color]}")
			END
		done
	done
	counters
}

# try_ping HOST COLOR [N]: send N (default 1) pings in that overlay
try_ping()
{
	ipsi_try "$1" ping -n -q -c "${3:-1}" -i 0.2 -W 1 -s "${SIZE[$2]}" \
		-I "$2" "${IPSI_INNER[${IPSI_PEER[$1]}]}" > /dev/null
}

# reaches HOST COLOR [N], reaches_not HOST COLOR: check that pings are answered,
# or not
reaches()
{
	echo "$1: ping in $2, ${3:-1}"
	try_ping "$@" || ipsi_fail "$1: no answer in $2"
}

reaches_not()
{
	echo "$1: ping in $2, in vain"
	! try_ping "$@" || ipsi_fail "$1: an answer in $2"
}

# came HOST NAME: print a counter
came()
{
	local text

	text=$(ipsi_try "$1" nft list counters)
	text=${text#*counter "$2" \{*packets }
	echo "${text%% *}"
}

# no_leaks: check that no packet was received by the wrong device
no_leaks()
{
	local host color

	for host in left right; do
		for color in red blue; do
			ipsi_is "$(came $host ${color}_foreign)" 0 \
				"packets of the other overlay by ${color}0, $host"
		done
	done
}

# refused HOST COLOR N COUNTER: check that the overlay refuses N packets
refused()
{
	ipsi_is "$(ipsi_stat "$1" "$4" "$2"0)" "$3" "$1: $4 of ${2}0"
}

# R5
apart()
{
	local wire=$IPSI_TMP/wire

	overlays
	ipsi_capture_start right "$wire"
	reaches left red 2
	reaches left blue 3
	reaches right red
	reaches right blue
	ipsi_capture_stop
	ipsi_is "$(came right red) $(came right blue)" "3 4" \
		"packets by red0 and blue0, right"
	ipsi_is "$(came left red) $(came left blue)" "3 4" \
		"packets by red0 and blue0, left"
	no_leaks
	ipsi_is "$(ipsi_count "$wire" 'esp and ip[20:4] = 0x1001') $(ipsi_count \
		"$wire" 'esp and ip[20:4] = 0x1002')" "3 4" \
		"packets on the wire in each SA of the left's"
	ipsi_none "$wire" 'ip and not esp' "packets in clear"
}

# An overlay without an SA does not use the other's SA, nor one that is added to
# the other.
no_sa_is_borrowed()
{
	overlays
	reaches left red
	reaches left blue
	ipsi_batch left <<< "xfrm state delete dst ${IPSI_OUTER[right]} \
proto esp spi 0x1001"
	reaches_not left red
	reaches left blue
	refused left red 1 tx_no_sa
	ipsi_must_fail "" left ipsec-ipip sa activate red0 spi 0x1002
	ipsi_must_fail "" left ipsec-ipip sa del red0 out spi 0x1002
	ipsi_must_fail "" left ipsec-ipip -q sa add red0 out spi 0x1002 \
		aead 'rfc4106(gcm(aes))' "$(printf '0x%040x' 0x1003)" 128
	reaches_not left red
	reaches left blue
	ipsi_is "$(came right red) $(came right blue)" "1 3" \
		"packets by red0 and blue0, right"
	no_leaks
}

# crossed_reach_nobody: check that neither overlay accepts packets with the SPI
# of the other
crossed_reach_nobody()
{
	reaches_not left red
	reaches_not left blue
	refused right blue 1 rx_crypto
	refused right red 1 rx_crypto
	ipsi_is "$(came right red) $(came right blue)" "0 0" \
		"packets by red0 and blue0, right"
	no_leaks
}

# A host on the path exchanges the SPIs of the overlays.
spis_crossed_on_the_path()
{
	overlays
	ipsi_try right nft -f - <<-END || ipsi_fail "no rules"
		table ip path {
			chain prerouting {
				type filter hook prerouting priority -400
				ip protocol esp @th,0,32 0x1001 @th,0,32 set 0x1002 accept
				ip protocol esp @th,0,32 0x1002 @th,0,32 set 0x1001 accept
			}
		}
	END
	crossed_reach_nobody
	ipsi_do right nft delete table ip path
	reaches left red
	reaches left blue
	no_leaks
}

# The right has exchanged the keys of the overlays' SPIs.
spis_crossed_at_one_end()
{
	overlays
	ipsi_batch right <<-END
		xfrm state delete dst ${IPSI_OUTER[right]} proto esp spi 0x1001
		xfrm state delete dst ${IPSI_OUTER[right]} proto esp spi 0x1002
		$(state add left 0x1001 2 0x1002)
		$(state add left 0x1002 1 0x1001)
	END
	crossed_reach_nobody
}

# R6
foreign_sa_does_not_join()
{
	overlays
	ipsi_batch right <<-END
		address add 10.0.0.9/24 dev $IPSI_WIRE
		link add other type ipsec-ipip local 10.0.0.9 \
		remote ${IPSI_OUTER[left]} if_id 9
		address add 192.168.9.1/32 dev other
		link set other up
		route add 192.168.1.1/32 dev other
		xfrm state add $(ipsi_state 10.0.0.9 10.0.0.1 0x9001 9)
	END
	# The device does not take an SA of another peer ...
	ipsi_batch left <<< "xfrm state add $(ipsi_state 10.0.0.9 10.0.0.1 \
		0x9001 "${IF_ID[red]}")"
	ipsi_is "$(ipsi_get left sa_in red0)" 1 "inbound SAs of red0"
	# ... nor packets through it.
	ipsi_try right ping -n -q -c 2 -i 0.2 -W 0.1 -s "${SIZE[red]}" \
		192.168.1.1 > /dev/null
	reaches left red
	ipsi_is "$(came left red)" 1 "packets by red0"
	refused left red 2 rx_outer_address
	no_leaks
}

ipsi_run apart no_sa_is_borrowed spis_crossed_on_the_path \
	spis_crossed_at_one_end foreign_sa_does_not_join
