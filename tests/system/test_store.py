# SPDX-License-Identifier: Apache-2.0
"""A store that cannot be written, or read, and the way back: writes are
refused with the reason, the network goes on, nothing acknowledged is lost."""

import contextlib
import glob
import hashlib
import json
import os
import pty
import sqlite3
import subprocess
import threading

import pytest
from conftest import (World, check_log, close_lab, flows, make_lab,
                      wait_quiet)
from test_durable import Alone, Writer, alone       # noqa: F401

from vmnlab.api import Refused
from vmnlab.daemon import find
from vmnlab.netns import wait_for
from vmnlab.traffic import Pinger

DAMAGED = 3                     # vmnd's exit status.


def vmnctl(*args, wrapper=(), check=True):
    """Returns what it prints, or with 'check' False (status, all it says)."""
    done = subprocess.run(list(wrapper) + [find("vmnctl"), *args],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120)
    if check:
        assert done.returncode == 0, done.stdout
        return done.stdout
    return done.returncode, done.stdout


def backup(vmnd, name):
    path = os.path.join(vmnd.lab.dir, name)
    assert "verified" in vmnctl("backup", path, "-s", "unix:" + vmnd.socket)
    return path


def restore(vmnd, path, *more):
    return vmnctl("restore", path, "--database", vmnd.db, "--yes", *more)


