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

/* A simulation of the state after a change. */
struct dry_run {
    struct ovs_list node;           /* In northbound's 'dry_runs'. */
    struct northbound *nb;          /* NULL: it was destroyed. */
    struct commit *commit;
    struct http_request *req;       /* NULL: the client has disconnected. */
    struct nb_simulation simulation;
    struct arena arena;             /* Owns the results. */
    enum nb_pointers pointers;      /* Of errors in the change. */
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

/* Dry runs.  -------------------------------------------------------------- */

static void
dry_run_destroy(struct dry_run *dry_run)
{
    if (dry_run->nb) {
        ovs_list_remove(&dry_run->node);
    }
    dry_run->simulation.destroy(dry_run->simulation.aux);
    vmn_error_uninit(&dry_run->error);
    arena_uninit(&dry_run->arena);
    free(dry_run);
}

static void
on_gone(void *dry_run_)
{
    struct dry_run *dry_run = dry_run_;

    http_request_drop(dry_run->req);
    dry_run->req = NULL;            /* The commit has it, and will call
                                     * back. */
}

void
nb_simulations_abandon(struct northbound *nb)
{
    struct dry_run *dry_run, *next;

    LIST_FOR_EACH_SAFE (dry_run, next, node, &nb->dry_runs) {
        ovs_list_remove(&dry_run->node);
        dry_run->nb = NULL;
    }
}

static bool
is_wanted(const struct dry_run *dry_run)
{
    return dry_run->nb && dry_run->req;
}

/* Called while the change is applied. */
static void
run_after(void *dry_run_)
{
    struct dry_run *dry_run = dry_run_;
    const struct nb_simulation *simulation = &dry_run->simulation;

    if (is_wanted(dry_run)) {
        dry_run->after = simulation->run(dry_run->nb, simulation->aux,
                                         &dry_run->arena, &dry_run->error);
    }
}

/* Returns the reply, after the change was reverted; or NULL with the
 * simulation's error. */
static const void *
finish(struct dry_run *dry_run)
{
    const struct nb_simulation *simulation = &dry_run->simulation;
    const void *before;

    if (!dry_run->after || !simulation->compare) {
        return dry_run->after;
    }
    before = simulation->run(dry_run->nb, simulation->aux, &dry_run->arena,
                             &dry_run->error);
    return (before ? simulation->compare(dry_run->nb, simulation->aux, before,
                                         dry_run->after, &dry_run->arena)
            : NULL);
}

static void
on_done(void *dry_run_, const struct commit_result *result)
{
    struct dry_run *dry_run = dry_run_;
    const void *reply = (is_wanted(dry_run) && result->ok ? finish(dry_run)
                         : NULL);
    struct ds body = DS_EMPTY_INITIALIZER;

    if (reply) {
        print_reply(dry_run->commit, dry_run->simulation.reply, reply, &body);
    }
    if (is_wanted(dry_run)) {
        if (!result->ok) {
            nb_reply_errors(dry_run->req, result->errors,
                            dry_run->pointers);
        } else if (!reply) {
            send_error(dry_run->req, &dry_run->error);
        } else {
            http_reply_body(dry_run->req, 200, "application/json", &body);
            ds_init(&body);
        }
    }
    ds_destroy(&body);
    dry_run_destroy(dry_run);
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

void
nb_simulate_request(struct northbound *nb, struct http_request *req,
                    const struct nb_simulation *simulation,
                    struct model_request *request, enum nb_pointers pointers)
{
    struct dry_run *dry_run = xzalloc(sizeof *dry_run);

    dry_run->simulation = *simulation;
    arena_init(&dry_run->arena);
    dry_run->pointers = pointers;
    dry_run->nb = nb;
    dry_run->commit = nb->commit;
    dry_run->req = req;
    ovs_list_push_back(&nb->dry_runs, &dry_run->node);
    http_request_set_close_cb(req, on_gone, dry_run);
    commit_dry_run(nb->commit, request, run_after, on_done, dry_run);
}

static void
try_change(struct northbound *nb, struct http_request *req,
           const struct nb_simulation *simulation, const json_t *after)
{
    struct model_request request;
    struct vmn_errors errors;

    vmn_errors_init(&errors);
    nb_request_init(&request, req);
    request.list = true;
    if (read_change(nb, after, &request, &errors)) {
        nb_simulate_request(nb, req, simulation, &request, NB_POINT_AT_AFTER);
    } else {
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
        simulation->destroy(simulation->aux);
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
