/* SPDX-License-Identifier: Apache-2.0
 *
 * Live traces: what is predicted of a packet, and copies of it beside that;
 * copies' user data, and the flows of traces.  How switches do is in
 * tests/system/test_live_trace.py. */

#include <config.h>

#include "tests/unit/trace-fixture.h"

#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/flow/sample-action.h"
#include "controller/flow/trace-copy.h"
#include "controller/northbound/trace-body.h"
#include "controller/schema/arena.h"
#include "controller/simulator/live-comparison.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

struct bed {
    struct apps_fixture *f;
    struct arena arena;
    struct trace_request request;
    struct live_prediction prediction;
    struct result_names names;
    struct live_sight sight;
    struct live_trace result;
};

/* Predicts the way of the packet of 'text', a body with ' for ". */
static struct bed *
bed_create(const char *rows, const char *text)
{
    struct bed *bed = xzalloc(sizeof *bed);
    struct vmn_error error = VMN_ERROR_INIT;
    struct vmn_errors errors;
    char *copy = xstrdup(text);
    json_t *body;

    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    bed->f = create_shop(rows);
    arena_init(&bed->arena);
    vmn_errors_init(&errors);
    body = json_loads(copy, 0, NULL);
    assert_true(nb_live_trace_body_read(body, &bed->arena, &bed->request,
                                        &errors));
    vmn_errors_uninit(&errors);
    json_decref(body);
    free(copy);
    bed->request.source_port = 50000;
    bed->request.prediction = &bed->prediction;
    bed->prediction.arena = &bed->arena;
    bed->prediction.id = 77;
    bed->names = (struct result_names) {
        apps_fixture_engine(bed->f), apps_fixture_model(bed->f),
        apps_fixture_pipeline(bed->f),
        arena_alloc(&bed->arena, sizeof(struct isolation_memo *)),
    };
    assert_non_null(trace_make(bed->names.engine, bed->names.model,
                               bed->names.pipeline, &bed->request,
                               &bed->arena, &error));
    return bed;
}

static void
bed_destroy(struct bed *bed)
{
    apps_fixture_destroy(bed->f);
    arena_uninit(&bed->arena);
    free(bed);
}

/* Has the packet be seen just as 'way' says, but for its end if that is a
 * drop. */
static void
see(struct bed *bed, const struct live_way *way)
{
    uint8_t tables[UINT8_MAX], last;

    live_tables(bed->names.pipeline, tables, sizeof tables, &last);
    bed->sight.n = way->n_visits;
    for (size_t i = 0; i < way->n_visits; i++) {
        bed->sight.copies[i] = (struct trace_copy) {
            .kind = (way->visits[i].table == last ? TRACE_COPY_LAST
                     : TRACE_COPY_STAGE),
            .host = way->visits[i].host, .table = way->visits[i].table,
            .flow = way->visits[i].flow,
        };
    }
}

static struct trace_copy *
see_more(struct bed *bed, enum trace_copy_kind kind, const char *host)
{
    struct trace_copy *copy = &bed->sight.copies[bed->sight.n++];

    *copy = (struct trace_copy) { .kind = kind, .host = host };
    return copy;
}

static bool
is_complete(const struct bed *bed)
{
    return live_is_complete(&bed->prediction, &bed->names, &bed->sight);
}

static const char *
compare(struct bed *bed)
{
    live_compare(&bed->prediction, &bed->names, &bed->sight, &bed->arena,
                 &bed->result);
    assert_int_equal(bed->result.agrees, !bed->result.difference);
    return bed->result.difference ? bed->result.difference : "-";
}

static void
packet_that_does_as_predicted_agrees(void **state)
{
    struct bed *bed = bed_create("{" BASE "}", TCP("web1", "db1", "80"));
    const struct live_way *way = &bed->prediction.ways[0];
    struct vmn_error error = VMN_ERROR_INIT;

    (void) state;
    assert_int_equal(bed->prediction.n_ways, 1);
    assert_true(live_prediction_check(&bed->prediction, false, &error));
    assert_string_equal(bed->prediction.host, "h1");
    assert_int_equal(bed->prediction.in_port, 5);
    assert_int_equal(way->kind, LIVE_END_PORT);
    assert_int_equal(way->port, 8);
    assert_true(way->in_last);
    assert_false(way->visits[0].anew);
    assert_string_equal(way->visits[way->n_visits - 1].host, "h3");
    for (size_t i = 0; i < way->n_visits; i++) {
        if (way->visits[i].anew) {
            assert_int_equal(way->visits[i].out_tun_id, 100);
            assert_string_equal(way->visits[i].host, "h3");
        }
    }
    see(bed, way);
    assert_true(is_complete(bed));
    assert_string_equal(compare(bed), "-");
    assert_string_equal(bed->result.seen.verdict, "delivered");
    assert_string_equal(bed->result.seen.port, "db1");
    assert_int_equal(bed->result.n_stages, way->n_visits);
    bed_destroy(bed);
}

