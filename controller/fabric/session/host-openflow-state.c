/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides the state of a host that users see, by its switch's session:
 * "offline", "connecting", "reconciling", "diverged" or "synced", and why.
 * Changes nothing.  Not for "rejected", of which the host's database is the
 * reason (ovsdb/database-status.c), nor for a host that is silent
 * (ovsdb/host-liveness.c). */

#include <config.h>

#include "controller/fabric/session/host-openflow-state.h"

#include "controller/fabric/session/marker-watch.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/status.h"
#include "proto/openflow/ofconn.h"
#include "util.h"

const char *
host_openflow_state_name(const struct fabric_switch *sw, const char **reason)
{
    *reason = NULL;
    switch (sw->state) {
    case SWITCH_OFFLINE:
        *reason = sw->error ? sw->error : "its switch has not connected";
        return "offline";
    case SWITCH_OBSERVED:
        if (sw->bundles.marked && marker_watch_is_late(sw)) {
            *reason = "the writer of the cluster has not brought its flows "
                      "up to date for some seconds";
            return "reconciling";
        } else if (sw->bundles.marked) {
            return "synced";
        }
        if (sw->rejected.partial) {
            *reason = sw->rejected.text;
            return "diverged";
        }
        *reason = "its flows are not known to be what is desired";
        return "reconciling";
    case SWITCH_WAITING:
        if (switch_is_backing_off(sw)) {
            *reason = sw->rejected.text;
            return "diverged";
        }
        *reason = "its database has not reported yet";
        return "connecting";
    case SWITCH_READING:
    case SWITCH_CHECKING:
        *reason = "its flows are being compared";
        return "reconciling";
    case SWITCH_LIVE:
    default:
        if (sw->bundles.frozen) {
            *reason = "its flows are being brought up to date";
            return "reconciling";
        } else if (!hmap_is_empty(&sw->rejected.items)) {
            *reason = sw->rejected.text;
            return "diverged";
        } else if (!backlog_is_empty(&sw->bundles.backlog)) {
            *reason = "it is slow: revisions wait for its answers";
        }
        return "synced";
    }
}

void
host_openflow_status(const struct fabric_switch *sw,
                     struct status_openflow *status)
{
    const struct switch_bundles *b = &sw->bundles;

    *status = (struct status_openflow) {
        .state = sw->conn ? "connected" : "disconnected",
        .since = sw->since_ms,
        .peer = sw->conn ? ofconn_peer(sw->conn) : NULL,
        .error = sw->error,
        .outstanding_bundles = b->n_sent,
        .outstanding_bytes = b->sent_bytes,
        .queued_bytes = sw->conn ? ofconn_queued(sw->conn) : 0,
        .backlog = b->backlog.n_groups,
        .rejected = hmap_count(&sw->rejected.items),
        .stalls = sw->n_stalls,
    };
}
