# SPDX-License-Identifier: GPL-2.0
"""Packets for the tests: IP and its payloads, ESP and AH, byte by byte; sockets
that send and receive them; and the counters of a device.
The code does not use scapy, which takes ten seconds to start in an emulated
machine. decrypt.py does use it, and checks the code here.
"""
import ctypes
import errno
import hmac
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

ETH_P_IP = 0x0800
ETH_P_IPV6 = 0x86dd
ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
CLONE_NEWNET = 0x40000000

IPPROTO_ESP, IPPROTO_AH, IPPROTO_IPIP, IPPROTO_IPV6 = 50, 51, 4, 41
IPPROTO_FRAGMENT, IPPROTO_ICMPV6 = 44, 58
DF, MF = 0x4000, 0x2000

# Seconds to wait; a test never passes because of a timeout.
PATIENCE = 30


class Failure(Exception):
    """A test has failed."""


def check(condition, *what):
    """Raise Failure unless the condition holds."""
    if not condition:
        raise Failure(' '.join(str(word) for word in what))


def main(function, *args):
    """Run a test and exit: with 0 if it passes, with 1 and a message if not,
    with 4 if a Python module is missing.
    """
    # Packets stay in order only on one processor.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    try:
        function(*args)
    except Failure as failure:
        print('FAIL:', failure)
        sys.exit(1)
    except ModuleNotFoundError as error:
        print(error.name, 'is missing')
        sys.exit(4)


def until(what, condition, patience=PATIENCE):
    """Wait for the condition, and return its value."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < end, what, 'did not happen in time')
        time.sleep(0.01)


#
# Packets
#

def checksum(data):
    """The Internet checksum; 0 for data that includes its valid checksum."""
    if len(data) & 1:
        data += b'\0'
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def ipv4(src, dst, proto, payload=b'', *, ttl=64, tos=0, ident=0, frag=0,
         options=b'', version=4, ihl=None, total=None):
    """An IPv4 packet; the last three arguments may be invalid on purpose."""
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    total = 20 + len(options) + len(payload) if total is None else total
    header = struct.pack('!BBHHHBBH4s4s', version << 4 | ihl, tos, total,
                         ident, frag, ttl, proto, 0, socket.inet_aton(src),
                         socket.inet_aton(dst)) + options
    return with_checksum(header) + payload


def ipv6(src, dst, proto, payload=b'', *, ttl=64, tos=0, label=0, version=6,
         total=None):
    """An IPv6 packet; the last two arguments may be invalid on purpose, and
    total is the length of the payload.
    """
    total = len(payload) if total is None else total
    return struct.pack('!IHBB', version << 28 | tos << 20 | label, total,
                       proto, ttl) + packed(src) + packed(dst) + payload


def ip(src, dst, proto, payload=b'', **fields):
    """A packet of the family of its addresses."""
    return (ipv6 if ':' in src else ipv4)(src, dst, proto, payload, **fields)


def packed(address):
    """The bytes of an address."""
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    return socket.inet_pton(family, address)


def family_of(packet):
    """The version of a packet, 4 or 6."""
    return packet[0] >> 4


def header_length(packet):
    """The length of a packet's header, without extension headers."""
    return 40 if family_of(packet) == 6 else (packet[0] & 15) * 4


