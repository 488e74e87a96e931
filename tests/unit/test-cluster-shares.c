/* SPDX-License-Identifier: Apache-2.0
 *
 * Which members share the hosts, and who manages which: single cases of the
 * policy, random histories of members, and the hash. */

#include <config.h>

#include "controller/cluster/cluster-shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util.h"

#define NOW 1000000
#define EPOCH INT64_C(1795622418)
#define N 5                     /* Members, "a" to "e". */

static uint32_t seed;

static unsigned
rnd(unsigned n)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % n;
}

/* A writer, and members as it sees them.  -------------------------------- */

struct world {
    struct shares_policy policy;
    struct shares shares;       /* As published. */
    int64_t now_ms;
    struct member {
        char name[2];
        bool listed, beats;
        int64_t run, weight, heard_ms, lag_ms;
    } m[N];
    int writer;
    unsigned n_published;
};

/* Member 'i' is started. */
static void
start(struct world *w, int i)
{
    static int64_t last_run;

    w->m[i].listed = w->m[i].beats = true;
    w->m[i].run = ++last_run;
    w->m[i].heard_ms = w->now_ms;
}

static void
ask(struct world *w)
{
    struct shares_member members[N];
    struct shares next;
    size_t n = 0;

    for (int i = 0; i < N; i++) {
        struct member *m = &w->m[i];

        if (m->beats && m->listed) {
            m->heard_ms = w->now_ms;
        }
        if (m->listed) {
            members[n++] = (struct shares_member) {
                .name = m->name, .run = m->run, .weight = m->weight,
                .heard_ms = m->heard_ms, .applied = w->now_ms - m->lag_ms,
                .is_writer = i == w->writer,
            };
        }
    }
    /* A thousand batches are written each second. */
    if (shares_policy_ask(&w->policy, &w->shares, members, n, w->now_ms,
                          w->now_ms, &next)) {
        next.generation = shares_next_generation(w->shares.generation, EPOCH);
        assert_true(next.generation > w->shares.generation);
        shares_uninit(&w->shares);
        shares_clone(&w->shares, &next);
        w->n_published++;
    }
    shares_uninit(&next);
}

static void
pass(struct world *w, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;

    while (w->now_ms < end_ms) {
        w->now_ms = MIN(w->now_ms + SHARES_ASK_MS / 2, end_ms);
        ask(w);
    }
}

/* Asserts that these members, a letter each, have shares. */
static void
assert_sharing(const struct world *w, const char *names)
{
    char actual[SHARES_MAX + 1] = "";

    for (size_t i = 0; i < w->shares.n; i++) {
        actual[i] = w->shares.shares[i].name[0];
    }
    assert_string_equal(actual, names);
}

/* Member "a" is the writer, and the first 'n' members are there. */
static void
world_init(struct world *w, int n)
{
    *w = (struct world) { .now_ms = NOW };
    shares_policy_init(&w->policy, 1000);
    shares_init(&w->shares);
    for (int i = 0; i < N; i++) {
        w->m[i].name[0] = 'a' + i;
        w->m[i].weight = SHARES_WEIGHT;
        if (i < n) {
            start(w, i);
        }
    }
}

static void
world_uninit(struct world *w)
{
    shares_policy_uninit(&w->policy);
    shares_uninit(&w->shares);
}

/* Makes one in which the first 'n' members have shares. */
static void
world_init_sharing(struct world *w, int n)
{
    world_init(w, n);
    ask(w);
    pass(w, SHARES_READY_MS);
    assert_int_equal(w->shares.n, n);
}

/* The policy.  ------------------------------------------------------------ */

static void
writer_first_and_others_once_they_last(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w, 3);
    ask(&w);
    assert_sharing(&w, "a");
    pass(&w, SHARES_READY_MS - SHARES_ASK_MS);
    assert_sharing(&w, "a");
    pass(&w, SHARES_ASK_MS);
    assert_sharing(&w, "abc");
    /* Nothing more is published. */
    pass(&w, 60000);
    assert_int_equal(w.n_published, 2);
    world_uninit(&w);
}

