/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of call logs: what is recorded and replayed makes what the calls
 * themselves make, and a log may be any bytes. */

#include <config.h>

#include "tests/unit/toy-fixture.h"

#include <string.h>
#include <time.h>

#include "controller/apphost/app-class.h"
#include "controller/engine/app-view.h"
#include "controller/engine/packet-handler.h"
#include "controller/flow/emit.h"
#include "controller/worker/call-log.h"
#include "controller/worker/replay-calls.h"
#include "hash.h"
#include "openvswitch/ofp-actions.h"
#include "tests/unit/random-calls.h"
#include "tests/unit/recorded-calls.h"
#include "util.h"

#define N_SEQUENCES 20000

/* The app: its handler sends what the test wants.  ------------------------ */

static struct replay_texts texts;
static struct {
    const void *log;            /* NULL: sends itself. */
    size_t size;
    uint32_t seed;
    unsigned kinds[RANDOM_N_SENDS];
    char *problem;              /* Of replay_packets(). */
} handling;

static void
handle(struct vmn_view *view, const struct vmn_packet_in *in,
       struct vmn_packets_out *out)
{
    if (handling.log) {
        handling.problem = replay_packets(handling.log, handling.size, out,
                                          &texts);
    } else {
        random_sends(out, handling.seed, handling.kinds);
    }
}

static const struct vmn_app_class app_class = {
    VMN_APP_HEAD, .name = "overlay", /* It writes any register. */
    .stages = (const struct vmn_stage_class[]) {
        { .name = "first", .hook = VMN_HOOK_ADMIT, .n_tables = 2,
          .miss = VMN_MISS_DROP, .scratch = STAGE_SCRATCH_ALL },
        { .name = "second", .hook = VMN_HOOK_ROUTE, .n_tables = 2,
          .miss = VMN_MISS_DROP, .scratch = STAGE_SCRATCH_ALL },
        { .name = NULL },
    },
    .handlers = (const struct vmn_handler_class[]) {
        { .name = "handler", .handle = handle }, { .name = NULL },
    },
};

static int
setup(void **state)
{
    toy_setup(&app_class);
    replay_texts_init(&texts);
    return 0;
}

static int
teardown(void **state)
{
    recorded_free();
    replay_texts_uninit(&texts);
    return toy_teardown(state);
}

/* An emitter.  ------------------------------------------------------------ */

struct unit {
    struct vmn_view view;
    struct vmn_emit emit;
    struct emit_pool pool;
};

/* The same one for a key each time. */
static uint32_t
number(struct vmn_view *view, const char *kind, const char *key)
{
    return hash_string(key, hash_string(kind, 0)) % 1000 + 1;
}

static bool
has_failed(const struct vmn_view *view)
{
    return view->problem != NULL;
}

static int
table_of_hook(const struct vmn_view *view OVS_UNUSED, enum vmn_hook hook)
{
    return pipeline_table_of_hook(apphost_pipeline(toy.apphost), hook);
}

static bool
charge(struct vmn_view *view OVS_UNUSED, size_t n OVS_UNUSED)
{
    return true;
}

static const struct emit_services services = {
    .charge = charge,
    .alloc = vmn_alloc, .number = number, .fail = view_fail,
    .failed = has_failed, .table_of_hook = table_of_hook,
};

static void
unit_init(struct unit *unit)
{
    view_init(&unit->view, toy.engine, NULL,
              &apphost_pipeline(toy.apphost)->apps[0]);
    emit_pool_init(&unit->pool);
    emit_init(&unit->emit, &services, &unit->view,
              &apphost_pipeline(toy.apphost)->apps[0], &unit->pool);
}

static void
unit_uninit(struct unit *unit)
{
    emit_uninit(&unit->emit);
    emit_pool_uninit(&unit->pool);
    view_uninit(&unit->view);
}

/* Returns why a log fails the unit, or NULL.  What it emits must be fit to be
 * checked. */
