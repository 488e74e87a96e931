# SPDX-License-Identifier: Apache-2.0
"""A guest of the lab: a VM with a kernel of its own, which QEMU runs in the
namespace of its hypervisor.  Its interface is a tap on the integration bridge,
with the iface-id and the other marks that libvirt gives it.  It moves by
QEMU's live migration (migration)."""

import json
import os
import shutil
import time
import uuid

from . import agent, netns, qemu
from .migration import Migration, recover
from .netns import Error
from .qemu import Machine
from .vm import BRIDGE, MTU, Vm

IMAGE = "test"                  # The one that the lab makes.
MEMORY_MIB = 128
MEMORY_RANGE_MIB = (96, 4096)
BOOT_SECONDS = 60
_MAKER = os.path.join(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))), "guest", "image")


def find_image(name=IMAGE):
    """Returns the folder with "vmlinuz" and "initrd" of image 'name': "test"
    is made when it is needed first, others are folders."""
    if name == IMAGE:
        return netns.run([_MAKER], timeout=600).strip()
    for file in ("vmlinuz", "initrd"):
        if not os.path.isfile(os.path.join(name, file)):
            raise Error("image %s: neither \"%s\" nor a folder with vmlinuz "
                        "and initrd" % (name, IMAGE))
    return os.path.realpath(name)


class Guest(Vm):
    """'state' has besides what Vm's has: "kind", "image" (its folder),
    "memory" (in MiB), "machine" (the host on which it runs; "host" is where it
    is plugged), and "to", the host to which it migrates."""

    def __init__(self, lab, name, state):
        super().__init__(lab, name, state)
        self.ns = None          # It has none that we could enter.

    def kind(self):
        if "to" in self.state:
            return "guest, migrates to " + self.state["to"]
        return "guest" if self.machine(self.running_on).pids() \
            else "guest, ended"

    # Where it is.  --------------------------------------------------------

    def machine(self, host):
        """Its process on 'host', whether it runs there or not."""
        return Machine(host, self.name, os.path.join(
            self.lab.dir, "guests", self.link, host.name))

    @property
    def uuid(self):
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, "%s.%s"
                              % (self.name, self.lab.name)))

    @property
    def running_on(self):
        """The Host that it runs on."""
        return self.lab.host(self.state["machine"])

    def agent_path(self):
        """By the lab's record: another program may have moved it."""
        try:
            with open(os.path.join(self.lab.dir, "lab.json")) as record:
                state = json.load(record)["vms"][self.name]
        except (OSError, ValueError, KeyError):
            state = self.state
        return self.machine(self.lab.host(state["machine"])).agent_path

    def _link_host(self):
        return self.running_on

    # Its life.  -----------------------------------------------------------

    def start_machine(self, host, incoming=False):
        """Makes its tap on 'host' and starts its QEMU there."""
        if not host.has_link(self.link):
            netns.ip(host.ns, "tuntap add dev %s mode tap" % self.link,
                     "link set %s mtu %d" % (self.link, MTU))
        host.prepare(self.link)
        machine = self.machine(host)
        machine.start(machine.args(
            self.state["image"], self.link, self.mac, MTU,
            self.state["memory"], self.uuid), incoming)
        return machine

    def end_machine(self, host):
        """Takes it off 'host', with its tap."""
        if host.running():
            host.unplug(self.link)
        self.machine(host).end()
        if host.has_link(self.link):
            netns.ip(host.ns, "link del " + self.link)

    def create(self, host):
        """Has it boot on 'host', not yet plugged."""
        self.state["machine"] = host.name
        self.start_machine(host)

    def await_ready(self, seconds=BOOT_SECONDS):
        """Waits until commands can be run in it."""
        machine = self.machine(self.running_on)
        end = time.monotonic() + seconds * netns.PATIENCE
        while True:
            try:
                with agent.Agent(machine.agent_path, self.name, max(
                        0.1, end - time.monotonic()) / netns.PATIENCE):
                    return
            except Error as error:
                if not machine.pids():
                    raise Error("%s has ended: %s" % (
                        self.name, machine.last_words() or error))
                if time.monotonic() > end:
                    raise Error("%s has not booted within %g s; its console: "
                                "%s" % (self.name, seconds * netns.PATIENCE,
                                        machine.console_log))

    def await_address(self, seconds=20):
        """Waits until it has the addresses that its port has."""
        ips = [ip.split("/")[0] for ip in self.state["ips"]]
        netns.wait_for(
            "%s to have %s" % (self.name, ", ".join(ips)), lambda: all(
                " %s/" % ip in self.run("ip", "addr", "show", "dev", "eth0")
                for ip in ips), seconds)

    def plug(self, host):
        if host is not self.running_on:
            raise Error("%s runs on %s, where it can be plugged in, and "
                        "migrate then" % (self.name, self.running_on.name))
        if not self.machine(host).pids():
            raise Error("%s has ended: \"start\" has it boot again"
                        % self.name)
        self.plug_at(host)
        self.state["host"] = host.name

    def recover(self):
        """Ends a migration that a program has left that was killed."""
        recover(self)

    def unplug(self):
        self.recover()
        super().unplug()

    def plug_at(self, host):
        """Puts its tap on the bridge of 'host', with what libvirt says of
        it."""
        host.plug(self.link, BRIDGE, self.state["iface_id"],
                  'external_ids:attached-mac="%s"' % self.mac,
                  "external_ids:iface-status=active",
                  "external_ids:vm-id=" + self.uuid)

    def stop(self):
        """Ends it at once, wherever it is, as if its mains were off."""
        self.recover()
        self.end_machine(self.running_on)
        self.state["host"] = None

    def start(self):
        """Has it boot again where it ran, and plugs it in; await_ready() is
        to follow."""
        self.recover()
        host = self.running_on
        if not self.machine(host).pids():
            self.create(host)
        self.plug(host)

    def move(self, host):
        """Moves it to 'host' by live migration."""
        self.migrate(host).wait().check()

    def migrate(self, host, **limits):
        """Begins a live migration to Host 'host' and returns it, a Migration;
        'limits' are that one's."""
        return Migration(self, host, **limits)

    def delete(self):
        for host in self.lab.hosts:
            self.end_machine(host)
        shutil.rmtree(os.path.join(self.lab.dir, "guests", self.link),
                      ignore_errors=True)

    # What it does.  -------------------------------------------------------

    def finish(self, *args, seconds=60, data=None):
        """Runs a command in it; returns how it agent.Finished."""
        return agent.run(self.agent_path, self.name, args, seconds, data)

    def run(self, *args, check=True, timeout=60):
        done = self.finish(*args, seconds=timeout)
        if check and done.status:
            words = (done.err or done.out).decode(errors="replace").strip()
            raise Error("%s: %s: %s" % (self.name, " ".join(args)[:300],
                                        words or "exit %d" % done.status))
        return done.out.decode(errors="replace")

    def serve(self, *ports):
        """Has it answer TCP and UDP at 'ports', each line and datagram with
        its name, as servers of vmnlab.traffic do."""
        self.run("sh", "-c", 'talk serve "$@" >/run/talk.ready 2>&1 & '
                 'for i in $(seq 600); do grep -q ready /run/talk.ready && '
                 'exit; usleep 50000; done; cat /run/talk.ready; exit 1',
                 "serve", self.name, *map(str, ports))

    def ask(self, ip, port, protocol="tcp", seconds=1):
        """Returns who answers it at 'ip' and 'port', or None."""
        done = self.finish("talk", "-w", str(seconds), protocol, ip, str(port),
                           seconds=seconds + 30, data=b"who\n")
        words = done.out.split()
        return words[0].decode() if words else None

    def connect(self, ip, port):
        """Opens a connection of TCP in it, which stays open: a
        GuestConnection."""
        return GuestConnection(self, ip, port)


