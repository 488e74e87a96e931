/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a packet; see simulator.h.  A pass is what a switch does in
 * one go: from a table on, by goto and resubmit, up to outputs and ct().  What
 * goes on from there (another host, or a table after conntrack) waits as a
 * pass of its own, so that the stack is bounded by SIM_DEPTH_MAX alone.
 *
 * The meaning of actions is that of ovs-actions(7); the bounds, and what a
 * pass does when it exceeds them, are those of ofproto-dpif-xlate. */

#include <config.h>

#include "controller/flow/learn-action.h"
#include "controller/flow/punt-action.h"
#include "controller/flow/sample-action.h"
#include "controller/simulator/simulator.h"

#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "multipath.h"
#include "nx-match.h"
#include "openvswitch/list.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* A pass that waits. */
struct pass {
    struct ovs_list node;
    const char *host;
    uint8_t table;
    unsigned copy;
    unsigned n_recirculations;
    unsigned n_tunnels;
    struct sim_packet packet;
};

/* A group that had a choice. */
struct choice {
    uint32_t taken, n;          /* Of how many. */
    double share;
};

struct simulator {
    struct sim_net net;
    bool keep_flows;
    struct conntrack conntrack;
    size_t n_choices;           /* Made in the exchange so far, ... */
    size_t n_known;             /* ... of which so many are settled. */
    struct choice choices[SIM_CHOICES_MAX];
    struct ovs_list passes;
    unsigned n_copies;
    size_t n_steps, allocated_steps;
    struct sim_step *steps;
    size_t n_ends, allocated_ends;
    struct sim_end *ends;
    size_t n_flows, allocated_flows;
    struct flow *flows;
};

/* The pass that is under way. */
struct ctx {
    struct simulator *sim;
    struct pass *pass;
    struct sim_packet *packet;  /* Of the pass. */
    struct flow *flow;          /* Of the packet. */
    struct ofpbuf stack;
    struct flow_wildcards wc;   /* What libopenvswitch notes there is of no
                                 * use here. */
    const struct rule *rule;    /* Whose actions are done. */
    uint8_t table;              /* Of the rule. */
    unsigned depth, n_resubmits;
    unsigned detour;            /* Resubmits that have not come back. */
    unsigned n_events;          /* Outputs and the like; not copies for the
                                 * controller. */
    unsigned n_ups;             /* These. */
    bool stop;                  /* The switch gives the packet up. */
};

static void do_actions(struct ctx *, const struct ofpact *, size_t len);

/* Results.  -------------------------------------------------------------- */

static size_t
keep_flow(struct simulator *sim, const struct flow *flow)
{
    if (!sim->keep_flows) {
        return SIZE_MAX;
    }
    if (sim->n_flows >= sim->allocated_flows) {
        sim->flows = x2nrealloc(sim->flows, &sim->allocated_flows,
                                sizeof *sim->flows);
    }
    sim->flows[sim->n_flows] = *flow;
    return sim->n_flows++;
}

static struct sim_step *
add_step(struct ctx *ctx, enum sim_step_kind kind, const struct flow *flow)
{
    struct simulator *sim = ctx->sim;
    struct sim_step *step;

    if (sim->n_steps >= sim->allocated_steps) {
        sim->steps = x2nrealloc(sim->steps, &sim->allocated_steps,
                                sizeof *sim->steps);
    }
    step = &sim->steps[sim->n_steps++];
    *step = (struct sim_step) {
        .kind = kind,
        .host = ctx->pass->host,
        .copy = ctx->pass->copy,
        .table = ctx->table,
        .flow = keep_flow(sim, flow),
    };
    return step;
}

