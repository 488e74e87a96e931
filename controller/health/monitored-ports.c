/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports whose guests are monitored: those with a target that monitors
 * (vmn/probes.h).  What users see of these, and who is told when it changes.
 * Not for probing (prober.c), nor for which ports these are (apps).
 *
 * A guest is down if it was asked and has not answered.  Where it cannot be
 * asked, as its host is away, it is unknown how it is, whatever its row says
 * (rows know no such state: what reads them has to do something). */

#include <config.h>

#include "controller/health/health-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "timeval.h"
#include "util.h"

const char *const health_monitor_names[HEALTH_MONITOR_N_STATES] = {
    [HEALTH_MONITOR_UNKNOWN] = "unknown", [HEALTH_MONITOR_UP] = "up",
    [HEALTH_MONITOR_DOWN] = "down",
};

/* A port that is monitored. */
struct monitored {
    char *target;               /* By which: a name in 'targets'. */
    enum health_monitor_state told;
    bool begun;
};

/* Which ports.  ----------------------------------------------------------- */

static const struct backend *
find_backend(const struct health *h, const char *target, const char *port)
{
    char *name = xasprintf("%c%s", PROBER_TARGET, target);
    const struct backend *b = prober_find(&h->prober, name, port);

    free(name);
    return b;
}

void
health_monitor_set(struct health *h, const char *target, const char *port)
{
    struct monitored *m = shash_find_data(&h->monitored, port);

    if (!m) {
        m = xzalloc(sizeof *m);
        shash_add(&h->monitored, port, m);
    } else if (strcmp(target, m->target) >= 0) {
        return;
    }
    free(m->target);
    m->target = xstrdup(target);
}

static void
monitored_free(struct monitored *m)
{
    free(m->target);
    free(m);
}

bool
health_monitor_unset(struct health *h, const char *target, const char *port)
{
    struct monitored *m = shash_find_data(&h->monitored, port);

    if (!m || strcmp(m->target, target)) {
        return false;
    }
    shash_find_and_delete(&h->monitored, port);
    monitored_free(m);
    return true;
}

void
health_monitor_free(struct health *h)
{
    struct shash_node *node, *next;

    SHASH_FOR_EACH_SAFE (node, next, &h->monitored) {
        monitored_free(node->data);
        shash_delete(&h->monitored, node);
    }
    shash_destroy(&h->monitored);
}

/* How they are.  ---------------------------------------------------------- */

/* Returns the state of a port by its backend, or by NULL: it is on no host;
 * and sets '*reason' to why it is not up, or to NULL. */
static enum health_monitor_state
judge(const struct health *h, const struct backend *b, const char **reason)
{
    *reason = b && b->reason[0] ? b->reason : NULL;
    if (!b) {
        *reason = "it is on no host";
        return HEALTH_MONITOR_UNKNOWN;
    } else if (!fabric_host_is_connected(h->fabric, b->host)) {
        *reason = "its host is not connected";
        return HEALTH_MONITOR_UNKNOWN;
    } else if (prober_is_host_silent(b, time_usec())) {
        *reason = "its host is not heard";
        return HEALTH_MONITOR_UNKNOWN;
    } else if (b->shown == BACKEND_UP) {
        *reason = NULL;
        return HEALTH_MONITOR_UP;
    } else if (b->shown == BACKEND_DOWN && b->check.unasked
               && b->timer.place) {
        *reason = "it was not asked since it could be again";
        return HEALTH_MONITOR_UNKNOWN;
    } else if (b->shown == BACKEND_DOWN) {
        return HEALTH_MONITOR_DOWN;
    }
    if (!*reason) {
        *reason = "it has not been asked yet";
    }
    return HEALTH_MONITOR_UNKNOWN;
}

/* Tells of the state of a port by its backend (NULL: it is on no host), if it
 * is another one than was told. */
static void
tell(struct health *h, struct monitored *m, const char *port,
     const struct backend *b)
{
    const char *reason;
    enum health_monitor_state state = judge(h, b, &reason);

    if (state != m->told) {
        m->told = state;
        if (h->watch && h->watch->monitor) {
            h->watch->monitor(h->watch_aux, port, state, reason);
        }
    }
}

void
health_monitor_tell(struct health *h, const struct backend *b)
{
    struct monitored *m = shash_find_data(&h->monitored, b->port);

    if (m && !strcmp(m->target, b->lb->name + 1)) {
        tell(h, m, b->port, b);
    }
}

void
health_monitor_look(struct health *h, const char *target, const char *port)
{
    struct monitored *m = shash_find_data(&h->monitored, port);
    const struct backend *b = find_backend(h, target, port);

    /* What was told before a start holds until the host is seen. */
    if (m && !strcmp(m->target, target)
        && (!b || shash_find(&h->seen_hosts, b->host))) {
        tell(h, m, port, b);
    }
}

void
health_monitor_begin(struct health *h, const struct prober_member *member)
{
    struct monitored *m = shash_find_data(&h->monitored, member->port);

    if (m && !m->begun) {
        m->begun = true;
        m->told = (member->row == BACKEND_UP ? HEALTH_MONITOR_UP
                   : member->row == BACKEND_DOWN ? HEALTH_MONITOR_DOWN
                   : HEALTH_MONITOR_UNKNOWN);
    }
}

/* For others.  ------------------------------------------------------------ */

bool
health_monitor_status(const struct health *h, const char *port, bool history,
                      struct arena *arena, struct status_monitor *status)
{
    const struct monitored *m = h ? shash_find_data(&h->monitored, port)
                                : NULL;
    const struct backend *b;
    const char *reason;

    if (!m) {
        return false;
    }
    b = find_backend(h, m->target, port);
    *status = (struct status_monitor) {
        .state = health_monitor_names[judge(h, b, &reason)],
    };
    status->reason = reason ? arena_strdup(arena, reason) : NULL;
    if (b) {
        bool knows = strcmp(status->state, "unknown");

        status->since = knows ? b->since_ms : 0;
        status->checked = b->checked_ms;
        status->latency_us = knows && b->shown == BACKEND_UP ? b->latency_us
                             : 0;
        status->answered = b->n_ok;
        status->unanswered = b->n_failed;
        if (history) {
            health_put_history(b, arena, &status->n_history,
                               &status->history);
        }
    }
    return true;
}

void
health_count_monitored(const struct health *h,
                       uint64_t n[HEALTH_MONITOR_N_STATES])
{
    const struct shash_node *node;
    const char *reason;

    memset(n, 0, HEALTH_MONITOR_N_STATES * sizeof *n);
    if (h) {
        SHASH_FOR_EACH (node, &h->monitored) {
            const struct monitored *m = node->data;

            n[judge(h, find_backend(h, m->target, node->name), &reason)]++;
        }
    }
}
