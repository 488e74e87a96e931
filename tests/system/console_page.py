# SPDX-License-Identifier: Apache-2.0
"""Does what a page of the documentation says, in a lab of its own: the
commands of its blocks "```console", in one shell.  Of what a command shows,
the lines of the page must be there in their order; "..." stands for anything
but a program's complaint.  A page begins with "export VMN_LAB=NAME ...".  A
block "```lua FILE" is appended to that file."""

import os
import re
import signal
import subprocess
import threading

from conftest import HERE
from vmnlab.daemon import find
from vmnlab.lab import Lab
from vmnlab.netns import Error

VMN_LAB = os.path.join(HERE, "../../deploy/lab/vmn-lab")
PKI = os.path.join(HERE, "../../deploy/pki")
BACKUP = os.path.join(HERE, "../../deploy/backup")
DONE = "step is done"
STEP_S = 300
COMPLAINT = re.compile(r"(vmnctl|vmn-lab|pki): |Traceback"
                       r"|bash: .*: (command not found|No such file)")
# What vmnctl adds while a host has not been counted yet, which may take a busy
# machine longer than the page takes to get there.
UNREAD = re.compile(r"^vmnd has not read the counters of \d+ hosts? .*\n",
                    re.M)


def steps(path):
    """(command, lines that it is to show) of each step of the page."""
    with open(path, encoding="utf-8") as page:
        blocks = re.findall(r"^```(?:console|lua (\S+))\n(.*?)^```$",
                            page.read(), re.S | re.M)
    text = "".join("$ cat >>%s <<END\n%sEND\n" % (file, block) if file
                   else block for file, block in blocks)
    found = []
    here = None                 # The rest of a here-document is a command's.
    for line in text.splitlines():
        if here:
            found[-1][0] += "\n" + line
            here = line != "END"
        elif line.startswith("$ "):
            found.append([line[2:], []])
            here = "<<END" in line
        else:
            found[-1][1].append(line)
    return found


def shows(lines, text):
    """Whether 'text' is what 'lines' say: a line "..." is any number."""
    pattern = "".join(
        "(?:.*\n)*?" if line == "..." else
        ".*".join(map(re.escape, line.split("..."))) + "\n" for line in lines)
    return re.fullmatch(pattern, text)


def complaints(lines, text):
    """Lines of errors that the page does not show."""
    return [line for line in text.splitlines()
            if COMPLAINT.match(line) and line not in lines]


def make_commands(folder):
    """The commands that a page may call, as installed."""
    folder.mkdir()
    (folder / "vmnctl").symlink_to(find("vmnctl"))
    for name, program in (("vmn-lab", VMN_LAB), ("vmn-pki", PKI),
                          ("vmn-backup", BACKUP)):
        (folder / name).write_text('#!/bin/sh\nexec "%s" "$@"\n'
                                   % os.path.realpath(program))
        (folder / name).chmod(0o755)
    built = os.path.dirname(os.path.realpath(find("vmnd")))
    apps = os.environ.get("VMN_APPDIR") or os.path.join(built, "appdir")
    rehearse = folder / "vmn-rehearse"
    rehearse.write_text('#!/bin/sh\nexec "%s" --app-dir "%s" "$@"\n' % (
        os.path.join(built, "vmn-rehearse"), os.path.realpath(apps)))
    rehearse.chmod(0o755)


def run_step(shell, command):
    """Returns what it shows.  One that takes too long ends the shell."""
    limit = threading.Timer(STEP_S, os.killpg, (shell.pid, signal.SIGKILL))
    limit.start()
    shell.stdin.write(command + "\necho; echo %s\n" % DONE)
    shell.stdin.flush()
    text = ""
    try:
        while not text.endswith("\n%s\n" % DONE):
            line = shell.stdout.readline()
            assert line, "the shell ended in: %s\n%s" % (command, text)
            text += line
    finally:
        limit.cancel()
    return text[:-len("\n%s\n" % DONE)]


def pause(name):
    """Waits for what is over before a person has typed another command: until
    datapaths of lab 'name' have what switches have confirmed."""
    lab = Lab(name)
    try:
        lab.load()
    except Error:
        return                  # It is not up.
    lab.revalidated()


def run_page(path, tmp_path):
    """Returns how many steps it had."""
    make_commands(tmp_path / "bin")
    found = steps(path)
    written = re.search(r"VMN_LAB=(\S+)", found[0][0]).group(1)
    # Its own lab, so that another of the name is left alone.
    name = "%s%d" % (written[:4], os.getpid() % 100000)
    env = dict(os.environ, PATH="%s:%s" % (tmp_path / "bin",
                                           os.environ["PATH"]),
               VMND=find("vmnd"), NO_COLOR="1")
    shell = subprocess.Popen(
        ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=env, cwd=tmp_path,
        start_new_session=True)
    try:
        changed = False
        for command, lines in found:
            if changed and "vmn-lab exec" in command:
                pause(name)
                changed = False
            changed |= "vmnctl" in command
            command = command.replace("VMN_LAB=" + written, "VMN_LAB=" + name)
            command, *lines = [
                text.replace("vmn-lab/%s/" % written, "vmn-lab/%s/" % name)
                for text in [command] + lines]
            text = UNREAD.sub("", run_step(shell, command))
            assert not complaints(lines, text), "%s\nshows\n%s" % (
                command, text)
            assert shows(lines, text), "%s\nshows\n%s\nnot\n%s" % (
                command, text, "\n".join(lines))
    finally:
        try:
            shell.stdin.close()
        except BrokenPipeError:
            pass                # It was ended.
        shell.wait(30)
        subprocess.run([VMN_LAB, "--name", name, "down"], env=env, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return len(found)
