/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives memory back to the system; see heap.h. */

#include <config.h>

#include "controller/heap.h"

#include <event2/event.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(heap);

#define CHECK_S 5

/* Blocks of this size on are mappings of their own, and gone when they are
 * freed.  malloc would raise it by itself to what was freed, up to 32 MiB. */
#define MMAP_THRESHOLD (128 * 1024)
/* As much at the end of the heap may stay. */
#define TRIM_THRESHOLD (16 * 1024 * 1024)

/* Looking through a heap of 1 GiB takes some 10 ms, so it is done only after
 * growth by this much; then several times, since what is on its way to slow
 * hosts is free only later: after so many looks, and three times as many each
 * time. */
#define GROWTH_MIN (32 * 1024 * 1024)
#define LOOKS_MIN 1
#define LOOKS_MAX 27

struct heap {
    struct event *timer;
    int64_t before;             /* Bytes when last looked. */
    int64_t settled;            /* The same when last something was done. */
    int looks;                  /* After how many something is done; 0: not
                                 * at all. */
    int looks_left;
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

bool
heap_check(struct heap *heap)
{
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
    malloc_trim(0);
    heap->before = heap->settled = resident();
    heap->looks = heap->looks < LOOKS_MAX ? 3 * heap->looks : 0;
    heap->looks_left = heap->looks;
    VLOG_DBG("gave back %"PRId64" MiB of %"PRId64,
             (now - heap->settled) / (1024 * 1024), now / (1024 * 1024));
    return true;
}

static void
check_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *heap)
{
    heap_check(heap);
}

struct heap *
heap_create(struct event_base *base)
{
    static const struct timeval period = { .tv_sec = CHECK_S };
    struct heap *heap = xzalloc(sizeof *heap);

    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
    heap->before = heap->settled = resident();
    heap->timer = event_new(base, -1, EV_PERSIST, check_cb, heap);
    if (!heap->timer || event_add(heap->timer, &period)) {
        ovs_fatal(0, "cannot make a timer");
    }
    return heap;
}

void
heap_destroy(struct heap *heap)
{
    if (heap) {
        event_free(heap->timer);
        free(heap);
    }
}
