# SPDX-License-Identifier: Apache-2.0
"""The Ansible collection (deploy/ansible), by Debian's Ansible and a real
vmnd: each module takes what the API's description shows of its type, changes
what is said and nothing the second time, plans in check mode, waits for hosts,
and passes on what vmnd refuses.  Also the inventory, the role by which a
hypervisor joins, and the file that ansible-galaxy installs."""

import json
import os
import re
import subprocess
import sys
import types

import pytest
import yaml
from conftest import HERE, close_lab, make_lab
from test_auth import Pki
from vmnlab import netns, page
from vmnlab.netns import wait_for

TOP = os.path.join(HERE, "../..")
BUILD = os.path.dirname(os.path.realpath(os.environ.get(
    "VMNCTL", os.path.join(TOP, "_build/normal/vmnctl"))))
COLLECTION = "ansible_collections/vmn/vmn"
VALIDATE = ("/usr/lib/python3/dist-packages/ansible_test/_util/controller/"
            "sanity/validate-modules")
PORT = 8443
TOKEN = "t" * 40
# What the validator of Ansible wants of modules of Ansible's own alone: that
# licence, and that each imports what here changes.py does.
NOT_OURS = {"missing-gplv3-license", "missing-module-utils-basic-import"}


@pytest.fixture(scope="module", name="collections")
def fixture_collections(tmp_path_factory):
    """The collection, installed from the file that is published."""
    folder = tmp_path_factory.mktemp("galaxy")
    env = dict(os.environ, HOME=str(folder), LC_ALL="C.UTF-8")
    # What a vmnd under the sanitizers is built beside is the same.
    for build in (BUILD, os.path.join(TOP, "_build/normal")):
        source = os.path.join(build, "ansible", COLLECTION)
        if os.path.isdir(source):
            break
    galaxy("collection", "build", "--output-path", folder, source, env=env)
    made, = folder.glob("vmn-vmn-*.tar.gz")
    galaxy("collection", "install", "--offline", "-p", folder / "collections",
           made, env=env)
    return str(folder / "collections")


def galaxy(*args, env):
    netns.run(["ansible-galaxy", *args], env=env)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp("pki"))
    pki.issue("vmnd")
    with open(os.open(pki.path("token"), os.O_CREAT | os.O_WRONLY, 0o600),
              "w", encoding="ascii") as file:
        file.write(TOKEN + "\n")
    return pki


@pytest.fixture(scope="module", name="lab")
def fixture_lab(pki):
    lab = make_lab("book", 2, options=[
        "--api-listen=ssl:127.0.0.1:%d" % PORT, "--api-rate=0",
        "--private-key=" + pki.path("vmnd.key"),
        "--certificate=" + pki.path("vmnd.pem"),
        "--ca-cert=" + pki.path("ca.pem"),
        "--api-token-file=" + pki.path("token")])
    yield lab
    close_lab(lab)