static struct sim_end *
add_end(struct ctx *ctx, enum sim_end_kind kind, const char *text)
{
    struct simulator *sim = ctx->sim;
    struct sim_end *end;

    if (sim->n_ends >= sim->allocated_ends) {
        sim->ends = x2nrealloc(sim->ends, &sim->allocated_ends,
                               sizeof *sim->ends);
    }
    end = &sim->ends[sim->n_ends++];
    *end = (struct sim_end) {
        .kind = kind,
        .host = ctx->pass->host,
        .table = ctx->table,
        .rule = ctx->rule,
        .step = sim->n_steps ? sim->n_steps - 1 : 0,
        .text = text,
        .packet = *ctx->packet,
    };
    if (kind == SIM_PUNT) {
        ctx->n_ups++;
    } else {
        ctx->n_events++;
    }
    return end;
}

/* The way cannot be followed any further; what was done so far stands. */
static void
give_up(struct ctx *ctx, enum sim_end_kind kind, const char *text)
{
    if (!ctx->stop) {
        add_end(ctx, kind, text);
        ctx->stop = true;
    }
}

/* Passes.  --------------------------------------------------------------- */

static struct pass *
add_pass(struct simulator *sim, const char *host, uint8_t table,
         const struct sim_packet *packet)
{
    struct pass *pass = xzalloc(sizeof *pass);

    pass->host = host;
    pass->table = table;
    pass->packet = *packet;
    ovs_list_push_back(&sim->passes, &pass->node);
    return pass;
}

/* A packet that comes to a switch has headers, and no metadata. */
static void
clear_metadata(struct flow *flow)
{
    struct flow all = *flow;

    memset(flow, 0, offsetof(struct flow, dl_dst));
    flow->packet_type = all.packet_type;
    flow->ct_nw_src = flow->ct_nw_dst = 0;
    flow->ct_ipv6_src = flow->ct_ipv6_dst = in6addr_any;
    flow->ct_tp_src = flow->ct_tp_dst = 0;
    flow->actset_output = OFPP_UNSET;
}

/* What goes on later begins with the number of its pass; the rest of this one
 * is another copy. */
static struct pass *
fork_pass(struct ctx *ctx, const char *host, uint8_t table)
{
    struct pass *pass = add_pass(ctx->sim, host, table, ctx->packet);

    pass->copy = (ctx->n_events ? ++ctx->sim->n_copies : ctx->pass->copy);
    pass->n_recirculations = ctx->pass->n_recirculations;
    pass->n_tunnels = ctx->pass->n_tunnels;
    ctx->n_events++;
    return pass;
}

static void
output_tunnel(struct ctx *ctx, ofp_port_t port)
{
    const struct sim_net *net = &ctx->sim->net;
    const struct flow_tnl *tunnel = &ctx->flow->tunnel;
    struct in6_addr to, from;
    const char *host;
    struct pass *pass;
    struct flow_tnl received;

    if (tunnel->ip_dst) {
        in6_addr_set_mapped_ipv4(&to, tunnel->ip_dst);
    } else {
        to = tunnel->ipv6_dst;
    }
    host = net->host_at(net->aux, &to);
    if (!host) {
        add_end(ctx, SIM_LOST, "no host has the tunnel's address");
        return;
    }
    if (!net->tunnel_ip(net->aux, ctx->pass->host,
                        !IN6_IS_ADDR_V4MAPPED(&to), &from)) {
        add_end(ctx, SIM_LOST, "the host has no tunnel address to send from");
        return;
    }
    if (!strcmp(host, ctx->pass->host)) {
        add_end(ctx, SIM_LOST, "the tunnel leads to the host itself");
        return;
    }
    if (ctx->pass->n_tunnels >= SIM_TUNNELS_MAX) {
        add_end(ctx, SIM_LOST, "it goes in circles between hosts");
        return;
    }

    memset(&received, 0, sizeof received);
    if (IN6_IS_ADDR_V4MAPPED(&from)) {
        received.ip_src = in6_addr_get_mapped_ipv4(&from);
        received.ip_dst = in6_addr_get_mapped_ipv4(&to);
    } else {
        received.ipv6_src = from;
        received.ipv6_dst = to;
    }
    received.tun_id = tunnel->tun_id;
    pass = fork_pass(ctx, host, 0);
    pass->n_tunnels++;
    pass->n_recirculations = 0;
    clear_metadata(&pass->packet.flow);
    pass->packet.flow.tunnel = received;
    pass->packet.flow.in_port.ofp_port = port;
    add_step(ctx, SIM_TUNNEL, ctx->flow)->to = host;
}

