# SPDX-License-Identifier: Apache-2.0
"""Proxmox VE: guests that move between nodes by the calls of Proxmox's
scripts, and what goes wrong with these: nodes and vmnd that are away, rights
that lack, names that are taken."""

import pytest
from conftest import wait_quiet
from proxmox_cluster import (CALLS, SCOPE, guest, iface_id, net0, port, ports,
                             reaches, start)
# Fixtures, as tests name them: lab, token, cluster.
from proxmox_cluster import (cluster_fixture, lab_fixture,  # noqa: F401
                             token_fixture)

from vmnlab import netns
from vmnlab.netns import wait_for
from vmnlab.stream import WAY_S, Streams

LAB = "pvemig"


# Migration.  -----------------------------------------------------------------

def migrate(cluster, mover, streams, old, new):
    """A live migration: the calls on both nodes.  Returns when the VM stood
    still: the time at which its old node was left, and that at which VMN had
    it on the new one."""
    link, mac = mover.link, mover.mac
    # The VM is started at the new node, and waits.
    assert cluster.call(new, "bridge", link, PVE_MIGRATED_FROM=old.name) == ""
    wait_for("the candidate", lambda: port(cluster)["status"].get(
        "candidate") == new.name)
    assert port(cluster)["status"]["host"] == old.name
    # The memory is copied, and meanwhile its packets come and go.
    streams.run(1)
    # Here it is stopped, and its configuration moved.
    paused = streams.now()
    cluster.move_guest(100, new.name)
    cluster.call(old, "leave", link, mac, "shop")
    left = streams.now()
    cluster.call(new, "arrive", link, mac, "shop")
    streams.switch("from it", 1)
    wait_for("the new node", lambda: port(cluster)["status"].get(
        "host") == new.name and port(cluster)["status"]["state"] == "up")
    print("    paused for %.0f ms, %.0f ms since it was left"
          % (1000 * (streams.now() - paused), 1000 * (streams.now() - left)))
    # All others have to send to the new one, too, and their datapaths with
    # them: on a busy machine that takes a moment more.
    wait_quiet(cluster.lab)
    cluster.lab.revalidated()
    goes_on = streams.now()
    # Its old process is ended once the new one goes on.
    streams.run(0.5)
    cluster.call(old, "bridgedown", link)
    return paused, goes_on


def test_live_migration(cluster, lab):
    h1, h2, h3 = lab.hosts
    mover = start(cluster, h1, 100)
    peer = start(cluster, h3, 101)
    assert reaches(peer, mover)
    mover.twin(h2)
    streams = Streams()
    streams.add("to it", peer, mover,
                links=(("eth0", "eth0"), ("eth0", "eth1")))
    streams.add("from it", mover, peer, port=9010,
                links=(("eth0", "eth0"), ("eth1", "eth0")))
    with streams:
        streams.run(0.5)
        paused, goes_on = migrate(cluster, mover, streams, h1, h2)
        streams.run(1)
        found = streams.stop()
    for result in found.values():
        print("   ", result)
        lost = [result.sent[n] for n in result.lost]
        # Nothing is lost but while it stands still.
        assert all(paused - WAY_S < at < goes_on + WAY_S for at in lost), lost
    # Where it is, there it is served: before at the old node alone, then at
    # the new one.
    assert set(found["to it"].sinks(end=paused - WAY_S)) == {0}
    assert set(found["to it"].sinks(start=goes_on + WAY_S)) == {1}
    assert len(found["to it"].arrived()) > 1000
    status = port(cluster)["status"]
    assert (status["host"], status.get("candidate")) == ("h2", None)
    assert iface_id(h1, "tap100i0") == ""
    assert cluster.sync(host=h2).out == ""


def test_migration_that_fails(cluster, lab):
    """The VM at the new node ends before it goes on: nothing has moved."""
    h1, h2, h3 = lab.hosts
    mover = start(cluster, h1, 100)
    peer = start(cluster, h3, 101)
    mover.twin(h2)
    cluster.call(h2, "bridge", "tap100i0", PVE_MIGRATED_FROM="h1")
    wait_for("the candidate", lambda: port(cluster)["status"].get(
        "candidate") == "h2")
    cluster.call(h2, "bridgedown", "tap100i0")
    wait_for("no candidate", lambda: "candidate" not in
             port(cluster)["status"])
    assert port(cluster)["status"]["host"] == "h1"
    assert reaches(peer, mover)


