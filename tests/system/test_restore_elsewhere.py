# SPDX-License-Identifier: Apache-2.0
"""A backup of one site is restored on another one, whose hypervisors have
other names: vmnctl restore --map-hosts."""

import json
import os
import subprocess

import pytest
from conftest import World, check_log, close_lab, make_lab
from test_store import vmnctl

from vmnlab.daemon import find
from vmnlab.netns import wait_for


@pytest.fixture(scope="module")
def site():
    lab = make_lab("old", 2)
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def other():
    lab = make_lab("new", 3)
    yield lab
    close_lab(lab)


def states(lab):
    return {o["name"]: o["status"]["state"]
            for o in lab.vmnd.api.get("hosts")["items"]}


def rename_hosts(lab):
    """Names that no host of the other site has."""
    for host in lab.hosts:
        lab.vmnd.api.delete("hosts/" + host.name)
    lab.vmnd.api.apply([dict(lab.host_object(h), name="old-" + h.name)
                        for h in lab.hosts])
    wait_for("them to be synced", lambda: states(lab) == {
        "old-h1": "synced", "old-h2": "synced"}, 60)


def write_map(path, lab, **more):
    """old-hN is hN of 'lab'."""
    hosts = {}
    for name in ("h1", "h2"):
        spec = lab.host_object(lab.host(name))["spec"]
        hosts["old-" + name] = {"name": name, "ovsdb": spec["ovsdb"],
                                "tunnel_ip": spec["tunnel_ip"]}
    hosts.update(more)
    path.write_text(json.dumps(hosts))
    return str(path)


def make_shop(world):
    """VMs that are pinned, one that may be on either host, and a router with a
    list of gateways."""
    world.put("networks", "net", subnets=[{"cidr": "10.0.0.0/24",
                                           "gateway": "10.0.0.1"}])
    world.vm("a", "net", "h1", tcp=[80])
    world.patch("ports", "a", host="old-h1")
    world.vm("b", "net", "h2", hosts=["old-h1", "old-h2"])
    assert world.reaches(world.lab.vm("b"), world.lab.vm("a"))
    world.put("networks", "out", provider={"physical": "dc"}, mtu=1500,
              subnets=[{"cidr": "198.51.100.0/24",
                        "gateway": "198.51.100.1"}])
    world.put("routers", "r", interfaces=[{"network": "net"}], external={
        "network": "out", "addresses": ["198.51.100.10"],
        "gateways": [{"host": "old-h2", "priority": 1},
                     {"host": "old-h1", "priority": 2}]})


def rehearse(saved, db, hosts):
    """In a simulation: the other hosts have what these had, once VMs run."""
    folder = os.path.dirname(find("vmnd"))
    program = os.path.join(folder, "vmn-rehearse")
    app_dir = os.environ.get("VMN_APPDIR") or os.path.join(folder, "appdir")

    folder_of_copies = os.path.join(os.path.dirname(saved), "copies")
    os.mkdir(folder_of_copies)

    def run(*args, status):
        done = subprocess.run([program, "--app-dir", app_dir, *args],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              check=False, env=dict(os.environ,
                                                    TMPDIR=folder_of_copies))
        assert done.returncode == status, done.stdout
        return done.stdout

    found = json.loads(run("--json", "--map-hosts", hosts, saved, status=0))
    flows = {h["before"]: (h["after"], h["flows_before"], h["flows_after"])
             for h in found["hosts"]}
    assert set(flows) == {"old-h1", "old-h2"}, found
    for name, (after, before, then) in flows.items():
        assert "old-" + after == name and before == then > 100, found
    assert found["ports"]["on_hosts_after"] == 2, found
    # The state that is replaced has three hosts and no VM.
    words = run("--database", db, "--map-hosts", hosts, saved, status=1)
    assert "ports on a host: 0, would be 2" in words, words
    assert "icmp: a, b -> a, b: absent; would be: delivered" in words, words
    # Without the map the hosts are those of the backup.
    same = json.loads(run("--json", saved, status=0))
    assert same["same"] and not same["problems"], same
    assert not os.listdir(folder_of_copies)
    for args, fault in ((["--map-hosts", "/nowhere", saved], "/nowhere"),
                        (["--database", "/nowhere", saved], "/nowhere"),
                        (["/nowhere"], "/nowhere"), ([], "no backup"),
                        ([saved, "more"], "too much: more")):
        assert fault in run(*args, status=2)