/* Output to 'port', which may lead to a physical network: to the host of the
 * one that the packet is for, if there is one. */
static void
output_port(struct ctx *ctx, ofp_port_t port)
{
    const struct sim_net *net = &ctx->sim->net;
    const char *host = NULL;
    uint32_t in_port = 0;
    bool provider = (net->provider
                 && net->provider(net->aux, ctx->pass->host, ofp_to_u16(port),
                                  ctx->flow, &host, &in_port));

    if (!provider || !host) {
        struct sim_end *end = add_end(ctx, SIM_OUTPUT, NULL);

        end->port = ofp_to_u16(port);
        end->provider = provider;
    } else if (ctx->pass->n_tunnels >= SIM_TUNNELS_MAX) {
        add_end(ctx, SIM_LOST, "it goes in circles between hosts");
    } else {
        struct pass *pass = fork_pass(ctx, host, 0);

        pass->n_tunnels++;
        pass->n_recirculations = 0;
        clear_metadata(&pass->packet.flow);
        pass->packet.flow.in_port.ofp_port = u16_to_ofp(in_port);
        add_step(ctx, SIM_PROVIDER, ctx->flow)->to = host;
    }
}

static bool
is_tunnel(ofp_port_t port)
{
    return (ofp_to_u16(port) == VMN_TUNNEL_OFPORT
            || ofp_to_u16(port) == VMN_GENEVE_OFPORT);
}

static void
output(struct ctx *ctx, ofp_port_t port)
{
    ofp_port_t in_port = ctx->flow->in_port.ofp_port;

    if (port == OFPP_IN_PORT) {
        port = in_port;
    } else if (port == in_port) {
        add_end(ctx, SIM_LOST, "it may not leave by the port that it came "
                "by");
        return;
    } else if (port == OFPP_CONTROLLER) {
        add_end(ctx, SIM_PUNT, NULL);
        return;
    } else if (ofp_to_u16(port) >= ofp_to_u16(OFPP_MAX)) {
        give_up(ctx, SIM_UNKNOWN, "output to a reserved port");
        return;
    }
    if (port == OFPP_NONE) {
        add_end(ctx, SIM_LOST, "output to no port");
    } else if (is_tunnel(port)) {
        output_tunnel(ctx, port);
    } else {
        output_port(ctx, port);
    }
}

/* Tables.  --------------------------------------------------------------- */

/* True if a flow that has sent the packet nowhere drops it.  It says so (and
 * may have had a copy sent up), or it is the last of a pass that did nothing;
 * else it was but asked for what it sets. */
static bool
is_drop(const struct ctx *ctx)
{
    return ((ctx->rule && ctx->rule->drop_reason)
            || (!ctx->detour && !ctx->n_events && !ctx->n_ups));
}

static void
enter_table(struct ctx *ctx, uint8_t table, bool deeper)
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
        return;                 /* Copies, for people. */
    }
    if (ctx->sim->n_steps >= SIM_STEPS_MAX) {
        give_up(ctx, SIM_UNKNOWN, "it takes more steps than are followed");
        return;
    }
    if ((deeper && ctx->depth >= SIM_DEPTH_MAX)
        || ctx->n_resubmits >= SIM_RESUBMITS_MAX) {
        give_up(ctx, SIM_LOST, "too many resubmits");
        return;
    }
    sets = net->sets(net->aux, ctx->pass->host, table, &n);
    rule_sets_lookup(sets, n, table, ctx->flow, &hit);
    ctx->table = table;
    ctx->rule = hit.rule;
    ctx->n_resubmits++;
    step = add_step(ctx, SIM_LOOKUP, ctx->flow);
    step->rule = hit.rule;
    step->other = hit.other;
    step->number = hit.conj_id;
    if (hit.other) {
        give_up(ctx, SIM_UNKNOWN, "two flows of equal priority match, and a "
                "switch may take either");
        return;
    }

    n_events = ctx->n_events;
    if (hit.rule) {
        ctx->depth += deeper;
        do_actions(ctx, hit.rule->ofpacts, hit.rule->ofpacts_len);
        ctx->depth -= deeper;
    }
    ctx->rule = hit.rule;
    ctx->table = table;
    if (ctx->n_events == n_events && !ctx->stop && is_drop(ctx)) {
        add_end(ctx, SIM_DROP, NULL);
    }
    ctx->rule = caller;
    ctx->table = from;
}

