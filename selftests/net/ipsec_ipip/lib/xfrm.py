#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Hand-made XFRM netlink requests, as a key manager makes them. ip(8) does not
show all of a state, and is too slow for races.
usage: xfrm.py full SRC DST     add two SAs with all properties
       xfrm.py alloc SRC DST SPI IF_ID
                                           reserve an SPI, without keys
       xfrm.py coaddr SRC DST SPI IF_ID
                                           add an SA in tunnel mode that has a
                                           care-of address
       xfrm.py expire DST SPI   end an SA, as if its hard lifetime was over
       xfrm.py show DST SPI...  print everything about SAs
       xfrm.py pcpu SRC DST SPI CPU KEY
                                           add an SA for one CPU
       xfrm.py many SRC DST SPI N IF_ID
                                           add N SAs that differ in their SPI:
                                           AH in transport mode
       xfrm.py busy SRC DST SPI IF_ID
                                           add an SA in tunnel mode, and with the
                                           same request one over IPv6, for which
                                           the kernel may wait for a module
       xfrm.py strays SRC DST IF_ID N
                                           add N SAs, each with an if_id of its
                                           own: IF_ID and up
       xfrm.py tunnels LOCAL NET N
                                           add two ESP SAs without if_id for
                                           each of N hosts: NET.0.0 and up
       xfrm.py migrate SRC DST OTHER TIMES
                                           move the SAs to DST to OTHER and back
       xfrm.py move_tunnels SRC DST NEW_SRC NEW_DST
                                           move the SAs to DST
       xfrm.py move SRC DST NEW_SRC NEW_DST...
                                           move SAs in transport mode, all with
                                           one request
       xfrm.py move_state DST SPI NEW_SRC NEW_DST
                                           move one, as newer kernels can
       xfrm.py forget ADDRESS   flush policies, and send a datagram
       xfrm.py race ROUNDS [both]
                                           see adopt_race.sh
"""
import errno
import os
import random
import signal
import socket
import struct
import sys
import time
import traceback

NETLINK_XFRM = 6
ETH_P_IP, ETH_P_ALL = 0x0800, 0x0003
SO_RCVBUFFORCE = 33
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLM_F_CREATE, NLM_F_EXCL = 0x400, 0x200
NLMSG_ERROR, NLMSG_DONE = 2, 3
NEWSA, DELSA, GETSA, ALLOCSPI, EXPIRE, UPDSA, FLUSHSA, FLUSHPOLICY, NEWAE, \
    GETAE, MIGRATE, MIGRATE_STATE = (0x10, 0x11, 0x12, 0x16, 0x18, 0x1a, 0x1c,
                                     0x1d, 0x1e, 0x1f, 0x21, 0x29)
(ALG_CRYPT, ENCAP, REPLAY_VAL, REPLAY_THRESH, ETIMER_THRESH, COADDR, ALG_AEAD,
 USER_MIGRATE, ALG_AUTH_TRUNC, MARK, TFCPAD, REPLAY_ESN_VAL, EXTRA_FLAGS, SET_MARK,
 SET_MARK_MASK, IF_ID, SA_DIR, NAT_KEEPALIVE, SA_PCPU) = (
     2, 4, 10, 11, 12, 14, 18, 17, 20, 21, 22, 23, 24, 29, 30, 31, 33, 34, 35)
DIR_OUT = 2
TRANSPORT, TUNNEL = 0, 1
AE_ALL = 0x1f
UDP_ENCAP_ESPINUDP = 2
FLAG_NOECN, FLAG_DECAP_DSCP, FLAG_NOPMTUDISC, FLAG_AF_UNSPEC, FLAG_ESN = (
    1, 2, 4, 32, 128)
DONT_ENCAP_DSCP, OSEQ_MAY_WRAP = 1, 2
INFINITE = 2 ** 64 - 1
INFO = 224                                      # struct xfrm_usersa_info

GCM = ('rfc4106(gcm(aes))', bytes(range(20)), 128)


def addr(text):
    """An address in the kernel's form: 16 bytes."""
    if ':' in text:
        return socket.inet_pton(socket.AF_INET6, text)
    return socket.inet_aton(text) + bytes(12)


