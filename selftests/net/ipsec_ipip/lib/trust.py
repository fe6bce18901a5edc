#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The eyes of an attacker; see trust.sh.

trust.py scan KEY...: count the copies of each key (in hex) in the memory of this
machine, freed pages included.
trust.py listen KEY...: after SIGUSR1, print the number of events that have come,
and how often one of the keys was in them.
trust.py probe SPI KEY AUTH: send forged packets from "left", and check that the
answers of "right" tell nothing about SAs.
"""

import mmap
import os
import signal
import socket
import struct
import sys

from packet import (ETH_P_IP, IPPROTO_AH, IPPROTO_ESP, IPPROTO_IPIP, Esp, Netns,
                    Wire, check, icmp_echo, ip, ip_split, main, udp)

LEFT, RIGHT = "10.0.0.1", "10.0.0.2"
INNER = "192.168.1.1", "192.168.2.1"
CHUNK = 4 << 20
PT_LOAD = 1
NO_ADDRESS = (1 << 64) - 1


#
# Memory
#

def ranges():
    """The parts of /proc/kcore that are memory: offset and size."""
    with open("/proc/kcore", "rb") as core:
        head = core.read(64)
        offset, = struct.unpack_from("=Q", head, 32)
        size, n = struct.unpack_from("=HH", head, 54)
        core.seek(offset)
        table = core.read(size * n)
    for at in range(0, len(table), size):
        kind, _, start, virt, phys, length = struct.unpack_from("=IIQQQQ",
                                                               table, at)
        # The kernel's text has a physical address too, and is in memory.
        text = virt >= 0xffffffff80000000
        if kind == PT_LOAD and phys != NO_ADDRESS and not text:
            yield start, length


class Needle:
    """A key. This process is in the memory that it searches, so it has only the
    first bytes of the key as they are, and compares the rest as numbers.
    """
    PREFIX = 6

    def __init__(self, text):
        text = text[2:] if text.startswith("0x") else text
        self.numbers = [int(text[i:i + 2], 16) for i in range(0, len(text), 2)]
        self.prefix = bytes(self.numbers[:self.PREFIX])
        self.copies = 0

    def count(self, chunk, size):
        """Count the copies in a chunk; true if there are any."""
        found, at = False, chunk.find(self.prefix, 0, size)
        while at >= 0:
            rest = self.numbers[self.PREFIX:]
            if all(at + self.PREFIX + i < size and
                   chunk[at + self.PREFIX + i] == number
                   for i, number in enumerate(rest)):
                self.copies += 1
                found = True
            at = chunk.find(self.prefix, at + 1, size)
        return found


def scan(*keys):
    """Count the copies of keys."""
    needles = [Needle(key) for key in keys]
    chunk = mmap.mmap(-1, CHUNK)
    total = 0
    fd = os.open("/proc/kcore", os.O_RDONLY)
    for start, length in ranges():
        done = 0
        while done < length:
            try:
                size = os.preadv(fd, [memoryview(chunk)[:length - done]],
                                 start + done)
            except OSError:
                size = 0
            if size <= 0:               # a hole
                done += mmap.PAGESIZE
                continue
            if any([needle.count(chunk, size) for needle in needles]):
                chunk[:] = bytes(CHUNK)
            done += size
            total += size
    print(total >> 20, *(needle.copies for needle in needles))


#
# Events
#

def listen(*keys):
    """Count events, and keys in them."""
    keys = [bytes.fromhex(key.removeprefix("0x")) for key in keys]
    name = b"ipsec-ipip\0"
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
    sock.bind((0, 0))
    sock.send(struct.pack("=IHHIIBBH", 20 + 16, 16, 1, 1, 0, 3, 1, 0) +
              struct.pack("=HH", 15, 2) + name + b"\0")
    answer = sock.recv(65536)
    # The name of the group comes before or after its number.
    at = answer.index(b"events\0")
    around = answer[at - 16:at + 16]
    group = next(struct.unpack_from("=I", around, i + 4)[0]
                 for i in range(0, 28, 4)
                 if struct.unpack_from("=HH", around, i) == (8, 2))
    sock.setsockopt(270, 1, group)
    sock.setblocking(False)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    print("listening", flush=True)
    signal.sigwait([signal.SIGUSR1])
    n = copies = 0
    while True:
        try:
            event = sock.recv(65536)
        except BlockingIOError:
            break
        n += 1
        copies += sum(key in event or key[:8] in event for key in keys)
    print("events", n, "keys", copies, flush=True)


#
# Probes
#

class Prober:
    """Sends packets to "right", and sees its answers."""

    def __init__(self):
        left, right = Netns(os.environ["left"]), Netns(os.environ["right"])
        self.link = Wire(left, "eth0", link=True)
        self.answers = Wire(left, "eth0", ETH_P_IP)
        self.mac = Wire(right, "eth0").mac
        self.n = 0

    def answers_to(self, packet):
        """The answers to a packet: protocol, and type and code of ICMP. An echo
        request after it, whose answer comes last, marks the end.
        """
        self.n += 1
        echo = icmp_echo(b"", ident=0x7777, seq=self.n)
        self.link.send(packet, self.mac)
        self.link.send(ip(LEFT, RIGHT, 1, echo), self.mac)
        seen = []
        while True:
            answer = self.answers.wait("echo reply")
            header, data = ip_split(answer)
            if answer[9] == 1 and data[0] == 0 and data[4:6] == b"\x77\x77":
                if data[6:8] == struct.pack("!H", self.n):
                    return seen
                continue
            seen.append((answer[9], bytes(data[:2]) if answer[9] == 1 else b"",
                         len(header)))


def forged(spi, good):
    """Packets that no SA accepts, by name."""
    spi_seq = struct.pack("!II", spi, 5)
    other = struct.pack("!II", spi ^ 0xffff, 5)
    body = bytes(range(96))
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    header = len(good) - len(ip_split(good)[1])
    return {
        "unknown SPI": ip(LEFT, RIGHT, IPPROTO_ESP, other + body),
        "wrong ICV": flipped,
        "garbage": ip(LEFT, RIGHT, IPPROTO_ESP, spi_seq + body),
        "cut": ip(LEFT, RIGHT, IPPROTO_ESP, spi_seq + body[:7]),
        "only a header": ip(LEFT, RIGHT, IPPROTO_ESP, spi_seq),
        "half a header": ip(LEFT, RIGHT, IPPROTO_ESP, spi_seq[:4]),
        "another source": ip("10.0.0.9", RIGHT, IPPROTO_ESP, good[header:]),
        "AH": ip(LEFT, RIGHT, IPPROTO_AH,
                 struct.pack("!BBHII", IPPROTO_IPIP, 5, 0, spi, 5) + body),
        "AH, unknown SPI": ip(LEFT, RIGHT, IPPROTO_AH,
                              struct.pack("!BBHII", IPPROTO_IPIP, 5, 0,
                                          spi ^ 0xffff, 5) + body),
    }


def probe(spi, key, auth):
    """Check that forged packets have no answer, and unprotected ones the same."""
    prober = Prober()
    spi = int(spi, 0)
    sa = Esp(spi, "cbc", key, auth)
    inner = ip(*INNER, 1, icmp_echo(b"x" * 20))
    good = sa.packet(LEFT, RIGHT, inner)
    check(any(answer[0] == IPPROTO_ESP for answer in prober.answers_to(good)) or
          prober.answers.seen(30), "an authentic packet has no answer")
    for name, packet in forged(spi, sa.packet(LEFT, RIGHT, inner)).items():
        answers = prober.answers_to(packet)
        check(not answers, name, "has an answer:", answers)
    check(not prober.answers_to(good), "a replayed packet has an answer")
    # Without protection: the host's own answer, whatever is inside.
    strange = ip("198.51.100.1", "198.51.100.2", 1, icmp_echo(b"x" * 20))
    check(prober.answers_to(ip(LEFT, RIGHT, IPPROTO_IPIP, inner)) ==
          prober.answers_to(ip(LEFT, RIGHT, IPPROTO_IPIP, strange)),
          "IP-in-IP in clear: the answer depends on the inner packet")
    other = struct.pack("!II", spi ^ 0xffff, 5) + bytes(96)
    check(prober.answers_to(ip(LEFT, RIGHT, 17, udp(LEFT, RIGHT, 4500, 4500,
                                                    good[20:]))) ==
          prober.answers_to(ip(LEFT, RIGHT, 17, udp(LEFT, RIGHT, 4500, 4500,
                                                    other))),
          "ESP in UDP: the answer depends on the SPI")
    print("probes", prober.n)


main({"scan": scan, "listen": listen, "probe": probe}[sys.argv[1]], *sys.argv[2:])
