# SPDX-License-Identifier: Apache-2.0
"""What the system tests share: labs with a vmnd, and a world to play in.

    pytest tests/system                  all of it
    pytest tests/system -k firewall      one file, or one test

VMND, VMNCTL and VMN_APPDIR say what to test, if not what is built in _build.
In a whole run of all suites VMN_TEST_TURN is a number of the day: what
in_turn() is about goes by it.
A daemon that ends otherwise than asked, with another status than 0, or with a
sanitizer's report fails the test that it ended in."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

import failed_labs

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../deploy/lab"))

from vmnlab import traffic  # noqa: E402
from vmnlab.api import Refused  # noqa: E402
from vmnlab.daemon import find  # noqa: E402
from vmnlab.lab import Lab, default_datapath  # noqa: E402
from vmnlab.netns import PATIENCE, wait_for  # noqa: E402

# What a sanitizer writes when it has found something.
REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error:|"
                    r"SUMMARY: \w+Sanitizer|WARNING: \w+Sanitizer")

# For how many seconds after the receipt of a change a switch's datapath may
# go on as before.  It is some milliseconds.
SETTLE = 1.0 * PATIENCE
# For how long what was sent before may arrive where a process gets no
# processor for a while.
LATE = 5.0 * PATIENCE

# Tests of what one datapath does, and the other does not.
userspace_only = pytest.mark.skipif(
    default_datapath() != "netdev", reason="of the userspace datapath")
kernel_only = pytest.mark.skipif(
    default_datapath() != "system", reason="of the kernel's datapath")


def in_turn(*kinds):
    """Of kinds of one thing, such as networks with and without a VLAN, that of
    the day in a whole run of all suites, and all of them elsewhere."""
    turn = os.environ.get("VMN_TEST_TURN")
    if not turn:
        return kinds
    # A file that itself runs on one day of eight has all of them, too.
    return (kinds[(int(turn) + int(turn) // 8) % len(kinds)],)


# How long a change may take until all hosts have it: the API allows 300 s, and
# its clients here wait for longer (COMMAND_S, and Api's own).
WAIT = "%ds" % min(45 * PATIENCE, 300)

# For how long a command that may wait for that is waited for.
COMMAND_S = 60 * PATIENCE


def patient(words):
    """Words of vmnctl that wait for hosts: for as long as that, and not for
    the 10 s of people."""
    if "--wait" in words and "--timeout" not in words:
        return [*words, "--timeout", WAIT]
    return list(words)


def vmnctl(lab, *args):
    """Returns the exit status of vmnctl, and its output and errors."""
    done = subprocess.run([find("vmnctl"), "-s", "unix:" + lab.vmnd.socket]
                          + patient(args), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)
    return done.returncode, done.stdout


def assert_condition(lab, reason, text):
    """Health is not ok for that reason, of which "vmnctl status" prints 'text'
    and exits with 1; so are the metrics."""
    health = lab.vmnd.api.get("status")["health"]
    assert health["state"] == "degraded", health
    assert reason in [r["reason"] for r in health["reasons"]], health
    status, printed = vmnctl(lab, "status")
    assert status == 1 and text in printed, printed
    assert lab.vmnd.api.metrics()[
        'vmn_health_reason{reason="%s"}' % reason] == 1


def assert_no_condition(lab, reason):
    assert reason not in [
        r["reason"] for r in lab.vmnd.api.get("status")["health"]["reasons"]]
    assert lab.vmnd.api.metrics()[
        'vmn_health_reason{reason="%s"}' % reason] == 0


# A shell without job control has what it starts in the background ignore
# SIGINT, and whatever that starts inherits it: programs to which tests send it
# would go on.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_n_labs = 0


def lab_name(kind):
    """A name that no other run of the tests uses at the same time."""
    global _n_labs
    _n_labs += 1
    return "%s%d%s" % (kind[:3], _n_labs, "%05d" % (os.getpid() % 100000))


def check_log(vmnd):
    """Fails if a sanitizer, or vmnd itself, complained in its log."""
    try:
        with open(vmnd.log, errors="replace") as log:
            text = log.read()
    except FileNotFoundError:
        return
    found = REPORT.search(text)
    assert not found, "vmnd's log:\n" + text[max(0, found.start() - 500):][
        :6000]
    assert "|EMER|" not in text, text[-3000:]


def end(vmnd):
    """Ends a vmnd as an operator would; it must have nothing to complain
    of."""
    assert vmnd.pid() is not None, \
        "vmnd is gone:\n" + vmnd.last_words(60)
    status = vmnd.stop()
    for one in getattr(vmnd, "members", [vmnd]):
        check_log(one)
    assert status == 0, "vmnd ended with %r:\n%s" % (status,
                                                     vmnd.last_words(60))


def make_lab(kind, n_hosts, **more):
    """With $VMN_TEST_CONTROLLERS its vmnd is a cluster of so many."""
    lab = Lab(lab_name(kind))
    n = int(os.environ.get("VMN_TEST_CONTROLLERS", "1"))
    lab.lock(create=True)
    if n > 1:
        more.update(controllers=n)
    try:
        lab.up(n_hosts, find("vmnd"), **more)
        if n > 1:
            lab.await_synced()
    except BaseException:
        keep_log(lab)
        lab.down()
        lab.unlock()
        raise
    failed_labs.labs.append(lab)
    return lab


def make_token_lab(kind, n_hosts, place, port, *options, **more):
    """A lab whose vmnd serves the API by TCP at 'port', to whoever shows an
    account's token, as often as he likes.  'place' is a folder."""
    tokens = str(place / "token")
    with open(os.open(tokens, os.O_CREAT | os.O_WRONLY, 0o600), "w",
              encoding="ascii") as file:
        file.write("t" * 40 + "\n")
    return make_lab(kind, n_hosts, options=[
        "--api-listen=127.0.0.1:%d" % port, "--api-token-file=" + tokens,
        "--api-rate=0", *options], **more)