def spoil(path):
    """Overwrites all but the first page of a database that is in use; what
    vmnd has in its cache is made stale before, by a change of its own."""
    with sqlite3.connect(path) as other:
        other.execute("UPDATE revisions SET who = who")
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(os.urandom(size - 4096))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def show(vmnd):
    return subprocess.run(["ovs-appctl", "-t", vmnd.unixctl, "store/show"],
                          check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def refusal(call, *args):
    """The 503 that 'call' gets; None if it is taken."""
    try:
        call(*args)
    except Refused as refused:
        assert refused.status == 503, refused
        assert refused.problem["type"] == "urn:vmn:problem:unavailable"
        return str(refused)
    return None


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("store", 2)
    yield lab
    close_lab(lab)


@contextlib.contextmanager
def steady(lab):
    """Pings all the time, of which none may be lost.  Not while a VM is
    plugged in: that holds a userspace datapath for a moment."""
    pinger = Pinger(lab.vm("red1"), lab.vm("red2").ip).start()
    try:
        yield
    finally:
        lost = pinger.stop()
    for host in lab.hosts if lost else ():
        print(host.name, [line for line in host.appctl(
            "coverage/show").splitlines() if "drop" in line])
    assert pinger.sent
    assert not lost


@pytest.fixture
def town(lab):
    """A network over both hosts."""
    world = World(lab)
    world.network("red")
    for i in (1, 2):
        world.vm("red%d" % i, "red", "h%d" % i, "10.0.0.%d" % i)
    assert world.reaches(lab.vm("red1"), lab.vm("red2"), protocol="icmp")
    yield world
    world.close()
    check_log(lab.vmnd)


# A disk that is full, or fails.  -------------------------------------------

class SmallDisk:
    """A file system of 'size' in a mount namespace of its own, where the lab's
    vmnd finds its database.  It goes with the process that holds it."""

    def __init__(self, vmnd, size="1m"):
        self.vmnd = vmnd
        self.former = vmnd.db
        self.dir = os.path.join(vmnd.lab.dir, "disk")
        os.makedirs(self.dir, exist_ok=True)
        self.holder = subprocess.Popen(
            ["unshare", "-m", "setpriv", "--pdeathsig", "KILL", "sh", "-c",
             "mount -t tmpfs -o size=%s vmn %s && echo ready && "
             "exec sleep infinity" % (size, self.dir)],
            stdout=subprocess.PIPE, text=True)
        ready = self.holder.stdout.readline()
        if ready != "ready\n":
            self.close()
        assert ready == "ready\n"
        self.wrapper = ["nsenter", "-m", "-t", str(self.holder.pid)]
        vmnd.db = os.path.join(self.dir, "vmn.db")

    def run(self, command):
        subprocess.run(self.wrapper + ["sh", "-c", command], check=True,
                       stderr=subprocess.DEVNULL, timeout=60)

    def fill(self):
        self.run("cat /dev/zero >>%s/filling || :" % self.dir)

    def make_room(self):
        self.run("rm %s/filling" % self.dir)

    def close(self):
        self.vmnd.db = self.former
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


@pytest.fixture
def disk(lab, town):
    """The lab's vmnd on a small disk, with the state that it had."""
    vmnd = lab.vmnd
    with steady(lab):
        assert vmnd.stop() == 0
        disk = SmallDisk(vmnd)
        disk.run("cp %s %s" % (disk.former, vmnd.db))
        vmnd.start(disk.wrapper)
        wait_quiet(lab)
    yield disk
    assert vmnd.stop() == 0
    # What is there now is what the next test goes on with.
    disk.run("cp %s %s" % (vmnd.db, disk.former))
    disk.close()
    vmnd.start()
    wait_quiet(lab)


def write_until_refused(api, known, n=5000):
    """Remembers in 'known' what was acknowledged; returns the refusal."""
    for i in range(n):
        name, text = "groups/g%d" % (i % 50), "turn %d" % (len(known) + i)
        words = refusal(api.put, name, {"description": text})
        if words:
            return words
        known[name] = text
    raise AssertionError("%d writes were not refused" % n)


def check_known(api, known):
    for name, text in known.items():
        assert api.get(name)["spec"]["description"] == text


def forget(api, known):
    for name in known:
        api.delete(name)


def test_full_disk_refuses_writes_and_nothing_else(lab, town, disk):
    vmnd, api, known = lab.vmnd, lab.vmnd.api, {}
    town.put_nowait("ports", "late", network="red", ips=["10.0.0.9"])
    with steady(lab):
        disk.fill()
        words = write_until_refused(api, known)
        print(words)
        assert "could not be stored" in words and "full" in words
        # The log that was emptied then was the last room there was.
        disk.fill()
        # All of it, or nothing.
        assert refusal(api.apply, [
            {"type": "networks", "name": "refused", "spec": {}},
            {"type": "groups", "name": "refused", "spec": {}}])
        for name in ("networks/refused", "groups/refused"):
            with pytest.raises(Refused) as none:
                api.get(name)
            assert none.value.status == 404
        check_known(api, known)

        problem = api.get("status")["problems"][0]
        assert problem["kind"] == "store" and "full" in problem["detail"]
        assert api.metrics()["vmn_store_ok"] == 0
        assert "was not stored" in show(vmnd) and "full" in show(vmnd)
        status, _ = vmnctl("status", "-s", "unix:" + vmnd.socket, check=False)
        assert status == 1

        # A backup needs room, too; but it may be elsewhere.
        there = os.path.join(lab.dir, "full.db")
        status, words = vmnctl("backup", there, "-s", "unix:" + vmnd.socket,
                               check=False)
        assert status == 1 and "full" in words, words
        assert not glob.glob(there + "*")
        assert "verified" in vmnctl("backup", there, "--database", vmnd.db,
                                    wrapper=disk.wrapper)

    # What a host reports meanwhile is not lost, either.
    lab.add_vm_of_port("late", "h2")
    town.own_vms.append("late")
    assert refusal(api.apply, [{"type": "groups", "name": "x%d" % i,
                                "spec": {}} for i in range(50)])
    with steady(lab):
        disk.make_room()
        lab.await_ports(["late"])
        assert not refusal(api.put, "groups/g0", {"description": "room"})
        known["groups/g0"] = "room"
        assert api.metrics()["vmn_store_ok"] == 1
        assert not api.get("status")["problems"]
        assert town.reaches(lab.vm("red1"), lab.vm("late"), protocol="icmp")

        vmnd.kill()
        vmnd.start(disk.wrapper)
        wait_quiet(lab)
        check_known(api, known)
    forget(api, known)


def test_disk_that_fills_up_at_any_write_loses_nothing(lab, town, disk):
    """Killed in the middle of it, too."""
    vmnd, api, known = lab.vmnd, lab.vmnd.api, {}
    with steady(lab):
        for turn in range(5):
            disk.fill()
            write_until_refused(api, known)
            if turn % 2:
                vmnd.kill()
                disk.make_room()
                vmnd.start(disk.wrapper)
                wait_quiet(lab)
            else:
                disk.make_room()
            check_known(api, known)
            known["groups/g0"] = str(turn)
            assert not refusal(api.put, "groups/g0",
                               {"description": known["groups/g0"]})
    forget(api, known)


def test_disk_that_fails_is_told_with_its_reason(lab, town):
    """Any other error of the file system; here, that no file may grow."""
    vmnd, api = lab.vmnd, lab.vmnd.api

    def limit(size):
        subprocess.run(["prlimit", "--pid", str(vmnd.pid()),
                        "--fsize=" + size], check=True)
    town.put("groups", "kept", description="before")
    with steady(lab):
        limit("512:unlimited")
        try:
            words = refusal(api.put, "groups/kept", {"description": "refused"})
            assert words and "disk I/O error" in words, words
            assert api.get("groups/kept")["spec"]["description"] == "before"
            assert api.get("status")["problems"][0]["kind"] == "store"
        finally:
            limit("unlimited:unlimited")
        assert not refusal(api.put, "groups/kept", {"description": "after"})
        vmnd.kill()
        vmnd.start()
        wait_quiet(lab)
        assert api.get("groups/kept")["spec"]["description"] == "after"


def test_read_only_disk_is_told_at_start(alone):    # noqa: F811
    disk = SmallDisk(alone)
    try:
        alone.start(disk.wrapper)
        alone.api.put("networks/keep", {"description": "me"})
        assert alone.stop() == 0
        disk.run("mount -o remount,ro " + disk.dir)
        alone.spawn(disk.wrapper)
        assert alone.process.wait(30) == 1
        assert "Read-only file system" in alone.last_words()
        disk.run("mount -o remount,rw " + disk.dir)
        alone.start(disk.wrapper)
        assert alone.api.get("networks/keep")["spec"]["description"] == "me"
        alone.kill()
    finally:
        disk.close()


# A database that is corrupt.  ----------------------------------------------

def test_corrupt_database_is_told_at_start_and_left_alone(
        alone):                                     # noqa: F811
    alone.start()
    alone.api.put("networks/keep", {"description": "saved"})
    saved = backup(alone, "saved.db")
    alone.api.put("networks/keep", {"description": "lost"})
    newest = alone.api.get("status")["revision"]
    alone.kill()
    spoil(alone.db)
    before = digest(alone.db)
    for _ in range(2):
        alone.spawn()
        assert alone.process.wait(30) == DAMAGED
        words = alone.last_words()
        assert "malformed" in words or "corrupt" in words, words
        assert "`vmnctl restore BACKUP --database " in words, words
        assert digest(alone.db) == before
    # Nor does a backup take it for good.
    status, words = vmnctl("backup", saved, "--database", alone.db, "--force",
                           check=False)
    assert status == 1 and alone.db in words, words

    words = restore(alone, saved)
    assert "it cannot be used" in words, words
    assert digest(glob.glob(alone.db + ".before-restore-*Z")[0]) == before
    alone.start()
    assert alone.api.get("networks/keep")["spec"]["description"] == "saved"
    assert alone.api.get("status")["revision"] > newest
    assert alone.stop() == 0


def test_corruption_while_running_costs_nothing_acknowledged(lab, town):
    vmnd, api = lab.vmnd, lab.vmnd.api
    town.put("groups", "kept", description="acknowledged")
    before = {host.name: flows(host) for host in lab.hosts}
    with steady(lab):
        spoil(vmnd.db)
        words = refusal(api.put, "groups/kept", {"description": "refused"})
        assert words and "is corrupt" in words, words
        assert "vmnctl backup" in words, words
        assert refusal(api.put, "networks/more", {})
        assert api.get("groups/kept")["spec"]["description"] == "acknowledged"
        assert "is corrupt" in api.get("status")["problems"][0]["detail"]
        assert api.metrics()["vmn_store_corrupt"] == 1
        assert "corrupt" in show(vmnd)

        # What is in memory is what was acknowledged.
        saved = backup(vmnd, "memory.db")
        newest = api.get("status")["revision"]
        vmnd.kill()
        restore(vmnd, saved)
        vmnd.start()
        wait_quiet(lab)
        assert api.get("groups/kept")["spec"]["description"] == "acknowledged"
        assert api.get("status")["revision"] > newest
        after = {host.name: flows(host) for host in lab.hosts}
        for name, held in before.items():
            assert {k: f.actions for k, f in held.items()} == {
                k: f.actions for k, f in after[name].items()}
        assert not refusal(api.put, "groups/kept", {"description": "again"})


# Backup and restore.  ------------------------------------------------------

def test_backup_of_a_busy_vmnd_is_one_moment(alone):     # noqa: F811
    """It holds all that was acknowledged before it began."""
    alone.start()
    go = threading.Event()
    writers = [Writer(alone.api, i, go) for i in range(4)]
    for writer in writers:
        writer.start()
    go.set()
    wait_for("a write of each", lambda: all(w.n_acknowledged
                                            for w in writers), 30)
    for turn in range(10):
        revision = max(w.revision for w in writers)
        saved = backup(alone, "saved%d.db" % turn)
        with sqlite3.connect(saved) as db:
            newest = db.execute("SELECT max(revision) FROM revisions"
                                ).fetchone()[0]
            assert newest >= revision
            # Each row is of a revision that is there.
            assert not db.execute(
                "SELECT name FROM networks WHERE revision NOT IN "
                "(SELECT revision FROM revisions)").fetchall()
        db.close()
        assert not any(w.refused for w in writers)
    alone.kill()
    for writer in writers:
        writer.join(20)


def test_comments_of_changes_are_kept(alone):            # noqa: F811
    """Through restarts and a restore, which takes the changes back; events
    tell them."""
    def comments():
        return {one["revision"]: one["comment"] for one in
                alone.api.get("revisions")["items"] if "comment" in one}

    alone.start()
    first = alone.api.call("PUT", "/v1/networks/keep", {"spec": {}},
                           comment="CHG-1: \u00e4")["revision"]
    saved = backup(alone, "saved.db")
    second = alone.api.call("DELETE", "/v1/networks/keep",
                            comment="CHG-2")["revision"]
    told = vmnctl("events", "-s", "unix:" + alone.api.path, "--since",
                  str(first), "--kinds", "revision")
    assert "create networks/keep; CHG-1: \u00e4\n" in told, told
    assert "delete networks/keep; CHG-2\n" in told, told
    both = {first: "CHG-1: \u00e4", second: "CHG-2"}
    assert comments() == both
    assert alone.stop() == 0
    alone.start()
    assert comments() == both
    assert alone.stop() == 0
    status, words = vmnctl("restore", saved, "--database", alone.db,
                           check=False)
    assert status == 1 and "CHG-2" in words, words
    assert "--yes takes these changes back" in words
    assert "\ncreate   networks   keep\n" in words, words
    vmnctl("restore", saved, "--database", alone.db, "--yes", "-m", "CHG-3")
    alone.start()
    assert alone.api.get("networks/keep")
    both[alone.api.get("status")["revision"]] = "CHG-3"
    assert comments() == both
    assert alone.stop() == 0


def test_restore_says_what_it_would_change(alone):       # noqa: F811
    """Field by field, while vmnd runs, and what users have lost by it is in
    the log; a second restore changes nothing."""
    alone.start()
    alone.api.put("networks/keep", {"mtu": 1400})
    saved = backup(alone, "saved.db")
    changed = alone.api.put("networks/keep", {"mtu": 1300})["revision"]
    alone.api.put("networks/new", {})
    files = set(os.listdir(alone.lab.dir))
    words = vmnctl("restore", saved, "--database", alone.db, "--dry-run")
    assert "\nnetworks/keep\n  mtu: 1300 -> 1400\n" in words, words
    assert "\ndelete   networks   new\n" in words, words
    assert "\n%d " % changed in words, words
    plan = json.loads(vmnctl("restore", saved, "--database", alone.db,
                             "--dry-run", "-o", "json"))
    assert plan["n_objects"] == 2 and plan["n_revisions"] == 2, plan
    assert plan["objects"][0]["fields"] == [
        {"path": "/spec/mtu", "before": 1300, "after": 1400}]
    words = vmnctl("restore", saved, "--database", alone.db, "--dry-run",
                   "--limit", "1")
    assert "and 1 more (--limit N shows more)" in words, words
    assert set(os.listdir(alone.lab.dir)) == files
    assert alone.api.get("networks/new")
    assert alone.stop() == 0

    run = subprocess.run([find("vmnctl"), "restore", saved, "--database",
                          alone.db, "-o", "json"], capture_output=True,
                         text=True, stdin=subprocess.DEVNULL, timeout=120)
    assert run.returncode == 1 and "--yes" in run.stderr, run
    assert json.loads(run.stdout) == {**plan, "restored": None}, run

    words = restore(alone, saved, "-o", "json")
    done = json.loads(words)
    for part in "n_objects", "objects", "n_revisions", "revisions":
        assert done[part] == plan[part], (part, done, plan)
    assert done["restored"]["n_taken_back"] == 2, done
    assert os.path.exists(done["restored"]["former"]), done
    words = vmnctl("restore", saved, "--database", alone.db)
    assert "nothing would change: " + alone.db in words, words
    done = json.loads(vmnctl("restore", saved, "--database", alone.db, "-o",
                             "json"))
    assert done["restored"] is None and done["n_objects"] == 0, done
    alone.start()
    words = vmnctl("revision", str(changed), "--diff", "-s",
                   "unix:" + alone.socket)
    assert "\nnetworks/keep\n  mtu: 1400 -> 1300\n" in words, words
    words = vmnctl("restore", saved, "--database", alone.db, "--dry-run")
    assert "nothing would change: " + alone.db in words, words
    plan = json.loads(vmnctl("restore", saved, "--database", alone.db,
                             "--dry-run", "-o", "json"))
    assert plan["n_objects"] == 0 and plan["objects"] == [], plan
    assert alone.stop() == 0


def test_dry_run_of_a_restore_says_why_it_compares_nothing(
        alone):                                          # noqa: F811
    alone.start()
    alone.api.put("networks/keep", {})
    saved = backup(alone, "saved.db")
    assert alone.stop() == 0

    def plan():
        return json.loads(vmnctl("restore", saved, "--database", alone.db,
                                 "--dry-run", "-o", "json"))

    with open(alone.db, "r+b") as file:
        file.write(b"no database")
    assert "not a database" in plan()["error"]
    assert plan()["n_objects"] is None
    # Whatever it is, it is not replaced before somebody says so.
    run = subprocess.run([find("vmnctl"), "restore", saved, "--database",
                          alone.db], capture_output=True, text=True,
                         stdin=subprocess.DEVNULL, timeout=120)
    assert run.returncode == 1 and "--yes restores it" in run.stderr, run
    assert "nothing to compare with: " in run.stdout, run
    # A person is told why before it is asked, also if the reply is JSON.
    ours, theirs = pty.openpty()
    os.write(ours, b"n\n")
    run = subprocess.run([find("vmnctl"), "restore", saved, "--database",
                          alone.db, "-o", "json"], capture_output=True,
                         text=True, stdin=theirs, timeout=120)
    os.close(theirs)
    os.close(ours)
    before, asked, _ = run.stderr.partition("Restore it? [y/N] ")
    assert run.returncode == 1 and asked, run
    assert "nothing to compare with: " in before, run
    assert "not a database" in before, run
    assert "not a database" in json.loads(run.stdout)["error"], run
    with open(alone.db, "rb") as file:
        assert file.read(11) == b"no database"
    os.unlink(alone.db)
    assert plan()["error"] == "there is no database yet"
    assert "there is nothing to compare with: there is no database yet" \
        in vmnctl("restore", saved, "--database", alone.db, "--dry-run")


def test_backup_replaces_no_file_by_itself(alone):       # noqa: F811
    alone.start()
    saved = backup(alone, "saved.db")
    before = digest(saved)
    server = "unix:" + alone.api.path
    n = json.loads(vmnctl("backup", saved + ".first", "-s", server, "-o",
                          "json"))["n_objects"] + 1
    for more in ("-s", server), ("--database", alone.db):
        status, words = vmnctl("backup", saved, *more, check=False)
        assert status == 1 and "is there already: --force" in words, words
        assert digest(saved) == before
        alone.api.put("networks/" + more[0].strip("-"), {})
        told = json.loads(vmnctl("backup", saved, *more, "--force", "-o",
                                 "json"))
        assert (told["file"], told["n_objects"]) == (saved, n), told
        assert told["revision"] and told["time"].endswith("Z"), told
        n += 1
        assert digest(saved) != before
        before = digest(saved)
    assert alone.stop() == 0


def test_what_is_no_file_is_not_replaced(
        alone, tmp_path, monkeypatch):                  # noqa: F811
    """A folder, a pipe or a link stands for more than the name that it has:
    least of all the folder of the state gives way to a file."""
    alone.start()
    saved = backup(alone, "saved.db")
    source = "-s", "unix:" + alone.api.path
    folder, pipe, link = (str(tmp_path / n) for n in ("state", "pipe", "link"))
    os.mkdir(folder)
    os.mkfifo(pipe)
    os.symlink("nowhere", link)
    monkeypatch.chdir(tmp_path)
    before = sorted(os.listdir())

    def refused(words, *args, status=1):
        found, text = vmnctl(*args, check=False)
        assert found == status and words in text, text
        assert sorted(os.listdir()) == before
        assert os.path.isdir(folder) and os.path.islink(link)
        assert os.stat(pipe).st_mode & 0o170000 == 0o010000

    for more in source, ("--database", alone.db):
        for force in [], ["--force"]:
            refused(folder + " is a folder: name a file in it", "backup",
                    folder, *force, *more)
            refused(pipe + " is not a file", "backup", pipe, *force, *more)
            refused(link + " is a link", "backup", link, *force, *more)
        refused("not standard output", "backup", "-", *more, status=2)
        refused("backup: argument 1 is empty", "backup", "", *more, status=2)
    for more in ("--dry-run",), ("--yes",):
        refused("is a folder: name a file in it", "restore", saved,
                "--database", folder, *more)
        refused("is not a file", "restore", saved, "--database", pipe, *more)
        refused("give --database, the file", "restore", saved, "--database",
                "", *more, status=2)
        refused(link + " is a link: name a file", "restore", saved,
                "--database", link, *more)


def test_backup_by_timer_keeps_what_it_has_made(alone):  # noqa: F811
    """Even if a clock that was wrong has made newer ones."""
    folder = os.path.join(alone.lab.dir, "backups")
    os.mkdir(folder)
    names = ["vmn-%d0101T023000Z.db" % year for year in (2001, 2998, 2999)]
    for name in [*names, "mine.db"]:
        with open(os.path.join(folder, name), "w", encoding="ascii"):
            pass
    alone.start()
    env = dict(os.environ, VMNCTL_SERVER="unix:" + alone.socket,
               PATH=os.path.dirname(find("vmnctl")) + ":"
               + os.environ["PATH"])
    program = os.path.join(os.path.dirname(__file__), "../../deploy/backup")
    for wrong in ([folder, folder + "2"], [""], ["--keep"], ["--keep", "0",
                                                             folder]):
        done = subprocess.run([program, *wrong], env=env, timeout=120,
                              stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2 and "vmn-backup" in done.stderr, done
    assert not os.path.exists(folder + "2")
    subprocess.run([program, "--keep", "2", folder], env=env, timeout=120,
                   check=True)
    left = set(os.listdir(folder))
    made, = left - {*names, "mine.db"}
    assert left == {made, names[2], "mine.db"}
    assert os.path.getsize(os.path.join(folder, made))
    assert alone.stop() == 0


def test_restore_is_refused_while_vmnd_runs(alone):      # noqa: F811
    alone.start()
    alone.api.put("networks/keep", {})
    saved = backup(alone, "saved.db")
    status, words = vmnctl("restore", saved, "--database", alone.db,
                           check=False)
    assert status == 1 and "in use" in words, words
    assert alone.api.get("networks/keep")
    assert vmnctl("restore", saved, check=False)[0] == 2
    assert alone.stop() == 0


def revision_words(vmnd, revision):
    """What vmnctl and the API say of a revision that is none."""
    with pytest.raises(Refused) as refused:
        vmnd.api.get("revisions/%d" % revision)
    assert refused.value.status == 404, refused.value
    status, words = vmnctl("revision", str(revision), "-s",
                           "unix:" + vmnd.socket, check=False)
    assert status == 1 and "Installed" not in words, words
    return words


def test_revision_of_before_a_restore_is_not_installed(alone):  # noqa: F811
    """Nor is one that was never made."""
    alone.start()
    kept = alone.api.put("networks/keep", {})["revision"]
    saved = backup(alone, "saved.db")
    gone = alone.api.put("networks/gone", {})["revision"]
    assert alone.stop() == 0
    restore(alone, saved)
    alone.start()
    by = alone.api.get("status")["revision"]
    assert by > gone
    taken = alone.api.get("revisions/%d" % gone)
    assert taken["restored_over"] == by and taken["receipt"] is None
    words = vmnctl("revision", str(gone), "-s", "unix:" + alone.socket)
    assert "Taken back:  by revision %d, the restore of a " % by in words
    assert "Installed" not in words, words
    status, words = vmnctl("wait", str(gone), "-s", "unix:" + alone.socket,
                           check=False)
    assert status == 1 and "revision %d was taken back by revision %d, " % (
        gone, by) in words.lower(), words
    status, words = vmnctl("undo", str(gone), "-s", "unix:" + alone.socket,
                           check=False)
    assert status == 1 and "is not in effect: revision %d" % by in words
    assert alone.api.get("revisions/%d" % kept)["receipt"]["installed"]
    assert alone.api.get("revisions/%d" % by)["changes"] == [
        {"op": "restore", "type": "database", "name": "saved.db",
         "revision": gone - 1}]
    # The log still says who it was; a wait is for what there is now.
    assert [e["revision"] for e in alone.api.get("revisions")["items"]
            if e.get("restored_over") == by] == [gone]
    changed = alone.api.put("networks/gone", {"mtu": 1300})["revision"]
    words = vmnctl("describe", "network", "gone", "-s", "unix:" + alone.socket)
    assert [line.split()[0] for line in words.splitlines()
            if "unix:uid=" in line] == [str(changed), str(gone)], words
    assert "taken back by %d" % by in words, words
    again = alone.api.put("networks/keep", {}, wait="installed")
    assert again["outcome"] == "unchanged"
    assert again["receipt"]["revision"] == kept

    # Without the former database, its log is not known, either.
    assert alone.stop() == 0
    for path in glob.glob(alone.db + "*"):
        if "before-restore" not in path:
            os.unlink(path)
    restore(alone, saved)
    alone.start()
    by = alone.api.get("status")["revision"]
    words = revision_words(alone, gone)
    assert "was never made, or is from before revision %d" % by in words
    assert "was never made" in revision_words(alone, by - 1)
    assert alone.stop() == 0


def tunnel_ids(host):
    """The VNIs that a host takes from tunnels."""
    return {part.split("=")[1] for flow in flows(host).values()
            for part in flow.match.split(",") if part.startswith("tun_id=")}


def test_restored_state_is_what_hosts_are_made(lab, town):
    """Also one that was away: until it has acknowledged the restored state,
    nothing that it still holds is given another meaning."""
    vmnd, api = lab.vmnd, lab.vmnd.api
    h1, h2 = lab.hosts
    wait_quiet(lab)
    before = {host.name: set(flows(host)) for host in lab.hosts}
    saved = backup(vmnd, "saved.db")

    town.network("blue")
    for i in (1, 2):
        town.vm("blue%d" % i, "blue", "h%d" % i, "10.0.0.%d" % i)
    assert town.reaches(lab.vm("blue1"), lab.vm("blue2"), protocol="icmp")
    blue = api.get("networks/blue")["status"]["vni"]
    with steady(lab):
        newest = api.get("status")["revision"]
        h2.cut()
        wait_for("h2 to be offline", lambda: lab.host_state(h2) == "offline")

        assert vmnd.stop() == 0
        print(restore(vmnd, saved))
        vmnd.start()
        lab.await_synced([h1])
        assert api.get("status")["revision"] > newest
        assert set(flows(h1)) == before["h1"]
        town.settle()
        assert town.blocked(lab.vm("blue1"), lab.vm("blue2"), protocol="icmp")

        # h2 still holds "blue", and would send its packets to a network of
        # that number.
        assert "0x%x" % blue in tunnel_ids(h2)
        with pytest.raises(Refused) as taken:
            api.put("networks/green", {"vni": blue})
        assert taken.value.status == 409, taken.value
        town.put_nowait("networks", "green", subnets=[{"cidr": "10.0.0.0/24"}])
        assert api.get("networks/green")["status"]["vni"] != blue
        assert "0x%x" % blue not in tunnel_ids(h1)

        h2.heal()
        wait_quiet(lab)
        assert set(flows(h2)) == before["h2"]
        # Now that all have acknowledged it, it may be anybody's.
        wait_for("VNI %d to be free" % blue, lambda: not _is_taken(api, blue))


def _is_taken(api, vni):
    try:
        api.put("networks/green", {"vni": vni})
    except Refused as refused:
        assert refused.status == 409, refused
        return True
    return False
