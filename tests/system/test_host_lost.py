# SPDX-License-Identifier: Apache-2.0
"""A host that is declared lost: its VMs may run elsewhere at once, and what
still runs there reaches nobody, whether the host is away or comes back."""

import time

import pytest
from conftest import World, check_log, close_lab, flows, make_lab, wait_quiet
from test_events import Reader
from test_gateway import await_gateway, gateway
from test_host_drain import NEAR, with_a_way_out
from test_live_apps import ctl

from vmnlab import frames, traffic
from vmnlab.netns import wait_for


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("lost", 3)
    yield lab
    close_lab(lab)


@pytest.fixture
def world(lab):
    world = World(lab)
    yield world
    if lab.host("h1").is_cut():
        lab.host("h1").heal()
    world.patch("hosts", "h1", lost=False)
    lab.await_synced()
    world.close()
    check_log(lab.vmnd)


def status(world, path):
    return world.api.get(path)["status"]


def host_state(world, name="h1"):
    return status(world, "hosts/" + name)["state"]


def is_silent(old, *others):
    """What 'old' sends to each of 'others', and to everybody, arrives
    nowhere."""
    for other in others:
        text = b"from the dead %f" % time.time()
        with frames.Capture(other.ns) as capture:
            frames.send(old, frames.udp(other.mac, old.mac, old.ip, other.ip,
                                        7, 7, text))
            frames.send(old, frames.udp("ff:ff:ff:ff:ff:ff", old.mac, old.ip,
                                        "255.255.255.255", 7, 7, text))
            if capture.wait(lambda f, t=text: t in f, 1):
                return False
    return True


def test_host_that_is_cut_off_is_given_up(lab, world):
    """It lives on, and nobody hears of it; then it is back."""
    with_a_way_out(world)
    h1 = lab.host("h1")
    old = world.vm("v", "a", "h1", ["10.0.1.11"], tcp=[80])
    beside = world.vm("w", "a", "h1", ["10.0.1.12"], tcp=[80])
    other = world.vm("c", "a", "h3", ["10.0.1.13"])
    assert world.reaches(other, old) and world.reaches(beside, old)
    wait_for("it to be heard", lambda: not is_silent(old, other))
    await_gateway(world, "h1")
    reader = Reader(lab.vmnd.socket, "?kinds=host&host=h1")
    reader.take("start")
    h1.cut()
    wait_for("h1 to be offline", lambda: host_state(world) == "offline", 30)
    wait_for("its port to be unknown",
             lambda: lab.port_state("v") == "unknown")

    # At once, in one revision, and nobody waits for it.
    said = ctl(lab, "host", "lost", "h1", "--wait")
    assert "hosts/h1 declared lost" in said and "is installed" in said, said
    assert "that is lost; it is unbound until another host" in said, said
    assert host_state(world) == "lost"
    reader.take("host", state="lost")
    reader.close()
    # It is behind nothing, and no revision waits for it, old or new.
    world.patch("ports", "c", labels={"a": "b"})
    revision = world.api.get("status")["revision"]
    assert status(world, "hosts/h1")["lag"] == {"revisions": 0, "ms": 0}
    # The others are to have what has become of its gateway.
    metrics = wait_for("no host to be behind", lambda: [
        m for m in [world.api.metrics()] if not any(
            name.startswith("vmn_host_unsynced{") for name in m)])[0]
    assert metrics['vmn_hosts_in_state{state="lost"}'] == 1
    assert lab.port_state("v") == lab.port_state("w") == "unbound"
    assert gateway(world) == "h2"

    def health():
        found = world.api.get("status")
        print(found["health"], found["hosts"])
        return ([r["reason"] for r in found["health"]["reasons"]],
                *(found["hosts"][n] for n in ("configured", "synced",
                                              "lost")))
    wait_for("it to be no trouble",
             lambda: health() == (["standby"], 3, 2, 1))
    assert world.answers(other, NEAR) == "near"
    assert world.unanswered(other, old.ip)
    assert world.never(lambda: not is_silent(old, other))
    assert is_silent(old, other)

    # Its VM is started elsewhere.
    began = time.monotonic()
    lab.add_vm_of_port("v", "h2", "twin")
    world.own_vms.append("twin")
    lab.await_ports(["v"])
    assert status(world, "ports/v")["host"] == "h2"
    twin = lab.vm("twin")
    world.servers.tcp(twin, 80, "0.0.0.0")
    assert world.answers(other, twin.ip) == "twin"
    print("up after %.1f s" % (time.monotonic() - began))
    assert is_silent(old, other, twin)

    # It is back, as it was: and has nothing more.
    lab.vmnd.kill()
    lab.vmnd.start()
    wait_for("it to be installed again", lambda: world.api.get(
        "revisions/%d" % revision)["receipt"]["installed"])
    assert "1 lost" in ctl(lab, "status", status=1)
    h1.heal()
    wait_for("h1 to be emptied", lambda: not flows(h1), 60)
    wait_for("it to be told", lambda: status(world, "hosts/h1").get(
        "reason") == "it is declared lost, and its switch is connected: it "
        "gets no flow", 30)
    wait_for("the claim to be told", lambda: status(world, "ports/v").get(
        "rejected_claims") == ["h1"], 20)
    assert host_state(world) == "lost"
    assert status(world, "ports/v")["host"] == "h2"
    assert lab.port_state("w") == "unbound"
    assert traffic.ask(beside, old.ip, 80, "tcp", 0.8) is None
    assert is_silent(old, other, twin, beside)
    assert world.answers(other, twin.ip) == "twin"
    assert gateway(world) == "h2"
    said = ctl(lab, "flows", "h1", "--diff")
    assert "flows 0, groups 0" in said, said

    # It is found: what is elsewhere stays there.
    ctl(lab, "host", "found", "h1", "--wait")
    lab.await_ports(["w"])
    wait_for("it to be synced", lambda: host_state(world) == "synced", 30)
    await_gateway(world, "h1")
    assert status(world, "ports/v")["host"] == "h2"
    assert status(world, "ports/v")["candidate"] == "h1"
    assert world.reaches(other, beside)
    assert world.answers(other, twin.ip) == "twin"
    lab.unplug("twin")
    wait_for("the port to go back", lambda: status(world, "ports/v").get(
        "host") == "h1", 20)
    assert world.reaches(other, old)


def test_host_that_is_there_is_fenced(lab, world):
    """While it is connected, its flows go at once."""
    world.network("net", "10.0.0.0/24")
    a, b = (world.vm(n, "net", "h1", tcp=[80]) for n in ("a", "b"))
    c = world.vm("c", "net", "h2", tcp=[80])
    assert world.reaches(a, b) and world.reaches(c, a)
    ctl(lab, "host", "lost", "h1", "--wait")
    wait_for("its flows to go", lambda: not flows(lab.host("h1")), 20)
    world.settle()
    assert world.blocked(a, b) and world.blocked(c, a)
    assert lab.port_state("a") == lab.port_state("b") == "unbound"
    # Twice is as once; what it reports meanwhile is not forgotten.
    assert "hosts/h1" in ctl(lab, "host", "lost", "h1")
    world.put("ports", "d", network="net")
    lab.add_vm_of_port("d", "h1")
    world.own_vms.append("d")
    wait_for("the claim", lambda: status(world, "ports/d").get(
        "rejected_claims") == ["h1"], 20)
    ctl(lab, "host", "found", "h1", "--wait")
    lab.await_ports(["a", "b", "d"])
    assert world.reaches(a, b) and world.reaches(c, a)
    wait_quiet(lab)
    assert world.api.metrics()["vmn_hosts_synced"] == 3
