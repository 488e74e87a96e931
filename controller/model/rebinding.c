/* SPDX-License-Identifier: Apache-2.0
 *
 * See rebinding.h.  A sub-port is where its parent is, so parents come
 * first. */

#include <config.h>

#include "controller/model/rebinding.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/migration-end.h"
#include "controller/model/model-class.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "svec.h"
#include "util.h"

void
model_set_bind(struct model *model, model_bind_cb *cb, void *aux)
{
    model->bind = cb;
    model->bind_aux = aux;
}

/* Which ports.  ----------------------------------------------------------- */

static bool
same_hosts(const struct vmn_port *a, const struct vmn_port *b)
{
    bool same = a->n_hosts == b->n_hosts;

    for (size_t i = 0; same && i < a->n_hosts; i++) {
        same = !strcmp(a->hosts[i], b->hosts[i]);
    }
    return same;
}

static bool
same_migration(const struct vmn_port *a, const struct vmn_port *b)
{
    return (nullable_string_is_equal(a->migration.to, b->migration.to)
            && a->migration.activated == b->migration.activated);
}

/* Returns the field by which the host of a port may be another, or NULL if no
 * field says so. */
static const char *
moving_field(const struct vmn_port *before, const struct vmn_port *now)
{
    return (!nullable_string_is_equal(before->host, now->host) ? "/host"
            : !same_hosts(before, now) ? "/hosts"
            : !same_migration(before, now) ? "/migration"
            : before->external != now->external ? "/external"
            : strcmp(before->iface_id, now->iface_id) ? "/iface_id"
            : !nullable_string_is_equal(before->parent, now->parent)
            ? "/parent"
            : !schema_row_same_labels(&before->row, &now->row) ? "/labels"
            : before->failover != now->failover ? "/failover"
            : NULL);
}

/* Adds the ports of a host that accepts others now, or is lost.  The bindings
 * of one that is deleted go with it. */
static void
add_of_host(const struct txn *txn, const struct entry *entry,
            struct svec *ports)
{
    const struct vmn_host *before = (const void *) entry->before->row;
    const struct vmn_host *now = entry_row(entry);

    if (now && (before->lost != now->lost
                || !nullable_string_is_equal(before->port_selector.text,
                                             now->port_selector.text))) {
        struct vmn_names names = model_referrers(txn->model, VMN_TABLE_HOST,
                                                 entry->name,
                                                 VMN_TABLE_BINDING);

        for (size_t i = 0; i < names.n; i++) {
            svec_add(ports, names.names[i]);
        }
    }
}

/* Adds the ports whose binding 'entry''s change may concern. */
static void
add_concerned(const struct txn *txn, const struct entry *entry,
              struct svec *ports)
{
    if (!entry->before || entry->cur == entry->before) {
        return;
    }
    switch ((int) entry->table) {
    case VMN_TABLE_PORT:
        if (entry->cur && moving_field((const void *) entry->before->row,
                                       entry_row(entry))) {
            svec_add(ports, entry->name);
        }
        break;
    case VMN_TABLE_HOST:
        add_of_host(txn, entry, ports);
        break;
    case VMN_TABLE_BINDING:
        if (!entry->op) {
            /* It went with its host, or has lost its other one with that. */
            svec_add(ports, entry->name);
        }
        break;
    default:
        break;
    }
}

/* Decisions.  ------------------------------------------------------------- */

/* Makes 'spec' the binding in 'entry'; NULL: there is none.  Takes ownership
 * of 'spec'.  Returns true if that is a change. */
static bool
set_binding(struct txn *txn, struct entry *entry, json_t *spec)
{
    struct version *old = entry->cur;
    struct version *version = NULL;

    if (spec) {
        version = version_create();
        version->row = schema_row_parse(schema_tables[VMN_TABLE_BINDING],
                                        entry->name, spec, "",
                                        &version->arena, txn->errors);
        json_decref(spec);
        if (!version->row
            || (old && schema_row_same_spec(version->row, old->row))) {
            version_destroy(txn->model, version);
            return false;
        }
        version_keep(txn->model, version, old);
    } else if (!old) {
        return false;
    }
    txn_set(txn, entry, version);
    return true;
}

/* Has it decided where a port is bound that was bound before the request.
 * What the request itself says of the binding stays. */
