# SPDX-License-Identifier: Apache-2.0
"""What a host, a tenant or a local user may try by what others read or run:
lines of vmnd's log and escapes of a terminal by the texts of a host, and files
of root's by links in the folders of the user vmn, in which programs of root's
work.  One function for each attack, named for what the attacker wants."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time

import pytest
import yaml
from conftest import HERE, close_lab, make_lab
from vmnlab.daemon import find
from vmnlab.machine import command, put
from vmnlab.netns import PATIENCE, wait_for

TOP = os.path.join(HERE, "../..")
# Characters that a log and a terminal must not get from outside.
UNSAFE = re.compile("[\0-\t\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e"
                    "\u2060-\u206f\ufeff]")
HOSTILE = ("a\n2026-01-01T00:00:00Z|00001|vmnd|ERR|forged\x1b[2J\x9b31m"
           "\u202etxt.exe\u2028\u200b{{ 7 * 7 }}$(id)`id`<b>")


@pytest.fixture(scope="module", name="lab")
def fixture_lab():
    lab = make_lab("texts", 1)
    yield lab
    close_lab(lab)


# Hosts.  ---------------------------------------------------------------------

def ovs_text(text):
    """A value as ovs-vsctl takes it."""
    return json.dumps(text)


def log_of(lab):
    with open(lab.vmnd.log, "rb") as log:
        return log.read()


def vmnctl(lab, *args):
    return subprocess.run(
        [find("vmnctl"), *args], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT, timeout=60 * PATIENCE, check=False,
        env=dict(os.environ, VMNCTL_SERVER="unix:" + lab.vmnd.socket)).stdout


def test_forge_lines_of_the_log_by_an_iface_id(lab):
    """Also by an interface's name, and in what libopenvswitch logs itself."""
    host = lab.host("h1")
    host.vsctl("add-port", "br-int", "forged{1}", "--", "set", "Interface",
               "forged{1}", "type=internal",
               "external_ids:iface-id=" + ovs_text(HOSTILE))
    try:
        wait_for("vmnd to refuse the interface",
                 lambda: b"is ignored: its iface-id" in log_of(lab), 30)
    finally:
        host.vsctl("del-port", "forged{1}")
    text = log_of(lab).decode()
    assert not UNSAFE.search(text), ascii(UNSAFE.search(text))
    assert not re.search(r"(?m)^2026-01-01T00:00:00Z\|00001", text)
    assert "a\\n2026-01-01T00:00:00Z|00001|vmnd|ERR|" in text


def test_inject_code_by_texts_of_a_host(lab):
    """What vmnd takes in of a host's texts has a character set."""
    lab.host("h1").vsctl("set", "Open_vSwitch", ".",
                         "ovs_version=" + ovs_text(HOSTILE))

    def version():
        return lab.vmnd.api.get("hosts/h1")["status"]["ovs_version"]
    wait_for("vmnd to have the version", lambda: "7 * 7" in version(), 30)
    assert re.fullmatch(r"[ -~]*", version())
    assert not set(version()) & set("{}<>`\\$")
    assert "(( 7 * 7 ))?(id)'id'(b)" in version()


def test_inject_terminal_escapes_by_a_rejected_host():
    """One that dials vmnd and is no host says who it is."""
    lab = make_lab("textin", 1, ovsdb_mode="inbound")
    try:
        host = lab.host("h1")
        manager = host.vsctl("get-manager").strip()
        host.vsctl("del-manager", "--", "set", "Open_vSwitch", ".",
                   "external_ids:system-id=" + ovs_text(HOSTILE))
        host.vsctl("set-manager", manager)

        def rejected():
            return lab.vmnd.api.get("rejected-hosts")["items"]
        wait_for("vmnd to reject the host", rejected, 30)
        reason = rejected()[0]["reason"]
        assert "forged" in reason and re.fullmatch("[ -~]*", reason)
        assert not set(reason) & set("{}<>`\\$")
        assert not UNSAFE.search(vmnctl(lab, "hosts"))
        assert not UNSAFE.search(log_of(lab).decode())
        host.vsctl("set", "Open_vSwitch", ".", "external_ids:system-id=h1")
    finally:
        close_lab(lab)


# Terminals.  -----------------------------------------------------------------

