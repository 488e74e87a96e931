/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of which hosts are not in the share of members that cannot reach them
 * (cluster-reach.c), and of what shares say of that (cluster-shares.c). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/cluster/cluster-reach.h"
#include "controller/cluster/cluster-shares.h"
#include "sset.h"
#include "util.h"

#define N 3
#define ASK_MS 500

/* Members "a", "b" and "c", as the writer sees them. */
struct world {
    struct reach reach;
    struct shares shares;       /* As published. */
    struct sset lost[N];        /* What each says it cannot reach. */
    bool shares_hosts[N];
    int64_t now_ms;
    int n_published;
};

static const char *const names[N] = { "a", "b", "c" };

static void
world_init(struct world *w)
{
    *w = (struct world) { .now_ms = 1000 };
    reach_init(&w->reach);
    for (int i = 0; i < N; i++) {
        sset_init(&w->lost[i]);
        w->shares_hosts[i] = true;
    }
}

static void
world_uninit(struct world *w)
{
    for (int i = 0; i < N; i++) {
        sset_destroy(&w->lost[i]);
    }
    shares_uninit(&w->shares);
    reach_uninit(&w->reach);
}

static void
ask(struct world *w)
{
    struct shares_member members[N];
    struct shares next;
    char *before, *after;

    shares_init(&next);
    for (int i = 0; i < N; i++) {
        members[i] = (struct shares_member) {
            .name = names[i], .run = 1, .unreachable = &w->lost[i],
        };
        if (w->shares_hosts[i]) {
            assert_true(shares_add(&next, names[i], 1, 10));
        }
    }
    reach_ask(&w->reach, &w->shares, members, N, w->now_ms, &next);
    before = shares_print_excluded(&w->shares);
    after = shares_print_excluded(&next);
    w->n_published += strcmp(before, after) != 0;
    free(before);
    free(after);
    shares_uninit(&w->shares);
    w->shares = next;
}

static void
pass(struct world *w, int64_t ms)
{
    for (int64_t end_ms = w->now_ms + ms; w->now_ms < end_ms; ) {
        w->now_ms += ASK_MS;
        ask(w);
    }
}

static void
assert_excluded(const struct world *w, const char *expected)
{
    char *text = shares_print_excluded(&w->shares);

    assert_string_equal(text, expected);
    free(text);
}

/* Returns a host that is in the share of 'name', of all. */
static const char *
host_of(const struct world *w, const char *name)
{
    static char host[16];

    for (int i = 0; ; i++) {
        snprintf(host, sizeof host, "hv%d", i);
        if (!strcmp(shares_pick(&w->shares, host)->name, name)) {
            return host;
        }
    }
}

static void
another_member_takes_it(void **state OVS_UNUSED)
{
    struct world w;
    const char *host;
    char expected[32];

    world_init(&w);
    ask(&w);
    host = host_of(&w, "b");
    snprintf(expected, sizeof expected, "%s b\n", host);
    sset_add(&w.lost[1], host);
    pass(&w, REACH_LOST_MS);
    assert_string_equal(shares_pick(&w.shares, host)->name, "b");
    pass(&w, ASK_MS);
    assert_excluded(&w, expected);
    assert_string_not_equal(shares_pick(&w.shares, host)->name, "b");
    /* Other hosts stay where they were. */
    assert_string_equal(shares_pick(&w.shares, host_of(&w, "b"))->name, "b");

    /* It has it again once it has reached it for some time. */
    sset_clear(&w.lost[1]);
    pass(&w, REACH_BACK_MS);
    assert_excluded(&w, expected);
    pass(&w, ASK_MS);
    assert_excluded(&w, "");
    pass(&w, 2 * REACH_BACK_MS);
    assert_int_equal(w.n_published, 2);
    world_uninit(&w);
}

