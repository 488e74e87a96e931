/* SPDX-License-Identifier: Apache-2.0
 *
 * Removes references from a spec, by the description; see schema-row.h.  What
 * requires a removed reference is removed, too, and nothing else: an element
 * of a list rather than the object. */

#include <config.h>

#include "controller/schema/schema-row.h"

#include <stdlib.h>

#include "controller/schema/schema-own.h"
#include "util.h"

struct strip {
    schema_is_gone_cb *is_gone;
    void *aux;
    bool is_own;                /* The row is of an app's type. */
};

static bool strip_struct(const struct strip *, const struct schema_struct *,
                         json_t *object);

/* Returns false if 'value', one value of 'f', must be removed. */
static bool
strip_value(const struct strip *strip, const struct schema_field *f,
            json_t *value)
{
    return f->type == SCHEMA_STRUCT
           ? strip_struct(strip, f->nested, value)
           : !strip->is_gone(strip->aux, f->ref, json_string_value(value));
}

/* Removes elements with references to deleted rows from list 'f' of 'object'.
 * Returns false if 'object' must be removed, too, since too little of the list
 * is left.  A list that must have elements is never left empty: if it were
 * absent, it would mean something else. */
static bool
strip_list(const struct strip *strip, const struct schema_field *f,
           json_t *object, json_t *list)
{
    json_t *left = json_array();
    json_t *value;
    size_t i;

    json_array_foreach (list, i, value) {
        if (strip_value(strip, f, value)) {
            json_array_append(left, value);
        }
    }

    size_t n_left = json_array_size(left);
    bool ok = n_left >= f->min_items;
    if (n_left) {
        json_object_set(object, f->name, left);
    } else {
        json_object_del(object, f->name);
    }
    json_decref(left);
    return ok;
}

/* Removes references to deleted rows from 'object'.  Returns false if it
 * requires one of them. */
static bool
strip_struct(const struct strip *strip, const struct schema_struct *s,
             json_t *object)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        json_t *value = json_object_get(object, f->name);

        if (!value || (f->type != SCHEMA_REF && f->type != SCHEMA_STRUCT)) {
            continue;
        }
        if (f->flags & SCHEMA_LIST) {
            if (!strip_list(strip, f, object, value)) {
                return false;
            }
        } else if (!strip_value(strip, f, value)) {
            /* Without the value, its default would apply; or, of an app's
             * type, what that may mean, such as that it is of all networks. */
            if (f->flags & (SCHEMA_REQUIRED | SCHEMA_BELONGS)
                || f->def_text || strip->is_own) {
                return false;
            }
            json_object_del(object, f->name);
        }
    }
    return true;
}

json_t *
schema_row_strip(const struct vmn_row *row, schema_is_gone_cb *is_gone,
                 void *aux)
{
    const struct schema_table *table = schema_tables[row->table];
    struct strip strip = { is_gone, aux, schema_is_own(row->table) };
    json_t *spec;

    if (table->named_as != VMN_N_TABLES
        && is_gone(aux, table->named_as, row->name)) {
        return NULL;
    }
    spec = schema_row_spec(row);
    if (!strip_struct(&strip, schema_struct_of(row), spec)) {
        json_decref(spec);
        return NULL;
    }
    return spec;
}
