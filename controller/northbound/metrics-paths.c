/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of the paths between hosts: of all, and of hosts with paths in
 * trouble, but none of each path, of which there are many. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <inttypes.h>

#include "controller/northbound/metrics.h"
#include "controller/paths/paths.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

struct host_series {
    struct ds *ds;
    size_t n;
};

/* A paths_host_cb. */
static void
host_cb(void *series_, const char *host, size_t n_bad)
{
    struct host_series *series = series_;

    if (series->n++ < METRICS_SERIES_MAX) {
        ds_put_cstr(series->ds, "vmn_host_paths_bad{host=");
        metrics_label(series->ds, host);
        ds_put_format(series->ds, "} %"PRIuSIZE"\n", n_bad);
    }
}

void
metrics_append_paths(const struct northbound *nb, struct ds *ds)
{
    static const char states[] = "vmn_paths";
    static const char probes[] = "vmn_path_probes_total";
    static const char latency[] = "vmn_path_latency_max_seconds";
    struct host_series series = { ds, 0 };
    struct paths_stats stats;

    if (!nb->paths) {
        return;
    }
    paths_get_stats(nb->paths, &stats);
    metrics_family(ds, states, "gauge",
                   "Paths between hosts that share a network, by state.");
    for (size_t i = 0; i < PATH_N_STATES; i++) {
        ds_put_format(ds, "%s{state=\"%s\"} %"PRIu64"\n", states,
                      path_state_names[i], stats.n[i]);
    }
    metrics_family(ds, "vmn_paths_unmeasured", "gauge", "Paths between hosts "
                   "that are not measured, as there are too many.");
    ds_put_format(ds, "vmn_paths_unmeasured %"PRIu64"\n", stats.n_unmeasured);
    metrics_family(ds, probes, "counter",
                   "Probes of paths between hosts, by result.");
    ds_put_format(ds, "%s{result=\"ok\"} %"PRIu64"\n", probes,
                  stats.n_answered);
    ds_put_format(ds, "%s{result=\"lost\"} %"PRIu64"\n", probes,
                  stats.n_lost);
    ds_put_format(ds, "%s{result=\"unproven\"} %"PRIu64"\n", probes,
                  stats.n_unproven);
    metrics_family(ds, latency, "gauge", "The largest latency of a path "
                   "between hosts, both ways; 0: none is known.");
    ds_put_format(ds, "%s %.6f\n", latency, MAX(stats.latency_us, 0) / 1e6);
    metrics_family(ds, "vmn_host_paths_bad", "gauge", "Paths of the host that "
                   "are lossy, too small or down.");
    paths_each_bad_host(nb->paths, host_cb, &series);
}
