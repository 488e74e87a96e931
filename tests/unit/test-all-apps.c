/* SPDX-License-Identifier: Apache-2.0
 *
 * All apps that VMN has are loaded together: at a start, in any order, and
 * while it runs, in which nobody else's tables move.  Not for what they do
 * beside each other (tests/system/test_attacks_apps.py,
 * test_live_apps.py). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "controller/apphost/apphost.h"
#include "controller/apphost/stage-tables.h"
#include "controller/engine/engine.h"
#include "controller/flow/pipeline.h"
#include "controller/schema/module-code.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

/* As vmnd loads if nothing else is said. */
static const char *const built_in[] = {
    "overlay", "firewall", "loadbalancer", "router", "gateway", "dhcp", "dns",
    NULL
};

/* All folders of apps/, sorted. */
static struct svec shipped = SVEC_EMPTY_INITIALIZER;

/* The classes of all of them, and of the examples. */
static struct apps_fixture *of_classes;
static const struct vmn_app_class *classes[PIPELINE_APPS_MAX];
static size_t n_classes;

static const struct vmn_app_class examples[] = {
    { VMN_APP_HEAD, .name = "mailguard",
      .stages = (const struct vmn_stage_class[]) {
          { .name = "mail", .hook = VMN_HOOK_SERVICE, .order = 10,
            .n_tables = 1 }, { NULL } } },
    { VMN_APP_HEAD, .name = "portguards",
      .stages = (const struct vmn_stage_class[]) {
          { .name = "guard", .hook = VMN_HOOK_POLICY, .order = -10,
            .n_tables = 1 }, { NULL } } },
    { VMN_APP_HEAD, .name = "whoami",
      .stages = (const struct vmn_stage_class[]) {
          { .name = "whoami", .hook = VMN_HOOK_SERVICE, .order = -20,
            .n_tables = 1 }, { NULL } } },
};

static bool
is_built_in(const char *name)
{
    for (size_t i = 0; built_in[i]; i++) {
        if (!strcmp(name, built_in[i])) {
            return true;
        }
    }
    return false;
}

static void
find_shipped(void)
{
    DIR *dir = opendir(TEST_SRCDIR "/apps");
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (!strchr(entry->d_name, '.') && strcmp(entry->d_name, "example")) {
            svec_add(&shipped, entry->d_name);
        }
    }
    closedir(dir);
    svec_sort(&shipped);
    assert_true(shipped.n >= 15);
    svec_terminate(&shipped);
}

static int
setup(void **state OVS_UNUSED)
{
    const struct pipeline *pipeline;

    find_shipped();
    of_classes = apps_fixture_create((const char *const *) shipped.names);
    pipeline = apps_fixture_pipeline(of_classes);
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        classes[n_classes++] = pipeline->apps[i].class_;
    }
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
        classes[n_classes++] = &examples[i];
    }
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    apps_fixture_destroy(of_classes);
    svec_destroy(&shipped);
    return 0;
}

static unsigned
next_random(uint32_t *seed, unsigned n)
{
    *seed = *seed * 1103515245 + 12345;
    return (*seed >> 16) % n;
}

/* Asserts that no two stages share a table. */
static void
assert_apart(const struct pipeline *pipeline)
{
    bool taken[PIPELINE_N_TABLES] = { false };

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            const struct pipeline_stage *stage = &app->stages[j];

            for (unsigned k = 0; k < stage->class_->n_tables; k++) {
                unsigned table = stage->first_table + k;

                assert_true(table < PIPELINE_N_TABLES);
                assert_false(taken[table]);
                taken[table] = true;
            }
        }
    }
}

/* At a start.  ------------------------------------------------------------ */

static void
add_all(struct apphost *host, const size_t *order)
{
    for (size_t i = 0; i < n_classes; i++) {
        struct vmn_error why = VMN_ERROR_INIT;

        if (apphost_add(host, classes[order[i]], &why)) {
            fail_msg("%s: %s", classes[order[i]]->name, why.text);
        }
    }
}

static void
assert_same_places(const struct pipeline *a, const struct pipeline *b)
{
    for (size_t i = 0; i < a->n_apps; i++) {
        assert_string_equal(a->apps[i].class_->name, b->apps[i].class_->name);
        for (size_t j = 0; j < a->apps[i].n_stages; j++) {
            assert_int_equal(a->apps[i].stages[j].first_table,
                             b->apps[i].stages[j].first_table);
        }
    }
}

