# SPDX-License-Identifier: Apache-2.0
"""Which failures tests/system/run-files excuses, and how it counts; what
run-history keeps.  No hosts and no vmnd."""

import importlib.machinery
import importlib.util
import os

import pytest
from conftest import in_turn

HERE = os.path.dirname(os.path.realpath(__file__))
CASE = ('<testcase classname="tests.system.test_run" name="%s">%s</testcase>')


def load(name):
    """A program, as a module."""
    loader = importlib.machinery.SourceFileLoader(
        name.replace("-", "_"), os.path.join(HERE, name))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


@pytest.fixture
def files():
    return load("run-files")


def xml(tmp_path, *cases):
    """pytest's report of tests: their names, and what became of them."""
    path = tmp_path / "test.xml"
    path.write_text(
        '<testsuites><testsuite tests="%d" failures="%d" errors="0" '
        'skipped="%d">%s</testsuite></testsuites>' % (
            len(cases), sum("<failure" in what for _, what in cases),
            sum("<skipped" in what for _, what in cases),
            "".join(CASE % case for case in cases)))
    return str(path)


def name(test):
    return "tests/system/test_run.py::" + test


def test_two_of_the_list_run_again_and_no_others(files, tmp_path):
    failed = "<failure>assert False</failure>"
    runner = files.Runner(str(tmp_path), {name("a"): "luck"})
    first = xml(tmp_path, ("a[1]", failed), ("b", failed), ("c", ""))
    assert runner.choose_again(first) == [name("a[1]")]
    # In all files together.
    second = xml(tmp_path, ("a[2]", failed), ("a[3]", failed))
    assert runner.choose_again(second) == [name("a[2]")]
    assert runner.choose_again(second) == []
    # By default there is no list.
    assert files.Runner(str(tmp_path), {}).choose_again(first) == []


def test_what_is_in_turn_runs_on_one_day_of_eight(files, monkeypatch):
    assert set(files.IN_TURN) <= set(files.choose())
    days = []
    for day in range(9):
        monkeypatch.setenv("SEED", str(8 * 2532640 + day))
        days.append(set(files.IN_TURN) - set(files.left_out()))
    assert set().union(*days[:7]) == set(files.IN_TURN)
    assert sum(map(len, days[:7])) == len(files.IN_TURN)
    assert max(map(len, days[:7])) - min(map(len, days[:7])) <= 1
    # That is the fuzzer's.
    assert not days[7]
    with open(os.path.join(HERE, "../run")) as run:
        assert "if [ $((day % 8)) = 7 ]; then" in run.read()
    assert days[8] == days[0]


def test_kinds_of_one_thing_have_their_turns(monkeypatch):
    monkeypatch.delenv("VMN_TEST_TURN", raising=False)
    assert in_turn("a", "b") == ("a", "b")

    def had(turns):
        for turn in turns:
            monkeypatch.setenv("VMN_TEST_TURN", str(turn))
            yield from in_turn("a", "b")
    assert list(had([20261129, 20261130])) == ["a", "b"]
    # Nor do files whose own turn comes on one day of eight lack any.
    for residue in range(8):
        turns = range(20261120 + residue, 20261220, 8)
        assert set(had(turns)) == {"a", "b"}


def test_files_that_are_named_run_alone(files, tmp_path):
    class Runner:
        again = ()

        def run(self, name):
            ran.append(name)
            return 1, 0, 0, 0

    ran = []
    counts = files.run_all(str(tmp_path), Runner(), ["test_run", "test_lab"])
    assert list(counts) == [2, 0, 0, 0]
    assert sorted(ran) == ["test_lab", "test_run"]


def test_what_vmnd_complained_of_is_not_excused(files, tmp_path):
    found = "<failure>ERROR: AddressSanitizer: heap-use-after-free</failure>"
    runner = files.Runner(str(tmp_path), {name("a"): "luck"})
    assert runner.choose_again(xml(tmp_path, ("a", found))) == []


def test_lost_packets_are_not_proven(files, tmp_path):
    report = xml(tmp_path, ("a", ""),
                 ("b", '<skipped message="not proven: lost"/>'),
                 ("c", '<skipped message="of IPv6 alone"/>'))
    assert files.count(report, 0) == (1, 0, 1, 1)


@pytest.mark.parametrize("line, right", [
    (name("test_lost_packets_are_not_proven") + " 2026-11-22 A cause.", True),
    ("# A comment.", True),
    (name("test_lost_packets_are_not_proven") + " 2026-11-22", False),
    (name("test_lost_packets_are_not_proven") + " lately A cause.", False),
    (name("test_that_is_not_there") + " 2026-11-22 A cause.", False),
    ("tests/system/test_none.py::test_a 2026-11-22 A cause.", False),
])
def test_each_of_the_list_has_a_date_and_a_cause(files, tmp_path, line, right):
    files.KNOWN = str(tmp_path / "known-flaky")
    with open(files.KNOWN, "w") as known:
        known.write(line + "\n")
    if right:
        assert len(files.read_known()) == (not line.startswith("#"))
    else:
        with pytest.raises(SystemExit) as ended:
            files.read_known()
        assert "known-flaky:1:" in str(ended.value)


SEED_TEST = """
import os
def test_seed():
    seed, logs = os.environ["VMN_TEST_SEED"], os.environ["VMN_TEST_LOGS"]
    os.makedirs(os.path.join(logs, "history-" + seed))
    assert os.environ["VMN_TEST_SEEDS"] == "1"
    assert seed != "8", "seed 8 is no good"
    print("{'acknowledged': 20, 'resent': 1}; 300 reads, 2 of what "
          "may be old; and so on")
"""


def test_history_keeps_logs_of_seeds_that_fail(tmp_path, monkeypatch, capsys):
    history = load("run-history")
    test = tmp_path / "test_seed.py"
    test.write_text(SEED_TEST)
    logs = tmp_path / "logs"
    monkeypatch.setattr(history, "TEST", str(test))
    monkeypatch.setattr("sys.argv", ["run-history", str(logs), "3", "7"])
    monkeypatch.setattr(history.signal, "signal", lambda *_: None)
    assert history.main() == 0
    said = capsys.readouterr().out
    assert "seed 8: AssertionError: seed 8 is no good" in said, said
    assert "3 seeds: 2 passed, 1 failed, 0 skipped" in said
    assert "those that passed: 40 acknowledged, 600 reads, 2 resent" in said
    assert (logs / "counts").read_text() == "2 1 0 0\n"
    assert sorted(os.listdir(logs)) == ["counts", "history-8", "seed-8.log",
                                        "summary"]


def test_history_of_wrong_numbers(tmp_path, monkeypatch):
    history = load("run-history")
    for words in (["0"], ["x"], ["-1"], ["5", "0"], ["100001"], []):
        monkeypatch.setattr("sys.argv",
                            ["run-history", str(tmp_path / "logs"), *words])
        with pytest.raises(SystemExit) as end:
            history.main()
        assert end.value.code not in (None, 0)
    assert not (tmp_path / "logs").exists()
