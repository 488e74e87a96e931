/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides the state of a host that users see, of what its switch's session
 * says (session/host-openflow-state.c) and what its database's does (the OVSDB
 * side's fabric_db_state()).  Not for faults that leave the state as it is
 * (ovsdb/database-status.c). */

#include <config.h>

#include "controller/fabric/host-overall-state.h"

#include <stdbool.h>
#include <string.h>

#include "controller/fabric/fabric-status.h"
#include "controller/fabric/hosts/hosts.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/session/host-openflow-state.h"
#include "controller/fabric/session/switch.h"
#include "controller/schema/arena.h"
#include "timeval.h"

static bool
is_of_database(const char *state)
{
    return !strcmp(state, "rejected") || !strcmp(state, "unheard");
}

/* A host that is declared lost is that whatever it does.  One that is rejected
 * is that before all else.  One whose switch is away is "offline", and one
 * whose switch rejects something "diverged", also while their databases are
 * not heard. */
const char *
host_overall_state_name(const struct fabric_host *host)
{
    const char *reason;
    const char *of_switch = host_openflow_state_name(host->sw, &reason);
    const char *of_database = fabric_db_state(host);

    return (host->lost ? "lost"
            : !of_database
            || (!strcmp(of_database, "unheard")
                && (!strcmp(of_switch, "offline")
                    || !strcmp(of_switch, "diverged")))
            ? of_switch : of_database);
}

void
host_overall_state_update(struct fabric_host *host)
{
    const char *state = host_overall_state_name(host);

    if (!host->state || strcmp(state, host->state)) {
        host->state = state;
        host->state_since_ms = time_wall_msec();
    }
}

void
host_overall_state_get(struct fabric_host *host, struct arena *arena,
                       struct host_overall_state *overall)
{
    const char *of_database = fabric_db_state(host);
    const char *of_switch = host_openflow_state_name(host->sw,
                                                     &overall->reason);

    host_overall_state_update(host);
    overall->state = host->state;
    overall->since_ms = host->state_since_ms;
    if (host->lost) {
        overall->reason = (!strcmp(of_switch, "offline")
                           ? "it is declared lost"
                           : !strcmp(of_switch, "synced")
                           ? "it is declared lost, and its switch is "
                           "connected: it gets no flow"
                           : "it is declared lost, and its switch is "
                           "connected: its flows are being removed");
        return;
    }
    if (is_of_database(host->state)) {
        overall->reason = fabric_db_state_reason(host, arena,
                                                 &overall->since_ms);
    } else if (of_database && !strcmp(host->state, "diverged")) {
        int64_t since_ms;

        overall->reason = arena_printf(
            arena, "%s; and %s", overall->reason ? overall->reason : "",
            fabric_db_state_reason(host, arena, &since_ms));
    }
    if (strcmp(host->state, "unheard")) {
        fabric_db_blame(host, host->state, arena, &overall->reason);
    }
}