static void
who_is_silent_goes_and_comes_back(void **state OVS_UNUSED)
{
    struct world w;

    world_init_sharing(&w, 3);
    w.m[1].beats = false;
    pass(&w, SHARES_SILENT_MS - SHARES_ASK_MS);
    assert_sharing(&w, "abc");
    pass(&w, SHARES_ASK_MS);
    assert_sharing(&w, "ac");

    /* A shorter silence meanwhile begins the wait anew. */
    w.m[1].beats = true;
    pass(&w, SHARES_READY_MS);
    w.m[1].beats = false;
    pass(&w, SHARES_SILENT_MS);
    w.m[1].beats = true;
    pass(&w, 2 * SHARES_READY_MS);
    assert_sharing(&w, "ac");
    pass(&w, SHARES_ASK_MS / 2);
    assert_sharing(&w, "abc");
    world_uninit(&w);
}

/* Each time it takes twice as long, up to a minute; after ten minutes in peace
 * it is as the first time. */
static void
who_comes_and_goes_waits_longer(void **state OVS_UNUSED)
{
    static const int expected_s[] = { 20, 40, 60, 60, 60 };
    struct world w;

    world_init_sharing(&w, 2);
    for (size_t i = 0; i < ARRAY_SIZE(expected_s); i++) {
        w.m[1].beats = false;
        pass(&w, SHARES_SILENT_MS);
        assert_sharing(&w, "a");
        w.m[1].beats = true;
        pass(&w, expected_s[i] * 1000);
        assert_sharing(&w, "a");
        pass(&w, SHARES_ASK_MS / 2);
        assert_sharing(&w, "ab");
    }
    pass(&w, SHARES_FAILED_MS);
    w.m[1].beats = false;
    pass(&w, SHARES_SILENT_MS);
    w.m[1].beats = true;
    pass(&w, 2 * SHARES_READY_MS + SHARES_ASK_MS / 2);
    assert_sharing(&w, "ab");
    world_uninit(&w);
}

/* At once: it says so itself, or another one does. */
static void
who_ends_goes_at_once(void **state OVS_UNUSED)
{
    struct world w;

    world_init_sharing(&w, 5);
    w.m[1].run = 0;
    w.m[2].weight = 0;
    w.m[3].listed = false;
    start(&w, 4);
    ask(&w);
    assert_sharing(&w, "a");
    assert_int_equal(w.n_published, 3);

    /* Of these "b" had ended before, and "d" is another one. */
    start(&w, 1);
    w.m[2].weight = 20;
    start(&w, 3);
    ask(&w);
    pass(&w, SHARES_READY_MS);
    assert_sharing(&w, "abd");
    pass(&w, SHARES_READY_MS);
    assert_sharing(&w, "abcde");
    assert_int_equal(shares_find(&w.shares, "c")->weight, 20);
    world_uninit(&w);
}

static void
weight_changes_at_once(void **state OVS_UNUSED)
{
    struct world w;

    world_init_sharing(&w, 2);
    w.m[1].weight = 1;
    ask(&w);
    assert_int_equal(shares_find(&w.shares, "b")->weight, 1);
    world_uninit(&w);
}

static void
who_lacks_batches_gets_no_share(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w, 2);
    w.m[1].lag_ms = SHARES_LAG_MAX_MS + SHARES_ASK_MS;
    pass(&w, 60000);
    assert_sharing(&w, "a");
    w.m[1].lag_ms = SHARES_LAG_MAX_MS;
    pass(&w, SHARES_READY_MS + SHARES_ASK_MS);
    assert_sharing(&w, "ab");
    /* Who has one keeps it: to move its hosts costs more than to wait. */
    w.m[1].lag_ms = 10 * SHARES_LAG_MAX_MS;
    pass(&w, 60000);
    assert_sharing(&w, "ab");
    world_uninit(&w);
}

/* The writer has a share only if nobody else can have one. */
static void
writer_of_weight_0_has_no_share(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w, 2);
    w.m[0].weight = 0;
    ask(&w);
    assert_int_equal(w.n_published, 0);
    pass(&w, SHARES_READY_MS);
    assert_sharing(&w, "b");
    w.m[1].run = 0;
    ask(&w);
    assert_sharing(&w, "");
    world_uninit(&w);
}

/* A new writer leaves shares as they are, but for that of the former one,
 * which ends. */
