/* SPDX-License-Identifier: Apache-2.0
 *
 * Which networks are joined: a domain is known by the first, by name, of its
 * routers.  The search goes from router to router by the networks that they
 * share.
 *
 * Were each router of a large domain to look at all the others, n routers
 * would read n x n rows.  So a router looks at the nearest of them only, and
 * asks the first of these by name what it knows; which cannot go in circles,
 * since that one comes before it. */

#include "router.h"

#include <string.h>

/* How many routers a query visits itself before it reads another router's
 * query.  The larger it is, the fewer nested queries share one stack. */
#define NEAR_MAX 256

/* A set of names, in the order in which they were added. */
struct set {
    size_t n, allocated;
    const char **names;
    size_t *slots;              /* 2 x 'allocated': index + 1, by hash. */
};

struct search {
    struct vmn_view *view;
    struct set routers;         /* The routers found, */
    struct set networks;        /* by way of these networks. */
};

/* Returns the hash slot of 'name', or the free one where it belongs. */
static size_t *
set_slot(const struct set *set, const char *name)
{
    size_t n_slots = 2 * set->allocated;
    size_t hash = 5381;

    for (const char *c = name; *c; c++) {
        hash = hash * 33 + (unsigned char) *c;
    }
    for (size_t i = hash % n_slots;; i = (i + 1) % n_slots) {
        size_t *slot = &set->slots[i];

        if (!*slot || !strcmp(set->names[*slot - 1], name)) {
            return slot;
        }
    }
}

static void
set_grow(struct vmn_view *view, struct set *set)
{
    struct set more = { set->n, set->allocated ? 2 * set->allocated : 16,
                        NULL, NULL };

    more.names = vmn_alloc(view, more.allocated * sizeof *more.names);
    more.slots = vmn_alloc(view, 2 * more.allocated * sizeof *more.slots);
    for (size_t i = 0; i < set->n; i++) {
        more.names[i] = set->names[i];
        *set_slot(&more, set->names[i]) = i + 1;
    }
    *set = more;
}

/* Adds 'name', which must live as long as the set.  Returns false if it is in
 * the set already. */
static bool
set_add(struct vmn_view *view, struct set *set, const char *name)
{
    size_t *slot;

    if (set->n >= set->allocated) {
        set_grow(view, set);
    }
    slot = set_slot(set, name);
    if (*slot) {
        return false;
    }
    set->names[set->n++] = name;
    *slot = set->n;
    return true;
}

/* Adds the routers of a network, unless it was visited.  Returns the first by
 * name of these and 'first'. */
static const char *
visit_network(struct search *search, const char *network,
              const char *first)
{
    if (!set_add(search->view, &search->networks, network)) {
        return first;
    }

    struct vmn_names names = vmn_lookup(search->view,
                                        VMN_INDEX_ROUTER_BY_NETWORK, network);

    for (size_t i = 0; i < names.n; i++) {
        set_add(search->view, &search->routers, names.names[i]);
    }
    return names.n && strcmp(names.names[0], first) < 0 ? names.names[0]
           : first;
}

void
query_component(struct vmn_view *view, const char *router,
                struct vmn_value *value)
{
    struct search search = { .view = view };
    const char *first = router;

    if (!vmn_read_router(view, router)) {
        return;
    }
    set_add(view, &search.routers, router);
    for (size_t i = 0; i < search.routers.n; i++) {
        const struct vmn_router *row = vmn_read_router(
            view, search.routers.names[i]);

        for (size_t j = 0; row && j < row->n_interfaces; j++) {
            first = visit_network(&search, vmn_router_interface_at(row,
                                                                   j)->network,
                                  first);
        }
        if (search.routers.n >= NEAR_MAX && strcmp(first, router) < 0) {
            size_t size;
            const char *answer = vmn_query(view, QUERY_COMPONENT, first,
                                           &size);

            if (answer) {
                vmn_value_set(value, answer, size);
            }
            return;
        }
    }
    vmn_value_set(value, first, strlen(first) + 1);
}

void
query_domain(struct vmn_view *view, const char *network,
             struct vmn_value *value)
{
    struct vmn_names routers = vmn_lookup(view, VMN_INDEX_ROUTER_BY_NETWORK,
                                          network);
    size_t size;
    const char *first = routers.n ? vmn_query(view, QUERY_COMPONENT,
                                              routers.names[0], &size)
                        : NULL;

    if (first) {
        const char *key = vmn_printf(view, "@%s", first);

        vmn_value_set(value, key, strlen(key) + 1);
    }
}

/* Publishes the hosts of all domains with routers, for flows that routers
 * share. */
void
compile_domain(struct vmn_view *view, const char *key, struct vmn_emit *emit)
{
    struct vmn_names hosts =
        vmn_relation_values(view, VMN_REL_DOMAIN_HOSTS, key);

    for (size_t i = 0; i < hosts.n; i++) {
        vmn_publish(emit, REL_HOSTS, "", hosts.names[i]);
    }
}
