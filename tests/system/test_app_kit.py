# SPDX-License-Identifier: Apache-2.0
"""vmn-app, the program of those who write apps: what it makes works, what is
wrong with an app is found and said, and rubbish is refused.  Nothing of it
takes a host."""

import os
import re
import subprocess

import pytest
from conftest import HERE

from vmnlab.daemon import find

TOP = os.path.realpath(os.path.join(HERE, "../.."))
EXAMPLES = os.path.join(TOP, "apps/example")
APPS = os.environ.get("VMN_APPDIR") or os.path.join(
    os.path.dirname(find("vmnd")), "appdir")
VMN_APP = os.path.join(os.path.dirname(find("vmnd")), "vmn-app")

# Two VMs of a network, on two hosts.
WORLD = """\
apply:
- {type: networks, name: n, spec: {vni: 7, subnets: [{cidr: 10.0.0.0/24}]}}
- {type: ports, name: a, spec: {network: n, ips: [10.0.0.1]}}
- {type: ports, name: b, spec: {network: n, ips: [10.0.0.2]}}
placement: {a: h1, b: h2}
"""
SCRIPT = """\
local n = 0
local function compile(view, key, emit)
    local port = view:port(key)
    if port then
        %s
    end
end
return { name = "odd", description = "Odd.",
         stages = { { name = "odd", hook = "service", order = 10 } },
         units = { { name = "port", each = "port", compile = compile } } }
"""
FLOW = """emit:flow { scope = { network = port.network }, stage = "odd",
                    priority = 1, match = { %s } }:next()"""


def run(*args, status=0, cwd=None, env=None):
    done = subprocess.run(
        [VMN_APP, *map(str, args)], cwd=cwd, text=True, timeout=120,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=env,
        stderr=subprocess.PIPE, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def check(app, text, folder, status=0):
    path = folder / "test.yaml"
    path.write_text(text)
    return run("test", "--app-dir", APPS, app, path, status=status)


def script(folder, body):
    path = folder / "odd.lua"
    path.write_text(SCRIPT % body)
    return path


def compile_app(source, target, *flags):
    subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
                    "-I" + TOP + "/include", "-fPIC", "-shared", *flags,
                    "-o", str(target), str(source)], check=True)


@pytest.mark.parametrize("flags", [["--lua"], []])
def test_a_new_app_passes_its_own_test(tmp_path, flags):
    made = run("new", "noise", *flags, cwd=tmp_path).split()
    assert sorted(os.listdir(tmp_path / "noise")) == sorted(
        os.path.basename(path) for path in made)
    done = subprocess.run(
        ["make", "-C", tmp_path / "noise", "test",
         "VMN_CFLAGS=-I%s/include" % TOP,
         "VMN_APP=%s --app-dir=%s" % (VMN_APP, APPS)], text=True,
        check=True, stdout=subprocess.PIPE)
    assert "\n1..16\n" in done.stdout and "not ok" not in done.stdout
    # It is no test that anything passes.
    test = tmp_path / "noise/noise-test.yaml"
    test.write_text(test.read_text().replace("verdict: dropped",
                                             "verdict: delivered"))
    app = tmp_path / "noise" / ("noise.lua" if flags else "noise.so")
    said = run("test", "--app-dir", APPS, app, test, status=1)
    assert said.count("not ok") == 3
    assert 'verdict is "dropped", not "delivered"' in said
    assert "#   h1 noise.telnet priority=10,tcp" in said
    # What is there is not written over.
    assert "File exists" in run("new", "noise", cwd=tmp_path, status=1)


@pytest.mark.parametrize("name", ["mailguard", "portguards"])
def test_examples(tmp_path, name):
    test = "%s/%s-test.yaml" % (EXAMPLES, name)
    said = run("test", "--app-dir", APPS, "%s/%s.lua" % (EXAMPLES, name),
               test)
    assert "not ok" not in said
    if name == "mailguard":
        compile_app("%s/mailguard.c" % EXAMPLES, tmp_path / "mailguard.so")
        assert run("test", "--app-dir", APPS, "mailguard.so", test,
                   cwd=tmp_path) == said


