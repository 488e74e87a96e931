/* SPDX-License-Identifier: Apache-2.0
 *
 * See inherited-health.h. */

#include <config.h>

#include "controller/model/inherited-health.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model-class.h"
#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "sset.h"
#include "util.h"

/* A changed balancer, and the balancers before the request that may have had
 * its services. */
struct heir {
    struct txn *txn;
    const struct vmn_loadbalancer *lb;
    const struct vmn_loadbalancer *before; /* Of the same name, or NULL. */
    const struct vmn_loadbalancer *const *others;
    size_t n_others;
};

/* Makes 'state' (NULL: none) the row of the balancer's backend. */
static void
set_row(struct txn *txn, const char *balancer, const char *port,
        const char *state)
{
    char *name = xasprintf("%s/%s", balancer, port);
    struct entry *entry = model_find_or_add(txn->model, VMN_TABLE_HEALTH,
                                            name);
    struct version *version = NULL;

    if (state) {
        json_t *spec = json_pack("{s:s, s:s, s:s}", "loadbalancer", balancer,
                                 "port", port, "state", state);

        version = version_create();
        version->row = schema_row_parse(schema_tables[VMN_TABLE_HEALTH],
                                        name, spec, "", &version->arena,
                                        txn->errors);
        json_decref(spec);
        version_keep(txn->model, version, entry->cur);
    }
    txn_set(txn, entry, version);
    free(name);
}

/* Predecessors.  ---------------------------------------------------------- */

static bool
overlap(const struct vmn_lb_port *a, const struct vmn_lb_port *b)
{
    return a->port <= vmn_lb_port_last(b) && b->port <= vmn_lb_port_last(a);
}

/* Returns true if both have a service in common, in one of their networks. */
static bool
share_service(const struct vmn_loadbalancer *a,
              const struct vmn_loadbalancer *b)
{
    bool network = false, port = false;

    if (!vmn_ip_equal(&a->vip, &b->vip) || a->protocol != b->protocol) {
        return false;
    }
    for (size_t i = 0; i < a->n_networks && !network; i++) {
        network = vmn_lb_is_offered_in(b, a->networks[i]);
    }
    for (size_t i = 0; i < a->n_ports && !port; i++) {
        for (size_t j = 0; j < b->n_ports && !port; j++) {
            port = overlap(vmn_lb_port_at(a, i), vmn_lb_port_at(b, j));
        }
    }
    return network && port;
}

