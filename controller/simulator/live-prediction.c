/* SPDX-License-Identifier: Apache-2.0
 *
 * What a live trace is to meet, by the simulator; see live-comparison.h. */

#include <config.h>

#include "controller/simulator/live-comparison.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "controller/flow/pipeline.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/schema-struct.h"
#include "controller/simulator/endpoint.h"
#include "controller/simulator/simulator.h"
#include "csum.h"
#include "dp-packet.h"
#include "packets.h"
#include "util.h"

/* Stages.  ---------------------------------------------------------------- */

static bool
is_later(const struct pipeline_stage *a, const struct pipeline_stage *b)
{
    return !b || a->rank > b->rank;
}

size_t
live_tables(const struct pipeline *pipeline, uint8_t *tables, size_t max,
            uint8_t *last)
{
    const struct pipeline_stage *end = NULL;
    size_t n = 0;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];

            if (is_later(stage, end)) {
                end = stage;
            }
            if (n < max) {
                tables[n++] = stage->first_table;
            }
        }
    }
    *last = end ? end->first_table : 0;
    for (size_t i = 0; i < n; i++) {
        if (tables[i] == *last) {
            tables[i] = tables[--n];
            break;
        }
    }
    return n;
}

uint8_t
live_n_last_tables(const struct pipeline *pipeline)
{
    const struct pipeline_stage *end = NULL;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            if (is_later(&app->stages[j], end)) {
                end = &app->stages[j];
            }
        }
    }
    return end ? end->class_->n_tables : 1;
}

static bool
is_seen_table(const struct pipeline *pipeline, uint8_t table, uint8_t *last)
{
    uint8_t tables[UINT8_MAX];
    size_t n = live_tables(pipeline, tables, sizeof tables, last);

    return table == *last || memchr(tables, table, n);
}

/* Ways.  ------------------------------------------------------------------ */

/* Notes that a visit is the first after a tunnel, unless 'tunnel' is NULL. */
static void
set_tunnel(const struct simulator *sim, const struct sim_step *tunnel,
           struct live_visit *visit)
{
    const struct flow *flow = tunnel ? sim_step_flow(sim, tunnel) : NULL;

    if (flow) {
        visit->anew = true;
        visit->out_table = tunnel->table;
        visit->out_tun_id = ntohll(flow->tunnel.tun_id);
        visit->out_dst_host = flow->regs[6];
    }
}

/* Returns true if a step is of a stage's first table: one of them is seen
 * again only after another one. */
static bool
is_visit(const struct pipeline *pipeline, const struct sim_step *step,
         bool anew, int before)
{
    uint8_t last;

    return (step->kind == SIM_LOOKUP && is_seen_table(pipeline, step->table,
                                                      &last)
            && (anew || before != step->table));
}

static size_t
count_visits(const struct simulator *sim, const struct pipeline *pipeline,
             const struct sim_step *steps, size_t n_steps)
{
    size_t n = 0;
    int before = -1;
    bool anew = false;

    for (size_t i = 0; i < n_steps; i++) {
        anew |= steps[i].kind == SIM_TUNNEL;
        if (is_visit(pipeline, &steps[i], anew, before)
            && sim_step_flow(sim, &steps[i])) {
            before = steps[i].table;
            anew = false;
            n++;
        }
    }
    return n;
}

/* Returns true if a step is in the last stage where only what goes into a
 * tunnel is to come. */
static bool
is_held_table(const struct pipeline *pipeline, uint8_t table)
{
    uint8_t last;

    is_seen_table(pipeline, table, &last);
    return table > last && table < last + live_n_last_tables(pipeline);
}

/* Adds what the packet meets, of its stages' first tables. */
static void
add_visits(const struct live_prediction *p, const struct result_names *names,
           const struct simulator *sim, struct live_way *way)
{
    const struct sim_step *steps;
    size_t n = simulator_steps(sim, &steps);
    size_t max = MIN(count_visits(sim, names->pipeline, steps, n),
                     LIVE_VISITS_MAX);
    uint8_t last;
    const struct live_visit *before = NULL;
    const struct sim_step *tunnel = NULL; /* Which it has just come by. */
    bool held = false;

    way->visits = arena_alloc(p->arena, MAX(1, max) * sizeof *way->visits);
    for (size_t i = 0; i < n; i++) {
        const struct sim_step *step = &steps[i];
        const struct flow *flow = sim_step_flow(sim, step);

        if (step->copy) {
            way->trouble = "it is copied on its way";
        } else if (step->kind == SIM_TUNNEL) {
            tunnel = step;
            held = false;
            if (is_seen_table(names->pipeline, step->table, &last)) {
                way->trouble = "it does not go into a tunnel as usual";
            }
        } else if (step->kind == SIM_PROVIDER) {
            way->trouble = "it goes through a physical network";
        } else if (step->kind == SIM_FUNCTION) {
            way->trouble = "it goes through a service function";
        } else if (step->kind == SIM_LOOKUP
                   && is_held_table(names->pipeline, step->table)) {
            held = true;
        } else if (flow && is_visit(names->pipeline, step, tunnel != NULL,
                                    before ? before->table : -1)) {
            if (way->n_visits == max) {
                way->trouble = "its way is too long";
                return;
            }
            way->visits[way->n_visits] = (struct live_visit) {
                .host = arena_strdup(p->arena, step->host),
                .table = step->table, .flow = *flow,
            };
            before = &way->visits[way->n_visits];
            set_tunnel(sim, tunnel, &way->visits[way->n_visits++]);
            tunnel = NULL;
        }
    }
    if (held) {
        way->trouble = "it ends where it would go into a tunnel";
    }
    way->in_last = before && is_seen_table(names->pipeline, before->table,
                                           &last) && before->table == last;
}

