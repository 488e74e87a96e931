/* SPDX-License-Identifier: Apache-2.0
 *
 * Detects that a host is silent: its database has not been connected, or not
 * usable, for longer than a reconnect takes.  Claims of other hosts take
 * precedence over a silent host's.
 *
 * And that a host is unheard: it is silent or rejected, its switch's
 * connection has ended, or its switch has not connected for as long since the
 * start of vmnd.  The state of its ports is unknown then (port-status.c);
 * flows and bindings do not depend on it.
 *
 * And that a host's switch is dead, rather than unreachable: it is lost, and
 * the host's database has replied since.
 *
 * Not for probing a live session, which disconnects a peer that does not reply
 * (proto/ovsdb), nor for the consequences of silence (observed-state.c,
 * binding-decision.c), nor for the state that users see
 * (session/host-openflow-state.c). */

#ifndef CONTROLLER_FABRIC_OVSDB_HOST_LIVENESS_H
#define CONTROLLER_FABRIC_OVSDB_HOST_LIVENESS_H 1

#include <stdbool.h>
#include <stdint.h>

struct fabric_host_db;

/* Time without a session, in ms, after which a host is silent: longer than a
 * reconnect takes, also after a restart of vmnd.  A host that connects to vmnd
 * retries at least every 8 s. */
#define HOST_SILENT_MS 5000
#define HOST_SILENT_INBOUND_MS 10000

/* The liveness of one of a host's two sessions. */
struct liveness_session {
    int64_t away_ms;            /* Disconnected since, by the wall clock; 0: it
                                 * is connected. */
    int64_t due_ms;             /* When it times out, of loop_now_ms(); 0: it
                                 * is connected, or has timed out. */
    bool lost;                  /* It has timed out. */
    bool gone;                  /* Of a switch: its connection has ended, and
                                 * it has not been reconciled since. */
};

/* Sets the state of the host's session.  'alive': it is connected and the host
 * is not refused, so the host is not silent; otherwise it becomes silent
 * unless that changes before the time-out. */
void host_liveness_update(struct fabric_host_db *, bool alive);
/* Sets the state of the switch's session: it is gone when it ends, and lost if
 * the switch does not reconnect before the time-out; it is restored when the
 * switch has been reconciled. */
void host_liveness_switch_update(struct fabric_host_db *);
/* Returns true if the host is unheard, and sets '*since_ms' to when it was
 * last heard, by the wall clock: at the earliest the start of this process. */
bool host_liveness_is_unheard(const struct fabric_host_db *,
                              int64_t *since_ms);
/* Returns that as a sentence, which the caller frees; NULL if it is heard. */
char *host_liveness_reason(const struct fabric_host_db *);
/* Returns when host_liveness_check() must be called, in ms of loop_now_ms();
 * INT64_MAX: never. */
int64_t host_liveness_deadline(const struct fabric_host_db *);
/* Declares the host silent, or unheard, if it has timed out; and its switch
 * dead ('switch_dead') if the database has replied since it was lost. */
void host_liveness_check(struct fabric_host_db *);

#endif /* controller/fabric/ovsdb/host-liveness.h */
