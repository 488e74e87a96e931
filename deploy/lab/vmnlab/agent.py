# SPDX-License-Identifier: Apache-2.0
"""Commands in a guest, by QEMU's guest agent (qemu-ga(8)).  Where they run is
not for here: a command goes on while its guest migrates, and who asked for it
asks again where the guest is now."""

import base64
import contextlib
import random
import time

from . import netns
from .netns import Error
from .qemu import Gone, JsonSocket

OUTPUT_MAX = 16 << 20           # The agent's own bound.
ARGUMENTS_MAX = 64 << 10
INPUT_MAX = 1 << 20
# QEMU serves one client at a time: a command that takes longer lets others
# have their turns.
_TURN_SECONDS = 0.5
_PAUSE_SECONDS = 0.2


class Finished:
    """How a command ended: 'status' is its exit status, or that of a shell
    for one that a signal has ended; 'out' and 'err' are bytes."""

    def __init__(self, reply):
        self.status = reply["exitcode"] if "exitcode" in reply \
            else 128 + reply.get("signal", 0)
        self.out = base64.b64decode(reply.get("out-data", ""))
        self.err = base64.b64decode(reply.get("err-data", ""))
        self.truncated = bool(reply.get("out-truncated")
                              or reply.get("err-truncated"))


class Agent:
    """The agent of guest 'name', by the socket at 'path'."""

    def __init__(self, path, name, seconds=10.0):
        self._socket = JsonSocket(path, "the agent of " + name, seconds)
        try:
            self._sync(seconds)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._socket.close()

    def _sync(self, seconds):
        """Forgets what somebody else has asked for."""
        number = random.randrange(1, 1 << 31)
        end = time.monotonic() + seconds * netns.PATIENCE
        self._socket.send({"execute": "guest-sync-delimited",
                           "arguments": {"id": number}}, b"\xff")
        while self._socket.receive(max(0.0, end - time.monotonic())
                                   / netns.PATIENCE).get("return") != number:
            pass

    def start(self, args, data=None):
        """Starts a command, in a session of its own, with 'data' (bytes) as
        its standard input; returns its pid."""
        args = [str(a) for a in args]
        if sum(len(a.encode()) + 1 for a in args) > ARGUMENTS_MAX:
            raise Error("a guest's command has at most %d bytes"
                        % ARGUMENTS_MAX)
        if data is not None and len(data) > INPUT_MAX:
            raise Error("a guest's command gets at most %d bytes of input"
                        % INPUT_MAX)
        more = {} if data is None else {
            "input-data": base64.b64encode(data).decode()}
        return self._socket.execute("guest-exec", **{
            "path": "/bin/setsid", "arg": args, "capture-output": True,
            **more})["pid"]

    def wait(self, pid, end):
        """Returns how command 'pid' has Finished, or None if it has not at
        time 'end' (time.monotonic())."""
        step = 0.01
        while True:
            reply = self._socket.execute("guest-exec-status", pid=pid)
            if reply["exited"]:
                return Finished(reply)
            left = end - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(step, left))
            step = min(step * 1.5, 0.1)

    def kill(self, pid):
        """Ends a command, with all that it has started in its session."""
        self._socket.execute("guest-exec", **{
            "path": "/bin/kill", "arg": ["-9", "-%d" % pid]})


def run(where, name, args, seconds, data=None):
    """Runs a command to its end and returns how it has Finished.  'where'
    returns the path of the agent's socket, which may change when the guest
    migrates.  An Error after 'seconds': it is ended then, as it is when this
    is interrupted.  Others may run theirs meanwhile."""
    limit = seconds * netns.PATIENCE
    end = time.monotonic() + limit
    path = where()
    pid = None
    try:
        while True:
            try:
                with Agent(path, name, seconds) as agent:
                    if pid is None:
                        pid = agent.start(args, data)
                    done = agent.wait(pid, min(end, time.monotonic()
                                               + _TURN_SECONDS))
                if done:
                    return done
                if time.monotonic() >= end:
                    raise Error("%s: %s: it took over %g s and was ended" % (
                        name, " ".join(map(str, args))[:300], limit))
                time.sleep(_PAUSE_SECONDS)
            except Gone:
                former, path = path, where()
                if path == former:
                    raise Error("%s does not run: its QEMU has ended" % name)
    except BaseException:
        if pid is not None:
            with contextlib.suppress(Error), Agent(where(), name, 5) as agent:
                agent.kill(pid)
        raise