def test_hide_text_by_invisible_characters(lab):
    """Of what the API accepts, characters that are not visible."""
    text = "a\u200bb\u2060c\U000e0041\ufeffd"
    lab.vmnd.api.put("networks/hidden", {
        "description": text, "subnets": [{"cidr": "10.9.0.0/24"}]})
    try:
        for args in (["describe", "network", "hidden"], ["get", "networks"],
                     ["get", "networks", "hidden", "-o", "yaml"],
                     ["get", "networks", "hidden", "-o", "json"],
                     ["get", "networks", "-o", "wide"],
                     ["get", "networks", "-o",
                      "custom-columns=TEXT:.spec.description"],
                     ["get", "nets\x1b[2J\u202e"], ["revisions"],
                     ["history", "network", "hidden"]):
            shown = vmnctl(lab, *args)
            assert shown and not UNSAFE.search(shown), (args, ascii(shown))
        # Both mean what it is.
        for form, load in (("json", json.loads), ("yaml", yaml.safe_load)):
            shown = vmnctl(lab, "get", "networks", "hidden", "-o", form)
            assert load(shown)["spec"]["description"] == text
    finally:
        lab.vmnd.api.delete("networks/hidden")


# Whose texts others read in a terminal: a description, and what an app says
# of itself, prints, publishes and fails with.
SEEN = ("--x: {a: &b *c !d} | > %e @f `g` #h \\ \" ' \u200b\u2060\U000e0041"
        "\ufeff " + "\u00e9" * 400)
HOSTILE_APP = """
local hostile, seen = %s, %s
local function compile(view, key, emit)
    print(hostile)
    emit:publish("hostile.texts", key, hostile)
    emit:publish("hostile.warnings", key, hostile)
    if key == "fails" then
        error(hostile)
    end
end
return { name = "hostile", description = hostile,
         types = { { name = "hostile", singular = "hostile-one",
                     doc = seen,
                     fields = { { name = "text", type = "text",
                                  doc = seen } },
                     status = { { name = "texts", type = "text", list = true,
                                  relation = "hostile.texts",
                                  doc = seen },
                                { name = "warnings", type = "text",
                                  list = true, relation = "hostile.warnings",
                                  doc = seen } } } },
         units = { { name = "one", each = "hostile", compile = compile } } }
"""
FORMS = ([], ["-o", "wide"], ["-o", "json"], ["-o", "yaml"], ["-o", "name"],
         ["-o", "custom-columns=A:.spec,B:.status"], ["--no-headers"])
# By command what it reads; a command of --help is here or among WRITES.
READS = {
    "apply": ["apply -f FILE --dry-run"], "diff": ["diff -f FILE"],
    "advise": ["advise placement"], "app": ["app logs hostile"],
    "apps": ["apps"], "cluster": ["cluster"], "drops": ["drops"],
    "draft": ["draft list", "draft show d", "draft diff d", "draft plan d"],
    "events": ["events --since 1h"], "flows": [
        "flows h1", "flows h1 --diff", "flows h1 --object nosuch\u202e"],
    "history": ["history ports/p1", "history hostile/one"],
    "hosts": ["hosts"], "host": ["host join-command h1"],
    "identities": ["identities"], "logs": ["logs"], "paths": ["paths"],
    "reachability": ["reachability icmp"], "sets": ["sets", "sets s"],
    "revision": ["revision latest", "revision latest --diff"],
    "revisions": ["revisions --limit 100"], "status": ["status"],
    "top": ["top --once", "top traffic"], "usage": ["usage"],
    "trace": ["trace p1 p2 icmp", "trace p1 nosuch\u202e icmp",
              "trace p1 p2 tcp/80"],
    "version": ["version"], "completion": ["completion bash"],
    "wait": ["wait latest"], "policy": ["policy recommend --network n"],
    "delete": ["delete port p1 --dry-run", "delete port --\x1b"],
    "label": ["label port p1 a=b --dry-run"],
    "quarantine": ["quarantine p1 --dry-run", "quarantine nosuch\u202e"],
}
WRITES = {"edit", "patch", "drain", "undrain", "capture", "release",
          "promote", "migrate", "token", "undo", "rollback", "backup",
          "restore", "support-bundle"}


def lua_text(text):
    return "\"%s\"" % "".join("\\%03d" % byte for byte in text.encode())


