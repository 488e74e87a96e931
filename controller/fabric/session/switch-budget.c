/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of vmnd's memory what a switch holds may take while it is read: a
 * floor (fabric_options.host_memory), and more in proportion to the most flows
 * and groups that were desired of it since vmnd started, since it may hold
 * those still.  A switch that sends more is cut off and backed off from,
 * longer each time, so that one that was taken over cannot take vmnd from the
 * others.
 *
 * What was desired before vmnd started is not known.  So a switch that holds
 * too much is not cut off at once: what comes beyond the budget is passed
 * over, as long as it has an end, and the switch is installed anew
 * (reconcile.c), once in CALM_MS.
 *
 * Learned flows (learn-action.h) are up to guests, and nothing is kept of
 * them: they have a number of their own, so that no guest has its host
 * dropped.
 *
 * Packets, samples and port statistics have bounds of their own (packets.h,
 * packet-sampling.h, traffic.h). */

#include <config.h>

#include "controller/fabric/session/switch-budget.h"

#include "controller/engine/engine.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "timeval.h"
#include "util.h"
#include "vmn/flow.h"

/* For each flow or group that is desired of it: an old one in its place. */
#define BYTES_PER_ITEM 1024
/* Of the floor, for each record that may be there and is not desired. */
#define BYTES_PER_RECORD 256
/* Of the floor, each byte: what may come of flows and groups beyond the
 * budget, and is dropped unread. */
#define REST_PER_BYTE 16
/* Learned flows that are counted apart, at most. */
#define LEARNED_MAX (4 * 1024 * 1024)
/* Of what a flow that is desired has a switch learn. */
#define LEARNED_PER_ITEM VMN_CLIENTS_MAX
/* At least, in a message that is full. */
#define LEARNED_PER_MESSAGE 64

BUILD_ASSERT_DECL(VMN_MACS_MAX <= LEARNED_PER_ITEM
                  && VMN_CONNECTIONS_MAX <= LEARNED_PER_ITEM
                  && VMN_NEIGHBOURS_MAX <= LEARNED_PER_ITEM);

/* How long a switch that sends too much is backed off from; after CALM_MS that
 * begins with the least again. */
#define BACKOFF_MIN_MS 5000
#define BACKOFF_MAX_MS (300 * 1000)
#define CALM_MS (1800 * 1000)

static struct switch_budget *
budget_of(const struct fabric_switch *sw)
{
    return switch_part_state(sw, &switch_budget_part);
}

const struct switch_budget *
switch_budget_of(const struct fabric_switch *sw)
{
    return budget_of(sw);
}

void
switch_budget_note_desired(struct fabric_switch *sw)
{
    uint64_t n = engine_host_total(sw->host->fabric->engine, sw->host->name);
    struct switch_budget *budget = budget_of(sw);

    budget->most_desired = MAX(budget->most_desired, n);
}

void
switch_budget_note_anew(struct fabric_switch *sw)
{
    budget_of(sw)->anew_ms = time_msec();
}

struct ofdump_budget
switch_budget_of_dump(struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;
    size_t n, learned;

    switch_budget_note_desired(sw);
    n = budget_of(sw)->most_desired;
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
switch_budget_of_reconcile(struct fabric_switch *sw)
{
    struct ofdump_budget budget = switch_budget_of_dump(sw);
    int64_t anew_ms = budget_of(sw)->anew_ms;

    if (!anew_ms || time_msec() - anew_ms > CALM_MS) {
        budget.rest = sw->host->fabric->host_memory * REST_PER_BYTE;
    }
    return budget;
}

struct ofdump_budget
switch_budget_of_table(const struct fabric_switch *sw, size_t records)
{
    return (struct ofdump_budget) {
        /* A message may have as little as one record. */
        .records = 2 * records,
        .bytes = sw->host->fabric->host_memory,
    };
}

void
switch_over_budget(struct fabric_switch *sw, const char *reason)
{
    struct switch_budget *budget = budget_of(sw);
    int64_t now_ms = time_msec();
    bool calm = !budget->over_ms || now_ms - budget->over_ms > CALM_MS;

    budget->backoff_ms = (calm ? BACKOFF_MIN_MS
                          : MIN(2 * budget->backoff_ms, BACKOFF_MAX_MS));
    budget->over_ms = now_ms;
    budget->n_over++;
    /* Its marker says nothing of what is too much. */
    sw->bundles.doubtful = true;
    /* Backing off doubles that. */
    sw->faults.backoff_ms = MAX(sw->faults.backoff_ms, budget->backoff_ms / 2);
    switch_give_up(sw, reason);
}

const struct switch_part_class switch_budget_part = {
    .name = "budget",
    .state_size = sizeof(struct switch_budget),
};
