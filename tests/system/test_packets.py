# SPDX-License-Identifier: Apache-2.0
"""Packets that go up to an app and are answered: apps/example/whoami."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
from conftest import (HERE, World, changes, check_log, close_lab, flows,
                      held_back, make_lab, wait_aged)

from vmnlab import frames, netns
from vmnlab.netns import wait_for

TOP = os.path.join(HERE, "../..")
ADDRESS = "10.0.0.254"
PORT = 43
PORT_RATE = 50
HOST_RATE = 2000


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Two hosts, and a vmnd with whoami and onlooker.c."""
    modules = []
    for source in (TOP + "/apps/example/whoami.c", HERE + "/onlooker.c"):
        modules.append(str(tmp_path_factory.mktemp("app") / os.path.basename(
            source).replace(".c", ".so")))
        subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
                        "-Wno-unused-parameter", "-g", "-fPIC", "-shared",
                        "-I" + TOP + "/include", "-o", modules[-1], source],
                       check=True)
    lab = make_lab("packets", 2, apps=modules, options=[
        "--packet-port-rate=%d" % PORT_RATE,
        "--packet-host-rate=%d" % HOST_RATE])
    yield lab
    close_lab(lab)


@pytest.fixture
def world(lab):
    world = World(lab)
    world.network("net", labels={"whoami": ADDRESS})
    yield world
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)


def dropped(lab):
    """{(who, reason): packets} from the metrics."""
    return {tuple(re.match(r'.*by="(.*)",reason="(.*)"', name).groups()): n
            for name, n in lab.vmnd.api.metrics().items()
            if name.startswith("vmn_packet_ins_dropped_total")}


def metric(lab, name):
    return lab.vmnd.api.metrics()[name]


