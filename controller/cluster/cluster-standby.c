/* SPDX-License-Identifier: Apache-2.0
 *
 * The API as a member serves it that stands by: it passes requests on to the
 * writer, whichever that is when they are sent.  At the unix socket it says
 * itself that it lives and what it knows of the cluster.  Not for what the
 * requests mean, nor for who may make them (controller/northbound, of the
 * writer). */

#include <config.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-private.h"
#include "controller/schema/arena.h"
#include "controller/schema/schema-struct.h"
#include "controller/schema/status.h"
#include "controller/schema/value.h"
#include "openvswitch/dynamic-string.h"
#include "proto/http/http.h"
#include "proto/loop/loop.h"
#include "proto/relay/relay.h"
#include "proto/tls/tls.h"
#include "util.h"

/* Connections of each listener, as of the writer's. */
#define CONNECTIONS_MAX 1256
/* Longest ADDRESS:PORT. */
#define LISTEN_MAX 100

/* Requests.  -------------------------------------------------------------- */

static void
get_health(struct http_request *req, void *cluster OVS_UNUSED)
{
    static const char text[]
        = "{\"status\":\"ok\",\"version\":\"" VMN_VERSION "\"}";

    http_reply_bytes(req, 200, "application/json", text, sizeof text - 1);
}

static void
reply_cluster(struct http_request *req, const struct cluster *c)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct status_cluster status;
    struct arena arena;

    arena_init(&arena);
    cluster_get_status(c, &arena, &status);
    schema_struct_print(&schema_status_cluster, &status, &ds);
    ds_put_char(&ds, '\n');
    http_reply_body(req, 200, "application/json", &ds);
    arena_uninit(&arena);
}

/* Returns who the writer is, if that is another member; or NULL. */
static const struct cluster_member *
find_writer(const struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const char *holder = view->lease.holder;

    return (view->current && view->has_row && strcmp(holder, c->options->name)
            ? shash_find_data(&view->members, holder) : NULL);
}

/* Appends who the writer is. */
static void
put_writer(const struct cluster *c, struct ds *ds)
{
    const struct cluster_member *writer = find_writer(c);

    if (!writer) {
        ds_put_cstr(ds, "which member is the writer is not known");
        return;
    }
    ds_put_format(ds, "the writer is \"%s\"", writer->name);
    if (*writer->address) {
        ds_put_format(ds, ", whose API is at %s", writer->address);
    }
}

static void
reply_standby(struct http_request *req, const struct cluster *c)
{
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

static bool
is_for_here(const struct http_request *req, const struct http_peer *peer)
{
    return (peer->trusted && !strcmp(http_request_method(req), "GET")
            && !strcmp(http_request_target(req), "/v1/cluster"));
}

/* The writer may be none that others can reach. */
static bool
may_pass(const struct cluster *c)
{
    const struct cluster_member *writer = find_writer(c);

    return c->relay && (!writer || *writer->listen);
}

/* The writer's metrics are of its process: not to be had as if they were of
 * this one. */
static bool
is_of_process(const struct http_request *req)
{
    return !strcmp(http_request_target(req), "/metrics");
}

static void
relay_cb(struct http_request *req, const struct http_peer *peer,
         void *cluster)
{
    struct cluster *c = cluster;

    if (is_for_here(req, peer)) {
        reply_cluster(req, c);
    } else if (may_pass(c) && !is_of_process(req)) {
        relay_pass(c->relay, req, peer);
    } else {
        reply_standby(req, c);
    }
}

/* Returns true if the member's row, which comes from outside, names it and an
 * ADDRESS:PORT. */
static bool
can_be_reached(const struct cluster_member *member)
{
    const char *colon = strrchr(member->listen, ':');

    return (colon && strlen(member->listen) <= LISTEN_MAX
            && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")]
            && !member->listen[strspn(member->listen, "0123456789abcdefABCDEF"
                                      ".:[]")]
            && !value_check_name(member->name, NULL));
}

void
cluster_standby_run(struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct cluster_member *writer = find_writer(c);

    /* Without the database the last one that is known is still the best. */
    if (c->relay && !c->writer && view->current && view->has_row) {
        bool known = writer && can_be_reached(writer);

        relay_set_server(c->relay, known ? writer->name : NULL,
                         known ? writer->listen : NULL);
    }
}

/* Listeners.  ------------------------------------------------------------- */

/* Fails if a CA that signs 'whom' signs members, too: one of them could pass
 * for a member, which has all rights. */
static int
check_ca(struct cluster *c, const char *ca_cert, const char *whom,
         struct vmn_error *why)
{
    const struct tls_options options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = ca_cert,
    };
    char *text = NULL, *shared;
    struct tls *tls;
    int error;

    if (!ca_cert) {
        return 0;
    }
    error = tls_create(&options, loop_base(c->loop), &tls, &text);
    if (error) {
        return vmn_error_take(why, error, text);
    }
    shared = tls_shared_ca(c->tls, tls);
    if (shared) {
        error = vmn_error_errno(why, EINVAL, "cluster-ca-cert: the CA \"%s\" "
                                "signs %s as well: members need one of "
                                "their own", shared, whom);
        free(shared);
    }
    tls_destroy(tls);
    return error;
}

