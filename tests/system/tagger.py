#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Passes frames between an interface that carries VLANs and others, each of
which is in one: what the kernel's VLAN interfaces do, where it has none.

usage: tagger.py TRUNK INTERFACE=VLAN...
"""

import select
import socket
import struct
import sys

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_OUTGOING = 4
TP_STATUS_VLAN_VALID = 1 << 4
# What struct tpacket_auxdata holds.
AUXDATA = struct.Struct("=IIIHHHH")


def opened(interface):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         socket.htons(ETH_P_ALL))
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    sock.bind((interface, 0))
    return sock


def received(sock):
    """A frame that came in, without its tag, and that tag's VLAN or None."""
    frame, ancillary, _, address = sock.recvmsg(65536, 256)
    if address[2] == PACKET_OUTGOING:
        return None, None
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, _ = AUXDATA.unpack(data[:AUXDATA.size])
            if status & TP_STATUS_VLAN_VALID:
                return frame, tci & 0xfff
    if frame[12:14] == b"\x81\x00":
        return (frame[:12] + frame[16:],
                struct.unpack("!H", frame[14:16])[0] & 0xfff)
    return frame, None


def main(trunk_name, *members):
    trunk = opened(trunk_name)
    vlans = {}
    for member in members:
        name, vlan = member.split("=")
        vlans[int(vlan)] = opened(name)
    socks = {sock: vlan for vlan, sock in vlans.items()}
    print("ready", flush=True)
    while True:
        for sock in select.select([trunk, *socks], [], [])[0]:
            frame, vlan = received(sock)
            try:
                if frame and sock is trunk and vlan in vlans:
                    vlans[vlan].send(frame)
                elif frame and sock is not trunk:
                    trunk.send(frame[:12]
                               + struct.pack("!HH", 0x8100, socks[sock])
                               + frame[12:])
            except OSError:
                pass                # Down, or too large: lost, as on a wire.


if __name__ == "__main__":
    main(*sys.argv[1:])
