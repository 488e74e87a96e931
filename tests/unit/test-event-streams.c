/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of GET /v1/events: from where on they tell, how they are resumed,
 * and what becomes of those who do not keep up. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "controller/fabric/fabric-watch.h"
#include "controller/northbound/event-log.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "tests/unit/events-fixture.h"
#include "util.h"

/* Resuming.  ------------------------------------------------------------- */

static void
reader_goes_on_where_it_was(void **state)
{
    struct fixture *f = *state;
    struct told first, told;
    char *headers, *path;
    struct client c;

    listen_at(f, &c, "/v1/events", "");
    expect_start(&c, "start", f);
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    expect(&c, "revision", &first);
    client_close(&c);

    assert_call(f, 201, "PUT", "/v1/networks/b", NET);
    assert_call(f, 201, "PUT", "/v1/networks/c", NET);
    /* The header is newer than the query, which a browser sends as it was. */
    headers = xasprintf("Last-Event-ID: %"PRIu64"\r\n", first.id);
    listen_at(f, &c, "/v1/events?after=5", headers);
    expect(&c, "revision", &told);
    assert_int_equal(told.id, first.id + 1);
    told_uninit(&told);
    expect_change(&c, "networks", "c");
    client_close(&c);

    path = xasprintf("/v1/events?after=%"PRIu64, first.id + 1);
    listen_at(f, &c, path, "");
    expect_change(&c, "networks", "c");
    client_close(&c);
    told_uninit(&first);
    free(headers);
    free(path);
}

static void
reader_of_the_past_is_told_so(void **state)
{
    static const char *const ids[] = { "5", "999999999999999999" };
    struct fixture *f = *state;
    struct client c;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        char *path = xasprintf("/v1/events?after=%s", ids[i]);

        listen_at(f, &c, path, "");
        expect_start(&c, "reset", f);
        client_close(&c);
        free(path);
    }
    assert_call(f, 201, "PUT", "/v1/networks/b", NET);
}

/* The id of the next event, which must be of 'kind'. */
static uint64_t
next_id(struct client *c, const char *kind)
{
    struct told told;
    uint64_t id;

    expect(c, kind, &told);
    id = told.id;
    told_uninit(&told);
    return id;
}

static void
listen_after(struct fixture *f, struct client *c, const char *query,
             uint64_t after)
{
    char *path = xasprintf("/v1/events?%safter=%"PRIu64, query, after);

    listen_at(f, c, path, "");
    free(path);
}

static void
push_drop(struct fixture *f)
{
    struct ds data = DS_EMPTY_INITIALIZER;
    struct ds about = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&data, "{}");
    event_log_push(f->nb->event_log, EVENT_DROP, &data, &about, false, false);
}

/* So that they are the same at each member of a cluster, whatever else it
 * tells of. */
static void
ids_of_revisions_are_their_numbers(void **state)
{
    static const char kind[] = "kinds=revision&";
    struct fixture *f = *state;
    struct client c;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    push_drop(f);
    listen_at(f, &c, "/v1/events?kinds=revision", "");
    assert_int_equal(next_id(&c, "start"), 2);
    for (int i = 3; i <= 5; i++) {
        char *path = xasprintf("/v1/networks/n%d", i);

        assert_call(f, 201, "PUT", path, NET);
        push_drop(f);
        assert_int_equal(next_id(&c, "revision"), i);
        free(path);
    }
    client_close(&c);
    for (int i = 1; i <= 5; i++) {
        listen_after(f, &c, kind, i);
        for (int j = i + 1; j <= 5; j++) {
            assert_int_equal(next_id(&c, "revision"), j);
        }
        client_close(&c);
    }
    /* It is not that of any other stream, nor of what is not there yet. */
    listen_after(f, &c, "kinds=revision,drop&", 2);
    expect_start(&c, "reset", f);
    client_close(&c);
    listen_after(f, &c, kind, 6);
    assert_int_equal(next_id(&c, "reset"), 5);
    assert_call(f, 201, "PUT", "/v1/networks/n6", NET);
    assert_int_equal(next_id(&c, "revision"), 6);
    client_close(&c);
}

