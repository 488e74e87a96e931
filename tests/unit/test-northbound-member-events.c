/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON API of a member that stands by tells of the writer's events,
 * and as the next writer: what the former one told is made here.  What real
 * members tell is in tests/system/test_cluster_all_events.py. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/northbound/event-audits.h"
#include "controller/northbound/event-common.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/northbound.h"
#include "controller/northbound/northbound-private.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "tests/unit/events-fixture.h"
#include "tests/unit/member-fixture.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* The writer tells of one claim, with this id; 'gap': it does not follow. */
static void
take_claim(struct fixture *f, uint64_t id, bool gap)
{
    char *answer = xasprintf(
        "{\"key\":\"000102030405060708090a0b0c0d0e0f\",\"gap\":%s,"
        "\"base\":%"PRIu64",\"kept\":1,\"floor\":0,\"more\":false,"
        "\"events\":[{\"id\":%"PRIu64",\"kind\":\"claim\",\"time\":1,"
        "\"made\":1,\"revision\":1,\"all\":false,\"background\":false,"
        "\"about\":[],\"data\":\"{\\\"port\\\":\\\"p\\\"}\"}]}",
        gap ? "true" : "false", id - 1, id);
    bool more;

    free(northbound_ask_events(f->nb, 6));
    assert_null(northbound_take_events(f->nb, answer, strlen(answer), &more));
    assert_false(more);
    free(answer);
}

/* Of one audit of host 'name'. */
static void
note_audit(struct fixture *f, const char *name, uint64_t missing)
{
    event_common_note_audit(f->nb->event_common, &(struct nb_event_audit) {
        .host = name, .time = time_wall_msec(), .missing = missing,
    });
}

/* Returns the next question, which is answered by claim 'id', or, 0, not. */
static char *
take_question(struct fixture *f, uint64_t id)
{
    char *question = northbound_ask_events(f->nb, 6);
    bool more;

    if (id) {
        take_claim(f, id, false);
    } else {
        assert_non_null(northbound_take_events(f->nb, "x", 1, &more));
    }
    return question;
}

static size_t
count_audits(struct fixture *f)
{
    const struct event_log *log = nb_event_log(f->nb, 1u << EVENT_AUDIT);
    size_t n = 0;

    for (uint64_t at = log->oldest; at < log->next; at++) {
        n += event_log_get(log, at)->kind == EVENT_AUDIT;
    }
    return n;
}

static void
assert_take(struct fixture *f, const char *question, bool ok, size_t n)
{
    const char *fault = event_audits_take(
        nb_event_log(f->nb, 1u << EVENT_AUDIT), question, strlen(question),
        event_sources_tell_audit, f->nb);

    assert_true(ok == !fault);
    assert_int_equal(count_audits(f), n);
}

/* A master that stands by has the writer tell of its audits: it says so until
 * that answers, and the writer tells of each once. */
static void
audits_of_others_are_told_once(void **state)
{
    static const char *const wrong[] = {
        "{\"audits\":{}}", "{\"audits\":[1]}", "{\"audits\":[{}]}",
        "{\"audits\":[{\"host\":\"/\",\"time\":1,\"missing\":1,"
        "\"altered\":0,\"unknown\":0}]}",
        "{\"audits\":[{\"host\":\"h\",\"time\":1,\"missing\":-1,"
        "\"altered\":0,\"unknown\":0}]}",
    };
    struct fixture *f = *state;
    char *first, *again, *none;

    take_claim(f, 100, false);
    note_audit(f, "hv1", 3);
    note_audit(f, "hv1", 4);
    first = take_question(f, 0);
    assert_non_null(strstr(first, "\"audits\":[{\"host\":\"hv1\""));
    note_audit(f, "hv2", 5);
    again = take_question(f, 101);
    none = take_question(f, 102);
    assert_non_null(strstr(again, "\"hv2\""));
    assert_null(strstr(none, "audits"));
    f->nb->following = false;
    assert_take(f, none, true, 0);
    assert_take(f, first, true, 2);
    assert_take(f, again, true, 3);
    assert_take(f, again, true, 3);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_take(f, wrong[i], false, 3);
    }
    free(first);
    free(again);
    free(none);
}

