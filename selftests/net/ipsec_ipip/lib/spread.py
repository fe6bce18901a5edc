#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends numbered datagrams in several flows from all processors at once, and
checks that all arrive, and in order within each flow.
usage: spread.py FROM ADDRESS TO ADDRESS FLOWS ROUNDS
  FROM and TO are names of namespaces; a flow has WINDOW datagrams in a round
"""
import os
import socket
import struct
import sys

from packet import PATIENCE, SO_RCVBUFFORCE, Netns, check, main

WINDOW = 8


def send(socks, first, start, rounds):
    """Send the flows of one processor; each round begins with a byte."""
    number = 0
    for _ in range(rounds):
        os.read(start, 1)
        for _ in range(WINDOW):
            for flow, sock in enumerate(socks, first):
                sock.send(struct.pack('!II', flow, number) + bytes(200))
            number += 1


def senders(netns, source, target, cpus, flows, rounds):
    """Start a sender on each processor. Return the pipes that start rounds."""
    pipes = []
    share = flows // len(cpus)
    for i, cpu in enumerate(cpus):
        socks = [netns.socket(socket.SOCK_DGRAM, source) for _ in range(share)]
        for sock in socks:
            sock.connect(target)
        begin, start = os.pipe()
        if not os.fork():
            os.sched_setaffinity(0, {cpu})
            send(socks, i * share, begin, rounds)
            os._exit(0)
        pipes.append(start)
    return pipes


def spread(sender, source, receiver, target, flows, rounds):
    """Send the flows, and check them."""
    cpus = sorted(range(os.cpu_count()))
    flows = int(flows) // len(cpus) * len(cpus)
    other = Netns(receiver).socket(socket.SOCK_DGRAM, target)
    other.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
    other.settimeout(PATIENCE)
    pipes = senders(Netns(sender), source, other.getsockname(), cpus, flows,
                    int(rounds))

    expected = [0] * flows
    for turn in range(1, int(rounds) + 1):
        for pipe in pipes:
            os.write(pipe, b'.')
        for _ in range(flows * WINDOW):
            try:
                data = other.recv(2048)
            except socket.timeout:
                lost = flows * WINDOW * turn - sum(expected)
                check(False, lost, 'datagrams of round', turn, 'are lost')
            flow, number = struct.unpack_from('!II', data)
            check(number == expected[flow], 'flow', flow, 'has datagram',
                  number, 'where', expected[flow], 'was expected')
            expected[flow] += 1
    for _ in pipes:
        os.wait()
    print('%d datagrams in %d flows from %d processors' % (
        sum(expected), flows, len(cpus)))


if __name__ == '__main__':
    main(spread, *sys.argv[1:])
