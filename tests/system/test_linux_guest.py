# SPDX-License-Identifier: Apache-2.0
"""A real Linux guest, without KVM, plugged in by libvirt as deploy/libvirt
shows: its TCP gets through, and where it does not, VMN says why.  Guests of
the lab are namespaces, whose kernel is the host's; this one leaves to its
"network card" what a kernel of its own leaves to one.

The lab's datapath is the userspace one, and so these tests are about that."""

import contextlib
import http.client
import os
import re
import subprocess

import pytest
from conftest import HERE, close_lab, make_lab
from test_libvirt import (boot_server, interface, libvirt_vm, objects,
                          without_kvm)

from vmnlab import netns
from vmnlab.daemon import find
from vmnlab.netns import wait_for

IMAGE = os.path.join(HERE, "../guest/image")
# What the sample has for hosts of the userspace datapath, in a comment.
DRIVER = re.compile(r"<!-- On a host whose datapath.*?"
                    r"(<driver>.*?</driver>)\s*-->", re.S)
BOOTS_WITHIN = 120              # Seconds.


@pytest.fixture(scope="module")
def module_lab():
    """Two hosts, of which counters are read every second."""
    lab = make_lab("gst", 2, options=["--count-interval=1"])
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module")
def image():
    made = subprocess.run([IMAGE], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if made.returncode:
        pytest.skip("no kernel for a guest: %s" % made.stderr.strip())
    return made.stdout.strip()


class Guest:
    """The sample's VM, which runs Linux."""

    def __init__(self, process, console, log):
        self.process = process
        self.console = console
        self.log = log

    def said(self):
        assert self.process.poll() is None, self.log.read_text()
        text = self.console.read_text(errors="replace") \
            if self.console.exists() else ""
        return [line.strip().partition("guest: ")[2]
                for line in text.splitlines() if line.startswith("guest: ")]

    def await_word(self, word, seconds=30):
        wait_for("the guest's \"%s\"" % word, lambda: word in self.said(),
                 seconds)


@contextlib.contextmanager
def guest_on(host, folder, image, parameters, driver):
    console = folder / "console"
    text = "console=ttyS0 quiet panic=1 " + " ".join(
        "guest.%s=%s" % item for item in parameters.items())

    def edit(xml):
        xml = without_kvm(xml).replace(">64<", ">192<").replace(
            "<boot dev='network'/>", "<kernel>%s/vmlinuz</kernel>"
            "<initrd>%s/initrd</initrd><cmdline>%s</cmdline>"
            % (image, image, text))
        xml = xml.replace("<serial type='pty'/>", "<serial type='file'>"
                          "<source path='%s'/></serial>" % console)
        return DRIVER.sub(r"\1", xml) if driver else xml

    with libvirt_vm(host, folder, edit) as (process, log):
        guest = Guest(process, console, log)
        guest.await_word("ready", BOOTS_WITHIN)
        yield guest


@pytest.fixture
def peer(module_lab, world):
    """A VM of another host, in the sample's network, and the sample's port."""
    found = objects()
    net, port = found["networks"], found["ports"]
    world.put("networks", net["name"], **net["spec"])
    vm = world.vm("peer", net["name"], "h2", "10.0.0.12")
    world.put("ports", port["name"], **port["spec"])
    return vm


def parameters(**more):
    return {"address": "10.0.0.11/24", "mtu": 1450,
            "ask": "http://10.0.0.12:8080/peer", **more}


def page_of_guest(peer):
    """What the guest's web server gives to 'peer', or None."""
    connection = http.client.HTTPConnection("10.0.0.11", 8080)
    connection.sock = netns.socket_in(peer.ns)
    connection.sock.settimeout(3)
    try:
        connection.sock.connect(("10.0.0.11", 8080))
        connection.request("GET", "/page")
        return connection.getresponse().read().decode()
    except OSError:
        return None
    finally:
        connection.close()


def invalid(world):
    """Counters of what h1 and h2 dropped as invalid."""
    return [d for d in world.api.get("drops")["counters"]
            if d["reason"] == "invalid state"]


def vmnctl(world, *args):
    return subprocess.run([find("vmnctl"), "-s", "unix:" + world.api.path,
                           *args], check=True, text=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout


@pytest.mark.parametrize("how", ["driver", "ethtool"])
def test_linux_guest_opens_and_takes_connections(module_lab, world, peer,
                                                 image, tmp_path, how):
    """With either setting that docs/integrations.md names."""
    host = module_lab.host("h1")
    more = {"tx": "off"} if how == "ethtool" else {}
    with boot_server(peer) as server, guest_on(
            host, tmp_path, image, parameters(**more),
            how == "driver") as guest:
        assert "tx-checksumming: 0" in guest.said()
        before = sum(d["packets"] for d in invalid(world))
        guest.await_word("answered")
        assert server.seen[0] == ("10.0.0.11", "/peer")
        assert page_of_guest(peer) == "a page of the guest\n" * 1000
        assert sum(d["packets"] for d in invalid(world)) == before


def test_checksums_left_to_the_host_are_said_to_be(module_lab, world, peer,
                                                   image, tmp_path):
    """The sample as it is, on a host that it is not for."""
    host = module_lab.host("h1")
    with boot_server(peer) as server, guest_on(
            host, tmp_path, image, parameters(), False) as guest:
        assert "tx-checksumming: 1" in guest.said()
        # Only TCP's checksums are left to it.
        assert "1 received" in peer.run("ping", "-c1", "-W10", "10.0.0.11")
        guest.await_word("not answered")
        assert page_of_guest(peer) is None and not server.seen
        found = wait_for("the drops", lambda: [
            d for d in invalid(world) if d["host"] == "h1"], 60)
        # Where an operator looks: the drops, and the host.
        assert "checksum" in found[0]["hint"]
        assert "csum='off'" in vmnctl(world, "drops", "--limit", "1000")
        name = next(iter(re.findall(r"vnet\d+", host.vsctl(
            "list-ports", "br-int"))))
        warning, = world.api.get("hosts/h1")["status"]["warnings"]
        assert "(%s)" % name in warning and "csum='off'" in warning
        assert name in vmnctl(world, "describe", "host", "h1")
        assert name in vmnctl(world, "trace", "peer", "web1", "tcp/8080")
        assert name not in vmnctl(world, "trace", "peer", "web1", "icmp")
        assert "warnings" not in world.api.get("hosts/h2")["status"]
    wait_for("libvirt to remove its interface", lambda: not interface(
        host, objects()["ports"]["spec"]["iface_id"]), 20)
    wait_for("the warning to go", lambda: "warnings" not in world.api.get(
        "hosts/h1")["status"])


def test_explain_says_what_a_datapath_asks_of_guests(world):
    assert "checksum" in vmnctl(world, "explain", "hosts.datapath")
    assert "checksum" in vmnctl(world, "explain", "ports.iface_id")
