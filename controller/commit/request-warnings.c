/* SPDX-License-Identifier: Apache-2.0
 *
 * See request-warnings.h.  Of balancers, the app that makes their flows says
 * which backends serve. */

#include <config.h>

#include "controller/commit/request-warnings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/balancer-members.h"
#include "controller/engine/builtin-app.h"
#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/model/draft-warnings.h"
#include "controller/model/model.h"
#include "controller/model/warnings.h"
#include "controller/schema/schema-own.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"
#include "vmn/rows.h"

/* Backends that a warning names. */
#define NAMED_MAX 4

/* A balancer's backends, with the routing domain of each. */
struct backends {
    struct vmn_lb_member *members;
    char **domains;
    size_t n;
};

static void
read_backends(struct engine *engine, const char *balancer,
              struct backends *backends)
{
    backends->members = engine_balancer_members(engine, balancer,
                                                &backends->n);
    backends->domains = xcalloc(MAX(backends->n, 1),
                                sizeof *backends->domains);
    for (size_t i = 0; i < backends->n; i++) {
        backends->domains[i] = engine_domain_of(
            engine, backends->members[i].network);
    }
}

static void
free_backends(struct backends *backends)
{
    for (size_t i = 0; i < backends->n; i++) {
        free(backends->domains[i]);
    }
    free(backends->domains);
    free(backends->members);
}

/* Returns true if a backend serves in the routing domain. */
static bool
is_served(const struct backends *backends, const char *domain)
{
    for (size_t i = 0; i < backends->n; i++) {
        if (backends->members[i].state == VMN_LB_SERVING
            && !strcmp(backends->domains[i], domain)) {
            return true;
        }
    }
    return false;
}

static bool
drains(const struct vmn_lb_member *member)
{
    return (member->state == VMN_LB_DRAINING
            || member->state == VMN_LB_DRAINED);
}

/* Returns true if a backend before 'i' drains in the same domain. */
static bool
is_told(const struct backends *backends, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (drains(&backends->members[j])
            && !strcmp(backends->domains[j], backends->domains[i])) {
            return true;
        }
    }
    return false;
}

/* Appends the backends that drain in the domain, the first NAMED_MAX by their
 * names, and the verb: which of them this request drains, and which another
 * has drained before, does not matter to clients. */
static void
put_drained(const struct backends *backends, const char *domain,
            struct ds *ds)
{
    size_t n = 0, n_put = 0;

    for (size_t i = 0; i < backends->n; i++) {
        n += (drains(&backends->members[i])
              && !strcmp(backends->domains[i], domain));
    }
    for (size_t i = 0; i < backends->n && n_put < NAMED_MAX; i++) {
        if (drains(&backends->members[i])
            && !strcmp(backends->domains[i], domain)) {
            ds_put_format(ds, "%s\"%s\"", !n_put ? ""
                          : n_put + 1 == n ? " and " : ", ",
                          backends->members[i].port);
            n_put++;
        }
    }
    if (n > n_put) {
        ds_put_format(ds, " and %"PRIuSIZE" more", n - n_put);
    }
    ds_put_cstr(ds, n == 1 ? " drains" : " drain");
}

/* Warns of backends that drain where no other serves, once for each routing
 * domain. */
static void
check_drains(struct engine *engine, const struct vmn_loadbalancer *lb,
             struct model_warnings *warnings)
{
    struct backends own, fallback;

    read_backends(engine, lb->row.name, &own);
    read_backends(engine, lb->fallback ? lb->fallback : "", &fallback);
    for (size_t i = 0; i < own.n; i++) {
        const char *domain = own.domains[i];

        if (drains(&own.members[i]) && !is_told(&own, i)
            && !is_served(&own, domain)) {
            bool stands_in = is_served(&fallback, domain);
            struct ds who = DS_EMPTY_INITIALIZER;

            put_drained(&own, domain, &who);
            model_warnings_put(
                warnings, &lb->row, "/backends",
                "%s, and no other backend serves in network "
                "\"%s\": new connections are %s%s", ds_cstr(&who),
                own.members[i].network,
                stands_in ? "for the fallback, balancer " : "rejected",
                stands_in ? lb->fallback : "");
            ds_destroy(&who);
        }
    }
    free_backends(&fallback);
    free_backends(&own);
}

