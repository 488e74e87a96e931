/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON API of a member that stands by does with requests that it
 * could answer, and the writer, too: the cluster is made here.  What is asked
 * of whom among real members is in tests/system/test_cluster_views.py.  Not
 * for events (test-northbound-member-events.c). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/northbound.h"
#include "controller/northbound/northbound-private.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "tests/unit/member-fixture.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

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
    fake.shown = UINT32_MAX;
    assert_health(f, "is behind the writer");
    assert_int_equal(fake.n_passed, 3);
    fake.hears = fake.can_ask = false;
    assert_health(f, "hears no writer");
    assert_int_equal(fake.n_passed, 3);
    fake.is_current = true;
    fake.shown = 0;
    assert_health(f, "has no writer that this member hears");
    assert_call(f, 200, "GET", "/v1/networks", NULL);
    assert_int_equal(fake.n_passed, 3);
}

static void
assert_age(struct fixture *f, const char *path, int status, bool old)
{
    assert_call(f, status, "GET", path, NULL);
    if (old) {
        assert_has(&f->client.head, HTTP_MAY_BE_OLD ": true\r\n");
        assert_has(&f->client.head, HTTP_REVISION ": ");
    } else {
        assert_null(strstr(ds_cstr(&f->client.head), HTTP_MAY_BE_OLD));
    }
}

/* Where most of the cluster is lost, an administrator at the machine reads
 * what there is, and is told that it may be old; a writer that does not beat,
 * but answers, is asked first. */
static void
old_copy_is_shown_at_its_machine(void **state)
{
    static const char *const reads[] = {
        "/v1/networks", "/v1/networks/shop", "/v1/ports", "/v1/ports/web-1",
        "/v1/hosts", "/v1/hosts/hv1", "/v1/policies", "/v1/revisions",
        "/v1/summary", "/v1/usage", "/v1/types", "/v1/identities",
    };
    struct fixture *f = *state;

    assert_age(f, "/v1/networks", 200, false);
    fake.is_current = fake.hears = fake.can_ask = false;
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
        assert_age(f, reads[i], 200, true);
    }
    assert_int_equal(fake.n_passed, 0);
    fake.may_pass = fake.gives_back = true;
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
        assert_age(f, reads[i], 200, true);
        assert_int_equal(fake.n_passed, i + 1);
    }
    fake.gives_back = false;
    assert_age(f, "/v1/networks", 503, false);
    /* A newer one than there is cannot be shown; nor is anything changed. */
    fake.may_pass = false;
    fake.n_passed = 0;
    assert_call(f, 503, "GET", "/v1/networks?at_least=1000000", NULL);
    fake.shown = 1000000;
    assert_call(f, 503, "GET", "/v1/networks", NULL);
    fake.shown = 0;
    /* The writer is asked before it is waited for; and what it showed is not
     * taken back where it does not answer later. */
    fake.may_pass = fake.gives_back = true;
    fake.shown = 1000000;
    fake.n_passed = 0;
    assert_call(f, 503, "GET", "/v1/networks", NULL);
    assert_int_equal(fake.n_passed, 2);
    fake.may_pass = fake.gives_back = false;
    fake.shown = 0;
    fake.n_passed = 2;
    assert_call(f, 503, "PUT", "/v1/networks/n", "{\"spec\": {}}");
    assert_call(f, 503, "POST", "/v1/hosts/hv1/audit", NULL);
    assert_call(f, 503, "GET", "/v1/events", NULL);
    assert_call(f, 503, "GET", "/v1/drops", NULL);
    assert_int_equal(fake.n_passed, 6);
}

/* The writer that is cut off from the database may not be one any more, and
 * does not wait for a change that fails before it says so. */
