/* SPDX-License-Identifier: Apache-2.0
 *
 * What the status of a port says of the paths to hosts with others in its
 * network: those in trouble.  Not for GET /v1/paths (api-paths.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <string.h>

#include "controller/northbound/packet-scope.h"
#include "controller/paths/paths.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "util.h"

/* Paths in the status of a port. */
#define PORT_PATHS_MAX 32

struct port_paths {
    const struct nb_status_query *q;
    const char *port, *host;
    enum path_state state;      /* Those in this state are looked for. */
    struct status_port *status;
};

/* A paths_each_cb. */
static bool
port_path_cb(void *paths_, const struct paths_path *path)
{
    struct port_paths *paths = paths_;
    struct status_port *status = paths->status;
    struct arena *arena = paths->q->arena;
    bool is_peer = !strcmp(path->peer, paths->host);

    if (path->state != paths->state
        || !paths_concerns_port(paths->q->nb->paths, path, paths->port)) {
        return true;
    }
    if (!status->paths) {
        status->paths = arena_alloc(arena,
                                    PORT_PATHS_MAX * sizeof *status->paths);
    }
    status->paths[status->n_paths++] = (struct status_port_path) {
        .host = arena_strdup(arena, is_peer ? path->host : path->peer),
        .state = path_state_names[path->state],
        .since = path->since_ms,
        .reason = arena_strdup(arena, path->reason),
    };
    return status->n_paths < PORT_PATHS_MAX;
}

void
nb_fill_paths(const struct nb_status_query *q, const char *port,
              struct status_port *status)
{
    const struct vmn_binding *binding = model_get_durable(
        q->nb->model, VMN_TABLE_BINDING, port, NULL);

    /* Hosts, and what is between them, are the operators' matter. */
    if (q->nb->paths && binding && binding->host
        && !packet_scope_applies(q->rights)) {
        struct port_paths paths = {
            q, port, binding->host, PATH_DOWN, status
        };

        /* What is worst comes first, as not all may be listed. */
        for (; (paths.state > PATH_UP
                && status->n_paths < PORT_PATHS_MAX); paths.state--) {
            paths_each(q->nb->paths, binding->host, port_path_cb, &paths);
        }
    }
}
