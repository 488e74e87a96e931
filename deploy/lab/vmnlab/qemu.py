# SPDX-License-Identifier: Apache-2.0
"""A process of QEMU, which is a guest on one host: its command line, its
monitor (QMP), its sockets.  What guests are for is guest's; what runs in them
agent's."""

import json
import os
import shutil
import socket
import threading
import time

from . import netns
from .netns import Error

PROGRAM = "qemu-system-x86_64"
ACCELERATORS = ("kvm", "tcg")
AGENT_PORT = "vmn-lab.agent"      # Its usual one would be libvirt's.
# The guest computes the checksums of what it sends: the userspace datapath
# reads packets off the tap as they are (docs/integrations.md, "libvirt").
NO_OFFLOADS = ("csum=off,gso=off,host_tso4=off,host_tso6=off,host_ecn=off,"
               "host_ufo=off")
# A guest that QEMU emulates loses writes while it migrates where its memory is
# a multiple of 256 KiB: QEMU before 9.0 forgets to watch its pages again (its
# commit 03bfc2188f, "Fix migration dirty bitmap coherency with TCG memory
# access").  Memory comes in pieces of 8.
ODD_KIB = 8
_REPLY_MAX = 64 << 20           # Of the agent: 16 MiB of output, in Base64.


def accelerator():
    """"kvm" where the machine has it, otherwise "tcg": QEMU's emulation; or
    what VMN_LAB_ACCEL says.  There are machines whose /dev/kvm runs no Linux:
    those with neither of the processor's extensions for it."""
    given = os.environ.get("VMN_LAB_ACCEL")
    if given:
        if given not in ACCELERATORS:
            raise Error("VMN_LAB_ACCEL: must be %s, not %r"
                        % (" or ".join(ACCELERATORS), given))
        return given
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return "tcg"
    with open("/proc/cpuinfo") as info:
        flags = next((line.split() for line in info
                      if line.startswith("flags")), [])
    return "kvm" if {"vmx", "svm"} & set(flags) else "tcg"


def check_machine():
    """Raises an Error if this machine cannot run guests."""
    if not shutil.which(PROGRAM):
        raise Error("not on this machine: %s (Debian's qemu-system-x86 has "
                    "it)" % PROGRAM)
    if not os.path.exists("/dev/net/tun"):
        raise Error("this machine has no /dev/net/tun, which guests need")
    accelerator()


class Gone(Error):
    """The other end of a socket has closed it, or nobody is there."""


