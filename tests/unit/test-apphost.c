/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of the app host: which apps it refuses and why, and how it places
 * stages. */

#include <config.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/apphost/stage-tables.h"
#include "controller/flow/pipeline.h"
#include "controller/schema/tables.h"
#include "util.h"


static void
refused(const struct vmn_app_class *class_, const char *why)
{
    struct apphost *host = apphost_create(NULL, false);
    struct vmn_error fault = VMN_ERROR_INIT;

    assert_true(apphost_add(host, class_, &fault));
    assert_non_null(fault.text);
    if (!strstr(fault.text, why)) {
        fail_msg("\"%s\" does not say \"%s\"", fault.text, why);
    }
    vmn_error_uninit(&fault);
    apphost_destroy(host);
}

static void
compile_nothing(struct vmn_view *view, const char *key,
                struct vmn_emit *emit)
{
}

static void
handle_nothing(struct vmn_view *view, const struct vmn_packet_in *in,
               struct vmn_packets_out *out)
{
}

static uint32_t
four_prefixes(unsigned table)
{
    return table == 1 ? 0x0f : 0;
}

static uint32_t
unknown_prefix(unsigned table)
{
    return 0x100;
}

static void
apps_that_do_not_fit_are_refused(void **state)
{
#define REFUSED(WHY, ...) \
    refused(&(const struct vmn_app_class) { __VA_ARGS__ }, WHY)
#define STAGES(...) \
    .stages = (const struct vmn_stage_class[]) { { __VA_ARGS__ }, { NULL } }
#define UNITS(...) \
    .units = (const struct vmn_unit_class[]) { { __VA_ARGS__ }, { NULL } }

    REFUSED("ABI 99", .abi = 99, .size = 1000, .name = "x");
    REFUSED("app name", VMN_APP_HEAD);
    REFUSED("app name", VMN_APP_HEAD, .name = "Upper");
    REFUSED("app name", VMN_APP_HEAD, .name = "vmn");
    REFUSED("of at most 31 characters", VMN_APP_HEAD,
            .name = "a-name-that-is-longer-than-thirty-one");
    REFUSED("stage \"s\" is declared twice", VMN_APP_HEAD, .name = "x",
            .stages = (const struct vmn_stage_class[]) {
                { .name = "s", .n_tables = 1 }, { .name = "s", .n_tables = 1 },
                { NULL } });
    REFUSED("unit \"u\" is declared twice", VMN_APP_HEAD, .name = "x",
            .units = (const struct vmn_unit_class[]) {
                { .name = "u", .each = VMN_EACH_ONCE,
                  .compile = compile_nothing },
                { .name = "u", .each = VMN_EACH_ONCE,
                  .compile = compile_nothing }, { NULL } });
    REFUSED("no hook 77", VMN_APP_HEAD, .name = "x",
            STAGES(.name = "s", .hook = 77, .n_tables = 1));
    REFUSED("0 tables", VMN_APP_HEAD, .name = "x", STAGES(.name = "s"));
    REFUSED("17 tables", VMN_APP_HEAD, .name = "x",
            STAGES(.name = "s", .n_tables = 17));
    REFUSED("prefixes 0xf of table 1", VMN_APP_HEAD, .name = "x",
            STAGES(.name = "s", .n_tables = 2, .prefixes = four_prefixes));
    REFUSED("prefixes 0x100 of table 0", VMN_APP_HEAD, .name = "x",
            STAGES(.name = "s", .n_tables = 1, .prefixes = unknown_prefix));
    REFUSED("\"scratch\" 0x200 has", VMN_APP_HEAD, .name = "x",
            STAGES(.name = "s", .n_tables = 1,
                   .scratch = VMN_SCRATCH(VMN_F_REG9)));
    REFUSED("\"keeps\" 0x10000 has", VMN_APP_HEAD, .name = "x",
            STAGES(.name = "s", .n_tables = 1, .keeps = 0x10000));
    REFUSED("no compile", VMN_APP_HEAD, .name = "x", UNITS(.name = "u"));
    REFUSED("\"row_type\" 99", VMN_APP_HEAD, .name = "x",
            UNITS(.name = "u", .row_type = 99, .compile = compile_nothing));
    /* None was said. */
    REFUSED("\"row_type\" 0", VMN_APP_HEAD, .name = "x",
            UNITS(.name = "u", .compile = compile_nothing));
    REFUSED("relation \"\" is not named", VMN_APP_HEAD, .name = "x",
            UNITS(.name = "u", .each = VMN_EACH_KEY,
                  .compile = compile_nothing));
    REFUSED("relation \"nodot\" is not named", VMN_APP_HEAD, .name = "x",
            UNITS(.name = "u", .each = VMN_EACH_KEY, .relation = "nodot",
                  .compile = compile_nothing));
    REFUSED("no eval", VMN_APP_HEAD, .name = "x",
            .queries = (const struct vmn_query_class[]) { { .name = "q" },
                                                          { NULL } });
#define HANDLERS(...) \
    .handlers = (const struct vmn_handler_class[]) { __VA_ARGS__, { NULL } }
    REFUSED("no handle function", VMN_APP_HEAD, .name = "x",
            HANDLERS({ .name = "h" }));
    REFUSED("handler name", VMN_APP_HEAD, .name = "x",
            HANDLERS({ .name = "H", .handle = handle_nothing }));
    REFUSED("handler \"h\" is declared twice", VMN_APP_HEAD, .name = "x",
            HANDLERS({ .name = "h", .handle = handle_nothing },
                     { .name = "h", .handle = handle_nothing }));
    REFUSED("answers HTTP, so it has no", VMN_APP_HEAD, .name = "x",
            HANDLERS({ .name = "h", .handle = handle_nothing,
                       .options = VMN_HANDLER_HTTP, .interval_s = 1 }));
    REFUSED("that have come to a host, so it has no provider_ports",
            VMN_APP_HEAD, .name = "x",
            HANDLERS({ .name = "h", .handle = handle_nothing,
                       .interval_s = 1, .provider_ports = true,
                       .options = VMN_HANDLER_ARRIVALS }));
    REFUSED("for questions of DNS, so it has no interval_s", VMN_APP_HEAD,
            .name = "x", HANDLERS({ .name = "h", .handle = handle_nothing,
                                    .interval_s = 1,
                                    .options = VMN_HANDLER_NAMES }));
    REFUSED("options that this vmnd does not know", VMN_APP_HEAD,
            .name = "x", HANDLERS({ .name = "h", .handle = handle_nothing,
                                    .options = 32 }));
    REFUSED("VMN_HANDLER_MESSAGES without VMN_HANDLER_HTTP", VMN_APP_HEAD,
            .name = "x", HANDLERS({ .name = "h", .handle = handle_nothing,
                                    .options = VMN_HANDLER_MESSAGES }));
    REFUSED("does not begin with", VMN_APP_HEAD, .name = "x",
            .id_pools = (const struct vmn_id_pool_class[]) { { "y.k", 1 },
                                                             { NULL } });
}

