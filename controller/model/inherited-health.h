/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of backends whose balancer a request changes.  A balancer that
 * gets probes, or that takes the place of another one, keeps the states that
 * its backends had: a change of the configuration takes none of them out of
 * service.  The rows are part of the request's revision.  For transaction.c
 * alone; probes are controller/health. */

#ifndef CONTROLLER_MODEL_INHERITED_HEALTH_H
#define CONTROLLER_MODEL_INHERITED_HEALTH_H 1

struct txn;

/* Puts and deletes rows of VMN_TABLE_HEALTH.  Called when all other changes
 * are in effect. */
void inherit_health(struct txn *);

#endif /* controller/model/inherited-health.h */
