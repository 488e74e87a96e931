# SPDX-License-Identifier: Apache-2.0
"""A hypervisor of the lab: a namespace with an Open vSwitch of its own, on the
userspace datapath, which needs no kernel module, or on the kernel's.

    br-phys   the underlay: holds u0 (a veth to the lab's underlay) and the
              tunnel address, since userspace tunnels look for it on a bridge
    br-int    made by vmnd, not here
    br-ex     on demand: leads to the lab's physical network, by x0
    control   a veth to the lab's control network, where vmnd is"""

import contextlib
import os
import re
import shutil
import signal
import socket

from . import netns
from .netns import Error

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
OVS_SAVE = "/usr/share/openvswitch/scripts/ovs-save"
OVSDB_PORT = 6640
TUNNEL_PORT = 40000             # OpenFlow's, of vmnd's making.
# How ss shows what was sent again, or asked for again by a closed window.
_AGAIN = re.compile(r"timer:\((?:on|persist),[^,]*,0*[1-9]")
_BUFFER_SIZE = 8 << 20


class Host:
    """Host number 'index' (from 1) of 'lab'."""

    def __init__(self, lab, index):
        self.lab = lab
        self.index = index
        self.name = "h%d" % index
        self.ns = lab.ns(self.name)
        self.dir = os.path.join(lab.dir, self.name)
        both = {"ipv4": "10.99.0.%d" % index, "ipv6": "fd99::%x" % index}
        # The tunnel addresses, the first one first.
        self.tunnel_ips = list(both.values()) if lab.underlay == "both" \
            else [both[lab.underlay]]
        self.control_ip = "10.98.1.%d" % index
        self._deep = False      # deepen_sockets() was called.
        self.was_silent = False  # cut() was, and it may not be known yet.
        self.tunnel_mac = "02:99:00:00:00:%02x" % index
        self.db = "unix:%s/db.sock" % self.dir
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_DBDIR=self.dir,
                        OVS_LOGDIR=self.dir, LIBVIRT_DEFAULT_URI="qemu:///"
                        "system?socket=%s/libvirt/sock/libvirt-sock"
                        % self.dir)

    @property
    def datapath_type(self):
        """What a bridge of the lab has in its database."""
        return "datapath_type=" + self.lab.datapath

    @property
    def tunnel_ip(self):
        return self.tunnel_ips[0]

    # Making it.  ----------------------------------------------------------

    def create(self):
        """Makes the namespace with its links and starts Open vSwitch; await_
        ready() is to follow."""
        net = self.lab.net_ns
        os.makedirs(self.dir)
        netns.add(self.ns)
        self._keep_routes()
        self._answer_once()
        netns.ip(
            self.ns,
            "link add name u0 mtu %d type veth peer name u-%s netns %s"
            % (self.lab.underlay_mtu, self.name, net),
            "link add name control type veth peer name c-%s netns %s"
            % (self.name, net),
            "addr add %s/16 dev control" % self.control_ip,
            "link set u0 up", "link set control up")
        netns.ip(
            net,
            "link set u-%s mtu %d master underlay up"
            % (self.name, self.lab.underlay_mtu),
            "link set c-%s master control up" % self.name)
        for link in ("u0", "control"):
            netns.run(["ethtool", "-K", link, "tx", "off"], ns=self.ns)
        netns.run(["ovsdb-tool", "create", self._file("conf.db"), SCHEMA])
        self.start_db()
        self.vsctl(
            "--no-wait", "init", "--",
            "set", "Open_vSwitch", ".", "external_ids:system-id=" + self.name,
            # Two threads a switch will do: labs share few cores.
            "other_config:n-handler-threads=1",
            "other_config:n-revalidator-threads=1", "--",
            "add-br", "br-phys", "--",
            "set", "bridge", "br-phys", self.datapath_type,
            'other_config:hwaddr="%s"' % self.tunnel_mac, "--",
            "add-port", "br-phys", "u0", "--",
            "set", "interface", "br-phys",
            "mtu_request=%d" % self.lab.underlay_mtu)
        if self.lab.ovsdb_mode == "inbound":
            # All members of a cluster.
            self.vsctl("--no-wait", "set-manager", *(
                "tcp:%s:%d" % (self.lab.control_ip, OVSDB_PORT + i)
                for i in range(len(self.lab.controllers) or 1)))
        self.start_switch()

    def _keep_routes(self):
        """Has links get no link-local address by themselves: one that came a
        second after each link would change the routes, and Open vSwitch
        forgets all of them for the moment that it takes to read them anew.
        Packets that need a tunnel just then are lost."""
        with netns.inside(self.ns), open(
                "/proc/sys/net/ipv6/conf/default/addr_gen_mode", "w") as mode:
            mode.write("1")         # IN6_ADDR_GEN_MODE_NONE.

    def _answer_once(self):
        """Has the link with an address alone answer ARP for it.  The kernel
        sees what comes in by u0, too, which Open vSwitch has a part of, and
        would give u0's own MAC address as well: whoever hears that last
        sends its tunnels' packets there, where nobody takes them."""
        with netns.inside(self.ns), open(
                "/proc/sys/net/ipv4/conf/all/arp_ignore", "w") as ignore:
            ignore.write("1")

    def await_ready(self):
        """Waits for the switch and gives it its tunnel address and the other
        hosts' neighbour entries."""
        netns.wait_for(
            "%s's underlay bridge (log: %s)"
            % (self.name, self._file("ovs-vswitchd.log")),
            lambda: self._shows("br-phys", "ofproto/list")
            and self.has_link("br-phys"), 30)
        netns.ip(self.ns, "link set br-phys up", *(
            "addr replace %s dev br-phys" % (
                ip + "/64 nodad" if ":" in ip else ip + "/16")
            for ip in self.tunnel_ips))
        for ip in self.tunnel_ips:
            netns.wait_for("%s's route to the underlay" % self.name,
                           lambda i=ip: self._shows(
                               "SRC %s" % i, "ovs/route/show"))
        self.warm_up()

    def warm_up(self):
        """Tells the switch its neighbours' addresses: a userspace tunnel loses
        the first packet to a host while it asks for them.  The kernel's
        tunnels go by the kernel's neighbours."""
        if self.lab.datapath == "netdev":
            self.appctl("tnl/neigh/aging", "3600")
        for host in self.lab.hosts:
            if host is not self:
                for ip in host.tunnel_ips:
                    self.set_neighbour(ip, host.tunnel_mac)

    def set_neighbour(self, ip, mac):
        """Has its tunnels to 'ip' lead to MAC address 'mac'."""
        if self.lab.datapath == "system":
            netns.ip(self.ns, "neigh replace %s lladdr %s dev br-phys nud "
                     "permanent" % (ip, mac))
        else:
            self.appctl("tnl/neigh/set", "br-phys", ip, mac)

    # Its processes.  ------------------------------------------------------

    def start_db(self):
        self._unlink("db.sock")
        self._spawn("ovsdb-server", [
            self._file("conf.db"), "--remote=punix:%s" % self._file("db.sock"),
            "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
            "--private-key=db:Open_vSwitch,SSL,private_key",
            "--certificate=db:Open_vSwitch,SSL,certificate",
            "--bootstrap-ca-cert=db:Open_vSwitch,SSL,ca_cert"]
            + self.remotes())
        netns.wait_for("%s's database (log: %s)"
                       % (self.name, self._file("ovsdb-server.log")),
                       lambda: self.answers("ovsdb-server"))

    def remotes(self):
        """How the database is reached besides."""
        return ["--remote=ptcp:%d:%s" % (OVSDB_PORT, self.control_ip)] \
            if self.lab.ovsdb_mode == "tcp" else []

    def stop_db(self, grace=5.0):
        netns.kill(self.pids("ovsdb-server"), grace)

    def start_switch(self):
        """Starts ovs-vswitchd; await_ready() is to follow."""
        switch = self._spawn("ovs-vswitchd", (
            ["--disable-system"] if self.lab.datapath == "netdev" else [])
            + self.lab.switch_options + [self.db])
        # Where all processors are busy it loses what it does not get to read
        # in a quarter of a second.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, switch.pid, -10)

    def stop_switch(self, grace=5.0):
        """Ends ovs-vswitchd: gently, or with a 'grace' of 0 at once."""
        netns.kill(self.pids("ovs-vswitchd"), grace)

    def restart_switch(self):
        """Restarts ovs-vswitchd as "ovs-ctl restart" does, by Open vSwitch's
        own script: its flows and groups are saved as text, and are back before
        it looks for its controllers.  Returns None, or why they are not:
        ovs-ctl says so, too, and goes on."""
        bridges = self.vsctl("--", "--real", "list-br").split()
        restore = netns.run([OVS_SAVE, "save-flows"] + bridges, ns=self.ns,
                            env=self.env)
        self.vsctl("set", "Open_vSwitch", ".",
                   "other_config:flow-restore-wait=true")
        self.stop_switch()
        self.start_switch()
        netns.wait_for(
            "%s's bridges (log: %s)"
            % (self.name, self._file("ovs-vswitchd.log")),
            lambda: all(self._shows(b, "ofproto/list") for b in bridges), 30)
        error = None
        try:
            netns.run(["sh", "-ec", restore], ns=self.ns, env=self.env)
        except Error as e:
            error = str(e)
        self.vsctl("remove", "Open_vSwitch", ".", "other_config",
                   "flow-restore-wait=true")
        self.await_ready()
        return error

    def freeze_switch(self):
        """Has ovs-vswitchd do nothing at all until thaw_switch().  (The
        kernel's datapath goes on with what it has cached.)"""
        for pid in self.pids("ovs-vswitchd"):
            os.kill(pid, signal.SIGSTOP)

    def thaw_switch(self):
        for pid in self.pids("ovs-vswitchd"):
            os.kill(pid, signal.SIGCONT)

    def deepen_sockets(self):
        """Has the sockets by which ovs-vswitchd takes packets from links hold
        as much as what is sent in seconds.  By default they overflow after
        about 280 small packets: a quarter of a second of a stream of a
        thousand, in which a small machine may well let another process run.
        Those of links that are plugged in later are deepened then.  (Each is
        borrowed by pidfd_getfd(2); net.core.rmem_default is not ours to
        change.)"""
        self._deep = True
        for pid in self.pids("ovs-vswitchd"):
            for sock in netns.sockets_of(pid):
                with sock:
                    if sock.family == socket.AF_PACKET:
                        netns.deepen(sock, _BUFFER_SIZE)

    def waited(self):
        """For how many seconds threads of ovs-vswitchd that are there now
        have been ready to run and got no processor (proc(5), schedstat)."""
        total = 0
        for pid in self.pids("ovs-vswitchd"):
            for thread in os.listdir("/proc/%d/task" % pid):
                with contextlib.suppress(OSError):
                    with open("/proc/%d/task/%s/schedstat" % (pid, thread)) \
                            as stat:
                        total += int(stat.read().split()[1])
        return total / 1e9

    def stop(self):
        """Ends Open vSwitch, as if the hypervisor were switched off.  The VMs'
        namespaces stay."""
        self.stop_switch()
        if self.lab.datapath == "system":
            # The kernel would go on with what it has cached.
            netns.run(["ovs-dpctl", "del-dp", "ovs-system"], ns=self.ns,
                      check=False)
        self.stop_db()

    def start(self, transient=True):
        """Starts what stop() stopped.  Without 'transient' there are no
        transient ports any more, as after a boot where the scripts of Open
        vSwitch delete them (ovs-ctl delete-transient-ports)."""
        if not self.answers("ovsdb-server"):
            self.start_db()
            if not transient:
                self._delete_transient_ports()
        if not self.answers("ovs-vswitchd"):
            self.start_switch()
        self.await_ready()

    def _delete_transient_ports(self):
        for port in self.vsctl("--bare", "--columns=name", "find", "port",
                               "other_config:transient=true").split():
            self.vsctl("--no-wait", "--if-exists", "del-port", port)

    def running(self):
        return bool(self.pids("ovsdb-server") and
                    self.pids("ovs-vswitchd"))

    def _spawn(self, program, args):
        # A stale pidfile would have ovs-appctl look for a process long gone.
        self._unlink(program + ".pid")
        child = netns.spawn(
            [program, "-vconsole:off", "-vsyslog:off", "-vfile:info",
             "--log-file=" + self._file(program + ".log"),
             "--pidfile=" + self._file(program + ".pid")] + args,
            self.ns, self.env, self._file(program + ".out"))
        self.lab.children.append(child)
        return child

    def pids(self, program):
        found = []
        for pid in netns.pids(self.ns):
            try:
                with open("/proc/%d/comm" % pid) as comm:
                    if comm.read().strip() == program[:15]:
                        found.append(pid)
            except OSError:
                pass            # Ended meanwhile.
        return found

    # The way to the controller.  ------------------------------------------

    def cut(self, silent=False):
        """Takes the host off the control network, as if somebody pulled the
        cable at its far end.  The connections over it break at once, or, if
        'silent', only once somebody misses the other side.

        The host's own link stays up: with one that goes down or up its routes
        change, and Open vSwitch forgets all of them for the moment that it
        takes to read them anew.  Packets that need a tunnel just then are
        lost, whatever the controller does.

        After heal() only Lab.await_synced() knows the end of a silent cut: all
        else that says that the host is there may be of before it."""
        netns.ip(self.lab.net_ns, "link set c-%s nomaster" % self.name)
        self.was_silent = silent
        if not silent:
            netns.run(["ss", "-K", "dst", self.lab.control_ip], ns=self.ns,
                      check=False)
            netns.run(["ss", "-K", "dst", self.control_ip],
                      ns=self.lab.net_ns, check=False)

    def heal(self):
        netns.ip(self.lab.net_ns,
                 "link set c-%s master control" % self.name)

    def is_cut(self):
        return "master control" not in netns.run(
            ["ip", "-n", self.lab.net_ns, "link", "show", "dev",
             "c-" + self.name])

    def stalled(self):
        """Its connections with vmnd, as ss shows them, over which one side
        does not know yet what the other one knows: that has sent something
        again that has not arrived, as of a silent cut until TCP tries once
        more, which may be as long after it as it has lasted; or has given the
        connection up, perhaps without a trace, and the end that is left stays
        until somebody writes to it."""
        here, there = (self._connections(ns, *ends) for ns, ends in (
            (self.ns, (self.control_ip, self.lab.control_ip)),
            (self.lab.net_ns, (self.lab.control_ip, self.control_ip))))
        return [line for ours, others in ((here, there), (there, here))
                for (local, peer), line in ours.items()
                if (peer, local) not in others or _AGAIN.search(line)]

    @staticmethod
    def _connections(ns, local, peer):
        """{(local, peer): line} of those that are open at this end."""
        said = netns.run(["ss", "-Htno", "state", "established",
                          "src", local, "and", "dst", peer], ns=ns)
        # Without the state, as there is one.
        return {tuple(line.split()[2:4]): line for line in said.splitlines()}

    def ovsdb_target(self):
        """How vmnd reaches the database: a host's 'ovsdb' in the API."""
        return {"tcp": "tcp:%s:%d" % (self.control_ip, OVSDB_PORT),
                "unix": self.db,
                "inbound": "inbound"}[self.lab.ovsdb_mode]

    # Asking and telling it.  ----------------------------------------------

    def vsctl(self, *args, timeout=20):
        return netns.run(["ovs-vsctl", "--db=" + self.db,
                          "--timeout=%d" % (timeout * netns.PATIENCE)]
                         + list(args),
                         ns=self.ns, env=self.env, timeout=timeout + 5)

    def appctl(self, *args, target="ovs-vswitchd"):
        return netns.run(["ovs-appctl", "--timeout=%d" % (20 * netns.PATIENCE),
                          "-t", target] + list(args), env=self.env)

    def ofctl(self, command, *args, data=None):
        """Runs ovs-ofctl; the bridge's name in 'args' will do."""
        return netns.run(["ovs-ofctl", "--timeout=%d" % (20 * netns.PATIENCE),
                          "-O", "OpenFlow15", command] + list(args),
                         ns=self.ns, env=self.env, data=data)

    def _shows(self, word, command):
        """Whether the switch names 'word' in answer to 'command', which it
        may not know yet while it starts."""
        try:
            return word in self.appctl(command)
        except Error:
            return False

    def answers(self, program):
        try:
            self.appctl("version", target=program)
            return True
        except Error:
            return False

    def has_link(self, link):
        try:
            netns.run(["ip", "-n", self.ns, "link", "show", "dev", link])
            return True
        except Error:
            return False

    def prepare(self, link):
        """Has 'link' be promiscuous already when Open vSwitch comes to take
        packets from it.  It would see to that itself and undo it when the
        interface leaves the bridge, and by that the link changes: then it
        forgets all its routes for the moment that it takes to read them anew,
        and packets that need a tunnel just then are lost.  (With the kernel's
        datapath tunnels go by the kernel's routes.)"""
        netns.ip(self.ns, "link set %s promisc on" % link)

    def plug(self, link, bridge, iface_id, *more):
        """Puts interface 'link' on 'bridge', which vmnd may yet have to make,
        and names the port that it is for.  'more' is what is set besides."""
        netns.ip(self.ns, "link set %s up" % link)
        try:
            self.vsctl("wait-until", "bridge", bridge, "datapath_id!=[]")
        except Error:
            if not self.running():
                raise Error("%s is stopped: %s is plugged in when it runs"
                            % (self.name, link)) from None
            raise Error("%s has no bridge %s to plug %s in (vmnd makes it)"
                        % (self.name, bridge, link)) from None
        self.vsctl("--may-exist", "add-port", bridge, link, "--",
                   "set", "interface", link,
                   "external_ids:iface-id=" + iface_id, *more)
        if self._deep:
            self.deepen_sockets()

    def add_provider_bridge(self, bridge="br-ex"):
        """Makes a bridge, of its own switching, with a link to the lab's
        physical network, as an operator would.  It may be there."""
        self.lab.wire.create()
        if not self.has_link("x0"):
            self.lab.wire.add_link(self.ns, "x0", "x-" + self.name)
        self.vsctl("--may-exist", "add-br", bridge, "--",
                   "set", "bridge", bridge, self.datapath_type, "--",
                   "--may-exist", "add-port", bridge, "x0")

    def remove_provider_bridge(self, bridge="br-ex"):
        self.vsctl("--if-exists", "del-br", bridge)
        self.lab.wire.remove_link("x-" + self.name)

    def unplug(self, link):
        self.vsctl("--if-exists", "del-port", link)

    def _file(self, name):
        return os.path.join(self.dir, name)

    def _unlink(self, name):
        try:
            os.unlink(self._file(name))
        except FileNotFoundError:
            pass


def missing_programs():
    """The names of programs that the lab needs and this machine lacks."""
    need = ["ip", "ss", "ethtool", "ovsdb-server", "ovsdb-tool", "ovs-vsctl",
            "ovs-vswitchd", "ovs-appctl", "ovs-ofctl"]
    return [n for n in need if not shutil.which(n)] + (
        [] if os.path.exists(SCHEMA) else [SCHEMA])
