/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pass leaves behind: steps, ends, and passes to come; see
 * pipeline-pass.h. */

#include <config.h>

#include "controller/simulator/pipeline-pass.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

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

struct sim_step *
pipeline_add_step(struct pipeline_context *ctx, enum sim_step_kind kind,
                  const struct flow *flow)
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

struct sim_end *
pipeline_add_end(struct pipeline_context *ctx, enum sim_end_kind kind,
                 const char *text)
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
        ctx->n_punts++;
    } else {
        ctx->n_events++;
    }
    return end;
}

void
pipeline_fail(struct pipeline_context *ctx, enum sim_end_kind kind,
              const char *text)
{
    if (!ctx->stop) {
        pipeline_add_end(ctx, kind, text);
        ctx->stop = true;
    }
}

/* Passes.  --------------------------------------------------------------- */

struct pipeline_pass *
pipeline_pass_create(struct simulator *sim, const char *host, uint8_t table,
                     const struct sim_packet *packet)
{
    struct pipeline_pass *pass = xzalloc(sizeof *pass);

    pass->host = host;
    pass->table = table;
    pass->packet = *packet;
    ovs_list_push_back(&sim->passes, &pass->node);
    return pass;
}

/* Clears the metadata: a packet that arrives at a switch has headers only. */
void
pipeline_clear_metadata(struct flow *flow)
{
    struct flow all = *flow;

    memset(flow, 0, offsetof(struct flow, dl_dst));
    flow->packet_type = all.packet_type;
    flow->ct_nw_src = flow->ct_nw_dst = 0;
    flow->ct_ipv6_src = flow->ct_ipv6_dst = in6addr_any;
    flow->ct_tp_src = flow->ct_tp_dst = 0;
    flow->actset_output = OFPP_UNSET;
}

struct pipeline_pass *
pipeline_pass_fork(struct pipeline_context *ctx, const char *host,
                   uint8_t table)
{
    struct pipeline_pass *pass
        = pipeline_pass_create(ctx->sim, host, table, ctx->packet);

    pass->copy = (ctx->n_events ? ++ctx->sim->n_copies : ctx->pass->copy);
    pass->n_recirculations = ctx->pass->n_recirculations;
    pass->n_tunnels = ctx->pass->n_tunnels;
    ctx->n_events++;
    return pass;
}
