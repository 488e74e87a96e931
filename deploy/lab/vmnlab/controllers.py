# SPDX-License-Identifier: Apache-2.0
"""The vmnds of a lab that has several, which are one cluster: to each a folder
c1, c2, ... in the lab's, and ports of its own.  All of them, in place of the
one vmnd of other labs: what is asked of it, the writer is."""

import os
import shutil

from . import cluster, netns
from .api import Api
from .daemon import Vmnd, find
from .netns import Error

MAX = 5
RAFT_PORT = 6643
RELAY_PORT = 6663
# A vmnd that is the writer no more ends with status 4, to be started anew: in
# a lab by this, as elsewhere by its service.
_KEEPER = ["sh", "-c", 'while "$@"; s=$?; [ $s = 4 ]; do sleep 0.2; done; '
           'exit $s', "keeper"]


def certificates(lab):
    """The folder of the members' CA and certificates."""
    return os.path.join(lab.dir, "pki")


def issue(lab, program, names):
    """Makes the CA, and certificates of members 'names', by the vmn-pki that
    comes with vmnd, 'program'."""
    beside = os.path.join(os.path.dirname(program), "vmn-pki")
    pki = beside if os.access(beside, os.X_OK) else find("vmn-pki")
    folder = certificates(lab)
    # What a start that failed has left would be in the way.
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    for args in [["init", "members"]] + [["member", name] for name in names]:
        netns.run(["env", "VMN_PKI=" + folder, pki, *args])


class Controller(Vmnd, cluster.Member):
    """Number 'number' of them, from 1."""

    def __init__(self, lab, program, number, weight=None, **more):
        self.weight = weight
        cluster.Member.__init__(self, lab.dir, "c%d" % number,
                                "tcp:127.0.0.1:%d" % (RAFT_PORT + number - 1))
        Vmnd.__init__(self, lab, program, folder=self.dir, number=number - 1,
                      **more)

    def args(self):
        weight = [] if self.weight is None else [
            "--cluster-weight=%d" % self.weight]
        file = os.path.join(certificates(self.lab), self.name + "-member.")
        return super().args() + self.member_args() + weight + [
            "--cluster-listen=ssl:127.0.0.1:%d" % (RELAY_PORT + self.number),
            "--cluster-private-key=" + file + "key",
            "--cluster-certificate=" + file + "pem",
            "--cluster-ca-cert=" + os.path.join(certificates(self.lab),
                                                "members-ca.pem")]

    def runs(self):
        return self.pid() is not None

    def spawn(self, wrapper=()):
        super().spawn(list(wrapper) + _KEEPER)

    # The server of the database beside it.  -------------------------------

    def start_server(self):
        if os.path.exists(self.path("db.sock")):
            os.unlink(self.path("db.sock"))
        self.lab.children.append(netns.spawn(
            self.server_args(), self.lab.net_ns, log=self.path("db.log")))
        self.await_server()

    def server_pid(self):
        """The pid of the one that runs, or None."""
        return self.find_pid("ovsdb-server", self.path("cluster.db"))

    # Both, as of a machine.  ----------------------------------------------

    def stop_machine(self):
        """Ends both, as if their machine were switched off."""
        self.kill()
        netns.kill(filter(None, [self.server_pid()]))

    def start_machine(self):
        """Starts what does not run."""
        if self.server_pid() is None:
            self.start_server()
        if not self.runs():
            self.start()

    def role(self):
        """The role that it has, for people."""
        if not self.runs():
            return "stopped"
        status = self.status()
        return "problem" if "problem" in status else \
            status.get("role", "does not answer")


class WriterApi(Api):
    """The API of whichever member is the writer, which is waited for."""

    def __init__(self, controllers):
        super().__init__("")
        self._controllers = controllers

    @property
    def path(self):
        return self._controllers.writer().api.path if self._path is None \
            else self._path

    @path.setter
    def path(self, path):
        self._path = path or None

    def raw(self, method, target, body=None, headers=None):
        return self._controllers.writer().api.raw(method, target, body,
                                                  headers)

    def healthy(self):
        return any(m.is_writer() for m in self._controllers.members)


class Controllers:
    """'n' of them, of these 'weights' (cluster-weight of vmnd) if there are
    any.  What Vmnd has."""

    def __init__(self, lab, program, n, weights=None, **more):
        self.lab = lab
        self.program = program
        self.options = more.get("options", ())
        self.members = [Controller(lab, program, i + 1,
                                   weight=weights[i] if weights else None,
                                   **more) for i in range(n)]
        self.api = WriterApi(self)
        self._last = None

    def writer(self, but=()):
        """Waits until there is a writer, and returns it.  The one of before
        is asked first."""
        self._last = cluster.writer(
            sorted(self.members, key=lambda m: m is not self._last), but)
        return self._last

    def _one(self):
        """The writer, or any if there is none now."""
        return next((m for m in self.members if m.is_writer()),
                    self._last or self.members[0])

    def await_other_masters(self):
        """Waits until the writer manages no host, since its weight is 0."""
        netns.wait_for("others to manage the hosts", lambda: any(
            m["weight"] for m in self.api.get("cluster")["members"]
            if m["role"] == "standby"), 60)

    def ctl(self, *args):
        return self.writer().ctl(*args)

    @property
    def unixctl(self):
        return self._one().unixctl

    @property
    def socket(self):
        return self._one().socket

    @property
    def log(self):
        return self._one().log

    @property
    def token_file(self):
        return self.members[0].token_file

    def pids(self):
        return [pid for m in self.members for pid in m.pids()]

    def pid(self):
        """The pid of one that runs, or None."""
        return next(iter(self.pids()), None)

    def start(self):
        """Starts those that do not run; the first time, as a new cluster."""
        made = [os.path.exists(m.path("cluster.db")) for m in self.members]
        if all(made):
            for member in self.members:
                member.start_machine()
            self.writer()
        elif any(made):
            raise Error("a part of the cluster was never made: vmn-lab down "
                        "--name %s" % self.lab.name)
        else:
            issue(self.lab, self.program, [m.name for m in self.members])
            for member in self.members:
                os.makedirs(member.dir, exist_ok=True)
            cluster.begin(self.members)

    def stop(self):
        """Ends all of vmnd, the writer last, so that nobody becomes it.  The
        servers of the database stay.  Returns the first exit status that is
        not 0, if there is one."""
        writer = self._one()
        found = [member.stop() for member in
                 sorted(self.members, key=lambda m: m is writer)]
        return next(filter(None, found), found[-1])

    def last_words(self, n_lines=20):
        return "".join("%s:\n%s" % (m.name, m.last_words(n_lines))
                       for m in self.members)
