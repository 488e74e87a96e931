/* SPDX-License-Identifier: Apache-2.0
 *
 * What became of a packet, in a word, and the one end of its copies that tells
 * it. */

#ifndef CONTROLLER_SIMULATOR_VERDICT_H
#define CONTROLLER_SIMULATOR_VERDICT_H 1

#include <stdbool.h>

#include "controller/simulator/endpoint.h"
#include "controller/simulator/result-names.h"
#include "controller/simulator/simulator.h"

enum verdict {
    VERDICT_DELIVERED, VERDICT_DROPPED, VERDICT_UNKNOWN, VERDICT_UNREACHABLE,
};

/* "delivered" and so on. */
const char *verdict_name(enum verdict);

struct sim_verdict {
    enum verdict verdict;
    struct sim_end end;
};

/* Sets the verdict on what was run last, for 'goal', or if that is NULL, for
 * any port. */
void verdict_get(const struct simulator *, const struct endpoint *goal,
                 struct sim_verdict *);

/* Returns the rule that let through what was run last: the last one that a
 * conjunction led to, but for those in shadow mode, which decide nothing, and
 * those that pass, which leave it to others.  NULL: no rule did. */
const struct rule *verdict_rule(const struct simulator *,
                                const struct result_names *);

/* Returns true if the packet was delivered at 'endpoint'. */
bool sim_end_is_at(const struct sim_end *, const struct endpoint *);

#endif /* controller/simulator/verdict.h */
