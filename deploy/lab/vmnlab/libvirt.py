# SPDX-License-Identifier: Apache-2.0
"""Guests that libvirt runs: to each host its own libvirtd, in the host's
network namespace and a mount namespace of its own, so that each believes the
machine to be its own.  libvirt plugs in their interfaces and migrates them as
it does elsewhere: none of that is done here."""

import contextlib
import os
import re
import shutil
import subprocess
import time
import uuid
from xml.sax.saxutils import escape

from . import netns
from .guest import Guest
from .migration import (BANDWIDTH_MIB, CANCELLED, COMPLETED, DOWNTIME_MS,
                        FAILED, SECONDS, Result)
from .netns import Error
from .qemu import AGENT_PORT, Machine, ODD_KIB, accelerator
from .vm import BRIDGE

# What users are told to have in their domains.
SAMPLE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__)))), "libvirt", "web1.xml")
PROGRAMS = ("libvirtd", "virsh", "unshare", "mount", "hostname")
# What libvirt needs around it is not wanted here: no logger, no control
# groups, no namespaces of its own, no other user.
_QEMU_CONF = """security_driver = "none"
user = "root"
group = "root"
stdio_handler = "file"
cgroup_controllers = []
namespaces = []
remember_owner = 0
"""
_LIBVIRTD_CONF = """unix_sock_dir = "%s"
unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "%s"
log_outputs = "3:file:%s"
"""
# libvirt looks for the users of Debian's libvirt-daemon-system, whatever it is
# told, and that package would start services on this machine.  Two hosts of
# one name do not migrate to each other, and names have to have addresses.
_START = """
hostname "$2"
cp /etc/passwd /etc/group "$1/etc"
for file in passwd group; do
    grep -q ^libvirt-qemu: "$1/etc/$file" || case $file in
        passwd) echo libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin ;;
        group) echo libvirt-qemu:x:64055: ;;
    esac >>"$1/etc/$file"
done
for file in passwd group hosts; do
    mount --bind "$1/etc/$file" "/etc/$file"
done
place=$1
shift 2
for part; do
    mkdir -p "/$part/libvirt"
    mount --bind "$place/$part/libvirt" "/$part/libvirt"
done
exec libvirtd -f /etc/libvirt/libvirtd.conf -p "$place/pid"
"""
_PLACES = ("etc", "run", "var/lib", "var/log", "var/cache")
_GUESTS = "vmn-lab"             # A folder in /run/libvirt.
# libvirt rounds memory up to 1 MiB, which is not to be (qemu.ODD_KIB).
_DOMAIN = """<domain type='%(accel)s'
        xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>%(name)s</name>
  <uuid>%(uuid)s</uuid>
  <memory unit='KiB'>%(memory_kib)d</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>%(image)s/vmlinuz</kernel>
    <initrd>%(image)s/initrd</initrd>
    <cmdline>console=ttyS0 quiet panic=1 guest.name=%(name)s</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='maximum' migratable='on'/>
  <on_reboot>destroy</on_reboot>
  <devices>
%(interface)s
    <channel type='unix'>
      <source mode='bind' path='/run/libvirt/%(folder)s/agent'/>
      <target type='virtio' name='%(agent)s'/>
    </channel>
    <serial type='unix'>
      <source mode='bind' path='/run/libvirt/%(folder)s/console'/>
      <log file='/run/libvirt/%(folder)s/console.log'/>
    </serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-object'/>
    <qemu:arg value='memory-backend-ram,id=lab.ram,size=%(memory_kib)dk'/>
    <qemu:arg value='-machine'/>
    <qemu:arg value='memory-backend=lab.ram'/>
    <qemu:arg value='-m'/>
    <qemu:arg value='size=%(memory_kib)dk'/>
  </qemu:commandline>
</domain>
"""


def interface(mac, iface_id, link):
    """The interface of deploy/libvirt, of a VM with this MAC address and this
    port, as on a host with the userspace datapath; the link has a name that
    the lab knows."""
    with open(SAMPLE) as sample:
        text = re.search(r"<interface type='bridge'>.*?</interface>",
                         sample.read(), re.S).group()
    driver, = re.findall(r"<driver>.*?</driver>", text, re.S)
    text = re.sub(r"\s*<!--.*?-->", "", text, flags=re.S)
    for old, new in ((r"(<mac address=')[^']*", r"\g<1>" + mac),
                     (r"(interfaceid=')[^']*", r"\g<1>" + iface_id),
                     (r"</virtualport>", "</virtualport>\n      "
                      "<target dev='%s'/>" % link),
                     (r"</interface>", "  %s\n    </interface>" % driver)):
        text, n = re.subn(old, new, text)
        if n != 1:
            raise Error("%s: its interface is another one" % SAMPLE)
    return text