static bool
lists(const struct vmn_loadbalancer *lb, const struct vmn_port *port)
{
    for (size_t i = 0; i < lb->n_backends; i++) {
        if (!strcmp(vmn_backend_at(lb, i)->port, port->row.name)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the port, as it was before the request, is a backend. */
static bool
had(const struct vmn_loadbalancer *lb, const struct vmn_port *port)
{
    return (port && vmn_lb_is_offered_in(lb, port->network)
            && (lists(lb, port)
                || (lb->selector.text
                    && vmn_selector_matches(&lb->selector, &port->labels))));
}

/* Returns the state that the backend had at a balancer before the request, or
 * NULL.  What no probes have judged was up. */
static const char *
state_at(const struct txn *txn, const struct vmn_loadbalancer *was,
         const char *port)
{
    static const char *const words[] = {
        [VMN_HEALTH_UP] = "up", [VMN_HEALTH_DOWN] = "down",
        [VMN_HEALTH_DRAINED] = "drained",
    };
    const struct vmn_health *health;
    char *name;

    if (!had(was, entry_row_before(model_find(txn->model, VMN_TABLE_PORT,
                                              port)))) {
        return NULL;
    }
    name = xasprintf("%s/%s", was->row.name, port);
    health = entry_row_before(model_find(txn->model, VMN_TABLE_HEALTH, name));
    free(name);
    return (health && (was->health.type
                       || health->state == VMN_HEALTH_DRAINED)
            ? words[health->state] : was->health.type ? NULL : "up");
}

/* The heir.  -------------------------------------------------------------- */

/* Has a backend keep its state, unless the balancer has a state of it. */
static void
inherit(const struct heir *heir, const char *port)
{
    const char *state = NULL;
    char *name = xasprintf("%s/%s", heir->lb->row.name, port);
    bool known = model_get(heir->txn->model, VMN_TABLE_HEALTH, name);

    free(name);
    if (known) {
        return;
    }
    if (heir->before) {
        state = state_at(heir->txn, heir->before, port);
    }
    for (size_t i = 0; i < heir->n_others && !state; i++) {
        if (share_service(heir->lb, heir->others[i])) {
            state = state_at(heir->txn, heir->others[i], port);
        }
    }
    if (state && (heir->lb->health.type || !strcmp(state, "drained"))) {
        set_row(heir->txn, heir->lb->row.name, port, state);
    }
}

/* Deletes what probes have found of a balancer that has none any more: if it
 * gets some again, its backends have served meanwhile. */
static void
forget_probes(struct txn *txn, const char *balancer)
{
    struct vmn_names names = model_referrers(
        txn->model, VMN_TABLE_LOADBALANCER, balancer, VMN_TABLE_HEALTH);
    struct sset copy = SSET_INITIALIZER(&copy);
    const char *name;

    for (size_t i = 0; i < names.n; i++) {
        sset_add(&copy, names.names[i]);    /* The names change meanwhile. */
    }
    SSET_FOR_EACH (name, &copy) {
        const struct vmn_health *health = model_get(
            txn->model, VMN_TABLE_HEALTH, name);

        if (health->state != VMN_HEALTH_DRAINED) {
            set_row(txn, balancer, health->port, NULL);
        }
    }
    sset_destroy(&copy);
}

static void
inherit_all(const struct heir *heir)
{
    const struct vmn_loadbalancer *lb = heir->lb;
    struct vmn_names names = { 0, NULL };

    if (!lb->health.type && heir->before && heir->before->health.type) {
        forget_probes(heir->txn, lb->row.name);
    }
    for (size_t i = 0; i < lb->n_backends; i++) {
        inherit(heir, vmn_backend_at(lb, i)->port);
    }
    if (lb->selector.text) {
        names = model_selector_candidates(heir->txn->model, &lb->selector);
    }
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_port *port = model_get(
            heir->txn->model, VMN_TABLE_PORT, names.names[i]);

        if (port && vmn_selector_matches(&lb->selector, &port->labels)) {
            inherit(heir, names.names[i]);
        }
        model_yield(heir->txn->model);
    }
}

/* Returns true if the entry is what is known of a backend whose balancer is
 * gone: a reference to that is gone already. */
static bool
is_left_over(const struct entry *entry)
{
    const struct vmn_health *health = entry->table == VMN_TABLE_HEALTH
                                      ? entry_row(entry) : NULL;

    return health && !entry->op && !health->loadbalancer && !health->target;
}

void
inherit_health(struct txn *txn)
{
    const struct vmn_loadbalancer **others
        = xmalloc(MAX(txn->n_touched, 1) * sizeof *others);
    size_t n_touched = txn->n_touched, n_others = 0;

    for (size_t i = 0; i < n_touched; i++) {
        const struct entry *entry = txn->touched[i];

        if (entry->table == VMN_TABLE_LOADBALANCER && entry->before
            && entry->cur != entry->before) {
            others[n_others++] = (const void *) entry->before->row;
        }
    }
    for (size_t i = 0; i < n_touched; i++) {
        struct entry *entry = txn->touched[i];

        if (is_left_over(entry)) {
            txn_set(txn, entry, NULL);
        } else if (entry->table == VMN_TABLE_LOADBALANCER && entry->cur
                   && entry->cur != entry->before && n_others) {
            inherit_all(&(struct heir) {
                .txn = txn, .lb = entry_row(entry),
                .before = entry_row_before(entry),
                .others = others, .n_others = n_others,
            });
        }
        model_yield(txn->model);
    }
    free(others);
}