/* Prepares what members say to each other. */
static int
open_members(struct cluster *c, const struct cluster_api *api,
             struct vmn_error *why)
{
    const struct tls_options tls_options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = c->options->ca_cert,
        .peers_are_equal = true,
    };
    const struct relay_options relay_options = {
        .private_key = c->options->private_key,
        .certificate = c->options->certificate,
        .ca_cert = c->options->ca_cert,
        .wait_ms = RELAY_WAIT_MS,
    };
    char *text = NULL;
    int error = tls_create(&tls_options, loop_base(c->loop), &c->tls, &text);

    if (error) {
        return vmn_error_take(why, error, text);
    }
    error = check_ca(c, api->host_ca_cert, "hosts", why);
    if (!error) {
        error = check_ca(c, api->api_ca_cert, "API clients", why);
    }
    if (!error) {
        c->relay = relay_create(loop_base(c->loop), &relay_options);
    }
    return error;
}

static int
open_tcp(struct cluster *c, const struct cluster_api *api,
         struct vmn_error *why)
{
    const struct tls_options tls_options = {
        .private_key = api->private_key,
        .certificate = api->certificate,
        .ca_cert = api->api_ca_cert,
        .peer_optional = true,
    };
    const char *address = api->tcp_listen;
    bool is_tls = !strncmp(address, "ssl:", 4);
    char *token = NULL, *text = NULL;
    int error = 0;

    if (is_tls) {
        error = tls_create(&tls_options, loop_base(c->loop), &c->api_tls,
                           &text);
    }
    if (!error && api->token_file) {
        error = http_token_load(api->token_file, &token, &text);
    }
    if (!error) {
        error = http_listen_tcp(c->http, is_tls ? address + 4 : address,
                                token, c->api_tls, &text);
    }
    free(token);
    return vmn_error_take(why, error, text);
}

int
cluster_serve_standby(struct cluster *c, const struct cluster_api *api,
                      struct vmn_error *why)
{
    static const struct http_route routes[] = {
        { .method = HTTP_GET, .pattern = "/healthz", .handler = get_health,
          .open = true },
    };
    struct http_options options = HTTP_OPTIONS_DEFAULT;
    char *text = NULL;
    int error;

    options.max_connections = CONNECTIONS_MAX;
    options.origins = api->origins;
    options.relay = relay_cb;
    c->http = http_server_create(loop_base(c->loop), &options, routes,
                                 ARRAY_SIZE(routes), c);
    error = c->options->listen ? open_members(c, api, why) : 0;
    if (!error) {
        error = http_listen_unix(c->http, api->unix_path, api->unix_group,
                                 &text);
        vmn_error_take(why, error, text);
    }
    if (!error && c->relay && api->tcp_listen) {
        error = open_tcp(c, api, why);
    }
    return error;
}

/* Clients that are connected go on as before: what they ask is passed on to
 * this member itself. */
void
cluster_standby_retire(struct cluster *c)
{
    if (c->relay) {
        http_server_stop_listening(c->http);
        relay_set_server(c->relay, c->options->name, c->options->listen);
    } else {
        cluster_standby_end(c);
    }
}

void
cluster_standby_end(struct cluster *c)
{
    relay_destroy(c->relay);
    c->relay = NULL;
    http_server_destroy(c->http);
    c->http = NULL;
    tls_destroy(c->api_tls);
    c->api_tls = NULL;
}

/* The writer's side.  ----------------------------------------------------- */

const char *
cluster_listen(const struct cluster *c)
{
    return c->options->listen;
}

const struct tls *
cluster_tls(const struct cluster *c)
{
    return c->tls;
}

bool
cluster_has_member(const struct cluster *c, const char *name)
{
    return shash_find(&cluster_db_view(c->db)->members, name) != NULL;
}
