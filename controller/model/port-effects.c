/* SPDX-License-Identifier: Apache-2.0
 *
 * See port-effects.h. */

#include <config.h>

#include "controller/model/port-effects.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/txn.h"
#include "controller/schema/schema-row.h"
#include "svec.h"
#include "util.h"

/* A request's effects. */
struct effects {
    const struct model *model;
    const struct entry *entry;  /* That is looked at. */
    size_t n_ports_left;        /* To look at for its quarantines. */
    size_t n_lookups_left;      /* For ports' labels. */
    struct svec quarantines;    /* Those that it changed. */
    port_effect_cb *cb;
    void *aux;
};

static const void *
row_before(const struct entry *entry)
{
    const struct version *version = (!entry ? NULL : entry->touched
                                     ? entry->before : entry->cur);

    return version ? version->row : NULL;
}

/* Reports the ports that are in 'a' and not in 'b', both of which are
 * sorted. */
static void
call_missing(const struct effects *effects, const struct svec *a,
             const struct svec *b, const char *op)
{
    size_t j = 0;

    for (size_t i = 0; i < a->n; i++) {
        while (j < b->n && strcmp(b->names[j], a->names[i]) < 0) {
            j++;
        }
        if (j >= b->n || strcmp(b->names[j], a->names[i])) {
            effects->cb(effects->aux, op, a->names[i],
                        effects->entry->table, effects->entry->name);
        }
    }
}

/* Adds those of 'among' that 'selector' matches to 'ports'. */
static void
add_selected(const struct model *model, const struct vmn_selector *selector,
             const struct svec *among, struct svec *ports)
{
    for (size_t i = 0; selector->text && i < among->n; i++) {
        const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                                among->names[i]);

        if (port && vmn_selector_matches(selector, &port->labels)) {
            svec_add(ports, among->names[i]);
        }
    }
    svec_sort_unique(ports);
}

/* Ports whose labels have changed.  --------------------------------------- */

/* Returns true if the request gave the port, which exists, its labels: by
 * itself it may have come into quarantines and out of them. */
static bool
is_relabelled(const struct entry *port)
{
    const struct vmn_row *before = row_before(port), *now = entry_row(port);

    return (port && now && entry_is_changed(port)
            && !(before && schema_row_same_labels(before, now)));
}

static bool
holds(const struct vmn_quarantine *quarantine, const struct vmn_port *port)
{
    if (!quarantine || !port) {
        return false;
    }
    for (size_t i = 0; i < quarantine->n_ports; i++) {
        if (!strcmp(quarantine->ports[i], port->row.name)) {
            return true;
        }
    }
    return (quarantine->selector.text
            && vmn_selector_matches(&quarantine->selector, &port->labels));
}

/* Returns how many ports a quarantine (NULL: none) names. */
static size_t
n_named(const struct vmn_quarantine *quarantine)
{
    return quarantine ? quarantine->n_ports : 0;
}

static void
add_found(struct effects *effects, enum vmn_index index, const char *key,
          struct svec *names)
{
    struct vmn_names found = model_lookup(effects->model, index, key);

    for (size_t i = 0; i < found.n; i++) {
        svec_add(names, found.names[i]);
    }
    effects->n_lookups_left -= MIN(effects->n_lookups_left, found.n + 1);
}

/* Adds the quarantines that may select a port with these labels. */
static void
add_anchored(struct effects *effects, const struct vmn_port *port,
             struct svec *names)
{
    for (size_t i = 0; port && i < port->labels.n
         && effects->n_lookups_left; i++) {
        const struct vmn_label *label = &port->labels.labels[i];
        char *key = xasprintf("%s=%s", label->key, label->value);

        add_found(effects, VMN_INDEX_QUARANTINE_BY_ANCHOR, key, names);
        add_found(effects, VMN_INDEX_QUARANTINE_BY_ANCHOR, label->key, names);
        free(key);
    }
}

