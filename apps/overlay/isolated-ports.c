/* SPDX-License-Identifier: Apache-2.0
 *
 * Isolation between ports of one network: isolated ones talk with promiscuous
 * ones alone, those of a community also with each other (private VLANs, RFC
 * 5517).
 *
 * The ports that are alike, the isolated ones of a network or those of a
 * community, have a number in common.  That of the sender is in VMN_REG_FLAGS,
 * as its identity is in VMN_REG_SRC_ID: its own host knows the port, and other
 * hosts look its address up.  So it is judged where it arrives, whatever way
 * it has taken: also by a router, which leaves the sender's address, and by a
 * virtual IP, whose backends see it as well.  What comes from outside, and
 * what VMN's own services send, is nobody's, and so promiscuous.
 *
 * A network without isolation has none of these flows, and its ports' flows no
 * action for it. */

#include "overlay.h"

#include <string.h>

/* Of what is dropped.  The second one is background, which is a matter of the
 * reason. */
#define REASON_ISOLATION "port isolation"
#define REASON_ISOLATED_COPY "copy of a flood held by port isolation"

/* What a port is to the others of its network. */
static enum vmn_isolation
kind_of(const struct vmn_port *port, const struct vmn_network *network)
{
    /* Nothing stands before a machine on the physical network. */
    if (!has_isolation(network) || port->external) {
        return VMN_PROMISCUOUS;
    }
    return (port->isolation != VMN_ISOLATION_NONE ? port->isolation
            : network->isolation);
}

static uint32_t
number_of(struct vmn_view *view, const char *network, const char *community)
{
    return vmn_id_of(view, ID_POOL_ISOLATION,
                     vmn_printf(view, "%s|%s", network, community));
}

uint32_t
isolation_of_port(struct vmn_view *view, const struct vmn_port *port,
                  const struct vmn_network *network)
{
    enum vmn_isolation kind = kind_of(port, network);
    const struct vmn_binding *binding;

    if (kind != VMN_ISOLATED && kind != VMN_COMMUNITY) {
        return 0;
    }
    /* Rows alone take no numbers, of which there are fewer than ports. */
    binding = vmn_read_binding(view, port->row.name);
    if (!binding || !binding->host) {
        return 0;
    }
    return number_of(view, network->row.name,
                     kind == VMN_COMMUNITY ? port->community : ISOLATED_PORTS);
}

uint32_t
isolation_of_any(struct vmn_view *view, struct vmn_names ports,
                 const struct vmn_network *network)
{
    struct port_ctx ctx;
    uint32_t number = 0;
    bool is_first = true;

    for (size_t i = 0; has_isolation(network) && i < ports.n; i++) {
        if (!port_ctx_read(view, ports.names[i], &ctx)
            || (!ctx.host && !ctx.port->external)
            || strcmp(ctx.network->row.name, network->row.name)) {
            continue;
        }
        if (!is_first && ctx.isolation != number) {
            return number_of(view, network->row.name, ISOLATED_PORTS);
        }
        number = ctx.isolation;
        is_first = false;
    }
    return number;
}

void
eval_isolation(struct vmn_view *view, const char *key,
               struct vmn_value *value)
{
    const struct vmn_port *port = vmn_read_port(view, key);
    const struct vmn_network *network
        = port ? vmn_read_network(view, port->network) : NULL;
    uint32_t number = network ? isolation_of_port(view, port, network) : 0;

    if (number) {
        vmn_value_set(value, &number, sizeof number);
    }
}

void
isolation_publish(struct vmn_emit *emit, const struct port_ctx *ctx)
{
    if (ctx->isolation) {
        vmn_publish(emit, REL_ISOLATED, ctx->network->row.name,
                    kind_of(ctx->port, ctx->network) == VMN_COMMUNITY
                    ? ctx->port->community : ISOLATED_PORTS);
    }
}

/* Senders.  --------------------------------------------------------------- */

void
isolation_of_source(struct vmn_actions *actions, const struct port_ctx *ctx)
{
    if (ctx->isolation) {
        vmn_act_set_masked(actions, VMN_REG_FLAGS,
                           ctx->isolation << VMN_SRC_ISOLATION_SHIFT,
                           VMN_SRC_ISOLATION_MASK);
    }
}

void
isolation_of_nobody(struct vmn_actions *actions, const struct port_ctx *ctx)
{
    if (ctx->isolation) {
        vmn_act_set_masked(actions, VMN_REG_FLAGS, 0, VMN_SRC_ISOLATION_MASK);
    }
}

static void
match_source(struct vmn_flow *flow, uint32_t number)
{
    vmn_match_masked(flow, VMN_REG_FLAGS, number << VMN_SRC_ISOLATION_SHIFT,
                     VMN_SRC_ISOLATION_MASK);
}

