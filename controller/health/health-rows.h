/* SPDX-License-Identifier: Apache-2.0
 *
 * How states of backends get into the model: what has changed is submitted
 * together, a request at a time.  Used by health.c. */

#ifndef CONTROLLER_HEALTH_HEALTH_ROWS_H
#define CONTROLLER_HEALTH_HEALTH_ROWS_H 1

#include <stdbool.h>

struct commit;
struct event_base;
struct health_rows;
struct model;

/* What row 'name' ("BALANCER/PORT") is to say: a word of the schema, or NULL: there
 * is to be none. */
typedef const char *health_rows_wanted_cb(void *aux, const char *balancer,
                                          const char *port);

struct health_rows *health_rows_create(struct event_base *, struct model *,
                                       struct commit *,
                                       health_rows_wanted_cb *, void *aux);
void health_rows_destroy(struct health_rows *);

/* The row of a backend may be another one now. */
void health_rows_update(struct health_rows *, const char *balancer,
                        const char *port);

#endif /* controller/health/health-rows.h */
