/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON API of a member that stands by does with requests that it
 * could answer, and the writer, too: the cluster is made here.  What is asked
 * of whom among real members is in tests/system/test_cluster_views.py. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/northbound/northbound.h"
#include "controller/northbound/northbound-private.h"
#include "controller/schema/arena.h"
#include "controller/simulator/trace.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* The cluster, and the simulator.  ---------------------------------------- */

static struct {
    bool is_current, hears, can_ask;
    bool gives_back;            /* The writer does not answer. */
    unsigned n_passed;
    struct commit *commit;
    unsigned n_traces;          /* That have begun. */
    bool ends;                  /* They are to end. */
} fake;

bool __wrap_cluster_is_current(const struct cluster *);
bool __wrap_cluster_hears_writer(const struct cluster *);
bool __wrap_cluster_can_ask_writer(const struct cluster *);
uint64_t __wrap_cluster_shown(const struct cluster *);
bool __wrap_cluster_writer_sees(const struct cluster *, const char *host);
bool __wrap_cluster_writer_rejects(const struct cluster *, const char *host);
bool __wrap_cluster_each_rejected(const struct cluster *,
                                  cluster_rejected_cb *, void *aux);
void __wrap_cluster_pass_on(struct cluster *, struct http_request *,
                            const struct http_peer *);
struct trace *__wrap_trace_make(struct engine *, const struct model *,
                                const struct pipeline *,
                                const struct trace_request *, struct arena *,
                                struct vmn_error *);

bool
__wrap_cluster_is_current(const struct cluster *c OVS_UNUSED)
{
    return fake.is_current;
}

bool
__wrap_cluster_hears_writer(const struct cluster *c OVS_UNUSED)
{
    return fake.hears;
}

bool
__wrap_cluster_can_ask_writer(const struct cluster *c OVS_UNUSED)
{
    return fake.can_ask;
}

uint64_t
__wrap_cluster_shown(const struct cluster *c OVS_UNUSED)
{
    return fake.is_current ? 0 : UINT32_MAX;
}

bool
__wrap_cluster_writer_sees(const struct cluster *c OVS_UNUSED,
                           const char *host OVS_UNUSED)
{
    return true;
}

bool
__wrap_cluster_writer_rejects(const struct cluster *c OVS_UNUSED,
                              const char *host OVS_UNUSED)
{
    return false;
}

bool
__wrap_cluster_each_rejected(const struct cluster *c OVS_UNUSED,
                             cluster_rejected_cb *cb OVS_UNUSED,
                             void *aux OVS_UNUSED)
{
    return true;
}

void
__wrap_cluster_pass_on(struct cluster *c OVS_UNUSED, struct http_request *req,
                       const struct http_peer *peer OVS_UNUSED)
{
    fake.n_passed++;
    if (fake.gives_back && http_request_may_give_back(req)) {
        http_request_give_back(req);
    } else {
        http_reply_problem(req, 503, "standby", NULL, "passed on");
    }
}

/* Of a packet that an app answers.  It takes until 'fake.ends'. */
struct trace *
__wrap_trace_make(struct engine *engine OVS_UNUSED,
                  const struct model *model OVS_UNUSED,
                  const struct pipeline *pipeline OVS_UNUSED,
                  const struct trace_request *request OVS_UNUSED,
                  struct arena *arena, struct vmn_error *error OVS_UNUSED)
{
    struct trace *trace = arena_alloc(arena, sizeof *trace);
    struct trace_outcome *outcome = arena_alloc(arena, sizeof *outcome);

    fake.n_traces++;
    while (!fake.ends) {
        commit_yield(fake.commit);
    }
    *outcome = (struct trace_outcome) {
        .share = 1, .verdict = "answered", .packet = "p",
        .asked_at_sender = true,
    };
    *trace = (struct trace) {
        .verdict = "answered", .from = { .port = "web-1", .host = "hv1" },
        .n_outcomes = 1, .outcomes = outcome, .complete = true,
    };
    return trace;
}

/* A member that stands by, is current, and may ask the writer. */
static int
member_setup(void **state)
{
    struct fixture *f;

    if (setup_member(state)) {
        return -1;
    }
    f = *state;
    memset(&fake, 0, sizeof fake);
    fake.is_current = fake.hears = fake.can_ask = true;
    fake.commit = f->commit;
    f->nb->following = false;
    make_shop(f);
    make_host(f);
    f->nb->following = true;
    return 0;
}

