# SPDX-License-Identifier: Apache-2.0
"""The checker of the members that hosts have obeyed (cluster_masters.py) finds
each fault, in logs that are made up.  Not for real ones
(test_cluster_history.py)."""

import types

import cluster_masters
import pytest

GOOD = {
    "hv0": {"openflow": [("a", 7, 3), ("b", 8, 1), ("c", 9, 1), ("b", 10, 1)],
            "ovsdb": [("a", 7, 2), ("b", 8, 4)]},
    "hv1": {"openflow": [("a", 7, 9), ("a", 7, 1), ("b", 10, 1)],
            "ovsdb": [("b", 8, 1)]},
}


def check(logs):
    """Returns what has been found of these logs of writers."""
    members = [types.SimpleNamespace(
        name=name, path=lambda p, name=name: name + "/" + p) for name in "abc"]
    reported = {host: dict(log, openflow=[
        ("unix:%s/of.sock" % member, *rest) for member, *rest in
        log["openflow"]]) for host, log in logs.items()}
    return cluster_masters.Obeyed(types.SimpleNamespace(
        members=members, control=lambda *_: reported))


def test_good():
    assert str(check(GOOD)) == "4 epochs, 6 masters"


@pytest.mark.parametrize("what, log, message", [
    ("openflow", [("a", 0, 1)], "switch obeyed a member that is not its"),
    ("openflow", [("b", 8, 1), ("a", 7, 1)], "switch obeyed a former"),
    ("openflow", [("a", 7, 1), ("b", 7, 1)], "switch obeyed a second"),
    ("openflow", [("c", 8, 1)], "switch obeyed a second"),
    ("ovsdb", [("b", 8, 1), ("a", 7, 1)], "database obeyed a former"),
    ("ovsdb", [("b", 7, 1)], "database obeyed a second"),
])
def test_bad(what, log, message):
    with pytest.raises(AssertionError, match="hv2's " + message):
        check(dict(GOOD, hv2={"openflow": [], "ovsdb": [], what: log}))