/* Reports the quarantines that the port came into, and those it left. */
static void
relabelled_effects(struct effects *effects, const struct entry *entry)
{
    const struct vmn_port *before = row_before(entry);
    const struct vmn_port *now = entry_row(entry);
    struct svec names = SVEC_EMPTY_INITIALIZER;

    svec_append(&names, &effects->quarantines);
    effects->n_lookups_left -= MIN(effects->n_lookups_left,
                                   effects->quarantines.n);
    add_found(effects, VMN_INDEX_QUARANTINE_BY_ANCHOR, "", &names);
    add_anchored(effects, before, &names);
    add_anchored(effects, now, &names);
    svec_sort_unique(&names);
    for (size_t i = 0; i < names.n && effects->n_lookups_left; i++) {
        const struct entry *quarantine = model_find(
            effects->model, VMN_TABLE_QUARANTINE, names.names[i]);
        bool was = holds(row_before(quarantine), before);
        bool is = holds(entry_row(quarantine), now);

        if (was != is) {
            effects->cb(effects->aux, is ? "quarantine" : "release",
                        entry->name, VMN_TABLE_QUARANTINE, names.names[i]);
        }
        effects->n_lookups_left -= MIN(
            effects->n_lookups_left, n_named(row_before(quarantine))
            + n_named(entry_row(quarantine)));
    }
    svec_destroy(&names);
}

/* Quarantines.  ----------------------------------------------------------- */

/* Returns for how many ports it is to be looked whether the quarantine (NULL:
 * none) selects them. */
static size_t
n_candidates(const struct model *model,
             const struct vmn_quarantine *quarantine)
{
    return (quarantine && quarantine->selector.text
            ? model_selector_candidates(model, &quarantine->selector).n : 0);
}

/* Adds the ports of a quarantine (NULL: none): those that it names, and, with
 * 'selected', those that it selects; except those that are relabelled. */
static void
add_quarantined(const struct model *model,
                const struct vmn_quarantine *quarantine, bool selected,
                struct svec *ports)
{
    struct vmn_names names = { .n = 0 };

    for (size_t i = 0; quarantine && i < quarantine->n_ports; i++) {
        if (!is_relabelled(model_find(model, VMN_TABLE_PORT,
                                      quarantine->ports[i]))) {
            svec_add(ports, quarantine->ports[i]);
        }
    }
    if (quarantine && selected && quarantine->selector.text) {
        names = model_selector_candidates(model, &quarantine->selector);
    }
    for (size_t i = 0; i < names.n; i++) {
        const struct entry *entry = model_find(model, VMN_TABLE_PORT,
                                               names.names[i]);
        const struct vmn_port *port = entry_row(entry);

        if (port && vmn_selector_matches(&quarantine->selector,
                                         &port->labels)
            && !is_relabelled(entry)) {
            svec_add(ports, names.names[i]);
        }
    }
    svec_sort_unique(ports);
}

/* Returns true if both name and select the same ports. */
static bool
is_same_quarantine(const struct vmn_quarantine *a,
                   const struct vmn_quarantine *b)
{
    const char *text_a = a->selector.text ? a->selector.text : "";
    const char *text_b = b->selector.text ? b->selector.text : "";
    bool same = (!a->selector.text == !b->selector.text
                 && !strcmp(text_a, text_b) && a->n_ports == b->n_ports);

    for (size_t i = 0; same && i < a->n_ports; i++) {
        same = !strcmp(a->ports[i], b->ports[i]);
    }
    return same;
}