/* How far the clock is from the writer's follows from its answers. */
static void
clock_is_compared_with_the_writers(void **state)
{
    struct fixture *f = *state;
    int64_t ahead_ms;
    char *answer;
    bool more;

    take_claim(f, 100, false);
    assert_false(event_common_clock(f->nb->event_common, &ahead_ms));
    answer = xasprintf("{\"now\":%lld,\"key\":\"000102030405060708090a0b0c0d0e"
                       "0f\",\"base\":100,\"kept\":1,\"floor\":0,"
                       "\"events\":[]}", time_wall_msec() + 100000);
    free(northbound_ask_events(f->nb, 6));
    assert_null(northbound_take_events(f->nb, answer, strlen(answer), &more));
    free(answer);
    assert_true(event_common_clock(f->nb->event_common, &ahead_ms));
    assert_in_range(-ahead_ms, 10000, 100000);
    f->nb->following = false;
    assert_true(event_common_clock(f->nb->event_common, &ahead_ms));
    assert_int_equal(ahead_ms, 0);
}

/* What the former writer has not told it tells itself; of too many it keeps
 * the newest. */
static void
next_writer_tells_of_its_audits(void **state)
{
    const struct northbound_options options = { .epoch = 7,
                                                .has_events = true };
    struct fixture *f = *state;

    take_claim(f, 100, false);
    for (int i = 0; i < 300; i++) {
        note_audit(f, "hv1", i + 1);
    }
    northbound_lead(f->nb, &options);
    assert_int_equal(count_audits(f), 256);
}

/* Also one that has heard no writer, so has nothing of what it told. */
static void
first_writer_tells_of_its_audits(void **state)
{
    const struct northbound_options options = { .epoch = 7,
                                                .has_events = true };
    struct fixture *f = *state;

    note_audit(f, "hv1", 1);
    note_audit(f, "hv2", 2);
    northbound_lead(f->nb, &options);
    assert_int_equal(count_audits(f), 2);
}

static void
expect_id(struct client *c, const char *kind, uint64_t id)
{
    struct told told;

    expect(c, kind, &told);
    assert_true(told.id == id);
    told_uninit(&told);
}

/* All kinds of events are the writer's, and told here once it has told them;
 * those that another member has told are waited for. */
static void
events_are_the_writers(void **state)
{
    struct fixture *f = *state;
    struct client all, again;
    struct told told;

    assert_call(f, 503, "GET", "/v1/events", NULL);
    assert_int_equal(fake.n_passed, 1);
    take_claim(f, 500, false);
    listen_at(f, &all, "/v1/events", "");
    expect_id(&all, "start", 500);
    take_claim(f, 501, false);
    expect_id(&all, "claim", 501);
    listen_at(f, &again, "/v1/events", "Last-Event-ID: 500\r\n");
    expect_id(&again, "claim", 501);
    client_close(&again);

    listen_at(f, &again, "/v1/events?kinds=claim&after=502", "");
    take_claim(f, 502, false);
    take_claim(f, 503, false);
    expect_id(&all, "claim", 502);
    expect_id(&all, "claim", 503);
    expect_id(&again, "claim", 503);
    /* What is missing is said, to all. */
    take_claim(f, 600, true);
    expect_id(&all, "reset", 599);
    expect_id(&all, "claim", 600);
    expect_id(&again, "reset", 599);
    expect_id(&again, "claim", 600);
    client_close(&again);
    listen_at(f, &again, "/v1/events", "Last-Event-ID: 550\r\n");
    expect_id(&again, "reset", 600);
    client_close(&again);

    northbound_lack_events(f->nb);
    assert_false(next_event(&all, &told));
    client_close(&all);
    assert_int_equal(fake.n_passed, 1);
    assert_call(f, 503, "GET", "/v1/events", NULL);
    assert_int_equal(fake.n_passed, 2);
}