/* Copies of several hosts come in any order. */
static void
hosts_are_compared_one_by_one(void **state)
{
    struct bed *bed = bed_create("{" BASE "}", TCP("web1", "db1", "80"));
    const struct live_way *way = &bed->prediction.ways[0];
    struct trace_copy copies[LIVE_VISITS_MAX];
    size_t n = way->n_visits, half = 0;

    (void) state;
    see(bed, way);
    while (!way->visits[half].anew) {
        half++;
    }
    memcpy(copies, &bed->sight.copies[half], (n - half) * sizeof *copies);
    memcpy(&copies[n - half], bed->sight.copies, half * sizeof *copies);
    memcpy(bed->sight.copies, copies, n * sizeof *copies);
    assert_true(is_complete(bed));
    assert_string_equal(compare(bed), "-");
    bed_destroy(bed);
}

static void
first_difference_is_told(void **state)
{
    struct bed *bed = bed_create("{" BASE "}", TCP("web1", "db1", "80"));
    const struct live_way *way = &bed->prediction.ways[0];
    size_t n = way->n_visits;

    (void) state;
    /* A register. */
    see(bed, way);
    bed->sight.copies[2].flow.regs[1] ^= 1;
    assert_false(is_complete(bed));
    assert_non_null(strstr(compare(bed), "on h1: reg1: predicted "));
    assert_string_equal(bed->result.stages[2].result, "differs");
    assert_string_equal(bed->result.stages[3].result, "same");

    /* It ends before. */
    see(bed, way);
    bed->sight.n -= 2;
    assert_non_null(strstr(compare(bed), "on h3, but not to the next one, "));
    assert_string_equal(bed->result.stages[n - 1].result, "missing");
    assert_string_equal(bed->result.seen.verdict, "lost");

    /* It comes to another stage. */
    see(bed, way);
    see_more(bed, TRACE_COPY_STAGE, "h3")->table = way->visits[0].table;
    assert_non_null(strstr(compare(bed), "which was not predicted"));
    assert_string_equal(bed->result.stages[n].result, "unexpected");

    /* Another port is to get it. */
    see(bed, way);
    bed->sight.copies[n - 1].flow.regs[7]++;
    compare(bed);
    assert_string_equal(bed->result.seen.port, "number 9");

    /* It is dropped in the last stage. */
    see(bed, way);
    bed->sight.copies[n - 1].flow.regs[4] = 0;
    see_more(bed, TRACE_COPY_DROP, "h3")->flow.regs[SAMPLE_KIND_REG]
        = SAMPLE_DROP | sample_reason_hash("isolated");
    compare(bed);
    assert_string_equal(bed->result.seen.verdict, "dropped");

    /* Nothing at all was seen. */
    bed->sight.n = 0;
    assert_string_equal(compare(bed), "it did not come to h1, whose first "
                        "stage is overlay.admit");
    bed_destroy(bed);
}

static void
drop_agrees_by_host_reason_and_owner(void **state)
{
    struct bed *bed = bed_create("{" BASE "," POLICY "}",
                                 TCP("web1", "db1", "5432"));
    const struct live_way *way = &bed->prediction.ways[0];
    struct trace_copy *drop;

    (void) state;
    assert_int_equal(way->kind, LIVE_END_DROP);
    assert_string_equal(way->end.host, "h3");
    see(bed, way);
    assert_false(is_complete(bed));
    drop = see_more(bed, TRACE_COPY_DROP, "h3");
    /* A rule with a log, which decides nothing. */
    drop->flow.regs[SAMPLE_KIND_REG] = SAMPLE_LOG;
    assert_false(is_complete(bed));
    drop->flow.regs[SAMPLE_KIND_REG] = SAMPLE_DROP
                                       | sample_reason_hash("isolated");
    assert_true(is_complete(bed));
    assert_string_equal(compare(bed), "-");
    assert_string_equal(bed->result.seen.reason, "isolated");

    drop->flow.regs[SAMPLE_KIND_REG] = SAMPLE_DROP
                                       | sample_reason_hash("spoofed");
    assert_false(is_complete(bed));
    assert_non_null(strstr(compare(bed), "seen: dropped on h3: spoofed"));
    drop->host = "h1";
    drop->flow.regs[SAMPLE_KIND_REG] = SAMPLE_DROP
                                       | sample_reason_hash("isolated");
    assert_non_null(strstr(compare(bed), "seen: dropped on h1: isolated"));
    bed_destroy(bed);
}

/* Of a balancer's outcomes the one that was met counts. */
static void
one_outcome_is_enough(void **state)
{
    struct bed *bed = bed_create(
        "{" BASE ", 'loadbalancers/lb': {'vip': '10.0.0.100', "
        "'networks': ['shop'], 'ports': [{'port': 80}], "
        "'backends': [{'port': 'app1'}, {'port': 'db1'}]}}",
        TCP("web1", "lb", "80"));

    (void) state;
    assert_int_equal(bed->prediction.n_ways, 2);
    for (size_t i = 0; i < 2; i++) {
        see(bed, &bed->prediction.ways[i]);
        assert_true(is_complete(bed));
        assert_string_equal(compare(bed), "-");
        assert_string_equal(bed->result.seen.port,
                            bed->prediction.ways[i].end.port);
    }
    bed_destroy(bed);
}

