# SPDX-License-Identifier: Apache-2.0
"""vmn-app test: packets one after the other.  Guests without an address,
switches that have learned, and handlers that fail.  No test takes a host."""

from test_app_kit import WORLD, check, compile_app

LEASES = """\
local function compile(view, key, emit)
    local port = view:port(key)
    local network = port and view:network(port.network)
    if not network or network.vni == 0 then return end
    local scope = { network = port.network }
    local id = view:id_of("leases.clients", key)
    emit:flow { scope = scope, stage = "ask", priority = 10,
                match = { reg_network = network.vni, eth_src = port.mac,
                          ip_dst = "255.255.255.255", udp_dst = 67 } }
        :set("reg12", id):find_client():goto_table("ask", 1)
    for known = 0, 1 do
        local flow = emit:flow { scope = scope, stage = "ask", table = 1,
            priority = 10, match = { eth_type = vmn.eth_ipv4, reg12 = id,
                                     reg11 = known } }
        if known == 0 and view:labels(port).learn ~= "no" then
            flow:set("reg10", 1):learn_client(vmn.eth_ipv4, 60, "reg10")
        end
        flow:punt("ask", known, 0xffff)
    end
end
local function ask(view, packet, out)
    local udp = vmn.udp_parse(packet.bytes)
    out:send_back(vmn.udp_build {
        eth_src = "02:00:00:00:00:01", eth_dst = udp.eth_src, ttl = 64,
        ip_src = "10.0.0.254", ip_dst = udp.ip_dst, src_port = 67,
        dst_port = 68, payload = ({ [0] = "offer ", "ack " })[packet.arg]
                                 .. packet.port.ips[1] })
end
return { name = "leases", description = "Answers as a DHCP server does.",
         stages = { { name = "ask", hook = "service", order = -10,
                      n_tables = 2,
                      scratch = { "reg10", "reg11", "reg12" } } },
         id_pools = { { name = "leases.clients", max = 1000 } },
         units = { { name = "port", each = "port", compile = compile } },
         handlers = { { name = "ask", handle = ask } } }
"""
DHCP = WORLD.replace("24}]", "24, dhcp: true}]")


def asks(port, answer):
    return "- {from: %s, to: 255.255.255.255, source_ip: 0.0.0.0, " \
        "protocol: udp, source_port: 68, port: 67, expect: {verdict: " \
        "delivered, answer: {at: %s, payload: %s}}}\n" % (port, port, answer)


def test_a_client_without_address_is_remembered(tmp_path):
    """The second packet finds what the first has taught: for 60 s without a
    look-up, as long as a flow teaches."""
    (tmp_path / "leases.lua").write_text(LEASES)
    ack, offer = asks("a", "ack 10.0.0.1"), asks("a", "offer 10.0.0.1")
    steps = (
        DHCP + "traces:\n" + offer + ack + asks("b", "offer 10.0.0.2") + ack,
        "time: 2026-01-01T00:00:59Z\ntraces:\n" + ack,
        "time: 2026-01-01T00:01:58Z\ntraces:\n" + ack,
        # Nobody looks for it for 60 s.
        "time: 2026-01-01T00:02:58Z\ntraces:\n" + offer + ack,
        # No flow teaches it any more.
        "apply: [{type: ports, name: a, spec: {network: n, ips: [10.0.0.1], "
        "labels: {learn: 'no'}}}]\ntraces:\n" + offer + offer)
    said = check(tmp_path / "leases.lua", "---\n".join(steps), tmp_path)
    assert "not ok" not in said and said.count(" udp from ") == 10


