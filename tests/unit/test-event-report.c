/* SPDX-License-Identifier: Apache-2.0
 *
 * Events that the writer of a cluster tells the other members: the same ones
 * have the same ids in all logs, and what is missing is a gap. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/event-report.h"
#include "controller/northbound/event-scope-ids.h"
#include "util.h"

#define ALL ((1u << EVENT_N_KINDS) - 1)
/* Of writers' first events. */
#define EPOCH_1 (UINT64_C(7) << 32)
#define EPOCH_2 (UINT64_C(8) << 32)

static void
push(struct event_log *log, int kind, const char *port, const char *text)
{
    struct ds data = DS_EMPTY_INITIALIZER, about = DS_EMPTY_INITIALIZER;
    int64_t *created = xmalloc(sizeof *created);

    *created = 17;
    ds_put_cstr(&data, text);
    event_about(&about, VMN_TABLE_PORT, port);
    event_log_push(log, kind, &data, &about, false, false);
    event_log_set_created(log, created, 1);
}

static void
push_many(struct event_log *log, int n)
{
    for (int i = 0; i < n; i++) {
        char text[32];

        snprintf(text, sizeof text, "{\"n\":%d}", i);
        push(log, EVENT_CLAIM, "a", text);
    }
}

static struct event_log *
writer_create(uint64_t id)
{
    struct event_log *log = event_log_create(5, true);

    event_log_begin_as(log, id, 1000, 5);
    return log;
}

/* Has 'to' ask 'from', whose first event is at 'lead'.  Returns whether there
 * is more. */
static bool
ask(struct event_log *to, bool has, const struct event_log *from,
    uint64_t lead, struct event_report_place *place)
{
    char *question = event_report_ask(to, NULL, has, 0);
    struct event_report_taken taken = { .more = false };
    struct ds answer = DS_EMPTY_INITIALIZER;

    assert_null(event_report_find(from, lead, 0, question, strlen(question),
                                  place));
    event_report_print(from, place, &answer);
    assert_null(event_report_take(to, NULL, has, answer.string, answer.length,
                                  &taken));
    assert_null(taken.rest);
    assert_int_equal(taken.lacks != 0, place->lacks);
    ds_destroy(&answer);
    free(question);
    return taken.more;
}

static uint64_t
last_id(const struct event_log *log)
{
    return event_log_id(log, log->next - 1);
}

static void
assert_known(const struct event_log *log, uint64_t id, bool known)
{
    uint64_t next;

    assert_int_equal(event_log_knows(log, false, id, ALL, &next), known);
    if (known) {
        assert_true(event_log_id(log, next - 1) == id
                    || event_log_id(log, next) == id + 1);
    }
}

static void
events_are_the_same(void **state OVS_UNUSED)
{
    struct event_log *writer = writer_create(EPOCH_1);
    struct event_log *member = event_log_create(0, true);
    struct event_report_place place;
    const struct event_entry *a, *b;

    writer->revision = 6;
    push(writer, EVENT_REVISION, "a", "{\"revision\":6}");
    event_log_set_made(writer, 77);
    push(writer, EVENT_CLAIM, "b", "{\"port\":\"\\\"b\\u0000\"}");
    assert_false(ask(member, false, writer, writer->oldest, &place));
    assert_false(place.gap);
    assert_int_equal(member->next - member->oldest, 2);
    for (uint64_t i = 0; i < 2; i++) {
        a = event_log_get(writer, writer->oldest + i);
        b = event_log_get(member, member->oldest + i);
        assert_string_equal(a->text, b->text);
        assert_int_equal(a->kind, b->kind);
        assert_true(a->time_ms == b->time_ms && a->made_ms == b->made_ms);
        assert_true(a->revision == b->revision);
        assert_int_equal(a->about.length, b->about.length);
        assert_memory_equal(a->about.string, b->about.string,
                            a->about.length);
        assert_int_equal(b->created[0], 17);
        assert_true(event_scope_id(writer->scope_ids, EPOCH_1 + i)
                    == event_scope_id(member->scope_ids, EPOCH_1 + i));
    }
    assert_int_equal(event_log_kept_ms(member, ALL), 1000);
    /* What is new follows, and nothing is told twice. */
    push_many(writer, 3);
    assert_false(ask(member, true, writer, writer->oldest, &place));
    assert_int_equal(member->next - member->oldest, 5);
    assert_false(ask(member, true, writer, writer->oldest, &place));
    assert_int_equal(member->next - member->oldest, 5);
    assert_known(member, EPOCH_1 - 1, true);
    assert_known(member, EPOCH_1 + 4, true);
    assert_known(member, EPOCH_1 + 5, false);
    assert_true(event_log_expects(member, EPOCH_1 + 5));
    assert_false(event_log_expects(member, EPOCH_1 + 4));
    event_log_destroy(writer);
    event_log_destroy(member);
}

