# SPDX-License-Identifier: Apache-2.0
"""Runs a program for which the kernel lacks Landlock, by a filter of system
calls: python3 without_landlock.py PROGRAM [ARGUMENT]..."""

import ctypes
import errno
import os
import sys

LANDLOCK_CREATE_RULESET = 444   # On all architectures.
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
RET_ALLOW, RET_ERRNO = 0x7fff0000, 0x00050000
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06


class Instruction(ctypes.Structure):
    """struct sock_filter."""
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8),
                ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class Program(ctypes.Structure):
    """struct sock_fprog."""
    _fields_ = [("len", ctypes.c_uint16),
                ("filter", ctypes.POINTER(Instruction))]


def main(command):
    code = (Instruction * 4)(
        (LOAD, 0, 0, 0),        # The system call's number.
        (JUMP_IF_EQUAL, 0, 1, LANDLOCK_CREATE_RULESET),
        (RETURN, 0, 0, RET_ERRNO | errno.ENOSYS),
        (RETURN, 0, 0, RET_ALLOW))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
                  ctypes.byref(Program(len(code), code))):
        raise OSError(ctypes.get_errno(), "seccomp")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
