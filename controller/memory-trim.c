/* SPDX-License-Identifier: Apache-2.0
 *
 * Returns free memory to the system; see memory-trim.h.
 *
 * malloc_trim(3) does it all in one call, which takes 10 ms and more for 100
 * MiB; in another thread it would hold malloc's lock for as long.  So free
 * memory is allocated from malloc, block by block, its pages are returned to
 * the system, and all blocks are freed at the end.  Then malloc_trim() has
 * little to do. */

#include <config.h>

#include "controller/memory-trim.h"

#include <event2/event.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(memory_trim);

#define CHECK_S 5

/* Blocks of this size or more are mappings of their own, which are unmapped
 * when they are freed.  Otherwise malloc would raise the threshold by itself,
 * up to 32 MiB. */
#define MMAP_THRESHOLD (128 * 1024)
/* Disables "fastbins", where small freed blocks are kept to be merged with
 * their neighbours later: that happens for all of them at once, in any call of
 * malloc, and takes tens of milliseconds after a large change. */
#define MXFAST 0
/* Bytes that may remain free at the end of the heap. */
#define TRIM_THRESHOLD (16 * 1024 * 1024)

/* Memory is trimmed only after it has grown by this many bytes; then several
 * times, since messages to slow hosts are freed only later: after so many
 * checks, and after three times as many each time. */
#define GROWTH_MIN (32 * 1024 * 1024)
#define CHECKS_MIN 1
#define CHECKS_MAX 27

/* Sizes of the blocks, in bytes, the larger first.  A larger block would be a
 * mapping of its own, and a smaller one need not contain a whole page. */
#define BLOCK_MAX (112 * 1024)
#define BLOCK_MIN (7 * 1024)
/* Limits of the work in one iteration of the loop. */
#define STEP_BYTES (4 * 1024 * 1024)
#define STEP_BLOCKS 256

/* At the beginning of each block. */
struct block {
    struct block *next;
};

struct memory_trim {
    struct event *timer;
    int64_t before;             /* Bytes at the last check. */
    int64_t settled;            /* Bytes after the last trim. */
    int checks;                 /* Checks before the next trim; 0: none is
                                 * due. */
    int checks_left;

    /* Pending during a trim. */
    struct event *step;
    bool trimming;
    size_t block_size;          /* Of the next block to allocate. */
    char *end;                  /* End of the heap when the trim began. */
    struct block *blocks;       /* Those allocated. */
};

/* Returns the resident bytes of the process, or 0 if they are not known. */
static int64_t
resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    int64_t pages = 0;

    if (file) {
        if (fscanf(file, "%*d %"SCNd64, &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

/* Returns the pages of a block to the system, except the first, which has the
 * block's head. */
static void
release(struct block *block, size_t size)
{
    uintptr_t page = sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t) (block + 1) + page - 1) / page * page;
    uintptr_t end = ((uintptr_t) block + size) / page * page;

    if (begin < end) {
        madvise((void *) begin, end - begin, MADV_DONTNEED);
    }
}

/* Allocates some blocks and returns their pages to the system.  Returns false
 * once there are no more: malloc had to extend the heap. */
static bool
take_blocks(struct memory_trim *heap)
{
    size_t bytes = 0;

    for (int i = 0; i < STEP_BLOCKS && bytes < STEP_BYTES; i++) {
        struct block *block = xmalloc(heap->block_size);

        if ((char *) block + heap->block_size > heap->end) {
            free(block);
            if (heap->block_size <= BLOCK_MIN) {
                return false;
            }
            heap->block_size /= 2;
            continue;
        }
        release(block, heap->block_size);
        block->next = heap->blocks;
        heap->blocks = block;
        bytes += heap->block_size;
    }
    return true;
}

/* Frees some blocks.  Returns false once all are freed. */
static bool
free_blocks(struct memory_trim *heap)
{
    for (int i = 0; i < STEP_BLOCKS && heap->blocks; i++) {
        struct block *next = heap->blocks->next;

        free(heap->blocks);
        heap->blocks = next;
    }
    return heap->blocks != NULL;
}

static void
step_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *heap_)
{
    static const struct timeval at_once = { 0, 0 };
    struct memory_trim *heap = heap_;

    if (heap->end && !take_blocks(heap)) {
        heap->end = NULL;
    } else if (!heap->end && !free_blocks(heap)) {
        int64_t before = heap->before;

        /* Trims the rest: a few percent. */
        malloc_trim(0);
        heap->trimming = false;
        heap->before = heap->settled = resident();
        VLOG_DBG("gave back %"PRId64" MiB of %"PRId64,
                 (before - heap->settled) / (1024 * 1024),
                 before / (1024 * 1024));
        return;
    }
    event_add(heap->step, &at_once);
}

static void
start_trim(struct memory_trim *heap)
{
    heap->trimming = true;
    heap->block_size = BLOCK_MAX;
    heap->end = sbrk(0);
    step_cb(-1, 0, heap);
}

bool
memory_trim_check(struct memory_trim *heap)
{
    if (heap->trimming) {
        return false;
    }

    int64_t now = resident();
    bool grows = now > heap->before + heap->before / 100;

    heap->before = now;
    if (now >= heap->settled + GROWTH_MIN) {
        heap->checks = heap->checks_left = CHECKS_MIN;
    }
    heap->settled = MIN(heap->settled, now);
    if (grows || !heap->checks || --heap->checks_left > 0) {
        return false;
    }
    heap->checks = heap->checks < CHECKS_MAX ? 3 * heap->checks : 0;
    heap->checks_left = heap->checks;
    start_trim(heap);
    return true;
}

static void
check_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *heap)
{
    memory_trim_check(heap);
}

struct memory_trim *
memory_trim_create(struct event_base *base)
{
    static const struct timeval period = { .tv_sec = CHECK_S };
    struct memory_trim *heap = xzalloc(sizeof *heap);

    mallopt(M_MXFAST, MXFAST);
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
    heap->before = heap->settled = resident();
    heap->timer = event_new(base, -1, EV_PERSIST, check_cb, heap);
    heap->step = event_new(base, -1, 0, step_cb, heap);
    if (!heap->timer || !heap->step || event_add(heap->timer, &period)) {
        ovs_fatal(0, "cannot make a timer");
    }
    return heap;
}

void
memory_trim_destroy(struct memory_trim *heap)
{
    if (heap) {
        event_free(heap->timer);
        event_free(heap->step);
        while (free_blocks(heap)) {
            continue;
        }
        free(heap);
    }
}
