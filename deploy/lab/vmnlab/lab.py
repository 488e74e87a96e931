# SPDX-License-Identifier: Apache-2.0
"""A lab: hosts, VMs and a vmnd.

Everything that a lab makes is in namespaces named "vmn-LAB-PART" or in the
directory DIR/LAB.  Both names are known before anything is made, so a lab can
be taken down whatever became of the program that put it up.  A lock on the
directory keeps commands on one lab apart; a command of a program that was
killed holds it until it ends."""

import concurrent.futures as futures
import fcntl
import ipaddress
import json
import os
import re
import shutil
import time
import urllib.parse

from . import netns
from .controllers import Controllers
from .daemon import Vmnd
from .guest import MEMORY_MIB, Guest
from .host import Host, missing_programs
from .libvirt import LibvirtGuest
from .netns import Error
from .outside import Outside, Wire
from .vm import Vm

DIR = os.environ.get("VMN_LAB_DIR", "/run/vmn-lab")
PREFIX = "vmn-"
MAX_HOSTS = 200
MAX_VLAN = 4094
OVSDB_MODES = ("tcp", "unix", "inbound")
UNDERLAYS = ("ipv4", "ipv6", "both")
DATAPATHS = ("netdev", "system")
CONTROL_MAC = "02:98:00:00:00:01"

_LAB_NAME = re.compile(r"[a-z0-9]{1,12}")
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_VM_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")


def all_names():
    """The names of all labs of which anything is left, sorted."""
    found = set()
    if os.path.isdir(DIR):
        found.update(n for n in os.listdir(DIR) if _LAB_NAME.fullmatch(n))
    for ns in netns.names(PREFIX):
        name = ns[len(PREFIX):].split("-")[0]
        if _LAB_NAME.fullmatch(name):
            found.add(name)
    return sorted(found)


def default_datapath():
    """The datapath of labs for which none is named: that of the environment,
    so that tests can be run on either."""
    found = os.environ.get("VMN_LAB_DATAPATH") or DATAPATHS[0]
    if found not in DATAPATHS:
        raise Error("VMN_LAB_DATAPATH: must be %s, not %r"
                    % (" or ".join(DATAPATHS), found))
    return found


def check_machine(datapath="netdev"):
    """Raises an Error if no lab with this datapath can be made on this
    machine."""
    missing = missing_programs()
    if missing:
        raise Error("not on this machine: %s (Debian's openvswitch-switch, "
                    "iproute2 and ethtool have them)" % ", ".join(missing))
    if os.geteuid():
        raise Error("namespaces need root")
    if datapath == "system" and not netns.has_generic_netlink("ovs_datapath"):
        raise Error("datapath system: this machine's kernel (%s) has no "
                    "module openvswitch; datapath netdev needs none"
                    % os.uname().release)


def check_vm_name(name):
    if not _VM_NAME.fullmatch(name):
        raise Error("not a VM's name: %r" % name)


def check_mac(mac):
    if not _MAC.fullmatch(mac):
        raise Error("not a MAC address: %r" % mac)


def check_ip(ip):
    """Raises an Error unless 'ip' is an address with its length."""
    try:
        ipaddress.ip_interface(ip)
    except ValueError:
        raise Error("not an IP address with its length: %r" % ip) from None
    if "/" not in ip:
        raise Error("%s lacks its length, such as %s/%d"
                    % (ip, ip, 64 if ":" in ip else 24))


def check_gateway(gateway, ips):
    """Raises an Error unless 'gateway', if it is any, is an address that a
    machine with 'ips' reaches."""
    if not gateway:
        return
    try:
        address = ipaddress.ip_address(gateway)
    except ValueError:
        raise Error("gateway: not an IP address: %r" % gateway) from None
    if not address.is_link_local and not any(
            address in ipaddress.ip_interface(ip).network for ip in ips):
        raise Error("gateway: %s is not in the subnet of %s"
                    % (gateway, " or ".join(ips)))