static void
the_same_name_twice_is_refused(void **state)
{
    static const struct vmn_app_class class_ = { VMN_APP_HEAD,
                                                 .name = "same" };
    struct apphost *host = apphost_create(NULL, false);
    struct vmn_error error = VMN_ERROR_INIT;

    assert_int_equal(apphost_add(host, &class_, &error), 0);
    assert_true(apphost_add(host, &class_, &error));
    assert_non_null(strstr(error.text, "loaded already"));
    vmn_error_uninit(&error);
    apphost_destroy(host);
}

/* Apps of the same ABI whose headers know other members.  ----------------- */

/* A descriptor and a class of units as later headers may have them. */
struct later_class {
    struct vmn_app_class now;
    void *more;
};
struct later_unit {
    struct vmn_unit_class now;
    void *more;
};
static char later_value[1];

static void
sizes_that_cannot_be_are_refused_by_name(void **state)
{
    static const struct vmn_stage_class stages[] = {
        { .name = "s", .n_tables = 1 }, { .name = NULL },
    };
    static const struct vmn_query_class queries[] = { { .name = NULL } };
    static const struct vmn_unit_class units[] = { { .name = NULL } };
    static const struct vmn_id_pool_class id_pools[] = { { .name = NULL } };
    static const struct vmn_handler_class handlers[] = { { .name = NULL } };
    static const struct vmn_app_class whole = {
        VMN_APP_HEAD, .name = "x", .stages = stages, .queries = queries,
        .units = units, .id_pools = id_pools, .handlers = handlers,
    };
    static const struct {
        const char *why;
        size_t offset;
        uint32_t value;
    } cases[] = {
#define CASE(MEMBER, VALUE) \
    { "\"" #MEMBER "\"", offsetof(struct vmn_app_class, MEMBER), VALUE }
        CASE(abi, VMN_APP_ABI - 1), CASE(abi, VMN_APP_ABI + 1),
        CASE(size, 0), CASE(size, 1 << 20),
        CASE(size, offsetof(struct vmn_app_class, flow_owner)),
        CASE(stage_size, 0), CASE(query_size, 8),
        CASE(unit_size, sizeof *units - 1), CASE(id_pool_size, 0),
        CASE(handler_size, UINT32_MAX),
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct vmn_app_class class_ = whole;

        memcpy((char *) &class_ + cases[i].offset, &cases[i].value,
               sizeof cases[i].value);
        refused(&class_, cases[i].why);
    }
}

static void
an_app_of_later_headers_is_read_by_its_own_sizes(void **state)
{
    static const struct later_unit units[] = {
        { .now = { .name = "a", .each = VMN_EACH_ONCE,
                   .compile = compile_nothing } },
        { .now = { .name = "b", .each = VMN_EACH_ONCE,
                   .compile = compile_nothing } },
        { .now = { .name = NULL } },
    };
    struct later_class class_ = { .now = { VMN_APP_HEAD, .name = "x",
                                           .units = &units[0].now } };
    struct apphost *host = apphost_create(NULL, false);
    const struct vmn_unit_class *ours;
    struct vmn_error error = VMN_ERROR_INIT;

    class_.now.size = sizeof class_;
    class_.now.unit_size = sizeof *units;
    assert_int_equal(apphost_add(host, &class_.now, &error), 0);
    ours = apphost_pipeline(host)->apps[0].class_->units;
    assert_string_equal(ours[0].name, "a");
    assert_string_equal(ours[1].name, "b");
    assert_null(ours[2].name);
    apphost_destroy(host);
}

/* What it means is not known here, so it is not left out either. */
static void
an_app_that_uses_later_members_is_refused(void **state)
{
    static const struct later_unit units[] = {
        { .now = { .name = "a", .each = VMN_EACH_ONCE,
                   .compile = compile_nothing },
          .more = later_value },
        { .now = { .name = NULL } },
    };
    struct later_class class_ = { .now = { VMN_APP_HEAD, .name = "x" },
                                  .more = &class_ };

    class_.now.size = sizeof class_;
    refused(&class_.now, "\"size\"");
    class_.more = NULL;
    class_.now.units = &units[0].now;
    class_.now.unit_size = sizeof *units;
    refused(&class_.now, "element 0 of \"unit_size\"");
}

static void
a_missing_module_is_refused_with_its_name(void **state)
{
    struct apphost *host = apphost_create(NULL, false);
    struct vmn_error error = VMN_ERROR_INIT;

    assert_true(apphost_load(host, "/nonexistent", "ghost", &error));
    assert_non_null(strstr(error.text, "ghost"));
    vmn_error_uninit(&error);
    apphost_destroy(host);
}

static const struct vmn_app_class early = {
    VMN_APP_HEAD, .name = "early",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "last", .hook = VMN_HOOK_DELIVER, .n_tables = 1 },
        { .name = "first", .hook = VMN_HOOK_ADMIT, .n_tables = 3 },
        { NULL },
    },
};
static const struct vmn_app_class late = {
    VMN_APP_HEAD, .name = "late",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "before", .hook = VMN_HOOK_DELIVER, .order = -1,
          .n_tables = 2 },
        { .name = "after", .hook = VMN_HOOK_ADMIT, .n_tables = 1 },
        { NULL },
    },
};

