# SPDX-License-Identifier: Apache-2.0
"""A balancer whose load makes backends come and go: the example in
deploy/autoscale, on the demonstration's web tier, with real connections."""

import hashlib
import hmac
import http.client
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import time

import pytest
import shop
from conftest import HERE, close_lab, make_lab, wait_counted
from test_events import Reader
from test_openapi import Checker
from vmnlab import netns
from vmnlab.daemon import find
from vmnlab.netns import wait_for

AUTOSCALE = os.path.join(HERE, "../../deploy/autoscale/autoscale")
PORT = 8088
KEY = "0123456789abcdef0123"


@pytest.fixture
def lab(tmp_path):
    key = tmp_path / "hook.key"
    key.touch(0o600)
    key.write_text(KEY + "\n")
    made = make_lab("scale", 2, options=[
        "--count-interval=1", "--webhook-key-file=%s" % key,
        "--webhook-allow=http://127.0.0.1:%d/" % PORT])
    try:
        made.key_file = str(key)
        subprocess.run([find("vmnctl"), "--server",
                        "unix:" + made.vmnd.socket, "apply", "-f",
                        os.path.join(os.path.dirname(shop.__file__),
                                     "shop.yaml")],
                       check=True, stdout=subprocess.DEVNULL)
        made.add_vm_of_port("buyer1", "h1")
        made.await_ports(["buyer1"])
        made.unlock()           # The example's commands take the lock.
        yield made
        made.lock()
    finally:
        close_lab(made)


@pytest.fixture
def autoscale(lab, tmp_path):
    """The example, once it waits for calls; the path of what it says."""
    path = tmp_path / "said"
    with open(path, "w") as out:
        process = subprocess.Popen(
            [sys.executable, AUTOSCALE, "run", "--lab", lab.name,
             "--key-file", lab.key_file, "--listen", str(PORT), "--max=2",
             "--high=20", "--low=5", "--seconds=5", "--cooldown=5",
             "--drain=0.2"], stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for("the example", lambda: "waiting for calls" in
                 path.read_text() or process.poll() is not None, 20)
        assert process.poll() is None, path.read_text()
        yield path
    finally:
        process.kill()
        process.wait()


def balancer(lab):
    return lab.vmnd.api.get("loadbalancers/shop")["status"]


def last(lab):
    return balancer(lab)["scale"].get("last", {})


def call(lab, body, **headers):
    """Calls the example as vmnd would.  Returns the status."""
    text = json.dumps(body).encode()
    stamp = headers.setdefault("X-VMN-Timestamp", str(int(time.time())))
    headers.setdefault("X-VMN-Signature", "sha256=" + hmac.new(
        KEY.encode(), stamp.encode() + b"." + text,
        hashlib.sha256).hexdigest())
    headers.setdefault("X-VMN-Delivery", "1")
    with netns.inside(lab.net_ns):
        conn = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
        conn.request("POST", "/", text, headers)
    reply = conn.getresponse()
    reply.read()
    conn.close()
    return reply.status


def test_backends_come_with_load_and_go_when_it_ends(lab, autoscale):
    reader = Reader(lab.vmnd.socket, "?kinds=scale&loadbalancer=shop")
    assert balancer(lab)["n_serving"] == 1
    forged = {"loadbalancer": "shop", "direction": "up"}
    assert call(lab, forged, **{"X-VMN-Signature": "sha256=" + 64 * "0"}) \
        == 401
    assert call(lab, forged, **{"X-VMN-Timestamp": "1000000000"}) == 401
    assert call(lab, forged) == 400

    buyers = netns.popen(
        [sys.executable, AUTOSCALE, "load", shop.VIP + ":80", "--rate=50",
         "--seconds=240"], lab.ns("buyer1"), stdout=subprocess.DEVNULL)
    try:
        wait_counted("another backend",
                     lambda: balancer(lab)["n_serving"] == 2)
        assert last(lab)["direction"] == "up"
    finally:
        buyers.kill()
        buyers.wait()

    # The call was answered before anything was done, and is not repeated.
    wait_for("its reply", lambda: last(lab)["webhook"]["result"]
             == "delivered", 5)
    assert last(lab)["webhook"]["attempts"] == 1
    wait_counted("it to go", lambda: balancer(lab)["n_serving"] == 1)
    assert last(lab)["direction"] == "down"
    wait_for("its VM to go", lambda: not lab.vmnd.api.get("ports/web2")[
        "status"].get("host"), 5)

    # What the API says of it is as it is described there.
    checker = Checker(lab.vmnd.api, lab.vmnd.api.get("openapi.json"))
    checker.done("get", "/v1/loadbalancers/{name}", name="shop")
    told = [reader.take("scale")[1] for _ in range(2)]
    reader.close()
    for event in told:
        checker.check({"$ref": "#/components/schemas/Events"},
                      {"scale": event})
    assert told[0]["direction"] == "up" and told[0]["value"] > 20, told
    metrics = lab.vmnd.api.metrics()
    assert metrics['vmn_scale_events_total{direction="up"}'] >= 1
    assert metrics['vmn_scale_events_total{direction="down"}'] == 1
    assert metrics['vmn_webhook_calls_total{result="delivered"}'] >= 2
    wait_for("it to say so", lambda: "web2 is gone" in autoscale.read_text(),
             5)


# The receiver.  ------------------------------------------------------------

def load_example():
    loader = importlib.machinery.SourceFileLoader("autoscale", AUTOSCALE)
    spec = importlib.util.spec_from_loader("autoscale", loader)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, kept = True, sys.dont_write_bytecode
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = kept
    return module


def test_receiver_prints_requests_in_one_line(capsys):
    load_example().say("GET /\x1b[2J\u202e\n12:00:00  web2 is gone \u00e4")
    printed = capsys.readouterr().out
    assert printed[8:] == ("  GET /\\x1b[2J\\u202e\\n12:00:00  web2 is gone "
                           "\u00e4\n")


def test_receiver_takes_a_call_once_and_in_time():
    example = load_example()
    now = 1800000000
    event = {"loadbalancer": "shop", "time": "T", "direction": "up",
             "metric": "connections", "value": 30.5, "serving": 1}

    def headers(body, delivery="1", stamp=now):
        signed = hmac.new(KEY.encode(), b"%d." % stamp + body,
                          hashlib.sha256).hexdigest()
        return {"X-VMN-Timestamp": str(stamp), "X-VMN-Delivery": delivery,
                "X-VMN-Signature": "sha256=" + signed}

    def status(body, sent, at=now):
        try:
            verifier.check(sent, body, at)
        except example.Refused as refused:
            return refused.status
        verifier.note(sent, at)
        return 0

    verifier = example.Verifier(KEY.encode())
    body = json.dumps(event).encode()
    assert status(body, headers(body)) == 0
    assert status(body, headers(body)) == 200           # Once.
    assert status(body, headers(body, "2"), now + 301) == 401
    assert status(body, headers(body, "2"), now - 301) == 401
    assert status(body + b" ", headers(body, "2")) == 401
    assert status(body, dict(headers(body, "2"),
                             **{"X-VMN-Timestamp": str(now + 1)})) == 401
    assert status(body, {}) == 401
    bad = json.dumps(dict(event, direction="sideways")).encode()
    assert status(bad, headers(bad, "2")) == 400
    assert status(b"[]", headers(b"[]", "2")) == 400
    # What is too old to be taken need not be remembered.
    later = now + 1000
    assert status(body, headers(body, "3", later), later) == 0
    assert list(verifier.seen) == ["3"]
