/* SPDX-License-Identifier: Apache-2.0
 *
 * Creates the northbound: its routes and listeners.  A new call is a row of
 * 'calls' and a struct nb_operation that describes it; a new type of object
 * gets its routes from 'type_calls'. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include "controller/cluster/cluster.h"
#include "controller/northbound/app-changes.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/gateway-changes.h"
#include "controller/northbound/metrics.h"
#include "controller/northbound/live-trace-limits.h"
#include "controller/northbound/packet-streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/auth.h"
#include "controller/northbound/openapi.h"
#include "controller/northbound/sample-causes.h"
#include "controller/northbound/volatile-revisions.h"
#include "controller/schema/schema-own.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "proto/tls/tls.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(northbound);

/* Connections of each listener: clients that listen to events leave room for
 * others. */
#define CONNECTIONS_MAX (EVENT_READERS_MAX + 256)

/* Calls that do not belong to a type of object.  Their query parameters are
 * those of 'about'. */
static const struct http_route calls[] = {
    { .method = HTTP_GET,
      .pattern = "/healthz",
      .handler = nb_get_health,
      .about = &nb_operation_health,
      .open = true },
    { .method = HTTP_GET,
      .pattern = "/readyz",
      .handler = nb_get_ready,
      .about = &nb_operation_ready,
      .open = true },
    { .method = HTTP_GET,
      .pattern = "/",
      .handler = nb_get_page,
      .about = &nb_operation_page,
      .open = true },
    { .method = HTTP_GET,
      .pattern = "/page/{file}",
      .handler = nb_get_page_file,
      .about = &nb_operation_page_file,
      .open = true },
    { .method = HTTP_GET,
      .pattern = "/metrics",
      .handler = nb_get_metrics,
      .about = &nb_operation_metrics,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_GET,
      .pattern = "/v1",
      .handler = nb_get_index,
      .about = &nb_operation_index,
      .permission = NB_PERMISSION_ANY },
    { .method = HTTP_GET,
      .pattern = "/v1/openapi.json",
      .handler = nb_get_openapi,
      .about = &nb_operation_openapi,
      .permission = NB_PERMISSION_ANY },
    { .method = HTTP_GET,
      .pattern = "/v1/status",
      .handler = nb_get_status,
      .about = &nb_operation_status,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_GET,
      .pattern = "/v1/summary",
      .handler = nb_get_summary,
      .about = &nb_operation_summary,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_GET,
      .pattern = "/v1/backup",
      .handler = nb_get_backup,
      .about = &nb_operation_backup,
      .permission = NB_PERMISSION_ADMIN },
    { .method = HTTP_GET,
      .pattern = "/v1/cluster",
      .handler = nb_get_cluster,
      .about = &nb_operation_cluster,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_POST,
      .pattern = "/v1/cluster/transfer",
      .handler = nb_post_cluster_transfer,
      .about = &nb_operation_transfer,
      .permission = NB_PERMISSION_ADMIN },
    { .method = HTTP_DELETE,
      .pattern = "/v1/cluster/members/{member}",
      .handler = nb_delete_cluster_member,
      .about = &nb_operation_remove_member,
      .permission = NB_PERMISSION_ADMIN },
    { .method = HTTP_POST,
      .pattern = "/v1/apply",
      .handler = nb_apply,
      .about = &nb_operation_apply,
      .permission = NB_PERMISSION_CHANGE,
      .takes_body = true },
    { .method = HTTP_POST,
      .pattern = "/v1/trace",
      .handler = nb_post_trace,
      .about = &nb_operation_trace,
      .permission = NB_PERMISSION_OBJECTS,
      .takes_body = true },
    { .method = HTTP_POST,
      .pattern = "/v1/live-trace",
      .handler = nb_post_live_trace,
      .about = &nb_operation_live_trace,
      .permission = NB_PERMISSION_CHANGE,
      .takes_body = true },
    { .method = HTTP_GET,
      .pattern = "/v1/reachability",
      .handler = nb_get_reachability,
      .about = &nb_operation_reachability,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_POST,
      .pattern = "/v1/reachability",
      .handler = nb_post_reachability,
      .about = &nb_operation_reach_change,
      .permission = NB_PERMISSION_VIEW,
      .takes_body = true },
    { .method = HTTP_GET,
      .pattern = "/v1/open-services",
      .handler = nb_get_open_services,
      .about = &nb_operation_open_services,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_GET,
      .pattern = "/v1/recommendations",
      .handler = nb_get_recommendations,
      .about = &nb_operation_recommendations,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_GET,
      .pattern = "/v1/revisions",
      .handler = nb_get_revisions,
      .about = &nb_operation_revisions,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_GET,
      .pattern = "/v1/revisions/{revision}",
      .handler = nb_get_revision,
      .about = &nb_operation_revision,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_POST,
      .pattern = "/v1/revisions/{revision}/undo",
      .handler = nb_post_undo,
      .about = &nb_operation_undo,
      .permission = NB_PERMISSION_CHANGE },
    { .method = HTTP_POST,
      .pattern = "/v1/drafts/{name}/apply",
      .handler = nb_apply_draft,
      .about = &nb_operation_apply_draft,
      .permission = NB_PERMISSION_CHANGE },
    { .method = HTTP_GET,
      .pattern = "/v1/drafts/{name}/effects",
      .handler = nb_get_draft_effects,
      .about = &nb_operation_draft_effects,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_GET,
      .pattern = "/v1/activity",
      .handler = nb_get_activity,
      .about = &nb_operation_activity,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_GET,
      .pattern = "/v1/events",
      .handler = nb_get_events,
      .about = &nb_operation_events,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_GET,
      .pattern = "/v1/packets",
      .handler = nb_get_packets,
      .about = &nb_operation_packets,
      .permission = NB_PERMISSION_CHANGE },
    { .method = HTTP_GET,
      .pattern = "/v1/drops",
      .handler = nb_get_drops,
      .about = &nb_operation_drops,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_GET,
      .pattern = "/v1/logs",
      .handler = nb_get_logs,
      .about = &nb_operation_logs,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_GET,
      .pattern = "/v1/traffic",
      .handler = nb_get_traffic,
      .about = &nb_operation_traffic,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_GET,
      .pattern = "/v1/advice/placement",
      .handler = nb_get_placement,
      .about = &nb_operation_placement,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_GET,
      .pattern = "/v1/identities",
      .handler = nb_get_identities,
      .about = &nb_operation_identities,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_GET,
      .pattern = "/v1/paths",
      .handler = nb_get_paths,
      .about = &nb_operation_paths,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_GET,
      .pattern = "/v1/usage",
      .handler = nb_get_usage,
      .about = &nb_operation_usage,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_GET,
      .pattern = "/v1/rejected-hosts",
      .handler = nb_get_rejected_hosts,
      .about = &nb_operation_rejected_hosts,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_GET,
      .pattern = "/v1/ports/{name}/policies",
      .handler = nb_get_port_policies,
      .about = &nb_operation_port_policies,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_GET,
      .pattern = "/v1/apps/{name}/logs",
      .handler = nb_get_app_logs,
      .about = &nb_operation_app_logs,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_PUT,
      .pattern = "/v1/apps/{name}/code",
      .handler = nb_put_app_code,
      .about = &nb_operation_load_app,
      .permission = NB_PERMISSION_ADMIN,
      .takes_body = true },
    { .method = HTTP_DELETE,
      .pattern = "/v1/apps/{name}/code",
      .handler = nb_delete_app_code,
      .about = &nb_operation_unload_app,
      .permission = NB_PERMISSION_ADMIN },
    { .method = HTTP_GET,
      .pattern = "/v1/hosts/{name}/flows",
      .handler = nb_get_flows,
      .about = &nb_operation_flows,
      .permission = NB_PERMISSION_VIEW },
    { .method = HTTP_POST,
      .pattern = "/v1/hosts/{name}/audit",
      .handler = nb_post_audit,
      .about = &nb_operation_audit,
      .permission = NB_PERMISSION_OPERATE },
};

