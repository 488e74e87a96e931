/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of vmnd's memory one host may take with what it sends: a floor
 * (fabric_options.host_memory), and more in proportion to what is wanted of
 * it.  A host that sends more is dropped and has to wait, longer each time, so
 * that one that was taken over cannot take vmnd from the others.
 *
 * Packets, samples and port statistics have bounds of their own (packets.h,
 * samples.h, traffic.h). */

#include <config.h>

#include "controller/fabric/fabric-private.h"
#include "controller/fabric/switch.h"
#include "proto/openflow/ofdump.h"
#include "timeval.h"
#include "util.h"

/* For each port that is on a host, and each interface for IPsec: its rows in
 * two tables, and what is plugged beside it. */
#define BYTES_PER_PORT 16384
/* For each flow or group that is wanted of it: an old one in its place. */
#define BYTES_PER_ITEM 1024
/* Of the floor, for each record that may be there and is not wanted. */
#define BYTES_PER_RECORD 256
/* Rests of a host that sends too much; and after so long it begins with the
 * least again. */
#define REST_MIN_MS 5000
#define REST_MAX_MS (300 * 1000)
#define CALM_MS (1800 * 1000)

size_t
budget_of_database(const struct fabric_host *host)
{
    const struct fabric *f = host->fabric;
    struct vmn_names ports = model_lookup(f->model, VMN_INDEX_PORT_BY_HOST,
                                          host->name);

    return (f->host_memory
            + (ports.n + fabric_db_n_ipsec(f)) * BYTES_PER_PORT);
}

struct ofdump_budget
budget_of_dump(const struct fabric_switch *sw)
{
    const struct fabric *f = sw->host->fabric;
    size_t n = engine_host_total(f->engine, sw->host->name);

    return (struct ofdump_budget) {
        .records = 2 * n + f->host_memory / BYTES_PER_RECORD,
        .bytes = n * BYTES_PER_ITEM + f->host_memory,
    };
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