def family(text):
    """The family of an address."""
    return socket.AF_INET6 if ':' in text else socket.AF_INET


def attr(kind, data):
    """One attribute, padded."""
    return (struct.pack('=HH', 4 + len(data), kind) + data +
            b'\0' * (-len(data) % 4))


def attrs(data):
    """The attributes in a message, by their number."""
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from('=HH', data)
        found[kind] = data[4:size]
        data = data[size + 3 & ~3:]
    return found


def alg(kind, name, key, icv=None):
    """The attribute of an algorithm."""
    head = struct.pack('=64sI', name.encode(), len(key) * 8)
    if icv is not None:
        head += struct.pack('=I', icv)
    return attr(kind, head + key)


def aead(key=GCM[1]):
    """AES-GCM, with this key or the default one."""
    return alg(ALG_AEAD, GCM[0], key, GCM[2])


class Sa:
    """The identity of an SA, and its properties."""

    # pylint: disable=too-many-arguments
    def __init__(self, src, dst, spi, *, mode=TUNNEL, reqid=0, flags=0,
                 window=0, seq=0, limits=(INFINITE,) * 4 + (0,) * 4,
                 more=b'', proto=50):
        self.src, self.dst, self.spi = src, dst, spi
        self.mode, self.reqid, self.flags = mode, reqid, flags
        self.window, self.seq, self.limits = window, seq, limits
        self.more, self.proto = more, proto

    def ident(self):
        """struct xfrm_usersa_id"""
        return struct.pack('=16s4sHBx', addr(self.dst),
                           struct.pack('!I', self.spi), family(self.dst),
                           self.proto)

    def info(self):
        """struct xfrm_usersa_info and the attributes"""
        body = bytes(56)                        # an empty selector
        body += struct.pack('=16s4sB3x', addr(self.dst),
                            struct.pack('!I', self.spi), self.proto)
        body += addr(self.src)
        body += struct.pack('=8Q', *self.limits) + bytes(32) + bytes(12)
        body += struct.pack('=IIHBBB7x', self.seq, self.reqid,
                            family(self.dst), self.mode, self.window,
                            self.flags)
        return body + self.more


