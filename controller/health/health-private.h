/* SPDX-License-Identifier: Apache-2.0
 *
 * What health.c, probe-places.c, probe-targets.c, monitored-ports.c and
 * health-status.c share.  Not for other files. */

#ifndef CONTROLLER_HEALTH_HEALTH_PRIVATE_H
#define CONTROLLER_HEALTH_HEALTH_PRIVATE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/health/health.h"
#include "controller/health/prober.h"
#include "openvswitch/shash.h"
#include "sset.h"
#include "vmn/rows.h"

struct arena;
struct status_backend_change;

struct health {
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    struct fabric *fabric;
    struct prober prober;
    struct event_base *base;
    struct health_commit *rows; /* Owned. */
    struct standby_watch *standbys; /* Owned. */
    struct event *timer;        /* Expires when something is due. */
    struct event *drains;
    bool begun;                 /* The first compile is done. */
    bool refresh_due;           /* When the state is quiescent. */
    bool rows_known;            /* All rows were refreshed. */
    int64_t started_us;
    int64_t known_us;           /* Since when the counters of all hosts are
                                 * known. */
    uint64_t n_count_failures;  /* At that time. */
    /* To be refreshed; of balancers also PROBER_TARGET and a target. */
    struct sset balancers, hosts, ports, vifs;
    struct shash targets;       /* probe-targets.c's, */
    struct sset refused;        /* those for which there is no room, */
    struct sset moved;          /* and ports that may concern some. */
    struct shash monitored;     /* monitored-ports.c's, by port. */
    struct shash seen_hosts;    /* Hosts that have been connected: since when
                                 * one is not, of time_usec(), or 0; an owned
                                 * int64_t. */
    const struct health_watch *watch;       /* Or NULL. */
    void *watch_aux;
};

/* health.c.  What is to be refreshed will be. */
void health_schedule_refresh(struct health *);
/* How the prober calls a probe. */
enum probe_type health_probe_type(enum vmn_probe);
/* Sets, of a backend with a port, the state that its row has.  The other one
 * schedules a row that differs from the backend's state. */
void health_read_row(struct health *, const char *balancer,
                     struct prober_member *);
void health_check_row(struct health *, const char *balancer,
                      const struct prober_member *);

/* probe-places.c.  Returns the port's interface on 'host', or NULL. */
const struct vmn_vif *health_find_vif(const struct health *, const char *port,
                                      const char *host);
/* Sets, of a backend with a port and a host, whether it can be probed there,
 * or how long it keeps its state. */
void health_look_at_host(struct health *, int64_t unheard_ms,
                         struct prober_member *);

/* probe-targets.c.  Take those that have changed, and those that what is to be
 * refreshed concerns, to 'balancers'; refresh one of them; forget all. */
void health_take_targets(struct health *);
void health_find_targets(struct health *);
void health_refresh_target(struct health *, const char *balancer);
void health_free_targets(struct health *);

/* monitored-ports.c.  Target 'target' says whether the guest of 'port'
 * answers, unless one with a lesser name does; it does no more, and true is
 * returned if it was the one that did. */
void health_monitor_set(struct health *, const char *target,
                        const char *port);
bool health_monitor_unset(struct health *, const char *target,
                          const char *port);
void health_monitor_free(struct health *);
/* A member that is about to be probed has the state of its row by now, which
 * is no news. */
void health_monitor_begin(struct health *, const struct prober_member *);
/* Tells of the backend of a target, if its port is monitored and what it is
 * differs from what was told last. */
void health_monitor_tell(struct health *, const struct backend *);
/* Does the same after a target of 'port' was set: its host may be away now, or
 * the port be on none. */
void health_monitor_look(struct health *, const char *target,
                         const char *port);

/* health-status.c.  Sets the backend's last changes, oldest first. */
void health_put_history(const struct backend *, struct arena *arena,
                        size_t *n, struct status_backend_change **);

#endif /* controller/health/health-private.h */
