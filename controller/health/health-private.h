/* SPDX-License-Identifier: Apache-2.0
 *
 * What health.c and health-status.c share.  Not for other files. */

#ifndef CONTROLLER_HEALTH_HEALTH_PRIVATE_H
#define CONTROLLER_HEALTH_HEALTH_PRIVATE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/health/health.h"
#include "controller/health/prober.h"
#include "openvswitch/shash.h"
#include "sset.h"

struct health {
    struct model *model;
    struct engine *engine;
    struct commit *commit;
    struct fabric *fabric;
    struct prober prober;
    struct health_commit *rows; /* Owned. */
    struct connection_flush *gone;          /* Owned. */
    struct standby_watch *standbys;         /* Owned. */
    struct event *timer;        /* Expires when something is due. */
    struct event *drains;
    bool begun;                 /* The first compile is done. */
    bool refresh_due;           /* When the state is quiescent. */
    bool rows_known;            /* All rows were refreshed. */
    int64_t started_us;
    int64_t known_us;           /* Since when the counters of all hosts are
                                 * known. */
    uint64_t n_count_failures;  /* At that time. */
    struct sset balancers, hosts, ports, vifs; /* To be refreshed. */
    struct shash seen_hosts;    /* Hosts that have been connected: since when
                                 * one is not, of time_usec(), or 0; an owned
                                 * int64_t. */
    const struct health_watch *watch;       /* Or NULL. */
    void *watch_aux;
};

#endif /* controller/health/health-private.h */