/* Many take several answers. */
static void
answers_are_bounded(void **state OVS_UNUSED)
{
    struct event_log *writer = writer_create(EPOCH_1);
    struct event_log *member = event_log_create(0, true);
    struct event_report_place place;
    uint64_t end;
    int n = 1;

    push_many(writer, 16000);
    for (bool more = ask(member, false, writer, writer->oldest, &place);
         more; n++) {
        more = ask(member, true, writer, writer->oldest, &place);
        assert_false(place.gap);
    }
    assert_in_range(n, 4, 100);
    assert_int_equal(member->next - member->oldest, 16000);
    assert_true(last_id(member) == last_id(writer));
    /* One that is too far behind is told that it lacks some. */
    push_many(writer, EVENTS_MAX + 1);
    end = member->next;
    ask(member, true, writer, writer->oldest, &place);
    assert_true(place.gap);
    assert_int_equal(event_log_get(member, end)->kind, EVENT_LOG_GAP);
    assert_known(member, event_log_id(writer, writer->oldest), true);
    event_log_destroy(writer);
    event_log_destroy(member);
}

/* The next writer goes on behind what it was told; another member may have
 * been told less, or more. */
static void
writers_follow_each_other(void **state OVS_UNUSED)
{
    struct event_log *first = writer_create(EPOCH_1);
    struct event_log *next = event_log_create(0, true);
    struct event_log *less = event_log_create(0, true);
    struct event_log *more = event_log_create(0, true);
    struct event_log *told;
    struct event_report_place place;
    uint64_t lead;
    char *question;
    bool gap;

    push_many(first, 10);
    ask(less, false, first, first->oldest, &place);
    push_many(first, 10);
    ask(next, false, first, first->oldest, &place);
    push_many(first, 10);
    ask(more, false, first, first->oldest, &place);

    lead = next->next;
    event_log_set_id(next, EPOCH_2);
    push_many(next, 5);
    assert_known(next, EPOCH_1 + 19, true);
    assert_known(next, EPOCH_1 + 20, false);
    assert_known(next, EPOCH_2 + 4, true);

    ask(less, true, next, lead, &place);
    assert_false(place.gap || place.lacks);
    assert_int_equal(less->next - less->oldest, 25);
    assert_true(last_id(less) == EPOCH_2 + 4);
    assert_known(less, EPOCH_1 + 15, true);

    ask(more, true, next, lead, &place);
    assert_true(place.lacks);
    assert_false(place.gap);
    assert_int_equal(more->next - more->oldest, 35);
    assert_known(more, EPOCH_1 + 29, true);
    assert_true(last_id(more) == EPOCH_2 + 4);
    /* It then tells the writer of these. */
    question = event_report_ask(more, NULL, true, place.last_id);
    assert_null(event_report_told(question, strlen(question), &told,
                                  &gap));
    assert_false(gap);
    assert_int_equal(told->next - told->oldest, 10);
    assert_true(event_log_id(told, told->oldest) == EPOCH_1 + 20);
    event_log_destroy(told);
    free(question);
    /* Or says that it cannot. */
    question = event_report_ask(more, NULL, true, EPOCH_1 - 7);
    assert_null(event_report_told(question, strlen(question), &told,
                                  &gap));
    assert_true(gap);
    event_log_destroy(told);
    free(question);

    /* A new process of the first one has all that is kept. */
    event_log_destroy(first);
    first = event_log_create(0, true);
    ask(first, false, next, lead, &place);
    assert_int_equal(first->next - first->oldest, 25);
    assert_known(first, EPOCH_1 + 3, true);
    assert_known(first, EPOCH_1 + 20, false);
    event_log_destroy(first);
    event_log_destroy(next);
    event_log_destroy(less);
    event_log_destroy(more);
}

