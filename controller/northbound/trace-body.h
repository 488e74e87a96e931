/* SPDX-License-Identifier: Apache-2.0
 *
 * Parses the body of POST /v1/trace, except "after".  Checks only what does
 * not depend on other objects: trace_make() looks names up. */

#ifndef CONTROLLER_NORTHBOUND_TRACE_BODY_H
#define CONTROLLER_NORTHBOUND_TRACE_BODY_H 1

#include <jansson.h>
#include <stdbool.h>

struct arena;
struct trace_request;
struct vmn_errors;

/* Parses 'body' into 'request', whose strings are in 'arena'.  Returns false
 * with 'errors', whose pointers are relative to the body, if it is invalid. */
bool nb_trace_body_read(const json_t *body, struct arena *,
                        struct trace_request *, struct vmn_errors *errors);

/* The same of the body of POST /v1/live-trace, which has fewer members. */
bool nb_live_trace_body_read(const json_t *body, struct arena *,
                             struct trace_request *,
                             struct vmn_errors *errors);

#endif /* controller/northbound/trace-body.h */
