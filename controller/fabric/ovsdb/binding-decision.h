/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides where a port is bound: which host's claim is its binding, and which
 * one is the candidate.  A pure function; port-bindings.c collects its
 * input. */

#ifndef CONTROLLER_FABRIC_OVSDB_BINDING_DECISION_H
#define CONTROLLER_FABRIC_OVSDB_BINDING_DECISION_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a host reports of an interface with the port's iface-id. */
enum binding_report {
    BINDING_ABSENT,             /* No such interface. */
    BINDING_PRESENT,            /* An interface with an OpenFlow port
                                 * number. */
    BINDING_UNREPORTED,         /* Unknown: no report since the start. */
};

struct binding_claim {
    const char *host;
    enum binding_report report; /* The last one. */
    bool allowed;               /* The port may be bound there. */
    bool silent;                /* Disconnected for some time. */
    bool leaving;               /* In maintenance: others are preferred to
                                 * it. */
    bool named;                 /* The port's row names it as the next one: as
                                 * a candidate it comes first. */
    bool ready;                 /* Its switch has installed a candidate's
                                 * flows: it can take over without an
                                 * interruption. */
    uint64_t seen;              /* When its guest was last seen to run there
                                 * while another host was the active one, in
                                 * any order of time; 0: it was not. */
};

struct binding {
    const char *active;         /* Host, or NULL. */
    const char *candidate;      /* Host, or NULL; never without 'active'. */
    bool activated;             /* It has moved from the candidate, which still
                                 * has the interface. */
    const char *former;         /* The host that it has moved from, which has
                                 * dropped the interface; or NULL.  Never with
                                 * a candidate. */
    bool moving;                /* The candidate takes over once it is ready.
                                 * Only in results. */
};

/* Decides the binding of a port whose row names host 'required' (or NULL) and
 * whose current binding is 'now'.  With 'failover', a live claim takes over
 * from an active host that is silent.  'claims' is sorted by host and
 * distinct; a host that is not in it has no claim, or was deleted.  The
 * result's strings are those of 'claims'.  A host that is not allowed is in no
 * result, except the one that was active: it keeps the binding until another
 * host, which is allowed, is ready ('moving'). */
struct binding binding_decide(const char *required, bool failover,
                              struct binding now,
                              const struct binding_claim *claims, size_t n);

#endif /* controller/fabric/ovsdb/binding-decision.h */
