/* SPDX-License-Identifier: Apache-2.0
 *
 * See port-effects.h. */

#include <config.h>

#include "controller/model/port-effects.h"

#include <string.h>

#include "svec.h"
#include "util.h"

/* What is in 'a' and not in 'b', both of which are sorted. */
static void
call_missing(const struct svec *a, const struct svec *b, const char *op,
             port_effect_cb *cb, void *aux)
{
    size_t j = 0;

    for (size_t i = 0; i < a->n; i++) {
        while (j < b->n && strcmp(b->names[j], a->names[i]) < 0) {
            j++;
        }
        if (j >= b->n || strcmp(b->names[j], a->names[i])) {
            cb(aux, op, a->names[i]);
        }
    }
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
 * 'selected', those that it selects by the labels that they have now. */
static void
add_quarantined(const struct model *model,
                const struct vmn_quarantine *quarantine, bool selected,
                struct svec *ports)
{
    struct vmn_names names = { .n = 0 };

    for (size_t i = 0; quarantine && i < quarantine->n_ports; i++) {
        svec_add(ports, quarantine->ports[i]);
    }
    if (quarantine && selected && quarantine->selector.text) {
        names = model_selector_candidates(model, &quarantine->selector);
    }
    for (size_t i = 0; i < names.n; i++) {
        const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                                names.names[i]);

        if (port && vmn_selector_matches(&quarantine->selector,
                                         &port->labels)) {
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
quarantine_effects(const struct model *model,
                   const struct vmn_quarantine *before,
                   const struct vmn_quarantine *now, size_t *n_left,
                   port_effect_cb *cb, void *aux)
{
    size_t n = n_candidates(model, before) + n_candidates(model, now);
    bool look = n <= *n_left;
    struct svec then = SVEC_EMPTY_INITIALIZER;
    struct svec there = SVEC_EMPTY_INITIALIZER;

    if (before && now && is_same_quarantine(before, now)) {
        return;
    }
    add_quarantined(model, before, look, &then);
    add_quarantined(model, now, look, &there);
    call_missing(&there, &then, "quarantine", cb, aux);
    call_missing(&then, &there, "release", cb, aux);
    *n_left -= look ? n : 0;
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

/* Adds those of 'drained' that 'now' selects to 'serving'. */
static void
add_selected(const struct model *model, const struct vmn_loadbalancer *now,
             const struct svec *drained, struct svec *serving)
{
    for (size_t i = 0; i < drained->n; i++) {
        const struct vmn_port *port = model_get(model, VMN_TABLE_PORT,
                                                drained->names[i]);

        if (port && now->selector.text
            && vmn_selector_matches(&now->selector, &port->labels)) {
            svec_add(serving, drained->names[i]);
        }
    }
    svec_sort_unique(serving);
}

/* A backend that is listed no longer is undrained only if the balancer selects
 * it. */
static void
balancer_effects(const struct model *model,
                 const struct vmn_loadbalancer *before,
                 const struct vmn_loadbalancer *now, port_effect_cb *cb,
                 void *aux)
{
    struct svec then = SVEC_EMPTY_INITIALIZER;
    struct svec there = SVEC_EMPTY_INITIALIZER;
    struct svec serving = SVEC_EMPTY_INITIALIZER;

    add_backends(before, true, &then);
    add_backends(now, true, &there);
    call_missing(&there, &then, "drain", cb, aux);
    if (now) {
        add_backends(now, false, &serving);
        add_selected(model, now, &then, &serving);
        for (size_t i = 0; i < then.n; i++) {
            if (svec_contains(&serving, then.names[i])
                && !svec_contains(&there, then.names[i])) {
                cb(aux, "undrain", then.names[i]);
            }
        }
    }
    svec_destroy(&serving);
    svec_destroy(&there);
    svec_destroy(&then);
}

void
port_effects(const struct model *model, enum vmn_table table,
             const struct vmn_row *before, const struct vmn_row *now,
             size_t *n_left, port_effect_cb *cb, void *aux)
{
    if (table == VMN_TABLE_QUARANTINE) {
        quarantine_effects(model, (const void *) before, (const void *) now,
                           n_left, cb, aux);
    } else if (table == VMN_TABLE_LOADBALANCER) {
        balancer_effects(model, (const void *) before, (const void *) now,
                         cb, aux);
    }
}
