/* SPDX-License-Identifier: Apache-2.0
 *
 * Apps that come, change and go while the engine runs, beside VMN's own: what
 * results is what a start with the same apps results in, and nobody else's
 * flows move (controller/apphost/apphost-live.c,
 * controller/engine/engine-apps.c). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/apphost/apphost.h"
#include "controller/engine/engine.h"
#include "controller/engine/packet-handler.h"
#include "controller/engine/relation.h"
#include "controller/flow/pipeline.h"
#include "controller/schema/module-code.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

#define ROWS                                                            \
    "{'hosts/h1': {'ovsdb': 'unix:/h1', 'tunnel_ip': '10.99.0.1'},"     \
    " 'networks/a': {'vni': 7, 'subnets': [{'cidr': '10.0.0.0/24'}]},"  \
    " 'networks/b': {'vni': 8, 'subnets': [{'cidr': '10.1.0.0/24'}]},"  \
    " 'ports/pa': {'network': 'a', 'ips': ['10.0.0.1']},"               \
    " 'ports/pb': {'network': 'b', 'ips': ['10.1.0.1']},"               \
    " 'bindings/pa': {'host': 'h1'}, 'bindings/pb': {'host': 'h1'}}"

/* A script: its name, its stage's hook and order, the priority of a flow for
 * each network, and what else it declares. */
#define SCRIPT                                                          \
    "local function each(view, key, emit)\n"                            \
    "    local n = view:network(key)\n"                                 \
    "    if not n then return end\n"                                    \
    "    emit:flow { scope = { network = key }, stage = 's',\n"         \
    "                priority = %d,\n"                                  \
    "                match = { reg_network = n.vni } }:next()\n"        \
    "    emit:publish('%s.vni', key, tostring(n.vni))\n"                \
    "end\n"                                                             \
    "local function of_key(view, key, emit)\n"                          \
    "    emit:flow { scope = { network = key }, stage = 's',\n"         \
    "                priority = 5,\n"                                   \
    "                match = { reg_network = %s } }:next()\n"           \
    "end\n"                                                             \
    "return { name = '%s',\n"                                           \
    "  stages = { { name = 's', hook = '%s', order = %d } },\n"         \
    "  queries = { { name = 'q', eval = function(view, key)\n"          \
    "      view:network(key)\n"                                         \
    "      return key .. '%d' end } },\n"                               \
    "  handlers = { { name = 'h', handle = function(view, packet, out)\n" \
    "      out:send_back(packet.bytes) end } },\n"                      \
    "  units = { { name = 'n', each = 'network', compile = each },\n"   \
    "            { name = 'k', each = { relation = '%s.vni' },\n"       \
    "              compile = of_key } } }\n"

#define VNI "view:network(key).vni"

/* One that asks for what the query of another one says. */
#define ASKER                                                           \
    "return { name = 'asker',\n"                                        \
    "  stages = { { name = 's', hook = 'service', order = 50 } },\n"    \
    "  units = { { name = 'n', each = 'network',\n"                     \
    "              compile = function(view, key, emit)\n"               \
    "      local n, said = view:network(key), view:query('x.q', key)\n" \
    "      if not n then return end\n"                                  \
    "      emit:flow { scope = { network = key }, stage = 's',\n"       \
    "                  priority = said and 20 or 19,\n"                 \
    "                  match = { reg_network = n.vni } }:next()\n"      \
    "  end } } }\n"

struct script {
    const char *name, *hook;
    int order, priority;
    const char *key_vni;        /* Lua: what it matches for a key. */
};

struct code {
    char *code;
    char digest[MODULE_DIGEST_LEN + 1];
};

static void
make_code(const struct script *s, struct code *code)
{
    char *text = xasprintf(SCRIPT, s->priority, s->name, s->key_vni, s->name,
                           s->hook, s->order, s->priority, s->name);

    code->code = module_code_make(text, strlen(text));
    assert_true(module_code_digest(code->code, code->digest));
    free(text);
}

