/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1 (the index), /healthz, /readyz and /v1/status.  Not for problems
 * (system-health.c), nor for revisions (api-revisions.c). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/commit/request-warnings.h"
#include "controller/fabric/fabric-status.h"
#include "controller/flow/pipeline.h"
#include "controller/model/warnings.h"
#include "controller/northbound/metrics-object-states.h"
#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/northbound/router-status.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-own.h"
#include "controller/schema/schema-struct.h"
#include "openvswitch/dynamic-string.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

/* Returns the description of a type in GET /v1. */
static struct nb_index_type
index_type(const struct schema_table *table, struct arena *arena)
{
    return (struct nb_index_type) {
        .type = table->plural, .singular = table->singular,
        .description = table->doc,
        .path = arena_printf(arena, "/v1/%s", table->plural),
    };
}

static struct nb_index_call
index_call(const struct http_route *route, const char *pattern,
           struct arena *arena)
{
    static const char *const methods[HTTP_N_METHODS] = {
        "GET", "PUT", "POST", "PATCH", "DELETE"
    };

    return (struct nb_index_call) {
        .call = arena_printf(arena, "%s %s", methods[route->method],
                             pattern),
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
    reply.calls = arena_alloc(&arena, nb->n_routes * (1 + VMN_OWN_TYPES_MAX)
                                      * sizeof *reply.calls);
    for (size_t i = 0; i < nb->n_routes; i++) {
        const struct http_route *route = &nb->routes[i];

        if (!route->find) {
            reply.calls[reply.n_calls++] = index_call(route, route->pattern,
                                                      &arena);
            continue;
        }
        for (int t = VMN_TABLE_OWN_FIRST; t <= VMN_TABLE_OWN_LAST; t++) {
            if (schema_is_there(schema_tables[t])) {
                reply.calls[reply.n_calls++] = index_call(
                    route, arena_printf(&arena, "/v1/%s%s",
                                        schema_tables[t]->plural,
                                        strchr(route->pattern, '}') + 1),
                    &arena);
            }
        }
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

/* Maximum number of hosts that a warning names. */
#define NAMED_MAX 3

/* Warns of VMs' interfaces that no port claims, of all hosts at once: after a
 * restore there may be many. */
static void
warn_of_unclaimed(const struct northbound *nb, struct model_warnings *warnings)
{
    struct svec hosts = SVEC_EMPTY_INITIALIZER;
    size_t n = fabric_unclaimed_interfaces(nb->fabric, &hosts);
    struct ds names = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < MIN(hosts.n, NAMED_MAX); i++) {
        ds_put_format(&names, "%s%s", i ? ", " : "", hosts.names[i]);
    }
    if (hosts.n > NAMED_MAX) {
        ds_put_format(&names, " and %"PRIuSIZE" more", hosts.n - NAMED_MAX);
    }
    if (n == 1) {
        model_warnings_put_general(
            warnings, "1 interface of VMs on %s has no port, and so no "
            "network: create a port with its iface_id, or remove it (vmnctl "
            "describe host %s lists it)", ds_cstr(&names), ds_cstr(&names));
    } else if (n) {
        model_warnings_put_general(
            warnings, "%"PRIuSIZE" interfaces of VMs on %s have no port, and "
            "so no network: create ports with their iface_id, or remove them "
            "(vmnctl describe host %s lists %s)", n, ds_cstr(&names),
            hosts.names[0], hosts.n == 1 ? "them" : "its own");
    }
    ds_destroy(&names);
    svec_destroy(&hosts);
}

/* Warns of apps whose modules the kernel does not confine. */
static void
warn_of_unconfined(const struct northbound *nb,
                   struct model_warnings *warnings)
{
    const struct pipeline *pipeline = apphost_pipeline(nb->apphost);
    struct ds names = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; pipeline && i < pipeline->n_apps; i++) {
        const struct pipeline_app *app = &pipeline->apps[i];

        if (!apphost_is_confined(app)) {
            ds_put_format(&names, "%s%s", names.length ? ", " : "",
                          app->class_->name);
        }
    }
    if (names.length) {
        model_warnings_put_general(
            warnings, "the kernel lacks Landlock: while they are loaded, "
            "modules of apps (%s) may read the files that vmnd may read",
            ds_cstr(&names));
    }
    ds_destroy(&names);
}

/* Adds what there is to say of all objects. */
static void
find_warnings(const struct northbound *nb, struct arena *arena,
              struct nb_reply_status *reply)
{
    static const enum vmn_table tables[] = {
        VMN_TABLE_QUARANTINE, VMN_TABLE_LOADBALANCER, VMN_TABLE_POLICY,
        VMN_TABLE_GROUP, VMN_TABLE_HOST, VMN_TABLE_ROUTER,
        VMN_TABLE_FLOATING_IP,  /* Last: it reads the most rows. */
    };
    struct model_warnings warnings;

    model_warnings_init(&warnings, nb->model, NULL, arena);
    warn_of_unclaimed(nb, &warnings);
    warn_of_unconfined(nb, &warnings);
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        struct vmn_names names = model_names(nb->model, tables[i]);

        for (size_t j = 0; j < names.n; j++) {
            const struct vmn_row *row = model_get(nb->model, tables[i],
                                                  names.names[j]);

            model_warnings_add(&warnings, row);
            if (tables[i] == VMN_TABLE_LOADBALANCER) {
                nb_warn_of_balancer(nb, (const void *) row, &warnings);
            } else if (tables[i] == VMN_TABLE_ROUTER) {
                nb_warn_of_router(nb, (const void *) row, &warnings);
            }
        }
    }
    for (int t = VMN_TABLE_OWN_FIRST; t <= VMN_TABLE_OWN_LAST; t++) {
        struct vmn_names names = (schema_own_warnings(schema_tables[t])
                                  ? model_names(nb->model, t)
                                  : (struct vmn_names) { .n = 0 });

        for (size_t i = 0; i < names.n; i++) {
            request_warnings_add_own(nb->engine,
                                     model_get(nb->model, t, names.names[i]),
                                     &warnings);
        }
    }
    model_warnings_finish(&warnings);
    reply->n_warnings = warnings.n;
    reply->warnings = warnings.warnings;
}

static void
send_status(struct http_request *req, struct northbound *nb)
{
    struct schema_entry objects[VMN_N_TABLES];
    struct object_states *states = object_states_read_problems(nb);
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
    nb_find_problems(nb, engine_problems(nb->engine), states, &problems);
    reply.n_problems = problems.n;
    reply.problems = problems.problems;
    nb_find_health(nb, &problems, &reply.health);
    find_warnings(nb, &arena, &reply);
    nb_reply_struct(req, &nb_status_whole, &reply);
    free(problems.problems);
    arena_uninit(&arena);
    object_states_destroy(states);
}

void
nb_get_status(struct http_request *req, void *nb)
{
    const struct model_rights *rights = nb_rights(req);

    bool scoped = rights && rights->scope.text;

    if (scoped) {
        nb_when_quiescent(nb, req, nb_send_scoped_status);
    } else {
        nb_when_problems_known(nb, req, send_status);
    }
}

/* Rejected hosts.  ------------------------------------------------------- */

void
nb_get_rejected_hosts(struct http_request *req, void *nb_)
{
    const struct northbound *nb = nb_;
    struct nb_reply_rejected reply;
    struct arena arena;

    arena_init(&arena);
    reply.items = fabric_rejected_hosts(nb->fabric, &arena, &reply.n_items);
    nb_reply_struct(req, &nb_reply_rejected, &reply);
    arena_uninit(&arena);
}
