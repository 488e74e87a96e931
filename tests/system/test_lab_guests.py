# SPDX-License-Identifier: Apache-2.0
"""Guests of the lab: VMs that QEMU runs, without KVM if need be, and migrates
from host to host.  What VMN does with a port that moves is of other files;
here a guest has to be one, and its moves are to leave nothing behind."""

import os
import re
import socket
import subprocess
import sys
import threading

import pytest
from conftest import HERE, close_lab, lab_name, make_lab
from test_lab import VMN_LAB, down, left_of

from vmnlab import guest, migration, netns, qemu, traffic
from vmnlab.lab import Lab
from vmnlab.netns import Error, wait_for

MAKER = os.path.join(HERE, "../../deploy/lab/guest/image")
ETH_P_ALL = 3
ETHERTYPE_RARP = b"\x80\x35"


@pytest.fixture(scope="module")
def image():
    try:
        qemu.check_machine()
        return guest.find_image()
    except Error as error:
        pytest.skip("no guests here: %s" % error)


class Office:
    """A guest, web, that starts on h1 and goes from host to host, and peer, a
    VM that is a namespace, on h3."""

    def __init__(self, lab, image, kind="guest", iface_id="web"):
        self.lab = lab
        lab.vmnd.api.apply([
            {"type": "networks", "name": "office", "spec": {"subnets": [
                {"cidr": "10.0.0.0/24", "dhcp": True},
                {"cidr": "fd00:1::/64", "dhcp": True}]}},
            {"type": "ports", "name": "peer", "spec": {
                "network": "office", "ips": ["10.0.0.12", "fd00:1::12"]}},
            {"type": "ports", "name": "web", "spec": {
                "network": "office", "ips": ["10.0.0.11", "fd00:1::11"],
                "mac": "02:00:00:00:00:11", "iface_id": iface_id}}])
        self.peer = lab.add_vm_of_port("peer", "h3")
        self.web = lab.add_guest_of_port("web", "h1", image, kind=kind)
        lab.await_ports(["peer", "web"])
        self.servers = traffic.Servers()
        for any_ip in "0.0.0.0", "::":
            self.servers.tcp(self.peer, 80, any_ip)
            self.servers.udp(self.peer, 80, any_ip)
        self.web.await_ready()
        self.web.await_address()
        self.web.serve(80)

    def other(self):
        """A host that web can migrate to."""
        return self.lab.host("h2" if self.web.host == "h1" else "h1")

    def await_bound(self, host):
        def bound():
            status = self.lab.vmnd.api.get("ports/web")["status"]
            return (status.get("host"), status["state"]) == (host, "up")
        wait_for("the port to be bound to " + host, bound, 20)


@pytest.fixture(scope="module")
def office(image):
    lab = make_lab("gst", 3)
    try:
        made = Office(lab, image)
        yield made
        made.servers.close()
    finally:
        close_lab(lab)


@pytest.fixture
def open_connections(office):
    """Connections of TCP from the guest and to it, which answer."""
    out = office.web.connect(office.peer.ip, 80)
    to = traffic.Connection(office.peer, office.web.ip, 80)

    def answer(seconds=10):
        return (out.exchange("a", seconds), to.exchange("b", seconds))

    both = "peer 10.0.0.11 a", "web 10.0.0.12 b"
    assert answer() == both
    yield lambda: answer() == both
    out.close()
    to.close()


@pytest.fixture
def unmoved(office, open_connections):
    """Of a migration that does not complete: the guest is where it was, and
    nothing of it at the other host."""
    host = office.web.host

    def check(other):
        assert office.web.host == host != other.name
        assert not left_at(office, other)
        office.await_bound(host)
        assert open_connections()
    return check


def left_at(office, host):
    """What there is of web at 'host'."""
    return [what for what, there in [
        ("a link", host.has_link(office.web.link)),
        ("a port", office.web.link in host.vsctl("list-ports", "br-int")),
        ("QEMU", office.web.machine(host).pids())] if there]


def test_guest_gets_its_addresses_and_talks(office):
    web, peer = office.web, office.peer
    shown = web.run("ip", "addr", "show", "dev", "eth0")
    assert "inet 10.0.0.11/24 " in shown and "inet6 fd00:1::11/" in shown
    assert "02:00:00:00:00:11" in shown and "mtu 1450" in shown
    ids = office.lab.host("h1").vsctl("get", "interface", web.link,
                                      "external_ids")
    assert "iface-id=web" in ids and "iface-status=active" in ids
    assert 'attached-mac="02:00:00:00:00:11"' in ids and web.uuid in ids
    assert "1 received" in peer.run("ping", "-c1", "-W10", web.ip)
    assert "1 packets received" in web.run("ping", "-c1", "-W10", peer.ip)
    for protocol in "tcp", "udp":
        for mine, others in ((web.ip, peer.ip), (web.ip6, peer.ip6)):
            assert traffic.ask(peer, mine, 80, protocol, 5) == "web"
            assert web.ask(others, 80, protocol, 5) == "peer"
    assert web.ask(peer.ip, 81) is None


