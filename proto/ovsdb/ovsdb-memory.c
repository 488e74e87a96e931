/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of a host's database in vmnd.  The OVSDB client keeps every row
 * that the host sends, in any table that it knows, whether it is referenced or
 * not: so its size is added up, table by table, and compared with the host's
 * budget (ovsdb-session.c).  Messages in flight are limited by
 * json-frame.h. */

#include <config.h>

#include "proto/ovsdb/ovsdb-private.h"

#include <string.h>

#include "proto/ovsdb/vswitch-idl.h"
#include "openvswitch/json.h"
#include "ovsdb-data.h"
#include "ovsdb-idl-provider.h"
#include "ovsdb-idl.h"
#include "util.h"

/* Bytes of a reference: the arc from row to row, and the row that the client
 * creates if the one referred to does not exist. */
#define REFERENCE_SIZE 768
/* Bytes of an allocation beside its contents. */
#define ALLOCATION_SIZE 16

static size_t
atoms_size(const union ovsdb_atom *atoms, size_t n,
           enum ovsdb_atomic_type type)
{
    /* Once as atoms, and once parsed. */
    size_t size = n * 2 * sizeof *atoms;

    if (type == OVSDB_TYPE_UUID) {
        size += n * REFERENCE_SIZE;
    } else if (type == OVSDB_TYPE_STRING) {
        for (size_t i = 0; i < n; i++) {
            size += sizeof *atoms[i].s + 2 * (strlen(atoms[i].s->string)
                                              + ALLOCATION_SIZE);
        }
    }
    return size;
}

static size_t
row_size(const struct ovsdb_idl_row *row,
         const struct ovsdb_idl_table_class *class)
{
    size_t size = (class->allocation_size
                   + class->n_columns * sizeof *row->old_datum);

    for (size_t i = 0; row->old_datum && i < class->n_columns; i++) {
        const struct ovsdb_datum *datum = &row->old_datum[i];
        const struct ovsdb_type *type = &class->columns[i].type;

        if (datum->n) {
            size += atoms_size(datum->keys, datum->n, type->key.type);
            if (type->value.type != OVSDB_TYPE_VOID) {
                size += atoms_size(datum->values, datum->n,
                                   type->value.type);
            }
        }
    }
    return size;
}

size_t
ovsdb_budget_used(const struct ovsdb_idl *idl, size_t max)
{
    const struct ovsdb_idl_class *class = ovsdb_idl_get_class(idl);
    size_t size = 0;

    for (size_t i = 0; i < class->n_tables && size <= max; i++) {
        const struct ovsdb_idl_row *row
            = ovsdb_idl_first_row(idl, &class->tables[i]);

        for (; row && size <= max; row = ovsdb_idl_next_row(row)) {
            size += row_size(row, &class->tables[i]);
        }
    }
    return size;
}
