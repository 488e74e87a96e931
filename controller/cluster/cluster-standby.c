/* SPDX-License-Identifier: Apache-2.0
 *
 * What a member that stands by answers at the API's unix socket: that it
 * lives, what it knows of the cluster, and who the writer is.  Not for the API
 * itself (controller/northbound). */

#include <config.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-private.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "openvswitch/dynamic-string.h"
#include "proto/http/http.h"
#include "proto/loop/loop.h"
#include "util.h"

static void
get_health(struct http_request *req, void *cluster OVS_UNUSED)
{
    static const char text[]
        = "{\"status\":\"ok\",\"version\":\"" VMN_VERSION "\"}";

    http_reply_bytes(req, 200, "application/json", text, sizeof text - 1);
}

static void
get_cluster(struct http_request *req, void *cluster)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct status_cluster status;
    struct arena arena;

    arena_init(&arena);
    cluster_get_status(cluster, &arena, &status);
    schema_struct_print(&schema_status_cluster, &status, &ds);
    ds_put_char(&ds, '\n');
    http_reply_body(req, 200, "application/json", &ds);
    arena_uninit(&arena);
}

/* Appends who the writer is. */
static void
put_writer(const struct cluster *c, struct ds *ds)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct cluster_member *writer;

    if (!view->current || !view->has_row || !*view->lease.holder
        || !strcmp(view->lease.holder, c->options->name)) {
        ds_put_cstr(ds, "which member is the writer is not known");
        return;
    }
    ds_put_format(ds, "the writer is \"%s\"", view->lease.holder);
    writer = shash_find_data(&view->members, view->lease.holder);
    if (writer && *writer->address) {
        ds_put_format(ds, ", whose API is at %s", writer->address);
    }
}

static void
reply_standby(struct http_request *req, void *cluster)
{
    const struct cluster *c = cluster;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "This member of the cluster, \"%s\", stands by; ",
                  c->options->name);
    put_writer(c, &ds);
    if (c->problem) {
        ds_put_format(&ds, ". It could not become it: %s", c->problem);
    }
    http_reply_header(req, "Retry-After", "1");
    http_reply_problem(req, 503, "standby", NULL, "%s", ds_cstr(&ds));
    ds_destroy(&ds);
}

int
cluster_serve_standby(struct cluster *c, const char *path, const char *group,
                      struct vmn_error *why)
{
    static const struct http_route routes[] = {
        { .method = HTTP_GET, .pattern = "/healthz", .handler = get_health,
          .open = true },
        { .method = HTTP_GET, .pattern = "/v1/cluster",
          .handler = get_cluster },
    };
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    char *text = NULL;
    int error;

    options.other_path = reply_standby;
    c->http = http_server_create(loop_base(c->loop), &options, routes,
                                 ARRAY_SIZE(routes), c);
    error = http_listen_unix(c->http, path, group, &text);
    return vmn_error_take(why, error, text);
}
