#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Hand-made netlink requests, which no normal client makes.
netlink.py dump DEVICE CMD...: dump the SAs of DEVICE, or of all
devices for "-". When the kernel has started to answer, run CMD, which must
succeed, and then read the rest. Prints the number of SAs, their number for each
device, "interrupted" if the kernel reported that, else "twice" if one SA came
twice, and the error.
netlink.py wipe DEVICE SPI: add an SA with an SPI that is in use, with
each key given twice. Prints how many bytes of these keys remain in the copy of
the request that the kernel sends back.
"""
import os
import socket
import struct
import subprocess
import sys

NETLINK_ROUTE, NETLINK_GENERIC = 0, 16
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_DUMP_INTR = 0x10
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 10, 11
NLMSGERR_ATTR_MSG = 1
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 16, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 1, 2
FAMILY, VERSION = b"ipsec-ipip\0", 1

# include/uapi/linux/ipsec_ipip.h
SA_ADD, SA_DEL, SA_GET, SA_ACTIVATE, DEV_GET = 1, 2, 3, 4, 5
SA_IFINDEX, SA_IFNAME, SA_DIRECTION, SA_PROTO, SA_SPI = 1, 2, 3, 4, 5
SA_AEAD_NAME, SA_AEAD_KEY, SA_ENC_NAME, SA_ENC_KEY = 10, 11, 12, 13
SA_AUTH_NAME, SA_AUTH_KEY = 14, 15
KEYS = (SA_AEAD_KEY, SA_ENC_KEY, SA_AUTH_KEY)


def attr(kind, data):
    """One attribute, padded."""
    if isinstance(data, int):
        data = struct.pack("=I", data)
    head = struct.pack("=HH", 4 + len(data), kind)
    return head + data + b"\0" * (-len(data) % 4)


def attrs_in(data):
    """The attributes of a message, in their order."""
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        if size < 4:
            return
        yield kind & 0x3fff, data[4:size]
        data = data[size + 3 & ~3:]


def messages_in(data):
    """The messages of a datagram: type, flags, and the whole message."""
    while len(data) >= 16:
        size, kind, flags = struct.unpack_from("=IHH", data)
        yield kind, flags, data[:size]
        data = data[size + 3 & ~3:]


def verdict(message, flags):
    """Error number and text of an acknowledgment, or of the end of a dump."""
    kind, = struct.unpack_from("=H", message, 4)
    error, = struct.unpack_from("=i", message, 16)
    if kind == NLMSG_DONE:
        rest = message[20:]
    else:
        length, = struct.unpack_from("=I", message, 20)
        capped = flags & NLM_F_CAPPED or not error
        rest = message[36 if capped else 20 + (length + 3 & ~3):]
    text = ""
    if flags & NLM_F_ACK_TLVS:
        for which, value in attrs_in(rest):
            if which == NLMSGERR_ATTR_MSG:
                text = value[:-1].decode()
    return -error, text


class Netlink:
    """A socket."""

    def __init__(self, bus=NETLINK_GENERIC, cap=True):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, bus)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        if cap:
            self.sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.sock.bind((0, 0))
        self.family = bus == NETLINK_GENERIC and self.resolve()

    def resolve(self):
        """The id of the family."""
        body = struct.pack("=BBH", CTRL_CMD_GETFAMILY, 1, 0)
        body += attr(CTRL_ATTR_FAMILY_NAME, FAMILY)
        self.send(GENL_ID_CTRL, NLM_F_REQUEST, body)
        for _, value in filter(lambda a: a[0] == CTRL_ATTR_FAMILY_ID,
                               attrs_in(self.sock.recv(8192)[20:])):
            return struct.unpack("=H", value)[0]
        sys.exit("no family ipsec-ipip")

    def send(self, kind, flags, body):
        """A message."""
        self.sock.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0)
                       + body)

    def begin(self, cmd, body, flags):
        """A request to the family."""
        self.send(self.family, NLM_F_REQUEST | flags,
                  struct.pack("=BBH", cmd, VERSION, 0) + body)

    def answer(self):
        """All messages up to the acknowledgment, and the acknowledgment."""
        got = []
        while True:
            for kind, flags, message in messages_in(self.sock.recv(8192)):
                got.append((kind, flags, message))
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    return got


def dump(device, command):
    """See above."""
    netlink = Netlink()
    body = b"" if device == "-" else attr(SA_IFNAME, device.encode() + b"\0")
    netlink.begin(SA_GET, body, NLM_F_DUMP)
    subprocess.run(command, check=True)

    sas, devices, interrupted, twice, error = set(), {}, False, False, 0
    for kind, flags, message in netlink.answer():
        interrupted |= bool(flags & NLM_F_DUMP_INTR)
        if kind in (NLMSG_ERROR, NLMSG_DONE):
            error, _ = verdict(message, flags)
            continue
        found = dict(attrs_in(message[20:]))
        which = found[SA_IFINDEX], found[SA_DIRECTION], found[SA_SPI]
        twice |= which in sas
        sas.add(which)
        name = found[SA_IFNAME][:-1].decode()
        devices[name] = devices.get(name, 0) + 1
    print(len(sas), *(f"{name}:{n}" for name, n in sorted(devices.items())),
          *(["interrupted"] if interrupted else ["twice"] if twice else []),
          *([os.strerror(error)] if error else []))


def wipe(device, spi):
    """See above."""
    netlink = Netlink(cap=False)
    body = attr(SA_IFNAME, device.encode() + b"\0")
    body += attr(SA_DIRECTION, 1) + attr(SA_SPI, struct.pack("!I", spi))
    for byte, kind in enumerate(KEYS + KEYS, 1):
        body += attr(kind, bytes([byte]) * 20)
    body += attr(SA_AEAD_NAME, b"rfc4106(gcm(aes))\0")
    netlink.begin(SA_ADD, body, NLM_F_ACK)
    (_, flags, message), = netlink.answer()
    error, text = verdict(message, flags)
    # error, and the request, with its two headers
    echo = message[20 + 16 + 4:20 + 16 + 4 + len(body)]
    keys = [value for kind, value in attrs_in(echo) if kind in KEYS]
    print(text or os.strerror(error))
    print(len(keys), "keys,",
          sum(byte != 0 for key in keys for byte in key), "bytes left")


def main():
    """Run the command line."""
    if sys.argv[1] == "dump":
        dump(sys.argv[2], sys.argv[3:])
    else:
        wipe(sys.argv[2], int(sys.argv[3], 0))


if __name__ == "__main__":
    main()
