/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulator has found, as JSON; see result-json.h. */

#include <config.h>

#include "controller/simulator/result-json.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/flow/pipeline.h"
#include "controller/model/model.h"
#include "controller/simulator/endpoint.h"
#include "flow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "util.h"

/* Most steps that are shown: a flood has many. */
#define STEPS_SHOWN_MAX 1000

static json_t *
take_string(char *text)
{
    json_t *json = json_string(text);

    free(text);
    return json;
}

/* Names.  ---------------------------------------------------------------- */

/* Returns the port among 'ports' that has number 'ofport' on 'host', or NULL.
 */
static const char *
find_port(const struct result_names *names, struct vmn_names ports, const char
          *host, uint32_t ofport)
{
    for (size_t i = 0; i < ports.n; i++) {
        const struct vmn_port *port = model_get(names->model, VMN_TABLE_PORT,
                                                ports.names[i]);
        char *key = xasprintf("%s/%s", host, port->iface_id);
        const struct vmn_vif *vif = model_get(names->model, VMN_TABLE_VIF,
                                              key);

        free(key);
        if (vif && vif->ofport == ofport) {
            return port->row.name;
        }
        engine_yield(names->engine);
    }
    return NULL;
}

const char *
result_port_name(const struct result_names *names, const char *host, uint32_t
                 ofport)
{
    const struct vmn_vif *provider = provider_vif_at(names->model, host,
                                                     ofport);
    const char *port = (provider ? provider->iface_id
                        : find_port(names,
                                    model_lookup(names->model,
                                                 VMN_INDEX_PORT_BY_HOST,
                                                 host), host, ofport));

    /* One that is about to move there is among all only. */
    return (port ? port
            : find_port(names, model_names(names->model, VMN_TABLE_PORT),
                        host, ofport));
}

/* "APP.STAGE", or NULL if the table is no stage's.  The caller frees it. */
static char *
stage_name(const struct pipeline *pipeline, uint8_t table)
{
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];

            if (table >= stage->first_table
                && table < stage->first_table + stage->class_->n_tables) {
                return xasprintf("%s.%s", app->class_->name,
                                 stage->class_->name);
            }
        }
    }
    return NULL;
}

static void
add_endpoint(const struct result_names *names, const char *host, uint8_t table,
             json_t *json)
{
    char *stage = stage_name(names->pipeline, table);

    json_object_set_new(json, "host", json_string(host));
    json_object_set_new(json, "stage", stage ? json_string(stage)
                        : json_null());
    json_object_set_new(json, "table", json_integer(table));
    free(stage);
}

/* Which object it is about, and of a policy which rule. */
static void
add_about(const struct result_names *names, const struct flow_item *item,
          json_t *json)
{
    struct engine_flow_owner about;

    engine_get_flow_owner(names->engine, item->cookie, flow_item_part(item),
                          &about);
    if (about.owner && about.type) {
        json_object_set_new(json, "object", json_pack(
            "{s:s, s:s}", "type", about.type, "name", about.name));
        if (about.rule >= 0) {
            json_object_set_new(json, "rule", json_integer(about.rule));
        }
    }
}

void
result_add_rule(const struct result_names *names, const struct rule *rule,
                json_t *json)
{
    const char *owner = (rule && rule->item
                         ? engine_item_owner(names->engine, rule->item)
                         : NULL);

    json_object_set_new(json, "owner", owner ? json_string(owner)
                        : json_null());
    if (owner) {
        add_about(names, rule->item, json);
    }
}

/* Steps.  ---------------------------------------------------------------- */

/* Fields whose changes are shown, in this order. */
static const enum mf_field_id told_fields[] = {
    MFF_ETH_SRC, MFF_ETH_DST, MFF_IPV4_SRC, MFF_IPV4_DST, MFF_IPV6_SRC,
    MFF_IPV6_DST, MFF_IP_TTL, MFF_TCP_SRC, MFF_TCP_DST, MFF_UDP_SRC,
    MFF_UDP_DST, MFF_ARP_OP, MFF_ARP_SPA, MFF_ARP_TPA, MFF_ARP_SHA,
    MFF_ARP_THA, MFF_TUN_ID, MFF_TUN_DST, MFF_TUN_IPV6_DST, MFF_REG0,
    MFF_REG1, MFF_REG2, MFF_REG3, MFF_REG4, MFF_REG5, MFF_REG6, MFF_REG7,
    MFF_REG8, MFF_REG9, MFF_REG10, MFF_REG11, MFF_REG12, MFF_REG13,
    MFF_REG14, MFF_REG15,
};

static json_t *
field_json(const struct mf_field *mf, const union mf_value *value)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    mf_format(mf, value, NULL, NULL, &ds);
    return take_string(ds_steal_cstr(&ds));
}

/* {"FIELD": [BEFORE, AFTER], ...}, or NULL if nothing changed. */
static json_t *
changes_json(const struct flow *before, const struct flow *after)
{
    json_t *json = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(told_fields); i++) {
        const struct mf_field *mf = mf_from_id(told_fields[i]);
        struct flow_wildcards wc;
        union mf_value a, b;

        flow_wildcards_init_catchall(&wc);
        if (!mf_are_prereqs_ok(mf, before, &wc)
            || !mf_are_prereqs_ok(mf, after, &wc)) {
            continue;
        }
        mf_get_value(mf, before, &a);
        mf_get_value(mf, after, &b);
        if (memcmp(&a, &b, mf->n_bytes)) {
            json = json ? json : json_object();
            json_object_set_new(json, mf->name, json_pack(
                "[o, o]", field_json(mf, &a), field_json(mf, &b)));
        }
    }
    return json;
}

