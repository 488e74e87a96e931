# SPDX-License-Identifier: Apache-2.0
"""Frames as bytes: made, sent from a VM past its own network stack, and
captured.  For tests of what a switch lets through."""

import ipaddress
import selectors
import socket
import struct
import time

from . import netns
from .traffic import checksum

ETH_P_ALL = 0x0003
ETH_IP, ETH_ARP = 0x0800, 0x0806
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def mac_text(data):
    return ":".join("%02x" % b for b in data)


def _ip(text):
    return ipaddress.ip_address(text).packed


def ethernet(dst, src, kind, payload):
    frame = mac_bytes(dst) + mac_bytes(src) + struct.pack("!H", kind)
    return (frame + payload).ljust(60, b"\0")


def arp(dst, src, operation, sender, sender_ip, target, target_ip):
    """An ARP packet (operation 1 asks, 2 answers); MACs and IPs as text."""
    return ethernet(dst, src, ETH_ARP, struct.pack(
        "!HHBBH6s4s6s4s", 1, ETH_IP, 6, 4, operation, mac_bytes(sender),
        _ip(sender_ip), mac_bytes(target), _ip(target_ip)))


def arp_question(src, src_ip, target_ip):
    return arp(BROADCAST, src, 1, src, src_ip, "00:00:00:00:00:00", target_ip)


def ipv4(dst, src, src_ip, dst_ip, protocol, payload):
    """An IPv4 packet without options."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64,
                       protocol, 0, _ip(src_ip), _ip(dst_ip))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return ethernet(dst, src, ETH_IP, head + payload)


def udp(dst, src, src_ip, dst_ip, src_port, dst_port, payload):
    size = 8 + len(payload)
    text = struct.pack("!HHHH", src_port, dst_port, size, 0) + payload
    pseudo = _ip(src_ip) + _ip(dst_ip) + struct.pack("!BBH", 0, 17, size)
    total = checksum(pseudo + text) or 0xffff
    return ipv4(dst, src, src_ip, dst_ip, 17,
                text[:6] + struct.pack("!H", total) + payload)


def send(vm, *frames):
    """Sends 'frames' out of a VM's eth0, whatever they claim."""
    send_on(vm.ns, "eth0", *frames)


def send_on(ns, link, *frames):
    """Sends 'frames' out of interface 'link' of namespace 'ns'."""
    with netns.socket_in(ns, socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((link, 0))
        for frame in frames:
            sock.send(frame)


class Capture:
    """All frames that arrive at an interface of a namespace, from now on."""

    def __init__(self, ns, link="eth0", outgoing=False):
        self.sock = netns.socket_in(ns, socket.AF_PACKET, socket.SOCK_RAW,
                                    socket.htons(ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # RCVBUFFORCE
        self.sock.bind((link, ETH_P_ALL))
        self.sock.setblocking(False)
        self.outgoing = outgoing
        self.frames = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def read(self):
        """Returns all frames up to now."""
        try:
            while True:
                data, address = self.sock.recvfrom(65535)
                if self.outgoing or address[2] != socket.PACKET_OUTGOING:
                    self.frames.append(data)
        except BlockingIOError:
            pass
        return self.frames

    def wait(self, wanted, seconds=3.0):
        """Returns the first frame for which wanted(frame) is true, or None if
        there is none within 'seconds'."""
        selector = selectors.DefaultSelector()
        selector.register(self.sock, selectors.EVENT_READ)
        end = time.monotonic() + seconds
        try:
            while True:
                for frame in self.read():
                    if wanted(frame):
                        return frame
                left = end - time.monotonic()
                if left <= 0:
                    return None
                selector.select(left)
        finally:
            selector.close()

    def close(self):
        self.sock.close()


def parse(frame):
    """Returns what a frame is: {"dst", "src", "kind"} and, of IPv4, "src_ip",
    "dst_ip", "protocol", "payload"; of ARP "operation", "sender",
    "sender_ip", "target_ip"."""
    found = {"dst": mac_text(frame[:6]), "src": mac_text(frame[6:12]),
             "kind": struct.unpack("!H", frame[12:14])[0]}
    body = frame[14:]
    if found["kind"] == ETH_IP and len(body) >= 20:
        head = (body[0] & 15) * 4
        length = struct.unpack("!H", body[2:4])[0]
        found.update(src_ip=socket.inet_ntoa(body[12:16]),
                     dst_ip=socket.inet_ntoa(body[16:20]),
                     protocol=body[9], payload=body[head:length])
    elif found["kind"] == ETH_ARP and len(body) >= 28:
        found.update(operation=struct.unpack("!H", body[6:8])[0],
                     sender=mac_text(body[8:14]),
                     sender_ip=socket.inet_ntoa(body[14:18]),
                     target_ip=socket.inet_ntoa(body[24:28]))
    return found


def of_udp(frame):
    """Returns (source port, destination port, payload) of a frame that holds
    UDP in IPv4, or None."""
    found = parse(frame)
    if found.get("protocol") != 17 or len(found["payload"]) < 8:
        return None
    ports = struct.unpack("!HH", found["payload"][:4])
    return ports + (found["payload"][8:],)
