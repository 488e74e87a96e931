/* SPDX-License-Identifier: Apache-2.0
 *
 * Health checks of balancers' backends: probes those whose balancer has
 * "health", from the hosts that they are on, publishes their states as rows of
 * VMN_TABLE_HEALTH, and ends drains.  The loadbalancer app defines which
 * backends there are (VMN_QUERY_BACKENDS) and what follows from their states.
 *
 * health.c finds what to probe, prober.c is the core, backend-up-down.c
 * decides that a backend is up or down, health-commit.c writes rows, and
 * standby-watch.c notices which standbys serve.  probe-targets.c has what apps
 * want to have probed be balancers as well; monitored-ports.c knows which of
 * these say whether a guest answers.
 *
 * In a cluster the writer alone has a struct health. */

#ifndef CONTROLLER_HEALTH_HEALTH_H
#define CONTROLLER_HEALTH_HEALTH_H 1

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#include "controller/health/prober.h"

struct arena;
struct commit;
struct engine;
struct event_base;
struct fabric;
struct health;
struct model;
struct status_backend_drain;
struct status_backend_health;
struct status_monitor;

/* Borrows all arguments, which must outlive the result, except for the
 * commit's requests: commit_stop() comes first.  Goes on with the states that
 * rows have. */
struct health *health_create(struct event_base *, struct model *,
                             struct engine *, struct commit *,
                             struct fabric *);
void health_destroy(struct health *);

/* Whether the guest of a port that is monitored answers. */
enum health_monitor_state {
    HEALTH_MONITOR_UNKNOWN,     /* It has not been asked, or cannot be. */
    HEALTH_MONITOR_UP,
    HEALTH_MONITOR_DOWN,
    HEALTH_MONITOR_N_STATES
};
extern const char *const health_monitor_names[HEALTH_MONITOR_N_STATES];

/* Callbacks, each of which may be NULL. */
struct health_watch {
    /* The state of a backend has changed. */
    void (*backend)(void *aux, const char *balancer, const char *port,
                    enum backend_state, const char *reason);
    /* A standby serves since fewer others do than "min_serving", or stands by
     * again. */
    void (*standby)(void *aux, const char *balancer, const char *port,
                    bool serves, const char *reason);
    /* Whether the guest of a port answers has changed.  'reason' may be
     * NULL. */
    void (*monitor)(void *aux, const char *port, enum health_monitor_state,
                    const char *reason);
};

/* Sets who is told of changes, a borrowed constant; NULL: nobody. */
void health_set_watch(struct health *, const struct health_watch *,
                      void *aux);

/* Fills in the status of a backend, with its history in 'arena'.  Returns
 * false if it is not checked. */
bool health_backend_status(const struct health *, const char *balancer,
                           const char *port, struct arena *arena,
                           struct status_backend_health *);

/* Fills in how far the drain of a backend is.  Returns false if it is not
 * draining. */
bool health_drain_status(const struct health *, const char *balancer,
                         const char *port, struct status_backend_drain *);
/* Returns how the drain of a backend that is drained ended, as the status
 * names it, a constant.  NULL: it is not drained, or was before vmnd's
 * start. */
const char *health_drain_result(const struct health *, const char *balancer,
                                const char *port);

/* Returns how many backends on the host drain, and are not drained yet; 0 if
 * 'health' is NULL. */
uint64_t health_count_drains(const struct health *, const char *host);

/* Fills in whether the guest of a port answers, with what it points to in
 * 'arena'; its history if that is asked for.  Returns false if it is not
 * monitored. */
bool health_monitor_status(const struct health *, const char *port,
                           bool history, struct arena *arena,
                           struct status_monitor *);
/* Counts the ports that are monitored by their states. */
void health_count_monitored(const struct health *,
                            uint64_t n[HEALTH_MONITOR_N_STATES]);

/* For /metrics: of this process. */
void health_get_stats(const struct health *, struct prober_stats *);

/* Registers "health/show" with unixctl. */
void health_unixctl_init(struct health *);

#endif /* controller/health/health.h */