static void
run(struct apps_fixture *f)
{
    engine_delta_destroy(engine_run(apps_fixture_engine(f)));
    apphost_free_retired(apps_fixture_apphost(f));
}

/* Loads an app, as vmnd_follow_apps() does.  Returns false if it does not
 * fit. */
static bool
load_code(struct apps_fixture *f, const char *name, const struct code *code,
          bool prepare, const struct vmn_module *row, struct vmn_error *why)
{
    const struct apphost_file file = { "x.lua", code->code, code->digest };
    struct apphost *apphost = apps_fixture_apphost(f);
    const struct pipeline *pipeline = apphost_pipeline(apphost);
    struct engine *engine = apps_fixture_engine(f);

    if (prepare && apps_fixture_prepare(f, name, &file, why)) {
        run(f);
        return false;
    }
    if (pipeline_find(pipeline, name)) {
        engine_remove_app(engine, pipeline_find(pipeline, name));
    }
    apphost_replace(apphost, name, &file, row);
    engine_add_app(engine, pipeline_find(pipeline, name));
    run(f);
    return true;
}

static bool
load(struct apps_fixture *f, const struct script *s, bool prepare,
     struct vmn_error *why)
{
    struct code code;
    bool ok;

    make_code(s, &code);
    ok = load_code(f, s->name, &code, prepare, NULL, why);
    free(code.code);
    return ok;
}

/* The same with a row that says where it is. */
static bool
load_at(struct apps_fixture *f, const struct script *s,
        const struct vmn_module *row)
{
    struct code code;
    bool ok;

    make_code(s, &code);
    ok = load_code(f, s->name, &code, false, row, NULL);
    free(code.code);
    return ok;
}

/* Removes an app, without anything being computed yet. */
static void
take_out(struct apps_fixture *f, const char *name)
{
    const struct pipeline *pipeline
        = apphost_pipeline(apps_fixture_apphost(f));
    const struct pipeline_app *app = pipeline_find(pipeline, name);

    engine_remove_app(apps_fixture_engine(f), app);
    apphost_remove(apps_fixture_apphost(f), name);
    engine_add_app(apps_fixture_engine(f), app);
    assert_null(pipeline_find(pipeline, name));
}

static void
unload(struct apps_fixture *f, const char *name)
{
    take_out(f, name);
    run(f);
}

static char *
flows(struct apps_fixture *f)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    apps_fixture_flows(f, "h1", true, &ds);
    return ds_steal_cstr(&ds);
}

static bool
has_flow(struct apps_fixture *f, const char *text)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    bool has;

    apps_fixture_flows(f, "h1", false, &ds);
    has = strstr(ds_cstr(&ds), text) != NULL;
    ds_destroy(&ds);
    return has;
}

static struct apps_fixture *
start(void)
{
    static const char *const apps[] = { "overlay", "firewall", "router",
                                        "dhcp", NULL };
    struct apps_fixture *f = apps_fixture_create(apps);

    apps_fixture_apply(f, ROWS);
    return f;
}

