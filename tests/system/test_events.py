# SPDX-License-Identifier: Apache-2.0
"""GET /v1/events on a live vmnd with real hosts: what happens is told in
order, to each reader as he asked, whoever else is stuck; and who comes back
misses nothing or is told so."""

import json
import os
import selectors
import socket
import subprocess
import time

import pytest
from conftest import close_lab, entry, make_lab, rule
from vmnlab import netns
from vmnlab.daemon import find
from vmnlab.netns import wait_for

N_READERS = 500
N_STUCK = 10


class Reader:
    """A reader of events on a socket of its own."""

    def __init__(self, path, query="", last=None):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect(path)
        head = "GET /v1/events%s HTTP/1.1\r\nHost: h\r\n" % query
        if last is not None:
            head += "Last-Event-ID: %s\r\n" % last
        self.sock.sendall((head + "\r\n").encode())
        # What happens from now on is to be seen: the reply begins when vmnd
        # has taken the request.
        self.sock.settimeout(60)
        self.sock.recv(1, socket.MSG_PEEK)
        self.text = b""
        self.events = []        # Not yet taken: (id, kind, data).
        self.head = None
        self.ended = False

    def read(self, seconds=0.0):
        """Takes what has come; False if nothing did."""
        self.sock.settimeout(seconds or 0.0)
        try:
            more = self.sock.recv(1 << 16)
        except (TimeoutError, BlockingIOError):
            return False
        except ConnectionResetError:
            more = b""
        self.ended = not more
        self.text += more
        if self.head is None and b"\r\n\r\n" in self.text:
            self.head, _, self.text = self.text.partition(b"\r\n\r\n")
            assert b"200 OK" in self.head, self.head
        while self.head is not None and b"\n\n" in self.text:
            block, _, self.text = self.text.partition(b"\n\n")
            if not block.startswith(b":"):
                fields = dict(line.split(": ", 1)
                              for line in block.decode().split("\n"))
                self.events.append((int(fields["id"]), fields["event"],
                                    json.loads(fields["data"])))
        return bool(more)

    def take(self, kind, seconds=60, **members):
        """The next event of 'kind' with these members; others before it are
        passed over.  Returns its id and data."""
        end = time.monotonic() + seconds
        passed = []
        while True:
            while self.events:
                number, name, data = self.events.pop(0)
                if name == kind and all(data.get(k) == v
                                        for k, v in members.items()):
                    return number, data
                passed.append((name, data))
            assert not self.ended, "the stream has ended"
            left = end - time.monotonic()
            assert left > 0, "no %s %s among %s" % (kind, members, passed)
            self.read(left)

    def take_denied(self, port, passing, seconds=60):
        """The next drop of what goes to 'port'.  On a busy machine a
        connection to 'passing', which is allowed, is tried again, and what
        comes late of the first may belong to none: such drops are passed
        over."""
        end = time.monotonic() + seconds
        while True:
            drop = self.take("drop", max(end - time.monotonic(), 0.1))[1]
            if drop["dst"].get("l4_port") == port:
                return drop
            assert passing in (drop["src"].get("l4_port"),
                               drop["dst"].get("l4_port")), drop
            assert not drop.get("isolated_by"), drop

    def close(self):
        self.sock.close()


@pytest.fixture(name="read")
def _read(module_lab):
    readers = []

    def begin(query="", last=None):
        readers.append(Reader(module_lab.vmnd.socket, query, last))
        if last is None:
            readers[-1].take("start")
        return readers[-1]

    yield begin
    for reader in readers:
        reader.close()


def test_life_of_a_vm_is_told(world, read):
    world.network("net")
    reader = read()
    world.put("ports", "a", network="net")
    _, revision = reader.take("revision")
    assert revision["changes"] == [
        {"op": "create", "type": "ports", "name": "a"}]
    assert revision["who"].startswith("unix:uid=")
    _, installed = reader.take("installed", revision=revision["revision"])
    assert installed["time"] >= revision["time"]

    world.lab.add_vm_of_port("a", "h1")
    world.own_vms.append("a")
    up = reader.take("binding", port="a", state="up")[1]
    assert up["host"] == "h1" and up["network"] == "net"
    vm = world.lab.vm("a")
    for state in ("down", "up"):
        vm.run("ip", "link", "set", "eth0", state)
        assert reader.take("binding", port="a", state=state)[1]["host"] == "h1"
    # It is started on another host.
    world.lab.unplug("a")
    assert reader.take("binding", port="a", state="unbound")[1]["host"] is None
    world.lab.replug("a", "h2")
    assert reader.take("binding", port="a", host="h2", state="up")
    world.lab.remove_vm("a")
    world.own_vms.remove("a")
    gone = reader.take("binding", port="a", state="unbound")[1]
    assert gone["host"] is None