static void
what_cannot_be_followed_is_refused(void **state)
{
    struct bed *bed = bed_create(
        "{" BASE ", 'networks/two': {'vni': 101, 'subnets': [{'cidr': "
        "'10.1.0.0/24', 'gateway': '10.1.0.1'}]}, 'routers/r': {'interfaces':"
        " [{'network': 'two'}]}, 'ports/x': {'network': 'two', 'ips': "
        "['10.1.0.7']}, 'bindings/x': {'host': 'h1'}, 'vifs/h1/x': {'host': "
        "'h1', 'iface_id': 'x', 'iface': 'tap', 'ofport': 9}}",
        "{'from': 'x', 'to': '10.1.0.1', 'protocol': 'icmp'}");
    struct vmn_error error = VMN_ERROR_INIT;

    (void) state;
    assert_false(live_prediction_check(&bed->prediction, false, &error));
    assert_non_null(strstr(error.text, "the network itself answers it"));
    vmn_error_uninit(&error);
    error = (struct vmn_error) VMN_ERROR_INIT;
    assert_true(live_prediction_check(&bed->prediction, true, &error));

    bed->prediction.n_left_out = 1;
    assert_false(live_prediction_check(&bed->prediction, true, &error));
    assert_int_equal(error.code, VMN_ERR_TOO_LARGE);
    assert_string_equal(error.pointer, "/to");
    assert_non_null(strstr(error.text, "more outcomes"));
    vmn_error_uninit(&error);
    error = (struct vmn_error) VMN_ERROR_INIT;

    bed->prediction.n_ways = 0;
    assert_false(live_prediction_check(&bed->prediction, true, &error));
    assert_non_null(strstr(error.text, "nothing would be sent"));
    vmn_error_uninit(&error);
    bed_destroy(bed);
}

static void
user_data_is_read_as_it_was_put(void **state)
{
    struct ofpbuf ofpacts;
    const struct ofpact_controller *controller;
    uint8_t bytes[64];
    enum trace_copy_kind kind;
    uint32_t trace;
    uint8_t table;
    size_t size;

    (void) state;
    ofpbuf_init(&ofpacts, 64);
    trace_copy_put(&ofpacts, 0x12345678, TRACE_COPY_LAST, 198);
    controller = ofpact_get_CONTROLLER(ofpacts.data);
    size = controller->userdata_len;
    memcpy(bytes, controller->userdata, size);
    ofpbuf_uninit(&ofpacts);
    assert_true(trace_copy_parse(bytes, size, &trace, &kind, &table));
    assert_int_equal(trace, 0x12345678);
    assert_int_equal(kind, TRACE_COPY_LAST);
    assert_int_equal(table, 198);
    assert_false(trace_copy_parse(bytes, size - 1, &trace, &kind, &table));
    assert_false(trace_copy_parse(bytes, 0, &trace, &kind, &table));
    bytes[12] = TRACE_COPY_PUNT + 1;
    assert_false(trace_copy_parse(bytes, size, &trace, &kind, &table));
    bytes[12] = TRACE_COPY_STAGE;
    bytes[0] ^= 1;
    assert_false(trace_copy_parse(bytes, size, &trace, &kind, &table));
}

/* Others' flows are none of a trace's, whatever their cookies. */
static void
flows_of_traces_are_known(void **state)
{
    const uint64_t cookie = TRACE_COOKIE | 5;
    struct match match;

    (void) state;
    match_init_catchall(&match);
    assert_false(trace_copy_is_flow(cookie, TRACE_PRIORITY, 9, &match));
    match_set_tun_gbp_id(&match, htons(0x8005));
    assert_true(trace_copy_is_flow(cookie, TRACE_PRIORITY, 9, &match));
    match_set_metadata_masked(&match, htonll(TRACE_MARK | 5 << 8),
                              htonll(TRACE_MARK_MASK));
    assert_true(trace_copy_is_flow(cookie, TRACE_PRIORITY, 9, &match));
    assert_false(trace_copy_is_flow(cookie, TRACE_PRIORITY, 0, &match));
    assert_false(trace_copy_is_flow(cookie, 100, 9, &match));
    assert_false(trace_copy_is_flow(5, TRACE_PRIORITY, 9, &match));
    assert_false(trace_copy_is_flow(cookie + 1, TRACE_PRIORITY, 9, &match));
    match_set_metadata_masked(&match, 0, htonll(TRACE_MARK_MASK));
    assert_true(trace_copy_is_flow(cookie, TRACE_PRIORITY, 9, &match));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_that_does_as_predicted_agrees),
        cmocka_unit_test(hosts_are_compared_one_by_one),
        cmocka_unit_test(first_difference_is_told),
        cmocka_unit_test(drop_agrees_by_host_reason_and_owner),
        cmocka_unit_test(one_outcome_is_enough),
        cmocka_unit_test(what_cannot_be_followed_is_refused),
        cmocka_unit_test(user_data_is_read_as_it_was_put),
        cmocka_unit_test(flows_of_traces_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
