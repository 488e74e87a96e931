/* SPDX-License-Identifier: Apache-2.0
 *
 * Who becomes a cluster's writer: single cases, and members of which any may
 * die, sleep or lose sight of the database at any time, over a database that
 * does one thing after the other. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/cluster/lease.h"
#include "util.h"

#define NOW 1000000
#define LEASE_ANEW_MS (LEASE_MS * LEASE_ANEW)
#define LEASE_BEAT_MS (LEASE_MS / LEASE_BEATS)

static struct lease_row
row(int64_t epoch, int64_t beat, const char *holder, int64_t run,
    const char *successor)
{
    return (struct lease_row) {
        epoch, beat, CONST_CAST(char *, holder), run,
        CONST_CAST(char *, successor)
    };
}

static void
see(struct lease *lease, struct lease_row r, int64_t now_ms)
{
    lease_see(lease, &r, now_ms);
}

/* Fails unless the action is 'want', and if that is to wait, until 'wake'. */
static void
check(const struct lease *lease, bool fit, int64_t now_ms,
      enum lease_action want, int64_t wake)
{
    int64_t wake_ms;

    assert_int_equal(lease_next(lease, fit, now_ms, &wake_ms), want);
    if (want == LEASE_WAIT) {
        assert_int_equal(wake_ms, wake);
    }
}

static void
nothing_is_done_about_what_is_not_seen(void **state OVS_UNUSED)
{
    struct lease lease;

    lease_init(&lease, "a", 7, LEASE_MS);
    check(&lease, true, NOW, LEASE_WAIT, INT64_MAX);
    see(&lease, row(1, 1, "", 0, ""), NOW);
    check(&lease, true, NOW, LEASE_TAKE, 0);
    lease_lose_sight(&lease);
    check(&lease, true, NOW, LEASE_WAIT, INT64_MAX);
    lease_uninit(&lease);
}

static void
a_lease_that_nobody_holds_is_taken_at_once(void **state OVS_UNUSED)
{
    struct lease lease;

    lease_init(&lease, "a", 7, LEASE_MS);
    see(&lease, row(1, 1, "", 0, ""), NOW);
    check(&lease, false, NOW, LEASE_WAIT, INT64_MAX);
    check(&lease, true, NOW, LEASE_TAKE, 0);
    /* Unless it was handed to another one: that one is given time. */
    see(&lease, row(1, 2, "", 0, "b"), NOW);
    check(&lease, true, NOW, LEASE_WAIT, NOW + LEASE_MS);
    check(&lease, true, NOW + LEASE_MS, LEASE_TAKE, 0);
    see(&lease, row(1, 3, "", 0, "a"), NOW);
    check(&lease, true, NOW, LEASE_TAKE, 0);
    /* One that has no answer is sent again, and not for ever. */
    lease_begin(&lease, NOW);
    check(&lease, true, NOW, LEASE_WAIT, NOW + LEASE_MS / 2);
    check(&lease, true, NOW + LEASE_MS / 2, LEASE_TAKE, 0);
    for (int i = 1; i < LEASE_UNANSWERED_MAX; i++) {
        lease_begin(&lease, NOW);
    }
    check(&lease, true, NOW + LEASE_MS, LEASE_WAIT, INT64_MAX);
    for (int i = 0; i <= LEASE_UNANSWERED_MAX; i++) {
        lease_end(&lease);
    }
    check(&lease, true, NOW, LEASE_WAIT, NOW + LEASE_AGAIN_MS);
    check(&lease, true, NOW + LEASE_AGAIN_MS, LEASE_TAKE, 0);
    lease_uninit(&lease);
}

