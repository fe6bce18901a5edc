#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Let the n-th allocation of a request fail, for n = 1, 2, 3 ...
ipsec_ipip_failnth.py OPERATION: run the operation once for each allocation
that it makes, until none fails any more. Each operation has a request under
test, with a setup before it and a cleanup after it. Prints how many allocations
have failed; exits 1 if the request succeeds less often than it should.
The kernel needs CONFIG_FAILSLAB; failslab/ignore-gfp-wait is off.
"""
import os
import socket
import struct
import subprocess
import sys

from ipsec_ipip_rtnl import attr, request, verdict

NETLINK_GENERIC = 16
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 0x10, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 1, 2
CMD_SA_ADD, CMD_SA_DEL, CMD_SA_GET, CMD_DEV_GET = 1, 2, 3, 5
A_IFNAME, A_DIRECTION, A_SPI = 2, 3, 5
A_AEAD_NAME, A_AEAD_KEY, A_KEYS = 10, 11, 22
RTM_DELLINK = 17
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300

DEV = "ipsec0"
LOCAL, REMOTE, IF_ID, KEYING, ROAM, ENCAP_PORT = 1, 2, 4, 12, 14, 15
OPTIONS = [(LOCAL, bytes([10, 0, 0, 1])), (REMOTE, bytes([10, 0, 0, 2])),
           (IF_ID, struct.pack("=I", 7)), (KEYING, b"\1")]
KEY = bytes(range(20))
LIMIT = 2000


class Kernel:
    """Requests to rtnetlink and to the family, with failing allocations."""

    def __init__(self):
        self.rtnl = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.genl = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                  NETLINK_GENERIC)
        for sock in self.rtnl, self.genl:
            sock.settimeout(20)
        self.family = self.family_id()
        self.fail_nth = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def family_id(self):
        """The number of the family "ipsec-ipip"."""
        self.genl.send(self.message(GENL_ID_CTRL, NLM_F_REQUEST,
                                    struct.pack("=BBxx", CTRL_CMD_GETFAMILY, 1)
                                    + attr(CTRL_ATTR_FAMILY_NAME,
                                           b"ipsec-ipip\0")))
        reply, at = self.genl.recv(65536), 20
        while at + 4 <= len(reply):
            size, kind = struct.unpack_from("=HH", reply, at)
            if kind == CTRL_ATTR_FAMILY_ID:
                return struct.unpack_from("=H", reply, at + 4)[0]
            at += size + 3 & ~3
        sys.exit("no family")

    @staticmethod
    def message(kind, flags, body):
        """A whole message."""
        return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body

    def call(self, sock, data, nth):
        """Send one request. Returns its error, and whether an allocation
        failed.
        """
        error, failed = 0, False
        os.write(self.fail_nth, str(nth).encode())
        try:
            sock.send(data)
        except OSError as err:
            error = err.errno
        failed = nth and self.failed()
        if not error:
            error = self.answer(sock)
        return error, failed

    def failed(self):
        """Return whether an allocation failed, and end the injection."""
        try:
            left = int(os.pread(self.fail_nth, 32, 0).split()[0])
        except OSError:
            # The copy to user space failed.
            left = 1
        while True:
            try:
                os.write(self.fail_nth, b"0")
                return not left
            except OSError:
                pass

    @staticmethod
    def answer(sock):
        """The error of the reply; a dump is read to its end."""
        while True:
            try:
                reply = sock.recv(1 << 20)
            except OSError as err:
                return err.errno
            length, kind, flags = struct.unpack_from("=IHH", reply)
            if kind == 2:
                return verdict(reply)[0]
            if kind == 3 or not flags & 2:
                if not flags & 2:
                    continue
                return 0
            # the last part of a dump may be in the same datagram
            at = 0
            while at + 16 <= len(reply):
                length, kind = struct.unpack_from("=IH", reply, at)
                if kind == 3:
                    return 0
                at += length + 3 & ~3

    def link(self, verb, options, nth=0):
        """Make or change the device."""
        return self.call(self.rtnl, request(verb, DEV, options), nth)

    def unlink(self, nth=0):
        """Delete the device."""
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0)
        body += attr(3, DEV.encode() + b"\0")
        return self.call(self.rtnl, self.message(
            RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, body), nth)

    def command(self, cmd, attrs, nth=0, flags=NLM_F_ACK):
        """A command of the family."""
        body = struct.pack("=BBxx", cmd, 1)
        body += b"".join(attr(k, v) for k, v in attrs)
        return self.call(self.genl, self.message(
            self.family, NLM_F_REQUEST | flags, body), nth)

    def sa(self, cmd, direction, nth=0):
        """Add or delete an SA."""
        attrs = [(A_IFNAME, DEV.encode() + b"\0"),
                 (A_DIRECTION, struct.pack("=I", direction)),
                 (A_SPI, struct.pack(">I", 0x1000 + direction))]
        if cmd == CMD_SA_ADD:
            attrs += [(A_AEAD_NAME, b"rfc4106(gcm(aes))\0"),
                      (A_AEAD_KEY, KEY)]
        return self.command(cmd, attrs, nth)


def exists():
    """True if the device exists."""
    try:
        return bool(socket.if_nametoindex(DEV))
    except OSError:
        return False


def states():
    """Number of states in the SAD."""
    out = subprocess.run(["ip", "xfrm", "state"], capture_output=True,
                         check=True).stdout
    return out.count(b"src ")


class Operations:
    """The requests. Each returns the error, and whether an allocation failed.
    """

    def __init__(self):
        self.kernel = Kernel()

    def new(self, nth, options=()):
        """Make a device."""
        result = self.kernel.link("new", OPTIONS + list(options), nth)
        # The allocation of the answer may have failed.
        assert exists() or result[0], "no device, and no error"
        if exists():
            self.kernel.unlink()
        assert not exists() and not states()
        return result

    def new_encap(self, nth):
        """Make a device with its own UDP socket."""
        return self.new(nth, [(ENCAP_PORT, struct.pack(">H", 4500)),
                              (ROAM, b"\1")])

    def change(self, nth):
        """Change the endpoints, and change them back."""
        self.kernel.link("new", OPTIONS)
        self.kernel.sa(CMD_SA_ADD, 0)
        self.kernel.sa(CMD_SA_ADD, 1)
        other = [(REMOTE, bytes([10, 0, 0, 3])),
                 (ENCAP_PORT, struct.pack(">H", 4500))]
        result = self.kernel.link("set", other, nth)
        self.kernel.unlink()
        assert not exists() and not states()
        return result

    def delete(self, nth):
        """Change a device with SAs."""
        self.kernel.link("new", OPTIONS)
        self.kernel.sa(CMD_SA_ADD, 0)
        self.kernel.sa(CMD_SA_ADD, 1)
        result = self.kernel.unlink(nth)
        if exists():
            self.kernel.unlink()
        assert not exists() and not states()
        return result

    def sa_add(self, nth):
        """An SA is added completely or not at all."""
        self.kernel.link("new", OPTIONS)
        result = self.kernel.sa(CMD_SA_ADD, 1, nth)
        assert states() or result[0], "no SA, and no error"
        self.kernel.unlink()
        assert not states()
        return result

    def sa_del(self, nth):
        """Delete an SA."""
        self.kernel.link("new", OPTIONS)
        self.kernel.sa(CMD_SA_ADD, 1)
        result = self.kernel.sa(CMD_SA_DEL, 1, nth)
        self.kernel.unlink()
        return result

    def dump(self, nth):
        """Dump devices, and SAs with keys."""
        self.kernel.link("new", OPTIONS)
        self.kernel.sa(CMD_SA_ADD, 1)
        self.kernel.command(CMD_DEV_GET, [], nth, NLM_F_DUMP)
        result = self.kernel.command(CMD_SA_GET, [(A_KEYS, b"")], nth,
                                     NLM_F_DUMP)
        self.kernel.unlink()
        return result


def main():
    """Let each allocation of the operation fail in turn."""
    operation = getattr(Operations(), sys.argv[1])
    failures, nth = 0, 0
    while True:
        nth += 1
        error, failed = operation(nth)
        if not failed:
            break
        failures += 1
        if nth == LIMIT:
            sys.exit(f"more than {LIMIT} allocations")
    if error:
        sys.exit(f"refused without a failure: {os.strerror(error)}")
    print(f"{sys.argv[1]}: {failures} allocations have failed")
    sys.exit(not failures)


if __name__ == "__main__":
    main()
