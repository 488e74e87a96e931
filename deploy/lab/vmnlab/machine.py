# SPDX-License-Identifier: Apache-2.0
"""What commands find on the machine of one of a lab's controllers, which it
has not got to itself: vmn-cluster, ovs-appctl and ovsdb-client, with the paths
that this controller has, and a systemctl that starts and ends its vmnd and its
server of the database.  Who else has members whose files are elsewhere, as
tests have, uses command() and put_tools().

As a program it is that systemctl: LAB CONTROLLER VERB [OPTION...] UNIT..."""

import os
import re
import shlex
import shutil
import signal
import stat
import sys

from . import cluster, netns
from .daemon import find
from .netns import Error

INACTIVE = 3                    # systemctl's exit status.
# vmn-cluster is for a machine with a user vmn, and gives that one its files.
_TOOLS = {
    "id": "echo 0\n",
    "runuser": 'shift 3\nexec "$@"\n',
    "install": "for folder; do :; done\nmkdir -p \"$folder\"\n",
}
# Where packages have the sockets of both, and a controller's folder.
_SOCKETS = {
    "/run/vmn/vmnd.ctl": "vmnd.ctl",
    "/run/vmn-ovsdb/ovsdb-server.ctl": "db.ctl",
    "/run/vmn-ovsdb/cluster.sock": "db.sock",
}
# In each controller's folder of programs.
_MARK = ".of-a-lab"
_VERBS = ("start", "stop", "restart", "kill", "status", "is-active",
          "enable", "disable")


