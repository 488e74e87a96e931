# SPDX-License-Identifier: Apache-2.0
"""deploy/quickstart: it may be interrupted anywhere, and leaves other trees'
labs alone.  It runs in a small tree with the programs that are built already,
so that nothing is installed or compiled."""

import contextlib
import os
import random
import shutil
import signal
import subprocess

import pytest
from conftest import HERE, lab_name
from test_lab import left_of, links_and_routes
from vmnlab import lab as lab_module
from vmnlab.daemon import find
from vmnlab.netns import wait_for

DEPLOY = os.path.realpath(os.path.join(HERE, "../../deploy"))


class Tree:
    def __init__(self, path, build):
        self.path = str(path)
        self.name = lab_name("qs")
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("VMND", "VMNCTL", "VMN_APPDIR")}
        shutil.copytree(DEPLOY, self.path + "/deploy")
        built = self.path + "/_build/normal"
        os.makedirs(built)
        os.makedirs(self.path + "/build-aux")
        vmnd = os.path.realpath(find("vmnd"))
        for name, there in (
                ("vmnd", vmnd), ("vmnctl", os.path.realpath(find("vmnctl"))),
                ("appdir", os.environ.get("VMN_APPDIR") or
                 os.path.dirname(vmnd) + "/appdir")):
            os.symlink(there, built + "/" + name)
        self.script("need-packages", "")
        self.script("build", build)

    def script(self, name, text):
        path = "%s/build-aux/%s" % (self.path, name)
        with open(path, "w") as file:
            file.write("#!/bin/bash\n" + text)
        os.chmod(path, 0o755)

    def start(self, *words):
        """In a group of its own, as a shell would start it."""
        return subprocess.Popen(
            [self.path + "/deploy/quickstart", "--name", self.name, *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=self.env,
            process_group=0)

    @contextlib.contextmanager
    def running(self, *words):
        """The same, which ends with the block, and its lab with it."""
        running = self.start(*words)
        try:
            yield running
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.communicate()
            subprocess.run([self.path + "/deploy/lab/vmn-lab", "down",
                            "--name", self.name], env=self.env, timeout=60,
                           stdout=subprocess.DEVNULL)

    def run(self, *words):
        running = self.start(*words)
        try:
            text = running.communicate(timeout=120)[0]
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
        return running.returncode, text


def ctrl_c(running):
    os.killpg(running.pid, signal.SIGINT)
    return running.communicate(timeout=60)[0]


def test_ctrl_c_ends_the_build_and_all_that_it_started(tmp_path):
    tree = Tree(tmp_path / "a", "sleep 100 & echo $! $$ >_build/pids\n"
                "sleep 100\n")
    pids = tree.path + "/_build/pids"
    with tree.running() as running:
        wait_for("the build", lambda: os.path.exists(pids)
                 and os.path.getsize(pids), 30)
        text = ctrl_c(running)
    assert running.returncode == 130, text
    assert "interrupted" in text
    with open(pids) as file:
        wait_for("the build to be gone", lambda words=file.read().split():
                 not any(map(runs, words)), 30)


def runs(pid):
    try:
        with open("/proc/%s/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("seed", range(5))
def test_down_after_ctrl_c_in_the_demonstration(tmp_path, seed):
    print("seed", seed)
    tree = Tree(tmp_path / "a", "")
    before = links_and_routes()
    with tree.running() as running:
        try:
            running.wait(random.Random(seed).uniform(0.2, 3.0))
        except subprocess.TimeoutExpired:
            pass
        if running.poll() is None:
            text = ctrl_c(running)
            assert "Traceback" not in text, text
            assert running.returncode == 130, text
        status, text = tree.run("--down")
        assert status == 0, text
        assert not left_of(tree.name)
    assert links_and_routes() == before


def test_lab_of_another_tree_is_left_alone(tmp_path):
    tree = Tree(tmp_path / "a", "")
    folder = os.path.join(lab_module.DIR, tree.name)
    record = folder + "/lab.json"
    os.makedirs(folder)
    try:
        with open(record, "w") as file:
            file.write('{"vmnd": "/another/tree/_build/normal/vmnd"}')
        for words in ([], ["--down"]):
            status, text = tree.run(*words)
            assert status == 1, text
            assert "/another/tree" in text
            assert os.path.exists(record)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("words", [["--nam"], ["--name"], ["down"],
                                   ["--name", "No_Name"]])
def test_wrong_usage(tmp_path, words):
    status, text = Tree(tmp_path / "a", "exit 9").run(*words)
    assert status == 2, text