/* Its ids are, before it has told anything. */
static void
next_writer_is_known_at_once(void **state OVS_UNUSED)
{
    struct event_log *first = writer_create(EPOCH_1);
    struct event_log *next = event_log_create(0, true);
    struct event_log *member = event_log_create(0, true);
    struct event_report_place place;
    uint64_t lead;

    push_many(first, 10);
    ask(next, false, first, first->oldest, &place);
    ask(member, false, first, first->oldest, &place);
    assert_true(event_log_expects(member, EPOCH_1 + 12));
    lead = next->next;
    event_log_set_id(next, EPOCH_2);
    ask(member, true, next, lead, &place);
    assert_true(member->next - member->oldest == 10);
    assert_false(event_log_expects(member, EPOCH_1 + 12));
    assert_true(event_log_expects(member, EPOCH_2));
    assert_known(member, EPOCH_1 + 9, true);
    ask(member, true, next, lead, &place);
    push_many(next, 1);
    ask(member, true, next, lead, &place);
    assert_false(place.gap || place.lacks);
    assert_true(member->next - member->oldest == 11);
    assert_true(last_id(member) == EPOCH_2);
    event_log_destroy(first);
    event_log_destroy(next);
    event_log_destroy(member);
}

/* A writer is told once what it lacks, and told of what it is not. */
static void
what_is_lacked_is_told_once(void **state OVS_UNUSED)
{
    struct event_log *next = writer_create(EPOCH_1);
    struct event_log *more = writer_create(EPOCH_1);
    struct event_report_place place;
    struct event_log *told;
    char *question;
    uint64_t lead;
    bool gap;

    push_many(next, 10);
    push_many(more, 20);
    lead = next->next;
    event_log_set_id(next, EPOCH_2);
    question = event_report_ask(more, NULL, true, 0);
    assert_null(event_report_find(next, lead, 0, question, strlen(question),
                                  &place));
    assert_true(place.lacks && place.last_id == EPOCH_1 + 9);
    assert_null(event_report_find(next, lead, EPOCH_1 + 15, question,
                                  strlen(question), &place));
    assert_true(place.lacks && place.last_id == EPOCH_1 + 15);
    assert_null(event_report_find(next, lead, EPOCH_1 + 19, question,
                                  strlen(question), &place));
    assert_false(place.lacks || place.gap);
    assert_true(place.next == lead);
    free(question);
    /* What is behind a jump is not told, but a gap. */
    event_log_set_id(more, EPOCH_1 + 1000);
    push_many(more, 2);
    question = event_report_ask(more, NULL, true, EPOCH_1 + 15);
    assert_null(event_report_told(question, strlen(question), &told, &gap));
    assert_true(gap);
    assert_int_equal(told->next - told->oldest, 4);
    event_log_destroy(told);
    free(question);
    /* The next writer's are no gap. */
    event_log_set_id(more, EPOCH_2);
    push_many(more, 2);
    question = event_report_ask(more, NULL, true, EPOCH_1 + 1000);
    assert_null(event_report_told(question, strlen(question), &told, &gap));
    assert_false(gap);
    assert_int_equal(told->next - told->oldest, 1);
    event_log_destroy(told);
    free(question);
    event_log_destroy(next);
    event_log_destroy(more);
}

/* Gaps are passed on, with their ids, and so are events of kinds that are not
 * known here. */
static void
gaps_are_passed_on(void **state OVS_UNUSED)
{
    struct event_log *writer = writer_create(EPOCH_1);
    struct event_log *member = event_log_create(0, true);
    struct event_log *third = event_log_create(0, true);
    struct event_report_place place;

    push_many(writer, 2);
    event_log_push_gap(writer, event_log_id(writer, writer->next));
    push(writer, EVENT_LOG_UNKNOWN, "a", "");
    push_many(writer, 2);
    ask(member, false, writer, writer->oldest, &place);
    ask(third, false, member, member->oldest, &place);
    assert_int_equal(event_log_get(third, third->oldest + 2)->kind,
                     EVENT_LOG_GAP);
    assert_int_equal(event_log_get(third, third->oldest + 3)->kind,
                     EVENT_LOG_UNKNOWN);
    assert_true(last_id(third) == EPOCH_1 + 5);
    event_log_destroy(writer);
    event_log_destroy(member);
    event_log_destroy(third);
}

