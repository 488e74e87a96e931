# SPDX-License-Identifier: Apache-2.0
"""Names with wildcards in a cluster: the writer learns what guests of all
hosts ask for, and the next writer has it."""

import pytest
from test_cluster_hosts import Town, cluster_lab
from test_fqdn_policy import DNS_PORT, Names, WILD, ask, to_name

from vmnlab.netns import wait_for

# The address of each name.
ADDRESSES = {"h1.example.com": "198.51.100.1",
             "h2.example.com": "198.51.100.2"}


def ask_our_server(member):
    member.options.extend(["--resolvers=127.0.0.1@%d" % DNS_PORT,
                           "--fqdn-min-ttl=1"])


@pytest.fixture(scope="module")
def town():
    with cluster_lab("cnm", 2, prepare=ask_our_server) as (lab, cluster):
        names = Names(lab.net_ns)
        names.records.update({n: [ip] for n, ip in ADDRESSES.items()})
        yield Town(lab, cluster)
        names.close()


def known(town):
    found, = town.cluster.writer().api.get("policies/out")["status"]["fqdns"]
    return found.get("names", []), found["ips"]


def test_the_writer_learns_what_guests_of_all_hosts_ask_for(town):
    writer = town.cluster.writer()
    successor = next(m for m in town.cluster.members if m is not writer)
    town.has(writer)
    town.world.group("askers", "role in (r1, r2)")
    town.world.policy("out", "askers", to_name(WILD))
    for vm, host in (("v1", "h1"), ("v2", "h2")):
        name = host + ".example.com"

        def is_learned(vm=town.lab.vms[vm], name=name):
            ask(vm, name, "10.0.0.3")
            return name in known(town)[0]

        wait_for("the writer to learn of %s from %s" % (name, host),
                 is_learned, 60, step=0.5)
    assert known(town) == (sorted(ADDRESSES), sorted(ADDRESSES.values()))
    writer.hand_over(successor.name)
    wait_for("the successor to be the writer",
             lambda: town.cluster.writer() is successor, 60)
    town.has(successor)
    assert known(town) == (sorted(ADDRESSES), sorted(ADDRESSES.values()))
