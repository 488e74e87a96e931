# SPDX-License-Identifier: Apache-2.0
"""A person's first hour: docs/first-hour.md, done as it is written there."""

import os

from conftest import HERE
from console_page import run_page


def test_first_hour(tmp_path):
    assert run_page(os.path.join(HERE, "../../docs/first-hour.md"),
                    tmp_path) > 20
