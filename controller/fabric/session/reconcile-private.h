/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that reconcile.c, reconcile-compare.c and reconcile-send.c
 * share: a running reconciling.  Not for other files. */

#ifndef CONTROLLER_FABRIC_SESSION_RECONCILE_PRIVATE_H
#define CONTROLLER_FABRIC_SESSION_RECONCILE_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/session/installed-set.h"
#include "controller/fabric/session/reported-flows.h"
#include "openvswitch/ofpbuf.h"

struct commit;
struct fabric_switch;
struct flow_item;
struct group_record;
struct ofdump;

struct reconcile {
    struct fabric_switch *sw;   /* NULL: it was stopped while 'comparing';
                                 * compare_cb() frees it. */
    struct commit *commit;
    bool comparing;             /* From the quiescent state on until all is
                                 * sent.  Yields meanwhile. */

    /* The installed flows and groups. */
    bool only_marker;           /* Request only the marker's table. */
    bool settling;              /* All is read; waits for a quiescent state. */
    bool anew;                  /* Over the budget: all is deleted first. */
    struct ofdump *dump;
    int64_t began_ms;           /* time_msec(). */
    uint64_t marker;            /* The marker's cookie, or MARKER_NONE. */
    bool noted;                 /* The switch has the marker's note. */
    struct installed_set right; /* Desired when they were read. */
    size_t n_held;              /* Flows and groups. */
    struct flow_records flows;  /* Others, as the groups. */
    size_t n_groups, allocated_groups;
    struct group_record **groups;

    /* The difference, from the quiescent state on. */
    uint64_t revision;
    size_t n_items, allocated_items;
    struct flow_item **items; /* To add, groups first.  Counted. */
    struct ofpbuf flow_deletes, group_deletes; /* Messages. */
    size_t n_deletes;
    size_t n_kept;              /* Not desired, but not to be deleted. */
    uint64_t digest;            /* Of the desired state at that time. */
    uint32_t open_xid, barrier_xid;
    uint32_t marker_xid;        /* 0: none is sent. */
    uint32_t note_xid;          /* The same. */
    bool marker_refused;        /* In this try. */
    size_t n_refused;           /* In this try. */
    size_t size;                /* Bytes sent, in this try. */
};

/* reconcile-compare.c.  -------------------------------------------------- */

/* Compares the installed state with the desired one, and sends the difference.
 * Yields.  Returns false if it was stopped meanwhile. */
bool reconcile_compare(struct reconcile *);
/* During a comparison, yields.  Returns false if the reconciling was stopped
 * meanwhile: it still exists, but has no switch any more. */
bool reconcile_pause(struct reconcile *);
/* Frees the installed state that was read.  Yields during a comparison. */
void reconcile_forget_seen(struct reconcile *);

/* reconcile-send.c.  ----------------------------------------------------- */

/* Sends the difference without the commit.  Yields during a comparison.
 * Returns false if it was stopped. */
bool reconcile_send(struct reconcile *);
/* Returns true if there is a difference to be sent. */
bool reconcile_needs_bundle(const struct reconcile *);
/* Counts the messages sent. */
void reconcile_count_sent(const struct reconcile *);

#endif /* controller/fabric/session/reconcile-private.h */
