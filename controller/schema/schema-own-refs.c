/* SPDX-License-Identifier: Apache-2.0
 *
 * Which types of an app fields of a type that it declares name objects of; see
 * schema-own.h. */

#include <config.h>

#include "controller/schema/schema-own.h"

#include <stdlib.h>

#include "util.h"

static bool
each_ref(const struct vmn_type_row *row, const struct vmn_type_field *fields,
         size_t n, const char *where,
         bool (*cb)(void *aux, const char *type, const char *pointer),
         void *aux)
{
    bool go_on = true;

    for (size_t i = 0; i < n && go_on; i++) {
        if (fields[i].type == VMN_FIELD_REF && fields[i].ref
            && schema_own_is_ref(fields[i].ref, row->app)) {
            char *pointer = xasprintf("%s/fields/%"PRIuSIZE"/ref", where, i);

            go_on = cb(aux, fields[i].ref, pointer);
            free(pointer);
        }
    }
    return go_on;
}

bool
schema_own_each_ref(const struct vmn_type_row *row,
                    bool (*cb)(void *aux, const char *type,
                               const char *pointer), void *aux)
{
    bool go_on = each_ref(row, row->fields, row->n_fields, "", cb, aux);

    for (size_t i = 0; i < row->n_structs && go_on; i++) {
        char *where = xasprintf("/structs/%"PRIuSIZE, i);

        go_on = each_ref(row, row->structs[i].fields,
                         row->structs[i].n_fields, where, cb, aux);
        free(where);
    }
    return go_on;
}