def test_command_of_a_guest(office):
    done = office.web.finish("sh", "-c", "cat; echo two >&2; exit 7",
                             data=b"\0one")
    assert (done.status, done.out, done.err) == (7, b"\0one", b"two\n")
    with pytest.raises(Error, match="web: false: exit 1"):
        office.web.run("false")
    with pytest.raises(Error, match="took over"):
        office.web.run("sh", "-c", "sleep 101 & sleep 102", timeout=0.2)
    assert "sleep 10" not in office.web.run("ps")


def test_migration_takes_connections_along(office, open_connections):
    """And a command that runs in the guest, and whoever asks for it."""
    source, to = office.lab.host(office.web.host), office.other()
    said = []
    asker = threading.Thread(target=lambda: said.append(office.web.finish(
        "sh", "-c", "touch /run/began; while [ ! -e /run/moved ]; do "
        "usleep 100000; done; echo done; exit 5", seconds=60)))
    asker.start()
    wait_for("the command", lambda: office.web.finish(
        "test", "-e", "/run/began").status == 0)
    moving = office.web.migrate(to)
    with netns.socket_in(to.ns, socket.AF_PACKET, socket.SOCK_RAW,
                         socket.htons(ETH_P_ALL)) as heard:
        heard.bind((office.web.link, ETH_P_ALL))
        done = moving.wait()
        heard.settimeout(10 * netns.PATIENCE)
        while heard.recv(2048)[12:14] != ETHERTYPE_RARP:
            pass                # It announces itself, or this times out.
    assert (done.status, done.host, done.error) == ("completed", to.name, None)
    assert 0 <= done.downtime_ms <= done.total_ms and done.total_ms > 0
    assert done.transferred > 1 << 20
    assert office.web.host == to.name
    assert not left_at(office, source)
    office.await_bound(to.name)
    assert open_connections()
    office.web.run("touch", "/run/moved")
    asker.join()
    assert (said[0].status, said[0].out) == (5, b"done\n")
    with pytest.raises(Error, match="is on %s already" % to.name):
        office.web.migrate(to)


def test_cancelled_migration_leaves_it_where_it_was(office, unmoved,
                                                    open_connections):
    host, to = office.web.host, office.other()
    moving = office.web.migrate(to, bandwidth=1)
    # The destination has its interface meanwhile, under the same iface-id.
    wait_for("QEMU to be at it", lambda: moving.status() == "active")
    assert left_at(office, to) == ["a link", "a port", "QEMU"]
    assert open_connections()
    done = moving.wait(cancel_after=0.1)
    assert (done.status, done.host) == ("cancelled", host)
    assert done.downtime_ms is None
    with pytest.raises(Error, match="was cancelled; it is on " + host):
        done.check()
    unmoved(to)


def test_migration_that_takes_too_long_is_cancelled(office, unmoved):
    to = office.other()
    with pytest.raises(Error, match="has not migrated within"):
        office.web.migrate(to, bandwidth=1).wait(seconds=0.2)
    unmoved(to)


def test_destination_that_dies_leaves_it_where_it_was(office, unmoved):
    host, to = office.web.host, office.other()
    moving = office.web.migrate(to, bandwidth=1)
    wait_for("QEMU to be at it", lambda: moving.status() == "active")
    moving.kill_destination()
    done = moving.wait()
    assert (done.status, done.host) == ("failed", host) and done.error
    unmoved(to)


def test_namespaces_do_not_migrate(office):
    with pytest.raises(Error, match="peer is no guest of QEMU"):
        office.lab.migrate("peer", "h1")


# The command line.  ----------------------------------------------------------

