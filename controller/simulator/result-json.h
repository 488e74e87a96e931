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
struct result_names {
    struct engine *engine;
    const struct model *model;
    const struct pipeline *pipeline;
};

/* Returns the port that has number 'ofport' on 'host', or "@PHYSICAL" if that
 * leads to a physical network, or NULL. */
const char *result_port_name(const struct result_names *, const char *host,
                             uint32_t ofport);

/* Returns why a packet ended there: "denied by rule". */
const char *result_reason(const struct sim_end *);

/* {"host", "stage", "table", "reason", ...} of where a packet was dropped or
 * lost, or {"host", "port"} of where it was delivered.  The caller owns it, as
 * of what follows. */
json_t *result_end_to_json(const struct result_names *,
                           const struct sim_end *);

/* Returns all ends, or all steps, of what was run last. */
json_t *result_ends_to_json(const struct result_names *,
                            const struct simulator *);
json_t *result_steps_to_json(const struct result_names *,
                             const struct simulator *);

/* Adds "owner" of a flow to 'json', and if they are known, the "object" that
 * it is about, and of a policy the "rule". */
void result_add_rule(const struct result_names *, const struct rule *, json_t
                     *json);

#endif /* controller/simulator/result-json.h */
