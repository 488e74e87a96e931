/* SPDX-License-Identifier: Apache-2.0
 *
 * vmn-app test: goes through the steps of test files, and says in TAP, the
 * Test Anything Protocol, what is as expected.  What no file has to ask for:
 * no unit fails, no flow conflicts with one of another app, another process
 * computes the same from nothing, and what is read of relations is published
 * by somebody.  And vmn-app flows, which makes the same changes and expects
 * nothing. */

#include <config.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine.h"
#include "controller/engine/relation.h"
#include "controller/kit/kit-file.h"
#include "controller/kit/kit-flows.h"
#include "controller/kit/kit-trace.h"
#include "controller/kit/kit-world.h"
#include "controller/kit/kit.h"
#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "util.h"

struct run {
    struct kit_world *world;
    const char *step;           /* What it is called. */
    int n, n_failed;
    uint64_t n_logged, n_dropped; /* Lines of the app's log that are shown. */
    struct sset read, published; /* Relations, in the steps of a file. */
};

/* In TAP "#" begins a directive, and a line is a test. */
static void
put_escaped(const char *text)
{
    for (; *text; text++) {
        if (*text == '#' || *text == '\\') {
            putchar('\\');
        }
        putchar(iscntrl((unsigned char) *text) ? ' ' : *text);
    }
}

/* Says that 'what' is as expected, or that it is not, and 'why', lines. */
static void
tell(struct run *run, bool ok, const char *what, const char *why)
{
    run->n++;
    run->n_failed += !ok;
    printf("%sok %d - ", ok ? "" : "not ", run->n);
    put_escaped(run->step);
    printf(": ");
    put_escaped(what);
    putchar('\n');
    while (!ok && *why) {
        size_t len = strcspn(why, "\n");

        printf("# %.*s\n", (int) len, why);
        why += len + (why[len] == '\n');
    }
    fflush(stdout);
}

/* Shows what the app has written to its log since the last call. */
static void
show_log(struct run *run)
{
    struct status_app_log log;
    struct arena arena;

    arena_init(&arena);
    if (run->world->app && engine_app_log(run->world->engine, run->world->app,
                                          &arena, &log)) {
        uint64_t n = MIN(log.total - run->n_logged, log.n_items);

        for (size_t i = log.n_items - n; i < log.n_items; i++) {
            printf("# log: %s: %s\n", log.items[i].what, log.items[i].text);
        }
        if (log.dropped > run->n_dropped) {
            printf("# log: %"PRIu64" lines were dropped, since they came too "
                   "fast\n", log.dropped - run->n_dropped);
        }
        run->n_logged = log.total;
        run->n_dropped = log.dropped;
        fflush(stdout);
    }
    arena_uninit(&arena);
}

/* Returns true if the change is taken, which is then to be looked at. */
static bool
run_change(struct run *run, const json_t *step)
{
    const char *refused = json_string_value(json_object_get(step, "refused"));
    struct ds s = DS_EMPTY_INITIALIZER;
    struct vmn_errors errors;
    bool taken, ok;

    vmn_errors_init(&errors);
    taken = !kit_world_change(run->world, step, &errors);
    for (size_t i = 0; i < errors.n; i++) {
        ds_put_format(&s, "%s: %s\n", errors.errors[i].pointer,
                      errors.errors[i].text);
    }
    ok = refused ? !taken && strstr(ds_cstr(&s), refused) : taken;
    if (taken && refused) {
        ds_put_format(&s, "it is taken\n");
    }
    tell(run, ok, refused ? "is refused" : "is taken", ds_cstr(&s));
    vmn_errors_uninit(&errors);
    ds_destroy(&s);
    return taken;
}

/* A unit that has failed, or flows that conflict. */
static void
put_problem(const struct engine_problem *problem, struct ds *s)
{
    ds_put_format(s, "%s:", problem->kind);
    for (size_t i = 0; i < problem->n_units; i++) {
        ds_put_format(s, "%s %s", i ? "," : "", problem->units[i]);
    }
    ds_put_format(s, ": %s", problem->detail ? problem->detail : "");
    if (problem->packet) {
        ds_put_format(s, ", such as %s", problem->packet);
    }
    ds_put_char(s, '\n');
}

