/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of a search, and its phases in turn; see advice.h. */

#include <config.h>

#include "controller/advice/advice-private.h"

#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "hash.h"
#include "util.h"

/* Sets.  ------------------------------------------------------------------ */

static uint32_t
hash_occupancy(size_t set, size_t host)
{
    return hash_2words(set, host);
}

static struct occupancy *
find_occupancy(const struct advice *p, size_t set, size_t host)
{
    struct occupancy *o;

    HMAP_FOR_EACH_WITH_HASH (o, node, hash_occupancy(set, host),
                             &p->occupancies) {
        if (o->set == set && o->host == host) {
            return o;
        }
    }
    return NULL;
}

size_t
advice_n_of_set(struct advice *p, size_t set, size_t host, bool entered)
{
    const struct occupancy *o = find_occupancy(p, set, host);

    p->steps += STEPS_OF_SET;
    return !o ? 0 : entered ? o->n_entered : o->n;
}

static struct occupancy *
add_occupancy(struct advice *p, size_t set, size_t host)
{
    struct occupancy *o = p->unused;

    if (o) {
        p->unused = o->next_unused;
    } else {
        o = &p->pool[p->n_pool++];
    }
    *o = (struct occupancy) { .set = set, .host = host };
    hmap_insert(&p->occupancies, &o->node, hash_occupancy(set, host));
    return o;
}

/* Counts the VM on its host, or off it. */
static void
count_sets(struct advice *p, size_t vm, bool on)
{
    const struct advice_vm *v = &p->request->vms[vm];
    size_t host = p->spots[vm].host;
    size_t n = on ? 1 : SIZE_MAX; /* Adds 1, or takes it off. */

    p->steps += STEPS_OF_SET * v->n_apart;
    for (size_t i = 0; i < v->n_apart; i++) {
        struct occupancy *o = find_occupancy(p, v->apart[i], host);

        if (!o) {
            o = add_occupancy(p, v->apart[i], host);
        }
        o->n += n;
        o->n_entered += host != v->host ? n : 0;
        if (!o->n) {
            hmap_remove(&p->occupancies, &o->node);
            o->next_unused = p->unused;
            p->unused = o;
        }
    }
}

/* Where VMs are.  --------------------------------------------------------- */

int64_t
advice_bytes_to(struct advice *p, size_t vm, size_t host)
{
    const struct spot *spot = &p->spots[vm];
    int64_t bytes = 0;

    p->steps += spot->n_peers + 1;
    for (size_t i = 0; i < spot->n_peers; i++) {
        if (p->spots[spot->peers[i].vm].host == host) {
            bytes += spot->peers[i].bytes;
        }
    }
    return bytes;
}

/* Returns what the VM and those that are on other hosts than it send each
 * other. */
static int64_t
cross_bytes(struct advice *p, size_t vm)
{
    const struct spot *spot = &p->spots[vm];
    int64_t bytes = 0;

    p->steps += spot->n_peers + 1;
    for (size_t i = 0; i < spot->n_peers; i++) {
        size_t host = p->spots[spot->peers[i].vm].host;

        bytes += host == NOWHERE || host == spot->host
                 ? 0 : spot->peers[i].bytes;
    }
    return bytes;
}

/* Counts what the VM needs on its host, or off it. */
static void
count_needs(struct advice *p, size_t vm, bool on, bool moved)
{
    const uint64_t *needs = p->request->vms[vm].needs;
    struct place *place = &p->places[p->spots[vm].host];

    for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
        uint64_t more = on ? needs[kind] : -needs[kind];

        place->used[kind] += more;
        place->entered[kind] += moved ? more : 0;
    }
}

static void
take_off(struct advice *p, size_t vm)
{
    struct spot *spot = &p->spots[vm];
    struct place *place = &p->places[spot->host];
    bool moved = spot->host != p->request->vms[vm].host;

    p->cost -= cross_bytes(p, vm) + (moved ? p->move_cost : 0);
    p->n_moved -= moved;
    count_sets(p, vm, false);
    count_needs(p, vm, false, moved);
    if (spot->prev == NOWHERE) {
        place->first = spot->next;
    } else {
        p->spots[spot->prev].next = spot->next;
    }
    if (spot->next != NOWHERE) {
        p->spots[spot->next].prev = spot->prev;
    }
    spot->host = NOWHERE;
}

