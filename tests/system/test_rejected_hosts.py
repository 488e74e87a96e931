# SPDX-License-Identifier: Apache-2.0
"""Who wants to be a host and is refused is listed, with the reason."""

import contextlib
import os
import subprocess
import threading

import pytest
from conftest import close_lab, make_lab
from test_attacks_listeners import (ATTACKER, ECHO_REQUEST, be_switch, dial,
                                    ended, message, read_message)

from vmnlab.daemon import OPENFLOW_PORT, find
from vmnlab.netns import wait_for


ECHO_REPLY = 3


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("rejected", 2, ovsdb_mode="inbound")
    yield lab
    close_lab(lab)


def rejected(lab, protocol, words):
    """The entries with these words."""
    return [e for e in lab.vmnd.api.get("rejected-hosts")["items"]
            if e["protocol"] == protocol and words in e["reason"]]


def test_system_id_that_is_no_host(lab):
    before = lab.vmnd.api.metrics()["vmn_hosts_rejected_total"]
    lab.vmnd.api.delete("hosts/h2")
    entry = wait_for("h2 is listed", lambda: rejected(
        lab, "ovsdb", 'no host "h2" is known that dials in'), 30)[0]
    assert entry["address"].startswith("10.98.")
    assert entry["count"] >= 1 and entry["first"] <= entry["last"]
    assert lab.vmnd.api.metrics()["vmn_hosts_rejected_total"] > before
    wait_for("it counts", lambda: rejected(
        lab, "ovsdb", '"h2"')[0]["count"] > entry["count"], 60)
    again = rejected(lab, "ovsdb", '"h2"')
    assert len(again) == 1 and again[0]["first"] == entry["first"]
    out = subprocess.run(
        [find("vmnctl"), "hosts"], stdout=subprocess.PIPE, text=True,
        timeout=60, check=True, env=dict(
            os.environ, VMNCTL_SERVER="unix:" + lab.vmnd.api.path)).stdout
    table = out.split("Rejected:")[1]
    assert entry["address"] in table and 'no host "h2"' in table
    # Once it is one, that is over.
    lab.register_hosts()
    lab.await_synced()
    assert not rejected(lab, "ovsdb", '"h2"')


def test_version_of_openflow(lab):
    h1 = lab.hosts[0]
    target = h1.vsctl("get-controller", "br-int").split()[0]
    h1.vsctl("add-br", "brx", "--", "set", "bridge", "brx",
             "datapath_type=netdev", "protocols=OpenFlow13", "--",
             "set-controller", "brx", target)
    entry = wait_for("the switch is listed", lambda: rejected(
        lab, "openflow", "OpenFlow 1.5 (0x06) is needed"), 30)[0]
    assert entry["address"].startswith("10.98.")
    h1.vsctl("del-br", "brx")


def test_switch_of_a_host_from_another_address(lab):
    """Without TLS the datapath id is all that there is, so the one that has
    been there stays."""
    status = lab.vmnd.api.get("hosts/h1")["status"]
    with contextlib.closing(dial(lab, OPENFLOW_PORT)) as sock:
        be_switch(sock, int(status["datapath_id"], 16))
        assert ended(sock)
    entry = rejected(lab, "openflow", 'the switch of host "h1" is connected '
                     "from another address")[0]
    assert entry["address"] == ATTACKER and entry["count"] == 1
    after = lab.vmnd.api.get("hosts/h1")["status"]
    assert after["openflow"]["since"] == status["openflow"]["since"]


def stay(sock):
    """Answers what vmnd asks for to see whether there is somebody, until it
    closes the connection."""
    with contextlib.suppress(OSError):
        while True:
            kind, xid = read_message(sock)
            if kind is None:
                return
            if kind == ECHO_REQUEST:
                sock.sendall(message(ECHO_REPLY, xid))


def test_switch_of_a_host_that_came_after_another():
    """Without TLS, again: where the host's row has the address that it comes
    from, it gets the place of what was there before it."""
    def openflow():
        return lab.vmnd.api.get("hosts/h1")["status"]["openflow"]

    def others():
        return [e["address"] for e in rejected(lab, "openflow",
                                               "from another address")]

    def is_back():
        assert h1.control_ip not in others()
        return openflow().get("peer", "").startswith(
            "tcp:%s:" % h1.control_ip)

    lab = make_lab("claimed", 1)
    h1 = lab.hosts[0]
    try:
        datapath_id = lab.vmnd.api.get("hosts/h1")["status"]["datapath_id"]
        h1.stop_switch()
        wait_for("it to be gone",
                 lambda: openflow()["state"] == "disconnected", 30)
        with contextlib.closing(dial(lab, OPENFLOW_PORT)) as sock:
            be_switch(sock, int(datapath_id, 16))
            staying = threading.Thread(target=stay, args=(sock,))
            staying.start()
            wait_for("the other one to have its place",
                     lambda: openflow().get("peer", "").startswith(
                         "tcp:%s:" % ATTACKER), 30)
            h1.start_switch()
            wait_for("it to be back", is_back, 30)
            assert others() == [ATTACKER]
            staying.join(30)
            assert not staying.is_alive()
            lab.await_synced(seconds=60)
        with contextlib.closing(dial(lab, OPENFLOW_PORT)) as sock:
            be_switch(sock, int(datapath_id, 16))
            assert ended(sock)
        lab.await_synced()
    finally:
        close_lab(lab)
