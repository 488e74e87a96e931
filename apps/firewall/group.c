/* SPDX-License-Identifier: Apache-2.0
 *
 * What groups come to: which others are inside of them, and their addresses.
 * Who is in them is in identity.c.
 *
 * An identity stands for the groups that a port is in by itself, and not for
 * those around them.  So to put a group into another costs the flows of the
 * rules that name the other, and no identity changes. */

#include "firewall.h"

#include <stdlib.h>
#include <string.h>

/* Names.  ---------------------------------------------------------------- */

void
names_add(struct vmn_view *view, struct names *names, const char *name)
{
    if (names->n >= names->allocated) {
        const char **bigger;

        names->allocated = names->allocated ? 2 * names->allocated : 16;
        bigger = vmn_alloc(view, names->allocated * sizeof *bigger);
        if (names->n) {
            memcpy(bigger, names->names, names->n * sizeof *bigger);
        }
        names->names = bigger;
    }
    names->names[names->n++] = name;
}

static int
compare_names(const void *a_, const void *b_)
{
    const char *const *a = a_;
    const char *const *b = b_;

    return strcmp(*a, *b);
}

void
names_sort(struct names *names)
{
    size_t n = 0;

    if (names->n) {
        qsort(names->names, names->n, sizeof *names->names, compare_names);
    }
    for (size_t i = 0; i < names->n; i++) {
        if (!n || strcmp(names->names[n - 1], names->names[i])) {
            names->names[n++] = names->names[i];
        }
    }
    names->n = n;
}

static bool
names_has(const struct names *sorted, const char *name)
{
    return sorted->n && bsearch(&name, sorted->names, sorted->n,
                                sizeof *sorted->names, compare_names);
}

/* Groups in groups.  ----------------------------------------------------- */

/* Returns the groups that those in 'groups' list and that are not in 'known'
 * yet. */
static struct names
read_inner(struct vmn_view *view, const struct names *groups,
           const struct names *known)
{
    struct names inner = { 0, 0, NULL };

    for (size_t i = 0; i < groups->n; i++) {
        const struct vmn_group *group = vmn_read_group(view,
                                                       groups->names[i]);

        for (size_t j = 0; group && j < group->n_groups; j++) {
            if (!names_has(known, group->groups[j])) {
                names_add(view, &inner, group->groups[j]);
            }
        }
    }
    names_sort(&inner);
    return inner;
}

/* Evaluates the groups nested in group 'key', level by level.  It ends when a
 * level adds none, so it ends even with rows that form a loop. */
void
eval_nested(struct vmn_view *view, const char *key, struct vmn_value *value)
{
    struct names all = { 0, 0, NULL };
    struct names level = { 0, 0, NULL };
    size_t size = 0;
    char *text, *p;

    if (!vmn_read_group(view, key)) {
        return;
    }
    names_add(view, &all, key);
    names_add(view, &level, key);
    while (level.n) {
        level = read_inner(view, &level, &all);
        for (size_t i = 0; i < level.n; i++) {
            names_add(view, &all, level.names[i]);
        }
        names_sort(&all);
    }
    for (size_t i = 0; i < all.n; i++) {
        size += strlen(all.names[i]) + 1;
    }
    p = text = vmn_alloc(view, size);
    for (size_t i = 0; i < all.n; i++) {
        p = stpcpy(p, all.names[i]) + 1;
    }
    vmn_value_set(value, text, size);
}

void
names_add_nested(struct vmn_view *view, struct names *names,
                 const char *group)
{
    size_t size;
    const char *p = vmn_query(view, QUERY_NESTED, group, &size);

    for (const char *end = p + size; p && p < end; p += strlen(p) + 1) {
        names_add(view, names, p);
    }
}

/* Addresses.  ------------------------------------------------------------ */

/* Returns a copy in the fewest prefixes, and sets '*n' to their number. */
static struct vmn_prefix *
merged(struct vmn_view *view, const struct vmn_prefix *prefixes, size_t *n)
{
    struct vmn_prefix *copy = vmn_alloc(view, *n * sizeof *copy);

    if (*n) {
        memcpy(copy, prefixes, *n * sizeof *copy);
        *n = vmn_prefixes_merge(copy, *n);
    }
    return copy;
}

static void
make_room(struct vmn_view *view, struct prefixes *set, size_t n)
{
    if (n > set->allocated - set->n) {
        struct vmn_prefix *bigger;

        set->allocated = 2 * set->allocated + n;
        bigger = vmn_alloc(view, set->allocated * sizeof *bigger);
        if (set->n) {
            memcpy(bigger, set->prefixes, set->n * sizeof *bigger);
        }
        set->prefixes = bigger;
    }
}

void
prefixes_add(struct vmn_view *view, struct prefixes *set,
             const struct vmn_prefix *from_, size_t n,
             const struct vmn_prefix *except_, size_t n_except)
{
    const struct vmn_prefix *from = merged(view, from_, &n);
    const struct vmn_prefix *except = merged(view, except_, &n_except);

    make_room(view, set, vmn_prefixes_subtract(from, n, except, n_except,
                                               NULL));
    set->n += vmn_prefixes_subtract(from, n, except, n_except,
                                    set->prefixes + set->n);
}

void
eval_addresses(struct vmn_view *view, const char *key,
               struct vmn_value *value)
{
    const struct vmn_group *group = vmn_read_group(view, key);
    struct prefixes set = { 0, 0, NULL };

    if (group) {
        prefixes_add(view, &set, group->cidrs, group->n_cidrs, group->except,
                     group->n_except);
    }
    if (set.n) {
        vmn_value_set(value, set.prefixes, set.n * sizeof *set.prefixes);
    }
}

void
prefixes_add_group(struct vmn_view *view, struct prefixes *set,
                   const char *group)
{
    size_t size = 0;
    const struct vmn_prefix *own = vmn_query(view, QUERY_ADDRESSES, group,
                                             &size);
    size_t n = own ? size / sizeof *own : 0;

    if (n) {
        make_room(view, set, n);
        memcpy(set->prefixes + set->n, own, n * sizeof *own);
        set->n += n;
    }
}
