#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Inner packets that match and do not match the traffic selectors of SAs, in both
directions; see adopt_selectors.sh. The left takes the place of the peer, the
right has the device.
usage: ts.py TEST
"""
import os
import struct
import sys

from packet import (
    DF, MF, Device, Esp, Netns, Wire, check, checksum, filler, icmp_echo,
    ip_split, ipv4, main, udp, until)

PEER, HOST = '10.0.0.1', '10.0.0.2'             # outer addresses
# Addresses in the negotiated networks, and outside of both.
THERE, HERE, OTHER = '10.1.0.1', '10.2.0.1', '10.3.0.1'
KEY = '0x000102030405060708090a0b0c0d0e0f10111213'
SPI_IN, SPI_OUT = 0x1001, 0x1002


def datagram(src, dst, **fields):
    """A UDP datagram between two addresses."""
    return ipv4(src, dst, 17, udp(src, dst, 1000, 4000, filler(24)),
                **fields)


def icmp_error(src, dst, quoted, kind=3, code=1):
    """An ICMP error that quotes the beginning of a packet."""
    body = struct.pack('!BBHI', kind, code, 0, 0) + quoted[:28]
    body = body[:2] + struct.pack('!H', checksum(body)) + body[4:]
    return ipv4(src, dst, 1, body)


class Lab:
    """Both hosts, and their counters."""

    def __init__(self):
        left, right = Netns(os.environ['left']), Netns(os.environ['right'])
        self.right = right
        self.device = Device(right, 'ipsec0')
        self.wire = Wire(left, 'eth0', link=True)
        self.mac = Wire(right, 'eth0').mac
        self.arriving = Wire(left, 'eth0')
        self.inside = Wire(right, 'ipsec0')
        self.sa_in = Esp(SPI_IN, 'gcm', KEY)
        self.sa_out = Esp(SPI_OUT, 'gcm', KEY)
        self.control = True
        refused = self.device.refused()
        self.counted = {name: refused.get(name, 0)
                        for name in ('rx_selector', 'tx_selector')}

    def receive(self, what, packet, passes):
        """Send a packet from the peer, and check whether the device accepts it.
        A good packet after it shows that it was processed.
        """
        control = datagram(THERE, HERE, ident=0x1234)
        self.wire.send(self.sa_in.packet(PEER, HOST, packet), self.mac)
        if self.control:
            self.wire.send(self.sa_in.packet(PEER, HOST, control), self.mac)
            seen = self.inside.wait(what)
            check((seen == packet) == passes and
                  (passes or seen == control), 'received:', what)
            if passes:
                self.inside.wait('control after ' + what)
        self.count('rx_selector', what, passes)

    def send(self, what, packet, passes):
        """Send a packet from the host, and check whether the device encrypts
        it.
        """
        control = datagram(HERE, THERE, ident=0x1234)
        self.inside.send(packet)
        if self.control:
            self.inside.send(control)
            seen = self.opened(what)
            check((seen == packet) == passes and
                  (passes or seen == control), 'sent:', what)
            if passes:
                self.opened('control after ' + what)
        self.count('tx_selector', what, passes)

    def opened(self, what):
        """The inner packet of the next packet that arrives at the peer."""
        outer = self.arriving.wait(what, lambda packet: packet[9] == 50)
        text = self.sa_out.open(ip_split(outer)[1])[1]
        return self.sa_out.trailer(text)[0]

    def count(self, counter, what, passes):
        """Check that refused packets are counted, and others are not."""
        self.counted[counter] += not passes
        if self.control:
            refused = self.device.refused()
        else:
            until('counter', lambda: self.device.refused().get(counter, 0) ==
                  self.counted[counter])
            refused = self.device.refused()
        check(refused.get(counter, 0) == self.counted[counter], what,
              refused, 'instead of', self.counted)
        print(counter[:2], what, 'passes' if passes else 'is refused')

    def both(self, what, there, here, passes):
        """Send a datagram each way."""
        self.receive(what, datagram(there, here), passes)
        self.send(what, datagram(here, there), passes)


def narrow():
    """Selectors 10.1.0.0/16 there and 10.2.0.0/16 here."""
    lab = Lab()
    lab.both('inside', THERE, HERE, True)
    lab.both('at the edge', '10.1.255.255', '10.2.0.0', True)
    lab.both('other here', THERE, OTHER, False)
    lab.both('other there', OTHER, HERE, False)
    lab.both('both exchanged', HERE, THERE, False)

    # RFC 4301 section 7.1: no ports, so fragments pass
    first = datagram(THERE, HERE, frag=MF)
    later = ipv4(THERE, HERE, 17, filler(40), frag=185)
    lab.receive('first fragment', first, True)
    lab.receive('later fragment', later, True)
    lab.receive('later fragment, other',
                ipv4(OTHER, HERE, 17, filler(40), frag=185), False)
    lab.send('later fragment', ipv4(HERE, THERE, 17, filler(40), frag=185),
             True)

    # RFC 4301 section 6.2: an error of a router on the way
    ours, theirs = datagram(HERE, THERE), datagram(THERE, HERE)
    lab.receive('error about ours', icmp_error(OTHER, HERE, ours), True)
    lab.receive('error about ours, with DF',
                icmp_error(OTHER, HERE, datagram(HERE, THERE, frag=DF),
                           code=4), True)
    lab.receive('error about theirs', icmp_error(OTHER, HERE, theirs), False)
    lab.receive('error about another packet',
                icmp_error(OTHER, HERE, datagram(HERE, OTHER)), False)
    lab.receive('no error, but as one',
                icmp_error(OTHER, HERE, ours, kind=13, code=0), False)
    lab.receive('echo request', ipv4(OTHER, HERE, 1, icmp_echo(ours)), False)
    lab.receive('error cut off', ipv4(OTHER, HERE, 1,
                                      ip_split(icmp_error(OTHER, HERE, ours))
                                      [1][:20]), False)
    lab.receive('later fragment of an error',
                ipv4(OTHER, HERE, 1, ip_split(icmp_error(OTHER, HERE, ours))
                     [1], frag=10), False)
    lab.send('error about theirs', icmp_error(OTHER, THERE, theirs), True)
    lab.send('error about ours', icmp_error(OTHER, THERE, ours), False)


def wide():
    """No selectors, or no longer."""
    lab = Lab()
    lab.both('inside', THERE, HERE, True)
    lab.both('other here', THERE, OTHER, True)
    lab.both('other there', OTHER, HERE, True)


def two():
    """Another pair of networks in addition to the first."""
    lab = Lab()
    lab.both('inside', THERE, HERE, True)
    lab.both('inside the other', OTHER, '10.4.0.1', True)
    lab.both('one of each', THERE, '10.4.0.1', False)
    lab.both('one of each', OTHER, HERE, False)


def nothing():
    """Selectors that cannot be enforced, or missing policies."""
    lab = Lab()
    lab.control = False
    lab.both('inside', THERE, HERE, False)
    check(not lab.inside.all_seen(), 'came in by the device')


def probe(here, there, passes):
    """Check whether an outbound packet passes; the caller repeats this."""
    lab = Lab()
    lab.inside.send(datagram(here, there))
    refused = (lab.device.refused().get('tx_selector', 0) !=
               lab.counted['tx_selector'])
    check(refused == (passes == 'False'), here, there, 'refused:', refused)


def nothing_in():
    """The same for an inbound packet."""
    lab = Lab()
    lab.control = False
    lab.receive('inside', datagram(THERE, HERE), False)
    check(not lab.inside.all_seen(), 'came in by the device')


if __name__ == '__main__':
    main({'narrow': narrow, 'wide': wide, 'two': two, 'nothing': nothing,
          'nothing-in': nothing_in, 'probe': probe}[sys.argv[1]],
         *sys.argv[2:])
