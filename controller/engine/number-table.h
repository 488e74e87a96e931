/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects of one size that are known by numbers of 32 bits, from 1 on: half
 * the size of pointers, and without what malloc() adds to each object.  They
 * do not move.  Numbers of freed objects are used again, the last one first;
 * their memory is kept until the table is destroyed.  Not for objects of which
 * there are few. */

#ifndef CONTROLLER_ENGINE_NUMBER_TABLE_H
#define CONTROLLER_ENGINE_NUMBER_TABLE_H 1

#include <stddef.h>
#include <stdint.h>

#define NUMBER_TABLE_SHIFT 12
#define NUMBER_TABLE_CHUNK (UINT32_C(1) << NUMBER_TABLE_SHIFT)

struct number_table {
    size_t size;                /* Of an object: at least 4. */
    uint32_t n;                 /* Numbers are below. */
    uint32_t free;              /* Of a free object, which begins with the
                                 * number of the next; 0: none. */
    size_t n_chunks, allocated_chunks;
    char **chunks;              /* Of NUMBER_TABLE_CHUNK objects. */
};

void number_table_init(struct number_table *, size_t size);
void number_table_destroy(struct number_table *);

/* Returns the number of a new object, whose contents are undefined. */
uint32_t number_table_add(struct number_table *);
void number_table_remove(struct number_table *, uint32_t number);

/* Returns the object, which number_table_add() returned the number of. */
static inline void *
number_table_at(const struct number_table *table, uint32_t number)
{
    return table->chunks[number >> NUMBER_TABLE_SHIFT]
           + (number & (NUMBER_TABLE_CHUNK - 1)) * table->size;
}

#endif /* controller/engine/number-table.h */
