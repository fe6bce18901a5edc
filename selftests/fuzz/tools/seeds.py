#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""seeds.py: make the inputs of the target "netlink": answers of a kernel with
one device and two SAs, for each command line of netlink.c.

The numbers of attributes come from the header of the interface.
"""

import re
import struct

HEADER = "../../../include/uapi/linux/ipsec_ipip.h"
FAMILY = 0x20
ERROR, DONE = 2, 3


def enums():
    """Read the names and numbers of the header's enums."""
    numbers = {}
    for body in re.findall(r"enum[^{]*\{(.*?)\};", open(HEADER).read(), re.S):
        at = 0
        for entry in re.sub(r"/\*.*?\*/", "", body, flags=re.S).split(","):
            name, _, value = entry.partition("=")
            if name.strip():
                try:
                    at = int(value, 0) if value.strip() else at
                except ValueError:
                    continue
                numbers[name.strip()] = at
                at += 1
    return numbers


N = enums()


def attr(name, data):
    kind = N["IPSEC_IPIP_A_" + name] if isinstance(name, str) else name
    if isinstance(data, str):
        data = data.encode() + b"\0"
    size = 4 + len(data)
    return struct.pack("=HH", size, kind) + data + b"\0" * (-size % 4)


def u8(value):
    return struct.pack("=B", value)


def u32(value):
    return struct.pack("=I", value)


def u64(value):
    return struct.pack("=Q", value)


def be32(value):
    return struct.pack(">I", value)


def be16(value):
    return struct.pack(">H", value)


def message(kind, body, flags=0):
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body


def genl(cmd, *attrs, kind=FAMILY):
    return message(kind, struct.pack("=BBH", cmd, 1, 0) + b"".join(attrs), 2)


def error(number, *attrs):
    """NLMSG_ERROR with the head of the request and extended acknowledgment."""
    head = message(FAMILY, b"")
    return message(ERROR, struct.pack("=i", -number) + head + b"".join(attrs),
                   0x300 if attrs else 0x100)


def done():
    return message(DONE, struct.pack("=i", 0), 2)


def family():
    group = attr(1, attr(1, "events") + attr(2, u32(9)))
    return [genl(1, attr(2, "ipsec-ipip"), attr(1, struct.pack("=H", FAMILY)),
                 attr(7, group), kind=16), error(0)]


def device():
    stats = b"".join(attr("STATS_" + name, u64(3)) for name in
                     ("TX_NO_SA", "RX_CRYPTO", "RX_SELECTOR"))
    values = (("IFINDEX", u32(2)), ("IFNAME", "ipsec0"), ("IF_ID", u32(7)),
              ("REQID", u32(1)), ("LOCAL", b"\x0a\0\0\1"),
              ("REMOTE", b"\x0a\0\0\2"), ("LINK", u32(2)), ("TTL", u8(64)),
              ("TOS", u8(1)), ("DF", u8(2)), ("FWMARK", u32(1)),
              ("MTU", u32(1400)), ("MTU_AUTO", b""), ("SA_IN", u32(1)),
              ("SA_OUT", u32(1)), ("ACTIVE_SPI", be32(0x1000)),
              ("ACTIVE_PROTO", u8(50)), ("STATS", stats), ("ECN", u8(0)),
              ("FLOWLABEL", u8(0)), ("CARRIER", u8(1)), ("KEYING", u8(1)),
              ("MTU_FIT", u32(1300)), ("ICMP", u8(1)), ("ROAM", b""),
              ("ENCAP_PORT", be16(4500)), ("PEER", b"\0" * 15 + b"\1"),
              ("PEER_PORT", be16(4500)), ("POLICIES", u8(1)))
    return genl(N["IPSEC_IPIP_CMD_DEV_GET"],
                *(attr("DEV_" + name, value) for name, value in values))


