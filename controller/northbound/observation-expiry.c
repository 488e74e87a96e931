/* SPDX-License-Identifier: Apache-2.0
 *
 * Deletes observations that have expired, by a transaction like any other.
 * Not for what they have found (api-recommendations.c). */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <event2/event.h>

#include "controller/schema/schema-origin.h"
#include "timeval.h"
#include "util.h"

/* Interval of checks, in seconds. */
#define CHECK_INTERVAL_S 5

int64_t
nb_observation_expiry(const struct vmn_observation *observation,
                      const struct model_meta *meta)
{
    return meta->created_ms + observation->minutes * INT64_C(60000);
}

void
nb_delete_expired_observations(struct northbound *nb, int64_t now_ms)
{
    const struct vmn_observation *observation;
    struct model_request request;
    struct model_meta meta;
    const char *after = "";

    model_request_init(&request, ORIGIN_NAME_VMND);
    while ((observation = model_next_durable(nb->model, VMN_TABLE_OBSERVATION,
                                             after, &meta))) {
        after = observation->row.name;
        if (nb_observation_expiry(observation, &meta) <= now_ms) {
            model_request_add(&request, MODEL_DELETE, VMN_TABLE_OBSERVATION,
                              after, NULL)->missing_ok = true;
        }
    }
    if (request.n_ops && nb->ready) {
        commit_submit(nb->commit, &request, NULL, NULL);
    }
    model_request_uninit(&request);
}

void
nb_start_observation_timer(struct northbound *nb)
{
    static const struct timeval tv = { CHECK_INTERVAL_S, 0 };

    if (!event_pending(nb->observations, EV_TIMEOUT, NULL)
        && model_next_durable(nb->model, VMN_TABLE_OBSERVATION, "", NULL)) {
        event_add(nb->observations, &tv);
    }
}

static void
timer_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *nb)
{
    nb_delete_expired_observations(nb, time_wall_msec());
    nb_start_observation_timer(nb);
}

void
nb_observations_init(struct northbound *nb)
{
    nb->observations = event_new(nb->base, -1, 0, timer_cb, nb);
}

void
nb_observations_uninit(struct northbound *nb)
{
    event_free(nb->observations);
}
