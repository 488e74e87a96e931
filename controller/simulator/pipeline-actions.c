/* SPDX-License-Identifier: Apache-2.0
 *
 * What flows do with a packet; see pipeline-pass.h.  The meaning of actions is
 * that of ovs-actions(7); the bounds, and what a pass does when it exceeds
 * them, are those of ofproto-dpif-xlate. */

#include <config.h>

#include "controller/simulator/pipeline-pass.h"

#include <string.h>

#include "controller/flow/copy-action.h"
#include "controller/flow/learn-action.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "controller/simulator/learned-flows.h"
#include "multipath.h"
#include "nx-match.h"
#include "openvswitch/meta-flow.h"
#include "packets.h"
#include "util.h"

/* Tables.  --------------------------------------------------------------- */

/* Returns true if a flow that has sent the packet nowhere drops it.  That is
 * so if it has a drop reason (it may have punted a copy), or if it is the last
 * flow of a pass that did nothing.  Otherwise the pass was only to set
 * fields. */
static bool
is_drop(const struct pipeline_context *ctx)
{
    return ((ctx->rule && ctx->rule->drop_reason)
            || (!ctx->detour && !ctx->n_events && !ctx->n_punts));
}

void
pipeline_enter_table(struct pipeline_context *ctx, uint8_t table, bool deeper)
{
    const struct sim_net *net = &ctx->sim->net;
    const struct rule *caller = ctx->rule;
    uint8_t from = ctx->table;
    struct rule_set *const *sets;
    struct rule_hit hit;
    struct sim_step *step;
    unsigned n_events;
    size_t n;

    if (table == SAMPLE_TABLE) {
        return;                 /* Samples are copies, for users. */
    }
    if (ctx->sim->n_steps >= SIM_STEPS_MAX) {
        pipeline_fail(ctx, SIM_UNKNOWN,
                      "it takes more steps than are simulated");
        return;
    }
    if ((deeper && ctx->depth >= SIM_DEPTH_MAX)
        || ctx->n_resubmits >= SIM_RESUBMITS_MAX) {
        pipeline_fail(ctx, SIM_LOST, "too many resubmits");
        return;
    }
    sets = net->sets(net->aux, ctx->pass->host, table, &n);
    rule_sets_lookup(sets, n, table, ctx->flow, &hit);
    ctx->table = table;
    ctx->rule = hit.rule;
    ctx->n_resubmits++;
    step = pipeline_add_step(ctx, SIM_LOOKUP, ctx->flow);
    step->rule = hit.rule;
    step->number = hit.conj_id;
    if (hit.other) {
        pipeline_fail(ctx, SIM_UNKNOWN,
                      "two flows of equal priority match, and a "
                      "switch may take either");
        return;
    }

    n_events = ctx->n_events;
    if (hit.rule) {
        ctx->depth += deeper;
        pipeline_do_actions(ctx, hit.rule->ofpacts, hit.rule->ofpacts_len);
        ctx->depth -= deeper;
    }
    ctx->rule = hit.rule;
    ctx->table = table;
    if (ctx->n_events == n_events && !ctx->stop && is_drop(ctx)) {
        pipeline_add_end(ctx, SIM_DROP, NULL);
    }
    ctx->rule = caller;
    ctx->table = from;
}

/* Finds a neighbour in a provider network.  One that is none of our ports only
 * the switch knows. */
static void
find_neighbour(struct pipeline_context *ctx)
{
    static const struct eth_addr someone = SIM_NEIGHBOUR_MAC;
    const struct sim_net *net = &ctx->sim->net;
    const uint32_t *regs = ctx->flow->regs;
    bool v6 = ctx->flow->dl_type == htons(ETH_TYPE_IPV6);
    struct vmn_ip ip = { .family = v6 ? 6 : 4 };

    for (unsigned i = 0; i < (v6 ? 4 : 1); i++) {
        ovs_be32 word = htonl(regs[(v6 ? VMN_REG_NEIGHBOUR6 + i
                                    : VMN_REG_NEIGHBOUR4) - VMN_F_REG0]);

        memcpy(&ip.addr[4 * i], &word, sizeof word);
    }
    if (!net->neighbour
        || !net->neighbour(net->aux, regs[VMN_REG_NETWORK - VMN_F_REG0], &ip,
                           &ctx->flow->dl_dst)) {
        ctx->flow->dl_dst = someone;
    }
}

