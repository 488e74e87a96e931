/* SPDX-License-Identifier: Apache-2.0
 *
 * The OVSDB side for people: a host's part of its status, and where a port
 * is.  Changes nothing. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric-status.h"
#include "controller/fabric/fabric-traffic.h"
#include "controller/fabric/ovsdb/claims.h"
#include "controller/fabric/ovsdb/host-db.h"
#include "controller/fabric/ovsdb/ovsdb-side.h"
#include "controller/fabric/session/switch.h"
#include "sset.h"
#include "svec.h"
#include "util.h"
#include "vmn/vocabulary.h"

/* Hosts that the status of a port names at most. */
#define REFUSED_CLAIMS_MAX 16

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

/* A host whose database sent too much is in use no more than its switch is;
 * why is said even while that is connected. */
static void
blame_budget(const struct ovsdb_status *session, json_t *status)
{
    if (session->over_budget && session->error) {
        json_object_set_new(status, "reason", json_string(session->error));
    }
}

/* A switch on another machine does not find a unix socket of ours. */
static void
blame_target(const struct fabric_host_db *db, json_t *status)
{
    const char *target = db->host->fabric->db->target;

    if (target && !strncmp(target, "unix:", 5)
        && strncmp(db->remote, "unix:", 5)
        && !db->host->sw->conn && !db->host->sw->error) {
        char *reason = xasprintf("its switch has not connected to %s, which "
                                 "only vmnd's own machine has (vmnd "
                                 "--openflow-listen)", target);

        json_object_set_new(status, "reason", json_string(reason));
        free(reason);
    }
}

/* The MTU of a network that the host's tunnels take in whole, whichever of its
 * addresses is used. */
static int64_t
network_mtu(const struct fabric_host_db *db)
{
    uint32_t overhead = (db->has_ipv6 ? VMN_TUNNEL_OVERHEAD_IPV6
                         : VMN_TUNNEL_OVERHEAD_IPV4);

    return (int64_t) host_ipsec_mtu(db, db->underlay_mtu) - overhead;
}

/* The MTU of networks that say none, or 0 if nobody knows.  It follows from
 * what tunnels have room for, but is no less than IPv6 takes. */
static uint32_t
common_mtu(const struct fabric_host_db *db)
{
    uint32_t mtu = 0;
    size_t size;
    char *value = engine_peek(db->host->fabric->engine, VMN_QUERY_MTU, "",
                              &size);

    if (value && size == sizeof mtu) {
        memcpy(&mtu, value, sizeof mtu);
    }
    free(value);
    return mtu;
}

/* The networks of the host's ports whose MTU is too large for its tunnels. */
static void
find_large_networks(const struct fabric_host_db *db, struct sset *large)
{
    const struct model *model = db->host->fabric->model;
    struct vmn_names ports = model_lookup(model, VMN_INDEX_PORT_BY_HOST,
                                          db->host->name);
    int64_t most = network_mtu(db);
    uint32_t common = common_mtu(db);

    for (size_t i = 0; i < ports.n; i++) {
        const struct vmn_port *port = model_get_durable(
            model, VMN_TABLE_PORT, ports.names[i], NULL);
        const struct vmn_network *network
            = (port ? model_get_durable(model, VMN_TABLE_NETWORK,
                                        port->network, NULL) : NULL);

        /* What is on a wire of its own needs no tunnels. */
        if (network && !network->provider.physical
            && (network->mtu ? network->mtu : common) > most) {
            sset_add(large, network->row.name);
        }
    }
}

/* What is wrong with the underlay, as a sentence that the caller frees, or
 * NULL. */
static char *
check_underlay(const struct fabric_host_db *db)
{
    const char *interface = db->tunnel_interface;
    struct sset large = SSET_INITIALIZER(&large);
    char *reason = NULL;

    if (!db->has_underlay) {
        return xasprintf("the host's Open vSwitch has no interface \"%s\", "
                         "so the MTU of its tunnels is not known", interface);
    }
    if (db->underlay_mtu) {
        find_large_networks(db, &large);
    }
    if (!sset_is_empty(&large)) {
        const char **names = sset_sort(&large);
        size_t n_more = sset_count(&large) - 1;
        char *more = n_more ? xasprintf(" (and %"PRIuSIZE" more)", n_more)
                     : xstrdup("");

        reason = xasprintf("the MTU of network \"%s\"%s is larger than the "
                           "%"PRId64" bytes for which tunnels have room at "
                           "interface \"%s\"", names[0], more,
                           network_mtu(db), interface);
        free(more);
        free(names);
    }
    sset_destroy(&large);
    return reason;
}

static void
underlay_status(const struct fabric_host_db *db, json_t *status)
{
    const char *interface = db->tunnel_interface;
    json_t *underlay;
    char *reason;

    if (!interface) {
        return;
    }
    underlay = json_pack("{s:s}", "interface", interface);
    if (db->underlay_mtu) {
        json_object_set_new(underlay, "mtu",
                            json_integer(db->underlay_mtu));
        json_object_set_new(underlay, "network_mtu",
                            json_integer(MAX(network_mtu(db), 0)));
    }
    reason = db->connected ? check_underlay(db) : NULL;
    if (reason) {
        json_object_set_new(underlay, "reason", json_string(reason));
        if (!json_object_get(status, "reason")) {
            json_object_set_new(status, "reason", json_string(reason));
        }
    }
    free(reason);
    json_object_set_new(status, "underlay", underlay);
}

/* Physical networks.  ---------------------------------------------------- */

/* Why 'port' cannot be reached on 'host' by its provider network, as a
 * sentence that the caller frees, or NULL. */
