/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of vmnd's memory the rows of a host's database may take: a floor
 * (fabric_options.host_memory), and more in proportion to the ports that the
 * host has or may come to have.  A host that sends more is dropped and has to
 * wait (proto/ovsdb). */

#include <config.h>

#include "controller/fabric/ovsdb/database-budget.h"

#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "proto/ovsdb/ovsdb.h"
#include "util.h"

/* For each port that is on a host, and each interface for IPsec: its rows in
 * two tables, and what is plugged beside it. */
#define BYTES_PER_PORT 16384
/* Ports that are on no host and count for each of them, at most: with the
 * floor as it is by default, that leaves OVSDB_MAX_INTERFACES of them 12 KiB
 * each, and does not have a host that was taken over take much more than it
 * could without. */
#define UNBOUND_MAX 4096

/* Returns how many ports a host may have: those that it has, or that name it,
 * whichever are more, as most are both; and some of those that no host has,
 * since all of them may be on this one, which comes for the first time. */
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
