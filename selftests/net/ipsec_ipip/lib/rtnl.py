#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Hand-made link requests, for values that ip(8) itself refuses.
rtnl.py {new|set} NAME TYPE=HEX...: make or change a link of kind
ipsec-ipip with these attributes (IFLA_IPSEC_IPIP_*). If the kernel refuses,
prints its message and exits 1.
"""
import os
import socket
import struct
import sys

RTM_NEWLINK, NLMSG_ERROR = 16, 2
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 0x1, 0x4, 0x200, 0x400
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
IFLA_IFNAME, IFLA_LINKINFO, IFLA_INFO_KIND, IFLA_INFO_DATA = 3, 18, 1, 2
NLA_F_NESTED = 0x8000
SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 10, 11
NLMSGERR_ATTR_MSG = 1


def attr(kind, data):
    """One attribute, padded."""
    head = struct.pack("=HH", 4 + len(data), kind)
    return head + data + b"\0" * (-len(data) % 4)


def request(verb, name, options):
    """The whole message."""
    info = attr(IFLA_INFO_KIND, b"ipsec-ipip")
    info += attr(IFLA_INFO_DATA | NLA_F_NESTED,
                 b"".join(attr(k, v) for k, v in options))
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0)
    body += attr(IFLA_IFNAME, name.encode() + b"\0")
    body += attr(IFLA_LINKINFO | NLA_F_NESTED, info)
    flags = NLM_F_REQUEST | NLM_F_ACK
    if verb == "new":
        flags |= NLM_F_CREATE | NLM_F_EXCL
    return struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, flags, 1,
                       0) + body


def verdict(reply):
    """Error number and message of an acknowledgment."""
    flags, = struct.unpack_from("=H", reply, 6)
    error, length = struct.unpack_from("=iI", reply, 16)
    at = 36 if flags & NLM_F_CAPPED or not error else 20 + (length + 3 & ~3)
    text = ""
    while flags & NLM_F_ACK_TLVS and at + 4 <= len(reply):
        size, kind = struct.unpack_from("=HH", reply, at)
        if kind == NLMSGERR_ATTR_MSG:
            text = reply[at + 4:at + size - 1].decode()
        at += size + 3 & ~3
    return -error, text


def main():
    """Send the request, and print the answer."""
    verb, name = sys.argv[1:3]
    options = [(int(k), bytes.fromhex(v))
               for k, v in (a.split("=") for a in sys.argv[3:])]

    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
    sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
    sock.send(request(verb, name, options))
    error, text = verdict(sock.recv(65536))
    if error:
        print(f"{os.strerror(error)}: {text}")
    sys.exit(error != 0)


if __name__ == "__main__":
    main()
