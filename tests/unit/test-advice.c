/* SPDX-License-Identifier: Apache-2.0
 *
 * Advice on where VMs are to be: small random cases against all placements
 * that there are, each judged by a plain reading of the constraints
 * (advice-fixture.h); and larger ones, of which the best placement is
 * known. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "tests/unit/advice-fixture.h"
#include "util.h"

static struct world world;

static void
few_vms_are_where_they_are_best(void **state OVS_UNUSED)
{
    size_t n_vms, n_hosts;
    uint64_t least;
    bool optimal;

    for (uint32_t seed = 0; seed < 3000; seed++) {
        random_world(&world, seed, &n_vms, &n_hosts);
        least = least_cost(&world, n_vms, n_hosts);
        assert_int_equal(advise(&world, SIZE_MAX / 2, &optimal), least);
        assert_true(optimal);
    }
}

/* Without trying all placements it finds 95 % of what can be saved. */
static void
changes_alone_come_close(void **state OVS_UNUSED)
{
    uint64_t saved = 0, savable = 0;
    size_t n_vms, n_hosts, n_best = 0, n_cases = 3000;
    bool optimal;

    for (uint32_t seed = 0; seed < n_cases; seed++) {
        uint64_t least, cost, before;
        size_t at[VMS_MAX];

        random_world(&world, seed, &n_vms, &n_hosts);
        add_dead_weight(&world);
        for (size_t i = 0; i < world.request.n_vms; i++) {
            at[i] = world.vms[i].host;
        }
        before = cross_bytes(&world, at);
        least = least_cost(&world, n_vms, n_hosts);
        cost = advise(&world, 1, &optimal);
        assert_true(cost >= least);
        assert_false(optimal);
        saved += before - cost;
        savable += before - least;
        n_best += cost == least;
    }
    if (getenv("VMN_TEST_SHOW")) {
        print_message("%"PRIuSIZE" of %"PRIuSIZE" are the best; %.4f of what "
                      "can be saved\n", n_best, n_cases,
                      (double) saved / (double) savable);
    }
    assert_true(saved * 100 >= savable * 95);
}

/* Threes that talk, one on each host, and no room to spare: only exchanges
 * bring them together. */
static void
full_hosts_exchange_vms(void **state OVS_UNUSED)
{
    enum { N = 30 };
    bool optimal;
    uint64_t cost;

    world_init(&world, N, 3 * N);
    for (size_t i = 0; i < 3 * N; i++) {
        world.vms[i].host = i % N;
        world.hosts[i % N].capacity[ADVICE_VMS] = 3;
        add_pair(&world, i, i / 3 * 3 + (i + 1) % 3, 1000);
    }
    cost = advise(&world, 1000, &optimal);
    assert_true(cost <= 3 * N); /* The moves alone. */
    assert_false(optimal);
}

/* Two that talk, on two full hosts, meet on a third one. */
static void
two_meet_on_a_third_host(void **state OVS_UNUSED)
{
    bool optimal;

    world_init(&world, 3, 4);
    world.hosts[0].capacity[ADVICE_VMS] = 2;
    world.hosts[1].capacity[ADVICE_VMS] = 2;
    for (size_t i = 0; i < 4; i++) {
        world.vms[i].host = i / 2;
        world.vms[i].fixed = i % 2;
    }
    add_pair(&world, 0, 2, 1000);
    add_dead_weight(&world);
    assert_int_equal(advise(&world, 1, &optimal), 2);
}

/* They meet where there is most room for such VMs: not where VMs are few, and
 * one of these has all the memory but a bit; nor does it matter that there is
 * none of what they do not need. */
