/* SPDX-License-Identifier: Apache-2.0
 *
 * The hops of a chain: which function a connection has, how packets get to
 * it, and where they go on from it.  Which packets are the chain's is the
 * classifier's (classifier.c, member.c).
 *
 * A hop has a conntrack zone.  There, on each host that sends packets to the
 * hop, a connection's mark is the number of its function: so it keeps that one
 * while others come and go.  Which function a new connection gets, a hash of
 * its addresses and ports says, which is that of both directions; so the hosts
 * of both sides choose the same one without asking each other. */

#include "chains.h"

/* What all flows of a chain need. */
struct ctx {
    struct vmn_view *view;
    struct vmn_emit *emit;
    const char *name;
    struct chain_state state;
    struct vmn_scope scope;
};

/* Hops.  ------------------------------------------------------------------ */

static struct vmn_flow *
hop_flow_add(const struct ctx *ctx, unsigned stage, unsigned table,
             uint16_t priority, const struct hop_state *hop)
{
    struct vmn_flow *flow = vmn_flow_add(ctx->emit, ctx->scope, stage, table,
                                         priority);

    match_hop(flow, hop);
    return flow;
}

/* The families of IP, each of which has flows of its own where there is a
 * ct(). */
static const uint8_t families[] = { 4, 6 };
#define N_FAMILIES (sizeof families / sizeof families[0])

static void
match_family(struct vmn_flow *flow, uint8_t family)
{
    vmn_match(flow, VMN_F_ETH_TYPE, vmn_eth_type_of(family));
}

static void
drop_down(struct vmn_flow *flow)
{
    vmn_act_drop(vmn_flow_actions(flow), "function of the chain is down");
}

/* Sends packets to the function, whose port goes by the direction. */
static void
to_function(struct vmn_flow *flow, const struct function_state *f)
{
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_act_set(actions, REG_FUNCTION, f->number);
    vmn_act_goto(actions, STAGE_STEER, STEER_HAND);
}

/* Sets REG_HOP_ZONE to the hop's zone. */
static void
set_hop_zone(const struct ctx *ctx, struct vmn_actions *actions,
             const struct hop_state *hop)
{
    vmn_act_set(actions, REG_HOP_ZONE,
                vmn_id_of(ctx->view, VMN_ID_POOL_ZONE,
                          vmn_printf(ctx->view, "%s|%s", ctx->name,
                                     hop->hop->name)));
}

/* Emits a flow for choice 'i' of the hop. */
static struct vmn_flow *
choice_add(const struct ctx *ctx, const struct hop_state *hop, size_t i,
           uint16_t priority)
{
    struct vmn_flow *flow = hop_flow_add(ctx, STAGE_STEER, STEER_CHOOSE,
                                         priority, hop);

    vmn_match(flow, REG_LINK, i);
    return flow;
}

/* Gives a connection choice 'i' of the hop. */
static void
emit_choice(const struct ctx *ctx, const struct hop_state *hop, size_t i)
{
    const struct vmn_ct remember = {
        .commit = true, .zone = REG_HOP_ZONE, .then = VMN_CT_TABLE,
        .stage = STAGE_STEER, .table = STEER_HAND, .mark = true,
        .mark_from = REG_FUNCTION,
    };
    const struct function_state *f = hop->choices[i];
    struct vmn_flow *flow;

    if (!f->up) {
        drop_down(choice_add(ctx, hop, i, PRIORITY_USUAL));
        return;
    }
    for (size_t j = 0; j < N_FAMILIES; j++) {
        struct vmn_actions *actions;

        flow = choice_add(ctx, hop, i, PRIORITY_USUAL);
        match_family(flow, families[j]);
        actions = vmn_flow_actions(flow);
        vmn_act_set(actions, REG_FUNCTION, f->number);
        vmn_act_ct(actions, &remember);
    }

    /* Conntrack of this host has not seen how it began. */
    flow = choice_add(ctx, hop, i, PRIORITY_SPECIAL);
    vmn_match_masked(flow, VMN_F_CT_STATE, VMN_CT_INV, VMN_CT_INV);
    to_function(flow, f);
}

/* Chooses a function for a connection that has none, or one that is not there
 * any more. */
