# SPDX-License-Identifier: Apache-2.0
"""Trunk ports: a VM whose interface carries sub-ports, by VLAN."""

import pytest
from conftest import close_lab, cut, entry, make_lab, rule, wait_quiet
from inner import Inner

from vmnlab import traffic
from vmnlab.api import Refused
from vmnlab.netns import wait_for


@pytest.fixture(scope="module")
def module_lab(request):
    lab = make_lab("trunk", 3)
    yield lab
    close_lab(lab)


class Trunk:
    """A VM "node" with guests inside of it, a sub-port each."""

    def __init__(self, world, host="h1"):
        self.world = world
        world.network("nodes", "10.9.0.0/24")
        world.network("blue", "10.1.0.0/24", "fd00:1::/64")
        world.network("red", "10.2.0.0/24", "fd00:2::/64")
        self.node = world.vm("node", "nodes", host, tcp=(80,))
        self.inner = []

    def add(self, name, network, vlan, number, **spec):
        subnet = {"blue": 1, "red": 2}[network]
        ips = ["10.%d.0.%d" % (subnet, number),
               "fd00:%d::%d" % (subnet, number)]
        self.world.put("ports", name, network=network, parent="node",
                       vlan=vlan, ips=ips, **spec)
        self.world.lab.await_ports([name])
        mac = self.world.api.get("ports/" + name)["status"]["mac"]
        guest = Inner(self.node, name, ips[0] + "/24", ips[1] + "/64",
                      mac=mac).tagged(vlan)
        self.inner.append(guest)
        for any_ip in ("0.0.0.0", "::"):
            self.world.servers.tcp(guest, 80, any_ip)
            self.world.servers.udp(guest, 90, any_ip)
        return guest

    def close(self):
        for guest in self.inner:
            guest.close()


@pytest.fixture
def trunk(world):
    trunk = Trunk(world)
    yield trunk
    trunk.close()


def both(world, a, b):
    """Whether each of the two gets answers of the other, in both families."""
    return all(world.answers(x, ip, port, protocol) == y.name
               for x, y in ((a, b), (b, a)) for ip in (y.ip, y.ip6)
               for port, protocol in ((80, "tcp"), (90, "udp")))


def test_sub_ports_are_ports_of_their_networks(world, trunk):
    web = trunk.add("web", "blue", 100, 11)
    app = trunk.add("app", "red", 200, 11)
    next_web = trunk.add("web2", "blue", 101, 12)
    for host in ("h1", "h2"):
        peer = world.vm("blue-" + host, "blue", host, tcp=(80,), udp=(90,))
        assert both(world, web, peer), host
        peer = world.vm("red-" + host, "red", host, tcp=(80,), udp=(90,))
        assert both(world, app, peer), host
    # Two of one network on one interface: by way of the switch.
    assert both(world, web, next_web)
    # The parent is in its own network, as without any of that.
    peer = world.vm("peer", "nodes", "h2", tcp=(80,))
    assert world.reaches(peer, trunk.node) and world.reaches(trunk.node, peer)
    # Networks stay apart, though all comes by one interface.
    app.run("ip", "addr", "add", "10.1.0.11/16", "dev", "eth0")
    assert world.unanswered(app, "10.1.0.12")
    counters = world.api.get("ports/web")["status"]
    assert counters["host"] == "h1" and counters["state"] == "up", counters


def test_live_trace_from_a_sub_port(world, trunk):
    """Which is a patch port: a packet that is put in there passes conntrack,
    as any."""
    trunk.add("web", "blue", 100, 11, labels={"role": "web"})
    trunk.add("db", "blue", 101, 12, labels={"role": "db"})
    world.group("web", "role=web")
    world.policy("out", "web", rule("egress", "allow", ["10.1.0.0/24"],
                                    [entry("tcp", 80)]))
    wait_quiet(world.lab)
    for port, verdict in (80, "delivered"), (81, "dropped"):
        said = world.api.call("POST", "/v1/live-trace", {
            "from": "web", "to": "db", "protocol": "tcp", "port": port,
            "timeout": 30})
        assert said["agrees"] and said["seen"]["verdict"] == verdict, said


def test_sub_ports_are_segmented_by_themselves(world, trunk):
    web = trunk.add("web", "blue", 100, 11, labels={"role": "web"})
    db = trunk.add("db", "blue", 101, 12, labels={"role": "db"})
    other = world.vm("other", "blue", "h2", tcp=(80,))
    world.group("dbs", "role=db")
    world.group("webs", "role=web")
    world.policy("dbs", "dbs", rule("ingress", "allow",
                                    peers=["webs"],
                                    services=[entry("tcp", 80)]))
    assert world.reaches(web, db)
    assert world.blocked(other, db)
    # Who sends with another VLAN's address is nobody there.
    web.run("ip", "addr", "add", "10.1.0.12/24", "dev", "eth0")
    web.run("ip", "addr", "del", "10.1.0.11/24", "dev", "eth0")
    assert world.unanswered(web, other.ip)


