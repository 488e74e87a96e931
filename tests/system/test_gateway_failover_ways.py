# SPDX-License-Identifier: Apache-2.0
"""Gateways that watch each other by BFD where hosts' tunnels go over IPv6, and
where they are encrypted: sessions are up, a gateway that is cut off is
replaced, and has its turn again.  What else becomes of a gateway's failure is
in test_gateway_failover.py.  With a key, what is encrypted is not: the lab's
datapath is userspace's, which IPsec does not see (test_ipsec.py); but the
ports of sessions are those that have the keys."""

import pytest
from conftest import World, check_log, close_lab, make_lab
from test_gateway import gateway
from test_gateway_failover import (  # noqa: F401 - shop is a fixture
    both_ways, peer_ports, shop, underlay_cut, wait_watched)

from vmnlab.netns import wait_for

SECRET = "a-secret-of-some-thirty-characters"


@pytest.fixture(scope="module", params=("ipv6", "ipsec"))
def lab(request, tmp_path_factory):
    if request.param == "ipv6":
        lab = make_lab("gwv6", 3, underlay="ipv6")
    else:
        file = tmp_path_factory.mktemp("ipsec") / "key"
        file.write_text(SECRET + "\n")
        file.chmod(0o600)
        lab = make_lab("gwips", 3, options=["--ipsec-key-file=%s" % file])
    yield request.param, lab
    close_lab(lab)


@pytest.fixture
def world(lab):
    world = World(lab[1])
    yield world
    world.close()
    lab[1].await_synced()
    check_log(lab[1].vmnd)


def test_gateway_that_is_cut_off_is_replaced(lab, world, shop):  # noqa: F811
    way = lab[0]
    for host in world.lab.hosts:
        for port in peer_ports(host):
            options = host.vsctl("get", "interface", port, "options")
            assert ("psk=" in options) == (way == "ipsec"), options
            remote = host.vsctl("get", "interface", port,
                                "options:remote_ip").strip().strip('"')
            assert (":" in remote) == (way == "ipv6"), remote
    assert gateway(world) == "h1" and both_ways(world, shop)
    with underlay_cut(world.lab, "h1"):
        wait_for("h2 to be the gateway", lambda: gateway(world) == "h2", 30)
        assert both_ways(world, shop)
    wait_for("h1 to be the gateway", lambda: gateway(world) == "h1", 60)
    wait_watched(world)
    assert both_ways(world, shop)
