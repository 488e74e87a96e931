/* SPDX-License-Identifier: Apache-2.0
 *
 * See deleted-host-db.h. */

#include <config.h>

#include "controller/fabric/ovsdb/deleted-host-db.h"

#include <event2/event.h>

#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/observed-state.h"
#include "controller/fabric/ovsdb/tunnel-ports.h"
#include "util.h"

bool
deleted_host_db_is_connected(const struct fabric_host *host)
{
    return (host->db && host->db->session
            && ovsdb_session_snapshot(host->db->session));
}

void
deleted_host_db_leave(struct fabric_host *host)
{
    struct fabric_host_db *db = host->db;

    if (db) {
        event_del(db->timer);
        observed_host_remove(db->observed);
        db->observed = NULL;
        ovsdb_session_set_desired(db->session, NULL);
    }
}

void
deleted_host_db_clean(struct fabric_host *host)
{
    struct fabric_host_db *db = host->db;
    struct ovsdb_desired desired = {
        .owner = HOST_DB_OWNER,
        .removed = true,
        .epoch = host->fabric->epoch,
        .protocol = "OpenFlow15",
    };

    if (!db) {
        return;
    }
    desired.bridge = db->bridge;
    desired.datapath_type = db->datapath_type;
    desired.adopt = db->adopt;
    for (size_t i = 0; i < OVSDB_TUNNELS_MAX; i++) {
        desired.tunnels[i] = (struct ovsdb_tunnel) {
            .name = tunnel_ports[i].name,
            .type = tunnel_ports[i].type,
            .ofport = tunnel_ports[i].ofport,
        };
    }
    ovsdb_session_set_desired(db->session, &desired);
}

enum deleted_host_db
deleted_host_db_state(const struct fabric_host *host, const char **reason)
{
    struct ovsdb_status status;

    *reason = NULL;
    if (!host->db) {
        *reason = "the host was declared lost";
        return DELETED_HOST_DB_AWAY;
    }
    ovsdb_session_get_status(host->db->session, &status);
    if (status.state != OVSDB_CONNECTED) {
        *reason = status.error;
        return DELETED_HOST_DB_AWAY;
    }
    *reason = status.config_reason;
    return (status.config == OVSDB_CONFIG_DONE ? DELETED_HOST_DB_CLEAN
            : status.config == OVSDB_CONFIG_REFUSED ? DELETED_HOST_DB_REFUSED
            : DELETED_HOST_DB_WORKING);
}
