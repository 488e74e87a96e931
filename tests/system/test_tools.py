# SPDX-License-Identifier: Apache-2.0
"""What an operator looks at a live system with: vmnctl's flows --diff, and
what it shows when flows were changed behind vmnd's back on a real Open
vSwitch."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest
from conftest import (COMMAND_S, WAIT, changes, close_lab, flows, make_lab,
                      patient, wait_quiet)

from vmnlab import netns
from vmnlab.daemon import find
from vmnlab.netns import wait_for


HERE = os.path.dirname(os.path.realpath(__file__))


class Filled:
    """Two hosts with two VMs each on a network with a policy."""

    def __init__(self, lab):
        self.lab = lab
        self.api = lab.vmnd.api
        self.h1, self.h2 = self.lab.hosts
        self.apply([
            {"type": "networks", "name": "lab",
             "spec": {"subnets": [{"cidr": "10.0.0.0/24"}]}},
            {"type": "groups", "name": "all", "spec": {"selector": ""}},
            {"type": "policies", "name": "web-in", "spec": {
                "applies_to": ["all"], "rules": [
                    {"direction": "ingress", "action": "allow",
                     "services": [{"protocol": "tcp", "ports": [80]}]}]}},
        ] + [{"type": "ports", "name": name, "spec": {"network": "lab"}}
             for name in "abcd"])
        for name, host in zip("abcd", ["h1", "h2"] * 2):
            self.lab.add_vm_of_port(name, host)
        self.lab.await_ports(list("abcd"))
        wait_quiet(self.lab)

    def apply(self, objects):
        self.api.call("POST", "/v1/apply", {"objects": objects},
                      wait="installed", timeout=WAIT)

    def vmnctl(self, line):
        """Returns the exit status, what it wrote, and its complaints."""
        done = subprocess.run(
            [find("vmnctl"), *patient(line.split())], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=COMMAND_S,
            env=dict(os.environ, VMNCTL_SERVER="unix:" + self.api.path))
        return done.returncode, done.stdout, done.stderr

    def rows(self, line, status=0):
        """The tables in what vmnctl writes, row by row as dicts."""
        done, out, err = self.vmnctl(line)
        assert done == status, (done, out, err)
        found, heads = [], None
        for text in out.splitlines():
            cells = re.split(r" {3,}", text)
            if len(cells) < 3:
                heads = None
            elif heads is None:
                heads = cells
            else:
                found.append(dict(zip(heads, cells)))
        return found

    def metric(self, name):
        """Its value; 0 if it is not there yet."""
        text = self.api.raw("GET", "/metrics")[2].decode()
        found = re.search("^%s (\\d+)$" % re.escape(name), text, re.M)
        return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def filled():
    lab = make_lab("tools", 2)
    try:
        yield Filled(lab)
    finally:
        close_lab(lab)


def first(host, table, match):
    """The first flow of a table whose match has 'match' in it, for ofctl."""
    for flow in flows(host).values():
        if flow.table == table and match in flow.match:
            return flow
    raise AssertionError("no flow with %s in table %d" % (match, table))


def strict(flow):
    return "table=%d,%s" % (flow.table, flow.match)


def test_a_host_as_it_should_be(filled):
    status, out, err = filled.vmnctl("flows h1 --diff")
    assert (status, err) == (0, "")
    assert "missing 0, altered 0, unknown 0, rejected 0\n" in out
    held = len(flows(filled.h1))
    assert "Installed:   flows %d, groups " % held in out
    status, out, _ = filled.vmnctl("flows h1 --diff -o json")
    assert status == 0 and json.loads(out)["flows"] == held


def test_changes_behind_its_back_are_shown_and_left(filled):
    h1 = filled.h1
    gone = first(h1, 3, "nw_src=10.0.0.1")
    other = first(h1, 3, "nw_src=10.0.0.3")
    recooked = first(h1, 3, "arp_spa=10.0.0.1")
    group = re.search(r"group_id=(\d+)", h1.ofctl("dump-groups",
                                                  "br-int"))[1]
    h1.ofctl("del-flows", "--strict", "br-int", strict(gone))
    h1.ofctl("add-flow", "br-int", "%s,cookie=%#x,actions=drop"
             % (strict(other), other.cookie))
    h1.ofctl("add-flow", "br-int", "%s,cookie=0x5,actions=%s"
             % (strict(recooked), recooked.actions))
    h1.ofctl("add-flow", "br-int", "table=16,priority=7,ip,cookie=0x99,"
             "idle_timeout=600,actions=drop")
    h1.ofctl("mod-group", "br-int", "group_id=%s,type=all,bucket=drop"
             % group)
    h1.ofctl("add-group", "br-int", "group_id=77777,type=all,bucket=drop")
    held = flows(h1)
    audits = filled.metric("vmn_fabric_audits_total")

    rows = filled.rows("flows h1 --diff", status=1)
    kinds = sorted(r["KIND"] for r in rows)
    assert kinds == ["altered"] * 3 + ["missing"] + ["unknown"] * 2, rows
    by_match = {r["MATCH"]: r for r in rows}
    row = by_match["group " + group]
    assert row["KIND"] == "altered" and row["OWNER"] == "overlay.network/lab"
    assert row["INSTALLED"].startswith("type=all,bucket=")
    assert by_match["group 77777"]["OWNER"] == "unknown"
    row = by_match["ip"]
    assert (row["KIND"], row["TABLE"], row["PRIORITY"], row["OWNER"]) == (
        "unknown", "16", "7", "unknown")
    assert row["DESIRED"] == "-"
    assert row["INSTALLED"].startswith("drop cookie=")
    row, = [r for r in rows if r["KIND"] == "missing"]
    assert row["OWNER"] == "overlay.port/a" and "nw_src=10.0.0.1" in row[
        "MATCH"]
    assert (row["DESIRED"], row["INSTALLED"]) == ("goto_table:6", "-")
    row, = [r for r in rows if "nw_src=10.0.0.3" in r["MATCH"]]
    assert row["OWNER"] == "overlay.port/c"
    assert (row["DESIRED"], row["INSTALLED"]) == ("goto_table:6", "drop")
    row, = [r for r in rows if "arp_spa=10.0.0.1" in r["MATCH"]]
    assert row["INSTALLED"] == "cookie=0x0000000000000005"
    assert row["DESIRED"] == "cookie=%#018x" % recooked.cookie

    # Only some of it.
    assert len(filled.rows("flows h1 --diff --object c", 1)) == 1
    assert len(filled.rows("flows h1 --diff --table 16", 1)) == 1
    assert len(filled.rows("flows h1 --diff --stage overlay.admit", 1)) == 3
    assert len(filled.rows("flows h1 --diff --app overlay", 1)) == 4
    assert not filled.rows("flows h1 --diff --app loadbalancer", 1)
    status, out, err = filled.vmnctl("flows h1 --diff --limit 2")
    assert status == 1 and err == "2 of 6 differences\n"

    # It has only looked.
    assert not changes(held, flows(h1))
    assert filled.metric("vmn_fabric_audits_total") == audits


def test_what_differs_is_mended_and_counted_by_owner(filled):
    def counts():
        return {(owner, kind): filled.metric(
            'vmn_fabric_audit_differences_total{owner="%s",kind="%s"}'
            % (owner, kind)) for owner, kind in [
                ("overlay", "missing"), ("overlay", "altered"),
                ("unknown", "unknown")]}

    before = counts()
    assert filled.vmnctl("flows h1 --diff")[0] == 1     # Of the test before.
    status, out, _ = filled.vmnctl("flows h1 --diff --repair")
    assert status == 0
    assert "missing 1, altered 3, unknown 2, rejected 0; being repaired" in out
    wait_for("h1 to be repaired",
             lambda: filled.vmnctl("flows h1 --diff")[0] == 0, 20)
    assert [n - before[key] for key, n in counts().items()] == [1, 3, 2]
    assert "77777" not in filled.h1.ofctl("dump-groups", "br-int")
    audit = filled.api.get("hosts/h1")["status"]["audit"]
    assert audit["owners"]["overlay"] == {"missing": 1, "altered": 3}


def test_wanted_flows_are_filtered(filled):
    every = filled.rows("flows h1")
    assert {r["OWNER"].split(".")[0] for r in every if "OWNER" in r} >= {
        "overlay", "firewall"}
    some = filled.rows("flows h1 --object a")
    assert some and all("/a" in r["OWNER"] for r in some)
    some = filled.rows("flows h1 --app firewall")
    assert some and all(r["OWNER"].startswith("firewall.") for r in some)
    tables = [int(r["TABLE"]) for r in every if "TABLE" in r]
    assert tables == sorted(tables)
    status, _, err = filled.vmnctl("flows h1 --limit 3")
    assert status == 0 and err.startswith("3 of %d flows\n" % len(tables))


def test_appctl_looks_inside(filled):
    def ask(*words):
        return netns.run(["ovs-appctl", "--timeout=20", "-t",
                          filled.lab.vmnd.unixctl] + list(words))

    flow = first(filled.h1, 3, "nw_src=10.0.0.1")
    text = ask("engine/explain", "%#x" % flow.cookie)
    assert text.startswith("overlay.port/a\n")
    assert text == ask("engine/unit", "overlay.port/a")
    assert "\n  row ports/a\n" in text
    assert re.search(r"^  flow table=3,priority=100,ip,.*nw_src=10.0.0.1 on "
                     r"host:h1$", text, re.M)
    assert "problem: none\n" in text
    # A flow of merged clauses is of all that have one in it.
    clause = next(f for f in filled.api.get("hosts/h1/flows")["flows"]
                  if "conjunction" in f["actions"])
    text = ask("engine/explain", clause["cookie"])
    assert "merged of clauses of: " in text and "firewall." in text
    for word, says in [("engine/explain 0x5", "unknown owner"),
                       ("engine/explain 5x", "COOKIE: "),
                       ("engine/unit overlay.port/z", "no such unit"),
                       ("fabric/host h9", "no such host"),
                       ("fabric/reconnect h9", "no such host")]:
        with pytest.raises(netns.Error, match=says):
            ask(*word.split())

    assert re.search(r"^unit overlay.port +4 +\d+$", ask("engine/stats"),
                     re.M)
    assert ask("engine/verify").strip() == "0 differences"
    host = json.loads(ask("fabric/host", "h1"))
    assert host["state"] == "synced" and host["bundles"] == []
    assert host["refusals"] == [] and host["backlog"] is None
    receipts = json.loads(ask("fabric/receipts"))
    assert receipts["incomplete"] == [] and receipts["receipts"] > 0
    memory = dict(word.split(":") for word in ask("memory/show").split())
    assert int(memory["hosts"]) == 2 and int(memory["peak-resident-kB"])

    since = host["openflow"]["since"]
    ask("fabric/reconnect", "h1")
    wait_for("h1 to connect anew", lambda: filled.api.get("hosts/h1")[
        "status"]["openflow"]["since"] != since, 20)
    filled.lab.await_synced(seconds=60)
    assert filled.vmnctl("flows h1 --diff")[0] == 0


def test_all_commands_are_in_the_manual(filled):
    """Those of our own: libopenvswitch's are in its manuals."""
    with open(os.path.join(HERE, "../../docs/man/vmnd.8"),
              encoding="utf-8") as page:
        manual = page.read()
    listed = netns.run(["ovs-appctl", "-t", filled.lab.vmnd.unixctl,
                        "list-commands"])
    ours = re.findall(r"^  ((?:engine|fabric|loop|memory|northbound|store)"
                      r"/\S+)", listed, re.M)
    assert len(ours) > 15
    assert [c for c in ours if c not in manual] == []