static void
two_meet_where_there_is_memory(void **state OVS_UNUSED)
{
    enum { FULL = 6, ROOMY = FULL + 2, SMALL = 10 };
    bool optimal;

    world_init(&world, ROOMY + 1, 4 + FULL + SMALL);
    for (size_t i = 0; i < 4; i++) {
        world.vms[i].host = i / 2;
        world.vms[i].fixed = i % 2;
        world.vms[i].needs[ADVICE_MEMORY] = 4;
    }
    for (size_t i = 4; i < 4 + FULL + SMALL; i++) {
        world.vms[i].host = i < 4 + FULL ? i - 2 : ROOMY;
        world.vms[i].fixed = true;
        world.vms[i].needs[ADVICE_MEMORY] = i < 4 + FULL ? 99 : 1;
    }
    for (size_t i = 0; i <= ROOMY; i++) {
        world.hosts[i].capacity[ADVICE_MEMORY] = i < 2 ? 8 : 100;
        world.hosts[i].capacity[ADVICE_DISK] = 0;
    }
    add_pair(&world, 0, 2, 1000);
    add_dead_weight(&world);
    assert_int_equal(advise(&world, 1, &optimal), 2);
}

/* Replicas that are to be apart stay apart, however much they talk. */
static void
apart_is_apart(void **state OVS_UNUSED)
{
    static const size_t set[] = { 7 };
    struct advice_answer answer;
    struct advice *advice;

    world_init(&world, 2, 3);
    for (size_t i = 0; i < 2; i++) {
        world.vms[i] = (struct advice_vm) { .host = i, .needs = { 1 },
                                            .n_apart = 1, .apart = set };
    }
    world.vms[2].host = 0;
    add_pair(&world, 0, 1, 1000000);
    add_pair(&world, 1, 2, 10);
    advice = advice_create(&world.request);
    assert_true(advice_run(advice, SIZE_MAX / 2));
    advice_answer(advice, &answer);
    assert_int_equal(answer.n_moves, 1);
    assert_int_equal(answer.moves[0].vm, 2);
    assert_int_equal(answer.moves[0].saved_bytes, 10);
    assert_int_equal(answer.after_cross_bytes, 1000000);
    advice_destroy(advice);
}

/* A VM of 6 GB fits on the other host once two of 3 have left it, and these
 * fit where it was: all three move together. */
static void
small_ones_make_room_for_a_large_one(void **state OVS_UNUSED)
{
    struct advice_answer answer;
    struct advice *advice;

    world_init(&world, 2, 5);
    for (size_t i = 0; i < 3; i++) {
        world.vms[i].host = i > 0;
        world.vms[i].needs[ADVICE_MEMORY] = i ? 3 : 6;
        add_pair(&world, i, i ? 3 : 4, 1000);
    }
    world.vms[3].fixed = world.vms[4].fixed = true;
    world.vms[4].host = 1;
    world.hosts[0].capacity[ADVICE_MEMORY] = 7;
    world.hosts[1].capacity[ADVICE_MEMORY] = 6;
    advice = advice_create(&world.request);
    assert_true(advice_run(advice, SIZE_MAX / 2));
    advice_answer(advice, &answer);
    check_moves(&world, &answer);
    assert_int_equal(answer.n_moves, 3);
    assert_int_equal(answer.moves[2].step, 0);
    assert_int_equal(answer.after_cross_bytes, 0);
    assert_int_equal(answer.n_all_lacks, 0);
    advice_destroy(advice);
}

/* Of more VMs than are listed that have no room those are that would save
 * most; and one that needs nothing of what is lacking moves. */
static void
want_of_room_is_named(void **state OVS_UNUSED)
{
    enum { N = ADVICE_LACKS_MAX + 5 };
    struct advice_answer answer;
    struct advice *advice;

    world_init(&world, 2, N + 2);
    for (size_t i = 1; i <= N; i++) {
        world.vms[i].host = 1;
        world.vms[i].needs[ADVICE_VCPUS] = 4;
        world.vms[i].needs[ADVICE_DISK] = 1000;
        add_pair(&world, 0, i, 1000 * i);
    }
    world.vms[0].fixed = true;
    world.vms[0].needs[ADVICE_VCPUS] = 2;
    world.vms[N + 1].host = 1;
    world.hosts[0].capacity[ADVICE_VCPUS] = 1;
    world.hosts[0].capacity[ADVICE_MEMORY] = 0;
    world.hosts[0].capacity[ADVICE_DISK] = 1000;
    add_pair(&world, 0, N + 1, 7);
    advice = advice_create(&world.request);
    while (!advice_run(advice, 1)) {
    }
    advice_answer(advice, &answer);
    check_moves(&world, &answer);
    assert_int_equal(answer.n_moves, 1);
    assert_int_equal(answer.moves[0].vm, N + 1);
    assert_int_equal(answer.n_all_lacks, N);
    assert_int_equal(answer.n_lacks, ADVICE_LACKS_MAX);
    assert_int_equal(answer.lacks[0].vm, N);
    assert_int_equal(answer.lacks[0].to, 0);
    assert_int_equal(answer.lacks[0].saved_bytes, 1000 * N);
    assert_int_equal(answer.lacks[0].missing[ADVICE_VMS], 0);
    assert_int_equal(answer.lacks[0].missing[ADVICE_VCPUS], 5);
    assert_int_equal(answer.lacks[0].missing[ADVICE_DISK], 0);
    advice_destroy(advice);
}

