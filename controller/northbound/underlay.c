/* SPDX-License-Identifier: Apache-2.0
 *
 * What traces and reachability take into account beside flows: hosts that are
 * lost or unreachable, paths that are down, ports without a link.  Not for
 * what they warn of (unheard-hosts.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/paths/paths.h"
#include "controller/schema/arena.h"

static const char *
host_problem(void *underlay_, const char *host)
{
    struct nb_underlay *underlay = underlay_;
    char *reason = fabric_host_unreachable_reason(underlay->nb->fabric, host);
    const char *text = reason ? arena_strdup(underlay->arena, reason) : NULL;

    free(reason);
    return text;
}

const char *
nb_describe_path(const struct paths_path *path, struct arena *arena)
{
    return arena_printf(arena, "the path between hosts \"%s\" and \"%s\" is "
                        "down: %s", path->host, path->peer, path->reason);
}

const char *
nb_path_problem(const struct northbound *nb, const char *host,
                const char *peer, struct arena *arena)
{
    struct paths_path path;

    return (nb->paths && paths_between(nb->paths, host, peer, &path)
            && path.state == PATH_DOWN ? nb_describe_path(&path, arena)
            : NULL);
}

static const char *
path_problem(void *underlay_, const char *host, const char *peer)
{
    struct nb_underlay *underlay = underlay_;

    return nb_path_problem(underlay->nb, host, peer, underlay->arena);
}

static const char *
port_problem(void *underlay_, const char *name)
{
    struct nb_underlay *underlay = underlay_;
    const struct vmn_port *row = model_get_durable(
        underlay->nb->model, VMN_TABLE_PORT, name, NULL);
    const char *state = row ? fabric_port_state(underlay->nb->fabric, row)
                        : NULL;

    return (state && !strcmp(state, "down")
            ? arena_printf(underlay->arena, "port \"%s\" is down: its "
                           "interface has no link", name) : NULL);
}

void
nb_underlay_init(struct nb_underlay *underlay, const struct northbound *nb,
                 bool with_paths, struct arena *arena)
{
    *underlay = (struct nb_underlay) {
        .sim = { underlay, host_problem, with_paths ? path_problem : NULL,
                 port_problem },
        .nb = nb,
        .arena = arena,
    };
}