static bool
names_group(const struct model_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];

        if (op->table == VMN_TABLE_GROUP && !strcmp(op->name, name)) {
            return true;
        }
    }
    return false;
}

/* Warns of groups that are empty now, since the request took ports out of
 * them, if the client sees them. */
static void
check_left_groups(const struct model *model,
                  const struct model_request *request,
                  struct model_warnings *warnings)
{
    for (size_t i = 0; i < request->emptied_groups.n; i++) {
        const char *name = request->emptied_groups.names[i];
        const struct vmn_row *row = model_get(model, VMN_TABLE_GROUP, name);

        const struct vmn_group *group = (const void *) row;

        /* Selectors of those that the request names were checked. */
        if (row && model_sees(request->rights, row)
            && !(group->selector.text && names_group(request, name))) {
            model_warnings_add_left(warnings, group);
        }
    }
}

/* Hosts that a warning names. */
#define HOSTS_NAMED_MAX 4

/* Appends which host is to have the port's interface. */
static void
put_expected_host(const struct vmn_port *port, const char *field,
                  struct ds *ds)
{
    if (!port->n_hosts && port->host) {
        ds_put_format(ds, "host \"%s\" has", port->host);
        return;
    }
    for (size_t i = 0; i < port->n_hosts && i < HOSTS_NAMED_MAX; i++) {
        ds_put_format(ds, "%s\"%s\"", !i ? "host "
                      : i + 1 == port->n_hosts ? " or " : ", ",
                      port->hosts[i]);
    }
    if (port->n_hosts > HOSTS_NAMED_MAX) {
        ds_put_format(ds, " or %"PRIuSIZE" others",
                      port->n_hosts - HOSTS_NAMED_MAX);
    }
    ds_put_cstr(ds, port->n_hosts ? " has"
                : !*field || !strcmp(field, "/labels")
                ? "a host that accepts it has" : "a host has");
}

/* Warns of a port that the request unbinds, if the client sees it. */
static void
check_unbound(const struct model *model, const struct model_request *request,
              const struct model_unbound *unbound,
              struct model_warnings *warnings)
{
    const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                            unbound->port);
    const struct vmn_host *host = model_get(model, VMN_TABLE_HOST,
                                            unbound->host);
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (!port || !model_sees(request->rights, &port->row)) {
        return;
    }
    if (host && host->lost) {
        ds_put_format(&ds, "that is lost; it is unbound until another host "
                      "that it may be on has its interface (iface-id \"%s\")",
                      port->iface_id);
    } else if (port->external) {
        ds_put_cstr(&ds, "it is on no host any more");
    } else if (port->parent) {
        ds_put_format(&ds, "it is unbound until its parent \"%s\" is bound",
                      port->parent);
    } else {
        ds_put_cstr(&ds, "it is unbound until ");
        put_expected_host(port, unbound->field, &ds);
        ds_put_format(&ds, " its interface (iface-id \"%s\")",
                      port->iface_id);
    }
    model_warnings_put(warnings, &port->row, unbound->field,
                       "loses its binding to host \"%s\": %s",
                       unbound->host, ds_cstr(&ds));
    ds_destroy(&ds);
}

/* Warns of a migration that the request ends, if the client sees the port. */
static void
check_ended(const struct model *model, const struct model_request *request,
            const struct model_ended_migration *ended,
            struct model_warnings *warnings)
{
    const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                            ended->port);

    if (port && model_sees(request->rights, &port->row)) {
        model_warnings_put(
            warnings, &port->row, "", "its migration from host \"%s\" to host "
            "\"%s\" is %s: %s%s", ended->from, ended->to, ended->how,
            ended->reason, strcmp(ended->how, "finished") || ended->was_heard
            ? "" : "; that its VM runs there is not known");
    }
}

/* Warns of a deleted port that was a balancer's backend, if the client sees
 * that. */
static void
check_left_backend(const struct model *model,
                   const struct model_request *request,
                   const struct model_left_backend *left,
                   struct model_warnings *warnings)
{
    static const char *const parts[] = {
        [MODEL_BACKEND_IDLE] = "is a backend of it that is given no new "
                               "connections",
        [MODEL_BACKEND_STANDBY] = "is a standby of it, which serves while too "
                                  "few others do",
        [MODEL_BACKEND_SERVING] = "serves it",
    };
    const struct vmn_row *lb = model_get(model, VMN_TABLE_LOADBALANCER,
                                         left->balancer);