static void
segments_are_bounded(void **state OVS_UNUSED)
{
    struct event_log *log = writer_create(EPOCH_1);

    for (uint64_t i = 0; i < 3 * EVENT_SEGMENTS_MAX; i++) {
        event_log_set_id(log, EPOCH_1 + 1000 * i);
        push_many(log, 2);
    }
    assert_int_equal(log->n_segments, EVENT_SEGMENTS_MAX);
    assert_int_equal(log->next - log->oldest, 2 * EVENT_SEGMENTS_MAX);
    assert_known(log, EPOCH_1 + 1000 * (2 * EVENT_SEGMENTS_MAX) + 1, true);
    assert_known(log, EPOCH_1 + 1000 * (2 * EVENT_SEGMENTS_MAX) + 2, false);
    assert_known(log, EPOCH_1 + 1001, false);
    event_log_destroy(log);
}

/* Events of revisions wait until the copy of the state has these, and so do
 * those behind them. */
static void
events_wait_for_the_copy(void **state OVS_UNUSED)
{
    struct event_log *log = writer_create(EPOCH_1);
    uint64_t first = log->oldest;

    push_many(log, 1);
    log->revision = 6;
    push(log, EVENT_REVISION, "a", "{}");
    /* What hosts report has revisions that are not stored. */
    log->revision = 9;
    push_many(log, 2);
    assert_true(event_log_shown(log, 5) == first + 1);
    assert_true(event_log_shown(log, 6) == first + 4);
    event_log_destroy(log);
}

/* Has 'to' take an answer about what 'from' has behind its events. */
static void
ask_with_own(struct event_log *to, const struct event_log *own,
             const struct event_log *from, struct ds *answer,
             struct event_report_taken *taken)
{
    bool has = to->next > to->oldest;
    char *question = event_report_ask(to, own, has, 0);
    struct event_report_place place;

    ds_clear(answer);
    assert_null(event_report_find(from, from->oldest, 0, question,
                                  strlen(question), &place));
    event_report_print(from, &place, answer);
    assert_null(event_report_take(to, own, has, answer->string,
                                  answer->length, taken));
    free(question);
}

/* Appends the event of a revision. */
static void
push_revision(struct event_log *log, uint64_t revision, const char *text)
{
    log->revision = revision;
    push(log, EVENT_REVISION, "a", text);
    event_log_set_made(log, 7);
}

/* Of revisions that a member has events of itself it is told where they are;
 * and what follows one that it does not have yet waits. */