static void
a_beat_that_stands_still_is_a_dead_holder(void **state OVS_UNUSED)
{
    struct lease lease;

    lease_init(&lease, "b", 7, LEASE_MS);
    see(&lease, row(1, 1, "a", 3, ""), NOW);
    check(&lease, true, NOW, LEASE_WAIT, NOW + LEASE_ANEW_MS);
    see(&lease, row(1, 2, "a", 3, ""), NOW + 10);
    check(&lease, true, NOW + 10, LEASE_WAIT, NOW + 10 + LEASE_MS);
    /* What says nothing new changes nothing. */
    see(&lease, row(1, 2, "a", 3, ""), NOW + 500);
    check(&lease, true, NOW + 500, LEASE_WAIT, NOW + 10 + LEASE_MS);
    see(&lease, row(1, 3, "a", 3, ""), NOW + 900);
    check(&lease, true, NOW + 1500, LEASE_WAIT, NOW + 900 + LEASE_MS);
    check(&lease, true, NOW + 900 + LEASE_MS, LEASE_TAKE, 0);
    /* Sight that was lost begins anew. */
    lease_lose_sight(&lease);
    see(&lease, row(1, 3, "a", 3, ""), NOW + 9000);
    check(&lease, true, NOW + 9000, LEASE_WAIT, NOW + 9000 + LEASE_ANEW_MS);
    lease_uninit(&lease);
}

static void
a_holder_beats_and_knows_its_own_process(void **state OVS_UNUSED)
{
    int64_t wake_ms = INT64_MAX;
    struct lease lease;

    lease_init(&lease, "a", 7, LEASE_MS);
    see(&lease, row(4, 1, "a", 7, ""), NOW);
    assert_true(lease_is_held(&lease));
    check(&lease, false, NOW, LEASE_BEAT, 0);
    lease_begin(&lease, NOW);
    lease_end(&lease);
    check(&lease, false, NOW, LEASE_WAIT, NOW + LEASE_BEAT_MS);
    check(&lease, false, NOW + LEASE_BEAT_MS, LEASE_BEAT, 0);
    /* It is given up again, too, if there is no answer. */
    assert_true(lease_may_send(&lease, NOW, &wake_ms));
    lease_begin(&lease, NOW);
    assert_false(lease_may_send(&lease, NOW, &wake_ms));
    assert_int_equal(wake_ms, NOW + LEASE_MS / 2);
    assert_true(lease_may_send(&lease, NOW + LEASE_MS / 2, &wake_ms));
    lease_end(&lease);
    /* An earlier process of the same member is gone for certain. */
    see(&lease, row(4, 2, "a", 6, ""), NOW);
    assert_false(lease_is_held(&lease));
    check(&lease, true, NOW + LEASE_AGAIN_MS, LEASE_TAKE, 0);
    see(&lease, row(5, 2, "b", 7, ""), NOW);
    assert_false(lease_is_held(&lease));
    lease_uninit(&lease);
}

/* A world of members.  ---------------------------------------------------- */

#define N 5
static uint32_t seed;

static unsigned
rnd(unsigned n)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % n;
}

struct world {
    struct lease_row row;       /* The database. */
    char holder[2];
    int64_t now_ms;
    unsigned n_takings, n_beats;
    struct {
        struct lease lease;
        char name[2];
        bool alive, sight;
        int64_t asleep_ms;      /* Until then it does nothing. */
        /* A transaction that was sent, and is not done yet. */
        enum lease_action sent;
        int64_t done_ms;
        int64_t epoch, beat;    /* What it waits for. */
        int64_t mine;           /* The epoch in which it holds the lease. */
    } m[N];
};

static void
world_see(struct world *w, int i)
{
    if (w->m[i].alive && w->m[i].sight && w->now_ms >= w->m[i].asleep_ms) {
        lease_see(&w->m[i].lease, &w->row, w->now_ms);
    }
}

/* The database does what a member has sent. */
static void
world_commit(struct world *w, int i)
{
    bool take = w->m[i].sent == LEASE_TAKE;

    if (take && w->row.epoch == w->m[i].epoch
        && w->row.beat == w->m[i].beat) {
        w->row.epoch++;
        w->row.beat++;
        w->row.run = i + 1;
        ovs_strlcpy(w->holder, w->m[i].name, sizeof w->holder);
        w->n_takings++;
    } else if (!take && w->row.epoch == w->m[i].epoch) {
        w->row.beat++;
        w->n_beats++;
    }
    w->m[i].sent = LEASE_WAIT;
    lease_end(&w->m[i].lease);
}

