/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between two matrices of who can reach whom; see
 * reachability-matrix.h. */

#include <config.h>

#include "controller/simulator/reachability-matrix.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "svec.h"
#include "util.h"

/* The cells of a matrix, by their two classes. */
struct grid {
    const struct reach_matrix *matrix;
    const struct reach_cell **cells;
    struct shash class_of;      /* Port to its class plus 1, as a pointer. */
};

static void
grid_init(struct grid *grid, const struct reach_matrix *matrix)
{
    size_t n = matrix->n_classes;

    grid->matrix = matrix;
    grid->cells = xcalloc(MAX(n * n, 1), sizeof *grid->cells);
    shash_init(&grid->class_of);
    for (size_t i = 0; i < matrix->n_cells; i++) {
        const struct reach_cell *cell = &matrix->cells[i];

        grid->cells[cell->from * n + cell->to] = cell;
    }
    for (size_t i = 0; i < n; i++) {
        const struct reach_class *class_ = &matrix->classes[i];

        for (size_t j = 0; j < class_->n_ports; j++) {
            shash_add(&grid->class_of, class_->ports[j],
                      (void *) (uintptr_t) (i + 1));
        }
    }
}

static void
grid_uninit(struct grid *grid)
{
    free(grid->cells);
    shash_destroy(&grid->class_of);
}

/* Returns the class of a port, plus 1; 0 if there is no such port. */
static size_t
grid_class(const struct grid *grid, const char *port)
{
    return (uintptr_t) shash_find_data(&grid->class_of, port);
}

/* Returns the verdict on two classes, each plus 1, or NULL. */
static const struct reach_verdict *
grid_verdict(const struct grid *grid, size_t from, size_t to)
{
    const struct reach_cell *cell
        = (from && to
           ? grid->cells[(from - 1) * grid->matrix->n_classes + to - 1]
           : NULL);

    return cell ? &cell->verdict : NULL;
}

/* Ports.  ---------------------------------------------------------------- */

/* The ports that are in one class before and in one class after. */
struct common {
    struct hmap_node node;      /* In commons' 'by_classes'. */
    size_t before, after;       /* Plus 1; 0: none. */
    size_t n, allocated;
    const char **ports;         /* In the arena, as are the names. */
};

struct commons {
    size_t n, allocated;
    struct common **commons;
    struct hmap by_classes;
};

static struct common *
find_common(struct commons *commons, size_t before, size_t after)
{
    uint32_t hash = hash_2words(before, after);
    struct common *common;

    HMAP_FOR_EACH_WITH_HASH (common, node, hash, &commons->by_classes) {
        if (common->before == before && common->after == after) {
            return common;
        }
    }
    if (commons->n >= commons->allocated) {
        commons->commons = x2nrealloc(commons->commons, &commons->allocated,
                                      sizeof *commons->commons);
    }
    common = xzalloc(sizeof *common);
    common->before = before;
    common->after = after;
    hmap_insert(&commons->by_classes, &common->node, hash);
    commons->commons[commons->n++] = common;
    return common;
}

static void
add_port(struct common *common, const char *port)
{
    if (common->n >= common->allocated) {
        common->ports = x2nrealloc(common->ports, &common->allocated,
                                   sizeof *common->ports);
    }
    common->ports[common->n++] = port;
}

/* Moves the list of ports, which is complete, to 'arena', where changes share
 * it. */
static void
move_ports(struct common *common, struct arena *arena)
{
    size_t size = common->n * sizeof *common->ports;
    const char **ports = arena_alloc(arena, size);

    memcpy(ports, common->ports, size);
    free(common->ports);
    common->ports = ports;
}

