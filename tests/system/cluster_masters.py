# SPDX-License-Identifier: Apache-2.0
"""Members of a cluster share emulated hosts (cluster_swarm.py): whom these
have obeyed, and that in the end each has the master that all members name."""

import re

from vmnlab.netns import Error, wait_for

EPOCH_SHIFT = 20                # Of generations: see cluster-shares.h.
WRITER = "the writer"           # Manages all hosts, if there are no shares.


def shares(members):
    """{generation: who shares the hosts, as text}, as members have logged it,
    which must be one thing."""
    found = {0: WRITER}
    for member in members:
        with open(member.log, errors="replace") as log:
            for generation, text in re.findall(
                    r"generation (\d+): hosts are managed by (.+)",
                    log.read()):
                known = found.setdefault(int(generation), text)
                assert known == text, (
                    "%s has other shares than the others" % member.name,
                    generation, known, text)
    return found


def names(text):
    return re.findall(r"(\w+) \(\d+\)", text)


class Obeyed:
    """What hosts have accepted, and from whom."""

    def __init__(self, hosts):
        self.targets = {"unix:" + m.path("of.sock"): m.name
                        for m in hosts.members}
        self.shares = shares(hosts.members)
        self.writers = {}       # Of an epoch.
        self.managers = {}      # (host, shares or their generation): who
                                # manages it.
        self.n_masters = 0      # As they followed each other.
        for host, logs in hosts.control("writers", "all").items():
            self._check_database(host, logs["ovsdb"])
            self._check_switch(host, logs["openflow"])

    def _is_writer(self, who, epoch):
        return self.writers.setdefault(epoch, who) == who

    def _check_database(self, host, log):
        """It obeys the writer alone."""
        last = 0
        for who, epoch, _ in log:
            assert epoch >= last, ("%s's database obeyed a former writer" %
                                   host, log)
            assert self._is_writer(who, epoch), (
                "%s's database obeyed two writers" % host, log, self.writers)
            last = epoch

    def _check_switch(self, host, log):
        """In each generation it obeys the one member that manages it; none
        that is its equal sends it anything."""
        last, master = 0, None
        for target, generation, _ in log:
            who = self.targets.get(target, target)
            assert generation, ("%s obeyed who is not its master" % host, log)
            assert generation >= last, ("%s obeyed a former master" % host,
                                        log)
            assert generation > last or who == master, (
                "%s obeyed two masters" % host, log)
            self._check_manager(host, who, generation)
            self.n_masters += who != master
            last, master = generation, who

    def _check_manager(self, host, who, generation):
        published = max(g for g in self.shares if g <= generation)
        text = self.shares[published]
        if text == WRITER:
            assert self._is_writer(who, generation >> EPOCH_SHIFT), (
                "%s obeyed who is not the writer" % host, who, generation,
                self.writers)
            return
        assert who in names(text), (
            "%s obeyed who has no share" % host, who, generation, text)
        # What members cannot reach the log does not say of each host.
        key = host, published if "cannot reach" in text else text
        assert self.managers.setdefault(key, who) == who, (
            "%s obeyed who does not manage it" % host, who, generation, text)

    def __str__(self):
        return "%d epochs, %d shares, %d masters" % (
            len(self.writers), len(self.shares) - 1, self.n_masters)


# Now.  --------------------------------------------------------------------

def generation(member):
    """0: it does not see the cluster."""
    return int(member.status().get("generation", 0))


def shared_generation(members):
    """Returns it if all members share the hosts, and all know it; or None."""
    known = {generation(m) for m in members}
    if len(known) != 1 or not all(known):
        return None
    found = shares(members)
    if set(names(found[max(found)])) != {m.name for m in members}:
        return None
    return known.pop()


def ask(hosts):
    """{host: {member: what it says who manages the host}}"""
    return {host: {m.name: m.ctl("cluster/manager", host).strip()
                   for m in hosts.members} for host in hosts.names}


def managers(answers):
    """{host: member}; all members must agree."""
    found = {}
    for host, said in answers.items():
        name, = {text.split()[0] for text in said.values()}
        assert said == {m: name + " (this one)" * (m == name)
                        for m in said}, (host, said)
        found[host] = name
    return found


def wrong_roles(hosts, roles, wanted, writer):
    """{host: {member: its role}} of switches whose master, and no other, is
    not the one that is wanted, or whose other members are not as they are to
    be."""
    targets = {"unix:" + m.path("of.sock"): m.name for m in hosts.members}
    wrong = {}
    for host, found in roles.items():
        found = {targets.get(t, t): role for t, role in found.items()}
        if found != {name: "master" if name == wanted[host]
                     else "other" if name == writer.name else "slave"
                     for name in targets.values()}:
            wrong[host] = found
    return wrong


def await_shared(hosts, find_writer):
    """Waits until all members share the hosts, and each switch has them in the
    roles that follow from that."""
    wrong = {}

    def are_as_said():
        wrong.clear()
        writer = find_writer()
        before = shared_generation(hosts.members)
        if not before:
            return False
        try:
            answers = ask(hosts)
        except AssertionError:
            return False        # One has ended; find_writer() starts it again.
        roles = hosts.control("roles", "all")
        if shared_generation(hosts.members) != before:
            return False
        wrong.update(wrong_roles(hosts, roles, managers(answers), writer))
        return not wrong

    try:
        # A member that came and went has to be fit for a minute, anew each
        # time that it gets no processor for seconds.
        wait_for("all members to share the hosts", are_as_said, 300, 0.2)
    except Error as error:
        Obeyed(hosts)           # That is worse, and may say why.
        raise AssertionError("%s: %r" % (error, wrong)) from None
