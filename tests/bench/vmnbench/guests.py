# SPDX-License-Identifier: Apache-2.0
"""What tests/bench/members has emulated guests do, if it is asked to: some
flows are hit by packets, which vmnd counts; ports are monitored, and backends
of balancers probed, and all of them answer."""

import os
import re

from vmnlab import netns

from .layout import N_GROUPS, PORTS
from .process import run, wait_for

MOST = 2000                     # Probes a second: a member's own limit.
MONITORED = 2000                # Ports: VMN_PROBE_TARGETS_MAX, of the app.
UP = 'vmn_ports_monitored{state="up"}'
SENT = re.compile(r'vmn_health_probes_total\{result="(\w+)"\}')


def add_options(parser):
    group = parser.add_argument_group(
        "guests", "with any of these members pass on what they count and "
        "probe (cluster-listen)")
    group.add_argument("--hits", type=int, default=0, metavar="PERCENT",
                       help="of flows, by 10 packets a second each (default: "
                       "0)")
    group.add_argument("--count-interval", type=int, default=10, metavar="S",
                       help="vmnd's: how often flows' counters are read "
                       "(default: %(default)s)")
    group.add_argument("--monitor-interval", type=int, default=0, metavar="S",
                       help="ask every guest by ARP so often (default: none)")
    group.add_argument("--balancers", type=int, default=0, metavar="N",
                       help="networks whose ports are backends of one, each "
                       "probed by TCP (default: 0)")
    group.add_argument("--probe-interval", type=int, default=5, metavar="S",
                       help="of backends (default: %(default)s)")


def check(parser, args):
    """Refuses what would measure something else than it says."""
    if not 0 <= args.hits <= 100:
        parser.error("--hits must be from 0 to 100")
    if args.count_interval < 1 or args.probe_interval < 1:
        parser.error("intervals must be a second at least")
    if not 0 <= args.monitor_interval <= 3600:
        parser.error("--monitor-interval must be from 0 to 3600")
    if args.monitor_interval and args.hosts * PORTS > MONITORED:
        parser.error("with --monitor-interval, --hosts must be %d at most: "
                     "no more than %d ports are monitored"
                     % (MONITORED // PORTS, MONITORED))
    networks = args.networks or args.hosts
    if not 0 <= args.balancers <= networks:
        parser.error("--balancers must be from 0 to %d, a network each"
                     % networks)
    if rate(args) > MOST:
        parser.error("these are %d probes a second, and one member sends %d "
                     "at most" % (rate(args), MOST))


def n_backends(args):
    """Each network has as many ports, or one more or less."""
    networks = args.networks or args.hosts
    return sum(len(range(n, args.hosts * PORTS, networks))
               for n in range(args.balancers))


def rate(args):
    """Probes a second, all told."""
    monitored = args.hosts * PORTS / args.monitor_interval \
        if args.monitor_interval else 0
    return monitored + n_backends(args) / args.probe_interval


def asked(args):
    """Whether anything of this was asked for."""
    return bool(args.hits or args.monitor_interval or args.balancers)


def swarm_options(args):
    return ["--guests", "--hits=%d" % args.hits] if asked(args) else []


def member_options(args):
    return ["--count-interval=%d" % args.count_interval] if asked(args) \
        else []


class Guests:
    """Those of 'town', in 'layout'."""

    def __init__(self, town, layout, args):
        self.town = town
        self.layout = layout
        self.args = args

    def objects(self):
        found, layout = [], self.layout
        if self.args.monitor_interval:
            found += [("monitors", "g%d" % group, {
                "group": "g%d" % group,
                "interval_ms": self.args.monitor_interval * 1000})
                for group in range(N_GROUPS)]
        found += [("loadbalancers", "lb%d" % n, {
            "vip": "10.0.250.1", "networks": ["n%d" % n], "protocol": "tcp",
            "ports": [{"port": 80}],
            "backends": [{"port": "lp%d" % x} for x in range(
                n, layout.n_ports, layout.n_networks)],
            "health": {"type": "tcp",
                       "interval_ms": self.args.probe_interval * 1000}})
            for n in range(self.args.balancers)]
        return [{"type": kind, "name": name, "spec": spec}
                for kind, name, spec in found]

    def load_apps(self, build):
        """Those that are not there by themselves."""
        if self.args.monitor_interval:
            run([os.path.join(build, "vmnctl"), "-s",
                 "unix:" + self.town.writer.path("vmnd.sock"), "app", "load",
                 os.path.join(os.environ["VMN_APPDIR"], "monitors.so"),
                 "--wait"])

    def answer(self):
        """Makes the objects, and waits until all guests have answered."""
        self.town.call("POST", "apply", {"objects": self.objects()})
        wait_for("all guests to answer", self._all_up, 1200, 0.5)

    def _all_up(self):
        town = self.town
        town.check()
        if self.args.monitor_interval and \
                town.writer.api.metrics().get(UP) != self.layout.n_ports:
            return False
        return all(one["status"].get("n_serving")
                   == one["status"].get("n_backends")
                   for one in town.items("loadbalancers")) and \
            self.probes()[0] >= self.expected()

    def expected(self):
        """Backends and ports, each of which has to answer once."""
        return n_backends(self.args) + (
            self.layout.n_ports if self.args.monitor_interval else 0)

    def readings(self):
        """How often the writer has read a host's counters."""
        return int(self.town.writer.api.metrics()[
            "vmn_flow_count_polls_total"])

    def probes(self):
        """How many members have sent so far: (answered, not)."""
        answered = failed = 0
        for member in self.town.cluster.members:
            if not member.runs():
                continue
            try:
                metrics = member.api.metrics()
            except (OSError, netns.Error):
                continue        # It has just been started.
            for name, value in metrics.items():
                found = SENT.fullmatch(name)
                if found and found[1] == "ok":
                    answered += value
                elif found and found[1] == "failed":
                    failed += value
        return int(answered), int(failed)
