/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that may have been cut off, as members of a cluster are told of them,
 * and what these tell of their paths: hosts, switches and time are the test's.
 * Not for a vmnd of its own (test-path-measuring.c), nor for the rest of what
 * members tell (test-path-members.c). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <event2/event.h>
#include <inttypes.h>

#include "controller/paths/path-report.h"
#include "controller/paths/paths-private.h"
#include "tests/unit/paths-fixture.h"
#include "util.h"

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

static const char *manager;     /* Of all hosts. */
static uint64_t told_run, told_seq;

static const char *
manager_cb(void *aux OVS_UNUSED, const char *host OVS_UNUSED)
{
    return manager;
}

/* Many hosts, of which another member, or this one, has turns. */
static void
begin_shared(size_t n)
{
    static const struct paths_sharing sharing = { .manager = manager_cb };

    manager = "b";
    add_hosts(n);
    add_network("net", 1500, 0, n - 1);
    begin(&sharing);
}

/* The same, at the writer. */
static void
lead(size_t n)
{
    told_run = 9;
    told_seq = 0;
    begin_shared(n);
    paths_lead(paths, 7);
}

static void
help(void)
{
    now_us += 600 * 1000;
    fire(paths->help_timer);
    now_us += 100;
    deliver(false);
}

/* Asks with that list of suspects; counts how many hosts have told of their
 * path to the first host. */
static size_t
ask_of_suspects(const char *suspects, uint64_t after)
{
    char *text = xasprintf("{\"epoch\":5,\"run\":%"PRIu64",\"after\":%"PRIu64
                           "%s}", paths->log.run, after, suspects);
    bool seen[HOSTS_MAX + 1] = { false };
    struct path_report report;
    char *answer;
    size_t n = 0;

    assert_null(paths_answer(paths, text, strlen(text), &answer));
    assert_null(path_report_read(answer, strlen(answer), &report));
    for (size_t i = 0; i < report.n; i++) {
        const struct path_result *r = &report.results[i];

        assert_true(r->host != 1);
        n += r->peer == 1 && !seen[r->host];
        seen[r->host] |= r->peer == 1;
    }
    free(report.results);
    free(answer);
    free(text);
    return n;
}

/* It does not have the turns of the suspect itself. */
static void
member_puts_suspects_first(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "1", "[1]", "[0,0]", "[-1,0]", "[\"h000\",0]", "[1.5,0]", "{}",
        "[4294967296,0]", "[1,-1]", "[1,600001]", "[1,0,2]",
        "[1,1,2,2,3,3,4,4,5,5,6,6,7,7,8,8,9,9,10,10,11,11,12,12,13,13,14,14,"
        "15,15,16,16,17,17]",
    };
    const size_t n = 60;
    uint64_t seq;
    char *answer;

    begin_shared(n);
    memset(mastered, true, sizeof mastered);
    mastered[0] = false;
    for (unsigned i = 0; i < 4; i++) {
        ask_of_suspects("", 0);
        take_turns(1);
    }
    seq = paths->log.seq;
    /* The second is none of its hosts; of those that are, one is named
     * twice. */
    for (unsigned i = 0; i < 4; i++) {
        ask_of_suspects(",\"suspects\":[1,0,999,5,1,900]", seq);
        assert_int_equal(paths->n_suspects, 1);
        assert_int_equal(path_judging_host(paths, 1)->suspected_us,
                         now_us - 900 * 1000);
        take_turns(1);
    }
    assert_int_equal(ask_of_suspects(",\"suspects\":[1,4000]", seq), n - 1);
    /* It is one anew. */
    seq = paths->log.seq;
    for (unsigned i = 0; i < 4; i++) {
        char *age = xasprintf(",\"suspects\":[1,%u]", i * 1000);

        ask_of_suspects(age, seq);
        free(age);
        take_turns(1);
    }
    assert_int_equal(ask_of_suspects(",\"suspects\":[1,4000]", seq), n - 1);
    ask_of_suspects(",\"suspects\":[2,0,1,600000]", seq);
    assert_int_equal(paths->n_suspects, 2);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *text = xasprintf("{\"epoch\":5,\"run\":0,\"after\":0,"
                               "\"suspects\":%s}", bad[i]);

        assert_non_null(paths_answer(paths, text, strlen(text), &answer));
        free(text);
    }
    assert_int_equal(paths->n_suspects, 2);
    ask_of_suspects("", seq);   /* As a writer of a former version asks. */
    assert_int_equal(paths->n_suspects, 0);
    assert_int_equal(path_judging_host(paths, 1)->suspected_us, 0);
}

