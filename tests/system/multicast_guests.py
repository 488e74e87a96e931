# SPDX-License-Identifier: Apache-2.0
"""Guests that send to groups and are members of some, and what a switch
remembers of them: for tests of multicast (docs/apps/multicast.md)."""

import ipaddress
import re
import socket
import struct
import time

from vmnlab import frames, netns
from vmnlab.netns import wait_for
from vmnlab.traffic import checksum, family_of

PORT = 5000
MEMBER_TABLE = 245
ACTIVE = 0x80000001
MEMBER_KNOWN = 0x50000000
LINK = {4: "224.0.0.251", 6: "ff02::fb"}


def version(ip):
    return ipaddress.ip_address(ip).version


def _request(vm, *addresses):
    """A struct group_req of addresses (RFC 3678), or group_source_req."""
    text = struct.pack("@I4x", index_of(vm))
    for address in addresses:
        packed = ipaddress.ip_address(address).packed
        if version(address) == 4:
            one = struct.pack("=HH4s", socket.AF_INET, 0, packed)
        else:
            one = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, packed, 0)
        text += one.ljust(128, b"\0")
    return text


class Chooser:
    """A socket of a VM that says from whom it wants a group's packets: only
    from some (include()), or, once it has joined, not from some (block())."""

    # linux/in.h.
    JOIN, BLOCK, UNBLOCK, INCLUDE, DROP = 42, 43, 44, 46, 47

    def __init__(self, vm, group):
        self.vm, self.group = vm, group
        self.sock = netns.socket_in(vm.ns, family_of(group),
                                    socket.SOCK_DGRAM)

    def _set(self, option, *sources):
        self.sock.setsockopt(
            socket.IPPROTO_IP if version(self.group) == 4
            else socket.IPPROTO_IPV6, option,
            _request(self.vm, self.group, *sources))

    def join(self):
        self._set(self.JOIN)

    def include(self, source):
        self._set(self.INCLUDE, source)

    def drop(self, source):
        self._set(self.DROP, source)

    def block(self, source):
        self._set(self.BLOCK, source)

    def unblock(self, source):
        self._set(self.UNBLOCK, source)

    def leave(self):
        self.sock.close()


class Member:
    """A socket of a VM that is in a group, until it is closed."""

    def __init__(self, vm, group):
        self.vm, self.group = vm, group
        self.sock = netns.socket_in(vm.ns, family_of(group),
                                    socket.SOCK_DGRAM)
        packed = ipaddress.ip_address(group).packed
        if version(group) == 4:
            self.sock.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                packed + ipaddress.ip_address(vm.ip).packed)
        else:
            self.sock.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                packed + struct.pack("@i", index_of(vm)))

    def leave(self):
        self.sock.close()


def index_of(vm, link="eth0"):
    with netns.inside(vm.ns):
        return socket.if_nametoindex(link)


def send(vm, group, payload):
    """Sends a datagram to a group, by the VM's own network stack."""
    with netns.socket_in(vm.ns, family_of(group), socket.SOCK_DGRAM) as sock:
        if version(group) == 4:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                            ipaddress.ip_address(vm.ip).packed)
            sock.sendto(payload, (group, PORT))
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF,
                            index_of(vm))
            sock.bind((vm.ip6, 0))
            sock.sendto(payload, (group, PORT, 0, index_of(vm)))


_n = 0


def hearers(sender, group, vms, packets=3):
    """Who of 'vms' gets what 'sender' sends to a group: those that get all of
    it, and those that get any.  Behind it goes a packet for a group of the
    link, which all get: so nobody waits in vain.  It is sent again for who has
    come just now, whom a switch's cache lacks."""
    global _n
    captures = {vm.name: frames.Capture(vm.ns) for vm in vms}
    try:
        marks = []
        for _ in range(packets):
            _n += 1
            marks.append(b"group packet %08d" % _n)
            send(sender, group, marks[-1])
        _n += 1
        last = b"last packet %08d" % _n
        send(sender, LINK[version(group)], last)
        every, some = set(), set()
        end = time.monotonic() + 20 * netns.PATIENCE
        for name, capture in captures.items():
            while not capture.wait(lambda f: last in f, 1.0):
                assert time.monotonic() < end, \
                    "%s gets no group of the link" % name
                send(sender, LINK[version(group)], last)
            got = [any(m in f for f in capture.read()) for m in marks]
            if all(got):
                every.add(name)
            if any(got):
                some.add(name)
        return every, some
    finally:
        for capture in captures.values():
            capture.close()


def leave_again(vms, group):
    """Has VMs join a group and leave it."""
    members = [Member(vm, group) for vm in vms]
    time.sleep(0.6)             # Who has not said so yet leaves nothing.
    for member in members:
        member.leave()


def get_exactly(sender, group, vms, wanted, seconds=20, left=()):
    """Waits until those in 'wanted' get all of what is sent to a group, and
    nobody else anything; returns how long that took.  Those in 'left' have
    left it just now.  A switch takes in some reports half a second late, so
    that one may undo a leave (docs/apps/multicast.md): then they leave
    again."""
    start = again = time.monotonic()
    found = []

    def so():
        nonlocal again
        found[:] = hearers(sender, group, vms)
        if found == [set(wanted)] * 2:
            return True
        if time.monotonic() > again + 2:
            again = time.monotonic()
            leave_again(left, group)
        return False
    try:
        wait_for("%s to be heard by %s" % (group, sorted(wanted)), so,
                 seconds)
    except netns.Error as error:
        raise AssertionError("%s; all is heard by %s, any by %s" % (
            error, *map(sorted, found))) from None
    return time.monotonic() - start


