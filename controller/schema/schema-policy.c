/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies; see schema.h. */

#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "controller/schema/schema-define.h"
#include "controller/schema/schema-error.h"
#include "controller/schema/schema-rule.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "sset.h"

/* Checks how many names in DNS the rules have together. */
static void
check_fqdns(const struct vmn_policy *policy, const char *pointer,
            struct vmn_errors *errors)
{
    struct sset names = SSET_INITIALIZER(&names);

    for (size_t i = 0; i < policy->n_rules; i++) {
        for (size_t j = 0; j < policy->rules[i].n_peers; j++) {
            const char *fqdn = policy->rules[i].peers[j].fqdn;

            if (fqdn) {
                sset_add(&names, fqdn);
            }
        }
    }
    if (sset_count(&names) > VALUE_FQDNS_POLICY_MAX) {
        add_error(errors, pointer, "rules",
                  "must not have more than %d names as \"fqdn\": split the "
                  "policy", VALUE_FQDNS_POLICY_MAX);
    }
    sset_destroy(&names);
}

static void
finish_policy(void *policy_, const json_t *json, const char *pointer,
                     struct vmn_errors *errors)
{
    struct vmn_policy *policy = policy_;
    const json_t *directions = json_object_get(json, "directions");
    bool united = policy->tier && !strcmp(policy->tier, "application");
    struct vmn_level levels[VMN_N_DIRECTIONS] = { { .started = false } };

    if (!directions || json_is_null(directions)) {
        for (size_t i = 0; i < policy->n_rules; i++) {
            policy->isolates[policy->rules[i].direction] = true;
        }
        if (!policy->n_rules) {
            policy->isolates[VMN_INGRESS] = true;
        }
    }

    /* Connections retained in this tier would bypass quarantine. */
    if (policy->on_change == VMN_KEEP && policy->tier
        && !strcmp(policy->tier, "emergency")) {
        add_error(errors, pointer, "on_change",
                  "must be \"recheck\" in tier emergency: quarantine comes "
                  "behind it");
    }

    if (policy->mode == VMN_SHADOW && policy->tier
        && !strcmp(policy->tier, "emergency")) {
        add_error(errors, pointer, "mode",
                  "must be \"enforce\" in tier emergency: try it in a tier "
                  "behind it");
    }

    check_fqdns(policy, pointer, errors);
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct vmn_rule *rule = &policy->rules[i];

        if (!vmn_level_next(&levels[rule->direction], united, rule->action,
                            policy->on_change == VMN_KEEP)) {
            add_error(errors, pointer, "rules",
                      "must not change between actions so often in one "
                      "direction as up to rule %zu: split the policy", i);
            break;
        }
    }
}

static const struct schema_example examples[] = {
    EXAMPLE("db-in", {
        "applies_to": ["db"],
        "rules": [
            {"direction": "ingress", "action": "allow",
             "peers": [{"group": "web"}],
             "services": [{"protocol": "tcp", "ports": [5432]}]},
            {"direction": "ingress", "action": "reject", "log": true}]}),
    { .name = NULL },
};

const struct schema_table schema_policy = {
    .id = VMN_TABLE_POLICY, .row_type = VMN_ROW_POLICY,
    .plural = "policies", .singular = "policy",
    .kind = "Policy", .stored = true, .max_rows = 10000,
    .named_as = VMN_N_TABLES, .check_name = value_check_name,
    .passes_on = true,
    .examples = examples,
    .doc = "Rules for the ports of some groups.",
    .status = &schema_status_policy,
    .columns = COLUMNS {
        { .heading = "NAME", .path = "/name" },
        { .heading = "TIER", .path = "/spec/tier" },
        { .heading = "PRIORITY", .path = "/spec/priority" },
        { .heading = "APPLIES-TO", .path = "/spec/applies_to" },
        { .heading = "DIRECTIONS", .path = "/spec/directions" },
        { .heading = "MODE", .path = "/spec/mode" },
        { .heading = "RULES", .path = "/spec/rules" },
        { .heading = "PACKETS", .path = "/status/packets", .wide = true },
        { .heading = "BYTES", .path = "/status/bytes", .wide = true },
        { .heading = "LAST-HIT", .path = "/status/last", .wide = true },
        { .heading = NULL },
    },
    .row = {
        .name = "policy", .size = sizeof(struct vmn_policy),
        .fields = FIELDS {
            COMMON(vmn_policy),
            { .name = "tier", .type = SCHEMA_REF, AT(vmn_policy, tier),
              .ref = VMN_TABLE_TIER, .def_text = "application",
              .reach = SCHEMA_MENTIONS,
              .doc = "The tier in which it is evaluated." },
            { .name = "priority", .type = SCHEMA_U32,
              AT(vmn_policy, priority), .max = 999, .def = 500,
              .doc = "Inside the tier; 0 is evaluated first." },
            { .name = "applies_to", .type = SCHEMA_REF,
              .flags = SCHEMA_SET | SCHEMA_REQUIRED,
              LIST_AT(vmn_policy, applies_to), .min_items = 1,
              .max_items = 256, .ref = VMN_TABLE_GROUP,
              .reach = SCHEMA_ACTS,
              .doc = "The groups whose ports it protects." },
            { .name = "directions", .type = SCHEMA_ENUM_SET,
              AT(vmn_policy, isolates), .names = schema_direction_names,
              .doc = "The directions in which what no rule allows is denied "
                     "(application tier); those of its rules when absent, or "
                     "ingress without rules. `[]`: none; its rules decide "
                     "what they match, and other policies the rest." },
            { .name = "mode", .type = SCHEMA_ENUM, AT(vmn_policy, mode),
              .names = NAMES("enforce", "shadow"),
              .doc = "Whether it decides, or only counts what it would "
                     "decide." },
            { .name = "on_change", .type = SCHEMA_ENUM,
              AT(vmn_policy, on_change),
              .names = NAMES("recheck", "keep"),
              .doc = "Whether connections that its rules have allowed are "
                     "evaluated again when something changes, or kept." },
            { .name = "rules", .type = SCHEMA_STRUCT,
              .flags = SCHEMA_LIST, LIST_AT(vmn_policy, rules),
              .max_items = 1000, .nested = &schema_rule,
              .doc = "The first that matches decides." },
            { .name = NULL },
        },
        .finish = finish_policy,
    },
};
