#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""ICMP errors of hosts on a path, and the errors that the senders of inner packets
get; see pmtu6.sh and icmp.sh, in the topology of path.sh.
usage: path.py VERB OUTER ARG...
  OUTER is the family of the underlay, 4 or 6
  relayed    errors of a router reach the senders, each once
  ignored    other errors, about other packets or another SA, never do
  limited    of many errors, at most eight do
  forgotten  after half a minute, none does
  silent     with noicmp-relay, none does
  hop        TTL and hop limit of the outer packets expire on the path
  gone       a router has lost the route
  stack MTU  the stack knows the device's MTU, and fragments or refuses
  cut SIZE...    packets with DF clear arrive, without an error for the sender
  learns SIZE MTU  a packet of SIZE is lost; after it all senders of such packets
             get MTU (those of IPv6 at least 1280)
  probe MTU  packets larger than MTU do not arrive, not even in fragments
  least MTU  with IPv6, 1280 bytes always arrive; with IPv4, MTU
  raised SIZE    after a while, packets of SIZE arrive again
  forged MTU forged errors about the path do no more harm than they must
  clamped MSS    right makes TCP of client use MSS
"""
import errno
import os
import socket
import struct
import sys
import time

from packet import (
    IPPROTO_AH, IPPROTO_ESP, PATIENCE, Device, Netns, check, checksum, filler,
    ipv4, main, until)

LEFT = {4: '10.0.0.1', 6: 'fd00:10::1'}
RIGHT = {4: '10.0.0.2', 6: 'fd00:10::2'}
GATEWAY = int.from_bytes(socket.inet_aton('10.0.1.1'), 'big')
INNER = {('left', 4): '192.168.1.1', ('left', 6): 'fd00:1::1',
         ('right', 4): '192.168.2.1', ('right', 6): 'fd00:2::1',
         ('client', 4): '192.168.3.2', ('client', 6): 'fd00:3::2'}
SPI = 0xfeedbeef        # of the SA with which right sends
SPI_IN = 0xdeadbeef     # of the SA with which it receives

# type and code of the router's error; code of the sender's error with IPv4.
# Senders of IPv6 always get ADDR_UNREACH.
NET, HOST, ADDR_UNREACH = (3, 0), (3, 1), (1, 3)
RELAYED = {
    4: {(3, 0): NET, (3, 1): HOST, (3, 2): HOST, (3, 6): NET, (3, 7): HOST,
        (3, 11): NET, (3, 12): HOST, (11, 0): HOST},
    6: {(1, 0): HOST, (1, 3): HOST, (3, 0): HOST},
}
# type, code, and the word after the checksum
IGNORED = {
    4: [(3, 3, 0), (3, 4, 1500), (3, 5, 0), (3, 8, 0), (3, 9, 0), (3, 10, 0),
        (3, 13, 0), (3, 14, 0), (3, 15, 0), (4, 0, 0), (5, 0, GATEWAY),
        (5, 1, GATEWAY), (11, 1, 0), (12, 0, 0)],
    6: [(1, 1, 0), (1, 2, 0), (1, 4, 0), (1, 5, 0), (1, 6, 0), (2, 0, 1500),
        (3, 1, 0), (4, 0, 0), (4, 1, 6), (4, 2, 0)],
}
AT_ONCE = 8             # errors that are remembered
TOO_BIG = {4: (3, 4), 6: (2, 0)}
HEADERS = {4: 28, 6: 48}        # IP and UDP
MTU_DISCOVER = {4: (socket.IPPROTO_IP, 10), 6: (socket.IPPROTO_IPV6, 23)}
RECVERR = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
DONT, DO, PROBE = 0, 2, 3
IPV6_MIN_MTU = 1280


def host(name):
    """The namespace of a host."""
    return Netns(os.environ[name])


class Router:
    """The router next to right, which sends ICMP errors on request."""

    def __init__(self, family):
        self.family = family
        self.right = host('right')
        with host('near'):
            if family == 4:
                self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                          socket.IPPROTO_ICMP)
            else:
                self.sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                                          socket.IPPROTO_ICMPV6)

    def _heard(self, kind):
        """The number of such messages that right has received."""
        with self.right:
            path = '/proc/thread-self/net/snmp'
            if self.family == 6:
                with open(path + '6', encoding='ascii') as file:
                    rows = [line.split() for line in file]
                return int(dict(rows).get('Icmp6InType%d' % kind, 0))
            with open(path, encoding='ascii') as file:
                rows = [line.split()[1:] for line in file
                        if line.startswith('IcmpMsg:')]
        return int(dict(zip(*rows)).get('InType%d' % kind, 0) if rows else 0)

    def _quoted(self, spi, proto, src, dst):
        """The beginning of a packet, with the SPI in the places of both ESP and
        AH.
        """
        start = struct.pack('!II', spi, spi)
        if self.family == 4:
            return ipv4(src, dst, proto, start, total=1000)
        return (struct.pack('!IHBB', 6 << 28, 960, proto, 60) +
                socket.inet_pton(socket.AF_INET6, src) +
                socket.inet_pton(socket.AF_INET6, dst) + start)

    def says(self, kind, code, info=0, *, spi=SPI, proto=IPPROTO_ESP,
             src=None, dst=None):
        """Send an ICMP error about a packet of right, and wait until it has
        arrived.
        """
        message = struct.pack('!BBHI', kind, code, 0, info) + self._quoted(
            spi, proto, src or RIGHT[self.family], dst or LEFT[self.family])
        if self.family == 4:
            message = (message[:2] + struct.pack('!H', checksum(message)) +
                       message[4:])
        before = self._heard(kind)
        self.sock.sendto(message, (RIGHT[self.family], 0))
        until('ICMP error at right', lambda: self._heard(kind) > before)


class Sender:
    """A host that sends datagrams to left, and gets errors."""

    def __init__(self, name, family, discover=None):
        self.name = '%s, IPv%d' % (name, family)
        self.family = family
        self.local = name == 'right'
        target = INNER['left', family]
        self.other = host('left').socket(socket.SOCK_DGRAM, target)
        self.other.settimeout(PATIENCE)
        self.sock = host(name).socket(socket.SOCK_DGRAM, INNER[name, family])
        self.sock.setsockopt(*RECVERR[family], 1)
        if discover is not None:
            self.sock.setsockopt(*MTU_DISCOVER[family], discover)
        self.target = target, self.other.getsockname()[1]

    def send(self, data=b'x'):
        """Send a datagram. A pending error makes the first attempt fail;
        errors() still returns it.
        """
        try:
            self.sock.sendto(data, self.target)
        except OSError:
            self.sock.sendto(data, self.target)

    def arrives(self, data=b'x'):
        """Send a datagram, which must arrive."""
        self.send(data)
        self.arrived(data)

    def arrived(self, data):
        """Check that the next datagram to arrive is this one."""
        try:
            got = self.other.recv(65536)
        except socket.timeout:
            got = b''
        check(got == data, self.name, len(data), 'bytes were sent,',
              len(got), 'have arrived')

    def size(self, length):
        """The data of an inner packet of this length."""
        return filler(length - HEADERS[self.family])

    def errors(self):
        """(type, code, MTU) of all errors up to now."""
        found = []
        while True:
            try:
                ancillary = self.sock.recvmsg(1, 512, socket.MSG_ERRQUEUE |
                                              socket.MSG_DONTWAIT)[1]
            except BlockingIOError:
                return found
            for level, option, value in ancillary:
                if (level, option) == RECVERR[self.family]:
                    _, _, kind, code, _, info = struct.unpack_from('=IBBBBI',
                                                                   value)
                    found.append((kind, code, info))

    def is_too_big(self, found, mtu):
        """True if the error has these values."""
        if self.family == 6:
            mtu = max(mtu, IPV6_MIN_MTU)
        check(found == [(*TOO_BIG[self.family], mtu)], self.name, 'is told',
              found, 'instead of', mtu)

    def too_big(self, size, mtu):
        """Check that a packet of this size leads to this MTU."""
        self.send(self.size(size))
        self.is_too_big(until('%s: too big' % self.name, self.errors), mtu)

    def told(self, *expected):
        """Send a datagram, which must arrive, and check the errors."""
        self.arrives()
        found = []
        if expected:
            found = until('%s: error' % self.name, self.errors)
        found = [error[:2] for error in found + self.errors()]
        check(found == list(expected), self.name, 'is told', found,
              'instead of', list(expected))


def senders(**options):
    """All senders: the host itself and one behind it, in both families."""
    return [Sender(name, family, **options) for name in ('right', 'client')
            for family in (4, 6)]


def path_errors():
    """The number of errors that the device has relayed."""
    return Device(host('right'), 'ipsec0').show()['stats']['tx_path_error']


def as_told(sender, relayed):
    """The error for a sender of either family."""
    return relayed if sender.family == 4 else ADDR_UNREACH


def option(*words):
    """Change an option of right's device."""
    host('right').run('ip', 'link', 'set', 'ipsec0', 'type', 'ipsec-ipip',
                      *words)


