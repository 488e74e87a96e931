/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/apps says what the apps declare: each app has a page, and its tables of
 * stages, units, queries, pools and handlers are the app's.  A reason of a
 * drop, or a relation, that a page names is in the app's source; and whatever
 * reason the source gives to what drops is on the page.
 *
 * test-app-pages --app FILE checks the page of an app that is not built here,
 * such as an example (tests/unit/test-example-app). */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/flow/pipeline.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "tests/unit/apps-fixture.h"
#include "util.h"

#define PAGES TEST_SRCDIR "/docs/apps"
#define INDEX PAGES "/README.md"

static const char *const built_in[] = {
    "overlay", "firewall", "loadbalancer", "router", "gateway", "dhcp", "dns",
};

static const char *const hooks[VMN_N_HOOKS] = {
    [VMN_HOOK_ADMIT] = "admit",
    [VMN_HOOK_SERVICE] = "service",
    [VMN_HOOK_BALANCE] = "balance",
    [VMN_HOOK_ROUTE] = "route",
    [VMN_HOOK_LOCATE] = "locate",
    [VMN_HOOK_TRACK] = "track",
    [VMN_HOOK_POLICY] = "policy",
    [VMN_HOOK_UNBALANCE] = "unbalance",
    [VMN_HOOK_DELIVER] = "deliver",
};

/* Files.  ---------------------------------------------------------------- */

/* Appends a file; returns false if there is none. */
static bool
append_file(struct ds *ds, const char *name)
{
    FILE *file = fopen(name, "r");
    char buf[4096];
    size_t n;

    if (!file) {
        return false;
    }
    while ((n = fread(buf, 1, sizeof buf, file)) > 0) {
        ds_put_buffer(ds, buf, n);
    }
    fclose(file);
    return true;
}