    if (lb && model_sees(request->rights, lb)) {
        model_warnings_put(
            warnings, lb, left->field,
            "port \"%s\", which is deleted, %s: its open connections "
            "are cut, and how many they are is not known; once it is drained, "
            "none is", left->port, parts[left->part]);
    }
}

/* Warns of an app that is disabled, and without which no packet passes. */
static void
check_app(const struct engine *engine, const struct vmn_app_row *app,
          struct model_warnings *warnings)
{
    const char *stage = (app->enabled ? NULL
                         : builtin_closed_stage(engine, app->row.name));

    if (stage) {
        model_warnings_put(warnings, &app->row, "/enabled",
                           "hosts drop all packets of VMs, as none passes its "
                           "stage %s (vmnctl app enable %s)", stage,
                           app->row.name);
    }
}

/* Warns of a host with more flows than the quota allows on each. */
static void
check_flows(struct engine *engine, const struct vmn_quota *quota,
            struct model_warnings *warnings)
{
    int64_t max = quota->flows_per_host;
    const char *host;
    uint64_t n;

    if (max >= 0 && engine_quota_flows(engine, quota->row.name, &host, &n)
        && n > (uint64_t) max) {
        model_warnings_put(warnings, &quota->row, "/flows_per_host",
                           "%"PRIu64" are used on host \"%s\", more than "
                           "%"PRId64": they stay, and requests that add to "
                           "them are refused", n, host, max);
    }
}

void
request_warnings_add_own(struct engine *engine, const struct vmn_row *row,
                         struct model_warnings *warnings)
{
    const char *relation = schema_own_warnings(schema_tables[row->table]);
    struct vmn_names texts = (relation
                              ? engine_relation_values(engine, relation,
                                                       row->name)
                              : (struct vmn_names) { .n = 0 });

    for (size_t i = 0; i < texts.n; i++) {
        model_warnings_put(warnings, row, "", "%s", texts.names[i]);
    }
}

void
request_warnings_find(const struct model *model, struct engine *engine,
                      const struct model_request *request,
                      struct arena *arena, struct model_warnings *warnings)
{
    model_warnings_init(warnings, model, request->rights, arena);
    model_warnings_put_loosened(warnings, request->loosened);
    for (size_t i = 0; i < request->left_out.n; i++) {
        model_warnings_put_general(warnings, "%s", request->left_out.names[i]);
    }
    for (size_t i = 0; i < request->n_ops; i++) {
        const struct model_op *op = &request->ops[i];
        const struct vmn_row *row
            = (op->kind != MODEL_DELETE
               && (model_warnings_concern(op->table)
                   || schema_is_own(op->table))
               ? model_get(model, op->table, op->name) : NULL);

        if (row) {
            model_warnings_add(warnings, row);
            request_warnings_add_own(engine, row, warnings);
        }
        if (op->kind != MODEL_DELETE && op->table == VMN_TABLE_DRAFT) {
            const struct vmn_draft *draft = model_get(model, op->table,
                                                      op->name);

            if (draft) {
                draft_warn(warnings, draft);
            }
        }
        if (op->kind == MODEL_DELETE && op->table == VMN_TABLE_HOST) {
            model_warnings_add_deleted_host(warnings, op->name);
        }
        if (row && op->table == VMN_TABLE_HOST) {
            model_warnings_add_of_host(warnings, (const void *) row);
        }
        if (row && op->table == VMN_TABLE_APP) {
            check_app(engine, (const void *) row, warnings);
        }
        if (row && op->table == VMN_TABLE_QUOTA) {
            check_flows(engine, (const void *) row, warnings);
        }
        if (row && op->table == VMN_TABLE_LOADBALANCER) {
            check_drains(engine, (const void *) row, warnings);
        }
    }
    check_left_groups(model, request, warnings);
    for (size_t i = 0; i < request->n_left_backends; i++) {
        check_left_backend(model, request, &request->left_backends[i],
                           warnings);
    }
    for (size_t i = 0; i < request->n_unbound; i++) {
        check_unbound(model, request, &request->unbound[i], warnings);
    }
    for (size_t i = 0; i < request->n_ended; i++) {
        check_ended(model, request, &request->ended[i], warnings);
    }
    model_warnings_finish(warnings);
}