def relayed_once(outer):
    """Check that only the next sender gets the error, whichever it is."""
    router = Router(outer)
    count = path_errors()

    for sender in senders():
        sender.told()
        for (kind, code), relayed in RELAYED[outer].items():
            print(sender.name, kind, code)
            router.says(kind, code)
            sender.told(as_told(sender, relayed))
            sender.told()
            count += 1
    check(path_errors() == count, 'tx_path_error is not', count)


def is_ignored(outer):
    """Check errors that senders cannot use, or that are not about the SA in
    use.
    """
    router = Router(outer)
    count = path_errors()
    right = [sender for sender in senders() if sender.local]
    kind, code = next(iter(RELAYED[outer]))

    for error in IGNORED[outer]:
        print(error)
        router.says(*error)
        for sender in right:
            sender.told()
    for other in ({'spi': SPI + 1}, {'spi': 0}, {'proto': IPPROTO_AH},
                  {'src': LEFT[outer]}, {'dst': RIGHT[outer]}):
        if outer == 6 and 'proto' in other:
            # The core looks for a protocol after AH, and there is none.
            continue
        print(other)
        router.says(kind, code, **other)
        for sender in right:
            sender.told()
    check(path_errors() == count, 'tx_path_error is not', count)


def multicast(sender):
    """Send a datagram to a group, through the device."""
    sock = host('right').socket(socket.SOCK_DGRAM, INNER['right', 4])
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                    socket.inet_aton(INNER['right', 4]))
    sock.sendto(b'x', ('239.1.2.3', sender.target[1]))