/* Appends all files of a folder whose names end so. */
static void
append_folder(struct ds *ds, const char *folder, const char *ending)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        size_t len = strlen(entry->d_name), end = strlen(ending);

        if (len > end && !strcmp(entry->d_name + len - end, ending)) {
            char *name = xasprintf("%s/%s", folder, entry->d_name);

            append_file(ds, name);
            free(name);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* Returns the source of an app, in one text. */
static char *
read_sources(const char *app)
{
    char *folder = xasprintf("%s/apps/%s", TEST_SRCDIR, app);
    char *example = xasprintf("%s/apps/example/%s.c", TEST_SRCDIR, app);
    char *script = xasprintf("%s/apps/example/%s.lua", TEST_SRCDIR, app);
    struct ds ds = DS_EMPTY_INITIALIZER;

    append_folder(&ds, folder, ".c");
    append_folder(&ds, folder, ".h");
    append_file(&ds, example);
    append_file(&ds, script);
    free(script);
    free(example);
    free(folder);
    assert_true(ds.length);
    return ds_steal_cstr(&ds);
}

/* Tables.  --------------------------------------------------------------- */

/* The rows of all tables of a page whose first column is 'column'. */
static void
rows_of(const char *page, const char *column, struct svec *rows)
{
    char *head = xasprintf("| %s |", column);
    bool inside = false;

    svec_init(rows);
    for (const char *line = page; *line; ) {
        size_t len = strcspn(line, "\n");

        if (*line != '|') {
            inside = false;
        } else if (!strncmp(line, head, strlen(head))) {
            inside = true;
        } else if (inside && strncmp(line, "| ---", 5)) {
            svec_add_nocopy(rows, xmemdup0(line, len));
        }
        line += len + (line[len] == '\n');
    }
    free(head);
}

/* Fails unless the rows of the page's tables begin with 'expected', one
 * each. */
static void
check_rows(const char *app, const char *page, const char *column,
           const struct svec *expected)
{
    struct svec rows;

    rows_of(page, column, &rows);
    for (size_t i = 0; i < MAX(rows.n, expected->n); i++) {
        const char *is = i < rows.n ? rows.names[i] : "nothing";
        const char *ought = (i < expected->n ? expected->names[i]
                             : "nothing more");

        if (i >= rows.n || i >= expected->n
            || strncmp(is, ought, strlen(ought))) {
            fail_msg("docs/apps/%s.md, column \"%s\":\n-%s\n+%s", app, column,
                     is, ought);
        }
    }
    svec_destroy(&rows);
}

static void
put_registers(struct ds *ds, uint32_t registers)
{
    size_t before = ds->length;

    for (unsigned i = 0; i < 6; i++) {
        if (registers & VMN_SCRATCH(VMN_F_REG10 + i)) {
            ds_put_format(ds, "%s%u", ds->length > before ? " " : "", 10 + i);
        }
    }
    if (ds->length == before) {
        ds_put_char(ds, '-');
    }
    ds_put_cstr(ds, " |");
}

static void
check_stages(const struct pipeline_app *app, const char *page)
{
    static const char *const misses[] = {
        [VMN_MISS_NEXT] = "next",
        [VMN_MISS_DROP] = "drop",
        [VMN_MISS_NONE] = "none",
    };
    struct svec expected = SVEC_EMPTY_INITIALIZER;

    for (size_t i = 0; i < app->n_stages; i++) {
        const struct pipeline_stage *stage = &app->stages[i];
        const struct vmn_stage_class *class_ = stage->class_;
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_format(&ds, "| `%s` | %s | %d | %u | %u", class_->name,
                      hooks[class_->hook], class_->order, class_->n_tables,
                      stage->first_table);
        if (class_->n_tables > 1) {
            ds_put_format(&ds, " to %u",
                          stage->first_table + class_->n_tables - 1);
        }
        ds_put_format(&ds, " | %s | ", misses[class_->miss]);
        put_registers(&ds, class_->scratch);
        ds_put_char(&ds, ' ');
        put_registers(&ds, class_->keeps);
        svec_add_nocopy(&expected, ds_steal_cstr(&ds));
    }
    check_rows(app->class_->name, page, "stage", &expected);
    svec_destroy(&expected);
}

/* Returns the name of a type of rows, which may be the app's own. */
static const char *
row_type_name(const struct vmn_app_class *app, unsigned type)
{
    static const char *const types[] = {
        [VMN_ROW_HOST] = "host",
        [VMN_ROW_NETWORK] = "network",
        [VMN_ROW_PORT] = "port",
        [VMN_ROW_GROUP] = "group",
        [VMN_ROW_SERVICE] = "service",
        [VMN_ROW_TIER] = "tier",
        [VMN_ROW_POLICY] = "policy",
        [VMN_ROW_QUARANTINE] = "quarantine",
        [VMN_ROW_LOADBALANCER] = "loadbalancer",
        [VMN_ROW_ROUTER] = "router",
        [VMN_ROW_FLOATING_IP] = "floating_ip",
        [VMN_ROW_DNS_ZONE] = "dns_zone",
        [VMN_ROW_OBSERVATION] = "observation",
    };

    if (type >= VMN_ROW_OWN_FIRST) {
        return app->types[type - VMN_ROW_OWN_FIRST].name;
    }
    assert_true(type < ARRAY_SIZE(types));
    return types[type];
}

static void
check_units(const struct vmn_app_class *app, const char *page)
{
    struct svec expected = SVEC_EMPTY_INITIALIZER;

    for (const struct vmn_unit_class *unit = app->units; unit->name; unit++) {
        svec_add_nocopy(&expected, unit->each == VMN_EACH_KEY
                        ? xasprintf("| `%s` | key of `%s` |", unit->name,
                                    unit->relation)
                        : xasprintf("| `%s` | %s |", unit->name,
                                    unit->each == VMN_EACH_ROW
                                    ? row_type_name(app, unit->row_type)
                                    : "once"));
    }
    check_rows(app->name, page, "unit", &expected);
    svec_destroy(&expected);
}

static void
check_pools_and_handlers(const struct vmn_app_class *app, const char *page)
{
    const struct vmn_handler_class *handler = app->handlers;
    const struct vmn_id_pool_class *pool = app->id_pools;
    struct svec expected = SVEC_EMPTY_INITIALIZER;

    for (; pool && pool->name; pool++) {
        svec_add_nocopy(&expected, xasprintf("| `%s` | %"PRIu32" |",
                                             pool->name, pool->max));
    }
    check_rows(app->name, page, "pool", &expected);
    svec_clear(&expected);
    for (; handler && handler->name; handler++) {
        svec_add_nocopy(&expected, xasprintf("| `%s` |", handler->name));
    }
    check_rows(app->name, page, "handler", &expected);
    svec_destroy(&expected);
}

/* A query is in the table, or named beside it. */
static void
check_queries(const struct vmn_app_class *app, const char *page)
{
    const struct vmn_query_class *query = app->queries;
    struct svec rows, all = SVEC_EMPTY_INITIALIZER;

    for (; query && query->name; query++) {
        char *name = xasprintf("`%s.%s`", app->name, query->name);

        svec_add(&all, name);
        if (!strstr(page, name)) {
            free(name);
            name = xasprintf("`%s`", query->name);
        }
        if (!strstr(page, name)) {
            fail_msg("docs/apps/%s.md lacks query %s", app->name, name);
        }
        free(name);
    }
    rows_of(page, "query", &rows);
    for (size_t i = 0; i < rows.n; i++) {
        char *name = xmemdup0(rows.names[i] + 2,
                              strcspn(rows.names[i] + 2, " "));

        if (!svec_contains_unsorted(&all, name)) {
            fail_msg("docs/apps/%s.md: there is no query %s", app->name,
                     name);
        }
        free(name);
    }
    svec_destroy(&rows);
    svec_destroy(&all);
}

/* Reasons and relations.  ------------------------------------------------ */

/* Returns the next text in quotes from '*p' on and before 'end', with the
 * quotes; NULL if there is none.  The caller frees it. */
static char *
next_quoted(const char **p, const char *end)
{
    const char *first = memchr(*p, '"', end - *p);
    const char *last = first ? memchr(first + 1, '"', end - first - 1) : NULL;

    if (!last) {
        return NULL;
    }
    *p = last + 1;
    return xmemdup0(first, last + 1 - first);
}

/* Fails unless what the pages' tables name is in the source. */
static void
check_named(const char *app, const char *page, const char *sources)
{
    struct svec rows;

    rows_of(page, "reason", &rows);
    for (size_t i = 0; i < rows.n; i++) {
        const char *row = rows.names[i], *end = strstr(row + 2, " |");
        char *reason;

        while ((reason = next_quoted(&row, end))) {
            if (!strstr(sources, reason)) {
                fail_msg("docs/apps/%s.md: the source has no reason %s", app,
                         reason);
            }
            free(reason);
        }
    }
    svec_destroy(&rows);
    rows_of(page, "relation", &rows);
    for (size_t i = 0; i < rows.n; i++) {
        char *name = xmemdup0(rows.names[i] + 3,
                              strcspn(rows.names[i] + 3, "`"));
        char *text = xasprintf("\"%s\"", name);

        if (!strstr(sources, text)) {
            fail_msg("docs/apps/%s.md: there is no relation %s", app, name);
        }
        free(text);
        free(name);
    }
    svec_destroy(&rows);
}

/* Fails unless each text that is given to one of 'calls' is on the page. */
static void
check_given(const char *app, const char *page, const char *sources,
            const char *call)
{
    size_t len = strlen(call);

    for (const char *p = strstr(sources, call); p;
         p = strstr(p + len, call)) {
        const char *end = strchr(p, ';'), *at = p + len;
        char *reason;

        if (!end || isalnum((unsigned char) p[-1]) || p[-1] == '_') {
            continue;
        }
        while ((reason = next_quoted(&at, end))) {
            if (!strstr(page, reason)) {
                fail_msg("docs/apps/%s.md lacks reason %s", app, reason);
            }
            free(reason);
        }
    }
}

/* Pages.  ---------------------------------------------------------------- */

/* Fails unless the index has the app's page, and where its stages are. */
static void
check_index(const struct pipeline_app *app)
{
    const char *name = app->class_->name;
    struct ds index = DS_EMPTY_INITIALIZER, at = DS_EMPTY_INITIALIZER;
    char *link = xasprintf("\n| [%s](%s.md) |", name, name);
    const char *row;

    assert_true(append_file(&index, INDEX));
    row = strstr(ds_cstr(&index), link);
    if (!row) {
        fail_msg("docs/apps/README.md lacks %s", link + 1);
        return;
    }
    for (int i = 0; i < VMN_N_HOOKS; i++) {
        for (size_t j = 0; j < app->n_stages; j++) {
            if ((int) app->stages[j].class_->hook == i) {
                ds_put_format(&at, "%s%s", at.length ? ", " : "| ", hooks[i]);
                break;
            }
        }
    }
    ds_put_cstr(&at, " |");
    row = xmemdup0(row + 1, strcspn(row + 1, "\n"));
    if (!strstr(row, ds_cstr(&at))) {
        fail_msg("docs/apps/README.md: no \"%s\" in %s", ds_cstr(&at), row);
    }
    free(CONST_CAST(char *, row));
    free(link);
    ds_destroy(&at);
    ds_destroy(&index);
}

static void
check_page(const struct pipeline_app *app)
{
    static const char *const calls[] = {
        "drop(", "drop_background(", "vmn_act_drop(",
        "vmn_act_drop_background(", "refuse(", "act_reject(",
        "drop_identities(", "no_rule_add(", "vmn_send_nothing(",
    };
    const char *name = app->class_->name;
    struct ds page = DS_EMPTY_INITIALIZER, all = DS_EMPTY_INITIALIZER;
    char *path = xasprintf(PAGES "/%s.md", name);
    char *sources = read_sources(name);

    if (!append_file(&page, path)) {
        fail_msg("app %s has no page docs/apps/%s.md", name, name);
    }
    check_index(app);
    check_stages(app, ds_cstr(&page));
    check_units(app->class_, ds_cstr(&page));
    check_pools_and_handlers(app->class_, ds_cstr(&page));
    check_queries(app->class_, ds_cstr(&page));
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        check_given(name, ds_cstr(&page), sources, calls[i]);
    }

    /* Some of what apps say is said by functions of the headers, and by
     * vmn_arp_nd_respond(). */
    ds_put_cstr(&all, sources);
    append_folder(&all, TEST_SRCDIR "/include/vmn", ".h");
    append_file(&all, TEST_SRCDIR "/controller/flow/arp-nd-responder.c");
    check_named(name, ds_cstr(&page), ds_cstr(&all));
    ds_destroy(&all);
    ds_destroy(&page);
    free(sources);
    free(path);
}

