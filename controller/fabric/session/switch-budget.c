/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of vmnd's memory what a switch holds may take while it is read: a
 * floor (fabric_options.host_memory), and more in proportion to the most flows
 * and groups that were wanted of it since vmnd started, since it may hold
 * those still.  Not for what becomes of one that sends more (over-budget.c).
 *
 * What was wanted before vmnd started is not known.  So a switch that holds
 * too much is not dropped at once: what comes beyond the budget is passed
 * over, as long as it has an end, and the switch is installed anew
 * (reconcile.c), once in SWITCH_CALM_MS.
 *
 * Learned flows (learn.h) are up to guests, and nothing is kept of them: they
 * have a number of their own, so that no guest has its host dropped.
 *
 * Packets, samples and port statistics have bounds of their own (packets.h,
 * packet-sampling.h, traffic.h). */

#include <config.h>

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch.h"
#include "proto/openflow/ofdump.h"
#include "timeval.h"
#include "util.h"
#include "vmn/flow.h"

/* For each flow or group that is wanted of it: an old one in its place. */
#define BYTES_PER_ITEM 1024
/* Of the floor, for each record that may be there and is not wanted. */
#define BYTES_PER_RECORD 256
/* Of the floor, each byte: what may come of flows and groups beyond the
 * budget, and is dropped unread. */
#define REST_PER_BYTE 16
/* Learned flows that are counted apart, at most. */
#define LEARNED_MAX (4 * 1024 * 1024)
/* Of what a flow that is wanted has a switch learn. */
#define LEARNED_PER_ITEM VMN_CLIENTS_MAX
/* At least, in a message that is full. */
#define LEARNED_PER_MESSAGE 64

BUILD_ASSERT_DECL(VMN_MACS_MAX <= LEARNED_PER_ITEM
                  && VMN_NOTES_MAX <= LEARNED_PER_ITEM
                  && VMN_NEIGHBOURS_MAX <= LEARNED_PER_ITEM);

void
budget_note_wanted(struct fabric_switch *sw)
{
    sw->most_wanted = MAX(sw->most_wanted,
                          engine_host_total(sw->host->fabric->engine,
                                            sw->host->name));
}

struct ofdump_budget
budget_of_dump(struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;
    size_t n, learned;

    budget_note_wanted(sw);
    n = sw->most_wanted;
    learned = MIN(n, LEARNED_MAX / LEARNED_PER_ITEM) * LEARNED_PER_ITEM;
    return (struct ofdump_budget) {
        /* Learned flows come in messages, too. */
        .records = (2 * n + f->host_memory / BYTES_PER_RECORD
                    + learned / LEARNED_PER_MESSAGE),
        .bytes = n * BYTES_PER_ITEM + f->host_memory,
        .exempt = learned,
    };
}

struct ofdump_budget
budget_of_reconcile(struct fabric_switch *sw)
{
    struct ofdump_budget budget = budget_of_dump(sw);

    if (!sw->anew_ms || time_msec() - sw->anew_ms > SWITCH_CALM_MS) {
        budget.rest = sw->host->fabric->host_memory * REST_PER_BYTE;
    }
    return budget;
}

struct ofdump_budget
budget_of_table(const struct fabric_switch *sw, size_t records)
{
    return (struct ofdump_budget) {
        /* A message may have as little as one record. */
        .records = 2 * records,
        .bytes = sw->host->fabric->host_memory,
    };
}
