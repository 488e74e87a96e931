/* SPDX-License-Identifier: Apache-2.0
 *
 * What is going on: the index, health, status, revisions. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

void
nb_get_index(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    json_t *types = json_array();
    json_t *calls = json_array();

    for (int i = 0; i < VMN_N_TABLES; i++) {
        const struct schema_table *table = schema_tables[i];

        if (!table->observed) {
            char *path = xasprintf("/v1/%s", table->plural);

            json_array_append_new(types, json_pack(
                "{s:s, s:s, s:s}", "type", table->plural, "path", path,
                "description", table->doc));
            free(path);
        }
    }
    for (size_t i = 0; i < nb->n_routes; i++) {
        static const char *const methods[HTTP_N_METHODS] = {
            "GET", "PUT", "POST", "PATCH", "DELETE"
        };
        const struct http_route *route = &nb->routes[i];
        char *call = xasprintf("%s %s", methods[route->method],
                               route->pattern);

        json_array_append_new(calls, json_pack(
            "{s:s, s:s}", "call", call, "query",
            route->query ? route->query : ""));
        free(call);
    }
    http_reply_json(req, 200, json_pack("{s:s, s:o, s:o}", "version",
                                        VMN_VERSION, "types", types, "calls",
                                        calls));
}

void
nb_get_health(struct http_request *req, void *nb OVS_UNUSED)
{
    http_reply_json(req, 200, json_pack("{s:s, s:s}", "status", "ok",
                                        "version", VMN_VERSION));
}

void
nb_get_ready(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;

    if (nb->ready) {
        http_reply_json(req, 200, json_pack("{s:s}", "status", "ready"));
    } else {
        http_reply_header(req, "Retry-After", "1");
        http_reply_problem(req, 503, "starting", NULL,
                           "The controller is still starting");
    }
}

/* All that an operator should look at. */
static json_t *
get_problems(const struct northbound *nb)
{
    const char *store_error = commit_store_error(nb->commit);
    const struct engine_problems *found = engine_problems(nb->engine);
    json_t *problems = json_array();

    if (store_error) {
        json_array_append_new(problems, json_pack(
            "{s:s, s:[], s:o}", "kind", "store", "units", "detail",
            json_sprintf("changes cannot be stored: %s", store_error)));
    }
    for (size_t i = 0; i < found->n; i++) {
        json_array_append_new(problems, schema_struct_to_json(
            &engine_problem_shown, &found->problems[i]));
    }
    nb_certificates_append_problems(nb, problems);
    nb_append_quota_problems(nb, problems);
    return problems;
}

static void
answer_status(struct http_request *req, struct northbound *nb)
{
    struct fabric_stats fabric;
    json_t *objects = json_object();

    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (!schema_tables[i]->observed) {
            json_object_set_new(objects, schema_tables[i]->plural,
                                json_integer(model_names(nb->model, i).n));
        }
    }
    fabric_get_stats(nb->fabric, &fabric);
    http_reply_json(req, 200, json_pack(
        "{s:s, s:b, s:I, s:I, s:o, s:{s:I, s:I, s:I}, s:o}",
        "version", VMN_VERSION,
        "ready", (int) nb->ready,
        "uptime_s", (json_int_t) ((time_wall_msec() - nb->started_ms) / 1000),
        "revision", (json_int_t) model_durable_revision(nb->model),
        "objects", objects,
        "hosts",
        "configured", (json_int_t) fabric.n_hosts,
        "connected", (json_int_t) fabric.n_connected,
        "synced", (json_int_t) fabric.n_synced,
        "problems", get_problems(nb)));
}

void
nb_get_status(struct http_request *req, void *nb)
{
    nb_when_problems_known(nb, req, answer_status);
}

/* Revisions.  ------------------------------------------------------------ */

/* The log could not be read: that is never told as a log that ends.  Releases
 * '*why'. */
static void
refuse_log(struct http_request *req, struct vmn_error *why)
{
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 503, "unavailable", NULL, "The log could not be "
                       "read: %s", why->text);
    vmn_error_uninit(why);
}

/* Appends the receipt of a revision, or null. */
static void
append_receipt(const struct northbound *nb, uint64_t revision, struct ds *ds)
{
    struct fabric_receipt receipt;
    struct arena arena;

    arena_init(&arena);
    if (fabric_get_receipt(nb->fabric, revision, &arena, &receipt)) {
        schema_struct_print(&fabric_receipt_shown, &receipt, ds);
    } else {
        ds_put_cstr(ds, "null");
    }
    arena_uninit(&arena);
}

