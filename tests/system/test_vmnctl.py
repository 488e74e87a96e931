# SPDX-License-Identifier: Apache-2.0
"""What an operator does with vmnctl on a live system, beyond single calls:
describe, edit, support-bundle, completion."""

import json
import os
import pty
import re
import select
import subprocess
import tarfile
import time

import pytest
from conftest import COMMAND_S, close_lab, make_lab, patient, wait_quiet

from vmnlab import traffic
from vmnlab.daemon import find
from vmnlab.netns import wait_for


class Shop:
    """Two hosts, three VMs and a policy between them."""

    def __init__(self, lab):
        self.lab = lab
        self.api = lab.vmnd.api
        self.vms = {}
        self.api.call("POST", "/v1/apply", {"objects": [
            {"type": "networks", "name": "shop",
             "spec": {"subnets": [{"cidr": "10.0.0.0/24"}]}},
            {"type": "groups", "name": "db", "spec": {"selector": "tier=db"}},
            {"type": "groups", "name": "web",
             "spec": {"selector": "tier=web"}},
            {"type": "groups", "name": "all", "spec": {"groups": ["db"]}},
            {"type": "policies", "name": "watch", "spec": {
                "tier": "security", "applies_to": ["all"], "rules": [
                    {"direction": "ingress", "action": "deny",
                     "services": [{"protocol": "tcp", "ports": [23]}]}]}},
            {"type": "policies", "name": "db-in", "spec": {
                "applies_to": ["db"], "rules": [
                    {"direction": "ingress", "action": "allow",
                     "peers": [{"group": "web"}],
                     "services": [{"protocol": "tcp", "ports": [5432]}]}]}},
        ] + [{"type": "ports", "name": name, "spec": {
            "network": "shop", "labels": {"tier": name[:-2]}}}
             for name in ("web-1", "web-2", "db-1")]}, wait="installed")
        for name, host in ("web-1", "h1"), ("web-2", "h2"), ("db-1", "h2"):
            self.vms[name] = lab.add_vm_of_port(name, host)
        lab.await_ports(list(self.vms))
        wait_quiet(lab)

    def vmnctl(self, *words, status=0, **more):
        """Runs it, and returns what it wrote and its complaints."""
        done = subprocess.run(
            [find("vmnctl"), *patient(words)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=COMMAND_S,
            env=dict(os.environ, VMNCTL_SERVER="unix:" + self.api.path,
                     **more))
        assert done.returncode == status, (words, done)
        return done.stdout, done.stderr


@pytest.fixture(scope="module")
def shop():
    lab = make_lab("vmnctl", 2)
    try:
        yield Shop(lab)
    finally:
        close_lab(lab)


def sections(text):
    """{title: [[cell, ...], ...]}, with the headings."""
    found, rows = {}, []
    for line in text.splitlines():
        title = re.fullmatch(r"([A-Z][^:]*):", line)
        if title:
            rows = found[title[1]] = []
        elif line and not line.startswith(" "):
            rows.append(re.split(r" {3,}", line))
    return found


# describe.  -----------------------------------------------------------------

def test_a_port_with_all_that_concerns_it(shop):
    assert traffic.ask(shop.vms["web-1"], shop.vms["db-1"].ip, 23, "tcp",
                       1.0) is None

    def told():
        out, err = shop.vmnctl("describe", "port", "db-1")
        assert err == ""
        return out if "Packets that were dropped lately:" in out else None
    out = wait_for("the drop to be told", told, 20)
    parts = sections(out)
    assert re.search(r"^Identity: +\d+, of 1 port$", out, re.M), out
    assert parts["Groups"][1:] == [["db", "itself"],
                                   ["all", "a group inside"]]
    assert parts["Rules that apply, ingress"][1:] == [
        ["security", "500", "watch", "0", "deny", "any", "tcp/23"],
        ["application", "500", "db-in", "0", "allow", "web", "tcp/5432"],
        ["Then: isolated: what no rule of tier application lets through is "
         "denied"]]
    assert parts["Rules that apply, egress"] == [
        ["Then: allowed: no policy isolates the port in this direction"]]
    counted = {row[0]: row for row in parts["Flows of this name"][1:]}
    held = shop.api.call("GET", "/v1/hosts/h2/flows", object="db-1")
    assert sum(int(row[3]) for row in parts["Flows of this name"][1:]
               if row[0] == "h2") == held["n_flows"] > 0, counted
    change = parts["Last changes"][1]
    port = shop.api.get("ports/db-1")
    assert change[0] == port["metadata"]["etag"]
    assert change[3:5] == ["create", "concerns no host's flows"], change
    row = parts["Packets that were dropped lately"][1]
    assert row[2].startswith("web-1 ") and row[5:8] == [
        "denied by rule", "policies/watch", "0"], row

    shop.vmnctl("quarantine", "db-1")
    parts = sections(shop.vmnctl("describe", "port", "db-1")[0])
    assert parts["Rules that apply, ingress"] == [
        ["Then: quarantined by db-1: only what that allows passes"]]
    shop.vmnctl("release", "db-1")


def test_changes_are_those_of_the_object(shop):
    for tier in "a", "b", "c":
        shop.vmnctl("label", "port", "web-2", "rack=" + tier, "--wait")
        shop.vmnctl("label", "port", "web-1", "rack=" + tier)
    parts = sections(shop.vmnctl("describe", "port", "web-2")[0])
    changes = parts["Last changes"][1:]
    assert [row[3] for row in changes] == ["update"] * 3 + ["create"]
    assert all(row[4] in ("1 of 1", "2 of 2",
                          "concerns no host's flows")
               for row in changes), changes
    revisions = [int(row[0]) for row in changes]
    assert revisions == sorted(revisions, reverse=True)
    for row in changes[:3]:
        named = shop.api.call("GET", "/v1/revisions/" + row[0])["changes"]
        assert [c["name"] for c in named] == ["web-2"]


def test_history_of_a_port_has_what_others_do_to_it(shop):
    """Whoever is isolated by a selector is told so, by name, also when its
    labels are others by then; an undo is of the port's own changes."""
    shop.vmnctl("label", "port", "web-2", "floor=two", "--wait")
    shop.vmnctl("quarantine", "--selector", "floor=two")
    shop.vmnctl("label", "port", "web-2", "floor=three", "--wait")
    shop.vmnctl("quarantine", "web-2")
    shop.vmnctl("release", "web-2")
    out = shop.vmnctl("history", "ports/web-2", "--limit", "5")[0]
    said = ["  ".join(line.split("  ")[3:]) for line in out.splitlines()
            if line[0].isdigit()]
    assert said == ["update", "quarantine by quarantines/floor-two",
                    "update  release by quarantines/floor-two",
                    "quarantine by quarantines/web-2",
                    "release by quarantines/web-2"], said
    parts = sections(shop.vmnctl("describe", "port", "web-2")[0])
    assert "release by quarantines/web-2" in parts["Last changes"][1], parts
    out = shop.vmnctl("undo", "port/web-2")[0]
    assert "floor" in out and "three -> two" in out, out
    shop.vmnctl("release", "floor-two")
    shop.vmnctl("label", "port", "web-2", "floor-", "--wait")


def test_hosts_networks_groups_and_policies(shop):
    parts = sections(shop.vmnctl("describe", "host", "h2")[0])
    assert parts["Networks"][1:] == [["shop", "2"]]
    assert [row[0] for row in parts["Ports"][1:]] == ["db-1", "web-2"]
    held = shop.api.call("GET", "/v1/hosts/h2/flows")
    assert sum(int(row[1]) for row in parts["Flows, by app"][1:]) \
        == len(held["flows"])
    parts = sections(shop.vmnctl("describe", "net", "shop")[0])
    assert parts["Subnets"][1:] == [["10.0.0.0/24", "254", "3", "251"]]
    assert sorted([row[0], row[2]] for row in parts["Ports, by host"][1:]
                  ) == [["h1", "1"], ["h2", "2"]]
    assert sorted(row[0] for row in parts[
        "Policies that apply to ports in it"][1:]) == ["db-in", "watch"]
    parts = sections(shop.vmnctl("describe", "group", "db")[0])
    assert [row[0] for row in parts["Policies that name it"][1:]] == ["db-in"]
    assert parts["Groups that it is in"][1:] == [["all"]]
    parts = sections(shop.vmnctl("describe", "policy", "watch")[0])
    assert parts["Rules"][1][:5] == ["0", "ingress", "deny", "any", "tcp/23"]
    assert parts["Rules"][1][5].isdigit()
    for kind in ("tier", "application"), ("app", "overlay"):
        shop.vmnctl("describe", *kind)


# get.  ----------------------------------------------------------------------

def test_get_as_an_operator_asks(shop):
    """Several types, order, columns, filters: with the real API."""
    out, err = shop.vmnctl("get", "net,pol/", status=2)
    assert "TYPE/NAME" in err, err
    out, err = shop.vmnctl("get", "all", "-o", "name")
    assert err == "" and {"networks/shop", "ports/db-1", "hosts/h2",
                          "policies/watch"} <= set(out.split())
    out, _ = shop.vmnctl("get", "port/db-1", "group/db", "-o", "name")
    assert out.split() == ["ports/db-1", "groups/db"]
    out, _ = shop.vmnctl(
        "get", "ports", "--host", "h2", "--network", "shop", "--no-headers",
        "--sort-by", ".status.ips[0]", "-o",
        "custom-columns=VM:.name,TIER:.spec.labels.tier,ON:.status.host")
    assert sorted(line.split() for line in out.splitlines()) == [
        ["db-1", "db", "h2"], ["web-2", "web", "h2"]]
    out, err = shop.vmnctl("get", "prots", status=2)
    assert 'did you mean "ports"?' in err, err
    # All that it prints of any type can be a column.
    kinds = [t["type"] for t in shop.api.call("GET", "/v1")["types"]]
    for kind in kinds:
        items = shop.api.call("GET", "/v1/" + kind, limit=1)["items"]
        for item in items:
            for part in "metadata", "spec", "status":
                for field in item.get(part, {}):
                    shop.vmnctl("get", kind, "--sort-by",
                                "." + part + "." + field)


# edit.  ---------------------------------------------------------------------

def test_edit_until_it_is_right(shop, tmp_path):
    """What is refused opens again with the fields that are wrong; meanwhile
    somebody else changes it."""
    script = tmp_path / "editor"
    script.write_text(r"""
cp "$1" %(dir)s/seen.$(ls %(dir)s | grep -c seen)
case $(ls %(dir)s | grep -c seen) in
1) sed -i 's/default: allow/default: perhaps/' "$1" ;;
2) sed -i 's/default: perhaps/default: deny/' "$1"
   vmnctl label network shop by=another ;;
3) sed -i '/delete this/d' "$1" ;;
esac
""" % {"dir": tmp_path})
    path = os.path.dirname(find("vmnctl")) + ":" + os.environ["PATH"]
    out, err = shop.vmnctl("edit", "network", "shop", "--wait", PATH=path,
                           VMNCTL_EDITOR="sh %s" % script,
                           TMPDIR=str(tmp_path))
    assert ("networks/shop updated\n  labels.by: another -> (none)\n"
            "  default: allow -> deny\nrevision ") in out and err == "", (
                out, err)
    seen = [(tmp_path / ("seen.%d" % i)).read_text() for i in range(3)]
    assert "#: /spec/default: " in seen[1], seen[1]
    assert "#:     by: another\n" in seen[2], seen[2]
    spec = shop.api.get("networks/shop")["spec"]
    assert spec["default"] == "deny" and "labels" not in spec
    out, _ = shop.vmnctl("edit", "network", "shop", VMNCTL_EDITOR="true")
    assert out == "networks/shop unchanged\n"
    assert not [f for f in os.listdir(tmp_path) if f.startswith("vmnctl-")]


# support-bundle.  -----------------------------------------------------------

def unpack(path):
    """{name: text} of the files in it, without the folder that all are in."""
    with tarfile.open(path) as archive:
        tops = {name.split("/")[0] for name in archive.getnames()}
        assert len(tops) == 1, tops
        return {name.split("/", 1)[1]: archive.extractfile(name).read()
                .decode() for name in archive.getnames()}


def test_support_bundle_has_what_a_report_needs(shop, tmp_path):
    path = str(tmp_path / "report.tar.gz")
    shop.vmnctl("label", "port", "web-1", "api-token=sesame")
    out, err = shop.vmnctl("support-bundle", path, "--unixctl",
                           shop.lab.vmnd.unixctl)
    assert (out, err) == (path + "\n", "")
    files = unpack(path)
    manifest = json.loads(files["manifest.json"])
    assert {f["name"] for f in manifest["files"]} | {"manifest.json"} == set(
        files)
    for entry in manifest["files"]:
        assert entry["bytes"] == len(files[entry["name"]].encode()), entry
    assert "secrets" in [o["what"] for o in manifest["omitted"]]
    assert not [name for name, text in files.items() if "sesame" in text]
    names = {o["name"] for o in json.loads(files["objects/ports.json"])}
    assert names == {"db-1", "web-1", "web-2"}
    assert json.loads(files["status.json"])["ready"] is True
    for host in "h1", "h2":
        diff = json.loads(files["flows/%s.json" % host])
        assert (diff["missing"], diff["unknown"]) == (0, 0)
    assert len(json.loads(files["revisions.json"])["items"]) > 5
    assert "vmn_hosts 2\n" in files["metrics.txt"]
    assert "state: ok" in files["unixctl/store-show.txt"]
    assert files["unixctl/fabric-hosts.txt"]

    shop.vmnctl("support-bundle", path, "--no-objects", "--unixctl",
                shop.lab.vmnd.unixctl)
    files = unpack(path)
    assert [f for f in files if f.startswith("objects/")] == [
        "objects/hosts.json"]
    assert {"what": "objects/ports.json", "why": "--no-objects"} in \
        json.loads(files["manifest.json"])["omitted"]
    shop.vmnctl("label", "port", "web-1", "api-token-")


# Terminals.  ----------------------------------------------------------------

def on_terminal(shop, *words, **more):
    """What vmnctl writes if standard output and error are a terminal."""
    master, slave = pty.openpty()
    done = subprocess.run(
        [find("vmnctl"), *words], stdout=slave, stderr=slave,
        timeout=COMMAND_S,
        env=dict(os.environ, VMNCTL_SERVER="unix:" + shop.api.path,
                 TERM="xterm", **more))
    os.close(slave)
    text = b""
    try:
        while True:
            text += os.read(master, 4096)
    except OSError:
        pass                    # All of it was read.
    os.close(master)
    assert done.returncode == 0, text
    return text.decode()


def test_colours_are_for_terminals_that_want_them(shop):
    assert "\033[32msynced\033[0m" in on_terminal(shop, "hosts")
    assert "\033" not in on_terminal(shop, "hosts", NO_COLOR="1")
    assert "\033" not in shop.vmnctl("hosts", TERM="xterm")[0]
    text = on_terminal(shop, "label", "port", "web-1", "rack=9", "--wait")
    assert "waiting until it is installed\r\033[K" in text


# Completion.  ---------------------------------------------------------------

BASH = """
source <("$1" completion bash)
COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
_vmnctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash(shop, line):
    """What bash offers for the end of 'line'."""
    vmnctl = find("vmnctl")
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", vmnctl, vmnctl + " " + line],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=COMMAND_S, cwd=os.path.dirname(os.path.realpath(__file__)),
        env=dict(os.environ, VMNCTL_SERVER="unix:" + shop.api.path))
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.split()


def test_bash_completes(shop):
    assert bash(shop, "descr") == ["describe"]
    assert bash(shop, "get po") == ["ports", "policies"]
    assert bash(shop, "describe port ") == ["db-1", "web-1", "web-2"]
    assert bash(shop, "describe port web") == ["web-1", "web-2"]
    assert bash(shop, "flows h") == ["h1", "h2"]
    assert bash(shop, "get ports --output=j") == ["json"]
    assert bash(shop, "events --network s") == ["shop"]
    assert bash(shop, "apply -f test_vmnc") == ["test_vmnctl.py"]
    assert bash(shop, "-s unix:/nonexistent/x get ports ") == []
    assert bash(shop, "get ports --lim") == ["--limit"]
    assert bash(shop, "delete port/web") == ["port/web-1", "port/web-2"]
    assert bash(shop, "get networks,po") == ["networks,ports",
                                             "networks,policies"]
    assert bash(shop, "explain policies.ru") == ["policies.rules"]
    assert bash(shop, "get ports --sort-by .status.ho") == [".status.host"]
    # Readline takes what is behind "=" for the word.
    assert bash(shop, "get ports -l tier=d") == ["db"]
    assert bash(shop, "get ports -l tie") == ["tier="]
    assert bash(shop, "revision ")
    assert bash(shop, "trace web-1 db-1 tc") == ["tcp/"]


def test_bash_does_as_it_types(shop):
    """What is typed is completed in place, behind = too."""
    setup = 'source <("%s" completion bash)' % find("vmnctl")
    typed(shop, ["bash", "--norc", "-i"], setup, "get networks --output=js",
          "get networks --output=json")
    # No space is left where more follows.
    typed(shop, ["bash", "--norc", "-i"], setup, "history polic\tdb-\t",
          "history policies/db-in ")


def test_zsh_completes(shop, tmp_path):
    script, _ = shop.vmnctl("completion", "zsh")
    (tmp_path / "_vmnctl").write_text(script)
    setup = ("fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D; "
             "unsetopt promptsp promptcr" % tmp_path)
    for line, full in (("get networ", "get networks"),
                       ("describe port db", "describe port db-1"),
                       ("get ports --output=js", "get ports --output=json"),
                       ("history polic\tdb-", "history policies/db-in"),
                       ("apply --dry-r", "apply --dry-run")):
        typed(shop, ["zsh", "-f", "-i"], setup, line, full)


def typed(shop, shell, setup, line, full):
    """Types 'line' and a tab in a shell, which must make 'full' of it."""
    place = os.path.dirname(find("vmnctl"))
    pid, fd = pty.fork()
    if not pid:
        os.environ.update(TERM="dumb", PS1="next:", PROMPT="next:",
                          HOME="/nonexistent", PATH=place + ":" + os.environ[
                              "PATH"], VMNCTL_SERVER="unix:" + shop.api.path)
        os.execvp(shell[0], shell)
    try:
        # The line editor reads, and nothing else echoes, from the prompt on.
        show(fd, "next:")
        os.write(fd, (setup + "; echo rea''dy\n").encode())
        show(fd, "\nready\nnext:")
        os.write(fd, ("vmnctl " + line + "\t").encode())
        show(fd, "vmnctl " + full)
    finally:
        os.kill(pid, 9)
        os.close(fd)
        os.waitpid(pid, 0)


def show(fd, awaited):
    """Reads from a terminal until it shows 'awaited'."""
    text, end = "", time.monotonic() + 60
    while awaited not in text:
        assert time.monotonic() < end, (awaited, text)
        if select.select([fd], [], [], 0.2)[0]:
            text += os.read(fd, 4096).decode(errors="replace").replace(
                "\r", "")


# Changes.  ------------------------------------------------------------------

def test_patch_sets_and_drain(shop, tmp_path):
    """A balancer of a folder within a folder, its set, and its backends."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "lb.yaml").write_text(
        "type: loadbalancers\nname: lb\nspec: {vip: 10.0.0.77, networks: "
        "[shop], ports: [{port: 80}], selector: tier=web, "
        "backends: [{port: db-1, weight: 3}]}\n")
    shop.vmnctl("apply", "-R", "-f", str(tmp_path), "--prune", "lbs")
    assert shop.vmnctl("sets")[0].splitlines()[1].split() == ["lbs", "1"]
    assert shop.vmnctl("sets", "lbs")[0].splitlines()[1].split() == [
        "loadbalancers", "lb"]
    shop.vmnctl("patch", "lb/lb", "-p", "{spec: {drain_seconds: 77}}")
    before = shop.api.get("loadbalancers/lb")["spec"]
    assert before["drain_seconds"] == 77

    def states():
        return {b["port"]: b["state"] for b in shop.api.get(
            "loadbalancers/lb")["status"]["backends"]}
    out, _ = shop.vmnctl("drain", "lb", "db-1", "web-1", "--dry-run")
    assert "updated   loadbalancers   lb\n" in out, out
    assert shop.api.get("loadbalancers/lb")["spec"] == before
    last = "no other backend serves in network \"shop\""
    assert last not in "".join(shop.vmnctl(
        "drain", "lb", "db-1", "web-1", "--dry-run"))
    every = ["drain", "lb", *states()]
    assert "new connections are rejected" in "".join(
        shop.vmnctl(*every, "--dry-run"))
    told = "".join(shop.vmnctl(*every))
    assert '"db-1", "web-1" and "web-2" drain, and ' + last in told, told
    shop.vmnctl("undrain", "lb", "--wait")
    wait_for("all to serve", lambda: set(states().values()) == {"serving"})
    shop.vmnctl("drain", "lb", "db-1", "web-1")
    wait_for("them to drain", lambda: {states()[b] for b in (
        "db-1", "web-1")} <= {"draining", "drained"})
    assert states()["web-2"] == "serving"
    # The last one, where others drain already: nobody else is blamed.
    told = "".join(shop.vmnctl("drain", "lb", "web-2", "--dry-run"))
    assert '"db-1", "web-1" and "web-2" drain, and ' + last in told, told
    _, err = shop.vmnctl("undrain", "lb", "web-2", status=1)
    assert "web-2 does not drain" in err, err
    shop.vmnctl("undrain", "lb", "web-1")
    spec = shop.api.get("loadbalancers/lb")["spec"]
    assert [b["port"] for b in spec["backends"]] == ["db-1"], spec
    shop.vmnctl("undrain", "lb", "--wait")
    assert shop.api.get("loadbalancers/lb")["spec"] == before
    wait_for("all to serve", lambda: set(states().values()) == {"serving"})
    shop.vmnctl("delete", "lb/lb")