def test_migration_by_an_older_proxmox(cluster, lab):
    """Without the call of the node that is left, the end of the old process
    moves the port."""
    h1, h2, h3 = lab.hosts
    mover = start(cluster, h1, 100)
    peer = start(cluster, h3, 101)
    mover.twin(h2)
    cluster.call(h2, "bridge", "tap100i0", PVE_MIGRATED_FROM="h1")
    cluster.move_guest(100, "h2")
    cluster.call(h1, "bridgedown", "tap100i0")
    wait_for("the new node", lambda: port(cluster)["status"].get(
        "host") == "h2" and port(cluster)["status"]["state"] == "up")
    netns.ip(mover.ns, "addr flush dev eth0",
             "addr add %s/24 dev eth1" % mover.ip)
    assert reaches(peer, mover)


def test_node_that_was_switched_off(cluster, lab):
    """Its Open vSwitch still lists the interface, of which there is nothing:
    the VM is where it is started next, also once the node is back."""
    h1, h2, h3 = lab.hosts
    mover = start(cluster, h1, 100)
    peer = start(cluster, h3, 101)
    h1.stop_switch(0)
    netns.ip(h1.ns, "link del tap100i0")
    h1.start_switch()
    h1.await_ready()
    assert iface_id(h1, "tap100i0") == "vm100-net0.shop"
    lab.await_ports(["vm100-net0"], "unbound")
    cluster.move_guest(100, "h2")
    mover._link(h2)
    cluster.call(h2, "bridge", "tap100i0")
    lab.await_ports(["vm100-net0"])
    status = port(cluster)["status"]
    assert (status["host"], status.get("candidate")) == ("h2", None)
    assert reaches(peer, mover)


# What goes wrong.  -----------------------------------------------------------

def test_vm_starts_while_vmnd_is_away(cluster, lab):
    """Nothing waits for it but once; the port follows."""
    h1, h2 = lab.hosts[:2]
    lines = [net0(100), "net1: virtio=bc:24:11:00:01:33,bridge=shop"]
    cluster.write_guest(100, "h1", lines)
    first = guest(cluster, h1, 100)
    guest(cluster, h1, 100, 1, mac="bc:24:11:00:01:33")
    peer = start(cluster, h2, 101)
    assert lab.vmnd.stop() == 0
    try:
        said = cluster.call(h1, "bridge", "tap100i0")
        assert "VMN: port vm100-net0: vmnd does not answer at " \
            "https://10.98.0.1:8443: " in said
        assert "vmn-proxmox.timer tries again" in said
        assert "a moment ago" in cluster.call(h1, "bridge", "tap100i1")
        done = cluster.sync()
        assert not done.ok and "vmnd does not answer" in done.err
    finally:
        lab.vmnd.start()
    lab.await_synced()
    assert ports(cluster) == ["vm101-net0"]
    assert iface_id(h1, "tap100i0") == "vm100-net0.shop"
    assert cluster.sync("--dry-run").out.count("created") == 2
    assert ports(cluster) == ["vm101-net0"]
    done = cluster.sync()
    assert done.ok and done.out == \
        "zone z: vm100-net0: created\nzone z: vm100-net1: created\n"
    lab.await_ports(["vm100-net0", "vm100-net1"])
    assert reaches(peer, first.learn("vm100-net0"))
    assert cluster.sync().out == ""


@pytest.mark.parametrize("name,text,word", [
    ("z.token", "pve.wrong-wrong-wrong", "vmnd does not take the token"),
    ("z.token", "two words", "is to have a token alone"),
    ("z.token", None, "z.token: is not there"),
    ("z.ca.pem", None, "z.ca.pem: is not there"),
    ("z.ca.pem", "host-ca.pem", "certificate verify failed"),
])
def test_without_the_right_to_make_ports(cluster, lab, name, text, word):
    """The VM starts, is told why, and has its port once that is put right."""
    h1 = lab.hosts[0]
    path = cluster.etc / "priv/vmn" / name
    right = path.read_text()
    path.unlink()
    if text:
        path.write_text((lab.pki / text).read_text() if ".pem" in text
                        else text)
    cluster.write_guest(100, "h1", [net0(100)])
    made = guest(cluster, h1, 100)
    said = cluster.call(h1, "bridge", made.link)
    assert said.startswith("VMN: port vm100-net0: ") and word in said
    done = cluster.sync()
    assert not done.ok and word in done.out + done.err
    assert ports(cluster) == []
    path.write_text(right)
    assert cluster.sync().ok
    lab.await_ports(["vm100-net0"])


def test_unknown_network(cluster, lab):
    h1 = lab.hosts[0]
    cluster.write_guest(100, "h1", [net0(100, "none")])
    made = guest(cluster, h1, 100)
    said = cluster.call(h1, "bridge", made.link)
    assert 'port vm100-net0: network: ' in said and '"none"' in said
    done = cluster.sync()
    assert not done.ok and '"none"' in done.out
    lab.vmnd.api.put("networks/none", {
        "labels": SCOPE, "subnets": [{"cidr": "10.3.0.0/24"}]})
    assert cluster.sync().out == "zone z: vm100-net0: created\n"
    lab.await_ports(["vm100-net0"])
    lab.vmnd.api.delete("networks/none", cascade="true")


