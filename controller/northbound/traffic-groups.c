/* SPDX-License-Identifier: Apache-2.0
 *
 * See traffic-groups.h.  Found from the port, by the index of the labels that
 * selectors ask for: going through the members of each group would take as
 * long for two ports that talk as for all. */

#include <config.h>

#include "controller/northbound/traffic-groups.h"

#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/selector.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "util.h"

/* Names, borrowed. */
struct names {
    const char **names;
    size_t n, allocated;
};

void
traffic_groups_init(struct traffic_groups *tg, const struct model *model,
                    const struct model_rights *rights, struct arena *arena)
{
    *tg = (struct traffic_groups) {
        .model = model, .rights = rights, .arena = arena,
    };
    hmap_init(&tg->classes);
}

void
traffic_groups_uninit(struct traffic_groups *tg)
{
    hmap_destroy(&tg->classes);
}

static bool
is_exhausted(const struct traffic_groups *tg)
{
    return tg->n_looks >= TRAFFIC_GROUPS_LOOKS_MAX;
}

static int
compare_names(const void *a_, const void *b_)
{
    const char *const *a = a_;
    const char *const *b = b_;

    return strcmp(*a, *b);
}

/* Sorts them, each once, and returns them as "A,B", which the caller frees. */
static char *
join(const char **names, size_t *n)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n_left = 0;

    if (*n > 1) {
        qsort(names, *n, sizeof *names, compare_names);
    }
    for (size_t i = 0; i < *n; i++) {
        if (!i || strcmp(names[n_left - 1], names[i])) {
            names[n_left++] = names[i];
            ds_put_format(&ds, "%s%s", n_left > 1 ? "," : "", names[i]);
        }
    }
    *n = n_left;
    return ds_steal_cstr(&ds);
}

/* Direct ones.  ----------------------------------------------------------- */

static bool
is_in(const struct vmn_group *group, const struct vmn_port *port)
{
    return ((group->selector.text
             && vmn_selector_matches(&group->selector, &port->labels))
            || (group->n_ports
                && bsearch(&port->row.name, group->ports, group->n_ports,
                           sizeof *group->ports, compare_names)));
}

/* Adds the groups at 'key' of 'index' that the port is in.  The index is that
 * of the newest state, the groups are those of the durable one. */
static void
add_direct(struct traffic_groups *tg, const struct vmn_port *port,
           enum vmn_index index, const char *key, struct names *names)
{
    struct vmn_names found = model_lookup(tg->model, index, key);

    for (size_t i = 0; i < found.n && !is_exhausted(tg); i++) {
        const struct vmn_group *group = model_get_durable(
            tg->model, VMN_TABLE_GROUP, found.names[i], NULL);

        tg->n_looks++;
        if (group && is_in(group, port)) {
            if (names->n >= names->allocated) {
                names->names = x2nrealloc(names->names, &names->allocated,
                                          sizeof *names->names);
            }
            names->names[names->n++] = group->row.name;
        }
    }
}

/* Finds the groups that the port is in by itself. */
static void
find_direct(struct traffic_groups *tg, const struct vmn_port *port,
            struct names *names)
{
    struct ds key = DS_EMPTY_INITIALIZER;

    add_direct(tg, port, VMN_INDEX_GROUP_BY_PORT, port->row.name, names);
    add_direct(tg, port, VMN_INDEX_GROUP_BY_ANCHOR, "", names);
    for (size_t i = 0; i < port->labels.n; i++) {
        const struct vmn_label *label = &port->labels.labels[i];

        add_direct(tg, port, VMN_INDEX_GROUP_BY_ANCHOR, label->key, names);
        ds_clear(&key);
        ds_put_format(&key, "%s=%s", label->key, label->value);
        add_direct(tg, port, VMN_INDEX_GROUP_BY_ANCHOR, ds_cstr(&key), names);
    }
    ds_destroy(&key);
}

/* Classes.  --------------------------------------------------------------- */

static bool
lists(const struct vmn_group *group, const char *name)
{
    for (size_t i = 0; i < group->n_groups; i++) {
        if (!strcmp(group->groups[i], name)) {
            return true;
        }
    }
    return false;
}

/* Adds the group and those that contain it: as deep as groups may be
 * nested. */
static void
add_group(struct traffic_groups *tg, const char *name, struct sset *all)
{
    struct vmn_names outer;

    if (!sset_add(all, name)) {
        return;
    }
    outer = model_referrers(tg->model, VMN_TABLE_GROUP, name,
                            VMN_TABLE_GROUP);
    for (size_t i = 0; i < outer.n && !is_exhausted(tg); i++) {
        const struct vmn_group *group = model_get_durable(
            tg->model, VMN_TABLE_GROUP, outer.names[i], NULL);

        tg->n_looks++;
        if (group && lists(group, name)) {
            add_group(tg, group->row.name, all);
        }
    }
}

/* Fills in all groups of the class, as far as they are seen. */
static void
fill_class(struct traffic_groups *tg, const struct names *direct,
           struct traffic_class *class_)
{
    struct sset all = SSET_INITIALIZER(&all);
    const char *name;
    char *text;

    for (size_t i = 0; i < direct->n; i++) {
        add_group(tg, direct->names[i], &all);
    }
    class_->groups = arena_alloc(tg->arena, (sset_count(&all)
                                             * sizeof *class_->groups));
    SSET_FOR_EACH (name, &all) {
        const struct vmn_group *group = model_get_durable(
            tg->model, VMN_TABLE_GROUP, name, NULL);

        if (group && model_sees(tg->rights, &group->row)) {
            class_->groups[class_->n++] = group->row.name;
        }
    }
    text = join(class_->groups, &class_->n);
    class_->text = arena_strdup(tg->arena, text);
    free(text);
    sset_destroy(&all);
}

static const struct traffic_class *
get_class(struct traffic_groups *tg, const struct names *direct,
          const char *text)
{
    uint32_t hash = hash_string(text, 0);
    struct traffic_class *class_;

    HMAP_FOR_EACH_WITH_HASH (class_, node, hash, &tg->classes) {
        if (!strcmp(class_->direct, text)) {
            return class_;
        }
    }
    class_ = arena_alloc(tg->arena, sizeof *class_);
    class_->direct = arena_strdup(tg->arena, text);
    fill_class(tg, direct, class_);
    hmap_insert(&tg->classes, &class_->node, hash);
    return class_;
}

const struct traffic_class *
traffic_groups_of(struct traffic_groups *tg, const struct vmn_port *port)
{
    const struct traffic_class *class_ = NULL;
    struct names direct = { .n = 0 };
    char *text;

    find_direct(tg, port, &direct);
    text = join(direct.names, &direct.n);
    if (!is_exhausted(tg)) {
        class_ = get_class(tg, &direct, text);
    }
    free(text);
    free(direct.names);
    return is_exhausted(tg) ? NULL : class_;
}
