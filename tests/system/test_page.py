# SPDX-License-Identifier: Apache-2.0
"""The page that vmnd serves, used in a headless Chromium on the
demonstration's shop: page-scenes.mjs has what is done there.  Screenshots are
kept in $VMN_TEST_LOGS/page."""

import concurrent.futures as futures
import contextlib
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

import pytest
import shop
from cluster import LEASE_MS
from conftest import HERE, check_log, close_lab, make_lab, wait_quiet
from free_port import free_port
from test_attacks_listeners import dial, ended
from vmnlab import netns, traffic
from vmnlab.daemon import OPENFLOW_PORT, find
from vmnlab.netns import wait_for

TOP = os.path.join(HERE, "../..")
sys.path.insert(0, os.path.join(TOP, "tests/bench"))

from vmnbench.crowd import Crowd  # noqa: E402
from vmnbench.swarm import Swarm  # noqa: E402

TOKEN = "a-token-for-the-page"
PORT = 8181



def scenes():
    """The names of all scenes, in their order."""
    found = []
    for name in ("page-scenes.mjs", "page-scenes-objects.mjs",
                 "page-scenes-forms.mjs", "page-scenes-picture.mjs",
                 "page-scenes-looks.mjs", "page-scenes-loads.mjs"):
        with open(os.path.join(HERE, name)) as source:
            found += [name for name, body in re.findall(
                r"^  (\w+): \{\n((?:    .*\n|\n)*)  \},$", source.read(),
                re.M) if "    bench: true" not in body]
    return found


SCENES = scenes()


def want_to_be_a_host(lab):
    """By OpenFlow 1.3, which vmnd refuses."""
    with contextlib.closing(dial(lab, OPENFLOW_PORT)) as sock:
        sock.sendall(struct.pack("!BBHI", 4, 0, 8, 1))
        assert ended(sock)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    token = tmp_path_factory.mktemp("page") / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    lab = make_lab("page", 3, options=[
        "--api-listen=127.0.0.1:%d" % PORT, "--api-token-file=%s" % token,
        "--count-interval=1"])
    made = None
    try:
        made = shop.Shop(lab)
        made.open()
        wait_quiet(lab)
        assert traffic.ask(lab.vm("buyer1"), lab.vm("db1").ip, shop.DB,
                           seconds=0.5) is None
        want_to_be_a_host(lab)
        # Something that goes on.
        netns.spawn(["ping", "-q", "-i", "0.2", lab.vm("r-db1").ip],
                    lab.vm("r-web1").ns)
        yield made
    finally:
        try:
            if made:
                made.close()
        finally:
            close_lab(lab)