static void
stages_are_placed_by_hook_order_and_name(void **state)
{
    struct apphost *host = apphost_create(NULL, false);
    struct vmn_error error = VMN_ERROR_INIT;

    /* The order of loading does not matter. */
    assert_int_equal(apphost_add(host, &late, &error), 0);
    assert_int_equal(apphost_add(host, &early, &error), 0);

    const struct pipeline *p = apphost_pipeline(host);
    const struct pipeline_stage *e = p->apps[0].stages;
    const struct pipeline_stage *l = p->apps[1].stages;
    int deliver = 192;

    assert_int_equal(e[1].first_table, 0);
    assert_int_equal(e[1].next_table, 3);
    assert_int_equal(l[1].first_table, 3);
    assert_int_equal(l[1].next_table, deliver);
    assert_int_equal(l[0].first_table, deliver);
    assert_int_equal(l[0].next_table, deliver + 2);
    assert_int_equal(e[0].first_table, deliver + 2);
    assert_int_equal(e[0].next_table, -1);
    apphost_destroy(host);
}

static void
among_equals_stages_of_own_apps_come_first(void **state)
{
    static const struct vmn_stage_class stages[] = {
        { .name = "s", .hook = VMN_HOOK_SERVICE, .n_tables = 1 }, { NULL },
    };
    static const struct vmn_app_class a = { VMN_APP_HEAD, .name = "a",
                                            .stages = stages };
    static const struct vmn_app_class own = { VMN_APP_HEAD, .name = "overlay",
                                              .stages = stages };
    struct apphost *host = apphost_create(NULL, false);
    const struct pipeline *p = apphost_pipeline(host);

    assert_int_equal(apphost_add(host, &a, NULL), 0);
    assert_int_equal(apphost_add(host, &own, NULL), 0);
    assert_false(p->apps[0].builtin);
    assert_true(p->apps[1].builtin);
    assert_true(p->apps[1].stages[0].first_table
                < p->apps[0].stages[0].first_table);
    apphost_destroy(host);
}

