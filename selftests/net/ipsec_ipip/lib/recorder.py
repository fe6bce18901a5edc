#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""recorder.py: watch underlays for packets that should not be there.

An underlay may carry ESP, AH, UDP of the ports 500 and 4500, ARP, and, between
outer addresses, neighbour discovery, reports of multicast groups, and ICMP that
quotes nothing else. Commands are lines on standard input, each answered by a line
".":

  add HOST NAMESPACE DEVICE...  watch what these devices send
  end HOST                      close the sockets, which keep a namespace alive
  also KIND [by HOST] [from ADDRESS] [to ADDRESS]
                                the test intends such packets, sent by this host.
                                KIND is "udp PORT", "tcp PORT", "proto N",
                                "icmp" of inner addresses, or "type N" of Ethernet.
                                "proto" and "icmp" need one of the other words.
  report                        print each fault once, and forget everything

A classic BPF program lets only packets pass that need a closer look, so the cost
of a packet is small. Packets are seen where they are sent: tunnel mode lets the
device that has received ESP receive the inner packet as well.
"""

import collections
import ctypes
import select
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_STATISTICS, PACKET_OUTGOING = 263, 6, 4
SO_ATTACH_FILTER, SO_RCVBUFFORCE, ROOM = 26, 33, 1 << 23
ETH_P_ALL = 3

ESP, AH, TCP, UDP, ICMP, IGMP, ICMP6 = 50, 51, 6, 17, 1, 2, 58
ARP, END_OF_CAPTURE = 0x0806, 0x88b5
PORTS = {500, 4500}
SHOWN = 20

# Beginnings of the outer addresses of all tests (10.0.0.0/22, fd00::/64,
# fd00:10::/32), and of addresses of one link, of a group, and of all zeros
OUTER4 = (*(bytes((10, 0, n)) for n in range(4)), b"\xa9\xfe",
          *(bytes((n,)) for n in range(224, 240)), bytes(4))
OUTER6 = (b"\xfd" + bytes(7), b"\xfd\0\0\x10", b"\xfe\x80", b"\xff", bytes(16))

Packet = collections.namedtuple("Packet", "kinds source target", defaults=("", ""))

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
PROTOCOL, PACKET_TYPE = 0xfffff000, 0xfffff004

FILTER = assemble([
    ("", LDH, PACKET_TYPE, "", ""),
    ("", JEQ, PACKET_OUTGOING, "", "fine"),
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
        self.found = {}
        self.intended = []

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
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
            sock.bind((device, ETH_P_ALL))
            sock.setblocking(False)
            self.sockets[sock] = host, device

    def also(self, kind, *words):
        """Intend packets of this kind."""
        if kind != "icmp":
            kind, words = kind + " " + words[0], words[1:]
        limits = dict(zip(words[::2], words[1::2], strict=True))
        if not limits.keys() <= {"by", "from", "to"}:
            raise ValueError("by, from, to")
        if not limits and kind.startswith(("icmp", "proto")):
            raise ValueError("without by, from, to")
        self.intended.append((kind, limits))

    def intends(self, host, packet):
        """True if a test intends a packet that this host sends."""
        ends = {"by": host, "from": packet.source, "to": packet.target}
        return any(kind in packet.kinds and limits.items() <= ends.items()
                   for kind, limits in self.intended)

    def end(self, host=None):
        """Close the sockets of a host, or all."""
        for sock, (name, device) in list(self.sockets.items()):
            if host in (None, name):
                self.read(sock)
                self.note(name, device, lost(sock))
                del self.sockets[sock]
                sock.close()

    def read(self, sock):
        """Judge the packets that wait in a socket."""
        host, device = self.sockets[sock]
        while True:
            try:
                data, address = sock.recvfrom(256)
            except BlockingIOError:
                return
            except OSError:		# the device is down
                continue
            packet, quoted = frame(address[1], data)
            if packet and not self.intends(host, packet):
                self.note(host, device, quoted + describe(packet))

    def note(self, host, device, fault):
        """Keep a fault, if there is one."""
        if fault and len(self.found) < SHOWN:
            self.found["%s %s: %s" % (host, device, fault)] = None

    def report(self):
        """Print the faults, and begin again."""
        self.end()
        for line in self.found:
            print(line)
        self.found, self.intended = {}, []


def lost(sock):
    """Say how many packets had no room in a socket: they may have been anything."""
    size = struct.calcsize("II")
    _, drops = struct.unpack("II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS,
                                                   size))
    return drops and "%d packets were lost" % drops


def describe(packet):
    """Say what a packet is."""
    if not packet.source:
        return packet.kinds[-1]
    return "%s %s > %s" % (packet.kinds[-1], packet.source, packet.target)


def frame(kind, data):
    """Return the packet of a frame, or of the ICMP error in it, and how it is there;
    None if it may be there.
    """
    if kind in (ARP, END_OF_CAPTURE):
        return None, ""
    # A packet socket may send IPv6 as if it were IPv4.
    judge = {4: ip4, 6: ip6}.get(data[0] >> 4) if data else None
    if kind in (0x0800, 0x86dd) and judge:
        return judge(data)
    return Packet(("type 0x%04x" % kind,)), ""


def ip4(data):
    """The same for an IPv4 packet."""
    if len(data) < 20:
        return None, ""
    source, target = data[12:16], data[16:20]
    first = not struct.unpack_from(">H", data, 6)[0] & 0x1fff
    outer = source.startswith(OUTER4) and target.startswith(OUTER4)
    return payload(data[9], data[(data[0] & 15) * 4:], first, outer,
                   [socket.inet_ntoa(address) for address in (source, target)])


def ip6(data):
    """The same for an IPv6 packet, behind its extension headers."""
    if len(data) < 40:
        return None, ""
    source, target = data[8:24], data[24:40]
    proto, at, first = data[6], 40, True
    while proto in (0, 43, 44, 60) and len(data) >= at + 8:
        if proto == 44:
            first = not struct.unpack_from(">H", data, at + 2)[0] & 0xfff8
            size = 8
        else:
            size = 8 + data[at + 1] * 8
        proto, at = data[at], at + size
    outer = source.startswith(OUTER6) and target.startswith(OUTER6)
    return payload(proto, data[at:], first, outer,
                   [socket.inet_ntop(socket.AF_INET6, address)
                    for address in (source, target)])


def payload(proto, data, first, outer, ends):
    """The same for the payload of an IP packet. Of a fragmented packet of ICMP
    or UDP, only the first fragment is judged.
    """
    if proto in (ESP, AH):
        return None, ""
    if proto in (ICMP, IGMP, ICMP6):
        # Link-local addresses of the underlay are not pinged.
        ping = proto == ICMP6 and data[:1] in (b"\x80", b"\x81")
        if not outer or (ping and ends[0].startswith("fe80:")):
            return Packet(("icmp",), *ends), ""
        return quoted(proto, data) if first else (None, "")
    if proto == UDP and not first:
        return None, ""
    if proto in (TCP, UDP) and first and len(data) >= 4:
        ports = struct.unpack_from(">HH", data)
        if proto == UDP and PORTS & set(ports):
            return None, ""
        name = "udp" if proto == UDP else "tcp"
        return Packet(tuple("%s %d" % (name, port) for port in ports), *ends), ""
    return Packet(("proto %d" % proto,), *ends), ""


def quoted(proto, data):
    """The same for the packet that an ICMP error quotes."""
    if len(data) < 8 or proto == IGMP:
        return None, ""
    if proto == ICMP:
        is_error, judge = data[0] in (3, 4, 5, 11, 12), ip4
    else:
        is_error, judge = data[0] < 128, ip6
    return (judge(data[8:])[0] if is_error else None), "ICMP quotes "


def main():
    recorder = Recorder()
    commands = {"add": recorder.add, "end": recorder.end, "also": recorder.also,
                "report": recorder.report}
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
            except (OSError, IndexError, TypeError, ValueError) as error:
                print(line.strip() + ": " + str(error))
            print(".", flush=True)


main()
