/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices that a host is silent: nothing usable has been heard of its database
 * for longer than a session takes to come back.  A silent host's claims give
 * way to those of others.
 *
 * Not for probing a session that is up, which ends one that does not answer
 * (proto/ovsdb), nor for what follows of silence (observed-state.c,
 * binding-decision.c), nor for the state that users see (session/host-state.c). */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_LIVENESS_H
#define CONTROLLER_FABRIC_OVSDB_HOST_LIVENESS_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric_host_db;

/* Follows the host's session.  'alive': it is connected and the host is not
 * refused, so the host is not silent; else it becomes silent unless that
 * changes in time. */
void host_liveness_update(struct fabric_host_db *, bool alive);
/* Returns when host_liveness_check() is to be called, in ms of loop_now_ms();
 * INT64_MAX: not at all. */
int64_t host_liveness_deadline(const struct fabric_host_db *);
/* Declares the host silent if its time is over. */
void host_liveness_check(struct fabric_host_db *);

#endif /* controller/fabric/ovsdb/host-liveness.h */
