/* SPDX-License-Identifier: Apache-2.0
 *
 * Of which hosts a member of a cluster that stands by knows less than the
 * writer may: those that it does not see, and those that the writer rejects.
 * Not for who is asked then (own-copy.c), nor for what is told of them
 * (event-states.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/fabric/fabric-status.h"
#include "controller/schema/status.h"

/* The writer has the databases of hosts checked by what they are to have,
 * which others do not. */
static bool
rejects_alone(const struct northbound *nb, const char *host)
{
    const char *state;
    struct status_lag lag;

    return (fabric_host_state(nb->fabric, host, &state, &lag)
            && strcmp(state, "rejected") && strcmp(state, "lost"));
}

const char *
nb_host_doubt(const struct northbound *nb, const char *host)
{
    return (!nb->following ? NULL
            : !fabric_host_is_seen(nb->fabric, host)
              && cluster_writer_sees(nb->cluster, host)
            ? "this member of the cluster does not see the host"
            : cluster_writer_rejects(nb->cluster, host)
              && rejects_alone(nb, host)
            ? "the writer of the cluster rejects the host, and this "
              "member does not know why" : NULL);
}

/* A fabric_unseen_cb: goes on if the writer does not see the host either. */
static bool
unseen_cb(void *nb_, const char *host)
{
    const struct northbound *nb = nb_;

    return !cluster_writer_sees(nb->cluster, host);
}

/* A cluster_rejected_cb: goes on if this member rejects the host, too. */
static bool
rejected_cb(void *nb, const char *host)
{
    return !rejects_alone(nb, host);
}

bool
nb_sees_less(struct northbound *nb)
{
    return (!fabric_each_unseen(nb->fabric, 0, unseen_cb, nb)
            || !cluster_each_rejected(nb->cluster, rejected_cb, nb));
}