/* Registers.  ------------------------------------------------------------- */

/* Keeps register 12 from hook TRACK to POLICY, as the firewall does. */
static const struct vmn_app_class keeper = {
    VMN_APP_HEAD, .name = "keeper",
    .stages = (const struct vmn_stage_class[]) {
        { .name = "to", .hook = VMN_HOOK_POLICY, .n_tables = 1 },
        { .name = "from", .hook = VMN_HOOK_TRACK, .n_tables = 1,
          .scratch = VMN_SCRATCH(VMN_F_REG12),
          .keeps = VMN_SCRATCH(VMN_F_REG12) },
        { NULL },
    },
};

/* Returns what an app with such a stage beside 'keeper' is refused for, or
 * NULL with what it may write. */
static char *
place_beside_keeper(const struct vmn_stage_class *stage, bool undeclared,
                    uint32_t *writes)
{
    const struct vmn_stage_class stages[] = { *stage, { NULL } };
    struct vmn_app_class other = { VMN_APP_HEAD, .name = "other",
                                   .stages = stages };
    /* As the ABI's first headers had it. */
    struct { _Alignas(void *) char bytes[32]; } early_stages[2];
    struct apphost *host = apphost_create(NULL, false);
    struct vmn_error error = VMN_ERROR_INIT;
    char *why = NULL;

    if (undeclared) {
        for (int i = 0; i < 2; i++) {
            memcpy(&early_stages[i], &stages[i], sizeof early_stages[i]);
        }
        other.stage_size = sizeof early_stages[0];
        other.stages = (const void *) early_stages;
    }
    assert_int_equal(apphost_add(host, &keeper, &error), 0);
    if (apphost_add(host, &other, &error)) {
        why = xstrdup(error.text);
        vmn_error_uninit(&error);
        /* Those that were there stay. */
        assert_int_equal(apphost_pipeline(host)->n_apps, 1);
        assert_int_equal(apphost_pipeline(host)->apps[0].stages[0].next_table,
                         -1);
    } else {
        *writes = apphost_pipeline(host)->apps[1].stages[0].writes;
    }
    apphost_destroy(host);
    return why;
}

