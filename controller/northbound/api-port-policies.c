/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/ports/NAME/policies: the groups that contain a port, directly or
 * through other groups, and the policies that apply to it, in the order of
 * evaluation. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/selector.h"
#include "sset.h"
#include "util.h"

static bool
has_name(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(names[i], name)) {
            return true;
        }
    }
    return false;
}

static bool
is_in(const struct vmn_group *group, const struct vmn_port *port,
      const struct sset *groups)
{
    if ((group->selector.text
         && vmn_selector_matches(&group->selector, &port->labels))
        || has_name(group->ports, group->n_ports, port->row.name)) {
        return true;
    }
    for (size_t i = 0; i < group->n_groups; i++) {
        if (sset_contains(groups, group->groups[i])) {
            return true;
        }
    }
    return false;
}

/* Adds the groups that contain the port.  Repeats until none is added: at most
 * as often as groups are nested. */
static void
find_groups(const struct model *model, const struct vmn_port *port,
            struct sset *groups)
{
    size_t n_before;

    do {
        const struct vmn_group *group;
        const char *after = "";

        n_before = sset_count(groups);
        while ((group = model_next_durable(model, VMN_TABLE_GROUP, after,
                                           NULL))) {
            if (!sset_contains(groups, group->row.name)
                && is_in(group, port, groups)) {
                sset_add(groups, group->row.name);
            }
            after = group->row.name;
        }
    } while (sset_count(groups) > n_before);
}

struct applied {
    const struct vmn_policy *policy;
    uint32_t position;              /* Of its tier. */
};

static int
compare_applied(const void *a_, const void *b_)
{
    const struct applied *a = a_, *b = b_;

    return (a->position != b->position
            ? (a->position < b->position ? -1 : 1)
            : a->policy->priority != b->policy->priority
            ? (a->policy->priority < b->policy->priority ? -1 : 1)
            : strcmp(a->policy->row.name, b->policy->row.name));
}

/* Returns the policies that apply to any of 'groups'.  The caller frees the
 * array. */
static struct applied *
find_policies(const struct model *model, const struct sset *groups,
              size_t *np)
{
    const struct vmn_policy *policy;
    struct applied *found = NULL;
    size_t n = 0, allocated = 0;
    const char *after = "";

    while ((policy = model_next_durable(model, VMN_TABLE_POLICY, after,
                                        NULL))) {
        const struct vmn_tier *tier = model_get_durable(
            model, VMN_TABLE_TIER, policy->tier, NULL);

        after = policy->row.name;
        for (size_t i = 0; i < policy->n_applies_to; i++) {
            if (sset_contains(groups, policy->applies_to[i])) {
                if (n >= allocated) {
                    found = x2nrealloc(found, &allocated, sizeof *found);
                }
                found[n++] = (struct applied) {
                    policy, tier ? tier->position : 0 };
                break;
            }
        }
    }
    if (n) {
        qsort(found, n, sizeof *found, compare_applied);
    }
    *np = n;
    return found;
}

void
nb_get_port_policies(struct http_request *req, void *nb_)
{
    const char *name = http_request_param(req, "name");
    const struct northbound *nb = nb_;
    const struct vmn_port *port = model_get_durable(
        nb->model, VMN_TABLE_PORT, name, NULL);
    struct sset groups = SSET_INITIALIZER(&groups);
    json_t *names = json_array(), *policies = json_array();
    size_t n;

    if (!port) {
        nb_reply_no_object(nb, req, schema_tables[VMN_TABLE_PORT], name);
        json_decref(names);
        json_decref(policies);
        return;
    }
    find_groups(nb->model, port, &groups);

    const char **sorted = sset_sort(&groups);
    for (size_t i = 0; i < sset_count(&groups); i++) {
        json_array_append_new(names, json_string(sorted[i]));
    }
    free(sorted);

    struct applied *found = find_policies(nb->model, &groups, &n);
    for (size_t i = 0; i < n; i++) {
        const struct vmn_policy *policy = found[i].policy;

        json_array_append_new(policies, json_pack(
            "{s:s, s:s, s:I, s:I, s:s}", "name", policy->row.name,
            "tier", policy->tier, "position", (json_int_t) found[i].position,
            "priority", (json_int_t) policy->priority,
            "mode", policy->mode == VMN_SHADOW ? "shadow" : "enforce"));
    }
    free(found);
    sset_destroy(&groups);
    http_reply_json(req, 200, json_pack("{s:s, s:o, s:o}", "port", name,
                                        "groups", names, "policies",
                                        policies));
}