static void
it_comes_changes_and_goes(void **state OVS_UNUSED)
{
    struct script s = { "x", "service", 10, 10, VNI };
    struct apps_fixture *f = start();
    char *before = flows(f), *after;
    const struct engine_handler *handler;
    size_t size;
    char *value;

    assert_true(load(f, &s, true, NULL));
    apps_fixture_check(f);
    assert_true(has_flow(f, "x.s/0 10 reg0=0x7 "));
    assert_true(has_flow(f, "x.s/0 10 reg0=0x8 "));
    assert_true(has_flow(f, "x.s/0 5 reg0=0x7 "));
    assert_int_equal(engine_relation_values(apps_fixture_engine(f), "x.vni",
                                            "a").n, 1);
    value = engine_peek(apps_fixture_engine(f), "x.q", "k", &size);
    assert_memory_equal(value, "k10", 3);
    free(value);
    handler = engine_get_handler(apps_fixture_engine(f),
                                 engine_n_handlers(apps_fixture_engine(f))
                                 - 1);
    assert_string_equal(handler->name, "x.h");
    assert_ptr_equal(engine_find_handler(apps_fixture_engine(f), handler->id),
                     handler);

    /* Another version, which is not loaded before. */
    s.priority = 11;
    assert_true(load(f, &s, false, NULL));
    apps_fixture_check(f);
    assert_true(has_flow(f, "x.s/0 11 reg0=0x7 "));
    assert_false(has_flow(f, "x.s/0 10 reg0=0x7 "));
    value = engine_peek(apps_fixture_engine(f), "x.q", "k", &size);
    assert_memory_equal(value, "k11", 3);
    free(value);

    unload(f, "x");
    assert_null(engine_find_handler(apps_fixture_engine(f), handler->id));
    assert_true(handler->gone);
    assert_null(engine_peek(apps_fixture_engine(f), "x.q", "k", &size));
    assert_int_equal(engine_relation_values(apps_fixture_engine(f), "x.vni",
                                            "a").n, 0);
    apps_fixture_check(f);
    after = flows(f);
    assert_string_equal(before, after);
    free(before);
    free(after);
    apps_fixture_destroy(f);
}

/* Returns the lines of 'all' that are not in 'others'. */
static size_t
count_others(const char *all, const char *others)
{
    struct svec a = SVEC_EMPTY_INITIALIZER, b = SVEC_EMPTY_INITIALIZER;
    size_t n = 0;

    svec_parse_words(&a, "");
    for (const char *text = all; *text; text += strcspn(text, "\n") + 1) {
        svec_add_nocopy(&a, xmemdup0(text, strcspn(text, "\n")));
    }
    for (const char *text = others; *text; text += strcspn(text, "\n") + 1) {
        svec_add_nocopy(&b, xmemdup0(text, strcspn(text, "\n")));
    }
    svec_sort(&b);
    for (size_t i = 0; i < a.n; i++) {
        n += !svec_contains(&b, a.names[i]);
    }
    svec_destroy(&a);
    svec_destroy(&b);
    return n;
}

/* A stage between others leaves them where they are: only what leads to it is
 * other than before. */
static void
nobody_else_moves(void **state OVS_UNUSED)
{
    const struct script last = { "x", "service", 1000, 10, VNI };
    const struct script first = { "y", "service", -1000, 10, VNI };
    struct apps_fixture *f = start();
    const struct pipeline *pipeline = apps_fixture_pipeline(f);
    const struct pipeline_stage *x, *y;
    char *before = flows(f), *with_x, *with_both;

    assert_true(load(f, &last, true, NULL));
    x = &pipeline_find(pipeline, "x")->stages[0];
    with_x = flows(f);
    assert_true(load(f, &first, true, NULL));
    apps_fixture_check(f);
    with_both = flows(f);
    y = &pipeline_find(pipeline, "y")->stages[0];
    /* It comes first, though its table is behind. */
    assert_true(y->rank < x->rank);
    assert_true(y->first_table > x->first_table);
    assert_true(y->next_table < y->first_table);
    assert_true(count_others(before, with_both) < 40);
    assert_true(count_others(with_x, with_both) < 40);
    unload(f, "x");
    unload(f, "y");
    free(with_x);
    free(with_both);
    with_both = flows(f);
    assert_string_equal(before, with_both);
    free(before);
    free(with_both);
    apps_fixture_destroy(f);
}

