#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends to a device, from its peer's place, what it must not accept, and
between these what it must; for receive.sh and ecn.sh, which see.

usage: ipsec_ipip_receive.py TEST
"""
import json
import os
import socket
import struct
import sys

from ipsec_ipip_packet import (
    DF, Ah, Device, Esp, Netns, Wire, check, checksum,
    filler, icmp_echo, ip_field, ip_split, ipv4, main, tcp, udp, until,
    with_checksum, xfrm_stat)

PEER, HOST = '10.0.0.1', '10.0.0.2'             # outer addresses
INNER_PEER, INNER_HOST = '192.168.1.1', '192.168.2.1'
PORT = 4000


class Lab:
    """Both hosts: "left" is where we forge packets, "right" has the device."""

    def __init__(self):
        self.left = Netns(os.environ['left'])
        self.right = Netns(os.environ['right'])
        self.device = Device(self.right, 'ipsec0')
        self.link = Wire(self.left, 'eth0', link=True)
        self.answers = Wire(self.left, 'eth0')
        self.inside = Wire(self.right, 'ipsec0')
        self.mac = Wire(self.right, 'eth0').mac
        self.inner = self.right.socket(socket.SOCK_DGRAM, INNER_HOST, PORT)
        self.outer = self.right.socket(socket.SOCK_DGRAM, HOST, PORT)
        self.listener = self.right.socket(socket.SOCK_STREAM, HOST, PORT)
        self.listener.listen()
        for sock in (self.inner, self.outer, self.listener):
            sock.setblocking(False)
        self.counted = {}
        self.delivered = self.bytes = self.controls = 0

    def sa(self, name):
        """One of the inbound SAs of the device."""
        return make_sa(json.loads(os.environ['SAS'])[name])

    def send(self, packet):
        """Put a packet on the wire."""
        self.link.send(packet, self.mac)

    def datagram(self, **fields):
        """An inner packet that the host would take."""
        self.controls += 1
        data = b'packet %d ' % self.controls + filler(20)
        return ipv4(INNER_PEER, INNER_HOST, 17,
                    udp(INNER_PEER, INNER_HOST, 1000, PORT, data), **fields)

    def arrives(self, sa, packet=None, what='control', wire=None, **fields):
        """A packet that must come in does so, exactly as it was sent."""
        packet = packet or self.datagram()
        if wire is None:
            wire = sa.packet(PEER, HOST, packet, **fields)
        self.send(wire)
        # IP trims what follows the packet, but only after taps have seen it.
        seen = self.inside.wait(what)[:len(packet)]
        check(seen == packet, what, 'was changed:', packet.hex(), seen.hex())
        data = ip_split(packet)[1][8:]
        until(what + ' at the socket', lambda: received(self.inner) == data)
        self.delivered += 1
        self.bytes += len(packet) + len(fields.get('tfc', b''))

    def nothing_arrived(self, what):
        """Neither the device nor a socket nor the host's stack has seen it."""
        check(not self.inside.all_seen(), what, 'came in by the device')
        check(received(self.inner) is None, what, 'reached the inner socket')
        check(received(self.outer) is None, what, 'reached the outer socket')
        check(accepted(self.listener) is None, what, 'opened a connection')

    def refused(self, sa, what, wire, counter, answer=False):
        """A packet is refused, is counted, and brings no answer; what comes
        after it is delivered. Without a counter the device does not see it.
        """
        self.answers.all_seen()
        self.send(wire)
        # Both take the same way, so the first is done with after the second.
        control = self.datagram()
        self.send(sa.packet(PEER, HOST, control))
        check(self.inside.wait('control after ' + what) == control, what,
              'came in by the device')
        self.delivered += 1
        self.bytes += len(control)
        data = ip_split(control)[1][8:]
        got = until('control at the socket', lambda: received(self.inner))
        check(got == data, what, 'reached the inner socket')
        self.nothing_arrived(what)
        if not answer:
            answers = self.answers.all_seen()
            check(not answers, what, 'was answered:', *(
                packet.hex() for packet in answers))
        if counter:
            self.counted[counter] = self.counted.get(counter, 0) + 1
        print('refused:', what + ',', counter or 'before the device')

    def refused_now(self):
        """The counters of refused packets."""
        return {name: value for name, value in self.device.refused().items()
                if name.startswith('rx_')}

    def counted_right(self):
        """All that was refused up to now was counted under its reason."""
        refused = self.refused_now()
        check(refused == self.counted, 'counters', refused, 'instead of',
              self.counted)

    def counters_add_up(self):
        """The counters of the interface say the same."""
        self.counted_right()
        link = self.device.link()['rx']
        bad = dict(self.counted)
        down = bad.pop('rx_down', 0)
        frame = bad.get('rx_malformed', 0) + bad.get('rx_ecn', 0)
        for name, value in (('packets', self.delivered),
                            ('bytes', self.bytes),
                            ('errors', sum(bad.values())),
                            ('frame_errors', frame),
                            ('dropped', down)):
            check(link[name] == value, 'rx', name, link[name], 'not', value)
        print('interface:', link)


