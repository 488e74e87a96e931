/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of what the simulator has found; see result-names.h. */

#include <config.h>

#include "controller/simulator/result-names.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/flow/pipeline.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/schema.h"
#include "controller/simulator/endpoint.h"
#include "util.h"

/* Returns the port among 'ports' that has number 'ofport' on 'host', or
 * NULL. */
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

    /* A port that is about to migrate to the host is not in its index. */
    return (port ? port
            : find_port(names, model_names(names->model, VMN_TABLE_PORT),
                        host, ofport));
}

const char *
result_stage_name(const struct result_names *names, uint8_t table,
                  struct arena *arena)
{
    const struct pipeline *pipeline = names->pipeline;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];

            if (table >= stage->first_table
                && table < stage->first_table + stage->class_->n_tables) {
                return arena_printf(arena, "%s.%s", app->class_->name,
                                    stage->class_->name);
            }
        }
    }
    return NULL;
}

struct result_owner
result_no_owner(void)
{
    return (struct result_owner) { .owner = schema_absent, .rule = -1 };
}

struct result_owner
result_owner_of(const struct result_names *names, const struct rule *rule,
                struct arena *arena)
{
    struct result_owner result = { .owner = NULL, .rule = -1 };
    const char *owner = (rule && rule->item
                         ? engine_item_owner(names->engine, rule->item)
                         : NULL);
    struct engine_flow_owner about;

    if (!owner) {
        return result;
    }
    result.owner = arena_strdup(arena, owner);
    engine_get_flow_owner(names->engine, rule->item->cookie,
                          flow_item_part(rule->item), &about);
    if (about.owner && about.type) {
        struct status_object *object = arena_alloc(arena, sizeof *object);

        object->type = arena_strdup(arena, about.type);
        object->name = arena_strdup(arena, about.name);
        result.object = object;
        result.rule = about.rule >= 0 ? about.rule : -1;
    }
    return result;
}

/* Returns rule 'i' (or -1: none) of policy or quarantine 'name'; as
 * result_policy_rule(). */
static const struct vmn_rule *
find_rule(const struct model *model, const char *type, const char *name,
          int i, bool *shadow)
{
    if (!strcmp(type, schema_tables[VMN_TABLE_POLICY]->plural)) {
        const struct vmn_policy *policy = model_get(model, VMN_TABLE_POLICY,
                                                    name);

        *shadow = policy && policy->mode == VMN_SHADOW;
        return (policy && i >= 0 && (size_t) i < policy->n_rules
                ? vmn_policy_rule_at(policy, i) : NULL);
    }
    if (!strcmp(type, schema_tables[VMN_TABLE_QUARANTINE]->plural)) {
        const struct vmn_quarantine *quarantine = model_get(
            model, VMN_TABLE_QUARANTINE, name);

        return (quarantine && i >= 0 && (size_t) i < quarantine->n_allow
                ? vmn_quarantine_rule_at(quarantine, i) : NULL);
    }
    return NULL;
}

const struct vmn_rule *
result_policy_rule(const struct result_names *names, const struct rule *rule,
                   bool *shadow)
{
    struct engine_flow_owner about;

    *shadow = false;
    if (!rule || !rule->item) {
        return NULL;
    }
    engine_get_flow_owner(names->engine, rule->item->cookie,
                          flow_item_part(rule->item), &about);
    return (about.type ? find_rule(names->model, about.type, about.name,
                                   about.rule, shadow) : NULL);
}

const char *
result_reason(const struct sim_end *end)
{
    return (end->text ? end->text
            : end->kind == SIM_PUNT ? "it goes to an app of the controller"
            : end->kind == SIM_OUTPUT ? "it leaves by another port"
            : end->rule && end->rule->drop_reason ? end->rule->drop_reason
            : end->rule ? "the flow forwards nothing" : "no flow matches");
}