def test_vm_whose_device_is_gone_is_told(world, read):
    """A VM dies, and its interface stays in the database, with the number that
    it had: nothing is bound there, so that it can be started elsewhere; and
    here again."""
    world.network("net")
    reader = read()
    vm = world.vm("a", "net", "h1")
    reader.take("binding", port="a", state="up")
    h1, h2 = world.lab.host("h1"), world.lab.host("h2")
    netns.ip(h1.ns, "link del " + vm.link)
    assert reader.take("binding", port="a", state="unbound")[1]["host"] is None
    assert vm.link in h1.vsctl("list-ports", "br-int").split()

    def begin(host, name):
        netns.ip(host.ns, "link add %s type veth peer name twin" % name,
                 "link set twin up", "link set %s up" % name)
    begin(h2, "twin0")
    h2.plug("twin0", "br-int", world.api.get("ports/a")["spec"].get(
        "iface_id", "a"))
    assert reader.take("binding", port="a", state="up")[1]["host"] == "h2"
    assert "candidate" not in world.api.get("ports/a")["status"]
    h2.unplug("twin0")
    netns.ip(h2.ns, "link del twin0")
    assert reader.take("binding", port="a", state="unbound")

    begin(h1, vm.link)
    assert reader.take("binding", port="a", state="up")[1]["host"] == "h1"


def test_drops_and_logs_are_told_to_who_asks(world, read):
    world.network("net")
    world.group("web", "role=web")
    a = world.vm("a", "net", "h1")
    b = world.vm("b", "net", "h2", tcp=(80, 81), labels={"role": "web"})
    world.policy("in", "web", dict(
        rule("ingress", "allow", [], [entry("tcp", 80)]), log=True))
    everything = read("?kinds=drop,log")
    of_b = read("?port=b")
    of_in = read("?kinds=drop&policy=in")
    of_other = read("?port=other")
    assert world.reaches(a, b, 80)
    assert world.blocked(a, b, 81)
    for reader in everything, of_b:
        log = reader.take("log")[1]
        assert log["src"]["port"] == "a" and log["dst"]["port"] == "b"
        assert log["verdict"] == "allow"
        drop = reader.take_denied(81, passing=80)
        # Not the network whose flow has dropped it.
        assert drop["object"] == {"type": "policies", "name": "in"}
        assert drop["isolated_by"] == ["in"]
    assert of_in.take_denied(81, passing=80)["object"]["name"] == "in"
    of_other.read()
    assert not of_other.events


def test_host_that_fails_and_returns_is_told(world, read):
    reader = read("?kinds=host,audit")
    host = world.lab.host("h3")
    host.stop()
    try:
        event = reader.take("host", host="h3", state="offline", seconds=60)[1]
        assert event["reason"]
    finally:
        host.start()
    assert reader.take("host", host="h3", state="synced", seconds=60)
    host.ofctl("del-flows", "br-int", "table=0")
    world.api.call("POST", "/v1/hosts/h3/audit")
    assert reader.take("audit", host="h3")[1]["missing"] > 0


def test_reader_that_comes_back_has_missed_nothing(world, read):
    reader = read("?kinds=revision")
    world.network("one")
    number, _ = reader.take("revision")
    reader.close()
    world.put("ports", "a", network="one")
    world.put("ports", "b", network="one")
    again = read("?kinds=revision", last=number)
    names = [again.take("revision")[1]["changes"][0]["name"]
             for _ in range(2)]
    assert names == ["a", "b"]


