# SPDX-License-Identifier: Apache-2.0
"""Virtual IPs: how they spread, and who serves."""

import collections
import re
import subprocess

import pytest
from conftest import cut, entry, rule, wait_counted
from test_router import asked_again

from vmnlab import traffic
from vmnlab.daemon import find
from vmnlab.netns import wait_for

LINKS = {"ipv4": ("10.0.0.0/24", "10.0.0."), "ipv6": ("fd00::/64", "fd00::")}


@pytest.fixture(params=sorted(LINKS))
def farm(world, request):
    """A client and three servers, the servers labelled role=web, of one
    family.  'world.vip' is the virtual IP of the balancer to come."""
    cidr, world.start = LINKS[request.param]
    world.vip = world.start + "100"
    world.network("net", cidr)
    cli = world.vm("cli", "net", "h1", world.start + "1", tcp=[8080])
    web = [world.vm("w%d" % i, "net", "h%d" % i, world.start + "1%d" % i,
                    labels={"role": "web"}, tcp=[8080], udp=[53])
           for i in (1, 2, 3)]
    return cli, web


def balancer(world, **spec):
    spec.setdefault("ports", [{"port": 80, "target": 8080}])
    world.put("loadbalancers", "lb", vip=world.vip, networks=["net"], **spec)


def spread(world, client, n=200, port=80, protocol="tcp"):
    """Asks 'n' times; returns {who: times}."""
    return collections.Counter(
        traffic.ask(client, world.vip, port, protocol, 5) for _ in range(n))


def serves(world, client, wanted, port=80, protocol="tcp"):
    """Waits until exactly 'wanted' answer; returns how often each did."""
    def right():
        seen = spread(world, client, 60, port, protocol)
        return set(seen) == set(wanted) and seen
    return wait_for("answers of %s" % wanted, right, 30)


def test_requests_are_spread_evenly(world, farm):
    cli, _ = farm
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2", "w3"])
    seen = spread(world, cli, 300)
    assert set(seen) == {"w1", "w2", "w3"}
    # A fair choice has 100 each with a deviation of 8.
    assert all(50 <= n <= 150 for n in seen.values()), seen


def test_weights_count(world, farm):
    cli, _ = farm
    balancer(world, backends=[{"port": "w1", "weight": 6},
                              {"port": "w2", "weight": 2},
                              {"port": "w3", "weight": 0}])
    serves(world, cli, ["w1", "w2"])
    seen = spread(world, cli, 400)
    assert set(seen) == {"w1", "w2"}
    # 300 and 100 are fair, with a deviation of 9.
    assert 240 <= seen["w1"] <= 360, seen


def test_connection_stays_with_its_backend(world, farm):
    cli, _ = farm
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2", "w3"])
    held = [traffic.Connection(cli, world.vip, 80) for _ in range(12)]
    for one in held:
        who = {(one.exchange(seconds=20) or "").split()[0] for _ in range(5)}
        assert len(who) == 1 and who <= {"w1", "w2", "w3"}
        one.close()


def test_backend_sees_the_clients_address(world, farm):
    cli, _ = farm
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2", "w3"])
    held = traffic.Connection(cli, world.vip, 80)
    assert held.exchange(seconds=20).split()[1] == cli.ip
    held.close()


def test_label_joins_and_leaves(world, farm):
    cli, _ = farm
    world.patch("ports", "w3", labels={"role": "spare"})
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2"])
    world.patch("ports", "w3", labels={"role": "web"})
    serves(world, cli, ["w1", "w2", "w3"])
    world.patch("ports", "w1", labels={"role": None})
    serves(world, cli, ["w2", "w3"])
    told = "Balancers that it is a backend of:"
    assert told not in vmnctl(world, "describe", "port", "w1").stdout
    assert told in vmnctl(world, "describe", "port", "w2").stdout


def test_unbound_backend_leaves_and_returns(world, farm):
    cli, _ = farm
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2", "w3"])
    world.lab.unplug("w2")
    serves(world, cli, ["w1", "w3"])
    world.lab.replug("w2", "h1")
    serves(world, cli, ["w1", "w2", "w3"])


def test_backends_that_stay_keep_their_connections(world, farm):
    cli, _ = farm
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2", "w3"])
    held = [traffic.Connection(cli, world.vip, 80) for _ in range(20)]
    who = [one.exchange(seconds=20).split()[0] for one in held]
    world.patch("ports", "w3", labels={"role": "spare"})
    for one, name in zip(held, who):
        if name != "w3":
            assert (one.exchange(seconds=20) or "none").split()[0] == name
        one.close()


