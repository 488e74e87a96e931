# SPDX-License-Identifier: Apache-2.0
"""sFlow and IPFIX: what collectors are told of packets that VMs send."""

import os
import random

import pytest

from vmnlab import netns
from vmnlab.netns import wait_for

IPFIX_PORT = 4739
SFLOW_PORT = 6343


class Collector:
    """nfcapd or sfcapd in the network between the hosts."""

    def __init__(self, lab, program, port, folder):
        os.makedirs(folder)
        self.folder = folder
        self.target = "%s:%d" % (lab.control_ip, port)
        # A file is complete after 2 s, which is the least there is.
        self.process = netns.spawn(
            [program, "-w", folder, "-p", str(port), "-t", "2"], lab.net_ns,
            log=folder + ".log")

    def records(self):
        """What has come so far: (source, port, destination, port)."""
        files = sorted(name for name in os.listdir(self.folder)
                       if "current" not in name)
        found = set()
        for name in files:
            text = netns.run(["nfdump", "-q", "-N", "-6", "-r",
                              os.path.join(self.folder, name), "-o",
                              "fmt:%sa,%sp,%da,%dp"])
            for line in text.splitlines():
                words = [word.strip() for word in line.split(",")]
                if len(words) == 4:
                    found.add((words[0], words[1].split(".")[0],
                               words[2], words[3].split(".")[0]))
        return found

    def close(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def collectors(world, tmp_path):
    made = {"ipfix": Collector(world.lab, "nfcapd", IPFIX_PORT,
                               str(tmp_path / "ipfix")),
            "sflow": Collector(world.lab, "sfcapd", SFLOW_PORT,
                               str(tmp_path / "sflow"))}
    yield made
    for one in made.values():
        one.close()


def await_active(world, name, n):
    def active():
        status = world.api.get("telemetries/" + name)["status"]
        return status["n_active"] == n == status["n_hosts"]
    wait_for("telemetry %s on %d hosts" % (name, n), active, 20)


def has_row(host, table):
    return host.vsctl("--bare", "--columns=_uuid", "find",
                      table).strip() != ""


def test_collectors_are_told_of_packets(world, collectors):
    world.network("net", "10.0.0.0/24", "fd00::/64")
    a = world.vm("a", "net", "h1", ["10.0.0.1", "fd00::1"])
    b = world.vm("b", "net", "h1", ["10.0.0.2", "fd00::2"], tcp=[8080])
    c = world.vm("c", "net", "h2", ["10.0.0.3", "fd00::3"], tcp=[8081])
    world.put("telemetries", "all",
              sflow={"targets": [collectors["sflow"].target], "sampling": 1,
                     "polling": 5},
              ipfix={"targets": [collectors["ipfix"].target], "sampling": 1,
                     "obs_domain_id": 7})
    await_active(world, "all", 3)

    wanted = {(a.ip, b.ip, "8080"), (a.ip6, b.ip6, "8080"),
              (a.ip, c.ip, "8081"), (a.ip6, c.ip6, "8081")}

    def missing(collector):
        """Both ways of each connection, among what else there is.  sfcapd
        loses the rest of a datagram behind a sample that it cannot read, those
        of tunnels: so what shares one differs each time."""
        for _ in range(random.randint(1, 8)):
            _, to, port = random.choice(sorted(wanted))
            assert world.answers(a, to, int(port))
        records = collector.records()
        there = {(s, d, dp) for s, _, d, dp in records}
        back = {(d, s, sp) for s, sp, d, _ in records}
        return wanted - there, wanted - back

    for kind, collector in collectors.items():
        try:
            wait_for("records by " + kind,
                     lambda c=collector: missing(c) == (set(), set()), 40, 0.5)
        except netns.Error as error:
            with open(collector.folder + ".log") as log:
                pytest.fail("%s: %s, of %s; %s runs: %s, %s\n%s" % (
                    error, missing(collector), collector.records(), kind,
                    collector.process.poll() is None,
                    sorted(os.listdir(collector.folder)), log.read()))

    # Deleted, it is gone, and nothing more is told.
    world.delete("telemetries", "all")
    wait_for("the rows to go", lambda: not any(
        has_row(host, table) for host in world.lab.hosts
        for table in ("sFlow", "IPFIX")), 20)


def test_hosts_are_named_and_what_is_theirs_stays(world):
    h1, h2, h3 = world.lab.hosts
    h3.vsctl("--id=@s", "create", "sFlow", 'targets="192.0.2.1:1"', "--",
             "set", "Bridge", "br-int", "sflow=@s")
    world.patch("hosts", "h1", labels={"rack": "a"})
    world.patch("hosts", "h3", labels={"rack": "a"})
    try:
        world.put("telemetries", "rack", selector="rack=a",
                  sflow={"targets": ["192.0.2.9:6343"], "sampling": 64})

        def state():
            status = world.api.get("telemetries/rack")["status"]
            return {h["host"]: (h["sflow"], h.get("reason", ""))
                    for h in status["hosts"]}
        wait_for("h1", lambda: state()["h1"][0] == "active", 20)
        wait_for("h3", lambda: state()["h3"][0] == "blocked", 20)
        assert set(state()) == {"h1", "h3"}
        assert "not set up by vmnd" in state()["h3"][1]
        assert not has_row(h2, "sFlow")
        assert "192.0.2.1:1" in h3.vsctl("list", "sFlow")

        # A host that no longer is in the rack does not go on.
        world.patch("hosts", "h1", labels=None)
        wait_for("h1 to stop", lambda: not has_row(h1, "sFlow"), 20)
        # The stranger goes, and ours comes.
        h3.vsctl("clear", "Bridge", "br-int", "sflow")
        wait_for("h3", lambda: state()["h3"][0] == "active", 20)
        world.delete("telemetries", "rack")
        wait_for("h3 to stop", lambda: not has_row(h3, "sFlow"), 20)
    finally:
        h3.vsctl("clear", "Bridge", "br-int", "sflow")
        for name in ("h1", "h3"):
            world.patch("hosts", name, labels=None)
