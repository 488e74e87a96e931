/* SPDX-License-Identifier: Apache-2.0
 *
 * The fewest of some sets that together have all elements.  Not for what the
 * sets are (recommend.c). */

#ifndef CONTROLLER_RECOMMEND_SET_COVER_H
#define CONTROLLER_RECOMMEND_SET_COVER_H 1

#include <stdbool.h>
#include <stddef.h>

struct set_cover_set {
    const unsigned long *bits;  /* A bitmap (OVS's bitmap.h). */
    unsigned cost;              /* Of equally useful sets the cheaper one is
                                 * taken, then the earlier one. */
};

/* Finds a cover of elements 0 to 'n_elements' - 1, each of which must be in a
 * set.  Puts the indexes of its sets into 'chosen', which has room for
 * 'n_elements', in ascending order, and their number into '*n_chosen'.
 *
 * It begins with a greedy cover and searches for a smaller one for at most
 * 'max_steps' steps.  Returns true if there is none.  The result does not
 * depend on time or place.  'yield', if not NULL, is called now and then. */
bool set_cover_find(size_t n_elements, const struct set_cover_set *,
                    size_t n_sets, size_t max_steps, size_t *chosen,
                    size_t *n_chosen, void (*yield)(void *aux), void *aux);

#endif /* controller/recommend/set-cover.h */
