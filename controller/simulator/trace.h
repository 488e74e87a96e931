/* SPDX-License-Identifier: Apache-2.0
 *
 * A trace: what becomes of one packet, and of its answer, told in full.  The
 * sender first asks for its neighbour's address, as a guest does. */

#ifndef CONTROLLER_SIMULATOR_TRACE_H
#define CONTROLLER_SIMULATOR_TRACE_H 1

#include <jansson.h>

#include "controller/simulator/trace-request.h"

struct engine;
struct model;
struct pipeline;
struct vmn_errors;

/* Traces 'request' in the model's current state, as the engine has compiled
 * it.  Returns what docs/api.md says of POST /v1/trace, which the caller owns,
 * or NULL with 'errors'.  Pauses. */
json_t *trace_make(struct engine *, const struct model *,
                   const struct pipeline *, const struct trace_request *,
                   struct vmn_errors *errors);

#endif /* controller/simulator/trace.h */