static char *
replay(const void *log, size_t size)
{
    struct unit unit;
    struct vmn_flow *flow;
    struct vmn_group_msg *group;
    /* So that no byte behind it can be read. */
    void *copy = xmemdup(log, MAX(size, 1));
    char *problem;

    unit_init(&unit);
    replay_emit(copy, size, &unit.emit, &texts, NULL, NULL);
    free(copy);
    problem = nullable_xstrdup(unit.view.problem);
    LIST_FOR_EACH (flow, node, &unit.emit.flows) {
        emit_check_flow(flow);
    }
    LIST_FOR_EACH (group, node, &unit.emit.groups) {
        emit_check_group(group);
    }
    unit_uninit(&unit);
    return problem;
}

static void
expect_problem(const void *log, size_t size, const char *part)
{
    char *problem = replay(log, size);

    if (!problem || !strstr(problem, part)) {
        fail_msg("\"%s\" in place of \"%s\"", problem ? problem : "(none)",
                 part);
    }
    free(problem);
}

/* Equivalence.  ----------------------------------------------------------- */

static void
expect_same_text(const char *a, const char *b)
{
    if (!a || !b) {
        assert_true(!a && !b);
    } else {
        assert_string_equal(a, b);
    }
}

static void
expect_same_scope(const struct vmn_scope *a, const struct vmn_scope *b)
{
    assert_int_equal(a->kind, b->kind);
    expect_same_text(a->relation, b->relation);
    expect_same_text(a->key, b->key);
}

/* As switches get them: between and behind actions there may be any bytes. */
static void
expect_same_message(const struct ofpbuf *a, const struct ofpbuf *b)
{
    struct ofpbuf x, y;

    ofpbuf_init(&x, 0);
    ofpbuf_init(&y, 0);
    ofpacts_put_openflow_instructions(a->data, a->size, &x, OFP15_VERSION);
    ofpacts_put_openflow_instructions(b->data, b->size, &y, OFP15_VERSION);
    assert_int_equal(x.size, y.size);
    if (x.size) {
        assert_memory_equal(x.data, y.data, x.size);
    }
    ofpbuf_uninit(&x);
    ofpbuf_uninit(&y);
}

static void
expect_same_actions(const struct vmn_actions *a, const struct vmn_actions *b)
{
    assert_int_equal(a->ofpacts.size, b->ofpacts.size);
    expect_same_message(&a->ofpacts, &b->ofpacts);
    assert_ptr_equal(a->stage, b->stage);
    assert_int_equal(a->table, b->table);
    assert_int_equal(a->in_bucket, b->in_bucket);
    assert_int_equal(a->ended, b->ended);
    assert_int_equal(a->has_conjunction, b->has_conjunction);
    assert_int_equal(a->has_other, b->has_other);
    expect_same_text(a->drop_reason, b->drop_reason);
    assert_int_equal(a->background, b->background);
    assert_memory_equal(&a->limit, &b->limit, sizeof a->limit);
}

static void
expect_same_flow(const struct vmn_flow *a, const struct vmn_flow *b)
{
    expect_same_scope(&a->scope, &b->scope);
    assert_int_equal(a->table, b->table);
    assert_int_equal(a->priority, b->priority);
    assert_true(match_equal(&a->match, &b->match));
    assert_int_equal(a->matched, b->matched);
    assert_int_equal(a->counted, b->counted);
    assert_int_equal(a->log, b->log);
    assert_int_equal(a->part, b->part);
    expect_same_actions(&a->actions, &b->actions);
}

static void
expect_same_group(const struct vmn_group_msg *a, const struct vmn_group_msg *b)
{
    const struct emit_bucket *x, *y;

    expect_same_scope(&a->scope, &b->scope);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->hash_family, b->hash_family);
    assert_int_equal(a->n_buckets, b->n_buckets);
    y = CONTAINER_OF(b->buckets.next, struct emit_bucket, node);
    LIST_FOR_EACH (x, node, &a->buckets) {
        assert_int_equal(x->id, y->id);
        assert_int_equal(x->weight, y->weight);
        assert_int_equal(x->part, y->part);
        expect_same_actions(&x->actions, &y->actions);
        y = CONTAINER_OF(y->node.next, struct emit_bucket, node);
    }
}

