# SPDX-License-Identifier: Apache-2.0
"""The handbook: each of its pages, done as it is written there."""

import os

import pytest
from conftest import HERE
from console_page import run_page, steps

HANDBOOK = os.path.join(HERE, "../../docs/handbook")
PAGES = sorted(name for name in os.listdir(HANDBOOK)
               if name.endswith(".md") and name != "README.md")


@pytest.mark.parametrize("page", PAGES)
def test_page(page, tmp_path):
    path = os.path.join(HANDBOOK, page)
    assert run_page(path, tmp_path) == len(steps(path)) > 5


def test_all_pages_are_in_the_list():
    with open(os.path.join(HANDBOOK, "README.md"), encoding="utf-8") as index:
        text = index.read()
    assert [name for name in PAGES if "(%s)" % name not in text] == []