# Receipts.  ----------------------------------------------------------------

def states(filled, revision):
    """How each host is listed in the receipt of a revision."""
    receipt = filled.api.call("GET", "/v1/revisions/%d" % revision)["receipt"]
    return {h["host"]: h["state"] for h in receipt["hosts"]}


def time_of(filled, revision, host):
    receipt = filled.api.call("GET", "/v1/revisions/%d" % revision)["receipt"]
    return next(h["time"] for h in receipt["hosts"] if h["host"] == host)


def signal_switch(host, number):
    with open(os.path.join(host.dir, "ovs-vswitchd.pid"),
              encoding="ascii") as file:
        os.kill(int(file.read()), number)


@pytest.mark.parametrize("how", ["offline", "stuck"])
def test_a_receipt_completes_when_its_host_returns(filled, how):
    lab, h2 = filled.lab, filled.h2
    word = {"offline": "offline", "stuck": "pending"}[how]

    if how == "offline":
        h2.cut()
    else:
        signal_switch(h2, signal.SIGSTOP)
    try:
        if how == "offline":
            wait_for("h2 to be offline",
                     lambda: lab.host_state(h2) == "offline", 20)
        status, out, err = filled.vmnctl("quarantine b --timeout 500ms")
        assert status == 4, (out, err)
        revision = int(re.search(r"revision (\d+) is not installed", err)[1])
        # Nobody waited for h2, and who has it is not listed.  h1 may have
        # needed longer than was waited for.
        late = set(re.findall(r"^(h\d) +(\w+) ", err, re.M))
        assert ("h2", word) in late, err
        assert late <= {("h2", word), ("h1", "pending")}, err
        wait_for("h1 to have it", lambda: states(filled, revision) == {
            "h1": "confirmed", "h2": word})
        status, out, _ = filled.vmnctl("revision %d" % revision)
        assert status == 0 and "Installed:   no\n" in out
        assert re.search(r"^h2 +%s +2\d\d\d-\d\d-\d\dT" % word, out, re.M)
        assert re.search(r"^Took: .* send \d+\.\d\d ms$", out, re.M)
        row = next(r for r in filled.rows("hosts") if r["NAME"] == "h2")
        assert row["BEHIND"].startswith("1/"), row
        assert row["REVISION"] != str(revision)
        assert (row["OUTSTANDING"] != "-") == (how == "stuck"), row
        top = next(r for r in filled.rows("top --once --limit 1")
                   if r.get("REVISION") == str(revision))
        assert top["HOSTS"] == "1/2" and top["INSTALLED"] == "-"
        assert top["CHANGE"] == "create quarantines/b"
        row = next(r for r in filled.rows("top --once") if "HOST" in r)
        assert row["HOST"] == "h2" and row["BEHIND"].startswith("1/")
        # More comes up meanwhile.
        filled.vmnctl("release b --no-wait")
        before = time_of(filled, revision, "h2")
    finally:
        if how == "offline":
            h2.heal()
        else:
            signal_switch(h2, signal.SIGCONT)
    lab.await_synced(seconds=60)
    wait_for("the receipts", lambda: all(
        s == {"h1": "confirmed", "h2": "confirmed"} for s in
        [states(filled, revision), states(filled, revision + 1)]), 30)
    assert time_of(filled, revision, "h2") > before
    status, out, _ = filled.vmnctl("revision %d" % revision)
    assert "Installed:   yes\n" in out
    assert re.search(r"^Took: .* installed \d+\.\d\d ms$", out, re.M)
    row = next(r for r in filled.rows("hosts") if r["NAME"] == "h2")
    assert (row["BEHIND"], row["OUTSTANDING"], row["BACKLOG"]) == ("-",) * 3


