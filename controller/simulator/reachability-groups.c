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
#include "controller/schema/schema-struct.h"
#include "svec.h"
#include "util.h"

/* Ports in no group that are named. */
#define UNGROUPED_MAX 100

/* The verdicts of the cells between two groups. */
struct tally {
    size_t n, n_delivered;
    const char *other;          /* The first that is not delivered, or NULL. */
    size_t n_alike;             /* How many are the same. */
    size_t n_apart;             /* Pairs of classes that no router joins... */
    const struct reach_class *apart_from, *apart_to; /* ...and one of them. */
    uint64_t n_pairs_apart;
    bool alone;                 /* A port would have to ask itself. */
    size_t n_reasons, allocated_reasons;
    struct tally_reason *reasons; /* At most REACH_EXCEPTIONS_MAX.  Owned. */
};

/* A verdict that is not delivered, of those that have another reason or owner
 * than the others. */
struct tally_reason {
    const struct reach_verdict *verdict;
    const struct reach_class *from, *to;
    uint64_t n_pairs;
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

/* Returns how many pairs of ports a pair of classes has. */
static uint64_t
count_pairs(const struct reach_class *from, const struct reach_class *to)
{
    uint64_t n = from->n_ports;

    return n * (from == to ? n - 1 : to->n_ports);
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && a != schema_absent && b != schema_absent
                      && !strcmp(a, b));
}

/* Counts a verdict that is not delivered. */
static void
tally_reason(struct tally *tally, const struct reach_verdict *verdict,
             const struct reach_class *from, const struct reach_class *to)
{
    struct tally_reason *reason;
    size_t i = 0;

    while (i < tally->n_reasons
           && (!same_text(tally->reasons[i].verdict->reason, verdict->reason)
               || !same_text(tally->reasons[i].verdict->by.owner,
                             verdict->by.owner))) {
        i++;
    }
    if (i == REACH_EXCEPTIONS_MAX) {
        return;
    }
    if (i >= tally->allocated_reasons) {
        tally->reasons = x2nrealloc(tally->reasons, &tally->allocated_reasons,
                                    sizeof *tally->reasons);
    }
    reason = &tally->reasons[i];
    if (i == tally->n_reasons) {
        *reason = (struct tally_reason) { verdict, from, to, 0 };
        tally->n_reasons++;
    }
    reason->n_pairs += count_pairs(from, to);
    for (; i && tally->reasons[i - 1].n_pairs < tally->reasons[i].n_pairs;
         i--) {
        struct tally_reason swap = tally->reasons[i - 1];

        tally->reasons[i - 1] = tally->reasons[i];
        tally->reasons[i] = swap;
    }
}

static void
tally_verdict(struct tally *tally, const struct reach_verdict *verdict,
              const struct reach_class *from, const struct reach_class *to)
{
    bool delivered = !strcmp(verdict->verdict, "delivered");

    tally->n++;
    tally->n_delivered += delivered;
    if (!delivered) {
        tally->other = tally->other ? tally->other : verdict->verdict;
        tally->n_alike += !strcmp(verdict->verdict, tally->other);
        tally_reason(tally, verdict, from, to);
    }
}

static struct reach_verdict
sum_up(const struct tally *tally)
{
    struct reach_verdict verdict = { .by = result_no_owner() };

    if (!tally->n_delivered) {
        verdict = *tally->reasons[0].verdict;
    }
    verdict.verdict = (tally->n_delivered == tally->n && !tally->n_apart
                       ? "delivered"
                       : tally->n_delivered ? REACH_MIXED
                       : tally->n_alike == tally->n && !tally->n_apart
                       ? tally->other : "dropped");
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

            tally_verdict(&tallies[a * groups->n + b], &cell->verdict,
                          &matrix->classes[cell->from],
                          &matrix->classes[cell->to]);
        }
        engine_yield(engine);
    }
    return tallies;
}

/* Counts two classes between which there is no cell: no router joins them, or
 * they are one port. */
static void
tally_missing(struct tally *tally, const struct reach_class *from,
              const struct reach_class *to)
{
    if (strcmp(from->domain, to->domain)) {
        tally->n_apart++;
        tally->n_pairs_apart += count_pairs(from, to);
        tally->apart_from = from;
        tally->apart_to = to;
    } else {
        tally->alone = true;
    }
}