def test_host_that_is_to_dial_in_where_nobody_listens(shop, tmp_path):
    """All who say something of such a host say what to set."""
    needed = "set \"ovsdb-listen\" of vmnd"
    path = tmp_path / "far.yaml"
    path.write_text("type: hosts\nname: far\nspec: {ovsdb: inbound, "
                    "tunnel_ip: 192.0.2.77}\n")
    try:
        for words in ["--dry-run"], []:
            _, err = shop.vmnctl("apply", "-f", str(path), *words)
            assert "hosts/far: /spec/ovsdb: " in err and needed in err, err
        status = shop.api.get("hosts/far")["status"]
        assert (status["state"], status["ovsdb"]["no_listener"]) == (
            "offline", True)
        assert needed in status["reason"]
        assert "far" in shop.vmnctl("hosts")[0]
        assert needed in shop.vmnctl("status", status=1)[0]
        out, err = shop.vmnctl("host", "join-command", "far", "--address",
                               "192.0.2.1")
        assert "create Manager" in out and needed in err, err
        shop.api.patch("hosts/far", {"ovsdb": "tcp:192.0.2.77:6640"})
        status = shop.api.get("hosts/far")["status"]
        assert "no_listener" not in status["ovsdb"]
        assert needed not in status.get("reason", "")
        _, err = shop.vmnctl("host", "join-command", "far")
        assert not err
    finally:
        shop.api.delete("hosts/far")


