# SPDX-License-Identifier: Apache-2.0
"""What is wrong in objects of the app qos (docs/apps/qos.md) is refused, and
the field is named.  What each field by itself refuses is in
tests/unit/test-own-fields.c, and what the objects do in test_qos.py."""

import pytest
from app_lab import app_lab, close_world
from conftest import World, make_lab
from test_qos import limit

from vmnlab.api import Refused


@pytest.fixture(name="api", scope="module")
def _api():
    with app_lab(make_lab("qosm", 1), "qos") as lab:
        world = World(lab)
        world.network("net", "10.0.0.0/24")
        world.put("ports", "a", network="net")
        yield lab.vmnd.api
        close_world(world)


MISTAKES = [
    ({}, ""),
    ({"ports": ["a"]}, ""),
    ({"ports": ["a"], "limits": [limit("egress", max_kbps=100, burst_kb=99)]},
     "/limits/0/burst_kb"),
    ({"ports": ["a"], "network": "net"}, "/ports"),
    ({"ports": ["a"], "dscp": 64}, "/dscp"),
    ({"ports": ["a"], "dscp": -2}, "/dscp"),
    ({"ports": ["a"], "limits": [{"direction": "both", "max_kbps": 1}]},
     "/limits/0/direction"),
    ({"ports": ["a"], "limits": [{"max_kbps": 1}]}, "/limits/0/direction"),
    ({"ports": ["a"], "limits": [limit("egress", max_kbps=400000001)]},
     "/limits/0/max_kbps"),
    ({"ports": ["a"], "limits": [limit("egress", max_pps=-1)]},
     "/limits/0/max_pps"),
    ({"ports": ["a"], "limits": [limit("egress", burst_kb=1)]},
     "/limits/0/burst_kb"),
    ({"ports": ["a"], "limits": [limit("ingress", max_pps=1),
                                 limit("egress", burst_packets=1)]},
     "/limits/1/burst_packets"),
    ({"ports": ["a"], "limits": [limit("ingress", burst_packets=1),
                                 limit("egress", max_pps=1)]},
     "/limits/0/burst_packets"),
    ({"ports": ["a"], "limits": [limit("egress")]}, "/limits/0"),
    ({"ports": ["a"], "limits": [limit("ingress", max_kbps=0, burst_kb=0),
                                 limit("egress", max_pps=1)]}, "/limits/0"),
    ({"ports": ["a"], "shared_limits": [
        limit("egress", max_kbps=1000), limit("ingress", max_pps=0)]},
     "/shared_limits/1"),
    ({"ports": ["a"], "limits": [limit("egress", min_kbps=1)]},
     "/limits/0/min_kbps"),
    ({"ports": ["nobody"], "dscp": 1}, "/ports/0"),
    ({"hosts": ["nobody"], "dscp": 1}, "/hosts/0"),
    ({"hosts": [], "selector": "role=vm", "dscp": 1}, "/hosts"),
    ({"ports": ["a"], "hosts": ["h1"], "dscp": 1}, "/ports"),
    ({"ports": ["a"], "groups": ["nobody"], "dscp": 1}, "/ports"),
    ({"groups": ["nobody"], "dscp": 1}, "/groups/0"),
    ({"groups": [], "network": "net", "dscp": 1}, "/groups"),
    ({"ports": ["a"], "dscp": 1, "filters": [{"protocol": "tcp"}]},
     "/filters"),
    ({"ports": ["a"], "limits": [limit("egress", max_pps=1)],
      "filters": [{}, {"ports": "80"}]}, "/filters/1/ports"),
    ({"ports": ["a"], "limits": [limit("egress", max_pps=1)],
      "filters": [{"protocol": "icmp", "prefix": "fd00::/64"}]},
     "/filters/0/prefix"),
    ({"ports": ["a"], "min_kbps": 400000001}, "/min_kbps"),
    ({"ports": ["a"], "shared_min_kbps": -1}, "/shared_min_kbps"),
    ({"ports": ["a"], "min_kbps": 99}, "/min_kbps"),
    ({"ports": ["a"], "shared_min_kbps": 1}, "/shared_min_kbps"),
    ({"ports": ["a"], "min_kbps": 101, "limits": [
        limit("ingress", max_kbps=1), limit("egress", max_kbps=100)]},
     "/min_kbps"),
    ({"ports": ["a"], "shared_min_kbps": 101, "min_kbps": 200,
      "shared_limits": [limit("egress", max_kbps=100)]}, "/shared_min_kbps"),
    ({"ports": ["a"], "min_kbps": 100, "filters": [{"protocol": "tcp"}]},
     "/filters"),
    ({"ports": ["a"], "pcp": 8}, "/pcp"),
    ({"ports": ["a"], "pcp": -2}, "/pcp"),
    ({"ports": ["a"], "pcp": -1}, ""),
    ({"ports": ["a"], "pcp": 3, "pcp_from_dscp": True}, "/pcp_from_dscp"),
    ({"ports": ["a"], "pcp": 3, "filters": [{"protocol": "tcp"}]},
     "/filters"),
    ({"ports": ["a"], "pcp_from_dscp": True,
      "filters": [{"protocol": "tcp"}]}, "/filters"),
    ({"ports": ["a"], "shared_limits": [limit("egress", burst_packets=1)]},
     "/shared_limits/0/burst_packets"),
    ({"ports": ["a"], "shared_limits": [limit("egress", max_pps=1),
                                        limit("egress", max_pps=2)]},
     "/shared_limits"),
]


UPLINK_MISTAKES = [
    ({"max_kbps": 1000}, "/interface"),
    ({"interface": "u0"}, "/max_kbps"),
    ({"interface": "u0", "max_kbps": 999}, "/max_kbps"),
    ({"interface": "u0", "max_kbps": 34000001}, "/max_kbps"),
    ({"interface": "u0/1", "max_kbps": 1000}, "/interface"),
    ({"interface": "a" * 16, "max_kbps": 1000}, "/interface"),
    ({"interface": "u0", "max_kbps": 1000, "hosts": []}, "/hosts"),
    ({"interface": "u0", "max_kbps": 1000, "hosts": ["nobody"]}, "/hosts/0"),
]


@pytest.mark.parametrize("path, mistakes", [
    ("qos-policies/p", MISTAKES), ("qos-uplinks/p", UPLINK_MISTAKES)])
def test_mistakes_are_named(api, path, mistakes):
    for spec, pointer in mistakes:
        with pytest.raises(Refused) as refused:
            api.put(path, spec)
        said = refused.value.problem
        found = [e["pointer"] for e in said.get("errors", [said])]
        assert [p for p in found if p.endswith(pointer)], (spec, said)