class Ansible:
    """Runs Ansible in a lab's net namespace, as whoever may open the socket
    or by what 'connection' says."""

    def __init__(self, lab, collections, folder):
        self.lab = lab
        self.folder = folder
        self.lines = str(folder / "lines")
        self.connection = {"server": "unix:" + lab.vmnd.socket}
        self.env = dict(
            (k, v) for k, v in os.environ.items()
            if not k.startswith(("VMNCTL_", "ANSIBLE_")))
        self.env.update(
            HOME=str(folder), LC_ALL="C.UTF-8", VMN_ANSIBLE_LINES=self.lines,
            ANSIBLE_COLLECTIONS_PATH=collections,
            ANSIBLE_CALLBACK_PLUGINS=os.path.join(HERE, "ansible"),
            ANSIBLE_CALLBACKS_ENABLED="lines", ANSIBLE_PIPELINING="True",
            ANSIBLE_LOCALHOST_WARNING="False", ANSIBLE_NOCOLOR="1",
            ANSIBLE_INVENTORY_UNPARSED_WARNING="False",
            ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3")

    def program(self, *args, fails=False, ns=None, **env):
        with netns.inside(ns or self.lab.net_ns):
            done = subprocess.run(
                args, env=dict(self.env, **env), cwd=self.folder, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, timeout=400, check=False)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout

    def play(self, *tasks, flags=(), fails=False, more=None, **env):
        """Runs a play of tasks; returns the results, in their order."""
        book = str(self.folder / "play.json")
        with open(book, "w", encoding="utf-8") as file:
            json.dump([dict({
                "hosts": "localhost", "connection": "local",
                "gather_facts": False, "tasks": list(tasks),
                "module_defaults": {"group/vmn.vmn.all": self.connection}},
                **more or {})], file)
        if os.path.exists(self.lines):
            os.unlink(self.lines)
        self.said = self.program("ansible-playbook", *flags, book,
                                 fails=fails, **env)
        with open(self.lines, encoding="utf-8") as file:
            self.found = [json.loads(line) for line in file]
        return [types.SimpleNamespace(**dict(
            {"changed": None, "msg": None, "diff": None,
                             "status": None}, **f["result"]))
            for f in self.found]

    def changed(self, *tasks, **more):
        return [r.changed for r in self.play(*tasks, **more)]


@pytest.fixture
def ansible(lab, collections, tmp_path):
    yield Ansible(lab, collections, tmp_path)
    lab.vmnd.api.apply([], prune="tests")
    for kind, name in (("ports", "p1"), ("ports", "p2"), ("networks", "n1")):
        if lab.vmnd.api.raw("GET", "/v1/%s/%s" % (kind, name))[0] == 200:
            lab.vmnd.api.delete("%s/%s" % (kind, name), cascade="true")


@pytest.fixture(scope="module")
def document(lab):
    return lab.vmnd.api.get("openapi.json")


def module(which, /, **options):
    return {"vmn.vmn." + which: options}


def network(**options):
    return module("network", **dict({
        "name": "n1", "subnets": [{"cidr": "10.1.0.0/24"}]}, **options))


def apply(*objects, **options):
    return module("apply", objects=[
        {"type": kind, "name": name, "spec": spec}
        for kind, name, spec in objects], **options)


def checked(task):
    """The same in check mode."""
    return dict(task, check_mode=True)


def failing(task):
    """The same where a play goes on if it fails."""
    return dict(task, ignore_errors=True)


def shown(*tasks):
    """The same with what is different."""
    return [dict(task, diff=True) for task in tasks]


SHOP = [("networks", "n1", {"subnets": [{"cidr": "10.1.0.0/24"}]}),
        ("ports", "p1", {"network": "n1", "labels": {"role": "web"}}),
        ("groups", "g1", {"selector": "role=web"})]


# Documentation, and what modules there are.  -------------------------------

def modules_of(collections):
    return sorted(name[:-len(".py")] for name in os.listdir(os.path.join(
        collections, COLLECTION, "plugins/modules")))


def test_there_is_a_module_of_each_type(collections, document):
    def of_type(name):
        path = os.path.join(collections, COLLECTION, "plugins/modules", name)
        with open(path + ".py", encoding="utf-8") as file:
            return re.search(r"run_type\('(.*?)'", file.read())
    made = {m[1] for m in map(of_type, modules_of(collections)) if m}
    assert made == {path.split("/")[2] for path, calls in
                    document["paths"].items() if "put" in calls}


def test_modules_are_documented(ansible, collections):
    names = ["vmn.vmn." + name for name in modules_of(collections)]
    shown = json.loads(ansible.program("ansible-doc", "-j", *names))
    assert sorted(shown) == names
    for name, about in shown.items():
        options = about["doc"]["options"]
        assert "server" in options and options["server"]["description"], name
        assert about["examples"] and about["return"], name
    options = shown["vmn.vmn.network"]["doc"]["options"]
    assert options["default"]["choices"] == ["allow", "deny"]
    assert options["subnets"]["suboptions"]["cidr"]["required"]
    role = ansible.program("ansible-doc", "-t", "role", "vmn.vmn.hypervisor")
    assert "hypervisor_tunnel_ip" in role
    assert "keyed_groups" in ansible.program("ansible-doc", "-t", "inventory",
                                             "vmn.vmn.hosts")


def test_modules_pass_the_validator_of_ansible(ansible, collections):
    """The checks of `ansible-test sanity --test validate-modules`, among them
    that the options which are documented are those which are taken.  It is
    called by itself, since ansible-test wants to fetch it from elsewhere."""
    done = subprocess.run(
        [sys.executable, os.path.join(VALIDATE, "validate.py"), "--format",
         "json", "--arg-spec", "--collection", COLLECTION,
         "--collection-version", "0.1.0", "plugins/modules"],
        cwd=os.path.join(collections, COLLECTION), text=True, check=False,
        stdout=subprocess.PIPE, env=dict(
            ansible.env, PYTHONPATH=VALIDATE + ":" + VALIDATE.replace(
                "controller/sanity/validate-modules", "target/common")))
    reports = json.loads(done.stdout)
    # Of a module without any fault there is no report.
    wrong = [(name, fault) for name, report in reports.items()
             for kind in ("errors", "warnings", "traces")
             for fault in report[kind] if not isinstance(fault, dict)
             or fault["code"] not in NOT_OURS]
    assert not wrong, wrong
    assert len(reports) == len(modules_of(collections))


def test_examples_of_modules_are_those_of_the_api(
        lab, ansible, collections, document):
    """All that the API's examples say goes through the modules' options: what
    is there by them is what the modules want there."""
    world = document["paths"]["/v1/apply"]["post"]["requestBody"]["content"][
        "application/json"]["examples"]["all"]["value"]
    lab.vmnd.api.call("POST", "/v1/apply", world, prune="tests")
    tasks = []
    for name in modules_of(collections):
        if name not in ("apply", "object_info"):
            with open(os.path.join(collections, COLLECTION, "plugins/modules",
                                   name + ".py"), encoding="utf-8") as file:
                text = re.search(r'EXAMPLES = r"""(.*?)"""', file.read(),
                                 re.DOTALL)[1]
            tasks += [t for t in yaml.safe_load(text)
                      if t["vmn.vmn." + name].get("state") != "absent"]
    assert len(tasks) > 20
    results = ansible.play(*tasks)
    assert [r.outcome for r in results] == ["unchanged"] * len(tasks)
    assert not any(r.changed for r in results)


# One object.  --------------------------------------------------------------

def test_an_object_comes_changes_and_goes(ansible):
    port = module("port", name="p1", network="n1", labels={"role": "web"})
    no_port, no_network = (module(kind, name=name, state="absent")
                           for kind, name in (("port", "p1"),
                                              ("network", "n1")))
    cascade = dict(no_network["vmn.vmn.network"], cascade=True)
    found = iter(ansible.play(*shown(
        network(), network(), port, port,
        # Of the first, what is not said has its default; else it stays.
        network(default="deny"), network(state="patched", mtu=1400),
        network(state="patched", mtu=1400), network(mtu=1400),
        # What is referred to stays, but for a cascade.
        failing(no_network), no_port, no_network, no_port, no_network,
        network(), port, {"vmn.vmn.network": cascade})))
    assert [next(found).changed for _ in range(2)] == [True, False]
    made, again = next(found), next(found)
    assert (made.changed, again.changed) == (True, False)
    assert made.object["status"]["ips"] == ["10.1.0.1"]
    assert made.revision == again.revision

    first, patched, same, last = (next(found) for _ in range(4))
    assert first.diff == [{
        "before_header": "networks/n1",
        "after_header": "networks/n1 (updated)",
        "before": {"/spec/default": "allow"},
        "after": {"/spec/default": "deny"}}]
    assert '+    "/spec/default": "deny"' in ansible.said
    assert patched.object["spec"]["default"] == "deny"
    assert (patched.changed, same.changed, last.changed) == (
        True, False, True)
    assert last.object["spec"]["default"] == "allow"
    assert last.object["spec"]["mtu"] == 1400

    held = next(found)
    assert held.status == 409 and "p1" in held.msg, held
    went = [next(found) for _ in range(4)]
    assert [r.changed for r in went] == [True, True, False, False]
    assert went[0].diff[0]["before"]["/spec"]["labels"] == {"role": "web"}
    assert [next(found).changed for _ in range(2)] == [True, True]
    assert next(found).also_changed == [
        {"op": "delete", "type": "ports", "name": "p1"}]


def test_check_mode_is_the_plan(lab, ansible):
    before = lab.vmnd.api.get("revisions")["revision"]
    made, absent, refused, real, same, other, gone = ansible.play(*shown(
        checked(network()),
        checked(module("port", name="p1", state="absent")),
        failing(checked(module("port", name="p1", network="n1"))),
        network(), checked(network()), checked(network(default="deny")),
        checked(module("network", name="n1", state="absent"))))
    assert made.changed and not absent.changed
    assert made.plan["objects"] == [
        {"type": "networks", "name": "n1", "op": "created"}]
    assert made.diff[0]["after"]["/spec"]["subnets"] == [
        {"cidr": "10.1.0.0/24"}]
    # It is refused as the change would be: there is no network yet.
    assert refused.msg.endswith(
        '/spec/network: network "n1" does not exist'), refused.msg
    assert (same.changed, other.changed, gone.changed) == (False, True, True)
    assert not same.diff
    assert other.diff[0]["after"] == {"/spec/default": "deny"}
    assert gone.diff[0]["before"]["/spec"]["default"] == "allow"
    # One of them was no plan.
    assert real.revision == before + 1
    assert lab.vmnd.api.get("revisions")["revision"] == before + 1
    # So it is for the whole play.
    assert ansible.changed(network(mtu=1400), flags=["--check"]) == [True]
    assert lab.vmnd.api.get("revisions")["revision"] == before + 1


def test_what_is_wrong_is_said(lab, ansible):
    # By Ansible, before vmnd is asked.
    (none, much, lacks, several, patch, kind, nobody, server,
     empty) = ansible.play(*(
        failing(task) for task in (
            network(subnet="10.0.0.0/24"), network(mtu="much"),
            module("port", name="p1"),
            network(mtu=7, subnets=[{"cidr": "10.0.0.300/24"}]),
            network(state="patched"), apply(("nets", "n1", {})),
            network(server="unix:/nonexistent"),
            network(server="unix:/nonexistent,localhost"),
            network(server=[]))))
    assert {f["outcome"] for f in ansible.found} == {"failed"}
    assert "subnet" in none.msg and "Supported parameters" in none.msg
    assert "cannot be converted to an int" in much.msg
    assert "missing: network" in lacks.msg
    # By vmnd, each field by its pointer.
    assert several.status == 400
    assert {e["pointer"] for e in several.problem["errors"]} == {
        "/spec/mtu", "/spec/subnets/0/cidr"}
    for pointer in "/spec/mtu: ", "/spec/subnets/0/cidr: ":
        assert pointer in several.msg
    assert patch.status == 404 and "does not exist" in patch.msg
    assert "/objects/0/type: " in kind.msg, kind.msg
    # By nobody.
    assert nobody.msg.startswith(
        "vmnd does not answer at unix:/nonexistent: ")
    assert "server: \"localhost\" must be unix:/PATH" in server.msg
    assert empty.msg == "server: is empty"
    assert lab.vmnd.api.raw("GET", "/v1/networks/n1")[0] == 404


# Several.  -----------------------------------------------------------------

def test_several_objects_are_one_transaction(lab, ansible):
    """Also in check mode: what is not there yet may be referred to."""
    task = apply(*SHOP, prune="tests")
    info = module("object_info", type="ports", selector="role=web")
    bad = apply(("networks", "n2", {}), ("ports", "p2", {"network": "none"}))
    changes = module("apply", objects=[
        {"op": "patch", "type": "ports", "name": "p1",
         "spec": {"labels": {"role": None, "env": "prod"}}},
        {"op": "delete", "type": "groups", "name": "g1"}])
    again = apply(SHOP[0], SHOP[2], ("ports", "p1", {"network": "n1"}),
                  prune="tests")
    planned, none, first, second, info, bad, changed, warned = ansible.play(
        *shown(checked(task), info, task, task, info, failing(bad), changes,
               again))
    assert planned.changed and len(planned.diff) == 3
    assert none.objects == []
    assert (first.changed, second.changed) == (True, False)
    assert {r["revision"] for r in first.results} == {first.revision}
    assert [o["name"] for o in info.objects] == ["p1"]
    # All of it or nothing.
    assert "/objects/1/spec/network: " in bad.msg
    assert lab.vmnd.api.raw("GET", "/v1/networks/n2")[0] == 404
    assert [r["outcome"] for r in changed.results] == ["updated", "deleted"]
    assert changed.diff[0]["before"] == {"/spec/labels/role": "web"}
    assert changed.diff[0]["after"] == {"/spec/labels/env": "prod"}
    assert changed.diff[1]["before"] == {"/spec": SHOP[2][2]}
    # What vmnd warns of, Ansible does, too.
    assert len(warned.warnings) == 1
    assert "groups/g1: /spec/selector: " in warned.warnings[0]


def test_what_a_change_opens_is_warned_of(ansible):
    """Also where nothing is changed yet; such a warning is of no object."""
    release = module("quarantine", name="q", state="absent")
    *_, planned, done = ansible.play(
        apply(*SHOP), module("quarantine", name="q", ports=["p1"]),
        checked(release), release)
    text = 'loosens: port "p1" is not quarantined any more'
    assert planned.warnings == done.warnings == [text]


def test_what_is_left_out_of_a_set_goes(ansible):
    rest = apply(*SHOP[:1], prune="tests")
    info = module("object_info", type="port", name="p1")
    _, planned, there, first, second, none = ansible.play(*shown(
        apply(*SHOP, prune="tests"), checked(rest), info, rest, rest, info))
    assert planned.changed
    assert {d["after_header"] for d in planned.diff} == {
        "ports/p1 (deleted)", "groups/g1 (deleted)"}
    assert len(there.objects) == 1
    assert (first.changed, second.changed) == (True, False)
    assert {(c["op"], c["name"]) for c in first.also_changed} == {
        ("delete", "p1"), ("delete", "g1")}
    assert none.objects == []


# Waiting.  -----------------------------------------------------------------

def test_it_waits_until_it_is_installed(lab, ansible):
    """A host that is away is named, and so it is the second time."""
    lab.vmnd.api.put("networks/n1", {"subnets": [{"cidr": "10.1.0.0/24"}]})
    for name, host in (("p1", "h1"), ("p2", "h2")):
        lab.vmnd.api.put("ports/" + name, {"network": "n1"})
        lab.add_vm_of_port(name, host)
    lab.await_ports(["p1", "p2"])
    try:
        result, = ansible.play(network(default="deny", wait=True))
        assert result.receipt["installed"]
        assert len(result.receipt["hosts"]) == 2

        lab.host("h2").cut()
        wait_for("h2 to be away", lambda: lab.vmnd.api.get("hosts/h2")[
            "status"]["state"] == "offline", 30)
        task = failing(network(wait=True, wait_timeout=1))
        *late, last = ansible.play(task, task, network(default="deny"))
        assert [r.changed for r in late] == [True, False]
        for result in late:
            assert re.match(r"revision \d+ is stored, and not installed "
                            r"within 1 s: h2 \(offline: .*\)$", result.msg)
        # Who does not wait is told that it is stored.
        assert last.changed
        lab.host("h2").heal()
        assert ansible.changed(network(default="deny", wait=True)) == [False]
    finally:
        if lab.host("h2").is_cut():
            lab.host("h2").heal()
        for name in ("p1", "p2"):
            lab.remove_vm(name)


# Connections.  -------------------------------------------------------------

def test_tls_and_tokens(lab, pki, ansible):
    ansible.connection = {}
    open_file = pki.path("open-token")
    with open(os.open(open_file, os.O_CREAT | os.O_WRONLY, 0o644), "w",
              encoding="ascii") as file:
        file.write(TOKEN)

    # Of two servers the first is away.
    def task(**more):
        return failing(module("network", name="n1", **dict({
            "server": ["https://127.0.0.1:%d" % (PORT + 1),
                       "https://127.0.0.1:%d" % PORT],
            "ca_cert": pki.path("ca.pem")}, **more)))
    made, again, none, wrong, unknown, shared = ansible.play(
        task(token=TOKEN), task(token_file=pki.path("token")), task(),
        task(token="x" * 40), task(token=TOKEN, ca_cert=None),
        task(token_file=open_file), flags=["-vvv"])
    assert (made.changed, again.changed) == (True, False)
    assert TOKEN not in ansible.said and "x" * 40 not in ansible.said
    assert (none.status, wrong.status) == (401, 401)
    assert unknown.status is None and "certificate" in unknown.msg.lower()
    assert "others may read" in shared.msg

    # By the environment, as vmnctl; an account, by its certificate.
    lab.vmnd.api.put("accounts/watch", {"role": "viewer",
                                        "certificate": True})
    pki.issue("watch")
    info, refused = ansible.play(
        module("object_info", type="hosts"), failing(network()),
        VMNCTL_SERVER="ssl:127.0.0.1:%d,ssl:127.0.0.1:%d" % (PORT + 1, PORT),
        VMNCTL_CA_CERT=pki.path("ca.pem"),
        VMNCTL_CERTIFICATE=pki.path("watch.pem"),
        VMNCTL_PRIVATE_KEY=pki.path("watch.key"))
    lab.vmnd.api.delete("accounts/watch")
    assert [o["name"] for o in info.objects] == ["h1", "h2"]
    assert refused.status == 403


def test_a_token_is_told_once(ansible):
    token = module("token", name="ci-1", account="ci")
    _, first, second, gone = ansible.play(
        module("account", name="ci", role="viewer"), token, token,
        module("account", name="ci", state="absent", cascade=True))
    assert first.changed and first.secret.startswith("ci-1.")
    assert not second.changed and not hasattr(second, "secret")
    assert gone.changed


# The guide.  ---------------------------------------------------------------

def blocks(language):
    """The blocks of docs/ansible.md in a language."""
    with open(os.path.join(TOP, "docs/ansible.md"), encoding="utf-8") as page_:
        return re.findall(r"(?ms)^```%s\n(.*?)^```" % language, page_.read())


def output_of(text, plays):
    """What 'text' shows of each 'ansible-playbook' in it."""
    shown_ = re.split(r"(?m)^\$ ansible-playbook .*\n", text)[1:]
    assert len(shown_) == plays
    return [part.strip() for part in shown_]


def test_the_guide_shows_what_happens(ansible):
    play = blocks("yaml")[0]
    first, change = blocks("console")
    *twice, = output_of(first, 2)
    changed, = output_of(change, 1)
    server = re.search(r"(?m)^ +server: .*\n +ca_cert: .*\n +token_file: .*\n",
                       play)[0]
    play = play.replace(server, "      server: unix:%s\n"
                        % ansible.lab.vmnd.socket)
    book = ansible.folder / "shop.yml"

    def run(*flags):
        return ansible.program("ansible-playbook", *flags, str(book))
    book.write_text(play)
    try:
        # What it says first of all, where there is nothing yet.
        assert twice[0] in run("--check")
        for expected in twice:
            assert expected in run()
        assert "ports: [5432]" in play
        book.write_text(play.replace("[5432]", "[5432, 6432]"))
        assert changed in run("--check", "--diff")
    finally:
        ansible.lab.vmnd.api.apply([], prune="shop")


# Hypervisors.  -------------------------------------------------------------

def test_inventory(lab, ansible):
    lab.vmnd.api.patch("hosts/h1", {"labels": {"rack": "a1"}})
    path = str(ansible.folder / "test.vmn.yml")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"plugin": "vmn.vmn.hosts",
                   "server": ["unix:/none", "unix:" + lab.vmnd.socket],
                   "keyed_groups": [{"key": "vmn_labels.rack",
                                     "prefix": "rack"}],
                   "groups": {"h2s": "inventory_hostname == 'h2'"}}, file)
    listed = json.loads(ansible.program("ansible-inventory", "-i", path,
                                        "--list"))
    lab.vmnd.api.patch("hosts/h1", {"labels": None})
    assert listed["rack_a1"]["hosts"] == ["h1"]
    assert listed["h2s"]["hosts"] == ["h2"]
    of_h1 = listed["_meta"]["hostvars"]["h1"]
    assert of_h1["ansible_host"] == of_h1["vmn_spec"]["tunnel_ip"]
    assert of_h1["vmn_status"]["state"] == {"__ansible_unsafe": "synced"}
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"plugin": "vmn.vmn.hosts", "server": "unix:/none"}, file)
    assert "localhost" not in json.loads(ansible.program(
        "ansible-inventory", "-i", path, "--list"))


