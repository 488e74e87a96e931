# SPDX-License-Identifier: Apache-2.0
"""Provider networks: hosts' bridges to a physical network."""

from vmnlab.netns import wait_for


def test_hosts_are_joined_to_the_physical_network(world):
    world.provider_hosts_are("h1", "h2")
    for name in ("h1", "h2"):
        found = world.api.get("hosts/%s" % name)["status"]
        assert found["provider_bridges"][0]["physical"] == "dc", found
        assert "reason" not in found, found
    # The bridge is of its own switching: machines outside meet over it.
    one = world.outside("one", "198.51.100.1/24", "fd51::1/64", tcp=[80])
    two = world.outside("two", "198.51.100.2/24", "fd51::2/64", tcp=[80])
    tagged = world.outside("tagged", "198.51.100.3/24", vlan=7, tcp=[80])
    assert world.reaches(one, two)
    assert world.answers(two, one.ip6) == "one"
    assert world.unanswered(one, tagged.ip)

    # Without its bridge a host says so, and goes on once it is there again.
    h1 = world.lab.host("h1")
    h1.remove_provider_bridge()
    wait_for("h1 to miss its bridge", lambda: "br-ex" in world.api.get(
        "hosts/h1")["status"].get("reason", ""))
    assert world.lab.host_state(h1) == "synced"
    h1.add_provider_bridge()
    wait_for("h1 to have it back", lambda: "reason" not in world.api.get(
        "hosts/h1")["status"])
