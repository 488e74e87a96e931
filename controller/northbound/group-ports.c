/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the ports of a selector, a group or a quarantine by the label index,
 * rather than by reading all ports. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "sset.h"
#include "util.h"

const char **
nb_selector_candidates(const struct model *model,
                       const struct vmn_selector *selector, size_t *n)
{
    struct vmn_names best = model_selector_candidates(model, selector);
    const char **names;

    /* A copy: the index may change while rows are read. */
    *n = best.n;
    names = xmalloc(MAX(best.n, 1) * sizeof *names);
    if (best.n) {       /* Otherwise 'best.names' may be NULL. */
        memcpy(names, best.names, best.n * sizeof *names);
    }
    return names;
}

/* Members.  -------------------------------------------------------------- */

/* Returns the ports that match 'selector', sorted.  The caller frees the
 * array. */
static const char **
get_selected(const struct model *model,
             const struct vmn_selector *selector, size_t *np)
{
    const char **names;
    size_t n_candidates, n = 0;

    *np = 0;
    if (!selector->text) {
        return NULL;
    }
    names = nb_selector_candidates(model, selector, &n_candidates);
    for (size_t i = 0; i < n_candidates; i++) {
        const struct vmn_port *port = model_get_durable(
            model, VMN_TABLE_PORT, names[i], NULL);

        if (port && vmn_selector_matches(selector, &port->labels)) {
            names[n++] = names[i];
        }
    }
    *np = n;
    return names;
}

/* Names of ports, unsorted, and of the groups that they come from. */
struct members {
    size_t n, allocated;
    const char **names;
    struct sset groups;
};

static void
members_add(struct members *members, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (members->n >= members->allocated) {
            members->names = x2nrealloc(members->names, &members->allocated,
                                        sizeof *members->names);
        }
        members->names[members->n++] = names[i];
    }
}

/* Adds the ports of a group: the named, the selected (both are sorted), and
 * those of nested groups. */
static void
members_add_group(const struct model *model, struct members *members,
                  const struct vmn_group *group)
{
    size_t n_selected;
    const char **selected;

    if (!group || !sset_add(&members->groups, group->row.name)) {
        return;
    }
    selected = get_selected(model, &group->selector, &n_selected);
    members_add(members, (const char *const *) selected, n_selected);
    free(selected);
    members_add(members, group->ports, group->n_ports);
    for (size_t i = 0; i < group->n_groups; i++) {
        members_add_group(model, members, model_get_durable(
            model, VMN_TABLE_GROUP, group->groups[i], NULL));
    }
}

static int
compare_names(const void *a_, const void *b_)
{
    const char *const *a = a_;
    const char *const *b = b_;

    return strcmp(*a, *b);
}

/* If all were selected they are sorted already, which is common. */
static void
members_sort(struct members *members)
{
    const char **names = members->names;
    size_t n = members->n ? 1 : 0;

    for (size_t i = 1; i < members->n; i++) {
        if (strcmp(names[i - 1], names[i]) > 0) {
            qsort(names, members->n, sizeof *names, compare_names);
            break;
        }
    }
    for (size_t i = 1; i < members->n; i++) {
        if (strcmp(names[n - 1], names[i])) {
            names[n++] = names[i];
        }
    }
    members->n = n;
}

const char **
nb_group_members(const struct model *model, const struct vmn_group *group,
                 size_t *n)
{
    struct members members = { .n = 0 };

    sset_init(&members.groups);
    members_add_group(model, &members, group);
    sset_destroy(&members.groups);
    members_sort(&members);
    *n = members.n;
    return members.names;
}

/* Returns the names of the ports that match 'selector' and of the 'n_ports' in
 * 'ports', sorted and distinct, and sets '*n'.  The caller frees the array. */
static const char **
selected_or_named(const struct model *model,
                  const struct vmn_selector *selector,
                  const char *const *ports, size_t n_ports, size_t *n)
{
    struct members members = { .n = 0 };
    size_t n_selected;
    const char **selected = get_selected(model, selector, &n_selected);

    members_add(&members, (const char *const *) selected, n_selected);
    free(selected);
    members_add(&members, ports, n_ports);
    members_sort(&members);
    *n = members.n;
    return members.names;
}

const char **
nb_group_ports(const struct model *model, const struct vmn_group *group,
               size_t *n)
{
    return selected_or_named(model, &group->selector, group->ports,
                             group->n_ports, n);
}

/* With the sub-ports of those that it selects or names. */
const char **
nb_quarantine_ports(const struct model *model,
                    const struct vmn_quarantine *quarantine, size_t *n)
{
    struct members members = { .n = 0 };
    const char **names = selected_or_named(model, &quarantine->selector,
                                           quarantine->ports,
                                           quarantine->n_ports, n);

    members_add(&members, names, *n);
    for (size_t i = 0; i < *n; i++) {
        struct vmn_names subs = model_lookup(model, VMN_INDEX_PORT_BY_PARENT,
                                             names[i]);

        members_add(&members, subs.names, subs.n);
    }
    free(names);
    members_sort(&members);
    *n = members.n;
    return members.names;
}

void
nb_fill_members(const char *const *names, size_t n, bool list,
                struct arena *arena, struct status_members *members)
{
    members->n_members = n;
    if (list) {
        members->n_listed = MIN(n, NB_MEMBERS_MAX);
        members->members = arena_alloc(arena, members->n_listed
                                              * sizeof *members->members);
        for (size_t i = 0; i < members->n_listed; i++) {
            members->members[i] = names[i];
        }
    }
}
