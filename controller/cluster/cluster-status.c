/* SPDX-License-Identifier: Apache-2.0
 *
 * What a member tells of the cluster, to whoever asks. */

#include <config.h>

#include "controller/cluster/cluster-private.h"

#include <stdlib.h>
#include <string.h>

#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "proto/loop/loop.h"
#include "util.h"

static const char *
role_of(bool writer)
{
    return writer ? "writer" : "standby";
}

static void
get_member(const struct cluster *c, const struct cluster_member *member,
           struct status_cluster_member *status)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    bool self = !strcmp(member->name, c->options->name);
    int64_t silent_ms = loop_now_ms(c->loop) - member->heard_ms;

    *status = (struct status_cluster_member) {
        .name = member->name,
        .role = (self || cluster_hears(c, member)
                 ? role_of(!strcmp(view->lease.holder, member->name))
                 : "away"),
        .version = member->version,
        .address = *member->address ? member->address : NULL,
        .ovsdb = *member->ovsdb ? member->ovsdb : NULL,
        .database_disk = MIN(MAX(member->disk, 0), 100),
        .behind = MAX(view->head - member->applied, 0),
        .hosts = member->run ? MAX(member->hosts, 0) : 0,
        .heard = MAX(silent_ms, 0) / 1000.0,
    };
}

/* Why this member cannot follow, or NULL. */
static const char *
problem_of(const struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);

    if (view->fault) {
        return view->fault;
    }
    return (c->problem || c->membership == MEMBER_REGISTERED ? c->problem
            : "it is not in the list of members yet");
}

void
cluster_get_status(const struct cluster *c, struct arena *arena,
                   struct status_cluster *status)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct shash_node **nodes = shash_sort(&view->members);
    size_t n = shash_count(&view->members);

    *status = (struct status_cluster) {
        .member = c->options->name,
        .role = role_of(cluster_is_writer(c)),
        .connected = view->current,
        .problem = problem_of(c),
        .revision = model_durable_revision(c->model),
        .stored = cluster_stored(c),
        .unknown_fields = model_count_unknown(c->model),
        .members = arena_alloc(arena, MAX(n, 1) * sizeof *status->members),
    };
    if (view->has_row) {
        status->writer = *view->lease.holder ? view->lease.holder : NULL;
        status->epoch = view->lease.epoch;
        status->batch = view->head;
    }
    for (size_t i = 0; i < n; i++) {
        get_member(c, nodes[i]->data,
                   &status->members[status->n_members++]);
    }
    free(nodes);
}
