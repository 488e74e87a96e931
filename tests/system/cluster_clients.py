# SPDX-License-Identifier: Apache-2.0
"""Who uses a cluster while it is hurt: clients that send each change once,
clients that repeat it until it is acknowledged, and readers."""

import http.client
import json
import threading
import time

from vmnlab import netns
from vmnlab.api import Api, Refused

ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"
REPEATED, REPLAYED = "repeated", "replayed"

# What a connection may come to.
BROKEN = (OSError, http.client.HTTPException, netns.Error)


class User(threading.Thread):
    """Does one thing after the other until 'stop' is set; 'fault' is what
    must not be."""

    def __init__(self, stop):
        super().__init__(daemon=True)
        self.stop = stop
        self.fault = None

    def run(self):
        turn = 0
        try:
            while not self.stop.is_set():
                turn += 1
                self.act(turn)
        except Exception as fault:      # noqa: BLE001: told by the test.
            self.fault = fault

    def act(self, turn):
        raise NotImplementedError


class Client(User):
    """Writes one value after the other, each once, to names of its own."""

    def __init__(self, number, members, stop):
        super().__init__(stop)
        self.number = number
        # It tries them from one on, which is not each client's first.  Some
        # wait until a member that passes a request on gives up (10 s).
        first = number % len(members)
        self.apis = [Api(m.api.path, timeout=3 + 5 * number) for m in
                     members[first:] + members[:first]]
        self.history = []       # (name, value, outcome, revision)

    def act(self, turn):
        self._write("c%d-%d" % (self.number, turn % 3),
                    "%d/%d" % (self.number, turn))

    def _write(self, name, value):
        for api in self.apis:
            try:
                answer = api.put("networks/" + name, {"description": value})
            except (FileNotFoundError, ConnectionRefusedError):
                continue                # It is not there.
            except Refused as refused:
                assert refused.status == 503, refused
                unknown = refused.problem["type"].endswith(":uncertain")
                self.history.append((name, value, UNKNOWN if unknown
                                     else REFUSED, None))
                time.sleep(0.02)
                return
            except BROKEN:
                self.history.append((name, value, UNKNOWN, None))
                return
            self.history.append((name, value, ACKNOWLEDGED,
                                 answer["metadata"]["revision"]))
            return
        time.sleep(0.02)


class Resender(User):
    """Writes at one member alone, and each value with a key of its own until
    that is acknowledged.  All write to the same names: what is done twice
    would be no change if nobody else had made one in between."""

    def __init__(self, number, member, stop):
        super().__init__(stop)
        self.number = number
        # Some repeat what is still under way.
        self.api = Api(member.api.path, timeout=0.3 * 3 ** number)
        self.history = []       # As a client's.
        self.counts = {REPEATED: 0, REPLAYED: 0}

    def act(self, turn):
        """Makes and changes an object by all methods that take a key."""
        name = "shared-%d" % (turn // 3 % 2)
        value = "r%d/%d" % (self.number, turn)
        spec = {"description": value}
        kind = "application/json"
        if turn % 3 == 0 or turn < 3:
            method, target, body = "PUT", "networks/" + name, {"spec": spec}
        elif turn % 3 == 1:
            method, target, body = "PATCH", "networks/" + name, {"spec": spec}
            kind = "application/merge-patch+json"
        else:
            method, target = "POST", "apply"
            body = {"objects": [{"type": "networks", "name": name,
                                 "spec": spec}]}
        headers = {"Content-Type": kind, "Idempotency-Key": '"%s"' % value}
        outcome, revision = self._until_acknowledged(
            method, "/v1/" + target, json.dumps(body).encode(), headers)
        self.history.append((name, value, outcome, revision))

    def _until_acknowledged(self, method, target, body, headers):
        while True:
            try:
                status, head, text = self.api.raw(method, target, body,
                                                  headers)
            except BROKEN:
                status = None
            if status not in (None, 503):
                assert 200 <= status < 300, (method, target, headers, status,
                                             text)
                self.counts[REPLAYED] += "Idempotency-Replayed" in head
                return ACKNOWLEDGED, json.loads(text)["revision"]
            if self.stop.wait(0.02):
                return UNKNOWN, None
            self.counts[REPEATED] += 1


class Reader(User):
    """Reads at one member, which must not show it an older state than it has
    shown before."""

    def __init__(self, member, stop):
        super().__init__(stop)
        self.member = member
        self.api = Api(member.api.path, timeout=3)
        self.newest = {}        # Of what -> revision that it was shown
        self.found = {}         # Network -> revision that set it.
        self.values = {}        # Value -> revision
        self.n_reads = 0

    def act(self, turn):
        try:
            if turn % 2:
                self._log(self.api.get("revisions", limit=1))
            else:
                self._networks(self.api.get("networks", limit=1000))
        except Refused as refused:
            assert refused.status == 503, refused
        except BROKEN:
            pass
        else:
            self.n_reads += 1
        self.stop.wait(0.01)

    def _is_shown(self, what, revision):
        newest = self.newest.get(what, 0)
        assert revision >= newest, "%s went back from %d to %d (%s)" % (
            self.member.name, newest, revision, what)
        self.newest[what] = revision

    def _log(self, answer):
        """The log may have what is stored just now, and not yet shown."""
        self._is_shown("state", answer["revision"])
        for entry in answer["items"]:
            self._is_shown("log", entry["revision"])

    def _networks(self, answer):
        self._is_shown("state", answer["revision"])
        found = {}
        for item in answer["items"]:
            revision = item["metadata"]["revision"]
            found[item["name"]] = revision
            self.values[item["spec"]["description"]] = revision
        for name, revision in self.found.items():
            assert found.get(name, 0) >= revision, (
                self.member.name, name, revision, found.get(name))
        self.found = found
