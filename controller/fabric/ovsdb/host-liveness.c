/* SPDX-License-Identifier: Apache-2.0
 *
 * Notices that a host is silent; see host-liveness.h. */

#include <config.h>

#include "controller/fabric/ovsdb/host-liveness.h"

#include <string.h>

#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "proto/loop/loop.h"

/* How long a host is without a session, in ms, before it is silent: longer
 * than a session takes to come back, also when vmnd was restarted.  A host
 * that dials in tries at least every 8 s. */
#define HOST_SILENT_MS 5000
#define HOST_SILENT_INBOUND_MS 10000

static int64_t
now_ms(const struct fabric_host_db *db)
{
    return loop_now_ms(db->host->fabric->loop);
}

void
host_liveness_update(struct fabric_host_db *db, bool alive)
{
    if (alive) {
        db->silent_at_ms = 0;
        observed_host_set_silent(db->observed, false);
    } else if (!db->silent_at_ms && !db->observed->silent) {
        db->silent_at_ms = now_ms(db) + (strcmp(db->remote, "inbound")
                                         ? HOST_SILENT_MS
                                         : HOST_SILENT_INBOUND_MS);
    }
}

int64_t
host_liveness_deadline(const struct fabric_host_db *db)
{
    return db->silent_at_ms ? db->silent_at_ms : INT64_MAX;
}

void
host_liveness_check(struct fabric_host_db *db)
{
    if (db->silent_at_ms && now_ms(db) >= db->silent_at_ms) {
        db->silent_at_ms = 0;
        observed_host_set_silent(db->observed, true);
    }
}
