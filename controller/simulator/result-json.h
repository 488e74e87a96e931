/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulator has found, as JSON and in names: stages, units, ports. */

#ifndef CONTROLLER_SIMULATOR_RESULT_JSON_H
#define CONTROLLER_SIMULATOR_RESULT_JSON_H 1

#include <jansson.h>
#include <stdint.h>

#include "controller/simulator/simulator.h"

struct engine;
struct model;
struct pipeline;

/* Where names come from. */
struct words {
    struct engine *engine;
    const struct model *model;
    const struct pipeline *pipeline;
};

/* The port that has number 'ofport' on 'host', or "@PHYSICAL" if that leads to
 * a physical network, or NULL. */
const char *words_port(const struct words *, const char *host,
                       uint32_t ofport);

/* Why a packet ended there: "denied by rule". */
const char *words_reason(const struct sim_end *);

/* {"host", "stage", "table", "reason", ...} of where a packet was dropped or
 * lost, or {"host", "port"} of where it was delivered.  The caller owns it, as
 * of what follows. */
json_t *words_end(const struct words *, const struct sim_end *);

/* All ends, or all steps, of what was run last. */
json_t *words_ends(const struct words *, const struct simulator *);
json_t *words_steps(const struct words *, const struct simulator *);

/* Adds "owner" of a flow to 'json', and if they are known, the "object" that
 * it is about, and of a policy the "rule". */
void words_add_rule(const struct words *, const struct rule *, json_t *json);

#endif /* controller/simulator/result-json.h */
