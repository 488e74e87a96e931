/* SPDX-License-Identifier: Apache-2.0
 *
 * A round of changes, each the best that there is, be it a loss; then back to
 * the best state that was passed.  A VM moves once a round.  See advice.h
 * for what changes there are.
 *
 * Work is bounded in steps: of each evaluation of a VM, so that one with many
 * peers does not hold up all else, and in all. */

#include <config.h>

#include "controller/advice/advice-private.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Changes after which a round ends that has not come to a better state. */
#define VAIN_MAX 64
/* Hosts on which a VM to exchange it with is looked for, and VMs there. */
#define EXCHANGE_HOSTS 3
#define EXCHANGE_VMS 64
/* Steps that an evaluation may take for exchanges: one that would take more
 * is not considered. */
#define EXCHANGE_STEPS 1500

/* Gains.  ----------------------------------------------------------------- */

static int64_t
cost_of_being_on(const struct advice *p, size_t vm, size_t host)
{
    return host == p->request->vms[vm].host ? 0 : p->move_cost;
}

/* Returns what a move of the VM to 'to' saves, which has 'there' bytes with
 * those there and 'here' with those where it is. */
static int64_t
move_gain(const struct advice *p, size_t vm, size_t to, int64_t there,
          int64_t here)
{
    return (there - here - cost_of_being_on(p, vm, to)
            + cost_of_being_on(p, vm, p->spots[vm].host));
}

/* Returns what the two send each other. */
static int64_t
bytes_between(const struct advice *p, size_t vm, size_t other)
{
    const struct spot *spot = &p->spots[vm];
    size_t low = 0, high = spot->n_peers;

    while (low < high) {        /* They are sorted. */
        size_t mid = low + (high - low) / 2;

        if (spot->peers[mid].vm < other) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return (low < spot->n_peers && spot->peers[low].vm == other
            ? spot->peers[low].bytes : 0);
}

/* Returns by how much the number of moves grows, -1 to 1. */
static int
more_moves(const struct advice *p, size_t vm, size_t to)
{
    size_t home = p->request->vms[vm].host;

    return (to != home) - (p->spots[vm].host != home);
}

/* Takes 'change' if it is better, and does not lead to too many moves. */
static void
consider(const struct advice *p, struct change change, struct change *best)
{
    int more = more_moves(p, change.vm, change.to);

    if (change.other != NOWHERE) {
        more += more_moves(p, change.other, change.other_to);
    }
    if (change.gain > best->gain
        && (more <= 0
            || p->n_moved + (size_t) more <= p->request->max_moves)) {
        *best = change;
    }
}

static bool
may_change(const struct advice *p, size_t vm)
{
    return !p->request->vms[vm].fixed && !p->spots[vm].locked;
}

/* Changes.  --------------------------------------------------------------- */

/* Sets 'bytes[i]' to what the VM has with those on 'hosts[i]'. */
static void
sum_up_some(struct advice *p, size_t vm, const size_t *hosts, size_t n,
            int64_t *bytes)
{
    const struct spot *spot = &p->spots[vm];

    p->steps += spot->n_peers + 1;
    for (size_t i = 0; i < n; i++) {
        bytes[i] = 0;
    }
    for (size_t i = 0; i < spot->n_peers; i++) {
        const struct peer *peer = &spot->peers[i];
        size_t host = p->spots[peer->vm].host;

        for (size_t k = 0; k < n; k++) {
            bytes[k] += hosts[k] == host ? peer->bytes : 0;
        }
    }
}

/* Considers to exchange the VM, which has 'there' bytes with those on 'host',
 * with one of these, until 'end' steps are done. */
static void
consider_exchanges(struct advice *p, size_t vm, size_t host, int64_t there,
                   int64_t here, size_t end, struct change *best)
{
    size_t from = p->spots[vm].host, n = 0;
    size_t hosts[] = { from, host };

    for (size_t other = p->places[host].first;
         other != NOWHERE && n < EXCHANGE_VMS && p->steps < end;
         other = p->spots[other].next, n++) {
        int64_t gain, bytes[2];

        p->steps++;
        if (!may_change(p, other)
            || p->steps + p->spots[other].n_peers >= end
            || !advice_may_enter(p, vm, host, other)
            || !advice_may_enter(p, other, from, vm)) {
            continue;
        }
        sum_up_some(p, other, hosts, 2, bytes);
        gain = move_gain(p, vm, host, there, here)
               + move_gain(p, other, from, bytes[0], bytes[1])
               - 2 * bytes_between(p, vm, other);
        consider(p, (struct change) { vm, host, other, from, gain }, best);
    }
}

static bool
are_apart(const struct advice_vm *a, const struct advice_vm *b)
{
    for (size_t i = 0, j = 0; i < a->n_apart && j < b->n_apart;) {
        if (a->apart[i] == b->apart[j]) {
            return true;
        }
        *(a->apart[i] < b->apart[j] ? &i : &j) += 1;
    }
    return false;
}

/* Returns the VM elsewhere with which this one talks most, of those that may
 * move; or NOWHERE. */
static size_t
find_partner(struct advice *p, size_t vm)
{
    const struct spot *spot = &p->spots[vm];
    size_t partner = NOWHERE;
    int64_t bytes = 0;

    p->steps += spot->n_peers;
    for (size_t i = 0; i < spot->n_peers; i++) {
        const struct peer *peer = &spot->peers[i];

        if (peer->bytes > bytes && p->spots[peer->vm].host != spot->host
            && may_change(p, peer->vm)) {
            partner = peer->vm;
            bytes = peer->bytes;
        }
    }
    return partner;
}

static bool
has_room_for_both(const struct advice *p, size_t host, size_t vm,
                  size_t other)
{
    const struct advice_request *r = p->request;

    for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
        uint64_t need = r->vms[vm].needs[kind] + r->vms[other].needs[kind];

        if (need && p->places[host].used[kind] + need
                    > r->hosts[host].capacity[kind]) {
            return false;
        }
    }
    return true;
}