static void
commons_init(struct commons *commons, const struct grid *before,
             const struct grid *after, struct arena *arena)
{
    struct svec ports = SVEC_EMPTY_INITIALIZER;
    struct shash_node *node;
    const char *port;
    size_t i;

    memset(commons, 0, sizeof *commons);
    hmap_init(&commons->by_classes);
    SHASH_FOR_EACH (node, &before->class_of) {
        svec_add(&ports, node->name);
    }
    SHASH_FOR_EACH (node, &after->class_of) {
        svec_add(&ports, node->name);
    }
    svec_sort_unique(&ports);
    SVEC_FOR_EACH (i, port, &ports) {
        add_port(find_common(commons, grid_class(before, port),
                             grid_class(after, port)),
                 arena_strdup(arena, port));
    }
    svec_destroy(&ports);
    for (i = 0; i < commons->n; i++) {
        move_ports(commons->commons[i], arena);
    }
}

static void
commons_uninit(struct commons *commons)
{
    for (size_t i = 0; i < commons->n; i++) {
        free(commons->commons[i]);
    }
    free(commons->commons);
    hmap_destroy(&commons->by_classes);
}

/* Changes.  -------------------------------------------------------------- */

static uint32_t
hash_text(const char *text, uint32_t basis)
{
    return text ? hash_string(text, basis) : hash_add(basis, 0);
}

static uint32_t
hash_verdict(const struct reach_verdict *v, uint32_t hash)
{
    if (!v) {
        return hash_add(hash, 1);
    }
    hash = hash_text(v->verdict, hash);
    hash = hash_text(v->packet, hash);
    hash = hash_text(v->reason, hash);
    hash = hash_text(v->by.owner, hash);
    hash = hash_add(hash, v->by.rule);
    hash = hash_verdict(v->across_hosts, hash);
    hash = hash_verdict(v->same_host, hash);
    hash = hash_verdict(v->ipv4, hash);
    return hash_verdict(v->ipv6, hash);
}

static bool
same_object(const struct status_object *a, const struct status_object *b)
{
    return (!a || !b ? a == b
            : !strcmp(a->type, b->type) && !strcmp(a->name, b->name));
}

static bool
same_owner(const struct result_owner *a, const struct result_owner *b)
{
    /* Absent differs from empty and from null. */
    return ((a->owner == schema_absent) == (b->owner == schema_absent)
            && nullable_string_is_equal(a->owner, b->owner)
            && same_object(a->object, b->object) && a->rule == b->rule);
}

/* Returns true if both verdicts are shown the same. */
static bool
verdict_equal(const struct reach_verdict *a, const struct reach_verdict *b)
{
    if (!a || !b) {
        return a == b;
    }
    return (!strcmp(a->verdict, b->verdict)
            && nullable_string_is_equal(a->packet, b->packet)
            && nullable_string_is_equal(a->reason, b->reason)
            && same_owner(&a->by, &b->by)
            && verdict_equal(a->across_hosts, b->across_hosts)
            && verdict_equal(a->same_host, b->same_host)
            && verdict_equal(a->ipv4, b->ipv4)
            && verdict_equal(a->ipv6, b->ipv6));
}

/* A change, for all sources that have it in common. */
struct entry {
    struct hmap_node node;      /* In changes' 'by_rest'. */
    const struct common *to;
    const struct reach_verdict *before, *after; /* NULL: absent. */
    size_t n_from, allocated_from;
    const struct common **from;
};

/* The changes; those that differ only in their sources share an entry. */
struct changes {
    size_t n, allocated;
    struct entry **entries;
    struct hmap by_rest;
};

static struct entry *
find_entry(struct changes *changes, const struct common *to,
           const struct reach_verdict *before,
           const struct reach_verdict *after)
{
    uint32_t hash = hash_verdict(before, hash_verdict(
        after, hash_2words(to->before, to->after)));
    struct entry *entry;

    HMAP_FOR_EACH_WITH_HASH (entry, node, hash, &changes->by_rest) {
        if (entry->to == to && verdict_equal(entry->before, before)
            && verdict_equal(entry->after, after)) {
            return entry;
        }
    }
    if (changes->n >= changes->allocated) {
        changes->entries = x2nrealloc(changes->entries, &changes->allocated,
                                      sizeof *changes->entries);
    }
    entry = xzalloc(sizeof *entry);
    entry->to = to;
    entry->before = before;
    entry->after = after;
    hmap_insert(&changes->by_rest, &entry->node, hash);
    changes->entries[changes->n++] = entry;
    return entry;
}