/* The next writer goes on, and streams with it. */
static void
streams_outlive_the_writer(void **state)
{
    const struct northbound_options whole = {
        .epoch = 7, .has_events = true,
    };
    struct fixture *f = *state;
    struct client c;
    struct told told;

    take_claim(f, 500, false);
    listen_at(f, &c, "/v1/events?kinds=claim,revision", "");
    expect_id(&c, "start", 500);
    northbound_lead(f->nb, &whole);
    assert_call(f, 201, "PUT", "/v1/networks/other", "{\"spec\":{}}");
    expect(&c, "revision", &told);
    assert_true(told.id >> 32 == 7);
    told_uninit(&told);
    client_close(&c);
}

/* The writer answers: it tells of one event with this id, about a host, or of
 * none ('kind' NULL); its next one has the id 'next'. */
static void
take_answer(struct fixture *f, uint64_t id, const char *kind, const char *data,
            uint64_t next)
{
    uint64_t revision = model_durable_revision(f->nb->model);
    json_t *answer = json_pack(
        "{s:s, s:b, s:I, s:i, s:I, s:b, s:I, s:[]}",
        "key", "000102030405060708090a0b0c0d0e0f", "gap", false,
        "base", (json_int_t) id - 1, "kept", 1,
        "floor", (json_int_t) revision, "more", false,
        "next", (json_int_t) next, "events");
    char *text;
    bool more;

    if (kind) {
        json_array_append_new(
            json_object_get(answer, "events"),
            json_pack("{s:I, s:s, s:i, s:i, s:I, s:b, s:b, s:[s,s], s:s}",
                      "id", (json_int_t) id, "kind", kind, "time", 1,
                      "made", 1, "revision", (json_int_t) revision,
                      "all", false, "background", false,
                      "about", "hosts", "hv1", "data", data));
    }
    text = json_dumps(answer, 0);
    assert_null(northbound_take_events(f->nb, text, strlen(text), &more));
    free(text);
    json_decref(answer);
}

static void
ask_and_take(struct fixture *f, uint64_t id, const char *kind,
             const char *data)
{
    free(northbound_ask_events(f->nb, 6));
    take_answer(f, id, kind, data, id + (kind != NULL));
}

/* What comes now is another millisecond's. */
static void
pass_time(void)
{
    long long int now_ms = time_msec();

    while (time_msec() == now_ms) {
        continue;
    }
}

/* The data of an event; the caller frees it. */
static char *
data_at(const struct event_log *log, uint64_t at)
{
    const char *data = strstr(event_log_get(log, at)->text, "\ndata: ")
                       + strlen("\ndata: ");

    return xmemdup0(data, strcspn(data, "\n"));
}

/* That of the newest one that this member has seen itself. */
static char *
own_data(const struct fixture *f)
{
    return data_at(f->nb->event_log, f->nb->event_log->next - 1);
}

/* An id that the writer does not have is waited for no longer than until it
 * has told all, or another one has begun. */
static void
ids_that_nobody_has_are_not_waited_for(void **state)
{
    struct fixture *f = *state;
    struct client c;

    ask_and_take(f, 500, "claim", "{}");
    /* What was asked before may have been answered before. */
    free(northbound_ask_events(f->nb, 6));
    listen_at(f, &c, "/v1/events?after=510", "");
    take_answer(f, 501, NULL, NULL, 501);
    client_turn(&c);
    ask_and_take(f, 501, "claim", "{}");
    expect_id(&c, "reset", 501);
    client_close(&c);
    /* The next writer, of which there is no event yet. */
    free(northbound_ask_events(f->nb, 6));
    listen_at(f, &c, "/v1/events?after=510", "");
    take_answer(f, 502, NULL, NULL, UINT64_C(7) << 32);
    expect_id(&c, "reset", 501);
    ask_and_take(f, UINT64_C(7) << 32, "claim", "{}");
    expect_id(&c, "claim", UINT64_C(7) << 32);
    client_close(&c);
}

static const struct northbound_options lead_7 = {
    .epoch = 7, .has_events = true,
};

