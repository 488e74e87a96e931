/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulator is asked for: of now, at a settled moment, or of the
 * state that a change would lead to, which is put in place for that and taken
 * back (commit_dry_run()).  Not for what is asked (api-trace.c,
 * api-reachability.c). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <stdlib.h>

#include "controller/schema/schema-row.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct trial {
    struct ovs_list node;           /* In northbound's 'trials'. */
    struct northbound *nb;          /* NULL: it is gone. */
    struct commit *commit;
    struct http_request *req;       /* NULL: the client has left. */
    struct nb_simulation question;
    struct vmn_errors errors;       /* In the body, ... */
    json_t *after;                  /* ... or the answer. */
};

/* Answers.  --------------------------------------------------------------- */

/* Writes 'array' and frees what is in it, bit by bit. */
static void
put_array(struct ds *ds, struct commit *commit, json_t *array)
{
    size_t n = json_array_size(array);

    ds_put_char(ds, '[');
    for (size_t i = 0; i < n; i++) {
        char *text = json_dumps(json_array_get(array, i),
                                JSON_COMPACT | JSON_ENCODE_ANY);

        ds_put_format(ds, "%s%s", i ? "," : "", text);
        free(text);
        json_array_set_new(array, i, json_null());
        commit_yield(commit);
    }
    ds_put_char(ds, ']');
}

/* Writes the object 'answer', whose arrays may be long, and frees it. */
static void
put_answer(struct ds *ds, struct commit *commit, json_t *answer)
{
    const char *name;
    json_t *value;
    char separator = '{';

    json_object_foreach (answer, name, value) {
        ds_put_char(ds, separator);
        schema_print_string(ds, name);
        ds_put_char(ds, ':');
        if (json_is_array(value)) {
            put_array(ds, commit, value);
        } else {
            char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

            ds_put_cstr(ds, text);
            free(text);
        }
        separator = ',';
    }
    ds_put_cstr(ds, "}\n");
    json_decref(answer);
}

/* Trials.  ---------------------------------------------------------------- */

static void
trial_destroy(struct trial *trial)
{
    if (trial->nb) {
        ovs_list_remove(&trial->node);
    }
    trial->question.destroy(trial->question.aux);
    vmn_errors_uninit(&trial->errors);
    json_decref(trial->after);
    free(trial);
}

static void
on_gone(void *trial_)
{
    struct trial *trial = trial_;

    http_request_drop(trial->req);
    trial->req = NULL;              /* The commit has it, and will call. */
}

void
nb_trials_abandon(struct northbound *nb)
{
    struct trial *trial, *next;

    LIST_FOR_EACH_SAFE (trial, next, node, &nb->trials) {
        ovs_list_remove(&trial->node);
        trial->nb = NULL;
    }
}

static bool
is_wanted(const struct trial *trial)
{
    return trial->nb && trial->req;
}

/* With the change in place. */
static void
look(void *trial_)
{
    struct trial *trial = trial_;
    const struct nb_simulation *question = &trial->question;

    if (is_wanted(trial)) {
        trial->after = question->look(trial->nb, question->aux,
                                      &trial->errors);
    }
}

/* The answer, once the change has been taken back. */
static json_t *
finish(struct trial *trial)
{
    const struct nb_simulation *question = &trial->question;
    json_t *after = trial->after;
    json_t *before;

    if (!after || !question->compare) {
        trial->after = NULL;
        return after;
    }
    before = question->look(trial->nb, question->aux, &trial->errors);
    if (!before) {
        return NULL;
    }
    trial->after = NULL;
    return question->compare(trial->nb, before, after);
}

static void
on_done(void *trial_, const struct commit_result *result)
{
    struct trial *trial = trial_;
    json_t *answer = is_wanted(trial) && result->ok ? finish(trial) : NULL;
    struct ds body = DS_EMPTY_INITIALIZER;

    if (answer) {
        put_answer(&body, trial->commit, answer);
    }
    if (is_wanted(trial)) {
        if (!result->ok) {
            nb_reply_errors(trial->req, result->errors, NB_POINT_AT_AFTER);
        } else if (!answer) {
            nb_reply_errors(trial->req, &trial->errors, NB_POINT_AT_BODY);
        } else {
            http_reply_body(trial->req, 200, "application/json", &body);
            ds_init(&body);
        }
    }
    ds_destroy(&body);
    trial_destroy(trial);
}

/* The request for the change, or false with the errors. */
static bool
read_change(struct northbound *nb, const json_t *after,
            struct model_request *request, struct vmn_errors *errors)
{
    const json_t *object;
    size_t i;

    if (!json_is_array(after)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "/after",
                       "must be a list of objects, as in POST /v1/apply");
    } else if (json_array_size(after) > MODEL_OPS_MAX) {
        vmn_errors_add(errors, VMN_ERR_TOO_LARGE, "/after",
                       "there are more than %d objects", MODEL_OPS_MAX);
    } else {
        json_array_foreach (after, i, object) {
            char pointer[32];

            snprintf(pointer, sizeof pointer, "/after/%"PRIuSIZE, i);
            nb_add_object(request, object, pointer, errors);
            commit_yield(nb->commit);
        }
    }
    return !errors->n;
}

static void
try_change(struct northbound *nb, struct http_request *req,
           const struct nb_simulation *question, const json_t *after)
{
    struct trial *trial = xzalloc(sizeof *trial);
    struct model_request request;

    trial->question = *question;
    vmn_errors_init(&trial->errors);
    nb_request_init(&request, req);
    request.list = true;
    if (read_change(nb, after, &request, &trial->errors)) {
        trial->nb = nb;
        trial->commit = nb->commit;
        trial->req = req;
        ovs_list_push_back(&nb->trials, &trial->node);
        http_request_set_gone(req, on_gone, trial);
        commit_dry_run(nb->commit, &request, look, on_done, trial);
    } else {
        nb_reply_errors(req, &trial->errors, NB_POINT_AT_BODY);
        trial_destroy(trial);
    }
    model_request_uninit(&request);
}

void
nb_simulate(struct northbound *nb, struct http_request *req,
            const struct nb_simulation *question, const json_t *after)
{
    struct vmn_errors errors;
    json_t *answer;

    if (after) {
        try_change(nb, req, question, after);
        return;
    }
    vmn_errors_init(&errors);
    answer = question->look(nb, question->aux, &errors);
    if (answer) {
        struct ds body = DS_EMPTY_INITIALIZER;

        put_answer(&body, nb->commit, answer);
        http_reply_body(req, 200, "application/json", &body);
    } else {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
    }
    vmn_errors_uninit(&errors);
    question->destroy(question->aux);
}