/* Traces.  ---------------------------------------------------------------- */

static void
begin_trace(struct fixture *f)
{
    unsigned n = fake.n_traces;

    commit_set_max_yields(f->commit, 1);
    send_only(f, "POST", "/v1/trace", "{\"from\": \"web-1\", \"to\": "
              "\"db-1\", \"protocol\": \"icmp\"}");
    while (fake.n_traces == n) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

/* The writer is not asked for somebody who has left. */
static void
client_leaves_during_a_trace(void **state)
{
    struct fixture *f = *state;
    struct http_stats stats;

    begin_trace(f);
    client_close(&f->client);
    do {
        event_base_loop(f->base, EVLOOP_ONCE);
        http_server_get_stats(f->nb->http, &stats);
    } while (!stats.n_gone);
    fake.ends = true;
    while (!commit_is_quiescent(f->commit)) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_int_equal(fake.n_traces, 1);
    assert_int_equal(fake.n_passed, 0);
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 200, "GET", "/v1/networks", NULL);
}

static void
writer_is_asked_what_a_meter_drops(void **state)
{
    struct fixture *f = *state;

    fake.ends = true;
    begin_trace(f);
    assert_int_equal(take_reply(f), 503);
    assert_int_equal(fake.n_passed, 1);
    /* It does not answer. */
    fake.gives_back = true;
    fake.ends = false;
    begin_trace(f);
    fake.ends = true;
    assert_int_equal(take_reply(f), 200);
    assert_has(&f->client.body, "it is not known whether port \\\"web-1\\\"");
    assert_int_equal(fake.n_passed, 2);
}

/* It is the one that knows, then. */
static void
member_becomes_the_writer_during_a_trace(void **state)
{
    const struct northbound_options options = { 0 };
    struct fixture *f = *state;

    fake.can_ask = false;
    begin_trace(f);
    northbound_lead(f->nb, &options);
    fake.ends = true;
    assert_int_equal(take_reply(f), 200);
    assert_int_equal(fake.n_traces, 2);
    assert_null(strstr(ds_cstr(&f->client.body), "it is not known"));
}

/* The status of the process.  --------------------------------------------- */

static void
assert_health(struct fixture *f, const char *detail)
{
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_true(json_is_true(at(f, "standby")));
    if (detail) {
        assert_has(&f->client.body, "\"reason\":\"writer\"");
        assert_has(&f->client.body, detail);
    } else {
        assert_null(strstr(ds_cstr(&f->client.body),
                           "\"reason\":\"writer\""));
    }
}

/* An operator at the machine is told how the member is, whether it has lost
 * the others or not; all else waits for the writer. */
static void
status_is_told_from_an_old_copy(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 503, "GET", "/v1/status", NULL);
    assert_int_equal(fake.n_passed, 1);
    fake.gives_back = true;
    assert_health(f, NULL);
    assert_int_equal(fake.n_passed, 2);
    fake.is_current = false;
    assert_health(f, "is behind the writer");
    assert_int_equal(fake.n_passed, 3);
    fake.hears = fake.can_ask = false;
    assert_health(f, "hears no writer");
    assert_int_equal(fake.n_passed, 3);
    assert_call(f, 503, "GET", "/v1/networks", NULL);
    assert_int_equal(fake.n_passed, 4);
    fake.is_current = true;
    assert_health(f, "has no writer that this member hears");
    assert_call(f, 200, "GET", "/v1/networks", NULL);
    assert_int_equal(fake.n_passed, 4);
}

/* Whether an app serves a type is said of the writer's process. */
static void
types_are_the_writers(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 503, "GET", "/v1/types", NULL);
    assert_int_equal(fake.n_passed, 1);
    fake.can_ask = false;
    assert_call(f, 200, "GET", "/v1/types", NULL);
    assert_int_equal(fake.n_passed, 1);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, member_setup, \
                                                   teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(client_leaves_during_a_trace),
        TEST(writer_is_asked_what_a_meter_drops),
        TEST(member_becomes_the_writer_during_a_trace),
        TEST(status_is_told_from_an_old_copy),
        TEST(types_are_the_writers),
    };

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    fatal_ignore_sigpipe();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
