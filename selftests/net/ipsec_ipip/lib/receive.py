#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends packets to a device in place of its peer: those that it must not accept,
and good ones between them; see receive.sh and ecn.sh.
usage: receive.py TEST [OUTER:INNERS:DEVICE...]
  4:4:ipsec0    IPv4 outside and inside, the default
  6:46:ipsec1   IPv6 outside, both in turn inside
"""
import json
import os
import socket
import struct
import sys

from packet import (
    DF, ETH_P_IP, ETH_P_IPV6, IPPROTO_IPIP, IPPROTO_IPV6, Ah, Device, Esp,
    Netns, Wire, check, checksum, family_of, filler, fragments, header_length,
    icmp6_echo, icmp_echo, ip, ip_field, ip_split, main, tcp, udp, until,
    with_checksum, xfrm_stat)

# Addresses of the peer and of the host
OUTER = {4: ('10.0.0.1', '10.0.0.2'), 6: ('fd00::1', 'fd00::2')}
INNER = {4: ('192.168.1.1', '192.168.2.1'), 6: ('fd01::1', 'fd02::1')}
ETH_P = {4: ETH_P_IP, 6: ETH_P_IPV6}
PROTO = {4: IPPROTO_IPIP, 6: IPPROTO_IPV6}
PORT = 4000

MODES = ('transport', 'tunnel', 'ah')           # the inbound SAs


class Lab:
    """Both hosts: "left" forges packets, "right" has the device. The outer
    addresses are of one family, the inner ones of one at a time.
    """

    def __init__(self, outer=4, inners=(4,), device='ipsec0'):
        self.left = Netns(os.environ['left'])
        self.right = Netns(os.environ['right'])
        self.device = Device(self.right, device)
        self.outer_family = outer
        self.peer, self.host = OUTER[outer]
        self.link = Wire(self.left, 'eth0', link=True)
        self.answers = Wire(self.left, 'eth0', ETH_P[outer])
        self.mac = Wire(self.right, 'eth0').mac
        self.outer = self.right.socket(socket.SOCK_DGRAM, self.host, PORT)
        self.listener = self.right.socket(socket.SOCK_STREAM, self.host, PORT)
        self.listener.listen()
        self.insides, self.inners = {}, {}
        for inner in inners:
            self.insides[inner] = Wire(self.right, device, ETH_P[inner])
            self.inners[inner] = self.right.socket(
                socket.SOCK_DGRAM, INNER[inner][1], PORT)
        for sock in (*self.inners.values(), self.outer, self.listener):
            sock.setblocking(False)
        self.sas = {}
        self.counted = {}
        self.delivered = self.bytes = self.controls = 0
        self.carry(inners[0])

    def carry(self, family):
        """Use this family for inner packets from now on."""
        self.family = family
        self.next_header = PROTO[family]
        self.inner_peer, self.inner_host = INNER[family]
        self.inside = self.insides[family]
        self.inner = self.inners[family]

    def turns(self, modes=MODES):
        """Each inner family with each inbound SA in turn: a title, the name of
        the SA, and the SA.
        """
        for family in self.inners:
            self.carry(family)
            for name in modes:
                yield ('%d in %d, %s' % (family, self.outer_family, name),
                       name, self.sa(name))

    def sa(self, name):
        """One of the inbound SAs of the device."""
        if name not in self.sas:
            self.sas[name] = make_sa(json.loads(os.environ['SAS'])[name])
        return self.sas[name]

    def wrap(self, sa, payload, next_header=None, src=None, **fields):
        """The peer's outer packet for an inner packet."""
        if next_header is None:
            next_header = self.next_header
        return sa.packet(src or self.peer, self.host, payload, next_header,
                         **fields)

    def send(self, packet):
        """Send a packet on the wire."""
        self.link.send(packet, self.mac)

    def inner_packet(self, proto, payload, **fields):
        """An inner packet between the usual addresses."""
        return ip(self.inner_peer, self.inner_host, proto, payload, **fields)

    def datagram(self, size=20, **fields):
        """An inner packet that the host accepts."""
        self.controls += 1
        data = b'packet %d ' % self.controls + filler(size)
        return self.inner_packet(17, udp(self.inner_peer, self.inner_host,
                                         1000, PORT, data), **fields)

    def arrives(self, sa, packet=None, what='control', wire=None, **fields):
        """Check that a packet is received exactly as it was sent."""
        packet = packet or self.datagram()
        if wire is None:
            wire = self.wrap(sa, packet, **fields)
        self.send(wire)
        # IP trims bytes after the packet, but taps see them.
        seen = self.inside.wait(what)[:len(packet)]
        check(seen == packet, what, 'was changed:', packet.hex(), seen.hex())
        data = ip_split(packet)[1][8:]
        until(what + ' at the socket', lambda: received(self.inner) == data)
        self.delivered += 1
        self.bytes += len(packet) + len(fields.get('tfc', b''))

    def nothing_arrived(self, what):
        """Check that neither the device nor a socket nor the host's stack has
        received anything.
        """
        for inside in self.insides.values():
            check(not inside.all_seen(), what, 'came in by the device')
        for inner in self.inners.values():
            check(received(inner) is None, what, 'reached the inner socket')
        check(received(self.outer) is None, what, 'reached the outer socket')
        check(accepted(self.listener) is None, what, 'opened a connection')

    def refused(self, sa, what, wire, counter, answer=False):
        """Check that a packet is refused and counted and leads to no answer,
        and that a good packet after it is delivered. Without a counter the
        device does not see it.
        """
        self.answers.all_seen()
        self.send(wire)
        # Packets stay in order, so the first has been processed when the second
        # arrives.
        control = self.datagram()
        self.send(self.wrap(sa, control))
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
            self.count(counter)
        print('refused:', what + ',', counter or 'before the device')

    def refused_now(self):
        """The counters of refused packets."""
        return {name: value for name, value in self.device.refused().items()
                if name.startswith('rx_')}

    def count(self, counter, more=1):
        """Expect more in a counter."""
        self.counted[counter] = self.counted.get(counter, 0) + more

    def counted_right(self):
        """Check that all packets refused so far were counted under their
        reasons.
        """
        refused = self.refused_now()
        check(refused == self.counted, 'counters', refused, 'instead of',
              self.counted)

    def counters_add_up(self):
        """Check that the counters of the interface agree."""
        self.counted_right()
        link = self.device.link()['rx']
        bad = dict(self.counted)
        down = bad.pop('rx_down', 0)
        # These two are not errors.
        for name in ('rx_dummy', 'rx_ecn_odd'):
            bad.pop(name, None)
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
    """The next datagram of a socket, or None."""
    try:
        return sock.recv(65536)
    except BlockingIOError:
        return None


