/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a port is: which host's claim is its binding, and which one is the
 * candidate.  A pure function of what is known; observed-state.c gathers
 * that. */

#ifndef CONTROLLER_FABRIC_OVSDB_BINDING_DECISION_H
#define CONTROLLER_FABRIC_OVSDB_BINDING_DECISION_H 1

#include <stdbool.h>
#include <stddef.h>

/* What a host reports of an interface with the port's iface-id. */
enum binding_report {
    BINDING_ABSENT,             /* It has none. */
    BINDING_PRESENT,            /* It has one, with an OpenFlow number. */
    BINDING_UNREPORTED,         /* It has not reported since the start. */
};

struct binding_claim {
    const char *host;
    enum binding_report report; /* The last one. */
    bool allowed;               /* The port may be bound there. */
    bool silent;                /* Not connected, and not only for a moment. */
    bool ready;                 /* Its switch holds what a candidate's is to
                                 * hold: it can take over without a gap. */
};

struct binding {
    const char *active;         /* Host, or NULL. */
    const char *candidate;      /* Host, or NULL; never without 'active'. */
    bool moving;                /* The candidate takes over once it is ready.
                                 * Only in results. */
};

/* Decides the binding of a port whose row says 'required' (a host or NULL) and
 * whose binding is 'now'.  With 'failover', a live claim takes over from an
 * active host that is silent.  'claims' is sorted by host, each once; a host
 * that is not in it has none, or is gone.  The result's strings are those of
 * 'claims'.
 *
 * A host that is not allowed is in no result, but for the one that was active:
 * it stays while another, which is allowed, gets ready ('moving'). */
struct binding binding_decide(const char *required, bool failover,
                              struct binding now,
                              const struct binding_claim *claims, size_t n);

#endif /* controller/fabric/ovsdb/binding-decision.h */