def test_top_tells_what_a_change_made_it_compute(filled):
    filled.vmnctl("label port a tools=yes --wait")
    body = json.loads(filled.vmnctl("top -o json --limit 1")[1])
    group, = body["items"]
    assert group["changes"] == [{"op": "update", "type": "ports",
                                 "name": "a"}]
    assert group["who"] == ["unix:uid=%d" % os.getuid()]
    apps = {a["app"]: a for a in group["apps"]}
    # Which groups it is in is asked anew.  No group looks at the label:
    # nothing follows, and nobody is concerned.
    assert apps["firewall"]["by_query"] == {"groups": 1}
    assert not apps["firewall"]["by_unit"] and "overlay" not in apps
    assert group["hosts"] == {"concerned": 0, "confirmed": 0}
    text = filled.api.raw("GET", "/metrics")[2].decode()
    computed = {c["app"] + "." + c["class"]: c["computed"]
                for c in body["classes"] if c["kind"] == "unit"}
    assert ('vmn_engine_class_computed_total{app="overlay",kind="unit",'
            'class="port"} %d\n' % computed["overlay.port"]) in text


def test_top_refreshes_and_fits_the_terminal(filled):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (12, 70))
    top = subprocess.Popen(
        [find("vmnctl"), "top", "--interval", "50ms"], stdout=theirs,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        env=dict(os.environ, VMNCTL_SERVER="unix:" + filled.api.path))
    os.close(theirs)
    text = ""
    try:
        filled.vmnctl("label port d top=shown --wait")
        end = time.monotonic() + 30
        while "update ports/d" not in text or text.count("\033[H") < 3:
            ready, _, _ = select.select([ours], [], [],
                                        max(0, end - time.monotonic()))
            assert ready and top.poll() is None, text
            text += os.read(ours, 65536).decode(errors="replace")
    finally:
        top.terminate()
        top.wait(timeout=20)
        os.close(ours)
    for screen in text.split("\033[H\033[J")[1:-1]:
        lines = screen.split("\r\n")
        assert len(lines) <= 12 and max(map(len, lines)) <= 70, screen
        assert lines[0].startswith("up 00:")


