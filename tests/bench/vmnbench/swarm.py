# SPDX-License-Identifier: Apache-2.0
"""Emulated hypervisors (tests/bench/swarm) with a vmnd: also what
tests/system/test_swarm.py plays with.  Only unix sockets are used."""

import json
import os
import shlex
import signal
import socket

from .process import Error, Processes, run, wait_for
from .vmn import Api

APPS = ("overlay", "firewall", "loadbalancer", "router")


class Control:
    """The swarm's socket for commands."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")

    def __call__(self, *words):
        """Gives a command; returns its answer."""
        self.file.write(" ".join(str(word) for word in words) + "\n")
        self.file.flush()
        answer = self.file.readline()
        if not answer.endswith("\n") or answer.startswith("error: "):
            raise Error("swarm: %s: %s" % (words[0], answer.strip()))
        return json.loads(answer)

    def close(self):
        self.file.close()
        self.socket.close()


def unixctl(path, method, *params):
    """As ovs-appctl, without a process."""
    request = {"method": method, "params": params, "id": 0}
    with socket.socket(socket.AF_UNIX) as ctl:
        ctl.settimeout(120)
        ctl.connect(path)
        ctl.sendall(json.dumps(request).encode())
        text = b""
        while True:
            part = ctl.recv(65536)
            if not part:
                raise Error("vmnd closed its unixctl connection")
            text += part
            try:
                reply = json.loads(text)
            except ValueError:
                continue
            if reply["error"]:
                raise Error("%s: %s" % (method, reply["error"]))
            return reply["result"]


class Swarm:
    """A vmnd and 'n_hosts' hosts.  'vmnd' is a program in a build tree, or one
    beside an "appdir" of such a tree."""

    def __init__(self, directory, n_hosts, vmnd, program, wrapper="",
                 app_dir=None, seed=1, options=()):
        self.dir = directory
        self.n_hosts = n_hosts
        self.vmnd = vmnd
        self.program = program
        self.wrapper = wrapper
        self.app_dir = app_dir or os.path.join(os.path.dirname(vmnd),
                                               "appdir")
        self.seed = seed
        self.options = list(options)    # More of vmnd's.
        self.processes = Processes()
        self.api = Api(self.path("vmnd.sock"))
        self.control = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self):
        self.processes.start(
            "swarm", [self.program, "--hosts=%d" % self.n_hosts,
                      "--dir=" + self.dir, "--seed=%d" % self.seed]
            + self.swarm_options(), self.path("swarm.log"))
        wait_for("the swarm", self._connect)
        self.start_vmnd()

    def swarm_options(self):
        return []

    def _connect(self):
        self.processes.check()
        try:
            self.control = Control(self.path("control"))
        except OSError:
            return False
        return True

    def start_vmnd(self):
        self.processes.start("vmnd", shlex.split(self.wrapper) + [
            self.vmnd, "-vsyslog:off", "-vconsole:info",
            "--state=" + self.path("vmn.db"),
            "--unixctl=" + self.path("vmnd.ctl"),
            "--socket=" + self.path("vmnd.sock"),
            "--openflow-listen=unix:" + self.path("openflow.sock"),
            "--app-dir=" + self.app_dir] + self.options,
            self.path("vmnd.log"))
        wait_for("vmnd", self._is_up, 120)

    def _is_up(self):
        self.processes.check()
        return self.api.answers()

    def stop_vmnd(self, kill=False):
        """Returns its exit status."""
        self.api.close()
        process = self.processes.running.pop("vmnd")
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        return process.wait(60)

    def stop(self):
        if self.control:
            self.control.close()
        self.api.close()
        self.processes.stop_all()

    def add_hosts(self):
        """Tells vmnd of the hosts, and waits for them."""
        self.tell_hosts()
        self.wait_synced()

    def tell_hosts(self):
        self.api.call("POST", "/v1/apply", {"objects": [
            {"type": "hosts", "name": "hv%d" % i,
             "spec": {"ovsdb": "unix:" + self.path("hv%d.db" % i),
                      "tunnel_ip": "10.255.%d.%d" % (i // 250,
                                                     1 + i % 250)}}
            for i in range(self.n_hosts)]})

    def metrics(self):
        self.processes.check()
        self.api.request("GET", "/metrics")
        found = {}
        for line in self.api.getresponse().read().decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                found[name] = float(value)
        return found

    def fabric_stats(self):
        """Costs vmnd next to nothing, which a scrape of 1,000 hosts does
        not."""
        self.processes.check()
        return json.loads(unixctl(self.path("vmnd.ctl"), "fabric/stats"))

    def _are_synced(self):
        try:
            return self.fabric_stats()["synced"] == self.n_hosts
        except OSError:
            return False        # It has just been started.

    def wait_synced(self, seconds=1200):
        wait_for("all hosts to be synced", self._are_synced, seconds, 0.02)

    def wait_settled(self, seconds=1200):
        """Until every host has the newest revision."""
        number = self.api.call("GET", "/v1/networks", limit=1)["revision"]
        try:
            wait_for("revision %d" % number, lambda: self._installed(number),
                     seconds, 0.001)
        except Error as error:
            raise Error("%s: %s" % (error, [
                host for host in self._receipt(number)["hosts"]
                if host["state"] != "confirmed"])) from error

    def _receipt(self, number):
        self.processes.check()
        return self.api.call("GET", "/v1/revisions/%d" % number)["receipt"]

    def _installed(self, number):
        return self._receipt(number)["installed"]

    def plug(self, ports_of_hosts):
        """{host: [name, ...]}"""
        for host, names in ports_of_hosts.items():
            if names:
                self.control("plug", "hv%d" % host, *names)

    def host_status(self, host):
        return self.api.call("GET", "/v1/hosts/hv%d" % host)["status"]

    def appctl(self, *words):
        return json.loads(run(["ovs-appctl", "-t", self.path("vmnd.ctl")]
                              + list(words)))

    def verify(self):
        """vmnd's compile from nothing beside what it has."""
        return run(["ovs-appctl", "-t", self.path("vmnd.ctl"),
                    "engine/verify"]).strip()

    def differences(self):
        """Hosts that do not hold just what vmnd wants: {host: (holds,
        wanted)}, as "FLOWS GROUPS DIGEST"."""
        holds = self.control("digest", "all")
        wanted = self.appctl("fabric/digest")
        return {host: (holds.get(host), wanted.get(host))
                for host in set(holds) | set(wanted)
                if holds.get(host) != wanted.get(host)}
