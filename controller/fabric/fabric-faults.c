/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults of hosts that other members of the cluster are told of, or tell of;
 * see fabric-faults.h.  Not for how that is said (controller/cluster). */

#include <config.h>

#include "controller/fabric/fabric-faults.h"

#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/session/marker-watch.h"
#include "controller/fabric/session/switch.h"
#include "openvswitch/shash.h"
#include "util.h"

void
fabric_each_fault(const struct fabric *f, fabric_fault_cb *cb, void *aux)
{
    const struct fabric_host *host;

    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        const struct fabric_switch *sw = host->sw;
        bool rejects = sw->rejected.partial || switch_is_backing_off(sw);

        if (sw->conn && sw->state != SWITCH_OBSERVED
            && (sw->bundles.unmarkable || (rejects && sw->rejected.text))) {
            const struct fabric_fault fault = {
                .host = host->name,
                .acked = switch_acked(sw),
                .revision = sw->rejected.revision,
                .reason = rejects ? sw->rejected.text : "",
            };

            cb(aux, &fault);
        }
    }
}

void
fabric_set_faults(struct fabric *f, const struct fabric_fault *faults,
                  size_t n)
{
    struct shash by_host = SHASH_INITIALIZER(&by_host);
    struct fabric_host *host;

    for (size_t i = 0; i < n; i++) {
        shash_replace(&by_host, faults[i].host, &faults[i]);
    }
    HMAP_FOR_EACH (host, name_node, &f->hosts) {
        const struct fabric_fault *fault = shash_find_data(&by_host,
                                                           host->name);

        marker_watch_set_fault(host->sw, fault);
    }
    shash_destroy(&by_host);
}