void
nb_get_revision(struct http_request *req, void *nb_)
{
    const char *text = http_request_param(req, "revision");
    struct northbound *nb = nb_;
    uint64_t revision;

    if (!nb_parse_number(text, &revision)) {
        http_reply_problem(req, 400, "invalid", NULL,
                           "A revision is a number, not \"%s\"", text);
        return;
    }

    /* One that only touched what is not stored (interfaces of hosts), or that
     * the log has dropped by its age, has a receipt alone. */
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct vmn_error why = VMN_ERROR_INIT;
    int error = nb->store_class->log(nb->store, revision, &ds, &why);
    if (error == ENOENT && revision
        && revision <= model_durable_revision(nb->model)) {
        ds_put_format(&ds, "{\"revision\":%"PRIu64",\"time\":null,"
                      "\"who\":null,\"changes\":[]", revision);
        error = 0;
    }
    if (error && error != ENOENT) {
        refuse_log(req, &why);
        ds_destroy(&ds);
        return;
    }
    if (error) {
        http_reply_problem(req, 404, "not-found", NULL,
                           "revision %s not found", text);
        return;
    }
    json_t *us = nb_revision_us(nb, revision);
    if (us) {
        nb_append_members(&ds, json_pack("{s:o}", "duration_us", us));
    }
    ds_put_cstr(&ds, ",\"receipt\":");
    append_receipt(nb, revision, &ds);
    ds_put_cstr(&ds, "}\n");
    http_reply_body(req, 200, "application/json", &ds);
}

/* Which revisions are asked for. */
struct span {
    uint64_t after, before, limit;
    const char *type, *name;    /* Of an object; or NULL. */
};

/* The object is named by both, and need not be there any more. */
static bool
query_span(struct http_request *req, struct span *span)
{
    span->type = http_request_query(req, "type");
    span->name = http_request_query(req, "name");
    if (!nb_query_number(req, "after", 0, UINT64_MAX, 0, &span->after)
        || !nb_query_number(req, "before", 1, UINT64_MAX, UINT64_MAX,
                            &span->before)
        || !nb_query_number(req, "limit", 1, NB_LIMIT_MAX, NB_LIMIT_DEFAULT,
                            &span->limit)) {
        return false;
    }
    if (!span->type != !span->name) {
        return nb_query_reject(req, span->type ? "type" : "name",
                               "requires \"%s\"",
                               span->type ? "name" : "type");
    }
    if (span->type) {
        const struct schema_table *table = schema_find_table(span->type);

        if (!table) {
            return nb_query_reject(req, "type", "unknown type \"%s\"",
                                   span->type);
        }
        span->type = table->plural;
    }
    if (span->type && http_request_query(req, "after")) {
        return nb_query_reject(req, "after", "cannot be combined with "
                               "\"type\" or \"name\": use \"before\"");
    }
    if (!span->type && http_request_query(req, "before")) {
        return nb_query_reject(req, "before", "requires \"type\" and "
                               "\"name\"");
    }
    return true;
}

void
nb_get_revisions(struct http_request *req, void *nb_)
{
    struct vmn_error why = VMN_ERROR_INIT;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct northbound *nb = nb_;
    uint64_t next = 0;
    struct span span;
    int error;

    if (!query_span(req, &span)) {
        return;
    }

    ds_put_cstr(&ds, "{\"items\":[");
    if (span.type) {
        error = nb->store_class->object_logs(nb->store, span.type, span.name,
                                             span.before, span.limit, &ds,
                                             &next, &why);
    } else if (http_request_query(req, "after")) {
        error = nb->store_class->logs(nb->store, span.after, span.limit, &ds,
                                      &why);
    } else {
        error = nb->store_class->newest_logs(nb->store, span.limit, &ds,
                                             &why);
    }
    if (error) {
        refuse_log(req, &why);
        ds_destroy(&ds);
        return;
    }
    ds_put_format(&ds, "],\"revision\":%"PRIu64,
                  model_durable_revision(nb->model));
    if (next) {
        ds_put_format(&ds, ",\"next\":\"%"PRIu64"\"", next);
    }
    ds_put_cstr(&ds, "}\n");
    http_reply_body(req, 200, "application/json", &ds);
}
