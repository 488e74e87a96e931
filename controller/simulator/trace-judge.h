/* SPDX-License-Identifier: Apache-2.0
 *
 * Reasons besides flows why a traced packet does not arrive: its port has no
 * flows, or its guest has no link.  For trace.c alone. */

#ifndef CONTROLLER_SIMULATOR_TRACE_JUDGE_H
#define CONTROLLER_SIMULATOR_TRACE_JUDGE_H 1

#include <stdbool.h>

struct arena;
struct result_names;
struct sim_verdict;
struct trace_endpoints;
struct trace_request;

/* Makes '*result' "unreachable" if the packet was not delivered, and its
 * sender's or receiver's port is disabled or on no host.  Returns true if it
 * did. */
bool trace_judge_absence(const struct trace_endpoints *, struct arena *,
                         struct sim_verdict *result);

/* Calls trace_judge_absence().  Makes '*result' "unreachable" also for a
 * delivered packet if a guest has no link. */
void trace_judge(const struct result_names *, const struct trace_request *,
                 const struct trace_endpoints *, struct arena *,
                 struct sim_verdict *result);

#endif /* controller/simulator/trace-judge.h */