void
isolation_of_probes(struct vmn_view *view, struct vmn_flow *flow,
                    const struct vmn_network *network)
{
    if (has_isolation(network)) {
        vmn_act_set_masked(vmn_flow_actions(flow), VMN_REG_FLAGS,
                           number_of(view, network->row.name, ISOLATED_PORTS)
                           << VMN_SRC_ISOLATION_SHIFT,
                           VMN_SRC_ISOLATION_MASK);
    }
}

void
isolation_of_mac(struct vmn_emit *emit, const struct port_ctx *ctx,
                 struct vmn_mac mac)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(ctx->network->row.name), STAGE_ADMIT,
        ADMIT_SOURCE, SOURCE_MAC);

    match_network(flow, ctx->network);
    vmn_match_mac(flow, VMN_F_ETH_SRC, mac);
    if (!is_provider(ctx->network)) {
        vmn_match(flow, VMN_F_ETH_TYPE, VMN_ETH_ARP);
    }
    isolation_of_source(vmn_flow_actions(flow), ctx);
    vmn_act_next(vmn_flow_actions(flow));
}

/* Receivers.  ------------------------------------------------------------- */

void
isolation_next(struct vmn_actions *actions, const struct port_ctx *ctx)
{
    if (ctx->isolation) {
        vmn_act_set(actions, REG_DST_ISOLATION, ctx->isolation);
        vmn_act_goto(actions, STAGE_LOCATE, LOCATE_COPY);
    } else {
        vmn_act_next(actions);
    }
}

int
isolation_n_askers(const struct port_ctx *ctx)
{
    return kind_of(ctx->port, ctx->network) == VMN_COMMUNITY ? 2 : 1;
}

void
isolation_match_asker(struct vmn_flow *flow, const struct port_ctx *ctx, int i)
{
    if (ctx->isolation) {
        match_source(flow, i ? ctx->isolation : 0);
    }
}

void
isolation_refuse_askers(struct vmn_flow *flow)
{
    drop(flow, REASON_ISOLATION);
}

/* A network.  ------------------------------------------------------------- */

static struct vmn_flow *
copy_add(struct vmn_emit *emit, const struct vmn_network *network,
         uint16_t priority)
{
    struct vmn_flow *flow = vmn_flow_add(
        emit, vmn_scope_network(network->row.name), STAGE_LOCATE, LOCATE_COPY,
        priority);

    match_network(flow, network);
    return flow;
}

/* Drops what is for others, from ports with the number.  Broadcasts, which
 * each guest sends all the time, have a copy for others on every host. */
static void
drop_from(struct vmn_emit *emit, const struct vmn_network *network,
          uint32_t number)
{
    struct vmn_flow *flow = copy_add(emit, network, COPY_ISOLATED_GROUP);

    match_source(flow, number);
    vmn_match_masked(flow, VMN_F_ETH_DST, GROUP_BIT, GROUP_BIT);
    drop_background(flow, REASON_ISOLATED_COPY);

    flow = copy_add(emit, network, COPY_ISOLATED);
    match_source(flow, number);
    drop(flow, REASON_ISOLATION);
}

/* Compiles who may talk with whom, on the hosts of a network.  Who has a
 * number of another network was routed here, and is a stranger as anybody from
 * there. */
void
compile_isolated(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    const struct vmn_network *network = vmn_read_network(view, key);
    struct vmn_names names = vmn_relation_values(view, REL_ISOLATED, key);
    struct vmn_flow *flow;

    if (!network || !network->vni) {
        return;
    }

    /* From a backend to itself, or from VMN. */
    flow = copy_add(emit, network, COPY_HAIRPIN);
    vmn_match_masked(flow, VMN_REG_FLAGS, VMN_FLAG_HAIRPIN, VMN_FLAG_HAIRPIN);
    vmn_act_next(vmn_flow_actions(flow));

    flow = copy_add(emit, network, COPY_PROMISCUOUS);
    vmn_match(flow, REG_DST_ISOLATION, 0);
    vmn_act_next(vmn_flow_actions(flow));

    /* Also where no port is isolated: so are probes of nobody's address. */
    drop_from(emit, network, number_of(view, key, ISOLATED_PORTS));
    for (size_t i = 0; i < names.n; i++) {
        if (strcmp(names.names[i], ISOLATED_PORTS)) {
            uint32_t number = number_of(view, key, names.names[i]);

            flow = copy_add(emit, network, COPY_COMMUNITY);
            vmn_match(flow, REG_DST_ISOLATION, number);
            match_source(flow, number);
            vmn_act_next(vmn_flow_actions(flow));
            drop_from(emit, network, number);
        }
    }
}
