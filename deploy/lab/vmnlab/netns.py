# SPDX-License-Identifier: Apache-2.0
"""Network namespaces, and processes and sockets in them.

A namespace that the lab makes is named "vmn-LAB-PART".  That name is all it
takes to find it, and everything that runs in it, after a crash."""

import contextlib
import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
# Of generic netlink, <linux/netlink.h> and <linux/genetlink.h>.
_NETLINK_GENERIC = 16
_GENL_ID_CTRL, _CTRL_CMD_GETFAMILY, _CTRL_ATTR_FAMILY_NAME = 16, 3, 2
_NLM_F_REQUEST, _NLMSG_ERROR = 1, 2
_SO_RCVBUFFORCE = 33
_SYS_PIDFD_GETFD = 438          # On all architectures.
DIR = "/run/netns"
# A factor for all limits of time, for machines that are slow.
PATIENCE = float(os.environ.get("VMN_LAB_PATIENCE", 1))

_libc = ctypes.CDLL(None, use_errno=True)

# What short-lived commands inherit: the lock of the lab that they work on, so
# that nobody takes a lab down while one of them still builds at it.
_inherited = []


class Error(Exception):
    """Something that a person can read and act on."""


def inherit(fd):
    """From now on, commands keep 'fd' open as long as they run."""
    _inherited.append(fd)


def disinherit(fd):
    _inherited.remove(fd)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        errno = ctypes.get_errno()
        raise OSError(errno, "setns: " + os.strerror(errno))


def path(ns):
    return os.path.join(DIR, ns)


def exists(ns):
    return os.path.exists(path(ns))


def names(prefix):
    """The names of the namespaces that start with 'prefix', sorted."""
    try:
        return sorted(n for n in os.listdir(DIR) if n.startswith(prefix))
    except FileNotFoundError:
        return []


@contextlib.contextmanager
def inside(ns):
    """Runs the body, in this thread alone, in namespace 'ns'; None: where it
    is.  A process that it starts is there, too."""
    if ns is None:
        yield
        return
    with open("/proc/thread-self/ns/net") as old, open(path(ns)) as new:
        _setns(new.fileno())
        try:
            yield
        finally:
            _setns(old.fileno())


def socket_in(ns, family=socket.AF_INET, kind=socket.SOCK_STREAM, proto=0):
    """Returns a socket of namespace 'ns'.  It stays there, wherever the
    thread that uses it is."""
    with inside(ns):
        return socket.socket(family, kind, proto)


def deepen(sock, size):
    """Has a socket hold 'size' bytes of what it has received and nobody has
    read yet, whatever net.core.rmem_max says."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)


def has_generic_netlink(family):
    """Whether the kernel speaks this family of generic netlink.  It loads a
    module for it if there is one."""
    name = family.encode() + b"\0"
    padded = name + bytes(-len(name) % 4)
    request = struct.pack(
        "=IHHIIBBHHH", 24 + len(padded), _GENL_ID_CTRL, _NLM_F_REQUEST, 1, 0,
        _CTRL_CMD_GETFAMILY, 1, 0, 4 + len(name), _CTRL_ATTR_FAMILY_NAME)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                       _NETLINK_GENERIC) as sock:
        sock.send(request + padded)
        return struct.unpack_from("=IH", sock.recv(65536))[1] != _NLMSG_ERROR


def enter(ns):
    """Has this thread, and what it starts, be in 'ns' from now on."""
    with open(path(ns)) as new:
        _setns(new.fileno())


def popen(args, ns=None, **rest):
    """A subprocess.Popen that is in 'ns'.  The namespace is entered before the
    program runs, by this thread: for a preexec_fn Python would fork, which
    takes a process of this size ten times as long as vfork."""
    with inside(ns):
        return subprocess.Popen([str(a) for a in args], **rest)


def run(args, ns=None, env=None, data=None, check=True, timeout=60):
    """Runs a command to its end, in 'ns', and returns what it wrote to its
    standard output.  Raises Error with its own words if it fails."""
    process = popen(
        args, ns, env=env, text=True, pass_fds=_inherited,
        stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        try:
            out, err = process.communicate(data, timeout * PATIENCE)
        except BaseException:
            process.kill()
            raise
    if check and process.returncode:
        words = (err or out).strip()
        raise Error("%s: %s" % (" ".join(map(str, args))[:300],
                                words or "exit %d" % process.returncode))
    return out


def spawn(args, ns, env=None, log=None):
    """Starts a process that outlives this one, in 'ns', with its output in
    file 'log'.  The namespace is entered before the program runs, while the
    lab's lock is still held, so that whoever holds it next can find it."""
    with open(log or os.devnull, "ab") as out:
        return popen(args, ns, env=env, stdin=subprocess.DEVNULL,
                     stdout=out, stderr=out, start_new_session=True)


