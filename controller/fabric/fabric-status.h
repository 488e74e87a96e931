/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of hosts and of what is on them: ports, telemetries. */

#ifndef CONTROLLER_FABRIC_FABRIC_STATUS_H
#define CONTROLLER_FABRIC_FABRIC_STATUS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/schema/status.h"

struct arena;
struct fabric;
struct svec;
struct vmn_ip;
struct vmn_port;
struct vmn_telemetry;

/* These functions fill in a status; what it owns is in 'arena', the rest is
 * borrowed until the next iteration of the loop.  They return false if the
 * fabric does not know the object; the status then says that nothing is
 * known. */

bool fabric_host_status(const struct fabric *, const char *host,
                        struct arena *arena, struct status_host *);
/* Sets '*state' and '*lag' to these of a host's status, which else takes a
 * look at each of its ports.  Returns false if the fabric does not know it. */
bool fabric_host_state(const struct fabric *, const char *host,
                       const char **state, struct status_lag *lag);
/* A port is "up" once its host has acknowledged the flows for its binding, and
 * "unknown" while its host is unheard. */
bool fabric_port_status(const struct fabric *, const char *port,
                        struct arena *arena, struct status_port *);
/* Returns just the state of a port, whose row is durable; NULL if the fabric
 * does not know it.  Much cheaper. */
const char *fabric_port_state(const struct fabric *, const struct vmn_port *);
/* Fills in how far a telemetry is set up; with at most 'max' hosts listed, 0:
 * none.  'row' is durable. */
void fabric_telemetry_status(const struct fabric *,
                             const struct vmn_telemetry *row, size_t max,
                             struct arena *arena, struct status_telemetry *);

/* A peer that was rejected as a host.  Members are called as in JSON. */
struct fabric_rejected_host {
    const char *address;        /* Its source address; or "unix". */
    const char *protocol;       /* "openflow", "ovsdb". */
    const char *reason;
    uint64_t count;             /* Rejections since the start. */
    int64_t first, last;        /* Wall clock, in ms. */
};
extern const struct schema_struct fabric_rejected_host_shown;
/* Returns the rejected hosts that are kept, in 'arena', the newest first.
 * Texts are borrowed until the next iteration of the loop. */
struct fabric_rejected_host *fabric_rejected_hosts(const struct fabric *,
                                                   struct arena *, size_t *n);
/* Returns the number of rejections. */
uint64_t fabric_n_rejected_hosts(const struct fabric *);

/* A host that is not synced, or has not acknowledged all revisions. */
struct fabric_behind {
    const char *host;           /* All members are borrowed. */
    const char *state;
    const char *reason;         /* Or NULL. */
    struct status_lag lag;
};
extern const struct schema_struct fabric_behind_shown;
/* Sets '*list', which the caller frees, to such hosts, the longest lag first;
 * reasons may be in 'arena'.  Returns their number. */
size_t fabric_behind(const struct fabric *, struct arena *arena,
                     struct fabric_behind **list);

/* Adds "HOST (STATE)" of each host that is not synced to 'hosts', sorted by
 * name: those that fabric_get_stats() does not count as synced. */
void fabric_unsynced_hosts(const struct fabric *, struct svec *hosts);

/* The values of "state" in a host's status. */
#define FABRIC_N_STATES 8
extern const char *const fabric_states[FABRIC_N_STATES];

/* Returns true if the host is unheard: its database, or its switch, has been
 * disconnected for longer than a reconnect takes.  Its ports are "unknown"
 * then.  Sets '*since_ms' to when it was last heard, by the wall clock.
 * Changes are notified as changes of the host's state. */
bool fabric_host_is_unheard(const struct fabric *, const char *host,
                            int64_t *since_ms);
/* Returns true if any host is. */
bool fabric_any_host_is_unheard(const struct fabric *);
/* Returns that as a sentence, which the caller frees; NULL if the host is
 * heard. */
char *fabric_host_unheard_reason(const struct fabric *, const char *host);
/* Returns, as a sentence that the caller frees, why the host may hold
 * something else than the flows that it is to hold: it is unheard, or not
 * synced, or has not acknowledged a revision for a second; NULL: it holds
 * them. */
char *fabric_host_stale_reason(const struct fabric *, const char *host);
/* Returns, as a sentence that the caller frees, why no packet is taken to pass
 * the host: it is lost, or its switch has been disconnected for longer than a
 * reconnect takes; NULL: it is connected, or was until now.  A host that lost
 * only its connection to vmnd forwards packets all the same: nothing shows
 * that. */
char *fabric_host_unreachable_reason(const struct fabric *, const char *host);
/* Returns true if the host's switch is known to be dead: it has been away for
 * longer than a session takes to come back, and the host's database, which is
 * reached the same way, has answered since.  A host that is unheard for
 * another reason may well forward packets.  Announced as of the host. */
bool fabric_host_switch_is_dead(const struct fabric *, const char *host);
/* Returns what VMs on the host have to do for their TCP and UDP to get
 * through, as a sentence in 'arena'; NULL if there is nothing. */
const char *fabric_host_checksums_warning(const struct fabric *,
                                          const char *host, struct arena *);
/* Requests for a neighbour on a physical network that has not answered. */
struct fabric_unanswered {
    uint64_t n;
    int64_t within_ms;          /* Between the first and the last of them. */
    int64_t ago_ms;             /* Since the last one. */
};
/* Returns true if the switch of 'host' has lately had neighbour 'ip' of
 * 'network' (a VNI) asked for over and over: then it does not answer.  False
 * does not say that it does: only those are asked for that packets go to. */
bool fabric_neighbour_unanswered(const struct fabric *, const char *host,
                                 uint32_t network, const struct vmn_ip *ip,
                                 struct fabric_unanswered *);
/* Returns how many interfaces of VMs, on all hosts, no port claims; adds the
 * names of their hosts to 'hosts' (NULL: does not), sorted. */
size_t fabric_unclaimed_interfaces(const struct fabric *, struct svec *hosts);
/* Returns true if the host's switch is connected. */
bool fabric_host_is_connected(const struct fabric *, const char *host);
/* Returns true if it is connected and has what fabric_host_acked() says, as
 * far as is known: since it came back it was reconciled. */
bool fabric_host_is_live(const struct fabric *, const char *host);
/* Returns the newest revision that the host has acknowledged, or 0. */
uint64_t fabric_host_acked(const struct fabric *, const char *host);

#endif /* controller/fabric/fabric-status.h */
