/* SPDX-License-Identifier: Apache-2.0
 *
 * What a member of a cluster answers from its own copy of the state while it
 * stands by: what that is sure to have as the writer has it, but for some
 * milliseconds.  All else it passes on: changes, what is known of packets and
 * hosts, and clients that the copy does not know, such as by a token that was
 * made a moment ago.  Not for when the copy is good enough, nor for how
 * requests are passed on (controller/cluster). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/northbound/event-log.h"
#include "util.h"

bool
nb_table_is_own(const struct schema_table *table, bool one)
{
    switch (table->id) {
    case VMN_TABLE_NETWORK:
    case VMN_TABLE_OBSERVATION:
        return true;
    case VMN_TABLE_GROUP:
        /* One has how many of its ports are on hosts that are not heard. */
        return !one;
    default:
        return !table->status;
    }
}

/* Revisions are the only events that all members have, with the same ids; what
 * a client with a scope is told has ids of its own.  Of the past a member that
 * has been there for longer may have more. */
static bool
wants_revisions(const struct http_request *req,
                const struct vmn_account *account)
{
    const char *kinds = http_request_query(req, "kinds");

    return (kinds && !strcmp(kinds, "revision")
            && !http_request_query(req, "since")
            && !http_request_query(req, "limit")
            && !http_request_query(req, "follow")
            && !(account && account->role != VMN_ROLE_ADMIN
                 && account->scope.text));
}

bool
nb_passes_on(const struct http_request *req, const struct http_route *route,
             const struct http_peer *peer, void *nb_)
{
    const struct vmn_account *account;
    struct northbound *nb = nb_;
    bool own;

    if (!nb->following) {
        return false;
    }
    if (http_request_is_relayed(req) && !http_request_is_here(req)) {
        return true;
    }
    /* At its own machine a member says what it sees of the cluster. */
    if (route && route->handler == nb_get_cluster && peer->trusted) {
        return false;
    }
    /* How the process is it says however old the copy is. */
    own = (route && route->own && nb_knows_peer(nb, peer, &account)
           && (route->handler == nb_get_metrics
               || cluster_is_current(nb->cluster))
           && (route->handler != nb_get_events
               || wants_revisions(req, account)));
    nb->n_answered += own;
    return !own;
}

/* Refuses what another member has passed on, and must not go round: that one
 * asks again, by when the writer may be another one, or the copy have what it
 * lacks. */
static bool
check_way(const struct northbound *nb, struct http_request *req)
{
    if (!nb->following || !http_request_is_relayed(req)) {
        return true;
    }
    http_reply_problem(req, HTTP_MISDIRECTED, "standby", NULL,
                       "This member of the cluster stands by, and does not "
                       "answer it now");
    return false;
}

void
nb_pass_on(struct http_request *req, const struct http_peer *peer, void *nb_)
{
    const char *member = http_request_passed_to(req);
    struct northbound *nb = nb_;

    if (!check_way(nb, req)) {
        return;
    }
    if (member) {
        cluster_pass_to(nb->cluster, member, req, peer);
    } else {
        cluster_pass_on(nb->cluster, req, peer);
    }
}

bool
nb_ask_manager(struct northbound *nb, struct http_request *req,
               const char *host)
{
    const char *manager = (nb->cluster
                           ? cluster_host_manager(nb->cluster, host) : NULL);

    if (!manager || cluster_manages_host(nb->cluster, host)
        || http_request_is_here(req)) {
        return false;
    }
    nb->n_answered -= nb->following;
    http_request_pass_to(req, manager);
    return true;
}

void
nb_ask_writer(struct northbound *nb, struct http_request *req)
{
    nb->n_answered--;
    http_request_pass_on(req);
}