# What others write.  -------------------------------------------------------

def listed(ansible, kind, **options):
    """What Ansible reads by an inventory of VMN."""
    path = str(ansible.folder / "test.vmn.yml")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(dict({"plugin": "vmn.vmn.hosts", "type": kind,
                        "server": "unix:" + ansible.lab.vmnd.socket},
                       **options), file)
    return path, json.loads(ansible.program(
        "ansible-inventory", "-i", path, "--list"))


def test_ansible_marks_texts_from_outside_as_unsafe(lab, ansible):
    """Those that a host reports and a tenant writes, in what the inventory
    composes of them, in plays, and in what modules return."""
    witness = ansible.folder / "witness"
    bomb = "{{ lookup('pipe', 'touch %s') }}" % witness
    lab.host("h1").vsctl("set", "Open_vSwitch", ".",
                         "ovs_version=" + json.dumps(bomb))
    lab.vmnd.api.put("networks/n1", {"subnets": [{"cidr": "10.1.0.0/24"}],
                                     "description": bomb})
    lab.vmnd.api.put("ports/p1", {"network": "n1", "description": bomb})
    lab.vmnd.api.patch("hosts/h1", {"description": bomb})
    wait_for("vmnd to have the version", lambda: "touch" in str(
        lab.vmnd.api.get("hosts/h1")["status"].get("ovs_version")), 30)
    plays = [{"hosts": "all", "connection": "local", "gather_facts": False,
              "tasks": [{"debug": {"msg": "{{ vmn_spec.description "
                                          "| default('') }} {{ vmn_status }} "
                                          "{{ about | default('') }}"}}]}]
    book = ansible.folder / "all.json"
    book.write_text(json.dumps(plays))
    for kind, state in (("hosts", "synced"), ("ports", "unbound")):
        path, found = listed(
            ansible, kind, groups={"broken": "vmn_status.state != 'synced'"},
            compose={"about": "vmn_spec.description"},
            keyed_groups=[{"key": "vmn_status.state", "prefix": "is"}])
        name = "h1" if kind == "hosts" else "port-p1"
        assert name in found["is_" + state]["hosts"]
        assert ("broken" in found) == (kind == "ports")
        ansible.program("ansible-playbook", "-i", path, str(book))
        assert not witness.exists(), kind
        facts = found["_meta"]["hostvars"][name]
        assert facts["vmn_spec"]["description"] == {"__ansible_unsafe": bomb}
    result, shown = ansible.play(
        dict(module("object_info", type="port", name="p1"), register="port"),
        {"debug": {"msg": "{{ port.objects[0].spec.description }}"}})
    assert result.objects[0]["spec"]["description"] == bomb
    assert shown.msg == bomb
    lab.vmnd.api.patch("hosts/h1", {"description": None})
    assert not witness.exists()