class GuestConnection:
    """A connection of TCP from 'guest' to 'ip' and 'port', as
    traffic.Connection is one from a VM that is a namespace."""

    def __init__(self, guest, ip, port):
        self.guest = guest
        self.place = guest.run("mktemp", "-d").strip()
        guest.run("sh", "-c", 'cd "$1"; mkfifo in; : >out; '
                  '(talk -w 1 tcp "$2" "$3" <>in >out 2>err & '
                  'echo $! >pid; wait; : >ended) </dev/null >/dev/null 2>&1 &',
                  "connect", self.place, ip, str(port))

    def exchange(self, text="hello", seconds=1.0):
        """Sends a line; returns the answer, or None if none comes."""
        done = self.guest.finish(
            "sh", "-c", 'cd "$1"; n=$(wc -l <out); [ ! -e ended ] || exit 1; '
            'echo "$2" >in; for i in $(seq "$3"); do '
            '[ $(wc -l <out) = $n ] || { tail -n +$((n + 1)) out; exit; }; '
            '[ ! -e ended ] || exit 1; usleep 50000; done; exit 1',
            "exchange", self.place, text,
            str(max(1, int(seconds * netns.PATIENCE * 20))),
            seconds=seconds + 30)
        lines = done.out.decode().splitlines()
        return lines[0] if done.status == 0 and lines else None

    def close(self):
        self.guest.run("sh", "-c", 'kill "$(cat "$1/pid")"; rm -r "$1"',
                       "close", self.place, check=False)
