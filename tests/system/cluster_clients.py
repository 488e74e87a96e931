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

# Of what they write; all have descriptions, by which values are known.
KINDS = ("networks", "ports", "policies")
N_NETWORKS, N_GROUPS = 4, 4

# What a connection may come to.
BROKEN = (OSError, http.client.HTTPException, netns.Error)


def shared_objects():
    """What clients' objects refer to."""
    return [{"type": "networks", "name": "n%d" % i, "spec": {
        "subnets": [{"cidr": "10.%d.0.0/16" % i}]}}
        for i in range(N_NETWORKS)] + [
            {"type": "groups", "name": "g%d" % i, "spec": {
                "selector": "group=g%d" % i}} for i in range(N_GROUPS)]


def spec_of(kind, value, turn):
    """What hosts' flows depend on, and a value."""
    spec = {"description": value}
    if kind == "ports":
        spec["network"] = "n%d" % (turn // 7 % N_NETWORKS)
        spec["labels"] = {"group": "g%d" % (turn % N_GROUPS)}
    elif kind == "policies":
        spec["applies_to"] = ["g%d" % (turn // 2 % N_GROUPS)]
        spec["directions"] = ["ingress"]
        spec["rules"] = [{
            "direction": "ingress", "action": "allow",
            "peers": [{"group": "g%d" % (turn // 3 % N_GROUPS)}],
            "services": [{"protocol": "tcp", "ports": [1000 + turn]}]}]
    return spec


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
        kind = KINDS[turn % len(KINDS)]
        value = "%d/%d" % (self.number, turn)
        self._write("%s/%s" % (kind, self.names(self.number)[
            turn // len(KINDS) % 3]), value, spec_of(kind, value, turn))

    @staticmethod
    def names(number):
        return ["c%d-%d" % (number, i) for i in range(3)]

    def _write(self, name, value, spec):
        for api in self.apis:
            try:
                answer = api.put(name, spec)
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
        kind = KINDS[turn // 3 % len(KINDS)]
        name = kind + "/shared"
        value = "r%d/%d" % (self.number, turn)
        spec = spec_of(kind, value, turn)
        content = "application/json"
        if turn % 3 == 0 or turn < 3:
            method, target, body = "PUT", name, {"spec": spec}
        elif turn % 3 == 1:
            method, target, body = "PATCH", name, {"spec": spec}
            content = "application/merge-patch+json"
        else:
            method, target = "POST", "apply"
            body = {"objects": [{"type": kind, "name": "shared",
                                 "spec": spec}]}
        headers = {"Content-Type": content, "Idempotency-Key": '"%s"' % value}
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


class Hopper(User):
    """Reads at one member after the other, what it has seen at any."""

    def __init__(self, members, stop):
        super().__init__(stop)
        self.apis = [Api(m.api.path, timeout=3) for m in members]
        self.newest = 0
        self.n_reads = 0

    def act(self, turn):
        query = {"at_least": self.newest} if self.newest else {}
        try:
            revision = self.apis[turn % len(self.apis)].get(
                KINDS[turn % 2], limit=1, **query)["revision"]
        except Refused as refused:
            assert refused.status in (503, 504), refused
        except BROKEN:
            pass
        else:
            assert revision >= self.newest, (turn, revision, self.newest)
            self.newest = revision
            self.n_reads += 1
        self.stop.wait(0.01)


class Reader(User):
    """Reads at one member, which must not show it an older state than it has
    shown before, unless it says so."""

    def __init__(self, member, stop):
        super().__init__(stop)
        self.member = member
        self.api = Api(member.api.path, timeout=3)
        self.newest = {}        # Of what -> revision that it was shown
        self.found = {}         # Of a kind: object -> revision that set it.
        self.values = {}        # Value -> revision
        self.n_reads = self.n_old_reads = 0

    def act(self, turn):
        try:
            kind = "revisions" if turn % 2 else KINDS[turn // 2 % len(KINDS)]
            status, head, text = self.api.raw(
                "GET", "/v1/%s?limit=%d" % (kind, 1 if turn % 2 else 1000))
        except BROKEN:
            pass
        else:
            assert status in (200, 503), (status, text)
            if status == 200:
                self._reads(kind, head, json.loads(text))
        self.stop.wait(0.01)

    def _reads(self, kind, head, answer):
        self.n_reads += 1
        if head.get("Vmn-May-Be-Old") == "true":
            self.n_old_reads += 1
        elif kind == "revisions":
            self._log(answer)
        else:
            self._objects(kind, answer)

    def _is_shown(self, what, revision):
        newest = self.newest.get(what, 0)
        assert revision >= newest, "%s went back from %d to %d (%s)" % (
            self.member.name, newest, revision, what)
        self.newest[what] = revision

    def _log(self, answer):
        self._is_shown("state", answer["revision"])
        for entry in answer["items"]:
            assert entry["revision"] <= answer["revision"], (
                self.member.name, answer)
            self._is_shown("log", entry["revision"])

    def _objects(self, kind, answer):
        self._is_shown("state", answer["revision"])
        found = {}
        for item in answer["items"]:
            revision = item["metadata"]["revision"]
            found[item["name"]] = revision
            value = item["spec"].get("description")
            if value:
                self.values[value] = revision
        for name, revision in self.found.get(kind, {}).items():
            assert found.get(name, 0) >= revision, (
                self.member.name, kind, name, revision, found.get(name))
        self.found[kind] = found