class Xfrm:
    """A socket to the kernel."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                  NETLINK_XFRM)
        self.sock.bind((0, 0))
        self.seq = 0

    def _message(self, kind, body, flags):
        self.seq += 1
        body += b'\0' * (-len(body) % 4)
        return struct.pack('=IHHII', 16 + len(body), kind,
                           NLM_F_REQUEST | flags, self.seq, 0) + body

    def _send(self, kind, body, flags):
        self.sock.send(self._message(kind, body, flags))

    def _messages(self):
        data = self.sock.recv(1 << 20)
        while len(data) >= 16:
            size, kind, _, seq, _ = struct.unpack_from('=IHHII', data)
            if seq == self.seq:
                yield kind, data[16:size]
            data = data[size + 3 & ~3:]

    def ask(self, kind, body, flags=NLM_F_ACK):
        """Error number (0 for none), and the message that came back."""
        self._send(kind, body, flags)
        while True:
            for kind, answer in self._messages():
                if kind == NLMSG_ERROR:
                    return -struct.unpack_from('=i', answer)[0], None
                return 0, answer

    def batch(self, messages):
        """Send several messages in one datagram, so that no other key manager
        can act between them. Return their error numbers.
        """
        first = self.seq + 1
        self.sock.send(b''.join(
            self._message(kind, body, flags | NLM_F_ACK)
            for kind, body, flags in messages))
        errors = {}
        while len(errors) < len(messages):
            data = self.sock.recv(1 << 20)
            while len(data) >= 16:
                size, kind, _, seq, _ = struct.unpack_from('=IHHII', data)
                if seq >= first and kind == NLMSG_ERROR:
                    errors[seq] = -struct.unpack_from('=i', data, 16)[0]
                data = data[size + 3 & ~3:]
        return [errors[seq] for seq in sorted(errors)]

    def dump(self):
        """The destination, SPI and mode of all states, from one dump."""
        self._send(GETSA, b'', NLM_F_DUMP)
        found = []
        while True:
            for kind, answer in self._messages():
                if kind == NLMSG_DONE:
                    return found
                if kind == NEWSA:
                    found.append((answer[56:72], answer[72:76],
                                  answer[218]))

    def add(self, sa):
        """Add an SA."""
        return self.ask(NEWSA, sa.info(),
                        NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)[0]

    def message_to_add(self, sa):
        """The same, to be sent by others."""
        return self._message(NEWSA, sa.info(),
                             NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)

    def update(self, sa):
        """Update an SA."""
        return self.ask(UPDSA, sa.info())[0]

    def delete(self, sa):
        """Delete an SA."""
        return self.ask(DELSA, sa.ident())[0]

    def get(self, sa, mark=b''):
        """Get an SA."""
        return self.ask(GETSA, sa.ident() + mark, 0)

    def get_ae(self, sa, mark=b''):
        """Get the replay state and lifetimes of an SA."""
        body = sa.ident() + addr(sa.src) + struct.pack('=II', AE_ALL, 0)
        return self.ask(GETAE, body + mark, 0)

    def set_ae(self, sa, more):
        """Set the replay state of an SA."""
        body = sa.ident() + addr(sa.src) + struct.pack('=II', AE_ALL, 0)
        return self.ask(NEWAE, body + more,
                        NLM_F_ACK | 0x100)[0]   # NLM_F_REPLACE

    def flush(self):
        """Flush ESP."""
        return self.ask(FLUSHSA, struct.pack('=B', 50))[0]

    def flush_policies(self):
        """Flush the SPD."""
        return self.ask(FLUSHPOLICY, b'')[0]

    def migrate(self, src, old, new, new_src=None):
        """Move the SAs in tunnel mode to another destination, and maybe another
        source, for an outbound policy for all packets.
        """
        body = bytes(40) + struct.pack('=H', socket.AF_INET) + bytes(14)
        body += struct.pack('=IB3x', 0, 1)
        body += attr(USER_MIGRATE, addr(old) + addr(src) + addr(new) +
                     addr(new_src or src) +
                     struct.pack('=BBHIHH', 50, TUNNEL, 0, 0, family(old),
                                 family(new)))
        return self.ask(MIGRATE, body)[0]


def must(error, what):
    """Exit on an error."""
    if error:
        sys.exit('%s: %s' % (what, os.strerror(error)))


#
# All of a state
#

def show_info(info):
    """Lines about a struct xfrm_usersa_info."""
    yield 'sel.family', struct.unpack_from('=H', info, 40)[0]
    yield 'sel', (info[:40] + info[42:56]).hex()
    yield 'id', info[56:80].hex()
    yield 'saddr', info[80:96].hex()
    yield 'lft', struct.unpack_from('=8Q', info, 96)
    yield 'curlft', struct.unpack_from('=4Q', info, 160)
    yield 'stats', struct.unpack_from('=3I', info, 192)
    fields = struct.unpack_from('=IIHBBB', info, 204)
    for name, value in zip(('seq', 'reqid', 'family', 'mode', 'window',
                            'flags'), fields):
        yield name, value


def show(dst, *spis):
    """Print it all."""
    xfrm = Xfrm()
    mark = attr(MARK, struct.pack('=II', 5, 0xff))
    for spi in spis:
        sa = Sa('0.0.0.0', dst, int(spi, 0))
        error, info = xfrm.get(sa, mark)
        must(error, 'get')
        for name, value in show_info(info):
            print(spi, name, value)
        for kind, value in sorted(attrs(info[INFO:]).items()):
            print(spi, 'attribute', kind, value.hex())
        error, event = xfrm.get_ae(sa, mark)
        must(error, 'get ae')
        for kind, value in sorted(attrs(event[48:]).items()):
            print(spi, 'ae', kind, value.hex())


def esn(window, seq, oseq):
    """The replay state with ESN; only the last received packet is missing."""
    words = (window + 31) // 32
    return attr(REPLAY_ESN_VAL, struct.pack(
        '=6I%dI' % words, words, oseq & 0xffffffff, seq & 0xffffffff,
        oseq >> 32, seq >> 32, window, *(0xfffffffe,) * words))


def full(src, dst):
    """Add two outbound SAs: the first with the properties that go with ESN, an
    AEAD and UDP, the second with the others.
    """
    xfrm = Xfrm()
    common = attr(IF_ID, struct.pack('=I', 7))
    common += attr(MARK, struct.pack('=II', 5, 0xff))
    common += attr(SET_MARK, struct.pack('=I', 0x30))
    common += attr(SET_MARK_MASK, struct.pack('=I', 0xf0))
    common += attr(ETIMER_THRESH, struct.pack('=I', 3000))
    common += attr(REPLAY_THRESH, struct.pack('=I', 23))
    limits = (10 ** 9, 2 * 10 ** 9, 10 ** 6, 2 * 10 ** 6,
              20000, 30000, 40000, 50000)
    encap = attr(ENCAP, struct.pack('=H2s2s2x', UDP_ENCAP_ESPINUDP,
                                    struct.pack('!H', 4500),
                                    struct.pack('!H', 4501)) + bytes(16))
    first = common + aead() + encap + attr(EXTRA_FLAGS, struct.pack(
        '=I', DONT_ENCAP_DSCP))
    newer = attr(SA_DIR, struct.pack('=B', DIR_OUT))
    newer += attr(SA_PCPU, struct.pack('=I', 0))
    newer += attr(NAT_KEEPALIVE, struct.pack('=I', 3600))
    words = {'reqid': 42, 'limits': limits,
             'flags': (FLAG_NOECN | FLAG_NOPMTUDISC | FLAG_AF_UNSPEC |
                       FLAG_ESN)}
    # Older kernels have no direction attribute, and require a window in both
    # directions.
    error = xfrm.add(Sa(src, dst, 0x1001, more=first + newer +
                        esn(0, 0, 0x1_0000_0007), **words))
    if error == errno.EINVAL:
        error = xfrm.add(Sa(src, dst, 0x1001, more=first +
                            esn(64, 0x3_0000_0050, 0x1_0000_0007), **words))
    must(error, 'add with ESN')

    second = common + alg(ALG_CRYPT, 'cbc(aes)', bytes(range(16)))
    second += alg(ALG_AUTH_TRUNC, 'hmac(sha256)', bytes(range(32)), 128)
    second += attr(TFCPAD, struct.pack('=I', 600))
    second += attr(EXTRA_FLAGS, struct.pack('=I', OSEQ_MAY_WRAP))
    sa = Sa(src, dst, 0x1002, more=second, window=32, seq=9, reqid=43,
            flags=FLAG_DECAP_DSCP, limits=limits)
    must(xfrm.add(sa), 'add')
    replay = attr(REPLAY_VAL, struct.pack('=3I', 77, 99, 0x5555))
    must(xfrm.set_ae(sa, attr(MARK, struct.pack('=II', 5, 0xff)) + replay),
         'set replay state')


def alloc(src, dst, spi, if_id):
    """Reserve an SPI, as a key manager does before it negotiates the keys."""
    spi = int(spi, 0)
    body = Sa(src, dst, 0).info() + struct.pack('=II', spi, spi)
    must(Xfrm().ask(ALLOCSPI, body + attr(IF_ID, struct.pack(
        '=I', int(if_id))), 0)[0], 'alloc')


def coaddr(src, dst, spi, if_id):
    """Add an SA of a device, as for a mobile node."""
    more = aead() + attr(IF_ID, struct.pack('=I', int(if_id)))
    more += attr(COADDR, addr(src))
    must(Xfrm().add(Sa(src, dst, int(spi, 0), more=more)), 'add')


def expire(dst, spi):
    """Let an SA expire."""
    body = Sa('0.0.0.0', dst, int(spi, 0)).info() + struct.pack('=B7x', 1)
    must(Xfrm().ask(EXPIRE, body)[0], 'expire')


def pcpu(src, dst, spi, cpu, key):
    """Add an outbound SA of the device, in tunnel mode, for one CPU."""
    more = attr(IF_ID, struct.pack('=I', 7))
    more += attr(SA_DIR, struct.pack('=B', DIR_OUT))
    more += attr(SA_PCPU, struct.pack('=I', int(cpu)))
    more += aead(bytes.fromhex(key[2:]))
    must(Xfrm().add(Sa(src, dst, int(spi, 0), more=more)), 'add')


def add_all(sas):
    """Add these SAs, many in one message."""
    xfrm = Xfrm()
    sas = list(sas)
    for i in range(0, len(sas), 100):
        for error in xfrm.batch([(NEWSA, sa.info(), NLM_F_CREATE | NLM_F_EXCL)
                                 for sa in sas[i:i + 100]]):
            must(error, 'add')


def many(src, dst, spi, number, if_id):
    """Add cheap SAs of a device."""
    more = alg(ALG_AUTH_TRUNC, 'hmac(md5)', bytes(16), 96)
    more += attr(IF_ID, struct.pack('=I', int(if_id)))
    spi = int(spi, 0)
    add_all(Sa(src, dst, spi + i, mode=TRANSPORT, more=more, proto=51)
            for i in range(int(number)))


def busy(src, dst, spi, if_id):
    """Add an SA of a device. Until the other one is there, nothing else changes
    an SA of this namespace.
    """
    spi = int(spi, 0)
    more = aead() + attr(IF_ID, struct.pack('=I', int(if_id)))
    other = Sa('fd00::8', 'fd00::9', spi, mode=TRANSPORT, more=aead())
    for error in Xfrm().batch([
            (NEWSA, sa.info(), NLM_F_CREATE | NLM_F_EXCL)
            for sa in (Sa(src, dst, spi, more=more), other)]):
        must(error, 'add')


def strays(src, dst, if_id, number):
    """SAs of as many devices, none of which has these endpoints."""
    key = alg(ALG_AUTH_TRUNC, 'hmac(md5)', bytes(16), 96)
    add_all(Sa(src, dst, 0x100000 + i, mode=TRANSPORT, proto=51, more=key +
               attr(IF_ID, struct.pack('=I', int(if_id) + i)))
            for i in range(int(number)))


def tunnels(local, net, number):
    """Add the SAs of a key manager without if_id, for many peers."""
    for i in range(int(number)):
        peer = '%s.%d.%d' % (net, i >> 8, i & 255)
        key = aead(struct.pack('!I', i) + GCM[1][4:])
        add_all((Sa(local, peer, 0x10000 + i, more=key, flags=FLAG_AF_UNSPEC),
                 Sa(peer, local, 0x20000 + i, more=key,
                    flags=FLAG_AF_UNSPEC)))


def migrate(src, dst, other, times):
    """Move SAs in tunnel mode back and forth, as fast as possible."""
    xfrm = Xfrm()
    ends = dst, other
    for i in range(int(times)):
        error = xfrm.migrate(src, ends[i % 2], ends[1 - i % 2])
        if error == errno.ENOPROTOOPT:
            print('SKIP: no MIGRATE')
            return
        must(error, 'migrate')


def move_tunnels(src, dst, new_src, new_dst):
    """Move SAs in tunnel mode, once."""
    error = Xfrm().migrate(src, dst, new_dst, new_src)
    if error == errno.ENOPROTOOPT:
        print('SKIP: no MIGRATE')
        return
    must(error, 'migrate')


def move(*ends):
    """Move SAs in transport mode, for a policy for forwarded packets."""
    body = bytes(40) + struct.pack('=H', socket.AF_INET) + bytes(14)
    body += struct.pack('=IB3x', 0, 2)
    moves = b''
    for src, dst, new_src, new_dst in zip(*[iter(ends)] * 4):
        moves += addr(dst) + addr(src) + addr(new_dst) + addr(new_src)
        moves += struct.pack('=BBHIHH', 50, TRANSPORT, 0, 0, family(src),
                             family(new_src))
    error = Xfrm().ask(MIGRATE, body + attr(USER_MIGRATE, moves))[0]
    if error == errno.ENOPROTOOPT:
        print('SKIP: no MIGRATE')
        return
    must(error, 'migrate')


def move_state(dst, spi, new_src, new_dst):
    """Move one SA by its SPI."""
    # struct xfrm_user_migrate_state
    body = Sa('', dst, int(spi, 0)).ident() + addr(new_dst) + addr(new_src)
    body += bytes(8)                            # the old mark
    body += bytes(40) + struct.pack('=H', family(new_dst)) + bytes(14)
    body += struct.pack('=IIHH', 0, 0, family(new_dst), 0)
    error = Xfrm().ask(MIGRATE_STATE, body)[0]
    if error in (errno.EINVAL, errno.ENOPROTOOPT):
        print('SKIP: no MIGRATE_STATE')
        return
    must(error, 'migrate')


def forget(address):
    """Flush the policies and send a datagram. Work that the kernel defers on
    this processor runs after both.
    """
    xfrm = Xfrm()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    os.sched_setaffinity(0, {0})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    must(xfrm.flush_policies(), 'flush')
    sock.sendto(b'too late', (address, 9))


#
# Races
#

LOCAL, REMOTE, IF_ID_7 = '10.0.0.1', '10.0.0.2', struct.pack('=I', 7)

# The operations of a key manager on an SA. Those in parentheses go to the
# kernel in one datagram, so no adoption can come between them.
LIVES = (('add',), ('delete',)), (('add', 'delete'),), \
    (('add',), ('update',), ('delete',)), (('add', 'update'), ('delete',)), \
    (('add', 'update', 'delete'),), (('add',), ('flush',)), \
    (('add', 'flush'),), (('add',), ('update', 'flush')), \
    (('add', 'delete', 'add'), ('delete',)), \
    (('add',), ('delete', 'add', 'update'), ('delete',)), \
    (('add',), ('look',), ('update',), ('delete',)), \
    (('add',), ('wait',), ('delete',)), \
    (('add',), ('wait',), ('update',), ('flush',)), \
    (('add', 'update'), ('look',), ('flush',))


def background(function, *args):
    """Run a function in another process until that is killed."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        function(*args)
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except Exception:                           # pylint: disable=W0718
        traceback.print_exc(file=sys.stdout)
    finally:
        sys.stdout.flush()
        os._exit(status)                        # pylint: disable=W0212