KNOCK = """\
local function compile(view, key, emit)
    local network = view:network(key)
    if not network or network.vni == 0 then return end
    local scope = { network = key }
    local function look(what)
        what.reg_network, what.reg_src_local = network.vni, 1
        emit:flow { scope = scope, stage = "gate", priority = 10,
                    match = what }
            :set("reg12", 1):find_client():goto_table("gate", 1)
    end
    for i, port in ipairs { 7001, 7002, 7003 } do
        look { udp_dst = port }
        emit:flow { scope = scope, stage = "gate", table = 1, priority = 10,
                    match = { reg11 = i - 1, udp_dst = port } }
            :set("reg10", i):learn_client(vmn.eth_ipv4, 30, "reg10")
            :punt("knock", i, 0xffff)
    end
    look { tcp_dst = 22 }
    emit:flow { scope = scope, stage = "gate", table = 1, priority = 10,
                match = { reg11 = 3, tcp_dst = 22 } }:next()
    emit:flow { scope = scope, stage = "gate", table = 1, priority = 5,
                match = { tcp_dst = 22 } }:drop("knock first")
end
local function knock(view, packet, out)
    print(packet.arg, packet.now_s)
    out:send_nothing("heard")
end
return { name = "knock", description = "A port behind three knocks.",
         stages = { { name = "gate", hook = "service", order = 10,
                      n_tables = 2,
                      scratch = { "reg10", "reg11", "reg12" } } },
         units = { { name = "network", each = "network",
                     compile = compile } },
         handlers = { { name = "knock", handle = knock } } }
"""


def test_a_sequence_of_packets_opens_a_port(tmp_path):
    (tmp_path / "knock.lua").write_text(KNOCK)
    ssh = "- {from: a, to: b, protocol: tcp, port: 22, expect: " \
        "{verdict: %s}}\n"
    knocks = [
        "- {from: a, to: b, protocol: udp, port: %d, "
        "expect: {verdict: dropped, answer: {message: 'nothing: heard'}}}\n"
        % port for port in (7001, 7002, 7003)]
    closed, opened = ssh % "dropped", ssh % "delivered"
    # Learning a value anew does not prolong it: looking for it does.
    said = check(tmp_path / "knock.lua", "---\n".join((
        WORLD + "traces:\n" + closed + "".join(knocks[:2]) + closed,
        "time: 2026-01-01T00:00:05Z\ntraces:\n" + knocks[2] + opened
        + opened.replace("from: a, to: b", "from: b, to: a").replace(
            "delivered", "dropped"),
        "time: 2026-01-01T00:00:34Z\ntraces:\n" + opened,
        "time: 2026-01-01T00:01:04Z\ntraces:\n" + closed)), tmp_path)
    assert "not ok" not in said
    assert "# log: knock.knock: 3 1767225605\n" in said


GROUPS = """\
local function compile(view, key, emit)
    local port = view:port(key)
    if not port or key ~= "a" then return end
    local scope = { network = port.network }
    local function flow(table, what)
        return emit:flow { scope = scope, stage = "odd", table = table,
                           priority = 10, match = what }
    end
    flow(0, { reg_network = 7, reg_src_local = 1, udp_dst = 1 })
        :set("reg12", 1):set("reg14", 5)
        :learn_member(vmn.eth_ipv4, 9, "reg14", 1):goto_table("odd", 1)
    flow(0, { reg_network = 7, reg_src_local = 1, udp_dst = 2 })
        :set("reg12", 1):set("reg14", 6)
        :learn_member(vmn.eth_ipv4, 9, "reg14", 1):goto_table("odd", 1)
    flow(0, { reg_network = 7, reg_src_local = 1, udp_dst = 3 })
        :set("reg12", 1):set("reg13", 0):find_member():goto_table("odd", 1)
    flow(1, { eth_type = vmn.eth_ipv4, reg14 = 6, reg10 = 0 }):drop("full")
    flow(1, { eth_type = vmn.eth_ipv4, reg11 = 5 }):drop("five")
    flow(1, { eth_type = vmn.eth_ipv4, reg11 = 6 }):drop("six")
end
return { name = "odd", description = "Odd.",
         stages = { { name = "odd", hook = "service", order = 10,
                      n_tables = 2, scratch = { "reg10", "reg11", "reg12",
                                                "reg13", "reg14" } } },
         units = { { name = "port", each = "port", compile = compile } } }
"""


