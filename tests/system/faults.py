# SPDX-License-Identifier: Apache-2.0
"""A process whose wall clock is off and whose disk is slow, for as long as a
test says so.  faults.c, which is preloaded, does it."""

import os
import struct
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))


def build(folder):
    """Makes the library; returns its path."""
    library = os.path.join(str(folder), "faults.so")
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1",
                    "-Wall", "-Wextra", "-Werror", "-o", library,
                    os.path.join(HERE, "faults.c")], check=True)
    return library


class Faults:
    """Of the processes that are started with 'prefix' before their
    arguments; file 'place' has what is wrong."""

    def __init__(self, library, place):
        self.place = str(place)
        with open(self.place, "wb") as file:
            file.write(bytes(16))
        self.environment = {
            "LD_PRELOAD": library, "VMN_FAULTS": self.place,
            # A sanitizer's library would rather be the first.
            "ASAN_OPTIONS": (os.environ.get("ASAN_OPTIONS", "")
                             + ":verify_asan_link_order=0").lstrip(":")}
        self.prefix = ["env"] + ["%s=%s" % entry for entry in
                                 self.environment.items()]

    def shift_clock(self, seconds):
        self._set(0, int(seconds))

    def slow_disk(self, milliseconds):
        """By so much each time that something is made durable."""
        self._set(8, int(milliseconds))

    def _set(self, offset, number):
        with open(self.place, "r+b") as file:
            file.seek(offset)
            file.write(struct.pack("=q", number))