def sender():
    """Send to the device for ever; most packets find no SA."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    data = b'must not be seen ' * 4
    while True:
        try:
            sock.sendto(data, ('192.168.2.1', 9))
        except OSError:
            pass


def one_state_per_sa():
    """Check all the time that no SA has two states."""
    xfrm = Xfrm()
    while True:
        states = [(dst, spi) for dst, spi, _ in xfrm.dump() if any(spi)]
        if len(states) != len(set(states)):
            print('FAIL: two states of one SA')
            sys.exit(1)


class Sniffer:
    """Check that there is only ESP on the wire, and that no sequence number of
    an SA comes twice.
    """

    def __init__(self, dev):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        # Only ETH_P_ALL sockets see outgoing packets.
        self.sock.bind((dev, ETH_P_ALL))
        self.seen = set()

    def look(self, packet):
        """Check an outgoing packet."""
        if packet[9] != 50:
            print('FAIL: protocol', packet[9], 'on the wire:', packet.hex())
            sys.exit(1)
        number = packet[20:28]
        if number in self.seen:
            print('FAIL: SPI and sequence number twice:', number.hex())
            sys.exit(1)
        self.seen.add(number)

    def run(self):
        """Run until SIGTERM, and until no packets are left."""
        signal.signal(signal.SIGTERM,
                      lambda *_: self.sock.setblocking(False))
        while True:
            try:
                packet, address = self.sock.recvfrom(2048)
            except BlockingIOError:
                break
            if (address[1] == ETH_P_IP and
                    address[2] == socket.PACKET_OUTGOING):
                self.look(packet)
        print(len(self.seen), 'packets on the wire')
        if not self.seen:
            sys.exit(1)


class Hammer:
    """A fast key manager, which must find the SAs that it has added."""

    def __init__(self):
        self.xfrm = Xfrm()
        self.random = random.Random(1)
        self.number = self.adopted = self.looked = 0

    def attributes(self):
        """The algorithms of an SA, with a unique key."""
        key = struct.pack('!I', self.number) + GCM[1][4:]
        return aead(key) + attr(IF_ID, IF_ID_7)

    def sa(self, number):
        """The description of a new SA."""
        return Sa(LOCAL, REMOTE, 0x10000 + number, reqid=number,
                  flags=FLAG_AF_UNSPEC)

    def mode(self, sa):
        """The mode of the state, which must exist."""
        error, info = self.xfrm.get(sa)
        must(error, 'get')
        return info[218]

    def wait(self, sa):
        """Wait until the SA is adopted."""
        end = time.monotonic() + 60
        while self.mode(sa) != TRANSPORT:
            if time.monotonic() > end:
                sys.exit('FAIL: not adopted')
            time.sleep(0.001)

    def message(self, sa, word):
        """The kind, body and flags of the message for an operation."""
        if word == 'add':
            # The SA restarts, so it needs another key. The sniffer does not
            # know keys, so the sequence numbers start higher each time, and
            # none repeats.
            self.number += 1
            sa.adds = getattr(sa, 'adds', -1) + 1
            sa.more = self.attributes() + attr(REPLAY_VAL, struct.pack(
                '=3I', sa.adds << 20, 0, 0))
            return NEWSA, sa.info(), NLM_F_CREATE | NLM_F_EXCL
        if word == 'update':
            return UPDSA, sa.info(), 0
        if word == 'delete':
            return DELSA, sa.ident(), 0
        return FLUSHSA, struct.pack('=B', 50), 0

    def live(self, sa, words):
        """Do these operations on the SA in one datagram."""
        if words == ('wait',):
            self.wait(sa)
        elif words == ('look',):
            self.adopted += self.mode(sa) == TRANSPORT
            self.looked += 1
        else:
            for word, error in zip(words, self.xfrm.batch(
                    [self.message(sa, word) for word in words])):
                must(error, '%s in %s' % (word, words))

    def receive(self):
        """Add an inbound SA."""
        sa = Sa(REMOTE, LOCAL, 0x77, flags=FLAG_AF_UNSPEC,
                more=self.attributes())
        if self.xfrm.get(sa)[0]:
            must(self.xfrm.add(sa), 'add the inbound SA')
        return sa

    def round(self, number):
        """Run one sequence of operations on an SA, during which another may
        start.
        """
        sa, other = self.sa(2 * number), self.sa(2 * number + 1)
        life = self.random.choice(LIVES)
        rekey = self.random.random() < 0.2
        if rekey:
            self.live(other, ('add',))
        for words in life:
            self.live(sa, words)
        error, info = self.xfrm.get(sa)
        if error != errno.ESRCH:
            sys.exit('FAIL: after %s there still is SPI 0x%x: error %d, %s' %
                     (life, sa.spi, error, info and info.hex()))
        if rekey and 'flush' not in life[-1]:
            self.live(other, ('delete',))


def race(rounds, both=''):
    """Add, update, delete and flush SAs in a race with the adoption; both: with
    SAs in both directions.
    """
    sniffer = Sniffer('eth0')
    pids = [background(sender), background(one_state_per_sa),
            background(sniffer.run)]
    hammer = Hammer()
    started = time.monotonic()
    try:
        for number in range(int(rounds)):
            if both:
                hammer.receive()
            hammer.round(number)
        if both:
            must(hammer.xfrm.delete(hammer.receive()), 'delete')
    finally:
        # End the sniffer last.
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
            if os.waitpid(pid, 0)[1]:
                sys.exit('FAIL: see above')
    print('%s rounds, %d SAs, %d of %d adopted when looked at, %d s' % (
        rounds, hammer.number, hammer.adopted, hammer.looked,
        time.monotonic() - started))


if __name__ == '__main__':
    {'full': full, 'show': show, 'alloc': alloc, 'coaddr': coaddr, 'expire': expire,
     'pcpu': pcpu, 'many': many, 'busy': busy, 'strays': strays,
     'tunnels': tunnels, 'migrate': migrate, 'move_tunnels': move_tunnels,
     'move': move, 'move_state': move_state, 'forget': forget,
     'race': race}[sys.argv[1]](*sys.argv[2:])