def test_counts_of_backends_add_up(world, farm):
    """Also what one got that drains since: with its bucket would go what it
    counted and nobody has read."""
    cli, _ = farm
    # A name of its own: one that was used just before goes on counting.
    name = "sums-6" if ":" in world.vip else "sums-4"
    world.put("loadbalancers", name, vip=world.vip, networks=["net"],
              ports=[{"port": 80, "target": 8080}], selector="role=web")
    seen = collections.Counter()

    def all_answer():
        seen.update(spread(world, cli, 30))
        return set(seen) >= {"w1", "w2", "w3"}
    wait_for("answers of all", all_answer, 30)

    def loads():
        status = world.api.get("loadbalancers/" + name)["status"]
        each = {b["port"]: b["load"]["connections"]
                for b in status["backends"]}
        return status["load"]["connections"], each

    def all_read():
        total, each = loads()
        return each["w1"] > 0 and (
            sum(each.values()) == total
            >= sum(n for who, n in seen.items() if who))
    try:
        # A change loses, or counts for another, what the datapath has not yet
        # told its switch.
        wait_counted("all to be counted", all_read, 0.2)
        # Down to one backend, and back to all.
        for drained in (["w1"], ["w1", "w2"], []):
            world.patch("loadbalancers", name, backends=[
                {"port": port, "drain": True} for port in drained])
            # A datapath may still choose by what it cached of the group
            # before.
            world.revalidated()
            more = spread(world, cli, 10)
            assert not set(drained) & set(more)
            seen.update(more)
            wait_counted("the counts of all backends to be the balancer's",
                         all_read, 0.2)
    finally:
        print(loads(), seen)


@pytest.mark.parametrize("n_backends", [1, 3])
def test_backend_reaches_its_own_vip(world, farm, n_backends):
    """Hairpin: whichever backend it gets, itself included."""
    _, web = farm
    names = ["w%d" % (i + 1) for i in range(n_backends)]
    balancer(world, backends=[{"port": n} for n in names])
    serves(world, web[0], names)
    held = traffic.Connection(web[0], world.vip, 80)
    assert all(held.exchange(seconds=20) for _ in range(5))
    held.close()


def test_backend_is_still_reached_directly(world, farm):
    cli, web = farm
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2", "w3"])
    for vm in web:
        assert world.reaches(cli, vm, 8080)
        assert world.reaches(vm, cli, 8080)


def test_udp(world, farm):
    cli, _ = farm
    balancer(world, protocol="udp", selector="role=web",
             ports=[{"port": 5353, "target": 53}])
    serves(world, cli, ["w1", "w2", "w3"], 5353, "udp")
    held = traffic.Connection(cli, world.vip, 5353, "udp")
    who = {held.again().split()[0] for _ in range(5)}
    assert len(who) == 1
    assert world.answers(cli, world.vip, 53, "udp", 1) is None
    held.close()


def test_vip_has_one_mac(world, farm):
    """Asked for by ARP or neighbour discovery, and again once it is known:
    then by its own address, as hosts do that have not heard of it for a
    while."""
    cli, web = farm
    balancer(world, selector="role=web")
    macs = set()
    for vm in (cli, web[1]):
        serves(world, vm, ["w1", "w2", "w3"])
        vm.run("ip", "neigh", "flush", "to", world.vip)
        assert world.answers(vm, world.vip)
        for known in (vm.run("ip", "neigh", "show", world.vip),
                      asked_again(vm, world.vip)):
            words = known.split()
            macs.add(words[words.index("lladdr") + 1])
    assert len(macs) == 1
    assert not macs & {vm.mac for vm in [cli] + web}


def test_other_ports_of_the_vip_answer_nothing(world, farm):
    cli, _ = farm
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2", "w3"])
    assert world.unanswered(cli, world.vip, 8080)
    assert world.unanswered(cli, world.vip, 80, "udp")


def test_fragments_for_no_service_are_dropped(world, farm):
    """Those for one are served: conntrack reassembles them."""
    cli, _ = farm
    balancer(world, protocol="udp", selector="role=web",
             ports=[{"port": 5353, "target": 53}])
    serves(world, cli, ["w1", "w2", "w3"], 5353, "udp")
    held = traffic.Connection(cli, world.vip, 5353, "udp")
    wait_for("an answer", lambda: held.exchange("x" * 4000, 5))
    other = traffic.Connection(cli, world.vip, 53, "udp")
    host = world.lab.host("h1")

    def dropped():
        other.sock.send(b"x" * 4000)
        return re.search(r"n_packets=[1-9].*ct_state=\+new-inv\+trk-dnat ",
                         host.ofctl("dump-flows", "br-int"))
    wait_for("the drop to be counted", dropped)
    other.close()
    held.close()