def check_machine():
    """Raises an Error if this machine cannot run libvirt for guests."""
    missing = [p for p in PROGRAMS if not shutil.which(p)]
    if missing:
        raise Error("not on this machine: %s (Debian's libvirt-daemon and "
                    "libvirt-clients have libvirt)" % ", ".join(missing))


class Libvirtd:
    """The libvirtd of 'host'."""

    def __init__(self, host):
        self.host = host
        self.dir = os.path.join(host.dir, "libvirt")
        self.run_dir = os.path.join(self.dir, "run/libvirt")
        self.log = os.path.join(self.dir, "libvirtd.log")
        self._sockets = os.path.join(self.dir, "sock")
        self.uri = host.env["LIBVIRT_DEFAULT_URI"]

    def start(self):
        """Starts it, unless it runs, and waits until it answers: it asks QEMU
        what it can, which takes seconds."""
        if self.pids():
            return
        for place in _PLACES:
            os.makedirs(os.path.join(self.dir, place, "libvirt"),
                        exist_ok=True)
        os.makedirs(self._sockets, exist_ok=True)
        self._write("etc/libvirt/qemu.conf", _QEMU_CONF)
        self._write("etc/libvirt/libvirtd.conf", _LIBVIRTD_CONF % (
            self._sockets, uuid.uuid5(uuid.NAMESPACE_DNS, self.host.ns),
            self.log))
        self._write("etc/hosts", "127.0.0.1 localhost\n" + "".join(
            "%s %s\n" % (h.tunnel_ip, h.name) for h in self.host.lab.hosts))
        process = netns.spawn(
            ["unshare", "-m", "-u", "sh", "-euc", _START, "sh", self.dir,
             self.host.name, *_PLACES], self.host.ns, self.host.env,
            os.path.join(self.dir, "out"))
        self.host.lab.children.append(process)

        def answers():
            if process.poll() is not None:
                raise Error("libvirtd of %s did not start (logs: %s)"
                            % (self.host.name, self.dir))
            return self.answers()

        netns.wait_for("libvirtd of %s (logs: %s)"
                       % (self.host.name, self.dir), answers, 60)

    def answers(self):
        try:
            return self.virsh("version")
        except Error:
            return None

    def _write(self, path, text):
        with open(os.path.join(self.dir, path), "w") as out:
            out.write(text)

    def pids(self):
        return self.host.pids("libvirtd")

    def virsh(self, *args, check=True, timeout=60):
        return netns.run(["virsh", "-q", "-c", self.uri, *args], check=check,
                         timeout=timeout)


class LibvirtMachine(Machine):
    """A domain's QEMU on 'host'."""

    def __init__(self, host, name, link):
        self.libvirtd = Libvirtd(host)
        self.place = os.path.join(_GUESTS, link)
        super().__init__(host, name, os.path.join(self.libvirtd.run_dir,
                                                  self.place))
        self.log = os.path.join(self.libvirtd.dir, "var/log/libvirt/qemu",
                                name + ".log")

    def pids(self):
        """libvirt passes sockets as descriptors; the name of the domain is
        what tells."""
        return self.find(b"guest=%s,debug-threads=on"
                         % self.name.replace(",", ",,").encode())


    def known(self):
        """Whether libvirt has it there.  Its interface goes before."""
        return self.name in self.libvirtd.virsh("list", "--name").split() \
            if self.libvirtd.pids() else bool(self.pids())


class LibvirtGuest(Guest):
    """A guest that libvirt runs; its port's iface_id is a UUID."""

    def kind(self):
        return super().kind().replace("guest", "libvirt guest", 1)

    def machine(self, host):
        return LibvirtMachine(host, self.name, self.link)

    def start_machine(self, host):
        try:
            uuid.UUID(self.state["iface_id"])
        except ValueError:
            raise Error("%s: its iface-id is %s, and libvirt takes UUIDs only"
                        % (self.name, self.state["iface_id"]))
        machine = self.prepare(host)
        xml = os.path.join(machine.folder, "domain.xml")
        with open(xml, "w") as out:
            out.write(_DOMAIN % {
                "accel": "kvm" if accelerator() == "kvm" else "qemu",
                "name": self.name, "uuid": self.uuid,
                "interface": interface(self.mac, self.state["iface_id"],
                                       self.link),
                "memory_kib": self.state["memory"] * 1024 + ODD_KIB,
                "image": escape(self.state["image"]),
                "folder": machine.place, "agent": AGENT_PORT})
        self.await_bridge(host)
        machine.libvirtd.virsh("create", xml)

    def prepare(self, host):
        """Has libvirt run on 'host', with a folder for the guest's
        sockets."""
        machine = self.machine(host)
        machine.libvirtd.start()
        os.makedirs(machine.folder, exist_ok=True)
        return machine

    @staticmethod
    def await_bridge(host):
        """libvirt does not wait until vmnd has made it."""
        host.vsctl("wait-until", "bridge", BRIDGE, "datapath_id!=[]")

    def end_machine(self, host):
        machine = self.machine(host)
        if machine.libvirtd.pids():
            machine.libvirtd.virsh("destroy", self.name, check=False)
        super().end_machine(host)

    def plug_at(self, host):
        pass                    # It was, when it was started.

    def unplug(self):
        raise Error("%s is libvirt's, and plugged in while it runs"
                    % self.name)

    def migrate(self, host, **limits):
        return LibvirtMigration(self, host, **limits)

    def recover(self):
        """What a program has left that was killed: its virsh went on."""
        if "to" not in self.state:
            return
        source = self.running_on
        to = self.lab.host(self.state["to"])
        if self.machine(source).known():
            if self.machine(to).known():
                raise Error("%s is being migrated to %s" % (self.name,
                                                            to.name))
            to = source
        self.come_out(to)

    def come_out(self, host):
        """Ends a migration: it is at 'host'."""
        self.state.update(machine=host.name, host=host.name)
        self.state.pop("to", None)
        self.lab.record(self)