static void
own_events_are_not_told_again(void **state OVS_UNUSED)
{
    struct event_log *writer = writer_create(EPOCH_1);
    struct event_log *own = event_log_create(6, true);
    struct event_log *log = event_log_create(0, true);
    struct event_report_taken taken = { .more = false };
    struct ds answer = DS_EMPTY_INITIALIZER;

    push_revision(writer, 6, "{\"n\":6}");
    push_revision(writer, 7, "{\"n\":7}");
    event_log_set_time(writer, 99);
    push_many(writer, 1);
    push_revision(writer, 8, "{\"n\":8}");
    push_many(writer, 2);
    push_revision(own, 7, "{\"n\":7}");
    ask_with_own(log, own, writer, &answer, &taken);
    assert_non_null(strstr(ds_cstr(&answer), "\\\"n\\\":6"));
    assert_null(strstr(ds_cstr(&answer), "\\\"n\\\":7"));
    assert_non_null(taken.rest);
    assert_true(last_id(log) == EPOCH_1 + 2);
    assert_true(taken.revision == 7);
    assert_null(event_report_go_on(log, own, &taken));
    assert_true(last_id(log) == EPOCH_1 + 2);
    push_many(own, 3);
    push_revision(own, 8, "{\"n\":8}");
    assert_null(event_report_go_on(log, own, &taken));
    assert_null(taken.rest);
    assert_true(last_id(log) == last_id(writer));
    assert_true(taken.revision == 8);
    for (uint64_t i = 0; i < log->next - log->oldest; i++) {
        const struct event_entry *a = event_log_get(writer,
                                                    writer->oldest + i);
        const struct event_entry *b = event_log_get(log, log->oldest + i);

        assert_string_equal(a->text, b->text);
        assert_true(a->revision == b->revision && a->made_ms == b->made_ms
                    && a->time_ms == b->time_ms);
        assert_int_equal(a->about.length, b->about.length);
        assert_int_equal(a->created_size, b->created_size);
    }
    /* What it is said to have, and had not. */
    push_revision(writer, 9, "{}");
    own->revision = 9;
    ask_with_own(log, log, writer, &answer, &taken);
    assert_non_null(taken.rest);
    assert_non_null(event_report_go_on(log, own, &taken));
    assert_null(taken.rest);
    /* What waits may be dropped. */
    own->revision = 8;
    ask_with_own(log, own, writer, &answer, &taken);
    assert_non_null(taken.rest);
    event_report_drop(&taken);
    assert_null(taken.rest);
    ds_destroy(&answer);
    event_log_destroy(writer);
    event_log_destroy(own);
    event_log_destroy(log);
}

/* Those that it had, and has not any more, it asks for anew. */
static void
own_events_that_are_gone_are_asked_for(void **state OVS_UNUSED)
{
    struct event_log *writer = writer_create(EPOCH_1);
    struct event_log *own = event_log_create(5, true);
    struct event_log *log = event_log_create(0, true);
    struct event_report_taken taken = { .more = false };
    struct ds answer = DS_EMPTY_INITIALIZER;

    push_many(writer, 1);
    push_revision(writer, 6, "{\"n\":6}");
    push_many(writer, 1);
    own->revision = 5;
    ask_with_own(log, own, writer, &answer, &taken);
    assert_non_null(taken.rest);
    assert_false(taken.more);
    own->revision = own->floor = 6;
    assert_null(event_report_go_on(log, own, &taken));
    assert_null(taken.rest);
    assert_true(taken.more);
    assert_true(last_id(log) == EPOCH_1);
    ask_with_own(log, own, writer, &answer, &taken);
    assert_non_null(strstr(ds_cstr(&answer), "\\\"n\\\":6"));
    assert_null(taken.rest);
    assert_false(taken.more);
    assert_true(last_id(log) == last_id(writer));
    ds_destroy(&answer);
    event_log_destroy(writer);
    event_log_destroy(own);
    event_log_destroy(log);
}

/* A writer of an earlier version tells all, also of revisions that the member
 * does not have yet. */
static void
whole_events_do_not_wait(void **state OVS_UNUSED)
{
    struct event_log *writer = writer_create(EPOCH_1);
    struct event_log *own = event_log_create(5, true);
    struct event_log *log = event_log_create(0, true);
    struct event_report_place place = { .next = writer->oldest };
    struct event_report_taken taken = { .more = false };
    struct ds answer = DS_EMPTY_INITIALIZER;

    push_revision(writer, 6, "{}");
    push_many(writer, 1);
    push_revision(writer, 7, "{}");
    own->revision = 5;
    event_report_print(writer, &place, &answer);
    assert_null(event_report_take(log, own, false, answer.string,
                                  answer.length, &taken));
    assert_null(taken.rest);
    assert_true(taken.revision == 7);
    assert_true(last_id(log) == last_id(writer));
    ds_destroy(&answer);
    event_log_destroy(writer);
    event_log_destroy(own);
    event_log_destroy(log);
}

