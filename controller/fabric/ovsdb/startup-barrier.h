/* SPDX-License-Identifier: Apache-2.0
 *
 * Delays compilation at a start until hosts have reported.  Not for processing
 * reports (observed-state.h). */

#ifndef CONTROLLER_FABRIC_OVSDB_STARTUP_BARRIER_H
#define CONTROLLER_FABRIC_OVSDB_STARTUP_BARRIER_H 1

struct fabric_db;

/* Holds commits, unless one has begun already. */
void startup_barrier_hold(struct fabric_db *);
/* Goes on to hold them until all hosts have reported, as long as those that
 * have not send messages; or has hosts wait, while reports are gathered. */
void startup_barrier_begin(struct fabric_db *);
/* Ends the barrier if all hosts have reported. */
void startup_barrier_check(struct fabric_db *);
void startup_barrier_uninit(struct fabric_db *);

#endif /* controller/fabric/ovsdb/startup-barrier.h */