static void
emit_choices(const struct ctx *ctx, const struct hop_state *hop)
{
    struct vmn_flow *flow;
    struct vmn_actions *actions;

    for (size_t i = 0; i < hop->n_choices; i++) {
        emit_choice(ctx, hop, i);
    }
    flow = hop_flow_add(ctx, STAGE_STEER, STEER_REMEMBERED, PRIORITY_USUAL,
                        hop);
    actions = vmn_flow_actions(flow);
    vmn_act_set(actions, REG_LINK, 0);
    vmn_act_hash_connection(actions, hop->number & (VMN_HASH_SAMPLE - 1),
                            REG_LINK, hop->n_choices);
    vmn_act_goto(actions, STAGE_STEER, STEER_CHOOSE);
}

/* Emits how a connection gets its function.  One that is alone is remembered
 * as well: there may be others tomorrow. */
static void
emit_choice_of_function(const struct ctx *ctx, const struct hop_state *hop)
{
    const struct vmn_ct look_up = {
        .zone = REG_HOP_ZONE, .then = VMN_CT_TABLE, .stage = STAGE_STEER,
        .table = STEER_REMEMBERED,
    };
    struct vmn_flow *flow;

    for (size_t i = 0; i < N_FAMILIES; i++) {
        flow = hop_flow_add(ctx, STAGE_STEER, STEER_HOP, PRIORITY_USUAL, hop);
        match_family(flow, families[i]);
        set_hop_zone(ctx, vmn_flow_actions(flow), hop);
        vmn_act_ct(vmn_flow_actions(flow), &look_up);
    }
    for (size_t i = 0; i < hop->hop->n_functions; i++) {
        const struct function_state *f = &hop->functions[i];

        if (f->up || hop->hop->on_failure == CHAIN_BLOCK) {
            flow = hop_flow_add(ctx, STAGE_STEER, STEER_REMEMBERED,
                                PRIORITY_SPECIAL, hop);
            vmn_match(flow, VMN_F_CT_MARK, f->number);
            if (f->up) {
                to_function(flow, f);
            } else {
                drop_down(flow);
            }
        }
    }
    emit_choices(ctx, hop);
}

/* Hands packets to the function's port for requests, or for replies. */
static void
emit_hand(const struct ctx *ctx, const struct hop_state *hop,
          const struct function_state *f, bool reply)
{
    const struct chain_function *function = f->function;
    const char *name = reply && function->out ? function->out : function->in;
    const struct vmn_port *port = vmn_read_port(ctx->view, name);
    struct vmn_flow *flow = vmn_flow_add(ctx->emit, ctx->scope, STAGE_STEER,
                                         STEER_HAND, PRIORITY_USUAL);
    struct vmn_actions *actions = vmn_flow_actions(flow);

    vmn_match_masked(flow, REG_STEP, reply, 1);
    vmn_match(flow, REG_FUNCTION, f->number);
    vmn_flow_count_part(flow, f->number * 2 + reply);
    vmn_publish(ctx->emit, REL_PART_NAMES,
                vmn_printf(ctx->view, "chains/%s", ctx->name),
                vmn_printf(ctx->view, "%u|%s %s %s",
                           (unsigned) f->number * 2 + reply, hop->hop->name,
                           name, reply ? "answers" : "requests"));
    if (!function->out) {
        vmn_act_set_mac(actions, VMN_F_ETH_DST, port->mac);
    }
    if (!vmn_act_hand_to_port(ctx->view, actions, name)) {
        vmn_fail(ctx->emit, "nothing can be handed to port %s", name);
    }
}

static void
emit_hop(const struct ctx *ctx, const struct hop_state *hop)
{
    const size_t n = hop->hop->n_functions;

    if (!hop->n_choices) {
        if (hop->hop->on_failure != CHAIN_BYPASS) {
            drop_down(hop_flow_add(ctx, STAGE_STEER, STEER_HOP,
                                   PRIORITY_USUAL, hop));
        }
        return;
    }
    emit_choice_of_function(ctx, hop);
    for (size_t i = 0; i < n; i++) {
        if (hop->functions[i].up) {
            emit_hand(ctx, hop, &hop->functions[i], false);
            emit_hand(ctx, hop, &hop->functions[i], true);
        }
    }
}

