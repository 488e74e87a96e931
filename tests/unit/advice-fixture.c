/* SPDX-License-Identifier: Apache-2.0 */

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

/* The oracle.  ----------------------------------------------------------- */

uint64_t
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

/* Returns by how much those on 'host' need too much of 'kind', or 0. */
static uint64_t
missing(const struct world *w, const size_t *at, size_t host, int kind)
{
    uint64_t capacity = w->hosts[host].capacity[kind], all = 0;

    for (size_t i = 0; i < w->request.n_vms; i++) {
        all += at[i] == host ? w->vms[i].needs[kind] : 0;
    }
    return all > capacity ? all - capacity : 0;
}

/* Returns true if those on the VM's host need too much of something that it
 * needs. */
static bool
is_short(const struct world *w, const size_t *at, size_t vm)
{
    for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
        if (w->vms[vm].needs[kind] && missing(w, at, at[vm], kind)) {
            return true;
        }
    }
    return false;
}

/* Returns true if all but capacity that binds the VM, which has moved,
 * holds. */
static bool
may_be_there(const struct world *w, const size_t *at, size_t i)
{
    const struct advice_vm *vm = &w->vms[i];

    for (size_t j = 0; j < w->request.n_vms; j++) {
        if (j != i && at[j] == at[i] && share_a_set(vm, &w->vms[j])) {
            return false;
        }
    }
    return (!vm->fixed
            && (at[i] == vm->host
                || (w->hosts[at[i]].target
                    && (!vm->hosts || bitmap_is_set(vm->hosts, at[i])))));
}

/* Returns true if all that binds those VMs that have moved holds. */
static bool
is_allowed(const struct world *w, const size_t *at)
{
    for (size_t i = 0; i < w->request.n_vms; i++) {
        if (at[i] != w->vms[i].host
            && (is_short(w, at, i) || !may_be_there(w, at, i))) {
            return false;
        }
    }
    return true;
}

/* Returns the least that bytes and moves can cost, by trying all. */
uint64_t
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

/* Returns the most that one move of the VM would save that want of room alone
 * forbids, and is worth its cost; 0 if there is none. */
static uint64_t
most_forbidden(const struct world *w, size_t *at, size_t vm, size_t *to)
{
    size_t from = at[vm];
    uint64_t before = cross_bytes(w, at), most = 0;
    uint64_t cost = from == w->vms[vm].host ? MAX(1, w->request.move_cost)
                    : 0;

    if (from == w->vms[vm].host
        && count_moved(w, at) >= w->request.max_moves) {
        return 0;
    }
    for (size_t host = 0; host < w->request.n_hosts; host++) {
        uint64_t after;

        at[vm] = host;
        after = cross_bytes(w, at);
        if (host != from && before > after + cost && before - after > most
            && is_short(w, at, vm) && may_be_there(w, at, vm)) {
            most = before - after;
            *to = host;
        }
    }
    at[vm] = from;
    return most;
}

/* Checks that moves are named that want of room alone forbids, those that
 * would save most first, where VMs are 'at'. */
static void
check_lacks(const struct world *w, const struct advice_answer *answer,
            size_t *at)
{
    uint64_t least = 0;
    size_t n = 0, n_more = 0;

    for (size_t i = 0; i < answer->n_lacks; i++) {
        const struct advice_lack *lack = &answer->lacks[i];
        size_t to = SIZE_MAX;

        assert_int_equal(lack->from, at[lack->vm]);
        assert_int_equal(lack->saved_bytes,
                         most_forbidden(w, at, lack->vm, &to));
        assert_int_equal(lack->to, to);
        at[lack->vm] = to;
        for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
            assert_int_equal(lack->missing[kind],
                             w->vms[lack->vm].needs[kind]
                             ? missing(w, at, to, kind) : 0);
        }
        at[lack->vm] = lack->from;
        assert_true(!i || lack[-1].saved_bytes > lack->saved_bytes
                    || (lack[-1].saved_bytes == lack->saved_bytes
                        && lack[-1].vm < lack->vm));
        least = lack->saved_bytes;
    }
    for (size_t vm = 0; vm < w->request.n_vms; vm++) {
        size_t to;
        uint64_t saved = most_forbidden(w, at, vm, &to);

        n += saved != 0;
        n_more += saved > least;
    }
    assert_true(n_more <= answer->n_lacks);
    assert_int_equal(answer->n_all_lacks, n);
    assert_int_equal(answer->n_lacks, MIN(n, ADVICE_LACKS_MAX));
}

/* Checks the moves one by one, and returns what all of it costs. */
uint64_t
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
    check_lacks(w, answer, at);
    return bytes + answer->n_moves * MAX(1, w->request.move_cost);
}

/* Runs in slices of 'steps', and returns what it costs. */
uint64_t
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

void
world_init(struct world *w, size_t n_hosts, size_t n_vms)
{
    memset(w, 0, sizeof *w);
    w->request = (struct advice_request) {
        .n_hosts = n_hosts, .hosts = w->hosts, .n_vms = n_vms, .vms = w->vms,
        .pairs = w->pairs, .max_moves = SIZE_MAX, .max_steps = SIZE_MAX };
    for (size_t i = 0; i < n_hosts; i++) {
        w->hosts[i] = (struct advice_host) { .target = true };
        for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
            w->hosts[i].capacity[kind] = UINT64_MAX;
        }
    }
    for (size_t i = 0; i < VMS_MAX; i++) {
        w->vms[i].needs[ADVICE_VMS] = 1;
    }
}

void
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

void
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
    for (int kind = ADVICE_VMS + 1; kind < ADVICE_N_KINDS; kind++) {
        vm->needs[kind] = chance(30) ? 0 : random_range(8);
    }
}

static void
random_host(struct advice_host *host, size_t n_vms, size_t n_hosts)
{
    host->target = chance(85);
    host->capacity[ADVICE_VMS] = chance(20) ? UINT64_MAX
                                 : 1 + (size_t) random_range(1 + n_vms / 2);
    for (int kind = ADVICE_VMS + 1; kind < ADVICE_N_KINDS; kind++) {
        if (chance(50)) {       /* 2.5 times of what all need there. */
            host->capacity[kind] = random_range(1 + 12 * n_vms / n_hosts);
        }
    }
}

/* Of a case of a number always the same. */
void
random_world(struct world *w, uint32_t seed, size_t *n_vms, size_t *n_hosts)
{
    random_set_seed(seed + 1);
    *n_hosts = 2 + random_range(3);
    *n_vms = 2 + random_range(*n_hosts == 4 ? 4 : 5);
    world_init(w, *n_hosts, *n_vms);
    for (size_t i = 0; i < *n_hosts; i++) {
        random_host(&w->hosts[i], *n_vms, *n_hosts);
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
void
add_dead_weight(struct world *w)
{
    size_t host = w->request.n_hosts++;

    w->hosts[host] = (struct advice_host) { .target = false };
    for (size_t i = 0; i <= ADVICE_EXACT_VMS_MAX; i++) {
        w->vms[w->request.n_vms++] = (struct advice_vm) {
            .host = host, .hosts = w->allowed[VMS_MAX - 1],
            .needs = { 1 } };
    }
}
