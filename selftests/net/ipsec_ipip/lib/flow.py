#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends numbered datagrams both ways between two hosts until SIGTERM, waits for
those in flight, and reports the lost ones. Both sockets are in one process, so
no datagram is lost because its receiver starts late.
usage: flow.py NETNS ADDRESS NETNS ADDRESS RATE
The first line reports that packets have arrived both ways. The last one is "sent
N M lost N M refused N M", for both directions. Datagrams that the sender's own
host refuses are neither sent nor lost.
"""
import os
import select
import signal
import socket
import struct
import sys
import time

PORT = 5000
CLONE_NEWNET = 0x40000000


class Way:
    """One direction."""

    def __init__(self, source, sink, sink_address):
        self.source, self.sink = source, sink
        self.to = (sink_address, PORT)
        self.sent, self.came, self.refused = 0, set(), set()

    def send(self):
        """Send the next datagram."""
        try:
            self.source.sendto(struct.pack('!I', self.sent), self.to)
        except OSError as error:
            print('refused:', self.sent, error)
            self.refused.add(self.sent)
        self.sent += 1

    def take(self):
        """Receive all datagrams that have arrived."""
        while True:
            try:
                self.came.add(struct.unpack('!I', self.sink.recv(64))[0])
            except BlockingIOError:
                return

    def lost(self):
        """The numbers of the missing datagrams."""
        return [n for n in range(self.sent)
                if n not in self.came and n not in self.refused]


def enter(netns):
    """Enter a network namespace."""
    with open('/run/netns/' + netns, encoding='ascii') as file:
        libc = __import__('ctypes').CDLL(None, use_errno=True)
        if libc.setns(file.fileno(), CLONE_NEWNET):
            sys.exit('setns: ' + os.strerror(__import__('ctypes').get_errno()))


def make(netns, address):
    """A socket in a namespace."""
    enter(netns)
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((address, PORT))
    sock.setblocking(False)
    return sock


def main():
    """Send until the signal."""
    one, other = make(*sys.argv[1:3]), make(*sys.argv[3:5])
    ways = [Way(one, other, sys.argv[4]), Way(other, one, sys.argv[2])]
    gap = 1 / float(sys.argv[5])
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    told = False
    due = time.monotonic()
    while not stop:
        now = time.monotonic()
        if now >= due:
            # Do not send a burst after a pause of the machine.
            due = max(due + gap, now)
            for way in ways:
                way.send()
            if ways[0].sent % 20 == 0:
                print('20 more', flush=True)
        try:
            select.select([one, other], [], [], max(0, due - now))
        except InterruptedError:
            pass
        for way in ways:
            way.take()
        if not told and all(way.came for way in ways):
            told = True
            print('flows', flush=True)
    end = time.monotonic() + 10
    while time.monotonic() < end and any(way.lost() for way in ways):
        select.select([one, other], [], [], 0.1)
        for way in ways:
            way.take()
    for way in ways:
        if way.lost():
            print('lost:', way.lost())
    print('sent', *(way.sent - len(way.refused) for way in ways),
          'lost', *(len(way.lost()) for way in ways),
          'refused', *(len(way.refused) for way in ways))


if __name__ == '__main__':
    main()