/* What functions send.  --------------------------------------------------- */

/* Sets REG_STEP for what hop 'index' has sent. */
static void
set_step(const struct ctx *ctx, struct vmn_actions *actions, int index,
         bool reply)
{
    vmn_act_set(actions, REG_STEP,
                chain_step(&ctx->state, chain_next_hop(&ctx->state, index,
                                                       reply), reply));
}

/* Says of which chain a packet is that hop 'index' has sent, and to which hop
 * it goes on if it is from one of the chain's VMs.  The function's port has
 * not opened its connection: it is none of those that the port's host may
 * limit. */
static void
emit_step(const struct ctx *ctx, struct vmn_actions *actions, int index,
          bool has_direction, bool reply)
{
    vmn_act_set(actions, REG_CHAIN,
                vmn_id_of(ctx->view, POOL_CHAIN, ctx->name));
    if (has_direction) {
        vmn_act_set(actions, REG_SENDER, 0);
        set_step(ctx, actions, index, reply);
    } else {
        vmn_act_set(actions, REG_SENDER, ctx->state.hops[index].number);
    }
    vmn_act_set_masked(actions, VMN_REG_FLAGS, VMN_FLAG_LIMITED,
                       VMN_FLAG_LIMITED);
    vmn_act_goto(actions, STAGE_RETURN, RETURN_SOURCE);
}

/* Emits what becomes of packets that the function sends by port 'name' on
 * 'host', from addresses of others. */
static void
emit_return_at(const struct ctx *ctx, int index,
               const struct function_state *f, const char *name,
               const char *host)
{
    const struct vmn_port *port = vmn_read_port(ctx->view, name);
    const struct vmn_vif *vif
        = port ? vmn_read_vif(ctx->view, host, port->iface_id) : NULL;
    bool is_reply = f->function->out && name == f->function->in;
    /* Both are behind the chain if it has no other hop. */
    bool has_direction = f->function->out || ctx->state.chain->n_hops == 1;
    struct vmn_flow *flow;

    if (!vif) {
        return;
    }
    for (size_t i = 0; i < N_FAMILIES; i++) {
        flow = vmn_flow_add(ctx->emit, vmn_scope_host(host), STAGE_RETURN,
                            RETURN_PORT, PRIORITY_USUAL);
        vmn_match(flow, VMN_F_IN_PORT, vif->ofport);
        match_family(flow, families[i]);
        vmn_match(flow, VMN_REG_SRC_LOCAL, 0);
        emit_step(ctx, vmn_flow_actions(flow), index, has_direction,
                  is_reply);
    }

    /* Whom it is for is on another host: as packets between hosts, it is
     * judged on these. */
    flow = vmn_flow_add(ctx->emit, vmn_scope_host(host), STAGE_TRANSIT, 0,
                        PRIORITY_USUAL);
    vmn_match(flow, VMN_F_IN_PORT, vif->ofport);
    vmn_match(flow, VMN_REG_SRC_LOCAL, 0);
    vmn_match(flow, VMN_REG_DST_LOCAL, 0);
    vmn_act_goto_hook(vmn_flow_actions(flow), VMN_HOOK_DELIVER);
}

static void
emit_return(const struct ctx *ctx, int index, const struct function_state *f,
            const char *name)
{
    const struct vmn_binding *binding = vmn_read_binding(ctx->view, name);

    if (!binding) {
        return;
    }
    if (binding->host) {
        emit_return_at(ctx, index, f, name, binding->host);
    }
    if (binding->candidate) {
        emit_return_at(ctx, index, f, name, binding->candidate);
    }
}

/* Emits what is next for packets of functions of hop 'index' with one port. */
static void
emit_directions(const struct ctx *ctx, int index)
{
    for (int reply = 0; reply < 2; reply++) {
        struct vmn_flow *flow = vmn_flow_add(ctx->emit, ctx->scope,
                                             STAGE_RETURN, RETURN_DIRECTION,
                                             PRIORITY_USUAL);
        struct vmn_actions *actions = vmn_flow_actions(flow);

        vmn_match(flow, REG_SENDER, ctx->state.hops[index].number);
        vmn_match(flow, REG_SIDE, reply ? SIDE_DESTINATION : SIDE_SOURCE);
        set_step(ctx, actions, index, reply);
        vmn_act_goto(actions, STAGE_RETURN, RETURN_ON);
    }
}