class LibvirtMigration:
    """The migration of 'guest' to Host 'host' by libvirt, as
    migration.Migration is one by QEMU alone."""

    def __init__(self, guest, host, bandwidth=BANDWIDTH_MIB,
                 downtime_ms=DOWNTIME_MS):
        guest.recover()
        if guest.state["machine"] == host.name:
            raise Error("%s is on %s already" % (guest.name, host.name))
        self.guest = guest
        self.destination = host
        self._source = guest.running_on
        self._virsh = guest.machine(self._source).libvirtd.virsh
        self._result = None
        self._cancelled = False
        machine = guest.prepare(host)
        guest.await_bridge(host)
        guest.state["to"] = host.name
        guest.lab.save()
        ip = host.tunnel_ip
        self.process = netns.popen(
            ["virsh", "-q", "-c", Libvirtd(self._source).uri, "migrate",
             "--live", "--bandwidth", str(max(1, int(bandwidth))),
             guest.name, machine.libvirtd.uri, "--migrateuri",
             "tcp://" + ("[%s]" % ip if ":" in ip else ip)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self._set_downtime(downtime_ms)

    def _set_downtime(self, downtime_ms):
        if downtime_ms != DOWNTIME_MS:
            netns.wait_for("libvirt to take the downtime", lambda:
                           self.process.poll() is not None or self._says(
                               "migrate-setmaxdowntime", self.guest.name,
                               str(int(downtime_ms))))

    def _says(self, *args):
        try:
            self._virsh(*args)
            return True
        except Error:
            return False

    def status(self):
        """"active" while it copies, "setup" before; how it ended once it
        has."""
        if self._result:
            return self._result.status
        info = self._virsh("domjobinfo", self.guest.name, check=False)
        return "active" if "Memory processed" in info else "setup"

    def cancel(self):
        if not self._result:
            self._cancelled = True
            self._virsh("domjobabort", self.guest.name, check=False)

    def kill_destination(self):
        """Ends the QEMU that the guest was to migrate to."""
        self.guest.machine(self.destination).end()

    def wait(self, seconds=SECONDS, cancel_after=None):
        """As Migration.wait()."""
        if self._result:
            return self._result
        start = time.monotonic()
        late = False
        try:
            while True:
                left = start + (seconds * netns.PATIENCE if cancel_after is
                                None else cancel_after) - time.monotonic()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    said = self.process.communicate(
                        timeout=max(0.05, 0.5 if self._cancelled else left))[0]
                    break
                late = late or cancel_after is None and not self._cancelled
                self.cancel()
        except BaseException:
            self.cancel()
            self.process.wait(30)
            self.guest.recover()
            raise
        self._finish(said.strip().removeprefix("error: "))
        if late and self._result.status == CANCELLED:
            raise Error("%s has not migrated within %g s: cancelled" % (
                self.guest.name, seconds * netns.PATIENCE))
        return self._result

    def _finish(self, said):
        """'said' is what virsh had to say."""
        guest = self.guest
        if self.process.returncode == 0:
            status, said = COMPLETED, None
            host = self.destination
        else:
            status = CANCELLED if self._cancelled else FAILED
            host = self._source
        gone = self._source if host is self.destination else self.destination
        netns.wait_for("libvirt to clean up on " + gone.name,
                       lambda: not guest.machine(gone).known(), 30)
        guest.come_out(host)
        stats = dict(re.findall(r"^(\w+): (\d+)$", guest.machine(host)
                                .libvirtd.virsh(
            "domjobinfo", guest.name, "--completed", "--rawstats",
            check=False), re.M)) if status == COMPLETED else {}
        self._result = Result(guest.name, host.name, status, *(
            int(stats[key]) if key in stats else None
            for key in ("downtime", "time_elapsed", "data_processed")),
            said if status == FAILED else None)