def names_in(help_text, title):
    """The first words of the lines below 'title' of vmnctl --help."""
    lines = help_text.split(title, 1)[1].split("\n\n", 1)[0].splitlines()[1:]
    return [line.split()[0] for line in lines]


def hostile_objects(lab):
    """Each type that takes a description has one with such a text."""
    api = lab.vmnd.api
    made = []

    def put(path, **spec):
        api.put(path, dict(spec, description=SEEN))
        made.append(path)
    put("networks/n", subnets=[{"cidr": "10.8.0.0/24",
                                "gateway": "10.8.0.1"}])
    for port in "p1", "p2":
        put("ports/" + port, network="n", labels={"role": "a"})
    put("groups/g", selector="role=a")
    put("services/s", entries=[{"protocol": "tcp", "ports": ["80"]}])
    put("policies/p", applies_to=["g"], rules=[
        {"direction": "ingress", "action": "allow",
         "services": [{"service": "s"}], "peers": [{"group": "g"}]}])
    put("quarantines/q", ports=["p2"])
    put("loadbalancers/lb", networks=["n"], vip="10.8.0.100",
        ports=[{"port": 80}], backends=[{"port": "p1"}])
    put("routers/r", interfaces=[{"network": "n"}])
    put("accounts/a", role="viewer")
    put("quotas/q", scope="role=a", ports=1)
    put("dns-zones/z.test", networks=["n"])
    put("observations/n", minutes=60)
    put("hostile/one", text=SEEN)
    put("hostile/fails", text=SEEN)
    api.call("PUT", "/v1/drafts/d", {"spec": {
        "description": SEEN, "changes": [
            {"op": "patch", "type": "ports", "name": "p1",
             "spec": {"description": SEEN + "2"}}]}})
    made.append("drafts/d")
    return made


def test_reach_a_terminal_by_any_text(lab, tmp_path):
    """Every command of --help that reads, and each type, in each format."""
    app = tmp_path / "hostile.lua"
    app.write_text(HOSTILE_APP % (lua_text(HOSTILE), lua_text(SEEN[:80])))
    said = vmnctl(lab, "app", "load", str(app), "--wait")
    made, host = [], lab.host("h1")
    try:
        assert "created" in said, ascii(said)
        host.vsctl("add-port", "br-int", "odd", "--", "set", "Interface",
                   "odd", "type=internal", "external_ids:iface-id=nobody",
                   "external_ids:vm-uuid=" + ovs_text(HOSTILE),
                   "external_ids:attached-mac=" + ovs_text(HOSTILE))
        made = hostile_objects(lab)
        file = tmp_path / "file.yaml"
        file.write_text(yaml.safe_dump({
            "type": "ports", "name": "p1", "spec": {
                "network": "n", "description": SEEN + "3"}}))
        vmnctl(lab, "apply", "-f", str(file), "--prune", "s", "-m", SEEN[:200])
        check_outputs(lab, str(file))
    finally:
        for path in reversed(made):
            lab.vmnd.api.delete(path)
        host.vsctl("--if-exists", "del-port", "odd")
        vmnctl(lab, "app", "unload", "hostile")


def check_outputs(lab, file):
    help_text = vmnctl(lab, "--help")
    commands = names_in(help_text, "\nCommands ")
    types = names_in(help_text, "\nTypes,") + ["hostile", "types"]
    calls = ["explain"] + ["%s --help" % name for name in commands]
    for name in types:
        calls += ["get " + name, "explain " + name]
        for item in lab.vmnd.api.get(name)["items"][:3]:
            calls += ["describe %s %s" % (name, item["name"]),
                      "get %s %s" % (name, item["name"])]
    assert set(commands) == WRITES | set(READS) | {"get", "describe",
                                                   "explain"}
    for lines in READS.values():
        calls += lines
    bad, seen = [], ""
    for call in calls:
        for form in FORMS if not call.endswith("--help") else FORMS[:1]:
            args = [file if word == "FILE" else word for word in call.split()]
            shown = vmnctl(lab, *args, *form)
            seen += shown
            if UNSAFE.search(shown):
                bad.append((call, form, ascii(shown)[:300]))
    assert not bad, bad
    assert "forged" in seen and "--x: " in seen


# The user vmn.  --------------------------------------------------------------