static void
a_register_that_another_keeps_is_refused(void **state)
{
    struct vmn_stage_class stage = {
        .name = "s", .hook = VMN_HOOK_TRACK, .order = 1, .n_tables = 1,
        .scratch = VMN_SCRATCH(VMN_F_REG12) | VMN_SCRATCH(VMN_F_REG13),
    };
    uint32_t writes;
    char *why = place_beside_keeper(&stage, false, &writes);

    assert_string_equal(why, "stage s of app other writes register 12, which "
                        "app keeper keeps from its stage from to to");
    free(why);

    /* Before it, behind it, and another register. */
    stage.order = -1;
    assert_null(place_beside_keeper(&stage, false, &writes));
    assert_int_equal(writes, stage.scratch);
    stage.hook = VMN_HOOK_POLICY;
    stage.order = 1;
    assert_null(place_beside_keeper(&stage, false, &writes));
    stage.order = -1;
    stage.scratch = VMN_SCRATCH(VMN_F_REG13);
    assert_null(place_beside_keeper(&stage, false, &writes));
    assert_int_equal(writes, stage.scratch);

    stage.keeps = stage.scratch;
    why = place_beside_keeper(&stage, false, &writes);
    assert_string_equal(why, "stage s of app other keeps registers, but none "
                        "of the app's stages follows");
    free(why);
}

/* An app that could not declare any: it may write what nobody keeps. */
static void
an_app_of_earlier_headers_writes_what_nobody_keeps(void **state)
{
    struct vmn_stage_class stage = { .name = "s", .hook = VMN_HOOK_SERVICE,
                                     .n_tables = 1 };
    const uint32_t network = VMN_SCRATCH(VMN_REG_NETWORK);
    const uint32_t all = 0xfc00;
    uint32_t writes;

    assert_null(place_beside_keeper(&stage, true, &writes));
    assert_int_equal(writes, network | all);
    assert_null(place_beside_keeper(&stage, false, &writes));
    assert_int_equal(writes, network);
    stage.hook = VMN_HOOK_POLICY;
    stage.order = -1;
    assert_null(place_beside_keeper(&stage, true, &writes));
    assert_int_equal(writes, all & ~VMN_SCRATCH(VMN_F_REG12));
}

static void
a_hook_that_is_full_is_refused(void **state)
{
    static const struct vmn_stage_class stages[] = {
        { .name = "s", .hook = VMN_HOOK_POLICY, .n_tables = 41 }, { NULL },
    };
    static const struct vmn_app_class a = { VMN_APP_HEAD, .name = "a",
                                            .stages = stages };
    static const struct vmn_app_class b = { VMN_APP_HEAD, .name = "b",
                                            .stages = stages };
    struct apphost *host = apphost_create(NULL, false);
    struct vmn_error error = VMN_ERROR_INIT;

    assert_int_equal(apphost_add(host, &a, &error), 0);
    assert_true(apphost_add(host, &b, &error));
    assert_string_equal(error.text, "no room for stage s of app b beside the "
                        "stages of a: it needs 41 in a row of the tables of "
                        "hook policy (39 free) or of the spare ones (32 "
                        "free)");
    vmn_error_uninit(&error);
    /* The one that was there stays. */
    assert_int_equal(apphost_pipeline(host)->n_apps, 1);
    assert_int_equal(apphost_pipeline(host)->apps[0].stages[0].first_table,
                     96);
    apphost_destroy(host);
}

/* Adds an app with a stage of so many tables at hook ROUTE. */
static void
add_app_at_route(struct apphost *host, struct vmn_stage_class stages[2],
                 const char *name, unsigned n_tables)
{
    const struct vmn_app_class class_ = { VMN_APP_HEAD, .name = name,
                                          .stages = stages };

    stages[0] = (struct vmn_stage_class) {
        .name = "s", .hook = VMN_HOOK_ROUTE, .n_tables = n_tables,
    };
    stages[1] = (struct vmn_stage_class) { NULL };
    assert_int_equal(apphost_add(host, &class_, NULL), 0);
}

/* Adds such apps "a" and so on. */
static struct apphost *
make_apps(struct vmn_stage_class stages[][2], const unsigned *sizes, size_t n)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
    struct apphost *host = apphost_create(NULL, false);

    for (size_t i = 0; i < n; i++) {
        add_app_at_route(host, stages[i], names[i], sizes[i]);
    }
    return host;
}