/* Marks the last lookup in this table: real switches may have learned. */
static void
mark_unlearned(struct pipeline_context *ctx)
{
    struct simulator *sim = ctx->sim;
    size_t i = sim->n_steps;

    while (i-- > 0 && sim->steps[i].copy == ctx->pass->copy) {
        if (sim->steps[i].kind == SIM_LOOKUP
            && sim->steps[i].table == ctx->table) {
            sim->steps[i].asks_learned = true;
            break;
        }
    }
}

/* Does what the switch has learned, if that is known; otherwise it is as if
 * nothing had been learned. */
static void
find_learned(struct pipeline_context *ctx, uint8_t table, ofp_port_t in_port)
{
    struct learned_flows *learned = ctx->sim->learned;
    const union flow_in_port kept = ctx->flow->in_port;
    const struct ofpact *ofpacts;
    size_t len;

    if (!learned) {
        mark_unlearned(ctx);
        return;
    }
    if (in_port != OFPP_IN_PORT) {
        ctx->flow->in_port.ofp_port = in_port; /* The app's number. */
    }
    ofpacts = learned_flows_find(learned, ctx->pass->host, table, ctx->flow,
                                 &len);
    ctx->flow->in_port = kept;
    if (ofpacts) {
        pipeline_do_actions(ctx, ofpacts, len);
    }
}

static void
resubmit(struct pipeline_context *ctx, const struct ofpact_resubmit *r)
{
    uint8_t table = r->table_id == 255 ? ctx->table : r->table_id;

    if (r->with_ct_orig
        || (r->in_port != OFPP_IN_PORT && !learn_is_table(table))) {
        pipeline_fail(ctx, SIM_UNKNOWN, "a resubmit with another in_port");
        return;
    }
    if (table == NEIGHBOUR_TABLE) {
        find_neighbour(ctx);
        return;
    }
    if (table == REACHABLE_TABLE) {
        ctx->flow->regs[VMN_REG_NEIGHBOUR_STATE - VMN_F_REG0]
            = VMN_NEIGHBOUR_REACHABLE;
        return;
    }
    if (learned_flows_has_table(table)) {
        find_learned(ctx, table, r->in_port);
        return;
    }
    if (pair_is_table(table)) {
        return;
    }
    if (table == PUNT_TABLE) {
        /* As if the sender were within its rate. */
        pipeline_add_end(ctx, SIM_PUNT, NULL);
        return;
    }
    ctx->detour++;
    pipeline_enter_table(ctx, table, table <= ctx->table);
    ctx->detour--;
}

/* Conntrack.  ------------------------------------------------------------ */

/* Reads the actions inside of ct(): NAT, and those on fields of the
 * connection. */
static void
read_nested(const struct ofpact_conntrack *ct, struct ct_action *action,
            const struct ofpact **first, size_t *len)
{
    const struct ofpact *a;

    *first = ct->actions;
    *len = ofpact_ct_get_action_len(ct);
    OFPACT_FOR_EACH (a, ct->actions, ofpact_ct_get_action_len(ct)) {
        if (a->type == OFPACT_NAT) {
            const struct ofpact_nat *nat = ofpact_get_NAT(a);

            action->nat = true;
            action->range = (nat->flags & (NX_NAT_F_SRC | NX_NAT_F_DST)
                             ? nat : NULL);
        }
    }
}

static void set_field(struct pipeline_context *,
                      const struct ofpact_set_field *);

/* Writes the fields that ct(commit, exec(...)) sets into the connection. */
static void
do_exec(struct pipeline_context *ctx, const struct ofpact *first, size_t len,
        struct sim_packet *tracked, struct ct_conn *conn)
{
    struct flow *flow = ctx->flow;
    const struct ofpact *a;

    ctx->flow = &tracked->flow;
    OFPACT_FOR_EACH (a, first, len) {
        if (a->type == OFPACT_SET_FIELD) {
            set_field(ctx, ofpact_get_SET_FIELD(a));
        } else if (a->type == OFPACT_REG_MOVE) {
            const struct ofpact_reg_move *move = ofpact_get_REG_MOVE(a);

            mf_subfield_copy(&move->src, &move->dst, ctx->flow, &ctx->wc);
        } else if (a->type != OFPACT_NAT) {
            pipeline_fail(ctx, SIM_UNKNOWN,
                          "an unknown action inside of ct()");
        }
    }
    ctx->flow = flow;
    if (conn) {
        conn->mark = tracked->flow.ct_mark;
        conn->label = tracked->flow.ct_label;
    }
}

