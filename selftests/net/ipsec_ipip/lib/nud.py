#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""nud.py DEVICE SOURCE TARGET {bare|sllao}: send a neighbour
solicitation to TARGET, a link-local address, as neighbour unreachability
detection does (RFC 4861 section 7.3). The solicitation may have a source
link-layer address option. The advertisement must have no option, because the
link has no link-layer addresses (RFC 4213 section 3.8).
"""
import socket
import struct
import sys
import time

NS, NA = 135, 136
SOLICITED = 0x40000000
SLLAO = bytes([1, 1]) + bytes.fromhex('020000000001')
WAIT = 30               # seconds, on a slow machine


def main():
    """Send the solicitation, and check the answer."""
    device, source, target, option = sys.argv[1:]
    index = socket.if_nametoindex(device)
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                         socket.IPPROTO_ICMPV6)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
    sock.bind((source, 0, 0, index))
    address = socket.inet_pton(socket.AF_INET6, target)
    # The kernel fills in the checksum.
    question = struct.pack('!BBHI', NS, 0, 0, 0) + address
    if option == 'sllao':
        question += SLLAO
    sock.sendto(question, (target, 0, 0, index))

    end = time.monotonic() + WAIT
    while True:
        sock.settimeout(max(end - time.monotonic(), 0.001))
        try:
            answer = sock.recv(2048)
        except TimeoutError:
            sys.exit(f'{target} does not answer')
        if answer[0] == NA and answer[8:24] == address:
            break

    flags, = struct.unpack('!I', answer[4:8])
    if not flags & SOLICITED:
        sys.exit(f'the answer is not for the question: flags {flags:#x}')
    if len(answer) > 24:
        sys.exit(f'the answer has options: {answer[24:].hex()}')
    print(f'{target} is there')


if __name__ == '__main__':
    main()