/* Considers to have the VM and the one that it talks with most meet on a host
 * that has room for both.  'sums' are the VM's. */
static void
consider_meeting(struct advice *p, size_t vm, int64_t here,
                 struct change *best)
{
    const struct advice_request *r = p->request;
    size_t hosts[ARRAY_SIZE(p->roomy) + 1];
    int64_t bytes[ARRAY_SIZE(hosts)];
    size_t other = p->n_roomy ? find_partner(p, vm) : NOWHERE;

    if (other == NOWHERE || are_apart(&r->vms[vm], &r->vms[other])) {
        return;
    }
    hosts[0] = p->spots[other].host;
    memcpy(&hosts[1], p->roomy, p->n_roomy * sizeof *hosts);
    sum_up_some(p, other, hosts, p->n_roomy + 1, bytes);
    for (size_t i = 0; i < p->n_roomy; i++) {
        size_t to = p->roomy[i];
        int64_t gain;

        if (to == p->spots[vm].host || to == p->spots[other].host
            || !has_room_for_both(p, to, vm, other)
            || !advice_may_enter(p, vm, to, NOWHERE)
            || !advice_may_enter(p, other, to, NOWHERE)) {
            continue;
        }
        gain = move_gain(p, vm, to, p->sums[to], here)
               + move_gain(p, other, to, bytes[i + 1], bytes[0])
               + bytes_between(p, vm, other);
        consider(p, (struct change) { vm, to, other, to, gain }, best);
    }
}

size_t
advice_sum_up(struct advice *p, size_t vm)
{
    const struct spot *spot = &p->spots[vm];
    size_t n = 0;

    p->steps += spot->n_peers + 1;
    for (size_t i = 0; i < spot->n_peers; i++) {
        size_t host = p->spots[spot->peers[i].vm].host;

        if (!p->sums[host]) {
            p->touched[n++] = host;
        }
        p->sums[host] += spot->peers[i].bytes;
    }
    return n;
}