static void
quarantine_effects(struct effects *effects,
                   const struct vmn_quarantine *before,
                   const struct vmn_quarantine *now)
{
    const struct model *model = effects->model;
    size_t n = n_candidates(model, before) + n_candidates(model, now);
    bool look = n <= effects->n_ports_left;
    struct svec then = SVEC_EMPTY_INITIALIZER;
    struct svec there = SVEC_EMPTY_INITIALIZER;

    if (before && now && is_same_quarantine(before, now)) {
        return;
    }
    add_quarantined(model, before, look, &then);
    add_quarantined(model, now, look, &there);
    /* A port that the one names may be selected by the other. */
    if (!look && before && now) {
        add_selected(model, &now->selector, &then, &there);
        add_selected(model, &before->selector, &there, &then);
    }
    call_missing(effects, &there, &then, "quarantine");
    call_missing(effects, &then, &there, "release");
    effects->n_ports_left -= look ? n : 0;
    svec_destroy(&then);
    svec_destroy(&there);
}

/* Balancers.  ------------------------------------------------------------- */

/* Adds the backends that are listed with, or without, a drain. */
static void
add_backends(const struct vmn_loadbalancer *lb, bool drain,
             struct svec *ports)
{
    for (size_t i = 0; lb && i < lb->n_backends; i++) {
        const struct vmn_backend *backend = vmn_backend_at(lb, i);

        if (backend->drain == drain) {
            svec_add(ports, backend->port);
        }
    }
    svec_sort_unique(ports);
}

/* A backend that is listed no longer is undrained only if the balancer selects
 * it. */
static void
balancer_effects(const struct effects *effects,
                 const struct vmn_loadbalancer *before,
                 const struct vmn_loadbalancer *now)
{
    struct svec then = SVEC_EMPTY_INITIALIZER;
    struct svec there = SVEC_EMPTY_INITIALIZER;
    struct svec serving = SVEC_EMPTY_INITIALIZER;

    add_backends(before, true, &then);
    add_backends(now, true, &there);
    call_missing(effects, &there, &then, "drain");
    if (now) {
        add_backends(now, false, &serving);
        add_selected(effects->model, &now->selector, &then, &serving);
        for (size_t i = 0; i < then.n; i++) {
            if (svec_contains(&serving, then.names[i])
                && !svec_contains(&there, then.names[i])) {
                effects->cb(effects->aux, "undrain", then.names[i],
                            VMN_TABLE_LOADBALANCER, now->row.name);
            }
        }
    }
    svec_destroy(&serving);
    svec_destroy(&there);
    svec_destroy(&then);
}

static void
effects_of(struct effects *effects, const struct entry *entry)
{
    const void *before = row_before(entry), *now = entry_row(entry);

    effects->entry = entry;
    if (entry->table == VMN_TABLE_QUARANTINE) {
        quarantine_effects(effects, before, now);
    } else if (entry->table == VMN_TABLE_LOADBALANCER) {
        balancer_effects(effects, before, now);
    } else if (entry->table == VMN_TABLE_PORT && is_relabelled(entry)
               && effects->n_lookups_left) {
        relabelled_effects(effects, entry);
    }
}

void
port_effects(const struct txn *txn, port_effect_cb *cb, void *aux)
{
    struct effects effects = {
        .model = txn->model, .n_ports_left = PORT_EFFECTS_LOOKED_MAX,
        .n_lookups_left = PORT_EFFECTS_LOOKED_MAX, .cb = cb, .aux = aux,
    };

    svec_init(&effects.quarantines);
    for (size_t i = 0; i < txn->n_touched; i++) {
        if (txn->touched[i]->table == VMN_TABLE_QUARANTINE
            && entry_is_changed(txn->touched[i])) {
            svec_add(&effects.quarantines, txn->touched[i]->name);
        }
    }
    if (!effects.quarantines.n
        && !model_names(txn->model, VMN_TABLE_QUARANTINE).n) {
        effects.n_lookups_left = 0; /* Nothing that holds a port. */
    }
    for (size_t i = 0; i < txn->n_touched; i++) {
        if (entry_is_changed(txn->touched[i])) {
            effects_of(&effects, txn->touched[i]);
            model_yield(txn->model);
        }
    }
    svec_destroy(&effects.quarantines);
}
