/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory budget for reading a switch: a base amount
 * (fabric_options.host_memory), and more in proportion to the most flows and
 * groups that were desired of it since vmnd started, since it may have those
 * installed still.  A switch that sends more is disconnected and backed off,
 * longer each time, so that a compromised one cannot use up vmnd's memory.
 *
 * What was desired before vmnd started is not known.  So a switch that exceeds
 * the budget is not disconnected at once: what is beyond the budget is
 * dropped, as long as it ends, and the switch is installed anew (reconcile.c),
 * once per CALM_MS.
 *
 * Learned flows (learn-action.h) are caused by guests, and are not kept: they
 * have a limit of their own, so that no guest can have its host disconnected.
 *
 * Packets, samples and port statistics have limits of their own
 * (packet-in-queue.h, packet-sampling.h, port-stats.h). */

#include <config.h>

#include "controller/fabric/session/switch-budget.h"

#include "controller/engine/engine.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/switch-part.h"
#include "controller/fabric/session/switch.h"
#include "timeval.h"
#include "util.h"
#include "vmn/flow.h"

/* Bytes for each desired flow or group: a different one may be in its
 * place. */
#define BYTES_PER_ITEM 1024
/* Share of the base amount for each record that may be installed and is not
 * desired. */
#define BYTES_PER_RECORD 256
/* Divisor of the base amount: flows and groups beyond the budget, which are
 * dropped unread. */
#define REST_PER_BYTE 16
/* Maximum number of learned flows, which count separately. */
#define LEARNED_MAX (4 * 1024 * 1024)
/* Learned flows for each desired flow with a learn action. */
#define LEARNED_PER_ITEM VMN_CLIENTS_MAX
/* Minimum in a full message. */
#define LEARNED_PER_MESSAGE 64

BUILD_ASSERT_DECL(VMN_MACS_MAX <= LEARNED_PER_ITEM
                  && VMN_CONNECTIONS_MAX <= LEARNED_PER_ITEM
                  && VMN_NEIGHBOURS_MAX <= LEARNED_PER_ITEM
                  && VMN_PAIRS_MAX <= LEARNED_PER_ITEM);

/* Initial back-off of a switch that exceeds its budget; it is reset after
 * CALM_MS. */
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
        /* Learned flows are in messages, too. */
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
        /* A message may contain a single record. */
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
    /* Its marker does not cover unknown flows. */
    sw->bundles.doubtful = true;
    /* Backing off doubles it. */
    sw->rejected.backoff_ms = MAX(sw->rejected.backoff_ms,
                                  budget->backoff_ms / 2);
    switch_give_up(sw, reason);
}

const struct switch_part_class switch_budget_part = {
    .name = "budget",
    .state_size = sizeof(struct switch_budget),
};
