# SPDX-License-Identifier: Apache-2.0
"""VMs that know nothing of their network, and the clients of DHCP that run in
them: ISC's dhclient and busybox's udhcpc.  Both call a script, which notes
what they were told and sets the address; nothing else of the machine is
touched."""

import os
import shlex
import signal

from vmnlab import netns
from vmnlab.netns import wait_for

SCRIPT = r"""#!/bin/sh
event=${reason:-$1}
case $event in
    bound|renew) ip addr replace "$ip/$mask" dev "$interface" ;;
    deconfig) ip -4 addr flush dev "$interface" ;;
    BOUND|RENEW|REBIND|REBOOT)
        ip addr replace "$new_ip_address/$new_subnet_mask" dev "$interface" ;;
    BOUND6|RENEW6|REBIND6)
        [ -z "$new_ip6_address" ] || ip addr replace \
            "$new_ip6_address/$new_ip6_prefixlen" dev "$interface" ;;
    PREINIT|PREINIT6) ip link set "$interface" up ;;
esac
{ env | grep -v '^_='; echo "END=$event"; } >> EVENTS
exit 0
"""

DHCLIENT_CONF = """
timeout 300;
retry 1;
initial-interval 1;
backoff-cutoff 2;
option rfc3442 code 121 = array of unsigned integer 8;
also request rfc3442, ntp-servers, domain-search, interface-mtu, bootfile-name;
also request dhcp6.name-servers, dhcp6.domain-search, dhcp6.sntp-servers;
"""


def bare_vm(world, name, network, host, ipv6=False, **spec):
    """A port and its VM, which has no address."""
    world.put("ports", name, network=network, **spec)
    status = world.api.get("ports/" + name)["status"]
    vm = world.lab.add_vm(name, host, status["mac"], [])
    world.own_vms.append(name)
    world.lab.await_ports([name])
    vm.own = status["ips"]
    if ipv6:
        enable_ipv6(vm)
    return vm


def enable_ipv6(vm):
    """Has the guest's kernel look for its addresses, as at a start."""
    with netns.inside(vm.ns):
        for what, value in (("accept_ra", 1), ("autoconf", 1),
                            ("router_solicitations", 3),
                            ("router_solicitation_delay", 0),
                            ("disable_ipv6", 0)):
            with open("/proc/sys/net/ipv6/conf/eth0/" + what, "w") as out:
                out.write(str(value))


def addresses(vm, family=4):
    return [line.split()[3] for line in vm.run(
        "ip", "-%d" % family, "-o", "addr", "show", "dev", "eth0").splitlines()
            if "scope link" not in line]


def wait_for_address(vm, ip):
    wait_for("%s to have %s" % (vm.name, ip), lambda: ip in [
        a.split("/")[0] for a in addresses(vm, 6 if ":" in ip else 4)]
        and "tentative" not in vm.run("ip", "addr", "show", "dev", "eth0"))


class Client:
    """A client that runs in a VM."""

    def __init__(self, vm, place):
        self.vm = vm
        self.place = str(place)
        os.makedirs(self.place, exist_ok=True)
        self.events_file = os.path.join(self.place, "events")
        self.script = os.path.join(self.place, "script")
        with open(self.script, "w") as out:
            out.write(SCRIPT.replace("EVENTS", shlex.quote(self.events_file)))
        os.chmod(self.script, 0o755)
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.stop()

    def stop(self, which=signal.SIGKILL):
        if self.process:
            self.process.send_signal(which)
            self.process.wait(20)
            self.process = None

    def spawn(self, args):
        self.process = netns.spawn(args, self.vm.ns, log=os.path.join(
            self.place, "log"))

    def events(self):
        """[(event, {variable: value})], oldest first."""
        found, now = [], {}
        try:
            with open(self.events_file) as text:
                for line in text.read().splitlines():
                    name, equals, value = line.partition("=")
                    if name == "END":
                        found.append((value, now))
                        now = {}
                    elif equals:
                        now[name] = value
        except FileNotFoundError:
            pass
        return found

    def wait(self, *wanted, after=0, seconds=40):
        """What the client was told with the first of the events 'wanted',
        'after' so many events."""
        def there():
            return next((told for event, told in self.events()[after:]
                         if event in wanted), None)
        try:
            return wait_for("%s of %s" % ("/".join(wanted), self.vm.name),
                            there, seconds)
        except Exception:
            with open(os.path.join(self.place, "log")) as log:
                print([e for e, _ in self.events()], log.read()[-3000:])
            raise


class Udhcpc(Client):
    def __init__(self, vm, place, *more):
        super().__init__(vm, place)
        self.more = more

    def start(self):
        self.spawn(["busybox", "udhcpc", "-f", "-i", "eth0", "-s",
                    self.script, "-t", "20", "-T", "1", "-A", "1", *self.more])

    def renew(self):
        self.process.send_signal(signal.SIGUSR1)

    def release(self):
        self.process.send_signal(signal.SIGUSR2)


class Dhclient(Client):
    def __init__(self, vm, place, family=4, *more):
        super().__init__(vm, place)
        self.conf = os.path.join(self.place, "conf")
        with open(self.conf, "w") as out:
            out.write(DHCLIENT_CONF)
        self.pidfile = os.path.join(self.place, "pid")
        self.args = ["dhclient", "-%d" % family, "-sf", self.script, "-cf",
                     self.conf, "-lf", os.path.join(self.place, "leases"),
                     "-pf", self.pidfile, *more, "eth0"]

    def start(self):
        """The pidfile of one that was killed would be taken for its own."""
        if os.path.exists(self.pidfile):
            os.unlink(self.pidfile)
        self.spawn(self.args[:1] + ["-d"] + self.args[1:])

    def release(self):
        """Another one, which gives back what the first has.  It ends the
        first by its pidfile, which that writes only after its script has run
        for the first time."""
        wait_for("dhclient's pidfile",
                 lambda: os.path.exists(self.pidfile), 20)
        netns.run(self.args[:1] + ["-r"] + self.args[1:], ns=self.vm.ns)
        self.process.wait(20)
        self.process = None
