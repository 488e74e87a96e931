/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces in names, with the built apps; see trace-fixture.h. */

#include <config.h>

#include "tests/unit/trace-fixture.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/trace-body.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/simulator/trace.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static const char *const apps[] = {
    "overlay",
    "firewall",
    "loadbalancer",
    "router",
    "gateway",
    NULL,
};

struct apps_fixture *
create_shop(const char *rows)
{
    struct apps_fixture *f = apps_fixture_create(apps);

    apps_fixture_apply(f, rows);
    return f;
}

/* Adds 'error', which it releases, to 'errors'. */
static void
add_error(struct vmn_errors *errors, struct vmn_error *error)
{
    vmn_errors_add(errors, error->code, error->pointer, "%s", error->text);
    vmn_error_uninit(error);
}

json_t *
make_trace(struct apps_fixture *f, const char *text, struct vmn_errors *errors)
{
    return make_trace_over(f, NULL, text, errors);
}

json_t *
make_trace_over(struct apps_fixture *f, const struct sim_underlay *underlay,
                const char *text, struct vmn_errors *errors)
{
    struct vmn_error error = VMN_ERROR_INIT;
    struct trace_request request;
    json_t *body, *result = NULL;
    char *copy = xstrdup(text);
    const struct trace *trace;
    struct arena arena;

    for (char *p = copy; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    body = json_loads(copy, 0, NULL);
    assert_non_null(body);
    arena_init(&arena);
    if (nb_trace_body_read(body, &arena, &request, errors)) {
        request.underlay = underlay;
        trace = trace_make(apps_fixture_engine(f), apps_fixture_model(f),
                           apps_fixture_pipeline(f), &request, &arena,
                           &error);
        if (trace) {
            result = schema_struct_to_json(&nb_reply_trace, trace);
        } else {
            add_error(errors, &error);
        }
    }
    arena_uninit(&arena);
    json_decref(body);
    free(copy);
    return result;
}

const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "-";
}

/* " <- SAYS VERDICT HOST PORT-OR-REASON". */
static void
put_answer(const json_t *answer, struct ds *ds)
{
    const json_t *at = json_object_get(answer, "at");
    bool delivered = !strcmp(text_of(at, "kind"), "delivered");

    if (answer) {
        ds_put_format(ds, " <- %s", text_of(answer, "message"));
    }
    if (at) {
        ds_put_format(ds, " %s %s %s", text_of(answer, "verdict"),
                      text_of(at, "host"), text_of(at, delivered ? "port"
                                                   : "reason"));
    }
}

/* "VERDICT", and for each outcome " | PACKET VERDICT HOST PORT-OR-REASON
 * (OWNER)", and what the sender is told. */
static char *
summary(const json_t *trace)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *outcome;
    size_t i;

    ds_put_cstr(&ds, text_of(trace, "verdict"));
    json_array_foreach (json_object_get(trace, "outcomes"), i, outcome) {
        const json_t *at = json_object_get(outcome, "at");
        bool delivered = !strcmp(text_of(at, "kind"), "delivered");

        ds_put_format(&ds, " | %s %s %s %s", text_of(outcome, "packet"),
                      text_of(outcome, "verdict"), text_of(at, "host"),
                      text_of(at, delivered ? "port" : "reason"));
        if (!delivered) {
            ds_put_format(&ds, " (%s)", text_of(at, "owner"));
        }
        put_answer(json_object_get(outcome, "answer"), &ds);
    }
    return ds_steal_cstr(&ds);
}

void
traced(struct apps_fixture *f, const char *request, const char *expected)
{
    traced_over(f, NULL, request, expected);
}

void
traced_over(struct apps_fixture *f, const struct sim_underlay *underlay,
            const char *request, const char *expected)
{
    struct vmn_errors errors;
    json_t *trace;
    char *text;

    vmn_errors_init(&errors);
    trace = make_trace_over(f, underlay, request, &errors);
    if (!trace) {
        fail_msg("%s: %s: %s", request, errors.errors[0].pointer,
                 errors.errors[0].text);
    }
    text = summary(trace);
    if (strcmp(text, expected)) {
        char *dump = json_dumps(trace, JSON_INDENT(1));

        fputs(dump, stderr);
        free(dump);
    }
    assert_string_equal(text, expected);
    free(text);
    json_decref(trace);
    vmn_errors_uninit(&errors);
}

void
refused(struct apps_fixture *f, const char *request, const char *expected)
{
    struct vmn_errors errors;
    char *text;

    vmn_errors_init(&errors);
    assert_null(make_trace(f, request, &errors));
    assert_true(errors.n > 0);
    text = xasprintf("%s: %s", errors.errors[0].pointer,
                     errors.errors[0].text);
    assert_string_equal(text, expected);
    free(text);
    vmn_errors_uninit(&errors);
}

/* 'json' must have the list 'member', "a,b". */
static void
assert_list(const json_t *json, const char *member, const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    const json_t *name;
    size_t i;

    json_array_foreach (json_object_get(json, member), i, name) {
        ds_put_format(&ds, "%s%s", i ? "," : "", json_string_value(name));
    }
    assert_string_equal(ds_cstr(&ds), expected);
    ds_destroy(&ds);
}

void
assert_isolated(const json_t *json, const char *direction,
                const char *policies)
{
    assert_string_equal(text_of(json, "direction"), direction);
    assert_list(json, "isolated_by", policies);
}

void
assert_quarantined(const json_t *json, const char *by)
{
    assert_list(json, "quarantined_by", by);
}