def test_limits_and_timeouts_of_learned_flows(tmp_path):
    """Beyond its limit nothing is learned, and learning again prolongs a hard
    timeout."""
    (tmp_path / "odd.lua").write_text(GROUPS)

    def sends(port, reason=None):
        return "- {from: a, to: b, protocol: udp, port: %d, expect: " \
            "{reason: %s}}\n" % (port, reason or "null")
    said = check(tmp_path / "odd.lua", "---\n".join((
        WORLD + "traces:\n" + sends(3) + sends(1) + sends(3, "five")
        + sends(2, "full") + sends(3, "five"),
        "time: 2026-01-01T00:00:08Z\ntraces:\n" + sends(3, "five") + sends(1),
        "time: 2026-01-01T00:00:16Z\ntraces:\n" + sends(3, "five"),
        "time: 2026-01-01T00:00:17Z\ntraces:\n" + sends(3) + sends(2)
        + sends(3, "six"),
        # Host h1 has no port of the network meanwhile, so no flow that learns.
        "placement: {a: h3}\ntraces:\n" + sends(3),
        "placement: {a: h1}\ntraces:\n" + sends(3))), tmp_path)
    assert "not ok" not in said, said


MISDEED = """\
local function compile(view, key, emit)
    for port = 1, 20 do
        emit:flow { scope = { network = key }, stage = "odd", priority = 10,
                    match = { reg_network = 7, udp_dst = port } }
            :punt("ask", port, 0xffff)
    end
end
local misdeeds = {
%s
}
local function ask(view, packet, out)
    misdeeds[packet.arg](view, packet, out)
end
return { name = "odd", description = "Odd.",
         stages = { { name = "odd", hook = "service", order = 10 } },
         units = { { name = "network", each = "network",
                     compile = compile } },
         handlers = { { name = "ask", handle = ask } } }
"""
LUA_MISDEEDS = (
    ("error('boom')", "odd.lua:9: boom"),
    ("error({})", "odd.lua: raised an error that is no text"),
    ("nothing.x = 1", 'odd.lua:11: there is no global "nothing"'),
    ("out:send_back('x')", "a packet of 1 bytes is not one of 14 to 9216"),
    ("out:send_back(nil)", "odd.lua:13: out:send_back(): the packet must be "
     "bytes, not nil"),
    ("for i = 1, 17 do out:send_back(packet.bytes) end",
     "more than 16 packets for one"),
    ("while true do end", "odd.lua:15: ran more than 1 million instructions"),
    ("local s = ('x'):rep(1 << 27)",
     "odd.lua: used more than 64 MiB of memory"),
    ("string.find(('a'):rep(100000), ('.-'):rep(20) .. 'b')",
     "its worker took more than 50 ms of processor time"),
    ("out:count('odds', 'x')", "odd.lua:18: out:count(): the type: \"odds\" "
     "is none of the app's types"),
    ("vmn.udp_build { eth_src = 'x' }", "odd.lua:19: vmn.udp_build(): "
     "eth_src must be a MAC address, not \"x\""),
    ("return packet.prot", 'odd.lua:20: fields of the packet: there is no '
     '"prot" (is it "port"?)'),
    ("return vmn.eth_ipv5", 'odd.lua:21: vmn: there is no "eth_ipv5" (is it '
     '"eth_ipv4"?)'),
    # A failure may have bytes of a packet.
    ("error('\\u{202e}\\xff\\n')", r"odd.lua:22: \u202e\xff\n"),
)


def test_errors_of_handlers_in_lua(tmp_path):
    """Each is named where the answer is, with its line, also after the app's
    process has ended."""
    (tmp_path / "odd.lua").write_text(MISDEED % "\n".join(
        "    function(view, packet, out) %s end," % body
        for body, _ in LUA_MISDEEDS))
    said = check(tmp_path / "odd.lua", WORLD + "traces:\n" + "".join(
        "- {from: a, to: b, protocol: udp, port: %d, expect: {answer: "
        "{payload_hex: '00'}}}\n" % (i + 1)
        for i in range(len(LUA_MISDEEDS))), tmp_path, status=1)
    for body, error in LUA_MISDEEDS:
        assert "# answer: it is nothing: the app failed: %s\n" % error \
            in said, (body, said)


