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
struct nb_problems;
struct northbound;

/* Borrows the northbound. */
struct object_states *object_states_create(const struct northbound *);
void object_states_destroy(struct object_states *);

/* Reads more objects, until the iteration's time is over.  Returns true when
 * all are read. */
bool object_states_read(struct object_states *);

/* Adds subnets that are nearly full, balancers without backends, and routers
 * without a gateway or a standby, at most METRICS_SERIES_MAX of each.  Their
 * texts are valid until object_states_destroy(). */
void object_states_add_problems(const struct object_states *,
                                struct nb_problems *);
/* Returns the states of what object_states_add_problems() adds; not for
 * object_states_append().  Reads all of it at once.  The caller destroys
 * them. */
struct object_states *object_states_read_problems(const struct northbound *);

/* Appends what was found. */
void object_states_append(const struct object_states *, struct ds *);

#endif /* controller/northbound/metrics-object-states.h */