/* Calls of each type of object.  The pattern follows the type's plural. */
static const struct http_route type_calls[] = {
    { .method = HTTP_GET, .pattern = "", .handler = nb_get_list,
      .about = &nb_operation_list,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_GET, .pattern = "/{name}", .handler = nb_get_one,
      .about = &nb_operation_get,
      .permission = NB_PERMISSION_OBJECTS },
    { .method = HTTP_PUT, .pattern = "/{name}", .handler = nb_put,
      .about = &nb_operation_put,
      .permission = NB_PERMISSION_CHANGE, .takes_body = true },
    { .method = HTTP_PATCH, .pattern = "/{name}", .handler = nb_patch,
      .about = &nb_operation_patch,
      .permission = NB_PERMISSION_CHANGE, .takes_body = true },
    { .method = HTTP_DELETE, .pattern = "/{name}", .handler = nb_delete,
      .about = &nb_operation_delete,
      .permission = NB_PERMISSION_CHANGE },
};

/* Gives 'route' ownership of 'pattern', and lists its query parameters; all
 * reads that are authenticated have one more. */
static void
finish_route(struct http_route *route, char *pattern)
{
    const struct nb_operation *about = route->about;
    struct ds query = DS_EMPTY_INITIALIZER;

    route->pattern = pattern;
    for (const struct schema_field *f = about ? about->params : NULL;
         f && f->name; f++) {
        ds_put_format(&query, "%s%s", query.length ? " " : "", f->name);
    }
    if (route->method == HTTP_GET && !route->open) {
        ds_put_format(&query, "%sat_least", query.length ? " " : "");
    }
    route->query = query.length ? ds_steal_cstr(&query) : NULL;
    ds_destroy(&query);
}

