/* SPDX-License-Identifier: Apache-2.0
 *
 * PUT and DELETE /v1/apps/{name}/code: loads an app from its file, in place of
 * the one of that name if there is one, and removes it, while vmnd runs.  The
 * file is in the database from then on.  It is loaded into a worker process
 * before anything is changed, and what cannot be loaded changes nothing.
 * Other requests are served while a worker loads. */

#include <config.h>

#include "controller/northbound/auth.h"

#include <stdlib.h>
#include <string.h>

#include "controller/flow/pipeline.h"
#include "controller/northbound/app-changes.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/request-body.h"
#include "controller/schema/arena.h"
#include "controller/schema/module-code.h"
#include "controller/schema/schema-shown.h"
#include "util.h"

/* The body of PUT. */
struct app_code {
    const char *file;
    const char *code;
};

static int
check_file(const char *name, struct vmn_error *why)
{
    const char *end = strrchr(name, '.');

    if (strchr(name, '/') || name[0] == '.' || !end
        || (strcmp(end, ".so") && strcmp(end, ".lua"))) {
        return vmn_error_invalid(why, "must be the name of a file, NAME.so or "
                                 "NAME.lua, not \"%s\"", name);
    }
    return 0;
}

#define TEXT(MEMBER, DOC, ...)                                          \
    SHOWN(#MEMBER, STRING, SCHEMA_REQUIRED, DOC,                        \
          SHOWN_AT(app_code, MEMBER, SHOWN_SIZE_STRING), .min = 1, __VA_ARGS__)
const struct schema_struct nb_body_app_code = SHOWN_KEPT(
    "AppCode", app_code,
    TEXT(file, "What the file is called: `NAME.so`, a module, or `NAME.lua`, "
         "a script.", .max = VMN_NAME_LEN, .check = check_file),
    TEXT(code, "What it has in it, in base64.", .max = MODULE_CODE_MAX));

/* Answers with an error of the app, if its file is not in the database: it is
 * one of vmnd's options. */
static bool
is_of_database(struct http_request *req, const struct northbound *nb,
               const char *name)
{
    const struct pipeline_app *app = pipeline_find(
        apphost_pipeline(nb->apphost), name);

    if (app && !app->digest) {
        http_reply_problem(req, 409, "conflict", NULL, "App %s is one of "
                           "vmnd's options, and comes and goes with these; "
                           "it is disabled by vmnctl app disable %s", name,
                           name);
        return false;
    }
    return true;
}

/* 'app' is what is loaded, with the types that it declares; or NULL. */
static void
submit(struct northbound *nb, struct http_request *req,
       enum model_op_kind kind, json_t *spec, const struct pipeline_app *app,
       const struct nb_wait *wait)
{
    struct model_declared declared[VMN_APP_TYPES_MAX];
    struct model_request request;

    nb_request_init(&request, req);
    request.loads = true;
    if (wait->plan && app) {
        svec_add_nocopy(&request.left_out, xasprintf(
            "the plan does not have the flows of app %s: they follow once its "
            "code is loaded", http_request_param(req, "name")));
    }
    model_request_add(&request, kind, VMN_TABLE_APP,
                      http_request_param(req, "name"), spec);
    for (size_t i = 0; app && i < app->n_types; i++) {
        declared[i] = (struct model_declared) {
            app->types[i].class_->name, app->types[i].spec,
        };
    }
    model_request_set_types(&request, nb->model,
                            http_request_param(req, "name"), declared,
                            app ? app->n_types : 0);
    if (nb_take_key(nb, req, wait, &request)) {
        nb_change_submit(nb, req, &request, NULL, NULL, wait, NULL);
    }
    model_request_uninit(&request);
}

/* Returns true if the app that is loaded has that code. */
static bool
is_loaded(const struct northbound *nb, const char *name, const char *digest)
{
    const struct pipeline_app *app = pipeline_find(
        apphost_pipeline(nb->apphost), name);

    return app && app->digest && !app->absent && !strcmp(app->digest, digest);
}

/* Returns what is loaded: for the request, or already before it. */
static const struct pipeline_app *
loaded_app(const struct northbound *nb, const char *name)
{
    const struct pipeline_app *app = apphost_prepared(nb->apphost);

    return (app && !strcmp(app->class_->name, name) ? app
            : pipeline_find(apphost_pipeline(nb->apphost), name));
}

/* Adds an error if the app has that code, and is absent: to load the same once
 * more changes no row, by which apps are loaded. */
static void
check_absent(const struct northbound *nb, const char *name, const char *digest,
             struct vmn_errors *errors)
{
    const struct pipeline_app *app = pipeline_find(
        apphost_pipeline(nb->apphost), name);

    if (app && app->digest && app->absent && !strcmp(app->digest, digest)) {
        vmn_errors_add(errors, VMN_ERR_CONFLICT, "/code", "app %s has this "
                       "code, and could not be loaded: %s; load another "
                       "version, or have vmnd try this one again: ovs-appctl "
                       "-t vmnd apps/resume %s", name, app->absent, name);
    }
}

/* Submits the change by which the code of the body, which is loaded, is in the
 * database. */
