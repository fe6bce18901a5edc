#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Sends packets to a roaming device from different addresses of its peer; see
natt.sh.
usage: roam.py TEST EVENTS
  alternate  from two addresses in turn
  late       late packets, and replayed ones
EVENTS is a file to which "ipsec-ipip -j monitor" writes.
"""
import json
import sys
import time

from packet import check, main, until
from receive import Lab

OLD, ONE, OTHER = '10.0.0.1', '10.0.0.77', '10.0.0.88'


def moves(events):
    """The addresses to which the device has followed its peer, in order."""
    with open(events, encoding='ascii') as file:
        said = [json.loads(line) for line in file
                if line[0] == '{' and line[-1] == '\n']
    return [event['peer'] for event in said if event['event'] == 'peer']


def moved(events, *where):
    """Check that the device has followed to exactly these addresses."""
    until('moves to ' + ', '.join(where),
          lambda: len(moves(events)) >= len(where))
    check(moves(events) == list(where), 'moves to', moves(events))


def sources(lab):
    """The sources of the inbound states."""
    text = lab.right.run('ip', 'xfrm', 'state', 'list', 'dst', '10.0.0.2')
    return {line.split()[1] for line in text.splitlines()
            if line.startswith('src ')}


def alternate(events):
    """Check that the device moves at most once a second, and ends at the source
    of the newest packet.
    """
    lab = Lab()
    sa = lab.sa('transport')
    start = time.monotonic()
    sent = 0

    while sent < 100 or time.monotonic() < start + 3:
        lab.send(lab.wrap(sa, lab.datagram(), src=(ONE, OTHER)[sent % 2]))
        sent += 1

    def last_move():
        lab.send(lab.wrap(sa, lab.datagram(), src=OTHER))
        return sources(lab) == {OTHER}
    until('last move', last_move)
    most = time.monotonic() - start + 1
    print(sent, 'packets by turns:', moves(events))
    check(len(moves(events)) <= most, 'more than', most, 'moves')
    check('rx_outer_address' not in lab.refused_now(), lab.refused_now())


def late(events):
    """Check that only the newest packet moves the peer, in either mode."""
    lab = Lab()
    here, where = OLD, []

    for name, there, elsewhere in (('transport', ONE, OTHER),
                                   ('tunnel', OTHER, ONE)):
        sa = lab.sa(name)
        packet = lab.datagram()
        wire = lab.wrap(sa, packet, src=here)
        lab.arrives(sa, packet, wire=wire)
        sa.seq += 10
        lab.arrives(sa, src=there)
        where.append(there)
        moved(events, *where)
        # Late, but not replayed
        lab.arrives(sa, src=elsewhere, seq=sa.seq - 5)
        time.sleep(1.5)
        moved(events, *where)
        # The states have followed, with their replay windows.
        check(sources(lab) == {there}, sources(lab))
        lab.send(wire)
        lab.count('rx_crypto')
        lab.arrives(sa, src=there)
        lab.nothing_arrived('replayed packet')
        here = there
    lab.counters_add_up()


def run(tests):
    """The test of the command line."""
    tests[sys.argv[1]](sys.argv[2])


if __name__ == '__main__':
    main(run, globals())
