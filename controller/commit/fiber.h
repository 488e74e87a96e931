/* SPDX-License-Identifier: Apache-2.0
 *
 * Long work in slices.  A function runs on a stack of its own; wherever it
 * calls slices_pause() it may be left and taken up again in a later turn of
 * the event loop, so that it can be written straight down and still never
 * holds the loop for long.
 *
 * All runs on the loop's thread, so nothing needs a lock.  But between two
 * slices anything else may run: pause only where others may look. */

#ifndef CONTROLLER_COMMIT_FIBER_H
#define CONTROLLER_COMMIT_FIBER_H 1

#include <stdbool.h>

struct event_base;
struct slices;

/* How long a slice lasts. */
#define SLICE_US 3000

/* 'work' is what slices_kick() has called.  'base' is not owned. */
struct slices *slices_create(struct event_base *base,
                             void (*work)(void *aux), void *aux);
/* No work may be under way. */
void slices_destroy(struct slices *);

/* Has the work done, soon, from the loop; once more if it is under way. */
void slices_kick(struct slices *);

/* True from the beginning of the work to its end, between slices too. */
bool slices_is_working(const struct slices *);

/* From inside the work: lets the loop have its turn if the slice is over.
 * From elsewhere: does nothing. */
void slices_pause(void *slices);

/* A slice lasts for so many calls of slices_pause(), whatever the time; 0: no
 * longer.  For tests of what may be met between two slices. */
void slices_set_pauses(struct slices *, unsigned n);

/* From now on the work does not pause. */
void slices_hurry(struct slices *);

#endif /* controller/commit/fiber.h */