def sa(inbound, cmd="SA_GET", aead=False):
    life = attr("LIFETIME_HARD_BYTES", u64(1 << 40)) + \
        attr("LIFETIME_SOFT_ADD_SECONDS", u64(3600))
    stats = b"".join(attr("SA_STATS_" + name, value) for name, value in
                     (("BYTES", u64(1000)), ("PACKETS", u64(10)),
                      ("ADD_TIME", u64(1)), ("USE_TIME", u64(2)),
                      ("SEQ", u64(10)), ("INTEGRITY_FAILED", u32(1))))
    encap = attr("ENCAP_SPORT", be16(4500)) + attr("ENCAP_DPORT", be16(4500))
    values = [("IFINDEX", u32(2)), ("IFNAME", "ipsec0"),
              ("DIRECTION", u32(N["IPSEC_IPIP_DIRECTION_" +
                                  ("IN" if inbound else "OUT")])),
              ("PROTO", u8(50)), ("SPI", be32(0x1000)), ("MODE", u32(0)),
              ("REQID", u32(7)), ("SRC", b"\x0a\0\0\1"),
              ("DST", b"\x0a\0\0\2")]
    if aead:
        values += [("AEAD_NAME", "rfc4106(gcm(aes))"), ("AEAD_KEY", b"k" * 20)]
    else:
        values += [("ENC_NAME", "cbc(aes)"), ("ENC_KEY", b"k" * 16),
                   ("AUTH_NAME", "hmac(sha256)"), ("AUTH_KEY", b"k" * 32)]
    values += [("ICV_BITS", u32(128)), ("REPLAY_WINDOW", u32(64)), ("ESN", b""),
               ("LIFETIME", life), ("ENCAP", encap), ("STATS", stats)]
    if not inbound:
        values.append(("ACTIVE", b""))
    return genl(N["IPSEC_IPIP_CMD_" + cmd],
                *(attr("SA_" + name, value) for name, value in values))


def link():
    """RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, a state, a policy."""
    info = struct.pack("=BBHiII", 0, 0, 1, 2, 1, 0)
    return [message(16, info + attr(3, "ipsec0") + attr(37, u32(1)) +
                    attr(23, u64(5) * 24)), error(0)]


def others():
    selector = b"\0" * 56
    state = selector + b"\x0a\0\0\2" + b"\0" * 160
    policy = selector + b"\0" * 112
    tmpl = b"\0" * 64
    return [message(20, struct.pack("=BBBBI", 2, 32, 0, 0, 2) +
                    attr(2, b"\x0a\0\0\1")), done(),
            message(24, b"\2" + b"\0" * 11 + attr(4, u32(2))), error(0),
            message(16, state[:224] + attr(31, u32(7)) + attr(1, b"\0" * 68)),
            done(),
            message(19, policy[:168] + attr(31, u32(7)) + attr(5, tmpl)),
            done()]


def refusal():
    return [error(22, attr(1, "key: 17 bytes; cbc(aes) takes 16, 24 or 32"),
                  attr(2, u32(20)))]


def write(name, line, datagrams):
    data = bytes([line])
    for datagram in datagrams:
        data += struct.pack("<H", len(datagram)) + datagram
    open("corpus/netlink/" + name, "wb").write(data)


def lines():
    """Read the command lines of netlink.c."""
    table = open("netlink.c").read().split("lines[] = {")[1].split("};")[0]
    return re.findall(r'"(.*)",', table)


for number, line in enumerate(lines()):
    name = re.sub("[^a-zA-Z0-9]+", "-", line).strip("-")[:40]
    answers = family()
    if "show" in line and not line.startswith(("sa ", "-j sa ", "showconf")):
        answers += [device(), done()] + link()
    elif line.startswith(("sa show", "-j sa show")):
        answers += [sa(False) + sa(True), sa(True, aead=True), done()]
    elif "monitor" in line:
        answers += [sa(True, name) for name in
                    ("SA_ADD_NTF", "SA_DEL_NTF", "SA_EXPIRE_NTF",
                     "SA_ACTIVATE_NTF", "SA_REFUSE_NTF")]
        answers += [genl(N["IPSEC_IPIP_CMD_" + cmd], device()[20:]) for cmd in
                    ("DEV_CARRIER_NTF", "DEV_PEER_NTF")]
    elif "check" in line:
        answers += [device(), done(), sa(False) + sa(True), done()]
        answers += link() + others()
    elif line.startswith(("sa ", "rekey")):
        answers += refusal()
    elif "complete" in line:
        answers += [sa(False), sa(True), done()]
    else:
        answers += [device(), error(0), sa(False), sa(True), done()] + link()
    write(name, number, answers)