/* What looks as something that was told before is told all the same. */
static void
what_happens_again_is_told_again(void **state)
{
    struct fixture *f = *state;
    struct client c;
    struct told told;
    char *data;

    ask_and_take(f, 500, "claim", "{}");
    listen_at(f, &c, "/v1/events?kinds=claim,installed,revision", "");
    expect_id(&c, "start", 500);
    pass_time();
    TELL(installed, (aux, 1, 1, 1));
    data = own_data(f);
    ask_and_take(f, 501, "installed", data);
    free(data);
    expect_id(&c, "installed", 501);
    TELL(installed, (aux, 1, 1, 1));
    northbound_lead(f->nb, &lead_7);
    expect(&c, "installed", &told);
    assert_true(told.id >> 32 == 7);
    told_uninit(&told);
    /* But the first one is not. */
    assert_call(f, 201, "PUT", "/v1/networks/other", "{\"spec\":{}}");
    expect(&c, "revision", &told);
    told_uninit(&told);
    client_close(&c);
}

/* What the former writer alone has seen of a host is set right. */
static void
states_that_one_writer_saw_are_compared(void **state)
{
    struct fixture *f = *state;
    const struct event_log *own = f->nb->event_log;
    uint64_t id = 500;
    struct client c;
    struct told told;
    bool is_told;
    char *data;

    ask_and_take(f, 500, "claim", "{}");
    listen_at(f, &c, "/v1/events?kinds=claim,host", "");
    expect_id(&c, "start", 500);
    pass_time();
    fake_fabric.host_state = "synced";
    TELL(host, (aux, "hv1"));
    do {
        event_base_loop(f->base, EVLOOP_ONCE);
        data = own_data(f);
        is_told = strstr(data, "synced") != NULL;
        free(data);
    } while (!is_told);
    /* All that this member has seen, */
    for (uint64_t at = own->oldest; at < own->next; at++) {
        if (event_log_get(own, at)->kind == EVENT_HOST) {
            data = data_at(own, at);
            ask_and_take(f, ++id, "host", data);
            expect_id(&c, "host", id);
            free(data);
        }
    }
    /* and then what it has not. */
    ask_and_take(f, ++id, "host", "{\"host\":\"hv1\",\"state\":\"offline\"}");
    expect_id(&c, "host", id);
    northbound_lead(f->nb, &lead_7);
    expect(&c, "host", &told);
    assert_true(told.id >> 32 == 7);
    assert_string_equal(json_string_value(json_object_get(told.data,
                                                          "state")),
                        "synced");
    told_uninit(&told);
    client_close(&c);
}

/* The writer tells of a revision that this member is to have itself, and of a
 * claim behind it; they have this id and the next one. */
static void
take_own(struct fixture *f, uint64_t id, uint64_t revision)
{
    char *answer = xasprintf(
        "{\"key\":\"000102030405060708090a0b0c0d0e0f\",\"gap\":false,"
        "\"base\":%"PRIu64",\"kept\":1,\"floor\":0,\"more\":false,"
        "\"events\":[{\"own\":%"PRIu64",\"id\":%"PRIu64",\"time\":1},"
        "{\"id\":%"PRIu64",\"kind\":\"claim\",\"time\":1,\"made\":1,"
        "\"revision\":%"PRIu64",\"all\":false,\"background\":false,"
        "\"about\":[],\"data\":\"{\\\"port\\\":\\\"p\\\"}\"}]}",
        id - 1, revision, id, id + 1, revision);
    bool more;

    free(northbound_ask_events(f->nb, 6));
    assert_null(northbound_take_events(f->nb, answer, strlen(answer), &more));
    assert_false(more);
    free(answer);
}

/* The copy of the state has a revision. */
static void
have_revision(struct fixture *f, uint64_t revision)
{
    struct ds data = DS_EMPTY_INITIALIZER, about = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&data, "{}");
    event_log_note_revision(f->nb->event_log, revision, revision);
    event_log_push(f->nb->event_log, EVENT_REVISION, &data, &about, true,
                   false);
    event_common_follow(f->nb->event_common);
}

