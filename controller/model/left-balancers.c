/* SPDX-License-Identifier: Apache-2.0
 *
 * See left-balancers.h. */

#include <config.h>

#include "controller/model/left-balancers.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-private.h"
#include "controller/model/model.h"
#include "controller/model/txn.h"
#include "util.h"

/* For so many deleted ports the balancers of their networks are looked
 * through. */
#define PORTS_MAX 200

/* Returns where in the balancer's spec the port is a backend that is not
 * drained by request, or NULL; and sets '*named' to its entry, or NULL. */
static const char *
backend_field(const struct vmn_loadbalancer *lb, const struct vmn_port *port,
              const struct vmn_backend **named)
{
    *named = NULL;
    for (size_t i = 0; i < lb->n_backends; i++) {
        const struct vmn_backend *backend = vmn_backend_at(lb, i);

        if (!strcmp(backend->port, port->row.name)) {
            *named = backend;
            return backend->drain ? NULL : "/backends";
        }
    }
    return (lb->selector.text
            && vmn_selector_matches(&lb->selector, &port->labels)
            ? "/selector" : NULL);
}

static bool
holds(const struct vmn_quarantine *quarantine, const struct vmn_port *port)
{
    for (size_t i = 0; i < quarantine->n_ports; i++) {
        if (!strcmp(quarantine->ports[i], port->row.name)) {
            return true;
        }
    }
    return (quarantine->selector.text
            && vmn_selector_matches(&quarantine->selector, &port->labels));
}

/* Returns true if the port was cut off by itself. */
static bool
is_held(const struct model *model, const struct vmn_port *port)
{
    struct vmn_names names = model_names(model, VMN_TABLE_QUARANTINE);

    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_quarantine *quarantine = entry_row_before(
            model_find(model, VMN_TABLE_QUARANTINE, names.names[i]));

        if (quarantine && holds(quarantine, port)) {
            return true;
        }
        model_yield(model);
    }
    return port->quarantined;
}

/* Returns true if the port or its parent was quarantined: its connections are
 * cut then. */
static bool
is_quarantined(const struct model *model, const struct vmn_port *port)
{
    const struct vmn_port *parent
        = (port->parent
           ? entry_row_before(model_find(model, VMN_TABLE_PORT, port->parent))
           : NULL);

    return is_held(model, port) || (parent && is_held(model, parent));
}

static enum model_backend_part
get_part(const struct model *model, const struct vmn_loadbalancer *lb,
         const struct vmn_backend *named, const char *port)
{
    char *name = xasprintf("%s/%s", lb->row.name, port);
    const struct vmn_health *health
        = entry_row_before(model_find(model, VMN_TABLE_HEALTH, name));
    bool is_down = health && health->state == VMN_HEALTH_DOWN;

    free(name);
    if (health && health->state == VMN_HEALTH_DRAINED) {
        return MODEL_BACKEND_NONE;
    } else if (lb->health.type && is_down
               && lb->when_down == VMN_DOWN_CUT) {
        return MODEL_BACKEND_NONE;
    } else if ((named && !named->weight)
               || (lb->health.type && (!health || is_down))) {
        return MODEL_BACKEND_IDLE;
    }
    return (named && named->standby ? MODEL_BACKEND_STANDBY
            : MODEL_BACKEND_SERVING);
}

/* Adds the balancers that the port of 'entry', which the request deletes, was
 * a backend of, and may have had connections of: those that are offered in its
 * network. */
static void
add_balancers(struct txn *txn, const struct entry *entry)
{
    struct model_request *request = txn->request;
    const struct vmn_port *port = entry_row_before(entry);
    struct vmn_names names;

    if (!port || !port->enabled
        || !entry_row_before(model_find(txn->model, VMN_TABLE_BINDING,
                                        entry->name))
        || is_quarantined(txn->model, port)) {
        return;
    }
    names = model_lookup(txn->model, VMN_INDEX_LB_BY_NETWORK, port->network);
    for (size_t i = 0; i < names.n
         && request->n_left_backends < MODEL_LEFT_BACKENDS_MAX; i++) {
        const struct vmn_loadbalancer *lb = entry_row_before(
            model_find(txn->model, VMN_TABLE_LOADBALANCER, names.names[i]));
        const struct vmn_backend *named;
        const char *field = (lb && vmn_lb_is_offered_in(lb, port->network)
                             ? backend_field(lb, port, &named) : NULL);
        enum model_backend_part part
            = (field ? get_part(txn->model, lb, named, entry->name)
               : MODEL_BACKEND_NONE);

        if (part != MODEL_BACKEND_NONE) {
            request->left_backends[request->n_left_backends++]
                = (struct model_left_backend) {
                    xstrdup(names.names[i]), xstrdup(entry->name), field,
                    part,
                };
        }
        model_yield(txn->model);
    }
}

void
note_left_balancers(struct txn *txn)
{
    size_t n_ports = 0;

    for (size_t i = 0; i < txn->n_touched && n_ports < PORTS_MAX; i++) {
        const struct entry *entry = txn->touched[i];

        if (entry->table == VMN_TABLE_PORT && entry->before && !entry->cur) {
            add_balancers(txn, entry);
            n_ports++;
        }
    }
}

void
model_request_clear_left_backends(struct model_request *request)
{
    for (size_t i = 0; i < request->n_left_backends; i++) {
        free(request->left_backends[i].balancer);
        free(request->left_backends[i].port);
    }
    request->n_left_backends = 0;
}
