# SPDX-License-Identifier: Apache-2.0
"""The demonstration: a shop of three tiers on three hypervisors, with another
tenant beside it that has the very same addresses.  shop.yaml and street.yaml
hold what VMN is told; this file puts the VMs on hosts, sends real packets
between them, and says which of VMN's claims came true.

`vmn-lab demo` runs it; tests/system/test_demo.py runs the same scenes."""

import collections
import os
import subprocess
import time

from vmnlab import cluster, netns
from vmnlab.daemon import find
from vmnlab.lab import Lab
from vmnlab.netns import Error
from vmnlab.table import table
from vmnlab.traffic import (Connection, Pinger, Probe, Servers, TCP, ask,
                            probe)

HERE = os.path.dirname(os.path.realpath(__file__))

# Where each VM runs at first.
PLACES = {
    "web1": "h1", "web2": "h2", "web3": "h3", "app1": "h2", "app2": "h3",
    "db1": "h1", "buyer1": "h1", "buyer2": "h2",
    "r-web1": "h1", "r-app1": "h2", "r-db1": "h3",
}
SHOP = [vm for vm in PLACES if not vm.startswith("r-")]
RIVAL = [vm for vm in PLACES if vm.startswith("r-")]

VIP, VIP_PORT = "10.0.0.100", 80
# What is on the street: the shop's virtual IP, its router, and a customer, who
# takes orders on a port.
STREET, STREET_HOSTS = "street", ("h1", "h3")
FRONT, ROUTER = "192.0.2.100", "192.0.2.2"
CUSTOMER, ORDERS = "192.0.2.50", 443
WEB, APP, DB = 8080, 9000, 5432     # Every VM listens on all of them: only
SERVICES = (WEB, APP, DB)           # the policies keep one from another.

# (from, to) -> port: all that is allowed inside the shop.
ALLOWED = {("buyer", "web"): WEB, ("web", "app"): APP, ("app", "db"): DB}


