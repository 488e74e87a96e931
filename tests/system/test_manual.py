# SPDX-License-Identifier: Apache-2.0
"""The manual pages: they are well-formed, and name every command, option and
function that there is.  Needs no lab."""

import functools
import glob
import os
import re
import subprocess

import pytest

from vmnlab.daemon import find

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
PAGES = sorted(glob.glob(os.path.join(TOP, "docs/man/*.[1-9]")))


@functools.lru_cache(maxsize=None)
def run(*command):
    # Who only shows a text and ends leaves its memory to the system.
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
    done = subprocess.run(command, stdout=subprocess.PIPE, env=env,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, done
    return done


def page(name):
    """What a reader sees of a page, without hyphenation and line breaks."""
    path = os.path.join(TOP, "docs/man", name)
    text = run("groff", "-man", "-Tascii", "-P-c", "-rHY=0", "-rLL=500n",
               path).stdout
    return re.sub(r".\x08", "", text)


def options_of(text):
    """The long options that a help text explains, with their letters."""
    return re.findall(r"^ +(?:-(\w), +)?--([\w-]+)", text, re.M)


def has_option(text, option):
    return re.search(r"(?<![\w-])--%s(?![\w-])" % re.escape(option), text)


@pytest.mark.parametrize("path", PAGES, ids=os.path.basename)
def test_pages_are_well_formed(path):
    """Neither groff, with all its warnings, nor man has anything to say."""
    assert run("groff", "-ww", "-man", "-Tutf8", "-z", path).stderr == ""
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        timeout=60, env=dict(os.environ, LC_ALL="C.UTF-8", MANROFFSEQ=""))
    assert (done.returncode, done.stderr) == (0, "")
    with open(path, encoding="ascii") as file:
        assert file.readline() == ".\\\" SPDX-License-Identifier: Apache-2.0\n"


def names_in(path, before, after):
    """The names between quotes or roff's macros in a part of a file."""
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        part = re.search(re.escape(before) + "(.*?)" + re.escape(after),
                         file.read(), re.S).group(1)
    return re.findall(r"[a-z]{3,}", re.sub(r"^\.BR? ", "", part, flags=re.M))


def test_lists_of_the_apps_are_one():
    """What vmnd loads by default is what the tree has but for chains,
    metadata, mirrors, monitors, multicast, paths, qos and traffic, in all the
    places that say it."""
    apps = names_in("controller/options.c", "default_apps[] = {", "}")
    built = glob.glob(os.path.join(TOP, "apps/*/automake.mk"))
    by_hand = ["chains", "example", "metadata", "mirrors", "monitors",
               "multicast", "paths", "qos", "traffic"]
    assert sorted(apps + by_hand) == sorted(
        os.path.basename(os.path.dirname(path)) for path in built)
    for path, before, after in (
            ("deploy/vmnd.json.in", '"app": [', "]"),
            ("deploy/lab/vmnlab/daemon.py", "APPS = (", ")"),
            ("docs/man/vmnd.8", '"app": [', "]")):
        assert names_in(path, before, after) == apps, path
    default = names_in("docs/man/vmnd.8", "Repeatable. Default:\n", ".TP")
    assert [name for name in default if name != "and"] == apps


def test_there_is_a_page_for_each():
    assert [os.path.basename(p) for p in PAGES] == [
        "vmn-app.1", "vmn-lab.1", "vmn-rehearse.1", "vmn_app.7",
        "vmnctl.1", "vmnd.8"]


def test_vmnctl_page_has_all_commands_and_options():
    text = page("vmnctl.1")
    help_text = run(find("vmnctl"), "--help").stdout
    commands = re.findall(r"^  ([a-z-]+) ", help_text.split("Commands")[1]
                          .split("\n\n")[0], re.M)
    assert len(commands) >= 30
    for command in commands:
        # The title of a paragraph; some have several.
        assert re.search(r"^ +(?:[a-z]+, )*%s\b" % command, text, re.M), \
            command
        own = run(find("vmnctl"), command, "--help").stdout
        for letter, option in options_of(own):
            assert has_option(text, option), (command, option)
            if letter:
                assert re.search(r"(?<![\w-])-%s\b" % letter, text), letter


