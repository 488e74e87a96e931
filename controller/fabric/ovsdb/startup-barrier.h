/* SPDX-License-Identifier: Apache-2.0
 *
 * What hosts report at a start is waited for before anything is compiled.  Not
 * for what is made of reports (observed-state.h). */

#ifndef CONTROLLER_FABRIC_OVSDB_STARTUP_BARRIER_H
#define CONTROLLER_FABRIC_OVSDB_STARTUP_BARRIER_H 1

struct fabric_db;

/* Holds commits until all hosts have reported, as long as those that have not
 * are heard of. */
void startup_barrier_begin(struct fabric_db *);
/* Ends that if all hosts have reported by now. */
void startup_barrier_check(struct fabric_db *);
void startup_barrier_uninit(struct fabric_db *);

#endif /* controller/fabric/ovsdb/startup-barrier.h */
