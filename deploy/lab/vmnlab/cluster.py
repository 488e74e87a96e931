# SPDX-License-Identifier: Apache-2.0
"""Members of a cluster, all on this machine: to each a server of the cluster's
database and a vmnd, with unix sockets and files in a folder of its own.  The
lab's and the tests'; who starts and ends their processes is not said here."""

import http.client
import os

from . import netns
from .api import Api
from .daemon import find
from .netns import Error, wait_for


def schema():
    """The path of the database's schema, in the source or installed."""
    above = os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.realpath(__file__))))
    for place in (os.path.join(above, "../controller/cluster"), above):
        path = os.path.join(place, "cluster.ovsschema")
        if os.path.exists(path):
            return os.path.normpath(path)
    raise Error("cluster.ovsschema is not here: it comes with vmnd")


class Member:
    """Member 'name', with its files in a folder of that name in 'folder'; the
    other servers find its server at 'raft'.  Who derives from it says how its
    processes are started: start_server(), start() and runs()."""

    def __init__(self, folder, name, raft, timeout=60 * netns.PATIENCE):
        self.name = name
        self.dir = os.path.join(folder, name)
        self.raft = raft
        self.state = self.path("vmnd.db")
        self.log = self.path("vmnd.log")
        self.api = Api(self.path("vmnd.sock"), timeout)

    def path(self, name):
        return os.path.join(self.dir, name)

    # The server of the database.  -----------------------------------------

    def create(self):
        netns.run(["ovsdb-tool", "create-cluster", self.path("cluster.db"),
                   schema(), self.raft])

    def join(self, other):
        netns.run(["ovsdb-tool", "join-cluster", self.path("cluster.db"),
                   "VMN", self.raft, other.raft])

    def server_args(self):
        return ["ovsdb-server", self.path("cluster.db"),
                "--remote=punix:" + self.path("db.sock"),
                "--unixctl=" + self.path("db.ctl"), "--no-chdir",
                "-vconsole:info", "-vsyslog:off"]

    def await_server(self):
        wait_for("%s's database (log: %s)" % (self.name, self.path("db.log")),
                 lambda: os.path.exists(self.path("db.sock"))
                 and self.in_cluster(), 60)

    def db_ctl(self, *args, check=True):
        return netns.run(["ovs-appctl", "--timeout=%d" % (20 * netns.PATIENCE),
                          "-t", self.path("db.ctl"), *args], check=check)

    def _db_status(self):
        return self.db_ctl("cluster/status", "VMN", check=False)

    def in_cluster(self):
        return "Status: cluster member" in self._db_status()

    def is_raft_leader(self):
        return "Role: leader" in self._db_status()

    # vmnd.  ---------------------------------------------------------------

    def member_args(self):
        """The options that make its vmnd a member."""
        return ["--cluster-member=" + self.name,
                "--cluster-db=unix:" + self.path("db.sock")]

    def ctl(self, *args):
        return netns.run(["ovs-appctl", "--timeout=%d" % (
            20 * netns.PATIENCE), "-t", self.path("vmnd.ctl"), *args])

    def last_status(self, seconds=2):
        """What cluster/status says; "" if it says nothing, soon."""
        return netns.run(["ovs-appctl", "--timeout=%d" % seconds, "-t",
                          self.path("vmnd.ctl"), "cluster/status"],
                         check=False)

    def status(self, seconds=20 * netns.PATIENCE):
        """The same, as {"role": "writer", ...}; {} if it does not run, or is
        not let run for so long."""
        return dict(line.split(": ", 1) for line in
                    self.last_status(seconds).splitlines() if ": " in line)

    def batches(self):
        """(the newest batch that it has, or None if it does not follow; the
        newest that it knows of, or 0)."""
        status = self.status(2) if self.runs() else {}
        words = status.get("batch", "0").split()
        follows = (status.get("database", "").endswith(", connected")
                   and "problem" not in status and len(words) > 1
                   and "    %s (this one)" % self.name in status)
        return (int(words[-1].rstrip(")")) if follows else None,
                int(words[0]))

    def is_writer(self):
        """A vmnd of no cluster is, too."""
        try:
            return (self.api.raw("GET", "/readyz")[0] == 200
                    and self.api.get("cluster")["role"] != "standby")
        except (OSError, http.client.HTTPException, Error):
            return False


# Of all members.  ------------------------------------------------------------

def begin(members):
    """Starts all members as a new cluster, of which the first is the
    writer."""
    first = members[0]
    first.create()
    first.start_server()
    for member in members[1:]:
        member.join(first)
        member.start_server()
    first.start()
    wait_for("the connection", lambda: ", connected" in
             first.status().get("database", ""), 60)
    first.ctl("cluster/init")
    wait_for("the writer", first.is_writer, 60)
    for member in members[1:]:
        seed(member, first)
        member.start()
    for member in members[1:]:
        try:
            wait_for("%s to follow" % member.name,
                     lambda m=member: follows(m, members), 60)
        except Error as error:
            with open(member.log, errors="replace") as log:
                raise Error("%s:\n%s\n%s" % (
                    error, member.last_status(), log.read()[-4000:])) from None


def seed(member, source):
    """Gives the member a copy of the writer's state."""
    for path in (member.state, member.state + "-wal", member.state + "-shm"):
        if os.path.exists(path):
            os.unlink(path)
    backup(member.state, source)


def backup(path, source):
    netns.run([find("vmnctl"), "backup", path,
               "-s", "unix:" + source.path("vmnd.sock")])


def follows(member, members):
    """Whether it has all that any member knows of: the server beside it may be
    behind, and so may others."""
    have, head = member.batches()
    return have is not None and all(
        have == head >= other.batches()[1] for other in members
        if other.runs())


def writer(members, but=(), seconds=60):
    """Waits until there is a writer, and returns it."""
    return wait_for("a writer", lambda: next(
        (m for m in members if m not in but and m.runs() and m.is_writer()),
        None), seconds)
