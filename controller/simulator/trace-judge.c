/* SPDX-License-Identifier: Apache-2.0
 *
 * See trace-judge.h. */

#include <config.h>

#include "controller/simulator/trace-judge.h"

#include <string.h>

#include "controller/schema/arena.h"
#include "controller/simulator/result-names.h"
#include "controller/simulator/trace-endpoints.h"
#include "controller/simulator/verdict.h"
#include "util.h"

static void
set_unreachable(struct sim_verdict *result, const char *host,
                const char *why)
{
    result->verdict = VERDICT_UNREACHABLE;
    result->end.kind = SIM_UNREACHABLE;
    result->end.host = host;
    result->end.rule = NULL;
    result->end.text = why;
}

/* Returns why the port of an endpoint has no flows, or NULL. */
static const char *
find_absence(const struct endpoint *endpoint, struct arena *arena)
{
    const struct vmn_port *port = endpoint->port;

    if (!port || (port->enabled && (endpoint->host || port->external))) {
        return NULL;
    }
    return arena_printf(arena, "port \"%s\" is %s", port->row.name,
                        port->enabled ? "on no host" : "disabled");
}

bool
trace_judge_absence(const struct trace_endpoints *who, struct arena *arena,
                    struct sim_verdict *result)
{
    const char *of_sender = find_absence(&who->from, arena);
    const char *problem = of_sender ? of_sender
                          : find_absence(&who->to, arena);

    if (!problem || result->verdict == VERDICT_DELIVERED) {
        return false;
    }
    set_unreachable(result, who->from.host ? who->from.host
                    : result->end.host, problem);
    return true;
}

/* Returns why the guest of port 'name' (NULL: none) neither sends nor receives
 * packets, or NULL. */
static const char *
find_link_problem(const struct trace_request *request, const char *name)
{
    const struct sim_underlay *underlay = request->underlay;

    return (name && underlay && underlay->port_problem
            ? underlay->port_problem(underlay->aux, name) : NULL);
}

static void
judge_links(const struct result_names *names,
            const struct trace_request *request, const struct endpoint *from,
            struct sim_verdict *result)
{
    const struct sim_end *end = &result->end;
    const char *of_sender = find_link_problem(request, from->port
                                              ? from->port->row.name : NULL);
    const char *problem
        = (of_sender ? of_sender
           : find_link_problem(request, result_port_name(names, end->host,
                                                         end->port)));

    if (problem) {
        set_unreachable(result, of_sender ? from->host : end->host, problem);
    }
}

void
trace_judge(const struct result_names *names,
            const struct trace_request *request,
            const struct trace_endpoints *who, struct arena *arena,
            struct sim_verdict *result)
{
    trace_judge_absence(who, arena, result);
    if (result->verdict == VERDICT_DELIVERED) {
        judge_links(names, request, &who->from, result);
    }
}
