/* SPDX-License-Identifier: Apache-2.0
 *
 * What became of a packet; see verdict.h. */

#include <config.h>

#include "controller/simulator/verdict.h"

#include <string.h>

#include "packets.h"
#include "util.h"
#include "vmn/rows.h"

const char *
verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_DELIVERED] = "delivered", [VERDICT_DROPPED] = "dropped",
        [VERDICT_UNKNOWN] = "unknown", [VERDICT_UNREACHABLE] = "unreachable",
    };

    return names[verdict];
}

/* Returns how much an end explains why nothing was delivered; the largest is
 * shown. */
static int
weight(const struct sim_end *end)
{
    switch (end->kind) {
    case SIM_UNKNOWN:
        return 6;
    case SIM_DROP:
        return 5;
    case SIM_UNREACHABLE:
        return 4;
    case SIM_LOST:
        return 3;
    case SIM_PUNT:
        return 2;
    case SIM_OUTPUT:
    default:
        return 1;
    }
}

/* Returns true if the packet went to a physical network, to that machine or to
 * all. */
static bool
is_on_provider_to(const struct sim_end *end, const struct vmn_port *port)
{
    const struct eth_addr *to = &end->packet.flow.dl_dst;

    return (end->kind == SIM_OUTPUT && end->provider
            && (eth_addr_is_multicast(*to)
                || !memcmp(to->ea, port->mac.ea, sizeof to->ea)));
}

/* Returns true if the packet went to the physical network and VLAN of
 * 'network'. */
static bool
is_in_provider(const struct sim_end *end, const struct vmn_network *network)
{
    return (end->kind == SIM_OUTPUT && end->provider
            && !strcmp(end->provider + 1, network->provider.physical)
            && (vlan_tci_to_vid(end->packet.flow.vlans[0].tci)
                == network->provider.vlan));
}

bool
sim_end_is_at(const struct sim_end *end, const struct endpoint *endpoint)
{
    if (endpoint->outside) {
        return is_in_provider(end, endpoint->outside);
    }
    if (endpoint->port->external) {
        return is_on_provider_to(end, endpoint->port);
    }
    return (end->kind == SIM_OUTPUT && end->port == endpoint->ofport
            && endpoint->host && !strcmp(end->host, endpoint->host));
}

void
verdict_get(const struct simulator *sim, const struct endpoint *goal,
            struct sim_verdict *result)
{
    const struct sim_end *ends, *best = NULL;
    size_t n = simulator_ends(sim, &ends);

    for (size_t i = 0; i < n; i++) {
        const struct sim_end *end = &ends[i];

        if (goal ? sim_end_is_at(end, goal) : end->kind == SIM_OUTPUT) {
            result->verdict = VERDICT_DELIVERED;
            result->end = *end;
            return;
        }
        best = !best || weight(end) > weight(best) ? end : best;
    }
    ovs_assert(best);
    result->verdict = (best->kind == SIM_UNKNOWN ? VERDICT_UNKNOWN
                       : best->kind == SIM_UNREACHABLE ? VERDICT_UNREACHABLE
                       : VERDICT_DROPPED);
    result->end = *best;
}

/* Returns true unless others decide about what the rule matches. */
static bool
is_decisive(const struct result_names *names, const struct rule *rule)
{
    bool shadow;
    const struct vmn_rule *row = result_policy_rule(names, rule, &shadow);

    return !shadow && !(row && row->action == VMN_PASS);
}

const struct rule *
verdict_rule(const struct simulator *sim, const struct result_names *names)
{
    const struct sim_step *steps;

    for (size_t i = simulator_steps(sim, &steps); i-- > 0; ) {
        if (steps[i].kind == SIM_LOOKUP && steps[i].number
            && is_decisive(names, steps[i].rule)) {
            return steps[i].rule;
        }
    }
    return NULL;
}
