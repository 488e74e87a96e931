/* SPDX-License-Identifier: Apache-2.0
 *
 * Rejected claims: those of hosts that have the interface of a port which must
 * not be bound there.  Counts them by both hosts' names, for /metrics, and
 * notifies the fabric's watchers, for events.  The number of counters and the
 * rate of notifications are bounded, whatever a host does.  Not for the
 * decision (binding-decision.h, placement.h). */

#ifndef CONTROLLER_FABRIC_OVSDB_REJECTED_CLAIMS_H
#define CONTROLLER_FABRIC_OVSDB_REJECTED_CLAIMS_H 1

#include <stdint.h>

struct fabric;
struct rejected_claims;

/* Maximum number of pairs of hosts with a counter of their own; further ones
 * share one. */
#define REJECTED_CLAIMS_PAIRS_MAX 1000
/* Notifications per host: rate and burst. */
#define REJECTED_CLAIMS_EVENTS_PER_S 5
#define REJECTED_CLAIMS_EVENTS_BURST 50

struct rejected_claims *rejected_claims_create(struct fabric *);
void rejected_claims_destroy(struct rejected_claims *);

/* Counts a rejected claim of 'host' for 'port', with the 'reason'; 'expected'
 * is the host that the port belongs on, or NULL.  Notifies the fabric's
 * watchers if the host is within its rate. */
void rejected_claims_add(struct rejected_claims *, const char *port,
                         const char *host, const char *expected,
                         const char *reason);

/* Frees the rate limiter of a host that was removed; its counts stay. */
void rejected_claims_forget_host(struct rejected_claims *, const char *host);

/* Calls 'cb' for each pair of hosts with its number of rejected claims;
 * 'expected' is "" if there was none. */
typedef void rejected_claims_cb(void *aux, const char *host,
                                const char *expected, uint64_t n);
void rejected_claims_each(const struct rejected_claims *,
                          rejected_claims_cb *, void *aux);

#endif /* controller/fabric/ovsdb/rejected-claims.h */
