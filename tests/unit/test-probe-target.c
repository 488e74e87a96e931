/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of what apps want to have probed: vmn/probes.h and
 * engine/probe-target.c.  Probes themselves are in test-prober.c, and what
 * becomes rows in tests/system/test_chains.py. */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/probe-target.h"
#include "sset.h"
#include "util.h"
#include "vmn/probes.h"

/* App "asks": a network's label "target" is one, of port "p", and its label
 * "interval" that in ms. */

static const struct vmn_probe_target usual = {
    .port = "p", .type = VMN_PROBE_THROUGH, .out = "q",
    .source = { 4, { 198, 18, 0, 1 } }, .ip = { 4, { 198, 18, 0, 2 } },
    .source_mac = VMN_RESERVED_MAC(VMN_RESERVED_MAC_SERVICE, 1),
    .mac = VMN_RESERVED_MAC(VMN_RESERVED_MAC_SERVICE, 2),
    .interval_ms = 1000, .timeout_ms = 500,
    .healthy_after = 2, .unhealthy_after = 3,
};

static void
compile_network(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    const struct vmn_labels *labels = vmn_labels_of(view, &network->row);
    const char *name = vmn_labels_get(labels, "target");
    const char *interval = vmn_labels_get(labels, "interval");
    struct vmn_probe_target target = usual;

    if (interval) {
        target.interval_ms = atoi(interval);
    }
    if (name && vmn_labels_get(labels, "monitors")) {
        target.type = VMN_PROBE_NEIGHBOUR;
        target.out = NULL;
        vmn_publish_monitor(view, emit, name, &target);
    } else if (name) {
        vmn_publish_probe(view, emit, name, &target);
    }
}

static const struct vmn_app_class asks_app = {
    VMN_APP_HEAD, .name = "asks",
    .stages = toy_stages,
    .units = (const struct vmn_unit_class[]) {
        { .name = "network", .each = VMN_EACH_ROW,
          .row_type = VMN_ROW_NETWORK, .compile = compile_network },
        { .name = NULL },
    },
};

static int
setup(void **state)
{
    toy_init(&toy, &asks_app, NULL);
    assert_true(engine_watch(toy.engine, ENGINE_QUERY_PROBE_TARGET));
    toy_settle(&toy);
    return 0;
}

static void
put_network(const char *name, int vni, const char *target,
            const char *interval)
{
    toy_edit(&toy, VMN_TABLE_NETWORK, name, json_pack(
        "{s:i, s:{s:s, s:s}}", "vni", vni, "labels", "target", target,
        "interval", interval));
    toy_settle(&toy);
}

static void
a_target_monitors(void **state OVS_UNUSED)
{
    struct probe_target_text text;

    put_network("a", 1, "asks.x", "1000");
    assert_true(engine_probe_target(toy.engine, "asks.x", &text));
    assert_false(text.monitors);
    toy_edit(&toy, VMN_TABLE_NETWORK, "a", json_pack(
        "{s:i, s:{s:s, s:s}}", "vni", 1, "labels", "target", "asks.x",
        "monitors", "yes"));
    toy_settle(&toy);
    assert_true(engine_probe_target(toy.engine, "asks.x", &text));
    assert_true(text.monitors);
    assert_int_equal(text.target.type, VMN_PROBE_NEIGHBOUR);
    assert_null(text.target.out);
}

/* Takes the targets that have changed, which are to be 'name' alone. */
static void
assert_changed(const char *name)
{
    struct sset names = SSET_INITIALIZER(&names);

    engine_take_changed(toy.engine, ENGINE_QUERY_PROBE_TARGET, &names);
    assert_int_equal(sset_count(&names), 1);
    assert_true(sset_contains(&names, name));
    sset_destroy(&names);
}

static void
assert_problem(const char *unit, const char *text)
{
    const struct engine_problems *problems = engine_problems(toy.engine);

    assert_int_equal(problems->n, 1);
    assert_string_equal(problems->problems[0].units[0], unit);
    assert_string_equal(problems->problems[0].detail, text);
}

