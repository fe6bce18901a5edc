#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Keeps a reference to a device that goes: a packet socket that waits for room
to send by the device owns one.

usage: hold.py QUEUE DEVICE
QUEUE is a device whose queue keeps packets. Prints "holding" before it waits, and
waits till it is killed.
"""
import socket
import sys

ETH_P = 0x88b5


def main(queue, device):
    """Fill the socket's memory, and send."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    sock.setblocking(False)
    try:
        while True:
            sock.sendto(bytes(100), (queue, ETH_P))
    except BlockingIOError:
        pass
    sock.setblocking(True)
    print('holding', flush=True)
    sock.sendto(bytes(100), (device, ETH_P))
    sys.exit('there was room')


if __name__ == '__main__':
    main(*sys.argv[1:])