static void
writer_that_is_cut_off_says_so(void **state)
{
    struct fixture *f = *state;

    f->nb->following = false;
    f->nb->cluster = (struct cluster *) &fake;  /* Which its functions are. */
    assert_age(f, "/v1/networks", 200, false);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_null(strstr(ds_cstr(&f->client.body), "\"store\""));
    fake.is_cut_off = true;
    assert_age(f, "/v1/networks", 200, true);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    assert_has(&f->client.body, "\"reason\":\"store\"");
    assert_has(&f->client.body, "changes cannot be stored: the cluster's "
               "database cannot be reached");
    f->nb->cluster = NULL;
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

/* What only the member knows that manages the host.  ---------------------- */

/* Has port "web-1" be on "hv1". */
static void
bind_port(struct fixture *f)
{
    struct model_request request;
    bool done = false;

    model_request_init(&request, "host:hv1");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_BINDING, "web-1",
                      json_pack("{s:s}", "host", "hv1"));
    commit_submit(f->commit, &request, on_committed, &done);
    model_request_uninit(&request);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static void
manager_is_asked_for_its_part(void **state)
{
    struct status_lease lease = {
        .ip = { .family = 4, .addr = { 10, 0, 0, 1 } }, .given = 5000,
        .until = 9000,
    };
    struct fixture *f = *state;

    f->nb->cluster = (struct cluster *) &fake; /* All of it is here. */
    fake.can_ask = false;       /* It answers itself. */
    assert_call(f, 200, "GET", "/v1/hosts/hv1", NULL);
    assert_int_equal(fake.n_asked, 0);
    fake.manager = "b";
    fake.part = "{\"audit\": {\"time\": \"2026-01-01T00:00:00Z\"}, "
                "\"leases\": 3, \"packet_in_meters\": {}}";
    assert_call(f, 200, "GET", "/v1/hosts/hv1", NULL);
    assert_int_equal(fake.n_asked, 1);
    assert_has(&f->client.body, "\"manager\":\"b\"");
    assert_has(&f->client.body,
               "\"audit\":{\"time\":\"2026-01-01T00:00:00Z\"}");
    assert_null(strstr(ds_cstr(&f->client.body), "leases"));
    assert_null(strstr(ds_cstr(&f->client.body), "incomplete"));
    assert_call(f, 404, "GET", "/v1/hosts/hv9", NULL);
    assert_call(f, 200, "GET", "/v1/hosts", NULL);
    assert_call(f, 200, "GET", "/v1/ports/web-1", NULL); /* On no host. */
    assert_int_equal(fake.n_asked, 1);

    /* Of what both have given, what is newer. */
    fake_fabric.lease = &lease;
    bind_port(f);
    fake.part = "{\"leases\": [{\"ip\": \"10.0.0.1\", \"given\": \"1970-01-01"
                "T00:00:01.000Z\"}, {\"ip\": \"10.0.0.2\", \"given\": \"x\"}]}";
    assert_call(f, 200, "GET", "/v1/ports/web-1", NULL);
    assert_int_equal(fake.n_asked, 2);
    assert_has(&f->client.body, "\"given\":\"1970-01-01T00:00:05");
    assert_has(&f->client.body, "{\"ip\":\"10.0.0.2\",\"given\":\"x\"}");
    assert_null(strstr(ds_cstr(&f->client.body), "00:00:01"));
    lease.given = 500;
    assert_call(f, 200, "GET", "/v1/ports/web-1", NULL);
    assert_has(&f->client.body, "\"given\":\"1970-01-01T00:00:01");
}

static void
manager_that_does_not_answer_is_named(void **state)
{
    static const char *const bad[] = {
        NULL, "", "[]", "{\"audit\": []}", "{\"packet_in_meters\": 1}",
    };
    struct fixture *f = *state;
    struct http_stats stats;

    f->nb->cluster = (struct cluster *) &fake;
    fake.can_ask = false;
    fake.manager = "b";
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        fake.part = bad[i];
        assert_call(f, 200, "GET", "/v1/hosts/hv1", NULL);
        assert_has(&f->client.body, "\"incomplete\":\"member \\\"b\\\", "
                   "which manages the host, does not say what it knows: ");
        assert_null(strstr(ds_cstr(&f->client.body), "audit"));
    }
    /* The client leaves meanwhile. */
    fake.part = "{}";
    fake.is_silent = true;
    fake.n_asked = 0;
    send_only(f, "GET", "/v1/hosts/hv1", NULL);
    while (!fake.n_asked) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    client_close(&f->client);
    do {
        event_base_loop(f->base, EVLOOP_ONCE);
        http_server_get_stats(f->nb->http, &stats);
    } while (!stats.n_gone);
    assert_int_equal(fake.n_forgotten, 1);
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 200, "GET", "/v1/networks", NULL);
}

/* Who reads many objects does not wait for each. */
static void
manager_that_is_late_is_not_asked_for_a_while(void **state)
{
    struct fixture *f = *state;
    unsigned n_calls = 0;

    f->nb->cluster = (struct cluster *) &fake;
    fake.can_ask = false;
    fake.manager = "b";
    fake.part = "{}";
    fake.fails = true;
    do {
        assert_call(f, 200, "GET", "/v1/hosts/hv1", NULL);
        assert_has(&f->client.body, "\"incomplete\":\"member \\\"b\\\", ");
        assert_true(++n_calls < 50);
    } while (fake.n_asked == n_calls);
    assert_has(&f->client.body, "it did not answer a moment ago");
    assert_true(fake.n_asked);
    /* Another one is. */
    fake.manager = "c";
    fake.fails = false;
    fake.n_asked = 0;
    assert_call(f, 200, "GET", "/v1/hosts/hv1", NULL);
    assert_null(strstr(ds_cstr(&f->client.body), "incomplete"));
    assert_int_equal(fake.n_asked, 1);
}

