# SPDX-License-Identifier: Apache-2.0
"""What the caches of a lab's switches have (labs.py), of all hosts together
where nothing else is said."""

import re


class Caches:
    def __init__(self, lab):
        self.lab = lab

    def _each(self, pattern, *command):
        return [int(re.search(pattern, host.appctl(*command)).group(1))
                for host in self.lab.hosts]

    def flows(self):
        return sum(self._each(r"flows: (\d+)", "dpctl/show"))

    def missed(self):
        """Packets that no flow of the cache was for, ever."""
        return sum(self._each(r"missed:(\d+)", "dpctl/show"))

    def connections(self):
        """Entries of conntrack."""
        return sum(self._each(r"(\d+)", "dpctl/ct-get-nconns"))

    def dump_ms(self):
        """How long the last round of the slowest host's revalidators was."""
        return max(self._each(r"dump duration : (\d+)ms", "upcall/show"))

    def masks(self):
        """Different ones, of the host with most."""
        return max(len({mask(line) for line in host.appctl(
            "dpctl/dump-flows", "-m").splitlines() if "actions:" in line})
                   for host in self.lab.hosts)


def mask(line):
    """What of a flow of the cache is matched, without the values."""
    key = line.split(", packets:")[0].split(",", 1)[1]
    return re.sub(r"(?<=[(=,])[^(),=/]+(?=[,)/])", "", key)