static void
takeover_moves_what_the_former_writer_had(void **state OVS_UNUSED)
{
    struct world w;

    world_init_sharing(&w, 3);
    shares_policy_uninit(&w.policy);
    shares_policy_init(&w.policy, 1000);
    w.writer = 1;
    w.policy.former_run = w.m[0].run;
    ask(&w);
    assert_sharing(&w, "bc");
    assert_int_equal(w.n_published, 3);
    /* It is none that may come back, whatever its row says. */
    pass(&w, 60000);
    assert_sharing(&w, "bc");
    start(&w, 0);
    ask(&w);
    pass(&w, SHARES_READY_MS);
    assert_sharing(&w, "abc");
    world_uninit(&w);
}

/* One that slept has heard nobody for as long. */
static void
writer_that_slept_takes_nobody_for_gone(void **state OVS_UNUSED)
{
    struct world w;

    world_init_sharing(&w, 3);
    for (int i = 1; i < 3; i++) {
        w.m[i].beats = false;
    }
    w.now_ms += 3600000;
    ask(&w);
    pass(&w, SHARES_SILENT_MS - SHARES_ASK_MS);
    assert_sharing(&w, "abc");
    w.m[1].beats = true;
    pass(&w, SHARES_ASK_MS);
    assert_sharing(&w, "ab");
    world_uninit(&w);
}

static void
longer_leases_bear_longer_silence(void **state OVS_UNUSED)
{
    struct world w;

    world_init_sharing(&w, 2);
    shares_policy_uninit(&w.policy);
    shares_policy_init(&w.policy, 4000);
    ask(&w);
    w.m[1].beats = false;
    pass(&w, 10000 - SHARES_ASK_MS);
    assert_sharing(&w, "ab");
    pass(&w, SHARES_ASK_MS);
    assert_sharing(&w, "a");
    world_uninit(&w);
}

/* Generations.  ----------------------------------------------------------- */

static void
generations_grow(void **state OVS_UNUSED)
{
    uint64_t first = shares_first_generation(EPOCH);
    uint64_t last = shares_first_generation(EPOCH + 1) - 1;

    assert_int_equal(shares_next_generation(0, EPOCH), first + 1);
    assert_int_equal(shares_next_generation(first + 1, EPOCH), first + 2);
    assert_int_equal(shares_next_generation(first + 7, EPOCH + 1), last + 2);
    assert_int_equal(shares_next_generation(last - 1, EPOCH), last);
    assert_int_equal(shares_next_generation(last, EPOCH), 0);
    /* JSON has to pass them on. */
    assert_true(shares_next_generation(0, SHARES_EPOCH_MAX)
                < UINT64_C(1) << 53);
    assert_int_equal(shares_next_generation(0, SHARES_EPOCH_MAX + 1), 0);
    assert_true(shares_first_generation(SHARES_EPOCH_MAX + 1)
                > shares_first_generation(SHARES_EPOCH_MAX));
    assert_true(shares_first_generation(INT64_C(1) << 53) <= INT64_MAX);
}

static void
generations_from_outside_are_bounded(void **state OVS_UNUSED)
{
    int64_t first = shares_first_generation(EPOCH);

    assert_true(shares_is_generation(1, EPOCH));
    assert_true(shares_is_generation(first + 1, EPOCH));
    assert_true(shares_is_generation(first + 0xfffff, EPOCH));
    assert_false(shares_is_generation(first + 0x100000, EPOCH));
    assert_false(shares_is_generation(0, EPOCH));
    assert_false(shares_is_generation(-1, EPOCH));
    assert_false(shares_is_generation(INT64_MAX, EPOCH));
    assert_false(shares_is_generation(INT64_MAX, INT64_MAX));
}

static void
shares_from_outside_are_bounded(void **state OVS_UNUSED)
{
    char name[SHARES_NAME_MAX + 2];
    struct shares shares;

    memset(name, 'x', sizeof name);
    name[SHARES_NAME_MAX + 1] = '\0';
    shares_init(&shares);
    assert_false(shares_add(&shares, "a", 0, 1));
    assert_false(shares_add(&shares, "a", -1, 1));
    assert_false(shares_add(&shares, "a", 1, 0));
    assert_false(shares_add(&shares, "a", 1, INT64_MIN));
    assert_false(shares_add(&shares, "a", 1, SHARES_WEIGHT_MAX + 1));
    assert_false(shares_add(&shares, name, 1, 1));
    assert_null(shares_pick(&shares, "h"));
    for (int i = 0; i < SHARES_MAX; i++) {
        snprintf(name, sizeof name, "m%03d", i);
        assert_true(shares_add(&shares, name, 1, SHARES_WEIGHT_MAX));
    }
    assert_false(shares_add(&shares, "z", 1, 1));
    assert_non_null(shares_pick(&shares, ""));
    shares_uninit(&shares);
}