/* Returns how many results of small probes of the path between two hosts, by
 * the second one, the log has behind 'seq'. */
static unsigned
count_told(uint64_t seq, const struct path *path)
{
    unsigned n = 0;

    while (++seq <= paths->log.seq) {
        const struct path_result *r
            = &paths->log.entries[seq % PATH_LOG_MAX].result;

        n += (r->host == path->hosts[1]->number
              && r->peer == path->hosts[0]->number
              && r->value >= PATH_RESULT_LOST);
    }
    return n;
}

/* It knows nothing of them, or what is not so any more: the writer is told
 * enough to conclude something, and little more. */
static void
member_probes_until_the_writer_can_decide(void **state OVS_UNUSED)
{
    const struct path_host *first;
    const size_t n = 60;

    begin_shared(n);
    memset(mastered, true, sizeof mastered);
    mastered[0] = false;
    ask_of_suspects("", 0);
    take_turns(2);
    first = path_judging_host(paths, 1);
    for (unsigned k = 0; k < 2; k++) {
        uint64_t seq = paths->log.seq;

        for (size_t i = 0; i < n; i++) {
            lost[0][i] = lost[i][0] = k;
        }
        for (size_t i = 0; i < first->n_own; i++) {
            struct path *path = first->own[i];

            path_window_init(&path->window);
            for (unsigned j = 0; k && j < PATH_DOWN_AFTER; j++) {
                path_window_add(&path->window, false, 0);
            }
            path->judged_us = 0;
        }
        for (unsigned i = 0; i < 12; i++) {
            char *age = xasprintf(",\"suspects\":[1,%u]", i * 1000);

            ask_of_suspects(age, paths->log.seq);
            free(age);
            take_turns(1);
        }
        assert_true(first->n_own > PATH_TURN_PATHS);
        for (size_t i = 0; i < first->n_own; i++) {
            unsigned n_told_of = count_told(seq, first->own[i]);

            assert_true(n_told_of >= MAX(PATH_UP_AFTER, PATH_DOWN_AFTER)
                        && n_told_of <= 6);
        }
    }
}

/* Has a member tell of a probe of a host's path to another, so long after. */
static void
tell_of(const char *member, uint32_t host, uint32_t peer, int32_t value,
        uint32_t age_ms)
{
    struct path_result result = { host, peer, value, age_ms };
    struct path_report report = { .run = told_run, .seq = ++told_seq,
                                  .n = 1, .results = &result };
    char *text = path_report_print(&report);
    bool more;

    free(paths_ask(paths, member));
    assert_null(paths_take(paths, member, text, strlen(text), &more));
    free(text);
}

static void
tell_of_first(uint32_t host, int32_t value)
{
    tell_of("b", host, 1, value, 0);
}

static bool
asks_with(const char *part)
{
    char *text = paths_ask(paths, "b");
    bool has = strstr(text, part);

    free(text);
    return has;
}

static void
writer_names_suspects(void **state OVS_UNUSED)
{
    const uint32_t n = 60;
    struct path_host *first;

    lead(n);
    free(paths_ask(paths, "b"));
    for (uint32_t i = 2; i <= n; i++) {
        tell_of_first(i, 300);
    }
    assert_false(asks_with("suspects"));
    for (uint32_t i = 2; i < 5; i++) {
        tell_of_first(i, PATH_RESULT_LOST);
        tell_of_first(i, PATH_RESULT_LOST);
    }
    assert_false(asks_with("suspects"));
    tell_of_first(5, PATH_RESULT_LOST);
    assert_true(asks_with("\"suspects\":[1,0]"));
    now_us += 1000;
    for (unsigned k = 0; k < PATH_DOWN_AFTER; k++) {
        for (uint32_t i = 2; i <= n; i++) {
            tell_of_first(i, PATH_RESULT_LOST);
        }
    }
    first = path_judging_host(paths, 1);
    assert_true(first->n_own > PATH_TURN_PATHS && first->n_own < n - 1);
    assert_int_equal(stats().n[PATH_DOWN], n - 1);
    take_turns(2);              /* All is decided. */
    assert_false(asks_with("suspects"));
    /* It comes back; how long it took the others does not say how long it
     * takes itself. */
    for (uint32_t i = 2; i < 6; i++) {
        tell_of_first(i, 300);
    }
    assert_true(asks_with("\"suspects\":[1,0]"));
    now_us += 1000;
    for (unsigned k = 0; k < PATH_UP_AFTER; k++) {
        for (uint32_t i = 2; i <= n; i++) {
            tell_of_first(i, 300);
        }
    }
    assert_int_equal(stats().n[PATH_DOWN], 0);
    for (size_t i = 0; i < first->n_own; i++) {
        assert_int_equal(path_least_get(&first->own[i]->window.took), -1);
        assert_null(first->own[i]->teller);
    }
    take_turns(2);
    assert_false(asks_with("suspects"));
}

