# SPDX-License-Identifier: Apache-2.0
"""What all modules can do."""

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Is C(vmnd)'s own plan of the change, refusals included.
    support: full
  diff_mode:
    description: Shows the fields that differ, as C(vmnd) says.
    support: full
"""
