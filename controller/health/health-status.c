/* SPDX-License-Identifier: Apache-2.0
 *
 * What users see of backends and of their drains; see health.h.  Changes
 * nothing. */

#include <config.h>

#include "controller/health/health-private.h"

#include <inttypes.h>
#include <string.h>

#include "controller/fabric/fabric-counters.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

void
health_put_history(const struct backend *b, struct arena *arena, size_t *n_,
                   struct status_backend_change **history)
{
    size_t n = MIN(b->n_changes, BACKEND_HISTORY);

    *history = arena_alloc(arena, n * sizeof **history);
    *n_ = n;
    for (size_t i = 0; i < n; i++) {
        const struct backend_change *change
            = &b->history[(b->n_changes - n + i) % BACKEND_HISTORY];

        (*history)[i] = (struct status_backend_change) {
            .time = change->time_ms,
            .state = backend_state_names[change->state],
            .reason = change->reason[0] ? change->reason : NULL,
        };
    }
}

/* Returns until when the backend keeps its state, by the wall clock, in ms; 0:
 * it does not. */
static int64_t
get_kept_until(const struct backend *b)
{
    int64_t now_us = time_usec();
    int64_t until_us = prober_kept_until(b, now_us);

    return until_us ? time_wall_msec() + (until_us - now_us) / 1000 : 0;
}

bool
health_backend_status(const struct health *h, const char *balancer,
                      const char *port, struct arena *arena,
                      struct status_backend_health *status)
{
    const struct backend *b = (h ? prober_find(&h->prober, balancer, port)
                               : NULL);

    if (!b) {
        return false;
    }
    *status = (struct status_backend_health) {
        .state = backend_state_names[b->shown], .since = b->since_ms,
        .reason = b->reason[0] ? b->reason : NULL,
        .checked = b->checked_ms, .latency_us = b->latency_us,
        .ok = b->n_ok, .failed = b->n_failed,
        .kept_until = get_kept_until(b),
    };
    health_put_history(b, arena, &status->n_history, &status->history);
    return true;
}

/* Returns time 'us' of time_usec() by the wall clock, in ms. */
static int64_t
wall_ms(int64_t us)
{
    return time_wall_msec() + (us - time_usec()) / 1000;
}

bool
health_drain_status(const struct health *h, const char *balancer,
                    const char *port, struct status_backend_drain *status)
{
    const struct backend *b = (h ? prober_find(&h->prober, balancer, port)
                               : NULL);
    int64_t margin_us, quiet_us;

    if (!b || !b->drain.goes_on) {
        return false;
    }
    margin_us = 2 * fabric_count_interval(h->fabric) * INT64_C(1000000);
    quiet_us = MAX(MAX(b->sent_us, h->known_us), b->drain.begun_us);
    *status = (struct status_backend_drain) {
        .since = wall_ms(b->drain.from_us),
        .quiet_since = margin_us ? wall_ms(quiet_us) : 0,
        .latest = wall_ms(b->drain.latest_us),
    };
    status->earliest = status->latest;
    if (margin_us) {
        quiet_us += margin_us + DRAIN_QUIET_MS * INT64_C(1000);
        status->earliest = wall_ms(MIN(quiet_us, b->drain.latest_us));
    }
    return true;
}

const char *
health_drain_result(const struct health *h, const char *balancer,
                    const char *port)
{
    static const char *const names[] = {
        [DRAIN_UNKNOWN] = NULL, [DRAIN_QUIET] = "quiet", [DRAIN_CUT] = "cut",
    };
    const struct backend *b = (h ? prober_find(&h->prober, balancer, port)
                               : NULL);

    return b ? names[b->drain.result] : NULL;
}

uint64_t
health_count_drains(const struct health *h, const char *host)
{
    const struct balancer *lb;
    const struct backend *b;
    uint64_t n = 0;

    if (h) {
        HMAP_FOR_EACH (lb, node, &h->prober.balancers) {
            HMAP_FOR_EACH (b, node, &lb->backends) {
                n += b->drain.goes_on && !strcmp(b->host, host);
            }
        }
    }
    return n;
}

void
health_get_stats(const struct health *h, struct prober_stats *stats)
{
    if (h) {
        *stats = h->prober.stats;
    } else {
        memset(stats, 0, sizeof *stats);
    }
}

static void
show_backend(const struct backend *b, struct ds *ds)
{
    ds_put_format(ds, "%s/%s: %s", b->lb->name, b->port,
                  backend_state_names[b->shown]);
    if (b->reason[0]) {
        ds_put_format(ds, " (%s)", b->reason);
    }
    ds_put_format(ds, ", host %s, port %"PRIu32", %"PRIu64" ok, %"PRIu64
                  " failed, last %"PRId64" us%s\n",
                  b->host[0] ? b->host : "none", b->ofport, b->n_ok,
                  b->n_failed, b->latency_us,
                  b->probe ? ", probe on its way" : "");
}

static void
show_cmd(struct unixctl_conn *conn, int argc, const char *argv[], void *h_)
{
    const struct health *h = h_;
    const struct prober_stats *stats = &h->prober.stats;
    const struct balancer *lb;
    const struct backend *b;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "%"PRIu64" ok, %"PRIu64" failed, %"PRIu64" not sent, "
                  "%"PRIu64" late, %"PRIu64" frames ignored\n", stats->n_ok,
                  stats->n_failed, stats->n_unsent, stats->n_late,
                  stats->n_ignored);
    HMAP_FOR_EACH (lb, node, &h->prober.balancers) {
        if (argc < 2 || !strcmp(argv[1], lb->name)) {
            HMAP_FOR_EACH (b, node, &lb->backends) {
                show_backend(b, &ds);
            }
        }
    }
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
health_unixctl_init(struct health *h)
{
    unixctl_command_register("health/show", "[balancer]", 0, 1, show_cmd, h);
}
