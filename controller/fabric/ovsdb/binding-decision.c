/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of bindings; see binding-decision.h.
 *
 * A claim never replaces a live binding: the target of a migration starts
 * while the source is still running.  Three things can: the port's row; its
 * guest, seen to run on the candidate, unless the row's host is live; and, if
 * the port allows failover, the active host being silent, since a VM that was
 * started again elsewhere is no migration.  A host that has not reported yet
 * keeps its binding.
 *
 * A host that may still run the VM keeps the binding until the host that the
 * row names is ready: that one is the candidate first, so that its switch gets
 * the flows, and becomes active when the switch has acknowledged them.
 *
 * Claims that the port's row, or the host's, does not allow are ignored.  If
 * the active host is no longer allowed after a change of its row, it loses the
 * binding at once if no allowed host has the interface, and otherwise once
 * that host is ready. */

#include <config.h>

#include "controller/fabric/ovsdb/binding-decision.h"

#include <string.h>

static const struct binding_claim *
find_claim(const struct binding_claim *claims, size_t n, const char *host)
{
    for (size_t i = 0; host && i < n; i++) {
        if (!strcmp(claims[i].host, host)) {
            return &claims[i];
        }
    }
    return NULL;
}

static bool
is_live_claim(const struct binding_claim *claim)
{
    return (claim && claim->allowed && claim->report == BINDING_PRESENT
            && !claim->silent);
}

/* Returns the rank of 'claim' as a candidate; 0 if it cannot be one.  A host
 * that has not reported yet only keeps its role. */
static int
rank(const struct binding_claim *claim, const struct binding_claim *candidate)
{
    if (!claim->allowed) {
        return 0;
    }
    switch (claim->report) {
    case BINDING_PRESENT:
        return claim->silent ? 2 : 3;

    case BINDING_UNREPORTED:
        return claim == candidate;

    case BINDING_ABSENT:
    default:
        return 0;
    }
}

/* Returns true if 'a' is a better candidate than 'b', which has the same rank:
 * what the row names, else where the guest was seen last, else not in
 * maintenance, else what is the candidate. */
static bool
is_better(const struct binding_claim *a, const struct binding_claim *b,
          const struct binding_claim *candidate)
{
    return (a->named != b->named ? a->named
            : a->seen != b->seen ? a->seen > b->seen
            : a->leaving != b->leaving ? b->leaving
            : a == candidate);
}

/* Returns the best of 'claims' except 'except', or NULL; the first of
 * equals. */
static const struct binding_claim *
best_claim(const struct binding_claim *claims, size_t n,
           const struct binding_claim *except,
           const struct binding_claim *candidate)
{
    const struct binding_claim *best = NULL;
    int best_rank = 0;

    for (size_t i = 0; i < n; i++) {
        int r = &claims[i] == except ? 0 : rank(&claims[i], candidate);

        if (r > best_rank
            || (r && r == best_rank && is_better(&claims[i], best,
                                                 candidate))) {
            best = &claims[i];
            best_rank = r;
        }
    }
    return best;
}

/* Returns the candidate beside 'active'.  What the row names keeps its role
 * until it has reported, whoever else has the interface. */
static const struct binding_claim *
next_candidate(const struct binding_claim *claims, size_t n,
               const struct binding_claim *active,
               const struct binding_claim *candidate)
{
    return (candidate && candidate != active && candidate->named
            && candidate->allowed && !candidate->silent
            && candidate->report == BINDING_UNREPORTED
            ? candidate : best_claim(claims, n, active, candidate));
}

/* Returns the claim that takes over from 'active', whatever that host reports;
 * NULL: none. */
static const struct binding_claim *
find_target(const struct binding_claim *want,
            const struct binding_claim *active,
            const struct binding_claim *candidate,
            const struct binding_claim *claims, size_t n)
{
    const struct binding_claim *best;

    if (is_live_claim(want)) {
        return want;
    }
    if (!active) {
        return NULL;
    }
    best = best_claim(claims, n, active, candidate);
    return (is_live_claim(best)
            && (!active->allowed || best->seen > active->seen)
            ? best : NULL);
}

/* Returns true if a port that was bound as 'now' says, and is now on 'active',
 * has moved there from 'candidate', which still has it. */
static bool
is_activated(const struct binding *now, const struct binding_claim *active,
             const struct binding_claim *candidate)
{
    if (!active || !candidate || !now->active || !now->candidate) {
        return false;
    }
    if (!strcmp(active->host, now->active)) {
        return now->activated && !strcmp(candidate->host, now->candidate);
    }
    return (!now->activated && !strcmp(active->host, now->candidate)
            && !strcmp(candidate->host, now->active));
}

/* Returns the host from which a port has moved to 'active', where it is alone
 * now, or NULL: the one that it was bound to together with 'active', or that
 * had been left before.  One that is silent cannot be asked anything, and on
 * one that still has the interface a guest may run. */
static const char *
former_host(const struct binding *now, const struct binding_claim *active,
            const struct binding_claim *claims, size_t n)
{
    const char *to = now->activated ? now->active : now->candidate;
    const char *from = now->activated ? now->candidate : now->active;
    const struct binding_claim *former;

    if (now->candidate) {
        former = find_claim(claims, n,
                            strcmp(active->host, to) ? NULL : from);
    } else {
        former = find_claim(claims, n, now->active
                            && !strcmp(active->host, now->active)
                            ? now->former : NULL);
    }
    return (former && former != active && !former->silent
            && former->report != BINDING_PRESENT ? former->host : NULL);
}

struct binding
binding_decide(const char *required, bool failover, struct binding now,
               const struct binding_claim *claims, size_t n)
{
    const struct binding_claim *want = find_claim(claims, n, required);
    const struct binding_claim *active = find_claim(claims, n, now.active);
    const struct binding_claim *candidate = find_claim(claims, n,
                                                       now.candidate);
    const struct binding_claim *best, *target;
    bool moving = false;

    if (active && active->report == BINDING_ABSENT) {
        active = NULL;
    }
    target = find_target(want, active, candidate, claims, n);
    if (target) {
        moving = (active && active != target && !active->silent
                  && !target->ready);
        active = moving ? active : target;
    } else {
        active = active && active->allowed ? active : NULL;
        best = (!active || (active->silent && failover)
                ? best_claim(claims, n, active, candidate) : NULL);
        if (is_live_claim(best)) {
            active = best;
        } else if (!active && want && want->allowed
                   && want->report == BINDING_PRESENT) {
            active = want;
        } else if (!active) {
            active = best;
        }
    }
    best = (moving ? target
            : active ? next_candidate(claims, n, active, candidate) : NULL);
    return (struct binding) {
        .active = active ? active->host : NULL,
        .candidate = best ? best->host : NULL,
        .activated = is_activated(&now, active, best),
        .former = (active && !best ? former_host(&now, active, claims, n)
                   : NULL),
        .moving = moving,
    };
}