/* Loads the built-in apps, and 'more' unless that is NULL. */
static struct apps_fixture *
load(const char *more)
{
    const char *apps[ARRAY_SIZE(built_in) + 2] = { NULL };

    memcpy(apps, built_in, sizeof built_in);
    apps[ARRAY_SIZE(built_in)] = more;
    return apps_fixture_create(apps);
}

static void
each_app_has_a_page_that_says_what_it_declares(void **state OVS_UNUSED)
{
    struct apps_fixture *f = load(NULL);
    const struct pipeline *pipeline = apps_fixture_pipeline(f);

    assert_int_equal(pipeline->n_apps, ARRAY_SIZE(built_in));
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        check_page(&pipeline->apps[i]);
    }
    apps_fixture_destroy(f);
}

static bool
is_app(const char *name)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *path = xasprintf("%s/apps/example/%s.c", TEST_SRCDIR, name);
    char *script = xasprintf("%s/apps/example/%s.lua", TEST_SRCDIR, name);
    char *own = xasprintf("%s/apps/%s/%s.c", TEST_SRCDIR, name, name);
    bool found = (append_file(&ds, path) || append_file(&ds, script)
                  || append_file(&ds, own));

    for (size_t i = 0; i < ARRAY_SIZE(built_in); i++) {
        found = found || !strcmp(built_in[i], name);
    }
    free(own);
    free(script);
    free(path);
    ds_destroy(&ds);
    return found;
}

static void
each_page_is_of_an_app(void **state OVS_UNUSED)
{
    DIR *dir = opendir(PAGES);
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        size_t len = strcspn(entry->d_name, ".");
        char *name = xmemdup0(entry->d_name, len);

        if (len && strcmp(name, "README") && !is_app(name)) {
            fail_msg("docs/apps/%s is of no app", entry->d_name);
        }
        free(name);
    }
    closedir(dir);
}

/* Checks the page of the app in 'file', which is loaded last. */
static int
check_other(const char *file)
{
    struct apps_fixture *f = load(file);
    const struct pipeline *pipeline = apps_fixture_pipeline(f);

    for (size_t i = 0; i < pipeline->n_apps; i++) {
        if (!pipeline->apps[i].builtin) {
            check_page(&pipeline->apps[i]);
        }
    }
    apps_fixture_destroy(f);
    return 0;
}

int
main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_app_has_a_page_that_says_what_it_declares),
        cmocka_unit_test(each_page_is_of_an_app),
    };

    if (argc == 3 && !strcmp(argv[1], "--app")) {
        return check_other(argv[2]);
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
