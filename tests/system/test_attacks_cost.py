# SPDX-License-Identifier: Apache-2.0
"""What one owner (a peer, a guest, a tenant, an app) can make vmnd, a switch
or another owner's answer cost; each test is a cell of "Bounds by owner" in
docs/security.md."""

import os
import socket
import struct
import subprocess
import threading
import time

import pytest
from conftest import HERE, World, check_log, close_lab, installed, make_lab
from test_app_workers import problems
from test_attacks_packet_ins import DNS, dns_question

from vmnlab import netns

TOP = os.path.join(HERE, "../..")


@pytest.fixture(scope="module", name="lab")
def _lab(tmp_path_factory):
    path = tmp_path_factory.mktemp("apps")
    bad = str(path / "bad.so")
    subprocess.run(["gcc", "-std=gnu11", "-Wno-unused-parameter", "-O1",
                    "-fPIC", "-shared", "-pthread", "-I" + TOP + "/include",
                    "-o", bad, TOP + "/tests/unit/bad-app.c"], check=True)
    lab = make_lab("cost", 2, apps=[bad])
    for host in lab.hosts:
        host.deepen_sockets()
    yield lab
    close_lab(lab)


@pytest.fixture(name="world")
def _world(lab):
    world = World(lab)
    yield world
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)


# Answers of apps.  -----------------------------------------------------------

class Questions(threading.Thread):
    """Asks DNS from a VM, 'rate' times a second, until it is stopped; no
    question is sent twice."""

    def __init__(self, vm, name, rate=20):
        super().__init__(daemon=True)
        self.sock = netns.socket_in(vm.ns, socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((DNS, 53))
        self.sock.settimeout(1.0 / rate)
        self.question = dns_question(name)[2:]
        self.rate = rate
        self.sent, self.late = {}, {}
        self.stopped = False
        self.start()

    def receive(self):
        try:
            number, = struct.unpack("!H", self.sock.recv(2048)[:2])
        except socket.timeout:
            return
        if number in self.sent:
            self.late.setdefault(number, time.monotonic() - self.sent[number])

    def run(self):
        start = time.monotonic()
        while not self.stopped:
            if len(self.sent) <= (time.monotonic() - start) * self.rate:
                number = len(self.sent)
                self.sent[number] = time.monotonic()
                self.sock.send(struct.pack("!H", number) + self.question)
            self.receive()

    def stop(self):
        """Returns how many were not answered."""
        self.stopped = True
        self.join()
        end = time.monotonic() + 20
        while len(self.late) < len(self.sent) and time.monotonic() < end:
            self.receive()
        self.sock.close()
        return len(self.sent) - len(self.late)


def test_take_answers_of_another_app_by_very_many_flows(lab, world):
    """A unit's flows go to a switch in bundles; answers go between these."""
    world.network("net", "10.0.0.0/24")
    world.network("victim", "10.1.0.0/24")
    world.put("dns-zones", "shop.test", networks=["net"])
    one = world.vm("one", "net", "h1", "10.0.0.1")
    netns.ip(one.ns, "route add 169.254.0.0/16 dev eth0")
    world.vm("there", "victim", "h1", "10.1.0.1")
    world.settle()
    questions = Questions(one, "one.shop.test")
    for n in os.environ.get("VMN_TEST_FLOWS", "60000"), None:
        installed(lab.vmnd.api.patch(
            "networks/victim", {"labels": {"flows": n}}, wait="installed",
            timeout="240s"))
        assert not problems(lab), problems(lab)
    lost = questions.stop()
    print("%d of %d lost, the slowest took %.0f ms" % (
        lost, len(questions.sent), 1000 * max(questions.late.values())))
    assert not lost
