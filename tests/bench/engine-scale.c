/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the engine takes, without a store or a switch: compiling a state
 * from nothing, and following single changes of it.
 *
 * Usage: engine-scale [HOSTS [PORTS-PER-HOST [NETWORKS [RULES [REPEAT]]]]]
 * Prints a table of medians of REPEAT changes; 0 leaves the changes out.  Run
 * it in the build directory. */

#include <config.h>

#include <inttypes.h>
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/apphost/apphost.h"
#include "controller/commit/plan.h"
#include "controller/engine/engine.h"
#include "controller/model/model.h"
#include "controller/model/id-pools.h"
#include "openvswitch/vlog.h"
#include "util.h"

#define N_GROUPS 5
#define N_LBS 10
#define N_BACKENDS 5
#define REPEAT_MAX 100

static int n_hosts = 20, n_vifs = 20, n_networks = 10, n_rules = 50;
static int n_repeat = 21;
static struct model *model;
static struct engine *engine;
static struct model_request request;

static double
now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static void
begin(void)
{
    model_request_init(&request, "bench");
}

static void
put(enum vmn_table table, const char *prefix, int i, json_t *spec)
{
    char *name = xasprintf("%s%d", prefix, i);

    model_request_add(&request, spec ? MODEL_PUT : MODEL_DELETE, table, name,
                      spec);
    free(name);
}

static void
apply(void)
{
    struct vmn_errors errors;
    uint64_t revision;

    vmn_errors_init(&errors);
    if (model_apply(model, &request, 0, &revision, &errors)) {
        fprintf(stderr, "refused: %s %s\n", errors.errors[0].pointer,
                errors.errors[0].text);
        exit(1);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
}

/* Compiles, and returns the time it took; '*n_changes' is what came out. */
static double
run(size_t *n_changes)
{
    double start = now_us();
    struct engine_delta *delta = engine_run(engine);
    double took = now_us() - start;

    if (n_changes) {
        *n_changes = delta->n_changes;
    }
    engine_delta_destroy(delta);
    model_settle(model);
    return took;
}

static json_t *
port_spec(int i, int group)
{
    return json_pack("{s:o, s:{s:o}}", "network",
                     json_sprintf("n%d", i % n_networks), "labels", "g",
                     json_sprintf("g%d", group));
}

static void
put_binding(int port, int host)
{
    char *vif = xasprintf("h%d/p%d", host, port);

    model_request_add(&request, MODEL_PUT, VMN_TABLE_VIF, vif, json_pack(
        "{s:o, s:o, s:o, s:i, s:b}", "host", json_sprintf("h%d", host),
        "iface_id", json_sprintf("p%d", port), "iface",
        json_sprintf("v%d", port), "ofport", 1 + port / n_hosts, "link_up",
        true));
    put(VMN_TABLE_BINDING, "p", port,
        json_pack("{s:o}", "host", json_sprintf("h%d", host)));
    free(vif);
}

static json_t *
policy_spec(int group, int n, int first_port)
{
    json_t *rules = json_array();

    for (int i = 0; i < n; i++) {
        json_array_append_new(rules, json_pack(
            "{s:s, s:s, s:[{s:o}], s:[{s:s, s:[i]}]}", "direction",
            i % 3 == 2 ? "egress" : "ingress", "action", "allow", "peers",
            "group", json_sprintf("g%d", (group + i) % N_GROUPS), "services",
            "protocol", "tcp", "ports", first_port + i));
    }
    return json_pack("{s:[o], s:o, s:i}", "applies_to",
                     json_sprintf("g%d", group), "rules", rules, "priority",
                     group);
}

static json_t *
lb_spec(int i, int n_backends)
{
    json_t *backends = json_array();

    for (int b = 0; b < n_backends; b++) {
        json_array_append_new(backends, json_pack(
            "{s:o}", "port", json_sprintf("p%d", i % n_networks
                                                 + b * n_networks)));
    }
    return json_pack("{s:o, s:[o], s:s, s:[{s:i, s:i}], s:o}", "vip",
                     json_sprintf("10.0.255.%d", i + 1), "networks",
                     json_sprintf("n%d", i % n_networks), "protocol", "tcp",
                     "ports", "port", 80, "target", 8080, "backends",
                     backends);
}

static void
fill(void)
{
    begin();
    for (int i = 0; i < n_hosts; i++) {
        put(VMN_TABLE_HOST, "h", i, json_pack(
            "{s:s, s:o}", "ovsdb", "inbound", "tunnel_ip",
            json_sprintf("192.168.%d.%d", i / 250, 1 + i % 250)));
    }
    for (int i = 0; i < n_networks; i++) {
        put(VMN_TABLE_NETWORK, "n", i, json_pack("{s:[{s:s}]}", "subnets",
                                                 "cidr", "10.0.0.0/16"));
    }
    for (int i = 0; i < N_GROUPS; i++) {
        put(VMN_TABLE_GROUP, "g", i, json_pack("{s:o}", "selector",
                                               json_sprintf("g=g%d", i)));
        put(VMN_TABLE_POLICY, "a", i,
            policy_spec(i, n_rules / N_GROUPS, 8000));
    }
    for (int i = 0; i < n_hosts * n_vifs; i++) {
        put(VMN_TABLE_PORT, "p", i, port_spec(i, i / n_networks % N_GROUPS));
        put_binding(i, i % n_hosts);
        if (i % 1000 == 999) {
            apply();
            begin();
        }
    }
    for (int i = 0; i < N_LBS; i++) {
        put(VMN_TABLE_LOADBALANCER, "l", i, lb_spec(i, N_BACKENDS));
    }
    apply();
}

/* Plans the request instead of applying it.  Returns how long it took. */
static double
plan(void)
{
    struct vmn_errors errors;
    double start = now_us();

    vmn_errors_init(&errors);

    struct plan *made = plan_make(model, engine, &request, 0, &errors);
    double took = now_us() - start;

    if (!made) {
        printf("%s\n", errors.errors[0].text);
        exit(1);
    }
    plan_destroy(made);
    model_request_uninit(&request);
    return took;
}

static int
compare(const void *a, const void *b)
{
    return *(const double *) a < *(const double *) b ? -1 : 1;
}

static void
measure(const char *what, void (*change)(int i))
{
    double plan_us[REPEAT_MAX], model_us[REPEAT_MAX], engine_us[REPEAT_MAX];
    size_t n_changes = 0;

    for (int i = 0; i < n_repeat; i++) {
        double start;

        begin();
        change(i);
        plan_us[i] = plan();
        start = now_us();
        begin();
        change(i);
        apply();
        model_us[i] = now_us() - start;
        engine_us[i] = run(&n_changes);
    }
    qsort(model_us, n_repeat, sizeof *model_us, compare);
    qsort(engine_us, n_repeat, sizeof *engine_us, compare);
    qsort(plan_us, n_repeat, sizeof *plan_us, compare);
    printf("| %s | %.0f | %.0f | %"PRIuSIZE" | %.0f |\n", what,
           model_us[n_repeat / 2], engine_us[n_repeat / 2], n_changes,
           plan_us[n_repeat / 2]);
}

static void
add_port(int i)
{
    int port = n_hosts * n_vifs + i;

    put(VMN_TABLE_PORT, "p", port, port_spec(port, i % N_GROUPS));
    put_binding(port, i % n_hosts);
}

static void
add_rule(int i)
{
    put(VMN_TABLE_POLICY, "a", i % N_GROUPS,
        policy_spec(i % N_GROUPS, n_rules / N_GROUPS + 1 + i / N_GROUPS,
                    8000));
}

static void
add_member(int i)
{
    int port = n_hosts * n_vifs + i;

    put(VMN_TABLE_PORT, "p", port, port_spec(port, (i + 1) % N_GROUPS));
}

static void
change_description(int i)
{
    json_t *spec = port_spec(i, i / n_networks % N_GROUPS);

    json_object_set_new(spec, "description", json_sprintf("text %d", i));
    put(VMN_TABLE_PORT, "p", i, spec);
}

static void
add_backend(int i)
{
    put(VMN_TABLE_LOADBALANCER, "l", i % N_LBS,
        lb_spec(i % N_LBS, N_BACKENDS + 1 + i / N_LBS));
}

static void
delete_port(int i)
{
    put(VMN_TABLE_PORT, "p", n_hosts * n_vifs + i, NULL);
}

static void
measure_all(void)
{
    printf("| change | model, us | engine, us | items added and removed "
           "| plan, us |\n"
           "| --- | --- | --- | --- | --- |\n");
    measure("port added and bound", add_port);
    measure("port changes its group", add_member);
    measure("rule added", add_rule);
    measure("description changed", change_description);
    measure("backend added", add_backend);
    measure("port deleted", delete_port);
}

static struct apphost *
load_apps(void)
{
    static const char *const apps[] = { "overlay", "firewall",
                                        "loadbalancer", "router" };
    struct apphost *host = apphost_create(NULL, false);
    struct vmn_error error = VMN_ERROR_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(apps); i++) {
        char *path = xasprintf("./apps/%s/.libs/%s.so", apps[i], apps[i]);

        if (apphost_load(host, ".", path, &error)) {
            fprintf(stderr, "%s\n", error.text);
            exit(1);
        }
        free(path);
    }
    return host;
}

