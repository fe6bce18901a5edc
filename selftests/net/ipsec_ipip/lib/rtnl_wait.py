#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How long others have to wait for the RTNL.

usage: rtnl_wait.py FILE

Add a device to this network namespace and delete it, again and again, until
FILE is there. Print when one of these took long. At last, print the longest
time that one took, in microseconds, and how many there were.
"""
import os
import socket
import struct
import sys
import time

RTM_NEWLINK, RTM_DELLINK = 16, 17
NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE = 0x1, 0x4, 0x400
IFLA_IFNAME, IFLA_LINKINFO, IFLA_INFO_KIND = 3, 18, 1
NAME = b'waiting\0'


def attr(kind, data):
    """One attribute, padded."""
    return (struct.pack('=HH', 4 + len(data), kind) + data +
            b'\0' * (-len(data) % 4))


def request(sock, kind, flags, attrs):
    """Send it, and stop on an error."""
    body = bytes(16) + attrs
    sock.send(struct.pack('=IHHII', 16 + len(body), kind,
                          NLM_F_REQUEST | NLM_F_ACK | flags, 0, 0) + body)
    error = -struct.unpack_from('=i', sock.recv(65536), 16)[0]
    if error:
        sys.exit(os.strerror(error))


def main(end):
    """Measure until that file is there."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                         socket.NETLINK_ROUTE)
    name = attr(IFLA_IFNAME, NAME)
    info = attr(IFLA_LINKINFO, attr(IFLA_INFO_KIND, b'dummy\0'))
    longest = number = 0
    while not os.path.exists(end):
        for what in ((RTM_NEWLINK, NLM_F_CREATE, name + info),
                     (RTM_DELLINK, 0, name)):
            start = time.monotonic_ns()
            request(sock, *what)
            took = time.monotonic_ns() - start
            if took > 20_000_000:
                print('%.3f: %.0f ms' % (start / 1e9, took / 1e6),
                      flush=True)
            longest = max(longest, took)
            number += 1
        time.sleep(0.001)
    print(longest // 1000, number)


if __name__ == '__main__':
    main(sys.argv[1])
