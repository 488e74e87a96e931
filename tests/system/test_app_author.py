# SPDX-License-Identifier: Apache-2.0
"""What an author of apps meets: mistakes are refused by a sentence that says
what is accepted, no app finds what another one has learned, and a failure is
over once a version without it is loaded."""

import re
import subprocess

import pytest
from conftest import close_lab, flows, make_lab
from test_app_kit import FLOW, SCRIPT, TOP, WORLD, check, script
from test_live_apps import ctl

from vmnlab import frames
from vmnlab.netns import wait_for

# Learns by UDP to ports from BASE on, and looks up by those from BASE + 10 on,
# what is found is dropped.
LEARNER = """\
local function compile(view, key, emit)
    local network = view:network(key)
    if not network or network.vni == 0 then return end
    local function flow(t, priority, port, reg11)
        return emit:flow { scope = { network = key }, stage = "learn",
            table = t, priority = priority,
            match = { reg_network = network.vni, eth_type = vmn.eth_ipv4,
                      udp_dst = port, reg11 = reg11 } }
    end
    flow(0, 10, %(base)d):set("reg12", 1):set("reg13", 5)
        :learn_client(vmn.eth_ipv4, 600, "reg13"):next()
    flow(0, 10, %(base)d + 1):learn_mac(5):next()
    flow(0, 10, %(base)d + 2):set("reg12", 1):set("reg13", 5)
        :learn_member(vmn.eth_ipv4, 600, "reg13", 10):next()
    for i, find in ipairs { "find_client", "find_mac", "find_member" } do
        local port = %(base)d + 9 + i
        local look = flow(0, 10, port):set("reg12", 1):set("reg11", 0)
        look[find](look)
        look:goto_table("learn", 1)
        flow(1, 10, port, 5):drop("found")
        flow(1, 5, port):drop("unknown")
    end
end
return { name = "%(name)s", description = "Learns.",
         stages = { { name = "learn", hook = "service", order = 10,
                      n_tables = 2, scratch = { "reg10", "reg11", "reg12",
                                                "reg13" } } },
         units = { { name = "network", each = "network",
                     compile = compile } } }
"""
BASES = {"one": 7000, "other": 8000}
BROKEN = """\
return { name = "broken", description = "Fails.",
         stages = { { name = "ask", hook = "service", order = 10 } },
         units = { { name = "network", each = "network",
                     compile = function(view, key, emit)
             emit:flow { scope = { network = key }, stage = "ask",
                 priority = 10, match = { reg_network = view:network(key).vni,
                     eth_type = vmn.eth_ipv4, udp_dst = 43 }
             }:punt("ask", 0, 65535) end } },
         handlers = { { name = "ask", handle = function(view, packet, out)
             error("is broken") end } } }
"""
# An app in C whose units end its process.
CRASH = """\
#include <stdlib.h>
#include <vmn/app.h>
static void
compile(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    if (vmn_read_port(view, key) && emit) {
        abort();
    }
}
static const struct vmn_unit_class units[] = {
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile },
    { .name = NULL },
};
extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD, .name = "crash", .description = "Crashes.",
    .units = units,
};
"""


@pytest.fixture(scope="module", name="lab")
def _lab():
    lab = make_lab("author", 1)
    yield lab
    close_lab(lab)


# Without a vmnd.  -----------------------------------------------------------

def flow(ends):
    return FLOW.replace(":next()", ends) % "eth_type = vmn.eth_ipv4"


@pytest.mark.parametrize("body, said", [
    (flow(':set_queue(1):drop("x")'), "go on to a table that drops"),
    (flow(':goto_table("odd", 0)'),
     "a flow of stage odd, table 0, leads to stage odd, table 0"),
    (flow(':drop("two\\nlines")'), "vmn_act_drop(): a text is of at most"),
    ('emit:publish("odd.x", key, "two\\nlines")',
     "vmn_publish(): a text is of at most"),
    ('view:query("odd.absent", key)', 'reads "odd.absent", an undeclared '
     "query of app odd"),
    ('view:query("overlay.absent", key)', 'reads "overlay.absent", an '
     "undeclared query of app overlay"),
    ('view:query("absent", key)', 'query that is not named "APP.NAME"'),
], ids=str)
def test_a_mistake_fails_the_unit(tmp_path, body, said):
    assert said in check(script(tmp_path, body), WORLD, tmp_path, status=1)


def test_a_query_of_an_app_that_is_not_there_has_no_value(tmp_path):
    check(script(tmp_path, 'assert(view:query("absent.x", key) == nil)'),
          WORLD, tmp_path)


def test_a_check_may_leave_the_first_slash_out(tmp_path):
    (tmp_path / "odd.lua").write_text("""\
return { name = "odd", description = "Odd.", types = { { name = "odd",
    singular = "odd-one", doc = "Odd.", fields = {
        { name = "why", type = "text", doc = "Why." } },
    check = function(row, fail) fail("why", "is wrong") end } } }
""")
    check(tmp_path / "odd.lua", "apply: [{type: odd, name: x, spec: {why: x}}]"
          '\nrefused: "/apply/0/spec/why: is wrong"\n', tmp_path)


# Loading.  ------------------------------------------------------------------

