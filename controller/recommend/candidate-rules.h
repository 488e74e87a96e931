/* SPDX-License-Identifier: Apache-2.0
 *
 * Candidates for rules, and the fewest of them that cover what was seen.
 *
 * A candidate is a set of sources, a set of port classes and a set of service
 * classes.  Each of its sources was seen to speak each of the classes to each
 * of the port classes; and each source and each port class takes part, which
 * matters for port classes of a single port, since nobody speaks to itself.
 * Not for what is said of rules (recommend.c). */

#ifndef CONTROLLER_RECOMMEND_CANDIDATE_RULES_H
#define CONTROLLER_RECOMMEND_CANDIDATE_RULES_H 1

#include "controller/recommend/candidate-selectors.h"
#include "controller/recommend/observed-connections.h"
#include "controller/recommend/recommend.h"
#include "controller/recommend/step-counter.h"

struct candidate_rule {
    enum recommend_by from_by, to_by;
    const char *from_text, *to_text;
    unsigned long *from, *to;   /* Sources; port classes. */
    unsigned long *service_classes;
    unsigned long *cells;
    unsigned cost;
};

struct recommend_work {
    const struct recommend_request *request;
    struct arena *arena;
    struct step_counter steps;
    struct candidate_selectors selectors;
    struct observed_connections observed;
    size_t n_rules, allocated_rules;
    struct candidate_rule *rules;
    bool all;                   /* No candidate was left out. */
};

/* Finds the fewest candidates that have all that was seen, narrows them where
 * others have the same, and makes one of those that differ but in names of
 * ports, or in addresses, on one side.  '*fewest' unless fewer might do.
 * Returns false if there is too much. */
bool candidate_rules_find(struct recommend_work *, bool *fewest);
void candidate_rules_uninit(struct recommend_work *);

#endif /* controller/recommend/candidate-rules.h */
