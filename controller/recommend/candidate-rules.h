/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that may be, and the fewest of them.
 *
 * A box is a set of sources, a set of kinds and a set of classes of services.
 * Each of its sources was seen to speak each of the classes to each of the
 * kinds; and each source and each kind takes part, which matters for kinds of
 * a single port, since nobody speaks to itself.  Not for what is said of rules
 * (recommend.c). */

#ifndef CONTROLLER_RECOMMEND_CANDIDATE_RULES_H
#define CONTROLLER_RECOMMEND_CANDIDATE_RULES_H 1

#include "controller/recommend/candidate-selectors.h"
#include "controller/recommend/observed-connections.h"
#include "controller/recommend/recommend.h"
#include "controller/recommend/step-counter.h"

struct box {
    enum recommend_by from_by, to_by;
    const char *from_text, *to_text;
    unsigned long *from, *to;   /* Sources; kinds. */
    unsigned long *classes;
    unsigned long *elements;
    unsigned cost;
};

struct work {
    const struct recommend_request *request;
    struct arena *arena;
    struct pacer pacer;
    struct picks picks;
    struct seen seen;
    size_t n_boxes, allocated_boxes;
    struct box *boxes;
    bool all;                   /* No candidate was left out. */
};

/* Finds the fewest boxes that have all that was seen, narrows them where
 * others have the same, and makes one of those that differ but in names of
 * ports, or in addresses, on one side.  '*fewest' unless fewer might do.
 * Returns false if there is too much. */
bool boxes_find(struct work *, bool *fewest);
void boxes_uninit(struct work *);

#endif /* controller/recommend/candidate-rules.h */
