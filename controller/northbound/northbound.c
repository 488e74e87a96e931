/* SPDX-License-Identifier: Apache-2.0
 *
 * The northbound: its routes, listeners and life.  A new call is a row of
 * 'calls'; a new type of object gets its routes from 'type_calls'. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include "controller/northbound/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(northbound);

/* Of each listener: who listens to events leaves room for others. */
#define CONNECTIONS_MAX (EVENT_READERS_MAX + 256)

/* What every change may ask for. */
#define WAIT "wait timeout dry_run"

/* Calls that there are once. */
static const struct http_route calls[] = {
    { .method = HTTP_GET, .pattern = "/healthz", .handler = nb_get_health,
      .open = true },
    { .method = HTTP_GET, .pattern = "/readyz", .handler = nb_get_ready,
      .open = true },
    { .method = HTTP_GET, .pattern = "/", .handler = nb_get_page,
      .open = true },
    { .method = HTTP_GET, .pattern = "/page/{file}",
      .handler = nb_get_page_file, .open = true },
    { .method = HTTP_GET, .pattern = "/metrics", .handler = nb_get_metrics },
    { .method = HTTP_GET, .pattern = "/v1", .handler = nb_get_index },
    { .method = HTTP_GET, .pattern = "/v1/status",
      .handler = nb_get_status },
    { .method = HTTP_GET, .pattern = "/v1/summary",
      .handler = nb_get_summary, .query = "limit" },
    { .method = HTTP_GET, .pattern = "/v1/backup",
      .handler = nb_get_backup },
    { .method = HTTP_POST, .pattern = "/v1/apply", .handler = nb_apply,
      .query = "prune " WAIT, .takes_body = true },
    { .method = HTTP_POST, .pattern = "/v1/trace",
      .handler = nb_post_trace, .takes_body = true },
    { .method = HTTP_GET, .pattern = "/v1/reachability",
      .handler = nb_get_reachability, .query = "network protocol port by" },
    { .method = HTTP_POST, .pattern = "/v1/reachability",
      .handler = nb_post_reachability,
      .query = "network protocol port by", .takes_body = true },
    { .method = HTTP_GET, .pattern = "/v1/recommendations",
      .handler = nb_get_recommendations,
      .query = "network labels exact mode" },
    { .method = HTTP_GET, .pattern = "/v1/revisions",
      .handler = nb_get_revisions, .query = "limit after" },
    { .method = HTTP_GET, .pattern = "/v1/revisions/{revision}",
      .handler = nb_get_revision },
    { .method = HTTP_GET, .pattern = "/v1/activity",
      .handler = nb_get_activity, .query = "limit after" },
    { .method = HTTP_GET, .pattern = "/v1/events", .handler = nb_get_events,
      .query = "kinds type host network port policy after" },
    { .method = HTTP_GET, .pattern = "/v1/drops", .handler = nb_get_drops,
      .query = "host app reason network port limit after" },
    { .method = HTTP_GET, .pattern = "/v1/logs", .handler = nb_get_logs,
      .query = "host network port policy limit after" },
    { .method = HTTP_GET, .pattern = "/v1/identities",
      .handler = nb_get_identities, .query = "network limit after" },
    { .method = HTTP_GET, .pattern = "/v1/hosts/{name}/flows",
      .handler = nb_get_flows, .query = "diff app stage table object limit" },
    { .method = HTTP_POST, .pattern = "/v1/hosts/{name}/audit",
      .handler = nb_post_audit, .query = "limit" },
};

/* Calls of each type; the pattern is what follows its plural. */
static const struct http_route type_calls[] = {
    { .method = HTTP_GET, .pattern = "", .handler = nb_get_list,
      .query = "selector limit after" },
    { .method = HTTP_GET, .pattern = "/{name}", .handler = nb_get_one },
    { .method = HTTP_PUT, .pattern = "/{name}", .handler = nb_put,
      .query = WAIT, .takes_body = true },
    { .method = HTTP_PATCH, .pattern = "/{name}", .handler = nb_patch,
      .query = WAIT, .takes_body = true },
    { .method = HTTP_DELETE, .pattern = "/{name}", .handler = nb_delete,
      .query = "cascade " WAIT },
};