VMN_UID = 61184
# What root's scripts call, as a machine has it whose vmnd and server of the
# database do what the user vmn wants.
TOOLS = {
    "systemctl": "",
    "vmnctl": "echo '{\"stored\": 5, \"revision\": 1}'\n",
    "ovsdb-tool": """case $1 in
db-local-address) echo ssl:192.0.2.1:6643 ;;
query) echo '[{"rows":[{"epoch":5,"head":5}]}]' ;;
esac
""",
    "ovs-appctl": """case $* in
*VMN) cat %(dir)s/status ;;
*) exit 1 ;;
esac
""",
}
# Has a user vmn, and /var/lib and the like are as they are.
ENTER = """
mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group \\
    && exec "$@"
"""


class Machine:
    """A machine's vmn-cluster, with its paths below a folder of root's in
    which the user vmn has its own."""

    def __init__(self, folder):
        self.dir = folder
        for name, entry in (
                ("passwd", "vmn:x:%d:%d::/nonexistent:/usr/sbin/nologin\n"),
                ("group", "vmn:x:%d:\n")):
            with open("/etc/" + name, encoding="utf-8") as file:
                lines = [one for one in file if not one.startswith("vmn:")]
            entry %= (VMN_UID,) * entry.count("%d")
            self.write(name, "".join(lines) + entry)
        for name in "vmn", "vmn-ovsdb":
            os.makedirs(self.path("lib", name))
            os.chown(self.path("lib", name), VMN_UID, VMN_UID)
        os.mkdir(self.path("victim"))
        self.write("victim/shadow", "root's\n")
        self.write("vmnd.json", '{\n    "cluster-member": "a"\n}\n')
        self.write("status", "")
        for name, text in TOOLS.items():
            self.tool(name, text % {"dir": folder} if "%(dir)" in text
                      else text)
        paths = {"config": "vmnd.json", "options": "ovsdb.conf",
                 "state": "lib/vmn/vmn.db", "schema": "status",
                 "database": "lib/vmn-ovsdb/cluster.db"}
        paths = {name: self.path(path) for name, path in paths.items()}
        with open(TOP + "/deploy/cluster", encoding="utf-8") as file, \
                open(TOP + "/deploy/cluster-end", encoding="utf-8") as end:
            text = file.read().replace("# deploy/cluster-end is put here.\n",
                                       end.read())
        put(self.path("vmn-cluster"),
            command(text, dict(paths, patience="1")))

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def tool(self, name, text):
        put(self.path("bin", name), "#!/bin/sh\n" + text)
        os.chmod(self.path("bin", name), 0o755)

    def write(self, name, text, uid=0):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(self.path(name), uid, uid)

    def run(self, *args):
        """As root; returns the status and what it prints."""
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", ENTER, self.dir, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
            timeout=60 * PATIENCE,
            env=dict(os.environ, PATH=self.path("bin") + ":"
                     + os.environ["PATH"]))
        return done.returncode, done.stdout

    def link(self, name, to):
        """The user vmn makes a link."""
        os.symlink(self.path(to), self.path(name))
        os.chown(self.path(name), VMN_UID, VMN_UID, follow_symlinks=False)

    def check_victim(self, said):
        """What is root's is as it was."""
        names = ["victim", "victim/shadow"]
        assert [os.stat(self.path(name)).st_uid for name in names] == [
            0, 0], said
        assert os.listdir(self.path("victim")) == ["shadow"], said
        with open(self.path("victim/shadow"), encoding="utf-8") as file:
            assert file.read() == "root's\n", said
        assert not os.path.exists(self.path("witness")), said


@pytest.fixture(name="machine")
def fixture_machine():
    folder = tempfile.mkdtemp(prefix="vmn-texts.", dir="/tmp")
    os.chmod(folder, 0o755)
    yield Machine(folder)
    shutil.rmtree(folder)


