/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of one packet, step by step; see trace-steps.h. */

#include <config.h>

#include "controller/simulator/trace-steps.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-rule.h"
#include "controller/schema/schema-struct.h"
#include "controller/simulator/isolation.h"
#include "flow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

/* Of a leg; a flood has many. */
#define STEPS_SHOWN_MAX 1000

/* Moves 'text' to 'arena', and frees it. */
static const char *
take_string(struct arena *arena, char *text)
{
    const char *copy = arena_strdup(arena, text);

    free(text);
    return copy;
}

/* Changes of the packet.  ------------------------------------------------ */

/* Fields whose changes are shown, in this order. */
static const enum mf_field_id shown_fields[] = {
    MFF_ETH_SRC, MFF_ETH_DST, MFF_IPV4_SRC, MFF_IPV4_DST, MFF_IPV6_SRC,
    MFF_IPV6_DST, MFF_IP_DSCP_SHIFTED, MFF_IP_ECN, MFF_IPV6_LABEL,
    MFF_IP_TTL, MFF_TCP_SRC, MFF_TCP_DST, MFF_UDP_SRC, MFF_UDP_DST,
    MFF_ARP_OP, MFF_ARP_SPA, MFF_ARP_TPA, MFF_ARP_SHA, MFF_ARP_THA,
    MFF_TUN_ID, MFF_TUN_DST, MFF_TUN_IPV6_DST, MFF_REG0, MFF_REG1, MFF_REG2,
    MFF_REG3, MFF_REG4, MFF_REG5, MFF_REG6, MFF_REG7, MFF_REG8, MFF_REG9,
    MFF_REG10, MFF_REG11, MFF_REG12, MFF_REG13, MFF_REG14, MFF_REG15,
};

/* Gets the values of a field before and after.  Returns false if a packet
 * lacks the field, or if the values are equal. */
static bool
get_change(const struct mf_field *mf, const struct flow *before,
           const struct flow *after, union mf_value *a, union mf_value *b)
{
    struct flow_wildcards wc;

    flow_wildcards_init_catchall(&wc);
    if (!mf_are_prereqs_ok(mf, before, &wc)
        || !mf_are_prereqs_ok(mf, after, &wc)) {
        return false;
    }
    mf_get_value(mf, before, a);
    mf_get_value(mf, after, b);
    return memcmp(a, b, mf->n_bytes) != 0;
}

static const char *
format_field(const struct mf_field *mf, const union mf_value *value,
             struct arena *arena)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    mf_format(mf, value, NULL, NULL, &ds);
    return take_string(arena, ds_steal_cstr(&ds));
}

static void
fill_changes(const struct flow *before, const struct flow *after,
             struct arena *arena, struct trace_step *step)
{
    struct schema_texts changes[ARRAY_SIZE(shown_fields)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(shown_fields); i++) {
        const struct mf_field *mf = mf_from_id(shown_fields[i]);
        union mf_value a, b;

        if (get_change(mf, before, after, &a, &b)) {
            const char **texts = arena_alloc(arena, 2 * sizeof *texts);

            texts[0] = format_field(mf, &a, arena);
            texts[1] = format_field(mf, &b, arena);
            changes[n++] = (struct schema_texts) {
                mf->id == MFF_IP_DSCP_SHIFTED ? "ip_dscp" : mf->name, 2, texts
            };
        }
    }
    if (n) {
        step->n_changes = n;
        step->changes = arena_alloc(arena, n * sizeof *changes);
        memcpy(step->changes, changes, n * sizeof *changes);
    }
}

/* Steps.  ---------------------------------------------------------------- */

/* Returns the next step of the same copy on the same host, or NULL; behind a
 * function too: there, it has come in anew. */
static const struct sim_step *
next_step(const struct sim_step *steps, size_t n, size_t i)
{
    for (size_t j = i + 1; j < n; j++) {
        if (steps[j].copy == steps[i].copy) {
            return (steps[i].kind == SIM_FUNCTION
                    || strcmp(steps[j].host, steps[i].host) ? NULL
                    : &steps[j]);
        }
    }
    return NULL;
}

