#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends the same inner packets through tunnel mode and through a device, one
at a time, and compares what comes out; for wire_identity.sh, which see.

usage: ipsec_ipip_identity.py identity|options|refused|too_big SA [OPTION...]
  identity  the wire bytes of both are equal
            (every_tos=1: with all values of TOS; groups=A,B: those alone)
  options   the outer header is what OPTIONs say: ttl=N, tos=N, df=WORD
  refused   packets with DF that do not fit bring the same ICMP error
            (hop=later: the device sees them after the router's hop)
  too_big   those without DF are cut in the same pieces
  SA        JSON of the SA: proto, cipher, key, auth_key, spi
"""
import json
import os
import socket
import struct
import sys

from ipsec_ipip_packet import (
    DF, MF, IPPROTO_AH, IPPROTO_ESP, IPPROTO_IPIP, PATIENCE, Ah, Device, Esp,
    Failure, Netns, Wire, check, checksum, filler, icmp_echo, ip_field,
    ip_split, ipv4, main, tcp, udp, with_checksum)

SRC, DST = '10.1.0.2', '10.2.0.2'
LOCAL, REMOTE = '10.0.0.1', '10.0.0.2'
ETH = 14


class Path:
    """One of the two ways: a gateway with both its neighbours."""

    def __init__(self, name):
        lab = Netns(os.environ['lab'])
        self.name = name
        self.gateway = Netns(os.environ[name])
        self.inside = Wire(lab, 'in-' + name, link=True)
        self.outside = Wire(lab, 'out-' + name, link=True)
        with self.gateway:
            self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                     socket.IPPROTO_RAW)

    def forward(self, packet):
        """Let the gateway forward a packet."""
        self.inside.send(packet, bytes.fromhex('020000000001'))

    def originate(self, packet):
        """Let the gateway send a packet of its own."""
        self.raw.sendto(packet, (DST, 0))

    def out(self):
        """The next frame on the wire."""
        frame = self.outside.seen(PATIENCE)
        check(frame, self.name + ': nothing on the wire')
        return frame

    def silent(self):
        """Nothing more on the wire."""
        rest = self.outside.all_seen()
        check(not rest, self.name + ':', len(rest), 'frames too many')


def inner(payload=b'', proto=17, **fields):
    """An inner packet; the ID is set, or the kernel might."""
    fields.setdefault('ident', 0x4321)
    return ipv4(SRC, DST, proto, payload, **fields)


def sizes(mtu):
    """All residues of all block sizes at both ends, and some between."""
    return sorted({*range(20, 54), 64, 100, 127, 128, 255, 256, 511, 576, 1000,
                   1280, *range(mtu - 17, mtu + 1)})


def inner_packets(mtu, every_tos):
    """(group, packet) of everything that must come out alike."""
    small = udp(SRC, DST, 1000, 2000, filler(30))

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
        # Not even a fragment of the inner packet is touched.
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
        """Sequence number, text with trailer, and inner packet."""
        if self.proto == IPPROTO_AH:
            seq, next_header, payload = self.sa.open(packet)
            text = payload
        else:
            seq, text = self.sa.open(ip_split(packet)[1])
            payload, next_header = Esp.trailer(text)
        check(next_header == IPPROTO_IPIP, 'next header', next_header)
        return seq, text, payload

    def masked(self, packet):
        """What must be equal in both.

        The ID of an outer packet that may be fragmented is the next of a
        generator that begins somewhere at random; the header's checksum
        covers it, and so does the ICV of AH. With DF set the ID is 0, and
        nothing may differ, but that the kernel leaves in the padding of AH
        what was in memory there; the ICV covers that, too. Random IVs are
        dealt with elsewhere: what is encrypted under one is compared in clear.
        """
        packet = bytearray(packet)
        padded = False
        if self.proto == IPPROTO_AH:
            padded = self.sa.length > 12 + self.sa.icv
            packet[32 + self.sa.icv:20 + self.sa.length] = b'\0' * 4 * padded
        if not ip_field(packet, 'frag') & DF:
            packet[4:6] = packet[10:12] = b'\0\0'
        else:
            check(not ip_field(packet, 'ident'), 'ID of outer packet with DF')
        if self.proto == IPPROTO_AH and (
                padded or not ip_field(packet, 'frag') & DF):
            packet[32:32 + self.sa.icv] = bytes(self.sa.icv)
        if not self.bytes_are_equal:
            packet[28:] = bytes(len(packet) - 28)
        return bytes(packet)


def show(packet):
    """A packet for a person to compare."""
    return '\n  ' + ' '.join(packet[i:i + 4].hex()
                             for i in range(0, min(len(packet), 96), 4))


def compare(sa, sent, seq, frames):
    """Two frames on the wire against each other and what they carry."""
    a, b = (frame[ETH:] for frame in frames)
    check(frames[0][:ETH] == frames[1][:ETH], 'link headers differ:',
          frames[0][:ETH].hex(), frames[1][:ETH].hex())
    check(sa.masked(a) == sa.masked(b), 'tunnel mode and device differ:',
          show(a), show(b))
    for packet in a, b:
        check(checksum(packet[:20]) == 0, 'checksum of the outer header')
        check(packet[0] == 0x45, 'outer header with options')
    opened = [sa.open(packet) for packet in (a, b)]
    check(opened[0] == opened[1], 'what is encrypted differs')
    check(opened[1][0] == seq, 'sequence number', opened[1][0], 'not', seq)
    check(opened[1][2] == sent, 'inner packet was changed:', show(sent),
          show(opened[1][2]))


def device_mtu():
    """MTU of the device, once it is what the SA and the route allow."""
    return Device(Netns(os.environ['device']), 'ipsec0').show()['mtu']


def identity(sa, every_tos='', groups=''):
    """The wire bytes of both are equal."""
    wanted = groups.split(',') if groups else ()
    paths = [Path('tunnel'), Path('device')]
    done, seq, failed = {}, 0, []
    mtu = device_mtu()

    for group, packet in inner_packets(mtu, every_tos):
        if wanted and group not in wanted:
            continue
        for way in (Path.forward, Path.originate):
            # A router has taken its hop; the sender's own stack has not. It
            # sends options as they are given, if it likes them.
            if way is Path.originate and group not in ('ICMP', 'TTL', 'ECN'):
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


def options(sa, ttl='64', tos='inherit', df='inherit'):
    """The outer header is what the options of the device say."""
    device = Path('device')
    mtu = device_mtu()
    seq = 0

    for inner_tos in range(0, 256, 15):         # every ECN value by turns
        for size in (60, mtu):
            for frag in (0, DF):
                packet = inner(filler(size - 20), 253, tos=inner_tos,
                               frag=frag, ttl=2 + seq % 200)
                device.forward(packet)
                outer = device.out()[ETH:]
                seq += 1
                ecn = inner_tos & 3
                dscp = inner_tos if tos == 'inherit' else int(tos, 0)
                want = {
                    'ttl': int(ttl),
                    # CE is told to the far end as ECT(0) (RFC 3168)
                    'tos': dscp & 0xfc | (2 if ecn == 3 else ecn),
                    'frag': {'set': DF, 'unset': 0, 'inherit': frag}[df],
                    'src': LOCAL, 'dst': REMOTE, 'proto': sa.proto,
                    'total': len(outer),
                }
                have = {name: ip_field(outer, name) for name in want}
                check(have == want, 'outer header', have, 'instead of', want)
                check(checksum(outer[:20]) == 0, 'checksum')
                # The receiver must see the packet untouched whatever it is.
                got, _, payload = sa.open(outer)
                check(got == seq and payload == forwarded(packet), 'payload')
    device.silent()
    print(seq, 'packets with ttl', ttl, 'tos', tos, 'df', df)


# Outer header, SPI and sequence number, ICV; a block is of 4; trailer.
NULL_MTU = ((1500 - 20 - 8 - 16) & ~3) - 2


def refused(sa, hop='same'):
    """What does not fit and has DF set brings the same ICMP error back.

    It quotes the packet as it came, or with hop=later as it leaves the router
    a hop later, which is where a device sees it.
    """
    del sa
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
            # The ID of the ICMP packet itself is from a generator.
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


def too_big(sa):
    """What does not fit and has DF clear is cut in the same pieces."""
    paths = [Path('tunnel'), Path('device')]
    # The device takes all here, so that the IP layer does not cut before.
    mtu = NULL_MTU
    check(device_mtu() == 1500, 'MTU')

    for seq, size in enumerate((mtu, mtu + 1, mtu + 4, 1500), 1):
        packet = inner(filler(size - 20), 253)
        for path in paths:
            path.forward(packet)
        whole = []
        pieces = [[path.out()[ETH:]] for path in paths]
        for path, frames in zip(paths, pieces):
            while ip_field(frames[-1], 'frag') & MF:
                frames.append(path.out()[ETH:])
            body = b''
            for frame in frames:
                offset = (ip_field(frame, 'frag') & 0x1fff) * 8
                check(offset == len(body), 'fragment at', offset)
                check(ip_field(frame, 'ident') ==
                      ip_field(frames[0], 'ident'), 'IDs of fragments')
                body += ip_split(frame)[1]
            check((len(frames) > 1) == (size > mtu), len(frames), 'frames for',
                  size, 'bytes, MTU is', mtu)
            whole.append(body)
        check([sa.masked(f) for f in pieces[0]] ==
              [sa.masked(f) for f in pieces[1]], 'fragments differ')
        for body in whole:
            got, text = sa.sa.open(body)
            check(got == seq, 'sequence number', got)
            check(Esp.trailer(text)[0] == forwarded(packet), 'inner packet')
    for path in paths:
        path.silent()
    print('cut in pieces alike')


if __name__ == '__main__':
    TESTS = {'identity': identity, 'options': options, 'refused': refused,
             'too_big': too_big}
    NAMES = dict(word.split('=') for word in sys.argv[3:])
    main(lambda: TESTS[sys.argv[1]](Sa(**json.loads(sys.argv[2])), **NAMES))
