#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends the pages of a file, and pages of its own memory, without a copy, and
checks that they are still the same afterwards; see tcp_bulk.sh.
usage: pages.py FROM ADDRESS TO ADDRESS
  FROM and TO are names of namespaces
A packet refers to such pages until it is encrypted. If that were done in place, the
file would be encrypted for all who read it.
"""
import mmap
import os
import socket
import sys

from packet import PATIENCE, Netns, check, main, until

PAGES = 64
SIZE = PAGES * mmap.PAGESIZE
SO_RCVBUFFORCE, SO_ZEROCOPY, UDP_SEGMENT = 33, 60, 103
MSG_ZEROCOPY = 0x4000000

# One fits the MTU, one is fragmented, and both have pieces of two pages.
DATAGRAMS = 1200, 6000


class Pages:
    """A file in the page cache, its mapping, and a copy of its bytes."""

    def __init__(self):
        self.fd = os.memfd_create('pages')
        self.copy = os.urandom(SIZE)
        os.write(self.fd, self.copy)
        self.map = mmap.mmap(self.fd, SIZE)

    def check(self, how):
        """Check that no page has changed."""
        bad = [page for page in range(PAGES)
               if self.map[page * mmap.PAGESIZE:][:mmap.PAGESIZE] !=
               self.copy[page * mmap.PAGESIZE:][:mmap.PAGESIZE]]
        check(not bad, how, 'has changed pages', bad)


def receive(sock, size):
    """Receive this many bytes."""
    got = b''
    while len(got) < size:
        data = sock.recv(size - len(got))
        check(data, 'the connection was closed')
        got += data
    return got


def tcp_sockets(sender, source, receiver, target):
    """A connection and its other end."""
    listener = receiver.socket(socket.SOCK_STREAM, target)
    listener.listen()
    sock = sender.socket(socket.SOCK_STREAM, source)
    # The other end has room for all, since no one reads meanwhile.
    listener.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 * SIZE)
    sock.settimeout(PATIENCE)
    sock.connect((target, listener.getsockname()[1]))
    other = listener.accept()[0]
    other.settimeout(PATIENCE)
    return sock, other


def udp_sockets(sender, source, receiver, target):
    """A connected socket and the one that it sends to."""
    other = receiver.socket(socket.SOCK_DGRAM, target)
    other.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 * SIZE)
    other.settimeout(PATIENCE)
    sock = sender.socket(socket.SOCK_DGRAM, source)
    sock.connect((target, other.getsockname()[1]))
    return sock, other


def tcp_file(pages, sock, other):
    """Send the file over TCP."""
    for start in range(0, SIZE, SIZE // 8):
        end = start + SIZE // 8
        sent = start
        while sent < end:
            sent += os.sendfile(sock.fileno(), pages.fd, sent, end - sent)
        check(receive(other, end - start) == pages.copy[start:end],
              'wrong data at', start)
    pages.check('sendfile() over TCP')


def tcp_memory(pages, sock, other):
    """Send the memory over TCP."""
    sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    view = memoryview(pages.map)
    for start in range(0, SIZE, SIZE // 8):
        end = start + SIZE // 8
        sent = start
        while sent < end:
            sent += sock.send(view[sent:end], MSG_ZEROCOPY)
        check(receive(other, end - start) == pages.copy[start:end],
              'wrong data at', start)
    view.release()
    pages.check('MSG_ZEROCOPY over TCP')


def udp_file(pages, sock, other):
    """Send pieces of the file in datagrams."""
    for size in DATAGRAMS:
        for start in range(0, SIZE - size, size):
            os.sendfile(sock.fileno(), pages.fd, start, size)
            check(other.recv(65536) == pages.copy[start:start + size],
                  'wrong datagram at', start)
    pages.check('sendfile() over UDP')


def udp_memory(pages, sock, other):
    """Send pieces of the memory in datagrams, many in one call."""
    size, burst = 1200, 16
    sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
    view = memoryview(pages.map)
    for start in range(0, SIZE - size * burst, size * burst):
        sock.send(view[start:start + size * burst], MSG_ZEROCOPY)
        for at in range(start, start + size * burst, size):
            check(other.recv(65536) == pages.copy[at:at + size],
                  'wrong datagram at', at)
    view.release()
    pages.check('MSG_ZEROCOPY over UDP')


def send(sender, source, receiver, target):
    """Send in all ways."""
    ends = Netns(sender), source, Netns(receiver), target
    for sockets, ways in ((tcp_sockets, (tcp_file, tcp_memory)),
                          (udp_sockets, (udp_file, udp_memory))):
        for way in ways:
            pages = Pages()
            sock, other = sockets(*ends)
            way(pages, sock, other)
            print(way.__doc__)
            sock.close()
            other.close()


if __name__ == '__main__':
    main(send, *sys.argv[1:])