static void
fill_flow(const struct rule *rule, struct arena *arena,
          struct trace_step *step)
{
    struct ofpact_format_params params = { .s = NULL };
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct match match;

    minimatch_expand(&rule->match, &match);
    step->priority = rule->priority;
    step->match = take_string(arena, match_to_string(&match, NULL,
                                                     OFP_DEFAULT_PRIORITY));
    params.s = &ds;
    ofpacts_format(rule->ofpacts, rule->ofpacts_len, &params);
    step->actions = take_string(arena, ds_steal_cstr(&ds));
    if (rule->drop_reason) {
        step->reason = arena_strdup(arena, rule->drop_reason);
    }
}

static const char *
format_state(uint8_t state, struct arena *arena)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    format_flags(&ds, ct_state_to_string, state, '|');
    return take_string(arena, ds_steal_cstr(&ds));
}

/* Fills in what the policy's rule does, if it is one. */
static void
fill_rule(const struct result_names *names, const struct rule *rule,
          struct trace_step *step)
{
    const struct vmn_rule *row = result_policy_rule(names, rule,
                                                    &step->shadow);

    step->rule_action = row ? schema_action_names[row->action] : NULL;
}

/* Fills in the members of this kind of step. */
static void
fill_kind(const struct result_names *names, const struct sim_step *sim_step,
          const struct flow *before, struct arena *arena,
          struct trace_step *step)
{
    static const bool truth[] = { false, true };

    switch (sim_step->kind) {
    case SIM_LOOKUP:
        step->kind = "lookup";
        step->by = result_owner_of(names, sim_step->rule, arena);
        if (sim_step->rule) {
            fill_flow(sim_step->rule, arena, step);
        }
        step->conjunction = sim_step->number;
        fill_rule(names, sim_step->rule, step);
        break;
    case SIM_CONNTRACK:
        step->kind = "conntrack";
        step->zone = sim_step->number;
        step->commit = &truth[sim_step->committed];
        step->state = before ? format_state(before->ct_state, arena) : NULL;
        break;
    case SIM_GROUP:
        step->kind = "group";
        step->group = sim_step->number;
        if (sim_step->option != UINT32_MAX) {
            step->bucket = sim_step->option;
        }
        break;
    case SIM_TUNNEL:
    case SIM_PROVIDER:
        step->kind = sim_step->kind == SIM_TUNNEL ? "tunnel" : "provider";
        step->to = sim_step->to ? arena_strdup(arena, sim_step->to) : NULL;
        break;
    case SIM_FUNCTION:
        step->kind = "function";
        step->to = arena_strdup(arena, sim_step->to);
        break;
    }
}

static void
fill_step(const struct result_names *names, const struct simulator *sim,
          const struct sim_step *sim_steps, size_t n, size_t i,
          struct arena *arena, struct trace_step *step)
{
    const struct sim_step *sim_step = &sim_steps[i];
    const struct sim_step *next = next_step(sim_steps, n, i);
    const struct flow *before = sim_step_flow(sim, sim_step);
    const struct flow *after = next ? sim_step_flow(sim, next) : NULL;

    *step = (struct trace_step) {
        .host = arena_strdup(arena, sim_step->host),
        .stage = result_stage_name(names, sim_step->table, arena),
        .table = sim_step->table,
        .copy = sim_step->copy,
        .by = result_no_owner(),
        .priority = -1,
        .zone = -1,
        .group = -1,
        .bucket = -1,
    };
    fill_kind(names, sim_step, before, arena, step);
    if (before && after) {
        fill_changes(before, after, arena, step);
    }
}

static void
fill_steps(const struct result_names *names, const struct simulator *sim,
           struct arena *arena, struct trace_leg *leg)
{
    const struct sim_step *steps;
    size_t n = simulator_steps(sim, &steps);

