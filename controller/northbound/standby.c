/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests at a standby of a cluster.  All are relayed to the writer, except
 * those about this process.  While there is no writer, reads of the state are
 * answered from the standby's copy, and the reply has its age.  Not for how
 * requests are relayed (controller/cluster). */

#include <config.h>

#include "controller/northbound/auth.h"

#include <stdio.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/packet-streams.h"
#include "util.h"

/* The path of the members. */
#define CLUSTER "/v1/cluster"

/* Returns true if the route reads figures of hosts and of this process, which
 * the writer alone has; or computes a change, which the copy cannot. */
static bool
is_live(const struct http_route *route)
{
    static http_handler *const live[] = {
        nb_get_activity, nb_get_app_logs, nb_get_draft_effects, nb_get_drops,
        nb_get_events, nb_get_flows, nb_get_logs, nb_get_packets,
        nb_get_paths, nb_get_placement, nb_get_recommendations,
        nb_get_rejected_hosts, nb_get_traffic,
    };

    for (size_t i = 0; i < ARRAY_SIZE(live); i++) {
        if (route->handler == live[i]) {
            return true;
        }
    }
    return false;
}

static bool
is_of_process(const struct http_route *route)
{
    return (route->handler == nb_get_metrics
            || route->handler == nb_get_cluster);
}

bool
nb_passes_on(const struct http_request *req, const struct http_route *route,
             const struct http_peer *peer, void *nb_)
{
    const struct northbound *nb = nb_;

    if (!nb->following) {
        return false;
    } else if (http_request_is_relayed(req) || !route) {
        return true;
    }
    return !is_of_process(route)
           && (cluster_can_relay(nb->cluster)
               || route->method != HTTP_GET || is_live(route)
               || !nb_knows_peer(nb, peer));
}

/* A relayed request comes from a member that takes this one for the writer: it
 * sends the request again, once it knows the next one. */
void
nb_pass_on(struct http_request *req, const struct http_peer *peer, void *nb_)
{
    struct northbound *nb = nb_;

    if (http_request_is_relayed(req)) {
        http_reply_problem(req, HTTP_MISDIRECTED, "standby", NULL,
                           "This member of the cluster is not its writer");
    } else {
        cluster_pass_on(nb->cluster, req, peer);
    }
}

void
nb_mark_age(const struct northbound *nb, struct http_request *req)
{
    if (!strncmp(http_request_target(req), CLUSTER, strlen(CLUSTER))) {
        return;                 /* It is of now. */
    }
    if (nb->following) {
        char age[16];

        snprintf(age, sizeof age, "%d", cluster_age_s(nb->cluster));
        http_reply_header(req, "Age", age);
    }
    if (nb->cluster
        && (nb->following || !cluster_is_connected(nb->cluster))) {
        http_reply_header(req, NB_MAY_BE_OLD, "true");
    }
}