static void
do_ct(struct pipeline_context *ctx, const struct ofpact_conntrack *ct)
{
    struct ct_action action = {
        .host = ctx->pass->host,
        .commit = ct->flags & NX_CT_F_COMMIT,
        .force = ct->flags & NX_CT_F_FORCE,
        .zone = ct->zone_imm,
    };
    struct sim_packet tracked = *ctx->packet;
    const struct ofpact *nested;
    struct sim_step *step;
    struct ct_conn *conn;
    const char *fault;
    struct pipeline_pass *pass;
    size_t nested_len;

    if (ct->zone_src.field) {
        action.zone = mf_get_subfield(&ct->zone_src, ctx->flow);
    }
    read_nested(ct, &action, &nested, &nested_len);
    fault = (ct->alg ? "conntrack with an ALG"
             : conntrack_pass(&ctx->sim->conntrack, &action, &tracked,
                              &conn));
    if (fault) {
        pipeline_fail(ctx, SIM_UNKNOWN, fault);
        return;
    }
    if (action.commit) {
        do_exec(ctx, nested, nested_len, &tracked, conn);
    }
    step = pipeline_add_step(ctx, SIM_CONNTRACK, &tracked.flow);
    step->committed = action.commit;
    step->number = action.zone;
    if (ct->recirc_table != NX_CT_RECIRC_NONE) {
        if (ctx->pass->n_recirculations >= SIM_RECIRCULATIONS_MAX) {
            pipeline_fail(ctx, SIM_LOST, "too many passes through conntrack");
            return;
        }
        pass = pipeline_pass_fork(ctx, ctx->pass->host, ct->recirc_table);
        pass->n_recirculations++;
        pass->packet = tracked;
    } else if (action.nat) {
        pipeline_fail(ctx, SIM_UNKNOWN, "NAT that the tables do not see");
        return;
    }
    flow_clear_conntrack(ctx->flow);
}

/* Other actions.  -------------------------------------------------------- */

static void
set_field(struct pipeline_context *ctx, const struct ofpact_set_field *sf)
{
    if (mf_are_prereqs_ok(sf->field, ctx->flow, &ctx->wc)) {
        mf_set_flow_value_masked(sf->field, sf->value,
                                 ofpact_set_field_mask(sf), ctx->flow);
    }
}

static void
move(struct pipeline_context *ctx, const struct ofpact_reg_move *m)
{
    mf_subfield_copy(&m->src, &m->dst, ctx->flow, &ctx->wc);
}

static void
pop(struct pipeline_context *ctx, const struct ofpact_stack *p)
{
    if (!nxm_execute_stack_pop(p, ctx->flow, &ctx->wc, &ctx->stack)) {
        pipeline_fail(ctx, SIM_UNKNOWN, "pop from an empty stack");
    }
}

/* Copies the ports into both of their fields; those of a whole packet are the
 * same. */
static void
follow_ports(struct pipeline_context *ctx)
{
    if (!(ctx->flow->nw_frag & FLOW_NW_FRAG_LATER)) {
        ctx->packet->tp_src = ctx->flow->tp_src;
        ctx->packet->tp_dst = ctx->flow->tp_dst;
    }
}

static void
check_size(struct pipeline_context *ctx, const struct ofpact_check_pkt_larger
           *check)
{
    const union mf_subvalue larger = {
        .u8[sizeof(union mf_subvalue) - 1]
            = ctx->packet->size > check->pkt_len,
    };

    mf_write_subfield_flow(&check->dst, &larger, ctx->flow);
}

/* Decrements the TTL.  Returns false if the actions end here. */
static bool
dec_ttl(struct pipeline_context *ctx)
{
    struct flow *flow = ctx->flow;

    if (!is_ip_any(flow)) {
        return true;
    }
    if (flow->nw_ttl > 1) {
        flow->nw_ttl--;
        return true;
    }
    pipeline_add_end(ctx, SIM_LOST, "its TTL has expired");
    return false;
}

static void
do_clone(struct pipeline_context *ctx, const struct ofpact_nest *clone)
{
    struct sim_packet before = *ctx->packet;
    struct ofpbuf stack = ctx->stack;

    ofpbuf_init(&ctx->stack, 64);
    ofpbuf_put(&ctx->stack, stack.data, stack.size);
    pipeline_do_actions(ctx, clone->actions,
                        ofpact_nest_get_action_len(clone));
    ofpbuf_uninit(&ctx->stack);
    ctx->stack = stack;
    *ctx->packet = before;
}