/* Who is on a wire only the switch knows.  So everybody is, at an address that
 * stands for all. */
static void
find_neighbour(struct ctx *ctx)
{
    static const struct eth_addr someone
        = ETH_ADDR_C(02, 00, 00, 00, 00, 00);

    ctx->flow->dl_dst = someone;
}

static void
resubmit(struct ctx *ctx, const struct ofpact_resubmit *r)
{
    uint8_t table = r->table_id == 255 ? ctx->table : r->table_id;

    if (r->with_ct_orig || r->in_port != OFPP_IN_PORT) {
        give_up(ctx, SIM_UNKNOWN, "a resubmit as if from elsewhere");
        return;
    }
    if (table == NEIGHBOUR_TABLE) {
        find_neighbour(ctx);
        return;
    }
    if (table == MAC_TABLE || table == CLIENT_TABLE) {
        return;                 /* As if nobody had been heard yet. */
    }
    if (table == PUNT_TABLE) {
        return;                 /* As long as the sender is within its rate. */
    }
    ctx->detour++;
    enter_table(ctx, table, table <= ctx->table);
    ctx->detour--;
}

/* Conntrack.  ------------------------------------------------------------ */

/* The actions inside of a ct(): NAT, and fields of the connection. */
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

static void set_field(struct ctx *, const struct ofpact_set_field *);

/* What ct(commit, exec(...)) writes into the connection. */
static void
do_exec(struct ctx *ctx, const struct ofpact *first, size_t len,
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
            give_up(ctx, SIM_UNKNOWN, "an action inside of ct() that is not "
                    "known here");
        }
    }
    ctx->flow = flow;
    if (conn) {
        conn->mark = tracked->flow.ct_mark;
        conn->label = tracked->flow.ct_label;
    }
}

static void
do_ct(struct ctx *ctx, const struct ofpact_conntrack *ct)
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
    struct pass *pass;
    size_t nested_len;

    if (ct->zone_src.field) {
        action.zone = mf_get_subfield(&ct->zone_src, ctx->flow);
    }
    read_nested(ct, &action, &nested, &nested_len);
    fault = (ct->alg ? "conntrack with a helper for a protocol"
             : conntrack_pass(&ctx->sim->conntrack, &action, &tracked,
                              &conn));
    if (fault) {
        give_up(ctx, SIM_UNKNOWN, fault);
        return;
    }
    if (action.commit) {
        do_exec(ctx, nested, nested_len, &tracked, conn);
    }
    step = add_step(ctx, SIM_CONNTRACK, &tracked.flow);
    step->committed = action.commit;
    step->number = action.zone;
    if (ct->recirc_table != NX_CT_RECIRC_NONE) {
        if (ctx->pass->n_recirculations >= SIM_RECIRCULATIONS_MAX) {
            give_up(ctx, SIM_LOST, "too many passes through conntrack");
            return;
        }
        pass = fork_pass(ctx, ctx->pass->host, ct->recirc_table);
        pass->n_recirculations++;
        pass->packet = tracked;
    } else if (action.nat) {
        give_up(ctx, SIM_UNKNOWN, "NAT that the tables do not see");
        return;
    }
    flow_clear_conntrack(ctx->flow);
}

/* Groups.  --------------------------------------------------------------- */

