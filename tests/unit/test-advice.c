/* SPDX-License-Identifier: Apache-2.0
 *
 * Advice on where VMs are to be: small random cases against all placements
 * that there are, each judged by a plain reading of the constraints; and
 * larger ones, of which the best placement is known. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "controller/advice/advice-private.h"
#include "random.h"
#include "util.h"

#define HOSTS_MAX 40
#define VMS_MAX 200
#define PAIRS_MAX 2000
#define SETS 3

/* A case. */
struct world {
    struct advice_request request;
    struct advice_host hosts[HOSTS_MAX];
    struct advice_vm vms[VMS_MAX];
    unsigned long allowed[VMS_MAX][BITMAP_N_LONGS(HOSTS_MAX)];
    size_t apart[VMS_MAX][SETS];
    struct advice_pair pairs[PAIRS_MAX];
};

static struct world world;

/* The oracle.  ----------------------------------------------------------- */

static uint64_t
cross_bytes(const struct world *w, const size_t *at)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < w->request.n_pairs; i++) {
        const struct advice_pair *pair = &w->pairs[i];

        sum += at[pair->a] != at[pair->b] ? pair->bytes : 0;
    }
    return sum;
}

static bool
share_a_set(const struct advice_vm *a, const struct advice_vm *b)
{
    for (size_t i = 0; i < a->n_apart; i++) {
        for (size_t j = 0; j < b->n_apart; j++) {
            if (a->apart[i] == b->apart[j]) {
                return true;
            }
        }
    }
    return false;
}

static size_t
count_moved(const struct world *w, const size_t *at)
{
    size_t n = 0;

    for (size_t i = 0; i < w->request.n_vms; i++) {
        n += at[i] != w->vms[i].host;
    }
    return n;
}

/* Returns true if all that binds those VMs that have moved holds. */
static bool
is_allowed(const struct world *w, const size_t *at)
{
    for (size_t i = 0; i < w->request.n_vms; i++) {
        const struct advice_vm *vm = &w->vms[i];
        size_t n = 0;

        if (at[i] == vm->host) {
            continue;
        }
        for (size_t j = 0; j < w->request.n_vms; j++) {
            n += at[j] == at[i];
            if (j != i && at[j] == at[i] && share_a_set(vm, &w->vms[j])) {
                return false;
            }
        }
        if (vm->fixed || !w->hosts[at[i]].target
            || (vm->hosts && !bitmap_is_set(vm->hosts, at[i]))
            || n > w->hosts[at[i]].capacity) {
            return false;
        }
    }
    return true;
}

/* Returns the least that bytes and moves can cost, by trying all. */
static uint64_t
least_cost(const struct world *w, size_t n_vms, size_t n_hosts)
{
    size_t at[VMS_MAX];
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < w->request.n_vms; i++) {
        at[i] = i < n_vms ? 0 : w->vms[i].host;
    }
    for (;;) {
        size_t n = count_moved(w, at), i = 0;

        if (n <= w->request.max_moves && is_allowed(w, at)) {
            least = MIN(least, cross_bytes(w, at)
                        + n * MAX(1, w->request.move_cost));
        }
        while (i < n_vms && ++at[i] == n_hosts) {
            at[i++] = 0;
        }
        if (i == n_vms) {
            return least;
        }
    }
}

/* Checks the moves one by one, and returns what all of it costs. */
static uint64_t
check_moves(const struct world *w, const struct advice_answer *answer)
{
    size_t at[VMS_MAX];
    uint64_t bytes;

    for (size_t i = 0; i < w->request.n_vms; i++) {
        at[i] = w->vms[i].host;
    }
    bytes = cross_bytes(w, at);
    assert_int_equal(answer->cross_bytes, bytes);
    for (size_t i = 0; i < answer->n_moves; i++) {
        const struct advice_move *move = &answer->moves[i];
        bool last = i + 1 == answer->n_moves;

        assert_int_equal(at[move->vm], w->vms[move->vm].host);
        assert_int_equal(at[move->vm], move->from);
        assert_int_not_equal(move->to, move->from);
        at[move->vm] = move->to;
        bytes -= move->saved_bytes;
        assert_int_equal(cross_bytes(w, at), bytes);
        assert_int_equal(move->step, i ? answer->moves[i - 1].step
                         + (move->step != answer->moves[i - 1].step) : 0);
        if (last || answer->moves[i + 1].step != move->step) {
            assert_true(is_allowed(w, at));
        }
    }
    assert_true(answer->n_moves <= w->request.max_moves);
    assert_int_equal(answer->after_cross_bytes, bytes);
    assert_int_equal(count_moved(w, at), answer->n_moves);
    return bytes + answer->n_moves * MAX(1, w->request.move_cost);
}