def limited(outer):
    """Check that many errors lead to no more relayed errors than a few, and
    that multicast, which never gets errors, does not use them up.
    """
    router = Router(outer)
    sender = senders()[0]
    kind, code = next(iter(RELAYED[outer]))
    count = path_errors()

    for _ in range(2 * AT_ONCE):
        router.says(kind, code)
    for _ in range(2 * AT_ONCE):
        multicast(sender)
    for i in range(2 * AT_ONCE):
        if i < AT_ONCE:
            sender.told(RELAYED[outer][kind, code])
        else:
            sender.told()
    check(path_errors() == count + AT_ONCE, 'tx_path_error')

    # A change of options invalidates the error.
    router.says(kind, code)
    option('ttl', 'default')
    sender.told()


def forgotten(outer):
    """Check that no sender gets the error after half a minute."""
    router = Router(outer)
    sender = senders()[0]
    kind, code = next(iter(RELAYED[outer]))

    router.says(kind, code)
    router.says(kind, code)
    end = time.monotonic() + 31
    sender.told(RELAYED[outer][kind, code])
    # A packet in between would get the error, and spoil the test.
    time.sleep(max(0, end - time.monotonic()))
    sender.told()


def silent(outer):
    """Check that no sender gets an error."""
    router = Router(outer)
    right = [sender for sender in senders() if sender.local]
    count = path_errors()

    for kind, code in RELAYED[outer]:
        router.says(kind, code)
        for sender in right:
            sender.told()
    check(path_errors() == count, 'tx_path_error is not', count)


def lost(expected):
    """Packets are lost on the path, and each sender gets an error."""
    for sender in senders():
        def hears(sender=sender):
            sender.send()
            return sender.errors()
        found = until('%s: error' % sender.name, hears)
        check(found[0][:2] == as_told(sender, expected), sender.name, found)


def works_again():
    """Check that senders get no more errors, except those in flight."""
    for sender in senders():
        def quiet(sender=sender):
            sender.arrives()
            return not sender.errors()
        until('%s: silence' % sender.name, quiet)


def hop(_outer):
    """TTL 1 gets as far as the first router."""
    for ttl in '1', '2':
        option('ttl', ttl)
        lost(HOST)
    option('ttl', 'default')
    works_again()


def gone(outer):
    """A router without a route sends an error."""
    route = LEFT[outer]
    via = '10.0.1.4' if outer == 4 else 'fd00:10:1::4'
    host('near').run('ip', 'route', 'del', route)
    lost(NET if outer == 4 else HOST)
    host('near').run('ip', 'route', 'add', route, 'via', via)
    works_again()


def stack(_outer, mtu):
    """The device's MTU is that of the path, and the stack fragments or refuses.
    """
    mtu = int(mtu)
    for sender in senders(discover=DO):
        print(sender.name, mtu)
        sender.arrives(sender.size(mtu))
        if sender.local:
            try:
                sender.sock.sendto(sender.size(mtu + 1), sender.target)
            except OSError as error:
                check(error.errno == errno.EMSGSIZE, error)
            found = sender.errors()
            check(found and found[0][2] == mtu, sender.name, found)
        else:
            sender.too_big(mtu + 1, mtu)
    for sender in senders(discover=DONT):
        for size in mtu + 1, 4000:
            sender.arrives(sender.size(size))


