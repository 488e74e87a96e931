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
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/schema-struct.h"
#include "controller/simulator/endpoint.h"
#include "controller/simulator/live-frame.h"
#include "controller/simulator/simulator.h"
#include "flow.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "util.h"
#include "vmn/flow.h"
#include "vmn/rows.h"
#include "vmn/vocabulary.h"

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

size_t
live_n_ways_back(const struct pipeline *pipeline)
{
    size_t n = 0;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];

            n += (stage->next_table >= 0
                  && stage->next_table < stage->first_table);
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

/* Packets.  --------------------------------------------------------------- */

bool
live_flow_leaves(const struct flow *flow)
{
    return (flow->regs[VMN_REG_DST_HOST - VMN_F_REG0]
            == VMN_DST_HOST_PROVIDER);
}

bool
live_flow_has_source_of(const struct flow *a, const struct flow *b)
{
    return (a->dl_type == b->dl_type && a->nw_src == b->nw_src
            && ipv6_addr_equals(&a->ipv6_src, &b->ipv6_src));
}

bool
live_flow_is_of(const struct flow *seen, const struct flow *predicted)
{
    return (!seen->nw_frag && seen->dl_type == predicted->dl_type
            && seen->nw_proto == predicted->nw_proto
            && seen->nw_src == predicted->nw_src
            && seen->nw_dst == predicted->nw_dst
            && ipv6_addr_equals(&seen->ipv6_src, &predicted->ipv6_src)
            && ipv6_addr_equals(&seen->ipv6_dst, &predicted->ipv6_dst));
}

static void
put_address(const struct flow *flow, bool source, bool has_ports,
            struct ds *ds)
{
    if (flow->dl_type == htons(ETH_TYPE_IPV6)) {
        ds_put_cstr(ds, has_ports ? "[" : "");
        ipv6_format_addr(source ? &flow->ipv6_src : &flow->ipv6_dst, ds);
        ds_put_cstr(ds, has_ports ? "]" : "");
    } else {
        ds_put_format(ds, IP_FMT, IP_ARGS(source ? flow->nw_src
                                          : flow->nw_dst));
    }
    if (has_ports) {
        ds_put_format(ds, ":%u", ntohs(source ? flow->tp_src : flow->tp_dst));
    }
}

const char *
live_between_whom(const struct flow *flow, struct arena *arena)
{
    bool has_ports = (flow->nw_proto == IPPROTO_TCP
                      || flow->nw_proto == IPPROTO_UDP
                      || flow->nw_proto == IPPROTO_SCTP);
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *text;

    put_address(flow, true, has_ports, &ds);
    ds_put_cstr(&ds, " -> ");
    put_address(flow, false, has_ports, &ds);
    text = arena_strdup(arena, ds_cstr(&ds));
    ds_destroy(&ds);
    return text;
}

/* Ways.  ------------------------------------------------------------------ */

/* Notes that a visit is the first after 'way', a tunnel or a physical network,
 * unless that is NULL. */
static void
set_way_in(const struct simulator *sim, const struct sim_step *way,
           struct live_visit *visit)
{
    const struct flow *flow = way ? sim_step_flow(sim, way) : NULL;

    if (flow && way->kind == SIM_PROVIDER) {
        visit->crossed = true;
        visit->tag = flow->vlans[0];
    } else if (flow) {
        visit->anew = true;
        visit->out_table = way->table;
        visit->out_tun_id = ntohll(flow->tunnel.tun_id);
        visit->out_dst_host = flow->regs[6];
    }
}

