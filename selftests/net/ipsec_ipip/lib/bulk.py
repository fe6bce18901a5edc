#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Moves data between two hosts over TCP, over UDP with segmentation offload, or
over SCTP, and compares every byte; see tcp_bulk.sh and pmtu.sh.
usage: bulk.py tcp|udp|sctp FROM ADDRESS TO ADDRESS MEGABYTES
  FROM and TO are names of namespaces
The speed does not matter, as long as the transfer makes progress.
"""
import os
import select
import socket
import struct
import sys
import time

from packet import PATIENCE, Netns, check, main, xfrm_stat

MEGABYTE = 1 << 20
UDP_SEGMENT = 103


class Stream:
    """Data without repetitions at short distances."""

    def __init__(self, length):
        self.length = length
        self.block = os.urandom(MEGABYTE)

    def piece(self, start, length):
        """The bytes from start on, at most as many as requested."""
        turn, offset = divmod(start, MEGABYTE)
        if offset < 8:
            return struct.pack('!Q', turn)[offset:]
        return self.block[offset:offset + min(length, self.length - start)]


def connect(sender, source, receiver, target):
    """A connection and its other end."""
    listener = receiver.socket(socket.SOCK_STREAM, target)
    listener.listen()
    listener.settimeout(PATIENCE)
    sock = sender.socket(socket.SOCK_STREAM, source)
    sock.settimeout(PATIENCE)
    sock.connect((target, listener.getsockname()[1]))
    other = listener.accept()[0]
    sock.setblocking(False)
    other.setblocking(False)
    return sock, other


def transfer(sock, other, stream):
    """Move all of the stream from one socket to the other."""
    sent = got = 0
    moved = time.monotonic()

    while got < stream.length:
        check(time.monotonic() < moved + PATIENCE, 'nothing has moved for',
              PATIENCE, 's;', got, 'bytes have come,', sent, 'were sent')
        readable, writable, _ = select.select(
            [other], [sock] if sent < stream.length else [], [], 1)
        if writable:
            sent += sock.send(stream.piece(sent, 1 << 18))
        if readable:
            data = other.recv(1 << 18)
            check(data, 'the connection was closed')
            start = 0
            while start < len(data):
                piece = stream.piece(got, len(data) - start)
                check(data[start:start + len(piece)] ==
                      piece[:len(data) - start], 'wrong data at', got)
                step = min(len(piece), len(data) - start)
                start += step
                got += step
            moved = time.monotonic()


def tcp_counts(sock):
    """The numbers of segments that were sent, that were sent again, and that the
    other end got twice.
    """
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
    again = struct.unpack_from('=I', info, 100)[0]      # tcpi_total_retrans
    all_out = struct.unpack_from('=I', info, 136)[0]    # tcpi_segs_out
    twice = struct.unpack_from('=I', info, 216)[0]      # tcpi_dsack_dups
    return all_out, again, twice


def tcp(sender, source, receiver, target, megabytes):
    """Move data over TCP."""
    stream = Stream(megabytes * MEGABYTE)
    sock, other = connect(sender, source, receiver, target)
    began = time.monotonic()

    transfer(sock, other, stream)
    seconds = time.monotonic() - began
    segments, again, twice = tcp_counts(sock)
    print('%d MB, %.1f Mbit/s, %d segments, %d of them again, %d came twice' % (
        megabytes, stream.length * 8 / seconds / 1e6, segments, again, twice))
    # A GSO packet with a wrong ICV is lost on each retransmission. Otherwise
    # only overflowing queues lose packets, at the start. A machine that stands
    # still for a moment makes TCP repeat packets that were not lost.
    check((again - twice) * 4 < segments, 'too many segments were lost')


def udp(sender, source, receiver, target, megabytes):
    """Move data in datagrams, many in one call (UDP_SEGMENT)."""
    size, burst = 1200, 40
    data = os.urandom(size * burst)
    other = receiver.socket(socket.SOCK_DGRAM, target)
    other.setsockopt(socket.SOL_SOCKET, 33, 4 * MEGABYTE)   # SO_RCVBUFFORCE
    other.settimeout(PATIENCE)
    sock = sender.socket(socket.SOCK_DGRAM, source)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
    sock.connect((target, other.getsockname()[1]))

    bursts = megabytes * MEGABYTE // len(data)
    for turn in range(bursts):
        sock.send(data)
        got = b''
        while len(got) < len(data):
            try:
                piece = other.recv(65536)
            except socket.timeout:
                check(False, 'burst', turn, 'has lost', len(data) - len(got),
                      'bytes of', len(data))
            check(len(piece) == size, 'datagram of', len(piece), 'bytes')
            got += piece
        check(got == data, 'burst', turn, 'was changed')
    print('%d bursts of %d datagrams' % (bursts, burst))


def sctp(sender, source, receiver, target, megabytes):
    """Move data over SCTP, in messages of many chunks."""
    socks = []
    for netns, address in ((receiver, target), (sender, source)):
        with netns:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM,
                                 socket.IPPROTO_SCTP)
        sock.settimeout(PATIENCE)
        # The buffer must hold a message.
        sock.setsockopt(socket.SOL_SOCKET, 32, MEGABYTE)    # SO_SNDBUFFORCE
        sock.bind((address, 0))
        socks.append(sock)
    listener, sock = socks
    listener.listen()
    sock.connect((target, listener.getsockname()[1]))
    other = listener.accept()[0]
    sock.setblocking(False)
    other.setblocking(False)
    transfer(sock, other, Stream(megabytes * MEGABYTE))
    print('%d MB' % megabytes)


def bulk(kind, sender, source, receiver, target, megabytes):
    """Move the data, and check that XFRM counts no errors."""
    sender, receiver = Netns(sender), Netns(receiver)
    # One side has its SAs first, and may send before the other has its own.
    before = {netns: xfrm_stat(netns) for netns in (sender, receiver)}
    {'tcp': tcp, 'udp': udp, 'sctp': sctp}[kind](sender, source, receiver, target,
                                   int(megabytes))
    for netns, stat in before.items():
        check(xfrm_stat(netns) == stat, 'errors of XFRM in', netns.name,
              xfrm_stat(netns), 'after', stat)


if __name__ == '__main__':
    main(bulk, *sys.argv[1:])