/* Keeps the hosts with the greatest sums. */
static void
keep_full_host(const struct advice *p, size_t host, size_t *full, size_t *n)
{
    size_t i = *n < EXCHANGE_HOSTS ? (*n)++ : *n;

    for (; i && p->sums[full[i - 1]] < p->sums[host]; i--) {
        if (i < EXCHANGE_HOSTS) {
            full[i] = full[i - 1];
        }
    }
    if (i < EXCHANGE_HOSTS) {
        full[i] = host;
    }
}

/* Sets '*best' to the best change that begins with the VM; its 'to' is NOWHERE
 * if there is none. */
static void
evaluate(struct advice *p, size_t vm, struct change *best)
{
    size_t from = p->spots[vm].host, home = p->request->vms[vm].host;
    size_t n = advice_sum_up(p, vm), full[EXCHANGE_HOSTS], n_full = 0;
    int64_t here = p->sums[from];
    size_t end;

    *best = (struct change) { vm, NOWHERE, NOWHERE, NOWHERE, INT64_MIN };
    if (home != from && !p->sums[home]) {
        p->touched[n++] = home; /* One fewer move. */
    }
    for (size_t i = 0; i < n; i++) {
        size_t host = p->touched[i];

        if (host == from || !advice_may_be_on(p, vm, host)) {
            continue;
        } else if (advice_may_enter(p, vm, host, NOWHERE)) {
            consider(p, (struct change) {
                vm, host, NOWHERE, NOWHERE,
                move_gain(p, vm, host, p->sums[host], here) }, best);
        } else {
            keep_full_host(p, host, full, &n_full);
        }
    }
    end = p->steps + EXCHANGE_STEPS;
    for (size_t i = 0; i < n_full; i++) {
        consider_exchanges(p, vm, full[i], p->sums[full[i]], here, end, best);
    }
    consider_meeting(p, vm, here, best);
    for (size_t i = 0; i < n; i++) {
        p->sums[p->touched[i]] = 0;
    }
}

/* The queue.  ------------------------------------------------------------- */

static uint64_t
priority_of(int64_t gain)
{
    return (uint64_t) gain + (UINT64_C(1) << 63); /* The same order. */
}

static void
take_from_queue(struct advice *p, struct spot *spot)
{
    if (spot->queued) {
        heap_remove(&p->candidates, &spot->node);
        spot->queued = false;
    }
}

/* Queues the change, if there is one, in the place of what was queued of its
 * VM. */
static void
queue_change(struct advice *p, const struct change *change)
{
    struct spot *spot = &p->spots[change->vm];

    take_from_queue(p, spot);
    if (change->to != NOWHERE) {
        heap_insert(&p->candidates, &spot->node, priority_of(change->gain));
        spot->queued = true;
    }
}

static void
queue_vm(struct advice *p, size_t vm)
{
    struct change change;

    if (may_change(p, vm) && p->spots[vm].n_peers) {
        evaluate(p, vm, &change);
        queue_change(p, &change);
    }
}

/* Returns for how many VMs of the mean size the host has room, in 256ths: by
 * what it has least of, of all that VMs need.  0: for no two. */
static uint64_t
room_on(const struct advice *p, size_t host)
{
    const struct advice_host *h = &p->request->hosts[host];
    const uint64_t *used = p->places[host].used;
    uint64_t room = UINT64_MAX;

    for (int kind = 0; kind < ADVICE_N_KINDS; kind++) {
        uint64_t left = h->capacity[kind] - MIN(used[kind], h->capacity[kind]);

        if (p->mean_needs[kind] && h->capacity[kind] != UINT64_MAX) {
            room = MIN(room, MIN(left, UINT64_MAX >> 8) * 256
                             / p->mean_needs[kind]);
        }
    }
    return (h->target && used[ADVICE_VMS] + 1 < h->capacity[ADVICE_VMS]
            ? room : 0);
}

