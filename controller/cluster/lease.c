/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is the writer; see lease.h. */

#include <config.h>

#include "controller/cluster/lease.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

void
lease_init(struct lease *lease, const char *name, int64_t run, int64_t ms)
{
    *lease = (struct lease) {
        .name = xstrdup(name), .run = run, .ms = ms,
        .row = { .holder = xstrdup(""), .successor = xstrdup("") },
        .sent_ms = INT64_MIN / 2, .changed_ms = INT64_MIN / 2,
    };
}

void
lease_uninit(struct lease *lease)
{
    free(lease->name);
    free(lease->row.holder);
    free(lease->row.successor);
}

static bool
is_same(const struct lease_row *a, const struct lease_row *b)
{
    return (a->epoch == b->epoch && a->beat == b->beat && a->run == b->run
            && !strcmp(a->holder, b->holder)
            && !strcmp(a->successor, b->successor));
}

void
lease_see(struct lease *lease, const struct lease_row *row, int64_t now_ms)
{
    bool anew = !lease->seen;

    if (!anew && is_same(&lease->row, row)) {
        return;
    }
    free(lease->row.holder);
    free(lease->row.successor);
    lease->row = *row;
    lease->row.holder = xstrdup(row->holder);
    lease->row.successor = xstrdup(row->successor);
    lease->seen = true;
    /* What is seen anew may be of any age. */
    lease->changed_ms = anew ? lease->changed_ms : now_ms;
    lease->gone_ms = now_ms + lease->ms * (anew ? LEASE_ANEW : 1);
}

void
lease_lose_sight(struct lease *lease)
{
    lease->seen = false;
    lease->n_sent = 0;
}

bool
lease_is_held(const struct lease *lease)
{
    return (lease->row.run == lease->run
            && !strcmp(lease->row.holder, lease->name));
}

bool
lease_is_alive(const struct lease *lease, int64_t now_ms)
{
    return (lease->seen && *lease->row.holder && !lease_is_held(lease)
            && now_ms <= lease->gone_ms);
}

/* Returns true if nobody holds the lease, and this member may take it without
 * waiting for another one. */
static bool
is_free(const struct lease *lease)
{
    const struct lease_row *row = &lease->row;

    if (!strcmp(row->holder, lease->name)) {
        return true;            /* An earlier process of this member, whose
                                 * files this one has: it is gone. */
    }
    return (!*row->holder
            && (!*row->successor || !strcmp(row->successor, lease->name)));
}

/* Returns when what has no answer is sent again. */
static int64_t
again_ms(const struct lease *lease)
{
    return lease->sent_ms + lease->ms / 2;
}

enum lease_action
lease_next(const struct lease *lease, bool fit, int64_t now_ms,
           int64_t *wake_ms)
{
    enum lease_action action;

    *wake_ms = INT64_MAX;
    if (!lease->seen || lease->n_sent >= LEASE_UNANSWERED_MAX) {
        return LEASE_WAIT;
    }
    if (lease_is_held(lease)) {
        action = LEASE_BEAT;
        *wake_ms = lease->sent_ms + lease->ms / LEASE_BEATS;
    } else if (!fit) {
        return LEASE_WAIT;
    } else {
        action = LEASE_TAKE;
        *wake_ms = MAX(is_free(lease) ? now_ms : lease->gone_ms,
                       lease->sent_ms + LEASE_AGAIN_MS);
    }
    if (lease->n_sent) {
        *wake_ms = MAX(*wake_ms, again_ms(lease));
    }
    return *wake_ms <= now_ms ? action : LEASE_WAIT;
}

bool
lease_may_send(const struct lease *lease, int64_t now_ms, int64_t *wake_ms)
{
    if (!lease->n_sent) {
        return true;
    } else if (lease->n_sent >= LEASE_UNANSWERED_MAX) {
        return false;
    }
    if (again_ms(lease) > now_ms) {
        *wake_ms = MIN(*wake_ms, again_ms(lease));
        return false;
    }
    return true;
}

void
lease_begin(struct lease *lease, int64_t now_ms)
{
    lease->n_sent++;
    lease->sent_ms = now_ms;
}

void
lease_end(struct lease *lease)
{
    if (lease->n_sent) {        /* Not of a connection that was lost. */
        lease->n_sent--;
    }
}