int
main(int argc, char *argv[])
{
    struct engine_stats stats;
    struct mallinfo2 before, after;
    double cold_us, fill_us;

    n_hosts = argc > 1 ? atoi(argv[1]) : n_hosts;
    n_vifs = argc > 2 ? atoi(argv[2]) : n_vifs;
    n_networks = argc > 3 ? atoi(argv[3]) : n_networks;
    n_rules = argc > 4 ? atoi(argv[4]) : n_rules;
    n_repeat = argc > 5 ? MIN(atoi(argv[5]), REPEAT_MAX) : n_repeat;

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_WARN);
    struct apphost *apphost = load_apps();

    model = model_create();
    engine = engine_create(model, apphost_pipeline(apphost));
    fill_us = now_us();
    fill();
    fill_us = now_us() - fill_us;
    before = mallinfo2();
    cold_us = run(NULL);
    after = mallinfo2();
    engine_get_stats(engine, &stats);
    printf("%d hosts, %d ports, %d networks, %d rules: %"PRIu64" flows, "
           "%"PRIu64" groups, %"PRIu64" units; model filled in %.1f ms, "
           "compiled in %.1f ms, %.0f bytes per flow all in all, of them "
           "%.0f encoded\n\n", n_hosts, n_hosts * n_vifs, n_networks,
           n_rules, stats.n_flows, stats.n_groups, stats.n_units,
           fill_us / 1e3, cold_us / 1e3,
           (double) (after.uordblks - before.uordblks) / stats.n_flows,
           (double) stats.n_bytes / stats.n_flows);
    if (n_repeat > 0) {
        measure_all();
    }
    engine_destroy(engine);
    model_destroy(model);
    apphost_destroy(apphost);
    return 0;
}
