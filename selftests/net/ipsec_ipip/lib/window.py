#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends replayed and late packets to SAs with replay windows of many widths; see
lifetimes.sh.
usage: window.py TEST
"""
import json
import os
import sys

from packet import check, main, xfrm_stat
from receive import Lab, flip


def windows():
    """RFC 4303 section 3.4.3: each number is accepted once, and not if too old.
    """
    lab = Lab()
    refused = 0

    for name in json.loads(os.environ['SAS']):
        sa = lab.sa(name)
        width = int(name)

        def late(by, sa=sa):
            packet = lab.datagram()
            return packet, lab.wrap(sa, packet, seq=sa.seq - by)

        what = 'window %d, ' % width
        sa.seq = 10000
        lab.arrives(sa)
        packet, wire = late(width - 1)
        lab.arrives(sa, packet, what + 'late by one less', wire)
        lab.refused(sa, what + 'the same again', wire, 'rx_crypto')
        lab.refused(sa, what + 'late by as much', late(width)[1], 'rx_crypto')
        lab.refused(sa, what + 'late by more', late(width + 1)[1], 'rx_crypto')
        # A packet that is not authentic does not move the window.
        wire = lab.wrap(sa, lab.datagram(), seq=sa.seq + 100000)
        lab.refused(sa, what + 'forged far ahead', flip(wire, len(wire) - 1),
                    'rx_crypto')
        packet, wire = late(width - 1)
        lab.arrives(sa, packet, what + 'late by one less, after all', wire)
        # A number far ahead resets the window.
        sa.seq += 5000
        lab.arrives(sa)
        packet, wire = late(width - 1)
        lab.arrives(sa, packet, what + 'late by one less, further on', wire)
        lab.refused(sa, what + 'late by as much, further on', late(width)[1],
                    'rx_crypto')
        refused += 4
    lab.counters_add_up()
    stats = xfrm_stat(lab.right)
    check(stats.get('XfrmInStateSeqError') == refused, 'SeqError', stats)


def no_window():
    """Without a window, all authentic packets are accepted."""
    lab = Lab()
    sa = lab.sa('none')

    packet = lab.datagram()
    wire = lab.wrap(sa, packet)
    for what in ('first', 'again', 'once more'):
        lab.arrives(sa, packet, what, wire)
    # as after a reboot of the peer
    sa.seq = 100000
    lab.arrives(sa)
    sa.seq = 0
    lab.arrives(sa)
    lab.counters_add_up()


if __name__ == '__main__':
    main(globals()[sys.argv[1]])
