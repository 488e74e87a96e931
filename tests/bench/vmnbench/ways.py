# SPDX-License-Identifier: Apache-2.0
"""TCP by several ways through a lab, by VMN and by OVN, with and without rules
in front of all VMs: what the benches routed, balanced and outside have in
common."""

import argparse
import itertools
import os
import signal
import statistics
import sys

from vmnlab import netns

from .labs import rules_before
from .process import Error
from .streams import Client, FIGURES, Measured, PORT, figures

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__)))))
NAMES = ("VMN", "OVN")


def parse(doc):
    parser = argparse.ArgumentParser(
        description=doc.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--vmnd", default=os.path.join(
        TOP, "_build/normal/vmnd"))
    parser.add_argument("--seconds", type=float, default=2.0,
                        help="of each measurement (default: 2)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rules", default="0,50", metavar="N,...",
                        help="in front of all VMs (default: %(default)s)")
    parser.add_argument("--only", choices=NAMES, action="append")
    args = parser.parse_args()
    try:
        args.rules = [int(n) for n in args.rules.split(",")]
    except ValueError:
        parser.error("--rules must be numbers, with commas between")
    return args


def clients(peer, vms, ips):
    """A client for each way, of source ports that no other has: 'vms' and
    'ips' say by way from which VM and where to."""
    return {way: Client(peer.lab.vm(vms[way]).ns, ips[way], 6000 + 14000 * i,
                        19999 + 14000 * i) for i, way in enumerate(ips)}


def _measure(args, peers, ways, start, found):
    by_way, servers = {}, []
    try:
        for peer in peers:
            _say("bringing up " + peer.name)
            peer.up()
            by_way[peer.name], more = start(peer)
            servers += more
        for round_, n in itertools.product(range(args.rounds), args.rules):
            for peer in peers:
                peer.set_rules(rules_before(PORT, n))
            for way, peer in itertools.product(ways, peers):
                _say("round %d, %d rules: %s, %s" % (round_ + 1, n, peer.name,
                                                     way))
                found.setdefault((peer.name, way, n), []).append(Measured(
                    peer, by_way[peer.name][way], args.seconds))
    finally:
        for server in servers:
            server.terminate()


def _say(text):
    print("... " + text, file=sys.stderr, flush=True)


def ratio(found, one, other, what):
    """Of medians."""
    return statistics.median(getattr(r, what) for r in found[one]) \
        / statistics.median(getattr(r, what) for r in found[other])


def _print_tables(args, ways, found):
    print("| | | rules | %s | stalls |"
          % " | ".join(text for text, _, _ in FIGURES))
    print("|%s" % (" --- |" * (4 + len(FIGURES))))
    for way, n, name in itertools.product(ways, args.rules, NAMES):
        if (name, way, n) in found:
            print("| %s | %s | %d | %s |" % (name, way, n,
                                             figures(found[name, way, n])))
    if len({name for name, _, _ in found}) < 2:
        return
    print("\nVMN to OVN, of medians:\n\n| | rules | %s |\n|%s"
          % (" | ".join(text for text, _, _ in FIGURES),
             " --- |" * (2 + len(FIGURES))))
    for way, n in itertools.product(ways, args.rules):
        print("| %s | %d | %s |" % (way, n, " | ".join(
            "%.3f" % ratio(found, ("VMN", way, n), ("OVN", way, n), what)
            for _, what, _ in FIGURES)))


def main(doc, ways, make, start, report=None, names=NAMES):
    """Measures all of 'ways' by 'names', and prints tables; then report(args,
    found), if there is one, prints more.  make(name, args) makes a peer
    (labs.py), and start(peer), when it is up, what sends and answers: ({way:
    Client}, [server])."""
    args = parse(doc)
    load = os.getloadavg()[0]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    found, peers = {}, []
    try:
        for name in names:
            if not args.only or name in args.only:
                peers.append(make(name, args))
        _measure(args, peers, ways, start, found)
    except (Error, netns.Error, OSError) as error:
        print("%s: %s" % (os.path.basename(sys.argv[0]), error),
              file=sys.stderr)
        return 1
    finally:
        for peer in peers:
            peer.down()
    print("\nMedian of %d rounds of %g s each (in brackets: least and most); "
          "load %.1f before\n" % (args.rounds, args.seconds, load))
    _print_tables(args, ways, found)
    if report:
        report(args, found)
    return 0