def make_sa(words):
    """An SA by its words in JSON."""
    words = dict(words)
    if words.pop('proto') == 'ah':
        return Ah(**words)
    return Esp(**words)


def received(sock):
    """What a datagram socket has got, or None."""
    try:
        return sock.recv(65536)
    except BlockingIOError:
        return None


def accepted(sock):
    """A connection that came in, or None."""
    try:
        return sock.accept()
    except BlockingIOError:
        return None


def flip(packet, offset, bit=0):
    """The packet with one bit wrong."""
    packet = bytearray(packet)
    packet[offset] ^= 1 << bit
    return bytes(packet)


def bare_ipip():
    """IP-in-IP that no SA has brought."""
    lab = Lab()
    sa = lab.sa('transport')

    lab.arrives(sa)
    inner6 = struct.pack('!IHBB16s16s', 6 << 28, 8, 17, 64, b'\xfd' * 16,
                         b'\xfd' * 16) + udp(PEER, HOST, 1, PORT)
    # The host may say that it knows no such protocol.
    lab.refused(sa, 'protocol 4', ipv4(PEER, HOST, 4, lab.datagram()), None,
                answer=True)
    lab.refused(sa, 'protocol 41', ipv4(PEER, HOST, 41, inner6), None,
                answer=True)
    lab.refused(sa, 'protocol 4, in two fragments',
                ipv4(PEER, HOST, 4, lab.datagram()[:24], frag=0x2000), None,
                answer=True)
    lab.refused(sa, 'protocol 4, nonsense', ipv4(PEER, HOST, 4, b'\x45'), None,
                answer=True)
    lab.counters_add_up()


def next_header_counter(name, number):
    """Where a packet is counted that is not IPv4 after decryption."""
    # ESP itself refuses dummies, and tunnel mode what is not IP at all.
    if number == 59 and name != 'ah':
        return 'rx_crypto'
    if name == 'tunnel':
        return 'rx_protocol' if number in (4, 41) else 'rx_crypto'
    # XFRM looks for another SA under ESP and AH. What it finds is that of the
    # device again, but the ICV is wrong.
    if number in (50, 51):
        return 'rx_crypto' if (name, number) == ('transport', 50) else None
    return 'rx_protocol'