static void
expect_same_emit(const struct vmn_emit *a, const struct vmn_emit *b)
{
    const struct vmn_flow *x, *y;
    const struct vmn_group_msg *g, *h;

    assert_int_equal(a->n_flows, b->n_flows);
    assert_int_equal(ovs_list_size(&a->flows), ovs_list_size(&b->flows));
    y = CONTAINER_OF(b->flows.next, struct vmn_flow, node);
    LIST_FOR_EACH (x, node, &a->flows) {
        expect_same_flow(x, y);
        y = CONTAINER_OF(y->node.next, struct vmn_flow, node);
    }
    assert_int_equal(ovs_list_size(&a->groups), ovs_list_size(&b->groups));
    h = CONTAINER_OF(b->groups.next, struct vmn_group_msg, node);
    LIST_FOR_EACH (g, node, &a->groups) {
        expect_same_group(g, h);
        h = CONTAINER_OF(h->node.next, struct vmn_group_msg, node);
    }
    assert_int_equal(a->n_values, b->n_values);
    for (size_t i = 0; i < a->n_values; i++) {
        assert_int_equal(a->values[i].relation, b->values[i].relation);
        assert_string_equal(a->values[i].key, b->values[i].key);
        assert_string_equal(a->values[i].value, b->values[i].value);
    }
}

static void
a_replay_makes_what_the_calls_make(void **state)
{
    unsigned kinds[RANDOM_N_ACTIONS] = { 0 };
    unsigned n_good = 0;

    for (uint32_t seed = 1; seed <= N_SEQUENCES; seed++) {
        struct unit direct, replayed;
        size_t size;
        const void *log = recorded_random_calls(seed, &size);

        unit_init(&direct);
        unit_init(&replayed);
        random_calls(&direct.emit, seed, kinds);
        replay_emit(log, size, &replayed.emit, &texts, NULL, NULL);
        expect_same_text(direct.view.problem, replayed.view.problem);
        if (!direct.view.problem) {
            expect_same_emit(&direct.emit, &replayed.emit);
            n_good++;
        }
        unit_uninit(&direct);
        unit_uninit(&replayed);
    }
    for (size_t i = 0; i < RANDOM_N_ACTIONS; i++) {
        assert_true(kinds[i] > 0);
    }
    assert_in_range(n_good, N_SEQUENCES / 5, N_SEQUENCES - 1000);
}

static void
expect_same_reply(const struct engine_http_reply *a,
                  const struct engine_http_reply *b)
{
    assert_int_equal(a->reply.status, b->reply.status);
    if (a->reply.status) {
        assert_int_equal(a->reply.ttl, b->reply.ttl);
        expect_same_text(a->reply.type, b->reply.type);
        expect_same_text(a->reply.field_name, b->reply.field_name);
        assert_int_equal(a->reply.body_size, b->reply.body_size);
        assert_memory_equal(a->reply.body, b->reply.body,
                            a->reply.body_size);
    }
}

static char *
send_packets(const void *log, size_t size, uint32_t seed,
             struct vmn_packets_out *out)
{
    static const struct vmn_packet_in in = { .host = "h1", .in_port = 1 };
    char *problem;

    handling.log = log;
    handling.size = size;
    handling.seed = seed;
    problem = engine_handle_packet(toy.engine,
                                   engine_get_handler(toy.engine, 0), &in,
                                   out);
    if (handling.problem) {
        free(problem);
        problem = handling.problem;
        handling.problem = NULL;
    }
    return problem;
}