static bool
leads_to_host(const struct sim_step *step)
{
    return step->kind == SIM_TUNNEL || step->kind == SIM_PROVIDER;
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
        anew |= leads_to_host(&steps[i]);
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

/* Returns true if a packet is in the last stage, and there is to leave for a
 * physical network. */
static bool
is_leaving(const struct pipeline *pipeline, const struct live_visit *visit)
{
    uint8_t last;

    return (visit && is_seen_table(pipeline, visit->table, &last)
            && visit->table == last
            && live_flow_leaves(&visit->flow));
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
    const struct sim_step *way_in = NULL; /* Which it has just come by. */
    bool held = false;

    way->visits = arena_alloc(p->arena, MAX(1, max) * sizeof *way->visits);
    for (size_t i = 0; i < n; i++) {
        const struct sim_step *step = &steps[i];
        const struct flow *flow = sim_step_flow(sim, step);

        if (step->copy) {
            way->trouble = "it is copied on its way";
        } else if (step->kind == SIM_TUNNEL) {
            way_in = step;
            held = false;
            if (is_seen_table(names->pipeline, step->table, &last)) {
                way->trouble = "it does not go into a tunnel as usual";
            }
        } else if (step->kind == SIM_PROVIDER) {
            way_in = step;
            if (!is_leaving(names->pipeline, before)) {
                way->trouble = "it does not leave for a physical network as "
                               "usual";
            }
        } else if (step->kind == SIM_FUNCTION) {
            way->trouble = "it goes through a service function";
        } else if (step->kind == SIM_LOOKUP
                   && is_held_table(names->pipeline, step->table)) {
            held = true;
        } else if (flow && is_visit(names->pipeline, step, way_in != NULL,
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
            set_way_in(sim, way_in, &way->visits[way->n_visits++]);
            way_in = NULL;
        }
    }
    if (held) {
        way->trouble = "it ends where it would go into a tunnel";
    }
    way->in_last = before && is_seen_table(names->pipeline, before->table,
                                           &last) && before->table == last;
}

/* Returns true if a packet comes from a floating address: there NAT chooses
 * nothing. */
static bool
is_from_floating(const struct model *model, const struct flow *flow)
{
    struct vmn_names names = model_names(model, VMN_TABLE_FLOATING_IP);
    bool v6 = flow->dl_type == htons(ETH_TYPE_IPV6);
    const void *source = v6 ? (const void *) &flow->ipv6_src : &flow->nw_src;

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_floating_ip *floating = model_get(
            model, VMN_TABLE_FLOATING_IP, names.names[i]);

        if (floating && floating->ip.family == (v6 ? 6 : 4)
            && !memcmp(floating->ip.addr, source, v6 ? 16 : 4)) {
            return true;
        }
    }
    return false;
}

/* Notes where source NAT has chosen the port: it keeps the sender's if that is
 * free. */
static void
set_any_port(const struct model *model, struct live_way *way)
{
    for (size_t i = 1; i < way->n_visits; i++) {
        struct live_visit *visit = &way->visits[i];
        const struct live_visit *before = &way->visits[i - 1];

        visit->any_port
            = (live_flow_has_source_of(&visit->flow, &way->visits[0].flow)
               ? false
               : live_flow_has_source_of(&visit->flow, &before->flow)
               ? before->any_port
               : !is_from_floating(model, &visit->flow));
    }
}

static void
set_output(const struct live_prediction *p, const struct result_names *names,
           const struct sim_end *end, struct live_way *way)
{
    const char *port = result_port_name(names, end->host, end->port);

    way->kind = LIVE_END_PORT;
    way->port = end->port;
    way->end.verdict = "delivered";
    way->end.port = port ? arena_strdup(p->arena, port) : NULL;
    if (end->provider) {
        const struct live_visit *at = (way->n_visits
                                       ? &way->visits[way->n_visits - 1]
                                       : NULL);

        if (way->in_last && !is_leaving(names->pipeline, at)) {
            way->trouble = "it does not leave for a physical network as usual";
        }
        way->leaves = true;
        way->end.where = "outside";
        way->end.leaves_as = live_between_whom(&end->packet.flow, p->arena);
    }
}

static void
set_end(const struct live_prediction *p, const struct result_names *names,
        const struct sim_end *end, struct live_way *way)
{
    const struct live_visit *at = (way->n_visits
                                   ? &way->visits[way->n_visits - 1] : NULL);

    way->end.host = arena_strdup(p->arena, end->host);
    if (end->kind == SIM_OUTPUT) {
        set_output(p, names, end, way);
        return;
    }
    if (is_leaving(names->pipeline, at)) {
        way->trouble = "it ends where it would leave for a physical network";
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

static void
make_frame(struct live_prediction *p, const struct sim_packet *sim_packet)
{
    char *text = flow_to_string(&sim_packet->flow, NULL);

    p->frame = live_frame_make(&sim_packet->flow, p->id, p->arena, &p->size);
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
    set_any_port(names->model, way);
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