/* Returns that so many leases have been given, the later ones later. */
static char *
print_leases(unsigned n)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "{\"leases\":[");
    for (unsigned i = 0; i < n; i++) {
        ds_put_format(&ds, "%s{\"ip\":\"10.0.1.%u\",\"given\":"
                      "\"1970-01-01T00:00:%02u.000Z\"}", i ? "," : "", i,
                      10 + i);
    }
    ds_put_cstr(&ds, "]}");
    return ds_steal_cstr(&ds);
}

static void
leases_are_bounded(void **state)
{
    struct status_lease lease = {
        .ip = { .family = 4, .addr = { 10, 0, 0, 1 } }, .given = 10500,
    };
    struct fixture *f = *state;
    char *part = print_leases(16);

    f->nb->cluster = (struct cluster *) &fake;
    fake.can_ask = false;
    fake.manager = "b";
    fake_fabric.lease = &lease;
    bind_port(f);
    fake.part = part;
    assert_call(f, 200, "GET", "/v1/ports/web-1", NULL);
    assert_has(&f->client.body, "\"10.0.0.1\"");
    assert_has(&f->client.body, "\"10.0.1.1\"");
    assert_has(&f->client.body, "\"10.0.1.15\"");
    assert_null(strstr(ds_cstr(&f->client.body), "\"10.0.1.0\""));
    free(part);
    fake.part = part = print_leases(17);
    assert_call(f, 200, "GET", "/v1/ports/web-1", NULL);
    assert_has(&f->client.body, "its answer is none");
    free(part);
}

static void
member_tells_its_part(void **state)
{
    static const char *const bad[] = {
        "", "{}", "{\"type\": \"hosts\"}", "{\"type\": \"networks\", "
        "\"name\": \"shop\"}", "{\"type\": \"hosts\", \"name\": 1}",
    };
    static const char of_port[] = "{\"type\": \"ports\", \"name\": \"web-1\"}";
    struct status_lease lease = { .ip = { .family = 4 }, .given = 5000 };
    struct fixture *f = *state;
    char *answer;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_non_null(nb_tell_part(f->nb, bad[i], strlen(bad[i]), &answer));
        assert_null(answer);
    }
    fake_fabric.lease = &lease;
    assert_null(nb_tell_part(f->nb, of_port, strlen(of_port), &answer));
    assert_string_equal(answer, "{\"leases\":[{\"ip\":\"0.0.0.0\",\"given\":"
                        "\"1970-01-01T00:00:05.000Z\"}]}");
    free(answer);
}

/* The writer's log, which lacks a batch that others have.  Who passes a
 * request on asks the next one, or answers by its own copy; clients of the
 * writer are to try again. */
static void
log_that_lacks_a_batch_is_not_read(void **state)
{
    static const struct {
        const char *method, *path;
    } calls[] = {
        { "GET", "/v1/revisions" },
        { "GET", "/v1/revisions?after=1" },
        { "GET", "/v1/revisions?type=networks&name=shop" },
        { "GET", "/v1/revisions?type=networks&name=shop&contents=true" },
        { "GET", "/v1/revisions/1" },
        { "GET", "/v1/revisions/1?contents=true" },
        { "POST", "/v1/revisions/1/undo" },
    };
    struct fixture *f = *state;

    f->nb->following = false;
    for (int i = 0; i < 4; i++) {
        bool fails = i < 2;

        fake.relayed = i % 2;
        f->store.read_error = fails ? EAGAIN : 0;
        for (size_t j = 0; j < ARRAY_SIZE(calls); j++) {
            int status = call(f, calls[j].method, calls[j].path, NULL);

            if (fails) {
                assert_int_equal(status,
                                 fake.relayed ? HTTP_MISDIRECTED : 503);
                assert_has(&f->client.body, "The log could not be read: ");
                assert_has(&f->client.head, "Retry-After: 1\r\n");
            } else {
                assert_true(status != 503 && status != HTTP_MISDIRECTED);
            }
        }
    }
    assert_int_equal(fake.n_passed, 0);
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
        TEST(old_copy_is_shown_at_its_machine),
        TEST(writer_that_is_cut_off_says_so),
        TEST(types_are_the_writers),
        TEST(manager_is_asked_for_its_part),
        TEST(manager_that_does_not_answer_is_named),
        TEST(manager_that_is_late_is_not_asked_for_a_while),
        TEST(leases_are_bounded),
        TEST(member_tells_its_part),
        TEST(log_that_lacks_a_batch_is_not_read),
    };

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    fatal_ignore_sigpipe();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