def test_vmnctl_page_has_no_others():
    """An option that is gone goes from the page, too."""
    known = set()
    commands = re.findall(r"^  ([a-z-]+) ", run(find("vmnctl"), "--help")
                          .stdout.split("Commands")[1].split("\n\n")[0], re.M)
    for command in commands:
        known |= {o for _, o in options_of(run(find("vmnctl"), command,
                                               "--help").stdout)}
    named = set(re.findall(r"(?<![\w-])--([a-z][\w-]*)", page("vmnctl.1")))
    # Of vmnd and vmn-lab, which it speaks of.
    known |= {o for _, o in options_of(run(find("vmnd"), "--help").stdout)}
    assert named - known <= {"vms"}, named - known


def test_vmnd_page_has_all_options():
    text = page("vmnd.8")
    options = options_of(run(find("vmnd"), "--help").stdout)
    assert len(options) > 15
    for _, option in options:
        assert has_option(text, option), option


def test_vmn_app_page_has_all_commands_and_options():
    text = page("vmn-app.1")
    program = os.path.join(os.path.dirname(find("vmnd")), "vmn-app")
    help_text = run(program, "--help").stdout
    commands = re.findall(r"^(?:usage:|      ) vmn-app (\w+) ", help_text,
                          re.M)
    assert len(commands) == 4
    for command in commands:
        assert re.search(r"^ +%s\b" % command, text, re.M), command
    options = set(re.findall(r"--([a-z-]+)", help_text))
    assert len(options) == 6
    for option in options:
        assert has_option(text, option), option


def test_vmn_lab_page_has_all_commands():
    text = page("vmn-lab.1")
    lab = os.path.join(TOP, "deploy/lab/vmn-lab")
    help_text = run("python3", lab, "--help").stdout
    commands = re.findall(r"^    ([a-z-]+) ", help_text, re.M)
    assert len(commands) > 5
    for command in commands:
        assert re.search(r"^ +(?:\w+ [^,\n]*, )*%s\b" % command, text, re.M), \
            command
        for _, option in options_of(run("python3", lab, command, "--help")
                                    .stdout):
            assert option == "help" or has_option(text, option), (
                command, option)


@pytest.mark.parametrize("path,n", [("what-happens-when.md", 20),
                                    ("cluster.md", 8)])
def test_lines_of_what_happens_when_name_their_tests(path, n):
    """Each line of the page names one that there is."""
    with open(os.path.join(TOP, "docs", path), encoding="utf-8") as text:
        lines = re.search(r"(?<=\| test \|\n)(\|.*\n)+",
                          text.read())[0].splitlines()[1:]
    assert len(lines) >= n
    for line in lines:
        named = re.findall(r"`(test_\w+\.py)::(test_\w+)`",
                           line.rstrip(" |\n").rsplit("|", 1)[1])
        assert named, line
        for file, function in named:
            with open(os.path.join(TOP, "tests/system", file),
                      encoding="utf-8") as source:
                assert re.search(r"^def %s\(" % function, source.read(),
                                 re.M), (file, function)


def functions():
    """The public functions of include/vmn."""
    found = set()
    for path in glob.glob(os.path.join(TOP, "include/vmn/*.h")):
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        found |= set(re.findall(
            r"^(?:[a-z][\w ]*\W+)?(vmn_\w+)\((?!\*)", text, re.M))
        found |= {"vmn_read_" + name for name in re.findall(
            r"^VMN_READER\((\w+),", text, re.M)}
        found |= set(re.findall(
            r"^VMN_ELEMENT_READER\((\w+),", text, re.M))
    return found


def test_app_page_has_all_functions():
    text = page("vmn_app.7")
    named = set(re.findall(r"\b(vmn_\w+)(?=\(\))", text))
    there = functions()
    assert len(there) > 100
    readers = {f for f in there if f.startswith("vmn_read_")}
    # A type of functions.
    there -= {"vmn_flow_owner_fn"}
    assert there - readers <= named, there - readers - named
    assert named <= there, named - there