/* Has the newest events of revisions up to 'floor' displaced. */
static void
displace(struct fixture *f, uint64_t floor)
{
    for (unsigned i = 0; f->nb->event_log->floor < floor; i++) {
        assert_true(i <= EVENTS_MAX);
        push_drop(f);
    }
}

static void
expect_revisions(struct fixture *f, const char *query, int after, int last)
{
    struct client c;

    listen_after(f, &c, query, after);
    for (int i = after + 1; i <= last; i++) {
        assert_int_equal(next_id(&c, "revision"), i);
    }
    client_close(&c);
}

/* The store has them as well. */
static void
revisions_that_are_not_kept_are_told_by_the_log(void **state)
{
    static const char kind[] = "kinds=revision&";
    struct fixture *f = *state;
    struct client c;

    for (int i = 2; i <= 60; i++) {
        char *path = xasprintf("/v1/networks/n%d", i);

        assert_call(f, 201, "PUT", path, NET);
        free(path);
    }
    displace(f, 50);
    /* All by the log, all by the buffer, and where the one ends. */
    for (int i = 1; i < 60; i++) {
        expect_revisions(f, kind, i, 60);
    }
    /* With a filter as without. */
    listen_after(f, &c, "kinds=revision&type=networks&", 40);
    assert_int_equal(next_id(&c, "revision"), 41);
    client_close(&c);
    listen_after(f, &c, "kinds=revision&network=n45&", 2);
    expect_change(&c, "networks", "n45");
    client_close(&c);
    listen_after(f, &c, "kinds=revision&network=n55&", 2);
    expect_change(&c, "networks", "n55");
    client_close(&c);
    /* It has no other events, */
    listen_after(f, &c, "kinds=revision,host&", 40);
    expect_start(&c, "reset", f);
    client_close(&c);
    /* nor what a restore took back, */
    f->store.backup = 10;
    f->store.restore = 40;
    listen_after(f, &c, kind, 20);
    assert_int_equal(next_id(&c, "reset"), 60);
    client_close(&c);
    expect_revisions(f, kind, 10, 60);
    /* and it may fail. */
    f->store.read_error = EIO;
    listen_after(f, &c, kind, 10);
    assert_int_equal(next_id(&c, "reset"), 60);
    client_close(&c);
    f->store.read_error = 0;
}

/* While a group is being written its events are still to come. */
static void
start_is_what_a_list_shows(void **state)
{
    struct fixture *f = *state;
    struct client c;

    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    f->store.hold = true;
    send_only(f, "PUT", "/v1/networks/b", NET);
    while (commit_is_quiescent(f->commit)) {
        client_turn(&f->client);
    }
    listen_at(f, &c, "/v1/events", "");
    expect_start(&c, "start", f);
    f->store.hold = false;
    event_active(f->store.done, EV_TIMEOUT, 1);
    assert_int_equal(take_reply(f), 201);
    for (;;) {
        struct told told;
        bool last;

        /* Perhaps of what it has seen, but all that it has not. */
        expect(&c, "revision", &told);
        last = json_integer_value(json_object_get(told.data, "revision")) == 3;
        told_uninit(&told);
        if (last) {
            break;
        }
    }
    client_close(&c);
}

/* Rude readers.  --------------------------------------------------------- */

/* Makes 'n' events whose data are numbers from 'first' on. */
static void
tell_much(struct fixture *f, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        struct ds data = DS_EMPTY_INITIALIZER;
        struct ds about = DS_EMPTY_INITIALIZER;

        ds_put_format(&data, "%u", i);
        event_log_push(f->nb->event_log, EVENT_DROP, &data, &about, false,
                       false);
    }
    event_readers_wake(f->nb->event_readers);
}

/* Takes 'n' events with numbers from 'first' on, as text: there are many. */
static void
take_much(struct client *c, unsigned first, unsigned n)
{
    size_t used = 0;

    for (unsigned i = first; i < first + n; i++) {
        char *end, *data, want[32];

        while (!(end = strstr(ds_cstr(&c->in) + used, "\n\n"))) {
            assert_false(c->eof);
            client_turn(c);
        }
        snprintf(want, sizeof want, "\ndata: %u", i);
        *end = '\0';
        data = strstr(c->in.string + used, "\ndata: ");
        assert_non_null(data);
        assert_string_equal(data, want);
        used = end + 2 - c->in.string;
    }
    c->in.length -= used;
    memmove(c->in.string, c->in.string + used, c->in.length + 1);
}

