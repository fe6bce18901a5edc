#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Packets of both families, inside and outside, through a device; see
receive6.sh. All tests of receive.py can be named too.
usage: families.py TEST OUTER:INNERS:DEVICE...
"""
import re

import receive
from packet import (
    IPPROTO_ESP, Esp, Wire, check, filler, fragments, ip,
    ip_field, ip_split, main, udp, until)
from receive import ETH_P, received

# Source addresses that RFC 4213 section 3.6 forbids: multicast, loopback,
# IPv4-compatible and IPv4-mapped addresses
BAD_SOURCES = ('ff00::', 'ff02::1', 'ff0e::1234', '::1', '::2', '::10.1.2.3',
               '::ffff:10.1.2.3')


def inner_source(lab):
    """Invalid IPv6 source addresses."""
    lab.carry(6)
    for name in receive.MODES:
        sa = lab.sa(name)
        lab.arrives(sa)
        for source in BAD_SOURCES:
            packet = ip(source, lab.inner_host, 17, udp(
                source, lab.inner_host, 1000, receive.PORT, filler(20)))
            lab.refused(sa, '%s: from %s' % (name, source),
                        lab.wrap(sa, packet), 'rx_malformed')
        # A host without an address may use the unspecified one; protocol 253 is
        # for experiments.
        packet = ip('::', lab.inner_host, 253, filler(20))
        lab.send(lab.wrap(sa, packet))
        check(lab.inside.wait('packet from ::') == packet, 'changed')
        lab.delivered += 1
        lab.bytes += len(packet)
        lab.arrives(sa)
        lab.counted_right()
    lab.counters_add_up()


def outer_fragments(lab):
    """An outer packet in fragments is reassembled before it is decrypted (RFC
    4303 section 3.4.1), or is not received at all.
    """
    ident = 0x1000

    def pieces(sa, packet):
        nonlocal ident
        ident += 1
        own = {'ident': ident} if lab.outer_family == 4 else {}
        return fragments(lab.wrap(sa, packet, **own), 88, ident)

    for what, _, sa in lab.turns():
        for turn in (1, -1):
            packet = lab.datagram(size=200)
            parts = pieces(sa, packet)
            check(len(parts) >= 3, 'only', len(parts), 'fragments')
            for part in parts[:0:turn] if turn < 0 else parts[:-1]:
                lab.send(part)
            lab.nothing_arrived('incomplete packet')
            lab.arrives(sa, packet, what + ', in fragments',
                        parts[0] if turn < 0 else parts[-1])
        for missing in range(3):
            parts = pieces(sa, lab.datagram(size=200))
            del parts[missing]
            for part in parts:
                lab.send(part)
            lab.arrives(sa)
            lab.nothing_arrived('packet without its fragment %d' % missing)
        lab.counted_right()
        print(what + ': reassembled; nothing without a fragment')
    lab.counters_add_up()


def extension_headers(lab):
    """Extension headers between the outer header and ESP (RFC 4303 section
    3.1.1): as ip6tnl sends one, longer ones, and more of them.
    """
    ip6tnl = bytes([0, 4, 1, 4, 1, 0])
    # 0x1e is experimental, and skipped by hosts that do not know it.
    long = bytes([0x1e, 44]) + bytes(44)

    def headers(next_header, *bodies):
        """The protocol of the first header, and all headers."""
        packed = b''
        for body in reversed(bodies):
            packed = bytes([next_header, len(body) // 8]) + body + packed
            next_header = 60
        return next_header, packed

    for what, _, sa in lab.turns(('transport', 'tunnel')):
        for bodies in ((ip6tnl,), (long,), (ip6tnl, long), (long, ip6tnl)):
            for source, counter in ((lab.peer, None),
                                    ('fd00::77', 'rx_outer_address')):
                packet = lab.datagram()
                proto, packed = headers(IPPROTO_ESP, *bodies)
                wire = ip(source, lab.host, proto,
                          packed + sa.seal(packet, lab.next_header))
                sizes = [len(body) + 2 for body in bodies]
                if counter:
                    lab.refused(sa, '%s, options of %s bytes' % (
                        what, sizes), wire, counter)
                else:
                    lab.arrives(sa, packet, wire=wire)
        print(what + ': with destination options')
    lab.counters_add_up()


def inner_fragments(lab):
    """A fragment is an inner packet like any other."""
    for ident, (what, _, sa) in enumerate(lab.turns(), 1):
        fields = {'label': 0xfedcb} if lab.family == 6 else {}
        packet = lab.datagram(size=300, **fields)
        for piece in fragments(packet, 104, ident):
            lab.send(lab.wrap(sa, piece))
            seen = lab.inside.wait('fragment')
            check(seen == piece, what + ': fragment was changed')
            lab.delivered += 1
            lab.bytes += len(piece)
        data = ip_split(packet)[1][8:]
        until('reassembled', lambda data=data: received(lab.inner) == data)
        lab.arrives(sa)
    lab.counters_add_up()


def padding(lab):
    """ESP padding may have up to 255 bytes (RFC 4303 section 2.4)."""
    for what, _, sa in lab.turns(('transport', 'tunnel')):
        sizes = []
        for size in range(64):
            packet = lab.datagram(size)
            pad = 255 - (len(packet) + 2 + 255) % 16
            if size < 4 or pad == 255:
                lab.arrives(sa, packet, '%s, %d bytes of padding' % (
                    what, pad), pad=pad)
                sizes.append(pad)
        check(255 in sizes, 'not tried')
        print(what + ', padding:', *sizes)
    lab.counters_add_up()


def nft_packets(lab, word):
    """The number of packets that the rule "meta ipsec" WORD counted."""
    rules = lab.right.run('nft', 'list', 'table', 'inet', 'ipsi')
    return int(re.search(r'ipsec %s counter packets (\d+)' % word,
                         rules).group(1))


def secpath(lab):
    """A filter can match packets that came through an SA (RFC 3884 section
    4.2.3). Only inner IPv6 from tunnel mode does not match: see
    ipsi_decap_secpath().
    """
    lab.right.run('nft', 'add table inet ipsi; delete table inet ipsi; '
                  'add table inet ipsi; add chain inet ipsi in '
                  '{ type filter hook input priority 0; }; '
                  'add rule inet ipsi in iifname %s meta ipsec exists counter;'
                  'add rule inet ipsi in iifname %s meta ipsec missing counter'
                  % (lab.device.name, lab.device.name))
    for what, name, sa in lab.turns():
        word = 'missing' if (lab.family, name) == (6, 'tunnel') else 'exists'
        before = nft_packets(lab, word)
        lab.arrives(sa)
        check(nft_packets(lab, word) == before + 1, what, 'ipsec is not', word)
        print(what + ': ipsec', word)
    lab.counters_add_up()


def transmit_loop(lab):
    """A packet that has been in a tunnel too often does not enter it again (RFC
    2003 section 3.2, RFC 2473 section 4.1.2), nor does a packet between the
    endpoints.
    """
    sa = lab.sa('out')
    out = Wire(lab.right, lab.device.name)
    expected = {'tx_loop': 0, 'tx_malformed': 0}

    def packet(source, target, **fields):
        lab.controls += 1
        return ip(source, target, 253, b'%d ' % lab.controls + filler(20),
                  **fields)

    def local(inner):
        out.sock.sendto(inner, (lab.device.name, ETH_P[lab.family]))

    def leaves(what, way, inner):
        def wanted(wire):
            if ip_field(wire, 'proto') != IPPROTO_ESP:
                return False
            text = Esp.trailer(sa.open(ip_split(wire)[1])[1])[0]
            return ip_split(text)[1] == ip_split(inner)[1]

        way(inner)
        lab.answers.wait(what, wanted)

    def stays(what, way, inner, counter):
        way(inner)
        leaves('control after ' + what, way, packet(
            lab.inner_host if way is local else other, lab.inner_peer))
        expected[counter] += 1
        have = {key: lab.device.refused().get(key, 0) for key in expected}
        check(have == expected, what, have, 'instead of', expected)
        print('%d in %d: refused: %s, %s' % (lab.family, lab.outer_family,
                                             what, counter))

    for family in lab.inners:
        lab.carry(family)
        other = {4: '10.9.9.9', 6: 'fd09::9'}[family]
        leaves('packet', local, packet(lab.inner_host, lab.inner_peer))
        leaves('forwarded', lab.send, packet(other, lab.inner_peer))
        stays('TTL 0', local, packet(lab.inner_host, lab.inner_peer, ttl=0),
              'tx_malformed')
        if family != lab.outer_family:
            continue
        stays('from endpoint to endpoint', local,
              packet(lab.host, lab.peer), 'tx_loop')
        stays('forwarded from the local endpoint', lab.send,
              packet(lab.host, lab.inner_peer), 'tx_loop')
        stays('forwarded from the remote endpoint', lab.send,
              packet(lab.peer, lab.inner_peer), 'tx_loop')
        # The host itself may send from that address.
        leaves('from the local endpoint', local,
               packet(lab.host, lab.inner_peer))


if __name__ == '__main__':
    main(receive.run, {**vars(receive), **globals()})
