# SPDX-License-Identifier: Apache-2.0
"""What is kept of the switches of a lab in which a test has failed: what they
do then is the only witness of failures that come once in a thousand runs."""

import os
import re

# What each switch is asked, and how much of its answer is kept.
QUESTIONS = [["dpctl/show"], ["dpctl/dump-flows", "-m"],
             ["dpctl/dump-conntrack", "-s"], ["coverage/show"],
             ["upcall/show"]]
MOST = 4 << 20

labs = []                       # Those that run.


def keep(place, name):
    """Writes a file for each host of each lab into the folder 'place'; 'name'
    is the test's."""
    for lab in labs:
        for host in lab.hosts:
            path = os.path.join(place, "%s-%s-%s.txt" % (
                re.sub(r"[^\w-]+", "-", name)[:80], lab.name, host.name))
            with open(path, "w", encoding="utf-8") as file:
                for question in QUESTIONS:
                    file.write("--- %s\n%s\n" % (
                        " ".join(question), ask(host.appctl, *question)))
                file.write("--- dump-flows\n%s\n" % ask(
                    host.ofctl, "dump-flows", "br-int"))


def ask(call, *words):
    """An answer, or why there is none: a host may be stopped, or gone."""
    try:
        return call(*words)[:MOST]
    except Exception as error:      # Whatever it is, the test has failed.
        return repr(error)
