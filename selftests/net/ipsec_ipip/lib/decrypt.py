#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Decrypts a device's packets with scapy, and encrypts packets for it; see
decrypt.sh.
usage: decrypt.py scapy | capture FILE
  capture: only write the device's packets to FILE, for other programs
"""
import json
import os
import socket
import struct
import sys

from packet import (
    DF, Ah, Esp, Netns, Wire, check, filler, icmp_echo, ip_field, ipv4, main,
    udp, unhex)

if sys.argv[1] == 'scapy':
    try:
        from scapy.layers.inet import IP
        from scapy.layers.ipsec import (
            AH, ESP, IPSecIntegrityError, SecurityAssociation)
    except ModuleNotFoundError:
        print('scapy is missing')
        sys.exit(4)

PEER, HOST = '10.0.0.1', '10.0.0.2'             # outer addresses
INNER_PEER, INNER_HOST = '192.168.1.1', '192.168.2.1'
SIZES = (28, 29, 30, 31, 32, 33, 43, 44, 59, 84, 100, 500, 1000, 1400)


def association(words, src, dst):
    """The SA as a scapy object."""
    tunnel = IP(src=src, dst=dst)
    if words['proto'] == 'ah':
        return SecurityAssociation(
            AH, spi=words['spi'], auth_algo='SHA2-256-128',
            auth_key=unhex(words['auth_key']), tunnel_header=tunnel)
    if words['cipher'] == 'gcm':
        return SecurityAssociation(
            ESP, spi=words['spi'], crypt_algo='AES-GCM',
            crypt_key=unhex(words['key']), tunnel_header=tunnel)
    return SecurityAssociation(
        ESP, spi=words['spi'],
        crypt_algo='AES-CBC' if words['cipher'] == 'cbc' else 'NULL',
        crypt_key=unhex(words['key']), auth_algo='SHA2-256-128',
        auth_key=unhex(words['auth_key']), tunnel_header=tunnel)


def hand_made(words):
    """The same SA for our own code, which other tests rely on."""
    words = dict(words)
    return Ah(**words) if words.pop('proto') == 'ah' else Esp(**words)


def pcap_record(packet):
    """A packet for a capture file with raw IP."""
    return struct.pack('=IIII', 0, 0, len(packet), len(packet)) + packet


def sent_by_device(words):
    """Make the device send, and yield each inner packet with its outer packet.
    """
    right = Netns(os.environ['right'])
    wire = Wire(Netns(os.environ['left']), 'eth0')
    number = 51 if words['proto'] == 'ah' else 50

    right.run('ipsec-ipip', 'sa', 'activate', 'ipsec0', 'spi',
              str(words['spi']), 'proto', words['proto'])
    with right:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW,
                            socket.IPPROTO_RAW)
    for seq, size in enumerate(SIZES, 1):
        packet = ipv4(INNER_HOST, INNER_PEER, 1, icmp_echo(
            filler(size - 28), seq=seq, ident=words['spi']), ident=seq,
                      frag=DF, tos=4 * seq)
        raw.sendto(packet, (INNER_PEER, 0))
        yield packet, wire.wait('packet', lambda seen: ip_field(
            seen, 'proto') == number)


def device_sends(words):
    """scapy decrypts the device's packets, and gets the original ones."""
    sa = association(words, HOST, PEER)

    for seq, (packet, sent) in enumerate(sent_by_device(words), 1):
        outer = IP(sent)
        check(outer[sa.proto].seq == seq, 'sequence number',
              outer[sa.proto].seq, 'instead of', seq)
        try:
            inner = bytes(sa.decrypt(outer))
        except IPSecIntegrityError as error:
            check(False, 'scapy refuses packet', seq, error)
        check(inner == packet, 'inner packet changed', packet.hex(),
              inner.hex())
    print('device to scapy:', len(SIZES), 'packets,', words)


def device_receives(words):
    """The device receives scapy's packets, and delivers the original ones."""
    right, left = Netns(os.environ['right']), Netns(os.environ['left'])
    link = Wire(left, 'eth0', link=True)
    mac = Wire(right, 'eth0').mac
    inside = Wire(right, 'ipsec0')
    sa = association(words, PEER, HOST)

    for seq, size in enumerate(SIZES, 1):
        packet = ipv4(INNER_PEER, INNER_HOST, 17, udp(
            INNER_PEER, INNER_HOST, 1, 2, filler(size - 28)), ident=seq)
        sealed = bytes(sa.encrypt(IP(packet)))
        link.send(sealed, mac)
        seen = inside.wait('packet %d from scapy, %s' % (seq, words))
        check(seen == packet, 'changed', packet.hex(), seen.hex())
    # Except for the IV, scapy's next packet equals that of our own code, so the
    # packets of the other tests are right too.
    own = hand_made(words)
    payload = packet
    theirs = IP(bytes(sa.encrypt(IP(packet))))
    if words['proto'] == 'ah':
        ours = own.packet(PEER, HOST, payload, seq=sa.seq_num - 1,
                          ident=theirs.id)
        check(ours == bytes(theirs), 'AH by hand differs from scapy')
    else:
        check(Esp.trailer(own.open(bytes(theirs.payload))[1]) ==
              (packet, 4), 'ESP by hand cannot read scapy')
        opened = sa.decrypt(IP(own.packet(PEER, HOST, payload)))
        check(bytes(opened) == packet, 'scapy cannot read ESP by hand')
    print('scapy to device:', len(SIZES), 'packets,', words)


def scapy():
    """Run the test with each SA of the environment."""
    sas = json.loads(os.environ['SAS'])
    for words in sas['out']:
        device_sends(words)
    for words in sas['in']:
        device_receives(words)


def capture(path):
    """Write the device's packets to a capture file."""
    with open(path, 'wb') as pcap:
        pcap.write(struct.pack('=IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535,
                               101))
        for words in json.loads(os.environ['SAS'])['out']:
            for _, sent in sent_by_device(words):
                pcap.write(pcap_record(sent))


if __name__ == '__main__':
    main({'scapy': scapy, 'capture': capture}[sys.argv[1]], *sys.argv[2:])
