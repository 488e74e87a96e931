/* SPDX-License-Identifier: Apache-2.0
 *
 * In which order VMs move from where they are to where they are best: each
 * once there is room for it, the one that saves most first.  Where none has
 * room, since each waits for another's place, those that make room for each
 * other are one step. */

#include <config.h>

#include "controller/advice/advice-private.h"

#include <stdlib.h>

#include "util.h"

/* What is saved.  --------------------------------------------------------- */

static int64_t
saved_by(struct advice *p, size_t vm)
{
    return (advice_bytes_to(p, vm, p->best[vm])
            - advice_bytes_to(p, vm, p->spots[vm].host));
}

/* The VM has gone from host to host: what the moves of those save that it
 * talks with is another. */
static void
update_saved(struct advice *p, size_t vm, size_t from, size_t to)
{
    const struct spot *spot = &p->spots[vm];

    p->steps += spot->n_peers;
    for (size_t i = 0; i < spot->n_peers; i++) {
        size_t other = spot->peers[i].vm;
        size_t here = p->spots[other].host, there = p->best[other];
        int64_t *saved;

        if (p->left[other]) {
            saved = &p->waiting[p->places_waiting[other]].saved;
            *saved += ((there == to) - (there == from)
                       - (here == to) + (here == from))
                      * spot->peers[i].bytes;
        }
    }
}

static void
list_move(struct advice *p, size_t vm)
{
    size_t from = p->spots[vm].host, to = p->best[vm];

    p->moves[p->n_moves++] = (struct advice_move) {
        .step = p->n_steps, .vm = vm, .from = from, .to = to,
        .saved_bytes = p->waiting[p->places_waiting[vm]].saved,
    };
    p->left[vm] = false;
    p->n_left--;
    advice_place(p, vm, to);
    update_saved(p, vm, from, to);
}

/* One by one.  ------------------------------------------------------------ */

/* Returns the move that saves most, of those for which there is room; or
 * NOWHERE. */
static size_t
find_free_move(struct advice *p)
{
    size_t found = NOWHERE;
    int64_t most = 0;

    p->steps += p->n_waiting;
    for (size_t i = 0; i < p->n_waiting; i++) {
        const struct waiting *w = &p->waiting[i];

        if (p->left[w->vm] && (found == NOWHERE || w->saved > most)
            && advice_may_enter(p, w->vm, p->best[w->vm], NOWHERE)) {
            found = w->vm;
            most = w->saved;
        }
    }
    return found;
}

/* Together.  -------------------------------------------------------------- */

/* What binds a VM that has come to a host, and is violated there: the set of
 * which there are several, or, if that is NOWHERE, the kind of which VMs need
 * more than there is. */
struct violated {
    size_t set;
    int kind;
};

/* Returns true if something is. */
static bool
is_violated(struct advice *p, size_t vm, size_t host, struct violated *what)
{
    const struct advice_vm *v = &p->request->vms[vm];

    what->set = NOWHERE;
    for (what->kind = 0; what->kind < ADVICE_N_KINDS; what->kind++) {
        if (v->needs[what->kind]
            && p->places[host].used[what->kind]
               > p->request->hosts[host].capacity[what->kind]) {
            return true;
        }
    }
    for (size_t i = 0; i < v->n_apart; i++) {
        if (advice_n_of_set(p, v->apart[i], host, false) > 1) {
            what->set = v->apart[i];
            return true;
        }
    }
    return false;
}

/* Returns true if it would be less so without the VM. */
static bool
has_part_in(const struct advice *p, size_t vm, const struct violated *what)
{
    const struct advice_vm *v = &p->request->vms[vm];

    return what->set == NOWHERE ? v->needs[what->kind] != 0
           : advice_is_in_set(v, what->set);
}

/* Returns the VM on 'host' that is to leave it still and has a part in what is
 * violated, if there is one; the one that goes to where the first one was if
 * there is one, else one that has room. */
static size_t
find_leaver(struct advice *p, size_t host, const struct violated *what)
{
    size_t found = NOWHERE;
    int found_rank = -1;

    p->steps += p->n_waiting;
    for (size_t i = 0; i < p->n_waiting; i++) {
        size_t vm = p->waiting[i].vm;
        int rank;

        if (!p->left[vm] || p->spots[vm].host != host
            || !has_part_in(p, vm, what)) {
            continue;
        }
        rank = (p->best[vm] == p->origin ? 2
                : advice_may_enter(p, vm, p->best[vm], NOWHERE));
        if (rank > found_rank) {
            found = vm;
            found_rank = rank;
        }
    }
    return found;
}

/* Begins a step of several with the first VM that is left. */
static void
begin_together(struct advice *p)
{
    size_t i = 0;

    while (!p->left[p->waiting[i].vm]) {
        i++;
    }
    p->origin = p->spots[p->waiting[i].vm].host;
    list_move(p, p->waiting[i].vm);
}

/* Adds the move of one VM that has to leave for one that has moved in this
 * step, and so on, of which there are enough: all constraints hold once all
 * have moved. */
static void
go_on_together(struct advice *p)
{
    const struct advice_move *move = &p->moves[p->next_together];
    struct violated what;
    size_t leaver = NOWHERE;

    if (is_violated(p, move->vm, move->to, &what)) {
        leaver = find_leaver(p, move->to, &what);
    }
    if (leaver != NOWHERE) {
        list_move(p, leaver);
    } else if (++p->next_together == p->n_moves) {
        p->n_steps++;
    }
}

/* The phase.  ------------------------------------------------------------- */

static void
order_begin(struct advice *p, size_t n)
{
    p->moves = xcalloc(n, sizeof *p->moves);
    p->waiting = xcalloc(n, sizeof *p->waiting);
    p->places_waiting = xcalloc(p->request->n_vms, sizeof *p->places_waiting);
    for (size_t vm = 0; vm < p->request->n_vms; vm++) {
        if (p->best[vm] != p->request->vms[vm].host) {
            p->left[vm] = true;
            p->places_waiting[vm] = p->n_left;
            p->waiting[p->n_left++].vm = vm;
        }
    }
    p->next = 0;
}

/* Has one VM go back to where it was; then, once all have, finds out what the
 * move of one saves. */
static void
go_back(struct advice *p)
{
    size_t n = p->n_left, i = p->next++;
    struct waiting *w = &p->waiting[i % n];

    if (i < n) {
        advice_place(p, w->vm, p->request->vms[w->vm].host);
    } else {
        w->saved = saved_by(p, w->vm);
        p->n_waiting = p->next == 2 * n ? n : 0;
    }
}

bool
advice_order(struct advice *p)
{
    size_t vm;

    if (!p->moves) {
        if (p->n_moved) {
            order_begin(p, p->n_moved);
        }
        return !p->n_moved;
    }
    if (!p->n_waiting) {
        go_back(p);
        return false;
    }
    if (p->next_together < p->n_moves) {
        go_on_together(p);
        return !p->n_left && p->next_together == p->n_moves;
    }
    vm = find_free_move(p);
    if (vm == NOWHERE) {
        begin_together(p);
        return false;
    }
    list_move(p, vm);
    p->next_together = p->n_moves;
    p->n_steps++;
    return !p->n_left;
}