/* One takes the place of two, each of which it is to be apart from, and they
 * its place: all three move together. */
static void
several_make_room_for_one(void **state OVS_UNUSED)
{
    static const size_t sets[] = { 1, 2 };
    struct advice_answer answer;
    struct advice *advice;

    world_init(&world, 2, 5);
    for (size_t i = 0; i < 3; i++) {
        world.vms[i] = (struct advice_vm) {
            .host = i > 0, .needs = { 1 }, .n_apart = i ? 1 : 2,
            .apart = i == 2 ? &sets[1] : sets };
        add_pair(&world, i, i ? 3 : 4, 1000);
    }
    world.vms[3].fixed = world.vms[4].fixed = true;
    world.vms[4].host = 1;
    advice = advice_create(&world.request);
    assert_true(advice_run(advice, SIZE_MAX / 2));
    advice_answer(advice, &answer);
    check_moves(&world, &answer);
    assert_int_equal(answer.n_moves, 3);
    assert_int_equal(answer.moves[2].step, 0);
    assert_int_equal(answer.after_cross_bytes, 0);
    advice_destroy(advice);
}

static int
compare_moves(const struct advice_answer *a, const struct advice_answer *b)
{
    return (a->n_moves != b->n_moves
            || memcmp(a->moves, b->moves, a->n_moves * sizeof *a->moves));
}

/* In whichever order pairs come, and however long slices are. */
static void
same_question_same_answer(void **state OVS_UNUSED)
{
    for (uint32_t seed = 0; seed < 20; seed++) {
        struct advice *first, *second;
        struct advice_answer a, b;

        random_set_seed(seed + 1);
        world_init(&world, 12, 80);
        for (size_t i = 0; i < 12; i++) {
            world.hosts[i].capacity[ADVICE_VMS] = 8;
            world.hosts[i].capacity[ADVICE_MEMORY] = 30;
        }
        for (size_t i = 0; i < 80; i++) {
            random_vm(&world, i, 12);
        }
        for (size_t i = 0; i < 300; i++) {
            add_pair(&world, random_range(80), random_range(80),
                     random_range(1000));
        }
        first = advice_create(&world.request);
        while (!advice_run(first, SIZE_MAX / 2)) {
        }
        advice_answer(first, &a);
        check_moves(&world, &a);
        for (size_t i = 0; i < 150; i++) {
            struct advice_pair swap = world.pairs[i];

            world.pairs[i] = world.pairs[299 - i];
            world.pairs[299 - i] = (struct advice_pair) { swap.b, swap.a,
                                                          swap.bytes };
        }
        second = advice_create(&world.request);
        while (!advice_run(second, 1)) {
        }
        advice_answer(second, &b);
        assert_int_equal(compare_moves(&a, &b), 0);
        assert_true(a.n_moves > 0);
        advice_destroy(first);
        advice_destroy(second);
    }
}

/* Counters are what hosts say. */
static void
huge_counts_do_not_overflow(void **state OVS_UNUSED)
{
    struct advice_answer answer;
    struct advice *advice;

    world_init(&world, 2, 3);
    world.vms[1].host = world.vms[2].host = 1;
    add_pair(&world, 0, 1, UINT64_MAX);
    add_pair(&world, 0, 2, UINT64_MAX);
    world.request.move_cost = UINT64_MAX;
    advice = advice_create(&world.request);
    assert_true(advice_run(advice, SIZE_MAX / 2));
    advice_answer(advice, &answer);
    assert_int_equal(answer.n_moves, 1);
    assert_int_equal(answer.after_cross_bytes, 0);
    advice_destroy(advice);
    /* None of them takes what the others may have. */
    world.vms[2].host = 0;
    advice = advice_create(&world.request);
    assert_true(advice_run(advice, SIZE_MAX / 2));
    advice_answer(advice, &answer);
    assert_int_equal(answer.cross_bytes, UINT64_C(1) << 60);
    advice_destroy(advice);
}

