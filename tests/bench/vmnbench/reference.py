# SPDX-License-Identifier: Apache-2.0
"""What the newest OVN took for the same workload: 26.03.90 of August 2026 with
Open vSwitch 3.7.90, built from source and measured once, on a machine of two
cores like the one that docs/performance.md speaks of.  Debian has no package
of it, so it is not run beside VMN; its figures are set beside VMN's.

With a router that joins the networks, which costs OVN little: without it, 20
hosts of the wide layout hold 3 % fewer flows (seen with 23.03)."""

NAME = "OVN 26.03.90, before"

# (layout, hosts): flows per host; cold start: s, CPU s of control and of the
# switches; each operation: ms and CPU ms of control.
FIGURES = {
    ("wide", 20): {
        "flows": 35795, "cold": (8.6, 12.0, 4.8),
        "port_add": (95, 103), "rule_add": (115, 125),
        "member_add": (276, 488), "member_remove": (467, 842),
        "backend_add": (38, 46), "port_delete": (45, 56)},
    ("wide", 50): {
        "flows": 83285, "cold": (71.0, 94.0, 43.0),
        "port_add": (309, 442), "rule_add": (824, 980),
        "member_add": (1734, 3236), "member_remove": (3247, 5935),
        "backend_add": (144, 202), "port_delete": (176, 272)},
    ("narrow", 20): {
        "flows": 7671, "cold": (3.2, 5.1, 1.0),
        "port_add": (99, 113), "rule_add": (82, 96),
        "member_add": (382, 724), "member_remove": (373, 709),
        "backend_add": (32, 36), "port_delete": (53, 78)},
}
