#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends UDP datagrams with good and bad checksums through a device; see
natt_peers.sh.
usage: checksum.py NETNS DEVICE SOURCE NETNS DESTINATION
"""
import socket
import sys

from packet import (
    ETH_P_IP, PATIENCE, Netns, check, ipv4, main, udp, until)


def errors(netns):
    """The number of bad checksums that UDP has counted there."""
    with netns:
        with open('/proc/thread-self/net/snmp', encoding='ascii') as file:
            rows = [line.split() for line in file if line.startswith('Udp:')]
    return int(dict(zip(*rows))['InCsumErrors'])


def wrong_ones_are_dropped(sender, dev, src, receiver, dst):
    """The receiver's stack drops only datagrams with bad checksums."""
    receiver = Netns(receiver)
    there = receiver.socket(socket.SOCK_DGRAM, dst, 9)
    there.settimeout(PATIENCE)
    with Netns(sender):
        here = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)

    def send(data, wrong=0):
        datagram = bytearray(udp(src, dst, 1234, 9, data))
        datagram[7] ^= wrong
        here.sendto(ipv4(src, dst, 17, bytes(datagram)), (dev, ETH_P_IP))

    send(b'right')
    check(there.recv(100) == b'right', 'another datagram')
    check(errors(receiver) == 0, 'wrong checksum of a right one')
    send(b'wrong', 1)
    send(b'right again')
    check(there.recv(100) == b'right again', 'the wrong one has arrived')
    until('count of the wrong one', lambda: errors(receiver) == 1)


if __name__ == '__main__':
    main(wrong_ones_are_dropped, *sys.argv[1:])