static void
what_does_not_fit_changes_nothing(void **state OVS_UNUSED)
{
    const struct script before_all = { "x", "admit", -1000000, 10, VNI };
    const struct script own = { "router", "service", 1, 10, VNI };
    const struct script broken = { "x", "service", 1, 10, "= 7" };
    const struct script wrong_hook = { "x", "servce", 1, 10, VNI };
    struct apps_fixture *f = start();
    struct vmn_error why = VMN_ERROR_INIT;
    char *before = flows(f), *after;

    assert_false(load(f, &before_all, true, &why));
    assert_non_null(strstr(why.text, "all packets would come to it first"));
    vmn_error_uninit(&why);
    assert_false(load(f, &broken, true, &why));
    assert_non_null(strstr(why.text, "x.lua:"));
    vmn_error_uninit(&why);
    assert_false(load(f, &wrong_hook, true, &why));
    assert_non_null(strstr(why.text, "is it \"service\"?"));
    vmn_error_uninit(&why);
    assert_false(load(f, &own, true, &why));
    assert_non_null(strstr(why.text, "is of an app of VMN's"));
    vmn_error_uninit(&why);
    after = flows(f);
    assert_string_equal(before, after);

    /* If it only turns out later, the app is absent, and all else goes on. */
    assert_true(load(f, &broken, false, NULL));
    assert_non_null(pipeline_find(apps_fixture_pipeline(f), "x")->absent);
    free(after);
    after = flows(f);
    assert_string_equal(before, after);
    unload(f, "x");
    free(before);
    free(after);
    apps_fixture_destroy(f);
}

/* Who has asked for what an app knew does without it, also if that changes in
 * the same moment. */
static void
others_do_without_its_queries(void **state OVS_UNUSED)
{
    const struct script s = { "x", "service", 10, 10, VNI };
    struct apps_fixture *f = start();
    struct code asker;

    asker.code = module_code_make(ASKER, strlen(ASKER));
    assert_true(module_code_digest(asker.code, asker.digest));
    assert_true(load_code(f, "asker", &asker, true, NULL, NULL));
    free(asker.code);
    assert_true(has_flow(f, "asker.s/0 19 reg0=0x7 "));
    assert_true(load(f, &s, true, NULL));
    assert_true(has_flow(f, "asker.s/0 20 reg0=0x7 "));
    apps_fixture_check(f);

    take_out(f, "x");
    apps_fixture_apply(f, "{'networks/a': {'vni': 9, 'subnets': "
                       "[{'cidr': '10.0.0.0/24'}]}}");
    assert_true(has_flow(f, "asker.s/0 19 reg0=0x9 "));
    assert_true(has_flow(f, "asker.s/0 19 reg0=0x8 "));
    apps_fixture_check(f);
    apps_fixture_destroy(f);
}

/* What the row of an app says of its stage. */
static const struct vmn_module *
get_module(void *f, const char *name)
{
    static struct vmn_module_stage of_row;
    static const struct vmn_module module = { .n_stages = 1,
                                              .stages = &of_row };
    const struct pipeline_app *app = pipeline_find(apps_fixture_pipeline(f),
                                                   name);

    if (!app || app->builtin) {
        return NULL;
    }
    of_row = (struct vmn_module_stage) {
        .name = "s", .hook = app->stages[0].class_->hook, .tables = 1,
        .first_table = app->stages[0].first_table,
    };
    return &module;
}

static const struct script of_members[] = {
    { "x", "service", 1000, 10, VNI }, { "y", "service", 900, 11, VNI },
};

/* Where another app is, one does not come at once, though it would be there at
 * a start: "x" is where the writer has "there" when "y" comes, which is to be
 * there as well. */
static void
comes_later(struct apps_fixture *f, struct apps_fixture *writer,
            const char *there, const char *wanted)
{
    const struct pipeline *pipeline = apps_fixture_pipeline(f);
    char *has;

    unload(f, "y");
    unload(f, "x");
    assert_true(load_at(f, &of_members[0], get_module(writer, there)));
    assert_true(load_at(f, &of_members[1], get_module(writer, there)));
    assert_null(pipeline_find(pipeline, "y")->absent);
    assert_int_equal(pipeline_find(pipeline, "x")->stages[0].first_table,
                     get_module(writer, there)->stages[0].first_table);
    apphost_move(apps_fixture_apphost(f), get_module, writer);
    engine_apps_moved(apps_fixture_engine(f));
    run(f);
    apps_fixture_check(f);
    has = flows(f);
    assert_string_equal(wanted, has);
    free(has);
}