static void
host_that_nobody_reaches_stays(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w);
    ask(&w);
    /* They do not say so in the same moment. */
    for (int i = 0; i < N; i++) {
        pass(&w, (REACH_LOST_MS - ASK_MS) / N);
        sset_add(&w.lost[i], "h");
    }
    pass(&w, 60000);
    /* Nor does it come back to all in the same moment. */
    for (int i = 0; i < N; i++) {
        sset_clear(&w.lost[i]);
        pass(&w, (REACH_LOST_MS - ASK_MS) / (N - 1));
    }
    pass(&w, 60000);
    assert_int_equal(w.n_published, 0);
    world_uninit(&w);
}

static void
host_that_one_reaches_again(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w);
    for (int i = 0; i < N; i++) {
        sset_add(&w.lost[i], "h");
    }
    pass(&w, 60000);
    sset_clear(&w.lost[2]);
    pass(&w, REACH_LOST_MS);
    assert_excluded(&w, "");
    pass(&w, ASK_MS);
    assert_excluded(&w, "h a b\n");
    assert_string_equal(shares_pick(&w.shares, "h")->name, "c");
    /* And none. */
    sset_add(&w.lost[2], "h");
    pass(&w, 2 * REACH_LOST_MS);
    assert_excluded(&w, "h a b\n");
    /* Whoever reaches it then has it at once. */
    sset_clear(&w.lost[0]);
    pass(&w, ASK_MS);
    assert_excluded(&w, "h b\n");
    pass(&w, REACH_LOST_MS);
    assert_excluded(&w, "h b c\n");
    assert_string_equal(shares_pick(&w.shares, "h")->name, "a");
    world_uninit(&w);
}

/* Which has it while another one has just come back to it. */
static void
loss_that_goes_round(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w);
    w.shares_hosts[2] = false;
    pass(&w, REACH_LOST_MS);
    sset_add(&w.lost[0], "h");
    pass(&w, 2 * REACH_LOST_MS);
    sset_clear(&w.lost[0]);
    pass(&w, REACH_LOST_MS);
    assert_excluded(&w, "h a\n");
    sset_add(&w.lost[1], "h");
    pass(&w, 2 * ASK_MS);
    assert_string_equal(shares_pick(&w.shares, "h")->name, "a");
    world_uninit(&w);
}

/* Of what it had lost it has nothing before it has reached that. */
static void
member_that_is_started_again(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w);
    sset_add(&w.lost[1], "h");
    pass(&w, 2 * REACH_LOST_MS);
    assert_excluded(&w, "h b\n");
    w.shares_hosts[1] = false;
    sset_clear(&w.lost[1]);
    pass(&w, REACH_LOST_MS);
    assert_excluded(&w, "");
    w.shares_hosts[1] = true;
    pass(&w, ASK_MS);
    assert_excluded(&w, "h b\n");
    sset_add(&w.lost[1], "h");
    pass(&w, 2 * REACH_BACK_MS);
    assert_excluded(&w, "h b\n");
    world_uninit(&w);
}

static void
short_loss_is_none(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w);
    pass(&w, REACH_LOST_MS);
    for (int i = 0; i < 20; i++) {
        sset_add(&w.lost[0], "h");
        pass(&w, REACH_LOST_MS - ASK_MS);
        sset_clear(&w.lost[0]);
        pass(&w, ASK_MS);
    }
    assert_int_equal(w.n_published, 0);
    /* One that was excluded stays so as long as it comes and goes. */
    sset_add(&w.lost[0], "h");
    pass(&w, REACH_LOST_MS + ASK_MS);
    assert_excluded(&w, "h a\n");
    for (int i = 0; i < 20; i++) {
        sset_clear(&w.lost[0]);
        pass(&w, REACH_BACK_MS / 2);
        sset_add(&w.lost[0], "h");
        pass(&w, ASK_MS);
    }
    assert_int_equal(w.n_published, 1);
    world_uninit(&w);
}

static void
member_without_a_share_has_no_say(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w);
    w.shares_hosts[2] = false;
    sset_add(&w.lost[0], "h");
    sset_add(&w.lost[1], "h");
    pass(&w, 60000);
    assert_excluded(&w, "");
    /* It has one, and has not been able to say anything yet. */
    w.shares_hosts[2] = true;
    pass(&w, REACH_LOST_MS);
    assert_excluded(&w, "");
    pass(&w, ASK_MS);
    assert_excluded(&w, "h a b\n");
    /* None is excluded that has no share. */
    w.shares_hosts[0] = false;
    pass(&w, ASK_MS);
    assert_excluded(&w, "h b\n");
    world_uninit(&w);
}