def ip(ns, *commands):
    """Runs commands of ip(8), one string each, in namespace 'ns'."""
    run(["ip", "-n", ns, "-batch", "-"], data="\n".join(commands) + "\n")


def add(ns):
    run(["ip", "netns", "add", ns])
    ip(ns, "link set lo up")


def delete(ns):
    """Ends what runs in 'ns' and removes it.  Right for one that was made
    only half, too."""
    kill(pids(ns))
    if exists(ns):
        run(["ip", "netns", "del", ns])


def pids(ns):
    """The processes in namespace 'ns', except this one."""
    try:
        want = os.stat(path(ns))
    except FileNotFoundError:
        return []
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            have = os.stat("/proc/%s/ns/net" % entry)
        except OSError:
            continue            # Gone, or a kernel thread.
        if (have.st_ino, have.st_dev) == (want.st_ino, want.st_dev):
            found.append(int(entry))
    return found


def sockets_of(pid):
    """Borrows the sockets of a process, one after another: each is its own,
    not another like it.  The caller closes them.  None where Linux does not
    let us."""
    with contextlib.suppress(OSError):
        pidfd = os.pidfd_open(pid)
        try:
            for fd in os.listdir("/proc/%d/fd" % pid):
                borrowed = _libc.syscall(_SYS_PIDFD_GETFD, pidfd, int(fd), 0)
                if borrowed < 0:
                    continue        # Closed meanwhile, or not for us.
                try:
                    yield socket.socket(fileno=borrowed)
                except OSError:
                    os.close(borrowed)  # Not a socket.
        finally:
            os.close(pidfd)


def kill(victims, grace=0.0):
    """Ends processes: SIGTERM, 'grace' seconds, SIGKILL.  Returns when they
    are gone."""
    fds = {}
    for pid in victims:
        try:
            fds[os.pidfd_open(pid)] = pid
        except ProcessLookupError:
            pass
    try:
        if grace:
            _signal(fds, signal.SIGTERM)
            _await_exit(fds, grace)
        _signal(fds, signal.SIGKILL)
        if not _await_exit(fds, 30 * PATIENCE):
            raise Error("processes do not end: %s" % sorted(fds.values()))
    finally:
        for fd in fds:
            os.close(fd)
    for pid in victims:         # Those that this process itself started.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _signal(fds, number):
    for fd in fds:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(fd, number)


def _await_exit(fds, seconds):
    poller = select.poll()
    left = set(fds)
    for fd in left:
        poller.register(fd, select.POLLIN)
    end = time.monotonic() + seconds
    while left:
        ready = poller.poll(max(0, (end - time.monotonic()) * 1000))
        if not ready:
            return False
        for fd, _ in ready:
            poller.unregister(fd)
            left.discard(fd)
    return True


def wait_for(what, condition, seconds=30.0, step=None):
    """Returns what 'condition' returns, as soon as that is true; an Error
    that says what was waited for after 'seconds'.  Nobody waits so long where
    all is well; on a busy machine a process gets no turn for seconds.  It is
    asked every 'step', or, without, first every 20 ms and then more rarely:
    most conditions start a process, and asking takes no more than half of the
    time."""
    seconds *= PATIENCE
    start = time.monotonic()
    while True:
        before = time.monotonic()
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > start + seconds:
            raise Error("waited %g s in vain for %s" % (seconds, what))
        time.sleep(step or max(0.02, min(now - before, 0.5),
                               min((now - start) / 10, 0.25)))