static void
a_target_comes_changes_and_goes(void **state)
{
    struct probe_target_text text;

    put_network("a", 1, "asks.x", "1000");
    assert_changed("asks.x");
    assert_true(engine_probe_target(toy.engine, "asks.x", &text));
    assert_string_equal(text.target.port, "p");
    assert_string_equal(text.target.out, "q");
    assert_int_equal(text.target.type, VMN_PROBE_THROUGH);
    assert_true(vmn_ip_equal(&text.target.source, &usual.source));
    assert_true(vmn_ip_equal(&text.target.ip, &usual.ip));
    assert_true(vmn_mac_equal(text.target.source_mac, usual.source_mac));
    assert_true(vmn_mac_equal(text.target.mac, usual.mac));
    assert_int_equal(text.target.interval_ms, 1000);
    assert_int_equal(text.target.timeout_ms, 500);
    assert_int_equal(text.target.healthy_after, 2);
    assert_int_equal(text.target.unhealthy_after, 3);
    put_network("a", 1, "asks.x", "2000");
    assert_changed("asks.x");
    toy_edit(&toy, VMN_TABLE_NETWORK, "a", NULL);
    toy_settle(&toy);
    assert_changed("asks.x");
    assert_false(engine_probe_target(toy.engine, "asks.x", &text));
}

/* As of a member of a cluster that has followed, and probes from now on. */
static void
who_watches_late_is_told_of_what_there_is(void **state OVS_UNUSED)
{
    toy_init(&toy, &asks_app, NULL);
    put_network("a", 1, "asks.x", "1000");
    put_network("b", 2, "other.y", "1000");
    assert_true(engine_watch(toy.engine, ENGINE_QUERY_PROBE_TARGET));
    assert_changed("asks.x");
}

static void
what_is_wrong_with_a_target_is_a_problem(void **state)
{
    struct probe_target_text text;

    put_network("a", 1, "asks.x", "99");
    assert_problem("vmn.probe-target/asks.x", "probe target \"asks.x\": its "
                   "interval and timeout are out of range");
    assert_false(engine_probe_target(toy.engine, "asks.x", &text));
}

static void
a_target_is_one_units(void **state)
{
    put_network("a", 1, "asks.x", "1000");
    put_network("b", 2, "asks.x", "1000");
    assert_int_equal(engine_problems(toy.engine)->n, 0);
    put_network("b", 2, "asks.x", "2000");
    assert_problem("vmn.probe-target/asks.x",
                   "several units have probe target \"asks.x\"");
}

#define MACS "0e:56:4d:00:00:01|02:00:00:00:00:01"