/* Observed rows are reported by hosts, not set by users; apps are loaded, not
 * created or deleted; types come with apps, and what is left of them is
 * deleted. */
static bool
may_call(const struct schema_table *table, enum http_method method)
{
    return (!table->observed
            && (!table->of_daemon || method == HTTP_GET
                || (table->id == VMN_TABLE_TYPE) == (method == HTTP_DELETE)));
}

/* Returns the type, of those that apps declare, that the path names. */
static const void *
find_own_type(const struct http_request *req)
{
    const struct schema_table *table = schema_find_table(
        http_request_param(req, "type"));

    return (table && schema_is_own(table->id)
            && !strcmp(table->plural, http_request_param(req, "type"))
            ? table : NULL);
}

struct http_route *
nb_routes_make(size_t *n)
{
    size_t max = (ARRAY_SIZE(calls)
                  + (VMN_TABLE_OWN_FIRST + 1) * ARRAY_SIZE(type_calls));
    struct http_route *routes = xcalloc(max, sizeof *routes);
    struct http_route *route = routes;

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        *route = calls[i];
        finish_route(route++, xstrdup(calls[i].pattern));
    }
    for (int t = 0; t < VMN_TABLE_OWN_FIRST; t++) {
        const struct schema_table *table = schema_tables[t];

        for (size_t i = 0; i < ARRAY_SIZE(type_calls); i++) {
            if (!may_call(table, type_calls[i].method)) {
                continue;
            }
            *route = type_calls[i];
            route->data = table;
            if (t == VMN_TABLE_PORT && route->handler == nb_get_list) {
                route->about = &nb_operation_list_ports;
            }
            finish_route(route++, xasprintf("/v1/%s%s", table->plural,
                                            type_calls[i].pattern));
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(type_calls); i++) {
        *route = type_calls[i];
        route->find = find_own_type;
        finish_route(route++, xasprintf("/v1/{type}%s",
                                        type_calls[i].pattern));
    }
    *n = route - routes;
    return routes;
}

void
nb_routes_destroy(struct http_route *routes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(CONST_CAST(char *, routes[i].pattern));
        free(CONST_CAST(char *, routes[i].query));
    }
    free(routes);
}

/* Listens on TCP, such as "127.0.0.1:8181", with the token of the file, or
 * TLS, such as "ssl:0.0.0.0:8443". */
static int
open_tcp(struct northbound *nb, const struct northbound_options *options,
         struct vmn_error *why)
{
    const char *address = options->tcp_listen;
    bool is_tls = !strncmp(address, "ssl:", 4);
    char *token = NULL;
    char *text = NULL;
    int error = is_tls ? nb_certificates_load(nb, options, why) : 0;

    if (error) {
        return error;
    }
    if (options->token_file) {
        error = http_token_load(options->token_file, &token, &text);
    }
    if (!error) {
        error = http_listen_tcp(nb->http, is_tls ? address + 4 : address,
                                token, nb->tls, &text);
    }
    free(token);
    return vmn_error_take(why, error, text);
}

