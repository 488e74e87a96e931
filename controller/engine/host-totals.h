/* SPDX-License-Identifier: Apache-2.0
 *
 * The number of desired items per host, updated by scopes as items and members
 * are added and removed.  And a limit, so that a change with excessive flows
 * is detected before it reaches a host.  Not for the items themselves
 * (engine.h). */

#ifndef CONTROLLER_ENGINE_HOST_TOTALS_H
#define CONTROLLER_ENGINE_HOST_TOTALS_H 1

#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"

struct host_total;

struct host_totals {
    struct hmap hosts;          /* Of struct host_total, by name. */
    struct ovs_list touched;    /* Since the last host_totals_update(). */
    uint64_t max;               /* Limit of items of one host; 0: unlimited. */
    const struct host_total *exceeded; /* Found by it, or NULL. */
};

void host_totals_init(struct host_totals *);
void host_totals_uninit(struct host_totals *);

/* Adds 'n' items to the total of 'host' ('n' may be negative), of which
 * 'n_groups' are groups. */
void host_totals_add(struct host_totals *, const char *host, int64_t n,
                     int64_t n_groups);

/* Ends a run.  Finds a host that is above 'max' and was lower before; one that
 * was above it already may stay so while it shrinks. */
void host_totals_update(struct host_totals *);

uint64_t host_totals_get(const struct host_totals *, const char *host);
uint64_t host_totals_get_groups(const struct host_totals *, const char *host);

/* Calls 'cb' for each host with desired items. */
void host_totals_each(const struct host_totals *,
                      void (*cb)(void *aux, const char *host, uint64_t n),
                      void *aux);
/* Returns the host with the largest total (of several, the first by name), and
 * sets the total; or NULL.  Valid until the next change. */
const char *host_totals_most(const struct host_totals *, uint64_t *total);

/* Returns the host that host_totals_update() found to exceed 'max', with its
 * total; or NULL.  Valid until the next change. */
const char *host_totals_exceeded(const struct host_totals *, uint64_t *total);

#endif /* controller/engine/host-totals.h */