class Asker:
    """A VM's socket towards its network's whoami."""

    def __init__(self, vm, ip=ADDRESS):
        self.sock = netns.socket_in(vm.ns, kind=socket.SOCK_DGRAM)
        self.sock.connect((ip, PORT))
        self.n_sent = 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.sock.close()

    def send(self):
        self.n_sent += 1
        self.sock.send(b"who?")

    def read(self, seconds):
        """The next answer as a dictionary, or None."""
        self.sock.settimeout(seconds)
        try:
            text = self.sock.recv(2048).decode()
        except (TimeoutError, ConnectionRefusedError):
            return None
        return dict(line.split(" ", 1) for line in text.splitlines())

    def ask(self, seconds=30):
        """Asks until there is an answer, or None.  A switch may lose one."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.send()
            found = self.read(1.0)
            if found:
                return found
        return None


def test_a_vm_is_told_what_it_is(lab, world):
    world.network("other", labels={"whoami": ADDRESS})
    vms = [(world.vm("a1", "net", "h1", "10.0.0.1"), "net", "h1"),
           (world.vm("a2", "net", "h2", "10.0.0.2"), "net", "h2"),
           (world.vm("b1", "other", "h1", "10.0.0.1"), "other", "h1")]
    for vm, network, host in vms:
        with Asker(vm) as asker:
            assert asker.ask() == {"port": vm.name, "network": network,
                                   "host": host}
        # A trace says the same, without a packet.
        found = lab.vmnd.api.call("POST", "/v1/trace", {
            "from": vm.name, "to": ADDRESS, "protocol": "udp", "port": PORT,
            "payload_hex": "3f00"})["outcomes"][0]["answer"]
        assert found["payload"] == "port %s\nnetwork %s\nhost %s\n" % (
            vm.name, network, host)
        assert (found["verdict"], found["at"]["port"]) == ("delivered",
                                                           vm.name)


def test_only_networks_with_the_label_answer(lab, world):
    world.network("plain")
    a = world.vm("a", "net", "h1", "10.0.0.1")
    p = world.vm("p", "plain", "h1", "10.0.0.1")
    with Asker(a) as asker:
        assert asker.ask()
        assert world.unanswered(p, ADDRESS, PORT, "udp")
        world.patch("networks", "net", labels={"whoami": None})
        assert world.never(lambda: asker.send() or asker.read(0.8))
        world.patch("networks", "net", labels={"whoami": "10.0.0.253"})
    with Asker(a, "10.0.0.253") as asker:
        assert asker.ask()["port"] == "a"
    # A label that makes no sense is told of, and does no harm.
    world.patch("networks", "net", labels={"whoami": "nonsense"})
    assert any("no IPv4 address" in p["detail"]
               for p in world.api.get("status")["problems"])


def test_a_quarantined_vm_is_told_nothing(lab, world):
    a = world.vm("a", "net", "h1", "10.0.0.1")
    with Asker(a) as asker:
        assert asker.ask()
        world.patch("ports", "a", quarantined=True)
        before = dropped(lab).get(("whoami.query", "quarantined"), 0)
        assert world.never(lambda: asker.send() or asker.read(0.8))
        wait_for("it to be counted", lambda: dropped(lab).get(
            ("whoami.query", "quarantined"), 0) > before)


# Too many.  -----------------------------------------------------------------

def test_a_flood_of_one_port_takes_nothing_from_another(lab, world):
    """Of the flood only what the port's rate allows comes up, the rest ends in
    the switch; the other VM has all its answers, and changes go through."""
    flooder = world.vm("flooder", "net", "h1", "10.0.0.1")
    other = world.vm("other", "net", "h1", "10.0.0.2")
    with Asker(flooder) as flood, Asker(other) as asker:
        assert flood.ask() and asker.ask()
        limited = held_back(lab.host("h1"))
        packet_ins = metric(lab, "vmn_packet_ins_total")
        stop = threading.Event()
        answers = []
        start = time.monotonic()

        def send():
            while not stop.is_set():
                for _ in range(20):
                    flood.send()
                time.sleep(0.005)

        def read():
            while not stop.is_set():
                if flood.read(0.2):
                    answers.append(1)
        threads = [threading.Thread(target=f) for f in (send, read)]
        for thread in threads:
            thread.start()
        try:
            wait_for("the flood to be limited", lambda: held_back(
                lab.host("h1")) > limited + 500)
            asker.n_sent = 0
            for i in range(20):
                assert asker.ask()["port"] == "other"
                world.patch("ports", "other", description="change %d" % i)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        packet_ins = metric(lab, "vmn_packet_ins_total") - packet_ins
        # Until now the switch may have sent up what had waited for it.
        seconds = time.monotonic() - start
        print("the other asked %d times for 20 answers, the flooder %d times "
              "for %d" % (asker.n_sent, flood.n_sent, len(answers)))
        # A bucket is filled up only when it is empty, so it may hold two.
        assert 0 < len(answers) <= PORT_RATE * (seconds + 2) + 1
        assert packet_ins <= PORT_RATE * (seconds + 2) + asker.n_sent
        # On the switch, where it begins.
        limit = lab.host("h1").vsctl("get", "Controller", "br-int",
                                     "controller_rate_limit")
        assert int(limit) == HOST_RATE
        shown = netns.run(["ovs-appctl", "-t", lab.vmnd.unixctl,
                           "fabric/packets", "h1"])
        print(shown)
        assert re.search(r"port \d+ \(flooder\): \d+/s, \d+ in, ",
                         shown), shown
        assert re.search(r"port \d+ \(other\): \d+/s, \d+ in, "
                         r"0 over its rate", shown), shown


def test_what_an_app_looks_at_goes_on(lab, world):
    """Where a flow sends a copy up and lets the packet go on, the sender's
    rate is of copies alone."""
    a = world.vm("a", "net", "h1", "10.0.0.1")
    b = world.vm("b", "net", "h2", "10.0.0.2")
    frame = frames.udp(b.mac, a.mac, a.ip, b.ip, 1000, 4343, b"x" * 18)
    host = lab.host("h1")
    held = held_back(host)
    packet_ins = metric(lab, "vmn_packet_ins_total")
    start = time.monotonic()
    with frames.Capture(b.ns) as capture:
        def over_the_rate():
            frames.send(a, *[frame] * 500)
            return held_back(host) > held + 20 * PORT_RATE
        wait_for("copies to be held back", over_the_rate, 60, step=0.005)
        arrived = sum((frames.of_udp(f) or (0, 0))[1] == 4343
                      for f in capture.read())
    # On each host: the second has it from the tunnel.
    copies = metric(lab, "vmn_packet_ins_total") - packet_ins
    seconds = time.monotonic() - start
    print("%d arrived, %d copies in %.1f s" % (arrived, copies, seconds))
    assert 0 < copies <= 2 * PORT_RATE * (seconds + 2)
    assert arrived > 10 * PORT_RATE
    # No flow but the fabric's own has a meter, or sends anything up.
    actions = [f.actions for f in flows(host).values()]
    assert any("resubmit(,246)" in a for a in actions), actions
    assert not any("controller" in a or "meter" in a for a in actions)


# Rubbish.  ------------------------------------------------------------------

def garbage(vm):
    """Frames that get to whoami's flow, and are not what they should be."""
    mac = "0e:56:4d:ff:00:2b"
    good = frames.udp(mac, vm.mac, vm.ip, ADDRESS, 1000, PORT, b"x" * 40)

    def changed(offset, *values):
        return good[:offset] + bytes(values) + good[offset + len(values):]
    return {
        "a wrong checksum": changed(14 + 20 + 6, 0x12, 0x34),
        "a wrong checksum of the head": changed(14 + 10, 0x12, 0x34),
        "a length of 0": changed(14 + 20 + 4, 0, 0),
        "a length of 7": changed(14 + 20 + 4, 0, 7),
        "a length beyond the packet": changed(14 + 20 + 4, 0xff, 0xff),
    }


