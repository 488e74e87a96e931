# SPDX-License-Identifier: Apache-2.0
"""An app sends packets to a port, on whichever host that is
(vmn_act_send_to_port()), marks them, and lets copies go on as they were:
tests/system/redirect.c, in a process of its own."""

import os
import subprocess

import pytest
from conftest import HERE, close_lab, make_lab
from vmnlab import frames
from vmnlab.netns import wait_for

TOP = os.path.join(HERE, "../..")
EF = 46


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("app") / "redirect.so")
    subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
                    "-fPIC", "-shared", "-I" + TOP + "/include", "-o", path,
                    os.path.join(HERE, "redirect.c")], check=True)
    lab = make_lab("redirect", 2, apps=[path])
    yield lab
    close_lab(lab)


class Sender:
    """VM 'vm' sends numbered packets to others."""

    def __init__(self, vm):
        self.vm = vm
        self.number = 0

    def arrives(self, to, at, seconds=15):
        """The first packet for VM 'to' that arrives at VM 'at' in the end, as
        (MAC destination of the frame, DSCP), or None."""
        found = []

        def one():
            self.number += 1
            text = b"packet %d." % self.number
            frames.send(self.vm, frames.udp(to.mac, self.vm.mac, self.vm.ip,
                                            to.ip, 7000, 9000, text))
            frame = capture.wait(lambda f: text in f, 0.5)
            if frame:
                found.append((frames.parse(frame)["dst"], frame[15] >> 2))
            return bool(frame)

        with frames.Capture(at.ns) as capture:
            try:
                wait_for("a packet", one, seconds)
            except Exception:           # pylint: disable=broad-except
                return None
        return found[0]

    def never(self, world, to, at):
        """Whether no packet for 'to' arrives at 'at'."""
        return world.never(lambda: self.arrives(to, at, 1))


def problems(lab):
    return [issue["detail"] for issue in lab.vmnd.api.get("status")["problems"]
            if issue["kind"] == "failed"]


def test_packets_are_sent_to_a_port_wherever_it_is(lab, world):
    world.network("net")
    web = world.vm("web", "net", "h1", "10.0.0.2")
    proxy = world.vm("proxy", "net", "h2", "10.0.0.3")
    near = Sender(world.vm("near", "net", "h1", "10.0.0.1"))
    far = Sender(world.vm("far", "net", "h2", "10.0.0.4"))
    assert near.arrives(web, web) == (web.mac, 0)

    # By the tunnel, and on its own host.
    world.patch("networks", "net", labels={"redirect": "proxy"})
    for sender in near, far:
        assert sender.arrives(web, proxy) == (proxy.mac, EF)
        assert sender.never(world, web, web)
    # What it sends itself is not sent back to it.
    assert Sender(proxy).arrives(web, web) == (web.mac, 0)

    # A copy is as it was: neither marked nor sent elsewhere.
    world.patch("networks", "net", labels={"copy": "yes"})
    assert near.arrives(web, proxy) == (proxy.mac, EF)
    assert near.arrives(web, web) == (web.mac, 0)
    world.patch("networks", "net", labels={"copy": None})

    # Policies judge it as what goes to that port.
    world.group("guarded", "role=proxy")
    world.patch("ports", "proxy", labels={"role": "proxy"})
    world.put("policies", "shut", applies_to=["guarded"])
    assert near.never(world, web, proxy)
    world.delete("policies", "shut")
    assert near.arrives(web, proxy) == (proxy.mac, EF)

    # It moves; then it is nowhere.
    lab.move("proxy", "h1")
    lab.await_ports(["proxy"])
    for sender in near, far:
        assert sender.arrives(web, proxy) == (proxy.mac, EF)
    lab.unplug("proxy")
    lab.await_ports(["proxy"], "unbound")
    assert near.never(world, web, web)
    world.patch("networks", "net", labels={"bypass": "yes"})
    assert near.arrives(web, web) == (web.mac, 0)
    assert not problems(lab)


def test_another_network_of_the_domain(lab, world):
    for i, name in enumerate(("net", "back")):
        world.put("networks", name, subnets=[
            {"cidr": "10.%d.0.0/24" % i, "gateway": "10.%d.0.254" % i}])
    web = world.vm("web", "net", "h1", "10.0.0.2")
    proxy = world.vm("proxy", "back", "h2", "10.1.0.3")
    near = Sender(world.vm("near", "net", "h1", "10.0.0.1"))
    world.patch("networks", "net", labels={"redirect": "proxy"})
    assert problems(lab) == ["nothing can be sent to port proxy"]
    world.put("routers", "r", interfaces=[
        {"network": name} for name in ("net", "back")])
    assert not problems(lab)
    assert near.arrives(web, proxy) == (proxy.mac, EF)
    assert near.never(world, web, web)
