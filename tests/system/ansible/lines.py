# SPDX-License-Identifier: Apache-2.0
"""A callback of Ansible's for test_ansible.py: each result of a task as a line
of JSON, in the file that VMN_ANSIBLE_LINES names."""

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = """
name: lines
type: notification
short_description: Writes results as lines of JSON
description: For the tests.
"""

import json
import os

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "lines"
    CALLBACK_NEEDS_ENABLED = True

    def _note(self, outcome, result):
        with open(os.environ["VMN_ANSIBLE_LINES"], "a",
                  encoding="utf-8") as file:
            file.write(json.dumps({
                "outcome": outcome, "task": result.task_name,
                "result": self._clean_results_of(result)}) + "\n")

    @staticmethod
    def _clean_results_of(result):
        return json.loads(json.dumps(result._result, default=str))

    def v2_runner_on_ok(self, result):
        self._note("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._note("failed", result)

    def v2_runner_on_skipped(self, result):
        self._note("skipped", result)
