/* SPDX-License-Identifier: Apache-2.0
 *
 * Exchanges, and packets one after the other; see simulator.h.  What becomes
 * of a packet in a switch is in pipeline-actions.c. */

#include <config.h>

#include "controller/simulator/simulator.h"

#include <stdlib.h>
#include <string.h>

#include "controller/simulator/learned-flows.h"
#include "controller/simulator/pipeline-pass.h"
#include "util.h"

struct simulator *
simulator_create(const struct sim_net *net)
{
    struct simulator *sim = xzalloc(sizeof *sim);

    sim->net = *net;
    ovs_list_init(&sim->passes);
    return sim;
}

void
simulator_set_underlay(struct simulator *sim,
                       const struct sim_underlay *underlay)
{
    sim->underlay = underlay;
}

void
simulator_set_learned(struct simulator *sim, struct learned_flows *learned)
{
    sim->learned = learned;
}

static void
forget(struct simulator *sim)
{
    struct pipeline_pass *pass;

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
run_pass(struct simulator *sim, struct pipeline_pass *pass)
{
    struct pipeline_context ctx = {
        .sim = sim,
        .pass = pass,
        .packet = &pass->packet,
        .flow = &pass->packet.flow,
        .table = pass->table,
    };

    ofpbuf_init(&ctx.stack, 64);
    flow_wildcards_init_catchall(&ctx.wc);
    pipeline_enter_table(&ctx, pass->table, false);
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
    struct pipeline_pass pass = { .host = host, .packet = *packet };
    struct pipeline_context ctx
        = { .sim = sim, .pass = &pass, .packet = &pass.packet };

    forget(sim);
    pipeline_add_end(&ctx, SIM_OUTPUT, NULL)->port = port;
}

/* Ends the packet if no packet passes 'host'.  Returns true if it did. */
static bool
ends_at_host(struct simulator *sim, const char *host,
             const struct sim_packet *packet)
{
    struct pipeline_pass pass = { .host = host, .packet = *packet };
    struct pipeline_context ctx
        = { .sim = sim, .pass = &pass, .packet = &pass.packet };

    return pipeline_end_if_unreachable(&ctx, host, false);
}

void
simulator_send(struct simulator *sim, const char *host, uint8_t table,
               uint32_t in_port, const uint32_t regs[16],
               const struct sim_packet *packet)
{
    struct pipeline_pass *pass;
    struct flow *flow;

    forget(sim);
    if (ends_at_host(sim, host, packet)) {
        return;
    }
    pass = pipeline_pass_create(sim, host, table, packet);
    flow = &pass->packet.flow;
    pipeline_clear_metadata(flow);
    flow->in_port.ofp_port = u16_to_ofp(in_port);
    memcpy(flow->regs, regs, 16 * sizeof *regs);
    while (!ovs_list_is_empty(&sim->passes)) {
        pass = CONTAINER_OF(ovs_list_pop_front(&sim->passes),
                            struct pipeline_pass, node);
        run_pass(sim, pass);
        free(pass);
        if (sim->net.yield) {
            sim->net.yield(sim->net.aux);
        }
    }
    if (sim->learned) {
        learned_flows_commit(sim->learned);
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