static void
set_end(const struct live_prediction *p, const struct result_names *names,
        const struct sim_end *end, struct live_way *way)
{
    const char *port;

    way->end.host = arena_strdup(p->arena, end->host);
    if (end->kind == SIM_OUTPUT) {
        port = result_port_name(names, end->host, end->port);
        way->kind = LIVE_END_PORT;
        way->port = end->port;
        way->end.verdict = "delivered";
        way->end.port = port ? arena_strdup(p->arena, port) : NULL;
        if (port && port[0] == '@') {
            way->trouble = "it leaves for a physical network";
        }
        return;
    }
    way->end.reason = arena_strdup(p->arena, result_reason(end));
    if (end->kind == SIM_PUNT) {
        way->kind = LIVE_END_PUNT;
        way->end.verdict = "punted";
    } else if (end->kind == SIM_UNKNOWN) {
        way->kind = LIVE_END_UNKNOWN;
        way->trouble = "the simulator does not know how it ends";
        way->end.verdict = "unknown";
    } else {
        struct result_owner by = result_owner_of(names, end->rule, p->arena);

        way->kind = (end->kind == SIM_DROP && end->rule
                     && end->rule->drop_reason ? LIVE_END_DROP
                     : LIVE_END_LOST);
        way->end.verdict = "dropped";
        way->end.owner = by.owner == schema_absent ? NULL : by.owner;
    }
}

/* The packet.  ------------------------------------------------------------ */

/* Gives an echo request an identifier of its own: conntrack would take it for
 * one of an earlier trace's. */
static void
set_echo_id(const struct flow *flow, uint16_t id, struct dp_packet *packet)
{
    struct icmp_header *icmp = dp_packet_l4(packet);

    if (!icmp || dp_packet_l4_size(packet) < ICMP_HEADER_LEN) {
        return;
    }
    if ((flow->nw_proto == IPPROTO_ICMP
         && flow->tp_src == htons(ICMP4_ECHO_REQUEST))
        || (flow->nw_proto == IPPROTO_ICMPV6
            && flow->tp_src == htons(ICMP6_ECHO_REQUEST))) {
        icmp->icmp_csum = recalc_csum16(icmp->icmp_csum,
                                        icmp->icmp_fields.echo.id, htons(id));
        icmp->icmp_fields.echo.id = htons(id);
    }
}

static void
make_frame(struct live_prediction *p, const struct sim_packet *sim_packet)
{
    uint64_t stub[2048 / 8];
    struct dp_packet packet;
    char *text;

    dp_packet_use_stub(&packet, stub, sizeof stub);
    flow_compose(&packet, &sim_packet->flow, NULL, 0);
    set_echo_id(&sim_packet->flow, p->id, &packet);
    p->size = dp_packet_size(&packet);
    p->frame = (const uint8_t *) arena_memdup0(
        p->arena, dp_packet_data(&packet), p->size);
    dp_packet_uninit(&packet);
    text = flow_to_string(&sim_packet->flow, NULL);
    p->packet = arena_strdup(p->arena, text);
    free(text);
}

void
live_prediction_add(struct live_prediction *p,
                    const struct result_names *names,
                    const struct simulator *sim, const struct endpoint *from,
                    const struct sim_packet *packet, const struct sim_end *end)
{
    struct live_way *way = &p->ways[p->n_ways];

    if (p->n_ways == LIVE_WAYS_MAX) {
        p->n_left_out++;
        return;
    }
    if (!p->n_ways++) {
        p->host = arena_strdup(p->arena, from->host);
        p->in_port = from->ofport;
        make_frame(p, packet);
    }
    memset(way, 0, sizeof *way);
    add_visits(p, names, sim, way);
    set_end(p, names, end, way);
}

/* Returns why the packet cannot be followed so, or NULL. */
static const char *
find_trouble(const struct live_way *way, bool deliver)
{
    return (way->trouble ? way->trouble
            : way->kind == LIVE_END_PORT && !way->in_last && !deliver
            ? "the network itself answers it, and its sender would get that "
              "answer: set \"deliver\" if it may"
            : NULL);
}

bool
live_prediction_check(const struct live_prediction *p, bool deliver,
                      struct vmn_error *error)
{
    if (!p->n_ways) {
        vmn_error_set(error, VMN_ERR_CONFLICT, "/to", "nothing would be sent: "
                      "nobody answers for the next hop's address (a trace that "
                      "is not live says why)");
        return false;
    }
    if (p->n_left_out) {
        vmn_error_set(error, VMN_ERR_TOO_LARGE, "/to",
                      "the packet has more outcomes than a live trace "
                      "compares, %d", LIVE_WAYS_MAX);
        return false;
    }
    for (size_t i = 0; i < p->n_ways; i++) {
        const char *trouble = find_trouble(&p->ways[i], deliver);

        if (trouble) {
            vmn_error_set(error, VMN_ERR_CONFLICT, "/to",
                          "a live trace cannot follow this packet: %s",
                          trouble);
            return false;
        }
    }
    return true;
}