@pytest.fixture(scope="module")
def modules():
    return subprocess.run([os.path.join(TOP, "build-aux/page-modules")],
                          stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    return os.path.join(os.environ.get("VMN_TEST_LOGS") or str(
        tmp_path_factory.mktemp("shots")), "page")


def player(modules, port, shots, *scenes):
    return ["node", os.path.join(HERE, "page.mjs"), modules,
            "http://127.0.0.1:%d" % port, TOKEN, shots, *scenes]


def play(modules, port, shots, *scenes, ns=None):
    """Plays scenes; {scene: what was wrong, or None}."""
    said = netns.run(player(modules, port, shots, *scenes), ns=ns,
                     check=False, timeout=600)
    print(said)
    found = [json.loads(line) for line in said.splitlines()
             if line.startswith("{")]
    return {one["scene"]: one["error"] for one in found}


class Playing:
    """All scenes, one after another, in one browser: each is waited for by
    itself, so that their number is no matter of time."""

    def __init__(self, *args, ns):
        self.process = netns.popen(player(*args), ns, text=True,
                                   stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE)
        self.found = {}         # What was wrong, or None, by scene.
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()

    def _listen(self):
        for line in self.process.stdout:
            print(line, end="")
            with contextlib.suppress(ValueError, KeyError):
                one = json.loads(line)
                self.found[one["scene"]] = one["error"]

    def result(self, scene):
        try:
            wait_for("scene %s to be played" % scene,
                     lambda: scene in self.found
                     or not self.thread.is_alive(), 480)
        except netns.Error:
            self.process.kill()         # Nor are those that would follow.
            raise
        return self.found.get(scene, "it was not played")

    def end(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def playing(opened, modules, shots):
    playing = Playing(modules, PORT, shots, ns=opened.lab.net_ns)
    yield playing
    playing.end()


def test_files_are_served_compressed_and_known_again(opened):
    raw = opened.api.raw
    status, headers, page = raw("GET", "/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "script-src 'self'",
                 "style-src 'self'", "connect-src 'self'",
                 "frame-ancestors 'none'", "base-uri 'none'",
                 "form-action 'none'"):
        assert part in policy.split("; ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert b"<script type=\"module\" src=\"/page/page.js\">" in page
    # Nothing in it that the policy would refuse, nor from elsewhere.
    assert not re.search(rb"style=|\son\w+=|https?://", page)

    for name in ("page.js", "page.css"):
        status, headers, plain = raw("GET", "/page/" + name)
        assert status == 200 and "Content-Encoding" not in headers
        status, packed, body = raw("GET", "/page/" + name,
                                   headers={"Accept-Encoding": "gzip"})
        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(body) == plain
        assert len(body) < len(plain) / 2
        assert packed["ETag"] != headers["ETag"]
        status, _, body = raw("GET", "/page/" + name, headers={
            "Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]})
        assert (status, body) == (304, b"")
    assert raw("GET", "/page/nothing.js")[0] == 404


def test_ports_are_listed_by_where_they_are(opened):
    def names(**where):
        return {p["name"] for p in opened.api.get("ports", **where)["items"]}

    on_h1 = {vm for vm, host in shop.PLACES.items() if host == "h1"}
    assert names(host="h1") == on_h1
    in_shop = names(network="shop")
    assert in_shop and in_shop < set(shop.SHOP)
    assert names(host="h1", network="shop") == on_h1 & in_shop
    assert names(host="h1", network="shop", selector="role=web") == {"web1"}


def test_functions_that_need_no_browser(modules):
    found = subprocess.run(["node", os.path.join(HERE, "page-functions.mjs"),
                            modules], stdout=subprocess.PIPE, text=True,
                           check=False)
    print(found.stdout)
    assert found.returncode == 0


@pytest.mark.parametrize("scene", SCENES)
def test_scene(opened, playing, scene):
    assert playing.result(scene) is None, playing.result(scene)
    check_log(opened.lab.vmnd)


def test_cluster_is_shown_and_that_nothing_can_be_changed(modules, shots,
                                                          tmp_path):
    """The page says so while most servers of the database are stopped."""
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    # Each member has a port of its own; PORT is that of the first.
    lab = make_lab("pcl", 1, controllers=3, options=[
        "--api-token-file=%s" % token, "--cluster-lease=%d" % LEASE_MS])

    def picture(what):
        return shots + "/cluster-%s.png" % what

    def seen(what, scene):
        wait_for("the page to be at \"%s\"" % what, lambda: scene.done()
                 or os.path.exists(picture(what)), 300)
        assert not scene.done(), scene.result()

    for what in "members", "stuck":     # Of a former run.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(picture(what))
    try:
        with futures.ThreadPoolExecutor() as pool:
            scene = pool.submit(play, modules, PORT, shots, "cluster",
                                ns=lab.net_ns)
            seen("members", scene)
            others = lab.controllers[1:]        # Not the page's own.
            for member in others:
                netns.kill([member.server_pid()])
            seen("stuck", scene)
            for member in others:
                member.start_server()
            found = scene.result()
        assert found == {"cluster": None}, found["cluster"]
    finally:
        lab.down()
        lab.unlock()


def test_many_hosts_and_ports_are_summed_up(modules, shots):
    """tests/bench/page is this with a thousand hosts, and how long it
    takes."""
    vmnd = find("vmnd")
    program = os.path.join(os.path.dirname(vmnd), "tests/bench/swarm/swarm")
    # A unix socket's path has 107 characters at the most.
    directory = tempfile.mkdtemp(prefix="vmnp.", dir="/tmp")
    token = os.path.join(directory, "token")
    with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
        out.write(TOKEN + "\n")
    port = free_port()
    swarm = Swarm(directory, 26, vmnd, program,
                  app_dir=os.environ.get("VMN_APPDIR"),
                  options=["--api-listen=127.0.0.1:%d" % port,
                           "--api-token-file=" + token,
                           "--count-interval=1"])
    try:
        swarm.start()
        swarm.add_hosts()
        crowd = Crowd(swarm, 40, spread=7, times=6)
        crowd.come()
        crowd.talk()
        found = play(modules, port, shots, "loads")
        assert found == {"loads": None}, found["loads"]
        assert swarm.stop_vmnd() == 0
    finally:
        swarm.stop()
        shutil.rmtree(directory, ignore_errors=True)