def accepted(sock):
    """The next connection of a socket, or None."""
    try:
        return sock.accept()
    except BlockingIOError:
        return None


def flip(packet, offset, bit=0):
    """The packet with one bit wrong."""
    packet = bytearray(packet)
    packet[offset] ^= 1 << bit
    return bytes(packet)


def cut(wire, length):
    """An outer packet cut to this many bytes after its header."""
    head, body = ip_split(wire)
    if family_of(wire) == 6:
        return head[:4] + struct.pack('!H', length) + head[6:] + body[:length]
    return with_checksum(head[:2] + struct.pack('!H', 20 + length) +
                         head[4:]) + body[:length]


def bare_ipip(lab):
    """IP-in-IP that did not come through an SA."""
    sa = lab.sa('transport')

    lab.arrives(sa)
    for what, proto, payload in (
            ('protocol 4', 4, ip(*INNER[4], 17, udp(*INNER[4], 1, PORT))),
            ('protocol 41', 41, ip(*INNER[6], 17, udp(*INNER[6], 1, PORT))),
            ('protocol 4, nonsense', 4, b'\x45'),
            ('protocol 41, nonsense', 41, b'\x60')):
        # The host may answer that it does not support the protocol.
        lab.refused(sa, what, ip(lab.peer, lab.host, proto, payload), None,
                    answer=True)
        if len(payload) > 1:
            lab.refused(sa, what + ', in two fragments', fragments(ip(
                lab.peer, lab.host, proto, payload), 24)[0], None, answer=True)
    lab.counters_add_up()