static void
put_problems(const struct kit_world *world, struct ds *s)
{
    const struct engine_problems *problems = engine_problems(world->engine);

    for (size_t i = 0; i < problems->n; i++) {
        put_problem(&problems->problems[i], s);
    }
}

void
kit_warn_of_problems(const struct kit_world *world)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    put_problems(world, &s);
    fputs(ds_cstr(&s), stderr);
    ds_destroy(&s);
}

/* Removes a line of 's' that has 'part' in it.  Returns false if there is
 * none. */
static bool
take_line(struct ds *s, const char *part)
{
    char *at = strstr(ds_cstr(s), part);
    char *start, *end;

    if (!at) {
        return false;
    }
    for (start = at; start > s->string && start[-1] != '\n'; start--) {
        continue;
    }
    end = strchr(at, '\n') + 1;
    memmove(start, end, s->string + s->length + 1 - end);
    s->length -= end - start;
    return true;
}

static void
run_problems(struct run *run, const json_t *step)
{
    struct ds missing = DS_EMPTY_INITIALIZER;
    struct ds s = DS_EMPTY_INITIALIZER;
    const json_t *expected;
    size_t i;

    put_problems(run->world, &s);
    ds_cstr(&s);
    json_array_foreach (json_object_get(step, "problems"), i, expected) {
        const char *part = json_string_value(expected);

        if (!*part || !take_line(&s, part)) {
            ds_put_format(&missing, "there is none with: %s\n", part);
        }
    }
    ds_put_cstr(&s, ds_cstr(&missing));
    tell(run, !s.length, (json_object_get(step, "problems")
                          ? "has the problems that are expected"
                          : "no unit fails, no flows conflict"), ds_cstr(&s));
    ds_destroy(&missing);
    ds_destroy(&s);
}

/* A unit that has failed keeps its flows, which nothing computes. */
static void
run_verify(struct run *run)
{
    const struct engine_problems *problems
        = engine_problems(run->world->engine);
    struct ds s = DS_EMPTY_INITIALIZER;

    kit_world_verify(run->world, &s);
    ds_cstr(&s);
    for (size_t i = 0; i < problems->n; i++) {
        for (size_t j = 0; j < problems->problems[i].n_units; j++) {
            char *of = xasprintf(" of %s in ", problems->problems[i].units[j]);

            while (take_line(&s, of)) {
                continue;
            }
            free(of);
        }
    }
    tell(run, !s.length, "another process computes the same from nothing",
         ds_cstr(&s));
    ds_destroy(&s);
}

static void
note_relations(struct run *run)
{
    if (run->world->app) {
        engine_relations_used(run->world->engine, run->world->app, &run->read,
                              &run->published);
    }
}

/* Returns true if nobody can know whether somebody will publish there: the
 * relation is one of another app that is there. */
static bool
may_be_empty(const struct kit_world *world, const char *relation)
{
    char *owner = xmemdup0(relation, strcspn(relation, "."));
    bool other = strcmp(owner, world->app)
                 && kit_world_has_app(world, owner);

    free(owner);
    return other;
}

/* Of a file's end. */
static void
run_relations(struct run *run)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    const char **names;
    size_t n;

    if (!run->world->app) {
        return;
    }
    names = sset_sort(&run->read);
    n = sset_count(&run->read);
    for (size_t i = 0; i < n; i++) {
        if (!sset_contains(&run->published, names[i])
            && !may_be_empty(run->world, names[i])) {
            ds_put_format(&s, "nothing is published to \"%s\" in any step\n",
                          names[i]);
        }
    }
    tell(run, !s.length, "what is read of relations is published by somebody",
         ds_cstr(&s));
    free(names);
    ds_destroy(&s);
}

static void
run_flows(struct run *run, const json_t *flows)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    bool ok = kit_flows_match(run->world, flows, &s);

    tell(run, ok, "has the flows that are expected", ds_cstr(&s));
    ds_destroy(&s);
}

