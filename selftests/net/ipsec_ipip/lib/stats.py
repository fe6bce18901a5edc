#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes a device refuse known numbers of packets for every reason, with good
packets between them, and checks all places that report it; see stats.sh.
usage: stats.py TEST
"""
import os
import re
import socket
import sys

from packet import (
    DF, ETH_P_IP, check, filler, ipv4, main, udp, until)
from receive import INNER, OUTER, PORT, Lab, flip

PEER, HOST = OUTER[4]
INNER_PEER, INNER_HOST = INNER[4]
TRACING = '/sys/kernel/tracing'
ETH_P_EXPERIMENT = 0x88b5

# The core's drop reasons for packets that are freed on transmit.
CORE = {
    'tx_no_sa': 'XFRM_POLICY',
    'tx_no_route': 'IP_OUTNOROUTES',
    'tx_loop': 'IP_OUTNOROUTES',
    'tx_protocol': 'UNHANDLED_PROTO',
    'tx_too_big': 'PKT_TOO_BIG',
    'tx_malformed': 'IP_INHDR',
}

# The reasons that each counter of the interface sums up.
INTERFACE = {
    ('tx', 'errors'): ('tx_no_sa', 'tx_no_route', 'tx_loop', 'tx_error'),
    ('tx', 'carrier_errors'): ('tx_no_sa', 'tx_no_route'),
    ('tx', 'collisions'): ('tx_loop',),
    ('tx', 'aborted_errors'): ('tx_error',),
    ('tx', 'dropped'): ('tx_protocol', 'tx_too_big', 'tx_malformed'),
    ('rx', 'errors'): ('rx_malformed', 'rx_ecn', 'rx_outer_address',
                       'rx_protocol', 'rx_crypto', 'rx_selector'),
    ('rx', 'frame_errors'): ('rx_malformed', 'rx_ecn'),
    ('rx', 'dropped'): ('rx_down',),
}

# These are counted but are not errors, so no counter of the interface has them.
HARMLESS = ('rx_dummy', 'rx_ecn_odd')

# Not tested here: only adopted SAs have selectors for sent packets, and a path
# error refuses no packet but is relayed to the next sender.
ELSEWHERE = ('tx_selector', 'tx_path_error')


class Trace:
    """A separate trace instance, so that other users can have theirs."""

    def __init__(self):
        self.dir = '%s/instances/ipsi-%d' % (TRACING, os.getpid())
        os.mkdir(self.dir)
        for event in ('ipsec_ipip', 'skb/kfree_skb'):
            self.write('events/%s/enable' % event, '1')

    def write(self, name, text):
        """Write to one of its files."""
        with open(os.path.join(self.dir, name), 'w', encoding='ascii') as file:
            file.write(text)

    def lines(self, event):
        """The lines of one event, as dictionaries."""
        with open(self.dir + '/trace', encoding='ascii') as file:
            parts = [line.partition(' %s: ' % event)[2] for line in file]
        return [dict(re.findall(r'(\w+)[=:] ?(\S+)', part))
                for part in parts if part]

    def end(self):
        """Remove the instance."""
        self.write('events/enable', '0')
        os.rmdir(self.dir)


class Counted(Lab):
    """The lab of receive.sh, which can also send through the device."""

    def __init__(self):
        super().__init__()
        self.sent = self.sent_bytes = 0
        with self.right:
            self.out = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)

    def send_inner(self, packet, proto=ETH_P_IP):
        """Send a packet through the device."""
        self.out.sendto(packet, ('ipsec0', proto))

    def passes(self, count=1):
        """Check that good packets leave."""
        packet = ipv4(INNER_HOST, INNER_PEER, 17,
                      udp(INNER_HOST, INNER_PEER, PORT, PORT, filler(30)))
        for _ in range(count):
            self.answers.all_seen()
            self.send_inner(packet)
            self.answers.wait('ESP on the wire')
            self.sent += 1
            self.sent_bytes += len(packet)

    def not_sent(self, reason, count, packet=None, proto=ETH_P_IP):
        """Check that packets are refused at once and for this reason."""
        packet = packet or ipv4(INNER_HOST, INNER_PEER, 17, udp(
            INNER_HOST, INNER_PEER, PORT, PORT))
        self.answers.all_seen()
        for _ in range(count):
            self.send_inner(packet, proto)
        check(not self.answers.all_seen(), reason, 'left all the same')
        self.counted[reason] = self.counted.get(reason, 0) + count
        print('not sent:', reason, count)

    def sa_out(self, *words):
        """Add or delete an outbound SA."""
        if words[0] == 'add':
            words += ('enc', 'cbc(aes)', os.environ['KEY'],
                      'auth-trunc', 'hmac(sha256)', os.environ['AUTH'], '128')
        self.right.run('ipsec-ipip', 'sa', words[0], 'ipsec0', 'out', 'spi',
                       *words[1:])


def provoke_sent(lab):
    """Test each reason not to send."""
    run = lab.right.run
    lab.not_sent('tx_no_sa', 3)
    lab.sa_out('add', '0x3001')
    lab.passes()
    lab.not_sent('tx_protocol', 2, filler(40), ETH_P_EXPERIMENT)
    lab.not_sent('tx_malformed', 4, b'\x65' + bytes(39))
    lab.not_sent('tx_loop', 1, ipv4(HOST, PEER, 17, udp(HOST, PEER, 1, 2)))
    lab.passes()
    run('ip', 'route', 'del', '10.0.0.0/24', 'dev', 'eth0')
    lab.not_sent('tx_no_route', 2)
    run('ip', 'route', 'add', '10.0.0.0/24', 'dev', 'eth0')
    lab.passes()
    run('ip', 'link', 'set', 'ipsec0', 'mtu', '1500')
    lab.not_sent('tx_too_big', 5, ipv4(INNER_HOST, INNER_PEER, 17, udp(
        INNER_HOST, INNER_PEER, 1, 2, filler(1460)), frag=DF))
    lab.passes()
    # The sequence numbers are used up.
    lab.sa_out('del', '0x3001')
    lab.sa_out('add', '0x3002', 'seq', '4294967295')
    lab.not_sent('tx_error', 1)
    lab.sa_out('add', '0x3003')
    lab.passes(2)


def provoke_received(lab):
    """Test each reason not to accept."""
    sa = lab.sa('transport')
    lab.arrives(sa)
    wire = sa.packet(PEER, HOST, lab.datagram())
    lab.refused(sa, 'corrupted', flip(wire, -1 % len(wire)), 'rx_crypto')
    lab.refused(sa, 'from elsewhere', sa.packet(
        '10.0.0.77', HOST, lab.datagram()), 'rx_outer_address')
    for number in (17, 6):
        lab.refused(sa, 'next header %d' % number, sa.packet(
            PEER, HOST, filler(40), number), 'rx_protocol')
    for version in (0, 6, 15):
        lab.refused(sa, 'version %d' % version, sa.packet(
            PEER, HOST, lab.datagram(version=version)), 'rx_malformed')
    lab.refused(sa, 'congestion that cannot be', sa.packet(
        PEER, HOST, lab.datagram(), tos=3), 'rx_ecn')
    lab.refused(sa, 'dummy', sa.packet(PEER, HOST, filler(40), 59),
                'rx_dummy')
    lab.refused(sa, 'not among the selectors', lab.sa('selector').packet(
        PEER, HOST, lab.datagram()), 'rx_selector')
    lab.arrives(sa, lab.datagram(tos=3), 'odd congestion', tos=1)
    lab.counted['rx_ecn_odd'] = 1
    lab.right.run('ip', 'link', 'set', 'ipsec0', 'down')
    for _ in range(4):
        lab.send(sa.packet(PEER, HOST, lab.datagram()))
    lab.counted['rx_down'] = 4
    until('counter', lambda: lab.refused_now().get('rx_down') == 4)
    lab.right.run('ip', 'link', 'set', 'ipsec0', 'up')
    lab.arrives(sa)


def interface_adds_up(lab):
    """Check that each reason is counted once in the interface's errors or
    drops, and that refused and accepted packets add up to all.
    """
    link = lab.device.link()
    for (way, name), reasons in INTERFACE.items():
        expected = sum(lab.counted[reason] for reason in reasons)
        check(link[way][name] == expected, way, name, link[way][name],
              'instead of', expected)
    for way, packets, size in (('tx', lab.sent, lab.sent_bytes),
                               ('rx', lab.delivered, lab.bytes)):
        check(link[way]['packets'] == packets, way, 'packets', link[way],
              'instead of', packets)
        check(link[way]['bytes'] == size, way, 'bytes', link[way],
              'instead of', size)
        refused = sum(count for reason, count in lab.counted.items()
                      if reason.startswith(way) and reason not in HARMLESS)
        check(link[way]['errors'] + link[way]['dropped'] == refused, way,
              'errors and drops', link[way], 'instead of', refused)
    print('interface:', link)


def ethtool_agrees(lab):
    """Check that ethtool has the same numbers and names."""
    text = lab.right.run('ethtool', '-S', 'ipsec0')
    seen = {name: int(value) for name, value in
            re.findall(r'^\s*(\w+): (\d+)$', text, re.M)}
    check(seen == lab.device.show()['stats'], 'ethtool', text)
    text = lab.right.run('ethtool', '-i', 'ipsec0')
    check('driver: ipsec-ipip\n' in text, 'driver', text)
    text = lab.right.run('ethtool', 'ipsec0')
    check('Link detected: yes' in text, 'link', text)


def trace_agrees(lab, trace):
    """Check that each refused packet was traced once, with its reason and SA.
    """
    events = trace.lines('ipsec_ipip_refused')
    seen = {}
    for event in events:
        reason = event['reason']
        seen[reason] = seen.get(reason, 0) + 1
        check(event['dev'] == 'ipsec0' and event['dir'] == reason[:2],
              'event', event)
        # On transmit, a packet has an SA only if the SA refused it.
        sa = {'tx_error': '0x00003002', 'tx_too_big': '0x00003001',
              'rx_selector': '0x00001006'}.get(
                  reason, '0x00001001' if event['dir'] == 'rx' else
                  '0x00000000')
        check(event['spi'] == sa, 'SPI of', event, 'instead of', sa)
    # Packets accepted in an unused ECN state are not refused.
    expected = {reason: count for reason, count in lab.counted.items()
                if reason != 'rx_ecn_odd'}
    check(seen == expected, 'trace', seen, 'instead of', expected)

    # An address may be reused by another packet later.
    freed = {(event['skbaddr'], event['reason'])
             for event in trace.lines('kfree_skb')}
    for event in events:
        core = CORE.get(event['reason'])
        check(not core or (event['skbaddr'], core) in freed, event,
              'was not freed as', core)

    told = [(event['event'], event['spi'])
            for event in trace.lines('ipsec_ipip_sa')]
    for event in (('add', '0x00003001'), ('del', '0x00003001'),
                  ('expire_hard', '0x00003002'), ('activate', '0x00003003')):
        check(event in told, event, 'is not among', told)


def reasons():
    """Check each reason in each place."""
    if not os.path.isdir(TRACING + '/instances'):
        print('tracefs is not mounted on', TRACING)
        sys.exit(4)
    trace = Trace()
    try:
        lab = Counted()
        provoke_sent(lab)
        provoke_received(lab)
        stats = lab.device.show()['stats']
        for reason in ELSEWHERE:
            check(stats.pop(reason) == 0, reason, 'out of nothing')
        check(stats == lab.counted, 'counters', stats, 'instead of',
              lab.counted)
        check(all(stats.values()), 'not every reason was provoked', stats)
        interface_adds_up(lab)
        ethtool_agrees(lab)
        trace_agrees(lab, trace)
    finally:
        trace.end()


if __name__ == '__main__':
    main(globals()[sys.argv[1]])