static void
they_start_together_in_any_order(void **state OVS_UNUSED)
{
    struct apphost *first = apphost_create(NULL, false);
    size_t order[PIPELINE_APPS_MAX];
    uint32_t seed = 1;

    for (size_t i = 0; i < n_classes; i++) {
        order[i] = i;
    }
    add_all(first, order);
    assert_apart(apphost_pipeline(first));
    for (int i = 0; i < 100; i++) {
        struct apphost *host = apphost_create(NULL, false);

        for (size_t j = n_classes - 1; j > 0; j--) {
            size_t k = next_random(&seed, j + 1), tmp = order[j];

            order[j] = order[k];
            order[k] = tmp;
        }
        add_all(host, order);
        assert_same_places(apphost_pipeline(first), apphost_pipeline(host));
        apphost_destroy(host);
    }
    apphost_destroy(first);
}

/* While it runs.  --------------------------------------------------------- */

/* The same classes, of which some are loaded: these have stages. */
static void
init_pipeline(struct pipeline *pipeline)
{
    pipeline->n_apps = n_classes;
    pipeline->apps = xcalloc(n_classes, sizeof *pipeline->apps);
    for (size_t i = 0; i < n_classes; i++) {
        const struct vmn_stage_class *stages = classes[i]->stages;
        struct pipeline_app *app = &pipeline->apps[i];
        size_t n = 0;

        app->class_ = classes[i];
        app->builtin = is_built_in(classes[i]->name);
        while (stages && stages[n].name) {
            n++;
        }
        app->stages = xcalloc(n + 1, sizeof *app->stages);
        for (size_t j = 0; j < n; j++) {
            app->stages[j].class_ = &stages[j];
            app->stages[j].wanted = -1;
        }
        app->n_stages = app->builtin ? n : 0;
    }
}

/* Returns how many of the tables that stages have are no hook's. */
static unsigned
count_spare(const struct pipeline *pipeline)
{
    unsigned n = 0;

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        for (size_t j = 0; j < app->n_stages; j++) {
            n += (app->stages[j].first_table >= 208
                  ? app->stages[j].class_->n_tables : 0);
        }
    }
    return n;
}

static void
load_or_unload(struct pipeline *pipeline, struct pipeline_app *app)
{
    struct vmn_error why = VMN_ERROR_INIT;

    stage_tables_want(pipeline, true);
    if (app->n_stages) {
        app->n_stages = 0;
    } else {
        while (app->stages[app->n_stages].class_) {
            app->stages[app->n_stages++].wanted = -1;
        }
    }
    if (stage_tables_assign(pipeline, &why)) {
        fail_msg("%s", why.text);
    }
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *other = &pipeline->apps[i];

        for (size_t j = 0; other != app && j < other->n_stages; j++) {
            assert_int_equal(other->stages[j].first_table,
                             other->stages[j].wanted);
        }
    }
}

/* Whatever the tables are that others have left: those of a hook that are free
 * may be too few in a row. */
static void
they_find_tables_whatever_came_and_went(void **state OVS_UNUSED)
{
    struct pipeline pipeline = { 0 };
    uint32_t seed = 1;
    unsigned most = 0;

    init_pipeline(&pipeline);
    assert_int_equal(stage_tables_assign(&pipeline, NULL), 0);
    for (int i = 0; i < 20000; i++) {
        struct pipeline_app *app
            = &pipeline.apps[next_random(&seed, n_classes)];

        /* More come than go, so all of them are there now and then. */
        if (!app->builtin && app->stages[0].class_
            && (!app->n_stages || !next_random(&seed, 4))) {
            load_or_unload(&pipeline, app);
            most = MAX(most, count_spare(&pipeline));
            if (i % 100 == 0) {
                assert_apart(&pipeline);
            }
        }
    }
    /* As docs/pipeline.md says; and some came to need any. */
    print_message("at most %u spare tables\n", most);
    assert_in_range(most, 1, 12);
    for (size_t i = 0; i < pipeline.n_apps; i++) {
        free(pipeline.apps[i].stages);
    }
    free(pipeline.apps);
}

/* With an object for each.  ----------------------------------------------- */

#define PORT(NAME, NETWORK, N)                                          \
    " 'ports/" NAME "': {'network': '" NETWORK "',"                     \
    "                    'ips': ['10.0.0." N "']},"                     \
    " 'bindings/" NAME "': {'host': 'h1'},"                             \
    " 'vifs/h1/" NAME "': {'host': 'h1', 'iface_id': '" NAME "',"       \
    "     'iface': 'tap-" NAME "', 'ofport': " N ", 'link_up': true}"

