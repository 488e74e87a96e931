/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields whose prefixes the flow tables of all hosts track, as the apps
 * say. */

#ifndef CONTROLLER_FABRIC_OVSDB_TABLE_PREFIXES_H
#define CONTROLLER_FABRIC_OVSDB_TABLE_PREFIXES_H 1

#include <stddef.h>

struct ovsdb_prefixes;
struct pipeline;

/* Returns '*n' tables, which the caller frees; NULL if there are none.
 * 'pipeline' may be NULL. */
struct ovsdb_prefixes *table_prefixes(const struct pipeline *pipeline,
                                      size_t *n);

#endif /* controller/fabric/ovsdb/table-prefixes.h */