def cut(_outer, *sizes):
    """Packets with DF clear arrive."""
    for sender in senders(discover=DONT):
        for size in sizes:
            if sender.family == 4:
                sender.arrives(sender.size(int(size)))


def learns(_outer, size, mtu):
    """The path MTU is smaller now."""
    size, mtu = int(size), int(mtu)
    for first, sender in enumerate(senders(discover=PROBE)):
        print(sender.name, size, mtu)
        if not first:
            def told(sender=sender):
                sender.send(sender.size(size))
                return sender.errors()
            found = until('%s: too big' % sender.name, told)
            sender.is_too_big(found, mtu)
        sender.too_big(size, mtu)


def least(_outer, mtu):
    """Check the packets that must always arrive."""
    for sender in senders(discover=PROBE):
        sender.arrives(sender.size(int(mtu) if sender.family == 4 else
                                   IPV6_MIN_MTU))


def raised(_outer, size):
    """A larger path MTU is found only by trying."""
    for sender in senders(discover=PROBE):
        data = sender.size(int(size))
        sender.other.settimeout(1)

        def arrives(sender=sender, data=data):
            sender.send(data)
            sender.errors()
            try:
                return sender.other.recv(65536) == data
            except socket.timeout:
                return False
        until('%s: arrival of %s bytes' % (sender.name, size), arrives)


def probe(_outer, mtu):
    """Path MTU probes (RFC 4821, RFC 8899)."""
    mtu = int(mtu)
    for sender in senders(discover=PROBE):
        print(sender.name, mtu)
        sender.arrives(sender.size(mtu))
        sender.too_big(mtu + 1, mtu)
        # Packets stay in order, so the probe is no longer in flight.
        sender.arrives(b'after it')


def forged(outer, mtu):
    """Forged errors report a tiny path MTU. They must quote a packet of right
    to have an effect, and then everything still arrives.
    """
    mtu = int(mtu)
    router = Router(outer)
    lie = (3, 4, 20) if outer == 4 else (2, 0, 600)
    device = Device(host('right'), 'ipsec0')

    for other in ({'spi': SPI + 1}, {'spi': 0}, {'dst': RIGHT[outer]},
                  {'src': LEFT[outer]},
                  {'spi': SPI_IN, 'src': LEFT[outer], 'dst': RIGHT[outer]}):
        router.says(*lie, **other)
        for sender in senders(discover=PROBE):
            sender.arrives(sender.size(mtu))

    router.says(*lie)
    for sender in senders(discover=PROBE):
        if outer == 6:
            # Values below 1280 are ignored (RFC 8201 section 4).
            sender.arrives(sender.size(mtu))
            continue

        def told(sender=sender):
            sender.send(sender.size(mtu))
            return sender.errors()
        found = until('%s: too big' % sender.name, told)
        floor = 68 if sender.family == 4 else IPV6_MIN_MTU
        check(found[0][:2] == TOO_BIG[sender.family] and
              floor <= found[0][2] < mtu, sender.name, found)
        # Linux never stores less than net.ipv4.route.min_pmtu, and then clears
        # DF, except for probes.
        sender.arrives(sender.size(400 if sender.family == 4 else
                                   IPV6_MIN_MTU))
    for sender in senders(discover=DONT):
        sender.arrives(sender.size(1280))
        sender.arrives(sender.size(1400))
    check(device.show()['mtu'] == mtu, "the device's MTU has changed")


def clamped(_outer, mss):
    """The server's segment size is that of the SYN."""
    listener = host('left').socket(socket.SOCK_STREAM, INNER['left', 4])
    listener.listen()
    listener.settimeout(PATIENCE)
    sock = host('client').socket(socket.SOCK_STREAM, INNER['client', 4])
    sock.settimeout(PATIENCE)
    sock.connect(listener.getsockname())
    other = listener.accept()[0]
    got = other.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    check(got == int(mss), 'MSS', got, 'instead of', mss)


VERBS = {'stack': stack, 'cut': cut, 'learns': learns, 'least': least,
         'raised': raised, 'clamped': clamped,
         'relayed': relayed_once, 'ignored': is_ignored, 'limited': limited,
         'forgotten': forgotten, 'silent': silent, 'hop': hop, 'gone': gone,
         'probe': probe, 'forged': forged}


def verb(name, outer, *args):
    """Run the verb of the command line."""
    VERBS[name](int(outer), *args)


if __name__ == '__main__':
    main(verb, *sys.argv[1:])
