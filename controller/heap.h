/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives memory back to the system.  What a large change leaves behind (JSON,
 * messages on their way, lists of what to do) is free, but lies in between of
 * what stays, so malloc would keep it for ever.  Not for what is in use. */

#ifndef CONTROLLER_HEAP_H
#define CONTROLLER_HEAP_H 1

#include <stdbool.h>

struct event_base;
struct heap;

/* Looks at the size of the process every few seconds from now on.  Sets how
 * malloc works, so it is to be called before anything large is allocated. */
struct heap *heap_create(struct event_base *);
void heap_destroy(struct heap *);

/* What is done every few seconds: begins to give back what is free, if the
 * process has grown since that was done last, and grows no more; then a few
 * times again.  Returns true if it did so.  For tests. */
bool heap_check(struct heap *);
/* True until the turns of the loop in which that is done are over. */
bool heap_is_giving(const struct heap *);

#endif /* controller/heap.h */
