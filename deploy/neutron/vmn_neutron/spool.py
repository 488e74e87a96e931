# SPDX-License-Identifier: Apache-2.0
"""Marks of what vmnd has perhaps not been told about: one empty file for each
change that is under way, or that could not be told.

A mark is made before Neutron commits, and taken away once vmnd has been told,
so that whoever is killed in between leaves it behind.  The worker of the same
machine sees to those that are old, and to those whose maker has given up: at
once (retry), or when they are old (later).  Files are enough, and need not be
durable: after a start of neutron-server everything is compared anyhow.

A thread remembers its marks by itself, since Neutron's callbacks before and
after a commit have nothing else in common."""

import os
import threading
import time
import uuid

# After how many seconds a mark that nobody has given up is somebody's who has
# been killed.
OLD_S = 30


class Spool:
    def __init__(self, directory):
        self.directory = directory
        self.local = threading.local()
        os.makedirs(directory, exist_ok=True)

    def _made(self):
        if not hasattr(self.local, "made"):
            self.local.made = {}
        return self.local.made

    def begin(self, key):
        """Marks 'key'; before the change is committed."""
        path = os.path.join(self.directory, "%s.%s.%s" % (
            *key, uuid.uuid4().hex))
        with open(path, "w", encoding="ascii"):
            pass
        self._made().setdefault(key, []).append(path)

    def marked(self, kind):
        """Returns the keys of a kind that this thread has marked."""
        return {key for key in self._made() if key[0] == kind}

    def finish(self, keys):
        """Takes away this thread's marks of 'keys'."""
        for key in keys:
            for path in self._made().pop(key, ()):
                remove(path)

    def retry(self, keys):
        """Leaves this thread's marks of 'keys' to the worker, from now on."""
        self._leave(keys, (0, 0))

    def later(self, keys):
        """Leaves them to the worker, for OLD_S from now."""
        self._leave(keys, None)

    def _leave(self, keys, times):
        for key in keys:
            if key not in self._made():
                self.begin(key)
            for path in self._made().pop(key):
                try:
                    os.utime(path, times)
                except FileNotFoundError:
                    pass

    def due(self, all_of_them=False):
        """Returns {path: key} of the marks that are the worker's to see to;
        or of all."""
        found = {}
        now = time.time()
        for name in os.listdir(self.directory):
            parts = name.split(".")
            path = os.path.join(self.directory, name)
            try:
                age = now - os.stat(path).st_mtime
            except FileNotFoundError:
                continue
            if len(parts) == 3 and (all_of_them or age > OLD_S):
                found[path] = (parts[0], parts[1])
        return found


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
