/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of what the simulator has found by number: ports, stages, owners of
 * flows, reasons.  Not for what results are made of (trace.h,
 * reachability-matrix.h). */

#ifndef CONTROLLER_SIMULATOR_RESULT_NAMES_H
#define CONTROLLER_SIMULATOR_RESULT_NAMES_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/schema/status.h"
#include "controller/simulator/simulator.h"

struct arena;
struct engine;
struct model;
struct pipeline;
struct vmn_rule;

/* Where names come from. */
struct isolation_memo;
struct result_names {
    struct engine *engine;
    const struct model *model;
    const struct pipeline *pipeline;
    struct isolation_memo **isolations; /* Those found so far, in the arena of
                                         * what is named; begins with NULL. */
};

/* Whose flow decided. */
struct result_owner {
    const char *owner;          /* "APP.UNIT/KEY"; NULL: nobody's;
                                 * schema_absent: no flow decided. */
    const struct status_object *object; /* That it is about, or NULL. */
    int rule;                   /* Which rule of that policy, from 0; -1: it is
                                 * none. */
    const char *direction;      /* In which the port is isolated; NULL: that is
                                 * not why. */
    size_t n_isolated_by;
    const char **isolated_by;   /* All policies that do, sorted. */
    size_t n_quarantined_by;
    const char **quarantined_by; /* What quarantines its ports, if that is why:
                                  * "quarantines/NAME" or "ports/NAME",
                                  * sorted. */
};

/* Where no flow decided. */
struct result_owner result_no_owner(void);
/* Returns the owner of 'rule', which may be NULL.  Texts are in 'arena', as of
 * what follows. */
struct result_owner result_owner_of(const struct result_names *,
                                    const struct rule *, struct arena *);

/* Returns the rule of a policy or of a quarantine whose clauses lead to the
 * flow 'rule', and sets '*shadow' if it is a policy's in shadow mode, which
 * decides nothing; NULL if it is no such flow.  It is the model's.
 * NULL and '*shadow': the policy would isolate. */
const struct vmn_rule *result_policy_rule(const struct result_names *,
                                          const struct rule *, bool *shadow);

/* Returns "APP.STAGE", or NULL if the table is no stage's. */
const char *result_stage_name(const struct result_names *, uint8_t table,
                              struct arena *);

/* Returns the port that has number 'ofport' on 'host', or "@PHYSICAL" if that
 * leads to a physical network, or NULL.  It is the model's.  Pauses. */
const char *result_port_name(const struct result_names *, const char *host,
                             uint32_t ofport);

/* Returns why a packet ended there: "denied by rule".  It is borrowed. */
const char *result_reason(const struct sim_end *);

#endif /* controller/simulator/result-names.h */
