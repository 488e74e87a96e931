# SPDX-License-Identifier: Apache-2.0
"""Apps that are loaded at one member of a cluster are there at each."""

import base64
import os

from cluster import started
from conftest import HERE
from vmnlab.api import Refused
from vmnlab.netns import wait_for

MAILGUARD = os.path.join(HERE, "../../apps/example/mailguard.lua")


def test_each_member_has_it(tmp_path):
    """And another version, and none any more; also who becomes the writer,
    and who is started again."""
    with open(MAILGUARD, "rb") as file:
        code = file.read()
    with started() as cluster:
        writer = cluster.writer()
        others = [m for m in cluster.members if m is not writer]
        writer.api.put("networks/net", {
            "subnets": [{"cidr": "10.0.0.0/24"}]})
        load(writer, code)
        for member in cluster.members:
            wait_for("%s to have it" % member.name,
                     lambda m=member: computes(m) == 1, 60)
        wait_for("its place to be noted", lambda: writer.api.get(
            "apps/mailguard")["spec"]["module"].get("stages"), 60)

        load(writer, code + b"-- another version\n")
        others[0].kill()
        others[0].start()
        for member in cluster.members:
            wait_for("%s to follow" % member.name,
                     lambda m=member: cluster.follows(m), 60)
            wait_for("%s to have it" % member.name,
                     lambda m=member: computes(m) == 1, 60)

        writer.kill()
        new = cluster.writer(but=[writer])
        wait_for("its worker", lambda: status(new).get("worker", {}).get(
            "state") == "running" and status(new).get("units") == 1, 60)
        wait_for("it to be removed", lambda: remove(new), 60)
        for member in others:
            wait_for("%s to have it no more" % member.name,
                     lambda m=member: computes(m) == 0, 60)
        writer.start()
        wait_for("the former writer to follow",
                 lambda: cluster.follows(writer), 60)
        wait_for("it to have it no more", lambda: computes(writer) == 0, 60)


def load(member, code):
    member.api.call("PUT", "/v1/apps/mailguard/code", {
        "file": "mailguard.lua", "code": base64.b64encode(code).decode()})


def status(member):
    """The app's, once the member answers."""
    try:
        return member.api.get("apps/mailguard")["status"]
    except (OSError, Refused):
        return {}


def remove(member):
    try:
        member.api.delete("apps/mailguard/code")
    except (OSError, Refused):
        return False
    return True


def computes(member):
    """How many units of the app the member has for networks."""
    for line in member.ctl("engine/stats").splitlines():
        words = line.split()
        if words[:2] == ["unit", "mailguard.network"]:
            return int(words[2])
    return 0