def test_a_unit_reads_twelve_thousand_ports(tmp_path):
    """The app of the tutorial, with a guard for all ports of a large network:
    its unit reads each port, and the labels of each."""
    n = 12000
    test = tmp_path / "test.yaml"
    test.write_text(
        "apply:\n- {type: networks, name: n, spec: {vni: 7, subnets: "
        "[{cidr: 10.0.0.0/16}]}}\n" + "".join(
            "- {type: ports, name: p%d, spec: {network: n, ips: [10.0.%d.%d],"
            " labels: {role: web}}}\n" % (i, 1 + i // 250, 1 + i % 250)
            for i in range(n))
        + "- {type: portguards, name: g, spec: {network: n, selector: "
        "role=web, ports: [23], reason: x}}\nplacement: {p0: h1}\n")
    said = run("flows", "--app-dir", APPS, EXAMPLES + "/portguards.lua", test)
    assert "failed" not in said and said.count("(guarded)") == n


@pytest.mark.parametrize("name", ["chains", "metadata", "mirrors", "monitors",
                                  "qos", "traffic"])
def test_apps_that_are_loaded_by_hand(name):
    said = run("test", "--app-dir", APPS, "%s/%s.so" % (APPS, name),
               "%s/apps/%s/%s-test.yaml" % (TOP, name, name))
    assert "not ok" not in said


ASK = """
traces:
- {from: a, to: 10.0.0.254, protocol: udp, port: 43, %s}
"""


def test_answers(tmp_path):
    """What an app answers to a packet is looked at, and what is not as
    expected is said."""
    app = tmp_path / "whoami.so"
    compile_app(EXAMPLES + "/whoami.c", app)
    said = run("test", "--app-dir", APPS, app, EXAMPLES + "/whoami-test.yaml")
    assert "not ok" not in said
    world = WORLD.replace("24}]}", "24}], labels: {whoami: 10.0.0.254}}")
    for expect, error in (
            ("{answer: {payload: x}}",
             'answer: payload is "port a\nnetwork n\nhost h1\n'),
            ("{answer: {message: x}}", 'answer: message is "packet", not "x"'),
            ("{answer: {at: b, payload_hex: null}}",
             'answer: at is "a", not "b"'),
            ("{answer: null}", "answer: packet")):
        said = check(app, world + ASK % ("expect: " + expect), tmp_path,
                     status=1)
        assert "not ok 4 " in said and error.split("\n")[0] in said, said
    for what, error in (
            ("expect: {answer: x}", "/expect/answer: must be a mapping with"),
            ("expect: {answer: {port: 1}}", "/expect/answer/port: is unknown"),
            ("expect: {answer: {payload: {}}}",
             "/expect/answer/payload: must be a text"),
            ("payload: 1, expect: {}", "/payload: must be a"),
            ("payload: '%s', expect: {}" % ("x" * 1401),
             "/payload: must be a string of 1 to 1400 characters"),
            ("payload: '%s', expect: {}" % ("\u00fc" * 701),
             "/payload: must be a string of 1 to 1400 characters"),
            ("payload: x, payload_hex: '00', expect: {}",
             "/payload_hex: cannot be combined with payload"),
            ('payload: "a\\0b", expect: {}', "/payload: must have no NUL"),
            ('expect: {answer: {payload: "a\\0"}}',
             "/expect/answer/payload: must have no NUL"),
            ("payload: x, fragment: later, expect: {}",
             "/payload: cannot be combined with fragment"),
            ("payload_hex: '0', expect: {}", "/payload_hex: must be hex"),
            ("payload_hex: 'zz', expect: {}", "/payload_hex: must be hex")):
        said = check(app, world + ASK % what, tmp_path, status=1)
        assert error in said, said
    sctp = ASK.replace("udp", "sctp") % "payload: x, expect: {}"
    assert "/payload: cannot be combined with sctp" in check(
        app, world + sctp, tmp_path, status=1)


def test_state_is_found(tmp_path):
    """What an app in C keeps from one call to the next."""
    with open(EXAMPLES + "/mailguard.c", encoding="utf-8") as source:
        text = source.read()
    odd = text.replace("STAGE_MAIL, 0, PRIORITY_OTHERS);",
                       "STAGE_MAIL, 0, PRIORITY_OTHERS + n++);")
    odd = odd.replace("static void\ncompile_network",
                      "static int n;\nstatic void\ncompile_network")
    (tmp_path / "odd.c").write_text(odd)
    compile_app(tmp_path / "odd.c", tmp_path / "odd.so")
    again = "---\nname: again\napply:\n- {type: networks, name: n, spec: " \
        "{vni: 8, subnets: [{cidr: 10.0.0.0/24}]}}\n"
    said = check(tmp_path / "odd.so", WORLD + again, tmp_path, status=1)
    assert "not ok 6 - again: another process computes the same" in said
    assert "of mailguard.network/n in overlay.network-hosts:n" in said


def test_failing_units_and_conflicts(tmp_path):
    app = script(tmp_path, "error('no luck')")
    said = check(app, WORLD, tmp_path, status=1)
    assert "not ok 2" in said and "failed: odd.port/a" in said
    assert "no luck" in said
    said = check(app, WORLD + "problems: [odd.port/a, odd.port/b]\n",
                 tmp_path)
    assert "ok 2 - %s/test.yaml, step 1: has the problems" % tmp_path in said
    for part in ("c", "''"):
        said = check(app, WORLD + "problems: [odd.port/a, odd.port/b, %s]\n"
                     % part, tmp_path, status=1)
        assert "# there is none with: " + part.strip("'") in said
    # One key twice, with other actions.
    app = script(tmp_path, FLOW % "reg_network = 7" + """
        emit:flow { scope = { network = port.network }, stage = "odd",
                    priority = 1, match = { reg_network = 7 } }:drop("x")""")
    said = check(app, WORLD, tmp_path, status=1)
    assert "not ok 2 - %s/test.yaml, step 1: no unit fails, no flows " \
        "conflict" % tmp_path in said


@pytest.mark.parametrize("relation, found", [
    ("odd.prots", True),        # Its own, misspelled;
    ("absent.ports", True),     # of an app that is not there;
    ("odd.ports", False),       # published by the unit itself;
    ("firewall.none", False)])  # of one that might publish it.
def test_relations_that_nobody_publishes_to(tmp_path, relation, found):
    app = script(tmp_path, """
        emit:publish("odd.ports", "b", key)
        view:relation_values("%s", "b")""" % relation)
    said = check(app, WORLD, tmp_path, status=int(found))
    assert ("# nothing is published to \"%s\" in any step" % relation
            in said) == found
    assert said.count("not ok") == int(found)


def test_flows(tmp_path):
    app = script(tmp_path, FLOW % "reg_network = 7, ip_src = port.ips[1]")
    test = tmp_path / "test.yaml"
    test.write_text(WORLD)
    lines = run("flows", "--app-dir", APPS, app, test).splitlines()
    assert len(lines) == 2
    for line, ip in zip(lines, ("10.0.0.1", "10.0.0.2")):
        assert line.startswith(
            "odd.odd priority=1,ip,reg0=0x7,nw_src=%s "
            "actions=goto_table:" % ip), line
        assert line.endswith(" on overlay.network-hosts:n")
        assert not line.split("goto_table:")[1][0].isdigit()
    assert run("flows", "--app-dir", APPS, app, test,
               "--host=h1").splitlines() == lines
    assert 'there is no host "h3"' in run(
        "flows", "--app-dir", APPS, app, test, "--host=h3", status=1)
    # Options that lead nowhere, units that fail.
    failing = script(tmp_path, "error('no luck')")
    assert "failed: odd.port/a" in run("flows", "--app-dir", APPS, failing,
                                       test)
    app = script(tmp_path, FLOW % "reg_network = 7, ip_src = port.ips[1]")
    # They are what a test may say, in any order and indented.
    text = "flows: |\n" + "".join(
        "  %s\n" % line.replace(" actions", "\n    actions")
        for line in reversed(lines))
    assert "not ok" not in check(app, WORLD + text, tmp_path)
    said = check(app, WORLD + "flows: [x]\n", tmp_path, status=1)
    assert "# - x\n# + odd.odd priority=1" in said


def test_placement(tmp_path):
    """Hosts and ports that go while VMs are there, and come back."""
    app = script(tmp_path, FLOW % "reg_network = 7, ip_src = port.ips[1]")
    arrives = "traces:\n- {from: a, to: b, protocol: udp, port: 7, " \
        "expect: {verdict: delivered, at: [c, b]}}\n"
    said = check(app, WORLD + arrives + "".join("---\n" + step for step in (
        # A host goes with what is placed there, and its address is free.
        "delete: [hosts/h1]\n",
        "placement: {a: null}\n",
        "placement: {a: h3}\n" + arrives,
        "apply: [{type: hosts, name: x, spec: {ovsdb: inbound, tunnel_ip: "
        "192.0.2.3}}]\n",
        "placement: {a: h4}\n" + arrives,
        "placement: {a: h1}\n" + arrives,
        # Its interface is called otherwise.
        "apply: [{type: ports, name: a, spec: {network: n, ips: [10.0.0.1], "
        "iface_id: z}}]\n",
        "placement: {a: h1}\n" + arrives,
        # What both go and come in one step.
        "delete: [ports/b]\nplacement: {b: h1}\n"
        "refused: '/delete/0: is in the \"placement\"'\n",
        "delete: [hosts/h2]\nplacement: {a: h2}\n"
        "refused: '/delete/0: is in the \"placement\"'\n",
        arrives)), tmp_path)
    assert "not ok" not in said and said.count(" udp from a to b") == 6


def test_live_changes(tmp_path):
    """Hosts that VMs come to and leave."""
    app = script(tmp_path, FLOW % "reg_network = 7, ip_src = port.ips[1]")
    said = check(app, WORLD + """\
traces:
- {from: a, to: b, protocol: udp, port: 7, expect: {verdict: delivered, at: b,
   through: [overlay.admit, odd.odd, overlay.deliver]}}
---
placement: {a: h2}
traces:
- {from: a, to: b, protocol: udp, port: 7, expect: {verdict: delivered}}
---
placement: {a: h2, b: null}
traces:
- {from: a, to: b, protocol: udp, port: 7, expect: {verdict: unreachable,
   at: null}}
---
delete: [ports/a, ports/b]
flows: []
""", tmp_path)
    assert "not ok" not in said and said.endswith("\n1..17\n")


def test_traces_have_a_dscp(tmp_path):
    app = script(tmp_path, """emit:flow {
            scope = { network = port.network }, stage = "odd", priority = 1,
            match = { reg_network = 7, ip_src = port.ips[1], ip_dscp = 46 } }
            :set("ip_dscp", 10):next()""")
    trace = "{from: a, to: b, protocol: udp, port: 7, reply: true%s}\n"
    said = check(app, WORLD + "traces:\n" + "".join(
        "- " + trace % more for more in (
            ", dscp: 46, expect: {changed: {ip_dscp: '10'}}",
            ", dscp: 45, expect: {changed: {ip_dscp: null}}",
            ", expect: {changed: {ip_dscp: null}}")), tmp_path)
    assert "not ok" not in said
    said = check(app, WORLD + "traces:\n- " + trace % ", dscp: 64", tmp_path,
                 status=1)
    assert "/traces/0/dscp: must be" in said


@pytest.mark.parametrize("text, error", [
    ("", "has no step"),
    ("[]", "step 1: : must be a mapping with: name, time"),
    ("colour: red", "step 1: /colour: is unknown; there are: name, time"),
    ("apply: 7", "step 1: /apply: must be a list of objects"),
    ("health: up", "step 1: /health: must be a mapping to up, down or null"),
    ("traces: [7]", "/traces/0: must be a mapping"),
    ("traces: [{from: a, to: b, protocol: tcp}]", "/traces/0/port: is requ"),
    ("traces: [{from: a, to: b, protocol: icmp, expect: {colour: 1}}]",
     "/traces/0/expect/colour: is unknown; there are: verdict"),
    ("flows: [7]", "/flows/0: must be a text"),
    ("problems: [null]", "/problems/0: must be a text"),
    ("delete: [{}]", "/delete/0: must be a text"),
    *(("traces: [{from: a, to: b, protocol: icmp, expect: {%s}}]" % wrong,
       "/traces/0/expect/" + error) for wrong, error in (
           ("through: x", "through: must be a list of stages"),
           ("through: [{}]", "through: must be a list of stages"),
           ("not_through: x", "not_through: must be a list of stages"),
           ("changed: [x]", "changed: must be a mapping"),
           ("changed: {x: {}}", "changed: must be a mapping"),
           ("verdict: {}", "verdict: must be a text"),
           ("at: []", "at: must be a text"))),
    ("name: {", "line 2, column 1: while parsing"),
    ("\0", "line 1"),
])
def test_rubbish(tmp_path, text, error):
    said = check(EXAMPLES + "/mailguard.lua", text, tmp_path, status=1)
    # TAP's own word, and a sentence for people.
    assert said.startswith("Bail out!  ") and said.count(error) == 2, said
    assert "\nvmn-app: " in said


@pytest.mark.parametrize("text, error", [
    ("time: noon", "/time: must be a time in UTC"),
    ("time: '2025-12-31T23:59:59Z'", "/time: is before that of"),
    ("health: {a/b: well}", "/health/a/b: must be up, down or null"),
    ("health: {a/b: up}", '/health/a/b: loadbalancer "a" does not exist'),
    ("health: {'@x.1/b': up}", '/health/@x.1/b: port "b" does not exist'),
    ("health: {ab: down}", "/health/ab: must be BALANCER/PORT"),
])
def test_steps_that_cannot_be(tmp_path, text, error):
    said = check(EXAMPLES + "/mailguard.lua", text, tmp_path, status=1)
    assert "step 1: is taken" in said and "# " + error in said, said


@pytest.mark.parametrize("text, error", [
    ("apply: [{type: x, name: n}]", "/apply/0/type: must be a type"),
    ("apply: [{type: ports}]", '/apply/0: has no "name"'),
    ("apply: [{type: vifs, name: h/a}]", "/apply/0/type: must be a type"),
    ("apply: [{type: types, name: x}]", "/apply/0/type: must be a type"),
    ("apply: [{type: apps, name: mailguard}]", "/apply/0/type: must be a"),
    ("apply: [{type: groups, name: /}]", "/apply/0: "),
    ("apply: [{type: groups, name: g}, {type: groups, name: g}]",
     "/apply/1: names group"),
    ("placement: {a: null}", '/placement/a: names no port: "a"'),
    ("apply: [{type: networks, name: n, spec: {}}, {type: ports, name: a, "
     "spec: {network: n}}, {type: ports, name: s, spec: {network: n, parent: "
     "a, vlan: 5}}]\nplacement: {s: h1}", "/placement/s: is a sub-port"),
    ("delete: [hosts/h]\nplacement: {a: h}", "/placement/a: names no port"),
    ("apply: [{type: ports, name: a, spec: {network: n}}]",
     '/apply/0/spec/network: network "n" does not exist'),
    ("placement: {a: h1}", '/placement/a: names no port: "a"'),
    ("placement: {a: 7}", "/placement/a: must be the name of a host"),
    ("delete: [ports/a]", "/delete/0"),
    ("delete: [ports]", "/delete/0: must be a type"),
])
def test_refused_changes(tmp_path, text, error):
    app = EXAMPLES + "/mailguard.lua"
    said = check(app, text, tmp_path, status=1)
    assert "not ok 1 " in said and "# %s" % error in said, said
    # A test may say that this is right; then nothing has changed.
    said = check(app, text + "\nrefused: '%s'\nflows: []\n" % error,
                 tmp_path)
    assert "ok 1 " in said and "not ok" not in said
    assert "it is taken" in check(app, "name: x\nrefused: x", tmp_path,
                                  status=1)


def test_usage(tmp_path):
    said = run("--help")
    for command in ("new NAME", "test APP", "flows APP", "bench APP"):
        assert "vmn-app " + command in said
    assert run("--version").startswith("vmn-app ")
    for args, error in (((), "there is no command"), (("x",), "command x"),
                        (("test", "x"), "missing behind test"),
                        (("new", "x", "y"), "too much behind new"),
                        (("new", "X"), "no name of an app"),
                        (("new", "router"), "is an app of VMN's own"),
                        (("bench", "--rounds=0", "x", "y"), "--rounds"),
                        (("--colour",), "unrecognized option")):
        assert error in run(*args, status=2, cwd=tmp_path)
    for args, error in ((("test", "x.lua", "y"), "y: No such file"),
                        (("flows", "x.lua", "y"), "x.lua: No such file"),
                        (("flows", EXAMPLES + "/mailguard.lua", "/x"), "/x")):
        assert error in run(*args[:1], "--app-dir", APPS, *args[1:],
                            status=1, cwd=tmp_path)
    assert "cannot open shared object" in run(
        "flows", "--app-dir=/x", EXAMPLES + "/mailguard.lua", "y", status=1)


@pytest.mark.parametrize("name, flows", [("mailguard", 4),
                                         ("portguards", 0)])
def test_bench(name, flows):
    said = run("bench", "--app-dir", APPS, "--rounds=3",
               "%s/%s.lua" % (EXAMPLES, name),
               "%s/%s-test.yaml" % (EXAMPLES, name))
    for line in ("a VM goes, or is back", "a port is disabled"):
        row = next(one for one in said.splitlines() if one.startswith(line))
        assert len([float(x) for x in row.split()[-4:]]) == 4
    assert "its flows and groups: %d\n" % flows in said


def test_tap(tmp_path):
    """What a step is called cannot make another test of it."""
    app = script(tmp_path, "error('no luck')")
    said = check(app, 'name: "x # TODO y\\nBail out!"\n' + WORLD, tmp_path,
                 status=1)
    lines = said.splitlines()
    assert lines[0] == "ok 1 - x \\# TODO y Bail out!: is taken"
    assert all(line.startswith(("ok", "not ok", "#", "1..")) for line in lines)


def test_bench_of_own_types(tmp_path):
    test = tmp_path / "test.yaml"
    test.write_text(WORLD + "---\napply:\n- {type: portguards, name: g, "
                    "spec: {network: n, ports: [23], reason: x}}\n")
    said = run("bench", "--app-dir", APPS, "--rounds=3",
               EXAMPLES + "/portguards.lua", test)
    assert "\nan object of the app's goes, or is back " in said
    test.write_text("name: nothing\n")
    assert "there is no port after its last step" in run(
        "bench", "--app-dir", APPS, EXAMPLES + "/portguards.lua", test,
        status=1)


def test_the_page_is_right(tmp_path):
    """The file that docs/testing-an-app.md shows is one that passes, and all
    members that there are have a place there."""
    with open(TOP + "/docs/testing-an-app.md", encoding="utf-8") as page:
        text = page.read()
    shown = re.search(r"```yaml\n(.*?)```", text, re.S).group(1)
    said = check(EXAMPLES + "/mailguard.lua", shown, tmp_path)
    assert "not ok" not in said and said.endswith("\n1..10\n")
    for wrong, what in (("{colour: 1}", ""), (
            "traces: [{from: a, to: b, protocol: icmp, expect: {x: 1}}]",
            "expect")):
        said = check(EXAMPLES + "/mailguard.lua", wrong, tmp_path, status=1)
        members = said.split("there are: ")[1].split("\n")[0].split(", ")
        assert len(members) >= 6, what
        for member in members:
            assert "| `%s` |" % member in text, member