static void
put_on(struct advice *p, size_t vm, size_t host)
{
    struct spot *spot = &p->spots[vm];
    struct place *place = &p->places[host];
    bool moved = host != p->request->vms[vm].host;

    spot->host = host;
    p->cost += cross_bytes(p, vm) + (moved ? p->move_cost : 0);
    p->n_moved += moved;
    count_sets(p, vm, true);
    count_needs(p, vm, true, moved);
    spot->prev = NOWHERE;
    spot->next = place->first;
    if (place->first != NOWHERE) {
        p->spots[place->first].prev = vm;
    }
    place->first = vm;
}

void
advice_place(struct advice *p, size_t vm, size_t host)
{
    if (p->spots[vm].host != NOWHERE) {
        take_off(p, vm);
    }
    if (host != NOWHERE) {
        put_on(p, vm, host);
    }
}

bool
advice_may_be_on(const struct advice *p, size_t vm, size_t host)
{
    const struct advice_vm *v = &p->request->vms[vm];

    return host == v->host || (p->request->hosts[host].target
                               && (!v->hosts || bitmap_is_set(v->hosts,
                                                              host)));
}

bool
advice_is_in_set(const struct advice_vm *vm, size_t set)
{
    for (size_t i = 0; i < vm->n_apart; i++) {
        if (vm->apart[i] == set) {
            return true;
        }
    }
    return false;
}

bool
advice_has_room(const struct advice *p, size_t vm, size_t host,
                size_t leaving)
{
    const struct advice_vm *vms = p->request->vms;
    const struct place *place = &p->places[host];

    for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
        uint64_t need = vms[vm].needs[kind];
        uint64_t left = leaving == NOWHERE ? 0 : vms[leaving].needs[kind];

        if (need && place->used[kind] - left + need
                    > p->request->hosts[host].capacity[kind]) {
            return false;
        }
    }
    return true;
}

bool
advice_is_apart(struct advice *p, size_t vm, size_t host, size_t leaving)
{
    const struct advice_vm *vms = p->request->vms;

    for (size_t i = 0; i < vms[vm].n_apart; i++) {
        size_t set = vms[vm].apart[i];
        size_t n = advice_n_of_set(p, set, host, false);

        if (n > 1 || (n && (leaving == NOWHERE
                            || !advice_is_in_set(&vms[leaving], set)))) {
            return false;
        }
    }
    return true;
}

bool
advice_may_enter(struct advice *p, size_t vm, size_t host, size_t leaving)
{
    return (advice_may_be_on(p, vm, host)
            && advice_has_room(p, vm, host, leaving)
            && advice_is_apart(p, vm, host, leaving));
}

/* Phases.  ---------------------------------------------------------------- */

/* Puts one VM where it is.  Returns true after the last one. */
static bool
begin(struct advice *p)
{
    if (p->next < p->request->n_vms) {
        advice_place(p, p->next, p->request->vms[p->next].host);
        p->next++;
        return false;
    }
    p->next = 0;
    p->first_cost = p->best_cost = p->cost;
    return true;
}

static bool
one_step(struct advice *p)
{
    switch (p->phase) {
    case PHASE_LINK:
        return advice_link(p);
    case PHASE_BEGIN:
        return begin(p);
    case PHASE_QUEUE:
        return advice_queue(p);
    case PHASE_CLIMB:
        return advice_climb(p);
    case PHASE_UNDO:
        return advice_undo(p);
    case PHASE_EXACT:
        return advice_exact(p);
    case PHASE_ORDER:
        return advice_order(p);
    case PHASE_LACKS:
        return advice_lacks(p);
    case PHASE_DONE:
        break;
    }
    return true;
}

