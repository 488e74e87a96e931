/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/cluster, and what an administrator does to a cluster.  Not for what
 * a standby answers (standby.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <errno.h>
#include <stdlib.h>

#include "controller/cluster/cluster.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "util.h"

/* Replies with the status of the cluster, or that there is none. */
static void
reply_status(const struct northbound *nb, struct http_request *req)
{
    struct status_cluster status = { .role = "alone" };
    struct arena arena;

    arena_init(&arena);
    if (nb->cluster) {
        cluster_get_status(nb->cluster, &arena, &status);
    }
    nb_reply_struct(req, &schema_status_cluster, &status);
    arena_uninit(&arena);
}

/* Returns false, with the request answered, if this vmnd is of no cluster. */
static bool
has_cluster(const struct northbound *nb, struct http_request *req)
{
    if (!nb->cluster) {
        http_reply_problem(req, 404, "not-found", NULL, "This vmnd is of no "
                           "cluster: it was started without "
                           "--cluster-member");
    }
    return nb->cluster;
}

/* Replies that it cannot be done, and releases the error. */
static void
refuse(struct http_request *req, int error, struct vmn_error *why)
{
    int status = error == ENOENT ? 404 : error == EAGAIN ? 503 : 409;

    http_reply_problem(req, status, (status == 404 ? "not-found"
                                     : status == 503 ? "unavailable"
                                     : "conflict"), NULL, "%s", why->text);
    vmn_error_uninit(why);
}

void
nb_get_cluster(struct http_request *req, void *nb_)
{
    reply_status(nb_, req);
}

void
nb_post_cluster_transfer(struct http_request *req, void *nb_)
{
    const struct northbound *nb = nb_;
    const char *to = http_request_query(req, "to");
    struct vmn_error why = VMN_ERROR_INIT;
    int error;

    if (!has_cluster(nb, req)) {
        return;
    }
    error = cluster_hand_over(nb->cluster, to ? to : "", &why);
    if (error) {
        refuse(req, error, &why);
    } else {
        reply_status(nb, req);
    }
}

/* The removal of a member, which the database has not confirmed yet. */
struct removal {
    const struct northbound *nb; /* NULL: the client has left. */
    struct http_request *req;
};

static void
client_left(void *removal_)
{
    struct removal *removal = removal_;

    http_request_drop(removal->req);
    removal->nb = NULL;
}

static void
on_removed(void *removal_, const char *fault)
{
    struct removal *removal = removal_;

    if (!removal->nb) {
        /* Nobody waits for it. */
    } else if (fault) {
        http_reply_problem(removal->req, 503, "unavailable", NULL, "%s",
                           fault);
    } else {
        reply_status(removal->nb, removal->req);
    }
    free(removal);
}

void
nb_delete_cluster_member(struct http_request *req, void *nb_)
{
    const struct northbound *nb = nb_;
    struct vmn_error why = VMN_ERROR_INIT;
    struct removal *removal;
    int error;

    if (!has_cluster(nb, req)) {
        return;
    }
    removal = xmalloc(sizeof *removal);
    *removal = (struct removal) { nb, req };
    error = cluster_remove_member(nb->cluster,
                                  http_request_param(req, "member"),
                                  on_removed, removal, &why);
    if (error) {
        free(removal);
        refuse(req, error, &why);
    } else {
        http_request_set_close_cb(req, client_left, removal);
    }
}
