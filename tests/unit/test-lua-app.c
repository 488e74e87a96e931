/* SPDX-License-Identifier: Apache-2.0
 *
 * Apps that are Lua scripts, in worker processes and with the real engine: one
 * that does what it must not (bad-app.lua) fails the unit, whose flows stay,
 * with a sentence for its author, and does not end its process; one that
 * cannot be loaded is refused with such a sentence. */

#include <config.h>

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/engine/packet-handler.h"
#include "controller/engine/relation.h"
#include "controller/flow/pipeline.h"
#include "controller/worker/app-worker.h"
#include "openvswitch/dynamic-string.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

#define WORKER "./vmn-app-worker"
#define SCRIPT TEST_SRCDIR "/tests/unit/bad-app.lua"

/* What follows the network in its flows. */
#define DROP "dl_type=0x88b5 actions=drop (bad)"

/* A host with a port in each of three networks. */
#define ROWS                                                            \
    "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"     \
    " 'networks/a': {'vni': 7, 'subnets': [{'cidr': '10.0.0.0/24'}]},"  \
    " 'networks/b': {'vni': 8, 'subnets': [{'cidr': '10.1.0.0/24'}]},"  \
    " 'ports/pa': {'network': 'a', 'ips': ['10.0.0.1'],"                \
    "              'labels': {'role': 'web'}},"                         \
    " 'ports/pb': {'network': 'b', 'ips': ['10.1.0.1']},"               \
    " 'bindings/pa': {'host': 'h1'}, 'bindings/pb': {'host': 'h1'}}"

static struct apps_fixture *
start(const char *script)
{
    const char *const apps[] = { "overlay", script, NULL };
    struct apps_fixture *f = apps_fixture_create(apps);

    apps_fixture_apply(f, ROWS);
    return f;
}

static void
apply_network(struct apps_fixture *f, const char *name, int vni,
              const char *labels)
{
    char *json = xasprintf("{'networks/%s': {'vni': %d, 'subnets': "
                           "[{'cidr': '10.%d.0.0/24'}], 'labels': {%s}}}",
                           name, vni, name[0] - 'a', labels);

    apps_fixture_apply(f, json);
    free(json);
}

static bool
has_flow(struct apps_fixture *f, const char *text)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    bool has;

    apps_fixture_flows(f, "h1", false, &flows);
    has = strstr(ds_cstr(&flows), text) != NULL;
    ds_destroy(&flows);
    return has;
}

static void
assert_flow(struct apps_fixture *f, const char *text)
{
    struct ds flows = DS_EMPTY_INITIALIZER;

    if (!has_flow(f, text)) {
        apps_fixture_flows(f, "h1", false, &flows);
        fail_msg("no \"%s\" in: %s", text, ds_cstr(&flows));
    }
}

static struct app_worker_status
status_of(struct apps_fixture *f)
{
    const struct pipeline *pipeline = apps_fixture_pipeline(f);
    struct app_worker_status status;

    app_worker_get_status(pipeline->apps[pipeline->n_apps - 1].worker,
                          &status);
    return status;
}

static void
assert_problem(struct apps_fixture *f, const char *text)
{
    char *problems = apps_fixture_problems(f);
    char *to = problems;

    /* They are JSON. */
    for (const char *p = problems; *p; p++) {
        if (*p != '\\') {
            *to++ = *p;
        }
    }
    *to = '\0';
    if (!strstr(problems, text)) {
        fail_msg("no \"%s\" in: %s", text, problems);
    }
    free(problems);
}

/* A misdeed in one unit: it keeps its flow, all others go on, and once the
 * object is right again so is all.  'n_ends' is how often the process may have
 * ended. */
static void
check_deed(struct apps_fixture *f, const char *deed, const char *problem,
           unsigned n_ends)
{
    char *label = xasprintf("'do': '%s'", deed);

    apply_network(f, "a", 107, label);
    assert_problem(f, "bad.network/a");
    assert_problem(f, problem);
    assert_flow(f, "bad.bad/0 10 reg0=0x7," DROP);
    assert_true(status_of(f).n_ends <= n_ends);

    apply_network(f, "b", 108, "");
    assert_flow(f, "bad.bad/0 10 reg0=0x6c," DROP);
    apply_network(f, "b", 8, "");
    apply_network(f, "a", 7, "");
    assert_flow(f, "bad.bad/0 10 reg0=0x8," DROP);
    free(label);
}

