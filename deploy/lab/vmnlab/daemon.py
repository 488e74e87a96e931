# SPDX-License-Identifier: Apache-2.0
"""A vmnd that belongs to a lab.  It runs in the lab's net namespace, where the
control network's address is, and keeps its files in the lab's directory."""

import os
import shutil
import signal
import subprocess

from . import netns, page
from .api import Api
from .netns import Error

OPENFLOW_PORT = 6653
OVSDB_PORT = 6640
APPS = ("overlay", "firewall", "loadbalancer", "router", "gateway", "dhcp",
        "dns")


def find(name, search=None):
    """Returns the path of our program 'name': from the environment (VMND,
    VMNCTL), from the build tree or installation that this file is in, or from
    PATH, 'search' in place of it if given."""
    given = os.environ.get(name.upper())
    if given:
        return given
    here = os.path.dirname(os.path.realpath(__file__))
    top = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    prefix = os.path.dirname(os.path.dirname(top))
    for place in (os.path.join(top, "_build"),
                  os.path.join(top, "_build", "normal"), top,
                  os.path.join(prefix, "sbin"), os.path.join(prefix, "bin")):
        built = os.path.join(place, name)
        if os.access(built, os.X_OK) and os.path.isfile(built):
            return built
    found = shutil.which(name, path=search) or shutil.which(
        name, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise Error("%s is not here: build it, or set %s to its path"
                    % (name, name.upper()))
    return found


def app_args(program, more=()):
    """Returns the options that say where vmnd finds its apps: VMN_APPDIR, or
    the build tree that the program is in; none if they are installed.  'more'
    are paths of further apps."""
    given = os.environ.get("VMN_APPDIR")
    built = os.path.join(os.path.dirname(program), "apps")
    args = [] if given else [
        "--app=%s/%s/.libs/%s.so" % (built, app, app) for app in APPS
        if os.path.exists("%s/%s/.libs/%s.so" % (built, app, app))]
    if more and not args:
        args = ["--app=" + app for app in APPS]
    if given:
        args.append("--app-dir=" + given)
    return args + ["--app=" + path for path in more]


class Vmnd:
    """The vmnd of 'lab', which has a 'dir', a 'net_ns', a 'control_ip' and an
    'ovsdb_mode'."""

    def __init__(self, lab, program, apps=(), options=(), folder=None,
                 number=0):
        """'apps' are paths of apps besides the usual ones.  Of several in one
        lab each has a folder and a 'number', by which its ports are its
        own."""
        folder = folder or lab.dir
        self.lab = lab
        self.program = program
        self.apps = apps
        self.options = options
        self.number = number
        self.socket = os.path.join(folder, "vmnd.sock")
        self.unixctl = os.path.join(folder, "vmnd.ctl")
        self.db = os.path.join(folder, "vmnd.db")
        self.log = os.path.join(folder, "vmnd.log")
        self.token_file = os.path.join(lab.dir, "token")
        self.api = Api(self.socket)
        self.process = None     # If this process started it.

    def args(self):
        def at(address, port):
            return "%s:%d" % (address, port + self.number)
        control = "tcp:" + self.lab.control_ip
        args = [self.program, "-vsyslog:off", "-vconsole:info",
                "--state=" + self.db, "--unixctl=" + self.unixctl,
                "--socket=" + self.socket,
                "--openflow-listen=" + at(control, OPENFLOW_PORT)]
        if self.lab.ovsdb_mode == "inbound":
            args.append("--ovsdb-listen=" + at(control, OVSDB_PORT))
        if not any(o.startswith("--api-listen") for o in self.options):
            args.append("--api-listen=" + at("127.0.0.1", page.API_PORT))
            if not any(o.startswith("--api-token") for o in self.options):
                args.append("--api-token-file=" + self.token_file)
        return args + app_args(self.program, self.apps) + list(self.options)

    def spawn(self, wrapper=()):
        """Starts it and returns at once."""
        page.token(self.token_file)
        for path in (self.socket, self.unixctl):
            if os.path.exists(path):
                os.unlink(path)
        self.process = netns.spawn(list(wrapper) + self.args(),
                                   self.lab.net_ns, log=self.log)
        self.lab.children.append(self.process)

    def start(self, wrapper=()):
        """Starts it and waits until it answers."""
        self.spawn(wrapper)
        try:
            netns.wait_for("vmnd", self._up_or_dead, 60)
        except Error:
            raise Error("vmnd does not answer:\n" + self.last_words())
        if not self.api.healthy():
            raise Error("vmnd ended at once:\n" + self.last_words())

    def _up_or_dead(self):
        return self.process.poll() is not None or self.api.healthy()

    def pid(self):
        """The pid of the one that runs, or None."""
        return self.find_pid(os.path.basename(self.program),
                             "--socket=" + self.socket)

    def pids(self):
        """All that run."""
        return list(filter(None, [self.pid()]))

    def find_pid(self, program, word):
        """The pid of the 'program' in the lab that has 'word' among its
        arguments, or None."""
        for pid in netns.pids(self.lab.net_ns):
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as line:
                    words = line.read().decode(errors="replace").split("\0")
            except OSError:
                continue
            # A build tree's vmnd may be libtool's script.
            if os.path.basename(words[0]).removeprefix("lt-") == program \
                    and word in words:
                return pid
        return None

    def stop(self, seconds=60):
        """Asks it to end.  Returns its exit status (negative: the signal
        that ended it) if this process started it."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
        return self._reap(pid, seconds)

    def kill(self):
        """kill -9, and waits until it is gone."""
        pid = self.pid()
        if pid is not None:
            netns.kill([pid])
        if self.process:
            self.process.wait(30)
            self.process = None

    def _reap(self, pid, seconds):
        if self.process:
            try:
                return self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                netns.kill([pid])
                raise Error("vmnd did not end within %d s of SIGTERM"
                            % seconds)
            finally:
                self.process = None
        if pid is not None:
            # Not /proc/PID: whoever started it may not have reaped it yet.
            netns.wait_for("vmnd to end", lambda: self.pid() != pid, seconds)
        return None

    def last_words(self, n_lines=20):
        try:
            with open(self.log, errors="replace") as log:
                return "".join(log.readlines()[-n_lines:])
        except FileNotFoundError:
            return "(no log)"