@pytest.mark.parametrize("name, declares, said", [
    ("n" * 32, "", "is not [a-z][a-z0-9-]* of at most 31 characters"),
    ("odd", 'stages = { { name = "s", hook = "policy" }, { name = "s", '
     'hook = "policy" } }', 'stage "s" is declared twice'),
    ("odd", 'units = { { name = "u", each = { relation = "nodot" }, '
     "compile = function() end } }", 'relation "nodot" is not named '
     '"APP.NAME"'),
    ("ports", 'types = { { name = "ports", singular = "odd-one", doc = "x", '
     'fields = { { name = "a", type = "int", doc = "x" } } } }',
     'type "ports": "ports" is a name of VMN\'s'),
    ("odd", 'types = { { name = "odd", singular = "port", doc = "x", '
     'fields = { { name = "a", type = "int", doc = "x" } } } }',
     'type "odd": "port" is a name of VMN\'s'),
], ids=str)
def test_a_refusal_names_what_is_accepted(lab, tmp_path, name, declares, said):
    path = tmp_path / (name + ".lua")
    path.write_text('return { name = "%s", description = "x", %s }'
                    % (name, declares))
    assert said in ctl(lab, "app", "load", str(path), status=1)


def test_a_file_of_another_name_is_refused_with_the_command(lab, tmp_path):
    path = tmp_path / "other.lua"
    path.write_text(SCRIPT % "")
    assert "vmnctl app load FILE odd" in ctl(lab, "app", "load", str(path),
                                             status=1)
    path.write_text("return { description = 'x' }")
    assert 'it has no "name"' in ctl(lab, "app", "load", str(path), status=1)


# What apps learn.  ----------------------------------------------------------

def counts(lab, name):
    """How many packets looked up each port have been found, and not."""
    stage = lab.vmnd.api.get("apps/" + name)["status"]["stages"][0]
    counted = {}
    for flow in flows(lab.host("h1")).values():
        port = re.search(r"tp_dst=(\d+)", flow.match)
        if port and flow.table == stage["first_table"] + 1:
            counted[int(port[1]) - BASES[name], "reg11=0x5" in flow.match] \
                = flow.n_packets
    return counted


def test_no_app_finds_what_another_has_learned(lab, world, tmp_path):
    """Two apps have the same numbers for a client, an Ethernet address and a
    member of a group.  Each finds its own."""
    for name, base in BASES.items():
        path = tmp_path / (name + ".lua")
        path.write_text(LEARNER % {"name": name, "base": base})
        ctl(lab, "app", "load", str(path), "--wait")
    try:
        world.network("net", "10.50.0.0/24")
        vm = world.vm("a", "net", "h1", "10.50.0.1")

        def send(port):
            frames.send(vm, frames.udp(vm.mac, vm.mac, "10.50.0.1",
                                       "10.50.0.9", 4000, port, b"x"))

        for port in range(7000, 7003):
            send(port)

        def own_are_found():
            for base in BASES.values():
                for port in range(base + 10, base + 13):
                    send(port)
            counted = counts(lab, "one")
            return all(counted[port, True] for port in (10, 11, 12))

        wait_for("all three to be found", own_are_found, 30)
        wait_for("the other app's look-ups", lambda: all(
            counts(lab, "other")[port, False] for port in (10, 11, 12)), 30)
        assert not any(counts(lab, "other")[port, True]
                       for port in (10, 11, 12))
    finally:
        for name in BASES:
            ctl(lab, "app", "unload", name, "--wait")


# Failures that end.  --------------------------------------------------------

def problems(lab):
    return "\n".join(issue["detail"]
                     for issue in lab.vmnd.api.get("status")["problems"])


def test_another_version_ends_the_failures_of_a_handler(lab, world, tmp_path):
    path = tmp_path / "broken.lua"
    path.write_text(BROKEN)
    ctl(lab, "app", "load", str(path), "--wait")
    try:
        world.network("net", "10.50.0.0/24")
        vm = world.vm("a", "net", "h1", "10.50.0.1")
        frames.send(vm, frames.udp("02:00:00:00:00:99", vm.mac, "10.50.0.1",
                                   "10.50.0.9", 4000, 43, b"x"))
        wait_for("the failure", lambda: "is broken" in problems(lab), 30)
        path.write_text(BROKEN.replace('error("is broken")', ""))
        ctl(lab, "app", "load", str(path), "--wait")
        assert "broken" not in problems(lab)
        assert not lab.vmnd.api.get("apps/broken")["status"].get("handlers")
    finally:
        ctl(lab, "app", "unload", "broken", "--wait")


def test_a_suspended_app_says_how_it_is_resumed(lab, world, tmp_path):
    source, module = tmp_path / "crash.c", tmp_path / "crash.so"
    source.write_text(CRASH)
    subprocess.run(["gcc", "-std=gnu11", "-fPIC", "-shared", "-o", str(module),
                    "-I" + TOP + "/include", str(source)], check=True)
    ctl(lab, "app", "load", str(module))
    try:
        world.network("net", "10.50.0.0/24")
        for i in range(12):
            world.put_nowait("ports", "p%d" % i, network="net")
        wait_for("its suspension", lambda: "ovs-appctl -t vmnd apps/resume "
                 "crash" in problems(lab), 60)
    finally:
        ctl(lab, "app", "unload", "crash")
    assert "crash" not in problems(lab)