/* Line of bad-app.lua that has 'text', for "bad-app.lua:LINE: ". */
static int
line_of(const char *text)
{
    FILE *file = fopen(SCRIPT, "r");
    char line[256];
    int n = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        n++;
        if (strstr(line, text)) {
            fclose(file);
            return n;
        }
    }
    fail_msg("no \"%s\" in " SCRIPT, text);
    return 0;
}

/* The same for one whose problem is raised in the line that has 'text'. */
static void
check_line(struct apps_fixture *f, const char *deed, const char *text,
           const char *problem)
{
    char *whole = xasprintf("bad-app.lua:%d: %s", line_of(text), problem);

    check_deed(f, deed, whole, 0);
    free(whole);
}

static void
test_runs(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start(SCRIPT);

    apps_fixture_check(f);
    assert_flow(f, "bad.bad/0 10 reg0=0x7," DROP);
    assert_flow(f, "bad.bad/0 10 reg0=0x8," DROP);
    apply_network(f, "a", 107, "");
    assert_flow(f, "bad.bad/0 10 reg0=0x6b," DROP);
    assert_false(has_flow(f, "reg0=0x7," DROP));
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

static void
test_errors(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start(SCRIPT);

    check_line(f, "error", "error(\"for a", "for a reason");
    check_deed(f, "table-error",
               "bad-app.lua: raised an error that is no text", 0);
    check_line(f, "nil", "x.y", "attempt to index a nil value (local 'x')");
    check_line(f, "loop", "while true do end",
               "ran more than 20 million instructions");
    check_deed(f, "memory", "bad-app.lua: used more than 64 MiB of memory",
               0);
    check_deed(f, "much", "bad-app.lua: used more than 64 MiB of memory", 0);
    check_line(f, "more", "rep(3 *", "resulting string too large");
    check_deed(f, "elements", "bad-app.lua: used more than 64 MiB of memory",
               0);
    /* Memory, or on a slow machine processor time. */
    check_deed(f, "stack", " more than ", 1);
    check_deed(f, "fail", "network a says so", 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

static void
test_forbidden(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start(SCRIPT);

    check_line(f, "os", "os.time", "uses os: an app has no operating system "
               "and no clock");
    check_line(f, "io", "io.open", "uses io: an app opens no file");
    check_line(f, "require", "require \"", "uses require: an app is one "
               "file");
    check_line(f, "load", "load(\"", "uses load: an app is one file");
    check_line(f, "random", "math.random", "called math.random: an app draws "
               "no random numbers");
    check_line(f, "pcall", "pcall(", "uses pcall: a mistake fails the unit");
    check_line(f, "address", "%p", "string.format(): %p shows an address");
    check_line(f, "coroutine", "coroutine.", "uses coroutine: a function is "
               "computed from beginning to end");
    check_line(f, "unknown-global", "return networks",
               "there is no global \"networks\"");
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

#define NO_STATE "of what was there before: an app keeps no state"

static void
test_state(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start(SCRIPT);

    check_line(f, "global", "count = 1", "assigns to \"count\" " NO_STATE);
    check_line(f, "old-global", "written_at_load = 2",
               "assigns to \"written_at_load\" " NO_STATE);
    check_line(f, "element", "list[1] =",
               "assigns to \"an element\" " NO_STATE);
    check_line(f, "deep", "list.sub.x", "assigns to \"x\" " NO_STATE);
    check_line(f, "insert", "table.insert(",
               "assigns to \"an element\" " NO_STATE);
    check_line(f, "sort", "table.sort(list",
               "assigns to \"an element\" " NO_STATE);
    check_line(f, "library", "string.upper",
               "assigns to \"upper\" " NO_STATE);
    check_deed(f, "local", "bad-app.lua: has changed the local \"kept\" of "
               "the file: an app keeps no state", 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

static void
test_arguments(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start(SCRIPT);

    check_line(f, "field", "network.mtus", "fields of network: there is no "
               "\"mtus\" (is it \"mtu\"?)");
    check_line(f, "row", "network.mtu = 1", "rows cannot be changed");
    check_line(f, "labels", "network.labels", "labels are read by "
               "view:labels(row)");
    check_line(f, "no-name", "port(nil)", "view:port(): the name must be a "
               "text, not nil");
    check_line(f, "wrong-name", "port(7)", "view:port(): the name must be a "
               "text, not a number");
    check_line(f, "method", "view:prot", "attempt to call a nil value "
               "(method 'prot')");
    check_line(f, "dot", "view.port(", "view:port(): call it with a colon");
    check_line(f, "index", "port_by_net\"", "view:lookup(): the index: there "
               "is no \"port_by_net\"");
    check_line(f, "stage", "\"bda\"", "emit:flow(): stage: there is no "
               "\"bda\" (is it \"bad\"?)");
    check_line(f, "option", "mtch =", "emit:flow(): there is no \"mtch\" (is "
               "it \"match\"?)");
    check_line(f, "priority", "65536 }", "emit:flow(): priority must be 1 to "
               "65535, not 65536");
    check_deed(f, "scope", "emit:flow(): scope must have one of host, network "
               "and domain, or relation and key", 0);
    check_deed(f, "scope-name", "emit:flow(): scope.host must be a text, not "
               "a number", 0);
    check_line(f, "argument", ":learn_client(", "flow:learn_client(): "
               "argument 2 must be 1 to 65535, not 0");
    check_line(f, "text-argument", ":goto_hook(7", "flow:goto_hook(): "
               "argument 1 must be a text, not a number");
    check_line(f, "connection", "snat = 7", "flow:ct(): snat must be a text, "
               "not a number");
    check_line(f, "responder", "emit:arp_nd_respond", "emit:arp_nd_respond(): "
               "vni must be an integer, not nil");
    check_line(f, "constant", "vmn.eth_ipv5", "vmn: there is no \"eth_ipv5\" "
               "(is it \"eth_ipv4\"?)");
    check_deed(f, "match", "match: there is no \"tcp_dest\" (is it "
               "\"tcp_dst\"?)", 0);
    check_deed(f, "matches", "match: there is no \"arp_oq\" (is it "
               "\"arp_op\"?)", 0);
    check_deed(f, "value", "match of ip_src must be an IP address or prefix, "
               "not \"10.0.0.300\"", 0);
    check_deed(f, "family", "match of ipv6_src: ipv6_src takes no IPv4 "
               "address", 0);
    check_deed(f, "fits", "does not fit", 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

static void
test_too_many_flows(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start(SCRIPT);

    /* Of flows, of bytes, of instructions or of processor time. */
    apply_network(f, "a", 107, "'flows': '1000000'");
    assert_problem(f, " more than ");
    assert_flow(f, "bad.bad/0 10 reg0=0x7," DROP);
    apply_network(f, "b", 108, "'flows': '1000'");
    assert_flow(f, "bad.bad/0 10 reg0=0x6c," DROP);
    assert_flow(f, "reg0=0x6c,reg15=0x3e8," DROP);
    apply_network(f, "a", 107, "");
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* A query that fails keeps its value, and who reads it does not fail. */
static void
test_query(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start(SCRIPT);
    struct engine *engine = apps_fixture_engine(f);

    apply_network(f, "a", 7, "'ask': 'b'");
    assert_string_equal(engine_relation_values(engine, "bad.answers",
                                               "a").names[0], "8");
    apply_network(f, "b", 18, "'query': 'yes'");
    assert_string_equal(engine_relation_values(engine, "bad.answers",
                                               "a").names[0], "8");
    apply_network(f, "b", 108, "");
    assert_string_equal(engine_relation_values(engine, "bad.answers",
                                               "a").names[0], "108");

    /* The first time that it is asked. */
    apply_network(f, "a", 7, "'query': 'yes'");
    apply_network(f, "b", 108, "'ask': 'a'");
    assert_problem(f, "bad.network/b");
    assert_problem(f, "query bad.does at \"a\" has failed");
    apply_network(f, "a", 7, "");
    assert_string_equal(engine_relation_values(engine, "bad.answers",
                                               "b").names[0], "7");
    assert_int_equal(status_of(f).n_ends, 0);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* What a computation leaves behind is no fault of the query that it then
 * asks for. */
static void
test_local_before_a_query(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start(SCRIPT);
    char *problems;

    apply_network(f, "b", 8, "'ask': 'a', 'keep': 'yes'");
    assert_problem(f, "bad.network/b");
    assert_problem(f, "has changed the local");
    problems = apps_fixture_problems(f);
    assert_null(strstr(problems, "query bad.does"));
    free(problems);
    apply_network(f, "b", 8, "'ask': 'a'");
    assert_string_equal(engine_relation_values(
        apps_fixture_engine(f), "bad.answers", "b").names[0], "7");
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* Has handler 'name' of the last app answer a packet of port pa. */
static char *
handle(struct apps_fixture *f, const char *name, const void *bytes,
       size_t size, struct vmn_packets_out *out)
{
    struct engine *engine = apps_fixture_engine(f);
    const struct engine_handler *handler = engine_get_handler(engine, 0);
    const struct vmn_packet_in in = {
        .host = "h1", .in_port = 5, .arg = 3, .regs = { 7 },
        .port = model_get_durable(apps_fixture_model(f), VMN_TABLE_PORT, "pa",
                                  NULL),
        .bytes = bytes, .size = size, .full_size = size,
    };

    for (size_t i = 0; strcmp(handler->name, name); ) {
        handler = engine_get_handler(engine, ++i);
    }
    return engine_handle_packet(engine, handler, &in, out);
}

static void
test_handler(void **state OVS_UNUSED)
{
    struct apps_fixture *f = start(SCRIPT);
    static const uint8_t bytes[60] = { 1, 2, 3 };
    struct vmn_packets_out out;
    char *problem;

    engine_packets_out_init(&out);
    assert_null(handle(f, "bad.packet", bytes, sizeof bytes, &out));
    assert_int_equal(out.n, 1);
    assert_int_equal(out.sends[0].to, ENGINE_SEND_BACK);
    assert_int_equal(out.bytes.size, 60);
    assert_int_equal(((uint8_t *) out.bytes.data)[2], 3);

    apply_network(f, "a", 7, "'handle': 'loop'");
    problem = handle(f, "bad.packet", bytes, sizeof bytes, &out);
    assert_non_null(problem);
    assert_non_null(strstr(problem, "ran more than 1 million instructions"));
    free(problem);
    assert_int_equal(out.n, 0);
    assert_int_equal(status_of(f).n_ends, 0);
    engine_packets_out_uninit(&out);
    apps_fixture_destroy(f);
}

/* Loading.  --------------------------------------------------------------- */

/* Writes a script to a file, 'path' of its size, whose name is app.lua. */
static void
write_script(char *path, size_t size, const char *text, size_t text_size)
{
    char folder[] = "/tmp/test-lua-app.XXXXXX";
    FILE *file;

    assert_non_null(mkdtemp(folder));
    snprintf(path, size, "%s/app.lua", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, text_size, file), text_size);
    fclose(file);
}

static void
remove_script(char *path)
{
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

static void
check_refused_bytes(const char *text, size_t size, const char *problem)
{
    struct apphost *apphost = apphost_create(WORKER, true);
    struct vmn_error error = VMN_ERROR_INIT;
    char path[64];

    write_script(path, sizeof path, text, size);
    assert_int_not_equal(apphost_load(apphost, ".", path, &error), 0);
    if (!strstr(error.text, problem)) {
        fail_msg("no \"%s\" in: %s", problem, error.text);
    }
    vmn_error_uninit(&error);
    remove_script(path);
    apphost_destroy(apphost);
}

static void
check_refused(const char *text, const char *problem)
{
    check_refused_bytes(text, strlen(text), problem);
}

struct search {
    struct engine *engine;
    struct engine_flow_owner about;
};

static void
find_owner(void *search_, const struct flow_item *item)
{
    struct search *search = search_;
    const char *owner = engine_item_owner(search->engine, item);

    if (item->kind == FLOW_ITEM_FLOW && owner
        && !strcmp(owner, "bad.network/a")) {
        engine_get_flow_owner(search->engine, item->cookie, 3,
                              &search->about);
    }
}

/* Whose the flow of network a is, by the label "owner". */
static struct engine_flow_owner
owner_of(struct apps_fixture *f, const char *label)
{
    struct search search = { .engine = apps_fixture_engine(f) };

    apply_network(f, "a", 7, label);
    engine_host_items(search.engine, "h1", find_owner, &search);
    assert_non_null(search.about.owner);
    return search.about;
}

static void
test_flow_owner(void **state OVS_UNUSED)
{
    static const char *const mistakes[] = {
        "", "'owner': 'wrong'", "'owner': 'number'", "'owner': 'loop'" };
    struct apps_fixture *f = start(SCRIPT);
    struct engine_flow_owner about = owner_of(f, "'owner': 'port'");

    assert_string_equal(about.owner, "bad.network/a");
    assert_string_equal(about.type, "ports");
    assert_string_equal(about.name, "pa");
    assert_int_equal(about.rule, 3 + strlen("network"));
    /* Then it is the row that the unit is for. */
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        about = owner_of(f, mistakes[i]);
        assert_string_equal(about.type, "networks");
        assert_string_equal(about.name, "a");
        assert_int_equal(about.rule, -1);
    }
    assert_int_equal(status_of(f).n_ends, 0);
    apps_fixture_destroy(f);
}

static void
test_refused(void **state OVS_UNUSED)
{
    static const char zeros[] = "return\0{}", compiled[] = "\033LuaT";
    char *large = xmalloc(1100000);

    check_refused("x = = 1", "app.lua:1: unexpected symbol near '='");
    check_refused("\177ELF\2\1\1 rubbish", "app.lua:1: ");
    check_refused_bytes(zeros, sizeof zeros, "app.lua: is no text");
    check_refused_bytes(compiled, sizeof compiled,
                        "app.lua: is compiled, and a script is text");
    memset(large, ' ', 1100000);
    check_refused_bytes(large, 1100000,
                        "it is a script of more than 1048576 bytes");
    free(large);
    check_refused("", "must end with \"return { name = ..., ... }\", and "
                  "returns nil");
    check_refused("while true do end",
                  "app.lua:1: ran more than 2 million instructions");
    check_refused("return { name = io.read() }",
                  "app.lua:1: uses io: an app opens no file");
    check_refused("return {}", "app name");
    check_refused("return { name = 'Bad' }", "app name");
    check_refused("return { name = 'x', unit = {} }",
                  "there is no \"unit\" (is it \"units\"?)");
    check_refused("return { name = 'x', units = 7 }",
                  "units must be a table, not a number");
    check_refused("return { name = 'x', units = { name = 'u' } }",
                  "units must be a sequence");
    check_refused("return { name = 'x', units = { { name = 'u' } } }",
                  "units \"u\" says no \"each\"");
    check_refused("return { name = 'x', units = { { name = 'u', "
                  "each = 'prot' } } }",
                  "units \"u\": each: there is no \"prot\" (is it \"port\"?)");
    check_refused("return { name = 'x', units = { { name = 'u', "
                  "each = 'once' } } }",
                  "units \"u\": compile must be a function, not nil");
    check_refused("return { name = 'x', stages = { { name = 's', "
                  "hook = 'servce' } } }", "(is it \"service\"?)");
    check_refused("return { name = 'x', stages = { { name = 's', "
                  "hook = 'service', n_tables = 99 } } }",
                  "stage s has 99 tables");
    check_refused("return { name = 'x', id_pools = { { name = 'x.p', "
                  "max = -1 } } }",
                  "id_pools \"x.p\": max must be 1 to 4294967295, not -1");
    check_refused("return { name = 'x', types = { { name = 'x', singular = "
                  "'xx', doc = 'X.', fields = { { name = 'n', type = 'int', "
                  "doc = 'N.', max = 4000000000 } } } } }",
                  "fields \"n\": max must be -2147483648 to 2147483647, not "
                  "4000000000");
    /* State that is in functions of C. */
    check_refused("local it = pairs({ 1 }) t = { f = { it } } "
                  "return { name = 'x' }", "keeps what pairs()");
    check_refused("local it = string.gmatch('ab', '.') "
                  "return { name = 'x', units = { { name = 'u', "
                  "each = 'once', compile = function() it() end } } }",
                  "keeps what pairs() or string.gmatch()");
    check_refused("return { name = 'x', flow_owner = io }",
                  "uses io: an app opens no file");
    check_refused("return { name = 'x', flow_owner = 7 }",
                  "flow_owner must be a function, not a number");
}

/* By a name: the module of that name, or else the script. */
static void
test_name(void **state OVS_UNUSED)
{
    /* With a byte order mark. */
    static const char script[] = "\xef\xbb\xbf" "return { name = 'x' }";
    struct apphost *apphost = apphost_create(WORKER, true);
    struct vmn_error error = VMN_ERROR_INIT;
    char path[64], module[64];
    FILE *file;

    write_script(path, sizeof path, script, sizeof script - 1);
    snprintf(module, sizeof module, "%.*s.so",
             (int) (strrchr(path, '.') - path), path);
    *strrchr(path, '/') = '\0';
    assert_int_equal(apphost_load(apphost, path, "app", NULL), 0);

    file = fopen(module, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_not_equal(apphost_load(apphost, path, "app", &error), 0);
    assert_non_null(strstr(error.text, "app.so"));
    vmn_error_uninit(&error);
    unlink(module);
    path[strlen(path)] = '/';
    remove_script(path);
    apphost_destroy(apphost);
}

/* What scripts see is the same each time. */
static void
test_same_each_time(void **state OVS_UNUSED)
{
    static const char script[] =
        "local function compile(view, key, emit)\n"
        "    local t, seen = {}, {}\n"
        "    for i = 1, 50 do t['k' .. i * 7919 % 101] = i end\n"
        "    for k in pairs(t) do seen[#seen + 1] = k end\n"
        "    local sorted = table.pack(table.unpack(seen))\n"
        "    table.sort(sorted, function(a, b) return a < b end)\n"
        "    for i = 1, 50 do assert(seen[i] == sorted[i]) end\n"
        "    assert(tostring({}) == 'table')\n"
        "    assert(string.format('%s', pairs) == 'function')\n"
        "    local p = view:port(key)\n"
        "    assert(tostring(p) == 'port ' .. key and p.name == key)\n"
        "    assert(p.enabled == true and p.host == nil)\n"
        "    assert(p.network == (key == 'pa' and 'a' or 'b'))\n"
        "    assert(#p.mac == 17 and #p.ips == 1)\n"
        "    local n = view:network(p.network)\n"
        "    assert(n.subnets[1].cidr == p.ips[1]:gsub('%.1$', '.0/24'))\n"
        "    assert(n.default == 'allow')\n"
        "    assert(vmn.prefix_contains(n.subnets[1].cidr, p.ips[1]))\n"
        "    assert(view:mtu_of(n) == 1450)\n"
        "    assert(view:domain_of(n.name) == n.name)\n"
        "    assert(view:lookup('port_by_network', n.name)[1] == key)\n"
        "    local id = view:id_of('x.ids', key)\n"
        "    assert(id > 0 and id == view:id_of('x.ids', key))\n"
        "    emit:flow { scope = { network = n.name }, stage = 's',\n"
        "                priority = 7,\n"
        "                match = { reg_network = n.vni,\n"
        "                          eth_src = p.mac,\n"
        "                          ct_state = '+trk-new',\n"
        "                          ip_dst = '10.0.0.0/8',\n"
        "                          tcp_dst = { 0x50, 0xfff0 } } }\n"
        "        :set('reg10', 5):set('eth_dst', '02:00:00:00:00:09')\n"
        "        :set('ip_dst', p.ips[1]):dec_ttl():goto_table('s', 1)\n"
        "    local g = emit:group { scope = { network = n.name },\n"
        "                           type = 'select', key = 'x/' .. key }\n"
        "    g:bucket { id = 1 }:output(9)\n"
        "    emit:flow { scope = { network = n.name }, stage = 's',\n"
        "                table = 1, priority = 8,\n"
        "                match = { reg_network = n.vni } }:group(g)\n"
        "end\n"
        "return { name = 'x',\n"
        "         stages = { { name = 's', hook = 'service', order = 9,\n"
        "                      n_tables = 2, scratch = { 'reg10' } } },\n"
        "         id_pools = { { name = 'x.ids', max = 100 } },\n"
        "         units = { { name = 'p', each = 'port',\n"
        "                     compile = compile } } }\n";
    struct apps_fixture *f;
    char path[64];

    write_script(path, sizeof path, script, sizeof script - 1);
    f = start(path);
    remove_script(path);
    apps_fixture_check(f);
    assert_flow(f, "x.s/0 7 ct_state=-new+trk,tcp,reg0=0x7,");
    assert_flow(f, "nw_dst=10.0.0.0/8,tp_dst=0x50/0xfff0 actions=");
    assert_flow(f, "x.s/1 8 reg0=0x7 actions=group:");
    apps_fixture_destroy(f);
}

/* A script that answers UDP, and what else flows may do. */
static void
test_answers(void **state OVS_UNUSED)
{
    static const char script[] =
        "local function compile(view, key, emit)\n"
        "    local group = view:group(key)\n"
        "    assert(group.selector.text == 'role=web')\n"
        "    local n, pa = view:network('a'), view:port('pa')\n"
        "    assert(view:selects(group.selector, pa))\n"
        "    assert(not view:selects(group.selector, view:port('pb')))\n"
        "    local scope = { network = 'a' }\n"
        "    emit:claim('a', '10.0.0.254')\n"
        "    emit:claim('a', '02:00:00:00:00:01')\n"
        "    emit:arp_nd_respond { scope = scope, stage = 's',\n"
        "                          priority = 20, vni = n.vni,\n"
        "                          mac = '02:00:00:00:00:01',\n"
        "                          ip = '10.0.0.254', handler = 'udp' }\n"
        "    emit:flow { scope = scope, stage = 's', priority = 9,\n"
        "                match = { reg_network = n.vni, ip_src = 'fd00::1',\n"
        "                          udp_dst = 43 }, count = true }\n"
        "        :punt('udp', 3):next()\n"
        "    emit:flow { scope = scope, stage = 's', priority = 8,\n"
        "                match = { reg_network = n.vni,\n"
        "                          eth_type = vmn.eth_ipv4 } }\n"
        "        :ct { zone = 'reg_zone', after = 'next' }\n"
        "end\n"
        "local function handle(view, packet, out)\n"
        "    local udp = vmn.udp_parse(packet.bytes)\n"
        "    if not udp then return out:send_nothing('malformed') end\n"
        "    assert(packet.arg == 3 and packet.reg_network == 7)\n"
        "    out:send_back(vmn.udp_build {\n"
        "        eth_src = udp.eth_dst, eth_dst = udp.eth_src,\n"
        "        ip_src = udp.ip_dst, ip_dst = udp.ip_src, ttl = 64,\n"
        "        src_port = udp.dst_port, dst_port = udp.src_port,\n"
        "        payload = packet.port.name .. udp.payload })\n"
        "end\n"
        "return { name = 'x',\n"
        "         stages = { { name = 's', hook = 'service', order = 9 } },\n"
        "         handlers = { { name = 'udp', handle = handle } },\n"
        "         units = { { name = 'g', each = 'group',\n"
        "                     compile = compile } } }\n";
    struct vmn_udp udp = {
        .eth_src = { { 2, 0, 0, 0, 0, 1 } },
        .eth_dst = { { 2, 0, 0, 0, 0, 2 } },
        .ip_src = { 4, { 10, 0, 0, 1 } }, .ip_dst = { 4, { 10, 0, 0, 254 } },
        .ttl = 1, .src_port = 999, .dst_port = 43,
        .payload = (const uint8_t *) "?", .payload_size = 1 };
    struct vmn_packets_out out;
    struct apps_fixture *f;
    uint8_t bytes[64];
    char path[64];

    write_script(path, sizeof path, script, sizeof script - 1);
    f = start(path);
    remove_script(path);
    apps_fixture_apply(f, "{'groups/web': {'selector': 'role=web'}}");
    apps_fixture_check(f);
    assert_flow(f, "arp_tpa=10.0.0.254,arp_op=1 actions=");
    assert_flow(f, "x.s/0 9 udp6,reg0=0x7,ipv6_src=fd00::1,tp_dst=43 ");
    assert_flow(f, "x.s/0 8 ip,reg0=0x7 actions=ct(table=");

    engine_packets_out_init(&out);
    assert_null(handle(f, "x.udp", bytes,
                       vmn_udp_build(&udp, bytes, sizeof bytes), &out));
    assert_int_equal(out.n, 1);
    assert_true(vmn_udp_parse(out.bytes.data, out.bytes.size, &udp));
    assert_int_equal(udp.dst_port, 999);
    assert_int_equal(udp.eth_dst.ea[5], 1);
    assert_int_equal(udp.payload_size, 3);
    assert_memory_equal(udp.payload, "pa?", 3);

    assert_null(handle(f, "x.udp", "rubbish of 14.", 14, &out));
    assert_string_equal(out.reason, "malformed");
    engine_packets_out_uninit(&out);
    apps_fixture_destroy(f);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_forbidden),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_too_many_flows),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_local_before_a_query),
        cmocka_unit_test(test_handler),
        cmocka_unit_test(test_flow_owner),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_same_each_time),
        cmocka_unit_test(test_answers),
    };

    setenv("VMN_TEST_WORKER", WORKER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
