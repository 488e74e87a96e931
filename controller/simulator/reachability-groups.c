/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrices of who can reach whom in other ways: what differs between two, and
 * by groups; see reachability-matrix.h. */

#include <config.h>

#include "controller/simulator/reachability-matrix.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/schema/error.h"
#include "openvswitch/shash.h"
#include "svec.h"
#include "util.h"

/* What a cell says if a port is not there. */
#define ABSENT "absent"

static size_t
class_id(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

/* Frees a matrix bit by bit. */
static void
let_go(struct engine *engine, json_t *matrix)
{
    json_t *cells = json_object_get(matrix, "cells");

    while (json_array_size(cells)) {
        json_array_remove(cells, json_array_size(cells) - 1);
        engine_yield(engine);
    }
    json_decref(matrix);
}

/* Cells by their two classes. */
struct grid {
    const json_t *classes;
    size_t n;
    const json_t **cells;
    struct shash class_of;      /* Port to class + 1, as pointer. */
};

static void
grid_init(struct grid *grid, const json_t *matrix)
{
    const json_t *class_, *cell, *port;
    size_t i, j;

    grid->classes = json_object_get(matrix, "classes");
    grid->n = json_array_size(grid->classes);
    grid->cells = xcalloc(MAX(grid->n * grid->n, 1), sizeof *grid->cells);
    shash_init(&grid->class_of);
    json_array_foreach (json_object_get(matrix, "cells"), i, cell) {
        grid->cells[class_id(cell, "from") * grid->n
                    + class_id(cell, "to")] = cell;
    }
    json_array_foreach (grid->classes, i, class_) {
        json_array_foreach (json_object_get(class_, "ports"), j, port) {
            shash_add(&grid->class_of, json_string_value(port),
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

/* Returns the class of a port, plus 1; 0 if it is not there. */
static size_t
grid_class(const struct grid *grid, const char *port)
{
    return (uintptr_t) shash_find_data(&grid->class_of, port);
}

/* Returns the cell of two classes, each plus 1, or NULL. */
static const json_t *
grid_cell(const struct grid *grid, size_t from, size_t to)
{
    return from && to ? grid->cells[(from - 1) * grid->n + to - 1] : NULL;
}

static const char *
verdict_of_cell(const json_t *cell)
{
    return cell ? json_string_value(json_object_get(cell, "verdict"))
           : ABSENT;
}

bool
reach_same(const json_t *a, const json_t *b)
{
    static const char *const parts[] = {
        "across_hosts", "same_host", "ipv4", "ipv6",
    };

    if (strcmp(verdict_of_cell(a), verdict_of_cell(b))) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        const json_t *x = json_object_get(a, parts[i]);
        const json_t *y = json_object_get(b, parts[i]);

        if (!x != !y || (x && !reach_same(x, y))) {
            return false;
        }
    }
    return true;
}

/* Differences.  ---------------------------------------------------------- */

/* Ports that are of one class before, and of one after. */
struct common {
    size_t before, after;       /* Plus 1; 0: not there. */
    json_t *ports;
};

struct commons {
    size_t n, allocated;
    struct common *commons;
    struct shash by_key;        /* Index + 1. */
};

static void
add_port(struct commons *commons, const struct grid *before,
         const struct grid *after, const char *port)
{
    size_t classes[2] = { grid_class(before, port), grid_class(after, port) };
    char *key = xasprintf("%"PRIuSIZE" %"PRIuSIZE, classes[0], classes[1]);
    uintptr_t i = (uintptr_t) shash_find_data(&commons->by_key, key);

    if (!i) {
        if (commons->n >= commons->allocated) {
            commons->commons = x2nrealloc(commons->commons,
                                          &commons->allocated,
                                          sizeof *commons->commons);
        }
        commons->commons[commons->n++] = (struct common) {
            classes[0], classes[1], json_array()
        };
        i = commons->n;
        shash_add(&commons->by_key, key, (void *) i);
    }
    json_array_append_new(commons->commons[i - 1].ports, json_string(port));
    free(key);
}

static void
find_commons(struct commons *commons, const struct grid *before,
             const struct grid *after)
{
    struct svec ports = SVEC_EMPTY_INITIALIZER;
    struct shash_node *node;
    const char *port;
    size_t i;

    memset(commons, 0, sizeof *commons);
    shash_init(&commons->by_key);
    SHASH_FOR_EACH (node, &before->class_of) {
        svec_add(&ports, node->name);
    }
    SHASH_FOR_EACH (node, &after->class_of) {
        svec_add(&ports, node->name);
    }
    svec_sort_unique(&ports);
    SVEC_FOR_EACH (i, port, &ports) {
        add_port(commons, before, after, port);
    }
    svec_destroy(&ports);
}

static json_t *
cell_copy(const json_t *cell)
{
    json_t *copy = (cell ? json_deep_copy(cell)
                    : json_pack("{s:s}", "verdict", ABSENT));

    json_object_del(copy, "from");
    json_object_del(copy, "to");
    return copy;
}

/* The changes, with those in one entry that say the same but for who asks. */
struct changes {
    json_t *list;
    struct shash by_rest;       /* Of entries, borrowed. */
};

static void
add_change(struct changes *changes, const struct common *from,
           const struct common *to, const json_t *was, const json_t *is)
{
    json_t *rest = json_pack("{s:O, s:o, s:o}", "to", to->ports, "before",
                             cell_copy(was), "after", cell_copy(is));
    char *key = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS);
    json_t *entry = shash_find_data(&changes->by_rest, key);

    if (entry) {
        json_array_extend(json_object_get(entry, "from"), from->ports);
        json_decref(rest);
    } else {
        json_object_set_new(rest, "from", json_copy(from->ports));
        shash_add(&changes->by_rest, key, rest);
        json_array_append_new(changes->list, rest);
    }
    free(key);
}

json_t *
reach_compare(struct engine *engine, json_t *before_json, json_t *after_json)
{
    struct changes changes = { .list = json_array() };
    struct grid before, after;
    struct commons commons;

    grid_init(&before, before_json);
    grid_init(&after, after_json);
    find_commons(&commons, &before, &after);
    shash_init(&changes.by_rest);
    for (size_t i = 0; i < commons.n * commons.n; i++) {
        const struct common *a = &commons.commons[i / commons.n];
        const struct common *b = &commons.commons[i % commons.n];
        const json_t *was = grid_cell(&before, a->before, b->before);
        const json_t *is = grid_cell(&after, a->after, b->after);

        if (!reach_same(was, is)
            && (a != b || json_array_size(a->ports) > 1)) {
            add_change(&changes, a, b, was, is);
            engine_yield(engine);
        }
    }
    for (size_t i = 0; i < commons.n; i++) {
        json_decref(commons.commons[i].ports);
    }
    shash_destroy(&changes.by_rest);
    free(commons.commons);
    shash_destroy(&commons.by_key);
    grid_uninit(&before);
    grid_uninit(&after);
    let_go(engine, before_json);
    let_go(engine, after_json);
    return json_pack("{s:o}", "changes", changes.list);
}

/* By group.  ------------------------------------------------------------- */

/* What the cells between two groups say. */
struct tally {
    size_t n, n_delivered, n_unknown;
    const json_t *reason;       /* A cell that is not delivered. */
};

/* The groups of each class, as a list of sorted names. */
static void
split_groups(const json_t *class_, struct svec *names)
{
    svec_init(names);
    char *text = xstrdup(json_string_value(json_object_get(class_, "groups")));
    char *save = NULL;

    for (char *name = strtok_r(text, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        svec_add(names, name);
    }
    if (!names->n) {
        svec_add(names, "-");   /* Of no group. */
    }
    free(text);
}

static void
tally_cell(struct tally *tally, const json_t *cell)
{
    const char *verdict = verdict_of_cell(cell);

    tally->n++;
    tally->n_delivered += !strcmp(verdict, "delivered");
    tally->n_unknown += !strcmp(verdict, "unknown");
    if (strcmp(verdict, "delivered") && !tally->reason) {
        tally->reason = cell;
    }
}

static json_t *
tally_json(const struct tally *tally, const char *from, const char *to)
{
    json_t *json = (tally->n_delivered < tally->n && !tally->n_delivered
                    ? cell_copy(tally->reason) : json_object());

    json_object_set_new(json, "from", json_string(from));
    json_object_set_new(json, "to", json_string(to));
    json_object_set_new(json, "verdict", json_string(
        tally->n_delivered == tally->n ? "delivered"
        : tally->n_delivered ? "some"
        : tally->n_unknown == tally->n ? "unknown" : "dropped"));
    return json;
}

/* Returns the matrix of 'groups'; 'of_class' are those of each class. */
static json_t *
group_json(struct engine *engine, const json_t *matrix,
           const struct svec *groups, const struct svec of_class[])
{
    struct tally *tallies = xcalloc(MAX(groups->n * groups->n, 1),
                                    sizeof *tallies);
    json_t *cells = json_array(), *names = json_array();
    const json_t *cell;
    size_t i;

    json_array_foreach (json_object_get(matrix, "cells"), i, cell) {
        const struct svec *from = &of_class[class_id(cell, "from")];
        const struct svec *to = &of_class[class_id(cell, "to")];

        for (size_t j = 0; j < from->n * to->n; j++) {
            size_t a = svec_find(groups, from->names[j / to->n]);
            size_t b = svec_find(groups, to->names[j % to->n]);

            tally_cell(&tallies[a * groups->n + b], cell);
        }
        engine_yield(engine);
    }
    for (i = 0; i < groups->n * groups->n; i++) {
        if (tallies[i].n) {
            json_array_append_new(cells, tally_json(
                &tallies[i], groups->names[i / groups->n],
                groups->names[i % groups->n]));
            engine_yield(engine);
        }
    }
    for (i = 0; i < groups->n; i++) {
        json_array_append_new(names, json_string(groups->names[i]));
    }
    free(tallies);
    return json_pack("{s:o, s:o, s:O}", "groups", names, "cells", cells,
                     "absent", json_object_get(matrix, "absent"));
}

json_t *
reach_by_group(struct engine *engine, json_t *matrix,
               struct vmn_errors *errors)
{
    const json_t *classes = json_object_get(matrix, "classes");
    size_t n_classes = json_array_size(classes);
    struct svec *of_class = xcalloc(MAX(n_classes, 1), sizeof *of_class);
    struct svec groups = SVEC_EMPTY_INITIALIZER;
    json_t *result = NULL;
    size_t i;

    for (i = 0; i < n_classes; i++) {
        split_groups(json_array_get(classes, i), &of_class[i]);
        svec_append(&groups, &of_class[i]);
    }
    svec_sort_unique(&groups);
    if (groups.n <= REACH_GROUPS_MAX) {
        result = group_json(engine, matrix, &groups, of_class);
    } else {
        vmn_errors_add(errors, VMN_ERR_TOO_LARGE, "", "the ports are in %"
                       PRIuSIZE" groups, and at most %d are told of: ask for "
                       "one network, or by=port", groups.n,
                       REACH_GROUPS_MAX);
    }
    for (i = 0; i < n_classes; i++) {
        svec_destroy(&of_class[i]);
    }
    free(of_class);
    svec_destroy(&groups);
    let_go(engine, matrix);
    return result;
}
