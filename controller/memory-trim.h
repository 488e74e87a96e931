/* SPDX-License-Identifier: Apache-2.0
 *
 * Gives memory back to the system.  What a large change leaves behind (JSON,
 * messages on their way, lists of what to do) is free, but lies in between of
 * what stays, so malloc would keep it for ever.  Not for what is in use. */

#ifndef CONTROLLER_MEMORY_TRIM_H
#define CONTROLLER_MEMORY_TRIM_H 1

#include <stdbool.h>

struct event_base;
struct memory_trim;

/* Checks the size of the process every few seconds from now on.  Sets how
 * malloc works, so it is to be called before anything large is allocated. */
struct memory_trim *memory_trim_create(struct event_base *);
void memory_trim_destroy(struct memory_trim *);

/* What is done every few seconds: begins to give back what is free, if the
 * process has grown since that was done last, and grows no more; then a few
 * times again.  Returns true if it did so.  For tests. */
bool memory_trim_check(struct memory_trim *);

#endif /* controller/memory-trim.h */