def next_header():
    """Another payload than an IP packet (RFC 4301 section 5.2)."""
    lab = Lab()
    syn = tcp(PEER, HOST, 1000, PORT)
    ping = icmp_echo(b'who is there?')
    datagram = udp(PEER, HOST, 1000, PORT, b'to the host')

    # In clear the host does answer: what follows is not silence anyway.
    lab.send(ipv4(PEER, HOST, 6, syn))
    lab.answers.wait('SYN-ACK to a plain SYN', lambda packet: ip_field(
        packet, 'proto') == 6 and ip_split(packet)[1][13] == 0x12)
    lab.send(ipv4(PEER, HOST, 6, tcp(PEER, HOST, 1000, PORT, flags=4, seq=2)))
    lab.send(ipv4(PEER, HOST, 1, ping))
    lab.answers.wait('echo reply', lambda packet: ip_field(
        packet, 'proto') == 1 and ip_split(packet)[1][0] == 0)
    lab.send(ipv4(PEER, HOST, 17, datagram))
    until('plain datagram', lambda: received(lab.outer))
    accepted(lab.listener)

    for name in ('transport', 'tunnel', 'ah'):
        sa = lab.sa(name)
        lab.arrives(sa)
        for number, payload in (
                (6, syn), (17, datagram), (1, ping),
                (50, struct.pack('!II', sa.spi, 99) + bytes(60)),
                (51, bytes(60)), (59, b''), (59, filler(60)), (0, filler(20)),
                (255, filler(20)), (41, bytes([0x60]) + bytes(39)),
                (41, lab.datagram()), (43, lab.datagram())):
            lab.refused(sa, '%s, next header %d' % (name, number), sa.packet(
                PEER, HOST, payload, number),
                        next_header_counter(name, number))
        lab.counted_right()
    lab.counters_add_up()


def other_sa():
    """What an SA of somebody else has brought."""
    lab = Lab()
    sa = lab.sa('transport')
    other = Wire(lab.right, 'ipsec1')

    for name in ('transport', 'tunnel'):
        for whose in ('none', 'nobody'):
            stranger = lab.sa(whose + '-' + name)
            lab.refused(sa, 'SA in %s mode %s' % (name, {
                'none': 'without if_id', 'nobody': 'with another if_id'}[
                    whose]), stranger.packet(PEER, HOST, lab.datagram()),
                        None, answer=True)
        check(not other.all_seen(), 'seen on another device')
        stranger = lab.sa('other-' + name)
        packet = lab.datagram()
        lab.send(stranger.packet(PEER, HOST, packet))
        check(other.wait('on the other device') == packet, 'changed')
        until('at the socket', lambda: received(lab.inner))
        lab.nothing_arrived('SA of another device')
        lab.arrives(sa)
        print('SA of another device in', name, 'mode: comes in by that one')
    lab.counters_add_up()


def outer_source():
    """Authenticated, but sent from somewhere else (RFC 4213 section 3.6)."""
    lab = Lab()

    for name in ('transport', 'tunnel', 'ah'):
        sa = lab.sa(name)
        lab.arrives(sa)
        for source in ('10.0.0.77', '10.0.1.1', '203.0.113.1'):
            lab.refused(sa, '%s, from %s' % (name, source), sa.packet(
                source, HOST, lab.datagram()), 'rx_outer_address')
    lab.counters_add_up()


def replay():
    """Packets seen before, and too old to know (RFC 4303 section 3.4.3)."""
    lab = Lab()

    for name in ('transport', 'tunnel', 'ah'):
        sa = lab.sa(name)
        first = lab.datagram()
        wire = sa.packet(PEER, HOST, first)
        lab.arrives(sa, first, wire=wire)
        lab.refused(sa, name + ', replayed', wire, 'rx_crypto')
        lab.refused(sa, name + ', replayed once more', wire, 'rx_crypto')
        sa.seq += 1000
        lab.arrives(sa)
        lab.refused(sa, name + ', too old', sa.packet(
            PEER, HOST, lab.datagram(), seq=sa.seq - 900), 'rx_crypto')
        # Late, but within the window, and only once.
        late = lab.datagram()
        wire = sa.packet(PEER, HOST, late, seq=sa.seq - 20)
        lab.arrives(sa, late, name + ', late', wire)
        lab.refused(sa, name + ', late and replayed', wire, 'rx_crypto')
        # A forged number moves no window.
        wire = sa.packet(PEER, HOST, lab.datagram(), seq=sa.seq + 100000)
        lab.refused(sa, name + ', forged far ahead', flip(wire, len(wire) - 1),
                    'rx_crypto')
    lab.counters_add_up()
    stats = xfrm_stat(lab.right)
    check(stats.get('XfrmInStateSeqError') == 12, 'SeqError', stats)


