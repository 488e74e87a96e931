/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of connection admission (proto/admission): for each listener, the
 * connections that are not authenticated yet, and those that were rejected.
 * Not for requests (metrics.c). */

#include <config.h>

#include "controller/northbound/metrics.h"

#include <inttypes.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/northbound/northbound-private.h"
#include "openvswitch/dynamic-string.h"
#include "proto/admission/admission.h"
#include "util.h"

struct listener {
    const char *name;
    struct admission_stats stats;
};

/* Fills in 'listeners'.  Returns how many there are, at most three. */
static size_t
get_listeners(const struct northbound *nb, struct listener listeners[3])
{
    static const char *const names[FABRIC_N_LISTENERS] = {
        [FABRIC_OPENFLOW] = "openflow", [FABRIC_OVSDB] = "ovsdb",
    };
    size_t n = 0;

    for (int i = 0; i < FABRIC_N_LISTENERS; i++) {
        listeners[n].name = names[i];
        n += fabric_get_admission(nb->fabric, i, &listeners[n].stats);
    }
    listeners[n].name = "api";
    http_server_get_admission(nb->http, &listeners[n].stats);
    return n + 1;
}

void
metrics_append_listeners(const struct northbound *nb, struct ds *ds)
{
    static const char pending[] = "vmn_connections_pending";
    static const char rejected[] = "vmn_connections_rejected_total";
    struct listener listeners[3];
    size_t n = get_listeners(nb, listeners);

    metrics_family(ds, pending, "gauge", "Connections that are not "
                   "authenticated yet, by listener.");
    for (size_t i = 0; i < n; i++) {
        ds_put_format(ds, "%s{listener=\"%s\"} %"PRIu64"\n", pending,
                      listeners[i].name, listeners[i].stats.n_pending);
    }
    metrics_family(ds, rejected, "counter", "Connections rejected, or closed "
                   "before they were authenticated, by listener and reason.");
    for (size_t i = 0; i < n; i++) {
        for (int r = 0; r < ADMISSION_N_REASONS; r++) {
            ds_put_format(ds, "%s{listener=\"%s\",reason=\"%s\"} "
                          "%"PRIu64"\n", rejected, listeners[i].name,
                          admission_reason_names[r],
                          listeners[i].stats.n_refused[r]);
        }
    }
}