static void
packets_are_sent_as_by_the_calls(void **state)
{
    struct vmn_packets_out direct, replayed;
    unsigned n_good = 0;

    engine_packets_out_init(&direct);
    engine_packets_out_init(&replayed);
    for (uint32_t seed = 1; seed <= N_SEQUENCES; seed++) {
        size_t size;
        const void *log = recorded_random_sends(seed, &size);
        char *a = send_packets(NULL, 0, seed, &direct);
        char *b = send_packets(log ? log : "", size, 0, &replayed);

        expect_same_text(a, b);
        if (!a) {
            n_good++;
            assert_int_equal(direct.n, replayed.n);
            assert_memory_equal(direct.bytes.data, replayed.bytes.data,
                                direct.bytes.size);
            expect_same_text(direct.reason, replayed.reason);
            assert_int_equal(direct.incomplete_network,
                             replayed.incomplete_network);
            expect_same_reply(&direct.http, &replayed.http);
        }
        for (size_t i = 0; !a && i < direct.n; i++) {
            const struct engine_send *x = &direct.sends[i];
            const struct engine_send *y = &replayed.sends[i];

            assert_int_equal(x->to, y->to);
            assert_int_equal(x->ofs, y->ofs);
            assert_int_equal(x->size, y->size);
            if (x->to == ENGINE_SEND_PORT) {
                assert_string_equal(x->port, y->port);
            } else if (x->to != ENGINE_SEND_BACK) {
                assert_int_equal(x->table, y->table);
            }
            if (x->to == ENGINE_SEND_AS_IF) {
                assert_int_equal(x->in_port, y->in_port);
                assert_memory_equal(x->regs, y->regs, sizeof x->regs);
            }
        }
        free(a);
        free(b);
    }
    for (size_t i = 0; i < RANDOM_N_SENDS; i++) {
        assert_true(handling.kinds[i] > 0);
    }
    assert_in_range(n_good, N_SEQUENCES / 5, N_SEQUENCES);
    engine_packets_out_uninit(&direct);
    engine_packets_out_uninit(&replayed);
}

/* Logs that are wrong.  --------------------------------------------------- */

/* A log with a flow that has an action, a group with a bucket, and a fact. */
static void
small_log(struct call_log *log)
{
    call_log_init(log);
    call_put_u8(log, CALL_FLOW_ADD);
    call_put_u32(log, VMN_SCOPE_HOST);
    call_put_text(log, NULL);
    call_put_text(log, "h1");
    call_put_u32(log, 0);
    call_put_u32(log, 0);
    call_put_u16(log, 10);
    call_put_u8(log, CALL_ACT_DROP);
    call_put_u32(log, 0);
    call_put_text(log, "small");
    call_put_u8(log, CALL_GROUP_ADD);
    call_put_u32(log, VMN_SCOPE_ALL);
    call_put_text(log, NULL);
    call_put_text(log, NULL);
    call_put_u32(log, VMN_GROUP_ALL);
    call_put_text(log, "group");
    call_put_u8(log, CALL_BUCKET_ADD);
    call_put_u32(log, 0);
    call_put_u32(log, 1);
    call_put_u16(log, 1);
    call_put_u8(log, CALL_ACT_OUTPUT);
    call_put_u32(log, CALL_BUCKET);
    call_put_u32(log, 3);
    call_put_u8(log, CALL_PUBLISH);
    call_put_text(log, "overlay.rel");
    call_put_text(log, "k");
    call_put_text(log, "v");
}

static void
every_truncated_log_is_a_mistake_or_shorter(void **state)
{
    struct call_log log;
    size_t n_good = 0;

    small_log(&log);
    for (size_t size = 0; size <= log.size; size++) {
        char *problem = replay(log.data, size);

        n_good += !problem;
        if (problem) {
            assert_non_null(strstr(problem, "malformed"));
        }
        free(problem);
    }
    assert_int_equal(n_good, 7); /* After each call, and none at all. */
    call_log_uninit(&log);
}

static void
no_byte_of_a_log_crashes(void **state)
{
    struct call_log log;

    small_log(&log);
    for (size_t i = 0; i < log.size; i++) {
        uint8_t before = log.data[i];

        for (int value = 0; value < 256; value++) {
            log.data[i] = value;
            free(replay(log.data, log.size));
        }
        log.data[i] = before;
    }
    call_log_uninit(&log);
    for (uint32_t seed = 1; seed < 400; seed++) {
        size_t size;
        const void *random = recorded_random_calls(seed, &size);
        uint8_t *bytes = xmemdup(random ? random : "", MAX(size, 1));

        for (int i = 0; size && i < 20; i++) {
            bytes[random_range(size)] = random_uint8();
            free(replay(bytes, size));
        }
        free(bytes);
    }
}

