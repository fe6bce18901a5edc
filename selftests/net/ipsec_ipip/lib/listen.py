#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Key managers that are slow to hear of SAs: the kernel runs a long filter for
each of them before it tells the next one.

usage: listen.py [DEVICE REMOTE]
Prints "listening", and does so till it is killed. With a device, the first update
of an SA changes its remote endpoint, while the other key managers wait for the
message.
"""
import ctypes
import signal
import socket
import struct
import sys

from bpf import BPF_PROG_LOAD, EXIT, MOV, bpf, insn
from rtnl import request, verdict

NETLINK_XFRM, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 6, 270, 1
XFRMNLGRP_SA, XFRM_MSG_UPDSA = 3, 0x1a
SO_ATTACH_BPF = 50
IFLA_REMOTE = 2                 # IFLA_IPSEC_IPIP_REMOTE
SOCKET_FILTER = 1               # BPF_PROG_TYPE_*
DIV, SUB, JNE = 0x37, 0x17, 0x55
LISTENERS, ROUNDS, STEPS = 500, 8000, 20


def long_filter():
    """Refuses all messages in the end."""
    insns = insn(MOV, 0, 0) + insn(MOV, 1, ROUNDS)
    insns += insn(DIV, 0, 3) * STEPS + insn(SUB, 1, 1)
    insns += struct.pack('=BBhi', JNE, 1, -STEPS - 2, 0) + insn(EXIT)
    code = ctypes.create_string_buffer(insns)
    licence = ctypes.create_string_buffer(b'GPL')
    return bpf(BPF_PROG_LOAD, struct.pack(
        '=IIQQ', SOCKET_FILTER, len(insns) // 8, ctypes.addressof(code),
        ctypes.addressof(licence)))


def listen(prog):
    """A socket that hears of SAs."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM)
    sock.bind((0, 0))
    if prog is not None:
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, prog)
    sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, XFRMNLGRP_SA)
    return sock


def change(sock, device, remote):
    """Another endpoint. No socket is closed: that would wait for the others."""
    sock.send(request('set', device, [(IFLA_REMOTE, socket.inet_aton(remote))]))
    error, text = verdict(sock.recv(65536))
    print('changed' if not error else text, flush=True)


def main(args):
    """Listen."""
    prog = long_filter()
    socks = [listen(prog) for _ in range(LISTENERS)]
    # The kernel tells the last one first.
    first = listen(None)
    rtnl = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    print('listening', flush=True)
    while args:
        kind, = struct.unpack_from('=H', first.recv(65536), 4)
        if kind == XFRM_MSG_UPDSA:
            change(rtnl, *args)
            args = None
    signal.pause()
    return socks


if __name__ == '__main__':
    main(sys.argv[1:])
