/* SPDX-License-Identifier: Apache-2.0
 *
 * The OVSDB side for people: a host's part of its status, and where a port
 * is.  Changes nothing. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/host-db.h"
#include "controller/fabric/switch.h"
#include "util.h"

static json_t *
session_status(const struct fabric_host_db *db,
               const struct ovsdb_status *status)
{
    return json_pack("{s:s, s:o, s:s*}",
                     "state", (status->state == OVSDB_CONNECTED ? "connected"
                               : status->state == OVSDB_CONNECTING
                               ? "connecting" : "disconnected"),
                     "since", time_to_text(db->since_ms),
                     "error", status->error);
}

/* A switch that was never told where to connect to does not: the reason is
 * its database, not the switch. */
static void
blame_database(const struct ovsdb_status *session, json_t *status)
{
    const char *state = json_string_value(json_object_get(status, "state"));

    if (session->state != OVSDB_CONNECTED && session->error
        && state && !strcmp(state, "offline")) {
        char *reason = xasprintf("no connection to its database: %s",
                                 session->error);

        json_object_set_new(status, "reason", json_string(reason));
        free(reason);
    }
}

void
fabric_db_host_status(const struct fabric_host *host, json_t *status)
{
    const struct fabric_host_db *db = host->db;
    struct ovsdb_status session;

    if (!db) {
        return;
    }
    ovsdb_session_get_status(db->session, &session);
    json_object_set_new(status, "ovsdb", session_status(db, &session));
    blame_database(&session, status);
    json_object_set_new(status, "bridge", json_string(db->bridge));
    if (host->datapath_id) {
        char id[17];

        snprintf(id, sizeof id, "%016"PRIx64, host->datapath_id);
        json_object_set_new(status, "datapath_id", json_string(id));
    }
    if (db->ovs_version) {
        json_object_set_new(status, "ovs_version",
                            json_string(db->ovs_version));
    }
    json_object_set_new(status, "ports", json_integer(db->n_ports));
    if (db->refused) {
        json_object_set_new(status, "state", json_string("refused"));
    }
    if (db->reason) {
        json_object_set_new(status, "reason", json_string(db->reason));
    }
}

/* Whether the port's host has acknowledged the flows of its being there.
 * What comes later is told by receipts. */
static bool
is_served(const struct fabric *fabric, const struct fact_port *port,
          const struct fabric_host *host)
{
    struct model_meta meta;
    const struct vmn_binding *binding = model_get_durable(
        fabric->model, VMN_TABLE_BINDING, port->name, &meta);

    return (binding && nullable_string_is_equal(binding->host, port->active)
            && switch_serves(host->sw, port->name, meta.revision));
}

/* The word for the state of a port with a binding. */
static const char *
port_state(const struct fabric *fabric, const struct fact_port *port,
           const struct fact_vif *vif)
{
    const struct fabric_host *host = fabric_find_host(fabric, port->active);
    const struct vmn_port *row = model_get_durable(
        fabric->model, VMN_TABLE_PORT, port->name, NULL);

    if (!vif || !host || !host->reported) {
        return "pending";
    }
    if (!vif->link_up || !row || !row->enabled) {
        return "down";
    }
    return is_served(fabric, port, host) ? "up" : "pending";
}

json_t *
fabric_port_status(const struct fabric *fabric, const char *name)
{
    const struct facts *facts = fabric->db->facts;
    const struct fact_port *port = facts_find_port(facts, name);
    const struct fact_host *host;
    const struct fact_vif *vif;

    if (!port) {
        return NULL;
    }
    if (!port->active) {
        return json_pack("{s:s}", "state", "unbound");
    }
    host = facts_find_host(facts, port->active);
    vif = host ? facts_host_vif(host, port->iface_id) : NULL;
    return json_pack("{s:s, s:s*, s:s, s:o*}", "host", port->active,
                     "candidate", port->candidate,
                     "state", port_state(fabric, port, vif),
                     "ofport", vif ? json_integer(vif->ofport) : NULL);
}
