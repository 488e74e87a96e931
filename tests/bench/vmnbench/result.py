# SPDX-License-Identifier: Apache-2.0
"""Figures of one side, and the table of all of them."""

import statistics

OPERATIONS = [
    ("port_add", "port added, bound and up everywhere"),
    ("rule_add", "rule added"),
    ("member_add", "port added to a group"),
    ("member_remove", "port removed from a group"),
    ("backend_add", "backend added"),
    ("port_delete", "port deleted"),
]


class Result:
    """'control' is the CPU of the controller, on whichever machines it would
    run; 'switches' that of ovs-vswitchd and ovsdb-server on the hosts."""

    def __init__(self, name):
        self.name = name
        self.flows = []         # Of each host.
        self.cold = None        # (seconds, control CPU s, switches CPU s)
        self.operations = {}    # name -> ([seconds], control, switches), a run
        self.memory = {}        # what -> MiB
        self.notes = []

    def to_json(self):
        return dict(vars(self))


class Meter:
    """CPU of the two kinds of processes since it was made."""

    def __init__(self, processes, control):
        self.processes = processes
        self.control = control
        self.start = self._now()

    def _now(self):
        return (self.processes.cpu(*self.control),
                self.processes.cpu("vswitchd", "hostdb"))

    def read(self):
        now = self._now()
        return now[0] - self.start[0], now[1] - self.start[1]


def milliseconds(seconds):
    value = seconds * 1000
    return "%.1f" % value if value < 100 else "{:,.0f}".format(value)


def _operation(figures):
    if figures is None:
        return "-"
    times, control, switches = figures
    return "%s (%s; %s)" % (milliseconds(statistics.median(times)),
                            milliseconds(control / len(times)),
                            milliseconds(switches / len(times)))


def _ratio(results, name):
    """How many times longer the second takes than the first."""
    medians = [statistics.median(result.operations[name][0])
               for result in results if name in result.operations]
    if len(medians) != 2 or not medians[0]:
        return "-"
    return "%.1f" % (medians[1] / medians[0])


def _row(cells):
    return "| " + " | ".join(cells) + " |"


def table(results, title):
    """Markdown."""
    two = len(results) == 2
    ratio = ["ratio"] if two else []
    lines = [_row([title] + [result.name for result in results] + ratio),
             _row(["---"] * (1 + len(results) + len(ratio)))]
    flows = [statistics.median(result.flows) for result in results]
    cold = [result.cold[0] for result in results]
    lines.append(_row(
        ["flows per host (median)"] + ["{:,.0f}".format(n) for n in flows]
        + (["%.1f" % (flows[1] / flows[0])] if two else [])))
    lines.append(_row(
        ["cold start, s (CPU s of control; of switches)"]
        + ["%.2f (%.2f; %.2f)" % result.cold for result in results]
        + (["%.1f" % (cold[1] / cold[0])] if two else [])))
    for name, text in OPERATIONS:
        lines.append(_row([text + ", ms"] + [
            _operation(result.operations.get(name)) for result in results]
            + ([_ratio(results, name)] if two else [])))
    lines.append(_row(
        ["memory, MiB"]
        + ["; ".join("%s %.0f" % item for item in result.memory.items())
           for result in results] + (["-"] if two else [])))
    return "\n".join(lines)