/* A bucket's actions are a set: done in the set's order, on a copy. */
static void
do_bucket(struct ctx *ctx, const struct ofputil_bucket *bucket)
{
    struct ofpbuf set = ofpbuf_const_initializer(bucket->ofpacts,
                                                 bucket->ofpacts_len);
    struct sim_packet before = *ctx->packet;
    struct ofpbuf list;

    ofpbuf_init(&list, 256);
    ofpacts_execute_action_set(&list, &set);
    do_actions(ctx, list.data, list.size);
    ofpbuf_uninit(&list);
    *ctx->packet = before;
}

static bool
same_bucket(const struct ofputil_bucket *a, const struct ofputil_bucket *b)
{
    return rule_same_actions(a->ofpacts, a->ofpacts_len, b->ofpacts,
                             b->ofpacts_len);
}

/* The first bucket that does the same. */
static const struct ofputil_bucket *
first_like(const struct ofputil_group_mod *group,
           const struct ofputil_bucket *bucket)
{
    const struct ofputil_bucket *b;

    LIST_FOR_EACH (b, list_node, &group->buckets) {
        if (same_bucket(b, bucket)) {
            return b;
        }
    }
    return bucket;
}

/* Takes one of the buckets that do different things, the next one that this
 * exchange is to take. */
static const struct ofputil_bucket *
choose(struct ctx *ctx, const struct ofputil_group_mod *group)
{
    struct simulator *sim = ctx->sim;
    const struct ofputil_bucket *b, *taken = NULL;
    double weight = 0, total = 0;
    struct choice *choice;
    uint32_t n = 0, wanted;

    if (sim->n_choices >= SIM_CHOICES_MAX) {
        return NULL;
    }
    choice = &sim->choices[sim->n_choices];
    wanted = sim->n_choices < sim->n_known ? choice->taken : 0;
    LIST_FOR_EACH (b, list_node, &group->buckets) {
        if (b->weight && first_like(group, b) == b) {
            taken = n == wanted ? b : taken;
            n++;
        }
    }
    if (!taken) {
        return NULL;
    }
    LIST_FOR_EACH (b, list_node, &group->buckets) {
        total += b->weight;
        weight += same_bucket(b, taken) ? b->weight : 0;
    }
    *choice = (struct choice) { wanted, n, weight / total };
    sim->n_choices++;
    return taken;
}

static void
do_group(struct ctx *ctx, uint32_t group_id)
{
    const struct sim_net *net = &ctx->sim->net;
    const struct ofputil_group_mod *group = net->group(net->aux,
                                                       ctx->pass->host,
                                                       group_id);
    const struct ofputil_bucket *bucket;
    struct sim_step *step;

    if (!group) {
        add_end(ctx, SIM_LOST, "the group is not there");
        return;
    }
    step = add_step(ctx, SIM_GROUP, ctx->flow);
    step->number = group_id;
    step->option = UINT32_MAX;
    if (group->type == OFPGT11_ALL || group->type == OFPGT11_INDIRECT) {
        LIST_FOR_EACH (bucket, list_node, &group->buckets) {
            do_bucket(ctx, bucket);
        }
    } else if (group->type == OFPGT11_SELECT) {
        bucket = choose(ctx, group);
        if (bucket) {
            step->option = bucket->bucket_id;
            do_bucket(ctx, bucket);
        } else if (ctx->sim->n_choices >= SIM_CHOICES_MAX) {
            give_up(ctx, SIM_UNKNOWN, "more groups choose than are followed");
        } else {
            add_end(ctx, SIM_LOST, "the group has no bucket");
        }
    } else {
        give_up(ctx, SIM_UNKNOWN, "a group whose buckets depend on ports "
                "being up");
    }
}

/* Other actions.  -------------------------------------------------------- */

static void
set_field(struct ctx *ctx, const struct ofpact_set_field *sf)
{
    if (mf_are_prereqs_ok(sf->field, ctx->flow, &ctx->wc)) {
        mf_set_flow_value_masked(sf->field, sf->value,
                                 ofpact_set_field_mask(sf), ctx->flow);
    }
}

