# SPDX-License-Identifier: Apache-2.0
"""How modules wait until a change is on the hosts."""

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Wait until the switch of every host concerned has the change, also
        where it was made before. If not all have it in time the module fails
        and names the hosts; the change is stored and goes on.
    type: bool
    default: false
  wait_timeout:
    description:
      - For how many seconds to wait, 1 to 300.
    type: int
    default: 60
"""
