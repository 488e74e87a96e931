/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory budget for the rows of a host's database. */

#ifndef CONTROLLER_FABRIC_OVSDB_DATABASE_BUDGET_H
#define CONTROLLER_FABRIC_OVSDB_DATABASE_BUDGET_H 1

#include <stddef.h>

struct fabric_host;

/* Returns the memory budget for the rows of a host's database, in bytes. */
size_t budget_of_database(const struct fabric_host *);

#endif /* controller/fabric/ovsdb/database-budget.h */