/* So many are in an answer, though there is room for more. */
static void
own_events_are_bounded(void **state OVS_UNUSED)
{
    struct event_log *writer = writer_create(EPOCH_1);
    struct event_log *own = event_log_create(5, true);
    struct event_log *log = event_log_create(0, true);
    struct event_report_taken taken = { .more = false };
    struct ds answer = DS_EMPTY_INITIALIZER;

    for (uint64_t i = 0; i < EVENT_REPORT_OWN + 2; i++) {
        push_revision(writer, 6 + i, "{}");
        push_revision(own, 6 + i, "{}");
    }
    ask_with_own(log, own, writer, &answer, &taken);
    assert_true(taken.more);
    assert_int_equal(log->next - log->oldest, EVENT_REPORT_OWN);
    ask_with_own(log, own, writer, &answer, &taken);
    assert_false(taken.more);
    assert_true(last_id(log) == last_id(writer));
    ds_destroy(&answer);
    event_log_destroy(writer);
    event_log_destroy(own);
    event_log_destroy(log);
}

/* What is wrong is said, and what came before it is taken. */
static void
answers_are_checked(void **state OVS_UNUSED)
{
#define HEAD "{\"key\":\"000102030405060708090a0b0c0d0e0f\",\"gap\":false," \
             "\"base\":41,\"kept\":1,\"floor\":0,\"more\":false,\"events\":["
#define EVENT "{\"id\":42,\"kind\":\"claim\",\"time\":1,\"made\":1," \
              "\"revision\":1,\"all\":false,\"background\":false,"
    static const char *const bad[] = {
        "", "[]", "{}", "{\"events\":[]}",
        "{\"key\":\"00\",\"base\":1,\"kept\":1,\"floor\":1,\"events\":[]}",
        "{\"key\":\"zz0102030405060708090a0b0c0d0e0f\",\"base\":1,\"kept\":1,"
        "\"floor\":1,\"events\":[]}",
        "{\"key\":\"000102030405060708090a0b0c0d0e0f\",\"base\":-1,"
        "\"kept\":1,\"floor\":1,\"events\":[]}",
        HEAD "1]}", HEAD "{}]}",
        HEAD EVENT "\"about\":[]}]}",
        HEAD EVENT "\"about\":[\"ports\"],\"data\":\"{}\"}]}",
        HEAD EVENT "\"about\":[1,2],\"data\":\"{}\"}]}",
        HEAD EVENT "\"about\":[],\"created\":[1],\"data\":\"{}\"}]}",
        HEAD EVENT "\"about\":[],\"data\":\"{}\\n\\nid: 1\"}]}",
        HEAD "{\"own\":1,\"id\":42,\"time\":1}]}",
    };
    static const char good[] = HEAD EVENT "\"about\":[\"ports\",\"a\","
        "\"things\",\"b\"],\"created\":[5,6],\"data\":\"{}\"}]}";
    static const char *const questions[] = {
        "", "[]", "{\"after\":\"1\"}", "{\"after\":-1}", "{\"own\":null}",
        "{\"own\":-1}",
    };
    struct event_report_taken taken = { .more = false };
    struct event_report_place place;
    struct event_log *log;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        log = event_log_create(0, true);
        assert_non_null(event_report_take(log, NULL, false, bad[i],
                                          strlen(bad[i]), &taken));
        assert_null(taken.rest);
        assert_true(log->oldest == log->next);
        event_log_destroy(log);
    }
    log = event_log_create(0, true);
    assert_null(event_report_take(log, NULL, false, good, strlen(good),
                                  &taken));
    assert_true(last_id(log) == 42);
    /* Of types that are known here. */
    assert_int_equal(event_log_get(log, log->oldest)->about.length, 3);
    assert_int_equal(event_log_get(log, log->oldest)->created_size, 8);
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        assert_non_null(event_report_find(log, log->oldest, 0, questions[i],
                                          strlen(questions[i]), &place));
    }
    event_log_destroy(log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_the_same),
        cmocka_unit_test(answers_are_bounded),
        cmocka_unit_test(writers_follow_each_other),
        cmocka_unit_test(next_writer_is_known_at_once),
        cmocka_unit_test(what_is_lacked_is_told_once),
        cmocka_unit_test(gaps_are_passed_on),
        cmocka_unit_test(segments_are_bounded),
        cmocka_unit_test(events_wait_for_the_copy),
        cmocka_unit_test(own_events_are_not_told_again),
        cmocka_unit_test(own_events_that_are_gone_are_asked_for),
        cmocka_unit_test(whole_events_do_not_wait),
        cmocka_unit_test(own_events_are_bounded),
        cmocka_unit_test(answers_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
