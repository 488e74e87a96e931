/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory budget for reading a switch, and the handling of a switch that
 * exceeds it; see switch-budget.c. */

#ifndef CONTROLLER_FABRIC_SESSION_SWITCH_BUDGET_H
#define CONTROLLER_FABRIC_SESSION_SWITCH_BUDGET_H 1

#include <stddef.h>
#include <stdint.h>

#include "proto/openflow/ofdump.h"

struct fabric_switch;
struct switch_part_class;

/* Of a switch. */
struct switch_budget {
    unsigned n_over;            /* Times that it was disconnected for exceeding
                                 * it, */
    int64_t over_ms;            /* the last time (time_msec(); 0: never) */
    int backoff_ms;             /* and the minimum back-off after that. */
    uint64_t most_desired;      /* Maximum of its desired flows and groups. */
    int64_t anew_ms;            /* When it was last installed anew
                                 * (time_msec(); 0: never). */
};

extern const struct switch_part_class switch_budget_part;

const struct switch_budget *switch_budget_of(const struct fabric_switch *);

/* Records how much is desired of the host now: the switch may have that
 * installed later, when it is not desired any more. */
void switch_budget_note_desired(struct fabric_switch *);
/* Records that the switch is installed anew. */
void switch_budget_note_anew(struct fabric_switch *);
/* Returns the limits for one reading of the switch's flows and groups. */
struct ofdump_budget switch_budget_of_dump(struct fabric_switch *);
/* The same for reconciling: if the switch may be installed anew, more is
 * received and dropped unread. */
struct ofdump_budget switch_budget_of_reconcile(struct fabric_switch *);
/* The same for a table with at most 'records' flows. */
struct ofdump_budget switch_budget_of_table(const struct fabric_switch *,
                                            size_t records);
/* The switch exceeded its budget: as switch_give_up(), and the back-off grows
 * each time. */
void switch_over_budget(struct fabric_switch *, const char *reason);

#endif /* controller/fabric/session/switch-budget.h */
