/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the states of backends to the model: changes are batched into one
 * request at a time.  Used by health.c. */

#ifndef CONTROLLER_HEALTH_HEALTH_COMMIT_H
#define CONTROLLER_HEALTH_HEALTH_COMMIT_H 1

#include <stdbool.h>

struct commit;
struct event_base;
struct health_commit;
struct model;

/* Returns the desired state of row "BALANCER/PORT", by its name in the schema,
 * or NULL if the row must not exist. */
typedef const char *health_commit_desired_cb(void *aux, const char *balancer,
                                             const char *port);

struct health_commit *health_commit_create(struct event_base *, struct model *,
                                           struct commit *,
                                           health_commit_desired_cb *,
                                           void *aux);
void health_commit_destroy(struct health_commit *);

/* Schedules an update of the backend's row. */
void health_commit_update(struct health_commit *, const char *balancer,
                          const char *port);

#endif /* controller/health/health-commit.h */
