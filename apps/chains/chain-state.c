/* SPDX-License-Identifier: Apache-2.0
 *
 * What a chain comes to: which of its functions are up, which get new
 * connections, and which hop follows which.  Not for flows (chain.c,
 * classifier.c). */

#include "chains.h"

#include <string.h>

/* Most chains of one priority in a domain, each of which has an OpenFlow
 * priority of its own. */
#define EQUAL_MAX 60

const struct chain *
chain_read(struct vmn_view *view, const char *name)
{
    const struct chain *chain
        = (const struct chain *) vmn_read(view, ROW_CHAIN, name);
    const struct vmn_network *network
        = (chain && chain->enabled ? vmn_read_network(view, chain->network)
           : NULL);

    return network && network->vni ? chain : NULL;
}

static void
read_hop(struct vmn_view *view, const char *name, const struct chain_hop *hop,
         struct hop_state *state)
{
    const char *key = vmn_printf(view, "%s|%s", name, hop->name);

    state->hop = hop;
    state->number = vmn_id_of(view, POOL_HOP, key);
    state->functions = vmn_alloc(
        view, hop->n_functions * sizeof *state->functions);
    state->choices = vmn_alloc(
        view, hop->n_functions * sizeof *state->choices);
    state->n_choices = 0;
    for (size_t i = 0; i < hop->n_functions; i++) {
        struct function_state *f = &state->functions[i];

        f->function = &hop->functions[i];
        f->number = vmn_id_of(view, POOL_FUNCTION,
                              vmn_printf(view, "%s|%s", key, f->function->in));
        f->up = function_is_up(view, hop, f);
        if (f->up || hop->on_failure == CHAIN_BLOCK) {
            state->choices[state->n_choices++] = f;
        }
    }
}

bool
chain_state_read(struct vmn_view *view, const char *name,
                 struct chain_state *state)
{
    memset(state, 0, sizeof *state);
    state->chain = chain_read(view, name);
    if (!state->chain) {
        return false;
    }
    state->domain = vmn_domain_of(view, state->chain->network);
    state->zone = vmn_domain_zone(view, state->domain);
    for (size_t i = 0; i < state->chain->n_hops; i++) {
        read_hop(view, name, &state->chain->hops[i], &state->hops[i]);
    }
    return true;
}

static bool
port_is_possible(struct vmn_view *view, struct vmn_emit *emit,
                 const struct chain_state *state, const char *name)
{
    const struct vmn_port *port = vmn_read_port(view, name);
    const struct vmn_network *network
        = port ? vmn_read_network(view, port->network) : NULL;

    if (!network) {
        return true;            /* It is down. */
    }
    if (network->provider.physical || port->external || port->unknown
        || port->n_allowed_addresses) {
        vmn_fail(emit, "port %s is no function's: it %s", name,
                 port->unknown ? "has \"unknown\""
                 : port->n_allowed_addresses ? "has allowed_addresses, so it "
                 "would send for itself what it forwards"
                 : "is on a physical network");
        return false;
    }
    if (strcmp(vmn_domain_of(view, port->network), state->domain)) {
        vmn_fail(emit, "port %s is in network %s, which no router joins to "
                 "network %s", name, port->network, state->chain->network);
        return false;
    }
    return true;
}

bool
chain_is_possible(struct vmn_view *view, struct vmn_emit *emit,
                  const struct chain_state *state)
{
    const struct chain *chain = state->chain;

    for (size_t i = 0; i < chain->n_hops; i++) {
        for (size_t j = 0; j < chain->hops[i].n_functions; j++) {
            const struct chain_function *f = &chain->hops[i].functions[j];

            if (!port_is_possible(view, emit, state, f->in)
                || (f->out && !port_is_possible(view, emit, state, f->out))) {
                return false;
            }
        }
    }
    return true;
}

bool
hop_is_inner_router(const struct chain *chain, const struct chain_hop *hop)
{
    for (size_t i = 0; chain->n_hops > 1 && i < hop->n_functions; i++) {
        if (!hop->functions[i].out) {
            return true;
        }
    }
    return false;
}

bool
chain_has_inner_router(const struct chain *chain)
{
    for (size_t i = 0; i < chain->n_hops; i++) {
        if (hop_is_inner_router(chain, &chain->hops[i])) {
            return true;
        }
    }
    return false;
}

int
chain_next_hop(const struct chain_state *state, int from, bool reply)
{
    int step = reply ? -1 : 1;
    int n = state->chain->n_hops;

    for (int i = from + step; i >= 0 && i < n; i += step) {
        const struct hop_state *hop = &state->hops[i];

        if (hop->n_choices || hop->hop->on_failure != CHAIN_BYPASS) {
            return i;
        }
    }
    return -1;
}

uint32_t
chain_step(const struct chain_state *state, int hop, bool reply)
{
    return hop < 0 ? 0 : state->hops[hop].number * 2 + reply;
}

void
match_hop(struct vmn_flow *flow, const struct hop_state *hop)
{
    vmn_match_masked(flow, REG_STEP, hop->number * 2, UINT32_MAX - 1);
}

int
chain_priority(struct vmn_view *view, const char *domain, const char *name)
{
    struct vmn_names chains = vmn_relation_values(view, REL_OF_DOMAIN, domain);
    unsigned n_equal = 0;

    for (size_t i = 0; i < chains.n; i++) {
        const char *text = chains.names[i];
        bool equal = i > 0 && !strncmp(text, chains.names[i - 1], 5);
        unsigned priority = 0;

        n_equal = equal ? n_equal + 1 : 0;
        if (strcmp(text + 5, name)) {
            continue;
        }
        for (int j = 0; j < 4; j++) {
            priority = priority * 10 + (text[j] - '0');
        }
        return n_equal < EQUAL_MAX
               ? PRIORITY_VERDICT - 1 - (int) (priority * EQUAL_MAX + n_equal)
               : -1;
    }
    return 0;
}
