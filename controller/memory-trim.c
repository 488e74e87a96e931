/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives memory back to the system; see memory-trim.h.
 *
 * malloc_trim(3) does it all in one call, which with 100 MiB takes 10 ms and
 * more, and another thread would hold malloc's lock for as long.  So what is
 * free is taken from malloc, block by block, its pages are given back, and all
 * of it is freed again at the end.  Then malloc_trim() has little to do. */

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

VLOG_DEFINE_THIS_MODULE(heap);

#define CHECK_S 5

/* Blocks of this size on are mappings of their own, and gone when they are
 * freed.  malloc would raise it by itself to what was freed, up to 32 MiB. */
#define MMAP_THRESHOLD (128 * 1024)
/* What is small and freed is not put aside ("fastbins") to be merged with its
 * neighbours later: that is done for all of it at once, in whichever call of
 * malloc comes to it, and after a large change takes tens of milliseconds. */
#define MXFAST 0
/* As much at the end of the heap may stay. */
#define TRIM_THRESHOLD (16 * 1024 * 1024)

/* It is done only after growth by this much; then several times, since what is
 * on its way to slow hosts is free only later: after so many looks, and three
 * times as many each time. */
#define GROWTH_MIN (32 * 1024 * 1024)
#define LOOKS_MIN 1
#define LOOKS_MAX 27

/* Blocks are of these sizes, large ones first.  A larger one would be a
 * mapping of its own, and in a smaller one there need not be a whole page. */
#define BLOCK_MAX (112 * 1024)
#define BLOCK_MIN (7 * 1024)
/* As much is done in a turn of the loop. */
#define STEP_BYTES (4 * 1024 * 1024)
#define STEP_BLOCKS 256

/* At the beginning of a block. */
struct block {
    struct block *next;
};

struct memory_trim {
    struct event *timer;
    int64_t before;             /* Bytes when last looked. */
    int64_t settled;            /* The same when last something was done. */
    int looks;                  /* After how many something is done; 0: not
                                 * at all. */
    int looks_left;

    /* While memory is given back. */
    struct event *step;
    bool giving;
    size_t block_size;          /* Of the next block. */
    char *end;                  /* Of the heap, when that began. */
    struct block *blocks;       /* Taken. */
};

/* Resident bytes, or 0 if that is not known. */
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

/* Gives back the pages of a block, but for its first. */
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

/* Takes some blocks and gives back their pages.  Returns false once there is
 * none left: malloc had to make the heap larger for one. */
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

/* Frees some blocks.  Returns false once there is none left. */
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

        /* What was left in between: a few percent. */
        malloc_trim(0);
        heap->giving = false;
        heap->before = heap->settled = resident();
        VLOG_DBG("gave back %"PRId64" MiB of %"PRId64,
                 (before - heap->settled) / (1024 * 1024),
                 before / (1024 * 1024));
        return;
    }
    event_add(heap->step, &at_once);
}

static void
give_back(struct memory_trim *heap)
{
    heap->giving = true;
    heap->block_size = BLOCK_MAX;
    heap->end = sbrk(0);
    step_cb(-1, 0, heap);
}

bool
memory_trim_check(struct memory_trim *heap)
{
    if (heap->giving) {
        return false;
    }

    int64_t now = resident();
    bool grows = now > heap->before + heap->before / 100;

    heap->before = now;
    if (now >= heap->settled + GROWTH_MIN) {
        heap->looks = heap->looks_left = LOOKS_MIN;
    }
    heap->settled = MIN(heap->settled, now);
    if (grows || !heap->looks || --heap->looks_left > 0) {
        return false;
    }
    heap->looks = heap->looks < LOOKS_MAX ? 3 * heap->looks : 0;
    heap->looks_left = heap->looks;
    give_back(heap);
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
