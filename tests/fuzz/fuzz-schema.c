/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes objects: the first byte picks the resource, the rest is JSON.
 * Whatever is accepted must print to JSON that is accepted again, is equal,
 * and prints the same; whatever is not must have an error.  Not for objects of
 * apps' types (fuzz-own-types). */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct schema_table *table, const struct vmn_row *row,
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct schema_table *table;
    struct vmn_errors errors;
    struct arena arena;
    json_t *spec;

    if (!size) {
        return 0;
    }
    table = schema_tables[data[0] % VMN_TABLE_OWN_FIRST];
    spec = json_loadb((const char *) data + 1, size - 1,
                      JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!spec) {
        return 0;
    }
    arena_init(&arena);
    vmn_errors_init(&errors);
    const struct vmn_row *row = schema_row_parse(
        table, table->id == VMN_TABLE_VIF ? "h/x" : "x", spec, "", &arena,
        &errors);
    if (row) {
        check(table, row, &arena, &errors);
    }
    ovs_assert(!row == (errors.n > 0));
    vmn_errors_uninit(&errors);
    arena_uninit(&arena);
    json_decref(spec);
    return 0;
}