/* Listens for other members of the cluster, which pass requests on to the
 * writer. */
static int
open_relayed(struct northbound *nb, struct vmn_error *why)
{
    const char *address = nb->cluster ? cluster_listen(nb->cluster) : NULL;
    char *text = NULL;
    int error = 0;

    if (address) {
        error = http_listen_relayed(nb->http, address,
                                    cluster_tls(nb->cluster), &text);
    }
    return vmn_error_take(why, error, text);
}

static bool
may_relay(const char *certificate, void *nb_)
{
    const struct northbound *nb = nb_;

    return cluster_has_member(nb->cluster, certificate);
}

static bool
knows_relays(void *nb_)
{
    const struct northbound *nb = nb_;

    return cluster_knows_members(nb->cluster);
}

static int
open_listeners(struct northbound *nb,
               const struct northbound_options *options,
               struct vmn_error *why)
{
    int error;

    if (!options->unix_path && !options->tcp_listen) {
        return vmn_error_invalid(why, "the API has neither a unix socket nor "
                                 "a TCP address to listen on");
    }
    if (options->unix_path) {
        char *text = NULL;

        error = http_listen_unix(nb->http, options->unix_path,
                                 options->unix_group, &text);
        if (error) {
            return vmn_error_take(why, error, text);
        }
    }
    return options->tcp_listen ? open_tcp(nb, options, why) : 0;
}

static uint64_t
get_revision(void *nb_)
{
    const struct northbound *nb = nb_;

    return model_durable_revision(nb->model);
}

static void
yield_cb(void *commit)
{
    commit_yield(commit);
}

/* Creates the HTTP server with its routes, and their description. */
static void
create_server(struct northbound *nb, const struct northbound_options *options)
{
    struct http_options http_options = HTTP_OPTIONS_DEFAULT;

    nb->routes = nb_routes_make(&nb->n_routes);
    openapi_update(nb);
    http_options.max_connections = CONNECTIONS_MAX;
    http_options.authenticate = nb_authenticate;
    http_options.authorize = nb_authorize;
    http_options.may_relay = may_relay;
    http_options.knows_relays = knows_relays;
    if (nb->following) {
        http_options.relay = nb_pass_on;
        http_options.passes_on = nb_passes_on;
    }
    http_options.hold = nb_hold_read;
    http_options.revision = get_revision;
    http_options.origins = options->origins;
    http_options.no_such_path = nb_suggest_path;
    http_options.pause = yield_cb;
    http_options.pause_aux = nb->commit;
    nb->http = http_server_create(nb->base, &http_options, nb->routes,
                                  nb->n_routes, nb);
}

/* Begins the log of events: this process is the writer. */
static void
begin_events(struct northbound *nb)
{
    nb->event_log = event_log_create(model_durable_revision(nb->model));
    nb->event_readers = event_readers_create(nb);
    nb->event_sources = event_sources_create(nb);
    nb->event_states = event_states_create(nb);
    nb->gateway_changes = gateway_changes_create(nb);
    nb->app_changes = app_changes_create(nb);
}

/* Takes the rooms of the writer. */
static void
take_options(struct northbound *nb, const struct northbound_options *options)
{
    nb->webhook = options->webhook;
    nb->health = options->health;
    nb->paths = options->paths;
    nb->fqdns = options->fqdns;
    nb->audit_log = options->audit_log;
    nb->load = options->load;
}

int
northbound_create(const struct northbound_options *options,
                  struct event_base *base, struct model *model,
                  struct engine *engine, struct commit *commit,
                  struct fabric *fabric,
                  const struct store_class *store_class, struct store *store,
                  struct apphost *apphost, struct northbound **nbp,
                  struct vmn_error *why)
{
    struct northbound *nb = xzalloc(sizeof *nb);
    int error;

