/* SPDX-License-Identifier: Apache-2.0
 *
 * Returns free memory to the system.  What a large change allocates for a
 * while (JSON, messages, work lists) is freed between blocks that stay, so
 * malloc would keep it forever.  Not for memory in use. */

#ifndef CONTROLLER_MEMORY_TRIM_H
#define CONTROLLER_MEMORY_TRIM_H 1

#include <stdbool.h>

struct event_base;
struct memory_trim;

/* Checks the size of the process every few seconds from then on.  Sets
 * parameters of malloc, so it is to be called before anything large is
 * allocated. */
struct memory_trim *memory_trim_create(struct event_base *);
void memory_trim_destroy(struct memory_trim *);

/* The periodic check: begins to trim if the process has grown since the last
 * trim and does not grow any more; then again a few times.  Returns true if it
 * began.  For tests. */
bool memory_trim_check(struct memory_trim *);

#endif /* controller/memory-trim.h */