def fragments(packet, step, ident=0x1234):
    """The fragments of a packet, with step bytes (a multiple of 8) each."""
    header, body = ip_split(packet)
    pieces = []
    for offset in range(0, len(body), step):
        piece = body[offset:offset + step]
        more = offset + step < len(body)
        if family_of(packet) == 4:
            new = header[:2] + struct.pack(
                '!HHH', len(header) + len(piece), ident,
                MF * more | offset // 8) + header[8:]
            pieces.append(with_checksum(new) + piece)
        else:
            piece = struct.pack('!BBHI', header[6], 0, offset | more,
                                ident) + piece
            pieces.append(header[:4] + struct.pack(
                '!HB', len(piece), IPPROTO_FRAGMENT) + header[7:] + piece)
    return pieces


def with_checksum(header):
    """The same IPv4 header with a valid checksum."""
    header = header[:10] + b'\0\0' + header[12:]
    return header[:10] + struct.pack('!H', checksum(header)) + header[12:]


def pseudo(src, dst, proto, length):
    """The pseudo header for the checksums of UDP and TCP."""
    if ':' in src:
        return packed(src) + packed(dst) + struct.pack('!II', length, proto)
    return packed(src) + packed(dst) + struct.pack('!BBH', 0, proto, length)


def udp(src, dst, sport, dport, data=b''):
    """A UDP datagram."""
    length = 8 + len(data)
    head = struct.pack('!HHH', sport, dport, length)
    total = checksum(pseudo(src, dst, 17, length) + head + b'\0\0' + data)
    return head + struct.pack('!H', total or 0xffff) + data


def tcp(src, dst, sport, dport, data=b'', flags=2, seq=1, ack=0):
    """A TCP segment, by default the SYN of a connection."""
    head = struct.pack('!HHIIBBHHH', sport, dport, seq, ack, 0x50, flags,
                       0x4000, 0, 0)
    total = checksum(pseudo(src, dst, 6, 20 + len(data)) + head + data)
    return head[:16] + struct.pack('!H', total) + head[18:] + data


def icmp_echo(data=b'', kind=8, ident=1, seq=1):
    """An ICMP echo request or reply."""
    head = struct.pack('!BBHHH', kind, 0, 0, ident, seq)
    total = checksum(head + data)
    return head[:2] + struct.pack('!H', total) + head[4:] + data


def icmp6_echo(src, dst, data=b'', kind=128, ident=1, seq=1):
    """An ICMPv6 echo request or reply."""
    head = struct.pack('!BBHHH', kind, 0, 0, ident, seq)
    total = checksum(pseudo(src, dst, 58, 8 + len(data)) + head + data)
    return head[:2] + struct.pack('!H', total) + head[4:] + data


def is_noise(packet):
    """True for packets that IPv6 hosts send on their own: neighbour and router
    discovery, and group reports, which follow a hop-by-hop header.
    """
    if len(packet) < 41 or family_of(packet) != 6:
        return False
    return (packet[6] == 0 and packet[24] == 0xff) or (
        packet[6] == IPPROTO_ICMPV6 and 130 <= packet[40] <= 143)


def filler(length):
    """Bytes that reveal shifts, losses and swaps."""
    return bytes(i * 7 + (i >> 8) & 0xff for i in range(length))


FIELDS = {
    4: {'tos': (1, 'B'), 'total': (2, 'H'), 'ident': (4, 'H'),
        'frag': (6, 'H'), 'ttl': (8, 'B'), 'proto': (9, 'B'),
        'checksum': (10, 'H'), 'src': (12, '4s'), 'dst': (16, '4s')},
    6: {'tos': (0, 'H'), 'label': (0, 'I'), 'total': (4, 'H'),
        'proto': (6, 'B'), 'ttl': (7, 'B'), 'src': (8, '16s'),
        'dst': (24, '16s')},
}


def ip_field(packet, name):
    """A field of an IPv4 or IPv6 header, by its IPv4 name if both have it.
    "total" is the length of the payload in IPv6.
    """
    family = family_of(packet)
    offset, form = FIELDS[family][name]
    value = struct.unpack_from('!' + form, packet, offset)[0]
    if form.endswith('s'):
        return socket.inet_ntop(socket.AF_INET if family == 4 else
                                socket.AF_INET6, value)
    if family == 6 and name == 'tos':
        return value >> 4 & 0xff
    if family == 6 and name == 'label':
        return value & 0xfffff
    return value


def ip_split(packet):
    """The header and payload of a packet, without trailing bytes."""
    length = header_length(packet)
    end = ip_field(packet, 'total') + (40 if family_of(packet) == 6 else 0)
    return packet[:length], packet[length:end]


#
# ESP and AH. Keys are those of "ip xfrm state".
#

def unhex(key):
    """The bytes of a key such as 0x1234."""
    return bytes.fromhex(key[2:] if key.startswith('0x') else key)


class Esp:
    """An ESP SA (RFC 4303): cipher "null" or "cbc" (AES) with
    HMAC-SHA-256-128, "gcm" (AES, 16 bytes ICV, RFC 4106), or "none", which is
    "cbc" without any integrity.
    """
    IV = {'null': 0, 'cbc': 16, 'gcm': 8, 'none': 16}
    BLOCK = {'null': 4, 'cbc': 16, 'gcm': 4, 'none': 16}

    def __init__(self, spi, cipher, key='', auth_key=''):
        self.spi = spi
        self.cipher = cipher
        self.key = unhex(key)
        self.auth_key = unhex(auth_key)
        self.seq = 0
        self.icv = 0 if cipher == 'none' else 16

    def _aes_cbc(self, iv):
        from cryptography.hazmat.primitives.ciphers import (
            Cipher, algorithms, modes)
        return Cipher(algorithms.AES(self.key), modes.CBC(iv))

    def _aes_gcm(self):
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        return AESGCM(self.key[:-4])

    def _encrypt(self, head, iv, text):
        if self.cipher == 'gcm':
            return self._aes_gcm().encrypt(self.key[-4:] + iv, text, head)
        if self.cipher in ('cbc', 'none'):
            cipher = self._aes_cbc(iv).encryptor()
            return cipher.update(text) + cipher.finalize()
        return text

    def _decrypt(self, head, iv, text):
        if self.cipher == 'gcm':
            return self._aes_gcm().decrypt(self.key[-4:] + iv, text, head)
        if self.cipher in ('cbc', 'none'):
            cipher = self._aes_cbc(iv).decryptor()
            return cipher.update(text) + cipher.finalize()
        return text

    def _hmac(self, data):
        return hmac.digest(self.auth_key, data, 'sha256')[:16]

    def seal(self, payload, next_header=IPPROTO_IPIP, *, seq=None, tfc=b'',
             pad=None):
        """The ESP packet of a payload, in the order of sequence numbers."""
        if seq is None:
            seq = self.seq + 1
            self.seq = seq
        text = payload + tfc
        if pad is None:
            pad = -(len(text) + 2) % self.BLOCK[self.cipher]
        text += bytes(range(1, pad + 1)) + bytes([pad, next_header])
        head = struct.pack('!II', self.spi, seq)
        iv = os.urandom(self.IV[self.cipher])
        sealed = head + iv + self._encrypt(head, iv, text)
        if self.cipher in ('null', 'cbc'):
            sealed += self._hmac(sealed)
        return sealed

    def packet(self, src, dst, payload, next_header=IPPROTO_IPIP, **fields):
        """The outer packet of a payload. seq, tfc and pad as for seal(); the
        other fields are those of ip().
        """
        own = {name: fields.pop(name) for name in ('seq', 'tfc', 'pad')
               if name in fields}
        return ip(src, dst, IPPROTO_ESP,
                  self.seal(payload, next_header, **own), **fields)

    def open(self, packet):
        """The sequence number, and the plaintext with its whole trailer."""
        head = packet[:8]
        spi, seq = struct.unpack('!II', head)
        check(spi == self.spi, 'SPI 0x%x instead of 0x%x' % (spi, self.spi))
        start = 8 + self.IV[self.cipher]
        end = len(packet)
        if self.cipher in ('null', 'cbc'):
            end -= 16
            check(self._hmac(packet[:end]) == packet[end:], 'bad ICV')
        text = self._decrypt(head, packet[8:start], packet[start:end])
        return seq, text

    @staticmethod
    def trailer(text):
        """The payload and next header; the padding must be 1, 2, 3, ..."""
        pad, next_header = text[-2:]
        check(text[-2 - pad:-2] == bytes(range(1, pad + 1)), 'bad padding')
        return text[:-2 - pad], next_header


class Ah:
    """An AH SA (RFC 4302) with HMAC-SHA-256-128. Linux makes its length a
    multiple of 8 also over IPv4, by 4 bytes of padding after the ICV, unless
    the SA has the flag "align4".
    """

    def __init__(self, spi, auth_key, align=8):
        self.spi = spi
        self.length = 12 + 16 + (4 if align == 8 else 0)
        self.auth_key = unhex(auth_key)
        self.seq = 0
        self.icv = 16

    def digest(self, packet):
        """The valid ICV of an outer packet."""
        header, body = ip_split(packet)
        header = bytearray(header)
        if family_of(packet) == 4:
            header[1] = 0                       # TOS
            header[6:9] = b'\0\0\0'             # flags and offset, TTL
            header[10:12] = b'\0\0'             # checksum
        else:
            header[:4] = b'\x60\0\0\0'          # traffic class, flow label
            header[7] = 0                       # hop limit
        body = body[:12] + bytes(self.icv) + body[12 + self.icv:]
        return hmac.digest(self.auth_key, bytes(header) + body,
                           'sha256')[:self.icv]

    def packet(self, src, dst, payload, next_header=IPPROTO_IPIP, *, seq=None,
               tfc=b'', **fields):
        """The outer packet of a payload, as Esp.packet()."""
        if seq is None:
            seq = self.seq + 1
            self.seq = seq
        head = struct.pack('!BBHII', next_header, self.length // 4 - 2, 0,
                           self.spi, seq)
        body = head + bytes(self.length - 12) + payload + tfc
        packet = ip(src, dst, IPPROTO_AH, body, **fields)
        icv = self.digest(packet)
        start = len(packet) - len(body) + 12
        return packet[:start] + icv + packet[start + self.icv:]

    def open(self, packet):
        """The sequence number, next header and payload of an outer packet."""
        body = ip_split(packet)[1]
        next_header, length, _, spi, seq = struct.unpack('!BBHII', body[:12])
        check(spi == self.spi, 'SPI 0x%x instead of 0x%x' % (spi, self.spi))
        check((length + 2) * 4 == self.length, 'AH length', length)
        check(body[12:12 + self.icv] == self.digest(packet), 'bad ICV')
        return seq, next_header, body[self.length:]


#
# Namespaces and sockets
#

class Netns:
    """with Netns(name): sockets opened inside belong to that namespace."""
    libc = ctypes.CDLL(None, use_errno=True)

    def __init__(self, name):
        self.name = name
        self.old = None

    @classmethod
    def _enter(cls, fd):
        check(cls.libc.setns(fd, CLONE_NEWNET) == 0, 'setns',
              os.strerror(ctypes.get_errno()))

    def __enter__(self):
        self.old = os.open('/proc/self/ns/net', os.O_RDONLY)
        fd = os.open('/run/netns/' + self.name, os.O_RDONLY)
        self._enter(fd)
        os.close(fd)

    def __exit__(self, *_):
        self._enter(self.old)
        os.close(self.old)

    def run(self, *command):
        """Output of a command in the namespace."""
        with self:
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                                  check=False)
        check(done.returncode == 0, 'exit status', done.returncode, command)
        return done.stdout

    def socket(self, kind, address, port=0):
        """A socket bound in the namespace."""
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        with self:
            sock = socket.socket(family, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        return sock


class Wire:
    """A packet socket that sees the packets of an interface, and sends frames.
    With link=True packets have their link header. Packets that IPv6 hosts send
    on their own are left out.
    """

    def __init__(self, netns, dev, proto=ETH_P_IP, link=False):
        kind = socket.SOCK_RAW if link else socket.SOCK_DGRAM
        with netns:
            self.sock = socket.socket(socket.AF_PACKET, kind, 0)
            self.sock.bind((dev, proto))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.start = 14 if link else 0
        self.mac = self.sock.getsockname()[4]

    def seen(self, timeout=0.0, outgoing=False):
        """The next packet that came in (or went out), or None."""
        end = time.monotonic() + timeout
        while True:
            left = max(0.0, end - time.monotonic())
            if not select.select([self.sock], [], [], left)[0]:
                return None
            try:
                packet, address = self.sock.recvfrom(65536)
            except OSError as error:
                # This error comes once when the interface goes down.
                check(error.errno == errno.ENETDOWN, error)
                continue
            if ((address[2] == PACKET_OUTGOING) == outgoing and
                    not is_noise(packet[self.start:])):
                return packet

    def all_seen(self, outgoing=False):
        """All packets up to now."""
        packets = []
        while True:
            packet = self.seen(0, outgoing)
            if packet is None:
                return packets
            packets.append(packet)

    def wait(self, what, wanted=lambda packet: True, outgoing=False):
        """Wait for a matching packet; others are dropped."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            packet = self.seen(end - time.monotonic(), outgoing)
            if packet is not None and wanted(packet):
                return packet
        raise Failure(what, 'has not been seen')

    def send(self, packet, dst_mac=None):
        """Send a whole frame, or a packet to a neighbour."""
        if dst_mac is not None:
            kind = ETH_P_IPV6 if family_of(packet) == 6 else ETH_P_IP
            packet = dst_mac + self.mac + struct.pack('!H', kind) + packet
        self.sock.send(packet)


class Device:
    """A device and its counters."""

    def __init__(self, netns, name):
        self.netns = netns
        self.name = name

    def show(self):
        """The output of "ipsec-ipip show"."""
        return json.loads(self.netns.run('ipsec-ipip', '-j', 'show',
                                         self.name))[0]

    def refused(self):
        """The nonzero counters of refused packets."""
        return {key: value for key, value in self.show()['stats'].items()
                if value}

    def link(self):
        """The counters of the interface, from "ip -s -s link"."""
        shown = self.netns.run('ip', '-j', '-s', '-s', 'link', 'show', 'dev',
                               self.name)
        return json.loads(shown)[0]['stats64']


def xfrm_stat(netns):
    """The nonzero counters of /proc/net/xfrm_stat."""
    with netns:
        # /proc/net is a symlink to the main thread's namespace.
        with open('/proc/thread-self/net/xfrm_stat', encoding='ascii') as file:
            rows = [line.split() for line in file]
    return {name: int(value) for name, value in rows if int(value)}