class Shop:
    """The shop in a lab.  Each scene prints what it saw and returns whether
    all that it claims was so."""

    def __init__(self, lab, say=print):
        self.lab = lab
        self.api = lab.vmnd.api
        self.say = say
        self.servers = Servers()
        self.failed = []

    # Making it.  -----------------------------------------------------------

    def open(self):
        """Applies shop.yaml, starts the VMs and a server on each."""
        self._apply("shop.yaml")
        for vm, host in PLACES.items():
            self.lab.add_vm_of_port(vm, host)
        self.lab.await_ports(PLACES)
        for vm in self.lab.vms.values():
            for port in SERVICES:
                self.servers.tcp(vm, port)

    def close(self):
        self.servers.close()

    def _apply(self, file):
        done = subprocess.run(
            [find("vmnctl"), "--server", "unix:" + self.lab.vmnd.socket,
             "apply", "-f", os.path.join(HERE, file)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Error("vmnctl apply: " + done.stdout)

    def role(self, vm):
        return self.api.get("ports/" + vm)["spec"]["labels"]["role"]

    def claim(self, text, truth, detail=""):
        self.say("  [%s] %s%s" % ("ok" if truth else "FAILED", text,
                                  "" if truth or not detail
                                  else ": %s" % (detail,)))
        if not truth:
            self.failed.append(text)
        return truth

    # The scenes.  ----------------------------------------------------------

    def who_reaches_whom(self):
        """Every VM asks every other of its network on every service."""
        roles = {vm: self.role(vm) for vm in PLACES}

        def expected(a, b):
            if a in RIVAL:
                return set(SERVICES)
            port = ALLOWED.get((roles[a], roles[b]))
            return {port} if port else set()

        answers = {}
        for tenant in (SHOP, RIVAL):
            answers.update(self._ask_all(tenant, expected))
        names = {WEB: "web", APP: "app", DB: "db"}
        right = True
        for title, tenant in (("The shop", SHOP), ("The rival", RIVAL)):
            rows = []
            for a in tenant:
                row = [a, PLACES[a]]
                for b in tenant:
                    seen = {p: w for p, w in answers.get((a, b), {}).items()
                            if w}
                    row.append("" if a == b else " ".join(
                        names[p] for p in SERVICES if p in seen) or ".")
                    right &= a == b or (set(seen) == expected(a, b) and
                                        set(seen.values()) <= {b})
                rows.append(row)
            self.say(table(["%s: from" % title, "host"] +
                           ["to " + b for b in tenant], rows, "  "))
            self.say("")
        one = self.claim("the shop's VMs reach whom the policies name, on "
                         "that service, and nobody else", right)
        two = self.claim(
            "the rival's VMs reach one another at the same addresses, and "
            "never the shop's",
            all(who == b for (a, b), seen in answers.items() if a in RIVAL
                for who in seen.values()))
        three = self.claim("the shop's virtual IP is not the rival's",
                           ask(self.lab.vm("r-web1"), VIP, VIP_PORT) is None)
        return one and two and three

    def _ask_all(self, tenant, expected):
        """Returns {(from, to): {port: who answered or None}}.  Those who are
        to answer may take their time; for the others' silence one second must
        do."""
        asked = [(a, b, p) for a in tenant for b in tenant if a != b
                 for p in SERVICES]

        def run(which):
            return probe([Probe(self.lab.vm(a), TCP, self.lab.vm(b).ip, p)
                          for a, b, p in which])

        found = dict(zip(asked, run(asked)))
        for _ in range(5):
            late = [key for key, who in found.items()
                    if who is None and key[2] in expected(*key[:2])]
            if not late:
                break
            found.update(zip(late, run(late)))
        answers = collections.defaultdict(dict)
        for (a, b, port), who in found.items():
            answers[a, b][port] = who
        return answers

    def ask_vip(self, times=150):
        """Both buyers ask the virtual IP; returns {who answered: times}."""
        seen = collections.Counter()
        for buyer in ("buyer1", "buyer2"):
            for _ in range(times):
                seen[ask(self.lab.vm(buyer), VIP, VIP_PORT, seconds=5)] += 1
        return seen

    def _show_spread(self, seen):
        total = sum(seen.values())
        self.say(table(["answered by", "on", "times", "share"], [
            [who or "nobody", self.lab.vm(who).host if who else "-", n,
             "%.0f %%" % (100.0 * n / total)]
            for who, n in sorted(seen.items(), key=str)], "  "))
        self.say("")

    def address_and_names(self):
        """A VM that knows nothing asks for its address, and for others by
        name."""
        buyer = self.lab.vm("buyer2")
        netns.ip(buyer.ns, "addr flush dev eth0", "route flush dev eth0")
        told = self._ask_dhcp(buyer)
        netns.ip(buyer.ns,
                 "addr add %s/%s dev eth0" % (told["ip"], told["mask"]),
                 "route add default via " + told["router"])
        names = {name: self._look_up(buyer, told["dns"], name)
                 for name in ("www", "web1", "db1", "r-web1")}
        self.say(table(["buyer2 asks for", "and is told"], [
            ["its address", "%s/%s" % (told["ip"], told["mask"])],
            ["its router", told["router"]],
            ["its resolver and domain",
             "%s, %s" % (told["dns"], told["domain"])]] + [
            [name + ".shop.internal", ip or "no such name"]
            for name, ip in names.items()], "  "))
        self.say("")
        return (self.claim("its address is its port's, and its router its "
                           "network's", (told["ip"], told["router"])
                           == ("10.0.0.52", "10.0.0.1"), told) and
                self.claim("it finds the shop's VMs by name, in both "
                           "networks, and nobody else's",
                           names == {"www": VIP, "web1": "10.0.0.11",
                                     "db1": "10.0.1.31", "r-web1": None},
                           names) and
                self.claim("and is served by the shop as before",
                           ask(buyer, names["www"], VIP_PORT, seconds=20)
                           in ("web1", "web2")))

    @staticmethod
    def _ask_dhcp(vm):
        """What busybox's client of DHCP is told."""
        script = os.path.join(vm.lab.dir, "dhcp-told")
        with open(script, "w", encoding="ascii") as out:
            out.write('#!/bin/sh\n[ "$1" != bound ] || env\n')
        os.chmod(script, 0o755)
        said = netns.run(["busybox", "udhcpc", "-f", "-q", "-n", "-t", "20",
                          "-T", "1", "-i", "eth0", "-s", script], ns=vm.ns)
        return dict(line.split("=", 1) for line in said.splitlines()
                    if "=" in line)

    @staticmethod
    def _look_up(vm, server, name):
        """The address that busybox finds for a name in the shop, or None."""
        said = netns.run(["busybox", "nslookup", "-type=a",
                          name + ".shop.internal", server], ns=vm.ns,
                         check=False)
        found = [line.split()[1] for line in said.splitlines()
                 if line.startswith("Address:") and ":53" not in line]
        return found[0] if found else None

    def balance(self):
        """Requests to the virtual IP are spread over the web VMs."""
        seen = self.ask_vip()
        self._show_spread(seen)
        total = sum(seen.values())
        return (self.claim("each request to %s was answered by a web VM" % VIP,
                           set(seen) == {"web1", "web2"}, dict(seen)) and
                self.claim("each web VM got its part",
                           min(seen.values()) > total / 4, dict(seen)))

    def quarantine(self):
        """One call cuts a VM off, its open connection too."""
        app, other, db = (self.lab.vm(n) for n in ("app1", "app2", "db1"))
        held = Connection(app, db.ip, DB)
        rows = [["before", _yes(held.exchange(seconds=5)),
                 _yes(ask(app, db.ip, DB, seconds=5)),
                 _yes(ask(other, db.ip, DB, seconds=5))]]
        self.api.patch("ports/app1", {"quarantined": True}, wait="installed")
        # Asked on and on: until when was it answered?
        last = held.cut(within=1.0)
        rows.append(["quarantined", _yes(last is None),
                     _yes(ask(app, db.ip, DB)),
                     _yes(ask(other, db.ip, DB, seconds=5))])
        self.api.patch("ports/app1", {"quarantined": False},
                       wait="installed")
        rows.append(["released", _yes(held.again()),
                     _yes(ask(app, db.ip, DB, seconds=5)),
                     _yes(ask(other, db.ip, DB, seconds=5))])
        held.close()
        self.say(table(["app1 is", "its open connection to db1",
                        "a new one", "app2's"], rows, "  "))
        if last is not None:
            self.say("  the open connection's last answer came %s" % (
                "%.1f ms after the receipt" % (1000 * last) if last
                else "before the receipt"))
        self.say("")
        return (self.claim("app1 was served before",
                           rows[0][1:] == ["works", "works", "works"]) and
                self.claim("in quarantine its open connection is cut, and no "
                           "new one starts",
                           rows[1][1:3] == ["cut", "cut"]) and
                self.claim("app2 noticed nothing", rows[1][3] == "works") and
                self.claim("released, it is served again, the connection "
                           "that was open too",
                           rows[2][1:3] == ["works", "works"]))

    def join_by_label(self):
        """A VM that gets the label serves, and gets the rights, of a web
        VM."""
        spare, app = self.lab.vm("web3"), self.lab.vm("app1")
        before = ask(spare, app.ip, APP)
        self.api.patch("ports/web3", {"labels": {"role": "web"}},
                       wait="installed")
        # Until then a host may still choose among the others for some buyer.
        self.lab.revalidated()
        seen = self.ask_vip()
        self._show_spread(seen)
        return (self.claim("as a spare, web3 could not reach app1",
                           before is None) and
                self.claim("labelled role=web, it takes its part of the "
                           "requests", set(seen) == {"web1", "web2", "web3"}
                           and seen["web3"] > sum(seen.values()) / 8,
                           dict(seen)) and
                self.claim("and reaches app1",
                           ask(spare, app.ip, APP, seconds=5) == "app1"))

    def move(self):
        """A VM that moves to another host keeps its address and its open
        connections."""
        target = "h1"
        held = self._connection_to("web3")
        source = self.lab.vm("web3").host
        # What has passed until now is not to be counted as what the move
        # drops: switches count it up to half a second later, by the flows
        # that they have then.
        self.lab.revalidated()
        start = time.monotonic()
        self.lab.move("web3", target)
        answer = None
        while answer is None and time.monotonic() < start + 30:
            answer = held.exchange("still there?", 1.0)
        took = time.monotonic() - start
        held.close()
        netns.wait_for("web3 on " + target, lambda: self.api.get(
            "ports/web3")["status"].get("host") == target)
        seen = self.ask_vip(75)
        self.say("  web3 moved from %s to %s; its open connection answered "
                 "again after %.2f s, the move included\n"
                 % (source, target, took))
        self._show_spread(seen)
        return (self.claim("the connection that was open still is",
                           bool(answer)) and
                self.claim("every request after the move was answered, by "
                           "web3 too", None not in seen and seen["web3"] > 0,
                           dict(seen)))

    def open_to_the_street(self):
        """Customers on a physical network are served, and web VMs order
        there."""
        customer = self._open_street()
        seen = collections.Counter(
            ask(customer, FRONT, VIP_PORT, seconds=5) for _ in range(100))
        self._show_spread(seen)
        others = {what: ask(customer, ip, port) for what, ip, port in (
            ("another service of its address", FRONT, WEB),
            ("the router's address", ROUTER, VIP_PORT))}
        rows, known = [], set()
        for name in ("web1", "web2", "app1"):
            vm, answer = self.lab.vm(name), None
            try:
                order = Connection(vm, CUSTOMER, ORDERS, seconds=2)
                answer = order.exchange(seconds=5)
                order.close()
            except OSError:
                pass
            known.add((name, answer and answer.split()[1]))
            rows.append([name, vm.host,
                         answer.split()[1] if answer else "nobody"])
        self.say(table(["who orders", "on", "and is seen as"], rows, "  "))
        self.say("")
        return (self.claim("each request of the customer to %s was answered "
                           "by a web VM" % FRONT,
                           set(seen) == {"web1", "web2", "web3"},
                           dict(seen)) and
                self.claim("nothing else is open to the street",
                           not any(others.values()), others) and
                self.claim("web VMs may order there, and are seen as the "
                           "shop's router; app VMs may not",
                           known == {("web1", ROUTER), ("web2", ROUTER),
                                     ("app1", None)}, known))

    def _open_street(self):
        """Joins hosts to the street, as an operator would, and the shop to it.
        Returns the customer."""
        for name in STREET_HOSTS:
            self.lab.host(name).add_provider_bridge()
            self.api.patch("hosts/" + name, {"provider_bridges": [
                {"physical": STREET, "bridge": "br-ex"}]})
        for name in STREET_HOSTS:
            netns.wait_for("%s's way to the street" % name, lambda n=name: any(
                "ofport" in b for b in self.api.get("hosts/" + n)["status"]
                .get("provider_bridges", [])), 20)
        self._apply("street.yaml")
        customer = self.lab.add_outside("customer", [CUSTOMER + "/24"],
                                        gateway=ROUTER)
        self.servers.tcp(customer, ORDERS)
        return customer

    def kill_the_writer(self):
        """The controller that is the writer dies, with the server of the
        cluster's database beside it: VMs notice nothing, another one takes
        changes, and the one that died follows once it is back."""
        lab, group = self.lab, self.lab.vmnd
        former = group.writer()
        roles = {c.name: [c.role()] for c in lab.controllers}
        pings = [Pinger(lab.vm(a), lab.vm(b).ip).start()
                 for a in RIVAL for b in RIVAL if a != b]
        start = time.monotonic()
        former.stop_machine()
        successor = group.writer(but=[former])
        writes = time.monotonic() - start
        self.api.patch("ports/web3", {"labels": {"role": "spare"}},
                       wait="installed")
        installed = time.monotonic() - start
        lab.revalidated()
        seen = self.ask_vip(75)
        for c in lab.controllers:
            roles[c.name].append(c.role())
        former.start_machine()
        netns.wait_for("%s to follow" % former.name,
                       lambda: cluster.follows(former, lab.controllers), 60)
        lost = {p.what: len(p.stop()) for p in pings}
        for c in lab.controllers:
            roles[c.name].append(c.role())
        self.say(table(["controller", "before", "the writer killed",
                        "started again"],
                       [[name] + roles[name] for name in sorted(roles)], "  "))
        self.say("\n  %s takes changes %.1f s after %s was killed; one was "
                 "installed on all hosts after %.1f s\n"
                 % (successor.name, writes, former.name, installed))
        return (self.claim("of %d pings between VMs none was lost"
                           % sum(len(p.sent) for p in pings),
                           not any(lost.values()), lost) and
                self.claim("another controller made web3 a spare again",
                           set(seen) == {"web1", "web2"}, dict(seen)) and
                self.claim("the one that was killed follows it",
                           roles[former.name][1:] == ["stopped", "standby"],
                           roles[former.name]))

    def _connection_to(self, name):
        """Returns an open connection through the virtual IP that 'name'
        answers."""
        for _ in range(200):
            held = Connection(self.lab.vm("buyer2"), VIP, VIP_PORT)
            if (held.exchange(seconds=5) or "").startswith(name + " "):
                return held
            held.close()
        raise Error("%s answered none of 200 requests" % name)


def _yes(answer):
    return "works" if answer else "cut"


SCENES = (
    ("Who reaches whom", Shop.who_reaches_whom),
    ("An address by DHCP, and others by name", Shop.address_and_names),
    ("How requests to the virtual IP are spread", Shop.balance),
    ("A VM put in quarantine", Shop.quarantine),
    ("A web VM added by label", Shop.join_by_label),
    ("A VM that moves", Shop.move),
    ("Customers on the street", Shop.open_to_the_street),
)

# Where there are enough controllers that one may be missing.
CLUSTER_SCENES = (
    ("The controller that is the writer is killed", Shop.kill_the_writer),
)


def main(name, vmnd, keep, controllers=1):
    """Runs the demonstration in a lab of its own, with as many controllers.
    Returns an exit status."""
    lab = Lab(name)
    lab.lock(create=True)
    start = time.monotonic()
    shop = None
    ours = False
    try:
        print("Three hypervisors, %d VMs%s ..." % (
            len(PLACES), ", %d controllers" % controllers
            if controllers > 1 else ""), flush=True)
        ours = not os.path.exists(os.path.join(lab.dir, "lab.json")) \
            and not netns.names(lab.ns(""))
        lab.up(3, vmnd, controllers=controllers)
        shop = Shop(lab, lambda text: print(text, flush=True))
        shop.open()
        print("up in %.1f s\n" % (time.monotonic() - start))
        scenes = SCENES + (CLUSTER_SCENES if controllers > 2 else ())
        for number, (title, scene) in enumerate(scenes, 1):
            print("%d. %s\n" % (number, title), flush=True)
            scene(shop)
            print()
        if shop.failed:
            print("%d claims FAILED" % len(shop.failed))
        else:
            print("all claims held (%.1f s)" % (time.monotonic() - start))
        return 1 if shop.failed else 0
    finally:
        if shop:
            shop.close()
        if ours and not keep:
            lab.down()
        elif ours and lab.vmnd:
            print("the lab is up: vmn-lab status --name %s; vmnctl --server "
                  "unix:%s get ports" % (name, lab.vmnd.socket))
        lab.unlock()
