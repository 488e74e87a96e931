# SPDX-License-Identifier: Apache-2.0
"""The vmnds of a lab that has several, which are one cluster: to each a folder
c1, c2, ... in the lab's, and an address and ports of its own.  All of them, in
place of the one vmnd of other labs: what is asked of it, the writer is.  What
commands find on the machine of one of them is in machine.py."""

import json
import os
import shutil

from . import cluster, netns
from .api import Api
from .daemon import Vmnd, find
from .netns import Error

MAX = 5
RAFT_PORT = 6643
RELAY_PORT = 6644
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

    def __init__(self, lab, program, number, **more):
        self.address = "127.0.0.%d" % number
        self.pki = certificates(lab)
        cluster.Member.__init__(self, lab.dir, "c%d" % number, "ssl:%s:%d" % (
            self.address, RAFT_PORT))
        self.config = self.path("vmnd.json")
        Vmnd.__init__(self, lab, program, folder=self.dir, number=number - 1,
                      **more)

    # Its configuration, which vmn-cluster changes.  -----------------------

    def _certificate(self):
        """{option: file}, as vmnd and the server call them."""
        file = os.path.join(self.pki, self.name + "-member.")
        return {"private-key": file + "key", "certificate": file + "pem",
                "ca-cert": os.path.join(self.pki, "members-ca.pem")}

    def write_config(self, member=True):
        """Makes it a member's, or that of a vmnd of no cluster."""
        options = {"cluster-member": self.name, "cluster-listen": "ssl:%s:%d"
                   % (self.address, RELAY_PORT)}
        options.update(("cluster-" + name, file) for name, file in
                       self._certificate().items())
        os.makedirs(self.dir, exist_ok=True)
        with open(self.config, "w") as file:
            json.dump({name: value if member else None
                       for name, value in options.items()}, file, indent=4)
            file.write("\n")

    def is_member(self):
        """Whether it is configured as one."""
        try:
            with open(self.config) as file:
                return bool(json.load(file).get("cluster-member"))
        except FileNotFoundError:
            return False

    # vmnd.  ---------------------------------------------------------------

    def args(self):
        return super().args() + [
            "--config=" + self.config,
            "--cluster-db=unix:" + self.path("db.sock")]

    def runs(self):
        return self.pid() is not None

    def spawn(self, wrapper=()):
        super().spawn(list(wrapper) + _KEEPER)

    # The server of the database beside it.  -------------------------------

    def server_args(self):
        return super().server_args() + ["--%s=%s" % option for option in
                                        self._certificate().items()]

    def start_server(self):
        self.spawn_server()
        self.await_server()

    def spawn_server(self):
        """Starts it and returns at once."""
        if os.path.exists(self.path("db.sock")):
            os.unlink(self.path("db.sock"))
        self.lab.children.append(netns.spawn(
            self.server_args(), self.lab.net_ns, log=self.path("db.log")))

    def server_pid(self):
        """The pid of the one that runs, or None."""
        return self.find_pid("ovsdb-server", self.path("cluster.db"))

    # Both, as of a machine.  ----------------------------------------------

    def stop_machine(self):
        """Ends both, as if their machine were switched off."""
        self.kill()
        netns.kill(filter(None, [self.server_pid()]))

    def start_machine(self):
        """Starts what there is and does not run."""
        has_server = os.path.exists(self.path("cluster.db"))
        if not has_server and not os.path.exists(self.state):
            raise Error("%s is no member, and has nothing to start: "
                        "vmn-cluster join makes it one" % self.name)
        if has_server and self.server_pid() is None:
            self.start_server()
        if not self.runs():
            self.start()

    def wipe(self):
        """Has its machine be one that was installed anew: nothing is left but
        its certificate."""
        self.stop_machine()
        shutil.rmtree(self.dir)
        self.write_config(member=False)

    def role(self):
        """The role that it has, for people."""
        if not self.runs():
            return "stopped"
        status = self.status(2)
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
    """'n' of them.  What Vmnd has."""

    def __init__(self, lab, program, n, **more):
        self.lab = lab
        self.program = program
        self.options = more.get("options", ())
        self.members = [Controller(lab, program, i + 1, **more)
                        for i in range(n)]
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
        begun = [m for m in self.members if os.path.exists(m.config)]
        left = [m for m in begun if not m.is_member()]
        if not begun:
            self._begin()
        elif not all(os.path.exists(m.path("cluster.db"))
                     for m in self.members if m not in left):
            raise Error("a part of the cluster was never made: vmn-lab down "
                        "--name %s" % self.lab.name)
        else:
            for member in self.members:
                if member not in left or os.path.exists(member.state):
                    member.start_machine()
            self.writer()

    def _begin(self):
        issue(self.lab, self.program, [m.name for m in self.members])
        # The first one is there by itself.
        netns.ip(self.lab.net_ns, *("addr replace %s/8 dev lo" % m.address
                                    for m in self.members))
        for member in self.members:
            member.write_config()
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