/* The hash.  -------------------------------------------------------------- */

#define N_HOSTS 10000

/* Sets, for each of these hosts, which of the shares it is in, by the first
 * letter of a member. */
static void
pick_all(const struct shares *shares, char hosts[N_HOSTS])
{
    for (int i = 0; i < N_HOSTS; i++) {
        char host[16];

        snprintf(host, sizeof host, "hv%d", i);
        hosts[i] = shares->n ? shares_pick(shares, host)->name[0] : '-';
    }
}

static void
set_shares(struct shares *shares, const char *names, const int weights[])
{
    shares_uninit(shares);
    shares_init(shares);
    for (size_t i = 0; names[i]; i++) {
        char name[2] = { names[i] };

        assert_true(shares_add(shares, name, 1, weights[i]));
    }
}

static void
hosts_are_shared_by_weight(void **state OVS_UNUSED)
{
    static const int weights[][4] = {
        { 10, 10, 10, 10 }, { 1, 1, 1, 1 }, { 10, 20, 30, 40 },
        { 100, 50, 25, 25 }, { 100, 100, 100, 5 },
    };
    static char hosts[N_HOSTS];
    struct shares shares = { .n = 0 };

    for (size_t i = 0; i < ARRAY_SIZE(weights); i++) {
        int counts[4] = { 0 }, sum = 0;

        set_shares(&shares, "abcd", weights[i]);
        pick_all(&shares, hosts);
        for (int j = 0; j < N_HOSTS; j++) {
            counts[hosts[j] - 'a']++;
        }
        for (int j = 0; j < 4; j++) {
            sum += weights[i][j];
        }
        for (int j = 0; j < 4; j++) {
            int expected = N_HOSTS * weights[i][j] / sum;

            /* Four standard deviations, about. */
            assert_true(abs(counts[j] - expected) < 180);
        }
    }
    shares_uninit(&shares);
}

/* Also who has which host is the same everywhere, and in each version: members
 * of several must agree. */
static void
members_of_all_versions_agree(void **state OVS_UNUSED)
{
    static const struct {
        const char *host, *member;
    } expected[] = {
        { "", "c" },
        { "host-0.example.net", "c" },
        { "host-10.example.net", "a" },
        { "host-116.example.net", "b" },
        { "host-117.example.net", "b" },
        { "host-39.example.net", "b" },
        { "host-43.example.net", "a" },
        { "host-47.example.net", "a" },
        { "host-62.example.net", "b" },
        { "host-73.example.net", "a" },
        { "hv1", "c" },
        { "hv2", "c" },
    };
    static const int weights[] = { 10, 5, 100 };
    struct shares shares = { .n = 0 };

    set_shares(&shares, "abc", weights);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_string_equal(shares_pick(&shares, expected[i].host)->name,
                            expected[i].member);
    }
    shares_uninit(&shares);
}

/* Whatever the order of the members. */
static void
order_does_not_matter(void **state OVS_UNUSED)
{
    static const int weights[] = { 10, 5, 30, 7 };
    static const int reverse[] = { 7, 30, 5, 10 };
    static char hosts[N_HOSTS], others[N_HOSTS];
    struct shares shares = { .n = 0 };

    set_shares(&shares, "abcd", weights);
    pick_all(&shares, hosts);
    set_shares(&shares, "dcba", reverse);
    pick_all(&shares, others);
    assert_memory_equal(hosts, others, N_HOSTS);
    shares_uninit(&shares);
}

