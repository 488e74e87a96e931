/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that audit.c, audit-compare.c and audit-schedule.c share: a
 * running audit.  Not for other files. */

#ifndef CONTROLLER_FABRIC_SESSION_AUDIT_PRIVATE_H
#define CONTROLLER_FABRIC_SESSION_AUDIT_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/fabric/fabric-audit.h"
#include "controller/fabric/session/backlog.h"
#include "controller/fabric/session/flow-format.h"
#include "controller/fabric/session/installed-set.h"
#include "controller/fabric/session/reported-flows.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"

struct fabric_switch;
struct ofdump;

struct audit {
    struct fabric_switch *sw;
    struct ofdump *dump;
    bool settling;
    struct status_audit result;
    uint64_t marker;
    bool noted;                 /* The switch has the marker's note. */
    size_t n_kept;              /* Not desired, but not to be deleted. */
    struct installed_set right;          /* Installed as desired. */
    struct flow_records odd_flows;
    size_t n_odd_groups, allocated_odd_groups;
    struct group_record **odd_groups;
    struct backlog touched;
    size_t n_desired;
    bool repair;                /* False: it only compares. */
    bool listing;               /* Differences are listed, by 'request'. */
    struct fabric_audit_request request; /* Strings are owned. */
    size_t n_list, allocated_list; /* The list; texts are in the arena. */
    struct fabric_difference *list;
    size_t n_matching;          /* Including those above the limit. */
    struct arena arena;
    bool kept;                  /* The result was moved to the host. */
    fabric_audit_cb *cb;        /* Or NULL. */
    void *aux;
};

/* Of a switch. */
struct audits {
    struct audit *running;      /* While it runs, or NULL. */
    struct status_audit last;   /* The result of the last one. */
    int64_t due_ms;             /* time_msec() of the next, or 0. */
};

/* audit.c.  -------------------------------------------------------------- */

/* Returns the part's state of a switch. */
struct audits *audits_of(const struct fabric_switch *);
/* Returns true if an audit of the switch may begin now: its desired state has
 * been sent.  It need not have acknowledged that, since it replies in
 * order. */
bool audit_is_possible(const struct fabric_switch *);
/* Begins an audit; 'request' and 'cb' may be NULL. */
void audit_start(struct fabric_switch *, const struct fabric_audit_request *,
                 fabric_audit_cb *cb, void *aux);

/* audit-compare.c.  ------------------------------------------------------ */

/* Fills in 'result' and the list of differences, when the state is quiescent
 * and all has been read.  Returns true if there are differences that
 * reconciling repairs: those of parts' own flows do not count. */
bool audit_compare(struct audit *);

#endif /* controller/fabric/session/audit-private.h */
