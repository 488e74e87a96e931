# SPDX-License-Identifier: Apache-2.0
"""A person's first hour: docs/first-hour.md, done as it is written there.  Of
what a command shows, the lines of the page must be there in their order; "..."
stands for anything."""

import os
import re
import subprocess

from conftest import HERE
from vmnlab.daemon import find

PAGE = os.path.join(HERE, "../../docs/first-hour.md")
LAB = os.path.join(HERE, "../../deploy/lab/vmn-lab")


def steps():
    """(command, lines that it is to show) of each step of the page."""
    with open(PAGE, encoding="utf-8") as page:
        blocks = re.findall(r"^```console\n(.*?)^```$", page.read(),
                            re.S | re.M)
    found = []
    here = None                 # The rest of a here-document is a command's.
    for line in "".join(blocks).splitlines():
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


def test_first_hour(tmp_path):
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "vmnctl").symlink_to(find("vmnctl"))
    (commands / "vmn-lab").write_text(
        '#!/bin/sh\nexec "%s" "$@"\n' % os.path.realpath(LAB))
    (commands / "vmn-lab").chmod(0o755)
    name = "hour%d" % (os.getpid() % 100000)
    env = dict(os.environ, PATH="%s:%s" % (commands, os.environ["PATH"]),
               VMND=find("vmnd"), NO_COLOR="1")
    shell = subprocess.Popen(
        ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=env, cwd=tmp_path)
    done = "step is done"
    n = 0
    try:
        for command, lines in steps():
            # Its own lab, so that another of the name is left alone.
            command = command.replace("VMN_LAB=hour", "VMN_LAB=" + name) \
                .replace("vmn-lab/hour/", "vmn-lab/%s/" % name)
            shell.stdin.write(command + "\necho; echo %s\n" % done)
            shell.stdin.flush()
            text = ""
            while not text.endswith("\n%s\n" % done):
                line = shell.stdout.readline()
                assert line, "the shell ended in: %s\n%s" % (command, text)
                text += line
            text = text[:-len("\n%s\n" % done)]
            assert shows(lines, text), "%s\nshows\n%s\nnot\n%s" % (
                command, text, "\n".join(lines))
            n += 1
    finally:
        shell.stdin.close()
        shell.wait(30)
        subprocess.run([LAB, "--name", name, "down"], env=env, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert n > 20