def test_no_port_takes_the_place_of_a_host(lab, ansible):
    """A tenant that names its ports has no play for others run on its VM."""
    lab.vmnd.api.put("networks/n1", {"subnets": [{"cidr": "10.1.0.0/24"}]})
    for name in "p1", "localhost", "h1", "all":
        lab.vmnd.api.put("ports/" + name, {"network": "n1"})
    try:
        found = listed(ansible, "ports")[1]
        assert set(found["_meta"]["hostvars"]) == {
            "port-p1", "port-localhost", "port-h1", "port-all"}
        found = listed(ansible, "ports", prefix="vm.")[1]
        assert "vm.localhost" in found["ungrouped"]["hosts"]
        # Without one, what has a meaning of its own is left out.
        found = listed(ansible, "ports", prefix="")[1]
        assert set(found["_meta"]["hostvars"]) == {"p1", "h1"}
    finally:
        for name in "localhost", "h1", "all":
            lab.vmnd.api.delete("ports/" + name)


@pytest.fixture(scope="module")
def new_lab():
    """A lab whose hosts dial in; its vmnd serves HTTP."""
    lab = make_lab("join", 1, ovsdb_mode="inbound")
    yield lab
    close_lab(lab)


def forget_host(host, api, folder):
    """Makes h1 a hypervisor that has never heard of vmnd, with what the role
    needs in 'folder'; returns the manager that it had."""
    manager = host.vsctl("get-manager").strip()
    host.vsctl("del-manager", "--", "remove", "Open_vSwitch", ".",
               "external_ids", "system-id")
    api.delete("hosts/h1", cascade="true")
    (folder / "system-id.conf").write_text("")
    for name in "mine", "its":
        (folder / name).mkdir()
    for name in "h1.key", "h1.pem", "controller-ca.pem":
        (folder / "mine" / name).write_text(name)
    return manager


