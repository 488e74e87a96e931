/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of bindings; see bindings.h.
 *
 * A claim never displaces a live binding: the target of a migration comes up
 * while the source still runs.  The port's row can, and so can the silence of
 * the active host, since a VM that was started again elsewhere is no
 * migration.  A host that has not reported yet keeps what it had.
 *
 * A host that may still run the VM does not let go before the one that the row
 * names is ready: that is the candidate first, so that its switch is told, and
 * becomes active when the switch has acknowledged it. */

#include <config.h>

#include "controller/fabric/bindings.h"

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
    return claim && claim->says == BINDING_SAYS_YES && !claim->silent;
}

/* How good a second host 'claim' is; 0 if it is none.  A host that has not
 * reported yet only stays what it was. */
static int
rank(const struct binding_claim *claim, const struct binding_claim *candidate)
{
    switch (claim->says) {
    case BINDING_SAYS_YES:
        return (claim->silent ? 2 : 4) + (claim == candidate);

    case BINDING_SAYS_NOTHING:
        return claim == candidate;

    case BINDING_SAYS_NO:
    default:
        return 0;
    }
}

/* The best of 'claims' but 'except', or NULL.  Of equals, the first. */
static const struct binding_claim *
best_claim(const struct binding_claim *claims, size_t n,
           const struct binding_claim *except,
           const struct binding_claim *candidate)
{
    const struct binding_claim *best = NULL;
    int best_rank = 0;

    for (size_t i = 0; i < n; i++) {
        int r = &claims[i] == except ? 0 : rank(&claims[i], candidate);

        if (r > best_rank) {
            best = &claims[i];
            best_rank = r;
        }
    }
    return best;
}

struct binding
binding_decide(const char *wanted, struct binding now,
               const struct binding_claim *claims, size_t n)
{
    const struct binding_claim *want = find_claim(claims, n, wanted);
    const struct binding_claim *active = find_claim(claims, n, now.active);
    const struct binding_claim *candidate = find_claim(claims, n,
                                                       now.candidate);
    const struct binding_claim *best;
    bool moving = false;

    if (active && active->says == BINDING_SAYS_NO) {
        active = NULL;
    }
    if (is_live_claim(want)) {
        moving = active && active != want && !active->silent && !want->ready;
        active = moving ? active : want;
    } else if (!active || active->silent) {
        best = best_claim(claims, n, active, candidate);
        if (is_live_claim(best)) {
            active = best;
        } else if (!active && want && want->says == BINDING_SAYS_YES) {
            active = want;
        } else if (!active) {
            active = best;
        }
    }
    best = (moving ? want
            : active ? best_claim(claims, n, active, candidate) : NULL);
    return (struct binding) {
        .active = active ? active->host : NULL,
        .candidate = best ? best->host : NULL,
        .moving = moving,
    };
}
