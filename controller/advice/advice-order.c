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

static void
list_move(struct advice *p, size_t vm)
{
    size_t from = p->spots[vm].host;
    int64_t saved = advice_bytes_to(p, vm, p->best[vm])
                    - advice_bytes_to(p, vm, from);

    p->moves[p->n_moves++] = (struct advice_move) {
        .step = p->n_steps, .vm = vm, .from = from, .to = p->best[vm],
        .saved_bytes = saved,
    };
    advice_place(p, vm, p->best[vm]);
    p->left[vm] = false;
    p->n_left--;
}

/* Returns the move that saves most, of those for which there is room; or
 * NOWHERE. */
static size_t
find_free_move(struct advice *p, const size_t *vms, size_t n)
{
    size_t found = NOWHERE;
    int64_t most = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t saved;

        if (!p->left[vms[i]]
            || !advice_may_enter(p, vms[i], p->best[vms[i]], NOWHERE)) {
            continue;
        }
        saved = advice_bytes_to(p, vms[i], p->best[vms[i]])
                - advice_bytes_to(p, vms[i], p->spots[vms[i]].host);
        if (found == NOWHERE || saved > most) {
            found = vms[i];
            most = saved;
        }
    }
    return found;
}

/* Returns true if what binds a VM that has come to 'host' is violated there,
 * and sets '*set' to the set of which there are several, or NOWHERE if there
 * are too many VMs. */
static bool
is_violated(const struct advice *p, size_t vm, size_t host, size_t *set)
{
    const struct advice_vm *v = &p->request->vms[vm];

    *set = NOWHERE;
    if (p->places[host].n > p->request->hosts[host].capacity) {
        return true;
    }
    for (size_t i = 0; i < v->n_apart; i++) {
        if (advice_n_of_set(p, v->apart[i], host, false) > 1) {
            *set = v->apart[i];
            return true;
        }
    }
    return false;
}

static bool
is_of_set(const struct advice_vm *vm, size_t set)
{
    for (size_t i = 0; i < vm->n_apart; i++) {
        if (vm->apart[i] == set) {
            return true;
        }
    }
    return set == NOWHERE;
}

/* Returns the VM on 'host' that is to leave it still and is of the set; the
 * one that goes to 'origin' if there is one, else one that has room. */
static size_t
find_leaver(const struct advice *p, size_t host, size_t set, size_t origin)
{
    size_t found = NOWHERE;
    int found_rank = -1;

    for (size_t vm = p->places[host].first; vm != NOWHERE;
         vm = p->spots[vm].next) {
        int rank;

        if (!p->left[vm] || !is_of_set(&p->request->vms[vm], set)) {
            continue;
        }
        rank = (p->best[vm] == origin ? 2
                : advice_may_enter(p, vm, p->best[vm], NOWHERE));
        if (rank > found_rank || (rank == found_rank && vm < found)) {
            found = vm;
            found_rank = rank;
        }
    }
    return found;
}

/* Makes the move, and those of others that have to leave for it, and so on, of
 * which there are enough: all constraints hold once all have moved. */
static void
make_together(struct advice *p, size_t vm)
{
    size_t origin = p->spots[vm].host;
    size_t first = p->n_moves;

    list_move(p, vm);
    for (size_t i = first; i < p->n_moves; i++) {
        const struct advice_move *move = &p->moves[i];
        size_t set, leaver;

        while (is_violated(p, move->vm, move->to, &set)
               && (leaver = find_leaver(p, move->to, set, origin))
                  != NOWHERE) {
            list_move(p, leaver);
        }
    }
}

/* Goes back to the first state. */
static void
order_begin(struct advice *p, size_t n)
{
    p->moves = xcalloc(n, sizeof *p->moves);
    for (size_t vm = 0; vm < p->request->n_vms; vm++) {
        size_t home = p->request->vms[vm].host;

        if (p->best[vm] != home) {
            advice_place(p, vm, home);
            p->left[vm] = true;
            p->n_left++;
        }
    }
}

bool
advice_order(struct advice *p)
{
    size_t n = p->n_moved, vm;

    if (!p->moves) {
        if (!n) {
            return true;
        }
        order_begin(p, n);
        p->waiting = xcalloc(n, sizeof *p->waiting);
        for (vm = 0, n = 0; vm < p->request->n_vms; vm++) {
            if (p->left[vm]) {
                p->waiting[n++] = vm;
            }
        }
        p->n_waiting = n;
        return false;
    }
    vm = find_free_move(p, p->waiting, p->n_waiting);
    if (vm != NOWHERE) {
        list_move(p, vm);
    } else {
        for (size_t i = 0; vm == NOWHERE; i++) {
            if (p->left[p->waiting[i]]) {
                vm = p->waiting[i];
            }
        }
        make_together(p, vm);
    }
    p->n_steps++;
    return !p->n_left;
}