static void
assert_first_tables(const struct apphost *host, const unsigned *first,
                    size_t n)
{
    const struct pipeline *p = apphost_pipeline(host);

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(p->apps[i].stages[0].first_table, first[i]);
        assert_int_equal(p->apps[i].stages[0].next_table,
                         i + 1 < n ? (int) first[i + 1] : -1);
    }
}

/* Those for which their hook has no room have tables behind all hooks', and
 * their place in the order. */
static void
what_a_hook_has_no_room_for_gets_spare_tables(void **state)
{
    static const unsigned sizes[] = { 10, 9, 6, 16, 7 };
    static const unsigned first[] = { 48, 208, 58, 217, 233 };
    static const struct vmn_stage_class of_f[] = {
        { .name = "t", .hook = VMN_HOOK_ROUTE, .n_tables = 1 }, { NULL },
    };
    static const struct vmn_app_class f = { VMN_APP_HEAD, .name = "f",
                                            .stages = of_f };
    struct vmn_stage_class stages[ARRAY_SIZE(sizes)][2];
    struct apphost *host = make_apps(stages, sizes, ARRAY_SIZE(sizes));
    struct vmn_error error = VMN_ERROR_INIT;

    assert_first_tables(host, first, ARRAY_SIZE(first));
    assert_true(apphost_add(host, &f, &error));
    assert_string_equal(error.text, "no room for stage t of app f beside the "
                        "stages of a, b, c, d, e: it needs 1 in a row of the "
                        "tables of hook route (0 free) or of the spare ones "
                        "(0 free)");
    vmn_error_uninit(&error);
    assert_first_tables(host, first, ARRAY_SIZE(first));
    apphost_destroy(host);
}

/* Where what others keep leaves too little in a row. */
static void
a_start_makes_room(void **state)
{
    static const unsigned sizes[] = { 1, 1, 1, 16 };
    static const unsigned first[] = { 48, 49, 50, 208 };
    static const int wanted[] = { 55, 215, 231 };
    struct vmn_stage_class stages[ARRAY_SIZE(sizes)][2];
    struct apphost *host = make_apps(stages, sizes, ARRAY_SIZE(sizes));
    struct pipeline *p = CONST_CAST(struct pipeline *, apphost_pipeline(host));
    struct vmn_error error = VMN_ERROR_INIT;

    assert_first_tables(host, first, ARRAY_SIZE(first));
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        stage_tables_want_one(&p->apps[i], "s", VMN_HOOK_ROUTE, 1, wanted[i]);
    }
    assert_true(stage_tables_assign(p, &error));
    assert_string_equal(error.text, "no room for stage s of app d beside the "
                        "stages of a, b, c: it needs 16 in a row of the "
                        "tables of hook route (8 free) or of the spare ones "
                        "(15 free); from a start on there is room: have "
                        "vmnd's options name it");
    vmn_error_uninit(&error);
    apphost_settle(host);
    assert_first_tables(host, first, ARRAY_SIZE(first));
    apphost_destroy(host);
}

/* In the order of vmnd's start: one that the others' wishes leave no room for
 * is not lost, whether these are known before it comes or only afterwards. */
static void
no_app_is_lost_for_the_wishes_of_others(void **state)
{
    static const unsigned sizes[] = { 1, 1, 1, 16, 1 };
    static const unsigned first[] = { 48, 49, 50, 208, 51 };
    static const int wanted[] = { 55, 215, 231, -1, 48 };
    static const char *const order[] = { "d", "a", "b", "c", "e" };
    struct vmn_stage_class stages[ARRAY_SIZE(sizes)][2];

    for (int wishes_first = 0; wishes_first < 2; wishes_first++) {
        struct apphost *host = apphost_create(NULL, false);

        for (int i = 0; i < 2 * (int) ARRAY_SIZE(order); i++) {
            const char *name = order[i % ARRAY_SIZE(order)];
            size_t at = name[0] - 'a';
            bool is_new = i < (int) ARRAY_SIZE(order);
            const struct vmn_module_stage then = {
                .name = "s", .hook = VMN_HOOK_ROUTE, .tables = sizes[at],
                .first_table = wanted[at], .next_table = -1,
            };
            const struct vmn_module before = { .n_stages = 1,
                                               .stages = &then };

            if (is_new) {
                add_app_at_route(host, stages[at], name, sizes[at]);
            }
            if (is_new == wishes_first && wanted[at] >= 0) {
                apphost_want_place(host, name, &before);
            }
        }
        apphost_settle(host);
        assert_int_equal(apphost_pipeline(host)->n_apps, ARRAY_SIZE(sizes));
        assert_first_tables(host, first, ARRAY_SIZE(first));
        apphost_destroy(host);
    }
}