def keep_log(lab):
    """Where somebody wants to know why: $VMN_TEST_LOGS."""
    place = os.environ.get("VMN_TEST_LOGS")
    if place and lab.vmnd and os.path.exists(lab.vmnd.log):
        os.makedirs(place, exist_ok=True)
        with open(lab.vmnd.log, "rb") as log, \
                open(os.path.join(place, lab.name + ".log"), "wb") as copy:
            copy.write(log.read())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Keeps what the switches have when a test fails, before its fixtures
    clean up."""
    outcome = yield
    place = os.environ.get("VMN_TEST_LOGS")
    if place and call.when == "call" and outcome.get_result().failed:
        os.makedirs(place, exist_ok=True)
        failed_labs.keep(place, item.name)


def close_lab(lab):
    try:
        end(lab.vmnd)
    finally:
        failed_labs.labs.remove(lab)
        keep_log(lab)
        lab.down()
        lab.unlock()


@pytest.fixture(scope="module")
def module_lab(request):
    """Three hosts and a vmnd that the tests of a file share."""
    lab = make_lab(request.module.__name__.replace("test_", "")[:3], 3)
    yield lab
    close_lab(lab)


@pytest.fixture(scope="module", name="lab")
def _lab(module_lab):
    """The lab of the tests of a file that defines no "lab" of its own."""
    return module_lab


@pytest.fixture(name="world")
def _world(lab):
    """An empty lab, and what it takes to fill it."""
    world = World(lab)
    yield world
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)


class World:
    """Objects and VMs in a lab, removed again at the end.  Each change
    returns once it is installed on the hosts."""

    def __init__(self, lab):
        self.lab = lab
        self.api = lab.vmnd.api
        self.servers = traffic.Servers()
        self.made = []          # (type, name), oldest first.
        self.own_vms = []
        self.own_outsides = []
        self.provider_hosts = []
        lab.narrowed = -LATE

    def close(self):
        self.servers.close()
        for vm in self.own_vms:
            if vm in self.lab.vms:
                self.lab.remove_vm(vm)
        for port in self.own_vms:
            wait_for("%s to be unplugged" % port,
                     lambda p=port: self._is_unplugged(p), 60)
        for kind, name in reversed(self.made):
            try:
                self.api.delete("%s/%s" % (kind, name), cascade="true",
                                wait="installed")
            except Refused as refused:
                assert refused.status == 404, refused
        for name in self.own_outsides:
            self.lab.remove_outside(name)
        for name in self.provider_hosts:
            self.api.patch("hosts/" + name, {"provider_bridges": None})
            self.lab.host(name).remove_provider_bridge()

    def _is_unplugged(self, port):
        """Whether its host has told so.  One whose connection was cut may be
        late, and the next test take the interface for its own port's."""
        try:
            return self.lab.port_state(port) not in ("up", "pending", "down")
        except Refused as refused:
            assert refused.status == 404, refused
            return True

    def settle(self):
        """Something may have become forbidden just now: see never()."""
        self.lab.narrowed = time.monotonic()

    def revalidated(self):
        """See Lab.revalidated()."""
        self.lab.revalidated()

    # Objects.  ------------------------------------------------------------

    def put(self, kind, name, **spec):
        new = (kind, name) not in self.made
        if new:
            self.made.append((kind, name))
        answer = installed(self.api.put("%s/%s" % (kind, name), spec,
                                        wait="installed", timeout=WAIT))
        if not new or kind in ("policies", "quarantines"):
            self.settle()
        return answer

    def put_nowait(self, kind, name, **spec):
        """The same, while a host cannot be waited for."""
        self.made.append((kind, name))
        return self.api.put("%s/%s" % (kind, name), spec)

    def patch(self, kind, name, **spec):
        answer = installed(self.api.patch("%s/%s" % (kind, name), spec,
                                          wait="installed", timeout=WAIT))
        self.settle()
        return answer

    def delete(self, kind, name):
        answer = installed(self.api.delete("%s/%s" % (kind, name),
                                           wait="installed", timeout=WAIT))
        self.settle()
        return answer

    def network(self, name, *cidrs, **spec):
        self.put("networks", name, subnets=[
            {"cidr": cidr} for cidr in cidrs or ("10.0.0.0/24",)], **spec)

    def group(self, name, selector=None, **spec):
        if selector is not None:
            spec["selector"] = selector
        self.put("groups", name, **spec)

    def policy(self, name, applies_to, *rules, **spec):
        """'rules' as of allow() and deny()."""
        self.put("policies", name, applies_to=[applies_to],
                 rules=list(rules), **spec)

    # VMs.  ----------------------------------------------------------------

    def vm(self, name, network, host, ip=None, tcp=(), udp=(), **spec):
        """A port and its VM, running, with servers on the ports told."""
        if ip:
            spec["ips"] = [ip] if isinstance(ip, str) else list(ip)
        self.put("ports", name, network=network, **spec)
        vm = self.lab.add_vm_of_port(name, host)
        self.own_vms.append(name)
        self.lab.await_ports([name])
        for any_ip in ("0.0.0.0", "::") if vm.ip6 else ("0.0.0.0",):
            for port in tcp:
                self.servers.tcp(vm, port, any_ip)
            for port in udp:
                self.servers.udp(vm, port, any_ip)
        return vm

    # What is outside.  ----------------------------------------------------

    def provider_hosts_are(self, *hosts, physical="dc"):
        """Gives hosts a bridge to the lab's physical network, which they call
        'physical', and waits until it is joined."""
        for name in hosts:
            self.lab.host(name).add_provider_bridge()
            self.provider_hosts.append(name)
            self.patch("hosts", name, provider_bridges=[
                {"physical": physical, "bridge": "br-ex"}])
        for name in hosts:
            wait_for("%s's way to %s" % (name, physical), lambda n=name: any(
                "ofport" in b for b in self.api.get("hosts/" + n)["status"]
                .get("provider_bridges", [])), 20)
        wait_quiet(self.lab)

    def outside(self, name, *ips, tcp=(), udp=(), **more):
        """A machine on the physical network, with servers on the ports
        told; 'more' as of Lab.add_outside()."""
        machine = self.lab.add_outside(name, ips, **more)
        self.own_outsides.append(name)
        for any_ip in ("0.0.0.0", "::") if machine.ip6 else ("0.0.0.0",):
            for port in tcp:
                self.servers.tcp(machine, port, any_ip)
            for port in udp:
                self.servers.udp(machine, port, any_ip)
        return machine

    def gateway(self, host):
        """Network "net", and provider network "out" of which router "r" has
        198.51.100.1 on the host."""
        self.provider_hosts_are(host)
        self.put("networks", "net", subnets=[
            {"cidr": "10.0.0.0/24", "gateway": "10.0.0.254"}])
        self.put("networks", "out", provider={"physical": "dc"}, subnets=[
            {"cidr": "198.51.100.0/24", "gateway": "198.51.100.254"}])
        self.put("routers", "r", interfaces=[{"network": "net"}], external={
            "network": "out", "addresses": ["198.51.100.1"],
            "gateways": [{"host": host}]})
        wait_for("a gateway", lambda: self.api.get("routers/r")["status"].get(
            "gateway"), 30)

    # Packets.  ------------------------------------------------------------

    def reaches(self, a, b, port=80, protocol="tcp", seconds=15):
        """Whether 'a' gets an answer of 'b' in the end."""
        return self.answers(a, b.ip, port, protocol, seconds) == (
            "icmp" if protocol == "icmp" else b.name)

    def answers(self, a, ip, port=80, protocol="tcp", seconds=15):
        """Who answers 'a' at 'ip' in the end, or None.  What a switch has
        cached may stay as it was before a change, for as long as 'a' asks."""
        asked = time.monotonic()
        fresh = False
        while True:
            who = traffic.ask(a, ip, port, protocol, 1.0)
            if who or time.monotonic() > asked + seconds * PATIENCE:
                return who
            if not fresh and time.monotonic() > asked + 3:
                self.revalidated()
                fresh = True

    def blocked(self, a, b, port=80, protocol="tcp"):
        """Whether 'a' gets no answer of 'b'."""
        return self.unanswered(a, b.ip, port, protocol)

    def unanswered(self, a, ip, port=80, protocol="tcp"):
        """Whether 'a' gets no answer at 'ip'."""
        return self.never(
            lambda: traffic.ask(a, ip, port, protocol, 0.8) is not None)

    def never(self, happens):
        """Whether 'happens' says no.  Right after a change that forbids
        something it is asked again: a switch that has acknowledged the change
        has it in its tables, and its datapath's cache follows, which is waited
        for.  Once more, since a thread that handles a packet meanwhile may put
        in what the tables said before."""
        asked = time.monotonic()
        if not happens():
            return True
        for _ in range(2 if asked < self.lab.narrowed + LATE else 0):
            self.revalidated()
            print("asked again %.1f s after the change"
                  % (time.monotonic() - self.lab.narrowed))
            if not happens():
                return True
        return False

    def held(self, a, b, port=80, protocol="tcp"):
        """An open connection from 'a' to 'b' that has worked."""
        assert self.reaches(a, b, port, protocol)
        held = traffic.Connection(a, b.ip, port, protocol)
        # A datagram may be lost.
        assert held.again() if protocol == "udp" \
            else held.exchange(seconds=20)
        return held