def next_header_counter(name, number, payload):
    """The counter of a packet that is not an inner packet after decryption."""
    if number in PROTO.values():
        return 'rx_malformed'
    # XFRM looks for another SA under ESP and AH. It finds the device's SA
    # again, but the ICV is wrong.
    if name != 'tunnel' and number in (50, 51):
        return 'rx_crypto' if (name, number) == ('transport', 50) else None
    if name == 'ah':
        return 'rx_protocol'
    # For Linux, ESP without any payload is damaged.
    if not payload:
        return 'rx_crypto'
    return 'rx_dummy' if number == 59 else 'rx_protocol'


def plain_is_answered(lab, ping):
    """Check that the host answers in clear, so that silence in the tests is
    significant.
    """
    icmp, request, reply = ping

    lab.send(ip(lab.peer, lab.host, 6, tcp(lab.peer, lab.host, 1000, PORT)))
    lab.answers.wait('SYN-ACK to a plain SYN', lambda packet: ip_field(
        packet, 'proto') == 6 and ip_split(packet)[1][13] == 0x12)
    lab.send(ip(lab.peer, lab.host, 6, tcp(lab.peer, lab.host, 1000, PORT,
                                           flags=4, seq=2)))
    lab.send(ip(lab.peer, lab.host, icmp, request))
    lab.answers.wait('echo reply', lambda packet: ip_field(
        packet, 'proto') == icmp and ip_split(packet)[1][0] == reply)
    lab.send(ip(lab.peer, lab.host, 17, udp(lab.peer, lab.host, 1000, PORT,
                                            b'to the host')))
    until('plain datagram', lambda: received(lab.outer))
    accepted(lab.listener)


def next_header(lab):
    """A payload that is not an IP packet (RFC 4301 section 5.2)."""
    data = b'who is there?'
    ping = {4: (1, icmp_echo(data), 0),
            6: (58, icmp6_echo(lab.peer, lab.host, data), 129)}[
                lab.outer_family]

    plain_is_answered(lab, ping)
    for name in MODES:
        sa = lab.sa(name)
        lab.arrives(sa)
        for number, payload in (
                (6, tcp(lab.peer, lab.host, 1000, PORT)),
                (17, udp(lab.peer, lab.host, 1000, PORT, b'to the host')),
                ping[:2],
                (50, struct.pack('!II', sa.spi, 99) + bytes(60)),
                (51, bytes(60)), (59, b''), (59, filler(60)), (0, filler(24)),
                (255, filler(20)), (43, lab.datagram()),
                (60, bytes([6, 0, 1, 4, 0, 0, 0, 0]) +
                 tcp(lab.peer, lab.host, 1000, PORT)),
                (41, bytes([0x60]) + bytes(39)),
                (41, ip(*INNER[4], 17, filler(40))),
                (4, ip(*INNER[6], 17, filler(40)))):
            lab.refused(sa, '%s, next header %d' % (name, number), lab.wrap(
                sa, payload, number),
                        next_header_counter(name, number, payload))
        lab.counted_right()
    lab.counters_add_up()


def other_sa(lab):
    """Packets through an SA that is not the device's."""
    sa = lab.sa('transport')
    other = Wire(lab.right, 'ipsec1')

    for name in ('transport', 'tunnel'):
        for whose in ('none', 'nobody'):
            stranger = lab.sa(whose + '-' + name)
            lab.refused(sa, 'SA in %s mode %s' % (name, {
                'none': 'without if_id', 'nobody': 'with another if_id'}[
                    whose]), lab.wrap(stranger, lab.datagram()),
                        None, answer=True)
        check(not other.all_seen(), 'seen on another device')
        stranger = lab.sa('other-' + name)
        packet = lab.datagram()
        lab.send(lab.wrap(stranger, packet))
        check(other.wait('on the other device') == packet, 'changed')
        until('at the socket', lambda: received(lab.inner))
        lab.nothing_arrived('SA of another device')
        lab.arrives(sa)
        print('SA of another device in', name, 'mode: comes in by that one')
    lab.counters_add_up()


