/* SPDX-License-Identifier: Apache-2.0
 *
 * The matrix of who can reach whom by groups of ports; see
 * reachability-matrix.h. */

#include <config.h>

#include "controller/simulator/reachability-matrix.h"

#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "svec.h"
#include "util.h"

/* Ports in no group that are named. */
#define UNGROUPED_MAX 100

/* The verdicts of the cells between two groups. */
struct tally {
    size_t n, n_delivered, n_unknown;
    const struct reach_verdict *reason; /* A verdict that is not delivered. */
};

/* Splits the class's list of groups into sorted names. */
static void
split_groups(const struct reach_class *class_, struct svec *names)
{
    char *text = xstrdup(class_->groups);
    char *save = NULL;

    svec_init(names);
    for (char *name = strtok_r(text, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        svec_add(names, name);
    }
    if (!names->n) {
        svec_add(names, "-");   /* In no group. */
    }
    free(text);
}

static void
tally_verdict(struct tally *tally, const struct reach_verdict *verdict)
{
    bool delivered = !strcmp(verdict->verdict, "delivered");

    tally->n++;
    tally->n_delivered += delivered;
    tally->n_unknown += !strcmp(verdict->verdict, "unknown");
    if (!delivered && !tally->reason) {
        tally->reason = verdict;
    }
}

static struct reach_verdict
sum_up(const struct tally *tally)
{
    struct reach_verdict verdict = { .by = result_no_owner() };

    if (!tally->n_delivered) {
        verdict = *tally->reason;
    }
    verdict.verdict = (tally->n_delivered == tally->n ? "delivered"
                       : tally->n_delivered ? REACH_MIXED
                       : tally->n_unknown == tally->n ? "unknown" : "dropped");
    return verdict;
}

/* Counts the verdicts of the cells of 'matrix' for each pair of 'groups';
 * 'of_class' are the groups of each class.  The caller frees the array. */
static struct tally *
tally_cells(struct engine *engine, const struct reach_matrix *matrix,
            const struct svec *groups, const struct svec of_class[])
{
    struct tally *tallies = xcalloc(MAX(groups->n * groups->n, 1),
                                    sizeof *tallies);

    for (size_t i = 0; i < matrix->n_cells; i++) {
        const struct reach_cell *cell = &matrix->cells[i];
        const struct svec *from = &of_class[cell->from];
        const struct svec *to = &of_class[cell->to];

        for (size_t j = 0; j < from->n * to->n; j++) {
            size_t a = svec_find(groups, from->names[j / to->n]);
            size_t b = svec_find(groups, to->names[j % to->n]);

            tally_verdict(&tallies[a * groups->n + b], &cell->verdict);
        }
        engine_yield(engine);
    }
    return tallies;
}

static void
fill_cell(const struct tally *tally, const char *from, const char *to,
          struct reach_group_cell *cell)
{
    cell->verdict = sum_up(tally);
    *(tally->n_delivered ? &cell->before : &cell->after)
        = (struct reach_group_pair) { from, to };
}

static void
fill_cells(struct engine *engine, const struct tally tallies[],
           struct arena *arena, struct reach_groups *result)
{
    size_t n = result->n_groups * result->n_groups, n_cells = 0;

    for (size_t i = 0; i < n; i++) {
        n_cells += tallies[i].n > 0;
    }
    result->cells = arena_alloc(arena, n_cells * sizeof *result->cells);
    for (size_t i = 0; i < n; i++) {
        if (tallies[i].n) {
            fill_cell(&tallies[i], result->groups[i / result->n_groups],
                      result->groups[i % result->n_groups],
                      &result->cells[result->n_cells++]);
            engine_yield(engine);
        }
    }
}

/* Fills in which ports are in no group. */
static void
fill_ungrouped(const struct reach_matrix *matrix, struct arena *arena,
               struct reach_groups *result)
{
    for (size_t i = 0; i < matrix->n_classes; i++) {
        const struct reach_class *class_ = &matrix->classes[i];

        result->n_ungrouped += class_->groups[0] ? 0 : class_->n_ports;
    }
    result->ungrouped = arena_alloc(arena, MIN(result->n_ungrouped,
                                               UNGROUPED_MAX)
                                           * sizeof *result->ungrouped);
    for (size_t i = 0; i < matrix->n_classes; i++) {
        const struct reach_class *class_ = &matrix->classes[i];

        for (size_t j = 0; j < class_->n_ports && !class_->groups[0]
                           && result->n_named < UNGROUPED_MAX; j++) {
            result->ungrouped[result->n_named++] = class_->ports[j];
        }
    }
}

static struct reach_groups *
fill_groups(struct engine *engine, const struct reach_matrix *matrix,
            const struct svec *groups, const struct svec of_class[],
            struct arena *arena)
{
    struct reach_groups *result = arena_alloc(arena, sizeof *result);
    struct tally *tallies = tally_cells(engine, matrix, groups, of_class);

    result->n_groups = groups->n;
    result->groups = arena_alloc(arena, groups->n * sizeof *result->groups);
    for (size_t i = 0; i < groups->n; i++) {
        result->groups[i] = arena_strdup(arena, groups->names[i]);
    }
    fill_cells(engine, tallies, arena, result);
    fill_ungrouped(matrix, arena, result);
    result->n_absent = matrix->n_absent;
    result->absent = matrix->absent;
    result->n_warnings = matrix->n_warnings;
    result->warnings = matrix->warnings;
    free(tallies);
    return result;
}

struct reach_groups *
reach_by_group(struct engine *engine, const struct reach_matrix *matrix,
               struct arena *arena, struct vmn_error *error)
{
    size_t n = matrix->n_classes;
    struct svec *of_class = xcalloc(MAX(n, 1), sizeof *of_class);
    struct svec groups = SVEC_EMPTY_INITIALIZER;
    struct reach_groups *result = NULL;

    for (size_t i = 0; i < n; i++) {
        split_groups(&matrix->classes[i], &of_class[i]);
        svec_append(&groups, &of_class[i]);
    }
    svec_sort_unique(&groups);
    if (groups.n <= REACH_GROUPS_MAX) {
        result = fill_groups(engine, matrix, &groups, of_class, arena);
    } else {
        vmn_error_set(error, VMN_ERR_TOO_LARGE, "", "the ports are in "
                      "%"PRIuSIZE" groups, and at most %d are supported: ask "
                      "for one network, or by=port",
                      groups.n, REACH_GROUPS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        svec_destroy(&of_class[i]);
    }
    free(of_class);
    svec_destroy(&groups);
    return result;
}
