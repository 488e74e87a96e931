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

/* Returns the row that the entry had before the request, or NULL. */
static const void *
row_before(const struct entry *entry)
{
    const struct version *version = (!entry ? NULL
                                     : entry->touched ? entry->before
                                     : entry->cur);

    return version ? version->row : NULL;
}

/* Returns where in the balancer's spec the port is a backend that is not
 * drained by request, or NULL. */
static const char *
backend_field(const struct vmn_loadbalancer *lb, const struct vmn_port *port)
{
    for (size_t i = 0; i < lb->n_backends; i++) {
        const struct vmn_backend *backend = vmn_backend_at(lb, i);

        if (!strcmp(backend->port, port->row.name)) {
            return backend->drain ? NULL : "/backends";
        }
    }
    return (lb->selector.text
            && vmn_selector_matches(&lb->selector, &port->labels)
            ? "/selector" : NULL);
}

/* Returns true if there is nothing to cut, since the backend is known to have
 * no connections. */
static bool
is_drained(const struct model *model, const char *balancer, const char *port)
{
    char *name = xasprintf("%s/%s", balancer, port);
    const struct vmn_health *health
        = row_before(model_find(model, VMN_TABLE_HEALTH, name));

    free(name);
    return health && health->state == VMN_HEALTH_DRAINED;
}

/* Adds the balancers that the port of 'entry', which the request deletes,
 * served before: those that are offered in its network. */
static void
add_balancers(struct txn *txn, const struct entry *entry)
{
    struct model_request *request = txn->request;
    const struct vmn_port *port = row_before(entry);
    struct vmn_names names;

    if (!port || !port->enabled
        || !row_before(model_find(txn->model, VMN_TABLE_BINDING,
                                  entry->name))) {
        return;
    }
    names = model_lookup(txn->model, VMN_INDEX_LB_BY_NETWORK, port->network);
    for (size_t i = 0; i < names.n
         && request->n_left_backends < MODEL_LEFT_BACKENDS_MAX; i++) {
        const struct vmn_loadbalancer *lb = row_before(
            model_find(txn->model, VMN_TABLE_LOADBALANCER, names.names[i]));
        const char *field = (lb && vmn_lb_is_offered_in(lb, port->network)
                             ? backend_field(lb, port) : NULL);

        if (field && !is_drained(txn->model, names.names[i], entry->name)) {
            request->left_backends[request->n_left_backends++]
                = (struct model_left_backend) {
                    xstrdup(names.names[i]), xstrdup(entry->name), field,
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
