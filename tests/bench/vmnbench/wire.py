# SPDX-License-Identifier: Apache-2.0
"""The first two hosts of a workload, as hosts of a lab that pass packets, and
what a quarantine does to an open connection between them.

The others stay as they are (hosts.py), but run in the lab's namespace, where
all meet the controller."""

import os

from vmnlab import netns
from vmnlab.lab import Lab
from vmnlab.stream import Streams

from . import ovsdb
from .hosts import Host
from .process import Error

STREAM_PORT = 9000              # As Streams.add() has it.
RATE = 1000                     # Packets a second, each way.
BEFORE_S = 0.5                  # Of packets that pass, before each call.
AFTER_S = 0.5                   # Of waiting for more once it is acknowledged.
# A packet that comes so shortly before the release was not cut at all.
NOT_CUT_S = 0.1


class PacketHost(Host):
    """Host 'index' of the workload is 'lab_host'; 'ports' are the workload's
    that are VMs."""

    datapath = "netdev"

    def __init__(self, processes, lab_host, index, ports):
        super().__init__(processes, lab_host.lab.dir, index)
        self.lab_host = lab_host
        self.ports = {port.name: port for port in ports}
        self.dir = lab_host.dir
        self.db = os.path.join(self.dir, "db.sock")
        self.tunnel_ip = lab_host.tunnel_ip
        self.env = {name.replace("OVS", prefix): self.dir
                    for name in ("OVS_RUNDIR", "OVS_LOGDIR")
                    for prefix in ("OVS", "OVN")}

    def start(self, external_ids):
        """The lab has started it; here it gets its name and is counted."""
        self.transact({
            "op": "update", "table": "Open_vSwitch", "where": [], "row": {
                "external_ids": ovsdb.string_map(
                    dict({"system-id": self.name, "hostname": self.name},
                         **external_ids))}})
        lab = self.lab_host.lab
        for kind, program in (("hostdb", "ovsdb-server"),
                              ("vswitchd", "ovs-vswitchd")):
            pids = self.lab_host.pids(program)
            self.processes.running["%s:%s" % (kind, self.name)] = next(
                child for child in lab.children if child.pid in pids)

    def plug(self, names):
        super().plug([name for name in names if name not in self.ports])
        for name in set(names) & set(self.ports):
            port = self.ports[name]
            self.lab_host.lab.add_vm(name, self.lab_host.name, port.mac,
                                     [port.ip + "/16"])


class Wire:
    def __init__(self, workload):
        self.ends = workload.ends()
        self.lab = Lab("cmp%d" % os.getpid())
        # VIFs that nobody sends from are what they are on other hosts.
        self.lab.switch_options = ["--enable-dummy"]
        self.lab.lock(create=True)
        try:
            self.lab.up(2, ovsdb_mode="unix")
        except netns.Error:
            self.down()
            raise
        self.control_ip = self.lab.control_ip
        self.ns = self.lab.net_ns

    def hosts(self, processes):
        return [PacketHost(processes, lab_host, i,
                           [port for port in self.ends if port.host == i])
                for i, lab_host in enumerate(self.lab.hosts)]

    def down(self):
        self.lab.down()
        self.lab.unlock()

    def last_packets(self, side, repetitions):
        """Has 'side' cut off the second end and release it, so many times.
        Returns ([seconds from the call to the last packet that arrived, either
        way], [seconds until the call was acknowledged], how often packets went
        on until the release)."""
        a, b = self.ends
        side.allow_stream(a, b, STREAM_PORT)
        a_vm, b_vm = self.lab.vm(a.name), self.lab.vm(b.name)
        streams = (Streams(RATE).add("there", a_vm, b_vm, STREAM_PORT)
                   .add("back", b_vm, a_vm, STREAM_PORT))
        calls = []
        with streams:
            for _ in range(repetitions):
                streams.run(BEFORE_S)
                called = streams.now()
                side.cut(b)
                told = streams.now()
                streams.run(AFTER_S)
                calls.append((called, told, streams.now()))
                side.uncut(b)
            found = streams.stop()
        came = sorted(at for one in found.values()
                      for at, _ in one.seen.values())
        return _evaluate(calls, came)


def _evaluate(calls, came):
    """'calls': (when it was called, acknowledged, taken back); 'came': when
    packets arrived.  See Wire.last_packets()."""
    times, told, never = [], [], 0
    for called, acknowledged, released in calls:
        before = [at for at in came if at < released]
        if not any(called - NOT_CUT_S < at <= called + NOT_CUT_S
                   for at in before):
            raise Error("no packets came before a quarantine")
        last = before[-1]
        if last > released - NOT_CUT_S:
            never += 1
            continue
        times.append(max(0.0, last - called))
        told.append(acknowledged - called)
    if not times:
        raise Error("quarantine cut nothing, %d times" % never)
    return times, told, never