def corrupted():
    """One bit wrong somewhere."""
    lab = Lab()

    for name in ('transport', 'tunnel', 'ah'):
        sa = lab.sa(name)
        lab.arrives(sa)
        spi = 27 if name == 'ah' else 23
        for what, offset, counter in (
                ('sequence number', spi + 4, 'rx_crypto'),
                ('IV or ICV', spi + 10, 'rx_crypto'),
                ('payload', 70, 'rx_crypto'), ('end', -17, 'rx_crypto'),
                ('last', -1, 'rx_crypto'), ('SPI', spi, None)):
            wire = sa.packet(PEER, HOST, lab.datagram())
            # There are SAs with SPIs that differ in the lower bits.
            lab.refused(sa, '%s, bit wrong in %s' % (name, what), flip(
                wire, offset % len(wire), 5), counter)
        lab.counted_right()
        head, body = ip_split(wire)
        for length in (0, 3, 7, 8, 12, 24, 31, len(body) - 1):
            # Of the shortest there is not even an SPI; further on no block.
            cut = with_checksum(head[:2] + struct.pack('!H', 20 + length) +
                                head[4:]) + body[:length]
            lab.send(cut)
            lab.arrives(sa, what='after one cut to %d bytes' % length)
        lab.nothing_arrived('packet that was cut')
        counted = lab.refused_now()
        more = counted['rx_crypto'] - lab.counted['rx_crypto']
        check(0 < more <= 8, more, 'of 8 packets that were cut are counted')
        lab.counted['rx_crypto'] += more
        lab.counted_right()
    lab.counters_add_up()


def nonsense():
    """Authenticated, but not an IPv4 packet for all that it is said to be."""
    lab = Lab()
    good = lab.datagram()

    def header(**fields):
        return ipv4(INNER_PEER, INNER_HOST, 17, good[20:], **fields)

    for name in ('transport', 'tunnel', 'ah'):
        sa = lab.sa(name)
        lab.arrives(sa)
        for what, payload in (
                ('version 6', header(version=6)),
                ('version 0', header(version=0)),
                ('IHL 4', header(ihl=4)),
                ('IHL 0', header(ihl=0)),
                ('IHL 15, too short', header(ihl=15)[:40]),
                ('length beyond the end', header(total=len(good) + 1)),
                ('length 65535', header(total=65535)),
                ('length below the header', header(total=19)),
                ('length 0', header(total=0)),
                ('19 bytes', good[:19]),
                ('10 bytes', good[:10]),
                ('1 byte', good[:1]),
                ('nothing', b'')):
            # In tunnel mode XFRM itself misses the header first; it has no
            # use for ESP without a payload anyway.
            early = len(payload) < {'tunnel': 20, 'transport': 1, 'ah': 0}[name]
            lab.refused(sa, '%s: %s' % (name, what), sa.packet(
                PEER, HOST, payload), 'rx_crypto' if early else 'rx_malformed')
        lab.counted_right()
    # The device does not care for more than it must; IP does.
    wrong = lab.datagram()
    wrong = wrong[:10] + b'\xbe\xef' + wrong[12:]
    sa = lab.sa('transport')
    sa.seq = 10000
    lab.send(sa.packet(PEER, HOST, wrong))
    check(lab.inside.wait('bad inner checksum') == wrong, 'changed')
    lab.delivered += 1
    lab.bytes += len(wrong)
    lab.arrives(sa)
    lab.counters_add_up()


def no_integrity():
    """Decrypted, but anybody could have sent it (RFC 4303 section 3.4.3)."""
    lab = Lab()
    sa = lab.sa('transport')

    for name in ('transport', 'tunnel'):
        naked = lab.sa('naked-' + name)
        lab.refused(sa, name + ', without integrity', naked.packet(
            PEER, HOST, lab.datagram()), 'rx_crypto')
    lab.counters_add_up()