/* Counts the pairs of classes without cells. */
static void
tally_no_cells(struct engine *engine, const struct reach_matrix *matrix,
               const struct svec *groups, const struct svec of_class[],
               struct tally tallies[])
{
    size_t n = matrix->n_classes, next = 0;

    for (size_t i = 0; i < n * n; i++) {
        const struct svec *from = &of_class[i / MAX(n, 1)];
        const struct svec *to = &of_class[i % MAX(n, 1)];

        if (next < matrix->n_cells && matrix->cells[next].from == i / n
            && matrix->cells[next].to == i % n) {
            next++;
            continue;
        }
        for (size_t j = 0; j < from->n * to->n; j++) {
            size_t a = svec_find(groups, from->names[j / to->n]);
            size_t b = svec_find(groups, to->names[j % to->n]);

            tally_missing(&tallies[a * groups->n + b],
                          &matrix->classes[i / n], &matrix->classes[i % n]);
        }
        engine_yield(engine);
    }
}

static void
fill_exceptions(const struct tally *tally, struct arena *arena,
                struct reach_group_cell *cell)
{
    struct reach_exception *exception;

    if (!tally->n_apart
        && (!tally->n_reasons
            || (!tally->n_delivered && tally->n_reasons == 1))) {
        return;                 /* There are none, or it is the cell's. */
    }
    cell->exceptions = arena_alloc(arena, (tally->n_reasons + 1)
                                          * sizeof *cell->exceptions);
    for (size_t i = 0; i < tally->n_reasons; i++) {
        const struct tally_reason *reason = &tally->reasons[i];

        exception = &cell->exceptions[cell->n_exceptions++];
        exception->reason = (reason->verdict->reason ? reason->verdict->reason
                             : reason->verdict->verdict);
        exception->by = reason->verdict->by;
        exception->from = reason->from->ports[0];
        /* Within a class, a port to the next. */
        exception->to = reason->to->ports[reason->from == reason->to];
        exception->n_pairs = reason->n_pairs;
    }
    if (tally->n_apart) {
        exception = &cell->exceptions[cell->n_exceptions++];
        exception->reason = "no router joins their networks";
        exception->by = result_no_owner();
        exception->from = tally->apart_from->ports[0];
        exception->to = tally->apart_to->ports[0];
        exception->n_pairs = tally->n_pairs_apart;
    }
}

static void
fill_cell(const struct tally *tally, const char *from, const char *to,
          struct arena *arena, struct reach_group_cell *cell)
{
    cell->verdict = sum_up(tally);
    fill_exceptions(tally, arena, cell);
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
    result->alone = arena_alloc(arena, (n - n_cells) * sizeof *result->alone);
    for (size_t i = 0; i < n; i++) {
        const char *from = result->groups[i / result->n_groups];
        const char *to = result->groups[i % result->n_groups];

        if (tallies[i].n) {
            fill_cell(&tallies[i], from, to, arena,
                      &result->cells[result->n_cells++]);
        } else if (tallies[i].alone && !tallies[i].n_apart) {
            result->alone[result->n_alone++]
                = (struct reach_group_pair) { from, to };
        }
        engine_yield(engine);
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

    tally_no_cells(engine, matrix, groups, of_class, tallies);
    result->n_groups = groups->n;
    result->groups = arena_alloc(arena, groups->n * sizeof *result->groups);
    for (size_t i = 0; i < groups->n; i++) {
        result->groups[i] = arena_strdup(arena, groups->names[i]);
    }
    fill_cells(engine, tallies, arena, result);
    fill_ungrouped(matrix, arena, result);
    result->n_ways = matrix->n_ways;
    result->ways = matrix->ways;
    result->more_ways = matrix->more_ways;
    result->n_absent = matrix->n_absent;
    result->absent = matrix->absent;
    result->n_warnings = matrix->n_warnings;
    result->warnings = matrix->warnings;
    for (size_t i = 0; i < groups->n * groups->n; i++) {
        free(tallies[i].reasons);
    }
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
