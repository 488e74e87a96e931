/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet of a test, and what is expected of it; see kit-trace.h. */

#include <config.h>

#include "controller/kit/kit-trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/apphost/apphost.h"
#include "controller/kit/kit-json.h"
#include "controller/kit/kit-world.h"
#include "controller/northbound/trace-body.h"
#include "controller/schema/arena.h"
#include "controller/schema/error.h"
#include "controller/schema/schema-struct.h"
#include "controller/simulator/trace.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* What may be expected.  "at", "reason" and "by" are of where packets end. */
static const char *const expectations[] = {
    "verdict", "at", "by", "reason", "through", "not_through", "changed",
    "answer", NULL
};
/* The same of what an app answers. */
static const char *const answer_expectations[] = {
    "message", "payload", "payload_hex", "verdict", "at", NULL
};

/* Returns true if 'value' is a text, a number, null, or a list of these. */
static bool
is_scalars(const json_t *value)
{
    const json_t *one;
    size_t i;

    json_array_foreach (value, i, one) {
        if (!json_is_string(one) && !json_is_number(one)
            && !json_is_null(one)) {
            return false;
        }
    }
    return (json_is_string(value) || json_is_number(value)
            || json_is_null(value) || json_array_size(value));
}

/* Adds what is wrong with the "answer" of the "expect" at 'pointer'. */
static void
check_answer_values(const json_t *answer, const char *pointer,
                    struct vmn_errors *errors)
{
    char *at = xasprintf("%s/answer", pointer);
    const char *name;
    json_t *value;

    if (!json_is_null(answer)
        && kit_json_check(answer, answer_expectations, at, errors)) {
        json_object_foreach (CONST_CAST(json_t *, answer), name, value) {
            if (!is_scalars(value)) {
                char *member = xasprintf("%s/%s", at, name);

                vmn_errors_add(errors, VMN_ERR_INVALID, member,
                               "must be a text, null, or a list of these");
                free(member);
            }
        }
    }
    free(at);
}

/* Adds what is wrong with the values of an "expect". */
static void
check_values(const json_t *expect, const char *pointer,
             struct vmn_errors *errors)
{
    const char *name, *field, *what;
    json_t *value, *inner;

    json_object_foreach (CONST_CAST(json_t *, expect), name, value) {
        bool ok = is_scalars(value);

        what = "must be a text, null, or a list of these";
        if (!strcmp(name, "through") || !strcmp(name, "not_through")) {
            ok = ok && json_is_array(value);
            what = "must be a list of stages";
        } else if (!strcmp(name, "changed")) {
            ok = json_is_object(value);
            what = "must be a mapping of fields to what they become";
            json_object_foreach (value, field, inner) {
                ok = ok && is_scalars(inner);
            }
        } else if (!strcmp(name, "answer")) {
            check_answer_values(value, pointer, errors);
            continue;
        }
        if (!ok) {
            char *at = xasprintf("%s/%s", pointer, name);

            vmn_errors_add(errors, VMN_ERR_INVALID, at, "%s", what);
            free(at);
        }
    }
}

/* Returns the body of POST /v1/trace, which the caller owns. */
static json_t *
body_of(const json_t *trace)
{
    json_t *body = json_copy(CONST_CAST(json_t *, trace));

    json_object_del(body, "expect");
    return body;
}

/* Adds that 'text' has a NUL, which YAML can write, and which would end it. */
static void
check_nul(const json_t *text, const char *pointer, const char *member,
          struct vmn_errors *errors)
{
    if (json_is_string(text)
        && strlen(json_string_value(text)) != json_string_length(text)) {
        char *at = xasprintf("%s%s", pointer, member);

        vmn_errors_add(errors, VMN_ERR_INVALID, at,
                       "must have no NUL: use payload_hex");
        free(at);
    }
}

void
kit_trace_check(const json_t *trace, const char *pointer,
                struct vmn_errors *errors)
{
    const json_t *expect = json_object_get(trace, "expect");
    struct trace_request request;
    struct vmn_errors faults;
    struct arena arena;
    json_t *body;
    char *at;

    if (!json_is_object(trace)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, pointer, "must be a mapping "
                       "with what POST /v1/trace takes, and \"expect\"");
        return;
    }
    body = body_of(trace);
    arena_init(&arena);
    vmn_errors_init(&faults);
    nb_trace_body_read(body, &arena, &request, &faults);
    for (size_t i = 0; i < faults.n; i++) {
        at = xasprintf("%s%s", pointer, faults.errors[i].pointer);
        vmn_errors_add(errors, VMN_ERR_INVALID, at, "%s",
                       faults.errors[i].text);
        free(at);
    }
    check_nul(json_object_get(trace, "payload"), pointer, "/payload", errors);
    check_nul(json_object_get(json_object_get(expect, "answer"), "payload"),
              pointer, "/expect/answer/payload", errors);
    at = xasprintf("%s/expect", pointer);
    if (kit_json_check(expect, expectations, at, errors)) {
        check_values(expect, at, errors);
    }
    free(at);
    vmn_errors_uninit(&faults);
    arena_uninit(&arena);
    json_decref(body);
}

