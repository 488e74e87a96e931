/* SPDX-License-Identifier: Apache-2.0
 *
 * vmn-app bench: what an app adds to the time until a change is computed, with
 * the app in its own process as in vmnd, and the same without it.  Both are
 * measured in turn, so that what else the machine does concerns both. */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/kit/kit-file.h"
#include "controller/kit/kit-flows.h"
#include "controller/kit/kit-world.h"
#include "controller/kit/kit.h"
#include "controller/schema/schema-own.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* Side 0 is with the app, side 1 without. */
enum { WITH, WITHOUT, N_SIDES };

/* What is done, and undone. */
enum { MOVE, DISABLE, RECREATE, N_KINDS };
static const struct {
    const char *what;
    bool own;                   /* Side 1 has nothing of it. */
} kinds[N_KINDS] = {
    [MOVE] = { "a VM goes, or is back", false },
    [DISABLE] = { "a port is disabled, or enabled", false },
    [RECREATE] = { "an object of the app's goes, or is back", true },
};

struct times {
    size_t n;
    int64_t *ns;
};

struct bench {
    struct kit_world *worlds[N_SIDES];
    json_t *objects;            /* {"TYPE/NAME": object}, as there are. */
    size_t n_max;               /* Of times of a kind. */
    struct times times[N_KINDS][N_SIDES];
};