/* As two members of a cluster do: the other one was started again, or the apps
 * come to it in another order.  Both compile the same once it has heard where
 * the writer has them, and at once if it hears so with their code. */
static void
members_have_the_same_flows(void **state OVS_UNUSED)
{
    struct apps_fixture *writer = start(), *other = start(), *third = start();
    char *wanted, *has;

    assert_true(load(writer, &of_members[0], true, NULL));
    assert_true(load(writer, &of_members[1], true, NULL));
    assert_true(load(other, &of_members[1], true, NULL));
    assert_true(load(other, &of_members[0], true, NULL));
    wanted = flows(writer);
    has = flows(other);
    assert_string_not_equal(wanted, has);
    free(has);
    assert_true(apphost_move(apps_fixture_apphost(other), get_module,
                             writer));
    engine_apps_moved(apps_fixture_engine(other));
    run(other);
    apps_fixture_check(other);
    has = flows(other);
    assert_string_equal(wanted, has);
    free(has);
    assert_false(apphost_move(apps_fixture_apphost(other), get_module,
                              writer));

    assert_true(load_at(third, &of_members[1], get_module(writer, "y")));
    assert_true(load_at(third, &of_members[0], get_module(writer, "x")));
    apps_fixture_check(third);
    has = flows(third);
    assert_string_equal(wanted, has);
    free(has);

    comes_later(third, writer, "y", wanted);
    comes_later(third, writer, "x", wanted);
    free(wanted);
    apps_fixture_destroy(writer);
    apps_fixture_destroy(other);
    apps_fixture_destroy(third);
}

/* Two apps are loaded, replaced and removed at random, with edits of rows
 * between. */
static void
many_times(void **state OVS_UNUSED)
{
    static const char *const names[] = { "x", "y", "z" };
    static const char *const hooks[] = { "service", "route", "locate" };
    struct apps_fixture *f = start();
    uint32_t seed = 1;

    for (int i = 0; i < 60; i++) {
        struct script s = { NULL, NULL, 0, 10, VNI };

        seed = seed * 1103515245 + 12345;
        s.name = names[(seed >> 16) % 3];
        s.hook = hooks[(seed >> 20) % 3];
        s.order = (int) (seed >> 24) % 200 - 100;
        s.priority = 10 + i;
        if (seed >> 10 & 1
            || !pipeline_find(apps_fixture_pipeline(f), s.name)) {
            load(f, &s, seed >> 11 & 1, NULL);
        } else {
            unload(f, s.name);
        }
        apps_fixture_apply(f, seed >> 12 & 1
                           ? "{'networks/a': {'vni': 9, 'subnets': "
                             "[{'cidr': '10.0.0.0/24'}]}}"
                           : "{'networks/a': {'vni': 7, 'subnets': "
                             "[{'cidr': '10.0.0.0/24'}]}}");
        if (i % 10 == 9) {
            apps_fixture_check(f);
        }
    }
    apps_fixture_destroy(f);
}

/* Puts an app that is loaded in its place, before a change is durable. */
static struct app_worker *
put(struct apps_fixture *f, const char *name, const struct code *code)
{
    const struct apphost_file file = { "x.lua", code->code, code->digest };
    struct apphost *apphost = apps_fixture_apphost(f);
    const struct pipeline *pipeline = apphost_pipeline(apphost);
    struct engine *engine = apps_fixture_engine(f);

    if (pipeline_find(pipeline, name)) {
        engine_remove_app(engine, pipeline_find(pipeline, name));
    }
    apphost_replace(apphost, name, &file, NULL);
    engine_add_app(engine, pipeline_find(pipeline, name));
    engine_delta_destroy(engine_run(engine));
    return pipeline_find(pipeline, name)->worker;
}

