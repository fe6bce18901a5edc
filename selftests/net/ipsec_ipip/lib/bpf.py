#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Loads a BPF program of a few instructions and pins it to a file, so that ip
and tc can attach it without a compiler.
usage: bpf.py {pass|head} FILE
  pass   for XDP: pass all packets
  head   for tc: make room for 64 bytes in front of the packet, and drop it
"""
import ctypes
import os
import struct
import sys

SYS_BPF = {'x86_64': 321, 'aarch64': 280}[os.uname().machine]
BPF_PROG_LOAD, BPF_OBJ_PIN = 5, 6
SCHED_CLS, XDP = 3, 6           # BPF_PROG_TYPE_*
XDP_PASS, TC_ACT_SHOT = 2, 2
CHANGE_HEAD = 43                # bpf_skb_change_head()
MOV, CALL, EXIT = 0xb7, 0x85, 0x95


def insn(code, dst=0, imm=0):
    """One instruction."""
    return struct.pack('=BBhi', code, dst, 0, imm)


PROGRAMS = {
    'pass': (XDP, insn(MOV, 0, XDP_PASS) + insn(EXIT)),
    'head': (SCHED_CLS, insn(MOV, 2, 64) + insn(MOV, 3, 0) +
             insn(CALL, 0, CHANGE_HEAD) + insn(MOV, 0, TC_ACT_SHOT) +
             insn(EXIT)),
}


def bpf(command, attr):
    """Call bpf(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    attr = ctypes.create_string_buffer(attr, 128)
    result = libc.syscall(SYS_BPF, command, attr, len(attr))
    if result < 0:
        sys.exit('bpf: ' + os.strerror(ctypes.get_errno()))
    return result


def main(name, file):
    """Load a program and pin it."""
    kind, insns = PROGRAMS[name]
    code = ctypes.create_string_buffer(insns)
    licence = ctypes.create_string_buffer(b'GPL')
    path = ctypes.create_string_buffer(os.fsencode(file))
    prog = bpf(BPF_PROG_LOAD, struct.pack(
        '=IIQQ', kind, len(insns) // 8, ctypes.addressof(code),
        ctypes.addressof(licence)))
    bpf(BPF_OBJ_PIN, struct.pack('=QI', ctypes.addressof(path), prog))


if __name__ == '__main__':
    main(*sys.argv[1:])
