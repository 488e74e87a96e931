/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a trace an account with a scope is told: the verdict and the reason
 * always; names of objects, and places, only where the account may see them.
 * What names others' objects besides (steps, packets as they were rewritten,
 * how many choices there are, and which hosts are passed) is left out.
 *
 * For trace.c alone.  Who may ask for a trace from which port, and which
 * names of 'to' it is told of, is in trace-endpoints.c. */

#ifndef CONTROLLER_SIMULATOR_TRACE_SCOPE_H
#define CONTROLLER_SIMULATOR_TRACE_SCOPE_H 1

struct arena;
struct model;
struct trace;
struct trace_endpoints;
struct trace_request;

/* Restricts 'trace' to what 'request->rights' allow to see, if these have a
 * scope.  What is added to it is in 'arena'. */
void trace_restrict(struct trace *, const struct model *,
                    const struct trace_request *,
                    const struct trace_endpoints *, struct arena *);

#endif /* controller/simulator/trace-scope.h */
