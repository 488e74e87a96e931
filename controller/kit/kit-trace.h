/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet of a test, and what is expected of it:
 *
 *     {from: a, to: b, protocol: tcp, port: 25, expect: {verdict: dropped}}
 *
 * All but "expect" is the body of POST /v1/trace. */

#ifndef CONTROLLER_KIT_KIT_TRACE_H
#define CONTROLLER_KIT_KIT_TRACE_H 1

#include <jansson.h>
#include <stdbool.h>

struct ds;
struct kit_world;
struct vmn_errors;

/* Adds what is wrong with a trace of a test file, but for what depends on
 * objects. */
void kit_trace_check(const json_t *trace, const char *pointer,
                     struct vmn_errors *errors);

/* Appends "tcp 25 from a to b". */
void kit_trace_title(const json_t *trace, struct ds *);

/* Traces the packet.  Returns true if all is as expected; otherwise appends
 * lines that say what is not, and the packet's way. */
bool kit_trace_run(struct kit_world *, const json_t *trace, struct ds *);

#endif /* controller/kit/kit-trace.h */