    leg->n_steps = MIN(n, STEPS_SHOWN_MAX);
    leg->steps = arena_alloc(arena, leg->n_steps * sizeof *leg->steps);
    for (size_t i = 0; i < leg->n_steps; i++) {
        fill_step(names, sim, steps, n, i, arena, &leg->steps[i]);
        engine_yield(names->engine);
    }
}

/* Ends.  ----------------------------------------------------------------- */

void
trace_end_fill(const struct result_names *names, const struct sim_end *end,
               struct arena *arena, struct trace_end *result)
{
    static const char *const kinds[] = {
        [SIM_OUTPUT] = "delivered", [SIM_DROP] = "dropped",
        [SIM_PUNT] = "punted", [SIM_LOST] = "dropped",
        [SIM_UNREACHABLE] = "unreachable", [SIM_UNKNOWN] = "unknown",
    };
    bool in_switch = end->kind != SIM_UNREACHABLE;

    *result = (struct trace_end) {
        .kind = kinds[end->kind],
        .host = arena_strdup(arena, end->host),
        .stage = (in_switch ? result_stage_name(names, end->table, arena)
                  : NULL),
        .table = in_switch ? end->table : -1,
        .by = result_owner_of(names, end->rule, arena),
        .port = schema_absent,
        .ofport = -1,
    };
    if (end->kind == SIM_OUTPUT) {
        const char *port = result_port_name(names, end->host, end->port);

        result->port = port ? arena_strdup(arena, port) : NULL;
        result->ofport = end->port;
        result->where = port && port[0] == '@' ? "outside" : NULL;
    } else {
        result->reason = arena_strdup(arena, result_reason(end));
        isolation_fill(names, end, arena, &result->by);
        quarantine_fill(names, end, NULL, NULL, arena, &result->by);
    }
}

static void
fill_ends(const struct result_names *names, const struct simulator *sim,
          struct arena *arena, struct trace_leg *leg)
{
    const struct sim_end *ends;
    size_t n = simulator_ends(sim, &ends);

    leg->n_ends = MIN(n, STEPS_SHOWN_MAX);
    leg->ends = arena_alloc(arena, leg->n_ends * sizeof *leg->ends);
    for (size_t i = 0; i < leg->n_ends; i++) {
        trace_end_fill(names, &ends[i], arena, &leg->ends[i]);
        engine_yield(names->engine);
    }
}

/* Returns true if the packet, or a copy of it, ended at 'end' by the drop
 * 'step'. */
static bool
is_end_of(const struct trace_end *end, const struct trace_step *step)
{
    return (end->table == step->table && end->reason
            && !strcmp(end->host, step->host)
            && !strcmp(end->reason, step->reason));
}

static bool
same_object(const struct status_object *a, const struct status_object *b)
{
    return (!a || !b ? a == b
            : !strcmp(a->type, b->type) && !strcmp(a->name, b->name));
}

/* Gives the steps that drop the packet since a port is isolated or quarantined
 * the object of the ends there, or none if these differ. */
static void
name_causes(struct trace_leg *leg)
{
    for (size_t i = 0; i < leg->n_steps; i++) {
        struct trace_step *step = &leg->steps[i];
        bool first = true;

        for (size_t j = 0; step->reason && j < leg->n_ends; j++) {
            const struct trace_end *end = &leg->ends[j];

            if (is_end_of(end, step)
                && (end->by.direction || end->by.n_quarantined_by)) {
                step->by.object = (first || same_object(step->by.object,
                                                        end->by.object)
                                   ? end->by.object : NULL);
                first = false;
            }
        }
    }
}

void
trace_leg_fill(const struct result_names *names, const struct simulator *sim,
               const char *kind, const struct sim_packet *packet,
               struct arena *arena, struct trace_leg *leg)
{
    leg->kind = kind;
    leg->packet = take_string(arena, flow_to_string(&packet->flow, NULL));
    fill_steps(names, sim, arena, leg);
    fill_ends(names, sim, arena, leg);
    name_causes(leg);
}
