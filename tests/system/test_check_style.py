# SPDX-License-Identifier: Apache-2.0
"""build-aux/check-style: which lines may be wider than 79 columns.  Needs no
lab."""

import importlib.machinery
import importlib.util
import os

import pytest

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
WORDS = "a few words " * 7


@pytest.fixture(scope="module")
def style():
    path = os.path.join(TOP, "build-aux/check-style")
    loader = importlib.machinery.SourceFileLoader("check_style", path)
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("check_style", loader))
    before = os.getcwd()
    loader.exec_module(module)
    os.chdir(before)
    return module


@pytest.mark.parametrize("path, line", [
    ("a.c", '        "%s"' % WORDS),
    ("a.c", '        "%s\\n");' % WORDS),
    ("a.c", '    "says \\"%s\\"",' % WORDS),
    ("a.c", '#include "%s.h"' % WORDS),
    ("a.py", "    f'%s')" % WORDS),
    ("a.js", "    `%s`;" % WORDS),
    ("run", "    '%s' \\" % WORDS),
    ("a.c", "/* https://example.org/%s */" % ("x" * 70)),
    ("a.md", "| %s |" % WORDS),
    ("a.md", "[%s](README.md)" % WORDS),
])
def test_what_cannot_be_divided_may_be_wide(style, path, line):
    assert len(line) > 79
    assert not list(style.wide_lines(path, [line]))


@pytest.mark.parametrize("path, line", [
    ("a.c", '    return f("%s");' % WORDS),
    ("a.c", '    "short", "%s"' % WORDS),
    ("a.c", '    "%s", argument(s) + 1);' % WORDS),
    ("a.c", "/* What 'it' says: %s */" % WORDS),
    ("a.c", "    x = %s | y;" % WORDS),
    ("a.py", '    call("one", %s)' % WORDS),
    ("run", "    %s | sort" % WORDS),
    ("a.md", 'It says "%s".' % WORDS),
])
def test_what_can_be_divided_is_found(style, path, line):
    assert len(line) > 79
    found, = style.wide_lines(path, ["", line])
    assert found == "%s:2: %d columns" % (path, len(line))
