# SPDX-License-Identifier: Apache-2.0
"""Members of a cluster on this machine: to each a server of the cluster's
database and a vmnd, with unix sockets and files in a folder of its own.  The
servers talk Raft on loopback."""

import http.client
import os
import re
import signal
import socket
import subprocess

from vmnlab import netns
from vmnlab.api import Api, Refused
from vmnlab.daemon import app_args, find
from vmnlab.netns import PATIENCE, wait_for

HERE = os.path.dirname(os.path.realpath(__file__))
SCHEMA = os.path.join(HERE, "../../controller/cluster/cluster.ovsschema")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def run(*args, check=True, timeout=30, status=False):
    """Returns what it prints; with 'status' (exit status, that), and without
    'check' if it fails as well."""
    done = subprocess.run(args, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          timeout=timeout * PATIENCE)
    if status:
        return done.returncode, done.stdout
    if check:
        assert done.returncode == 0, "%s: %s" % (args, done.stdout)
    return done.stdout


# A machine that does other work as well may not give a process its turn for a
# second.
LEASE_MS = 3000


class Member:
    lease_ms = LEASE_MS

    """'lab': its vmnd runs in the namespace of the control network of this
    lab, where 'openflow' is a port of its own."""

    def __init__(self, folder, name, options=(), lab=None, openflow=None):
        self.name = name
        self.ns = lab and lab.net_ns
        self.openflow = ("tcp:%s:%d" % (lab.control_ip, openflow) if lab
                         else None)
        self.dir = os.path.join(folder, name)
        os.makedirs(self.dir)
        self.options = list(options)
        self.raft = "tcp:127.0.0.1:%d" % free_port()
        self.server_ns = None   # Where its server runs, if in one.
        self.alone = False      # It is to be a vmnd of no cluster.
        self.server = None
        self.process = None
        self.state = self.path("vmnd.db")
        self.log = self.path("vmnd.log")
        self.api = Api(self.path("vmnd.sock"), timeout=30 * PATIENCE)

    def path(self, name):
        return os.path.join(self.dir, name)

    # The server of the database.  -----------------------------------------

    def create(self):
        run("ovsdb-tool", "create-cluster", self.path("cluster.db"), SCHEMA,
            self.raft)

    def join(self, other):
        run("ovsdb-tool", "join-cluster", self.path("cluster.db"), "VMN",
            self.raft, other.raft)

    def start_server(self):
        sock = self.path("db.sock")
        self.spawn_server()
        wait_for("%s's database" % self.name,
                 lambda: os.path.exists(sock) and self.in_cluster(), 30)

    def spawn_server(self):
        sock = self.path("db.sock")
        self.server = self._spawn([
            "ovsdb-server", self.path("cluster.db"), "--remote=punix:" + sock,
            "--unixctl=" + self.path("db.ctl"), "--no-chdir",
            "-vconsole:info", "-vsyslog:off"], "db.log", self.server_ns)

    def in_cluster(self):
        try:
            return "Status: cluster member" in self.db_ctl(
                "cluster/status", "VMN", check=False)
        except subprocess.TimeoutExpired:
            return False

    def db_ctl(self, *args, check=True):
        return run("ovs-appctl", "-t", self.path("db.ctl"), *args,
                   check=check)

    def is_raft_leader(self):
        return "Role: leader" in self.db_ctl("cluster/status", "VMN",
                                             check=False)

    # vmnd.  ---------------------------------------------------------------

    def args(self):
        program = find("vmnd")
        return [program, "-vsyslog:off", "-vconsole:info",
                "--state=" + self.state, "--socket=" + self.path("vmnd.sock"),
                "--unixctl=" + self.path("vmnd.ctl"),
                "--openflow-listen=" + (self.openflow or
                                        "unix:" + self.path("of.sock")),
                *([] if self.alone else [
                    "--cluster-member=" + self.name,
                    "--cluster-lease=%d" % self.lease_ms,
                    "--cluster-db=unix:" + self.path("db.sock")]),
                *app_args(program), *self.options]

    def start(self):
        self.spawn()
        wait_for("%s's vmnd" % self.name, self._answers, 60)

    def spawn(self):
        """Starts it and returns at once."""
        for name in ("vmnd.sock", "vmnd.ctl"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        self.process = self._spawn(self.args(), "vmnd.log", self.ns)

    def _answers(self):
        assert self.process.poll() is None, self.last_words()
        return os.path.exists(self.path("vmnd.ctl"))

    def ctl(self, *args, check=True):
        return run("ovs-appctl", "-t", self.path("vmnd.ctl"), *args,
                   check=check)

    def ctl_nowait(self, *args):
        """Asks for it, whether it answers or not."""
        subprocess.Popen(["timeout", "2", "ovs-appctl", "-t",
                          self.path("vmnd.ctl"), *args],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)

    def last_status(self):
        """What cluster/status says; "" if it says nothing, soon."""
        try:
            return subprocess.run(
                ["ovs-appctl", "-t", self.path("vmnd.ctl"), "cluster/status"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                timeout=2).stdout
        except subprocess.TimeoutExpired:
            return ""

    def status(self):
        """The same, as {"role": "writer", ...}."""
        return dict(line.split(": ", 1) for line in
                    self.last_status().splitlines() if ": " in line)

    def batches(self):
        """(the newest batch that it has, or None if it does not follow; the
        newest that it knows of, or 0)."""
        status = self.status() if self.runs() else {}
        words = status.get("batch", "0").split()
        follows = (status.get("database", "").endswith(", connected")
                   and "problem" not in status and len(words) > 1
                   and "    %s (this one)" % self.name in status)
        return (int(words[-1].rstrip(")")) if follows else None,
                int(words[0]))

    def heard_ms(self, name):
        """How long ago this one has heard member 'name'."""
        return int(re.search(r"^    %s[: ].* heard (\d+) ms ago" % name,
                             self.ctl("cluster/status"), re.M)[1])

    def is_writer(self):
        """One that stands by may pass the question on."""
        try:
            return (self.api.raw("GET", "/readyz")[0] == 200
                    and self.api.get("cluster")["role"] != "standby")
        except (OSError, http.client.HTTPException):
            return False

    def refuses(self):
        """Whether it is the writer and does not take changes: why, or None."""
        try:
            self.api.put("networks/probe", {})
        except Refused as refused:
            assert refused.status == 503, refused
            return str(refused)
        return None

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def _spawn(self, args, log, ns=None):
        if ns:
            return netns.spawn(args, ns, log=self.path(log))
        with open(self.path(log), "a") as file:
            return subprocess.Popen(args, stdin=subprocess.DEVNULL,
                                    stdout=file, stderr=file,
                                    start_new_session=True)

    def last_words(self):
        with open(self.log, errors="replace") as log:
            return log.read()[-4000:]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks vmnd to end; returns its status."""
        self.process.terminate()
        return self.process.wait(30 * PATIENCE)

    def kill_server(self):
        self.server.kill()
        self.server.wait()

    def end(self):
        for process in (self.process, self.server):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()


class Cluster:
    """Three members, of which the first is the writer."""

    def __init__(self, folder, n=3, options=(), lab=None, net=None):
        """'net': the servers of the database are in network namespaces of
        their own, joined by this one, which are named after it.  'options':
        of all members, or a function of a member's name."""
        self.net = net
        self.dir = folder
        self.members = []
        self.options = options
        self.lab = lab
        try:
            self._start(n)
        except BaseException:
            self.end()
            raise

    def _start(self, n):
        for name in "abcdefg"[:n]:
            self._make(name)
        if self.net:
            self._make_net()
        first = self.members[0]
        first.create()
        first.start_server()
        for member in self.members[1:]:
            member.join(first)
            member.start_server()
        first.start()
        wait_for("the connection", lambda: ", connected" in
                 first.status().get("database", ""), 20)
        first.ctl("cluster/init")
        wait_for("the writer", first.is_writer, 60)
        for member in self.members[1:]:
            self.seed(member, first)
            member.start()
        for member in self.members[1:]:
            wait_for("%s to follow" % member.name,
                     lambda m=member: self.follows(m), 30)

    def _make(self, name):
        options = self.options(name) if callable(self.options) else (
            self.options)
        self.members.append(Member(self.dir, name, options, self.lab,
                                   6653 + ord(name) - ord("a")))
        return self.members[-1]

    def add(self, name):
        """Adds a member to a cluster that runs, and returns it."""
        writer = self.writer()
        member = self._make(name)
        member.join(writer)
        member.start_server()
        self.seed(member, writer)
        member.start()
        wait_for("%s to follow" % name, lambda: self.follows(member), 30)
        return member

    def remove(self, member):
        """Has it leave, whatever it is."""
        if member.is_writer():
            member.ctl("cluster/transfer")
            member.process.wait(30 * PATIENCE)
        else:
            member.stop()
        writer = self.writer(but=[member])
        member.db_ctl("cluster/leave", "VMN")
        wait_for("its server to have left", lambda: member.raft not in
                 writer.db_ctl("cluster/status", "VMN", check=False), 60)
        writer.ctl("cluster/remove", member.name)
        member.end()
        self.members.remove(member)

    def _make_net(self):
        netns.add(self.net)
        netns.ip(self.net, "link add name wire type bridge",
                 "link set wire up")
        for i, member in enumerate(self.members):
            member.server_ns = "%s-%s" % (self.net, member.name)
            member.raft = "tcp:10.97.0.%d:6643" % (i + 1)
            netns.add(member.server_ns)
            netns.ip(self.net, "link add name to-%s type veth peer name eth0 "
                     "netns %s" % (member.name, member.server_ns),
                     "link set dev to-%s master wire up" % member.name)
            netns.ip(member.server_ns,
                     "addr add 10.97.0.%d/24 dev eth0" % (i + 1),
                     "link set eth0 up")

    def set_wire(self, member, up):
        """Joins the member's server to the others, or cuts it off."""
        netns.ip(self.net, "link set dev to-%s %s" % (
            member.name, "up" if up else "down"))

    def seed(self, member, source):
        """Gives the member a copy of the writer's state."""
        for path in (member.state, member.state + "-wal",
                     member.state + "-shm"):
            if os.path.exists(path):
                os.unlink(path)
        self.backup(member.state, source)

    def backup(self, path, source):
        run(find("vmnctl"), "backup", path, "-s",
            "unix:" + source.path("vmnd.sock"), timeout=60)

    def follows(self, member):
        """Whether it has all that any member knows of: the server beside it
        may be behind, and so may others."""
        have, head = member.batches()
        return have is not None and all(
            have == head >= other.batches()[1] for other in self.members
            if other.runs())

    def writer(self, but=()):
        """Waits until there is a writer, and returns it."""
        found = []

        def look():
            found[:] = [m for m in self.members
                        if m not in but and m.runs() and m.is_writer()]
            return found
        wait_for("a writer", look, 60)
        return found[0]

    def end(self):
        for member in self.members:
            member.end()
        if self.net:
            for member in self.members:
                if member.server_ns:
                    netns.delete(member.server_ns)
            netns.delete(self.net)
