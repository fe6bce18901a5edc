#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends the same inner packets through tunnel mode and through a device, one
at a time, and compares what comes out; for wire_identity.sh and wire_identity6.sh, which see.

usage: identity.py TEST SA [OPTION...]
  identity  the wire bytes of both are equal
            (every_tos=1: with all values of TOS; groups=A,B: those alone)
  options   the outer header is what OPTIONs say: ttl=N, tos=N, df=WORD,
            ecn=WORD, label=WORD
  flows     outer flow labels are those of a hash of the inner flow
  refused   packets with DF that do not fit bring the same ICMP error
            (hop=later: the device sees them after the router's hop)
  too_big   those without DF are cut in the same pieces
  SA        JSON of the SA: proto, cipher, key, auth_key, spi
The families are OUTER and INNER of the environment, 4 unless set.
"""
import json
import os
import socket
import struct
import sys

from packet import (
    DF, ETH_P_IP, ETH_P_IPV6, MF, IPPROTO_AH, IPPROTO_ESP, IPPROTO_FRAGMENT,
    IPPROTO_ICMPV6, IPPROTO_IPIP, IPPROTO_IPV6, PATIENCE, Ah, Device, Esp,
    Failure, Netns, Wire, check, checksum, family_of, filler, fragments,
    icmp6_echo, icmp_echo, ip, ip_field, ip_split, main, pseudo, tcp, udp,
    with_checksum)

OUTER = int(os.environ.get('OUTER', '4'))
INNER = int(os.environ.get('INNER', '4'))
SRC, DST = {4: ('10.1.0.2', '10.2.0.2'), 6: ('fd11::2', 'fd12::2')}[INNER]
LOCAL, REMOTE = {4: ('10.0.0.1', '10.0.0.2'),
                 6: ('fd00::1', 'fd00::2')}[OUTER]
ETH_P = {4: ETH_P_IP, 6: ETH_P_IPV6}
HEADER = {4: 20, 6: 40}         # bytes
NEXT_HEADER = {4: IPPROTO_IPIP, 6: IPPROTO_IPV6}[INNER]
ETH = 14


class Path:
    """One of the two paths: a gateway with both its neighbours."""

    def __init__(self, name):
        lab = Netns(os.environ['lab'])
        self.name = name
        self.gateway = Netns(os.environ[name])
        self.inside = Wire(lab, 'in-' + name, ETH_P[INNER], link=True)
        self.outside = Wire(lab, 'out-' + name, ETH_P[OUTER], link=True)
        with self.gateway:
            self.raw = socket.socket(
                socket.AF_INET if INNER == 4 else socket.AF_INET6,
                socket.SOCK_RAW, socket.IPPROTO_RAW)

    def forward(self, packet):
        """Make the gateway forward a packet."""
        self.inside.send(packet, bytes.fromhex('020000000001'))

    def originate(self, packet):
        """Make the gateway send a packet of its own."""
        self.raw.sendto(packet, (DST, 0))

    def out(self):
        """The next frame on the wire."""
        frame = self.outside.seen(PATIENCE)
        check(frame, self.name + ': nothing on the wire')
        return frame

    def silent(self):
        """Check that no more frames are on the wire."""
        rest = self.outside.all_seen()
        check(not rest, self.name + ':', len(rest), 'frames too many')


def inner(payload=b'', proto=17, **fields):
    """An inner packet. The ID is set, because the kernel might choose one."""
    if INNER == 4:
        fields.setdefault('ident', 0x4321)
    return ip(SRC, DST, proto, payload, **fields)


def sizes(mtu):
    """Packet lengths: all residues of all block sizes at both ends, and some
    between.
    """
    if (OUTER, INNER) == (4, 4):
        return sorted({*range(20, 54), 64, 100, 127, 128, 255, 256, 511, 576,
                       1000, 1280, *range(mtu - 17, mtu + 1)})
    # Block sizes do not depend on the family: those of 4 bytes suffice.
    return sorted({*range(HEADER[INNER], HEADER[INNER] + 10), 128, 255, 1000,
                   1279, 1280, 1281, *range(mtu - 5, mtu + 1)})


def inner_packets6(mtu):
    """inner_packets() for inner IPv6."""
    small = udp(SRC, DST, 1000, 2000, filler(30))
    pad = b'\1\4\0\0\0\0'             # padding, where options may stand
    limit = b'\4\1\0\1\1\0'           # encapsulation limit (RFC 2473)

    for size in sizes(mtu):
        yield 'sizes', inner(filler(size - 40), 253)
    for ttl in (2, 3, 64, 65, 255):
        yield 'TTL', inner(small, ttl=ttl)
    for tos in (*range(0, 256, 15), 255):
        yield 'TOS', inner(small, tos=tos)
    for tos in range(4):
        yield 'ECN', inner(small, tos=0xb8 | tos)
    for label in (0, 1, 0x12345, 0xfffff):
        yield 'label', inner(small, label=label)
    yield 'ICMP', inner(icmp6_echo(SRC, DST, filler(56)), IPPROTO_ICMPV6)
    yield 'UDP', inner(small)
    yield 'TCP', inner(tcp(SRC, DST, 1000, 2000), 6)
    yield 'TCP', inner(tcp(SRC, DST, 1000, 2000, filler(500), 0x18), 6)
    yield 'IP-in-IP', inner(inner(small), IPPROTO_IPV6)
    yield 'IP-in-IP', inner(ip('10.1.0.2', '10.2.0.2', 17, filler(30)),
                            IPPROTO_IPIP)
    for piece in fragments(inner(filler(200), 17), 88):
        yield 'fragments', piece
    for first, options in ((0, pad), (60, pad), (60, limit)):
        yield 'options', inner(bytes([17, 0]) + options + small, first)
    yield 'options', inner(bytes([60, 0]) + pad + bytes([17, 0]) + limit +
                           small, 0)


def inner_packets(mtu, every_tos):
    """(group, packet) for all packets that must be equal on both paths."""
    small = udp(SRC, DST, 1000, 2000, filler(30))

    if INNER == 6:
        yield from inner_packets6(mtu)
        return
    for size in sizes(mtu):
        for frag in (0, DF):
            yield 'sizes', inner(filler(size - 20), 253, frag=frag)
    for ttl in (2, 3, 31, 64, 65, 128, 255):
        for frag in (0, DF):
            yield 'TTL', inner(small, ttl=ttl, frag=frag)
    for tos in range(0, 256, 1 if every_tos else 15):
        yield 'TOS', inner(small, tos=tos, frag=DF if tos & 4 else 0)
    for frag in (0, DF):
        for tos in range(4):
            yield 'ECN', inner(small, tos=0xb8 | tos, frag=frag)
        for ident in (0, 1, 0xffff):
            yield 'ID', inner(small, ident=ident, frag=frag)
        yield 'ICMP', inner(icmp_echo(filler(56)), 1, frag=frag)
        yield 'UDP', inner(small, frag=frag)
        yield 'TCP', inner(tcp(SRC, DST, 1000, 2000), 6, frag=frag)
        yield 'TCP', inner(tcp(SRC, DST, 1000, 2000, filler(500), 0x18), 6,
                           frag=frag)
        yield 'IP-in-IP', inner(inner(small), IPPROTO_IPIP, frag=frag)
        # Fragments of inner packets do not change either.
        yield 'fragments', inner(filler(96), frag=MF | frag)
        yield 'fragments', inner(filler(96), frag=MF | 12 | frag)
        yield 'fragments', inner(filler(33), frag=24 | frag)
        for options in (b'\x01\x01\x01\x00',            # no operation
                        b'\x88\x04\x12\x34',            # stream id
                        b'\x07\x07\x08\x0a\x00\x00\x09\x00',  # full route
                        b'\x01' * 40):
            yield 'options', inner(small, options=options, frag=frag)


def forwarded(packet):
    """The packet as it leaves a router."""
    if family_of(packet) == 6:
        return packet[:7] + bytes([packet[7] - 1]) + packet[8:]
    header, payload = ip_split(packet)
    header = header[:8] + bytes([header[8] - 1]) + header[9:]
    return with_checksum(header) + payload


class Sa:
    """The SA as both ends of the comparison use it."""

    def __init__(self, proto, spi, auth_key='', cipher='', key='', align=8):
        self.proto = IPPROTO_AH if proto == 'ah' else IPPROTO_ESP
        self.bytes_are_equal = cipher not in ('cbc', 'gcm')
        if self.proto == IPPROTO_AH:
            self.sa = Ah(spi, auth_key, align)
        else:
            self.sa = Esp(spi, cipher, key, auth_key)

    def open(self, packet):
        """The sequence number, the plaintext with trailer, and the inner
        packet.
        """
        if self.proto == IPPROTO_AH:
            seq, next_header, payload = self.sa.open(packet)
            text = payload
        else:
            seq, text = self.sa.open(ip_split(packet)[1])
            payload, next_header = Esp.trailer(text)
        check(next_header == NEXT_HEADER, 'next header', next_header)
        return seq, text, payload

    def masked(self, packet):
        """The packet without the parts that may differ between the paths.
        The ID of an outer packet that may be fragmented comes from a generator
        with a random start; the header's checksum and the ICV of AH cover it.
        With DF set the ID is 0, and nothing may differ, except the padding of AH,
        where the kernel leaves old contents of its memory; the ICV covers that
        too. IPv6 has no ID. Random IVs are handled elsewhere: the encrypted part
        is compared in clear.
        """
        packet = bytearray(packet)
        icv = HEADER[OUTER] + 12
        changes = False
        if self.proto == IPPROTO_AH and self.sa.length > 12 + self.sa.icv:
            changes = True
            packet[icv + self.sa.icv:HEADER[OUTER] + self.sa.length] = bytes(4)
        if OUTER == 4 and not ip_field(packet, 'frag') & DF:
            changes = True
            packet[4:6] = packet[10:12] = b'\0\0'
        elif OUTER == 4:
            check(not ip_field(packet, 'ident'), 'ID of outer packet with DF')
        if self.proto == IPPROTO_AH and changes:
            packet[icv:icv + self.sa.icv] = bytes(self.sa.icv)
        if not self.bytes_are_equal:
            packet[HEADER[OUTER] + 8:] = bytes(len(packet) - HEADER[OUTER] - 8)
        return bytes(packet)


def show(packet):
    """A packet as readable hex."""
    return '\n  ' + ' '.join(packet[i:i + 4].hex()
                             for i in range(0, min(len(packet), 96), 4))


def compare(sa, sent, seq, frames):
    """Compare two frames on the wire, and their contents."""
    a, b = (frame[ETH:] for frame in frames)
    check(frames[0][:ETH] == frames[1][:ETH], 'link headers differ:',
          frames[0][:ETH].hex(), frames[1][:ETH].hex())
    check(sa.masked(a) == sa.masked(b), 'tunnel mode and device differ:',
          show(a), show(b))
    for packet in a, b:
        if OUTER == 4:
            check(checksum(packet[:20]) == 0, 'checksum of the outer header')
            check(packet[0] == 0x45, 'outer header with options')
        check(ip_field(packet, 'proto') == sa.proto, 'protocol')
    opened = [sa.open(packet) for packet in (a, b)]
    check(opened[0] == opened[1], 'what is encrypted differs')
    check(opened[1][0] == seq, 'sequence number', opened[1][0], 'not', seq)
    check(opened[1][2] == sent, 'inner packet was changed:', show(sent),
          show(opened[1][2]))


def device_mtu():
    """The MTU of the device, after it has adapted to the SA and the route."""
    return Device(Netns(os.environ['device']), 'ipsec0').show()['mtu']


def identity(sa, every_tos='', groups=''):
    """Check that both paths send the same bytes."""
    wanted = groups.split(',') if groups else ()
    paths = [Path('tunnel'), Path('device')]
    done, seq, failed = {}, 0, []
    mtu = device_mtu()

    for group, packet in inner_packets(mtu, every_tos):
        if wanted and group not in wanted:
            continue
        for way in (Path.forward, Path.originate):
            # A router has decremented the TTL, the sender's own stack has not.
            # The stack may not send options unchanged.
            if way is Path.originate and group not in (
                    'ICMP', 'TTL', 'ECN', 'label'):
                continue
            seq += 1
            for path in paths:
                way(path, packet)
            expected = forwarded(packet) if way is Path.forward else packet
            try:
                compare(sa, expected, seq, [path.out() for path in paths])
            except Failure as failure:
                failed.append(group)
                print('FAIL:', group, 'packet', seq, failure)
                check(len(failed) < 5, 'too many failures')
            done[group] = done.get(group, 0) + 1
    for path in paths:
        path.silent()
    check(not failed, len(failed), 'of', seq, 'packets')
    print('MTU %d; compared: %s' % (mtu, ', '.join(
        '%d %s' % (count, group) for group, count in done.items())))


def expected_ecn(ecn, tos):
    """The outer ECN field. rfc3168 and tunnel mode copy CE as ECT(0)."""
    return {'rfc3168': (0, 1, 2, 2), 'rfc6040': (0, 1, 2, 3),
            'off': (0, 0, 0, 0)}[ecn][tos & 3]


def option_packets(mtu):
    """Inner packets for options(), with each ECN value in turn."""
    few = (OUTER, INNER) != (4, 4)
    for number, tos in enumerate(range(0, 256, 51 if few else 15)):
        for size in (60, mtu):
            for more in (0, 1):
                fields = {'frag': DF * more} if INNER == 4 else {
                    'label': 0xabcde * more}
                yield inner(filler(size - HEADER[INNER]), 253, tos=tos,
                            ttl=2 + number * 4 % 200, **fields)


def options(sa, ttl='64', tos='inherit', df='inherit', ecn='rfc3168',
            label='inherit'):
    """Check that the outer header matches the options of the device."""
    device = Path('device')
    seq = 0

    for packet in option_packets(device_mtu()):
        device.forward(packet)
        outer = device.out()[ETH:]
        seq += 1
        inner_tos = ip_field(packet, 'tos')
        dscp = inner_tos if tos == 'inherit' else int(tos, 0)
        want = {
            'ttl': int(ttl), 'tos': dscp & 0xfc | expected_ecn(ecn, inner_tos),
            'src': LOCAL, 'dst': REMOTE, 'proto': sa.proto,
            'total': len(outer) - (40 if OUTER == 6 else 0),
        }
        if OUTER == 4:
            want['frag'] = {
                'set': DF, 'unset': 0,
                'inherit': DF if INNER == 6 else ip_field(packet, 'frag')}[df]
            check(checksum(outer[:20]) == 0, 'checksum')
        else:
            want['label'] = 0
            if INNER == 6 and label == 'inherit':
                want['label'] = ip_field(packet, 'label')
        have = {name: ip_field(outer, name) for name in want}
        check(have == want, 'outer header', have, 'instead of', want)
        # The inner packet must not change.
        got, _, payload = sa.open(outer)
        check(got == seq and payload == forwarded(packet), 'payload')
    device.silent()
    print(seq, 'packets with ttl', ttl, 'tos', tos, 'df', df, 'ecn', ecn,
          'flowlabel', label)


def flows(sa):
    """Outer flow labels come from a hash of the inner flow: never 0, equal
    within a flow (RFC 6438 section 3), and not all the same.
    """
    device = Path('device')
    labels = {}

    for port in range(1, 9):
        for size in (10, 300, 10):
            for proto, payload in (
                    (17, udp(SRC, DST, port, 2000, filler(size))),
                    (6, tcp(SRC, DST, port, 2000, filler(size), 0x10, size))):
                packet = inner(payload, proto, tos=size % 256, ttl=9 + port)
                device.forward(packet)
                outer = device.out()[ETH:]
                check(sa.open(outer)[2] == forwarded(packet), 'payload')
                labels.setdefault((proto, port), set()).add(
                    ip_field(outer, 'label'))
    for flow, seen in labels.items():
        check(len(seen) == 1, 'flow', flow, 'has labels', seen)
    seen = {min(label) for label in labels.values()}
    check(0 not in seen, 'a label is 0')
    # A few of 16 labels may be equal by chance, but not many.
    check(len(seen) > 12, '16 flows have but', len(seen), 'labels')
    print('labels of 16 flows:', *('%05x' % label for label in sorted(seen)))


# outer header, SPI and sequence number, ICV; blocks of 4; trailer
NULL_MTU = ((1500 - HEADER[OUTER] - 8 - 16) & ~3) - 2


def too_big_error(error):
    """The MTU of an ICMPv6 error, and the parts of it that must be equal."""
    header, icmp = ip_split(error)
    kind, code, _, told = struct.unpack_from('!BBHI', icmp)
    check((kind, code) == (2, 0), 'ICMPv6', kind, code)
    check(checksum(pseudo(ip_field(header, 'src'), SRC, IPPROTO_ICMPV6,
                          len(icmp)) + icmp) == 0, 'ICMPv6 checksum')
    # The error may have a generated flow label. The length of the quotation
    # depends on the hop limit.
    return told, header[4:24] + icmp[:2] + icmp[8:15] + icmp[16:]


def refused6(hop):
    """refused() for inner IPv6."""
    paths = [Path('tunnel'), Path('device')]

    for size in (NULL_MTU + 1, NULL_MTU + 5, 1500):
        packet = inner(filler(size - 40), 253)
        errors = []
        for path in paths:
            path.forward(packet)
            error = path.inside.wait(
                path.name + ': ICMPv6 error', lambda frame: frame[20] ==
                IPPROTO_ICMPV6 and frame[54] < 128)[ETH:]
            told, rest = too_big_error(error)
            check(told == NULL_MTU, path.name, 'tells', told, 'instead of',
                  NULL_MTU)
            errors.append(rest)
        check(errors[0] == errors[1], 'ICMPv6 errors differ:', show(errors[0]),
              show(errors[1]))
    for path in paths:
        path.silent()
    print('MTU', NULL_MTU, 'told alike,', hop, 'hop')


def refused(sa, hop='same'):
    """A packet that exceeds the MTU and has DF set leads to the same ICMP
    error. The error quotes the packet as it arrived, or with hop=later as it
    leaves the router, which is where a device sees it.
    """
    del sa
    if INNER == 6:
        refused6(hop)
        return
    paths = [Path('tunnel'), Path('device')]

    for size in (NULL_MTU + 1, NULL_MTU + 5, 1500):
        packet = inner(filler(size - 20), 253, frag=DF)
        errors = []
        for path in paths:
            path.forward(packet)
            error = path.inside.wait(path.name + ': ICMP error')[ETH:]
            header, icmp = ip_split(error)
            kind, code, _, _, told = struct.unpack_from('!BBHHH', icmp)
            check((kind, code) == (3, 4), path.name, 'ICMP', kind, code)
            check(told == NULL_MTU, path.name, 'tells', told, 'instead of',
                  NULL_MTU)
            check(ip_field(header, 'dst') == SRC, 'told to somebody else')
            check(checksum(icmp) == 0, 'ICMP checksum')
            # The ID of the ICMP packet itself comes from a generator.
            error = error[:4] + b'\0\0' + error[6:10] + b'\0\0' + error[12:]
            if hop == 'later' and path.name == 'tunnel':
                quoted = forwarded(error[28:] + bytes(size))[:20]
                error = error[:28] + quoted + error[48:]
            errors.append(error)
        check(errors[0] == errors[1], 'ICMP errors differ:', show(errors[0]),
              show(errors[1]))
    for path in paths:
        path.silent()
    print('MTU', NULL_MTU, 'told alike')


def fragment(packet):
    """The offset, MF flag, ID and payload of an outer packet."""
    header, body = ip_split(packet)
    if OUTER == 4:
        word = ip_field(packet, 'frag')
        return ((word & 0x1fff) * 8, bool(word & MF),
                ip_field(packet, 'ident'), body)
    if ip_field(header, 'proto') != IPPROTO_FRAGMENT:
        return 0, False, 0, body
    word, ident = struct.unpack_from('!HI', body, 2)
    return word & ~7, bool(word & 1), ident, body[8:]


def reassembled(path):
    """The fragments of an outer packet, and their contents."""
    pieces, body, ident = [], b'', None
    while True:
        frame = path.out()[ETH:]
        offset, more, have, part = fragment(frame)
        check(offset == len(body), 'fragment at', offset)
        check(have == (have if ident is None else ident), 'IDs of fragments')
        ident = have
        body += part
        pieces.append(frame)
        if not more:
            return pieces, body


def without_ident(sa, piece):
    """A fragment of an outer packet without the parts that may differ."""
    if OUTER == 4:
        return sa.masked(piece)
    if ip_field(piece, 'proto') != IPPROTO_FRAGMENT:
        return piece
    return piece[:44] + bytes(4) + piece[48:]


def too_big(sa):
    """A packet that exceeds the MTU and has DF clear leads to the same
    fragments.
    """
    paths = [Path('tunnel'), Path('device')]
    # The MTU of the device is large, so that the IP layer does not fragment
    # first.
    mtu = NULL_MTU
    check(device_mtu() == 1500, 'MTU')

    for seq, size in enumerate((mtu, mtu + 1, mtu + 4, 1500), 1):
        packet = inner(filler(size - 20), 253)
        for path in paths:
            path.forward(packet)
        found = [reassembled(path) for path in paths]
        for pieces, body in found:
            check((len(pieces) > 1) == (size > mtu), len(pieces),
                  'frames for', size, 'bytes, MTU is', mtu)
            got, text = sa.sa.open(body)
            check(got == seq, 'sequence number', got)
            check(Esp.trailer(text)[0] == forwarded(packet), 'inner packet')
        check([without_ident(sa, piece) for piece in found[0][0]] ==
              [without_ident(sa, piece) for piece in found[1][0]],
              'fragments differ')
    for path in paths:
        path.silent()
    print('cut in pieces alike')


if __name__ == '__main__':
    TESTS = {'identity': identity, 'options': options, 'flows': flows,
             'refused': refused, 'too_big': too_big}
    NAMES = dict(word.split('=') for word in sys.argv[3:])
    main(lambda: TESTS[sys.argv[1]](Sa(**json.loads(sys.argv[2])), **NAMES))