/* An app that has room only as the others happen to have come would be gone
 * after a restart.  What is said of free tables is of then. */
static void
what_a_start_has_no_room_for_is_refused(void **state)
{
    static const unsigned sizes[] = { 2, 15, 15, 4, 1 };
    static const unsigned first[] = { 208, 48, 210, 225, 229 };
    struct vmn_stage_class stages[ARRAY_SIZE(sizes)][2];
    struct apphost *host = make_apps(stages, sizes, ARRAY_SIZE(sizes));
    struct pipeline *p = CONST_CAST(struct pipeline *, apphost_pipeline(host));
    struct vmn_stage_class *of_e;
    struct vmn_error error = VMN_ERROR_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
        stage_tables_want_one(&p->apps[i], "s", VMN_HOOK_ROUTE, sizes[i],
                              first[i]);
    }
    apphost_settle(host);
    assert_first_tables(host, first, ARRAY_SIZE(first));
    of_e = CONST_CAST(struct vmn_stage_class *, p->apps[4].stages[0].class_);
    of_e->n_tables = 11;
    assert_true(stage_tables_assign(p, &error));
    assert_string_equal(error.text, "at the next start there would be no room "
                        "for stage s of app e beside the stages of a, b, c, "
                        "d: it needs 11 in a row of the tables of hook route "
                        "(10 free) or of the spare ones (2 free)");
    vmn_error_uninit(&error);
    of_e->n_tables = 1;
    assert_int_equal(stage_tables_keep(p, NULL), 0);
    assert_first_tables(host, first, ARRAY_SIZE(first));
    apphost_destroy(host);
}

/* To take one away never fails, nor moves others: also if these would have no
 * room at a start any more, as another stage comes first then. */
static void
what_is_left_keeps_its_tables(void **state)
{
    static const struct {
        const char *name;
        enum vmn_hook hook;
        int order;
        unsigned n_tables, first;
    } apps[] = {
        { "a", VMN_HOOK_ADMIT, 0, 1, 0 },
        { "b", VMN_HOOK_SERVICE, -1, 7, 208 },
        { "c", VMN_HOOK_ROUTE, 0, 16, 48 },
        { "d", VMN_HOOK_ROUTE, 0, 16, 215 },
        { "e", VMN_HOOK_ROUTE, 0, 9, 231 },
        { "overlay", VMN_HOOK_SERVICE, 0, 10, 16 },
    };
    struct vmn_stage_class stages[ARRAY_SIZE(apps)][2] = { { { NULL } } };
    struct apphost *host = apphost_create(NULL, false);
    struct pipeline *p = CONST_CAST(struct pipeline *, apphost_pipeline(host));
    struct vmn_error error = VMN_ERROR_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(apps); i++) {
        const struct vmn_app_class class_ = { VMN_APP_HEAD,
                                              .name = apps[i].name,
                                              .stages = stages[i] };

        stages[i][0] = (struct vmn_stage_class) {
            .name = "s", .hook = apps[i].hook, .order = apps[i].order,
            .n_tables = apps[i].n_tables,
        };
        assert_int_equal(apphost_add(host, &class_, NULL), 0);
    }
    stage_tables_want(p, true);
    p->apps[0].n_stages = 0;
    assert_true(stage_tables_assign(p, &error));
    assert_non_null(strstr(error.text, "at the next start there would be no "
                           "room for stage s of app e"));
    vmn_error_uninit(&error);
    assert_int_equal(stage_tables_keep(p, NULL), 0);
    for (size_t i = 1; i < ARRAY_SIZE(apps); i++) {
        assert_int_equal(p->apps[i].stages[0].first_table, apps[i].first);
    }
    apphost_destroy(host);
}