static void
submit_code(struct northbound *nb, struct http_request *req,
            const json_t *body, const char *digest, const struct nb_wait *wait)
{
    const char *name = http_request_param(req, "name");
    bool exists = model_get(nb->model, VMN_TABLE_APP, name) != NULL;

    if (!wait->plan) {
        app_changes_watch(nb->app_changes);
    }
    submit(nb, req, exists ? MODEL_PATCH : MODEL_PUT,
           json_pack("{s:{s:O, s:s}, s:O}",
                     "module", "file", json_object_get(body, "file"),
                     "digest", digest, "code", json_object_get(body, "code")),
           loaded_app(nb, name), wait);
}

/* A request that waits until a worker has loaded its app. */
struct code_load {
    struct northbound *nb;
    struct http_request *req;
    json_t *body;               /* Checked. */
    char digest[MODULE_DIGEST_LEN + 1];
    struct nb_wait wait;
    struct apphost_load *load;
};

static void
code_load_destroy(struct code_load *load)
{
    json_decref(load->body);
    free(load);
}

static void
disconnected_cb(void *load_)
{
    struct code_load *load = load_;

    apphost_cancel_prepare(load->load);
    http_request_drop(load->req);
    code_load_destroy(load);
}

static void
loaded_cb(void *load_, const char *error)
{
    struct code_load *load = load_;
    struct http_request *req = load->req;

    http_request_set_close_cb(req, NULL, NULL);
    if (error) {
        struct vmn_errors errors;

        vmn_errors_init(&errors);
        vmn_errors_add(&errors, VMN_ERR_INVALID, "/code", "app %s cannot be "
                       "loaded: %s", http_request_param(req, "name"), error);
        nb_reply_errors(req, &errors, NB_POINT_AT_BODY);
        vmn_errors_uninit(&errors);
    } else if (is_of_database(req, load->nb,
                              http_request_param(req, "name"))) {
        submit_code(load->nb, req, load->body, load->digest, &load->wait);
    }
    code_load_destroy(load);
}

/* Loads the code of the body into a worker, which loaded_cb() continues. */
static void
begin_load(struct northbound *nb, struct http_request *req, json_t *json,
           const struct app_code *body, const char *digest,
           const struct nb_wait *wait, struct vmn_errors *errors)
{
    const char *name = http_request_param(req, "name");
    const struct apphost_file file = {
        .name = body->file, .code = body->code, .digest = digest,
    };
    struct code_load *load = xzalloc(sizeof *load);
    struct vmn_error why = VMN_ERROR_INIT;

    load->load = apphost_prepare(nb->apphost, name, &file, loaded_cb, load,
                                 &why);
    if (!load->load) {
        vmn_errors_add(errors, why.code, "/code", "app %s cannot be loaded: "
                       "%s", name, why.text);
        vmn_error_uninit(&why);
        free(load);
        return;
    }
    load->nb = nb;
    load->req = req;
    load->body = json_incref(json);
    load->wait = *wait;
    ovs_strlcpy(load->digest, digest, sizeof load->digest);
    http_request_set_close_cb(req, disconnected_cb, load);
}

static void
load(struct northbound *nb, struct http_request *req, json_t *json,
     const struct nb_wait *wait, struct vmn_errors *errors)
{
    const char *name = http_request_param(req, "name");
    char digest[MODULE_DIGEST_LEN + 1];
    struct app_code body = { NULL, NULL };
    struct arena arena;

    arena_init(&arena);
    if (json_is_object(json)) {
        nb_body_read(json, &nb_body_app_code, &arena, &body, errors);
    } else {
        vmn_errors_add(errors, VMN_ERR_INVALID, "", "must be an object: "
                       "{\"file\", \"code\"}");
    }
    if (!errors->n && !module_code_digest(body.code, digest)) {
        vmn_errors_add(errors, VMN_ERR_INVALID, "/code", "must be base64");
    }
    if (!errors->n) {
        check_absent(nb, name, digest, errors);
    }
    if (!errors->n && is_loaded(nb, name, digest)) {
        submit_code(nb, req, json, digest, wait);
    } else if (!errors->n) {
        begin_load(nb, req, json, &body, digest, wait, errors);
    }
    if (errors->n) {
        nb_reply_errors(req, errors, NB_POINT_AT_BODY);
    }
    arena_uninit(&arena);
}

void
nb_put_app_code(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct vmn_errors errors;
    struct nb_wait wait;
    json_t *json;

    if (!nb_query_wait(req, &wait)
        || !is_of_database(req, nb, http_request_param(req, "name"))) {
        return;
    }
    json = http_request_json(req);
    if (json) {
        vmn_errors_init(&errors);
        load(nb, req, json, &wait, &errors);
        vmn_errors_uninit(&errors);
        json_decref(json);
    }
}

void
nb_delete_app_code(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct nb_wait wait;

    if (nb_query_wait(req, &wait)
        && is_of_database(req, nb, http_request_param(req, "name"))) {
        submit(nb, req, MODEL_DELETE, NULL, NULL, &wait);
    }
}
