# SPDX-License-Identifier: Apache-2.0
"""vmnd as a process: how it starts, detaches, is talked to, rests and ends.
No hosts and no namespaces."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest
from conftest import HERE, REPORT
from free_port import free_port
from vmnlab.daemon import app_args, find
from vmnlab.netns import wait_for

PROGRAM = find("vmnd")


class Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class Daemon:
    def __init__(self, folder):
        self.dir = str(folder)
        self.socket = self.dir + "/api.sock"
        self.log = self.dir + "/vmnd.log"
        self.env = dict(os.environ, OVS_RUNDIR=self.dir)
        self.process = None

    def args(self, *more):
        return [PROGRAM, "--state=%s/vmn.db" % self.dir,
                "--socket=" + self.socket, "-vsyslog:off",
                "--openflow-listen=unix:%s/openflow.sock" % self.dir,
                *app_args(PROGRAM), *more]

    def start(self, *more):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.args(*more), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=self.env)
        wait_for("vmnd", self.dead_or_ready, 60)
        assert self.process.poll() is None, self.text()

    def dead_or_ready(self):
        if self.process.poll() is not None:
            return True
        try:
            return self.call("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def run(self, *more):
        """For one that ends by itself: its exit status and what it said."""
        done = subprocess.run(self.args(*more), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=self.env,
                              text=True, timeout=120)
        assert not REPORT.search(done.stdout), done.stdout
        return done.returncode, done.stdout

    def call(self, method, path, body=None):
        connection = Connection(self.socket)
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body),
                {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or "null")
        finally:
            connection.close()

    def appctl(self, *words, target="vmnd"):
        return subprocess.run(["ovs-appctl", "-t", target, *words],
                              env=self.env, check=True, text=True,
                              stdout=subprocess.PIPE, timeout=60).stdout

    def text(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def wait(self):
        status = self.process.wait(60)
        assert not REPORT.search(self.text()), self.text()
        return status


@pytest.fixture
def daemon(tmp_path):
    # Unix sockets have short names, pytest's folders may have long ones.
    folder = "/tmp/vmnd-test-%d" % os.getpid()
    os.symlink(tmp_path, folder)
    daemon = Daemon(folder)
    yield daemon
    if daemon.process and daemon.process.poll() is None:
        daemon.process.kill()
        daemon.process.wait()
    os.unlink(folder)


NETWORK = {"spec": {"subnets": [{"cidr": "10.0.0.0/24"}]}}


def alive(pid):
    """Whether the process runs: a zombie of the detached parent does not."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Talking to it.  -----------------------------------------------------------

def test_appctl_speaks_with_it_by_name(daemon):
    daemon.start("--pidfile")
    assert daemon.appctl("version").startswith("vmnd ")
    daemon.appctl("vlog/set", "loop:console:dbg")
    assert re.search(r"^loop +DBG", daemon.appctl("vlog/list"), re.M)
    assert "turns:" in daemon.appctl("loop/show")
    daemon.appctl("exit")
    assert daemon.wait() == 0
    assert not os.path.exists(daemon.dir + "/vmnd.pid")


def test_unixctl_may_be_put_elsewhere(daemon):
    path = daemon.dir + "/mine.ctl"
    daemon.start("--unixctl=" + path)
    assert daemon.appctl("version", target=path).startswith("vmnd ")
    daemon.appctl("exit", target=path)
    assert daemon.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_in_order(daemon, number):
    daemon.start()
    assert daemon.call("PUT", "/v1/networks/a", NETWORK)[0] == 201
    daemon.process.send_signal(number)
    assert daemon.wait() == 0
    assert "exiting" in daemon.text()


# Forks, threads.  ------------------------------------------------------------

def test_detached_it_serves_before_the_command_returns(daemon):
    """Event base, threads and database are made after the fork: a loop made
    before would hear nothing, a writer's thread would be gone."""
    status, text = daemon.run("--detach", "--pidfile", "--no-chdir",
                              "--log-file=%s/vmnd.log" % daemon.dir)
    assert status == 0, text
    with open(daemon.dir + "/vmnd.pid") as file:
        pid = int(file.read())
    try:
        assert daemon.call("PUT", "/v1/networks/a", NETWORK)[0] == 201
        assert daemon.call("GET", "/v1/networks/a")[0] == 200
        assert daemon.appctl("version").startswith("vmnd ")
        daemon.appctl("exit")
        wait_for("vmnd to end", lambda: not alive(pid), 60)
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    assert not REPORT.search(daemon.text()), daemon.text()


