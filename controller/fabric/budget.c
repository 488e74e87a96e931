/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of vmnd's memory one host may take with what it sends: a floor
 * (fabric_options.host_memory), and more in proportion to what is wanted of
 * it: of its database, to the ports that it has or may come to have; of flows
 * and groups, to the most that was wanted of it since vmnd started, since it
 * may hold those still.  A host that sends more is dropped and has to wait,
 * longer each time, so that one that was taken over cannot take vmnd from the
 * others.
 *
 * What was wanted before vmnd started is not known.  So a switch that holds
 * too much is not dropped at once: what comes beyond the budget is passed
 * over, as long as it has an end, and the switch is installed anew
 * (reconcile.c), once in CALM_MS.
 *
 * Learned flows (learn.h) are up to guests, and nothing is kept of them: they
 * have a number of their own, so that no guest has its host dropped.
 *
 * Packets, samples and port statistics have bounds of their own (packets.h,
 * packet-sampling.h, traffic.h). */

#include <config.h>

#include "controller/fabric/fabric-private.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/session/switch.h"
#include "proto/openflow/ofdump.h"
#include "proto/ovsdb/ovsdb.h"
#include "timeval.h"
#include "util.h"
#include "vmn/flow.h"

/* For each port that is on a host, and each interface for IPsec: its rows in
 * two tables, and what is plugged beside it. */
#define BYTES_PER_PORT 16384
/* Ports that are on no host and count for each of them, at most: with the
 * floor as it is by default, that leaves OVSDB_MAX_INTERFACES of them 12 KiB
 * each, and does not have a host that was taken over take much more than it
 * could without. */
#define UNBOUND_MAX 4096
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

/* Rests of a host that sends too much; and after so long it begins with the
 * least again. */
#define REST_MIN_MS 5000
#define REST_MAX_MS (300 * 1000)
#define CALM_MS (1800 * 1000)

/* Ports that a host may have: those that it has, or that name it, whichever
 * are more, as most are both; and some of those that no host has, since all
 * of them may be on this one, which comes for the first time. */
static size_t
n_ports_of(const struct fabric_host *host)
{
    const struct model *model = host->fabric->model;
    size_t n_bound = model_lookup(model, VMN_INDEX_PORT_BY_HOST,
                                  host->name).n;
    size_t n_naming = model_referrers(model, VMN_TABLE_HOST, host->name,
                                      VMN_TABLE_PORT).n;
    size_t n_ports = model_names(model, VMN_TABLE_PORT).n;
    size_t n_bindings = model_names(model, VMN_TABLE_BINDING).n;
    size_t n_unbound = n_ports > n_bindings ? n_ports - n_bindings : 0;

    return MIN(MAX(n_bound, n_naming) + MIN(n_unbound, UNBOUND_MAX),
               OVSDB_MAX_INTERFACES);
}

size_t
budget_of_database(const struct fabric_host *host)
{
    const struct fabric *f = host->fabric;

    return (f->host_memory
            + (n_ports_of(host) + fabric_db_n_ipsec(f)) * BYTES_PER_PORT);
}

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

    if (!sw->anew_ms || time_msec() - sw->anew_ms > CALM_MS) {
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

void
switch_over_budget(struct fabric_switch *sw, const char *reason)
{
    int64_t now_ms = time_msec();
    bool calm = (!sw->over_budget_ms
                 || now_ms - sw->over_budget_ms > CALM_MS);

    sw->over_budget_rest_ms = (calm ? REST_MIN_MS
                               : MIN(2 * sw->over_budget_rest_ms,
                                     REST_MAX_MS));
    sw->over_budget_ms = now_ms;
    sw->n_over_budget++;
    /* Its marker says nothing of what is too much. */
    sw->doubtful = true;
    sw->rest_ms = MAX(sw->rest_ms, sw->over_budget_rest_ms / 2);
    switch_give_up(sw, reason);
}

void
fabric_over_budget(const struct fabric *f, fabric_over_budget_cb *cb,
                   void *aux)
{
    const struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        uint64_t n = fabric_db_n_over_budget(host);

        if (n) {
            cb(aux, host->name, "ovsdb", n);
        }
        if (host->sw->n_over_budget) {
            cb(aux, host->name, "openflow", host->sw->n_over_budget);
        }
    }
}