def outer_source(lab):
    """Authentic packets from another source (RFC 4213 section 3.6)."""
    sources = {4: ('10.0.0.77', '10.0.1.1', '203.0.113.1'),
               6: ('fd00::77', 'fd00:1::1', '2001:db8::1')}

    for what, _, sa in lab.turns():
        lab.arrives(sa)
        for source in sources[lab.outer_family]:
            lab.refused(sa, what + ', from ' + source, lab.wrap(
                sa, lab.datagram(), src=source), 'rx_outer_address')
    lab.counters_add_up()


def replay(lab):
    """Replayed packets, and packets older than the window (RFC 4303 section
    3.4.3).
    """
    before = xfrm_stat(lab.right).get('XfrmInStateSeqError', 0)
    errors = 0

    for name, _, sa in lab.turns():
        first = lab.datagram()
        wire = lab.wrap(sa, first)
        lab.arrives(sa, first, wire=wire)
        lab.refused(sa, name + ', replayed', wire, 'rx_crypto')
        lab.refused(sa, name + ', replayed once more', wire, 'rx_crypto')
        sa.seq += 1000
        lab.arrives(sa)
        lab.refused(sa, name + ', too old', lab.wrap(
            sa, lab.datagram(), seq=sa.seq - 900), 'rx_crypto')
        # Late, but within the window (32 packets), and only once.
        late = lab.datagram()
        wire = lab.wrap(sa, late, seq=sa.seq - 31)
        lab.arrives(sa, late, name + ', late', wire)
        lab.refused(sa, name + ', late and replayed', wire, 'rx_crypto')
        lab.refused(sa, name + ', just too old', lab.wrap(
            sa, lab.datagram(), seq=sa.seq - 32), 'rx_crypto')
        # A forged sequence number does not move the window.
        wire = lab.wrap(sa, lab.datagram(), seq=sa.seq + 100000)
        lab.refused(sa, name + ', forged far ahead', flip(wire, len(wire) - 1),
                    'rx_crypto')
        errors += 5
    lab.counters_add_up()
    after = xfrm_stat(lab.right).get('XfrmInStateSeqError', 0)
    check(after == before + errors, 'SeqError', after, 'after', before)


def corrupted(lab):
    """One bit wrong somewhere."""
    wrong = 0
    for name, kind, sa in lab.turns():
        lab.arrives(sa)
        wrong += 1
        body = {4: 20, 6: 40}[lab.outer_family]
        spi = body + (7 if kind == 'ah' else 3)
        for what, offset, counter in (
                ('sequence number', spi + 4, 'rx_crypto'),
                ('IV or ICV', spi + 10, 'rx_crypto'),
                ('payload', body + 50, 'rx_crypto'), ('end', -17, 'rx_crypto'),
                ('last', -1, 'rx_crypto'), ('SPI', spi, None)):
            wire = lab.wrap(sa, lab.datagram())
            # Other SAs have SPIs that differ in the lower bits.
            lab.refused(sa, '%s, bit wrong in %s' % (name, what), flip(
                wire, offset % len(wire), 5), counter)
        lab.counted_right()
        for length in (0, 3, 7, 8, 12, 24, 31, len(wire) - body - 1):
            # The shortest packets do not even have an SPI, longer ones no whole
            # block.
            lab.send(cut(wire, length))
            lab.arrives(sa, what='after one cut to %d bytes' % length)
        lab.nothing_arrived('packet that was cut')
        counted = lab.refused_now()
        more = counted['rx_crypto'] - lab.counted['rx_crypto']
        check(0 < more <= 8, more, 'of 8 packets that were cut are counted')
        lab.count('rx_crypto', more)
        lab.counted_right()
    stats = xfrm_stat(lab.right)
    check(stats.get('XfrmInNoStates') == wrong, 'wrong SPIs', stats)
    lab.counters_add_up()


