/* SPDX-License-Identifier: Apache-2.0
 *
 * Events for accounts with a scope: whose they are, whatever clocks say, and
 * ids that tell nothing. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/event-log.h"
#include "controller/northbound/event-scope.h"
#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/events-fixture.h"
#include "timeval.h"
#include "util.h"

/* Whose.  ---------------------------------------------------------------- */

#define OWN "{\"spec\": {\"network\": \"shop\", \"labels\": {\"a\": \"b\"}}}"

static struct model_rights *
make_rights(void)
{
    struct vmn_account account = { .row = { .name = "ina" } };
    struct model_rights *rights;
    struct arena arena;

    arena_init(&arena);
    assert_int_equal(selector_parse("a=b", 3, &arena, &account.scope, NULL),
                     0);
    rights = model_rights_create(UINT64_MAX, &account);
    arena_uninit(&arena);
    return rights;
}

/* Returns the event at this position as whoever owns what is labelled a=b is
 * told of it, or NULL.  The caller frees it. */
static char *
tell(struct fixture *f, uint64_t at)
{
    static const struct event_filter all = { .kinds = UINT_MAX, .type = -1 };
    struct model_rights *rights = make_rights();
    const struct event_scope scope = { f->nb, rights, "ina" };
    char *text = event_scope_text(&scope, event_log_get(f->nb->event_log, at),
                                  &all);

    model_rights_destroy(rights);
    return text;
}

static bool
is_told(struct fixture *f, uint64_t at)
{
    char *text = tell(f, at);
    bool told = text != NULL;

    free(text);
    return told;
}

/* Appends an event that a member with this clock has, and returns its
 * position. */
static uint64_t
push_binding(struct fixture *f, const char *port, int64_t clock_ms)
{
    struct ds about = DS_EMPTY_INITIALIZER;

    event_about(&about, VMN_TABLE_NETWORK, "shop");
    event_about(&about, VMN_TABLE_PORT, port);
    event_push(f->nb, EVENT_BINDING, &nb_event_binding,
               &(const struct nb_event_binding) {
                   .port = port, .network = "shop", .state = "up",
                   .host = "hv1",
               }, &about, false);
    event_log_set_made(f->nb->event_log, clock_ms);
    return f->nb->event_log->next - 1;
}

static void
make_ports(struct fixture *f)
{
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    assert_call(f, 201, "PUT", "/v1/ports/own", OWN);
    assert_call(f, 201, "PUT", "/v1/ports/other",
                "{\"spec\": {\"network\": \"shop\"}}");
}

/* Rows have the time of who made them: another member's clock may be behind,
 * or ahead of it. */
static void
event_is_the_owners_whatever_the_clock_says(void **state)
{
    static const int64_t clocks_ms[] = { 0, INT64_MAX };
    struct fixture *f = *state;

    make_ports(f);
    for (size_t i = 0; i < ARRAY_SIZE(clocks_ms); i++) {
        assert_true(is_told(f, push_binding(f, "own", clocks_ms[i])));
        assert_false(is_told(f, push_binding(f, "other", clocks_ms[i])));
        assert_false(is_told(f, push_binding(f, "none", clocks_ms[i])));
    }
}

/* A name's next owner is told nothing of what was before. */
static void
former_object_of_a_name_is_another_one(void **state)
{
    struct fixture *f = *state;
    long long int made_ms;
    uint64_t at;

    make_ports(f);
    at = push_binding(f, "own", INT64_MAX);
    assert_true(is_told(f, at));
    for (made_ms = time_wall_msec(); time_wall_msec() <= made_ms; ) {
        /* The next one is another millisecond's. */
    }
    assert_call(f, 200, "DELETE", "/v1/ports/own", NULL);
    assert_false(is_told(f, at));
    assert_call(f, 201, "PUT", "/v1/ports/own", OWN);
    assert_false(is_told(f, at));
    assert_true(is_told(f, push_binding(f, "own", 0)));
}

/* An event of a host's ports names those of the account. */
static void
ports_are_those_that_were_there(void **state)
{
    struct fixture *f = *state;
    const char *names[] = { "other", "own" };
    struct ds about = DS_EMPTY_INITIALIZER;
    const struct nb_event_ports event = {
        .host = "hv1", .state = "unknown", .n_ports = 2, .n_listed = 2,
        .ports = names,
    };
    char *text;

    make_ports(f);
    event_about(&about, VMN_TABLE_HOST, "hv1");
    event_about(&about, VMN_TABLE_PORT, "other");
    event_about(&about, VMN_TABLE_PORT, "own");
    event_push(f->nb, EVENT_PORTS, &nb_event_ports, &event, &about, false);
    event_log_set_made(f->nb->event_log, 0);
    text = tell(f, f->nb->event_log->next - 1);
    assert_non_null(text);
    assert_non_null(strstr(text, "\"own\""));
    assert_null(strstr(text, "other"));
    free(text);
}

/* Ids.  ------------------------------------------------------------------ */

#define N 500

static struct event_log *
make_log(void)
{
    struct event_log *log = event_log_create(5);

    for (int i = 0; i < N; i++) {
        struct ds data = DS_EMPTY_INITIALIZER, about = data;

        ds_put_cstr(&data, "{}");
        event_log_push(log, EVENT_HOST, &data, &about, false, false);
    }
    return log;
}

static void
ids_are_found_again(void **state OVS_UNUSED)
{
    struct event_log *log = make_log();
    uint64_t next, id, last = 0;

    for (uint64_t at = log->oldest; at < log->next; at++) {
        id = event_log_get(log, at)->scope_id;
        assert_true(id > last && id < UINT64_C(1) << 53);
        assert_true(event_log_find_scope_id(log, id, &next));
        assert_true(next == at + 1);
        last = id;
        /* What a stream is shown that begins there. */
        assert_true(event_log_find_scope_id(log, event_log_scope_id(log, at),
                                            &next));
        assert_true(next == at);
        assert_false(event_log_find_scope_id(log, id ^ 1, &next));
    }
    id = event_log_scope_id(log, log->next);
    assert_true(id >= last);
    assert_true(event_log_find_scope_id(log, id, &next));
    assert_true(next == log->next);
    /* It is kept no more, or not yet. */
    assert_true(event_log_find_scope_id(log, log->discarded, &next));
    assert_false(event_log_find_scope_id(log, log->discarded - 256, &next));
    assert_false(event_log_find_scope_id(log, id + (UINT64_C(1) << 40),
                                         &next));
    event_log_destroy(log);
}

/* Of another process, whose clock is another one, they are mostly nobody's. */
static void
ids_are_of_one_process(void **state OVS_UNUSED)
{
    struct event_log *log = make_log(), *logs[32];
    uint64_t id = event_log_get(log, log->oldest + 7)->scope_id, next;
    int n_known = 0;

    for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
        logs[i] = make_log();
        logs[i]->discarded -= UINT64_C(1) << 40;
        n_known += event_log_find_scope_id(logs[i], id, &next);
    }
    assert_true(n_known < 6);
    for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
        event_log_destroy(logs[i]);
    }
    event_log_destroy(log);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(event_is_the_owners_whatever_the_clock_says),
        TEST(former_object_of_a_name_is_another_one),
        TEST(ports_are_those_that_were_there),
        cmocka_unit_test(ids_are_found_again),
        cmocka_unit_test(ids_are_of_one_process),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