/* The chain.  ------------------------------------------------------------- */

/* Says that nothing is flooded to a port of a function that bridges two: it
 * would come back by the other one, and what has the MAC of that is flooded
 * again. */
static void
publish_unflooded(const struct ctx *ctx, const char *name)
{
    const struct vmn_port *port = vmn_read_port(ctx->view, name);

    if (port) {
        vmn_publish(ctx->emit, VMN_REL_UNFLOODED_PORTS, port->network, name);
    }
}

/* Says that the function's ports are such. */
static void
publish_ports(const struct ctx *ctx, const struct chain_function *f)
{
    vmn_publish(ctx->emit, VMN_REL_FUNCTION_PORTS, f->in,
                f->out ? f->out : f->in);
    vmn_publish(ctx->emit, REL_PORT, f->in, ctx->name);
    if (f->out) {
        vmn_publish(ctx->emit, VMN_REL_FUNCTION_PORTS, f->out, f->in);
        vmn_publish(ctx->emit, REL_PORT, f->out, ctx->name);
        publish_unflooded(ctx, f->in);
        publish_unflooded(ctx, f->out);
    }
}

/* Publishes that the function is down, and what follows. */
static void
publish_down(const struct ctx *ctx, const struct hop_state *hop,
             const struct function_state *f)
{
    enum chain_failure on_failure = hop->hop->on_failure;
    size_t n_up = 0;

    for (size_t i = 0; i < hop->hop->n_functions; i++) {
        n_up += hop->functions[i].up;
    }
    vmn_publish(ctx->emit, REL_DOWN, ctx->name, f->function->in);
    vmn_publish(ctx->emit, REL_WARNINGS, ctx->name, vmn_printf(
        ctx->view, "function %s of hop %s is down: %s", f->function->in,
        hop->hop->name,
        on_failure == CHAIN_BLOCK ? "its connections are dropped"
        : n_up ? "its connections get another function of the hop"
        : on_failure == CHAIN_BYPASS
        ? "no function is up, and connections bypass the hop"
        : "no function is up, and connections are dropped"));
}

void
compile_chain(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct ctx ctx = { .view = view, .emit = emit, .name = key };
    const struct chain *chain;

    if (!chain_state_read(view, key, &ctx.state)
        || !chain_is_possible(view, emit, &ctx.state)) {
        return;
    }
    chain = ctx.state.chain;
    ctx.scope = vmn_scope_domain(ctx.state.domain);
    vmn_publish(emit, REL_OF_DOMAIN, ctx.state.domain,
                vmn_printf(view, "%04d|%s", chain->priority, key));
    for (size_t i = 0; i < chain->n_hops; i++) {
        const struct hop_state *hop = &ctx.state.hops[i];

        emit_hop(&ctx, hop);
        if (hop_is_inner_router(chain, hop->hop)) {
            emit_directions(&ctx, i);
        }
        for (size_t j = 0; j < hop->hop->n_functions; j++) {
            const struct function_state *f = &hop->functions[j];

            publish_ports(&ctx, f->function);
            if (!f->up) {
                publish_down(&ctx, hop, f);
            }
            if (hop->hop->health != CHAIN_LINK) {
                vmn_publish(emit, REL_PROBED,
                            vmn_printf(view, "%s|%s|%s", key, hop->hop->name,
                                       f->function->in), "");
            }
            emit_return(&ctx, i, f, f->function->in);
            if (f->function->out) {
                emit_return(&ctx, i, f, f->function->out);
            }
        }
    }
}

/* A port is that of one chain's functions: what they send would be of either
 * chain. */
void
compile_port(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names chains = vmn_relation_values(view, REL_PORT, key);

    if (chains.n > 1) {
        vmn_fail(emit, "port %s is that of functions of chains %s and %s",
                 key, chains.names[0], chains.names[1]);
    }
}