static void
move(struct ctx *ctx, const struct ofpact_reg_move *m)
{
    mf_subfield_copy(&m->src, &m->dst, ctx->flow, &ctx->wc);
}

static void
pop(struct ctx *ctx, const struct ofpact_stack *p)
{
    if (!nxm_execute_stack_pop(p, ctx->flow, &ctx->wc, &ctx->stack)) {
        give_up(ctx, SIM_UNKNOWN, "pop from an empty stack");
    }
}

/* Both headers of the whole packet are one. */
static void
follow_ports(struct ctx *ctx)
{
    if (!(ctx->flow->nw_frag & FLOW_NW_FRAG_LATER)) {
        ctx->packet->tp_src = ctx->flow->tp_src;
        ctx->packet->tp_dst = ctx->flow->tp_dst;
    }
}

static void
check_size(struct ctx *ctx, const struct ofpact_check_pkt_larger *check)
{
    const union mf_subvalue larger = {
        .u8[sizeof(union mf_subvalue) - 1]
            = ctx->packet->size > check->pkt_len,
    };

    mf_write_subfield_flow(&check->dst, &larger, ctx->flow);
}

/* Returns false if the actions end here. */
static bool
dec_ttl(struct ctx *ctx)
{
    struct flow *flow = ctx->flow;

    if (!is_ip_any(flow)) {
        return true;
    }
    if (flow->nw_ttl > 1) {
        flow->nw_ttl--;
        return true;
    }
    add_end(ctx, SIM_LOST, "its TTL is used up");
    return false;
}

/* Returns false if the actions end here. */
static bool
do_action(struct ctx *ctx, const struct ofpact *a)
{
    switch ((int) a->type) {
    case OFPACT_OUTPUT:
        output(ctx, ofpact_get_OUTPUT(a)->port);
        break;
    case OFPACT_OUTPUT_REG:
        output(ctx, u16_to_ofp(mf_get_subfield(&ofpact_get_OUTPUT_REG(a)->src,
                                               ctx->flow)));
        break;
    case OFPACT_CONTROLLER:
        add_end(ctx, SIM_PUNT, NULL)->punt = ofpact_get_CONTROLLER(a);
        break;
    case OFPACT_GROUP:
        do_group(ctx, ofpact_get_GROUP(a)->group_id);
        break;
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
    case OFPACT_RESUBMIT:
        resubmit(ctx, ofpact_get_RESUBMIT(a));
        break;
    case OFPACT_GOTO_TABLE:
        enter_table(ctx, ofpact_get_GOTO_TABLE(a)->table_id, false);
        break;
    case OFPACT_CT:
        do_ct(ctx, ofpact_get_CT(a));
        break;
    case OFPACT_CT_CLEAR:
        flow_clear_conntrack(ctx->flow);
        break;
    case OFPACT_CHECK_PKT_LARGER:
        check_size(ctx, ofpact_get_CHECK_PKT_LARGER(a));
        break;
    case OFPACT_DEC_TTL:
        return dec_ttl(ctx);
    case OFPACT_CLONE: {
        struct sim_packet before = *ctx->packet;

        do_actions(ctx, ofpact_get_CLONE(a)->actions,
                   ofpact_nest_get_action_len(ofpact_get_CLONE(a)));
        *ctx->packet = before;
        break;
    }
    case OFPACT_METER:          /* As long as the packet is within it. */
    case OFPACT_NOTE:
    case OFPACT_DECAP:          /* Ends the copy that a punt makes. */
        break;
    case OFPACT_LEARN:
        if (learn_is_table(ofpact_get_LEARN(a)->table_id)) {
            break;              /* Another packet's matter. */
        }
        /* Fall through. */
    default:
        give_up(ctx, SIM_UNKNOWN, "an unsupported action");
        break;
    }
    return !ctx->stop;
}

static void
do_actions(struct ctx *ctx, const struct ofpact *ofpacts, size_t len)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts, len) {
        if (!do_action(ctx, a)) {
            break;
        }
    }
}

