/* SPDX-License-Identifier: Apache-2.0
 *
 * What probes have found of balancers' backends, as users are shown it: in a
 * balancer's status, as events, and in /metrics. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>

#include "controller/northbound/metrics.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

static json_t *
history_to_json(const struct health_status *status)
{
    json_t *history = json_array();

    for (size_t i = 0; i < status->n_history; i++) {
        const struct backend_change *change = &status->history[i];
        json_t *json = json_pack("{s:o, s:s}", "time",
                                 nb_time_json(change->time_ms), "state",
                                 backend_state_names[change->state]);

        if (change->reason[0]) {
            json_object_set_new(json, "reason", json_string(change->reason));
        }
        json_array_append_new(history, json);
    }
    return history;
}

json_t *
nb_backend_health(const struct northbound *nb, const char *balancer,
                  const char *port)
{
    struct health_status status;
    json_t *json;

    if (!health_backend_status(nb->health, balancer, port, &status)) {
        return NULL;
    }
    json = json_pack("{s:s, s:o, s:I, s:I, s:o}",
                     "state", backend_state_names[status.state],
                     "since", nb_time_json(status.since_ms),
                     "ok", (json_int_t) status.n_ok,
                     "failed", (json_int_t) status.n_failed,
                     "history", history_to_json(&status));
    if (status.reason[0]) {
        json_object_set_new(json, "reason", json_string(status.reason));
    }
    if (status.checked_ms) {
        json_object_set_new(json, "checked", nb_time_json(status.checked_ms));
    }
    if (status.latency_us) {
        json_object_set_new(json, "latency_us",
                            json_integer(status.latency_us));
    }
    return json;
}

/* How many backends of all balancers do what. */
static void
put_states(const struct northbound *nb, struct ds *ds)
{
    static const char name[] = "vmn_loadbalancer_backends";
    struct vmn_names names = model_names(nb->model, VMN_TABLE_LOADBALANCER);
    uint64_t n_in_state[VMN_N_LB_STATES] = { 0 };

    for (size_t i = 0; i < names.n; i++) {
        size_t n;
        struct vmn_lb_member *members = nb_balancer_members(
            nb, names.names[i], &n);

        for (size_t j = 0; j < n; j++) {
            n_in_state[members[j].state]++;
        }
        free(members);
    }
    metrics_family(ds, name, "gauge",
                   "Backends of all balancers, by what they do.");
    for (size_t i = 0; i < VMN_N_LB_STATES; i++) {
        ds_put_format(ds, "%s{state=\"%s\"} %"PRIu64"\n", name,
                      nb_backend_states[i], n_in_state[i]);
    }
}

void
metrics_put_health(const struct northbound *nb, struct ds *ds)
{
    static const char probes[] = "vmn_health_probes_total";
    struct prober_stats stats;

    health_get_stats(nb->health, &stats);
    metrics_family(ds, probes, "counter",
                   "Probes of backends, by what became of them.");
    ds_put_format(ds, "%s{result=\"ok\"} %"PRIu64"\n", probes, stats.n_ok);
    ds_put_format(ds, "%s{result=\"failed\"} %"PRIu64"\n", probes,
                  stats.n_failed);
    ds_put_format(ds, "%s{result=\"unsent\"} %"PRIu64"\n", probes,
                  stats.n_unsent);
    put_states(nb, ds);
}
