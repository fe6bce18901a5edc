#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Two flows of numbered datagrams, one each way, while the SAs change; see
rekey.sh.
usage: rekey.py {rekey|pin|command} COUNT
"left" and "right" have a device each, ipsec0, with the first pair of SAs:
SPIs 0x10000 from the left and 0x20000 from the right.
"""
import mmap
import os
import select
import socket
import struct
import sys
import time

from packet import (
    SO_RCVBUFFORCE, Device, Failure, Netns, check, until, xfrm_stat)

RATE = 5000                     # packets a second, each way
BURST = 10                      # of them in one call
SIZE = 64
AHEAD = 4000                    # under way at most
BETWEEN = 20                    # packets between two changes, at least
UDP_SEGMENT = 103
IN, OUT = 0, 1
INNER = {'left': '192.168.1.1', 'right': '192.168.2.1'}
SPI = {'left': 0x10000, 'right': 0x20000}
PEER = {'left': 'right', 'right': 'left'}
ALG = 'rfc4106(gcm(aes))'


class Flow:
    """A process that sends on one host and receives on the other."""

    def __init__(self, hosts, sender):
        self.sender = sender
        receiver = PEER[sender]
        self.tx = hosts[sender].socket(socket.SOCK_DGRAM, INNER[sender])
        self.tx.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
        self.rx = hosts[receiver].socket(socket.SOCK_DGRAM, INNER[receiver],
                                         5000)
        self.rx.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.rx.setblocking(False)
        self.tx.connect((INNER[receiver], 5000))
        self.shared = memoryview(mmap.mmap(-1, 4096)).cast('Q')
        self.stop_read, self.stop_write = os.pipe()
        self.report_read, self.report_write = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                self._run()
                status = 0
            finally:
                os._exit(status)

    def sent(self):
        """The number of sent packets."""
        return self.shared[0]

    def _take(self, seen):
        """The number of packets that have arrived, and of those that came twice
        or out of order.
        """
        new = twice = late = 0
        number, last = 0, self.shared[1]
        for _ in range(64):
            try:
                number, = struct.unpack_from('!I', self.rx.recv(SIZE))
            except BlockingIOError:
                break
            twice += seen[number]
            new += not seen[number]
            seen[number] = 1
            late += number < last
            last = max(last, number)
        self.shared[1] = last
        return new, twice, late

    def _burst(self, sent):
        numbers = range(sent, sent + BURST)
        self.tx.send(b''.join(struct.pack('!I', number).ljust(SIZE, b'.')
                              for number in numbers))

    def _run(self):
        seen = bytearray(8 << 20)
        sent = 0
        total = [0, 0, 0]
        start = time.monotonic()
        end = None
        while True:
            now = time.monotonic()
            behind = end is None and sent + BURST <= (now - start) * RATE
            if behind and sent - total[0] < AHEAD:
                self._burst(sent)
                sent += BURST
                self.shared[0] = sent
            took = self._take(seen)
            total = [a + b for a, b in zip(total, took)]
            if end is not None:
                if total[0] == sent or now > quiet + 10:
                    break
                if took[0]:
                    quiet = now
            if not behind and not took[0]:
                if select.select([self.rx, self.stop_read], [], [],
                                 0.001)[0] and end is None and select.select(
                                     [self.stop_read], [], [], 0)[0]:
                    end = quiet = now
            elif end is None and select.select([self.stop_read], [], [],
                                               0)[0]:
                end = quiet = now
        os.write(self.report_write, struct.pack('!5Q', sent, *total, int(
            (end - start) * 1000)))

    def stop(self):
        """End the flow, check that every packet has arrived once, and return
        the number sent.
        """
        os.write(self.stop_write, b'.')
        check(select.select([self.report_read], [], [], 120)[0],
              'no report of the flow')
        report = os.read(self.report_read, 40)
        os.waitpid(self.pid, 0)
        check(len(report) == 40, 'the flow from', self.sender, 'has failed')
        sent, got, twice, late, msec = struct.unpack('!5Q', report)
        print('from the %s: %d packets sent in %.1f s (%d a second), %d lost, '
              '%d twice, %d out of turn' % (
                  self.sender, sent, msec / 1000, sent * 1000 // max(msec, 1),
                  sent - got, twice, late))
        check(sent == got, sent - got, 'packets from', self.sender, 'lost')
        check(not twice, twice, 'packets came twice')
        # With --icount, no machine is too slow.
        if os.environ.get('IPSI_COUNTED'):
            check(sent * 1000 >= RATE * msec * 0.98, 'fewer than', RATE,
                  'packets a second')
        return sent


class Family:
    """The netlink family, without a new process for each request."""
    ATTR = {'ifname': 2, 'direction': 3, 'spi': 5, 'aead_name': 10,
            'aead_key': 11, 'replay_window': 17}
    CMD = {'add': 1, 'del': 2, 'activate': 4}

    def __init__(self, netns):
        with netns:
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.sock.bind((0, 0))
        self.sock.setsockopt(270, 10, 1)        # NETLINK_CAP_ACK
        self.family = 16                        # GENL_ID_CTRL
        reply = self._talk(3, 1, self._attr(2, b'ipsec-ipip\0'))
        at = 20
        while at < len(reply):
            length, kind = struct.unpack_from('=HH', reply, at)
            if kind == 1:                       # CTRL_ATTR_FAMILY_ID
                self.family, = struct.unpack_from('=H', reply, at + 4)
            at += length + 3 & ~3

    @staticmethod
    def _attr(kind, data):
        return (struct.pack('=HH', 4 + len(data), kind) + data +
                bytes(-len(data) % 4))

    def _talk(self, cmd, version, attrs):
        """The answer, or the acknowledgment if there is none."""
        body = struct.pack('=BBH', cmd, version, 0) + attrs
        # NLM_F_REQUEST, and NLM_F_ACK if there is no other answer
        flags = 1 if self.family == 16 else 5
        self.sock.send(struct.pack('=IHHII', 16 + len(body), self.family,
                                   flags, 1, 0) + body)
        reply = self.sock.recv(65536)
        kind, = struct.unpack_from('=H', reply, 4)
        if kind == 2:
            error, = struct.unpack_from('=i', reply, 16)
            check(not error, 'request', cmd, 'of the family:',
                  os.strerror(-error))
        return reply

    def request(self, what, **attrs):
        """Make a request, which must not fail."""
        data = self._attr(self.ATTR['ifname'], b'ipsec0\0')
        for name, value in attrs.items():
            if name == 'spi':
                value = struct.pack('!I', value)
            elif isinstance(value, int):
                value = struct.pack('=I', value)
            data += self._attr(self.ATTR[name], value)
        self._talk(self.CMD[what], 1, data)

    def add(self, direction, spi, key):
        """Add an SA."""
        words = {'replay_window': 64} if direction == IN else {}
        self.request('add', direction=direction, spi=spi,
                     aead_name=ALG.encode() + b'\0', aead_key=key, **words)


class Lab:
    """Both hosts, their counters, and the flows."""

    def __init__(self):
        self.hosts = {name: Netns(os.environ[name]) for name in INNER}
        self.families = {name: Family(self.hosts[name]) for name in INNER}
        self.devices = {name: Device(self.hosts[name], 'ipsec0')
                        for name in INNER}
        self.before = {name: self._counters(name) for name in INNER}
        self.flows = {name: Flow(self.hosts, name) for name in INNER}

    def _counters(self, name):
        link = self.devices[name].link()
        return (link['tx']['packets'], link['rx']['packets'],
                self.devices[name].refused(), xfrm_stat(self.hosts[name]))

    def wait(self, marks):
        """Wait until both sides have sent more packets."""
        for name, flow in self.flows.items():
            until('more packets from ' + name,
                  lambda flow=flow, name=name:
                  flow.sent() >= marks[name] + BETWEEN)
        marks.update({name: flow.sent() for name, flow in self.flows.items()})

    def finish(self):
        """Check that all packets have arrived, and that none was refused."""
        sent = {name: flow.stop() for name, flow in self.flows.items()}
        moved = {}
        for name in INNER:
            tx, rx, refused, stat = self._counters(name)
            before = self.before[name]
            moved[name] = (tx - before[0], rx - before[1])
            check(refused == before[2], name, 'refused', before[2], refused)
            check(stat == before[3], name, 'XFRM counts', before[3], stat)
        print('packets out and in by the devices:', moved)
        for name, peer in PEER.items():
            check(moved[name][0] == moved[peer][1], 'sent and received differ')
            check(moved[name][0] >= sent[name], 'the device has sent fewer')
        return sent


def every(lab, count, change):
    """Make this many changes, with packets between them."""
    marks = {name: 0 for name in INNER}
    start = time.monotonic()
    lab.wait(marks)
    for number in range(1, count + 1):
        change(number)
        lab.wait(marks)
    print('%d times each way in %.1f s' % (count, time.monotonic() - start))
    return lab.finish()


def rekey(count):
    """Add a new pair each time: first the inbound SA, then the outbound one,
    then delete the old ones, except the last inbound one, which may still be
    needed.
    """
    lab = Lab()

    def change(number):
        for sender, receiver in PEER.items():
            spi = SPI[sender] + number
            key = os.urandom(20)
            tx, rx = lab.families[sender], lab.families[receiver]
            rx.add(IN, spi, key)
            tx.add(OUT, spi, key)
            tx.request('del', direction=OUT, spi=spi - 1)
            if number > 1:
                rx.request('del', direction=IN, spi=spi - 2)

    every(lab, count, change)


def pin(count):
    """Switch between two pairs of SAs."""
    lab = Lab()

    for sender, receiver in PEER.items():
        key = os.urandom(20)
        lab.families[receiver].add(IN, SPI[sender] + 1, key)
        lab.families[sender].add(OUT, SPI[sender] + 1, key)

    def change(number):
        for sender in PEER:
            lab.families[sender].request('activate',
                                         spi=SPI[sender] + number % 2)

    every(lab, count, change)


def command(count):
    """The same as rekey, with the command "ipsec-ipip rekey"."""
    lab = Lab()

    def change(number):
        for sender, receiver in PEER.items():
            words = ['spi', str(SPI[sender] + number), 'aead', ALG,
                     '0x' + os.urandom(20).hex(), '128']
            for host, way in ((receiver, ['in', 'replay-window', '64']),
                              (sender, ['out'])):
                lab.hosts[host].run('ipsec-ipip', '-q', 'rekey', 'ipsec0',
                                    *way, *words)

    every(lab, count, change)


if __name__ == '__main__':
    try:
        {'rekey': rekey, 'pin': pin, 'command': command}[sys.argv[1]](
            int(sys.argv[2]))
    except Failure as failure:
        print('FAIL:', failure)
        sys.exit(1)
