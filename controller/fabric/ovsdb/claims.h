/* SPDX-License-Identifier: Apache-2.0
 *
 * Refused claims: hosts that had the interface of a port which may not be
 * bound there.  Counted by both hosts' names, for /metrics, and announced to
 * the fabric's watchers, for events.  Both are bounded, whatever a host does.
 * Not for the decision (binding-decision.h, placement.h). */

#ifndef CONTROLLER_FABRIC_OVSDB_CLAIMS_H
#define CONTROLLER_FABRIC_OVSDB_CLAIMS_H 1

#include <stdint.h>

struct fabric;
struct claims;

/* Pairs of hosts with a count of their own; others are counted as one. */
#define CLAIMS_PAIRS_MAX 1000
/* Announcements of one host in a second, and at most at once. */
#define CLAIMS_EVENTS_PER_S 5
#define CLAIMS_EVENTS_BURST 50

struct claims *claims_create(struct fabric *);
void claims_destroy(struct claims *);

/* Counts that the claim of 'host' for 'port' was refused, for 'reason', where
 * 'expected' (a host, or NULL) is to have it.  Announces it if the host is
 * within its rate. */
void claims_refused(struct claims *, const char *port, const char *host,
                    const char *expected, const char *reason);

/* Forgets the rate of a host that is gone; counts stay. */
void claims_forget_host(struct claims *, const char *host);

/* Calls 'cb' for each pair of hosts; 'expected' is "" where there was none. */
typedef void claims_cb(void *aux, const char *host, const char *expected,
                       uint64_t n);
void claims_each(const struct claims *, claims_cb *, void *aux);

#endif /* controller/fabric/ovsdb/claims.h */