static char *
wire_reason(const struct fabric *fabric, const char *host,
            const struct vmn_port *port)
{
    const struct vmn_network *network = model_get_durable(
        fabric->model, VMN_TABLE_NETWORK, port->network, NULL);
    const char *physical = network ? network->provider.physical : NULL;
    const struct observed_host *fact
        = observed_find_host(fabric->db->observed, host);
    char *iface_id, *reason = NULL;

    if (!physical || !fact) {
        return NULL;
    }
    iface_id = xasprintf("@%s", physical);
    if (!observed_host_find_vif(fact, iface_id)) {
        reason = xasprintf("host \"%s\" has no way to physical network \"%s\","
                           " which network \"%s\" of port \"%s\" is on", host,
                           physical, network->row.name, port->row.name);
    }
    free(iface_id);
    return reason;
}

/* The same for the first of the host's ports that has one. */
static char *
find_wireless(const struct fabric_host_db *db)
{
    const struct fabric *fabric = db->host->fabric;
    struct vmn_names ports = model_lookup(
        fabric->model, VMN_INDEX_PORT_BY_HOST, db->host->name);
    char *reason = NULL;

    for (size_t i = 0; !reason && i < ports.n; i++) {
        const struct vmn_port *port = model_get_durable(
            fabric->model, VMN_TABLE_PORT, ports.names[i], NULL);

        reason = port ? wire_reason(fabric, db->host->name, port) : NULL;
    }
    return reason;
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
    blame_target(db, status);
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
    if (db->n_providers) {
        json_object_set_new(status, "provider_bridges",
                            host_provider_status(db));
    }
    if (db->refused) {
        json_object_set_new(status, "state", json_string("refused"));
    }
    if (db->reason) {
        json_object_set_new(status, "reason", json_string(db->reason));
    }
    blame_budget(&session, status);
    underlay_status(db, status);
    if (!json_object_get(status, "reason") && db->connected) {
        char *reason = find_wireless(db);

        if (reason) {
            json_object_set_new(status, "reason", json_string(reason));
        }
        free(reason);
    }
}

/* Whether the port's host has acknowledged the flows of its being there.
 * What comes later is told by receipts. */
static bool
is_served(const struct fabric *fabric, const struct observed_port *port,
          const struct fabric_host *host)
{
    struct model_meta meta;
    const struct vmn_binding *binding = model_get_durable(
        fabric->model, VMN_TABLE_BINDING, port->name, &meta);

    return (binding && nullable_string_is_equal(binding->host, port->active)
            && faults_serves(host->sw, port->name, meta.revision));
}

/* The word for the state of a port with a binding. */
static const char *
port_state(const struct fabric *fabric, const struct observed_port *port,
           const struct observed_vif *vif)
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

/* Or NULL, if the switch has not told. */
static json_t *
port_traffic(const struct fabric *fabric, const char *host, uint32_t ofport)
{
    struct fabric_traffic t;

    if (!fabric_port_traffic(fabric, host, ofport, &t)) {
        return NULL;
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
                     "sent_packets", (json_int_t) t.sent_packets,
                     "sent_bytes", (json_int_t) t.sent_bytes,
                     "sent_bytes_s", (json_int_t) t.sent_bytes_s,
                     "received_packets", (json_int_t) t.received_packets,
                     "received_bytes", (json_int_t) t.received_bytes,
                     "received_bytes_s", (json_int_t) t.received_bytes_s);
}

/* Hosts whose claims for 'port' are refused, or NULL if there are none. */
static json_t *
refused_claims(const struct observed_state *observed,
               const struct observed_port *port)
{
    struct svec hosts = SVEC_EMPTY_INITIALIZER;
    json_t *list = NULL;

    observed_refused_hosts(observed, port, &hosts);
    for (size_t i = 0; i < hosts.n && i < REFUSED_CLAIMS_MAX; i++) {
        list = list ? list : json_array();
        json_array_append_new(list, json_string(hosts.names[i]));
    }
    svec_destroy(&hosts);
    return list;
}

json_t *
fabric_port_status(const struct fabric *fabric, const char *name)
{
    const struct observed_state *observed = fabric->db->observed;
    const struct observed_port *port = observed_find_port(observed, name);
    const struct vmn_port *row = model_get_durable(
        fabric->model, VMN_TABLE_PORT, name, NULL);
    const struct observed_host *host;
    const struct observed_vif *vif;
    char *reason;
    json_t *status;

    if (!port) {
        return NULL;
    }
    if (row && row->external) {
        return json_pack("{s:s}", "state", "external");
    }
    if (!port->active) {
        return json_pack("{s:s, s:o*}", "state", "unbound", "refused_claims",
                         refused_claims(observed, port));
    }
    host = observed_find_host(observed, port->active);
    vif = host ? observed_host_find_vif(host, port->iface_id) : NULL;
    reason = row ? wire_reason(fabric, port->active, row) : NULL;
    status = json_pack("{s:s, s:s*, s:o*, s:s, s:o*, s:s*, s:o*}",
                       "host", port->active,
                       "candidate", port->candidate,
                       "refused_claims", refused_claims(observed, port),
                       "state", port_state(fabric, port, vif),
                       "ofport", vif ? json_integer(vif->ofport) : NULL,
                       "reason", reason, "traffic",
                       vif ? port_traffic(fabric, port->active, vif->ofport)
                       : NULL);
    free(reason);
    return status;
}

void
fabric_refused_claims(const struct fabric *fabric,
                      fabric_refused_claims_cb *cb, void *aux)
{
    claims_each(fabric->db->observed->claims, cb, aux);
}

uint64_t
fabric_db_n_over_budget(const struct fabric_host *host)
{
    struct ovsdb_status session;

    if (!host->db) {
        return 0;
    }
    ovsdb_session_get_status(host->db->session, &session);
    return session.n_over_budget;
}