/* A stage that has spare tables keeps them, also once its hook has room. */
static void
spare_tables_are_kept(void **state)
{
    static const unsigned sizes[] = { 1, 4 };
    static const unsigned first[] = { 48, 211 };
    static const struct vmn_module_stage then = {
        .name = "s", .hook = VMN_HOOK_ROUTE, .tables = 4, .first_table = 211,
        .next_table = -1,
    };
    static const struct vmn_module before = { .n_stages = 1,
                                              .stages = &then };
    struct vmn_stage_class stages[ARRAY_SIZE(sizes)][2];
    struct apphost *host = make_apps(stages, sizes, ARRAY_SIZE(sizes));

    apphost_want_place(host, "b", &before);
    apphost_settle(host);
    assert_first_tables(host, first, ARRAY_SIZE(first));
    apphost_destroy(host);
}

struct places {
    const unsigned *sizes;
    const int *first;           /* Of each app; -1: nothing is said. */
    struct vmn_module_stage stage;
    struct vmn_module module;
};

static const struct vmn_module *
get_place(void *places_, const char *app)
{
    struct places *places = places_;
    size_t i = app[0] - 'a';

    places->stage = (struct vmn_module_stage) {
        .name = "s", .hook = VMN_HOOK_ROUTE, .tables = places->sizes[i],
        .first_table = places->first[i], .next_table = -1,
    };
    places->module = (struct vmn_module) { .n_stages = 1,
                                           .stages = &places->stage };
    return places->first[i] >= 0 ? &places->module : NULL;
}

/* As a member of a cluster does whose writer has them elsewhere: all at once,
 * but for those that have no room there beside ones that stay. */
static void
stages_move_to_where_rows_say(void **state)
{
    static const unsigned sizes[] = { 1, 2, 4 };
    static const struct {
        int said[ARRAY_SIZE(sizes)];
        bool moves;
        unsigned first[ARRAY_SIZE(sizes)];
    } tries[] = {
        { { 48, 49, 51 }, false, { 48, 49, 51 } },
        { { 50, 48, -1 }, true, { 50, 48, 51 } },
        { { 49, 49, 51 }, false, { 50, 48, 51 } },
        { { 51, 48, -1 }, false, { 50, 48, 51 } },
        { { 0, 48, 51 }, false, { 50, 48, 51 } },
        { { 208, 48, 61 }, true, { 208, 48, 51 } },
        { { 52, 208, 48 }, true, { 52, 208, 48 } },
        { { 53, 49, 53 }, true, { 53, 208, 48 } },
    };
    struct vmn_stage_class stages[ARRAY_SIZE(sizes)][2];
    struct apphost *host = make_apps(stages, sizes, ARRAY_SIZE(sizes));

    for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
        struct places places = { .sizes = sizes, .first = tries[i].said };

        assert_int_equal(apphost_move(host, get_place, &places),
                         tries[i].moves);
        assert_first_tables(host, tries[i].first, ARRAY_SIZE(sizes));
    }
    apphost_destroy(host);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apps_that_do_not_fit_are_refused),
        cmocka_unit_test(the_same_name_twice_is_refused),
        cmocka_unit_test(sizes_that_cannot_be_are_refused_by_name),
        cmocka_unit_test(an_app_of_later_headers_is_read_by_its_own_sizes),
        cmocka_unit_test(an_app_that_uses_later_members_is_refused),
        cmocka_unit_test(a_missing_module_is_refused_with_its_name),
        cmocka_unit_test(stages_are_placed_by_hook_order_and_name),
        cmocka_unit_test(among_equals_stages_of_own_apps_come_first),
        cmocka_unit_test(a_register_that_another_keeps_is_refused),
        cmocka_unit_test(an_app_of_earlier_headers_writes_what_nobody_keeps),
        cmocka_unit_test(a_hook_that_is_full_is_refused),
        cmocka_unit_test(what_a_hook_has_no_room_for_gets_spare_tables),
        cmocka_unit_test(a_start_makes_room),
        cmocka_unit_test(no_app_is_lost_for_the_wishes_of_others),
        cmocka_unit_test(what_a_start_has_no_room_for_is_refused),
        cmocka_unit_test(what_is_left_keeps_its_tables),
        cmocka_unit_test(spare_tables_are_kept),
        cmocka_unit_test(stages_move_to_where_rows_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
