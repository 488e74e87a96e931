# SPDX-License-Identifier: Apache-2.0
"""A site is lost: a backup becomes a new cluster of three at another one,
whose hosts take the places of the former ones, with names of their own, as
docs/cluster.md says."""

import json
import shutil
import tempfile
import types

from cluster import Cluster, run
from conftest import World, check_log, entry, lab_name, rule

from vmnlab.daemon import find
from vmnlab.lab import Lab
from vmnlab.netns import wait_for


class Restored(Cluster):
    """Begun from a backup, by a map of hosts (vmnctl restore)."""

    def __init__(self, folder, backup, lab, map_file):
        self.backup_file = backup
        self.map_file = map_file
        super().__init__(folder, lab=lab)

    def _make(self, name):
        member = super()._make(name)
        if len(self.members) == 1:
            said = run(find("vmnctl"), "restore", self.backup_file,
                       "--database", member.state, "--yes",
                       "--map-hosts", self.map_file)
            assert "restored as" in said, said
        return member


def use(lab, member):
    """Has the lab's functions ask this member."""
    lab.vmnd = types.SimpleNamespace(api=member.api, log=member.log,
                                     program=None, options=(),
                                     pid=lambda: member.process.pid)


def write_map(folder, lab):
    """hN is another machine, farN, which the lab calls by the number after
    the next."""
    hosts = {}
    for n, host in enumerate(lab.hosts[2:], 1):
        spec = lab.host_object(host)["spec"]
        hosts["h%d" % n] = {"name": "far%d" % n, "ovsdb": spec["ovsdb"],
                            "tunnel_ip": spec["tunnel_ip"]}
    path = folder / "map"
    path.write_text(json.dumps(hosts))
    return str(path)


def await_hosts(api, names):
    wait_for("the hosts", lambda: all(
        api.get("hosts/" + name)["status"].get("state") == "synced"
        for name in names), 60)


def test_another_site(tmp_path):
    folders = [tempfile.mkdtemp(prefix="vmn-cluster-") for _ in range(2)]
    lab = Lab(lab_name("site"))
    lab.lock(create=True)
    here = there = None
    try:
        lab.up(4)
        here = Cluster(folders[0], lab=lab)
        api = here.writer().api
        use(lab, here.writer())
        api.apply([lab.host_object(h) for h in lab.hosts[:2]])
        await_hosts(api, ("h1", "h2"))
        world = World(lab)
        world.network("n")
        for name in ("v1", "v2"):
            world.put("ports", name, network="n", ips=["10.0.0." + name[1]],
                      labels={"role": name}, host="h" + name[1])
        world.group("v1", "role=v1")
        world.group("v2", "role=v2")
        world.policy("p", "v2", rule("ingress", "allow", ["v1"],
                                     [entry("tcp", 80)]))
        macs = {name: api.get("ports/" + name)["status"]["mac"]
                for name in ("v1", "v2")}
        revision = api.get("ports/v2")["metadata"]["revision"]
        copy = str(tmp_path / "copy")
        here.backup(copy, here.writer())
        # What came after it is lost with the site.
        world.put("networks", "late")
        here.end()
        for host in lab.hosts[:2]:
            host.stop()

        there = Restored(folders[1], copy, lab, write_map(tmp_path, lab))
        writer = there.writer()
        use(lab, writer)
        world.api = writer.api
        found = writer.api.get("ports/v2")
        assert found["metadata"]["revision"] >= revision
        assert "late" not in {
            o["name"] for o in writer.api.get("networks")["items"]}
        # Other machines have taken the hosts' places, with names of theirs.
        await_hosts(writer.api, ("far1", "far2"))
        assert {o["name"] for o in writer.api.get("hosts")["items"]} == {
            "far1", "far2"}
        assert found["spec"]["host"] == "far2"
        for name, host in zip(("v1", "v2"), ("h3", "h4")):
            lab.add_vm(name, host, macs[name], ["10.0.0.%s/24" % name[1]])
            world.servers.tcp(lab.vm(name), 80)
        lab.await_ports(["v1", "v2"])
        assert world.reaches(lab.vm("v1"), lab.vm("v2"))
        assert world.reaches(lab.vm("v2"), lab.vm("v1"))
        world.patch("policies", "p", rules=[])
        assert world.blocked(lab.vm("v1"), lab.vm("v2"))
        # It is a cluster, of another number than the former.
        writer.kill()
        next_ = there.writer(but=[writer])
        assert next_.api.get("ports/v2")["spec"] == found["spec"]
        for cluster in (here, there):
            for member in cluster.members:
                check_log(member)
    finally:
        for cluster in (here, there):
            if cluster:
                cluster.end()
        lab.vmnd = None
        lab.down()
        lab.unlock()
        for folder in folders:
            shutil.rmtree(folder)
