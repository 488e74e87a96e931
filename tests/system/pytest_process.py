# SPDX-License-Identifier: Apache-2.0
"""A pytest of its own for a few tests, of which run-files and run-history
have several at a time: how it is started, waited for, ended and counted.  What
these run is theirs."""

import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as tree

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(
    __file__))))
# A machine that is slow, as one that is emulated, takes longer by this factor.
PATIENCE = float(os.environ.get("VMN_LAB_PATIENCE", 1))
# How long one test may take, and how long a file's tests may clean up.  A file
# as a whole takes as long as it takes: that depends on what else runs.
TEST_SECONDS = 600 * PATIENCE
CLEAN_UP_SECONDS = 60 * PATIENCE


def start(tests, out, xml, before=(), args=(), env=None):
    """Starts a pytest of 'tests', behind the words 'before', with 'args' more,
    which writes to file 'out' and its counts to 'xml'.  It is in a session of
    its own, so that Ctrl-C reaches it once, by end()."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "pytest", "-p", "no:cacheprovider",
         "--color=no", "--durations=5", "--junitxml=" + xml, "-o",
         "junit_family=xunit2", "-o",
         "faulthandler_timeout=%d" % (TEST_SECONDS - 60), *args, *tests],
        cwd=TOP, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        start_new_session=True)


def await_end(process, log):
    """Waits for pytest to end, and ends it if one test takes too long; the log
    says so then."""
    if wait(process, log):
        return
    what = processes_of(process.pid)
    end(process)
    with open(log, "a") as out:
        out.write("\nIt was ended: one test took over %d s.  Then there "
                  "were:\n%s" % (TEST_SECONDS, what))


def wait(process, log):
    """Waits for pytest to end, which writes into its log as each test ends.
    Returns False when one takes too long."""
    size = 0
    since = time.monotonic()
    while True:
        try:
            process.wait(1)
            return True
        except subprocess.TimeoutExpired:
            pass
        if os.path.getsize(log) != size:
            size = os.path.getsize(log)
            since = time.monotonic()
        elif time.monotonic() - since > TEST_SECONDS:
            return False


def processes_of(session):
    """What a test waits for may be among these, and where in the kernel."""
    return subprocess.run(
        ["ps", "-L", "-s", str(session), "-o",
         "pid,ppid,tid,stat,etimes,wchan:24,args"],
        stdout=subprocess.PIPE, text=True, errors="replace",
        check=False).stdout


def end(process, interrupt=True):
    """Has pytest stop, and its fixtures remove what they made."""
    if interrupt:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(CLEAN_UP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def count(xml, status):
    """pytest's own counts, or a failure where it did not get that far."""
    try:
        suite = tree.parse(xml).getroot().find("testsuite")
        total, bad, errors, skipped = (int(suite.get(what)) for what in (
            "tests", "failures", "errors", "skipped"))
    except (OSError, tree.ParseError):
        return 0, 1, 0, 0
    failed = bad + errors
    if status and not failed:
        failed = 1
    unproven = sum("not proven:" in (skip.get("message") or "")
                   for skip in suite.iter("skipped"))
    return (max(0, total - bad - errors - skipped), failed,
            skipped - unproven, unproven)


def last_lines(log, most=60):
    """What pytest tells of its failures, without the durations."""
    with open(log, errors="replace") as file:
        lines = file.readlines()
    ends = [n for n, line in enumerate(lines)
            if re.match("=+ slowest", line)]
    return lines[:ends[-1] if ends else None][-most:]


def raise_interrupt(*unused):
    # Once: what cleans up is not to be interrupted by the next.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
