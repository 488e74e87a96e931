/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for rows; see arena.h.  Chunks grow from 512 bytes by doubling, so
 * that a typical row takes one allocation. */

#include <config.h>

#include "controller/schema/arena.h"

#include <stdint.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define ARENA_FIRST_SIZE 512
#define ARENA_LAST_SIZE 65536
#define ARENA_ALIGN 16

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;                /* Of 'data', in bytes. */
    _Alignas(ARENA_ALIGN) uint8_t data[];
};

void
arena_init(struct arena *arena)
{
    arena->chunks = NULL;
    arena->left = 0;
    arena->next_size = ARENA_FIRST_SIZE;
}

void
arena_uninit(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *next = arena->chunks->next;

        free(arena->chunks);
        arena->chunks = next;
    }
    arena_init(arena);
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    size = ROUND_UP(MAX(size, 1), ARENA_ALIGN);
    if (size > arena->left) {
        size_t n = MAX(size, arena->next_size - sizeof(struct arena_chunk));
        struct arena_chunk *chunk = xzalloc(sizeof *chunk + n);

        chunk->size = n;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->left = n;
        arena->next_size = MIN(arena->next_size * 2, ARENA_LAST_SIZE);
    }

    struct arena_chunk *chunk = arena->chunks;
    void *p = chunk->data + (chunk->size - arena->left);

    arena->left -= size;
    return p;
}

char *
arena_memdup0(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);

    memcpy(copy, text, len);
    return copy;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
    return arena_memdup0(arena, text, strlen(text));
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text, *copy;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    copy = arena_strdup(arena, text);
    free(text);
    return copy;
}
