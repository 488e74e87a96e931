/* SPDX-License-Identifier: Apache-2.0
 *
 * The northbound as its description says: every field and call is documented,
 * and bad requests are refused one by one. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/northbound-private.h"
#include "controller/northbound/replies.h"
#include "controller/schema/event-kinds.h"
#include "controller/schema/schema.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tests/unit/northbound-fixture.h"
#include "util.h"

/* The reference.  -------------------------------------------------------- */

/* Fails unless 'section' has a row for each field. */
static void
check_fields(const char *section, const struct schema_struct *s,
             const char *prefix)
{
    for (const struct schema_field *f = s->fields; f->name; f++) {
        bool list = (f->flags & SCHEMA_LIST) != 0;
        char *row = xasprintf("\n| `%s%s` |", prefix, f->name);
        char *inner = xasprintf("%s%s%s.", prefix, f->name, list ? "[]" : "");

        /* These two are said once for all. */
        if (!strstr(section, row) && strcmp(f->name, "description")
            && strcmp(f->name, "labels")) {
            fail_msg("docs/api-reference.md has no row \"%s\" in \"%.20s\"",
                     row + 1, section + 1);
        }
        if (f->type == SCHEMA_STRUCT) {
            check_fields(section, f->nested, inner);
        }
        free(row);
        free(inner);
    }
}

/* Appends the file at 'path' to 'doc'. */
static void
read_file(const char *path, struct ds *doc)
{
    FILE *stream = fopen(path, "r");
    char buf[4096];
    size_t n;

    assert_non_null(stream);
    while ((n = fread(buf, 1, sizeof buf, stream)) > 0) {
        ds_put_buffer(doc, buf, n);
    }
    fclose(stream);
}

static void
reference_has_every_field(void **state OVS_UNUSED)
{
    struct ds doc = DS_EMPTY_INITIALIZER;

    read_file(TEST_SRCDIR "/docs/api-reference.md", &doc);
    for (int i = 0; i < VMN_TABLE_OWN_FIRST; i++) {
        const struct schema_table *table = schema_tables[i];
        char *heading = xasprintf("\n## %s\n", table->plural);
        const char *start = strstr(ds_cstr(&doc), heading);

        if (!table->observed) {
            assert_non_null(start);
            const char *end = strstr(start + 1, "\n## ");
            char *section = xmemdup0(start, end ? (size_t) (end - start)
                                            : strlen(start));
            check_fields(section, &table->row, "");
            free(section);
        }
        free(heading);
    }
    ds_destroy(&doc);
}

/* In the API's description and in docs/api.md, in whose table a row may be of
 * several kinds. */
static void
every_kind_of_event_is_described(void **state OVS_UNUSED)
{
    struct ds doc = DS_EMPTY_INITIALIZER;
    const char *table;

    read_file(TEST_SRCDIR "/docs/api.md", &doc);
    table = strstr(ds_cstr(&doc), "\n| `event` | `data` |\n");
    assert_non_null(table);
    table = xmemdup0(table, strstr(table, "\n\n") - table);
    for (int i = 0; i < EVENT_N_KINDS; i++) {
        const char *name = event_kind_name((enum event_kind) i);
        char *first = xasprintf("\n| `%s`", name);
        char *other = xasprintf(", `%s` |", name);
        const struct schema_field *f = nb_reply_events.fields;

        while (f->name && strcmp(f->name, name)) {
            f++;
        }
        if (!f->name) {
            fail_msg("nb_reply_events has no member \"%s\"", name);
        }
        if (!strstr(table, first) && !strstr(table, other)) {
            fail_msg("docs/api.md has no event \"%s\"", name);
        }
        free(first);
        free(other);
    }
    free(CONST_CAST(char *, table));
    ds_destroy(&doc);
}

/* Where there is no 'about', the API's description has no such call. */
static void
every_call_says_what_it_is_for(void **state)
{
    struct fixture *f = *state;
    size_t n;
    struct http_route *routes = nb_routes_make(&n);

    for (size_t i = 0; i < n; i++) {
        const struct nb_operation *about = routes[i].about;

        if (!about || !about->summary) {
            fail_msg("%s has no 'about'", routes[i].pattern);
        }
        assert_true(!about->body || routes[i].takes_body);
    }
    nb_routes_destroy(routes, n);
    assert_call(f, 200, "GET", "/v1/openapi.json", NULL);
    assert_text(f, "openapi", "3.1.0");
    assert_call(f, 400, "GET", "/v1/openapi.json?x=1", NULL);
}

/* A type of an app would hide what is at its path, or be hidden by it. */
static void
no_type_of_an_app_is_named_as_a_call(void **state OVS_UNUSED)
{
    size_t n;
    struct http_route *routes = nb_routes_make(&n);

    for (size_t i = 0; i < n; i++) {
        const char *path = routes[i].pattern;

        if (strncmp(path, "/v1/", 4)) {
            continue;
        }
        path += 4;

        char *name = xmemdup0(path, strcspn(path, "/"));

        if (*name != '{' && !model_type_is_taken(name)) {
            fail_msg("%s: an app may declare a type \"%s\"",
                     routes[i].pattern, name);
        }
        free(name);
    }
    nb_routes_destroy(routes, n);
}