static void
what_was_not_added_is_a_mistake(void **state)
{
    static const struct {
        enum call call;
        uint32_t number;
        const char *text;
    } cases[] = {
        { CALL_FLOW_COUNT, 0, "vmn_flow_count() of flow 0" },
        { CALL_FLOW_COUNT, UINT32_MAX, "of flow 4294967295" },
        { CALL_ACT_NEXT, 7, "vmn_act_next() of flow 7" },
        { CALL_ACT_NEXT, CALL_BUCKET | 2, "of bucket 2" },
        { CALL_GROUP_HASH_CLIENT, 1, "of group 1" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct call_log log;

        call_log_init(&log);
        call_put_u8(&log, cases[i].call);
        call_put_u32(&log, cases[i].number);
        call_put_u32(&log, 4);
        expect_problem(log.data, log.size, cases[i].text);
        call_log_uninit(&log);
    }
    expect_problem("\0", 1, "call 0");
    expect_problem("\xff", 1, "call 255");
    expect_problem("\x37", 1, "call 55"); /* Of a handler. */
}

#define BAD_TEXT "vmn_publish(): a text is of at most 1023 bytes of UTF-8"

static void
texts_have_their_limits(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *problem;
    } cases[] = {
        { "k\0y", 3, BAD_TEXT }, { "k\ny", 3, BAD_TEXT },
        { "\xc3", 1, BAD_TEXT }, { "\x7f", 1, BAD_TEXT },
        { "key", CALL_TEXT_MAX + 1, BAD_TEXT },
        { "key", UINT32_MAX - 1, BAD_TEXT },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct call_log log;

        call_log_init(&log);
        call_put_u8(&log, CALL_PUBLISH);
        call_put_text(&log, "overlay.rel");
        call_put_u32(&log, cases[i].length);
        call_put(&log, cases[i].text, MIN(cases[i].length, 3));
        call_put_u8(&log, 0);
        call_put_text(&log, "value");
        for (int n = 0; n < 300; n++) {
            call_put_text(&log, "more");
        }
        expect_problem(log.data, log.size, cases[i].problem);
        call_log_uninit(&log);
    }
}

static void
an_app_has_only_so_many_reasons(void **state)
{
    char longest[REPLAY_TEXT_LEN + 2];
    struct replay_texts few;
    struct unit unit;
    struct call_log log;

    memset(longest, 'x', sizeof longest);
    longest[REPLAY_TEXT_LEN + 1] = '\0';
    small_log(&log);
    call_put_u8(&log, CALL_ACT_DROP);
    call_put_u32(&log, 0);
    call_put_text(&log, longest);
    expect_problem(log.data, log.size, "1 to 63 ASCII");
    call_log_uninit(&log);

    replay_texts_init(&few);
    call_log_init(&log);
    unit_init(&unit);
    for (int i = 0; i <= REPLAY_TEXTS_MAX; i++) {
        char text[32];

        call_log_clear(&log);
        call_put_u8(&log, CALL_FLOW_ADD);
        call_put_u32(&log, VMN_SCOPE_ALL);
        call_put_text(&log, NULL);
        call_put_text(&log, NULL);
        call_put_u32(&log, 0);
        call_put_u32(&log, 0);
        call_put_u16(&log, 1);
        call_put_u8(&log, CALL_ACT_DROP);
        call_put_u32(&log, 0);
        snprintf(text, sizeof text, "reason %d", i);
        call_put_text(&log, text);
        assert_null(unit.view.problem);
        replay_emit(log.data, log.size, &unit.emit, &few, NULL, NULL);
    }
    assert_non_null(unit.view.problem);
    assert_non_null(strstr(unit.view.problem, "more than 256"));
    unit_uninit(&unit);
    call_log_uninit(&log);
    replay_texts_uninit(&few);
}