/* Rounds are repeated while they are of use. */
static void
next_phase(struct advice *p)
{
    bool better = p->phase >= PHASE_UNDO && p->cost < p->best_cost;

    if (p->phase == PHASE_UNDO && better
        && p->steps < p->request->max_steps) {
        p->phase = PHASE_QUEUE;
    } else {
        p->phase++;
    }
    if (better) {
        p->best_cost = p->cost;
        for (size_t i = 0; i < p->request->n_vms; i++) {
            p->best[i] = p->spots[i].host;
        }
    }
}

bool
advice_run(struct advice *p, size_t steps)
{
    size_t end = p->steps + steps;

    while (p->phase != PHASE_DONE && p->steps < end) {
        p->steps++;
        if (one_step(p)) {
            next_phase(p);
        }
    }
    return p->phase == PHASE_DONE;
}

void
advice_answer(const struct advice *p, struct advice_answer *answer)
{
    int64_t saved = 0;

    for (size_t i = 0; i < p->n_moves; i++) {
        saved += p->moves[i].saved_bytes;
    }
    *answer = (struct advice_answer) {
        .cross_bytes = p->first_cost,
        .after_cross_bytes = p->first_cost - saved,
        .n_moves = p->n_moves, .moves = p->moves,
        .n_lacks = p->n_lacks, .lacks = p->lacks,
        .n_all_lacks = p->n_all_lacks,
        .n_pairs = p->n_pairs, .optimal = p->optimal,
    };
}

/* The beginning.  --------------------------------------------------------- */

static void
set_mean_needs(struct advice *p)
{
    const struct advice_request *r = p->request;
    size_t n = 0;

    for (size_t i = 0; i < r->n_vms; i++) {
        for (int kind = 0; kind < ADVICE_N_KINDS && !r->vms[i].fixed; kind++) {
            p->mean_needs[kind] += r->vms[i].needs[kind];
        }
        n += !r->vms[i].fixed;
    }
    for (int kind = 0; n && kind < ADVICE_N_KINDS; kind++) {
        p->mean_needs[kind] = DIV_ROUND_UP(p->mean_needs[kind], n);
    }
}

struct advice *
advice_create(const struct advice_request *r)
{
    struct advice *p = xzalloc(sizeof *p);
    size_t n_sets = 0;

    p->request = r;
    p->move_cost = MAX(1, MIN(r->move_cost, ADVICE_COST_MAX));
    p->spots = xcalloc(MAX(1, r->n_vms), sizeof *p->spots);
    p->places = xcalloc(MAX(1, r->n_hosts), sizeof *p->places);
    p->best = xcalloc(MAX(1, r->n_vms), sizeof *p->best);
    p->left = xcalloc(MAX(1, r->n_vms), sizeof *p->left);
    p->sums = xcalloc(MAX(1, r->n_hosts), sizeof *p->sums);
    p->touched = xcalloc(MAX(1, r->n_hosts), sizeof *p->touched);
    hmap_init(&p->occupancies);
    heap_init(&p->candidates);
    for (size_t i = 0; i < r->n_hosts; i++) {
        p->places[i].first = NOWHERE;
    }
    for (size_t i = 0; i < r->n_vms; i++) {
        p->spots[i].host = NOWHERE;
        p->best[i] = r->vms[i].host;
        n_sets += r->vms[i].n_apart;
    }
    set_mean_needs(p);
    /* It does not grow later, all at once. */
    hmap_reserve(&p->occupancies, n_sets);
    p->pool = xmalloc(MAX(1, n_sets) * sizeof *p->pool);
    return p;
}

void
advice_destroy(struct advice *p)
{
    if (!p) {
        return;
    }
    hmap_destroy(&p->occupancies);
    heap_destroy(&p->candidates);
    advice_exact_destroy(p->exact);
    free(p->pool);
    free(p->peers);
    free(p->spots);
    free(p->places);
    free(p->best);
    free(p->left);
    free(p->waiting);
    free(p->places_waiting);
    free(p->sums);
    free(p->touched);
    free(p->log);
    free(p->stale);
    free(p->moves);
    free(p);
}
