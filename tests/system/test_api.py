# SPDX-License-Identifier: Apache-2.0
"""Requests that must be refused, against a vmnd that has a host: each gets its
own clear error, nothing changes, and the host notices nothing.  The table is
that of the unit test, tests/unit/bad-requests.json."""

import json
import os
import re
import socket

import pytest
from conftest import changes, check_log, close_lab, flows, make_lab

from vmnlab.netns import wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "..", "unit", "bad-requests.json"),
          encoding="utf-8") as _file:
    TABLE = json.load(_file)
TYPES = sorted({o["type"] for o in TABLE["setup"]["objects"]})


def request_bytes(test):
    """The request of a test, as the unit test makes it."""
    if "raw" in test:
        return test["raw"].encode()
    body = test.get("text", json.dumps(test["body"]) if "body" in test
                    else "")
    if "fill_with" in test:
        body = body.replace("@FILL@", test["fill_with"] * test["fill_n"])
    body = body.encode()
    return b"%s %s HTTP/1.1\r\nHost: h\r\n%sContent-Length: %d\r\n\r\n%s" % (
        test["method"].encode(), test["path"].encode(),
        test.get("headers", "").encode(), len(body), body)


def ask(path, data):
    """Sends 'data' on a connection of its own.  Returns status and body."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(path)
        try:
            sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass                # Refused before its end.
        reply = b""
        while True:
            head, found, body = reply.partition(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            if found and len(body) >= int(length[1]):
                return int(head.split()[1]), json.loads(body)
            more = sock.recv(65536)
            assert more, "closed after %r" % reply
            reply += more


def call(path, method, target, body=None):
    test = {"method": method, "path": target}
    if body is not None:
        test["body"] = body
    return ask(path, request_bytes(test))


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("api", 1)
    try:
        status, reply = call(lab.vmnd.socket, "POST", "/v1/apply?prune=bad",
                             TABLE["setup"])
        assert status == 200, reply
        # The other host of the table is nowhere.
        wait_for("the lab's host to have it", lambda: receipt(
            lab, reply["revision"]).get(lab.hosts[0].name) == "confirmed", 60)
        yield lab
        status, reply = call(lab.vmnd.socket, "POST", "/v1/apply?prune=bad",
                             {"objects": []})
        assert status == 200, reply
    finally:
        close_lab(lab)


def receipt(lab, revision):
    """{host: its state}"""
    status, entry = call(lab.vmnd.socket, "GET", "/v1/revisions/%d" % revision)
    assert status == 200, entry
    return {one["host"]: one["state"] for one in entry["receipt"]["hosts"]}


def specs(lab):
    """All that was asked for."""
    return {kind: [(o["name"], o["spec"], o["metadata"]) for o in
                   call(lab.vmnd.socket, "GET", "/v1/%s?limit=1000" % kind)[1]
                   ["items"]]
            for kind in TYPES}


def test_bad_requests(lab):
    assert len(TABLE["tests"]) >= 100
    before, held = specs(lab), flows(lab.hosts[0])
    pid = lab.vmnd.pid()
    for test in TABLE["tests"]:
        status, problem = ask(lab.vmnd.socket, request_bytes(test))
        assert status == test["status"], (test["name"], problem)
        assert problem["status"] == status and problem["detail"], test["name"]
        at = [e["pointer"] for e in problem.get("errors", [])]
        assert set(test.get("at", [])) <= set(at), (test["name"], problem)
        assert test.get("says", "") in json.dumps(problem), (test["name"],
                                                             problem)
    assert specs(lab) == before
    assert lab.vmnd.pid() == pid
    assert not changes(held, flows(lab.hosts[0]))
    check_log(lab.vmnd)


def test_problem_is_not_html_and_connection_goes_on(lab):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(lab.vmnd.socket)
        for _ in range(3):
            sock.sendall(b"GET /v1/ports/none HTTP/1.1\r\nHost: h\r\n\r\n")
            reply = b""
            while b"\n}" not in reply and not reply.endswith(b"}\n"):
                reply += sock.recv(65536)
            assert reply.startswith(b"HTTP/1.1 404 ")
            assert b"Content-Type: application/problem+json\r\n" in reply


def test_each_flow_has_an_owner_and_each_drop_a_reason(lab):
    status, reply = call(lab.vmnd.socket, "GET",
                         "/v1/hosts/%s/flows" % lab.hosts[0].name)
    assert status == 200 and reply["flows"]
    assert [f for f in reply["flows"] if not f.get("owner")] == []
    # Some are told of before.
    drops = [f for f in reply["flows"]
             if f["actions"].split(",")[-1] == "drop"]
    assert drops and [f for f in drops if not f.get("reason")] == []
    assert len([f for f in reply["flows"] if "reason" in f]) == len(drops)


def test_each_loaded_app_has_a_row(lab):
    status, reply = call(lab.vmnd.socket, "GET", "/v1/apps")
    assert status == 200
    apps = {o["name"]: o["spec"]["enabled"] for o in reply["items"]}
    assert {"overlay", "firewall", "loadbalancer"} <= set(apps)
    assert all(apps.values())


def test_switched_app_stays_so_over_a_restart(lab):
    for enabled in False, True:
        status, reply = call(lab.vmnd.socket, "PATCH",
                             "/v1/apps/loadbalancer",
                             {"spec": {"enabled": enabled}})
        assert status == 200 and reply["outcome"] == "updated", reply
        lab.vmnd.kill()
        lab.vmnd.start()
        status, reply = call(lab.vmnd.socket, "GET", "/v1/apps/loadbalancer")
        assert status == 200 and reply["spec"]["enabled"] == enabled
        lab.await_synced()