static void
find_roomy(struct advice *p)
{
    p->n_roomy = 0;
    for (size_t host = 0; host < p->request->n_hosts; host++) {
        uint64_t room = room_on(p, host);
        size_t i = p->n_roomy;

        p->steps++;
        if (!room || (i == ARRAY_SIZE(p->roomy)
                      && room_on(p, p->roomy[i - 1]) >= room)) {
            continue;
        }
        i = i < ARRAY_SIZE(p->roomy) ? p->n_roomy++ : i - 1;
        for (; i && room_on(p, p->roomy[i - 1]) < room; i--) {
            p->roomy[i] = p->roomy[i - 1];
        }
        p->roomy[i] = host;
    }
}

bool
advice_queue(struct advice *p)
{
    if (!p->next) {
        find_roomy(p);
        heap_clear(&p->candidates);
        p->n_log = p->n_log_best = p->n_vain = p->n_stale = 0;
        p->round_cost = p->cost;
    }
    if (p->next < p->request->n_vms
        && p->steps < p->request->max_steps) {
        p->spots[p->next].locked = p->spots[p->next].queued = false;
        queue_vm(p, p->next++);
        return false;
    }
    p->next = 0;
    return true;
}

/* Climbing.  -------------------------------------------------------------- */

static void
add_stale(struct advice *p, size_t vm)
{
    const struct spot *spot = &p->spots[vm];

    p->steps += spot->n_peers;
    for (size_t i = 0; i < spot->n_peers; i++) {
        if (p->n_stale >= p->allocated_stale) {
            p->stale = x2nrealloc(p->stale, &p->allocated_stale,
                                  sizeof *p->stale);
        }
        p->stale[p->n_stale++] = spot->peers[i].vm;
    }
}

static void
change_vm(struct advice *p, size_t vm, size_t to)
{
    struct spot *spot = &p->spots[vm];

    if (p->n_log >= p->allocated_log) {
        p->log = x2nrealloc(p->log, &p->allocated_log, sizeof *p->log);
    }
    p->log[p->n_log++] = (struct undo) { vm, spot->host };
    advice_place(p, vm, to);
    spot->locked = true;
    take_from_queue(p, spot);
    add_stale(p, vm);
}

static void
make_change(struct advice *p, const struct change *change)
{
    change_vm(p, change->vm, change->to);
    if (change->other != NOWHERE) {
        change_vm(p, change->other, change->other_to);
    }
    if (p->cost < p->round_cost) {
        p->round_cost = p->cost;
        p->n_log_best = p->n_log;
        p->n_vain = 0;
    } else {
        p->n_vain++;
    }
}

bool
advice_undo(struct advice *p)
{
    const struct undo *undo;

    if (p->n_log <= p->n_log_best) {
        return true;
    }
    undo = &p->log[--p->n_log];
    advice_place(p, undo->vm, undo->from);
    return false;
}

/* Others may have taken the room that a change needs, or left some, since it
 * was queued: the first is found out here, the second in the next round. */
bool
advice_climb(struct advice *p)
{
    struct spot *spot;
    struct change change;
    uint64_t priority;

    if (p->steps >= p->request->max_steps) {
        return true;
    }
    if (p->n_stale) {
        queue_vm(p, p->stale[--p->n_stale]);
        return false;
    }
    if (heap_is_empty(&p->candidates) || p->n_vain >= VAIN_MAX) {
        return true;
    }
    spot = CONTAINER_OF(heap_max(&p->candidates), struct spot, node);
    priority = spot->node.priority;
    evaluate(p, spot - p->spots, &change);
    if (change.to != NOWHERE && priority_of(change.gain) == priority) {
        make_change(p, &change);
    } else {
        queue_change(p, &change);
    }
    return false;
}