# undo.  ---------------------------------------------------------------------

def test_undo_gives_back_what_was(shop):
    """A label that was overwritten, and a port that was deleted, with its
    addresses."""
    shop.vmnctl("label", "port", "db-1", "role=db")
    before = shop.api.get("ports/db-1")
    out, _ = shop.vmnctl("label", "port", "db-1", "role=none")
    assert "  labels.role: db -> none\n" in out, out
    changed = shop.api.get("revisions", users="true")["items"][-1][
        "revision"]
    out, _ = shop.vmnctl("undo", "ports/db-1", "--wait")
    assert "\nports/db-1\n  labels.role: none -> db\n" in out, out
    # The new revision says what it takes back, everywhere.
    latest = shop.api.get("revisions", users="true")["items"][-1]
    assert latest["undoes"] == changed
    assert shop.api.get("revisions/%d" % latest["revision"])[
        "undoes"] == changed
    for words in (["history", "ports/db-1"], ["revisions", "--users"],
                  ["revision", "latest"],
                  ["events", "--since", str(changed)]):
        shown, _ = shop.vmnctl(*words)
        assert re.search("(changes in|undo of) %d\\b" % changed, shown), shown
    assert "\nports/db-1 updated\n  labels.role: none -> db\n" in out, out
    assert shop.api.get("ports/db-1")["spec"] == before["spec"]

    shop.vmnctl("delete", "port", "db-1", "--cascade")
    out, _ = shop.vmnctl("undo", "ports/db-1", "--dry-run")
    assert "created   ports   db-1\n" in out, out
    shop.vmnctl("get", "port", "db-1", status=1)
    revision = shop.api.get("revisions", type="ports", name="db-1")["items"][
        -1]["revision"]
    shop.vmnctl("undo", str(revision), "--wait")
    after = shop.api.get("ports/db-1")
    for field in "ips", "mac":
        assert after["status"][field] == before["status"][field]
    out, _ = shop.vmnctl("history", "ports/db-1")
    assert "  delete  unbound from h2\n" in out, out
    assert "  labels.role: db -> none\n" in out, out
    # The latest change of all is that undo.
    out, _ = shop.vmnctl("undo", "latest", "--dry-run")
    assert re.match(r"revision \d+ by unix:uid=0 \(root\):\n\nCHA", out), out
    assert "deleted   ports   db-1\n" in out, out
    _, err = shop.vmnctl("undo", str(revision), status=1)
    assert 'port "db-1" was changed again after revision' in err, err
    # Several are one transaction.
    _, err = shop.vmnctl("delete", "port", "db-1", "none", status=1)
    assert 'ports/none: port "none" does not exist' in err, err
    shop.vmnctl("get", "port", "db-1")