def unsound(lab):
    """(fault, packet) for the inner family."""
    good = lab.datagram()
    length = header_length(good)

    def header(**fields):
        return lab.inner_packet(17, good[length:], **fields)

    yield 'version 0', header(version=0)
    yield 'TTL 0', header(ttl=0)
    yield 'length 65535', header(total=65535)
    if lab.family == 4:
        yield 'version 6', header(version=6)
        yield 'IHL 4', header(ihl=4)
        yield 'IHL 0', header(ihl=0)
        yield 'IHL 15, too short', header(ihl=15)[:40]
        yield 'length beyond the end', header(total=len(good) + 1)
        yield 'length below the header', header(total=19)
        yield 'length 0', header(total=0)
    else:
        yield 'version 4', header(version=4)
        yield 'length beyond the end', header(total=len(good) - 39)
    yield 'header without its last byte', good[:length - 1]
    yield '10 bytes', good[:10]
    yield '1 byte', good[:1]
    yield 'nothing', b''


def nonsense(lab):
    """Authentic, but not a valid IP packet."""
    for name, kind, sa in lab.turns():
        lab.arrives(sa)
        header = {4: 20, 6: 40}[lab.family]
        for what, payload in unsound(lab):
            # In tunnel mode XFRM itself detects a missing header, and refuses
            # ESP without a payload.
            early = len(payload) < {'tunnel': header, 'transport': 1, 'ah': 0}[
                kind]
            lab.refused(sa, '%s: %s' % (name, what), lab.wrap(sa, payload),
                        'rx_crypto' if early else 'rx_malformed')
        lab.counted_right()
    if lab.family == 4:
        # The device checks only what it must; IP checks the rest.
        wrong = lab.datagram()
        wrong = wrong[:10] + b'\xbe\xef' + wrong[12:]
        lab.send(lab.wrap(sa, wrong))
        check(lab.inside.wait('bad inner checksum') == wrong, 'changed')
        lab.delivered += 1
        lab.bytes += len(wrong)
        lab.arrives(sa)
    lab.counters_add_up()


def no_keys_yet(lab):
    """Packets for an SPI that a key manager has only reserved. Outer options
    move ESP as far behind the IP header as it is after decryption.
    """
    sa = lab.sa('transport')
    reserved = lab.sa('reserved')

    for length in (0, 8, 40):
        wire = lab.wrap(reserved, lab.datagram(), options=b'\1' * length)
        lab.refused(sa, 'no keys, %d bytes of options' % length, wire,
                    'rx_crypto')
    lab.counters_add_up()


def no_integrity(lab):
    """Decrypted, but not authenticated (RFC 4303 section 3.4.3)."""
    sa = lab.sa('transport')

    for name in ('transport', 'tunnel'):
        naked = lab.sa('naked-' + name)
        lab.refused(sa, name + ', without integrity', lab.wrap(
            naked, lab.datagram()), 'rx_crypto')
    lab.counters_add_up()


def device_down(lab):
    """A device that is down receives nothing."""
    sas = [lab.sa(name) for name in MODES]

    for sa in sas:
        lab.arrives(sa)
    lab.right.run('ip', 'link', 'set', lab.device.name, 'down')
    for sa in sas:
        lab.send(lab.wrap(sa, lab.datagram()))
    until('counter', lambda: lab.refused_now() == {'rx_down': 3})
    lab.right.run('ip', 'link', 'set', lab.device.name, 'up')
    lab.nothing_arrived('packet for a device that is down')
    lab.counted = {'rx_down': 3}
    for sa in sas:
        lab.arrives(sa)
    lab.counters_add_up()


def tfc_padding(lab):
    """TFC padding after the inner packet hides its length (RFC 4303 section
    2.7) and is not part of it.
    """
    for what, _, sa in lab.turns():
        for length in (1, 3, 16, 300, 1200):
            lab.arrives(sa, what='%s, %d bytes of TFC padding' % (
                what, length), tfc=b'\xee' * length)
            # An inner packet in the padding is not received.
            lab.arrives(sa, tfc=lab.datagram())
        lab.nothing_arrived('padding')
    lab.counters_add_up()


DROP = None
ECN_TABLE = {           # inner: by outer 00, ECT(1), ECT(0), CE
    0b00: (0b00, 0b00, 0b00, DROP),
    0b01: (0b01, 0b01, 0b01, 0b11),
    0b10: (0b10, 0b01, 0b10, 0b11),
    0b11: (0b11, 0b11, 0b11, 0b11),
}
# Unused pairs (inner, outer), which do no harm
ECN_ODD = ((0b00, 0b01), (0b00, 0b10), (0b01, 0b10), (0b11, 0b01))


