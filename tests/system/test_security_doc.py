# SPDX-License-Identifier: Apache-2.0
"""docs/security.md names a test for each promise that it makes: the tests are
there, and each attack that is tested is on the page.  docs/standards.md names
one for each row.  Needs no lab."""

import glob
import os
import re

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
PAGE = os.path.join(TOP, "docs/security.md")
STANDARDS = os.path.join(TOP, "docs/standards.md")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def functions(pattern, definition):
    """The names of the test functions in the files that fit."""
    return {name for path in glob.glob(os.path.join(TOP, pattern))
            for name in re.findall(definition, read(path), re.M)}


def tables(page):
    """The rows of each table, as lists of cells, its heading first."""
    for block in re.findall(r"(?:^\|.*\n)+", page, re.M):
        rows = [[cell.strip() for cell in line.strip("|").split(" | ")]
                for line in block.splitlines()]
        yield [rows[0]] + rows[2:]


def in_system_tests():
    return functions("tests/system/test_*.py", r"^def (test_\w+)")


def test_each_test_that_the_page_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", read(PAGE)))
    assert len(named) > 20
    # A program of the unit or property tests is named as a whole.
    programs = {os.path.basename(path)[:-2].replace("-", "_")
                for path in glob.glob(os.path.join(TOP, "tests/*/test-*.c"))}
    files = {os.path.basename(path)[:-3] for path in
             glob.glob(os.path.join(TOP, "tests/system/test_*.py"))}
    assert sorted(named - in_system_tests() - programs - files) == []


def test_each_attack_that_is_tested_is_on_the_page():
    named = set(re.findall(r"`(test_\w+)`", read(PAGE)))
    attacks = functions("tests/system/test_attacks_*.py", r"^def (test_\w+)")
    assert len(attacks) > 20
    assert sorted(attacks - named) == []


def test_each_promise_has_a_test():
    """Each row of the tables of what protects ends with its tests."""
    n_promises = 0
    for heading, *rows in tables(read(PAGE)):
        if heading[-1] != "tests":
            continue
        for row in rows:
            assert len(row) == len(heading), row
            assert re.search(r"`test_\w+`", row[-1]), row
            n_promises += 1
    assert n_promises > 20


def test_each_row_of_the_standards_has_a_test():
    known = in_system_tests() | functions("tests/unit/test-*.c",
                                          r"^(\w+)\(void \*\*state")
    rows = [row for _, *rows in tables(read(STANDARDS)) for row in rows]
    assert len(rows) > 30
    for row in rows:
        named = re.findall(r"`([^`]+)`", row[-1])
        assert len(row) == 4 and named and not set(named) - known, row