def test_a_hypervisor_joins(new_lab, collections, tmp_path):
    """Its Open vSwitch is as installed, and vmnd does not know of it."""
    ansible = Ansible(new_lab, collections, tmp_path)
    host = new_lab.host("h1")
    api = new_lab.vmnd.api
    spec = api.get("hosts/h1")["spec"]
    manager = forget_host(host, api, tmp_path)
    # It reaches vmnd's API, too: by HTTP, from the hypervisor's network.
    ansible.connection = {
        "server": "http://127.0.0.1:%d" % page.API_PORT,
        "token_file": new_lab.vmnd.token_file}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {
        "h1": {"ansible_connection": "local"}}}}))
    rest = {k: v for k, v in spec.items()
            if k not in ("ovsdb", "tunnel_ip")}

    def run(*flags):
        return ansible.play(flags=["-i", str(inventory), *flags], more={
            "hosts": "h1", "roles": ["vmn.vmn.hypervisor"],
            "environment": dict(host.env, OVS_ETC=str(tmp_path)),
            "vars": {"hypervisor_packages": [],
                     "hypervisor_pki_source": str(tmp_path / "mine"),
                     "hypervisor_pki": str(tmp_path / "its"),
                     "hypervisor_manager": manager,
                     "hypervisor_tunnel_ip": spec["tunnel_ip"],
                     "hypervisor_spec": rest}})

    def outcome(name):
        return [f["result"].get("changed") for f in ansible.found
                if f["task"].endswith(name) and f["outcome"] == "ok"]

    run("--check")
    assert outcome("VMN has the host") == [True]
    assert outcome("The host has its certificates") == [True]
    # Without these there is no telling.
    assert outcome("What Open vSwitch has to be told") == []
    assert host.vsctl("get-manager") == ""
    assert api.raw("GET", "/v1/hosts/h1")[0] == 404
    run()
    assert outcome("What Open vSwitch has to be told") == [True]
    assert outcome("Open vSwitch is told") == [True]
    key = tmp_path / "its/h1.key"
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("h1.key", 0o600)
    assert api.get("hosts/h1")["status"]["state"] == "synced"
    assert host.vsctl("get-manager").strip() == manager
    host.vsctl("del-manager")
    run("--check")
    assert outcome("What Open vSwitch has to be told") == [True]
    assert outcome("Open vSwitch is told") == []
    assert host.vsctl("get-manager") == ""
    host.vsctl("set-manager", manager)
    run()
    assert outcome("VMN has the host") == [False]
    assert outcome("What Open vSwitch has to be told") == [False]
    assert outcome("Open vSwitch is told") == []
    assert outcome("The host is synced") == [False]
