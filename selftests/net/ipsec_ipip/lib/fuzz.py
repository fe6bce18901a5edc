#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Random requests to the netlink family and to rtnetlink.
fuzz.py DEVICE NUMBER [SEED]: send NUMBER requests about DEVICE and
other devices, with attributes that are too short, too long, unknown, given
twice, out of range, or truncated. A refused request must change nothing. The
seed is printed, and repeats the same requests.
"""
import os
import random
import struct
import sys

from netlink import (
    NETLINK_ROUTE, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE,
    NLMSG_ERROR, SA_ACTIVATE, SA_ADD, SA_DEL, SA_DIRECTION, SA_GET, SA_IFINDEX,
    SA_IFNAME, SA_PROTO, SA_SPI, DEV_GET, SA_AEAD_KEY, SA_AEAD_NAME,
    SA_AUTH_KEY, SA_AUTH_NAME, SA_ENC_KEY, SA_ENC_NAME, Netlink, attr, attrs_in,
    verdict)

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE = 0x100, 0x200, 0x400
IFLA_IFNAME, IFLA_MTU, IFLA_LINKINFO, IFLA_LINK_NETNSID = 3, 4, 18, 37
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
NESTED = 0x8000
# the last attributes of the sets sa and link, and the number of unknown ones
# after them
LAST_SA, LAST_LINK, BEYOND = 33, 18, 4
SA_MODE, SA_REQID, SA_ICV_BITS, SA_WINDOW = 6, 7, 16, 17
SA_ESN, SA_SEQ, SA_LIFETIME, SA_ENCAP, SA_KEYS = 18, 19, 20, 21, 22
SA_STATS, SA_ADOPTED = 27, 29
SA_PCPU, SA_OFFLOAD, SA_OFFLOAD_IFINDEX = 31, 32, 33
DEV_STATS, DEV_MTU, DEV_MTU_FIT, DEV_CARRIER = 19, 12, 24, 22

NUMBERS = (0, 1, 2, 3, 4, 50, 51, 64, 128, 255, 256, 0x1001, 0x1002, 0x7fff,
           0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff)
# limits that do not expire during the test
LIMITS = (0, 0x7ffff, 0x7fffffff, 0x80000000, 2 ** 64 - 1)
AEADS = (b"rfc4106(gcm(aes))\0", b"rfc4543(gcm(aes))\0")
CIPHERS = (b"cbc(aes)\0", b"ecb(cipher_null)\0", b"ctr(aes)\0")
HASHES = (b"hmac(sha256)\0", b"hmac(sha1)\0", b"digest_null\0")


class Fuzz:
    """The requests, and the kernel's answers."""

    def __init__(self, device, seed):
        self.rng = random.Random(seed)
        self.device = device.encode() + b"\0"
        self.genl = Netlink()
        self.rtnl = Netlink(NETLINK_ROUTE)
        self.look = Netlink()
        self.index = self.ifindex()
        self.extra = []

    def ifindex(self):
        """The index of the device."""
        self.genl.begin(DEV_GET, attr(SA_IFNAME, self.device), NLM_F_ACK)
        for kind, _, message in self.genl.answer():
            if kind == self.genl.family:
                return struct.unpack("=I",
                                     dict(attrs_in(message[20:]))[SA_IFINDEX])
        sys.exit("no such device")

    def number(self, size):
        """A random number or an edge case."""
        value = self.rng.choice(NUMBERS + (self.rng.getrandbits(64),))
        return (value & (1 << 8 * size) - 1).to_bytes(
            size, self.rng.choice(("little", "big")))

    def bytes(self, most=300):
        """Random bytes."""
        return self.rng.randbytes(self.rng.choice(
            (0, 1, 2, 3, 4, 5, 8, 16, 20, 36, 128, 129,
             self.rng.randrange(most))))

    def nest(self, last, value):
        """A nest of values, perhaps truncated or empty."""
        data = b"".join(
            attr(self.rng.randrange(last + 2) | self.rng.choice((0, NESTED)),
                 value()) for _ in range(self.rng.randrange(5)))
        return data[:self.rng.choice((len(data), len(data), 3, 7))]

    def limit(self):
        """A lifetime, perhaps of a wrong length."""
        value = struct.pack("=Q", self.rng.choice(LIMITS))
        return self.rng.choice((value, value, value, value[:4], value + value))

    def port(self):
        """A port, perhaps of a wrong length."""
        return self.number(self.rng.choice((2, 2, 2, 1, 4)))

    def sane_sa(self):
        """Valid attributes of an SA."""
        yield SA_IFNAME, self.device
        yield SA_DIRECTION, self.rng.choice((0, 1))
        yield SA_SPI, struct.pack("!I", self.rng.randrange(0x1001, 0x1011))
        if self.rng.random() < 0.5:
            yield SA_AEAD_NAME, AEADS[0]
            yield SA_AEAD_KEY, self.rng.randbytes(20)
        else:
            yield SA_ENC_NAME, CIPHERS[0]
            yield SA_ENC_KEY, self.rng.randbytes(16)
            yield SA_AUTH_NAME, HASHES[0]
            yield SA_AUTH_KEY, self.rng.randbytes(32)

    def any_sa(self):
        """An attribute of an SA, valid or invalid."""
        choose = self.rng.choice
        yield from choose((
            lambda: [(SA_IFINDEX, choose((self.index[0], 0, 1, 0xffffffff)))],
            lambda: [(SA_IFNAME, choose((self.device, b"lo\0", b"", b"x" * 16,
                                         b"x" * 15 + b"\0", b"ipsec0")))],
            lambda: [(choose((SA_DIRECTION, SA_MODE, SA_REQID, SA_ICV_BITS,
                              SA_WINDOW, SA_PCPU, SA_OFFLOAD, SA_SPI,
                              SA_OFFLOAD_IFINDEX)), self.number(4))],
            lambda: [(SA_PROTO, self.number(1))],
            lambda: [(choose((SA_ESN, SA_KEYS)), choose((b"", b"\1")))],
            lambda: [(SA_SEQ, self.number(8))],
            lambda: [(SA_LIFETIME | choose((0, NESTED)), self.nest(9, self.limit))],
            lambda: [(SA_ENCAP | choose((0, NESTED)), self.nest(2, self.port))],
            lambda: [(choose((SA_AEAD_NAME, SA_ENC_NAME, SA_AUTH_NAME)),
                      choose(AEADS + CIPHERS + HASHES + (self.bytes(),)))],
            lambda: [(choose((SA_AEAD_KEY, SA_ENC_KEY, SA_AUTH_KEY)),
                      self.bytes())],
            lambda: [(self.rng.randrange(LAST_SA + BEYOND)
                      | choose((0, NESTED, 0x4000)), self.bytes())],
        ))()

    def link_option(self):
        """An option of a link, valid or invalid."""
        choose = self.rng.choice
        v4 = bytes((10, 0, 0, choose((1, 2, 3, 255))))
        v6 = bytes.fromhex("fd") + bytes(14) + bytes((choose((1, 2)),))
        return choose((
            (choose((1, 2)), choose((v4, v4, v6, bytes(4), bytes(16),
                                     self.bytes(40)))),
            (choose((3, 4, 5, 9)), self.number(4)),
            (choose((6, 7, 8, 10, 11, 12, 13, 14, 17)), self.number(1)),
            (15, self.number(2)),
            (self.rng.randrange(LAST_LINK + BEYOND) | choose((0, NESTED)),
             self.bytes(40)),
        ))

    def spoil(self, body):
        """Perhaps truncate it, extend it, or change a byte."""
        fate = self.rng.random()
        if fate < 0.05:
            return body[:self.rng.randrange(len(body) + 1)]
        if fate < 0.1:
            return body + self.bytes(40)
        if fate < 0.15 and body:
            at = self.rng.randrange(len(body))
            return body[:at] + self.rng.randbytes(1) + body[at + 1:]
        return body

    def about_sa(self):
        """A request to the family."""
        cmd = self.rng.choice((SA_ADD, SA_ADD, SA_ADD, SA_DEL, SA_GET,
                               SA_ACTIVATE, DEV_GET,
                               self.rng.randrange(14)))
        attrs = list(self.sane_sa())
        if cmd != SA_ADD:
            attrs = [a for a in attrs if a[0] <= SA_SPI]
        if cmd == DEV_GET:
            attrs = attrs[:1]
        if self.rng.random() < 0.3:
            self.rng.shuffle(attrs)
            attrs = attrs[1:]
        for _ in range(self.rng.choice((0, 1, 1, 2, 5))):
            attrs += self.any_sa()
        body = b"".join(attr(*a) for a in attrs)
        if not {SA_LIFETIME, SA_LIFETIME | NESTED} & {a[0] for a in attrs}:
            body = self.spoil(body)
        flags = NLM_F_DUMP if self.rng.random() < 0.05 else 0
        self.genl.begin(cmd, body, flags | NLM_F_ACK)
        return self.genl, ("family", cmd, body.hex())

    def about_link(self):
        """A request to make or change a link."""
        choose = self.rng.choice
        new = self.rng.random() < 0.4
        options = []
        if new and self.rng.random() < 0.8:
            options += [(1, bytes((10, 0, 0, 1))), (2, bytes((10, 0, 0, 2)))]
        for _ in range(self.rng.choice((0, 1, 1, 2, 4))):
            options.append(self.link_option())
        data = self.spoil(b"".join(attr(*o) for o in options))
        info = attr(IFLA_INFO_KIND, choose((b"ipsec-ipip\0", b"ipsec-ipip")))
        info += attr(IFLA_INFO_DATA | choose((0, NESTED)), data)
        body = attr(IFLA_IFNAME, choose((b"new0\0", b"new1\0", b"new/2\0",
                                         b"new%d\0")) if new else self.device)
        flags = NLM_F_CREATE | choose((NLM_F_EXCL, 0, NLM_F_REPLACE))
        # The core may refuse this after it has changed the rest.
        if self.rng.random() < 0.1 and new and flags & NLM_F_EXCL:
            body += attr(IFLA_MTU, self.number(4))
        if self.rng.random() < 0.05:
            body += attr(IFLA_LINK_NETNSID, self.number(4))
        body += attr(IFLA_LINKINFO | choose((0, NESTED)), info)
        body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + body
        self.rtnl.send(RTM_NEWLINK,
                       NLM_F_REQUEST | NLM_F_ACK | (flags if new else 0), body)
        return self.rtnl, ("link", new, body.hex())

    def state(self):
        """The visible state, without values that change on their own."""
        state = []
        for cmd, body, without in ((SA_GET, attr(SA_KEYS, b""), (SA_STATS,)),
                                   (DEV_GET, b"", (DEV_STATS, DEV_MTU,
                                                   DEV_MTU_FIT, DEV_CARRIER))):
            self.look.begin(cmd, body, NLM_F_DUMP)
            state += [[a for a in attrs_in(message[20:])
                       if a[0] not in without]
                      for kind, _, message in self.look.answer()
                      if kind == self.look.family]
        return state

    def clear(self):
        """Delete the links that were made."""
        for name in [dict(s).get(2) for s in self.state()]:
            if name and name != self.device:
                self.rtnl.send(RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK,
                               struct.pack("=BxHiII", 0, 0, 0, 0, 0)
                               + attr(IFLA_IFNAME, name))
                self.rtnl.answer()

    def run(self, number):
        """Send the requests; return how many were accepted and refused."""
        before, since, counts = self.state(), [], [0, 0]
        for i in range(number):
            netlink, what = self.rng.choice((self.about_sa, self.about_sa,
                                             self.about_link))()
            kind, flags, message = netlink.answer()[-1]
            error = kind not in (NLMSG_ERROR, NLMSG_DONE) or \
                verdict(message, flags)[0]
            counts[bool(error)] += 1
            since.append(what)
            # Compare the state here at the latest.
            if error and len(since) < 25 and i < number - 1:
                continue
            if error:
                after = self.state()
                if after != before:
                    print("refused, and yet something has changed:", *since,
                          sep="\n")
                    print(before, after, sep="\n")
                    sys.exit(1)
            elif counts[0] % 50 == 0:
                self.clear()
            before, since = self.state(), []
        return counts


def main():
    """Run the command line."""
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else \
        int.from_bytes(os.urandom(4), "big")
    print("seed", seed, flush=True)
    accepted, refused = Fuzz(sys.argv[1], seed).run(int(sys.argv[2]))
    print(accepted, "accepted,", refused, "refused")


main()
