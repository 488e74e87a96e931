/* SPDX-License-Identifier: Apache-2.0
 *
 * See timer-heap.h. */

#include <config.h>

#include "controller/timer-heap.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

void
timer_heap_init(struct timer_heap *t)
{
    memset(t, 0, sizeof *t);
}

void
timer_heap_uninit(struct timer_heap *t)
{
    for (size_t i = 1; i <= t->n; i++) {
        t->heap[i]->place = 0;
    }
    free(t->heap);
    timer_heap_init(t);
}

static void
put_at(struct timer_heap *t, struct timer *timer, size_t place)
{
    t->heap[place] = timer;
    timer->place = place;
}

/* Puts 'timer' into its place, up or down from the free 'place'. */
static void
settle(struct timer_heap *t, struct timer *timer, size_t place)
{
    while (place > 1 && t->heap[place / 2]->at > timer->at) {
        put_at(t, t->heap[place / 2], place);
        place /= 2;
    }
    for (;;) {
        size_t child = place * 2;

        if (child < t->n
            && t->heap[child + 1]->at < t->heap[child]->at) {
            child++;
        }
        if (child > t->n || t->heap[child]->at >= timer->at) {
            break;
        }
        put_at(t, t->heap[child], place);
        place = child;
    }
    put_at(t, timer, place);
}

void
timer_heap_set(struct timer_heap *t, struct timer *timer, int64_t at)
{
    timer->at = at;
    if (!timer->place) {
        if (t->n + 1 >= t->allocated) {
            t->allocated = MAX(64, t->allocated * 2);
            t->heap = xrealloc(t->heap, t->allocated * sizeof *t->heap);
        }
        timer->place = ++t->n;
    }
    settle(t, timer, timer->place);
}

void
timer_heap_unset(struct timer_heap *t, struct timer *timer)
{
    size_t place = timer->place;
    struct timer *last;

    if (!place) {
        return;
    }
    timer->place = 0;
    last = t->heap[t->n--];
    if (last != timer) {
        settle(t, last, place);
    }
}

struct timer *
timer_heap_first(const struct timer_heap *t)
{
    return t->n ? t->heap[1] : NULL;
}