def test_rubbish_is_counted_and_not_answered(lab, world):
    a = world.vm("a", "net", "h1", "10.0.0.1")
    with Asker(a) as asker:
        assert asker.ask()
        for what, frame in garbage(a).items():
            before = dropped(lab).get(("whoami.query", "malformed"), 0)

            def counted():
                frames.send(a, frame)
                return dropped(lab).get(("whoami.query", "malformed"),
                                        0) > before
            with frames.Capture(a.ns) as capture:
                wait_for(what + " to be counted", counted, step=0.2)
                # The asker's question may have been answered twice.
                assert not [f for f in capture.read()
                            if (frames.of_udp(f) or (0, 0))[1] == 1000], what
        # What the switch itself keeps away: cut short, fragments, noise.
        whole = frames.udp("0e:56:4d:ff:00:2b", a.mac, a.ip, ADDRESS, 1000,
                           PORT, b"x" * 40)
        for size in range(14, len(whole), 3):
            frames.send(a, whole[:size])
        for flags in (0x20, 0x3f):
            frames.send(a, whole[:20] + bytes([flags]) + whole[21:])
        assert asker.ask()


def test_a_question_with_options_is_answered(lab, world):
    a = world.vm("a", "net", "h1", "10.0.0.1")
    plain = frames.udp("0e:56:4d:ff:00:2b", a.mac, a.ip, ADDRESS, 1000, PORT,
                       b"x")
    for frame in (plain, with_options(plain)):
        def answered():
            with frames.Capture(a.ns) as capture:
                frames.send(a, frame)
                return capture.wait(lambda f: (frames.of_udp(f) or (0,))[0]
                                    == PORT, 1.0)
        found = frames.parse(wait_for("an answer", answered))
        assert found["src"] == "0e:56:4d:ff:00:2b"
        assert found["dst"] == a.mac and found["src_ip"] == ADDRESS