static void
rebind(struct txn *txn, const char *name)
{
    struct model *model = txn->model;
    const struct vmn_port *port = model_get(model, VMN_TABLE_PORT, name);
    struct entry *entry = model_find(model, VMN_TABLE_BINDING, name);
    const struct version *now = (!entry ? NULL
                                 : entry->cur ? entry->cur
                                 : entry->touched ? entry->before : NULL);
    struct vmn_names subs;

    if (!port || !now || entry->op
        || !set_binding(txn, entry, model->bind(model->bind_aux, port,
                                                (const void *) now->row))) {
        return;
    }
    subs = model_lookup(model, VMN_INDEX_PORT_BY_PARENT, name);
    for (size_t i = 0; i < subs.n; i++) {
        rebind(txn, subs.names[i]);
    }
}

void
rebind_ports(struct txn *txn)
{
    struct svec ports = SVEC_EMPTY_INITIALIZER;
    const char *name;
    size_t i;

    if (!txn->model->bind) {
        return;
    }
    for (i = 0; i < txn->n_touched; i++) {
        add_concerned(txn, txn->touched[i], &ports);
        model_yield(txn->model);
    }
    svec_sort_unique(&ports);
    for (int subs = 0; subs < 2; subs++) {
        SVEC_FOR_EACH (i, name, &ports) {
            const struct vmn_port *port = model_get(txn->model,
                                                    VMN_TABLE_PORT, name);

            if (port && !port->parent == !subs) {
                rebind(txn, name);
            }
            model_yield(txn->model);
        }
    }
    svec_destroy(&ports);
}

/* What is unbound, and what does not migrate any more.  ------------------- */

static void
add_unbound(struct model_request *request, const char *port,
            const struct vmn_binding *before, const char *field)
{
    if (request->n_unbound >= request->allocated_unbound) {
        request->unbound = x2nrealloc(request->unbound,
                                      &request->allocated_unbound,
                                      sizeof *request->unbound);
    }
    request->unbound[request->n_unbound++] = (struct model_unbound) {
        .port = xstrdup(port), .host = xstrdup(before->host),
        .field = field ? field : "",
    };
}

/* Notes the end of a migration, if it is one. */
static void
add_ended(const struct txn *txn, const char *port,
          const struct vmn_binding *before, const struct vmn_binding *now)
{
    struct model_request *request = txn->request;
    bool activated = before->activated;
    const char *left;
    const char *how = migration_ended(before, now, &left);

    if (!how) {
        return;
    }
    if (request->n_ended >= request->allocated_ended) {
        request->ended = x2nrealloc(request->ended, &request->allocated_ended,
                                    sizeof *request->ended);
    }
    request->ended[request->n_ended++] = (struct model_ended_migration) {
        .port = xstrdup(port), .how = how, .was_heard = activated,
        .from = xstrdup(activated ? before->candidate : before->host),
        .to = xstrdup(activated ? before->host : before->candidate),
        .reason = migration_end_reason(txn->model, port, left, now->candidate,
                                       migration_has_interface(
                                           txn->model, port, left)),
    };
}

void
note_unbound(struct txn *txn)
{
    for (size_t i = 0; i < txn->n_touched; i++) {
        const struct entry *entry = txn->touched[i];
        const struct entry *port;
        const char *field = NULL;

        if (entry->table != VMN_TABLE_BINDING || !entry->before
            || entry->cur == entry->before || entry->op) {
            continue;
        }
        port = model_find(txn->model, VMN_TABLE_PORT, entry->name);
        if (!port || !port->cur) {
            continue;
        }
        if (port->touched && port->before) {
            field = moving_field((const void *) port->before->row,
                                 entry_row(port));
        }
        if (!entry->cur) {
            add_unbound(txn->request, entry->name,
                        (const void *) entry->before->row, field);
        } else if (!field
                   && !((const struct vmn_port *) entry_row(port))->parent) {
            add_ended(txn, entry->name, (const void *) entry->before->row,
                      entry_row(entry));
        }
    }
}

void
model_request_clear_unbound(struct model_request *request)
{
    for (size_t i = 0; i < request->n_unbound; i++) {
        free(request->unbound[i].port);
        free(request->unbound[i].host);
    }
    request->n_unbound = 0;
    for (size_t i = 0; i < request->n_ended; i++) {
        free(request->ended[i].port);
        free(request->ended[i].from);
        free(request->ended[i].to);
        free(request->ended[i].reason);
    }
    request->n_ended = 0;
}