class JsonSocket:
    """A unix socket of QEMU's at 'path', by which JSON goes both ways, a line
    each.  QEMU serves one client at a time: others wait until it goes.
    'what' names it in errors."""

    def __init__(self, path, what, seconds=10.0):
        self.what = what
        self.lock = threading.Lock()
        self._rest = b""
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(seconds * netns.PATIENCE)
        try:
            self._sock.connect(path)
        except OSError as error:
            self._sock.close()
            raise Gone("%s: %s" % (what, error.strerror or error))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self._sock.close()

    def send(self, message, before=b""):
        try:
            self._sock.sendall(before + json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise Gone("%s: %s" % (self.what, error.strerror or error))

    def receive(self, seconds):
        """Returns what arrives next."""
        end = time.monotonic() + seconds * netns.PATIENCE
        while b"\n" not in self._rest:
            left = end - time.monotonic()
            if left <= 0:
                raise Error("%s does not answer" % self.what)
            self._sock.settimeout(left)
            try:
                data = self._sock.recv(1 << 16)
            except socket.timeout:
                continue
            except OSError as error:
                raise Gone("%s: %s" % (self.what, error.strerror or error))
            if not data:
                raise Gone("%s has closed the connection" % self.what)
            self._rest += data
            if len(self._rest) > _REPLY_MAX:
                raise Error("%s says more than %d bytes"
                            % (self.what, _REPLY_MAX))
        line, self._rest = self._rest.split(b"\n", 1)
        # 0xff marks where the agent begins anew.
        line = line.rpartition(b"\xff")[2]
        try:
            return json.loads(line)
        except ValueError:
            raise Error("%s says what is not JSON: %r"
                        % (self.what, line[:100]))

    def execute(self, command, seconds=10.0, **arguments):
        """Has a command executed, and returns what it returns."""
        message = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        with self.lock:
            self.send(message)
            while True:
                reply = self.receive(seconds)
                if "error" in reply:
                    raise Error("%s: %s: %s" % (self.what, command,
                                                reply["error"]["desc"]))
                if "return" in reply:
                    return reply["return"]
                # Others are events.


class Machine:
    """Guest 'name''s process on 'host', with its sockets and logs in
    'folder'."""

    def __init__(self, host, name, folder):
        self.host = host
        self.name = name
        self.folder = folder
        self.qmp_path = os.path.join(folder, "qmp")
        self.agent_path = os.path.join(folder, "agent")
        self.console_path = os.path.join(folder, "console")
        self.console_log = os.path.join(folder, "console.log")
        self.log = os.path.join(folder, "qemu.log")

    def args(self, image, link, mac, mtu, memory, uuid):
        """The command line.  Both ends of a migration have the same, but for
        their sockets."""
        def escape(path):
            return path.replace(",", ",,")

        def chardev(name, path):
            return "socket,id=%s,path=%s,server=on,wait=off" % (name,
                                                                escape(path))
        return [
            PROGRAM, "-name", "guest=" + escape(self.name), "-uuid", uuid,
            "-machine", "pc", "-accel", accelerator(), "-cpu", "max",
            "-m", "%dk" % (memory * 1024 + ODD_KIB), "-nodefaults",
            "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", os.path.join(image, "vmlinuz"),
            "-initrd", os.path.join(image, "initrd"),
            "-append", "console=ttyS0 quiet panic=1 guest.name=" + self.name,
            "-chardev", chardev("console", self.console_path)
            + ",logfile=" + escape(self.console_log),
            "-serial", "chardev:console",
            "-device", "virtio-serial-pci",
            "-chardev", chardev("agent", self.agent_path),
            "-device", "virtserialport,chardev=agent,name=" + AGENT_PORT,
            "-netdev", "tap,id=net,ifname=%s,script=no,downscript=no" % link,
            "-device", "virtio-net-pci,netdev=net,mac=%s,host_mtu=%d,romfile=,"
            "%s" % (mac, mtu, NO_OFFLOADS),
            "-qmp", "unix:%s,server=on,wait=off" % escape(self.qmp_path)]

    def _answers(self):
        try:
            self.qmp().close()
        except Gone:
            return False
        return True

    def start(self, args, incoming=False):
        """Starts it, and returns once its monitor answers.  With 'incoming'
        it waits for what migrates here."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        process = netns.spawn(
            args + (["-incoming", "defer"] if incoming else []),
            self.host.ns, log=self.log)
        self.host.lab.children.append(process)

        def is_over():
            # The socket is there before QEMU listens at it.
            return process.poll() is not None or self._answers()

        try:
            netns.wait_for("QEMU's monitor", is_over, 30)
            self.qmp().close()
        except Error as error:
            self.end()
            raise Error("QEMU of %s did not start: %s" % (
                self.name, self.last_words() or error))

    def qmp(self):
        """Returns a connection to its monitor; Gone if it does not run."""
        found = JsonSocket(self.qmp_path, "QEMU of %s on %s"
                           % (self.name, self.host.name))
        try:
            found.receive(10)           # Its greeting.
            found.execute("qmp_capabilities")
        except BaseException:
            found.close()
            raise
        return found

    def status(self):
        """"running", or another of QEMU's words; None if it does not run."""
        try:
            with self.qmp() as qmp:
                return qmp.execute("query-status")["status"]
        except Gone:
            return None

    def pids(self):
        """Its processes: one, or none."""
        return self.find(b"unix:%s,"
                         % self.qmp_path.replace(",", ",,").encode())

    def find(self, mark):
        """The processes of QEMU's on its host that have 'mark' in their
        command lines."""
        found = []
        for pid in netns.pids(self.host.ns):
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as line:
                    words = line.read()
            except OSError:
                continue                # Ended meanwhile.
            if mark in words and PROGRAM.encode() in words.split(b"\0")[0]:
                found.append(pid)
        return found

    def end(self):
        """Ends it at once, as if it was unplugged from the mains."""
        netns.kill(self.pids())
        for child in self.host.lab.children:
            child.poll()        # It may have ended by itself.

    def last_words(self):
        try:
            with open(self.log, errors="replace") as log:
                return log.read()[-2000:].strip()
        except FileNotFoundError:
            return ""
