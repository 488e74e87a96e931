/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory budget for the rows of a host's database: a base amount
 * (fabric_options.host_memory), and more in proportion to the ports that the
 * host has or may get.  A host that sends more is disconnected and may
 * reconnect after a back-off (proto/ovsdb). */

#include <config.h>

#include "controller/fabric/ovsdb/database-budget.h"

#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "proto/ovsdb/ovsdb.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* Bytes for each port on a host, and each tunnel port for a peer: its rows in
 * two tables, and other interfaces of the same VM. */
#define BYTES_PER_PORT 16384
/* Maximum number of unbound ports that count for each host: with the default
 * base amount, that leaves OVSDB_MAX_INTERFACES of them 12 KiB each, and does
 * not let a compromised host use much more memory. */
#define UNBOUND_MAX 4096

/* Returns how many ports a host may have: those that are bound to it or those
 * that name it, whichever are more, as most are both; and some of those that
 * are unbound, since all of them may be on this host when it connects for the
 * first time. */
static size_t
n_ports_of(const struct model *model, const char *host)
{
    size_t n_bound = model_lookup(model, VMN_INDEX_PORT_BY_HOST, host).n;
    size_t n_naming = model_referrers(model, VMN_TABLE_HOST, host,
                                      VMN_TABLE_PORT).n;
    size_t n_ports = model_names(model, VMN_TABLE_PORT).n;
    size_t n_bindings = model_names(model, VMN_TABLE_BINDING).n;
    size_t n_unbound = n_ports > n_bindings ? n_ports - n_bindings : 0;

    return MIN(MAX(n_bound, n_naming) + MIN(n_unbound, UNBOUND_MAX),
               OVSDB_MAX_INTERFACES);
}

size_t
budget_of_ports(const struct model *model, const char *name, size_t n_peers)
{
    return (n_ports_of(model, name) + n_peers) * BYTES_PER_PORT;
}

size_t
budget_of_database(const struct fabric_host *host)
{
    const struct fabric *f = host->fabric;

    return f->host_memory + budget_of_ports(f->model, host->name,
                                            fabric_db_n_ipsec(f)
                                            + VMN_WATCHED_HOSTS_MAX);
}
