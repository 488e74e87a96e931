/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the simulator for a request: on the current state, when the commit is
 * quiescent, or on the state after a change, which is applied and reverted
 * (commit_dry_run()).  Not for what is computed (api-trace.c,
 * api-reachability.c). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <stdlib.h>

#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct trial {
    struct ovs_list node;           /* In northbound's 'trials'. */
    struct northbound *nb;          /* NULL: it was destroyed. */
    struct commit *commit;
    struct http_request *req;       /* NULL: the client has disconnected. */
    struct nb_simulation simulation;
    struct arena arena;             /* Owns the results. */
    const void *after;              /* The result with the change applied, */
    struct vmn_error error;         /* or the error if there is none. */
};

/* Replies.  --------------------------------------------------------------- */

static void
yield(void *commit)
{
    commit_yield(commit);
}

/* Appends 'reply'; yields, as its lists may be long. */
static void
print_reply(struct commit *commit, const struct schema_struct *s,
            const void *reply, struct ds *body)
{
    schema_struct_print_pausing(s, reply, body, yield, commit);
    ds_put_char(body, '\n');
}

static void
send_error(struct http_request *req, const struct vmn_error *error)
{
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    vmn_errors_add(&errors, error->code, error->pointer, "%s", error->text);
    nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
    vmn_errors_uninit(&errors);
}

/* Trials.  ---------------------------------------------------------------- */

static void
trial_destroy(struct trial *trial)
{
    if (trial->nb) {
        ovs_list_remove(&trial->node);
    }
    trial->simulation.destroy(trial->simulation.aux);
    vmn_error_uninit(&trial->error);
    arena_uninit(&trial->arena);
    free(trial);
}

static void
on_gone(void *trial_)
{
    struct trial *trial = trial_;

    http_request_drop(trial->req);
    trial->req = NULL;              /* The commit has it, and will call
                                     * back. */
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

/* Called while the change is applied. */
static void
run_after(void *trial_)
{
    struct trial *trial = trial_;
    const struct nb_simulation *simulation = &trial->simulation;

    if (is_wanted(trial)) {
        trial->after = simulation->run(trial->nb, simulation->aux,
                                       &trial->arena, &trial->error);
    }
}

/* Returns the reply, after the change was reverted; or NULL with the
 * simulation's error. */
static const void *
finish(struct trial *trial)
{
    const struct nb_simulation *simulation = &trial->simulation;
    const void *before;

    if (!trial->after || !simulation->compare) {
        return trial->after;
    }
    before = simulation->run(trial->nb, simulation->aux, &trial->arena,
                             &trial->error);
    return (before ? simulation->compare(trial->nb, before, trial->after,
                                         &trial->arena)
            : NULL);
}

static void
on_done(void *trial_, const struct commit_result *result)
{
    struct trial *trial = trial_;
    const void *reply = (is_wanted(trial) && result->ok ? finish(trial)
                         : NULL);
    struct ds body = DS_EMPTY_INITIALIZER;

    if (reply) {
        print_reply(trial->commit, trial->simulation.reply, reply, &body);
    }
    if (is_wanted(trial)) {
        if (!result->ok) {
            nb_reply_errors(trial->req, result->errors, NB_POINT_AT_AFTER);
        } else if (!reply) {
            send_error(trial->req, &trial->error);
        } else {
            http_reply_body(trial->req, 200, "application/json", &body);
            ds_init(&body);
        }
    }
    ds_destroy(&body);
    trial_destroy(trial);
}

/* Fills in the request of the change.  Returns false with the errors. */
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
           const struct nb_simulation *simulation, const json_t *after)
{
    struct trial *trial = xzalloc(sizeof *trial);
    struct model_request request;
    struct vmn_errors errors;

    trial->simulation = *simulation;
    arena_init(&trial->arena);
    vmn_errors_init(&errors);
    nb_request_init(&request, req);
    request.list = true;
    if (read_change(nb, after, &request, &errors)) {
        trial->nb = nb;
        trial->commit = nb->commit;
        trial->req = req;
        ovs_list_push_back(&nb->trials, &trial->node);
        http_request_set_close_cb(req, on_gone, trial);
        commit_dry_run(nb->commit, &request, run_after, on_done, trial);
    } else {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
        trial_destroy(trial);
    }
    vmn_errors_uninit(&errors);
    model_request_uninit(&request);
}

static void
simulate_now(struct northbound *nb, struct http_request *req,
             const struct nb_simulation *simulation)
{
    struct vmn_error error = VMN_ERROR_INIT;
    struct arena arena;
    const void *reply;

    arena_init(&arena);
    reply = simulation->run(nb, simulation->aux, &arena, &error);
    if (reply) {
        struct ds body = DS_EMPTY_INITIALIZER;

        print_reply(nb->commit, simulation->reply, reply, &body);
        http_reply_body(req, 200, "application/json", &body);
    } else {
        send_error(req, &error);
        vmn_error_uninit(&error);
    }
    arena_uninit(&arena);
    simulation->destroy(simulation->aux);
}

void
nb_simulate(struct northbound *nb, struct http_request *req,
            const struct nb_simulation *simulation, const json_t *after)
{
    if (after) {
        try_change(nb, req, simulation, after);
    } else {
        simulate_now(nb, req, simulation);
    }
}
