/* SPDX-License-Identifier: Apache-2.0
 *
 * Which VMs would save more elsewhere, once all moves are made, had a host
 * room for them: what more capacity would be worth.  Not for finding room by
 * moving others away, which the search has tried. */

#include <config.h>

#include "controller/advice/advice-private.h"

#include "util.h"

/* Returns true if capacity is all that keeps the VM from going to 'host'. */
static bool
lacks_room(struct advice *p, size_t vm, size_t host)
{
    return (host != p->spots[vm].host && advice_may_be_on(p, vm, host)
            && !advice_has_room(p, vm, host, NOWHERE)
            && advice_is_apart(p, vm, host, NOWHERE));
}

static void
fill_missing(const struct advice *p, struct advice_lack *lack)
{
    for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
        uint64_t need = p->request->vms[lack->vm].needs[kind];
        uint64_t all = p->places[lack->to].used[kind] + need;
        uint64_t capacity = p->request->hosts[lack->to].capacity[kind];

        lack->missing[kind] = need && all > capacity ? all - capacity : 0;
    }
}

/* Keeps those that save most; of equal ones those that come first. */
static void
keep(struct advice *p, const struct advice_lack *lack)
{
    size_t i = p->n_lacks;

    p->n_all_lacks++;
    if (i < ADVICE_LACKS_MAX) {
        p->n_lacks++;
    } else if (p->lacks[--i].saved_bytes >= lack->saved_bytes) {
        return;
    }
    for (; i && p->lacks[i - 1].saved_bytes < lack->saved_bytes; i--) {
        p->lacks[i] = p->lacks[i - 1];
    }
    p->lacks[i] = *lack;
}

/* Returns true if the VM may move as far as 'max_moves' goes: more room would
 * be of no use to others. */
static bool
may_move(const struct advice *p, size_t vm)
{
    const struct advice_vm *v = &p->request->vms[vm];

    return (!v->fixed && (p->spots[vm].host != v->host
                          || p->n_moved < p->request->max_moves));
}

static void
look_at(struct advice *p, size_t vm)
{
    size_t from = p->spots[vm].host, n = advice_sum_up(p, vm);
    /* Who has left its host already costs no other move.  Bytes are what room
     * is judged by: not that a VM would be back where it was. */
    int64_t least = (p->sums[from]
                     + (from == p->request->vms[vm].host ? p->move_cost : 0));
    struct advice_lack lack = { .vm = vm, .from = from, .to = NOWHERE };

    for (size_t i = 0; i < n; i++) {
        size_t host = p->touched[i];
        int64_t saved = p->sums[host] - p->sums[from];

        if (p->sums[host] > least
            && (lack.to == NOWHERE || saved > lack.saved_bytes
                || (saved == lack.saved_bytes && host < lack.to))
            && lacks_room(p, vm, host)) {
            lack.to = host;
            lack.saved_bytes = saved;
        }
    }
    for (size_t i = 0; i < n; i++) {
        p->sums[p->touched[i]] = 0;
    }
    if (lack.to != NOWHERE) {
        fill_missing(p, &lack);
        keep(p, &lack);
    }
}

bool
advice_lacks(struct advice *p)
{
    if (p->next_lack == p->request->n_vms) {
        return true;
    }
    if (may_move(p, p->next_lack)) {
        look_at(p, p->next_lack);
    }
    p->next_lack++;
    return false;
}
