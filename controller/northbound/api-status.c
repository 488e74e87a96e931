/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1 (the index), /healthz, /readyz, /v1/status and /v1/revisions.  Not
 * for problems (system-health.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-receipts.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-row.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* Returns the description of a type in GET /v1. */
static struct nb_index_type
index_type(const struct schema_table *table, struct arena *arena)
{
    return (struct nb_index_type) {
        .type = table->plural, .description = table->doc,
        .path = arena_printf(arena, "/v1/%s", table->plural),
    };
}

static struct nb_index_call
index_call(const struct http_route *route, struct arena *arena)
{
    static const char *const methods[HTTP_N_METHODS] = {
        "GET", "PUT", "POST", "PATCH", "DELETE"
    };

    return (struct nb_index_call) {
        .call = arena_printf(arena, "%s %s", methods[route->method],
                             route->pattern),
        .query = route->query ? route->query : "",
    };
}

void
nb_get_index(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct nb_index_type types[VMN_N_TABLES];
    struct nb_reply_index reply = { .version = VMN_VERSION, .types = types };
    struct arena arena;

    arena_init(&arena);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (!schema_tables[i]->observed) {
            types[reply.n_types++] = index_type(schema_tables[i], &arena);
        }
    }
    reply.n_calls = nb->n_routes;
    reply.calls = arena_alloc(&arena, nb->n_routes * sizeof *reply.calls);
    for (size_t i = 0; i < nb->n_routes; i++) {
        reply.calls[i] = index_call(&nb->routes[i], &arena);
    }
    nb_reply_struct(req, &nb_reply_index, &reply);
    arena_uninit(&arena);
}

void
nb_get_health(struct http_request *req, void *nb OVS_UNUSED)
{
    const struct nb_reply_health reply = { "ok", VMN_VERSION };

    nb_reply_struct(req, &nb_reply_health, &reply);
}

void
nb_get_ready(struct http_request *req, void *nb_)
{
    static const struct nb_reply_ready reply = { "ready" };
    struct northbound *nb = nb_;

    if (nb->ready) {
        nb_reply_struct(req, &nb_reply_ready, &reply);
    } else {
        http_reply_header(req, "Retry-After", "1");
        http_reply_problem(req, 503, "starting", NULL,
                           "The controller is still starting");
    }
}

/* Status.  --------------------------------------------------------------- */

static void
answer_status(struct http_request *req, struct northbound *nb)
{
    struct schema_entry objects[VMN_N_TABLES];
    struct arena arena;
    struct nb_problems problems = { .arena = &arena };
    struct nb_reply_status reply = {
        .version = VMN_VERSION, .ready = nb->ready,
        .uptime_s = (time_wall_msec() - nb->started_ms) / 1000,
        .revision = model_durable_revision(nb->model), .objects = objects,
        .hosts = nb_count_hosts(nb),
    };

    arena_init(&arena);
    for (int i = 0; i < VMN_N_TABLES; i++) {
        if (!schema_tables[i]->observed) {
            objects[reply.n_objects++] = (struct schema_entry) {
                schema_tables[i]->plural, model_names(nb->model, i).n,
            };
        }
    }
    nb_find_problems(nb, engine_problems(nb->engine), &problems);
    reply.n_problems = problems.n;
    reply.problems = problems.problems;
    nb_find_health(nb, &problems, &reply.health);
    nb_reply_struct(req, &nb_reply_status, &reply);
    free(problems.problems);
    arena_uninit(&arena);
}

void
nb_get_status(struct http_request *req, void *nb)
{
    nb_when_problems_known(nb, req, answer_status);
}

/* Revisions.  ------------------------------------------------------------ */

/* Replies 503: the log could not be read, which must not look like a log that
 * ends.  Releases '*why'. */
static void
refuse_log(struct http_request *req, struct vmn_error *why)
{
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 503, "unavailable", NULL, "The log could not be "
                       "read: %s", why->text);
    vmn_error_uninit(why);
}

/* Appends what a revision took, as far as it is known, and its receipt, or
 * null. */
static void
append_receipt(const struct northbound *nb, uint64_t revision, struct ds *ds)
{
    struct fabric_receipt receipt;
    struct arena arena;
    bool known;

    arena_init(&arena);
    known = fabric_get_receipt(nb->fabric, revision, &arena, &receipt);
    nb_append_revision_us(nb, revision, known ? &receipt : NULL, ds);
    ds_put_cstr(ds, ",\"receipt\":");
    if (known) {
        schema_struct_print(&fabric_receipt_shown, &receipt, ds);
    } else {
        ds_put_cstr(ds, "null");
    }
    arena_uninit(&arena);
}

/* Appends to an entry of a list how many hosts it concerns and how many have
 * it, if that is known. */
static void
append_progress(const void *nb_, uint64_t revision, struct ds *ds)
{
    const struct northbound *nb = nb_;
    struct activity_item_hosts hosts;
    struct fabric_progress p;

    if (fabric_progress(nb->fabric, revision, &p)) {
        hosts.concerned = p.n_hosts;
        hosts.confirmed = p.n_confirmed;
        schema_print_name(ds, "hosts");
        schema_struct_print(&activity_hosts_shown, &hosts, ds);
    }
}

void
nb_revisions_init(struct northbound *nb)
{
    if (nb->store_class->set_log_more) {
        nb->store_class->set_log_more(nb->store, append_progress, nb);
    }
}

void
nb_revisions_uninit(struct northbound *nb)
{
    if (nb->store_class->set_log_more) {
        nb->store_class->set_log_more(nb->store, NULL, NULL);
    }
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

    /* A revision that is not in the log has a receipt only: it changed what is
     * not stored, such as hosts' interfaces, or was trimmed. */
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
    append_receipt(nb, revision, &ds);
    ds_put_cstr(&ds, "}\n");
    http_reply_body(req, 200, "application/json", &ds);
}

/* The range of revisions in a request. */
struct span {
    uint64_t after, before, limit;
    const char *type, *name;    /* Of an object, or NULL. */
};

/* Parses the query.  Both 'type' and 'name' identify an object, which need not
 * exist any more.  Replies and returns false if it is invalid. */
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