/* It knows only what was published. */
static void
next_writer_goes_on(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w);
    ask(&w);
    sset_add(&w.lost[0], "h2");
    sset_add(&w.lost[1], "h1");
    sset_add(&w.lost[1], "h2");
    pass(&w, REACH_LOST_MS + ASK_MS);
    assert_excluded(&w, "h1 b\nh2 a b\n");
    reach_uninit(&w.reach);
    reach_init(&w.reach);
    sset_clear(&w.lost[1]);
    pass(&w, REACH_BACK_MS);
    assert_excluded(&w, "h1 b\nh2 a b\n");
    pass(&w, ASK_MS);
    assert_excluded(&w, "h2 a\n");
    world_uninit(&w);
}

/* The text comes from the database. */
static void
text_of_exclusions(void **state OVS_UNUSED)
{
    static const struct {
        const char *text, *means;
    } cases[] = {
        { "", "" },
        { "h1 a\nh2 b c\n", "h1 a\nh2 b c\n" },
        { "h1 a", "h1 a\n" },
        { "h1\nh2 \n \n\nh3 c\n", "h3 c\n" },
        { "h1 x a y\n", "h1 a\n" },
        { "h1 a a b\nh1 c\n", "h1 a b c\n" },
        /* In order, since they are searched. */
        { "h2 a\nh1 b\nh3 c\n", "h2 a\nh3 c\n" },
    };
    struct shares shares, copy;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text;

        shares_init(&shares);
        for (int j = 0; j < N; j++) {
            assert_true(shares_add(&shares, names[j], 1, 10));
        }
        shares_parse_excluded(&shares, cases[i].text);
        shares_clone(&copy, &shares);
        shares_uninit(&shares);
        text = shares_print_excluded(&copy);
        assert_string_equal(text, cases[i].means);
        free(text);
        shares_uninit(&copy);
    }
    /* And bounded. */
    shares_init(&shares);
    assert_true(shares_add(&shares, "a", 1, 10));
    for (int i = 0; i < SHARES_EXCLUDED_MAX + 2; i++) {
        char host[16];

        snprintf(host, sizeof host, "h%05d", i);
        assert_int_equal(shares_exclude(&shares, host, "a"),
                         i < SHARES_EXCLUDED_MAX);
    }
    assert_non_null(shares_pick(&shares, "h00000"));
    shares_uninit(&shares);
}

/* Whoever has it, it is not one of those that are excluded. */
static void
picks_leave_the_excluded_out(void **state OVS_UNUSED)
{
    struct world w;

    world_init(&w);
    ask(&w);
    for (int i = 0; i < 500; i++) {
        char host[16];

        snprintf(host, sizeof host, "hv%03d", i);
        for (int j = 0; j < N; j++) {
            if ((i * 7 / N) >> j & 1) {
                shares_exclude(&w.shares, host, names[j]);
            }
        }
    }
    for (int i = 0; i < 500; i++) {
        int excluded = (i * 7 / N) & 7;
        const struct share *share;
        char host[16];

        snprintf(host, sizeof host, "hv%03d", i);
        share = shares_pick(&w.shares, host);
        assert_true(excluded == 7
                    || !(excluded >> (share->name[0] - 'a') & 1));
    }
    world_uninit(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_member_takes_it),
        cmocka_unit_test(host_that_nobody_reaches_stays),
        cmocka_unit_test(host_that_one_reaches_again),
        cmocka_unit_test(loss_that_goes_round),
        cmocka_unit_test(member_that_is_started_again),
        cmocka_unit_test(short_loss_is_none),
        cmocka_unit_test(member_without_a_share_has_no_say),
        cmocka_unit_test(next_writer_goes_on),
        cmocka_unit_test(text_of_exclusions),
        cmocka_unit_test(picks_leave_the_excluded_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
