# SPDX-License-Identifier: Apache-2.0
"""Labs with an app of VMN's that vmnd's options do not name, for the tests of
that app."""

import contextlib
import os
import subprocess

from conftest import HERE, check_log, close_lab, wait_quiet
from test_live_apps import ctl, verify

from vmnlab.netns import wait_for


TOP = os.path.join(HERE, "../..")


def build_bad_app(folder):
    """Compiles tests/unit/bad-app.c.  Returns the path of the module."""
    path = str(folder / "bad.so")
    subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
                    "-Wno-unused-parameter", "-Wno-infinite-recursion",
                    "-O1", "-fPIC", "-shared", "-pthread",
                    "-I" + TOP + "/include", "-o", path,
                    TOP + "/tests/unit/bad-app.c"], check=True)
    return path


def load(lab, app):
    """Has vmnd load it.  A second of processor time, which it has for that,
    may not do on an emulated machine (tests/kernel): then once more."""
    path = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                        app + ".so")

    def loaded():
        try:
            ctl(lab, "app", "load", path, "--wait")
        except AssertionError as error:
            if "of processor time" not in str(error):
                raise
            return False
        return True

    wait_for("the app", loaded, 60)


@contextlib.contextmanager
def app_lab(lab, app):
    """The lab with the app, until it is closed."""
    try:
        load(lab, app)
        wait_quiet(lab)
        yield lab
    finally:
        close_lab(lab)


def close_world(world, *types):
    """Ends a test of an app: all objects of these types of its go, and vmnd is
    to have made no mistake."""
    for name in types:
        for item in world.api.get(name)["items"]:
            world.api.delete("%s/%s" % (name, item["name"]), wait="installed")
    world.close()
    verify(world.lab)
    check_log(world.lab.vmnd)