class Lab:
    def __init__(self, name="lab"):
        if not _LAB_NAME.fullmatch(name):
            raise Error("a lab's name has 1 to 12 of a-z and 0-9: %r" % name)
        self.name = name
        self.dir = os.path.join(DIR, name)
        self.net_ns = self.ns("net")
        self.control_ip = "10.98.0.1"
        self.hosts = []
        self.vms = {}
        self.outsides = {}
        self.wire = Wire(self)  # Made once somebody needs it.
        self.children = []      # Processes that this program started.
        self.ovsdb_mode = "tcp"
        self.underlay = "ipv4"
        self.datapath = "netdev"        # Of all bridges.
        self.switch_options = []        # More of ovs-vswitchd's.
        self.vmnd = None
        self._lock = None

    def ns(self, part):
        return "%s%s-%s" % (PREFIX, self.name, part)

    @property
    def underlay_mtu(self):
        """Room for the VMs' 1450 bytes and what tunnels add to them."""
        return 1500 if self.underlay == "ipv4" else 1520

    def find_host(self, name):
        """The host of that name, or None."""
        return next((h for h in self.hosts if h.name == name), None)

    def find_controller(self, name):
        """The member of the lab's cluster of that name, or None."""
        return next((c for c in self.controllers if c.name == name), None)

    def host(self, name):
        host = self.find_host(name)
        if not host:
            raise Error("lab %s has no host %s; it has %s"
                        % (self.name, name,
                           ", ".join(h.name for h in self.hosts) or "none"))
        return host

    def vm(self, name):
        if name not in self.vms:
            raise Error("lab %s has no VM %s; it has %s"
                        % (self.name, name, ", ".join(self.vms) or "none"))
        return self.vms[name]

    # Its directory, lock and record.  -------------------------------------

    def lock(self, create=False):
        """Waits until no other command works on this lab."""
        while True:
            if create:
                os.makedirs(self.dir, exist_ok=True)
            try:
                fd = os.open(self.dir, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                if create:
                    continue    # Somebody took it down just now.
                raise Error("there is no lab %s" % self.name)
            fcntl.flock(fd, fcntl.LOCK_EX)
            try:
                same = os.path.samestat(os.fstat(fd), os.stat(self.dir))
            except FileNotFoundError:
                same = False
            if same:
                break
            os.close(fd)
        self._lock = fd
        netns.inherit(fd)

    def unlock(self):
        if self._lock is not None:
            netns.disinherit(self._lock)
            os.close(self._lock)
            self._lock = None

    def load(self):
        """Reads the record of a lab that is up."""
        try:
            with open(os.path.join(self.dir, "lab.json")) as record:
                state = json.load(record)
        except FileNotFoundError:
            raise Error("there is no lab %s; there is %s"
                        % (self.name, ", ".join(all_names()) or "none"))
        self.ovsdb_mode = state["ovsdb"]
        self.underlay = state["underlay"]
        self.datapath = state.get("datapath", "netdev")
        self.hosts = [Host(self, i + 1) for i in range(state["hosts"])]
        self.vms = {n: _KINDS[s.get("kind")](self, n, s)
                    for n, s in state["vms"].items()}
        self.outsides = {n: Outside(self, n, s) for n, s in
                         state.get("outsides", {}).items()}
        if state["vmnd"]:
            self.vmnd = self._new_vmnd(
                state["vmnd"], state.get("controllers", 1),
                options=state.get("vmnd_options", ()))
        return self

    def _new_vmnd(self, program, n, **more):
        return Vmnd(self, program, **more) if n == 1 else \
            Controllers(self, program, n, **more)

    @property
    def controllers(self):
        """The members of the lab's cluster; none if its vmnd is alone."""
        return getattr(self.vmnd, "members", [])

    def save(self):
        state = {"hosts": len(self.hosts), "ovsdb": self.ovsdb_mode,
                 "underlay": self.underlay, "datapath": self.datapath,
                 "vmnd": self.vmnd and self.vmnd.program,
                 "vmnd_options": list(self.vmnd.options) if self.vmnd
                 else [],
                 "controllers": len(self.controllers) or 1,
                 "vms": {n: vm.state for n, vm in self.vms.items()},
                 "outsides": {n: o.state for n, o in self.outsides.items()}}
        new = os.path.join(self.dir, "lab.json.new")
        with open(new, "w") as record:
            json.dump(state, record, indent=1)
            record.write("\n")
        os.rename(new, os.path.join(self.dir, "lab.json"))

    def record(self, vm):
        """Saves what has become of 'vm'.  A program that has unlocked the lab
        meanwhile takes up what others have done to it."""
        if self._lock is not None:
            self.save()
            return
        state = vm.state
        self.lock()
        try:
            self.load()
            if vm.name in self.vms:
                self.vms[vm.name].state = state
                self.save()
        finally:
            self.unlock()

    # Up and down.  --------------------------------------------------------

    def up(self, n_hosts=3, vmnd=None, ovsdb_mode="tcp", underlay="ipv4",
           datapath=None, controllers=1, **vmnd_args):
        """Makes the networks, the hosts and, if 'vmnd' is a path, a vmnd that
        knows the hosts, or as many 'controllers' as one cluster.  'datapath'
        is that of all bridges, by default that of the environment.
        'vmnd_args' are of Vmnd().  Call with the lock held."""
        datapath = datapath or default_datapath()
        check_machine(datapath)
        if not 1 <= n_hosts <= MAX_HOSTS:
            raise Error("1 to %d hosts: %d" % (MAX_HOSTS, n_hosts))
        if os.path.exists(os.path.join(self.dir, "lab.json")) or \
                netns.names(self.ns("")):
            raise Error("lab %s is up already, wholly or in part: "
                        "vmn-lab down --name %s" % (self.name, self.name))
        self.ovsdb_mode = ovsdb_mode
        self.underlay = underlay
        self.datapath = datapath
        self.hosts = [Host(self, i + 1) for i in range(n_hosts)]
        self.vmnd = self._new_vmnd(os.path.realpath(vmnd), controllers,
                                   **vmnd_args) if vmnd else None
        self.save()
        self._make_networks()
        for host in self.hosts:
            host.create()
        for host in self.hosts:
            host.await_ready()
        if self.vmnd:
            self.vmnd.start()
            self.register_hosts()

    def _make_networks(self):
        netns.add(self.net_ns)
        netns.ip(self.net_ns,
                 "link add name underlay type bridge",
                 # By itself a bridge's address is its ports' lowest: it would
                 # change with a host that comes later, and those that had
                 # asked for the former one would get no answer for a minute.
                 "link add name control address %s type bridge" % CONTROL_MAC,
                 "addr add %s/16 dev control" % self.control_ip,
                 "link set underlay up", "link set control up")

    def host_object(self, host, **more):
        spec = {"ovsdb": host.ovsdb_target(), "tunnel_ip": host.tunnel_ip,
                "tunnel_interface": "br-phys", "datapath": self.datapath}
        if len(host.tunnel_ips) > 1:
            spec["second_tunnel_ip"] = host.tunnel_ips[1]
        return {"type": "hosts", "name": host.name, "spec": dict(spec, **more)}

    def register_hosts(self, seconds=30):
        """Tells vmnd about the hosts and waits until it has set them up."""
        self.vmnd.api.apply([self.host_object(h) for h in self.hosts])
        self.await_synced(self.hosts, seconds)

    def await_synced(self, hosts=None, seconds=30):
        for host in hosts or self.hosts:
            try:
                netns.wait_for("it", lambda h=host: not self.why_not_synced(h),
                               seconds)
            except Error:
                why = self.why_not_synced(host) or "it is now"
                status = self.vmnd.api.get("hosts/" + host.name)["status"]
                raise Error("%s is not ready: %s; %s"
                            % (host.name, why, json.dumps(status)))

    def why_not_synced(self, host):
        """Why it is not, or None.  That is what vmnd says; but a host that was
        cut off silently it has as synced until it misses it, which may be when
        it is there again.  Once both sides know of all connections what the
        other one knows, the second answer is of after vmnd has heard what the
        host had to say, be it the end of a connection."""
        if host.was_silent:
            if host.is_cut():
                return "it is cut off"
            stalled = host.stalled()
            if stalled:
                return "since it was cut off there waits: %s" \
                    % ", ".join(" ".join(line.split()) for line in stalled)
        for _ in range(2 if host.was_silent else 1):
            state = self.host_state(host)
            if state != "synced":
                return "it is %s" % state
        host.was_silent = False
        return None

    def host_state(self, host):
        return self.vmnd.api.get("hosts/" + host.name)["status"].get("state")

    def down(self):
        """Removes all that is left of the lab.  Call with the lock held if its
        directory is there."""
        if self.vmnd:
            netns.kill(self.vmnd.pids(), 5.0)
        # First end all, then remove: a switch that still runs would make a
        # link anew.
        spaces = netns.names(self.ns(""))
        for ns in spaces:
            netns.kill(netns.pids(ns))
        for ns in spaces:
            netns.delete(ns)
        for child in self.children:
            child.poll()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.hosts, self.vms, self.outsides, self.vmnd = [], {}, {}, None
        try:
            os.rmdir(DIR)
        except OSError:
            pass                # Other labs are there.

    def _check_new_name(self, name):
        check_vm_name(name)
        if name in self.vms or name in self.outsides \
                or name in ("net", "wire") \
                or name in (h.name for h in self.hosts):
            raise Error("lab %s has a %s already" % (self.name, name))

    # What is outside.  ----------------------------------------------------

    def add_outside(self, name, ips, vlan=None, mac=None, gateway=None,
                    gateway6=None):
        """Makes machine 'name' on the physical network that hosts' provider
        bridges (Host.add_provider_bridge()) lead to."""
        self._check_new_name(name)
        for ip in ips:
            check_ip(ip)
        check_gateway(gateway, ips)
        check_gateway(gateway6, ips)
        if vlan is not None and not 1 <= vlan <= MAX_VLAN:
            raise Error("a VLAN is 1 to %d, not %d" % (MAX_VLAN, vlan))
        self.wire.create()
        number = len(self.outsides) + 1
        while mac is None:
            mac = "02:ee:00:00:00:%02x" % number
            if mac in (o.mac for o in self.outsides.values()):
                mac, number = None, number + 1
        outside = Outside(self, name, {"ips": list(ips), "vlan": vlan,
                                       "mac": mac, "gateway": gateway,
                                       "gateway6": gateway6})
        self.outsides[name] = outside
        self.save()
        try:
            outside.create()
        except Error:
            self.remove_outside(name)
            raise
        return outside

    def remove_outside(self, name):
        self.outsides.pop(name).delete()
        self.save()

    # VMs.  ----------------------------------------------------------------

    def add_vm(self, name, host, mac, ips, iface_id=None, gateway=None,
               gateway6=None):
        """Makes VM 'name' and plugs it in at host 'host'.  Its port in VMN is
        the caller's business."""
        self._check_new_name(name)
        check_mac(mac)
        for ip in ips:
            check_ip(ip)
        host = self.host(host)
        vm = Vm(self, name, {"iface_id": iface_id or name, "mac": mac,
                             "ips": list(ips), "gateway": gateway,
                             "gateway6": gateway6,
                             "host": None})
        return self._add(vm, host)

    def _add(self, vm, host):
        """Makes 'vm' and plugs it in at 'host'; or, if that fails, leaves
        nothing of it."""
        self.vms[vm.name] = vm
        self.save()
        try:
            vm.create(host)
            vm.plug(host)
        except Error:
            self.remove_vm(vm.name)
            raise
        self.save()
        return vm

    def add_vm_of_port(self, port, host, name=None):
        """Makes a VM for port 'port' of VMN, with the addresses that it was
        given there."""
        found, network = self._find_port(port)
        mac, ips = port_addresses(found)
        if not ips:
            raise Error("port %s has no address" % port)
        subnets = network["spec"]["subnets"]
        gateway, gateway6 = (
            next((s["gateway"] for s in subnets if "gateway" in s
                  and (":" in s["gateway"]) == v6
                  and any((":" in ip) == v6 for ip in ips)), None)
            for v6 in (False, True))
        return self._of_port(port, self.add_vm(
            name or port, host, mac, [with_length(ip, subnets) for ip in ips],
            found["spec"].get("iface_id") or port, gateway, gateway6))

    def _of_port(self, port, vm):
        vm.state["port"] = port
        self.save()
        return vm

    def _find_port(self, port):
        """Returns port 'port' of VMN, and its network."""
        found = self.vmnd.api.get("ports/" + urllib.parse.quote(port, ""))
        return found, self.vmnd.api.get("networks/"
                                        + found["spec"]["network"])

    def add_guest(self, name, host, image, mac, ips=(), iface_id=None,
                  memory=MEMORY_MIB, kind="guest"):
        """Makes VM 'name' that is a guest of QEMU, has it boot at host 'host'
        from 'image' (guest.find_image()), and plugs it in; with kind "libvirt"
        libvirt does.  It asks for its addresses itself; 'ips' are what it is
        to get.  await_ready() is to follow."""
        self._check_new_name(name)
        check_mac(mac)
        host = self.host(host)
        vm = _KINDS[kind](self, name, {
            "kind": kind, "iface_id": iface_id or name, "mac": mac,
            "ips": list(ips), "host": None, "machine": host.name,
            "image": image, "memory": memory})
        return self._add(vm, host)

    def add_guest_of_port(self, port, host, image, name=None, **more):
        """Makes a guest for port 'port' of VMN; 'more' as of add_guest()."""
        found, network = self._find_port(port)
        mac, ips = port_addresses(found)
        return self._of_port(port, self.add_guest(
            name or port, host, image, mac,
            [with_length(ip, network["spec"]["subnets"]) for ip in ips],
            found["spec"].get("iface_id") or port, **more))

    def migrate(self, name, host, **limits):
        """Begins a live migration of guest 'name' and returns it, a
        migration.Migration; 'limits' are that one's."""
        vm = self.vm(name)
        if not isinstance(vm, Guest):
            raise Error("%s is no guest of QEMU, which could migrate: move it"
                        % name)
        return vm.migrate(self.host(host), **limits)

    def move(self, name, host):
        self.vm(name).move(self.host(host))
        self.save()

    def revalidated(self):
        """Waits until the datapath of each switch that runs has what the
        switch's tables have now, and its flows' counters all that has passed.
        "revalidator/wait" ends with a round that may have begun before, and
        the next one has not."""
        for _ in range(2):
            self.ask_switches("revalidator/wait")
        self.purged()

    def purged(self):
        """Empties each switch's datapath: Open vSwitch 3.1.0 now and then
        goes on with a cached flow's former actions (docs/pipeline.md, "Known
        limits")."""
        self.ask_switches("revalidator/purge")

    def ask_switches(self, command):
        running = [host for host in self.hosts if host.running()]
        with futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda host: host.appctl(command), running))

    def unplug(self, name):
        self.vm(name).unplug()
        self.save()

    def replug(self, name, host):
        """Plugs a VM in again that was unplugged."""
        vm = self.vm(name)
        if vm.host:
            raise Error("%s is on %s already" % (name, vm.host))
        if isinstance(vm, Guest) or vm._link_host() is self.host(host):
            vm.plug(self.host(host))
        else:
            vm.move(self.host(host))
        self.save()

    def remove_vm(self, name):
        self.vm(name).delete()
        del self.vms[name]
        self.save()

    def port_state(self, port):
        return self.vmnd.api.get("ports/" + port)["status"].get("state")

    def await_ports(self, ports, state="up", seconds=30):
        """Waits until VMN says of each port that it is 'state'."""
        end = time.monotonic() + seconds
        for port in ports:
            netns.wait_for("port %s to be %s" % (port, state),
                           lambda p=port: self.port_state(p) == state,
                           max(0.0, end - time.monotonic()))


_KINDS = {None: Vm, "guest": Guest, "libvirt": LibvirtGuest}


def with_length(ip, subnets):
    """Address 'ip' with the length of the one of 'subnets' that it is in."""
    address = ipaddress.ip_address(ip)
    for subnet in subnets:
        cidr = ipaddress.ip_network(subnet["cidr"])
        if address in cidr:
            return "%s/%d" % (ip, cidr.prefixlen)
    raise Error("%s is in no subnet" % ip)


def port_addresses(port):
    """Returns the (MAC, [IPs]) in effect of a port as the API gives it."""
    def either(key):
        return (port.get("status") or {}).get(key) or port["spec"].get(key)
    return either("mac"), either("ips") or []