def test_what_cuts_the_parent_off_does_so_with_its_sub_ports(world, trunk):
    web = trunk.add("web", "blue", 100, 11)
    peer = world.vm("peer", "blue", "h2", tcp=(80,))
    held = world.held(web, peer)
    world.patch("ports", "node", quarantined=True)
    assert cut(held) and world.blocked(peer, web)
    world.patch("ports", "node", quarantined=False)
    assert both_tcp(world, web, peer)
    # A quarantine of it counts them.
    world.put("quarantines", "case", ports=["node"])
    assert world.blocked(peer, web)
    status = world.api.get("quarantines/case")["status"]
    assert (status["n_members"], status["members"]) == (2, ["node", "web"])
    assert world.api.get("ports/web")["status"]["quarantines"] == ["case"]
    world.api.delete("quarantines/case")
    assert both_tcp(world, web, peer)
    world.patch("ports", "node", enabled=False)
    assert world.blocked(peer, web) and world.blocked(web, peer)
    world.patch("ports", "node", enabled=True)
    assert both_tcp(world, web, peer)


def both_tcp(world, a, b):
    return world.reaches(a, b) and world.reaches(b, a)


def ends(host):
    """The patch ports of trunks on 'host'."""
    return sorted(name for name in host.vsctl("list-ports", "br-int").split()
                  if name.startswith(("vmn-sub-", "vmn-tag-")))


def test_sub_ports_go_where_their_parent_goes(world, trunk):
    lab = world.lab
    web = trunk.add("web", "blue", 100, 11)
    peer = world.vm("peer", "blue", "h3", tcp=(80,))
    held = world.held(web, peer)
    assert ends(lab.host("h1")) == ["vmn-sub-web", "vmn-tag-web"]
    trunk.node.move(lab.host("h2"))
    wait_for("the sub-port on its new host", lambda: world.api.get(
        "ports/web")["status"].get("host") == "h2", 20)
    assert both_tcp(world, web, peer)
    assert held.exchange(seconds=20)
    wait_for("the old host to be without it",
             lambda: not ends(lab.host("h1")), 30)

    # vmnd is killed: what is there stays, and goes on.
    lab.vmnd.kill()
    assert held.exchange(seconds=20)
    lab.vmnd.start()
    lab.await_ports(["web", "peer"])
    assert held.exchange(seconds=20) and both_tcp(world, web, peer)
    assert ends(lab.host("h2")) == ["vmn-sub-web", "vmn-tag-web"]

    world.delete("ports", "web")
    wait_for("its ports to go", lambda: not ends(lab.host("h2")), 30)
    assert world.blocked(web, peer)


def test_a_vlan_may_change_in_place(world, trunk):
    web = trunk.add("web", "blue", 100, 11)
    peer = world.vm("peer", "blue", "h2", tcp=(80,))
    assert both_tcp(world, web, peer)
    world.patch("ports", "web", vlan=300)
    assert world.blocked(peer, web)
    world.patch("ports", "web", vlan=100)
    assert both_tcp(world, web, peer)


def test_trunks_that_cannot_be_are_refused(world, trunk):
    world.put("ports", "web", network="blue", parent="node", vlan=100)
    cases = [
        ({"parent": "node"}, "/spec/vlan", "required"),
        ({"vlan": 5}, "/spec/vlan", "only for a sub-port"),
        ({"parent": "node", "vlan": 100}, "/spec/vlan", '"web"'),
        ({"parent": "node", "vlan": 4095}, "/spec/vlan", "4094"),
        ({"parent": "web", "vlan": 5}, "/spec/parent", "sub-port itself"),
        ({"parent": "nobody", "vlan": 5}, "/spec/parent", "nobody"),
        ({"parent": "x", "vlan": 5}, "/spec/parent", "itself"),
        ({"parent": "node", "vlan": 5, "host": "h1"}, "/spec/host",
         "where its parent is"),
    ]
    for spec, pointer, words in cases:
        with pytest.raises(Refused) as refused:
            world.api.put("ports/x", dict(spec, network="blue"))
        errors = refused.value.problem["errors"]
        assert [e["pointer"] for e in errors] == [pointer], (spec, errors)
        assert words in errors[0]["detail"], (spec, errors)
    with pytest.raises(Refused) as refused:
        world.api.delete("ports/node")
    assert refused.value.status == 409
    with pytest.raises(Refused) as refused:
        world.api.patch("ports/node", {"parent": "web", "vlan": 7})
    assert "/spec/parent" in str(refused.value.problem)