def long_ah(lab):
    """The outer source is checked although AH is longer than necessary."""
    for name in ('ah', 'ah_tunnel'):
        sa = lab.sa(name)
        for length in (32, 48):
            sa.length = length
            lab.arrives(sa)
            lab.refused(sa, 'other source, %d bytes of AH' % length,
                        lab.wrap(sa, lab.datagram(), src='10.0.0.9'),
                        'rx_outer_address')
    lab.counters_add_up()


def with_tos(packet, tos):
    """The same packet with another TOS or traffic class."""
    if family_of(packet) == 4:
        return with_checksum(packet[:1] + bytes([tos]) + packet[2:20]) + (
            packet[20:])
    word = struct.unpack('!I', packet[:4])[0] & ~(0xff << 20) | tos << 20
    return struct.pack('!I', word) + packet[4:]


def ecn_table(lab):
    """The receiving tunnel endpoint of RFC 6040 section 4.2."""
    for name, _, sa in lab.turns():
        results = []
        for inner, outer in ((i, o) for i in ECN_TABLE for o in range(4)):
            # The outer DSCP is ignored (RFC 4301 section 5.1.2.1), and the
            # inner one does not change.
            fields = {'frag': DF} if lab.family == 4 else {'label': 0x12345}
            packet = lab.datagram(tos=0x28 | inner, **fields)
            wire = lab.wrap(sa, packet, tos=0xb8 | outer)
            what = '%s: inner %s outer %s' % (
                name, format(inner, '02b'), format(outer, '02b'))
            result = ECN_TABLE[inner][outer]
            if result is DROP:
                lab.refused(sa, what, wire, 'rx_ecn')
                continue
            lab.send(wire)
            seen = lab.inside.wait(what)
            if lab.family == 4:
                check(checksum(seen[:20]) == 0, what, 'inner checksum',
                      seen[:20].hex())
            tos = ip_field(seen, 'tos')
            check(tos == 0x28 | result, what, 'gives TOS 0x%02x' % tos)
            check(seen == with_tos(packet, tos), what, 'changes more')
            data = ip_split(packet)[1][8:]
            until(what, lambda data=data: received(lab.inner) == data)
            lab.delivered += 1
            lab.bytes += len(packet)
            if (inner, outer) in ECN_ODD:
                lab.count('rx_ecn_odd')
            results.append('%s+%s=%s' % tuple(
                format(bits, '02b') for bits in (inner, outer, tos & 3)))
        lab.counted_right()
        print(name + ':', *results)
    lab.counters_add_up()


def ecn_transmit(lab):
    """Check that the device writes the ECN field as tunnel mode does."""
    for family in lab.inners:
        lab.carry(family)
        out = Wire(lab.right, lab.device.name)
        for inner, outer in ((0b00, 0b00), (0b01, 0b01), (0b10, 0b10),
                             (0b11, 0b10)):
            packet = ip(lab.inner_host, lab.inner_peer, 17, udp(
                lab.inner_host, lab.inner_peer, 1, 2), tos=0x28 | inner)
            out.sock.sendto(packet, (lab.device.name, ETH_P[family]))
            seen = lab.answers.wait('packet', lambda seen: ip_field(
                seen, 'proto') == 50)
            tos = ip_field(seen, 'tos')
            what = '%d in %d: inner %s' % (family, lab.outer_family,
                                           format(inner, '02b'))
            check(tos == 0x28 | outer, what, 'gives TOS 0x%02x' % tos)
            print(what, 'gives outer', format(outer, '02b'))


def run(tests):
    """Run the test of the command line for each pair that it names."""
    name, *pairs = sys.argv[1:]
    for pair in pairs or ['4:4:ipsec0']:
        outer, inners, device = pair.split(':')
        tests[name](Lab(int(outer), [int(i) for i in inners], device))


if __name__ == '__main__':
    main(run, globals())
