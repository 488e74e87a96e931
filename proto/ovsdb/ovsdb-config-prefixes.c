/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields whose prefixes the classifier of a flow table tracks: writes them
 * into a host's database where they differ; for ovsdb-config.c.
 *
 * A bridge has a row of Flow_Table for each table that is to differ from the
 * default; one row serves all tables with the same fields.  A table for which
 * others have made a row keeps that one. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "smap.h"
#include "util.h"

/* Returns true if 'row' has these fields, in any order; a row's are a set. */
static bool
has_fields(const struct ovsrec_flow_table *row,
           const struct ovsdb_prefixes *prefixes)
{
    size_t n = 0;

    for (size_t i = 0; i < row->n_prefixes; i++) {
        for (size_t j = 0; j < prefixes->n_fields; j++) {
            n += !strcmp(row->prefixes[i], prefixes->fields[j]);
        }
    }
    return n == row->n_prefixes && n == prefixes->n_fields;
}

/* Returns the bridge's row for a table, or NULL. */
static const struct ovsrec_flow_table *
find_row(const struct ovsrec_bridge *bridge, int64_t table)
{
    for (size_t i = 0; i < bridge->n_flow_tables; i++) {
        if (bridge->key_flow_tables[i] == table) {
            return bridge->value_flow_tables[i];
        }
    }
    return NULL;
}

/* Returns a row of ours with the fields of prefixes[i]: one that the bridge
 * has, one in 'rows', or a new one. */
static const struct ovsrec_flow_table *
get_row(struct ovsdb_idl_txn *txn, const struct ovsdb_desired *desired,
        const struct ovsrec_bridge *bridge, size_t i,
        const struct ovsrec_flow_table *const rows[])
{
    const struct ovsdb_prefixes *prefixes = &desired->prefixes[i];
    const struct ovsrec_flow_table *row;

    for (size_t j = 0; j < bridge->n_flow_tables; j++) {
        row = bridge->value_flow_tables[j];
        if (ovsdb_is_ours(desired, &row->external_ids)
            && has_fields(row, prefixes)) {
            return row;
        }
    }
    for (size_t j = 0; j < i; j++) {
        const struct ovsdb_prefixes *other = &desired->prefixes[j];

        if (rows[j] && other->n_fields == prefixes->n_fields
            && !memcmp(other->fields, prefixes->fields,
                       prefixes->n_fields * sizeof *prefixes->fields)) {
            return rows[j];
        }
    }

    struct smap mark = SMAP_CONST1(&mark, OVSDB_OWNER_KEY, desired->owner);
    row = ovsrec_flow_table_insert(txn);
    ovsrec_flow_table_set_external_ids(row, &mark);
    ovsrec_flow_table_set_prefixes(row, CONST_CAST(const char **,
                                                   prefixes->fields),
                                   prefixes->n_fields);
    return row;
}

/* Removes our rows from tables that are to have the default.  The database
 * deletes rows without references. */
static bool
remove_others(const struct ovsdb_desired *desired,
              const struct ovsrec_bridge *bridge)
{
    bool changed = false;

    for (size_t i = 0; i < bridge->n_flow_tables; i++) {
        bool wanted = !ovsdb_is_ours(
            desired, &bridge->value_flow_tables[i]->external_ids);

        for (size_t j = 0; !wanted && j < desired->n_prefixes; j++) {
            wanted = desired->prefixes[j].table == bridge->key_flow_tables[i];
        }
        if (!wanted) {
            ovsrec_bridge_update_flow_tables_delkey(
                bridge, bridge->key_flow_tables[i]);
            changed = true;
        }
    }
    return changed;
}

bool
ovsdb_config_prefixes(struct ovsdb_idl_txn *txn,
                      const struct ovsdb_desired *desired,
                      const struct ovsrec_bridge *bridge)
{
    const struct ovsrec_flow_table **rows
        = xcalloc(MAX(desired->n_prefixes, 1), sizeof *rows);
    bool changed = remove_others(desired, bridge);

    for (size_t i = 0; i < desired->n_prefixes; i++) {
        const struct ovsdb_prefixes *prefixes = &desired->prefixes[i];
        const struct ovsrec_flow_table *row = find_row(bridge,
                                                       prefixes->table);

        if (!row || (ovsdb_is_ours(desired, &row->external_ids)
                     && !has_fields(row, prefixes))) {
            rows[i] = get_row(txn, desired, bridge, i, rows);
            ovsrec_bridge_update_flow_tables_setkey(bridge, prefixes->table,
                                                    rows[i]);
            changed = true;
        }
    }
    free(rows);
    return changed;
}
