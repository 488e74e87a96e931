/* SPDX-License-Identifier: Apache-2.0
 *
 * An arena: memory that is freed all at once.  A row and everything that it
 * points to is allocated in one.  Not for long-lived data that grows. */

#ifndef CONTROLLER_SCHEMA_ARENA_H
#define CONTROLLER_SCHEMA_ARENA_H 1

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* The newest first, which is allocated
                                 * from. */
    size_t left;                /* Bytes left in it. */
    size_t next_size;           /* Of the next chunk, in bytes. */
};

void arena_init(struct arena *);
void arena_uninit(struct arena *);

/* Zeroed, aligned for anything.  'size' may be 0. */
void *arena_alloc(struct arena *, size_t size);
char *arena_strdup(struct arena *, const char *);
char *arena_memdup0(struct arena *, const char *, size_t len);
char *arena_printf(struct arena *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* controller/schema/arena.h */