void
kit_trace_title(const json_t *trace, struct ds *s)
{
    const char *key;
    json_t *value;

    ds_put_format(s, "%s from %s to %s",
                  json_string_value(json_object_get(trace, "protocol")),
                  json_string_value(json_object_get(trace, "from")),
                  json_string_value(json_object_get(trace, "to")));
    json_object_foreach (CONST_CAST(json_t *, trace), key, value) {
        if (strcmp(key, "protocol") && strcmp(key, "from")
            && strcmp(key, "to") && strcmp(key, "expect")) {
            char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

            ds_put_format(s, ", %s %s", key, text);
            free(text);
        }
    }
}

/* Expectations.  ---------------------------------------------------------- */

/* Returns true if 'found' is 'expected', or one of a list of these.  Null is
 * none. */
static bool
is_expected(const json_t *expected, const char *found)
{
    const json_t *one;
    size_t i;

    if (found == schema_absent) {
        found = NULL;
    }
    if (json_is_null(expected)) {
        return !found;
    }
    if (json_is_string(expected)) {
        return found && !strcmp(json_string_value(expected), found);
    }
    if (json_is_number(expected)) {
        char *text = json_dumps(expected, JSON_ENCODE_ANY);
        bool same = found && !strcmp(text, found);

        free(text);
        return same;
    }
    json_array_foreach (expected, i, one) {
        if (is_expected(one, found)) {
            return true;
        }
    }
    return false;
}

static bool
check_text(const char *what, const json_t *expect, const char *found,
           struct ds *s)
{
    const json_t *expected = json_object_get(expect, what);
    char *text;

    if (!expected || is_expected(expected, found)) {
        return true;
    }
    text = json_dumps(expected, JSON_ENCODE_ANY);
    ds_put_format(s, "%s is %s%s%s, not %s\n", what,
                  found && found != schema_absent ? "\"" : "",
                  found && found != schema_absent ? found : "null",
                  found && found != schema_absent ? "\"" : "", text);
    free(text);
    return false;
}

/* The stages of "through" must be met in that order. */
static bool
check_through(const json_t *stages, const struct trace_leg *leg, struct ds *s)
{
    const json_t *stage;
    size_t i, j = 0;

    json_array_foreach (stages, i, stage) {
        while (j < leg->n_steps && !is_expected(stage, leg->steps[j].stage)) {
            j++;
        }
        if (j++ >= leg->n_steps) {
            ds_put_format(s, "through: does not come to %s%s\n",
                          json_string_value(stage),
                          i ? " after the one before it" : "");
            return false;
        }
    }
    return true;
}

/* In none of those of "not_through" may a flow match, except for that of what
 * no other flow matches: packets come to most stages. */
static bool
check_not_through(const json_t *stages, const struct trace_leg *leg,
                  struct ds *s)
{
    const json_t *stage;
    bool ok = true;
    size_t i;

    json_array_foreach (stages, i, stage) {
        for (size_t j = 0; j < leg->n_steps; j++) {
            const struct trace_step *step = &leg->steps[j];

            if (step->priority > 0 && is_expected(stage, step->stage)) {
                ds_put_format(s, "not_through: a flow of %s matches\n",
                              json_string_value(stage));
                ok = false;
                break;
            }
        }
    }
    return ok;
}

/* Returns what field 'name' is changed to in the end, or NULL. */
static const char *
find_change(const struct trace_leg *leg, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < leg->n_steps; i++) {
        const struct trace_step *step = &leg->steps[i];

        for (size_t j = 0; j < step->n_changes; j++) {
            if (!strcmp(step->changes[j].name, name)) {
                value = step->changes[j].texts[1];
            }
        }
    }
    return value;
}

static bool
check_changed(const json_t *changed, const struct trace_leg *leg,
              struct ds *s)
{
    bool ok = true;
    const char *field;
    json_t *value;

    json_object_foreach (CONST_CAST(json_t *, changed), field, value) {
        const char *found = find_change(leg, field);

        if (!is_expected(value, found)) {
            char *text = json_dumps(value, JSON_ENCODE_ANY);

            ds_put_format(s, "changed: %s becomes %s, not %s\n", field,
                          found ? found : "nothing else", text);
            free(text);
            ok = false;
        }
    }
    return ok;
}

/* Null: no app is asked. */
static bool
check_answer(const json_t *expected, const struct trace_answer *answer,
             struct ds *s)
{
    const char *port = answer && answer->at ? answer->at->port : NULL;
    struct ds inner = DS_EMPTY_INITIALIZER;
    bool ok;

