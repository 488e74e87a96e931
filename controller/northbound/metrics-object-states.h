/* SPDX-License-Identifier: Apache-2.0
 *
 * A pass over all ports, hosts, networks, balancers and routers for GET
 * /metrics: how many need attention, and which, as far as there is room.  Used
 * by metrics-scrape.c, which spreads it over the iterations of the loop. */

#ifndef CONTROLLER_NORTHBOUND_METRICS_OBJECT_STATES_H
#define CONTROLLER_NORTHBOUND_METRICS_OBJECT_STATES_H 1

#include <stdbool.h>

struct object_states;
struct ds;
struct northbound;

/* Borrows the northbound. */
struct object_states *object_states_create(const struct northbound *);
void object_states_destroy(struct object_states *);

/* Reads more objects, until the iteration's time is over.  Returns true when
 * all are read. */
bool object_states_read(struct object_states *);

/* Appends what was found. */
void object_states_append(const struct object_states *, struct ds *);

#endif /* controller/northbound/metrics-object-states.h */