/* Executes an action that sets fields, of the packet or of what goes with it.
 * Returns false if it is none. */
static bool
do_set(struct pipeline_context *ctx, const struct ofpact *a)
{
    switch ((int) a->type) {
    case OFPACT_SET_FIELD:
        set_field(ctx, ofpact_get_SET_FIELD(a));
        follow_ports(ctx);
        break;
    case OFPACT_REG_MOVE:
        move(ctx, ofpact_get_REG_MOVE(a));
        follow_ports(ctx);
        break;
    case OFPACT_MULTIPATH:
        multipath_execute(ofpact_get_MULTIPATH(a), ctx->flow, &ctx->wc);
        break;
    case OFPACT_STACK_PUSH:
        nxm_execute_stack_push(ofpact_get_STACK_PUSH(a), ctx->flow,
                               &ctx->wc, &ctx->stack);
        break;
    case OFPACT_STACK_POP:
        pop(ctx, ofpact_get_STACK_POP(a));
        follow_ports(ctx);
        break;
    case OFPACT_CT_CLEAR:
        flow_clear_conntrack(ctx->flow);
        break;
    default:
        return false;
    }
    return true;
}

/* Learns for later packets; what is not kept here counts as learned.  Returns
 * false if the action is none of VMN's. */
static bool
do_learn(struct pipeline_context *ctx, const struct ofpact_learn *learn)
{
    bool taken = true;

    if (ctx->sim->learned && learned_flows_has_table(learn->table_id)) {
        taken = learned_flows_learn(ctx->sim->learned, ctx->pass->host, learn,
                                    ctx->flow);
    }
    if (learn->flags & NX_LEARN_F_WRITE_RESULT) {
        nxm_reg_load(&learn->result_dst, taken, ctx->flow, &ctx->wc);
    }
    return learn_is_table(learn->table_id);
}

/* Executes an action.  Returns false if the actions end here. */
static bool
do_action(struct pipeline_context *ctx, const struct ofpact *a)
{
    if (do_set(ctx, a) || copy_is_action(a)) {
        return !ctx->stop;      /* Copies are nobody's way. */
    }
    switch ((int) a->type) {
    case OFPACT_OUTPUT:
        pipeline_output(ctx, ofpact_get_OUTPUT(a)->port);
        break;
    case OFPACT_OUTPUT_REG:
        pipeline_output(ctx, u16_to_ofp(mf_get_subfield(
            &ofpact_get_OUTPUT_REG(a)->src, ctx->flow)));
        break;
    case OFPACT_CONTROLLER:
        pipeline_add_end(ctx, SIM_PUNT, NULL);
        break;
    case OFPACT_GROUP:
        pipeline_do_group(ctx, ofpact_get_GROUP(a)->group_id);
        break;
    case OFPACT_RESUBMIT:
        resubmit(ctx, ofpact_get_RESUBMIT(a));
        break;
    case OFPACT_GOTO_TABLE:
        pipeline_enter_table(ctx, ofpact_get_GOTO_TABLE(a)->table_id, false);
        break;
    case OFPACT_CT:
        do_ct(ctx, ofpact_get_CT(a));
        break;
    case OFPACT_CHECK_PKT_LARGER:
        check_size(ctx, ofpact_get_CHECK_PKT_LARGER(a));
        break;
    case OFPACT_DEC_TTL:
        return dec_ttl(ctx);
    case OFPACT_CLONE:
        do_clone(ctx, ofpact_get_CLONE(a));
        break;
    case OFPACT_METER:          /* As if the packet were within the meter's
                                 * rate. */
    case OFPACT_SET_QUEUE:      /* No matter of whether it gets there. */
    case OFPACT_POP_QUEUE:
    case OFPACT_NOTE:
        break;
    case OFPACT_LEARN:
        if (do_learn(ctx, ofpact_get_LEARN(a))) {
            break;
        }
        /* Fall through. */
    default:
        pipeline_fail(ctx, SIM_UNKNOWN, "an unsupported action");
        break;
    }
    return !ctx->stop;
}

void
pipeline_do_actions(struct pipeline_context *ctx, const struct ofpact *ofpacts,
                    size_t len)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts, len) {
        if (!do_action(ctx, a)) {
            break;
        }
    }
}