@pytest.mark.parametrize("line, says", [
    ("flows h9", 'host "h9" not found'),
    ("flows h1 --app firewal", "--app: must be a loaded app: "
     "dhcp, dns, firewall, gateway, loadbalancer, overlay, router"),
    ("flows h1 --stage nowhere", "--stage: must be a stage of an app"),
    ("flows h1 --table 300", "--table: must be a number from 0 to 254"),
    ("flows h1 --table 3 --stage admit", "--table: cannot be combined with "
     "stage"),
])
def test_bad_requests_name_the_field(filled, line, says):
    status, out, err = filled.vmnctl(line)
    assert status in (1, 2) and out == "" and says in err, err


def test_a_host_that_is_away_cannot_be_compared(filled):
    filled.h2.cut()
    try:
        wait_for("h2 to be offline",
                 lambda: filled.lab.host_state(filled.h2) == "offline", 20)
        status, out, err = filled.vmnctl("flows h2 --diff")
        assert status == 2 and "its switch is not connected" in err
        assert filled.vmnctl("flows h2")[0] == 0
        # Nobody else is concerned.
        assert filled.vmnctl("flows h1 --diff")[0] == 0
    finally:
        filled.h2.heal()
    filled.lab.await_synced(seconds=60)
    wait_for("h2 to be as it should be",
             lambda: filled.vmnctl("flows h2 --diff")[0] == 0, 20)
