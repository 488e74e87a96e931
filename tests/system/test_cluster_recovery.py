# SPDX-License-Identifier: Apache-2.0
"""The end of a cluster, by vmn-cluster: two of three machines are lost, or one
member is to go on alone.  The command is the one that is installed, with paths
of the test's, and a service manager that starts the same processes."""

import json
import os
import shlex
import signal
import subprocess

import pytest
from cluster import run, started
from test_cluster import Load, in_sync, networks, verify, vmnctl
from vmnlab import cluster as members
from vmnlab.daemon import find
from vmnlab.machine import command, put, put_tools
from vmnlab.netns import PATIENCE, wait_for

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")

SYSTEMCTL = """#!/bin/sh
# systemctl VERB [--OPTION...] UNIT...
verb=$1 now=
shift
pid_of() {
    cat %(dir)s/$1.pid 2>/dev/null
}
runs() {
    kill -0 "$(pid_of $1)" 2>/dev/null &&
        ! grep -q "^State:.Z" /proc/$(pid_of $1)/status
}
end() {
    ! runs $1 || kill "$(pid_of $1)"
    while runs $1; do sleep 0.05; done
}
for word; do
    name=${word%%.service}
    case $verb$word in
        *--now) now=yes ;;
        *--*) ;;
        is-active*) runs $name || exit 3 ;;
        stop*) end $name ;;
        disable*) [ -z "$now" ] || end $name ;;
        restart*) end $name; %(dir)s/$name.start ;;
    esac
done
"""