def with_options(frame):
    """The IPv4 packet with four bytes of options (no operation)."""
    head = bytes([0x46]) + frame[15:16] + \
        (int.from_bytes(frame[16:18], "big") + 4).to_bytes(2, "big") + \
        frame[18:24] + b"\0\0" + frame[26:34] + b"\1" * 4
    head = head[:10] + frames.checksum(head).to_bytes(2, "big") + head[12:]
    return frame[:14] + head + frame[34:]


# Trouble.  ------------------------------------------------------------------

def test_a_port_that_vanishes_before_its_answer(lab, world):
    """Answers to a port that is gone harm nobody, and the host stays as it
    is."""
    a = world.vm("a", "net", "h1", "10.0.0.1")
    world.vm("b", "net", "h1", "10.0.0.2")
    reconciles = metric(lab, "vmn_fabric_reconciles_total")
    with Asker(a) as asker:
        assert asker.ask()
    # By a socket of its own: the first one may have asked more than once, and
    # get an answer for each.
    with Asker(a) as asker:
        total = metric(lab, "vmn_packet_ins_total")
        hits = punted(lab.host("h1"))
        os.kill(lab.vmnd.pid(), signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            for _ in range(5):
                asker.send()
            wait_for("the switch to have sent them up", lambda: punted(
                lab.host("h1")) >= hits + 5 and queued(lab), step=0.1)
            lab.unplug("a")
        finally:
            os.kill(lab.vmnd.pid(), signal.SIGCONT)
            stopped = time.monotonic() - stopped
        wait_for("them to be taken in", lambda: metric(
            lab, "vmn_packet_ins_total") > total)
        wait_for("them to be dealt with", lambda: metric(
            lab, "vmn_packet_ins_total") <= metric(
                lab, "vmn_packet_outs_total") + sum(dropped(lab).values()))
        assert not asker.read(0.2)
    lab.await_synced()
    # A host whose probes have had no answer may connect anew.
    assert metric(lab, "vmn_fabric_reconciles_total") == reconciles \
        or stopped > 5
    world.put("ports", "b", network="net", ips=["10.0.0.2"],
              description="installed all the same")


def punted(host):
    """How many packets the switch has sent up."""
    return sum(f.n_packets for f in flows(host).values()
               if "resubmit(,246)" in f.actions)


def queued(lab):
    """Whether something waits for vmnd to read."""
    return any(int(line.split()[0]) > 0 for line in netns.run(
        ["ss", "-Htn", "-o", "state", "established", "sport", "=", ":6653"],
        ns=lab.net_ns).splitlines())


def test_a_busy_vmnd_answers_in_the_end(lab, world):
    """A change of some thousand objects compiles while questions come in."""
    a = world.vm("a", "net", "h1", "10.0.0.1")
    world.network("big", "10.64.0.0/12")
    objects = [{"type": "ports", "name": "big%d" % i,
                "spec": {"network": "big"}} for i in range(3000)]
    with Asker(a) as asker:
        assert asker.ask()
        done = []
        thread = threading.Thread(target=lambda: done.append(
            world.api.apply(objects)))
        thread.start()
        asked = 0
        while thread.is_alive() or not asked:
            assert asker.ask()["port"] == "a"
            asked += 1
        thread.join()
        assert done and asker.ask()
        print("asked %d times" % asked)


def test_a_restart_changes_no_flow_and_answers_again(lab, world):
    a = world.vm("a", "net", "h1", "10.0.0.1")
    with Asker(a) as asker:
        assert asker.ask()
        wait_aged(lab)
        before = [flows(h) for h in lab.hosts]
        lab.vmnd.stop()
        lab.vmnd.start()
        lab.await_synced()
        assert asker.ask() == {"port": "a", "network": "net", "host": "h1"}
        assert not any(changes(b, flows(h))
                       for b, h in zip(before, lab.hosts))
    # The audit, which compares actions, finds nothing either.
    for host in lab.hosts:
        found = json.loads(netns.run(["ovs-appctl", "-t", lab.vmnd.unixctl,
                                      "fabric/audit", host.name]))
        assert not found["missing"] and not found["altered"] \
            and not found["unknown"], found
