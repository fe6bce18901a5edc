#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes an instance of a crypto template, such as pcrypt(rfc4106(gcm(aes))). It
has a higher priority than the algorithm that it wraps, so later users of
rfc4106(gcm(aes)) get the instance.
usage: crypto.py {aead|ahash} NAME
"""
import socket
import struct
import sys

NETLINK_CRYPTO = 21
CRYPTO_MSG_NEWALG = 0x10
NLM_F_REQUEST, NLM_F_ACK = 1, 4
# type and mask (CRYPTO_ALG_TYPE_*)
TYPES = {'aead': (3, 15), 'ahash': (15, 14)}


def main(kind, name):
    """Ignore the answer: kernels return an error although they have made the
    instance, because its name is not the requested one.
    """
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_CRYPTO)
    # struct crypto_user_alg
    body = struct.pack('64s64s64sIIII', b'', name.encode(), b'',
                       *TYPES[kind], 0, 0)
    sock.send(struct.pack('=IHHII', 16 + len(body), CRYPTO_MSG_NEWALG,
                          NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
    sock.recv(4096)


if __name__ == '__main__':
    main(*sys.argv[1:])
