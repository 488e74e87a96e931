# SPDX-License-Identifier: Apache-2.0
"""Figures of one side, and the table of all of them."""

import statistics

from . import reference

OPERATIONS = [
    ("port_add", "port added, bound and up everywhere"),
    ("rule_add", "rule added"),
    ("member_add", "port added to a group"),
    ("member_remove", "port removed from a group"),
    ("backend_add", "backend added"),
    ("backend_remove", "backend removed"),
    ("quarantine", "port quarantined"),
    ("release", "port released"),
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
        self.flows_after = {}   # operation -> flows of each host
        # ([seconds], [seconds until it was acknowledged], how often never)
        self.last_packet = None
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


def _ratio_to(results, name, reference):
    """The same to a figure that was measured before."""
    times = (results[0].operations.get(name) or [[]])[0]
    if name not in reference or not times:
        return "-"
    return "%.1f" % (reference[name][0] / 1000 / statistics.median(times))


def _before(reference, name):
    return "{:,} ({:,})".format(*reference[name]) if name in reference else "-"


def _last_packet(result):
    times, told, never = result.last_packet
    return "%s (%s; %s)%s" % (
        milliseconds(statistics.median(times)), milliseconds(max(times)),
        milliseconds(statistics.median(told)),
        ", %d not cut" % never if never else "")


def _compared(own, other):
    return ["%.1f" % (other / own)] if own else ["-"]


class _Columns:
    """Of a table: each side, a ratio if there are two, and the reference with
    a ratio of its own if there is one of that layout and size."""

    def __init__(self, results, reference):
        self.results = results
        self.two = len(results) == 2
        self.reference = reference if results[0].name == "VMN" else None

    def head(self):
        return ([result.name for result in self.results]
                + (["ratio"] if self.two else [])
                + ([reference.NAME, "ratio"] if self.reference else []))

    def row(self, text, cells, ratio, other):
        """'ratio' and 'other' are functions: the first between the sides, the
        second the two cells of the reference."""
        return _row([text] + cells + (ratio() if self.two else [])
                    + (other() if self.reference else []))


def flow_notes(result):
    """What quarantine costs in flows, if it was measured."""
    names = list(result.operations)
    if "quarantine" not in names:
        return []
    at = names.index("quarantine")
    before = (result.flows_after[names[at - 1]] if at else result.flows)
    more = sum(result.flows_after["quarantine"]) - sum(before)
    return ["flows more on all hosts for each port in quarantine: %.1f"
            % (more / len(result.operations["quarantine"][0]))]


def table(results, layout, n_hosts):
    """Markdown."""
    ref = reference.FIGURES.get((layout, n_hosts))
    columns = _Columns(results, ref)
    head = columns.head()
    lines = [_row([layout] + head), _row(["---"] * (1 + len(head)))]
    flows = [statistics.median(result.flows) for result in results]
    cold = [result.cold[0] for result in results]
    lines.append(columns.row(
        "flows per host (median)", ["{:,.0f}".format(n) for n in flows],
        lambda: _compared(*flows),
        lambda: ["{:,}".format(ref["flows"])]
        + _compared(flows[0], ref["flows"])))
    lines.append(columns.row(
        "cold start, s (CPU s of control; of switches)",
        ["%.2f (%.2f; %.2f)" % result.cold for result in results],
        lambda: _compared(*cold),
        lambda: ["%.1f (%.1f; %.1f)" % ref["cold"]]
        + _compared(cold[0], ref["cold"][0])))
    for name, text in OPERATIONS:
        lines.append(columns.row(
            text + ", ms",
            [_operation(result.operations.get(name)) for result in results],
            lambda name=name: [_ratio(results, name)],
            lambda name=name: [_before(ref, name),
                               _ratio_to(results, name, ref)]))
    if all(result.last_packet for result in results):
        lines.append(columns.row(
            "quarantine to the last packet, ms (longest; to the "
            "acknowledgement)",
            [_last_packet(result) for result in results],
            lambda: _compared(*(statistics.median(result.last_packet[0])
                                for result in results)),
            lambda: ["-", "-"]))
    lines.append(columns.row(
        "memory, MiB", ["; ".join("%s %.0f" % item
                                  for item in result.memory.items())
                        for result in results],
        lambda: ["-"], lambda: ["-", "-"]))
    return "\n".join(lines)