def test_no_backend_no_answer_and_then_one(world, farm):
    cli, _ = farm
    balancer(world, selector="role=nobody")
    assert world.unanswered(cli, world.vip, 80)
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2", "w3"])


def test_deleted_balancer_answers_no_more(world, farm):
    cli, web = farm
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2", "w3"])
    world.delete("loadbalancers", "lb")
    assert world.unanswered(cli, world.vip, 80)
    assert world.reaches(cli, web[0], 8080)


def test_vip_is_offered_in_its_networks_only(world, farm):
    cli, _ = farm
    world.network("far", "10.0.0.0/24", "fd00::/64")
    stranger = world.vm("far1", "far", "h1", world.start + "1")
    balancer(world, selector="role=web")
    serves(world, cli, ["w1", "w2", "w3"])
    assert world.unanswered(stranger, world.vip, 80)


def test_policies_see_the_backend(world, farm):
    cli, web = farm
    balancer(world, selector="role=web")
    world.group("web", "role=web")
    world.group("cli", ports=["cli"])
    world.policy("p", "web", rule("ingress", "allow", ["cli"],
                                  [entry("tcp", 8080)]))
    serves(world, cli, ["w1", "w2", "w3"])
    assert traffic.ask(web[0], world.vip, 80) in (None, "w1")
    held = traffic.Connection(cli, world.vip, 80)
    assert held.exchange(seconds=20)
    world.policy("p", "web", rule("ingress", "allow", ["cli"],
                                  [entry("tcp", 80)]))
    assert cut(held)
    assert world.unanswered(cli, world.vip, 80)
    held.close()


def test_backend_that_moves_goes_on_serving(world, farm):
    cli, _ = farm
    balancer(world, backends=[{"port": "w2"}])
    serves(world, cli, ["w2"])
    held = traffic.Connection(cli, world.vip, 80)
    assert held.exchange(seconds=20)
    world.lab.move("w2", "h3")
    world.lab.await_ports(["w2"])
    assert held.again()
    serves(world, cli, ["w2"])
    held.close()


def test_traces_follow_it(world, farm):
    balancer(world, selector="role=web")
    said = world.api.call("POST", "/v1/trace", {
        "from": "cli", "to": "lb", "protocol": "tcp", "port": 80,
        "reply": True})
    assert said["verdict"] == "delivered", said
    assert {o["at"]["port"] for o in said["outcomes"]} \
        == {"w1", "w2", "w3"}, said


def vmnctl(world, *args):
    return subprocess.run([find("vmnctl"), "-s", "unix:" + world.api.path,
                           *args], text=True, capture_output=True,
                          check=False)


def test_balancer_that_nobody_serves_is_warned_of(world):
    """And one that nobody probes is not said to answer."""
    world.network("net")
    world.vm("w1", "net", "h1", "10.0.0.11")
    world.vm("w2", "net", "h2", "10.0.0.12")
    world.lab.await_ports(["w1", "w2"])
    spec = {"vip": "10.0.0.100", "networks": ["net"], "ports": [{"port": 80}],
            "backends": [{"port": "w1"}, {"port": "w2"}]}

    def warnings():
        found = world.api.get("status").get("warnings", [])
        return [w["text"] for w in found if w.get("type") == "loadbalancers"]

    world.put("loadbalancers", "lb", **spec)
    found = world.api.get("loadbalancers/lb")["status"]
    assert found["n_serving"] == 2
    assert [(b["state"], b["unprobed"]) for b in found["backends"]] == [
        ("serving", True)] * 2
    assert vmnctl(world, "describe", "lb", "lb").stdout.count(
        "serving,unprobed") == 2
    assert "unprobed" in vmnctl(world, "get", "lb", "lb").stdout
    assert not warnings()

    # Nobody listens.
    world.put("loadbalancers", "lb", health={
        "type": "tcp", "interval_ms": 200, "timeout_ms": 100}, **spec)
    wait_for("a warning that says why", lambda: [
        w for w in warnings() if w.startswith(
            'none of its 2 backends serves: "w1" is down')], 20)
    assert "none of its 2 backends serves" in vmnctl(world, "status").stdout
    found = world.api.get("loadbalancers/lb")["status"]
    assert not any("unprobed" in b for b in found["backends"])
    assert "unprobed" not in vmnctl(world, "get", "lb", "lb").stdout
    # Those that are drained are as they should be.
    spec["backends"] = [{"port": "w1", "drain": True},
                        {"port": "w2", "drain": True}]
    world.put("loadbalancers", "lb", **spec)
    wait_for("no warning", lambda: not warnings(), 20)


