# SPDX-License-Identifier: Apache-2.0
"""A change with an Idempotency-Key is made once, however often it is sent:
after a restart, after kill -9 and by the next writer of a cluster, too."""

import http.client
import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest
from cluster import started
from conftest import check_log
from test_durable import alone  # noqa: F401 (a fixture)

from vmnlab.api import Api
from vmnlab.daemon import find
from vmnlab.netns import PATIENCE, wait_for

N_KILLS = int(os.environ.get("VMN_TEST_KEY_KILLS", "10"))
NOBODY = 65534


def send(api, key, method, target, spec=None):
    """Returns (status, whether it was made before, the answer)."""
    body = None if spec is None else json.dumps({"spec": spec}).encode()
    status, headers, text = api.raw(
        method, "/v1/" + target, body, {
            "Content-Type": "application/json",
            "Idempotency-Key": '"%s"' % key})
    return (status, headers.get("Idempotency-Replayed") == "true",
            json.loads(text))


def put(api, key, name="n", text="first"):
    return send(api, key, "PUT", "networks/" + name, {"description": text})


def n_revisions(api, comment):
    """How many revisions were made with this comment."""
    return sum(item.get("comment") == comment for item in
               api.get("revisions", limit=1000)["items"])


def test_once_over_a_restart(alone):  # noqa: F811
    alone.start()
    status, again, first = put(alone.api, "a")
    assert (status, again) == (201, False)
    alone.api.patch("networks/n", {"description": "other"})
    for end in (alone.stop, alone.kill):
        end()
        alone.start()
        status, again, reply = put(alone.api, "a")
        assert (status, again) == (201, True)
        assert reply["revision"] == first["revision"]
        assert reply["spec"]["description"] == "other"
        status, again, problem = put(alone.api, "a", text="another")
        assert (status, again) == (422, False)
        assert problem["type"] == "urn:vmn:problem:key-used"
    check_log(alone)


PUT_AS_OTHER = """
import http.client, json, socket, sys
connection = http.client.HTTPConnection("localhost")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(sys.argv[1])
connection.request("PUT", "/v1/networks/other", b'{"spec": {}}', {
    "Content-Type": "application/json", "Idempotency-Key": "a"})
reply = connection.getresponse()
print(reply.status, reply.getheader("Idempotency-Replayed"))
"""


def test_keys_are_their_authors(alone):  # noqa: F811
    alone.start()
    assert put(alone.api, "a")[:2] == (201, False)
    os.chmod(alone.lab.dir, 0o755)
    os.chmod(alone.socket, 0o666)
    for want in ("201 None", "201 true"):
        done = subprocess.run(
            ["/usr/bin/python3", "-c", PUT_AS_OTHER, alone.socket],
            user=NOBODY, stdout=subprocess.PIPE, text=True,
            timeout=30 * PATIENCE, check=True)
        assert done.stdout.strip() == want
    assert put(alone.api, "a")[:2] == (201, True)


class Sender(threading.Thread):
    """Makes one change after the other, each with a key, until one gets no
    answer."""

    def __init__(self, api, name):
        super().__init__(daemon=True)
        self.api = Api(api.path, timeout=30 * PATIENCE)
        self.network = name
        self.keys = []          # The last one got no answer.
        self.refused = None

    def run(self):
        while True:
            self.keys.append("%s-%d" % (self.network, len(self.keys)))
            try:
                status, again, answer = self.send(self.api, -1)
            except (OSError, http.client.HTTPException):
                return
            if status not in (200, 201) or again:
                self.refused = answer
                return

    def send(self, api, which):
        key = self.keys[which]
        return put(api, key, "%s?comment=%s" % (self.network, key), key)

    def verify(self, api):
        """Sends the last ones again: each was made once then."""
        assert not self.refused, self.refused
        for which in range(-min(3, len(self.keys)), 0):
            status, again, answer = self.send(api, which)
            assert status in (200, 201), answer
            assert again or which == -1
            assert n_revisions(api, self.keys[which]) == 1


def send_until_gone(api, kill, turn=0):
    senders = [Sender(api, "w%d-%d" % (turn, i)) for i in range(4)]
    for sender in senders:
        sender.start()
    wait_for("some changes", lambda: all(len(s.keys) > 2 for s in senders),
             60)
    kill()
    for sender in senders:
        sender.join(60 * PATIENCE)
        assert not sender.is_alive()
    return senders


def test_killed_in_between(alone):  # noqa: F811
    chance = random.Random(1)

    def kill():
        time.sleep(chance.uniform(0, 0.02))
        alone.kill()
    for turn in range(N_KILLS):
        alone.start()
        senders = send_until_gone(alone.api, kill, turn)
        alone.start()
        for sender in senders:
            sender.verify(alone.api)
        alone.kill()
    check_log(alone)


def test_vmnctl_sends_again(alone):  # noqa: F811
    """Its change is on its way when vmnd is killed."""
    alone.start()
    alone.api.put("networks/n", {})
    # It gives up after some 12 s, which one that starts on a busy machine may
    # take.
    for turn in range(5):
        seconds, status, out = kill_in_between(alone, "again%d" % turn)
        if status == 0 or seconds < 8:
            break
    assert status == 0, out
    assert "networks/n updated" in out
    assert n_revisions(alone.api, "again%d" % turn) == 1


def kill_in_between(alone, comment):  # noqa: F811
    """Kills vmnd while vmnctl waits for it.  Returns for how long it was not
    there, vmnctl's status, and what that said."""
    os.kill(alone.pid(), signal.SIGSTOP)
    ctl = subprocess.Popen(
        [find("vmnctl"), "-s", "unix:" + alone.socket, "patch", "network", "n",
         "-p", '{"spec": {"description": "%s"}}' % comment,
         "--comment", comment],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)

    def is_sent():
        # Recv-Q of a listening socket: who waits to be accepted.
        return subprocess.run(
            ["ss", "-Hxl", "src", alone.socket], stdout=subprocess.PIPE,
            text=True, check=True).stdout.split()[2] == "1"
    wait_for("vmnctl's call", is_sent, 30)
    start = time.monotonic()
    alone.kill()
    alone.start()
    seconds = time.monotonic() - start
    out, _ = ctl.communicate(timeout=60 * PATIENCE)
    return seconds, ctl.returncode, out


# A cluster.  --------------------------------------------------------------

@pytest.fixture
def cluster():
    with started() as cluster:
        yield cluster


def test_once_in_a_cluster(cluster):
    writer = cluster.writer()
    status, again, first = put(writer.api, "a", "n?comment=a")
    assert (status, again) == (201, False)
    senders = send_until_gone(writer.api, writer.kill)
    successor = cluster.writer(but=[writer])
    status, again, reply = put(successor.api, "a", "n?comment=a")
    assert (status, again) == (201, True)
    assert reply["revision"] == first["revision"]
    assert put(successor.api, "a", "n?comment=a", "x")[0] == 422
    assert n_revisions(successor.api, "a") == 1
    for sender in senders:
        sender.verify(successor.api)
    # The former one learns what was made meanwhile.
    assert put(successor.api, "b", "m")[:2] == (201, False)
    writer.start()
    wait_for("the former writer to follow", lambda: cluster.follows(writer),
             60)
    for member in cluster.members:
        wait_for("%s to follow" % member.name,
                 lambda m=member: cluster.follows(m), 60)
    successor.hand_over(writer.name)
    assert cluster.writer(but=[successor]) is writer
    assert put(writer.api, "b", "m")[:2] == (201, True)
    assert put(writer.api, "a", "n?comment=a")[:2] == (201, True)