/* Returns the next question, which the caller frees. */
static char *
await_question(struct fixture *f)
{
    long long int begun_ms = time_msec();
    char *question;

    while (!(question = northbound_ask_events(f->nb, 6))) {
        assert_true(time_msec() - begun_ms < 120000);
    }
    return question;
}

static void
expect_reset(struct client *c)
{
    struct told told;

    expect(c, "reset", &told);
    told_uninit(&told);
}

/* What waits for the copy of the state does not keep the member from asking:
 * it would miss what else the writer tells before it ends. */
static void
late_copy_is_told_all(void **state)
{
    const struct event_log *log = nb_event_log(
        ((struct fixture *) *state)->nb, 1u << EVENT_CLAIM);
    struct fixture *f = *state;
    uint64_t revision = f->nb->event_log->revision + 5;
    char *question;

    take_claim(f, 500, false);
    take_own(f, 501, revision);
    assert_true(event_log_id(log, log->next - 1) == 500);
    question = await_question(f);
    assert_non_null(strstr(question, "\"after\":500"));
    assert_null(strstr(question, "own"));
    free(question);
    /* What is asked for again is not taken twice. */
    have_revision(f, revision);
    assert_true(event_log_id(log, log->next - 1) == 500);
    take_answer(f, 501, "revision", "{}", 502);
    assert_true(event_log_id(log, log->next - 1) == 501);
    question = await_question(f);
    assert_non_null(strstr(question, "\"own\":"));
    free(question);
}

/* Unless that is another writer, which may have been told less. */
static void
next_writer_may_lack_what_waits(void **state)
{
    struct fixture *f = *state;
    const struct event_log *log = nb_event_log(f->nb, 1u << EVENT_CLAIM);
    long long int begun_ms = time_msec();
    struct client c;
    char *question;

    take_claim(f, 500, false);
    listen_at(f, &c, "/v1/events?kinds=claim", "");
    expect_id(&c, "start", 500);
    take_own(f, 501, f->nb->event_log->revision + 5);
    while (!(question = northbound_ask_events(f->nb, 7))) {
        assert_true(time_msec() - begun_ms < 120000);
    }
    free(question);
    assert_int_equal(event_log_get(log, log->next - 1)->kind, EVENT_LOG_GAP);
    expect_reset(&c);
    client_close(&c);
}

static void
lead_and_tell(struct fixture *f)
{
    northbound_lead(f->nb, &lead_7);
    event_sources_tell_audit(f->nb, &(struct nb_event_audit) {
        .host = "hv1", .time = time_wall_msec(),
    });
}

/* What waited when the writer ended is taken, once the copy has all. */
static void
next_writer_has_what_waited(void **state)
{
    struct fixture *f = *state;
    uint64_t revision = f->nb->event_log->revision + 5;
    struct client c;

    take_claim(f, 500, false);
    listen_at(f, &c, "/v1/events?kinds=claim,audit", "");
    expect_id(&c, "start", 500);
    take_own(f, 501, revision);
    free(await_question(f));
    have_revision(f, revision);
    lead_and_tell(f);
    expect_id(&c, "claim", 502);
    expect_member(&c, "audit", "host", "hv1");
    client_close(&c);
}

/* Or else it is missing, which all are told. */
static void
next_writer_lacks_what_waits(void **state)
{
    struct fixture *f = *state;
    struct client c;

    take_claim(f, 500, false);
    listen_at(f, &c, "/v1/events?kinds=claim,audit", "");
    expect_id(&c, "start", 500);
    take_own(f, 501, f->nb->event_log->revision + 5);
    lead_and_tell(f);
    expect_reset(&c);
    client_close(&c);
}

/* One that was not told all says so to all; and tells nothing once it hands
 * over. */