static void
make_routes(struct northbound *nb)
{
    size_t max = ARRAY_SIZE(calls) + VMN_N_TABLES * ARRAY_SIZE(type_calls);
    struct http_route *route = xcalloc(max, sizeof *route);

    nb->routes = route;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        *route = calls[i];
        route->pattern = xstrdup(calls[i].pattern);
        route++;
    }
    for (int t = 0; t < VMN_N_TABLES; t++) {
        const struct schema_table *table = &schema_tables[t];

        for (size_t i = 0; i < ARRAY_SIZE(type_calls); i++) {
            /* Hosts report those; and apps are loaded, not made. */
            if (table->observed || (t == VMN_TABLE_APP
                                    && type_calls[i].method == HTTP_DELETE)) {
                continue;
            }
            *route = type_calls[i];
            route->pattern = xasprintf("/v1/%s%s", table->plural,
                                       type_calls[i].pattern);
            route->data = table;
            route++;
        }
    }
    nb->n_routes = route - nb->routes;
}

static int
open_listeners(struct northbound *nb,
               const struct northbound_options *options, char **text)
{
    char *token;
    int error;

    if (!options->unix_path && !options->tcp_listen) {
        *text = xstrdup("the API has neither a unix socket nor a TCP address"
                        " to listen on");
        return EINVAL;
    }
    if (options->unix_path) {
        error = http_listen_unix(nb->http, options->unix_path,
                                 options->unix_group, text);
        if (error) {
            return error;
        }
    }
    if (!options->tcp_listen) {
        return 0;
    }
    if (!options->token_file) {
        *text = xasprintf("%s: TCP is only served with a token file",
                          options->tcp_listen);
        return EINVAL;
    }
    error = http_token_load(options->token_file, &token, text);
    if (!error) {
        error = http_listen_tcp(nb->http, options->tcp_listen, token, text);
        free(token);
    }
    return error;
}

static void
pause_cb(void *commit)
{
    commit_pause(commit);
}

int
northbound_create(const struct northbound_options *options,
                  struct event_base *base, struct model *model,
                  struct engine *engine, struct commit *commit,
                  struct fabric *fabric,
                  const struct store_class *store_class, struct store *store,
                  const struct apphost *apphost, struct northbound **nbp,
                  char **text)
{
    struct http_options http_options = HTTP_OPTIONS_DEFAULT;
    struct northbound *nb = xzalloc(sizeof *nb);
    int error;

    nb->base = base;
    nb->loop = options->loop;
    nb->model = model;
    nb->engine = engine;
    nb->commit = commit;
    nb->fabric = fabric;
    nb->store_class = store_class;
    nb->store = store;
    nb->apphost = apphost;
    nb->started_ms = time_wall_msec();
    ovs_list_init(&nb->changes);
    ovs_list_init(&nb->looks);
    ovs_list_init(&nb->trials);
    nb_observations_init(nb);
    nb->event_log = event_log_create();
    nb->event_readers = event_readers_create(nb);
    nb->event_sources = event_sources_create(nb);
    make_routes(nb);
    http_options.max_connections = CONNECTIONS_MAX;
    http_options.pause = pause_cb;
    http_options.pause_aux = commit;
    nb->http = http_server_create(base, &http_options, nb->routes,
                                  nb->n_routes, nb);
    error = open_listeners(nb, options, text);
    if (error) {
        northbound_destroy(nb);
        nb = NULL;
    } else {
        VLOG_INFO("listening on %s%s%s",
                  options->unix_path ? options->unix_path : "",
                  options->unix_path && options->tcp_listen ? " and " : "",
                  options->tcp_listen ? options->tcp_listen : "");
    }
    *nbp = nb;
    return error;
}

void
northbound_destroy(struct northbound *nb)
{
    if (!nb) {
        return;
    }
    event_sources_destroy(nb->event_sources);
    event_readers_destroy(nb->event_readers);
    event_log_destroy(nb->event_log);
    http_server_destroy(nb->http);
    nb_changes_abandon(nb);
    nb_trials_abandon(nb);
    nb_observations_uninit(nb);
    for (size_t i = 0; i < nb->n_routes; i++) {
        free(CONST_CAST(char *, nb->routes[i].pattern));
    }
    free(nb->routes);
    free(nb);
}

void
northbound_set_ready(struct northbound *nb, bool ready)
{
    nb->ready = ready;
    nb_watch_observations(nb);
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
                  " turned away)\n", stats.n_connections, stats.n_accepted,
                  stats.n_turned_away);
    ds_put_format(&ds, "requests: %"PRIu64" (%"PRIu64" malformed, %"PRIu64
                  " without the right token)\n", stats.n_requests,
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