static void
texts_of_targets(void **state)
{
    static const struct {
        const char *text;
        const char *problem;    /* A part of it; NULL: none. */
    } cases[] = {
        { "p|1||10.0.0.254|10.0.0.1|" MACS "|80|1000|500|2|3", NULL },
        { "p|4||fd00::fe|fd00::1|" MACS "|0|1000|1000|1|100", NULL },
        { "p|5|q|10.0.0.254|10.0.0.1|" MACS "|0|1000|500|2|3", NULL },
        { "", "parts" },
        { "p|1", "parts" },
        { "p|1||10.0.0.254|10.0.0.1|" MACS "|80|1000|500|2|3|4", "parts" },
        { "|1||10.0.0.254|10.0.0.1|" MACS "|80|1000|500|2|3", "port" },
        { "p/q|1||10.0.0.254|10.0.0.1|" MACS "|80|1000|500|2|3", "port" },
        { "p|0||10.0.0.254|10.0.0.1|" MACS "|80|1000|500|2|3", "type" },
        { "p|6||10.0.0.254|10.0.0.1|" MACS "|0|1000|500|2|3", NULL },
        { "p|6||fd00::fe|fd00::1|" MACS "|0|1000|500|2|3|monitors", NULL },
        { "p|6||10.0.0.254|10.0.0.1|" MACS "|80|1000|500|2|3",
          "destination" },
        { "p|6|q|10.0.0.254|10.0.0.1|" MACS "|0|1000|500|2|3", "out" },
        { "p|4||10.0.0.254|10.0.0.1|" MACS "|0|1000|500|2|3|", "parts" },
        { "p|4||10.0.0.254|10.0.0.1|" MACS "|0|1000|500|2|3|monitors|",
          "parts" },
        { "p|7||10.0.0.254|10.0.0.1|" MACS "|80|1000|500|2|3", "type" },
        { "p|-1||10.0.0.254|10.0.0.1|" MACS "|80|1000|500|2|3", "type" },
        { "p|1|q|10.0.0.254|10.0.0.1|" MACS "|80|1000|500|2|3", "out" },
        { "p|5||10.0.0.254|10.0.0.1|" MACS "|0|1000|500|2|3", "out" },
        { "p|1||10.0.0.254|fd00::1|" MACS "|80|1000|500|2|3", "family" },
        { "p|1||10.0.0.256|10.0.0.1|" MACS "|80|1000|500|2|3", "family" },
        { "p|1||10.0.0.254|10.0.0.1|x|" MACS "|80|1000|500|2", "MAC" },
        { "p|1||10.0.0.254|10.0.0.1|01:00:00:00:00:01|02:00:00:00:00:01|80|"
          "1000|500|2|3", "MAC" },
        { "p|1||10.0.0.254|10.0.0.1|" MACS "|0|1000|500|2|3", "destination" },
        { "p|4||10.0.0.254|10.0.0.1|" MACS "|1|1000|500|2|3", "destination" },
        { "p|1||10.0.0.254|10.0.0.1|" MACS "|65536|1000|500|2|3",
          "destination" },
        { "p|1||10.0.0.254|10.0.0.1|" MACS "|80|99|50|2|3", "interval" },
        { "p|1||10.0.0.254|10.0.0.1|" MACS "|80|1000|1001|2|3", "interval" },
        { "p|1||10.0.0.254|10.0.0.1|" MACS "|80|4000000|50|2|3", "interval" },
        { "p|1||10.0.0.254|10.0.0.1|" MACS "|80|1000|9|2|3", "interval" },
        { "p|1||10.0.0.254|10.0.0.1|" MACS "|80|1000|500|0|3", "numbers" },
        { "p|1||10.0.0.254|10.0.0.1|" MACS "|80|1000|500|2|101", "numbers" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct probe_target_text text;
        const char *problem = probe_target_parse("asks.x", cases[i].text,
                                                 &text);

        if (!cases[i].problem != !problem
            || (problem && !strstr(problem, cases[i].problem))) {
            fail_msg("%s: %s", cases[i].text, problem ? problem : "taken");
        }
    }

    char *text = xasprintf("%0200d|1", 1);
    struct probe_target_text to;

    assert_non_null(probe_target_parse("asks.x", text, &to));
    free(text);
    /* Rows are named so, and one that is refused would hold up all others. */
    static const char *const names[] = {
        "asks.X", "asks.x/y", "asks.", "asks.x_y", "asks.x ",
        "asks.01234567890123456789012345678901234567890123456789012345678",
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_non_null(probe_target_parse(names[i], cases[0].text, &to));
    }
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, toy_teardown)
        T(a_target_comes_changes_and_goes),
        T(a_target_monitors),
        cmocka_unit_test_teardown(who_watches_late_is_told_of_what_there_is,
                                  toy_teardown),
        T(what_is_wrong_with_a_target_is_a_problem),
        T(a_target_is_one_units),
        cmocka_unit_test(texts_of_targets),
#undef T
    };

    return toy_run_all(argv, tests, ARRAY_SIZE(tests));
}
