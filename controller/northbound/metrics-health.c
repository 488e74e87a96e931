/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of the health probes of balancers' backends. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>

#include "controller/northbound/metrics.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Appends the number of backends in each state. */
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
                   "Backends of all balancers, by state.");
    for (size_t i = 0; i < VMN_N_LB_STATES; i++) {
        ds_put_format(ds, "%s{state=\"%s\"} %"PRIu64"\n", name,
                      nb_backend_states[i], n_in_state[i]);
    }
}

/* Appends the number of ports that are monitored in each state. */
static void
put_monitored(const struct northbound *nb, struct ds *ds)
{
    static const char name[] = "vmn_ports_monitored";
    uint64_t n[HEALTH_MONITOR_N_STATES];

    health_count_monitored(nb->health, n);
    metrics_family(ds, name, "gauge", "Ports whose guests are monitored, by "
                   "whether they answer.");
    for (size_t i = 0; i < HEALTH_MONITOR_N_STATES; i++) {
        ds_put_format(ds, "%s{state=\"%s\"} %"PRIu64"\n", name,
                      health_monitor_names[i], n[i]);
    }
}

void
metrics_append_health(const struct northbound *nb, struct ds *ds)
{
    put_states(nb, ds);
    put_monitored(nb, ds);
}

void
metrics_append_probes(const struct northbound *nb, struct ds *ds)
{
    static const char probes[] = "vmn_health_probes_total";
    struct prober_stats stats;

    health_get_stats(nb->health, &stats);
    metrics_family(ds, probes, "counter",
                   "Probes of backends, by result.");
    ds_put_format(ds, "%s{result=\"ok\"} %"PRIu64"\n", probes, stats.n_ok);
    ds_put_format(ds, "%s{result=\"failed\"} %"PRIu64"\n", probes,
                  stats.n_failed);
    ds_put_format(ds, "%s{result=\"unsent\"} %"PRIu64"\n", probes,
                  stats.n_unsent);
}