def test_names_with_odd_characters(cluster, lab):
    """A VNet that no network can be named like has one named for it, or the
    guest is told so; names and tags that no label can have are left out."""
    h1 = lab.hosts[0]
    cluster.write_guest(100, "h1", [
        "name: web.example.org", "tags: a+b,_x;ok.1 -",
        net0(100, "Odd1")], snapshots="")
    made = guest(cluster, h1, 100)
    assert cluster.call(h1, "bridge", made.link) == ""
    spec = port(cluster)["spec"]
    assert spec["network"] == "shop-odd"
    assert {k for k in spec["labels"] if "tag" in k} == {
        "proxmox/tag-_x", "proxmox/tag-ok.1"}
    cluster.call(h1, "bridgedown", "tap100i0")

    cluster.write_guest(101, "h1", [net0(101, "Odd2")])
    made = guest(cluster, h1, 101)
    assert "VNet Odd2: no network of VMN has such a name" in cluster.call(
        h1, "bridge", made.link)
    assert iface_id(h1, "tap101i0") == "vm101-net0.Odd2"


def test_labels_follow_the_guest(cluster, lab):
    h1 = lab.hosts[0]
    start(cluster, h1, 100, "name: a", "tags: web", net0(100))
    cluster.write_guest(100, "h1", ["name: b", "tags: db", net0(100)])
    assert cluster.sync().out == "zone z: vm100-net0: updated\n"
    assert port(cluster)["spec"]["labels"] == {
        "site": "pve", "proxmox/zone": "z", "proxmox/vm": "100",
        "proxmox/name": "b", "proxmox/tag-db": ""}


def test_guests_that_are_deleted(cluster, lab):
    h1 = lab.hosts[0]
    start(cluster, h1, 100)
    start(cluster, h1, 101)
    # Others' ports are left alone, whatever their names are.
    lab.vmnd.api.put("ports/vm9-net0", {"network": "shop"})
    cluster.delete_guest(101)
    assert cluster.sync().out == \
        "zone z: vm101-net0: has no device, but h1 has its interface: left\n"
    cluster.call(h1, "bridgedown", "tap101i0")
    lab.await_ports(["vm101-net0"], "unbound")
    # Ports that somebody refers to go, too.
    lab.vmnd.api.put("groups/some", {"labels": SCOPE,
                                     "ports": ["vm100-net0", "vm101-net0"]})
    # A node that is alone does not know who is there.
    cluster.write_members(0)
    done = cluster.sync()
    assert not done.ok and "no quorum" in done.err
    cluster.write_members(1)
    assert cluster.sync().out == "zone z: vm101-net0: deleted\n"
    assert ports(cluster) == ["vm100-net0", "vm9-net0"]
    lab.vmnd.api.delete("groups/some")


def test_guest_on_its_way_keeps_its_port(cluster, lab):
    """Its file is at neither node for the moment of a move."""
    h1 = lab.hosts[0]
    start(cluster, h1, 100)
    cluster.call(h1, "bridgedown", "tap100i0")
    lab.await_ports(["vm100-net0"], "unbound")
    cluster.guests[100]["node"] = "h2"
    cluster.write_list()
    done = cluster.sync()
    assert done.ok and done.out == ""
    assert ports(cluster) == ["vm100-net0"]


def test_a_name_that_is_somebody_elses(cluster, lab):
    """A port that the account does not see is not taken over."""
    h1 = lab.hosts[0]
    lab.vmnd.api.put("ports/vm100-net0", {"network": "shop"})
    cluster.write_guest(100, "h1", [net0(100)])
    made = guest(cluster, h1, 100)
    assert "HTTP 403" in cluster.call(h1, "bridge", made.link)
    assert port(cluster)["spec"]["iface_id"] == "vm100-net0"


def test_node_that_is_no_host_of_vmn(cluster, lab):
    h1 = lab.hosts[0]
    cluster.write_zone(bridge="br-none")
    cluster.write_guest(100, "h1", [net0(100)])
    made = guest(cluster, h1, 100)
    done = cluster.perl(h1, CALLS, "bridge", made.link)
    assert not done.ok
    assert "tap100i0 cannot be plugged into br-none, which vmnd makes on " \
        "its hosts: ovs-vsctl: no bridge named br-none" in done.err
    assert cluster.perl(h1, CALLS, "status", "shop").out == \
        "bridge br-none is missing: vmnd makes it on its hosts\n"