class Process:
    """One that the service manager runs, as subprocess has them."""

    def __init__(self, pid_file):
        self.pid_file = pid_file

    def _stat(self):
        try:
            with open(self.pid_file) as file:
                pid = int(file.read())
            with open("/proc/%d/stat" % pid) as file:
                return pid, file.read().split(") ")[1][0]
        except (OSError, ValueError):
            return None, "Z"

    def poll(self):
        return 0 if self._stat()[1] == "Z" else None

    def wait(self, timeout=30):
        wait_for("its end", lambda: self.poll() is not None, timeout)
        return 0

    def send_signal(self, number):
        pid, _ = self._stat()
        if pid:
            os.kill(pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


class Machine:
    """That of a member, whose processes are its service manager's."""

    def __init__(self, member):
        self.member = member
        self.bin = member.path("bin")
        put_tools(self.bin, SYSTEMCTL % {"dir": member.dir})
        self._put_config()
        self._put_start("vmnd", """
            if grep -q '"cluster-member": "' %s; then set -- %s; fi""" % (
                member.path("vmnd.json"), self._words(member.member_args() + [
                    "--cluster-lease=%d" % member.lease_ms])),
                        self._alone(), "vmnd.log")
        self._put_start("vmn-ovsdb", "", member.server_args(), "db.log")
        self._put_command()

    @staticmethod
    def _words(args):
        return " ".join(shlex.quote(arg) for arg in args)

    def _alone(self):
        member = self.member
        member.alone = True
        args = member.args()
        member.alone = False
        return args

    def _put(self, name, text):
        put(self.member.path(name), text)

    def _put_config(self):
        self._put("vmnd.json", '{\n    "cluster-member": "%s",\n'
                  '    "cluster-listen": null\n}\n' % self.member.name)

    def _put_start(self, unit, before, args, log):
        sockets = {"vmnd": "vmnd.sock vmnd.ctl", "vmn-ovsdb": "db.sock db.ctl"}
        self._put(unit + ".start", """#!/bin/sh
            cd %s && rm -f %s%s
            setsid %s "$@" >>%s 2>&1 </dev/null &
            echo $! >%s.pid
            """ % (self.member.dir, sockets[unit], before, self._words(args),
                   log, unit))

    def _put_command(self):
        member = self.member
        paths = {"config": "vmnd.json", "options": "ovsdb.conf",
                 "state": "vmnd.db", "database": "cluster.db",
                 "vmnd_ctl": "vmnd.ctl", "ovsdb_ctl": "db.ctl"}
        paths = {name: member.path(path) for name, path in paths.items()}
        paths["schema"] = members.schema()
        paths["local_api"] = "unix:" + member.path("vmnd.sock")
        paths["ovsdb_db"] = "unix:" + member.path("db.sock")
        with open(os.path.join(TOP, "deploy/cluster")) as file, \
                open(os.path.join(TOP, "deploy/cluster-end")) as end:
            text = file.read().replace("# deploy/cluster-end is put here.\n",
                                       end.read())
        self._put("vmn-cluster", command(text, paths))

    def takes_over(self):
        """Has the processes that run be its own."""
        member = self.member
        for unit, process in (("vmnd", member.process),
                              ("vmn-ovsdb", member.server)):
            self._put(unit + ".pid", str(process.pid))
        member.process = Process(member.path("vmnd.pid"))
        member.server = Process(member.path("vmn-ovsdb.pid"))

    def start(self, unit):
        run(self.member.path(unit + ".start"))

    def breaks(self, unit):
        """Has it not start any more."""
        os.rename(self.member.path(unit + ".start"),
                  self.member.path(unit + ".right"))
        self._put(unit + ".start", "#!/bin/sh\nexit 1\n")

    def mends(self, unit):
        os.rename(self.member.path(unit + ".right"),
                  self.member.path(unit + ".start"))

    def stop(self):
        for process in (self.member.process, self.member.server):
            process.terminate()
            process.wait()

    def call(self, *args, answer=""):
        """(status, what it prints)"""
        path = [self.bin, os.path.dirname(find("vmnctl")), os.environ["PATH"]]
        done = subprocess.run(
            [self.member.path("vmn-cluster"), *args], input=answer,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120 * PATIENCE,
            env=dict(os.environ, PATH=":".join(path)))
        return done.returncode, done.stdout

    def does(self, *args):
        status, said = self.call(*args)
        assert status == 0, said
        return said

    def refuses(self, words, *args, **kwargs):
        status, said = self.call(*args, **kwargs)
        assert status and words in said, said


@pytest.fixture(name="cluster")
def _cluster():
    def prepare(member):
        member.raft = member.raft.replace(
            "127.0.0.1", "127.0.0.%d" % (1 + ord(member.name) - ord("a")))

    with started(prepare=prepare) as cluster:
        yield cluster


def reap(process):
    process.kill()
    process.wait()


def listens_at(member, other):
    """Has the other one's row say that it listened where its server does."""
    host = other.raft.split(":")[1]
    run("ovsdb-client", "transact", "unix:" + member.path("db.sock"),
        json.dumps(["VMN", {
            "op": "update", "table": "Member",
            "where": [["name", "==", other.name]],
            "row": {"listen": "%s:6644" % host}}]))


def test_recovery_from_one_of_three(cluster):
    """As docs/cluster.md says: a new database, for the state that is left."""
    a, b, c = cluster.members
    machine = Machine(c)
    machine.refuses("nothing is to be recovered", "recover", "--yes")
    load = Load(a)
    load.await_some()
    a.kill()
    writers = load.end()
    cluster.writer(but=[a])
    for member in (b, c):
        wait_for("%s to follow" % member.name,
                 lambda m=member: cluster.follows(m), 60)
    epoch = int(c.status()["epoch"])
    reap(a.server)
    reap(b.process)
    machine.takes_over()
    # It is there, though nothing that runs here says so.
    machine.stop()
    machine.refuses("servers of the cluster are there", "recover", "--yes")
    assert os.path.exists(c.path("cluster.db"))
    machine.start("vmnd")
    wait_for("c to answer", lambda: os.path.exists(c.path("vmnd.ctl")), 60)
    def connected():
        return c.status().get("database", "").endswith(", connected")

    wait_for("c to have the database", connected, 60)
    # A server that hangs is not lost: it is there, or, for those that have not
    # noticed yet, most are.
    b.server.send_signal(signal.SIGSTOP)
    wait_for("the database to be lost", lambda: not connected(), 60)
    machine.refuses(" are there", "recover", "--yes")
    reap(b.server)
    machine.refuses("nothing was changed", "recover", answer="no\n")
    # What stops it in between loses nothing: not the epoch either.
    machine.breaks("vmnd")
    machine.refuses("vmnd does not start", "recover", "--yes")
    machine.refuses("vmnd does not start", "recover", "--yes")
    machine.mends("vmnd")
    said = machine.does("recover", "--yes")
    assert "is the writer of a new cluster" in said, said
    assert c.is_writer()
    former = [n for n in os.listdir(c.dir) if n.startswith("former-cluster-")]
    assert len(former) == 1, former
    assert os.path.exists(c.path(former[0] + "/cluster.db"))
    # Hosts know the epochs of the former one.
    assert int(c.status()["epoch"]) >= epoch + 86400
    assert "is the writer" in c.ctl("cluster/init", check=False)
    for wrong in ("x", "-1", "4294967296"):
        assert "EPOCH must be" in c.ctl("cluster/init", wrong, check=False)
    machine.refuses("nothing is to be recovered", "recover", "--yes")
    verify(c.api, writers)
    # One of the others is back, as it was; both join again.
    former = Machine(a)
    a.start_server()
    a.start()
    former.takes_over()
    former.does("leave", "--gone")
    assert any(n.startswith("after-cluster-") for n in os.listdir(a.dir))
    assert not a.runs() and not os.path.exists(a.path("cluster.db"))
    for member in (a, b):
        if os.path.exists(member.path("cluster.db")):
            os.unlink(member.path("cluster.db"))
        member.join(c)
        member.start_server()
        members.seed(member, c)
        member.start()
    in_sync(cluster)


def test_back_to_one(cluster):
    a, b, c = cluster.members
    a.api.put("networks/n", {})
    machine = Machine(a)
    machine.refuses("there are other members", "alone")
    machine.takes_over()
    # Who is heard is not gone.
    machine.refuses("was heard", "remove", "b")
    # One of them is gone for good, which its server still counts for.
    for member in (b, c):
        reap(member.process)
    reap(b.server)
    for wrong in ("a", "d", "b c", ""):
        status, said = machine.call("remove", *wrong.split())
        assert status, said
    # A name that is mistaken is no reason to take a server out.
    machine.refuses('there is no member "d": they are a b c', "remove", "d")
    listens_at(a, b)
    wait_for("b to be away", lambda: a.heard_ms("b") > 10000, 60)
    said = machine.does("remove", "b")
    assert "is taken out of the database" in said, said
    assert b.raft not in a.db_ctl("cluster/status", "VMN")
    machine.refuses("there are other members", "alone")
    # Where the other one listened is not known.
    wait_for("c to be away", lambda: a.heard_ms("c") > 10000, 60)
    machine.refuses("cluster/kick VMN ID", "remove", "c")
    a.ctl("cluster/remove", "c")
    # Its server counts without it.
    wait_for("a to be the only one", lambda: "    c" not in
             a.ctl("cluster/status"), 60)
    # It is no member, and its server is left.
    machine.refuses("which server of the database", "remove", "c")
    machine.refuses("other servers of the database", "alone")
    c.db_ctl("cluster/leave", "VMN")
    for member in (b, c):
        wait_for("its server to have left", lambda m=member: m.raft not in
                 a.db_ctl("cluster/status", "VMN", check=False), 60)
    machine.refuses('there is no member "c": they are a.', "remove", "c")
    said = machine.does("alone")
    assert "takes no part" not in said, said
    assert "goes on alone" in said, said
    wait_for("it", a.is_writer, 60)
    assert "n" in networks(a)
    assert a.api.get("cluster")["role"] == "alone"
    assert not os.path.exists(a.path("cluster.db"))
    assert a.server.poll() is not None
    machine.refuses('no "cluster-member"', "alone")
    assert vmnctl(a, "cluster") == (0, "vmnd is of no cluster\n")
    status, said = vmnctl(a, "cluster", "transfer")
    assert status and "of no cluster" in said


def test_backup_of_a_member_is_of_no_cluster(cluster):
    """So the way back is there without the command, too."""
    a = cluster.members[0]
    a.api.put("networks/n", {})
    copy = a.path("copy")
    cluster.backup(copy, a)
    for member in cluster.members:
        member.stop()

    def restore(*options):
        return subprocess.run(
            [find("vmnctl"), "restore", copy, "--database", a.state, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, check=False)

    # No object differs, and yet it is not done unasked.
    refused = restore()
    assert refused.returncode == 1, refused
    assert "takes no part in it any more" in refused.stderr
    assert "nothing was done: --yes restores it" in refused.stderr
    restored = restore("--yes", "-o", "json")
    assert restored.returncode == 0, restored
    assert json.loads(restored.stdout)["restored"]["of_member"] is True
    assert restored.stderr.count("takes no part in it any more") == 1
    a.alone = True
    a.start()
    wait_for("it", a.is_writer, 60)
    assert "n" in networks(a)
