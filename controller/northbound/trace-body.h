/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of POST /v1/trace, but for "after".  Only what is wrong by itself
 * is refused here: trace_make() looks names up. */

#ifndef CONTROLLER_NORTHBOUND_TRACE_BODY_H
#define CONTROLLER_NORTHBOUND_TRACE_BODY_H 1

#include <jansson.h>
#include <stdbool.h>

struct arena;
struct trace_request;
struct vmn_errors;

/* Reads 'body' into 'request', whose texts are in 'arena'.  Returns false with
 * 'errors', which point into the body, if something is wrong. */
bool nb_trace_body_read(const json_t *body, struct arena *,
                        struct trace_request *, struct vmn_errors *errors);

#endif /* controller/northbound/trace-body.h */