/* The simulator.  -------------------------------------------------------- */

struct simulator *
simulator_create(const struct sim_net *net)
{
    struct simulator *sim = xzalloc(sizeof *sim);

    sim->net = *net;
    ovs_list_init(&sim->passes);
    return sim;
}

static void
forget(struct simulator *sim)
{
    struct pass *pass;

    LIST_FOR_EACH_POP (pass, node, &sim->passes) {
        free(pass);
    }
    sim->n_steps = sim->n_ends = sim->n_flows = sim->n_copies = 0;
}

void
simulator_destroy(struct simulator *sim)
{
    if (sim) {
        forget(sim);
        free(sim->steps);
        free(sim->ends);
        free(sim->flows);
        free(sim);
    }
}

void
simulator_keep_flows(struct simulator *sim, bool keep)
{
    sim->keep_flows = keep;
}

void
simulator_begin(struct simulator *sim)
{
    forget(sim);
    sim->conntrack.n = 0;
    sim->n_choices = sim->n_known = 0;
}

bool
simulator_next(struct simulator *sim)
{
    size_t n = sim->n_choices;

    while (n && sim->choices[n - 1].taken + 1 >= sim->choices[n - 1].n) {
        n--;
    }
    simulator_begin(sim);
    if (n) {
        sim->choices[n - 1].taken++;
        sim->n_known = n;
    }
    return n > 0;
}

double
simulator_share(const struct simulator *sim)
{
    double share = 1;

    for (size_t i = 0; i < sim->n_choices; i++) {
        share *= sim->choices[i].share;
    }
    return share;
}

static void
run_pass(struct simulator *sim, struct pass *pass)
{
    struct ctx ctx = {
        .sim = sim,
        .pass = pass,
        .packet = &pass->packet,
        .flow = &pass->packet.flow,
        .table = pass->table,
    };

    ofpbuf_init(&ctx.stack, 64);
    flow_wildcards_init_catchall(&ctx.wc);
    enter_table(&ctx, pass->table, false);
    ofpbuf_uninit(&ctx.stack);
}

void
simulator_run(struct simulator *sim, const char *host, uint32_t in_port,
              const struct sim_packet *packet)
{
    const uint32_t regs[16] = { 0 };

    simulator_send(sim, host, 0, in_port, regs, packet);
}

void
simulator_output(struct simulator *sim, const char *host, uint32_t port,
                 const struct sim_packet *packet)
{
    struct pass pass = { .host = host, .packet = *packet };
    struct ctx ctx = { .sim = sim, .pass = &pass, .packet = &pass.packet };

    forget(sim);
    add_end(&ctx, SIM_OUTPUT, NULL)->port = port;
}

void
simulator_send(struct simulator *sim, const char *host, uint8_t table,
               uint32_t in_port, const uint32_t regs[16],
               const struct sim_packet *packet)
{
    struct pass *pass;
    struct flow *flow;

    forget(sim);
    pass = add_pass(sim, host, table, packet);
    flow = &pass->packet.flow;
    clear_metadata(flow);
    flow->in_port.ofp_port = u16_to_ofp(in_port);
    memcpy(flow->regs, regs, 16 * sizeof *regs);
    while (!ovs_list_is_empty(&sim->passes)) {
        pass = CONTAINER_OF(ovs_list_pop_front(&sim->passes), struct pass,
                            node);
        run_pass(sim, pass);
        free(pass);
        if (sim->net.pause) {
            sim->net.pause(sim->net.aux);
        }
    }
}

size_t
simulator_steps(const struct simulator *sim, const struct sim_step **steps)
{
    *steps = sim->steps;
    return sim->n_steps;
}

size_t
simulator_ends(const struct simulator *sim, const struct sim_end **ends)
{
    *ends = sim->ends;
    return sim->n_ends;
}

const struct flow *
sim_step_flow(const struct simulator *sim, const struct sim_step *step)
{
    return step->flow == SIZE_MAX ? NULL : &sim->flows[step->flow];
}