def vmn_lab(name, *words, status=0):
    done = subprocess.run([sys.executable, VMN_LAB, words[0], "--name", name,
                           *words[1:]], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    assert done.returncode == status, (words, done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_command_line(image):
    """A guest's life by commands, one of which is killed."""
    name = lab_name("gcl")
    try:
        vmn_lab(name, "up", "--hosts", "2", "--no-vmnd")
        for host in "h1", "h2":
            vmn_lab(name, "exec", host, "ovs-vsctl", "add-br", "br-int", "--",
                    "set", "bridge", "br-int", "datapath_type=netdev")
        assert "give --mac" in vmn_lab(name, "vm", "web", "--host", "h1",
                                       status=1)
        assert "MAC address" in vmn_lab(
            name, "vm", "web", "--host", "h1", "--mac", "1", status=1)
        said = vmn_lab(name, "vm", "web", "--host", "h1", "--mac",
                       "02:00:00:00:00:01", "--image", image)
        assert re.match(r"web runs on h1 \((tcg|kvm)\) after \d+", said)
        assert re.search(r"web +guest +h1 ", vmn_lab(name, "status"))
        said = vmn_lab(name, "exec", "web", "sh", "-c", "hostname; exit 9",
                       status=9)
        assert said == "web\n"
        assert "took over" in vmn_lab(name, "exec", "--limit", "0.2", "web",
                                      "sleep", "100", status=1)
        assert "no guest" in vmn_lab(name, "exec", "--limit", "9", "h1",
                                     "true", status=2)
        vmn_lab(name, "migrate", "web", "h2")
        vmn_lab(name, "move", "web", "h1")
        # Somebody ends the one that migrates it, and before it began to.
        lab = Lab(name).load()
        lab.vm("web").state["to"] = "h2"
        lab.save()
        lab.vm("web").start_machine(lab.host("h2"), incoming=True)
        vmn_lab(name, "unplug", "web")
        assert not lab.vm("web").machine(lab.host("h2")).pids()
        vmn_lab(name, "plug", "web", "h1")
        killed = subprocess.Popen(
            [sys.executable, VMN_LAB, "migrate", "--name", name, "web", "h2",
             "--bandwidth", "1"], stdout=subprocess.DEVNULL)
        try:
            wait_for("it to migrate", lambda: "migrates to h2" in vmn_lab(
                name, "status"))
        finally:
            killed.kill()
            killed.wait()
        assert "cancelled; it is on h1" in vmn_lab(
            name, "migrate", "web", "h2", "--bandwidth", "1",
            "--cancel-after", "0.1", status=3)
        assert re.match(r"web is on h2: downtime \d+ ms, total \d+ ms, ",
                        vmn_lab(name, "migrate", "web", "h2"))
        assert "up" in vmn_lab(name, "exec", "web", "uptime")
        vmn_lab(name, "stop", "web")
        assert re.search(r"web +guest, ended +- ", vmn_lab(name, "status"))
        assert "does not run" in vmn_lab(name, "exec", "web", "true", status=1)
        assert "has ended" in vmn_lab(name, "plug", "web", "h2", status=1)
        lab = Lab(name).load()
        assert not lab.vm("web").machine(lab.host("h2")).pids()
        # "down" has one to end that has hardly begun.
        lab.vm("web").start()
    finally:
        down(name)
    assert not left_of(name)


@pytest.mark.parametrize("words, reason, status", [
    (["vm", "web"], "--host", 2),
    (["vm", "web", "--host", "h1", "--image", "/none"], "image /none", 1),
    (["vm", "web", "--host", "h1", "--memory", "1"], "from 96 to 4096", 2),
    (["migrate", "web", "h1", "--bandwidth", "0"], "greater than 0", 2),
    (["migrate", "web", "h1", "--limit", "nan"], "greater than 0", 2),
])
def test_wrong_arguments(words, reason, status):
    assert reason in vmn_lab(lab_name("non"), *words, status=status)


def test_accelerator_that_there_is_not(monkeypatch):
    monkeypatch.setenv("VMN_LAB_ACCEL", "xen")
    with pytest.raises(Error, match="VMN_LAB_ACCEL: must be kvm or tcg"):
        qemu.accelerator()


def test_image_that_cannot_be_made_says_why(tmp_path):
    """Without a compiler, and with one that fails: nothing is left."""
    for program in "bash", "dirname", "realpath":
        (tmp_path / program).symlink_to("/usr/bin/" + program)
    without = subprocess.run(
        ["/bin/bash", MAKER], env={"PATH": str(tmp_path)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert without.returncode == 1
    assert re.search("not on this machine:.* cc ", without.stderr)
    (tmp_path / "apt-get").write_text("#!/bin/sh\necho no network\nexit 100\n")
    (tmp_path / "apt-get").chmod(0o755)
    cache = tmp_path / "cache"
    failed = subprocess.run(
        ["/bin/bash", MAKER], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=dict(
            os.environ, VMN_CACHE=str(cache),
            PATH="%s:%s" % (tmp_path, os.environ["PATH"])))
    assert failed.returncode == 1
    assert "no network" in failed.stderr
    assert "not made; see %s" % cache in failed.stderr
    assert sorted(os.listdir(cache)) == ["guest-image.log", "guest-lock"]


def test_results_are_checked():
    done = migration.Result("web", "h1", "failed", None, 9, 9, "no room")
    with pytest.raises(Error, match="web failed: no room; it is on h1"):
        done.check()