class Crowd:
    """Readers that note the names of the networks that are made."""

    def __init__(self, readers):
        self.heard = {reader: [] for reader in readers}
        self.selector = selectors.DefaultSelector()
        for reader in readers:
            self.selector.register(reader.sock, selectors.EVENT_READ, reader)

    def listen(self, seconds):
        for key, _ in self.selector.select(seconds):
            reader = key.data
            reader.read()
            assert not reader.ended
            self.heard[reader] += [d["changes"][0]["name"]
                                   for _, _, d in reader.events]
            reader.events.clear()

    def hear(self, names, seconds):
        end = time.monotonic() + seconds
        while any(len(h) < len(names) for h in self.heard.values()):
            assert time.monotonic() < end, "some readers miss something"
            self.listen(1)
        assert all(h == names for h in self.heard.values())


def resident(pid):
    with open("/proc/%d/statm" % pid, encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def is_sanitized(pid):
    """ASan keeps what was freed for a while."""
    with open("/proc/%d/maps" % pid, encoding="ascii") as maps:
        return "libasan" in maps.read()


def n_cut_off(api):
    return api.metrics()["vmn_event_streams_overrun_total"]


def test_500_readers_of_whom_10_are_stuck(world, read):
    """The stuck ones want what comes in large pieces, so that they fall
    behind soon."""
    crowd = Crowd([read("?kinds=revision&type=networks")
                   for _ in range(N_READERS - N_STUCK)])
    stuck = [read("?kinds=revision") for _ in range(N_STUCK)]
    # Long names make large events.
    groups = ["g%d-%s" % (i, "x" * 55) for i in range(1000)]
    world.made += [("groups", name) for name in groups]
    before, memory = n_cut_off(world.api), resident(world.lab.vmnd.pid())
    names = []
    while n_cut_off(world.api) < before + N_STUCK:
        names.append("n%d" % len(names))
        world.put("networks", names[-1])
        for step in range(10):
            world.api.apply([
                {"type": "groups", "name": name,
                 "spec": {"description": "%d %d" % (len(names), step)}}
                for name in groups])
        crowd.listen(0)
        assert len(names) < 100, "nobody is cut off"
    crowd.hear(names, 60)
    # The log of 8 MiB, and 64 KiB and an event for each connection.
    grown = resident(world.lab.vmnd.pid()) - memory
    if not is_sanitized(world.lab.vmnd.pid()):
        assert grown < 100 << 20, "%d MiB" % (grown >> 20)
    for reader in stuck:
        while reader.read(5):
            pass
        assert reader.ended
    wait_for("no others", lambda: world.api.metrics()["vmn_event_streams"]
             == N_READERS - N_STUCK)


def test_vmnctl_watches(world, tmp_path):
    """What is watched is told when it comes, is different, and goes."""
    world.network("net")
    env = dict(os.environ, VMNCTL_SERVER="unix:" + world.lab.vmnd.socket)
    out = tmp_path / "out"
    with open(out, "w", encoding="utf-8") as file, subprocess.Popen(
            [find("vmnctl"), "get", "ports", "-l", "role=web", "-w"],
            stdout=file, env=env) as process:
        try:
            wait_for("the headings", lambda: "NAME" in out.read_text(), 30)
            world.put("ports", "a", network="net", labels={"role": "web"})
            world.put("ports", "b", network="net")
            wait_for("a", lambda: "unbound   role=web" in out.read_text(), 30)
            world.lab.add_vm_of_port("a", "h1")
            world.own_vms.append("a")
            wait_for("a to be up", lambda: "up        role=web"
                     in out.read_text(), 30)
            world.patch("ports", "a", labels={"role": "db"})
            wait_for("a to be others'",
                     lambda: "a (no longer selected)" in out.read_text(), 30)
        finally:
            process.terminate()
    assert "b " not in out.read_text()


def test_restart_tells_to_read_all_again():
    lab = make_lab("evr", 1)
    try:
        reader = Reader(lab.vmnd.socket)
        number, _ = reader.take("start")
        lab.vmnd.api.put("networks/n", {})
        number, _ = reader.take("revision")
        lab.vmnd.kill()
        while reader.read(10):
            pass
        assert reader.ended
        lab.vmnd.start()
        again = Reader(lab.vmnd.socket, last=number)
        reset_number, reset = again.take("reset")
        assert reset_number > number
        assert reset["revision"] >= 1
        lab.vmnd.api.put("networks/m", {})
        assert again.take("revision")[0] > reset_number
    finally:
        close_lab(lab)