/* The table of bad requests.  -------------------------------------------- */

/* The request of 'test': its "raw" text, or made of method, path, headers and
 * body.  "fill" in a text is replaced by "fill_n" times "fill_with". */
static char *
request_of(const json_t *test)
{
    const char *raw = json_string_value(json_object_get(test, "raw"));
    const char *text = json_string_value(json_object_get(test, "text"));
    const char *headers = json_string_value(json_object_get(test,
                                                            "headers"));
    const char *with = json_string_value(json_object_get(test, "fill_with"));
    json_int_t n = json_integer_value(json_object_get(test, "fill_n"));
    json_t *body = json_object_get(test, "body");
    char *dumped = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY)
                   : NULL;
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *content = text ? text : dumped;

    if (content && with) {
        const char *at_ = strstr(content, "@FILL@");

        ds_put_buffer(&ds, content, at_ - content);
        for (json_int_t i = 0; i < n; i++) {
            ds_put_cstr(&ds, with);
        }
        ds_put_cstr(&ds, at_ + 6);
        content = ds_cstr(&ds);
    }
    char *request = raw ? xstrdup(raw)
        : make_request(json_string_value(json_object_get(test, "method")),
                       json_string_value(json_object_get(test, "path")),
                       headers ? headers : "", content);
    ds_destroy(&ds);
    free(dumped);
    return request;
}

/* Fails unless 'json', of what 'name' is told, has what 's' describes, and no
 * more. */
static void
check_described(const char *name, const json_t *json,
                const struct schema_struct *s)
{
    const char *key;
    json_t *value;

    json_object_foreach (CONST_CAST(json_t *, json), key, value) {
        const struct schema_field *f = schema_find_field(s, key);
        json_t *element;
        size_t i;

        if (!f) {
            fail_msg("%s: \"%s\" of \"%s\" is not described", name, key,
                     s->name);
        }
        json_array_foreach (value, i, element) {
            check_described(name, element, f->nested);
        }
    }
    for (const struct schema_field *f = s->fields; f->name; f++) {
        if (f->flags & SCHEMA_REQUIRED && !json_object_get(json, f->name)) {
            fail_msg("%s: \"%s\" has no \"%s\"", name, s->name, f->name);
        }
    }
}

static void
check_bad_request(struct fixture *f, const json_t *test)
{
    const char *name = json_string_value(json_object_get(test, "name"));
    json_int_t want = json_integer_value(json_object_get(test, "status"));
    const char *says = json_string_value(json_object_get(test, "says"));
    char *request = request_of(test);
    json_t *pointer;
    size_t i;

    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    client_say(&f->client, request);
    free(request);
    int status = take_reply(f);
    if (status != want) {
        fail_msg("%s: %d instead of %d: %s", name, status, (int) want,
                 f->client.body.length ? ds_cstr(&f->client.body) : "");
    }
    if (!json_is_string(at(f, "detail")) || !json_is_string(at(f, "type"))
        || json_integer_value(at(f, "status")) != want) {
        fail_msg("%s: not a problem: %s", name, ds_cstr(&f->client.body));
    }
    check_described(name, f->body, &nb_reply_problem);
    if (says && !strstr(ds_cstr(&f->client.body), says)) {
        fail_msg("%s: does not say \"%s\": %s", name, says,
                 ds_cstr(&f->client.body));
    }
    json_array_foreach (json_object_get(test, "at"), i, pointer) {
        if (!has_error_at(f, json_string_value(pointer))) {
            fail_msg("%s: no error at %s: %s", name,
                     json_string_value(pointer), ds_cstr(&f->client.body));
        }
    }
}

static void
bad_requests_are_refused_one_by_one(void **state)
{
    struct fixture *f = *state;
    json_error_t error;
    json_t *table = json_load_file(TEST_SRCDIR "/tests/unit/"
                                   "bad-requests.json",
                                   JSON_REJECT_DUPLICATES, &error);
    json_t *tests, *test;
    size_t i;

    if (!table) {
        fail_msg("line %d: %s", error.line, error.text);
    }
    char *body = json_dumps(json_object_get(table, "setup"), 0);
    assert_call(f, 200, "POST", "/v1/apply", body);
    free(body);
    assert_call(f, 200, "GET", "/v1/status", NULL);
    uint64_t before = model_revision(f->model);

    tests = json_object_get(table, "tests");
    assert_true(json_array_size(tests) >= 100);
    json_array_foreach (tests, i, test) {
        check_bad_request(f, test);
    }
    print_message("%"PRIuSIZE" requests\n", json_array_size(tests));

    /* None of them changed anything, and the server goes on. */
    assert_int_equal(model_revision(f->model), before);
    client_close(&f->client);
    client_connect(&f->client, f->base, f->path);
    assert_call(f, 201, "PUT", "/v1/networks/after", NET);
    json_decref(table);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_has_every_field),
        cmocka_unit_test(every_kind_of_event_is_described),
        TEST(every_call_says_what_it_is_for),
        TEST(no_type_of_an_app_is_named_as_a_call),
        TEST(bad_requests_are_refused_one_by_one),
    };

    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