static int64_t
now_ns(void)
{
    struct timespec ts;

    xclock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Returns true if 'type', or "TYPE/NAME", is one that the app declares. */
static bool
is_own(const char *type)
{
    char *plural = type ? xmemdup0(type, strcspn(type, "/")) : NULL;
    const struct schema_table *table = plural ? schema_find_table(plural)
                                       : NULL;

    free(plural);
    return table && schema_is_own(table->id);
}

/* Takes objects of the app's own types out of a step: the side without it has
 * no such types. */
static json_t *
without_own(const json_t *step)
{
    json_t *copy = json_deep_copy(step);
    json_t *objects = json_object_get(copy, "apply");
    json_t *deletions = json_object_get(copy, "delete");

    for (size_t i = json_array_size(objects); i-- > 0; ) {
        if (is_own(json_string_value(json_object_get(
                json_array_get(objects, i), "type")))) {
            json_array_remove(objects, i);
        }
    }
    for (size_t i = json_array_size(deletions); i-- > 0; ) {
        if (is_own(json_string_value(json_array_get(deletions, i)))) {
            json_array_remove(deletions, i);
        }
    }
    return copy;
}

/* Notes which objects there are after a step. */
static void
note(struct bench *bench, const json_t *step)
{
    const json_t *gone;
    json_t *object;
    size_t i;

    json_array_foreach (json_object_get(step, "apply"), i, object) {
        char *key = xasprintf(
            "%s/%s", json_string_value(json_object_get(object, "type")),
            json_string_value(json_object_get(object, "name")));

        json_object_set(bench->objects, key, object);
        free(key);
    }
    json_array_foreach (json_object_get(step, "delete"), i, gone) {
        json_object_del(bench->objects, json_string_value(gone));
    }
}

/* Has both sides be as after the last step of the file. */
static int
set_up(struct bench *bench, const struct kit_arguments *args,
       struct vmn_error *why)
{
    json_t *steps = kit_file_read(args->words[1], why);
    struct kit_setup setup = { .app_dir = args->app_dir };
    const json_t *step;
    int error = steps ? 0 : EINVAL;
    size_t i;

    for (int side = 0; !error && side < N_SIDES; side++) {
        setup.file = side == WITH ? args->words[0] : NULL;
        bench->worlds[side] = kit_world_create(&setup, why);
        error = bench->worlds[side] ? 0 : EINVAL;
    }
    json_array_foreach (steps, i, step) {
        /* What is to be refused changes nothing, on either side. */
        if (!error && !json_object_get(step, "refused")) {
            json_t *other = without_own(step);

            error = kit_world_apply(bench->worlds[WITH], step, why);
            error = error ? error : kit_world_apply(bench->worlds[WITHOUT],
                                                    other, why);
            json_decref(other);
            note(bench, step);
        }
    }
    json_decref(steps);
    return error;
}

/* Makes a change on each side that has such, and measures it. */
static int
measure(struct bench *bench, int kind, const json_t *step,
        struct vmn_error *why)
{
    for (int side = 0; side < (kinds[kind].own ? 1 : N_SIDES); side++) {
        struct times *times = &bench->times[kind][side];
        int64_t start = now_ns();

        if (kit_world_apply(bench->worlds[side], step, why)) {
            return EINVAL;
        }
        times->ns[times->n++] = now_ns() - start;
    }
    return 0;
}

/* Takes ownership of both steps. */
static int
measure_both(struct bench *bench, int kind, json_t *done, json_t *undone,
             struct vmn_error *why)
{
    int error = 0;

    if (bench->times[kind][WITH].n + 2 <= bench->n_max) {
        error = measure(bench, kind, done, why);
        error = error ? error : measure(bench, kind, undone, why);
    }
    json_decref(done);
    json_decref(undone);
    return error;
}

static int
measure_object(struct bench *bench, const char *key, json_t *object,
               struct vmn_error *why)
{
    json_t *changed = json_deep_copy(object);
    int error = 0;

    if (is_own(key)) {
        error = measure_both(bench, RECREATE,
                             json_pack("{s:[s]}", "delete", key),
                             json_pack("{s:[O]}", "apply", object), why);
    } else if (!strncmp(key, "ports/", 6)) {
        json_object_set_new(json_object_get(changed, "spec"), "enabled",
                            json_false());
        error = measure_both(bench, DISABLE,
                             json_pack("{s:[O]}", "apply", changed),
                             json_pack("{s:[O]}", "apply", object), why);
    }
    json_decref(changed);
    return error;
}

static int
measure_round(struct bench *bench, struct vmn_error *why)
{
    json_t *placed = json_deep_copy(bench->worlds[WITH]->placed);
    const char *key;
    json_t *value;
    int error = 0;

    json_object_foreach (placed, key, value) {
        error = error ? error : measure_both(
            bench, MOVE, json_pack("{s:{s:n}}", "placement", key),
            json_pack("{s:{s:O}}", "placement", key,
                      json_object_get(value, "host")), why);
    }
    json_object_foreach (bench->objects, key, value) {
        error = error ? error : measure_object(bench, key, value, why);
    }
    json_decref(placed);
    return error;
}

/* Goes round until there are enough, or none. */
static int
measure_all(struct bench *bench, struct vmn_error *why)
{
    size_t n = 1, before = 0;
    int error = 0;

    while (!error && n != before) {
        before = n;
        error = measure_round(bench, why);
        n = 1;
        for (int kind = 0; kind < N_KINDS; kind++) {
            n += bench->times[kind][WITH].n;
        }
    }
    return error;
}

static int
compare(const void *a_, const void *b_)
{
    const int64_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

/* In us, at a part of all in percent. */
static double
at_percent(const struct times *times, int percent)
{
    return times->ns[times->n * percent / 100] / 1e3;
}

static void
print_kind(struct bench *bench, int kind)
{
    struct times *times = bench->times[kind];

    for (int side = 0; side < N_SIDES; side++) {
        if (times[side].n) {
            qsort(times[side].ns, times[side].n, sizeof *times[side].ns,
                  compare);
        }
    }
    if (!times[WITH].n) {
        return;
    }
    printf("%-40s %9.1f %9.1f", kinds[kind].what, at_percent(&times[WITH], 50),
           at_percent(&times[WITH], 99));
    if (times[WITHOUT].n) {
        printf(" %9.1f %9.1f", at_percent(&times[WITHOUT], 50),
               at_percent(&times[WITHOUT], 99));
    }
    putchar('\n');
}

static void
print(struct bench *bench)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    struct engine_stats stats[N_SIDES];

    for (int side = 0; side < N_SIDES; side++) {
        engine_get_stats(bench->worlds[side]->engine, &stats[side]);
    }
    kit_flows_list(bench->worlds[WITH], NULL, &lines);
    printf("%-40s %19s %19s\n%-40s %9s %9s %9s %9s\n", "", "with the app",
           "without it", "until it is computed, in us", "p50", "p99", "p50",
           "p99");
    for (int kind = 0; kind < N_KINDS; kind++) {
        print_kind(bench, kind);
    }
    printf("units: %"PRIu64", without the app %"PRIu64"; its flows and "
           "groups: %"PRIuSIZE"\n", stats[WITH].n_units,
           stats[WITHOUT].n_units, lines.n);
    svec_destroy(&lines);
}

static void
allocate(struct bench *bench, int rounds)
{
    bench->objects = json_object();
    bench->n_max = 2 * (size_t) rounds;
    for (int kind = 0; kind < N_KINDS; kind++) {
        for (int side = 0; side < N_SIDES; side++) {
            bench->times[kind][side].ns = xcalloc(bench->n_max,
                                                  sizeof(int64_t));
        }
    }
}

static void
destroy(struct bench *bench)
{
    for (int side = 0; side < N_SIDES; side++) {
        for (int kind = 0; kind < N_KINDS; kind++) {
            free(bench->times[kind][side].ns);
        }
        kit_world_destroy(bench->worlds[side]);
    }
    json_decref(bench->objects);
}

int
kit_bench(const struct kit_arguments *args)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct bench bench = { .n_max = 0 };
    int error;

    allocate(&bench, args->rounds);
    error = set_up(&bench, args, &why);
    error = error ? error : measure_all(&bench, &why);
    if (!error && !bench.times[MOVE][WITH].n
        && !bench.times[DISABLE][WITH].n) {
        error = vmn_error_invalid(&why, "%s: there is no port after its last "
                                  "step, which is what is measured",
                                  args->words[1]);
    }
    if (!error) {
        kit_warn_of_problems(bench.worlds[WITH]);
        print(&bench);
    }
    destroy(&bench);
    return error ? kit_fail(&why) : 0;
}
