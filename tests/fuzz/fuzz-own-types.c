/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes what apps declare of types: JSON with a "type", which is the
 * declaration, and an "object" of it.  Whatever declaration is accepted makes
 * a table; whatever object that accepts must print to JSON that is accepted
 * again, is equal, and prints the same; whatever is not must have an error. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-row.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_again(const struct schema_table *table, const struct vmn_row *row,
            struct arena *arena, struct vmn_errors *errors)
{
    json_t *spec = schema_row_spec(row);
    struct vmn_row *again = schema_row_parse(table, row->name, spec, "",
                                             arena, errors);

    ovs_assert(again);
    ovs_assert(schema_row_same(row, again));

    json_t *spec_again = schema_row_spec(again);
    ovs_assert(json_equal(spec, spec_again));
    json_decref(spec);
    json_decref(spec_again);
}

static void
check_object(const struct schema_table *table, const json_t *object)
{
    struct vmn_errors errors;
    struct arena arena;

    arena_init(&arena);
    vmn_errors_init(&errors);
    const struct vmn_row *row = schema_row_parse(table, "x", object, "",
                                                 &arena, &errors);
    if (row) {
        check_again(table, row, &arena, &errors);
    }
    ovs_assert(!row == (errors.n > 0));
    vmn_errors_uninit(&errors);
    arena_uninit(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vmn_errors errors;
    json_t *input = json_loadb((const char *) data, size,
                               JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    /* One name, so that it has one of the few places. */
    vmn_errors_init(&errors);
    const struct schema_table *table
        = schema_own_parse("x", json_object_get(input, "type"), &errors);

    ovs_assert(!table == (errors.n > 0));
    if (table) {
        check_object(table, json_object_get(input, "object"));
    }
    vmn_errors_uninit(&errors);
    json_decref(input);
    return 0;
}