def cut(held, ask=True):
    """Whether the open connection 'held' is cut, and stays so, once the
    datapaths have what the switches' tables have."""
    for lab in failed_labs.labs:
        lab.revalidated()
    last = held.cut(SETTLE, LATE, ask=ask)
    if last is not None:
        print("what was asked for after %.1f ms has passed" % (1000 * last))
    return last is not None


def installed(answer):
    """Returns the answer to a change that has to be on all hosts by now."""
    receipt = answer.get("receipt")
    assert receipt and receipt["installed"], answer
    return answer


def entry(protocol, *ports, **more):
    found = dict(more, protocol=protocol)
    if ports:
        found["ports"] = list(ports)
    return found


def rule(direction, action, peers=(), services=()):
    """'peers' are groups, or prefixes; 'services' as of entry()."""
    found = {"direction": direction, "action": action}
    if peers:
        found["peers"] = [{"cidr" if "/" in p else "group": p}
                          for p in peers]
    if services:
        found["services"] = list(services)
    return found


# What a switch holds.  -----------------------------------------------------

_FLOW = re.compile(r"cookie=(\w+), duration=([\d.]+)s, table=(\d+), "
                   r"n_packets=(\d+), n_bytes=\d+, (.*)")


class Flow:
    """A flow as a switch showed it between the times 'start' and 'end'.  It
    was added between 'since' and 'until', by our clock (time.monotonic())."""

    def __init__(self, line, start, end):
        found = _FLOW.match(line.strip())
        assert found, line
        self.cookie = int(found[1], 16)
        self.since = start - float(found[2])
        self.until = end - float(found[2])
        self.table = int(found[3])
        self.n_packets = int(found[4])
        rest = re.sub(r"(idle_age|hard_age)=\d+, ", "", found[5])
        self.match, self.actions = rest.rsplit(" actions=", 1) \
            if " actions=" in rest else rest.split("actions=", 1)
        self.match = self.match.strip().rstrip(",")

    @property
    def key(self):
        return self.table, self.match

    def __repr__(self):
        return "table=%d,%s actions=%s" % (self.table, self.match,
                                           self.actions)