def test_be_given_a_folder_of_roots_by_a_link(machine):
    """The name of the folder to which vmn-cluster moves what is there can be
    foreseen."""
    machine.write("lib/vmn/vmn.db", "state", VMN_UID)
    now = time.time()
    links = ["lib/vmn/after-cluster-" + time.strftime(
        "%Y%m%dT%H%M%SZ", time.gmtime(now + i)) for i in range(120)]
    for link in links:
        machine.link(link, "victim")
    status, said = machine.run(machine.path("vmn-cluster"), "leave", "--gone")
    machine.check_victim(said)
    assert status and "could not be made" in said, said
    assert os.path.exists(machine.path("lib/vmn/vmn.db"))
    # Without them it does what it is for.
    for link in links:
        os.unlink(machine.path(link))
    status, said = machine.run(machine.path("vmn-cluster"), "leave", "--gone")
    assert status == 0, said
    aside, = os.listdir(machine.path("lib/vmn"))
    aside = machine.path("lib/vmn", aside)
    assert os.stat(aside).st_uid == VMN_UID
    assert os.stat(aside).st_mode & 0o777 == 0o700
    assert os.listdir(aside) == ["vmn.db"]


def test_have_a_file_of_roots_written_or_moved_by_a_link(machine):
    machine.write("lib/vmn/vmn.db", "state", VMN_UID)
    machine.write("lib/vmn-ovsdb/cluster.db", "database", VMN_UID)
    machine.link("lib/vmn-ovsdb/cluster.db.address", "victim/shadow")
    status, said = machine.run(machine.path("vmn-cluster"), "recover", "--yes")
    assert status, said
    machine.check_victim(said)
    # The database of a member is where root's folder was to get it.
    os.unlink(machine.path("lib/vmn-ovsdb/cluster.db.address"))
    os.unlink(machine.path("lib/vmn/vmn.db"))
    machine.link("lib/vmn/vmn.db", "victim")
    status, said = machine.run(machine.path("vmn-cluster"), "leave", "--gone")
    assert status, said
    machine.check_victim(said)


@pytest.mark.parametrize("address", [
    'x";touch %(dir)s/witness;":1', "$(touch %(dir)s/witness):1",
    "x:1\"; touch %(dir)s/witness; \"", "`touch %(dir)s/witness`:1"])
def test_inject_commands_by_a_server_address(machine, address):
    machine.write("lib/vmn/vmn.db", "state", VMN_UID)
    machine.write("lib/vmn-ovsdb/cluster.db", "database", VMN_UID)
    machine.write("status", "Servers:\n    1a2b (1a2b at ssl:%s)\n\x1b[2J"
                  % (address % {"dir": machine.dir}))
    status, said = machine.run(machine.path("vmn-cluster"), "recover", "--yes")
    assert status and "batch 5" in said, said
    machine.check_victim(said)
    assert not UNSAFE.search(said), said


def test_have_root_write_a_backup_by_a_link(machine):
    """vmn-backup works as the user whose folder it is."""
    machine.tool("vmnctl", 'id -u >"$2"\n')
    now = time.time()
    for i in range(120):
        machine.link("lib/vmn/vmn-%s.db" % time.strftime(
            "%Y%m%dT%H%M%SZ", time.gmtime(now + i)), "victim/new")
    status, said = machine.run(TOP + "/deploy/backup",
                               machine.path("lib/vmn"))
    assert status, said
    machine.check_victim(said)
    os.mkdir(machine.path("lib/vmn/other"))
    os.chown(machine.path("lib/vmn/other"), VMN_UID, VMN_UID)
    status, said = machine.run(TOP + "/deploy/backup", "--keep", "2",
                               machine.path("lib/vmn/other"))
    assert status == 0, said
    made, = os.listdir(machine.path("lib/vmn/other"))
    with open(machine.path("lib/vmn/other", made), encoding="ascii") as file:
        assert file.read() == "%d\n" % VMN_UID


def test_have_root_write_a_backup_where_a_folder_was_replaced(machine):
    """A folder below one of the user vmn's is that user's to replace, whoever
    has made it; and a link of root's may lead to such a one."""
    machine.tool("vmnctl", 'id -u >"$2"\n')
    backup = TOP + "/deploy/backup"
    os.mkdir(machine.path("lib/vmn/weekly"))        # By root, once.
    os.rename(machine.path("lib/vmn/weekly"), machine.path("lib/vmn/gone"))
    machine.link("lib/vmn/weekly", "victim")
    said = machine.run(backup, machine.path("lib/vmn/weekly"))[1]
    machine.check_victim(said)
    said = machine.run(backup, machine.path("lib/vmn/weekly/daily"))[1]
    machine.check_victim(said)
    os.symlink(machine.path("lib/vmn"), machine.path("backups"))
    status, said = machine.run(backup, machine.path("backups/new"))
    assert status == 0, said
    made, = os.listdir(machine.path("lib/vmn/new"))
    with open(machine.path("lib/vmn/new", made), encoding="ascii") as file:
        assert file.read() == "%d\n" % VMN_UID
    machine.check_victim(said)


