# SPDX-License-Identifier: Apache-2.0
"""Members of a cluster, as vmnlab has them, whose processes are children of
the test.  The servers talk Raft on loopback, or in network namespaces of their
own."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from conftest import check_log
from free_port import free_port
from vmnlab import cluster, netns
from vmnlab.api import Refused
from vmnlab.daemon import app_args, find
from vmnlab.netns import PATIENCE, wait_for


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


class Member(cluster.Member):
    """'lab': its vmnd runs in the namespace of the control network of this
    lab, where 'openflow' is a port of its own."""

    lease_ms = LEASE_MS

    def __init__(self, folder, name, options=(), lab=None, openflow=None):
        super().__init__(folder, name, "tcp:127.0.0.1:%d" % free_port(),
                         timeout=30 * PATIENCE)
        os.makedirs(self.dir)
        self.ns = lab and lab.net_ns
        self.openflow = ("tcp:%s:%d" % (lab.control_ip, openflow) if lab
                         else None)
        self.options = list(options)
        self.server_ns = None   # Where its server runs, if in one.
        self.alone = False      # It is to be a vmnd of no cluster.
        self.program = find("vmnd")
        self.prefix = []        # What runs its vmnd,
        self.server_prefix = []  # and its server.
        self.server = None
        self.process = None

    # The server of the database.  -----------------------------------------

    def start_server(self):
        self.spawn_server()
        self.await_server()

    def spawn_server(self):
        self.server = self._spawn(self.server_prefix + self.server_args(),
                                  "db.log", self.server_ns)

    # vmnd.  ---------------------------------------------------------------

    def args(self):
        return [self.program, "-vsyslog:off", "-vconsole:info",
                "--state=" + self.state, "--socket=" + self.path("vmnd.sock"),
                "--unixctl=" + self.path("vmnd.ctl"),
                "--openflow-listen=" + (self.openflow or
                                        "unix:" + self.path("of.sock")),
                *([] if self.alone else self.member_args() + [
                    "--cluster-lease=%d" % self.lease_ms]),
                *app_args(self.program), *self.options]

    def start(self):
        self.spawn()
        wait_for("%s's vmnd" % self.name, self._answers, 60)

    def spawn(self):
        """Starts it and returns at once."""
        for name in ("vmnd.sock", "vmnd.ctl"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        self.process = self._spawn(self.prefix + self.args(), "vmnd.log",
                                   self.ns)

    def _answers(self):
        assert self.process.poll() is None, self.last_words()
        return os.path.exists(self.path("vmnd.ctl"))

    def ctl(self, *args, check=True):
        """As it is, with what it says of an error."""
        return run("ovs-appctl", "-t", self.path("vmnd.ctl"), *args,
                   check=check)

    def hand_over(self, successor):
        """Has member 'successor' take over, once this one has heard it: on a
        busy machine that may have been a while ago."""
        def accepts():
            text = self.ctl("cluster/transfer", successor, check=False)
            heard = "has not been heard lately" not in text
            assert not heard or "server returned an error" not in text, text
            return heard

        wait_for("%s to be heard" % successor, accepts, 60)

    def hosts(self):
        """What it knows of the hosts, by its own connections, {name:
        status}."""
        return json.loads(self.ctl("fabric/hosts"))

    def ctl_nowait(self, *args):
        """Asks for it, whether it answers or not."""
        subprocess.Popen(["timeout", "2", "ovs-appctl", "-t",
                          self.path("vmnd.ctl"), *args],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)

    def n_relayed(self):
        """How many requests the writer has answered for it."""
        return int(re.search(r"passed on: \d+ now, (\d+) replied",
                             self.ctl("cluster/status"))[1])

    def heard_ms(self, name):
        """How long ago this one has heard member 'name'."""
        return int(re.search(r"^    %s[: ].* heard (\d+) ms ago" % name,
                             self.ctl("cluster/status"), re.M)[1])

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

    def words_from(self, size):
        """What it has logged since its log was of that size."""
        with open(self.log, "rb") as log:
            log.seek(size)
            return log.read().decode(errors="replace")

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


# What joins a member to the others: its server, and its vmnd.
WIRES = "db", "vmnd"


def vmnd_address(name):
    """Where the others find its vmnd, if each is in a namespace."""
    return "10.98.0.%d" % (ord(name) - ord("a") + 1)


def at_vmnd_address(options, name):
    """The options of member 'name', with which it is found there."""
    return [re.sub("(--cluster-listen=ssl:)[^:]*",
                   r"\g<1>" + vmnd_address(name), option)
            for option in options]


class Cluster:
    """Three members, of which the first is the writer."""

    def __init__(self, folder, n=3, options=(), lab=None, net=None,
                 prepare=None):
        """'net': each member is in a network namespace of its own, joined by
        this one, which are named after it: a machine with two addresses, that
        of its server and that of its vmnd (vmnd_address()).  'options': of all
        members, or a function of a member's name.  'prepare' is called with
        each member before it is started."""
        self.net = net
        self.dir = folder
        self.members = []
        self.options = options
        self.lab = lab
        self.prepare = prepare
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
        cluster.begin(self.members)

    def _make(self, name):
        options = self.options(name) if callable(self.options) else (
            self.options)
        self.members.append(Member(self.dir, name, options, self.lab,
                                   6653 + ord(name) - ord("a")))
        if self.prepare:
            self.prepare(self.members[-1])
        return self.members[-1]

    def add(self, name):
        """Adds a member to a cluster that runs, and returns it."""
        writer = self.writer()
        member = self._make(name)
        member.join(writer)
        member.start_server()
        self.seed(member, writer)
        member.start()
        wait_for("%s to follow" % name, lambda: self.follows(member), 60)
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
            member.server_ns = member.ns = "%s-%s" % (self.net, member.name)
            member.raft = "tcp:10.97.0.%d:6643" % (i + 1)
            netns.add(member.ns)
            for wire, link, address in (
                    ("db", "eth0", "10.97.0.%d" % (i + 1)),
                    ("vmnd", "eth1", vmnd_address(member.name))):
                netns.ip(self.net, "link add name %s-%s type veth peer name %s"
                         " netns %s" % (wire, member.name, link, member.ns),
                         "link set dev %s-%s master wire up" % (
                             wire, member.name))
                netns.ip(member.ns, "addr add %s/24 dev %s" % (address, link),
                         "link set %s up" % link)

    def set_wire(self, member, wire, up):
        """Joins the member's server ("db") or its vmnd to those of the others,
        or cuts it off."""
        netns.ip(self.net, "link set dev %s-%s %s" % (
            wire, member.name, "up" if up else "down"))

    def set_way(self, member, other, wire, up):
        """The same for packets from its server, or its vmnd, to the other's
        alone."""
        netns.ip(member.ns, "route %s blackhole %s" % (
            "del" if up else "add", other.raft.split(":")[1]
            if wire == "db" else vmnd_address(other.name)))

    def seed(self, member, source):
        """Gives the member a copy of the writer's state."""
        cluster.seed(member, source)

    def backup(self, path, source):
        cluster.backup(path, source)

    def follows(self, member):
        """Whether it has all that any member knows of."""
        return cluster.follows(member, self.members)

    def writer(self, but=()):
        """Waits until there is a writer, and returns it."""
        return cluster.writer(self.members, but)

    def end(self):
        for member in self.members:
            member.end()
        if self.net:
            for member in self.members:
                if member.server_ns:
                    netns.delete(member.server_ns)
            netns.delete(self.net)


@contextlib.contextmanager
def started(**kwargs):
    """A Cluster in a folder of its own, of whose members none may complain."""
    folder = tempfile.mkdtemp(prefix="vmn-cluster-")
    found = None
    try:
        found = Cluster(folder, **kwargs)
        yield found
        for member in found.members:
            check_log(member)
    finally:
        if found:
            found.end()
        shutil.rmtree(folder)
