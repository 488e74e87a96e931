/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices that a host is silent: nothing usable has been heard of its database
 * for longer than a session takes to come back.  A silent host's claims give
 * way to those of others.
 *
 * And that a host is unheard: it is silent, or its switch has been away for as
 * long.  Nobody knows then whether its ports are up, and their state says so
 * (port-status.c).  Flows and bindings do not follow from that.
 *
 * And that a host's switch is dead, rather than out of reach: it is lost, and
 * the host's database has answered since.
 *
 * Not for probing a session that is up, which ends one that does not answer
 * (proto/ovsdb), nor for what follows of silence (observed-state.c,
 * binding-decision.c), nor for the state that users see
 * (session/host-state.c). */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_LIVENESS_H
#define CONTROLLER_FABRIC_OVSDB_HOST_LIVENESS_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric_host_db;

/* How long a host is without a session, in ms, before it is silent: longer
 * than a session takes to come back, also when vmnd was restarted.  A host
 * that dials in tries at least every 8 s. */
#define HOST_SILENT_MS 5000
#define HOST_SILENT_INBOUND_MS 10000

/* One of a host's two sessions, as far as it is missed. */
struct liveness_session {
    int64_t away_ms;            /* Since when it is away, by the wall clock; 0:
                                 * it is there. */
    int64_t due_ms;             /* When it is lost, of loop_now_ms(); 0: it is
                                 * there, or lost already. */
    bool lost;
};

/* Follows the host's session.  'alive': it is connected and the host is not
 * refused, so the host is not silent; else it becomes silent unless that
 * changes in time. */
void host_liveness_update(struct fabric_host_db *, bool alive);
/* Follows the switch's session: it is lost if it does not come back in time,
 * and once it was lost it is back when what the switch holds is known
 * again. */
void host_liveness_switch_update(struct fabric_host_db *);
/* Returns true if the host is unheard, and sets '*since_ms' to when it was
 * heard last, by the wall clock: at the earliest the start of this process. */
bool host_liveness_is_unheard(const struct fabric_host_db *,
                              int64_t *since_ms);
/* The same as a sentence, which the caller frees; or NULL if it is heard. */
char *host_liveness_reason(const struct fabric_host_db *);
/* Returns when host_liveness_check() is to be called, in ms of loop_now_ms();
 * INT64_MAX: not at all. */
int64_t host_liveness_deadline(const struct fabric_host_db *);
/* Declares the host silent, or unheard, if its time is over; and its switch
 * dead ('switch_dead') if the database has answered since it was lost. */
void host_liveness_check(struct fabric_host_db *);

#endif /* controller/fabric/ovsdb/host-liveness.h */