# Writes whether the user vmn has a terminal, or the token.
TERMINAL = """found=no${VMNCTL_TOKEN:-}
if (: </dev/tty) 2>/dev/null; then
    found=yes
fi
[ "$(id -u)" = 0 ] || echo $found >>"%s/lib/vmn/terminal"
exec %s "$@"
"""


def test_type_commands_into_roots_terminal(machine):
    """A process that vmn-cluster or vmn-backup starts as the user vmn, who may
    take it over by a debugger, has no controlling terminal (TIOCSTI), and that
    of vmn-cluster no token."""
    for name in "mv", "rm", "mkdir":
        machine.tool(name, TERMINAL % (machine.dir, shutil.which(name)))
    machine.write("lib/vmn/vmn.db", "state", VMN_UID)
    os.mkdir(machine.path("lib/vmn/copies"))
    os.chown(machine.path("lib/vmn/copies"), VMN_UID, VMN_UID)
    for args in (("env", "VMNCTL_TOKEN=secret", machine.path("vmn-cluster"),
                  "leave", "--gone"),
                 (TOP + "/deploy/backup", machine.path("lib/vmn/copies"))):
        said = machine.run("script", "--quiet", "--return", "--command",
                           shlex.join(args), "/dev/null")[1]
        with open(machine.path("lib/vmn/terminal"), encoding="ascii") as file:
            found = file.read().split()
        os.unlink(machine.path("lib/vmn/terminal"))
        assert found and set(found) == {"no"}, said


def test_drive_roots_terminal_by_what_a_server_replies(machine):
    machine.write("lib/vmn/vmn.db", "state", VMN_UID)
    machine.write("lib/vmn-ovsdb/cluster.db", "database", VMN_UID)
    machine.write("status", "Status: cluster member\n")
    machine.tool("ovs-appctl", 'cat %s\nprintf "\\033[2Jforged\\n"\n'
                 % machine.path("status"))
    machine.tool("ovsdb-client", 'printf "\\033[2Jerror\\n"\n')
    said = machine.run(machine.path("vmn-cluster"), "leave")[1]
    assert "forged" in said and not UNSAFE.search(said), ascii(said)


def test_take_all_memory_of_the_machine():
    """What runs all the time has a bound."""
    folder = TOP + "/deploy/systemd"
    units = [name for name in os.listdir(folder)
             if name.endswith(".service.in")]
    assert len(units) > 1
    for name in units:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = file.read()
        assert "\nType=oneshot\n" in text or "\nMemoryMax=" in text, name


def test_have_a_restore_write_a_file_of_roots_by_a_link(machine, lab):
    """vmnctl works as the user whose folder it is."""
    backup = machine.path("lib/vmn/old.db")
    for name in "vmnctl", "ovsdb-tool":
        os.unlink(machine.path("bin", name))
    vmnctl(lab, "backup", backup)
    shutil.copy(backup, machine.path("lib/vmn/vmn.db"))
    lab.vmnd.api.put("groups/later", {"selector": "a=b"})
    lab.vmnd.api.delete("groups/later")
    vmnctl(lab, "backup", machine.path("lib/vmn/new.db"))
    for name in os.listdir(machine.path("lib/vmn")):
        os.chown(machine.path("lib/vmn", name), VMN_UID, VMN_UID)
    restore = [find("vmnctl"), "restore", machine.path("lib/vmn/new.db"),
               "--database", machine.path("lib/vmn/vmn.db"), "--yes"]
    for name in ("restore-part.former", "restore-part", "restore-part-wal",
                 "restore-part.former-journal"):
        machine.link("lib/vmn/vmn.db." + name, "victim/shadow")
        said = machine.run(*restore)[1]
        machine.check_victim(said)
        if os.path.lexists(machine.path("lib/vmn/vmn.db." + name)):
            os.unlink(machine.path("lib/vmn/vmn.db." + name))
    status, said = machine.run(*restore)
    assert status == 0 or "nothing would change" in said, said
    assert {os.lstat(machine.path("lib/vmn", name)).st_uid
            for name in os.listdir(machine.path("lib/vmn"))} == {VMN_UID}
