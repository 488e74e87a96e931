/* SPDX-License-Identifier: Apache-2.0
 *
 * See number-table.h. */

#include <config.h>

#include "controller/engine/number-table.h"

#include <stdlib.h>

#include "util.h"

void
number_table_init(struct number_table *table, size_t size)
{
    *table = (struct number_table) { .size = size, .n = 1 };
}

void
number_table_destroy(struct number_table *table)
{
    for (size_t i = 0; i < table->n_chunks; i++) {
        free(table->chunks[i]);
    }
    free(table->chunks);
}

uint32_t
number_table_add(struct number_table *table)
{
    uint32_t number = table->free;

    if (number) {
        table->free = *(uint32_t *) number_table_at(table, number);
        return number;
    }
    if (table->n >> NUMBER_TABLE_SHIFT >= table->n_chunks) {
        if (table->n_chunks >= table->allocated_chunks) {
            table->chunks = x2nrealloc(table->chunks,
                                       &table->allocated_chunks,
                                       sizeof *table->chunks);
        }
        table->chunks[table->n_chunks++] = xmalloc(NUMBER_TABLE_CHUNK
                                                   * table->size);
    }
    ovs_assert(table->n < UINT32_MAX); /* Takes 80 GB of edges. */
    return table->n++;
}

void
number_table_remove(struct number_table *table, uint32_t number)
{
    *(uint32_t *) number_table_at(table, number) = table->free;
    table->free = number;
}