static void
a_unit_has_its_limits(void **state)
{
    struct call_log log;
    size_t size;
    const void *bytes;

    call_log_init(&log);
    for (int i = 0; i <= REPLAY_GROUPS_MAX; i++) {
        call_put_u8(&log, CALL_GROUP_ADD);
        call_put_u32(&log, VMN_SCOPE_ALL);
        call_put_text(&log, NULL);
        call_put_text(&log, NULL);
        call_put_u32(&log, VMN_GROUP_ALL);
        call_put_text(&log, "group");
    }
    expect_problem(log.data, log.size, "more than 20000 groups");
    call_log_uninit(&log);

    small_log(&log);
    for (int i = 0; i < 10000; i++) {
        call_put_u8(&log, CALL_ACT_OUTPUT);
        call_put_u32(&log, CALL_BUCKET);
        call_put_u32(&log, 1);
    }
    expect_problem(log.data, log.size, "too many actions");
    call_log_uninit(&log);

    bytes = recorded_usual_flows(EMIT_FLOWS_MAX + 1, &size);
    expect_problem(bytes, size, "more than 200000 flows");
    bytes = recorded_endless(&size);
    expect_problem(bytes, size, "more than 64 MiB");
}

/* An app of ours emits them directly, and goes on when the unit has failed. */
static void
flows_beyond_the_limit_take_no_memory(void **state OVS_UNUSED)
{
    struct unit unit;

    unit_init(&unit);
    for (int i = 0; i < EMIT_FLOWS_MAX + 100; i++) {
        vmn_flow_add(&unit.emit, vmn_scope_all(), 0, 0, 10);
    }
    assert_string_equal(unit.view.problem, "more than 200000 flows");
    assert_int_equal(ovs_list_size(&unit.emit.flows), EMIT_FLOWS_MAX);
    unit_uninit(&unit);
}

static void
careless_apps_fail_by_themselves(void **state)
{
    size_t size;
    const void *log = recorded_null(&size);

    expect_problem(log, size, "match_ip() was given NULL");
    log = recorded_failure(3, &size);
    expect_problem(log, size, "\\n\\xffx");
    log = recorded_failure(5000, &size);
    expect_problem(log, size, "\\n\\xffxxxxxxxx");
}

/* How long a flow with 4 matches and 2 actions takes, which is 7 calls.  With
 * VMN_CALLS_ROUNDS in the environment it is measured well. */
static double
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static void
replaying_costs_little(void **state)
{
    const int n = 1000, n_rounds = getenv("VMN_CALLS_ROUNDS") ? 300 : 1;
    double direct = 0, record = 0, again = 0;
    struct emit_pool pool;
    struct unit unit;

    emit_pool_init(&pool);
    for (int i = 0; i < n_rounds; i++) {
        double start = now_ns();
        size_t size;
        const void *log = recorded_usual_flows(n, &size);

        record += now_ns() - start;
        unit_init(&unit);
        unit.emit.pool = &pool;
        start = now_ns();
        usual_flows(&unit.emit, n);
        direct += now_ns() - start;
        unit_uninit(&unit);
        unit_init(&unit);
        unit.emit.pool = &pool;
        start = now_ns();
        replay_emit(log, size, &unit.emit, &texts, NULL, NULL);
        again += now_ns() - start;
        assert_null(unit.view.problem);
        assert_int_equal(unit.emit.n_flows, n);
        unit_uninit(&unit);
    }
    emit_pool_uninit(&pool);
    print_message("a flow: direct %.0f ns, recorded %.0f ns, replayed "
                  "%.0f ns\n", direct / n / n_rounds, record / n / n_rounds,
                  again / n / n_rounds);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
        T(a_replay_makes_what_the_calls_make),
        T(packets_are_sent_as_by_the_calls),
        T(every_truncated_log_is_a_mistake_or_shorter),
        T(no_byte_of_a_log_crashes),
        T(what_was_not_added_is_a_mistake),
        T(texts_have_their_limits),
        T(an_app_has_only_so_many_reasons),
        T(a_unit_has_its_limits),
        T(flows_beyond_the_limit_take_no_memory),
        T(careless_apps_fail_by_themselves),
        T(replaying_costs_little),
#undef T
    };

    return toy_run_all(argv, tests, ARRAY_SIZE(tests));
}
