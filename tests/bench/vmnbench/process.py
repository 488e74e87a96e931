# SPDX-License-Identifier: Apache-2.0
"""Processes of a run: started, accounted for, ended.  Only processes that were
started here are ever signalled."""

import os
import signal
import socket
import subprocess
import time

from vmnlab import netns

TICKS = os.sysconf("SC_CLK_TCK")


class Error(Exception):
    """A run that cannot go on, with a sentence."""


def cpu_seconds(pid):
    """CPU time of all threads so far.  By the scheduler's own count, in ns; of
    utime and stime in /proc/PID/stat, which are whole ticks of 10 ms, where
    there is none."""
    try:
        total = 0
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as stat:
                total += int(stat.read().split()[0])
        return total / 1e9
    except OSError:
        pass
    try:
        with open("/proc/%d/stat" % pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
    except OSError:
        return 0.0


def memory_mib(pid):
    """Resident memory."""
    try:
        with open("/proc/%d/status" % pid) as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024.0
    except OSError:
        pass
    return 0.0


def wait_for(what, condition, seconds=60, step=0.01):
    """Waits until condition() is true; returns its value."""
    deadline = time.monotonic() + seconds * netns.PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Error("%s: not within %g s" % (what, seconds))
        time.sleep(step)


def wait_for_socket(what, path):
    """Waits until someone listens there; the file comes a little earlier."""
    def listens():
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
                return True
            except OSError:
                return False

    wait_for(what, listens)


def set_priority(nice):
    """Of this process and what it starts.  The scheduler looks at the niceness
    of a session first ("autogroup"), so this one leaves the shell's."""
    try:
        os.setsid()
    except OSError:
        pass                    # It has a session of its own already.
    _set_own_priority(nice)


def _set_own_priority(nice):
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    try:
        with open("/proc/self/autogroup", "w") as group:
            group.write(str(nice))
    except OSError:
        pass                    # This kernel has no such groups.


class Processes:
    """Named processes; the part of the name before ":" is what they are
    summed up by.  They are in namespace 'ns', or in this one."""

    def __init__(self, ns=None):
        self.ns = ns
        self.running = {}
        self.nice = os.getpriority(os.PRIO_PROCESS, 0)

    def start(self, name, args, log, env=None):
        with open(log, "ab") as out:
            self.running[name] = netns.popen(
                args, self.ns, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, env=dict(os.environ, **(env or {})),
                start_new_session=True,
                preexec_fn=self._prepare if self.nice else None)
        return self.running[name]

    def _prepare(self):
        _set_own_priority(self.nice)

    def check(self):
        """Raises if one of them has ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise Error("%s ended with status %d"
                            % (name, process.returncode))

    def stop(self, *names):
        processes = [self.running.pop(name) for name in names]
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 10
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop_all(self):
        self.stop(*list(self.running))

    def _of(self, kinds):
        return [process.pid for name, process in self.running.items()
                if name.split(":")[0] in kinds]

    def cpu(self, *kinds):
        return sum(cpu_seconds(pid) for pid in self._of(kinds))

    def memory(self, *kinds):
        return [memory_mib(pid) for pid in self._of(kinds)]


def run(args, env=None, check=True):
    """Runs a command to its end; returns what it printed."""
    done = subprocess.run(args, env=dict(os.environ, **(env or {})),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=300 * netns.PATIENCE,
                          check=False)
    if check and done.returncode:
        raise Error("%s: %s" % (" ".join(args)[:200], done.stderr.strip()))
    return done.stdout
