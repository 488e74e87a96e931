/* SPDX-License-Identifier: Apache-2.0
 *
 * All placements of a few VMs, by branch and bound: those that talk most
 * first, each where it is, then on each host; a branch is cut where it costs
 * as much as the best placement already. */

#include <config.h>

#include "controller/advice/advice-private.h"

#include <stdlib.h>

#include "util.h"

struct exact {
    size_t n;                   /* VMs that may move, */
    size_t order[ADVICE_EXACT_VMS_MAX]; /* those that talk most first. */
    size_t choice[ADVICE_EXACT_VMS_MAX]; /* What is tried next: 0, where it
                                             * is; or 1 + a host. */
    size_t depth;               /* VMs that are placed. */
    size_t steps_max;
    bool found;                 /* A better placement: */
    size_t best[ADVICE_EXACT_VMS_MAX]; /* hosts, in the order of 'order'. */
    int64_t best_cost;
};

void
advice_exact_destroy(struct exact *e)
{
    free(e);
}

static int64_t
bytes_of(struct advice *p, size_t vm)
{
    int64_t bytes = 0;

    p->steps += p->spots[vm].n_peers;
    for (size_t i = 0; i < p->spots[vm].n_peers; i++) {
        bytes += p->spots[vm].peers[i].bytes;
    }
    return bytes;
}

/* Takes all VMs that may move off their hosts.  Returns NULL if there are too
 * many. */
static struct exact *
exact_create(struct advice *p)
{
    struct exact *e = xzalloc(sizeof *e);
    int64_t bytes[ADVICE_EXACT_VMS_MAX];

    for (size_t vm = 0; vm < p->request->n_vms; vm++) {
        size_t i = e->n;
        int64_t all;

        if (p->request->vms[vm].fixed) {
            continue;
        } else if (e->n >= ADVICE_EXACT_VMS_MAX) {
            free(e);
            return NULL;
        }
        all = bytes_of(p, vm);
        for (; i && bytes[i - 1] < all; i--) {
            e->order[i] = e->order[i - 1];
            bytes[i] = bytes[i - 1];
        }
        e->order[i] = vm;
        bytes[i] = all;
        e->n++;
    }
    for (size_t i = 0; i < e->n; i++) {
        advice_place(p, e->order[i], NOWHERE);
    }
    e->steps_max = p->steps + ADVICE_EXACT_STEPS_MAX;
    e->best_cost = p->best_cost;
    return e;
}

/* Returns true if there is enough for the VM on 'host' of what it needs, and
 * those need that came there, beside those that are placed. */
static bool
is_enough(const struct advice *p, size_t vm, size_t host, bool enters)
{
    const struct place *place = &p->places[host];

    for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
        uint64_t need = p->request->vms[vm].needs[kind];

        if (need && (enters || place->entered[kind])
            && place->used[kind] + need
               > p->request->hosts[host].capacity[kind]) {
            return false;
        }
    }
    return true;
}

/* Returns true if the VM may be on 'host' beside those that are placed.  One
 * that comes there is bound by all constraints; one that stays there only by
 * those of others that come there. */
static bool
fits(struct advice *p, size_t vm, size_t host)
{
    const struct advice_vm *v = &p->request->vms[vm];
    bool enters = host != v->host;

    if (!advice_may_be_on(p, vm, host) || !is_enough(p, vm, host, enters)
        || (enters && p->n_moved >= p->request->max_moves)) {
        return false;
    }
    for (size_t i = 0; i < v->n_apart; i++) {
        if (advice_n_of_set(p, v->apart[i], host, !enters)) {
            return false;
        }
    }
    return true;
}

static void
keep_best(const struct advice *p, struct exact *e)
{
    for (size_t i = 0; i < e->n; i++) {
        e->best[i] = p->spots[e->order[i]].host;
    }
    e->found = true;
    e->best_cost = p->cost;
}

/* Ends with all VMs where they are best. */
static void
exact_end(struct advice *p, struct exact *e, bool all)
{
    p->optimal = all;
    for (size_t i = 0; i < e->depth; i++) {
        advice_place(p, e->order[i], NOWHERE);
    }
    for (size_t i = 0; i < e->n; i++) {
        size_t vm = e->order[i];

        advice_place(p, vm, e->found ? e->best[i] : p->best[vm]);
    }
}

bool
advice_exact(struct advice *p)
{
    struct exact *e = p->exact;
    size_t vm, choice, host;

    if (!e) {
        p->exact = exact_create(p);
        return !p->exact;
    }
    if (p->steps >= e->steps_max) {
        exact_end(p, e, false);
        return true;
    }
    if (e->depth == e->n) {
        keep_best(p, e);        /* It costs less: else it was cut. */
    } else {
        vm = e->order[e->depth];
        choice = e->choice[e->depth]++;
        host = choice ? choice - 1 : p->request->vms[vm].host;
        if (choice <= p->request->n_hosts) {
            if ((!choice || host != p->request->vms[vm].host)
                && fits(p, vm, host)) {
                advice_place(p, vm, host);
                if (p->cost < e->best_cost) {
                    e->depth++;
                } else {
                    advice_place(p, vm, NOWHERE);
                }
            }
            return false;
        }
        e->choice[e->depth] = 0;
    }
    if (!e->depth) {
        exact_end(p, e, true);
        return true;
    }
    advice_place(p, e->order[--e->depth], NOWHERE);
    return false;
}
