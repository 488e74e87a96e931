# SPDX-License-Identifier: Apache-2.0
"""The checker of whom hosts have obeyed (cluster_masters.py) finds what must
not be, in logs that are made up.  Not for real ones
(test_cluster_history.py)."""

import types

import cluster_masters
import pytest

EPOCH = 7 << cluster_masters.EPOCH_SHIFT
NEXT = 8 << cluster_masters.EPOCH_SHIFT

# As members log it: nobody has logged the first generation of an epoch.
LOGS = {
    "a": [(EPOCH + 1, "a (10)"), (EPOCH + 3, "a (10), b (10)")],
    "b": [(EPOCH + 3, "a (10), b (10)"), (NEXT + 1, "b (10), c (5)")],
    "c": [(NEXT + 1, "b (10), c (5)"), (NEXT + 2, "a (10), b (10)")],
}
GOOD = {
    "hv0": {"openflow": [("a", EPOCH, 3), ("a", EPOCH + 1, 1),
                         ("b", EPOCH + 3, 2), ("b", NEXT, 1),
                         ("c", NEXT + 1, 1), ("b", NEXT + 2, 1)],
            "ovsdb": [("a", 7, 2), ("b", 8, 4)]},
    "hv1": {"openflow": [("a", EPOCH + 3, 9), ("b", NEXT + 1, 1)],
            "ovsdb": [("b", 8, 1)]},
}


@pytest.fixture(name="obeyed")
def _obeyed(tmp_path):
    """A function that checks what hosts have obeyed."""
    members = []
    for name, lines in LOGS.items():
        log = tmp_path / name
        log.write_text("".join(
            "2026-01-01T00:00:00.000Z|00001|cluster_managers|INFO|"
            "generation %d: hosts are managed by %s\n" % line
            for line in lines))
        members.append(types.SimpleNamespace(
            name=name, log=str(log), path=lambda p, name=name: name + "/" + p))

    def check(writers):
        told = {host: dict(log, openflow=[
            ("unix:%s/of.sock" % who, *rest) for who, *rest in
            log["openflow"]]) for host, log in writers.items()}
        return cluster_masters.Obeyed(types.SimpleNamespace(
            members=members, control=lambda *_: told))
    return check


def test_good(obeyed):
    assert str(obeyed(GOOD)) == "2 epochs, 4 shares, 6 masters"


@pytest.mark.parametrize("what, log, message", [
    ("openflow", [("a", 0, 1)], "who is not its master"),
    ("openflow", [("b", EPOCH + 3, 1), ("a", EPOCH + 2, 1)],
     "a former master"),
    ("openflow", [("a", EPOCH + 3, 1), ("b", EPOCH + 3, 1)], "two masters"),
    ("openflow", [("c", EPOCH, 1)], "who is not the writer"),
    ("openflow", [("b", EPOCH + 1, 1)], "who has no share"),
    ("openflow", [("c", NEXT, 1)], "who has no share"),
    ("openflow", [("a", EPOCH + 3, 1), ("b", NEXT + 2, 1)],
     "who does not manage it"),
    ("ovsdb", [("b", 8, 1), ("a", 7, 1)], "a former writer"),
    ("ovsdb", [("b", 7, 1)], "two writers"),
])
def test_bad(obeyed, what, log, message):
    with pytest.raises(AssertionError, match="hv2.* obeyed " + message):
        obeyed(dict(GOOD, hv2={"openflow": [], "ovsdb": [], what: log}))


def test_members_disagree(tmp_path):
    members = [types.SimpleNamespace(name=name, log=str(tmp_path / name))
               for name in "ab"]
    for member in members:
        (tmp_path / member.name).write_text(
            "|generation 5: hosts are managed by %s (10)\n" % member.name)
    with pytest.raises(AssertionError, match="b has other shares"):
        cluster_masters.shares(members)
