/* SPDX-License-Identifier: Apache-2.0
 *
 * A pass over all ports, hosts, networks, balancers and routers for GET
 * /metrics: how many need attention, and which, as far as there is room.  Used
 * by metrics-scrape.c, which spreads it over the iterations of the loop. */

#ifndef CONTROLLER_NORTHBOUND_METRICS_OBJECT_STATES_H
#define CONTROLLER_NORTHBOUND_METRICS_OBJECT_STATES_H 1

#include <stdbool.h>

struct census;
struct ds;
struct northbound;

/* Borrows the northbound. */
struct census *census_create(const struct northbound *);
void census_destroy(struct census *);

/* Reads more objects, until the iteration's time is over.  Returns true when
 * all are read. */
bool census_take(struct census *);

/* Appends what was found. */
void census_append(const struct census *, struct ds *);

#endif /* controller/northbound/metrics-object-states.h */
