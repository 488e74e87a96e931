/* SPDX-License-Identifier: Apache-2.0
 *
 * A fiber: a function that runs on a stack of its own; wherever it calls
 * fiber_yield() it may be suspended, and resumed in a later iteration of the
 * event loop, so that it can be written as straight-line code and still never
 * blocks the loop for long.  Everything runs on the loop's thread, so no locks
 * are needed.  But between two slices anything else may run: yield only where
 * others may read. */

#ifndef CONTROLLER_COMMIT_FIBER_H
#define CONTROLLER_COMMIT_FIBER_H 1

#include <stdbool.h>

struct event_base;
struct fiber;

/* Duration of a slice. */
#define FIBER_SLICE_US 3000

/* Creates a fiber that calls 'work' whenever it is scheduled.  'base' is
 * borrowed. */
struct fiber *fiber_create(struct event_base *base,
                           void (*work)(void *aux), void *aux);
/* Destroys the fiber.  The work must not be in progress. */
void fiber_destroy(struct fiber *);

/* Schedules the work, from the loop; once more if it is in progress. */
void fiber_schedule(struct fiber *);

/* Returns true from the beginning of the work to its end, also while others
 * run. */
bool fiber_is_running(const struct fiber *);

/* Yields to the event loop if the time slice is over.  Does nothing outside of
 * the work. */
void fiber_yield(void *fiber);

/* Ends a time slice after 'n' calls of fiber_yield(), whatever the time; 0: by
 * time again.  For tests of what others see between two slices. */
void fiber_set_max_yields(struct fiber *, unsigned n);

/* Runs the work to its end without yielding, from now on. */
void fiber_disable_yield(struct fiber *);

#endif /* controller/commit/fiber.h */