/* What one member gains or loses no other one loses or gains. */
static void
one_change_moves_one_share(void **state OVS_UNUSED)
{
    static char before[N_HOSTS], after[N_HOSTS];
    struct shares shares = { .n = 0 };
    int weights[5] = { 10, 10, 10, 10, 10 };

    seed = 5;
    set_shares(&shares, "abcde", weights);
    pick_all(&shares, before);
    for (int step = 0; step < 20; step++) {
        int changed = rnd(5), weight = rnd(5) ? 1 + rnd(100) : 0;
        char names[6] = "";
        int present[5], n = 0, n_moved = 0;
        bool up = weight > weights[changed];

        weights[changed] = weight;
        for (int i = 0; i < 5; i++) {
            if (weights[i]) {
                names[n] = 'a' + i;
                present[n++] = weights[i];
            }
        }
        set_shares(&shares, names, present);
        pick_all(&shares, after);
        for (int i = 0; i < N_HOSTS && n; i++) {
            if (before[i] != after[i] && before[i] != '-') {
                assert_int_equal(up ? after[i] : before[i], 'a' + changed);
                n_moved++;
            }
        }
        assert_true(n_moved < N_HOSTS);
        memcpy(before, after, sizeof before);
    }
    shares_uninit(&shares);
}

/* Random histories.  ------------------------------------------------------ */

static void
hurt(struct world *w)
{
    int i = 1 + rnd(N - 1);
    struct member *m = &w->m[i];

    switch (rnd(6)) {
    case 0:
        start(w, i);
        break;
    case 1:
        m->run = 0;
        break;
    case 2:
        m->beats = !m->beats;
        break;
    case 3:
        m->listed = !m->listed;
        break;
    case 4:
        m->weight = rnd(3) * 10;
        break;
    default:
        m->lag_ms = rnd(2) * 2 * SHARES_LAG_MAX_MS;
        break;
    }
}

/* What holds at any time, right after the policy was asked. */
static void
check(const struct world *w)
{
    for (size_t i = 0; i < w->shares.n; i++) {
        const struct share *share = &w->shares.shares[i];
        const struct member *m = &w->m[share->name[0] - 'a'];

        assert_true(m->listed && m->run == share->run);
        assert_int_equal(m->weight, share->weight);
        assert_true(w->now_ms < m->heard_ms + SHARES_SILENT_MS);
    }
    assert_non_null(shares_find(&w->shares, "a"));
}

/* In the end those who are fit share all hosts, and nothing moves any more. */
static void
settle(struct world *w)
{
    unsigned n_published;

    for (int i = 0; i < N; i++) {
        w->m[i].lag_ms = 0;
    }
    pass(w, SHARES_READY_MAX_MS + SHARES_READY_MS);
    n_published = w->n_published;
    for (int i = 0; i < N; i++) {
        const struct member *m = &w->m[i];

        assert_int_equal(shares_find(&w->shares, m->name) != NULL,
                         m->listed && m->run && m->beats && m->weight);
    }
    pass(w, SHARES_READY_MAX_MS);
    assert_int_equal(w->n_published, n_published);
}

static void
random_histories(void **state OVS_UNUSED)
{
    unsigned n_published = 0;

    for (uint32_t s = 1; s <= 100; s++) {
        struct world w;

        seed = s;
        world_init(&w, 1 + rnd(N));
        for (int step = 0; step < 2000; step++) {
            w.now_ms += 1 + rnd(SHARES_ASK_MS);
            if (!rnd(20)) {
                hurt(&w);
            }
            ask(&w);
            check(&w);
        }
        settle(&w);
        n_published += w.n_published;
        world_uninit(&w);
    }
    assert_true(n_published > 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_first_and_others_once_they_last),
        cmocka_unit_test(who_is_silent_goes_and_comes_back),
        cmocka_unit_test(who_comes_and_goes_waits_longer),
        cmocka_unit_test(who_ends_goes_at_once),
        cmocka_unit_test(weight_changes_at_once),
        cmocka_unit_test(who_lacks_batches_gets_no_share),
        cmocka_unit_test(writer_of_weight_0_has_no_share),
        cmocka_unit_test(takeover_moves_what_the_former_writer_had),
        cmocka_unit_test(writer_that_slept_takes_nobody_for_gone),
        cmocka_unit_test(longer_leases_bear_longer_silence),
        cmocka_unit_test(generations_grow),
        cmocka_unit_test(generations_from_outside_are_bounded),
        cmocka_unit_test(shares_from_outside_are_bounded),
        cmocka_unit_test(hosts_are_shared_by_weight),
        cmocka_unit_test(members_of_all_versions_agree),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(one_change_moves_one_share),
        cmocka_unit_test(random_histories),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
