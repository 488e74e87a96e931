# SPDX-License-Identifier: Apache-2.0
"""Fifty emulated hosts that do what hosts should not, while the API is edited
at random: in the end each holds exactly what vmnd wants, and every receipt is
complete.

The seed is printed; VMN_SEED sets it.  VMN_SWARM_EDITS and VMN_SWARM_HOSTS
make it larger."""

import os
import random
import shutil
import sys
import tempfile
import threading

import pytest
from conftest import REPORT
from vmnlab.daemon import find

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../bench"))

from vmnbench.process import Error, run, wait_for  # noqa: E402
from vmnbench.swarm import Swarm  # noqa: E402
from vmnbench.vmn import Api  # noqa: E402

N_HOSTS = int(os.environ.get("VMN_SWARM_HOSTS", 50))
N_EDITS = int(os.environ.get("VMN_SWARM_EDITS", 300))
SEED = int(os.environ.get("VMN_SEED", 3))
N_NETWORKS = 12
N_PORTS = 4 * N_HOSTS
N_GROUPS = 4


def log_of(swarm, name):
    with open(swarm.path(name), errors="replace") as log:
        return log.read()


@pytest.fixture
def swarm():
    vmnd = find("vmnd")
    program = os.path.join(os.path.dirname(vmnd), "tests/bench/swarm/swarm")
    if not os.path.exists(program):
        pytest.fail("tests/bench/swarm is not built beside " + vmnd)
    # A unix socket's path has 107 characters at the most.
    directory = tempfile.mkdtemp(prefix="vmnw.", dir="/tmp")
    found = Swarm(directory, N_HOSTS, vmnd, program,
                  app_dir=os.environ.get("VMN_APPDIR"), seed=SEED)
    try:
        found.start()
        found.add_hosts()
        yield found
        assert found.stop_vmnd() == 0, log_of(found, "vmnd.log")[-3000:]
        for name in ("vmnd.log", "swarm.log"):
            text = log_of(found, name)
            report = REPORT.search(text)
            assert not report, text[max(0, report.start() - 500):][:6000]
    finally:
        found.stop()
        place = os.environ.get("VMN_TEST_LOGS")
        if place:
            os.makedirs(place, exist_ok=True)
            shutil.copy(found.path("vmnd.log"), place + "/swarm-vmnd.log")
        shutil.rmtree(directory, ignore_errors=True)


