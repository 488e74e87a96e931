# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment loses nothing that was acknowledged."""

import http.client
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time

import pytest
from conftest import check_log

from vmnlab.api import Api, Refused
from vmnlab.daemon import Vmnd, app_args, find

N_KILLS = int(os.environ.get("VMN_TEST_KILLS", "200"))
N_WRITERS = 4


class Alone(Vmnd):
    """A vmnd without a lab: no hosts, all by unix sockets."""

    class _Nowhere:
        net_ns = None
        ovsdb_mode = "unix"

        def __init__(self, where):
            self.dir = where
            self.children = []

    def __init__(self, where):
        super().__init__(self._Nowhere(where), find("vmnd"))

    def args(self):
        return [self.program, "-vsyslog:off", "-vconsole:warn",
                "--state=" + self.db, "--unixctl=" + self.unixctl,
                "--socket=" + self.socket,
                "--openflow-listen=unix:" + os.path.join(
                    self.lab.dir, "of.sock")] + app_args(self.program)

    def pid(self):
        return self.process and self.process.pid


@pytest.fixture
def alone():
    where = tempfile.mkdtemp(prefix="vmn-test-")
    vmnd = Alone(where)
    yield vmnd
    vmnd.kill()
    shutil.rmtree(where)


class Writer(threading.Thread):
    """Writes one object after the other as fast as it is answered, and
    remembers what was acknowledged."""

    def __init__(self, api, number, go):
        super().__init__(daemon=True)
        self.api = Api(api.path, timeout=30)
        self.number = number
        self.go = go
        self.acknowledged = {}  # Target -> description.
        self.refused = None     # What should not have been.
        self.tried = {}         # Target -> all that it may be by now.
        self.revision = 0
        self.n_acknowledged = 0

    def run(self):
        self.go.wait()
        for turn in range(1000000):
            name = "networks/w%d-%d" % (self.number, turn % 7)
            text = "turn %d of %s" % (turn, time.monotonic())
            delete = turn % 5 == 4 and self.acknowledged.get(name)
            self.tried.setdefault(name, []).append(None if delete else text)
            try:
                if delete:
                    self.api.delete(name)
                    self._keep(name, None)
                else:
                    answer = self.api.put(name, {
                        "description": text,
                        "subnets": [{"cidr": "10.%d.0.0/24" % self.number}]})
                    self._keep(name, text)
                    self.revision = max(self.revision,
                                        answer["metadata"]["revision"])
            except (OSError, http.client.HTTPException):
                return          # It was killed.
            except Refused as refused:
                self.refused = refused
                return

    def _keep(self, name, text):
        self.n_acknowledged += 1
        self.tried[name] = [text]
        self.acknowledged[name] = text


def verify(api, writers):
    """Each object is as it was acknowledged last, or as a request without an
    answer wanted it."""
    for writer in writers:
        for name, possible in writer.tried.items():
            if name not in writer.acknowledged:
                possible = possible + [None]
            try:
                found = api.get(name)["spec"]["description"]
            except Refused as refused:
                assert refused.status == 404
                found = None
            assert found in possible, (name, found, possible)
            # What it is now is what the next round starts from.
            writer.acknowledged[name] = found
            writer.tried[name] = [found]


def test_kill_at_any_moment_loses_nothing_acknowledged(alone):
    seed = int(os.environ.get("VMN_TEST_SEED", "1"))
    print("seed", seed)
    chance = random.Random(seed)
    state = [({}, {}) for _ in range(N_WRITERS)]
    n_acknowledged = 0
    revision = 0
    for _ in range(N_KILLS):
        alone.start()
        go = threading.Event()
        writers = [Writer(alone.api, i, go) for i in range(N_WRITERS)]
        for writer, (known, tried) in zip(writers, state):
            writer.acknowledged, writer.tried = known, tried
        verify(alone.api, writers)
        # No revision that was told is told again for something else.
        begin = time.monotonic()
        put = alone.api.put("networks/mark", {"description": str(
            chance.random())})
        assert put["metadata"]["revision"] > revision
        # Some writes are to be acknowledged before it, on a slow disk too.
        moment = max(0.03, 3 * (time.monotonic() - begin))
        for writer in writers:
            writer.start()
        go.set()
        time.sleep(chance.uniform(0.0, moment))
        alone.kill()
        for writer in writers:
            writer.join(20)
            assert not writer.is_alive()
            assert not writer.refused, writer.refused
        state = [(w.acknowledged, w.tried) for w in writers]
        n_acknowledged += sum(w.n_acknowledged for w in writers)
        revision = max([revision] + [w.revision for w in writers])
    alone.start()
    verify(alone.api, writers)
    check_log(alone)
    assert alone.stop() == 0
    print("%d kills, %d changes acknowledged" % (N_KILLS, n_acknowledged))
    assert n_acknowledged > N_KILLS
    integrity(alone.db)


def integrity(db):
    """What SQLite itself says about the file."""
    import sqlite3
    with sqlite3.connect("file:%s?mode=ro" % db, uri=True) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [
            ("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_second_vmnd_on_the_same_state_is_refused(alone):
    """Two writers would be one too many."""
    alone.start()
    other = Alone(alone.lab.dir)
    other.socket += "2"
    other.unixctl += "2"
    args = [a.replace("of.sock", "of2.sock") for a in other.args()]
    done = subprocess.run(args, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=30)
    assert done.returncode != 0, done.stdout
    assert alone.api.healthy()


def test_power_is_gone_in_the_middle_of_starting(alone):
    """Killed again and again before it is up."""
    chance = random.Random(2)
    alone.start()
    alone.api.put("networks/keep", {"description": "me"})
    alone.kill()
    for _ in range(20):
        alone.spawn()
        time.sleep(chance.uniform(0.0, 0.1))
        alone.kill()
    alone.start()
    assert alone.api.get("networks/keep")["spec"]["description"] == "me"