static void
writer_tells_what_the_next_one_has(void **state)
{
    const struct northbound_options partial = { .epoch = 7 };
    struct fixture *f = *state;
    const struct event_log *log;
    struct client c;
    struct told told;
    uint64_t next;

    ask_and_take(f, 500, "claim", "{}");
    listen_at(f, &c, "/v1/events?kinds=claim,revision", "");
    expect_id(&c, "start", 500);
    northbound_lead(f->nb, &partial);
    expect(&c, "reset", &told);
    assert_true(told.id >> 32 == 7);
    told_uninit(&told);
    assert_call(f, 201, "PUT", "/v1/networks/a", "{\"spec\":{}}");
    expect(&c, "revision", &told);
    told_uninit(&told);
    log = nb_event_log(f->nb, 1u << EVENT_CLAIM);
    assert_ptr_not_equal(log, f->nb->event_log);
    northbound_hand_over(f->nb);
    next = log->next;
    assert_call(f, 201, "PUT", "/v1/networks/b", "{\"spec\":{}}");
    assert_true(log->next == next);
    client_close(&c);
}

static void
ask_behind(struct fixture *f, uint64_t id)
{
    char *question = xasprintf("{\"after\":%"PRIu64"}", id);

    send_only(f, "POST", CLUSTER_EVENTS_PATH, question);
    free(question);
}

/* One that hands over waits until who asks for what comes next has all. */
static void
writer_knows_who_has_all(void **state)
{
    struct fixture *f = *state;
    const struct event_log *log;

    take_claim(f, 500, false);
    log = nb_event_log(f->nb, 1u << EVENT_CLAIM);
    fake.writer = f->nb;
    fake.asking = "b";
    ask_behind(f, 499);
    assert_int_equal(take_reply(f), 200);
    assert_false(northbound_has_told(f->nb, "b"));
    ask_behind(f, 500);
    while (!northbound_has_told(f->nb, "b")) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_false(northbound_has_told(f->nb, "c"));
    /* What it is told next it may not get. */
    f->nb->following = false;
    event_common_copy(f->nb->event_common);
    f->nb->following = true;
    assert_false(northbound_has_told(f->nb, "b"));
    assert_int_equal(take_reply(f), 200);
    assert_false(northbound_has_told(f->nb, "b"));
    assert_int_equal(fake.n_told, 0);
    northbound_hand_over(f->nb);
    ask_behind(f, event_log_id(log, log->next - 1));
    while (!fake.n_told) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_true(northbound_has_told(f->nb, "b"));
    assert_false(northbound_has_told(f->nb, "c"));
}

/* Of that there will be events, and who has asked for it waits for a reply. */
static void
nobody_has_all_while_something_is_stored(void **state)
{
    struct model_request request;
    struct fixture *f = *state;
    bool done = false;

    take_claim(f, 500, false);
    fake.writer = f->nb;
    fake.asking = "b";
    northbound_hand_over(f->nb);
    model_request_init(&request, "test");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_NETWORK, "n",
                      json_object());
    f->store.hold = true;
    f->store.cb = NULL;
    commit_submit(f->commit, &request, on_committed, &done);
    while (!f->store.cb) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    ask_behind(f, 500);
    while (!fake.n_told) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_false(northbound_has_told(f->nb, "b"));
    f->store.hold = false;
    event_active(f->store.done, EV_TIMEOUT, 1);
    while (!done) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    model_request_uninit(&request);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, member_setup, \
                                                   teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_are_the_writers),
        TEST(audits_of_others_are_told_once),
        TEST(clock_is_compared_with_the_writers),
        TEST(next_writer_tells_of_its_audits),
        TEST(first_writer_tells_of_its_audits),
        TEST(streams_outlive_the_writer),
        TEST(ids_that_nobody_has_are_not_waited_for),
        TEST(what_happens_again_is_told_again),
        TEST(states_that_one_writer_saw_are_compared),
        TEST(late_copy_is_told_all),
        TEST(next_writer_may_lack_what_waits),
        TEST(next_writer_has_what_waited),
        TEST(next_writer_lacks_what_waits),
        TEST(writer_tells_what_the_next_one_has),
        TEST(writer_knows_who_has_all),
        TEST(nobody_has_all_while_something_is_stored),
    };

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    fatal_ignore_sigpipe();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
