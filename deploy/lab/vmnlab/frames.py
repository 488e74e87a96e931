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
ETH_IP, ETH_ARP, ETH_IPV6 = 0x0800, 0x0806, 0x86dd
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


def sctp(dst, src, src_ip, dst_ip, src_port, dst_port):
    """The start of an association, as far as switches look; its checksum is
    none, so nobody answers."""
    init = struct.pack("!BBHLLHHL", 1, 0, 20, 1, 65536, 1, 1, 1)
    return ipv4(dst, src, src_ip, dst_ip, 132, struct.pack(
        "!HHLL", src_port, dst_port, 0, 0) + init)


def link_local(mac):
    """The address on the link that follows from a MAC (RFC 4291,
    appendix A)."""
    ea = mac_bytes(mac)
    return str(ipaddress.ip_address(
        b"\xfe\x80" + bytes(6) + bytes([ea[0] ^ 2]) + ea[1:3] + b"\xff\xfe"
        + ea[3:]))


def solicited_node(ip):
    """The (MAC, address) at which those who may have 'ip' are asked."""
    low = _ip(ip)[13:]
    return (mac_text(b"\x33\x33\xff" + low),
            str(ipaddress.ip_address(b"\xff\x02" + bytes(9) + b"\x01\xff"
                                     + low)))


def ipv6(dst, src, src_ip, dst_ip, protocol, payload, hops=255):
    return ethernet(dst, src, ETH_IPV6, struct.pack(
        "!IHBB", 6 << 28, len(payload), protocol, hops) + _ip(src_ip)
        + _ip(dst_ip) + payload)


def _sum6(src_ip, dst_ip, protocol, payload):
    return checksum(_ip(src_ip) + _ip(dst_ip)
                    + struct.pack("!II", len(payload), protocol) + payload)


def icmpv6(dst, src, src_ip, dst_ip, kind, code, rest):
    """'rest' is what comes after the checksum."""
    payload = struct.pack("!BBH", kind, code, 0) + rest
    total = _sum6(src_ip, dst_ip, 58, payload)
    return ipv6(dst, src, src_ip, dst_ip, 58,
                payload[:2] + struct.pack("!H", total) + payload[4:])


def _nd_option(kind, mac):
    return struct.pack("!BB", kind, 1) + mac_bytes(mac) if mac else b""


def solicitation(src, src_ip, target, sll=None, to=None):
    """A neighbour solicitation for 'target', with the link-layer address 'sll'
    in it; 'to' is a (MAC, address), by default those of its group."""
    dst, dst_ip = to or solicited_node(target)
    return icmpv6(dst, src, src_ip, dst_ip, 135, 0, bytes(4) + _ip(target)
                  + _nd_option(1, sll))


def advertisement(dst, src, src_ip, dst_ip, target, tll=None, flags=0x60):
    return icmpv6(dst, src, src_ip, dst_ip, 136, 0, bytes([flags, 0, 0, 0])
                  + _ip(target) + _nd_option(2, tll))


def udp6(dst, src, src_ip, dst_ip, src_port, dst_port, payload):
    text = struct.pack("!HHHH", src_port, dst_port, 8 + len(payload), 0) \
        + payload
    total = _sum6(src_ip, dst_ip, 17, text) or 0xffff
    return ipv6(dst, src, src_ip, dst_ip, 17,
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


def dscp(frame):
    """Returns the DSCP of an IP packet, or of one with a tunnel's header that
    of this (RFC 2474)."""
    head = frame[14:]
    if frame[12:14] == ETH_IPV6.to_bytes(2, "big"):
        return (head[0] << 4 & 0xf0 | head[1] >> 4) >> 2
    return head[1] >> 2


class Capture:
    """All frames that arrive at an interface of a namespace, from now on."""

    def __init__(self, ns, link="eth0", outgoing=False):
        self.sock = netns.socket_in(ns, socket.AF_PACKET, socket.SOCK_RAW,
                                    socket.htons(ETH_P_ALL))
        netns.deepen(self.sock, 1 << 24)
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

    def wait(self, wanted, seconds=20.0):
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
    """Returns what a frame is: {"dst", "src", "kind"} and, of IPv4 and IPv6,
    "src_ip", "dst_ip", "protocol", "payload"; of ARP "operation", "sender",
    "sender_ip", "target_ip"; of neighbour discovery "nd" (135 asks, 136
    answers), "target", "flags" and "options", {type: MAC}."""
    found = {"dst": mac_text(frame[:6]), "src": mac_text(frame[6:12]),
             "kind": struct.unpack("!H", frame[12:14])[0]}
    body = frame[14:]
    if found["kind"] == ETH_IP and len(body) >= 20:
        head = (body[0] & 15) * 4
        length = struct.unpack("!H", body[2:4])[0]
        found.update(src_ip=socket.inet_ntoa(body[12:16]),
                     dst_ip=socket.inet_ntoa(body[16:20]),
                     protocol=body[9], payload=body[head:length])
    elif found["kind"] == ETH_IPV6 and len(body) >= 40:
        length = struct.unpack("!H", body[4:6])[0]
        found.update(src_ip=_ip_text(body[8:24]), dst_ip=_ip_text(body[24:40]),
                     protocol=body[6], payload=body[40:40 + length])
        if found["protocol"] == 58:
            _parse_nd(found)
    elif found["kind"] == ETH_ARP and len(body) >= 28:
        found.update(operation=struct.unpack("!H", body[6:8])[0],
                     sender=mac_text(body[8:14]),
                     sender_ip=socket.inet_ntoa(body[14:18]),
                     target_ip=socket.inet_ntoa(body[24:28]))
    return found


def _ip_text(data):
    return str(ipaddress.ip_address(data))


def _parse_nd(found):
    payload = found["payload"]
    if len(payload) < 24 or payload[0] not in (135, 136):
        return
    found.update(nd=payload[0], flags=payload[4], options={},
                 target=_ip_text(payload[8:24]), sum_is_right=not _sum6(
                     found["src_ip"], found["dst_ip"], 58, payload))
    options = payload[24:]
    while len(options) >= 8 and options[1]:
        found["options"][options[0]] = mac_text(options[2:8])
        options = options[8 * options[1]:]


def of_udp(frame):
    """Returns (source port, destination port, payload) of a frame that holds
    UDP, or None."""
    found = parse(frame)
    if found.get("protocol") != 17 or len(found["payload"]) < 8:
        return None
    ports = struct.unpack("!HH", found["payload"][:4])
    return ports + (found["payload"][8:],)
