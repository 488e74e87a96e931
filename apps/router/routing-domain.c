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
    size_t *sorted;             /* Indexes of 'names', by name. */
};

struct search {
    struct vmn_view *view;
    struct set routers;         /* The routers found, */
    struct set networks;        /* by way of these networks. */
};

/* Returns where 'name' is, or belongs, in the set's 'sorted'.  Not by a hash:
 * tenants choose names. */
static size_t
set_place(const struct set *set, const char *name)
{
    size_t first = 0, end = set->n;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (strcmp(set->names[set->sorted[middle]], name) < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

static void
set_grow(struct vmn_view *view, struct set *set)
{
    struct set more = { set->n, set->allocated ? 2 * set->allocated : 16,
                        NULL, NULL };

    more.names = vmn_alloc(view, more.allocated * sizeof *more.names);
    more.sorted = vmn_alloc(view, more.allocated * sizeof *more.sorted);
    if (set->n) {
        memcpy(more.names, set->names, set->n * sizeof *more.names);
        memcpy(more.sorted, set->sorted, set->n * sizeof *more.sorted);
    }
    *set = more;
}

/* Adds 'name', which must live as long as the set.  Returns false if it is in
 * the set already. */
static bool
set_add(struct vmn_view *view, struct set *set, const char *name)
{
    size_t place = set_place(set, name);

    if (place < set->n && !strcmp(set->names[set->sorted[place]], name)) {
        return false;
    }
    if (set->n >= set->allocated) {
        set_grow(view, set);
    }
    memmove(&set->sorted[place + 1], &set->sorted[place],
            (set->n - place) * sizeof *set->sorted);
    set->sorted[place] = set->n;
    set->names[set->n++] = name;
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