def remembered(host):
    """What a host's switch remembers: (VNI, member, group or None) and
    whether it is one."""
    text = host.ofctl("dump-flows", "br-int", "--no-names",
                      "table=%d" % MEMBER_TABLE)
    found = {}
    for line in text.splitlines():
        match = re.search(r"reg0=(\w+),reg12=(\w+)(?:,in_port=\d+)?(?:"
                          r",nw_dst=([\d.]+)|"
                          r",ipv6_dst=([\w:]+))? .*actions=(?:set_field:|"
                          r"load:)(\w+)", line)
        if match:
            found[int(match[1], 0), int(match[2], 0),
                  match[3] or match[4]] = int(match[5], 0)
    return found


def remembered_sources(host):
    """The same of sources: (VNI, member, list, source, group) and whether its
    packets are wanted."""
    text = host.ofctl("dump-flows", "br-int", "--no-names",
                      "table=%d" % MEMBER_TABLE)
    found = {}
    for line in text.splitlines():
        match = re.search(r"reg0=(\w+),reg12=(\w+),reg13=(\w+)(?:,in_port=\d+)?"
                          r",(?:nw|ipv6)_src=([\w.:]+),"
                          r"(?:nw|ipv6)_dst=([\w.:]+) .*actions="
                          r"(?:set_field:|load:)(\w+)", line)
        if match:
            found[(*(int(match[i], 0) for i in (1, 2, 3)), match[4],
                   match[5])] = int(match[6], 0)
    return found


def activate(lab, vni, seconds=0):
    """Has groups be filtered at once: the switches are told that members are
    known, which takes them 40 s to find.  For so many seconds, unless they
    find it again; 0: as long as the bridge is there."""
    for number, host in enumerate(lab.hosts, 1):
        members = [ACTIVE] + [MEMBER_KNOWN | other for other in range(
            1, len(lab.hosts) + 1) if other != number]
        for member in members:
            host.ofctl("add-flow", "br-int", "table=%d,priority=3,"
                       "hard_timeout=%d,reg0=%d,reg12=0x%x,"
                       "actions=set_field:1->reg11" % (
                           MEMBER_TABLE, seconds, vni, member))


def is_active(host, vni):
    return (vni, ACTIVE, None) in remembered(host)


def announce(lab):
    """Has all ports be asked now."""
    netns.run(["ovs-appctl", "-t", lab.vmnd.unixctl, "fabric/announce"])


def await_active(lab, vni, hosts=None, seconds=100):
    """Waits until groups are filtered."""
    announce(lab)
    wait_for("members to be known", lambda: all(
        is_active(host, vni) for host in hosts or lab.hosts), seconds,
        step=0.3)


# Messages as bytes.  --------------------------------------------------------

def igmp(vm, kind, group, to, source=None, rest=b"", code=0):
    """A message of IGMP, with a router alert."""
    body = struct.pack("!BBH4s", kind, code, 0,
                       ipaddress.ip_address(group).packed) + rest
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    to = ipaddress.ip_address(to).packed
    head = struct.pack("!BBHHHBBH4s4s4s", 0x46, 0xc0, 24 + len(body), 0, 0, 1,
                       2, 0, ipaddress.ip_address(source or vm.ip).packed, to,
                       b"\x94\x04\0\0")
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    mac = b"\x01\0\x5e" + bytes([to[1] & 0x7f]) + to[2:]
    return frames.ethernet(frames.mac_text(mac), vm.mac, frames.ETH_IP,
                           head + body)


def general_query(vm, source=None):
    return igmp(vm, 0x11, "0.0.0.0", "224.0.0.1", source, code=20)


def mld(vm, kind, body, to, hops=1, source=None):
    """A message of MLD, with a router alert; 'body' is what is behind the
    checksum."""
    source = ipaddress.ip_address(source or frames.link_local(vm.mac)).packed
    to = ipaddress.ip_address(to).packed
    text = struct.pack("!BBH", kind, 0, 0) + body
    total = checksum(source + to + struct.pack("!LL", len(text), 58) + text)
    text = text[:2] + struct.pack("!H", total) + text[4:]
    options = b"\x3a\0\x05\x02\0\0\x01\0"
    head = struct.pack("!LHBB16s16s", 6 << 28, len(options) + len(text), 0,
                       hops, source, to)
    return frames.ethernet(frames.mac_text(b"\x33\x33" + to[12:]), vm.mac,
                           frames.ETH_IPV6, head + options + text)


def general_query6(vm):
    return mld(vm, 130, struct.pack("!HH16s", 2000, 0, bytes(16)), "ff02::1")


def is_report(frame, group, joins):
    """Whether a frame is a report of IGMPv2 or MLDv1 that a router expects,
    or a leave."""
    packed = ipaddress.ip_address(group).packed
    if len(packed) == 4:
        return (frame[12:14] == b"\x08\0" and frame[23] == 2
                and frame[38:39] == (b"\x16" if joins else b"\x17")
                and frame[42:46] == packed
                and frame[30:34] == (packed if joins else b"\xe0\0\0\x02")
                and checksum(frame[38:46]) == 0
                and checksum(frame[14:38]) == 0
                and frame[:6] == (b"\x01\0\x5e" + bytes([packed[1] & 0x7f])
                                  + packed[2:] if joins
                                  else b"\x01\0\x5e\0\0\x02"))
    to = packed if joins else ipaddress.ip_address("ff02::2").packed
    return (frame[12:14] == b"\x86\xdd" and frame[20] == 0
            and frame[62:63] == (b"\x83" if joins else b"\x84")
            and frame[70:86] == packed and frame[38:54] == to
            and checksum(frame[22:54] + struct.pack("!LL", 24, 58)
                         + frame[62:86]) == 0
            and frame[:6] == b"\x33\x33" + to[12:])
