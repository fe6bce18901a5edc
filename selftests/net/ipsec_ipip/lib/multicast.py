#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Multicast for the tests of ipsec-ipip.

receive GROUP DEVICE: join a group on a device, say "ready", and then print the
source and the text of each datagram that arrives.
send GROUP DEVICE TEXT: send a datagram to a group by a device.
"""

import ipaddress
import socket
import struct
import sys

PORT = 5000


def group_socket(group):
    """A datagram socket of the family of a group."""
    version = ipaddress.ip_address(group).version
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    return socket.socket(family, socket.SOCK_DGRAM)


def receive(group, device):
    """Print what comes to the group."""
    sock = group_socket(group)
    index = socket.if_nametoindex(device)
    address = socket.inet_pton(sock.family, group)
    sock.bind((group, PORT, 0, index)[:2 if len(address) == 4 else 4])
    if len(address) == 4:
        # struct ip_mreqn
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        struct.pack("=4s4xi", address, index))
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                        struct.pack("=16si", address, index))
    print("ready", flush=True)
    while True:
        text, source = sock.recvfrom(2000)
        print(source[0].split("%")[0], text.decode(), flush=True)


def send(group, device, text):
    """Send to the group."""
    sock = group_socket(group)
    index = socket.if_nametoindex(device)
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                        struct.pack("=4s4xi", bytes(4), index))
        sock.sendto(text.encode(), (group, PORT))
    else:
        sock.sendto(text.encode(), (group, PORT, 0, index))


if __name__ == "__main__":
    {"receive": receive, "send": send}[sys.argv[1]](*sys.argv[2:])