def device_down():
    """A device that is down takes nothing in."""
    lab = Lab()
    sas = [lab.sa(name) for name in ('transport', 'tunnel', 'ah')]

    for sa in sas:
        lab.arrives(sa)
    lab.right.run('ip', 'link', 'set', 'ipsec0', 'down')
    for sa in sas:
        lab.send(sa.packet(PEER, HOST, lab.datagram()))
    until('counter', lambda: lab.refused_now() == {'rx_down': 3})
    lab.right.run('ip', 'link', 'set', 'ipsec0', 'up')
    lab.nothing_arrived('packet for a device that is down')
    lab.counted = {'rx_down': 3}
    for sa in sas:
        lab.arrives(sa)
    lab.counters_add_up()


def tfc_padding():
    """What follows the inner packet hides its length (RFC 4303 section 2.7)
    and is no part of it.
    """
    lab = Lab()

    for name in ('transport', 'tunnel', 'ah'):
        sa = lab.sa(name)
        for length in (1, 3, 16, 300, 1200):
            lab.arrives(sa, what='%s, %d bytes of TFC padding' % (
                name, length), tfc=b'\xee' * length)
            # The like of an inner packet in the padding is none either.
            lab.arrives(sa, tfc=lab.datagram())
        lab.nothing_arrived('padding')
    lab.counters_add_up()


def ecn_table():
    """RFC 6040 section 4.2, as the tunnel endpoint that receives."""
    lab = Lab()
    drop = None
    table = {           # inner: by outer 00, ECT(1), ECT(0), CE
        0b00: (0b00, 0b00, 0b00, drop),
        0b01: (0b01, 0b01, 0b01, 0b11),
        0b10: (0b10, 0b01, 0b10, 0b11),
        0b11: (0b11, 0b11, 0b11, 0b11),
    }

    for name in ('transport', 'tunnel', 'ah'):
        sa = lab.sa(name)
        for inner, row in table.items():
            for outer, result in enumerate(row):
                # The DSCP of the outer header is not looked at (RFC 4301
                # section 5.1.2.1), that of the inner one is left alone.
                packet = lab.datagram(tos=0x28 | inner, frag=DF)
                wire = sa.packet(PEER, HOST, packet, tos=0xb8 | outer)
                what = '%s: inner %s outer %s' % (
                    name, format(inner, '02b'), format(outer, '02b'))
                if result is drop:
                    lab.refused(sa, what, wire, 'rx_ecn')
                    continue
                lab.send(wire)
                seen = lab.inside.wait(what)
                check(checksum(seen[:20]) == 0, what, 'inner checksum',
                      seen[:20].hex())
                tos = ip_field(seen, 'tos')
                check(tos == 0x28 | result, what, 'gives TOS 0x%02x' % tos)
                expected = packet[:1] + bytes([0x28 | result]) + packet[2:]
                check(seen == with_checksum(expected[:20]) + expected[20:],
                      what, 'changes more')
                data = ip_split(packet)[1][8:]
                until(what, lambda: received(lab.inner) == data)
                lab.delivered += 1
                lab.bytes += len(packet)
                print(what, 'gives', format(tos & 3, '02b'))
    lab.counters_add_up()


def ecn_transmit():
    """What the device writes: the ECN field as tunnel mode has it."""
    right, left = Netns(os.environ['right']), Netns(os.environ['left'])
    wire = Wire(left, 'eth0')

    with right:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW,
                            socket.IPPROTO_RAW)
    for inner, outer in ((0b00, 0b00), (0b01, 0b01), (0b10, 0b10),
                         (0b11, 0b10)):
        raw.sendto(ipv4(INNER_HOST, INNER_PEER, 17, udp(
            INNER_HOST, INNER_PEER, 1, 2), tos=0x28 | inner, ident=1),
                   (INNER_PEER, 0))
        packet = wire.wait('packet', lambda packet: ip_field(
            packet, 'proto') == 50)
        tos = ip_field(packet, 'tos')
        check(tos == 0x28 | outer, 'inner', inner, 'gives TOS 0x%02x' % tos)
        print('inner', format(inner, '02b'), 'gives outer',
              format(outer, '02b'))


if __name__ == '__main__':
    main(globals()[sys.argv[1]])