/* Runs in slices of 'steps', and returns what it costs. */
static uint64_t
advise(const struct world *w, size_t steps, bool *optimal)
{
    struct advice *advice = advice_create(&w->request);
    struct advice_answer answer;
    uint64_t cost;

    while (!advice_run(advice, steps)) {
    }
    advice_answer(advice, &answer);
    cost = check_moves(w, &answer);
    assert_true(cost <= answer.cross_bytes);
    *optimal = answer.optimal;
    advice_destroy(advice);
    return cost;
}

/* Worlds.  --------------------------------------------------------------- */

static void
world_init(struct world *w, size_t n_hosts, size_t n_vms)
{
    memset(w, 0, sizeof *w);
    w->request = (struct advice_request) {
        .n_hosts = n_hosts, .hosts = w->hosts, .n_vms = n_vms, .vms = w->vms,
        .pairs = w->pairs, .max_moves = SIZE_MAX, .max_steps = SIZE_MAX };
    for (size_t i = 0; i < n_hosts; i++) {
        w->hosts[i] = (struct advice_host) { true, SIZE_MAX };
    }
}

static void
add_pair(struct world *w, size_t a, size_t b, uint64_t bytes)
{
    assert_true(w->request.n_pairs < PAIRS_MAX);
    w->pairs[w->request.n_pairs++] = (struct advice_pair) { a, b, bytes };
}

static bool
chance(int percent)
{
    return random_range(100) < percent;
}

static void
random_vm(struct world *w, size_t i, size_t n_hosts)
{
    struct advice_vm *vm = &w->vms[i];

    vm->host = random_range(n_hosts);
    vm->fixed = chance(10);
    if (chance(20)) {
        for (size_t host = 0; host < n_hosts; host++) {
            bitmap_set(w->allowed[i], host, chance(70));
        }
        vm->hosts = w->allowed[i];
    }
    for (size_t set = 0; set < SETS; set++) {
        if (chance(15)) {
            w->apart[i][vm->n_apart++] = set;
        }
    }
    vm->apart = w->apart[i];
}

/* Of a case of a number always the same. */
static void
random_world(struct world *w, uint32_t seed, size_t *n_vms, size_t *n_hosts)
{
    random_set_seed(seed + 1);
    *n_hosts = 2 + random_range(3);
    *n_vms = 2 + random_range(*n_hosts == 4 ? 4 : 5);
    world_init(w, *n_hosts, *n_vms);
    for (size_t i = 0; i < *n_hosts; i++) {
        w->hosts[i].target = chance(85);
        w->hosts[i].capacity = chance(20) ? SIZE_MAX
                               : 1 + (size_t) random_range(1 + *n_vms / 2);
    }
    for (size_t i = 0; i < *n_vms; i++) {
        random_vm(w, i, *n_hosts);
    }
    for (size_t i = 1 + random_range(10); i; i--) {
        add_pair(w, random_range(*n_vms), random_range(*n_vms),
                 random_range(1000));
    }
    w->request.move_cost = chance(50) ? 0 : random_range(300);
    w->request.max_moves = chance(70) ? SIZE_MAX : (size_t) random_range(4);
}

/* Adds VMs that can go nowhere, to a host of their own, so that there are too
 * many to try all placements. */
static void
add_dead_weight(struct world *w)
{
    size_t host = w->request.n_hosts++;

    w->hosts[host] = (struct advice_host) { false, 0 };
    for (size_t i = 0; i <= ADVICE_EXACT_VMS_MAX; i++) {
        w->vms[w->request.n_vms++] = (struct advice_vm) {
            .host = host, .hosts = w->allowed[VMS_MAX - 1] };
    }
}

/* Tests.  ---------------------------------------------------------------- */

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
        world.hosts[i % N].capacity = 3;
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
    world.hosts[0].capacity = world.hosts[1].capacity = 2;
    for (size_t i = 0; i < 4; i++) {
        world.vms[i].host = i / 2;
        world.vms[i].fixed = i % 2;
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
        world.vms[i] = (struct advice_vm) { .host = i, .n_apart = 1,
                                            .apart = set };
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
            .host = i > 0, .n_apart = i ? 1 : 2,
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
            world.hosts[i].capacity = 8;
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

        w->vms[i] = (struct advice_vm) { .host = host, .n_apart = n_apart,
                                         .apart = sets[i] };
        for (size_t k = 0; k < n_apart; k++) {
            sets[i][k] = 8 * i + k;
        }
        w->hosts[host].capacity = host ? 6 : 10;
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
            /* And the order, of each pair of moves. */
            assert_in_range(count_steps(&world), bound, bound + 50000);
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
        cmocka_unit_test(apart_is_apart),
        cmocka_unit_test(several_make_room_for_one),
        cmocka_unit_test(same_question_same_answer),
        cmocka_unit_test(huge_counts_do_not_overflow),
        cmocka_unit_test(work_is_bounded),
        cmocka_unit_test(sets_are_work),
        cmocka_unit_test(nothing_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
