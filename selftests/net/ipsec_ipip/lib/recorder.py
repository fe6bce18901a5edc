#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""recorder.py: watch underlays for packets that should not be there.

An underlay may carry ESP, AH, UDP of the ports 500 and 4500, ARP, neighbour
discovery, reports of multicast groups, and ICMP that quotes nothing else. Commands
are lines on standard input, each answered by a line ".":

  add HOST NAMESPACE DEVICE...  watch what these devices receive
  end HOST                      close the sockets, which keep a namespace alive
  also WORD...                  other packets are intended: "udp 53", "proto 89",
                                "type 0x88b5", or "all"
  report                        print a line for each other packet, and forget
                                everything

A classic BPF program lets only packets pass that need a closer look, so the cost
of a packet is small. Packets are seen where they are received: a packet that a
device sends is not cloned, which would change what tests measure.
"""

import ctypes
import select
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
SO_ATTACH_FILTER = 26
ETH_P_ALL = 3

ESP, AH, UDP, ICMP, IGMP, ICMP6 = 50, 51, 17, 1, 2, 58
ARP, END_OF_CAPTURE = 0x0806, 0x88b5
PORTS = (500, 4500)
SHOWN = 20

LIBC = ctypes.CDLL(None, use_errno=True)


def assemble(lines):
    """Assemble a BPF program: (label, code, k, true, false), labels as text."""
    at = {line[0]: n for n, line in enumerate(lines) if line[0]}
    program = b""
    for n, (_, code, k, true, false) in enumerate(lines):
        jumps = [at[target] - n - 1 if target else 0 for target in (true, false)]
        program += struct.pack("=HBBI", code, *jumps, k)
    return program


LDB, LDH, LDX_LEN, LDH_X, JEQ, JSET, RET = (
    0x30, 0x28, 0xb1, 0x48, 0x15, 0x45, 0x06)
PROTOCOL = 0xfffff000

FILTER = assemble([
    ("", LDH, PROTOCOL, "", ""),
    ("", JEQ, 0x0806, "fine", ""),
    ("", JEQ, 0x0800, "four", ""),
    ("", JEQ, 0x86dd, "six", "look"),
    ("four", LDB, 9, "", ""),
    ("", JEQ, ESP, "fine", ""),
    ("", JEQ, AH, "fine", ""),
    ("", JEQ, UDP, "", "look"),
    ("", LDH, 6, "", ""),
    ("", JSET, 0x1fff, "fine", ""),
    ("", LDX_LEN, 0, "", ""),
    ("", LDH_X, 2, "", ""),
    ("", JEQ, 4500, "fine", ""),
    ("", JEQ, 500, "fine", "look"),
    ("six", LDB, 6, "", ""),
    ("", JEQ, ESP, "fine", ""),
    ("", JEQ, AH, "fine", ""),
    ("", JEQ, UDP, "", "look"),
    ("", LDH, 42, "", ""),
    ("", JEQ, 4500, "fine", ""),
    ("", JEQ, 500, "fine", "look"),
    ("fine", RET, 0, "", ""),
    ("look", RET, 256, "", ""),
])


class Recorder:
    """The sockets, what a test intends, and the packets that it does not."""

    def __init__(self):
        self.home = open("/proc/self/ns/net")
        self.sockets = {}
        self.found = []
        self.also = set()

    @staticmethod
    def enter(namespace):
        """Go to a namespace."""
        if LIBC.setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def add(self, host, namespace, *devices):
        """Watch devices of a host. At the end of a test, all processes in its
        namespaces are killed.
        """
        with open(namespace) as namespace:
            self.enter(namespace)
        try:
            self.watch(host, devices)
        finally:
            self.enter(self.home)

    def watch(self, host, devices):
        """Open a socket for each device of this namespace."""
        for device in devices:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            buf = ctypes.create_string_buffer(FILTER)
            prog = struct.pack("HP", len(FILTER) // 8, ctypes.addressof(buf))
            sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, prog)
            sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            sock.bind((device, ETH_P_ALL))
            sock.setblocking(False)
            self.sockets[sock] = host + " " + device

    def end(self, host=None):
        """Close the sockets of a host, or all."""
        for sock, name in list(self.sockets.items()):
            if host is None or name.split()[0] == host:
                self.read(sock)
                del self.sockets[sock]
                sock.close()

    def read(self, sock):
        """Judge the packets that wait in a socket."""
        while True:
            try:
                data, address = sock.recvfrom(256)
            except BlockingIOError:
                return
            except OSError:		# the device is down
                continue
            fault = self.frame(address[1], data)
            if fault and len(self.found) < SHOWN:
                self.found.append("%s: %s" % (self.sockets[sock], fault))

    def frame(self, kind, data):
        """Say what is wrong with a frame; None if nothing is."""
        if kind in (ARP, END_OF_CAPTURE):
            return None
        if kind == 0x0800:
            return self.four(data)
        if kind == 0x86dd:
            return self.six(data)
        return self.unless("type 0x%04x" % kind, "")

    def unless(self, word, text):
        """Return a fault, unless the test intends it."""
        if word in self.also or "all" in self.also:
            return None
        return (word + " " + text).strip()

    def four(self, data):
        """Judge an IPv4 packet."""
        if len(data) < 20:
            return None
        first = not struct.unpack_from(">H", data, 6)[0] & 0x1fff
        text = "%s > %s" % (socket.inet_ntoa(data[12:16]),
                            socket.inet_ntoa(data[16:20]))
        return self.payload(data[9], data[(data[0] & 15) * 4:], first, text)

    def six(self, data):
        """Judge an IPv6 packet, behind its extension headers."""
        if len(data) < 40:
            return None
        text = "%s > %s" % tuple(socket.inet_ntop(socket.AF_INET6, data[i:i + 16])
                                 for i in (8, 24))
        proto, at, first = data[6], 40, True
        while proto in (0, 43, 44, 60) and len(data) >= at + 8:
            if proto == 44:
                first = not struct.unpack_from(">H", data, at + 2)[0] & 0xfff8
                size = 8
            else:
                size = 8 + data[at + 1] * 8
            proto, at = data[at], at + size
        return self.payload(proto, data[at:], first, text)

    def payload(self, proto, data, first, text):
        """Judge what an IP packet has inside."""
        if proto in (ESP, AH, IGMP):
            return None
        # The first fragment is judged for all.
        if proto in (UDP, ICMP, ICMP6) and (not first or len(data) < 8):
            return None
        if proto == UDP:
            ports = struct.unpack_from(">HH", data)
            if set(ports) & set(PORTS):
                return None
            for port in ports:
                if not self.unless("udp %d" % port, ""):
                    return None
            return self.unless("udp %d" % ports[1], text)
        if proto == ICMP:
            return self.quoted(data[0] in (3, 4, 5, 11, 12), self.four, data)
        if proto == ICMP6:
            return self.quoted(data[0] < 128, self.six, data)
        return self.unless("proto %d" % proto, text)

    @staticmethod
    def quoted(is_error, judge, data):
        """Judge the packet that an ICMP error quotes."""
        fault = judge(data[8:]) if is_error else None
        return fault and "ICMP quotes " + fault

    def report(self):
        """Print the faults, and begin again."""
        self.end()
        for line in self.found:
            print(line)
        self.found, self.also = [], set()


def main():
    recorder = Recorder()
    commands = {"add": recorder.add, "end": recorder.end,
                "report": recorder.report,
                "also": lambda *words: recorder.also.add(" ".join(words))}
    while True:
        ready, _, _ = select.select([sys.stdin, *recorder.sockets], [], [])
        for sock in ready:
            if sock in recorder.sockets:
                recorder.read(sock)
        if sys.stdin in ready:
            line = sys.stdin.readline()
            if not line:
                return
            name, *words = line.split()
            try:
                commands[name](*words)
            except (OSError, TypeError) as error:
                print(line.strip() + ": " + str(error))
            print(".", flush=True)


main()