static void
stuck_reader_is_cut_off_and_others_are_not(void **state)
{
    const struct event_log *log = ((struct fixture *) *state)->nb->event_log;
    enum { STEP = EVENTS_MAX / 2, N = 3 * EVENTS_MAX };
    struct event_readers_stats stats;
    struct fixture *f = *state;
    struct client stuck, good;

    listen_at(f, &stuck, "/v1/events?kinds=drop", "");
    listen_at(f, &good, "/v1/events?kinds=drop", "");
    expect_start(&good, "start", f);
    for (unsigned i = 0; i < N; i += STEP) {
        tell_much(f, i, STEP);
        take_much(&good, i, STEP);
    }
    assert_true(log->next - log->oldest <= EVENTS_MAX);
    event_readers_get_stats(f->nb->event_readers, &stats);
    assert_int_equal(stats.n_readers, 1);
    assert_int_equal(stats.n_overrun, 1);
    client_wait_eof(&stuck);
    /* What it was sent before is little. */
    assert_true(stuck.in.length < 2 << 20);
    client_close(&stuck);
    client_close(&good);
}

static void
log_is_bounded_in_bytes(void **state)
{
    struct fixture *f = *state;
    struct event_log *log = f->nb->event_log;
    uint64_t first = log->oldest;

    for (int i = 0; i < 40; i++) {
        struct ds data = DS_EMPTY_INITIALIZER;
        struct ds about = DS_EMPTY_INITIALIZER;

        ds_put_char_multiple(&data, '1', 1 << 20);
        event_log_push(log, EVENT_LOG, &data, &about, false, false);
    }
    assert_true(log->n_bytes <= EVENTS_BYTES_MAX + (2 << 20));
    assert_true(log->oldest > first);
}

static void
readers_are_bounded(void **state)
{
    struct client *c = xcalloc(EVENT_READERS_MAX, sizeof *c);
    struct fixture *f = *state;
    struct event_readers_stats stats;

    for (int i = 0; i < EVENT_READERS_MAX; i++) {
        listen_at(f, &c[i], "/v1/events?kinds=host", "");
    }
    assert_call(f, 503, "GET", "/v1/events", NULL);
    assert_text(f, "type", "urn:vmn:problem:busy");
    TELL(host, (aux, "hv1"));
    for (int i = 0; i < EVENT_READERS_MAX; i++) {
        expect_start(&c[i], "start", f);
        expect_member(&c[i], "host", "host", "hv1");
    }
    for (int i = 0; i < EVENT_READERS_MAX; i++) {
        client_close(&c[i]);
    }
    do {
        client_turn(&f->client);
        event_readers_get_stats(f->nb->event_readers, &stats);
    } while (stats.n_readers);
    free(c);
}

