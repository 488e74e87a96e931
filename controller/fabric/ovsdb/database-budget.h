/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory budget for the rows of a host's database. */

#ifndef CONTROLLER_FABRIC_OVSDB_DATABASE_BUDGET_H
#define CONTROLLER_FABRIC_OVSDB_DATABASE_BUDGET_H 1

#include <stddef.h>

struct fabric_host;
struct model;

/* Returns the memory budget for the rows of a host's database, in bytes. */
size_t budget_of_database(const struct fabric_host *);
/* Returns the part of it for the ports that host 'name' has or may get, and
 * for 'n_peers' tunnel ports for peers. */
size_t budget_of_ports(const struct model *, const char *name, size_t n_peers);

#endif /* controller/fabric/ovsdb/database-budget.h */