static void
add_from(struct entry *entry, const struct common *from)
{
    if (entry->n_from >= entry->allocated_from) {
        entry->from = x2nrealloc(entry->from, &entry->allocated_from,
                                 sizeof *entry->from);
    }
    entry->from[entry->n_from++] = from;
}

static void
find_changes(struct changes *changes, struct engine *engine,
             const struct grid *before, const struct grid *after,
             const struct commons *commons)
{
    for (size_t i = 0; i < commons->n * commons->n; i++) {
        const struct common *from = commons->commons[i / commons->n];
        const struct common *to = commons->commons[i % commons->n];
        const struct reach_verdict *was
            = grid_verdict(before, from->before, to->before);
        const struct reach_verdict *is
            = grid_verdict(after, from->after, to->after);

        if (!reach_same(was, is) && (from != to || from->n > 1)) {
            add_from(find_entry(changes, to, was, is), from);
            engine_yield(engine);
        }
    }
}

/* Fills in the sources of all changes in 'entry'. */
static void
fill_from(const struct entry *entry, struct arena *arena,
          struct reach_change *change)
{
    size_t n = 0;

    for (size_t i = 0; i < entry->n_from; i++) {
        n += entry->from[i]->n;
    }
    change->from = arena_alloc(arena, n * sizeof *change->from);
    for (size_t i = 0; i < entry->n_from; i++) {
        const struct common *from = entry->from[i];

        memcpy(&change->from[change->n_from], from->ports,
               from->n * sizeof *from->ports);
        change->n_from += from->n;
    }
}

static struct reach_difference *
fill_difference(const struct changes *changes, struct engine *engine,
                struct arena *arena)
{
    struct reach_difference *difference = arena_alloc(arena,
                                                      sizeof *difference);
    struct reach_verdict *absent = arena_alloc(arena, sizeof *absent);

    absent->verdict = "absent";
    absent->by = result_no_owner();
    difference->n_changes = changes->n;
    difference->changes = arena_alloc(
        arena, changes->n * sizeof *difference->changes);
    for (size_t i = 0; i < changes->n; i++) {
        const struct entry *entry = changes->entries[i];
        struct reach_change *change = &difference->changes[i];

        change->n_to = entry->to->n;
        change->to = entry->to->ports;
        change->before = entry->before ? entry->before : absent;
        change->after = entry->after ? entry->after : absent;
        fill_from(entry, arena, change);
        engine_yield(engine);
    }
    return difference;
}

static void
changes_uninit(struct changes *changes)
{
    for (size_t i = 0; i < changes->n; i++) {
        free(changes->entries[i]->from);
        free(changes->entries[i]);
    }
    free(changes->entries);
    hmap_destroy(&changes->by_rest);
}

struct reach_difference *
reach_compare(struct engine *engine, const struct reach_matrix *before_,
              const struct reach_matrix *after_, struct arena *arena)
{
    struct reach_difference *difference;
    struct changes changes = { .by_rest = HMAP_INITIALIZER(&changes.by_rest) };
    struct grid before, after;
    struct commons commons;

    grid_init(&before, before_);
    grid_init(&after, after_);
    commons_init(&commons, &before, &after, arena);
    find_changes(&changes, engine, &before, &after, &commons);
    difference = fill_difference(&changes, engine, arena);
    changes_uninit(&changes);
    commons_uninit(&commons);
    grid_uninit(&before);
    grid_uninit(&after);
    return difference;
}
