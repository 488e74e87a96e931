/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/ports/NAME/policies: the groups that contain a port, directly or
 * through other groups, and the policies that apply to it, in the order of
 * evaluation.  A client with a scope is told of its own ports, which of the
 * groups that it sees they are in, and which of the policies that it sees
 * apply by these. */

#include <config.h>

#include "controller/northbound/auth.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
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

static int
compare_policies(const void *a_, const void *b_)
{
    const struct nb_port_policy *a = a_, *b = b_;

    return (a->position != b->position
            ? (a->position < b->position ? -1 : 1)
            : a->priority != b->priority
            ? (a->priority < b->priority ? -1 : 1)
            : strcmp(a->name, b->name));
}

/* Removes the groups that the client does not see. */
static void
hide_groups(const struct model *model, const struct model_rights *rights,
            struct sset *groups)
{
    const char **names = sset_sort(groups);
    size_t n = sset_count(groups);

    for (size_t i = 0; i < n; i++) {
        const struct vmn_row *row = model_get_durable(
            model, VMN_TABLE_GROUP, names[i], NULL);

        if (!row || !model_sees(rights, row)) {
            sset_find_and_delete(groups, names[i]);
        }
    }
    free(names);
}

/* Returns true if the client may know what concerns the port; else replies. */
static bool
may_ask(const struct northbound *nb, struct http_request *req,
        const char *name, const struct vmn_port *port)
{
    const struct model_rights *rights = nb_rights(req);

    if (!port || !model_sees(rights, &port->row)) {
        nb_reply_no_object(nb, req, schema_tables[VMN_TABLE_PORT], name);
        return false;
    }
    if (!model_in_scope(rights, &port->row)) {
        http_reply_problem(req, 403, "forbidden", NULL, "port \"%s\" is not "
                           "within this account's scope", name);
        return false;
    }
    return true;
}

static bool
applies_to_any(const struct vmn_policy *policy, const struct sset *groups)
{
    for (size_t i = 0; i < policy->n_applies_to; i++) {
        if (sset_contains(groups, policy->applies_to[i])) {
            return true;
        }
    }
    return false;
}

/* Fills in 'reply' with the policies that apply to any of 'groups' and that
 * the client sees.  The caller frees the array. */
static void
find_policies(const struct model *model, const struct model_rights *rights,
              const struct sset *groups,
              struct nb_reply_port_policies *reply)
{
    const struct vmn_policy *policy;
    const char *after = "";
    size_t allocated = 0;

    while ((policy = model_next_durable(model, VMN_TABLE_POLICY, after,
                                        NULL))) {
        const struct vmn_tier *tier = model_get_durable(
            model, VMN_TABLE_TIER, policy->tier, NULL);

        after = policy->row.name;
        if (model_sees(rights, &policy->row)
            && applies_to_any(policy, groups)) {
            if (reply->n_policies >= allocated) {
                reply->policies = x2nrealloc(reply->policies, &allocated,
                                             sizeof *reply->policies);
            }
            reply->policies[reply->n_policies++]
                = (struct nb_port_policy) {
                    policy->row.name, policy->tier,
                    tier ? tier->position : 0, policy->priority,
                    policy->mode == VMN_SHADOW ? "shadow" : "enforce",
                };
        }
    }
    if (reply->n_policies) {
        qsort(reply->policies, reply->n_policies, sizeof *reply->policies,
              compare_policies);
    }
}

/* Sets '*names' to the policies that isolate the port of 'groups' in
 * 'direction', and returns their number.  Those that the client does not see,
 * or that apply by none of the groups that it sees, 'seen', are one entry.
 * The caller frees the array, whose elements are borrowed. */
static size_t
find_isolating(const struct model *model, const struct model_rights *rights,
               const struct sset *groups, const struct sset *seen,
               enum vmn_direction direction, const char ***names)
{
    const struct vmn_policy *policy;
    size_t n = 0, allocated = 0;
    const char *after = "";
    bool hidden = false;

    *names = NULL;
    while ((policy = model_next_durable(model, VMN_TABLE_POLICY, after,
                                        NULL))) {
        bool sees = (model_sees(rights, &policy->row)
                     && applies_to_any(policy, seen));

        after = policy->row.name;
        /* That tier alone isolates. */
        if (!policy->isolates[direction] || policy->mode != VMN_ENFORCE
            || strcmp(policy->tier, "application")
            || !applies_to_any(policy, groups) || (!sees && hidden)) {
            continue;
        }
        hidden = hidden || !sees;
        if (n + 1 >= allocated) {
            *names = x2nrealloc(*names, &allocated, sizeof **names);
        }
        if (sees) {
            (*names)[n++] = policy->row.name;
        }
    }
    if (hidden) {
        (*names)[n++] = MODEL_OUT_OF_SCOPE;
    }
    return n;
}

static void
get_port_policies(struct http_request *req, struct northbound *nb)
{
    const char *name = http_request_param(req, "name");
    const struct vmn_port *port = model_get_durable(
        nb->model, VMN_TABLE_PORT, name, NULL);
    struct nb_reply_port_policies reply = { .port = name };
    struct sset groups, all;

    if (!may_ask(nb, req, name, port)) {
        return;
    }
    sset_init(&groups);
    find_groups(nb->model, port, &groups);
    sset_clone(&all, &groups);
    hide_groups(nb->model, nb_rights(req), &groups);
    reply.n_groups = sset_count(&groups);
    reply.groups = sset_sort(&groups);
    find_policies(nb->model, nb_rights(req), &groups, &reply);
    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        reply.n_isolated[i] = find_isolating(nb->model, nb_rights(req), &all,
                                             &groups, i, &reply.isolated[i]);
    }
    nb_reply_struct(req, &nb_reply_port_policies, &reply);
    for (int i = 0; i < VMN_N_DIRECTIONS; i++) {
        free(reply.isolated[i]);
    }
    free(reply.groups);
    free(reply.policies);
    sset_destroy(&groups);
    sset_destroy(&all);
}

void
nb_get_port_policies(struct http_request *req, void *nb)
{
    nb_unless_trying(nb, req, get_port_policies);
}