class Player:
    """Edits at random, and what it has to know for that."""

    def __init__(self, swarm, seed):
        self.swarm = swarm
        self.random = random.Random(seed)
        self.place = {}         # Of a port's interface: host's number.
        self.ports = set()
        self.revisions = []
        self.ill = set()        # Hosts with a fault that lasts.
        self.damaged = set()    # Hosts that vmnd has not looked at since.

    def host(self):
        return "hv%d" % self.random.randrange(N_HOSTS)

    def any_port(self):
        return "p%d" % self.random.randrange(N_PORTS)

    def write(self, method, target, spec=None):
        answer = self.swarm.api.call(
            method, "/v1/" + target, None if spec is None else {"spec": spec})
        self.revisions.append(answer["revision"])

    # Objects.

    def labels(self):
        return {"group": "g%d" % self.random.randrange(N_GROUPS)}

    def put_port(self, name=None):
        name = name or self.any_port()
        x = int(name[1:])
        self.write("PUT", "ports/" + name, {
            "network": "n%d" % (x % N_NETWORKS), "labels": self.labels(),
            "ips": ["10.0.%d.%d" % (x // 200, 2 + x % 200)]})
        self.ports.add(name)

    def delete_port(self):
        if self.ports:
            name = self.random.choice(sorted(self.ports))
            self.ports.discard(name)
            self.write("DELETE", "ports/%s?cascade=true" % name)

    def patch_port(self):
        if self.ports:
            name = self.random.choice(sorted(self.ports))
            self.write("PATCH", "ports/" + name, self.random.choice([
                {"labels": self.labels()},
                {"enabled": self.random.random() < 0.7}]))

    def put_policy(self):
        group = self.random.randrange(N_GROUPS)
        rules = [{"direction": "ingress",
                  "action": self.random.choice(["allow", "deny"]),
                  "peers": [{"group": "g%d" % self.random.randrange(
                      N_GROUPS)}],
                  "services": [{"protocol": "tcp", "ports": [
                      self.random.randrange(1, 9000)]}]}
                 for _ in range(self.random.randrange(8))]
        self.write("PUT", "policies/g%d" % group, {
            "applies_to": ["g%d" % group], "directions": ["ingress"],
            "rules": rules})

    def put_balancer(self):
        n = self.random.randrange(N_NETWORKS)
        members = sorted(p for p in self.ports if int(p[1:]) % N_NETWORKS
                         == n)
        if members:
            self.write("PUT", "loadbalancers/lb%d" % n, {
                "vip": "10.0.200.%d" % (n + 1), "protocol": "tcp",
                "networks": ["n%d" % n],
                "ports": [{"port": 80, "target": 8080}],
                "backends": [{"port": p} for p in self.random.sample(
                    members, min(len(members), 3))]})

    # Interfaces.

    def unplug(self, name=None):
        if not name and self.place:
            name = self.random.choice(sorted(self.place))
        if name in self.place:
            self.swarm.control("unplug", "hv%d" % self.place.pop(name), name)

    def plug(self):
        """Also moves: to a host at once, or after it left the old one."""
        name = self.any_port()
        host = self.random.randrange(N_HOSTS)
        old = self.place.get(name)
        if old == host:
            return
        if self.random.random() < 0.5:
            self.unplug(name)
            old = None
        self.swarm.control("plug", "hv%d" % host, name)
        if old is not None:
            self.swarm.control("unplug", "hv%d" % old, name)
        self.place[name] = host

    # Faults.

    def drop(self):
        self.swarm.control("drop", self.host(), *self.random.choice(
            [[], ["openflow"], ["ovsdb"]]))

    def fall_ill(self):
        host = self.host()
        fault, *rest = self.random.choice([
            ["cut"], ["stall"], ["mute"], ["mute", "commits"], ["slow", 50],
            ["limit", *self.random.choice(list(self.swarm.control(
                "tables", host).items()) or [(0, 0)])]])
        self.swarm.control(fault, host, *rest)
        self.ill.add(host)

    def recover(self):
        if self.ill:
            host = self.random.choice(sorted(self.ill))
            self.ill.discard(host)
            self.swarm.control("resume", host)

    def refuse(self):
        self.swarm.control("refuse", self.host(), self.random.choice(
            ["add", "port", "commit", "full"]), self.random.randrange(1, 4))

    def damage(self):
        host = self.host()
        if self.random.random() < 0.3:
            self.swarm.control("lose", host, self.random.randrange(1, 4),
                               "groups")
        else:
            self.swarm.control(self.random.choice(["lose", "wrong"]), host,
                               self.random.randrange(1, 40))
        self.damaged.add(host)

    def play(self, n):
        steps = [(self.put_port, 20), (self.delete_port, 5),
                 (self.patch_port, 20), (self.put_policy, 10),
                 (self.put_balancer, 5), (self.plug, 30), (self.unplug, 5),
                 (self.drop, 5), (self.fall_ill, 4), (self.recover, 4),
                 (self.refuse, 4), (self.damage, 4)]
        for step in self.random.choices([s for s, _ in steps],
                                        [w for _, w in steps], k=n):
            step()

    def heal(self):
        """Ends all faults.  Nobody has told vmnd of flows that are lost or
        wrong: it is asked to look."""
        self.swarm.control("resume", "all")
        for host in range(N_HOSTS):
            if self.swarm.host_status(host)["state"] == "diverged":
                look_again(self.swarm, "hv%d" % host)   # Does not rest on.
        self.swarm.wait_synced(400)
        for host in self.damaged:
            wait_for(host, lambda host=host: look_again(self.swarm, host), 20)
        self.ill.clear()
        self.damaged.clear()


def look_again(swarm, host):
    """Has vmnd compare what the host holds; false if it cannot now."""
    try:
        run(["ovs-appctl", "-t", swarm.path("vmnd.ctl"), "fabric/reconcile",
             host])
        return True
    except Error:
        return False


def set_up(swarm, player):
    swarm.api.call("POST", "/v1/apply", {"objects": [
        {"type": "networks", "name": "n%d" % n,
         "spec": {"subnets": [{"cidr": "10.0.0.0/16"}]}}
        for n in range(N_NETWORKS)] + [
        {"type": "groups", "name": "g%d" % n,
         "spec": {"selector": "group=g%d" % n}} for n in range(N_GROUPS)]})
    for x in range(0, N_PORTS, 2):
        player.put_port("p%d" % x)
    for x in range(0, N_PORTS, 3):
        player.place["p%d" % x] = x % N_HOSTS
    for host in range(N_HOSTS):
        swarm.plug({host: [name for name, place in player.place.items()
                           if place == host]})


def incomplete(swarm, revisions):
    """Revisions that not all hosts concerned have confirmed."""
    found = []
    for number in revisions:
        receipt = swarm.api.call("GET", "/v1/revisions/%d" % number)[
            "receipt"]
        if not receipt["installed"] or any(
                host["state"] != "confirmed" for host in receipt["hosts"]):
            found.append((number, receipt))
    return found


def wait_healed(swarm, revisions):
    swarm.wait_synced(60)
    swarm.wait_settled(60)
    try:
        wait_for("the hosts' flows", lambda: not swarm.differences(), 30, 0.1)
    except Error:
        pytest.fail("not as wanted: %r" % swarm.differences())
    assert incomplete(swarm, revisions) == []


def test_hosts_hold_what_is_wanted_after_edits_and_faults(swarm):
    print("seed %d, %d hosts, %d edits" % (SEED, N_HOSTS, N_EDITS))
    player = Player(swarm, SEED)
    set_up(swarm, player)
    player.play(N_EDITS)
    player.heal()
    wait_healed(swarm, sorted(set(player.revisions)))
    assert swarm.control("stats")["flows"] > 100 * N_HOSTS
    assert swarm.verify() == "0 differences"


def test_restart_sends_nothing_and_faults_meanwhile_are_mended(swarm):
    player = Player(swarm, SEED)
    set_up(swarm, player)
    wait_healed(swarm, [])
    before = swarm.control("stats")
    swarm.stop_vmnd(kill=True)
    swarm.start_vmnd()
    wait_healed(swarm, [])
    after = swarm.control("stats")
    for what in ("flow_adds", "flow_deletes", "group_mods"):
        assert after[what] == before[what], what

    swarm.stop_vmnd()
    lost = swarm.control("lose", "hv1", 7)
    wrong = swarm.control("wrong", "hv2", 5)
    assert (lost, wrong) == (7, 5)
    swarm.start_vmnd()
    swarm.wait_synced(60)
    for host in ("hv1", "hv2"):
        look_again(swarm, host)
    wait_healed(swarm, [])
    repaired = swarm.control("stats")["flow_adds"] - after["flow_adds"]
    # A flow more where one says what the switch holds.
    assert 12 <= repaired <= 14


def test_port_is_up_only_when_its_host_has_its_flows(swarm):
    swarm.api.call("PUT", "/v1/networks/n", {"spec": {
        "subnets": [{"cidr": "10.0.0.0/16"}]}})
    swarm.control("mute", "hv0")
    swarm.control("plug", "hv0", "p")
    # Who waits for it would wait for its binding's flows, too.
    swarm.api.call("PUT", "/v1/ports/p", {"spec": {"network": "n"}})

    def state():
        return swarm.api.call("GET", "/v1/ports/p")["status"]["state"]

    wait_for("the binding", lambda: state() != "unbound", 10)
    wait_for("the flows", lambda: swarm.control("show", "hv0")["commits"] > 1,
             10)
    number = newest(swarm)
    assert state() == "pending"
    assert incomplete(swarm, [number])
    swarm.control("resume", "hv0")
    wait_for("the port", lambda: state() == "up", 10)
    assert not incomplete(swarm, [number])


FAULTS = {
    "bad action": ["refuse", "hv0", "add", 1],
    "bad port": ["refuse", "hv0", "port", 1],
    "commit alone": ["refuse", "hv0", "commit", 1],
    "several commits alone": ["refuse", "hv0", "commit", 3],
    "full for the second flow": ["refuse", "hv0", "full", 2],
    "missing groups": ["lose", "hv0", 1000, "groups"],
    "lost flows": ["lose", "hv0", 1000],
}


def put_ports(swarm, ports, **more):
    """Puts ports whose interfaces are on hv0, waits until that is known, and
    returns all revisions that this took."""
    first = newest(swarm) + 1
    swarm.control("plug", "hv0", *["p%d" % x for x in ports])
    for x in ports:
        swarm.api.call("PUT", "/v1/ports/p%d" % x, {"spec": {
            "network": "n%d" % (x % N_NETWORKS), "labels": {"group": "g0"},
            "ips": ["10.0.%d.%d" % (x // 200, 2 + x % 200)], **more}})
    for x in ports:
        wait_for("p%d's binding" % x, lambda x=x: port_state(swarm, x)
                 != "unbound", 10)
    return list(range(first, newest(swarm) + 1))


def newest(swarm):
    return swarm.api.call("GET", "/v1/networks", limit=1)["revision"]


def port_state(swarm, x):
    return swarm.api.call("GET", "/v1/ports/p%d" % x)["status"]["state"]


def state_at(swarm, revision, host="hv0"):
    """How a host is listed in the receipt of a revision, and why."""
    receipt = swarm.api.call("GET", "/v1/revisions/%d" % revision)["receipt"]
    found = [h for h in receipt["hosts"] if h["host"] == host]
    return (found[0]["state"], found[0].get("reason")) if found else (None, "")


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_mended_and_the_receipt_is_true(swarm, fault):
    player = Player(swarm, SEED)
    set_up(swarm, player)
    wait_healed(swarm, [])
    swarm.control(*FAULTS[fault])
    revisions = put_ports(swarm, range(1, 40, 6))
    wait_for("the receipts", lambda: not incomplete(swarm, revisions), 30)
    if FAULTS[fault][0] == "lose":
        look_again(swarm, "hv0")    # Nobody has told vmnd of these.
    else:
        assert differences_by_receipts(swarm) == {}
    wait_healed(swarm, revisions)


def differences_by_receipts(swarm):
    """What differs, twice, once all hosts have said that they have the newest
    revision.  What is reported of ports may make another one meanwhile."""
    before = None
    while True:
        number = newest(swarm)
        wait_for("the newest receipt", lambda n=number: not incomplete(
            swarm, [n]), 30)
        differences = swarm.differences()
        if not differences or (number, differences) == before:
            return differences
        before = number, differences


@pytest.mark.parametrize("fault, error", [
    ("add", "OFPBAC_BAD_TYPE"), ("port", "OFPBAC_BAD_OUT_PORT"),
    ("commit", "OFPBFC_MSG_FAILED")])
def test_lasting_fault_is_told_and_mended(swarm, fault, error):
    player = Player(swarm, SEED)
    set_up(swarm, player)
    wait_healed(swarm, [])
    swarm.control("refuse", "hv0", fault, 1000000)
    ports = range(1, 40, 6)
    revisions = put_ports(swarm, ports)
    wait_for("the host's state", lambda: swarm.host_status(0)["state"]
             == "diverged", 20)
    assert error in swarm.host_status(0)["reason"]
    metrics = swarm.metrics()
    assert metrics["vmn_hosts_diverged"] == 1
    assert metrics['vmn_health_reason{reason="hosts"}'] == 1
    assert "hv0 (diverged)" in str(
        swarm.api.call("GET", "/v1/status")["health"])
    # Nothing of the ports is there, and nothing says so.
    assert all(port_state(swarm, x) == "pending" for x in ports)
    with pytest.raises(Error, match=r': 202 .*"installed":false'):
        swarm.api.call("PATCH", "/v1/ports/p1", {"spec": {
            "labels": {"group": "g1"}}}, wait="installed", timeout="1s")
    revisions.append(newest(swarm))
    assert state_at(swarm, revisions[-1])[0] in ("failed", "pending")
    wait_for("the others", lambda: all(
        h["state"] == "confirmed" for r in revisions
        for h in swarm.api.call("GET", "/v1/revisions/%d" % r)["receipt"][
            "hosts"] if h["host"] != "hv0"), 20)
    # Neither is it asked all the time.
    assert swarm.control("show", "hv0")["dumps"] < 40
    swarm.control("resume", "hv0")
    wait_for("another try", lambda: look_again(swarm, "hv0"), 20)
    wait_healed(swarm, revisions)
    wait_for("the ports", lambda: all(port_state(swarm, x) == "up"
                                      for x in ports), 20)


def test_full_table_is_told_and_rests(swarm):
    player = Player(swarm, SEED)
    set_up(swarm, player)
    wait_healed(swarm, [])
    tables = swarm.control("tables", "hv0")
    swarm.control("limit", "hv0", 0, tables["0"] + 2)
    ports = range(1, 60, 6)
    revisions = put_ports(swarm, ports)
    wait_for("the host's state", lambda: swarm.host_status(0)["state"]
             == "diverged" and swarm.host_status(0)["openflow"]["rejected"],
             20)
    status = swarm.host_status(0)
    assert "OFPFMFC_TABLE_FULL" in status["reason"]
    # Two of them fit, all others are told of.
    def failed():
        return [reason for state, reason in (state_at(swarm, r)
                                             for r in revisions)
                if state == "failed"]
    wait_for("a receipt", failed, 20)
    assert "OFPFMFC_TABLE_FULL" in failed()[0]
    wait_for("the ports", lambda: sum(port_state(swarm, x) == "up"
                                      for x in ports) == 2, 20)
    assert swarm.control("tables", "hv0")["0"] == tables["0"] + 2
    # No other host is touched, and this one is not asked all the time: each
    # try is two dumps at most, and they become rarer.
    for host in range(1, 6):
        assert state_at(swarm, revisions[-1], "hv%d" % host)[0] in (
            None, "confirmed")
    dumps = swarm.control("show", "hv0")["dumps"]
    assert dumps <= 4 + 3 * len(revisions)
    # The table grows: all is as it should be at the next try.
    swarm.control("resume", "hv0")
    look_again(swarm, "hv0")
    wait_healed(swarm, revisions)


def test_changes_share_bundles_where_switches_are_slow(swarm):
    # The switches take longer, and vmnd may wait longer, than the clients of a
    # busy machine are apart.
    assert swarm.stop_vmnd() == 0
    swarm.options = ["--batch-delay=200"]
    swarm.start_vmnd()
    player = Player(swarm, SEED)
    set_up(swarm, player)
    for x in range(1, N_HOSTS, 2):      # So that all hosts have ports.
        player.put_port("p%d" % x)
        swarm.control("plug", "hv%d" % x, "p%d" % x)
    wait_healed(swarm, [])
    swarm.control("slow", "all", 2000)
    first = newest(swarm) + 1
    before = swarm.metrics()
    clients = [threading.Thread(target=put_many, args=(swarm, x, 30))
               for x in range(16)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    after = swarm.metrics()
    swarm.control("slow", "all", 0)
    revisions = list(range(first, newest(swarm) + 1))
    assert len(revisions) == 16 * 30
    groups = (after["vmn_commit_groups_total"]
              - before["vmn_commit_groups_total"])
    assert after["vmn_commit_delayed_total"] > 0
    assert groups < len(revisions) / 2
    wait_healed(swarm, revisions)
    assert swarm.verify() == "0 differences"


def put_many(swarm, x, n):
    """Rewrites a policy that many hosts need, one time after the other."""
    api = Api(swarm.path("vmnd.sock"))
    for i in range(n):
        api.call("PUT", "/v1/policies/many%d" % x, {"spec": {
            "applies_to": ["g%d" % (x % N_GROUPS)],
            "directions": ["ingress"],
            "rules": [{"direction": "ingress", "action": "deny",
                       "services": [{"protocol": "tcp",
                                     "ports": [1 + 100 * x + i]}]}]}})
    api.close()


@pytest.mark.parametrize("fault", [["stall"], ["mute", "commits"],
                                   ["slow", "200"]], ids=" ".join)
def test_stuck_or_slow_switch_delays_nobody(swarm, fault):
    player = Player(swarm, SEED)
    set_up(swarm, player)
    wait_healed(swarm, [])
    swarm.control(fault[0], "hv0", *fault[1:])
    revisions, merging = [], 0
    for n in range(100):
        revisions += put_ports(swarm, [1], labels={"group": "g%d" % (
            n % N_GROUPS)})
        status = swarm.host_status(0)["openflow"]
        merging = max(merging, status["backlog"])
        # It is owed no more than so much, and is sent no more.
        assert status["outstanding_bundles"] <= 32
        assert status["queued_bytes"] <= status["outstanding_bytes"]
        assert status["outstanding_bytes"] < 9 << 20
    # The others have all; what it has not is told.
    wait_for("the others", lambda: all(
        h["state"] == "confirmed" for r in revisions
        for h in swarm.api.call("GET", "/v1/revisions/%d" % r)["receipt"][
            "hosts"] if h["host"] != "hv0"), 20)
    if fault[0] != "slow":
        assert {state_at(swarm, r)[0] for r in revisions[-60:]} == {"pending"}
        assert merging > 30
    swarm.control("resume", "hv0")
    wait_healed(swarm, revisions)


# Many balancers.  ------------------------------------------------------------

N_VIPS, N_BACKENDS = 1000, 10
MODS = ["vmn_fabric_%s_total" % what for what in (
    "group_mods", "flow_adds", "flow_deletes")]


def test_a_backend_is_one_group_wherever_its_balancer_is(swarm):
    """However many other balancers its hosts have, and to no other host."""
    backends = ["b%d" % i for i in range(N_BACKENDS)]
    hosts = {x: backends[2 * x:2 * x + 2] for x in range(5)}
    swarm.api.call("POST", "/v1/apply", {"objects": [
        {"type": "networks", "name": "n",
         "spec": {"subnets": [{"cidr": "10.0.0.0/16"}]}}] + [
        {"type": "ports", "name": name, "spec": {"network": "n"}}
        for name in backends + ["late"]]})
    swarm.plug({x: names + ["late"] * (not x) for x, names in hosts.items()})
    swarm.api.call("POST", "/v1/apply", {"objects": [
        {"type": "loadbalancers", "name": "lb%d" % i, "spec": {
            "vip": "10.0.%d.%d" % (100 + i // 250, 1 + i % 250),
            "networks": ["n"], "ports": [{"port": 80}],
            "backends": [{"port": name} for name in backends]}}
        for i in range(N_VIPS)]})
    swarm.wait_synced(60)
    swarm.wait_settled(60)

    def change(backends):
        before = swarm.metrics()
        spec = {"vip": "10.0.100.8", "networks": ["n"],
                "ports": [{"port": 80}],
                "backends": [{"port": name} for name in backends]}
        answer = swarm.api.call("PUT", "/v1/loadbalancers/lb7?wait=installed",
                                {"spec": spec})
        receipt = swarm.api.call("GET", "/v1/revisions/%d"
                                 % answer["revision"])["receipt"]
        assert sorted(host["host"] for host in receipt["hosts"]) == [
            "hv%d" % x for x in hosts]
        after = swarm.metrics()
        return [after[what] - before[what] for what in MODS]
    # At each host the group, and the flow that counts the one and sends to it.
    # What any backend has is one more; on its own host there is its target.
    groups, adds, deletes = change(backends + ["late"])
    assert groups == 5 and adds <= 5 * 5 + 3 and deletes == 0
    groups, adds, deletes = change(backends)
    assert groups == 5 and adds == 0 and deletes <= 5 * 5 + 3
    assert swarm.verify() == "0 differences"