static void
world_step(struct world *w, int i)
{
    int64_t wake_ms;

    if (!w->m[i].alive || w->now_ms < w->m[i].asleep_ms) {
        return;
    }
    if (w->m[i].sent && w->now_ms >= w->m[i].done_ms) {
        world_commit(w, i);
    }
    world_see(w, i);
    enum lease_action action = lease_next(&w->m[i].lease, true, w->now_ms,
                                          &wake_ms);
    if (action != LEASE_WAIT && w->m[i].sight) {
        w->m[i].sent = action;
        w->m[i].done_ms = w->now_ms + rnd(50);
        w->m[i].epoch = w->m[i].lease.row.epoch;
        w->m[i].beat = w->m[i].lease.row.beat;
        lease_begin(&w->m[i].lease, w->now_ms);
    }
}

static void
world_hurt(struct world *w)
{
    int i = rnd(N);

    switch (rnd(4)) {
    case 0:
        w->m[i].asleep_ms = w->now_ms + rnd(4000);
        break;
    case 1:
        w->m[i].sight = !w->m[i].sight;
        if (!w->m[i].sight) {
            lease_lose_sight(&w->m[i].lease);
            w->m[i].sent = LEASE_WAIT;
        }
        break;
    default:
        w->m[i].sight = true;
        break;
    }
}

static void
there_is_one_writer_and_in_the_end_a_live_one(void **state OVS_UNUSED)
{
    for (uint32_t s = 1; s <= 200; s++) {
        struct world w = { .now_ms = NOW };
        int64_t epoch = 0;
        unsigned n_takings;

        seed = s;
        w.row = row(0, 0, w.holder, 0, "");
        for (int i = 0; i < N; i++) {
            w.m[i].name[0] = 'a' + i;
            w.m[i].alive = w.m[i].sight = true;
            lease_init(&w.m[i].lease, w.m[i].name, i + 1, LEASE_MS);
        }
        for (int step = 0; step < 4000; step++) {
            w.now_ms += 10;
            if (!rnd(60)) {
                world_hurt(&w);
            }
            for (int i = 0; i < N; i++) {
                world_step(&w, rnd(N));
            }
            /* Nobody who may see it believes in a lease of another's. */
            for (int i = 0; i < N; i++) {
                world_see(&w, i);
                if (w.m[i].lease.seen && w.now_ms >= w.m[i].asleep_ms) {
                    assert_int_equal(lease_is_held(&w.m[i].lease),
                                     !strcmp(w.holder, w.m[i].name));
                }
            }
            assert_true(w.row.epoch >= epoch);
            epoch = w.row.epoch;
        }
        /* In peace the one who writes then goes on. */
        for (int i = 0; i < N; i++) {
            w.m[i].sight = true;
            w.m[i].asleep_ms = 0;
        }
        for (int step = 0; step < 1000; step++) {
            w.now_ms += 10;
            for (int i = 0; i < N; i++) {
                world_step(&w, i);
            }
            n_takings = step < 500 ? w.n_takings : n_takings;
        }
        assert_int_equal(w.n_takings, n_takings);
        assert_true(w.n_takings > 1 && w.n_beats > 100);
        for (int i = 0; i < N; i++) {
            lease_uninit(&w.m[i].lease);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_about_what_is_not_seen),
        cmocka_unit_test(a_lease_that_nobody_holds_is_taken_at_once),
        cmocka_unit_test(a_beat_that_stands_still_is_a_dead_holder),
        cmocka_unit_test(a_holder_beats_and_knows_its_own_process),
        cmocka_unit_test(there_is_one_writer_and_in_the_end_a_live_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