def put(path, text):
    """Makes a program of 'text'."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    new = "%s.%d" % (path, os.getpid())
    with open(new, "w") as file:
        file.write(text)
    os.chmod(new, stat.S_IRWXU)
    os.rename(new, path)


def command(text, paths):
    """vmn-cluster with other paths, {variable: value}."""
    for name, path in paths.items():
        text, n = re.subn(r"(?m)^%s=.*" % name,
                          lambda _, s=name, p=path: "%s=%s" % (
                              s, shlex.quote(p)), text)
        if n != 1:
            raise Error("vmn-cluster sets \"%s\" %d times" % (name, n))
    return text


def put_tools(folder, systemctl):
    """Makes the programs in 'folder' that vmn-cluster calls; 'systemctl' is
    the text of that one."""
    for name, text in _TOOLS.items():
        put(os.path.join(folder, name), "#!/bin/sh\n" + text)
    put(os.path.join(folder, "systemctl"), systemctl)


# Of a lab's controller.  -----------------------------------------------------

def environment(controller):
    """The environment of a command on the controller's machine, for which it
    makes the programs that are to be found there."""
    outside = _outside(os.environ["PATH"])
    tools, bin_dir = controller.path("tools"), controller.path("bin")
    here = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    systemctl = "#!/bin/sh\nPYTHONPATH=%s exec %s -m vmnlab.machine %s %s " \
        "\"$@\"\n" % (shlex.quote(here), shlex.quote(sys.executable),
                      controller.lab.name, controller.name)
    put(os.path.join(bin_dir, _MARK), "")
    put_tools(tools, systemctl)
    put(os.path.join(tools, "hostname"), "#!/bin/sh\necho %s\n"
        % controller.name)
    with open(_beside(controller, "vmn-cluster", outside)) as file:
        text = command(file.read(), _paths(controller))
    put(os.path.join(bin_dir, "vmn-cluster"), text.replace(
        "\nset -eu\n", "\nset -eu\nPATH=%s:$PATH\n" % shlex.quote(tools), 1))
    put(os.path.join(bin_dir, "systemctl"), systemctl)
    for name in ("ovs-appctl", "ovsdb-client"):
        put(os.path.join(bin_dir, name), _with_sockets(
            controller, shutil.which(name, path=outside) or name))
    put(os.path.join(bin_dir, "vmnctl"), "#!/bin/sh\nexec %s \"$@\"\n"
        % shlex.quote(os.path.realpath(_beside(controller, "vmnctl",
                                               outside))))
    return dict(os.environ, PATH="%s:%s" % (bin_dir, outside),
                VMNCTL_SERVER="unix:" + controller.socket)


def _outside(path):
    """PATH 'path' as it is on no controller's machine: in a shell on one it
    has the programs made here, which would call themselves."""
    return ":".join(folder for folder in path.split(":")
                    if not os.path.exists(os.path.join(folder, _MARK)))


def _with_sockets(controller, program):
    """'program' of Open vSwitch, told of sockets where packages have them."""
    cases = "".join('*%s) set -- "$@" "${1%%%s}"%s ;;\n' % (
        path, path, shlex.quote(controller.path(own)))
        for path, own in _SOCKETS.items())
    return ('#!/bin/sh\nfor word; do\ncase $word in\n%s*) set -- "$@" "$1" ;;'
            '\nesac\nshift\ndone\nexec %s "$@"\n'
            % (cases, shlex.quote(program)))


def _beside(controller, name, search):
    """Our program 'name': the one beside vmnd, or that find() finds, which
    searches the PATH 'search' last."""
    path = os.path.join(os.path.dirname(controller.program), name)
    return path if os.access(path, os.X_OK) else find(name, search)


def _paths(controller):
    return {"config": controller.config,
            "options": controller.path("ovsdb.conf"),
            "state": controller.state,
            "database": controller.path("cluster.db"),
            "schema": cluster.schema(),
            "vmnd_ctl": controller.path("vmnd.ctl"),
            "ovsdb_ctl": controller.path("db.ctl"),
            "ovsdb_db": "unix:" + controller.path("db.sock"),
            "local_api": "unix:" + controller.socket,
            "pki": controller.pki}


# Its services.  --------------------------------------------------------------

class Service:
    """Unit vmnd or vmn-ovsdb of a controller."""

    def __init__(self, controller, unit):
        self.controller = controller
        self.name = unit.removesuffix(".service")
        if self.name not in ("vmnd", "vmn-ovsdb"):
            raise Error("a controller has the units vmnd and vmn-ovsdb, not "
                        + unit)

    def pid(self):
        return self.controller.pid() if self.name == "vmnd" else \
            self.controller.server_pid()

    def start(self):
        if self.pid() is None:
            if self.name == "vmnd":
                self.controller.spawn()
            else:
                self.controller.spawn_server()

    def stop(self):
        if self.name == "vmnd":
            self.controller.stop()
        else:
            netns.kill(filter(None, [self.pid()]), 5.0)

    def kill(self, number):
        """Sends a signal, and waits for the end if that is what it has to
        bring about."""
        pid = self.pid()
        if pid is None:
            raise Error("%s of %s does not run" % (self.name,
                                                   self.controller.name))
        if number == signal.SIGKILL:
            netns.kill([pid])
        else:
            os.kill(pid, number)

    def do(self, verb, options):
        """Returns the exit status."""
        if verb in ("stop", "restart") or verb == "disable" and options.now:
            self.stop()
        if verb in ("start", "restart") or verb == "enable" and options.now:
            self.start()
        if verb == "kill":
            self.kill(options.signal)
        active = self.pid() is not None
        if verb in ("status", "is-active") and not options.quiet:
            print("%s.service: %s" % (self.name,
                                      "active" if active else "inactive"))
        return INACTIVE if verb in ("status", "is-active") and not active \
            else 0


class Options:
    """Of systemctl those that vmn-cluster and an operator may use here."""

    def __init__(self, words):
        self.now = self.quiet = False
        self.signal = signal.SIGTERM
        self.words = []
        words = list(words)
        while words:
            word = words.pop(0)
            if word == "--now":
                self.now = True
            elif word in ("-q", "--quiet"):
                self.quiet = True
            elif word == "-s" and words:
                self.signal = _signal(words.pop(0))
            elif word.startswith("--signal="):
                self.signal = _signal(word.partition("=")[2])
            elif word.startswith("-"):
                raise Error("the lab's systemctl has no option " + word)
            else:
                self.words.append(word)


def _signal(text):
    try:
        return signal.Signals["SIG" + text.removeprefix("SIG")]
    except KeyError:
        raise Error("there is no signal " + text) from None


def systemctl(controller, words):
    """Does what systemctl would with these 'words'; returns its status."""
    options = Options(words)
    verb, *units = options.words or [""]
    if verb not in _VERBS:
        raise Error("the lab's systemctl has %s, not \"%s\""
                    % (", ".join(_VERBS), verb))
    if not units:
        raise Error("%s needs a unit: vmnd or vmn-ovsdb" % verb)
    return max(Service(controller, unit).do(verb, options) for unit in units)


def main():
    from .lab import Lab        # Which has controllers, which have this.
    try:
        lab = Lab(sys.argv[1])
        lab.lock()
        lab.load()
        controller = lab.find_controller(sys.argv[2])
        if not controller:
            raise Error("lab %s has no controller %s" % tuple(sys.argv[1:3]))
        return systemctl(controller, sys.argv[3:])
    except Error as error:
        print("systemctl: %s" % error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