/* Neither those that were prepared at the same time, nor the one that comes
 * back when a change is rolled back: vmnd would wait for that. */
static void
what_is_loaded_is_not_loaded_again(void **state OVS_UNUSED)
{
    static const struct script scripts[] = {
        { "x", "service", 10, 6, VNI }, { "x", "service", 10, 7, VNI },
        { "y", "service", 20, 8, VNI },
    };
    struct apps_fixture *f = start();
    struct apphost *apphost = apps_fixture_apphost(f);
    struct app_worker *first, *prepared[ARRAY_SIZE(scripts)];
    struct code codes[ARRAY_SIZE(scripts)];

    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        make_code(&scripts[i], &codes[i]);
    }
    first = put(f, "x", &codes[0]);
    apphost_free_retired(apphost);
    for (size_t i = 1; i < ARRAY_SIZE(scripts); i++) {
        const struct apphost_file file = { "x.lua", codes[i].code,
                                           codes[i].digest };

        assert_int_equal(apps_fixture_prepare(f, scripts[i].name, &file,
                                              NULL), 0);
        prepared[i] = apphost_prepared(apphost)->worker;
    }
    for (size_t i = 1; i < ARRAY_SIZE(scripts); i++) {
        assert_ptr_equal(put(f, scripts[i].name, &codes[i]), prepared[i]);
    }
    assert_null(apphost_prepared(apphost));
    assert_ptr_equal(put(f, "x", &codes[0]), first);
    apphost_free_retired(apphost);
    apps_fixture_check(f);
    apps_fixture_destroy(f);
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        free(codes[i].code);
    }
}

static void
count_cb(void *n, const char *error)
{
    assert_null(error);
    ++*(int *) n;
}

/* Loads in the background are few, and each has one result, unless it is
 * cancelled. */
static void
loads_at_a_time_are_bounded(void **state OVS_UNUSED)
{
    const struct script script = { "x", "service", 10, 5, VNI };
    struct apps_fixture *f = start();
    struct apphost *apphost = apps_fixture_apphost(f);
    struct apphost_load *loads[APPHOST_LOADS_MAX];
    struct vmn_error why = VMN_ERROR_INIT;
    struct apphost_file file;
    struct code code;
    int n = 0;

    make_code(&script, &code);
    file = (struct apphost_file) { "x.lua", code.code, code.digest };
    for (int i = 0; i < APPHOST_LOADS_MAX; i++) {
        loads[i] = apphost_prepare(apphost, "x", &file, count_cb, &n, &why);
        assert_non_null(loads[i]);
    }
    assert_null(apphost_prepare(apphost, "x", &file, count_cb, &n, &why));
    assert_int_equal(why.code, VMN_ERR_UNAVAILABLE);
    vmn_error_uninit(&why);
    apphost_cancel_prepare(loads[0]);
    for (int i = 0; apphost_is_busy(apphost); i++) {
        assert_true(i < 60000);
        usleep(1000);
        apphost_run(apphost);
    }
    assert_int_equal(n, APPHOST_LOADS_MAX - 1);
    assert_string_equal(apphost_prepared(apphost)->digest, code.digest);
    /* Those that are left end with the apphost. */
    assert_non_null(apphost_prepare(apphost, "x", &file, count_cb, &n, &why));
    apps_fixture_destroy(f);
    free(code.code);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_changes_and_goes),
        cmocka_unit_test(nobody_else_moves),
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(others_do_without_its_queries),
        cmocka_unit_test(members_have_the_same_flows),
        cmocka_unit_test(many_times),
        cmocka_unit_test(what_is_loaded_is_not_loaded_again),
        cmocka_unit_test(loads_at_a_time_are_bounded),
    };

    setenv("VMN_TEST_WORKER", "./vmn-app-worker", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