    nb->base = base;
    nb->loop = options->loop;
    nb->model = model;
    nb->engine = engine;
    nb->commit = commit;
    nb->fabric = fabric;
    nb->cluster = options->cluster;
    take_options(nb, options);
    nb->store_class = store_class;
    nb->store = store;
    nb->apphost = apphost;
    nb->started_ms = time_wall_msec();
    nb->following = options->following;
    ovs_list_init(&nb->changes);
    nb_sets_init(nb);
    nb_revisions_init(nb);
    ovs_list_init(&nb->audit_waits);
    ovs_list_init(&nb->placements);
    ovs_list_init(&nb->tallies);
    ovs_list_init(&nb->dry_runs);
    nb_observations_init(nb);
    nb_ended_objects_init(nb);
    nb->auth = nb_auth_create(options->account_rate);
    nb->volatile_revisions = volatile_revisions_create();
    nb->packet_streams = packet_streams_create(nb);
    nb->live_limits = live_limits_create();
    nb->sample_causes = sample_causes_create();
    nb->object_counters = metrics_object_counters_create();
    if (!nb->following) {
        begin_events(nb);
    }
    nb->read_waits = read_waits_create(nb);
    nb->drains = nb_drains_create();
    nb->metrics_series = options->metrics_series;
    create_server(nb, options);
    error = open_listeners(nb, options, why);
    if (!error) {
        error = open_relayed(nb, why);
    }
    if (error) {
        northbound_destroy(nb);
        nb = NULL;
    } else {
        nb_certificates_check(nb);
        VLOG_INFO("listening on %s%s%s",
                  options->unix_path ? options->unix_path : "",
                  options->unix_path && options->tcp_listen ? " and " : "",
                  options->tcp_listen ? options->tcp_listen : "");
    }
    *nbp = nb;
    return error;
}

void
northbound_lead(struct northbound *nb,
                const struct northbound_options *options)
{
    nb->following = false;
    take_options(nb, options);
    nb->started_ms = time_wall_msec();
    begin_events(nb);
    http_server_end_relay(nb->http);
}

void
northbound_destroy(struct northbound *nb)
{
    if (!nb) {
        return;
    }
    event_states_destroy(nb->event_states);
    event_sources_destroy(nb->event_sources);
    sample_causes_destroy(nb->sample_causes);
    event_readers_destroy(nb->event_readers);
    packet_streams_destroy(nb->packet_streams);
    event_log_destroy(nb->event_log);
    volatile_revisions_destroy(nb->volatile_revisions);
    metrics_object_counters_destroy(nb->object_counters);
    app_changes_destroy(nb->app_changes);
    gateway_changes_destroy(nb->gateway_changes);
    http_server_destroy(nb->http);
    live_limits_destroy(nb->live_limits);
    read_waits_destroy(nb->read_waits);
    nb_changes_abandon(nb);
    nb_sets_uninit(nb);
    nb_revisions_uninit(nb);
    nb_simulations_abandon(nb);
    nb_observations_uninit(nb);
    nb_ended_objects_uninit(nb);
    nb_auth_destroy(nb->auth);
    tls_destroy(nb->tls);
    nb_routes_destroy(nb->routes, nb->n_routes);
    nb_drains_destroy(nb->drains);
    free(nb->openapi);
    free(nb);
}

void
northbound_retire(struct northbound *nb)
{
    http_server_refuse(nb->http, "another member of the cluster has become "
                       "its writer");
}

void
northbound_set_ready(struct northbound *nb, bool ready)
{
    nb->ready = ready;
    if (!nb->following) {
        nb_start_observation_timer(nb);
    }
}

static void
unixctl_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[] OVS_UNUSED, void *nb_)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct northbound *nb = nb_;
    struct http_stats stats;

    http_server_get_stats(nb->http, &stats);
    ds_put_format(&ds, "connections: %"PRIu64" (%"PRIu64" accepted, %"PRIu64
                  " rejected)\n", stats.n_connections, stats.n_accepted,
                  stats.n_rejected);
    ds_put_format(&ds, "requests: %"PRIu64" (%"PRIu64" malformed, %"PRIu64
                  " unauthorized)\n", stats.n_requests,
                  stats.n_bad, stats.n_unauthorized);
    ds_put_format(&ds, "changes in flight: %"PRIuSIZE"\n",
                  ovs_list_size(&nb->changes));
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
northbound_unixctl_init(struct northbound *nb)
{
    unixctl_command_register("northbound/show", "", 0, 0, unixctl_show, nb);
}