static void
run_trace(struct run *run, const json_t *trace)
{
    struct ds title = DS_EMPTY_INITIALIZER;
    struct ds s = DS_EMPTY_INITIALIZER;
    bool ok = kit_trace_run(run->world, trace, &s);

    kit_trace_title(trace, &title);
    tell(run, ok, ds_cstr(&title), ds_cstr(&s));
    show_log(run);
    ds_destroy(&title);
    ds_destroy(&s);
}

static void
run_step(struct run *run, const json_t *step)
{
    const json_t *flows = json_object_get(step, "flows");
    const json_t *trace;
    size_t i;

    bool taken = run_change(run, step);

    show_log(run);
    if (!taken && !json_object_get(step, "refused")) {
        return;                 /* Nothing is as the step needs it. */
    }
    run_problems(run, step);
    run_verify(run);
    note_relations(run);
    if (flows) {
        run_flows(run, flows);
    }
    json_array_foreach (json_object_get(step, "traces"), i, trace) {
        run_trace(run, trace);
    }
}

/* Goes through a file's steps. */
static int
run_file(struct run *run, const struct kit_setup *setup, const char *path)
{
    struct vmn_error error = VMN_ERROR_INIT;
    json_t *steps = kit_file_read(path, &error);
    const json_t *step;
    size_t i;

    run->n_logged = run->n_dropped = 0;
    run->world = steps ? kit_world_create(setup, &error) : NULL;
    if (!run->world) {
        json_decref(steps);
        printf("Bail out!  %s\n", error.text);
        return kit_fail(&error);
    }
    sset_init(&run->read);
    sset_init(&run->published);
    json_array_foreach (steps, i, step) {
        const char *name = json_string_value(json_object_get(step, "name"));
        char *number = xasprintf("%s, step %"PRIuSIZE, path, i + 1);

        run->step = name ? name : number;
        run_step(run, step);
        free(number);
    }
    run->step = path;
    run_relations(run);
    sset_destroy(&run->read);
    sset_destroy(&run->published);
    kit_world_destroy(run->world);
    json_decref(steps);
    return 0;
}

int
kit_test(const struct kit_arguments *args)
{
    const struct kit_setup setup = {
        .file = args->words[0], .app_dir = args->app_dir, .twice = true,
    };
    struct run run = { .n = 0 };

    for (int i = 1; i < args->n; i++) {
        if (run_file(&run, &setup, args->words[i])) {
            return 1;
        }
    }
    printf("1..%d\n", run.n);
    return run.n_failed ? 1 : 0;
}

/* vmn-app flows.  --------------------------------------------------------- */

/* Makes the changes of a file, expecting nothing of them. */
static int
apply_file(struct kit_world *world, const char *path)
{
    struct vmn_error error = VMN_ERROR_INIT;
    json_t *steps = kit_file_read(path, &error);
    const json_t *step;
    size_t i;

    json_array_foreach (steps, i, step) {
        /* What is to be refused changes nothing. */
        if (!json_object_get(step, "refused")
            && kit_world_apply(world, step, &error)) {
            char *where = xasprintf("%s: step %"PRIuSIZE, path, i + 1);

            vmn_error_prefix(&error, where);
            free(where);
            break;
        }
    }
    json_decref(steps);
    return error.text ? kit_fail(&error) : 0;
}

int
kit_flows(const struct kit_arguments *args)
{
    const struct kit_setup setup = {
        .file = args->words[0], .app_dir = args->app_dir,
    };
    struct vmn_error error = VMN_ERROR_INIT;
    struct kit_world *world = kit_world_create(&setup, &error);
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    const char *line;
    int result;
    size_t i;

    if (!world) {
        return kit_fail(&error);
    }
    result = apply_file(world, args->words[1]);
    if (!result && args->host
        && !model_get(world->model, VMN_TABLE_HOST, args->host)) {
        vmn_error_invalid(&error, "after the last step of %s there is no host "
                          "\"%s\"", args->words[1], args->host);
        result = kit_fail(&error);
    }
    if (!result) {
        kit_warn_of_problems(world);
        kit_flows_list(world, args->host, &lines);
        SVEC_FOR_EACH (i, line, &lines) {
            puts(line);
        }
    }
    svec_destroy(&lines);
    kit_world_destroy(world);
    return result;
}