def test_detached_it_reports_that_it_could_not_start(daemon):
    status, text = daemon.run("--detach", "--pidfile",
                              "--app=/nothing/overlay.so")
    assert status != 0
    assert "nothing" in text
    assert not os.path.exists(daemon.dir + "/vmnd.pid")


def test_state_survives_an_orderly_end(daemon):
    daemon.start()
    assert daemon.call("PUT", "/v1/networks/a", NETWORK)[0] == 201
    before = daemon.call("GET", "/v1/networks/a")[1]
    daemon.process.terminate()
    assert daemon.wait() == 0
    daemon.start()
    assert daemon.call("GET", "/v1/networks/a")[1] == before


# Rest.  --------------------------------------------------------------------

class Unixctl:
    """ovs-appctl's protocol on a connection that stays open.  Each question
    is a turn of the daemon's loop, however busy the machine is; one that comes
    with a connection of its own is two or three, as it happens."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(path)
        self.n_asked = 0

    def ask(self, method):
        self.n_asked += 1
        self.sock.sendall(json.dumps({"method": method, "params": [],
                                      "id": self.n_asked}).encode())
        data = b""
        while True:
            more = self.sock.recv(65536)
            assert more, data
            data += more
            with contextlib.suppress(ValueError):
                return json.loads(data)["result"]


def test_idle_it_does_not_wake_up(daemon):
    daemon.start("--pidfile")
    pid = daemon.process.pid
    ctl = Unixctl("%s/vmnd.%d.ctl" % (daemon.dir, pid))

    def sleeping():
        with open("/proc/%d/task/%d/status" % (pid, pid)) as status:
            text = status.read()
            return text if "State:\tS" in text else None

    def wakes():
        """Once it sleeps: it may have answered and not ended its turn."""
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", wait_for(
            "it to sleep", sleeping), re.M)[1])

    def turns():
        return int(re.search(r"turns: (\d+)", ctl.ask("loop/show"))[1]) \
            - ctl.n_asked
    turns()

    def idle():
        """Whether 4 s pass in which it wakes once at most: each 5 s it looks
        at its memory.  What belongs to its start comes only once, and on a
        busy machine 4 s may be more."""
        start = time.monotonic()
        before = turns(), wakes()
        time.sleep(4)           # What is measured.
        found.append((wakes() - before[1], turns() - before[0]))
        return max(found[-1]) <= 1 + (time.monotonic() - start) // 5
    found = []
    assert any(idle() for _ in range(5)), found
    daemon.appctl("exit")
    assert daemon.wait() == 0


# Refusals.  ------------------------------------------------------------------

@pytest.mark.parametrize("words, reason", [
    (["--no-such-option"], "no-such-option"),
    (["stray"], "stray"),
    (["--state="], "state is empty"),
    (["--config=/no/such/file"], "/no/such/file"),
    (["--openflow-listen=tcp:0.0.0.0:6653"], "openflow-target"),
    (["--api-listen=127.0.0.1:8181"], "api-token-file"),
    (["--private-key=/x"], "go together"),
    (["--webhook-allow=https://user@a.example"], "names a user"),
    (["--webhook-proxy=https://a.example"], "is reached by http://"),
])
def test_wrong_usage_is_status_2_with_the_reason(daemon, words, reason):
    status, text = daemon.run(*words)
    assert status == 2, text
    assert reason in text


@pytest.mark.parametrize("words, reason", [
    (["--app=/nothing/overlay.so"], "/nothing/overlay.so"),
    (["--state=/proc/vmn.db"], "/proc/vmn.db"),
    (["--socket=/proc/vmnd.sock"], "/proc/vmnd.sock"),
    (["--openflow-listen=carrier-pigeon:1"], "carrier-pigeon"),
    (["--ovsdb-listen=carrier-pigeon:1"], "carrier-pigeon"),
    (["--unixctl=/proc/vmnd.ctl"], "unixctl"),
])
def test_what_cannot_be_had_is_status_1_with_the_reason(daemon, words,
                                                        reason):
    status, text = daemon.run(*words)
    assert status == 1, text
    assert reason in text
    assert text.count("/proc/vmn.db") <= 1, "named twice"


@pytest.mark.parametrize("words, reason", [
    (["--app=/nothing/overlay.so"], "/nothing/overlay.so"),
    (["--openflow-listen=tcp:127.0.0.1"], "must be tcp:ADDRESS:PORT"),
    (["--openflow-listen=tcp:192.0.2.1:6653"], "192.0.2.1"),
    (["--api-listen=127.0.0.1:0", "--api-token-file=%s/token"], "chmod 600"),
    (["--api-listen=127.0.0.1:0", "--api-token-file=%s/none"], "No such file"),
    (["--webhook-key-file=%s/token"], "chmod 600"),
    (["--state=%s/folder"], "Is a directory"),
])
def test_failed_start_leaves_nothing_behind(daemon, words, reason):
    os.mkdir(daemon.dir + "/folder")
    with open(daemon.dir + "/token", "w") as file:
        file.write("0123456789abcdef\n")
    os.chmod(daemon.dir + "/token", 0o644)
    before = sorted(os.listdir(daemon.dir))
    status, text = daemon.run(*(w.replace("%s", daemon.dir) for w in words))
    assert status == 1, text
    assert reason in text
    assert sorted(os.listdir(daemon.dir)) == before


def test_options_come_from_a_file_too(daemon):
    path = daemon.dir + "/vmnd.json"
    with open(path, "w") as file:
        json.dump({"socket": daemon.dir + "/other.sock"}, file)
    daemon.socket = daemon.dir + "/command-line.sock"
    daemon.start("--config=" + path)
    assert not os.path.exists(daemon.dir + "/other.sock")
    daemon.process.terminate()
    assert daemon.wait() == 0
    with open(path, "w") as file:
        json.dump({"sockets": "/x"}, file)
    status, text = daemon.run("--config=" + path)
    assert status == 2
    assert path in text and "sockets" in text


def test_null_in_the_file_is_the_default(daemon):
    path = daemon.dir + "/vmnd.json"
    with open(path, "w") as file:
        json.dump({"api-listen": None, "batch-delay": None, "app": []}, file)
    daemon.start("--config=" + path)
    assert "tcp" not in daemon.call("GET", "/v1")[1]


@pytest.mark.parametrize("abstract", [False, True])
def test_service_manager_is_told_when_it_serves_and_when_it_ends(daemon,
                                                                 abstract):
    path = daemon.dir + "/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(60)
        manager.bind("\0" + path if abstract else path)
        daemon.env["NOTIFY_SOCKET"] = "@" + path if abstract else path
        daemon.start()
        assert manager.recv(100) == b"READY=1"
        assert daemon.call("GET", "/readyz")[0] == 200
        daemon.process.terminate()
        assert manager.recv(100) == b"STOPPING=1"
    assert daemon.wait() == 0


def test_service_manager_that_is_not_there_does_not_matter(daemon):
    daemon.env["NOTIFY_SOCKET"] = daemon.dir + "/nobody"
    daemon.start()
    assert "cannot notify the service manager" in daemon.text()


def test_one_state_has_one_vmnd(daemon):
    daemon.start()
    status, text = daemon.run("--socket=%s/second.sock" % daemon.dir,
                              "--openflow-listen=unix:%s/of2" % daemon.dir)
    assert status == 1
    assert "vmn.db" in text
    assert daemon.call("GET", "/v1/networks")[0] == 200


def test_it_listens_on_unix_sockets_alone_unless_asked(daemon):
    """By its defaults, where /run and the network are its own."""
    with open(daemon.log, "ab") as log:
        daemon.process = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-c",
             "mount -t tmpfs none /run && exec \"$@\"", "sh", PROGRAM,
             "--state=%s/vmn.db" % daemon.dir, "-vsyslog:off",
             *app_args(PROGRAM)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=daemon.env)

    def sockets(kind):
        with open("/proc/%d/net/%s" % (daemon.process.pid, kind),
                  encoding="ascii") as table:
            return table.read()

    wait_for("its sockets", lambda: "/run/vmn/vmnd.sock" in sockets("unix")
             or daemon.process.poll() is not None, 60)
    assert "/run/vmn/openflow.sock" in sockets("unix"), daemon.text()
    for kind in "tcp", "tcp6":
        assert not [line for line in sockets(kind).splitlines()[1:]
                    if line.split()[3] == "0A"]
    daemon.process.terminate()
    assert daemon.process.wait(60) == 0, daemon.text()
    daemon.process = None


def test_tls_may_be_for_the_api_alone(daemon):
    """With no CA of hosts there is none of their connections to secure."""
    pki = os.path.join(HERE, "../../deploy/pki")
    for words in ["init", "controller", "api"], ["vmnd", "v"]:
        subprocess.run([pki, *words], env=dict(os.environ,
                                               VMN_PKI=daemon.dir),
                       check=True, stdout=subprocess.DEVNULL)
    daemon.start("--private-key=%s/v.key" % daemon.dir,
                 "--certificate=%s/v.pem" % daemon.dir,
                 "--api-ca-cert=%s/api-ca.pem" % daemon.dir,
                 "--api-listen=ssl:127.0.0.1:%d" % free_port())
    daemon.process.terminate()
    assert daemon.wait() == 0