def test_deleted_backends_are_warned_of_until_they_are_drained(world):
    """And a drain can be waited for."""
    world.network("net")
    for name, host in (("w1", "h1"), ("w2", "h2"), ("w3", "h2")):
        world.vm(name, "net", host, "10.0.0.1" + name[1:],
                 labels={"role": "web"})
    world.put("ports", "w4", network="net", labels={"role": "web"})
    world.lab.await_ports(["w1", "w2", "w3"])
    world.put("loadbalancers", "lb", vip="10.0.0.100", networks=["net"],
              ports=[{"port": 80}], selector="role=web", drain_seconds=1)

    def waits(*args):
        done = vmnctl(world, "wait", "lb/lb", "--for", "drained", *args)
        return done.returncode, done.stdout + done.stderr

    serving = 'port "w1", which is deleted, serves it: its open'
    def said_of(port):
        return vmnctl(world, "delete", "port", port, "--cascade",
                      "--dry-run").stderr

    assert serving in said_of("w1")
    # One that is given nothing does not serve; one in quarantine has nothing.
    world.patch("loadbalancers", "lb", backends=[{"port": "w1", "weight": 0}])
    assert ('port "w1", which is deleted, is a backend of it that is given no '
            "new connections: its open") in said_of("w1")
    # A standby may serve by now, as nobody else does.
    world.patch("loadbalancers", "lb", backends=[
        {"port": "w1", "standby": True}], min_serving=9)
    assert ('port "w1", which is deleted, is a standby of it, which serves '
            "while too few others do: its open") in said_of("w1")
    world.patch("loadbalancers", "lb", min_serving=1)
    # A sub-port, whose parent may be what is cut off.
    world.put("ports", "s1", network="net", parent="w1", vlan=5,
              labels={"role": "web"})
    wait_for("the sub-port", lambda: world.api.get("ports/s1")["status"].get(
        "host") == "h1", 20)
    assert serving.replace("w1", "s1") in said_of("s1")
    world.put("quarantines", "case-6", ports=["w1"])
    assert "which is deleted" not in said_of("s1")
    world.api.delete("quarantines/case-6")
    world.api.delete("ports/s1")
    world.put("quarantines", "case-7", ports=["w1"])
    assert "which is deleted" not in said_of("w1")
    world.api.delete("quarantines/case-7")
    world.patch("loadbalancers", "lb", backends=[])
    world.patch("ports", "w1", quarantined=True)
    assert "which is deleted" not in said_of("w1")
    world.patch("ports", "w1", quarantined=False)
    assert serving in said_of("w1")
    assert waits()[0] == 1
    assert waits("--backend", "w9")[0] == 1
    assert waits("--backend", "w1") == (
        1, "vmnctl: w1 does not drain from balancer lb: vmnctl drain lb w1\n")

    assert vmnctl(world, "drain", "lb", "w1", "w2").returncode == 0
    assert waits("--backend", "w1") == (
        5, "w1 drained: drain_seconds are over: open connections are cut, "
        "how many is not known\n")
    code, said = waits()
    assert code == 5 and "w1 drained: " in said and "w2 drained: " in said
    refused = vmnctl(world, "delete", "port", "w1")
    assert refused.returncode == 1
    assert 'referenced by loadbalancer "lb"' in refused.stderr
    assert "with --cascade it is not any more" in refused.stderr
    done = vmnctl(world, "delete", "port", "w1", "--cascade")
    assert done.returncode == 0 and "which is deleted" not in done.stderr

    # Its time is over before the drain is.
    world.patch("loadbalancers", "lb", drain_seconds=3000,
                backends=[{"port": "w3", "drain": True}])
    code, said = waits("--timeout", "500ms")
    assert code == 4 and "w3 draining, no packet from clients since" in said
    # One that drains still serves whom it has; one on no host, nobody.
    world.patch("loadbalancers", "lb", backends=[])
    assert serving.replace("w1", "w3") in vmnctl(
        world, "delete", "port", "w3").stderr
    assert not vmnctl(world, "delete", "port", "w4").stderr
