/* SPDX-License-Identifier: Apache-2.0
 *
 * See trace-judge.h. */

#include <config.h>

#include "controller/simulator/trace-judge.h"

#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/value.h"
#include "controller/simulator/guest-packet.h"
#include "controller/simulator/result-names.h"
#include "controller/simulator/trace-endpoints.h"
#include "controller/simulator/trace-outside.h"
#include "controller/simulator/verdict.h"
#include "packets.h"
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

/* Returns true if a host outside would resolve 'ip' by the port where the
 * packet has ended. */
static bool
is_served_at(struct simulator *sim, const struct sim_end *end,
             const struct vmn_ip *ip)
{
    struct packet_ends ends = {
        .source_mac = trace_outside_mac, .source_ip = *ip,
    };
    const struct sim_end *found;
    struct sim_packet packet;
    struct vmn_mac mac;
    size_t n;

    packet_solicit(&ends, ip, &packet);
    packet_set_vlan(&packet, vlan_tci_to_vid(end->packet.flow.vlans[0].tci));
    simulator_run(sim, end->host, end->port, &packet);
    n = simulator_ends(sim, &found);
    for (size_t i = 0; i < n; i++) {
        if (found[i].kind == SIM_OUTPUT && found[i].port == end->port
            && !strcmp(found[i].host, end->host)
            && packet_is_advertisement(&found[i].packet, ip, &mac)) {
            return true;
        }
    }
    return false;
}

/* A switch sends no packet back by its input port: the bridge to a physical
 * network drops packets from br-int for an address of the same br-int. */
static void
judge_way_back(struct simulator *sim, struct arena *arena,
               struct sim_verdict *result)
{
    static const struct eth_addr neighbour = SIM_NEIGHBOUR_MAC;
    const struct sim_end end = result->end;
    char text[VALUE_IP_SIZE];
    struct vmn_ip ip;

    if (!end.provider
        || !eth_addr_equals(end.packet.flow.dl_dst, neighbour)) {
        return;
    }
    packet_get_destination(&end.packet, &ip);
    if (is_served_at(sim, &end, &ip)) {
        set_unreachable(result, end.host, arena_printf(
            arena, "host \"%s\" itself has %s in physical network \"%s\", "
            "which returns no packet to the host that sent it", end.host,
            value_format_ip(&ip, text), end.provider + 1));
    }
}

void
trace_judge(const struct result_names *names,
            const struct trace_request *request,
            const struct trace_endpoints *who, struct simulator *sim,
            struct arena *arena, struct sim_verdict *result)
{
    trace_judge_absence(who, arena, result);
    if (result->verdict == VERDICT_DELIVERED) {
        judge_links(names, request, &who->from, result);
    }
    if (result->verdict == VERDICT_DELIVERED) {
        judge_way_back(sim, arena, result);
    }
}
