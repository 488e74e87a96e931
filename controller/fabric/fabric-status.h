/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of hosts, and of what is on them: ports, telemetries. */

#ifndef CONTROLLER_FABRIC_FABRIC_STATUS_H
#define CONTROLLER_FABRIC_FABRIC_STATUS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/status.h"

struct arena;
struct fabric;
struct svec;
struct vmn_telemetry;

/* These fill in a status, with what it owns in 'arena'; the rest is borrowed
 * until the loop's next turn.  They return false if the fabric does not know
 * the object; the status then is one of which nothing is known. */

bool fabric_host_status(const struct fabric *, const char *host,
                        struct arena *arena, struct status_host *);
/* A port is "up" once its host has acknowledged the flows of its being there,
 * and "unknown" while its host is unheard. */
bool fabric_port_status(const struct fabric *, const char *port,
                        struct arena *arena, struct status_port *);
/* How far what a telemetry says has come; with at most 'max' hosts listed, 0:
 * none.  'row' is durable. */
void fabric_telemetry_status(const struct fabric *,
                             const struct vmn_telemetry *row, size_t max,
                             struct arena *arena, struct status_telemetry *);

/* Whoever wanted to be a host and was refused.  Members are called as in
 * JSON. */
struct fabric_rejected_host {
    const char *address;        /* Where it came from; "unix". */
    const char *protocol;       /* "openflow", "ovsdb". */
    const char *reason;
    uint64_t count;             /* How often since the start. */
    int64_t first, last;        /* Wall clock, in ms. */
};
extern const struct schema_struct fabric_rejected_host_shown;
/* Returns those that are kept, in 'arena', the newest first.  Texts are
 * borrowed until the loop's next turn. */
struct fabric_rejected_host *fabric_rejected_hosts(const struct fabric *,
                                                   struct arena *, size_t *n);
/* Returns how often one was refused. */
uint64_t fabric_n_rejected_hosts(const struct fabric *);

/* A host that is not synced, or has revisions to acknowledge. */
struct fabric_behind {
    const char *host;           /* Borrowed, all of it. */
    const char *state;
    const char *reason;         /* Or NULL. */
    struct status_lag lag;
};
extern const struct schema_struct fabric_behind_shown;
/* Those that have been so longest first in '*list', which the caller frees.
 * Returns how many there are. */
size_t fabric_behind(const struct fabric *, struct fabric_behind **list);

/* Adds "HOST (STATE)" of each host that is not synced to 'hosts', sorted by
 * name; as many as fabric_get_stats() has that are not. */
void fabric_unsynced_hosts(const struct fabric *, struct svec *hosts);

/* What "state" of a host's status may be. */
#define FABRIC_N_STATES 6
extern const char *const fabric_states[FABRIC_N_STATES];

/* Returns true if the host is unheard: nothing was heard of its database, or
 * of its switch, for longer than a session takes to come back.  Its ports are
 * "unknown" then.  Sets '*since_ms' to when it was heard last, by the wall
 * clock.  What may be different then is announced as of the host. */
bool fabric_host_is_unheard(const struct fabric *, const char *host,
                            int64_t *since_ms);
/* The same as a sentence, which the caller frees; NULL if it is heard. */
char *fabric_host_unheard_reason(const struct fabric *, const char *host);
/* Returns true if the host's switch is known to be dead: it has been away for
 * longer than a session takes to come back, and the host's database, which is
 * reached the same way, has answered since.  A host that is unheard for
 * another reason may well forward packets.  Announced as of the host. */
bool fabric_host_switch_is_dead(const struct fabric *, const char *host);
/* Returns true if the host's switch is connected. */
bool fabric_host_is_connected(const struct fabric *, const char *host);
/* The newest revision that the host has acknowledged, or 0. */
uint64_t fabric_host_acked(const struct fabric *, const char *host);

#endif /* controller/fabric/fabric-status.h */
