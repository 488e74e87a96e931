# SPDX-License-Identifier: Apache-2.0
"""Benches on the kernel's datapath: here, if this machine's kernel has it, or
else in the guest of tests/kernel/check, whose processor is an emulated one."""

import os
import sys

from vmnlab import netns

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))


def use(vmnd):
    """Has labs be on the kernel's datapath from now on.  Where there is none
    this does not return: the same command runs in the guest, with what is
    built beside 'vmnd'."""
    os.environ["VMN_LAB_DATAPATH"] = "system"
    if netns.has_generic_netlink("ovs_datapath"):
        return
    program = os.path.realpath(sys.argv[0])
    check = os.path.join(TOP, "tests/kernel/check")
    os.execv(check, [
        check, os.path.dirname(vmnd),
        os.path.join(TOP, "_build/logs", os.path.basename(program)), "--run",
        os.path.relpath(program, TOP), *_without_vmnd(sys.argv[1:])])


def _without_vmnd(args):
    """The guest has it in its usual place."""
    left, skip = [], False
    for arg in args:
        if not skip and arg != "--vmnd" and not arg.startswith("--vmnd="):
            left.append(arg)
        skip = arg == "--vmnd"
    return left