/* Those of a host that is cut off are looked at some at a time, and all in the
 * end. */
static void
directions_wait_for_room(void **state OVS_UNUSED)
{
    const uint32_t n = 60;
    const struct path_host *first;
    size_t n_known = 0;

    lead(n);
    for (uint32_t i = 2; i <= n; i++) {
        lost[0][i - 1] = true;
        tell_of_first(i, PATH_RESULT_LOST);
    }
    deliver(false);
    assert_true(n_directions[0] <= PATHS_PACKET_RATE_MIN);
    first = path_judging_host(paths, 1);
    for (unsigned k = 0; k < 100 && n_known < n - 1; k++) {
        struct path *path;

        for (size_t i = 0; i < paths->n_turns; i++) {
            paths->in_turn[i]->heard_us = now_us;
        }
        HMAP_FOR_EACH (path, node, &paths->pairs) {
            path->heard_us = now_us;
        }
        help();
        n_known = 0;
        HMAP_FOR_EACH (path, node, &paths->pairs) {
            n_known += ((path->hosts[0] == first || path->hosts[1] == first)
                        && path->forth && path->back);
        }
    }
    assert_int_equal(n_known, n - 1);
}

/* Whichever of its hosts has probed a path, what is of a time that another
 * member has measured is passed over, of both. */
static void
what_both_hosts_find_has_an_order(void **state OVS_UNUSED)
{
    const struct path *path;
    uint32_t first, second;

    lead(2);
    path = CONTAINER_OF(hmap_first(&paths->pairs), struct path, node);
    first = path->hosts[0]->number;
    second = path->hosts[1]->number;
    tell_of("b", first, 0, 100, 0);
    for (unsigned i = 0; i < 4; i++) {
        tell_of("b", first, second, 350, 0);
    }
    now_us += 20 * 1000 * 1000;
    for (unsigned i = 0; i < 2; i++) {
        tell_of("b", first, second, PATH_RESULT_LOST, 0);
    }
    now_us += 1000 * 1000;
    manager = "c";              /* Of the second one, say. */
    for (unsigned i = 0; i < 3; i++) {
        tell_of("c", second, first, PATH_RESULT_LOST, 2000);
    }
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    assert_int_equal(stats().n_lost, 2);
    tell_of("c", second, first, 300, 0);
    assert_int_equal(stats().n_answered, 5);
    now_us += 1000 * 1000;
    manager = "b";
    tell_of("b", first, second, PATH_RESULT_LOST, 2000);
    tell_of("b", first, second, PATH_RESULT_LARGE_LOST, 2000);
    assert_int_equal(stats().n_lost, 2);
    /* How long it takes is still what the first one's has told, and what is
     * no probe of the second one's is none. */
    assert_int_equal(get("h000", "h001").latency_us, 250);
    for (unsigned i = 0; i < PATH_MTU_AFTER_LOSSY; i++) {
        tell_of("b", second, first, PATH_RESULT_LARGE_LOST, 0);
    }
    assert_int_equal(get("h000", "h001").state, PATH_UP);
    for (unsigned i = 0; i < 3; i++) {
        tell_of("b", i % 2 ? first : second, i % 2 ? second : first,
                PATH_RESULT_LOST, 0);
    }
    assert_int_equal(get("h000", "h001").state, PATH_DOWN);
    assert_int_equal(stats().n_lost, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(member_puts_suspects_first),
        T(member_probes_until_the_writer_can_decide),
        T(writer_names_suspects),
        T(directions_wait_for_room),
        T(what_both_hosts_find_has_an_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