    if (!expected || (json_is_null(expected) && !answer)) {
        return true;
    }
    if (json_is_null(expected) || !answer) {
        ds_put_format(s, "answer: %s\n",
                      answer ? answer->message : "no app is asked for one");
        return false;
    }
    ok = check_text("message", expected, answer->message, &inner);
    ok &= check_text("payload", expected, answer->payload, &inner);
    ok &= check_text("payload_hex", expected, answer->payload_hex, &inner);
    ok &= check_text("verdict", expected, answer->verdict, &inner);
    ok &= check_text("at", expected, port, &inner);
    if (!ok) {
        ds_put_format(s, "answer: it is %s\nanswer: %s", answer->message,
                      ds_cstr(&inner));
    }
    ds_destroy(&inner);
    return ok;
}

/* The way of the packet itself, or of what it waits for: the answer of a
 * neighbour. */
static const struct trace_leg *
request_of(const struct trace_outcome *outcome)
{
    for (size_t i = 0; i < outcome->n_legs; i++) {
        if (!strcmp(outcome->legs[i].kind, "request")) {
            return &outcome->legs[i];
        }
    }
    return outcome->n_legs ? &outcome->legs[0] : NULL;
}

static bool
check_outcome(const json_t *expect, const struct trace_outcome *outcome,
              struct ds *s)
{
    const struct trace_leg *leg = request_of(outcome);
    bool ok = check_text("at", expect, outcome->at.port, s);

    ok &= check_text("by", expect, outcome->at.by.owner, s);
    ok &= check_text("reason", expect, outcome->at.reason, s);
    ok &= check_answer(json_object_get(expect, "answer"), outcome->answer, s);
    if (leg) {
        ok &= check_through(json_object_get(expect, "through"), leg, s);
        ok &= check_not_through(json_object_get(expect, "not_through"), leg,
                                s);
        ok &= check_changed(json_object_get(expect, "changed"), leg, s);
    }
    return ok;
}

/* The packet's way.  ------------------------------------------------------ */

static void
put_step(const struct trace_step *step, struct ds *s)
{
    ds_put_format(s, "  %s %s", step->host,
                  step->stage ? step->stage : step->kind);
    if (step->priority >= 0) {
        ds_put_format(s, " priority=%"PRId64"%s%s actions=%s", step->priority,
                      step->match && *step->match ? "," : "",
                      step->match ? step->match : "",
                      step->actions ? step->actions : "");
    }
    if (step->state) {
        ds_put_format(s, " ct(zone=%"PRId64") is %s", step->zone,
                      step->state);
    }
    if (step->group >= 0) {
        ds_put_format(s, " group %"PRId64", bucket %"PRId64, step->group,
                      step->bucket);
    }
    if (step->to) {
        ds_put_format(s, " to %s", step->to);
    }
    ds_put_char(s, '\n');
}

static void
put_way(const struct trace_outcome *outcome, struct ds *s)
{
    for (size_t i = 0; i < outcome->n_legs; i++) {
        const struct trace_leg *leg = &outcome->legs[i];

        ds_put_format(s, "the %s: %s\n", leg->kind, leg->packet);
        for (size_t j = 0; j < leg->n_steps; j++) {
            put_step(&leg->steps[j], s);
        }
    }
}

static bool
check(const json_t *expect, const struct trace *trace, struct ds *s)
{
    bool ok = check_text("verdict", expect, trace->verdict, s);

    for (size_t i = 0; i < trace->n_outcomes; i++) {
        bool right = check_outcome(expect, &trace->outcomes[i], s);

        if (!right || !ok) {
            put_way(&trace->outcomes[i], s);
            return false;
        }
    }
    return ok;
}

bool
kit_trace_run(struct kit_world *world, const json_t *spec, struct ds *s)
{
    struct vmn_error error = VMN_ERROR_INIT;
    json_t *body = body_of(spec);
    struct trace_request request;
    struct vmn_errors errors;
    const struct trace *trace;
    struct arena arena;
    bool ok;

    arena_init(&arena);
    vmn_errors_init(&errors);
    nb_trace_body_read(body, &arena, &request, &errors);
    request.learned = world->learned;
    kit_world_restart(world);
    trace = trace_make(world->engine, world->model,
                       apphost_pipeline(world->apphost), &request, &arena,
                       &error);
    if (trace) {
        ok = check(json_object_get(spec, "expect"), trace, s);
    } else {
        ds_put_format(s, "%s: %s\n", error.pointer, error.text);
        ok = false;
    }
    vmn_error_uninit(&error);
    vmn_errors_uninit(&errors);
    arena_uninit(&arena);
    json_decref(body);
    return ok;
}
