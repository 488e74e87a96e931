/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/paths: latency, loss and MTU between hosts.  Not for measuring
 * (controller/paths). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/northbound/openapi-operations.h"
#include "controller/northbound/replies.h"
#include "controller/paths/paths.h"
#include "controller/schema/arena.h"
#include "util.h"

#define LIMIT_MAX 10000
#define LIMIT_DEFAULT 1000
/* Paths of a reply whose ports are listed, and ports of each. */
#define WITH_PORTS_MAX 100
#define PORTS_MAX 100

/* Paths that are to be shown, while they are gathered. */
struct path_list {
    const char *host, *peer;    /* Its ends, either way; or NULL: any. */
    enum path_state state;      /* PATH_N_STATES: all. */
    size_t n, allocated;
    struct paths_path *paths;
};

/* True if the path is between 'host' and 'peer', or of the one that is not
 * NULL.  None is between a host and itself. */
static bool
has_ends(const struct paths_path *path, const char *host, const char *peer)
{
    return (((!host || !strcmp(host, path->host))
             && (!peer || !strcmp(peer, path->peer)))
            || ((!host || !strcmp(host, path->peer))
                && (!peer || !strcmp(peer, path->host))));
}

/* A paths_each_cb. */
static bool
gather_cb(void *list_, const struct paths_path *path)
{
    struct path_list *list = list_;

    if ((list->state != PATH_N_STATES && list->state != path->state)
        || !has_ends(path, list->host, list->peer)) {
        return true;
    }
    if (list->n >= list->allocated) {
        list->paths = x2nrealloc(list->paths, &list->allocated,
                                 sizeof *list->paths);
    }
    list->paths[list->n++] = *path;
    return true;
}

/* What is worst comes first, and then the names. */
static int
compare_paths(const void *a_, const void *b_)
{
    const struct paths_path *a = a_, *b = b_;
    int order = (int) b->state - (int) a->state;

    if (!order) {
        order = strcmp(a->host, b->host);
    }
    return order ? order : strcmp(a->peer, b->peer);
}

/* Ports of a path. */
struct port_list {
    struct arena *arena;
    struct nb_path *path;
};

/* A paths_port_cb. */
static bool
port_cb(void *list_, const char *port)
{
    struct port_list *list = list_;
    struct nb_path *path = list->path;

    if (!path->port_names) {
        path->port_names = arena_alloc(list->arena,
                                       PORTS_MAX * sizeof *path->port_names);
    }
    path->port_names[path->n_port_names++] = arena_strdup(list->arena, port);
    return path->n_port_names < PORTS_MAX;
}

static void
show_path(const struct northbound *nb, const struct paths_path *path,
          bool with_ports, struct arena *arena, struct nb_path *shown)
{
    *shown = (struct nb_path) {
        .host = path->host, .peer = path->peer,
        .state = path_state_names[path->state],
        .reason = path->reason[0] ? path->reason : NULL,
        .since = path->since_ms, .checked = path->checked_ms,
        .latency_us = path->latency_us, .lost = path->lost,
        .probes = path->of, .mtu = path->mtu,
    };
    if (with_ports) {
        struct port_list list = { arena, shown };

        shown->ports = paths_count_ports(nb->paths, path);
        paths_each_port(nb->paths, path, port_cb, &list);
    }
}

/* Sets '*state' to what the request asks for.  Returns false, with a reply, if
 * there is none of that name. */
static bool
get_state(struct http_request *req, enum path_state *state)
{
    const char *text = http_request_query(req, "state");

    *state = PATH_N_STATES;
    for (int i = 0; text && i < PATH_N_STATES; i++) {
        if (!strcmp(text, path_state_names[i])) {
            *state = i;
        }
    }
    return (!text || *state != PATH_N_STATES
            || nb_query_reject(req, "state", "must be \"up\", \"lossy\", "
                               "\"mtu\", \"down\" or \"unknown\""));
}

static void
get_paths(struct http_request *req, struct northbound *nb)
{
    struct path_list list = { .host = NULL };
    struct nb_reply_paths reply = { .measured = false };
    uint64_t limit;
    struct paths_stats stats;
    struct arena arena;

    if (!nb_query_object(req, nb, "host", VMN_TABLE_HOST, &list.host)
        || !nb_query_object(req, nb, "peer", VMN_TABLE_HOST, &list.peer)
        || !get_state(req, &list.state)
        || !nb_query_limit(req, LIMIT_MAX, LIMIT_DEFAULT, &limit)) {
        return;
    }
    arena_init(&arena);
    if (nb->paths) {
        paths_each(nb->paths, list.host, gather_cb, &list);
        paths_get_stats(nb->paths, &stats);
        reply.unmeasured = stats.n_unmeasured;
        reply.reason = paths_problem(nb->paths);
    } else {
        reply.reason = "this vmnd has no hosts";
    }
    if (list.n) {
        qsort(list.paths, list.n, sizeof *list.paths, compare_paths);
    }
    reply.measured = !reply.reason;
    reply.total = list.n;
    reply.n_items = MIN(list.n, limit);
    reply.items = arena_alloc(&arena, MAX(reply.n_items, 1)
                                      * sizeof *reply.items);
    for (size_t i = 0; i < reply.n_items; i++) {
        const struct paths_path *path = &list.paths[i];

        show_path(nb, path, path->state > PATH_UP && i < WITH_PORTS_MAX,
                  &arena, &reply.items[i]);
    }
    nb_reply_struct(req, &nb_reply_paths, &reply);
    free(list.paths);
    arena_uninit(&arena);
}

void
nb_get_paths(struct http_request *req, void *nb)
{
    get_paths(req, nb);
}