#define ROWS                                                            \
    "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"     \
    " 'networks/n': {'vni': 7, 'subnets': [{'cidr': '10.0.0.0/24',"     \
    "                'gateway': '10.0.0.254'}]},"                       \
    " 'routers/r': {'interfaces': [{'network': 'n'}]},"                 \
    PORT("a", "n", "1") "," PORT("b", "n", "2") ","                     \
    PORT("in", "n", "3") "," PORT("out", "n", "4") ","                  \
    " 'groups/g': {'ports': ['a']}}"

#define OBJECTS                                                         \
    "{'chains/c': {'network': 'n', 'hops': [{'name': 'fw',"             \
    "     'functions': [{'in': 'in', 'out': 'out'}]}]},"                \
    " 'metadata-networks/n': {'network': 'n'},"                         \
    " 'mirrors/m': {'ports': ['a']},"                                   \
    " 'monitors/m': {'group': 'g'},"                                    \
    " 'multicast-networks/n': {'network': 'n'},"                        \
    " 'qos-policies/q': {'ports': ['a'], 'limits': ["                   \
    "     {'direction': 'egress', 'max_kbps': 10000},"                  \
    "     {'direction': 'ingress', 'max_kbps': 10000}]},"               \
    " 'traffic-counts/t': {'all_networks': true}}"

/* Loads an app that is built, as vmnd_follow_apps() does. */
static void
load_live(struct apps_fixture *f, const char *name)
{
    char *path = xasprintf("apps/%s/.libs/%s.so", name, name);
    char digest[MODULE_DIGEST_LEN + 1];
    struct apphost *apphost = apps_fixture_apphost(f);
    struct vmn_error why = VMN_ERROR_INIT;
    char *text = NULL, *code;
    size_t size = 0;
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    text = xmalloc(MODULE_MAX);
    size = fread(text, 1, MODULE_MAX, file);
    fclose(file);
    code = module_code_make(text, size);
    assert_true(module_code_digest(code, digest));

    const struct apphost_file module = { "x.so", code, digest };

    if (apps_fixture_prepare(f, name, &module, &why)) {
        fail_msg("%s: %s", name, why.text);
    }
    apphost_replace(apphost, name, &module, NULL);
    engine_add_app(apps_fixture_engine(f),
                   pipeline_find(apps_fixture_pipeline(f), name));
    engine_delta_destroy(engine_run(apps_fixture_engine(f)));
    apphost_free_retired(apphost);
    free(code);
    free(text);
    free(path);
}

/* Returns true if a line of 'flows' is of a stage of the app's, and not what
 * becomes of packets that no flow matches. */
static bool
has_flow(const char *flows, const struct pipeline_app *app)
{
    for (size_t i = 0; i < app->n_stages; i++) {
        char *of_stage = xasprintf("%s.%s/", app->class_->name,
                                   app->stages[i].class_->name);
        const char *at = flows;
        int table, priority = 0;

        while (!priority && (at = strstr(at, of_stage))) {
            at += strlen(of_stage);
            assert_int_equal(sscanf(at, "%d %d", &table, &priority), 2);
        }
        free(of_stage);
        if (priority) {
            return true;
        }
    }
    return false;
}

/* Those that were loaded do something for their objects. */
static void
assert_all_have_flows(struct apps_fixture *f)
{
    const struct pipeline *pipeline = apps_fixture_pipeline(f);
    struct ds ds = DS_EMPTY_INITIALIZER;

    apps_fixture_flows(f, "h1", false, &ds);
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        if (app->n_stages && !is_built_in(app->class_->name)
            && !has_flow(ds_cstr(&ds), app)) {
            fail_msg("no flow of %s", app->class_->name);
        }
    }
    ds_destroy(&ds);
}

/* In reverse order, one after the other, each in a worker: the first come have
 * their hooks' tables. */
static void
they_are_loaded_live(void **state OVS_UNUSED)
{
    struct apps_fixture *f;

    setenv("VMN_TEST_WORKER", "./vmn-app-worker", 1);
    f = apps_fixture_create(built_in);
    unsetenv("VMN_TEST_WORKER");
    apps_fixture_apply(f, ROWS);
    for (size_t i = shipped.n; i-- > 0; ) {
        if (!is_built_in(shipped.names[i])) {
            load_live(f, shipped.names[i]);
            apps_fixture_declare_types(f, shipped.names[i]);
        }
    }
    assert_apart(apps_fixture_pipeline(f));
    apps_fixture_apply(f, OBJECTS);
    assert_all_have_flows(f);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_start_together_in_any_order),
        cmocka_unit_test(they_find_tables_whatever_came_and_went),
        cmocka_unit_test(they_are_loaded_live),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
