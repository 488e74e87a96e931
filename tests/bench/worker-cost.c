/* SPDX-License-Identifier: Apache-2.0
 *
 * What it costs that an app runs in a process of its own: the engine's time
 * for changes that one unit of apps/example/mailguard.c follows, once with the
 * app in this process, once in a worker, and once with mailguard.lua in one,
 * all in one run.
 *
 * Usage: worker-cost [PORTS [CHANGES]]
 * Prints a table of medians.  Builds the app; run it in the build directory of
 * a tree at SOURCE (environment; "../.."). */

#include <config.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "openvswitch/vlog.h"
#include "util.h"

#define CHANGES_MAX 100000

static int n_ports = 1000, n_changes = 2001;

struct bench {
    struct apphost *apphost;
    struct model *model;
    struct engine *engine;
    double cold_us;             /* A unit, at the start. */
    double change_us;           /* A change, p50. */
    double slow_us;             /* p99. */
};

static double
now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static void
die_of(const struct vmn_error *error)
{
    fprintf(stderr, "worker-cost: %s\n", error->text);
    exit(1);
}

static void
load(struct apphost *apphost, const char *file)
{
    struct vmn_error error = VMN_ERROR_INIT;

    if (apphost_load(apphost, ".", file, &error)) {
        die_of(&error);
    }
}

static void
apply(struct bench *b, struct model_request *request)
{
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    if (model_apply(b->model, request, 0, &revision, &errors)) {
        die_of(&errors.errors[0]);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(request);
}

/* Compiles, and returns the time it took. */
static double
run(struct bench *b)
{
    double start = now_us();

    engine_delta_destroy(engine_run(b->engine));
    start = now_us() - start;
    model_settle(b->model);
    return start;
}

static void
put_port(struct model_request *request, int i, const char *mail)
{
    char *name = xasprintf("p%d", i);

    model_request_add(request, MODEL_PUT, VMN_TABLE_PORT, name, json_pack(
        "{s:s, s:{s:s}}", "network", "n", "labels", "mail", mail));
    free(name);
}

static int
compare_doubles(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static void
fill(struct bench *b)
{
    struct model_request request;

    model_request_init(&request, "bench");
    model_request_add(&request, MODEL_PUT, VMN_TABLE_HOST, "h", json_pack(
        "{s:s, s:s}", "ovsdb", "unix:/h", "tunnel_ip", "10.99.0.1"));
    model_request_add(&request, MODEL_PUT, VMN_TABLE_NETWORK, "n", json_pack(
        "{s:i, s:[{s:s}]}", "vni", 7, "subnets", "cidr", "10.0.0.0/16"));
    for (int i = 0; i < n_ports; i++) {
        put_port(&request, i, "yes");
    }
    apply(b, &request);
}

static void
measure(struct bench *b, const char *worker, const char *app)
{
    double *times = xcalloc(n_changes, sizeof *times);

    b->apphost = apphost_create(worker, false);
    load(b->apphost, "./apps/overlay/.libs/overlay.so");
    load(b->apphost, app);
    b->model = model_create();
    b->engine = engine_create(b->model, apphost_pipeline(b->apphost));
    run(b);
    fill(b);
    b->cold_us = run(b) / n_ports;
    for (int i = 0; i < n_changes; i++) {
        struct model_request request;

        model_request_init(&request, "bench");
        put_port(&request, i % n_ports, i / n_ports % 2 ? "yes" : "no");
        apply(b, &request);
        times[i] = run(b);
    }
    qsort(times, n_changes, sizeof *times, compare_doubles);
    b->change_us = times[n_changes / 2];
    b->slow_us = times[n_changes * 99 / 100];
    free(times);
    engine_destroy(b->engine);
    model_destroy(b->model);
    apphost_destroy(b->apphost);
}

/* Times in us, and how often the one in vmnd the others are. */
static void
print_row(const char *what, double here, double apart, double lua)
{
    printf("| %s | %.1f us | %.1f us | %.1f | %.1f us | %.1f |\n", what, here,
           apart, apart / here, lua, lua / here);
}

int
main(int argc, char *argv[])
{
    const char *source = getenv("SOURCE");
    char folder[] = "/tmp/vmn-bench-app-XXXXXX";
    struct bench here = { NULL }, apart = { NULL }, lua = { NULL };
    char *command, *app, *script;

    n_ports = argc > 1 ? MAX(atoi(argv[1]), 1) : n_ports;
    n_changes = argc > 2 ? MIN(MAX(atoi(argv[2]), 1), CHANGES_MAX) : n_changes;
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_WARN);
    source = source ? source : "../..";
    if (!mkdtemp(folder)) {
        return 1;
    }
    app = xasprintf("%s/mailguard.so", folder);
    script = xasprintf("%s/apps/example/mailguard.lua", source);
    command = xasprintf("cc -std=gnu11 -O2 -fPIC -shared -I%s/include -o %s "
                        "%s/apps/example/mailguard.c", source, app, source);
    if (!system(command)) {
        measure(&here, NULL, app);
        measure(&apart, "./vmn-app-worker", app);
        measure(&lua, "./vmn-app-worker", script);
        printf("| of the engine | in vmnd | in a worker | | in Lua | |\n"
               "| --- | --- | --- | --- | --- | --- |\n");
        print_row("a unit, with all at once", here.cold_us, apart.cold_us,
                  lua.cold_us);
        print_row("a change of one unit, p50", here.change_us,
                  apart.change_us, lua.change_us);
        print_row("the same, p99", here.slow_us, apart.slow_us, lua.slow_us);
    }
    unlink(app);
    rmdir(folder);
    free(command);
    free(script);
    free(app);
    return 0;
}
