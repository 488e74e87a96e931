/* SPDX-License-Identifier: Apache-2.0
 *
 * How much may be read of a switch, and what becomes of one that sends more;
 * see switch-budget.c. */

#ifndef CONTROLLER_FABRIC_SESSION_SWITCH_BUDGET_H
#define CONTROLLER_FABRIC_SESSION_SWITCH_BUDGET_H 1

#include <stddef.h>
#include <stdint.h>

#include "proto/openflow/ofdump.h"

struct fabric_switch;
struct switch_part_class;

/* Of a switch. */
struct switch_budget {
    unsigned n_over;            /* Times that it was cut off for sending too
                                 * much, */
    int64_t over_ms;            /* when the last was (time_msec(); 0: never) */
    int backoff_ms;             /* and how long it was backed off from then, at
                                 * least. */
    uint64_t most_desired;      /* Flows and groups of it, ever. */
    int64_t anew_ms;            /* When it was last installed anew
                                 * (time_msec(); 0: never). */
};

extern const struct switch_part_class switch_budget_part;

const struct switch_budget *switch_budget_of(const struct fabric_switch *);

/* Keeps in mind how much is desired of the host now: the switch may hold that
 * much later, when it is not desired any more. */
void switch_budget_note_desired(struct fabric_switch *);
/* The switch is installed anew. */
void switch_budget_note_anew(struct fabric_switch *);
/* What may be read of the switch's flows and groups in one go. */
struct ofdump_budget switch_budget_of_dump(struct fabric_switch *);
/* The same for reconciling: if the switch may be installed anew, more may come
 * and is dropped unread. */
struct ofdump_budget switch_budget_of_reconcile(struct fabric_switch *);
/* The same of a table that holds 'records' at most. */
struct ofdump_budget switch_budget_of_table(const struct fabric_switch *,
                                            size_t records);
/* The switch sent more: as switch_give_up(), and it is backed off from longer
 * each time. */
void switch_over_budget(struct fabric_switch *, const char *reason);

#endif /* controller/fabric/session/switch-budget.h */