# The flow in it tells what the others are, and changes with them.
MARKER_TABLE = 253
# Those in them are the fabric's own, for samples of packets, and for meters of
# packets to the controller.
TAP_TABLE = 252
OWN_TABLES = (246, 247, TAP_TABLE)


def flows(host):
    """Returns {key: flow} of a host's integration bridge."""
    start = time.monotonic()
    text = host.ofctl("dump-flows", "br-int", "--no-names")
    end = time.monotonic()
    return {f.key: f for f in (Flow(line, start, end) for line in
                               text.splitlines() if "cookie=" in line)
            if f.table not in OWN_TABLES + (MARKER_TABLE,)}


def held_back(host):
    """How many packets the meters of a host's switch have kept from going up
    to vmnd."""
    text = host.ofctl("meter-stats", "br-int")
    return sum(int(n) for meter, n in re.findall(
        r"meter:(\d+) .*?packet_count:(\d+)", text, re.DOTALL)
        if 27001 <= int(meter) < 30001)


def is_anew(before, after):
    """Whether flow 'after' was put in after flow 'before' was.  A switch reads
    its clock some milliseconds early, and wait_aged() leaves room for it."""
    return after.since > before.until + 0.1


def changes(before, after):
    """What became of flows between two times: a list of words for each that
    was added, removed, or removed and added back."""
    found = []
    for key in sorted(set(before) | set(after)):
        if key not in after:
            found.append("removed: %r" % before[key])
        elif key not in before:
            found.append("added: %r" % after[key])
        elif after[key].actions != before[key].actions:
            found.append("changed: %r" % after[key])
        elif is_anew(before[key], after[key]):
            found.append("added anew: %r" % after[key])
    return found


def wait_counted(what, condition, step=0.02):
    """wait_for() of something that counters tell.  A switch that takes long to
    show them is left alone a hundred times as long (SHARE in counters.c): with
    half a second on a busy machine that is 50 s."""
    return wait_for(what, condition, 120, step)


def wait_quiet(lab, seconds=30):
    """Waits until all hosts have all that they are to have."""
    lab.await_synced(seconds=seconds)

    def settled():
        newest = max(h["status"].get("sent_revision", 0) for h in hosts())
        return all(h["status"].get("revision", 0) >= newest
                   or h["status"].get("revision") ==
                   h["status"].get("sent_revision") for h in hosts())

    def hosts():
        return [lab.vmnd.api.get("hosts/" + h.name) for h in lab.hosts]
    wait_for("all hosts to be up to date", settled, seconds)


def wait_aged(lab):
    """The same, and for the youngest flow to be old enough for changes() to
    see if it is put in again."""
    wait_quiet(lab)
    wait_for("flows to be a second old", lambda: all(
        f.until < time.monotonic() - 1.0 for h in lab.hosts
        for f in flows(h).values()), step=0.2)