static void
reader_may_say_more_and_half_close(void **state)
{
    struct fixture *f = *state;
    struct client c;

    listen_at(f, &c, "/v1/events", "");
    expect_start(&c, "start", f);
    client_say(&c, "GET /v1 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_call(f, 201, "PUT", "/v1/networks/shop", NET);
    expect_change(&c, "networks", "shop");
    shutdown(c.fd, SHUT_WR);
    assert_call(f, 201, "PUT", "/v1/networks/b", NET);
    expect_change(&c, "networks", "b");
    client_close(&c);
}

/* The past.  ------------------------------------------------------------- */

/* What is kept of the past is sent, and then that it is all. */
static void
past_is_shown_and_ends(void **state)
{
    struct fixture *f = *state;
    struct told told;
    struct client c;

    make_shop(f);
    listen_at(f, &c, "/v1/events?follow=false", "");
    expect_start(&c, "start", f);
    expect_change(&c, "networks", "shop");
    expect_change(&c, "ports", "web-1");
    expect_change(&c, "ports", "web-2");
    expect_change(&c, "ports", "db-1");
    expect_start(&c, "end", f);
    assert_false(next_event(&c, &told));
    client_close(&c);

    listen_at(f, &c, "/v1/events?follow=false&limit=2&type=ports", "");
    expect_start(&c, "start", f);
    expect_change(&c, "ports", "web-2");
    expect_change(&c, "ports", "db-1");
    expect_start(&c, "end", f);
    assert_false(next_event(&c, &told));
    client_close(&c);

    listen_at(f, &c, "/v1/events?follow=false&since=4", "");
    expect(&c, "start", &told);
    assert_null(json_object_get(told.data, "kept_since"));
    told_uninit(&told);
    expect_change(&c, "ports", "web-2");
    expect_change(&c, "ports", "db-1");
    expect_start(&c, "end", f);
    client_close(&c);

    listen_at(f, &c, "/v1/events?follow=false&port=none&since=2", "");
    expect_start(&c, "start", f);
    expect_start(&c, "end", f);
    client_close(&c);
}

/* Where it begins is looked for event by event, and others have their turns in
 * between. */
static void
past_is_looked_through_over_several_turns(void **state)
{
    char *request = make_request("GET", "/v1/events?limit=2&type=ports", "",
                                 NULL);
    struct loop *loop = loop_create();
    struct fixture *f = *state;
    struct client c;
    char buf[4096];
    int n_turns = 0;

    make_shop(f);
    for (int i = 0; i < 40; i++) {
        char *path = xasprintf("/v1/groups/g%d", i);

        assert_call(f, 201, "PUT", path, "{\"spec\": {}}");
        free(path);
    }
    f->nb->loop = loop;
    while (!loop_turn_is_over(loop)) {
        continue;               /* It is measured in time of the processor. */
    }
    client_connect(&c, f->base, f->path);
    client_say(&c, request);
    for (; !strstr(ds_cstr(&c.in), "event: start"); n_turns++) {
        ssize_t n;

        event_base_loop(f->base, EVLOOP_ONCE);
        n = recv(c.fd, buf, sizeof buf, MSG_DONTWAIT);
        if (n > 0) {
            ds_put_buffer(&c.in, buf, n);
        }
    }
    assert_true(n_turns > 40);
    f->nb->loop = NULL;
    free(request);
    loop_destroy(loop);
    client_close(&c);
}

static void
past_may_be_followed(void **state)
{
    struct fixture *f = *state;
    struct client c;

    make_shop(f);
    listen_at(f, &c, "/v1/events?limit=1", "");
    expect_start(&c, "start", f);
    expect_change(&c, "ports", "db-1");
    assert_call(f, 200, "DELETE", "/v1/ports/db-1", NULL);
    expect_change(&c, "ports", "db-1");
    client_close(&c);
}

/* Tells a drop whose data is the number 'i'. */
static void
tell_drop(struct fixture *f, unsigned i, bool background)
{
    struct ds data = DS_EMPTY_INITIALIZER;
    struct ds about = DS_EMPTY_INITIALIZER;

    ds_put_format(&data, "{\"n\": \"%u\"}", i);
    event_log_push(f->nb->event_log, EVENT_DROP, &data, &about, false,
                   background);
    event_readers_wake(f->nb->event_readers);
}

/* Takes the drops 'numbers', which a zero ends, after a start that says how
 * many are hidden. */
static void
expect_drops(struct client *c, unsigned hidden, const unsigned *numbers)
{
    struct told told;

    expect(c, "start", &told);
    assert_int_equal(json_integer_value(json_object_get(told.data, "hidden")),
                     hidden);
    told_uninit(&told);
    for (; *numbers; numbers++) {
        char *want = xasprintf("%u", *numbers);

        expect_member(c, "drop", "n", want);
        free(want);
    }
}

/* What is hidden does not count in the limit. */
static void
background_is_hidden_before_it_is_counted(void **state)
{
    struct fixture *f = *state;
    struct client c;

    for (unsigned i = 1; i <= 6; i++) {
        tell_drop(f, i, i > 2 && i != 4);
    }
    listen_at(f, &c, "/v1/events?follow=false&limit=2", "");
    expect_drops(&c, 3, (unsigned []) { 2, 4, 0 });
    expect_start(&c, "end", f);
    client_close(&c);

    listen_at(f, &c, "/v1/events?follow=false&limit=2&background=true", "");
    expect_drops(&c, 0, (unsigned []) { 5, 6, 0 });
    expect_start(&c, "end", f);
    client_close(&c);

    listen_at(f, &c, "/v1/events?follow=false&kinds=host", "");
    expect_drops(&c, 0, (unsigned []) { 0 });
    expect_start(&c, "end", f);
    client_close(&c);

    listen_at(f, &c, "/v1/events", "");
    expect_drops(&c, 0, (unsigned []) { 0 });
    tell_drop(f, 7, true);
    tell_drop(f, 8, false);
    expect_member(&c, "drop", "n", "8");
    client_close(&c);
    assert_call(f, 400, "GET", "/v1/events?background=perhaps", NULL);
}

/* Less than was asked for is not shown as if it were all. */
static void
past_that_is_not_kept_is_told(void **state)
{
    struct fixture *f = *state;
    struct event_log *log = f->nb->event_log;
    struct told told;
    struct client c;

    make_shop(f);
    /* As of a vmnd that started behind the first two revisions. */
    log->oldest += 2;
    log->first = log->oldest;
    log->before = 3;
    listen_at(f, &c, "/v1/events?follow=false&since=2020-01-01T00:00:00Z", "");
    expect(&c, "start", &told);
    assert_non_null(json_object_get(told.data, "kept_since"));
    told_uninit(&told);
    client_close(&c);
    listen_at(f, &c, "/v1/events?follow=false&since=3", "");
    expect(&c, "start", &told);
    assert_non_null(json_object_get(told.data, "kept_since"));
    told_uninit(&told);
    client_close(&c);
    listen_at(f, &c, "/v1/events?follow=false&since=4", "");
    expect(&c, "start", &told);
    assert_null(json_object_get(told.data, "kept_since"));
    told_uninit(&told);
    client_close(&c);
    listen_at(f, &c, "/v1/events?follow=false&since=2099-01-01T00:00:00Z", "");
    expect(&c, "start", &told);
    assert_null(json_object_get(told.data, "kept_since"));
    told_uninit(&told);
    expect_start(&c, "end", f);
    client_close(&c);
    log->oldest -= 2;           /* So that it is freed. */
    log->first = log->oldest;
}

static void
questions_that_make_no_sense_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_call(f, 400, "GET", "/v1/events?since=yesterday", NULL);
    assert_call(f, 400, "GET", "/v1/events?since=99", NULL);
    assert_call(f, 400, "GET", "/v1/events?limit=0", NULL);
    assert_call(f, 400, "GET", "/v1/events?follow=no", NULL);

    assert_call(f, 400, "GET", "/v1/events?kinds=weather", NULL);
    assert_call(f, 400, "GET", "/v1/events?kinds=", NULL);
    assert_call(f, 400, "GET", "/v1/events?kinds=host,", NULL);
    assert_call(f, 400, "GET", "/v1/events?type=vifs", NULL);
    assert_call(f, 400, "GET", "/v1/events?type=x", NULL);
    assert_call(f, 400, "GET", "/v1/events?after=-1", NULL);
    assert_int_equal(call_with(f, "GET", "/v1/events",
                               "Last-Event-ID: x\r\n", NULL), 400);
    assert_int_equal(call(f, "POST", "/v1/events", "{}"), 405);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reader_goes_on_where_it_was),
        TEST(reader_of_the_past_is_told_so),
        TEST(ids_of_revisions_are_their_numbers),
        TEST(revisions_that_are_not_kept_are_told_by_the_log),
        TEST(start_is_what_a_list_shows),
        TEST(stuck_reader_is_cut_off_and_others_are_not),
        TEST(log_is_bounded_in_bytes),
        TEST(readers_are_bounded),
        TEST(reader_may_say_more_and_half_close),
        TEST(past_is_shown_and_ends),
        TEST(past_is_looked_through_over_several_turns),
        TEST(past_may_be_followed),
        TEST(background_is_hidden_before_it_is_counted),
        TEST(past_that_is_not_kept_is_told),
        TEST(questions_that_make_no_sense_are_refused),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