/* A few that talk with all, on one full host: each change has all of them be
 * looked at again. */
static void
make_hubs(struct world *w, size_t n_apart)
{
    static size_t sets[VMS_MAX][8]; /* Of each VM other ones. */

    random_set_seed(1);
    world_init(w, HOSTS_MAX, VMS_MAX);
    for (size_t i = 0; i < VMS_MAX; i++) {
        size_t host = i < 10 ? 0 : 1 + i % (HOSTS_MAX - 1);

        w->vms[i] = (struct advice_vm) { .host = host, .needs = { 1 },
                                         .n_apart = n_apart,
                                         .apart = sets[i] };
        for (size_t k = 0; k < n_apart; k++) {
            sets[i][k] = 8 * i + k;
        }
        w->hosts[host].capacity[ADVICE_VMS] = host ? 6 : 10;
    }
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        add_pair(w, i % 10, 10 + random_range(VMS_MAX - 10),
                 1 + random_range(1000));
    }
}

/* Returns how many steps an answer takes, and checks that none of the slices
 * takes many: all else waits for it. */
static size_t
count_steps(const struct world *w)
{
    struct advice *advice = advice_create(&w->request);
    struct advice_answer answer;
    size_t n = 0;

    while (!advice_run(advice, 1)) {
        assert_true(advice->steps - n < 4000);
        n = advice->steps;
    }
    advice_answer(advice, &answer);
    check_moves(w, &answer);
    n = advice->steps;
    advice_destroy(advice);
    return n;
}

static void
work_is_bounded(void **state OVS_UNUSED)
{
    size_t begin, all, bound;

    for (size_t n_apart = 0; n_apart <= 8; n_apart += 8) {
        make_hubs(&world, n_apart);
        all = count_steps(&world);
        world.request.max_steps = 0;
        begin = count_steps(&world);
        for (bound = 2 * begin; bound < all; bound += all / 10) {
            world.request.max_steps = bound;
            /* And the order, of each pair of moves, and who has no room. */
            assert_in_range(count_steps(&world), bound, bound + 70000);
        }
        assert_true(bound > 3 * begin); /* It was a bound. */
    }
}

/* Looks at sets are steps as well. */
static void
sets_are_work(void **state OVS_UNUSED)
{
    size_t without, with;

    make_hubs(&world, 0);
    world.request.max_steps = 0;
    without = count_steps(&world);
    make_hubs(&world, 8);
    world.request.max_steps = 0;
    with = count_steps(&world);
    assert_true(with >= without + 8 * VMS_MAX);
}

static void
nothing_is_nothing(void **state OVS_UNUSED)
{
    bool optimal;

    world_init(&world, 0, 0);
    assert_int_equal(advise(&world, 1, &optimal), 0);
    assert_true(optimal);
    world_init(&world, 1, 1);
    assert_int_equal(advise(&world, 1, &optimal), 0);
    world.request.max_moves = 0;
    assert_int_equal(advise(&world, 1, &optimal), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_vms_are_where_they_are_best),
        cmocka_unit_test(changes_alone_come_close),
        cmocka_unit_test(full_hosts_exchange_vms),
        cmocka_unit_test(two_meet_on_a_third_host),
        cmocka_unit_test(two_meet_where_there_is_memory),
        cmocka_unit_test(apart_is_apart),
        cmocka_unit_test(small_ones_make_room_for_a_large_one),
        cmocka_unit_test(want_of_room_is_named),
        cmocka_unit_test(several_make_room_for_one),
        cmocka_unit_test(same_question_same_answer),
        cmocka_unit_test(huge_counts_do_not_overflow),
        cmocka_unit_test(work_is_bounded),
        cmocka_unit_test(sets_are_work),
        cmocka_unit_test(nothing_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