/* Returns the step of the same copy that follows on the same host. */
static const struct sim_step *
next_step(const struct sim_step *steps, size_t n, size_t i)
{
    for (size_t j = i + 1; j < n; j++) {
        if (steps[j].copy == steps[i].copy) {
            return strcmp(steps[j].host, steps[i].host) ? NULL : &steps[j];
        }
    }
    return NULL;
}

static void
add_flow(const struct rule *rule, json_t *json)
{
    struct ofpact_format_params params = { .s = NULL };
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct match match;

    minimatch_expand(&rule->match, &match);
    json_object_set_new(json, "priority", json_integer(rule->priority));
    json_object_set_new(json, "match", take_string(
        match_to_string(&match, NULL, OFP_DEFAULT_PRIORITY)));
    params.s = &ds;
    ofpacts_format(rule->ofpacts, rule->ofpacts_len, &params);
    json_object_set_new(json, "actions", take_string(ds_steal_cstr(&ds)));
    if (rule->drop_reason) {
        json_object_set_new(json, "reason", json_string(rule->drop_reason));
    }
}

static json_t *
state_json(uint8_t state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    format_flags(&ds, ct_state_to_string, state, '|');
    return take_string(ds_steal_cstr(&ds));
}

static json_t *
step_json(const struct result_names *names, const struct simulator *sim,
          const struct sim_step *steps, size_t n, size_t i)
{
    static const char *const kinds[] = {
        [SIM_LOOKUP] = "lookup", [SIM_CONNTRACK] = "conntrack",
        [SIM_GROUP] = "group", [SIM_TUNNEL] = "tunnel",
        [SIM_PROVIDER] = "wire",
    };
    const struct sim_step *step = &steps[i];
    const struct sim_step *next = next_step(steps, n, i);
    const struct flow *before = sim_step_flow(sim, step);
    const struct flow *after = next ? sim_step_flow(sim, next) : NULL;
    json_t *json = json_pack("{s:s}", "kind", kinds[step->kind]);
    json_t *changes = (before && after ? changes_json(before, after) : NULL);

    add_endpoint(names, step->host, step->table, json);
    if (step->copy) {
        json_object_set_new(json, "copy", json_integer(step->copy));
    }
    if (step->kind == SIM_LOOKUP) {
        result_add_rule(names, step->rule, json);
        if (step->rule) {
            add_flow(step->rule, json);
        }
        if (step->number) {
            json_object_set_new(json, "conjunction",
                                json_integer(step->number));
        }
    } else if (step->kind == SIM_CONNTRACK) {
        json_object_set_new(json, "zone", json_integer(step->number));
        json_object_set_new(json, "commit", json_boolean(step->committed));
        if (before) {
            json_object_set_new(json, "state", state_json(before->ct_state));
        }
    } else if (step->kind == SIM_TUNNEL || step->kind == SIM_PROVIDER) {
        json_object_set_new(json, "to", json_string(step->to));
    } else if (step->kind == SIM_GROUP) {
        json_object_set_new(json, "group", json_integer(step->number));
        if (step->option != UINT32_MAX) {
            json_object_set_new(json, "bucket", json_integer(step->option));
        }
    }
    if (changes) {
        json_object_set_new(json, "changes", changes);
    }
    return json;
}

json_t *
result_steps_to_json(const struct result_names *names, const struct simulator
                     *sim)
{
    const struct sim_step *steps;
    size_t n = simulator_steps(sim, &steps);
    json_t *array = json_array();

    for (size_t i = 0; i < MIN(n, STEPS_SHOWN_MAX); i++) {
        json_array_append_new(array, step_json(names, sim, steps, n, i));
        engine_yield(names->engine);
    }
    return array;
}

/* Ends.  ----------------------------------------------------------------- */

const char *
result_reason(const struct sim_end *end)
{
    return (end->text ? end->text
            : end->kind == SIM_PUNT ? "an app of the controller gets it"
            : end->kind == SIM_OUTPUT ? "it leaves by another port"
            : end->rule && end->rule->drop_reason ? end->rule->drop_reason
            : end->rule ? "the flow forwards nothing" : "no flow matches");
}

json_t *
result_end_to_json(const struct result_names *names, const struct sim_end *end)
{
    static const char *const kinds[] = {
        [SIM_OUTPUT] = "delivered", [SIM_DROP] = "dropped",
        [SIM_PUNT] = "up", [SIM_LOST] = "dropped", [SIM_UNKNOWN] = "unknown",
    };
    json_t *json = json_pack("{s:s}", "kind", kinds[end->kind]);

    add_endpoint(names, end->host, end->table, json);
    result_add_rule(names, end->rule, json);
    if (end->kind == SIM_OUTPUT) {
        const char *port = result_port_name(names, end->host, end->port);

        json_object_set_new(json, "port", port ? json_string(port)
                            : json_null());
        json_object_set_new(json, "ofport", json_integer(end->port));
    } else {
        json_object_set_new(json, "reason", json_string(result_reason(end)));
    }
    return json;
}

json_t *
result_ends_to_json(const struct result_names *names, const struct simulator
                    *sim)
{
    const struct sim_end *ends;
    size_t n = simulator_ends(sim, &ends);
    json_t *array = json_array();

    for (size_t i = 0; i < MIN(n, STEPS_SHOWN_MAX); i++) {
        json_array_append_new(array, result_end_to_json(names, &ends[i]));
        engine_yield(names->engine);
    }
    return array;
}
