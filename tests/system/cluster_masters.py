# SPDX-License-Identifier: Apache-2.0
"""Which members the emulated hosts (cluster_swarm.py) of a cluster have
obeyed: each epoch has one writer, and a host obeys no writer of an earlier
epoch.  In the end the writer is the master of each host, and the other
members are slaves."""

from vmnlab.netns import Error, wait_for


class Obeyed:
    """The changes that hosts have accepted, and from which members."""

    def __init__(self, hosts):
        self.targets = {"unix:" + m.path("of.sock"): m.name
                        for m in hosts.members}
        self.writers = {}       # Of an epoch.
        self.n_masters = 0      # As they followed each other.
        for host, logs in hosts.control("writers", "all").items():
            self._check(host, "database", logs["ovsdb"])
            self.n_masters += self._check(host, "switch", logs["openflow"])

    def _check(self, host, part, log):
        """'log' has for each run of changes the member, the epoch (of the
        switch: the generation_id), and how many they were.  Returns how many
        members there were, one after the other."""
        last, former, n = 0, None, 0
        for target, epoch, _ in log:
            member = self.targets.get(target, target)
            assert epoch, ("%s's %s obeyed a member that is not its master" % (
                host, part), log)
            assert epoch >= last, ("%s's %s obeyed a former writer" % (
                host, part), log)
            assert self.writers.setdefault(epoch, member) == member, (
                "%s's %s obeyed a second writer of an epoch" % (host, part),
                log, self.writers)
            n += member != former
            last, former = epoch, member
        return n

    def __str__(self):
        return "%d epochs, %d masters" % (len(self.writers), self.n_masters)


def wrong_roles(hosts, writer):
    """{host: {member: its role}} of the switches whose master is not the
    writer, or whose other controllers are not slaves."""
    targets = {"unix:" + m.path("of.sock"): m.name for m in hosts.members}
    wrong = {}
    for host, found in hosts.control("roles", "all").items():
        found = {targets.get(t, t): role for t, role in found.items()}
        if found != {name: "master" if name == writer.name else "slave"
                     for name in targets.values()}:
            wrong[host] = found
    return wrong


def await_masters(hosts, find_writer):
    """Waits until the writer is the master of each switch, and all other
    members are slaves."""
    wrong = {}

    def are_right():
        wrong.clear()
        writer = find_writer()
        wrong.update(wrong_roles(hosts, writer))
        return not wrong and find_writer() is writer

    try:
        wait_for("the roles of all members", are_right, 300, 0.2)
    except Error as error:
        Obeyed(hosts)           # That is worse, and may say why.
        raise AssertionError("%s: %r" % (error, wrong)) from None