C_APP = """\
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vmn/app.h>

static void
compile(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    (void) view;
    for (int i = 1; i <= 20; i++) {
        struct vmn_flow *flow = vmn_flow_add(emit, vmn_scope_network(key), 0,
                                             0, 10);

        vmn_match(flow, VMN_REG_NETWORK, 7);
        vmn_match(flow, VMN_F_UDP_DST, i);
        vmn_act_punt(vmn_flow_actions(flow), 0, i, VMN_PUNT_ALL);
    }
}

static void
handle(struct vmn_view *view, const struct vmn_packet_in *in,
       struct vmn_packets_out *out)
{
    (void) view;
    switch (in->arg) {
%s
    }
}

static const struct vmn_stage_class stages[] = {
    { .name = "odd", .hook = VMN_HOOK_SERVICE, .order = 10, .n_tables = 1 },
    { .name = NULL } };
static const struct vmn_unit_class units[] = {
    { .name = "network", .each = VMN_EACH_ROW, .row_type = VMN_ROW_NETWORK,
      .compile = compile }, { .name = NULL } };
static const struct vmn_handler_class handlers[] = {
    { .name = "ask", .handle = handle }, { .name = NULL } };
extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD, .name = "odd", .description = "Odd.", .stages = stages,
    .units = units, .handlers = handlers };
"""
C_MISDEEDS = (
    ("abort();", "its worker was ended by signal 6 (Aborted)"),
    ("exit(3);", "its worker ended with status 3"),
    ("vmn_log(view, \"%ld\", (long) time(NULL));",
     "its worker called time(): an app reads no clock"),
    ("vmn_send_back(out, \"x\", 1);",
     "a packet of 1 bytes is not one of 14 to 9216"),
    ("vmn_count(out, VMN_ROW_OWN(0), \"x\", 0);",
     "a packet is counted for an object of type 64, which is none of app odd"),
    ("for (;;) continue;", "its worker took more than 50 ms of processor "
     "time"),
)


def test_errors_of_handlers_in_c(tmp_path):
    (tmp_path / "odd.c").write_text(C_APP % "\n".join(
        "    case %d: %s break;" % (i + 1, body)
        for i, (body, _) in enumerate(C_MISDEEDS)))
    compile_app(tmp_path / "odd.c", tmp_path / "odd.so")
    said = check(tmp_path / "odd.so", WORLD + "traces:\n" + "".join(
        "- {from: a, to: b, protocol: udp, port: %d, expect: {answer: "
        "{payload_hex: '00'}}}\n" % (i + 1)
        for i in range(len(C_MISDEEDS))), tmp_path, status=1)
    for body, error in C_MISDEEDS:
        assert "# answer: it is nothing: the app failed: %s\n" % error \
            in said, (body, said)


CRASHES = """\
#include <stdlib.h>
#include <vmn/app.h>

static void
compile(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    struct vmn_flow *flow;

    if (port && vmn_labels_get(vmn_labels_of(view, &port->row), "bad")) {
        abort();
    }
    if (port) {
        flow = vmn_flow_add(emit, vmn_scope_network(port->network), 0, 0, 1);
        vmn_match_ip(flow, VMN_F_IPV4_SRC, &port->ips[0]);
        vmn_act_drop(vmn_flow_actions(flow), "odd");
    }
}

static const struct vmn_stage_class stages[] = {
    { .name = "odd", .hook = VMN_HOOK_SERVICE, .order = 10, .n_tables = 1 },
    { .name = NULL } };
static const struct vmn_unit_class units[] = {
    { .name = "port", .each = VMN_EACH_ROW, .row_type = VMN_ROW_PORT,
      .compile = compile }, { .name = NULL } };
extern const struct vmn_app_class vmn_app;
const struct vmn_app_class vmn_app = {
    VMN_APP_HEAD, .name = "odd", .description = "Odd.", .stages = stages,
    .units = units };
"""


def test_units_crash_the_process(tmp_path):
    """A failure that is expected is no difference from another process, and
    the ends of former steps neither delay nor suspend the app."""
    (tmp_path / "odd.c").write_text(CRASHES)
    compile_app(tmp_path / "odd.c", tmp_path / "odd.so")
    bad = "apply: [{type: ports, name: a, spec: {network: n, ips: " \
        "[10.0.0.1], labels: {bad: '%d'}}}]\n" \
        "problems: [was ended by signal 6]\n"
    good = "apply: [{type: ports, name: a, spec: {network: n, ips: " \
        "[10.0.0.1]}}]\n"
    said = check(tmp_path / "odd.so", "---\n".join(
        [WORLD] + [bad % i for i in range(12)] + [good]), tmp_path)
    assert "not ok" not in said