def test_backup_is_restored_on_other_hosts(site, other, tmp_path):
    saved = str(tmp_path / "site.db")
    rename_hosts(site)
    world = World(site)
    make_shop(world)
    vmnctl("backup", saved, "-s", "unix:" + site.vmnd.socket)
    world.servers.close()

    # A map that does not fit: each fault is named, and nothing is done.
    db = other.vmnd.db
    for more, fault in (
            ({"nobody": {"tunnel_ip": "192.0.2.1"}},
             'the backup has no host "nobody"'),
            ({"old-h1": {"name": "h1", "tunnel_ip": "192.0.2.1"}},
             "/old-h1/ovsdb: required"),
            ({"old-h1": {"name": "h2", "tunnel_ip": "192.0.2.1",
                         "ovsdb": "inbound"}},
             '"h2" is the name of'),
            ({"old-h1": {"address": "192.0.2.1"}},
             "/old-h1/address: there is no such member"),
            ({"old-h1": "h1"}, "/old-h1: must be an object")):
        bad = write_map(tmp_path / "bad", other, **more)
        status, words = vmnctl("restore", saved, "--database", db,
                               "--dry-run", "--map-hosts", bad, check=False)
        assert status != 0 and fault in words, words

    # The rehearsal, while the other site's vmnd runs.
    hosts = write_map(tmp_path / "hosts", other)
    words = vmnctl("restore", saved, "--database", db, "--dry-run",
                   "--map-hosts", hosts)
    assert "host old-h1 becomes h1, tunnel_ip " in words, words
    assert "5 references to these hosts follow; 2 ports bound there are " \
        "unbound until a host has its interface" in words, words
    assert "delete   hosts" in words and "h3" in words, words
    assert not [line for line in words.splitlines()
                if line.startswith("create") and "old-h1" in line], words
    assert states(other) == dict.fromkeys(("h1", "h2", "h3"), "synced")
    rehearse(saved, db, hosts)

    # The restore.
    other.vmnd.stop()
    words = vmnctl("restore", saved, "--database", db, "--yes",
                   "--map-hosts", hosts, "-m", "the site is lost")
    assert "restored as revision" in words, words
    other.vmnd.start()
    api = other.vmnd.api
    wait_for("the hosts to be synced", lambda: states(other) == {
        "h1": "synced", "h2": "synced"}, 60)
    assert api.get("ports/a")["spec"]["host"] == "h1"
    assert api.get("ports/b")["spec"]["hosts"] == ["h1", "h2"]
    assert {g["host"]: g["priority"] for g in api.get("routers/r")["spec"][
        "external"]["gateways"]} == {"h1": 2, "h2": 1}
    assert other.port_state("a") == "unbound"

    # VMs are started there, and reach each other with their addresses.
    new = World(other)
    a = other.add_vm_of_port("a", "h1")
    b = other.add_vm_of_port("b", "h2")
    other.await_ports(["a", "b"])
    new.servers.tcp(a, 80, "0.0.0.0")
    assert new.answers(b, a.ip) == "a"
    assert (a.ip, a.mac) == (site.vm("a").ip, site.vm("a").mac)
    # One that is pinned is not bound elsewhere.
    other.unplug("a")
    other.replug("a", "h2")
    wait_for("the claim", lambda: api.get("ports/a")["status"].get(
        "rejected_claims") == ["h2"], 20)
    # The old site goes on: nobody has spoken to its hosts.
    assert states(site) == {"old-h1": "synced", "old-h2": "synced"}
    new.servers.close()
    for lab in (site, other):
        check_log(lab.vmnd)
